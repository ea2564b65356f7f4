# SPDX-License-Identifier: GPL-2.0-or-later
"""The MAGs as DHCPv4 servers of dhclient, udhcpc and dhcpcd, which know nothing of mobility (RFC
5844 3.4.1): each client has a node of its own, and keeps its address at every MAG."""

import struct

import pytest

import dhcp
import tcp
from ask import binding, counters, grown, settled, update_entry, wait_registered
from conftest import make_topo
from dhcp import ACK, DISCOVER, NAK, OFFER, RELEASE, REQUEST
from netns import wait_until
from topo import CN, CN4, ROUTER_MAC, TUNNEL_MTU

NETWORK, ROUTER = "100.64.0.0/24", "100.64.0.1"
DNS = ["203.0.113.53", "203.0.113.54"]
LEASE = 16  # s; clients renew at half of it
CLIENTS = [dhcp.Dhclient, dhcp.Udhcpc, dhcp.Dhcpcd]
ON_LINK = "udp port 67 or udp port 68 or arp"


@pytest.fixture(scope="module")
def t(request, bindir):
    """Nodes 1 to 3 have a client and both families, node 4 has IPv4 alone."""
    t = make_topo(request, bindir, nodes=4,
                  decode=[(f"mag{i}", "acc0", ON_LINK, None) for i in (1, 2)])
    profiles = [{**p, "ipv4": True, "dns-servers": DNS} for p in t._profiles()]
    profiles[3].update({"ipv6": False, "ipv4-home-address": "100.64.0.44"})
    pools = [{"name": "v4", "prefix": NETWORK}]
    t.start("lma", t.lma_config(lma={"ipv4-pools": pools}, profiles=profiles), wait=False)
    for i in (1, 2):
        t.start(f"mag{i}", t.mag_config(i, mag={"dhcpv4-lease-time": LEASE}, profiles=profiles),
                wait=False)
    for d in t.daemons.values():
        d.wait_ready()
    return t


@pytest.fixture(scope="module")
def clients(t, tmp_path_factory):
    """All of them at MAG 1 with a lease; what was said on the way is in `first`."""
    cap = t.capture("mag1", "acc0", ON_LINK)
    out = {}
    for node, make in zip(t.nodes, CLIENTS):
        t.attach(node, 1)
        c = make(node, tmp_path_factory.mktemp(make.__name__))
        c.start()
        out[make] = c
    for c in out.values():
        c.wait_address()
        settled(t, c.node, 1)
    out["first"] = cap.stop()
    return out


@pytest.fixture(params=CLIENTS, ids=[c.__name__.lower() for c in CLIENTS])
def client(request, clients):
    return clients[request.param]


def served(t, c, mag):
    """The client's lease is what the LMA and the MAG have; returns the address. A test that runs
    without those before it brings the node there first."""
    if c.node.ap != mag:
        t.move(c.node, mag)
    addr = c.wait_address()
    assert wait_registered(t, c.node, mag, 10)["ipv4"] == addr
    return addr


def router_mac(node):
    return {n["dst"]: n.get("lladdr")
            for n in node.ip_json("neigh", "show", "dev", node.ifname)}[ROUTER]


def reaches(t, c, addr):
    assert c.node.ping(CN4, 3, 0.1, src=addr) == 3
    assert t.cn.ping(addr, 3, 0.1) == 3


def test_lease_is_what_the_lma_assigned(t, clients, client):
    """V-23, V-24, V-30, V-31 (RFC 5844 3.4.1, 3.4.3)"""
    addr = served(t, client, 1)
    b, u = binding(t, client.node), update_entry(t, client.node, 1)
    assert (b["ipv4_prefix_len"], b["ipv4_router"], u["dhcp"]) == (24, ROUTER, "server")
    said = dhcp.messages(clients["first"].frames(), mac=client.node.mac)
    assert [m.type for m in said][:4] == [DISCOVER, OFFER, REQUEST, ACK]
    for m in said:
        if m.op == 1:
            continue
        assert (m.smac, m.dmac, m.chaddr) == (ROUTER_MAC, client.node.mac, client.node.mac)
        assert (m.src, m.sport, m.dport, m.yiaddr, m.giaddr) == (ROUTER, 67, 68, addr, "0.0.0.0")
        assert m.address(dhcp.SERVER) == m.address(dhcp.ROUTER) == ROUTER
        assert m.address(dhcp.MASK) == "255.255.255.0"
        assert m.number(dhcp.MTU) == TUNNEL_MTU
        assert m.options[dhcp.DNS] == b"".join(map(dhcp.ip_bytes, DNS))
        assert m.number(dhcp.LEASE) == LEASE and m.number(dhcp.T1) == LEASE // 2
    # what it makes of it
    wait_until(lambda: client.dns() == DNS, 3, "the name servers")
    assert client.mtu() == TUNNEL_MTU
    leases = {n["mac"]: n for n in t.daemons["mag1"].ctl("nodes")}
    assert 0 < leases[client.node.mac]["lease"] <= LEASE


