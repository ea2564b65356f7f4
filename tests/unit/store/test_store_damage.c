/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that were cut, overwritten and mixed with older versions of themselves. Whatever is done to
 * one: a record that comes back has the content of the last commit, and a file of which anything is
 * missing or different does not pass for sound.
 */
#include "disk.h"

#include "store/mdb_file.h"
#include "store/store_scan.h"

#define N     400
#define PAGE  ((size_t)sysconf(_SC_PAGESIZE))
#define METAS (2 * PAGE)

static uint32_t expected[N];
static unsigned n_expected;
static uint8_t *good, *work; /* the last file, and what a test makes of it */
static size_t good_len, work_len;
static uint8_t *older; /* the file one commit before */
static size_t older_len;
static struct store_mark good_mark;

/* A store with a history: changes and deletions in many commits leave old pages behind. */
static void history(void)
{
	static struct object o[N];
	int fd;

	memset(o, 0, sizeof(o));
	chance_state = 7;
	dir_make();
	CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
	for (unsigned i = 0; i < N; i++)
		object_set(&o[i], i, 1);
	CU_ASSERT_TRUE_FATAL(disk_flush(0));
	for (unsigned commit = 2; commit < 60; commit++) {
		if (commit == 59)
			older = slurp(in_dir("store.mdb"), &older_len);
		for (unsigned n = 0; n < 20; n++) {
			const unsigned i = chance(N);

			if (chance(4) || !o[i].item)
				object_set(&o[i], i, commit);
			else
				object_del(&o[i]);
		}
		CU_ASSERT_TRUE_FATAL(disk_flush(0));
	}
	disk_close();
	for (unsigned i = 0; i < N; i++) {
		expected[i] = o[i].version;
		n_expected += o[i].version != 0;
	}
	good = slurp(in_dir("store.mdb"), &good_len);
	work = malloc(good_len + 4 * PAGE);
	fd = open(in_dir("store.mark"), O_RDONLY);
	CU_ASSERT_TRUE_FATAL(store_mark_read(fd, &good_mark));
	close(fd);
	dir_remove();
}

static void begin(void)
{
	if (!good)
		history();
	dir_make();
}

static void restore(void)
{
	memcpy(work, good, good_len);
	work_len = good_len;
}

static unsigned n_back;

static int check_record(void *ctx, const struct store_record *r)
{
	uint64_t id = N;
	const uint32_t version = object_read(r, &id);

	if (!version || id >= N || version != expected[id])
		n_wrong++;
	n_back++;
	return 0;
}

/* Reads `work`; how many records came back. */
static unsigned judge(const struct store_mark *mark, struct store_scan_result *r)
{
	struct store_scan *scan = NULL;
	int fd;

	spill(in_dir("file"), work, work_len);
	fd = open(in_dir("file"), O_RDONLY);
	n_back = n_wrong = 0;
	CU_ASSERT_EQUAL_FATAL(store_scan_open(&scan, fd, mark, r), 0);
	CU_ASSERT_EQUAL(store_scan_walk(scan, check_record, NULL), 0);
	store_scan_close(&scan);
	close(fd);
	CU_ASSERT_EQUAL(n_back, r->saved);
	CU_ASSERT_EQUAL(n_wrong, 0);
	CU_ASSERT_TRUE(r->sound == !r->why[0]);
	if (r->sound)
		CU_ASSERT_EQUAL(n_back, n_expected);
	return n_back;
}

static void test_sound(void)
{
	struct store_scan_result r;

	begin();
	restore();
	CU_ASSERT_EQUAL(judge(&good_mark, &r), n_expected);
	CU_ASSERT_TRUE(r.sound);
	CU_ASSERT_EQUAL(r.claimed, n_expected);
	dir_remove();
}

static void test_cut(void)
{
	struct store_scan_result r;
	uint64_t saved = 0;
	unsigned unsound = 0, cuts = 0;

	begin();
	restore();
	for (size_t at = 0; at < good_len; at += PAGE, cuts++) {
		work_len = at;
		saved += judge(&good_mark, &r);
		unsound += !r.sound;
		if (at < METAS)
			CU_ASSERT_EQUAL(n_back, 0);
	}
	/* but for free pages at the end, which nobody needs */
	CU_ASSERT_TRUE(unsound > cuts - 20);
	CU_ASSERT_TRUE(saved > n_expected);
	for (unsigned i = 0; i < 200; i++) {
		work_len = chance((uint32_t)good_len);
		judge(&good_mark, &r);
	}
	dir_remove();
}

