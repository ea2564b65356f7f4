# SPDX-License-Identifier: GPL-2.0-or-later
"""Streams of numbered packets, counted to the last one (tests/tools/flow.c)."""

import json
import subprocess


class End:
    """One end: counts from when it is made, sends from "go" on."""

    def __init__(self, ns, local, to, rate, tunnel=None, port=9000, nodes=1, size=64):
        program = ns.topo.bindir / "tests" / "tools" / "flow"
        argv = [program, "--bind", local, "--to", to, "--rate", rate, "--port", port, "--nodes",
                nodes, "--size", size]
        argv += ["--tunnel", tunnel] if tunnel else []
        self.ns = ns
        self.proc = ns.popen(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def _answer(self):
        line = self.proc.stdout.readline()
        assert line, f"flow in {self.ns.name} ended"
        return json.loads(line)

    def ask(self, what):
        self.proc.stdin.write(what + "\n")
        self.proc.stdin.flush()
        return self._answer()


class Flow:
    """Both directions between the node's side `a` and the correspondent's side `b`; each is a
    dict of arguments of End without the rate."""

    def __init__(self, a, b, rate=10000):
        self.rate = rate
        self.ends = [End(**a, rate=rate), End(**b, rate=rate)]
        for e in self.ends:
            e.ask("go")

    def sent(self):
        return [e.ask("show")["sent"] for e in self.ends]

    def finish(self):
        """Ends it; returns what happened to the packets (up, down)."""
        sent = [e.ask("stop") for e in self.ends]
        got = [e.ask(f"wait {s['sent'] - s['refused']}")
               for e, s in zip(reversed(self.ends), sent)]
        for e in self.ends:
            e.proc.wait(10)
        return tuple(Fate(s, g) for s, g in zip(sent, got))


class Fate:
    """What happened to the packets of one direction."""

    def __init__(self, sent, got):
        self.sent, self.refused = sent["sent"], sent["refused"]
        self.lost = self.sent - got["distinct"]
        self.doubled, self.disordered = got["doubled"], got["disordered"]
        self.silence = got["silence_ms"] / 1000
        self.overflowed = got["overflowed"]  # lost in the counting program, after all

    def whole(self):
        return not (self.lost or self.doubled or self.disordered)

    def __repr__(self):
        return (f"{self.sent} sent, {self.lost} lost ({self.overflowed} by the receiver, "
                f"{self.refused} by the sender), {self.doubled} doubled, {self.disordered} out of "
                f"order, longest silence {1000 * self.silence:.1f} ms")
