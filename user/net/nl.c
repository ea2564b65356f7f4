/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#define HASH_NONFATAL_OOM	 1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>

#include "base/log.h"
#include "net/nl_priv.h"

#define RCVBUF	   (8 << 20)
#define BUF_SIZE   (64 << 10)
#define READS_MAX  256 /* per nl_read(), so that a storm of events does not starve the rest */
#define DUMP_TRIES 5

struct link_entry {
	struct nl_link link;
	unsigned generation;
	UT_hash_handle hh;
	bool oom;
};

/* Listeners make requests while a dump is being read to them, so dumps have a socket and a buffer
 * of their own. */
struct channel {
	struct mnl_socket *sock;
	char buf[BUF_SIZE];
};

struct nl {
	struct channel monitor, request, dump;
	struct nl_listener *listeners;
	struct link_entry *links;
	unsigned generation; /* of the dump that confirmed a link last */
	unsigned seq;
	bool lost; /* notifications were lost: dump anew */
	struct nl_vrfs vrfs;
	uint64_t counter[NL_C_MAX];
	struct log_limit log;
};

static const struct counter_desc counter_desc[] = {NL_COUNTERS(COUNTER_DESC)};

static int open_channel(struct channel *c, int flags, unsigned groups)
{
	/* The kernel answers within the system call; this only bounds a bug. */
	const struct timeval patience = {.tv_sec = 2};

	c->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);
	if (!c->sock)
		return -errno;
	if (mnl_socket_bind(c->sock, groups, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(c->sock), SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)))
		return -errno;
	return 0;
}

/* Beyond what bind() can say. A kernel without that group has nothing to tell. */
static void join(struct channel *c, unsigned group)
{
	mnl_socket_setsockopt(c->sock, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
}

int nl_new(struct nl **out)
{
	const unsigned groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV6_IFADDR |
				RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_ROUTE |
				RTMGRP_IPV4_RULE;
	struct nl *nl = calloc(1, sizeof(*nl));
	int rc, fd, size = RCVBUF;

	if (!nl)
		return -ENOMEM;
	rc = open_channel(&nl->monitor, SOCK_NONBLOCK, groups);
	if (!rc)
		rc = open_channel(&nl->request, 0, 0);
	if (!rc)
		rc = open_channel(&nl->dump, 0, 0);
	if (rc) {
		nl_free(&nl);
		return rc;
	}
	fd = mnl_socket_get_fd(nl->monitor.sock);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	join(&nl->monitor, RTNLGRP_IPV6_RULE);
	join(&nl->monitor, RTNLGRP_NEXTHOP);
	*out = nl;
	return 0;
}

void nl_free(struct nl **p)
{
	struct link_entry *e, *tmp;
	struct nl *nl = *p;

	if (!nl)
		return;
	if (nl->monitor.sock)
		mnl_socket_close(nl->monitor.sock);
	if (nl->request.sock)
		mnl_socket_close(nl->request.sock);
	if (nl->dump.sock)
		mnl_socket_close(nl->dump.sock);
	HASH_ITER (hh, nl->links, e, tmp) {
		HASH_DEL(nl->links, e);
		free(e);
	}
	free(nl);
	*p = NULL;
}

void nl_listen(struct nl *nl, struct nl_listener *l)
{
	struct nl_listener **at = &nl->listeners;

	while (*at)
		at = &(*at)->next;
	l->next = NULL;
	*at = l;
}

void nl_unlisten(struct nl *nl, struct nl_listener *l)
{
	for (struct nl_listener **at = &nl->listeners; *at; at = &(*at)->next)
		if (*at == l) {
			*at = l->next;
			return;
		}
}

/* ---- link table ---- */

static struct link_entry *find_link(const struct nl *nl, unsigned ifindex)
{
	struct link_entry *e;

	HASH_FIND(hh, nl->links, &ifindex, sizeof(ifindex), e);
	return e;
}

const struct nl_link *nl_link_by_index(const struct nl *nl, unsigned ifindex)
{
	struct link_entry *e = find_link(nl, ifindex);

	return e ? &e->link : NULL;
}

const struct nl_link *nl_link_by_name(const struct nl *nl, const char *name)
{
	struct link_entry *e, *tmp;

	HASH_ITER (hh, nl->links, e, tmp)
		if (!strcmp(e->link.name, name))
			return &e->link;
	return NULL;
}

void nl_walk_links(const struct nl *nl, void (*cb)(void *ctx, const struct nl_link *l), void *ctx)
{
	struct link_entry *e, *tmp;

	HASH_ITER (hh, nl->links, e, tmp)
		cb(ctx, &e->link);
}

static void tell_link(struct nl *nl, const struct nl_link *l, const struct nl_link *old, bool gone,
		      nsec_t now)
{
	for (struct nl_listener *i = nl->listeners; i; i = i->next)
		if (i->link)
			i->link(i->ctx, l, old, gone, now);
}

static bool same_link(const struct nl_link *a, const struct nl_link *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->kind, b->kind) && a->master == b->master &&
	       a->mtu == b->mtu && a->up == b->up && a->running == b->running &&
	       a->ethernet == b->ethernet && a->vlan.lower == b->vlan.lower &&
	       a->vlan.proto == b->vlan.proto && a->vlan.id == b->vlan.id &&
	       mac_eq(&a->mac, &b->mac) && a->peer == b->peer && !strcmp(a->alias, b->alias);
}

