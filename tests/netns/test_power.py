# SPDX-License-Identifier: GPL-2.0-or-later
"""The power goes while the LMA writes: whatever the disk then holds, the daemon that starts on it
has the bindings of the last commit, or says what is damaged and believes none of it that it cannot
prove.

All that the daemon's writer does to the file is recorded (tests/tools/preload/disk_record.c), and
disks are made from it that such a moment may leave. The store itself is tested at every such moment
by tests/unit/store/test_store_power.c; here a daemon starts, at some of them."""

import random
import re
import shutil
import signal
import struct
import subprocess
from dataclasses import dataclass

import pytest

from conftest import make_topo
from netns import wait_until
from topo import LMAA, mag_addr

NODES = 40
CUTS = 16
PAGE, SECTOR = 4096, 512


@dataclass
class Note:
    """One thing that was done to the file."""
    sync: bool
    durable: bool  # it is on disk when it is done
    fresh: bool    # the file has not got its name yet
    at: int
    data: bytes

    @property
    def root(self):
        return self.durable and not self.sync and not self.fresh


def read_notes(path):
    out, raw, at = [], path.read_bytes(), 0
    while at < len(raw):
        sync, durable, fresh, where, n = struct.unpack_from("=BBB5xQQ", raw, at)
        at += 24
        out.append(Note(bool(sync), bool(durable), bool(fresh), where, raw[at:at + n]))
        at += n
    return out


def disk(notes, how, dice):
    """The file when the power went after these notes. What was synced is there, and what was not
    is there ("all"), is not ("none"), or is there in part, sector by sector."""
    out = bytearray()
    synced = max((i for i, n in enumerate(notes) if n.sync), default=0)

    def put(at, data):
        out.extend(bytes(max(0, at + len(data) - len(out))))
        out[at:at + len(data)] = data

    for i, n in enumerate(notes):
        if n.sync or not n.data:
            continue
        if i < synced or n.durable or how == "all":
            put(n.at, n.data)
        elif how == "part":
            for k in range(0, len(n.data), SECTOR):
                if dice.random() < 0.5:
                    put(n.at + k, n.data[k:k + SECTOR])
    return bytes(out)


class History:
    """An LMA with a loss window of 0 at which nodes register one after the other."""

    def __init__(self, t):
        self.t = t
        self.dir = t.dir / "state-lma"
        record, acks = t.dir / "record", t.dir / "acks"
        preload = t.bindir / "tests" / "tools" / "preload" / "disk_record.so"
        self.conf = t.lma_config(**{"loss-window": 0})
        d = t.start("lma", self.conf, env={"LD_PRELOAD": str(preload),
                                           "DISK_RECORD": str(record)})
        before = read_notes(record)
        t.mag1.run(t.bindir / "tests" / "tools" / "storm", "--mag", mag_addr(1), "--lma", LMAA,
                   "--count", NODES, "--window", 1, "--acks", acks, timeout=60)
        self.bindings = {b["mn_id"]: b for b in d.ctl("bindings")}
        d.stop(signal.SIGKILL)
        self.notes = read_notes(record)
        self.first = len(before)
        # what is made from the record is what is there
        made = disk(self.notes, "all", None)
        assert made == (self.dir / "store.mdb").read_bytes()[:len(made)]
        # each registration is one commit, and was answered after it
        assert sum(n.root for n in self.notes[self.first:]) == len(self.bindings) == NODES

    def at(self, n):
        """Who is registered when the power goes after n notes."""
        return [f"{i:07d}@example.com" for i in range(
            sum(x.root for x in self.notes[self.first:n]))]


@pytest.fixture(scope="module")
def h(request, bindir):
    return History(make_topo(request, bindir, signalling=None, mags=1, nodes=0))


def start_on(h, image, mark=False):
    """What an LMA has that finds this file: its bindings, and the lines that tell of the store."""
    shutil.rmtree(h.dir)
    h.dir.mkdir(mode=0o700)
    (h.dir / "store.mdb").write_bytes(image)
    if mark:
        (h.dir / "store.mark").write_bytes(mark)
    d = h.t.start("lma", h.conf)
    rows = {b["mn_id"]: b for b in d.ctl("bindings")}
    d.stop(signal.SIGKILL)
    lines = [x for x in d.log().splitlines() if "store" in x]
    d.log_file.unlink()
    return rows, "\n".join(lines)


def same(a, b):
    """Not what time alone changes, nor what a new data plane gives new names."""
    return all(a[k] == b[k] for k in a if k not in ("remaining", "session", "tunnel"))


