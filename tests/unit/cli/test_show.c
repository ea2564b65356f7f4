/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What pmipctl makes of answers and events: tables, histograms, the signalling ladder. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/cu.h"

/* What something prints, to be freed. */
static struct {
	char *text;
	size_t len;
	FILE *f;
} out;

static FILE *page(void)
{
	out.f = open_memstream(&out.text, &out.len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out.f);
	return out.f;
}

static void expect(const char *wanted)
{
	CU_ASSERT_EQUAL(fclose(out.f), 0);
	if (strcmp(out.text, wanted))
		printf("\n--- got\n%s--- wanted\n%s", out.text, wanted);
	CU_ASSERT_STRING_EQUAL(out.text, wanted);
	free(out.text);
}

static json_t *parse(const char *text)
{
	json_error_t e;
	json_t *j = json_loads(text, JSON_DECODE_ANY, &e);

	if (!j)
		printf("\n%s: %s\n", text, e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	return j;
}

/* ---- cells and tables */

static void expect_cell(const char *json, enum ctl_format format, const char *wanted)
{
	json_t *j = parse(json);
	char buf[100];

	CU_ASSERT_STRING_EQUAL(cli_cell(j, format, buf, sizeof(buf)), wanted);
	json_decref(j);
}

static void test_cells(void)
{
	expect_cell("null", CTL_MS, "-");
	expect_cell("0", CTL_MS, "0.0ms");
	expect_cell("0.412", CTL_MS, "0.4ms");
	expect_cell("99.9", CTL_MS, "99.9ms");
	expect_cell("503", CTL_MS, "503ms");
	expect_cell("1204.4", CTL_MS, "1204ms");
	expect_cell("12345", CTL_MS, "12.3s");
	expect_cell("59", CTL_SECONDS, "59s");
	expect_cell("3723", CTL_SECONDS, "1h02m03s");
	expect_cell("{\"node_packets\":12,\"too_old\":0,\"no_way\":3}", CTL_TEXT,
		    "12 node_packets,3 no_way");
	expect_cell("{\"node_packets\":0}", CTL_TEXT, "-");
	/* what others chose does not steer the terminal */
	expect_cell("\"a\\u001b[2Jb\"", CTL_TEXT, "a?[2Jb");
	expect_cell("[\"a\",\"b\"]", CTL_TEXT, "a,b");
}

static void test_cell_is_bounded(void)
{
	json_t *j = parse("{\"a_rather_long_reason\":1,\"and_another_one\":2}");
	char buf[16];

	CU_ASSERT_EQUAL(strlen(cli_cell(j, CTL_TEXT, buf, sizeof(buf))), 15);
	json_decref(j);
}

static void test_table_of_handovers(void)
{
	json_t *rows = parse(
		"[{\"mn_id\":\"mn1@example.com\",\"role\":\"new\",\"neighbour\":\"mag1\","
		"\"mode\":\"predictive\",\"state\":\"EXPECTED\",\"age_ms\":362,\"answer_ms\":null,"
		"\"register_ms\":null,\"result\":null,\"ago\":null,\"buffer\":{\"packets\":300,"
		"\"octets\":49800,\"oldest_ms\":359,\"fill_percent\":100,\"kept\":364,"
		"\"handed_on\":0,\"dropped\":{\"node_packets\":64,\"too_old\":0}}},"
		"{\"mn_id\":\"mn2@example.com\",\"role\":\"old\",\"neighbour\":\"mag3\","
		"\"mode\":\"reactive\",\"state\":\"GONE\",\"age_ms\":1007,\"answer_ms\":0.31,"
		"\"register_ms\":2.5,\"result\":\"completed\",\"ago\":61,\"buffer\":{\"packets\":0,"
		"\"octets\":0,\"oldest_ms\":null,\"fill_percent\":0,\"kept\":0,\"handed_on\":0,"
		"\"dropped\":{\"node_packets\":0}}}]");

	cli_table(page(), cli_command("handovers")->columns, rows);
	expect("MN-ID            ROLE  NEIGHBOUR  MODE        STATE       TIME  ANSWER  REGISTER  "
	       "WAITING  OCTETS  OLDEST  FULL%  KEPT  HANDED ON  DROPPED          RESULT     AGO\n"
	       "mn1@example.com  new   mag1       predictive  EXPECTED   362ms       -         -  "
	       "    300   49800   359ms    100   364          0  64 node_packets  -          -\n"
	       "mn2@example.com  old   mag3       reactive    GONE      1007ms   0.3ms     2.5ms  "
	       "      0       0       -      0     0          0  -                completed  "
	       "1m01s\n");
	json_decref(rows);
}

static void test_histogram(void)
{
	json_t *rows =
		parse("[{\"time\":\"below 1 ms\",\"answer\":160,\"register\":0,\"whole\":0},"
		      "{\"time\":\"1 ms to 3 ms\",\"answer\":20,\"register\":7,\"whole\":0},"
		      "{\"time\":\"3 ms and more\",\"answer\":1,\"register\":0,\"whole\":0}]");

	cli_table(page(), cli_command("handover-latency")->columns, rows);
	/* the longest is 16, and what is there at all has one */
	expect("TIME           HI TO HACK            ARRIVAL TO REGISTRATION  WHOLE HANDOVER\n"
	       "below 1 ms     160 ################  0                        0\n"
	       "1 ms to 3 ms    20 ##                7 ################       0\n"
	       "3 ms and more    1 #                 0                        0\n");
	json_decref(rows);
}

static void test_one_column(void)
{
	json_t *rows = parse("[{\"buffer\":{\"kept\":3}},{\"buffer\":{\"kept\":4}}]");

	cli_column_only(page(), rows, "buffer.kept");
	expect("3\n4\n");
	json_decref(rows);
}

/* ---- the ladder */

static void expect_rung(const char *event, const char *wanted)
{
	json_t *ev = parse(event);

	cli_event(page(), ev);
	expect(wanted);
	json_decref(ev);
}

#define NODE "\"mn_id\":\"mn1@example.com\","

static void test_messages_between_gateways(void)
{
	expect_rung("{\"event\":\"sent\",\"role\":\"mag\",\"uptime\":1.5," NODE
		    "\"peer\":\"2001:db8:12::1\",\"message\":{\"summary\":\"HI seq 7 proxy\"}}",
		    "       1.500000  mag    ---> 2001:db8:12::1  HI seq 7 proxy\n");
	expect_rung("{\"event\":\"sent\",\"role\":\"mag\",\"uptime\":1.6," NODE
		    "\"peer\":\"2001:db8:12::1\",\"retransmission\":2,"
		    "\"message\":{\"summary\":\"HI seq 7 proxy\"}}",
		    "       1.600000  mag    ---> 2001:db8:12::1  HI seq 7 proxy"
		    "  (retransmission 2)\n");
	expect_rung("{\"event\":\"received\",\"role\":\"mag\",\"uptime\":1.7," NODE
		    "\"peer\":\"2001:db8:12::1\",\"message\":{\"summary\":\"HAck seq 7 proxy\","
		    "\"text\":\"Handover Acknowledge (15)\\n  Code: x\\n\"}}",
		    "       1.700000  mag    <--- 2001:db8:12::1  HAck seq 7 proxy\n"
		    "                   Handover Acknowledge (15)\n"
		    "                     Code: x\n");
}

static void test_states_of_both_machines(void)
{
	expect_rung("{\"event\":\"state\",\"role\":\"mag\",\"uptime\":2.0," NODE
		    "\"peer\":\"2001:db8:12::1\",\"machine\":\"handover\",\"from\":\"NEW\","
		    "\"to\":\"OFFERED\",\"cause\":\"trigger\",\"clause\":\"RFC 5949 4.1 (c)\"}",
		    "       2.000000  mag      *  state  mn1@example.com  handover  NEW -> OFFERED"
		    "  peer 2001:db8:12::1  (trigger) [RFC 5949 4.1 (c)]\n");
	expect_rung(
		"{\"event\":\"state\",\"role\":\"mag\",\"uptime\":2.0," NODE
		"\"from\":\"ACTIVE\",\"to\":\"LEAVING\",\"cause\":\"x\"}",
		"       2.000000  mag      *  state  mn1@example.com  ACTIVE -> LEAVING  (x)\n");
}

static void test_buffers(void)
{
	expect_rung("{\"event\":\"buffer-dropping\",\"role\":\"mag\",\"uptime\":3.0," NODE
		    "\"cause\":\"node_packets\",\"buffer\":{\"packets\":300,\"octets\":49800,"
		    "\"oldest_ms\":297,\"fill_percent\":100,\"kept\":301,\"handed_on\":0,"
		    "\"dropped\":{\"node_packets\":1}}}",
		    "       3.000000  mag      *  buffer-dropping  mn1@example.com  (node_packets)"
		    "  300 wait (49800 octets, the oldest for 297ms, 100% full)"
		    "  kept 301, handed on 0, dropped 1 node_packets\n");
	expect_rung("{\"event\":\"buffer-empty\",\"role\":\"mag\",\"uptime\":3.5," NODE
		    "\"took_ms\":139.4,\"buffer\":{\"packets\":0,\"octets\":0,\"oldest_ms\":null,"
		    "\"fill_percent\":0,\"kept\":540,\"handed_on\":540,\"dropped\":{}}}",
		    "       3.500000  mag      *  buffer-empty  mn1@example.com  in 139ms"
		    "  kept 540, handed on 540, dropped -\n");
}

static void test_results(void)
{
	expect_rung("{\"event\":\"handover-over\",\"role\":\"mag\",\"uptime\":4.0," NODE
		    "\"peer\":\"2001:db8:12::1\",\"cause\":\"completed\",\"side\":\"new\","
		    "\"mode\":\"reactive\",\"answer_ms\":0.9,\"register_ms\":2.5,"
		    "\"retransmissions\":1,\"took_ms\":1008.2,\"buffer\":{\"packets\":0,"
		    "\"octets\":0,\"oldest_ms\":null,\"fill_percent\":0,\"kept\":0,"
		    "\"handed_on\":0,\"dropped\":{}}}",
		    "       4.000000  mag      *  handover-over  mn1@example.com  new MAG reactive"
		    "  peer 2001:db8:12::1  (completed)  in 1008ms, answered in 0.9ms,"
		    " registered in 2.5ms, retransmissions 1\n");
	expect_rung("{\"event\":\"missed\",\"count\":12}",
		    "                 12 events missed: this monitor was too slow\n");
}

/* ---- help */

static void test_help(void)
{
	char *line, *rest;

	cli_help(page(), cli_command("detach"));
	expect("usage: pmipctl detach NODE [MAC]\n\ntell the MAG that a node left\n"
	       "  NODE                 MN-ID, or the access interface when a MAC follows\n"
	       "  [MAC]                the node's link-layer address\n");

	/* whatever a command takes, no line of the list is wider than a terminal with room for two
	 */
	cli_help(page(), NULL);
	CU_ASSERT_EQUAL(fclose(out.f), 0);
	for (line = strtok_r(out.text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		CU_ASSERT(strlen(line) <= 120);
	free(out.text);
}

static void test_what_must_be_there(void)
{
	const struct cli_command *c = cli_command("handover");
	char *bare[] = {"mn1"}, *whole[] = {"mn1", "--to", "ap2"};
	json_t *args = NULL;
	char line[100];

	cli_synopsis(c, line, sizeof(line));
	CU_ASSERT_STRING_EQUAL(line, "handover MN-ID --to TO");
	CU_ASSERT_EQUAL(cli_parse_args(c, bare, 1, &args), CLI_USAGE);
	CU_ASSERT_PTR_NULL(args);
	CU_ASSERT_EQUAL_FATAL(cli_parse_args(c, whole, 3, &args), 0);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(args, "to")), "ap2");
	json_decref(args);
}

static void test_help_for_programs(void)
{
	json_t *all = cli_help_rows(NULL), *one = cli_help_rows(cli_command("revoke"));

	CU_ASSERT_EQUAL(json_array_size(all), CTL_COMMAND_MAX);
	CU_ASSERT_EQUAL_FATAL(json_array_size(one), 1);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(one, 0), "name")),
			       "revoke");
	json_decref(all);
	json_decref(one);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"cells show times, counts by reason and lists, and no control characters", test_cells},
		{"a cell never exceeds its room", test_cell_is_bounded},
		{"handovers show steps, buffer and reasons of drops", test_table_of_handovers},
		{"a histogram has bars to scale", test_histogram},
		{"a column inside of another can be asked for", test_one_column},
		{"the ladder shows HI and HAck, and which are repeated", test_messages_between_gateways},
		{"the ladder tells a handover's states from its session's", test_states_of_both_machines},
		{"the ladder shows what waits, is lost and handed on", test_buffers},
		{"the ladder shows results, and that events were missed", test_results},
		{"help fits a terminal, and explains one command", test_help},
		{"an option that must be there is shown and asked for as such", test_what_must_be_there},
		{"help for programs has all commands, or one", test_help_for_programs},
		{0},
	};
	// clang-format on
	return cu_main("show", tests, argc, argv);
}
