/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SHOWN 48 /* octets of a wrong value that a message repeats */

const char *config_quote(const char *text, char buf[64])
{
	size_t n = 0;

	buf[n++] = '"';
	for (; *text && n < 1 + SHOWN; text++)
		buf[n++] = isprint((unsigned char)*text) ? *text : '?';
	if (*text)
		n += (size_t)snprintf(buf + n, 8, "...");
	buf[n++] = '"';
	buf[n] = '\0';
	return buf;
}

static int64_t int_load(const void *p, size_t size)
{
	switch (size) {
	case 1: {
		uint8_t v;
		memcpy(&v, p, sizeof(v));
		return v;
	}
	case 2: {
		uint16_t v;
		memcpy(&v, p, sizeof(v));
		return v;
	}
	case 8: {
		int64_t v;
		memcpy(&v, p, sizeof(v));
		return v;
	}
	default: {
		/* signed: enumerations may hold -1, and no such row goes beyond 2^31 */
		int32_t v;
		memcpy(&v, p, sizeof(v));
		return v;
	}
	}
}

static void int_store(void *p, size_t size, int64_t value)
{
	uint8_t v8 = (uint8_t)value;
	uint16_t v16 = (uint16_t)value;
	int32_t v32 = (int32_t)value;

	if (size == 1)
		memcpy(p, &v8, sizeof(v8));
	else if (size == 2)
		memcpy(p, &v16, sizeof(v16));
	else if (size == 8)
		memcpy(p, &value, sizeof(value));
	else
		memcpy(p, &v32, sizeof(v32));
}

static const struct config_name *name_of(const struct config_row *r, const char *text)
{
	for (const struct config_name *n = r->names; n && n->name; n++)
		if (!strcasecmp(n->name, text))
			return n;
	return NULL;
}

static const char *name_by_value(const struct config_row *r, int64_t v)
{
	for (const struct config_name *n = r->names; n && n->name; n++)
		if (n->value == v)
			return n->name;
	return NULL;
}

/* Decimal digits only: neither "10k" nor "0x10" nor the octal "010" of other parsers. */
static bool digits_only(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s) && !(s[0] == '0' && s[1]);
}

static void names_list(const struct config_row *r, char *buf, size_t cap)
{
	size_t n = 0;

	for (const struct config_name *w = r->names; w->name && n < cap; w++)
		n += (size_t)snprintf(buf + n, cap - n, "%s%s", n ? ", " : "", w->name);
}

const char *config_value_expected(const struct config_row *r, char buf[CONFIG_VALUE_LEN])
{
	char names[256];

	switch (r->kind) {
	case CONFIG_UINT:
		snprintf(buf, CONFIG_VALUE_LEN,
			 "a whole number from %" PRId64 " to %" PRId64 "%s%s", r->min, r->max,
			 r->unit ? " " : "", r->unit ? r->unit : "");
		break;
	case CONFIG_BOOL:
		snprintf(buf, CONFIG_VALUE_LEN, "true or false");
		break;
	case CONFIG_NAME:
		names_list(r, names, sizeof(names));
		snprintf(buf, CONFIG_VALUE_LEN, "one of %s", names);
		break;
	case CONFIG_ATT:
		names_list(r, names, sizeof(names));
		snprintf(buf, CONFIG_VALUE_LEN,
			 "a number from %" PRId64 " to %" PRId64 " or one of %s", r->min, r->max,
			 names);
		break;
	case CONFIG_STRING:
		snprintf(buf, CONFIG_VALUE_LEN, "%s", r->syntax->expected);
		break;
	case CONFIG_ADDR:
		snprintf(buf, CONFIG_VALUE_LEN, "a routable IPv6 address such as 2001:db8::1");
		break;
	case CONFIG_ADDR4:
	case CONFIG_INADDR:
		snprintf(buf, CONFIG_VALUE_LEN, "an IPv4 unicast address such as 192.0.2.1");
		break;
	case CONFIG_ADDR_ANY:
		snprintf(buf, CONFIG_VALUE_LEN,
			 "a routable IPv6 or IPv4 address such as 2001:db8::1 or 192.0.2.1");
		break;
	case CONFIG_LINKLOCAL:
		snprintf(buf, CONFIG_VALUE_LEN,
			 "an IPv6 link-local address in fe80::/64, or \"::\"");
		break;
	case CONFIG_PREFIX:
		if (r->min == r->max)
			snprintf(buf, CONFIG_VALUE_LEN,
				 "an IPv6 prefix of %" PRId64 " bits such as 2001:db8:1::/%" PRId64,
				 r->min, r->max);
		else
			snprintf(buf, CONFIG_VALUE_LEN,
				 "an IPv6 prefix of %" PRId64 " to %" PRId64
				 " bits such as 2001:db8:1::/48",
				 r->min, r->max);
		break;
	case CONFIG_PREFIX4:
		snprintf(buf, CONFIG_VALUE_LEN,
			 "an IPv4 prefix of %" PRId64 " to %" PRId64 " bits such as 192.0.2.0/24",
			 r->min, r->max);
		break;
	case CONFIG_MAC:
		snprintf(buf, CONFIG_VALUE_LEN,
			 "a unicast link-layer address such as 02:00:00:00:00:01");
		break;
	case CONFIG_MAC_OR_ZERO:
		snprintf(buf, CONFIG_VALUE_LEN,
			 "a unicast link-layer address such as 02:00:00:00:00:01, or all zero");
		break;
	case CONFIG_SECTION:
		snprintf(buf, CONFIG_VALUE_LEN, "\"key: value\" lines");
		break;
	}
	return buf;
}

