#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every test there is, in the order of what they need, one total at the end. A stage that is no
# test program counts when it fails; the stages after it run all the same.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
[ "$(id -u)" -eq 0 ] || {
	echo "make test needs root: it makes network namespaces and loads BPF programs" >&2
	echo "remedy: run it as root, or 'make check' for the tests that need none" >&2
	exit 1
}

build=${BUILD:-build}
passed=0 failed=0 skipped=0 child=
# The stage ends first and removes what it made.
trap 'kill -TERM "$child" 2>/dev/null; wait "$child"; echo "interrupted" >&2; exit 130' INT TERM HUP

add() { # total of a suite, "passed failed skipped"
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

stage() { # title, suite whose total counts or "", command
	local title=$1 suite=$2 status=0 total
	shift 2
	echo "== $title"
	[ -z "$suite" ] || rm -rf "$build/results-$suite"
	"$@" &
	child=$!
	wait "$child" || status=$?
	child=
	if [ -n "$suite" ] && read -ra total 2>/dev/null <"$build/results-$suite/total"; then
		add "${total[@]}"
		[ "${total[1]}" -eq 0 ] || return
	elif [ -n "$suite" ]; then
		status=1
	fi
	[ $status -eq 0 ] || {
		echo "failed: $title" >&2
		add 0 1 0
	}
}

rm -f "$build/total"
stage "lint" "" make --no-print-directory lint
stage "unit tests, fuzzing corpus, simulation (ASan, UBSan)" check \
	make --no-print-directory FLAVOUR=asan all check-run
stage "release build" "" make --no-print-directory all
stage "documentation matches the program" "" scripts/gen-docs.sh --verify "$build/release/pmipd"
stage "BPF programs" bpf make --no-print-directory check-bpf
stage "network namespaces" netns make --no-print-directory check-netns

echo "== total"
[ $skipped -eq 0 ] || echo "$skipped skipped"
cat "$build"/results-*/failed 2>/dev/null
echo "$passed passed, $failed failed" | tee "$build/total"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
