# SPDX-License-Identifier: GPL-2.0-or-later
"""Registration over IPv4, and every tunnel that LMA and MAG can agree upon (RFC 5844 4, RFC 5845):
what is said, what the packets then look like, and what is refused.

    cn  --inet0 lma --- net --- mag1 -acc0- mn1, mn2
    cn2 --inet1               | \\ -acc1- mn3    domain 2
                              \\-- mag2 -acc0-

The LMA listens at an address of each family; a node's profile at its MAG says which one is asked.
"""

import struct

import pytest

import dhcp
import mh
import tcp
from ask import binding, counters, grown, registered, update_entry
from capture import eth, ip, tunnelled
from conftest import make_topo
from netns import wait_until
from topo import CN, CN4, LMAA, LMAA4, cn_addr, mag_addr, mag_addr4, node_mac

HOME4, ROUTER = "100.64.0.11", "100.64.0.1"  # of mn1, and of mn3 in its own domain
PREFIX = "2001:db8:f00:11::/64"  # of mn1
CN2_4 = cn_addr(2)[1]
STRANGER = "198.18.99.1"
SIGNALLING = f"(udp port 5436 or ip6 proto 135) and not host {STRANGER}"
FLAG_F, FLAG_T, PBA_P, PBA_T = 0x0100, 0x0080, 0x20, 0x10
NAT_DETECTION, GRE_KEY, HOME4_REQUEST, HOME4_REPLY, ROUTER4, DHCP_MODE = 31, 33, 36, 37, 38, 39


@pytest.fixture(scope="module")
def t(request, bindir):
    t = make_topo(request, bindir, signalling=SIGNALLING, nodes=3, cns=2)
    t.mn3.ip("link set eth0 down", f"link set eth0 address {node_mac(99)}")
    t.mn3.ifname = "eth1"
    t.veth("mn3", "eth1", "mag1", "acc1", t.mn3.mac)
    t.mn3.offloads("eth1")
    t.mag1.offloads("acc1")
    t.mag1.ip("link set acc1 up")
    t.wish = {1: {}, 2: {}}                 # of each MAG: what it asks for
    t.lmaa = {1: LMAA4, 2: LMAA4}           # and whom
    t.policy = {}                           # the LMA's
    t.operators = 1                         # how many the LMA serves
    for name, conf in configs(t).items():
        t.start(name, conf, wait=False)
    for d in t.daemons.values():
        d.wait_ready()
    return t


def configs(t):
    nodes = [{**p, "ipv4": True} for p in t._profiles()]
    nodes[0].update({"ipv4-home-address": HOME4, "ipv4-pool": "one", "prefixes": [PREFIX]})
    nodes[1]["ipv4-pool"] = "one"
    pools = [{"name": "one", "prefix": "100.64.0.0/24"}]
    inet1 = {"name": "inet1"}
    if t.operators == 2:
        nodes[2]["ipv4-home-address"], nodes[2]["ipv4-pool"] = HOME4, "two"
        pools.append({"name": "two", "prefix": "100.64.0.0/24", "ipv4-domain": 2})
        inet1["ipv4-domain"] = 2
    mags = [{"name": f"mag{i}-{v}", "address": a}
            for i in (1, 2) for v, a in ((6, mag_addr(i)), (4, mag_addr4(i)))]
    out = {"lma": t.lma_config(
        transport=[{"name": "net0"}, {"name": "inet0"}, inet1],
        profiles=nodes,
        lma={"ipv4-addresses": [LMAA4], "mags": mags, "min-delay-before-bce-delete": 100,
             "ipv4-pools": pools, **t.policy})}
    for i in (1, 2):
        conf = t.mag_config(i, profiles=[{**p, "lma": t.lmaa[i]} for p in nodes], mag={
            # a node that was refused may come back soon
            "initial-bindack-timeout": 500, "max-bindack-timeout": 500, "retry-refused": 0,
            "ipv4-proxy-coa": mag_addr4(i), "lmas": [
                {"name": "lma4", "address": LMAA4}, {"name": "lma6", "address": LMAA}],
            **t.wish[i]})
        if i == 1 and t.operators == 2:
            conf["mag"]["access"].append({"name": "acc1", "ipv4-domain": 2,
                                          "access-technology-type": "ieee-802.11"})
        out[f"mag{i}"] = conf
    return out