static void link_changed(struct nl *nl, const struct nl_link *l, nsec_t now)
{
	struct link_entry *e = find_link(nl, l->ifindex);
	struct nl_link old;

	if (!e) {
		e = calloc(1, sizeof(*e));
		if (e) {
			e->link = *l;
			e->generation = nl->generation;
			HASH_ADD(hh, nl->links, link.ifindex, sizeof(e->link.ifindex), e);
		}
		if (!e || e->oom) {
			log_msg(LOG_C_LOCAL, "netlink: no memory for interface %s", l->name);
			free(e);
			return;
		}
		tell_link(nl, &e->link, NULL, false, now);
		return;
	}
	e->generation = nl->generation;
	if (same_link(&e->link, l))
		return;
	old = e->link;
	e->link = *l;
	tell_link(nl, &e->link, &old, false, now);
}

static void link_gone(struct nl *nl, struct link_entry *e, nsec_t now)
{
	HASH_DEL(nl->links, e);
	tell_link(nl, &e->link, &e->link, true, now);
	free(e);
}

/* ---- notifications ---- */

static int on_link(struct nl *nl, const struct nlmsghdr *h, nsec_t now)
{
	struct nl_link l;
	int rc = nl_parse_link(h, &l);

	if (rc)
		return rc;
	if (h->nlmsg_type == RTM_NEWLINK) {
		link_changed(nl, &l, now);
	} else {
		struct link_entry *e = find_link(nl, l.ifindex);

		if (e)
			link_gone(nl, e, now);
	}
	return 0;
}

static int on_addr(struct nl *nl, const struct nlmsghdr *h, nsec_t now)
{
	struct nl_addr a;
	int rc = nl_parse_addr(h, &a);

	for (struct nl_listener *i = nl->listeners; !rc && i; i = i->next)
		if (i->addr)
			i->addr(i->ctx, &a, h->nlmsg_type == RTM_DELADDR, now);
	return rc;
}

static int on_route(struct nl *nl, const struct nlmsghdr *h, nsec_t now)
{
	struct prefix6 dst;
	int rc = nl_parse_route(h, &dst);

	for (struct nl_listener *i = nl->listeners; !rc && i; i = i->next)
		if (i->route)
			i->route(i->ctx, &dst, h->nlmsg_type == RTM_DELROUTE, now);
	return rc;
}

static int on_fdb(struct nl *nl, const struct nlmsghdr *h, nsec_t now)
{
	struct nl_fdb f;
	int rc = nl_parse_fdb(h, &f);

	if (!rc && !f.bridge) {
		const struct nl_link *port = nl_link_by_index(nl, f.port);

		f.bridge = port ? port->master : 0;
	}
	for (struct nl_listener *i = nl->listeners; !rc && i; i = i->next)
		if (i->fdb)
			i->fdb(i->ctx, &f, h->nlmsg_type == RTM_DELNEIGH, now);
	return rc;
}

