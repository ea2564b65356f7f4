# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything from the network is hostile: packets that must be dropped, messages that must change
nothing, each counted under its own name."""

import random
import struct
import time

import pytest

import mh
from ask import binding, counter, counters, drops, grown, settled, to_ap, update_entry
from capture import eth, ip6, mobility_headers
from conftest import make_topo
from netns import wait_until
from topo import CN, LMAA, ROUTER_MAC, mag_addr

STRANGER = "2001:db8:13::66"
RNG_SEED = 20080801


@pytest.fixture(scope="module")
def t(request, bindir):
    """Only what the daemon sends is held against it: the rest of the signalling is ours, and bad;
    and answers repeat odd identifiers."""
    t = make_topo(request, bindir, signalling=f"ip6 proto 135 and src host {LMAA}", strict=False)
    t.start_all()
    t.start("lma", t.lma_config(lma={"min-delay-before-bce-delete": 3000}))
    for n in t.nodes:
        t.attach(n, 1)
    for n in t.nodes:
        settled(t, n, 1)
    # the router shall know a way to the stranger, so that answers to it are seen
    t.net.ip("route add 2001:db8:13::/64 dev mag2")
    t.to_lma = mh.into_lma(t)
    t.to_mag = mh.into_mag(t, 1)
    return t


def bindings(t):
    """What a message must not change."""
    keep = ("mn_id", "prefixes", "proxy_coa", "state", "handovers", "att")
    return sorted(tuple(str(b[k]) for k in keep) for b in t.daemons["lma"].ctl("bindings"))


@pytest.fixture
def unchanged(t):
    """After the test all daemons live, every binding is what it was, and packets flow."""
    pids = {n: d.proc.pid for n, d in t.daemons.items()}
    for n in t.nodes:
        to_ap(t, n, 1)
    before = bindings(t)
    yield
    assert {n: d.proc.pid for n, d in t.daemons.items()} == pids
    assert all(d.alive() for d in t.daemons.values())
    assert bindings(t) == before
    assert t.mn1.ping(CN, 3, 0.1) == 3


def rose(t, daemon, before, *names, at_least=1, timeout=3):
    """Waits until one of the named counters rose; fails with what rose instead."""
    def check():
        got = grown(before, counters(t, daemon))
        return any(v >= at_least for (_, name), v in got.items() if name in names)
    try:
        wait_until(check, timeout, "a counter")
    except Exception:
        pytest.fail(f"none of {names} rose by {at_least} on {daemon}; what did: "
                    f"{grown(before, counters(t, daemon))}")


# ---- packets ----------------------------------------------------------------------------------


def at_cn(t, payload, send, arrives=0, daemon="mag1", reason=None, n=20):
    """Sends n packets and says how many reached the correspondent; the drop must be counted."""
    cap = t.capture("cn", "eth0", "udp")
    before = drops(t, daemon)
    for _ in range(n):
        send()
    if reason:
        wait_until(lambda: drops(t, daemon)[reason] - before[reason] >= n, 3,
                   f"{n} drops for {reason} on {daemon}, got "
                   f"{grown(before, drops(t, daemon))}")
    else:
        time.sleep(0.3)
    got = [f for _, f in cap.stop().frames() if payload in f]
    assert len(got) == arrives
    if reason:
        assert drops(t, daemon)[reason] - before[reason] == n


def from_node(t, node, src, payload, mac=None, dst=CN):
    s = node.packet_socket("eth0")
    f = mh.frame(ROUTER_MAC, mac or node.mac, mh.udp(src, dst, 9, 9, payload))
    return lambda: s.send(f)


def test_raw_packets_from_the_node_arrive_when_honest(t, unchanged):
    """The control: the same injection with the node's own address goes through."""
    at_cn(t, b"honest packet", from_node(t, t.mn1, t.mn1.wait_address(), b"honest packet"),
          arrives=20)


def test_source_of_another_node_is_dropped(t, unchanged):
    at_cn(t, b"stolen prefix", from_node(t, t.mn1, t.mn2.wait_address(), b"stolen prefix"),
          reason="spoofed_source")


