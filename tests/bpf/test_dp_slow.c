/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets between programs and daemon, in every encapsulation.
 *
 *	t0 [xdp_transport] = t1		the tunnels' side: frames go in by test run
 *	a0 [xdp_access]    = a1		the node's side: a packet socket hears what arrives
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/ip_head.h"
#include "base/util.h"
#include "core/encap.h"
#include "dp_env.h"
#include "lib/cu.h"

#define HOME6  "2001:db8:100:1::9"
#define HOME4  "100.64.0.9"
#define FAR6   "2001:db8:c::2"
#define FAR4   "192.0.2.2"
#define NUMBER 59 /* next header, protocol: nothing that anybody reads */

static struct dp_bpf *dp;
static struct dataplane *d;
static unsigned t0, a0;
static int heard = -1;
static nsec_t now = NSEC_PER_SEC;
static const struct mac node = {
	{2, 0, 0, 0, 0, 1}
};
static const struct mac own = {
	{2, 0, 0, 0, 0, 0xaa}
};
static const struct mac gateway = {
	{0, 0, 0x5e, 0, 0x52, 0x13}
};

/* The tunnels that there can be. */
static const struct tunnel {
	bool v4;
	enum dp_encap encap;
} tunnels[] = {
	{false, DP_ENCAP_IP	   },
	      {false, DP_ENCAP_GRE	  },
	{false, DP_ENCAP_GRE_KEY	},
	{true,  DP_ENCAP_IP	  },
	      {true,  DP_ENCAP_GRE	 },
	{true,  DP_ENCAP_GRE_KEY    },
	{true,  DP_ENCAP_UDP	   },
	      {true,  DP_ENCAP_UDP_TLV    },
	{true,  DP_ENCAP_UDP_GRE    },
	{true,  DP_ENCAP_UDP_GRE_KEY},
};

static struct in6_addr addr(const char *s)
{
	struct in6_addr a = {0};

	CU_ASSERT_EQUAL(addr_parse(s, &a), 0);
	return a;
}

static struct dp_peer peer_of(const struct tunnel *t)
{
	return (struct dp_peer){
		.local = addr(t->v4 ? "198.51.100.1" : "2001:db8:11::1"),
		.remote = addr(t->v4 ? "203.0.113.1" : "2001:db8:2::1"),
		.encap = t->encap,
	};
}

/* What the hook has been given. */
static struct {
	unsigned n;
	struct dp_peer peer;
	uint32_t key;
	uint8_t class;
	uint8_t data[2048];
	size_t len;
} given;

static void on_fragment(void *ctx, const struct dp_bpf_fragment *f)
{
	given.n++;
	given.peer = *f->peer;
	given.key = f->key;
	given.class = f->class;
	given.len = f->len;
	CU_ASSERT_FATAL(f->len <= sizeof(given.data));
	memcpy(given.data, f->data, f->len);
}

static void attach(const char *name, enum dp_bpf_kind kind, struct mac mac)
{
	const struct dp_bpf_attach a = {.ifindex = env_ifindex(name),
					.ifname = name,
					.kind = kind,
					.want = DP_BPF_XDP,
					.mac = mac,
					.mtu = 1500};
	char err[DP_BPF_ERRLEN] = "";

	if (dp_bpf_attach(dp, &a, NULL, err, sizeof(err)))
		fprintf(stderr, "%s\n", err);
}

static uint64_t value(struct counter_set s, const char *name)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strcmp(s.desc[i].name, name))
			return s.value[i];
	CU_FAIL("no such counter");
	return 0;
}

/* Loading takes its time: one data plane serves all tests of a role. */
static unsigned loaded;
static dp_ref sessions[8];
static unsigned n_sessions;
static uint64_t slow_before[64], early_before[64];

static void load(unsigned roles)
{
	const struct dp_bpf_cfg cfg = {
		.instance = "slow",
		.roles = roles,
		.max_sessions = 64,
		.max_peers = 16,
		.ip4 = true,
		.ip4_outer = true,
		.gre = true,
		.fragment_rate = 1000,
		.hooks = {.fragment = on_fragment},
	};

	dp_bpf_free(&dp, true);
	dp = env_dp(&cfg);
	d = dp_bpf_dataplane(dp);
	attach("t0", DP_BPF_TRANSPORT, (struct mac){{0}});
	attach("a0", DP_BPF_ACCESS, gateway);
	loaded = roles;
}

