/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LMAs that revoke bindings (RFC 5846 9.1).
 *
 * An indication names bindings: of one node by its MN-Identifier, narrowed by home network prefixes
 * or to its IPv4 home address; or of many at once. It is judged as a whole, answered, and then
 * carried out, so that nothing that is sent because of it overtakes the answer. Where the answer
 * waits for the disk it is given last, and requests for the session wait behind it.
 *
 * An LMA that revokes because the node has moved elsewhere is told when it has not (status 132).
 * What the access link knew last is not enough to say so: the node may have left without a word,
 * and a wrong 132 costs it its prefixes. So it is probed, and the answer waits for what comes of
 * that.
 *
 * The LMA repeats its indication when the answer is lost. By then the bindings are gone; so answers
 * are remembered for a while, together with the indication's octets.
 */
#include "mag/mag_int.h"

#include <stdlib.h>

/* An indication that is being judged. */
struct judged {
	struct mag_lma *lma;
	const struct mh_msg *bri;
	const struct mnid *id;
	const struct mh_opt *hoa4; /* with the V flag */
	uint64_t missing;	   /* prefixes that name nothing here */
	bool realm;		   /* `id` is one */
	enum bra_status status;
};

/* An indication that waits for nodes to be found or lost. */
struct mag_asking {
	struct mag_asking *next, **link;
	struct mag_session *sessions; /* of nodes that have not answered */
	struct deadline timer;
	struct packet pkt; /* its data is `bri` */
	bool asks;	   /* is asking just now: what the nodes answer is looked at afterwards */
	bool found, lost;
	bool only4; /* V flag */
	uint8_t bri[];
};

/* ---- what is remembered of answers */

static bool same_octets(const uint8_t *a, size_t a_len, const struct packet *pkt)
{
	return a_len == pkt->len && !memcmp(a, pkt->data, a_len);
}

static void forget_answer(struct mag_answered *a)
{
	free(a->bri);
	*a = (struct mag_answered){0};
}

static const struct mag_answered *answered_before(const struct mag *m, const struct packet *pkt,
						  nsec_t now)
{
	for (unsigned i = 0; i < MAG_ANSWERS; i++) {
		const struct mag_answered *a = &m->answered[i];

		if (a->bri && now < a->until && addr6_eq(&a->peer, &pkt->src) &&
		    same_octets(a->bri, a->len, pkt))
			return a;
	}
	return NULL;
}

/* Without memory a repetition is judged anew, which is what becomes of a late one, too. */
static void remember(struct mag *m, const struct packet *pkt, const struct judged *j, nsec_t now)
{
	struct mag_answered *a = &m->answered[m->n_answered++ % MAG_ANSWERS];

	forget_answer(a);
	a->bri = malloc(pkt->len);
	if (!a->bri)
		return;
	memcpy(a->bri, pkt->data, pkt->len);
	a->len = pkt->len;
	a->peer = pkt->src;
	a->until = nsec_add(now, nsec_from_s(MAG_ANSWER_LIFE_S));
	a->status = (uint8_t)j->status;
	a->missing = j->missing;
}

/* ---- answers */

static void add_failed(struct mh_msg *bra, const struct mh_msg *bri, uint64_t missing)
{
	const struct mh_opt *id = mh_opt(bri, MHO_MN_ID), *o;
	struct mh_opt *out;

	if (id && (out = mh_opt_add(bra, MHO_MN_ID)))
		out->mnid = id->mnid;
	for (unsigned i = 0; (o = mh_opt_nth(bri, MHO_HNP, i)); i++) {
		if ((missing >> i & 1) && (out = mh_opt_add(bra, MHO_HNP)))
			out->hnp.prefix = o->hnp.prefix;
	}
}

/* RFC 5846 6.1.2; partial success names what was gone already (9.1) */
static void send_bra(struct mag *m, const struct packet *about, const struct mh_msg *bri,
		     uint8_t status, uint64_t missing, nsec_t now)
{
	struct mh_msg bra;

	revocation_bra(&bra, bri, (enum bra_status)status);
	if (status == BRA_PARTIAL_SUCCESS)
		add_failed(&bra, bri, missing);
	revocation_answer(m->revocation, about, &bra, now);
}

