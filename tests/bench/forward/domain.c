/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/forward/domain.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/forward/plan.h"
#include "bench_redirect.skel.h"
#include "bpf/dp_env.h"

struct domain {
	struct rig *rig;
	struct dp_bpf *dp;
	enum bench_node node;
	enum bench_hook hook;
	const struct bench_row *row; /* one of those that are served */
	uint32_t key;
	dp_ref peer[PLAN_MAGS]; /* of a MAG only the first: its LMA */
	int link;		/* of the XDP program on d0 */
	int ours;		/* that program */
};

static void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static struct mac mac(const char *text)
{
	struct mac m;

	if (mac_parse(text, &m))
		die(text);
	return m;
}

/* ---- tables */

/* An address of ours or of the other end, in the family of the outer header. */
static struct in6_addr address(const struct domain *d, const char *text6, const char *text4,
			       unsigned more)
{
	struct in6_addr a = env_addr(text6);
	struct in_addr a4;

	if (d->row->carrier == BENCH_OVER6)
		return a;
	a4.s_addr = htonl(ntohl(inet_addr(text4)) + more);
	memset(&a, 0, sizeof(a));
	a.s6_addr[10] = a.s6_addr[11] = 0xff;
	memcpy(a.s6_addr + 12, &a4, sizeof(a4));
	return a;
}

static struct in6_addr own_address(const struct domain *d)
{
	return d->node == BENCH_LMA ? address(d, PLAN_LMAA, PLAN_LMAA4, 0)
				    : address(d, PLAN_PCOA, PLAN_PCOA4, 0);
}

static dp_ref add_peer(struct domain *d, struct in6_addr remote)
{
	struct dataplane *dp = dp_bpf_dataplane(d->dp);
	const struct dp_peer peer = {
		.local = own_address(d), .remote = remote, .encap = d->row->encap};
	const struct dp_bpf_nexthop hop = {.valid = true,
					   .ifindex = d->rig->d1,
					   .smac = mac(PLAN_D1_MAC),
					   .dmac = mac(PLAN_HOP_MAC),
					   .mtu = PLAN_MTU};
	dp_ref ref;

	if (dp->ops->peer_put(dp, &peer, &ref) || dp_bpf_nexthop(d->dp, ref, &hop))
		die("a tunnel cannot be put into the tables");
	return ref;
}

static void add_peers(struct domain *d)
{
	if (d->node != BENCH_LMA) {
		d->peer[0] = add_peer(d, address(d, PLAN_LMAA, PLAN_LMAA4, 0));
		return;
	}
	for (unsigned i = 0; i < PLAN_MAGS; i++) {
		char text[ADDR6_STRLEN];

		snprintf(text, sizeof(text), PLAN_MAG, i);
		d->peer[i] = add_peer(d, address(d, text, PLAN_MAG4, i));
	}
}

static void add_pool(struct domain *d, const struct prefix6 *pool, uint32_t nodes)
{
	struct dataplane *dp = dp_bpf_dataplane(d->dp);
	const struct in_addr pool4 = {inet_addr(PLAN_POOL4)};
	const int r = d->row->payload == BENCH_IP4
			      ? dp->ops->pool4_put(dp, 0, pool4, PLAN_POOL4_LEN, nodes + 1)
			      : dp->ops->pool_put(dp, pool, nodes);

	if (r)
		die("the pool cannot be put into the tables");
}

static struct dp_path link_of(const struct domain *d, uint32_t node)
{
	const bool out = d->node == BENCH_MAG_DOWN || (d->node == BENCH_MAG_LOCAL && node % 2);
	struct dp_path p = {.kind = DP_TO_LINK, .ifindex = out ? d->rig->d1 : d->rig->d0};

	p.mac = (struct mac){
		{PLAN_NODE_MAC >> 8, PLAN_NODE_MAC & 0xff, (uint8_t)(node >> 24),
		 (uint8_t)(node >> 16), (uint8_t)(node >> 8), (uint8_t)node}
	    };
	return p;
}

