/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages as text. The long form names fields and values the way tshark does; the short form is
 * one line for logs and the event stream. What came from the network is never written raw.
 */
#include "wire/mh_table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/util.h"

/* Text into a buffer of fixed size: always terminated, what does not fit is left away. */
struct text {
	char *p;
	size_t left; /* with the terminator */
};

static struct text text_init(char *buf, size_t cap)
{
	if (cap)
		buf[0] = '\0';
	return (struct text){.p = buf, .left = cap};
}

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!t->left)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->p, t->left, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= t->left)
		n = (int)t->left - 1;
	t->p += n;
	t->left -= (size_t)n;
}

static void put_hex(struct text *t, const uint8_t *p, unsigned len, const char *sep)
{
	for (unsigned i = 0; i < len && t->left > 1; i++)
		put(t, "%s%02x", i ? sep : "", p[i]);
}

static bool printable(const uint8_t *p, unsigned len)
{
	for (unsigned i = 0; i < len; i++) {
		if (p[i] <= 0x20 || p[i] >= 0x7f)
			return false;
	}
	return true;
}

static void put_text(struct text *t, const uint8_t *p, unsigned len)
{
	if (!len)
		return;
	if (printable(p, len)) {
		put(t, "%.*s", (int)len, (const char *)p);
	} else {
		put(t, "0x");
		put_hex(t, p, len, "");
	}
}

static void put_time(struct text *t, uint64_t ts)
{
	time_t s = (time_t)(ts >> 16);
	unsigned us = (unsigned)((ts & 0xffff) * 1000000 >> 16);
	struct tm tm;
	char date[64];

	put(t, "%" PRIu64 ".%06u", ts >> 16, us);
	if (gmtime_r(&s, &tm) && strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm))
		put(t, " (%s)", date);
}

const char *mnid_str(const struct mnid *id, char *buf, size_t cap)
{
	struct text t = text_init(buf, cap);

	if (id->subtype == MNID_NAI) {
		put_text(&t, id->id, id->len);
	} else {
		put(&t, "%u:0x", id->subtype);
		put_hex(&t, id->id, id->len, "");
	}
	return buf;
}

const char *llid_str(const struct llid *id, char *buf, size_t cap)
{
	struct text t = text_init(buf, cap);

	put_hex(&t, id->id, id->len, ":");
	return buf;
}

static uint64_t value_of(const struct mh_field *f, const uint8_t *base)
{
	const void *v = base + f->off;

	switch (f->width) {
	case 1:
		return *(const uint8_t *)v;
	case 2:
		return *(const uint16_t *)v;
	case 4:
		return *(const uint32_t *)v;
	default:
		return *(const uint64_t *)v;
	}
}

static void put_uint(struct text *t, const struct mh_field *f, uint64_t v)
{
	char flags[17];

	if (f->value_name) {
		put(t, "%s (%" PRIu64 ")", f->value_name((uint8_t)v), v);
		return;
	}
	switch (f->show) {
	case MHS_HEX:
		put(t, "0x%0*" PRIx64, 2 * f->width, v);
		break;
	case MHS_UNITS:
		put(t, "%" PRIu64 " (%" PRIu64 " seconds)", v, v * MH_LIFETIME_UNIT);
		break;
	case MHS_TIME:
		put_time(t, v);
		break;
	case MHS_YES_NO:
		put(t, "%s", v ? "yes" : "no");
		break;
	case MHS_BU_FLAGS:
		put(t, "0x%04" PRIx64 " (%s)", v, mh_bu_flags_str((uint16_t)v, flags));
		break;
	case MHS_BA_FLAGS:
		put(t, "0x%02" PRIx64 " (%s)", v, mh_ba_flags_str((uint8_t)v, flags));
		break;
	case MHS_HB_FLAGS:
		put(t, "0x%04" PRIx64 " (%s)", v, mh_hb_flags_str((uint16_t)v, flags));
		break;
	case MHS_BR_FLAGS:
		put(t, "0x%04" PRIx64 " (%s)", v, mh_br_flags_str((uint16_t)v, flags));
		break;
	case MHS_HI_FLAGS:
		put(t, "0x%02" PRIx64 " (%s)", v, mh_hi_flags_str((uint16_t)v, flags));
		break;
	case MHS_HACK_FLAGS:
		put(t, "0x%02" PRIx64 " (%s)", v, mh_hack_flags_str((uint16_t)v, flags));
		break;
	default:
		put(t, "%" PRIu64, v);
	}
}