static void note(struct counter_set s, uint64_t *before)
{
	CU_ASSERT_FATAL(s.n <= 64);
	memcpy(before, s.value, s.n * sizeof(*before));
}

static uint64_t grown(struct counter_set s, const uint64_t *before, const char *name)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strcmp(s.desc[i].name, name))
			return s.value[i] - before[i];
	CU_FAIL("no such counter");
	return 0;
}

/* Since setup(). */
static uint64_t slow(const char *name)
{
	return grown(dp_bpf_slow_counters(dp), slow_before, name);
}

static uint64_t early(const char *name)
{
	return grown(dp_bpf_early_counters(dp), early_before, name);
}

static dp_ref setup(unsigned roles, const struct tunnel *t)
{
	const struct dp_peer peer = peer_of(t);
	dp_ref ref = 0;

	memset(&given, 0, sizeof(given));
	if (loaded != roles)
		load(roles);
	CU_ASSERT_EQUAL_FATAL(dp_bpf_local_add(dp, &peer.local), 0);
	CU_ASSERT_EQUAL_FATAL(d->ops->peer_put(d, &peer, &ref), 0);
	dp_bpf_slow(dp, now);
	note(dp_bpf_slow_counters(dp), slow_before);
	note(dp_bpf_early_counters(dp), early_before);
	return ref;
}

static void teardown(void)
{
	while (n_sessions)
		d->ops->session_del(d, sessions[--n_sessions]);
	now += NSEC_PER_SEC;
	dp_bpf_slow(dp, now);
}

/* A packet whose first octet behind the header is a number. */
static size_t packet(uint8_t *b, bool v4, const char *src, const char *dst, size_t len,
		     uint8_t number)
{
	const struct ip_head h = {
		.src = addr(src),
		.dst = addr(dst),
		.len = (uint32_t)len,
		.proto = NUMBER,
		.class = 0x28,
		.hop_limit = 64,
		.v4 = v4,
	};
	size_t n = ip_head_write(&h, b);

	memset(b + n, number, len - n);
	return len;
}

/* To the node, from somewhere. */
static size_t to_node(uint8_t *b, bool v4, uint8_t number)
{
	return packet(b, v4, v4 ? FAR4 : FAR6, v4 ? HOME4 : HOME6, 100, number);
}

/* A frame goes in at t0; what the program says. */
static uint32_t frame_in(const void *frame, size_t len)
{
	uint8_t out[4096];
	struct xdp_md md = {.data_end = (uint32_t)len, .ingress_ifindex = t0};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = (uint32_t)len,
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = &md,
		    .ctx_size_in = sizeof(md), .repeat = 1);
	int prog = env_prog(t0);

	CU_ASSERT_EQUAL(bpf_prog_test_run_opts(prog, &o), 0);
	close(prog);
	return o.retval;
}

static size_t ethernet(uint8_t *b, bool v4)
{
	memcpy(b, own.b, sizeof(own.b));
	memset(b + 6, 0, 6);
	b[12] = v4 ? 0x08 : 0x86;
	b[13] = v4 ? 0x00 : 0xdd;
	return ETH_HLEN;
}

/* A tunnel packet with that inside arrives from the peer. */
static uint32_t tunnelled_in(const struct tunnel *t, uint32_t key, const uint8_t *inner, size_t len)
{
	const struct dp_peer p = peer_of(t);
	const bool inner_v4 = inner[0] >> 4 == 4;
	const struct ip_head h = {
		.src = p.remote,
		.dst = p.local,
		.len = (uint32_t)((t->v4 ? IP4_HLEN : IP6_HLEN) + encap_len(t->encap) + len),
		.proto = encap_proto(t->encap, inner_v4),
		.hop_limit = 64,
		.v4 = t->v4,
	};
	uint8_t b[2048];
	size_t n = ethernet(b, t->v4);

	n += ip_head_write(&h, b + n);
	n += encap_shim(b + n, t->encap, inner_v4, key, 50000, len);
	memcpy(b + n, inner, len);
	return frame_in(b, n + len);
}

