/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disk.h"

#include <signal.h>
#include <sys/wait.h>

#include "store/store_scan.h"
#include "store/store_writer.h"

static char last_line[512];

static void keep_line(void *ctx, enum log_class cls, const char *line)
{
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static uint64_t counter(unsigned i)
{
	return store_lmdb_counters(lmdb).value[i];
}

static void test_round_trip(void)
{
	static struct object o[64], again[64];

	memset(o, 0, sizeof(o));
	memset(again, 0, sizeof(again));
	dir_make();
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
	CU_ASSERT_TRUE(report.fresh);
	CU_ASSERT_FALSE(report.damaged);
	disk_load(NULL);
	CU_ASSERT_EQUAL(n_found, 0);
	for (unsigned i = 0; i < 64; i++)
		object_set(&o[i], i, i + 1);
	CU_ASSERT_TRUE(disk_flush(0));
	object_del(&o[5]);
	object_set(&o[6], 6, 1000);
	CU_ASSERT_TRUE(disk_flush(0));
	CU_ASSERT_EQUAL(store_committed(st), store_ticket(st));
	disk_close();

	for (unsigned round = 0; round < 2; round++) {
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		CU_ASSERT_FALSE(report.fresh);
		CU_ASSERT_FALSE(report.damaged);
		CU_ASSERT_EQUAL(report.saved, 63);
		memset(again, 0, sizeof(again));
		disk_load(again);
		CU_ASSERT_EQUAL(n_found, 63);
		CU_ASSERT_EQUAL(found[5], 0);
		CU_ASSERT_EQUAL(found[6], 1000);
		CU_ASSERT_EQUAL(found[7], round ? 77 : 8);
		object_set(&again[7], 7, 77);
		CU_ASSERT_TRUE(disk_flush(0));
		disk_close();
	}
	dir_remove();
}

static void test_modes(void)
{
	static const char *const names[] = {"store.mdb", "store.mark", "store.lock"};
	const mode_t mask = umask(0);
	struct object o = {0};
	struct stat s;

	dir_make();
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
	object_set(&o, 1, 1);
	CU_ASSERT_TRUE(disk_flush(0));
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(stat(in_dir(names[i]), &s), 0);
		CU_ASSERT_EQUAL(s.st_mode & 0777, 0600);
	}
	disk_close();
	CU_ASSERT_EQUAL(dir_clear("store."), 3);
	umask(mask);
	dir_remove();
}

static void test_lock(void)
{
	const struct store_lmdb_cfg cfg = {.dir = dir, .instance = "lma1", .env = &disk_env};
	struct store_lmdb_report second_report;
	struct store_lmdb *second = NULL;

	dir_make();
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
	CU_ASSERT_EQUAL(store_lmdb_open(&second, &cfg, &second_report), -EBUSY);
	CU_ASSERT_PTR_NULL(second);
	CU_ASSERT_PTR_NOT_NULL(strstr(second_report.what, "lock"));
	disk_close();
	CU_ASSERT_EQUAL_FATAL(store_lmdb_open(&second, &cfg, &second_report), 0);
	store_lmdb_close(&second);
	dir_remove();
}

static void test_owner(void)
{
	struct object o = {0};

	dir_make();
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
	object_set(&o, 1, 1);
	CU_ASSERT_TRUE(disk_flush(0));
	disk_close();
	CU_ASSERT_EQUAL(disk_open("lma2"), -EXDEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(report.what, "lma1"));
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
	disk_load(NULL);
	CU_ASSERT_EQUAL(n_found, 1);
	disk_close();
	dir_remove();
}

