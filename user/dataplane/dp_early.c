/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_early.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "dataplane/dp_state.h"

/* Octets into the frame: outer source and destination, inner destination (IPv6 in IPv6). */
#define OUTER_SRC (ETH_HLEN + 8)
#define OUTER_DST (ETH_HLEN + 24)
#define INNER_DST (ETH_HLEN + 40 + 24)
#define LEAST	  (ETH_HLEN + 40 + 40)

struct dp_early_packet {
	nsec_t at;
	struct in6_addr to;
	uint32_t ifindex;
	uint32_t len;
	uint8_t frame[];
};

static const struct counter_desc desc[] = {DP_EARLY_COUNTERS(COUNTER_DESC)};

static struct in6_addr addr_at(const uint8_t *frame, size_t offset)
{
	struct in6_addr a;

	memcpy(&a, frame + offset, sizeof(a));
	return a;
}

static bool through_a_tunnel(const struct dp_bpf *dp, const uint8_t *frame)
{
	const struct dp_peer p = {.local = addr_at(frame, OUTER_DST),
				  .remote = addr_at(frame, OUTER_SRC),
				  .encap = DP_ENCAP_IP};

	return dp_peer_find(dp, &p) != 0;
}

static bool has_session(const struct dp_bpf *dp, const struct in6_addr *to)
{
	struct prefix6 p = {.addr = *to, .len = 64};
	struct dp_owner o;
	uint32_t slot;

	prefix6_mask(&p);
	if (dp_owner_prefix(&p, &o))
		return false;
	slot = dp_slot_find(&dp->slots, &o);
	return slot && dp->slots.slot[slot].owner[DP_ACCESS];
}

/* Back into the receive path: the XDP program judges it as if it had just arrived, and what it
 * leaves to the stack meets the TC program on the same interface. */
static void put_back(struct dp_bpf *dp, const struct dp_early_packet *p)
{
	struct xdp_md md = {.data_end = p->len, .ingress_ifindex = p->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->frame, .data_size_in = p->len,
		    .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = 1,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	const int err = bpf_prog_test_run_opts(dp->maps.prog[DP_PROG_XDP_TRANSPORT], &opts);

	dp->early.counter[err ? DP_EARLY_C_FAILED : DP_EARLY_C_DELIVERED]++;
}

static void drop_oldest(struct dp_early *e, enum dp_early_counter why)
{
	free(e->waiting[0]);
	memmove(e->waiting, e->waiting + 1, --e->n * sizeof(e->waiting[0]));
	e->counter[why]++;
}

static int take(void *ctx, void *data, size_t size)
{
	struct dp_bpf *dp = ctx;
	struct dp_early *e = &dp->early;
	const struct pm_slow *in = data;
	const uint8_t *frame = (const uint8_t *)(in + 1);
	struct dp_early_packet *p;

	if (size < sizeof(*in) || in->kind != PM_SLOW_EARLY || in->len < LEAST ||
	    in->len > size - sizeof(*in) || !through_a_tunnel(dp, frame)) {
		e->counter[DP_EARLY_C_STRANGER]++;
		return 0;
	}
	p = malloc(sizeof(*p) + in->len);
	if (!p) {
		e->counter[DP_EARLY_C_OVERFLOW]++;
		return 0;
	}
	p->at = e->now;
	p->to = addr_at(frame, INNER_DST);
	p->ifindex = in->ifindex;
	p->len = in->len;
	memcpy(p->frame, frame, in->len);
	e->counter[DP_EARLY_C_KEPT]++;
	if (has_session(dp, &p->to)) {
		put_back(dp, p);
		free(p);
		return 0;
	}
	if (e->n == DP_EARLY_MAX)
		drop_oldest(e, DP_EARLY_C_OVERFLOW);
	e->waiting[e->n++] = p;
	return 0;
}

void dp_early_arrived(struct dp_bpf *dp, const struct prefix6 *prefixes, unsigned n)
{
	struct dp_early *e = &dp->early;
	unsigned kept = 0;

	if (!e->ring)
		return;
	for (unsigned i = 0; i < e->n; i++) {
		struct dp_early_packet *p = e->waiting[i];
		bool mine = false;

		for (unsigned k = 0; k < n && !mine; k++)
			mine = prefix6_has_addr(&prefixes[k], &p->to);
		if (!mine) {
			e->waiting[kept++] = p;
			continue;
		}
		put_back(dp, p);
		free(p);
	}
	e->n = kept;
	/* what is still in the ring came later, and its session is there now */
	ring_buffer__consume(e->ring);
}

int dp_early_init(struct dp_bpf *dp)
{
	dp->early.ring = ring_buffer__new(dp->maps.fd[DP_MAP_SLOW], take, dp, NULL);
	return dp->early.ring ? 0 : -errno;
}

void dp_early_free(struct dp_early *e)
{
	ring_buffer__free(e->ring);
	e->ring = NULL;
	while (e->n)
		drop_oldest(e, DP_EARLY_C_EXPIRED);
}

int dp_bpf_early_fd(const struct dp_bpf *dp)
{
	return dp->early.ring ? ring_buffer__epoll_fd(dp->early.ring) : -1;
}

nsec_t dp_bpf_early_next(const struct dp_bpf *dp)
{
	return dp->early.n ? nsec_add(dp->early.waiting[0]->at, DP_EARLY_AGE) : NSEC_NEVER;
}

void dp_bpf_early(struct dp_bpf *dp, nsec_t now)
{
	struct dp_early *e = &dp->early;

	e->now = now;
	if (e->ring)
		ring_buffer__consume(e->ring);
	while (e->n && nsec_add(e->waiting[0]->at, DP_EARLY_AGE) <= now)
		drop_oldest(e, DP_EARLY_C_EXPIRED);
}

struct counter_set dp_bpf_early_counters(const struct dp_bpf *dp)
{
	return (struct counter_set){"early", desc, dp->early.counter, ARRAY_SIZE(desc)};
}
