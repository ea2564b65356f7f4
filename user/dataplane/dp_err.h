/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One error line for the operator: what is wrong and what to do. */
#pragma once

#include <stddef.h>

/* Writes the line and returns -code. */
int dp_fail(char *err, size_t errlen, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* libbpf's first complaint since the last reset, "" when it had none (dp_load.c). */
void dp_complaint_reset(void);
const char *dp_complaint(void);
