# SPDX-License-Identifier: GPL-2.0-or-later
"""LMA and MAGs watch each other (RFC 5847): answers, restarts, silence, strangers."""

import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

import mh
from ask import binding, counter, settled
from capture import mobility_headers
from netns import wait_until
from topo import CN, LMAA, mag_addr

HEARTBEAT = 13
RESPONSE, UNSOLICITED = 1, 2
STRANGER = "2001:db8:13::66"
NODES = 4

BEAT = {"heartbeat-interval": 1}


def peer(t, daemon, name):
    return next(r for r in t.daemons[daemon].ctl("peers") if r["name"] == name)


def beats(t, since=0):
    """[(source, destination, flags, sequence)] of the heartbeats at the LMA."""
    return [(src, dst, *struct.unpack_from("!HI", b, 6))
            for at, src, dst, kind, b in mobility_headers(t.signalling.frames())
            if kind == HEARTBEAT and at > since]


def events(monitor, kind):
    return [e for e in monitor.take() if e["event"] == kind]


def start(t, nodes=NODES, beat=BEAT, **lma):
    t.start("lma", t.lma_config(**beat, lma=lma))
    for i in range(1, t.n_mags + 1):
        t.start(f"mag{i}", t.mag_config(i, **beat))
    for n in t.nodes[:nodes]:
        t.attach(n, 1)
    return [settled(t, n, 1) for n in t.nodes[:nodes]]


def test_requests_are_answered_both_ways(fresh):
    """B-1, B-2, B-4: numbers go up by one, answers copy them and hold the Restart Counter."""
    t = fresh(nodes=1)
    start(t, 1)
    wait_until(lambda: peer(t, "lma", "mag1")["heartbeat"] == "up" and
               peer(t, "mag1", "lma")["heartbeat"] == "up", 5, "answers")
    before = len(beats(t))
    wait_until(lambda: len(beats(t)) >= before + 12, 10, "three rounds")
    seen = beats(t)
    for asker, asked in ((LMAA, mag_addr(1)), (mag_addr(1), LMAA)):
        requests = [s for src, dst, f, s in seen if (src, dst, f) == (asker, asked, 0)]
        assert len(requests) >= 3
        assert [b - a for a, b in zip(requests, requests[1:])] == [1] * (len(requests) - 1)
        answers = [s for src, dst, f, s in seen if (src, dst, f) == (asked, asker, RESPONSE)]
        assert set(answers) <= set(requests) and len(answers) >= len(requests) - 1
    # tshark's word for it
    r = subprocess.run(["tshark", "-n", "-r", t.signalling.path, "-Y", "mip6.hb.r_flag == 1",
                        "-T", "fields", "-e", "ipv6.src", "-e", "mip6.rc"],
                       capture_output=True, text=True, timeout=60, check=True)
    shown = {tuple(x.split("\t")) for x in r.stdout.splitlines()}
    kept = {a: (t.dir / f"state-{n}" / "restart-counter").read_text().strip()
            for n, a in (("lma", LMAA), ("mag1", mag_addr(1)))}
    assert shown >= set(kept.items())
    for daemon, name, addr in (("lma", "mag1", mag_addr(1)), ("mag1", "lma", LMAA)):
        row = peer(t, daemon, name)
        assert row["restart_counter"] == int(kept[addr])
        assert 0 < row["rtt"] < 0.5 and row["missing"] <= 1
    # nobody asks a MAG without nodes, and such a MAG does not ask
    assert not [x for x in seen if mag_addr(2) in x[:2] and x[2] == 0]


