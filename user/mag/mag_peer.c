/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LMAs that fail or restart (RFC 5847).
 *
 * Sessions of an LMA that does not answer stay as they are: their nodes are served until their
 * lifetimes end, and an LMA that forwards on without its control plane does so for them. When it is
 * back, or has restarted, its bindings may be gone: all its sessions are registered anew, as many
 * in a second as the configuration says, and served meanwhile.
 */
#include "mag/mag_int.h"

#include <errno.h>
#include <stdlib.h>

#define AGAIN_EVERY nsec_from_ms(10)

/* ---- sessions to be registered anew, or to be looked for */

static void enqueue(struct mag *m, struct mag_session *s)
{
	s->again_next = NULL;
	s->again_link = m->again_end;
	*m->again_end = s;
	m->again_end = &s->again_next;
}

void mag_peer_forget(struct mag *m, struct mag_session *s)
{
	if (!s->again_link)
		return;
	*s->again_link = s->again_next;
	if (s->again_next)
		s->again_next->again_link = s->again_link;
	else
		m->again_end = s->again_link;
	s->again_link = NULL;
}

/* A session whose registration is open asks by itself until it has an answer, and one that is being
 * verified will ask; one without service has nothing that the LMA could have lost. */
static void register_anew(struct mag *m, struct mag_session *s, nsec_t now)
{
	struct mag_ctx c = {.m = m, .now = now, .cause = "LMA is back"};

	if (s->state == MST_RETURNING4) { /* goes on as ACTIVE */
		enqueue(m, s);
		return;
	}
	if (s->state == MST_FINDING || s->state == MST_BARRED || s->leave_cause) {
		mag_find_turn(m, s, now);
		return;
	}
	if (s->end_link || (s->state != MST_ACTIVE && s->state != MST_STALLED))
		return;
	mag_count_up(m, MAG_C_REREGISTERED);
	mag_step(s, MEV_ATTACH, &c);
}

static nsec_t again_every(const struct mag *m)
{
	const uint32_t rate = m->cfg.reregister_rate;

	return rate && NSEC_PER_SEC / rate > AGAIN_EVERY ? NSEC_PER_SEC / rate : AGAIN_EVERY;
}

static void fire_again(struct deadline *d, void *ctx, nsec_t now)
{
	struct mag *m = ctx;
	uint64_t n = m->cfg.reregister_rate * again_every(m) / NSEC_PER_SEC;
	struct mag_session *s;

	if (!m->cfg.reregister_rate)
		n = bul_count(m->bul);
	/* one that is put back may be looked at again: n bounds that */
	for (n = n ? n : 1; n && (s = m->again); n--) {
		mag_peer_forget(m, s);
		register_anew(m, s, now);
	}
	if (m->again)
		deadline_arm(&m->timers, d, now + again_every(m));
}

void mag_peer_await_turn(struct mag *m, struct mag_session *s, nsec_t now)
{
	if (!s->again_link)
		enqueue(m, s);
	if (!m->again_timer.armed)
		deadline_arm(&m->timers, &m->again_timer, now);
}

static void register_all(struct mag *m, const struct mag_lma *l, nsec_t now)
{
	for (struct bule *e = bul_first(m->bul); e; e = bul_next(e)) {
		struct mag_session *s = mag_session_of(e);

		/* one that is looked for is registered anew when it is found, not before */
		if (s->lma == l && s->serving && !s->end_link && s->state != MST_FINDING &&
		    !s->again_link)
			enqueue(m, s);
	}
	if (m->again && !m->again_timer.armed)
		deadline_arm(&m->timers, &m->again_timer, now);
}

/* ---- what the failure detector found out */

static struct mag_lma *tell(struct mag *m, const struct in6_addr *peer, enum event_type type,
			    const char *cause, nsec_t now)
{
	struct mag_lma *l = mag_lma_by_addr(m, peer);
	char addr[ADDR6_STRLEN];

	if (!l)
		return NULL;
	log_msg(LOG_C_REMOTE, "mag: LMA %s (%s) %s", l->name, addr_str(peer, addr), cause);
	event_emit(m->sink, &(struct event){.type = type,
					    .role = "mag",
					    .now = now,
					    .peer = peer,
					    .cause = cause,
					    .clause = "RFC 5847 3"});
	return l;
}

