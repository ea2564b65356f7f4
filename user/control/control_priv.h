/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the server, the commands and the events. Private to control/. */
#pragma once

#include <jansson.h>

#include "control/control.h"
#include "pmip/ctl.h"

#define CONTROL_PAGE_BYTES                                                     \
	(1u << 20) /* rows of one answer; what does not fit is asked for again \
		    */

/* Bytes on their way out. Goes bad for good when memory runs out. */
struct control_buf {
	char *p;
	size_t len, cap;
	bool bad;
};

void control_buf_add(struct control_buf *b, const void *data, size_t len);
void control_buf_json(struct control_buf *b, const json_t *j); /* one line without its end */
void control_buf_free(struct control_buf *b);

/* An answer being made: rows from `offset` on until the page is full. */
struct control_page {
	struct control_buf *out;
	uint64_t offset, limit;
	uint64_t seen, written;
	bool more;
	const char *mn_id; /* only rows of this node; NULL: all */
};

/* What the server must do beyond sending the answer. */
struct control_outcome {
	bool monitor, verbose;
};

/* Answers one request line with one line (newline included) appended to `out`. */
void control_answer(const struct control_ctx *ctx, const struct counter_set *own, const char *line,
		    size_t len, nsec_t now, struct control_buf *out, struct control_outcome *oc);

/* Whether the next row goes into this page; rows that do not are not worth making. */
bool control_page_wants(struct control_page *pg);
void control_page_row(struct control_page *pg, json_t *row); /* takes over `row` */

/* control_walk.c: the lists */
struct control_req {
	const struct control_ctx *ctx;
	const struct counter_set *own;
	const json_t *args;
	nsec_t now;
	struct control_page page;
	char *err; /* to say why not */
	size_t cap;
};

int control_bindings(struct control_req *r);
int control_update_list(struct control_req *r);
int control_sessions(struct control_req *r);
int control_peers(struct control_req *r);
int control_interfaces(struct control_req *r);
int control_nodes(struct control_req *r);
int control_pools(struct control_req *r);
int control_profiles(struct control_req *r);
int control_counter_list(struct control_req *r);
int control_drops(struct control_req *r);
int control_help(struct control_req *r);

/* control_handover.c */
int control_handovers(struct control_req *r);
int control_handover_latency(struct control_req *r);
void control_neighbours(struct control_req *r); /* a MAG's; rows of `peers` */

/* control_event.c: one event as an object; NULL without memory. */
json_t *control_event_json(const struct control_ctx *ctx, const struct event *ev, bool verbose);

/* Small makers; none fails but for memory, strings that are no UTF-8 become "?". */
json_t *control_str(const char *s); /* NULL: null */
json_t *control_addr(const struct in6_addr *a);
json_t *control_mac(const struct mac *m);
json_t *control_mnid(const struct mnid *id);
json_t *control_prefixes(const struct prefix6 *p, unsigned n);
json_t *control_in(struct in_addr a); /* 0.0.0.0: null */
json_t *control_ns_to_s(uint64_t ns);
json_t *control_ms(nsec_t took); /* NSEC_NEVER: null */
/* What waits for a node, and what became of what waited. */
json_t *control_buffer(const struct dp_buffered *b, nsec_t now);
void control_set(json_t *o, const char *key, json_t *value); /* takes over value */
