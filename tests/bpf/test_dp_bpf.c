/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading, pinning, restarting and refusing to; and the data-plane contract over the real maps. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/util.h"
#include "dp_env.h"
#include "lib/dp_contract.h"

static const struct dp_bpf_cfg small = {
	.instance = "t",
	.roles = DP_BPF_LMA | DP_BPF_MAG,
	.max_sessions = 64,
	.pool_slots = 16,
	.max_peers = 8,
};

/* ---- the contract */

static struct dp_bpf *contract_dp;

static struct dp_bpf_cfg contract_cfg(void)
{
	struct dp_bpf_cfg cfg = small;

	cfg.instance = "contract";
	cfg.max_peers = DP_CONTRACT_PEERS;
	cfg.max_sessions = DP_CONTRACT_SESSIONS;
	cfg.pool_slots = DP_CONTRACT_POOL;
	cfg.ip4 = cfg.ip4_outer = cfg.gre = cfg.keep = true;
	cfg.buffer = (struct dp_bpf_buffer_cfg){.sessions = DP_CONTRACT_BUFFERS,
						.node_packets = DP_CONTRACT_WAITING,
						.node_octets = 1 << 20,
						.all_packets = 1000,
						.all_octets = 1 << 20,
						.age = nsec_from_s(10),
						.drain_speed = 100,
						.mark = 0x6d61726b6d61726b};
	return cfg;
}

static nsec_t contract_now = NSEC_PER_SEC;

static void contract_attach(void)
{
	if (!env_ifindex("c0"))
		env_sh(true, "ip link add c0 address 02:00:00:00:00:aa type veth peer name c1;"
			     "ip link set c0 up; ip link set c1 up");
	env_attach(contract_dp, "c0");
}

static struct dataplane *fresh(void)
{
	const struct dp_bpf_cfg cfg = contract_cfg();

	if (!contract_dp) {
		contract_dp = env_dp(&cfg);
		contract_attach();
	}
	return dp_bpf_dataplane(contract_dp);
}

static struct dataplane *again(struct dataplane *dp)
{
	const struct dp_bpf_cfg cfg = contract_cfg();

	dp_bpf_free(&contract_dp, false);
	contract_dp = env_dp(&cfg);
	CU_ASSERT_TRUE(dp_bpf_adopted(contract_dp));
	contract_attach();
	return dp_bpf_dataplane(contract_dp);
}

struct look {
	dp_ref ref, up;
	struct dp_peer peer;
};

static void look_session(void *ctx, dp_ref ref, const struct dp_session *s)
{
	struct look *l = ctx;

	if (ref == l->ref)
		l->up = s->up.peer;
}

static void look_peer(void *ctx, dp_ref ref, const struct dp_peer *p)
{
	struct look *l = ctx;

	if (ref == l->up)
		l->peer = *p;
}

static void arrive(struct dataplane *dp, dp_ref ref, const struct prefix6 *prefix, unsigned n)
{
	struct dp_walk w = {.session = look_session};
	struct env_tunnelled t = {.src = env_addr("2001:db8:c::2"), .dst_addr = prefix->addr};
	struct look l = {.ref = ref};
	uint8_t frame[ENV_TUNNELLED];

	w.ctx = &l;
	dp->ops->walk(dp, &w);
	w = (struct dp_walk){.ctx = &l, .peer = look_peer};
	dp->ops->walk(dp, &w);
	t.outer_src = l.peer.remote;
	t.outer_dst = l.peer.local;
	t.dst_addr.s6_addr[15] = 2;
	t.dst = (struct mac){
		{2, 0, 0, 0, 0, 0xaa}
	     };
	for (t.number = 0; t.number < n; t.number++) {
		env_tunnelled(frame, &t);
		env_judge(env_ifindex("c0"), frame, sizeof(frame));
	}
	dp_bpf_buffer(contract_dp, contract_now);
}

