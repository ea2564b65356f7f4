/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_reuse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "pmip_xdp.skel.h"

/* ---- layouts */

static void mix(uint64_t *h, const void *data, size_t n)
{
	for (const uint8_t *p = data; n--; p++)
		*h = (*h ^ *p) * 0x100000001b3ull;
}

static void mix_word(uint64_t *h, uint64_t v)
{
	mix(h, &v, sizeof(v));
}

/* Maps hold no pointers, so that there is an end. */
static void mix_type(uint64_t *h, const struct btf *btf, uint32_t id)
{
	const int type = btf__resolve_type(btf, id);
	const struct btf_member *m;
	const struct btf_type *t;
	const char *name;

	if (type <= 0)
		return;
	t = btf__type_by_id(btf, (uint32_t)type);
	mix_word(h, btf_kind(t));
	if (btf_is_array(t)) {
		mix_word(h, btf_array(t)->nelems);
		mix_type(h, btf, btf_array(t)->type);
		return;
	}
	mix_word(h, t->size);
	if (!btf_is_composite(t))
		return;
	m = btf_members(t);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		name = btf__name_by_offset(btf, m[i].name_off);
		mix(h, name, strlen(name));
		mix_word(h, btf_member_bit_offset(t, i));
		mix_type(h, btf, m[i].type);
	}
}

uint64_t dp_reuse_layout(const struct bpf_object *obj)
{
	const struct btf *btf = bpf_object__btf(obj);
	uint64_t h = 0xcbf29ce484222325ull;
	const struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
	{
		const char *name = bpf_map__name(map);

		if (bpf_map__is_internal(map))
			continue;
		mix(&h, name, strlen(name));
		mix_type(&h, btf, bpf_map__btf_key_type_id(map));
		mix_type(&h, btf, bpf_map__btf_value_type_id(map));
	}
	return h;
}

/* ---- what is pinned */

static int pinned(const struct dp_maps *m, const char *name)
{
	char path[DP_PIN_PATH + 64];

	dp_pin_path(&m->pins, path, name, -1);
	return bpf_obj_get(path);
}

static bool differs(char *why, size_t len, const char *map, const char *what, unsigned is,
		    unsigned wanted)
{
	if (is == wanted)
		return false;
	snprintf(why, len, "%s has %s %u, not %u", map, what, is, wanted);
	return true;
}

static bool map_fits(const struct dp_maps *m, const struct bpf_map *map, char *why, size_t len)
{
	const char *name = bpf_map__name(map);
	struct bpf_map_info is = {0};
	uint32_t info_len = sizeof(is);
	int fd = pinned(m, name), r;

	if (fd < 0) {
		snprintf(why, len, "%s is not there", name);
		return false;
	}
	r = bpf_obj_get_info_by_fd(fd, &is, &info_len);
	close(fd);
	if (r < 0) {
		snprintf(why, len, "%s is no map", name);
		return false;
	}
	return !(differs(why, len, name, "type", is.type, bpf_map__type(map)) ||
		 differs(why, len, name, "a key of", is.key_size, bpf_map__key_size(map)) ||
		 differs(why, len, name, "values of", is.value_size, bpf_map__value_size(map)) ||
		 differs(why, len, name, "room for", is.max_entries, bpf_map__max_entries(map)) ||
		 differs(why, len, name, "flags", is.map_flags, bpf_map__map_flags(map)));
}

static bool read_meta(const struct dp_maps *m, struct pm_meta *out)
{
	int fd = pinned(m, "pm_meta"), r;
	uint32_t key = 0;

	if (fd < 0)
		return false;
	r = bpf_map_lookup_elem(fd, &key, out);
	close(fd);
	return r == 0;
}

static bool layout_fits(const struct dp_maps *m, char *why, size_t len)
{
	const struct bpf_map *map = m->xdp->maps.pm_meta;
	struct pm_meta is = {0};

	/* The first word is the version in all layouts. */
	if (!map_fits(m, map, why, len)) {
		snprintf(why, len, "another layout than %u", PM_LAYOUT_VERSION);
		return false;
	}
	if (!read_meta(m, &is)) {
		snprintf(why, len, "pm_meta cannot be read");
		return false;
	}
	if (!is.layout_version) {
		snprintf(why, len, "it was not completed, or partly removed");
		return false;
	}
	if (differs(why, len, "what is there", "layout", is.layout_version,
		    m->meta.layout_version) ||
	    differs(why, len, "what is there", "features", is.features, m->meta.features) ||
	    differs(why, len, "what is there", "slots of pools", is.pool_slots, m->meta.pool_slots))
		return false;
	if (is.layout != m->meta.layout) {
		snprintf(why, len, "layout %u is not the same there as here", is.layout_version);
		return false;
	}
	return true;
}

bool dp_reuse_fits(const struct dp_maps *m, char *why, size_t len)
{
	const struct bpf_map *map;
	int fd = pinned(m, "pm_meta");

	why[0] = '\0';
	if (fd < 0)
		return false;
	close(fd);
	if (!layout_fits(m, why, len))
		return false;
	bpf_object__for_each_map(map, m->xdp->obj)
	{
		if (!bpf_map__is_internal(map) && !map_fits(m, map, why, len))
			return false;
	}
	return true;
}

int dp_reuse(struct dp_maps *m)
{
	struct bpf_map *map;
	int r;

	bpf_object__for_each_map(map, m->xdp->obj)
	{
		int fd;

		if (bpf_map__is_internal(map))
			continue;
		fd = pinned(m, bpf_map__name(map));
		if (fd < 0)
			return -errno;
		r = bpf_map__reuse_fd(map, fd);
		close(fd);
		if (r < 0)
			return r;
	}
	return read_meta(m, &m->meta) ? 0 : -EIO;
}
