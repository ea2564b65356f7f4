# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon under AddressSanitizer and UBSan through attach, handover, hostile input and exit."""

import random
import re
import signal
import time
from pathlib import Path

import pytest

import mh
from ask import settled, to_ap
from topo import CN, LMAA, mag_addr


def test_sanitized_daemons_find_nothing(fresh, request):
    asan = Path(request.config.getoption("--asan-bin")).resolve()
    if not (asan / "pmipd").exists():
        pytest.skip(f"{asan}/pmipd is not built (make FLAVOUR=asan)")
    t = fresh(nodes=2, signalling=f"ip6 proto 135 and src host {LMAA}", strict=False)
    env = {"ASAN_OPTIONS": "detect_leaks=1:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1"}
    t.start("lma", bindir=asan, env=env)
    for i in (1, 2):
        t.start(f"mag{i}", bindir=asan, env=env)
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
        bad = bytearray(base[:rng.choice([len(base), rng.randrange(len(base) + 1)])])
        for _ in range(rng.randrange(4)):
            if bad:
                bad[rng.randrange(len(bad))] = rng.randrange(256)
        if len(bad) >= 6:
            to_lma.mh(mag_addr(rng.choice([1, 2])), LMAA, bytes(bad))
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