__attribute__((format(printf, 4, 5))) static int wrong(const struct config_row *r, char *why,
						       const char *text, const char *fmt, ...)
{
	char expected[CONFIG_VALUE_LEN], quoted[64], what[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(why, CONFIG_WHY_LEN, "%s %s; %.280s", config_quote(text, quoted), what,
		 config_value_expected(r, expected));
	return -EINVAL;
}

static int parse_number(const struct config_row *r, const char *text, void *dst, char *why)
{
	unsigned long long v;

	if (!digits_only(text)) {
		if (r->kind == CONFIG_ATT)
			return wrong(r, why, text, "is no access technology");
		return wrong(r, why, text, "is not a whole number");
	}
	errno = 0;
	v = strtoull(text, NULL, 10);
	if (errno || v > INT64_MAX || (int64_t)v < r->min || (int64_t)v > r->max)
		return wrong(r, why, text, "is out of range");
	int_store(dst, r->size, (int64_t)v);
	return 0;
}

static int parse_bool(const struct config_row *r, const char *text, void *dst, char *why)
{
	static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no",
									       "off"};

	for (unsigned i = 0; i < 3; i++) {
		bool is_yes = !strcasecmp(text, yes[i]);

		if (is_yes || !strcasecmp(text, no[i])) {
			memcpy(dst, &is_yes, sizeof(is_yes));
			return 0;
		}
	}
	return wrong(r, why, text, "is neither true nor false");
}

/* Nothing, where that is the default. */
static bool no_addr(const struct config_row *r, const char *text, void *dst)
{
	if (*text || r->list != CONFIG_ONE || !r->def || *r->def)
		return false;
	memset(dst, 0, r->size);
	return true;
}

static int parse_addr4(const struct config_row *r, const char *text, void *dst, char *why)
{
	struct in6_addr a;
	struct in_addr four;

	if (no_addr(r, text, dst))
		return 0;
	if (addr_parse(text, &a) || !addr_is_ip4(&a) || strchr(text, ':'))
		return wrong(r, why, text,
			     strchr(text, '/') ? "has a prefix length" : "is not an IPv4 address");
	four = addr_to_ip4(&a);
	if (!addr4_is_unicast_routable(four))
		return wrong(r, why, text, "is not routable");
	if (r->kind == CONFIG_INADDR)
		memcpy(dst, &four, sizeof(four));
	else
		memcpy(dst, &a, sizeof(a));
	return 0;
}

static int parse_addr_any(const struct config_row *r, const char *text, void *dst, char *why)
{
	struct in6_addr a;

	if (no_addr(r, text, dst))
		return 0;
	if (addr_parse(text, &a))
		return wrong(r, why, text,
			     strchr(text, '/') ? "has a prefix length" : "is not an IP address");
	if (strchr(text, ':') ? !addr6_is_unicast_routable(&a)
			      : !addr4_is_unicast_routable(addr_to_ip4(&a)))
		return wrong(r, why, text, "is not routable");
	memcpy(dst, &a, sizeof(a));
	return 0;
}

static int parse_addr(const struct config_row *r, const char *text, void *dst, char *why)
{
	struct in6_addr a;

	if (no_addr(r, text, dst))
		return 0;
	if (addr6_parse(text, &a))
		return wrong(r, why, text,
			     strchr(text, '/') ? "has a prefix length" : "is not an IPv6 address");
	if (r->kind == CONFIG_ADDR && !addr6_is_unicast_routable(&a))
		return wrong(r, why, text, "is not routable");
	if (r->kind == CONFIG_LINKLOCAL && !addr6_is_zero(&a) && !addr6_is_linklocal(&a))
		return wrong(r, why, text, "is not link-local");
	memcpy(dst, &a, sizeof(a));
	return 0;
}

