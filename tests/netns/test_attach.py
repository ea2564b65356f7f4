# SPDX-License-Identifier: GPL-2.0-or-later
"""A node appears on an access link, gets its prefix, and packets flow both ways."""

import ipaddress
import signal
import struct
import time

import pytest

from ask import (binding, registered, settled, to_ap, update_entry, wait_gone, wait_registered)
from capture import Flow, eth, ip6, ra_options, router_advertisements
from netns import wait_until
from tcp import carry
from topo import CN, POOL, ROUTER_LL, ROUTER_MAC, TUNNEL_MTU, mag_addr


def ra_prefixes(ra):
    """[(prefix, length, valid, preferred)] of a Router Advertisement."""
    out = []
    for o in ra_options(ra).get(3, []):
        valid, preferred = struct.unpack_from("!II", o, 4)
        out.append((str(ipaddress.IPv6Address(o[16:32])), o[2], valid, preferred))
    return out


def test_address_is_from_the_pool_and_both_ends_agree(domain):
    for node in domain.nodes:
        addr = settled(domain, node, 1)
        assert ipaddress.ip_address(addr) in ipaddress.ip_network(POOL)
        b, u = binding(domain, node), update_entry(domain, node, 1)
        assert b["proxy_coa"] == mag_addr(1)
        assert b["mag"] == "mag1"
        assert b["prefixes"] == u["prefixes"] and len(b["prefixes"]) == 1
        assert ipaddress.ip_address(addr) in ipaddress.ip_network(b["prefixes"][0])
        assert u["mac"] == node.mac and u["ifname"] == "acc0"
        assert update_entry(domain, node, 2) is None


def test_nodes_get_different_prefixes(domain):
    a, b = (binding(domain, n)["prefixes"] for n in domain.nodes)
    assert not set(a) & set(b)


def test_default_route_is_the_fixed_router(domain):
    for node in domain.nodes:
        routes = node.default_route()
        assert [r["gateway"] for r in routes] == [ROUTER_LL]
        neigh = node.ip_json("-6", "neigh", "show", ROUTER_LL, "dev", node.ifname)
        assert all(n.get("lladdr", ROUTER_MAC) == ROUTER_MAC for n in neigh)


def test_ping_both_ways(domain):
    for node in domain.nodes:
        assert node.ping(CN, 5, 0.1) == 5
        assert domain.cn.ping(node.wait_address(), 5, 0.1) == 5


def test_ping_between_two_nodes(domain):
    a, b = (n.wait_address() for n in domain.nodes)
    assert domain.mn1.ping(b, 5, 0.1) == 5
    assert domain.mn2.ping(a, 5, 0.1) == 5


def test_udp_both_ways_without_loss(domain):
    addr = domain.mn1.wait_address()
    down = Flow(domain, "cn", "mn1", addr, 6001)
    up = Flow(domain, "mn1", "cn", CN, 6002)
    time.sleep(1.5)
    for flow in (down.finish(), up.finish()):
        assert len(flow.sent) > 1200
        assert flow.lost == [] and flow.duplicates == 0


@pytest.mark.parametrize("size", [0, 1, 1000, TUNNEL_MTU - 48])
def test_ping_of_every_size_that_fits_the_tunnel(domain, size):
    # 40 octets of IPv6 and 8 of ICMPv6 in front of the data
    assert domain.mn1.ping(CN, 2, 0.1, size=size or None) == 2
    assert domain.cn.ping(domain.mn1.wait_address(), 2, 0.1, size=size or None) == 2


def test_packet_too_big_makes_the_correspondent_send_less(domain):
    """The correspondent's link takes 1500, the tunnel 1460: it must be told."""
    addr = domain.mn1.wait_address()
    domain.cn.run("ip", "-6", "route", "flush", "cache", check=False)
    cap = domain.capture("cn", "eth0", "icmp6 and ip6[40] == 2")
    domain.cn.ping(addr, 2, 0.1, size=1452)
    wait_until(lambda: cap.frames(), 3, "a Packet Too Big at the correspondent")
    cap.stop()
    mtu = struct.unpack_from("!I", ip6(eth(cap.frames()[0][1])[3])[3], 4)[0]
    assert 1280 <= mtu <= TUNNEL_MTU
    r = domain.cn.run("ping", "-6", "-n", "-q", "-c", 3, "-i", 0.1, "-s", 1452, addr, check=False)
    assert " 3 received" in r.stdout, "fragments of a large packet must arrive"


