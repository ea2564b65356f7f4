#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	run-tests.sh --out DIR COMMAND...
#
# Runs test programs one after another, shows what failed, and adds up what they themselves report:
# CUnit's run summary, pytest's last line, or a plain "N passed, N failed". A program that fails
# without saying so counts as one failure; one that ran nothing as well. A test that could not run
# says "  NAME skipped: why", and pytest says so in its own way. DIR/total holds the sums.
set -uo pipefail
out=build/results
if [ "${1:-}" = --out ]; then
	out=$2
	shift 2
fi
rm -rf "$out"
mkdir -p "$out"
passed=0 failed=0 skipped=0 child=
# The program gets the time to remove what it made.
trap 'kill -TERM "$child" 2>/dev/null; wait "$child"; exit 130' INT TERM HUP

# Prints "passed failed skipped" as the log tells; nothing when it tells nothing.
tally() {
	awk '
	/^ +[a-z0-9_]+ skipped: / { p--; s++ }
	/^ +tests +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+/ { p += $4; f += $5; seen = 1 }
	/^=*[ ]?.*[0-9]+ (passed|failed|error|skipped).* in [0-9.]+s/ {
		for (i = 2; i <= NF; i++) {
			if ($i ~ /^passed/) p += $(i - 1)
			if ($i ~ /^failed/) f += $(i - 1)
			if ($i ~ /^error/) f += $(i - 1)
			if ($i ~ /^skipped/) s += $(i - 1)
		}
		seen = 1
	}
	/^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ { p += $1; f += $3; s += $5; seen = 1 }
	END { if (seen) print p + 0, f + 0, s + 0 }' "$1"
}

i=0
for cmd in "$@"; do
	i=$((i + 1))
	name=$(basename "${cmd%% *}")
	case $cmd in *netns-tests*) name=netns ;; esac
	log=$out/$i-$name.log
	start=$(date +%s)
	$cmd >"$log" 2>&1 &
	child=$!
	wait "$child"
	rc=$?
	child=
	took=$(($(date +%s) - start))
	read -r p f s < <(tally "$log"; echo)
	if [ -z "${p:-}" ]; then
		p=0 f=0 s=0
		[ $rc -ne 77 ] || s=1
		[ $rc -eq 0 ] || [ $rc -eq 77 ] || f=1
		[ $rc -ne 0 ] || { f=1; echo "$name: reported no test" >>"$log"; }
	elif [ $rc -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '  %-32s %4d passed %3d failed %3d skipped  %3d s\n' "$name" "$p" "$f" "$s" "$took"
	[ "$s" -eq 0 ] || grep -hE '(^| )skipped: |^SKIPPED' "$log" | sed 's/^ */    /'
	grep -h ': failed at first$' "$log" | sed 's/^ */    /'
	if [ "$f" -ne 0 ]; then
		echo "---- $cmd (exit $rc), end of $log:"
		tail -60 "$log"
		echo "----"
	fi
done
echo "$passed $failed $skipped" >"$out/total"
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
