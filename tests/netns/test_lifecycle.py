# SPDX-License-Identifier: GPL-2.0-or-later
"""Start, stop, reload, and surroundings that are not as they should be."""

import os
import re
import signal
import subprocess
import time

import pytest

from ask import binding, settled, update_entry, wait_gone
from netns import wait_until
from pmipd import yaml_dump
from topo import CN, LMAA, merge


def one_line(text, *words):
    """The output is a single line of pmipd's that has all these words."""
    lines = [x for x in text.splitlines() if x.startswith("pmipd: ")]
    assert len(lines) == 1, f"one line was wanted:\n{text}"
    for w in words:
        assert re.search(w, lines[0], re.I), f"{w!r} is missing in: {lines[0]}"
    return lines[0]


# ---- interfaces come and go -------------------------------------------------------------------


def test_daemons_before_their_interfaces(fresh):
    t = fresh(nodes=1)
    t.mag1.ip("link set acc0 down", "link set acc0 name later0")
    t.lma.ip("link set inet0 down", "link set inet0 name later0")
    t.start_all()
    assert {r["ifname"]: r["state"] for r in t.daemons["mag1"].ctl("interfaces")} == \
        {"net0": "up", "acc0": "absent"}
    t.attach(t.mn1, 1)
    t.mag1.ip("link set later0 name acc0", "link set acc0 up")
    t.lma.ip("link set later0 name inet0", "link set inet0 up",
             "addr add 2001:db8:c::1/64 dev inet0 nodad")
    settled(t, t.mn1, 1)
    wait_until(lambda: t.mn1.ping(CN), 5, "packets through interfaces that came late")
    rows = {r["ifname"]: r for r in t.daemons["mag1"].ctl("interfaces")}
    assert rows["acc0"]["state"] == "up" and "xdp" in rows["acc0"]["hook"]


def test_interface_vanishes_and_comes_back(fresh):
    """The access interface is deleted with a node on it, and made anew under another index."""
    t = fresh(nodes=1)
    t.start_all()
    t.attach(t.mn1, 1)
    addr = settled(t, t.mn1, 1)
    t.mag1.ip("link del acc0")
    wait_gone(t, t.mn1, 1)
    wait_until(lambda: {r["ifname"]: r["state"] for r in t.daemons["mag1"].ctl("interfaces")}[
        "acc0"] == "absent", 3, "the daemon to notice")
    t.veth("mag1", "acc0", "radio", "ap1-up")
    t.mag1.offloads("acc0")
    t.radio.offloads("ap1-up")
    t.radio.ip("link set ap1-up master ap1", "link set ap1-up up")
    t.mag1.ip("link set acc0 up")
    t.move(t.mn1, 1)
    assert settled(t, t.mn1, 1) == addr
    wait_until(lambda: t.mn1.ping(CN), 5, "packets through the new interface")


def test_transport_loses_its_carrier_for_a_while(fresh):
    t = fresh(nodes=1)
    t.start_all()
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    t.net.ip("link set mag1 down")
    time.sleep(0.5)
    assert t.mn1.ping(CN, 1) == 0
    t.net.ip("link set mag1 up")
    t.net.ip("addr replace 2001:db8:11::fe/64 dev mag1 nodad")
    wait_until(lambda: t.mn1.ping(CN), 10, "packets after the carrier came back")


def test_daemon_stops_and_leaves_nothing(fresh):
    t = fresh(nodes=1)
    def links(name):
        return [(x["ifname"], x["address"]) for x in t.ns[name].ip_json("link")]
    before = {n: links(n) for n in ("lma", "mag1")}
    t.start_all()
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    for name, ifaces in (("lma", ("net0", "inet0")), ("mag1", ("net0", "acc0"))):
        ns = t.ns[name]
        assert "bpf" in ns.run("tc", "filter", "show", "dev", ifaces[0], "ingress").stdout
        assert all("xdp" in ns.ip_json("link", "show", "dev", i)[0] for i in ifaces)
        assert t.daemons[name].stop(signal.SIGTERM) == 0
        for i in ifaces:
            assert "xdp" not in ns.ip_json("link", "show", "dev", i)[0]
            for side in ("ingress", "egress"):
                r = ns.run("tc", "filter", "show", "dev", i, side, check=False)
                assert r.stdout.strip() == ""
        assert not os.path.exists(t.daemons[name].socket)
        assert links(name) == before[name]
        assert not [r for r in ns.ip_json("-6", "route", "show", "table", "all")
                    if r.get("protocol") in ("213", 213)]
    assert "Sanitizer" not in t.daemons["lma"].log()


