#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An independent witness: reads lines of "verdict, frame in, frame out, name" (hex, tab-separated)
and checks with scapy that each frame out is what the RFCs make of the frame in."""
import logging
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import (  # noqa: E402
    Ether, IPv6, ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded, in6_chksum,
)

WRAPPED = {"decap_route", "decap_link", "hairpin"}  # came in a tunnel
WRAPS = {"encap", "hairpin"}  # leaves in one
CE = 3


def inner_of(frame, tunnelled):
    """The packet a node sees, as (header, octets by its own length)."""
    ip = Ether(frame)[IPv6]
    at = 14
    if tunnelled:
        assert ip.nh == 41, "no tunnel"
        at += 40
    head = IPv6(frame[at:])
    return head, frame[at:at + 40 + head.plen]


def check_forwarded(verdict, before, after):
    outer_in = Ether(before)[IPv6] if verdict in WRAPPED else None
    old, old_bytes = inner_of(before, verdict in WRAPPED)
    new, new_bytes = inner_of(after, verdict in WRAPS)

    to_host = new.hlim == old.hlim
    assert to_host or new.hlim == old.hlim - 1, "hop limit"
    assert not to_host or verdict == "decap_route", "hop limit untouched"
    want_tc = old.tc
    if outer_in is not None and outer_in.tc & 3 == CE:
        assert old.tc & 3, "CE on a packet that is not ECN-capable"
        want_tc |= CE
    want = IPv6(old_bytes)
    want.tc, want.hlim = want_tc, new.hlim
    # only the header is rebuilt: scapy must not recompute what we did not touch
    head = bytes(IPv6(version=6, tc=want_tc, fl=old.fl, plen=old.plen, nh=old.nh, hlim=new.hlim,
                      src=old.src, dst=old.dst))
    assert new_bytes == head + old_bytes[40:], "inner packet"
    if verdict in WRAPS:
        outer = Ether(after)[IPv6]
        rebuilt = IPv6(tc=want_tc, fl=outer.fl, plen=len(new_bytes), nh=41, hlim=64,
                       src=outer.src, dst=outer.dst)
        assert bytes(rebuilt) == after[14:54], "outer header"
        assert len(after) == 54 + len(new_bytes), "octets behind the packet"
    else:
        assert len(after) == 14 + len(new_bytes), "octets behind the packet"


def check_error(before, after):
    first = Ether(before)[IPv6]
    reply = Ether(after)
    at = 14
    if reply[IPv6].nh != 41:
        assert (reply.dst, reply.src) == (Ether(before).src, Ether(before).dst), "link-layer addresses"
    else:
        assert (reply[IPv6].src, reply[IPv6].dst) == (first.dst, first.src), "outer addresses"
        at += 40
    ip = IPv6(after[at:])
    assert ip.nh == 58 and ip.plen == len(after) - at - 40, "length of the error"
    assert 40 + ip.plen <= 1280, "larger than the minimum MTU"
    assert in6_chksum(58, ip, after[at + 40:]) == 0, "ICMPv6 checksum"
    icmp = ip.payload
    assert isinstance(icmp, (ICMPv6PacketTooBig, ICMPv6TimeExceeded, ICMPv6ParamProblem)), "type"
    quote = after[at + 48:]
    offset = 54 if first.nh == 41 and quote == before[54:54 + len(quote)] else 14
    assert quote == before[offset:offset + len(quote)], "quoted packet"
    cause = IPv6(before[offset:])
    assert ip.dst == cause.src, "error goes to the source"
    assert len(quote) == min(40 + cause.plen, 1280 - 48), "as much as fits"
    if isinstance(icmp, ICMPv6PacketTooBig):
        assert 1280 <= icmp.mtu < 40 + cause.plen, "MTU"
    if isinstance(icmp, ICMPv6TimeExceeded):
        assert icmp.code == 0 and cause.hlim <= 1, "hop limit"
    if isinstance(icmp, ICMPv6ParamProblem):
        assert icmp.code == 0 and before[offset + icmp.ptr] == 0, "pointer"


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
    return 1 if bad or n < 100 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
