# SPDX-License-Identifier: GPL-2.0-or-later
"""DHCPv4 through the MAGs' relay agents, because the LMA wants it so (RFC 5844 3.4.2): dnsmasq in
the transport network, and clients that know nothing of mobility in the nodes.

The server knows mn1 by its link-layer address, mn2 wrongly, and mn3 by the relay agent's hint.
"""

import socket

import pytest

import dhcp
import mh
import tcp
from ask import binding, counters, grown, settled, to_ap, update_entry, wait_registered
from conftest import make_topo
from dhcp import ACK, DISCOVER, OFFER, RELEASE, REQUEST, option
from netns import wait_until
from topo import CN, CN4, ROUTER_MAC, mag_addr4

NETWORK, ROUTER = "100.64.0.0/24", "100.64.0.1"
SERVER = "198.18.2.254"  # of `net`
HOME = {1: "100.64.0.50", 2: "100.64.0.60", 3: "100.64.0.70"}
WRONG = "100.64.0.61"    # what the server has for mn2
LEASE = 600
CIRCUIT, REMOTE, LINK_SELECTION, FLAGS, SERVER_OVERRIDE = 1, 2, 5, 10, 11


class Server:
    def __init__(self, t):
        self.log, self.leases = t.dir / "dnsmasq.log", t.dir / "dnsmasq.leases"
        hint = ":".join(f"{b:02x}" for b in dhcp.ip_bytes(HOME[3]))
        t.net.popen(
            "dnsmasq", "--conf-file=/dev/null", "--keep-in-foreground", "--port=0",
            "--user=root", "--group=root", "--interface=lma0", "--interface=mag1",
            "--interface=mag2", "--bind-dynamic", "--log-dhcp", "--dhcp-authoritative",
            "--no-ping", f"--dhcp-remoteid=set:hinted,{hint}",
            f"--dhcp-range=set:home,100.64.0.0,static,255.255.255.0,{LEASE}",
            f"--dhcp-range=tag:hinted,{HOME[3]},{HOME[3]},255.255.255.0,{LEASE}",
            f"--dhcp-host={t.mn1.mac},{HOME[1]}", f"--dhcp-host={t.mn2.mac},{WRONG}",
            f"--dhcp-option=option:router,{ROUTER}", "--dhcp-option=option:mtu,1400",
            f"--dhcp-leasefile={self.leases}", f"--pid-file={t.dir / 'dnsmasq.pid'}",
            f"--log-facility={self.log}")
        wait_until(lambda: self.log.exists() and "DHCP" in self.log.read_text(), 5, "dnsmasq")

    def has(self, addr):
        return self.leases.exists() and any(
            line.split()[2] == addr for line in self.leases.read_text().splitlines())


@pytest.fixture(scope="module")
def t(request, bindir):
    t = make_topo(request, bindir, nodes=3, decode=[
        *((f"mag{i}", "acc0", "udp port 67 or udp port 68 or arp", None) for i in (1, 2)),
        ("net", "mag1", "udp port 67 and not host 198.18.99.1 and not dst host 198.18.11.1", None)])
    # the server answers from the address that it was asked at
    t.net.ip(*[f"route add {mag_addr4(i)}/32 dev mag{i} src {SERVER}" for i in (1, 2)])
    t.server = Server(t)
    profiles = [{**p, "ipv4": True, "ipv4-home-address": HOME[i + 1]}
                for i, p in enumerate(t._profiles())]
    t.start("lma", t.lma_config(profiles=profiles, lma={
        "ipv4-pools": [{"name": "v4", "prefix": NETWORK}],
        "ipv4-dhcp-support-mode": "relay"}), wait=False)
    for i in (1, 2):
        t.start(f"mag{i}", t.mag_config(i, profiles=profiles, mag={
            "dhcpv4-servers": [SERVER],
            "ipv4-proxy-coa" if i == 1 else "dhcpv4-relay-address": mag_addr4(i)}), wait=False)
    for d in t.daemons.values():
        d.wait_ready()
    return t


@pytest.fixture(scope="module")
def client(t, tmp_path_factory):
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    c = dhcp.Udhcpc(t.mn1, tmp_path_factory.mktemp("udhcpc"))
    c.to_server = t.capture("net", "mag1", "udp port 67")
    c.to_node = t.capture("mag1", "acc0", "udp dst port 68")
    c.start()
    assert c.wait_address() == HOME[1]
    return c