def test_source_of_nobody_is_dropped(t, unchanged):
    """A home prefix that no node has, and an address from elsewhere."""
    at_cn(t, b"free prefix", from_node(t, t.mn1, "2001:db8:10f:ffff::1", b"free prefix"))
    at_cn(t, b"foreign", from_node(t, t.mn1, "2001:db8:dead::1", b"foreign"))
    at_cn(t, b"infrastructure", from_node(t, t.mn1, mag_addr(1), b"infrastructure"))


def test_source_prefix_with_the_wrong_mac_is_dropped(t, unchanged):
    addr = t.mn1.wait_address()
    at_cn(t, b"wrong mac", from_node(t, t.mn1, addr, b"wrong mac", mac=t.mn2.mac),
          reason="spoofed_source")
    at_cn(t, b"unknown mac", from_node(t, t.mn1, addr, b"unknown mac", mac="02:00:00:00:77:77"))
    assert t.mn2.ping(CN) == 1  # or the access point goes on believing that mn2 is where mn1 is


def test_multicast_and_link_local_stay_on_the_link(t, unchanged):
    at_cn(t, b"link local", from_node(t, t.mn1, "fe80::ff:fe00:1", b"link local"))
    at_cn(t, b"to multicast", from_node(t, t.mn1, t.mn1.wait_address(), b"to multicast",
                                        dst="ff0e::1234"))


def tunnelled(outer_src, outer_dst, inner):
    return mh.ipv6(outer_src, outer_dst, mh.IPV6, inner)


def test_tunnel_packet_with_the_right_addresses_passes(t, unchanged):
    """The control for the forgeries below."""
    inner = mh.udp(t.mn1.wait_address(), CN, 9, 9, b"tunnel control")
    at_cn(t, b"tunnel control", lambda: t.to_lma.packet(tunnelled(mag_addr(1), LMAA, inner)),
          arrives=20, daemon="lma")


@pytest.mark.parametrize("source", [STRANGER, mag_addr(2), "2001:db8:2::fe"],
                         ids=["stranger", "other-mag", "router"])
def test_forged_tunnel_packet_to_the_lma(t, unchanged, source):
    inner = mh.udp(t.mn1.wait_address(), CN, 9, 9, b"forged up")
    at_cn(t, b"forged up", lambda: t.to_lma.packet(tunnelled(source, LMAA, inner)),
          daemon="lma", reason="outer_source")


def test_tunnel_packet_for_a_node_without_session(t, unchanged):
    inner = mh.udp("2001:db8:10f:ffff::1", CN, 9, 9, b"nobody's")
    at_cn(t, b"nobody's", lambda: t.to_lma.packet(tunnelled(mag_addr(1), LMAA, inner)),
          daemon="lma", reason="no_session")


def test_forged_tunnel_packet_to_the_mag(t, unchanged):
    addr = t.mn1.wait_address()
    cap = t.capture("mn1", "eth0", "udp")
    before = drops(t, "mag1")
    inner = mh.udp(CN, addr, 9, 9, b"forged down")
    t.to_mag.packet(tunnelled(LMAA, mag_addr(1), mh.udp(CN, addr, 9, 9, b"control down")))
    for _ in range(20):
        t.to_mag.packet(tunnelled(STRANGER, mag_addr(1), inner))
    wait_until(lambda: drops(t, "mag1")["outer_source"] - before["outer_source"] == 20, 3,
               "20 drops for outer_source")
    got = [f for _, f in cap.stop().frames()]
    assert not [f for f in got if b"forged down" in f]
    assert [f for f in got if b"control down" in f]


def test_truncated_inner_packets(t, unchanged):
    inner = mh.udp(t.mn1.wait_address(), CN, 9, 9, b"truncated")
    before = drops(t, "lma")
    for n in range(0, 40):
        t.to_lma.packet(tunnelled(mag_addr(1), LMAA, inner[:n]))
    wait_until(lambda: drops(t, "lma")["malformed"] - before["malformed"] >= 40, 3,
               "malformed tunnel packets to be counted")


