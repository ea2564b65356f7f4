/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/daemon.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/util.h"

static const struct counter_desc counter_desc[] = {DAEMON_COUNTERS(COUNTER_DESC)};

nsec_t daemon_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (nsec_t)ts.tv_sec * NSEC_PER_SEC + (nsec_t)ts.tv_nsec;
}

struct counter_set daemon_counters(const struct daemon *d)
{
	return (struct counter_set){"daemon", counter_desc, d->counter, ARRAY_SIZE(counter_desc)};
}

/* ---- struct env */

static int env_send(void *ctx, const struct packet *pkt)
{
	struct daemon *d = ctx;

	durable_tell(d);
	if (!addr_is_ip4(&pkt->dst))
		return mh_sock_send(d->mh, pkt);
	return d->udp ? mh_udp_send(d->udp, pkt) : -EAFNOSUPPORT;
}

static void env_param_problem(void *ctx, const struct packet *about, uint32_t mh_offset)
{
	struct daemon *d = ctx;

	/* IPv4 has no such message about what is in a datagram */
	if (addr_is_ip4(&about->src))
		return;
	mh_sock_param_problem(d->mh, about, mh_offset, daemon_now());
}

static void env_random(void *ctx, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len) {
		const ssize_t n = getrandom(p, len, 0);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n < 0 && errno != EINTR) {
			abort(); /* a machine without randomness cannot run this */
		}
	}
}

static uint64_t env_wallclock(void *ctx)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* ---- messages in */

static void on_message(struct daemon *d, const struct packet *pkt, unsigned ifindex, nsec_t now)
{
	const struct iface *i = link_by_index(d, ifindex);

	if (d->starting)
		d->counter[DAEMON_C_STALE]++;
	/* no node has anything to say here, in whosever name (RFC 5213 1) */
	else if (i && i->is_access)
		d->counter[DAEMON_C_FROM_ACCESS]++;
	else
		inbox_receive(&d->inbox, pkt, now);
}

static void on_mh(void *ctx, const struct mh_rx *rx, nsec_t now)
{
	on_message(ctx, &rx->pkt, rx->ifindex, now);
}

static void on_udp(void *ctx, const struct mh_udp_rx *rx, nsec_t now)
{
	on_message(ctx, &rx->pkt, rx->ifindex, now);
}

static void on_binding_update(void *ctx, const struct packet *pkt, const struct mh_msg *msg,
			      nsec_t now)
{
	struct daemon *d = ctx;

	if (!(msg->bu.flags & MH_BU_P))
		d->counter[DAEMON_C_NOT_PROXY]++;
	else if (!lma_serves_addr(d->lma, &pkt->dst))
		d->counter[DAEMON_C_WRONG_DESTINATION]++;
	else
		lma_receive(d->lma, pkt, msg, now);
}

/* Between peers, in both directions. */
static void on_peer(void *ctx, const struct packet *pkt, const struct mh_msg *msg, nsec_t now)
{
	struct daemon *d = ctx;

	if (d->lma && lma_serves_addr(d->lma, &pkt->dst))
		lma_receive(d->lma, pkt, msg, now);
	else if (d->mag && mag_serves_addr(d->mag, &pkt->dst))
		mag_receive(d->mag, pkt, msg, now);
	else
		d->counter[DAEMON_C_WRONG_DESTINATION]++;
}

static void on_mag_message(void *ctx, const struct packet *pkt, const struct mh_msg *msg,
			   nsec_t now)
{
	struct daemon *d = ctx;

	if (!mag_serves_addr(d->mag, &pkt->dst))
		d->counter[DAEMON_C_WRONG_DESTINATION]++;
	else
		mag_receive(d->mag, pkt, msg, now);
}

/* ---- frames and triggers */

static void on_frame(void *ctx, const struct frame_rx *f, nsec_t now)
{
	struct daemon *d = ctx;

	if (dhcp6_is_request(f->data, f->len))
		dhcp6_relay_frame(d->dhcp6, f->ifindex, f->data, f->len, f->csum_partial, now);
	else
		access_frame(d->access, f->ifindex, f->data, f->len, f->csum_partial, now);
}

static int send_frame(void *ctx, unsigned ifindex, const void *frame, size_t len)
{
	struct daemon *d = ctx;

	return frame_sock_send(d->frames, ifindex, frame, len);
}

static void set_link_local(void *ctx, unsigned ifindex, const struct in6_addr *ll)
{
	links_set_link_local(ctx, ifindex, ll);
}

