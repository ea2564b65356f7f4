# SPDX-License-Identifier: GPL-2.0-or-later
"""Every encapsulation, with IPv6 and IPv4 in it, between real daemons. Nobody signals: the sessions
are written down on both sides.

    cn  --inet0 lma --- net --- mag1 --- mn1, mn2     domain 0
    cn2 --inet1  |       | |  \\--acc1-- mn5         a second link of the same MAG
      (domain 2)         | \\-- mag2 --- mn3
                         \\---- mag3 --- mn4         domain 2

mn1 holds one session for each encapsulation, with a prefix and an IPv4 home address of its own.
"""

import contextlib
import hashlib
import os
import socket
import subprocess
import threading

import pytest

from ask import counters, drops, grown
from capture import read_pcap, tunnelled, write_packets
from conftest import make_topo
from netns import PATIENCE, wait_until
from topo import (CN, CN4, LMAA, LMAA4, ROUTER_LL, cn_addr, mag_addr, mag_addr4, merge,
                  node_mac)

GW4 = "192.0.2.1"  # of every node, on every MAG
CN2, CN2_4 = cn_addr(2)
MANY = 270  # packets, at least, that carry the octets of a TCP test each way
SHARED4 = "100.64.9.9"  # a node of either domain has it
COMBINATIONS = [(6, e) for e in ("ip", "gre", "gre-key")] + \
               [(4, e) for e in ("ip", "gre", "gre-key", "udp", "udp-tlv", "udp-gre",
                                 "udp-gre-key")]


class Session:
    """One mobility session, as both ends have it written down."""

    def __init__(self, number, node, mag, transport, encap, local=False, domain=0, home4=None,
                 link="acc0"):
        self.link = link
        self.node, self.mag, self.transport, self.encap = node, mag, transport, encap
        self.local, self.domain = local, domain
        self.mnid = f"s{number}@example.com"
        self.prefix = f"2001:db8:e00:{number:x}::"
        self.home6 = self.prefix + "2"
        self.home4 = home4 or f"100.64.0.{number}"
        self.name = f"v{transport}-{encap}"

    keyed = property(lambda self: self.encap.endswith("-key"))

    def home(self, family):
        return self.home6 if family == 6 else self.home4

    def _both(self, peer_key, key_name):
        out = {"mn-id": self.mnid, "prefixes": [self.prefix + "/64"],
               "ipv4-home-address": self.home4, "encapsulation": self.encap}
        if self.domain:
            out["ipv4-domain"] = self.domain
        if peer_key:
            out[key_name] = peer_key
        return out

    def at_lma(self, key=None):
        coa = mag_addr(self.mag) if self.transport == 6 else mag_addr4(self.mag)
        return {**self._both(key, "downlink-gre-key"), "proxy-coa": coa}

    def at_mag(self, mac, key=None):
        return {**self._both(key, "uplink-gre-key"),
                "lmaa": LMAA if self.transport == 6 else LMAA4,
                "interface": self.link, "link-layer-address": mac, "local-routing": self.local}


SESSIONS = [Session(i + 1, "mn1", 1, *c) for i, c in enumerate(COMBINATIONS)]
# neighbours on the same MAG: by the short cut, and never
SHORT, LONG = Session(30, "mn2", 1, 6, "ip", local=True), Session(31, "mn2", 1, 4, "udp")
ACROSS = Session(32, "mn5", 1, 6, "gre-key", local=True, link="acc1")
# on another MAG
FAR = [Session(40, "mn3", 2, 6, "gre"), Session(41, "mn3", 2, 4, "udp-gre-key")]
# the same IPv4 home address in two domains
DOMAIN0 = Session(50, "mn3", 2, 4, "udp-tlv", home4=SHARED4)
DOMAIN2 = Session(51, "mn4", 3, 4, "gre-key", domain=2, home4=SHARED4)
ONLY2 = Session(52, "mn4", 3, 6, "gre-key", domain=2)
ALL = SESSIONS + [SHORT, LONG, ACROSS, *FAR, DOMAIN0, DOMAIN2, ONLY2]