static void put_ip(struct text *t, const uint8_t *p, unsigned len)
{
	char buf[ADDR6_STRLEN];
	struct in6_addr a = {0};
	struct in_addr a4;

	if (len == sizeof(a4)) {
		memcpy(&a4, p, sizeof(a4));
		a = addr_from_ip4(a4);
		put(t, "%s", addr_str(&a, buf));
	} else if (len == sizeof(a)) {
		memcpy(&a, p, sizeof(a));
		put(t, "%s", addr6_str(&a, buf));
	}
}

static void put_context(struct text *t, const uint8_t *p, uint8_t len, const char *sep)
{
	const struct mh_opt o = {
		.requests = {.len = len, .data = p}
	   };
	struct mh_context c;
	unsigned at = 0;

	while (mh_context_next(&o, &at, &c)) {
		put(t, "%s%u", c.data == p + 2 ? "" : sep, c.type);
		if (!c.len)
			continue;
		put(t, "(");
		put_hex(t, c.data, c.len, "");
		put(t, ")");
	}
}

static void put_tail(struct text *t, const struct mh_field *f, const uint8_t *p, uint8_t len)
{
	switch (f->show) {
	case MHS_TEXT:
		put_text(t, p, len);
		break;
	case MHS_IP:
		put_ip(t, p, len);
		break;
	case MHS_CONTEXT:
		put_context(t, p, len, ", ");
		break;
	default:
		put_hex(t, p, len, ":");
	}
}

static void put_value(struct text *t, const struct mh_field *f, const uint8_t *base)
{
	/* only rows of messages have this, so that `base` is one */
	const struct mh_msg *msg = (const void *)base;
	char addr[ADDR6_STRLEN];
	struct in6_addr a;
	struct in_addr a4;

	if (f->value_name_in) {
		put(t, "%s (%u)", f->value_name_in(msg, base[f->off]), base[f->off]);
		return;
	}
	switch (f->kind) {
	case MHF_BITS:
		put_uint(t, f, base[f->off]);
		break;
	case MHF_ADDR4:
		memcpy(&a4, base + f->off, sizeof(a4));
		a = addr_from_ip4(a4);
		put(t, "%s", addr_str(&a, addr));
		break;
	case MHF_ADDR6:
		memcpy(&a, base + f->off, sizeof(a));
		put(t, "%s", addr6_str(&a, addr));
		break;
	case MHF_TAIL:
		put_tail(t, f, *(const uint8_t *const *)(base + f->off), base[f->off_len]);
		break;
	default:
		put_uint(t, f, value_of(f, base));
	}
}

static void print_fields(FILE *out, const char *indent, const struct mh_field *f, unsigned n,
			 const void *base)
{
	char buf[1024]; /* 255 octets as "aa:" and less */

	for (; n; n--, f++) {
		struct text t = text_init(buf, sizeof(buf));

		if (f->kind == MHF_RESERVED ||
		    (f->kind == MHF_UINT_IF && !((const uint8_t *)base)[f->off_len]))
			continue;
		put_value(&t, f, base);
		fprintf(out, "%s%s:%s%s\n", indent, f->name, buf[0] ? " " : "", buf);
	}
}

static const char *msg_title(const struct mh_msg *m)
{
	if (m->type == MH_BU && m->bu.flags & MH_BU_P)
		return "Proxy Binding Update";
	if (m->type == MH_BA && m->ba.flags & MH_BA_P)
		return "Proxy Binding Acknowledgement";
	if (m->type == MH_BINDING_REVOCATION &&
	    (m->br.type == BR_INDICATION || m->br.type == BR_ACKNOWLEDGEMENT))
		return br_type_name(m->br.type);
	return mh_type_name(m->type);
}

void mh_print(FILE *f, const struct mh_msg *m)
{
	const struct mh_type_info *type = mh_type_row(m->type);

	fprintf(f, "%s (%u)\n", msg_title(m), m->type);
	if (type)
		print_fields(f, "  ", type->fields, type->n_fields, m);
	for (unsigned i = 0; i < m->n_opts; i++) {
		const struct mh_opt *o = &m->opt[i];
		const struct mh_opt_info *row = mh_opt_row(o->type);

		fprintf(f, "  Mobility Option: %s (%u)\n", mh_opt_name(o->type), o->type);
		if (row && row->has_layout) {
			print_fields(f, "    ", row->fields, row->n_fields, o);
		} else {
			char buf[3 * 255 + 1];
			struct text t = text_init(buf, sizeof(buf));

			put_hex(&t, o->raw, o->len, ":");
			fprintf(f, "    Data (%u octets):%s%s\n", o->len, o->len ? " " : "", buf);
		}
	}
}

