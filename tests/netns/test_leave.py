# SPDX-License-Identifier: GPL-2.0-or-later
"""leave-forwarding: the data plane outlives its daemon, and the next daemon goes on with it. What the
kernel was told for it, interfaces, routes and addresses, stays too, and does not flap; and all of it can
be removed."""

import copy
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import make_topo
from netns import wait_until
from topo import CN, LMAA, ROUTER_LL, mag_addr

PREFIX = "2001:db8:e00:1::"
PREFIX4 = "10.77.0.0/24"
NODE = PREFIX + "2"
SESSION = {"mn-id": "s1@example.com", "prefixes": [PREFIX + "/64"]}
SHUTDOWN = 80  # exit code: asked for by pmipctl


def configure(t):
    """Static sessions alone: they need nobody to be told of them. leave-forwarding is the default."""
    common = {"leave-forwarding": None, "domain": {"realm": None}, "profiles": None,
              "fallback_profiles": None}
    lma = t.lma_config(**common, lma={"mags": None, "static-sessions": [
        {**SESSION, "proxy-coa": mag_addr(1)}],
        "ipv4-pools": [{"name": "four", "prefix": PREFIX4}]})
    mag = t.mag_config(1, **common, mag={
        "access": [{"name": "acc0", "attach-on-rs": False, "attach-on-ns": False}],
        "static-sessions": [{**SESSION, "lmaa": LMAA, "interface": "acc0",
                             "link-layer-address": t.mn1.mac}]})
    return lma, mag


def begin(t):
    t.before = {n: settings(t, n) for n in ("lma", "mag1")}
    lma, mag = configure(t)
    t.start("lma", lma)
    t.start("mag1", mag)
    t.attach(t.mn1, 1)
    t.mn1.sysctl(net__ipv6__conf__eth0__accept_ra=0, net__ipv6__conf__eth0__accept_dad=0)
    t.mn1.ip(f"addr add {NODE}/128 dev eth0 nodad", f"route add default via {ROUTER_LL} dev eth0")
    wait_until(lambda: t.mn1.ping(CN, src=NODE), 10, "the first packet")
    wait_until(lambda: t.lma.ping(NODE), 10, "the first packet of the LMA's own")


@pytest.fixture(scope="module")
def t(request, bindir):
    t = make_topo(request, bindir, signalling=None, mags=1, nodes=1, host_pins=True)
    begin(t)
    return t


def settings(t, name):
    """What the daemon changes in the kernel besides the data plane."""
    ns = t.ns[name]
    links = {x["ifname"]: (x["ifindex"], x["address"], x["mtu"], "UP" in x["flags"])
             for x in ns.ip_json("link", "show")}
    addrs = {(x["ifname"], a["local"]) for x in ns.ip_json("-6", "addr", "show")
             for a in x["addr_info"]}
    routes = {(f, r["dst"], r.get("dev"), r.get("type"), r.get("metric"))
              for f in ("-4", "-6") for r in ns.ip_json(f, "route", "show", "table", "all")
              if str(r.get("protocol")) == "213"}
    return links, addrs, routes


def pins(t, name):
    return Path(f"/sys/fs/bpf/pmip/{t.daemons[name].instance}")


def programs(t, name):
    """Interfaces with a program of ours at either hook."""
    ns = t.ns[name]
    return [x["ifname"] for x in ns.ip_json("link", "show") if "xdp" in x or ns.run(
        "tc", "filter", "show", "dev", x["ifname"], "ingress", check=False).stdout.strip()]


class Traffic:
    """Pings from the node through the tunnel, from the moment it is made."""

    def __init__(self, t):
        self.ping = t.mn1.popen("ping", "-6", "-n", "-q", "-i", "0.005", "-I", NODE, CN,
                                stdout=subprocess.PIPE, text=True)
        time.sleep(0.3)

    def stop(self):
        """Packets sent, of which none may have been lost."""
        time.sleep(0.3)
        self.ping.send_signal(signal.SIGINT)
        out = self.ping.communicate(timeout=20)[0]
        sent, got = map(int, re.search(r"(\d+) packets transmitted, (\d+) received",
                                       out).groups())
        assert sent > 100 and got == sent, out
        return sent


def restart(d, conf=None):
    if conf:
        d.write(conf)
    d.start()
    d.wait_ready()


