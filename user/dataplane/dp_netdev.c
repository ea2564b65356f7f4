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
#define NETDEV_FAMILY		  "netdev"
#define NETDEV_CMD_DEV_GET	  1
#define NETDEV_A_DEV_IFINDEX	  1
#define NETDEV_A_DEV_XDP_FEATURES 3
#define NETDEV_XDP_ACT_NDO_XMIT	  (1 << 2)

#define GENL_MSG_LEN 8192

struct reply {
	unsigned attr; /* wanted */
	uint64_t value;
	bool found;
};

static int parse_attr(const struct nlattr *a, void *data)
{
	struct reply *r = data;

	if (mnl_attr_get_type(a) != r->attr)
		return MNL_CB_OK;
	switch (mnl_attr_get_payload_len(a)) {
	case 2:
		r->value = mnl_attr_get_u16(a);
		break;
	case 4:
		r->value = mnl_attr_get_u32(a);
		break;
	case 8:
		r->value = mnl_attr_get_u64(a);
		break;
	default:
		return MNL_CB_OK;
	}
	r->found = true;
	return MNL_CB_OK;
}

static int parse_msg(const struct nlmsghdr *h, void *data)
{
	mnl_attr_parse(h, sizeof(struct genlmsghdr), parse_attr, data);
	return MNL_CB_OK;
}

static int ask(struct dp_netdev *n, struct nlmsghdr *h, struct reply *r)
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
		ret = mnl_cb_run(buf, (size_t)len, n->seq, mnl_socket_get_portid(n->nl), parse_msg,
				 r);
		if (ret < 0)
			return -errno;
	}
	return r->found ? 0 : -ENODATA;
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

void dp_netdev_open(struct dp_netdev *n)
{
	struct timeval patience = {.tv_sec = 1};
	struct reply r = {.attr = CTRL_ATTR_FAMILY_ID};
	char buf[GENL_MSG_LEN];
	struct nlmsghdr *h;

	memset(n, 0, sizeof(*n));
	n->nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!n->nl)
		return;
	setsockopt(mnl_socket_get_fd(n->nl), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	h = request(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(h, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	if (mnl_socket_bind(n->nl, 0, MNL_SOCKET_AUTOPID) < 0 || ask(n, h, &r) < 0) {
		dp_netdev_close(n);
		return;
	}
	n->family = (uint16_t)r.value;
}

void dp_netdev_close(struct dp_netdev *n)
{
	if (n->nl)
		mnl_socket_close(n->nl);
	n->nl = NULL;
}

int dp_netdev_features(struct dp_netdev *n, unsigned ifindex, uint64_t *features)
{
	struct reply r = {.attr = NETDEV_A_DEV_XDP_FEATURES};
	char buf[GENL_MSG_LEN];
	struct nlmsghdr *h;
	int err;

	if (!n->nl)
		return -EOPNOTSUPP;
	h = request(buf, n->family, NETDEV_CMD_DEV_GET);
	mnl_attr_put_u32(h, NETDEV_A_DEV_IFINDEX, ifindex);
	err = ask(n, h, &r);
	if (err < 0)
		return err;
	*features = r.value;
	return 0;
}

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