static void put_hoa4(struct text *t, const struct mh_opt *o)
{
	const struct prefix4 p = {.addr = o->hoa4.addr, .len = o->hoa4.len};
	char buf[PREFIX4_STRLEN];

	put(t, " HoA4 %s", prefix4_str(&p, buf));
}

/* What a gateway asks for of a node's context, in the words in which it will come. */
static void summarize_request(struct text *t, const struct mh_opt *o)
{
	static const struct {
		uint8_t type;
		const char *word;
	} words[] = {
		{MHO_HNP,		  "HNP" },
		  {MHO_MN_LLID,		"LLID"},
		{MHO_LMA_ADDRESS,	  "LMA" },
		  {MHO_IPV4_HOA_REQUEST, "HoA4"},
		{MHO_LINK_LOCAL,	 "LLA" },
		  {MHO_MN_LLA_IID,	   "IID" },
	};
	struct mh_context c;
	unsigned at = 0;

	while (mh_context_next(o, &at, &c)) {
		const char *word = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(words) && !word; i++)
			word = words[i].type == c.type ? words[i].word : NULL;
		put(t, "%s", c.data == o->requests.data + 2 ? "" : ",");
		if (word)
			put(t, "%s", word);
		else
			put(t, "%u", c.type);
		if (!c.len)
			continue;
		put(t, "(");
		put_hex(t, c.data, c.len, "");
		put(t, ")");
	}
}

static void summarize_opt(struct text *t, const struct mh_opt *o)
{
	char buf[3 * 255 + 1];
	struct in6_addr mapped;

	switch (o->type) {
	case MHO_MN_ID:
		put(t, " %s", o->mnid.len ? mnid_str(&o->mnid, buf, sizeof(buf)) : "MN-ID empty");
		break;
	case MHO_HNP:
		put(t, " HNP %s", prefix6_str(&o->hnp.prefix, buf));
		break;
	case MHO_HANDOFF_IND:
		put(t, " HI %u", o->value);
		break;
	case MHO_ATT:
		put(t, " ATT %u", o->value);
		break;
	case MHO_MN_LLID:
		put(t, " LLID %s", llid_str(&o->llid, buf, sizeof(buf)));
		break;
	case MHO_LINK_LOCAL:
		put(t, " LLA %s", addr6_str(&o->addr, buf));
		break;
	case MHO_ALT_COA:
		put(t, " CoA %s", addr6_str(&o->addr, buf));
		break;
	case MHO_TIMESTAMP:
		put(t, " TS %" PRIu64 ".%03u", o->timestamp >> 16,
		    (unsigned)((o->timestamp & 0xffff) * 1000 >> 16));
		break;
	case MHO_BINDING_REFRESH_ADVICE:
		put(t, " refresh %us", o->refresh_interval * MH_LIFETIME_UNIT);
		break;
	case MHO_SERVICE_SELECTION:
		put(t, " service ");
		put_text(t, o->bytes.data, o->bytes.len);
		break;
	case MHO_RESTART_COUNTER:
		put(t, " restarts %" PRIu32, o->restart_counter);
		break;
	case MHO_NAT_DETECTION:
		put(t, " NAT%s", o->nat.force ? " F" : "");
		break;
	case MHO_GRE_KEY:
		put(t, " GRE");
		if (o->gre.has_key)
			put(t, " key %" PRIu32, o->gre.key);
		break;
	case MHO_IPV4_HOA_REQUEST:
		put_hoa4(t, o);
		break;
	case MHO_IPV4_HOA_REPLY:
		put_hoa4(t, o);
		put(t, " status %u", o->hoa4.status);
		break;
	case MHO_IPV4_DEFAULT_ROUTER:
		mapped = addr_from_ip4(o->addr4);
		put(t, " router %s", addr_str(&mapped, buf));
		break;
	case MHO_IPV4_DHCP_MODE:
		put(t, " DHCP %s", o->server ? "server" : "relay");
		break;
	case MHO_CONTEXT_REQUEST:
		put(t, " asks for ");
		summarize_request(t, o);
		break;
	case MHO_LMA_ADDRESS:
		put(t, " LMA ");
		put_ip(t, o->lma.octets, o->lma.len);
		break;
	case MHO_MN_LLA_IID:
		put(t, " IID %016" PRIx64, o->iid);
		break;
	default:
		put(t, " opt-%u", o->type);
	}
}

static const char *heartbeat_kind(const struct mh_msg *m)
{
	if (!(m->hb.flags & MH_HB_R))
		return "request";
	return m->hb.flags & MH_HB_U ? "unsolicited response" : "response";
}

