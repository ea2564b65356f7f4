/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int set(int fd, const char *ifname, uint32_t cmd, uint32_t value)
{
	struct ethtool_value v = {.cmd = cmd, .data = value};
	struct ifreq req = {.ifr_data = (char *)&v};

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ifname);
	return ioctl(fd, SIOCETHTOOL, &req) < 0 ? -errno : 0;
}

int ethtool_send_complete(const char *ifname)
{
	const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	/* Without checksums by the interface the kernel leaves no other kind of segmentation to it
	 * either. */
	rc = set(fd, ifname, ETHTOOL_STXCSUM, 0);
	if (!rc)
		rc = set(fd, ifname, ETHTOOL_STSO, 0);
	close(fd);
	return rc;
}
