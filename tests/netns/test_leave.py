# SPDX-License-Identifier: GPL-2.0-or-later
"""leave-forwarding: the data plane outlives its daemon, and the next daemon goes on with it."""

import re
import signal
import subprocess
import time

import pytest

from conftest import make_topo
from netns import wait_until
from topo import CN, LMAA, ROUTER_LL, mag_addr

PREFIX = "2001:db8:e00:1::"
SESSION = {"mn-id": "s1@example.com", "prefixes": [PREFIX + "/64"]}


@pytest.fixture(scope="module")
def t(request, bindir):
    t = make_topo(request, bindir, signalling=None, mags=1, nodes=1, host_pins=True)
    common = {"leave-forwarding": True, "domain": {"realm": None}, "profiles": None,
              "fallback_profiles": None}
    lma = t.lma_config(**common, lma={"mags": None, "static-sessions": [
        {**SESSION, "proxy-coa": mag_addr(1)}]})
    mag = t.mag_config(1, **common, mag={
        "access": [{"name": "acc0", "attach-on-rs": False, "attach-on-ns": False}],
        "static-sessions": [{**SESSION, "lmaa": LMAA, "interface": "acc0",
                             "link-layer-address": t.mn1.mac}]})
    t.start("lma", lma)
    t.start("mag1", mag)
    t.attach(t.mn1, 1)
    t.mn1.sysctl(net__ipv6__conf__eth0__accept_ra=0, net__ipv6__conf__eth0__accept_dad=0)
    t.mn1.ip(f"addr add {PREFIX}2/128 dev eth0 nodad",
             f"route add default via {ROUTER_LL} dev eth0")
    wait_until(lambda: t.mn1.ping(CN, src=PREFIX + "2"), 10, "the first packet")
    return t


@pytest.mark.parametrize("name", ["lma", "mag1"])
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
def test_no_packet_is_lost_while_the_daemon_restarts(t, name, sig):
    d = t.daemons[name]
    before = d.ctl("sessions")
    ping = t.mn1.popen("ping", "-6", "-n", "-q", "-i", "0.005", "-I", PREFIX + "2", CN,
                       stdout=subprocess.PIPE, text=True)
    time.sleep(0.3)
    d.proc.send_signal(sig)
    d.proc.wait(10)
    time.sleep(0.5)
    d.start()
    d.wait_ready()
    time.sleep(0.3)
    ping.send_signal(signal.SIGINT)
    out = ping.communicate(timeout=20)[0]
    sent, got = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", out).groups())
    assert sent > 150 and got == sent, out
    assert "goes on" in d.log()
    after = d.ctl("sessions")
    assert [(s["session"], s["mn_id"], s["down"]) for s in after] == \
        [(s["session"], s["mn_id"], s["down"]) for s in before]
    # counters go on too
    assert after[0]["down_packets"] == after[0]["up_packets"] == before[0]["up_packets"] + sent


def test_without_it_nothing_stays(t):
    """The last one, because it ends what the others need."""
    d = t.daemons["lma"]
    d.write({**d.conf, "leave-forwarding": False})
    assert d.stop(signal.SIGTERM) == 0
    assert "xdp" in t.lma.ip_json("link", "show", "dev", "net0")[0]
    d.start()
    d.wait_ready()
    wait_until(lambda: t.mn1.ping(CN, src=PREFIX + "2"), 10, "packets through a new data plane")
    assert d.stop(signal.SIGTERM) == 0
    assert "xdp" not in t.lma.ip_json("link", "show", "dev", "net0")[0]