// clang-format off
#define COUNTER_ROW(status, sym, name) {status, MAG_C_BRA_##sym},
static const struct {
	uint8_t status;
	enum mag_counter counter;
} bra_counters[] = {MAG_BRA_ROWS(COUNTER_ROW)};
// clang-format on

static void count_status(struct mag *m, uint8_t status)
{
	for (size_t i = 0; i < ARRAY_SIZE(bra_counters); i++) {
		if (bra_counters[i].status == status)
			mag_count_up(m, bra_counters[i].counter);
	}
}

static void answer(struct mag *m, const struct packet *pkt, const struct judged *j, nsec_t now)
{
	char id[MH_NAI_MAX + 1] = "bindings";

	if (j->id)
		mnid_str(j->id, id, sizeof(id));
	count_status(m, (uint8_t)j->status);
	log_limited(&j->lma->limit, now, j->status < BRA_NO_BINDING ? LOG_C_INFO : LOG_C_REMOTE,
		    "mag: %s revokes %s%s, trigger %u %s: answered %u %s", j->lma->name, id,
		    j->hoa4 ? " (IPv4 alone)" : "", j->bri->br.code,
		    br_trigger_name(j->bri->br.code), j->status,
		    bra_status_name((uint8_t)j->status));
	/* other refusals would be the same again */
	if (j->status < BRA_NO_BINDING || j->status == BRA_MN_IS_ATTACHED)
		remember(m, pkt, j, now);
	send_bra(m, pkt, j->bri, (uint8_t)j->status, j->missing, now);
}

/* Answers without effect may be had for nothing; they are given at a pace. */
static bool may_answer(struct mag *m, struct mag_lma *l, nsec_t now)
{
	const uint64_t refill = nsec_sub(now, l->answers_at) / nsec_from_ms(MAG_BRI_EVERY_MS);

	if (refill) {
		l->answers = refill >= MAG_BRI_BURST - l->answers ? MAG_BRI_BURST
								  : l->answers + (uint32_t)refill;
		l->answers_at = now;
	}
	if (!l->answers) {
		mag_count_up(m, MAG_C_BRI_LIMITED);
		return false;
	}
	l->answers--;
	return true;
}

/* ---- which bindings */

static bool has_prefix(const struct bule *e, const struct mh_opt *o)
{
	struct prefix6 p = o->hnp.prefix;

	prefix6_mask(&p);
	for (unsigned i = 0; i < e->n_prefixes; i++) {
		if (prefix6_eq(&e->prefixes[i], &p))
			return true;
	}
	return false;
}

static bool has_any_prefix(const struct bule *e, const struct mh_msg *bri)
{
	const struct mh_opt *o;

	for (unsigned i = 0; (o = mh_opt_nth(bri, MHO_HNP, i)); i++) {
		if (has_prefix(e, o))
			return true;
	}
	return !mh_opt(bri, MHO_HNP);
}

static bool has_home4(const struct mag_session *s, struct in_addr a)
{
	return a.s_addr &&
	       (s->b.home4.addr.s_addr == a.s_addr || s->returned4.addr.s_addr == a.s_addr);
}

/* The LMA may have accepted a registration whose answer was lost: it names the node as one of its
 * own then. */
static bool may_be_known(const struct mag_session *s)
{
	return mag_is_known(s) || (s->state == MST_REGISTERING && s->asked && !s->end_link);
}

static bool is_meant(const struct mag_session *s, const struct judged *j)
{
	if (s->lma != j->lma)
		return false;
	if (j->realm)
		return mag_is_known(s) && revocation_in_realm(&s->b.mnid, j->id);
	if (!j->id)
		return mag_is_known(s);
	if (!may_be_known(s) || !mnid_eq(&s->b.mnid, j->id))
		return false;
	return j->hoa4 ? has_home4(s, j->hoa4->hoa4.addr) : has_any_prefix(&s->b, j->bri);
}

/* The next session that is meant, after `s` or from the beginning. Of one node they are found by
 * its identifier. */
static struct mag_session *next_meant(const struct mag *m, const struct judged *j,
				      struct mag_session *s)
{
	const bool one = j->id && !j->realm;
	struct bule *e = s ? &s->b : NULL;

	do {
		if (one)
			e = bul_by_mnid(m->bul, j->id, e);
		else
			e = e ? bul_next(e) : bul_first(m->bul);
	} while (e && !is_meant(mag_session_of(e), j));
	return mag_session_of(e);
}