def agent(m):
    """The relay agent information option of a message."""
    o, out = m.options[dhcp.AGENT], {}
    while o:
        out[o[0]] = o[2:2 + o[1]]
        o = o[2 + o[1]:]
    return out


def check_relayed(m, node, mag, unicast=False):
    assert (m.src, m.dst, m.sport, m.dport) == (mag_addr4(mag), SERVER, 67, 67)
    assert (m.giaddr, m.hops, m.chaddr) == (mag_addr4(mag), 1, node.mac)
    a = agent(m)
    assert a[CIRCUIT] == f"acc0/{node.mac}".encode()
    assert a[REMOTE] == dhcp.ip_bytes(HOME[node.number])
    assert a[LINK_SELECTION] == dhcp.ip_bytes("100.64.0.0")
    assert a[SERVER_OVERRIDE] == dhcp.ip_bytes(ROUTER)
    assert bool(a[FLAGS][0] & 0x80) == unicast


def test_lease_is_the_home_address(t, client):
    """V-24 (RFC 5844 3.2.3.2, 3.4.2)"""
    b, u = binding(t, t.mn1), update_entry(t, t.mn1, 1)
    assert (b["ipv4"], u["ipv4"], u["dhcp"]) == (HOME[1], HOME[1], "relay")
    asked = [m for m in dhcp.messages(client.to_server.frames(), mac=t.mn1.mac)]
    assert [m.type for m in asked if m.op == 1] == [DISCOVER, REQUEST]
    for m in asked:
        if m.op == 1:
            check_relayed(m, t.mn1, 1)
    got = dhcp.messages(client.to_node.frames(), mac=t.mn1.mac)
    assert [m.type for m in got] == [OFFER, ACK]
    for m in got:
        assert (m.smac, m.dmac, m.src) == (ROUTER_MAC, t.mn1.mac, ROUTER)
        assert m.address(dhcp.SERVER) == ROUTER and m.yiaddr == HOME[1]
        assert dhcp.AGENT not in m.options, "taken out"
        assert m.number(dhcp.MTU) == 1400, "what the server said"
    assert t.server.has(HOME[1])
    assert t.mn1.ping(CN4, 3, 0.1) == 3 and t.cn.ping(HOME[1], 3, 0.1) == 3
    tcp.carry(t.mn1, t.cn, CN4, 200_000, source=HOME[1])


def test_renewal_at_the_other_mag(t, client):
    """The client renews by unicast with the server that it knows: the MAG is on the way, and adds
    what the server needs."""
    links = t.capture("mag2", "acc0", "udp port 67 or udp port 68"), \
        t.capture("net", "mag2", "udp port 67")

    def move():
        t.move(t.mn1, 2, 0.1)
        wait_registered(t, t.mn1, 2)

    tcp.carry(t.cn, t.mn1, HOME[1], 200_000, during=move)
    client.renew()
    acks = wait_until(lambda: dhcp.messages(links[0].frames(), ACK, t.mn1.mac), 5, "the renewal")
    assert [(m.ciaddr, m.yiaddr, m.address(dhcp.SERVER)) for m in acks] == \
        [(HOME[1], HOME[1], ROUTER)]
    said = [m for m in dhcp.messages(links[0].stop().frames()) if m.op == 1]
    assert [(m.type, m.dst, m.dmac, m.ciaddr) for m in said] == \
        [(REQUEST, ROUTER, ROUTER_MAC, HOME[1])]
    relayed = [m for m in dhcp.messages(links[1].stop().frames(), REQUEST) if m.op == 1]
    assert len(relayed) == 1
    check_relayed(relayed[0], t.mn1, 2, unicast=True)
    assert client.address() == HOME[1] and t.mn1.ping(CN4, 3, 0.1) == 3


def test_release_reaches_server_and_lma(t, client):
    """V-32 (RFC 5844 3.4.3)"""
    six = settled(t, t.mn1, t.mn1.ap)
    client.release()
    wait_until(lambda: binding(t, t.mn1)["ipv4"] is None, 5, "the LMA to have the address back")
    wait_until(lambda: not t.server.has(HOME[1]), 5, "the server to have it back")
    assert binding(t, t.mn1)["prefixes"] and t.mn1.ping(CN, 3, 0.1, src=six) == 3
    client.start()
    assert client.wait_address() == HOME[1]
    assert t.mn1.ping(CN4, 3, 0.1) == 3