class Domain:
    """The topology with its daemons, and the sessions' keys."""

    def __init__(self, t):
        self.t = t
        self.hook = "xdp"
        self.keys = {}  # (mn-id, half) -> the key that this end chose

    def lma(self):
        hook = {"hook": self.hook}
        return self.t.lma_config(
            transport=[{"name": "net0", **hook}, {"name": "inet0", **hook},
                       {"name": "inet1", "ipv4-domain": 2, **hook}],
            domain={"realm": None}, profiles=None, fallback_profiles=None,
            lma={"ipv4-addresses": [LMAA4], "mags": None,
                 "static-sessions": [s.at_lma(self.keys.get((s.mnid, "access"))) for s in ALL]})

    def mag(self, i):
        mine = [s for s in ALL if s.mag == i]
        access = [{"name": name, "hook": self.hook, "ipv4-domain": mine[0].domain,
                   "attach-on-rs": False, "attach-on-ns": False}
                  for name in sorted({s.link for s in mine})]
        return self.t.mag_config(
            i, transport=[{"name": "net0", "hook": self.hook}],
            domain={"realm": None}, profiles=None, fallback_profiles=None,
            mag={"ipv4-proxy-coa": mag_addr4(i), "tunnel-mtu": None, "access": access,
                 "static-sessions": [s.at_mag(self.t.ns[s.node].mac,
                                              self.keys.get((s.mnid, "anchor"))) for s in mine]})

    def configs(self):
        return {"lma": self.lma(), **{f"mag{i}": self.mag(i) for i in (1, 2, 3)}}

    def start(self):
        for name, conf in self.configs().items():
            self.t.start(name, conf, wait=False)
        for d in self.t.daemons.values():
            d.wait_ready()
        self.exchange_keys()

    def exchange_keys(self):
        """What signalling will do: each end learns the key that the other one chose."""
        for d in self.t.daemons.values():
            for s in d.ctl("sessions"):
                if s["gre_key"] is not None:
                    self.keys[s["mn_id"], s["half"]] = s["gre_key"]
        self.reload()

    def reload(self):
        for name, conf in self.configs().items():
            self.t.daemons[name].write(conf)
            self.t.daemons[name].ctl("reload")

    def sessions(self, daemon):
        return {s["mn_id"]: s for s in self.t.daemons[daemon].ctl("sessions")}


def move_in(t, node, mag, sessions):
    """The node is on the MAG's link and has its addresses; no DHCP, no Router Advertisement."""
    n, link = t.ns[node], "eth0"
    if sessions[0].link == "acc0":
        t.attach(n, mag)
    else:
        link = "eth1"
        n.ip(f"link set {link} up")
    n.sysctl(**{f"net__ipv6__conf__{link}__accept_ra": 0,
                f"net__ipv6__conf__{link}__accept_dad": 0,
                "net__ipv4__conf__all__rp_filter": 0, f"net__ipv4__conf__{link}__rp_filter": 0})
    n.ip(*[f"addr add {s.home6}/128 dev {link} nodad" for s in sessions],
         *[f"addr add {s.home4}/32 dev {link}" for s in sessions],
         f"route add default via {ROUTER_LL} dev {link}",
         f"route add {GW4} dev {link}", f"route add default via {GW4} dev {link}")


def second_link(t):
    t.veth("mn5", "eth1", "mag1", "acc1", t.mn5.mac)
    t.mn5.offloads("eth1")
    t.mag1.offloads("acc1")
    t.mag1.sysctl(net__ipv4__conf__acc1__rp_filter=0)
    t.mag1.ip(f"addr add {GW4}/32 dev acc1", "link set acc1 up")


@pytest.fixture(scope="module")
def d(request, bindir):
    t = make_topo(request, bindir, signalling=None, mags=3, nodes=5, cns=2)
    t.mn5.ip("link set eth0 down", f"link set eth0 address {node_mac(99)}")
    second_link(t)
    for i in (1, 2, 3):
        m = t.ns[f"mag{i}"]
        m.sysctl(net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__acc0__rp_filter=0)
        m.ip(f"addr add {GW4}/32 dev acc0")
    d = Domain(t)
    d.start()
    for node, mag in (("mn1", 1), ("mn2", 1), ("mn3", 2), ("mn4", 3), ("mn5", 1)):
        move_in(t, node, mag, [s for s in ALL if s.node == node])
    wait_until(lambda: all(
        p["next_hop_state"] == "reachable" for x in t.daemons.values() for p in x.ctl("peers")
        if p["kind"] == "tunnel"), 5, "the tunnels' next hops")
    for s in ALL:  # neighbours on both sides
        wait_until(lambda s=s: t.ns[s.node].ping(cn_of(s, 6), src=s.home6), 5, f"{s.name} IPv6")
        wait_until(lambda s=s: t.ns[s.node].ping(cn_of(s, 4), src=s.home4), 5, f"{s.name} IPv4")
    return d


