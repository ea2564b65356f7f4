/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"

#define CELL_LEN    1024
#define COLUMNS_MAX 24

static void put(char *buf, size_t cap, size_t *n, const char *s)
{
	/* what a node or a peer calls itself must not steer the terminal */
	for (; *s && *n + 1 < cap; s++)
		buf[(*n)++] = (unsigned char)*s < ' ' || *s == 127 ? '?' : *s;
	buf[*n] = '\0';
}

const char *cli_cell(const json_t *v, enum ctl_format format, char *buf, size_t cap)
{
	char one[CELL_LEN];
	json_int_t s;
	size_t i, n = 0;
	json_t *e;

	buf[0] = '\0';
	if (json_is_string(v)) {
		put(buf, cap, &n, json_string_value(v));
	} else if (json_is_boolean(v)) {
		snprintf(buf, cap, "%s", json_is_true(v) ? "yes" : "no");
	} else if (json_is_integer(v) && format == CTL_SECONDS) {
		s = json_integer_value(v);
		if (s >= 3600)
			snprintf(buf, cap, "%lldh%02lldm%02llds", (long long)s / 3600,
				 (long long)s / 60 % 60, (long long)s % 60);
		else if (s >= 60)
			snprintf(buf, cap, "%lldm%02llds", (long long)s / 60, (long long)s % 60);
		else
			snprintf(buf, cap, "%llds", (long long)s);
	} else if (json_is_integer(v)) {
		snprintf(buf, cap, "%lld", (long long)json_integer_value(v));
	} else if (json_is_real(v)) {
		snprintf(buf, cap, "%.6f", json_real_value(v));
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

void cli_table(FILE *f, const struct cli_column *columns, const json_t *rows)
{
	int width[COLUMNS_MAX];
	unsigned n = 0;
	char buf[CELL_LEN];
	json_t *row;
	size_t i;

	for (; columns[n].key && n < COLUMNS_MAX; n++)
		width[n] = (int)strlen(columns[n].header);
	json_array_foreach(rows, i, row)
	{
		for (unsigned c = 0; c < n; c++) {
			int w = (int)strlen(cli_cell(json_object_get(row, columns[c].key),
						     columns[c].format, buf, sizeof(buf)));

			if (w > width[c])
				width[c] = w;
		}
	}
	for (unsigned c = 0; c < n; c++)
		print_cell(f, columns[c].header, width[c], columns[c].format == CTL_NUMBER,
			   c + 1 == n);
	json_array_foreach(rows, i, row)
	{
		for (unsigned c = 0; c < n; c++)
			print_cell(f,
				   cli_cell(json_object_get(row, columns[c].key), columns[c].format,
					    buf, sizeof(buf)),
				   width[c], columns[c].format == CTL_NUMBER, c + 1 == n);
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
		fprintf(f, "%s\n",
			cli_cell(json_object_get(data, key), CTL_TEXT, buf, sizeof(buf)));
	json_array_foreach(data, i, row)
		fprintf(f, "%s\n", cli_cell(json_object_get(row, key), CTL_TEXT, buf, sizeof(buf)));
}

/* ---- monitor */

static const char *field(const json_t *ev, const char *key, char *buf, size_t cap)
{
	json_t *v = json_object_get(ev, key);

	return v ? cli_cell(v, CTL_TEXT, buf, cap) : NULL;
}

static void print_time(FILE *f, const json_t *ev)
{
	double t = json_number_value(json_object_get(ev, "time"));
	time_t s = (time_t)t;
	struct tm tm;
	char text[16];

	if (t > 0 && localtime_r(&s, &tm) && strftime(text, sizeof(text), "%H:%M:%S", &tm))
		fprintf(f, "%s.%06d", text, (int)((t - (double)s) * 1e6));
	else
		fprintf(f, "%15.6f", json_number_value(json_object_get(ev, "uptime")));
}

static void print_word(FILE *f, const char *before, const json_t *ev, const char *key,
		       const char *after)
{
	char buf[CELL_LEN];
	const char *s = field(ev, key, buf, sizeof(buf));

	if (s)
		fprintf(f, "%s%s%s", before, s, after);
}

static void print_message(FILE *f, const json_t *ev, const json_t *msg, bool sent)
{
	const char *text = json_string_value(json_object_get(msg, "text"));

	print_word(f, sent ? " ---> " : " <--- ", ev, "peer", "");
	print_word(f, "  ", msg, "summary", "");
	fputc('\n', f);
	while (text && *text) {
		size_t n = strcspn(text, "\n");

		fputs("                   ", f);
		for (size_t i = 0; i < n; i++)
			fputc((unsigned char)text[i] < ' ' && text[i] != '\t' ? '?' : text[i], f);
		fputc('\n', f);
		text += n + (text[n] == '\n');
	}
}

void cli_event(FILE *f, const json_t *ev)
{
	const json_t *msg = json_object_get(ev, "message");
	const char *type = json_string_value(json_object_get(ev, "event"));
	char buf[CELL_LEN];
	const char *role;

	if (type && !strcmp(type, "missed")) {
		fprintf(f, "%15s  %s events missed: this monitor was too slow\n", "",
			field(ev, "count", buf, sizeof(buf)));
		return;
	}
	print_time(f, ev);
	role = field(ev, "role", buf, sizeof(buf));
	fprintf(f, "  %-6s", role ? role : "");
	if (msg) {
		print_message(f, ev, msg, type && !strcmp(type, "sent"));
		return;
	}
	print_word(f, "   *  ", ev, "event", "");
	print_word(f, "  ", ev, "mn_id", "");
	print_word(f, "  ", ev, "mac", "");
	print_word(f, " on ", ev, "ifname", "");
	print_word(f, "  ", ev, "from", "");
	print_word(f, " -> ", ev, "to", "");
	print_word(f, "  ", ev, "prefixes", "");
	print_word(f, "  ", ev, "ipv4", "");
	print_word(f, "  peer ", ev, "peer", "");
	print_word(f, "  (", ev, "cause", ")");
	print_word(f, " [", ev, "clause", "]");
	fputc('\n', f);
}
