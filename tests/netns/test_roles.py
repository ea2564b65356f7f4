# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a daemon runs and how it is hooked: both roles in one, TC instead of XDP, bridges."""

import time

import pytest

from ask import binding, settled, to_ap, update_entry, wait_registered
from capture import Flow
from netns import wait_until
from tcp import carry
from topo import CN, TUNNEL_MTU, merge


def everything_works(t, node):
    """Ping of every size, UDP without loss and TCP, both ways."""
    addr = node.wait_address()
    for size in (None, 1000, TUNNEL_MTU - 48):
        assert node.ping(CN, 3, 0.05, size=size) == 3
        assert t.cn.ping(addr, 3, 0.05, size=size) == 3
    flows = [Flow(t, "cn", node.name, addr, 6401), Flow(t, node.name, "cn", CN, 6402)]
    time.sleep(0.7)
    for f in flows:
        assert f.finish().lost == []
    assert carry(node, t.cn, CN, 3_000_000) < 1
    assert carry(t.cn, node, addr, 3_000_000) < 1


@pytest.mark.parametrize("where", ["everywhere", "access", "transport"])
def test_tc_where_it_is_asked_for(fresh, where):
    """hook: tc on some or all interfaces; the others keep native XDP."""
    t = fresh(nodes=2)
    tc_t, tc_a = where != "access", where != "transport"
    def hook(on):
        return {"hook": "tc"} if on else {}
    lma = t.lma_config(transport=[{"name": n, **hook(tc_t)} for n in ("net0", "inet0")])
    t.start("lma", lma)
    for i in (1, 2):
        c = t.mag_config(i, transport=[{"name": "net0", **hook(tc_t)}])
        c["mag"]["access"][0].update(hook(tc_a))
        t.start(f"mag{i}", c)
    rows = {r["ifname"]: r["hook"] for r in t.daemons["mag1"].ctl("interfaces")}
    assert (rows["net0"] == "tc") == tc_t and (rows["acc0"] == "tc") == tc_a
    assert ("xdp" in t.mag1.ip_json("link", "show", "dev", "net0")[0]) != tc_t
    for n in t.nodes:
        t.attach(n, 1)
        settled(t, n, 1)
    everything_works(t, t.mn1)
    assert t.mn1.ping(t.mn2.wait_address(), 3, 0.1) == 3, "out of one tunnel into another"
    to_ap(t, t.mn1, 2)
    everything_works(t, t.mn1)


def test_generic_xdp_when_asked_for(fresh):
    t = fresh(nodes=1)
    t.start("lma")
    t.start("mag1", t.mag_config(1, transport=[{"name": "net0", "hook": "xdp-generic"}]))
    rows = {r["ifname"]: r["hook"] for r in t.daemons["mag1"].ctl("interfaces")}
    assert "xdp-generic" in rows["net0"]
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    everything_works(t, t.mn1)


def test_bridge_in_the_mag_is_served_by_tc(fresh):
    t = fresh(access="bridge", nodes=2)
    for n in t.nodes:
        t.attach(n, 1)
    t.mag2.ip("link set acc0 up")
    t.start_all()
    for n in t.nodes:
        settled(t, n, 1)
    everything_works(t, t.mn1)
    addr = t.mn1.wait_address()
    t.move(t.mn1, 2)
    assert settled(t, t.mn1, 2) == addr
    everything_works(t, t.mn1)
    assert t.mn2.ping(CN, 3, 0.1) == 3


def test_point_to_point_links(fresh):
    t = fresh(access="p2p", nodes=2)
    for n in t.nodes:
        t.attach(n, 1)
    t.start_all()
    for n in t.nodes:
        settled(t, n, 1)
        everything_works(t, n)
    addr = t.mn1.wait_address()
    t.move(t.mn1, 2)
    assert settled(t, t.mn1, 2) == addr
    everything_works(t, t.mn1)


def combined(t):
    """lma namespace unchanged as to addresses; mag1 also anchors: LMA and MAG in one daemon."""
    coa = "2001:db8:11::1"
    conf = merge(t.mag_config(1), {
        "instance": f"{t.tag}-both",
        "lma": {"addresses": [coa],
                "pools": [{"name": "default", "prefix": "2001:db8:200::/48"}],
                "mags": [{"name": "self", "address": coa},
                         {"name": "mag2", "address": "2001:db8:12::1"}]},
    })
    conf["mag"]["lmas"] = [{"name": "self", "address": coa}]
    return conf


