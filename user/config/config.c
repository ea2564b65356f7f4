/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_check.h"
#include "config/config_load.h"
#include "config/config_value.h"

void config_free(struct config **p)
{
	struct config_file *f = (struct config_file *)*p;

	if (!f)
		return;
	config_section_clear(&config_root, f);
	profile_table_free(&f->c.profiles);
	free(f);
	*p = NULL;
}

/* Values that stand in one place of the file and in several of struct config. */
static void spread(struct config_file *f)
{
	struct config *c = &f->c;
	const struct config_domain *d = &f->domain;

	if (!c->control_socket[0])
		snprintf(c->control_socket, sizeof(c->control_socket), "/run/pmipd/%s.sock",
			 c->instance);
	if (!c->state_directory[0])
		snprintf(c->state_directory, sizeof(c->state_directory), "/var/lib/pmipd/%s",
			 c->instance);
	c->lma.heartbeat.interval_s = c->heartbeat_interval_s;
	c->lma.heartbeat.missing_allowed = c->missing_heartbeats_allowed;
	c->mag.heartbeat = c->lma.heartbeat;
	c->lma.revocation = c->revocation;
	c->mag.revocation = c->revocation;
	if (c->has_mag && !c->mag.identity[0])
		snprintf(c->mag.identity, sizeof(c->mag.identity), "%s", c->instance);

	for (unsigned i = 0; i < c->n_lma_addrs6; i++)
		c->lma.addrs[c->lma.n_addrs++] = c->lma_addrs6[i];
	for (unsigned i = 0; i < c->n_lma_addrs4; i++)
		c->lma.addrs[c->lma.n_addrs++] = c->lma_addrs4[i];
	c->lma.timestamp_based_approach_in_use = d->timestamp_based_approach_in_use;
	c->lma.mobile_node_generated_timestamp_in_use = d->mobile_node_generated_timestamp_in_use;
	c->lma.fixed_mag_link_local_address_on_all_access_links = d->fixed_link_local;

	memcpy(c->mag.realm, d->realm, sizeof(c->mag.realm));
	c->mag.timestamp_based_approach_in_use = d->timestamp_based_approach_in_use;
	c->mag.mobile_node_generated_timestamp_in_use = d->mobile_node_generated_timestamp_in_use;
	c->mag.fixed_mag_link_local_address_on_all_access_links = d->fixed_link_local;
	c->mag.fixed_mag_link_layer_address_on_all_access_links = d->fixed_link_layer;

	for (unsigned i = 0; i < f->n_context_vendors; i++)
		(void)config_vendor(f->context_vendors[i], &c->mag.fho.vendors[i]);
	c->mag.fho.n_vendors = f->n_context_vendors;

	c->access_cfg.link_local = d->fixed_link_local;
	c->access_cfg.mac = d->fixed_link_layer;

	for (unsigned i = 0; i < c->n_lma_statics; i++) {
		struct static_session *s = &c->lma_statics[i];

		s->half = DP_ANCHOR;
		if (addr6_is_zero(&s->local))
			s->local = addr_is_ip4(&s->remote) ? c->lma_addrs4[0] : c->lma_addrs6[0];
	}
	for (unsigned i = 0; i < c->n_mag_statics; i++) {
		struct static_session *s = &c->mag_statics[i];

		s->half = DP_ACCESS;
		s->local = *config_coa(c, &s->remote);
	}

	if (!c->dhcp4_relay_addr.s_addr && !addr6_is_zero(&c->mag.ipv4_proxy_coa))
		c->dhcp4_relay_addr = addr_to_ip4(&c->mag.ipv4_proxy_coa);

	for (unsigned i = 0; i < f->n_fallbacks; i++)
		f->fallbacks[i].profile.no_ipv6 = !f->fallbacks[i].ipv6;
	for (unsigned i = 0; i < f->n_profiles; i++) {
		struct config_profile *p = &f->profiles[i];

		p->profile.no_ipv6 = !p->ipv6;
		p->profile.mnid = (struct mnid){
			.subtype = MNID_NAI,
			.len = (uint8_t)strlen(p->id),
			.id = (const uint8_t *)p->id,
		};
	}
}