/* Octets of pages in the tree, of free ones, of meta pages: one to eight at a time. */
static void test_flips(void)
{
	struct store_scan_result r;
	uint64_t saved = 0;
	unsigned unsound = 0;

	begin();
	for (unsigned seed = 1; seed <= 1500; seed++) {
		chance_state = seed;
		restore();
		for (unsigned n = 1 + chance(8); n; n--) {
			const size_t within = chance(4) ? good_len : METAS;

			work[chance((uint32_t)within)] ^= (uint8_t)(1u << chance(8));
		}
		saved += judge(&good_mark, &r);
		unsound += !r.sound;
	}
	CU_ASSERT_TRUE(unsound > 500);
	CU_ASSERT_TRUE(saved > 1000ull * n_expected);
	dir_remove();
}

/* Every octet that means something in the meta pages and in the heads of pages. */
static void test_headers(void)
{
	struct store_scan_result r;
	unsigned back = 0, flips = 0;

	begin();
	restore();
	for (size_t page = 0; page < good_len / PAGE; page += page < 2 ? 1 : 5)
		for (size_t i = 0; i < (page < 2 ? 152 : 20); i++) {
			const uint8_t mask = (uint8_t)(1u << chance(8));

			work[page * PAGE + i] ^= mask;
			back += judge(&good_mark, &r) > 0;
			flips++;
			work[page * PAGE + i] ^= mask;
		}
	CU_ASSERT_TRUE(back > flips / 2);
	dir_remove();
}

/* Runs of zeros and noise as long as sectors and pages. */
static void test_runs(void)
{
	struct store_scan_result r;

	begin();
	for (unsigned seed = 1; seed <= 300; seed++) {
		static const size_t lengths[] = {16, 512, 4096, 20000};
		size_t len, at;

		chance_state = seed;
		restore();
		len = lengths[chance(4)];
		at = chance((uint32_t)(good_len - len));
		if (chance(2))
			at -= at % 512;
		for (size_t i = 0; i < len; i++)
			work[at + i] = seed % 2 ? 0 : (uint8_t)chance(256);
		judge(&good_mark, &r);
	}
	dir_remove();
}

/* The root, a page of records, a list of free pages: one that is lost takes with it what stands on
 * it, and no more. */
static void test_one_page(void)
{
	struct store_scan_result r;
	unsigned unsound = 0;

	begin();
	for (size_t at = METAS; at < good_len; at += PAGE) {
		restore();
		memset(work + at, 0xee, PAGE);
		judge(&good_mark, &r);
		unsound += !r.sound;
		CU_ASSERT_TRUE(n_back >= n_expected - PAGE / 64);
	}
	CU_ASSERT_TRUE(unsound > 10);
	dir_remove();
}

/* A write that never reached the disk leaves an older page, which is sound in itself. */
static void test_stale_pages(void)
{
	struct store_scan_result r;
	unsigned unsound = 0, differ = 0;

	begin();
	for (size_t at = 0; at + PAGE <= good_len && at + PAGE <= older_len; at += PAGE) {
		if (!memcmp(good + at, older + at, PAGE))
			continue;
		restore();
		memcpy(work + at, older + at, PAGE);
		judge(&good_mark, &r);
		unsound += !r.sound;
		differ++;
	}
	CU_ASSERT_TRUE(differ > 10);
	CU_ASSERT_TRUE(unsound > 10);
	dir_remove();
}

/* Pages in each other's place, and pointers to any other page. */
static void test_pointers(void)
{
	struct store_scan_result r;

	begin();
	for (unsigned seed = 1; seed <= 500; seed++) {
		const size_t pages = good_len / PAGE;
		size_t a, b;

		chance_state = seed;
		restore();
		a = chance((uint32_t)pages);
		b = chance((uint32_t)pages);
		if (seed % 2) {
			memcpy(work + a * PAGE, good + b * PAGE, PAGE);
			if (chance(2)) /* even with the right number */
				memcpy(work + a * PAGE, &a, sizeof(a));
		} else {
			/* where 16 bits are a page's number there may be a pointer */
			size_t at = METAS + 2 * chance((uint32_t)(good_len - METAS) / 2 - 4);
			uint16_t v = 0;

			for (; at + 8 < good_len; at += 2) {
				memcpy(&v, work + at, 2);
				if (at % PAGE > 16 && v > 1 && v < pages)
					break;
			}
			v = (uint16_t)b;
			memcpy(work + at, &v, 2);
		}
		judge(&good_mark, &r);
	}
	dir_remove();
}

/* The whole file of one commit before, as a backup would bring it. */
static void test_went_back(void)
{
	struct store_scan_result r;

	begin();
	memcpy(work, older, older_len);
	work_len = older_len;
	CU_ASSERT_EQUAL(judge(&good_mark, &r), 0);
	CU_ASSERT_FALSE(r.sound);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.why, "last commit"));
	CU_ASSERT_TRUE(r.claimed > 0);

	/* the newest meta page is lost: the other one is a commit behind */
	for (unsigned i = 0; i < 2; i++) {
		restore();
		memset(work + i * PAGE, 0, PAGE);
		judge(&good_mark, &r);
		CU_ASSERT_FALSE(r.sound);
		CU_ASSERT_TRUE(n_back == 0 || n_back == n_expected);
	}
	dir_remove();
}