/* RFC 5949 6.1: whoever reads this knows fewer of its flags and codes than of a registration's. */
static void summarize_handover(struct text *t, const struct mh_msg *m)
{
	static const struct {
		uint8_t hi, hack;
		const char *word;
	} words[] = {
		{MH_HI_P, MH_HACK_P, "proxy"   },
		{MH_HI_F, MH_HACK_F, "forward" },
		{MH_HI_U, MH_HACK_U, "buffer"  },
		{MH_HI_S, 0,	     "stateful"},
	};
	const bool hi = m->type == MH_HI;
	const bool proxy = m->ho.flags & (hi ? MH_HI_P : MH_HACK_P);

	put(t, " seq %u", m->ho.seq);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (m->ho.flags & (hi ? words[i].hi : words[i].hack))
			put(t, " %s", words[i].word);
	}
	put(t, " code %u (%s)", m->ho.code,
	    hi ? hi_code_name(m->ho.code, proxy) : hack_code_name(m->ho.code, proxy));
}

const char *mh_summary(const struct mh_msg *m, char *buf, size_t cap)
{
	struct text t = text_init(buf, cap);
	char tmp[ADDR6_STRLEN];

	put(&t, "%s", mh_msg_name(m));
	switch (m->type) {
	case MH_BU:
		put(&t, " seq %u", m->bu.seq);
		if (*mh_bu_flags_str(m->bu.flags, tmp))
			put(&t, " %s", tmp);
		put(&t, " %us", m->bu.lifetime * MH_LIFETIME_UNIT);
		break;
	case MH_BA:
		put(&t, " status %u %s seq %u", m->ba.status, pba_status_name(m->ba.status),
		    m->ba.seq);
		if (*mh_ba_flags_str(m->ba.flags, tmp))
			put(&t, " %s", tmp);
		put(&t, " %us", m->ba.lifetime * MH_LIFETIME_UNIT);
		break;
	case MH_BE:
		put(&t, " status %u hoa %s", m->be.status, addr6_str(&m->be.hoa, tmp));
		break;
	case MH_HEARTBEAT:
		put(&t, " %s seq %" PRIu32, heartbeat_kind(m), m->hb.seq);
		break;
	case MH_BINDING_REVOCATION:
		put(&t, " %s %u seq %u", m->br.type == BR_ACKNOWLEDGEMENT ? "status" : "trigger",
		    m->br.code, m->br.seq);
		if (*mh_br_flags_str(m->br.flags, tmp))
			put(&t, " %s", tmp);
		break;
	case MH_HI:
	case MH_HACK:
		summarize_handover(&t, m);
		break;
	default:
		break;
	}
	for (unsigned i = 0; i < m->n_opts; i++)
		summarize_opt(&t, &m->opt[i]);
	return buf;
}

static void print_alignment_md(FILE *f, const struct mh_opt_info *row)
{
	if (row->align_rule == MH_ALIGN_BY_TAIL)
		fprintf(f, "by size");
	else if (row->align_rule == MH_ALIGN_ENDS_AT_8N)
		fprintf(f, "ends at 8n");
	else if (row->align_x == 1)
		fprintf(f, "none");
	else if (row->align_y)
		fprintf(f, "%un+%u", row->align_x, row->align_y);
	else
		fprintf(f, "%un", row->align_x);
}

void mh_print_registry_md(FILE *f)
{
	const struct mh_type_info *type;
	const struct mh_opt_info *opt;
	size_t n = mh_type_infos(&type);

	fprintf(f, "| MH Type | message | codec | least Header Len | reference |\n"
		   "|---|---|---|---|---|\n");
	for (; n; n--, type++)
		fprintf(f, "| %u | %s | %s | %u | %s |\n", type->type, type->name,
			type->has_layout ? "full" : "by name", type->min_hdr_len, type->ref);

	fprintf(f, "\n| option | name | codec | Length | alignment | repeatable | reference |\n"
		   "|---|---|---|---|---|---|---|\n");
	for (n = mh_opt_infos(&opt); n; n--, opt++) {
		fprintf(f, "| %u | %s | ", opt->type, opt->name);
		if (!opt->has_layout) {
			fprintf(f, "by name | any | none | yes");
		} else {
			fprintf(f, "full | %u", opt->min_len);
			if (opt->max_len != opt->min_len)
				fprintf(f, "-%u", opt->max_len);
			fprintf(f, " | ");
			print_alignment_md(f, opt);
			fprintf(f, " | %s", opt->repeatable ? "yes" : "no");
		}
		fprintf(f, " | %s |\n", opt->ref);
	}
}
