/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config_load.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config/config_value.h"

#define PATH_LEN   512
#define FRAMES_MAX 16

/* What libcyaml stores per row: nothing, a string, a section's slots, or n of either. */
struct slot {
	void *p;
	uint64_t n;
};

/* ---- the schema that libcyaml wants, made from the rows */

struct schema {
	cyaml_schema_field_t *fields;  /* of one section, ended by a NULL key */
	cyaml_schema_value_t *entries; /* of its lists, by row */
	struct schema **subs;	       /* of its sections, by row */
	size_t n;
};

static void schema_free(struct schema *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->subs && i < s->n; i++)
		schema_free(s->subs[i]);
	free(s->subs);
	free(s->entries);
	free(s->fields);
	free(s);
}

static struct schema *schema_new(const struct config_section *sec)
{
	struct schema *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->n = sec->n_rows;
	s->fields = calloc(s->n + 1, sizeof(*s->fields));
	s->entries = calloc(s->n, sizeof(*s->entries));
	s->subs = calloc(s->n, sizeof(struct schema *));
	if (!s->fields || !s->entries || !s->subs)
		goto nomem;
	for (size_t i = 0; i < s->n; i++) {
		const struct config_row *r = &sec->rows[i];
		cyaml_schema_value_t v = {.type = CYAML_STRING, .data_size = sizeof(char)};

		v.string.max = UINT32_MAX - 1;
		if (r->kind == CONFIG_SECTION) {
			s->subs[i] = schema_new(r->sub);
			if (!s->subs[i])
				goto nomem;
			v.type = CYAML_MAPPING;
			v.data_size = (uint32_t)(r->sub->n_rows * sizeof(struct slot));
			v.mapping.fields = s->subs[i]->fields;
		}
		if (r->list != CONFIG_ONE) {
			s->entries[i] = v;
			if (v.type == CYAML_STRING)
				s->entries[i].flags = CYAML_FLAG_POINTER;
			v = (cyaml_schema_value_t){
				.type = CYAML_SEQUENCE,
				.data_size = v.type == CYAML_STRING ? sizeof(char *) : v.data_size,
			};
			v.sequence.entry = &s->entries[i];
			v.sequence.max = r->max_n;
		}
		v.flags = CYAML_FLAG_POINTER;
		if (!config_row_required(r))
			v.flags |= CYAML_FLAG_OPTIONAL;
		s->fields[i] = (cyaml_schema_field_t){
			.key = r->key,
			.value = v,
			.data_offset =
				(uint32_t)(i * sizeof(struct slot) + offsetof(struct slot, p)),
			.count_offset =
				(uint32_t)(i * sizeof(struct slot) + offsetof(struct slot, n)),
			.count_size = sizeof(uint64_t),
		};
	}
	return s;
nomem:
	schema_free(s);
	return NULL;
}

/* ---- what libcyaml says when it refuses */

struct complaint {
	char text[256];
	/* innermost first: a key, or an index from 0 when key is "" */
	struct frame {
		char key[64];
		unsigned index;
	} frame[FRAMES_MAX];
	unsigned n;
	bool between; /* arose in a mapping, behind none of its keys */
};

__attribute__((format(printf, 3, 0))) static void on_log(cyaml_log_t level, void *ctx,
							 const char *fmt, va_list ap)
{
	struct complaint *c = ctx;
	struct frame f = {.key = ""};
	char line[256];
	unsigned i;

	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	if (c->n < FRAMES_MAX && sscanf(line, " in mapping field '%63[^']'", f.key) == 1) {
		c->frame[c->n++] = f;
	} else if (c->n < FRAMES_MAX && sscanf(line, " in sequence entry '%u'", &i) == 1) {
		f.index = i ? i - 1 : 0;
		c->frame[c->n++] = f;
	} else if (!c->n && !strncmp(line, "  in mapping (", 14)) {
		c->between = true;
	} else if (!c->text[0]) {
		snprintf(c->text, sizeof(c->text), "%s",
			 strncmp(line, "Load: ", 6) ? line : line + 6);
	}
}

static void complaint_path(const struct complaint *c, unsigned skip, char path[PATH_LEN])
{
	size_t n = 0;

	path[0] = '\0';
	for (unsigned i = c->n; i-- > skip && n < PATH_LEN - 80;) {
		const struct frame *f = &c->frame[i];

		if (f->key[0])
			n += (size_t)snprintf(path + n, PATH_LEN - n, "%s%s", n ? "." : "", f->key);
		else
			n += (size_t)snprintf(path + n, PATH_LEN - n, "[%u]", f->index);
	}
}

static const struct config_row *row_of(const struct config_section *s, const char *key)
{
	for (size_t i = 0; i < s->n_rows; i++)
		if (!strcmp(s->rows[i].key, key))
			return &s->rows[i];
	return NULL;
}