/* A file of a later program is neither read nor replaced. */
static void test_schema(void)
{
	struct store_value v = {.kind = STORE_HEAD_KIND, .commit = 1};
	uint8_t head[STORE_LEN_MAX], old[STORE_VALUE_MAX], value[STORE_VALUE_MAX];
	struct store_head h = {.instance = "lma1", .store = 7, .commit = 1};
	size_t len, file_len, n = 0;
	uint8_t *file;

	dir_make();
	CU_ASSERT_EQUAL_FATAL(store_writer_create(in_dir("store.mdb"), &h, NULL), 0);
	file = slurp(in_dir("store.mdb"), &file_len);
	v.data = head;
	v.len = store_head_write(&h, head);
	len = store_value_write(&v, old);
	head[0]++;
	store_value_write(&v, value);
	for (size_t i = 0; i + len <= file_len; i++)
		if (!memcmp(file + i, old, len)) {
			memcpy(file + i, value, len);
			n++;
		}
	CU_ASSERT_EQUAL(n, 1);
	spill(in_dir("store.mdb"), file, file_len);
	free(file);
	CU_ASSERT_EQUAL(disk_open("lma1"), -EPROTONOSUPPORT);
	CU_ASSERT_PTR_NOT_NULL(strstr(report.what, "schema 2"));
	CU_ASSERT_EQUAL(dir_clear("store.damaged"), 0);
	dir_remove();
}

static void test_errors(void)
{
	const struct store_lmdb_cfg cfg = {
		.dir = "/nonexistent/store", .instance = "lma1", .env = &disk_env};

	CU_ASSERT_EQUAL(store_lmdb_open(&lmdb, &cfg, &report), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(report.what, strerror(ENOENT)));
	dir_make();
	CU_ASSERT_EQUAL(
		disk_open("0123456789012345678901234567890123456789012345678901234567890123"),
		-ENAMETOOLONG);
	CU_ASSERT_EQUAL(mkdir(in_dir("store.mdb"), 0700), 0);
	CU_ASSERT_TRUE(disk_open("lma1") < 0);
	rmdir(in_dir("store.mdb"));
	/* no file but a link is no store either */
	CU_ASSERT_EQUAL(symlink("/etc/passwd", in_dir("store.mdb")), 0);
	CU_ASSERT_EQUAL(disk_open("lma1"), -ELOOP);
	dir_remove();
}

static pid_t writer_pid(void)
{
	char path[64], pids[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "r");
	if (!f || !fgets(pids, sizeof(pids), f))
		pids[0] = 0;
	if (f)
		fclose(f);
	return atoi(pids);
}

static void test_writer_killed(void)
{
	struct object a = {0}, b = {0};
	struct store_status s;
	unsigned before, after;
	pid_t pid;

	dir_make();
	log_set_sink(keep_line, NULL);
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
	object_set(&a, 1, 1);
	CU_ASSERT_TRUE(disk_flush(0));
	store_lmdb_fd(lmdb, &before);
	pid = writer_pid();
	if (pid > 0) {		    /* else this kernel does not tell */
		kill(pid, SIGTERM); /* a signal to the group is not for it */
		object_set(&a, 1, 2);
		CU_ASSERT_TRUE(disk_flush(0));
		CU_ASSERT_EQUAL(counter(1), 0);
		kill(pid, SIGSTOP);
		object_set(&a, 1, 3);
		object_set(&b, 2, 1);
		store_flush(st, 0);
		kill(pid, SIGKILL);
		disk_wait(0);
		store_status(st, &s);
		CU_ASSERT_EQUAL(s.error, -EIO);
		CU_ASSERT_EQUAL(s.dirty, 2);
		CU_ASSERT_EQUAL(counter(1), 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(last_line, "not on disk"));
		CU_ASSERT_EQUAL(store_lmdb_fd(lmdb, &after), -1);
		/* the next try has a new one */
		CU_ASSERT_TRUE(disk_flush(FAR_AWAY));
		store_lmdb_fd(lmdb, &after);
		CU_ASSERT_NOT_EQUAL(after, before);
		CU_ASSERT_EQUAL(counter(2), 0);
		/* idle ones are replaced as well */
		kill(writer_pid(), SIGKILL);
		usleep(20000);
		object_set(&b, 2, 2);
		CU_ASSERT_FALSE(disk_flush(FAR_AWAY));
		CU_ASSERT_TRUE(disk_flush(2 * FAR_AWAY));
		disk_close();
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		disk_load(NULL);
		CU_ASSERT_EQUAL(found[1], 3);
		CU_ASSERT_EQUAL(found[2], 2);
	}
	disk_close();
	log_set_sink(NULL, NULL);
	dir_remove();
}

