/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "lib/cu.h"
#include "store/store_fake.h"

#define MS 1000000ull

struct thing {
	struct store_item *item;
	uint8_t content[8];
	unsigned written;
	bool empty;
};

static struct store_fake *disk;
static struct store *st;
static char last_line[256];

static size_t thing_write(void *ctx, const void *owner, uint8_t *buf, nsec_t now)
{
	struct thing *t = (struct thing *)owner;

	t->written++;
	memcpy(buf, t->content, sizeof(t->content));
	return t->empty ? 0 : sizeof(t->content);
}

static void keep_line(void *ctx, enum log_class cls, const char *line)
{
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static void up(uint32_t window_ms)
{
	const struct store_source src = {.write = thing_write};
	const struct store_cfg cfg = {.window_ms = window_ms};

	log_set_sink(keep_line, NULL);
	if (!disk)
		CU_ASSERT_EQUAL_FATAL(store_fake_new(&disk), 0);
	CU_ASSERT_EQUAL_FATAL(store_new(&st, store_fake_backend(disk), &cfg), 0);
	store_set_source(st, STORE_BINDING, &src);
}

static void down(void)
{
	store_free(&st);
	store_fake_free(&disk);
	log_set_sink(NULL, NULL);
}

static void add(struct thing *t, uint8_t what, nsec_t now)
{
	memset(t, 0, sizeof(*t));
	memset(t->content, what, sizeof(t->content));
	CU_ASSERT_EQUAL_FATAL(store_add(st, STORE_BINDING, t, &t->item), 0);
	store_touch(st, t->item, now);
}

static void set(struct thing *t, uint8_t what, nsec_t now)
{
	memset(t->content, what, sizeof(t->content));
	store_touch(st, t->item, now);
}

/* Ids are given out from 1 on. */
static bool on_disk(uint64_t id, uint8_t what)
{
	struct store_record r;

	return store_fake_find(disk, STORE_BINDING, id, &r) && r.len == 8 && r.data[0] == what;
}

static uint64_t counter(enum store_counter c)
{
	return store_counters(st).value[c];
}

static void test_window(void)
{
	struct thing a, b;

	up(50);
	CU_ASSERT_EQUAL(store_deadline(st), NSEC_NEVER);
	add(&a, 1, 100 * MS);
	CU_ASSERT_EQUAL(store_deadline(st), 150 * MS);
	add(&b, 2, 140 * MS);
	CU_ASSERT_EQUAL(store_deadline(st), 150 * MS);
	store_flush(st, 149 * MS);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	store_flush(st, 150 * MS);
	CU_ASSERT_TRUE(on_disk(1, 1));
	CU_ASSERT_TRUE(on_disk(2, 2));
	CU_ASSERT_EQUAL(counter(STORE_C_COMMITS), 1);
	CU_ASSERT_EQUAL(counter(STORE_C_WRITTEN), 2);
	CU_ASSERT_EQUAL(store_ticket(st), 0);
	down();
}

static void test_often(void)
{
	struct thing a;

	up(50);
	add(&a, 1, 0);
	for (unsigned i = 2; i < 100; i++)
		set(&a, (uint8_t)i, i);
	store_flush(st, 50 * MS);
	CU_ASSERT_EQUAL(a.written, 1);
	CU_ASSERT_TRUE(on_disk(1, 99));
	down();
}

static void test_ticket(void)
{
	struct thing a, b;
	uint64_t first, second;

	up(0);
	store_fake_delay(disk, true);
	add(&a, 1, 0);
	first = store_ticket(st);
	CU_ASSERT_TRUE(first > 0);
	CU_ASSERT_EQUAL(store_deadline(st), 0);
	store_flush(st, 0);
	CU_ASSERT_TRUE(store_committed(st) < first);
	add(&b, 2, 1);
	set(&a, 3, 1);
	second = store_ticket(st);
	CU_ASSERT_TRUE(second > first);
	store_flush(st, 1); /* one at a time */
	CU_ASSERT_TRUE(store_fake_commit(disk, 2));
	CU_ASSERT_TRUE(on_disk(1, 1));
	CU_ASSERT_TRUE(store_committed(st) >= first);
	CU_ASSERT_TRUE(store_committed(st) < second);
	store_flush(st, 2);
	CU_ASSERT_TRUE(store_committed(st) < second);
	CU_ASSERT_TRUE(store_fake_commit(disk, 3));
	CU_ASSERT_TRUE(store_committed(st) >= second);
	CU_ASSERT_TRUE(on_disk(1, 3));
	CU_ASSERT_TRUE(on_disk(2, 2));
	CU_ASSERT_FALSE(store_fake_commit(disk, 3));
	down();
}

static void test_remove(void)
{
	struct thing a, b;
	struct store_status s;

	up(0);
	add(&a, 1, 0);
	store_remove(st, &a.item, 0); /* never written: nothing to delete */
	CU_ASSERT_PTR_NULL(a.item);
	store_status(st, &s);
	CU_ASSERT_EQUAL(s.items, 0);
	CU_ASSERT_EQUAL(s.dirty, 0);
	CU_ASSERT_EQUAL(store_committed(st), store_ticket(st));

	add(&b, 2, 0);
	store_flush(st, 0);
	CU_ASSERT_TRUE(on_disk(2, 2));
	store_remove(st, &b.item, 1);
	CU_ASSERT_TRUE(store_committed(st) < store_ticket(st));
	store_flush(st, 1);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	CU_ASSERT_EQUAL(counter(STORE_C_DELETED), 1);
	store_status(st, &s);
	CU_ASSERT_EQUAL(s.items, 0);
	store_remove(st, &b.item, 1);
	down();
}

static void test_remove_in_flight(void)
{
	struct thing a;

	up(0);
	store_fake_delay(disk, true);
	add(&a, 1, 0);
	store_flush(st, 0);
	store_remove(st, &a.item, 0);
	store_fake_commit(disk, 0);
	CU_ASSERT_EQUAL(store_fake_count(disk), 1);
	store_flush(st, 0);
	store_fake_commit(disk, 0);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	CU_ASSERT_TRUE(store_drain(st, 0));
	down();
}

static void test_failure(void)
{
	struct store_status s;
	struct thing a, b, c;

	up(0);
	store_fake_delay(disk, true);
	store_fake_fail(disk, 2, ENOSPC);
	add(&a, 1, 0);
	add(&b, 2, 0);
	store_flush(st, 0);
	add(&c, 3, 0);
	set(&b, 4, 0);
	store_fake_commit(disk, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(last_line, strerror(ENOSPC)));
	CU_ASSERT_EQUAL(counter(STORE_C_FAILED), 1);
	store_status(st, &s);
	CU_ASSERT_EQUAL(s.error, -ENOSPC);
	CU_ASSERT_EQUAL(s.dirty, 3);
	/* nobody waits, and the pause grows */
	CU_ASSERT_TRUE(store_committed(st) >= store_ticket(st));
	CU_ASSERT_EQUAL(store_deadline(st), 1000 * MS);
	store_flush(st, 1000 * MS);
	store_fake_commit(disk, 1000 * MS);
	CU_ASSERT_EQUAL(store_deadline(st), 3000 * MS);
	store_flush(st, 2999 * MS);
	CU_ASSERT_FALSE(store_fake_commit(disk, 2999 * MS));
	store_flush(st, 3000 * MS);
	CU_ASSERT_TRUE(store_fake_commit(disk, 3000 * MS));
	CU_ASSERT_TRUE(on_disk(1, 1));
	CU_ASSERT_TRUE(on_disk(2, 4));
	CU_ASSERT_TRUE(on_disk(3, 3));
	CU_ASSERT_PTR_NOT_NULL(strstr(last_line, "writes again"));
	store_status(st, &s);
	CU_ASSERT_EQUAL(s.error, 0);
	set(&a, 9, 3001 * MS);
	CU_ASSERT_TRUE(store_committed(st) < store_ticket(st));
	down();
}

/* Somebody made room, and ends the daemon before the pause is over. */
static void test_failure_then_end(void)
{
	struct store_status s;
	struct thing a;

	up(0);
	store_fake_fail(disk, 2, ENOSPC);
	add(&a, 1, 0);
	store_flush(st, 0);
	CU_ASSERT_FALSE(store_drain(st, 1));
	CU_ASSERT_FALSE(on_disk(1, 1));
	store_hurry(st);
	CU_ASSERT_FALSE(store_drain(st, 1)); /* once */
	CU_ASSERT_EQUAL(counter(STORE_C_FAILED), 2);
	store_hurry(st);
	CU_ASSERT_TRUE(store_drain(st, 2));
	CU_ASSERT_TRUE(on_disk(1, 1));
	store_status(st, &s);
	CU_ASSERT_EQUAL(s.error, 0);
	down();
}

/* A change that failed with its batch is again due before what came later. */
static void test_order_after_failure(void)
{
	struct thing a, b;
	uint64_t first;

	up(0);
	store_fake_delay(disk, true);
	store_fake_fail(disk, 1, EIO);
	add(&a, 1, 0);
	first = store_ticket(st);
	store_flush(st, 0);
	add(&b, 2, 0);
	store_fake_commit(disk, 0);
	store_flush(st, 1000 * MS);
	store_fake_commit(disk, 1000 * MS);
	CU_ASSERT_TRUE(store_committed(st) >= first);
	CU_ASSERT_TRUE(store_committed(st) >= store_ticket(st));
	down();
}

static void test_removed_then_failed(void)
{
	struct thing a;

	up(0);
	add(&a, 1, 0);
	store_flush(st, 0);
	store_fake_delay(disk, true);
	store_fake_fail(disk, 1, EIO);
	store_remove(st, &a.item, 0);
	store_flush(st, 0);
	store_fake_commit(disk, 0);
	CU_ASSERT_EQUAL(store_fake_count(disk), 1);
	store_flush(st, 1000 * MS);
	store_fake_commit(disk, 1000 * MS);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	down();
}

#define MANY 10000

static void test_batches(void)
{
	static struct thing t[MANY];
	struct store_status s;

	up(0);
	store_fake_delay(disk, true);
	for (unsigned i = 0; i < MANY; i++)
		add(&t[i], (uint8_t)i, 0);
	store_flush(st, 0);
	store_status(st, &s);
	CU_ASSERT_TRUE(s.in_flight > 0 && s.in_flight < MANY);
	CU_ASSERT_EQUAL(s.in_flight + s.dirty, MANY);
	while (!store_drain(st, 0))
		CU_ASSERT_TRUE_FATAL(store_fake_commit(disk, 0));
	CU_ASSERT_EQUAL(store_fake_count(disk), MANY);
	CU_ASSERT_EQUAL(counter(STORE_C_WRITTEN), MANY);
	CU_ASSERT_EQUAL(store_committed(st), store_ticket(st));
	down();
}

static struct thing loaded[8];
static unsigned n_loaded;

static int load_some(void *ctx, const struct store_record *r)
{
	struct thing *t = &loaded[n_loaded++];

	if (ctx && r->id == *(uint64_t *)ctx)
		return STORE_DROP;
	CU_ASSERT_EQUAL_FATAL(r->len, 8);
	memset(t, 0, sizeof(*t));
	memcpy(t->content, r->data, 8);
	return store_adopt(st, r, t, &t->item);
}

static int load_fails(void *ctx, const struct store_record *r)
{
	return -ENOMEM;
}

static void restart(uint32_t window_ms)
{
	store_free(&st);
	store_fake_crash(disk);
	up(window_ms);
	n_loaded = 0;
}

static void test_restart(void)
{
	uint64_t unwanted = 2;
	struct thing a, b, c;

	up(0);
	add(&a, 1, 0);
	add(&b, 2, 0);
	add(&c, 3, 0);
	store_flush(st, 0);
	store_fake_delay(disk, true);
	set(&c, 9, 0);
	store_flush(st, 0);
	restart(0); /* the last batch was on its way */
	CU_ASSERT_EQUAL(store_load(st, load_some, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(n_loaded, 3);
	CU_ASSERT_EQUAL(loaded[2].content[0], 3);
	CU_ASSERT_EQUAL(counter(STORE_C_LOADED), 3);
	CU_ASSERT_EQUAL(store_deadline(st), NSEC_NEVER);

	restart(0);
	CU_ASSERT_EQUAL(store_load(st, load_some, &unwanted), 0);
	CU_ASSERT_EQUAL(counter(STORE_C_REFUSED), 1);
	store_fake_delay(disk, false);
	add(&a, 7, 0);
	set(&loaded[0], 8, 0);
	store_flush(st, 0);
	CU_ASSERT_EQUAL(store_fake_count(disk), 3);
	CU_ASSERT_TRUE(on_disk(1, 8));
	CU_ASSERT_TRUE(on_disk(3, 3));
	CU_ASSERT_TRUE(on_disk(4, 7)); /* ids are not given out twice */

	restart(0);
	CU_ASSERT_EQUAL(store_load(st, load_fails, NULL), -ENOMEM);
	store_flush(st, 0);
	CU_ASSERT_EQUAL(store_fake_count(disk), 3);
	down();
}

static void test_rewrite(void)
{
	struct thing a, b, c;
	struct store_status s;

	up(0);
	add(&a, 1, 0);
	add(&b, 2, 0);
	store_flush(st, 0);
	store_remove(st, &b.item, 0);
	memset(&c, 0, sizeof(c));
	CU_ASSERT_EQUAL_FATAL(store_add(st, STORE_BINDING, &c, &c.item), 0);
	store_rewrite(st);
	store_status(st, &s);
	CU_ASSERT_EQUAL(s.dirty, 2);
	store_flush(st, 0);
	CU_ASSERT_EQUAL(a.written, 2);
	CU_ASSERT_EQUAL(c.written, 0);
	CU_ASSERT_EQUAL(store_fake_count(disk), 1);
	down();
}

static void test_unwritable(void)
{
	struct thing a;

	up(0);
	add(&a, 1, 0);
	a.empty = true;
	store_flush(st, 0);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	CU_ASSERT_EQUAL(counter(STORE_C_UNWRITABLE), 1);
	CU_ASSERT_EQUAL(store_committed(st), store_ticket(st));
	CU_ASSERT_EQUAL(store_deadline(st), NSEC_NEVER);
	down();
}

static void test_malformed(void)
{
	/* kind 1, 2 octets, id 5 */
	static const uint8_t good[] = {1, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 5, 'a', 'b'};
	static const struct {
		size_t at;
		uint8_t octet;
	} bad[] = {
		{0, 0	     },
		{0, 3	     },
		{0, 2	     },
		{1, 0	     },
		{1, STORE_KIND_MAX},
		     {2, 6		  },
		     {3, 0		  },
		     {3, 3		  }
	   };
	struct store_change c;
	uint8_t buf[sizeof(good)];
	struct rd r;

	rd_init(&r, good, sizeof(good));
	CU_ASSERT_TRUE(store_change_next(&r, &c));
	CU_ASSERT_EQUAL(c.record.id, 5);
	CU_ASSERT_EQUAL(c.record.len, 2);
	CU_ASSERT_FALSE(store_change_next(&r, &c));
	CU_ASSERT_FALSE(rd_bad(&r));
	for (size_t n = 1; n < sizeof(good); n++) {
		rd_init(&r, good, n);
		CU_ASSERT_FALSE(store_change_next(&r, &c));
		CU_ASSERT_TRUE(rd_bad(&r));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		memcpy(buf, good, sizeof(buf));
		buf[bad[i].at] = bad[i].octet;
		rd_init(&r, buf, sizeof(buf));
		CU_ASSERT_FALSE(store_change_next(&r, &c));
		CU_ASSERT_TRUE(rd_bad(&r));
	}
}

/* Random lives against a model of what the disk must hold. */
static void test_random(void)
{
	enum { N = 40 };

	for (unsigned seed = 1; seed <= 200; seed++) {
		struct thing t[N] = {0};
		uint64_t id[N] = {0}, next = 1;
		nsec_t now = 0;

		srand(seed);
		up(seed % 2 ? 0 : 20);
		store_fake_delay(disk, true);
		for (unsigned step = 0; step < 400; step++) {
			const unsigned i = (unsigned)rand() % N;

			now += (nsec_t)(rand() % 10) * MS;
			switch (rand() % 8) {
			case 0:
			case 1:
				if (!t[i].item) {
					add(&t[i], (uint8_t)step, now);
					id[i] = next++;
				} else {
					set(&t[i], (uint8_t)step, now);
				}
				break;
			case 2:
				store_remove(st, &t[i].item, now);
				break;
			case 3:
				store_fake_fail(disk, (unsigned)rand() % 2, EIO);
				break;
			case 4:
			case 5:
				store_fake_commit(disk, now);
				break;
			default:
				store_flush(st, now);
			}
		}
		store_fake_fail(disk, 0, 0);
		now += 100000 * MS;
		while (!store_drain(st, now))
			if (!store_fake_commit(disk, now))
				now += 100000 * MS;
		for (unsigned i = 0, live = 0; i < N; i++) {
			live += t[i].item != NULL;
			if (t[i].item)
				CU_ASSERT_TRUE(on_disk(id[i], t[i].content[0]));
			if (i == N - 1)
				CU_ASSERT_EQUAL(store_fake_count(disk), live);
		}
		down();
	}
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"changes of a window are one commit",				       test_window},
		{"what changes often is written once, as it is then",								       test_often},
		{"with window 0 a ticket is reached by the commit that holds the change",
		 test_ticket},
		{"a record goes with its object", test_remove},
		{"an object that goes while it is written",								       test_remove_in_flight},
		{"a disk that fails is named, not waited for, and tried again",								test_failure},
		{"at the end a disk that failed is tried once more", test_failure_then_end},
		{"after a failure the order of changes holds",			       test_order_after_failure},
		{"a deletion that failed is tried again",								       test_removed_then_failed},
		{"a batch is bounded, and the rest follows",test_batches},
		{"what was committed comes back, what nobody wants goes",				  test_restart},
		{"a disk that lost its records gets all of them again",									test_rewrite},
		{"a change without a record is counted and holds nobody up",test_unwritable},
		{"a malformed batch is refused",				 test_malformed},
		{"random lives end with the right records",								       test_random},
		{0			       },
	};

	return cu_main("store", tests, argc, argv);
}
