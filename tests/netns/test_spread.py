# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames handed to several CPUs before they are judged."""

import os

from ask import counters, grown, settled
from topo import CN

CPUS = sorted(os.sched_getaffinity(0))[:4]


def test_every_interface_spread(fresh):
    t = fresh(mags=1, nodes=2)
    lma = t.lma_config(**{"spread-cpus": CPUS})
    lma["transport"] = [{"name": n, "spread": True} for n in ("net0", "inet0")]
    mag = t.mag_config(1, **{"spread-cpus": CPUS})
    mag["transport"][0]["spread"] = True
    mag["mag"]["access"][0]["spread"] = True
    t.start("lma", lma)
    t.start("mag1", mag)
    for name in ("lma", "mag1"):
        rows = {r["ifname"]: r["hook"] for r in t.daemons[name].ctl("interfaces")}
        shown = {k: v for k, v in rows.items() if k in ("net0", "inet0", "acc0")}
        assert set(shown.values()) == {"xdp-spread+tc"}, rows
    for n in t.nodes:
        t.attach(n, 1)
        settled(t, n, 1)
    before = {n: counters(t, n) for n in ("lma", "mag1")}
    for n in t.nodes:
        addr = n.wait_address()
        assert n.ping(CN, 20, 0.02) == 20
        assert t.cn.ping(addr, 20, 0.02) == 20
    assert t.mn1.ping(t.mn2.wait_address(), 10, 0.02) == 10
    for name in before:
        growth = grown(before[name], counters(t, name))
        assert growth.get(("xdp", "encap"), 0) >= 80, (name, growth)
        assert not [k for k in growth if k[0] == "drop"], (name, growth)
