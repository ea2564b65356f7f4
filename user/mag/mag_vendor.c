/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vendor Specific options (RFC 5094) of sessions: what an LMA says of a node in an accepting
 * answer, to be handed on to the node's next MAG (RFC 5949 6.2.8). They mean nothing here.
 *
 * An answer with any takes the place of all that there were; one without leaves them. What the
 * node's old MAG tells is older than what its LMA tells. A session keeps so many, of so many
 * octets; those that do not fit are counted. A restart forgets them until the LMA says them again.
 */
#include "mag/mag_int.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define FIXED 5 /* Vendor ID and Sub-Type */

struct mag_vendors {
	bool of_lma; /* else of the node's old MAG */
	uint8_t n;
	uint16_t octets;
	uint8_t option[]; /* each from its Length on */
};

bool mag_vendors_next(const struct mag_vendors *v, unsigned *at, struct mag_vendor *out)
{
	const uint8_t *p;
	uint32_t id;

	if (!v || *at >= v->octets)
		return false;
	p = &v->option[*at];
	memcpy(&id, &p[1], sizeof(id));
	*out = (struct mag_vendor){.id = ntohl(id),
				   .subtype = p[FIXED],
				   .len = (uint8_t)(p[0] - FIXED),
				   .data = &p[1 + FIXED]};
	*at += 1u + p[0];
	return true;
}

unsigned mag_vendors_count(const struct mag_vendors *v)
{
	return v ? v->n : 0;
}

static bool has(const struct mag_vendors *v, const struct mh_opt *o)
{
	struct mag_vendor have;
	unsigned at = 0;

	while (mag_vendors_next(v, &at, &have)) {
		if (have.id == o->vendor.id && have.subtype == o->vendor.subtype &&
		    have.len == o->vendor.len &&
		    (!have.len || !memcmp(have.data, o->vendor.data, have.len)))
			return true;
	}
	return false;
}

/* Behind those that it has. False: it does not fit. */
static bool append(struct mag_vendors *v, const struct mh_opt *o)
{
	const uint32_t id = htonl(o->vendor.id);
	uint8_t *p = &v->option[v->octets];

	if (v->n == MAG_VENDORS_MAX || o->vendor.len > UINT8_MAX - FIXED ||
	    v->octets + 1u + FIXED + o->vendor.len > MAG_VENDOR_OCTETS)
		return false;
	p[0] = (uint8_t)(FIXED + o->vendor.len);
	memcpy(&p[1], &id, sizeof(id));
	p[FIXED] = o->vendor.subtype;
	if (o->vendor.len)
		memcpy(&p[1 + FIXED], o->vendor.data, o->vendor.len);
	v->octets = (uint16_t)(v->octets + 1u + FIXED + o->vendor.len);
	v->n++;
	return true;
}

/* Makes a new set of `old` and what the message has besides. How many of these were taken. */
static unsigned take(struct mag *m, struct mag_session *s, const struct mag_vendors *old,
		     const struct mh_msg *msg, bool of_lma, unsigned *lost)
{
	union {
		struct mag_vendors v;
		uint8_t room[sizeof(struct mag_vendors) + MAG_VENDOR_OCTETS];
	} fresh = {.v = {.of_lma = of_lma}};
	const struct mh_opt *o;
	struct mag_vendors *v;
	unsigned i, taken = 0;
	size_t size;

	*lost = 0;
	if (old)
		memcpy(&fresh, old, sizeof(*old) + old->octets);
	for (i = 0; (o = mh_opt_nth(msg, MHO_VENDOR, i)); i++) {
		if (has(&fresh.v, o))
			continue;
		if (append(&fresh.v, o))
			taken++;
		else
			++*lost;
	}
	size = sizeof(fresh.v) + fresh.v.octets;
	v = taken ? malloc(size) : NULL;
	if (taken && !v) {
		*lost += taken;
		taken = 0;
	}
	if (v) {
		memcpy(v, &fresh, size);
		free(s->vendors);
		s->vendors = v;
	}
	m->counter[MAG_C_VENDOR_KEPT] += taken;
	m->counter[MAG_C_VENDOR_NOT_KEPT] += *lost;
	return taken;
}

void mag_vendors_granted(struct mag *m, struct mag_session *s, const struct mh_msg *msg, nsec_t now)
{
	unsigned lost;

	if (!mh_opt(msg, MHO_VENDOR))
		return;
	take(m, s, NULL, msg, true, &lost);
	if (lost)
		mag_log(m, s, &s->lma->limit, now, LOG_C_REMOTE,
			"%u Vendor Specific options of %s are not kept: too many, too long, or no "
			"memory",
			lost, s->lma->name);
}

unsigned mag_vendors_inherited(struct mag *m, struct mag_session *s, const struct mh_msg *msg,
			       unsigned *lost)
{
	*lost = 0;
	if (!mh_opt(msg, MHO_VENDOR) || (s->vendors && s->vendors->of_lma))
		return 0;
	return take(m, s, s->vendors, msg, false, lost);
}

void mag_vendors_free(struct mag_session *s)
{
	free(s->vendors);
	s->vendors = NULL;
}