def test_both_families_reach_the_correspondent(t, client):
    """V-8 (RFC 5844 3.1.2.2)"""
    addr = served(t, client, 1)
    reaches(t, client, addr)
    # as large as the MTU that the client was told
    assert client.node.ping(CN4, 2, 0.1, size=TUNNEL_MTU - 28) == 2
    tcp.carry(client.node, t.cn, CN4, 300_000, source=addr)
    tcp.carry(t.cn, client.node, addr, 300_000)
    six = settled(t, client.node, 1)
    assert client.node.ping(CN, 3, 0.1, src=six) == 3 and t.cn.ping(six, 3, 0.1) == 3


def test_nobody_answers_for_the_address_of_the_node_itself(t, clients):
    """V-28 (RFC 5844 3.2.4): dhcpcd probes what it got (RFC 5227) and may have it."""
    c = clients[dhcp.Dhcpcd]
    addr, seen = served(t, c, 1), clients["first"].frames()
    probes = [a for a in dhcp.arps(seen, 1) if a[2] == c.node.mac and a[3] == "0.0.0.0"]
    assert {a[5] for a in probes} == {addr}
    assert [a for a in dhcp.arps(seen, 2) if a[3] == addr] == []


def test_handover_keeps_address_connection_and_lease(t, client):
    """Both families' TCP lives on, the lease is renewed at the new MAG with the same server."""
    node, addr = client.node, served(t, client, 1)
    six = settled(t, node, 1)
    links = [t.capture(f"mag{i}", "acc0", f"ether host {node.mac} and ({ON_LINK})")
             for i in (1, 2)]
    before = t.daemons["mag2"].ctl("nodes")
    assert node.mac not in {n["mac"] for n in before if n["state"] == "served"}
    handovers = binding(t, node)["handovers"]

    def move():
        t.move(node, 2, 0.1)
        assert wait_registered(t, node, 2)["ipv4"] == addr

    tcp.carry(node, t.cn, CN, 300_000, source=six,
              during=lambda: tcp.carry(t.cn, node, addr, 300_000, during=move, timeout=30))
    assert served(t, client, 2) == addr
    assert binding(t, node)["handovers"] == handovers + 1
    reaches(t, client, addr)
    assert node.wait_address() == six and node.ping(CN, 3, 0.1, src=six) == 3

    def renewed():
        said = dhcp.messages(links[1].frames(), mac=node.mac)
        asked = {m.xid for m in said if (m.type, m.ciaddr, m.dst) == (REQUEST, addr, ROUTER)}
        return {m.xid for m in said if m.type == ACK} & asked

    client.renew()
    wait_until(renewed, LEASE, "a renewal by unicast at the new MAG")
    said = dhcp.messages(links[1].stop().frames(), mac=node.mac)
    assert {m.type for m in said} == {REQUEST, ACK}, "it began anew"
    assert {m.dmac for m in said if m.dst == ROUTER} == {ROUTER_MAC}
    assert {m.address(dhcp.SERVER) for m in said if m.type == ACK} == {ROUTER}
    if not client.sees_link:
        assert {m.ciaddr for m in said} == {addr}, "it noticed the move"
    # the default router is the same to ARP, too
    answers = [a for a in dhcp.arps(links[1].frames(), 2) if a[3] == ROUTER]
    assert {(a[0], a[2]) for a in answers} <= {(node.mac, ROUTER_MAC)}
    assert router_mac(node) == ROUTER_MAC
    assert served(t, client, 2) == addr