@pytest.mark.parametrize("reverse", [False, True], ids=["upload", "download"])
def test_tcp(domain, reverse):
    if reverse:
        took = carry(domain.cn, domain.mn1, domain.mn1.wait_address(), 10_000_000)
    else:
        took = carry(domain.mn1, domain.cn, CN, 10_000_000)
    assert took < 2


def test_sessions_count_packets(domain):
    def counts():
        s = [x for x in domain.daemons["lma"].ctl("sessions", domain.mn1.mnid)]
        return sum(x["down_packets"] for x in s), sum(x["up_packets"] for x in s)
    before = counts()
    assert domain.mn1.ping(CN, 10, 0.05) == 10
    wait_until(lambda: all(b - a >= 10 for a, b in zip(before, counts())), 3, "session counters")


def test_interfaces_show_their_hook(domain):
    for name, expected in (("lma", {"net0", "inet0"}), ("mag1", {"net0", "acc0"})):
        rows = {r["ifname"]: r for r in domain.daemons[name].ctl("interfaces")
                if r["kind"] != "host"}
        assert set(rows) == expected
        for r in rows.values():
            assert r["state"] == "up"
            assert "xdp" in r["hook"] and "tc" in r["hook"], "veth has native XDP"
            assert "generic" not in r["hook"]
        if name == "mag1":
            assert rows["acc0"]["kind"] == "access" and rows["acc0"]["nodes"] == 2


def test_router_advertisement_is_the_same_on_every_mag(domain):
    """RFC 6543, RFC 5213 6.9.2: source address, link-layer address and MTU never change."""
    seen = {}
    for ap in (1, 2):
        cap = domain.capture("mn1", "eth0", "icmp6 and ip6[40] == 134")
        if domain.mn1.ap == ap:
            to_ap(domain, domain.mn1, 3 - ap)
        to_ap(domain, domain.mn1, ap)
        mine = wait_until(lambda: [r for r in router_advertisements(cap.frames())
                                   if ra_prefixes(r[5])], 5, "a Router Advertisement")
        cap.stop()
        _, dmac, smac, src, dst, ra = mine[-1]
        assert dmac == domain.mn1.mac, "RFC 6085: told to this node alone"
        assert smac == ROUTER_MAC and src == ROUTER_LL
        assert dst == "ff02::1" or dst.startswith("fe80::")
        opts = ra_options(ra)
        assert [o[2:8].hex(":") for o in opts[1]] == [ROUTER_MAC]
        assert [struct.unpack_from("!I", o, 4)[0] for o in opts[5]] == [TUNNEL_MTU]
        assert struct.unpack_from("!H", ra, 6)[0] > 0, "router lifetime"
        prefixes = ra_prefixes(ra)
        assert [f"{p}/{n}" for p, n, _, _ in prefixes] == binding(domain, domain.mn1)["prefixes"]
        assert all(v > 0 and 0 < p <= v for _, _, v, p in prefixes)
        seen[ap] = (ra[4:6], sorted(opts), [p[:2] for p in prefixes])
    assert seen[1] == seen[2]
    to_ap(domain, domain.mn1, 1)


def test_nodes_on_one_link_do_not_see_each_others_advertisement(domain):
    """The bridge floods frames to group addresses; each RA must name one node's own address."""
    caps = {n.name: domain.capture(n.name, "eth0", "icmp6 and ip6[40] == 134")
            for n in domain.nodes}
    for n in domain.nodes:
        to_ap(domain, n, 2)
    for n in domain.nodes:
        to_ap(domain, n, 1)
    for n in domain.nodes:
        own = binding(domain, n)["prefixes"]
        wait_until(lambda: router_advertisements(caps[n.name].frames()), 5, "an RA")
        ras = router_advertisements(caps[n.name].stop().frames())
        assert {r[1] for r in ras} == {n.mac}
        for r in ras:
            assert [f"{p[0]}/{p[1]}" for p in ra_prefixes(r[5])] in ([], own)
        prefixes = {str(ipaddress.ip_interface(a + "/64").network) for a in n.addresses(True)}
        assert prefixes == set(own), "the node configured nobody else's prefix"


