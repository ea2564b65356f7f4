#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	install-deps.sh [LIST]
#
# Installs the packages of packages.txt, or of another list beside it, that are missing. Says
# nothing when none is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
packages=$(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$here/${1:-packages.txt}")

missing=()
for p in $packages; do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
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
if ! { apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1; then
	tail -20 "$log" >&2
	echo "apt-get could not install: ${missing[*]}" >&2
	exit 1
fi
