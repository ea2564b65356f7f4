/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replies on their way out. Where the store is to have a change before anybody hears of it, a reply
 * waits for the commit. Replies leave in the order in which they were made: what a MAG hears last
 * is what came last, whatever it repeats meanwhile, and a refusal does not overtake the acceptance
 * it follows.
 *
 * What does not fit the queue is lost as on the way, and the MAG asks again.
 */
#include "lma/lma_priv.h"

#include <stdlib.h>
#include <string.h>

#define REPLIES_MAX 16384

struct lma_reply {
	struct lma_reply *next;
	uint64_t ticket;
	struct packet pkt;
	uint8_t data[];
};

static void transmit(struct lma *l, const struct packet *pkt)
{
	if (l->env->send(l->env->ctx, pkt))
		lma_bump(l, LMA_C_SEND_FAILED);
}

static void append(struct lma *l, const struct packet *pkt, uint64_t ticket)
{
	struct lma_replies *q = &l->replies;
	struct lma_reply *r = q->n < REPLIES_MAX ? malloc(sizeof(*r) + pkt->len) : NULL;

	if (!r) {
		lma_bump(l, LMA_C_REPLY_DROPPED);
		return;
	}
	memcpy(r->data, pkt->data, pkt->len);
	r->pkt = *pkt;
	r->pkt.data = r->data;
	r->ticket = ticket;
	r->next = NULL;
	if (q->last)
		q->last->next = r;
	else
		q->first = r;
	q->last = r;
	q->n++;
	lma_bump(l, LMA_C_REPLY_WAITED);
}

void lma_reply_send(struct lma *l, const struct packet *pkt)
{
	const uint64_t ticket = l->store ? store_ticket(l->store) : 0;

	if (l->replies.n || (ticket && ticket > store_committed(l->store)))
		append(l, pkt, ticket);
	else
		transmit(l, pkt);
}

static struct lma_reply *take_first(struct lma_replies *q)
{
	struct lma_reply *r = q->first;

	q->first = r->next;
	if (!q->first)
		q->last = NULL;
	q->n--;
	return r;
}

void lma_committed(struct lma *l)
{
	const uint64_t committed = l->replies.n ? store_committed(l->store) : 0;

	while (l->replies.n && l->replies.first->ticket <= committed) {
		struct lma_reply *r = take_first(&l->replies);

		transmit(l, &r->pkt);
		free(r);
	}
}

void lma_reply_clear(struct lma *l)
{
	while (l->replies.n)
		free(take_first(&l->replies));
}
