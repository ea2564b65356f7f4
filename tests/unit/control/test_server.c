/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Framing, limits and misbehaving clients. */
#include <sys/stat.h>
#include <sys/un.h>

#include "unit/control/harness.h"

static const struct control_ctx ctx = {.instance = "t", .version = "1", .dataplane = "none"};
static const struct control_opts no_socket;

static void test_one_line_in_pieces(void)
{
	static const char req[] = "{\"cmd\":\"version\"}\n";
	struct loop l;
	int fd;
	char *text;

	start(&l, &ctx, &no_socket);
	fd = client(&l);
	for (size_t i = 0; i < sizeof(req) - 1; i++) {
		text = hear(&l, fd, NULL);
		CU_ASSERT_STRING_EQUAL(text, "");
		free(text);
		CU_ASSERT_EQUAL(send(fd, req + i, 1, 0), 1);
	}
	text = hear(&l, fd, NULL);
	CU_ASSERT_STRING_EQUAL(text, "{\"ok\":true,\"data\":{\"version\":\"1\"}}\n");
	free(text);
	close(fd);
	stop(&l);
}

static void test_several_lines_at_once(void)
{
	struct loop l;
	char *text;
	int fd;

	start(&l, &ctx, &no_socket);
	fd = client(&l);
	for (unsigned i = 0; i < 50; i++)
		say(fd, "{\"cmd\":\"version\"}\n");
	say(fd, "{\"cmd\":");
	text = hear(&l, fd, NULL);
	CU_ASSERT_EQUAL(count_lines(text), 50);
	free(text);
	say(fd, "\"version\"}\n");
	text = hear(&l, fd, NULL);
	CU_ASSERT_EQUAL(count_lines(text), 1);
	free(text);
	close(fd);
	stop(&l);
}

static void test_what_is_no_request(void)
{
	static const char not_json[] = "not JSON: one object per line, such as {\"cmd\":\"help\"}";
	static const char no_request[] = "not a request: {\"cmd\":\"help\"} would be one";
	static char deep[20001];
	struct loop l;
	int fd;

	start(&l, &ctx, &no_socket);
	fd = client(&l);
	ask_refused(&l, fd, "", not_json);
	ask_refused(&l, fd, "hello", not_json);
	ask_refused(&l, fd, "{\"cmd\":\"version\"", not_json);
	ask_refused(&l, fd, "{\"cmd\":\"version\"} trailing", not_json);
	ask_refused(&l, fd, "{\"cmd\":\"a\",\"cmd\":\"version\"}", not_json);
	ask_refused(&l, fd, "\xff\xfe", not_json);
	ask_refused(&l, fd, "{\"cmd\":\"\\u0000\"}", not_json);
	memset(deep, '[', sizeof(deep) - 1);
	ask_refused(&l, fd, deep, not_json);
	ask_refused(&l, fd, "[]", no_request);
	ask_refused(&l, fd, "{}", no_request);
	ask_refused(&l, fd, "{\"cmd\":7}", no_request);
	ask_refused(&l, fd, "{\"cmd\":\"version\",\"args\":[]}", "args is no object");
	ask_refused(&l, fd, "{\"cmd\":\"explode\"}", "no command \"explode\"; help lists them");
	ask_refused(&l, fd, "{\"cmd\":\"version\",\"args\":{\"x\":1}}",
		    "version takes no argument \"x\"");
	ask_refused(&l, fd, "{\"cmd\":\"bindings\",\"args\":{\"mn_id\":1}}", "mn_id is no string");
	ask_refused(&l, fd, "{\"cmd\":\"monitor\",\"args\":{\"verbose\":\"yes\"}}",
		    "verbose is no truth value");
	ask_refused(&l, fd, "{\"cmd\":\"bindings\",\"args\":{\"offset\":-1}}",
		    "offset is no whole number");
	ask_refused(&l, fd, "{\"cmd\":\"delete\"}",
		    "delete needs mn_id: the node whose bindings go");
	/* and the connection still serves */
	json_decref(ask(&l, fd, "{\"cmd\":\"version\"}"));
	close(fd);
	stop(&l);
}

