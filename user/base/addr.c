/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool addr6_eq(const struct in6_addr *a, const struct in6_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

int addr6_cmp(const struct in6_addr *a, const struct in6_addr *b)
{
	return memcmp(a, b, sizeof(*a));
}

bool addr6_is_zero(const struct in6_addr *a)
{
	return IN6_IS_ADDR_UNSPECIFIED(a);
}

bool addr6_is_linklocal(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LINKLOCAL(a);
}

bool addr6_is_multicast(const struct in6_addr *a)
{
	return IN6_IS_ADDR_MULTICAST(a);
}

bool addr6_is_unicast_routable(const struct in6_addr *a)
{
	return !addr6_is_zero(a) && !IN6_IS_ADDR_LOOPBACK(a) && !addr6_is_multicast(a) &&
	       !addr6_is_linklocal(a) && !IN6_IS_ADDR_V4MAPPED(a);
}

const char *addr6_str(const struct in6_addr *a, char buf[ADDR6_STRLEN])
{
	inet_ntop(AF_INET6, a, buf, ADDR6_STRLEN);
	return buf;
}

int addr6_parse(const char *s, struct in6_addr *out)
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, s, &a) != 1)
		return -EINVAL;
	*out = a;
	return 0;
}

bool addr_is_ip4(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

struct in6_addr addr_from_ip4(struct in_addr a)
{
	struct in6_addr out = {
		.s6_addr = {[10] = 0xff, [11] = 0xff}
	     };

	memcpy(&out.s6_addr[12], &a, sizeof(a));
	return out;
}

struct in_addr addr_to_ip4(const struct in6_addr *a)
{
	struct in_addr out;

	memcpy(&out, &a->s6_addr[12], sizeof(out));
	return out;
}

const char *addr_str(const struct in6_addr *a, char buf[ADDR6_STRLEN])
{
	if (!addr_is_ip4(a))
		return addr6_str(a, buf);
	inet_ntop(AF_INET, &a->s6_addr[12], buf, ADDR6_STRLEN);
	return buf;
}

int addr_parse(const char *s, struct in6_addr *out)
{
	struct in_addr a;

	if (inet_pton(AF_INET, s, &a) != 1)
		return addr6_parse(s, out);
	*out = addr_from_ip4(a);
	return 0;
}

bool addr4_is_unicast_routable(struct in_addr a)
{
	const uint32_t v = ntohl(a.s_addr);

	return v >> 24 && v >> 24 != 127 && v >> 24 < 224 && v >> 16 != 0xa9fe;
}

bool prefix6_eq(const struct prefix6 *a, const struct prefix6 *b)
{
	return a->len == b->len && addr6_eq(&a->addr, &b->addr);
}

int prefix6_cmp(const struct prefix6 *a, const struct prefix6 *b)
{
	int c = addr6_cmp(&a->addr, &b->addr);

	return c ? c : (int)a->len - (int)b->len;
}

bool prefix6_is_zero(const struct prefix6 *p)
{
	return addr6_is_zero(&p->addr);
}

bool prefix6_contains(const struct prefix6 *outer, const struct prefix6 *inner)
{
	return inner->len >= outer->len && prefix6_has_addr(outer, &inner->addr);
}

bool prefix6_has_addr(const struct prefix6 *p, const struct in6_addr *a)
{
	unsigned whole = p->len / 8, rest = p->len % 8;

	if (p->len >= 128)
		return addr6_eq(&p->addr, a);
	if (memcmp(&p->addr, a, whole))
		return false;
	return !rest || !((p->addr.s6_addr[whole] ^ a->s6_addr[whole]) >> (8 - rest));
}

void prefix6_mask(struct prefix6 *p)
{
	unsigned whole = p->len / 8, rest = p->len % 8;

	if (p->len >= 128)
		return;
	if (rest) {
		p->addr.s6_addr[whole] &= (uint8_t)(0xff << (8 - rest));
		whole++;
	}
	memset(p->addr.s6_addr + whole, 0, 16 - whole);
}

const char *prefix6_str(const struct prefix6 *p, char buf[PREFIX6_STRLEN])
{
	size_t n;

	addr6_str(&p->addr, buf);
	n = strlen(buf);
	snprintf(buf + n, PREFIX6_STRLEN - n, "/%u", p->len);
	return buf;
}

/* Digits to the end of the text, without leading zeros. */
static int prefix_len_parse(const char *s, unsigned max, uint8_t *out)
{
	size_t digits = strspn(s, "0123456789");
	unsigned len = 0;

	if (!digits || digits > 3 || s[digits] || (digits > 1 && s[0] == '0'))
		return -EINVAL;
	for (const char *c = s; *c; c++)
		len = len * 10 + (unsigned)(*c - '0');
	if (len > max)
		return -EINVAL;
	*out = (uint8_t)len;
	return 0;
}

int prefix6_parse(const char *s, struct prefix6 *out)
{
	const char *slash = strchr(s, '/');
	struct prefix6 p, masked;
	char host[ADDR6_STRLEN];

	if (!slash || (size_t)(slash - s) >= sizeof(host))
		return -EINVAL;
	memcpy(host, s, (size_t)(slash - s));
	host[slash - s] = '\0';
	if (addr6_parse(host, &p.addr))
		return -EINVAL;

	if (prefix_len_parse(slash + 1, 128, &p.len))
		return -EINVAL;

	masked = p;
	prefix6_mask(&masked);
	if (!prefix6_eq(&masked, &p))
		return -EINVAL;
	*out = p;
	return 0;
}

bool prefix4_eq(const struct prefix4 *a, const struct prefix4 *b)
{
	return a->len == b->len && a->addr.s_addr == b->addr.s_addr;
}

bool prefix4_has_addr(const struct prefix4 *p, struct in_addr a)
{
	return !((p->addr.s_addr ^ a.s_addr) & prefix4_mask(p->len).s_addr);
}

bool prefix4_overlaps(const struct prefix4 *a, const struct prefix4 *b)
{
	return prefix4_has_addr(a->len < b->len ? a : b, a->len < b->len ? b->addr : a->addr);
}

struct in_addr prefix4_mask(uint8_t len)
{
	return (struct in_addr){htonl((uint32_t)(UINT64_C(0xffffffff) << (32 - len)))};
}

const char *prefix4_str(const struct prefix4 *p, char buf[PREFIX4_STRLEN])
{
	size_t n;

	inet_ntop(AF_INET, &p->addr, buf, PREFIX4_STRLEN);
	n = strlen(buf);
	snprintf(buf + n, PREFIX4_STRLEN - n, "/%u", p->len);
	return buf;
}

int prefix4_parse(const char *s, struct prefix4 *out)
{
	const char *slash = strchr(s, '/');
	char host[INET_ADDRSTRLEN];
	struct prefix4 p;

	if (!slash || (size_t)(slash - s) >= sizeof(host))
		return -EINVAL;
	memcpy(host, s, (size_t)(slash - s));
	host[slash - s] = '\0';
	if (inet_pton(AF_INET, host, &p.addr) != 1 || prefix_len_parse(slash + 1, 32, &p.len))
		return -EINVAL;
	if (p.addr.s_addr & ~prefix4_mask(p.len).s_addr)
		return -EINVAL;
	*out = p;
	return 0;
}

bool mac_eq(const struct mac *a, const struct mac *b)
{
	return !memcmp(a->b, b->b, sizeof(a->b));
}

bool mac_is_zero(const struct mac *a)
{
	return mac_eq(a, &(struct mac){{0}});
}

bool mac_is_multicast(const struct mac *a)
{
	return a->b[0] & 1;
}

const char *mac_str(const struct mac *m, char buf[MAC_STRLEN])
{
	snprintf(buf, MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", m->b[0], m->b[1], m->b[2],
		 m->b[3], m->b[4], m->b[5]);
	return buf;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int mac_parse(const char *s, struct mac *out)
{
	struct mac m;
	char sep = 0;

	for (int i = 0; i < 6; i++) {
		int hi, lo;

		if (i == 1)
			sep = *s;
		if (i && ((*s != ':' && *s != '-') || *s++ != sep))
			return -EINVAL;
		hi = hex_digit(s[0]);
		lo = hi < 0 ? -1 : hex_digit(s[1]);
		if (lo < 0)
			return -EINVAL;
		m.b[i] = (uint8_t)(hi << 4 | lo);
		s += 2;
	}
	if (*s)
		return -EINVAL;
	*out = m;
	return 0;
}

struct in6_addr mac_linklocal(const struct mac *m)
{
	return (struct in6_addr){
		.s6_addr = {0xfe, 0x80, [8] = m->b[0] ^ 0x02, m->b[1], m->b[2], 0xff, 0xfe, m->b[3],
			    m->b[4], m->b[5]}
	     };
}
