# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets larger than the path between the ends of a tunnel, and errors from inside it."""

import socket
import struct

import pytest
from scapy.all import (Ether, ICMPv6DestUnreach, ICMPv6PacketTooBig, IPv6, IPv6ExtHdrFragment, Raw,
                       UDP)

from ask import counter, drops, settled
from capture import eth, ip6
from netns import wait_until
from topo import CN, LMAA, ROUTER_MAC, mag_addr

NARROW = 1380          # what a router in between lets through; leaves the tunnel 1340
TUNNEL = NARROW - 40


def start(t, aps=None):
    t.start_all()
    aps = aps or [1] * len(t.nodes)
    for n, ap in zip(t.nodes, aps):
        t.attach(n, ap)
    return [settled(t, n, ap) for n, ap in zip(t.nodes, aps)]


def narrow(t, mtu, mag=1):
    """The router between LMA and MAG lets through packets of that size, either way."""
    t.net.ip(f"route replace 2001:db8:2::/64 dev lma0 proto kernel metric 256 mtu {mtu}",
             f"route replace 2001:db8:{10 + mag}::/64 dev mag{mag} proto kernel metric 256 mtu {mtu}")


def icmp_errors(cap):
    """[(source, type, code, MTU)] of the ICMPv6 errors in a capture."""
    out = []
    for _, f in cap.frames():
        src, _, _, body = ip6(eth(f)[3])
        out.append((src, *struct.unpack_from("!BBxxI", body)))
    return out


def mtus(t, daemon):
    """What the daemon's tunnels carry."""
    return [x["mtu"] for x in t.daemons[daemon].ctl("peers") if x["kind"] == "tunnel"]


ERRORS = "icmp6 and ip6[40] < 128"


