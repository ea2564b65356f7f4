# SPDX-License-Identifier: GPL-2.0-or-later
"""A Proxy Mobile IPv6 domain in network namespaces, for the demonstration and the tests.

    cn --- lma --- net --- mag1 --- ap1 )))  mn1, mn2
    cn2 --/            \\-- mag2 --- ap2 )))

`cn`, `lma`, `net`, `mag1`, ... and every mobile node are namespaces of their own, joined by veth.
Links other than access links have IPv6 and IPv4 addresses; `net` forwards both, the LMA and the MAGs
forward IPv4 only where their daemons see to it.
The access points are bridges in the namespace `radio`: a node hears all nodes of its access point,
and moving it means that its port leaves one bridge (the node loses carrier) and joins another.

Everything a topology makes carries its tag: namespaces are "pm-<tag>-<name>", files live in
/run/pmip-<tag>. Two topologies with different tags never meet; making one removes what a crashed
run with the same tag left. Only processes that a topology started are ended, by their pid.

Facts of veth that this file deals with:
  - a frame that XDP redirects into a veth is lost unless its other end runs XDP or GRO;
  - senders, and forwarders that merged packets (GRO), leave segmentation and checksums to hardware
    that is not there; XDP loses the note that says so: transmit offloads are off on every end;
  - a carrier change is reported at once only if both ends have different interface indexes.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from capture import Capture
from netns import (Namespace, Rtnl, Timeout, TopoError, end_process, start_time, wait_until)
from pmipd import Daemon

CN = "2001:db8:c::2"
CN_GW = "2001:db8:c::1"
LMAA = "2001:db8:2::1"
POOL = "2001:db8:100::/44"
STATIC = "2001:db8:f00::/48"
REALM = "example.com"
ROUTER_LL = "fe80::200:5eff:fe00:5213"  # RFC 6543
ROUTER_MAC = "00:00:5e:00:52:13"
TUNNEL_MTU = 1460
CN4, CN4_GW = "203.0.113.2", "203.0.113.1"
LMAA4 = "198.18.2.1"


def mag_addr(n):
    """The Proxy-CoA of MAG number n."""
    return f"2001:db8:{10 + n}::1"


def mag_addr4(n):
    """The IPv4-Proxy-CoA of MAG number n."""
    return f"198.18.{10 + n}.1"


def cn_addr(n):
    """Of correspondent number n: IPv6 and IPv4."""
    return (CN, CN4) if n == 1 else (f"2001:db8:c{n}::2", f"203.0.{112 + n}.2")


def node_mac(n):
    return f"02:00:00:00:00:{n:02x}"


class Host(Namespace):
    """A mobile node: a plain Linux host that configures itself from Router Advertisements."""

    def __init__(self, topo, name, number):
        super().__init__(topo, name)
        self.number = number
        self.mac = node_mac(number)
        self.mnid = f"{name}@{REALM}"
        self.ifname = "eth0"
        self.port = name       # its port's name in `radio`
        self.ap = None

    def addresses(self, tentative=False):
        """Global addresses; those that still undergo DAD only if asked for."""
        out = []
        for link in self.ip_json("-6", "addr", "show", "dev", self.ifname, "scope", "global"):
            for a in link.get("addr_info", []):
                if "local" in a and (tentative or not a.get("tentative")):
                    out.append(a["local"])
        return out

    def wait_address(self, timeout=10):
        return wait_until(self.addresses, timeout, f"an address on {self.name}")[0]

    def default_route(self):
        return self.ip_json("-6", "route", "show", "default")


class Topo:
    """
    access: "shared"  one bridge per access point between the nodes and the MAG's acc0
            "bridge"  acc0 is itself a bridge in the MAG, nodes are its ports
            "p2p"     the node's link ends in the MAG, as acc0 (mn1), acc1 (mn2), ...
    cns:    correspondents: cn, cn2, ... behind the LMA's inet0, inet1, ...
    dual:   mn1 has two radios: ports r1 and r2 of its bridge mn0, never bridged to each other
    host_pins: the daemons see the host's mounts, so that their maps are found in the host's bpffs;
            else each has mounts of its own, as under `ip netns exec`, and its pins go with it
    """

    def __init__(self, tag, bindir, mags=2, nodes=2, access="shared", dual=False, keep=False,
                 host_pins=False, cns=1):
        assert re.fullmatch(r"[a-z0-9]{1,12}", tag)
        self.tag, self.bindir, self.keep = tag, Path(bindir).resolve(), keep
        self.n_mags, self.access, self.dual = mags, access, dual
        self.host_pins = host_pins
        self.cns = ["cn"] + [f"cn{i}" for i in range(2, cns + 1)]
        self.dir = Path(f"/run/pmip-{tag}")
        self.procs, self.daemons, self.captures = [], {}, []
        self._index = 100
        self._rtnl = {}
        self.ns = {}
        for name in [*self.cns, "lma", "net", "radio"] + [f"mag{i}" for i in range(1, mags + 1)]:
            self.ns[name] = Namespace(self, name)
        self.nodes = [Host(self, f"mn{i}", i) for i in range(1, nodes + 1)]
        for n in self.nodes:
            self.ns[n.name] = n
        self.ifindex = {}  # (namespace, interface) -> index

    def __getattr__(self, name):
        try:
            return self.__dict__["ns"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *exc):
        self.down()

    # -- life

    def up(self):
        if os.geteuid() != 0:
            raise TopoError("making network namespaces needs root")
        if (owner := owner_of(self.tag)) not in (None, os.getpid()):
            raise TopoError(f"a run with the same name is going on (process {owner})")
        remove(self.tag)
        self.dir.mkdir(mode=0o700)
        owner = self.dir / "owner.new"  # complete when others see it: without owner it is theirs
        owner.write_text(f"{os.getpid()} {start_time(os.getpid())}\n")
        owner.rename(self.dir / "owner")
        for n in self.ns.values():
            subprocess.run(["ip", "netns", "add", n.full], check=True, timeout=30)
            n.ip("link set lo up")
        self.radio.sysctl(net__ipv6__conf__default__disable_ipv6=1)  # bridges, nothing else
        self._infrastructure()
        for i in range(1, self.n_mags + 1):
            self._access_point(i)
        for n in self.nodes:
            self._node(n)
        wait_until(self._carries, 10, "the infrastructure to carry packets")

    def down(self):
        for r in self._rtnl.values():
            r.close()
        self._rtnl = {}
        for d in list(self.daemons.values()):
            d.close()
        for c in self.captures:
            c.stop()
        for p in reversed(self.procs):
            end_process(p)
        self.procs = []
        remove(self.tag)

    def release(self):
        """Lets go of a kept topology: what is not needed to run it ends, the rest stays."""
        for c in self.captures:
            c.stop()
        for d in self.daemons.values():
            for m in d.monitors:
                m.stop()
        for r in self._rtnl.values():
            r.close()

    def popen(self, argv, **kw):
        """Starts a process that goes when the topology goes, or when this program dies (unless
        the topology is to be kept). Its pid is remembered for whoever removes the topology."""
        kw.setdefault("stdin", subprocess.DEVNULL)
        if self.keep:
            kw["start_new_session"] = True
        else:
            argv = ["setpriv", "--pdeathsig", "TERM", *argv]
        p = subprocess.Popen([str(a) for a in argv], **kw)
        self.procs.append(p)
        with open(self.dir / "pids", "a") as f:
            f.write(f"{p.pid} {start_time(p.pid)}\n")
        return p

    # -- parts

    def veth(self, a, a_if, b, b_if, mac=None):
        """Joins two namespaces. Indexes are unique in the topology: see the head of the file."""
        ia, ib = self._index + 1, self._index + 2
        self._index += 2
        mac = f"address {mac}" if mac else ""
        self.ns[a].ip(f"link add name {a_if} index {ia} {mac} type veth peer name {b_if} "
                      f"index {ib} netns {self.ns[b].full}")
        self.ifindex[a, a_if], self.ifindex[b, b_if] = ia, ib

    def bridge(self, ns, name, mac=None):
        self._index += 1
        mac = f"address {mac}" if mac else ""
        self.ns[ns].ip(f"link add name {name} index {self._index} {mac} type bridge stp_state 0 "
                       "mcast_snooping 0 forward_delay 0")
        self.ifindex[ns, name] = self._index

    def _carries(self):
        return self.cn.ping(CN_GW) and all(
            self.ns[f"mag{i}"].ping(a) for i in range(1, self.n_mags + 1) for a in (LMAA, LMAA4))

    def _infrastructure(self):
        router = {"net__ipv6__conf__default__accept_dad": 0,
                  "net__ipv6__conf__all__accept_dad": 0,
                  "net__ipv6__conf__default__accept_ra": 0,
                  "net__ipv6__conf__all__forwarding": 1}
        for name in ["lma", "net"] + [f"mag{i}" for i in range(1, self.n_mags + 1)]:
            self.ns[name].sysctl(**router)
        self.net.sysctl(net__ipv4__ip_forward=1)
        for i, cn in enumerate(self.cns):
            self._correspondent(cn, i + 1)
        self.veth("lma", "net0", "net", "lma0")
        for i in range(1, self.n_mags + 1):
            self.veth(f"mag{i}", "net0", "net", f"mag{i}")
        self.lma.offloads("net0")
        self.net.offloads("lma0", *[f"mag{i}" for i in range(1, self.n_mags + 1)])
        self.lma.ip(f"addr add {LMAA}/64 dev net0 nodad", f"addr add {LMAA4}/24 dev net0",
                    "link set net0 up", "route add default via 2001:db8:2::fe",
                    "route add 198.18.0.0/15 via 198.18.2.254")
        self.net.ip("addr add 2001:db8:2::fe/64 dev lma0 nodad",
                    "addr add 198.18.2.254/24 dev lma0", "link set lma0 up",
                    *[x for i in range(1, self.n_mags + 1) for x in (
                        f"addr add 2001:db8:{10 + i}::fe/64 dev mag{i} nodad",
                        f"addr add 198.18.{10 + i}.254/24 dev mag{i}",
                        f"link set mag{i} up")])
        for i in range(1, self.n_mags + 1):
            m = self.ns[f"mag{i}"]
            m.offloads("net0")
            m.ip(f"addr add {mag_addr(i)}/64 dev net0 nodad",
                 f"addr add {mag_addr4(i)}/24 dev net0", "link set net0 up",
                 f"route add default via 2001:db8:{10 + i}::fe",
                 f"route add default via 198.18.{10 + i}.254")

    def _correspondent(self, cn, n):
        six, four = cn_addr(n)
        gw6, gw4, lma_if = six[:-1] + "1", four[:-1] + "1", f"inet{n - 1}"
        host = self.ns[cn]
        host.sysctl(net__ipv6__conf__default__accept_dad=0, net__ipv6__conf__all__accept_dad=0,
                    net__ipv6__conf__default__accept_ra=0)
        self.veth(cn, "eth0", "lma", lma_if)
        host.offloads("eth0")
        self.lma.offloads(lma_if)
        host.ip(f"addr add {six}/64 dev eth0 nodad", f"addr add {four}/24 dev eth0",
                "link set eth0 up", f"route add default via {gw6}", f"route add default via {gw4}")
        self.lma.ip(f"addr add {gw6}/64 dev {lma_if} nodad", f"addr add {gw4}/24 dev {lma_if}",
                    f"link set {lma_if} up")

    def _access_point(self, i):
        mag, ap = f"mag{i}", f"ap{i}"
        # Access interfaces are as an operator finds them: the kernel's DAD is on.
        self.ns[mag].sysctl(net__ipv6__conf__default__accept_dad=1)
        if self.access == "shared":
            self.veth(mag, "acc0", "radio", f"{ap}-up")
            self.bridge("radio", ap)
            self.ns[mag].offloads("acc0")
            self.radio.offloads(f"{ap}-up")
            self.ns[mag].ip("link set acc0 up")
            self.radio.ip(f"link set {ap}-up master {ap}", f"link set {ap}-up up",
                          f"link set {ap} up")
        elif self.access == "bridge":
            self.bridge(mag, "acc0")
            self.ns[mag].ip("link set acc0 up")

    def _node(self, n):
        if self.dual and n.number == 1:
            n.ifname = "mn0"
            self.bridge(n.name, "mn0", n.mac)
            for r in ("r1", "r2"):
                self.veth(n.name, r, "radio", f"{n.name}-{r}")
                n.offloads(r)
                self.radio.offloads(f"{n.name}-{r}")
                n.sysctl(**{f"net__ipv6__conf__{r}__disable_ipv6": 1})
                n.ip(f"link set {r} master mn0", f"link set {r} type bridge_slave isolated on",
                     f"link set {r} up")
        elif self.access == "shared":
            self.veth(n.name, "eth0", "radio", n.port, n.mac)
            n.offloads("eth0")
            self.radio.offloads(n.port)
        else:
            return  # the link is made where the node attaches
        self._node_up(n)

    def _node_up(self, n):
        if_ = n.ifname
        n.sysctl(**{f"net__ipv6__conf__{if_}__accept_ra": 1,
                    f"net__ipv6__conf__{if_}__router_solicitation_delay": 0})
        n.ip(f"link set {if_} addrgenmode eui64", f"link set {if_} up")

    # -- moving

    def rtnl(self, ns):
        if ns not in self._rtnl:
            self._rtnl[ns] = Rtnl(self.ns[ns])
        return self._rtnl[ns]

    def attach(self, node, ap, radio=None):
        """Brings the node (or one radio of a dual-radio node) onto access point number `ap`.
        Returns the CLOCK_MONOTONIC time in ns at which its link came up."""
        if self.access == "shared":
            port = f"{node.name}-{radio}" if radio else node.port
            rt, index = self.rtnl("radio"), self.ifindex["radio", port]
            rt.set_link(index, master=self.ifindex["radio", f"ap{ap}"])
            rt.set_link(index, up=True)
        else:
            self._attach_direct(node, f"mag{ap}")
        node.ap = ap
        return time.monotonic_ns()

    def _attach_direct(self, node, mag):
        """Access "bridge" and "p2p": the far end of the node's link lives in the MAG."""
        far = node.port if self.access == "bridge" else f"acc{node.number - 1}"
        fresh = (node.name, "eth0") not in self.ifindex
        if fresh:
            self.veth(node.name, "eth0", mag, far, node.mac)
            node.offloads("eth0")
            node.home = mag
        elif node.home != mag:
            self.ns[node.home].ip(f"link set {far} netns {self.ns[mag].full}")
            self.ifindex[mag, far] = self.ifindex.pop((node.home, far))
            node.home = mag
        self.ns[mag].offloads(far)
        rt = self.rtnl(mag)
        if self.access == "bridge":
            rt.set_link(self.ifindex[mag, far], master=self.ifindex[mag, "acc0"])
            self.ns[mag].sysctl(**{f"net__ipv6__conf__{far}__disable_ipv6": 1})
        rt.set_link(self.ifindex[mag, far], up=True)
        if fresh:
            self._node_up(node)

    def detach(self, node, radio=None):
        """Takes the node's link away; it loses carrier. Returns the CLOCK_MONOTONIC time in ns just
        before: on a busy machine the kernel takes its time to say that it is done."""
        at = time.monotonic_ns()
        if self.access == "shared":
            port = f"{node.name}-{radio}" if radio else node.port
            rt, index = self.rtnl("radio"), self.ifindex["radio", port]
            rt.set_link(index, up=False)
            rt.set_link(index, master=0)
        else:
            far = node.port if self.access == "bridge" else f"acc{node.number - 1}"
            self.rtnl(node.home).set_link(self.ifindex[node.home, far], up=False)
        if not radio:
            node.ap = None
        return at

    def move(self, node, ap, gap=0.0):
        """Break before make. Returns the times in ns of link down and link up."""
        down = self.detach(node)
        if gap:
            time.sleep(gap)
        return down, self.attach(node, ap)

    # -- daemons

    def lma_config(self, **over):
        conf = {
            "instance": f"{self.tag}-lma",
            "leave-forwarding": False,  # what a test leaves would outlive it
            "state-directory": str(self.dir / "state-lma"),
            "log-level": "debug",
            "control-socket": str(self.dir / "lma.sock"),
            "transport": [{"name": "net0"}] + [{"name": f"inet{i}"}
                                               for i in range(len(self.cns))],
            "domain": {"realm": REALM},
            "lma": {
                "addresses": [LMAA],
                "pools": [{"name": "default", "prefix": POOL}],
                "static-prefixes": [STATIC],
                "mags": [{"name": f"mag{i}", "address": mag_addr(i)}
                         for i in range(1, self.n_mags + 1)],
            },
            "profiles": self._profiles(),
            "fallback-profiles": [{"match": f"@{REALM}", "pool": "default"}],
        }
        return merge(conf, over)

    def mag_config(self, i, **over):
        mag = f"mag{i}"
        access = [{"name": "acc0", "type": "shared"}]
        if self.access == "p2p":
            access = [{"name": f"acc{n.number - 1}", "type": "point-to-point"} for n in self.nodes]
        for a in access:
            a["access-technology-type"] = "ieee-802.11"
        conf = {
            "instance": f"{self.tag}-{mag}",
            "leave-forwarding": False,
            "state-directory": str(self.dir / f"state-{mag}"),
            "log-level": "debug",
            "control-socket": str(self.dir / f"{mag}.sock"),
            "transport": [{"name": "net0"}],
            "domain": {"realm": REALM},
            "mag": {
                "proxy-coa": mag_addr(i),
                "lmas": [{"name": "lma", "address": LMAA}],
                "tunnel-mtu": TUNNEL_MTU,
                "access": access,
            },
            "profiles": self._profiles(),
            "fallback-profiles": [{"match": f"@{REALM}", "pool": "default"}],
        }
        return merge(conf, over)

    def _profiles(self):
        return [{"mn-id": n.mnid, "link-layer-addresses": [n.mac]} for n in self.nodes]

    def start(self, name, conf=None, wait=True, **kw):
        """Starts pmipd in the namespace of that name; replaces the one that ran there."""
        if name in self.daemons:
            self.daemons.pop(name).close()
        if conf is None:
            conf = self.lma_config() if name == "lma" else self.mag_config(int(name[3:]))
        d = Daemon(self, name, conf, **kw)
        self.daemons[name] = d
        d.start()
        if wait:
            d.wait_ready()
        return d

    def start_all(self):
        """All daemons at once; returns when each answers."""
        names = ["lma"] + [f"mag{i}" for i in range(1, self.n_mags + 1)]
        for n in names:
            self.start(n, wait=False)
        for n in names:
            self.daemons[n].wait_ready()

    def capture(self, ns, ifname, what="", **kw):
        c = Capture(self, ns, ifname, what, **kw)
        self.captures.append(c)
        return c


