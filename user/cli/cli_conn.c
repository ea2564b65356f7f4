/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"

const char *cli_socket(const char *given, int *rc)
{
	static char found[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *env = getenv("PMIPCTL_SOCKET");
	glob_t g;

	if (given)
		return given;
	if (env && *env)
		return env;
	*rc = CLI_UNREACHABLE;
	if (glob(CTL_RUN_DIR "/*.sock", 0, NULL, &g)) {
		fprintf(stderr, "pmipctl: no control socket in " CTL_RUN_DIR
				"; start pmipd, or name its socket with -s\n");
		return NULL;
	}
	if (g.gl_pathc > 1) {
		*rc = CLI_USAGE;
		fprintf(stderr, "pmipctl: several daemons; choose one with -s:");
		for (size_t i = 0; i < g.gl_pathc; i++)
			fprintf(stderr, " %s", g.gl_pathv[i]);
		fputc('\n', stderr);
		globfree(&g);
		return NULL;
	}
	snprintf(found, sizeof(found), "%s", g.gl_pathv[0]);
	globfree(&g);
	return found;
}

int cli_connect(struct cli_conn *c, const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd, err;

	c->path = path;
	if (strlen(path) >= sizeof(sa.sun_path)) {
		fprintf(stderr, "pmipctl: %s: longer than a socket's path can be\n", path);
		return CLI_UNREACHABLE;
	}
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0) {
		c->f = fdopen(fd, "r");
		if (c->f)
			return 0;
	}
	err = errno;
	if (fd >= 0)
		close(fd);
	fprintf(stderr, "pmipctl: cannot reach pmipd at %s: %s; %s\n", path, strerror(err),
		err == EACCES	      ? "be root, or in the group of control-group"
		: err == ECONNREFUSED ? "the daemon is gone, start it"
				      : "is it running, and is this its control-socket?");
	return CLI_UNREACHABLE;
}

void cli_close(struct cli_conn *c)
{
	if (c->f)
		fclose(c->f);
	c->f = NULL;
}

static int lost(const struct cli_conn *c)
{
	fprintf(stderr, "pmipctl: pmipd at %s closed the connection\n", c->path);
	return CLI_UNREACHABLE;
}

int cli_send(struct cli_conn *c, const char *cmd, json_t *args)
{
	json_t *o = json_pack("{s:s, s:O}", "cmd", cmd, "args", args);
	char *text = json_dumps(o, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	json_decref(o);
	if (text)
		text[len++] = '\n'; /* in place of the terminator */
	for (size_t at = 0; text && at < len;) {
		ssize_t n = send(fileno(c->f), text + at, len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		at += (size_t)n;
	}
	free(text);
	return 0; /* a connection that is gone shows when the answer is read */
}

int cli_receive(struct cli_conn *c, json_t **out)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n = getline(&line, &cap, c->f);
	json_error_t je;
	json_t *o;

	if (n <= 0) {
		free(line);
		return lost(c);
	}
	o = json_loadb(line, (size_t)n, 0, &je);
	free(line);
	if (!json_is_object(o)) {
		json_decref(o);
		fprintf(stderr, "pmipctl: %s does not speak the protocol of pmipd\n", c->path);
		return CLI_UNREACHABLE;
	}
	*out = o;
	return 0;
}

void cli_wait_end(struct cli_conn *c)
{
	while (getc(c->f) != EOF)
		;
}

static int refused(const json_t *answer)
{
	const char *why = json_string_value(json_object_get(answer, "error"));

	fprintf(stderr, "pmipctl: %s\n", why ? why : "refused");
	return CLI_REFUSED;
}

int cli_ask(struct cli_conn *c, const char *cmd, json_t *args, json_t **data)
{
	json_t *all = NULL, *answer, *next = NULL, *part;
	int rc;

	do {
		rc = cli_send(c, cmd, args);
		if (!rc)
			rc = cli_receive(c, &answer);
		if (rc)
			break;
		part = json_object_get(answer, "data");
		if (!json_is_true(json_object_get(answer, "ok")) || !part)
			rc = refused(answer);
		else if (!all)
			all = json_incref(part);
		else
			json_array_extend(all, part);
		next = json_object_get(answer, "next");
		if (next)
			json_object_set(args, "offset", next);
		json_decref(answer);
	} while (!rc && next);
	if (rc)
		json_decref(all);
	else
		*data = all;
	return rc;
}
