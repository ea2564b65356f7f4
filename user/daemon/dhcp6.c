/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DHCPv6 relay agent between the access links and the socket towards its servers. The socket is
 * there while servers are configured. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"

static bool find(void *ctx, const struct link_node *id, struct dhcp6_node *out)
{
	const struct daemon *d = ctx;

	return access_dhcp6_node(d->access, id, out);
}

static unsigned ifindex(void *ctx, const char *ifname)
{
	const struct iface *i = link_by_name(ctx, ifname);

	return i && i->is_access ? i->ifindex : 0;
}

static int to_server(void *ctx, const struct in6_addr *server, const void *msg, size_t len)
{
	const struct daemon *d = ctx;

	if (!d->dhcp6_sock)
		return -ENOTCONN;
	return dhcp_sock_send(d->dhcp6_sock, nl_vrf_of_addr(d->nl, &d->cfg->mag.proxy_coa), server,
			      msg, len);
}

static int to_link(void *ctx, unsigned ifindex, const void *frame, size_t len)
{
	const struct daemon *d = ctx;

	return frame_sock_send(d->frames, ifindex, frame, len);
}

static void on_datagram(void *ctx, const struct dhcp_rx *rx, nsec_t now)
{
	struct daemon *d = ctx;
	const struct iface *i = link_by_index(d, rx->ifindex);

	/* no node is a server, in whosever name it speaks */
	if (i && i->is_access)
		d->counter[DAEMON_C_FROM_ACCESS]++;
	else
		dhcp6_relay_reply(d->dhcp6, &rx->src, rx->data, rx->len, now);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;

	dhcp_sock_read(d->dhcp6_sock, 0, daemon_now());
}

int dhcp6_start(struct daemon *d)
{
	const struct dhcp6_relay_ops ops = {
		.ctx = d,
		.find = find,
		.ifindex = ifindex,
		.to_server = to_server,
		.to_link = to_link,
	};

	return dhcp6_relay_new(&d->dhcp6, &ops);
}

void dhcp6_stop(struct daemon *d)
{
	ev_io_stop(d->loop, &d->dhcp6_io);
	dhcp_sock_free(&d->dhcp6_sock);
	dhcp6_relay_free(&d->dhcp6);
}

int dhcp6_prepare(struct daemon *d, const struct config *cfg, const char **why)
{
	int rc;

	if (!d->dhcp6 || d->dhcp6_sock || !cfg->n_dhcp6_servers)
		return 0;
	rc = dhcp_sock_new(&d->dhcp6_sock, &cfg->mag.proxy_coa, on_datagram, d);
	if (rc) {
		*why = rc == -EACCES ? "UDP port 547 of the Proxy-CoA, for mag.dhcpv6-servers: not "
				       "permitted; root or CAP_NET_BIND_SERVICE"
		       : rc == -EADDRINUSE
			       ? "UDP port 547 of the Proxy-CoA, for mag.dhcpv6-servers: another "
				 "relay "
				 "agent or server has it"
			       : "UDP port 547 of the Proxy-CoA, for mag.dhcpv6-servers: no socket";
		return rc;
	}
	ev_io_init(&d->dhcp6_io, on_readable, dhcp_sock_fd(d->dhcp6_sock), EV_READ);
	d->dhcp6_io.data = d;
	ev_io_start(d->loop, &d->dhcp6_io);
	return 0;
}

void dhcp6_settle(struct daemon *d)
{
	if (!d->dhcp6)
		return;
	dhcp6_relay_servers(d->dhcp6, d->cfg->dhcp6_servers, d->cfg->n_dhcp6_servers);
	if (d->cfg->n_dhcp6_servers)
		return;
	ev_io_stop(d->loop, &d->dhcp6_io);
	dhcp_sock_free(&d->dhcp6_sock);
}
