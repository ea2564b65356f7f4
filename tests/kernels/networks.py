# SPDX-License-Identifier: GPL-2.0-or-later
"""
Domains on interfaces that not every kernel has:

    VrfTopo     all of an LMA's and of a MAG's interfaces are in a VRF
    DomainTopo  two operators behind one LMA, each with a VRF; their IPv4 addresses are the same
    VlanTopo    tunnels are in VLANs, the nodes and the correspondent are not
    TrunkTopo   tunnels and the correspondent are in two VLANs of one interface of the LMA

Outside of the VRFs there is a route to nowhere, so that whoever forgets the VRF is found out.
"""

import socket
import time

from ask import counter, drops
from netns import PATIENCE, wait_until
from topo import (CN, CN4, CN4_GW, CN_GW, LMAA, LMAA4, ROUTER_LL, Topo, mag_addr, mag_addr4,
                  merge)

SHARED4 = "100.64.9.9"  # a node of either domain has it
GW4 = "192.0.2.1"       # of nodes that have an IPv4 address
TUNNELS, INTERNET = 100, 200  # VLANs


def into_vrf(ns, vrf, table, *ifnames):
    """Moves interfaces, with their addresses and routes, into a VRF, which is made when needed."""
    addresses = [(a["local"], a["prefixlen"], i) for i in ifnames
                 for x in ns.ip_json("addr", "show", "dev", i)
                 for a in x["addr_info"] if a["scope"] == "global"]
    routes = [(r["dst"], r["gateway"]) for f in ("-4", "-6")
              for r in ns.ip_json(f, "route", "show") if r.get("dev") in ifnames and "gateway" in r]
    if not any(x["ifname"] == vrf for x in ns.ip_json("link", "show")):
        ns.ip(f"link add {vrf} type vrf table {table}", f"link set {vrf} up",
              # or rules go on to the tables of others
              *[f"route add unreachable {x}/0 metric 4278198272 vrf {vrf}" for x in ("0.0.0.0", "::")])
    ns.ip(*[f"link set {i} master {vrf}" for i in ifnames])
    ns.ip(*[f"addr replace {a}/{n} dev {i}" + (" nodad" if ":" in a else "")
            for a, n, i in addresses])
    ns.ip(*[f"route replace {dst} via {gw} vrf {vrf}" for dst, gw in routes])


def to_nowhere(ns):
    ns.ip(*[f"route add unreachable {x}/0 metric 1" for x in ("0.0.0.0", "::")])


class VrfTopo(Topo):
    def _infrastructure(self):
        super()._infrastructure()
        into_vrf(self.lma, "core", 10, "net0", *[f"inet{i}" for i in range(len(self.cns))])
        to_nowhere(self.lma)
        for i in range(1, self.n_mags + 1):
            into_vrf(self.ns[f"mag{i}"], "core", 10, "net0")
            to_nowhere(self.ns[f"mag{i}"])

    def _carries(self):
        return self.cn.ping(CN_GW) and all(
            self.ns[f"mag{i}"].ping(a, src="core") for i in range(1, self.n_mags + 1)
            for a in (LMAA, LMAA4))