static void on_down(void *ctx, const struct in6_addr *peer, nsec_t now)
{
	tell(ctx, peer, EV_PEER_DOWN, "answers no heartbeats", now);
}

static void on_up(void *ctx, const struct in6_addr *peer, nsec_t now)
{
	struct mag_lma *l = tell(ctx, peer, EV_PEER_UP,
				 "answers heartbeats again: its sessions are registered anew", now);

	if (l)
		register_all(ctx, l, now);
}

/* It may have dropped our bindings, as its policy may be, though we have not given it up. */
static void on_doubtful(void *ctx, const struct in6_addr *peer, nsec_t now)
{
	struct mag *m = ctx;
	struct mag_lma *l = mag_lma_by_addr(m, peer);

	if (!l)
		return;
	log_msg(LOG_C_REMOTE, "mag: LMA %s answered at last: its sessions are registered anew",
		l->name);
	register_all(m, l, now);
}

static void on_restarted(void *ctx, const struct in6_addr *peer, nsec_t since, nsec_t now)
{
	struct mag_lma *l = tell(ctx, peer, EV_PEER_RESTARTED,
				 "restarted: its sessions are registered anew", now);

	(void)since; /* what it knows already does not mind being told */
	if (l)
		register_all(ctx, l, now);
}

/* ---- peers */

int mag_peers_set(struct mag *m, const struct mag_cfg *cfg)
{
	struct heartbeat_peer *peers = calloc(cfg->n_lmas, sizeof(*peers));
	struct in6_addr *addrs = calloc(cfg->n_lmas, sizeof(*addrs));
	int rc = -ENOMEM;

	if (!peers || !addrs)
		goto out;
	for (unsigned i = 0; i < cfg->n_lmas; i++) {
		addrs[i] = cfg->lmas[i].addr;
		peers[i] = (struct heartbeat_peer){addrs[i], *mag_coa(m, &addrs[i])};
	}
	rc = revocation_prepare_peers(m->revocation, addrs, cfg->n_lmas);
	if (!rc)
		rc = heartbeat_set_peers(m->heartbeat, peers, cfg->n_lmas);
	if (rc)
		revocation_abandon_peers(m->revocation);
	else
		revocation_commit_peers(m->revocation);
out:
	free(addrs);
	free(peers);
	return rc;
}

int mag_peers_new(struct mag *m, const struct mag_cfg *cfg)
{
	const struct heartbeat_ops ops = {m, on_down, on_up, on_doubtful, on_restarted};

	mag_reply_init(m);
	m->again_end = &m->again;
	m->again_timer.fire = fire_again;
	if (heartbeat_new(&m->heartbeat, "mag", &cfg->heartbeat, &ops, m->env, &m->timers,
			  m->sink) ||
	    revocation_new(&m->revocation, "mag", &cfg->revocation, &m->revocation_env, &m->timers,
			   m->sink))
		return -ENOMEM;
	return mag_peers_set(m, cfg);
}

void mag_peers_free(struct mag *m)
{
	heartbeat_free(&m->heartbeat);
	revocation_free(&m->revocation);
	mag_reply_free(m);
	deadline_cancel(&m->timers, &m->again_timer);
}

void mag_peers_reloaded(struct mag *m, nsec_t now)
{
	heartbeat_configure(m->heartbeat, &m->cfg.heartbeat, now);
	revocation_configure(m->revocation, &m->cfg.revocation);
	for (struct mag_lma *l = m->lmas; l; l = l->next)
		mag_peer_count(m, l, 0, now);
}

void mag_peer_count(struct mag *m, struct mag_lma *l, int by, nsec_t now)
{
	l->info.bindings += (uint32_t)by;
	heartbeat_users(m->heartbeat, &l->info.addr, NULL, l->info.bindings, now);
}

void mag_set_restart_counter(struct mag *m, uint32_t counter, nsec_t now)
{
	m->cfg.heartbeat.restart_counter = counter;
	heartbeat_configure(m->heartbeat, &m->cfg.heartbeat, now);
}

void mag_announce_restart(struct mag *m, nsec_t now)
{
	heartbeat_announce(m->heartbeat, now);
}

struct counter_set mag_heartbeat_counters(const struct mag *m)
{
	return heartbeat_counters(m->heartbeat);
}

struct counter_set mag_revocation_counters(const struct mag *m)
{
	return revocation_counters(m->revocation);
}
