#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An independent witness: reads lines of "verdict, frame in, frame out, name" (hex, tab-separated)
and checks with scapy that each frame out is what the RFCs make of the frame in."""
import logging
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import (  # noqa: E402
    GRE, ICMP, IP, UDP, ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6ParamProblem,
    ICMPv6TimeExceeded, IPv6, Raw, checksum, in6_chksum,
)

WRAPPED = {"decap_route", "decap_link", "hairpin"}  # came in a tunnel
WRAPS = {"encap", "hairpin"}  # leaves in one
CE = 3
DATA_PORT = 5437
ETHERTYPE = {4: 0x0800, 6: 0x86DD}
PROTO = {4: 4, 6: 41}


def header(octets):
    """The IP header at the front, and its length."""
    if octets[0] >> 4 == 4:
        n = (octets[0] & 15) * 4
        return IP(octets[:n]), n
    return IPv6(octets[:40]), 40


def traffic_class(ip):
    return ip.tos if ip.version == 4 else ip.tc


def hop_limit(ip):
    return ip.ttl if ip.version == 4 else ip.hlim


def cut(octets):
    """A packet without what is behind its own length."""
    ip, _ = header(octets)
    n = ip.len if ip.version == 4 else 40 + ip.plen
    assert n <= len(octets), "longer than what it is in"
    return octets[:n]


class Tunnel:
    """What is around an inner packet, from the outer header on."""

    def __init__(self, octets):
        self.outer, at = header(octets)
        self.udp = self.tlv = self.gre = None
        proto = self.outer.proto if self.outer.version == 4 else self.outer.nh
        if proto == 60 and octets[at + 1:at + 4] == b"\0\4\1":
            proto = octets[at]
            at += 8
        if proto == 17:
            self.udp = UDP(octets[at:at + 8])
            at += 8
            version = octets[at] >> 4
            proto = PROTO.get(version)
            if version == 0:
                self.tlv = octets[at:at + 4]
                proto = self.tlv[1]
                assert int.from_bytes(self.tlv[2:], "big") == self.udp.len - 12, "TLV length"
                at += 4
        if proto == 47:
            n = 8 if octets[at] & 0x20 else 4
            self.gre = GRE(octets[at:at + n])
            proto = {v: PROTO[k] for k, v in ETHERTYPE.items()}.get(self.gre.proto)
            at += n
        assert proto in (4, 41), "no tunnel"
        self.inner = octets[at:]
        assert PROTO[self.inner[0] >> 4] == proto, "another family inside"

    def rebuild(self, inner):
        """The same around `inner`, as its sender should have built it."""
        version = inner[0] >> 4
        payload, proto = Raw(inner), PROTO[version]
        if self.gre is not None:
            keyed = self.gre.key_present
            payload = GRE(proto=ETHERTYPE[version], key_present=keyed,
                          key=self.gre.key if keyed else None) / payload
            proto = 47
        if self.tlv is not None:
            payload = Raw(bytes([0, proto]) + len(payload).to_bytes(2, "big")) / payload
        if self.udp is not None:
            payload = UDP(sport=self.udp.sport, dport=DATA_PORT, chksum=0) / payload
            proto = 17
        tc = traffic_class(header(inner)[0])
        if self.outer.version == 4:
            ip = IP(tos=tc, id=0, flags="DF", ttl=64, proto=proto, src=self.outer.src,
                    dst=self.outer.dst)
        else:
            ip = IPv6(tc=tc, fl=self.outer.fl, nh=proto, hlim=64, src=self.outer.src,
                      dst=self.outer.dst)
        return bytes(ip / payload)


def forwarded(octets, tc, hops):
    """The packet with only these two changed, and the checksum that follows from them."""
    ip, n = header(octets)
    if ip.version == 4:
        assert checksum(octets[:n]) == 0, "IPv4 header checksum on arrival"
        ip.tos, ip.ttl = tc, hops
        del ip.chksum
    else:
        ip.tc, ip.hlim = tc, hops
    return bytes(ip) + octets[n:]


def check_forwarded(verdict, before, after):
    old, congested = before[14:], False
    if verdict in WRAPPED:
        tunnel = Tunnel(old)
        old, congested = tunnel.inner, traffic_class(tunnel.outer) & 3 == CE
    old = cut(old)
    ip, _ = header(old)
    new = after[14:]
    if verdict in WRAPS:
        tunnel = Tunnel(new)
        assert tunnel.rebuild(tunnel.inner) == new, "outer header"
        new = tunnel.inner
    assert int.from_bytes(after[12:14], "big") == ETHERTYPE[after[14] >> 4], "Ethernet type"
    hops = hop_limit(header(new)[0])
    to_host = hops == hop_limit(ip)
    assert to_host or hops == hop_limit(ip) - 1, "hop limit"
    assert not to_host or verdict == "decap_route", "hop limit untouched"
    tc = traffic_class(ip)
    if congested:
        assert tc & 3, "CE on a packet that is not ECN-capable"
        tc |= CE
    assert new == forwarded(old, tc, hops), "inner packet"


def cause_of(quote, before):
    """The packet that the error is about: the frame's, or the one in its tunnel."""
    candidates = [before[14:]]
    try:
        candidates.insert(0, Tunnel(before[14:]).inner)
    except (AssertionError, IndexError, KeyError):
        pass
    for octets in candidates:
        octets = cut(octets)
        if octets[:len(quote)] == quote:
            return octets
    raise AssertionError("quoted packet")


