/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/sock_rx.h"

#include <errno.h>
#include <string.h>

ssize_t sock_rx_read(struct sock_rx *rx, int fd, void *from, socklen_t from_len, void *buf,
		     size_t len)
{
	struct iovec iov = {buf, len};
	ssize_t n;

	rx->msg = (struct msghdr){
		.msg_name = from,
		.msg_namelen = from_len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &rx->control,
		.msg_controllen = sizeof(rx->control),
	};
	n = recvmsg(fd, &rx->msg, MSG_DONTWAIT);
	rx->msg.msg_iov = NULL;
	return n < 0 ? -errno : n;
}

bool sock_rx_truncated(const struct sock_rx *rx)
{
	return rx->msg.msg_flags & MSG_TRUNC;
}

bool sock_rx_control(struct sock_rx *rx, int level, int type, void *out, size_t len)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&rx->msg); c; c = CMSG_NXTHDR(&rx->msg, c)) {
		if (c->cmsg_level != level || c->cmsg_type != type)
			continue;
		if (c->cmsg_len < CMSG_LEN(len))
			return false;
		memcpy(out, CMSG_DATA(c), len);
		return true;
	}
	return false;
}