static void test_line_as_long_as_allowed(void)
{
	static char line[CTL_LINE_MAX + 1];
	struct loop l;
	json_t *j;
	int fd;

	memset(line, ' ', sizeof(line) - 1);
	memcpy(line, "{\"cmd\":\"version\"}", 17);
	line[CTL_LINE_MAX - 1] = '\0'; /* ask() adds the newline */
	start(&l, &ctx, &no_socket);
	fd = client(&l);
	j = ask(&l, fd, line);
	CU_ASSERT_TRUE(json_is_true(json_object_get(j, "ok")));
	json_decref(j);
	close(fd);
	stop(&l);
}

static void test_line_too_long(void)
{
	static char line[CTL_LINE_MAX + 1];
	struct loop l;
	char *text;
	bool eof;
	int fd;

	memset(line, 'x', CTL_LINE_MAX);
	start(&l, &ctx, &no_socket);
	fd = client(&l);
	say(fd, line);
	text = hear(&l, fd, &eof);
	CU_ASSERT_STRING_EQUAL(
		text, "{\"ok\":false,\"error\":\"the line is longer than 65536 octets\"}\n");
	CU_ASSERT_TRUE(eof);
	free(text);
	close(fd);
	stop(&l);
}

static void test_half_closed_client_gets_its_answers(void)
{
	struct loop l;
	char *text;
	bool eof;
	int fd;

	start(&l, &ctx, &no_socket);
	fd = client(&l);
	for (unsigned i = 0; i < 30; i++)
		say(fd, "{\"cmd\":\"version\"}\n");
	shutdown(fd, SHUT_WR);
	text = hear(&l, fd, &eof);
	CU_ASSERT_EQUAL(count_lines(text), 30);
	CU_ASSERT_TRUE(eof);
	CU_ASSERT_EQUAL(l.n, 0);
	free(text);
	close(fd);
	stop(&l);
}

static void test_client_that_leaves_is_forgotten(void)
{
	struct loop l;
	int fd;

	start(&l, &ctx, &no_socket);
	fd = client(&l);
	say(fd, "{\"cmd\":\"help\"}\n{\"cmd\":\"he");
	close(fd);
	loop_run(&l);
	CU_ASSERT_EQUAL(l.n, 0);
	fd = client(&l);
	close(fd);
	loop_run(&l);
	CU_ASSERT_EQUAL(l.n, 0);
	stop(&l);
}

/* A client that asks and asks and never reads stops being read; what it asked is not lost. */
static void test_client_that_does_not_read(void)
{
	static const char req[] = "{\"cmd\":\"help\"}\n";
	unsigned asked = 0;
	size_t at = 0;
	struct loop l;
	char *text;
	int fd, idle = 0;

	start(&l, &ctx, &no_socket);
	fd = client(&l);
	while (idle < 3 && asked < 1000000) {
		ssize_t n = send(fd, req + at, sizeof(req) - 1 - at, MSG_NOSIGNAL);

		if (n < 0) {
			idle++;
			loop_run(&l);
			continue;
		}
		at += (size_t)n;
		if (at == sizeof(req) - 1) {
			at = 0;
			asked++;
		}
	}
	/* it was stopped by the full socket, not by our limit */
	CU_ASSERT_TRUE(asked > 100 && asked < 1000000);
	CU_ASSERT_EQUAL(at, 0);
	text = hear(&l, fd, NULL);
	CU_ASSERT_EQUAL(count_lines(text), asked);
	free(text);
	close(fd);
	stop(&l);
}

static void test_hundred_clients(void)
{
	struct loop l;
	int fd[100];

	start(&l, &ctx, &no_socket);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = client(&l);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		say(fd[i], "{\"cmd\":\"version\"}\n");
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
		char *text = hear(&l, fd[i], NULL);

		CU_ASSERT_EQUAL(count_lines(text), 1);
		free(text);
		close(fd[i]);
	}
	loop_run(&l);
	CU_ASSERT_EQUAL(l.n, 0);
	stop(&l);
}

/* ---- monitor */

static struct event message_event(const struct mh_msg *msg, const struct in6_addr *peer)
{
	return (struct event){
		.type = EV_MSG_RCVD, .role = "lma", .now = NOW, .peer = peer, .msg = msg};
}

