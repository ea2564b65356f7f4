/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The power goes, or the writer dies, between any two of its writes.
 *
 * This program puts itself between liblmdb and the kernel. What the writer does to the store's file
 * is noted in memory that outlives it; from these notes the tests make every disk that a power cut
 * may have left: writes before the last sync are there, those after it are there or not or in part,
 * sector by sector. Or the writer is made to end, or to fail, at its n-th write.
 */
#include "disk.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define N_OBJECTS  60
#define N_COMMITS  25
#define SECTOR	   512
#define NOTES_MAX  4096
#define OCTETS_MAX (32u << 20)
#define FILE_MAX   (8u << 20)

struct notes {
	unsigned n;
	size_t used;
	bool on;
	unsigned calls;	  /* of the writers that this test watches */
	unsigned die_at;  /* 0: never */
	unsigned fail_at; /* 0: never */
	unsigned fails;	  /* how many from there on */
	int err;
	struct {
		bool sync;    /* what stands before is on disk */
		bool durable; /* so is this itself: it went through a descriptor that syncs */
		size_t at, len, octets;
	} note[NOTES_MAX];
	uint8_t octets[OCTETS_MAX];
};

static struct notes *notes;
static pid_t tester;

/* Whether the call is a writer's on the store's file. */
static bool watched(int fd)
{
	char link[64], path[512];
	ssize_t n;

	if (!notes || !tester || getpid() == tester)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = 0;
	return strstr(path, "/store.mdb");
}

/* What becomes of the call: 0, or the error it has to fail with. */
static int on_call(void)
{
	notes->calls++;
	if (notes->die_at && notes->calls == notes->die_at)
		_exit(9);
	if (notes->fail_at && notes->calls >= notes->fail_at &&
	    notes->calls < notes->fail_at + notes->fails)
		return notes->err;
	return 0;
}

static void note_write(int fd, const uint8_t *p, size_t len, size_t at)
{
	const unsigned i = notes->n;

	if (!notes->on || i >= NOTES_MAX || notes->used + len > OCTETS_MAX)
		return;
	notes->note[i].sync = false;
	notes->note[i].durable = fcntl(fd, F_GETFL) & (O_DSYNC | O_SYNC);
	notes->note[i].at = at;
	notes->note[i].len = len;
	notes->note[i].octets = notes->used;
	memcpy(notes->octets + notes->used, p, len);
	notes->used += len;
	notes->n++;
}

static int note_sync(int fd, long call)
{
	if (watched(fd)) {
		const int err = on_call();

		if (err) {
			errno = err;
			return -1;
		}
		if (notes->on && notes->n < NOTES_MAX)
			notes->note[notes->n++].sync = true;
	}
	return (int)syscall(call, fd);
}

ssize_t pwrite(int fd, const void *p, size_t len, off_t at)
{
	if (watched(fd)) {
		const int err = on_call();

		if (err) {
			errno = err;
			return -1;
		}
		note_write(fd, p, len, (size_t)at);
	}
	return syscall(SYS_pwrite64, fd, p, len, at);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	if (watched(fd)) {
		size_t at = (size_t)lseek(fd, 0, SEEK_CUR);
		const int err = on_call();

		if (err) {
			errno = err;
			return -1;
		}
		for (int i = 0; i < n; at += v[i++].iov_len)
			note_write(fd, v[i].iov_base, v[i].iov_len, at);
	}
	return syscall(SYS_writev, fd, v, n);
}

int fdatasync(int fd)
{
	return note_sync(fd, SYS_fdatasync);
}

int fsync(int fd)
{
	return note_sync(fd, SYS_fsync);
}

/* ---- the history that is interrupted */

static uint32_t state_after[N_COMMITS + 1][N_OBJECTS]; /* versions */

static void quiet(void *ctx, enum log_class cls, const char *line)
{
}

static void begin(void)
{
	if (!notes)
		notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	notes->n = notes->calls = notes->die_at = notes->fail_at = notes->fails = 0;
	notes->used = 0;
	notes->on = false;
	tester = getpid();
	chance_state = 99;
	log_set_sink(quiet, NULL);
	dir_make();
}

static void end(void)
{
	dir_remove();
	log_set_sink(NULL, NULL);
}