def cn_of(s, family):
    if s.domain == 2:
        return CN2 if family == 6 else CN2_4
    return CN if family == 6 else CN4


# ---- traffic

def bound(ns, family, kind, addr, port=0):
    s = ns.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, kind)
    s.settimeout(10 * PATIENCE)
    s.bind((addr, port))
    return s


def tcp_both_ways(a, a_addr, b, b_addr, family, octets=200_000):
    """a connects to b; each sends what the other one must receive, octet by octet."""
    data = [os.urandom(octets), os.urandom(octets)]
    got = [hashlib.sha256(), hashlib.sha256()]

    def talk(sock, mine, theirs):
        def send():
            sock.sendall(mine)
            sock.shutdown(socket.SHUT_WR)
        out = threading.Thread(target=send)
        out.start()
        while chunk := sock.recv(65536):
            theirs.update(chunk)
        out.join()

    with bound(b, family, socket.SOCK_STREAM, b_addr) as listener, \
            bound(a, family, socket.SOCK_STREAM, a_addr) as client:
        listener.listen()
        client.connect(listener.getsockname()[:2])
        server, peer = listener.accept()
        with server:
            server.settimeout(10 * PATIENCE)
            assert peer[0] == a_addr
            far = threading.Thread(target=talk, args=(server, data[1], got[1]))
            far.start()
            talk(client, data[0], got[0])
            far.join()
    assert got[0].digest() == hashlib.sha256(data[1]).digest(), "what came to the client"
    assert got[1].digest() == hashlib.sha256(data[0]).digest(), "what came to the server"


def udp_both_ways(a, a_addr, b, b_addr, family, sizes=(0, 1, 63, 512, 1200), data_of=os.urandom):
    with bound(a, family, socket.SOCK_DGRAM, a_addr) as x, \
            bound(b, family, socket.SOCK_DGRAM, b_addr) as y:
        for n in sizes:
            for this, other in ((x, y), (y, x)):
                data = data_of(n)
                this.sendto(data, other.getsockname()[:2])
                got, peer = other.recvfrom(65536)
                assert got == data and peer[:2] == this.getsockname()[:2]


def all_traffic(d, s, family, tcp=True):
    node, cn = d.t.ns[s.node], d.t.ns["cn2" if s.domain == 2 else "cn"]
    far, home = cn_of(s, family), s.home(family)
    assert node.ping(far, 3, 0.01, src=home) == 3
    assert cn.ping(home, 3, 0.01) == 3
    udp_both_ways(node, home, cn, far, family)
    if tcp:
        tcp_both_ways(node, home, cn, far, family)
        tcp_both_ways(cn, far, node, home, family)


@contextlib.contextmanager
def counted(d, *daemons):
    """Yields what grew in each daemon's counters while the block ran."""
    before = {n: counters(d.t, n) for n in daemons}
    out = {}
    yield out
    for n in daemons:
        out[n] = grown(before[n], counters(d.t, n))


def forwarded(growth, hook, verdict):
    return growth.get((hook, verdict), 0)


# ---- tests

def test_sessions_are_shown_with_address_and_keys(d):
    at_lma, at_mag = d.sessions("lma"), d.sessions("mag1")
    assert len(at_lma) == len(ALL)
    for s in SESSIONS:
        for row, half in ((at_lma[s.mnid], "anchor"), (at_mag[s.mnid], "access")):
            assert (row["half"], row["ipv4"], row["prefixes"]) == \
                (half, s.home4, [s.prefix + "/64"])
            assert (row["gre_key"] is not None) == s.keyed
        if s.keyed:
            assert at_lma[s.mnid]["down_gre_key"] == at_mag[s.mnid]["gre_key"]
            assert at_mag[s.mnid]["up_gre_key"] == at_lma[s.mnid]["gre_key"]
    shown = {(p["address"], p["encapsulation"]) for p in d.t.daemons["lma"].ctl("peers")
             if p["kind"] == "tunnel"}
    assert {(mag_addr(1) if v == 6 else mag_addr4(1), e) for v, e in COMBINATIONS} <= shown


