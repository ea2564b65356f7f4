# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets larger than the path, in every encapsulation and with either payload: the sessions and the
topology of test_encap, and a router in between that lets little through."""

import os
import socket
import struct

import pytest

from ask import counter
from capture import eth
from netns import wait_until
from test_encap import SESSIONS, cn_of, d  # noqa: F401  (d is a fixture)
from topo import LMAA, LMAA4

NARROW = 1290
AROUND = {"ip": 0, "gre": 4, "gre-key": 8, "udp": 8, "udp-tlv": 12, "udp-gre": 16, "udp-gre-key": 20}
IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_PMTUDISC_PROBE = 10, 0, 3


def tunnel_mtu(s):
    return NARROW - (40 if s.transport == 6 else 20) - AROUND[s.encap]


@pytest.fixture(scope="module")
def narrow(d):  # noqa: F811
    d.t.net.ip(
        f"route replace 2001:db8:2::/64 dev lma0 proto kernel metric 256 mtu {NARROW}",
        f"route replace 2001:db8:11::/64 dev mag1 proto kernel metric 256 mtu {NARROW}",
        f"route replace 198.18.2.0/24 dev lma0 proto kernel scope link src 198.18.2.254 mtu {NARROW}",
        f"route replace 198.18.11.0/24 dev mag1 proto kernel scope link src 198.18.11.254 "
        f"mtu {NARROW}")
    return d


class Datagrams:
    """UDP from one address to another; IPv4 without DF."""

    def __init__(self, src, src_addr, dst, dst_addr, family):
        kind = socket.AF_INET6 if family == 6 else socket.AF_INET
        self.head = 48 if family == 6 else 28
        self.tx, self.rx = src.socket(kind, socket.SOCK_DGRAM), dst.socket(kind, socket.SOCK_DGRAM)
        if family == 4:
            self.tx.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
        self.tx.bind((src_addr, 0))
        self.rx.bind((dst_addr, 0))
        self.rx.settimeout(0.3)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tx.close()
        self.rx.close()

    def carry(self, size):
        """Sends an IP packet of that size once; says whether its content arrived."""
        payload = os.urandom(size - self.head)
        self.tx.sendto(payload, self.rx.getsockname()[:2])
        try:
            return self.rx.recv(65536) == payload
        except TimeoutError:
            return False


def outer_fragments(cap):
    """How many fragments of outer packets there are in a capture, and the longest of them."""
    n, longest = 0, 0
    for _, f in cap.frames():
        _, _, kind, p = eth(f)
        if (kind == 0x86dd and p[6] == 44) or \
                (kind == 0x0800 and struct.unpack_from("!H", p, 6)[0] & 0x3fff):
            n, longest = n + 1, max(longest, len(p))
    return n, longest


@pytest.mark.parametrize("family", [6, 4], ids=["ipv6", "ipv4"])
@pytest.mark.parametrize("s", SESSIONS, ids=[s.name for s in SESSIONS])
def test_packets_cross_in_fragments(narrow, s, family):
    """RFC 2473 7.1 (b), 7.2 (b): IPv6 of 1280 octets, and IPv4 without DF, whatever the tunnel."""
    t, far, home = narrow.t, cn_of(s, family), s.home(family)
    sizes = (1000, 1279, 1280) if family == 6 else (1000, tunnel_mtu(s), tunnel_mtu(s) + 1, 1400)
    before = {n: counter(t, n, "to_fragment", "slow") for n in ("lma", "mag1")}
    with Datagrams(t.cn, far, t.mn1, home, family) as down, \
            Datagrams(t.mn1, home, t.cn, far, family) as up:
        for flow in down, up:
            wait_until(lambda flow=flow: flow.carry(sizes[-1]), 5, "the tunnel's end to know the path")
        cap = t.capture("net", "lma0", "ip or ip6")
        for size in sizes:
            assert down.carry(size) and up.carry(size), f"{size} octets"
    # two each way of what does not fit, and of nothing else
    want = 4 * len([x for x in sizes if x > tunnel_mtu(s)])
    wait_until(lambda: outer_fragments(cap)[0] >= want, 3, "the fragments in the capture")
    n, longest = outer_fragments(cap.stop())
    assert n == want >= 4 and longest <= NARROW
    for name, value in before.items():
        assert counter(t, name, "to_fragment", "slow") > value
        assert counter(t, name, "failed", "slow") == 0
        assert counter(t, name, "send_failed", "tunnel_sock") == 0


def errors4(cap):
    """[(source, code, MTU)] of the ICMP messages of unreachability in a capture."""
    out = []
    for _, f in cap.frames():
        p = eth(f)[3]
        icmp = p[(p[0] & 15) * 4:]
        out.append((socket.inet_ntoa(p[12:16]), icmp[1], struct.unpack_from("!H", icmp, 6)[0]))
    return out


@pytest.mark.parametrize("s", SESSIONS, ids=[s.name for s in SESSIONS])
def test_source_of_a_packet_with_df_is_told(narrow, s):
    """RFC 2473 7.2 (a): ICMP 3/4 with what the tunnel carries, at a correspondent and at a node."""
    t, far, home = narrow.t, cn_of(s, 4), s.home4
    for src, ifname, mine, to in (t.cn, "eth0", far, home), (t.mn1, "eth0", home, far):
        cap = t.capture(src.name, ifname, "icmp[0] == 3", direction="in")
        with src.socket(socket.AF_INET, socket.SOCK_DGRAM) as tx:
            tx.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
            tx.bind((mine, 0))
            # PROBE: the kernel tells the socket of errors and keeps its size
            for _ in range(3):
                try:
                    tx.sendto(bytes(1400 - 28), (to, 9))
                except OSError:
                    pass
            wait_until(lambda: errors4(cap), 3, "an ICMP error")
        cap.stop()
        assert {(code, mtu) for _, code, mtu in errors4(cap)} == {(4, tunnel_mtu(s))}


@pytest.mark.parametrize("family", [6, 4], ids=["ipv6", "ipv4"])
@pytest.mark.parametrize("s", SESSIONS, ids=[s.name for s in SESSIONS])
def test_unreachable_peer_is_told_to_the_source(narrow, s, family):
    """RFC 2473 8.2, 8.3: both ends' sources, in each encapsulation."""
    t, far, home = narrow.t, cn_of(s, family), s.home(family)
    six = s.transport == 6
    for src, to, mine, where in (
            (t.cn, home, far, "2001:db8:11::1" if six else "198.18.11.1"),
            (t.mn1, far, home, LMAA if six else LMAA4)):
        t.net.sysctl(net__ipv6__icmp__ratelimit=0, net__ipv4__icmp_ratelimit=0)
        t.net.ip(f"route replace unreachable {where} metric 1")
        what = "icmp6 and ip6[40] == 1" if family == 6 else "icmp[0] == 3"
        cap = t.capture(src.name, "eth0", what, direction="in")
        src.run("ping", "-n", "-q", "-c", 3, "-i", 0.1, "-W", 1, "-I", mine, to, check=False)
        wait_until(lambda: cap.frames(), 3, "an ICMP error")
        cap.stop()
        t.net.ip(f"route del unreachable {where} metric 1")
        codes = {eth(f)[3][40 + 1] for _, f in cap.frames()} if family == 6 else \
            {code for _, code, _ in errors4(cap)}
        assert codes == ({3} if family == 6 else {1})
