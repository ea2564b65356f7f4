/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "control/control_priv.h"

void control_buf_add(struct control_buf *b, const void *data, size_t len)
{
	if (b->bad || !len)
		return;
	if (b->cap - b->len < len) {
		size_t cap = b->cap ? b->cap : 512;
		char *p;

		while (cap - b->len < len)
			cap *= 2;
		p = realloc(b->p, cap);
		if (!p) {
			b->bad = true;
			return;
		}
		b->p = p;
		b->cap = cap;
	}
	memcpy(b->p + b->len, data, len);
	b->len += len;
}

static int dump_to_buf(const char *data, size_t len, void *ctx)
{
	struct control_buf *b = ctx;

	control_buf_add(b, data, len);
	return b->bad ? -1 : 0;
}

void control_buf_json(struct control_buf *b, const json_t *j)
{
	if (!j || json_dump_callback(j, dump_to_buf, b, JSON_COMPACT))
		b->bad = true;
}

void control_buf_free(struct control_buf *b)
{
	free(b->p);
	*b = (struct control_buf){0};
}

bool control_page_wants(struct control_page *pg)
{
	if (pg->more || pg->seen++ < pg->offset)
		return false;
	if (pg->written < pg->limit && pg->out->len < CONTROL_PAGE_BYTES)
		return true;
	pg->seen--;
	pg->more = true;
	return false;
}

void control_page_row(struct control_page *pg, json_t *row)
{
	if (pg->written++)
		control_buf_add(pg->out, ",", 1);
	control_buf_json(pg->out, row);
	json_decref(row);
}

json_t *control_str(const char *s)
{
	json_t *j;

	if (!s)
		return json_null();
	j = json_string(s);
	return j ? j : json_string("?");
}

json_t *control_addr(const struct in6_addr *a)
{
	char s[ADDR6_STRLEN];

	return json_string(addr_str(a, s));
}

json_t *control_in(struct in_addr a)
{
	const struct in6_addr mapped = addr_from_ip4(a);

	return a.s_addr ? control_addr(&mapped) : json_null();
}

json_t *control_mac(const struct mac *m)
{
	char s[MAC_STRLEN];

	return json_string(mac_str(m, s));
}

json_t *control_mnid(const struct mnid *id)
{
	char s[2 * MH_NAI_MAX + 32];

	return control_str(mnid_str(id, s, sizeof(s)));
}

json_t *control_prefixes(const struct prefix6 *p, unsigned n)
{
	json_t *a = json_array();
	char s[PREFIX6_STRLEN];

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(a, json_string(prefix6_str(&p[i], s)));
	return a;
}

json_t *control_ns_to_s(uint64_t ns)
{
	return json_real((double)(ns / 1000) / 1e6);
}

json_t *control_ms(nsec_t took)
{
	return took == NSEC_NEVER ? json_null() : json_real((double)(took / 1000) / 1e3);
}

/* How full it is, by whichever of its two bounds is nearer. */
static json_t *fill(const struct dp_buffered *b)
{
	uint64_t packets = b->max_packets ? b->packets * 100ull / b->max_packets : 0;
	uint64_t octets = b->max_octets ? b->octets * 100 / b->max_octets : 0;

	if (!b->max_packets && !b->max_octets)
		return json_null();
	return json_integer((json_int_t)(packets > octets ? packets : octets));
}

json_t *control_buffer(const struct dp_buffered *b, nsec_t now)
{
#define NAME(sym, name, help) [sym] = name,
	static const char *const why[] = {DP_BUFFER_DROPS(NAME)};
#undef NAME
	json_t *o = json_object(), *dropped = json_object();

	control_set(o, "packets", json_integer(b->packets));
	control_set(o, "octets", json_integer((json_int_t)b->octets));
	control_set(o, "oldest_ms",
		    b->oldest
			    ? json_integer((json_int_t)(nsec_sub(now, b->oldest) / nsec_from_ms(1)))
			    : json_null());
	control_set(o, "fill_percent", fill(b));
	control_set(o, "draining", json_boolean(b->draining));
	control_set(o, "kept", json_integer((json_int_t)b->kept));
	control_set(o, "handed_on", json_integer((json_int_t)b->handed_on));
	for (unsigned i = 0; i < DP_BUFFER_DROP_MAX; i++)
		control_set(dropped, why[i], json_integer((json_int_t)b->dropped[i]));
	control_set(o, "dropped", dropped);
	return o;
}

void control_set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}