/* The number of the next packet of that family that reaches the node; -1: none within a moment.
 * `from` is filled with the packet's octets. */
static int arrived(bool v4, uint8_t *copy, size_t *len)
{
	struct pollfd p = {.fd = heard, .events = POLLIN};
	const size_t hlen = v4 ? IP4_HLEN : IP6_HLEN;
	uint8_t frame[2048];

	while (poll(&p, 1, 100) > 0) {
		const ssize_t n = recv(heard, frame, sizeof(frame), 0);
		struct ip_head h;

		if (n < ETH_HLEN + 40 || memcmp(frame, node.b, 6) ||
		    memcmp(frame + 6, gateway.b, 6) ||
		    !ip_head_read(&h, frame + ETH_HLEN, (size_t)n - ETH_HLEN) || h.v4 != v4)
			continue;
		if (copy) {
			*len = h.len;
			memcpy(copy, frame + ETH_HLEN, h.len);
		}
		return frame[ETH_HLEN + hlen];
	}
	return -1;
}

/* The MAG's half of the session; without an anchor it has no addresses yet. */
static dp_ref put_access(const struct tunnel *t, dp_ref anchor, dp_ref ref)
{
	const struct prefix6 p = env_prefix("2001:db8:100:1::/64");
	const struct in6_addr home4 = addr(HOME4);
	const struct dp_session s = {
		.half = DP_ACCESS,
		.mnid = {MNID_NAI,	   3, (const uint8_t *)"a@b"		    },
		.n_prefixes = anchor ? 1 : 0,
		.prefixes = &p,
		.addr4 = anchor ? addr_to_ip4(&home4) : (struct in_addr){0		  },
		.keyed = dp_encap_keyed(t->encap),
		.down = {.kind = DP_TO_LINK, .ifindex = a0,  .mac = node			       },
		.up = {.kind = anchor ? DP_TO_PEER : DP_TO_NOWHERE,    .peer = anchor, .key = 7},
	};

	const bool fresh = !ref;

	CU_ASSERT_EQUAL_FATAL(d->ops->session_put(d, &s, &ref), 0);
	if (fresh)
		sessions[n_sessions++] = ref;
	return ref;
}

static dp_ref put_anchor(const struct tunnel *t, dp_ref peer)
{
	const struct prefix6 p = env_prefix("2001:db8:100:1::/64");
	const struct in6_addr home4 = addr(HOME4);
	const struct dp_session s = {
		.half = DP_ANCHOR,
		.mnid = {MNID_NAI,		   3, (const uint8_t *)"a@b"},
		.n_prefixes = 1,
		.prefixes = &p,
		.addr4 = addr_to_ip4(&home4),
		.keyed = dp_encap_keyed(t->encap),
		.down = {.kind = DP_TO_PEER, .peer = peer, .key = 9},
		.up = {.kind = DP_TO_ROUTE	  },
	};
	dp_ref ref = 0;

	CU_ASSERT_EQUAL_FATAL(d->ops->session_put(d, &s, &ref), 0);
	sessions[n_sessions++] = ref;
	return ref;
}

static void test_early_of_every_kind(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++) {
		const struct tunnel *t = &tunnels[i];
		const bool keyed = dp_encap_keyed(t->encap);
		dp_ref anchor = setup(DP_BPF_MAG, t), ref = 0;
		uint32_t key = 0;
		uint8_t b[128];

		if (keyed) { /* announced, not yet answered */
			ref = put_access(t, 0, 0);
			CU_ASSERT_EQUAL_FATAL(d->ops->session_key(d, ref, &key), 0);
		}
		for (int v4 = 0; v4 < 2; v4++)
			CU_ASSERT_EQUAL(tunnelled_in(t, key, b, to_node(b, v4, (uint8_t)(v4 + 1))),
					XDP_DROP);
		dp_bpf_slow(dp, now);
		CU_ASSERT_EQUAL(early("kept"), 2);
		CU_ASSERT_EQUAL(arrived(false, NULL, NULL), -1);
		put_access(t, anchor, ref);
		CU_ASSERT_EQUAL(arrived(false, NULL, NULL), 1);
		CU_ASSERT_EQUAL(arrived(true, NULL, NULL), 2);
		CU_ASSERT_EQUAL(early("delivered"), 2);
		CU_ASSERT_EQUAL(dp_bpf_slow_next(dp), NSEC_NEVER);
		teardown();
	}
}

