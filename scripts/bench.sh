#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	bench.sh BENCH_FORWARD OUT_DIR
#
# Measures what a packet costs and shows it: OUT_DIR gets results.json and nodes.svg. All interfaces
# and programs are in network and mount namespaces of the measuring process and vanish with it.
# BENCH_QUICK=1: a few seconds, to see that it works.
set -euo pipefail
cd "$(dirname "$0")/.."
bench=$1 out=$2
[ "$(id -u)" -eq 0 ] || {
	echo "make bench needs root: it makes network namespaces and loads BPF programs" >&2
	exit 1
}
mkdir -p "$out"
args=()
[ "${BENCH_QUICK:-0}" = 0 ] || args+=(-q)
[ -z "${BENCH_WAY:-}" ] || args+=(-w "$BENCH_WAY")

# Interrupted: the measuring process ends, and everything that it made with it.
"$bench" "${args[@]}" -o "$out/results.json.new" &
child=$!
trap 'kill -TERM "$child" 2>/dev/null; wait "$child" 2>/dev/null; exit 130' INT TERM HUP
trap 'rm -f "$out/results.json.new"' EXIT
wait "$child"
mv "$out/results.json.new" "$out/results.json"
scripts/bench-report.py "$out/results.json" --plot "$out/nodes.svg"
echo "written: $out/results.json $out/nodes.svg"
