/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a request line to an answer line: the registry of include/pmip/ctl.h with its handlers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "control/control_priv.h"

#define ERR_LEN	   512
#define LOG_LEVELS "bug, local, auth, remote, info or debug"
#define NO_LIMIT   UINT64_MAX

struct arg {
	const char *name;
	enum ctl_arg_kind kind;
	const char *help;
};

#define ARG_ROW(name_, kind_, help_) {(name_), (kind_), (help_)},
// clang-format off
#define ARG_TABLE(sym, name, shape, args, cols, help) \
	static const struct arg args_##sym[] = { args(ARG_ROW) {NULL, CTL_FLAG, NULL} };
CTL_COMMANDS(ARG_TABLE)
// clang-format on

struct command {
	const char *name;
	enum ctl_shape shape;
	const struct arg *args;
	const char *help;
};

#define COMMAND_ROW(sym, name_, shape_, list_, cols, help_) \
	[CTL_##sym] = {.name = (name_), .shape = (shape_), .args = args_##sym, .help = (help_)},
static const struct command commands[] = {CTL_COMMANDS(COMMAND_ROW)};

static void synopsis(const struct command *c, char *buf, size_t cap)
{
	size_t n = (size_t)snprintf(buf, cap, "%s", c->name);

	for (const struct arg *a = c->args; a->name && n < cap; a++) {
		char upper[32], option[32];
		size_t i;

		for (i = 0; a->name[i] && i < sizeof(upper) - 1; i++) {
			char ch = a->name[i];

			option[i] = ch == '_' ? '-' : ch;
			upper[i] = ch == '_'		    ? '-'
				   : ch >= 'a' && ch <= 'z' ? (char)(ch - 'a' + 'A')
							    : ch;
		}
		upper[i] = option[i] = '\0';
		if (a->kind == CTL_POS)
			n += (size_t)snprintf(buf + n, cap - n, " %s", upper);
		else if (a->kind == CTL_POS_OPT)
			n += (size_t)snprintf(buf + n, cap - n, " [%s]", upper);
		else if (a->kind == CTL_OPTION)
			n += (size_t)snprintf(buf + n, cap - n, " [--%s %s]", option, upper);
		else if (a->kind == CTL_NEEDED)
			n += (size_t)snprintf(buf + n, cap - n, " --%s %s", option, upper);
		else
			n += (size_t)snprintf(buf + n, cap - n, " [--%s]", option);
	}
}

int control_help(struct control_req *r)
{
	const char *only = json_string_value(json_object_get(r->args, "command"));

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		char line[256];
		json_t *o, *args;

		if (only && strcmp(only, commands[i].name))
			continue;
		if (!control_page_wants(&r->page))
			continue;
		o = json_object();
		args = json_object();
		synopsis(&commands[i], line, sizeof(line));
		for (const struct arg *a = commands[i].args; a->name; a++)
			control_set(args, a->name, control_str(a->help));
		control_set(o, "name", control_str(commands[i].name));
		control_set(o, "synopsis", control_str(line));
		control_set(o, "help", control_str(commands[i].help));
		control_set(o, "args", args);
		control_page_row(&r->page, o);
	}
	return 0;
}

/* ---- arguments */

static const char *arg_str(const struct control_req *r, const char *name)
{
	return json_string_value(json_object_get(r->args, name));
}

static int refuse(struct control_req *r, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int refuse(struct control_req *r, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->err, r->cap, fmt, ap);
	va_end(ap);
	return err;
}

static int arg_mac(struct control_req *r, struct mac *out)
{
	const char *s = arg_str(r, "mac");

	if (mac_parse(s, out) || mac_is_multicast(out) || mac_is_zero(out))
		return refuse(
			r, -EINVAL,
			"\"%.40s\" is no unicast link-layer address such as 02:00:00:00:00:01", s);
	return 0;
}