def test_lma_and_mag_in_one_daemon(fresh):
    """mag1 anchors its own nodes; packets leave it natively, without a tunnel."""
    t = fresh(nodes=2)
    t.lma.ip("route add 2001:db8:200::/48 via 2001:db8:2::fe")
    t.net.ip("route add 2001:db8:200::/48 via 2001:db8:11::1",
             "route add 2001:db8:c::/64 via 2001:db8:2::1")
    t.start("mag1", combined(t))
    for n in t.nodes:
        t.attach(n, 1)
    for n in t.nodes:
        addr = n.wait_address(12)
        assert addr.startswith("2001:db8:200:")
        b = binding(t, n, "mag1")
        assert b["proxy_coa"] == "2001:db8:11::1"
        assert update_entry(t, n, 1)["prefixes"] == b["prefixes"]
    everything_works(t, t.mn1)
    assert t.mn1.ping(t.mn2.wait_address(), 3, 0.1) == 3


def test_handover_away_from_the_combined_daemon(fresh):
    """The node moves from the anchor's own access link to mag2, and back."""
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
    for ap in (2, 1, 2):
        t.move(t.mn1, ap)
        wait_until(lambda: binding(t, t.mn1, "mag1")["proxy_coa"] == f"2001:db8:{10 + ap}::1", 5,
                   f"the binding to follow to mag{ap}")
        wait_until(lambda: t.mn1.ping(CN), 5, f"packets through mag{ap}")
        assert t.mn1.wait_address() == addr
        everything_works(t, t.mn1)


def test_several_prefixes_move_together(fresh):
    """A profile with two prefixes: both are advertised, both follow the node."""
    t = fresh(nodes=1)
    profile = [{"mn-id": t.mn1.mnid, "link-layer-addresses": [t.mn1.mac], "prefix-count": 2}]
    t.start("lma", t.lma_config(profiles=profile))
    for i in (1, 2):
        t.start(f"mag{i}", t.mag_config(i, profiles=profile))
    t.attach(t.mn1, 1)
    wait_registered(t, t.mn1, 1, 8)
    addrs = wait_until(lambda: len(t.mn1.addresses()) == 2 and t.mn1.addresses(), 10,
                       "two addresses")
    for ap in (1, 2):
        to_ap(t, t.mn1, ap)
        for a in addrs:
            assert t.mn1.ping(CN, 2, 0.1, src=a) == 2
            assert t.cn.ping(a, 2, 0.1) == 2


def test_static_prefix_from_the_profile(fresh):
    t = fresh(nodes=1)
    profile = [{"mn-id": t.mn1.mnid, "link-layer-addresses": [t.mn1.mac],
                "prefixes": ["2001:db8:f00:7::/64"]}]
    t.cn.ip("route add 2001:db8:f00::/48 via 2001:db8:c::1")
    t.start("lma", t.lma_config(profiles=profile))
    t.start("mag1", t.mag_config(1, profiles=profile))
    t.start("mag2", t.mag_config(2, profiles=profile))
    t.attach(t.mn1, 1)
    assert settled(t, t.mn1, 1).startswith("2001:db8:f00:7:")
    for ap in (1, 2):
        to_ap(t, t.mn1, ap)
        everything_works(t, t.mn1)


def test_node_without_a_profile_is_known_by_its_address(fresh):
    """mac@realm, RFC 5213 6.6; without a realm such a node is refused."""
    t = fresh(nodes=1)
    t.start("lma", t.lma_config(profiles=None))
    t.start("mag1", t.mag_config(1, profiles=None))
    t.attach(t.mn1, 1)
    t.mn1.wait_address(12)
    ids = [b["mn_id"] for b in t.daemons["lma"].ctl("bindings")]
    assert len(ids) == 1 and ids[0].endswith("@example.com")
    assert ids[0].split("@")[0].replace("-", "").replace(":", "") == t.mn1.mac.replace(":", "")
    t.start("mag2", t.mag_config(2, profiles=None, fallback_profiles=None,
                                 domain={"realm": None}))
    t.move(t.mn1, 2)
    time.sleep(1)
    assert t.daemons["mag2"].ctl("update-list") == []


def test_local_routing_between_nodes_of_one_mag(fresh):
    """EnableMAGLocalRouting: packets between two nodes do not visit the LMA, RFC 5213 6.10.3."""
    t = fresh(nodes=2)
    t.start("lma")
    t.start("mag1", t.mag_config(1, mag={"enable-mag-local-routing": True}))
    for n in t.nodes:
        t.attach(n, 1)
    for n in t.nodes:
        settled(t, n, 1)
    # Frames that XDP sends are not seen where they leave, only where they arrive.
    cap = t.capture("net", "mag1", "ip6 proto 41")
    assert t.mn1.ping(t.mn2.wait_address(), 10, 0.05) == 10
    assert len(cap.frames()) == 0
    assert t.mn1.ping(CN, 3, 0.1) == 3
    wait_until(lambda: len(cap.frames()) >= 3, 3, "tunnel packets, which the capture does see")
    cap.stop()
