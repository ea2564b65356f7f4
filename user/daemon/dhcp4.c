/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket of the DHCPv4 relay agent, which is part of the access side. It is there while servers
 * are configured. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"

int dhcp4_to_server(void *ctx, struct in_addr server, const void *msg, size_t len)
{
	const struct daemon *d = ctx;
	const struct in6_addr relay = addr_from_ip4(d->cfg->dhcp4_relay_addr);
	const struct in6_addr to = addr_from_ip4(server);

	if (!d->dhcp4_sock)
		return -ENOTCONN;
	return dhcp_sock_send(d->dhcp4_sock, nl_vrf_of_addr(d->nl, &relay), &to, msg, len);
}

static void on_datagram(void *ctx, const struct dhcp_rx *rx, nsec_t now)
{
	struct daemon *d = ctx;
	const struct iface *i = link_by_index(d, rx->ifindex);

	/* no node is a server, in whosever name it speaks */
	if (i && i->is_access)
		d->counter[DAEMON_C_FROM_ACCESS]++;
	else
		access_dhcp4_reply(d->access, addr_to_ip4(&rx->src), rx->data, rx->len, now);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;

	dhcp_sock_read(d->dhcp4_sock, 0, daemon_now());
}

void dhcp4_stop(struct daemon *d)
{
	ev_io_stop(d->loop, &d->dhcp4_io);
	dhcp_sock_free(&d->dhcp4_sock);
}

int dhcp4_prepare(struct daemon *d, const struct config *cfg, const char **why)
{
	const struct in6_addr relay = addr_from_ip4(cfg->dhcp4_relay_addr);
	int rc;

	if (!d->access || d->dhcp4_sock || !cfg->n_dhcp4_servers)
		return 0;
	rc = dhcp_sock_new(&d->dhcp4_sock, &relay, on_datagram, d);
	if (rc) {
		*why = rc == -EACCES ? "UDP port 67 of the relay address, for mag.dhcpv4-servers: "
				       "not permitted; root or CAP_NET_BIND_SERVICE"
		       : rc == -EADDRINUSE
			       ? "UDP port 67 of the relay address, for mag.dhcpv4-servers: "
				 "another relay agent or server has it"
			       : "UDP port 67 of the relay address, for mag.dhcpv4-servers: no "
				 "socket";
		return rc;
	}
	ev_io_init(&d->dhcp4_io, on_readable, dhcp_sock_fd(d->dhcp4_sock), EV_READ);
	d->dhcp4_io.data = d;
	ev_io_start(d->loop, &d->dhcp4_io);
	return 0;
}

void dhcp4_settle(struct daemon *d)
{
	const struct config *c = d->cfg;

	if (!d->access)
		return;
	access_dhcp4_servers(d->access, c->dhcp4_relay_addr, c->dhcp4_servers, c->n_dhcp4_servers);
	if (!c->n_dhcp4_servers)
		dhcp4_stop(d);
}
