/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_netdev.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "base/util.h"

/* linux/netdev.h came with 6.3; its numbers are ABI. */
#define NETDEV_FAMILY		   "netdev"
#define NETDEV_MCGRP_MGMT	   "mgmt"
#define NETDEV_CMD_DEV_GET	   1
#define NETDEV_A_DEV_IFINDEX	   1
#define NETDEV_A_DEV_XDP_FEATURES  3
#define NETDEV_XDP_ACT_NDO_XMIT	   (1 << 2)
#define NETDEV_XDP_ACT_NDO_XMIT_SG (1 << 6)

#define GENL_MSG_LEN 8192

static int ask(struct dp_netdev *n, struct nlmsghdr *h, mnl_cb_t parse, void *data)
{
	char buf[GENL_MSG_LEN];
	int ret = 1;

	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = ++n->seq;
	if (mnl_socket_sendto(n->nl, h, h->nlmsg_len) < 0)
		return -errno;
	while (ret > 0) {
		ssize_t len = mnl_socket_recvfrom(n->nl, buf, sizeof(buf));

		if (len < 0)
			return -errno;
		ret = mnl_cb_run(buf, (size_t)len, n->seq, mnl_socket_get_portid(n->nl), parse,
				 data);
		if (ret < 0)
			return -errno;
	}
	return 0;
}

static struct nlmsghdr *request(char *buf, uint16_t family, uint8_t cmd)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g;

	h->nlmsg_type = family;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->cmd = cmd;
	g->version = 1;
	return h;
}

/* ---- the family, and its multicast group */

struct family {
	uint16_t id;
	uint32_t mgmt; /* 0: no such group */
};

static int parse_group(const struct nlattr *a, void *data)
{
	struct family *f = data;
	const struct nlattr *in;
	const char *name = NULL;
	uint32_t id = 0;

	mnl_attr_for_each_nested(in, a)
	{
		if (mnl_attr_get_type(in) == CTRL_ATTR_MCAST_GRP_NAME &&
		    mnl_attr_validate(in, MNL_TYPE_NUL_STRING) >= 0)
			name = mnl_attr_get_str(in);
		else if (mnl_attr_get_type(in) == CTRL_ATTR_MCAST_GRP_ID &&
			 mnl_attr_validate(in, MNL_TYPE_U32) >= 0)
			id = mnl_attr_get_u32(in);
	}
	if (name && !strcmp(name, NETDEV_MCGRP_MGMT))
		f->mgmt = id;
	return MNL_CB_OK;
}

static int parse_family_attr(const struct nlattr *a, void *data)
{
	struct family *f = data;

	if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID && mnl_attr_validate(a, MNL_TYPE_U16) >= 0)
		f->id = mnl_attr_get_u16(a);
	if (mnl_attr_get_type(a) == CTRL_ATTR_MCAST_GROUPS)
		mnl_attr_parse_nested(a, parse_group, f);
	return MNL_CB_OK;
}

static int parse_family(const struct nlmsghdr *h, void *data)
{
	mnl_attr_parse(h, sizeof(struct genlmsghdr), parse_family_attr, data);
	return MNL_CB_OK;
}