def test_release_frees_the_address_alone(t, client):
    """V-11, V-26, V-32 (RFC 5844 3.1.2.5, 3.2.3.3, 3.4.3): prefixes stay and carry TCP."""
    node, addr = client.node, served(t, client, 2)
    six = settled(t, node, 2)
    link = t.capture("mag2", "acc0", f"ether host {node.mac} and udp port 67")
    used = pool(t, "v4")["used"]
    before = {d: counters(t, d) for d in ("lma", "mag2")}

    def release():
        client.release()
        wait_until(lambda: binding(t, node)["ipv4"] is None, 5, "the address to be free")

    tcp.carry(node, t.cn, CN, 300_000, source=six, during=release)
    assert [m.ciaddr for m in dhcp.messages(link.stop().frames(), RELEASE, node.mac)] == [addr]
    b, u = wait_registered(t, node, 2), update_entry(t, node, 2)
    assert b["ipv4"] is u["ipv4"] is None and b["prefixes"] and b["state"] == "ACTIVE"
    assert pool(t, "v4")["used"] == used - 1
    assert grown(before["lma"], counters(t, "lma"))["lma", "ipv4_released"] == 1
    assert grown(before["mag2"], counters(t, "mag2"))["dhcpv4_server", "released"] == 1
    assert settled(t, node, 2) == six and node.ping(CN, 3, 0.1, src=six) == 3
    # nobody gets there any more, or away
    node.ip(f"addr replace {addr}/24 dev eth0", f"route replace default via {ROUTER} dev eth0")
    assert node.ping(CN4, 2, 0.1, src=addr) == 0
    assert t.cn.ping(addr, 2, 0.1) == 0
    assert update_entry(t, node, 2)["ipv4"] is None, "only DHCP brings IPv4 back"
    node.ip(f"addr del {addr}/24 dev eth0")
    # and anew
    client.start()
    reaches(t, client, served(t, client, 2))
    assert settled(t, node, 2) == six


def pool(t, name):
    return next(p for p in t.daemons["lma"].ctl("pools") if p["name"] == name)


# ---- a node without IPv6

def test_node_without_ipv6_attaches_by_dhcp_and_moves_by_arp(t, tmp_path):
    """V-1, V-2, V-21 (RFC 5844 3.1.2.1, 3.2.3.1): its profile gives it a fixed address."""
    node, addr = t.mn4, "100.64.0.44"
    node.sysctl(net__ipv6__conf__eth0__disable_ipv6=1)
    client = dhcp.Udhcpc(node, tmp_path)
    t.attach(node, 1)
    client.start()
    assert served(t, client, 1) == addr
    assert binding(t, node)["prefixes"] == []
    reaches(t, client, addr)
    client.stop()  # no more DHCP from here
    link = t.capture("mag2", "acc0", f"ether src {node.mac}")
    before = counters(t, "mag2")

    def move():
        t.move(node, 2, 0.05)
        wait_registered(t, node, 2)

    tcp.carry(node, t.cn, CN4, 300_000, source=addr, during=move)
    kinds = [struct.unpack_from("!H", f, 12)[0] for _, f in link.stop().frames()]
    assert kinds[0] == 0x0806, "ARP was its first sound"
    assert dhcp.messages(link.frames()) == []
    grew = grown(before, counters(t, "mag2"))
    assert grew["access", "attach"] == 1 and grew["arp", "well_formed"] >= 1
    assert router_mac(node) == ROUTER_MAC
    assert binding(t, node)["ipv4"] == addr and binding(t, node)["prefixes"] == []
    reaches(t, client, addr)


def test_nothing_was_refused_on_the_way(t, clients):
    """After all of the above: no NAK, no message that anybody could not read."""
    for i in (1, 2):
        odd = {k: v for k, v in counters(t, f"mag{i}").items()
               if k[0] in ("dhcpv4", "dhcpv4_server", "dhcpv4_relay", "arp") and v and k[1] not in
               ("well_formed", "offered", "acked_selecting", "acked_init_reboot",
                "acked_renewing", "acked_rebinding", "released", "held", "held_replaced", "own_address", "reply",
                "answered_router", "answered_proxy", "no_ipv4", "unserved")}
        assert odd == {}
        seen = next(c for c in t.captures if c.path.name.endswith(f"mag{i}-acc0.pcap"))
        assert dhcp.messages(seen.frames(), NAK) == []