static int on_neigh(struct nl *nl, const struct nlmsghdr *h, nsec_t now)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(h);
	struct nl_neigh_raw raw;
	int rc;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*ndm))
		return -EBADMSG;
	if (ndm->ndm_family == AF_BRIDGE)
		return on_fdb(nl, h, now);
	rc = nl_parse_neigh(h, &raw);
	for (struct nl_listener *i = nl->listeners; !rc && i; i = i->next)
		if (i->neigh)
			i->neigh(i->ctx, &raw.neigh, h->nlmsg_type == RTM_DELNEIGH, now);
	return rc;
}

static bool is_gone(uint16_t type)
{
	/* RTM_NEW..., RTM_DEL..., RTM_GET..., RTM_SET...: four of a kind */
	return (type & 3) == 1;
}

static void tell_routing(struct nl *nl, const struct nlmsghdr *h, nsec_t now)
{
	struct nl_routing r = {.what = NL_ROUTING_OTHER, .gone = is_gone(h->nlmsg_type)};

	switch (h->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWRULE:
	case RTM_DELRULE:
		if (nl_parse_routing(h, &r))
			return;
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		/* AF_BRIDGE: which port of a bridge is not what a route says */
		if (mnl_nlmsg_get_payload_len(h) < sizeof(struct ndmsg) ||
		    ((const struct ndmsg *)mnl_nlmsg_get_payload(h))->ndm_family == AF_BRIDGE)
			return;
		break;
	default:
		break;
	}
	for (struct nl_listener *i = nl->listeners; i; i = i->next)
		if (i->routing)
			i->routing(i->ctx, &r, now);
}

struct nl_vrfs *nl_vrfs(struct nl *nl)
{
	return &nl->vrfs;
}

static void dispatch(struct nl *nl, const struct nlmsghdr *h, nsec_t now)
{
	int rc;

	if (h->nlmsg_type != RTM_NEWNEIGH && h->nlmsg_type != RTM_DELNEIGH)
		nl->vrfs = (struct nl_vrfs){0};

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		rc = on_link(nl, h, now);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		rc = on_addr(nl, h, now);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		rc = on_route(nl, h, now);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		rc = on_neigh(nl, h, now);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		rc = 0;
		break;
	default:
		return;
	}
	/* after the table of links knows it */
	tell_routing(nl, h, now);
	nl->counter[NL_C_EVENTS]++;
	if (rc == -EBADMSG)
		nl->counter[NL_C_MALFORMED]++;
}

/* ---- requests and dumps ---- */

/* Receives what answers request `seq`, up to the acknowledgement, the end of the dump, or, when
 * neither is due, the first answer. */
static int receive_answer(struct channel *c, unsigned seq, bool more,
			  int (*answer)(void *ctx, const struct nlmsghdr *h), void *ctx)
{
	bool interrupted = false;
	int rc = 0;

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(c->sock, c->buf, BUF_SIZE);
		const struct nlmsghdr *h = (const struct nlmsghdr *)c->buf;
		int len = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		for (; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
			if (h->nlmsg_seq != seq) /* an answer that came too late */
				continue;
			if (h->nlmsg_flags & NLM_F_DUMP_INTR)
				interrupted = true;
			if (h->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

				if (mnl_nlmsg_get_payload_len(h) < sizeof(*e))
					return -EBADMSG;
				return e->error ? e->error : rc;
			}
			if (h->nlmsg_type == NLMSG_DONE)
				return interrupted ? -EINTR : rc;
			if (answer) {
				int one = answer(ctx, h);

				if (one && !rc)
					rc = one;
			}
			if (!more)
				return rc;
		}
	}
}

static int talk(struct nl *nl, struct channel *c, struct nlmsghdr *req,
		int (*answer)(void *ctx, const struct nlmsghdr *h), void *ctx)
{
	bool more = req->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP);
	int rc;

	req->nlmsg_seq = ++nl->seq;
	nl->counter[NL_C_REQUESTS]++;
	if (mnl_socket_sendto(c->sock, req, req->nlmsg_len) < 0)
		rc = -errno;
	else
		rc = receive_answer(c, req->nlmsg_seq, more, answer, ctx);
	/* Looking for what is not there is no failure of the request. */
	if (rc && (req->nlmsg_type != RTM_GETNEIGH || rc != -ENOENT) &&
	    (req->nlmsg_type != RTM_GETLINK || rc != -ENODEV))
		nl->counter[NL_C_REQUESTS_FAILED]++;
	return rc;
}

