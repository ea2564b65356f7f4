#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Looks for what the build needs and writes config.mk, or names the package that is missing.
set -uo pipefail
out=$1
missing=()

need_tool() { # command package
	command -v "$1" >/dev/null 2>&1 || missing+=("$2 (command $1)")
}
need_lib() { # pkg-config name, package
	pkg-config --exists "$1" 2>/dev/null || missing+=("$2 (library $1)")
}
need_header() { # header package
	echo "#include <$1>" | ${CC:-cc} -E -x c - >/dev/null 2>&1 || missing+=("$2 (header $1)")
}

need_tool "${CC:-cc}" gcc
need_tool pkg-config pkg-config
need_tool "${CLANG:-clang}" clang
need_tool "${BPFTOOL:-bpftool}" bpftool
need_lib libbpf libbpf-dev
need_lib libelf libelf-dev
need_lib zlib zlib1g-dev
need_lib libmnl libmnl-dev
need_lib libcyaml libcyaml-dev
need_lib yaml-0.1 libyaml-dev
need_lib jansson libjansson-dev
need_lib lmdb liblmdb-dev
need_lib libcap-ng libcap-ng-dev
need_lib libsystemd libsystemd-dev
need_header ev.h libev-dev
need_header uthash.h uthash-dev
need_header CUnit/CUnit.h libcunit1-dev

if [ ${#missing[@]} -ne 0 ]; then
	{
		echo "cannot build, missing:"
		printf '  %s\n' "${missing[@]}"
		echo "remedy: run 'make deps' as root"
	} >&2
	exit 1
fi

mkdir -p "$(dirname "$out")"
triplet=$(${CC:-cc} -print-multiarch 2>/dev/null || true)
{
	echo "# written by scripts/probe.sh"
	echo "PROBE_CFLAGS := $(pkg-config --cflags libbpf libmnl libcyaml jansson)"
	# clang's BPF target does not search the multiarch directory that holds asm/types.h
	echo "PROBE_BPF_CFLAGS := ${triplet:+-I/usr/include/$triplet}"
	echo "PROBE_LIBBPF_VERSION := $(pkg-config --modversion libbpf)"
} >"$out"
