# SPDX-License-Identifier: GPL-2.0-or-later
"""DHCPv6 through the MAGs' relay agents: dnsmasq in the correspondent's namespace, dhclient in the
mobile node. Neither knows anything of mobility (RFC 5213 6.11)."""

import ipaddress
import re
import shutil
import signal
import struct
import time

import pytest

import mh
from ask import counter, counters, drops, grown, settled, to_ap, update_entry
from capture import eth, ip6
from conftest import make_topo
from netns import end_process, wait_until
from topo import CN, LMAA, ROUTER_LL, ROUTER_MAC, STATIC, mag_addr

PREFIX = "2001:db8:f00:1::"
FIRST, LAST = f"{PREFIX}100", f"{PREFIX}1ff"
LINK_ADDRESS = "2001:db8:f00:1:200:5eff:fe00:5213"
ALL_AGENTS = "ff02::1:2"
ALL_AGENTS_MAC = "33:33:00:01:00:02"
LEASE = 120  # the least that dnsmasq gives; T1 is half of it
SOLICIT, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY = 1, 2, 3, 4, 5, 6, 7
RELAY_FORW, RELAY_REPL = 12, 13

# What a dhclient-script is for, as far as the address of one interface goes.
SCRIPT = """#!/bin/sh
case $reason in
BOUND6|RENEW6|REBIND6)
	ip -6 addr replace $new_ip6_address/128 dev $interface nodad \\
		valid_lft $new_max_life preferred_lft $new_preferred_life ;;
EXPIRE6|RELEASE6|STOP6)
	ip -6 addr del $old_ip6_address/128 dev $interface 2>/dev/null ;;
esac
echo $reason $new_ip6_address $old_ip6_address >>"${0%/*}/reasons"
"""


class Client:
    """dhclient on a node's interface; what it remembers outlives it. It runs as a copy, which no
    AppArmor profile of Debian's forbids to use files elsewhere."""

    def __init__(self, node, directory):
        self.node, self.dir = node, directory
        self.program = shutil.copy(shutil.which("dhclient", path="/usr/sbin:/sbin"), directory)
        self.leases, script = self.dir / "leases", self.dir / "script"
        script.write_text(SCRIPT)
        script.chmod(0o755)
        self.leases.write_text("")
        (self.dir / "conf").write_text("timeout 20;\n")
        self.proc = None

    def start(self):
        (self.dir / "reasons").unlink(missing_ok=True)
        with open(self.dir / "log", "a") as log:
            self.proc = self.node.popen(
                self.program, "-6", "-N", "-d", "-D", "LL", "-lf", self.leases,
                "-pf", self.dir / "pid", "-sf", self.dir / "script", "-cf", self.dir / "conf",
                self.node.ifname, stdout=log, stderr=log)

    def stop(self):
        """It forgets nothing and says nothing; the address stays where it is."""
        self.proc.send_signal(signal.SIGKILL)
        end_process(self.proc)

    def reasons(self):
        f = self.dir / "reasons"
        return [x.split()[0] for x in f.read_text().splitlines()] if f.exists() else []

    def wait(self, reason, timeout=15):
        try:
            wait_until(lambda: reason in self.reasons(), timeout, f"dhclient to report {reason}")
        except Exception as e:
            raise AssertionError(f"{e}\n{(self.dir / 'log').read_text()[-3000:]}") from None

    def address(self):
        """The leased one, if the node has it."""
        return next((a for a in self.node.addresses()
                     if ipaddress.ip_address(FIRST) <= ipaddress.ip_address(a)
                     <= ipaddress.ip_address(LAST)), None)

    def age(self, seconds):
        """The lease was taken so much earlier."""
        self.leases.write_text(re.sub(r"starts (\d+);",
                                      lambda m: f"starts {int(m[1]) - seconds};",
                                      self.leases.read_text()))


class Server:
    def __init__(self, t, ns="cn", ifname="eth0"):
        self.log = t.dir / "dnsmasq.log"
        self.proc = t.ns[ns].popen(
            "dnsmasq", "--conf-file=/dev/null", "--keep-in-foreground", "--port=0",
            "--user=root", "--group=root", f"--interface={ifname}", "--bind-dynamic",
            f"--dhcp-range={FIRST},{LAST},64,{LEASE}", "--dhcp-authoritative", "--log-dhcp",
            f"--dhcp-leasefile={t.dir / 'dnsmasq.leases'}", f"--pid-file={t.dir / 'dnsmasq.pid'}",
            f"--log-facility={self.log}")
        wait_until(lambda: self.log.exists() and "DHCPv6, IP range" in self.log.read_text(), 5,
                   "dnsmasq")


