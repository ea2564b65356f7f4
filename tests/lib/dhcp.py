# SPDX-License-Identifier: GPL-2.0-or-later
"""DHCPv4: clients of three makes on a node, and messages made from scratch by a witness that shares
no code with pmipd."""

import shutil
import signal
import struct

from capture import eth, ip4
from netns import end_process, wait_until

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
MASK, ROUTER, DNS, MTU, REQUESTED, LEASE, TYPE, SERVER, PARAMETERS, T1, T2, CLIENT_ID, AGENT = \
    1, 3, 6, 26, 50, 51, 53, 54, 55, 58, 59, 61, 82
BROADCAST = "255.255.255.255"
COOKIE = b"\x63\x82\x53\x63"


# ---- messages

def ip_bytes(addr):
    return bytes(map(int, addr.split(".")))


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def ones(data):
    """Internet checksum."""
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def ipv4(src, dst, proto, body, ttl=64):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, ttl, proto, 0) + \
        ip_bytes(src) + ip_bytes(dst)
    return head[:10] + struct.pack("!H", ones(head)) + head[12:] + body


def udp4(src, dst, sport, dport, data):
    head = struct.pack("!HHH", sport, dport, 8 + len(data))
    pseudo = ip_bytes(src) + ip_bytes(dst) + struct.pack("!HH", 17, 8 + len(data))
    c = ones(pseudo + head + b"\0\0" + data) or 0xffff
    return ipv4(src, dst, 17, head + struct.pack("!H", c) + data)


def ether(dst, src, kind, body):
    return mac_bytes(dst) + mac_bytes(src) + struct.pack("!H", kind) + body


def option(code, data=b""):
    return bytes([code, len(data)]) + bytes(data)


def fixed(mac, xid=1, op=1, htype=1, hlen=6, hops=0, flags=0, ciaddr="0.0.0.0",
          giaddr="0.0.0.0", cookie=COOKIE):
    """What comes before the options."""
    return struct.pack("!BBBBIHH", op, htype, hlen, hops, xid, 0, flags) + ip_bytes(ciaddr) + \
        bytes(8) + ip_bytes(giaddr) + mac_bytes(mac).ljust(16, b"\0") + bytes(192) + cookie


def message(mac, kind, options=b"", **kw):
    """A client's message."""
    return fixed(mac, **kw) + option(TYPE, bytes([kind])) + options + b"\xff"


def from_client(mac, msg, src="0.0.0.0", dst=BROADCAST, dmac="ff:ff:ff:ff:ff:ff"):
    """The frame."""
    return ether(dmac, mac, 0x0800, udp4(src, dst, 68, 67, msg))


class Message:
    """A message in a frame; attributes as RFC 2131 names them."""

    def __init__(self, frame):
        self.dmac, self.smac, _, packet = eth(frame)
        self.src, self.dst, _, udp = ip4(packet)
        self.sport, self.dport = struct.unpack_from("!HH", udp)
        msg = self.octets = udp[8:]
        self.op, self.hops, self.xid = msg[0], msg[3], struct.unpack_from("!I", msg, 4)[0]
        self.ciaddr, self.yiaddr, self.siaddr, self.giaddr = (
            ".".join(map(str, msg[a:a + 4])) for a in (12, 16, 20, 24))
        self.chaddr = msg[28:34].hex(":")
        assert msg[236:240] == COOKIE
        self.options, at = {}, 240
        while msg[at] != 255:
            if msg[at]:
                n = msg[at + 1]
                self.options[msg[at]] = self.options.get(msg[at], b"") + msg[at + 2:at + 2 + n]
                at += n + 1
            at += 1
        self.type = self.options[TYPE][0]

    def address(self, code):
        """The (first) address of an option."""
        o = self.options.get(code)
        return ".".join(map(str, o[:4])) if o else None

    def number(self, code):
        return int.from_bytes(self.options[code], "big") if code in self.options else None


