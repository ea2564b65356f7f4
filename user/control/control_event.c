/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "control/control_priv.h"

static void set_handover(json_t *o, const struct mh_msg *m)
{
	const bool hi = m->type == MH_HI;
	const bool proxy = m->ho.flags & (hi ? MH_HI_P : MH_HACK_P);
	const char *name = hi ? hi_code_name(m->ho.code, proxy) : hack_code_name(m->ho.code, proxy);

	control_set(o, "seq", json_integer(m->ho.seq));
	control_set(o, "proxy", json_boolean(proxy));
	control_set(o, "forward", json_boolean(m->ho.flags & (hi ? MH_HI_F : MH_HACK_F)));
	control_set(o, "buffer", json_boolean(m->ho.flags & (hi ? MH_HI_U : MH_HACK_U)));
	control_set(o, "code", json_integer(m->ho.code));
	control_set(o, "code_name", control_str(name));
}

static json_t *message_json(const struct mh_msg *m, bool verbose)
{
	json_t *o = json_object();
	char summary[512];

	control_set(o, "name", control_str(mh_msg_name(m)));
	control_set(o, "summary", control_str(mh_summary(m, summary, sizeof(summary))));
	if (m->type == MH_BU) {
		control_set(o, "seq", json_integer(m->bu.seq));
		control_set(o, "lifetime",
			    json_integer(m->bu.lifetime * (json_int_t)MH_LIFETIME_UNIT));
	} else if (m->type == MH_BA) {
		control_set(o, "seq", json_integer(m->ba.seq));
		control_set(o, "lifetime",
			    json_integer(m->ba.lifetime * (json_int_t)MH_LIFETIME_UNIT));
		control_set(o, "status", json_integer(m->ba.status));
		control_set(o, "status_name", control_str(pba_status_name(m->ba.status)));
	}
	if (m->type == MH_HEARTBEAT)
		control_set(o, "seq", json_integer(m->hb.seq));
	if (m->type == MH_HI || m->type == MH_HACK)
		set_handover(o, m);
	if (verbose) {
		char *text = NULL;
		size_t len = 0;
		FILE *f = open_memstream(&text, &len);

		if (f) {
			mh_print(f, m);
			if (fclose(f) == 0)
				control_set(o, "text", control_str(text));
			free(text);
		}
	}
	return o;
}

static void set_result(json_t *o, const struct event_handover *h)
{
	control_set(o, "side", control_str(h->side));
	control_set(o, "mode", control_str(h->mode));
	control_set(o, "answer_ms", control_ms(h->answer));
	control_set(o, "register_ms", control_ms(h->registration));
	control_set(o, "retransmissions", json_integer(h->retransmissions));
}

json_t *control_event_json(const struct control_ctx *ctx, const struct event *ev, bool verbose)
{
	json_t *o = json_object();

	control_set(o, "event", control_str(event_type_name(ev->type)));
	if (ev->role)
		control_set(o, "role", control_str(ev->role));
	if (ctx->wallclock)
		control_set(o, "time", control_ns_to_s(ctx->wallclock(ctx->ops.ctx)));
	control_set(o, "uptime", control_ns_to_s(nsec_sub(ev->now, ctx->started_at)));
	if (ev->mnid)
		control_set(o, "mn_id", control_mnid(ev->mnid));
	if (ev->peer)
		control_set(o, "peer", control_addr(ev->peer));
	if (ev->mac)
		control_set(o, "mac", control_mac(ev->mac));
	if (ev->ifname)
		control_set(o, "ifname", control_str(ev->ifname));
	if (ev->machine)
		control_set(o, "machine", control_str(ev->machine));
	if (ev->from)
		control_set(o, "from", control_str(ev->from));
	if (ev->to)
		control_set(o, "to", control_str(ev->to));
	if (ev->cause)
		control_set(o, "cause", control_str(ev->cause));
	if (ev->clause)
		control_set(o, "clause", control_str(ev->clause));
	if (ev->n_prefixes)
		control_set(o, "prefixes", control_prefixes(ev->prefixes, ev->n_prefixes));
	if (home4_is_set(ev->home4))
		control_set(o, "ipv4", control_in(ev->home4->addr));
	if (ev->handover)
		set_result(o, ev->handover);
	if (ev->took || ev->handover)
		control_set(o, "took_ms", control_ms(ev->took));
	if (ev->buffer)
		control_set(o, "buffer", control_buffer(ev->buffer, ev->now));
	if (ev->repeat)
		control_set(o, "retransmission", json_integer(ev->repeat));
	if (ev->msg)
		control_set(o, "message", message_json(ev->msg, verbose));
	return o;
}
