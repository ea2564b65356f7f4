/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many sessions that end because their bindings at an LMA are revoked, by the LMA or by us
 * (RFC 5846 9.1, 9.2).
 *
 * Nobody waits for their ends, so these come in small portions, with time for everything else in
 * between. A session whose turn has not come yet is served on, but nothing is sent for it; it ends
 * at once when something happens to it.
 */
#include "mag/mag_int.h"

#include <errno.h>

#define END_PORTION 128
#define END_EVERY   nsec_from_ms(5)

bool mag_is_known(const struct mag_session *s)
{
	if (s->end_link)
		return false;
	return s->registered || s->serving || s->state == MST_DEREGISTERING ||
	       s->state == MST_ROLLBACK;
}

void mag_end_forget(struct mag *m, struct mag_session *s)
{
	if (!s->end_link)
		return;
	*s->end_link = s->end_next;
	if (s->end_next)
		s->end_next->end_link = s->end_link;
	else
		m->ending_end = s->end_link;
	s->end_link = NULL;
}

void mag_end_later(struct mag *m, struct mag_session *s, const char *cause)
{
	mag_revoke_forget(m, s);
	mag_peer_forget(m, s);
	mag_store_forget(m, s);
	mag_request_close(m, s);
	s->revoking = false;
	s->end_cause = cause;
	s->end_next = NULL;
	s->end_link = m->ending_end;
	*m->ending_end = s;
	m->ending_end = &s->end_next;
}

void mag_end_now(struct mag *m, struct mag_session *s, nsec_t now)
{
	struct mag_ctx c = {.m = m, .now = now, .cause = s->end_cause};

	if (!s->end_link)
		return;
	mag_end_forget(m, s);
	mag_step(s, MEV_REVOKED, &c);
}

void mag_end_some(struct mag *m, nsec_t now)
{
	for (unsigned n = 0; n < END_PORTION && m->ending; n++)
		mag_end_now(m, m->ending, now);
	if (m->ending)
		deadline_arm(&m->timers, &m->ending_timer, nsec_add(now, END_EVERY));
}

static void fire_end(struct deadline *d, void *ctx, nsec_t now)
{
	(void)d;
	mag_end_some(ctx, now);
}

void mag_end_init(struct mag *m)
{
	m->ending_end = &m->ending;
	m->ending_timer.fire = fire_end;
}

void mag_end_free(struct mag *m)
{
	deadline_cancel(&m->timers, &m->ending_timer);
}

/* ---- all of an LMA's, by our own wish */

/*
 * Meant is what the LMA may know of when it is asked. Until it has answered nothing more is asked
 * for these: a refresh that reached it after the indication would have it keep a binding whose
 * session ends here. That they are meant is on disk, so that a restart does not have them go on.
 */
static void mark_all(struct mag *m, const struct mag_lma *l, nsec_t now)
{
	for (struct bule *e = bul_first(m->bul); e; e = bul_next(e)) {
		struct mag_session *s = mag_session_of(e);

		if (s->lma != l || s->end_link || !(s->asked || mag_is_known(s)))
			continue;
		s->revoking = true;
		mag_store_touch(m, s, now);
	}
}

static void unmark(struct mag *m, struct mag_session *s, nsec_t now)
{
	if (!s->revoking)
		return;
	s->revoking = false;
	mag_store_touch(m, s, now);
}

static void unmark_all(struct mag *m, const struct mag_lma *l, nsec_t now)
{
	for (struct bule *e = bul_first(m->bul); e; e = bul_next(e)) {
		if (mag_session_of(e)->lma == l)
			unmark(m, mag_session_of(e), now);
	}
}

/* One that came since then may be gone at the LMA, where a repetition of the indication arrived
 * after it, or may not: it is registered again. */
static void end_all(struct mag *m, const struct mag_lma *l, nsec_t now)
{
	size_t n = 0;

	for (struct bule *e = bul_first(m->bul); e; e = bul_next(e)) {
		struct mag_session *s = mag_session_of(e);

		if (s->lma != l || !mag_is_known(s)) {
			if (s->lma == l)
				unmark(m, s, now);
		} else if (s->revoking) {
			mag_end_later(m, s, "all sessions with the LMA revoked here");
			n++;
		} else if (s->registered && s->serving) {
			mag_peer_await_turn(m, s, now);
		}
	}
	mag_count_up(m, MAG_C_REVOKE_ALL_DONE);
	log_msg(LOG_C_INFO, "mag: all sessions with LMA %s end, %zu of them", l->name, n);
	mag_end_some(m, now);
}

