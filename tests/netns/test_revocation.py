# SPDX-License-Identifier: GPL-2.0-or-later
"""LMA and MAGs revoke bindings (RFC 5846): by order, at handovers, without an answer, by strangers."""

import signal
import struct
import time

import mh
from ask import binding, counter, settled, update_entry, wait_registered
from capture import mobility_headers
from netns import wait_until
from topo import CN, LMAA, mag_addr

REVOCATION = 16
INDICATION, ACKNOWLEDGEMENT = 1, 2
P, V, G = 0x8000, 0x4000, 0x2000
STRANGER = "2001:db8:13::66"


def messages(t):
    """[(time, source, destination, BRI or BRA, trigger or status, sequence, flags, octets)] seen at
    the LMA."""
    return [(at, src, dst, b[6], b[7], *struct.unpack_from("!HH", b, 8), bytes(b))
            for at, src, dst, kind, b in mobility_headers(t.signalling.frames())
            if kind == REVOCATION]


def indications(t):
    return [m for m in messages(t) if m[3] == INDICATION]


def start(t, at=(1, 1), lma=None, **mag):
    t.start("lma", t.lma_config(lma=lma or {}))
    for i in range(1, t.n_mags + 1):
        t.start(f"mag{i}", t.mag_config(i, mag=mag))
    for n, i in zip(t.nodes, at):
        t.attach(n, i)
    return [settled(t, n, i) for n, i in zip(t.nodes, at)]


def message(kind, code, seq, flags, *options):
    return mh.message(REVOCATION, struct.pack("!BBHH", kind, code, seq, flags), options)


def test_operator_revokes_a_node(fresh):
    """R-10, R-12: told to its MAG, which ends its service; it comes back when it is let in."""
    t = fresh()
    start(t)
    n, other = t.nodes
    assert n.ping(CN)
    assert t.daemons["lma"].ctl("revoke", n.mnid) == {"mn_id": n.mnid, "bindings": 1}
    wait_until(lambda: not binding(t, n), 3, "the binding to go")
    wait_until(lambda: len(messages(t)) >= 2, 3, "both messages")
    bri, bra = messages(t)
    assert bri[1:5] == (LMAA, mag_addr(1), INDICATION, 1) and bri[6] == P
    assert bra[1:6] == (mag_addr(1), LMAA, ACKNOWLEDGEMENT, 0, bri[5]) and bra[6] == P
    assert n.mnid.encode() in bri[7]
    assert not n.ping(CN, 1, 0.2)
    wait_until(lambda: not n.default_route(), 5, "the final advertisement")
    assert other.ping(CN) and binding(t, other)["state"] == "ACTIVE"
    assert counter(t, "lma", "revoked") == 1
    assert counter(t, "lma", "acknowledged", "lma-revocation") == 1
    refused = t.daemons["lma"].pmipctl("revoke", n.mnid)
    assert refused.returncode == 1 and "no bindings to revoke" in refused.stderr
    t.daemons["mag1"].ctl("attach", "acc0", n.mac)
    settled(t, n, 1)
    wait_until(lambda: n.ping(CN), 5, "packets")


def test_operator_revokes_all_of_a_mag(fresh):
    """R-14: one message for all; nodes of other MAGs notice nothing."""
    t = fresh(nodes=3)
    start(t, (1, 1, 2))
    assert t.daemons["lma"].ctl("revoke", "--mag", "mag1") == {"mags": 1}
    wait_until(lambda: not binding(t, t.nodes[0]) and not binding(t, t.nodes[1]), 3,
               "the bindings to go")
    assert len(indications(t)) == 1
    assert indications(t)[0][4] == 128 and indications(t)[0][6] == P | G
    assert binding(t, t.nodes[2])["state"] == "ACTIVE"
    assert t.nodes[2].ping(CN)