def test_restart_counter_is_kept(fresh):
    """B-4: one more when sessions were lost, and only then; what is damaged is said."""
    t = fresh(nodes=1)
    state = t.dir / "state-lma"
    file = state / "restart-counter"
    t.start("lma")
    first = int(file.read_text())
    assert abs(first - time.time()) < 60  # of the clock, so that it is another than any before
    t.start("lma")
    assert int(file.read_text()) == first
    t.daemons["lma"].stop(signal.SIGKILL)
    t.start("lma")
    assert int(file.read_text()) == first
    t.daemons["lma"].stop()
    (state / "store.mdb").unlink()
    t.start("lma")
    assert int(file.read_text()) == first + 1
    t.daemons["lma"].stop()
    with open(state / "store.mdb", "r+b") as f:
        f.truncate(5000)
    t.start("lma")
    assert int(file.read_text()) == first + 2
    assert "the store is damaged" in t.daemons["lma"].log()
    assert list(state.glob("store.damaged-*"))
    file.write_text("7 dwarfs\n")
    t.start("lma")
    assert "damaged" in t.daemons["lma"].log()
    assert abs(int(file.read_text()) - time.time()) < 60
    # a directory that cannot be made: said, and no reason to stop
    Path(t.dir / "file").write_text("")
    conf = {**t.lma_config(), "state-directory": str(t.dir / "file" / "below")}
    t.start("lma", conf)
    assert "Restart Counter is not kept" in t.daemons["lma"].log()
    assert "nothing is kept for the next start" in t.daemons["lma"].log()


@pytest.mark.parametrize("silence", [0, 3], ids=["at-once", "after-a-while"])
def test_lma_is_killed_and_starts_again(fresh, silence):
    """B-5, B-7: the store is gone: the MAG sees another counter and registers all nodes anew; they
    notice nothing."""
    t = fresh(nodes=NODES)
    addrs = start(t)
    wait_until(lambda: peer(t, "mag1", "lma")["heartbeat"] == "up", 5, "an answer")
    was = peer(t, "mag1", "lma")["restart_counter"]
    time.sleep(2)  # nothing is on its way any more
    watch = t.daemons["mag1"].monitor()
    had = [binding(t, n)["prefixes"] for n in t.nodes]
    t.daemons["lma"].stop(signal.SIGKILL)
    (t.dir / "state-lma" / "store.mdb").unlink()
    time.sleep(silence)
    t.start("lma", t.daemons["lma"].conf)
    wait_until(lambda: len(t.daemons["lma"].ctl("bindings")) == NODES, 10,
               "all nodes at the new LMA")
    assert [binding(t, n)["prefixes"] for n in t.nodes] == had
    for n, a in zip(t.nodes, addrs):
        wait_until(lambda n=n: n.ping(CN), 5, f"packets of {n.name}")
        assert a in n.addresses()
    assert peer(t, "mag1", "lma")["restart_counter"] == was + 1
    assert counter(t, "mag1", "peer_restarted", "mag-heartbeat") == 1
    assert counter(t, "mag1", "reregistered", "mag") == NODES
    seen = [e["event"] for e in watch.take()]
    assert seen.count("peer-restarted") == 1 and "session-down" not in seen


def test_lma_is_killed_and_remembers(fresh):
    """B-4: no session is lost, so that the counter is the same and nobody registers anew."""
    t = fresh(nodes=NODES)
    # three of them are not missed before a busy machine has the LMA back
    start(t, beat={"heartbeat-interval": 3})
    wait_until(lambda: peer(t, "mag1", "lma")["heartbeat"] == "up", 5, "an answer")
    was = peer(t, "mag1", "lma")["restart_counter"]
    time.sleep(2)
    had = [binding(t, n) for n in t.nodes]
    t.daemons["lma"].stop(signal.SIGKILL)
    t.start("lma", t.daemons["lma"].conf)
    for n, b in zip(t.nodes, had):
        now = binding(t, n)
        assert now["timestamp"] >= b["timestamp"]
        for moving in ("timestamp", "seq", "remaining"):
            del now[moving], b[moving]
        assert now == b
        wait_until(lambda n=n: n.ping(CN), 5, f"packets of {n.name}")
    assert counter(t, "lma", "restored", "lma") == NODES
    answers = counter(t, "mag1", "response_received", "mag-heartbeat")
    wait_until(lambda: counter(t, "mag1", "response_received", "mag-heartbeat") > answers, 10,
               "an answer of the new one")
    assert peer(t, "mag1", "lma")["restart_counter"] == was
    assert counter(t, "mag1", "peer_restarted", "mag-heartbeat") == 0
    assert counter(t, "mag1", "reregistered", "mag") == 0
    t.move(t.nodes[0], 2)
    settled(t, t.nodes[0], 2)
    assert binding(t, t.nodes[0])["prefixes"] == had[0]["prefixes"]