def with_servers(t, i, servers=(CN,)):
    return t.mag_config(i, mag={"dhcpv6-servers": list(servers), "router-advertisements": {
        "managed": True, "other": True}})


@pytest.fixture(scope="module")
def t(request, bindir):
    t = make_topo(request, bindir)
    assert ipaddress.ip_network(f"{PREFIX}/64").subnet_of(ipaddress.ip_network(STATIC))
    conf = t.lma_config()
    conf["profiles"][0]["prefixes"] = [f"{PREFIX}/64"]
    t.start("lma", conf)
    for i in (1, 2):
        conf = with_servers(t, i)
        conf["profiles"][0]["prefixes"] = [f"{PREFIX}/64"]
        t.start(f"mag{i}", conf)
    for n in t.nodes:
        t.attach(n, 1)
    for n in t.nodes:
        settled(t, n, 1)
    t.net.ip(f"route add {CN}/128 via {LMAA}")  # the server is in the transport network as well
    t.server = Server(t)
    return t


def udp_of(frames, port):
    """[(ethernet, ip source, ip destination, UDP payload)] to that port."""
    out = []
    for _, f in frames:
        dst, src, kind, packet = eth(f)
        if kind != 0x86dd or len(packet) < 48:
            continue
        s, d, nxt, body = ip6(packet)
        if nxt == mh.UDP and struct.unpack_from("!H", body, 2)[0] == port:
            assert mh.checksum(s, d, mh.UDP, body) == 0
            out.append(((dst, src), s, d, body[8:]))
    return out


def options(data):
    out = []
    while data:
        code, n = struct.unpack_from("!HH", data)
        out.append((code, data[4:4 + n]))
        data = data[4 + n:]
    return out


