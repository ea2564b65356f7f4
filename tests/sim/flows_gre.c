/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GRE encapsulation and keys (RFC 5845) as call flows. */
#include <string.h>

#include "base/util.h"
#include "sim/flows.h"
#include "sim/world.h"

static struct world w;

static void begin(struct world_cfg cfg)
{
	world_init(&w, &cfg);
}

static void end(void)
{
	world_check(&w);
	if (w.broken[0])
		CU_FAIL(w.broken);
	CU_ASSERT_STRING_EQUAL(w.broken, "");
	world_free(&w);
}

/* A dual-stack node, and every MAG asks for `gre`. */
static struct world_cfg with(uint64_t seed, enum mag_gre gre)
{
	struct world_cfg cfg = world_defaults(seed);

	cfg.family[0] = SIM_DUAL;
	for (int i = 0; i < SIM_MAGS; i++)
		cfg.mag[i].gre = gre;
	return cfg;
}

static void settle(void)
{
	world_run(&w, nsec_from_ms(500));
}

static struct lma_binding binding(unsigned node)
{
	struct lma_binding b;

	memset(&b, 0, sizeof(b));
	b.state = "";
	world_binding(&w, node, 0, &b);
	return b;
}

static struct mag_binding update(int mag, unsigned node)
{
	struct mag_binding b;

	memset(&b, 0, sizeof(b));
	b.state = "";
	world_update(&w, mag, node, 0, &b);
	return b;
}

static struct {
	struct mh_msg pbu, pba;
	unsigned n_pbu, n_pba;
} seen;

static void note(struct world *world, const struct event *ev)
{
	if (ev->type != EV_MSG_SENT || !ev->msg)
		return;
	if (ev->msg->type == MH_BU) {
		seen.pbu = *ev->msg;
		seen.n_pbu++;
	} else if (ev->msg->type == MH_BA) {
		seen.pba = *ev->msg;
		seen.n_pba++;
	}
}

static void watch(void)
{
	memset(&seen, 0, sizeof(seen));
	w.on_event = note;
}

/* The GRE Key option: its Length, 0 when there is none. */
static unsigned gre_len(const struct mh_msg *m, uint32_t *key)
{
	const struct mh_opt *o = mh_opt(m, MHO_GRE_KEY);

	if (key)
		*key = o ? o->gre.key : 0;
	return !o ? 0 : o->gre.has_key ? 6 : 2;
}

static void move(int mag)
{
	world_detach(&w, 0, 0, true);
	settle();
	world_attach(&w, 0, 0, mag, HI_BETWEEN_MAGS);
	settle();
}

static void test_without_keys(void)
{
	begin(with(60, MAG_GRE_PLAIN));
	watch();
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(gre_len(&seen.pbu, NULL), 2);
	CU_ASSERT_EQUAL(gre_len(&seen.pba, NULL), 2);
	CU_ASSERT_EQUAL(seen.pba.ba.status, PBA_ACCEPTED);
	CU_ASSERT_EQUAL(binding(0).encap, DP_ENCAP_GRE);
	CU_ASSERT_EQUAL(binding(0).up_key | binding(0).down_key, 0);
	CU_ASSERT_EQUAL(update(0, 0).encap, DP_ENCAP_GRE);
	world_check_quiet(&w);
	end();
}

static void test_keys(void)
{
	uint32_t down, up;

	begin(with(61, MAG_GRE_KEYS));
	watch();
	/* MAG -> LMA: PBU with the downlink key, which its data plane expects already */
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	CU_ASSERT_EQUAL(gre_len(&seen.pbu, &down), 6);
	CU_ASSERT_PTR_NOT_NULL(dp_fake_by_key(w.mag[0].dp, down));
	/* LMA -> MAG: PBA with the uplink key */
	settle();
	CU_ASSERT_EQUAL(gre_len(&seen.pba, &up), 6);
	CU_ASSERT_PTR_NOT_NULL(dp_fake_by_key(w.lma.dp, up));
	CU_ASSERT_EQUAL(binding(0).encap, DP_ENCAP_GRE_KEY);
	CU_ASSERT_EQUAL(binding(0).up_key, up);
	CU_ASSERT_EQUAL(binding(0).down_key, down);
	CU_ASSERT_EQUAL(update(0, 0).up_key, up);
	CU_ASSERT_EQUAL(update(0, 0).down_key, down);
	world_check_quiet(&w);
	/* every extension carries the downlink key */
	for (int k = 0; k < 3; k++) {
		const unsigned before = seen.n_pbu;
		uint32_t again;

		world_run(&w, nsec_from_s(50));
		CU_ASSERT(seen.n_pbu > before);
		CU_ASSERT_EQUAL(gre_len(&seen.pbu, &again), 6);
		CU_ASSERT_EQUAL(again, down);
		CU_ASSERT_EQUAL(binding(0).up_key, up);
	}
	/* a de-registration need not */
	world_detach(&w, 0, 0, true);
	CU_ASSERT_EQUAL(seen.pbu.bu.lifetime, 0);
	CU_ASSERT_EQUAL(gre_len(&seen.pbu, NULL), 0);
	settle();
	CU_ASSERT_STRING_EQUAL(binding(0).state, "DEREGISTERING");
	end();
}