static int monitor(struct loop *l, bool verbose)
{
	int fd = client(l);

	json_decref(ask(l, fd,
			verbose ? "{\"cmd\":\"monitor\",\"args\":{\"verbose\":true}}"
				: "{\"cmd\":\"monitor\"}"));
	return fd;
}

static json_t *next_event(struct loop *l, int fd)
{
	char *text = hear(l, fd, NULL);
	json_error_t je;
	json_t *j;

	CU_ASSERT_EQUAL(count_lines(text), 1);
	j = json_loads(text, 0, &je);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	free(text);
	return j;
}

static uint64_t wallclock(void *c)
{
	return 1700000000ull * NSEC_PER_SEC + 500000000ull;
}

static void test_monitor_sees_a_message(void)
{
	static struct mh_msg msg = {
		.type = MH_BU, .bu = {.seq = 7, .flags = MH_BU_P, .lifetime = 10}
	 };
	const struct control_ctx with_clock = {.wallclock = wallclock, .started_at = NOW};
	struct in6_addr peer;
	struct event ev;
	struct loop l;
	int plain, verbose;
	json_t *j, *m;

	addr6_parse("2001:db8::1", &peer);
	ev = message_event(&msg, &peer);
	start(&l, &with_clock, &no_socket);
	control_emit(l.c, &ev); /* nobody listens */
	plain = monitor(&l, false);
	verbose = monitor(&l, true);
	CU_ASSERT_EQUAL(control_monitors(l.c), 2);
	control_emit(l.c, &ev);

	j = next_event(&l, plain);
	m = json_object_get(j, "message");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(j, "event")), "received");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(j, "role")), "lma");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(j, "peer")), "2001:db8::1");
	CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(j, "time")), 1700000000.5, 1e-3);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(m, "name")), "PBU");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(m, "seq")), 7);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(m, "lifetime")), 40);
	CU_ASSERT_PTR_NULL(json_object_get(m, "text"));
	json_decref(j);

	j = next_event(&l, verbose);
	m = json_object_get(j, "message");
	CU_ASSERT_PTR_NOT_NULL(strstr(json_string_value(json_object_get(m, "text")), "\n"));
	json_decref(j);

	close(plain);
	loop_run(&l);
	CU_ASSERT_EQUAL(control_monitors(l.c), 1);
	close(verbose);
	stop(&l);
}

static void test_monitor_sees_every_event_type(void)
{
	static const uint8_t id[] = "mn1@example.com";
	static const struct mnid mnid = {MNID_NAI, sizeof(id) - 1, id};
	static const struct mac mac = {
		{2, 0, 0, 0, 0, 1}
	  };
	struct prefix6 prefix;
	struct loop l;
	int fd;

	prefix6_parse("2001:db8:1::/64", &prefix);
	start(&l, &ctx, &no_socket);
	fd = monitor(&l, true);
	for (int t = EV_MSG_SENT; t <= EV_HANDOVER_OVER; t++) {
		const struct event ev = {.type = (enum event_type)t,
					 .role = "mag",
					 .now = NOW,
					 .mnid = &mnid,
					 .mac = &mac,
					 .ifname = "acc0",
					 .from = "A",
					 .to = "B",
					 .cause = "rs",
					 .clause = "RFC 5213 6.9",
					 .prefixes = &prefix,
					 .n_prefixes = 1};
		json_t *j;

		control_emit(l.c, &ev);
		j = next_event(&l, fd);
		CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(j, "event")),
				       event_type_name((enum event_type)t));
		CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(j, "mn_id")),
				       "mn1@example.com");
		CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(j, "mac")),
				       "02:00:00:00:00:01");
		CU_ASSERT_STRING_EQUAL(
			json_string_value(json_array_get(json_object_get(j, "prefixes"), 0)),
			"2001:db8:1::/64");
		json_decref(j);
	}
	close(fd);
	stop(&l);
}

static uint64_t missed_counter(const struct control *c)
{
	const struct counter_set s = control_counters(c);

	for (size_t i = 0; i < s.n; i++)
		if (!strcmp(s.desc[i].name, "events_missed"))
			return s.value[i];
	return UINT64_MAX;
}