static void settle(struct dataplane *dp, dp_ref ref)
{
	struct dp_buffered b = {0};

	for (unsigned i = 0; i < 1000; i++) {
		contract_now += nsec_from_ms(10);
		dp_bpf_buffer(contract_dp, contract_now);
		if (dp->ops->buffered(dp, ref, &b) || !b.draining)
			return;
	}
	CU_FAIL("still being handed on");
}

/* No slot is left valid, and no way leads to one. */
static void done(struct dataplane *dp)
{
	static const char *const ways[] = {"pm_prefix6", "pm_addr4", "pm_framed", "pm_mnid",
					   "pm_more"};
	struct pm_session s;
	int fd = env_pin(contract_dp, "pm_session");

	for (uint32_t i = 0; bpf_map_lookup_elem(fd, &i, &s) == 0; i++)
		CU_ASSERT_EQUAL(s.flags, 0);
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		uint8_t key[128];

		fd = env_pin(contract_dp, ways[i]);
		CU_ASSERT_NOT_EQUAL(bpf_map_get_next_key(fd, NULL, key), 0);
		close(fd);
	}
}

static void test_contract_over(void)
{
	dp_bpf_free(&contract_dp, true);
	CU_ASSERT_NOT_EQUAL(access("/sys/fs/bpf/pmip/contract", F_OK), 0);
}

/* ---- pins */

static unsigned entries(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static void test_pins(void)
{
	static const char *const names[] = {"pm_session", "pm_prefix6", "pm_addr4",  "pm_mnid",
					    "pm_framed",  "pm_pool",	"pm_tunnel", "pm_access",
					    "pm_iface",	  "pm_local",	"pm_meta",   "pm_drop",
					    "pm_verdict"};
	struct dp_bpf *dp = env_dp(&small);
	struct pm_meta meta;
	uint32_t key = 0;

	CU_ASSERT_STRING_EQUAL(dp_bpf_pin_dir(dp), "/sys/fs/bpf/pmip/t");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		close(env_pin(dp, names[i]));
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(env_pin(dp, "pm_meta"), &key, &meta), 0);
	CU_ASSERT_EQUAL(meta.layout_version, PM_LAYOUT_VERSION);
	CU_ASSERT_EQUAL(meta.pool_slots, 17);
	CU_ASSERT_EQUAL(meta.n_slots, 17 + 64);
	dp_bpf_free(&dp, true);
	CU_ASSERT_PTR_NULL(dp);
	CU_ASSERT_EQUAL(entries("/sys/fs/bpf/pmip"), 0);
}

static char *output_of(const char *cmd)
{
	static char buf[65536];
	FILE *f = popen(cmd, "r");
	size_t n = f ? fread(buf, 1, sizeof(buf) - 1, f) : 0;

	buf[n] = '\0';
	CU_ASSERT_EQUAL(f ? pclose(f) : -1, 0);
	return buf;
}

static void test_bpftool(void)
{
	const struct prefix6 p = env_prefix("2001:db8:f00::/64");
	const struct dp_peer peer = {env_addr("2001:db8:2::1"), env_addr("2001:db8:11::1"),
				     DP_ENCAP_IP};
	struct dp_bpf *dp = env_dp(&small);
	struct dataplane *d = dp_bpf_dataplane(dp);
	struct dp_session s = {
		.half = DP_ANCHOR,
		.mnid = {1, 15, (const uint8_t *)"mn1@example.com"},
		.n_prefixes = 1,
		.prefixes = &p,
		.down.kind = DP_TO_PEER,
		.up.kind = DP_TO_ROUTE
	      };
	dp_ref ref = 0;
	const char *text;

	CU_ASSERT_EQUAL(d->ops->peer_put(d, &peer, &s.down.peer), 0);
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &ref), 0);

	text = output_of("bpftool map dump pinned /sys/fs/bpf/pmip/t/pm_session");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"tunnel\": 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"flags\": 33")); /* valid, anchored */
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"generation\": "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"down_packets\": 0"));
	text = output_of("bpftool map dump pinned /sys/fs/bpf/pmip/t/pm_prefix6");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"value\": 17"));
	text = output_of("bpftool map dump pinned /sys/fs/bpf/pmip/t/pm_mnid");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "mn1@example.com"));
	text = output_of("bpftool map dump pinned /sys/fs/bpf/pmip/t/pm_tunnel");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"remote\""));
	dp_bpf_free(&dp, true);
}

