# SPDX-License-Identifier: GPL-2.0-or-later
"""Questions about a running domain, asked through pmipctl."""

from netns import wait_until
from topo import mag_addr, mag_addr4


def binding(t, node, daemon="lma"):
    """The LMA's only binding of a node, or None."""
    found = t.daemons[daemon].ctl("bindings", node.mnid)
    assert len(found) <= 1, f"several bindings of {node.mnid}: {found}"
    return found[0] if found else None


def update_entry(t, node, mag):
    """A MAG's binding update list entry of a node, or None."""
    found = t.daemons[mag if isinstance(mag, str) else f"mag{mag}"].ctl("update-list", node.mnid)
    assert len(found) <= 1, f"several entries of {node.mnid}: {found}"
    return found[0] if found else None


def registered(t, node, mag):
    """The LMA's binding of a node if it points at that MAG and the MAG has it accepted."""
    b, u = binding(t, node), update_entry(t, node, mag)
    if b and u and b["proxy_coa"] in (mag_addr(mag), mag_addr4(mag)) and \
            (b["prefixes"] or b["ipv4"]) and \
            (b["prefixes"], b["ipv4"]) == (u["prefixes"], u["ipv4"]):
        return b
    return None


def wait_registered(t, node, mag, timeout=5):
    return wait_until(lambda: registered(t, node, mag), timeout,
                      f"{node.name} to be registered through mag{mag}")


def settled(t, node, mag, timeout=12):
    """The node is registered and has a usable address; returns the address."""
    wait_registered(t, node, mag, timeout)
    return node.wait_address(timeout)


def wait_gone(t, node, mag, timeout=10):
    wait_until(lambda: update_entry(t, node, mag) is None, timeout,
               f"{node.name} to leave mag{mag}")


def forget(t, node, mag):
    """Makes a MAG know nothing of a node that is elsewhere; the LMA is not impressed."""
    if update_entry(t, node, mag):
        t.daemons[f"mag{mag}"].ctl("detach", node.mnid)
        wait_gone(t, node, mag)


def counter(t, daemon, name, module=None):
    """The value of a counter; of all modules together when none is named."""
    rows = [c for c in t.daemons[daemon].ctl("counters", *([module] if module else []))
            if c["name"] == name]
    assert rows, f"{daemon} has no counter {name}"
    return sum(c["value"] for c in rows)


def counters(t, daemon):
    return {(c["module"], c["name"]): c["value"] for c in t.daemons[daemon].ctl("counters")}


def grown(before, after):
    """Counters that rose, with how much."""
    return {k: v - before.get(k, 0) for k, v in after.items() if v != before.get(k, 0)}


def drops(t, daemon):
    return {d["name"]: d["value"] for d in t.daemons[daemon].ctl("drops")}


def to_ap(t, node, ap):
    """Puts a node on an access point, wherever it was, and waits until it is served there."""
    if node.ap == ap:
        return settled(t, node, ap)
    if node.ap:
        t.move(node, ap)
    else:
        t.attach(node, ap)
    return settled(t, node, ap)
