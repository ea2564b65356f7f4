# SPDX-License-Identifier: GPL-2.0-or-later
"""A node moves between MAGs while packets flow.

How much may be lost when the old link breaks before the new one is made? A packet towards the node
that is sent while the link is down, or before the new MAG has the LMA's answer, has nowhere to go.
So at R packets per second, with the times of one clock

    down      the node's link goes down
    shown     the new MAG hears the node for the first time (trigger)
    pba       the LMA's Proxy Binding Acknowledgement arrives at the new MAG

at most R * (pba - down) + MARGIN packets are lost, where the part that is ours is pba - shown: the
trigger's way through the MAG and one PBU/PBA round trip. MARGIN covers what the scheduler of a
busy machine does to a sender: packets that were due earlier leave together.
"""

import json
import statistics
import time

import pytest

import mh
from ask import binding, counter, forget, settled, to_ap, update_entry, wait_registered
from capture import Flow, eth, mobility_headers
from netns import wait_until
from topo import CN, mag_addr

PPS = 1000
MARGIN = 5          # packets
# ns from the node's first sound to the PBA at the MAG: no retransmission was needed, whatever else
# the machine did. What is usual is in test_pbu_to_pba_at_the_lma_is_below_a_millisecond.
OUR_PART = 500e6


class Watch:
    """Hears what happens at a MAG: the node's first frame, PBU and PBA."""

    def __init__(self, t, mag, node):
        self.node = node
        self.acc = t.capture(f"mag{mag}", "acc0", f"ether src {node.mac}")
        self.net = t.capture(f"mag{mag}", "net0", "ip6 proto 135")

    def times(self, after):
        """(shown, pbu, pba) of the first exchange after that moment."""
        self.acc.stop()
        self.net.stop()
        shown = min(at for at, _ in self.acc.frames() if at >= after)
        msgs = [m for m in mobility_headers(self.net.frames()) if m[0] >= after]
        pbu = min(m[0] for m in msgs if m[3] == mh.BU)
        pba = min(m[0] for m in msgs if m[3] == mh.BA and m[0] > pbu)
        return shown, pbu, pba


def report(record_property, **values):
    for k, v in values.items():
        record_property(k, v)
    print(", ".join(f"{k}={v}" for k, v in values.items()))


@pytest.mark.parametrize("gap", [0.0, 0.2], ids=["no-gap", "gap-200ms"])
@pytest.mark.parametrize("direction", ["down", "up"])
def test_break_before_make_loses_gap_and_round_trip(domain, record_property, direction, gap):
    node = domain.mn1
    addr = to_ap(domain, node, 1)
    forget(domain, node, 2)
    watch = Watch(domain, 2, node)
    flow = Flow(domain, "cn", "mn1", addr, 6100, PPS) if direction == "down" else \
        Flow(domain, "mn1", "cn", CN, 6101, PPS)
    time.sleep(1.2)  # longer than MAX_UPDATE_RATE remembers
    down, up = domain.move(node, 2, gap)
    wait_registered(domain, node, 2)
    time.sleep(0.7)
    flow.finish()
    shown, pbu, pba = watch.times(down)
    allowed = PPS * (pba - down) / 1e9 + MARGIN
    ours = (pba - shown) / 1e6
    report(record_property, direction=direction, lost=len(flow.lost), allowed=round(allowed),
           gap_ms=(up - down) / 1e6, link_up_to_shown_ms=(shown - up) / 1e6,
           shown_to_pbu_ms=(pbu - shown) / 1e6, pbu_to_pba_ms=(pba - pbu) / 1e6)
    assert len(flow.sent) > 1300
    assert len(flow.lost) <= allowed
    assert ours < OUR_PART / 1e6, f"trigger and PBU/PBA took {ours:.1f} ms"
    assert flow.duplicates == 0
    # What was lost is one hole, where the link was: nothing before, nothing after.
    late = pba + 50e6
    assert [n for n in flow.lost if flow.sent[n] < down - 5e6 or flow.sent[n] > late] == []
    assert node.wait_address() == addr


