#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	coverage.sh DIR
#
# Prints per directory how many lines of user/ the programs built with FLAVOUR=coverage in DIR have
# run. What was built and never ran counts as not covered.
set -euo pipefail
objects=$(realpath "$1")
cd "$(dirname "$0")/.."
gcov=${GCOV:-gcov}
command -v "$gcov" >/dev/null || {
	echo "coverage: $gcov is missing (Debian package gcc)" >&2
	exit 1
}

find "$objects/user" -name '*.gcno' | while read -r notes; do
	"$gcov" -n -o "$(dirname "$notes")" "${notes%.gcno}.o" 2>/dev/null
done | awk '
	/^File / {
		file = $2
		gsub(/\047/, "", file)
	}
	# headers come with every file that includes them; sources come once
	/^Lines executed:/ && file ~ /^user\/.*\.c$/ && !seen[file]++ {
		split($0, part, /[:% ]+/)
		dir = file
		sub(/\/[^\/]*$/, "", dir)
		lines[dir] += part[5]
		run[dir] += part[3] * part[5] / 100
		all += part[5]
		ran += part[3] * part[5] / 100
	}
	END {
		if (!all)
			exit 1
		printf "  %-16s %6s  %s\n", "directory", "lines", "covered"
		sort = "sort"
		for (d in lines)
			printf "  %-16s %6d  %5.1f %%\n", d, lines[d], 100 * run[d] / lines[d] | sort
		close(sort)
		printf "  %-16s %6d  %5.1f %%\n", "total", all, 100 * ran / all
	}'