def test_restarted_daemons_serve_again(fresh):
    t = fresh(nodes=1)
    t.start_all()
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    t.start("mag1")
    t.move(t.mn1, 1)
    settled(t, t.mn1, 1)
    assert t.mn1.ping(CN, 3, 0.1) == 3
    t.daemons["mag1"].proc.kill()
    t.daemons["mag1"].proc.wait()
    t.start("mag1")
    t.move(t.mn1, 1)
    settled(t, t.mn1, 1)
    wait_until(lambda: t.mn1.ping(CN), 5, "packets after a crash of the MAG")


def test_second_daemon_of_the_same_instance_is_refused(fresh):
    t = fresh(nodes=1)
    t.start("lma")
    d = t.daemons["lma"]
    # into the running daemon's mount namespace: that is where its pins are
    r = subprocess.run(["nsenter", "-t", str(d.proc.pid), "-m", "-n", str(t.bindir / "pmipd"),
                        "-c", str(d.conf_file)], capture_output=True, text=True, timeout=20)
    assert r.returncode != 0
    one_line(r.stderr)
    assert d.ctl("status")


# ---- refresh and expiry -----------------------------------------------------------------------


def test_refresh_before_expiry(fresh):
    """Lifetime 4 s: the node is there for 10 s, so the MAG must have extended it."""
    t = fresh(nodes=1)
    t.start("lma")
    t.start("mag1", t.mag_config(1, mag={"lifetime": 4}))
    t.attach(t.mn1, 1)
    addr = settled(t, t.mn1, 1)
    b = binding(t, t.mn1)
    assert b["remaining"] <= 4
    until = time.monotonic() + 10
    while time.monotonic() < until:
        assert t.mn1.ping(CN, 1) == 1
        assert binding(t, t.mn1)["prefixes"] == b["prefixes"]
        time.sleep(0.3)
    assert t.mn1.wait_address() == addr


def test_binding_expires_when_the_mag_is_gone(fresh):
    t = fresh(nodes=1)
    t.start("lma")
    t.start("mag1", t.mag_config(1, mag={"lifetime": 4}))
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    t.daemons["mag1"].proc.kill()
    t.daemons["mag1"].proc.wait()
    wait_until(lambda: binding(t, t.mn1) is None, 8, "the binding to expire")
    assert t.daemons["lma"].ctl("sessions") == []


def test_lma_appears_late(fresh):
    """The MAG retransmits until somebody answers."""
    t = fresh(nodes=1)
    t.start("mag1")
    t.attach(t.mn1, 1)
    wait_until(lambda: update_entry(t, t.mn1, 1), 5, "the MAG to ask")
    time.sleep(1)
    t.start("lma")
    settled(t, t.mn1, 1)
    assert t.mn1.ping(CN, 3, 0.1) == 3


# ---- configuration ----------------------------------------------------------------------------

GOOD = """\
instance: one
control-socket: /tmp/one.sock
transport:
  - name: eth0
domain:
  realm: example.com
lma:
  addresses: [2001:db8:2::1]
  pools:
    - {name: default, prefix: 2001:db8:100::/44}
  mags:
    - {name: mag1, address: 2001:db8:11::1}
"""

