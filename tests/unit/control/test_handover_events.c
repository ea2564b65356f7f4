/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a monitor hears of fast handovers (RFC 5949): messages, states, buffers, results. */
#include "harness.h"

static const struct control_opts no_socket = {0};
static const struct control_ctx ctx = {.instance = "t"};

static const uint8_t name[] = "mn1@example.com";
static const struct mnid mnid = {MNID_NAI, sizeof(name) - 1, name};

/* The event as a monitor gets it, to be released. */
static json_t *emitted(const struct event *what)
{
	struct event ev = *what;
	json_t *j = NULL, *ok;
	struct loop l;
	char *text;
	int fd;

	ev.role = "mag";
	ev.mnid = &mnid;
	start(&l, &ctx, &no_socket);
	fd = client(&l);
	ok = ask(&l, fd, "{\"cmd\":\"monitor\"}");
	json_decref(ok);
	control_emit(l.c, &ev);
	text = hear(&l, fd, NULL);
	CU_ASSERT_EQUAL(count_lines(text), 1);
	j = json_loads(text, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	free(text);
	close(fd);
	stop(&l);
	return j;
}

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "(none)";
}

static json_int_t num(const json_t *o, const char *key)
{
	CU_ASSERT_TRUE(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

static bool yes(const json_t *o, const char *key)
{
	CU_ASSERT_TRUE(json_is_boolean(json_object_get(o, key)));
	return json_is_true(json_object_get(o, key));
}

static void test_handover_initiate(void)
{
	struct mh_msg msg = {
		.type = MH_HI,
		.ho = {.seq = 7, .flags = MH_HI_P | MH_HI_F, .code = HI_CODE_ALL_CONTEXT}
	 };
	json_t *j, *m;

	mh_opt_add(&msg, MHO_MN_ID)->mnid = mnid;
	prefix6_parse("2001:db8:100::/64", &mh_opt_add(&msg, MHO_HNP)->hnp.prefix);
	j = emitted(&(struct event){.type = EV_MSG_SENT, .now = NOW, .msg = &msg, .repeat = 2});
	m = json_object_get(j, "message");
	CU_ASSERT_STRING_EQUAL(str(j, "event"), "sent");
	CU_ASSERT_STRING_EQUAL(str(j, "mn_id"), "mn1@example.com");
	CU_ASSERT_EQUAL(num(j, "retransmission"), 2);
	CU_ASSERT_STRING_EQUAL(str(m, "name"), "HI");
	CU_ASSERT_EQUAL(num(m, "seq"), 7);
	CU_ASSERT_TRUE(yes(m, "proxy"));
	CU_ASSERT_TRUE(yes(m, "forward"));
	CU_ASSERT_FALSE(yes(m, "buffer"));
	CU_ASSERT_EQUAL(num(m, "code"), 3);
	CU_ASSERT_STRING_EQUAL(str(m, "code_name"), "All available context transferred");
	CU_ASSERT_STRING_EQUAL(str(m, "summary"),
			       "HI seq 7 proxy forward code 3 (All available context transferred) "
			       "mn1@example.com HNP 2001:db8:100::/64");
	json_decref(j);
}

static void test_handover_acknowledge(void)
{
	static const struct {
		uint8_t flags, code;
		bool proxy, forward, buffer;
		const char *name;
	} rows[] = {
		{MH_HACK_P | MH_HACK_U, 5,   true,	 false, true,
		 "Context Transfer Accepted or Successful"						  },
		{MH_HACK_P | MH_HACK_F, 0,   true,	 true,  false, "Handover Accepted or Successful"  },
		{MH_HACK_P,		    130, true,  false, false, "Insufficient resources"	     },
		{0,		     0,   false, false, false, "Handover Accepted with NCoA valid"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mh_msg msg = {
			.type = MH_HACK,
			.ho = {.seq = 8, .flags = rows[i].flags, .code = rows[i].code}
		      };
		json_t *j = emitted(&(struct event){.type = EV_MSG_RCVD, .now = NOW, .msg = &msg});
		json_t *m = json_object_get(j, "message");

		CU_ASSERT_PTR_NULL(json_object_get(j, "retransmission"));
		CU_ASSERT_STRING_EQUAL(str(m, "name"), "HAck");
		CU_ASSERT_EQUAL(yes(m, "proxy"), rows[i].proxy);
		CU_ASSERT_EQUAL(yes(m, "forward"), rows[i].forward);
		CU_ASSERT_EQUAL(yes(m, "buffer"), rows[i].buffer);
		CU_ASSERT_EQUAL(num(m, "code"), rows[i].code);
		CU_ASSERT_STRING_EQUAL(str(m, "code_name"), rows[i].name);
		json_decref(j);
	}
}

static void test_buffer(void)
{
	const struct dp_buffered b = {.packets = 300,
				      .octets = 60000,
				      .oldest = NOW,
				      .max_packets = 600,
				      .max_octets = 100000,
				      .draining = true,
				      .kept = 420,
				      .handed_on = 100,
				      .dropped[DP_BUFFER_TOO_OLD] = 20};
	json_t *j = emitted(&(struct event){.type = EV_BUFFER_DROPPING,
					    .now = NOW + nsec_from_ms(250),
					    .cause = "too_old",
					    .buffer = &b});
	json_t *o = json_object_get(j, "buffer");

	CU_ASSERT_STRING_EQUAL(str(j, "event"), "buffer-dropping");
	CU_ASSERT_STRING_EQUAL(str(j, "cause"), "too_old");
	CU_ASSERT_EQUAL(num(o, "packets"), 300);
	CU_ASSERT_EQUAL(num(o, "octets"), 60000);
	CU_ASSERT_EQUAL(num(o, "oldest_ms"), 250);
	/* of the two bounds the nearer one */
	CU_ASSERT_EQUAL(num(o, "fill_percent"), 60);
	CU_ASSERT_TRUE(yes(o, "draining"));
	CU_ASSERT_EQUAL(num(o, "kept"), 420);
	CU_ASSERT_EQUAL(num(o, "handed_on"), 100);
	CU_ASSERT_EQUAL(num(json_object_get(o, "dropped"), "too_old"), 20);
	CU_ASSERT_EQUAL(num(json_object_get(o, "dropped"), "node_packets"), 0);
	json_decref(j);
}

static void test_no_buffer(void)
{
	json_t *j = emitted(&(struct event){.type = EV_BUFFER_EMPTY,
					    .now = NOW,
					    .took = nsec_from_ms(139),
					    .buffer = &(struct dp_buffered){0}});
	json_t *o = json_object_get(j, "buffer");

	CU_ASSERT_TRUE(json_is_null(json_object_get(o, "oldest_ms")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(o, "fill_percent")));
	CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(j, "took_ms")), 139, 1e-6);
	json_decref(j);
}

static void test_result(void)
{
	const struct event_handover h = {.side = "new",
					 .mode = "reactive",
					 .answer = 412345,
					 .registration = NSEC_NEVER,
					 .retransmissions = 1};
	json_t *j = emitted(&(struct event){.type = EV_HANDOVER_OVER,
					    .now = NOW,
					    .cause = "completed",
					    .took = nsec_from_ms(1008),
					    .handover = &h});

	CU_ASSERT_STRING_EQUAL(str(j, "event"), "handover-over");
	CU_ASSERT_STRING_EQUAL(str(j, "side"), "new");
	CU_ASSERT_STRING_EQUAL(str(j, "mode"), "reactive");
	CU_ASSERT_STRING_EQUAL(str(j, "cause"), "completed");
	CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(j, "answer_ms")), 0.412, 1e-9);
	CU_ASSERT_TRUE(json_is_null(json_object_get(j, "register_ms")));
	CU_ASSERT_EQUAL(num(j, "retransmissions"), 1);
	CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(j, "took_ms")), 1008, 1e-6);
	json_decref(j);
}

static void test_state(void)
{
	struct event ev = {.type = EV_STATE, .now = NOW, .from = "NEW", .to = "OFFERED"};
	json_t *j = emitted(&ev);

	CU_ASSERT_PTR_NULL(json_object_get(j, "machine"));
	json_decref(j);
	ev.machine = "handover";
	j = emitted(&ev);
	CU_ASSERT_STRING_EQUAL(str(j, "machine"), "handover");
	json_decref(j);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"RFC 5949 6.1.1 a Handover Initiate is told in words, and that it is repeated", test_handover_initiate},
		{"RFC 5949 6.1.2 a Handover Acknowledge is told in words", test_handover_acknowledge},
		{"a buffer is told with its fill and its losses", test_buffer},
		{"a buffer that is not there is neither full nor old", test_no_buffer},
		{"a handover's end is told with what its steps took", test_result},
		{"states tell whose they are", test_state},
		{0},
	};
	// clang-format on
	return cu_main("handover_events", tests, argc, argv);
}