/* Of several prefixes those that are nobody's, RFC 5846 9.1. */
static uint64_t missing_prefixes(const struct mag *m, const struct judged *j)
{
	uint64_t missing = 0;
	const struct mh_opt *o;

	for (unsigned i = 0; (o = mh_opt_nth(j->bri, MHO_HNP, i)); i++) {
		struct mag_session *s = NULL;

		while ((s = next_meant(m, j, s)) && !has_prefix(&s->b, o))
			;
		if (!s)
			missing |= (uint64_t)1 << i;
	}
	return missing;
}

/* ---- judgement */

/* An Alternate Care-of Address that is not ours names no binding of ours. */
static bool is_for_us(const struct mag *m, const struct judged *j)
{
	const struct mh_opt *o = mh_opt(j->bri, MHO_ALT_COA);

	return !o || addr6_eq(&o->addr, mag_coa(m, &j->lma->info.addr)) ||
	       addr6_eq(&o->addr, &m->cfg.proxy_coa);
}

static enum bra_status judge_global(const struct mag *m, struct judged *j)
{
	const struct mh_opt *id = mh_opt(j->bri, MHO_MN_ID);
	const bool others = mh_opt(j->bri, MHO_HNP) || mh_opt(j->bri, MHO_IPV4_HOA_REQUEST);

	if (j->bri->br.code == BR_PER_PEER_POLICY)
		return id || others || mh_opt(j->bri, MHO_ALT_COA) ? BRA_FUNCTION_NOT_SUPPORTED
								   : BRA_SUCCESS;
	if (!id || others || !revocation_names_realm(&id->mnid))
		return BRA_IDENTITY_REQUIRED;
	j->id = &id->mnid;
	j->realm = true;
	return is_for_us(m, j) && next_meant(m, j, NULL) ? BRA_SUCCESS : BRA_IDENTITY_REQUIRED;
}

static enum bra_status judge_node(const struct mag *m, struct judged *j)
{
	const struct mh_opt *id = mh_opt(j->bri, MHO_MN_ID);
	const struct mh_opt *hoa4 = mh_opt(j->bri, MHO_IPV4_HOA_REQUEST);
	const bool only4 = j->bri->br.flags & MH_BR_V;

	if (!id || id->mnid.subtype != MNID_NAI || !id->mnid.len)
		return BRA_IDENTITY_REQUIRED;
	j->id = &id->mnid;
	if (only4 && !hoa4)
		return BRA_IPV4_HOA_REQUIRED;
	/* RFC 5846 5.1, 8.1: this option with the V flag alone, prefixes never with it */
	if (only4 ? mh_opt(j->bri, MHO_HNP) != NULL : hoa4 != NULL)
		return BRA_FUNCTION_NOT_SUPPORTED;
	j->hoa4 = hoa4;
	if (!is_for_us(m, j) || !next_meant(m, j, NULL))
		return BRA_NO_BINDING;
	j->missing = missing_prefixes(m, j);
	return j->missing ? BRA_PARTIAL_SUCCESS : BRA_SUCCESS;
}

static void judge(const struct mag *m, struct judged *j)
{
	j->status = revocation_check(j->bri);
	if (j->status != BRA_SUCCESS)
		return;
	/* a MAG has no other bindings than proxy ones */
	if (!(j->bri->br.flags & MH_BR_P))
		j->status = BRA_FUNCTION_NOT_SUPPORTED;
	else if (j->bri->br.flags & MH_BR_G)
		j->status = judge_global(m, j);
	else
		j->status = judge_node(m, j);
}

/* ---- carrying it out */

static bool may_be_here(const struct mag *m, const struct mag_session *s)
{
	struct link_node node = mag_node(s);

	/* one that is being handed over has left, whatever its link says */
	return !s->b.parked && s->state != MST_LEAVING && m->links->attached(m->links->ctx, &node);
}

static enum mag_event event_of(const struct mag *m, const struct mag_session *s, uint8_t trigger)
{
	switch (trigger) {
	case BR_ADMINISTRATIVE:
		return MEV_REVOKED_BAR;
	case BR_HANDOVER_SAME_ATT:
	case BR_HANDOVER_OTHER_ATT:
	case BR_HANDOVER_UNKNOWN:
		return MEV_REVOKED_LEFT;
	case BR_OUT_OF_SYNC:
		return may_be_here(m, s) ? MEV_REVOKED_SYNC : MEV_REVOKED_LEFT;
	default:
		return MEV_REVOKED;
	}
}

