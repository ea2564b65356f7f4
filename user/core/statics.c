/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/statics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"

static const struct counter_desc counter_desc[] = {STATICS_COUNTERS(COUNTER_DESC)};

struct entry {
	struct static_session s;
	dp_ref session, tunnel; /* 0: not in the data plane */
	unsigned ifindex;	/* that the session was put with */
	int why;		/* what stood in the way last; said once */
};

struct statics {
	struct dataplane *dp;
	struct tunnels *tunnels;
	statics_ifindex_fn ifindex;
	void *ctx;
	struct entry *entries;
	unsigned n;
	nsec_t retry; /* NSEC_NEVER: nobody waits */
	uint64_t counter[STATICS_C_MAX];
};

int statics_new(struct statics **out, struct dataplane *dp, struct tunnels *tunnels,
		statics_ifindex_fn ifindex, void *ctx)
{
	struct statics *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->dp = dp;
	t->tunnels = tunnels;
	t->ifindex = ifindex;
	t->ctx = ctx;
	t->retry = NSEC_NEVER;
	*out = t;
	return 0;
}

static const char *half_name(const struct static_session *s)
{
	return s->half == DP_ANCHOR ? "lma" : "mag";
}

static void take_out(struct statics *t, struct entry *e)
{
	if (e->session) {
		t->dp->ops->session_del(t->dp, e->session);
		t->counter[STATICS_C_REMOVED]++;
	}
	tunnel_put(t->tunnels, e->tunnel);
	e->session = e->tunnel = 0;
}

void statics_free(struct statics **p)
{
	struct statics *t = *p;

	if (!t)
		return;
	for (unsigned i = 0; i < t->n; i++)
		take_out(t, &t->entries[i]);
	free(t->entries);
	free(t);
	*p = NULL;
}

/* ---- one session */

static struct dp_session session_of(const struct entry *e, dp_ref tunnel, unsigned ifindex)
{
	const struct static_session *s = &e->s;
	const bool keyed = dp_encap_keyed(s->encap);
	struct dp_path peer = {.kind = DP_TO_PEER, .peer = tunnel, .key = (uint32_t)s->peer_key};
	struct dp_session out = {
		.half = s->half,
		.mnid = {.subtype = MNID_NAI,
			 .len = (uint8_t)strlen(s->mnid),
			 .id = (const uint8_t *)s->mnid},
		.n_prefixes = s->n_prefixes,
		.prefixes = s->prefixes,
		.addr4 = addr_to_ip4(&s->addr4),
		.domain = s->domain,
		.keyed = keyed,
		.local_routing = s->local_routing,
	};

	if (keyed && !s->peer_key)
		peer = (struct dp_path){.kind = DP_TO_NOWHERE};
	if (s->half == DP_ANCHOR) {
		out.down = peer;
		out.up.kind = DP_TO_ROUTE;
	} else {
		out.up = peer;
		out.down = (struct dp_path){.kind = DP_TO_LINK, .ifindex = ifindex, .mac = s->mac};
	}
	return out;
}

static int put(struct statics *t, struct entry *e)
{
	const struct dp_peer peer = {e->s.local, e->s.remote, e->s.encap};
	const bool is_new = !e->session;
	struct dp_session s;
	unsigned ifindex = 0;
	dp_ref tunnel;
	int rc;

	if (e->s.half == DP_ACCESS) {
		ifindex = t->ifindex(t->ctx, e->s.ifname);
		if (!ifindex) {
			take_out(t, e);
			return -ENODEV;
		}
	}
	rc = tunnel_get(t->tunnels, &peer, &tunnel);
	if (rc)
		return rc;
	s = session_of(e, tunnel, ifindex);
	rc = t->dp->ops->session_put(t->dp, &s, &e->session);
	if (rc) {
		tunnel_put(t->tunnels, tunnel);
		return rc;
	}
	tunnel_put(t->tunnels, e->tunnel);
	e->tunnel = tunnel;
	e->ifindex = ifindex;
	if (is_new)
		t->counter[STATICS_C_ESTABLISHED]++;
	return 0;
}

static void try(struct statics *t, struct entry *e, nsec_t now)
{
	const int rc = put(t, e);

	if (rc == -EEXIST)
		t->counter[STATICS_C_CONFLICT]++;
	else if (rc && rc != -ENODEV)
		t->counter[STATICS_C_FAILED]++;
	if (rc != e->why) {
		if (rc == -EEXIST)
			log_msg(LOG_C_LOCAL,
				"static session %s[%s]: a prefix or address of it belongs to "
				"another "
				"session; waiting for that one to go",
				half_name(&e->s), e->s.mnid);
		else if (rc == -ENODEV)
			log_msg(LOG_C_LOCAL,
				"static session %s[%s]: no interface %s yet, waiting for it",
				half_name(&e->s), e->s.mnid, e->s.ifname);
		else if (rc)
			log_msg(LOG_C_LOCAL, "static session %s[%s]: %s; trying again",
				half_name(&e->s), e->s.mnid, strerror(-rc));
		else
			log_msg(LOG_C_INFO, "static session %s[%s]: in force", half_name(&e->s),
				e->s.mnid);
	}
	e->why = rc;
	if (rc && t->retry == NSEC_NEVER)
		t->retry = nsec_add(now, STATICS_RETRY);
}

