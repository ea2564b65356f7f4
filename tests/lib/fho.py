# SPDX-License-Identifier: GPL-2.0-or-later
"""Fast handovers (RFC 5949) as tests and the demonstration drive them."""

import json
import socket
import time

from ask import wait_registered
from netns import PATIENCE, wait_until
from topo import mag_addr, merge


def conf(t, i, addr=mag_addr, **over):
    """Configuration of MAG number i: every other one is its neighbour and has access point "apN"."""
    near = [{"name": f"mag{j}", "address": addr(j), "ap-ids": [f"ap{j}"]}
            for j in range(1, t.n_mags + 1) if j != i]
    return merge(t.mag_config(i, mag={"neighbours": near}), over)


def handovers(t, mag, node=None):
    """Of a MAG, those that are in progress."""
    args = [node.mnid] if node else []
    return [h for h in t.daemons[f"mag{mag}"].ctl("handovers", *args) if not h["result"]]


def results(t, mag, node):
    """Of those that are over, the latest first."""
    return [h["result"] for h in t.daemons[f"mag{mag}"].ctl("handovers", node.mnid) if h["result"]]


def buffer(t, mag, node):
    """What waits for a node at a MAG, and what has become of what waited; None without a session."""
    found = t.daemons[f"mag{mag}"].ctl("sessions", node.mnid)
    return found[0]["buffer"] if found else None


def announce(t, node, ap, state="FORWARDING"):
    """Triggers at the node's MAG, and waits until its packets go to the other one, or are kept."""
    old = node.ap
    t.daemons[f"mag{old}"].ctl("handover", node.mnid, "--to", f"ap{ap}")
    wait_until(lambda: [h["state"] for h in handovers(t, old, node)] == [state], 3,
               f"mag{old} to be {state} to mag{ap}")


def drained(t, mag, node):
    """Waits until nothing waits any more; the buffer's fate and the time in ns."""
    def empty():
        b = buffer(t, mag, node)
        return b if b and not b["packets"] and not b["draining"] else None
    return wait_until(empty, 5, "the buffer to drain", every=0), time.monotonic_ns()


def quiet(t, *mags, timeout=5):
    """Waits until no handover is in progress."""
    for i in mags or range(1, t.n_mags + 1):
        wait_until(lambda i=i: not handovers(t, i), timeout, f"handovers at mag{i} to end")


def hand_over(t, node, ap, gap):
    """Predictively, with a time without any link. Returns the fate of what waited, and how long
    after the new link came up it was handed on, in ms."""
    announce(t, node, ap)
    _, up = t.move(node, ap, gap)
    fate, at = drained(t, ap, node)
    wait_registered(t, node, ap)
    return fate, (at - up) / 1e6


class Control:
    """One connection to a daemon for many requests."""

    def __init__(self, daemon):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10 * PATIENCE)
        self.sock.connect(str(daemon.socket))
        self.lines = self.sock.makefile("r")

    def ask_all(self, cmd, args):
        """The same command with each of these arguments; the answers."""
        out = []
        for a in args:
            self.sock.sendall(json.dumps({"cmd": cmd, "args": a}).encode() + b"\n")
            out.append(json.loads(self.lines.readline()))
        return out

    def close(self):
        self.lines.close()
        self.sock.close()
