/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One datagram or frame from a socket, with what the kernel says about it. The caller owns every
 * buffer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define SOCK_RX_CONTROL 128

struct sock_rx {
	struct msghdr msg;
	union {
		struct cmsghdr align;
		uint8_t buf[SOCK_RX_CONTROL];
	} control;
};

/*
 * Reads without waiting: the datagram into `buf`, its sender into `from`. Returns its length, or
 * -errno; what did not fit is cut off, and sock_rx_truncated() says so.
 */
ssize_t sock_rx_read(struct sock_rx *rx, int fd, void *from, socklen_t from_len, void *buf,
		     size_t len);

bool sock_rx_truncated(const struct sock_rx *rx);

/* Finds a control message of the last datagram. False when there is none of that length. */
bool sock_rx_control(struct sock_rx *rx, int level, int type, void *out, size_t len);