static int make_profiles(struct config_file *f)
{
	int rc = profile_table_new(&f->c.profiles);

	for (unsigned i = 0; !rc && i < f->n_profiles; i++)
		rc = profile_table_add(f->c.profiles, &f->profiles[i].profile);
	for (unsigned i = 0; !rc && i < f->n_fallbacks; i++)
		rc = profile_table_add_fallback(f->c.profiles, f->fallbacks[i].id,
						&f->fallbacks[i].profile);
	return rc;
}

int config_load_mem(struct config **out, const char *name, const void *buf, size_t len, char *err,
		    size_t cap)
{
	struct config_file *f = calloc(1, sizeof(*f));
	struct config *c = &f->c;
	struct config_yaml y;
	int rc;

	if (!f) {
		snprintf(err, cap, "%s:1: file: does not fit into memory; a smaller one", name);
		return -ENOMEM;
	}
	rc = config_yaml_open(&y, name, buf, len, err, cap);
	if (rc) {
		free(f);
		return rc;
	}
	rc = config_load_values(f, &y);
	if (!rc)
		rc = config_check(f, &y);
	if (!rc) {
		spread(f);
		rc = make_profiles(f);
		if (rc)
			config_fail(&y, "profiles", "cannot be taken (%s); a smaller list",
				    strerror(-rc));
	}
	config_yaml_close(&y);
	if (rc) {
		config_free(&c);
		return rc;
	}
	*out = c;
	return 0;
}

static int unreadable(const char *path, int error, char *err, size_t cap)
{
	const char *right = error == EACCES   ? "let the daemon's user read it"
			    : error == EISDIR ? "the file, not its directory"
			    : error == EFBIG  ? "a file of at most 64 MiB"
			    : error == EINVAL ? "a regular file"
					      : "the path of an existing file";

	snprintf(err, cap, "%s:1: file: cannot be read: %s; %s", path,
		 error == EINVAL ? "it is not a regular file" : strerror(error), right);
	return -error;
}

/* 0, or a positive errno. */
static int read_all(const char *path, char **out, size_t *len)
{
	/* a FIFO must not hold up the daemon */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t cap, n = 0;
	struct stat st;
	char *buf;
	int rc = 0;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st) < 0)
		rc = errno;
	else if (S_ISDIR(st.st_mode))
		rc = EISDIR;
	else if (!S_ISREG(st.st_mode))
		rc = EINVAL;
	else if (st.st_size > (off_t)CONFIG_FILE_MAX)
		rc = EFBIG;
	if (rc) {
		close(fd);
		return rc;
	}
	cap = (size_t)st.st_size + 1;
	buf = malloc(cap);
	if (!buf)
		rc = ENOMEM;
	while (!rc && n < cap) {
		ssize_t got = read(fd, buf + n, cap - n);

		if (got < 0 && errno != EINTR)
			rc = errno;
		else if (got == 0)
			break;
		else if (got > 0)
			n += (size_t)got;
	}
	close(fd);
	if (rc) {
		free(buf);
		return rc;
	}
	*out = buf;
	*len = n;
	return 0;
}

int config_load(struct config **out, const char *path, char *err, size_t cap)
{
	char *buf = NULL;
	size_t len = 0;
	int rc = read_all(path, &buf, &len);

	if (rc)
		return unreadable(path, rc, err, cap);
	rc = config_load_mem(out, path, buf, len, err, cap);
	free(buf);
	return rc;
}

struct in6_addr config_own_ip6(const struct config *c)
{
	/* not set where there is no LMA, or none with such an address */
	return c->n_lma_addrs6 ? c->lma_addrs6[0] : c->mag.proxy_coa;
}

const struct in6_addr *config_coa(const struct config *c, const struct in6_addr *lmaa)
{
	return addr_is_ip4(lmaa) ? &c->mag.ipv4_proxy_coa : &c->mag.proxy_coa;
}

void config_walk_profiles(const struct config *c,
			  void (*cb)(void *ctx, const char *pattern, const struct profile *p),
			  void *ctx)
{
	const struct config_file *f = config_file_of(c);

	for (unsigned i = 0; i < f->n_profiles; i++)
		cb(ctx, NULL, &f->profiles[i].profile);
	for (unsigned i = 0; i < f->n_fallbacks; i++)
		cb(ctx, f->fallbacks[i].id, &f->fallbacks[i].profile);
}
