/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this daemon has changed in the kernel besides the data plane, in a file of the state
 * directory, so that a later run finds what its own configuration does not name any more: routes of
 * home networks, and access interfaces with the addresses that they had before.
 *
 *	route 2001:db8:100::/44
 *	router ::ffff:10.0.0.1/128
 *	link acc0 as 00:00:5e:00:52:13 was 02:00:00:00:00:01
 *	link acc1
 *
 * The host interface bears its owner's name itself; host.c. Written whole under another name and
 * put in place. Nothing depends on it but that nothing stays behind, so it is not waited for until
 * a disk has it, and what cannot be understood is skipped.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"

#define FILE_NAME "kernel-state"
#define TEMP_NAME "kernel-state.new"
#define LINE_CAP  256

static void path_of(const struct daemon *d, const char *name, char out[CONFIG_PATH_LEN + 32])
{
	snprintf(out, CONFIG_PATH_LEN + 32, "%s/%s", d->cfg->state_directory, name);
}

/* ---- reading */

static void *grow(void *list, unsigned n, size_t size)
{
	/* in steps, by powers of two */
	return n & (n - 1) ? list : realloc(list, (n ? 2 * (size_t)n : 1) * size);
}

static void take_home(struct left *l, const char *prefix, bool router)
{
	struct home_net h = {.router = router};
	struct home_net *more;

	if (prefix6_parse(prefix, &h.net))
		return;
	more = grow(l->home, l->n_home, sizeof(*more));
	if (!more)
		return;
	l->home = more;
	l->home[l->n_home++] = h;
}

static void take_link(struct left *l, const char *name, const char *as, const char *was)
{
	struct left_link k = {0}, *more;

	if (strlen(name) >= sizeof(k.name) ||
	    (as && (mac_parse(as, &k.as) || mac_parse(was, &k.was))))
		return;
	snprintf(k.name, sizeof(k.name), "%s", name);
	more = grow(l->link, l->n_links, sizeof(*more));
	if (!more)
		return;
	l->link = more;
	l->link[l->n_links++] = k;
}

static void take_line(struct left *l, char *line)
{
	char *word[7], *rest = line;
	unsigned n = 0;

	while (n < 7 && (word[n] = strtok_r(n ? NULL : line, " \n", &rest)))
		n++;
	if (n == 2 && !strcmp(word[0], "route"))
		take_home(l, word[1], false);
	else if (n == 2 && !strcmp(word[0], "router"))
		take_home(l, word[1], true);
	else if (n == 2 && !strcmp(word[0], "link"))
		take_link(l, word[1], NULL, NULL);
	else if (n == 6 && !strcmp(word[0], "link") && !strcmp(word[2], "as") &&
		 !strcmp(word[4], "was"))
		take_link(l, word[1], word[3], word[5]);
}

void left_load(struct daemon *d)
{
	char path[CONFIG_PATH_LEN + 32], line[LINE_CAP];
	FILE *f;

	path_of(d, FILE_NAME, path);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		take_line(&d->left, line);
	fclose(f);
}

/* What an interface has that is none of an access link any more, or has no fixed address now. */
void left_settle_links(struct daemon *d)
{
	const struct mac *fixed = &d->cfg->mag.fixed_mag_link_layer_address_on_all_access_links;

	for (unsigned i = 0; i < d->left.n_links; i++) {
		const struct left_link *k = &d->left.link[i];
		const struct iface *now = link_by_name(d, k->name);
		const bool is_access = now && now->is_access;
		struct nl_link l;

		if (nl_link_get(d->nl, k->name, &l))
			continue;
		if ((!is_access || mac_is_zero(fixed)) && !mac_is_zero(&k->as) &&
		    mac_eq(&k->as, &l.mac))
			nl_link_set_mac(d->nl, l.ifindex, &k->was);
		if (!is_access)
			links_give_back(d, k->name, l.ifindex);
	}
}

const struct left_link *left_link(const struct daemon *d, const char *name)
{
	for (unsigned i = 0; i < d->left.n_links; i++)
		if (!strcmp(d->left.link[i].name, name))
			return &d->left.link[i];
	return NULL;
}

void left_free(struct daemon *d)
{
	free(d->left.home);
	free(d->left.link);
	d->left = (struct left){0};
}

/* ---- writing */

static void write_all(const struct daemon *d, FILE *f)
{
	char text[PREFIX6_STRLEN], as[MAC_STRLEN], was[MAC_STRLEN];

	for (unsigned i = 0; i < d->n_home; i++)
		fprintf(f, "%s %s\n", d->home[i].router ? "router" : "route",
			prefix6_str(&d->home[i].net, text));
	for (unsigned i = 0; i < d->n_ifaces; i++) {
		const struct iface *k = &d->ifaces[i];

		if (!k->is_access || !k->ifindex)
			continue;
		fprintf(f, "link %s", k->name);
		if (k->mac_changed)
			fprintf(f, " as %s was %s", mac_str(&k->set_mac, as),
				mac_str(&k->original_mac, was));
		fputc('\n', f);
	}
}

void left_save(struct daemon *d)
{
	char path[CONFIG_PATH_LEN + 32], temp[CONFIG_PATH_LEN + 32];
	FILE *f;
	int fd, err = 0;

	path_of(d, FILE_NAME, path);
	path_of(d, TEMP_NAME, temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (fd >= 0 && !f)
		close(fd);
	if (f) {
		write_all(d, f);
		err = ferror(f) ? -EIO : 0;
		err = fclose(f) ? -errno : err;
	}
	d->left_changed = false;
	if (f && !err && !rename(temp, path))
		return;
	log_msg(LOG_C_LOCAL,
		"%s: %s: a later run will not know what this one has changed in the kernel", path,
		strerror(err ? -err : errno));
}

void left_remove(struct daemon *d)
{
	char path[CONFIG_PATH_LEN + 32];

	path_of(d, FILE_NAME, path);
	unlink(path);
}