class DomainTopo(Topo):
    """mn1 and cn are of the first operator, mn2 and cn2 of the second one."""

    def _infrastructure(self):
        super()._infrastructure()
        into_vrf(self.lma, "core", 10, "net0")
        into_vrf(self.lma, "red", 11, "inet0")
        into_vrf(self.lma, "blue", 12, "inet1")
        to_nowhere(self.lma)
        self.cn2.ip(f"addr add {CN}/64 dev eth0 nodad", f"addr add {CN4}/24 dev eth0")
        self.lma.ip(f"addr add {CN_GW}/64 dev inet1 nodad", f"addr add {CN4_GW}/24 dev inet1")

    def _carries(self):
        return all(self.ns[c].ping(CN_GW) for c in self.cns) and all(
            self.ns[f"mag{i}"].ping(LMAA) for i in range(1, self.n_mags + 1))

    def _session(self, i, half):
        s = {"mn-id": f"s{i}@example.com", "prefixes": [f"2001:db8:e00:{i}::/64"],
             "ipv4-home-address": SHARED4, "ipv4-domain": i, "encapsulation": "gre-key"}
        key = self.keys.get((s["mn-id"], "access" if half == "anchor" else "anchor"))
        if half == "anchor":
            return {**s, "proxy-coa": mag_addr(i), **({"downlink-gre-key": key} if key else {})}
        return {**s, "lmaa": LMAA, "interface": "acc0", **({"uplink-gre-key": key} if key else {}),
                "link-layer-address": self.ns[f"mn{i}"].mac}

    def _configs(self, hook):
        plain = {"domain": {"realm": None}, "profiles": None, "fallback_profiles": None}
        yield "lma", merge(self.lma_config(
            transport=[{"name": "net0", "hook": hook},
                       *[{"name": f"inet{i}", "ipv4-domain": i + 1, "hook": hook} for i in (0, 1)]],
            lma={"mags": None, "static-sessions": [self._session(i, "anchor") for i in (1, 2)]},
        ), plain)
        for i in (1, 2):
            yield f"mag{i}", merge(self.mag_config(
                i, transport=[{"name": "net0", "hook": hook}],
                mag={"tunnel-mtu": None, "static-sessions": [self._session(i, "access")],
                     "access": [{"name": "acc0", "hook": hook, "ipv4-domain": i,
                                 "attach-on-rs": False, "attach-on-ns": False}]}), plain)

    def up_to_sessions(self, hook):
        self.keys = {}
        self.up()
        for name, conf in self._configs(hook):
            self.start(name, conf, wait=False)
        for d in self.daemons.values():
            d.wait_ready()
            for s in d.ctl("sessions"):
                self.keys[s["mn_id"], s["half"]] = s["gre_key"]
        for name, conf in self._configs(hook):
            self.daemons[name].write(conf)
            self.daemons[name].ctl("reload")
        for i in (1, 2):
            m, n = self.ns[f"mag{i}"], self.ns[f"mn{i}"]
            m.sysctl(net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__acc0__rp_filter=0)
            m.ip(f"addr add {GW4}/32 dev acc0")
            self.attach(n, i)
            n.sysctl(net__ipv6__conf__eth0__accept_ra=0, net__ipv6__conf__eth0__accept_dad=0)
            n.ip(f"addr add 2001:db8:e00:{i}::2/128 dev eth0 nodad",
                 f"addr add {SHARED4}/32 dev eth0",
                 f"route add default via {ROUTER_LL} dev eth0",
                 f"route add {GW4} dev eth0", f"route add default via {GW4} dev eth0")
        for n in self.nodes:
            wait_until(lambda n=n: n.ping(CN), 10, f"IPv6 from {n.name}")
            wait_until(lambda n=n: n.ping(CN4), 10, f"IPv4 from {n.name}")

    def to_their_own(self, hook):
        """One after the other to the same address: whoever remembers a route, or asks another
        table, sends to the wrong one."""
        before = {h: counter(self, "lma", "decap_route", h) for h in ("xdp", "tc")}
        for far, family in ((CN4, socket.AF_INET), (CN, socket.AF_INET6)):
            listen = {}
            for c in self.cns:
                listen[c] = self.ns[c].socket(family, socket.SOCK_DGRAM)
                listen[c].bind((far, 7000))
                listen[c].settimeout(2 * PATIENCE)
            send = [n.socket(family, socket.SOCK_DGRAM) for n in self.nodes]
            for n in range(40):
                send[n % 2].sendto(b"of %d" % (n % 2), (far, 7000))
                data, source = listen[self.cns[n % 2]].recvfrom(100)
                assert data == b"of %d" % (n % 2), f"packet {n}"
                listen[self.cns[n % 2]].sendto(b"back", source[:2])
                send[n % 2].settimeout(2 * PATIENCE)
                assert send[n % 2].recv(100) == b"back", f"answer {n}"
            for c in self.cns:
                listen[c].setblocking(False)
                try:
                    raise AssertionError(f"{c} got {listen[c].recv(100)} as well")
                except BlockingIOError:
                    pass
            for x in (*listen.values(), *send):
                x.close()
        more = {h: counter(self, "lma", "decap_route", h) - before[h] for h in before}
        assert more[hook] >= 60, more

    def no_other_way(self):
        """The VRF of the tunnels has a default route, the operator's has none."""
        before = drops(self, "lma")["no_route"]
        assert self.mn1.ping("198.18.2.254", 3, 0.2, 1) == 0
        assert self.mn1.ping("2001:db8:2::fe", 3, 0.2, 1) == 0
        assert drops(self, "lma")["no_route"] == before + 6

    def interface_gone(self):
        self.lma.ip("link set inet0 down", "link set inet0 name away0")
        wait_until(lambda: not self.mn1.ping(CN4), 10, "the domain to be shut")
        before = drops(self, "lma")["no_route"]
        assert self.mn1.ping(CN4, 3, 0.2, 1) == 0
        assert drops(self, "lma")["no_route"] == before + 3
        assert self.mn2.ping(CN4, 3, 0.2, 5) == 3, "the other operator"
        self.lma.ip("link set away0 name inet0", "link set inet0 up",
                    f"addr replace {CN_GW}/64 dev inet0 nodad")
        wait_until(lambda: self.mn1.ping(CN4), 10, "the domain to be open again")


