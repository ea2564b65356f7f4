# SPDX-License-Identifier: GPL-2.0-or-later
"""What an operator sees of a fast handover (RFC 5949): while packets wait, as it is signalled, when
it is over, and how long it took. One handover that has everything: a neighbour that is late with
its answer, and a buffer that is too small."""

import signal
import subprocess
import time

import pytest

import fho
from ask import counter, counters, grown, to_ap, wait_registered
from conftest import make_topo
from flow import End
from netns import PATIENCE, wait_until
from topo import CN, mag_addr

PPS = 1000
ROOM = 300          # packets
HI_TIMEOUT = 200    # ms
SETTLE = 1500       # ms: longer than it takes to hand on what waits, so that the end comes last
MAG = {"mag": {"fast-handover": {"hi-timeout": HI_TIMEOUT, "settle-time": SETTLE},
               "handover-buffer": {"node-packets": ROOM}}}


def table(daemon, *argv):
    """The human view: its heading, and its rows."""
    r = daemon.pmipctl(*argv)
    assert r.returncode == 0, r.stderr
    head, *rows = r.stdout.splitlines()
    assert rows, r.stdout
    return head, rows


class Ladder:
    """`pmipctl monitor` as a person sees it."""

    def __init__(self, daemon):
        self.proc = daemon.topo.popen([daemon.topo.bindir / "pmipctl", "-s", daemon.socket, "monitor"],
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def stop(self):
        self.proc.terminate()
        return self.proc.communicate(timeout=10 * PATIENCE)[0].splitlines()


def wait_watched(t, daemon, asked, monitors):
    """Until so many more monitors listen than when it had `asked` requests; each look is one, too."""
    looks = 0

    def listen():
        nonlocal looks
        looks += 1
        return counter(t, daemon.name, "requests", "control") - asked - looks == monitors
    wait_until(listen, 5, f"{monitors} monitors of {daemon.name}")


class Story:
    """One handover of mn1 from mag1 to mag2, and all that was to be seen of it."""

    def __init__(self, t):
        old, new, node = t.daemons["mag1"], t.daemons["mag2"], t.mn1
        addr = to_ap(t, node, 1)
        self.before = {d: counters(t, d) for d in ("mag1", "mag2")}
        asked = {d: counter(t, d.name, "requests", "control") for d in (old, new)}
        self.events = {d.name: d.monitor() for d in (old, new)}
        self.ladder = {d.name: Ladder(d) for d in (old, new)}
        for d in (old, new):
            wait_watched(t, d, asked[d], 2)
        flow = End(t.cn, CN, addr, PPS)
        flow.ask("go")
        new.send_signal(signal.SIGSTOP)
        try:
            old.ctl("handover", node.mnid, "--to", "ap2")
            self.waiting = old.ctl("handovers")
            time.sleep(1.5 * HI_TIMEOUT / 1000)
        finally:
            new.send_signal(signal.SIGCONT)
        wait_until(lambda: [h["state"] for h in fho.handovers(t, 1, node)] == ["FORWARDING"], 3,
                   "mag1 to forward")
        t.detach(node)
        wait_until(lambda: fho.buffer(t, 2, node)["dropped"]["node_packets"] > 50, 5, "drops")
        self.full = new.ctl("handovers", node.mnid)
        self.full_table = table(new, "handovers")
        t.attach(node, 2)
        fho.drained(t, 2, node)
        wait_registered(t, node, 2)
        flow.ask("stop")
        fho.quiet(t)
        time.sleep(0.3)
        self.over = {d: t.daemons[d].ctl("handovers", node.mnid) for d in ("mag1", "mag2")}
        self.over_table = {d: table(t.daemons[d], "handovers") for d in ("mag1", "mag2")}
        self.latency = {d: t.daemons[d].ctl("handover-latency") for d in ("mag1", "mag2")}
        self.latency_table = table(old, "handover-latency")
        self.events = {d: m.take() for d, m in self.events.items()}
        self.ladder = {d: m.stop() for d, m in self.ladder.items()}
        self.grown = {d: grown(self.before[d], counters(t, d)) for d in ("mag1", "mag2")}


@pytest.fixture(scope="module")
def story(request, bindir):
    t = make_topo(request, bindir, nodes=1)
    t.start("lma", t.lma_config(), wait=False)
    for i in (1, 2):
        t.start(f"mag{i}", fho.conf(t, i, **MAG), wait=False)
    for d in t.daemons.values():
        d.wait_ready()
    return Story(t)


def last(rows):
    """The only handover there was."""
    assert len(rows) == 1, rows
    return rows[0]


def messages(events, *names):
    return [(e["event"], e["message"]["name"], e.get("retransmission", 0)) for e in events
            if e.get("message", {}).get("name") in names]


def of_type(events, kind):
    return [e for e in events if e["event"] == kind]


def rungs(lines, *parts):
    """Rungs of the ladder that have all of these."""
    return [x for x in lines if all(p in x for p in parts)]


def test_handover_in_progress(story):
    """State, peer, mode, and step times that are not known yet; fill and losses of this node."""
    h = last(story.waiting)
    assert (h["mn_id"], h["role"], h["mode"]) == ("mn1@example.com", "old", "predictive")
    assert (h["neighbour"], h["neighbour_address"]) == ("mag2", mag_addr(2))
    assert (h["state"], h["result"], h["answer_ms"]) == ("OFFERED", None, None)
    h = last(story.full)
    b = h["buffer"]
    assert (h["role"], h["state"], h["neighbour"]) == ("new", "EXPECTED", "mag1")
    assert b["packets"] == ROOM and b["fill_percent"] == 100 and b["octets"] > 60 * ROOM
    assert 0 < b["oldest_ms"] <= h["age_ms"]
    assert b["dropped"].pop("node_packets") == b["kept"] - ROOM > 0
    assert not any(b["dropped"].values())
    head, rows = story.full_table
    assert head.split()[:7] == ["MN-ID", "ROLE", "NEIGHBOUR", "MODE", "STATE", "TIME", "ANSWER"]
    assert "EXPECTED" in rows[0] and " node_packets" in rows[0]


def test_handover_that_is_over(story):
    """Result, what each step took, and what became of each packet."""
    old, new = last(story.over["mag1"]), last(story.over["mag2"])
    assert (old["result"], new["result"]) == ("completed", "completed")
    # the neighbour was stopped for one and a half times the wait for its answer
    assert old["retransmissions"] == 1
    assert 1.5 * HI_TIMEOUT <= old["answer_ms"] <= old["age_ms"]
    assert old["register_ms"] is None and new["answer_ms"] is None
    assert 0 < new["register_ms"] < new["age_ms"]
    b = new["buffer"]
    assert b["packets"] == 0 and b["kept"] == b["handed_on"] + b["dropped"]["node_packets"]
    assert b["handed_on"] >= ROOM
    assert old["buffer"]["kept"] == 0
    for d in ("mag1", "mag2"):
        assert "completed" in story.over_table[d][1][0]


def test_ladder_has_both_gateways_messages(story):
    """HI and HAck with direction, peer, name, number, flags and codes in words, repetitions."""
    seen = {d: messages(story.events[d], "HI", "HAck") for d in story.events}
    first = [("sent", "HI", 0), ("sent", "HI", 1), ("received", "HAck", 0), ("received", "HAck", 0)]
    assert seen["mag1"] == first + [("received", "HI", 0), ("sent", "HAck", 0)]
    assert seen["mag2"] == [("received", "HI", 0), ("sent", "HAck", 0), ("received", "HI", 1),
                            ("sent", "HAck", 1), ("sent", "HI", 0), ("received", "HAck", 0)]
    hi = story.events["mag1"][[e.get("message", {}).get("name")
                               for e in story.events["mag1"]].index("HI")]
    m = hi["message"]
    assert (hi["peer"], hi["mn_id"]) == (mag_addr(2), "mn1@example.com")
    assert (m["proxy"], m["forward"], m["buffer"], m["code"]) == (True, True, False, 3)
    assert m["code_name"] == "All available context transferred"

    lines = story.ladder["mag1"]
    rung = rungs(lines, f" ---> {mag_addr(2)}  HI seq {m['seq']} proxy forward code 3 (All")[0]
    assert rung.startswith(tuple("012")) and " HNP 2001:db8:" in rung and " LLID " in rung
    assert "mn1@example.com" in rung and " LMA " in rung
    assert rungs(lines, " HI seq ", "(retransmission 1)")
    assert rungs(lines, f" <--- {mag_addr(2)}  HAck seq {m['seq']} proxy forward code 5 (Context")
    assert rungs(lines, " * ", "handover  OFFERED -> FORWARDING")
    assert rungs(story.ladder["mag2"], f" <--- {mag_addr(1)}  HI ", "(retransmission 1)")


def test_ladder_has_what_waits_and_the_result(story):
    """The buffer fills, overflows, is emptied and empty, in this order; then all is over."""
    events = story.events["mag2"]
    kinds = [e["event"] for e in events
             if e["event"].startswith("buffer-") or e["event"] == "handover-over"]
    assert kinds == ["buffer-keeping", "buffer-dropping", "buffer-draining", "buffer-empty",
                     "handover-over"]
    drop, drain, empty, over = [of_type(events, k)[0] for k in kinds[1:]]
    assert (drop["mn_id"], drop["cause"]) == ("mn1@example.com", "node_packets")
    assert drop["buffer"]["fill_percent"] == 100
    assert drain["buffer"]["packets"] == ROOM and drain["buffer"]["handed_on"] == 0
    assert empty["buffer"]["packets"] == 0 and empty["took_ms"] > 0
    assert empty["buffer"] | {"draining": 0} == over["buffer"] | {"draining": 0}
    view = last(story.over["mag2"])
    assert (over["cause"], over["side"], over["mode"]) == ("completed", "new", "predictive")
    assert over["register_ms"] == view["register_ms"]
    assert over["took_ms"] // 1 == view["age_ms"]
    lines = story.ladder["mag2"]
    assert rungs(lines, "buffer-draining", f"  {ROOM} wait (", "100% full)")
    assert rungs(lines, "buffer-empty", f"handed on {empty['buffer']['handed_on']}, dropped ")
    assert rungs(story.ladder["mag1"], "handover-over", "old MAG predictive", "retransmissions 1")


def test_histogram_and_counters(story):
    """Each step is in one bucket; the counters of both MAGs tell the same story."""
    rows = story.latency["mag1"]
    assert [r["from_ms"] for r in rows[1:]] == [r["below_ms"] for r in rows[:-1]]
    answer = last(story.over["mag1"])["answer_ms"]
    assert [r["answer"] for r in rows if r["from_ms"] <= answer < (r["below_ms"] or 1e9)] == [1]
    assert sum(r["answer"] for r in rows) == sum(r["whole"] for r in rows) == 1
    assert sum(r["register"] for r in story.latency["mag2"]) == 1
    head, drawn = story.latency_table
    assert head.split() == ["TIME", "HI", "TO", "HACK", "ARRIVAL", "TO", "REGISTRATION", "WHOLE",
                            "HANDOVER"]
    assert len(drawn) == len(rows) and sum("#" * 16 in x for x in drawn) in (1, 2)

    old, new = story.grown["mag1"], story.grown["mag2"]
    # but for the histograms', which are those that end with a time
    assert {k[1]: v for k, v in old.items() if k[0] == "handover" and not k[1].endswith("s")} == {
        "predictive": 1, "forwarding": 1, "completed": 1, "hi_sent": 2, "hi_retransmitted": 1,
        "hack_sent": 1, "hi_received": 1, "hack_received": 2, "ignored_unmatched": 1,
        "hack_5_context_accepted": 1}
    b = last(story.over["mag2"])["buffer"]
    assert new["buffer", "kept"] == b["kept"]
    assert new["buffer", "handed_on"] == b["handed_on"]
    assert new["buffer", "node_packets"] == b["dropped"]["node_packets"]
    assert not any(k in new for k in (("buffer", "packets"), ("buffer", "octets")))
    assert new["handover", "hi_repeated"] == new["handover", "arrived"] == 1