def test_tunnel_in_tunnel_from_the_node_gains_nothing(t, unchanged):
    """A node sends a ready-made tunnel packet to the LMA in another node's name."""
    inner = mh.udp(t.mn2.wait_address(), CN, 9, 9, b"smuggled")
    outer = tunnelled(t.mn1.wait_address(), LMAA, inner)
    s = t.mn1.packet_socket("eth0")
    f = mh.frame(ROUTER_MAC, t.mn1.mac, outer)
    at_cn(t, b"smuggled", lambda: s.send(f))


def test_signalling_from_a_node_changes_nothing(t, unchanged):
    """A node may not play MAG: neither with its own address nor with a stolen one."""
    s = t.mn1.packet_socket("eth0")
    for src in (t.mn1.wait_address(), mag_addr(1), mag_addr(2)):
        msg = mh.with_checksum(src, LMAA, mh.pbu(t.mn2.mnid, hi=3, mac=t.mn2.mac))
        s.send(mh.frame(ROUTER_MAC, t.mn1.mac, mh.ipv6(src, LMAA, mh.MH, msg)))
    time.sleep(0.3)


# ---- signalling -------------------------------------------------------------------------------


def answers(t, seconds=0.3):
    """What the LMA has sent so far."""
    time.sleep(seconds)
    return mobility_headers(t.signalling.frames())


def test_unauthorised_mag_is_refused(t, unchanged):
    before = counters(t, "lma")
    t.to_lma.mh(STRANGER, LMAA, mh.pbu("victim@example.com"))
    t.to_lma.mh(STRANGER, LMAA, mh.pbu(t.mn1.mnid, hi=3, mac=t.mn1.mac))
    t.to_lma.mh(STRANGER, LMAA, mh.pbu(t.mn1.mnid, hi=4, mac=t.mn1.mac, lifetime=0))
    rose(t, "lma", before, "ignored_unknown_mag", "pba_mag_not_authorized", at_least=3)
    assert t.daemons["lma"].ctl("bindings", "victim@example.com") == []


def genuine(t, node, mag=1):
    """The PBU by which that node was registered, as it was on the wire."""
    cap = t.capture("lma", "net0", f"ip6 proto 135 and src host {mag_addr(mag)}")
    t.daemons[f"mag{mag}"].ctl("detach", node.mnid)
    wait_until(lambda: update_entry(t, node, mag) is None, 5, "the detach")
    t.daemons[f"mag{mag}"].ctl("attach", "acc0", node.mac)
    settled(t, node, mag)
    msgs = mobility_headers(cap.stop().frames())
    return [b for _, _, _, kind, b in msgs if kind == mh.BU and int.from_bytes(b[10:12], "big")][-1]


def test_replayed_registration_does_not_move_the_node_back(t):
    old = genuine(t, t.mn2)
    to_ap(t, t.mn2, 2)
    before = counters(t, "lma")
    for _ in range(5):
        t.to_lma.mh(mag_addr(1), LMAA, old, fix=False)
    rose(t, "lma", before, "pba_timestamp_lower", "pba_timestamp_mismatch", at_least=5)
    assert binding(t, t.mn2)["proxy_coa"] == mag_addr(2)
    assert t.mn2.ping(CN, 3, 0.1) == 3
    to_ap(t, t.mn2, 1)


def kernel_filters():
    """A kernel with Mobile IPv6 of its own discards what is shorter than its Header Len says."""
    with open("/proc/kallsyms") as f:
        return any("mip6_mh_filter" in line for line in f)


def test_truncated_at_every_length(t, unchanged):
    msg = mh.with_checksum(mag_addr(1), LMAA, genuine(t, t.mn1))
    before = counters(t, "lma")
    for n in range(len(msg)):
        t.to_lma.mh(mag_addr(1), LMAA, msg[:n], fix=False)
    if not kernel_filters():
        rose(t, "lma", before, "truncated", "too_short", "bad_checksum", at_least=10)
    before = counters(t, "lma")
    for n in range(8, len(msg)):
        t.to_lma.mh(STRANGER, LMAA, msg[:n])
    if not kernel_filters():
        rose(t, "lma", before, "truncated", at_least=10)


