/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs between two configurations, row by row. Entries of a list of sections are matched
 * by their first key (a name, an MN-ID), so that inserting one is one difference.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config/config.h"
#include "config/config_value.h"

#define PATH_LEN 512
#define LINE_LEN 1024

struct diff {
	int n;
	bool refused;
	char *why;
	size_t cap;
	void (*cb)(void *ctx, const char *line);
	void *ctx;
	bool failed; /* no memory to compare with */
};

static void differs(struct diff *d, const struct config_row *r, const char *path, const char *what)
{
	char line[LINE_LEN];

	d->n++;
	if (d->cb) {
		snprintf(line, sizeof(line), "%s: %s", path, what);
		d->cb(d->ctx, line);
	}
	if (r->live || d->refused)
		return;
	d->refused = true;
	if (d->why)
		snprintf(d->why, d->cap, "%s: %s; cannot change while running, restart the daemon",
			 path, what);
}

static void diff_section(struct diff *d, const struct config_section *s, void *a, void *b,
			 const char *path);

static void list_str(const struct config_row *r, void *base, char *buf, size_t cap)
{
	unsigned n = config_row_count(r, base);
	char v[CONFIG_VALUE_LEN];
	size_t at = (size_t)snprintf(buf, cap, "[");

	for (unsigned i = 0; i < n && at < cap; i++)
		at += (size_t)snprintf(buf + at, cap - at, "%s%s", i ? ", " : "",
				       config_value_str(r, config_row_at(r, base, i), v));
	if (at < cap)
		snprintf(buf + at, cap - at, "]");
}

static void diff_values(struct diff *d, const struct config_row *r, void *a, void *b,
			const char *path)
{
	unsigned na = config_row_count(r, a), nb = config_row_count(r, b);
	char va[CONFIG_VALUE_LEN], vb[CONFIG_VALUE_LEN], what[2 * CONFIG_VALUE_LEN + 8];
	bool same = na == nb;

	for (unsigned i = 0; i < na && same; i++)
		same = !strcmp(config_value_str(r, config_row_at(r, a, i), va),
			       config_value_str(r, config_row_at(r, b, i), vb));
	if (same)
		return;
	if (r->list == CONFIG_ONE) {
		config_value_str(r, config_row_at(r, a, 0), va);
		config_value_str(r, config_row_at(r, b, 0), vb);
	} else {
		list_str(r, a, va, sizeof(va));
		list_str(r, b, vb, sizeof(vb));
	}
	snprintf(what, sizeof(what), "%s -> %s", *va ? va : "nothing", *vb ? vb : "nothing");
	differs(d, r, path, what);
}

/* ---- lists of sections */

struct entry {
	void *p;
	const char *name; /* the first key of every listed section is a string */
};

static const char *name_at(const struct config_row *r, void *base, unsigned i)
{
	return config_row_at(&r->sub->rows[0], config_row_at(r, base, i), 0);
}

static int entry_cmp(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static struct entry *entries(const struct config_row *r, void *base, unsigned n)
{
	struct entry *e = calloc(n ? n : 1, sizeof(*e));

	for (unsigned i = 0; e && i < n; i++) {
		e[i].p = config_row_at(r, base, i);
		e[i].name = name_at(r, base, i);
	}
	if (e)
		qsort(e, n, sizeof(*e), entry_cmp);
	return e;
}

static void diff_entries(struct diff *d, const struct config_row *r, void *a, void *b,
			 const char *path)
{
	unsigned na = config_row_count(r, a), nb = config_row_count(r, b), i = 0, j = 0;
	struct entry *ea = entries(r, a, na), *eb = entries(r, b, nb);
	char at[PATH_LEN];
	bool reordered = false;

	if (!ea || !eb)
		d->failed = true;
	while (!d->failed && (i < na || j < nb)) {
		int c = i == na ? 1 : j == nb ? -1 : strcmp(ea[i].name, eb[j].name);

		snprintf(at, sizeof(at), "%.200s[%.254s]", path, c > 0 ? eb[j].name : ea[i].name);
		if (c < 0)
			differs(d, r, at, "removed");
		else if (c > 0)
			differs(d, r, at, "added");
		else
			diff_section(d, r->sub, ea[i].p, eb[j].p, at);
		i += c <= 0;
		j += c >= 0;
	}
	for (i = 0; !d->failed && na == nb && i < na && !strcmp(ea[i].name, eb[i].name); i++)
		reordered |= strcmp(name_at(r, a, i), name_at(r, b, i)) != 0;
	if (reordered && i == na)
		differs(d, r, path, "other order");
	free(ea);
	free(eb);
}

static void diff_section(struct diff *d, const struct config_section *s, void *a, void *b,
			 const char *path)
{
	for (size_t i = 0; i < s->n_rows; i++) {
		const struct config_row *r = &s->rows[i];
		char at[PATH_LEN];

		snprintf(at, sizeof(at), "%.400s%s%.60s", path, *path ? "." : "", r->key);
		if (r->kind != CONFIG_SECTION)
			diff_values(d, r, a, b, at);
		else if (r->list != CONFIG_ONE)
			diff_entries(d, r, a, b, at);
		else if (config_row_count(r, a) != config_row_count(r, b))
			differs(d, r, at, config_row_count(r, b) ? "added" : "removed");
		else if (config_row_count(r, a))
			diff_section(d, r->sub, config_row_at(r, a, 0), config_row_at(r, b, 0), at);
	}
}

static struct diff diff(const struct config *old, const struct config *new, struct diff d)
{
	diff_section(&d, &config_root, (void *)config_file_of(old), (void *)config_file_of(new),
		     "");
	return d;
}

int config_reload_diff(const struct config *old, const struct config *new, char *why, size_t cap)
{
	struct diff d = diff(old, new, (struct diff){.why = why, .cap = cap});

	if (d.failed) {
		snprintf(why, cap, "no memory to compare the configurations");
		return -ENOMEM;
	}
	return d.refused ? -EBUSY : d.n;
}

void config_walk_diff(const struct config *old, const struct config *new,
		      void (*cb)(void *ctx, const char *line), void *ctx)
{
	diff(old, new, (struct diff){.cb = cb, .ctx = ctx});
}
