#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every test there is, one total at the end.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
[ "$(id -u)" -eq 0 ] || {
	echo "make test needs root: it makes network namespaces and loads BPF programs" >&2
	echo "remedy: run it as root, or 'make check' for the tests that need none" >&2
	exit 1
}

status=0
stage() {
	echo "== $1"
	shift
	"$@" || status=1
}
rm -rf build/results-check build/results-bpf build/results-netns
stage "lint, unit tests, simulation (ASan, UBSan)" make --no-print-directory check
stage "release build" make --no-print-directory all
stage "documentation matches the program" scripts/gen-docs.sh --verify build/release/pmipd
stage "BPF programs" make --no-print-directory check-bpf
stage "network namespaces" make --no-print-directory check-netns

passed=0 failed=0 skipped=0
for suite in check bpf netns; do
	if read -r p f s 2>/dev/null <"build/results-$suite/total"; then
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	else
		echo "suite $suite did not finish" >&2
		failed=$((failed + 1))
	fi
done
[ $status -eq 0 ] || [ $failed -ne 0 ] || failed=1
echo "== total"
if [ $skipped -ne 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ $failed -eq 0 ] && [ $passed -gt 0 ]
