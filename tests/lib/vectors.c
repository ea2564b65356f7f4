/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/vectors.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

struct reader {
	const char *file;
	unsigned line;
	struct vectors *out;
	struct vector cur;
	bool in_record, have_src, have_dst;
	char **block; /* where indented lines go */
	char *hex;
};

static int wrong(const struct reader *r, const char *what)
{
	fprintf(stderr, "%s:%u: %s\n", r->file, r->line, what);
	return -EINVAL;
}

static void append(char **s, const char *line)
{
	size_t have = *s ? strlen(*s) : 0;

	*s = realloc(*s, have + strlen(line) + 2);
	sprintf(*s + have, "%s\n", line);
}

static int hex_octets(struct reader *r)
{
	const char *p = r->hex ? r->hex : "";
	unsigned v;
	int used;

	r->cur.octets = malloc(strlen(p) / 2 + 1);
	for (p += strspn(p, " \n"); *p; p += strspn(p, " \n")) {
		if (strspn(p, "0123456789abcdef") < 2 || sscanf(p, "%2x%n", &v, &used) != 1)
			return wrong(r, "hex is pairs of 0-9a-f");
		r->cur.octets[r->cur.len++] = (uint8_t)v;
		p += used;
	}
	return 0;
}

static int end_record(struct reader *r)
{
	struct vectors *all = r->out;
	int err;

	if (!r->in_record)
		return 0;
	err = hex_octets(r);
	if (err)
		return err;
	if (!r->cur.name || !r->cur.clause)
		return wrong(r, "a record needs name and clause");
	if (r->have_src != r->have_dst)
		return wrong(r, "src and dst come together");
	if (!r->cur.verdict)
		r->cur.verdict = strdup("ok");
	r->cur.with_checksum = r->have_src && !addr_is_ip4(&r->cur.src);
	for (size_t i = 0; i < all->n; i++) {
		if (!strcmp(all->v[i].name, r->cur.name))
			return wrong(r, "name is taken");
	}
	all->v = realloc(all->v, (all->n + 1) * sizeof(*all->v));
	all->v[all->n++] = r->cur;
	memset(&r->cur, 0, sizeof(r->cur));
	free(r->hex);
	r->hex = NULL;
	r->block = NULL;
	r->in_record = r->have_src = r->have_dst = false;
	return 0;
}

static int key_value(struct reader *r, char *line)
{
	const struct {
		const char *key;
		char **to;
	} keys[] = {
		{"name",	 &r->cur.name   },
		{"clause",  &r->cur.clause },
		{"verdict", &r->cur.verdict},
		{"summary", &r->cur.summary},
		{"text",	 &r->cur.text   },
		{"build",	  &r->cur.build  },
		{"hex",	&r->hex	       },
		{"witness", &r->cur.witness},
	};
	char *value = strchr(line, ':');

	if (!value)
		return wrong(r, "expected 'key: value'");
	*value++ = '\0';
	value += strspn(value, " ");
	r->in_record = true;
	r->block = NULL;
	if (!strcmp(line, "src")) {
		r->have_src = true;
		return addr_parse(value, &r->cur.src) ? wrong(r, "bad address") : 0;
	}
	if (!strcmp(line, "dst")) {
		r->have_dst = true;
		return addr_parse(value, &r->cur.dst) ? wrong(r, "bad address") : 0;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(line, keys[i].key))
			continue;
		if (*keys[i].to)
			return wrong(r, "key given twice");
		*keys[i].to = strdup(value);
		if (!*value)
			r->block = keys[i].to;
		return 0;
	}
	return wrong(r, "unknown key");
}

static int load_file(struct vectors *out, const char *path)
{
	struct reader r = {.file = path, .out = out};
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int err = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		return -errno;
	while (!err && (n = getline(&line, &cap, f)) >= 0) {
		r.line++;
		if (n && line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (!*line)
			err = end_record(&r);
		else if (*line == '#')
			continue;
		else if (!strncmp(line, "  ", 2) && r.block)
			append(r.block, line + 2);
		else
			err = key_value(&r, line);
	}
	if (!err)
		err = end_record(&r);
	free(line);
	fclose(f);
	return err;
}

static int is_vector_file(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 4 && !strcmp(d->d_name + n - 4, ".txt");
}

int vectors_load(struct vectors *out, const char *dir)
{
	struct dirent **names;
	int n, err = 0;

	memset(out, 0, sizeof(*out));
	n = scandir(dir, &names, is_vector_file, alphasort);
	if (n < 0) {
		err = -errno;
		fprintf(stderr, "%s: %s (run from the root of the source tree)\n", dir,
			strerror(errno));
		return err;
	}
	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		if (!err)
			err = load_file(out, path);
		free(names[i]);
	}
	free(names);
	return err;
}

void vectors_free(struct vectors *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct vector *x = &v->v[i];

		free(x->name);
		free(x->clause);
		free(x->verdict);
		free(x->text);
		free(x->summary);
		free(x->build);
		free(x->witness);
		free(x->octets);
	}
	free(v->v);
	memset(v, 0, sizeof(*v));
}

const char *vectors_dir(void)
{
	const char *from_env = getenv("PMIP_VECTORS");

	return from_env ? from_env : "tests/vectors";
}