static void add_node(struct domain *d, const struct prefix6 *pool, uint32_t node)
{
	struct dataplane *dp = dp_bpf_dataplane(d->dp);
	struct prefix6 prefix = {.addr = pool->addr, .len = 64};
	struct dp_session s = {.mode = DP_FORWARD, .keyed = dp_encap_keyed(d->row->encap)};
	uint32_t key = 0;
	char name[32];
	dp_ref ref = 0;

	for (unsigned i = 0; i < 4; i++)
		prefix.addr.s6_addr[4 + i] |= (uint8_t)(node >> (24 - 8 * i));
	snprintf(name, sizeof(name), "%07u@example.com", node);
	s.mnid = (struct mnid){MNID_NAI, (uint8_t)strlen(name), (const uint8_t *)name};
	if (d->row->payload == BENCH_IP4) {
		s.addr4.s_addr = htonl(ntohl(inet_addr(PLAN_NODE4)) + node);
	} else {
		s.n_prefixes = 1;
		s.prefixes = &prefix;
	}
	if (d->node == BENCH_LMA) {
		s.half = DP_ANCHOR;
		s.down = (struct dp_path){
			.kind = DP_TO_PEER, .peer = d->peer[node % PLAN_MAGS], .key = node + 1};
		s.up = (struct dp_path){.kind = DP_TO_ROUTE};
	} else {
		s.half = DP_ACCESS;
		s.down = link_of(d, node);
		s.up = (struct dp_path){.kind = DP_TO_PEER, .peer = d->peer[0], .key = node + 1};
		s.local_routing = d->node == BENCH_MAG_LOCAL;
	}
	if (dp->ops->session_put(dp, &s, &ref))
		die("a node cannot be put into the tables");
	if (!s.keyed)
		return;
	if (dp->ops->session_key(dp, ref, &key))
		die("a node has no GRE key");
	if (!node)
		d->key = key;
	if (key != d->key + node)
		die("the GRE keys are not in the order of the nodes");
}

struct domain *domain_new(struct rig *r, const struct bench_row *row, uint32_t nodes)
{
	struct domain *d = calloc(1, sizeof(*d));
	const struct prefix6 pool = env_prefix(PLAN_POOL);
	struct dp_bpf_cfg cfg = {.instance = "bench",
				 .max_sessions = 64,
				 .pool_slots = nodes + 1,
				 .max_peers = 2 * PLAN_MAGS,
				 .ip4 = row->payload == BENCH_IP4,
				 .ip4_outer = row->carrier == BENCH_OVER4,
				 .gre = row->encap != DP_ENCAP_IP};
	const struct dp_bpf_routing plain = {0}; /* one table, one way to each place */
	struct in6_addr own;

	if (!d)
		die("no memory");
	d->rig = r;
	d->link = d->ours = -1;
	d->node = bench_ways[row->way].node;
	cfg.roles = d->node == BENCH_LMA ? DP_BPF_LMA : DP_BPF_MAG;
	d->row = row;
	own = own_address(d);
	rig_enter(r);
	d->dp = env_dp(&cfg);
	dp_bpf_routing(d->dp, &plain);
	if (dp_bpf_local_add(d->dp, &own))
		die("our own address cannot be put into the tables");
	add_pool(d, &pool, nodes);
	add_peers(d);
	for (uint32_t i = 0; i < nodes; i++)
		add_node(d, &pool, i);
	return d;
}

void domain_free(struct domain **p)
{
	struct domain *d = *p;

	if (!d)
		return;
	domain_detach(d);
	dp_bpf_free(&d->dp, true);
	free(d);
	*p = NULL;
}

bool domain_serves(const struct bench_row *one, const struct bench_row *other)
{
	return bench_ways[one->way].node == bench_ways[other->way].node &&
	       one->payload == other->payload && one->carrier == other->carrier &&
	       one->encap == other->encap;
}

uint32_t domain_key(const struct domain *d)
{
	return d->key;
}

