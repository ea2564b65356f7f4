#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A dual-stack mobile node roams between two access gateways while its TCP connections live. Then
two nodes change places with the same time without a link, one of them announced (RFC 5949).

    demo.py run [--keep 1] [--bin DIR]    lay the topology out, show it, check it, remove it
    demo.py stop                          remove what was kept or left behind

Everything happens in network namespaces named pm-demo-*. The exit status is 1 if the node's
addresses, its connections or the transfer did not survive, or if the announced node lost a packet.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "lib"))

import fho  # noqa: E402
import topo as topology  # noqa: E402
from ask import binding, counter, forget, wait_registered  # noqa: E402
from capture import Flow, mobility_headers  # noqa: E402
from dhcp import Dhclient  # noqa: E402
from netns import Timeout, TopoError, wait_until  # noqa: E402

TAG = "demo"
WIDTH = 100
PPS = 1000
GAP = 0.1         # s without any link
LONG_GAP = 0.5    # s, when two nodes change places
BIN = 20          # ms, one column of the plot
TRANSFER = 8      # s of iperf3
MOVE_AT = 3.5     # s into the transfer
POOL4 = "192.0.2.0/24"
LEASE = 10        # s: the node renews it every five or so, so at the other gateway, too
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

COLOUR = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"

PICTURE = """\
   correspondent            anchor              transport            gateways        access points
   +----------+        +--------------+        +---------+        +------------+
   |    cn    |        |     lma      |        |   net   |    +---|    mag1    |--- ap1  ))) mn1 mn2
   |          |--------|  pmipd: LMA  |--------| router  |----+   | pmipd: MAG |        |
   |          |        |              |        |         |    |   +------------+        | mn1 moves
   +----------+        +--------------+        +---------+    |   +------------+        v
   2001:db8:c::2       2001:db8:2::1                          +---|    mag2    |--- ap2  )))
   203.0.113.2         home prefixes and addresses of nodes       | pmipd: MAG |
                       2001:db8:100::/44, 192.0.2.0/24            +------------+
"""


class Failed(Exception):
    pass


LEVELS = " ▁▂▃▄▅▆▇█"
try:
    LEVELS.encode(sys.stdout.encoding or "ascii")
except UnicodeEncodeError:
    LEVELS = " .:-=+*#@"


def bars(counts, full):
    """Two lines, the upper one for what is above half of `full`; what is there is always seen."""
    eighths = [min(16, max(c > 0, round(16 * c / full))) for c in counts]
    return ("".join(LEVELS[max(0, e - 8)] for e in eighths),
            "".join(LEVELS[min(8, e)] for e in eighths))


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def bold(text):
    return paint("1", text)


def say(text="", indent=3):
    for line in text.splitlines() or [""]:
        print((" " * indent + line).rstrip()[:WIDTH + (20 if COLOUR else 0)], flush=True)


def title(n, text):
    print(f"\n{bold(f'{n}. {text}')}", flush=True)


def output(r):
    """What a program printed, or why it failed."""
    if r.returncode != 0:
        raise Failed(f"{' '.join(map(str, r.args))}: {r.stdout}{r.stderr}".strip())
    return r.stdout.rstrip()


NODES = {topology.node_mac(n): f"mn{n}" for n in (1, 2)}
EVENTS = {
    "attach": "heard on the access link",
    "detach": "left the access link",
    "session-up": "session up",
    "handover": "binding moved, one 64-bit store",
    "session-down": "binding gone",
}
CODES = {("HI", "3"): "comes to you: context, forwarding", ("HI", "2"): "is here: forwarding over",
         ("HAck", "5"): "accepted", ("HAck", "0"): "accepted"}
HANDOFF = {"1": "new interface", "2": "between interfaces", "3": "between MAGs",
           "4": "handoff state unknown", "5": "no change: still here"}


# ---- the signalling ladder --------------------------------------------------------------------


