#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	run-tests.sh [--out DIR] [--jobs N] COMMAND... [--alone COMMAND...]
#
# Runs test programs, N at once (one unless told), those behind --alone after the others and one
# after another. Shows in the order given what failed, and adds up what they themselves report:
# CUnit's run summary, pytest's last line, or a plain "N passed, N failed". A program that fails
# without saying so counts as one failure; one that ran nothing as well. A test that could not run
# says "  NAME skipped: why", and pytest says so in its own way. DIR/total holds the sums, DIR/failed a
# few lines about each failure, which are shown once more before the total.
set -uo pipefail
out=build/results jobs=1
while :; do
	case ${1:-} in
	--out) out=$2 ;;
	--jobs) jobs=$2 ;;
	*) break ;;
	esac
	shift 2
done
[[ $jobs =~ ^[1-9][0-9]*$ ]] || {
	echo "run-tests.sh: --jobs $jobs: not a number of programs" >&2
	exit 2
}
rm -rf "$out"
mkdir -p "$out"
passed=0 failed=0 skipped=0
commands=() names=() logs=() ended=() # by index; ended: "exit code, milliseconds"
declare -A runs=()                    # who waits for a program, by index
mkfifo "$out/ended" && exec {pipe}<>"$out/ended" && rm "$out/ended" || exit 1
# The programs get the time to remove what they made.
interrupted() {
	[ ${#runs[@]} -eq 0 ] || kill -TERM "${runs[@]}" 2>/dev/null
	wait
	exit 130
}
trap interrupted INT TERM HUP

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

# What a log says of failures in few lines: CUnit's assertions, pytest's list, sanitizers, else its end.
causes() { # name, log
	echo "failed: $1"
	{
		grep -hE 'Test: .*FAILED|^ +[0-9]+\. .*:[0-9]+ +- |^(FAILED|ERROR|E ) |ERROR: .*Sanitizer|runtime error:' "$2" ||
			tail -5 "$2"
	} | cut -c1-300 | head -12 | sed 's/^ */  /'
}

now_ms() {
	local us=${EPOCHREALTIME/[.,]/}
	echo $((us / 1000))
}

run() { # index; says through the pipe how it ended
	local began rc=0 child
	began=$(now_ms)
	${commands[$1]} >"${logs[$1]}" 2>&1 {pipe}>&- &
	child=$!
	trap 'kill -TERM "$child" 2>/dev/null; wait "$child"; exit 130' INT TERM HUP
	wait "$child" || rc=$?
	echo "$1 $rc $(($(now_ms) - began))" >&"$pipe"
}

finish_one() {
	local i end
	read -r i end <&"$pipe"
	wait "${runs[$i]}"
	unset "runs[$i]"
	ended[i]=$end
}

report() { # index
	local cmd=${commands[$1]} name=${names[$1]} log=${logs[$1]} rc ms p f s
	read -r rc ms <<<"${ended[$1]}"
	read -r p f s < <(tally "$log"; echo)
	if [ -z "${p:-}" ]; then
		p=0 f=0 s=0
		[ "$rc" -ne 77 ] || s=1
		[ "$rc" -eq 0 ] || [ "$rc" -eq 77 ] || f=1
		[ "$rc" -ne 0 ] || { f=1; echo "$name: reported no test" >>"$log"; }
	elif [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '  %-32s %4d passed %3d failed %3d skipped  %3d s\n' "$name" "$p" "$f" "$s" \
		$(((ms + 500) / 1000))
	[ "$s" -eq 0 ] || grep -hE '(^| )skipped: |^SKIPPED' "$log" | sed 's/^ */    /'
	grep -h ': failed at first$' "$log" | sed 's/^ */    /'
	if [ "$f" -ne 0 ]; then
		causes "$name" "$log" >>"$out/failed"
		echo "---- $cmd (exit $rc), end of $log:"
		tail -60 "$log"
		echo "----"
	fi
}

n=0 alone=
for cmd in "$@"; do
	if [ "$cmd" = --alone ]; then
		alone=$n
		continue
	fi
	commands[n]=$cmd
	names[n]=$(basename "${cmd%% *}")
	case $cmd in *netns-tests*) names[n]=$(basename "$cmd" .py) ;; esac
	logs[n]=$out/$((n + 1))-${names[n]}.log
	n=$((n + 1))
done

next=0 shown=0
while [ $shown -lt $n ]; do
	while [ $next -lt $n ]; do
		limit=$jobs
		[ $next -lt "${alone:-$n}" ] || limit=1
		[ ${#runs[@]} -lt "$limit" ] || break
		run $next 2>>"${logs[$next]}" &
		runs[$next]=$!
		next=$((next + 1))
	done
	finish_one
	while [ -n "${ended[$shown]:-}" ]; do
		report $shown
		shown=$((shown + 1))
	done
done
echo "$passed $failed $skipped" >"$out/total"
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
cat "$out/failed" 2>/dev/null
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