def moments(h):
    dice = random.Random(5846)
    last = len(h.notes)
    picked = dice.sample(range(h.first, last), CUTS - 2) + [h.first, last]
    return [(n, how) for n in sorted(picked) for how in dice.sample(["all", "none", "part"], 1)]


def test_power_goes_between_two_writes(h):
    dice = random.Random(1)
    for n, how in moments(h):
        rows, said = start_on(h, disk(h.notes[:n], how, dice))
        assert sorted(rows) == h.at(n), f"after {n} of {len(h.notes)} writes, {how}: {said}"
        assert all(same(r, h.bindings[m]) for m, r in rows.items())
        assert "damaged" not in said


def test_power_goes_within_a_write(h):
    """A root lies within one sector, which arrives or does not; anything else may be cut anywhere."""
    dice = random.Random(2)
    where = [i for i in range(h.first, len(h.notes))
             if h.notes[i].data and not h.notes[i].durable]
    for n in dice.sample(where, 4):
        cut = h.notes[n]
        part = Note(False, False, False, cut.at, cut.data[:dice.randrange(len(cut.data))])
        rows, said = start_on(h, disk([*h.notes[:n], part], "all", dice))
        assert sorted(rows) == h.at(n) and "damaged" not in said, said
        assert all(same(r, h.bindings[m]) for m, r in rows.items())


def damaged(h, image, **kw):
    """Starts on a damaged file. Returns how many bindings came back, each as it was."""
    rows, said = start_on(h, image, **kw)
    assert "damaged" in said, said
    assert all(same(r, h.bindings[m]) for m, r in rows.items())
    saved = re.search(r"(\d+)(?: of (\d+))? records are saved", said)
    assert saved, said
    aside = re.search(r"store\.damaged-\S+", said)[0].rstrip(".")
    assert (h.dir / aside).read_bytes() == image
    return len(rows)


def test_file_is_cut(h):
    whole = disk(h.notes, "all", None)
    dice = random.Random(3)
    for pages in dice.sample(range(3, len(whole) // PAGE), 4):
        damaged(h, whole[:pages * PAGE])


def test_octets_are_overwritten(h):
    """Wherever the name stands: pages that are no longer used are in the file, too."""
    name = b"0000007@example.com"
    whole = disk(h.notes, "all", None)
    pages = bytearray(whole)
    for at in range(0, len(whole), PAGE):
        if name in whole[at:at + PAGE]:
            pages[at:at + PAGE] = bytes(PAGE)
    for image in (whole.replace(name, b"X" + name[1:]), bytes(pages)):
        assert damaged(h, image) < NODES


def test_file_of_an_earlier_time(h):
    """A disk that lost what it said it had: the mark beside the file knows of a later commit."""
    mark = None
    for n in range(len(h.notes), 0, -1):
        if h.notes[n - 1].root:
            old = disk(h.notes[:n - 1], "all", None)
            break
    shutil.rmtree(h.dir)
    h.dir.mkdir(mode=0o700)
    (h.dir / "store.mdb").write_bytes(disk(h.notes, "all", None))
    d = h.t.start("lma", h.conf)
    h.t.mag1.run(h.t.bindir / "tests" / "tools" / "storm", "--mag", mag_addr(1), "--lma", LMAA,
                 "--first", NODES, timeout=60)
    wait_until(lambda: (h.dir / "store.mark").exists(), 5, "the mark")
    d.stop(signal.SIGKILL)
    mark = (h.dir / "store.mark").read_bytes()
    assert damaged(h, old, mark=mark) == 0


def test_other_files(h):
    """What is no store is not taken for one, and not thrown away either."""
    dice = random.Random(4)
    for image in (b"", b"x", bytes(10 * PAGE), dice.randbytes(10 * PAGE)):
        rows, said = start_on(h, image)
        assert not rows and "store" in said, said


def test_disk_is_full(h):
    """Said by its name; service goes on, and nobody waits for the disk."""
    t = h.t
    small = t.dir / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", small], check=True)
    try:
        conf = {**h.conf, "state-directory": str(small)}
        d = t.start("lma", conf)
        out = t.mag1.run(t.bindir / "tests" / "tools" / "storm", "--mag", mag_addr(1), "--lma",
                         LMAA, "--count", 3000, timeout=60).stdout
        assert '"accepted": 3000' in out, out
        # LMDB takes a write that was cut short for a failing disk
        assert re.search(r"changes are not on disk: (No space|Input/output)", d.log())
        d.stop(signal.SIGKILL)
    finally:
        t.daemons["lma"].close()
        subprocess.run(["umount", small], check=True)