static void test_uplink_key_for_life(void)
{
	struct lma_binding first, b;

	begin(with(62, MAG_GRE_KEYS));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	first = binding(0);
	for (int k = 1; k < 7; k++) {
		const struct mag_binding u = (move(k % SIM_MAGS), update(k % SIM_MAGS, 0));

		b = binding(0);
		CU_ASSERT_EQUAL(b.session, first.session);
		CU_ASSERT_EQUAL(b.up_key, first.up_key);
		CU_ASSERT_EQUAL(u.up_key, first.up_key);
		/* the new MAG chose a downlink key of its own */
		CU_ASSERT_EQUAL(b.down_key, u.down_key);
		CU_ASSERT_NOT_EQUAL(b.down_key, first.down_key + (k % SIM_MAGS ? 0 : UINT32_MAX));
		CU_ASSERT_PTR_NOT_NULL(dp_fake_by_key(w.mag[k % SIM_MAGS].dp, b.down_key));
		world_check_quiet(&w);
	}
	end();
}

/* Every MAG another encapsulation, so that each handover changes it, and back. */
static void test_encapsulation_changes(void)
{
	static const struct {
		struct sim_mag_cfg mag;
		enum dp_encap encap;
	} rows[] = {
		{{false, false, false, MAG_GRE_KEYS}, DP_ENCAP_GRE_KEY    },
		{{false, false, false, MAG_GRE_NONE}, DP_ENCAP_IP	 },
		{{true, false, true, MAG_GRE_KEYS},   DP_ENCAP_UDP_GRE_KEY},
		{{true, true, true, MAG_GRE_PLAIN},   DP_ENCAP_UDP_GRE    },
		{{true, true, false, MAG_GRE_KEYS},   DP_ENCAP_GRE_KEY    },
		{{true, true, false, MAG_GRE_NONE},   DP_ENCAP_UDP	},
		{{true, false, false, MAG_GRE_PLAIN}, DP_ENCAP_GRE	  },
		{{false, false, true, MAG_GRE_PLAIN}, DP_ENCAP_GRE	  },
		{{true, false, false, MAG_GRE_NONE},  DP_ENCAP_IP		},
	};

	for (size_t i = 0; i + SIM_MAGS <= ARRAY_SIZE(rows); i++) {
		struct world_cfg cfg = with(63, MAG_GRE_NONE);
		struct lma_binding first;
		uint32_t up_key = 0;

		for (size_t k = 0; k < SIM_MAGS; k++)
			cfg.mag[k] = rows[i + k].mag;
		begin(cfg);
		world_attach(&w, 0, 0, 0, HI_RESERVED);
		settle();
		first = binding(0);
		for (size_t k = 0; k < 2 * SIM_MAGS; k++) {
			const struct lma_binding b = binding(0);

			CU_ASSERT_EQUAL(b.encap, rows[i + k % SIM_MAGS].encap);
			CU_ASSERT_EQUAL(b.session, first.session);
			CU_ASSERT_EQUAL(b.home4.addr.s_addr, first.home4.addr.s_addr);
			CU_ASSERT_EQUAL(dp_encap_keyed(b.encap), b.up_key != 0);
			if (b.up_key && up_key)
				CU_ASSERT_EQUAL(b.up_key, up_key);
			up_key = b.up_key ? b.up_key : up_key;
			world_check_quiet(&w);
			move((int)((k + 1) % SIM_MAGS));
		}
		end();
	}
}