def agree(t, policy, wish, lmaa=LMAA4, wish2=None, lmaa2=None):
    """Nobody is registered, and both sides want what is said."""
    for n in (t.mn1, t.mn2):
        if n.ap:
            t.detach(n)
            wait_until(lambda n=n: not n.link_up(n.ifname), 5, "the node to lose its link")
    t.policy = policy
    t.wish = {1: wish, 2: wish if wish2 is None else wish2}
    t.lmaa = {1: lmaa, 2: lmaa2 or lmaa}
    for d in ("mag1", "mag2", "lma"):
        for n in (t.mn1, t.mn2):
            if d == "lma":
                wait_until(lambda n=n: not binding(t, n) or t.daemons[d].ctl("delete", n.mnid)
                           and False, 5, "the LMA to forget")
            elif update_entry(t, n, d):
                t.daemons[d].pmipctl("detach", n.mnid)
                wait_until(lambda n=n, d=d: update_entry(t, n, d) is None, 10, "the MAG to forget")
    for name, conf in configs(t).items():
        t.daemons[name].write(conf)
        t.daemons[name].ctl("reload")


def serve(t, node, mag):
    """The node is there, with the address that its profile gives it; no DHCP is needed for that.
    Returns the binding."""
    t.attach(node, mag)
    b = wait_until(lambda: registered(t, node, mag), 8, f"{node.name} to be registered")
    node.ip(f"addr replace {b['ipv4']}/24 dev {node.ifname}",
            f"route replace default via {ROUTER} dev {node.ifname}")
    return wait_until(lambda: registered(t, node, mag), 8, f"{node.name} to be registered")


class Said:
    """A PBU or PBA as it was on the wire."""

    def __init__(self, frame):
        self.src, self.dst, proto, body = ip(eth(frame)[3])
        self.udp = None
        if proto == 17:
            self.udp = sport, dport, length, checksum = struct.unpack_from("!HHHH", body)
            assert length == len(body) and checksum != 0
            body = body[8:]
        self.kind, self.checksum = body[2], struct.unpack_from("!H", body, 4)[0]
        if self.kind == mh.BU:
            self.seq, self.flags, self.lifetime = struct.unpack_from("!HHH", body, 6)
        else:
            self.status, self.flags, self.seq, self.lifetime = struct.unpack_from("!BBHH", body, 6)
        self.options, at = {}, 12
        while at < len(body):
            if body[at]:
                self.options[body[at]] = body[at + 2:at + 2 + body[at + 1]]
                at += body[at + 1] + 1
            at += 1


def said(cap):
    """(PBUs, PBAs) of a capture, in their order."""
    all_ = [Said(f) for _, f in cap.frames()]
    return [m for m in all_ if m.kind == mh.BU], [m for m in all_ if m.kind == mh.BA]


def traffic(t, node, b, mag=1):
    """Both families both ways; everything between MAG and LMA is in the tunnel that the binding
    shows, with its keys."""
    six = node.wait_address()
    cap = t.capture("net", "lma0", "ip or ip6")
    assert node.ping(CN4, 3, 0.05, src=b["ipv4"]) == 3 and t.cn.ping(b["ipv4"], 3, 0.05) == 3
    assert node.ping(CN, 3, 0.05, src=six) == 3 and t.cn.ping(six, 3, 0.05) == 3
    tcp.carry(node, t.cn, CN4, 200_000, source=b["ipv4"])
    tcp.carry(t.cn, node, b["ipv4"], 200_000)
    tcp.carry(node, t.cn, CN, 200_000, source=six)
    tcp.carry(t.cn, node, six, 200_000)
    homes = {b["ipv4"], six}
    got = [x for _, f in cap.stop().frames() if (x := tunnelled(f))]
    got = [x for x in got if {x.inner_src, x.inner_dst} & homes]
    assert len(got) > 200
    ends = (b["proxy_coa"], b["lma_address"])
    for x in got:
        up = x.inner_src in homes
        assert (x.src, x.dst) == (ends if up else ends[::-1])
        assert (x.encap, x.key) == (b["encapsulation"], b["up_gre_key" if up else "down_gre_key"])
    assert {x.inner[0] >> 4 for x in got} == {4, 6}


