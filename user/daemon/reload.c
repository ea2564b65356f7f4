/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A new configuration takes force as a whole or not at all. The file is judged first; then each
 * role takes it or refuses, and a refusal takes the roles before it back to the old one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"

static void log_change(void *ctx, const char *line)
{
	log_msg(LOG_C_INFO, "reload: %s", line);
}

static int reload_roles(struct daemon *d, const struct config *new, const struct profiles *profiles,
			const char **why, nsec_t now)
{
	const char *ignored;
	int rc = 0;

	if (d->lma)
		rc = lma_reload(d->lma, &new->lma, profiles, why, now);
	if (!rc && d->mag) {
		rc = mag_reload(d->mag, &new->mag, profiles, why, now);
		if (rc && d->lma)
			lma_reload(d->lma, &d->cfg->lma, &d->profiles, &ignored, now);
	}
	return rc;
}

static int reload(struct daemon *d, char *msg, size_t cap, nsec_t now)
{
	struct config *new, *was = d->cfg;
	struct profiles profiles;
	const char *why = "";
	int changes, rc;

	rc = config_load(&new, d->config_path, msg, cap);
	if (rc)
		return rc;
	changes = config_reload_diff(d->cfg, new, msg, cap);
	if (changes <= 0) {
		if (changes == 0)
			snprintf(msg, cap, "nothing changed");
		config_free(&new);
		return changes;
	}
	profiles = profile_table_profiles(new->profiles);
	new->lma.heartbeat.restart_counter = d->restart_counter;
	new->mag.heartbeat.restart_counter = d->restart_counter;
	rc = preset_judge(d, new, &why);
	if (!rc)
		rc = dhcp6_prepare(d, new, &why);
	if (!rc)
		rc = dhcp4_prepare(d, new, &why);
	if (!rc)
		rc = reload_roles(d, new, &profiles, &why, now);
	if (rc) {
		dhcp6_settle(d);
		dhcp4_settle(d);
		snprintf(msg, cap, "refused, nothing changed: %s", why);
		config_free(&new);
		return rc;
	}

	config_walk_diff(d->cfg, new, log_change, NULL);
	log_set_level(new->log_level);
	d->cfg = new;
	d->profiles = profiles;
	d->control_ctx.instance = new->instance;
	if (d->store)
		store_set_window(d->store, new->loss_window_ms);
	if (d->access)
		access_reload(d->access, &new->access_cfg);
	dhcp6_settle(d);
	dhcp4_settle(d);
	warm_stop(d);
	warm_start(d);
	rc = links_reload(d, now);
	preset_settle(d, now);
	config_free(&was);
	if (rc) {
		snprintf(msg, cap, "interfaces: %s", strerror(-rc));
		return rc;
	}
	snprintf(msg, cap, "%d change%s in force", changes, changes == 1 ? "" : "s");
	return 0;
}

int daemon_reload(struct daemon *d, char *msg, size_t cap, nsec_t now)
{
	int rc;

	notify_reloading();
	rc = reload(d, msg, cap, now);
	notify_reloaded();
	return rc;
}
