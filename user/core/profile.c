/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define HASH_NONFATAL_OOM	 1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>

struct entry {
	UT_hash_handle hh;
	bool oom;
	struct profile profile;
	size_t key_len;
	uint8_t key[]; /* subtype, then the octets of the MN-ID (or of a fallback's realm) */
};

struct mac_entry {
	UT_hash_handle hh;
	bool oom;
	struct mac mac;
	const struct profile *profile;
};

/* Profiles with equal addresses, which are of different pools then. */
struct home4_entry {
	UT_hash_handle hh;
	bool oom;
	struct in_addr addr;
	const struct profile *profile;
	struct home4_entry *next;
};

struct profile_table {
	struct entry *by_mnid;
	struct mac_entry *by_mac;
	struct home4_entry *by_home4;
	struct entry *by_realm; /* "@realm" or "*" */
	size_t n;
};

int profile_table_new(struct profile_table **out)
{
	struct profile_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	*out = t;
	return 0;
}

void profile_table_free(struct profile_table **p)
{
	struct profile_table *t = *p;
	struct entry *e, *next;
	struct mac_entry *m, *next_m;
	struct home4_entry *h, *next_h;

	if (!t)
		return;
	HASH_ITER (hh, t->by_home4, h, next_h) {
		HASH_DEL(t->by_home4, h);
		while (h) {
			struct home4_entry *rest = h->next;

			free(h);
			h = rest;
		}
	}
	HASH_ITER (hh, t->by_mac, m, next_m) {
		HASH_DEL(t->by_mac, m);
		free(m);
	}
	HASH_ITER (hh, t->by_mnid, e, next) {
		HASH_DEL(t->by_mnid, e);
		free(e);
	}
	HASH_ITER (hh, t->by_realm, e, next) {
		HASH_DEL(t->by_realm, e);
		free(e);
	}
	free(t);
	*p = NULL;
}

static struct entry *entry_new(const struct profile *p, uint8_t subtype, const void *id, size_t len)
{
	struct entry *e = calloc(1, sizeof(*e) + 1 + len);

	if (!e)
		return NULL;
	e->profile = *p;
	e->key_len = 1 + len;
	e->key[0] = subtype;
	memcpy(e->key + 1, id, len);
	e->profile.mnid = (struct mnid){.subtype = subtype, .len = (uint8_t)len, .id = e->key + 1};
	return e;
}

static struct entry *entry_find(struct entry *head, uint8_t subtype, const void *id, size_t len)
{
	uint8_t key[1 + MH_NAI_MAX];
	struct entry *e;

	if (len > MH_NAI_MAX)
		return NULL;
	key[0] = subtype;
	memcpy(key + 1, id, len);
	HASH_FIND(hh, head, key, 1 + len, e);
	return e;
}

static void remove_macs(struct profile_table *t, const struct profile *p)
{
	for (unsigned i = 0; i < p->n_macs; i++) {
		struct mac_entry *m;

		HASH_FIND(hh, t->by_mac, &p->macs[i], sizeof(p->macs[i]), m);
		if (m && m->profile == p) {
			HASH_DEL(t->by_mac, m);
			free(m);
		}
	}
}

static int add_macs(struct profile_table *t, const struct profile *p)
{
	for (unsigned i = 0; i < p->n_macs; i++) {
		struct mac_entry *m;
		int err = -EEXIST;

		HASH_FIND(hh, t->by_mac, &p->macs[i], sizeof(p->macs[i]), m);
		if (!m) {
			m = calloc(1, sizeof(*m));
			err = m ? 0 : -ENOMEM;
		}
		if (!err) {
			m->mac = p->macs[i];
			m->profile = p;
			HASH_ADD(hh, t->by_mac, mac, sizeof(m->mac), m);
			if (m->oom) {
				free(m);
				err = -ENOMEM;
			}
		}
		if (err) {
			remove_macs(t, p);
			return err;
		}
	}
	return 0;
}