V6, V4 = (LMAA, mag_addr(1)), (LMAA4, mag_addr4(1))
ACCEPT, REQUIRE = {"gre-encapsulation": "accept"}, {"gre-encapsulation": "require"}
UDP = {"accept-forced-ipv4-udp-encapsulation-request": True}
KEYS, GRE = {"gre-encapsulation": "keys"}, {"gre-encapsulation": "without-keys"}
FORCE, TLV = {"force-ipv4-udp-encapsulation-support": True}, {"gre-tlv-header": True}

# what the LMA allows, what the MAG wants, the LMA's address; PBU flags, length of its GRE option;
# statuses, PBA flags, length of its GRE option, NAT Detection; encapsulation
CASES = {
    "v4-plain": ({}, {}, V4, 0, None, [0], 0, None, False, "ip"),
    "v4-udp": (UDP, FORCE, V4, FLAG_F, None, [0], 0, None, True, "udp"),
    "v4-gre": (ACCEPT, GRE, V4, 0, 2, [0], 0, 2, False, "gre"),
    "v4-gre-key": (ACCEPT, KEYS, V4, 0, 6, [0], 0, 6, False, "gre-key"),
    "v4-tlv-gre-key": ({**ACCEPT, **TLV}, {**KEYS, **TLV}, V4, FLAG_T, 6, [0], PBA_T, 6, False,
                       "udp-gre-key"),
    "v4-tlv-gre": ({**ACCEPT, **TLV}, {**GRE, **TLV}, V4, FLAG_T, 2, [0], PBA_T, 2, False,
                   "udp-gre"),
    "v4-forced-tlv-gre-key": ({**UDP, **ACCEPT, **TLV}, {**FORCE, **KEYS, **TLV}, V4,
                              FLAG_F | FLAG_T, 6, [0], PBA_T, 6, None, "udp-gre-key"),
    "v4-no-tlv": (ACCEPT, {**KEYS, **TLV}, V4, FLAG_T, 6, [3], 0, 6, False, "gre-key"),
    "v4-gre-refused": ({}, KEYS, V4, 0, 6, [2], 0, None, False, "ip"),
    "v4-gre-demanded": (REQUIRE, {}, V4, 0, None, [163, 0], 0, 6, False, "gre-key"),
    "v6-tlv-means-nothing": (ACCEPT, {**KEYS, **TLV}, V6, 0, 6, [0], 0, 6, False, "gre-key"),
    "v6-plain": ({}, {}, V6, 0, None, [0], 0, None, False, "ip"),
    "v6-gre": (ACCEPT, GRE, V6, 0, 2, [0], 0, 2, False, "gre"),
    "v6-gre-key": (ACCEPT, KEYS, V6, 0, 6, [0], 0, 6, False, "gre-key"),
    "v6-gre-refused": ({}, KEYS, V6, 0, 6, [2], 0, None, False, "ip"),
    "v6-gre-demanded": (REQUIRE, {}, V6, 0, None, [163, 0], 0, 6, False, "gre-key"),
}
STATUS = {0: "pba_accepted", 2: "pba_gre_key_not_required", 3: "pba_gre_tlv_not_supported",
          163: "pba_gre_key_required"}