class Ladder:
    """Draws what the three daemons' monitors tell, in the order it happened. A line is held back
    for a moment, because an earlier one may still be under way from another daemon."""

    COLUMNS = {"mag1": 15, "lma": 31, "mag2": 47}
    PATIENCE = 0.15
    NAMES = {topology.LMAA: "lma", topology.mag_addr(1): "mag1", topology.mag_addr(2): "mag2"}

    def __init__(self, t):
        self.monitors = [t.daemons[n].monitor() for n in ("lma", "mag1", "mag2")]
        self.zero, self.seen, self.waiting, self.only = None, [], [], ""
        self.lock, self.live, self.ending = threading.Lock(), False, False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ending:
            time.sleep(0.03)
            self._collect(time.monotonic_ns() - self.PATIENCE * 1e9)

    def _collect(self, until):
        with self.lock:
            for m in self.monitors:
                self.waiting += m.take()
            self.waiting.sort(key=lambda e: e["time"])
            while self.waiting and self.waiting[0]["_at"] <= until:
                ev = self.waiting.pop(0)
                self.seen.append(ev)
                if self.live:
                    self._draw(ev)

    def start(self, only=""):
        """From now on events are drawn, or those of one node; their times count from the first."""
        self._collect(time.monotonic_ns())
        with self.lock:
            self.live, self.zero, self.seen, self.only = True, None, [], only
        ends = [("ms", 6)] + [(n, c) for n, c in self.COLUMNS.items()]
        line = [" "] * 70
        for name, at in ends:
            line[at - len(name) // 2:at - len(name) // 2 + len(name)] = name
        say("".join(line).rstrip())

    def stop(self):
        """Draws what is left; returns the events since start()."""
        time.sleep(self.PATIENCE)
        self._collect(time.monotonic_ns())
        with self.lock:
            self.live = False
            return self.seen

    def close(self):
        self.ending = True
        self.thread.join(2)

    def _draw(self, ev):
        what = describe(ev)
        if what is None or not what[2].startswith(self.only):
            return
        kind, peer, text = what
        if self.zero is None:
            self.zero = ev["time"]
        line = [" "] * 49
        for c in self.COLUMNS.values():
            line[c] = "|"
        ms = f"{(ev['time'] - self.zero) * 1e3:9.1f}"
        line[:len(ms)] = ms
        here = self.COLUMNS[ev["_daemon"]]
        if peer in self.COLUMNS:
            a, b = sorted((here, self.COLUMNS[peer]))
            line[a + 1:b] = "-" * (b - a - 1)
            if here < self.COLUMNS[peer]:
                line[b - 1] = ">"
            else:
                line[a + 1] = "<"
            label = f" {kind} "
            at = (a + b - len(label)) // 2 + 1
            line[at:at + len(label)] = label
        else:
            line[here] = "*"
        say(f"{''.join(line)}  {text}")


def describe(ev):
    """(message, daemon it goes to, text) of an event; None for one that is not drawn."""
    node = NODES.get(ev.get("mac")) or ev.get("mn_id", "").split("@")[0]
    kind, msg = ev["event"], ev.get("message")
    if kind == "sent" and msg:
        summary, text = msg["summary"], ""
        if msg["name"] == "HB":
            return None
        if m := re.search(r" HI (\d)", summary):
            text = f"HI {m.group(1)}, {HANDOFF.get(m.group(1), '')}"
        if "status" in msg:
            given = re.findall(r"(?:HNP ([^ ]+)|HoA4 ([^ /]+))", summary)
            text = " ".join([f"status {msg['status']}", *(six or four for six, four in given)])
        elif not msg.get("lifetime", 1):
            text = "de-registration"
        elif m := re.match(r"(HI|HAck) seq \d+ [a-z ]*code (\d+)", summary):
            text = CODES.get(m.groups(), "")
        elif m := re.match(r"BRI trigger (\d+)", summary):
            text = "is elsewhere now" if m.group(1) in "23" else "revoked"
        elif msg["name"] == "BRA":
            return None  # names no node
        return msg["name"], Ladder.NAMES.get(ev.get("peer")), f"{node}: {text}"
    if kind in EVENTS:
        cause = f" ({ev['cause']})" if kind in ("attach", "detach") and "cause" in ev else ""
        return "", None, f"{node}: {EVENTS[kind]}{cause}"
    return None


# ---- the story --------------------------------------------------------------------------------


class Demo:
    def __init__(self, bindir, keep):
        self.t = topology.Topo(TAG, bindir, keep=keep, host_pins=True)
        self.keep = keep
        self.checks = []

    def check(self, ok, text):
        self.checks.append((bool(ok), text))

    def run(self):
        t = self.t
        print(bold("pmipd: a dual-stack node roams between two gateways, its TCP connections live"))
        print()
        print(PICTURE, end="")
        title(1, "Three daemons start")
        t.up()
        self.start()
        for name in ("lma", "mag1"):
            say(f"{name}: pmipctl interfaces")
            say(output(t.daemons[name].pmipctl("interfaces")), 6)
        ladder = Ladder(t)
        self.attach(ladder)
        self.roam(ladder)
        self.change_places(ladder)
        ladder.close()
        return self.verdict()

    def start(self):
        """All daemons at once."""
        t = self.t
        may = {"profiles": [{"mn-id": n.mnid, "link-layer-addresses": [n.mac], "ipv4": True}
                            for n in t.nodes]}
        t.start("lma", t.lma_config(lma={"ipv4-pools": [{"name": "four", "prefix": POOL4}]}, **may),
                wait=False)
        for i in (1, 2):
            t.start(f"mag{i}", fho.conf(t, i, mag={"dhcpv4-lease-time": LEASE}, **may), wait=False)
        for d in t.daemons.values():
            d.wait_ready()

    def servers(self):
        """The server identifiers of all leases that mn1 ever got."""
        return sorted(set(re.findall(r"dhcp-server-identifier ([\d.]+);",
                                     (self.dhcp.dir / "leases").read_text())))

    def bindings(self):
        """The columns of `pmipctl bindings` that fit here."""
        keys = ("mn_id", "prefixes", "ipv4", "mag", "proxy_coa", "state", "handovers")
        rows = [[k.upper().replace("_", "-") for k in keys]]
        for b in self.t.daemons["lma"].ctl("bindings"):
            rows.append([",".join(v) if isinstance(v := b[k], list) else str(v) for k in keys])
        width = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join("  ".join(v.ljust(w) for v, w in zip(r, width)) for r in rows)

    def attach(self, ladder):
        t = self.t
        title(2, "mn1 and mn2, plain Linux hosts, come into reach of ap1")
        ladder.start()
        for n in t.nodes:
            t.attach(n, 1)
        (t.dir / "dhclient").mkdir()
        self.dhcp = Dhclient(t.mn1, t.dir / "dhclient")
        self.dhcp.start()
        self.address4 = self.dhcp.wait_address()
        for n in t.nodes:
            n.wait_address(15)
        ladder.stop()
        self.address = t.mn1.wait_address()
        say()
        say(f"mn1 configured itself (SLAAC): {bold(self.address)}")
        say(f"dhclient got it a lease:       {bold(self.address4)} for {LEASE} s, "
            f"server {', '.join(self.servers())}")
        say("lma: pmipctl bindings")
        say(self.bindings(), 6)
        say()
        for far in (topology.CN, topology.CN4):
            say(f"mn1: ping {far}")
            r = t.mn1.run("ping", "-n", "-c", 2, "-i", 0.2, far, check=False)
            say("\n".join(x for x in r.stdout.splitlines() if "bytes from" in x or "loss" in x), 6)
            self.check(" 0% packet loss" in r.stdout, f"ping to {far} answered")

    def roam(self, ladder):
        t = self.t
        title(3, f"mn1 sends with iperf3 (TCP), hears {PPS} UDP packets per second, moves to ap2")
        servers = [t.cn.popen("iperf3", "-s", "-1", "-p", p, stdout=subprocess.DEVNULL)
                   for p in (5201, 5204)]
        for p in (5201, 5204):
            wait_until(lambda p=p: f":{p}" in t.cn.run("ss", "-ltn").stdout, 5, "an iperf3 server")
        flow = Flow(t, "cn", "mn1", self.address, 5202, PPS)
        wire = t.capture("lma", "net0", "ip6 proto 135")
        client = t.mn1.popen("iperf3", "-6", "-c", topology.CN, "-p", 5201, "-t", TRANSFER, "-i", 1,
                             "-b", "300M", "--forceflush", stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        four = t.mn1.popen("iperf3", "-4", "-c", topology.CN4, "-p", 5204, "-t", TRANSFER, "-i", 1,
                           "-b", "50M", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lines = []
        reader = threading.Thread(target=self._transfer, args=(client, lines), daemon=True)
        reader.start()
        time.sleep(MOVE_AT)
        ladder.start()
        say(bold(f"mn1's link to ap1 goes down; {GAP * 1000:.0f} ms later that to ap2 is up"), 12)
        down, up = t.move(t.mn1, 2, GAP)
        try:
            wait_until(lambda: any(b["proxy_coa"] == topology.mag_addr(2) for b in
                                   t.daemons["lma"].ctl("bindings", t.mn1.mnid)), 5, "the handover")
        except Timeout:
            pass  # the verdict below says so
        time.sleep(0.5)
        ladder.stop()
        rc = client.wait(TRANSFER + 20)
        reader.join(2)
        lines4 = four.communicate(timeout=20)[0].splitlines()
        for server in servers:
            server.wait(5)
        flow.finish()
        wire.stop()
        self.results((lines, rc), (lines4, four.returncode), flow, wire, down, up)

    @staticmethod
    def _transfer(client, lines):
        for line in client.stdout:
            lines.append(line.rstrip())
            if re.match(r"\[ *\d+\] +\d+\.\d+-\d+\.\d+ .*bits/sec", lines[-1]) and \
                    "sender" not in line and "receiver" not in line:
                say(f"iperf3 {lines[-1][5:]}", 6)

    def transferred(self, lines, rc, least, what):
        received = [x for x in lines if "receiver" in x]
        rates = [float(m.group(1)) * {"K": 1e3, "M": 1e6, "G": 1e9}.get(m.group(2), 1)
                 for x in lines if "er" not in x[-8:] and
                 (m := re.search(r"([\d.]+) ([KMG]?)bits/sec", x))]
        tail = rates[-2:] or [0]
        moved = " ".join(received[-1].split()[4:6]) if received else "nothing"
        self.check(rc == 0 and received and min(tail) > least,
                   f"{what}: connection kept, {moved} received, "
                   f"{tail[-1] / 1e6:.0f} Mbit/s at the end")

    def results(self, six, four, flow, wire, down, up):
        t = self.t
        first = min((at for n, at in flow.got.items() if at > up and flow.sent[n] > down),
                    default=None)
        addresses = t.mn1.addresses()
        (b,) = t.daemons["lma"].ctl("bindings", t.mn1.mnid) or [{}]
        msgs = [m for m in mobility_headers(wire.frames()) if m[0] >= down]
        pbu = next((m for m in msgs if m[3] == 5 and m[1] == topology.mag_addr(2)), None)
        pba = next((m for m in msgs if pbu and m[3] == 6 and m[2] == pbu[1] and m[0] > pbu[0]),
                   None)

        title(4, "What happened")
        say("lma: pmipctl bindings")
        say(self.bindings(), 6)
        say()
        self.check(b.get("proxy_coa") == topology.mag_addr(2), "the binding followed to mag2")
        kept = self.dhcp.address() == self.address4 == b.get("ipv4")
        self.check(addresses == [self.address] and kept,
                   f"addresses kept: {', '.join([*addresses, self.dhcp.address() or 'no IPv4'])}")
        renewed = False
        with contextlib.suppress(Timeout):  # it may have renewed shortly before it moved
            renewed = wait_until(lambda: counter(t, "mag2", "acked_renewing", "dhcpv4_server"),
                                 LEASE, "the lease to be renewed")
        self.check(renewed and len(self.servers()) == 1,
                   "lease renewed at mag2, which goes by the same server identifier")
        self.transferred(*six, 10e6, "TCP over IPv6")
        self.transferred(*four, 5e6, "TCP over IPv4")
        self.check(all(t.mn1.ping(a, 3, 0.1) == 3 for a in (topology.CN, topology.CN4)),
                   "ping answered through mag2, over both")
        took = f"{(pba[0] - pbu[0]) / 1e6:.2f} ms from PBU to PBA at the LMA" if pba else "no PBA"
        self.check(pba is not None, f"handover signalled: {took}")
        took = f"{(first - up) / 1e6:.1f} ms after the new link came up" if first else "never came"
        self.check(first is not None, f"first packet {took}")
        lost, allowed = len(flow.lost), None
        if first:
            allowed = PPS * (first - down) / 1e9 + 10
        self.check(allowed is not None and lost <= allowed,
                   f"{lost} of {len(flow.sent)} UDP packets lost: the link was gone for "
                   f"{(up - down) / 1e6:.0f} ms = {PPS * (up - down) / 1e9:.0f} packets")

    def change_places(self, ladder):
        t = self.t
        gap = f"{LONG_GAP * 1000:.0f} ms"
        title(5, f"mn2 goes to ap2, mn1 to ap1, each without a link for {gap}; mn1 is announced")
        with contextlib.suppress(Timeout):  # what it remembers of mn1 goes by probing else
            forget(t, t.mn1, 1)
        flows = [Flow(t, "cn", n.name, n.wait_address(), 5210 + n.number, PPS) for n in t.nodes]
        time.sleep(0.5)
        ladder.start(only="mn1")
        say(bold(f"mag2: pmipctl handover {t.mn1.mnid} --to ap1; then both links go down"), 12)
        fho.announce(t, t.mn1, 1)
        down = [t.detach(n) for n in t.nodes]
        time.sleep(LONG_GAP)
        up = [t.attach(n, ap) for n, ap in zip(t.nodes, (1, 2))]
        try:
            for n in t.nodes:
                wait_registered(t, n, n.ap)
            fho.drained(t, 1, t.mn1)
            fho.quiet(t)
        except Timeout:
            pass  # the verdict below says so
        ladder.stop()
        for f in flows:
            f.finish()
        say()
        for n, f, d, u in reversed(list(zip(t.nodes, flows, down, up))):
            how = "announced, RFC 5949" if n is t.mn1 else "unannounced, RFC 5213"
            self.plot(f"{n.name}, {how}", f, d, u)
            self.judge(n is t.mn1, n.name, f)
        self.check(all(binding(t, n)["mag"] == f"mag{n.ap}" for n in t.nodes),
                   "both nodes are registered where they went")

    @staticmethod
    def plot(name, flow, down, up):
        """Packets that arrive, BIN ms in a column, from 200 ms before the link goes."""
        begin, columns = down - 200e6, 1400 // BIN
        counts = [0] * columns
        for at in flow.got.values():
            if 0 <= (at - begin) // (BIN * 1e6) < columns:
                counts[int((at - begin) // (BIN * 1e6))] += 1
        upper, lower = bars(counts, 4 * PPS * BIN / 1000)
        marks = [" "] * columns
        for at, mark in ((down, "v"), (up, "^")):
            marks[int((at - begin) // (BIN * 1e6))] = mark
        say(f"{name}: packets in each {BIN} ms, link down (v) and up (^)")
        say(upper, 6)
        say(lower, 6)
        say("".join(marks), 6)

    def judge(self, announced, name, flow):
        numbers = [n for n, _ in sorted(flow.got.items(), key=lambda x: x[1])]
        times = sorted(flow.got.values())
        gap = max((b - a for a, b in zip(times, times[1:])), default=0) / 1e6
        late = sum(b < a for a, b in zip(numbers, numbers[1:]))
        lost = len(flow.lost)
        if announced:
            self.check(not lost and not late and not flow.duplicates and flow.sent,
                       f"{name}, announced: {lost} of {len(flow.sent)} packets lost, {late} out of "
                       f"order, {flow.duplicates} doubled; longest gap {gap:.0f} ms")
            if lost:
                self.where_lost()
        else:
            self.check(flow.got and lost >= PPS * LONG_GAP * 0.9,
                       f"{name}, unannounced: {lost} of {len(flow.sent)} packets lost; longest gap "
                       f"{gap:.0f} ms")

    def where_lost(self):
        """Who says that it dropped packets of mn1: mag1's buffer, or a device on the way."""
        t = self.t
        for h in t.daemons["mag1"].ctl("handovers", t.mn1.mnid)[:1]:
            b = h["buffer"]
            say(f"mag1: {h['result']}, kept {b['kept']}, handed on {b['handed_on']}, dropped "
                f"{sum(b['dropped'].values())}")
        for ns in (t.mag1, t.radio, t.mn1):
            for link in ns.ip_json("-s", "link"):
                n = sum(link["stats64"][way]["dropped"] for way in ("rx", "tx"))
                if n:
                    say(f"{ns.name}: {link['ifname']} dropped {n}")

    def verdict(self):
        print()
        for ok, text in self.checks:
            mark = paint("32", "ok  ") if ok else paint("31", "FAIL")
            say(f"{mark}  {text}")
        print()
        bad = sum(not ok for ok, _ in self.checks)
        if bad:
            print(f"demo: {bad} of {len(self.checks)} checks failed")
        return bad == 0

    def hints(self):
        t = self.t
        d = t.daemons
        ctl = os.path.relpath(t.bindir / "pmipctl")
        print(bold("The domain keeps running. Try:"))
        print()
        for what, command in (
            ("bindings", f"{ctl} -s {d['lma'].socket} bindings"),
            ("live signalling", f"{ctl} -s {d['lma'].socket} monitor"),
            ("data plane", f"{ctl} -s {d['mag2'].socket} sessions"),
            ("ping", f"ip netns exec {t.mn1.full} ping {topology.CN}"),
            ("... over IPv4", f"ip netns exec {t.mn1.full} ping {topology.CN4}"),
            ("addresses, leases", f"{ctl} -s {d['mag2'].socket} nodes"),
            ("a shell on mn1", f"ip netns exec {t.mn1.full} bash"),
            ("move mn1 to ap1", f"ip -n {t.radio.full} link set mn1 down; "
                                f"ip -n {t.radio.full} link set mn1 master ap1 up"),
            ("... and to ap2", f"ip -n {t.radio.full} link set mn1 down; "
                               f"ip -n {t.radio.full} link set mn1 master ap2 up"),
            ("announce mn1 at ap2", f"{ctl} -s {d['mag1'].socket} handover {t.mn1.mnid} --to ap2"),
            ("sniff signalling", f"ip netns exec {t.lma.full} tshark -i net0 -f 'ip6 proto 135'"),
            ("the maps: first slot", "bpftool map lookup pinned /sys/fs/bpf/pmip/"
                                     f"{d['lma'].instance}/pm_session key 1 0 0 0"),
            ("daemon's log", f"tail -f {d['lma'].log_file}"),
            ("remove it all", "make demo-stop"),
        ):
            say(f"# {what}")
            print(f"   {command}")
        print()


def interrupt(*_):
    raise KeyboardInterrupt


def run(args):
    for s in ENDINGS:
        signal.signal(s, interrupt)
    demo = Demo(args.bin, bool(args.keep))
    ok = False
    try:
        ok = demo.run()
        if demo.keep and ok:
            demo.hints()
    except (Failed, TopoError, OSError, subprocess.SubprocessError) as e:
        print(f"\ndemo: {e}", file=sys.stderr)
        for d in demo.t.daemons.values():
            last = d.log().splitlines()[-8:]
            print(f"\nlast lines of {d.name}'s log:", *last, sep="\n   ", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ndemo: interrupted", file=sys.stderr)
    finally:
        for s in ENDINGS:  # what follows must come to its end
            signal.signal(s, signal.SIG_IGN)
        if demo.keep and ok:
            demo.t.release()
        else:
            demo.t.down()
    return 0 if ok else 1


def main():
    p = argparse.ArgumentParser(prog="demo.py", description="pmipd's demonstration")
    sub = p.add_subparsers(dest="command", required=True)
    r = sub.add_parser("run")
    r.add_argument("--keep", type=int, default=0, metavar="0|1", help="leave it running")
    r.add_argument("--bin", default=str(ROOT / "build" / "release"),
                   help="directory of pmipd and pmipctl")
    sub.add_parser("stop")
    args = p.parse_args()
    if os.geteuid() != 0:
        print("demo: network namespaces need root; run it with sudo", file=sys.stderr)
        return 1
    if args.command == "stop":
        print("demo: removed" if topology.remove(TAG) else "demo: nothing to remove")
        return 0
    return run(args)


if __name__ == "__main__":
    sys.exit(main())
