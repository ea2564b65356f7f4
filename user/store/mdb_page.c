/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/mdb_page.h"

#define KEY_MAX	  511
#define NODE_HEAD 8

unsigned page_nodes(const uint8_t *page)
{
	return (get16(page + 12) - PAGE_HEAD) / 2u;
}

bool page_head_ok(const uint8_t *page, size_t page_size, uint16_t kind)
{
	const unsigned lower = get16(page + 12), upper = get16(page + 14);

	return get16(page + 10) == kind && lower >= PAGE_HEAD && !(lower & 1) && lower <= upper &&
	       upper <= page_size;
}

bool page_node(const uint8_t *page, size_t page_size, uint16_t kind, unsigned i, struct node *out)
{
	const size_t at = get16(page + PAGE_HEAD + 2 * i);
	const uint8_t *p = page + at;
	uint64_t low;
	size_t room;

	if (at < get16(page + 14) || at + NODE_HEAD > page_size)
		return false;
	low = get16(p) | (uint32_t)get16(p + 2) << 16;
	out->flags = get16(p + 4);
	out->key_len = get16(p + 6);
	out->key = p + NODE_HEAD;
	out->data = out->key + out->key_len;
	out->child = low | (uint64_t)out->flags << 32;
	out->len = 0;
	room = page_size - at - NODE_HEAD;
	if (out->key_len > KEY_MAX || out->key_len > room)
		return false;
	if (kind == P_BRANCH)
		return true;
	out->len = low;
	room -= out->key_len;
	return out->flags == F_BIGDATA ? room >= 8 : !out->flags && out->len <= room;
}

int bound_cmp(const struct bound *a, const struct bound *b)
{
	const int d = memcmp(a->key, b->key, a->len < b->len ? a->len : b->len);

	return d ? d : (a->len > b->len) - (a->len < b->len);
}

bool page_keys_ok(const uint8_t *page, size_t page_size, uint16_t kind, const struct bound *lo,
		  const struct bound *hi)
{
	const unsigned n = page_nodes(page);
	struct bound last = {0};
	struct node node;

	for (unsigned i = 0; i < n; i++) {
		struct bound key;

		if (!page_node(page, page_size, kind, i, &node))
			return false;
		if (kind == P_BRANCH && !i)
			continue; /* stands for all that is lower */
		key = (struct bound){node.key, node.key_len};
		if ((last.key && bound_cmp(&last, &key) >= 0) ||
		    (lo->key && bound_cmp(lo, &key) > 0) || (hi->key && bound_cmp(hi, &key) <= 0))
			return false;
		last = key;
	}
	return n > 0;
}
