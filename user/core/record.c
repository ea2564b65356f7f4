/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/record.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define FLAG_KEYED    0x01
#define FLAG_PROXY    0x02
#define FLAG_REVOKES4 0x04
#define FLAGS_ALL     (FLAG_KEYED | FLAG_PROXY | FLAG_REVOKES4)

/* Without revocations. */
#define VERSION_1   1
#define FLAGS_ALL_1 (FLAG_KEYED | FLAG_PROXY)

#define LLID_MAX 253

static bool prefix_ok(const struct prefix6 *p)
{
	struct prefix6 masked = *p;

	if (p->len > 128)
		return false;
	prefix6_mask(&masked);
	return addr6_eq(&masked.addr, &p->addr);
}

static bool home4_ok(const struct home4 *h)
{
	if (!home4_is_set(h))
		return !h->router.s_addr && !h->len && !h->domain;
	return h->len <= 32;
}

/* The same for both ends, so that what is written can be read. */
static bool binding_ok(const struct record_binding *b)
{
	if (b->state < RECORD_ACTIVE || b->state > RECORD_REVOKING)
		return false;
	if (b->revokes4 && (b->state != RECORD_ACTIVE || !home4_is_set(&b->home4)))
		return false;
	if (b->trigger && !b->revokes4 && b->state != RECORD_REVOKING)
		return false;
	if (!b->mnid.len || b->mnid.len > MH_NAI_MAX || b->llid.len > LLID_MAX)
		return false;
	if (b->encap >= DP_ENCAP_MAX || b->n_prefixes > DP_PREFIXES_MAX || !home4_ok(&b->home4))
		return false;
	for (unsigned i = 0; i < b->n_prefixes; i++)
		if (!prefix_ok(&b->prefixes[i]))
			return false;
	return b->n_prefixes || home4_is_set(&b->home4);
}

static void write_prefixes(struct wr *w, const struct prefix6 *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		wr_u8(w, p[i].len);
		wr_bytes(w, &p[i].addr, 16);
	}
}

static uint8_t binding_flags(const struct record_binding *b)
{
	return (uint8_t)((b->keyed ? FLAG_KEYED : 0) | (b->proxy ? FLAG_PROXY : 0) |
			 (b->revokes4 ? FLAG_REVOKES4 : 0));
}

size_t record_binding_write(const struct record_binding *b, uint8_t *buf, size_t cap)
{
	struct wr w;

	if (!binding_ok(b))
		return 0;
	wr_init(&w, buf, cap);
	wr_u8(&w, RECORD_BINDING_VERSION);
	wr_u8(&w, (uint8_t)b->state);
	wr_u8(&w, binding_flags(b));
	wr_u8(&w, b->trigger);
	wr_u8(&w, b->encap);
	wr_u8(&w, b->att);
	wr_u8(&w, (uint8_t)b->n_prefixes);
	wr_u16(&w, b->seq);
	wr_u16(&w, b->port);
	wr_u32(&w, b->lifetime_s);
	wr_u64(&w, b->deadline);
	wr_u64(&w, b->timestamp);
	wr_u64(&w, b->node_newest);
	wr_u32(&w, b->handovers);
	wr_u32(&w, b->down_key);
	wr_u32(&w, b->up_key);
	wr_bytes(&w, &b->proxy_coa, 16);
	wr_bytes(&w, &b->lmaa, 16);
	wr_bytes(&w, &b->link_local, 16);
	wr_bytes(&w, &b->home4.addr, 4);
	wr_bytes(&w, &b->home4.router, 4);
	wr_u8(&w, b->home4.len);
	wr_u16(&w, b->home4.domain);
	wr_u8(&w, b->mnid.subtype);
	wr_u8(&w, b->mnid.len);
	wr_bytes(&w, b->mnid.id, b->mnid.len);
	wr_u8(&w, b->llid.len);
	if (b->llid.len)
		wr_bytes(&w, b->llid.id, b->llid.len);
	write_prefixes(&w, b->prefixes, b->n_prefixes);
	return wr_bad(&w) ? 0 : wr_len(&w);
}

static void read_prefixes(struct rd *r, struct prefix6 *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		p[i].len = rd_u8(r);
		rd_copy(r, &p[i].addr, 16);
	}
}

