#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The completion offers what pmipctl says, and never lets a shell run any of it: MN-IDs come from
# the network.
set -uo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0

# what it would say: of a column when that has a file of its own
cat >"$dir/pmipctl" <<'END'
#!/bin/sh
dir=${0%/*}
for column; do
	[ -e "$dir/names.$column" ] && exec cat "$dir/names.$column"
done
exec cat "$dir/names"
END
chmod +x "$dir/pmipctl"
PATH=$dir:$PATH
# shellcheck source=scripts/pmipctl.bash-completion
. scripts/pmipctl.bash-completion

complete_line() {
	COMP_LINE=$1
	COMP_POINT=${#COMP_LINE}
	read -ra COMP_WORDS <<<"$1"
	COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	_pmipctl
}

expect() {
	local what=$1 want=$2
	if [ "${COMPREPLY[*]:-}" = "$want" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$what: got '${COMPREPLY[*]:-}', expected '$want'"
	fi
}

COMP_WORDBREAKS=' '
printf '%s\n' mn1@example.com mn2@example.com 02:00:00:00:00:01 >"$dir/names"
complete_line 'pmipctl bindings '
expect 'all names' 'mn1@example.com mn2@example.com 02:00:00:00:00:01'
complete_line 'pmipctl bindings mn2'
expect 'names that begin so' mn2@example.com
complete_line 'pmipctl log-level d'
expect 'fixed words' debug

complete_line 'pmipctl handovers mn1'
expect 'nodes that are in handover' mn1@example.com
complete_line 'pmipctl handover mn1@example.com --'
expect 'options of a command' '--json --column --help --to'
printf '%s\n' mag neighbour neighbour tunnel >"$dir/names.kind"
printf '%s\n' mag1 mag2 mag3 7 >"$dir/names.name"
printf '%s\n' - corridor,hall 02:00:00:00:12:01 - >"$dir/names.access_points"
complete_line 'pmipctl handover mn1@example.com --to '
expect 'access points of neighbours, and their names' 'corridor hall 02:00:00:00:12:01 mag2 mag3'
complete_line 'pmipctl handover mn1@example.com --to ma'
expect 'names of neighbours alone' 'mag2 mag3'
complete_line 'pmipctl revoke --mag m'
expect 'MAGs' mag1
rm "$dir"/names.*

# shellcheck disable=SC2016
printf '%s\n' "\$(touch\${IFS}$dir/ran)@x" "\`touch\${IFS}$dir/ran\`@x" "a;touch@x" "b|c@x" \
	'$HOME@x' '*@x' '~root' "d'e@x" 'f"g@x' 'h\i@x' 'j&k@x' 'l>m@x' 'good@x' >"$dir/names"
complete_line 'pmipctl bindings '
expect 'names that a shell would act upon are left out' good@x
if [ -e "$dir/ran" ]; then
	echo "completing ran a command out of a name"
	failed=$((failed + 1))
else
	passed=$((passed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
