/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which mobility session is a request about? RFC 5213 5.4.1 as amended by RFC 7864 3.2.1, and by
 * RFC 5844 3.1.2.7: without a NON_ZERO prefix, a NON_ZERO IPv4 home address is the key in the same
 * rules, as a set of one.
 *
 * The rules below are read from the top; the first whose branch and condition hold decides. Where
 * the RFC leaves a case open, the clause says which sentence the choice rests on.
 */
#include "lma/lma_priv.h"

#include "base/util.h"

enum branch {
	BY_PREFIX,    /* 5.4.1.1: at least one NON_ZERO prefix, or IPv4 home address */
	BY_INTERFACE, /* 5.4.1.2: none, but a link-layer identifier */
	BY_NODE,      /* 5.4.1.3: neither */
};

/* What the conditions look at. */
struct facts {
	const struct lma_req *r;
	enum branch branch;
	struct bce *found; /* BY_PREFIX: holds one of the prefixes, or the IPv4 home address */
	bool foreign;	   /* BY_PREFIX: one of them belongs to another node */
	bool same_set;
	struct bce *exact; /* BY_INTERFACE: same node, access technology, link-layer identifier */
	struct bce *only;  /* the node's one and only entry */
};

static bool same_coa(const struct facts *f, const struct bce *b)
{
	return addr6_eq(&b->reg.proxy_coa, &f->r->coa);
}

static bool same_att(const struct facts *f, const struct bce *b)
{
	return b->reg.att == f->r->att;
}

/* Deleted by its MAG, kept for MinDelayBeforeBCEDelete. */
static bool lingers(const struct bce *b)
{
	return b->state == LMA_ST_DEREGISTERING;
}

static bool registers(const struct facts *f)
{
	return f->r->lifetime > 0;
}

static bool nobodys(const struct facts *f)
{
	return !f->found && !f->foreign;
}

static bool anothers(const struct facts *f)
{
	return f->foreign;
}

static bool set_differs(const struct facts *f)
{
	return !f->same_set;
}

static bool same_interface(const struct facts *f)
{
	const struct llid own = bce_llid(f->found);

	return lma_req_has_interface(f->r) && same_att(f, f->found) && llid_eq(&own, &f->r->llid);
}

static bool sharing_same_interface(const struct facts *f)
{
	return f->r->hi == HI_NEW_INTERFACE_SHARED && same_interface(f);
}

static bool sharing(const struct facts *f)
{
	return f->r->hi == HI_NEW_INTERFACE_SHARED;
}

static bool between_interfaces(const struct facts *f)
{
	return f->r->hi == HI_BETWEEN_INTERFACES;
}

static bool between_mags_unidentified(const struct facts *f)
{
	return !lma_req_has_interface(f->r) && !f->found->reg.llid_len && same_att(f, f->found) &&
	       f->r->hi == HI_BETWEEN_MAGS;
}

static bool same_mag(const struct facts *f)
{
	return same_coa(f, f->found) && same_att(f, f->found);
}

static bool found_lingers(const struct facts *f)
{
	return lingers(f->found) && registers(f);
}

static bool always(const struct facts *f)
{
	(void)f;
	return true;
}

static bool exact(const struct facts *f)
{
	return f->exact;
}

static bool only_between_interfaces(const struct facts *f)
{
	return f->only && f->r->hi == HI_BETWEEN_INTERFACES;
}

static bool only_unknown_lingers(const struct facts *f)
{
	return f->only && f->r->hi == HI_UNKNOWN && lingers(f->only) && registers(f);
}

static bool only_unknown(const struct facts *f)
{
	return f->only && f->r->hi == HI_UNKNOWN;
}

static bool only_handoff(const struct facts *f)
{
	return f->only && (f->r->hi == HI_BETWEEN_INTERFACES || f->r->hi == HI_BETWEEN_MAGS);
}

static bool only_unknown_same_mag(const struct facts *f)
{
	return f->only && f->r->hi == HI_UNKNOWN && same_coa(f, f->only) && same_att(f, f->only) &&
	       !f->only->reg.llid_len;
}

