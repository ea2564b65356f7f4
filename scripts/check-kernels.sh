#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	check-kernels.sh --bin DIR --out DIR [--only PATTERN] [SERIES...]
#
# Boots Debian's kernels of the series named (6.1 and 6.12) under QEMU and runs
# tests/kernels/guest.sh on each. The emulated machine has this machine's root file system,
# read-only, so that what was built here runs there. Prints one line per check and ends with "N passed, N failed". A kernel that
# apt does not offer is named and counted as skipped. With PATTERN ("test_dp_*",
# "roaming") only the test programs and stories of the scenario that it matches run. TIMEOUT is the limit per kernel in seconds.
set -uo pipefail
bin='' out='' only='' timeout=${TIMEOUT:-2400}
while [ $# -gt 0 ]; do
	case $1 in
	--bin) bin=$(realpath -m "$2"); shift 2 ;;
	--out) out=$(realpath -m "$2"); shift 2 ;;
	--only) only=$2; shift 2 ;;
	*) break ;;
	esac
done
if [ -z "$bin" ] || [ -z "$out" ]; then
	echo "usage: $0 --bin DIR --out DIR [--only PATTERN] [SERIES...]" >&2
	exit 2
fi
[ $# -gt 0 ] || set -- 6.1 6.12
here=$(cd "$(dirname "$0")" && pwd)
kernel_tests=$(realpath "$here/../tests/kernels")
passed=0 failed=0 skipped=0
qemu=
trap '[ -z "$qemu" ] || kill "$qemu" 2>/dev/null' EXIT
mkdir -p "$out" || exit 1

# The newest package of a series: with the plain kernel, signed or not as the archive has it.
package_of() {
	apt-cache search --names-only "^linux-image-${1//./\\.}\.[0-9.]+(-[0-9]+|\+deb[0-9]+)-amd64\$" |
		cut -d' ' -f1 | sort -V | tail -1
}

# Prints the directory of the unpacked package.
fetch() { # package
	local dir=$out/${1#linux-image-} deb
	if [ ! -e "$dir/unpacked" ]; then
		rm -rf "$dir" && mkdir -p "$dir" || return
		(cd "$dir" && apt-get download -q "$1") >"$dir/fetch.log" 2>&1 || return
		deb=$(echo "$dir"/*.deb)
		dpkg-deb -x "$deb" "$dir" && depmod -b "$dir" "$(ls "$dir/lib/modules")" || return
		rm -f "$deb" && touch "$dir/unpacked"
	fi
	echo "$dir"
}

# What the kernel needs to see the root file system; all else it loads from there by itself.
make_initrd() { # directory, release
	local tree=$1/initrd.d n=100 m name
	rm -rf "$tree" && mkdir -p "$tree"/{bin,dev,modules,proc} || return
	cp "$(command -v busybox)" "$tree/bin/" && cp "$kernel_tests/init" "$tree/init" || return
	while read -r m; do
		n=$((n + 1))
		name=$tree/modules/$n-$(basename "${m%.xz}")
		case $m in
		*.xz) xz -dc "$m" >"$name" || return ;;
		*) cp "$m" "$name" || return ;;
		esac
	done < <(modprobe -d "$1" -S "$2" -a --show-depends virtio_pci 9pnet_virtio 9p overlay |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }')
	(cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) >"$1/initrd" && rm -rf "$tree"
}

# Shows the guest's lines that came since the last call, and counts. The very last line may still
# be under way.
shown=0
show_news() { # console log
	local kind verdict took name
	while read -r kind verdict took name; do
		shown=$((shown + 1))
		case $kind in
		@check)
			printf '  %-6s %-60s %4d s\n' "$verdict" "$name" "$took"
			if [ "$verdict" = ok ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
			;;
		@note) echo "         $verdict $took $name" ;;
		@end) ended=1 ;;
		esac
	done < <(tr -d '\r' <"$1" | sed '$d' | grep -a '^@' | tail -n +$((shown + 1)))
}

run() { # directory, release
	local log=$1/console.log start=$SECONDS
	rm -rf "$1/logs" && mkdir -p "$1/logs" && : >"$log"
	shown=0 ended=
	qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-accel tcg,thread=multi -cpu max,la57=off -smp 2 -m 1536 -serial "file:$log" \
		-kernel "$1/boot/vmlinuz-$2" -initrd "$1/initrd" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr apparmor=0 audit=0 \
check.guest=$kernel_tests/guest.sh check.modules=$1/lib/modules check.bin=$bin check.only=$only" \
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-fsdev "local,id=out,path=$1/logs,security_model=none" \
		-device virtio-9p-pci,fsdev=out,mount_tag=out 2>"$1/qemu.log" </dev/null &
	qemu=$!
	while kill -0 "$qemu" 2>/dev/null && [ $((SECONDS - start)) -lt "$timeout" ]; do
		sleep 1
		show_news "$log"
	done
	kill "$qemu" 2>/dev/null
	wait "$qemu" 2>/dev/null
	qemu=
	echo >>"$log"
	show_news "$log"
	if [ -z "$ended" ]; then
		failed=$((failed + 1))
		echo "  FAILED the run ended early, after $((SECONDS - start)) s; end of $log:"
		tail -n 20 "$log" "$1/qemu.log"
	fi
	echo "         $2 took $((SECONDS - start)) s, logs in $1/logs"
}

find_and_fetch() { # series; sets package and dir
	package=$(package_of "$1")
	[ -n "$package" ] && dir=$(fetch "$package")
}

for series in "$@"; do
	# package lists may be missing or too old
	if ! find_and_fetch "$series" &&
		{ apt-get update -q >/dev/null 2>&1; ! find_and_fetch "$series"; }; then
		echo "$series: not checked, apt offers no linux-image of it (${package:-none found})"
		skipped=$((skipped + 1))
		continue
	fi
	release=$(ls "$dir/lib/modules")
	echo "$series: $package"
	if make_initrd "$dir" "$release"; then
		run "$dir" "$release"
	else
		echo "  FAILED cannot make an initial file system"
		failed=$((failed + 1))
	fi
done
if [ $skipped -ne 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ $failed -eq 0 ] && [ $passed -gt 0 ]
