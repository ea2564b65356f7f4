/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/outbox.h"

#include <stdlib.h>
#include <string.h>

struct outbox_item {
	struct outbox_item *next;
	uint64_t number, ticket;
	struct packet pkt;
	uint8_t data[];
};

static void append(struct outbox *o, struct outbox_item *i)
{
	if (o->last)
		o->last->next = i;
	else
		o->first = i;
	o->last = i;
	o->n++;
}

static struct outbox_item *take_first(struct outbox *o)
{
	struct outbox_item *i = o->first;

	o->first = i->next;
	if (!o->first)
		o->last = NULL;
	o->n--;
	/* behind the last one nothing is waited for, be it lost */
	o->left = o->n ? i->number : o->given;
	return i;
}

static enum outbox_verdict keep(struct outbox *o, const struct packet *pkt, uint64_t ticket)
{
	struct outbox_item *i = o->n < OUTBOX_MAX ? malloc(sizeof(*i) + pkt->len) : NULL;

	if (!i) {
		if (!o->n)
			o->left = o->given;
		return OUTBOX_LOST;
	}
	memcpy(i->data, pkt->data, pkt->len);
	i->pkt = *pkt;
	i->pkt.data = i->data;
	i->number = o->given;
	i->ticket = ticket;
	i->next = NULL;
	append(o, i);
	return OUTBOX_WAITS;
}

enum outbox_verdict outbox_send(struct outbox *o, const struct store *st, const struct env *env,
				const struct packet *pkt)
{
	const uint64_t ticket = st ? store_ticket(st) : 0;

	o->given++;
	if (o->n || (ticket && ticket > store_committed(st)))
		return keep(o, pkt, ticket);
	o->left = o->given;
	return env->send(env->ctx, pkt) ? OUTBOX_FAILED : OUTBOX_SENT;
}

size_t outbox_committed(struct outbox *o, const struct store *st, const struct env *env)
{
	const uint64_t committed = o->n ? store_committed(st) : 0;
	size_t failed = 0;

	while (o->n && o->first->ticket <= committed) {
		struct outbox_item *i = take_first(o);

		failed += env->send(env->ctx, &i->pkt) != 0;
		free(i);
	}
	return failed;
}

uint64_t outbox_next(const struct outbox *o)
{
	return o->given + 1;
}

void outbox_clear(struct outbox *o)
{
	while (o->n)
		free(take_first(o));
}