def test_mutated_at_every_octet(t, unchanged):
    """With the old checksum each is discarded; with a right one from a stranger each is refused."""
    rng = random.Random(RNG_SEED)
    msg = mh.with_checksum(mag_addr(1), LMAA, genuine(t, t.mn1))
    before = counters(t, "lma")
    for i in range(len(msg)):
        bad = bytearray(msg)
        bad[i] ^= rng.randrange(1, 256)
        t.to_lma.mh(mag_addr(1), LMAA, bytes(bad), fix=False)
    rose(t, "lma", before, "bad_checksum", at_least=len(msg) - 16)
    for i in range(len(msg)):
        bad = bytearray(msg)
        bad[i] ^= rng.randrange(1, 256)
        t.to_lma.mh(STRANGER, LMAA, bytes(bad))
    time.sleep(0.2)


def test_bad_checksum(t, unchanged):
    before = counters(t, "lma")
    msg = bytearray(mh.with_checksum(mag_addr(2), LMAA, mh.pbu(t.mn1.mnid, hi=3, mac=t.mn1.mac)))
    msg[4] ^= 0x55
    for _ in range(5):
        t.to_lma.mh(mag_addr(2), LMAA, bytes(msg), fix=False)
    rose(t, "lma", before, "bad_checksum", at_least=5)


def test_wrong_payload_proto_is_answered_with_a_parameter_problem(t, unchanged):
    """RFC 6275 9.2: ICMPv6 Parameter Problem code 0, pointing at Payload Proto."""
    cap = t.capture("net", "lma0", "icmp6 and ip6[40] == 4")
    msg = mh.pbu(t.mn1.mnid, hi=3, mac=t.mn1.mac)
    t.to_lma.mh(mag_addr(2), LMAA, b"\x06" + msg[1:])
    got = wait_until(lambda: cap.frames(), 3, "a Parameter Problem")
    cap.stop()
    src, dst, _, body = ip6(eth(got[0][1])[3])
    assert (src, dst) == (LMAA, mag_addr(2))
    assert body[1] == 0 and struct.unpack_from("!I", body, 4)[0] == 40


def test_unknown_type_is_answered_with_a_binding_error(t, unchanged):
    """RFC 6275 9.2: Binding Error status 2."""
    before = counters(t, "lma")
    t.to_lma.mh(mag_addr(2), LMAA, mh.message(99, bytes(10)))
    rose(t, "lma", before, "unknown_type")
    got = wait_until(lambda: [b for _, _, dst, kind, b in answers(t, 0) if kind == mh.BE
                              and dst == mag_addr(2)], 3, "a Binding Error")
    assert got[-1][6] == 2


def test_short_header_length(t, unchanged):
    before = counters(t, "lma")
    cap = t.capture("net", "lma0", "icmp6 and ip6[40] == 4")
    t.to_lma.mh(mag_addr(2), LMAA, bytes([59, 0, mh.BU, 0, 0, 0, 0, 1]))
    # a kernel with Mobile IPv6 of its own answers before we see the message
    wait_until(lambda: cap.frames(), 3, "a Parameter Problem")
    cap.stop()
    assert grown(before, counters(t, "lma")).get(("inbox", "bad_header_len"), 0) in (0, 1)


@pytest.mark.parametrize("nai", [b"a" * 254, b"a" * 242 + b"@example.com",
                                 b"\0" * 20 + b"@example.com", b"@", b"", b"%n%s@example.com"],
                         ids=["254", "254-realm", "nul", "at", "empty", "format"])
def test_odd_identifiers(t, nai):
    """The longest that fits, and the strangest. What is accepted is shown and deleted again."""
    before = bindings(t)
    t.to_lma.mh(mag_addr(1), LMAA, mh.pbu(nai))
    time.sleep(0.1)
    shown = t.daemons["lma"].ctl("bindings")
    assert len(shown) <= len(before) + 1
    t.daemons["lma"].pmipctl("bindings")
    t.to_lma.mh(mag_addr(1), LMAA, mh.pbu(nai, lifetime=0, seq=2))
    def back():
        now = t.daemons["lma"].ctl("bindings")
        return len([b for b in now if b["state"].lower() == "active"]) == len(before)
    wait_until(back, 3, "the odd node to be gone")
    assert t.daemons["lma"].alive()
    wait_until(lambda: bindings(t) == before, 15, "the lingering binding to be deleted")