static void carry_out(struct mag *m, const struct judged *j, nsec_t now)
{
	struct mag_ctx c = {.m = m, .now = now, .msg = j->bri};
	const bool many = !j->id || j->realm;
	struct mag_session *s, *next;

	c.cause = br_trigger_name(j->bri->br.code);
	for (s = next_meant(m, j, NULL); s; s = next) {
		next = next_meant(m, j, s);
		mag_revoke_forget(m, s);
		if (mag_reply_waits(m))
			s->behind = outbox_next(&m->answers);
		/* without prefixes IPv4 is all that there is */
		if (many)
			mag_end_later(m, s, c.cause);
		else if (j->hoa4 && (s->b.n_prefixes || s->b.parked))
			mag_step(s, MEV_REVOKED4, &c);
		else
			mag_step(s, event_of(m, s, j->bri->br.code), &c);
	}
	if (many)
		mag_end_some(m, now);
}

static void conclude(struct mag *m, const struct packet *pkt, const struct judged *j, nsec_t now)
{
	const bool first = !mag_reply_waits(m);

	if (first)
		answer(m, pkt, j, now);
	if (j->status < BRA_NO_BINDING)
		carry_out(m, j, now);
	if (!first)
		answer(m, pkt, j, now);
}

/* ---- is the node still here? */

static bool is_handover(const struct judged *j)
{
	return j->status < BRA_NO_BINDING && j->bri->br.code >= BR_HANDOVER_SAME_ATT &&
	       j->bri->br.code <= BR_HANDOVER_UNKNOWN;
}

static void asking_part(struct mag_session *s)
{
	struct mag_session **at = &s->asking->sessions;

	while (*at != s)
		at = &(*at)->asking_next;
	*at = s->asking_next;
	s->asking = NULL;
}

static void asking_free(struct mag *m, struct mag_asking *a)
{
	while (a->sessions)
		asking_part(a->sessions);
	deadline_cancel(&m->timers, &a->timer);
	*a->link = a->next;
	if (a->next)
		a->next->link = a->link;
	m->n_asking--;
	free(a);
}

/* All nodes have left or given no answer, or one is here. What was lost meanwhile was revoked, too,
 * and counts as success. */
static void asking_over(struct mag *m, struct mag_asking *a, nsec_t now)
{
	struct judged j = {.lma = mag_lma_by_addr(m, &a->pkt.src)};
	struct mh_msg bri;

	while (a->sessions)
		asking_part(a->sessions);
	if (j.lma && mh_decode(&bri, a->bri, a->pkt.len, NULL, NULL) == MH_OK) {
		j.bri = &bri;
		judge(m, &j);
		if (a->found) {
			j.status = BRA_MN_IS_ATTACHED;
		} else if (a->lost) {
			j.status = BRA_SUCCESS;
			j.missing = 0;
		}
		conclude(m, &a->pkt, &j, now);
	}
	asking_free(m, a);
}

static void fire_asking(struct deadline *d, void *ctx, nsec_t now)
{
	asking_over(ctx, container_of(d, struct mag_asking, timer), now);
}

static struct mag_asking *asking_new(struct mag *m, const struct packet *pkt,
				     const struct judged *j, nsec_t now)
{
	struct mag_asking *a;

	if (m->n_asking == MAG_ASKING_MAX)
		return NULL;
	a = calloc(1, sizeof(*a) + pkt->len);
	if (!a)
		return NULL;
	memcpy(a->bri, pkt->data, pkt->len);
	a->pkt = *pkt;
	a->pkt.data = a->bri;
	a->only4 = j->hoa4;
	a->timer.fire = fire_asking;
	deadline_arm(&m->timers, &a->timer, nsec_add(now, nsec_from_ms(MAG_ASKING_MS)));
	a->next = m->asking;
	a->link = &m->asking;
	if (a->next)
		a->next->link = &a->next;
	m->asking = a;
	m->n_asking++;
	return a;
}

