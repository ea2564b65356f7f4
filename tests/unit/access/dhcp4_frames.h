/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DHCPv4 messages as clients and servers send them, made without the code under test. */
#pragma once

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FRAME_CAP 2048
#define MSG_AT	  42 /* in a frame without IPv4 options */
#define OPTS_AT	  (MSG_AT + 240)

static inline struct in_addr ip(const char *s)
{
	struct in_addr a = {0};

	inet_pton(AF_INET, s, &a);
	return a;
}

struct client {
	uint8_t type; /* option 53; 0: none */
	uint32_t xid;
	uint16_t flags;
	const char *src, *dst; /* NULL: 0.0.0.0, 255.255.255.255 */
	const char *ciaddr, *requested, *server_id, *giaddr;
	const char *client_id; /* octets of a string */
	const uint8_t *more;   /* further options, encoded */
	size_t more_len;
	uint8_t mac; /* last octet of 02:00:00:00:00:xx; 0: 01 */
	bool no_end;
};

struct out {
	uint8_t *p;
};

static inline void o8(struct out *o, unsigned v)
{
	*o->p++ = (uint8_t)v;
}

static inline void o16(struct out *o, unsigned v)
{
	o8(o, v >> 8);
	o8(o, v);
}

static inline void o32(struct out *o, uint32_t v)
{
	o16(o, v >> 16);
	o16(o, v);
}

static inline void oaddr(struct out *o, const char *s)
{
	o32(o, s ? ntohl(ip(s).s_addr) : 0);
}

static inline void omac(struct out *o, uint8_t last)
{
	o16(o, 0x0200);
	o16(o, 0);
	o16(o, last);
}

static inline void oopt(struct out *o, uint8_t code, const char *addr)
{
	if (!addr)
		return;
	o8(o, code);
	o8(o, 4);
	oaddr(o, addr);
}

static inline uint16_t sum16(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Fills in lengths and checksums of Ethernet, IPv4 without options, UDP, `len` octets of message.
 */
static inline size_t frame_finish(uint8_t *f, size_t len)
{
	uint32_t pseudo = 17 + 8 + (uint32_t)len;

	put16(f + 16, (unsigned)(28 + len));
	put16(f + 38, (unsigned)(8 + len));
	put16(f + 24, 0);
	put16(f + 24, sum16(f + 14, 20, 0));
	put16(f + 40, 0);
	for (int i = 26; i < 34; i += 2)
		pseudo += (uint32_t)f[i] << 8 | f[i + 1];
	put16(f + 40, sum16(f + 34, 8 + len, pseudo));
	return MSG_AT + len;
}

/* The message alone. */
static inline size_t client_msg(const struct client *c, uint8_t *buf)
{
	const uint8_t mac = c->mac ? c->mac : 1;
	struct out o = {buf};

	memset(buf, 0, 240);
	o8(&o, 1);
	o8(&o, 1);
	o8(&o, 6);
	o8(&o, 0);
	o32(&o, c->xid);
	o16(&o, 0);
	o16(&o, c->flags);
	oaddr(&o, c->ciaddr);
	o32(&o, 0);
	o32(&o, 0);
	oaddr(&o, c->giaddr);
	omac(&o, mac);
	o.p = buf + 236;
	o32(&o, 0x63825363);
	if (c->type) {
		o8(&o, 53);
		o8(&o, 1);
		o8(&o, c->type);
	}
	if (c->client_id) {
		o8(&o, 61);
		o8(&o, (unsigned)strlen(c->client_id));
		memcpy(o.p, c->client_id, strlen(c->client_id));
		o.p += strlen(c->client_id);
	}
	oopt(&o, 50, c->requested);
	oopt(&o, 54, c->server_id);
	if (c->more_len)
		memcpy(o.p, c->more, c->more_len);
	o.p += c->more_len;
	if (!c->no_end)
		o8(&o, 255);
	return (size_t)(o.p - buf);
}

static inline size_t client_frame(const struct client *c, uint8_t *f)
{
	struct out o = {f};

	memset(f, 0, FRAME_CAP);
	memset(o.p, 0xff, 6);
	o.p += 6;
	omac(&o, c->mac ? c->mac : 1);
	o16(&o, 0x0800);
	o16(&o, 0x4500);
	o.p = f + 22;
	o8(&o, 64);
	o8(&o, 17);
	o.p = f + 26;
	oaddr(&o, c->src);
	oaddr(&o, c->dst ? c->dst : "255.255.255.255");
	o16(&o, 68);
	o16(&o, 67);
	return frame_finish(f, client_msg(c, f + MSG_AT));
}

/* ---- looking at replies */

/* The option in the options field; its length, or -1. The last one when it is there twice. */
static inline int option(const uint8_t *msg, size_t len, uint8_t code, const uint8_t **out)
{
	int found = -1;

	for (size_t i = 240; i < len && msg[i] != 255;) {
		if (!msg[i]) {
			i++;
			continue;
		}
		if (msg[i] == code) {
			found = msg[i + 1];
			if (out)
				*out = msg + i + 2;
		}
		i += 2u + msg[i + 1];
	}
	return found;
}

static inline bool option_is(const uint8_t *msg, size_t len, uint8_t code, const void *want,
			     int want_len)
{
	const uint8_t *p = NULL;

	return option(msg, len, code, &p) == want_len && !memcmp(p, want, (size_t)want_len);
}

static inline bool option_is_addr(const uint8_t *msg, size_t len, uint8_t code, const char *addr)
{
	const struct in_addr a = ip(addr);

	return option_is(msg, len, code, &a, 4);
}

static inline bool option_is_u32(const uint8_t *msg, size_t len, uint8_t code, uint32_t v)
{
	const uint32_t be = htonl(v);

	return option_is(msg, len, code, &be, 4);
}

/* Where in the option field it stands; -1: not at all. */
static inline int option_rank(const uint8_t *msg, size_t len, uint8_t code)
{
	int rank = 0;

	for (size_t i = 240; i < len && msg[i] != 255; i += 2u + msg[i + 1], rank++)
		if (msg[i] == code)
			return rank;
	return -1;
}

static inline bool addr_at(const uint8_t *p, const char *addr)
{
	const struct in_addr a = ip(addr);

	return !memcmp(p, &a, 4);
}

/* Lengths and checksums of a frame that was sent are right. */
static inline bool frame_is_sound(const uint8_t *f, size_t len)
{
	uint32_t pseudo = 17 + (uint32_t)len - 34;

	for (int i = 26; i < 34; i += 2)
		pseudo += (uint32_t)f[i] << 8 | f[i + 1];
	return len >= MSG_AT + 300 && f[12] == 8 && f[13] == 0 && f[14] == 0x45 &&
	       (size_t)(f[16] << 8 | f[17]) == len - 14 &&
	       (size_t)(f[38] << 8 | f[39]) == len - 34 && !sum16(f + 14, 20, 0) &&
	       !sum16(f + 34, len - 34, pseudo) && (f[34] << 8 | f[35]) == 67 &&
	       (f[36] << 8 | f[37]) == 68;
}
