/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers that were given, for Handover Initiates that come again when what they were about is
 * over, or has gone on (RFC 5568 6.2.1: they get the same answer). A late repetition of an
 * announcement must not be taken for a new one: the node may have come, and gone on, since.
 */
#include "mag/mag_fho.h"

#include <stdlib.h>

#define PAST_MS	 60000u /* longer than any Handover Initiate is repeated: see `leave-time` */
#define PAST_MAX 4096u

static uint32_t hash_of(const struct mag *m, const struct mnid *id)
{
	return htable_hash(&m->fho->past, id->id, id->len);
}

static void drop_oldest(struct mag_fho *f)
{
	struct ho_past *p = f->past_first;

	f->past_first = p->next;
	if (!p->next)
		f->past_last = NULL;
	f->n_past--;
	htable_del(&f->past, &p->by_mnid);
	free(p->reply);
	free(p);
}

static void forget_old(struct mag_fho *f, nsec_t now)
{
	while (f->past_first && (f->past_first->until <= now || f->n_past > PAST_MAX))
		drop_oldest(f);
}

void mag_ho_remember(struct mag *m, struct mag_ho *h, nsec_t now)
{
	struct mag_fho *f = m->fho;
	struct ho_past *p = h->reply ? calloc(1, sizeof(*p) + h->mnid.len) : NULL;

	/* without memory it is as if that had not been asked */
	if (!p)
		return;
	memcpy(p->id, h->mnid.id, h->mnid.len);
	p->mnid = (struct mnid){.subtype = h->mnid.subtype, .len = h->mnid.len, .id = p->id};
	p->peer = h->n->cfg.addr;
	p->until = nsec_add(now, nsec_from_ms(PAST_MS));
	p->reply_to = h->reply_to;
	p->reply_len = h->reply_len;
	p->repeated = h->repeated;
	p->reply = h->reply;
	h->reply = NULL;
	htable_add(&f->past, &p->by_mnid, hash_of(m, &p->mnid));
	if (f->past_last)
		f->past_last->next = p;
	else
		f->past_first = p;
	f->past_last = p;
	f->n_past++;
	forget_old(f, now);
}

struct ho_past *mag_ho_past(struct mag *m, const struct mag_neighbour *n, const struct mnid *id,
			    uint16_t seq, nsec_t now)
{
	struct hnode *i;

	forget_old(m->fho, now);
	for (i = htable_find(&m->fho->past, hash_of(m, id)); i; i = htable_next(i)) {
		struct ho_past *p = container_of(i, struct ho_past, by_mnid);

		if (p->reply_to == seq && addr6_eq(&p->peer, &n->cfg.addr) && mnid_eq(&p->mnid, id))
			return p;
	}
	return NULL;
}

void mag_ho_past_free(struct mag *m)
{
	while (m->fho->past_first)
		drop_oldest(m->fho);
	htable_clear(&m->fho->past);
}
