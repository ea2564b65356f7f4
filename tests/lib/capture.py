# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures, what is in them, and numbered packet streams to look for in them."""

import ipaddress
import os
import signal
import struct
import subprocess
import time
from pathlib import Path

from netns import PATIENCE, TopoError


class Capture:
    """tcpdump on one interface into a nanosecond pcap."""

    def __init__(self, topo, ns, ifname, what="", direction=None, snaplen=None):
        self.topo = topo
        n = len(topo.captures)
        self.path = topo.dir / f"{n:02d}-{ns}-{ifname}.pcap"
        argv = ["tcpdump", "-i", ifname, "-n", "-U", "-w", self.path, "-Z", "root",
                "--immediate-mode", "--time-stamp-precision=nano", "-B", "16384"]
        argv += ["-Q", direction] if direction else []
        argv += ["-s", snaplen] if snaplen else []
        self.proc = topo.ns[ns].popen(*argv, *what.split(), stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, text=True)
        os.set_blocking(self.proc.stderr.fileno(), True)
        line = ""
        while "listening on" not in line:
            line = self.proc.stderr.readline()
            if not line:
                raise TopoError(f"tcpdump on {ns} {ifname} did not start")
        # Realtime of the capture to CLOCK_MONOTONIC of everything else.
        self.skew = time.time_ns() - time.monotonic_ns()

    def stop(self):
        """Flushes and ends it; the file stays until the topology goes."""
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGINT)
            try:
                self.proc.wait(5 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        self.proc.stderr.close()
        return self

    def frames(self):
        """[(CLOCK_MONOTONIC ns, frame bytes)] so far."""
        return [(t - self.skew, f) for t, f in read_pcap(self.path)]


def read_pcap(path):
    data = Path(path).read_bytes()
    if len(data) < 24:
        return []
    magic = struct.unpack_from("<I", data)[0]
    if magic not in (0xa1b23c4d, 0xa1b2c3d4):
        raise TopoError(f"{path}: not a pcap of this machine")
    unit = 1 if magic == 0xa1b23c4d else 1000
    out, at = [], 24
    while at + 16 <= len(data):
        sec, frac, caplen, _ = struct.unpack_from("<IIII", data, at)
        if at + 16 + caplen > len(data):
            break  # still being written
        out.append((sec * 1000000000 + frac * unit, data[at + 16:at + 16 + caplen]))
        at += 16 + caplen
    return out


def eth(frame):
    """(destination, source, ethertype, payload)"""
    return (frame[0:6].hex(":"), frame[6:12].hex(":"), struct.unpack_from("!H", frame, 12)[0],
            frame[14:])


def ip6(packet):
    """(source, destination, next header, payload) of an IPv6 packet without its headers parsed."""
    length, nxt = struct.unpack_from("!HB", packet, 4)
    return (str(ipaddress.IPv6Address(packet[8:24])), str(ipaddress.IPv6Address(packet[24:40])),
            nxt, packet[40:40 + length])


def ip4(packet):
    """(source, destination, protocol, payload) of an IPv4 packet."""
    head, length = 4 * (packet[0] & 15), struct.unpack_from("!H", packet, 2)[0]
    return (str(ipaddress.IPv4Address(packet[12:16])), str(ipaddress.IPv4Address(packet[16:20])),
            packet[9], packet[head:length])


def ip(packet):
    """As ip6() and ip4(), by the version that the packet says."""
    return ip4(packet) if packet[0] >> 4 == 4 else ip6(packet)


class Tunnelled:
    """A packet inside of another; `encap` as the configuration names it."""

    def __init__(self, src, dst, encap, key, inner):
        self.src, self.dst, self.encap, self.key, self.inner = src, dst, encap, key, inner
        self.inner_src, self.inner_dst = ip(inner)[:2]


def tunnelled(frame):
    """What is in the tunnel that a frame carries, or None. Anything that does not keep to RFC 2784,
    RFC 2890, RFC 5844 4 and RFC 5845 7.2 to the last bit is an error."""
    kind, packet = eth(frame)[2:]
    if kind not in (0x0800, 0x86dd):
        return None
    src, dst, proto, body = ip(packet)
    inner_proto = {4: 4, 41: 6}
    if proto in inner_proto:
        encap, key, inner, version = "ip", None, body, inner_proto[proto]
    elif proto == 47:
        encap, key, inner, version = _gre("gre", body)
    elif proto == 17 and struct.unpack_from("!H", body, 2)[0] == 5437:
        assert kind == 0x0800, "UDP encapsulation over IPv6"
        length, checksum = struct.unpack_from("!HH", body, 4)
        assert length == len(body) and checksum == 0, "UDP header"
        body = body[8:]
        if body[0] >> 4 in (4, 6):
            encap, key, inner, version = "udp", None, body, body[0] >> 4
        else:
            kind, typ, length = struct.unpack_from("!BBH", body)
            assert kind == 0 and length == len(body) - 4, "TLV header"
            if typ in inner_proto:
                encap, key, inner, version = "udp-tlv", None, body[4:], inner_proto[typ]
            else:
                assert typ == 47, f"type {typ} in the TLV header"
                encap, key, inner, version = _gre("udp-gre", body[4:])
    else:
        return None
    assert inner[0] >> 4 == version, f"IPv{inner[0] >> 4} announced as IPv{version}"
    length = struct.unpack_from("!H", inner, 2 if version == 4 else 4)[0]
    assert len(inner) == length + (0 if version == 4 else 40), "length of the inner packet"
    return Tunnelled(src, dst, encap, key, inner)


def _gre(encap, body):
    flags, kind = struct.unpack_from("!HH", body)
    assert flags in (0, 0x2000) and kind in (0x0800, 0x86dd), f"GRE {flags:#x} {kind:#x}"
    version = 4 if kind == 0x0800 else 6
    if not flags:
        return encap, None, body[4:], version
    return encap + "-key", struct.unpack_from("!I", body, 4)[0], body[8:], version


def write_packets(path, packets):
    """A pcap of IP packets without a link layer."""
    with open(path, "wb") as f:
        f.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for p in packets:
            f.write(struct.pack("=IIII", 0, 0, len(p), len(p)) + p)


def mobility_headers(frames):
    """[(time, source, destination, type, MH bytes)] of the signalling in a capture."""
    out = []
    for t, f in frames:
        _, _, kind, p = eth(f)
        if kind == 0x86dd and len(p) > 46:
            src, dst, nxt, body = ip6(p)
            if nxt == 60:  # Destination Options in front
                nxt, body = body[0], body[8 * (body[1] + 1):]
            if nxt == 135:
                out.append((t, src, dst, body[2], body))
    return out


def router_advertisements(frames):
    """[(time, ethernet destination, ethernet source, ip source, ip destination, RA bytes)]"""
    out = []
    for t, f in frames:
        dmac, smac, kind, p = eth(f)
        if kind == 0x86dd and len(p) > 40 and p[6] == 58 and p[40] == 134:
            src, dst, _, body = ip6(p)
            out.append((t, dmac, smac, src, dst, body))
    return out


def ra_options(ra):
    """{option type: [option bytes]} of a Router Advertisement."""
    out, at = {}, 16
    while at + 8 <= len(ra) and ra[at + 1]:
        out.setdefault(ra[at], []).append(ra[at:at + 8 * ra[at + 1]])
        at += 8 * ra[at + 1]
    return out


class Flow:
    """A numbered UDP stream between two namespaces; see udpflow.py."""

    TOOL = Path(__file__).resolve().parent.parent / "netns" / "tools" / "udpflow.py"

    def __init__(self, topo, src, dst, addr, port, pps=1000, size=64):
        n = topo._index = topo._index + 1
        self.sent_file, self.got_file = topo.dir / f"{n}.sent", topo.dir / f"{n}.got"
        self.rx = topo.ns[dst].popen("/usr/bin/python3", self.TOOL, "recv", port, self.got_file,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.rx.stdout.readline()
        self.tx = topo.ns[src].popen("/usr/bin/python3", self.TOOL, "send", addr, port, pps, size,
                                     self.sent_file, stdout=subprocess.PIPE)
        self.tx.stdout.readline()

    def stop_sending(self):
        if self.tx.poll() is None:
            self.tx.send_signal(signal.SIGINT)
        self.tx.wait(5 * PATIENCE)

    def finish(self, settle=0.3):
        """Stops both ends. The receiver gets up to `settle` seconds for what is under way."""
        self.stop_sending()
        self.sent = dict(_pairs(self.sent_file))
        if self.rx.poll() is None:
            self.rx.stdin.write(f"{len(self.sent)} {settle * PATIENCE}\n".encode())
            self.rx.stdin.close()
        self.rx.wait(5 * PATIENCE)
        self.tx.stdout.close()
        self.rx.stdout.close()
        got = _pairs(self.got_file)
        self.got = dict(reversed(got))  # the first arrival of each number
        self.duplicates = len(got) - len(self.got)
        return self

    @property
    def lost(self):
        """Numbers sent but never received, ascending."""
        return sorted(set(self.sent) - set(self.got))


def _pairs(path):
    return list(struct.iter_unpack("=QQ", Path(path).read_bytes()))
