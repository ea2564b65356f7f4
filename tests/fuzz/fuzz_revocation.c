/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stored revocation from a hostile disk: what is read is what would be written. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/record_revocation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[RECORD_REVOCATION_MAX];
	struct record_revocation v;

	if (record_revocation_read(&v, data, size))
		return 0;
	if (record_revocation_write(&v, again, sizeof(again)) != size || memcmp(again, data, size))
		abort();
	return 0;
}