int record_binding_read(struct record_binding *out, const uint8_t *data, size_t len)
{
	struct record_binding b = {0};
	uint8_t version, flags;
	struct rd r;
	bool old;

	rd_init(&r, data, len);
	version = rd_u8(&r);
	old = version == VERSION_1;
	if (!rd_bad(&r) && version != RECORD_BINDING_VERSION && !old)
		return -EPROTONOSUPPORT;
	b.state = (enum record_state)rd_u8(&r);
	flags = rd_u8(&r);
	b.keyed = flags & FLAG_KEYED;
	b.proxy = flags & FLAG_PROXY;
	b.revokes4 = flags & FLAG_REVOKES4;
	b.trigger = old ? 0 : rd_u8(&r);
	b.encap = rd_u8(&r);
	b.att = rd_u8(&r);
	b.n_prefixes = rd_u8(&r);
	b.seq = rd_u16(&r);
	b.port = rd_u16(&r);
	b.lifetime_s = rd_u32(&r);
	b.deadline = rd_u64(&r);
	b.timestamp = rd_u64(&r);
	b.node_newest = rd_u64(&r);
	b.handovers = rd_u32(&r);
	b.down_key = rd_u32(&r);
	b.up_key = rd_u32(&r);
	rd_copy(&r, &b.proxy_coa, 16);
	rd_copy(&r, &b.lmaa, 16);
	rd_copy(&r, &b.link_local, 16);
	rd_copy(&r, &b.home4.addr, 4);
	rd_copy(&r, &b.home4.router, 4);
	b.home4.len = rd_u8(&r);
	b.home4.domain = rd_u16(&r);
	b.mnid.subtype = rd_u8(&r);
	b.mnid.len = rd_u8(&r);
	b.mnid.id = rd_bytes(&r, b.mnid.len);
	b.llid.len = rd_u8(&r);
	b.llid.id = b.llid.len ? rd_bytes(&r, b.llid.len) : NULL;
	if (rd_bad(&r) || b.n_prefixes > DP_PREFIXES_MAX)
		return -EBADMSG;
	read_prefixes(&r, b.prefixes, b.n_prefixes);
	if (rd_bad(&r) || rd_left(&r) || flags & ~(old ? FLAGS_ALL_1 : FLAGS_ALL) ||
	    (old && b.state > RECORD_DEREGISTERED) || !binding_ok(&b))
		return -EBADMSG;
	*out = b;
	return 0;
}

/* ---- entries of an update list */

/* In the order of their bits. */
#define UPDATE_FLAGS(X)          \
	X(0, tlv)                \
	X(1, force_udp)          \
	X(2, asks6)              \
	X(3, any_addr4)          \
	X(4, released4)          \
	X(5, refused4)           \
	X(6, refused6)           \
	X(7, gre_demanded)       \
	X(8, gre_unwanted)       \
	X(9, dhcp_relay)         \
	X(10, has_peer_restarts) \
	X(11, revoking)
#define FLAG_BIT(bit, name) | 1u << (bit)
#define UPDATE_FLAGS_ALL    (0u UPDATE_FLAGS(FLAG_BIT))

/* Without barred nodes and orders of ours. */
#define UPDATE_VERSION_2   2
#define UPDATE_FLAGS_ALL_2 0x07ffu

#define GRE_MAX 2
#define HNP_MAX 64 /* RFC 5213 6.9.2: longer ones are no home network */

static bool is_zero(const void *p, size_t len)
{
	const uint8_t *b = p;

	while (len && !*b)
		b++, len--;
	return !len;
}

/* Ends within its field, and there is one way to fill what is behind it. */
static bool name_ok(const char name[IFNAMSIZ])
{
	const size_t len = strnlen(name, IFNAMSIZ);

	return len && is_zero(name + len, IFNAMSIZ - len) && len < IFNAMSIZ;
}

static bool home4_in(const struct home4 *h, uint16_t domain)
{
	return home4_ok(h) && (!home4_is_set(h) || h->domain == domain);
}

static bool own_end_ok(const struct in6_addr *a)
{
	return addr6_is_zero(a) || addr6_is_linklocal(a);
}

/* Without addresses it is one that left, or looks for others. */
static bool update_ok(const struct record_update *u)
{
	if (u->state < RECORD_BOUND || u->state > RECORD_BARRED)
		return false;
	if (!u->mnid.len || u->mnid.len > MH_NAI_MAX || !name_ok(u->ifname) ||
	    mac_is_multicast(&u->mac))
		return false;
	if (u->encap >= DP_ENCAP_MAX || u->gre > GRE_MAX || u->n_prefixes > DP_PREFIXES_MAX)
		return false;
	if (!home4_in(&u->home4, u->domain) || !home4_in(&u->returned4, u->domain))
		return false;
	if (addr6_is_zero(&u->lmaa) || addr_is_ip4(&u->coa) != addr_is_ip4(&u->lmaa) ||
	    !own_end_ok(&u->router) || !own_end_ok(&u->node))
		return false;
	if (!u->has_peer_restarts && u->peer_restarts)
		return false;
	for (unsigned i = 0; i < u->n_prefixes; i++)
		if (!prefix_ok(&u->prefixes[i]) || !u->prefixes[i].len ||
		    u->prefixes[i].len > HNP_MAX)
			return false;
	return true;
}

static void write_home4(struct wr *w, const struct home4 *h)
{
	wr_bytes(w, &h->addr, 4);
	wr_bytes(w, &h->router, 4);
	wr_u8(w, h->len);
}

static void read_home4(struct rd *r, struct home4 *h, uint16_t domain)
{
	rd_copy(r, &h->addr, 4);
	rd_copy(r, &h->router, 4);
	h->len = rd_u8(r);
	h->domain = home4_is_set(h) ? domain : 0;
}

