/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store's file from a hostile disk. The input is a file with runs of zeros packed: an octet 0 is
 * followed by how many more there are (two octets), so that pages fit an input.
 *
 * Whatever it holds, reading ends, stays within its bounds, and finds the same records twice.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "store/store_scan.h"

#define FILE_MAX (1u << 20)

struct seen {
	uint64_t n, sum;
};

static int see(void *ctx, const struct store_record *r)
{
	struct seen *seen = ctx;

	seen->n++;
	seen->sum += r->id;
	for (size_t i = 0; i < r->len; i++)
		seen->sum = seen->sum * 31 + r->data[i];
	return 0;
}

static size_t unpack(uint8_t *out, const uint8_t *data, size_t size)
{
	size_t n = 0;
	struct rd r;

	rd_init(&r, data, size);
	while (rd_left(&r) && n < FILE_MAX) {
		const uint8_t v = rd_u8(&r);
		const size_t more = v ? 0 : rd_u16(&r);

		if (more >= FILE_MAX - n)
			break;
		memset(out + n, v, more + 1);
		n += more + 1;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[FILE_MAX];
	const size_t len = unpack(file, data, size);
	const int fd = memfd_create("fuzz_store", MFD_CLOEXEC);
	struct store_scan_result result;
	struct seen first = {0}, second = {0};
	struct store_scan *scan;
	int err;

	if (fd < 0 || write(fd, file, len) != (ssize_t)len)
		abort();
	err = store_scan_open(&scan, fd, NULL, &result);
	if (!err) {
		store_scan_walk(scan, see, &first);
		store_scan_walk(scan, see, &second);
		if (first.n != result.saved || memcmp(&first, &second, sizeof(first)) ||
		    result.sound != !result.why[0])
			abort();
		store_scan_close(&scan);
	}
	close(fd);
	return 0;
}