static void test_monitor_that_sleeps_misses_events(void)
{
	enum { N = 20000 };
	const struct control_opts small = {.max_monitor_bytes = 4096};
	const struct event ev = {
		.type = EV_STATE, .role = "lma", .now = NOW, .from = "A", .to = "B"};
	unsigned long long got = 0, missed = 0;
	char *text, *p;
	struct loop l;
	int sleepy, awake;

	start(&l, &ctx, &small);
	sleepy = monitor(&l, false);
	awake = monitor(&l, false);
	for (unsigned i = 0; i < N; i++) {
		control_emit(l.c, &ev);
		if (i % 8)
			continue;
		text = hear(&l, awake, NULL);
		got += count_lines(text);
		free(text);
	}
	text = hear(&l, awake, NULL);
	got += count_lines(text);
	CU_ASSERT_EQUAL(got, N); /* the other one's sleep costs this one nothing */
	free(text);

	text = hear(&l, sleepy, NULL);
	got = count_lines(text);
	free(text);
	CU_ASSERT_TRUE(got < N);
	control_emit(l.c, &ev);
	text = hear(&l, sleepy, NULL);
	p = strstr(text, "{\"event\":\"missed\",\"count\":");
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_PTR_EQUAL(p, text);
	missed = strtoull(p + strlen("{\"event\":\"missed\",\"count\":"), NULL, 10);
	CU_ASSERT_EQUAL(count_lines(text), 2);
	CU_ASSERT_EQUAL(got + missed, N);
	CU_ASSERT_EQUAL(missed_counter(l.c), missed);
	free(text);
	/* told once */
	control_emit(l.c, &ev);
	text = hear(&l, sleepy, NULL);
	CU_ASSERT_EQUAL(count_lines(text), 1);
	CU_ASSERT_PTR_NULL(strstr(text, "missed"));
	free(text);
	close(sleepy);
	close(awake);
	stop(&l);
}

static void test_monitor_that_talks_is_ignored(void)
{
	const struct event ev = {.type = EV_STATE, .now = NOW};
	static char noise[200000];
	struct loop l;
	json_t *j;
	int fd;

	memset(noise, 'x', sizeof(noise) - 1);
	start(&l, &ctx, &no_socket);
	fd = monitor(&l, false);
	for (unsigned i = 0; i < 20; i++) {
		(void)!send(fd, noise, sizeof(noise) - 1, MSG_NOSIGNAL);
		loop_run(&l);
	}
	control_emit(l.c, &ev);
	j = next_event(&l, fd);
	json_decref(j);
	close(fd);
	stop(&l);
}

/* ---- the socket file */

static char dir[32], path[64];

static void make_path(const char *name)
{
	strcpy(dir, "/tmp/control-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/%s", dir, name);
}

static int connect_to(const char *p)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(sa.sun_path, p);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void test_socket_file(void)
{
	const struct control_opts opts = {.path = path};
	struct stat st;
	struct loop l;
	json_t *j;
	int fd;

	make_path("run/s.sock");
	start(&l, &ctx, &opts);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	fd = connect_to(path);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	loop_run(&l);
	j = ask(&l, fd, "{\"cmd\":\"version\"}");
	json_decref(j);
	close(fd);
	stop(&l);
	CU_ASSERT_EQUAL(stat(path, &st), -1);
	snprintf(path, sizeof(path), "%s/run", dir);
	rmdir(path);
	rmdir(dir);
}

static int try_new(const struct control_opts *o, struct loop *l, char *err, size_t cap)
{
	const struct control_io io = {.ctx = l, .watch = loop_watch, .unwatch = loop_unwatch};

	*l = (struct loop){0};
	err[0] = '\0';
	return control_new(&l->c, o, &io, &ctx, err, cap);
}

static void test_socket_of_another_daemon(void)
{
	const struct control_opts opts = {.path = path};
	struct loop l, second;
	char err[512];
	int fd;

	make_path("s.sock");
	start(&l, &ctx, &opts);
	CU_ASSERT_EQUAL(try_new(&opts, &second, err, sizeof(err)), -EADDRINUSE);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "another daemon answers there"));
	/* the first one is not disturbed */
	loop_run(&l);
	fd = connect_to(path);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	loop_run(&l);
	json_decref(ask(&l, fd, "{\"cmd\":\"version\"}"));
	close(fd);
	stop(&l);
	rmdir(dir);
}

