# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures: topologies with real daemons, and what every test may ask of them.

Run as root from the top of the tree: /usr/bin/python3 -m pytest tests/netns --bin build/release
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))

import mh  # noqa: E402
import topo as topology  # noqa: E402
from ask import settled  # noqa: E402
from capture import mobility_headers, read_pcap  # noqa: E402

_live = []
_count = 0


def pytest_addoption(parser):
    parser.addoption("--bin", default=str(ROOT / "build" / "release"),
                     help="directory of pmipd and pmipctl")
    parser.addoption("--asan-bin", default=str(ROOT / "build" / "asan"),
                     help="directory of the sanitized pmipd; its tests are skipped without")
    parser.addoption("--logs", default="", help="keep daemon logs and captures there")


def interrupt(*_):
    """As Ctrl-C: the fixtures end what they made."""
    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, signal.SIG_IGN)
    raise KeyboardInterrupt


def pytest_sessionstart(session):
    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, interrupt)
    if os.geteuid() == 0:
        topology.remove_orphans("t")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for t in _live:
            for d in t.daemons.values():
                lines = [x for x in d.log().splitlines() if "libbpf:" not in x]
                report.sections.append((f"log of {d.name} ({t.tag})", "\n".join(lines[-40:])))


@pytest.fixture(scope="session")
def bindir(request):
    if os.geteuid() != 0:
        pytest.exit("the namespace tests need root", 2)
    path = Path(request.config.getoption("--bin")).resolve()
    for program in ("pmipd", "pmipctl"):
        if not (path / program).exists():
            pytest.exit(f"{path / program} is not built", 2)
    return path


def make_topo(request, bindir, signalling="ip6 proto 135", strict=True, decode=(), **kw):
    """A topology that goes at the end of the requesting scope. All signalling at the LMA is
    captured, and decoded by tshark when it goes; with `strict` it may not even frown. The same for
    the captures of `decode`: (namespace, interface, filter, direction or None)."""
    global _count
    _count += 1
    t = topology.Topo(f"t{os.getpid() % 1000000}n{_count}", bindir, **kw)
    decoded = []

    def finish():
        bad = []
        try:
            for c in t.captures:
                c.stop()
            for c in decoded:
                bad += undecodable(c.path, strict)
            logs = request.config.getoption("--logs")
            if logs:
                to = Path(logs) / f"{getattr(request.node, 'name', 'x').replace('/', '_')}-{t.tag}"
                shutil.copytree(t.dir, to, dirs_exist_ok=True,
                                ignore=shutil.ignore_patterns("*.sock"))
        finally:
            _live.remove(t)
            t.down()
        assert not bad, "tshark could not decode signalling:\n" + "\n".join(bad)

    _live.append(t)
    try:
        t.up()
        if signalling:
            t.signalling = t.capture("lma", "net0", signalling)
            decoded.append(t.signalling)
        decoded += [t.capture(ns, i, what, direction=way) for ns, i, what, way in decode]
    except BaseException:
        _live.remove(t)
        t.down()
        raise
    request.addfinalizer(finish)
    return t


def undecodable(pcap, strict=True):
    """Messages of a capture that tshark calls malformed (or, if strict, odd), or whose checksum is
    wrong; one line each. tshark does not check the checksum of a Mobility Header itself."""
    odd = ' or (_ws.expert.severity >= "Warning")' if strict else ""
    r = subprocess.run(
        ["tshark", "-n", "-r", str(pcap), "-T", "fields", "-e", "frame.number",
         "-e", "mip6.mhtype", "-e", "_ws.malformed", "-e", "_ws.expert.message",
         "-o", "arp.detect_duplicate_ips:FALSE",  # a defence (RFC 5227) looks like it
         "-Y", "_ws.malformed" + odd],
        capture_output=True, text=True, timeout=60)
    bad = r.stdout.splitlines() + ([r.stderr] if r.returncode else [])
    for at, src, dst, kind, body in mobility_headers(read_pcap(pcap)):
        if mh.checksum(src, dst, mh.MH, body):
            bad.append(f"{at} {src} {dst} type {kind}: wrong checksum")
    return bad


@pytest.fixture
def fresh(request, bindir):
    """Makes topologies without daemons for one test."""
    return lambda **kw: make_topo(request, bindir, **kw)


@pytest.fixture(scope="module")
def domain(request, bindir):
    """LMA, two MAGs and two nodes of one module; tests leave mn1 and mn2 attached somewhere."""
    t = make_topo(request, bindir)
    t.start_all()
    for n in t.nodes:
        t.attach(n, 1)
    for n in t.nodes:
        settled(t, n, 1)
    return t
