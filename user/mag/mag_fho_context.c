/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What two gateways tell each other of a node (RFC 5949 4.1, 6.2): read, sent, and asked for.
 *
 * Addresses, anchor and link-layer identifier go into every context. The router's link-local
 * address, the interface identifier of the node's own, and Vendor Specific options go into an
 * announcement, and into an answer when they are asked for.
 */
#include "mag/mag_fho.h"

#include <endian.h>

/* ---- reading */

static bool fit_for_node(const struct prefix6 *p)
{
	return !prefix6_is_zero(p) && p->len && p->len <= 64 && !addr6_is_linklocal(&p->addr) &&
	       !addr6_is_multicast(&p->addr);
}

static bool read_prefixes(const struct mh_msg *msg, struct mag_context *out)
{
	const struct mh_opt *o;
	unsigned i, j;

	for (i = 0; (o = mh_opt_nth(msg, MHO_HNP, i)); i++) {
		struct prefix6 p = o->hnp.prefix;

		if (!fit_for_node(&p))
			return false;
		prefix6_mask(&p);
		for (j = 0; j < out->n_prefixes && !prefix6_eq(&out->prefixes[j], &p); j++)
			;
		if (j < out->n_prefixes)
			continue;
		if (j == DP_PREFIXES_MAX)
			return false;
		out->prefixes[out->n_prefixes++] = p;
	}
	return true;
}

/* RFC 5949 6.2.7 */
static bool read_home4(const struct mag *m, const struct mh_msg *msg, struct mag_context *out)
{
	const struct mh_opt *o = mh_opt(msg, MHO_IPV4_HOA_REQUEST);

	if (!o || !o->hoa4.addr.s_addr)
		return true;
	if (!mag_home4_is_fit(m, o->hoa4.addr, o->hoa4.len))
		return false;
	out->addr4 = o->hoa4.addr;
	out->len4 = o->hoa4.len;
	return true;
}

/* RFC 5949 6.2.2: one of each family at most. The one that is configured here, or else the first
 * that makes sense. */
static void read_anchor(const struct mag *m, const struct mh_msg *msg, struct mag_context *out)
{
	const struct mh_opt *o;
	struct in6_addr a;
	unsigned i;

	for (i = 0; (o = mh_opt_nth(msg, MHO_LMA_ADDRESS, i)); i++) {
		if (!mh_lma_addr(o, &a))
			continue;
		if (addr6_is_zero(&out->lmaa))
			out->lmaa = a;
		if (mag_lma_by_addr(m, &a)) {
			out->lmaa = a;
			return;
		}
	}
}

bool mag_ho_read_context(const struct mag *m, const struct mh_msg *msg, struct mag_context *out)
{
	const struct mh_opt *o;

	memset(out, 0, sizeof(*out));
	o = mh_opt(msg, MHO_MN_LLID);
	if (o && o->llid.len == sizeof(out->mac.b))
		memcpy(out->mac.b, o->llid.id, sizeof(out->mac.b));
	if (mac_is_multicast(&out->mac))
		out->mac = (struct mac){{0}};
	if (!read_prefixes(msg, out) || !read_home4(m, msg, out))
		return false;
	read_anchor(m, msg, out);
	o = mh_opt(msg, MHO_LINK_LOCAL);
	if (o)
		out->link_local = o->addr;
	o = mh_opt(msg, MHO_MN_LLA_IID);
	if (o)
		out->iid = o->iid;
	o = mh_opt(msg, MHO_GRE_KEY);
	if (o) {
		out->gre = true;
		out->keyed = o->gre.has_key;
		out->key = o->gre.key;
	}
	return true;
}

/* ---- writing */

static void add_lma(struct mh_msg *msg, const struct in6_addr *lmaa)
{
	struct mh_opt *o = mh_opt_add(msg, MHO_LMA_ADDRESS);
	const bool ip4 = addr_is_ip4(lmaa);

	if (!o)
		return;
	o->lma.code = ip4 ? LMA_ADDR_IPV4 : LMA_ADDR_IPV6;
	o->lma.len = ip4 ? sizeof(struct in_addr) : sizeof(*lmaa);
	o->lma.octets = &lmaa->s6_addr[ip4 ? 12 : 0];
}

