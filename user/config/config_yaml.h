/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file as a tree, for what libcyaml does not tell: the line of every key, duplicate keys,
 * aliases, a second document; and the one place that words error lines. Private to config/.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

struct config_yaml {
	const char *name; /* of the file, for messages */
	const char *text;
	size_t len;
	yaml_document_t doc;
	bool loaded;
	char *err;
	size_t cap;
};

/* Parses and refuses what no key of ours may look like. 0, or -EINVAL with the error line made. */
int config_yaml_open(struct config_yaml *y, const char *name, const void *text, size_t len,
		     char *err, size_t cap);
void config_yaml_close(struct config_yaml *y);

/* Line of "lma.mags[2].address", or of the deepest part of it that is there. From 1. */
unsigned config_yaml_line(struct config_yaml *y, const char *path);
/* Whether the file has that key. */
bool config_yaml_has(struct config_yaml *y, const char *path);

/* Make the error line "NAME:LINE: PATH: MESSAGE"; return -EINVAL. */
int config_fail(struct config_yaml *y, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int config_fail_at(struct config_yaml *y, unsigned line, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
