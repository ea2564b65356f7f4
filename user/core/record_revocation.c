/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/record_revocation.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define FLAG_TELLS 0x01
#define FLAGS_ALL  FLAG_TELLS

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
	return home4_is_set(h) ? h->len <= 32 : !h->len && !h->domain;
}

static bool is_global(uint8_t trigger)
{
	return trigger == BR_PER_PEER_POLICY || trigger == BR_LOCAL_POLICY;
}

static bool names_ok(const struct record_revocation *v)
{
	if (v->mnid.len > MH_NAI_MAX || (v->mnid.len && v->mnid.subtype != MNID_NAI))
		return false;
	if (v->type == RECORD_OWED)
		return v->mnid.len;
	return !v->n_prefixes && !home4_is_set(&v->home4);
}

static bool type_ok(const struct record_revocation *v)
{
	switch (v->type) {
	case RECORD_OWED:
		return v->tells && v->trigger <= BR_OUT_OF_SYNC && !v->doom && !v->before;
	case RECORD_GLOBAL:
		return v->tells && is_global(v->trigger) && !v->doom && !v->before;
	case RECORD_DOOM:
		return v->doom >= RECORD_DOOM_ORPHANED && v->doom <= RECORD_DOOM_WITHDRAWN &&
		       v->trigger <= BR_OUT_OF_SYNC && !v->port;
	}
	return false;
}

static bool revocation_ok(const struct record_revocation *v)
{
	if (!type_ok(v) || !names_ok(v) || (!v->tells && v->trigger))
		return false;
	if (addr6_is_zero(&v->mag) || (v->type != RECORD_DOOM && addr6_is_zero(&v->lmaa)))
		return false;
	if (v->n_prefixes > DP_PREFIXES_MAX || !home4_ok(&v->home4))
		return false;
	for (unsigned i = 0; i < v->n_prefixes; i++)
		if (!prefix_ok(&v->prefixes[i]))
			return false;
	return true;
}

size_t record_revocation_write(const struct record_revocation *v, uint8_t *buf, size_t cap)
{
	struct wr w;

	if (!revocation_ok(v))
		return 0;
	wr_init(&w, buf, cap);
	wr_u8(&w, RECORD_REVOCATION_VERSION);
	wr_u8(&w, (uint8_t)v->type);
	wr_u8(&w, v->tells ? FLAG_TELLS : 0);
	wr_u8(&w, v->trigger);
	wr_u8(&w, (uint8_t)v->doom);
	wr_u8(&w, (uint8_t)v->n_prefixes);
	wr_u16(&w, v->port);
	wr_u64(&w, v->at);
	wr_u64(&w, v->before);
	wr_bytes(&w, &v->lmaa, 16);
	wr_bytes(&w, &v->mag, 16);
	wr_bytes(&w, &v->home4.addr, 4);
	wr_u8(&w, v->home4.len);
	wr_u16(&w, v->home4.domain);
	wr_u8(&w, v->mnid.len);
	if (v->mnid.len)
		wr_bytes(&w, v->mnid.id, v->mnid.len);
	for (unsigned i = 0; i < v->n_prefixes; i++) {
		wr_u8(&w, v->prefixes[i].len);
		wr_bytes(&w, &v->prefixes[i].addr, 16);
	}
	return wr_bad(&w) ? 0 : wr_len(&w);
}

int record_revocation_read(struct record_revocation *out, const uint8_t *data, size_t len)
{
	struct record_revocation v = {0};
	uint8_t version, flags;
	struct rd r;

	rd_init(&r, data, len);
	version = rd_u8(&r);
	if (!rd_bad(&r) && version != RECORD_REVOCATION_VERSION)
		return -EPROTONOSUPPORT;
	v.type = (enum record_revocation_type)rd_u8(&r);
	flags = rd_u8(&r);
	v.tells = flags & FLAG_TELLS;
	v.trigger = rd_u8(&r);
	v.doom = (enum record_doom)rd_u8(&r);
	v.n_prefixes = rd_u8(&r);
	v.port = rd_u16(&r);
	v.at = rd_u64(&r);
	v.before = rd_u64(&r);
	rd_copy(&r, &v.lmaa, 16);
	rd_copy(&r, &v.mag, 16);
	rd_copy(&r, &v.home4.addr, 4);
	v.home4.len = rd_u8(&r);
	v.home4.domain = rd_u16(&r);
	v.mnid.len = rd_u8(&r);
	v.mnid.subtype = v.mnid.len ? MNID_NAI : 0;
	v.mnid.id = v.mnid.len ? rd_bytes(&r, v.mnid.len) : NULL;
	if (rd_bad(&r) || v.n_prefixes > DP_PREFIXES_MAX)
		return -EBADMSG;
	for (unsigned i = 0; i < v.n_prefixes; i++) {
		v.prefixes[i].len = rd_u8(&r);
		rd_copy(&r, &v.prefixes[i].addr, 16);
	}
	if (rd_bad(&r) || rd_left(&r) || flags & ~FLAGS_ALL || !revocation_ok(&v))
		return -EBADMSG;
	*out = v;
	return 0;
}