BROKEN = [
    # what is put in place of what, the line, words of the message
    ("max-number", "lma:\n", "lma:\n  max-bindingz: 7\n", 8, ["max-bindingz"]),
    ("address", "addresses: [2001:db8:2::1]", "addresses: [2001:db8:2::zz]", 8, ["addresses"]),
    ("ipv4", "address: 2001:db8:11::1", "address: 192.0.2.1", 12, ["address"]),
    ("prefix", "2001:db8:100::/44", "2001:db8:100::/144", 10, ["prefix"]),
    ("bool", "domain:\n", "domain:\n  timestamp-based-approach-in-use: maybe\n", 6,
     ["timestamp-based-approach-in-use", "true"]),
    ("range", "lma:\n", "lma:\n  max-lifetime: 99999999\n", 8, ["max-lifetime"]),
    ("syntax", "transport:\n  - name: eth0", "transport: [\n  - name: eth0", None, []),
    ("hook", "  - name: eth0\n", "  - name: eth0\n    hook: turbo\n", 5, ["hook", "xdp", "tc"]),
    ("twice", "instance: one\n", "instance: one\ninstance: two\n", 2, ["instance"]),
    ("missing", "  addresses: [2001:db8:2::1]\n", "", None, ["addresses"]),
]


@pytest.mark.parametrize("old,new,line,words", [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_check_names_file_line_and_key(bindir, tmp_path, old, new, line, words):
    assert old in GOOD
    f = tmp_path / "broken.yaml"
    f.write_text(GOOD.replace(old, new, 1))
    r = subprocess.run([bindir / "pmipd", "-c", f, "--check"], capture_output=True, text=True,
                       timeout=10)
    assert r.returncode == 1
    said = one_line(r.stderr, re.escape(str(f)), *words)
    if line:
        assert f"{f}:{line}:" in said


def test_check_accepts_what_the_topology_uses(fresh, bindir, tmp_path):
    t = fresh(nodes=2)
    for name, conf in (("lma", t.lma_config()), ("mag", t.mag_config(1)), ("good", None)):
        f = tmp_path / f"{name}.yaml"
        f.write_text(yaml_dump(conf) if conf else GOOD)
        r = subprocess.run([bindir / "pmipd", "-c", f, "--check"], capture_output=True, text=True,
                           timeout=10)
        assert r.returncode == 0, r.stderr
    r = subprocess.run([bindir / "pmipd", "-c", tmp_path / "absent.yaml"], capture_output=True,
                       text=True, timeout=10)
    assert r.returncode == 1
    one_line(r.stderr, "absent.yaml", "no such file")


def test_reload(fresh):
    """SIGHUP: a change that can be made live is made; one that cannot is refused as a whole."""
    t = fresh(nodes=2)
    t.start_all()
    lma = t.daemons["lma"]
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    was = binding(t, t.mn1)

    # mag2 is taken away: its registrations are refused now
    conf = t.lma_config()
    conf["lma"]["mags"] = conf["lma"]["mags"][:1]
    lma.write(conf)
    lma.send_signal(signal.SIGHUP)
    wait_until(lambda: {p["name"] for p in lma.ctl("peers") if p["kind"] == "mag"} == {"mag1"}, 3,
               "mag2 to be unknown")
    t.attach(t.mn2, 2)
    time.sleep(2)
    assert binding(t, t.mn2) is None

    # and comes back, by pmipctl this time
    lma.write(t.lma_config())
    assert lma.pmipctl("reload").returncode == 0
    t.move(t.mn2, 2)
    settled(t, t.mn2, 2)

    # what cannot change is refused with a reason, and nothing changes
    bad = merge(t.lma_config(), {"instance": "another", "lma": {"max-lifetime": 100}})
    lma.write(bad)
    r = lma.pmipctl("reload")
    assert r.returncode != 0
    assert "instance" in r.stdout + r.stderr
    # so is a file that is broken
    lma.conf_file.write_text(yaml_dump(t.lma_config()) + "nonsense: 1\n")
    r = lma.pmipctl("reload")
    assert r.returncode != 0 and "nonsense" in r.stdout + r.stderr
    lma.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert lma.alive()
    now = binding(t, t.mn1)
    assert now["prefixes"] == was["prefixes"] and now["proxy_coa"] == was["proxy_coa"]
    assert t.mn1.ping(CN, 3, 0.1) == 3


def test_log_level_changes_live(fresh):
    t = fresh(nodes=1)
    d = t.start("lma")
    assert d.pmipctl("log-level", "auth").returncode == 0
    assert "auth" in d.pmipctl("--json", "log-level").stdout
    assert d.pmipctl("log-level", "loud").returncode != 0


# ---- surroundings -----------------------------------------------------------------------------


def run_once(t, name, *wrapper, conf=None):
    """pmipd that is expected to give up; its exit status and what it said."""
    f = t.dir / f"{name}-once.yaml"
    f.write_text(yaml_dump(conf or t.lma_config()))
    r = t.ns[name].run(*wrapper, t.bindir / "pmipd", "-c", f, check=False, timeout=20)
    return r.returncode, r.stdout + r.stderr


@pytest.fixture
def plain(request, bindir):
    from conftest import make_topo
    return make_topo(request, bindir, signalling=None, nodes=1)


def test_bpf_not_permitted(plain):
    """No CAP_BPF, CAP_SYS_ADMIN, CAP_PERFMON: one line that says what is missing."""
    code, said = run_once(plain, "lma", "setpriv", "--bounding-set=-bpf,-sys_admin,-perfmon",
                          "--inh-caps=-bpf,-sys_admin,-perfmon")
    assert code == 1
    one_line(said, "bpf")


def test_no_raw_socket(plain):
    code, said = run_once(plain, "lma", "setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw")
    assert code == 1
    one_line(said, "CAP_NET_RAW|root")


def test_bpffs_cannot_be_mounted(plain):
    """/sys/fs/bpf is not there and may not be made: say what to do."""
    conf = plain.lma_config(bpffs="/nonexistent/bpf")
    code, said = run_once(plain, "lma", conf=conf)
    assert code == 1
    one_line(said, "bpf", "mount|/nonexistent")


def test_bpffs_is_mounted_when_missing(plain):
    """`ip netns exec` gives a fresh /sys without bpffs: the daemon mounts it and pins there."""
    assert " /sys/fs/bpf " not in plain.lma.run("cat", "/proc/mounts").stdout
    d = plain.start("lma")
    r = subprocess.run(["nsenter", "-t", str(d.proc.pid), "-m", "ls",
                        f"/sys/fs/bpf/pmip/{d.instance}"], capture_output=True, text=True,
                       timeout=10)
    assert "pm_session" in r.stdout


def test_pinned_session_map_reads_like_a_table(fresh):
    t = fresh(nodes=1)
    t.start_all()
    t.attach(t.mn1, 1)
    settled(t, t.mn1, 1)
    d = t.daemons["lma"]
    r = subprocess.run(["nsenter", "-t", str(d.proc.pid), "-m", "-n", "bpftool", "map", "lookup",
                        "pinned", f"/sys/fs/bpf/pmip/{d.instance}/pm_session", "key", "hex",
                        "01", "00", "00", "00"], capture_output=True, text=True, timeout=60)
    for field in ("prefix", "tunnel", "generation", "down_packets"):
        assert f'"{field}"' in r.stdout, r.stdout + r.stderr


def test_unwritable_control_socket(plain):
    conf = plain.lma_config(control_socket="/proc/no/x.sock")
    code, said = run_once(plain, "lma", conf=conf)
    assert code == 1
    one_line(said, "/proc/no")


def test_address_that_is_not_there_yet(plain):
    """The LMAA may come later: the daemon starts and says so."""
    plain.lma.ip(f"addr del {LMAA}/64 dev net0")
    d = plain.start("lma")
    assert LMAA in d.log()
    plain.lma.ip(f"addr add {LMAA}/64 dev net0 nodad", "route replace default via 2001:db8:2::fe")
    plain.start("mag1")
    plain.attach(plain.mn1, 1)
    settled(plain, plain.mn1, 1)
    wait_until(lambda: plain.mn1.ping(CN), 5, "packets")