/* The changes of one commit, the same each time. */
static void change(struct object *o, unsigned commit)
{
	chance_state = commit;
	for (unsigned n = commit == 1 ? 40 : 1 + chance(12); n; n--) {
		const unsigned i = chance(N_OBJECTS);

		if (chance(4) || !o[i].item)
			object_set(&o[i], i, commit);
		else
			object_del(&o[i]);
	}
	for (unsigned i = 0; i < N_OBJECTS; i++)
		state_after[commit][i] = o[i].version;
}

/* Whether what was found is what there was after that commit. */
static bool is_state(unsigned commit)
{
	return !memcmp(found, state_after[commit], sizeof(state_after[commit]));
}

/* ---- disks that a power cut leaves */

struct image {
	uint8_t *p;
	size_t len;
};

static void image_write(struct image *im, const uint8_t *p, size_t len, size_t at)
{
	CU_ASSERT_TRUE_FATAL(at + len <= FILE_MAX);
	if (at > im->len)
		memset(im->p + im->len, 0, at - im->len);
	memcpy(im->p + at, p, len);
	if (at + len > im->len)
		im->len = at + len;
}

/* A write that may or may not have reached the disk. */
static void image_maybe(struct image *im, const uint8_t *p, size_t len, size_t at, unsigned how)
{
	for (size_t i = 0; i < len; i += SECTOR) {
		const size_t n = len - i < SECTOR ? len - i : SECTOR;

		if (how == 0 || (how > 1 && chance(2)))
			image_write(im, p + i, n, at + i);
	}
}

/* The disk after the first n notes. `how`: 0 all of them arrived, 1 none that was not synced, else
 * some. */
static void image_make(struct image *im, const struct image *base, unsigned n, unsigned how)
{
	unsigned synced = 0;

	memcpy(im->p, base->p, base->len);
	im->len = base->len;
	for (unsigned i = 0; i < n; i++)
		if (notes->note[i].sync)
			synced = i;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *p = notes->octets + notes->note[i].octets;
		const size_t len = notes->note[i].len, at = notes->note[i].at;

		if (notes->note[i].sync)
			continue;
		if (i < synced || notes->note[i].durable)
			image_write(im, p, len, at);
		else
			image_maybe(im, p, len, at, how);
	}
}

static unsigned commits_in(unsigned n)
{
	unsigned commits = 0;

	for (unsigned i = 0; i < n; i++)
		commits += !notes->note[i].sync && notes->note[i].durable;
	return commits;
}

static void test_power_cut(void)
{
	struct object o[N_OBJECTS] = {0};
	struct image base, im = {malloc(FILE_MAX), 0};

	begin();
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
	base.p = slurp(in_dir("store.mdb"), &base.len);
	notes->on = true;
	for (unsigned c = 1; c <= N_COMMITS; c++) {
		change(o, c);
		CU_ASSERT_TRUE_FATAL(disk_flush(0));
		CU_ASSERT_EQUAL(commits_in(notes->n), c); /* acknowledged: its root is on disk */
	}
	disk_close();
	CU_ASSERT_TRUE_FATAL(notes->n < NOTES_MAX && notes->n > 3 * N_COMMITS);
	dir_clear(NULL);
	for (unsigned n = 0; n <= notes->n; n++)
		for (unsigned how = 0; how < 5; how++) {
			chance_state = 5 * n + how;
			image_make(&im, &base, n, how);
			spill(in_dir("store.mdb"), im.p, im.len);
			CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
			CU_ASSERT_FALSE(report.damaged);
			disk_load(NULL);
			CU_ASSERT_TRUE(is_state(commits_in(n)));
			disk_close();
			dir_clear(NULL);
		}
	free(base.p);
	free(im.p);
	end();
}

/* The stream of writes ends within one of them, at any octet. */
static void test_cut_anywhere(void)
{
	struct object o[N_OBJECTS] = {0};
	struct image base, im = {malloc(FILE_MAX), 0};

	begin();
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
	base.p = slurp(in_dir("store.mdb"), &base.len);
	notes->on = true;
	for (unsigned c = 1; c <= N_COMMITS; c++) {
		change(o, c);
		CU_ASSERT_TRUE_FATAL(disk_flush(0));
	}
	disk_close();
	dir_clear(NULL);
	for (unsigned round = 0; round < 400; round++) {
		unsigned n;

		chance_state = round;
		n = chance(notes->n);
		image_make(&im, &base, n, 0);
		/* a root lies within one sector, which arrives or does not */
		if (!notes->note[n].sync && !notes->note[n].durable)
			image_write(&im, notes->octets + notes->note[n].octets,
				    chance((uint32_t)notes->note[n].len), notes->note[n].at);
		spill(in_dir("store.mdb"), im.p, im.len);
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		CU_ASSERT_FALSE(report.damaged);
		disk_load(NULL);
		CU_ASSERT_TRUE(is_state(commits_in(n)));
		disk_close();
		dir_clear(NULL);
	}
	free(base.p);
	free(im.p);
	end();
}

