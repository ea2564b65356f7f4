/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/util.h"
#include "cli/cli.h"

// clang-format off
#define ARG_ROW(name_, kind_, help_) {(name_), (kind_), (help_)},
#define ARG_TABLE(sym, name, shape, args, cols, help) \
	static const struct cli_arg args_##sym[] = { args(ARG_ROW) {NULL, CTL_FLAG, NULL} };
CTL_COMMANDS(ARG_TABLE)

#define COLUMN_ROW(header_, key_, format_) {(header_), (key_), (format_)},
#define COLUMN_TABLE(sym, name, shape, args, cols, help) \
	static const struct cli_column cols_##sym[] = { cols(COLUMN_ROW) {NULL, NULL, CTL_TEXT} };
CTL_COMMANDS(COLUMN_TABLE)

#define COMMAND_ROW(sym, name_, shape_, a, c, help_) \
	[CTL_##sym] = {.name = (name_), .shape = (shape_), .args = args_##sym, .columns = cols_##sym, .help = (help_)},
const struct cli_command cli_commands[CTL_COMMAND_MAX] = { CTL_COMMANDS(COMMAND_ROW) };
// clang-format on

const struct cli_command *cli_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(cli_commands); i++)
		if (!strcmp(cli_commands[i].name, name))
			return &cli_commands[i];
	return NULL;
}

