#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is checked on a kernel; runs as the first process of the emulated machine. One line that
# begins with "@" per check on the console; the full output of each goes to /out.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root
# Emulation is slow: what a test waits for may take this many times as long.
export PMIP_PATIENCE=8
top=$(cd "$(dirname "$0")/../.." && pwd)
# From the kernel command line: where the build is, and which programs of it run.
bin=${bin:?} only=${only:-}

prepare() {
	mount -t sysfs sys /sys
	mount -t tmpfs run /run
	mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
	mount -t bpf bpf /sys/fs/bpf
	modprobe tun # its device is there from then on
	ip link set lo up
	# Namespaces and interfaces go without waiting.
	echo 1 >/sys/kernel/rcu_expedited
}

check() { # name command...
	local name=$1 start=$SECONDS rc verdict=ok
	local log=/out/${name// /-}.log
	shift
	"$@" >"$log" 2>&1 </dev/null
	rc=$?
	[ $rc -eq 0 ] || verdict=FAILED
	echo "@check $verdict $((SECONDS - start)) $name"
	if [ $rc -ne 0 ]; then
		echo "@note exit $rc, the end of ${log#/out/}:"
		tail -40 "$log" | sed 's/^/@note   /'
	fi
}

# Every test program whose number leaves this remainder by two.
programs() { # remainder
	local t n=0
	for t in "$bin"/tests/kernels/test_* "$bin"/tests/bpf/test_* "$bin"/tests/unit/net/test_*; do
		case $t in
		*.o | *.d) continue ;;
		*/test_dp_race | */test_dp_egress | */test_verifier)
			continue # millions of packets that race; loads what test_load does
			;;
		esac
		[ -e "$t" ] || continue
		# shellcheck disable=SC2053 # a pattern
		[ -z "$only" ] || [[ $(basename "$t") == $only ]] || continue
		[ $((n++ % 2)) -ne "$1" ] || check "$(basename "$t")" "$t"
	done
}

scenario() {
	/usr/bin/python3 "$top/tests/kernels/scenario.py" "$bin" ${only:+"$only"} 2>/out/scenario.log
	case $? in
	0 | 2) ;; # its steps have spoken for themselves
	*)
		echo "@check FAILED 0 scenario ended early"
		sed 's/^/@note   /' /out/scenario.log
		;;
	esac
}

main() {
	local complaints='WARNING:|BUG:|Oops|RIP:|blocked for more|detected stall|soft lockup'

	prepare
	cd "$top" || exit
	echo "@note $(uname -r) after $(cut -d' ' -f1 /proc/uptime) s"
	# The scenario mostly waits, the programs mostly compute.
	programs 0 &
	programs 1 &
	scenario
	wait
	grep -s verified /out/test_load.log | sort -t: -k2,2n | tail -1 |
		sed 's/^/@note the most for the verifier: /'
	check "no kernel complaint" sh -c "! dmesg | grep -E '$complaints'"
	echo "@end after $(cut -d' ' -f1 /proc/uptime) s"
	sync
	echo o >/proc/sysrq-trigger
	sleep 10
}

main
