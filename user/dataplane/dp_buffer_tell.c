/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What onlookers hear of a buffer: that it fills, loses, is emptied, is empty. Each once. */
#include "core/event.h"
#include "dataplane/dp_buffer.h"
#include "dataplane/dp_state.h"

static void emit(struct dp_bpf *dp, const struct dp_queue *q, const struct event *what)
{
	const struct dp_body *body = dp->halves.rec[q->half].body;
	struct event ev = *what;
	struct dp_buffered b;
	struct mnid id;

	if (!dp->cfg.sink || !body || dp_session_buffered(dp, q->half, &b))
		return;
	id = (struct mnid){.subtype = body->subtype, .len = body->id_len, .id = dp_body_id(body)};
	ev.role = "mag";
	ev.now = dp->buffers.now;
	ev.mnid = &id;
	ev.buffer = &b;
	event_emit(dp->cfg.sink, &ev);
}

void dp_buffer_tell_keeping(struct dp_bpf *dp, struct dp_queue *q)
{
	if (q->told & DP_TOLD_KEEPING)
		return;
	q->told |= DP_TOLD_KEEPING;
	emit(dp, q, &(struct event){.type = EV_BUFFER_KEEPING});
}

void dp_buffer_tell_drops(struct dp_bpf *dp, struct dp_queue *q)
{
#define NAME(sym, name, help) [sym] = name,
	static const char *const names[] = {DP_BUFFER_DROPS(NAME)};
#undef NAME
	const uint32_t news = q->lost_for & ~q->told_lost;

	q->told_lost |= news;
	for (unsigned i = 0; i < DP_BUFFER_DROP_MAX; i++) {
		if (news & 1u << i)
			emit(dp, q, &(struct event){.type = EV_BUFFER_DROPPING, .cause = names[i]});
	}
}

void dp_buffer_tell_draining(struct dp_bpf *dp, struct dp_queue *q)
{
	if (q->told & DP_TOLD_DRAINING)
		return;
	q->told |= DP_TOLD_DRAINING;
	emit(dp, q, &(struct event){.type = EV_BUFFER_DRAINING});
}

void dp_buffer_tell_empty(struct dp_bpf *dp, struct dp_queue *q)
{
	const nsec_t until = q->quiet ? q->quiet : dp->buffers.now;

	/* one that had nothing to hand on has never been anything else */
	if (!(q->told & DP_TOLD_DRAINING))
		return;
	q->told = 0;
	emit(dp, q, &(struct event){.type = EV_BUFFER_EMPTY, .took = nsec_sub(until, q->since)});
}
