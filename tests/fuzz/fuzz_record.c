/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stored binding from a hostile disk: what is read is what would be written, or what an earlier
 * version wrote and is written as the present one's. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[RECORD_BINDING_MAX], twice[RECORD_BINDING_MAX];
	struct record_binding b;
	size_t len;

	if (record_binding_read(&b, data, size))
		return 0;
	len = record_binding_write(&b, again, sizeof(again));
	if (data[0] == RECORD_BINDING_VERSION && (len != size || memcmp(again, data, size)))
		abort();
	if (record_binding_read(&b, again, len) ||
	    record_binding_write(&b, twice, sizeof(twice)) != len || memcmp(again, twice, len))
		abort();
	return 0;
}
