/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MAGs that fail or restart, and what becomes of their bindings (RFC 5847 3).
 *
 * By policy they are held, as any binding is, until their lifetime ends or another MAG registers
 * the node; or they are dropped. A MAG that failed loses them at once. One that restarted will
 * register the nodes that are still there, so that its bindings are dropped after a grace only, and
 * then those that were not registered again; a binding of which nobody can tell whether it is of
 * the time before or after the restart is kept. Dropping goes through the cache in slices, for as
 * many as there are must not stop the signalling of the others.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

static void drop_bindings(struct lma *l, const struct lma_mag *m, nsec_t before, nsec_t at,
			  nsec_t now)
{
	const struct lma_doom d = {
		.mag = m->cfg.addr,
		.at = at,
		.before = (int64_t)before,
		.event = LMA_EV_ORPHANED,
		.trigger = l->conf.cfg.binding_revocation ? BR_OUT_OF_SYNC : -1,
	};

	if (lma_doom(l, &d, NULL, now))
		log_limited(&l->local, now, LOG_C_LOCAL, "lma: no memory to drop bindings of %s",
			    m->cfg.name);
}

/* ---- what the failure detector found out */

static void tell(struct lma *l, const struct lma_mag *m, enum event_type type, const char *cause,
		 nsec_t now)
{
	const struct event ev = {.type = type,
				 .role = "lma",
				 .now = now,
				 .peer = &m->cfg.addr,
				 .cause = cause,
				 .clause = "RFC 5847 3"};
	char addr[ADDR6_STRLEN];

	log_msg(LOG_C_REMOTE, "lma: MAG %s (%s) %s", m->cfg.name, addr_str(&m->cfg.addr, addr),
		cause);
	event_emit(l->sink, &ev);
}

static void on_down(void *ctx, const struct in6_addr *peer, nsec_t now)
{
	struct lma *l = ctx;
	struct lma_mag *m = lma_conf_mag(&l->conf, peer);
	const bool drop = l->conf.cfg.on_mag_failure == LMA_ORPHANS_DROP;

	if (!m)
		return;
	tell(l, m, EV_PEER_DOWN,
	     drop ? "answers no heartbeats: its bindings are dropped"
		  : "answers no heartbeats: its bindings are held",
	     now);
	if (drop)
		drop_bindings(l, m, now, now, now);
}

static void on_up(void *ctx, const struct in6_addr *peer, nsec_t now)
{
	struct lma *l = ctx;
	const struct lma_mag *m = lma_conf_mag(&l->conf, peer);

	if (!m)
		return;
	tell(l, m, EV_PEER_UP, "answers heartbeats again", now);
	lma_owed_arm(l, now);
}

/* It will register its nodes anew if it gave us up; our bindings are as they were. */
static void on_doubtful(void *ctx, const struct in6_addr *peer, nsec_t now)
{
	(void)ctx;
	(void)peer;
	(void)now;
}

static void on_restarted(void *ctx, const struct in6_addr *peer, nsec_t since, nsec_t now)
{
	struct lma *l = ctx;
	struct lma_mag *m = lma_conf_mag(&l->conf, peer);
	const bool drop = l->conf.cfg.on_mag_restart == LMA_ORPHANS_DROP;

	if (!m)
		return;
	tell(l, m, EV_PEER_RESTARTED,
	     drop ? "restarted: bindings that it does not register again will be dropped"
		  : "restarted: its bindings are held",
	     now);
	if (drop)
		drop_bindings(l, m, since, now + nsec_from_s(l->conf.cfg.mag_restart_grace_s), now);
}

/* ---- peers */

static int prepare_revocation_peers(struct lma *l, const struct lma_conf *c)
{
	const unsigned n = HASH_COUNT(c->mags);
	struct in6_addr *peers = calloc(n ? n : 1, sizeof(*peers)), *p = peers;
	int rc;

	if (!peers)
		return -ENOMEM;
	for (const struct lma_mag *m = c->mags; m; m = m->hh.next)
		*p++ = m->cfg.addr;
	rc = revocation_prepare_peers(l->revocation, peers, n);
	free(peers);
	return rc;
}

