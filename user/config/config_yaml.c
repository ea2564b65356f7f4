/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config_yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config_value.h"

#define DEPTH_MAX    8 /* deeper than any key of the schema */
#define KEYS_MAX     64
#define PATH_MAX_LEN 512

__attribute__((format(printf, 4, 0))) static int
vfail(struct config_yaml *y, unsigned line, const char *path, const char *fmt, va_list ap)
{
	char msg[CONFIG_ERR_LEN];

	vsnprintf(msg, sizeof(msg), fmt, ap);
	snprintf(y->err, y->cap, "%s:%u: %s: %s", y->name, line, path, msg);
	return -EINVAL;
}

int config_fail_at(struct config_yaml *y, unsigned line, const char *path, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = vfail(y, line, path, fmt, ap);
	va_end(ap);
	return rc;
}

int config_fail(struct config_yaml *y, const char *path, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = vfail(y, config_yaml_line(y, path), path, fmt, ap);
	va_end(ap);
	return rc;
}

static unsigned line_of(const yaml_node_t *n)
{
	return (unsigned)n->start_mark.line + 1;
}

static const char *scalar(const yaml_node_t *n)
{
	return (const char *)n->data.scalar.value;
}

static bool key_is(const yaml_node_t *k, const char *s, size_t len)
{
	return k && k->type == YAML_SCALAR_NODE && k->data.scalar.length == len &&
	       !memcmp(scalar(k), s, len);
}

/* Follows the path as far as it goes. Returns whether it was found to its end. */
static bool locate(struct config_yaml *y, const char *path, unsigned *line)
{
	yaml_node_t *n = y->loaded ? yaml_document_get_root_node(&y->doc) : NULL;

	*line = n ? line_of(n) : 1;
	while (n && *path) {
		yaml_node_t *next = NULL;

		if (*path == '[') {
			long i = strtol(path + 1, NULL, 10);
			yaml_node_item_t *it;

			path += strcspn(path, "]");
			path += *path == ']';
			if (n->type != YAML_SEQUENCE_NODE)
				return false;
			it = n->data.sequence.items.start + i;
			if (it < n->data.sequence.items.top)
				next = yaml_document_get_node(&y->doc, *it);
			if (next)
				*line = line_of(next);
		} else {
			size_t len;

			path += *path == '.';
			len = strcspn(path, ".[");
			if (n->type != YAML_MAPPING_NODE)
				return false;
			for (yaml_node_pair_t *p = n->data.mapping.pairs.start;
			     p < n->data.mapping.pairs.top && !next; p++) {
				yaml_node_t *k = yaml_document_get_node(&y->doc, p->key);

				if (!key_is(k, path, len))
					continue;
				*line = line_of(k);
				next = yaml_document_get_node(&y->doc, p->value);
			}
			path += len;
		}
		n = next;
	}
	return n != NULL;
}

unsigned config_yaml_line(struct config_yaml *y, const char *path)
{
	unsigned line;

	locate(y, path, &line);
	return line;
}

bool config_yaml_has(struct config_yaml *y, const char *path)
{
	unsigned line;

	return locate(y, path, &line);
}

struct walk {
	struct config_yaml *y;
	bool *seen; /* per node: a node met twice is an alias */
	char path[PATH_MAX_LEN];
};

static int check_node(struct walk *w, yaml_node_item_t index, unsigned depth);

static size_t path_push(struct walk *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static size_t path_push(struct walk *w, const char *fmt, ...)
{
	size_t at = strlen(w->path);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->path + at, sizeof(w->path) - at, fmt, ap);
	va_end(ap);
	return at;
}

static int check_mapping(struct walk *w, yaml_node_t *n, unsigned depth)
{
	yaml_node_pair_t *start = n->data.mapping.pairs.start, *top = n->data.mapping.pairs.top;
	const char *where = *w->path ? w->path : "file";

	if (top - start > KEYS_MAX)
		return config_fail_at(w->y, line_of(n), where,
				      "has more than %d keys; only those of docs/configuration.md",
				      KEYS_MAX);
	for (yaml_node_pair_t *p = start; p < top; p++) {
		yaml_node_t *k = yaml_document_get_node(&w->y->doc, p->key);
		char quoted[64];
		size_t at;
		int rc;

		if (k->type != YAML_SCALAR_NODE)
			return config_fail_at(
				w->y, line_of(k), where,
				"has a list or a mapping as a key; \"key: value\" lines");
		if (strlen(scalar(k)) != k->data.scalar.length || !k->data.scalar.length)
			return config_fail_at(w->y, line_of(k), where,
					      "has an empty or binary key; \"key: value\" lines");
		if (w->seen[p->key])
			return config_fail_at(w->y, line_of(k), where,
					      "has an alias as a key; the key itself, written out");
		w->seen[p->key] = true;
		config_quote(scalar(k), quoted);
		at = path_push(w, "%s%.*s", *w->path ? "." : "", (int)strlen(quoted) - 2,
			       quoted + 1);
		for (yaml_node_pair_t *q = start; q < p; q++) {
			yaml_node_t *before = yaml_document_get_node(&w->y->doc, q->key);

			if (key_is(before, scalar(k), k->data.scalar.length))
				return config_fail_at(
					w->y, line_of(k), w->path,
					"is given again, first in line %u; one of them",
					line_of(before));
		}
		rc = check_node(w, p->value, depth + 1);
		if (rc)
			return rc;
		w->path[at] = '\0';
	}
	return 0;
}

