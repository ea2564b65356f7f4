/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file: accepted and then comparable with itself, or refused with one line. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "config/config_rows.h"

static void demand(bool ok, const char *what, const char *err)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_config: %s: %s\n", what, err);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char err[CONFIG_ERR_LEN] = "";
	struct config *c = NULL;
	int rc = config_load_mem(&c, "f", data, size, err, sizeof(err));

	if (rc) {
		demand(!c, "refused, but something came out", err);
		demand(!strncmp(err, "f:", 2) && strstr(err, ": "), "no FILE:LINE: key", err);
		demand(!strchr(err, '\n'), "more than one line", err);
		return 0;
	}
	demand(config_reload_diff(c, c, err, sizeof(err)) == 0, "differs from itself", err);
	config_free(&c);
	return 0;
}

static void dictionary_of(FILE *f, const struct config_section *s)
{
	for (size_t i = 0; i < s->n_rows; i++) {
		fprintf(f, "\"%s: \"\n", s->rows[i].key);
		if (s->rows[i].sub)
			dictionary_of(f, s->rows[i].sub);
	}
}

void fuzz_dictionary(FILE *f)
{
	dictionary_of(f, &config_root);
}
