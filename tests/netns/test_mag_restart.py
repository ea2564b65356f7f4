# SPDX-License-Identifier: GPL-2.0-or-later
"""A MAG is killed and starts again: nodes that stayed notice nothing, those that left are missed."""

import re
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

import dhcp
import tcp
from ask import binding, counter, settled, update_entry, wait_registered
from conftest import make_topo
from netns import wait_until
from topo import CN, CN4, mag_addr

LEASE = 12  # s; renewed at half of it
RA = 134


@pytest.fixture(scope="module")
def t(request, bindir, tmp_path_factory):
    """Nodes 1 and 2 have both families and a DHCP client each, 3 and 4 IPv6 alone; all at MAG 1."""
    t = make_topo(request, bindir, nodes=4, host_pins=True)
    profiles = [{**p, "ipv4": n < 2} for n, p in enumerate(t._profiles())]
    pools = [{"name": "v4", "prefix": "100.64.0.0/24"}]
    t.start("lma", t.lma_config(lma={"ipv4-pools": pools, "gre-encapsulation": "accept"}, profiles=profiles), wait=False)
    for i in (1, 2):
        over = {"leave-forwarding": True} if i == 1 else {}
        t.start(f"mag{i}", t.mag_config(i, **over, profiles=profiles, mag={
            "dhcpv4-lease-time": LEASE, "gre-encapsulation": "keys"}), wait=False)
    for d in t.daemons.values():
        d.wait_ready()
    t.clients = []
    for n, make in zip(t.nodes, (dhcp.Dhclient, dhcp.Udhcpc)):
        t.attach(n, 1)
        c = make(n, tmp_path_factory.mktemp(make.__name__))
        c.start()
        t.clients.append(c)
    for n in t.nodes[2:]:
        t.attach(n, 1)
    for c in t.clients:
        c.wait_address()
    for n in t.nodes:
        settled(t, n, 1)
    return t


def is_saved(d):
    store = d.ctl("store")
    return store["dirty"] == store["in_flight"] == 0


def kill(t):
    """A crash that takes something with it would be another test: the daemon stands still when it
    is found that all is on disk."""
    d = t.daemons["mag1"]
    note = Path(t.dir) / "state-mag1" / "unsaved"
    stat = Path(f"/proc/{d.proc.pid}/stat")

    def stands_still():
        return stat.read_text().rpartition(")")[2].split()[0] == "T"

    def caught_saved():
        if not is_saved(d):
            return False
        d.proc.send_signal(signal.SIGSTOP)
        wait_until(stands_still, 5, "the daemon to stand still")
        if note.read_text().startswith("saved "):
            return True
        d.proc.send_signal(signal.SIGCONT)
        return False

    wait_until(caught_saved, 5, "all to be on disk")
    assert d.stop(signal.SIGKILL) == -signal.SIGKILL
    return d


def again(d):
    d.start()
    d.wait_ready()


def restart_counter(t, mag="mag1"):
    return int((Path(t.dir) / f"state-{mag}" / "restart-counter").read_text())


def addresses(t, node, client):
    return sorted(node.addresses()), client.address()


def lma_view(t, node):
    b = binding(t, node)
    return {k: b[k] for k in ("proxy_coa", "prefixes", "ipv4", "handovers", "state", "session",
                              "down_gre_key", "up_gre_key")}


def renew(client):
    done = len(client.events())
    client.renew()
    wait_until(lambda: any(e.split()[0].lower() == "renew" for e in client.events()[done:]),
               LEASE, "a renewal")


def again_all(d, t, nodes):
    """Starts it; returns when all its nodes are found, and the LMA has confirmed each."""
    again(d)
    wait_until(lambda: counter(t, "mag1", "found") == len(nodes), 10, "all to be found")
    for n in nodes:
        wait_until(lambda n=n: update_entry(t, n, 1)["state"] == "ACTIVE", 5, "the LMA's answer")


def advertisements(frames):
    """[(router lifetime, (valid lifetime of each prefix))]"""
    out = []
    for _, f in frames:
        if f[12:14] != b"\x86\xdd" or f[20] != 58 or f[54] != RA:
            continue
        body, valid, at = f[54:], [], 16
        while at + 2 <= len(body):
            kind, n = body[at], 8 * body[at + 1]
            if kind == 3:
                valid.append(struct.unpack_from("!I", body, at + 4)[0])
            at += n
        out.append((struct.unpack_from("!H", body, 6)[0], tuple(valid)))
    return out


def pinging(node, dst, src):
    return node.popen("ping", "-n", "-i", "0.01", "-I", src, dst, stdout=subprocess.PIPE, text=True)


def lost(ping):
    """(number sent, numbers of those that were not answered): tells what was going on then."""
    ping.send_signal(signal.SIGINT)
    out = ping.communicate(timeout=20)[0]
    sent = int(re.search(r"(\d+) packets transmitted", out)[1])
    assert sent > 50, out
    got = set(map(int, re.findall(r"icmp_seq=(\d+) ttl=", out)))
    return sent, sorted(set(range(1, sent + 1)) - got)


