# SPDX-License-Identifier: GPL-2.0-or-later
"""The LMA's own host and mobile nodes talk to each other, by pmip0 (RFC 5213 5.6.2)."""

import copy
import hashlib
import ipaddress
import signal
import socket
import struct
import threading
import time

import pytest

import dhcp
from ask import binding, drops, settled, to_ap
from capture import eth, ip6
from netns import wait_until
from tcp import carry
from test_reload import interface, reload, unreachable
from test_roles import combined
from topo import CN, CN4, CN_GW, LMAA, LMAA4, POOL, ROUTER_MAC, STATIC, TUNNEL_MTU, mag_addr

NOBODY = "2001:db8:100:9::1"
HOST_MTU = 1460


@pytest.fixture(scope="module")
def local(domain):
    """The module's domain with mn1 behind mag1."""
    to_ap(domain, domain.mn1, 1)
    return domain


def nstat(ns, *names):
    out = {}
    for line in ns.run("nstat", "-asz", *names).stdout.splitlines()[1:]:
        name, value, _ = line.split()
        out[name] = int(value)
    assert len(out) == len(names), f"{names}: {out}"
    return out


def checksum_errors(t):
    names = ("TcpInCsumErrors", "Udp6InCsumErrors", "Icmp6InCsumErrors")
    return {n: nstat(ns, *names) for n, ns in t.ns.items()}


def inner_packets(capture):
    """The IPv6 packets inside of the tunnel packets of a capture."""
    out = []
    for _, f in capture.frames():
        _, _, kind, p = eth(f)
        if kind != 0x86dd:
            continue
        assert len(p) <= 1500, "a packet that was still to be segmented is on the wire"
        _, _, nxt, body = ip6(p)
        if nxt == 41:
            out.append(body)
    return out


def checksum_holds(packet):
    """Of an IPv6 packet with TCP, UDP or ICMPv6 right behind the header."""
    length, nxt = struct.unpack_from("!HB", packet, 4)
    data = packet[8:40] + struct.pack("!II", length, nxt) + packet[40:40 + length]
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total == 0xffff


def test_ping_every_size_both_ways(local):
    t, addr = local, local.mn1.wait_address()
    for size in (None, 1000, TUNNEL_MTU - 48):
        assert t.lma.ping(addr, 3, 0.05, size=size) == 3
        for here in (LMAA, CN_GW):  # also one that is not the LMAA
            assert t.mn1.ping(here, 3, 0.05, size=size) == 3


def test_tcp_both_ways_is_right_on_the_wire(local):
    """What leaves for the node is segmented and has complete checksums before the interface that
    sends it could do that, and before any receiver looks."""
    t, addr = local, local.mn1.wait_address()
    before = checksum_errors(t)
    t.lma.run("ethtool", "-K", "net0", "tx", "on", "tso", "on", "gso", "on")
    cap = t.capture("lma", "net0", "ip6 proto 41", direction="out")
    carry(t.lma, t.mn1, addr, 2**21)
    cap.stop()
    t.lma.offloads("net0")
    packets = [p for p in inner_packets(cap) if p[6] == 6]
    assert sum(len(p) for p in packets) > 1e6, "a busy machine captures part of it"
    assert max(len(p) for p in packets) == TUNNEL_MTU
    wrong = [p for p in packets if not checksum_holds(p)]
    assert not wrong, f"{len(wrong)} of {len(packets)} checksums are wrong"
    for here in (LMAA, CN_GW):
        assert carry(t.mn1, t.lma, here, 3_000_000) < 1
    assert checksum_errors(t) == before


def test_tcp_through_handovers(local):
    """One connection from the host to the node, and one the other way, while the node moves."""
    t, addr = local, local.mn1.wait_address()
    before = checksum_errors(t)

    def roam():
        for ap in (2, 1):
            time.sleep(0.7)
            to_ap(t, t.mn1, ap)

    assert carry(t.lma, t.mn1, addr, 3_000_000, during=roam) < 2
    assert carry(t.mn1, t.lma, LMAA, 3_000_000, during=roam) < 2
    assert checksum_errors(t) == before


