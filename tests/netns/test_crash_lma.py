# SPDX-License-Identifier: GPL-2.0-or-later
"""The LMA dies, by whatever hand, while packets flow: none is lost, every binding comes back.

    mn1  IPv6                  at MAG 1 or 2
    mn2  IPv6 and IPv4         at MAG 2, whose tunnel to the LMA is of IPv4, with GRE keys

Each has 10000 packets per second in each direction, which are counted to the last one.
"""

import json
import random
import signal
import subprocess
import time

import pytest

import mh
from ask import binding, counter, registered, settled
from capture import mobility_headers
from conftest import make_topo
from flow import Flow
from netns import PATIENCE, wait_until
from topo import CN, CN4, LMAA, LMAA4, mag_addr, mag_addr4

KEPT = {"leave-forwarding": True}
HOME4, ROUTER = "100.64.0.11", "100.64.0.1"
PASSING = ("remaining",)  # what time alone changes


def same(rows):
    """Bindings without what time alone changes, in an order of their own."""
    return sorted(({k: v for k, v in r.items() if k not in PASSING} for r in rows),
                  key=lambda r: (r["mn_id"], r.get("llid") or ""))


@pytest.fixture(scope="module")
def t(request, bindir):
    t = make_topo(request, bindir, signalling="ip6 proto 135 or udp port 5436", host_pins=True)
    profiles = t._profiles()
    profiles[1].update({"ipv4": True, "ipv4-home-address": HOME4})
    at_mag2 = [profiles[0], {**profiles[1], "lma": LMAA4}]
    mags = [{"name": "mag1", "address": mag_addr(1)}, {"name": "mag2", "address": mag_addr(2)},
            {"name": "mag2-4", "address": mag_addr4(2)}]
    t.start("lma", t.lma_config(**KEPT, profiles=profiles, **{"loss-window": 0}, lma={
        "ipv4-addresses": [LMAA4], "mags": mags, "gre-encapsulation": "accept",
        "ipv4-pools": [{"name": "four", "prefix": "100.64.0.0/24"}],
        # a replay is refused for its age among others, not for its delay
        "timestamp-validity-window": 600000}))
    t.start("mag1", t.mag_config(1, **KEPT, profiles=profiles))
    t.start("mag2", t.mag_config(2, **KEPT, profiles=at_mag2, mag={
        "ipv4-proxy-coa": mag_addr4(2), "gre-encapsulation": "keys",
        "lmas": [{"name": "lma", "address": LMAA}, {"name": "lma4", "address": LMAA4}]}))
    t.attach(t.mn1, 1)
    t.attach(t.mn2, 2)
    for n in t.nodes:
        wait_until(lambda n=n: registered(t, n, n.number), 12, f"{n.name} to be registered")
        n.wait_address()
    t.mn2.ip(f"addr replace {HOME4}/24 dev eth0", f"route replace default via {ROUTER} dev eth0")
    assert binding(t, t.mn2)["encapsulation"].endswith("key")
    wait_until(lambda: t.mn1.ping(CN) and t.mn2.ping(CN) and t.mn2.ping(CN4), 10, "packets")
    return t


def flows(t, rate=10000):
    a, b = (n.wait_address() for n in t.nodes)
    return [Flow({"ns": t.mn1, "local": a, "to": CN, "port": 9001},
                 {"ns": t.cn, "local": CN, "to": a, "port": 9001}, rate),
            Flow({"ns": t.mn2, "local": HOME4, "to": CN4, "port": 9002},
                 {"ns": t.cn, "local": CN4, "to": HOME4, "port": 9002}, rate // 10)]


def whole(fs, least):
    for f in fs:
        for fate in f.finish():
            print(fate)
            assert fate.sent > least * f.rate / 2 and fate.whole(), fate


def end(d, sig):
    d.proc.send_signal(sig)
    d.proc.wait(20)


def again(d):
    d.start()
    d.wait_ready()


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "upgrade"])
def test_no_packet_and_no_binding_is_lost(t, sig):
    lma = t.daemons["lma"]
    fs = flows(t)
    time.sleep(1)
    before = lma.ctl("bindings")
    counted = lma.ctl("sessions")
    end(lma, sig)
    time.sleep(1)
    again(lma)
    after = lma.ctl("bindings")
    time.sleep(1)
    whole(fs, 3)
    assert same(after) == same(before)
    for a, b in zip(after, before):
        assert b["remaining"] - 10 < a["remaining"] <= b["remaining"]
    assert [(s["session"], s["mn_id"], s["down"]) for s in lma.ctl("sessions")] == \
        [(s["session"], s["mn_id"], s["down"]) for s in counted]
    # nobody was told of a loss that was none
    assert counter(t, "mag1", "peer_restarted", "mag-heartbeat") == 0