/* "mn_id" as an option is "mn-id", as a place holder "MN-ID". */
static const char *spell(const char *name, bool upper, char buf[32])
{
	size_t i;

	for (i = 0; name[i] && i < 31; i++) {
		char c = name[i] == '_' ? '-' : name[i];

		buf[i] = upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	buf[i] = '\0';
	return buf;
}

static void arg_synopsis(const struct cli_arg *a, char *buf, size_t cap)
{
	char low[32], up[32];

	spell(a->name, false, low);
	spell(a->name, true, up);
	if (a->kind == CTL_POS)
		snprintf(buf, cap, "%s", up);
	else if (a->kind == CTL_POS_OPT)
		snprintf(buf, cap, "[%s]", up);
	else if (a->kind == CTL_OPTION)
		snprintf(buf, cap, "[--%s %s]", low, up);
	else if (a->kind == CTL_NEEDED)
		snprintf(buf, cap, "--%s %s", low, up);
	else
		snprintf(buf, cap, "[--%s]", low);
}

void cli_synopsis(const struct cli_command *c, char *buf, size_t cap)
{
	size_t n = (size_t)snprintf(buf, cap, "%s", c->name);
	char one[80];

	for (const struct cli_arg *a = c->args; a->name && n < cap; a++) {
		arg_synopsis(a, one, sizeof(one));
		n += (size_t)snprintf(buf + n, cap - n, " %s", one);
	}
}

static void list_commands(FILE *f)
{
	char line[256];

	for (size_t i = 0; i < ARRAY_SIZE(cli_commands); i++) {
		cli_synopsis(&cli_commands[i], line, sizeof(line));
		if (strlen(line) > 28)
			fprintf(f, "  %s\n  %-28s %s\n", line, "", cli_commands[i].help);
		else
			fprintf(f, "  %-28s %s\n", line, cli_commands[i].help);
	}
}

void cli_usage(FILE *f)
{
	fprintf(f, "usage: pmipctl [-s SOCKET] [--json] COMMAND [ARGUMENTS]\n\n"
		   "  -s, --socket SOCKET  of the daemon; else $PMIPCTL_SOCKET, else the only one "
		   "in " CTL_RUN_DIR "\n"
		   "      --json           the data as JSON\n"
		   "      --column KEY     only this key, one value per line\n"
		   "  -h, --help           this text; behind a command: its arguments\n"
		   "  -V, --version        the version of pmipctl\n\n"
		   "commands:\n");
	list_commands(f);
	fprintf(f,
		"\nexit status: 0 done, 1 refused by the daemon, 2 usage, 3 no daemon reached\n");
}

void cli_command_usage(FILE *f, const struct cli_command *c)
{
	char line[256];

	cli_synopsis(c, line, sizeof(line));
	fprintf(f, "usage: pmipctl %s\n\n%s\n", line, c->help);
	for (const struct cli_arg *a = c->args; a->name; a++) {
		arg_synopsis(a, line, sizeof(line));
		fprintf(f, "  %-20s %s\n", line, a->help);
	}
}

void cli_help(FILE *f, const struct cli_command *only)
{
	if (only)
		cli_command_usage(f, only);
	else
		list_commands(f);
}

json_t *cli_help_rows(const struct cli_command *only)
{
	json_t *rows = json_array();
	char line[256];

	for (size_t i = 0; i < ARRAY_SIZE(cli_commands); i++) {
		const struct cli_command *c = &cli_commands[i];
		json_t *args;

		if (only && c != only)
			continue;
		args = json_object();
		for (const struct cli_arg *a = c->args; a->name; a++)
			json_object_set_new(args, a->name, json_string(a->help));
		cli_synopsis(c, line, sizeof(line));
		json_array_append_new(rows,
				      json_pack("{s:s, s:s, s:s, s:o}", "name", c->name, "synopsis",
						line, "help", c->help, "args", args));
	}
	return rows;
}

static int usage_error(const struct cli_command *c, const char *what, const char *word)
{
	char line[256];

	cli_synopsis(c, line, sizeof(line));
	fprintf(stderr, "pmipctl: %s: %s%s%s; usage: pmipctl %s\n", c->name, what, word ? " " : "",
		word ? word : "", line);
	return CLI_USAGE;
}

static const struct cli_arg *find_option(const struct cli_command *c, const char *word)
{
	char name[32];

	for (const struct cli_arg *a = c->args; a->name; a++)
		if ((a->kind == CTL_OPTION || a->kind == CTL_NEEDED || a->kind == CTL_FLAG) &&
		    !strcmp(spell(a->name, false, name), word))
			return a;
	return NULL;
}

static int set_string(json_t *o, const struct cli_command *c, const char *name, const char *word)
{
	json_t *s = json_string(word);

	if (!s)
		return usage_error(c, "not text in UTF-8:", name);
	json_object_set_new(o, name, s);
	return 0;
}

int cli_parse_args(const struct cli_command *c, char **argv, int argc, json_t **out)
{
	const struct cli_arg *pos = c->args;
	json_t *o = json_object();
	bool words_only = false;
	char line[80];
	int rc = 0;

	for (int i = 0; i < argc && !rc; i++) {
		const struct cli_arg *a;

		if (!words_only && !strcmp(argv[i], "--")) {
			words_only = true;
			continue;
		}
		if (!words_only && !strncmp(argv[i], "--", 2)) {
			a = find_option(c, argv[i] + 2);
			if (!a)
				rc = usage_error(c, "no such option", argv[i]);
			else if (a->kind == CTL_FLAG)
				json_object_set_new(o, a->name, json_true());
			else if (i + 1 == argc)
				rc = usage_error(c, "no value behind", argv[i]);
			else
				rc = set_string(o, c, a->name, argv[++i]);
			continue;
		}
		while (pos->name && pos->kind != CTL_POS && pos->kind != CTL_POS_OPT)
			pos++;
		if (!pos->name)
			rc = usage_error(c, "one word too many:", argv[i]);
		else
			rc = set_string(o, c, (pos++)->name, argv[i]);
	}
	for (const struct cli_arg *a = c->args; a->name && !rc; a++)
		if ((a->kind == CTL_POS || a->kind == CTL_NEEDED) && !json_object_get(o, a->name)) {
			arg_synopsis(a, line, sizeof(line));
			rc = usage_error(c, "no", line);
		}
	if (rc) {
		json_decref(o);
		return rc;
	}
	*out = o;
	return 0;
}