def messages(frames, kind=None, mac=None):
    """[Message] in a capture, of one type or client if asked for."""
    out = []
    for _, f in frames:
        if len(f) > 42 and f[12:14] == b"\x08\x00" and f[23] == 17 and f[34:36] in (
                b"\0\x43", b"\0\x44"):
            m = Message(f)
            if (kind is None or m.type == kind) and (mac is None or m.chaddr == mac):
                out.append(m)
    return out


# ---- ARP

def arp(mac, operation, sender, target, tmac="00:00:00:00:00:00", dmac="ff:ff:ff:ff:ff:ff"):
    return ether(dmac, mac, 0x0806, struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) +
                 mac_bytes(mac) + ip_bytes(sender) + mac_bytes(tmac) + ip_bytes(target))


def arps(frames, operation=None):
    """[(ethernet destination, operation, sender mac, sender, target mac, target)]"""
    out = []
    for _, f in frames:
        if f[12:14] == b"\x08\x06":
            b = f[14:]
            op = struct.unpack_from("!H", b, 6)[0]
            if operation in (None, op):
                out.append((f[:6].hex(":"), op, b[8:14].hex(":"), ".".join(map(str, b[14:18])),
                            b[18:24].hex(":"), ".".join(map(str, b[24:28]))))
    return out


# ---- clients

# What a script of dhclient or udhcpc is for, as far as one interface and IPv4 go; the file of name
# servers is not the machine's.
DHCLIENT_SCRIPT = """#!/bin/sh
set_mtu() { [ -z "$new_interface_mtu" ] || ip link set $interface mtu $new_interface_mtu; }
case $reason in
PREINIT)
	ip link set $interface up ;;
BOUND|REBOOT|RENEW|REBIND)
	[ "$old_ip_address" = "$new_ip_address" ] || [ -z "$old_ip_address" ] ||
		ip -4 addr flush dev $interface
	set_mtu
	ip -4 addr replace $new_ip_address/$new_subnet_mask broadcast $new_broadcast_address \\
		dev $interface
	ip -4 route replace default via ${new_routers%% *} dev $interface ;;
EXPIRE|FAIL|RELEASE|STOP)
	ip -4 addr flush dev $interface ;;
esac
echo "$reason $new_ip_address" >>"${0%/*}/events"
echo "$new_domain_name_servers" >"${0%/*}/dns"
"""
UDHCPC_SCRIPT = """#!/bin/sh
case $1 in
deconfig)
	ip -4 addr flush dev $interface ;;
bound|renew)
	[ -z "$mtu" ] || ip link set $interface mtu $mtu
	ip -4 addr replace $ip/$mask broadcast $broadcast dev $interface
	ip -4 route replace default via ${router%% *} dev $interface ;;
esac
echo "$1 $ip" >>"${0%/*}/events"
echo "$dns" >"${0%/*}/dns"
"""
DHCPCD_CONF = """allowinterfaces eth0
hostname pmip
clientid
option subnet_mask, routers, domain_name_servers, interface_mtu, broadcast_address
require dhcp_server_identifier
timeout 20
reboot 3
script {script}
"""
DHCPCD_SCRIPT = """#!/bin/sh
echo "$reason $new_ip_address" >>"{dir}/events"
[ -z "$new_ip_address" ] || echo "$new_domain_name_servers" >"{dir}/dns"
"""