/* ---- the set */

static bool same_owner(const struct static_session *a, const struct static_session *b)
{
	return a->half == b->half && !strcmp(a->mnid, b->mnid);
}

static bool same_prefixes(const struct static_session *a, const struct static_session *b)
{
	if (a->n_prefixes != b->n_prefixes)
		return false;
	for (unsigned i = 0; i < a->n_prefixes; i++)
		if (!prefix6_eq(&a->prefixes[i], &b->prefixes[i]))
			return false;
	return true;
}

/* What it holds in the data plane: a change of that is another session. */
static bool same_holdings(const struct static_session *a, const struct static_session *b)
{
	return same_prefixes(a, b) && addr6_eq(&a->addr4, &b->addr4) && a->domain == b->domain &&
	       dp_encap_keyed(a->encap) == dp_encap_keyed(b->encap);
}

static bool same(const struct static_session *a, const struct static_session *b)
{
	return same_holdings(a, b) && addr6_eq(&a->local, &b->local) &&
	       addr6_eq(&a->remote, &b->remote) && a->encap == b->encap &&
	       a->peer_key == b->peer_key && !strcmp(a->ifname, b->ifname) &&
	       mac_eq(&a->mac, &b->mac) && a->local_routing == b->local_routing;
}

static int entry_cmp(const void *a, const void *b)
{
	const struct static_session *x = &((const struct entry *)a)->s,
				    *y = &((const struct entry *)b)->s;

	return x->half != y->half ? (int)x->half - (int)y->half : strcmp(x->mnid, y->mnid);
}

static struct entry *find(struct statics *t, const struct entry *like)
{
	return t->n ? bsearch(like, t->entries, t->n, sizeof(*like), entry_cmp) : NULL;
}

int statics_set(struct statics *t, const struct statics_part *parts, unsigned n_parts, nsec_t now)
{
	struct entry *fresh;
	unsigned n = 0;

	for (unsigned p = 0; p < n_parts; p++)
		n += parts[p].n;
	fresh = calloc(n ? n : 1, sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	n = 0;
	for (unsigned p = 0; p < n_parts; p++)
		for (unsigned i = 0; i < parts[p].n; i++)
			fresh[n++].s = parts[p].s[i];
	qsort(fresh, n, sizeof(*fresh), entry_cmp);
	/* first everything goes that must, so that what it held is free for others */
	for (unsigned i = 0; i < n; i++) {
		struct entry *old = find(t, &fresh[i]);

		if (!old || !same_owner(&old->s, &fresh[i].s) ||
		    !same_holdings(&old->s, &fresh[i].s))
			continue;
		fresh[i].session = old->session;
		fresh[i].tunnel = old->tunnel;
		fresh[i].ifindex = old->ifindex;
		if (same(&old->s, &fresh[i].s))
			fresh[i].why = old->why;
		else
			fresh[i].why = 1; /* to be put again, and said */
		old->session = old->tunnel = 0;
	}
	for (unsigned i = 0; i < t->n; i++)
		take_out(t, &t->entries[i]);
	free(t->entries);
	t->entries = fresh;
	t->n = n;
	t->retry = NSEC_NEVER;
	for (unsigned i = 0; i < n; i++)
		if (!fresh[i].session || fresh[i].why) {
			if (!fresh[i].why)
				fresh[i].why = 1;
			try(t, &fresh[i], now);
		}
	return 0;
}

void statics_link(struct statics *t, const char *ifname, nsec_t now)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct entry *e = &t->entries[i];

		if (e->s.half == DP_ACCESS && !strcmp(e->s.ifname, ifname) &&
		    (!e->session || e->ifindex != t->ifindex(t->ctx, ifname)))
			try(t, e, now);
	}
}

nsec_t statics_next(const struct statics *t)
{
	return t->retry;
}

void statics_tick(struct statics *t, nsec_t now)
{
	if (now < t->retry)
		return;
	t->retry = NSEC_NEVER;
	for (unsigned i = 0; i < t->n; i++)
		if (t->entries[i].why)
			try(t, &t->entries[i], now);
}

struct counter_set statics_counters(const struct statics *t)
{
	return (struct counter_set){"static", counter_desc, t->counter, ARRAY_SIZE(counter_desc)};
}