static uint16_t update_flags(const struct record_update *u)
{
#define FLAG_OF(bit, name) | (unsigned)u->name << (bit)
	return (uint16_t)(0u UPDATE_FLAGS(FLAG_OF));
#undef FLAG_OF
}

static void set_update_flags(struct record_update *u, unsigned flags)
{
#define FLAG_TO(bit, name) u->name = flags >> (bit)&1;
	UPDATE_FLAGS(FLAG_TO)
#undef FLAG_TO
}

size_t record_update_write(const struct record_update *u, uint8_t *buf, size_t cap)
{
	const uint8_t name_len = (uint8_t)strnlen(u->ifname, IFNAMSIZ);
	struct wr w;

	if (!update_ok(u))
		return 0;
	wr_init(&w, buf, cap);
	wr_u8(&w, RECORD_UPDATE_VERSION);
	wr_u8(&w, (uint8_t)u->state);
	wr_u16(&w, update_flags(u));
	wr_u8(&w, u->encap);
	wr_u8(&w, u->gre);
	wr_u8(&w, u->att);
	wr_u8(&w, u->reg_att);
	wr_u8(&w, (uint8_t)u->n_prefixes);
	wr_u16(&w, u->seq);
	wr_u16(&w, u->domain);
	wr_u32(&w, u->lifetime_s);
	wr_u64(&w, u->expires);
	wr_u64(&w, u->timestamp);
	wr_u32(&w, u->access_mtu);
	wr_u32(&w, u->down_key);
	wr_u32(&w, u->up_key);
	wr_u32(&w, u->peer_restarts);
	wr_bytes(&w, &u->coa, 16);
	wr_bytes(&w, &u->lmaa, 16);
	wr_bytes(&w, &u->router, 16);
	wr_bytes(&w, &u->node, 16);
	wr_bytes(&w, u->mac.b, sizeof(u->mac.b));
	write_home4(&w, &u->home4);
	write_home4(&w, &u->returned4);
	wr_u8(&w, name_len);
	wr_bytes(&w, u->ifname, name_len);
	wr_u8(&w, u->mnid.subtype);
	wr_u8(&w, u->mnid.len);
	wr_bytes(&w, u->mnid.id, u->mnid.len);
	write_prefixes(&w, u->prefixes, u->n_prefixes);
	return wr_bad(&w) ? 0 : wr_len(&w);
}

int record_update_read(struct record_update *out, const uint8_t *data, size_t len)
{
	struct record_update u = {0};
	uint8_t version, name_len;
	uint16_t flags;
	struct rd r;
	bool old;

	rd_init(&r, data, len);
	version = rd_u8(&r);
	old = version == UPDATE_VERSION_2;
	if (!rd_bad(&r) && version != RECORD_UPDATE_VERSION && !old)
		return -EPROTONOSUPPORT;
	u.state = (enum record_update_state)rd_u8(&r);
	flags = rd_u16(&r);
	set_update_flags(&u, flags);
	u.encap = rd_u8(&r);
	u.gre = rd_u8(&r);
	u.att = rd_u8(&r);
	u.reg_att = rd_u8(&r);
	u.n_prefixes = rd_u8(&r);
	u.seq = rd_u16(&r);
	u.domain = rd_u16(&r);
	u.lifetime_s = rd_u32(&r);
	u.expires = rd_u64(&r);
	u.timestamp = rd_u64(&r);
	u.access_mtu = rd_u32(&r);
	u.down_key = rd_u32(&r);
	u.up_key = rd_u32(&r);
	u.peer_restarts = rd_u32(&r);
	rd_copy(&r, &u.coa, 16);
	rd_copy(&r, &u.lmaa, 16);
	rd_copy(&r, &u.router, 16);
	rd_copy(&r, &u.node, 16);
	rd_copy(&r, u.mac.b, sizeof(u.mac.b));
	read_home4(&r, &u.home4, u.domain);
	read_home4(&r, &u.returned4, u.domain);
	name_len = rd_u8(&r);
	if (name_len >= IFNAMSIZ)
		return -EBADMSG;
	rd_copy(&r, u.ifname, name_len);
	u.mnid.subtype = rd_u8(&r);
	u.mnid.len = rd_u8(&r);
	u.mnid.id = rd_bytes(&r, u.mnid.len);
	if (rd_bad(&r) || u.n_prefixes > DP_PREFIXES_MAX ||
	    memchr(u.ifname, 0, name_len ? name_len : 1))
		return -EBADMSG;
	read_prefixes(&r, u.prefixes, u.n_prefixes);
	if (rd_bad(&r) || rd_left(&r) || !update_ok(&u) ||
	    flags & ~(old ? UPDATE_FLAGS_ALL_2 : UPDATE_FLAGS_ALL) ||
	    (old && u.state > RECORD_LEAVING))
		return -EBADMSG;
	*out = u;
	return 0;
}
