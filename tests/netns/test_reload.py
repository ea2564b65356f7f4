# SPDX-License-Identifier: GPL-2.0-or-later
"""Reloads that change much at once, again and again, and at bad moments."""

import copy
import fcntl
import os
import signal
import time

from ask import settled, update_entry
from netns import wait_until
from topo import CN, ROUTER_MAC


def reload(d, conf):
    d.write(conf)
    r = d.pmipctl("reload")
    assert r.returncode == 0, r.stdout + r.stderr


def interface(d, name):
    return next((i for i in d.ctl("interfaces") if i["ifname"] == name), None)


def mac(ns, ifname):
    return ns.ip_json("link", "show", "dev", ifname)[0]["address"]


def unreachable(t):
    return {r["dst"] for r in t.lma.ip_json("-6", "route", "show", "type", "unreachable")}


def test_pools_come_and_go_with_their_routes(fresh):
    t = fresh(nodes=1)
    d = t.start("lma")
    conf = t.lma_config()
    assert "2001:db8:100::/44" in unreachable(t)
    more = copy.deepcopy(conf)
    more["lma"]["pools"].append({"name": "more", "prefix": "2001:db8:200::/48"})
    reload(d, more)
    assert {"2001:db8:100::/44", "2001:db8:200::/48"} <= unreachable(t)
    reload(d, conf)
    assert "2001:db8:100::/44" in unreachable(t)
    assert "2001:db8:200::/48" not in unreachable(t)
    assert d.stop() == 0
    assert not unreachable(t) & {"2001:db8:100::/44", "2001:db8:200::/48"}


def test_an_interface_changes_sides_and_comes_back(fresh):
    """From access to transport with a node on it, and back: programs, addresses, node follow."""
    t = fresh(nodes=2)
    t.start_all()
    d = t.daemons["mag1"]
    for n in t.nodes:
        t.attach(n, 1)
    for n in t.nodes:
        settled(t, n, 1)
    conf = t.mag_config(1)
    turned = copy.deepcopy(conf)
    turned["transport"].append({"name": "acc0"})
    turned["mag"]["access"] = [dict(conf["mag"]["access"][0], name="acc9")]
    for _ in range(3):
        reload(d, turned)
        assert interface(d, "acc0")["kind"] == "transport"
        assert mac(t.mag1, "acc0") != ROUTER_MAC
        wait_until(lambda: not any(update_entry(t, n, 1) for n in t.nodes), 10, "the nodes to go")
        reload(d, conf)
        assert interface(d, "acc0")["kind"] == "access"
        assert mac(t.mag1, "acc0") == ROUTER_MAC
    for n in t.nodes:
        t.move(n, 1)
    for n in t.nodes:
        settled(t, n, 1)
    assert all(n.ping(CN, 3, 0.1) == 3 for n in t.nodes)
    assert d.alive()


def test_attach_after_a_reload_of_the_profiles(fresh):
    t = fresh(nodes=2)
    t.start_all()
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    for name in ("lma", "mag1"):
        d = t.daemons[name]
        conf = copy.deepcopy(d.conf)
        conf["profiles"].append({"mn-id": "later@example.com",
                                 "link-layer-addresses": ["02:00:00:00:00:77"]})
        reload(d, conf)
    t.attach(t.mn2, 1)
    settled(t, t.mn2, 1)
    assert all(n.ping(CN, 3, 0.1) == 3 for n in t.nodes)


def test_nobody_reads_the_log_any_more(fresh):
    t = fresh(nodes=1)
    d = t.start("lma")
    assert d.stop() == 0
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 1 << 20)  # takes all that libbpf has to say
    d.proc = t.popen([*d.ns.cmd(), d.bindir / "pmipd", "-c", d.conf_file], stdout=write,
                     stderr=write)
    os.close(write)
    d.wait_ready()
    os.close(read)
    for _ in range(3):
        d.send_signal(signal.SIGHUP)
        time.sleep(0.1)
    assert d.alive() and d.ctl("status")
    assert d.stop() == 0


def test_signals_in_a_heap(fresh):
    """Many SIGHUPs with a file that changes under them, some broken, and SIGTERM right behind."""
    t = fresh(nodes=2)
    t.start_all()
    for n in t.nodes:
        t.attach(n, 1)
    for n in t.nodes:
        settled(t, n, 1)
    for name in ("lma", "mag1"):
        d, conf = t.daemons[name], t.daemons[name].conf
        other = copy.deepcopy(conf)
        other["log-level"] = "info"
        other["profiles"] = other["profiles"][:1]
        for i in range(30):
            if i % 5 == 4:
                d.conf_file.write_text("nonsense: [")
            else:
                d.write(other if i % 2 else conf)
            d.send_signal(signal.SIGHUP)
            d.send_signal(signal.SIGHUP)
            time.sleep(0.02)
        d.write(conf)
        d.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        assert d.alive()
    assert all(n.ping(CN, 3, 0.1) == 3 for n in t.nodes)
    for d in t.daemons.values():
        d.send_signal(signal.SIGHUP)
        assert d.stop() == 0