/* ---- a writer that ends at its n-th write */

static unsigned calls_of_history(void)
{
	struct object o[N_OBJECTS] = {0};

	begin();
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
	for (unsigned c = 1; c <= N_COMMITS; c++) {
		change(o, c);
		CU_ASSERT_TRUE_FATAL(disk_flush(0));
	}
	disk_close();
	end();
	return notes->calls;
}

/* The daemon goes with it. */
static void test_death(void)
{
	const unsigned calls = calls_of_history();

	CU_ASSERT_TRUE_FATAL(calls > 3 * N_COMMITS);
	for (unsigned n = 1; n <= calls; n++) {
		struct object o[N_OBJECTS] = {0};
		unsigned acknowledged = 0;

		begin();
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		notes->die_at = n;
		for (unsigned c = 1; c <= N_COMMITS; c++) {
			change(o, c);
			if (!disk_flush(0))
				break;
			acknowledged = c;
		}
		CU_ASSERT_TRUE(acknowledged < N_COMMITS);
		disk_close();
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		CU_ASSERT_FALSE(report.damaged);
		disk_load(NULL);
		CU_ASSERT_TRUE(is_state(acknowledged) || is_state(acknowledged + 1));
		disk_close();
		end();
	}
}

/* The daemon lives on. */
static void test_death_survived(void)
{
	const unsigned calls = calls_of_history();

	for (unsigned n = 1; n <= calls; n += 3) {
		struct object o[N_OBJECTS] = {0};
		unsigned failures = 0;
		nsec_t now = 0;

		begin();
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		notes->die_at = n;
		for (unsigned c = 1; c <= N_COMMITS; c++) {
			change(o, c);
			while (!disk_flush(now)) {
				failures++;
				now += FAR_AWAY / 1000;
			}
		}
		CU_ASSERT_EQUAL(failures, 1);
		CU_ASSERT_EQUAL(store_committed(st), store_ticket(st));
		disk_close();
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		CU_ASSERT_FALSE(report.damaged);
		disk_load(NULL);
		CU_ASSERT_TRUE(is_state(N_COMMITS));
		disk_close();
		end();
	}
}

/* A full disk, a failing one: at every write, for a while. */
static void test_errors(void)
{
	static const int errors[] = {ENOSPC, EIO, EDQUOT};
	const unsigned calls = calls_of_history();

	for (unsigned n = 1; n <= calls; n += 2) {
		struct object o[N_OBJECTS] = {0};
		struct store_status s;
		unsigned failures = 0;
		nsec_t now = 0;

		begin();
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		notes->fail_at = n;
		notes->fails = 1 + n % 7;
		notes->err = errors[n % 3];
		for (unsigned c = 1; c <= N_COMMITS; c++) {
			change(o, c);
			while (!disk_flush(now)) {
				store_status(st, &s);
				CU_ASSERT_EQUAL(s.error, -notes->err);
				CU_ASSERT_EQUAL(store_committed(st), store_ticket(st));
				failures++;
				now += FAR_AWAY / 1000;
			}
		}
		CU_ASSERT_TRUE(failures > 0);
		CU_ASSERT_EQUAL(store_counters(st).value[STORE_C_FAILED], failures);
		disk_close();
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		CU_ASSERT_FALSE(report.damaged);
		disk_load(NULL);
		CU_ASSERT_TRUE(is_state(N_COMMITS));
		disk_close();
		end();
	}
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"power goes between any two writes",  test_power_cut},
		{"power goes within any write",					test_cut_anywhere},
		{"writer and daemon die at any write",test_death},
		{"a writer dies at any write, the daemon does not", test_death_survived},
		{"errors at any write are named and lived through",				    test_errors},
		{0		  },
	};

	return cu_main("store power", tests, argc, argv);
}
