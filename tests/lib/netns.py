# SPDX-License-Identifier: GPL-2.0-or-later
"""Namespaces, processes in them, and links that move in microseconds."""

import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import struct
import subprocess
import time

CLONE_NEWNET = 0x40000000
# On an emulated machine everything takes longer: what is waited for may.
PATIENCE = float(os.environ.get("PMIP_PATIENCE", "1"))
_libc = ctypes.CDLL(None, use_errno=True)


class TopoError(RuntimeError):
    pass


class Timeout(TopoError):
    pass


def wait_until(cond, timeout, what, every=0.02):
    """Polls until `cond()` is true and returns its value; raises Timeout naming `what`."""
    timeout *= PATIENCE
    end = time.monotonic() + timeout
    while True:
        value = cond()
        if value:
            return value
        if time.monotonic() > end:
            raise Timeout(f"waited {timeout:g} s for {what}")
        time.sleep(every)


@contextlib.contextmanager
def entered(path):
    """The calling thread works in another network namespace. Sockets stay where they were made."""
    with open("/proc/thread-self/ns/net") as home, open(path) as there:
        if _libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {path}")
        try:
            yield
        finally:
            if _libc.setns(home.fileno(), CLONE_NEWNET) != 0:
                os.abort()  # nothing sane can follow in the wrong namespace


def start_time(pid):
    """When a process started, in clock ticks: with the pid it names a process for ever."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def end_process(p, sig=signal.SIGTERM, patience=3 * PATIENCE):
    """Ends a child of ours and reaps it."""
    if p.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            p.send_signal(signal.SIGCONT)
            p.send_signal(sig)
        try:
            p.wait(patience)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
    for f in (p.stdin, p.stdout, p.stderr):
        if f:
            f.close()


class Rtnl:
    """A netlink socket in a namespace; changes links in microseconds instead of a fork and exec."""

    RTM_NEWLINK, NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 16, 1, 4, 2
    IFF_UP, IFLA_MASTER = 1, 10

    def __init__(self, ns):
        self.sock = ns.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self.sock.bind((0, 0))
        self.seq = 0

    def close(self):
        self.sock.close()

    def set_link(self, ifindex, up=None, master=None):
        flags, change = (0, 0) if up is None else (self.IFF_UP if up else 0, self.IFF_UP)
        body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, ifindex, flags, change)
        if master is not None:
            body += struct.pack("=HHI", 8, self.IFLA_MASTER, master)
        self.seq += 1
        head = struct.pack("=IHHII", 16 + len(body), self.RTM_NEWLINK,
                           self.NLM_F_REQUEST | self.NLM_F_ACK, self.seq, 0)
        self.sock.send(head + body)
        answer = self.sock.recv(65536)
        kind, err = struct.unpack_from("=H", answer, 4)[0], struct.unpack_from("=i", answer, 16)[0]
        if kind != self.NLMSG_ERROR or err != 0:
            raise OSError(-err, os.strerror(-err), f"link {ifindex}")


class Namespace:
    def __init__(self, topo, name):
        self.topo, self.name = topo, name
        self.full = f"pm-{topo.tag}-{name}"
        self.path = f"/run/netns/{self.full}"

    def cmd(self, *argv):
        """The command line that runs argv in here: what a person would type."""
        return ["ip", "netns", "exec", self.full, *map(str, argv)]

    def run(self, *argv, check=True, timeout=30, **kw):
        r = subprocess.run(self.cmd(*argv), stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=timeout * PATIENCE, **kw)
        if check and r.returncode != 0:
            raise TopoError(f"{self.name}: {' '.join(map(str, argv))}: exit {r.returncode}\n"
                            f"{r.stdout}{r.stderr}")
        return r

    def popen(self, *argv, **kw):
        return self.topo.popen(self.cmd(*argv), **kw)

    def ip(self, *lines):
        """`ip -batch`; each line is one command."""
        r = subprocess.run(["ip", "-n", self.full, "-batch", "-"], input="\n".join(lines) + "\n",
                           capture_output=True, text=True, timeout=30 * PATIENCE)
        if r.returncode != 0:
            raise TopoError(f"{self.name}: ip: {r.stderr.strip()}")
        return r.stdout

    def ip_json(self, *argv):
        r = subprocess.run(["ip", "-n", self.full, "-json", *argv], capture_output=True, text=True,
                           timeout=30 * PATIENCE)
        if r.returncode != 0:
            raise TopoError(f"{self.name}: ip {' '.join(argv)}: {r.stderr.strip()}")
        return json.loads(r.stdout or "[]")

    def sysctl(self, **values):
        """Keys with '__' for '.': net__ipv6__conf__all__forwarding=1. Thread enters the namespace:
        /proc/sys/net is that of the reader."""
        with entered(self.path):
            for key, v in values.items():
                with open("/proc/sys/" + key.replace("__", "/"), "w") as f:
                    f.write(str(v))

    def socket(self, *args):
        with entered(self.path):
            return socket.socket(*args)

    def packet_socket(self, ifname, proto=0):
        """A raw socket on one interface; with proto 0 it only sends."""
        s = self.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(proto))
        with entered(self.path):
            s.bind((ifname, proto))
        return s

    def offloads(self, *ifnames):
        """Makes a veth end carry what a wire would: see the head of topo.py."""
        for i in ifnames:
            self.run("ethtool", "-K", i, "gro", "on", "tx", "off", "tso", "off", "gso", "off")

    def link_up(self, ifname):
        return any("LOWER_UP" in x["flags"] for x in self.ip_json("link", "show", "dev", ifname))

    def ping(self, dst, count=1, interval=0.2, wait=1, src=None, size=None):
        """How many of `count` pings were answered."""
        argv = ["ping", "-6" if ":" in dst else "-4", "-n", "-q", "-c", count, "-i", interval, "-W", wait]
        argv += ["-I", src] if src else []
        argv += ["-s", size, "-M", "do"] if size else []
        r = self.run(*argv, dst, check=False, timeout=count * interval + wait + 10)
        m = re.search(r"(\d+) received", r.stdout)
        return int(m.group(1)) if m else 0
