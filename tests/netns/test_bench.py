# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark of the data plane still measures what it says: its self-check, in a few seconds."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"name", "nodes", "packet_bytes", "pattern", "ns_per_packet", "mpps", "ratio_to_redirect",
        "ratio_to_kernel", "runs", "min", "median", "max"}


@pytest.fixture(scope="module")
def results(request, tmp_path_factory):
    bench = Path(request.config.getoption("--bin")) / "tests/bench/forward/bench_forward"
    if not bench.exists():
        pytest.skip(f"{bench} is not built: make bench-forward")
    out = tmp_path_factory.mktemp("bench") / "results.json"
    run = subprocess.run([bench.resolve(), "-q", "-o", out], capture_output=True, text=True,
                         timeout=120)
    assert run.returncode == 0, run.stderr
    return out, json.loads(out.read_text())


def ours(rows):
    return [r for r in rows if r["name"].startswith(r["way"] + " ")]


def test_bench_results_have_every_field(results):
    rows = results[1]
    assert rows
    for r in rows:
        assert KEYS <= r.keys(), r
        assert r["runs"] >= 5
        assert 0 < r["min"] <= r["median"] <= r["max"]
        assert r["median"] == r["ns_per_packet"]
        assert abs(r["mpps"] * r["ns_per_packet"] - 1000) < 20


def test_bench_loses_nothing_and_every_packet_comes_out_as_it_should(results):
    for r in results[1]:
        assert r["lost"] == 0 and r["strange"] == 0, r


def test_bench_measures_both_hooks_both_directions_and_the_kernel(results):
    rows = results[1]
    assert {(r["way"], r["hook"]) for r in ours(rows)} >= {
        ("lma-down", "xdp"), ("lma-up", "xdp"), ("lma-down", "tc"), ("lma-up", "tc")}
    for r in ours(rows):
        assert r["ratio_to_redirect"] > 0
    if any(r["name"].startswith("kernel-seg6") for r in rows):
        assert all(r["ratio_to_kernel"] > 0 for r in ours(rows) if r["way"] == "lma-down")


def test_bench_report_names_the_goals_and_draws(results, tmp_path):
    svg = tmp_path / "nodes.svg"
    run = subprocess.run([ROOT / "scripts/bench-report.py", results[0], "--plot", svg],
                         capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert "no packet was lost" in run.stdout
    assert "lma-down ip6/ip6, 1000 nodes: added ns" in run.stdout
    assert svg.read_text().rstrip().endswith("</svg>")


def test_bench_refuses_to_measure_nothing(request):
    bench = Path(request.config.getoption("--bin")) / "tests/bench/forward/bench_forward"
    if not bench.exists():
        pytest.skip(f"{bench} is not built: make bench-forward")
    run = subprocess.run([bench.resolve(), "-q", "-w", "no such way"], capture_output=True,
                         text=True, timeout=60)
    assert run.returncode == 2 and '"no such way"' in run.stderr and not run.stdout
