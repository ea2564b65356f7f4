/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request line of the control protocol: one line of JSON comes back, whatever it was. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/control_priv.h"
#include "pmip/ctl.h"

static void demand(bool ok, const char *what, const struct control_buf *b)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_control: %s: %.*s\n", what, (int)b->len, b->p);
	abort();
}

static int attach(void *ctx, const char *ifname, const struct mac *mac, const struct mnid *mnid,
		  uint8_t hint, const char *prev_ap, nsec_t now)
{
	return mnid && mnid->len && mnid->id[mnid->len - 1] == 'x' ? -1 : 0;
}

static int detach(void *ctx, const char *ifname, const struct mac *mac, nsec_t now)
{
	return mac->b[5] & 1 ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct control_ctx ctx = {
		.ops = {.attach = attach, .detach = detach}
	   };
	const struct counter_set none = {.module = "control"};
	struct control_outcome outcome;
	struct control_buf out = {0};
	enum log_class level = log_level();
	char *line = malloc(size ? size : 1); /* of exactly that size, so that an overrun shows */
	json_t *j;

	memcpy(line, data, size);
	control_answer(&ctx, &none, line, size, nsec_from_s(1000), &out, &outcome);
	free(line);
	log_set_level(level);
	if (!outcome.monitor) {
		demand(out.len && out.p[out.len - 1] == '\n', "no line", &out);
		demand(memchr(out.p, '\n', out.len) == out.p + out.len - 1, "several lines", &out);
		j = json_loadb(out.p, out.len, 0, NULL);
		demand(json_is_object(j) && json_is_boolean(json_object_get(j, "ok")), "no answer",
		       &out);
		json_decref(j);
	}
	control_buf_free(&out);
	return 0;
}

#define COMMAND_WORD(sym, name, shape, args, cols, help) fprintf(f, "\"%s\"\n", name);

void fuzz_dictionary(FILE *f)
{
	static const char *const words[] = {"cmd",     "args",	"mn_id",   "mac",     "ifname",
					    "hint",    "level", "offset",  "limit",   "module",
					    "verbose", "\\\"",	"\\\\u00", "{\\\"",   "acc0",
					    "false",   "true",	"null",	   "[[[[[[[", "-1"};

	CTL_COMMANDS(COMMAND_WORD)
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		fprintf(f, "\"%s\"\n", words[i]);
}
