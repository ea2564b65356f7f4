# SPDX-License-Identifier: GPL-2.0-or-later
"""Nodes that want IPv4 addresses of others, or the MAG's memory: every frame is made here, and what
comes of it is counted under a name. Whoever was there before keeps what he has."""

import socket
import time

import pytest

import dhcp
from ask import binding, counter, counters, drops, grown, settled, wait_registered
from capture import eth, ip4
from conftest import make_topo
from dhcp import ACK, BROADCAST, DISCOVER, NAK, OFFER, RELEASE, REQUEST, option
from netns import PATIENCE, wait_until
from topo import CN, CN4, REALM, ROUTER_MAC

ROUTER = "100.64.0.1"
SMALL = "100.64.9.2"  # the only address of its pool
STORM = 1000          # clients
ROOM = 1100           # nodes that a MAG knows at most


@pytest.fixture(scope="module")
def t(request, bindir):
    """mn1 and mn2 are in a large pool; mn3 and mn4 in one that has a single address."""
    t = make_topo(request, bindir, nodes=4, mags=1,
                  decode=[("mag1", "acc0", "udp port 68 or arp", "out")])
    profiles = [{**p, "ipv4": True, "ipv4-pool": "small" if i > 1 else "large"}
                for i, p in enumerate(t._profiles())]
    over = {"profiles": profiles, "fallback-profiles": [
        {"match": f"@{REALM}", "pool": "default", "ipv4": True, "ipv4-pool": "large"}]}
    t.start("lma", t.lma_config(lma={"ipv4-pools": [
        {"name": "large", "prefix": "100.64.0.0/21"},
        {"name": "small", "prefix": "100.64.9.0/30"}]}, **over), wait=False)
    # A node that got no IPv4 address may ask again after 8 of the longest waits.
    t.start("mag1", t.mag_config(1, mag={
        "attach-rate": 10_000, "max-nodes": ROOM, "initial-bindack-timeout": 500,
        "max-bindack-timeout": 500}, **over), wait=False)
    for d in t.daemons.values():
        d.wait_ready()
    for n in t.nodes:
        t.attach(n, 1)
    for n in t.nodes:
        settled(t, n, 1)
    return t


class Wire:
    """A node's link, octet by octet."""

    def __init__(self, node):
        self.node, self.mac, self.xid = node, node.mac, 0x5000 + 0x100 * node.number
        self.sock = node.packet_socket(node.ifname, 3)  # ETH_P_ALL
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self.sock.settimeout(0.05)

    def send(self, frame):
        self.sock.send(frame)

    def heard(self, timeout=2.0, until=None):
        """What the MAG says on this link until a frame satisfies `until`, or the time is over."""
        out, end = [], time.monotonic() + timeout * (PATIENCE if until else 1)
        while time.monotonic() < end:
            try:
                f = self.sock.recv(65536)
            except TimeoutError:
                continue
            if f[6:12] != dhcp.mac_bytes(ROUTER_MAC):
                continue
            out.append((0, f))
            if until and until(f):
                break
        return out

    def arp(self, operation, sender, target):
        """ARP from here; the reply about the target, or None: (to, sender MAC, sender)."""
        def reply(f):
            return any(a[3] == target for a in dhcp.arps([(0, f)], 2))

        self.send(dhcp.arp(self.mac, operation, sender, target))
        got = dhcp.arps((f for f in self.heard(1, reply) if reply(f[1])), 2)
        return (got[0][0], got[0][2], got[0][3]) if got else None

    def ask(self, kind, options=b"", src="0.0.0.0", dst=BROADCAST, dmac="ff:ff:ff:ff:ff:ff",
            wait=2.0, **kw):
        """Sends a message; the answer, or None."""
        self.xid += 1
        xid = self.xid

        def mine(f):
            return any(m.op == 2 and m.xid == xid for m in dhcp.messages([(0, f)]))

        self.send(dhcp.from_client(self.mac, dhcp.message(self.mac, kind, options, xid=xid, **kw),
                                   src, dst, dmac))
        got = dhcp.messages(f for f in self.heard(wait, mine) if mine(f[1]))
        return got[0] if got else None

    def lease(self):
        """DISCOVER to ACK; the address."""
        offer = self.ask(DISCOVER)
        assert offer and offer.type == OFFER
        ack = self.ask(REQUEST, option(dhcp.REQUESTED, dhcp.ip_bytes(offer.yiaddr)) +
                       option(dhcp.SERVER, offer.options[dhcp.SERVER]))
        assert ack.type == ACK and ack.yiaddr == offer.yiaddr
        return ack.yiaddr