@pytest.mark.parametrize("family", [6, 4], ids=["ipv6", "ipv4"])
@pytest.mark.parametrize("s", SESSIONS, ids=[s.name for s in SESSIONS])
def test_xdp_carries_ping_udp_tcp(d, s, family):
    before = d.sessions("lma")[s.mnid], d.sessions("mag1")[s.mnid]
    with counted(d, "lma", "mag1") as grew:
        all_traffic(d, s, family)
    after = d.sessions("lma")[s.mnid], d.sessions("mag1")[s.mnid]
    for b, a in zip(before, after):
        assert a["up_packets"] - b["up_packets"] > MANY and \
            a["down_packets"] - b["down_packets"] > MANY, "counted for another session"
    lma, mag = grew["lma"], grew["mag1"]
    assert forwarded(lma, "xdp", "encap") > MANY and forwarded(lma, "xdp", "decap_route") > MANY
    assert forwarded(mag, "xdp", "encap") > MANY and forwarded(mag, "xdp", "decap_link") > MANY
    for name, g in grew.items():
        assert not {k: v for k, v in g.items() if k[0] == "tc" and k[1] not in
                    ("received", "to_kernel")}, f"{name}: TC had to help out"
        assert forwarded(g, "xdp", "to_tc") == forwarded(g, "xdp", "dropped") == 0, name


def test_tshark_and_the_rfcs_agree_with_every_octet(d, tmp_path):
    t = d.t
    cap = t.capture("net", "lma0", "ip or ip6")
    for s in SESSIONS:
        for family in (6, 4):
            node, far, home = t.ns[s.node], cn_of(s, family), s.home(family)
            assert node.ping(far, 2, 0.01, src=home) == 2
            # tshark would find RTP and whatnot in random octets
            udp_both_ways(node, home, t.cn, far, family, data_of=lambda n: b"z" * n)
    wait_until(lambda: len(tunnels_of(cap)) >= len(SESSIONS) * 2 * 14, 5, "the capture")
    cap.stop()
    by_home, inner = {}, []
    for _, frame in read_pcap(cap.path):
        x = tunnelled(frame)
        if not x:
            continue
        inner.append(x.inner)
        up = x.dst in (LMAA, LMAA4)
        by_home.setdefault(x.inner_src if up else x.inner_dst, []).append((up, x))
    for s in SESSIONS:
        lma, mag = (LMAA, mag_addr(1)) if s.transport == 6 else (LMAA4, mag_addr4(1))
        for family in (6, 4):
            seen = by_home[s.home(family)]
            # two pings and their answers, five datagrams each way
            assert len([1 for up, _ in seen if up]) == len([1 for up, _ in seen if not up]) == 7
            for up, x in seen:
                assert x.encap == s.encap
                assert (x.src, x.dst) == ((mag, lma) if up else (lma, mag))
                assert x.key == (d.keys[s.mnid, "anchor" if up else "access"] if s.keyed
                                 else None)
    # an independent witness: outer headers, GRE, and what was inside
    write_packets(tmp_path / "inner.pcap", inner)
    for path in (cap.path, tmp_path / "inner.pcap"):
        r = subprocess.run(
            ["tshark", "-n", "-r", str(path), "-o", "ip.check_checksum:TRUE",
             "-o", "udp.check_checksum:TRUE", "-Y",
             '_ws.malformed or (_ws.expert.severity >= "Warning") or ip.checksum.status == "Bad" '
             'or udp.checksum.status == "Bad" or icmp.checksum.status == "Bad" '
             'or icmpv6.checksum.status == "Bad"'],
            capture_output=True, text=True, timeout=60)
        assert r.returncode == 0, r.stderr
        assert r.stdout == "", f"{path.name}: {r.stdout}"


def on_transport(d, do):
    """How many packets a piece of traffic sends through the network."""
    cap = d.t.capture("net", "lma0", "ip or ip6")
    do()
    d.t.mn1.ping(CN, 1, src=SESSIONS[0].home6)  # the capture has everything before this
    wait_until(lambda: sum(1 for x in tunnels_of(cap) if SESSIONS[0].home6 in
                           (x.inner_src, x.inner_dst)) >= 2, 5, "the last ping in the capture")
    cap.stop()
    return [x for x in tunnels_of(cap) if SESSIONS[0].home6 not in (x.inner_src, x.inner_dst)]


def tunnels_of(cap):
    return [x for _, f in read_pcap(cap.path) if (x := tunnelled(f))]


