/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "combo.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const dir_names[DIRS] = {"LMA down", "LMA up", "MAG up", "MAG down"};

enum world_slot combo_node(const struct combo *c)
{
	return (c->dir == LMA_DOWN || c->dir == LMA_UP ? MN_K : MN_K_LINK) + c->k;
}

const char *combo_addr(enum world_slot slot, bool four)
{
	return four ? mn4(slot) : mn(slot);
}

const char *combo_cn(bool four)
{
	return four ? CN4 : CN;
}

const char *combo_lmaa(enum kind k)
{
	return kinds[k].four ? LMAA4 : LMAA;
}

const char *combo_pcoa(enum kind k)
{
	return kinds[k].four ? PCOA4 : PCOA;
}

/* Around a packet that arrives, and around one that leaves. */
static void arrives(struct spec *s, const char *osrc, const char *odst, enum kind k, uint32_t key)
{
	s->dmac = T_MAC;
	s->smac = T_PEER;
	s->osrc = osrc;
	s->odst = odst;
	s->shim = kinds[k].shim;
	s->key = key;
}

static void leaves(struct spec *s, const char *osrc, const char *odst, enum kind k, uint32_t key)
{
	s->dmac = R_MAC;
	s->smac = T_MAC;
	s->osrc = osrc;
	s->odst = odst;
	s->shim = kinds[k].shim;
	s->key = key;
}

struct row combo_row(const struct combo *c)
{
	const enum world_slot node = combo_node(c);
	const char *addr = combo_addr(node, c->four), *cn = combo_cn(c->four);
	const struct kind_info *k = &kinds[c->k];
	struct row r = {.prog = c->dir == MAG_UP ? AT_ACCESS : AT_TRANSPORT};
	bool from_node = c->dir == LMA_UP || c->dir == MAG_UP;

	r.in.src = r.out.src = from_node ? addr : cn;
	r.in.dst = r.out.dst = from_node ? cn : addr;
	r.out.hl = 63;
	*(from_node ? &r.up : &r.down) = node;
	switch (c->dir) {
	case LMA_DOWN:
		r.verdict = PM_V_ENCAP;
		r.in.dmac = T_MAC;
		r.in.smac = T_PEER;
		leaves(&r.out, combo_lmaa(c->k), k->mag, c->k, world_peer_key(node, false));
		break;
	case LMA_UP:
		r.verdict = PM_V_DECAP_ROUTE;
		arrives(&r.in, k->mag, combo_lmaa(c->k), c->k, node);
		r.out.dmac = R_MAC;
		r.out.smac = T_MAC;
		break;
	case MAG_UP:
		r.verdict = PM_V_ENCAP;
		r.in.dmac = A_MAC;
		r.in.smac = mn_mac(node);
		leaves(&r.out, combo_pcoa(c->k), k->lma, c->k, world_peer_key(node, true));
		break;
	default:
		r.verdict = PM_V_DECAP_LINK;
		arrives(&r.in, k->lma, combo_pcoa(c->k), c->k, node);
		r.out.dmac = mn_mac(node);
		r.out.smac = A_MAC;
	}
	return r;
}

struct row combo_hairpin(enum kind from, enum kind to, bool four)
{
	const enum world_slot a = MN_K + from, b = MN_K_OTHER + to;
	struct row r = {.prog = AT_TRANSPORT, .verdict = PM_V_HAIRPIN, .up = a, .down = b};

	arrives(&r.in, kinds[from].mag, combo_lmaa(from), from, a);
	leaves(&r.out, combo_lmaa(to), kinds[to].mag, to, world_peer_key(b, false));
	r.in.src = r.out.src = combo_addr(a, four);
	r.in.dst = r.out.dst = combo_addr(b, four);
	r.out.hl = 63;
	return r;
}

static const char *source_of(const char *ours, bool four)
{
	if (frame_is4(ours) == four)
		return ours;
	return four ? ICMP4_SRC : ICMP6_SRC;
}

/* To a node through its tunnel; our address at either tunnel serves, if it is of the family. */
static struct frame_error to_node(enum kind k, const char *other, bool four)
{
	const enum world_slot node = MN_K + k;
	const char *src = combo_lmaa(k);

	if (frame_is4(src) != four)
		src = source_of(other, four);
	return (struct frame_error){.src = src,
				    .dst = combo_addr(node, four),
				    .osrc = combo_lmaa(k),
				    .odst = kinds[k].mag,
				    .shim = kinds[k].shim,
				    .key = world_peer_key(node, false)};
}

struct frame_error combo_error(const struct combo *c)
{
	struct frame_error e = {.dst = combo_cn(c->four)};

	switch (c->dir) {
	case LMA_DOWN:
		e.src = source_of(combo_lmaa(c->k), c->four);
		break;
	case LMA_UP:
		return to_node(c->k, combo_lmaa(c->k), c->four);
	case MAG_UP:
		e.src = source_of(combo_pcoa(c->k), c->four);
		e.dst = combo_addr(combo_node(c), c->four);
		break;
	default:
		e.src = source_of(combo_pcoa(c->k), c->four);
	}
	return e;
}

struct frame_error combo_hairpin_error(enum kind from, enum kind to, bool four)
{
	return to_node(from, combo_lmaa(to), four);
}

void combo_hop_limit(struct row *r, bool four)
{
	r->verdict = PM_V_REPLIED;
	r->error.type = four ? 11 : 3;
}

void combo_too_big(struct row *r, bool four, uint16_t mtu)
{
	r->verdict = PM_V_REPLIED;
	r->error.type = four ? 3 : 2;
	r->error.code = four ? 4 : 0;
	r->error.param = mtu;
}

void combo_drop(struct row *r, enum pm_drop_reason reason)
{
	r->verdict = PM_V_DROPPED;
	r->reason = reason;
}

void combo_kernel(struct row *r)
{
	r->verdict = PM_V_TO_KERNEL;
}

const char *combo_name(const struct combo *c, const char *fmt, ...)
{
	static char text[160];
	va_list ap;
	int n;

	n = snprintf(text, sizeof(text), "%s, %s, %s: ", dir_names[c->dir], kinds[c->k].name,
		     c->four ? "IPv4" : "IPv6");
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	return text;
}

void combo_each(void (*fn)(const struct combo *c))
{
	for (int dir = 0; dir < DIRS; dir++)
		for (int k = 0; k < KINDS; k++)
			for (int four = 0; four < 2; four++)
				fn(&(struct combo){.dir = dir, .k = k, .four = four});
}