static int check_scalar(struct walk *w, yaml_node_t *n)
{
	const char *s = scalar(n);

	if (strlen(s) != n->data.scalar.length)
		return config_fail_at(w->y, line_of(n), w->path,
				      "has a zero octet in it; a value of printable characters");
	if (n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (!*s || !strcmp(s, "~") || !strcasecmp(s, "null")))
		return config_fail_at(w->y, config_yaml_line(w->y, w->path), w->path,
				      "has no value; give one, or leave the key out");
	return 0;
}

static int check_node(struct walk *w, yaml_node_item_t index, unsigned depth)
{
	yaml_node_t *n = yaml_document_get_node(&w->y->doc, index);
	const char *where = *w->path ? w->path : "file";
	unsigned i = 0;

	if (w->seen[index])
		return config_fail_at(w->y, config_yaml_line(w->y, w->path), where,
				      "is an alias of line %u; the value itself, written out",
				      line_of(n));
	w->seen[index] = true;
	if (depth > DEPTH_MAX)
		return config_fail_at(w->y, line_of(n), where,
				      "is nested too deeply; only keys of docs/configuration.md");
	if (n->type == YAML_SCALAR_NODE)
		return check_scalar(w, n);
	if (n->type == YAML_MAPPING_NODE)
		return check_mapping(w, n, depth);
	for (yaml_node_item_t *it = n->data.sequence.items.start; it < n->data.sequence.items.top;
	     it++, i++) {
		size_t at = path_push(w, "[%u]", i);
		int rc = check_node(w, *it, depth + 1);

		if (rc)
			return rc;
		w->path[at] = '\0';
	}
	return 0;
}

static int check_tree(struct config_yaml *y, yaml_node_t *root)
{
	struct walk w = {.y = y};
	int rc;

	if (root->type != YAML_MAPPING_NODE) {
		bool list = root->type == YAML_SEQUENCE_NODE;

		return config_fail_at(y, line_of(root), "file",
				      "is %s, not a mapping; \"key: value\" lines",
				      list ? "a list" : "one value");
	}
	w.seen = calloc((size_t)(y->doc.nodes.top - y->doc.nodes.start) + 1, sizeof(*w.seen));
	if (!w.seen)
		return config_fail_at(y, 1, "file", "does not fit into memory; a smaller one");
	rc = check_node(&w, 1, 0);
	free(w.seen);
	return rc;
}

/* libyaml gives the place of a wrong octet as an offset, all others as a mark. */
static int syntax_error(struct config_yaml *y, const yaml_parser_t *p)
{
	const char *right = "well-formed YAML, with equal indentation on one level";
	unsigned line = (unsigned)p->problem_mark.line + 1;
	const char *at = y->text;

	if (p->error == YAML_MEMORY_ERROR)
		return config_fail_at(y, 1, "file", "does not fit into memory; a smaller one");
	if (p->error == YAML_READER_ERROR) {
		line = 1;
		for (size_t i = 0; i < y->len && i < p->problem_offset; i++)
			line += y->text[i] == '\n';
		return config_fail_at(y, line, "syntax", "%s; text in UTF-8",
				      p->problem ? p->problem : "not a text");
	}
	for (unsigned l = 1; l < line && at; l++) {
		at = memchr(at, '\n', y->len - (size_t)(at - y->text));
		at = at ? at + 1 : NULL;
	}
	while (at && at < y->text + y->len && (*at == ' ' || *at == '\t'))
		if (*at++ == '\t')
			right = "indent with spaces, not tabs";
	return config_fail_at(y, line, "syntax", "%s; %s",
			      p->problem ? p->problem : "not understood", right);
}

int config_yaml_open(struct config_yaml *y, const char *name, const void *text, size_t len,
		     char *err, size_t cap)
{
	yaml_document_t more;
	yaml_node_t *root;
	yaml_parser_t p;
	int rc = 0;

	*y = (struct config_yaml){.name = name, .text = text, .len = len, .err = err, .cap = cap};
	if (len > CONFIG_FILE_MAX)
		return config_fail_at(y, 1, "file", "is larger than %u MiB; a smaller one",
				      CONFIG_FILE_MAX >> 20);
	if (!yaml_parser_initialize(&p))
		return config_fail_at(y, 1, "file", "does not fit into memory; a smaller one");
	yaml_parser_set_input_string(&p, text, len);
	if (!yaml_parser_load(&p, &y->doc)) {
		rc = syntax_error(y, &p);
		goto out;
	}
	y->loaded = true;
	root = yaml_document_get_root_node(&y->doc);
	if (!root) {
		rc = config_fail_at(y, 1, "file",
				    "is empty; a transport list and an lma or a mag section");
		goto out;
	}
	rc = check_tree(y, root);
	if (rc)
		goto out;
	if (!yaml_parser_load(&p, &more)) {
		rc = syntax_error(y, &p);
		goto out;
	}
	root = yaml_document_get_root_node(&more);
	if (root)
		rc = config_fail_at(y, line_of(root), "file",
				    "has a second document; one, without \"---\" in between");
	yaml_document_delete(&more);
out:
	yaml_parser_delete(&p);
	if (rc)
		config_yaml_close(y);
	return rc;
}

void config_yaml_close(struct config_yaml *y)
{
	if (y->loaded)
		yaml_document_delete(&y->doc);
	y->loaded = false;
}