/* The row a complaint is about (NULL: the file itself) and the section around or below it; without
 * the `skip` innermost frames. */
static const struct config_row *complaint_row(const struct complaint *c, unsigned skip,
					      const struct config_section **sec)
{
	const struct config_row *r = NULL;

	*sec = &config_root;
	for (unsigned i = c->n; i-- > skip;) {
		if (!c->frame[i].key[0])
			continue;
		if (r && r->kind == CONFIG_SECTION)
			*sec = r->sub;
		r = row_of(*sec, c->frame[i].key);
		if (!r)
			return NULL;
	}
	if (r && r->kind == CONFIG_SECTION)
		*sec = r->sub;
	return r;
}

/* How many insertions, deletions and changes of one character lead from a to b. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[96];
	size_t n = strlen(b);

	if (n >= ARRAY_SIZE(row))
		return UINT32_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; *a; a++, i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned change = diagonal + (*a != b[j - 1]);
			unsigned gap = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);

			diagonal = row[j];
			row[j] = change < gap ? change : gap;
		}
	}
	return row[n];
}

/* The section that has this key, if one has. */
static const struct config_section *section_with(const struct config_section *s, const char *key)
{
	const struct config_section *found = NULL;

	if (row_of(s, key))
		return s;
	for (size_t i = 0; i < s->n_rows && !found; i++)
		if (s->rows[i].sub)
			found = section_with(s->rows[i].sub, key);
	return found;
}

static int unknown_key(struct config_yaml *y, const struct config_section *sec, const char *in,
		       const char *key)
{
	const char *here = *sec->name ? sec->name : "the file";
	const struct config_section *other = section_with(&config_root, key);
	const char *nearest = "";
	unsigned best = UINT32_MAX;
	char path[PATH_LEN + 64], quoted[64];

	for (size_t i = 0; i < sec->n_rows; i++) {
		unsigned d = distance(key, sec->rows[i].key);
		size_t n = strlen(key);

		/* a key that was cut short is nearer than its length tells */
		if (n >= 3 && !strncmp(key, sec->rows[i].key, n))
			d = 1;
		if (d < best) {
			best = d;
			nearest = sec->rows[i].key;
		}
	}
	config_quote(key, quoted);
	quoted[strlen(quoted) - 1] = '\0';
	snprintf(path, sizeof(path), "%s%s%s", in, *in ? "." : "", quoted + 1);
	if (other)
		return config_fail(y, path, "is no key of %s; it is one of %s", here,
				   *other->name ? other->name : "the top level");
	return config_fail(y, path, "is no key of %s; the nearest is \"%s\"", here, nearest);
}

static int translate(struct config_yaml *y, const struct complaint *c, cyaml_err_t err)
{
	static const char unexpected[] = "Unexpected key: ";
	static const char missing[] = "Missing required mapping field: ";
	/* a missing key is noticed at the mapping's end, when the last key is still in the trace;
	 * an entry too many has its own index there */
	const bool is_missing = !strncmp(c->text, missing, sizeof(missing) - 1);
	const unsigned skip =
		(is_missing && !c->between && c->n) || err == CYAML_ERR_SEQUENCE_ENTRIES_MAX;
	const struct config_section *sec;
	const struct config_row *r = complaint_row(c, skip, &sec);
	char path[PATH_LEN], expected[CONFIG_VALUE_LEN];
	const char *where;

	complaint_path(c, skip, path);
	where = *path ? path : "file";
	if (err == CYAML_ERR_OOM)
		return config_fail(y, where, "does not fit into memory; a smaller file");
	if (!strncmp(c->text, unexpected, sizeof(unexpected) - 1))
		return unknown_key(y, sec, path, c->text + sizeof(unexpected) - 1);
	if (is_missing) {
		const char *key = c->text + sizeof(missing) - 1;
		char full[PATH_LEN + 64];

		r = row_of(sec, key);
		snprintf(full, sizeof(full), "%s%s%s", path, *path ? "." : "", key);
		if (r && r->list != CONFIG_ONE)
			return config_fail(y, full, "is missing; a list with at least one entry");
		return config_fail(y, full, "is missing; %s",
				   r ? config_value_expected(r, expected) : "give it");
	}
	if (err == CYAML_ERR_SEQUENCE_ENTRIES_MAX && r)
		return config_fail(y, path, "has too many entries; at most %u", r->max_n);
	if (strstr(c->text, "got event:") && r) {
		bool entry = c->n && !c->frame[0].key[0];
		const char *what = strstr(c->text, "got event: SEQ")   ? "a list"
				   : strstr(c->text, "got event: MAP") ? "a mapping"
								       : "one value";

		if (r->list != CONFIG_ONE && !entry)
			return config_fail(y, path, "is %s; a list, each entry %s", what,
					   r->kind == CONFIG_SECTION
						   ? "\"- key: value\" lines"
						   : config_value_expected(r, expected));
		return config_fail(y, path, "is %s; %s", what, config_value_expected(r, expected));
	}
	return config_fail(y, where, "%s; see docs/configuration.md", c->text);
}