static void open_events(struct dp_netdev *n, uint32_t group)
{
	n->events = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!n->events)
		return;
	if (mnl_socket_bind(n->events, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(n->events, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		mnl_socket_close(n->events);
		n->events = NULL;
	}
}

void dp_netdev_open(struct dp_netdev *n)
{
	struct timeval patience = {.tv_sec = 1};
	struct family f = {0};
	char buf[GENL_MSG_LEN];
	struct nlmsghdr *h;

	memset(n, 0, sizeof(*n));
	n->nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!n->nl)
		return;
	setsockopt(mnl_socket_get_fd(n->nl), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	h = request(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(h, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	if (mnl_socket_bind(n->nl, 0, MNL_SOCKET_AUTOPID) < 0 || ask(n, h, parse_family, &f) < 0 ||
	    !f.id) {
		dp_netdev_close(n);
		return;
	}
	n->family = f.id;
	if (f.mgmt)
		open_events(n, f.mgmt);
}

void dp_netdev_close(struct dp_netdev *n)
{
	if (n->nl)
		mnl_socket_close(n->nl);
	if (n->events)
		mnl_socket_close(n->events);
	n->nl = n->events = NULL;
}

/* ---- features */

struct device {
	uint32_t ifindex;
	uint64_t features;
	bool found;
};

static int parse_device_attr(const struct nlattr *a, void *data)
{
	struct device *dev = data;

	if (mnl_attr_get_type(a) == NETDEV_A_DEV_IFINDEX && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
		dev->ifindex = mnl_attr_get_u32(a);
	if (mnl_attr_get_type(a) == NETDEV_A_DEV_XDP_FEATURES &&
	    mnl_attr_validate(a, MNL_TYPE_U64) >= 0) {
		dev->features = mnl_attr_get_u64(a);
		dev->found = true;
	}
	return MNL_CB_OK;
}

static int parse_device(const struct nlmsghdr *h, void *data)
{
	mnl_attr_parse(h, sizeof(struct genlmsghdr), parse_device_attr, data);
	return MNL_CB_OK;
}

int dp_netdev_features(struct dp_netdev *n, unsigned ifindex, uint64_t *features)
{
	struct device dev = {0};
	char buf[GENL_MSG_LEN];
	struct nlmsghdr *h;
	int err;

	if (!n->nl)
		return -EOPNOTSUPP;
	h = request(buf, n->family, NETDEV_CMD_DEV_GET);
	mnl_attr_put_u32(h, NETDEV_A_DEV_IFINDEX, ifindex);
	err = ask(n, h, parse_device, &dev);
	if (err < 0)
		return err;
	if (!dev.found)
		return -ENODATA;
	*features = dev.features;
	return 0;
}

int dp_netdev_event_fd(const struct dp_netdev *n)
{
	return n->events ? mnl_socket_get_fd(n->events) : -1;
}

struct listener {
	void (*changed)(void *ctx, unsigned ifindex);
	void *ctx;
};

static int parse_event(const struct nlmsghdr *h, void *data)
{
	const struct listener *l = data;
	struct device dev = {0};

	parse_device(h, &dev);
	l->changed(l->ctx, dev.ifindex);
	return MNL_CB_OK;
}

void dp_netdev_events(struct dp_netdev *n, void (*changed)(void *ctx, unsigned ifindex), void *ctx)
{
	struct listener l = {changed, ctx};
	char buf[GENL_MSG_LEN];

	while (n->events) {
		ssize_t len = mnl_socket_recvfrom(n->events, buf, sizeof(buf));

		if (len >= 0) {
			mnl_cb_run(buf, (size_t)len, 0, 0, parse_event, &l);
		} else if (errno == ENOBUFS) {
			changed(ctx, 0); /* some were lost */
		} else if (errno != EINTR) {
			return;
		}
	}
}

/* ---- interfaces */

static bool interface_ioctl(const char *ifname, unsigned long what, struct ifreq *req)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok;

	if (fd < 0)
		return false;
	snprintf(req->ifr_name, sizeof(req->ifr_name), "%s", ifname);
	ok = ioctl(fd, what, req) == 0;
	close(fd);
	return ok;
}

bool dp_netdev_mac(const char *ifname, struct mac *out)
{
	struct ifreq req = {0};

	if (!interface_ioctl(ifname, SIOCGIFHWADDR, &req) ||
	    req.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return false;
	memcpy(out->b, req.ifr_hwaddr.sa_data, sizeof(out->b));
	return true;
}

int dp_netdev_leave_tags(const char *ifname, bool leave)
{
	struct ethtool_value v = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq req = {.ifr_data = (char *)&v};

	if (!interface_ioctl(ifname, SIOCETHTOOL, &req))
		return errno == EOPNOTSUPP ? 0 : -errno;
	if (!(v.data & ETH_FLAG_RXVLAN) == leave)
		return 0;
	v.cmd = ETHTOOL_SFLAGS;
	v.data ^= ETH_FLAG_RXVLAN;
	return interface_ioctl(ifname, SIOCETHTOOL, &req) ? 1 : -errno;
}

static bool driver_of(const char *ifname, char out[32])
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq req = {.ifr_data = (char *)&info};

	if (!interface_ioctl(ifname, SIOCETHTOOL, &req))
		return false;
	snprintf(out, 32, "%s", info.driver);
	return true;
}

/* Drivers of kernels before 6.3 that implement ndo_xdp_xmit. They need an XDP program of their
 * own to have the queues for it. */
static bool driver_takes_xdp(const char *driver)
{
	static const char *const drivers[] = {
		"atlantic", "bnxt_en",	 "cpsw",      "dpaa2-eth", "ena",	 "enetc",
		"fsl_dpa",  "fsl_enetc", "hv_netvsc", "i40e",	   "ice",	 "igb",
		"igc",	    "ixgbe",	 "mlx5_core", "mvneta",	   "mvpp2",	 "netsec",
		"qede",	    "sfc",	 "stmmac",    "tun",	   "virtio_net",
	};

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		if (!strcmp(driver, drivers[i]))
			return true;
	}
	return false;
}

bool dp_netdev_takes_pieces(struct dp_netdev *n, unsigned ifindex)
{
	uint64_t features;

	return dp_netdev_features(n, ifindex, &features) == 0 &&
	       features & NETDEV_XDP_ACT_NDO_XMIT_SG;
}

bool dp_netdev_takes_xdp(struct dp_netdev *n, unsigned ifindex, const char *ifname, bool native,
			 bool trusted)
{
	uint64_t features;
	char driver[32];

	if (dp_netdev_features(n, ifindex, &features) == 0)
		return features & NETDEV_XDP_ACT_NDO_XMIT;
	if (n->nl || !native || !driver_of(ifname, driver))
		return false;
	if (!strcmp(driver, "veth"))
		return trusted;
	return driver_takes_xdp(driver);
}
