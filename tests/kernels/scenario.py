#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a domain must do on every kernel, step by step, without a word about speed: this runs on
emulated machines. Prints one "@check" line per step, as guest.sh does.

    scenario.py BINDIR [STORY...]

The exit status is 2 if a step failed.
"""

import signal
import subprocess
import sys
import time
import traceback
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))

import mh  # noqa: E402
from ask import binding, counter, drops, settled, update_entry, wait_gone  # noqa: E402
from capture import Flow, mobility_headers  # noqa: E402
from dhcp import Dhclient  # noqa: E402
from netns import wait_until  # noqa: E402
from networks import DomainTopo, TrunkTopo, VlanTopo, VrfTopo  # noqa: E402
from topo import CN, CN4, LMAA, LMAA4, Topo, mag_addr, mag_addr4  # noqa: E402

PPS = 50


class Steps:
    def __init__(self):
        self.failed = False

    def run(self, name, step, *args):
        """False when it failed: what builds on it need not be tried."""
        start = time.monotonic()
        why = None
        try:
            step(*args)
        except Exception:
            why = traceback.format_exc()
        took = round(time.monotonic() - start)
        print(f"@check {'FAILED' if why else 'ok'} {took} {name}", flush=True)
        for line in (why or "").splitlines():
            print(f"@note   {line}", flush=True)
        self.failed |= why is not None
        return why is None


def note_hooks(t):
    for name, d in t.daemons.items():
        print(f"@note {name}: " + ", ".join(
            f"{r['ifname']} {r['hook']}" for r in d.ctl("interfaces")), flush=True)


def start(t, hook=None):
    t.up()
    start_daemons(t, hook)


def start_daemons(t, hook=None):
    for name in ["lma"] + [f"mag{i}" for i in range(1, t.n_mags + 1)]:
        conf = t.lma_config() if name == "lma" else t.mag_config(int(name[3:]))
        if hook:
            for interface in conf["transport"] + conf.get("mag", {}).get("access", []):
                interface.setdefault("hook", hook)
        t.start(name, conf, wait=False)
    for d in t.daemons.values():
        d.wait_ready()
    note_hooks(t)


def attach(t):
    for n in t.nodes:
        if n.ap:
            t.detach(n)
        t.attach(n, 1)
    addresses = [settled(t, n, 1) for n in t.nodes]
    assert len(set(addresses)) == len(t.nodes)


def ping(t):
    for n in t.nodes:
        assert n.ping(CN, 5, 0.2, 5) == 5, f"{n.name} to the correspondent"
        assert t.cn.ping(n.wait_address(), 5, 0.2, 5) == 5, f"the correspondent to {n.name}"
    if len(t.nodes) > 1:
        assert t.mn1.ping(t.mn2.wait_address(), 5, 0.2, 5) == 5, "node to node"


def too_big(t):
    """The correspondent's link takes 1500, the tunnel 1460: after a Packet Too Big it fragments."""
    addr = t.mn1.wait_address()
    t.cn.ping(addr, 2, 0.2, size=1452)
    r = t.cn.run("ping", "-6", "-n", "-q", "-c", 3, "-i", 0.2, "-W", 5, "-s", 1452, addr,
                 check=False)
    assert " 3 received" in r.stdout, r.stdout


def neighbours(t):
    """The next hop of every tunnel is resolved, and the kernel keeps it so."""
    def kept(ns, dev, gateway):
        return any("lladdr" in n and "managed" in n
                   for n in t.ns[ns].ip_json("-6", "neigh", "show", gateway, "dev", dev))
    wait_until(lambda: kept("lma", "net0", "2001:db8:2::fe"), 5, "the LMA's managed neighbour")
    wait_until(lambda: kept("mag1", "net0", "2001:db8:11::fe"), 5, "the MAG's managed neighbour")


def handovers(t):
    """Back and forth under traffic: the address stays, and so does what is sent to it."""
    node, addr = t.mn1, t.mn1.wait_address()
    cap = t.capture("lma", "net0", "ip6 proto 135")
    before = binding(t, node)["handovers"]
    flow = Flow(t, "cn", "mn1", addr, 6100, PPS)
    for ap in (2, 1, 2):
        t.move(node, ap)
        assert settled(t, node, ap) == addr
        assert node.ping(CN, 3, 0.2, 5) == 3, f"through mag{ap}"
        wait_gone(t, node, 3 - ap, 15)
    mark = time.monotonic_ns()
    time.sleep(2)
    flow.finish(2)
    cap.stop()
    late = [n for n in flow.lost if flow.sent[n] > mark]
    assert len(flow.sent) > PPS and not late, f"lost long after the move: {late}"
    assert flow.duplicates == 0
    assert binding(t, node)["handovers"] == before + 3
    assert binding(t, node)["proxy_coa"] == mag_addr(2)
    assert node.addresses() == [addr]
    coas = {src for _, src, dst, kind, _ in mobility_headers(cap.frames())
            if kind == mh.BU and dst == LMAA}
    assert coas == {mag_addr(1), mag_addr(2)}


