/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kernel.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/cu.h"

bool kernel_enter_new_ns(void)
{
	return geteuid() == 0 && unshare(CLONE_NEWNET) == 0;
}

nsec_t kernel_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return nsec_from_s((uint64_t)ts.tv_sec) + (uint64_t)ts.tv_nsec;
}

__attribute__((format(printf, 1, 0))) static int run(const char *fmt, va_list ap, bool must)
{
	char cmd[1024];
	int rc, n = vsnprintf(cmd, sizeof(cmd), fmt, ap);

	rc = n < 0 || (size_t)n >= sizeof(cmd) ? -E2BIG : system(cmd);
	if (rc && must)
		printf("    status %d: %s\n", rc, cmd);
	return rc;
}

int sh(const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = run(fmt, ap, false);
	va_end(ap);
	return rc;
}

void must_sh(const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = run(fmt, ap, true);
	va_end(ap);
	CU_ASSERT_EQUAL(rc, 0);
}

void kernel_wait_fd(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	poll(&p, 1, ms);
}