static void test_tlv_not_supported(void)
{
	struct world_cfg cfg = with(64, MAG_GRE_KEYS);

	cfg.mag[0].ip4 = cfg.mag[0].tlv = true;
	cfg.tlv = false;
	begin(cfg);
	watch();
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT(seen.pbu.bu.flags & MH_BU_T);
	CU_ASSERT_EQUAL(seen.pba.ba.status, PBA_GRE_TLV_NOT_SUPPORTED);
	CU_ASSERT_FALSE(seen.pba.ba.flags & MH_BA_T);
	CU_ASSERT_EQUAL(gre_len(&seen.pba, NULL), 6);
	CU_ASSERT_EQUAL(binding(0).encap, DP_ENCAP_GRE_KEY);
	CU_ASSERT_EQUAL(update(0, 0).encap, DP_ENCAP_GRE_KEY);
	world_run(&w, nsec_from_s(100));
	world_check_quiet(&w);
	end();
}

static void test_tlv_supported(void)
{
	struct world_cfg cfg = with(65, MAG_GRE_KEYS);

	cfg.mag[0].ip4 = cfg.mag[0].tlv = true;
	begin(cfg);
	watch();
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(seen.pba.ba.status, PBA_ACCEPTED);
	CU_ASSERT(seen.pba.ba.flags & MH_BA_T);
	CU_ASSERT_EQUAL(binding(0).encap, DP_ENCAP_UDP_GRE_KEY);
	/* never T in an answer to a request without it */
	move(1);
	CU_ASSERT_FALSE(seen.pbu.bu.flags & MH_BU_T);
	CU_ASSERT_FALSE(seen.pba.ba.flags & MH_BA_T);
	end();
}

static void test_not_required(void)
{
	struct world_cfg cfg = with(66, MAG_GRE_KEYS);
	unsigned before;

	cfg.gre = LMA_GRE_REFUSE;
	begin(cfg);
	watch();
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(seen.pba.ba.status, PBA_GRE_KEY_NOT_REQUIRED);
	CU_ASSERT_EQUAL(gre_len(&seen.pba, NULL), 0);
	CU_ASSERT_EQUAL(binding(0).encap, DP_ENCAP_IP);
	CU_ASSERT_EQUAL(update(0, 0).encap, DP_ENCAP_IP);
	/* and is not asked for again in this session */
	before = seen.n_pbu;
	world_run(&w, nsec_from_s(50));
	CU_ASSERT(seen.n_pbu > before);
	CU_ASSERT_EQUAL(gre_len(&seen.pbu, NULL), 0);
	CU_ASSERT_EQUAL(seen.pba.ba.status, PBA_ACCEPTED);
	world_check_quiet(&w);
	end();
}

static void test_required(void)
{
	struct world_cfg cfg = with(67, MAG_GRE_KEYS);

	cfg.gre = LMA_GRE_REQUIRE;
	cfg.mag[1].gre = MAG_GRE_NONE;
	begin(cfg);
	watch();
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(seen.pba.ba.status, PBA_ACCEPTED);
	CU_ASSERT_EQUAL(binding(0).encap, DP_ENCAP_GRE_KEY);
	/* a MAG that offers none at first */
	world_attach(&w, 1, 0, 1, HI_RESERVED);
	CU_ASSERT_EQUAL(gre_len(&seen.pbu, NULL), 0);
	world_step(&w, w.now + NSEC_PER_SEC);
	CU_ASSERT_EQUAL(seen.pba.ba.status, PBA_GRE_KEY_REQUIRED);
	CU_ASSERT_STRING_EQUAL(binding(1).state, "");
	/* asks again, with a key */
	settle();
	CU_ASSERT_EQUAL(gre_len(&seen.pbu, NULL), 6);
	CU_ASSERT_EQUAL(binding(1).encap, DP_ENCAP_GRE_KEY);
	CU_ASSERT_STRING_EQUAL(update(1, 1).state, "ACTIVE");
	end();
}

/* The T flag stands for itself: no GRE, but the TLV header, and so in every later exchange. */
static void test_tlv_without_gre(void)
{
	struct world_cfg cfg = with(69, MAG_GRE_PLAIN);

	cfg.gre = LMA_GRE_REFUSE;
	cfg.mag[0].ip4 = cfg.mag[0].tlv = true;
	begin(cfg);
	watch();
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(seen.pba.ba.status, PBA_GRE_KEY_NOT_REQUIRED);
	CU_ASSERT(seen.pba.ba.flags & MH_BA_T);
	CU_ASSERT_EQUAL(binding(0).encap, DP_ENCAP_UDP_TLV);
	world_run(&w, nsec_from_s(50));
	CU_ASSERT_EQUAL(gre_len(&seen.pbu, NULL), 0);
	CU_ASSERT(seen.pbu.bu.flags & MH_BU_T);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(binding(0).encap, DP_ENCAP_UDP_TLV);
	CU_ASSERT_EQUAL(update(0, 0).encap, DP_ENCAP_UDP_TLV);
	world_check_quiet(&w);
	end();
}