def test_server_finds_the_address_in_the_hint(t, tmp_path):
    """It knows nothing of mn3 but what the relay agent says: the home address (RFC 5844 3.4.2)."""
    t.attach(t.mn3, 1)
    settled(t, t.mn3, 1)
    c = dhcp.Dhclient(t.mn3, tmp_path)
    c.start()
    assert c.wait_address() == HOME[3]
    assert t.mn3.ping(CN4, 3, 0.1) == 3
    c.release()
    wait_until(lambda: binding(t, t.mn3)["ipv4"] is None, 5, "the LMA to have the address back")


def test_other_address_than_the_lma_assigned_is_dropped(t, tmp_path):
    """RFC 5844 3.4.2: a server that offers another address is not passed on; the node stays without,
    and keeps IPv6."""
    t.attach(t.mn2, 1)
    six = settled(t, t.mn2, 1)
    link = t.capture("mag1", "acc0", f"udp dst port 68 and ether host {t.mn2.mac}")
    before = counters(t, "mag1")
    c = dhcp.Udhcpc(t.mn2, tmp_path)
    c.start()
    grew = wait_until(lambda: (g := grown(before, counters(t, "mag1"))).get(
        ("dhcpv4_relay", "reply_address"), 0) >= 2 and g, 8, "two offers to be dropped")
    c.stop()
    assert ("dhcpv4_relay", "delivered") not in grew
    assert c.address() is None and dhcp.messages(link.stop().frames()) == []
    assert t.mn2.ping(CN, 3, 0.1, src=six) == 3


def test_request_for_another_address_goes_nowhere(t):
    to_ap(t, t.mn2, 1)
    net = t.capture("net", "mag1", "udp port 67")
    s, before = t.mn2.packet_socket("eth0"), counters(t, "mag1")
    for more in ({"options": option(dhcp.REQUESTED, dhcp.ip_bytes(HOME[1]))},
                 {"ciaddr": HOME[1]}):
        s.send(dhcp.from_client(t.mn2.mac, dhcp.message(t.mn2.mac, REQUEST, **more)))
    wait_until(lambda: grown(before, counters(t, "mag1")).get(
        ("dhcpv4_relay", "foreign_address")) == 2, 3, "both to be dropped")
    assert dhcp.messages(net.stop().frames()) == []


# ---- what comes back

XID = 0x4711


def reply(t, kind=OFFER, xid=XID, mac=None, yiaddr=HOME[2], giaddr=None, circuit=None,
          extra=b""):
    mac = mac or t.mn2.mac
    head = bytearray(dhcp.fixed(mac, xid=xid, op=2, giaddr=giaddr or mag_addr4(1)))
    head[16:20] = dhcp.ip_bytes(yiaddr)
    if circuit is None:
        circuit = f"acc0/{t.mn2.mac}"
    return bytes(head) + option(dhcp.TYPE, bytes([kind])) + \
        option(dhcp.SERVER, dhcp.ip_bytes(ROUTER)) + option(dhcp.LEASE, b"\0\0\2\0") + extra + \
        (option(dhcp.AGENT, option(CIRCUIT, circuit.encode())) if circuit else b"") + b"\xff"


# (source, message, counter)
REPLIES = {
    "stranger": ("198.18.99.1", {}, "reply_foreign_server"),
    "another-relay": (SERVER, {"giaddr": mag_addr4(2)}, "reply_giaddr"),
    "no-agent-option": (SERVER, {"circuit": ""}, "reply_agent_option"),
    "circuit-of-another-form": (SERVER, {"circuit": "acc0"}, "reply_agent_option"),
    "unserved-node": (SERVER, {"circuit": "acc0/02:00:00:00:00:77"}, "reply_unserved"),
    "another-chaddr": (SERVER, {"mac": "02:00:00:00:00:77"}, "reply_chaddr"),
    "another-exchange": (SERVER, {"xid": XID + 1}, "reply_xid"),
    "another-address": (SERVER, {"yiaddr": HOME[1]}, "reply_address"),
    "no-end": (SERVER, {"extra": option(12, b"x" * 9) + b"\x0c\xff"}, "reply_malformed"),
    "right": (SERVER, {}, "delivered"),
}