def vlan(ns, parent, vid, take_addresses=True):
    """Puts a VLAN on an interface, which hands its addresses and routes over."""
    name = f"{parent}.{vid}"
    addresses = [(a["local"], a["prefixlen"]) for x in ns.ip_json("addr", "show", "dev", parent)
                 for a in x["addr_info"] if a["scope"] == "global"] if take_addresses else []
    routes = [(r["dst"], r["gateway"]) for f in ("-4", "-6")
              for r in ns.ip_json(f, "route", "show")
              if r.get("dev") == parent and "gateway" in r] if take_addresses else []
    # tags are in the frames, as on a wire
    ns.run("ethtool", "-K", parent, "txvlan", "off")
    ns.ip(f"link add link {parent} name {name} type vlan id {vid}", f"link set {name} up")
    for i in (parent, name):
        ns.sysctl(**{f"net__ipv4__conf__{i}__rp_filter": 0})
    ns.ip(*[f"addr del {a}/{n} dev {parent}" for a, n in addresses],
          *[f"addr replace {a}/{n} dev {name}" + (" nodad" if ":" in a else "")
            for a, n in addresses],
          *[f"route replace {dst} via {gw}" for dst, gw in routes])


class VlanTopo(Topo):
    def _infrastructure(self):
        super()._infrastructure()
        for name in ["lma"] + [f"mag{i}" for i in range(1, self.n_mags + 1)]:
            vlan(self.ns[name], "net0", TUNNELS)
            vlan(self.net, "lma0" if name == "lma" else name, TUNNELS)

    def _on_vlan(self, conf):
        """The interface below takes part as well, so that it is known to take XDP frames."""
        return merge(conf, {"transport": [{"name": f"net0.{TUNNELS}", "hook": "tc"},
                                          *conf["transport"]]})

    def lma_config(self, **over):
        return self._on_vlan(super().lma_config(**over))

    def mag_config(self, i, **over):
        return self._on_vlan(super().mag_config(i, **over))

    def xdp_wrote_tags(self):
        for name, there in (("lma", "encap"), ("mag1", "encap")):
            assert counter(self, name, there, "xdp") > 100, name
            assert counter(self, name, there, "tc") < counter(self, name, there, "xdp") / 10, name


class TrunkTopo(VlanTopo):
    def _correspondent(self, cn, n):
        """Behind `net`, where its link is bridged into a VLAN."""
        host = self.ns[cn]
        self.veth(cn, "eth0", "net", cn)
        host.offloads("eth0")
        self.net.offloads(cn)
        host.sysctl(net__ipv6__conf__all__accept_dad=0, net__ipv6__conf__default__accept_dad=0)
        host.ip(f"addr add {CN}/64 dev eth0 nodad", f"addr add {CN4}/24 dev eth0",
                "link set eth0 up", f"route add default via {CN_GW}",
                f"route add default via {CN4_GW}")

    def _infrastructure(self):
        super()._infrastructure()
        vlan(self.lma, "net0", INTERNET, False)
        vlan(self.net, "lma0", INTERNET, False)
        self.bridge("net", "bridge")
        self.net.ip(f"link set lma0.{INTERNET} master bridge", "link set cn master bridge",
                    "link set cn up", "link set bridge up")
        self.lma.ip(f"addr add {CN_GW}/64 dev net0.{INTERNET} nodad",
                    f"addr add {CN4_GW}/24 dev net0.{INTERNET}")

    def _on_vlan(self, conf):
        names = [f"net0.{TUNNELS}"] + ([f"net0.{INTERNET}"] if "lma" in conf else [])
        return merge(conf, {"transport": [{"name": n} for n in names]})

    def tagged(self):
        """Nothing of it goes without a tag, or with the other one."""
        cap = self.capture("net", "lma0")
        time.sleep(0.5)
        assert self.mn1.ping(CN, 5, 0.2, 5) == 5
        time.sleep(0.5)
        cap.stop()
        seen = set()
        for _, frame in cap.frames():
            tag = int.from_bytes(frame[14:16], "big") & 0xfff if frame[12:14] == b"\x81\x00" else 0
            ip = frame[18:] if tag else frame[14:]
            if ip[0] >> 4 == 6 and ip[6] == 41:
                seen.add(("tunnel", tag))
            elif ip[0] >> 4 == 6 and ip[6] == 58 and ip[40] in (128, 129):
                seen.add(("internet", tag))
        assert seen == {("tunnel", TUNNELS), ("internet", INTERNET)}, seen