/* ---- who may, and where */

static void test_instance_in_use(void)
{
	struct dp_bpf *dp = env_dp(&small), *second = NULL, *third;
	struct dp_bpf_cfg other = small;
	char err[DP_BPF_ERRLEN] = "";
	unsigned before = entries("/sys/fs/bpf/pmip/t");

	CU_ASSERT_EQUAL(dp_bpf_new(&second, &small, err, sizeof(err)), -EBUSY);
	CU_ASSERT_PTR_NULL(second);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "instance \"t\" is in use"));
	CU_ASSERT_EQUAL(entries("/sys/fs/bpf/pmip/t"), before);
	other.instance = "u";
	third = env_dp(&other);
	dp_bpf_free(&third, true);
	CU_ASSERT_EQUAL(entries("/sys/fs/bpf/pmip/t"), before);
	dp_bpf_free(&dp, true);
}

static void test_bad_configuration(void)
{
	static const char *const names[] = {NULL, "", "a/b", "a.b", "..", "a b"};
	struct dp_bpf_cfg cfg = small;
	char err[DP_BPF_ERRLEN];
	struct dp_bpf *dp = NULL;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cfg.instance = names[i];
		err[0] = '\0';
		CU_ASSERT_EQUAL(dp_bpf_new(&dp, &cfg, err, sizeof(err)), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, "`instance`"));
	}
	cfg = small;
	cfg.bpffs = "/nonexistent/bpf";
	CU_ASSERT_EQUAL(dp_bpf_new(&dp, &cfg, err, sizeof(err)), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "no directory /nonexistent/bpf"));
	CU_ASSERT_PTR_NULL(dp);
}

static void test_mounts_bpffs(void)
{
	struct dp_bpf *dp;

	/* as `ip netns exec` leaves it: a fresh /sys without one */
	CU_ASSERT_EQUAL_FATAL(umount("/sys/fs/bpf"), 0);
	dp = env_dp(&small);
	close(env_pin(dp, "pm_session"));
	dp_bpf_free(&dp, true);
}

/* In a child that gave up its rights: the exit status says whether the error was right. */
static int unprivileged(void)
{
	char err[DP_BPF_ERRLEN] = "";
	struct dp_bpf *dp = NULL;
	int r;

	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 2;
	r = dp_bpf_new(&dp, &small, err, sizeof(err));
	return r == -EPERM && !dp && strstr(err, "CAP_BPF") && strstr(err, "root") ? 0 : 1;
}

static void test_not_permitted(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unprivileged());
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
}

/* ---- what stays and what goes */

static struct dp_bpf_attach on(const char *ifname)
{
	return (struct dp_bpf_attach){.ifindex = env_ifindex(ifname),
				      .ifname = ifname,
				      .kind = DP_BPF_TRANSPORT,
				      .want = DP_BPF_AUTO,
				      .mtu = 1500};
}