static int parse_prefix(const struct config_row *r, const char *text, void *dst, char *why)
{
	struct prefix6 p, host = {.len = 128};
	char addr[ADDR6_STRLEN], s[PREFIX6_STRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : 0;

	if (prefix6_parse(text, &p)) {
		if (slash && n < sizeof(addr) && digits_only(slash + 1) && strlen(slash + 1) <= 3 &&
		    atoi(slash + 1) <= 128) {
			snprintf(addr, sizeof(addr), "%.*s", (int)n, text);
			if (!addr6_parse(addr, &host.addr)) {
				host.len = (uint8_t)atoi(slash + 1);
				prefix6_mask(&host);
				snprintf(why, CONFIG_WHY_LEN,
					 "\"%s\" has bits set beyond its length; %s", text,
					 prefix6_str(&host, s));
				return -EINVAL;
			}
		}
		if (!slash && !addr6_parse(text, &host.addr))
			return wrong(r, why, text, "has no prefix length");
		return wrong(r, why, text, "is not an IPv6 prefix");
	}
	if (p.len < r->min || p.len > r->max)
		return wrong(r, why, text, "has a length out of range");
	host.addr = p.addr;
	if (p.len >= 3 && !addr6_is_zero(&p.addr) &&
	    (addr6_is_multicast(&p.addr) || addr6_is_linklocal(&p.addr)))
		return wrong(r, why, text, "is not for unicast routing");
	/* ::/8 is reserved (RFC 4291 2.4), and the data plane keeps other things under it */
	if (p.len && !p.addr.s6_addr[0])
		return wrong(r, why, text, "is not for unicast routing");
	memcpy(dst, &p, sizeof(p));
	return 0;
}

static int parse_prefix4(const struct config_row *r, const char *text, void *dst, char *why)
{
	const char *slash = strchr(text, '/');
	struct prefix4 p, host;
	struct in6_addr a;
	char addr[ADDR6_STRLEN], s[PREFIX4_STRLEN];

	if (prefix4_parse(text, &p)) {
		snprintf(addr, sizeof(addr), "%.*s", slash ? (int)(slash - text) : 40, text);
		if (addr_parse(addr, &a) || !addr_is_ip4(&a) || strchr(addr, ':'))
			return wrong(r, why, text, "is not an IPv4 prefix");
		if (!slash)
			return wrong(r, why, text, "has no prefix length");
		if (!digits_only(slash + 1) || strlen(slash + 1) > 2 || atoi(slash + 1) > 32)
			return wrong(r, why, text, "is not an IPv4 prefix");
		host.len = (uint8_t)atoi(slash + 1);
		host.addr.s_addr = addr_to_ip4(&a).s_addr & prefix4_mask(host.len).s_addr;
		snprintf(why, CONFIG_WHY_LEN, "\"%s\" has bits set beyond its length; %s", text,
			 prefix4_str(&host, s));
		return -EINVAL;
	}
	if (p.len < r->min || p.len > r->max)
		return wrong(r, why, text, "has a length out of range");
	if (!addr4_is_unicast_routable(p.addr))
		return wrong(r, why, text, "is not for unicast routing");
	memcpy(dst, &p, sizeof(p));
	return 0;
}

static int parse_mac(const struct config_row *r, const char *text, void *dst, char *why)
{
	struct mac m;

	if (mac_parse(text, &m))
		return wrong(r, why, text, "is not a link-layer address");
	if (mac_is_multicast(&m))
		return wrong(r, why, text, "is a group address");
	if (r->kind == CONFIG_MAC && mac_is_zero(&m))
		return wrong(r, why, text, "is zero");
	memcpy(dst, &m, sizeof(m));
	return 0;
}

static int parse_string(const struct config_row *r, const char *text, void *dst, char *why)
{
	size_t len = strlen(text);

	if (len >= r->size)
		return wrong(r, why, text, "is longer than %zu characters", r->size - 1);
	if (!r->syntax->ok(text))
		return wrong(r, why, text, "is not allowed here");
	memset(dst, 0, r->size);
	memcpy(dst, text, len);
	return 0;
}

int config_value_parse(const struct config_row *r, const char *text, void *dst,
		       char why[CONFIG_WHY_LEN])
{
	const struct config_name *n;

	switch (r->kind) {
	case CONFIG_UINT:
		return parse_number(r, text, dst, why);
	case CONFIG_BOOL:
		return parse_bool(r, text, dst, why);
	case CONFIG_NAME:
	case CONFIG_ATT:
		n = name_of(r, text);
		if (n) {
			int_store(dst, r->size, n->value);
			return 0;
		}
		if (r->kind == CONFIG_ATT)
			return parse_number(r, text, dst, why);
		return wrong(r, why, text, "is unknown");
	case CONFIG_STRING:
		return parse_string(r, text, dst, why);
	case CONFIG_ADDR:
	case CONFIG_LINKLOCAL:
		return parse_addr(r, text, dst, why);
	case CONFIG_ADDR4:
	case CONFIG_INADDR:
		return parse_addr4(r, text, dst, why);
	case CONFIG_ADDR_ANY:
		return parse_addr_any(r, text, dst, why);
	case CONFIG_PREFIX:
		return parse_prefix(r, text, dst, why);
	case CONFIG_PREFIX4:
		return parse_prefix4(r, text, dst, why);
	case CONFIG_MAC:
	case CONFIG_MAC_OR_ZERO:
		return parse_mac(r, text, dst, why);
	case CONFIG_SECTION:
		break;
	}
	return wrong(r, why, text, "is one value");
}

const char *config_value_str(const struct config_row *r, const void *v, char buf[CONFIG_VALUE_LEN])
{
	char text[INET_ADDRSTRLEN];
	struct in_addr four;
	const char *name;
	bool b;

	buf[0] = '\0';
	switch (r->kind) {
	case CONFIG_UINT:
		snprintf(buf, CONFIG_VALUE_LEN, "%" PRId64, int_load(v, r->size));
		break;
	case CONFIG_BOOL:
		memcpy(&b, v, sizeof(b));
		snprintf(buf, CONFIG_VALUE_LEN, "%s", b ? "true" : "false");
		break;
	case CONFIG_NAME:
	case CONFIG_ATT:
		name = name_by_value(r, int_load(v, r->size));
		if (name)
			snprintf(buf, CONFIG_VALUE_LEN, "%s", name);
		else
			snprintf(buf, CONFIG_VALUE_LEN, "%" PRId64, int_load(v, r->size));
		break;
	case CONFIG_STRING:
		snprintf(buf, CONFIG_VALUE_LEN, "%s", (const char *)v);
		break;
	case CONFIG_ADDR:
	case CONFIG_ADDR4:
	case CONFIG_ADDR_ANY:
		if (!addr6_is_zero(v))
			addr_str(v, buf);
		break;
	case CONFIG_INADDR:
		memcpy(&four, v, sizeof(four));
		if (four.s_addr)
			snprintf(buf, CONFIG_VALUE_LEN, "%s",
				 inet_ntop(AF_INET, &four, text, sizeof(text)));
		break;
	case CONFIG_LINKLOCAL:
		addr6_str(v, buf);
		break;
	case CONFIG_PREFIX:
		prefix6_str(v, buf);
		break;
	case CONFIG_PREFIX4:
		prefix4_str(v, buf);
		break;
	case CONFIG_MAC:
	case CONFIG_MAC_OR_ZERO:
		mac_str(v, buf);
		break;
	case CONFIG_SECTION:
		break;
	}
	return buf;
}

void *config_row_at(const struct config_row *r, void *base, unsigned i)
{
	char *p = (char *)base + r->offset;

	if (r->list == CONFIG_HEAP)
		memcpy(&p, (char *)base + r->offset, sizeof(p));
	return i ? p + (size_t)i * r->size : p; /* p may be NULL for an empty list */
}

unsigned config_row_count(const struct config_row *r, const void *base)
{
	unsigned n;
	bool there;

	if (r->list != CONFIG_ONE) {
		memcpy(&n, (const char *)base + r->count, sizeof(n));
		return n;
	}
	if (r->kind == CONFIG_SECTION && r->count) {
		memcpy(&there, (const char *)base + r->count, sizeof(there));
		return there;
	}
	return 1;
}

void config_section_clear(const struct config_section *s, void *base)
{
	for (size_t i = 0; i < s->n_rows; i++) {
		const struct config_row *r = &s->rows[i];
		void *none = NULL;

		if (r->kind == CONFIG_SECTION)
			for (unsigned e = 0; e < config_row_count(r, base); e++)
				config_section_clear(r->sub, config_row_at(r, base, e));
		if (r->list != CONFIG_HEAP)
			continue;
		free(config_row_at(r, base, 0));
		memcpy((char *)base + r->offset, &none, sizeof(none));
	}
}

/* Decimal, no longer than it has to be. */
static const char *number(const char *s, uint64_t max, uint32_t *out)
{
	uint64_t v = 0;
	const char *p = s;

	for (; isdigit((unsigned char)*p); p++) {
		v = v * 10 + (uint64_t)(*p - '0');
		if (v > max || (p > s && *s == '0'))
			return NULL;
	}
	*out = (uint32_t)v;
	return p > s ? p : NULL;
}

bool config_vendor(const char *s, struct mag_vendor_cfg *out)
{
	struct mag_vendor_cfg v;
	const char *p = number(s, UINT32_MAX, &v.id);

	if (!p || *p++ != '/')
		return false;
	p = number(p, UINT8_MAX, &v.subtype);
	if (!p || *p)
		return false;
	*out = v;
	return true;
}
