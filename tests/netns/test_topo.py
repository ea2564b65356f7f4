# SPDX-License-Identifier: GPL-2.0-or-later
"""The topology itself, before any daemon runs: what the other tests take for granted."""

import os
import subprocess

import pytest

import topo as topology
from netns import wait_until
from topo import CN_GW, LMAA, mag_addr


@pytest.fixture
def plain(request, bindir):
    return lambda **kw: _made(request, bindir, **kw)


def _made(request, bindir, **kw):
    from conftest import make_topo
    return make_topo(request, bindir, signalling=None, **kw)


def test_infrastructure_carries_packets(plain):
    t = plain()
    assert t.cn.ping(CN_GW) == 1
    for i in (1, 2):
        assert t.lma.ping(mag_addr(i)) == 1
        assert t.ns[f"mag{i}"].ping(LMAA) == 1


def test_without_daemons_nothing_reaches_a_home_address(plain):
    t = plain()
    assert t.cn.ping("2001:db8:100::1", 2, 0.1) == 0
    assert t.net.ping("2001:db8:c::2", 1) == 0, "no plain route between access and correspondent"


@pytest.mark.parametrize("access", ["shared", "bridge", "p2p"])
def test_link_follows_the_node(plain, access):
    t = plain(access=access, nodes=1)
    t.attach(t.mn1, 1)
    wait_until(lambda: t.mn1.link_up("eth0"), 3, "link up")
    t.mn1.ip("addr add fd00::11/64 dev eth0 nodad")
    t.mag1.ip("addr add fd00::1/64 dev acc0 nodad")
    assert t.mn1.ping("fd00::1", 2, 0.1) == 2
    t.detach(t.mn1)
    wait_until(lambda: not t.mn1.link_up("eth0"), 3, "link down")
    t.attach(t.mn1, 2)
    t.mag2.ip("addr add fd00::1/64 dev acc0 nodad")
    wait_until(lambda: t.mn1.ping("fd00::1"), 5, "the other MAG")


def test_dual_radio_node_follows_what_it_heard_last(plain):
    t = plain(nodes=1, dual=True)
    for m in (t.mag1, t.mag2):
        m.ip(f"link set acc0 address {topology.ROUTER_MAC}", "addr add fd00::1/64 dev acc0 nodad",
             f"neigh add fd00::11 lladdr {t.mn1.mac} dev acc0 nud permanent")  # and no probes
    t.mn1.ip("addr add fd00::11/64 dev mn0 nodad")
    t.attach(t.mn1, 1, "r1")
    assert t.mn1.ping("fd00::1", 3, 0.1) == 3
    t.attach(t.mn1, 2, "r2")
    for _ in range(5):  # again when mag1, too, had something to say: a late MLD report
        caps = [t.capture(f"mag{i}", "acc0", "icmp6 and ip6[40] == 128") for i in (1, 2)]
        t.mag2.run("ping", "-6", "-c", 1, "-W", 1, "fd00::11")  # mag2 speaks: learned there
        assert t.mn1.ping("fd00::1", 3, 0.1) == 3
        frames = [len(c.stop().frames()) for c in caps]
        if frames[0] == 0:
            break
    assert frames[0] == 0 and frames[1] >= 3, f"uplink packets per MAG: {frames}"


def test_leftovers_of_a_crashed_run_are_removed(bindir):
    tag = f"x{os.getpid() % 1000000}"
    t = topology.Topo(tag, bindir, nodes=1, keep=True)
    t.up()
    sleeper = t.cn.popen("sleep", 1000)
    try:
        assert topology.remove(tag)
        sleeper.wait(3)
        assert not [n for n in os.listdir("/run/netns") if n.startswith(f"pm-{tag}-")]
        assert not topology.remove(tag), "nothing was left"
        with topology.Topo(tag, bindir, nodes=1) as again:
            assert again.cn.ping(CN_GW) == 1
    finally:
        t.down()
    assert not subprocess.run(["ip", "netns", "pids", f"pm-{tag}-cn"],
                              capture_output=True).stdout