def tcp(t):
    node = t.mn1
    server = t.cn.popen("iperf3", "-s", "-p", 5301, stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL)
    wait_until(lambda: ":5301" in t.cn.run("ss", "-ltn").stdout, 10, "the iperf3 server")
    for way in ([], ["-R"]):
        r = node.run("iperf3", "-6", "-c", CN, "-p", 5301, "-n", "8M", *way, check=False,
                     timeout=60)
        assert r.returncode == 0, r.stdout + r.stderr
    server.terminate()
    server.wait(10)


def segments(t):
    """Senders leave segmentation and checksums to hardware that is not there, as they do on a
    machine that is both host and gateway; TC must take such packets as they come."""
    for ns, ifname in (("cn", "eth0"), ("mn1", "eth0")):
        t.ns[ns].run("ethtool", "-K", ifname, "tx", "on", "tso", "on", "gso", "on")
    tcp(t)
    assert t.mn1.ping(CN, 3, 0.2, 5) == 3


def carried_by_xdp(t):
    xdp, tc = (sum(counter(t, "lma", what, hook) for what in ("encap", "decap_route"))
               for hook in ("xdp", "tc"))
    assert xdp > 100 and tc < xdp / 10, f"xdp {xdp}, tc {tc}"


def known_drops(t):
    """Packets are dropped while a node is between two MAGs, and for no other reason."""
    usual = {"no_session", "outer_source", "lingering", "unknown_node", "stale_slot", "too_big"}
    for name in t.daemons:
        odd = {k: v for k, v in drops(t, name).items()
               if v and k.replace("-", "_") not in usual}
        assert not odd, f"{name}: {odd}"


def release(t):
    t.daemons["mag2"].ctl("detach", t.mn1.mnid)
    wait_until(lambda: update_entry(t, t.mn1, 2) is None, 10, "the MAG to let go")


def stop(t):
    for name, d in t.daemons.items():
        assert d.stop() == 0, name


def roaming(s, t):
    if not s.run("LMA and two MAGs start on hook auto", start, t) or \
            not s.run("nodes attach and configure themselves", attach, t):
        return
    s.run("ping between nodes and correspondent", ping, t)
    s.run("Packet Too Big at the tunnel", too_big, t)
    s.run("next hops are kept resolved", neighbours, t)
    s.run("three handovers keep the address", handovers, t)
    s.run("TCP both ways", tcp, t)
    s.run("packets are dropped for known reasons only", known_drops, t)
    s.run("a node is released", release, t)
    s.run("daemons stop", stop, t)


def through_tc(s, t):
    if s.run("LMA and MAG start on hook tc, access is a bridge", start, t, "tc") and \
            s.run("a node attaches at the bridge", attach, t):
        s.run("ping through TC", ping, t)
        s.run("TCP in segments to come through TC", segments, t)


def through_xdp(s, t):
    """Where the kernel cannot tell that a veth takes XDP frames, "auto" leaves all to TC."""
    if s.run("LMA and MAG start on hook xdp", start, t, "xdp") and \
            s.run("a node attaches to XDP", attach, t):
        s.run("ping through XDP", ping, t)
        s.run("TCP through XDP", tcp, t)
        s.run("it was XDP that forwarded", carried_by_xdp, t)


def in_vrf(s, t):
    if not s.run("LMA and two MAGs start in VRFs", start, t) or \
            not s.run("nodes attach through VRFs", attach, t):
        return
    s.run("ping from VRF to VRF", ping, t)
    s.run("Packet Too Big at a tunnel in a VRF", too_big, t)
    s.run("next hops in VRFs are kept resolved", neighbours, t)
    s.run("handovers between VRFs", handovers, t)
    s.run("packets in VRFs are dropped for known reasons only", known_drops, t)
    if s.run("LMA and MAGs start anew in VRFs on hook xdp", start_daemons, t, "xdp") and \
            s.run("nodes attach to XDP in VRFs", attach, t):
        s.run("ping through XDP in VRFs", ping, t)
        s.run("TCP through XDP in VRFs", tcp, t)
        s.run("it was XDP that forwarded in VRFs", carried_by_xdp, t)


# ---- daemons come and go, what forwards stays

def start_to_stay(t):
    t.up()
    for name, conf in (("lma", t.lma_config()), ("mag1", t.mag_config(1)), ("mag2", t.mag_config(2))):
        del conf["leave-forwarding"]  # on
        t.start(name, conf, wait=False)
    for d in t.daemons.values():
        d.wait_ready()


