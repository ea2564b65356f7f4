/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Global revocations (RFC 5846 8.1): one indication for all bindings of a MAG, or all of them of a
 * realm. The bindings end by a doom (lma_sweep.c) when the MAG has answered or is given up. The
 * order stands in a record until then, and the doom in its own after that.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <string.h>

/*
 * `tell`: the MAG is told of each binding. Else the MAG has ended what it had when the indication
 * came. A binding that was registered since then may be younger than that, where an answer was
 * lost: the MAG is told that it is over, and has a fresh start.
 */
static void end_all(struct lma *l, const struct lma_rev *r, bool tell, nsec_t now)
{
	const int since = l->conf.cfg.binding_revocation ? BR_OUT_OF_SYNC : -1;
	char addr[ADDR6_STRLEN];
	struct lma_doom d = {
		.mag = r->path.peer,
		.lmaa = r->path.local,
		.at = now,
		.before = (int64_t)now,
		.event = LMA_EV_REVOKED,
		.trigger = tell ? BR_UNSPECIFIED : since,
		.realm_len = r->realm_len,
	};
	int err = lma_doom(l, &d, r->realm, now);

	if (!err && !tell) {
		d.before = r->since;
		d.trigger = -1;
		err = lma_doom(l, &d, r->realm, now);
	}
	if (err)
		log_limited(&l->local, now, LOG_C_LOCAL, "lma: no memory to end bindings of %s",
			    addr_str(&r->path.peer, addr));
}

/* Its MAG is told, or there is nobody to wait for and it is done with. */
static void begin_global(struct lma *l, struct lma_rev *r, nsec_t now)
{
	const struct mnid realm = {MNID_NAI, r->realm_len, r->realm};
	struct mh_msg msg = {
		.br = {.code = r->trigger, .flags = MH_BR_P | MH_BR_G}
	      };

	if (r->realm_len)
		mh_opt_add(&msg, MHO_MN_ID)->mnid = realm;
	if (lma_revoke_hears(l, &r->path.peer) && !lma_revoke_transmit(r, &msg, now))
		return;
	end_all(l, r, l->conf.cfg.binding_revocation, now);
	lma_rev_free(r, now);
}

static void revoke_global(struct lma *l, struct lma_mag *m, const struct in6_addr *lmaa,
			  const struct mnid *realm, nsec_t now)
{
	const struct revocation_path path = {*lmaa, m->cfg.addr, m->port};
	struct lma_rev *r = lma_rev_new(l, LMA_REV_GLOBAL, &path,
					realm->len ? BR_LOCAL_POLICY : BR_PER_PEER_POLICY,
					realm->id, realm->len);

	if (!r) {
		lma_bump(l, LMA_C_REVOCATION_FORGONE);
		return;
	}
	r->since = (int64_t)now;
	lma_note_put(l, &r->note, RECORD_GLOBAL, now);
	begin_global(l, r, now);
}

int lma_revoke_all(struct lma *l, const char *mag, const char *realm, nsec_t now)
{
	char text[MH_NAI_MAX + 1] = "@";
	struct mnid id = {MNID_NAI, 0, (const uint8_t *)text};
	const size_t len = realm ? strlen(realm) : 0;
	int n = 0;

	if ((!mag && !realm) || (realm && !len) || len > MH_NAI_MAX - 1 ||
	    (realm && memchr(realm, '@', len)))
		return -EINVAL;
	if (len) {
		memcpy(text + 1, realm, len);
		id.len = (uint8_t)(len + 1);
	}
	for (struct lma_mag *m = l->conf.mags; m; m = m->hh.next) {
		if (!m->bindings || (mag && strcmp(mag, m->cfg.name) != 0))
			continue;
		for (unsigned i = 0; i < l->conf.cfg.n_addrs; i++)
			if (m->lmaas & 1u << i)
				revoke_global(l, m, &l->conf.cfg.addrs[i], &id, now);
		n++;
	}
	return n ? n : -ENOENT;
}

void lma_global_done(struct lma *l, struct lma_rev *r, bool tell, nsec_t now)
{
	end_all(l, r, tell, now);
	lma_rev_free(r, now);
}

/* ---- of an earlier run */

int lma_global_restore(struct lma *l, const struct record_revocation *v, int64_t since,
		       const struct store_record *rec, nsec_t now)
{
	const struct revocation_path path = {v->lmaa, v->mag, v->port};
	struct lma_rev *r =
		lma_rev_new(l, LMA_REV_GLOBAL, &path, v->trigger, v->mnid.id, v->mnid.len);

	if (!r)
		return -ENOMEM;
	r->since = since;
	r->note.type = RECORD_GLOBAL;
	deadline_arm(&l->deadlines, &l->resume, now); /* nothing can be sent yet */
	return store_adopt(l->store, rec, r, &r->note.item);
}

void lma_global_resume(struct lma *l, nsec_t now)
{
	struct lma_rev *next;

	for (struct lma_rev *r = l->globals; r; r = next) {
		next = r->next;
		if (r->id >= 0)
			continue;
		lma_bump(l, LMA_C_REVOCATION_RESUMED);
		begin_global(l, r, now);
	}
}
