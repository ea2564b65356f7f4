/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node's IPv4 home address as the MAG sees it (RFC 5844 3.2).
 *
 * A registration asks for one whenever the profile allows it, unless the node gave its address back
 * by DHCP and has not asked again, or the LMA said that the node may have none, or that there is
 * none left.
 *
 * Giving back is a selective de-registration: it takes IPv4 from the node at once, is sent once,
 * and has INITIAL_BINDACK_TIMEOUT to be answered; the session goes on either way. It takes the
 * place of a refresh that is open, which is made up for afterwards. What the LMA did not confirm is
 * named once more when the whole session is de-registered.
 */
#include "mag/mag_int.h"

/* A home address by itself: RFC 5844 has the MAG learn the home network's length from the LMA. */
#define HOST_LEN 32

bool mag_wants4(const struct mag *m, const struct mag_session *s)
{
	const struct profile *p = mag_profile(m, &s->b.mnid);

	return p && p->ipv4 && !s->released4 && !s->refused4 && !s->short4;
}

/* RFC 5844 3.2.3.1, 3.2.3.3 */
void mag_add_home4(const struct mag *m, struct mag_session *s, struct mh_msg *msg)
{
	const struct profile *p = mag_profile(m, &s->b.mnid);
	struct home4 h = s->b.home4;
	struct mh_opt *o;

	s->req.hoa4 = home4_is_set(&h);
	switch (s->req.kind) {
	case MRK_RETURN4:
		h = s->returned4;
		s->req.hoa4 = true;
		break;
	case MRK_DEREGISTER:
		if (!s->req.hoa4)
			h = s->returned4;
		s->req.hoa4 = s->req.hoa4 || home4_is_set(&h) || s->asked4;
		break;
	default:
		if (s->req.hoa4 || !mag_wants4(m, s))
			break;
		s->req.hoa4 = true;
		if (p && !s->any_addr4 && p->home4.s_addr)
			h = (struct home4){.addr = p->home4, .len = HOST_LEN};
		s->asked4 = true;
		break;
	}
	s->req.named4 = home4_is_set(&h);
	o = s->req.hoa4 ? mh_opt_add(msg, MHO_IPV4_HOA_REQUEST) : NULL;
	if (o && s->req.named4) {
		o->hoa4.addr = h.addr;
		o->hoa4.len = h.len;
	}
}

static bool is_host_of(const struct prefix4 *net, struct in_addr a)
{
	uint32_t host = ntohl(a.s_addr & ~prefix4_mask(net->len).s_addr);

	if (!addr4_is_unicast_routable(a) || !prefix4_has_addr(net, a))
		return false;
	/* neither the network's own address nor its broadcast address; RFC 3021 has none of them */
	return net->len >= 31 || (host && host != ~0u >> net->len);
}

/* An address that belongs to this MAG or to an LMA is no node's. */
static bool is_infrastructure(const struct mag *m, struct in_addr a)
{
	struct in6_addr mapped = addr_from_ip4(a);

	return addr6_eq(&mapped, &m->cfg.ipv4_proxy_coa) || mag_lma_by_addr(m, &mapped);
}

bool mag_home4_is_fit(const struct mag *m, struct in_addr a, uint8_t len)
{
	struct prefix4 net = {.len = len};

	if (!len || len > 31)
		return false;
	net.addr.s_addr = a.s_addr & prefix4_mask(len).s_addr;
	return is_host_of(&net, a) && !is_infrastructure(m, a);
}

struct in_addr mag_first_router(const struct prefix4 *net, struct in_addr node)
{
	struct in_addr a = {.s_addr = net->addr.s_addr | htonl(net->len < 31)};

	if (a.s_addr == node.s_addr)
		a.s_addr = htonl(ntohl(a.s_addr) + 1);
	return a;
}

/*
 * RFC 5844 3.1.2.6 has the Default-Router option come with status 0 and with no other, RFC 5845 has
 * acceptances with status 2 and 3. Where it may be missing, the router that the node knows stays,
 * or else it is the first address of the home network: whatever its address, it is this MAG.
 */
static struct in_addr router_of(const struct mag_session *s, const struct mh_msg *msg,
				const struct prefix4 *net, struct in_addr node)
{
	const struct mh_opt *o = mh_opt(msg, MHO_IPV4_DEFAULT_ROUTER);
	struct in_addr a = {0};

	if (o)
		return o->addr4;
	if (msg->ba.status == PBA_ACCEPTED)
		return a;
	if (prefix4_has_addr(net, s->b.home4.router) && s->b.home4.router.s_addr != node.s_addr)
		return s->b.home4.router;
	return mag_first_router(net, node);
}

static bool read_reply(const struct mag *m, const struct mag_session *s, const struct mh_msg *msg,
		       const struct mh_opt *o, struct home4 *out)
{
	struct home4 h = {.addr = o->hoa4.addr, .len = o->hoa4.len, .domain = s->domain};
	struct prefix4 net = {.len = h.len};

	if (!mag_home4_is_fit(m, h.addr, h.len))
		return false;
	net.addr.s_addr = h.addr.s_addr & prefix4_mask(h.len).s_addr;
	h.router = router_of(s, msg, &net, h.addr);
	if (!is_host_of(&net, h.router) || h.addr.s_addr == h.router.s_addr)
		return false;
	*out = h;
	return true;
}

void mag_read_home4(struct mag *m, struct mag_session *s, const struct mh_msg *msg,
		    struct mag_grant *grant, nsec_t now)
{
	const struct mh_opt *o = mh_opt(msg, MHO_IPV4_HOA_REPLY);
	const struct mh_opt *mode = mh_opt(msg, MHO_IPV4_DHCP_MODE);
	char addr[ADDR6_STRLEN];
	struct in6_addr mapped;

	if (!s->req.hoa4)
		return;
	if (!o || o->hoa4.status >= 128) {
		mag_count_up(m, MAG_C_HOME4_REFUSED);
		mag_log(m, s, &s->lma->limit, now, LOG_C_REMOTE,
			"%s gave no IPv4 home address: %s %u", s->lma->name,
			o ? "status" : "no option", o ? o->hoa4.status : MHO_IPV4_HOA_REPLY);
		return;
	}
	mapped = addr_from_ip4(o->hoa4.addr);
	if (!read_reply(m, s, msg, o, &grant->home4)) {
		mag_count_up(m, MAG_C_HOME4_UNFIT);
		mag_log(m, s, &s->lma->limit, now, LOG_C_REMOTE,
			"%s gave IPv4 home address %s/%u, which with its default router is not fit "
			"for use",
			s->lma->name, addr_str(&mapped, addr), o->hoa4.len);
		return;
	}
	if (s->domain && !dp_encap_keyed(grant->encap)) {
		mag_count_up(m, MAG_C_HOME4_NO_KEY);
		mag_log(m, s, &s->lma->limit, now, LOG_C_REMOTE,
			"%s gave IPv4 home address %s of domain %u without GRE keys", s->lma->name,
			addr_str(&mapped, addr), s->domain);
		grant->home4 = (struct home4){0};
		return;
	}
	grant->dhcp_relay = !mode || !mode->server;
}

void mag_return_home4(struct mag *m, struct mag_session *s, const char *cause, nsec_t now)
{
	struct mag_ctx c = {.m = m, .now = now, .cause = cause};

	mag_step(s, s->b.n_prefixes ? MEV_RETURN4 : MEV_DETACH, &c);
}