static void test_stays_and_goes(void)
{
	struct dp_bpf *dp = env_dp(&small);
	struct dp_bpf_attach a;
	char err[DP_BPF_ERRLEN];

	env_sh(true, "ip link add s0 type veth peer name s1");
	a = on("s0");
	CU_ASSERT_EQUAL(dp_bpf_attach(dp, &a, NULL, err, sizeof(err)), 0);
	dp_bpf_free(&dp, false);
	/* nobody is left, the programs are */
	CU_ASSERT_EQUAL(env_sh(false, "ip link show s0 | grep -q xdp"), 0);
	CU_ASSERT_EQUAL(env_sh(false, "tc filter show dev s0 ingress | grep -q tc_transport"), 0);
	CU_ASSERT_TRUE(entries("/sys/fs/bpf/pmip/t") > 13);
	/* the next run takes them off before it begins anew */
	dp = env_dp(&small);
	CU_ASSERT_NOT_EQUAL(env_sh(false, "ip link show s0 | grep -q xdp"), 0);
	CU_ASSERT_NOT_EQUAL(env_sh(false, "tc filter show dev s0 ingress | grep -q tc_"), 0);
	CU_ASSERT_EQUAL(dp_bpf_attach(dp, &a, NULL, err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(env_sh(false, "ip link show s0 | grep -q xdp"), 0);
	dp_bpf_free(&dp, true);
	CU_ASSERT_NOT_EQUAL(env_sh(false, "ip link show s0 | grep -q xdp"), 0);
	CU_ASSERT_NOT_EQUAL(env_sh(false, "tc filter show dev s0 ingress | grep -q tc_"), 0);
	CU_ASSERT_NOT_EQUAL(access("/sys/fs/bpf/pmip/t", F_OK), 0);
	env_sh(true, "ip link del s0");
}

static void test_counters_have_names(void)
{
	struct dp_bpf *dp = env_dp(&small);
	struct counter_set drop, xdp, tc;
	uint64_t value[256] = {0};
	uint32_t key = PM_DROP_LOOP;

	CU_ASSERT_EQUAL(dp_bpf_drops(dp, &drop), 0);
	CU_ASSERT_EQUAL(dp_bpf_verdicts(dp, &xdp, &tc), 0);
	CU_ASSERT_EQUAL(drop.n, PM_DROP_MAX);
	CU_ASSERT_EQUAL(xdp.n, PM_V_MAX);
	CU_ASSERT_STRING_EQUAL(xdp.module, "xdp");
	CU_ASSERT_STRING_EQUAL(tc.module, "tc");
	CU_ASSERT_STRING_EQUAL(drop.desc[PM_DROP_LOOP].name, "loop");
	for (unsigned i = 0; i < drop.n; i++)
		CU_ASSERT_EQUAL(drop.value[i], 0);
	for (unsigned i = 0; i < xdp.n; i++)
		CU_ASSERT_PTR_NOT_NULL(xdp.desc[i].name);
	value[0] = 3;
	value[1] = 4;
	CU_ASSERT_EQUAL(bpf_map_update_elem(env_pin(dp, "pm_drop"), &key, value, BPF_ANY), 0);
	key = PM_HOOK_TC * PM_V_MAX + PM_V_ENCAP;
	CU_ASSERT_EQUAL(bpf_map_update_elem(env_pin(dp, "pm_verdict"), &key, value, BPF_ANY), 0);
	CU_ASSERT_EQUAL(dp_bpf_drops(dp, &drop), 0);
	CU_ASSERT_EQUAL(dp_bpf_verdicts(dp, &xdp, &tc), 0);
	CU_ASSERT_EQUAL(drop.value[PM_DROP_LOOP], 7);
	CU_ASSERT_EQUAL(tc.value[PM_V_ENCAP], 7);
	CU_ASSERT_EQUAL(xdp.value[PM_V_ENCAP], 0);
	dp_bpf_free(&dp, true);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		DP_CONTRACT_TESTS,
		{"the contract's data plane goes without a trace",		   test_contract_over},
		{"maps are pinned under the instance and described by pm_meta",								test_pins},
		{"bpftool shows sessions, prefixes, nodes and tunnels by field",test_bpftool},
		{"a living instance is not disturbed by a second one", test_instance_in_use},
		{"bad names and places are refused with the remedy",								     test_bad_configuration},
		{"a missing bpffs is mounted",					       test_mounts_bpffs},
		{"without rights the error names them",		test_not_permitted},
		{"without flush programs stay; the next run and flush remove them",
		  test_stays_and_goes},
		{"counters sum over CPUs and have names",	  test_counters_have_names},
		{0			 }
	   };
	static const struct dp_contract contract = {fresh, done, again, arrive, settle};

	env_enter();
	dp_contract_use(&contract);
	return cu_main("dp_bpf", tests, argc, argv);
}