def merge(base, over):
    """A deep update: dicts merge, None removes a key, everything else replaces."""
    out = dict(base)
    for k, v in over.items():
        k = k.replace("_", "-")
        if v is None:
            out.pop(k, None)
        elif isinstance(v, dict) and isinstance(out.get(k), dict):
            out[k] = merge(out[k], v)
        else:
            out[k] = v
    return out


def remove(tag):
    """Removes what a topology with that tag left behind. Says whether there was anything."""
    found = False
    state = Path(f"/run/pmip-{tag}")
    pids = []
    if (state / "pids").exists():
        for line in (state / "pids").read_text().splitlines():
            pid, started = line.split()
            if started != "None" and start_time(pid) == started:
                pids.append((int(pid), started))
    for sig, patience in ((signal.SIGTERM, 3), (signal.SIGKILL, 3)):
        alive = [(p, s) for p, s in pids if start_time(p) == s]
        for p, _ in alive:
            found = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(p, signal.SIGCONT)
                os.kill(p, sig)
        with contextlib.suppress(Timeout):
            wait_until(lambda: not any(_runs(p, s) for p, s in alive), patience, "processes to end")
    prefix = f"pm-{tag}-"
    for entry in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        if entry.startswith(prefix):
            found = True
            subprocess.run(["ip", "netns", "del", entry], check=False, capture_output=True)
    for pins in Path("/sys/fs/bpf/pmip").glob(f"{tag}-*"):  # of a daemon that was killed
        found = True
        shutil.rmtree(pins, ignore_errors=True)
    if state.exists():
        found = True
        shutil.rmtree(state, ignore_errors=True)
    return found


def _runs(pid, started):
    """A zombie does not run: its parent has not asked for it yet."""
    if start_time(pid) != started:
        return False
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def owner_of(tag):
    """The process that made the topology with that tag, if it lives."""
    with contextlib.suppress(OSError, ValueError):
        pid, started = Path(f"/run/pmip-{tag}/owner").read_text().split()
        if start_time(pid) == started:
            return int(pid)
    return None


def remove_orphans(prefix):
    """Removes the topologies of that tag prefix whose owner is gone without having cleaned up."""
    for d in Path("/run").glob(f"pmip-{prefix}*"):
        tag = d.name.removeprefix("pmip-")
        if (d / "owner").exists() and owner_of(tag) is None:
            remove(tag)