AT_MAG = {0: "pba_0_", 2: "pba_2_", 3: "pba_3_", 163: "pba_163_"}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_what_is_agreed_upon_is_what_packets_look_like(t, case):
    """V-40 to V-44, K-1, K-2, K-10, K-12, K-20 to K-25: the negotiation row by row, on the wire, in
    the counters and in every packet of a dual-stack node."""
    policy, wish, ends, pbu_flags, pbu_gre, statuses, pba_flags, pba_gre, nat, encap = case
    agree(t, policy, wish, lmaa=ends[0])
    cap = t.capture("lma", "net0", SIGNALLING)
    before = {d: counters(t, d) for d in ("lma", "mag1")}
    b = serve(t, t.mn1, 1)
    wait_until(lambda: len(said(cap)[1]) >= len(statuses), 3, "the capture")
    pbus, pbas = said(cap.stop())
    first, last = pbus[0], pbus[len(statuses) - 1]

    # transport: RFC 5844 4.1.3.2, 4.2.2.1
    assert (b["proxy_coa"], b["lma_address"]) == (ends[1], ends[0])
    for m in pbus + pbas:
        assert (m.src, m.dst) == (ends[::-1] if m.kind == mh.BU else ends)
        if ends == V4:
            assert m.checksum == 0
            assert m.udp[1 if m.kind == mh.BU else 0] == 5436
    if ends == V4:
        assert {m.udp[1] for m in pbas} == {m.udp[0] for m in pbus}
    assert [m.status for m in pbas[:len(statuses)]] == statuses

    # request
    assert first.flags & (FLAG_F | FLAG_T) == pbu_flags
    assert (len(first.options[GRE_KEY]) if GRE_KEY in first.options else None) == pbu_gre
    assert HOME4_REQUEST in first.options
    # answer
    answer = pbas[len(statuses) - 1]
    assert answer.flags & (PBA_P | PBA_T) == PBA_P | pba_flags
    assert (len(answer.options[GRE_KEY]) if GRE_KEY in answer.options else None) == pba_gre
    assert nat is None or (NAT_DETECTION in answer.options) == nat
    if nat:
        assert answer.options[NAT_DETECTION][0] & 0x80
    assert answer.options[HOME4_REPLY][2:6] == dhcp.ip_bytes(HOME4)
    assert answer.options[HOME4_REPLY][0] == 0
    assert answer.options[DHCP_MODE][1] & 1, "the MAG is the DHCP server"
    assert answer.options[ROUTER4][2:6] == dhcp.ip_bytes(ROUTER)

    # both ends agree, and on the keys that went past
    u = update_entry(t, t.mn1, 1)
    for field in ("encapsulation", "down_gre_key", "up_gre_key", "ipv4", "ipv4_router"):
        assert b[field] == u[field], field
    assert (b["encapsulation"], b["ipv4"]) == (encap, HOME4)
    keyed = encap.endswith("-key")
    assert (b["down_gre_key"] is not None) == (b["up_gre_key"] is not None) == keyed
    if keyed:
        assert struct.unpack_from("!I", last.options[GRE_KEY], 2)[0] == b["down_gre_key"]
        assert struct.unpack_from("!I", answer.options[GRE_KEY], 2)[0] == b["up_gre_key"]
    for s in statuses:
        assert grown(before["lma"], counters(t, "lma"))["lma", STATUS[s]] >= 1
        assert any(k[1].startswith(AT_MAG[s])
                   for k in grown(before["mag1"], counters(t, "mag1"))), s
    traffic(t, t.mn1, b)


def test_forced_udp_is_refused_unless_allowed(t):
    """V-42 (RFC 5844 4.1.3.1): status 129, and no service; the node is served when the operator
    has allowed it."""
    agree(t, {}, FORCE)
    before = {d: counters(t, d) for d in ("lma", "mag1")}
    t.attach(t.mn1, 1)
    wait_until(lambda: grown(before["mag1"], counters(t, "mag1")).get(
        ("mag", "pba_129_administratively_prohibited")), 5, "status 129")
    assert grown(before["lma"], counters(t, "lma"))["lma", "pba_administratively_prohibited"] >= 1
    assert binding(t, t.mn1) is None
    agree(t, UDP, FORCE)
    b = serve(t, t.mn1, 1)
    assert b["encapsulation"] == "udp"
    assert t.mn1.ping(CN4, 3, 0.05, src=HOME4) == 3