static int trigger_attach(void *ctx, const struct mag_attachment *a, nsec_t now)
{
	struct daemon *d = ctx;

	return mag_attach(d->mag, a, now);
}

static int trigger_detach(void *ctx, const struct link_node *n, const char *cause, nsec_t now)
{
	struct daemon *d = ctx;

	return mag_detach(d->mag, n, cause, now);
}

static unsigned trigger_detach_link(void *ctx, unsigned ifindex, const char *cause, nsec_t now)
{
	struct daemon *d = ctx;

	return mag_detach_link(d->mag, ifindex, cause, now);
}

static void trigger_confirmed(void *ctx, const struct link_node *n, nsec_t now)
{
	struct daemon *d = ctx;

	mag_confirmed(d->mag, n, now);
}

static void trigger_link_local_in_use(void *ctx, const struct link_node *n,
				      const struct in6_addr *ll, nsec_t now)
{
	struct daemon *d = ctx;

	mag_link_local_in_use(d->mag, n, ll, now);
}

static int trigger_release_ipv4(void *ctx, const struct link_node *n, struct in_addr addr,
				const char *cause, nsec_t now)
{
	struct daemon *d = ctx;

	return mag_release_ipv4(d->mag, n, addr, cause, now);
}

static void trigger_link_up(void *ctx, unsigned ifindex, const char *name, nsec_t now)
{
	struct daemon *d = ctx;

	mag_link_up(d->mag, ifindex, name, now);
}

/* ---- events out */

static void on_event(void *ctx, const struct event *ev)
{
	struct daemon *d = ctx;

	if (d->control)
		control_emit(d->control, ev);
}

/* ---- start and stop */

static int fail(char *err, size_t cap, int code, const char *what)
{
	snprintf(err, cap, "%s: %s", what, strerror(-code));
	return code;
}

/* Packets to be fragmented, per second and CPU: each costs this thread some microseconds. */
#define FRAGMENT_RATE 5000

static bool is_access(const struct config *c, const char *ifname)
{
	for (unsigned i = 0; c->has_mag && i < c->n_access; i++)
		if (!strcmp(c->access[i].name, ifname))
			return true;
	return false;
}

/* ICMPv6 errors about nodes' packets need a source where all tunnels are over IPv4, too: an address
 * that the machine happens to have. */
static struct in6_addr own_ip6(const struct config *c)
{
	struct in6_addr out = config_own_ip6(c);
	struct ifaddrs *all = NULL;

	if (!addr6_is_zero(&out) || getifaddrs(&all))
		return out;
	for (const struct ifaddrs *i = all; i && addr6_is_zero(&out); i = i->ifa_next) {
		struct sockaddr_in6 at;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET6 || is_access(c, i->ifa_name))
			continue;
		memcpy(&at, i->ifa_addr, sizeof(at));
		if (addr6_is_unicast_routable(&at.sin6_addr))
			out = at.sin6_addr;
	}
	freeifaddrs(all);
	if (addr6_is_zero(&out))
		log_msg(LOG_C_LOCAL,
			"this machine has no IPv6 address: senders of IPv6 packets that "
			"do not fit a tunnel are not told so");
	return out;
}

static int start_dataplane(struct daemon *d, char *err, size_t cap)
{
	const struct config *c = d->cfg;
	const struct preset_features features = preset_features(c);
	struct dp_bpf_cfg dc = {
		.instance = c->instance,
		.bpffs = c->bpffs,
		.roles = (c->has_lma ? DP_BPF_LMA : 0) | (c->has_mag ? DP_BPF_MAG : 0),
		.max_sessions = preset_slots(c),
		.pool_slots = preset_pool_slots(c),
		.max_peers = 65535,
 /* our own pools give /64s; another domain's anchor may give others */
		.tunnel_mtu = c->has_mag ? (uint16_t)c->mag.tunnel_mtu : 0,
		.ip4 = features.ip4,
		.ip4_outer = features.ip4_outer,
		.gre = features.gre,
		.domains = features.domains,
		.udp_fixed_port = c->udp_fixed_port,
		.keep = c->leave_forwarding,
		.max_halves = c->leave_forwarding ? preset_halves(c) : 0,
		.mss_clamp = c->tcp_mss_clamp,
		.buffer = {.sessions = c->has_mag ? c->buffer.nodes : 0,
			   .node_packets = c->buffer.node_packets,
			   .node_octets = c->buffer.node_octets,
			   .all_packets = c->buffer.total_packets,
			   .all_octets = c->buffer.total_octets,
			   .age = nsec_from_ms(c->buffer.age_ms),
			   .drain_rate = c->buffer.drain_rate,
			   .drain_speed = c->buffer.drain_speed},
		.fragment_rate = FRAGMENT_RATE,
		.icmp_source = d->own_ip6,
		.spread_cpu = c->spread_cpu,
		.n_spread_cpus = c->n_spread_cpus,
		.hooks = hops_hooks(d),
		.sink = &d->sink,
	};
	int rc;

	env_random(d, &dc.buffer.mark, sizeof(dc.buffer.mark));
	rc = dp_bpf_new(&d->dp, &dc, err, cap);
	if (rc)
		return rc;
	rc = tunnels_new(&d->tunnels, dp_bpf_dataplane(d->dp));
	return rc ? fail(err, cap, rc, "tunnels") : preset_start(d, err, cap);
}

