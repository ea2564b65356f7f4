/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/deadline.h"

static bool before(const struct deadline *a, const struct deadline *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

/* Both are roots (no prev, no next); either may be NULL. Returns the root of the union. */
static struct deadline *meld(struct deadline *a, struct deadline *b)
{
	struct deadline *t;

	if (!a)
		return b;
	if (!b)
		return a;
	if (before(b, a)) {
		t = a;
		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	a->child = b;
	return a;
}

/* Melds a list of siblings into one tree: in pairs from left to right, then from right to left. */
static struct deadline *meld_siblings(struct deadline *first)
{
	struct deadline *pairs = NULL, *root = NULL;

	while (first) {
		struct deadline *a = first, *b = a->next;

		first = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct deadline *a = pairs;

		pairs = a->next;
		a->next = NULL;
		root = meld(root, a);
	}
	return root;
}

/* Takes d out; its children, melded to one tree, take its place. */
static void unlink_node(struct deadlines *h, struct deadline *d)
{
	struct deadline *sub = meld_siblings(d->child);

	if (d == h->root) {
		h->root = sub;
	} else if (d == h->later) {
		h->later = sub;
	} else {
		struct deadline *put = d->next;

		if (sub) {
			sub->next = d->next;
			if (d->next)
				d->next->prev = sub;
			sub->prev = d->prev;
			put = sub;
		} else if (d->next) {
			d->next->prev = d->prev;
		}
		if (d->prev->child == d)
			d->prev->child = put;
		else
			d->prev->next = put;
	}
	d->child = d->next = d->prev = NULL;
	d->armed = false;
	h->n--;
}

void deadline_arm(struct deadlines *h, struct deadline *d, nsec_t at)
{
	struct deadline **heap;

	if (d->armed)
		unlink_node(h, d);
	d->at = at;
	d->order = h->armed_total++;
	d->child = d->next = d->prev = NULL;
	d->armed = true;
	heap = h->running && at <= h->run_now ? &h->later : &h->root;
	*heap = meld(*heap, d);
	h->n++;
}

void deadline_cancel(struct deadlines *h, struct deadline *d)
{
	if (d->armed)
		unlink_node(h, d);
}

nsec_t deadline_next(const struct deadlines *h)
{
	return nsec_min(h->root ? h->root->at : NSEC_NEVER, h->later ? h->later->at : NSEC_NEVER);
}

size_t deadline_run(struct deadlines *h, void *ctx, nsec_t now)
{
	size_t fired = 0;

	h->running = true;
	h->run_now = now;
	while (h->root && h->root->at <= now) {
		struct deadline *d = h->root;

		unlink_node(h, d);
		fired++;
		d->fire(d, ctx, now);
	}
	h->running = false;
	h->root = meld(h->root, h->later);
	h->later = NULL;
	return fired;
}
