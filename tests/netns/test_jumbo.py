# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames longer than a page between real daemons: native XDP all the way, in several buffers."""

from ask import counters, grown, settled
from topo import CN

MTU = 9000
TUNNEL_MTU = MTU - 40


def jumbo(t):
    """Every interface of the topology."""
    for name, ns in t.ns.items():
        for link in ns.ip_json("link", "show"):
            if link["ifname"] != "lo":
                ns.ip(f"link set {link['ifname']} mtu {MTU}")


def test_nine_thousand_octets(fresh):
    t = fresh(mags=1, nodes=1)
    jumbo(t)
    t.start("lma")
    t.start("mag1", t.mag_config(1, mag={"tunnel-mtu": TUNNEL_MTU}))
    for name in ("lma", "mag1"):
        rows = {r["ifname"]: r["hook"] for r in t.daemons[name].ctl("interfaces")
                if r["kind"] != "host"}
        assert set(rows.values()) == {"xdp+tc"}, rows
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    addr = t.mn1.wait_address()
    before = {n: counters(t, n) for n in ("lma", "mag1")}
    for size in (1000, 3400, 3600, 8000, TUNNEL_MTU - 48):
        assert t.mn1.ping(CN, 5, 0.05, size=size) == 5, size
        assert t.cn.ping(addr, 5, 0.05, size=size) == 5, size
    for name in before:
        growth = grown(before[name], counters(t, name))
        # five sizes, five packets, both ways, requests and answers
        assert growth.get(("xdp", "encap"), 0) >= 50, (name, growth)
        out = "decap_route" if name == "lma" else "decap_link"
        assert growth.get(("xdp", out), 0) >= 50, (name, growth)
        assert not [k for k in growth if k[0] == "drop"], (name, growth)
