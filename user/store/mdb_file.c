/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/mdb_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/mdb_page.h"

_Static_assert(sizeof(size_t) == 8, "the layout below is that of 64-bit machines");

#define MAGIC	    0xbeefc0deu
#define VERSION	    1
#define NO_PAGE	    UINT64_MAX
#define PAGE_MAX    32768
#define PAGES_MAX   (1ull << 36)
#define MAPSIZE_MAX (1ull << 46)
#define DEPTH_MAX   16

#define INTEGERKEY 0x08
#define DB_FLAGS   0x7f /* the lower ones say how keys are compared */

struct table {
	uint16_t flags, depth;
	uint64_t branches, leaves, overflows, entries, root;
};

struct meta {
	bool good;
	uint64_t mapsize, last_page, txn;
	struct table free, main;
};

struct mdb_file {
	int fd;
	size_t page_size;
	uint64_t n_pages;
	struct meta meta;
	struct mdb_damage *damage; /* while opening */
	uint8_t *used, *unused;	   /* a bit per page */
	uint8_t *buf[DEPTH_MAX];
	uint64_t *leaf;
	size_t n_leaves, leaves_cap;
	struct table seen;
	uint64_t conflicts; /* pages that two claim */
	bool in_tree;	    /* of the records, not of the free pages */
	bool oom;
};

/* ---- damage */

