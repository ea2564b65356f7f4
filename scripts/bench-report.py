#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows what bench_forward measured.

    bench-report.py RESULTS.json [--plot FILE.svg] [--markdown FILE.md]

Prints a table and the goals. --plot draws added cost against number of nodes with gnuplot;
--markdown replaces what stands between the markers of that file.
"""

import argparse
import json
import os
import platform
import subprocess
import sys

# What shall be reached: added cost over the bare redirect in ns, and times the kernel's rate.
ADDED_DOWN, ADDED_OTHER, ADDED_MANY = 60, 80, 200
KERNEL_XDP, KERNEL_TC = 8, 2
FEW, MANY = 1000, 1000000
KERNEL_NODES = (1000, 100000)

BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"


def ours(rows):
    return [r for r in rows if r["name"].startswith(r["way"] + " ")]


def same_point(a, b):
    return all(a[k] == b[k] for k in ("way", "payload", "encap", "hook", "nodes", "packet_bytes",
                                      "pattern"))


def beside(rows, r, name):
    """What was measured in turn with `r`."""
    return next((x for x in rows if x["name"] == name and same_point(x, r)), None)


def cell(value, form):
    return "" if value is None else form % value


HEAD = ("way", "payload", "encap", "hook", "nodes", "bytes", "pattern", "ns", "min", "max", "Mpps",
        "added", "of bare", "x kernel", "memory", "lost")


def table(rows):
    out = []
    for r in ours(rows):
        memory = beside(rows, r, "memory")
        out.append((r["way"], r["payload"], r["encap"], r["hook"], str(r["nodes"]),
                    str(r["packet_bytes"]), r["pattern"], "%.0f" % r["ns_per_packet"],
                    "%.0f" % r["min"], "%.0f" % r["max"], "%.2f" % r["mpps"],
                    cell(r["added_ns"], "%+.0f"), cell(r["ratio_to_redirect"], "%.2f"),
                    cell(r["ratio_to_kernel"], "%.1f"),
                    cell(memory and memory["ns_per_packet"], "%.0f"),
                    str(r["lost"] + r["strange"]) if r["lost"] + r["strange"] else ""))
    return out


def print_columns(head, rows, out=sys.stdout):
    widths = [max(len(x[i]) for x in [head] + rows) for i in range(len(head))]
    for row in [head] + rows:
        print("  ".join(c.ljust(w) if i < 4 else c.rjust(w)
                        for i, (c, w) in enumerate(zip(row, widths))).rstrip(), file=out)


def pick(rows, **what):
    return [r for r in ours(rows) if all(r[k] == v for k, v in what.items())]


def span(values, form):
    low, high = min(values), max(values)
    return form % low if form % low == form % high else f"{form % low} to {form % high}"


def goal(name, values, limit, most, form):
    """A line about one goal: `most` says whether the limit is an upper one."""
    if not values:
        return None
    met = all(v <= limit if most else v >= limit for v in values)
    sign = "<=" if most else ">="
    return (name, f"{sign} {limit}", span(values, form), "met" if met else "not met")


def plain(r):
    return r["payload"] == r["encap"] == "ip6"


def goals(rows):
    lines = []
    few = pick(rows, hook="xdp", nodes=FEW, pattern="uniform")
    ways = list(dict.fromkeys(r["way"] for r in few))
    for way in ways:
        added = [r["added_ns"] for r in few if r["way"] == way and plain(r)]
        lines.append(goal(f"{way} ip6/ip6, {FEW} nodes: added ns", added,
                          ADDED_DOWN if way == "lma-down" else ADDED_OTHER, True, "%.0f"))
    for way in ways:
        added = [r["added_ns"] for r in few if r["way"] == way and not plain(r)]
        lines.append(goal(f"{way}, other encapsulations, {FEW} nodes: added ns", added, ADDED_OTHER,
                          True, "%.0f"))
    for r in pick(rows, hook="xdp", nodes=MANY, pattern="uniform", packet_bytes=64):
        lines.append(goal(f"{r['way']} {r['payload']}/{r['encap']}, {MANY} nodes: added ns",
                          [r["added_ns"]], ADDED_MANY, True, "%.0f"))
    for hook, times in (("xdp", KERNEL_XDP), ("tc", KERNEL_TC)):
        for nodes in KERNEL_NODES:
            there = [r for r in pick(rows, hook=hook, nodes=nodes, pattern="uniform")
                     if r["ratio_to_kernel"]]
            lines.append(goal(f"{hook}, {nodes} nodes: times the kernel's rate",
                              [r["ratio_to_kernel"] for r in there], times, False, "%.1f"))
            lines.append(goal("   the generator's share taken off both",
                              [r["ratio_to_kernel_net"] for r in there], times, False, "%.1f"))
    return [g for g in lines if g]


GOAL_HEAD = ("goal", "limit", "measured", "")


def others(rows):
    """What IPv6 in IPv6 is compared with, at 1000 nodes and 64 octets, and the kernel's all."""
    out = []
    for r in rows:
        if r["name"].startswith("kernel-"):
            wanted = r["hook"] == "xdp"
        else:
            wanted = (r["name"] in ("redirect", "constant", "generator") and r["nodes"] == FEW
                      and r["packet_bytes"] == 64 and r["pattern"] == "uniform" and plain(r))
        if wanted:
            out.append((r["name"], r["way"], r["hook"], str(r["nodes"]), str(r["packet_bytes"]),
                        "%.0f" % r["ns_per_packet"], "%.0f" % r["min"], "%.0f" % r["max"],
                        cell(r["added_ns"], "%+.0f")))
    return out


