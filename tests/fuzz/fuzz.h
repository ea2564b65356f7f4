/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a fuzz target offers. libFuzzer or replay.c drives it; a target aborts on what must not be.
 * Its corpus lies in tests/fuzz/corpus/X when the target is fuzz_X.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Words of the format in libFuzzer's dictionary syntax; a target may leave it out. */
__attribute__((weak)) void fuzz_dictionary(FILE *f);