@pytest.mark.parametrize("reverse", [False, True], ids=["upload", "download"])
def test_tcp_connection_lives_through_handovers(domain, reverse):
    node = domain.mn1
    addr = to_ap(domain, node, 1)
    server = domain.cn.popen("iperf3", "-s", "-1", "-p", 5302)
    wait_until(lambda: ":5302" in domain.cn.run("ss", "-ltn").stdout, 5, "the iperf3 server")
    out = domain.dir / "iperf3.json"
    client = node.popen("iperf3", "-6", "-c", CN, "-p", 5302, "-t", 6, "-i", 0.5, "-J",
                        "-b", "100M", "--logfile", out, *(["-R"] if reverse else []))
    time.sleep(1.5)
    for ap in (2, 1, 2):
        domain.move(node, ap, 0.05)
        wait_registered(domain, node, ap)
        time.sleep(0.7)
    assert client.wait(20) == 0
    server.wait(5)
    result = json.loads(out.read_text())
    out.unlink()
    assert "error" not in result
    assert len(result["start"]["connected"]) == 1, "one connection, never made anew"
    # The last second is long after the last move: data flows again, how fast is the machine's matter.
    tail = [i["sum"]["bits_per_second"] for i in result["intervals"][-2:]]
    assert min(tail) > 5e6, f"bit/s at the end: {tail}"
    assert node.wait_address() == addr


def test_ping_survives_twenty_handovers(domain):
    node = domain.mn1
    addr = to_ap(domain, node, 1)
    prefixes = binding(domain, node)["prefixes"]
    before = binding(domain, node)["handovers"]
    for i in range(20):
        to_ap(domain, node, 2 - i % 2)
    assert binding(domain, node)["handovers"] == before + 20
    assert binding(domain, node)["prefixes"] == prefixes
    assert node.wait_address() == addr
    assert node.ping(CN, 3, 0.1) == 3


def test_pbu_to_pba_at_the_lma_is_below_a_millisecond(domain, record_property):
    """The median over 60 handovers, seen on the LMA's own interface."""
    for node in domain.nodes:
        to_ap(domain, node, 1)
    cap = domain.capture("lma", "net0", "ip6 proto 135")
    for i in range(30):
        ap = 2 - i % 2
        for node in domain.nodes:
            domain.move(node, ap)
        for node in domain.nodes:
            wait_registered(domain, node, ap)
    cap.stop()
    asked, took = {}, []
    for at, src, dst, kind, body in mobility_headers(cap.frames()):
        seq = int.from_bytes(body[6:8] if kind == mh.BU else body[8:10], "big")
        if kind == mh.BU and int.from_bytes(body[10:12], "big"):  # not a de-registration
            asked[src, seq] = at
        elif kind == mh.BA and (dst, seq) in asked:
            took.append((at - asked.pop((dst, seq))) / 1e6)
    assert len(took) >= 50
    report(record_property, exchanges=len(took), median_ms=statistics.median(took),
           max_ms=max(took))
    assert statistics.median(took) < 1.0


def test_old_mag_forgets_the_node(domain):
    """What mag1 still believes after the move ends there; it must not end the new binding."""
    node = domain.mn1
    to_ap(domain, node, 1)
    to_ap(domain, node, 2)
    wait_until(lambda: update_entry(domain, node, 1) is None, 15, "mag1 to notice")
    assert binding(domain, node)["proxy_coa"] == mag_addr(2)
    assert node.ping(CN, 3, 0.1) == 3


def test_what_the_old_mag_repeats_takes_nothing_back(domain):
    """Its refresh is not answered at first, and is repeated with a new timestamp when the node is
    elsewhere."""
    node = domain.mn1
    to_ap(domain, node, 1)
    domain.net.ip(f"route add blackhole {mag_addr(1)}/128")  # answers are lost, requests are not
    try:
        before = counter(domain, "lma", "overtaken")
        domain.daemons["mag1"].ctl("attach", "acc0", node.mac)
        wait_until(lambda: update_entry(domain, node, 1)["state"] == "REFRESHING", 5, "a refresh")
        to_ap(domain, node, 2)
        wait_until(lambda: counter(domain, "lma", "overtaken") > before, 20, "the repetition")
        assert binding(domain, node)["proxy_coa"] == mag_addr(2)
        assert node.ping(CN, 3, 0.1) == 3
    finally:
        domain.net.ip(f"route del blackhole {mag_addr(1)}/128")
    wait_until(lambda: update_entry(domain, node, 1) is None, 15, "mag1 to notice")
    assert binding(domain, node)["proxy_coa"] == mag_addr(2)
    assert node.ping(CN, 3, 0.1) == 3


