/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stored binding from a hostile disk: what is read is what would be written. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[RECORD_BINDING_MAX];
	struct record_binding b;

	if (record_binding_read(&b, data, size))
		return 0;
	if (record_binding_write(&b, again, sizeof(again)) != size || memcmp(again, data, size))
		abort();
	return 0;
}
