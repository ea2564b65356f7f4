#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Fails on any #include arrow that the architecture does not have, and on a clock, a socket or
# randomness where none may be. The lists below are the architecture; docs/architecture.md draws it.
set -euo pipefail
cd "$(dirname "$0")/.."

# layer: the layers whose headers it may include (its own always)
allowed() {
	case $1 in
	base) echo ;;
	wire) echo base ;;
	core) echo wire base ;;
	store) echo core wire base ;;
	lma | mag) echo core wire base ;;
	access) echo mag core wire base ;;
	net) echo core wire base ;;
	dataplane) echo core wire base ;;
	config) echo access lma mag core wire base ;;
	control) echo access lma mag core wire base ;;
	daemon) echo net dataplane control config access store lma mag core wire base ;;
	cli) echo base ;;
	*) return 1 ;;
	esac
}

status=0
complain() {
	echo "layers: $*" >&2
	status=1
}

for dir in user/*/; do
	layer=$(basename "$dir")
	if ! list=$(allowed "$layer"); then
		complain "user/$layer is no known layer"
		continue
	fi
	while IFS=: read -r file line text; do
		target=$(sed -E 's/.*#[[:space:]]*include[[:space:]]*"([^"]+)".*/\1/' <<<"$text")
		top=${target%%/*}
		case $target in
		*.skel.h) # the one place that sees the BPF skeletons
			[[ $layer == dataplane ]] || complain "$file:$line: only user/dataplane may include $target"
			continue ;;
		pmip/*) # shared with the BPF programs and pmipctl
			[[ $layer =~ ^(dataplane|control|cli|daemon)$ ]] || complain "$file:$line: $layer may not include $target"
			continue ;;
		*/*) ;;
		*)
			complain "$file:$line: write \"$layer/$target\", from the root of user/"
			continue ;;
		esac
		[[ $top == "$layer" || " $list " == *" $top "* ]] ||
			complain "$file:$line: $layer may not include $target"
	done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$dir"*.[ch] /dev/null || true)
done

# bpf/ sees include/pmip and its own headers only
while IFS=: read -r file line text; do
	target=$(sed -E 's/.*"([^"]+)".*/\1/' <<<"$text")
	[[ $target == pmip/* || -e bpf/$target ]] || complain "$file:$line: bpf may not include $target"
done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' bpf/*.[ch] /dev/null || true)

# words that belong to other rooms: pattern, then the layers where it may not stand
forbid() {
	local pattern=$1 why=$2
	shift 2
	for layer in "$@"; do
		while IFS=: read -r file line _; do
			complain "$file:$line: $why"
		done < <(grep -nE "$pattern" user/"$layer"/*.[ch] /dev/null || true)
	done
}
forbid '\b(clock_gettime|gettimeofday|time) ?\((NULL|CLOCK|&|0)' "time is an argument; only daemon/ reads a clock" \
	base wire core store lma mag access net dataplane config control
forbid '(^|[^>.a-z_])(rand|random|srand|drand48|getrandom) ?\(' "randomness comes from env->random" \
	base wire core store lma mag access dataplane config control
forbid '\b(socket|sendto|sendmsg|recvmsg) ?\(' "no sockets here" base wire core store lma mag access config
forbid '#include <(bpf|ev|jansson|cyaml|lmdb|zlib)' "libraries stay in the layer that owns them" base wire core lma mag access

exit $status
