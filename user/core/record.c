/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/record.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define FLAG_KEYED 0x01
#define FLAG_PROXY 0x02
#define FLAGS_ALL  (FLAG_KEYED | FLAG_PROXY)

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
	if (b->state != RECORD_ACTIVE && b->state != RECORD_DEREGISTERED)
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

size_t record_binding_write(const struct record_binding *b, uint8_t *buf, size_t cap)
{
	struct wr w;

	if (!binding_ok(b))
		return 0;
	wr_init(&w, buf, cap);
	wr_u8(&w, RECORD_BINDING_VERSION);
	wr_u8(&w, (uint8_t)b->state);
	wr_u8(&w, (uint8_t)((b->keyed ? FLAG_KEYED : 0) | (b->proxy ? FLAG_PROXY : 0)));
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
	for (unsigned i = 0; i < b->n_prefixes; i++) {
		wr_u8(&w, b->prefixes[i].len);
		wr_bytes(&w, &b->prefixes[i].addr, 16);
	}
	return wr_bad(&w) ? 0 : wr_len(&w);
}

static void read_prefixes(struct rd *r, struct record_binding *b)
{
	for (unsigned i = 0; i < b->n_prefixes; i++) {
		b->prefixes[i].len = rd_u8(r);
		rd_copy(r, &b->prefixes[i].addr, 16);
	}
}

int record_binding_read(struct record_binding *out, const uint8_t *data, size_t len)
{
	struct record_binding b = {0};
	uint8_t version, flags;
	struct rd r;

	rd_init(&r, data, len);
	version = rd_u8(&r);
	if (!rd_bad(&r) && version != RECORD_BINDING_VERSION)
		return -EPROTONOSUPPORT;
	b.state = (enum record_state)rd_u8(&r);
	flags = rd_u8(&r);
	b.keyed = flags & FLAG_KEYED;
	b.proxy = flags & FLAG_PROXY;
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
	read_prefixes(&r, &b);
	if (rd_bad(&r) || rd_left(&r) || flags & ~FLAGS_ALL || !binding_ok(&b))
		return -EBADMSG;
	*out = b;
	return 0;
}