def check_error(before, after):
    octets = after[14:]
    ip, n = header(octets)
    if (ip.proto if ip.version == 4 else ip.nh) not in (1, 58):
        tunnel, came = Tunnel(octets), header(before[14:])[0]
        assert tunnel.rebuild(tunnel.inner) == octets, "outer header"
        assert (tunnel.outer.src, tunnel.outer.dst) == (came.dst, came.src), "outer addresses"
        octets = tunnel.inner
        ip, n = header(octets)
    else:
        assert (after[:6], after[6:12]) == (before[6:12], before[:6]), "link-layer addresses"
    assert cut(octets) == octets, "octets behind the error"
    assert hop_limit(ip) == 64
    quote = octets[n + 8:]
    cause = cause_of(quote, before)
    about = header(cause)[0]
    assert ip.dst == about.src, "error goes to the source"
    if ip.version == 4:
        assert checksum(octets[:n]) == 0 and checksum(octets[n:]) == 0, "checksums"
        assert len(quote) == min(len(cause), 576 - 28), "as much as fits"
        icmp = ICMP(octets[n:n + 8])  # without the quote
        kind = (icmp.type, icmp.code)
        assert kind in ((3, 4), (3, 1), (11, 0)), "type and code"
        if kind == (3, 4):
            assert icmp.nexthopmtu < len(cause) and about.flags.DF, "MTU"
        if kind == (11, 0):
            assert about.ttl <= 1, "time to live"
        return
    assert in6_chksum(58, ip, octets[n:]) == 0, "ICMPv6 checksum"
    assert len(quote) == min(len(cause), 1280 - 48), "as much as fits"
    icmp = IPv6(octets[:n + 8]).payload
    if isinstance(icmp, ICMPv6PacketTooBig):
        assert 1280 <= icmp.mtu < len(cause), "MTU"
    elif isinstance(icmp, ICMPv6TimeExceeded):
        assert icmp.code == 0 and about.hlim <= 1, "hop limit"
    elif isinstance(icmp, ICMPv6ParamProblem):
        assert icmp.code == 0 and cause[icmp.ptr] == 0, "pointer"
    else:
        assert isinstance(icmp, ICMPv6DestUnreach) and icmp.code == 3, "type"


def main(path):
    bad = n = 0
    with open(path, encoding="ascii") as lines:
        for line in lines:
            verdict, before, after, name = line.rstrip("\n").split("\t")
            before, after = bytes.fromhex(before), bytes.fromhex(after)
            n += 1
            try:
                if verdict == "replied":
                    check_error(before, after)
                else:
                    check_forwarded(verdict, before, after)
            except AssertionError as err:
                bad += 1
                print(f"{verdict}: {name}: {err}", file=sys.stderr)
    print(f"scapy: {n} packets, {bad} wrong")
    return 1 if bad or not n else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
