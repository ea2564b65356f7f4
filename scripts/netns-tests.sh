#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	netns-tests.sh BIN_DIR ASAN_BIN_DIR CACHE_DIR FILE...
#
# Runs test files of tests/netns; several runs with the same CACHE_DIR, which is empty at first, may
# go on at once. Many tests assert times on a machine that others may share, so up to three of all
# runs that fail are run once more, while no other run goes on; those that pass then are named. A
# test that fails twice has failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
bin=$1 asan=$2 all=$3
shift 3
cache=$all/$(basename "${1:-none}" .py)
mkdir -p "$cache" && exec {lock}>"$all/lock" || exit 1
first=$cache/first second=$cache/second child=

# Interrupted: pytest first, which removes what it made.
interrupted() {
	[ -z "$child" ] || { kill -TERM "$child" 2>/dev/null; wait "$child"; }
	exit 130
}
trap interrupted INT TERM HUP

background() { # command; waits so that a signal is heard at once
	local rc=0
	"$@" &
	child=$!
	wait "$child" || rc=$?
	child=
	return $rc
}

run() { # log file, arguments
	local log=$1
	shift
	background /usr/bin/python3 -m pytest "$@" -q -rfEs -o "cache_dir=$cache" \
		--bin="$bin" --asan-bin="$asan" >"$log" 2>&1
}

# The count of one word ("passed") in pytest's last line.
count() {
	tail -1 "$1" | grep -oE "[0-9]+ $2" | grep -oE '^[0-9]+' || echo 0
}

# pytest's own last line would be counted twice by whoever adds up.
show() {
	sed '$ s/ in [0-9.]*s.*//' "$1"
}

# Whether so many tests may be run again: three in all runs together.
may_repeat() {
	local used
	exec {budget}>>"$all/repeated"
	flock -x $budget
	used=$(wc -c <"$all/repeated")
	[ $((used + $1)) -le 3 ] && printf '%*s' "$1" '' >&$budget
	local rc=$?
	exec {budget}>&-
	return $rc
}

background flock -s $lock
rc=0
run "$first" "$@" || rc=$?
show "$first"
passed=$(count "$first" passed) skipped=$(count "$first" skipped)
failed=$(($(count "$first" failed) + $(count "$first" error)))
if [ $rc -eq 1 ] && [ "$failed" -gt 0 ] && may_repeat "$failed"; then
	flock -u $lock
	background flock -x $lock
	rc=0
	run "$second" "$@" --last-failed || rc=$?
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