def quiet(t):
    """For a second nothing waits to be written: the node has said all that it says at first."""
    since = time.monotonic()

    def still():
        nonlocal since
        lines = [(t.dir / f"state-{n}" / "unsaved").read_text() for n in ("lma", "mag1")]
        assert all(x.endswith(" at-once\n") for x in lines), lines
        if not all(x.startswith("saved ") for x in lines):
            since = time.monotonic()
        return time.monotonic() - since > 1
    wait_until(still, 30, "all to be on disk")


def test_who_was_idle_lost_nothing(fresh):
    """With a loss window, too: all was on disk long before the end, by whatever hand."""
    t = fresh(nodes=1, mags=1, host_pins=True)
    t.start("lma", t.lma_config(**KEPT))
    t.start("mag1", t.mag_config(1, **KEPT))
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    counts = [t.dir / f"state-{n}" / "restart-counter" for n in ("lma", "mag1")]
    quiet(t)
    before = [f.read_text() for f in counts]
    for sig in (signal.SIGKILL, signal.SIGTERM):
        for name in ("lma", "mag1"):
            end(t.daemons[name], sig)
            if sig == signal.SIGTERM:
                assert (t.dir / f"state-{name}" / "unsaved").read_text().startswith("ended ")
            again(t.daemons[name])
        wait_until(lambda: registered(t, t.mn1, 1), 5, "both ends to know the node")
        quiet(t)
    assert [f.read_text() for f in counts] == before
    # a machine that went down: what others had heard may not be on disk
    d = t.daemons["lma"]
    end(d, signal.SIGKILL)
    mark = t.dir / "state-lma" / "unsaved"
    words = mark.read_text().split()
    mark.write_text(f"{words[0]:<7} {'0' * 36} {words[2]:<7}\n")
    again(d)
    assert int(counts[0].read_text()) == int(before[0]) + 1
    assert "not on disk" in d.log() or "before all changes were on disk" in d.log()


def test_handover_right_after_the_start(t):
    """Under traffic; and what the old MAG said before is not believed afterwards."""
    lma = t.daemons["lma"]
    old = [(src, dst, b) for _, src, dst, kind, b in mobility_headers(t.signalling.frames())
           if kind == mh.BU and src == mag_addr(1) and t.mn1.mnid.encode() in b]
    addr = t.mn1.wait_address()
    moved = binding(t, t.mn1)["handovers"]
    end(lma, signal.SIGKILL)
    lma.start()
    t.move(t.mn1, 2)
    lma.wait_ready()
    wait_until(lambda: registered(t, t.mn1, 2), 8, "the handover")
    assert binding(t, t.mn1)["handovers"] == moved + 1
    wait_until(lambda: t.mn1.ping(CN, src=addr), 5, "packets after the handover")
    # the other way round: the handover was before
    end(lma, signal.SIGKILL)
    again(lma)
    now = binding(t, t.mn1)
    assert now["proxy_coa"] in (mag_addr(2), mag_addr4(2)) and now["handovers"] == moved + 1
    inject = mh.into_lma(t)
    refused = counter(t, "lma", "pba_timestamp_lower")
    for src, dst, body in old:
        inject.mh(src, dst, body)
    wait_until(lambda: counter(t, "lma", "pba_timestamp_lower") == refused + len(old), 5,
               "the replays to be refused")
    assert old and same([binding(t, t.mn1)]) == same([now])
    assert t.mn1.ping(CN, 3, 0.1, src=addr) == 3