/* Back at the same MAG before the LMA forgot it: the tunnel is the same, the downlink key is not.
 */
static void test_return(void)
{
	struct lma_binding before, after;

	begin(with(70, MAG_GRE_KEYS));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	before = binding(0);
	move(0);
	after = binding(0);
	CU_ASSERT_EQUAL(after.session, before.session);
	CU_ASSERT_EQUAL(after.tunnel, before.tunnel);
	CU_ASSERT_EQUAL(after.up_key, before.up_key);
	CU_ASSERT_NOT_EQUAL(after.down_key, before.down_key);
	world_check_quiet(&w);
	end();
}

/* GRE becomes required while a session without it lives; and is given up again. */
static void test_policy_changes(void)
{
	struct world_cfg cfg = with(71, MAG_GRE_NONE);
	struct lma_binding before, after;

	begin(cfg);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	before = binding(0);
	CU_ASSERT_EQUAL(before.encap, DP_ENCAP_IP);
	w.cfg.gre = LMA_GRE_REQUIRE;
	world_reload(&w);
	world_run(&w, nsec_from_s(50)); /* a refresh: 163, and with a key */
	after = binding(0);
	CU_ASSERT_EQUAL(after.encap, DP_ENCAP_GRE_KEY);
	CU_ASSERT_EQUAL(after.session, before.session);
	CU_ASSERT_EQUAL(after.home4.addr.s_addr, before.home4.addr.s_addr);
	world_check_quiet(&w);
	w.cfg.gre = LMA_GRE_REFUSE;
	world_reload(&w);
	world_run(&w, nsec_from_s(50)); /* status 2 */
	after = binding(0);
	CU_ASSERT_EQUAL(after.encap, DP_ENCAP_IP);
	CU_ASSERT_EQUAL(after.session, before.session);
	world_check_quiet(&w);
	end();
}

/* Two operators whose nodes have equal IPv4 addresses: told apart by key alone. */
static void test_overlapping_addresses(void)
{
	struct world_cfg cfg = with(68, MAG_GRE_KEYS);
	struct lma_binding a, b;

	cfg.family[1] = SIM_DUAL;
	cfg.office[1] = true;
	begin(cfg);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	world_attach(&w, 1, 0, 0, HI_RESERVED);
	settle();
	a = binding(0);
	b = binding(1);
	CU_ASSERT(a.home4.addr.s_addr && a.home4.addr.s_addr == b.home4.addr.s_addr);
	CU_ASSERT_EQUAL(a.home4.domain, 0);
	CU_ASSERT_EQUAL(b.home4.domain, SIM_OFFICE);
	CU_ASSERT_NOT_EQUAL(a.up_key, b.up_key);
	CU_ASSERT_NOT_EQUAL(a.down_key, b.down_key);
	world_check_quiet(&w);
	world_move(&w, 1, 0, 1, HI_BETWEEN_MAGS, 0);
	settle();
	CU_ASSERT_EQUAL(binding(1).home4.addr.s_addr, b.home4.addr.s_addr);
	CU_ASSERT_EQUAL(binding(1).up_key, b.up_key);
	world_check_quiet(&w);
	end();
}

// clang-format off
const struct cu_test flows_gre[] = {
	{"K-1 K-2 K-20 GRE without keys", test_without_keys},
	{"K-1 K-2 K-13 K-20 keys of both ends, in extensions, not in de-registrations", test_keys},
	{"K-14 K-21 handovers change the downlink key, never the uplink key", test_uplink_key_for_life},
	{"K-24 K-27 handovers change the encapsulation, to and fro", test_encapsulation_changes},
	{"K-25 K-26 status 3: GRE without UDP", test_tlv_not_supported},
	{"K-25 the T flag is confirmed, and set in no other answer", test_tlv_supported},
	{"K-12 K-23 status 2: not in this session", test_not_required},
	{"K-23 K-27 the TLV header without GRE, for the session's life", test_tlv_without_gre},
	{"K-10 K-22 status 163 where a key is required, and the request with it", test_required},
	{"K-14 a node that returns gets a new downlink key", test_return},
	{"K-10 K-12 K-22 K-23 the LMA's policy changes while a session lives", test_policy_changes},
	{"RFC 5845 3.3 equal IPv4 addresses of two domains", test_overlapping_addresses},
	{0},
};
// clang-format on