static unsigned vrf_to_send_in(void *ctx, const struct in6_addr *src)
{
	const struct daemon *d = ctx;

	return nl_vrf_of_addr(d->nl, src);
}

/* Each address once, though both roles may have it. */
static int start_udp(struct daemon *d, const char **why)
{
	const struct config *c = d->cfg;
	struct in6_addr addrs[LMA_ADDRS_MAX + 1];
	struct mh_udp_cfg cfg = {
		.addrs = addrs,
		.dscp = (int)c->signalling_dscp,
		.ctx = d,
		.vrf = vrf_to_send_in,
		.receive = on_udp,
	};
	bool listed = !c->has_mag || addr6_is_zero(&c->mag.ipv4_proxy_coa);

	for (unsigned i = 0; c->has_lma && i < c->n_lma_addrs4; i++) {
		addrs[cfg.n_addrs++] = c->lma_addrs4[i];
		listed = listed || addr6_eq(&c->lma_addrs4[i], &c->mag.ipv4_proxy_coa);
	}
	if (!listed)
		addrs[cfg.n_addrs++] = c->mag.ipv4_proxy_coa;
	return cfg.n_addrs ? mh_udp_new(&d->udp, &cfg, why) : 0;
}

static int start_sockets(struct daemon *d, char *err, size_t cap)
{
	const struct mh_sock_cfg mh_cfg = {
		.dscp = (int)d->cfg->signalling_dscp,
		.ctx = d,
		.vrf = vrf_to_send_in,
		.receive = on_mh,
	};
	const char *why = NULL;
	int rc = mh_sock_new(&d->mh, &mh_cfg, &why);

	if (rc == -EPERM) {
		snprintf(err, cap,
			 "the Mobility Header socket is not permitted: run as root or with "
			 "CAP_NET_RAW");
		return rc;
	}
	if (rc) {
		snprintf(err, cap, "the Mobility Header socket: %s: %s", why ? why : "setup",
			 strerror(-rc));
		return rc;
	}
	rc = slow_start(d, &why);
	if (rc)
		return fail(err, cap, rc, why);
	rc = nl_new(&d->nl);
	if (rc)
		return fail(err, cap, rc, "netlink socket");
	rc = start_udp(d, &why);
	if (rc)
		return fail(err, cap, rc, why);
	rc = nexthops_new(&d->hops, d->nl, hops_changed, d);
	if (rc)
		return fail(err, cap, rc, "next-hop tracking");
	if (d->cfg->has_mag) {
		rc = frame_sock_new(&d->frames, on_frame, d);
		if (rc)
			return fail(err, cap, rc, "packet socket for the access interfaces");
	}
	return 0;
}

