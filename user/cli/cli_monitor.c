/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The signalling ladder of `pmipctl monitor`: one rung per event. */
#include <string.h>
#include <time.h>

#include "cli/cli.h"

#define CELL_LEN 1024

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

static void print_as(FILE *f, const char *before, const json_t *ev, const char *key,
		     enum ctl_format format, const char *after)
{
	json_t *v = json_object_get(ev, key);
	char buf[CELL_LEN];

	if (v && !json_is_null(v))
		fprintf(f, "%s%s%s", before, cli_cell(v, format, buf, sizeof(buf)), after);
}

static void print_word(FILE *f, const char *before, const json_t *ev, const char *key,
		       const char *after)
{
	print_as(f, before, ev, key, CTL_TEXT, after);
}

/* What waits for the node, and what became of what did. */
static void print_buffer(FILE *f, const json_t *b)
{
	if (json_integer_value(json_object_get(b, "packets"))) {
		print_word(f, "  ", b, "packets", " wait (");
		print_word(f, "", b, "octets", " octets");
		print_as(f, ", the oldest for ", b, "oldest_ms", CTL_MS, "");
		print_word(f, ", ", b, "fill_percent", "% full");
		fputc(')', f);
	}
	if (!json_integer_value(json_object_get(b, "kept")))
		return;
	print_word(f, "  kept ", b, "kept", "");
	print_word(f, ", handed on ", b, "handed_on", "");
	print_word(f, ", dropped ", b, "dropped", "");
}

static void print_message(FILE *f, const json_t *ev, const json_t *msg, bool sent)
{
	const char *text = json_string_value(json_object_get(msg, "text"));

	print_word(f, sent ? " ---> " : " <--- ", ev, "peer", "");
	print_word(f, "  ", msg, "summary", "");
	print_word(f, "  (retransmission ", ev, "retransmission", ")");
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
	print_word(f, "  ", ev, "machine", "");
	print_word(f, "  ", ev, "side", " MAG");
	print_word(f, " ", ev, "mode", "");
	print_word(f, "  ", ev, "from", "");
	print_word(f, " -> ", ev, "to", "");
	print_word(f, "  ", ev, "prefixes", "");
	print_word(f, "  ", ev, "ipv4", "");
	print_word(f, "  peer ", ev, "peer", "");
	print_word(f, "  (", ev, "cause", ")");
	print_word(f, " [", ev, "clause", "]");
	print_as(f, "  in ", ev, "took_ms", CTL_MS, "");
	print_as(f, ", answered in ", ev, "answer_ms", CTL_MS, "");
	print_as(f, ", registered in ", ev, "register_ms", CTL_MS, "");
	if (json_integer_value(json_object_get(ev, "retransmissions")))
		print_word(f, ", retransmissions ", ev, "retransmissions", "");
	print_buffer(f, json_object_get(ev, "buffer"));
	fputc('\n', f);
}
