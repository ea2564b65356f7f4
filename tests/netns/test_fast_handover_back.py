# SPDX-License-Identifier: GPL-2.0-or-later
"""Fast handover (RFC 5949) where the MAGs disagree about a node, and what they tell each other of it.

Nothing tells a MAG here that a node has left: it asks for none by itself, and the LMA revokes
nothing. So a node that moves without a handover is still believed to be where it was.
"""

import ipaddress
import struct
import time

import pytest

import capture
import fho
import mh
from ask import binding, counter, registered, to_ap, update_entry, wait_gone, wait_registered
from conftest import make_topo
from flow import End, Fate
from netns import wait_until
from topo import CN, LMAA, ROUTER_LL, ROUTER_MAC, mag_addr

PPS = 2000
GAP = 0.5           # s
LEAVE = 0.4         # s
HI = 14
MAG = {"fast-handover": {"settle-time": 300, "forwarding-time": 3000,
                         "leave-time": round(LEAVE * 1000), "hi-timeout": 50},
       "access": [{"name": "acc0", "type": "shared", "access-technology-type": "ieee-802.11",
                   "probe-interval": 0}]}


@pytest.fixture(scope="module")
def deaf(request, bindir):
    t = make_topo(request, bindir, nodes=1)
    t.start("lma", t.lma_config(lma={"binding-revocation": False}), wait=False)
    for i in (1, 2):
        t.start(f"mag{i}", fho.conf(t, i, mag=MAG), wait=False)
    for d in t.daemons.values():
        d.wait_ready()
    t.mn1.ip(f"neigh replace {ROUTER_LL} lladdr {ROUTER_MAC} dev eth0 nud permanent")
    return t


def link_local(node):
    own, = [a["local"] for link in
            node.ip_json("-6", "addr", "show", "dev", node.ifname, "scope", "link")
            for a in link.get("addr_info", []) if "local" in a]
    return own


def options(body):
    """Of a Handover Initiate or Acknowledge: (type, data) in order, padding left out."""
    out, at = [], 10
    while at < len(body):
        if body[at] == 0:
            at += 1
            continue
        if body[at] != 1:
            out.append((body[at], body[at + 2:at + 2 + body[at + 1]]))
        at += 2 + body[at + 1]
    return out


def believed(t, node, mag):
    """The node was there long ago, and that MAG has not noticed that it went."""
    time.sleep(LEAVE)
    assert update_entry(t, node, mag)["state"] == "ACTIVE"


def test_node_comes_back_where_nobody_saw_it_leave(deaf, record_property):
    """It moves on without a handover, and back with one: its packets wait for it, none is lost."""
    t, node = deaf, deaf.mn1
    addr = to_ap(t, node, 1)
    to_ap(t, node, 2)
    believed(t, node, 1)
    unnoticed = counter(t, "mag1", "left_unnoticed", "handover")
    wire = t.capture("net", "mag1", "ip6 proto 135", direction="out")
    rx = End(node, addr, CN, 0)
    tx = End(t.cn, CN, addr, PPS)
    rx.ask("go")
    tx.ask("go")
    fate, took = fho.hand_over(t, node, 1, GAP)
    fho.quiet(t)
    sent = tx.ask("stop")
    tx.ask("wait 0")
    down = Fate(sent, rx.ask(f"wait {sent['sent'] - sent['refused']}"))
    wire.stop()
    record_property("down", down)
    print(f"down={down}, kept={fate['kept']}, drained after {took:.0f} ms")
    assert counter(t, "mag1", "left_unnoticed", "handover") == unnoticed + 1
    assert down.whole(), down
    assert fate["kept"] >= GAP * PPS * 0.9
    assert fho.results(t, 1, node)[0] == fho.results(t, 2, node)[0] == "completed"
    assert registered(t, node, 1)
    wait_gone(t, node, 2)
    assert node.wait_address() == addr
    # what the old MAG told of it: under which link-local address the node was heard
    told = [dict(options(body)) for _, src, dst, kind, body
            in capture.mobility_headers(wire.frames())
            if (kind, src, dst) == (HI, mag_addr(2), mag_addr(1))]
    own = ipaddress.IPv6Address(link_local(node)).packed
    assert told and told[0][42] == b"\0\0" + own[8:]