def test_lma_and_mag_need_no_ipv6_between_them(t):
    """The network in between carries no IPv6 at all: a dual-stack node does not notice."""
    agree(t, {}, {})
    links = [("lma", "net0"), ("mag1", "net0"), ("net", "lma0"), ("net", "mag1")]
    saved = {link: t.ns[link[0]].ip_json("-6", "addr", "show", "dev", link[1]) for link in links}
    for ns, i in links:
        t.ns[ns].sysctl(**{f"net__ipv6__conf__{i}__disable_ipv6": 1})
    try:
        cap = t.capture("net", "lma0", "ip6")
        b = serve(t, t.mn1, 1)
        assert (b["proxy_coa"], b["lma_address"]) == (mag_addr4(1), LMAA4)
        traffic(t, t.mn1, b)
        assert cap.stop().frames() == []
    finally:
        for (ns, i), was in saved.items():
            t.ns[ns].sysctl(**{f"net__ipv6__conf__{i}__disable_ipv6": 0})
            t.ns[ns].ip(*[f"addr add {a['local']}/{a['prefixlen']} dev {i} nodad"
                          for link in was for a in link.get("addr_info", [])
                          if a.get("scope") == "global"])
        t.lma.ip("route replace default via 2001:db8:2::fe")
        t.mag1.ip("route replace default via 2001:db8:11::fe")


@pytest.mark.parametrize("here, there", [
    (({}, LMAA), (KEYS, LMAA4)),
    ((FORCE, LMAA4), (GRE, LMAA)),
    (({**KEYS, **TLV}, LMAA4), ({}, LMAA4)),
], ids=["v6-ip to v4-gre-key", "v4-udp to v6-gre", "v4-tlv to v4-ip"])
def test_handover_between_mags_with_other_tunnels(t, here, there):
    """Address, prefix and TCP stay; K-21 (RFC 5845 3.3.2): so does the uplink key; K-24: a MAG
    without GRE gets the session without it."""
    agree(t, {**ACCEPT, **UDP, **TLV}, here[0], lmaa=here[1], wish2=there[0], lmaa2=there[1])
    node = t.mn1
    b = serve(t, node, 1)
    six, seen = node.wait_address(), [b]

    def move():
        for mag in (2, 1, 2):
            t.move(node, mag, 0.05)
            seen.append(wait_until(lambda: registered(t, node, mag), 8,
                                   f"the handover to mag{mag}"))

    tcp.carry(t.cn, node, HOME4, 300_000, timeout=30, during=lambda: tcp.carry(
        node, t.cn, CN, 300_000, source=six, timeout=30, during=move))
    for s, mag, (_, lmaa) in zip(seen, (1, 2, 1, 2), (here, there, here, there)):
        assert s["ipv4"] == HOME4 and s["prefixes"] == b["prefixes"]
        assert s["session"] == b["session"]
        assert s["proxy_coa"] == (mag_addr4(mag) if lmaa == LMAA4 else mag_addr(mag))
    assert len({s["encapsulation"] for s in seen}) == 2
    assert len({s["up_gre_key"] for s in seen if s["up_gre_key"]}) <= 1
    traffic(t, node, registered(t, node, 2), 2)