static int arg_mnid(struct control_req *r, const char *s, struct mnid *out)
{
	size_t len = strlen(s);

	if (!len || len > MH_NAI_MAX)
		return refuse(r, -EINVAL, "an MN-ID has 1 to %d characters", MH_NAI_MAX);
	*out = (struct mnid){.subtype = MNID_NAI, .len = (uint8_t)len, .id = (const uint8_t *)s};
	return 0;
}

/* Every argument is known and has its type; what must be there is. */
static int check_args(struct control_req *r, const struct command *c)
{
	const char *name;
	json_t *v;
	json_t *args = (json_t *)r->args;

	json_object_foreach(args, name, v)
	{
		const struct arg *a = c->args;

		if (c->shape == CTL_LIST && (!strcmp(name, "offset") || !strcmp(name, "limit"))) {
			if (!json_is_integer(v) || json_integer_value(v) < 0)
				return refuse(r, -EINVAL, "%s is no whole number", name);
			continue;
		}
		while (a->name && strcmp(a->name, name))
			a++;
		if (!a->name)
			return refuse(r, -EINVAL, "%s takes no argument \"%.40s\"", c->name, name);
		if (a->kind == CTL_FLAG ? !json_is_boolean(v) : !json_is_string(v))
			return refuse(r, -EINVAL, "%s is no %s", name,
				      a->kind == CTL_FLAG ? "truth value" : "string");
	}
	for (const struct arg *a = c->args; a->name; a++)
		if ((a->kind == CTL_POS || a->kind == CTL_NEEDED) &&
		    !json_object_get(args, a->name))
			return refuse(r, -EINVAL, "%s needs %s: %s", c->name, a->name, a->help);
	return 0;
}

/* ---- commands that answer with one object */

