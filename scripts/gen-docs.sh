#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes the generated parts of docs/: gen-docs.sh PMIPD. With --verify writes nothing and fails
# when a committed file differs from what PMIPD says: gen-docs.sh --verify PMIPD.
set -euo pipefail

verify=0
if [ "${1:-}" = --verify ]; then
	verify=1
	shift
fi
if [ $# -ne 1 ]; then
	echo "usage: gen-docs.sh [--verify] PMIPD" >&2
	exit 2
fi
pmipd=$(realpath "$1")
cd "$(dirname "$0")/.."

new=$(mktemp)
trap 'rm -f "$new"' EXIT
"$pmipd" --print-schema >"$new"
if [ "$verify" = 1 ]; then
	if ! diff -u docs/configuration.md "$new" >&2; then
		echo "gen-docs: docs/configuration.md is not what $1 prints; run make docs" >&2
		exit 1
	fi
else
	install -m 0644 "$new" docs/configuration.md
fi