# ---- make before break ------------------------------------------------------------------------


def tunnelled_to(capture, addr):
    """Times of packets for that home address in a capture, in or out of a tunnel."""
    want, out = mh.packed(addr), []
    for at, f in capture.frames():
        _, _, kind, p = eth(f)
        if kind == 0x86dd and (p[24:40] == want or (p[6] == mh.IPV6 and p[64:80] == want)):
            out.append(at)
    return out


@pytest.mark.parametrize("trigger", ["pmipctl", "router-solicitation"])
def test_make_before_break_loses_nothing(fresh, record_property, trigger):
    """Both links are up while the LMA flips: every packet of 1000 per second arrives, once, and
    none appears at a MAG that does not serve the node: mag3 ever, mag2 before it registered it.
    What the LMA sends into the new tunnel before its acknowledgement has reached mag2 and is read
    there may be lost, nothing else: RFC 5213 gives mag2 no way to know the prefix sooner."""
    t = fresh(mags=3, nodes=1, dual=True)
    t.start_all()
    node = t.mn1
    t.attach(node, 1, "r1")
    addr = settled(t, node, 1)
    # Frames that XDP sends are not seen where they leave, only where they arrive.
    access = [t.capture("radio", f"ap{i}-up", "udp", direction="in") for i in (1, 2, 3)]
    flip = t.capture("lma", "net0", "ip6 proto 135")
    flow = Flow(t, "cn", "mn1", addr, 6200, PPS)
    time.sleep(1)
    t.attach(node, 2, "r2")
    time.sleep(0.3)
    # The bridge of the node has learned nothing on r2 yet; whoever controls the radio triggers.
    if update_entry(t, node, 2) is None:
        if trigger == "pmipctl":
            t.daemons["mag2"].ctl("attach", "acc0", node.mac)
        else:
            ll = "fe80::ff:fe00:1"
            body = bytes([133, 0, 0, 0, 0, 0, 0, 0, 1, 1]) + mh.mac_bytes(node.mac)
            node.packet_socket("r2").send(mh.frame("33:33:00:00:00:02", node.mac,
                                                   mh.icmp6(ll, "ff02::2", body)))
    wait_registered(t, node, 2)
    time.sleep(0.5)
    t.detach(node, "r1")
    time.sleep(1)
    flow.finish()
    for c in access + [flip]:
        c.stop()
    msgs = mobility_headers(flip.frames())
    flipped = min(at for at, src, _, kind, _ in msgs if kind == mh.BU and src == mag_addr(2))
    at_mag = [tunnelled_to(c, addr) for c in access]
    report(record_property, sent=len(flow.sent), lost=len(flow.lost),
           per_mag=[len(x) for x in at_mag])
    assert len(flow.sent) > 2500
    assert flow.duplicates == 0
    assert at_mag[2] == [], "mag3 never served the node"
    assert at_mag[1] and min(at_mag[1]) > flipped, "mag2 served it from its registration on"
    assert at_mag[0] and max(at_mag[0]) < flipped + 20e6, "mag1 got what was under way, no more"
    assert flow.lost == [], "lost although both links were there"
    assert sum(map(len, at_mag)) <= len(flow.got)
    # and the way up goes through the new MAG
    assert node.ping(CN, 5, 0.1) == 5


def test_two_nodes_swap_places(domain):
    """Both move at once, in opposite directions, under traffic; sessions do not get mixed up."""
    a, b = domain.nodes
    addr_a, addr_b = to_ap(domain, a, 1), to_ap(domain, b, 2)
    flows = [Flow(domain, "cn", "mn1", addr_a, 6301, 500),
             Flow(domain, "cn", "mn2", addr_b, 6302, 500)]
    for i in range(6):
        domain.move(a, 2 - i % 2)
        domain.move(b, 1 + i % 2)
        wait_registered(domain, a, 2 - i % 2)
        wait_registered(domain, b, 1 + i % 2)
    time.sleep(0.5)
    mark = time.monotonic_ns()
    time.sleep(0.5)
    for f in flows:
        f.finish()
        assert [n for n in f.lost if f.sent[n] > mark] == []
    assert (a.wait_address(), b.wait_address()) == (addr_a, addr_b)
