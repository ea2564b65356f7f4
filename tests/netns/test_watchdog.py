# SPDX-License-Identifier: GPL-2.0-or-later
"""What a service manager is told, and what it does about a daemon that does not turn any more. A small
one does here what scripts/pmipd.service asks of systemd."""

import configparser
import re
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from ask import binding, settled, update_entry
from capture import Flow
from conftest import ROOT, make_topo
from netns import PATIENCE, wait_until
from test_leave import CN, NODE, SHUTDOWN, Traffic, begin

WATCHDOG = 1.0 * PATIENCE  # seconds


def unit():
    u = configparser.RawConfigParser(strict=False)
    u.optionxform = str
    u.read(ROOT / "scripts" / "pmipd.service")
    return u["Service"]


class Manager:
    """Runs one daemon as systemd does with Type=notify, WatchdogSec and Restart=always: hears it on
    a datagram socket, aborts it when it falls silent, and starts it again when it has ended, unless
    by the exit code that prevents it."""

    def __init__(self, daemon):
        self.d = daemon
        self.path = path = daemon.topo.dir / f"notify-{daemon.name}"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(path))
        self.sock.settimeout(0.02)
        daemon.env = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(int(WATCHDOG * 1e6))}
        self.said, self.lock = [], threading.Lock()
        self.starts, self.aborted, self.exits = 0, 0, []
        self.over = False
        self._start()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _start(self):
        self.d.start()
        self.starts += 1
        self.serving, self.heard = False, time.monotonic()

    def _listen(self):
        try:
            text = self.sock.recv(4096).decode()
        except TimeoutError:
            return
        now = time.monotonic()
        with self.lock:
            for line in text.splitlines():
                self.said.append((now, self.starts, *line.split("=", 1)))
        if "READY=1" in text or "WATCHDOG=1" in text:
            self.serving, self.heard = True, now
        if "STOPPING=1" in text:
            self.serving = False

    def _run(self):
        while not self.over:
            self._listen()
            code = self.d.proc.poll()
            if code is not None:
                self.exits.append(code)
                if code == int(unit()["RestartPreventExitStatus"]):
                    return
                self._start()
            elif self.serving and time.monotonic() - self.heard > WATCHDOG:
                self.aborted += 1
                self.serving = False
                self.d.proc.send_signal(signal.SIGABRT)
                self.d.proc.send_signal(signal.SIGCONT)

    def words(self, key, start=None):
        """Values said under that key, in that start or in any, with their times."""
        with self.lock:
            return [(at, v) for at, n, k, v in self.said if k == key and start in (None, n)]

    def wait_ready(self, start):
        wait_until(lambda: self.words("READY", start), 20, f"start {start} of {self.d.name}")

    def close(self):
        self.over = True
        self.thread.join()
        self.sock.close()
        self.path.unlink()


@pytest.fixture(scope="module")
def t(request, bindir):
    t = make_topo(request, bindir, signalling=None, mags=1, nodes=1, host_pins=True)
    begin(t)
    return t


@pytest.fixture
def managed(t, request):
    """The daemons as a manager runs them. Afterwards they run by themselves again."""
    managers = {}
    for d in t.daemons.values():
        assert d.stop() == 0
        managers[d.name] = Manager(d)
    for m in managers.values():
        m.wait_ready(1)
    yield managers
    for m in managers.values():
        m.close()
    for d in t.daemons.values():
        if d.alive():
            d.stop(signal.SIGKILL)
        d.env = None
        d.start()
        d.wait_ready()


def test_it_says_that_it_serves_reloads_and_ends(t, managed):
    m, d = managed["lma"], t.daemons["lma"]
    # ready means that it answers, and that what was left is swept
    assert d.ctl("status")["dataplane"] == "bpf, adopted"
    ready = m.words("READY")[0][0]
    assert "goes on" in d.log()
    wait_until(lambda: m.words("STATUS"), 5, "a status line")
    assert re.fullmatch(r"LMA, bindings: \d+", m.words("STATUS")[-1][1])
    d.ctl("reload")
    wait_until(lambda: len(m.words("READY")) == 2, 5, "the reload to be over")
    (at, _), = m.words("RELOADING")
    assert ready < at <= m.words("READY")[1][0]
    assert int(m.words("MONOTONIC_USEC")[0][1]) <= time.monotonic() * 1e6
    d.send_signal(signal.SIGHUP)
    wait_until(lambda: len(m.words("READY")) == 3, 5, "the second reload to be over")
    assert len(m.words("RELOADING")) == 2 and not m.words("STOPPING")
    d.send_signal(signal.SIGTERM)
    m.wait_ready(2)  # Restart=always
    assert [v for _, v in m.words("STOPPING")] == ["1"]
    assert any("forwarded on" in v for _, v in m.words("STATUS", 1))
    assert m.exits == [0] and m.aborted == 0


