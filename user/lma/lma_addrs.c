/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The home addresses of a session as a whole: what a registration gives it, adds to it and takes
 * from it (RFC 5213 5.3.2, RFC 5844 3.1.2.1, 3.1.2.2, 3.1.2.4).
 *
 * A session's prefixes are fixed while it has any, and so is its IPv4 home address. A family that
 * it has not is added when a request asks for it. A family that it has and that the request of
 * another MAG does not name is released: the node is now where nobody serves it.
 */
#include "lma/lma_priv.h"

#include <string.h>

void lma_addrs_of(const struct bce *b, struct lma_addrs *out)
{
	out->n = bce_prefixes(b, out->prefixes);
	out->home4 = bce_home4(b);
}

bool lma_addrs_eq(const struct lma_addrs *a, const struct lma_addrs *b)
{
	if (a->n != b->n || !home4_eq(&a->home4, &b->home4))
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!prefix6_eq(&a->prefixes[i], &b->prefixes[i]))
			return false;
	return true;
}

void lma_addrs_release(struct lma *l, const struct lma_addrs *a, const struct lma_addrs *kept)
{
	/* a family changes as a whole, or not at all */
	if (!kept || !kept->n)
		lma_prefix_release(l, a->prefixes, a->n);
	if (!kept || !home4_is_set(&kept->home4))
		lma_home4_release(l, &a->home4);
}

bool lma_addrs_other_home4(const struct lma_req *r, const struct lma_addrs *a)
{
	return r->n_hoa4 && r->hoa4.addr.s_addr && home4_is_set(&a->home4) &&
	       r->hoa4.addr.s_addr != a->home4.addr.s_addr;
}

static enum pba_status plan_prefixes(struct lma_job *j, bool handoff, struct lma_addrs *a,
				     const char **why)
{
	if (!j->req->n_hnp && handoff)
		a->n = 0;
	if (!j->req->n_hnp || a->n)
		return PBA_ACCEPTED;
	return lma_prefix_assign(j, a->prefixes, &a->n, why);
}

static enum pba_status plan_home4(struct lma_job *j, bool handoff, struct lma_addrs *a,
				  const char **why)
{
	static const struct home4 none;

	if (!j->req->n_hoa4 && handoff)
		a->home4 = none;
	if (!j->req->n_hoa4)
		return PBA_ACCEPTED;
	if (!home4_is_set(&a->home4))
		return lma_home4_assign(j, &a->home4, why);
	if (!lma_addrs_other_home4(j->req, a))
		return PBA_ACCEPTED;
	*why = "not the IPv4 home address of the binding";
	return PBA_NOT_AUTHORIZED_FOR_IPV4_HOA;
}

enum pba_status lma_addrs_plan(struct lma_job *j, const struct bce *b, struct lma_addrs *out,
			       const char **why)
{
	const bool handoff = b && !addr6_eq(&b->reg.proxy_coa, &j->req->coa);
	struct lma_addrs was = {0}, now;
	enum pba_status s;

	if (b)
		lma_addrs_of(b, &was);
	now = was;
	s = plan_prefixes(j, handoff, &now, why);
	if (s != PBA_ACCEPTED)
		return s;
	s = plan_home4(j, handoff, &now, why);
	if (s != PBA_ACCEPTED) {
		lma_addrs_release(j->l, &now, &was);
		return s;
	}
	*out = now;
	return PBA_ACCEPTED;
}