OTHER_HEAD = ("beside it", "frames of", "hook", "nodes", "bytes", "ns", "min", "max", "added")


# What the short table has columns for: hook, nodes, octets, pattern.
SHORT = (("xdp", FEW, 64, "uniform"), ("xdp", FEW, 1400, "uniform"), ("xdp", 65536, 64, "uniform"),
         ("xdp", MANY, 64, "uniform"), ("xdp", MANY, 64, "zipf"), ("tc", FEW, 64, "uniform"),
         ("tc", MANY, 64, "uniform"))
SHORT_HEAD = ("way", "packets", *(f"{hook} {nodes}{', %d octets' % octets if octets != 64 else ''}"
                                  f"{', zipf' if pattern == 'zipf' else ''}"
                                  for hook, nodes, octets, pattern in SHORT))


def short(rows):
    """One line per way, payload and encapsulation: ns and what is added to the bare redirect."""
    out = []
    for way, payload, encap in dict.fromkeys((r["way"], r["payload"], r["encap"])
                                             for r in ours(rows)):
        line = [way, f"{payload}/{encap}"]
        for hook, nodes, octets, pattern in SHORT:
            at = pick(rows, way=way, payload=payload, encap=encap, hook=hook, nodes=nodes,
                      packet_bytes=octets, pattern=pattern)
            line.append("%.0f (%+.0f)" % (at[0]["ns_per_packet"], at[0]["added_ns"]) if at else "")
        out.append(tuple(line))
    return out


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    virtual = "hypervisor" in open("/proc/cpuinfo").read()
    return (f"{model}, {os.cpu_count()} processors{', virtual machine' if virtual else ''}, "
            f"Linux {platform.release()}")


def plot(rows, path):
    """One curve per way and encapsulation; a panel per hook."""
    script = ["set terminal svg size 1000,460 font 'sans,11' background '#ffffff'",
              f"set output '{path}'",
              "set multiplot layout 1,2 title 'added cost over a bare redirect, 64-octet packets, "
              "nodes uniformly random'",
              "set logscale x", "set xrange [700:1500000]", "set format x '%.0s%c'", "set xlabel 'nodes'",
              "set ylabel 'ns per packet'", "set yrange [0:*]", "set key left top", "set grid"]
    for hook in ("xdp", "tc"):
        at = pick(rows, hook=hook, pattern="uniform", packet_bytes=64)
        curves = list(dict.fromkeys((r["way"], r["payload"], r["encap"]) for r in at))
        plots = []
        for n, key in enumerate(curves):
            points = sorted((r["nodes"], r["added_ns"]) for r in at
                            if (r["way"], r["payload"], r["encap"]) == key)
            script += [f"$c_{hook}_{n} << EOD", *(f"{x} {y}" for x, y in points), "EOD"]
            plots.append(f"$c_{hook}_{n} with linespoints lw 2 title '{' '.join(key)}'")
        if plots:
            script += [f"set title '{hook}'", "plot " + ", ".join(plots)]
    script.append("unset multiplot")
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)


def markdown_table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head),
            *("| " + " | ".join(r) + " |" for r in rows), ""]


def markdown(rows, path):
    lines = [BEGIN, f"Machine: {machine()}.", "", *markdown_table(GOAL_HEAD, goals(rows)),
             *markdown_table(SHORT_HEAD, short(rows)), *markdown_table(OTHER_HEAD, others(rows)),
             END]
    with open(path) as f:
        text = f.read()
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    with open(path, "w") as f:
        f.write(before + "\n".join(lines) + after)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("results")
    p.add_argument("--plot")
    p.add_argument("--markdown")
    a = p.parse_args()
    with open(a.results) as f:
        rows = json.load(f)
    print(machine())
    print_columns(HEAD, table(rows))
    print()
    print_columns(OTHER_HEAD, others(rows))
    print()
    print_columns(GOAL_HEAD, goals(rows))
    bad = [r for r in rows if r["lost"] or r["strange"]]
    for r in bad:
        print(f"LOST: {r['name']} ({r['way']} {r['hook']}, {r['nodes']} nodes, "
              f"{r['packet_bytes']} bytes): {r['lost']} lost, {r['strange']} came out wrong")
    if not bad:
        print("no packet was lost")
    if a.plot:
        plot(rows, a.plot)
    if a.markdown:
        markdown(rows, a.markdown)


main()