/* ---- strings into values */

struct fill {
	struct config_yaml *y;
	char path[PATH_LEN];
};

static size_t push(struct fill *f, const char *key)
{
	size_t at = strlen(f->path);

	snprintf(f->path + at, sizeof(f->path) - at, "%s%s", at ? "." : "", key);
	return at;
}

static size_t push_index(struct fill *f, unsigned i)
{
	size_t at = strlen(f->path);

	snprintf(f->path + at, sizeof(f->path) - at, "[%u]", i);
	return at;
}

static int fill_section(struct fill *f, const struct config_section *sec, void *base,
			const struct slot *slots);

static int fill_value(struct fill *f, const struct config_row *r, void *dst, const char *text)
{
	char why[CONFIG_WHY_LEN];

	if (config_value_parse(r, text, dst, why))
		return config_fail(f->y, f->path, "%s", why);
	return 0;
}

static int fill_list(struct fill *f, const struct config_row *r, void *base, const struct slot *s)
{
	unsigned n = s ? (unsigned)s->n : 0;
	size_t stride = r->kind == CONFIG_SECTION ? r->sub->n_rows : 0;
	void *heap;

	if (!n && config_row_required(r))
		return config_fail(f->y, f->path, "is empty; a list with at least one entry");
	if (r->list == CONFIG_HEAP) {
		heap = calloc(n ? n : 1, r->size);
		if (!heap)
			return config_fail(f->y, f->path,
					   "does not fit into memory; a smaller list");
		memcpy((char *)base + r->offset, &heap, sizeof(heap));
	}
	memcpy((char *)base + r->count, &n, sizeof(n));
	for (unsigned i = 0; i < n; i++) {
		size_t at = push_index(f, i);
		void *dst = config_row_at(r, base, i);
		int rc;

		if (stride)
			rc = fill_section(f, r->sub, dst, (const struct slot *)s->p + i * stride);
		else
			rc = fill_value(f, r, dst, ((char *const *)s->p)[i]);
		if (rc)
			return rc;
		f->path[at] = '\0';
	}
	return 0;
}

static int fill_row(struct fill *f, const struct config_row *r, void *base, const struct slot *s)
{
	void *dst = (char *)base + r->offset;
	bool there = s && s->p;

	if (r->list != CONFIG_ONE)
		return fill_list(f, r, base, there ? s : NULL);
	if (r->kind == CONFIG_SECTION) {
		if (r->count)
			memcpy((char *)base + r->count, &there, sizeof(there));
		if (!there && !*r->def)
			return 0;
		return fill_section(f, r->sub, dst, there ? s->p : NULL);
	}
	if (there)
		return fill_value(f, r, dst, s->p);
	/* an optional value without a default stays zero */
	return *r->def ? fill_value(f, r, dst, r->def) : 0;
}

/* With slots == NULL: all defaults. */
static int fill_section(struct fill *f, const struct config_section *sec, void *base,
			const struct slot *slots)
{
	for (size_t i = 0; i < sec->n_rows; i++) {
		size_t at = push(f, sec->rows[i].key);
		int rc = fill_row(f, &sec->rows[i], base, slots ? &slots[i] : NULL);

		if (rc)
			return rc;
		f->path[at] = '\0';
	}
	return 0;
}

int config_load_values(struct config_file *f, struct config_yaml *y)
{
	struct complaint c = {.n = 0};
	const cyaml_config_t cfg = {
		.log_fn = on_log,
		.log_ctx = &c,
		.log_level = CYAML_LOG_ERROR,
		.mem_fn = cyaml_mem,
		.flags = CYAML_CFG_NO_ALIAS,
	};
	struct schema *s = schema_new(&config_root);
	cyaml_schema_value_t top = {
		.type = CYAML_MAPPING,
		.flags = CYAML_FLAG_POINTER,
		.data_size = (uint32_t)(config_root.n_rows * sizeof(struct slot)),
	};
	struct fill fill = {.y = y};
	cyaml_data_t *raw = NULL;
	cyaml_err_t err;
	int rc;

	if (!s)
		return config_fail(y, "file", "does not fit into memory; a smaller one");
	top.mapping.fields = s->fields;
	err = cyaml_load_data((const uint8_t *)y->text, y->len, &cfg, &top, &raw, NULL);
	if (err != CYAML_OK)
		rc = translate(y, &c, err);
	else
		rc = fill_section(&fill, &config_root, f, raw);
	cyaml_free(&cfg, &top, raw, 0);
	schema_free(s);
	return rc;
}