static int start_mag(struct daemon *d, char *err, size_t cap)
{
	const struct access_ops ops = {
		.ctx = d,
		.send = send_frame,
		.set_link_local = set_link_local,
		.random = env_random,
		.to_dhcp4_server = dhcp4_to_server,
	};
	const struct access_triggers triggers = {
		.ctx = d,
		.attach = trigger_attach,
		.detach = trigger_detach,
		.detach_link = trigger_detach_link,
		.confirmed = trigger_confirmed,
		.link_local_in_use = trigger_link_local_in_use,
		.release_ipv4 = trigger_release_ipv4,
		.link_up = trigger_link_up,
	};
	const char *why = "";
	int rc = access_new(&d->access, &d->cfg->access_cfg, &ops, &d->sink);

	if (rc)
		return fail(err, cap, rc, "access side");
	access_bind(d->access, &triggers);
	d->links = access_link_ops(d->access);
	rc = mag_new(&d->mag, &d->cfg->mag, &d->env, dp_bpf_dataplane(d->dp), d->tunnels,
		     &d->profiles, &d->links, &d->sink);
	if (rc)
		return fail(err, cap, rc, "MAG");
	rc = dhcp6_start(d);
	if (rc)
		return fail(err, cap, rc, "DHCPv6 relay agent");
	rc = dhcp6_prepare(d, d->cfg, &why);
	if (rc)
		return fail(err, cap, rc, why);
	dhcp6_settle(d);
	rc = dhcp4_prepare(d, d->cfg, &why);
	if (rc)
		return fail(err, cap, rc, why);
	dhcp4_settle(d);
	inbox_on(&d->inbox, MH_BA, on_mag_message, d);
	inbox_on(&d->inbox, MH_BRR, on_mag_message, d);
	inbox_on(&d->inbox, MH_HI, on_mag_message, d);
	inbox_on(&d->inbox, MH_HACK, on_mag_message, d);
	return 0;
}

static int start_lma(struct daemon *d, char *err, size_t cap)
{
	int rc = lma_new(&d->lma, &d->cfg->lma, &d->env, dp_bpf_dataplane(d->dp), d->tunnels,
			 &d->profiles, &d->sink);

	if (rc)
		return fail(err, cap, rc, "LMA");
	inbox_on(&d->inbox, MH_BU, on_binding_update, d);
	return 0;
}

static int start_control(struct daemon *d, char *err, size_t cap)
{
	const struct control_opts opts = {
		.path = d->cfg->control_socket,
		.group = d->cfg->control_group,
	};
	const struct control_io io = loop_control_io(d);

	d->control_ctx = (struct control_ctx){
		.lma = d->lma,
		.mag = d->mag,
		.dp = dp_bpf_dataplane(d->dp),
		.tunnels = d->tunnels,
		.ops = show_ops(d),
		.instance = d->cfg->instance,
		.config_file = d->config_path,
		.version = PMIP_VERSION,
		.dataplane = dp_bpf_adopted(d->dp) ? "bpf, adopted" : "bpf",
		.started_at = d->started_at,
		.wallclock = env_wallclock,
	};
	return control_new(&d->control, &opts, &io, &d->control_ctx, err, cap);
}

/* RFC 5847 3.2: another one than before if any session is lost. */
static void start_restart_counter(struct daemon *d)
{
	const nsec_t now = daemon_now();

	d->restart_counter =
		restart_counter_load(d->cfg->state_directory, d->state_lost, env_wallclock(d));
	if (d->lma)
		lma_set_restart_counter(d->lma, d->restart_counter, now);
	if (d->mag)
		mag_set_restart_counter(d->mag, d->restart_counter, now);
	/* of both roles */
	inbox_on(&d->inbox, MH_HEARTBEAT, on_peer, d);
	inbox_on(&d->inbox, MH_BINDING_REVOCATION, on_peer, d);
	inbox_on(&d->inbox, MH_BE, on_peer, d);
}

/* The sockets are open since before the programs were loaded. What has waited in them for so long
 * has an old timestamp, would be refused, and ends service where a refresh was (RFC 5213 6.9.1.2
 * (11)): better it is repeated. */
static void discard_stale(struct daemon *d)
{
	d->starting = true;
	while (mh_sock_read(d->mh, 0, daemon_now()) > 0)
		;
	while (d->udp && mh_udp_read(d->udp, 0, daemon_now()) > 0)
		;
	d->starting = false;
}

static void announce_restart(struct daemon *d, nsec_t now)
{
	if (d->lma)
		lma_announce_restart(d->lma, now);
	if (d->mag)
		mag_announce_restart(d->mag, now);
}

/* Whoever wants something of what an earlier run left has put it again by now. */
static void sweep(struct daemon *d)
{
	struct dataplane *dp = dp_bpf_dataplane(d->dp);
	size_t n;

	if (!dp_bpf_adopted(d->dp))
		return;
	n = dp->ops->sweep(dp);
	log_msg(LOG_C_INFO,
		"the data plane of an earlier run goes on; %zu sessions and tunnels of it that "
		"nobody asked for again are removed",
		n);
}

