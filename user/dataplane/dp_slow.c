/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_slow.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/ip_head.h"
#include "base/util.h"
#include "core/encap.h"
#include "dataplane/dp_lookup.h"
#include "dataplane/dp_state.h"

#define BUDGET	  256 /* records per call */
#define HOP_LIMIT 64

/* What decides about a packet that waits. */
struct early_for {
	dp_ref peer;
	uint32_t key; /* one of ours, where the tunnel is keyed */
	bool keyed;
	struct in6_addr to; /* inner destination */
};

struct dp_early_packet {
	nsec_t at;
	struct early_for for_;
	uint32_t ifindex;
	uint32_t len;
	uint8_t frame[];
};

static const struct counter_desc early_desc[] = {DP_EARLY_COUNTERS(COUNTER_DESC)};
static const struct counter_desc slow_desc[] = {DP_SLOW_COUNTERS(COUNTER_DESC)};

/* ---- into the receive path */

/* The XDP program judges it as if it had just arrived, and what it leaves to the stack meets the TC
 * program on the same interface. */
static int inject(struct dp_bpf *dp, unsigned ifindex, const void *frame, size_t len)
{
	struct xdp_md md = {.data_end = (uint32_t)len, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = (uint32_t)len,
		    .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = 1,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	return bpf_prog_test_run_opts(dp->maps.prog[DP_PROG_XDP_TRANSPORT], &opts);
}

/* ---- early packets */

static void put_back(struct dp_bpf *dp, const struct dp_early_packet *p)
{
	const int err = inject(dp, p->ifindex, p->frame, p->len);

	dp->slow.early[err ? DP_EARLY_C_FAILED : DP_EARLY_C_DELIVERED]++;
}

static void drop_oldest(struct dp_slow *s, enum dp_early_counter why)
{
	free(s->waiting[0]);
	memmove(s->waiting, s->waiting + 1, --s->n * sizeof(s->waiting[0]));
	s->early[why]++;
}

/* Whom a frame is for; false: it came through no tunnel of ours. */
static bool read_early(const struct dp_bpf *dp, const uint8_t *frame, size_t len,
		       struct early_for *f)
{
	struct ip_head outer, inner;
	struct encap_inside in;
	struct dp_peer peer;
	size_t have;

	if (len < ETH_HLEN || !ip_head_read(&outer, frame + ETH_HLEN, len - ETH_HLEN) ||
	    outer.fragment || outer.len > len - ETH_HLEN)
		return false;
	frame += ETH_HLEN + outer.hlen;
	have = outer.len - outer.hlen;
	if (!encap_look(&in, outer.v4, outer.proto, frame, have, have) ||
	    !ip_head_read(&inner, frame + in.off, have - in.off))
		return false;
	peer = (struct dp_peer){.local = outer.dst, .remote = outer.src, .encap = in.encap};
	f->peer = dp_peer_find(dp, &peer);
	f->keyed = dp_encap_keyed(in.encap);
	f->key = in.key;
	f->to = inner.dst;
	return f->peer;
}

/* Would the programs deliver it now? Exactly then: what they gave back again would go round. */
static bool session_is_there(const struct dp_bpf *dp, const struct early_for *f)
{
	const uint32_t slot = f->keyed ? dp_lookup_key(dp, f->key) : dp_lookup_addr(dp, &f->to, 0);
	const struct pm_session *m = &dp->maps.session[slot];

	if (!slot || (m->up_tunnel != f->peer && m->also != f->peer))
		return false;
	return !f->keyed || dp_lookup_addr(dp, &f->to, m->domain) == slot;
}

static void take_early(struct dp_bpf *dp, const struct pm_slow *in, const uint8_t *frame)
{
	struct dp_slow *s = &dp->slow;
	struct dp_early_packet *p;
	struct early_for f;

	if (!read_early(dp, frame, in->len, &f)) {
		s->early[DP_EARLY_C_STRANGER]++;
		return;
	}
	p = malloc(sizeof(*p) + in->len);
	if (!p) {
		s->early[DP_EARLY_C_OVERFLOW]++;
		return;
	}
	*p = (struct dp_early_packet){
		.at = s->now, .for_ = f, .ifindex = in->ifindex, .len = in->len};
	memcpy(p->frame, frame, in->len);
	s->early[DP_EARLY_C_KEPT]++;
	if (session_is_there(dp, &f)) {
		put_back(dp, p);
		free(p);
		return;
	}
	if (s->n == DP_EARLY_MAX)
		drop_oldest(s, DP_EARLY_C_OVERFLOW);
	s->waiting[s->n++] = p;
}

static void note_domain(struct dp_slow *s, uint16_t domain)
{
	for (unsigned i = 0; i < s->n_domains; i++)
		if (s->domain[i] == domain)
			return;
	if (domain && s->n_domains < ARRAY_SIZE(s->domain))
		s->domain[s->n_domains++] = domain;
}

void dp_slow_arrived(struct dp_bpf *dp, const struct dp_session *session)
{
	struct dp_slow *s = &dp->slow;
	unsigned kept = 0;

	note_domain(s, session->domain);
	if (!s->ring || session->half != DP_ACCESS)
		return;
	for (unsigned i = 0; i < s->n; i++) {
		struct dp_early_packet *p = s->waiting[i];

		if (!session_is_there(dp, &p->for_)) {
			s->waiting[kept++] = p;
			continue;
		}
		put_back(dp, p);
		free(p);
	}
	s->n = kept;
	/* what is still in the ring came later, and its session is there now */
	s->budget = BUDGET;
	ring_buffer__consume(s->ring);
}

/* ---- packets to be fragmented */

static void take_fragment(struct dp_bpf *dp, const struct pm_slow *in, const uint8_t *data)
{
	const struct dp_peer_rec *r = dp_peer_get(dp, in->tunnel);
	const struct dp_bpf_hooks *h = &dp->cfg.hooks;

	if (!r || !h->fragment) {
		dp->slow.counter[DP_SLOW_C_NO_TUNNEL]++;
		return;
	}
	dp->slow.counter[DP_SLOW_C_FRAGMENT]++;
	h->fragment(h->ctx, &(const struct dp_bpf_fragment){.peer = &r->peer,
							    .key = in->key,
							    .class = in->class,
							    .data = data,
							    .len = in->len});
}

/* ---- the ring */

static int take(void *ctx, void *data, size_t size)
{
	struct dp_bpf *dp = ctx;
	const struct pm_slow *in = data;

	if (size >= sizeof(*in) && in->len <= size - sizeof(*in)) {
		if (in->kind == PM_SLOW_FRAGMENT)
			take_fragment(dp, in, (const uint8_t *)(in + 1));
		else
			take_early(dp, in, (const uint8_t *)(in + 1));
	}
	/* who else is to be served comes in between; the descriptor stays readable */
	return --dp->slow.budget ? 0 : -EAGAIN;
}

static int discard(void *ctx, void *data, size_t size)
{
	struct dp_bpf *dp = ctx;

	(void)data;
	(void)size;
	dp->slow.counter[DP_SLOW_C_OLD]++;
	return 0;
}

/* Nobody knows how old that is what an earlier run has left in the ring. */
static int discard_old(struct dp_bpf *dp)
{
	struct ring_buffer *ring = ring_buffer__new(dp->maps.fd[DP_MAP_SLOW], discard, dp, NULL);

	if (!ring)
		return -errno;
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return 0;
}

int dp_slow_init(struct dp_bpf *dp)
{
	int r = dp->maps.adopted ? discard_old(dp) : 0;

	if (r < 0)
		return r;
	dp->slow.ring = ring_buffer__new(dp->maps.fd[DP_MAP_SLOW], take, dp, NULL);
	return dp->slow.ring ? 0 : -errno;
}

void dp_slow_free(struct dp_slow *s)
{
	ring_buffer__free(s->ring);
	s->ring = NULL;
	while (s->n)
		drop_oldest(s, DP_EARLY_C_EXPIRED);
}

int dp_bpf_slow_fd(const struct dp_bpf *dp)
{
	return ring_buffer__epoll_fd(dp->slow.ring);
}

nsec_t dp_bpf_slow_next(const struct dp_bpf *dp)
{
	return dp->slow.n ? nsec_add(dp->slow.waiting[0]->at, DP_EARLY_AGE) : NSEC_NEVER;
}

void dp_bpf_slow(struct dp_bpf *dp, nsec_t now)
{
	struct dp_slow *s = &dp->slow;

	s->now = now;
	s->budget = BUDGET;
	ring_buffer__consume(s->ring);
	while (s->n && nsec_add(s->waiting[0]->at, DP_EARLY_AGE) <= now)
		drop_oldest(s, DP_EARLY_C_EXPIRED);
}

/* ---- from the daemon to the programs */

struct frame {
	size_t len; /* from the beginning on with the Ethernet header, which is written last */
	uint8_t b[DP_SLOW_FRAME_MAX];
};

static bool append(struct frame *f, const void *data, size_t len)
{
	if (len > sizeof(f->b) - f->len)
		return false;
	memcpy(f->b + f->len, data, len);
	f->len += len;
	return true;
}

/* As from the neighbour that the peer is reached through: an error that a program makes out of the
 * frame goes back there. */
static void write_eth(struct frame *f, const struct dp_iface *at, const struct dp_peer_rec *from,
		      bool v4)
{
	const struct dp_bpf_nexthop *nh = from ? &from->nexthop : NULL;
	const struct mac *src =
		nh && nh->valid && nh->ifindex == at->pub.ifindex ? &nh->dmac : &at->own;

	memcpy(f->b, at->own.b, ETH_ALEN);
	memcpy(f->b + ETH_ALEN, src->b, ETH_ALEN);
	f->b[12] = v4 ? 0x08 : 0x86;
	f->b[13] = v4 ? 0x00 : 0xdd;
}

static bool append_head(struct frame *f, const struct ip_head *h)
{
	uint8_t b[IP6_HLEN];

	return append(f, b, ip_head_write(h, b));
}

/* A tunnel packet whose shim is not there yet, or is part of `payload`. */
static bool build_tunnelled(struct frame *f, const struct dp_bpf_tunnelled *t, const void *shim,
			    size_t shim_len)
{
	const bool v4 = addr_is_ip4(&t->dst);
	const struct ip_head h = {
		.src = t->src,
		.dst = t->dst,
		.len = (uint32_t)((v4 ? IP4_HLEN : IP6_HLEN) + shim_len + t->len),
		.proto = t->proto,
		.class = t->class,
		.hop_limit = HOP_LIMIT,
		.v4 = v4,
	};

	return append_head(f, &h) && append(f, shim, shim_len) && append(f, t->data, t->len);
}

/* The UDP header that the socket has taken off. */
static size_t udp_head(const struct dp_bpf_tunnelled *t, uint8_t b[ENCAP_SHIM_MAX])
{
	if (t->proto != IPPROTO_UDP)
		return 0;
	return encap_shim(b, DP_ENCAP_UDP, false, 0, t->port, t->len);
}

static enum dp_slow_counter receive(struct dp_bpf *dp, const struct dp_bpf_tunnelled *t)
{
	const bool v4 = addr_is_ip4(&t->dst);
	const struct dp_iface *at = dp_iface_find(dp, t->ifindex);
	struct dp_peer peer = {.local = t->dst, .remote = t->src};
	uint8_t udp[ENCAP_SHIM_MAX];
	const size_t udp_len = udp_head(t, udp);
	const uint8_t *payload;
	struct frame f = {.len = ETH_HLEN};
	struct encap_inside in;
	dp_ref ref;

	if (!at || at->pub.kind != DP_BPF_TRANSPORT)
		return DP_SLOW_C_INTERFACE;
	if (t->len > sizeof(f.b))
		return DP_SLOW_C_TOO_LONG;
	if (!build_tunnelled(&f, t, udp, udp_len))
		return DP_SLOW_C_TOO_LONG;
	payload = f.b + f.len - t->len - udp_len;
	if (!encap_look(&in, v4, t->proto, payload, t->len + udp_len, t->len + udp_len))
		return DP_SLOW_C_MALFORMED;
	peer.encap = in.encap;
	ref = dp_peer_find(dp, &peer);
	if (!ref)
		return DP_SLOW_C_STRANGER;
	write_eth(&f, at, dp_peer_get(dp, ref), v4);
	return inject(dp, t->ifindex, f.b, f.len) ? DP_SLOW_C_FAILED : DP_SLOW_C_WHOLE;
}

void dp_bpf_receive(struct dp_bpf *dp, const struct dp_bpf_tunnelled *t)
{
	dp->slow.counter[receive(dp, t)]++;
}

/* ---- errors for nodes */

/* What a quotation was found to be about. */
struct quoted {
	const struct dp_peer_rec *peer;
	uint32_t slot; /* of the node that the tunnel serves */
	bool up;       /* the node sent it, else it was sent to it */
	uint16_t domain;
};

static bool is_of(const struct dp_bpf *dp, const struct dp_bpf_quote *q, dp_ref ref, bool up,
		  uint32_t slot)
{
	const struct pm_session *m = &dp->maps.session[slot];
	const uint64_t desc = dp_buffer_then(dp, dp_load64(&m->desc));
	uint32_t key_down, key_up;

	if (up ? m->up_tunnel != ref
	       : PM_DESC_FLAGS(desc) & PM_F_LINK || PM_DESC_TUNNEL(desc) != ref)
		return false;
	if (!dp_encap_keyed(q->peer.encap))
		return true;
	dp_lookup_peer_keys(dp, slot, &key_down, &key_up);
	return q->key == (up ? key_up : key_down);
}

static bool find_in(const struct dp_bpf *dp, const struct dp_bpf_quote *q, dp_ref ref,
		    uint16_t domain, struct quoted *out)
{
	for (int up = 0; up < 2; up++) {
		const uint32_t slot = dp_lookup_addr(dp, up ? &q->src : &q->dst, domain);

		if (!slot || !is_of(dp, q, ref, up, slot))
			continue;
		*out = (struct quoted){dp_peer_get(dp, ref), slot, up, domain};
		return true;
	}
	return false;
}

static bool find_quoted(const struct dp_bpf *dp, const struct dp_bpf_quote *q, struct quoted *out)
{
	const dp_ref ref = dp_peer_find(dp, &q->peer);

	if (!ref)
		return false;
	if (find_in(dp, q, ref, 0, out))
		return true;
	for (unsigned i = 0; dp_encap_keyed(q->peer.encap) && i < dp->slow.n_domains; i++)
		if (find_in(dp, q, ref, dp->slow.domain[i], out))
			return true;
	return false;
}

#define ANY_DOMAIN (-1)

/* A transport interface where packets to the nodes of that domain may come in: best the one that
 * the peer is reached through. */
static const struct dp_iface *entrance(const struct dp_bpf *dp, const struct quoted *w, int domain)
{
	const struct dp_iface *found = NULL;

	for (unsigned i = 0; i < dp->ifaces.n; i++) {
		const struct dp_iface *f = &dp->ifaces.iface[i];

		if (f->pub.kind != DP_BPF_TRANSPORT || (domain >= 0 && f->pub.domain != domain))
			continue;
		if (!found || f->pub.ifindex == w->peer->nexthop.ifindex)
			found = f;
	}
	return found;
}

/* Out of the tunnel, as if the anchor had sent it to the node. */
static bool as_from_anchor(struct dp_bpf *dp, const struct quoted *w, const void *packet,
			   size_t len, struct frame *f)
{
	const struct dp_peer *p = &w->peer->peer;
	const bool v4 = *(const uint8_t *)packet >> 4 == 4;
	const dp_ref half = dp->slots.slot[w->slot].owner[DP_ACCESS];
	const struct dp_bpf_tunnelled t = {
		.src = p->remote,
		.dst = p->local,
		.proto = encap_proto(p->encap, v4),
		.data = packet,
		.len = len,
	};
	uint8_t shim[ENCAP_SHIM_MAX];
	uint32_t key = 0;

	if (dp_encap_keyed(p->encap) && dp->dp.ops->session_key(&dp->dp, half, &key))
		return false;
	return build_tunnelled(f, &t, shim,
			       encap_shim(shim, p->encap, v4, key, ENCAP_DATA_PORT, len));
}

enum dp_bpf_told dp_bpf_tell(struct dp_bpf *dp, const struct dp_bpf_quote *q, const void *packet,
			     size_t len)
{
	const struct dp_iface *at;
	struct quoted w;
	struct frame f = {.len = ETH_HLEN};
	uint32_t source;
	bool done;

	if (!find_quoted(dp, q, &w))
		return DP_BPF_STRANGER;
	source = w.up ? w.slot : dp_lookup_addr(dp, &q->src, w.domain);
	if (!source)
		return w.domain ? DP_BPF_NOT_TOLD : DP_BPF_NO_NODE;
	if (PM_DESC_FLAGS(dp_load64(&dp->maps.session[source].desc)) & PM_F_ANCHORED) {
		/* as if it came from the network */
		at = entrance(dp, &w, w.domain);
		done = at && append(&f, packet, len);
		if (done)
			write_eth(&f, at, NULL, addr_is_ip4(&q->src));
	} else {
		/* a tunnel packet tells its domain by its key */
		at = w.up ? entrance(dp, &w, ANY_DOMAIN) : NULL;
		done = at && as_from_anchor(dp, &w, packet, len, &f);
		if (done)
			write_eth(&f, at, w.peer, addr_is_ip4(&w.peer->peer.local));
	}
	if (!done || inject(dp, at->pub.ifindex, f.b, f.len)) {
		dp->slow.counter[DP_SLOW_C_FAILED]++;
		return DP_BPF_NOT_TOLD;
	}
	dp->slow.counter[DP_SLOW_C_ERROR]++;
	return DP_BPF_TOLD;
}

/* ---- counters */

struct counter_set dp_bpf_early_counters(const struct dp_bpf *dp)
{
	return (struct counter_set){"early", early_desc, dp->slow.early, ARRAY_SIZE(early_desc)};
}

struct counter_set dp_bpf_slow_counters(const struct dp_bpf *dp)
{
	return (struct counter_set){"slow", slow_desc, dp->slow.counter, ARRAY_SIZE(slow_desc)};
}