/* ---- programs */

static void attach(struct domain *d, unsigned ifindex, const char *ifname, bool access)
{
	const enum dp_bpf_mode mode = d->hook == BENCH_XDP ? DP_BPF_MODE_XDP : DP_BPF_MODE_TC;
	struct dp_bpf_attach a = {.ifindex = ifindex,
				  .ifname = ifname,
				  .kind = access ? DP_BPF_ACCESS : DP_BPF_TRANSPORT,
				  .want = d->hook == BENCH_XDP ? DP_BPF_XDP : DP_BPF_TC,
				  .mtu = PLAN_MTU};
	char err[DP_BPF_ERRLEN] = "";
	struct dp_bpf_iface got;

	if (access)
		a.mac = mac(PLAN_ROUTER_MAC);
	if (dp_bpf_attach(d->dp, &a, &got, err, sizeof(err)))
		die(err);
	if (got.mode != mode || (mode == DP_BPF_MODE_XDP && ifindex == d->rig->d1 && !got.xdp_tx))
		die("veth is not what it should be: no XDP");
}

void domain_attach(struct domain *d, enum bench_hook hook)
{
	char path[256];

	rig_enter(d->rig);
	rig_hook(d->rig, hook);
	d->hook = hook;
	attach(d, d->rig->d0, "d0", d->node == BENCH_MAG_UP || d->node == BENCH_MAG_LOCAL);
	attach(d, d->rig->d1, "d1", d->node == BENCH_MAG_DOWN || d->node == BENCH_MAG_LOCAL);
	if (hook == BENCH_XDP) {
		snprintf(path, sizeof(path), "xdp-%u", d->rig->d0);
		d->link = env_pin(d->dp, path);
		d->ours = env_prog(d->rig->d0);
		rig_park(d->rig, RIG_PARK_OURS, d->ours);
		rig_park(d->rig, RIG_PARK_BARE, bpf_program__fd(d->rig->bpf->progs.redirect_xdp));
		rig_park(d->rig, RIG_PARK_PUSH, bpf_program__fd(d->rig->bpf->progs.push_xdp));
		rig_park(d->rig, RIG_PARK_PULL, bpf_program__fd(d->rig->bpf->progs.pull_xdp));
		return;
	}
	snprintf(path, sizeof(path), "tc-%u", d->rig->d0);
	d->ours = env_pin(d->dp, path);
}

void domain_detach(struct domain *d)
{
	if (d->ours < 0)
		return;
	rig_enter(d->rig);
	domain_middle(d, DOMAIN_OURS, NULL);
	dp_bpf_detach(d->dp, d->rig->d0);
	dp_bpf_detach(d->dp, d->rig->d1);
	rig_park(d->rig, RIG_PARK_OURS, -1);
	close(d->ours);
	if (d->link >= 0)
		close(d->link);
	d->ours = d->link = -1;
}

static int stand_in(const struct domain *d, enum domain_middle m, const struct bench_row *row)
{
	const struct bench_redirect *b = d->rig->bpf;

	if (m == DOMAIN_OURS)
		return d->ours;
	if (d->hook == BENCH_TC)
		return bpf_program__fd(b->progs.redirect_tc);
	if (m == DOMAIN_HEAD)
		return bpf_program__fd(bench_ways[row->way].tunnel_out ? b->progs.push_xdp
								       : b->progs.pull_xdp);
	return bpf_program__fd(b->progs.redirect_xdp);
}

void domain_middle(struct domain *d, enum domain_middle m, const struct bench_row *row)
{
	const int fd = stand_in(d, m, row);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)d->rig->d0, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 0x706d, .priority = 0x706d, .prog_fd = fd,
		    .flags = BPF_TC_F_REPLACE);

	if (d->hook == BENCH_XDP) {
		if (bpf_link_update(d->link, fd, NULL))
			die("exchanging the program at XDP");
	} else if (bpf_tc_attach(&hook, &opts)) {
		die("exchanging the program at TC");
	}
}
