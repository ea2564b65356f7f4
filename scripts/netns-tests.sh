#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	netns-tests.sh BIN_DIR ASAN_BIN_DIR CACHE_DIR
#
# Runs tests/netns. Many of its tests assert times on a machine that others may share, so up to three
# that fail are run once more; those that pass then are named. A test that fails twice has failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
bin=$1 asan=$2 cache=$3
first=$(mktemp) second=$(mktemp)
trap 'rm -f "$first" "$second"' EXIT
rm -rf "$cache"

run() { # log file, arguments
	local log=$1
	shift
	/usr/bin/python3 -m pytest -q -rfEs -o "cache_dir=$cache" tests/netns --bin "$bin" \
		--asan-bin "$asan" "$@" >"$log" 2>&1 &
	child=$!
	wait "$child"
}

# Interrupted: pytest first, which removes what it made.
child=
interrupted() {
	[ -z "$child" ] || { kill -TERM "$child" 2>/dev/null; wait "$child"; }
	exit 130
}
trap interrupted INT TERM HUP

# The count of one word ("passed") in pytest's last line.
count() {
	tail -1 "$1" | grep -oE "[0-9]+ $2" | grep -oE '^[0-9]+' || echo 0
}

# pytest's own last line would be counted twice by whoever adds up.
show() {
	sed '$ s/ in [0-9.]*s.*//' "$1"
}

run "$first"
rc=$?
show "$first"
passed=$(count "$first" passed) skipped=$(count "$first" skipped)
failed=$(($(count "$first" failed) + $(count "$first" error)))
if [ $rc -eq 1 ] && [ "$failed" -gt 0 ] && [ "$failed" -le 3 ]; then
	run "$second" --last-failed
	rc=$?
	echo "== once more: what failed"
	show "$second"
	again=$(count "$second" passed)
	[ "$again" -eq 0 ] || grep -hE '^(FAILED|ERROR) ' "$first" |
		sed -E 's/^[A-Z]+ ([^ ]+).*/  \1: failed at first/'
	passed=$((passed + again))
	failed=$(($(count "$second" failed) + $(count "$second" error)))
fi
[ $rc -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
if [ "$skipped" -ne 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