@pytest.mark.parametrize("name", ["lma", "mag1"])
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_packet_is_lost_while_the_daemon_restarts(t, name, sig):
    d = t.daemons[name]
    before, kernel = d.ctl("sessions"), settings(t, name)
    changes = t.ns[name].popen("ip", "monitor", "link", "address", stdout=subprocess.PIPE, text=True)
    traffic = Traffic(t)
    d.proc.send_signal(sig)
    assert d.proc.wait(10) == (-sig if sig == signal.SIGKILL else 0)
    assert settings(t, name) == kernel
    time.sleep(0.5)
    restart(d)
    sent = traffic.stop()
    assert "goes on" in d.log()
    assert d.ctl("status")["dataplane"] == "bpf, adopted"
    assert settings(t, name) == kernel
    changes.terminate()
    gone = [x for x in changes.communicate(timeout=10)[0].splitlines() if x.startswith("Deleted")]
    assert not gone, gone
    after = d.ctl("sessions")
    assert [(s["session"], s["mn_id"], s["down"]) for s in after] == \
        [(s["session"], s["mn_id"], s["down"]) for s in before]
    # counters go on too
    assert after[0]["down_packets"] == after[0]["up_packets"] == before[0]["up_packets"] + sent


def test_without_daemons_all_ways_are_open_and_no_others(t):
    for d in t.daemons.values():
        assert d.stop() == 0
    # the gateway's address answers for itself
    t.mn1.ip("neigh flush dev eth0")
    assert t.mn1.ping(CN, 3, 0.1, src=NODE) == 3
    # and so does this host, by the interface that it has for that
    assert t.lma.ping(NODE, 3, 0.1) == 3
    # what nobody may use is no more open than with a daemon
    assert t.lma.ping("2001:db8:100::1", 1, 0.1) == 0
    stolen = PREFIX[:-3] + "9::2"
    cap = t.capture("lma", "inet0", f"ip6 src {stolen}")
    t.mn1.ip(f"addr add {stolen}/128 dev eth0 nodad")
    assert t.mn1.ping(CN, 3, 0.1, src=stolen) == 0
    t.mn1.ip(f"addr del {stolen}/128 dev eth0")
    assert cap.stop().frames() == []
    for d in t.daemons.values():
        restart(d)
    assert t.mn1.ping(CN, 3, 0.1, src=NODE) == 3


def test_shutdown_leaves_forwarding(t):
    for d in t.daemons.values():
        kernel = settings(t, d.name)
        traffic = Traffic(t)
        assert "forwarded on" in d.ctl("shutdown")["result"]
        assert d.proc.wait(10) == SHUTDOWN
        assert settings(t, d.name) == kernel
        restart(d)
        traffic.stop()


def test_what_an_earlier_configuration_had_goes(t):
    d = t.daemons["lma"]
    was = copy.deepcopy(d.conf)
    assert d.stop() == 0
    other = copy.deepcopy(was)
    other["lma"]["static-prefixes"] = []
    other["lma"]["host-interface"] = "nodes0"
    restart(d, other)
    links, _, routes = settings(t, "lma")
    assert "pmip0" not in links and "nodes0" in links
    assert not [r for r in routes if "pmip0" in r or "2001:db8:f00::/48" in r], routes
    assert t.mn1.ping(CN, 3, 0.1, src=NODE) == 3
    d.stop(signal.SIGKILL)
    restart(d, was)
    links, _, routes = settings(t, "lma")
    assert "pmip0" in links and "nodes0" not in links
    assert [r for r in routes if "2001:db8:f00::/48" in r]
    # an access link that is none any more
    m = t.daemons["mag1"]
    was = copy.deepcopy(m.conf)
    assert m.stop() == 0
    other = copy.deepcopy(was)
    other["mag"]["access"][0]["name"] = "other0"
    other["mag"]["static-sessions"][0]["interface"] = "other0"
    restart(m, other)
    assert settings(t, "mag1")[0]["acc0"] == t.before["mag1"][0]["acc0"]
    assert ("acc0", ROUTER_LL) not in settings(t, "mag1")[1]
    assert "acc0" not in programs(t, "mag1")
    assert m.stop(signal.SIGKILL)
    restart(m, was)
    assert ("acc0", ROUTER_LL) in settings(t, "mag1")[1]
    wait_until(lambda: t.mn1.ping(CN, src=NODE), 5, "packets through the old configuration")


def test_flush_removes_everything(t):
    """The addresses that interfaces had come back, though a run has begun with ours."""
    for name in ("lma", "mag1"):
        d = t.daemons[name]
        restart_of(d)
        assert pins(t, name).exists() and programs(t, name)
        assert "nothing" in d.ctl("shutdown", "--flush")["result"]
        assert d.proc.wait(10) == SHUTDOWN
        expect_nothing(t, name)


def restart_of(d):
    if d.alive():
        assert d.stop() == 0
    restart(d)