def in_the_kernel(ns):
    return ([(x["ifname"], x["ifindex"], x["address"]) for x in ns.ip_json("link", "show")],
            sorted(r["dst"] for r in ns.ip_json("-6", "route", "show", "table", "all")
                   if str(r.get("protocol")) == "213"))


def restart_anchor(t, sig):
    d, addr = t.daemons["lma"], t.mn1.wait_address()
    was, kernel = binding(t, t.mn1), in_the_kernel(t.lma)
    flow = Flow(t, "cn", "mn1", addr, 6200, PPS)
    time.sleep(1)
    d.stop(sig, timeout=30)
    assert in_the_kernel(t.lma) == kernel
    time.sleep(1)
    d.start()
    d.wait_ready(60)
    time.sleep(1)
    flow.finish(2)
    assert len(flow.sent) > 2 * PPS and not flow.lost and not flow.duplicates, flow.lost
    assert in_the_kernel(t.lma) == kernel
    now = binding(t, t.mn1)
    assert [now[k] for k in ("prefixes", "mag", "handovers")] == \
        [was[k] for k in ("prefixes", "mag", "handovers")]
    assert d.ctl("status")["dataplane"] == "bpf, adopted"


def restart_gateway(t):
    """What forwards stays, until the next daemon is there."""
    d = t.daemons["mag1"]
    d.stop(signal.SIGKILL)
    assert t.mn1.ping(CN, 5, 0.2, 5) == 5
    # the gateway's address answers for itself
    t.mn1.ip("neigh flush dev eth0")
    assert t.mn1.ping(CN, 5, 0.2, 5) == 5
    d.start()
    d.wait_ready(60)
    assert "goes on" in d.log()