/* A key of ours with another node's address in it is not what was waited for. */
static void test_early_key_of_another(void)
{
	const struct tunnel *t = &tunnels[2];
	dp_ref anchor = setup(DP_BPF_MAG, t), ref = put_access(t, 0, 0);
	uint8_t b[128];
	uint32_t key;

	CU_ASSERT_EQUAL_FATAL(d->ops->session_key(d, ref, &key), 0);
	CU_ASSERT_EQUAL(
		tunnelled_in(t, key, b, packet(b, false, FAR6, "2001:db8:100:2::9", 100, 1)),
		XDP_DROP);
	dp_bpf_slow(dp, now);
	CU_ASSERT_EQUAL(early("kept"), 1);
	put_access(t, anchor, ref);
	CU_ASSERT_EQUAL(early("delivered"), 0);
	dp_bpf_slow(dp, now + nsec_from_ms(100));
	CU_ASSERT_EQUAL(early("expired"), 1);
	teardown();
}

static void test_fragments_of_every_kind(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++) {
		const struct tunnel *t = &tunnels[i];
		const size_t around = (t->v4 ? IP4_HLEN : IP6_HLEN) + encap_len(t->encap);
		const struct dp_bpf_nexthop nh = {.mtu = (uint32_t)(around + 1200)};
		dp_ref peer = setup(DP_BPF_LMA, t);
		const struct dp_peer want = peer_of(t);

		put_anchor(t, peer);
		CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, peer, &nh), 0);
		for (int v4 = 0; v4 < 2; v4++) {
			uint8_t b[2048];
			size_t n = ethernet(b, v4);

			n += packet(b + n, v4, v4 ? FAR4 : FAR6, v4 ? HOME4 : HOME6, 1201, 5);
			given.n = 0;
			CU_ASSERT_EQUAL(frame_in(b, n), XDP_DROP);
			dp_bpf_slow(dp, now);
			CU_ASSERT_EQUAL_FATAL(given.n, 1);
			CU_ASSERT(addr6_eq(&given.peer.remote, &want.remote) &&
				  given.peer.encap == want.encap);
			CU_ASSERT_EQUAL(given.key, dp_encap_keyed(t->encap) ? 9 : 0);
			CU_ASSERT_EQUAL(given.class, 0x28);
			CU_ASSERT_EQUAL(given.len, 1201);
			/* one hop less; the rest as it was */
			CU_ASSERT_EQUAL(given.data[v4 ? 8 : 7], 63);
			CU_ASSERT_EQUAL(memcmp(given.data + 40, b + ETH_HLEN + 40, 1161), 0);
		}
		CU_ASSERT_EQUAL(slow("to_fragment"), 2);
		teardown();
	}
}

/* What the kernel puts together is judged like what came whole. */
static void test_reassembled_of_every_kind(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++) {
		const struct tunnel *t = &tunnels[i];
		const size_t skip = encap_is_udp(t->encap) ? ENCAP_UDP_HLEN : 0;
		const struct dp_peer p = peer_of(t);
		dp_ref anchor = setup(DP_BPF_MAG, t), ref = put_access(t, anchor, 0);
		uint32_t key = 0;

		if (dp_encap_keyed(t->encap))
			CU_ASSERT_EQUAL_FATAL(d->ops->session_key(d, ref, &key), 0);
		for (int v4 = 0; v4 < 2; v4++) {
			uint8_t inner[1400], b[1500];
			size_t len = packet(inner, v4, v4 ? FAR4 : FAR6, v4 ? HOME4 : HOME6, 1400,
					    6),
			       n;
			struct dp_bpf_tunnelled rx = {.src = p.remote,
						      .dst = p.local,
						      .ifindex = t0,
						      .proto = encap_proto(t->encap, v4),
						      .port = 50000,
						      .data = b + skip};

			n = encap_shim(b, t->encap, v4, key, 50000, len);
			memcpy(b + n, inner, len);
			rx.len = n + len - skip;
			dp_bpf_receive(dp, &rx);
			CU_ASSERT_EQUAL(arrived(v4, NULL, NULL), 6);
			/* an interface of nodes, and one that is not served */
			rx.ifindex = a0;
			dp_bpf_receive(dp, &rx);
			rx.ifindex = 1;
			dp_bpf_receive(dp, &rx);
			/* somebody else */
			rx.ifindex = t0;
			rx.src.s6_addr[15]++;
			dp_bpf_receive(dp, &rx);
			/* not all of it */
			rx.src = p.remote;
			rx.len = n - skip;
			dp_bpf_receive(dp, &rx);
			CU_ASSERT_EQUAL(arrived(v4, NULL, NULL), -1);
		}
		CU_ASSERT_EQUAL(slow("reassembled"), 2);
		CU_ASSERT_EQUAL(slow("interface"), 4);
		CU_ASSERT_EQUAL(slow("stranger"), 2);
		CU_ASSERT_EQUAL(slow("malformed"), 2);
		teardown();
	}
}

