/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pmipctl: asks a running pmipd over its control socket and shows the answer. Commands, arguments
 * and columns come from include/pmip/ctl.h; nothing here knows a single command by name but
 * `monitor` and `help`.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "pmip/ctl.h"

enum { CLI_OK = 0, CLI_REFUSED = 1, CLI_USAGE = 2, CLI_UNREACHABLE = 3 };

struct cli_arg {
	const char *name;
	enum ctl_arg_kind kind;
	const char *help;
};

struct cli_column {
	const char *header;
	const char *key;
	enum ctl_format format;
};

struct cli_command {
	const char *name;
	enum ctl_shape shape;
	const struct cli_arg *args;	  /* ends with a NULL name */
	const struct cli_column *columns; /* ends with a NULL key */
	const char *help;
};

/* cli_cmd.c */
extern const struct cli_command cli_commands[CTL_COMMAND_MAX];
const struct cli_command *cli_command(const char *name); /* NULL: unknown */
void cli_synopsis(const struct cli_command *c, char *buf, size_t cap);
void cli_usage(FILE *f);
void cli_command_usage(FILE *f, const struct cli_command *c);
/* What `help` tells people, and programs; `only` NULL: of all commands. */
void cli_help(FILE *f, const struct cli_command *only);
json_t *cli_help_rows(const struct cli_command *only);
/* The words behind the command into a JSON object. 0, or CLI_USAGE after a message. */
int cli_parse_args(const struct cli_command *c, char **argv, int argc, json_t **out);

/* cli_conn.c */
struct cli_conn {
	const char *path;
	FILE *f;
};
/* Which socket: the given one, PMIPCTL_SOCKET, or the only one in /run/pmipd. NULL after a
 * message; *rc is the exit code then. */
const char *cli_socket(const char *given, int *rc);
int cli_connect(struct cli_conn *c, const char *path); /* 0, or CLI_UNREACHABLE after a message */
void cli_close(struct cli_conn *c);
int cli_send(struct cli_conn *c, const char *cmd, json_t *args);
/* One line as an object. CLI_UNREACHABLE after a message when the daemon is gone. */
int cli_receive(struct cli_conn *c, json_t **out);
void cli_wait_end(struct cli_conn *c); /* until the daemon hangs up */
/* A whole answer: data, with all pages of a list. CLI_REFUSED after the daemon's reason. */
int cli_ask(struct cli_conn *c, const char *cmd, json_t *args, json_t **data);

/* cli_show.c */
void cli_table(FILE *f, const struct cli_column *columns, const json_t *rows);
void cli_object(FILE *f, const json_t *o);
void cli_column_only(FILE *f, const json_t *data, const char *key);
/* A value as shown in a cell; "-" for nothing. */
const char *cli_cell(const json_t *v, enum ctl_format format, char *buf, size_t cap);

/* cli_monitor.c: one event as a rung of the signalling ladder. */
void cli_event(FILE *f, const json_t *ev);
