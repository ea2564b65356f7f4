#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	fuzz.sh [TARGET...]
#
# Builds tests/fuzz/fuzz_*.c, or the targets named, with clang's libFuzzer, AddressSanitizer and
# UndefinedBehaviorSanitizer and runs each for FUZZ_SECONDS (60). New inputs stay under build/fuzz;
# a crashing one is named: put it into tests/fuzz/corpus/ together with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
out=${BUILD:-build}/fuzz
clang=${CLANG:-clang}
layers="control config net access mag lma store core wire base"

if ! command -v "$clang" >/dev/null; then
	echo "skipped: clang is not installed (Debian packages clang and libclang-rt-14-dev)"
	exit 77
fi

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
	for source in tests/fuzz/fuzz_*.c; do
		name=$(basename "$source" .c)
		targets+=("${name#fuzz_}")
	done
fi

passed=0 failed=0
for target in "${targets[@]}"; do
	program=$out/asan/tests/fuzz/fuzz_$target
	# The Makefile builds the libraries and the replaying program; the fuzzer differs in its driver.
	make --no-print-directory -s BUILD="$out" FLAVOUR=asan CC="$clang" \
		CFLAGS="-fsanitize=fuzzer-no-link -Wno-error" "$program"
	libs=()
	for layer in $layers; do
		libs+=("$out/asan/lib/lib$layer.a")
	done
	"$clang" -fsanitize=fuzzer,address,undefined -o "$program.libfuzzer" "$program.o" \
		"$out"/asan/user/dataplane/dp_fake{,_ask}.o "${libs[@]}" -lcyaml -lyaml -ljansson -lmnl -llmdb -lz

	corpus=tests/fuzz/corpus/$target
	found=$out/corpus/$target
	crashes=$out/crashes/$target/
	mkdir -p "$found" "$crashes"
	options=(-max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048
		-artifact_prefix="$crashes" -print_final_stats=1 -verbosity=0)
	"$program" --dictionary >"$program.dict"
	# libFuzzer refuses an empty dictionary
	[ ! -s "$program.dict" ] || options+=(-dict="$program.dict")
	inputs=("$found")
	[ ! -d "$corpus" ] || inputs+=("$corpus")
	log=$program.log
	echo "fuzz_$target: $seconds s"
	if "$program.libfuzzer" "${options[@]}" "${inputs[@]}" >"$log" 2>&1; then
		grep -E '^stat::(number_of_executed_units|new_units_added|peak_rss_mb)' "$log"
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		tail -40 "$log"
		echo "fuzz_$target failed; the input is in $crashes, replay it with: $program FILE"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