static void test_length(void)
{
	const struct tunnel *t = &tunnels[0];
	const struct dp_peer p = peer_of(t);
	static uint8_t b[65536];
	struct dp_bpf_tunnelled rx = {.src = p.remote, .dst = p.local, .proto = 41, .data = b};

	put_access(t, setup(DP_BPF_MAG, t), 0);
	rx.ifindex = t0;
	for (size_t len = 3000; len < sizeof(b); len += len < 3600 ? 1 : 5000) {
		packet(b, false, FAR6, HOME6, len, 1);
		rx.len = len;
		dp_bpf_receive(dp, &rx);
	}
	/* whatever is not too long the kernel takes */
	CU_ASSERT(slow("reassembled") > 200);
	CU_ASSERT(slow("too_long") > 200);
	CU_ASSERT_EQUAL(slow("failed"), 0);
	teardown();
	while (arrived(false, NULL, NULL) >= 0)
		;
}

/* An error about a packet of the node, from behind the tunnel, reaches the node as from its anchor.
 */
static void test_errors_for_nodes(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++) {
		const struct tunnel *t = &tunnels[i];
		dp_ref anchor = setup(DP_BPF_MAG, t);

		put_access(t, anchor, 0);
		for (int v4 = 0; v4 < 2; v4++) {
			struct dp_bpf_quote q = {.peer = peer_of(t),
						 .key = dp_encap_keyed(t->encap) ? 7 : 0,
						 .src = addr(v4 ? HOME4 : HOME6),
						 .dst = addr(v4 ? FAR4 : FAR6)};
			uint8_t b[200], got[2048];
			size_t len = packet(b, v4, v4 ? "192.0.0.8" : "2001:db8:11::1",
					    v4 ? HOME4 : HOME6, 200, 8),
			       n = 0;

			CU_ASSERT_EQUAL(dp_bpf_tell(dp, &q, b, len), DP_BPF_TOLD);
			CU_ASSERT_EQUAL(arrived(v4, got, &n), 8);
			CU_ASSERT_EQUAL(n, len);
			CU_ASSERT_EQUAL(memcmp(got + 40, b + 40, len - 40), 0);
			/* from nobody's address, through nobody's tunnel, with nobody's key */
			q.src.s6_addr[v4 ? 15 : 7]++;
			CU_ASSERT_EQUAL(dp_bpf_tell(dp, &q, b, len), DP_BPF_STRANGER);
			q.src = addr(v4 ? HOME4 : HOME6);
			q.peer.remote.s6_addr[15]++;
			CU_ASSERT_EQUAL(dp_bpf_tell(dp, &q, b, len), DP_BPF_STRANGER);
			q.peer = peer_of(t);
			q.key++;
			CU_ASSERT_EQUAL(dp_bpf_tell(dp, &q, b, len),
					dp_encap_keyed(t->encap) ? DP_BPF_STRANGER : DP_BPF_TOLD);
		}
		teardown();
		while (arrived(false, NULL, NULL) >= 0 || arrived(true, NULL, NULL) >= 0)
			;
	}
}