def echo(ns, addr, stop):
    """Sends back the SHA-256 of each datagram; on a thread."""
    s = ns.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind((addr, 5320))
    s.settimeout(0.1)

    def run():
        while not stop.is_set():
            try:
                data, to = s.recvfrom(65536)
            except TimeoutError:
                continue
            s.sendto(hashlib.sha256(data).digest(), to)
        s.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_large_datagrams_arrive_as_they_were(local):
    """Fragmented by the sending host so that the tunnel takes them; nothing is lost on the way to
    that insight."""
    t, addr = local, local.mn1.wait_address()
    too_big = drops(t, "lma")["too_big"]
    for a, b, here in ((t.lma, t.mn1, addr), (t.mn1, t.lma, LMAA), (t.mn1, t.lma, CN_GW)):
        stop = threading.Event()
        thread = echo(b, here, stop)
        try:
            s = a.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            s.settimeout(2)
            for size in (1, TUNNEL_MTU - 48, TUNNEL_MTU - 47, 4000, 60000):
                data = bytes((i * 7 + size) & 255 for i in range(size))
                s.sendto(data, (here, 5320))
                assert s.recv(100) == hashlib.sha256(data).digest(), f"{size} octets"
            s.close()
        finally:
            stop.set()
            thread.join()
    assert drops(t, "lma")["too_big"] == too_big
    for n in ("lma", "mn1"):
        assert nstat(t.ns[n], "Ip6ReasmFails")["Ip6ReasmFails"] == 0


def test_a_narrower_tunnel_is_learnt(fresh):
    """The path to one MAG takes less than the interface promises: Packet Too Big, as on any path."""
    t = fresh(nodes=1)
    t.net.ip("link set mag1 mtu 1400")
    t.mag1.ip("link set net0 mtu 1400")
    t.lma.ip("route add 2001:db8:11::/64 via 2001:db8:2::fe mtu 1400")
    t.start("lma")
    t.start("mag1", t.mag_config(1, mag={"tunnel-mtu": 1360}))
    t.attach(t.mn1, 1)
    addr = settled(t, t.mn1, 1)
    assert t.lma.ping(addr, 1, size=1360 - 48) == 1
    before = nstat(t.lma, "Icmp6InPktTooBigs")
    assert carry(t.lma, t.mn1, addr, 3_000_000) < 1
    t.lma.ping(addr, 2, 0.2, size=1361 - 48)
    assert nstat(t.lma, "Icmp6InPktTooBigs") != before
    route = t.lma.ip_json("-6", "route", "get", addr)[0]
    assert route["dev"] == "pmip0" and route["metrics"][0]["mtu"] == 1360


def test_a_node_that_is_not_there(local):
    """Nobody has that prefix: the sender is told, here, on the Internet, and behind a MAG."""
    t = local
    s = t.lma.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.settimeout(3)
    with pytest.raises(OSError) as e:
        s.connect((NOBODY, 80))
    s.close()
    assert e.value.errno == 113, "EHOSTUNREACH"
    cap = t.capture("cn", "eth0", "icmp6 and ip6[40] == 1", direction="in")
    for ns in (t.lma, t.cn, t.mn1):
        r = ns.run("ping", "-6", "-c", 1, "-W", 2, NOBODY, check=False)
        assert "Destination unreachable: Address unreachable" in r.stdout, ns.name
    cap.stop()
    frames = cap.frames()
    assert len(frames) == 1
    src, dst, _, icmp = ip6(eth(frames[0][1])[3])
    assert (src, dst) == (LMAA, CN) and icmp[1] == 3
    about = icmp[8:]
    assert about[7] == 63, "one hop, and one only"
    assert str(ipaddress.IPv6Address(about[24:40])) == NOBODY


def test_errors_about_nobody_are_rate_limited(local):
    """Nor are there errors about errors."""
    t = local
    before = nstat(t.cn, "Icmp6InDestUnreachs")["Icmp6InDestUnreachs"]
    dropped = drops(t, "lma")["no_session"]
    s = t.cn.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    n = 5000
    for _ in range(n):
        try:
            s.sendto(b"x", (NOBODY, 9))
        except OSError:
            s.sendto(b"x", (NOBODY, 9))  # an error for an earlier one was waiting
    s.close()
    time.sleep(0.3)
    told = nstat(t.cn, "Icmp6InDestUnreachs")["Icmp6InDestUnreachs"] - before
    silent = drops(t, "lma")["no_session"] - dropped
    assert 0 < told < n / 2 and told + silent >= n
    dropped = drops(t, "lma")["no_session"]
    t.cn.run("/usr/bin/python3", "-c",
             "from scapy.all import *; send(IPv6(dst='%s')/ICMPv6DestUnreach()/"
             "IPv6(src='%s')/UDP(), verbose=0)" % (NOBODY, NOBODY))
    wait_until(lambda: drops(t, "lma")["no_session"] == dropped + 1, 3, "the error to be dropped")


