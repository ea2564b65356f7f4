# SPDX-License-Identifier: GPL-2.0-or-later
"""Fast handover between two MAGs under traffic (RFC 5949).

Predictive: somebody says where the node goes before its link is cut. From then on its packets go to
the new MAG, which keeps them until the node is there: none is lost, doubled or overtaken. Reactive:
the new MAG asks for the node when it has come; what was sent to its dead link before that is lost.
"""

import time

import pytest

import mh
from ask import counter, to_ap, update_entry, wait_registered
from capture import Flow
from conftest import make_topo
from netns import wait_until
from topo import mag_addr

PPS = 2000
GAP = 0.5
TIMES = 20


def neighbours(t, i, **fho):
    others = [j for j in range(1, t.n_mags + 1) if j != i]
    return {"mag": {"neighbours": [{"name": f"mag{j}", "address": mag_addr(j),
                                    "ap-ids": [f"ap{j}"]} for j in others],
                    "fast-handover": fho or {}}}


@pytest.fixture(scope="module")
def fast(request, bindir):
    # tshark does not know all of these messages' fields; the anchor sees none of them
    t = make_topo(request, bindir, mags=2, nodes=2)
    t.start("lma")
    for i in (1, 2):
        t.start(f"mag{i}", t.mag_config(i, **neighbours(t, i)))
    return t


def overtaken(flow):
    """Numbers that came after a greater one."""
    at = sorted((when, n) for n, when in flow.got.items())
    most, late = -1, []
    for _, n in at:
        if n < most:
            late.append(n)
        most = max(most, n)
    return late


def quiet(t):
    """No handover is in progress any more."""
    for i in (1, 2):
        wait_until(lambda i=i: all(h["result"] for h in t.daemons[f"mag{i}"].ctl("handovers")), 5,
                   f"handovers at mag{i} to end")


def predictive(t, node, to, gap=GAP):
    """RFC 5949 4.1: the node is told to go (g) when the two MAGs are ready (d, f)."""
    old = node.ap
    t.daemons[f"mag{old}"].ctl("handover", node.mnid, "--to", f"ap{to}")
    wait_until(lambda: update_entry(t, node, old)["state"] == "LEAVING", 1,
               f"mag{old} to forward to mag{to}")
    t.detach(node)
    time.sleep(gap)
    t.attach(node, to)
    wait_registered(t, node, to)


def test_predictive_loses_nothing(fast, record_property):
    node = fast.mn1
    addr = to_ap(fast, node, 1)
    time.sleep(1.2)
    flow = Flow(fast, "cn", "mn1", addr, 6300, PPS)
    for n in range(TIMES):
        time.sleep(0.3)
        predictive(fast, node, 2 - n % 2)
        time.sleep(0.8)
    flow.finish()
    quiet(fast)
    late = overtaken(flow)
    record_property("sent", len(flow.sent))
    record_property("lost", len(flow.lost))
    record_property("overtaken", len(late))
    print(f"sent={len(flow.sent)} lost={len(flow.lost)} overtaken={len(late)} "
          f"doubled={flow.duplicates}")
    assert len(flow.sent) > TIMES * PPS
    assert flow.lost == []
    assert late == []
    assert flow.duplicates == 0
    assert node.wait_address() == addr


def test_reactive_loses_what_was_in_flight(fast, record_property):
    """The new MAG is told where the node came from: what is lost was sent before it asked."""
    node = fast.mn1
    addr = to_ap(fast, node, 1)
    quiet(fast)
    time.sleep(1.2)
    flow = Flow(fast, "cn", "mn1", addr, 6301, PPS)
    time.sleep(0.5)
    down = fast.detach(node)
    fast.attach(node, 2)
    fast.daemons["mag2"].ctl("attach", "acc0", node.mac, "--previous-ap", "ap1")
    wait_registered(fast, node, 2)
    time.sleep(0.8)
    flow.finish()
    quiet(fast)
    gap = [flow.sent[n] for n in flow.lost]
    record_property("lost", len(gap))
    print(f"sent={len(flow.sent)} lost={len(gap)}")
    assert all(at >= down - 5e6 for at in gap)
    assert flow.lost == list(range(flow.lost[0], flow.lost[0] + len(gap))) if gap else True
    assert flow.duplicates == 0
    assert node.wait_address() == addr


def test_node_that_returns_keeps_everything(fast):
    node = fast.mn1
    addr = to_ap(fast, node, 1)
    quiet(fast)
    time.sleep(1.2)
    fast.daemons["mag1"].ctl("handover", node.mnid, "--to", "ap2")
    wait_until(lambda: update_entry(fast, node, 1)["state"] == "LEAVING", 1, "mag1 to forward")
    fast.detach(node)
    time.sleep(0.2)
    fast.attach(node, 1)
    fast.daemons["mag1"].ctl("attach", "acc0", node.mac)
    wait_registered(fast, node, 1)
    wait_until(lambda: update_entry(fast, node, 2) is None, 2, "mag2 to forget it")
    quiet(fast)
    assert fast.cn.ping(addr, count=5)
    assert counter(fast, "mag1", "returned", "handover") >= 1


def test_forged_announcement_is_refused(fast):
    """RFC 5949 7: a Handover Initiate of nobody's neighbour changes nothing and is counted."""
    before = counter(fast, "mag2", "ignored_source", "handover")
    entries = fast.daemons["mag2"].ctl("update-list")
    body = mh.message(14, bytes([0, 1, 0x30, 3]),
                      [mh.mn_id("victim@example.com"), mh.hnp("2001:db8:100:77::"),
                       mh.opt(41, b"\1\0" + mh.packed("2001:db8:2::1"))])
    inject = mh.into_mag(fast, 2)
    inject.mh("2001:db8:99::1", mag_addr(2), body)
    wait_until(lambda: counter(fast, "mag2", "ignored_source", "handover") == before + 1, 2,
               "the message to be counted")
    assert [e["mn_id"] for e in fast.daemons["mag2"].ctl("update-list")] == \
        [e["mn_id"] for e in entries]
    inject.close()
