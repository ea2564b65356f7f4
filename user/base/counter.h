/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named counters. A module lists its counters once, as an X-macro of (SYMBOL, "name", "help"),
 * and gets an enum, a description table and storage from it:
 *
 *	#define LMA_COUNTERS(X) X(LMA_C_PBU_RCVD, "pbu_received", "Proxy Binding Updates received")
 *	enum lma_counter { LMA_COUNTERS(COUNTER_ENUM) LMA_C_MAX };
 *	static const struct counter_desc lma_counter_desc[] = { LMA_COUNTERS(COUNTER_DESC) };
 *
 * Counters belong to an instance, never to the process. Names are stable: they are what
 * `pmipctl counters` prints and what a metrics exporter will offer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define COUNTER_ENUM(sym, name, help) sym,
#define COUNTER_DESC(sym, name, help) {name, help},

struct counter_desc {
	const char *name;
	const char *help;
};

/* A view for whoever shows counters; borrows both arrays. */
struct counter_set {
	const char *module; /* "lma", "mag", "wire", ... */
	const struct counter_desc *desc;
	const uint64_t *value;
	size_t n;
};