__attribute__((format(printf, 2, 3))) static void note(struct mdb_damage *d, const char *fmt, ...)
{
	va_list ap;

	if (d->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(d->why, sizeof(d->why), fmt, ap);
	va_end(ap);
}

static bool wrong(struct mdb_file *f, uint64_t page, const char *what)
{
	if (f->damage) {
		f->damage->wrong++;
		f->damage->tree += f->in_tree;
		note(f->damage, "page %llu: %s", (unsigned long long)page, what);
	}
	return false;
}

/* ---- loads */

static bool bit(const uint8_t *map, uint64_t i)
{
	return map[i / 8] & 1u << i % 8;
}

static void set_bit(uint8_t *map, uint64_t i)
{
	map[i / 8] |= (uint8_t)(1u << i % 8);
}

static bool read_at(int fd, uint8_t *buf, size_t len, uint64_t at)
{
	while (len) {
		const ssize_t n = pread(fd, buf, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return true;
}

/* ---- meta pages */

static struct table get_table(const uint8_t *p)
{
	return (struct table){
		.flags = get16(p + 4),
		.depth = get16(p + 6),
		.branches = get64(p + 8),
		.leaves = get64(p + 16),
		.overflows = get64(p + 24),
		.entries = get64(p + 32),
		.root = get64(p + 40),
	};
}

static bool table_ok(const struct table *t, uint64_t last_page)
{
	if (t->depth > DEPTH_MAX)
		return false;
	return t->root == NO_PAGE ? !t->depth : t->depth && t->root > 1 && t->root <= last_page;
}

static struct meta get_meta(int fd, size_t page_size, unsigned i, struct mdb_damage *d)
{
	uint8_t head[PAGE_HEAD + 136];
	const uint8_t *p = head + PAGE_HEAD;
	struct meta m = {0};

	if (!read_at(fd, head, sizeof(head), i * page_size)) {
		d->missing++;
		note(d, "meta page %u is not there", i);
		return m;
	}
	m.mapsize = get64(p + 16);
	m.free = get_table(p + 24);
	m.main = get_table(p + 72);
	m.last_page = get64(p + 120);
	m.txn = get64(p + 128);
	m.good = get64(head) == i && get16(head + 10) == P_META && get32(p) == MAGIC &&
		 get32(p + 4) == VERSION && get32(p + 24) == page_size &&
		 m.mapsize <= MAPSIZE_MAX && m.last_page >= 1 && m.last_page < PAGES_MAX &&
		 m.last_page < m.mapsize / page_size && (m.free.flags & DB_FLAGS) == INTEGERKEY &&
		 !m.main.flags && table_ok(&m.free, m.last_page) && table_ok(&m.main, m.last_page);
	if (!m.good) {
		d->wrong++;
		note(d, "meta page %u is damaged", i);
	}
	return m;
}

static int choose_meta(struct mdb_file *f, unsigned back)
{
	struct mdb_damage *d = f->damage;
	struct meta m[2];
	unsigned newest;

	for (unsigned i = 0; i < 2; i++)
		m[i] = get_meta(f->fd, f->page_size, i, d);
	if (m[0].good && m[1].good) {
		newest = m[1].txn > m[0].txn;
		/* each commit writes the page that the one before did not */
		if (m[newest].txn != m[!newest].txn + 1 || (m[newest].txn & 1) != newest) {
			d->wrong++;
			note(d, "the meta pages do not belong together");
		} else {
			d->metas_agree = true;
		}
	} else {
		newest = m[1].good;
	}
	f->meta = m[newest ^ back];
	return f->meta.good ? 0 : -ENOENT;
}

/* ---- pages */

static bool page_get(struct mdb_file *f, uint64_t page, uint8_t *buf)
{
	if (page < 2 || page > f->meta.last_page)
		return wrong(f, page, "no such page");
	if (!read_at(f->fd, buf, f->page_size, page * f->page_size)) {
		if (f->damage) {
			f->damage->missing++;
			note(f->damage, "page %llu is not there", (unsigned long long)page);
		}
		return false;
	}
	if (get64(buf) != page)
		return wrong(f, page, "has another page's number");
	return true;
}

static bool conflict(struct mdb_file *f, uint64_t page, const char *what)
{
	f->conflicts++;
	return wrong(f, page, what);
}

/* Whether a page may be what the tree says; it is taken then. */
static bool page_take(struct mdb_file *f, uint64_t page)
{
	if (bit(f->unused, page))
		return conflict(f, page, "is in use and free");
	if (bit(f->used, page))
		return conflict(f, page, "is in use twice");
	set_bit(f->used, page);
	return true;
}

/* ---- the list of free pages: a table of {commit: count, pages in descending order} */

static bool free_list(struct mdb_file *f, const uint8_t *p, size_t len)
{
	uint64_t last = NO_PAGE, n;

	if (len < 8 || len % 8)
		return false;
	n = get64(p);
	if (n > len / 8 - 1)
		return false;
	for (uint64_t i = 1; i <= n; i++) {
		const uint64_t page = get64(p + 8 * i);

		if (page < 2 || page > f->meta.last_page || page >= last || bit(f->unused, page))
			return false;
		last = page;
		set_bit(f->unused, page);
	}
	return true;
}

static bool free_list_big(struct mdb_file *f, uint64_t page, size_t len)
{
	const uint64_t n = (PAGE_HEAD + len - 1) / f->page_size + 1;
	uint8_t *buf;
	bool ok;

	if (page < 2 || page > f->meta.last_page || n > f->meta.last_page - page + 1)
		return wrong(f, page, "no such pages");
	buf = malloc(n * f->page_size);
	if (!buf) {
		f->oom = true;
		return false;
	}
	ok = read_at(f->fd, buf, PAGE_HEAD + len, page * f->page_size);
	if (!ok) {
		f->damage->missing++;
		note(f->damage, "page %llu is not there", (unsigned long long)page);
	} else if (get64(buf) != page || get16(buf + 10) != P_OVERFLOW || get32(buf + 12) != n ||
		   !free_list(f, buf + PAGE_HEAD, len)) {
		ok = wrong(f, page, "is no list of free pages");
	}
	free(buf);
	for (uint64_t i = 0; ok && i < n; i++)
		ok = page_take(f, page + i);
	f->seen.overflows += n;
	return ok;
}

static bool free_leaf(struct mdb_file *f, uint64_t page, const uint8_t *buf)
{
	const unsigned n = page_nodes(buf);
	struct node node;

	f->seen.leaves++;
	for (unsigned i = 0; i < n; i++) {
		bool ok = page_node(buf, f->page_size, P_LEAF, i, &node) && node.key_len == 8;

		if (ok && node.flags == F_BIGDATA)
			ok = node.len < f->n_pages * 16 &&
			     free_list_big(f, get64(node.data), node.len);
		else if (ok)
			ok = free_list(f, node.data, node.len);
		if (!ok)
			return wrong(f, page, "has a damaged list of free pages");
		f->seen.entries++;
	}
	return true;
}

static bool walk_free(struct mdb_file *f, uint64_t page, unsigned depth)
{
	uint8_t *buf = f->buf[depth - 1];
	const uint16_t kind = depth == 1 ? P_LEAF : P_BRANCH;
	bool ok = true;
	struct node node;

	if (!page_get(f, page, buf))
		return false;
	if (!page_head_ok(buf, f->page_size, kind))
		return wrong(f, page, "is not of its kind");
	if (!page_take(f, page))
		return false;
	if (depth == 1)
		return free_leaf(f, page, buf);
	f->seen.branches++;
	for (unsigned i = 0; i < page_nodes(buf); i++) {
		if (!page_node(buf, f->page_size, P_BRANCH, i, &node))
			return wrong(f, page, "has a damaged node");
		ok &= walk_free(f, node.child, depth - 1);
	}
	return ok;
}

/* ---- the main table */

static bool leaf_keep(struct mdb_file *f, uint64_t page)
{
	if (f->n_leaves == f->leaves_cap) {
		const size_t cap = f->leaves_cap ? 2 * f->leaves_cap : 256;
		uint64_t *more = realloc(f->leaf, cap * sizeof(*more));

		if (!more) {
			f->oom = true;
			return false;
		}
		f->leaf = more;
		f->leaves_cap = cap;
	}
	f->leaf[f->n_leaves++] = page;
	return true;
}

static void walk_main(struct mdb_file *f, uint64_t page, unsigned depth, struct bound lo,
		      struct bound hi)
{
	uint8_t *buf = f->buf[depth - 1];
	const uint16_t kind = depth == 1 ? P_LEAF : P_BRANCH;
	unsigned n;

	if (f->oom || !page_get(f, page, buf))
		return;
	if (!page_head_ok(buf, f->page_size, kind)) {
		wrong(f, page, "is not of its kind");
		return;
	}
	if (!page_keys_ok(buf, f->page_size, kind, &lo, &hi)) {
		wrong(f, page, "has damaged or misplaced nodes");
		return;
	}
	if (!page_take(f, page))
		return;
	n = page_nodes(buf);
	if (depth == 1) {
		f->seen.leaves++;
		f->seen.entries += n;
		leaf_keep(f, page);
		return;
	}
	f->seen.branches++;
	for (unsigned i = 0; i < n; i++) {
		struct node node, next = {0};

		page_node(buf, f->page_size, P_BRANCH, i, &node);
		if (i + 1 < n)
			page_node(buf, f->page_size, P_BRANCH, i + 1, &next);
		walk_main(f, node.child, depth - 1, i ? (struct bound){node.key, node.key_len} : lo,
			  i + 1 < n ? (struct bound){next.key, next.key_len} : hi);
	}
}

static bool check_sums(struct mdb_file *f, const struct table *said, const char *which)
{
	const struct table *seen = &f->seen;

	if (seen->branches == said->branches && seen->leaves == said->leaves &&
	    seen->overflows == said->overflows && seen->entries == said->entries)
		return true;
	f->damage->wrong++;
	note(f->damage, "%s: %llu entries where %llu should be", which,
	     (unsigned long long)seen->entries, (unsigned long long)said->entries);
	return false;
}

/* ---- leaves whose parents are lost
 *
 * Where it is known which pages are free, all others are of the last commit: a leaf among them that
 * no parent led to has lost its parent. Its place is by its keys; two leaves that claim the same
 * keys are both left out. */

#define SPAN_KEY 16

struct span {
	uint64_t page;
	uint8_t key[2][SPAN_KEY]; /* first, last */
	size_t len[2];
	bool bad;
};

static struct bound span_bound(const struct span *s, unsigned i)
{
	return (struct bound){s->key[i], s->len[i]};
}

static int span_order(const void *a, const void *b)
{
	const struct bound x = span_bound(a, 0), y = span_bound(b, 0);

	return bound_cmp(&x, &y);
}

static bool span_get(struct mdb_file *f, uint64_t page, struct span *out)
{
	const struct bound none = {0};
	uint8_t *buf = f->buf[0];

	if (!read_at(f->fd, buf, f->page_size, page * f->page_size) || get64(buf) != page ||
	    !page_head_ok(buf, f->page_size, P_LEAF) ||
	    !page_keys_ok(buf, f->page_size, P_LEAF, &none, &none))
		return false;
	out->page = page;
	out->bad = false;
	for (unsigned i = 0; i < 2; i++) {
		struct node node;

		page_node(buf, f->page_size, P_LEAF, i ? page_nodes(buf) - 1 : 0, &node);
		if (node.key_len > SPAN_KEY)
			return false;
		memcpy(out->key[i], node.key, node.key_len);
		out->len[i] = node.key_len;
	}
	return true;
}

static void find_orphans(struct mdb_file *f)
{
	const size_t led_to = f->n_leaves;
	struct span *span;
	size_t n = 0;

	for (uint64_t page = 2; page <= f->meta.last_page && !f->oom; page++) {
		struct span s;

		if (!bit(f->used, page) && !bit(f->unused, page) && span_get(f, page, &s))
			leaf_keep(f, page);
	}
	if (f->oom || f->n_leaves == led_to)
		return;
	span = calloc(f->n_leaves, sizeof(*span));
	if (!span) {
		f->oom = true;
		return;
	}
	for (size_t i = 0; i < f->n_leaves; i++)
		n += span_get(f, f->leaf[i], &span[n]);
	qsort(span, n, sizeof(*span), span_order);
	for (size_t i = 1, last = 0; i < n; i++) {
		const struct bound a = span_bound(&span[last], 1), b = span_bound(&span[i], 0);
		const struct bound end = span_bound(&span[i], 1);

		if (bound_cmp(&a, &b) >= 0)
			span[last].bad = span[i].bad = true;
		if (bound_cmp(&end, &a) > 0)
			last = i;
	}
	f->n_leaves = 0;
	for (size_t i = 0; i < n; i++)
		if (!span[i].bad)
			f->leaf[f->n_leaves++] = span[i].page;
	free(span);
}

/* ---- both tables */

static void read_tables(struct mdb_file *f)
{
	struct mdb_damage *d = f->damage;
	const struct table *t = &f->meta.free;

	d->free_known = t->root == NO_PAGE || walk_free(f, t->root, t->depth);
	d->free_known &= check_sums(f, t, "free pages");
	t = &f->meta.main;
	f->in_tree = true;
	f->seen = (struct table){0};
	if (t->root != NO_PAGE)
		walk_main(f, t->root, t->depth, (struct bound){0}, (struct bound){0});
	if (!check_sums(f, t, "records") && d->free_known && !f->conflicts)
		find_orphans(f);
}

/* ---- life */

int mdb_file_open(struct mdb_file **out, int fd, unsigned back, struct mdb_damage *damage)
{
	struct mdb_file *f = calloc(1, sizeof(*f));
	const long page_size = sysconf(_SC_PAGESIZE);
	int err;

	*damage = (struct mdb_damage){0};
	if (!f)
		return -ENOMEM;
	f->fd = fd;
	f->page_size = page_size > PAGE_MAX ? PAGE_MAX : (size_t)page_size;
	f->damage = damage;
	err = choose_meta(f, back);
	if (err)
		goto fail;
	err = -ENOMEM;
	f->n_pages = f->meta.last_page + 1;
	f->used = calloc(1, f->n_pages / 8 + 1);
	f->unused = calloc(1, f->n_pages / 8 + 1);
	if (!f->used || !f->unused)
		goto fail;
	for (unsigned i = 0; i < DEPTH_MAX; i++)
		if (!(f->buf[i] = malloc(f->page_size)))
			goto fail;
	read_tables(f);
	if (f->oom)
		goto fail;
	f->damage = NULL;
	*out = f;
	return 0;
fail:
	mdb_file_close(&f);
	return err;
}

void mdb_file_close(struct mdb_file **p)
{
	struct mdb_file *f = *p;

	if (!f)
		return;
	for (unsigned i = 0; i < DEPTH_MAX; i++)
		free(f->buf[i]);
	free(f->used);
	free(f->unused);
	free(f->leaf);
	free(f);
	*p = NULL;
}

uint64_t mdb_file_txn(const struct mdb_file *f)
{
	return f->meta.txn;
}

static int visit_leaf(struct mdb_file *f, uint64_t page, mdb_visit visit, void *ctx)
{
	const struct bound none = {0};
	uint8_t *buf = f->buf[0];
	struct node node;
	int err = 0;

	if (!page_get(f, page, buf) || !page_head_ok(buf, f->page_size, P_LEAF) ||
	    !page_keys_ok(buf, f->page_size, P_LEAF, &none, &none))
		return 0;
	for (unsigned i = 0; i < page_nodes(buf) && !err; i++)
		if (page_node(buf, f->page_size, P_LEAF, i, &node) && !node.flags)
			err = visit(ctx, node.key, node.key_len, node.data, node.len);
	return err;
}

int mdb_file_walk(struct mdb_file *f, mdb_visit visit, void *ctx)
{
	int err = 0;

	for (size_t i = 0; i < f->n_leaves && !err; i++)
		err = visit_leaf(f, f->leaf[i], visit, ctx);
	return err;
}

int mdb_file_ends(struct mdb_file *f, mdb_visit visit, void *ctx)
{
	int err = 0;

	if (f->n_leaves)
		err = visit_leaf(f, f->leaf[0], visit, ctx);
	if (f->n_leaves > 1 && !err)
		err = visit_leaf(f, f->leaf[f->n_leaves - 1], visit, ctx);
	return err;
}
