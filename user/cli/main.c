/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

struct options {
	const char *socket;
	const char *column;
	bool json, help;
};

static int monitor(struct cli_conn *conn, const struct cli_command *cmd, json_t *args,
		   const struct options *o)
{
	json_t *line;
	int rc = cli_ask(conn, cmd->name, args, &line);

	/* a rung shows when it happens, in a pipe too */
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (!rc) {
		json_decref(line);
		rc = cli_receive(conn, &line);
		if (rc)
			return rc;
		if (o->json) {
			json_dumpf(line, stdout, JSON_COMPACT);
			putchar('\n');
		} else {
			cli_event(stdout, line);
		}
		if (ferror(stdout)) {
			json_decref(line);
			return CLI_OK;
		}
	}
	return rc;
}

static void show(const struct cli_command *cmd, const json_t *data, const struct options *o)
{
	if (o->json) {
		json_dumpf(data, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (o->column) {
		cli_column_only(stdout, data, o->column);
	} else if (cmd->shape == CTL_LIST) {
		cli_table(stdout, cmd->columns, data);
	} else {
		cli_object(stdout, data);
	}
}

static int bad_usage(const char *what, const char *word)
{
	fprintf(stderr, "pmipctl: %s %s; pmipctl --help lists options and commands\n", what, word);
	return CLI_USAGE;
}

static int help(const struct cli_command *cmd, const json_t *args, const struct options *o)
{
	const char *word = json_string_value(json_object_get(args, "command"));
	const struct cli_command *only = word ? cli_command(word) : NULL;
	json_t *data;

	if (word && !only)
		return bad_usage("no such command", word);
	if (!o->json && !o->column) {
		cli_help(stdout, only);
		return CLI_OK;
	}
	data = cli_help_rows(only);
	show(cmd, data, o);
	json_decref(data);
	return CLI_OK;
}

static int ask_and_show(const struct cli_command *cmd, json_t *args, const struct options *o)
{
	struct cli_conn conn = {0};
	const char *path;
	json_t *data;
	int rc = CLI_UNREACHABLE;

	/* the list of commands is known without a daemon */
	if (!strcmp(cmd->name, "help"))
		return help(cmd, args, o);
	path = cli_socket(o->socket, &rc);
	if (!path)
		return rc;
	rc = cli_connect(&conn, path);
	if (rc)
		return rc;
	if (cmd->shape == CTL_STREAM) {
		rc = monitor(&conn, cmd, args, o);
	} else {
		rc = cli_ask(&conn, cmd->name, args, &data);
		if (!rc) {
			show(cmd, data, o);
			json_decref(data);
			/* done when the daemon is */
			if (!strcmp(cmd->name, "shutdown"))
				cli_wait_end(&conn);
		}
	}
	cli_close(&conn);
	return rc;
}

/* Takes our own options out of argv wherever they stand, up to "--". Returns how many words are
 * left, or -1 after a message. */
static int take_options(int argc, char **argv, struct options *o)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (!strcmp(a, "--")) {
			while (i < argc)
				argv[n++] = argv[i++];
		} else if (!strcmp(a, "-s") || !strcmp(a, "--socket") || !strcmp(a, "--column")) {
			if (i + 1 == argc) {
				bad_usage("no value behind", a);
				return -1;
			}
			*(!strcmp(a, "--column") ? &o->column : &o->socket) = argv[++i];
		} else if (!strcmp(a, "--json")) {
			o->json = true;
		} else if (!strcmp(a, "-h") || !strcmp(a, "--help")) {
			o->help = true;
		} else if (!strcmp(a, "-V") || !strcmp(a, "--version")) {
			printf("pmipctl %s\n", PMIP_VERSION);
			exit(CLI_OK);
		} else {
			argv[n++] = argv[i];
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	const struct cli_command *cmd;
	struct options o = {0};
	json_t *args;
	int n = take_options(argc, argv, &o), rc;

	if (n < 0)
		return CLI_USAGE;
	if (!n) {
		cli_usage(o.help ? stdout : stderr);
		return o.help ? CLI_OK : CLI_USAGE;
	}
	if (argv[0][0] == '-')
		return bad_usage("no such option", argv[0]);
	cmd = cli_command(argv[0]);
	if (!cmd)
		return bad_usage("no such command", argv[0]);
	if (o.help) {
		cli_command_usage(stdout, cmd);
		return CLI_OK;
	}
	rc = cli_parse_args(cmd, argv + 1, n - 1, &args);
	if (rc)
		return rc;
	rc = ask_and_show(cmd, args, &o);
	json_decref(args);
	return rc;
}
