#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every test that docs/conformance.md names in its last column exists in the tests, word for word.
# A cell names tests in `backquotes`: a CUnit test name, or file.py::test_name.
set -euo pipefail
cd "$(dirname "$0")/.."
status=0
table=docs/conformance.md
[ -e "$table" ] || {
	echo "conformance: $table is missing" >&2
	exit 1
}
while IFS= read -r name; do
	case $name in
	*.py::*)
		grep -q "def ${name##*::}\b" "tests/netns/${name%%::*}" 2>/dev/null ||
			{ echo "conformance: no test $name" >&2; status=1; } ;;
	*)
		grep -rqF --include="*.c" --include="*.h" -- "\"$name" tests ||
			{ echo "conformance: no test named \"$name\"" >&2; status=1; } ;;
	esac
done < <(awk -F'|' '/^\|/ && !/^\| *-/ { print $(NF-1) }' "$table" | grep -oE '`[^`]+`' | tr -d '`' | sort -u)
exit $status
