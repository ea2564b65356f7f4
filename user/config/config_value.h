/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One value of a row: parse it, print it, say what would be right. Private to config/. */
#pragma once

#include "config/config_rows.h"

#define CONFIG_WHY_LEN	 480
#define CONFIG_VALUE_LEN 320

/* Parses into dst (row->size octets). 0, or -EINVAL with "what is wrong; what would be right". */
int config_value_parse(const struct config_row *r, const char *text, void *dst,
		       char why[CONFIG_WHY_LEN]);
/* As it would be written in the file, without quotes. */
const char *config_value_str(const struct config_row *r, const void *v, char buf[CONFIG_VALUE_LEN]);
/* "a whole number from 1 to 100 (ms)". */
const char *config_value_expected(const struct config_row *r, char buf[CONFIG_VALUE_LEN]);
/* A text from outside, fit for a message: quoted, cut, nothing unprintable. */
const char *config_quote(const char *text, char buf[64]);

/* The element of a list, or the value itself for i == 0 of a row that is none. */
void *config_row_at(const struct config_row *r, void *base, unsigned i);
unsigned config_row_count(const struct config_row *r, const void *base);
/* Frees what heap lists of a section's structure hold, at every depth. */
void config_section_clear(const struct config_section *s, void *base);