def test_routes_follow_the_configuration(fresh):
    t = fresh(nodes=1)
    d = t.start("lma")
    conf = t.lma_config()

    def routes():
        return {r["dst"] for r in t.lma.ip_json("-6", "route", "show", "dev", "pmip0")
                if r["dst"] != "ff00::/8"}

    assert routes() == {POOL, STATIC}
    assert routes() <= unreachable(t), "what remains when pmip0 goes"
    more = copy.deepcopy(conf)
    more["lma"]["pools"].append({"name": "more", "prefix": "2001:db8:200::/48"})
    more["lma"]["static-prefixes"] = []
    reload(d, more)
    assert routes() == {POOL, "2001:db8:200::/48"}
    assert STATIC not in unreachable(t)
    reload(d, conf)
    assert routes() == {POOL, STATIC}
    t.lma.ip("link set pmip0 down")
    assert {POOL, STATIC} <= unreachable(t)
    t.lma.ip("link set pmip0 up")
    wait_until(lambda: routes() == {POOL, STATIC}, 3, "the routes to come back")
    assert d.stop() == 0
    assert not unreachable(t) & {POOL, STATIC}


def links(ns):
    return {x["ifname"] for x in ns.ip_json("link", "show")}


def test_the_interface_comes_and_goes_with_the_daemon(fresh):
    t = fresh(nodes=1)
    t.start_all()
    d = t.daemons["lma"]
    t.attach(t.mn1, 1)
    addr = settled(t, t.mn1, 1)
    row = interface(d, "pmip0")
    assert (row["kind"], row["state"], row["hook"], row["mtu"]) == ("host", "up", "tc", HOST_MTU)
    assert row["note"] is None
    conf = t.lma_config()
    for name in ("nodes0", "", "pmip0"):  # while running
        over = copy.deepcopy(conf)
        over["lma"]["host-interface"] = name
        reload(d, over)
        made = {"nodes0", "nodes0-dp", "pmip0", "pmip0-dp"} & links(t.lma)
        assert made == ({name, f"{name}-dp"} if name else set())
        assert t.lma.ping(addr, 2, 0.1) == (2 if name else 0)
        assert t.mn1.ping(CN, 2, 0.1) == 2
    # the network's MTU changes
    t.lma.ip("link set net0 mtu 1600", "link set inet0 mtu 1600")
    wait_until(lambda: interface(d, "pmip0")["mtu"] == 1560, 3, "the MTU to follow")
    assert t.lma.ip_json("link", "show", "dev", "pmip0-dp")[0]["mtu"] == 1560
    # somebody takes it away
    t.lma.ip("link del pmip0")
    wait_until(lambda: interface(d, "pmip0")["state"] == "absent", 3, "the loss to be noticed")
    assert "a reload" in interface(d, "pmip0")["note"]
    assert {POOL, STATIC} <= unreachable(t)
    over["log-level"] = "info"
    reload(d, over)
    assert t.lma.ping(addr, 2, 0.1) == 2
    assert d.stop() == 0
    assert not {"pmip0", "pmip0-dp"} & links(t.lma)


def test_a_killed_daemon_leaves_it_to_the_next(fresh):
    t = fresh(nodes=1)
    t.start_all()
    was = t.lma.ip_json("link", "show", "dev", "pmip0")[0]
    t.daemons["lma"].stop(signal.SIGKILL)
    assert {"pmip0", "pmip0-dp"} <= links(t.lma)
    d = t.start("lma")
    now = t.lma.ip_json("link", "show", "dev", "pmip0")[0]
    assert (was["ifindex"], was["address"]) == (now["ifindex"], now["address"])
    t.attach(t.mn1, 1)
    assert t.lma.ping(settled(t, t.mn1, 1), 2, 0.1) == 2
    # and what it had under another name is not left lying about
    d.stop(signal.SIGKILL)
    t.start("lma", t.lma_config(lma={"host-interface": "other0"}))
    assert {"pmip0", "pmip0-dp", "other0", "other0-dp"} & links(t.lma) == {"other0", "other0-dp"}


