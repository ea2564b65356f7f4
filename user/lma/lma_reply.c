/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replies on their way out (core/outbox.h). Where the store is to have a change before anybody
 * hears of it, a reply waits for the commit, and a refusal does not overtake the acceptance it
 * follows. One that is lost is asked for again.
 */
#include "lma/lma_priv.h"

void lma_reply_send(struct lma *l, const struct packet *pkt)
{
	switch (outbox_send(&l->replies, l->store, l->env, pkt)) {
	case OUTBOX_SENT:
		break;
	case OUTBOX_WAITS:
		lma_bump(l, LMA_C_REPLY_WAITED);
		break;
	case OUTBOX_LOST:
		lma_bump(l, LMA_C_REPLY_DROPPED);
		break;
	case OUTBOX_FAILED:
		lma_bump(l, LMA_C_SEND_FAILED);
		break;
	}
}

void lma_committed(struct lma *l)
{
	if (l->store)
		l->counter[LMA_C_SEND_FAILED] += outbox_committed(&l->replies, l->store, l->env);
}

void lma_reply_clear(struct lma *l)
{
	outbox_clear(&l->replies);
}
