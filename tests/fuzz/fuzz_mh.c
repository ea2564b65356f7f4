/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Mobility Header codec: any octets as a datagram, without and with checksum. */
#include "fuzz/fuzz.h"

#include <stdlib.h>

#include "lib/mh_roundtrip.h"

static void demand(const char *bad)
{
	if (!bad)
		return;
	fprintf(stderr, "fuzz_mh: %s\n", bad);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct in6_addr src = {
		.s6_addr = {0x20, 0x01, [15] = 1}
	 };
	static const struct in6_addr dst = {
		.s6_addr = {0x20, 0x01, [15] = 2}
	 };
	static FILE *devnull;
	static struct mh_msg m;

	demand(mh_roundtrip(data, size, NULL, NULL));
	demand(mh_roundtrip(data, size, &src, &dst));
	if (!devnull)
		devnull = fopen("/dev/null", "w");
	if (devnull && mh_decode(&m, data, size, NULL, NULL) == MH_OK)
		mh_print(devnull, &m);
	return 0;
}

/* An option of the least and of the greatest Length for each row, a header for each type. */
void fuzz_dictionary(FILE *f)
{
	const struct mh_opt_info *opt;
	const struct mh_type_info *type;
	size_t n;

	for (n = mh_opt_infos(&opt); n; n--, opt++) {
		fprintf(f, "\"\\x%02x\\x%02x\"\n", opt->type, opt->min_len);
		if (opt->max_len != opt->min_len)
			fprintf(f, "\"\\x%02x\\x%02x\"\n", opt->type, opt->max_len);
	}
	for (n = mh_type_infos(&type); n; n--, type++)
		fprintf(f, "\"\\x%02x\\x%02x\\x%02x\\x00\"\n", MH_NO_NEXT_HEADER, type->min_hdr_len,
			type->type);
}