static int do_status(struct control_req *r, json_t *o)
{
	const struct control_ctx *c = r->ctx;
	json_t *roles = json_array();

	if (c->lma)
		json_array_append_new(roles, json_string("lma"));
	if (c->mag)
		json_array_append_new(roles, json_string("mag"));
	control_set(o, "instance", control_str(c->instance));
	control_set(o, "version", control_str(c->version));
	control_set(o, "roles", roles);
	control_set(o, "config_file", control_str(c->config_file));
	control_set(o, "dataplane", control_str(c->dataplane));
	control_set(o, "uptime",
		    json_integer((json_int_t)(nsec_sub(r->now, c->started_at) / NSEC_PER_SEC)));
	if (c->lma)
		control_set(o, "bindings", json_integer((json_int_t)lma_count(c->lma)));
	if (c->mag)
		control_set(o, "update_list", json_integer((json_int_t)mag_count(c->mag)));
	if (c->mag)
		control_set(o, "handovers", json_integer(mag_handovers(c->mag)));
	control_set(o, "log_level", control_str(log_class_name(log_level())));
	return 0;
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static int do_store(struct control_req *r, json_t *o)
{
	const struct control_ops *ops = &r->ctx->ops;
	struct control_store s = {0};

	if (!ops->store)
		return refuse(r, -EOPNOTSUPP, "this daemon has no store");
	ops->store(ops->ctx, &s);
	control_set(o, "file", control_str(s.file));
	control_set(o, "state",
		    control_str(!s.open		 ? "none"
				: s.status.error ? "failing"
						 : "writing"));
	if (s.open) {
		control_set(o, "loss_window_ms", number(s.status.window_ms));
		control_set(o, "items", number(s.status.items));
		control_set(o, "dirty", number(s.status.dirty));
		control_set(o, "in_flight", number(s.status.in_flight));
		control_set(o, "last_error",
			    control_str(s.status.error ? strerror(-s.status.error) : NULL));
	}
	control_set(o, "found", control_str(s.found));
	control_set(o, "damaged_file", control_str(s.aside));
	control_set(o, "records_found", number(s.records));
	control_set(o, "records_missing", number(s.missing));
	control_set(o, "restored", number(s.restored));
	control_set(o, "refused", number(s.refused));
	control_set(o, "restore_ms", number(s.took / nsec_from_ms(1)));
	control_set(o, "sessions_lost", json_boolean(s.lost));
	control_set(o, "restart_counter", number(s.restart_counter));
	return 0;
}

static int do_version(struct control_req *r, json_t *o)
{
	control_set(o, "version", control_str(r->ctx->version));
	return 0;
}

static int do_log_level(struct control_req *r, json_t *o)
{
	const char *s = arg_str(r, "level");
	enum log_class cls;

	if (s) {
		if (log_class_parse(s, &cls))
			return refuse(r, -EINVAL, "\"%.40s\" is no log level; " LOG_LEVELS, s);
		log_set_level(cls);
	}
	control_set(o, "log_level", control_str(log_class_name(log_level())));
	return 0;
}

static int attach_failed(struct control_req *r, int rc, const char *ifname)
{
	switch (-rc) {
	case ENODEV:
		return refuse(r, rc, "\"%.40s\" is no access interface that is up", ifname);
	case EPERM:
		return refuse(r, rc,
			      "the node is not entitled to service: no profile, or it is disabled");
	case ENOSPC:
		return refuse(r, rc, "no room for another node");
	default:
		return refuse(r, rc, "the node cannot be attached: %s", strerror(-rc));
	}
}

static int do_attach(struct control_req *r, json_t *o)
{
	const struct control_ops *ops = &r->ctx->ops;
	const char *ifname = arg_str(r, "ifname"), *id = arg_str(r, "mn_id");
	const char *hint = arg_str(r, "hint");
	uint8_t hi = HI_RESERVED;
	struct mnid mnid;
	struct mac mac;
	int rc;

	if (!r->ctx->mag || !ops->attach)
		return refuse(r, -ENOENT, "this daemon is no MAG");
	rc = arg_mac(r, &mac);
	if (!rc && id)
		rc = arg_mnid(r, id, &mnid);
	if (rc)
		return rc;
	if (hint) {
		if (strlen(hint) != 1 || hint[0] < '0' + HI_NEW_INTERFACE ||
		    hint[0] > '0' + HI_NO_CHANGE)
			return refuse(r, -EINVAL,
				      "\"%.40s\" is no Handoff Indicator; 1 to 5 (RFC 5213 8.4)",
				      hint);
		hi = (uint8_t)(hint[0] - '0');
	}
	rc = ops->attach(ops->ctx, ifname, &mac, id ? &mnid : NULL, hi, arg_str(r, "previous_ap"),
			 r->now);
	if (rc)
		return attach_failed(r, rc, ifname);
	control_set(o, "ifname", control_str(ifname));
	control_set(o, "mac", control_mac(&mac));
	if (id)
		control_set(o, "mn_id", control_str(id));
	return 0;
}

static int do_detach(struct control_req *r, json_t *o)
{
	const struct control_ops *ops = &r->ctx->ops;
	const char *node = arg_str(r, "node");
	struct mnid mnid;
	struct mac mac;
	int rc;

	if (!r->ctx->mag)
		return refuse(r, -ENOENT, "this daemon is no MAG");
	if (arg_str(r, "mac")) {
		rc = arg_mac(r, &mac);
		if (rc)
			return rc;
		rc = ops->detach ? ops->detach(ops->ctx, node, &mac, r->now) : -ENODEV;
		if (rc == -ENODEV)
			return refuse(r, rc, "\"%.40s\" is no access interface that is there",
				      node);
		if (rc)
			return refuse(r, rc, "no such node on %.40s", node);
		control_set(o, "ifname", control_str(node));
		control_set(o, "mac", control_mac(&mac));
		return 0;
	}
	rc = arg_mnid(r, node, &mnid);
	if (rc)
		return rc;
	if (mag_detach_mnid(r->ctx->mag, &mnid, "control", r->now))
		return refuse(r, -ENOENT, "no node \"%.80s\" is attached here", node);
	control_set(o, "mn_id", control_str(node));
	return 0;
}

static int handover_failed(struct control_req *r, int rc, const char *id, const char *to)
{
	switch (-rc) {
	case ENOENT:
		return refuse(r, rc, "no node \"%.80s\" is registered here", id);
	case ENXIO:
		return refuse(r, rc, "\"%.64s\" is no access point of a neighbour", to);
	case EALREADY:
		return refuse(r, rc, "that handover is in progress");
	case EBUSY:
		return refuse(r, rc, "the node is in another handover");
	case EOPNOTSUPP:
		return refuse(r, rc, "the MAG of \"%.64s\" does not know fast handover", to);
	case ENOSPC:
		return refuse(r, rc, "as many handovers as may be are in progress");
	default:
		return refuse(r, rc, "the node cannot be handed over: %s", strerror(-rc));
	}
}

static int do_handover(struct control_req *r, json_t *o)
{
	const char *id = arg_str(r, "mn_id"), *to = arg_str(r, "to");
	struct mnid mnid;
	int rc;

	if (!r->ctx->mag)
		return refuse(r, -ENOENT, "this daemon is no MAG");
	rc = arg_mnid(r, id, &mnid);
	if (rc)
		return rc;
	rc = mag_handover(r->ctx->mag, &mnid, to, r->now);
	if (rc)
		return handover_failed(r, rc, id, to);
	control_set(o, "mn_id", control_str(id));
	control_set(o, "to", control_str(to));
	return 0;
}

static int do_delete(struct control_req *r, json_t *o)
{
	const char *id = arg_str(r, "mn_id");
	struct mnid mnid;
	unsigned n;
	int rc;

	if (!r->ctx->lma)
		return refuse(r, -ENOENT, "this daemon is no LMA");
	rc = arg_mnid(r, id, &mnid);
	if (rc)
		return rc;
	n = lma_delete(r->ctx->lma, &mnid, r->now);
	if (!n)
		return refuse(r, -ENOENT, "no binding of \"%.80s\"", id);
	control_set(o, "mn_id", control_str(id));
	control_set(o, "deleted", json_integer(n));
	return 0;
}

/* ---- revocation */

static int revoked(struct control_req *r, json_t *o, int n, const char *what)
{
	if (n == -ENOENT)
		return refuse(r, n, "no %s to revoke", what);
	if (n < 0)
		return refuse(r, n, "cannot revoke: %s", strerror(-n));
	control_set(o, what, json_integer(n));
	return 0;
}

static int revoke_node(struct control_req *r, json_t *o, const char *id)
{
	const char *prefix = arg_str(r, "prefix"), *trigger = arg_str(r, "trigger");
	struct lma_revoke_order order = {
		.trigger = BR_ADMINISTRATIVE,
		.ipv4_only = json_is_true(json_object_get(r->args, "ipv4")),
	};
	struct prefix6 p;
	int rc = arg_mnid(r, id, &order.id);

	if (rc)
		return rc;
	if (prefix && order.ipv4_only)
		return refuse(r, -EINVAL, "a prefix or the IPv4 home address, not both");
	if (prefix) {
		if (prefix6_parse(prefix, &p))
			return refuse(r, -EINVAL, "\"%.60s\" is no prefix such as 2001:db8::/64",
				      prefix);
		order.prefix = &p;
	}
	if (trigger) {
		if (strlen(trigger) != 1 || trigger[0] < '0' || trigger[0] > '0' + BR_OUT_OF_SYNC)
			return refuse(r, -EINVAL, "a trigger is a number from 0 to %d",
				      BR_OUT_OF_SYNC);
		order.trigger = (uint8_t)(trigger[0] - '0');
	}
	control_set(o, "mn_id", control_str(id));
	return revoked(r, o, lma_revoke(r->ctx->lma, &order, r->now), "bindings");
}

static int revoke_at_mag(struct control_req *r, json_t *o)
{
	const char *lma = arg_str(r, "lma");
	struct in6_addr addr;
	int n;

	if (!r->ctx->mag)
		return refuse(r, -ENOENT, "this daemon is no MAG");
	if (lma && addr_parse(lma, &addr))
		return refuse(r, -EINVAL, "\"%.60s\" is no address", lma);
	n = mag_revoke_all(r->ctx->mag, lma ? &addr : NULL, r->now);
	if (n == -EACCES)
		return refuse(r, n, "the LMA does not let this MAG revoke all its bindings");
	return revoked(r, o, n, "lmas");
}

static int do_revoke(struct control_req *r, json_t *o)
{
	const char *id = arg_str(r, "mn_id"), *mag = arg_str(r, "mag"),
		   *realm = arg_str(r, "realm");
	const bool all = json_is_true(json_object_get(r->args, "all"));
	int n;

	if ((id != NULL) + (mag || realm) + all != 1)
		return refuse(r, -EINVAL, "either a node, or --mag or --realm, or --all");
	if (all)
		return revoke_at_mag(r, o);
	if (!r->ctx->lma)
		return refuse(r, -ENOENT, "this daemon is no LMA");
	if (id)
		return revoke_node(r, o, id);
	n = lma_revoke_all(r->ctx->lma, mag, realm, r->now);
	if (n == -EINVAL)
		return refuse(r, n, "\"%.80s\" is no realm such as example.com", realm);
	return revoked(r, o, n, "mags");
}

static int do_reload(struct control_req *r, json_t *o)
{
	const struct control_ops *ops = &r->ctx->ops;
	char msg[ERR_LEN] = "";
	int rc;

	if (!ops->reload)
		return refuse(r, -ENOENT, "there is no configuration to reload");
	rc = ops->reload(ops->ctx, msg, sizeof(msg), r->now);
	if (rc < 0)
		return refuse(r, rc, "%s", msg);
	control_set(o, "result", control_str(msg));
	return 0;
}

static int do_shutdown(struct control_req *r, json_t *o)
{
	const struct control_ops *ops = &r->ctx->ops;
	char msg[ERR_LEN] = "";
	int rc;

	if (!ops->shut_down)
		return refuse(r, -EOPNOTSUPP, "this daemon cannot be shut down from here");
	rc = ops->shut_down(ops->ctx, json_is_true(json_object_get(r->args, "flush")), msg,
			    sizeof(msg));
	if (rc < 0)
		return refuse(r, rc, "%s", msg);
	control_set(o, "result", control_str(msg));
	return 0;
}

static int do_monitor(struct control_req *r, json_t *o)
{
	return 0;
}

// clang-format off
static const struct {
	int (*list)(struct control_req *r);
	int (*object)(struct control_req *r, json_t *o);
} handlers[] = {
	[CTL_STATUS] = {.object = do_status},
	[CTL_BINDINGS] = {.list = control_bindings},
	[CTL_UPDATE_LIST] = {.list = control_update_list},
	[CTL_SESSIONS] = {.list = control_sessions},
	[CTL_PEERS] = {.list = control_peers},
	[CTL_INTERFACES] = {.list = control_interfaces},
	[CTL_NODES] = {.list = control_nodes},
	[CTL_POOLS] = {.list = control_pools},
	[CTL_PROFILES] = {.list = control_profiles},
	[CTL_COUNTERS] = {.list = control_counter_list},
	[CTL_DROPS] = {.list = control_drops},
	[CTL_STORE] = {.object = do_store},
	[CTL_MONITOR] = {.object = do_monitor},
	[CTL_ATTACH] = {.object = do_attach},
	[CTL_DETACH] = {.object = do_detach},
	[CTL_HANDOVER] = {.object = do_handover},
	[CTL_HANDOVERS] = {.list = control_handovers},
	[CTL_HANDOVER_LATENCY] = {.list = control_handover_latency},
	[CTL_DELETE] = {.object = do_delete},
	[CTL_REVOKE] = {.object = do_revoke},
	[CTL_LOG_LEVEL] = {.object = do_log_level},
	[CTL_RELOAD] = {.object = do_reload},
	[CTL_SHUTDOWN] = {.object = do_shutdown},
	[CTL_VERSION] = {.object = do_version},
	[CTL_HELP] = {.list = control_help},
};
// clang-format on
_Static_assert(ARRAY_SIZE(handlers) == CTL_COMMAND_MAX, "a command has no handler");

/* ---- the answer */

static void add_text(struct control_buf *b, const char *s)
{
	control_buf_add(b, s, strlen(s));
}

static void answer_error(struct control_buf *out, const char *text)
{
	json_t *o = json_object();

	control_set(o, "ok", json_false());
	control_set(o, "error", control_str(text));
	control_buf_json(out, o);
	json_decref(o);
	add_text(out, "\n");
}

static int answer_list(struct control_req *r, int (*list)(struct control_req *r),
		       struct control_buf *out)
{
	const json_t *limit = json_object_get(r->args, "limit");
	struct control_buf page = {0};
	char next[64];
	int rc;

	r->page = (struct control_page){
		.out = &page,
		.offset = (uint64_t)json_integer_value(json_object_get(r->args, "offset")),
		.limit = limit ? (uint64_t)json_integer_value(limit) : NO_LIMIT,
		.mn_id = arg_str(r, "mn_id"),
	};
	rc = list(r);
	if (!rc) {
		add_text(out, "{\"ok\":true,\"data\":[");
		control_buf_add(out, page.p, page.len);
		add_text(out, "]");
		if (r->page.more) {
			snprintf(next, sizeof(next), ",\"next\":%llu",
				 (unsigned long long)r->page.seen);
			add_text(out, next);
		}
		add_text(out, "}\n");
		out->bad |= page.bad;
	}
	control_buf_free(&page);
	return rc;
}

static int answer_object(struct control_req *r, int (*object)(struct control_req *r, json_t *o),
			 struct control_buf *out)
{
	json_t *o = json_object();
	int rc = object(r, o);

	if (!rc) {
		add_text(out, "{\"ok\":true,\"data\":");
		control_buf_json(out, o);
		add_text(out, "}\n");
	}
	json_decref(o);
	return rc;
}

static int answer_request(struct control_req *r, const json_t *req, struct control_buf *out,
			  struct control_outcome *oc)
{
	const char *name = json_string_value(json_object_get(req, "cmd"));
	const json_t *args = json_object_get(req, "args");
	unsigned i = 0;
	int rc;

	if (!json_is_object(req) || !name)
		return refuse(r, -EINVAL, "not a request: {\"cmd\":\"help\"} would be one");
	if (args && !json_is_object(args))
		return refuse(r, -EINVAL, "args is no object");
	r->args = args;
	while (i < ARRAY_SIZE(commands) && strcmp(commands[i].name, name))
		i++;
	if (i == ARRAY_SIZE(commands))
		return refuse(r, -ENOENT, "no command \"%.40s\"; help lists them", name);
	rc = check_args(r, &commands[i]);
	if (rc)
		return rc;
	if (handlers[i].list)
		return answer_list(r, handlers[i].list, out);
	rc = answer_object(r, handlers[i].object, out);
	if (!rc && i == CTL_MONITOR) {
		oc->monitor = true;
		oc->verbose = json_is_true(json_object_get(args, "verbose"));
	}
	return rc;
}

void control_answer(const struct control_ctx *ctx, const struct counter_set *own, const char *line,
		    size_t len, nsec_t now, struct control_buf *out, struct control_outcome *oc)
{
	char err[ERR_LEN] = "";
	struct control_req r = {
		.ctx = ctx,
		.own = own,
		.now = now,
		.err = err,
		.cap = sizeof(err),
	};
	json_error_t je;
	json_t *req = json_loadb(line, len, JSON_REJECT_DUPLICATES, &je);

	*oc = (struct control_outcome){0};
	if (!req)
		answer_error(out, "not JSON: one object per line, such as {\"cmd\":\"help\"}");
	else if (answer_request(&r, req, out, oc))
		answer_error(out, err);
	json_decref(req);
}
