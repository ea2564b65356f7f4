/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_pin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <pmip/abi.h>

#include "base/log.h"
#include "dataplane/dp_attach.h"
#include "dataplane/dp_err.h"
#include "dataplane/dp_netdev.h"

/* ---- the bpffs and our directory in it */

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

static bool private_mounts(void)
{
	struct stat a, b;

	return stat("/proc/self/ns/mnt", &a) == 0 && stat("/proc/1/ns/mnt", &b) == 0 &&
	       a.st_ino != b.st_ino;
}

static int find_bpffs(const char *root, char *err, size_t errlen)
{
	if (is_bpffs(root))
		return 0;
	if (access(root, F_OK) < 0)
		return dp_fail(
			err, errlen, errno,
			"no directory %s for a bpffs: create it, or name a mounted bpffs in the "
			"configuration",
			root);
	if (mount("bpf", root, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return dp_fail(
			err, errlen, errno,
			"no bpffs at %s and mounting one failed: %s; remedy: mount -t bpf bpf %s",
			root, strerror(errno), root);
	log_msg(LOG_C_INFO, "dataplane: mounted a bpffs at %s", root);
	if (private_mounts())
		log_msg(LOG_C_LOCAL,
			"dataplane: the bpffs at %s is private to this mount namespace, as under "
			"`ip "
			"netns exec`: pinned maps end with it",
			root);
	return 0;
}

static int make_dir(const char *path, char *err, size_t errlen)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return dp_fail(err, errlen, errno, "cannot create %s: %s", path, strerror(errno));
	return 0;
}

static bool name_ok(const char *s)
{
	size_t n = s ? strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
		     : 0;

	return n && n <= 64 && !s[n];
}

/* The directory may be removed by its last owner between our mkdir() and flock(). */
static int lock_dir(struct dp_pins *p, const char *instance, char *err, size_t errlen)
{
	for (int tries = 0; tries < 10; tries++) {
		struct stat a, b;
		int r = make_dir(p->dir, err, errlen);

		if (r < 0)
			return r;
		p->lock_fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (p->lock_fd < 0)
			continue;
		if (flock(p->lock_fd, LOCK_EX | LOCK_NB) < 0) {
			close(p->lock_fd);
			p->lock_fd = -1; /* not ours to flush */
			return dp_fail(
				err, errlen, EBUSY,
				"instance \"%s\" is in use by another running pmipd (it holds %s): "
				"stop that one or choose another `instance`",
				instance, p->dir);
		}
		if (fstat(p->lock_fd, &a) == 0 && stat(p->dir, &b) == 0 && a.st_ino == b.st_ino)
			return 0;
		close(p->lock_fd);
		p->lock_fd = -1;
	}
	return dp_fail(err, errlen, EBUSY, "cannot lock %s: it keeps vanishing", p->dir);
}

int dp_pins_open(struct dp_pins *p, const char *bpffs, const char *instance, char *err,
		 size_t errlen)
{
	const char *root = bpffs ? bpffs : "/sys/fs/bpf";
	char top[DP_PIN_PATH - 66];
	int r;

	memset(p, 0, sizeof(*p));
	p->lock_fd = -1;
	if (!name_ok(instance))
		return dp_fail(err, errlen, EINVAL,
			       "`instance` names a directory: 1 to 64 of A-Z a-z 0-9 _ -");
	r = find_bpffs(root, err, errlen);
	if (r < 0)
		return r;
	if (snprintf(top, sizeof(top), "%s/pmip", root) >= (int)sizeof(top) - 1)
		return dp_fail(err, errlen, ENAMETOOLONG, "the path of the bpffs is too long");
	snprintf(p->dir, sizeof(p->dir), "%s/%s", top, instance);
	r = make_dir(top, err, errlen);
	return r < 0 ? r : lock_dir(p, instance, err, errlen);
}

/* ---- leftovers of an earlier run */

/* Names first, because changing a directory while it is read may skip some. */
void dp_pins_walk(const struct dp_pins *p, void (*cb)(void *ctx, const char *name), void *ctx)
{
	struct dirent **e;
	int n = scandir(p->dir, &e, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (e[i]->d_name[0] != '.')
			cb(ctx, e[i]->d_name);
		free(e[i]);
	}
	if (n >= 0)
		free(e);
}

struct forget {
	const struct dp_pins *pins;
	int iface; /* pm_iface, if its layout is ours */
	unsigned n;
};

static int get_map(const struct dp_pins *p, const char *name)
{
	char path[DP_PIN_PATH + 64];

	dp_pin_path(p, path, name, -1);
	return bpf_obj_get(path);
}

static bool read_meta(const struct dp_pins *p, struct pm_meta *out)
{
	const uint32_t key = 0;
	int fd = get_map(p, "pm_meta"), r;

	if (fd < 0)
		return false;
	r = bpf_map_lookup_elem(fd, &key, out);
	close(fd);
	return r == 0;
}

/* A device that was told to leave VLAN tags in frames takes them out again. */
static void give_back(const struct forget *f, const char *name)
{
	char ifname[IF_NAMESIZE];
	struct pm_iface e;
	unsigned ifindex;
	uint32_t key;

	if (f->iface < 0 || strncmp(name, "xdp-", 4) != 0)
		return;
	ifindex = (unsigned)strtoul(name + 4, NULL, 10);
	key = ifindex % PM_IFACE_SLOTS;
	if (bpf_map_lookup_elem(f->iface, &key, &e) == 0 && e.ifindex == ifindex &&
	    e.flags & PM_I_TAGS && if_indextoname(ifindex, ifname))
		dp_netdev_leave_tags(ifname, false);
}

static void forget(void *ctx, const char *name)
{
	char path[DP_PIN_PATH + 64 + NAME_MAX];
	struct forget *f = ctx;

	snprintf(path, sizeof(path), "%s/%s", f->pins->dir, name);
	give_back(f, name);
	dp_attach_forget(name, path);
	if (unlink(path) == 0)
		f->n++;
}

/* From now on nobody adopts what is only half there. */
static void disown(const struct dp_pins *p)
{
	const struct pm_meta none = {0};
	const uint32_t key = 0;
	int fd = get_map(p, "pm_meta");

	if (fd < 0)
		return;
	bpf_map_update_elem(fd, &key, &none, BPF_ANY);
	close(fd);
}

static void forget_dir(struct dp_pins *p, bool say)
{
	struct forget f = {.pins = p, .iface = -1};
	struct pm_meta meta;

	if (read_meta(p, &meta) && meta.layout_version == PM_LAYOUT_VERSION)
		f.iface = get_map(p, "pm_iface");
	disown(p);
	dp_pins_walk(p, forget, &f);
	if (f.iface >= 0)
		close(f.iface);
	if (f.n && say)
		log_msg(LOG_C_INFO, "dataplane: removed %u pins of an earlier run from %s", f.n,
			p->dir);
}

static void say_layout(const struct dp_pins *p)
{
	struct pm_meta meta;

	if (read_meta(p, &meta))
		log_msg(LOG_C_INFO,
			"dataplane: %s holds layout %u with %u slots; this is layout %u", p->dir,
			meta.layout_version, meta.n_slots, PM_LAYOUT_VERSION);
}

void dp_pins_leftovers(struct dp_pins *p)
{
	say_layout(p);
	forget_dir(p, true);
}

void dp_pins_close(struct dp_pins *p, bool flush)
{
	if (p->lock_fd < 0)
		return;
	if (flush) {
		forget_dir(p, false);
		rmdir(p->dir);
	}
	close(p->lock_fd);
	p->lock_fd = -1;
}

void dp_pin_path(const struct dp_pins *p, char out[DP_PIN_PATH + 64], const char *name, int n)
{
	if (n < 0)
		snprintf(out, DP_PIN_PATH + 64, "%s/%s", p->dir, name);
	else
		snprintf(out, DP_PIN_PATH + 64, "%s/%s-%d", p->dir, name, n);
}
