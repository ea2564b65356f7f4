/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the roles show of themselves, looked up by node. */
#include "sim/world_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

struct find {
	struct world *w;
	unsigned node, iface;
	bool found;
	void *out;
};

/* Views lend their prefixes for the callback only. */
static const struct prefix6 *keep(struct world *w, const struct prefix6 *p, unsigned n)
{
	struct prefix6 *to = w->kept[w->next_kept++ % 8];

	if (n)
		memcpy(to, p, n * sizeof(*p));
	return to;
}

static bool is_node(const struct find *f, const struct mnid *id)
{
	const char *name = f->w->node[f->node].name;

	return id->len == strlen(name) && !memcmp(id->id, name, id->len);
}

static void find_binding(void *ctx, const struct lma_binding *b)
{
	struct find *f = ctx;
	const struct mac *mac = &f->w->node[f->node].mac[f->iface];

	if (f->found || !is_node(f, &b->mnid))
		return;
	if (!f->w->cfg.no_llid &&
	    (b->llid.len != sizeof(mac->b) || memcmp(b->llid.id, mac->b, 6) != 0))
		return;
	f->found = true;
	*(struct lma_binding *)f->out = *b;
	((struct lma_binding *)f->out)->prefixes = keep(f->w, b->prefixes, b->n_prefixes);
}

bool world_binding(struct world *w, unsigned node, unsigned iface, struct lma_binding *b)
{
	struct find f = {w, node, iface, false, b};

	if (w->lma.lma)
		lma_walk(w->lma.lma, w->now, find_binding, &f);
	return f.found;
}

static void find_update(void *ctx, const struct mag_binding *b)
{
	struct find *f = ctx;
	const struct link_node want = sim_place(f->w, f->node, f->iface);

	if (f->found || !mac_eq(&b->node.mac, &want.mac) || b->node.ifindex != want.ifindex)
		return;
	f->found = true;
	*(struct mag_binding *)f->out = *b;
	((struct mag_binding *)f->out)->prefixes = keep(f->w, b->prefixes, b->n_prefixes);
}

bool world_update(struct world *w, int mag, unsigned node, unsigned iface, struct mag_binding *b)
{
	struct find f = {w, node, iface, false, b};

	if (w->mag[mag].mag)
		mag_walk(w->mag[mag].mag, w->now, find_update, &f);
	return f.found;
}

uint64_t world_counter(const struct counter_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->desc[i].name, name))
			return s->value[i];
	fprintf(stderr, "no counter %s in %s\n", name, s->module);
	abort();
}