@pytest.mark.parametrize("family", [6, 4], ids=["ipv6", "ipv4"])
def test_short_cut_at_the_mag_is_taken_when_allowed(d, family):
    src, dst = SHORT.home(family), SESSIONS[4].home(family)

    def talk():
        with counted(d, "mag1") as grew:
            # the way back is SESSIONS[4]'s own, which may not take the short cut
            assert d.t.mn2.ping(dst, 3, 0.01, src=src) == 3
        assert forwarded(grew["mag1"], "xdp", "local") == 3
    seen = on_transport(d, talk)
    assert {x.inner_src for x in seen} == {dst}, "only the answers went through the LMA"
    assert len(seen) == 6, "up to the LMA and down again"


@pytest.mark.parametrize("family", [6, 4], ids=["ipv6", "ipv4"])
def test_short_cut_leads_from_link_to_link(d, family):
    """Both nodes may take it, each is on a link of its own."""
    a, b = ACROSS.home(family), SHORT.home(family)

    def talk():
        with counted(d, "mag1") as grew:
            assert d.t.mn5.ping(b, 3, 0.01, src=a) == 3
            tcp_both_ways(d.t.mn5, a, d.t.mn2, b, family)
        assert forwarded(grew["mag1"], "xdp", "local") > MANY
        assert not forwarded(grew["mag1"], "xdp", "encap")
    assert on_transport(d, talk) == []


@pytest.mark.parametrize("family", [6, 4], ids=["ipv6", "ipv4"])
def test_without_it_nothing_goes_straight(d, family):
    src, dst = LONG.home(family), SESSIONS[4].home(family)

    def talk():
        with counted(d, "mag1", "lma") as grew:
            assert d.t.mn2.ping(dst, 3, 0.01, src=src) == 3
            udp_both_ways(d.t.mn2, src, d.t.mn1, dst, family)
        assert forwarded(grew["mag1"], "xdp", "local") == 0
        assert forwarded(grew["lma"], "xdp", "hairpin") == 16
    seen = on_transport(d, talk)
    assert len(seen) == 2 * 16, "each packet up to the LMA and down again"
    assert {x.encap for x in seen if x.inner_src == src and x.dst == LMAA4} == {"udp"}
    assert {x.encap for x in seen if x.inner_dst == dst and x.src == LMAA4} == {SESSIONS[4].encap}


def test_setting_short_cut_takes_force_with_a_reload(d):
    LONG.local = True
    try:
        d.reload()
        for family in (6, 4):
            with counted(d, "mag1") as grew:
                assert d.t.mn2.ping(SESSIONS[4].home(family), 3, 0.01, src=LONG.home(family)) == 3
            assert forwarded(grew["mag1"], "xdp", "local") == 3
    finally:
        LONG.local = False
        d.reload()


@pytest.mark.parametrize("family", [6, 4], ids=["ipv6", "ipv4"])
@pytest.mark.parametrize("far", FAR, ids=[f.name for f in FAR])
def test_hairpin_between_encapsulations(d, far, family):
    """mn1 to mn3 and back: out of one tunnel and into another in one go."""
    with counted(d, "lma") as grew:
        for s in SESSIONS:
            assert d.t.mn1.ping(far.home(family), 2, 0.01, src=s.home(family)) == 2
            udp_both_ways(d.t.mn1, s.home(family), d.t.mn3, far.home(family), family, (33, 1200))
    assert forwarded(grew["lma"], "xdp", "hairpin") == len(SESSIONS) * (2 * 2 + 2 * 2)
    assert forwarded(grew["lma"], "xdp", "decap_route") == 0


def test_same_home_address_in_two_domains(d):
    """Each correspondent reaches, and is reached by, the node of its own domain."""
    t = d.t

    def packets():
        at = d.sessions("lma")
        return [(at[s.mnid]["up_packets"], at[s.mnid]["down_packets"]) for s in (DOMAIN0, DOMAIN2)]

    was = packets()
    assert t.cn.ping(SHARED4, 3, 0.01) == 3
    now = packets()
    assert now == [(was[0][0] + 3, was[0][1] + 3), was[1]]
    assert t.cn2.ping(SHARED4, 3, 0.01) == 3
    assert packets() == [now[0], (now[1][0] + 3, now[1][1] + 3)]
    # both at once, each with its own answers
    tcp_both_ways(t.mn3, SHARED4, t.cn, CN4, 4)
    tcp_both_ways(t.mn4, SHARED4, t.cn2, CN2_4, 4)
    with bound(t.mn3, 4, socket.SOCK_DGRAM, SHARED4, 7777) as three, \
            bound(t.mn4, 4, socket.SOCK_DGRAM, SHARED4, 7777) as four, \
            bound(t.cn, 4, socket.SOCK_DGRAM, CN4) as one, \
            bound(t.cn2, 4, socket.SOCK_DGRAM, CN2_4) as two:
        one.sendto(b"zero", (SHARED4, 7777))
        two.sendto(b"two", (SHARED4, 7777))
        assert three.recv(100) == b"zero" and four.recv(100) == b"two"
        for s in (three, four):
            s.settimeout(0.2)
            with pytest.raises(TimeoutError):
                s.recv(100)
    # what only the other domain has is not found
    assert t.cn2.ping(ONLY2.home4, 2, 0.01) == 2
    assert t.cn.ping(ONLY2.home4, 2, 0.01) == 0