def test_nodes_that_stay_notice_nothing(t):
    """Both families, under traffic both ways and over a TCP connection; no GRE key changes."""
    node, client = t.nodes[0], t.clients[0]
    was = addresses(t, node, client)
    before = [lma_view(t, n) for n in t.nodes]
    counted = restart_counter(t)
    watch = t.capture(node.name, node.ifname, "icmp6 and ip6[40] == 134")
    pings = [pinging(node, CN, was[0][0]), pinging(node, CN4, was[1]),
             pinging(t.cn, was[0][0], CN), pinging(t.cn, was[1], CN4)]

    def restart():
        time.sleep(0.3)
        d = kill(t)
        time.sleep(1)
        again_all(d, t, t.nodes)
        time.sleep(0.3)

    tcp.carry(node, t.cn, CN, 1 << 20, source=was[0][0], during=restart)
    answered = [lost(p) for p in pings]
    assert not any(missing for _, missing in answered), answered
    assert addresses(t, node, client) == was
    # each was registered again once, which changed nothing at the LMA, and nothing for the node
    assert counter(t, "mag1", "restored") == len(t.nodes)
    assert counter(t, "mag1", "pbu_sent") == counter(t, "mag1", "pbu_refresh") == len(t.nodes)
    assert [lma_view(t, n) for n in t.nodes] == before
    told = advertisements(watch.stop().frames())
    assert told and set(told) == {told[0]} and told[0][0] and told[0][1] == (3600,)
    assert restart_counter(t) == counted


@pytest.mark.parametrize("which", [0, 1], ids=["dhclient", "udhcpc"])
def test_leases_are_renewed(t, which):
    """The first message after the restart is a renewal, and the lease is the same."""
    node, client = t.nodes[which], t.clients[which]
    was = client.wait_address()
    done = len(client.events())
    d = kill(t)
    again(d)
    renew(client)
    assert all(e.split()[1:] == [was] for e in client.events()[done:])
    assert client.address() == was and node.ping(CN4, 3, 0.1, src=was) == 3


def test_nodes_that_left_meanwhile_are_missed(t):
    """One vanished, one is at another MAG, which keeps it: nobody takes the binding from there. The
    LMA may still be at telling the MAG that the latter is gone."""
    gone, moved = t.nodes[2], t.nodes[3]
    stays = lma_view(t, t.nodes[0])
    d = kill(t)
    t.detach(gone)
    t.move(moved, 2)
    wait_registered(t, moved, 2)
    there = lma_view(t, moved)
    again(d)
    wait_until(lambda: counter(t, "mag1", "not_found") +
               counter(t, "mag1", "revoked", "mag") == 2, 15, "both to be missed")
    wait_until(lambda: counter(t, "mag1", "found") == 2, 5, "those that stayed to be found")
    wait_until(lambda: binding(t, gone) is None or binding(t, gone)["state"] != "ACTIVE", 3,
               "the LMA to hear of it")
    for n in (gone, moved):
        wait_until(lambda n=n: update_entry(t, n, 1) is None, 3, "it to be forgotten")
    assert lma_view(t, moved) == there
    assert moved.ping(CN, 3, 0.1) == 3
    assert lma_view(t, t.nodes[0]) == stays
    assert counter(t, "mag1", "pbu_deregister") == counter(t, "mag1", "not_found")
    assert counter(t, "mag1", "pbu_sent") == counter(t, "mag1", "not_found") + 2


def test_a_node_that_was_elsewhere_meanwhile(t):
    """It was at another MAG while this one was down, and came back: nothing that can be seen there
    has changed, nobody is left to tell of it, and the binding is the other MAG's."""
    node, solicitations = t.nodes[3], f"net__ipv6__conf__{t.nodes[3].ifname}__router_solicitations"
    t.move(node, 1)
    settled(t, node, 1)
    handovers = binding(t, node)["handovers"]
    given_up = counter(t, "lma", "no_answer")
    d = kill(t)
    t.move(node, 2)
    wait_registered(t, node, 2)
    wait_until(lambda: counter(t, "lma", "no_answer") > given_up, 10, "the LMA to give up MAG 1")
    # the node itself asks for no router when it is back
    node.sysctl(**{solicitations: 0})
    t.move(node, 1)
    time.sleep(2)
    assert binding(t, node)["proxy_coa"] == mag_addr(2)
    again(d)
    wait_registered(t, node, 1)
    node.sysctl(**{solicitations: 3})
    wait_until(lambda: update_entry(t, node, 1)["state"] == "ACTIVE", 5, "the LMA's answer")
    assert binding(t, node)["handovers"] == handovers + 2
    assert node.ping(CN, 3, 0.1) == 3


def test_an_end_that_was_under_way_goes_on(t):
    """Killed while nobody answers its de-registration: it is made up for."""
    node = t.nodes[1]
    renew(t.clients[1])  # nothing is to be heard from it for a while: it would be registered again
    t.net.ip("link set lma0 down")
    try:
        t.daemons["mag1"].ctl("detach", node.mnid)
        time.sleep(0.3)
        d = kill(t)
    finally:
        t.net.ip("link set lma0 up", "addr replace 2001:db8:2::fe/64 dev lma0 nodad")
    assert binding(t, node)["state"] == "ACTIVE"
    wait_until(lambda: t.mag1.ping("2001:db8:2::1"), 10, "the way to the LMA")
    again(d)
    wait_until(lambda: counter(t, "mag1", "pbu_deregister") == 1, 5, "the de-registration")
    t.move(node, 1)
    settled(t, node, 1)


def test_a_link_that_comes_late(t):
    """The interface is not there when the MAG starts."""
    node = t.nodes[0]
    before = lma_view(t, node)
    d = kill(t)
    t.mag1.ip("link set acc0 name away0")
    again(d)
    entry = update_entry(t, node, 1)
    assert (entry["state"], entry["ifname"]) == ("FINDING", "acc0")
    time.sleep(1)
    t.mag1.ip("link set away0 down", "link set away0 name acc0", "link set acc0 up")
    wait_until(lambda: update_entry(t, node, 1)["state"] == "ACTIVE", 10, "it to be found")
    assert counter(t, "mag1", "found") >= 1
    assert {**lma_view(t, node), "session": 0} == {**before, "session": 0}
    wait_until(lambda: node.ping(CN), 5, "packets")