def test_lma_and_mag_are_killed_together(t):
    lma, mag = t.daemons["lma"], t.daemons["mag1"]
    if t.mn1.ap != 1:
        t.move(t.mn1, 1)
        settled(t, t.mn1, 1)
    had = {n.name: (binding(t, n)["prefixes"], binding(t, n)["ipv4"]) for n in t.nodes}
    addr = t.mn1.wait_address()
    fs = flows(t)
    time.sleep(0.5)
    for d in (lma, mag):
        d.proc.send_signal(signal.SIGKILL)
    for d in (lma, mag):
        d.proc.wait(20)
    time.sleep(0.5)
    for d in (lma, mag):
        d.start()
    for d in (lma, mag):
        d.wait_ready()
    time.sleep(2)
    whole(fs, 3)
    wait_until(lambda: registered(t, t.mn1, 1), 10, "the node to be known at both ends")
    assert {n.name: (binding(t, n)["prefixes"], binding(t, n)["ipv4"])
            for n in t.nodes} == had
    assert addr in t.mn1.addresses()


def test_sequence_numbers_are_kept(fresh):
    """Without timestamps it is the sequence number that refuses a replay."""
    t = fresh(nodes=1, host_pins=True)
    conf = {**KEPT, "domain": {"timestamp-based-approach-in-use": False}}
    t.start("lma", t.lma_config(**conf, **{"loss-window": 0}))
    t.start("mag1", t.mag_config(1, **conf))
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    t.daemons["mag1"].ctl("attach", "acc0", t.mn1.mac)
    time.sleep(0.5)
    before = binding(t, t.mn1)
    t.daemons["lma"].stop(signal.SIGKILL)
    again(t.daemons["lma"])
    assert same([binding(t, t.mn1)]) == same([before])
    inject = mh.into_lma(t)
    inject.mh(mag_addr(1), LMAA, mh.pbu(t.mn1.mnid, seq=before["seq"], hi=5, mac=t.mn1.mac))
    wait_until(lambda: counter(t, "lma", "pba_sequence_out_of_window") == 1, 5, "the refusal")


# ---- many nodes -------------------------------------------------------------------------------


def storm(t, count, *more):
    argv = [t.bindir / "tests" / "tools" / "storm", "--mag", mag_addr(1), "--lma", LMAA,
            "--count", count, *more]
    return t.mag1.popen(*argv, stdout=subprocess.PIPE, text=True)


def acknowledged(path):
    """{MN-ID: (prefix, timestamp)} of the storm's nodes that were told that they are registered."""
    out = {}
    for line in path.read_text().splitlines():
        number, prefix, at = line.split()
        out[f"{int(number):07d}@example.com"] = prefix, int(at)
    return out