def test_a_key_of_another_session_is_refused(d):
    """The LMA believes a key only with an address of its own session (RFC 5845 5.2)."""
    t = d.t
    key = [s for s in SESSIONS if s.name == "v6-gre-key"][0]
    before = drops(t, "lma")
    wrong = dict(d.keys)
    wrong[key.mnid, "anchor"] = d.keys[FAR[1].mnid, "anchor"]
    right, d.keys = d.keys, wrong
    try:
        d.reload()
        assert t.mn1.ping(CN, 2, 0.01, src=key.home6) == 0
        assert t.mn1.ping(CN4, 2, 0.01, src=key.home4) == 0
    finally:
        d.keys = right
        d.reload()
    after = drops(t, "lma")
    reason = grown(before, after)
    assert sum(reason.values()) == 4 and set(reason) <= {"gre_key", "outer_source"}, reason
    assert t.mn1.ping(CN, 2, 0.01, src=key.home6) == 2


def test_reload_adds_changes_and_removes_sessions(d):
    t = d.t
    new = Session(60, "mn2", 1, 4, "udp-gre")
    t.mn2.ip(f"addr add {new.home6}/128 dev eth0 nodad", f"addr add {new.home4}/32 dev eth0")
    assert t.mn2.ping(CN, 1, src=new.home6) == 0
    ALL.append(new)
    try:
        for encap in ("udp-gre", "udp", "gre", "ip"):
            new.encap = encap
            d.reload()
            wait_until(lambda: t.mn2.ping(CN, 1, src=new.home6), 3, f"IPv6 by way of {encap}")
            assert t.mn2.ping(CN4, 2, 0.01, src=new.home4) == 2
    finally:
        ALL.remove(new)
        d.reload()
    assert t.mn2.ping(CN, 1, src=new.home6) == 0
    assert new.mnid not in d.sessions("lma") and new.mnid not in d.sessions("mag1")


def test_a_session_follows_its_interface(d):
    """acc1 goes, and another interface of that name comes."""
    t = d.t
    t.mag1.ip("link del acc1")
    wait_until(lambda: [i["state"] for i in t.daemons["mag1"].ctl("interfaces")
                        if i["ifname"] == "acc1"] == ["absent"], 3, "the daemon to see it")
    assert t.cn.ping(ACROSS.home6, 1, wait=0.3) == 0
    second_link(t)
    move_in(t, "mn5", 1, [ACROSS])
    for family in (6, 4):
        wait_until(lambda f=family: t.mn5.ping(cn_of(ACROSS, f), src=ACROSS.home(f)), 5,
                   f"IPv{family} on the new interface")
        assert t.cn.ping(ACROSS.home(family), 2, 0.01) == 2


def test_programs_made_without_ipv4_take_no_static_session(d):
    """What is off in the programs costs nothing, and cannot be switched on while they run."""
    t = d.t
    full = d.mag(3)
    plain = {**full, "mag": {k: v for k, v in full["mag"].items() if k not in
                             ("static-sessions", "ipv4-proxy-coa")}}
    plain["mag"]["access"] = [{"name": "acc0", "attach-on-rs": False, "attach-on-ns": False}]
    session = {"mn-id": "x@example.com", "ipv4-home-address": "100.64.7.7", "lmaa": LMAA,
               "interface": "acc0", "link-layer-address": "02:00:00:00:00:77"}
    mag3 = t.start("mag3", plain)
    try:
        mag3.write({**plain, "mag": {**plain["mag"], "static-sessions": [session]}})
        r = mag3.pmipctl("reload")
        assert r.returncode == 1 and "made without IPv4, GRE or domains; restart the daemon" in r.stderr
        assert mag3.ctl("sessions") == []
        assert t.start("mag3", mag3.conf).ctl("sessions")[0]["ipv4"] == "100.64.7.7"
    finally:
        t.start("mag3", full)
        d.exchange_keys()  # a daemon that was started anew may have chosen others
    wait_until(lambda: t.mn4.ping(CN2_4, src=SHARED4), 5, "the node on mag3")


