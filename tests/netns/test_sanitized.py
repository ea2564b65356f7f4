# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon under AddressSanitizer and UBSan through attach, handover, hostile input and exit."""

import random
import re
import signal
import time
from pathlib import Path

import pytest

import dhcp
import mh
from ask import binding, settled, to_ap
from netns import wait_until
from topo import CN, CN4, LMAA, LMAA4, mag_addr, mag_addr4

ENV = {"ASAN_OPTIONS": "detect_leaks=1:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1"}


@pytest.fixture
def asan(request):
    path = Path(request.config.getoption("--asan-bin")).resolve()
    if not (path / "pmipd").exists():
        pytest.skip(f"{path}/pmipd is not built (make FLAVOUR=asan)")
    return path


def mutated(rng, base):
    """Some octets of it, some changed."""
    bad = bytearray(base[:rng.choice([len(base), rng.randrange(len(base) + 1)])])
    for _ in range(rng.randrange(4)):
        if bad:
            bad[rng.randrange(len(bad))] = rng.randrange(256)
    return bytes(bad)


def stop_clean(t):
    for d in t.daemons.values():
        for command in ("status", "bindings", "update-list", "sessions", "peers", "interfaces",
                        "nodes", "pools", "profiles", "counters", "drops", "help", "version"):
            d.pmipctl(command)
            d.pmipctl("--json", command)
        d.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    for name in ("mag1", "mag2", "lma"):
        d = t.daemons[name]
        code = d.stop(timeout=20)
        assert not re.search("Sanitizer|runtime error", d.log()), d.log()[-6000:]
        assert code == 0


def test_sanitized_daemons_find_nothing(fresh, asan):
    t = fresh(nodes=2, signalling=f"ip6 proto 135 and src host {LMAA}", strict=False)
    t.start("lma", bindir=asan, env=ENV)
    for i in (1, 2):
        t.start(f"mag{i}", bindir=asan, env=ENV)
    for n in t.nodes:
        t.attach(n, 1)
    for n in t.nodes:
        settled(t, n, 1)
    assert t.mn1.ping(CN, 5, 0.1) == 5
    for i in range(6):
        to_ap(t, t.mn1, 2 - i % 2)
    assert t.mn1.ping(CN, 5, 0.1) == 5

    rng = random.Random(7)
    to_lma = mh.into_lma(t)
    base = mh.pbu("fuzz@example.com", mac="02:00:00:00:00:99")
    for _ in range(2000):
        bad = mutated(rng, base)
        if len(bad) >= 6:
            to_lma.mh(mag_addr(rng.choice([1, 2])), LMAA, bad)
    stop_clean(t)


def test_sanitized_daemons_with_ipv4_find_nothing(fresh, asan, tmp_path):
    """Signalling in UDP, GRE keys, a real DHCP client, and every kind of frame that an IPv4 node
    can spoil."""
    t = fresh(nodes=2, signalling=f"udp port 5436 and src host {LMAA4}", strict=False)
    profiles = [{**p, "ipv4": True} for p in t._profiles()]
    t.start("lma", t.lma_config(profiles=profiles, lma={
        "ipv4-addresses": [LMAA4], "gre-encapsulation": "accept", "gre-tlv-header": True,
        "mags": [{"name": f"mag{i}", "address": mag_addr4(i)} for i in (1, 2)],
        "ipv4-pools": [{"name": "v4", "prefix": "100.64.0.0/24"}]}), bindir=asan, env=ENV)
    for i in (1, 2):
        t.start(f"mag{i}", t.mag_config(i, profiles=profiles, mag={
            "proxy-coa": None, "ipv4-proxy-coa": mag_addr4(i), "gre-encapsulation": "keys",
            "gre-tlv-header": i == 2, "lmas": [{"name": "lma", "address": LMAA4}]}),
            bindir=asan, env=ENV)
    t.attach(t.mn1, 1)
    client = dhcp.Udhcpc(t.mn1, tmp_path)
    client.start()
    addr = client.wait_address()
    for i in range(4):
        to_ap(t, t.mn1, 2 - i % 2)
        n = len(client.events())
        client.renew()
        wait_until(lambda: client.events()[n:] == [f"renew {addr}"], 5, "the lease to be renewed")
        assert t.mn1.ping(CN4, 2, 0.1) == 2
    client.release()
    wait_until(lambda: binding(t, t.mn1)["ipv4"] is None, 5, "the address to be released")
    client.start()
    client.wait_address()

    rng = random.Random(8)
    node = t.mn1.packet_socket("eth0")
    request = dhcp.from_client(t.mn1.mac, dhcp.message(
        t.mn1.mac, dhcp.REQUEST, dhcp.option(dhcp.REQUESTED, dhcp.ip_bytes(addr)) +
        dhcp.option(55, bytes(range(1, 60))) + dhcp.option(61, b"x" * 60)))
    arp = dhcp.arp(t.mn1.mac, 1, addr, "100.64.0.1")
    lma = mh.Injector(t.net, "lma0", mh.mac_of(t.lma, "net0"))
    mag = mh.Injector(t.net, "mag1", mh.mac_of(t.mag1, "net0"))
    pbu = mh.pbu("fuzz@example.com", options=[
        mh.mn_id("fuzz@example.com"), mh.hnp(), mh.handoff(4), mh.att(), mh.opt(36, bytes(6)),
        mh.opt(33, bytes(2) + b"key!"), mh.timestamp()])
    pba = mh.message(mh.BA, bytes([0, 0x20, 0, 1, 0, 9]), [
        mh.mn_id(t.mn1.mnid), mh.hnp("2001:db8:100::"), mh.handoff(4), mh.att(),
        mh.opt(37, bytes([0, 96]) + dhcp.ip_bytes(addr)), mh.opt(38, bytes(6)),
        mh.opt(39, bytes(2)), mh.opt(31, bytes(6)), mh.opt(33, bytes(2) + b"key!")])
    for _ in range(1500):
        node.send(mutated(rng, request).ljust(14, b"\0"))
        node.send(mutated(rng, arp).ljust(14, b"\0"))
        # wrong octets within what the headers say
        node.send(dhcp.from_client(t.mn1.mac, mutated(rng, request[42:])))
        for to, src, dst, message in ((lma, mag_addr4(2), LMAA4, pbu),
                                      (mag, LMAA4, mag_addr4(1), pba)):
            to.sock.send(dhcp.ether(to.dst_mac, to.src_mac, 0x0800,
                                    dhcp.udp4(src, dst, 5436, 5436, mutated(rng, message))))
    assert t.mn1.ping(CN4, 2, 0.1) == 2
    assert t.daemons["mag1"].alive() and t.daemons["lma"].alive()
    stop_clean(t)