@pytest.mark.parametrize("window", [0, None], ids=["window-0", "default-window"])
def test_killed_in_a_storm_of_registrations(fresh, window):
    """With a loss window of 0 whoever was told that it is registered is so after the start. With
    another nobody is there in part, or with something that another has; and the Restart Counter is
    another one when anybody is missing."""
    t = fresh(mags=1, nodes=0, signalling=None, host_pins=True)
    over = {} if window is None else {"loss-window": window}
    lma = t.start("lma", t.lma_config(**KEPT, **over, **{"log-level": "local"},
                                      lma={"max-bindings": 200000,
                                           "timestamp-validity-window": 10000}))
    dice, first, told = random.Random(5213), 0, {}
    counter_file = t.dir / "state-lma" / "restart-counter"
    for round_ in range(5):
        file = t.dir / f"acks{round_}"
        s = storm(t, 20000, "--first", first, "--window", 2000, "--acks", file)
        time.sleep(dice.uniform(0.02, 0.4))
        end(lma, signal.SIGKILL)
        time.sleep(0.2)
        s.terminate()
        s.communicate(timeout=20)
        told.update(acknowledged(file))
        was = int(counter_file.read_text())
        again(lma)
        restarts = int(counter_file.read_text()) - was
        rows = {b["mn_id"]: b for b in lma.ctl("bindings")}
        prefixes = [p for b in rows.values() for p in b["prefixes"]]
        assert len(prefixes) == len(set(prefixes)) == len(rows)
        gone = [m for m in told if m not in rows]
        if window == 0:
            assert not gone, f"{len(gone)} of {len(told)} in round {round_}: {gone[:3]}"
            assert restarts == 0
        else:
            assert restarts == 1 or not gone
            told = {m: v for m, v in told.items() if m in rows}
        wrong = [m for m, (p, at) in told.items() if rows[m]["prefixes"] != [p]]
        assert not wrong, f"{wrong[:3]}"
        print(f"round {round_}: {len(told)} told, {len(rows)} there")
        first += 20000
    assert len(told) > 1000


def on_disk(t):
    """Changes that the store has written."""
    rows = {c["name"]: c["value"] for c in t.daemons["lma"].ctl("counters", "store")}
    return rows["records_written"]


def everyone(lma):
    return json.loads(lma.pmipctl("--json", "bindings", timeout=60).stdout)


MANY = 100000
BOUND = 1.0  # s
TRIES = 8  # others may be using the machine


def answers_after(t, lma, number, prefix):
    """Seconds from exec to the first answer; nobody else asks anything meanwhile."""
    end(lma, signal.SIGKILL)
    time.sleep(0.5)
    probe = storm(t, 1, "--first", number, "--probe", prefix)
    time.sleep(0.2)
    at = time.monotonic()
    lma.start()
    answer = json.loads(probe.communicate(timeout=60)[0])
    assert answer["accepted"] == 1, answer
    return answer["at_ns"] / 1e9 - at


def test_hundred_thousand_bindings(fresh):
    """From exec to an answer in less than a second, the best of some tries; with packets for nodes taken
    at random all the while."""
    t = fresh(mags=1, nodes=0, signalling=None, host_pins=True)
    lma = t.start("lma", t.lma_config(**KEPT, **{"log-level": "local"}, lma={
        "max-bindings": MANY, "timestamp-validity-window": 10000}))
    file = t.dir / "acks"
    out = storm(t, MANY, "--acks", file).communicate(timeout=120)[0]
    told = acknowledged(file)
    assert len(told) == MANY, out
    wait_until(lambda: on_disk(t) >= MANY, 60, "all of them to be on disk")
    before = everyone(lma)
    asker = "0000007@example.com"
    prefix, first = told[asker][0], f"{told['0000000@example.com'][0].split('/')[0]}1"
    f = Flow({"ns": t.mag1, "local": first, "to": CN, "tunnel": LMAA, "nodes": MANY},
             {"ns": t.cn, "local": CN, "to": first, "nodes": MANY})
    time.sleep(0.5)
    took = [answers_after(t, lma, 7, prefix) for _ in range(3)]
    while min(took) >= BOUND * PATIENCE and len(took) < TRIES:
        took.append(answers_after(t, lma, 7, prefix))
    lma.wait_ready()
    after = everyone(lma)
    up, down = f.finish()
    print(f"{MANY} bindings, registered in {json.loads(out)['seconds']} s: answers "
          f"{', '.join(f'{x:.3f}' for x in took)} s after exec\nup: {up}\ndown: {down}")
    assert up.whole() and down.whole() and min(up.sent, down.sent) > 20000, (up, down)
    # the one that asked has a new timestamp
    assert same(x for x in after if x["mn_id"] != asker) == \
        same(x for x in before if x["mn_id"] != asker)
    assert min(took) < BOUND * PATIENCE