void mag_ho_add_llid(struct mh_msg *msg, const struct mac *mac)
{
	struct mh_opt *o = mac_is_zero(mac) ? NULL : mh_opt_add(msg, MHO_MN_LLID);

	if (o)
		o->llid = (struct llid){.len = sizeof(mac->b), .id = mac->b};
}

static const struct in6_addr *router_address(const struct mag *m, const struct mag_session *s)
{
	const struct in6_addr *ll = &m->cfg.fixed_mag_link_local_address_on_all_access_links;

	return addr6_is_zero(ll) ? &s->b.link_local : ll;
}

/* RFC 5949 6.2.5 */
static void add_link_local(const struct mag *m, const struct mag_session *s, struct mh_msg *msg)
{
	const struct in6_addr *ll = router_address(m, s);
	struct mh_opt *o = addr6_is_zero(ll) ? NULL : mh_opt_add(msg, MHO_LINK_LOCAL);

	if (o)
		o->addr = *ll;
}

/* RFC 5949 6.2.3 */
static void add_iid(const struct mag *m, const struct mag_session *s, struct mh_msg *msg)
{
	const struct in6_addr a = mag_node_address(m, s);
	struct mh_opt *o;
	uint64_t iid;

	memcpy(&iid, &a.s6_addr[8], sizeof(iid));
	o = iid ? mh_opt_add(msg, MHO_MN_LLA_IID) : NULL;
	if (o)
		o->iid = be64toh(iid);
}

struct in6_addr mag_ho_node_address(const struct mag_context *c)
{
	struct in6_addr a = {
		.s6_addr = {0xfe, 0x80}
	       };
	const uint64_t iid = htobe64(c->iid);

	memcpy(&a.s6_addr[8], &iid, sizeof(iid));
	return c->iid ? a : in6addr_any;
}

static bool has_vendor(const struct mh_msg *msg, const uint8_t *data)
{
	const struct mh_opt *o;

	for (unsigned i = 0; (o = mh_opt_nth(msg, MHO_VENDOR, i)); i++) {
		if (o->vendor.data == data)
			return true;
	}
	return false;
}

/* RFC 5949 6.2.1: Vendor ID and Sub-Type say which. Shorter ones, that say less, stand for all to
 * which they apply. */
static bool is_wanted(const struct mag_vendor *v, const struct mh_context *want)
{
	const uint32_t id = htobe32(v->id);

	if (!want || !want->len)
		return true;
	if ((want->len != 4 && want->len != 5) || memcmp(want->data, &id, sizeof(id)))
		return false;
	return want->len == 4 || want->data[4] == v->subtype;
}

/* want: NULL for all. How many there are of them. */
static unsigned add_vendors(struct mag *m, const struct mag_session *s,
			    const struct mh_context *want, struct mh_msg *msg)
{
	unsigned at = 0, n = 0;
	struct mag_vendor v;
	struct mh_opt *o;

	while (mag_vendors_next(s->vendors, &at, &v)) {
		if (!is_wanted(&v, want))
			continue;
		n++;
		o = has_vendor(msg, v.data) ? NULL : mh_opt_add(msg, MHO_VENDOR);
		if (!o)
			continue;
		o->vendor.id = v.id;
		o->vendor.subtype = v.subtype;
		o->vendor.len = v.len;
		o->vendor.data = v.data;
		ho_count_up(m, HO_C_VENDOR_SENT);
	}
	return n;
}

/* RFC 5949 4.1 (c), (d): addresses, anchor, and the link-layer identifier if there is one. */
static void add_context(const struct mag_session *s, struct mh_msg *msg)
{
	struct mh_opt *o;
	unsigned i;

	for (i = 0; i < s->b.n_prefixes; i++) {
		o = mh_opt_add(msg, MHO_HNP);
		if (o)
			o->hnp.prefix = s->b.prefixes[i];
	}
	/* the option cannot tell which domain it is of */
	if (home4_is_set(&s->b.home4) && !s->b.home4.domain) {
		o = mh_opt_add(msg, MHO_IPV4_HOA_REQUEST);
		if (o) {
			o->hoa4.addr = s->b.home4.addr;
			o->hoa4.len = s->b.home4.len;
		}
	}
	add_lma(msg, &s->b.lmaa);
	mag_ho_add_llid(msg, &s->b.mac);
}

