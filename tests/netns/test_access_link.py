# SPDX-License-Identifier: GPL-2.0-or-later
"""What a malicious node on an access link can make of the frames that the programs leave to the
kernel: the kernel forwards, so whatever is left to it must not be able to leave the link."""

import struct
import time

import pytest

import mh
from ask import binding, counter, settled, to_ap
from conftest import make_topo
from netns import wait_until
from topo import CN, LMAA, ROUTER_MAC, mag_addr

ALL_NODES_MAC = "33:33:00:00:00:01"
BROADCAST = "ff:ff:ff:ff:ff:ff"


@pytest.fixture(scope="module")
def t(request, bindir):
    t = make_topo(request, bindir, signalling=None)
    t.start_all()
    for n in t.nodes:
        t.attach(n, 1)
    for n in t.nodes:
        settled(t, n, 1)
    return t


def tagged(dst, src, packet, *tags):
    """An IPv6 frame behind 802.1Q tags (VLAN numbers)."""
    tags = b"".join(struct.pack("!HH", 0x8100, vid) for vid in tags)
    return mh.mac_bytes(dst) + mh.mac_bytes(src) + tags + struct.pack("!H", 0x86dd) + packet


def inject(t, frame, n=10):
    s = t.mn1.packet_socket("eth0")
    for _ in range(n):
        s.send(frame)
    s.close()
    time.sleep(0.3)


def beyond(t, payload, frame):
    """How many of ten such frames leave the MAG towards the network, in a tunnel or not."""
    cap = t.capture("net", "mag1", "ip6")
    inject(t, frame)
    return len([f for _, f in cap.stop().frames() if payload in f])


@pytest.mark.parametrize("tags", [(0,), (0, 0), (0, 0, 0), (0, 5), (5,), (4096,)],
                         ids=["priority", "twice", "thrice", "over-vlan", "vlan", "dei"])
def test_priority_tag_hides_no_spoofed_source(t, tags):
    """A frame of VLAN 0 is an untagged one to the kernel (IEEE 802.1Q), so to us as well."""
    for src in (t.mn2.wait_address(), "2001:db8:dead::1", mag_addr(2)):
        packet = mh.udp(src, CN, 9, 9, b"tagged away")
        assert beyond(t, b"tagged away", tagged(ROUTER_MAC, t.mn1.mac, packet, *tags)) == 0


def test_priority_tagged_packets_of_an_honest_node_take_the_tunnel(t):
    packet = mh.udp(t.mn1.wait_address(), CN, 9, 9, b"tagged and honest")
    cap = t.capture("net", "mag1", f"ip6 proto 41 and src host {mag_addr(1)}")
    inject(t, tagged(ROUTER_MAC, t.mn1.mac, packet, 0))
    assert len([f for _, f in cap.stop().frames() if b"tagged and honest" in f]) == 10


def test_priority_tag_lets_no_node_play_gateway(t):
    """A PBU in another MAG's name must not reach the LMA from an access link."""
    for n in t.nodes:
        to_ap(t, n, 1)
    msg = mh.with_checksum(mag_addr(2), LMAA, mh.pbu(t.mn2.mnid, hi=3, mac=t.mn2.mac))
    packet = mh.ipv6(mag_addr(2), LMAA, mh.MH, msg)
    inject(t, tagged(ROUTER_MAC, t.mn1.mac, packet, 0), 1)
    inject(t, tagged(ROUTER_MAC, t.mn1.mac, packet, 0, 0), 1)
    assert binding(t, t.mn2)["proxy_coa"] == mag_addr(1)


@pytest.mark.parametrize("kind", [130, 131, 132, 133, 134, 135, 136, 137, 143])
def test_messages_of_the_link_do_not_leave_it(t, kind):
    """Neighbour discovery and MLD between addresses of other links: no way around the tunnel."""
    for src in ("2001:db8:dead::1", t.mn2.wait_address()):
        packet = mh.icmp6(src, CN, bytes([kind, 0, 0, 0]) + bytes(20) + b"covert", 64)
        assert beyond(t, b"covert", mh.frame(ROUTER_MAC, t.mn1.mac, packet)) == 0


def received(t):
    return counter(t, "mag1", "received", "inbox")


@pytest.mark.parametrize("how", ["broadcast", "multicast", "priority", "link-local", "own"])
def test_signalling_from_a_node_does_not_reach_the_gateway(t, how):
    """A node cannot speak to the MAG's signalling socket, in whosever name."""
    src = {"link-local": "fe80::ff:fe00:1", "own": t.mn1.wait_address()}.get(how, LMAA)
    to = {"broadcast": BROADCAST, "multicast": ALL_NODES_MAC}.get(how, ROUTER_MAC)
    msg = mh.with_checksum(src, mag_addr(1), mh.message(mh.BA, struct.pack(
        "!BBHH", 152, 0x20, 1, 0), [mh.mn_id(t.mn2.mnid), mh.hnp()]))
    packet = mh.ipv6(src, mag_addr(1), mh.MH, msg)
    before = received(t)
    inject(t, tagged(to, t.mn1.mac, packet, *([0, 0] if how == "priority" else [])))
    assert received(t) == before


def test_the_same_where_only_tc_judges(fresh):
    """Without XDP, which on some devices never sees the tags, TC alone takes them off."""
    t = fresh(signalling=None)
    t.start("lma")
    conf = t.mag_config(1)
    conf["mag"]["access"][0]["hook"] = "tc"
    t.start("mag1", conf)
    for n in t.nodes:
        t.attach(n, 1)
    for n in t.nodes:
        settled(t, n, 1)
    test_priority_tagged_packets_of_an_honest_node_take_the_tunnel(t)
    for tags in ((), (0,), (0, 0), (0, 0, 0)):
        test_priority_tag_hides_no_spoofed_source(t, tags)
    for how in ("broadcast", "priority"):
        test_signalling_from_a_node_does_not_reach_the_gateway(t, how)


def test_a_thousand_invented_nodes(fresh):
    """One node solicits from ever new addresses: a bounded number of bindings comes of it, the
    others stay served, and what never answers goes again."""
    t = fresh(signalling=None)
    conf = t.lma_config(lma={"min-delay-before-bce-delete": 1000})
    t.start("lma", conf)
    t.start("mag1")
    for n in t.nodes:
        t.attach(n, 1)
    for n in t.nodes:
        settled(t, n, 1)
    s = t.mn1.packet_socket("eth0")
    began = time.monotonic()
    for i in range(20000):
        mac = bytes([2, 0x66, 0, 0, i >> 8, i & 255]).hex(":")
        s.send(mh.frame("33:33:00:00:00:02", mac, mh.icmp6(
            f"fe80::66:{i:x}", "ff02::2", bytes([133, 0, 0, 0, 0, 0, 0, 0]))))
    took = time.monotonic() - began
    assert counter(t, "mag1", "attach_rate_limited", "access") > 0
    lma = t.daemons["lma"]
    # a burst of two seconds' worth, then 100 a second
    assert len(lma.ctl("bindings")) < 2 + 200 + 100 * (took + 3)
    assert t.mn2.ping(CN, 3, 0.1) == 3
    wait_until(lambda: {b["mn_id"] for b in lma.ctl("bindings")} == {n.mnid for n in t.nodes}, 30,
               "the invented nodes to be gone")
    assert all(n.ping(CN, 3, 0.1) == 3 for n in t.nodes)