@pytest.mark.parametrize("policy", ["drop", "hold"])
def test_mag_is_cut_off(fresh, policy):
    """B-3, B-7: dead on the fourth miss, no sooner; policy says what becomes of its bindings."""
    t = fresh(nodes=2)
    start(t, 1, **{"on-mag-failure": policy})
    t.attach(t.nodes[1], 2)
    settled(t, t.nodes[1], 2)
    for m in ("mag1", "mag2"):
        wait_until(lambda m=m: peer(t, "lma", m)["heartbeat"] == "up", 5, f"an answer of {m}")
    watch = t.daemons["lma"].monitor()
    t.net.ip("link set mag1 down")
    missed = 0

    def dead():
        nonlocal missed
        there = binding(t, t.nodes[0])
        row = peer(t, "lma", "mag1")
        if row["heartbeat"] != "down":
            missed = max(missed, row["missing"])
            assert row["missing"] <= 3 and there
        return row["heartbeat"] == "down"
    wait_until(dead, 15, "the MAG to be declared dead")
    assert missed == 3
    assert len(events(watch, "peer-down")) == 1
    if policy == "drop":
        wait_until(lambda: not binding(t, t.nodes[0]), 3, "its binding to go")
        assert counter(t, "lma", "dropped_with_mag") == 1
    else:
        time.sleep(1)
        assert binding(t, t.nodes[0])["state"] == "ACTIVE"
    assert binding(t, t.nodes[1])["state"] == "ACTIVE"
    t.net.ip("link set mag1 up")
    t.net.ip("addr replace 2001:db8:11::fe/64 dev mag1 nodad")
    # the MAG missed the LMA as well, and registers its nodes anew
    wait_until(lambda: peer(t, "mag1", "lma")["heartbeat"] == "up" and
               binding(t, t.nodes[0]), 15, "the MAG to be back with its node")
    wait_until(lambda: t.nodes[0].ping(CN), 10, "packets")
    wait_until(lambda: peer(t, "lma", "mag1")["heartbeat"] == "up", 10, "its answers")


def test_strangers_and_forgers_get_nothing(fresh):
    """A heartbeat of nobody we know is not answered; one in a peer's name changes nothing."""
    t = fresh(nodes=1)
    start(t, 1)
    t.net.ip("route add 2001:db8:13::/64 dev mag2")
    wait_until(lambda: peer(t, "lma", "mag1")["heartbeat"] == "up", 5, "an answer")
    inject = mh.into_lma(t)
    restarts = mh.opt(28, struct.pack("!I", 4711))

    def beat(src, flags, seq, *options):
        body = struct.pack("!HI", flags, seq)
        inject.mh(src, LMAA, mh.message(HEARTBEAT, body, options))

    start_at = time.monotonic_ns()
    for flags in (0, RESPONSE, RESPONSE | UNSOLICITED):
        beat(STRANGER, flags, 1, *([restarts] if flags else []))
    wait_until(lambda: counter(t, "lma", "stranger", "lma-heartbeat") == 3, 3, "the count")
    beat(mag_addr(1), RESPONSE, 99, restarts)
    wait_until(lambda: counter(t, "lma", "response_unmatched") == 1, 3, "the forged answer")
    for _ in range(20):
        beat(mag_addr(1), RESPONSE | UNSOLICITED, 0, restarts)
    wait_until(lambda: counter(t, "lma", "unsolicited_received", "lma-heartbeat") >= 20, 3,
               "the forged restarts")
    time.sleep(1.5)
    assert not [x for x in beats(t, start_at) if STRANGER in x[1]]
    assert counter(t, "lma", "peer_restarted", "lma-heartbeat") == 0
    assert peer(t, "lma", "mag1")["restart_counter"] != 4711
    assert peer(t, "lma", "mag1")["heartbeat"] == "up"
    assert binding(t, t.nodes[0])["state"] == "ACTIVE"
    assert t.nodes[0].ping(CN, 3, 0.1) == 3
