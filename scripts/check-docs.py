#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the pages name exists: files and headings behind links, targets of make, commands of pmipctl,
configuration keys; and the data plane's tables name every map, verdict and drop reason."""

import os
import re
import sys
from pathlib import Path

os.chdir(Path(__file__).resolve().parents[1])
PAGES = ["README.md", *sorted(map(str, Path("docs").glob("*.md")))]
failed = False


def text(path):
    return Path(path).read_text(encoding="utf-8")


def complain(page, what):
    global failed
    failed = True
    print(f"docs: {page}: {what}", file=sys.stderr)


def anchors(page):
    """As GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", text(page), re.M)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in heads}


def links(page, content):
    for target in re.findall(r"\]\(([^)\s]+)\)", content):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        path = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if not os.path.exists(path):
            complain(page, f"link to {target}, which does not exist")
        elif anchor and anchor not in anchors(path):
            complain(page, f"link to {target}, and no such heading")


TARGETS = {t for names in re.findall(r"^([a-z][a-z -]*):(?!=)",
                                     text("Makefile") + text("tests/tests.mk"), re.M)
           for t in names.split()}
COMMANDS = set(re.findall(r'^\tX\([A-Z_]+, "([a-z-]+)"', text("include/pmip/ctl.h"), re.M))
KEYS = set(re.findall(r'^\| `([a-z0-9-]+)` \|', text("docs/configuration.md"), re.M))


def names(page, content):
    """In `quotes` and in blocks of commands."""
    quoted = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", content, flags=re.S))
    for block in re.findall(r"```sh\n(.*?)```", content, re.S):
        quoted += block.splitlines()
    for words in quoted:
        for target in re.findall(r"(?:^|; )make ([a-z][a-z-]*)\b", words):
            if target not in TARGETS:
                complain(page, f"make {target}: no such target")
        for cmd in re.findall(r"(?:^|[;'] *|# )pmipctl(?: -s \S+| --json| --column \S+)* ([a-z-]+)",
                              words):
            if cmd not in COMMANDS and not cmd.startswith("-"):
                complain(page, f"pmipctl {cmd}: no such command")
        if m := re.fullmatch(r"(?:lma|mag|domain|profiles\[\])\.([a-z0-9-]+)(?:: .*)?", words):
            if m.group(1) not in KEYS | {"yaml"}:
                complain(page, f"{words}: no such key")


def table(content, heading):
    """(first column, second column) of the table with that first heading."""
    rows = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", content, re.M)
    return [[c.strip(" `") for c in row.split("|")[1:3]] for row in rows.group(1).splitlines()]


def numbered(page, heading, wanted):
    got = [(name, int(number)) for name, number in table(text(page), heading)]
    for row in sorted(set(enumerate(wanted)) ^ {(n, name) for name, n in got}):
        complain(page, f"{heading}: {row[1]}, number {row[0]}, is not as in abi.h")


def dataplane(page):
    abi = text("include/pmip/abi.h")
    numbered(page, "drop reason", re.findall(r'^\tX\(PM_DROP_\w+, "(\w+)"', abi, re.M))
    verdicts = re.search(r"enum pm_verdict \{(.*?)PM_V_MAX", abi, re.S).group(1)
    numbered(page, "verdict", [v.lower() for v in re.findall(r"PM_V_(\w+),", verdicts)])
    content = text(page)
    for name, bit in re.findall(r"^\tPM_F_(\w+) = 1 << (\d+)", abi, re.M):
        if not re.search(rf"`{name}`\s+\(?{1 << int(bit)}\b", content):
            complain(page, f"flag {name}, {1 << int(bit)}, is not told")
    maps = set(re.findall(r'^\} (pm_\w+) SEC\("\.maps"\)', text("bpf/maps.h"), re.M))
    told = {name for row in table(content, "map") for name in re.findall(r"pm_\w+", row[0])}
    for name in sorted(maps ^ told):
        complain(page, f"map {name} is {'not in the table' if name in maps else 'nowhere else'}")


for p in PAGES:
    c = text(p)
    links(p, c)
    names(p, c)
dataplane("docs/dataplane.md")
sys.exit(failed)