@pytest.fixture(scope="module")
def wires(t):
    """mn1 and mn2 with their links and leases."""
    out = []
    for n in t.nodes[:2]:
        w = Wire(n)
        w.addr = w.lease()
        n.ip(f"addr add {w.addr}/21 dev eth0", f"route add default via {ROUTER}")
        out.append(w)
    for w in out:
        assert w.node.ping(CN4, 2, 0.1) == 2
    return out


def router_mac(node):
    return {n["dst"]: n.get("lladdr")
            for n in node.ip_json("neigh", "show", "dev", node.ifname)}[ROUTER]


def addr_option(addr, code=dhcp.REQUESTED):
    return option(code, dhcp.ip_bytes(addr))


# ---- addresses of others

@pytest.mark.parametrize("state", ["selecting", "init-reboot", "renewing", "rebinding"])
def test_request_for_the_address_of_another_is_refused(t, wires, state):
    """RFC 2131 4.3.2, RFC 5844 3.4.1: NAK to the thief, the owner does not notice."""
    owner, thief = wires
    more = {
        "selecting": dict(options=addr_option(owner.addr) + addr_option(ROUTER, dhcp.SERVER)),
        "init-reboot": dict(options=addr_option(owner.addr)),
        "renewing": dict(ciaddr=owner.addr, src=thief.addr, dst=ROUTER, dmac=ROUTER_MAC),
        "rebinding": dict(ciaddr=owner.addr),
    }[state]
    before, held = counters(t, "mag1"), [binding(t, w.node) for w in wires]
    nak = thief.ask(REQUEST, **more)
    assert (nak.type, nak.yiaddr, nak.ciaddr) == (NAK, "0.0.0.0", "0.0.0.0")
    assert (nak.src, nak.dst, nak.dmac) == (ROUTER, BROADCAST, thief.mac)
    assert nak.address(dhcp.SERVER) == ROUTER and dhcp.LEASE not in nak.options
    assert grown(before, counters(t, "mag1"))["dhcpv4_server", "naked_address"] == 1
    for w, b in zip(wires, held):
        assert (b["ipv4"], b["session"]) == (w.addr, binding(t, w.node)["session"])
        assert w.node.ping(CN4, 2, 0.1) == 2


def test_release_of_the_address_of_another_changes_nothing(t, wires):
    owner, thief = wires
    before = counters(t, "mag1")
    for src in (thief.addr, owner.addr):  # honest about itself, and not
        thief.ask(RELEASE, addr_option(ROUTER, dhcp.SERVER), ciaddr=owner.addr, src=src,
                  dst=ROUTER, dmac=ROUTER_MAC, wait=0.3)
    grew = grown(before, counters(t, "mag1"))
    assert grew["dhcpv4_server", "foreign_address"] == 2
    assert ("dhcpv4_server", "released") not in grew
    assert binding(t, owner.node)["ipv4"] == owner.addr
    assert owner.node.ping(CN4, 2, 0.1) == 2


def test_packets_from_the_address_of_another_are_dropped(t, wires):
    """V-27 (RFC 5844 3.2.4)"""
    owner, thief = wires
    cap = t.capture("cn", "eth0", "udp port 9999")
    for src, reason in ((owner.addr, "spoofed_source"), ("100.64.0.99", "unknown_node"),
                        ("198.51.100.7", "unknown_node"), (ROUTER, "unknown_node")):
        before = drops(t, "mag1")[reason]
        frame = dhcp.ether(ROUTER_MAC, thief.mac, 0x0800,
                           dhcp.udp4(src, CN4, 1, 9999, b"not from here"))
        for _ in range(20):
            thief.send(frame)
        wait_until(lambda: drops(t, "mag1")[reason] == before + 20, 3,
                   f"20 packets from {src} to be dropped")
    thief.send(dhcp.ether(ROUTER_MAC, thief.mac, 0x0800,
                          dhcp.udp4(thief.addr, CN4, 1, 9999, b"from here")))
    seen = wait_until(cap.frames, 3, "what is from here")
    assert [ip4(eth(f)[3])[0] for _, f in seen] == [thief.addr]
    cap.stop()