static void ask(struct mag *m, struct mag_asking *a, const struct judged *j, nsec_t now)
{
	struct mag_session *s = NULL;

	mag_count_up(m, MAG_C_BRI_ASKED);
	while ((s = next_meant(m, j, s))) {
		if (!may_be_here(m, s))
			continue;
		s->asking = a;
		s->asking_next = a->sessions;
		a->sessions = s;
	}
	a->asks = true;
	while ((s = next_meant(m, j, s))) {
		struct link_node node = mag_node(s);

		if (s->asking == a)
			m->links->verify(m->links->ctx, &node);
	}
	a->asks = false;
	if (a->found || !a->sessions)
		asking_over(m, a, now);
}

/* RFC 5846 9.1: the MAG should ensure that the node is no longer attached. */
static void conclude_handover(struct mag *m, const struct packet *pkt, struct judged *j, nsec_t now)
{
	struct mag_session *s = NULL;
	struct mag_asking *a;
	bool here = false;

	while ((s = next_meant(m, j, s))) {
		if (s->asking && same_octets(s->asking->bri, s->asking->pkt.len, pkt) &&
		    addr6_eq(&s->asking->pkt.src, &pkt->src)) {
			mag_count_up(m, MAG_C_BRI_IMPATIENT);
			return;
		}
		/* a newer one of the LMA takes its place */
		if (s->asking)
			asking_free(m, s->asking);
		here = here || may_be_here(m, s);
	}
	a = here ? asking_new(m, pkt, j, now) : NULL;
	if (a) {
		ask(m, a, j, now);
		return;
	}
	/* nobody can be asked: what the link knew last */
	if (here)
		j->status = BRA_MN_IS_ATTACHED;
	conclude(m, pkt, j, now);
}

void mag_revoke_found(struct mag *m, struct mag_session *s, nsec_t now)
{
	struct mag_asking *a = s->asking;

	if (!a)
		return;
	a->found = true;
	if (!a->asks)
		asking_over(m, a, now);
}

bool mag_revoke_lost(struct mag *m, struct mag_session *s, nsec_t now)
{
	struct mag_asking *a = s->asking;
	bool ends;

	if (!a)
		return false;
	asking_part(s);
	a->lost = true;
	if (a->sessions || a->asks)
		return false;
	/* else its prefixes are left, and go the usual way */
	ends = !a->only4 || !s->b.n_prefixes;
	asking_over(m, a, now);
	return ends;
}

void mag_revoke_forget(struct mag *m, struct mag_session *s)
{
	struct mag_asking *a = s->asking;

	if (!a)
		return;
	asking_part(s);
	a->lost = true;
	if (!a->sessions && !a->asks)
		deadline_arm(&m->timers, &a->timer, 0);
}

/* ---- in */

/* RFC 5844 4.1.3.2, as for Proxy Binding Acknowledgements */
static bool came_our_way(const struct mag *m, const struct mag_lma *lma, const struct packet *pkt)
{
	if (!addr6_eq(&pkt->dst, mag_coa(m, &lma->info.addr)))
		return false;
	return !addr_is_ip4(&pkt->src) || !pkt->port || pkt->port == MH_UDP_PORT;
}

/* The node had left when the indication was answered, and has been registered again since. An LMA
 * that has not had the answer would let the new binding go for it. */
static bool is_back(const struct mag_answered *before, const struct judged *j)
{
	return before->status < BRA_NO_BINDING && is_handover(j);
}

void mag_revoke_receive(struct mag *m, struct mag_lma *lma, const struct packet *pkt,
			const struct mh_msg *msg, nsec_t now)
{
	struct judged j = {.lma = lma, .bri = msg};
	const struct mag_answered *before;

	if (!came_our_way(m, lma, pkt)) {
		mag_count_up(m, MAG_C_BRI_MISDIRECTED);
		return;
	}
	before = answered_before(m, pkt, now);
	judge(m, &j);
	if (before && !is_back(before, &j)) {
		if (!may_answer(m, lma, now))
			return;
		mag_count_up(m, MAG_C_BRI_REPEATED);
		send_bra(m, pkt, msg, before->status, before->missing, now);
		return;
	}
	if (is_handover(&j))
		conclude_handover(m, pkt, &j, now);
	else if (j.status < BRA_NO_BINDING || may_answer(m, lma, now))
		conclude(m, pkt, &j, now);
}

void mag_revoke_free(struct mag *m)
{
	while (m->asking)
		asking_free(m, m->asking);
	for (unsigned i = 0; i < MAG_ANSWERS; i++)
		forget_answer(&m->answered[i]);
}