def test_node_that_was_there_all_the_time(deaf):
    """The other MAG is mistaken: the node is asked for, and its answer is its arrival."""
    t, node = deaf, deaf.mn1
    to_ap(t, node, 1)
    believed(t, node, 1)
    unnoticed = counter(t, "mag1", "left_unnoticed", "handover")
    t.daemons["mag2"].ctl("attach", "acc0", node.mac)
    wait_registered(t, node, 2)
    t.daemons["mag2"].ctl("handover", node.mnid, "--to", "ap1")
    wait_registered(t, node, 1)
    assert counter(t, "mag1", "left_unnoticed", "handover") == unnoticed + 1
    assert node.ping(CN, 3, 0.05) == 3
    fho.quiet(t)
    assert fho.results(t, 1, node)[0] == "completed"
    assert registered(t, node, 1)
    wait_gone(t, node, 2)
    assert node.ping(CN)


def test_node_sends_on_its_old_link_until_it_leaves(deaf):
    """Its packets go to the new MAG already; what it sends, at 2000 packets a second, arrives."""
    t, node = deaf, deaf.mn1
    addr = to_ap(t, node, 1)
    wait_gone(t, node, 2)
    rx = End(t.cn, CN, addr, 0)
    tx = End(node, addr, CN, PPS)
    rx.ask("go")
    tx.ask("go")
    fho.announce(t, node, 2)
    before = tx.ask("show")["sent"]
    wait_until(lambda: tx.ask("show")["sent"] - before >= PPS // 2, 3, "it to send")
    sent = tx.ask("stop")
    up = Fate(sent, rx.ask(f"wait {sent['sent'] - sent['refused']}"))
    assert [h["state"] for h in fho.handovers(t, 1)] == ["FORWARDING"]
    assert up.whole(), up
    t.move(node, 2)
    wait_registered(t, node, 2)
    fho.quiet(t)
    assert node.ping(CN, 3, 0.05) == 3


def test_vendor_options_go_along(deaf):
    """RFC 5094: told by one MAG, kept by the next with the session, and told to the one after."""
    t, node = deaf, deaf.mn1
    to_ap(t, node, 1)
    prefix = binding(t, node)["prefixes"][0].split("/")[0]
    into = mh.into_mag(t, 2)
    into.mh(mag_addr(1), mag_addr(2), mh.message(HI, struct.pack("!HBB", 700, 0x30, 3), [
        mh.mn_id(node.mnid), mh.hnp(prefix), (41, b"\1\0" + mh.packed(LMAA)), mh.llid(node.mac),
        (19, struct.pack("!IB", 31353, 7) + b"\xca\xfe")]))
    into.close()
    want = [{"vendor_id": 31353, "sub_type": 7, "data": "cafe"}]
    wait_until(lambda: update_entry(t, node, 2), 3, "mag2 to expect it")
    assert update_entry(t, node, 2)["vendor_options"] == want
    assert update_entry(t, node, 1)["vendor_options"] == []
    t.move(node, 2)
    wait_registered(t, node, 2)
    assert update_entry(t, node, 2)["vendor_options"] == want
    fho.quiet(t)
    t.daemons["mag1"].ctl("detach", node.mnid)
    wait_gone(t, node, 1)
    fho.announce(t, node, 1)
    assert update_entry(t, node, 1)["vendor_options"] == want
    t.move(node, 1)
    wait_registered(t, node, 1)
    fho.quiet(t)
    assert update_entry(t, node, 1)["vendor_options"] == want