def test_somebody_elses_interface_is_left_alone(fresh):
    t = fresh(nodes=1)
    t.lma.ip("link add pmip0 type bridge")
    before = t.lma.ip_json("-d", "link", "show", "dev", "pmip0")
    d = t.start("lma")
    row = interface(d, "pmip0")
    assert row["state"] == "absent" and row["hook"] == "none"
    assert "belongs to somebody else; choose another lma.host-interface" in row["note"]
    assert "does not reach mobile nodes" in d.log()
    assert {POOL, STATIC} <= unreachable(t)
    t.lma.ip("link del pmip0", "link add taken0 type veth peer name pmip0-dp")
    over = t.lma_config()
    over["log-level"] = "info"
    reload(d, over)
    assert "pmip0-dp is there" in interface(d, "pmip0")["note"]
    assert "pmip0" not in links(t.lma)
    assert d.stop() == 0
    assert {"taken0", "pmip0-dp"} <= links(t.lma)
    assert before[0]["linkinfo"]["info_kind"] == "bridge"


def test_two_daemons_in_one_namespace(fresh):
    """The second one says whose the interface is, and has one of another name."""
    t = fresh(nodes=1)
    d = t.start("lma")
    second = t.lma_config(lma={"pools": [{"name": "default", "prefix": "2001:db8:300::/48"}],
                               "static-prefixes": [], "addresses": [CN_GW]})
    second["instance"] = f"{t.tag}-two"
    second["control-socket"] = str(t.dir / "two.sock")
    second["state-directory"] = str(t.dir / "state-two")
    t.ns["two"] = t.lma
    e = t.start("two", second)
    assert f"belongs to pmipd instance {t.tag}-lma" in interface(e, "pmip0")["note"]
    over = copy.deepcopy(second)
    over["lma"]["host-interface"] = "pmip1"
    reload(e, over)
    assert interface(e, "pmip1")["state"] == "up"
    devs = {r["dst"]: r["dev"] for r in t.lma.ip_json("-6", "route", "show", "type", "unicast")}
    assert devs[POOL] == "pmip0" and devs["2001:db8:300::/48"] == "pmip1"
    assert e.stop() == 0
    assert interface(d, "pmip0")["state"] == "up"
    assert {"pmip0", "pmip0-dp"} <= links(t.lma) and "pmip1" not in links(t.lma)


def test_host_of_lma_and_mag_in_one(fresh):
    """The node is on the host's own access link, then behind another MAG, then back."""
    t = fresh(nodes=1)
    t.lma.ip("route add 2001:db8:200::/48 via 2001:db8:2::fe")
    t.net.ip("route add 2001:db8:200::/48 via 2001:db8:11::1",
             "route add 2001:db8:c::/64 via 2001:db8:2::1")
    t.start("mag1", combined(t))
    c = t.mag_config(2)
    c["mag"]["lmas"] = [{"name": "both", "address": "2001:db8:11::1"}]
    t.start("mag2", c)
    t.attach(t.mn1, 1)
    addr = t.mn1.wait_address(12)
    before = checksum_errors(t)
    for ap in (1, 2, 1):
        if t.mn1.ap != ap:
            t.move(t.mn1, ap)
            wait_until(lambda: binding(t, t.mn1, "mag1")["proxy_coa"] == f"2001:db8:{10 + ap}::1",
                       5, f"the binding to follow to mag{ap}")
        wait_until(lambda: t.mag1.ping(addr), 5, f"packets through mag{ap}")
        for size in (None, TUNNEL_MTU - 48):
            assert t.mag1.ping(addr, 3, 0.05, size=size) == 3
            assert t.mn1.ping("2001:db8:11::1", 3, 0.05, size=size) == 3
        assert carry(t.mag1, t.mn1, addr, 3_000_000) < 1
        assert carry(t.mn1, t.mag1, "2001:db8:11::1", 3_000_000) < 1
    assert checksum_errors(t) == before


def test_traffic_of_interfaces_that_are_not_the_daemons(fresh):
    """What comes in where no program runs is routed to the node all the same."""
    t = fresh(nodes=1)
    t.start("lma", t.lma_config(transport=[{"name": "net0"}]))
    t.start("mag1")
    t.attach(t.mn1, 1)
    addr = settled(t, t.mn1, 1)
    assert t.cn.ping(addr, 3, 0.1) == 3
    before = checksum_errors(t)
    assert carry(t.cn, t.mn1, addr, 3_000_000) < 1
    assert carry(t.mn1, t.cn, CN, 3_000_000) < 1
    assert checksum_errors(t) == before
    r = t.cn.run("ping", "-6", "-c", 1, "-W", 2, NOBODY, check=False)
    assert "Address unreachable" in r.stdout


