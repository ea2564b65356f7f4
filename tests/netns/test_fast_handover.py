# SPDX-License-Identifier: GPL-2.0-or-later
"""Fast handover (RFC 5949): nodes move between MAGs, hear nothing for half a second, lose nothing.

What comes for a node in that time waits at its new MAG, which was told of it, and goes to it in
order when it is there. All packets are numbered and counted to the last one. The router's
link-layer address stands fast at the nodes: else a node asks for it when its link comes up, and
what it has to send meanwhile is overtaken in its own kernel.
"""

import json
import signal
import struct
import time

import pytest

import capture
import fho
import mh
from ask import (binding, counter, counters, drops, forget, grown, registered, settled, to_ap, update_entry,
                 wait_registered)
from conftest import make_topo
from flow import End, Fate, Flow
from netns import PATIENCE, wait_until
from test_reload import reload
from topo import CN, CN4, LMAA, LMAA4, ROUTER_LL, ROUTER_MAC, mag_addr, mag_addr4, merge

PPS = 2000
GAP = 0.5           # s
MARGIN = 10         # packets: a sender that was not scheduled sends what was due together
HI, HACK = 14, 15
HOME4, ROUTER = "100.64.0.11", "100.64.0.1"
SETTLE = {"mag": {"fast-handover": {"settle-time": 300, "forwarding-time": 4000}}}


def start(t, lma=None, mag=None, addr=mag_addr):
    t.start("lma", t.lma_config(**(lma or {})), wait=False)
    for i in range(1, t.n_mags + 1):
        t.start(f"mag{i}", fho.conf(t, i, addr, **(mag or SETTLE)), wait=False)
    for d in t.daemons.values():
        d.wait_ready()


def there(t, node, ap):
    """The node is served at that access point, and no other MAG believes that it has it."""
    addr = to_ap(t, node, ap)
    for i in range(1, t.n_mags + 1):
        if i != ap:
            forget(t, node, i)
    fho.quiet(t)
    return addr


def router_known(node):
    node.ip(f"neigh replace {ROUTER_LL} lladdr {ROUTER_MAC} dev eth0 nud permanent")


@pytest.fixture(scope="module")
def fast(request, bindir):
    t = make_topo(request, bindir, nodes=1)
    start(t)
    router_known(t.mn1)
    return t


def report(record_property, **values):
    for k, v in values.items():
        record_property(k, v)
    print(", ".join(f"{k}={v}" for k, v in values.items()))


def through(t, node, ap):
    """Packets go both ways at that access point, and nobody remembers a handover."""
    fho.quiet(t)
    wait_registered(t, node, ap)
    assert node.ping(CN, 3, 0.05) == 3


class Down:
    """A flow towards the node alone."""

    def __init__(self, t, node, addr, far=CN, rate=PPS, port=9000, **kw):
        self.rx = End(node, addr, far, 0, port=port)
        self.tx = End(t.cn, far, kw.pop("to", addr), rate, port=port, **kw)
        self.rx.ask("go")
        self.tx.ask("go")

    def sent(self):
        return self.tx.ask("show")["sent"]

    def finish(self):
        sent = self.tx.ask("stop")
        self.tx.ask("wait 0")
        return Fate(sent, self.rx.ask(f"wait {sent['sent'] - sent['refused']}"))


# ---- predictive ----------------------------------------------------------------------------------


def test_twenty_predictive_handovers_lose_nothing(fast, record_property):
    """F-1, F-4, F-6, F-9: 20 in a row, each with half a second without a link."""
    t, node = fast, fast.mn1
    addr = there(t, node, 1)
    moved = binding(t, node)["handovers"]
    f = Flow({"ns": node, "local": addr, "to": CN}, {"ns": t.cn, "local": CN, "to": addr}, PPS)
    kept, drain = [], []
    strangers = drops(t, "lma")["outer_source"]
    for _ in range(20):
        before = f.sent()[1]
        fate, took = fho.hand_over(t, node, 3 - node.ap, GAP)
        kept.append(fate["kept"])
        drain.append(round(took))
        assert f.sent()[1] - before > GAP * PPS
        fho.quiet(t)
    up, down = f.finish()
    report(record_property, up=up, down=down, kept=kept, drained_ms=drain)
    assert down.whole(), down
    # upwards: what was sent without a link is lost, or before the new MAG has seen the node
    assert not up.doubled and not up.disordered, up
    assert up.lost <= 20 * PPS * (GAP + 0.1), up
    # but not what was on its way through the old MAG when the binding moved
    assert drops(t, "lma")["outer_source"] == strangers
    assert min(kept) >= GAP * PPS * 0.9
    assert binding(t, node)["handovers"] == moved + 20
    assert node.wait_address() == addr