/* A daemon that is killed: what it handed over is committed all the same. */
static void test_daemon_killed(void)
{
	struct object o = {0};
	int status;
	pid_t pid;

	dir_make();
	pid = fork();
	if (!pid) {
		if (disk_open("lma1"))
			_exit(1);
		for (unsigned i = 1; i <= 20; i++) {
			object_set(&o, 1, i);
			if (i < 20 && !disk_flush(0))
				_exit(2);
		}
		store_flush(st, 0);
		kill(getpid(), SIGKILL);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_TRUE(WIFSIGNALED(status));
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0); /* waits for the writer */
	CU_ASSERT_FALSE(report.damaged);
	disk_load(NULL);
	CU_ASSERT_EQUAL(found[1], 20);
	disk_close();
	dir_remove();
}

/* The file goes or rots while the daemon runs: it is written anew from memory. */
static void test_rewritten(void)
{
	static struct object o[300];
	uint8_t *file;
	size_t len;

	memset(o, 0, sizeof(o));
	for (unsigned round = 0; round < 2; round++) {
		dir_make();
		log_set_sink(keep_line, NULL);
		memset(o, 0, sizeof(o));
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		for (unsigned i = 0; i < 300; i++)
			object_set(&o[i], i, i + 1);
		CU_ASSERT_TRUE(disk_flush(0));
		if (round) {
			file = slurp(in_dir("store.mdb"), &len);
			memset(file + len / 2, 0xff, 8192);
			spill(in_dir("store.mdb"), file, len);
			free(file);
		} else {
			unlink(in_dir("store.mdb"));
		}
		if (writer_pid() > 0) {
			kill(writer_pid(), SIGKILL);
			usleep(20000);
			object_set(&o[0], 0, 99);
			CU_ASSERT_FALSE(disk_flush(0));
			CU_ASSERT_TRUE(disk_flush(FAR_AWAY));
			CU_ASSERT_EQUAL(counter(2), round);
			disk_close();
			CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
			CU_ASSERT_FALSE(report.damaged);
			disk_load(NULL);
			CU_ASSERT_EQUAL(n_found, 300);
			CU_ASSERT_EQUAL(found[0], 99);
			CU_ASSERT_EQUAL(found[299], 300);
		}
		disk_close();
		log_set_sink(NULL, NULL);
		CU_ASSERT_EQUAL(dir_clear("store.damaged-20231114T221320Z"), round);
		dir_remove();
	}
}

/* More than one map's worth: 64 MiB at first. */
static size_t big_write(void *ctx, const void *owner, uint8_t *buf, nsec_t now)
{
	memset(buf, 0x5a, STORE_LEN_MAX);
	return STORE_LEN_MAX;
}

static int count_big(void *ctx, const struct store_record *r)
{
	(*(unsigned *)ctx)++;
	return r->len == STORE_LEN_MAX ? STORE_KEEP : -EBADMSG;
}

static void test_growth(void)
{
	enum { N = 36000 };
	const struct store_source src = {.write = big_write};
	struct store_item *item;
	unsigned n = 0;

	dir_make();
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
	store_set_source(st, STORE_BINDING, &src);
	for (unsigned i = 0; i < N; i++) {
		CU_ASSERT_EQUAL_FATAL(store_add(st, STORE_BINDING, NULL, &item), 0);
		store_touch(st, item, 0);
	}
	CU_ASSERT_TRUE(disk_flush(0));
	CU_ASSERT_EQUAL(counter(0), 1);
	disk_close();
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
	CU_ASSERT_EQUAL(report.saved, N);
	CU_ASSERT_EQUAL(store_load(st, count_big, &n), 0);
	CU_ASSERT_EQUAL(n, N);
	disk_close();
	dir_remove();
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"records come back after a restart",			      test_round_trip},
		{"files are the owner's alone",							 test_modes},
		{"one process at a time",test_lock},
		{"another instance's store is left alone",				   test_owner},
		{"another schema's store is left alone",							 test_schema},
		{"what cannot be opened is named",		   test_errors},
		{"a writer that is killed is replaced and nothing is lost",		    test_writer_killed},
		{"what a killed daemon handed over is committed",							  test_daemon_killed},
		{"a file that goes or rots in operation is written anew",				  test_rewritten},
		{"the map grows", test_growth},
		{0							},
	};

	return cu_main("store file", tests, argc, argv);
}
