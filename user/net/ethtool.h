/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What netlink does not set about interfaces. */
#pragma once

/* From now on the interface gets packets whole: checksums are complete, and what was to be
 * segmented is segmented. 0 or -errno. */
int ethtool_send_complete(const char *ifname);