def test_forged_registrations_over_ipv4_change_nothing(t):
    """A stranger's PBU in UDP, a PBA from elsewhere, and UDP without what it should hold."""
    agree(t, {}, {})
    b = serve(t, t.mn1, 1)
    link = mh.Injector(t.net, "lma0", mh.mac_of(t.lma, "net0"))
    back = mh.Injector(t.net, "mag1", mh.mac_of(t.mag1, "net0"))
    pbu = mh.pbu(t.mn1.mnid, seq=(b["seq"] + 1000) & 0xffff)
    for inject, src, dst, sport, dport, body, reason in (
            (link, STRANGER, LMAA4, 5436, 5436, pbu, ("lma", "ignored_unknown_mag")),
            (link, STRANGER, LMAA4, 5436, 5436, b"", ("mh_udp", "no_checksum")),
            (link, STRANGER, LMAA4, 0, 5436, pbu, ("mh_udp", "no_source_port")),
            (link, STRANGER, LMAA4, 5436, 5436, pbu[:20], None),
            (back, STRANGER, mag_addr4(1), 5436, 5436,
             mh.message(mh.BA, struct.pack("!BBHH", 0, 0x20, 1, 0), [mh.mn_id(t.mn1.mnid)]),
             ("mag", "pba_ignored_source"))):
        daemon = "lma" if inject is link else "mag1"
        before = counters(t, daemon)
        inject.sock.send(dhcp.ether(inject.dst_mac, inject.src_mac, 0x0800,
                                    dhcp.udp4(src, dst, sport, dport, body)))

        def counted():
            grew = grown(before, counters(t, daemon))
            return reason in grew if reason else any(k[0] == "inbox" and k[1] not in (
                "received", "delivered") for k in grew)

        wait_until(counted, 3, str(reason))
    link.close()
    back.close()
    assert binding(t, t.mn1)["proxy_coa"] == b["proxy_coa"]
    # the node's own messages may have renewed it: by this MAG's number, not by the forged one
    wait_until(lambda: binding(t, t.mn1)["seq"] == update_entry(t, t.mn1, 1)["seq"], 3,
               "the number of the MAG's own request")
    assert t.mn1.ping(CN4, 3, 0.05) == 3


def test_equal_addresses_of_two_operators(t):
    """K-15, RFC 5845 3.1: the same IPv4 home address in two domains, on links of one MAG, between
    the same tunnel ends: keys keep them apart, each meets its own correspondent."""
    t.detach(t.mn1)
    t.operators, t.policy, t.wish, t.lmaa = 2, ACCEPT, {1: KEYS, 2: KEYS}, {1: LMAA4, 2: LMAA4}
    for name, conf in configs(t).items():  # domains are known when the programs are made
        t.start(name, conf)
    a = serve(t, t.mn1, 1)
    t.mn3.sysctl(net__ipv6__conf__eth1__accept_ra=1)
    t.mn3.ip("link set eth1 addrgenmode eui64", "link set eth1 up")
    b = wait_until(lambda: registered(t, t.mn3, 1), 8, "mn3 to be registered")
    t.mn3.ip(f"addr add {HOME4}/24 dev eth1", f"route add default via {ROUTER}")
    assert a["ipv4"] == b["ipv4"] == HOME4 and (a["ipv4_domain"], b["ipv4_domain"]) == (0, 2)
    assert (a["proxy_coa"], a["lma_address"]) == (b["proxy_coa"], b["lma_address"])
    assert a["up_gre_key"] != b["up_gre_key"] and a["down_gre_key"] != b["down_gre_key"]
    caps = {cn: t.capture(cn, "eth0", "icmp or tcp or udp") for cn in ("cn", "cn2")}
    for node, cn, far in ((t.mn1, t.cn, CN4), (t.mn3, t.cn2, CN2_4)):
        wait_until(lambda node=node, far=far: node.ping(far), 5, f"{node.name} to reach {far}")
        assert node.ping(far, 5, 0.05) == 5 and cn.ping(HOME4, 5, 0.05) == 5
        tcp.carry(node, cn, far, 200_000, source=HOME4)
        tcp.carry(cn, node, HOME4, 200_000)
    for cn, addr in (("cn", CN4), ("cn2", CN2_4)):
        ends = {frozenset(ip(eth(f)[3])[:2]) for _, f in caps[cn].stop().frames()}
        assert ends == {frozenset((addr, HOME4))}
