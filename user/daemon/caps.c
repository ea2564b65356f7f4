/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <cap-ng.h>
#include <errno.h>
#include <stdio.h>

#include "daemon/daemon.h"

/* Sockets, netlink and attaching programs; everything that needs more is done by now. */
static const unsigned kept[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_PERFMON};

int caps_drop(char *err, size_t cap)
{
	/* for ports 547 and 67, when a reload names the first DHCP server; who has it not does
	 * without */
	const bool bind_service = capng_have_capability(CAPNG_PERMITTED, CAP_NET_BIND_SERVICE);

	capng_clear(CAPNG_SELECT_BOTH);
	if (bind_service)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_BIND_SERVICE);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept[i]) < 0) {
			snprintf(err, cap, "cannot keep capability %s: libcap-ng does not know it",
				 capng_capability_to_name(kept[i]));
			return -EINVAL;
		}
	}
	if (capng_apply(CAPNG_SELECT_BOTH) < 0) {
		snprintf(err, cap, "cannot give up capabilities: is CAP_SETPCAP missing?");
		return -EPERM;
	}
	return 0;
}
