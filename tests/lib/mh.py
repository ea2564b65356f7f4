# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes Mobility Headers and packets from scratch: a witness that shares no code with pmipd."""

import ipaddress
import struct
import time

MH, IPV6, ICMPV6, UDP = 135, 41, 58, 17
BRR, BU, BA, BE = 0, 5, 6, 7
FLAG_A, FLAG_P = 0x8000, 0x0200

# Option type: (multiple, remainder) of its alignment. RFC 6275 6.2, RFC 5213 8.
ALIGN = {19: (4, 2), 22: (8, 4), 26: (8, 6), 28: (4, 2), 27: (8, 2), 3: (8, 6), 2: (2, 0),
         33: (4, 0), 36: (4, 0), 40: (4, 0), 41: (4, 0), 42: (4, 0)}


def packed(addr):
    return ipaddress.IPv6Address(addr).packed


def checksum(src, dst, proto, body):
    data = packed(src) + packed(dst) + struct.pack("!IxxxB", len(body), proto) + body
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def opt(kind, data):
    return kind, bytes(data)


def mn_id(nai):
    nai = nai.encode() if isinstance(nai, str) else nai
    return opt(8, b"\1" + nai)


def hnp(prefix="::", length=64):
    return opt(22, struct.pack("!BB", 0, length) + packed(prefix))


def handoff(value):
    return opt(23, struct.pack("!BB", 0, value))


def att(value=4):
    return opt(24, struct.pack("!BB", 0, value))


def llid(mac):
    return opt(25, b"\0\0" + bytes.fromhex(mac.replace(":", "")))


def link_local(addr="::"):
    return opt(26, packed(addr))


def timestamp(at=None):
    at = time.time() if at is None else at
    return opt(27, struct.pack("!Q", int(at * 65536)))


def lay_out(head, options):
    """Options behind a fixed part, each aligned, the whole a multiple of eight octets."""
    out = bytearray(head)
    for kind, data in options:
        n, r = ALIGN.get(kind, (1, 0))
        pad(out, (r - len(out)) % n)
        out += bytes([kind, len(data)]) + data
    pad(out, -len(out) % 8)
    return bytes(out)


def pad(out, n):
    if n == 1:
        out += b"\0"
    elif n:
        out += bytes([1, n - 2]) + bytes(n - 2)


def message(kind, fixed, options=(), proto=59):
    """A Mobility Header with checksum 0."""
    body = lay_out(struct.pack("!BBBBH", proto, 0, kind, 0, 0) + fixed, options)
    return body[:1] + bytes([(len(body) // 8 - 1) & 0xff]) + body[2:]


def pbu(node, seq=1, lifetime=3600, flags=FLAG_A | FLAG_P, options=None, prefix="::", hi=4,
        at=None, mac=None):
    """A Proxy Binding Update as a MAG would send it. `node` is the MN-ID."""
    if options is None:
        options = [mn_id(node), hnp(prefix), handoff(hi), att(), *([llid(mac)] if mac else []),
                   link_local(), timestamp(at)]
    return message(BU, struct.pack("!HHH", seq, flags, lifetime // 4), options)


def with_checksum(src, dst, mh):
    mh = mh[:4] + b"\0\0" + mh[6:]
    return mh[:4] + struct.pack("!H", checksum(src, dst, MH, mh)) + mh[6:]


def ipv6(src, dst, proto, body, hop_limit=64):
    return struct.pack("!IHBB", 6 << 28, len(body), proto, hop_limit) + packed(src) + \
        packed(dst) + body


def udp(src, dst, sport, dport, data):
    head = struct.pack("!HHHH", sport, dport, 8 + len(data), 0)
    c = checksum(src, dst, UDP, head + data) or 0xffff
    return ipv6(src, dst, UDP, head[:6] + struct.pack("!H", c) + data)


def icmp6(src, dst, body, hop_limit=255):
    c = checksum(src, dst, ICMPV6, body)
    return ipv6(src, dst, ICMPV6, body[:2] + struct.pack("!H", c) + body[4:], hop_limit)


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def frame(dst, src, packet, kind=0x86dd):
    return mac_bytes(dst) + mac_bytes(src) + struct.pack("!H", kind) + packet


class Injector:
    """Puts frames on a link as if they came from the namespace `ns`."""

    def __init__(self, ns, ifname, dst_mac):
        self.sock = ns.packet_socket(ifname)
        self.src_mac = ns.ip_json("link", "show", "dev", ifname)[0]["address"]
        self.dst_mac = dst_mac

    def packet(self, packet):
        self.sock.send(frame(self.dst_mac, self.src_mac, packet))

    def mh(self, src, dst, mh, fix=True):
        """Sends a Mobility Header; with `fix` its checksum is made right."""
        self.packet(ipv6(src, dst, MH, with_checksum(src, dst, mh) if fix else mh))

    def close(self):
        self.sock.close()


def into_lma(topo):
    """An injector between the transport router and the LMA: any source address goes."""
    return Injector(topo.net, "lma0", mac_of(topo.lma, "net0"))


def into_mag(topo, n):
    return Injector(topo.net, f"mag{n}", mac_of(topo.ns[f"mag{n}"], "net0"))


def mac_of(ns, ifname):
    return ns.ip_json("link", "show", "dev", ifname)[0]["address"]