def expect_nothing(t, name):
    links, addrs, routes = settings(t, name)
    assert links == t.before[name][0]
    assert ROUTER_LL not in {a for _, a in addrs}
    assert routes == set()
    assert programs(t, name) == []
    assert not pins(t, name).exists()
    managed = t.ns[name].run("ip", "neigh", "show").stdout
    assert "managed" not in managed, managed


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
def test_flush_of_what_a_dead_daemon_left(t, sig):
    for name in ("lma", "mag1"):
        d = t.daemons[name]
        restart_of(d)
        d.stop(sig)
        assert pins(t, name).exists() and programs(t, name)
        r = flush(t, d)
        assert r.returncode == 0, r.stderr
        expect_nothing(t, name)
        assert flush(t, d).returncode == 0  # again: there is nothing


def flush(t, d):
    return subprocess.run(["nsenter", f"--net={d.ns.path}", d.bindir / "pmipd", "-c", d.conf_file,
                           "--flush"], capture_output=True, text=True, timeout=60)


def test_flush_is_refused_while_a_daemon_runs(t):
    for d in t.daemons.values():
        restart_of(d)
    wait_until(lambda: t.mn1.ping(CN, src=NODE), 10, "packets")
    kernel = settings(t, "lma")
    r = flush(t, t.daemons["lma"])
    assert r.returncode == 1 and "in use by another running pmipd" in r.stderr
    assert settings(t, "lma") == kernel
    assert t.mn1.ping(CN, 3, 0.1, src=NODE) == 3


@pytest.mark.parametrize("record", [b"", b"link\n\nroute\nroute 2001:db8::/129\nlink lo as x was y\n"
                                    b"link " + b"x" * 5000 + b"\nrouter fe80::1\n\0\xff" * 3])
def test_a_damaged_record_harms_nobody(t, record):
    d = t.daemons["lma"]
    assert d.stop() == 0
    path = Path(d.conf["state-directory"]) / "kernel-state"
    good = path.read_bytes()
    path.write_bytes(record)
    kernel = settings(t, "lma")
    restart(d)
    assert settings(t, "lma") == kernel
    assert path.read_bytes() == good


def test_both_roles_in_one_daemon(request, bindir):
    """Their halves meet in it, and packets of its nodes leave it without a tunnel."""
    t = make_topo(request, bindir, signalling=None, mags=1, nodes=1, host_pins=True)
    coa = mag_addr(1)
    t.lma.ip(f"route add {PREFIX}/64 via 2001:db8:2::fe")
    t.net.ip(f"route add {PREFIX}/64 via {coa}", "route add 2001:db8:c::/64 via 2001:db8:2::1")
    _, conf = configure(t)
    conf["lma"] = {"addresses": [coa], "static-prefixes": [PREFIX + "/64"], "static-sessions": [{**SESSION, "proxy-coa": coa}]}
    conf["mag"]["lmas"] = [{"name": "self", "address": coa}]
    conf["mag"]["static-sessions"][0]["lmaa"] = coa
    t.start("mag1", conf)
    t.attach(t.mn1, 1)
    t.mn1.sysctl(net__ipv6__conf__eth0__accept_ra=0, net__ipv6__conf__eth0__accept_dad=0)
    t.mn1.ip(f"addr add {NODE}/128 dev eth0 nodad", f"route add default via {ROUTER_LL} dev eth0")
    wait_until(lambda: t.mn1.ping(CN, src=NODE), 10, "the first packet")
    d = t.daemons["mag1"]
    before, kernel = d.ctl("sessions"), settings(t, "mag1")
    assert {s["half"] for s in before} == {"anchor", "access"} and "pmip0" in kernel[0]
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        traffic = Traffic(t)
        d.stop(sig)
        assert settings(t, "mag1") == kernel
        time.sleep(0.3)
        restart(d)
        traffic.stop()
        assert settings(t, "mag1") == kernel
        assert [(s["session"], s["half"], s["down"]) for s in d.ctl("sessions")] == \
            [(s["session"], s["half"], s["down"]) for s in before]
        assert t.mag1.ping(NODE, 2, 0.1) == 2


def test_without_it_nothing_stays(t):
    """The last one, because it ends what the others need."""
    for name in ("lma", "mag1"):
        d = t.daemons[name]
        restart_of(d)
        d.write({**d.conf, "leave-forwarding": False})
        assert d.stop(signal.SIGTERM) == 0
        assert programs(t, name)
        restart(d)
    wait_until(lambda: t.mn1.ping(CN, src=NODE), 10, "packets through a new data plane")
    for name in ("lma", "mag1"):
        assert t.daemons[name].stop(signal.SIGTERM) == 0
        expect_nothing(t, name)