@pytest.mark.parametrize("claim", ["probe", "announcement", "reply"])
def test_claim_of_the_address_of_another_is_answered(t, wires, claim):
    """RFC 5227 2.1.1, 2.4: who probes is told that the address is in use; who announces is told,
    too, and who claims to be the default router convinces nobody."""
    owner, thief = wires
    # the last one is nobody's, yet not its own
    for addr in (owner.addr, ROUTER, "100.64.7.200"):
        op, sender = {"probe": (1, "0.0.0.0"), "announcement": (1, addr),
                      "reply": (2, addr)}[claim]
        before = counters(t, "mag1")
        thief.heard(0.05)
        assert thief.arp(op, sender, addr) == (thief.mac, ROUTER_MAC, addr)
        assert grown(before, counters(t, "mag1"))["arp", "defended"] == 1
    # the others on the link heard of the wrong default router, and then of the right one
    defended = counter(t, "mag1", "router_defended")
    assert (defended > 0) == (claim != "probe")
    assert router_mac(owner.node) == ROUTER_MAC
    # for its own address nobody answers
    assert thief.arp(1, "0.0.0.0", thief.addr) is None
    assert owner.node.ping(CN4, 2, 0.1) == 2


def test_neighbours_reach_each_other_through_the_router(t, wires):
    """V-28 (RFC 5844 3.2.4): the MAG answers ARP for everybody in the home network, to the asker."""
    a, b = wires
    before = counters(t, "mag1")
    assert a.arp(1, a.addr, b.addr) == (a.mac, ROUTER_MAC, b.addr)
    assert grown(before, counters(t, "mag1"))["arp", "answered_proxy"] >= 1


# ---- messages that are none

def good(mac, **kw):
    return dhcp.message(mac, DISCOVER, xid=0x77, **kw)


def truncated(n):
    return lambda mac: dhcp.from_client(mac, good(mac)[:n])


def with_options(options, **kw):
    """A DISCOVER with these options, and no End of its own."""
    return lambda mac: dhcp.from_client(mac, dhcp.fixed(mac, xid=0x77, **kw) +
                                        option(dhcp.TYPE, bytes([DISCOVER])) + options)


def with_fields(**kw):
    return lambda mac: dhcp.from_client(mac, good(mac, **kw))


def with_file(options):
    """The `file` field holds options, as option 52 says."""
    def make(mac):
        head = dhcp.fixed(mac, xid=0x77)
        return dhcp.from_client(mac, head[:108] + options.ljust(128, b"\0") + head[236:] +
                                option(dhcp.TYPE, bytes([DISCOVER])) + option(52, b"\1") + b"\xff")
    return make


def spoilt(at, octet):
    """A good frame with one octet changed."""
    def make(mac):
        f = bytearray(dhcp.from_client(mac, good(mac)))
        f[at] ^= octet
        return bytes(f)
    return make