static void test_stale_socket_is_replaced(void)
{
	const struct control_opts opts = {.path = path};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct loop l;
	int fd;

	make_path("s.sock");
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	start(&l, &ctx, &opts);
	fd = connect_to(path);
	CU_ASSERT_TRUE(fd >= 0);
	close(fd);
	stop(&l);
	rmdir(dir);
}

static void test_socket_that_cannot_be(void)
{
	struct control_opts opts = {.path = path};
	char err[512], longer[200];
	struct stat st;
	struct loop l;
	FILE *f;

	make_path("s.sock");
	f = fopen(path, "w");
	fclose(f);
	CU_ASSERT_EQUAL(try_new(&opts, &l, err, sizeof(err)), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "is no socket; remove it"));
	CU_ASSERT_EQUAL(stat(path, &st), 0); /* and it is still there */
	unlink(path);

	opts.group = "no-such-group-here";
	CU_ASSERT_EQUAL(try_new(&opts, &l, err, sizeof(err)), -ENOENT);
	CU_ASSERT_STRING_EQUAL(err,
			       "control-group no-such-group-here does not exist; create it, or "
			       "leave the key out");
	CU_ASSERT_EQUAL(stat(path, &st), -1);
	opts.group = NULL;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	opts.path = longer;
	CU_ASSERT_EQUAL(try_new(&opts, &l, err, sizeof(err)), -ENAMETOOLONG);
	snprintf(longer, sizeof(longer), "%s/a/b/s.sock", dir);
	CU_ASSERT_EQUAL(try_new(&opts, &l, err, sizeof(err)), -ENOENT);
	rmdir(dir);
}

static void test_too_many_clients(void)
{
	const struct control_opts opts = {.path = path, .max_clients = 3};
	struct loop l;
	int fd[4];
	char *text;
	bool eof;

	make_path("s.sock");
	start(&l, &ctx, &opts);
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = connect_to(path);
		loop_run(&l);
	}
	text = hear(&l, fd[3], &eof);
	CU_ASSERT_STRING_EQUAL(text,
			       "{\"ok\":false,\"error\":\"too many clients; try again later\"}\n");
	CU_ASSERT_TRUE(eof);
	free(text);
	json_decref(ask(&l, fd[0], "{\"cmd\":\"version\"}"));
	close(fd[0]);
	loop_run(&l);
	close(fd[3]);
	fd[3] = connect_to(path);
	loop_run(&l);
	json_decref(ask(&l, fd[3], "{\"cmd\":\"version\"}"));
	for (unsigned i = 1; i < 4; i++)
		close(fd[i]);
	stop(&l);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a request may come octet by octet",	      test_one_line_in_pieces},
		{"several requests may come at once",					      test_several_lines_at_once},
		{"what is no request is refused with a reason",test_what_is_no_request},
		{"a line of 64 KiB is taken", test_line_as_long_as_allowed},
		{"a longer line ends the connection",					      test_line_too_long},
		{"a half-closed client gets its answers",		  test_half_closed_client_gets_its_answers},
		{"a client that leaves is forgotten",	      test_client_that_leaves_is_forgotten},
		{"a client that does not read stops being read",						 test_client_that_does_not_read},
		{"a hundred clients are served",test_hundred_clients},
		{"a monitor sees a message, verbose or not",	     test_monitor_sees_a_message},
		{"a monitor sees every type of event",					       test_monitor_sees_every_event_type},
		{"a sleeping monitor misses events and is told how many",
		 test_monitor_that_sleeps_misses_events},
		{"a monitor that talks is ignored",		    test_monitor_that_talks_is_ignored},
		{"the socket file has mode 0600 and goes at the end",					      test_socket_file},
		{"a socket that somebody answers on is left alone",	    test_socket_of_another_daemon},
		{"a socket that nobody answers on is replaced",		test_stale_socket_is_replaced},
		{"a socket that cannot be is refused with a reason",					     test_socket_that_cannot_be},
		{"one client too many is told so",	   test_too_many_clients},
		{0		  },
	};

	return cu_main("control_server", tests, argc, argv);
}