def test_mag_revokes_all_of_its_own(fresh):
    """R-40, R-41, R-43: only where the LMA lets it."""
    t = fresh(nodes=3)
    conf = [{"name": "mag1", "address": mag_addr(1), "may-revoke": True, "identity": "m1@x.org"},
            {"name": "mag2", "address": mag_addr(2)}]
    t.start("lma", t.lma_config(lma={"mags": conf}))
    t.start("mag1", t.mag_config(1, mag={"identity": "m1@x.org"}))
    t.start("mag2", t.mag_config(2))
    for n, i in zip(t.nodes, (1, 1, 2)):
        t.attach(n, i)
    for n, i in zip(t.nodes, (1, 1, 2)):
        settled(t, n, i)
    assert t.daemons["mag2"].ctl("revoke", "--all") == {"lmas": 1}
    wait_until(lambda: len(messages(t)) >= 2, 3, "the refusal")
    assert messages(t)[1][3:5] == (ACKNOWLEDGEMENT, 130)
    again = t.daemons["mag2"].pmipctl("revoke", "--all")
    assert again.returncode == 1 and "does not let this MAG" in again.stderr
    assert t.nodes[2].ping(CN) and binding(t, t.nodes[2])
    assert t.daemons["mag1"].ctl("revoke", "--all") == {"lmas": 1}
    wait_until(lambda: not binding(t, t.nodes[0]) and not binding(t, t.nodes[1]), 3,
               "the bindings to go")
    assert counter(t, "lma", "withdrawn") == 2
    assert counter(t, "lma", "withdrawal_refused") == 1
    assert binding(t, t.nodes[2])["state"] == "ACTIVE"


def test_mag_does_not_answer(fresh):
    """R-50: the same octets after a second, and after three the binding goes without an answer."""
    t = fresh()
    start(t)
    n = t.nodes[0]
    t.daemons["mag1"].send_signal(signal.SIGSTOP)
    try:
        t.daemons["lma"].ctl("revoke", n.mnid, "--trigger", "6")
        b = binding(t, n)
        assert b["state"] == "REVOKING"
        assert b["revocation"] == "Access Network Session(s) Termination"
        began = time.monotonic()
        wait_until(lambda: not binding(t, n), 6, "the binding to go")
        assert 2.5 < time.monotonic() - began < 4.5
    finally:
        t.daemons["mag1"].send_signal(signal.SIGCONT)
    first, second = indications(t)
    assert first[7] == second[7] and first[4] == 6
    assert 0.9e9 < second[0] - first[0] < 1.5e9
    assert counter(t, "lma", "no_answer", "lma-revocation") == 1
    assert binding(t, t.nodes[1])["state"] == "ACTIVE"


def test_lma_is_killed_with_a_revocation_on_its_way(fresh):
    """What is ordered is on disk: told again after the LMA's death, and not undone by a refresh. The
    node stays barred when its MAG dies as well."""
    t = fresh(nodes=1, host_pins=True)
    conf = {"loss-window": 0}
    lma = t.start("lma", t.lma_config(**conf))
    mag = t.start("mag1", t.mag_config(1, **conf))
    n = t.nodes[0]
    t.attach(n, 1)
    settled(t, n, 1)
    had = binding(t, n)["prefixes"]
    mag.send_signal(signal.SIGSTOP)
    try:
        lma.ctl("revoke", n.mnid)
        wait_until(lambda: indications(t), 3, "the indication")
        lma.stop(signal.SIGKILL)
        lma.start()
        lma.wait_ready()
        assert binding(t, n)["state"] == "REVOKING"
        # of before it knew
        mh.into_lma(t).mh(mag_addr(1), LMAA, mh.pbu(n.mnid, hi=5, mac=n.mac))
        wait_until(lambda: len({m[5] for m in indications(t)}) == 2, 3, "another indication")
        wait_until(lambda: counter(t, "lma", "ignored_revoking") > 0, 3, "the refresh")
        assert binding(t, n)["state"] == "REVOKING" and binding(t, n)["prefixes"] == had
    finally:
        mag.send_signal(signal.SIGCONT)
    wait_until(lambda: not binding(t, n), 5, "the binding to go")
    wait_until(lambda: update_entry(t, n, 1)["state"] == "BARRED", 3, "the node to be barred")
    assert not n.ping(CN, 1, 0.2)
    mag.stop(signal.SIGKILL)
    mag.start()
    mag.wait_ready()
    n.ping(CN, 2, 1)
    assert update_entry(t, n, 1)["state"] == "BARRED" and not binding(t, n)
    mag.ctl("attach", "acc0", n.mac)
    settled(t, n, 1)
    wait_until(lambda: n.ping(CN), 5, "packets")


