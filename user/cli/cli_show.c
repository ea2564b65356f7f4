/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define CELL_LEN    1024
#define COLUMNS_MAX 24
#define BAR_LEN	    16

static void put(char *buf, size_t cap, size_t *n, const char *s)
{
	/* what a node or a peer calls itself must not steer the terminal */
	for (; *s && *n + 1 < cap; s++)
		buf[(*n)++] = (unsigned char)*s < ' ' || *s == 127 ? '?' : *s;
	buf[*n] = '\0';
}

static void put_seconds(char *buf, size_t cap, long long s)
{
	if (s >= 3600)
		snprintf(buf, cap, "%lldh%02lldm%02llds", s / 3600, s / 60 % 60, s % 60);
	else if (s >= 60)
		snprintf(buf, cap, "%lldm%02llds", s / 60, s % 60);
	else
		snprintf(buf, cap, "%llds", s);
}

static void put_ms(char *buf, size_t cap, double ms)
{
	if (ms >= 10000)
		snprintf(buf, cap, "%.1fs", ms / 1000);
	else if (ms >= 100)
		snprintf(buf, cap, "%.0fms", ms);
	else
		snprintf(buf, cap, "%.1fms", ms);
}

/* "3 of_this,1 of_that" */
static void put_counts(const json_t *o, char *buf, size_t cap, size_t *n)
{
	char one[32];
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)o, key, v)
	{
		if (!json_integer_value(v))
			continue;
		snprintf(one, sizeof(one), "%s%lld ", *n ? "," : "",
			 (long long)json_integer_value(v));
		put(buf, cap, n, one);
		put(buf, cap, n, key);
	}
}

const char *cli_cell(const json_t *v, enum ctl_format format, char *buf, size_t cap)
{
	char one[CELL_LEN];
	size_t i, n = 0;
	json_t *e;

	buf[0] = '\0';
	if (json_is_string(v)) {
		put(buf, cap, &n, json_string_value(v));
	} else if (json_is_boolean(v)) {
		snprintf(buf, cap, "%s", json_is_true(v) ? "yes" : "no");
	} else if (json_is_number(v) && format == CTL_MS) {
		put_ms(buf, cap, json_number_value(v));
	} else if (json_is_integer(v) && format == CTL_SECONDS) {
		put_seconds(buf, cap, (long long)json_integer_value(v));
	} else if (json_is_integer(v)) {
		snprintf(buf, cap, "%lld", (long long)json_integer_value(v));
	} else if (json_is_real(v)) {
		snprintf(buf, cap, "%.6f", json_real_value(v));
	} else if (json_is_object(v)) {
		put_counts(v, buf, cap, &n);
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, e)
		{
			if (i)
				put(buf, cap, &n, ",");
			put(buf, cap, &n, cli_cell(e, CTL_TEXT, one, sizeof(one)));
		}
	}
	if (!buf[0])
		snprintf(buf, cap, "-");
	return buf;
}

/* ---- tables */

/* "a.b": b of the object a */
static json_t *find(const json_t *row, const char *key)
{
	const char *dot = strchr(key, '.');
	char outer[64];

	if (!dot)
		return json_object_get(row, key);
	snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
	return find(json_object_get(row, outer), dot + 1);
}

struct layout {
	int width, number; /* of CTL_BAR: the number alone */
	json_int_t most;
};

static bool is_right(enum ctl_format f)
{
	return f == CTL_NUMBER || f == CTL_MS;
}

static void print_cell(FILE *f, const char *s, int width, bool right, bool last)
{
	if (right)
		fprintf(f, "%*s", width, s);
	else if (last)
		fputs(s, f);
	else
		fprintf(f, "%-*s", width, s);
	fputs(last ? "\n" : "  ", f);
}

/* What is there shows, however little it is. */
static void put_bar(char *buf, size_t cap, const struct layout *l, json_int_t value)
{
	size_t bar = value > 0 ? (size_t)((value * BAR_LEN + l->most - 1) / l->most) : 0;
	size_t n = (size_t)snprintf(buf, cap, "%*lld", l->number, (long long)value);

	if (bar)
		buf[n++] = ' ';
	memset(buf + n, '#', bar);
	buf[n + bar] = '\0';
}

static const char *table_cell(const struct cli_column *c, const struct layout *l, const json_t *row,
			      char *buf, size_t cap)
{
	const json_t *v = find(row, c->key);

	if (c->format != CTL_BAR || !json_is_integer(v))
		return cli_cell(v, c->format, buf, cap);
	put_bar(buf, cap, l, json_integer_value(v));
	return buf;
}

static void measure(const struct cli_column *c, const json_t *rows, struct layout *l)
{
	char buf[CELL_LEN];
	json_t *row;
	size_t i;

	*l = (struct layout){.width = (int)strlen(c->header), .most = 1};
	json_array_foreach(rows, i, row)
	{
		const json_t *v = find(row, c->key);
		int w = (int)strlen(cli_cell(v, c->format, buf, sizeof(buf)));

		if (w > l->number)
			l->number = w;
		if (json_integer_value(v) > l->most)
			l->most = json_integer_value(v);
	}
	if (c->format != CTL_BAR && l->number > l->width)
		l->width = l->number;
	if (c->format == CTL_BAR && l->number + 1 + BAR_LEN > l->width)
		l->width = l->number + 1 + BAR_LEN;
}

void cli_table(FILE *f, const struct cli_column *columns, const json_t *rows)
{
	struct layout l[COLUMNS_MAX];
	unsigned n = 0;
	char buf[CELL_LEN];
	json_t *row;
	size_t i;

	for (; columns[n].key && n < COLUMNS_MAX; n++)
		measure(&columns[n], rows, &l[n]);
	for (unsigned c = 0; c < n; c++)
		print_cell(f, columns[c].header, l[c].width, is_right(columns[c].format),
			   c + 1 == n);
	json_array_foreach(rows, i, row)
	{
		for (unsigned c = 0; c < n; c++)
			print_cell(f, table_cell(&columns[c], &l[c], row, buf, sizeof(buf)),
				   l[c].width, is_right(columns[c].format), c + 1 == n);
	}
}

void cli_object(FILE *f, const json_t *o)
{
	char buf[CELL_LEN];
	const char *key;
	int width = 0;
	json_t *v;

	json_object_foreach((json_t *)o, key, v)
	{
		if ((int)strlen(key) > width)
			width = (int)strlen(key);
	}
	json_object_foreach((json_t *)o, key, v)
	{
		char label[64];
		size_t i;

		for (i = 0; key[i] && i < sizeof(label) - 1; i++)
			label[i] = key[i] == '_' ? ' ' : key[i];
		label[i] = '\0';
		fprintf(f, "%-*s  %s\n", width, label,
			cli_cell(v, strcmp(key, "uptime") ? CTL_TEXT : CTL_SECONDS, buf,
				 sizeof(buf)));
	}
}

void cli_column_only(FILE *f, const json_t *data, const char *key)
{
	char buf[CELL_LEN];
	json_t *row;
	size_t i;

	if (json_is_object(data))
		fprintf(f, "%s\n", cli_cell(find(data, key), CTL_TEXT, buf, sizeof(buf)));
	json_array_foreach(data, i, row)
		fprintf(f, "%s\n", cli_cell(find(row, key), CTL_TEXT, buf, sizeof(buf)));
}