/* RFC 5846 9.2: not to be tried again. */
static void forbidden(struct mag *m, struct mag_lma *l)
{
	l->no_global = true;
	mag_count_up(m, MAG_C_REVOKE_ALL_FORBIDDEN);
	log_msg(LOG_C_AUTH, "mag: LMA %s does not let this MAG revoke all its sessions: %s",
		l->name, bra_status_name(BRA_GLOBAL_NOT_AUTHORIZED));
}

static bool has_ended(const struct revocation_result *r)
{
	return r->outcome == REV_NO_ANSWER ||
	       (r->outcome == REV_ANSWERED && r->status < BRA_NO_BINDING);
}

/* What was never answered is cleaned up as well, RFC 5846 6.3. */
static void answered(void *arg, const struct revocation_result *r, nsec_t now)
{
	struct mag *m = arg;
	struct mag_lma *l = mag_lma_by_addr(m, &r->peer);

	if (!l)
		return;
	l->revoking = false;
	if (!has_ended(r))
		unmark_all(m, l, now);
	if (r->outcome == REV_NO_ANSWER) {
		log_msg(LOG_C_REMOTE, "mag: LMA %s does not answer the global revocation", l->name);
		end_all(m, l, now);
	} else if (has_ended(r)) {
		end_all(m, l, now);
	} else if (r->outcome == REV_ANSWERED && r->status == BRA_GLOBAL_NOT_AUTHORIZED) {
		forbidden(m, l);
	} else {
		mag_count_up(m, MAG_C_REVOKE_ALL_REFUSED);
		log_msg(LOG_C_REMOTE, "mag: LMA %s refuses the global revocation: %s", l->name,
			r->outcome == REV_ANSWERED ? bra_status_name(r->status)
						   : "it does not know revocation");
	}
}

/* RFC 5846 9.2. The Alternate Care-of Address option has no room for an IPv4 one; there the
 * source address says it. */
static int revoke_all(struct mag *m, struct mag_lma *l, nsec_t now)
{
	const struct revocation_path path = {*mag_coa(m, &l->info.addr), l->info.addr, 0};
	struct mh_msg msg = {
		.br = {.code = BR_PER_PEER_POLICY, .flags = MH_BR_P | MH_BR_G}
	      };
	int rc;

	if (l->revoking)
		return 0;
	if (l->no_global)
		return -EACCES;
	mh_opt_add(&msg, MHO_MN_ID)->mnid = (struct mnid){.subtype = MNID_NAI,
							  .len = (uint8_t)strlen(m->cfg.identity),
							  .id = (const uint8_t *)m->cfg.identity};
	if (!addr_is_ip4(&path.local))
		mh_opt_add(&msg, MHO_ALT_COA)->addr = path.local;
	mark_all(m, l, now);
	rc = revocation_send(m->revocation, &path, &msg, answered, m, now);
	if (rc < 0) {
		unmark_all(m, l, now);
		return rc;
	}
	l->revoking = true;
	mag_count_up(m, MAG_C_REVOKE_ALL);
	return 0;
}

static bool has_sessions(const struct mag *m, const struct mag_lma *l)
{
	for (struct bule *e = bul_first(m->bul); e; e = bul_next(e)) {
		const struct mag_session *s = mag_session_of(e);

		if (s->lma == l && mag_is_known(s))
			return true;
	}
	return false;
}

int mag_revoke_all(struct mag *m, const struct in6_addr *lma, nsec_t now)
{
	int n = 0, rc = -ENOENT;

	if (!m->cfg.identity[0])
		return -EINVAL;
	for (struct mag_lma *l = m->lmas; l; l = l->next) {
		int err;

		if ((lma && !addr6_eq(lma, &l->info.addr)) || !has_sessions(m, l))
			continue;
		err = revoke_all(m, l, now);
		if (err)
			rc = err;
		else
			n++;
	}
	return n ? n : rc;
}