static int add_home4(struct profile_table *t, const struct profile *p)
{
	struct home4_entry *e, *first;

	if (!p->home4.s_addr)
		return 0;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->addr = p->home4;
	e->profile = p;
	HASH_FIND(hh, t->by_home4, &e->addr, sizeof(e->addr), first);
	if (first) {
		e->next = first->next;
		first->next = e;
		return 0;
	}
	HASH_ADD(hh, t->by_home4, addr, sizeof(e->addr), e);
	if (e->oom) {
		free(e);
		return -ENOMEM;
	}
	return 0;
}

static bool counts_fit(const struct profile *p)
{
	return p->n_prefixes <= DP_PREFIXES_MAX && p->n_macs <= ARRAY_SIZE(p->macs) &&
	       p->n_dns4 <= PROFILE_DNS_MAX;
}

int profile_table_add(struct profile_table *t, const struct profile *p)
{
	struct entry *e;
	int err;

	if (p->mnid.len > MH_NAI_MAX || !counts_fit(p))
		return -EINVAL;
	if (entry_find(t->by_mnid, p->mnid.subtype, p->mnid.id, p->mnid.len))
		return -EEXIST;
	e = entry_new(p, p->mnid.subtype, p->mnid.id, p->mnid.len);
	if (!e)
		return -ENOMEM;
	err = add_macs(t, &e->profile);
	if (!err) {
		HASH_ADD(hh, t->by_mnid, key, e->key_len, e);
		if (e->oom)
			err = -ENOMEM;
		else if (add_home4(t, &e->profile)) {
			HASH_DEL(t->by_mnid, e);
			err = -ENOMEM;
		}
		if (err)
			remove_macs(t, &e->profile);
	}
	if (err) {
		free(e);
		return err;
	}
	t->n++;
	return 0;
}

int profile_table_add_fallback(struct profile_table *t, const char *pattern,
			       const struct profile *p)
{
	const size_t len = strlen(pattern);
	struct entry *e;

	if (len > MH_NAI_MAX || !counts_fit(p) ||
	    (strcmp(pattern, "*") != 0 && (pattern[0] != '@' || len < 2)))
		return -EINVAL;
	if (entry_find(t->by_realm, 0, pattern, len))
		return -EEXIST;
	e = entry_new(p, 0, pattern, len);
	if (!e)
		return -ENOMEM;
	HASH_ADD(hh, t->by_realm, key, e->key_len, e);
	if (e->oom) {
		free(e);
		return -ENOMEM;
	}
	return 0;
}

size_t profile_table_count(const struct profile_table *t)
{
	return t->n;
}

static const struct profile *table_by_mnid(void *ctx, const struct mnid *id)
{
	const struct profile_table *t = ctx;
	struct entry *e = entry_find(t->by_mnid, id->subtype, id->id, id->len);

	return e ? &e->profile : NULL;
}

static const struct profile *table_by_mac(void *ctx, const struct mac *mac)
{
	const struct profile_table *t = ctx;
	struct mac_entry *m;

	HASH_FIND(hh, t->by_mac, mac, sizeof(*mac), m);
	return m ? m->profile : NULL;
}

static const struct profile *table_fallback(void *ctx, const struct mnid *id)
{
	const struct profile_table *t = ctx;
	const uint8_t *at = NULL;
	struct entry *e = NULL;

	if (id->subtype == MNID_NAI && id->len)
		at = memrchr(id->id, '@', id->len);
	if (at)
		e = entry_find(t->by_realm, 0, at, (size_t)(id->id + id->len - at));
	if (!e)
		e = entry_find(t->by_realm, 0, "*", 1);
	return e ? &e->profile : NULL;
}

static bool table_has_home4(void *ctx, struct in_addr addr, const char *pool4)
{
	const struct profile_table *t = ctx;
	const struct home4_entry *e;

	HASH_FIND(hh, t->by_home4, &addr, sizeof(addr), e);
	for (; e; e = e->next)
		if (!e->profile->pool4[0] || !strcmp(e->profile->pool4, pool4))
			return true;
	return false;
}

struct profiles profile_table_profiles(struct profile_table *t)
{
	return (struct profiles){
		.ctx = t,
		.by_mnid = table_by_mnid,
		.by_mac = table_by_mac,
		.fallback = table_fallback,
		.has_home4 = table_has_home4,
	};
}