# name: (frame, counter)
BAD = {
    "no-octet-after-udp": (truncated(0), "truncated"),
    "within-the-fixed-part": (truncated(200), "truncated"),
    "without-magic-cookie": (truncated(236), "truncated"),
    "no-options": (truncated(240), "no_end"),
    "without-end": (truncated(243), "no_end"),
    "type-cut-off": (truncated(242), "option_overrun"),
    "option-beyond-the-end": (with_options(bytes([61, 200, 1, 2, 3])), "option_overrun"),
    "length-of-255": (with_options(bytes([50, 255])), "option_overrun"),
    "type-twice": (with_options(option(53, b"\1") + b"\xff"), "bad_option_length"),
    "address-in-two-and-a-half": (with_options(option(50, b"\1\2\3\4") + option(50, b"\5\6") +
                                               b"\xff"), "bad_option_length"),
    "address-of-three-octets": (with_options(option(50, b"\1\2\3") + b"\xff"),
                                "bad_option_length"),
    "file-holds-option-52-again": (with_file(option(52, b"\1") + b"\xff"), "bad_overload"),
    "file-without-end": (with_file(option(12, b"x" * 126)), "no_end"),
    "file-overrun": (with_file(option(12, b"x" * 120) + bytes([55, 9])), "option_overrun"),
    "overload-of-nothing": (with_options(option(52, b"\0") + b"\xff"), "bad_overload"),
    "hlen-0": (with_fields(hlen=0), "bad_hlen"),
    "hlen-16": (with_fields(hlen=16), "bad_hlen"),
    "hlen-255": (with_fields(hlen=255), "bad_hlen"),
    "token-ring": (with_fields(htype=6), "bad_htype"),
    "forged-giaddr": (with_fields(giaddr="198.51.100.9"), "from_relay"),
    "giaddr-of-the-router": (with_fields(giaddr=ROUTER), "from_relay"),
    "relay-agent-option": (with_options(option(82, option(1, b"acc0/x")) + b"\xff"),
                           "agent_option"),
    "hops-255": (with_fields(hops=255), "too_many_hops"),
    "another-chaddr": (lambda mac: dhcp.from_client(mac, good("02:00:00:00:00:01")),
                       "bad_chaddr"),
    "wrong-cookie": (with_fields(cookie=b"\x63\x82\x53\x64"), "bad_cookie"),
    "server-message": (with_fields(op=2), "bad_op"),
    "offer": (lambda mac: dhcp.from_client(mac, dhcp.message(mac, OFFER)), "bad_type"),
    "type-77": (lambda mac: dhcp.from_client(mac, dhcp.message(mac, 77)), "bad_type"),
    "bootp": (lambda mac: dhcp.from_client(mac, dhcp.fixed(mac) + b"\xff"), "no_type"),
    "udp-checksum": (spoilt(40, 1), "bad_checksum"),
    "from-multicast": (lambda mac: dhcp.from_client(mac, good(mac), src="224.0.0.9"),
                       "bad_ip_source"),
}


def test_malformed_messages_are_dropped_under_their_names(t, wires):
    """Each of them, from a node that is served and from strangers; nobody is answered."""
    node, stranger = wires[1], 0
    wrong = {}
    for name, (make, reason) in BAD.items():
        for mac in (node.mac, f"02:bb:00:00:00:{stranger:02x}"):
            stranger += 1
            before = counters(t, "mag1")
            known = len(t.daemons["mag1"].ctl("nodes"))
            node.send(make(mac))
            try:
                wait_until(lambda: ("dhcpv4", reason) in grown(before, counters(t, "mag1")), 2,
                           reason)
            except Exception:
                pass
            grew = {k: v for k, v in grown(before, counters(t, "mag1")).items()
                    if k[0] in ("dhcpv4", "dhcpv4_server")}
            if grew != {("dhcpv4", reason): 1} or len(t.daemons["mag1"].ctl("nodes")) != known:
                wrong[name, mac] = grew
    assert wrong == {}
    assert [m for m in dhcp.messages(node.heard(0.2)) if m.op == 2] == []
    # and what is well-formed, from the same node, is heard
    assert node.ask(DISCOVER).type == OFFER


def test_one_node_cannot_keep_the_server_busy(t, wires):
    """Messages over a node's rate are counted; the neighbour is served meanwhile."""
    loud, other = wires
    time.sleep(2.5)  # both have all their tokens
    before = counters(t, "mag1")
    frame = dhcp.from_client(loud.mac, good(loud.mac))
    for _ in range(300):
        loud.send(frame)
    assert other.ask(DISCOVER).type == OFFER
    wait_until(lambda: grown(before, counters(t, "mag1")).get(("dhcpv4", "well_formed")) == 301, 3,
               "all to be read")
    grew = grown(before, counters(t, "mag1"))
    assert grew["dhcpv4_server", "rate_limited"] >= 280
    assert grew["dhcpv4_server", "offered"] + grew["dhcpv4_server", "rate_limited"] == 301


# ---- nothing left