def test_no_prefix_is_advertised_before_the_lma_answers(fresh):
    """The LMA is stopped in mid-air: RFC 5213 6.9.1.2, no Router Advertisement with a prefix."""
    t = fresh(nodes=1)
    t.start_all()
    cap = t.capture("mn1", "eth0", "icmp6 and ip6[40] == 134")
    pbu = t.capture("mag1", "net0", "ip6 proto 135")
    t.daemons["lma"].send_signal(signal.SIGSTOP)
    t.attach(t.mn1, 1)
    wait_until(lambda: len(pbu.frames()) >= 2, 5, "a PBU and its retransmission")
    assert [r for r in router_advertisements(cap.frames()) if ra_prefixes(r[5])] == []
    assert t.mn1.addresses(tentative=True) == []
    t.daemons["lma"].send_signal(signal.SIGCONT)
    settled(t, t.mn1, 1)
    assert t.mn1.ping(CN, 3, 0.1) == 3


# ---- triggers ---------------------------------------------------------------------------------


def raw_node(t, ap, n=1):
    """A node whose kernel says nothing: every frame is ours."""
    node = t.nodes[n - 1]
    node.sysctl(net__ipv6__conf__eth0__disable_ipv6=1)
    t.attach(node, ap)
    wait_until(lambda: node.link_up("eth0"), 3, "the link")
    return node, node.packet_socket("eth0")


def solicitation(node, kind):
    """Frames by which hosts show themselves."""
    import mh
    ll = "fe80::ff:fe00:1"
    if kind == "rs":
        body = bytes([133, 0, 0, 0, 0, 0, 0, 0, 1, 1]) + mh.mac_bytes(node.mac)
        return mh.frame("33:33:00:00:00:02", node.mac, mh.icmp6(ll, "ff02::2", body))
    if kind == "rs-unspecified":
        return mh.frame("33:33:00:00:00:02", node.mac,
                        mh.icmp6("::", "ff02::2", bytes([133, 0, 0, 0, 0, 0, 0, 0])))
    if kind == "dad":
        return mh.frame("33:33:ff:00:00:01", node.mac, mh.icmp6(
            "::", "ff02::1:ff00:1", bytes([135, 0, 0, 0, 0, 0, 0, 0]) + mh.packed(ll)))
    if kind == "ns":
        body = bytes([135, 0, 0, 0, 0, 0, 0, 0]) + mh.packed(ROUTER_LL) + bytes([1, 1]) + \
            mh.mac_bytes(node.mac)
        return mh.frame("33:33:ff:00:52:13", node.mac, mh.icmp6(ll, "ff02::1:ff00:5213", body))
    raise ValueError(kind)


@pytest.fixture(scope="module")
def quiet(request, bindir):
    """A domain whose node never speaks by itself."""
    from conftest import make_topo
    t = make_topo(request, bindir, nodes=1)
    t.start_all()
    t.raw, t.tx = raw_node(t, 1)
    return t


@pytest.mark.parametrize("kind", ["rs", "rs-unspecified", "dad", "ns"])
def test_trigger(quiet, kind):
    t = quiet
    assert update_entry(t, t.raw, 1) is None
    rx = t.capture("mn1", "eth0", "icmp6 and ip6[40] == 134")
    t.tx.send(solicitation(t.raw, kind))
    wait_registered(t, t.raw, 1)
    got = wait_until(lambda: [r for r in router_advertisements(rx.frames()) if ra_prefixes(r[5])],
                     3, "the Router Advertisement that follows the PBA")
    assert got[0][1] == t.raw.mac
    rx.stop()
    t.daemons["mag1"].ctl("detach", t.raw.mnid)
    wait_gone(t, t.raw, 1)


def test_attach_and_detach_by_pmipctl(quiet):
    t = quiet
    t.daemons["mag1"].ctl("attach", "acc0", t.raw.mac)
    wait_registered(t, t.raw, 1)
    t.daemons["mag1"].ctl("detach", "acc0", t.raw.mac)
    wait_gone(t, t.raw, 1)
    r = t.daemons["mag1"].pmipctl("attach", "nosuch0", t.raw.mac)
    assert r.returncode != 0 and (r.stdout + r.stderr).count("\n") == 1
    r = t.daemons["mag1"].pmipctl("detach", "nobody@example.com")
    assert r.returncode != 0