int lma_peers_set(struct lma *l, const struct lma_conf *c)
{
	const unsigned n = HASH_COUNT(c->mags);
	struct heartbeat_peer *peers = calloc(n ? n : 1, sizeof(*peers)), *p = peers;
	int rc;

	if (!peers)
		return -ENOMEM;
	for (const struct lma_mag *m = c->mags; m; m = m->hh.next) {
		unsigned i;

		for (i = 0; i < c->cfg.n_addrs; i++)
			if (addr_is_ip4(&c->cfg.addrs[i]) == addr_is_ip4(&m->cfg.addr))
				break;
		if (i < c->cfg.n_addrs) /* else no PBU of its family can come */
			*p++ = (struct heartbeat_peer){m->cfg.addr, c->cfg.addrs[i]};
	}
	rc = prepare_revocation_peers(l, c);
	if (!rc)
		rc = heartbeat_set_peers(l->heartbeat, peers, (unsigned)(p - peers));
	if (rc)
		revocation_abandon_peers(l->revocation);
	else
		revocation_commit_peers(l->revocation);
	free(peers);
	return rc;
}

int lma_peers_new(struct lma *l)
{
	const struct heartbeat_ops ops = {l, on_down, on_up, on_doubtful, on_restarted};
	int rc = heartbeat_new(&l->heartbeat, "lma", &l->conf.cfg.heartbeat, &ops, l->env,
			       &l->deadlines, l->sink);

	if (!rc)
		rc = lma_revocation_new(l);
	if (!rc)
		rc = lma_peers_set(l, &l->conf);
	if (rc) {
		lma_peers_free(l);
		return rc;
	}
	lma_sweep_init(l);
	lma_owed_init(l);
	return 0;
}

void lma_peers_free(struct lma *l)
{
	heartbeat_free(&l->heartbeat);
	lma_revocation_free(l);
	deadline_cancel(&l->deadlines, &l->sweep);
	deadline_cancel(&l->deadlines, &l->pay);
}

void lma_peers_reloaded(struct lma *l, nsec_t now)
{
	heartbeat_configure(l->heartbeat, &l->conf.cfg.heartbeat, now);
	revocation_configure(l->revocation, &l->conf.cfg.revocation);
	for (const struct lma_mag *m = l->conf.mags; m; m = m->hh.next)
		lma_peer_count(l, m, NULL, now);
	lma_sweep_arm(l);
	lma_owed_arm(l, now);
}

void lma_peer_count(struct lma *l, const struct lma_mag *m, const struct in6_addr *lmaa, nsec_t now)
{
	heartbeat_users(l->heartbeat, &m->cfg.addr, lmaa, m->bindings, now);
}

void lma_peer_show(const struct lma *l, const struct lma_mag *m, struct heartbeat_info *out)
{
	heartbeat_info(l->heartbeat, &m->cfg.addr, out);
}

void lma_set_restart_counter(struct lma *l, uint32_t counter, nsec_t now)
{
	l->conf.cfg.heartbeat.restart_counter = counter;
	heartbeat_configure(l->heartbeat, &l->conf.cfg.heartbeat, now);
}

bool lma_peer_is_down(const struct lma *l, const struct lma_mag *m)
{
	struct heartbeat_info info;

	return heartbeat_info(l->heartbeat, &m->cfg.addr, &info) && info.state == HB_DOWN;
}

void lma_announce_restart(struct lma *l, nsec_t now)
{
	heartbeat_announce(l->heartbeat, now);
}

struct counter_set lma_heartbeat_counters(const struct lma *l)
{
	return heartbeat_counters(l->heartbeat);
}

struct counter_set lma_revocation_counters(const struct lma *l)
{
	return revocation_counters(l->revocation);
}