void mag_ho_add_context(struct mag *m, const struct mag_session *s, struct mh_msg *msg)
{
	add_context(s, msg);
	add_link_local(m, s, msg);
	add_iid(m, s, msg);
	add_vendors(m, s, NULL, msg);
}

/* ---- asking */

/* RFC 5949 6.2.1: what a session can be served with, and what it is known by. */
static const uint8_t requested[] = {
	MHO_HNP,	0, MHO_MN_LLID,	   0, MHO_LMA_ADDRESS, 0, MHO_IPV4_HOA_REQUEST, 0,
	MHO_LINK_LOCAL, 0, MHO_MN_LLA_IID, 0,
};

_Static_assert(sizeof(requested) + MAG_CONTEXT_VENDORS_MAX * HO_VENDOR_REQUEST <= HO_REQUEST_MAX,
	       "all that can be configured can be asked for");

void mag_ho_add_request(const struct mag *m, struct mh_msg *msg, uint8_t buf[HO_REQUEST_MAX])
{
	struct mh_opt *o = mh_opt_add(msg, MHO_CONTEXT_REQUEST);
	uint8_t *p = buf + sizeof(requested);

	if (!o)
		return;
	memcpy(buf, requested, sizeof(requested));
	for (unsigned i = 0; i < m->cfg.fho.n_vendors; i++) {
		const uint32_t id = htobe32(m->cfg.fho.vendors[i].id);

		p[0] = MHO_VENDOR;
		p[1] = sizeof(id) + 1;
		memcpy(&p[2], &id, sizeof(id));
		p[6] = m->cfg.fho.vendors[i].subtype;
		p += HO_VENDOR_REQUEST;
	}
	o->requests.data = buf;
	o->requests.len = (uint8_t)(p - buf);
}

/* ---- answering */

/* Whether that is there, and in the message now. */
static bool has_context(struct mag *m, const struct mag_session *s, const struct mh_context *want,
			struct mh_msg *msg)
{
	if (want->type == MHO_VENDOR)
		return add_vendors(m, s, want, msg);
	if (want->type == MHO_LINK_LOCAL && !mh_opt(msg, MHO_LINK_LOCAL))
		add_link_local(m, s, msg);
	if (want->type == MHO_MN_LLA_IID && !mh_opt(msg, MHO_MN_LLA_IID))
		add_iid(m, s, msg);
	return mh_opt(msg, want->type) != NULL;
}

/* Nothing is left of what nobody gets without asking. */
static bool is_all(const struct mag *m, const struct mag_session *s, const struct mh_msg *msg)
{
	const struct in6_addr own = mag_node_address(m, s), *router = router_address(m, s);

	return (addr6_is_zero(router) || mh_opt(msg, MHO_LINK_LOCAL)) &&
	       (addr6_is_zero(&own) || mh_opt(msg, MHO_MN_LLA_IID)) &&
	       mh_opt_count(msg, MHO_VENDOR) == mag_vendors_count(s->vendors);
}

uint8_t mag_ho_answer_context(struct mag *m, const struct mag_session *s,
			      const struct mh_opt *request, struct mh_msg *msg)
{
	struct mh_context want;
	unsigned at = 0, n = 0, found = 0;

	add_context(s, msg);
	while (request && mh_context_next(request, &at, &want)) {
		n++;
		found += has_context(m, s, &want, msg);
	}
	if (n && !found) {
		msg->n_opts = 1; /* without any context: its name alone */
		return HACK_NO_CONTEXT;
	}
	return is_all(m, s, msg) ? HACK_ALL_CONTEXT : HACK_CONTEXT_ACCEPTED;
}