WAYS = {
    "tc": ({}, {"hook": "tc"}, mag_addr),
    "gre-key": ({"lma": {"gre-encapsulation": "accept"}}, {"gre-encapsulation": "keys"}, mag_addr),
    "ipv4-udp": ({"lma": {"accept-forced-ipv4-udp-encapsulation-request": True}},
                 {"force-ipv4-udp-encapsulation-support": True}, mag_addr4),
}


@pytest.mark.parametrize("way", WAYS)
def test_dual_stack_node_loses_nothing(request, bindir, record_property, way):
    """F-33, F-34: either address family of the node, by the other hook, with GRE keys, over IPv4."""
    lma, mag, addr = WAYS[way]
    t = make_topo(request, bindir, signalling="ip6 proto 135 or udp port 5436", nodes=1)
    node, hook = t.mn1, {k: v for k, v in mag.items() if k == "hook"}
    mag = {k: v for k, v in mag.items() if k != "hook"}
    profiles = [{**t._profiles()[0], "ipv4": True, "ipv4-home-address": HOME4}]
    lma = {"lma": {"ipv4-addresses": [LMAA4], "mags": [
        {"name": f"mag{i}", "address": addr(i)} for i in (1, 2)],
        "ipv4-pools": [{"name": "four", "prefix": "100.64.0.0/24"}], **lma.get("lma", {})},
        "transport": [{"name": "net0", **hook}, {"name": "inet0", **hook}]}
    if addr is mag_addr4:
        mag = {**mag, "ipv4-proxy-coa": True, "lmas": [{"name": "lma", "address": LMAA4}]}
    t.start("lma", t.lma_config(profiles=profiles, **lma), wait=False)
    for i in (1, 2):
        mine = {**mag, **({"ipv4-proxy-coa": mag_addr4(i)} if addr is mag_addr4 else {})}
        c = fho.conf(t, i, addr, profiles=profiles, transport=[{"name": "net0", **hook}],
                     mag={**SETTLE["mag"], **mine})
        c["mag"]["access"][0].update(hook)
        t.start(f"mag{i}", c, wait=False)
    for d in t.daemons.values():
        d.wait_ready()
    six = to_ap(t, node, 1)
    router_known(node)
    node.ip(f"addr replace {HOME4}/24 dev eth0", f"route replace default via {ROUTER} dev eth0",
            f"neigh replace {ROUTER} lladdr {ROUTER_MAC} dev eth0 nud permanent")
    wait_until(lambda: node.ping(CN) and node.ping(CN4), 5, "packets")
    flows = [Down(t, node, six, rate=PPS // 2), Down(t, node, HOME4, CN4, PPS // 2, 9001)]
    for _ in range(4):
        fho.hand_over(t, node, 3 - node.ap, 0.2)
        fho.quiet(t)
    b = binding(t, node)
    six, four = (f.finish() for f in flows)
    report(record_property, encapsulation=b["encapsulation"], six=six, four=four)
    assert six.whole() and four.whole()
    assert b["encapsulation"] == {"tc": "ip", "gre-key": "gre-key", "ipv4-udp": "udp"}[way]


def test_packets_may_wait_at_the_old_mag(fast, record_property):
    """F-3: kept there until the new one asks for them. None is lost, not even when the node returns;
    but what waits is overtaken by what the anchor sends to the new one as soon as it is registered."""
    t, node = fast, fast.mn1
    addr = there(t, node, 1)
    was = {i: t.daemons[f"mag{i}"].conf for i in (1, 2)}
    for i, c in was.items():
        reload(t.daemons[f"mag{i}"], merge(c, {"mag": {"fast-handover": {
            "buffer-at": "old-mag"}}}))
    try:
        f = Down(t, node, addr)
        kept = []
        for ap in (2, 1):
            old = node.ap
            fho.announce(t, node, ap, "BUFFERING")
            t.move(node, ap, 0.2)
            wait_registered(t, node, ap)
            kept.append(fho.buffer(t, old, node)["kept"])
            fho.quiet(t)
        fho.announce(t, node, 2, "BUFFERING")
        t.detach(node)
        time.sleep(0.2)
        t.attach(node, 1)
        t.daemons["mag1"].ctl("attach", "acc0", node.mac)
        fho.quiet(t)
        down = f.finish()
    finally:
        for i, c in was.items():
            reload(t.daemons[f"mag{i}"], c)
    report(record_property, down=down, kept_at_the_old=kept)
    assert fho.results(t, 1, node)[0] == "node returned"
    assert min(kept) >= 0.2 * PPS * 0.9
    assert not down.lost and not down.doubled, down
    assert down.disordered <= sum(kept), down


def download(t, node, mbit, record_property):
    """A TCP connection to the node, which moves in the middle of it: Mbit/s of each 100 ms, Mbit
    in all, and the fate of what waited."""
    addr = there(t, node, 1)
    server = node.popen("iperf3", "-s", "-1", "-p", 5302)
    wait_until(lambda: ":5302" in node.run("ss", "-ltn").stdout, 5, "the iperf3 server")
    out = t.dir / "iperf3.json"
    client = t.cn.popen("iperf3", "-6", "-c", addr, "-p", 5302, "-t", 4, "-i", 0.1, "-J",
                        "-b", f"{mbit}M", "--logfile", out)
    time.sleep(1)
    fate, took = fho.hand_over(t, node, 2, GAP)
    assert client.wait(20) == 0
    server.wait(5)
    result = json.loads(out.read_text())
    out.unlink()
    assert "error" not in result and len(result["start"]["connected"]) == 1
    rates = [i["sum"]["bits_per_second"] / 1e6 for i in result["intervals"]]
    end = result["end"]
    report(record_property, mbit_per_100ms=[round(r, 1) for r in rates], kept=fate["kept"],
           drained_ms=round(took), retransmits=end["sum_sent"]["retransmits"])
    assert fate["kept"] and fate["handed_on"] == fate["kept"], fate
    fho.quiet(t)
    return rates, end["sum_received"]["bytes"] * 8 / 1e6, fate


def test_tcp_hardly_notices(fast, record_property):
    """A connection stands still for as long as there is no link, and goes on at once."""
    rates, received, _ = download(fast, fast.mn1, 10, record_property)
    still = max(map(len, "".join("." if r else "0" for r in rates).split(".")))
    assert still * 0.1 <= GAP + 0.3, "stood still for longer than the link was gone"
    assert received > 0.9 * 4 * 10, f"{received} Mbit of 40"
    assert min(rates[-5:]) > 5


def test_tcp_that_the_kernel_merges(request, bindir, record_property):
    """TC gets a fast connection in large pieces, and nothing of it is dropped either."""
    t = make_topo(request, bindir, nodes=1)
    hook = {"hook": "tc"}
    t.start("lma", t.lma_config(), wait=False)
    for i in (1, 2):
        c = fho.conf(t, i, transport=[{"name": "net0", **hook}], **SETTLE)
        c["mag"]["access"][0].update(hook)
        t.start(f"mag{i}", c, wait=False)
    for d in t.daemons.values():
        d.wait_ready()
    router_known(t.mn1)
    rates, received, fate = download(t, t.mn1, 100, record_property)
    frames = counters(t, "mag2")["tc", "buffer"]
    report(record_property, kept_in_frames=frames)
    assert frames < fate["kept"] / 2, "was not merged"
    assert received > 0.7 * 4 * 100, f"{received} Mbit of 400"
    assert min(rates[-5:]) > 30


# ---- reactive ------------------------------------------------------------------------------------


def test_reactive_loses_what_was_sent_before_it_was_asked_for(fast, record_property):
    """F-20, F-21, F-22: the loss is what came to the old MAG after the link was gone and before the
    Handover Initiate was there."""
    t, node = fast, fast.mn1
    addr = there(t, node, 1)
    wire = t.capture("net", "mag1", f"ip6 proto 135 and ip6[40] == {59}")
    f = capture.Flow(t, "cn", "mn1", addr, 6400, 1000)
    time.sleep(0.3)
    down = t.detach(node)
    time.sleep(0.1)
    t.daemons["mag2"].ctl("attach", "acc0", node.mac, "--previous-ap", "ap1")
    up = t.attach(node, 2)
    wait_registered(t, node, 2)
    time.sleep(0.3)
    f.finish()
    wire.stop()
    asked = min(m[0] for m in capture.mobility_headers(wire.frames())
                if m[3] == HI and m[1] == mag_addr(2))
    mode = [h["mode"] for h in t.daemons["mag2"].ctl("handovers", node.mnid)][0]
    allowed = 1000 * (max(asked, up) - down) / 1e9 + MARGIN
    report(record_property, mode=mode, lost=len(f.lost), allowed=round(allowed),
           asked_ms=(asked - down) / 1e6, link_up_ms=(up - down) / 1e6)
    assert mode == "reactive"
    assert 0 < len(f.lost) <= allowed
    assert f.duplicates == 0
    assert [n for n in f.lost if f.sent[n] > max(asked, up) + 10e6] == []
    through(t, node, 2)


# ---- what goes wrong -----------------------------------------------------------------------------


def test_path_upwards_leads_through_the_old_mag_until_it_is_registered(fast):
    """F-7: MN - NMAG - PMAG - LMA, seen between the MAGs while the LMA does not answer."""
    t, node = fast, fast.mn1
    there(t, node, 1)
    lma = t.daemons["lma"]
    wires = {i: t.capture("net", f"mag{i}", "ip6 proto 41", direction="in") for i in (1, 2)}
    fho.announce(t, node, 2)
    lma.send_signal(signal.SIGSTOP)
    try:
        t.move(node, 2, 0.1)
        wait_until(lambda: update_entry(t, node, 2)["state"] == "ARRIVING", 3, "the node")
        assert node.ping(CN, 5, 0.05) == 5
        assert update_entry(t, node, 2)["state"] == "ARRIVING"
    finally:
        lma.send_signal(signal.SIGCONT)
    wait_registered(t, node, 2)
    for w in wires.values():
        w.stop()
    hops = {i: [(x.src, x.dst) for _, f in w.frames() if (x := capture.tunnelled(f)) and
                x.inner_dst == CN] for i, w in wires.items()}
    assert hops[2].count((mag_addr(2), mag_addr(1))) >= 5
    assert hops[1].count((mag_addr(1), LMAA)) >= 5
    through(t, node, 2)


def test_node_that_returns_is_served_where_it_was(fast, record_property):
    """Announced, and not gone: both MAGs forget the handover, the binding stays."""
    t, node = fast, fast.mn1
    addr = there(t, node, 1)
    moved = binding(t, node)["handovers"]
    f = Down(t, node, addr)
    time.sleep(0.1)
    fho.announce(t, node, 2)
    t.detach(node)
    time.sleep(0.2)
    before = f.sent()
    t.attach(node, 1)
    t.daemons["mag1"].ctl("attach", "acc0", node.mac)
    fho.quiet(t)
    assert fho.results(t, 1, node)[0] == "node returned"
    assert update_entry(t, node, 2) is None
    time.sleep(0.2)
    down = f.finish()
    report(record_property, down=down, sent_away=before)
    # what had gone to the other MAG is gone
    assert down.lost <= before and not down.doubled
    assert binding(t, node)["handovers"] == moved and registered(t, node, 1)
    assert counter(t, "mag2", "packets", "buffer") == 0
    through(t, node, 1)


def test_node_that_never_arrives_leaves_nothing_behind(fast):
    """The guard timer: no state and no packets at either MAG, and the binding ends."""
    t, node = fast, fast.mn1
    addr = there(t, node, 1)
    was = {i: t.daemons[f"mag{i}"].conf for i in (1, 2)}
    for i, c in was.items():
        reload(t.daemons[f"mag{i}"], {**c, "mag": {
            **c["mag"], "access": [{**c["mag"]["access"][0], "probe-interval": 200}],
            "fast-handover": {"forwarding-time": 600, "settle-time": 200}}})
    f = Down(t, node, addr)
    fho.announce(t, node, 2)
    t.detach(node)
    wait_until(lambda: (fho.buffer(t, 2, node) or {"packets": 0})["packets"] > 200, 3, "packets")
    fho.quiet(t)
    f.finish()
    assert fho.results(t, 2, node)[0] == "node never arrived"
    for i in (1, 2):
        wait_until(lambda i=i: not update_entry(t, node, i), 5, f"mag{i} to forget")
        assert fho.buffer(t, i, node) is None
        assert counter(t, f"mag{i}", "packets", "buffer") == 0
    assert counter(t, "mag2", "discarded", "buffer") > 200
    wait_until(lambda: (binding(t, node) or {"state": None})["state"] != "ACTIVE", 5,
               "the binding to end")
    for i, c in was.items():
        reload(t.daemons[f"mag{i}"], c)
    to_ap(t, node, 2)
    through(t, node, 2)


def test_strangers_and_late_neighbours_change_nothing(fast):
    """F-32, F-37: Handover Initiate and Acknowledge of an address that is no MAG, and an end of
    forwarding from one that has nothing to do with it."""
    t, node = fast, fast.mn1
    there(t, node, 1)
    stranger = "2001:db8:99::1"

    def hi(code, flags=0x30):
        return mh.message(HI, struct.pack("!HBB", 7, flags, code), [
            mh.mn_id(node.mnid), mh.hnp("2001:db8:100::"), (41, b"\1\0" + mh.packed(LMAA)),
            mh.llid(node.mac)])

    def hack():
        return mh.message(HACK, struct.pack("!HBB", 7, 0x60, 0), [mh.mn_id(node.mnid)])

    before = {i: counters(t, f"mag{i}") for i in (1, 2)}
    into = {i: mh.into_mag(t, i) for i in (1, 2)}
    for i in (1, 2):
        for m in (hi(3), hi(0), hi(2), hack()):
            into[i].mh(stranger, mag_addr(i), m)
    for i in (1, 2):
        wait_until(lambda i=i: counter(t, f"mag{i}", "ignored_source") ==
                   before[i]["handover", "ignored_source"] + 4, 3, "them to be refused")
        assert not fho.handovers(t, i)
    assert update_entry(t, node, 2) is None and node.ping(CN)
    fho.announce(t, node, 2)
    into[1].mh(stranger, mag_addr(1), hi(2))
    into[2].mh(stranger, mag_addr(2), hi(2))
    wait_until(lambda: counter(t, "mag2", "ignored_source") ==
               before[2]["handover", "ignored_source"] + 5, 3, "it to be refused")
    assert [h["state"] for h in fho.handovers(t, 1)] == ["FORWARDING"]
    t.move(node, 2)
    wait_registered(t, node, 2)
    through(t, node, 2)
    assert ("handover", "unexpected_event") not in grown(before[1], counters(t, "mag1"))
    for i in into.values():
        i.close()


def test_revocation_ends_what_is_on_its_way(fast):
    """The LMA revokes while the old MAG forwards: nobody has the node any more; it may come back."""
    t, node = fast, fast.mn1
    addr = there(t, node, 1)
    fho.announce(t, node, 2)
    t.detach(node)
    assert t.daemons["lma"].ctl("revoke", node.mnid)["bindings"] == 1
    wait_until(lambda: not binding(t, node), 3, "the binding to go")
    fho.quiet(t)
    assert update_entry(t, node, 2) is None
    assert counter(t, "mag2", "packets", "buffer") == 0
    node.ip(f"addr del {addr}/64 dev eth0")
    t.attach(node, 2)
    settled(t, node, 2)
    forget(t, node, 1)  # which keeps in mind that it may not let it in
    through(t, node, 2)


def test_new_mag_dies_while_packets_wait(fast):
    """What waited is gone; the node is registered by the MAG that started again as if it had come
    unannounced, and the old one lets go. What came after the registration and before the session
    was put back when that came, which live packets do not wait for: nothing else is out of order."""
    t, node = fast, fast.mn1
    addr = there(t, node, 1)
    f = Down(t, node, addr)
    fho.announce(t, node, 2)
    t.detach(node)
    wait_until(lambda: fho.buffer(t, 2, node)["packets"] > 100, 3, "packets")
    mag2 = t.daemons["mag2"]
    mag2.send_signal(signal.SIGKILL)
    mag2.proc.wait(5)
    mag2.start()
    mag2.wait_ready()
    t.attach(node, 2)
    settled(t, node, 2)
    fho.quiet(t, timeout=12)
    wait_until(lambda: not update_entry(t, node, 1), 12, "mag1 to forget")
    down = f.finish()
    early = counters(t, "mag2")["early", "delivered"]
    assert down.lost and not down.doubled and down.disordered <= early, (down, early)
    assert node.wait_address() == addr
    through(t, node, 2)


def test_full_buffer_drops_what_comes_last(fresh, record_property):
    """F-31: bounded, the end dropped and counted, the rest in order."""
    t = fresh(nodes=1)
    room = 300
    start(t, mag={"mag": {**SETTLE["mag"], "handover-buffer": {"node-packets": room}}})
    node = t.mn1
    addr = there(t, node, 1)
    router_known(node)
    f = capture.Flow(t, "cn", "mn1", addr, 6500, 1000)
    time.sleep(0.2)
    fate, _ = fho.hand_over(t, node, 2, GAP)
    fho.quiet(t)
    f.finish()
    order = [n for n, _ in sorted(f.got.items(), key=lambda x: x[1])]
    report(record_property, lost=len(f.lost), fate=fate)
    assert order == sorted(order) and not f.duplicates
    assert f.lost and len(f.lost) == fate["dropped"]["node_packets"]
    assert fate["kept"] - fate["handed_on"] == len(f.lost)
    assert counter(t, "mag2", "node_packets", "buffer") == len(f.lost)
    first = f.lost[0]
    # those that came first found room
    away = [n for n in f.sent if n < first and n in f.got]
    assert len(away) >= room and f.lost[-1] - first + 1 <= len(f.lost) + 0.1 * 1000


def many_nodes(host, n):
    """That host is many, before it is anywhere: it has all their link-layer addresses, takes what is sent to any home
    address, and says who is there when it is told to."""
    host.sysctl(net__ipv6__conf__default__addr_gen_mode=1, net__ipv6__conf__default__accept_ra=0,
                net__ipv6__conf__eth0__disable_ipv6=1)  # it is none of them itself
    macs = [f"02:00:00:01:00:{i:02x}" for i in range(n)]
    host.ip("route add local 2001:db8:100::/44 dev lo",
            *[x for i, mac in enumerate(macs) for x in
              (f"link add link eth0 name n{i} address {mac} type macvlan mode private",
               f"link set n{i} up")])
    sock = host.packet_socket("eth0")

    def solicit():
        for i, mac in enumerate(macs):
            ll = f"fe80::ff:fe01:{i:x}"
            body = bytes([133, 0, 0, 0, 0, 0, 0, 0, 1, 1]) + mh.mac_bytes(mac)
            sock.send(mh.frame("33:33:00:00:00:02", mac, mh.icmp6(ll, "ff02::2", body)))
            if i % 8 == 7:
                time.sleep(0.001)
    return solicit


def test_two_hundred_nodes_hand_over_within_a_second(fresh, record_property):
    """All at once, with 50 packets per second for each of them. Order is not asked for: it is that of
    each node alone, and numbers run through all of them."""
    n = 200
    t = fresh(nodes=1)
    quietly = {"access": [{"name": "acc0", "type": "shared", "probe-interval": 0,
                           "access-technology-type": "ieee-802.11"}]}
    start(t, mag={"log-level": "info", "mag": {**SETTLE["mag"], **quietly}})
    solicit = many_nodes(t.mn1, n)
    t.attach(t.mn1, 1)

    def at(mag):
        return [b for b in t.daemons["lma"].ctl("bindings") if b["proxy_coa"] == mag_addr(mag) and
                "-01-00-" in b["mn_id"]]
    wait_until(lambda: t.mn1.link_up("eth0"), 3, "the link")
    solicit()
    wait_until(lambda: len(at(1)) >= n, 10, "all nodes to be registered")
    ids = [b["mn_id"] for b in at(1)]
    prefixes = sorted(int(b["prefixes"][0].split(":")[3] or "0", 16)
                      if not b["prefixes"][0].startswith("2001:db8:100::") else 0
                      for b in t.daemons["lma"].ctl("bindings"))
    assert prefixes == list(range(len(prefixes)))
    f = Down(t, t.mn1, "::", rate=n * 50, to="2001:db8:100::1", nodes=n)
    time.sleep(0.3)
    began = time.monotonic()
    control = fho.Control(t.daemons["mag1"])
    answers = control.ask_all("handover", [{"mn_id": i, "to": "ap2"} for i in ids])
    asked = time.monotonic() - began
    assert all(a["ok"] for a in answers), [a for a in answers if not a["ok"]][:3]
    wait_until(lambda: all(h["state"] == "FORWARDING" for h in fho.handovers(t, 1)), 3,
               "mag1 to forward")
    t.move(t.mn1, 2, 0.1)
    wait_until(lambda: t.mn1.link_up("eth0"), 3, "the link", every=0)
    solicit()
    wait_until(lambda: len(at(2)) >= n, 5, "all nodes to be registered", every=0)
    took = time.monotonic() - began
    fho.quiet(t)
    fate = f.finish()
    c = counters(t, "mag2")
    report(record_property, all=fate, triggers_ms=round(1000 * asked),
           from_first_trigger_to_last_registration_ms=round(1000 * took),
           kept=c["buffer", "kept"])
    assert not fate.lost and not fate.doubled, fate
    assert took < 1.0 * PATIENCE
    assert c["handover", "arrived"] >= n and c["buffer", "kept"] == c["buffer", "handed_on"]
    control.close()