def test_gateway_address_is_defended_against_dad(quiet):
    """A node that tries to take the router's link-local address learns that it is in use."""
    import mh
    t = quiet
    rx = t.capture("mn1", "eth0", "icmp6 and ip6[40] == 136")
    t.tx.send(mh.frame("33:33:ff:00:52:13", t.raw.mac, mh.icmp6(
        "::", "ff02::1:ff00:5213", bytes([135, 0, 0, 0, 0, 0, 0, 0]) + mh.packed(ROUTER_LL))))
    na = wait_until(lambda: rx.frames(), 3, "a Neighbor Advertisement")
    rx.stop()
    _, smac, _, p = eth(na[0][1])
    src, dst, _, body = ip6(p)
    assert body[8:24] == mh.packed(ROUTER_LL) and src == ROUTER_LL and smac == ROUTER_MAC
    assert dst == "ff02::1"


# ---- detach -----------------------------------------------------------------------------------


def wait_released(t, node, timeout):
    """De-registration reached the LMA: the binding is gone or lingers without serving."""
    def gone():
        b = binding(t, node)
        return b is None or b["state"].lower() != "active"
    wait_until(gone, timeout, f"the LMA to let {node.name} go")


def test_detach_by_link_down(fresh):
    t = fresh(access="p2p", nodes=1)
    t.start("lma")
    t.attach(t.mn1, 1)
    t.start("mag1")
    settled(t, t.mn1, 1)
    assert t.mn1.ping(CN, 3, 0.1) == 3
    t0 = time.monotonic()
    t.mn1.ip("link set eth0 down")
    wait_gone(t, t.mn1, 1, 3)
    wait_released(t, t.mn1, 3)
    assert time.monotonic() - t0 < 3


def test_detach_by_forwarding_database(fresh):
    """acc0 is a bridge in the MAG: the node's port leaves it, its entry goes."""
    t = fresh(access="bridge", nodes=2)
    t.attach(t.mn1, 1)
    t.attach(t.mn2, 1)
    # Idle probing would take 60 s: what detaches the node is the bridge.
    t.start("lma")
    t.start("mag1", t.mag_config(1, mag={**t.mag_config(1)["mag"], "access": [
        {"name": "acc0", "type": "shared", "probe-interval": 60000}]}))
    settled(t, t.mn1, 1)
    settled(t, t.mn2, 1)
    assert t.mn1.ping(CN, 3, 0.1) == 3
    rows = {r["ifname"]: r for r in t.daemons["mag1"].ctl("interfaces")}
    assert "tc" in rows["acc0"]["hook"]
    t.detach(t.mn1)
    wait_gone(t, t.mn1, 1, 5)
    wait_released(t, t.mn1, 3)
    assert t.mn2.ping(CN, 3, 0.1) == 3, "the other node of the bridge stays"


def test_detach_by_unanswered_probes(fresh):
    t = fresh(nodes=1)
    t.start("lma")
    t.start("mag1", t.mag_config(1, mag={**t.mag_config(1)["mag"], "access": [
        {"name": "acc0", "type": "shared", "probe-interval": 200, "probe-count": 3}]}))
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    time.sleep(1.5)
    assert registered(t, t.mn1, 1), "a node that answers probes stays"
    t.detach(t.mn1)
    wait_gone(t, t.mn1, 1, 4)
    wait_released(t, t.mn1, 3)


def test_detached_node_comes_back_to_its_prefix(fresh):
    """Within MinDelayBeforeBCEDelete the LMA still knows the node."""
    t = fresh(nodes=1)
    t.start_all()
    t.attach(t.mn1, 1)
    addr = settled(t, t.mn1, 1)
    t.daemons["mag1"].ctl("detach", t.mn1.mnid)
    wait_gone(t, t.mn1, 1)
    t.move(t.mn1, 2)
    assert settled(t, t.mn1, 2) == addr
    assert t.mn1.ping(CN, 3, 0.1) == 3