@pytest.mark.parametrize("src, change, reason", REPLIES.values(), ids=list(REPLIES))
def test_reply_is_believed_only_when_all_fits(t, src, change, reason):
    to_ap(t, t.mn2, 1)
    s = t.mn2.packet_socket("eth0", 3)
    s.settimeout(0.2)
    before = counters(t, "mag1")
    s.send(dhcp.from_client(t.mn2.mac, dhcp.message(t.mn2.mac, DISCOVER, xid=XID)))
    # the server's own answer is another address, and dropped
    wait_until(lambda: ("dhcpv4_relay", "reply_address") in grown(before, counters(t, "mag1")), 3,
               "the exchange to be known")
    before = counters(t, "mag1")
    link = mh.Injector(t.net, "mag1", mh.mac_of(t.mag1, "net0"))
    link.sock.send(dhcp.ether(link.dst_mac, link.src_mac, 0x0800, dhcp.udp4(
        src, mag_addr4(1), 67, 67, reply(t, **change))))
    link.close()
    grew = wait_until(lambda: grown(before, counters(t, "mag1")).get(("dhcpv4_relay", reason)), 3,
                      reason)
    assert grew == 1
    got = []
    try:
        while True:
            f, where = s.recvfrom(65536)
            if where[2] != socket.PACKET_OUTGOING:
                got.append((0, f))
    except TimeoutError:
        pass
    got = [m for m in dhcp.messages(got) if m.op == 2]
    assert [m.yiaddr for m in got] == ([HOME[2]] if reason == "delivered" else [])
    if got:
        assert dhcp.AGENT not in got[0].options and (got[0].smac, got[0].dmac) == (
            ROUTER_MAC, t.mn2.mac)


def test_node_cannot_play_server(t):
    """A reply in the server's name from an access link ends before the relay agent."""
    to_ap(t, t.mn2, 1)
    s, before = t.mn1.packet_socket("eth0"), counters(t, "mag1")
    to_ap(t, t.mn1, 1)
    for src in (SERVER, HOME[1]):
        for dst, dmac in ((mag_addr4(1), ROUTER_MAC), ("255.255.255.255", "ff:ff:ff:ff:ff:ff")):
            s.send(dhcp.ether(dmac, t.mn1.mac, 0x0800,
                              dhcp.udp4(src, dst, 67, 67, reply(t))))
    wait_until(lambda: ("dhcpv4", "bad_op") in grown(before, counters(t, "mag1")), 3, "a discard")
    s.send(dhcp.from_client(t.mn1.mac, dhcp.message(t.mn1.mac, RELEASE, ciaddr=HOME[2]),
                            src=HOME[1], dst=ROUTER, dmac=ROUTER_MAC))
    wait_until(lambda: ("dhcpv4_relay", "foreign_address") in grown(before, counters(t, "mag1")),
               3, "a release of another's address to be dropped")
    grew = {k[1] for k in grown(before, counters(t, "mag1")) if k[0] == "dhcpv4_relay"}
    assert "delivered" not in grew and "reply_giaddr" not in grew, grew


def test_servers_change_while_the_daemon_runs(t):
    d, conf = t.daemons["mag1"], dict(t.daemons["mag1"].conf)
    to_ap(t, t.mn2, 1)
    s = t.mn2.packet_socket("eth0")
    try:
        conf["mag"] = {**conf["mag"], "dhcpv4-servers": []}
        d.write(conf)
        d.ctl("reload")
        before = counters(t, "mag1")
        s.send(dhcp.from_client(t.mn2.mac, dhcp.message(t.mn2.mac, DISCOVER, xid=1)))
        wait_until(lambda: ("dhcpv4_relay", "no_server") in grown(before, counters(t, "mag1")), 3,
                   "nobody to relay to")
    finally:
        conf["mag"] = {**conf["mag"], "dhcpv4-servers": [SERVER]}
        d.write(conf)
        d.ctl("reload")
    before = counters(t, "mag1")
    s.send(dhcp.from_client(t.mn2.mac, dhcp.message(t.mn2.mac, DISCOVER, xid=2)))
    wait_until(lambda: ("dhcpv4_relay", "reply_address") in grown(before, counters(t, "mag1")), 3,
               "the server to be asked again")