def test_tc_carries_them_as_well(d):
    """The other hook, alone. Segments that the kernel has merged cannot take a TLV header."""
    t = d.t
    d.hook = "tc"
    for ns, ifs in (("lma", ("net0", "inet0")), ("mag1", ("net0", "acc0"))):
        for i in ifs:
            t.ns[ns].run("ethtool", "-K", i, "gro", "off")
    try:
        d.reload()
        assert {i["hook"] for i in t.daemons["lma"].ctl("interfaces")} == {"tc"}
        for s in SESSIONS:
            for family in (6, 4):
                with counted(d, "lma", "mag1") as grew:
                    all_traffic(d, s, family)
                for name, down in (("lma", "decap_route"), ("mag1", "decap_link")):
                    assert forwarded(grew[name], "tc", "encap") > MANY
                    assert forwarded(grew[name], "tc", down) > MANY
                    assert not forwarded(grew[name], "tc", "dropped")
                    assert not [k for k in grew[name] if k[0] == "xdp"]
                with counted(d, "lma", "mag1") as grew:
                    for far in FAR:
                        udp_both_ways(t.mn1, s.home(family), t.mn3, far.home(family), family)
                    assert t.mn5.ping(SHORT.home(family), 3, 0.01, src=ACROSS.home(family)) == 3
                assert forwarded(grew["lma"], "tc", "hairpin") == 2 * 2 * 5
                assert forwarded(grew["mag1"], "tc", "local") == 2 * 3
    finally:
        d.hook = "xdp"
        for ns, ifs in (("lma", ("net0", "inet0")), ("mag1", ("net0", "acc0"))):
            for i in ifs:
                t.ns[ns].run("ethtool", "-K", i, "gro", "on")
        d.reload()


def test_nothing_was_lost_on_the_way(d):
    """After all of the above: no reason counted that the tests did not provoke."""
    for name in d.t.daemons:
        lost = {k: v for k, v in drops(d.t, name).items() if v}
        assert set(lost) <= {"gre_key", "outer_source", "unknown_node", "no_session",
                             "no_nexthop"}, (name, lost)
        assert d.t.daemons[name].alive()
        static = {c["name"]: c["value"] for c in d.t.daemons[name].ctl("counters", "static")}
        assert static["conflicts"] == static["failed"] == 0


def test_a_signalled_session_is_not_pushed_aside(d):
    """The static session that wants its prefix is counted, and waits until the binding is gone."""
    t, lma, mag2 = d.t, d.t.daemons["lma"], d.t.daemons["mag2"]
    prefix, who = "2001:db8:f00:77::/64", "signalled@example.com"
    profile = {"profiles": [{"mn-id": who, "prefixes": [prefix]}]}
    known = merge(d.lma(), {**profile, "lma": {"mags": [{"name": "mag2", "address": mag_addr(2)}]}})
    wants = {"mn-id": "static@example.com", "prefixes": [prefix], "proxy-coa": mag_addr(1)}
    for daemon, conf in ((lma, known), (mag2, merge(d.mag(2), profile))):
        daemon.write(conf)
        daemon.ctl("reload")
    mag2.ctl("attach", "acc0", t.mn3.mac, "--mn-id", who)
    wait_until(lambda: lma.ctl("bindings", who), 5, "the registration")
    held = lma.ctl("sessions", who)
    lma.write(merge(known, {"lma": {"static-sessions":
                                    known["lma"]["static-sessions"] + [wants]}}))
    with counted(d, "lma") as grew:
        lma.ctl("reload")
    assert grew["lma"]["static", "conflicts"] == 1 and ("static", "failed") not in grew["lma"]
    assert lma.ctl("sessions", "static@example.com") == []
    assert [s["session"] for s in lma.ctl("sessions", who)] == [held[0]["session"]]
    lma.ctl("delete", who)
    wait_until(lambda: lma.ctl("sessions", "static@example.com"), 8, "the static session")
    assert lma.ctl("sessions", who) == []