def flush_dead(d):
    r = subprocess.run(["nsenter", f"--net={d.ns.path}", d.bindir / "pmipd", "-c", d.conf_file,
                        "--flush"], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr


def flush(t):
    for name, d in t.daemons.items():
        d.stop(signal.SIGKILL)
        r = t.ns[name].run("tc", "filter", "show", "dev", "net0", "ingress")
        assert "bpf" in r.stdout
        flush_dead(d)
        r = t.ns[name].run("tc", "filter", "show", "dev", "net0", "ingress", check=False)
        assert "bpf" not in r.stdout
        links, routes = in_the_kernel(t.ns[name])
        assert not routes and not [x for x in links if x[0].startswith("pmip0")]
        assert "managed" not in t.ns[name].run("ip", "neigh", "show").stdout
        assert not (Path("/sys/fs/bpf/pmip") / d.instance).exists()


def restarting(s, t):
    if not s.run("LMA and two MAGs start that leave forwarding", start_to_stay, t) or \
            not s.run("a node attaches to them", attach, t):
        return
    s.run("no packet is lost while the LMA is stopped and started", restart_anchor, t,
          signal.SIGTERM)
    s.run("no packet is lost while the LMA is killed and started", restart_anchor, t,
          signal.SIGKILL)
    s.run("a handover afterwards", move_on, t)
    s.run("packets are forwarded without a MAG", restart_gateway, t)
    s.run("what killed daemons left is removed", flush, t)


def move_on(t):
    addr = t.mn1.wait_address()
    for ap in (2, 1):
        t.move(t.mn1, ap)
        assert settled(t, t.mn1, ap) == addr
        assert t.mn1.ping(CN, 3, 0.2, 5) == 3, f"through mag{ap}"


# ---- IPv4 alone between LMA and MAGs

def start_over_ip4(t):
    nodes = [{"mn-id": n.mnid, "link-layer-addresses": [n.mac], "ipv4": True} for n in t.nodes]
    t.up()
    t.start("lma", t.lma_config(profiles=nodes, lma={
        "addresses": None, "ipv4-addresses": [LMAA4],
        "ipv4-pools": [{"name": "four", "prefix": "100.64.0.0/24"}],
        "mags": [{"name": f"mag{i}", "address": mag_addr4(i)} for i in (1, 2)]}), wait=False)
    for i in (1, 2):
        t.start(f"mag{i}", t.mag_config(i, profiles=nodes, mag={
            "proxy-coa": None, "ipv4-proxy-coa": mag_addr4(i),
            "lmas": [{"name": "lma", "address": LMAA4}]}), wait=False)
    for d in t.daemons.values():
        d.wait_ready()
    note_hooks(t)


def lease(t):
    (t.dir / "dhcp").mkdir()
    t.client = Dhclient(t.mn1, t.dir / "dhcp")
    t.attach(t.mn1, 1)
    t.client.start()
    t.kept = [t.client.wait_address(30), t.mn1.wait_address(30)]
    assert binding(t, t.mn1)["ipv4"] == t.kept[0]


def ping_both(t):
    for far in (CN, CN4):
        assert t.mn1.ping(far, 5, 0.2, 5) == 5, f"to {far}"
    for home in t.kept:
        assert t.cn.ping(home, 5, 0.2, 5) == 5, f"to {home}"


def move_both(t):
    t.move(t.mn1, 2)
    wait_until(lambda: binding(t, t.mn1)["mag"] == "mag2", 10, "the handover")
    wait_until(lambda: t.mn1.ping(CN4, 1, 0.2, 2), 10, "the way through the other MAG")
    assert [t.client.address(), t.mn1.wait_address(30)] == t.kept
    ping_both(t)


def over_ip4(s, t):
    where = "in VRFs" if isinstance(t, VrfTopo) else "without VRFs"
    if s.run(f"LMA and MAGs with IPv4 addresses alone start {where}", start_over_ip4, t) and \
            s.run(f"a dual-stack node gets its addresses {where}", lease, t):
        s.run(f"ping of both families {where}", ping_both, t)
        s.run(f"handover of both families {where}", move_both, t)


def vrf_per_domain(s, t):
    for hook in ("tc", "xdp"):
        if s.run(f"LMA with a VRF for each IPv4 domain starts on hook {hook}",
                 t.up_to_sessions, hook):
            s.run("each domain's packets take the routes of its VRF", t.to_their_own, hook)
            s.run("no route in the VRF is no route", t.no_other_way)
            s.run("a domain without its interface is shut", t.interface_gone)
        t.down()


def on_vlans(s, t):
    for hook in (None, "tc"):
        if s.run(f"LMA and MAG start on VLANs of one interface, hook {hook or 'auto'}", start, t,
                 hook) and \
                s.run("a node attaches through VLANs", attach, t):
            s.run("ping through VLANs", ping, t)
            s.run("TCP through VLANs", tcp, t)
            s.run("all left with the right tag", t.tagged)
        t.down()


def xdp_to_vlan(s, t):
    if s.run("LMA and MAG start on hook xdp, tunnels on VLANs", start, t, "xdp") and \
            s.run("a node attaches to XDP beside VLANs", attach, t):
        s.run("ping through XDP into VLANs", ping, t)
        s.run("TCP through XDP into VLANs", tcp, t)
        s.run("it was XDP that wrote the tags", t.xdp_wrote_tags)


def leaves_tags(t):
    return "rx-vlan-offload: off" in t.lma.run("ethtool", "-k", "net0").stdout


def start_above_vlans(t):
    t.up()
    conf = t.lma_config()
    del conf["leave-forwarding"]
    for interface in conf["transport"]:
        interface.setdefault("hook", "xdp")
    assert not leaves_tags(t)
    t.start("lma", conf)
    assert leaves_tags(t)


def keep_tags(t):
    d = t.daemons["lma"]
    for sig in (signal.SIGTERM, signal.SIGKILL):
        d.stop(sig, timeout=30)
        assert leaves_tags(t)
        d.start()
        d.wait_ready(60)
        assert d.ctl("status")["dataplane"] == "bpf, adopted" and leaves_tags(t)


def take_tags(t):
    d = t.daemons["lma"]
    assert d.pmipctl("shutdown", "--flush", timeout=60).returncode == 0
    assert not leaves_tags(t)
    d.start()
    d.wait_ready(60)
    assert leaves_tags(t)
    d.stop(signal.SIGKILL)
    flush_dead(d)
    assert not leaves_tags(t)


def restarting_above_vlans(s, t):
    if s.run("an LMA whose interface has VLANs starts on hook xdp", start_above_vlans, t):
        s.run("the device leaves tags in frames until the next LMA is there", keep_tags, t)
        s.run("flushed, it takes them out again", take_tags, t)


STORIES = (
    (roaming, Topo, {}),
    (through_xdp, Topo, {"nodes": 1, "mags": 1}),
    (through_tc, Topo, {"nodes": 1, "mags": 1, "access": "bridge"}),
    (restarting, Topo, {"nodes": 1, "host_pins": True}),
    (in_vrf, VrfTopo, {}),
    (over_ip4, VrfTopo, {"nodes": 1}),
    (vrf_per_domain, DomainTopo, {"nodes": 2, "mags": 2, "cns": 2}),
    (on_vlans, TrunkTopo, {"nodes": 1, "mags": 1}),
    (xdp_to_vlan, VlanTopo, {"nodes": 1, "mags": 1}),
    (restarting_above_vlans, VlanTopo, {"nodes": 1, "mags": 1, "host_pins": True}),
)


def main():
    s = Steps()
    for story, kind, shape in STORIES:
        if sys.argv[2:] and not any(fnmatch(story.__name__, p) for p in sys.argv[2:]):
            continue
        t = kind("kern", sys.argv[1], **shape)
        try:
            story(s, t)
        finally:
            t.down()
    return 2 if s.failed else 0


if __name__ == "__main__":
    sys.exit(main())