def test_ipv4_home_address_and_the_host(fresh):
    """A static session: the same interface carries IPv4, fragments included."""
    t, here, home = fresh(nodes=1), "192.0.2.1", "10.9.0.5"
    who = {"mn-id": "four@example.com", "ipv4-home-address": home}
    t.lma.ip(f"addr add {here}/24 dev net0")
    # loose at most: the way back to a node is not the interface that its packets came by
    t.lma.sysctl(net__ipv4__conf__net0__rp_filter=2)
    t.start("lma", t.lma_config(lma={"static-sessions": [{**who, "proxy-coa": mag_addr(1)}]}))
    t.start("mag1", t.mag_config(1, mag={"static-sessions": [
        {**who, "lmaa": LMAA, "interface": "acc0", "link-layer-address": t.mn1.mac}]}))
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    t.mn1.ip(f"addr add {home}/32 dev eth0", "route add 192.0.2.0/24 dev eth0",
             f"neigh add {here} lladdr {ROUTER_MAC} dev eth0 nud permanent")
    routes = t.lma.ip_json("route", "show", "proto", "213")
    assert {(r.get("dev"), r.get("type")) for r in routes if r["dst"] == home} == \
        {("pmip0", None), (None, "unreachable")}

    def ping(ns, src, dst, size):
        r = ns.run("ping", "-c", 3, "-i", 0.1, "-W", 1, "-I", src, "-s", size, dst, check=False)
        return " 3 received" in r.stdout

    assert ping(t.lma, here, home, 56) and ping(t.lma, here, home, 3000)
    assert ping(t.mn1, home, here, 56)
    before = checksum_errors(t)
    assert carry(t.lma, t.mn1, home, 3_000_000, source=here) < 1
    assert checksum_errors(t) == before


def test_pools_of_ipv4_home_addresses_and_the_host(fresh, tmp_path):
    """The host reaches nodes of the pools; a domain of its own it does not. The default router's
    address answers, and is the host's for as long as the daemon runs."""
    t, net, router = fresh(nodes=1), "100.64.0.0/24", "100.64.0.1"
    may = [{"mn-id": t.mn1.mnid, "link-layer-addresses": [t.mn1.mac], "ipv4": True}]
    for i in ("net0", "inet0"):
        t.lma.sysctl(**{f"net__ipv4__conf__{i}__rp_filter": 2})
    t.start("lma", t.lma_config(profiles=may, lma={
        "gre-encapsulation": "accept",
        "ipv4-pools": [{"name": "ours", "prefix": net},
                       {"name": "theirs", "prefix": "100.65.0.0/24", "ipv4-domain": 7}]}))
    t.start("mag1", t.mag_config(1, profiles=may))
    t.attach(t.mn1, 1)
    client = dhcp.Dhclient(t.mn1, tmp_path)
    client.start()
    home = client.wait_address()
    routes = t.lma.ip_json("route", "show", "proto", "213")
    assert {(r["dst"], r.get("dev"), r.get("type")) for r in routes} == \
        {(net, "pmip0", None), (net, None, "unreachable")}
    assert t.lma.ping(home, 3, 0.1) == 3
    assert t.mn1.ping(LMAA4, 3, 0.1) == 3
    assert t.mn1.ping(CN4, 3, 0.1) == 3
    assert t.mn1.ping(router, 3, 0.1) == 3
    own = t.lma.ip_json("route", "show", "table", "local", "proto", "213")
    assert [(r["dst"], r["dev"]) for r in own] == [(router, "pmip0")]
    # nothing that the host says by itself has the router's address
    assert t.lma.ip_json("route", "get", home)[0]["prefsrc"] != router
    r = t.mn1.run("ping", "-4", "-n", "-c", 1, "-W", 2, "100.64.0.250", check=False)
    assert "Unreachable" in r.stdout
    t.daemons["lma"].stop()
    assert t.lma.ip_json("route", "show", "proto", "213") == []
    assert t.lma.ip_json("route", "show", "table", "local", "proto", "213") == []
