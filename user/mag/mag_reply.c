/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers to revocations on their way out (core/outbox.h). An LMA that has the answer has no
 * binding any more: where the store is to have a change before anybody hears of it, the answer
 * waits until the session's record is gone, or else a MAG that dies then would register the node
 * anew. What is asked for the same session waits behind it (mag_pbu.c). Our own indications go the
 * same way, for they wait for the order to be on disk.
 */
#include "mag/mag_int.h"

#include <errno.h>

static int send_in_line(void *ctx, const struct packet *pkt)
{
	struct mag *m = ctx;

	switch (outbox_send(&m->answers, m->store, m->env, pkt)) {
	case OUTBOX_WAITS:
		mag_count_up(m, MAG_C_BRA_WAITED);
		return 0;
	case OUTBOX_LOST:
		mag_count_up(m, MAG_C_BRA_LOST);
		return 0;
	case OUTBOX_FAILED:
		return -EIO;
	case OUTBOX_SENT:
		break;
	}
	return 0;
}

static void random_of(void *ctx, void *buf, size_t len)
{
	const struct mag *m = ctx;

	m->env->random(m->env->ctx, buf, len);
}

void mag_reply_init(struct mag *m)
{
	m->revocation_env = (struct env){.ctx = m, .send = send_in_line, .random = random_of};
}

void mag_reply_free(struct mag *m)
{
	outbox_clear(&m->answers);
}

bool mag_reply_waits(const struct mag *m)
{
	return m->store && store_ticket(m->store);
}

void mag_committed(struct mag *m)
{
	if (m->store)
		m->counter[MAG_C_BRA_LOST] += outbox_committed(&m->answers, m->store, m->env);
}