def test_lease_survives_the_move_to_another_mag(t, tmp_path):
    node = t.mn1
    to_ap(t, node, 1)
    net = t.capture("mag1", "net0", "udp port 547")
    acc = t.capture("mag1", "acc0", "udp port 546 or udp port 547")
    client = Client(node, tmp_path)
    client.start()
    client.wait("BOUND6")
    addr = wait_until(client.address, 5, "the leased address")
    assert node.ping(CN, 3, 0.1, src=addr) == 3
    assert t.cn.ping(addr, 3, 0.1) == 3
    check_relayed(node, udp_of(net.stop().frames(), 547))
    check_delivered(node, udp_of(acc.stop().frames(), 546))

    # It moves, and renews there what it got here.
    to_ap(t, node, 2)
    assert node.ping(CN, 3, 0.1, src=addr) == 3
    for age, kind, reason in ((LEASE // 2, RENEW, "RENEW6"), (LEASE - 10, REBIND, "REBIND6")):
        client.stop()
        client.age(age)
        net = t.capture("mag2", "net0", "udp port 547")
        client.start()
        client.wait(reason)
        assert client.address() == addr
        relayed = check_relayed(node, udp_of(net.stop().frames(), 547), mag=2)
        assert kind in relayed, relayed
        assert SOLICIT not in relayed and REQUEST not in relayed
        assert node.ping(CN, 3, 0.1, src=addr) == 3
    client.stop()
    # one lease of one link: to the server it never moved
    leases = [x for x in (t.dir / "dnsmasq.leases").read_text().splitlines() if PREFIX in x]
    assert len(leases) == 1 and addr in leases[0]


def check_relayed(node, packets, mag=1):
    """Every message between relay agent and server is as RFC 8415 19 wants it. Returns the types of
    what the node said."""
    said = []
    for _, src, dst, msg in packets:
        kind, hops = msg[0], msg[1]
        link, peer = (str(ipaddress.IPv6Address(msg[a:a + 16])) for a in (2, 18))
        opts = dict(options(msg[34:]))
        assert {src, dst} == {mag_addr(mag), CN}
        assert kind == (RELAY_FORW if dst == CN else RELAY_REPL)
        assert hops == 0
        assert link == LINK_ADDRESS
        assert ipaddress.ip_address(peer).is_link_local
        assert opts[18] == f"acc0/{node.mac}".encode()
        if kind == RELAY_FORW:
            assert opts[79] == b"\0\1" + mh.mac_bytes(node.mac)
            said.append(opts[9][0])
    assert said
    return said


def check_delivered(node, packets):
    assert {p[3][0] for p in packets} >= {ADVERTISE, REPLY}
    for (dmac, smac), src, dst, _ in packets:
        assert (dmac, smac) == (node.mac, ROUTER_MAC)
        assert src == ROUTER_LL and ipaddress.ip_address(dst).is_link_local


def client_frame(mac, msg, src="fe80::ff:fe00:99", to=ALL_AGENTS_MAC):
    return mh.frame(to, mac, mh.udp(src, ALL_AGENTS, 546, 547, msg))


def message(kind, *opts):
    return struct.pack("!I", kind << 24 | 0x123456) + b"".join(
        struct.pack("!HH", c, len(d)) + d for c, d in opts)


DUID = (1, b"\0\3\0\1\2\0\0\0\0\x99")


def frames_to_server(t, send):
    """What crosses the network while `send` runs, and which counters of the relay agent grew."""
    cap = t.capture("net", "mag1", "udp port 547")
    before = counters(t, "mag1")
    send()
    time.sleep(0.4)
    grew = {k[1]: v for k, v in grown(before, counters(t, "mag1")).items() if k[0] == "dhcpv6"}
    return udp_of(cap.stop().frames(), 547), grew


def test_unserved_node_is_dropped_and_counted(t):
    to_ap(t, t.mn1, 1)
    s = t.mn1.packet_socket("eth0")
    got, grew = frames_to_server(t, lambda: [
        s.send(client_frame("02:66:00:00:00:01", message(SOLICIT, DUID), "fe80::66"))
        for _ in range(3)])
    assert got == [] and grew == {"well_formed": 3, "unserved": 3}

    # ... nor does it become somebody by that
    assert t.daemons["mag1"].ctl("update-list", "02-66-00-00-00-01@example.com") == []


@pytest.mark.parametrize("msg, reason", [
    (bytes([RELAY_FORW, 0]) + bytes(32) + struct.pack("!HHI", 9, 4, SOLICIT << 24), "from_relay"),
    (message(REPLY, DUID), "from_server"),
    (message(SOLICIT, DUID, (18, b"acc0/02:00:00:00:00:02")), "relay_option"),
    (message(SOLICIT, DUID)[:-1], "malformed"),
    (b"\1", "malformed"),
], ids=["relay-forward", "reply", "interface-id", "cut", "one-octet"])
def test_hostile_client_message_is_dropped_and_counted(t, msg, reason):
    to_ap(t, t.mn1, 1)
    s = t.mn1.packet_socket("eth0")
    got, grew = frames_to_server(t, lambda: s.send(client_frame(t.mn1.mac, msg)))
    assert got == [] and grew == {reason: 1}


def test_node_that_floods_is_slowed_down(t):
    to_ap(t, t.mn1, 1)
    time.sleep(2.5)  # its bucket is full again
    s = t.mn1.packet_socket("eth0")
    frame = client_frame(t.mn1.mac, message(SOLICIT, (1, b"")))
    got, grew = frames_to_server(t, lambda: [s.send(frame) for _ in range(200)])
    relayed = [p for p in got if p[3][0] == RELAY_FORW]
    assert 10 <= len(relayed) <= 20
    assert grew["rate_limited"] == 200 - len(relayed)
    # the other one is heard all the same
    s = t.mn2.packet_socket("eth0")
    to_ap(t, t.mn2, 1)
    _, grew = frames_to_server(t, lambda: s.send(
        client_frame(t.mn2.mac, message(SOLICIT, (1, b"")))))
    assert grew["relayed"] == 1


def relay_reply(link=LINK_ADDRESS, peer="fe80::ff:fe00:1", ifid=None, inner=None):
    inner = message(REPLY, DUID) if inner is None else inner
    return bytes([RELAY_REPL, 0]) + mh.packed(link) + mh.packed(peer) + b"".join(
        struct.pack("!HH", c, len(d)) + d for c, d in ((18, ifid), (9, inner)))


@pytest.mark.parametrize("src, change, reason", [
    ("2001:db8:c::66", {}, "reply_foreign_server"),
    (mag_addr(2), {}, "reply_foreign_server"),
    (CN, {"ifid": b"acc0/02:00:00:00:00:77"}, "reply_unserved"),
    (CN, {"ifid": b"net0/02:00:00:00:00:01"}, "reply_interface_id"),
    (CN, {"link": "2001:db8:f00:2:200:5eff:fe00:5213"}, "reply_link_address"),
    (CN, {"peer": "fe80::bad"}, "reply_peer_address"),
    (CN, {"inner": bytes([RELAY_REPL, 0]) + bytes(32)}, "reply_nested"),
    (CN, {}, "delivered"),
], ids=["stranger", "another-mag", "unserved", "interface", "link", "peer", "nested", "right"])
def test_reply_is_believed_only_when_all_fits(t, src, change, reason):
    node = t.mn1
    to_ap(t, node, 1)
    fields = {"ifid": f"acc0/{node.mac}".encode(), "peer": "fe80::ff:fe00:99", **change}
    s = node.packet_socket("eth0")
    time.sleep(0.5)  # a token of its bucket
    s.send(client_frame(node.mac, message(SOLICIT, (1, b""))))
    time.sleep(0.3)
    acc = t.capture("mag1", "acc0", "udp port 546")
    net = mh.into_mag(t, 1)
    before = counters(t, "mag1")
    net.packet(mh.udp(src, mag_addr(1), 547, 547, relay_reply(**fields)))
    wait_until(lambda: ("dhcpv6", reason) in grown(before, counters(t, "mag1")), 3, reason)
    net.close()
    time.sleep(0.2)
    got = udp_of(acc.stop().frames(), 546)
    assert [p[3] for p in got] == ([message(REPLY, DUID)] if reason == "delivered" else [])


def test_node_cannot_play_server(t):
    """A reply in the server's name from an access link ends before the relay agent."""
    node = t.mn1
    to_ap(t, node, 1)
    s = node.packet_socket("eth0")

    def discarded():
        return sum(drops(t, "mag1").values()) + counter(t, "mag1", "from_access_link")

    before, lost = counters(t, "mag1"), discarded()
    for dst in (ROUTER_MAC, "ff:ff:ff:ff:ff:ff"):
        s.send(mh.frame(dst, node.mac, mh.udp(CN, mag_addr(1), 547, 547, relay_reply(
            ifid=f"acc0/{t.mn2.mac}".encode()))))
    wait_until(lambda: discarded() >= lost + 2, 3, "both to be discarded under a name")
    grew = {k for k in grown(before, counters(t, "mag1")) if k[0] == "dhcpv6"}
    assert grew == set()


def test_servers_change_while_the_daemon_runs(t):
    to_ap(t, t.mn1, 1)
    d = t.daemons["mag1"]
    entry = update_entry(t, t.mn1, 1)
    s = t.mn1.packet_socket("eth0")
    frame = client_frame(t.mn1.mac, message(SOLICIT, (1, b"")))
    conf = dict(d.conf)

    def reload(servers):
        conf["mag"] = {**conf["mag"], "dhcpv6-servers": servers}
        d.write(conf)
        d.ctl("reload")
        time.sleep(0.5)

    def sockets():
        return t.mag1.run("ss", "-lun").stdout.count(f"[{mag_addr(1)}]:547")

    assert sockets() == 1
    reload([])
    assert sockets() == 0
    got, grew = frames_to_server(t, lambda: s.send(frame))
    assert got == [] and grew == {"no_server": 1}
    reload([CN, LMAA])
    assert sockets() == 1
    got, grew = frames_to_server(t, lambda: s.send(frame))
    assert {p[2] for p in got if p[3][0] == RELAY_FORW} == {CN, LMAA}
    reload([CN])
    assert counter(t, "mag1", "relayed", "dhcpv6") >= 1
    assert update_entry(t, t.mn1, 1)["prefixes"] == entry["prefixes"]


def test_port_of_another_program_is_named(fresh):
    """Somebody who does not share UDP port 547 makes the start fail with one line."""
    t = fresh(signalling=None, nodes=1, mags=1)
    s = t.mag1.socket(10, 2, 0)  # AF_INET6, SOCK_DGRAM
    s.bind(("::", 547))
    conf = with_servers(t, 1)
    d = t.start("mag1", conf, wait=False)
    assert d.proc.wait(10) != 0
    s.close()
    assert "mag.dhcpv6-servers: another relay agent or server has it" in d.log()
