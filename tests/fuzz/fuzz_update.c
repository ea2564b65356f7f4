/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stored entry of an update list from a hostile disk: what is read is what would be written. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[RECORD_UPDATE_MAX], twice[RECORD_UPDATE_MAX];
	struct record_update u;
	size_t len;

	if (record_update_read(&u, data, size))
		return 0;
	len = record_update_write(&u, again, sizeof(again));
	if (data[0] == RECORD_UPDATE_VERSION && (len != size || memcmp(again, data, size)))
		abort();
	if (record_update_read(&u, again, len) ||
	    record_update_write(&u, twice, sizeof(twice)) != len || memcmp(again, twice, len))
		abort();
	return 0;
}
