#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Checks that need no build: licence lines, shell scripts, words that do not belong here.
set -euo pipefail
cd "$(dirname "$0")/.."
status=0

# git refuses the clone of another user, even to root, unless told
git() {
	command git -c safe.directory="$(pwd -P)" "$@"
}

complain() {
	echo "lint: $*" >&2
	status=1
}

sources=$(git ls-files -co --exclude-standard -- '*.c' '*.h' '*.sh' '*.py' '*.mk' Makefile)
for f in $sources; do
	[ -e "$f" ] || continue
	head -3 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' || complain "$f: no SPDX line"
done

if command -v shellcheck >/dev/null; then
	# shellcheck disable=SC2046
	shellcheck -S warning $(git ls-files -co --exclude-standard -- '*.sh') .ci/run || status=1
else
	complain "shellcheck is missing (package shellcheck)"
fi

# a trailing blank or a file without its last newline
while read -r f; do
	complain "$f: trailing white space"
done < <(git ls-files -co --exclude-standard -- '*.c' '*.h' '*.sh' '*.py' '*.md' '*.yaml' |
	xargs -r grep -lE '[[:blank:]]+$' 2>/dev/null || true)

# every test that the conformance table names exists
scripts/check-conformance.sh || status=1
# and everything that the pages name
scripts/check-docs.py || status=1

exit $status
