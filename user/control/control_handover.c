/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fast handovers (RFC 5949): those there are and were, how long they take, with whom. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "control/control_priv.h"

static int no_mag(struct control_req *r)
{
	snprintf(r->err, r->cap, "this daemon is no MAG");
	return -ENOENT;
}

static void show_handover(void *ctx, const struct mag_handover *h)
{
	struct control_req *r = ctx;
	json_t *o;

	if ((r->page.mn_id && strcmp(r->page.mn_id, h->mn_id)) || !control_page_wants(&r->page))
		return;
	o = json_object();
	control_set(o, "mn_id", control_str(h->mn_id));
	control_set(o, "role", control_str(h->role));
	control_set(o, "neighbour", control_str(h->neighbour));
	control_set(o, "neighbour_address", control_addr(&h->address));
	control_set(o, "mode", control_str(h->mode));
	control_set(o, "state", control_str(h->state));
	control_set(o, "age_ms", json_integer((json_int_t)h->age_ms));
	control_set(o, "answer_ms", control_ms(h->answer));
	control_set(o, "register_ms", control_ms(h->registration));
	control_set(o, "retransmissions", json_integer(h->retransmissions));
	control_set(o, "buffer", control_buffer(&h->buffered, r->now));
	control_set(o, "result", control_str(h->result));
	control_set(o, "ago",
		    h->result ? json_integer((json_int_t)(h->over_ms / 1000)) : json_null());
	control_page_row(&r->page, o);
}

int control_handovers(struct control_req *r)
{
	if (!r->ctx->mag)
		return no_mag(r);
	mag_walk_handovers(r->ctx->mag, r->now, show_handover, r);
	return 0;
}

/* ---- how long they take */

static const char *ms_text(uint32_t ms, char buf[16])
{
	if (ms >= 1000)
		snprintf(buf, 16, "%u s", ms / 1000);
	else
		snprintf(buf, 16, "%u ms", ms);
	return buf;
}

static void show_latency(void *ctx, const struct mag_latency *l)
{
	struct control_req *r = ctx;
	char from[16], below[16], text[48];
	json_t *o;

	if (!control_page_wants(&r->page))
		return;
	ms_text(l->from_ms, from);
	ms_text(l->below_ms, below);
	if (!l->from_ms)
		snprintf(text, sizeof(text), "below %s", below);
	else if (!l->below_ms)
		snprintf(text, sizeof(text), "%s and more", from);
	else
		snprintf(text, sizeof(text), "%s to %s", from, below);
	o = json_object();
	control_set(o, "time", control_str(text));
	control_set(o, "from_ms", json_integer(l->from_ms));
	control_set(o, "below_ms", l->below_ms ? json_integer(l->below_ms) : json_null());
	control_set(o, "answer", json_integer((json_int_t)l->answer));
	control_set(o, "register", json_integer((json_int_t)l->registration));
	control_set(o, "whole", json_integer((json_int_t)l->whole));
	control_page_row(&r->page, o);
}

int control_handover_latency(struct control_req *r)
{
	if (!r->ctx->mag)
		return no_mag(r);
	mag_walk_latencies(r->ctx->mag, show_latency, r);
	return 0;
}

/* ---- with whom */

static void show_neighbour(void *ctx, const struct mag_neighbour_info *i)
{
	struct control_req *r = ctx;
	json_t *o, *aps;

	if (!control_page_wants(&r->page))
		return;
	o = json_object();
	aps = json_array();
	for (unsigned a = 0; a < i->cfg->n_ap_ids; a++)
		json_array_append_new(aps, control_str(i->cfg->ap_ids[a]));
	control_set(o, "kind", control_str("neighbour"));
	control_set(o, "name", control_str(i->cfg->name));
	control_set(o, "address", control_addr(&i->cfg->addr));
	control_set(o, "access_points", aps);
	control_set(o, "handovers", json_integer(i->handovers));
	control_set(o, "fast_handover", control_str(i->no_fho ? "unsupported" : "yes"));
	control_page_row(&r->page, o);
}

void control_neighbours(struct control_req *r)
{
	mag_walk_neighbours(r->ctx->mag, r->now, show_neighbour, r);
}
