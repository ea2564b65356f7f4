/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/deadline.h"

enum side { EARLIER, LATER };

static bool before(const struct deadline *a, const struct deadline *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static bool is_red(const struct deadline *d)
{
	return d && d->red;
}

static int side_of(const struct deadline *d)
{
	return d->parent && d->parent->child[LATER] == d;
}

/* `by`, which may be NULL, becomes what `d` is for d's parent. */
static void replace(struct deadline_tree *t, const struct deadline *d, struct deadline *by)
{
	if (d->parent)
		d->parent->child[side_of(d)] = by;
	else
		t->root = by;
	if (by)
		by->parent = d->parent;
}

/* d goes down to `side`; its child of the other side takes its place. */
static void rotate(struct deadline_tree *t, struct deadline *d, int side)
{
	struct deadline *up = d->child[!side];

	replace(t, d, up);
	d->child[!side] = up->child[side];
	if (d->child[!side])
		d->child[!side]->parent = d;
	up->child[side] = d;
	d->parent = up;
}

/* The one next to d in the order of time; NULL when there is none. */
static struct deadline *neighbour(const struct deadline *d, int side)
{
	struct deadline *n = d->child[side];

	if (n) {
		while (n->child[!side])
			n = n->child[!side];
		return n;
	}
	while (d->parent && side_of(d) == side)
		d = d->parent;
	return d->parent;
}

/* d is red and its parent may be, too. */
static void mend_red(struct deadline_tree *t, struct deadline *d)
{
	struct deadline *p, *g;

	while (is_red(p = d->parent)) {
		const int side = side_of(p);

		g = p->parent; /* there is one: a root is black */
		if (is_red(g->child[!side])) {
			g->child[!side]->red = p->red = false;
			g->red = true;
			d = g;
			continue;
		}
		if (side_of(d) != side) {
			rotate(t, p, side);
			p = d;
		}
		p->red = false;
		g->red = true;
		rotate(t, g, !side);
		break;
	}
	t->root->red = false;
}

/* What is below p on `side` has one black node less than what is below it on the other. */
static void mend_black(struct deadline_tree *t, struct deadline *p, int side)
{
	struct deadline *d = p ? p->child[side] : t->root;

	while (p && !is_red(d)) {
		struct deadline *s = p->child[!side]; /* there is one: it has the black node more */

		if (s->red) {
			s->red = false;
			p->red = true;
			rotate(t, p, side);
			s = p->child[!side];
		}
		if (!is_red(s->child[0]) && !is_red(s->child[1])) {
			s->red = true;
			d = p;
			side = side_of(d);
			p = d->parent;
			continue;
		}
		if (!is_red(s->child[!side])) {
			s->child[side]->red = false;
			s->red = true;
			rotate(t, s, !side);
			s = p->child[!side];
		}
		s->red = p->red;
		p->red = s->child[!side]->red = false;
		rotate(t, p, side);
		return;
	}
	if (d)
		d->red = false;
}

static void insert(struct deadline_tree *t, struct deadline *d)
{
	struct deadline *p = t->last;
	int side = LATER;

	/* mostly the new one is the last of all */
	if (p && before(d, p)) {
		p = t->root;
		while (side = !before(d, p), p->child[side])
			p = p->child[side];
	}
	d->parent = p;
	d->child[EARLIER] = d->child[LATER] = NULL;
	d->red = true;
	if (p)
		p->child[side] = d;
	else
		t->root = d;
	if (!p || (p == t->first && side == EARLIER))
		t->first = d;
	if (!p || (p == t->last && side == LATER))
		t->last = d;
	mend_red(t, d);
}

static void take_out(struct deadline_tree *t, struct deadline *d)
{
	struct deadline *p = d->parent;
	int side = side_of(d);
	bool red = d->red;

	if (t->first == d)
		t->first = neighbour(d, LATER);
	if (t->last == d)
		t->last = neighbour(d, EARLIER);
	if (d->child[EARLIER] && d->child[LATER]) {
		/* the next one, which has no earlier child, goes from its place to that of d */
		struct deadline *s = neighbour(d, LATER);

		red = s->red;
		side = side_of(s);
		p = s->parent == d ? s : s->parent;
		replace(t, s, s->child[LATER]);
		for (int i = EARLIER; i <= LATER; i++) {
			s->child[i] = d->child[i];
			if (s->child[i])
				s->child[i]->parent = s;
		}
		s->red = d->red;
		replace(t, d, s);
	} else {
		replace(t, d, d->child[d->child[EARLIER] ? EARLIER : LATER]);
	}
	if (!red)
		mend_black(t, p, side);
}

static struct deadline_tree *tree_of(struct deadlines *h, const struct deadline *d)
{
	return d->waits ? &h->waiting : &h->tree;
}

void deadline_arm(struct deadlines *h, struct deadline *d, nsec_t at)
{
	deadline_cancel(h, d);
	d->at = at;
	d->order = h->armed_total++;
	d->armed = true;
	d->waits = h->running && at <= h->run_now;
	insert(tree_of(h, d), d);
	h->n++;
}

void deadline_cancel(struct deadlines *h, struct deadline *d)
{
	if (!d->armed)
		return;
	take_out(tree_of(h, d), d);
	d->armed = false;
	h->n--;
}

nsec_t deadline_next(const struct deadlines *h)
{
	const struct deadline *a = h->tree.first, *b = h->waiting.first;

	return nsec_min(a ? a->at : NSEC_NEVER, b ? b->at : NSEC_NEVER);
}

struct deadline *deadline_first(const struct deadlines *h)
{
	return h->tree.first;
}

size_t deadline_run(struct deadlines *h, void *ctx, nsec_t now)
{
	struct deadline *d;
	size_t fired = 0;

	h->running = true;
	h->run_now = now;
	while ((d = h->tree.first) && d->at <= now) {
		deadline_cancel(h, d);
		fired++;
		d->fire(d, ctx, now);
	}
	h->running = false;
	while ((d = h->waiting.first)) {
		take_out(&h->waiting, d);
		d->waits = false;
		insert(&h->tree, d);
	}
	return fired;
}