class Datagrams:
    """UDP from one namespace to another: what is sent must be what is received."""

    def __init__(self, src, dst, addr, port):
        self.tx = src.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.rx = dst.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.rx.bind(("::", port))
        self.rx.settimeout(0.3)
        self.to = (addr, port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tx.close()
        self.rx.close()

    def carry(self, size):
        """Sends an IPv6 packet of that size once; says whether its content arrived."""
        payload = bytes((i * 7 + size) & 0xff for i in range(size - 48))
        self.tx.sendto(payload, self.to)
        try:
            return self.rx.recv(65536) == payload
        except TimeoutError:
            return False


def fragments(frames):
    """Outer fragments in a capture: (source, destination, length)."""
    out = []
    for _, f in frames:
        _, _, kind, p = eth(f)
        if kind == 0x86dd and p[6] == 44:
            src, dst, _, _ = ip6(p)
            out.append((src, dst, len(p)))
    return out


def transfer(t, src, dst, addr, port, octets=300000):
    """TCP: the octets that arrive."""
    data = bytes(range(251)) * (octets // 251)
    with dst.socket(socket.AF_INET6, socket.SOCK_STREAM) as listener, \
            src.socket(socket.AF_INET6, socket.SOCK_STREAM) as tx:
        listener.bind(("::", port))
        listener.listen(1)
        tx.settimeout(10)
        tx.connect((addr, port))
        rx, _ = listener.accept()
        with rx:
            rx.settimeout(10)
            got, at = b"", 0
            while at < len(data):
                at += tx.send(data[at:at + 16384])
                got += rx.recv(1 << 20)
            tx.shutdown(socket.SHUT_WR)
            while more := rx.recv(1 << 20):
                got += more
    return got == data


@pytest.mark.parametrize("hook", ["auto", "tc"])
def test_minimum_link_carries_minimum_packets_both_ways(fresh, hook):
    """RFC 2473 7.1 (b): where an IPv6 packet of 1280 octets does not fit, it goes in fragments, and
    comes out again octet for octet."""
    t = fresh(mags=1, nodes=2)
    narrow(t, 1280)
    over = {"transport": [{"name": "net0", "hook": hook}]}
    t.start("lma", t.lma_config(transport=[{"name": n, "hook": hook} for n in ("net0", "inet0")]))
    t.start("mag1", t.mag_config(1, **over))
    for n in t.nodes:
        t.attach(n, 1)
    addr, addr2 = (settled(t, n, 1) for n in t.nodes)
    cap = t.capture("net", "mag1", "ip6[6] == 44")
    with Datagrams(t.cn, t.mn1, addr, 6001) as down, Datagrams(t.mn1, t.cn, CN, 6002) as up, \
            Datagrams(t.mn1, t.mn2, addr2, 6003) as across:
        # the router must say it once to either end, and what it says it about is lost
        wait_until(lambda: down.carry(1280), 5, "the LMA to know the path")
        wait_until(lambda: up.carry(1280), 5, "the MAG to know the path")
        for size in (1240, 1241, 1248, 1279, 1280):
            assert down.carry(size), f"{size} octets to the node"
            assert up.carry(size), f"{size} octets from the node"
            assert across.carry(size), f"{size} octets from node to node"
    got = fragments(cap.stop().frames())
    assert {(s, d) for s, d, _ in got} == {(LMAA, mag_addr(1)), (mag_addr(1), LMAA)}
    assert max(n for _, _, n in got) <= 1280
    for d in ("lma", "mag1"):
        assert counter(t, d, "to_fragment", "slow") >= 8
        assert counter(t, d, "reassembled", "slow") >= 8
        assert counter(t, d, "failed", "slow") == 0
        assert counter(t, d, "send_failed", "tunnel_sock") == 0
        assert mtus(t, d) == [1240]


def test_a_router_lowers_the_path_mtu_later(fresh):
    """RFC 2473 8: the first packet that does not fit is lost, but its source is told, by the end of
    the tunnel; from then on the end of the tunnel itself says so."""
    t = fresh(mags=1, nodes=1)
    addr, = start(t)
    full = 1460 - 48
    assert t.cn.ping(addr, 2, 0.1, size=full) == 2
    assert t.mn1.ping(CN, 2, 0.1, size=full) == 2
    narrow(t, NARROW)
    for src, ifname, to, end in ((t.cn, "eth0", addr, LMAA), (t.mn1, "eth0", CN, mag_addr(1))):
        cap = t.capture(src.name, ifname, ERRORS)
        src.ping(to, 3, 0.2, size=full)
        wait_until(lambda: icmp_errors(cap), 3, "a Packet Too Big")
        cap.stop()
        assert set(icmp_errors(cap)) == {(end, 2, 0, TUNNEL)}
        quoted = ip6(eth(cap.frames()[0][1])[3])[3][8:]
        assert ip6(quoted)[1] == to, "the inner packet is quoted, not the outer one"
        assert src.ping(to, 2, 0.1, size=TUNNEL - 48) == 2
    # both ends know: the sources send fragments of their own
    for src, to in (t.cn, addr), (t.mn1, CN):
        r = src.run("ping", "-6", "-n", "-q", "-c", 3, "-i", 0.1, "-s", full, to, check=False)
        assert " 3 received" in r.stdout
    for d in ("lma", "mag1"):
        assert mtus(t, d) == [TUNNEL]
        assert counter(t, d, "relayed", "icmp_relay") >= 1
    assert transfer(t, t.cn, t.mn1, addr, 7001)
    assert transfer(t, t.mn1, t.cn, CN, 7002)


def test_path_mtu_grows_again(fresh):
    """RFC 8201 4: what was learnt is forgotten after a while, here one that is short enough."""
    t = fresh(mags=1, nodes=1)
    t.lma.sysctl(net__ipv6__route__mtu_expires=2)
    addr, = start(t)
    assert mtus(t, "lma") == [1460]
    narrow(t, NARROW)
    t.cn.ping(addr, 1, size=1460 - 48)
    wait_until(lambda: mtus(t, "lma") == [TUNNEL], 3, "the LMA to know the path")
    narrow(t, 1500)
    wait_until(lambda: mtus(t, "lma") == [1460], 20, "the LMA to forget it")
    t.cn.run("ip", "-6", "route", "flush", "cache")
    assert t.cn.ping(addr, 2, 0.1, size=1460 - 48) == 2


def test_unreachable_peer_is_told_to_the_source(fresh):
    """RFC 2473 8.2: type 1 code 3, to a correspondent, a node behind a MAG, and a node whose packet
    the LMA sends on to another MAG."""
    t = fresh(mags=2, nodes=2)
    addr1, addr2 = start(t, [1, 2])
    assert t.mn1.ping(addr2, 2, 0.1) == 2
    for where, src, ifname, to, end in (
            (mag_addr(1), t.cn, "eth0", addr1, LMAA),
            (LMAA, t.mn1, "eth0", CN, mag_addr(1)),
            (mag_addr(2), t.mn1, "eth0", addr2, LMAA)):
        t.net.ip(f"route add unreachable {where}/128 metric 1")
        cap = t.capture(src.name, ifname, ERRORS)
        # routers send few of them
        for _ in range(5):
            src.ping(to, 1)
            if icmp_errors(cap):
                break
        cap.stop()
        assert set(icmp_errors(cap)) == {(end, 1, 3, 0)}
        t.net.ip(f"route del unreachable {where}/128 metric 1")
        wait_until(lambda: src.ping(to, 1), 5, "the peer to be reachable again")


class Sender:
    """Whole IPv6 packets out of a namespace."""

    def __init__(self, ns, ifname, dmac):
        self.sock = ns.packet_socket(ifname)
        mac = ns.ip_json("link", "show", "dev", ifname)[0]["address"]
        self.eth = Ether(src=mac, dst=dmac)

    def __call__(self, packet):
        self.sock.send(bytes(self.eth / packet))


def in_fragments(outer, inner):
    """An IPv6-in-IPv6 packet in two outer fragments."""
    data = bytes(inner)
    cut = len(data) // 2 & ~7
    return [outer / IPv6ExtHdrFragment(nh=41, m=1, offset=0, id=77) / Raw(data[:cut]),
            outer / IPv6ExtHdrFragment(nh=41, m=0, offset=cut // 8, id=77) / Raw(data[cut:])]


def test_strangers_change_nothing(fresh):
    """Forged errors and fragments: discarded, counted, answered by silence."""
    t = fresh(mags=1, nodes=1)
    addr, = start(t)
    assert t.cn.ping(addr, 2, 0.1) == 2
    lma_mac = t.lma.ip_json("link", "show", "dev", "inet0")[0]["address"]
    cn = Sender(t.cn, "eth0", lma_mac)
    mn = Sender(t.mn1, "eth0", ROUTER_MAC)
    victim = "2001:db8:66::6"
    cap = t.capture("lma", "net0", f"host {victim} or host 2001:db8:77::7")
    cap2 = t.capture("cn", "eth0", ERRORS, direction="in")
    inner = IPv6(src=CN, dst=addr) / UDP(sport=9, dport=9) / Raw(bytes(1300))

    def error(kind, outer, inner):
        return IPv6(src=CN, dst=LMAA) / kind / outer / inner

    # about a tunnel that is not there
    cn(error(ICMPv6PacketTooBig(mtu=1300), IPv6(src=LMAA, dst=victim), inner))
    # about our tunnel, but nobody's packet: the error would go to a victim
    cn(error(ICMPv6DestUnreach(), IPv6(src=LMAA, dst=mag_addr(1)),
             IPv6(src=victim, dst="2001:db8:77::7") / UDP() / Raw(bytes(64))))
    wait_until(lambda: counter(t, "lma", "stranger", "icmp_relay") == 2, 3, "both to be counted")
    # too little of it, about no tunnel, with an MTU that no IPv6 path has
    cn(error(ICMPv6DestUnreach(), IPv6(src=LMAA, dst=mag_addr(1), nh=41, plen=1000), Raw(bytes(8))))
    cn(error(ICMPv6DestUnreach(), IPv6(src=LMAA, dst=CN), UDP() / Raw(bytes(64))))
    cn(error(ICMPv6PacketTooBig(mtu=68), IPv6(src=LMAA, dst=mag_addr(1)),
             IPv6(src=CN, dst=addr) / UDP() / Raw(bytes(64))))
    wait_until(lambda: counter(t, "lma", "size", "icmp_relay") == 1, 3, "that to be counted")
    assert counter(t, "lma", "short", "icmp_relay") == 1
    assert counter(t, "lma", "not_ours", "icmp_relay") >= 1
    assert mtus(t, "lma") == [1460]
    # fragments from somebody who is no peer, and from an access link
    for f in in_fragments(IPv6(src=CN, dst=LMAA), IPv6(src=addr, dst=victim) / UDP() / Raw(bytes(64))):
        cn(f)
    wait_until(lambda: counter(t, "lma", "stranger", "slow") == 1, 3, "fragments to be counted")
    # put together in the name of a peer, and judged like any packet of his
    before = drops(t, "lma")
    for f in in_fragments(IPv6(src=mag_addr(1), dst=LMAA),
                          IPv6(src=victim, dst=CN) / UDP() / Raw(bytes(64))):
        cn(f)
    wait_until(lambda: counter(t, "lma", "reassembled", "slow") == 1, 3, "that to be judged")
    after = drops(t, "lma")
    assert after["no_session"] == before["no_session"] + 1
    for f in in_fragments(IPv6(src=addr, dst=mag_addr(1)),
                          IPv6(src=CN, dst=addr) / UDP() / Raw(bytes(64))):
        mn(f)
    wait_until(lambda: counter(t, "mag1", "interface", "slow") == 1, 3, "fragments to be counted")
    assert t.cn.ping(addr, 2, 0.1) == 2
    assert cap.stop().frames() == [] and icmp_errors(cap2.stop()) == []
