# SPDX-License-Identifier: GPL-2.0-or-later
"""dhclient on a mobile node, for IPv4. It knows nothing of mobility."""

import shutil
import signal

from netns import end_process, wait_until

# What a dhclient-script is for, as far as one interface goes; the host's own files stay alone.
SCRIPT = """#!/bin/sh
case $reason in
PREINIT)
	ip link set $interface up ;;
BOUND|REBOOT|RENEW|REBIND)
	ip -4 addr replace $new_ip_address/$new_subnet_mask broadcast + dev $interface
	[ -z "$new_interface_mtu" ] || ip link set $interface mtu $new_interface_mtu
	ip -4 route replace default via $new_routers dev $interface ;;
EXPIRE|FAIL|RELEASE|STOP)
	ip -4 addr flush dev $interface ;;
esac
echo $reason $new_ip_address $new_dhcp_server_identifier $new_dhcp_lease_time >>"${0%/*}/reasons"
"""


class Dhclient:
    """It runs as a copy, which no AppArmor profile of Debian's forbids to use files elsewhere."""

    def __init__(self, node, directory):
        self.node, self.dir, self.proc = node, directory, None
        directory.mkdir(parents=True, exist_ok=True)
        self.program = shutil.copy(shutil.which("dhclient", path="/usr/sbin:/sbin"), directory)
        (directory / "script").write_text(SCRIPT)
        (directory / "script").chmod(0o755)
        (directory / "conf").write_text(
            "timeout 20; initial-interval 1; backoff-cutoff 2;\n"
            "request subnet-mask, broadcast-address, routers, interface-mtu, "
            "domain-name-servers;\n")
        (directory / "leases").write_text("")

    def start(self):
        with open(self.dir / "log", "a") as log:
            self.proc = self.node.popen(
                self.program, "-4", "-d", "-lf", self.dir / "leases", "-pf", self.dir / "pid",
                "-sf", self.dir / "script", "-cf", self.dir / "conf", self.node.ifname,
                stdout=log, stderr=log)

    def stop(self):
        """It says nothing; the address stays where it is."""
        self.proc.send_signal(signal.SIGKILL)
        end_process(self.proc)

    def reports(self):
        """[reason, address, server identifier, lease time] of what it told its script."""
        f = self.dir / "reasons"
        return [x.split() for x in f.read_text().splitlines()] if f.exists() else []

    def wait(self, reasons=("BOUND", "REBOOT"), timeout=15, after=0):
        """The first such report after that many of any kind."""
        def find():
            return next((r for r in self.reports()[after:] if r[0] in reasons), None)
        try:
            return wait_until(find, timeout, f"dhclient to report {' or '.join(reasons)}")
        except Exception as e:
            raise AssertionError(f"{e}\n{(self.dir / 'log').read_text()[-3000:]}") from None

    def address(self):
        """The node's IPv4 address, whoever gave it; None."""
        for link in self.node.ip_json("-4", "addr", "show", "dev", self.node.ifname):
            for a in link.get("addr_info", []):
                return a["local"]
        return None