// clang-format off
static const struct rule {
	enum branch branch;
	bool (*holds)(const struct facts *f);
	enum lma_lookup_kind kind;
	const char *clause;
} rules[] = {
	{BY_PREFIX,    nobodys,                   LMA_LOOKUP_NEW,         "RFC 5213 5.4.1.1 (2)"},
	{BY_PREFIX,    anothers,                  LMA_LOOKUP_FOREIGN,     "RFC 5213 5.4.1.1 (3)"},
	{BY_PREFIX,    set_differs,               LMA_LOOKUP_SET_DIFFERS, "RFC 5213 5.4.1.1 (4)"},
	{BY_PREFIX,    sharing_same_interface,    LMA_LOOKUP_UPDATE,      "RFC 7864 3.2.1 (1)"},
	/* one session per prefix here: RFC 5213 5.2 forbids what RFC 7864 adds */
	{BY_PREFIX,    sharing,                   LMA_LOOKUP_IN_USE,      "RFC 7864 3.2.1 (2), (3)"},
	{BY_PREFIX,    same_interface,            LMA_LOOKUP_UPDATE,      "RFC 5213 5.4.1.1 (5) first"},
	{BY_PREFIX,    between_interfaces,        LMA_LOOKUP_UPDATE,      "RFC 5213 5.4.1.1 (5) second"},
	{BY_PREFIX,    between_mags_unidentified, LMA_LOOKUP_UPDATE,      "RFC 5213 5.4.1.1 (5) third"},
	{BY_PREFIX,    same_mag,                  LMA_LOOKUP_UPDATE,      "RFC 5213 5.4.1.1 (5) fourth"},
	/* its MAG let it go: the wait exists for the next MAG to go on with it */
	{BY_PREFIX,    found_lingers,             LMA_LOOKUP_UPDATE,      "RFC 5213 9.1 MinDelayBeforeBCEDelete"},
	{BY_PREFIX,    always,                    LMA_LOOKUP_IN_USE,      "RFC 5213 5.4.1.1 (6), 5.2"},

	{BY_INTERFACE, exact,                     LMA_LOOKUP_UPDATE,      "RFC 5213 5.4.1.2 (2)"},
	{BY_INTERFACE, only_between_interfaces,   LMA_LOOKUP_UPDATE,      "RFC 5213 5.4.1.2 (3)"},
	/* the de-registration that would be waited for is already here */
	{BY_INTERFACE, only_unknown_lingers,      LMA_LOOKUP_UPDATE,      "RFC 5213 5.4.1.2 (4)"},
	{BY_INTERFACE, only_unknown,              LMA_LOOKUP_HOLD,        "RFC 5213 5.4.1.2 (4)"},
	{BY_INTERFACE, always,                    LMA_LOOKUP_NEW,         "RFC 5213 5.4.1.2 (5)"},

	{BY_NODE,      only_handoff,              LMA_LOOKUP_UPDATE,      "RFC 5213 5.4.1.3 (2)"},
	/* the serving MAG itself: a retransmission or a de-registration, nobody to wait for */
	{BY_NODE,      only_unknown_same_mag,     LMA_LOOKUP_UPDATE,      "RFC 5213 5.4.1.3 (3)"},
	{BY_NODE,      only_unknown_lingers,      LMA_LOOKUP_UPDATE,      "RFC 5213 5.4.1.3 (3)"},
	{BY_NODE,      only_unknown,              LMA_LOOKUP_HOLD,        "RFC 5213 5.4.1.3 (3)"},
	{BY_NODE,      always,                    LMA_LOOKUP_NEW,         "RFC 5213 5.4.1.3 (4)"},
};
// clang-format on

static void find_by_prefix(const struct lma *l, struct facts *f, const struct bce_node *node)
{
	unsigned matched = 0;

	for (unsigned i = 0; i < f->r->n_hnp; i++) {
		struct bce *b;

		if (f->r->hnp[i].zero)
			continue;
		b = bce_by_prefix(l->cache, &f->r->hnp[i].prefix);
		if (!b)
			continue;
		if (b->node != node)
			f->foreign = true;
		if (!f->found)
			f->found = b;
		if (b == f->found)
			matched++;
	}
	/* one of the request's prefixes twice is not the entry's set, though it counts the same */
	for (unsigned i = 0; i < f->r->n_hnp; i++)
		for (unsigned j = 0; j < i; j++)
			if (prefix6_eq(&f->r->hnp[i].prefix, &f->r->hnp[j].prefix))
				matched = 0;
	f->same_set = f->found && matched == f->r->n_hnp && matched == f->found->n_prefixes;
}

/* Equal addresses of several domains are different ones: the node's own counts first, then those of
 * the pools that it may have addresses of. One that is free in any of them is nobody's. */
static void find_by_addr4(const struct lma *l, struct facts *f, const struct bce_node *node)
{
	const struct profile *prof = lma_profile_find(l, &f->r->mnid);
	const struct in_addr addr = f->r->hoa4.addr;
	bool taken = false, free_somewhere = false;

	for (struct bce *b = bce_first(node); b && !f->found; b = b->next)
		if (bce_home4(b).addr.s_addr == addr.s_addr)
			f->found = b;
	f->same_set = f->found;
	for (unsigned i = 0; i < l->conf.n_pools4 && !f->found; i++) {
		const struct lma_pool4 *p = &l->conf.pools4[i];

		if (!prefix4_has_addr(pool4_network(p->pool), addr) ||
		    (prof && !lma_home4_pool_allowed(prof, p)))
			continue;
		if (bce_by_addr4(l->cache, p->domain, addr))
			taken = true;
		else
			free_somewhere = true;
	}
	f->foreign = taken && !free_somewhere;
}

static struct bce *result_of(const struct facts *f)
{
	switch (f->branch) {
	case BY_PREFIX:
		return f->found;
	case BY_INTERFACE:
		return f->exact ? f->exact : f->only;
	case BY_NODE:
		break;
	}
	return f->only;
}

void lma_lookup(const struct lma *l, const struct lma_req *r, struct lma_lookup *out)
{
	struct bce_node *node = bce_node_find(l->cache, &r->mnid);
	struct facts f = {.r = r};

	if (bce_node_count(node) == 1)
		f.only = bce_first(node);
	out->by_addr4 = !r->n_asked && r->n_hoa4 && r->hoa4.addr.s_addr;
	if (r->n_asked) {
		f.branch = BY_PREFIX;
		find_by_prefix(l, &f, node);
	} else if (out->by_addr4) {
		f.branch = BY_PREFIX;
		find_by_addr4(l, &f, node);
	} else if (lma_req_has_interface(r)) {
		f.branch = BY_INTERFACE;
		f.exact = bce_by_interface(node, r->att, &r->llid);
	} else {
		f.branch = BY_NODE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (rules[i].branch != f.branch || !rules[i].holds(&f))
			continue;
		out->kind = rules[i].kind;
		out->clause = rules[i].clause;
		out->bce = out->kind == LMA_LOOKUP_NEW ? NULL : result_of(&f);
		return;
	}
}