def test_handover_cleans_up_behind(fresh):
    """The MAG that a node left without its noticing is told at once, and does not take it back."""
    t = fresh(nodes=1)
    start(t, (1,))
    n = t.nodes[0]
    had = binding(t, n)["prefixes"]
    t.move(n, 2)
    wait_registered(t, n, 2)
    assert binding(t, n)["prefixes"] == had
    for m in indications(t):
        assert m[2] == mag_addr(1) and m[4] in (2, 4)
    wait_until(lambda: not update_entry(t, n, 1), 5, "mag1 to forget it")
    wait_until(lambda: n.ping(CN), 5, "packets")
    time.sleep(2)
    assert binding(t, n)["proxy_coa"] == mag_addr(2)


def unknown_handover(t, n):
    """A registration of `n` by mag2, with another interface and handoff state unknown."""
    inject = mh.into_lma(t)
    at = time.monotonic_ns()
    inject.mh(mag_addr(2), LMAA, mh.pbu(n.mnid, seq=77, mac="02:00:00:00:77:77", hi=4))
    wait_until(lambda: [m for m in indications(t) if m[4] == 4], 3, "the indication")
    bri = [m for m in indications(t) if m[4] == 4][0]
    assert bri[2] == mag_addr(1) and bri[6] == P
    return at, bri


def answer_to(t, bri):
    def found():
        return [m for m in messages(t) if m[3] == ACKNOWLEDGEMENT and m[5] == bri[5]]
    return wait_until(found, 5, "the acknowledgement")[0]


def test_handover_unknown_of_an_attached_node(fresh):
    """R-30, R-32: the old MAG is asked at once, says that the node is there; a new session."""
    t = fresh(nodes=1)
    start(t, (1,))
    n = t.nodes[0]
    had = binding(t, n)["prefixes"]
    _, bri = unknown_handover(t, n)
    assert answer_to(t, bri)[4] == 132
    wait_until(lambda: len(t.daemons["lma"].ctl("bindings", n.mnid)) == 2, 3, "a new session")
    rows = {b["proxy_coa"]: b for b in t.daemons["lma"].ctl("bindings", n.mnid)}
    assert rows[mag_addr(1)]["prefixes"] == had and rows[mag_addr(2)]["prefixes"] != had
    assert n.ping(CN)


def test_handover_unknown_of_a_node_that_left(fresh):
    """R-30, R-31: the old MAG finds that it is gone; the session moves, well before it would have
    been given up."""
    t = fresh(nodes=1)
    start(t, (1,))
    n = t.nodes[0]
    had = binding(t, n)["prefixes"]
    t.detach(n)  # of which the MAG sees nothing: its own link stays up
    _, bri = unknown_handover(t, n)
    assert answer_to(t, bri)[4] in (0, 128)
    wait_until(lambda: binding(t, n)["proxy_coa"] == mag_addr(2), 3, "the session to move")
    assert binding(t, n)["prefixes"] == had


def test_strangers_and_forgers_get_nothing(fresh):
    """An indication of nobody we know is not answered; an acknowledgement in a peer's name does not
    fit; nothing changes."""
    t = fresh(nodes=1)
    start(t, (1,))
    n = t.nodes[0]
    t.net.ip("route add 2001:db8:13::/64 dev mag2")
    lma, mag = mh.into_lma(t), mh.into_mag(t, 1)
    node = mh.mn_id(n.mnid)
    lma.mh(STRANGER, LMAA, message(INDICATION, 1, 1, P, node))
    lma.mh(STRANGER, LMAA, message(INDICATION, 128, 2, P | G, node))
    mag.mh(STRANGER, mag_addr(1), message(INDICATION, 1, 3, P, node))
    mag.mh(STRANGER, mag_addr(1), message(INDICATION, 128, 4, P | G))
    for daemon in ("lma", "mag1"):
        wait_until(lambda d=daemon: counter(t, d, "stranger", f"{d.rstrip('1')}-revocation") == 2, 3,
                   f"the count of {daemon}")
    # a MAG that the node is not at, and an answer that nobody asked for
    lma.mh(mag_addr(2), LMAA, message(INDICATION, 1, 5, P, node))
    lma.mh(mag_addr(1), LMAA, message(ACKNOWLEDGEMENT, 0, 6, P))
    wait_until(lambda: counter(t, "lma", "acknowledgement_unmatched") == 1, 3, "the forged answer")
    assert counter(t, "lma", "withdrawal_refused") == 1
    assert binding(t, n)["state"] == "ACTIVE" and update_entry(t, n, 1)
    assert n.ping(CN, 3, 0.1) == 3
    assert not [m for m in messages(t) if STRANGER in m[2]]