def test_identifier_longer_than_an_option(t, unchanged):
    """Length 255 says 254 octets of NAI follow the subtype; here the message ends before."""
    before = counters(t, "lma")
    msg = mh.pbu(None, options=[mh.hnp(), mh.handoff(4), mh.att(), mh.timestamp()])
    grown_msg = msg[:1] + bytes([len(msg) // 8]) + msg[2:] + bytes([8, 255, 1]) + b"a" * 5
    t.to_lma.mh(mag_addr(2), LMAA, grown_msg)
    rose(t, "lma", before, "bad_option")


def test_missing_options_are_named_in_the_answer(t, unchanged):
    """Statuses 158, 160, 161 and 162: RFC 5213 5.3.1."""
    full = {"mn": mh.mn_id("x@example.com"), "hnp": mh.hnp(), "hi": mh.handoff(4), "att": mh.att(),
            "ts": mh.timestamp()}
    for without, name in (("mn", "pba_missing_mn_id_option"), ("hnp", "pba_missing_prefix_option"),
                          ("hi", "pba_missing_handoff_indicator"),
                          ("att", "pba_missing_access_technology")):
        before = counters(t, "lma")
        t.to_lma.mh(mag_addr(2), LMAA, mh.pbu(None, options=[
            v for k, v in full.items() if k != without]))
        rose(t, "lma", before, name)


def test_seven_home_prefixes(t, unchanged):
    """One that may not be had spoils the request: another node's, one that is not ours."""
    free = [mh.hnp(f"2001:db8:10f:ee{i:02x}::") for i in range(6)]
    for bad in (binding(t, t.mn1)["prefixes"][0].split("/")[0], "2001:db8:dead::"):
        before = counters(t, "lma")
        t.to_lma.mh(mag_addr(2), LMAA, mh.pbu(None, options=[
            mh.mn_id("seven@example.com"), *free, mh.hnp(bad), mh.handoff(1), mh.att(),
            mh.timestamp()]))
        rose(t, "lma", before, "pba_not_authorized_for_prefix")
        assert t.daemons["lma"].ctl("bindings", "seven@example.com") == []


def test_prefixes_of_odd_lengths_and_too_many(t, unchanged):
    for hnps in ([mh.hnp("2001:db8:10f:ee00::", n) for n in (0, 1, 63, 65, 127, 128, 129)],
                 [mh.hnp("2001:db8:10f:ee00::", 48)],
                 [mh.hnp(f"2001:db8:10f:e{i:03x}::") for i in range(40)]):
        t.to_lma.mh(mag_addr(2), LMAA, mh.pbu(None, options=[
            mh.mn_id("odd@example.com"), *hnps, mh.handoff(1), mh.att(), mh.timestamp()]))
    time.sleep(0.2)
    assert t.daemons["lma"].ctl("bindings", "odd@example.com") == []


def test_duplicated_options(t, unchanged):
    """Every option twice, contradicting: nothing about nodes that exist may change."""
    options = [mh.mn_id("twice@example.com"), mh.mn_id(t.mn1.mnid), mh.hnp(), mh.hnp(),
               mh.handoff(1), mh.handoff(3), mh.att(4), mh.att(3), mh.llid(t.mn1.mac),
               mh.llid(t.mn2.mac), mh.timestamp(), mh.timestamp(0)]
    t.to_lma.mh(mag_addr(2), LMAA, mh.pbu(None, options=options))
    time.sleep(0.2)
    # Whatever was made of the first ones goes, so that later tests see the domain as it was.
    t.daemons["lma"].pmipctl("delete", "twice@example.com")
    wait_until(lambda: t.daemons["lma"].ctl("bindings", "twice@example.com") == [], 3, "deletion")


def test_unknown_options_are_skipped(t, unchanged):
    before = counters(t, "lma")
    t.to_lma.mh(mag_addr(2), LMAA, mh.pbu(None, options=[
        mh.opt(200, b"strange"), mh.mn_id("odd@example.com"), mh.hnp(), mh.handoff(1), mh.att(),
        mh.opt(201, b""), mh.timestamp()]))
    rose(t, "lma", before, "pba_accepted")
    t.daemons["lma"].ctl("delete", "odd@example.com")


def test_flood_from_an_unauthorised_address(t):
    """20000 PBUs as fast as they go: no memory grows, the daemon answers, nodes move meanwhile."""
    lma = t.daemons["lma"]
    for n in t.nodes:
        to_ap(t, n, 1)
    def rss():
        with open(f"/proc/{lma.proc.pid}/statm") as f:
            return int(f.read().split()[1]) * 4096
    rss0, before = rss(), counters(t, "lma")
    packets = [mh.ipv6(STRANGER, LMAA, mh.MH, mh.with_checksum(
        STRANGER, LMAA, mh.pbu(f"flood{i}@example.com", seq=i))) for i in range(200)]
    for i in range(20000):
        t.to_lma.packet(packets[i % 200])
        if i == 10000:
            assert lma.ctl("status")
            to_ap(t, t.mn2, 2)
    to_ap(t, t.mn2, 1)
    rose(t, "lma", before, "ignored_unknown_mag", "pba_mag_not_authorized", at_least=1000)
    assert rss() - rss0 < 4 << 20
    assert {b["mn_id"] for b in lma.ctl("bindings")} == {n.mnid for n in t.nodes}
    assert all(n.ping(CN, 3, 0.1) == 3 for n in t.nodes)


def test_answers_nobody_asked_for(t, unchanged):
    """Forged Binding Acknowledgements and requests at the MAG, from strangers and from the LMA."""
    def pba(status, seq, node):
        return mh.message(mh.BA, struct.pack("!BBHH", status, 0x20, seq, 900), [
            mh.mn_id(node.mnid), mh.hnp("2001:db8:100:77::"), mh.handoff(4), mh.att(),
            mh.llid(node.mac), mh.timestamp()])
    for src in (STRANGER, LMAA):
        before = counters(t, "mag1")
        for status in (0, 129, 130, 152, 155, 156):
            t.to_mag.mh(src, mag_addr(1), pba(status, 4711, t.mn1))
        rose(t, "mag1", before, "pba_ignored_source", "pba_ignored_unmatched", at_least=6)
    t.to_mag.mh(STRANGER, mag_addr(1), mh.message(mh.BRR, bytes(2), [mh.mn_id(t.mn1.mnid)]))
    t.to_mag.mh(LMAA, mag_addr(1), mh.message(mh.BE, bytes([1, 0]) + mh.packed("::"), []))
    time.sleep(0.2)
    assert update_entry(t, t.mn1, 1)["prefixes"] == binding(t, t.mn1)["prefixes"]


def test_random_neighbour_discovery_on_the_access_link(t, unchanged):
    """Noise from a node's own link-layer address: mutated solicitations of every kind."""
    rng = random.Random(RNG_SEED)
    s = t.mn2.packet_socket("eth0")
    for _ in range(500):
        body = bytearray(bytes([rng.choice([131, 132, 133, 134, 135, 136, 137, 143]),
                                rng.choice([0, 0, 0, 1])]) + bytes(2) +
                         rng.randbytes(rng.randrange(0, 60)))
        if len(body) > 24 and rng.random() < 0.5:
            body[8:24] = mh.packed("fe80::200:5eff:fe00:5213")
        src = rng.choice(["fe80::ff:fe00:2", "::", "ff02::1", t.mn2.wait_address()]) \
            if rng.random() < 0.1 else "fe80::ff:fe00:2"
        dst = rng.choice(["ff02::1", "ff02::2", "ff02::1:ff00:5213", "fe80::200:5eff:fe00:5213"])
        p = bytearray(mh.icmp6(src, dst, bytes(body), rng.choice([255, 255, 64])))
        if rng.random() < 0.3:
            p = p[:rng.randrange(0, len(p) + 1)]
        s.send(mh.frame("33:33:00:00:00:02", t.mn2.mac, bytes(p)))
    time.sleep(0.2)
    to_ap(t, t.mn2, 1)