static int start_all(struct daemon *d, char *err, size_t cap)
{
	int rc = durable_open(d, err, cap);

	if (!rc)
		rc = start_sockets(d, err, cap);
	if (!rc)
		rc = start_dataplane(d, err, cap);
	if (!rc && d->cfg->has_lma)
		rc = start_lma(d, err, cap);
	if (!rc && d->cfg->has_mag)
		rc = start_mag(d, err, cap);
	if (!rc)
		rc = start_control(d, err, cap);
	if (!rc && (rc = routing_prepare(d)))
		rc = fail(err, cap, rc, "routes");
	if (!rc)
		rc = links_start(d, err, cap);
	if (!rc)
		routing_start(d);
	if (!rc)
		rc = durable_restore(d, err, cap);
	if (!rc)
		start_restart_counter(d);
	if (!rc)
		rc = caps_drop(err, cap);
	if (rc)
		return rc;
	warm_start(d);
	preset_settle(d, daemon_now());
	sweep(d);
	discard_stale(d);
	if (d->state_lost)
		announce_restart(d, daemon_now());
	return loop_start(d);
}

int daemon_start(struct daemon **out, struct config *cfg, const char *config_path, char *err,
		 size_t cap)
{
	struct daemon *d = calloc(1, sizeof(*d));
	int rc;

	if (!d) {
		config_free(&cfg);
		return fail(err, cap, -ENOMEM, "start");
	}
	log_set_level(cfg->log_level);
	d->cfg = cfg;
	d->config_path = config_path;
	d->profiles = profile_table_profiles(cfg->profiles);
	d->started_at = daemon_now();
	d->unsaved.fd = -1;
	d->own_ip6 = own_ip6(cfg);
	d->env = (struct env){
		.ctx = d,
		.send = env_send,
		.param_problem = env_param_problem,
		.random = env_random,
		.wallclock = env_wallclock,
	};
	d->sink = (struct event_sink){.ctx = d, .emit = on_event};
	inbox_init(&d->inbox, &d->env, &d->sink);
	d->loop = ev_loop_new(EVFLAG_AUTO);
	if (!d->loop)
		rc = fail(err, cap, -ENOMEM, "event loop");
	else
		rc = start_all(d, err, cap);
	if (rc) {
		daemon_stop(&d);
		return rc;
	}
	*out = d;
	return 0;
}

int daemon_run(struct daemon *d)
{
	log_msg(LOG_C_INFO, "pmipd " PMIP_VERSION " instance %s: %s%s%s, maps in %s",
		d->cfg->instance, d->lma ? "LMA" : "", d->lma && d->mag ? " and " : "",
		d->mag ? "MAG" : "", dp_bpf_pin_dir(d->dp));
	d->serving = true;
	notify_ready(d);
	ev_run(d->loop, 0);
	return d->exit_code;
}

void daemon_shutdown(struct daemon *d, bool flush)
{
	d->flush = d->flush || flush;
	d->exit_code = DAEMON_EXIT_SHUTDOWN;
	ev_break(d->loop, EVBREAK_ALL);
}

void daemon_stop(struct daemon **p)
{
	struct daemon *d = *p;
	struct control *control;

	if (!d)
		return;
	/* what was forwarding before a start that failed goes on as well */
	d->leave = d->dp && d->cfg->leave_forwarding && !d->flush &&
		   (d->serving || dp_bpf_adopted(d->dp));
	if (d->serving)
		notify_stopping(d);
	if (d->leave) {
		dp_bpf_leave(d->dp);
		nexthops_leave(d->hops);
		if (d->routes)
			routes_leave(d->routes);
	}
	/* closed last, which tells clients that all is done; they hear of nothing before */
	control = d->control;
	d->control = NULL;
	if (d->serving)
		durable_drain(d);
	lma_free(&d->lma);
	if (d->access) /* its links go after the MAG, which nobody may tell about them then */
		access_bind(d->access, &(const struct access_triggers){0});
	mag_free(&d->mag);
	durable_close(d);
	preset_stop(d);
	if (d->tunnels)
		warm_stop(d);
	links_stop(d);
	if (d->loop) {
		loop_stop(d);
		dhcp6_stop(d);
		dhcp4_stop(d);
	}
	access_free(&d->access);
	routing_stop(d);
	tunnels_free(&d->tunnels);
	dp_bpf_free(&d->dp, !d->leave);
	nexthops_free(&d->hops);
	frame_sock_free(&d->frames);
	slow_stop(d);
	mh_sock_free(&d->mh);
	mh_udp_free(&d->udp);
	nl_free(&d->nl);
	control_free(&control);
	if (d->loop)
		ev_loop_destroy(d->loop);
	config_free(&d->cfg);
	free(d);
	*p = NULL;
}