def test_exhausted_pool_costs_ipv4_alone(t):
    """V-6, V-22 (RFC 5844 3.1.2.2, 3.2.3.2): status 130; prefixes are served on; an address that is
    given back goes to who asks next."""
    first, second = Wire(t.mn3), Wire(t.mn4)
    # whoever registered first has it, with or without DHCP
    if binding(t, first.node)["ipv4"] is None:
        first, second = second, first
    assert first.lease() == binding(t, first.node)["ipv4"] == SMALL
    six = settled(t, second.node, 1)
    assert binding(t, second.node)["ipv4"] is None
    before = {d: counters(t, d) for d in t.daemons}
    assert second.ask(DISCOVER, wait=1) is None
    grew = {d: grown(before[d], counters(t, d)) for d in t.daemons}
    assert counter(t, "lma", "pba_insufficient_resources") >= 1
    assert grew["mag1"]["dhcpv4_server", "held"] == 1
    assert ("dhcpv4_server", "offered") not in grew["mag1"]
    b = wait_registered(t, second.node, 1)
    assert b["ipv4"] is None and b["prefixes"] and b["state"] == "ACTIVE"
    assert settled(t, second.node, 1) == six and second.node.ping(CN, 3, 0.1, src=six) == 3

    first.ask(RELEASE, addr_option(ROUTER.replace(".0.1", ".9.1"), dhcp.SERVER), ciaddr=SMALL,
              src=SMALL, dst="100.64.9.1", dmac=ROUTER_MAC, wait=0.2)
    wait_until(lambda: binding(t, first.node)["ipv4"] is None, 3, "the address to be free")
    offer = wait_until(lambda: second.ask(DISCOVER, wait=1), 15, "an offer")
    assert (offer.type, offer.yiaddr) == (OFFER, SMALL)
    assert binding(t, second.node)["ipv4"] == SMALL
    assert binding(t, first.node)["ipv4"] is None and binding(t, first.node)["prefixes"]


# ---- very many (last: the MAG takes a while to find that they are gone)

def rss(daemon):
    pid = daemon.proc.pid
    with open(f"/proc/{pid}/status") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS"))


def storm(wire, macs, timeout):
    """A DISCOVER of each; {mac: address offered} of those who got one, and the seconds it took."""
    frames = [dhcp.from_client(m, dhcp.message(m, DISCOVER, xid=i + 1))
              for i, m in enumerate(macs)]
    wanted, got = set(macs), {}
    began = time.monotonic()

    def take():
        for _, f in wire.heard(0.02):
            for m in dhcp.messages([(0, f)], OFFER):
                if m.chaddr in wanted:
                    got.setdefault(m.chaddr, m.yiaddr)

    for at in range(0, len(frames), 50):
        for f in frames[at:at + 50]:
            wire.send(f)
        take()
    while len(got) < len(macs) and time.monotonic() < began + timeout * PATIENCE:
        take()
    return got, time.monotonic() - began


def test_a_thousand_clients_at_once_and_no_room_for_more(t, wires, record_property):
    wire = wires[0]
    before = {d: counters(t, d) for d in t.daemons}
    memory = {d: rss(t.daemons[d]) for d in t.daemons}
    macs = [f"02:cc:00:00:{i >> 8:02x}:{i & 255:02x}" for i in range(STORM)]
    got, took = storm(wire, macs, 20)
    record_property("seconds", took)
    grew = {d: grown(before[d], counters(t, d)) for d in t.daemons}
    print(f"{len(got)} offers in {took:.2f} s", grew["mag1"])
    assert len(got) == STORM, grew
    assert len(set(got.values())) == STORM, "an address was offered twice"
    assert grew["mag1"]["dhcpv4_server", "offered"] >= STORM
    for name in ("hold_full", "held_expired", "send_failed"):
        assert ("dhcpv4_server", name) not in grew["mag1"]
    # more than it has room for: counted, and nobody is pushed aside
    more = [f"02:dd:00:00:{i >> 8:02x}:{i & 255:02x}" for i in range(2 * STORM)]
    frames = [dhcp.from_client(m, dhcp.message(m, DISCOVER)) for m in more]
    for at in range(0, len(frames), 50):
        for f in frames[at:at + 50]:
            wire.send(f)
        wire.heard(0.01)
    wait_until(lambda: grown(before["mag1"], counters(t, "mag1")).get(
        ("access", "node_table_full"), 0) >= 2 * STORM - ROOM, 10, "those without room")
    assert len(t.daemons["mag1"].ctl("nodes")) <= ROOM
    for w in wires:
        assert binding(t, w.node)["ipv4"] == w.addr
        assert w.node.ping(CN4, 2, 0.1) == 2
    for d, was in memory.items():
        more = rss(t.daemons[d]) - was
        record_property(f"{d}_kilobytes", more)
        print(d, more, "kB")
        assert more < 40 * ROOM, f"{d} took {more} kB for {ROOM} nodes"
