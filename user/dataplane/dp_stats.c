/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/util.h"
#include "dataplane/dp_state.h"

#define DROP_DESC(sym, name, help) {name, help},
static const struct counter_desc drop_desc[] = {PM_DROP_REASONS(DROP_DESC)};

static const struct counter_desc verdict_desc[] = {
	[PM_V_RECEIVED] = {"received",    "packets the program saw"				},
	[PM_V_TO_KERNEL] = {"to_kernel",	 "not ours or for ourselves, untouched"	       },
	[PM_V_TO_TC] = {"to_tc",	 "left by XDP to the TC program"			},
	[PM_V_DROPPED] = {"dropped",     "discarded; the drop counters say why"		   },
	[PM_V_ENCAP] = {"encap",	 "into a tunnel"					},
	[PM_V_DECAP_ROUTE] = {"decap_route", "out of a tunnel, routed"			      },
	[PM_V_DECAP_LINK] = {"decap_link",  "out of a tunnel, delivered to a node"		 },
	[PM_V_HAIRPIN] = {"hairpin",     "out of one tunnel into another"		     },
	[PM_V_LOCAL] = {"local",	 "from node to node on this access gateway"	   },
	[PM_V_REPLIED] = {"replied",     "answered with an ICMP error"			  },
	[PM_V_LINK] = {"link",	       "untunnelled, delivered to a node"			 },
	[PM_V_EARLY] = {"early",	 "kept for a node that may be about to be registered"},
	[PM_V_FRAGMENT] = {"fragment",    "too big for the tunnel, sent in fragments"	  },
	[PM_V_BUFFER] = {"buffer",	   "kept for a node in handover"			},
	[PM_V_TO_DAEMON] = {"to_daemon",	 "DHCP of nodes, which the daemon answers itself"	 },
	[PM_V_ROUTE] = {"route",	 "from a node anchored here, routed without a tunnel"},
};
_Static_assert(ARRAY_SIZE(verdict_desc) == PM_V_MAX, "every verdict has a name");

/* Sums the per-CPU values of elements [0, n). */
static int read_percpu(int fd, uint64_t *out, uint32_t n)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *value;

	if (cpus < 0)
		return cpus;
	value = calloc((size_t)cpus, sizeof(*value));
	if (!value)
		return -ENOMEM;
	for (uint32_t key = 0; key < n; key++) {
		if (bpf_map_lookup_elem(fd, &key, value) < 0) {
			int err = -errno;

			free(value);
			return err;
		}
		out[key] = 0;
		for (int i = 0; i < cpus; i++)
			out[key] += value[i];
	}
	free(value);
	return 0;
}

int dp_bpf_drops(struct dp_bpf *dp, struct counter_set *out)
{
	int err = read_percpu(dp->maps.fd[DP_MAP_DROP], dp->drop, PM_DROP_MAX);

	if (err)
		return err;
	*out = (struct counter_set){"drop", drop_desc, dp->drop, PM_DROP_MAX};
	return 0;
}

int dp_bpf_verdicts(struct dp_bpf *dp, struct counter_set *xdp, struct counter_set *tc)
{
	int err = read_percpu(dp->maps.fd[DP_MAP_VERDICT], dp->verdict, PM_HOOK_MAX * PM_V_MAX);

	if (err)
		return err;
	*xdp = (struct counter_set){"xdp", verdict_desc, dp->verdict + PM_HOOK_XDP * PM_V_MAX,
				    PM_V_MAX};
	*tc = (struct counter_set){"tc", verdict_desc, dp->verdict + PM_HOOK_TC * PM_V_MAX,
				   PM_V_MAX};
	return 0;
}

int dp_bpf_session_info(struct dp_bpf *dp, dp_ref ref, struct dp_bpf_session_info *out)
{
	static const struct {
		uint16_t flag;
		const char *name;
	} names[] = {
		{PM_F_DROP,	    " drop"	   },
		{PM_F_LOCAL_ROUTING, " local-routing"},
		{PM_F_ANCHORED,	" anchored"	   },
		{PM_F_BUFFER,	      " buffer"       },
	};
	uint32_t slot = dp_session_slot(dp, ref);
	const struct pm_session *m;
	uint64_t desc, held;
	size_t at;

	if (!slot)
		return -ENOENT;
	m = &dp->maps.session[slot];
	desc = dp_load64(&m->desc);
	if (PM_DESC_FLAGS(desc) & PM_F_ALIAS) {
		m = &dp->maps.session[PM_DESC_TUNNEL(desc)];
		desc = dp_load64(&m->desc);
	}
	held = desc;
	desc = dp_buffer_then(dp, desc);
	out->slot = slot;
	out->desc = desc;
	if (PM_DESC_FLAGS(desc) & PM_F_LINK) {
		struct mac mac;
		char text[MAC_STRLEN];

		memcpy(mac.b, m->mac, sizeof(mac.b));
		at = (size_t)snprintf(out->text, sizeof(out->text), "link %u %s",
				      dp->ifaces.access[m->access].ifindex, mac_str(&mac, text));
	} else {
		at = (size_t)snprintf(out->text, sizeof(out->text), "tunnel %u",
				      PM_DESC_TUNNEL(desc));
	}
	at += (size_t)snprintf(out->text + at, sizeof(out->text) - at, " up %u gen %u",
			       m->up_tunnel, PM_DESC_GEN(desc));
	if (m->also)
		at += (size_t)snprintf(out->text + at, sizeof(out->text) - at, " also %u", m->also);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if ((PM_DESC_FLAGS(desc) | (PM_DESC_FLAGS(held) & PM_F_BUFFER)) & names[i].flag)
			at += (size_t)snprintf(out->text + at, sizeof(out->text) - at, "%s",
					       names[i].name);
	}
	return 0;
}
