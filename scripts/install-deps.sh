#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	install-deps.sh [LIST]
#
# Installs the packages of packages.txt, or of another list beside it, that are missing. Says
# nothing when none is. Of "a|b" one is enough; the first that apt knows is installed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
packages=$(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$here/${1:-packages.txt}")

installed() { # a package, or several of which one is enough
	local p
	for p in ${1//|/ }; do
		dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' && return
	done
	return 1
}
choose() {
	local p
	for p in ${1//|/ }; do
		apt-cache show "$p" >/dev/null 2>&1 && break
	done
	echo "$p"
}

missing=()
for p in $packages; do
	installed "$p" || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "missing Debian packages: ${missing[*]}" >&2
	echo "remedy: run 'scripts/$(basename "$0") ${1:-}' as root" >&2
	exit 1
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
	local p names=()
	apt-get update -q || return
	for p in "${missing[@]}"; do
		names+=("$(choose "$p")")
	done
	apt-get install -y -q --no-install-recommends "${names[@]}"
}
if ! install </dev/null >"$log" 2>&1; then
	tail -20 "$log" >&2
	echo "apt-get could not install: ${missing[*]}" >&2
	exit 1
fi