int nl_talk(struct nl *nl, struct nlmsghdr *req, int (*answer)(void *ctx, const struct nlmsghdr *h),
	    void *ctx)
{
	return talk(nl, &nl->request, req, answer, ctx);
}

struct dump {
	struct nl *nl;
	nsec_t now;
};

static int dump_answer(void *ctx, const struct nlmsghdr *h)
{
	struct dump *d = ctx;

	dispatch(d->nl, h, d->now);
	return 0;
}

int nl_dump(struct nl *nl, uint16_t type, uint8_t family, size_t header,
	    int (*answer)(void *ctx, const struct nlmsghdr *h), void *ctx)
{
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < DUMP_TRIES; i++) {
		char buf[NL_REQUEST_MAX];
		struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

		h->nlmsg_type = type;
		h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		*(uint8_t *)mnl_nlmsg_put_extra_header(h, header) = family; /* first in each */
		rc = talk(nl, &nl->dump, h, answer, ctx);
	}
	return rc == -EINTR ? 0 : rc; /* changes meanwhile come as notifications */
}

static int dump_one(struct nl *nl, uint16_t type, uint8_t family, size_t header, nsec_t now)
{
	struct dump d = {nl, now};

	return nl_dump(nl, type, family, header, dump_answer, &d);
}

static int dump_all(struct nl *nl, nsec_t now)
{
	struct link_entry *e, *tmp;
	int rc;

	nl->generation++;
	rc = dump_one(nl, RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg), now);
	if (rc)
		return rc;
	HASH_ITER (hh, nl->links, e, tmp)
		if (e->generation != nl->generation)
			link_gone(nl, e, now);
	rc = dump_one(nl, RTM_GETADDR, AF_INET6, sizeof(struct ifaddrmsg), now);
	if (!rc)
		rc = dump_one(nl, RTM_GETNEIGH, AF_INET6, sizeof(struct ndmsg), now);
	if (!rc)
		rc = dump_one(nl, RTM_GETNEIGH, AF_BRIDGE, sizeof(struct ndmsg), now);
	/* A kernel without bridges has none to show. */
	return rc == -EOPNOTSUPP ? 0 : rc;
}

int nl_start(struct nl *nl, nsec_t now)
{
	return dump_all(nl, now);
}

int nl_fd(const struct nl *nl)
{
	return mnl_socket_get_fd(nl->monitor.sock);
}

static void resync(struct nl *nl, nsec_t now)
{
	int rc = dump_all(nl, now);

	if (rc) {
		nl->lost = true; /* again with the next read */
		log_limited(&nl->log, now, LOG_C_LOCAL, "netlink: dump failed: %s", strerror(-rc));
		return;
	}
	for (struct nl_listener *i = nl->listeners; i; i = i->next)
		if (i->resync)
			i->resync(i->ctx, now);
}

void nl_read(struct nl *nl, nsec_t now)
{
	for (unsigned reads = 0; reads < READS_MAX; reads++) {
		ssize_t n = mnl_socket_recvfrom(nl->monitor.sock, nl->monitor.buf, BUF_SIZE);
		const struct nlmsghdr *h = (const struct nlmsghdr *)nl->monitor.buf;
		int len = (int)n;

		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno == ENOBUFS || errno == ENOSPC) {
				nl->counter[NL_C_OVERRUNS]++;
				nl->lost = true;
				continue; /* what is still queued is older than the dump */
			}
			break;
		}
		for (; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len))
			dispatch(nl, h, now);
	}
	if (nl->lost) {
		nl->lost = false;
		resync(nl, now);
	}
}

struct counter_set nl_counters(const struct nl *nl)
{
	return (struct counter_set){"netlink", counter_desc, nl->counter, NL_C_MAX};
}
