/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

static struct {
	int n;
	enum log_class cls;
	char line[2048];
} seen;

static void sink(void *ctx, enum log_class cls, const char *line)
{
	CU_ASSERT_PTR_EQUAL(ctx, &seen);
	seen.n++;
	seen.cls = cls;
	snprintf(seen.line, sizeof(seen.line), "%s", line);
}

static void start(enum log_class level)
{
	memset(&seen, 0, sizeof(seen));
	log_set_sink(sink, &seen);
	log_set_level(level);
}

static void test_levels(void)
{
	start(LOG_C_INFO);
	log_msg(LOG_C_DEBUG, "not made");
	CU_ASSERT_EQUAL(seen.n, 0);
	log_msg(LOG_C_INFO, "attached %d", 7);
	CU_ASSERT_EQUAL(seen.n, 1);
	CU_ASSERT_EQUAL(seen.cls, LOG_C_INFO);
	CU_ASSERT_STRING_EQUAL(seen.line, "attached 7");
	log_set_level(LOG_C_BUG);
	CU_ASSERT_EQUAL(log_level(), LOG_C_BUG);
	log_msg(LOG_C_LOCAL, "not made");
	log_msg(LOG_C_BUG, "made");
	CU_ASSERT_EQUAL(seen.n, 2);
}

static void test_class_names(void)
{
	enum log_class c;

	for (int i = LOG_C_BUG; i <= LOG_C_DEBUG; i++) {
		CU_ASSERT_EQUAL(log_class_parse(log_class_name((enum log_class)i), &c), 0);
		CU_ASSERT_EQUAL((int)c, i);
	}
	c = LOG_C_AUTH;
	CU_ASSERT_EQUAL(log_class_parse("verbose", &c), -EINVAL);
	CU_ASSERT_EQUAL(log_class_parse("", &c), -EINVAL);
	CU_ASSERT_EQUAL(c, LOG_C_AUTH);
}

static void test_hostile_text(void)
{
	char big[4000];

	start(LOG_C_INFO);
	log_msg(LOG_C_REMOTE, "from %s", "a\nbug: forged\r\x1b[2J\x7f");
	CU_ASSERT_STRING_EQUAL(seen.line, "from a.bug: forged..[2J.");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_msg(LOG_C_REMOTE, "%s", big);
	CU_ASSERT_EQUAL(strlen(seen.line), 1023);
	CU_ASSERT_STRING_EQUAL(seen.line + 1020, "...");
}

static void test_limit_defaults(void)
{
	struct log_limit l = {0};
	nsec_t now = nsec_from_s(1000);
	int ok = 0;

	for (int i = 0; i < 100; i++)
		ok += log_limit_ok(&l, now);
	CU_ASSERT_EQUAL(ok, 5);
	CU_ASSERT_EQUAL(l.suppressed, 95);
	CU_ASSERT_FALSE(log_limit_ok(&l, now + NSEC_PER_SEC - 1));
	CU_ASSERT_TRUE(log_limit_ok(&l, now + NSEC_PER_SEC));
	CU_ASSERT_FALSE(log_limit_ok(&l, now + NSEC_PER_SEC));
	/* a long silence restores the burst and no more */
	now += nsec_from_s(3600);
	for (ok = 0; ok < 10 && log_limit_ok(&l, now); ok++)
		;
	CU_ASSERT_EQUAL(ok, 5);
}

static void test_limit_rate(void)
{
	struct log_limit l = {.burst = 2, .every = nsec_from_ms(100)};
	int ok = 0;

	/* 10 s of a line each millisecond: the burst, then one each 100 ms */
	for (nsec_t ms = 0; ms < 10000; ms++)
		ok += log_limit_ok(&l, nsec_from_ms(ms));
	CU_ASSERT_EQUAL(ok, 2 + 99);
	/* a clock that steps back opens no gate */
	CU_ASSERT_FALSE(log_limit_ok(&l, 0));
}

static void test_limited_announces(void)
{
	struct log_limit l = {.burst = 1};

	start(LOG_C_INFO);
	for (int i = 0; i < 10; i++)
		log_limited(&l, 0, LOG_C_REMOTE, "bad checksum");
	CU_ASSERT_EQUAL(seen.n, 1);
	CU_ASSERT_STRING_EQUAL(seen.line, "bad checksum");
	log_limited(&l, NSEC_PER_SEC, LOG_C_REMOTE, "bad checksum");
	CU_ASSERT_EQUAL(seen.n, 2);
	CU_ASSERT_STRING_EQUAL(seen.line, "bad checksum (9 more suppressed)");
	CU_ASSERT_EQUAL(l.suppressed, 0);
	/* a line below the level spends nothing */
	log_limited(&l, 2 * NSEC_PER_SEC, LOG_C_DEBUG, "detail");
	CU_ASSERT_TRUE(log_limit_ok(&l, 2 * NSEC_PER_SEC));
}

/* What a process writes to its stderr, which the journal is said to be, or not. */
static void default_sink(char *out, size_t cap, bool journal)
{
	char stream[64] = "1:1";
	FILE *f = tmpfile();
	struct stat st;
	int status = -1;
	ssize_t n;
	pid_t pid;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL_FATAL(fstat(fileno(f), &st), 0);
	if (journal)
		snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
			 (unsigned long long)st.st_ino);
	pid = fork();
	if (!pid) {
		dup2(fileno(f), STDERR_FILENO);
		setenv("JOURNAL_STREAM", stream, 1);
		log_set_sink(NULL, NULL);
		log_set_level(LOG_C_INFO);
		log_msg(LOG_C_AUTH, "refused %s", "2001:db8::1");
		log_msg(LOG_C_DEBUG, "detail");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	n = pread(fileno(f), out, cap - 1, 0);
	out[n < 0 ? 0 : n] = '\0';
	fclose(f);
}

static void test_default_sink(void)
{
	char out[256];

	default_sink(out, sizeof(out), false);
	CU_ASSERT_STRING_EQUAL(out, "auth: refused 2001:db8::1\n");
	default_sink(out, sizeof(out), true);
	CU_ASSERT_STRING_EQUAL(out, "<4>auth: refused 2001:db8::1\n");
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"lines above the level are not made",		       test_levels},
		{"class names are parsed back",						    test_class_names},
		{"text from the network cannot forge or flood a line",test_hostile_text},
		{"limit starts with a burst of 5, then 1 per second", test_limit_defaults},
		{"limit holds its rate",						    test_limit_rate},
		{"stderr gets the class, the journal its priority too",					test_default_sink},
		{"suppressed lines are announced with the next one",				     test_limited_announces},
		{0						   },
	};
	return cu_main("log", tests, argc, argv);
}