static void test_mark(void)
{
	const struct store_mark m = {0x0102030405060708ull, 4711};
	struct store_mark back = {0};
	uint8_t octets[STORE_MARK_LEN];
	int fd;

	begin();
	fd = open(in_dir("mark"), O_RDWR | O_CREAT, 0600);
	CU_ASSERT_FALSE(store_mark_read(fd, &back));
	store_mark_write(fd, &m);
	CU_ASSERT_TRUE(store_mark_read(fd, &back));
	CU_ASSERT_EQUAL(back.store, m.store);
	CU_ASSERT_EQUAL(back.commit, 4711);
	CU_ASSERT_EQUAL(pread(fd, octets, sizeof(octets), 0), STORE_MARK_LEN);
	for (unsigned i = 0; i < sizeof(octets); i++) {
		octets[i] ^= 1;
		CU_ASSERT_EQUAL(pwrite(fd, octets, sizeof(octets), 0), STORE_MARK_LEN);
		CU_ASSERT_FALSE(store_mark_read(fd, &back));
		octets[i] ^= 1;
	}
	close(fd);
	dir_remove();
}

/* Up to the daemon's view: report, file kept aside, new file with what was saved. */
static void test_salvage(void)
{
	static struct object o[OBJECTS_MAX];

	for (unsigned seed = 1; seed <= 40; seed++) {
		unsigned saved;
		uint8_t *aside;
		size_t len;

		memset(o, 0, sizeof(o));
		begin();
		chance_state = seed;
		restore();
		if (seed % 2)
			work_len = chance((uint32_t)good_len);
		else
			memset(work + METAS + PAGE * chance(20), 0xee, 3 * PAGE);
		spill(in_dir("store.mdb"), work, work_len);
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		if (report.damaged) {
			CU_ASSERT_PTR_NOT_NULL(strstr(report.what, "damaged ("));
			CU_ASSERT_PTR_EQUAL(strstr(report.aside, "store.damaged-20231114T221320Z"),
					    report.aside);
			CU_ASSERT_TRUE(report.saved <= n_expected);
			aside = slurp(in_dir(report.aside), &len);
			CU_ASSERT_TRUE(len == work_len && !memcmp(aside, work, len));
			free(aside);
		} else {
			CU_ASSERT_EQUAL(report.saved, n_expected);
		}
		disk_load(o);
		CU_ASSERT_EQUAL(n_found, report.saved);
		for (unsigned i = 0; i < N; i++)
			CU_ASSERT_TRUE(!found[i] || found[i] == expected[i]);
		saved = n_found;
		object_set(&o[N], N, 5); /* and it goes on */
		CU_ASSERT_TRUE(disk_flush(0));
		disk_close();
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		CU_ASSERT_FALSE(report.damaged);
		CU_ASSERT_FALSE(report.fresh);
		disk_load(NULL);
		CU_ASSERT_EQUAL(n_found, saved + 1);
		disk_close();
		dir_remove();
	}
}

static void test_aside_twice(void)
{
	static const uint8_t nonsense[100] = "this is no store";

	begin();
	for (unsigned i = 0; i < 3; i++) {
		spill(in_dir("store.mdb"), nonsense, sizeof(nonsense) * (i > 0));
		CU_ASSERT_EQUAL_FATAL(disk_open("lma1"), 0);
		CU_ASSERT_TRUE(report.damaged);
		CU_ASSERT_EQUAL(report.saved, 0);
		CU_ASSERT_EQUAL(report.claimed, 0);
		disk_close();
	}
	CU_ASSERT_EQUAL(dir_clear("store.damaged-20231114T221320Z"), 3);
	dir_remove();
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a file without damage is sound",	   test_sound},
		{"cut at every page and at 200 octets",					test_cut},
		{"octets changed anywhere",test_flips},
		{"octets changed in the heads of pages",		 test_headers},
		{"runs of zeros and noise",					    test_runs},
		{"a page that is lost takes no more with it than stands on it",		test_one_page},
		{"pages of one commit before",	       test_stale_pages},
		{"pages in another's place",					     test_pointers},
		{"a file that went back is not trusted",		 test_went_back},
		{"a mark is whole or none",	    test_mark},
		{"a damaged store is kept aside and what was saved goes on",					     test_salvage},
		{"every damaged file is kept",test_aside_twice},
		{0},
	};
	const int status = cu_main("store damage", tests, argc, argv);

	free(good);
	free(work);
	free(older);
	return status;
}