class Client:
    """A DHCP client on a node's interface, with files of its own in `directory`."""

    #: Whether it notices that its link went away, and asks for its address again.
    sees_link = False

    def __init__(self, node, directory):
        self.node, self.dir, self.proc = node, directory, None
        self.log = directory / "log"
        self.prepare()

    def prepare(self):
        pass

    def script(self, text):
        s = self.dir / "script"
        s.write_text(text)
        s.chmod(0o755)
        return s

    def start(self):
        with open(self.log, "a") as log:
            self.proc = self.node.popen(*self.argv(), stdout=log, stderr=log)

    def stop(self):
        """It says nothing, the address stays where it is."""
        if self.proc:
            end_process(self.proc, signal.SIGKILL)
            self.proc = None

    def events(self):
        f = self.dir / "events"
        return f.read_text().splitlines() if f.exists() else []

    def address(self):
        """The leased address, if the node has it."""
        for link in self.node.ip_json("-4", "addr", "show", "dev", self.node.ifname):
            for a in link.get("addr_info", []):
                if a.get("scope") == "global" and not a.get("tentative"):
                    return a["local"]
        return None

    def wait_address(self, timeout=15):
        """The client's script is through when the default route is there, too."""
        try:
            addr = wait_until(self.address, timeout, f"an IPv4 address on {self.node.name}")
            wait_until(lambda: self.node.ip_json("-4", "route", "show", "default"), timeout,
                       f"an IPv4 default route on {self.node.name}")
            return addr
        except Exception as e:
            raise AssertionError(f"{e}\n{self.log.read_text()[-3000:]}") from None

    def dns(self):
        f = self.dir / "dns"
        return f.read_text().split() if f.exists() else []

    def mtu(self):
        """Of the link, or of the default route where the client has it there."""
        for r in self.node.ip_json("-4", "route", "show", "default"):
            for m in r.get("metrics", []):
                if "mtu" in m:
                    return m["mtu"]
        return self.node.ip_json("link", "show", "dev", self.node.ifname)[0]["mtu"]

    def renew(self):
        """Has it renew its lease now; clients that cannot be told do it at half time."""


class Dhclient(Client):
    def prepare(self):
        # as a copy, which no AppArmor profile forbids to use files elsewhere
        self.program = shutil.copy(shutil.which("dhclient", path="/usr/sbin:/sbin"), self.dir)
        self.script(DHCLIENT_SCRIPT)
        (self.dir / "conf").write_text(
            "timeout 20; retry 2; initial-interval 1; select-timeout 0;\n"
            "request subnet-mask, broadcast-address, routers, domain-name-servers,"
            " interface-mtu;\n")

    def argv(self, *more):
        return [self.program, "-4", "-d", *more, "-lf", self.dir / "leases", "-pf",
                self.dir / "pid", "-sf", self.dir / "script", "-cf", self.dir / "conf",
                self.node.ifname]

    def release(self):
        self.stop()
        self.node.run(*self.argv("-r"), timeout=15)


class Udhcpc(Client):
    def prepare(self):
        self.script(UDHCPC_SCRIPT)
        self.program = shutil.which("udhcpc", path="/usr/sbin:/sbin")

    def argv(self):
        return [self.program, "-f", "-i", self.node.ifname, "-s", self.dir / "script", "-t", 30,
                "-T", 1, "-R", "-O", "mtu", "-O", "dns", "-x", "hostname:pmip"]

    def renew(self):
        self.proc.send_signal(signal.SIGUSR1)

    def release(self):
        self.proc.send_signal(signal.SIGUSR2)
        wait_until(lambda: self.address() is None, 5, "udhcpc to release")
        self.stop()


class Dhcpcd(Client):
    sees_link = True

    def prepare(self):
        s = self.script(DHCPCD_SCRIPT.format(dir=self.dir))
        (self.dir / "conf").write_text(DHCPCD_CONF.format(script=s))
        self.program = shutil.which("dhcpcd", path="/usr/sbin:/sbin")
        self.lib, self.run = self.dir / "lib", self.dir / "run"
        for d in (self.lib, self.run):
            d.mkdir()
            d.chmod(0o777)
        self.dir.chmod(0o755)

    def inside(self, *argv):
        """Files of other dhcpcds on this machine are not seen, nor ours by them."""
        return ["unshare", "-m", "sh", "-c",
                f"mount --bind {self.lib} /var/lib/dhcpcd; mkdir -p /run/dhcpcd && "
                f"mount --bind {self.run} /run/dhcpcd; exec \"$@\"", "sh", *argv]

    def argv(self):
        return self.inside(self.program, "-4", "-B", "-d", "-f", self.dir / "conf",
                           self.node.ifname)

    def release(self):
        self.proc.send_signal(signal.SIGALRM)
        self.proc.wait(10)
        self.proc = None