def test_it_feeds_the_watchdog_twice_as_often_as_asked(t, managed):
    m = managed["mag1"]
    time.sleep(4 * WATCHDOG)
    at = [a for a, _ in m.words("WATCHDOG")]
    gaps = [b - a for a, b in zip(at, at[1:])]
    assert len(gaps) >= 6 and max(gaps) < 0.8 * WATCHDOG, gaps
    assert m.starts == 1 and m.aborted == 0


@pytest.mark.parametrize("name", ["lma", "mag1"])
def test_a_stuck_daemon_is_restarted_and_no_packet_is_lost(t, managed, name):
    m, d = managed[name], t.daemons[name]
    sessions = d.ctl("sessions")
    traffic = Traffic(t)
    stuck = time.monotonic()
    d.send_signal(signal.SIGSTOP)
    m.wait_ready(2)
    took = m.words("READY", 2)[0][0] - stuck
    traffic.stop()
    assert m.aborted == 1 and m.exits == [-signal.SIGABRT]
    # not before the time was over, and soon after
    assert 0.4 * WATCHDOG < took < WATCHDOG + 5 * PATIENCE, took
    late = [a for a, _ in m.words("WATCHDOG", 1) if a > stuck + 0.1]
    assert not late
    assert d.ctl("status")["dataplane"] == "bpf, adopted"
    assert [(s["session"], s["mn_id"]) for s in d.ctl("sessions")] == \
        [(s["session"], s["mn_id"]) for s in sessions]
    assert t.mn1.ping(CN, 3, 0.1, src=NODE) == 3
    # and it goes on feeding
    fed = len(m.words("WATCHDOG", 2))
    wait_until(lambda: len(m.words("WATCHDOG", 2)) >= fed + 2, 5 * WATCHDOG, "the watchdog")


def test_a_killed_daemon_is_restarted(t, managed):
    m, d = managed["lma"], t.daemons["lma"]
    traffic = Traffic(t)
    d.send_signal(signal.SIGKILL)
    m.wait_ready(2)
    traffic.stop()
    assert m.exits == [-signal.SIGKILL] and m.aborted == 0


def test_who_was_shut_down_stays_down(t, managed):
    m, d = managed["lma"], t.daemons["lma"]
    assert unit()["RestartPreventExitStatus"] == unit()["SuccessExitStatus"] == str(SHUTDOWN)
    assert d.pmipctl("shutdown").returncode == 0
    wait_until(lambda: m.exits, 10, "the daemon to end")
    time.sleep(0.3)
    assert m.exits == [SHUTDOWN] and m.starts == 1 and not d.alive()
    assert [v for _, v in m.words("STOPPING")] == ["1"]


def lasting(entry):
    """What of a binding does not pass, nor change when its node's own messages renew it."""
    return {k: v for k, v in entry.items()
            if k not in ("remaining", "seq", "timestamp", "registered_at", "state", "last_status",
                         "retransmissions")}


@pytest.mark.parametrize("name", ["lma", "mag1"])
def test_nothing_of_a_node_is_lost_when_a_daemon_is_stuck(request, bindir, name):
    """And the node moves right afterwards."""
    t = make_topo(request, bindir, nodes=1, host_pins=True)
    t.start_all()
    conf = t.lma_config() if name == "lma" else t.mag_config(1)
    del conf["leave-forwarding"]
    t.start(name, conf)
    t.attach(t.mn1, 1)
    addr = settled(t, t.mn1, 1)
    d = t.daemons[name]
    before = lasting(binding(t, t.mn1)), lasting(update_entry(t, t.mn1, 1))
    assert d.stop() == 0
    m = Manager(d)
    try:
        m.wait_ready(1)
        down = Flow(t, "cn", "mn1", addr, 6200, 500)
        up = Flow(t, "mn1", "cn", CN, 6201, 500)
        time.sleep(0.3)
        d.send_signal(signal.SIGSTOP)
        m.wait_ready(2)
        time.sleep(0.3)
        for flow in (down, up):
            flow.finish()
            assert len(flow.sent) > 300 and flow.lost == [] and flow.duplicates == 0
        assert m.aborted == 1
        assert (lasting(binding(t, t.mn1)), lasting(update_entry(t, t.mn1, 1))) == before
        t.move(t.mn1, 2)
        assert settled(t, t.mn1, 2) == addr
        assert t.mn1.ping(CN, 3, 0.1) == 3
        assert m.starts == 2
    finally:
        m.close()


def test_the_unit_asks_for_what_is_tested_here():
    u = unit()
    assert u["Type"] == "notify" and u["Restart"] == "always" and int(u["WatchdogSec"]) >= 2
    # the store's writer is not killed with the daemon
    assert u["KillMode"] == "process"
    for key in ("ExecStart", "ExecStartPre"):
        assert Path(u[key].split()[0]).name == "pmipd"