/* At the anchor: the source is the Internet's, or a node that is anchored here too. */
static void test_errors_at_the_anchor(void)
{
	const struct tunnel *t = &tunnels[0];
	struct dp_bpf_quote q = {.peer = peer_of(t), .src = addr(FAR6), .dst = addr(HOME6)};
	dp_ref peer = setup(DP_BPF_LMA, t);
	struct counter_set xdp, tc;
	uint64_t received, to_tc;
	uint8_t b[200];
	size_t len = packet(b, false, "2001:db8:11::1", FAR6, 200, 8);

	put_anchor(t, peer);
	CU_ASSERT_EQUAL(dp_bpf_tell(dp, &q, b, len), DP_BPF_NO_NODE);
	q.dst.s6_addr[7]++;
	CU_ASSERT_EQUAL(dp_bpf_tell(dp, &q, b, len), DP_BPF_STRANGER);
	/* from the node to itself, as far as addresses go */
	q.src = q.dst = addr(HOME6);
	len = packet(b, false, "2001:db8:11::1", HOME6, 200, 8);
	CU_ASSERT_EQUAL_FATAL(dp_bpf_verdicts(dp, &xdp, &tc), 0);
	received = value(xdp, "received");
	to_tc = value(xdp, "to_tc");
	CU_ASSERT_EQUAL(dp_bpf_tell(dp, &q, b, len), DP_BPF_TOLD);
	CU_ASSERT_EQUAL_FATAL(dp_bpf_verdicts(dp, &xdp, &tc), 0);
	CU_ASSERT_EQUAL(value(xdp, "received"), received + 1);
	CU_ASSERT_EQUAL(value(xdp, "to_tc"), to_tc + 1); /* no next hop yet */
	teardown();
}

/* One call takes a bounded number; the rest waits in the ring. */
static void test_bounded(void)
{
	const struct tunnel *t = &tunnels[0];
	const struct dp_bpf_nexthop nh = {.mtu = 1240};
	dp_ref peer = setup(DP_BPF_LMA, t);
	uint8_t b[2048];
	size_t n = ethernet(b, false);
	unsigned first;

	put_anchor(t, peer);
	CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, peer, &nh), 0);
	n += packet(b + n, false, FAR6, HOME6, 1280, 5);
	for (int i = 0; i < 600; i++)
		frame_in(b, n);
	dp_bpf_slow(dp, now);
	first = given.n;
	CU_ASSERT(first > 0 && first <= 256);
	for (int i = 0; i < 3; i++)
		dp_bpf_slow(dp, now);
	CU_ASSERT(given.n > first);
	teardown();
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"early packets of every encapsulation wait for their session",
		 test_early_of_every_kind},
		{"an early packet with another session's key is not delivered",
		 test_early_key_of_another},
		{"reassembled packets of every encapsulation reach the node, others are counted",
		 test_reassembled_of_every_kind},
		{"reassembled packets that are too long are counted", test_length},
		{"errors for a node come to it as from its anchor",									       test_errors_for_nodes},
		{"packets to be fragmented reach the hook as they shall leave",
		 test_fragments_of_every_kind},
		{"at the anchor errors are told apart by their receiver",
		 test_errors_at_the_anchor},
		{"one call takes a bounded number of packets",									       test_bounded},
		{0						   },
	};
	struct sockaddr_ll sll = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int rc;

	env_enter();
	env_sh(true,
	       "ip link add t0 type veth peer name t1 && ip link add a0 type veth peer name a1 && "
	       "ip link set t0 address 02:00:00:00:00:aa && ethtool -K a1 gro on >/dev/null && "
	       "ethtool -K t1 gro on >/dev/null && for i in t0 t1 a0 a1; do ip link set $i up; "
	       "done");
	t0 = env_ifindex("t0");
	a0 = env_ifindex("a0");
	heard = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	sll.sll_ifindex = (int)env_ifindex("a1");
	if (heard < 0 || bind(heard, (struct sockaddr *)&sll, sizeof(sll))) {
		perror("packet socket");
		return 1;
	}
	rc = cu_main("slow path", tests, argc, argv);
	dp_bpf_free(&dp, true);
	return rc;
}
