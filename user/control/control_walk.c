/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that answer with a list: one walk, one row per element. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "control/control_priv.h"

#define SETS_MAX 32

static int missing(struct control_req *r, const char *what)
{
	snprintf(r->err, r->cap, "%s", what);
	return -ENOENT;
}

static bool is_node(const struct control_req *r, const struct mnid *id)
{
	char s[2 * MH_NAI_MAX + 32];

	return !r->page.mn_id || !strcmp(mnid_str(id, s, sizeof(s)), r->page.mn_id);
}

static const char *encap_name(enum dp_encap e)
{
	static const char *const names[DP_ENCAP_MAX] = {
		[DP_ENCAP_IP] = "ip",
		[DP_ENCAP_GRE] = "gre",
		[DP_ENCAP_GRE_KEY] = "gre-key",
		[DP_ENCAP_UDP] = "udp",
		[DP_ENCAP_UDP_TLV] = "udp-tlv",
		[DP_ENCAP_UDP_GRE] = "udp-gre",
		[DP_ENCAP_UDP_GRE_KEY] = "udp-gre-key",
	};

	return e < DP_ENCAP_MAX ? names[e] : "?";
}

/* ---- what both lists of bindings show of IPv4 and the tunnel */

static void set_home4(json_t *o, const struct home4 *h)
{
	const bool is = home4_is_set(h);

	control_set(o, "ipv4", control_in(h->addr));
	control_set(o, "ipv4_prefix_len", is ? json_integer(h->len) : json_null());
	control_set(o, "ipv4_router", control_in(h->router));
	control_set(o, "ipv4_domain", is ? json_integer(h->domain) : json_null());
}

/* What the MAG is to the node. */
static json_t *dhcp_mode(const struct home4 *h, bool relay)
{
	return home4_is_set(h) ? control_str(relay ? "relay" : "server") : json_null();
}

static void set_tunnel(json_t *o, enum dp_encap e, uint32_t down_key, uint32_t up_key)
{
	control_set(o, "encapsulation", control_str(encap_name(e)));
	control_set(o, "down_gre_key", down_key ? json_integer(down_key) : json_null());
	control_set(o, "up_gre_key", up_key ? json_integer(up_key) : json_null());
}

/* ---- the LMA's binding cache */

static void show_binding(void *ctx, const struct lma_binding *b)
{
	struct control_req *r = ctx;
	char llid[600];
	json_t *o;

	if (!is_node(r, &b->mnid) || !control_page_wants(&r->page))
		return;
	o = json_object();
	control_set(o, "mn_id", control_mnid(&b->mnid));
	control_set(o, "link_layer_id",
		    llid_is_zero(&b->llid) ? json_null()
					   : control_str(llid_str(&b->llid, llid, sizeof(llid))));
	control_set(o, "prefixes", control_prefixes(b->prefixes, b->n_prefixes));
	set_home4(o, &b->home4);
	control_set(o, "mag", control_str(b->mag_name));
	control_set(o, "proxy_coa", control_addr(&b->proxy_coa));
	control_set(o, "lma_address", control_addr(&b->lmaa));
	set_tunnel(o, b->encap, b->down_key, b->up_key);
	control_set(o, "att", control_str(att_name(b->att)));
	control_set(o, "att_number", json_integer(b->att));
	control_set(o, "link_local", control_addr(&b->link_local));
	control_set(o, "state", control_str(b->state));
	control_set(o, "revocation", b->revocation ? control_str(b->revocation) : json_null());
	control_set(o, "lifetime", json_integer(b->lifetime_s));
	control_set(o, "remaining", json_integer(b->remaining_s));
	control_set(o, "timestamp", control_ns_to_s(timestamp_to_wallclock(b->timestamp)));
	control_set(o, "seq", json_integer(b->seq));
	control_set(o, "handovers", json_integer(b->handovers));
	control_set(o, "session", json_integer(b->session));
	control_set(o, "tunnel", json_integer(b->tunnel));
	control_page_row(&r->page, o);
}

static bool show_page(void *ctx, const struct lma_binding *b)
{
	const struct control_req *r = ctx;

	show_binding(ctx, b);
	return !r->page.more;
}

int control_bindings(struct control_req *r)
{
	if (!r->ctx->lma)
		return missing(r, "this daemon is no LMA");
	if (r->page.mn_id) {
		lma_walk(r->ctx->lma, r->now, show_binding, r);
	} else {
		r->page.seen = r->page.offset;
		lma_walk_from(r->ctx->lma, r->page.offset, r->now, show_page, r);
	}
	return 0;
}

/* ---- the MAG's binding update list */

static const char *ifname_of(const struct control_ctx *c, unsigned ifindex)
{
	return c->ops.ifname ? c->ops.ifname(c->ops.ctx, ifindex) : NULL;
}

/* Vendor Specific options, RFC 5094. */
static json_t *vendors_json(const struct mag_vendors *v)
{
	json_t *list = json_array(), *o;
	char data[2 * UINT8_MAX + 1];
	struct mag_vendor i;
	unsigned at = 0;

	while (mag_vendors_next(v, &at, &i)) {
		data[0] = '\0';
		for (unsigned k = 0; k < i.len; k++)
			snprintf(&data[2 * k], 3, "%02x", i.data[k]);
		o = json_object();
		control_set(o, "vendor_id", json_integer(i.id));
		control_set(o, "sub_type", json_integer(i.subtype));
		control_set(o, "data", control_str(data));
		json_array_append_new(list, o);
	}
	return list;
}

static void show_update(void *ctx, const struct mag_binding *b)
{
	struct control_req *r = ctx;
	json_t *o;

	if (!is_node(r, &b->mnid) || !control_page_wants(&r->page))
		return;
	o = json_object();
	control_set(o, "mn_id", control_mnid(&b->mnid));
	control_set(o, "ifname",
		    control_str(b->ifname ? b->ifname : ifname_of(r->ctx, b->node.ifindex)));
	if (!b->ifname)
		control_set(o, "ifindex", json_integer(b->node.ifindex));
	control_set(o, "mac", control_mac(&b->node.mac));
	control_set(o, "prefixes", control_prefixes(b->prefixes, b->n_prefixes));
	set_home4(o, &b->home4);
	control_set(o, "dhcp", dhcp_mode(&b->home4, b->dhcp_relay));
	control_set(o, "lma", control_str(b->lma_name));
	control_set(o, "lma_address", control_addr(&b->lmaa));
	set_tunnel(o, b->encap, b->down_key, b->up_key);
	control_set(o, "att", control_str(att_name(b->att)));
	control_set(o, "att_number", json_integer(b->att));
	control_set(o, "link_local", control_addr(&b->link_local));
	control_set(o, "vendor_options", vendors_json(b->vendors));
	control_set(o, "state", control_str(b->state));
	control_set(o, "lifetime", json_integer(b->lifetime_s));
	control_set(o, "remaining", json_integer(b->remaining_s));
	control_set(o, "seq", json_integer(b->seq));
	control_set(o, "retransmissions", json_integer(b->retransmissions));
	control_set(o, "last_status", control_str(pba_status_name(b->last_status)));
	control_set(o, "last_status_number", json_integer(b->last_status));
	control_set(o, "session", json_integer(b->session));
	control_set(o, "tunnel", json_integer(b->tunnel));
	control_page_row(&r->page, o);
}

int control_update_list(struct control_req *r)
{
	if (!r->ctx->mag)
		return missing(r, "this daemon is no MAG");
	mag_walk(r->ctx->mag, r->now, show_update, r);
	return 0;
}

/* ---- the data plane */

static json_t *path_json(const struct control_ctx *c, const struct dp_path *p)
{
	char mac[MAC_STRLEN], s[64];
	const char *ifname;

	switch (p->kind) {
	case DP_TO_PEER:
		snprintf(s, sizeof(s), "tunnel %u", p->peer);
		return control_str(s);
	case DP_TO_LINK:
		ifname = ifname_of(c, p->ifindex);
		snprintf(s, sizeof(s), "%s %s", ifname ? ifname : "?", mac_str(&p->mac, mac));
		return control_str(s);
	case DP_TO_ROUTE:
		return control_str("route");
	case DP_TO_NOWHERE:
		break;
	}
	return control_str("nowhere");
}

/* That the other end chose. */
static json_t *peer_key(const struct dp_path *p, bool keyed)
{
	return keyed && p->kind == DP_TO_PEER ? json_integer(p->key) : json_null();
}

static void show_session(void *ctx, dp_ref ref, const struct dp_session *s)
{
	static const char *const mode[] = {
		[DP_FORWARD] = "forward", [DP_DROP] = "drop", [DP_BUFFER] = "buffer"};
	struct control_req *r = ctx;
	struct dataplane *dp = r->ctx->dp;
	const struct in6_addr four = addr_from_ip4(s->addr4);
	struct dp_buffered kept = {0};
	struct dp_stats st = {0};
	uint32_t key = 0;
	json_t *o;

	if (!is_node(r, &s->mnid) || !control_page_wants(&r->page))
		return;
	dp->ops->session_stats(dp, ref, &st);
	dp->ops->buffered(dp, ref, &kept);
	if (s->keyed)
		dp->ops->session_key(dp, ref, &key);
	o = json_object();
	control_set(o, "session", json_integer(ref));
	control_set(o, "half", control_str(s->half == DP_ANCHOR ? "anchor" : "access"));
	control_set(o, "mn_id", control_mnid(&s->mnid));
	control_set(o, "prefixes", control_prefixes(s->prefixes, s->n_prefixes));
	control_set(o, "ipv4", s->addr4.s_addr ? control_addr(&four) : json_null());
	control_set(o, "ipv4_domain", json_integer(s->domain));
	control_set(o, "gre_key", key ? json_integer(key) : json_null());
	control_set(o, "down_gre_key", peer_key(&s->down, s->keyed));
	control_set(o, "up_gre_key", peer_key(&s->up, s->keyed));
	control_set(o, "mode", control_str(mode[s->mode]));
	control_set(o, "local_routing", json_boolean(s->local_routing));
	control_set(o, "down", path_json(r->ctx, &s->down));
	control_set(o, "up", path_json(r->ctx, &s->up));
	control_set(o, "also_from", s->also_from ? json_integer(s->also_from) : json_null());
	control_set(o, "buffer", control_buffer(&kept, r->now));
	control_set(o, "down_packets", json_integer((json_int_t)st.down_packets));
	control_set(o, "down_bytes", json_integer((json_int_t)st.down_bytes));
	control_set(o, "up_packets", json_integer((json_int_t)st.up_packets));
	control_set(o, "up_bytes", json_integer((json_int_t)st.up_bytes));
	control_page_row(&r->page, o);
}

int control_sessions(struct control_req *r)
{
	const struct dp_walk w = {.ctx = r, .session = show_session};

	if (!r->ctx->dp)
		return missing(r, "there is no data plane");
	r->ctx->dp->ops->walk(r->ctx->dp, &w);
	return 0;
}

/* What the failure detector knows of a peer; round trip in seconds. */
static void set_heartbeat(json_t *o, const struct heartbeat_info *i)
{
	control_set(o, "heartbeat", control_str(heartbeat_state_name(i->state)));
	control_set(o, "missing", json_integer(i->missing));
	if (i->has_rtt)
		control_set(o, "rtt", json_real((double)i->rtt / (double)NSEC_PER_SEC));
	if (i->has_counter)
		control_set(o, "restart_counter", json_integer(i->restart_counter));
}

static void show_mag(void *ctx, const struct lma_mag_info *i)
{
	struct control_req *r = ctx;
	json_t *o;

	if (!control_page_wants(&r->page))
		return;
	o = json_object();
	control_set(o, "kind", control_str("mag"));
	control_set(o, "name", control_str(i->name));
	control_set(o, "address", control_addr(&i->addr));
	control_set(o, "bindings", json_integer(i->bindings));
	control_set(o, "pbu", json_integer((json_int_t)i->pbu_received));
	control_set(o, "rejected", json_integer((json_int_t)i->pbu_rejected));
	set_heartbeat(o, &i->heartbeat);
	control_page_row(&r->page, o);
}

static void show_lma(void *ctx, const struct mag_lma_info *i)
{
	struct control_req *r = ctx;
	json_t *o;

	if (!control_page_wants(&r->page))
		return;
	o = json_object();
	control_set(o, "kind", control_str("lma"));
	control_set(o, "name", control_str(i->name));
	control_set(o, "address", control_addr(&i->addr));
	control_set(o, "bindings", json_integer(i->bindings));
	control_set(o, "pbu", json_integer((json_int_t)i->pbu_sent));
	control_set(o, "pba", json_integer((json_int_t)i->pba_received));
	control_set(o, "rejected", json_integer((json_int_t)i->pba_rejected));
	set_heartbeat(o, &i->heartbeat);
	control_page_row(&r->page, o);
}

static void show_tunnel(void *ctx, const struct tunnel_info *i)
{
	struct control_req *r = ctx;
	const struct control_ctx *c = r->ctx;
	struct control_nexthop nh;
	char s[128], mac[MAC_STRLEN];
	json_t *o;

	if (!control_page_wants(&r->page))
		return;
	o = json_object();
	control_set(o, "kind", control_str("tunnel"));
	snprintf(s, sizeof(s), "%u", i->ref);
	control_set(o, "name", control_str(s));
	control_set(o, "tunnel", json_integer(i->ref));
	control_set(o, "address", control_addr(&i->peer.remote));
	control_set(o, "local", control_addr(&i->peer.local));
	control_set(o, "encapsulation", control_str(encap_name(i->peer.encap)));
	control_set(o, "users", json_integer(i->users));
	if (c->dp)
		control_set(o, "mtu", json_integer(c->dp->ops->peer_mtu(c->dp, i->ref)));
	memset(&nh, 0, sizeof(nh));
	if (c->ops.nexthop && c->ops.nexthop(c->ops.ctx, i->ref, &nh) == 0) {
		bool known = !mac_is_zero(&nh.mac);

		snprintf(s, sizeof(s), "%s%s%.15s%s%s", nh.state ? nh.state : "?",
			 nh.ifname[0] ? " " : "", nh.ifname, known ? " " : "",
			 known ? mac_str(&nh.mac, mac) : "");
		control_set(o, "next_hop", control_str(s));
		control_set(o, "next_hop_state", control_str(nh.state));
		control_set(o, "next_hop_ifname", control_str(nh.ifname));
		control_set(o, "next_hop_mac", known ? control_mac(&nh.mac) : json_null());
		control_set(o, "gateway", control_addr(&nh.gateway));
	}
	control_page_row(&r->page, o);
}

int control_peers(struct control_req *r)
{
	if (r->ctx->lma)
		lma_walk_mags(r->ctx->lma, show_mag, r);
	if (r->ctx->mag)
		mag_walk_lmas(r->ctx->mag, show_lma, r);
	if (r->ctx->mag)
		control_neighbours(r);
	if (r->ctx->tunnels)
		tunnels_walk(r->ctx->tunnels, show_tunnel, r);
	return 0;
}

/* ---- interfaces and what is on them */

static void show_iface(void *ctx, const struct control_iface *i)
{
	struct control_req *r = ctx;
	json_t *o;

	if (!control_page_wants(&r->page))
		return;
	o = json_object();
	control_set(o, "ifname", control_str(i->name));
	control_set(o, "kind", control_str(i->kind));
	control_set(o, "ifindex", json_integer(i->ifindex));
	control_set(o, "state", control_str(i->state));
	control_set(o, "hook", control_str(i->hook));
	control_set(o, "mtu", json_integer(i->mtu));
	control_set(o, "nodes", json_integer(i->nodes));
	control_set(o, "note", control_str(i->note));
	control_page_row(&r->page, o);
}

int control_interfaces(struct control_req *r)
{
	if (!r->ctx->ops.walk_interfaces)
		return missing(r, "interfaces are not known here");
	r->ctx->ops.walk_interfaces(r->ctx->ops.ctx, show_iface, r);
	return 0;
}

static void show_node(void *ctx, const struct control_node *n)
{
	struct control_req *r = ctx;
	json_t *o;

	if (!control_page_wants(&r->page))
		return;
	o = json_object();
	control_set(o, "ifname", control_str(n->ifname));
	control_set(o, "mac", control_mac(&n->mac));
	control_set(o, "state", control_str(n->state));
	control_set(o, "seen",
		    json_integer((json_int_t)(nsec_sub(r->now, n->seen) / NSEC_PER_SEC)));
	control_set(o, "prefixes", control_prefixes(n->prefixes, n->n_prefixes));
	control_set(o, "ipv4", control_in(n->home4.addr));
	control_set(o, "dhcp", dhcp_mode(&n->home4, n->dhcp_relay));
	control_set(o, "lease",
		    n->lease_end > r->now
			    ? json_integer((json_int_t)((n->lease_end - r->now) / NSEC_PER_SEC))
			    : json_null());
	control_page_row(&r->page, o);
}

int control_nodes(struct control_req *r)
{
	if (!r->ctx->mag || !r->ctx->ops.walk_nodes)
		return missing(r, "this daemon is no MAG");
	r->ctx->ops.walk_nodes(r->ctx->ops.ctx, show_node, r);
	return 0;
}

/* ---- what nodes get */

static void show_any_pool(struct control_req *r, const char *name, const char *prefix,
			  json_t *domain, uint64_t size, uint64_t used)
{
	json_t *o = json_object();

	control_set(o, "name", control_str(name));
	control_set(o, "prefix", control_str(prefix));
	control_set(o, "ipv4_domain", domain);
	control_set(o, "size", json_integer((json_int_t)size));
	control_set(o, "used", json_integer((json_int_t)used));
	control_set(o, "free", json_integer((json_int_t)(size - used)));
	control_page_row(&r->page, o);
}

static void show_pool(void *ctx, const struct lma_pool_info *i)
{
	struct control_req *r = ctx;
	char s[PREFIX6_STRLEN];

	if (control_page_wants(&r->page))
		show_any_pool(r, i->name, prefix6_str(&i->prefix, s), json_null(), i->size,
			      i->used);
}

static void show_pool4(void *ctx, const struct lma_pool4_info *i)
{
	struct control_req *r = ctx;
	char s[PREFIX4_STRLEN];

	if (control_page_wants(&r->page))
		show_any_pool(r, i->name, prefix4_str(&i->prefix, s), json_integer(i->domain),
			      i->size, i->used);
}

int control_pools(struct control_req *r)
{
	if (!r->ctx->lma)
		return missing(r, "this daemon is no LMA");
	lma_walk_pools(r->ctx->lma, show_pool, r);
	lma_walk_pools4(r->ctx->lma, show_pool4, r);
	return 0;
}

static void show_profile(void *ctx, const char *pattern, const struct profile *p)
{
	struct control_req *r = ctx;
	json_t *o, *macs, *dns;

	if (!control_page_wants(&r->page))
		return;
	o = json_object();
	macs = json_array();
	for (unsigned i = 0; i < p->n_macs; i++)
		json_array_append_new(macs, control_mac(&p->macs[i]));
	control_set(o, "node", pattern ? control_str(pattern) : control_mnid(&p->mnid));
	control_set(o, "fallback", json_boolean(pattern != NULL));
	control_set(o, "enabled", json_boolean(p->enabled));
	control_set(o, "macs", macs);
	control_set(o, "prefixes", control_prefixes(p->prefixes, p->n_prefixes));
	control_set(o, "pool", control_str(p->pool[0] ? p->pool : NULL));
	control_set(o, "prefix_count", json_integer(p->prefix_count));
	dns = json_array();
	for (unsigned i = 0; i < p->n_dns4; i++)
		json_array_append_new(dns, control_in(p->dns4[i]));
	control_set(o, "ipv6", json_boolean(!p->no_ipv6));
	control_set(o, "ipv4", json_boolean(p->ipv4));
	control_set(o, "ipv4_home_address", control_in(p->home4));
	control_set(o, "ipv4_pool", control_str(p->pool4[0] ? p->pool4 : NULL));
	control_set(o, "dns_servers", dns);
	control_set(o, "lma", addr6_is_zero(&p->lmaa) ? json_null() : control_addr(&p->lmaa));
	control_set(o, "lifetime", json_integer(p->lifetime));
	control_set(o, "local_routing",
		    p->local_routing < 0 ? json_null() : json_boolean(p->local_routing));
	control_page_row(&r->page, o);
}

int control_profiles(struct control_req *r)
{
	if (!r->ctx->ops.walk_profiles)
		return missing(r, "profiles are not known here");
	r->ctx->ops.walk_profiles(r->ctx->ops.ctx, show_profile, r);
	return 0;
}

/* ---- counters */

static void show_counters(struct control_req *r, const struct counter_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		json_t *o;

		if (!control_page_wants(&r->page))
			continue;
		o = json_object();
		control_set(o, "module", control_str(s->module));
		control_set(o, "name", control_str(s->desc[i].name));
		control_set(o, "value", json_integer((json_int_t)s->value[i]));
		control_set(o, "help", control_str(s->desc[i].help));
		control_page_row(&r->page, o);
	}
}

int control_counter_list(struct control_req *r)
{
	const char *module = json_string_value(json_object_get(r->args, "module"));
	const struct control_ctx *c = r->ctx;
	struct counter_set sets[SETS_MAX];
	size_t n = 0, shown = 0, at;

	if (c->lma)
		sets[n++] = lma_counters(c->lma);
	if (c->lma)
		sets[n++] = lma_heartbeat_counters(c->lma);
	if (c->lma)
		sets[n++] = lma_revocation_counters(c->lma);
	if (c->mag)
		sets[n++] = mag_counters(c->mag);
	if (c->mag)
		sets[n++] = mag_heartbeat_counters(c->mag);
	if (c->mag)
		sets[n++] = mag_revocation_counters(c->mag);
	if (c->mag)
		sets[n++] = mag_handover_counters(c->mag);
	sets[n++] = *r->own;
	if (c->ops.drops && c->ops.drops(c->ops.ctx, &sets[n]) == 0)
		n++;
	if (c->ops.counters)
		n += c->ops.counters(c->ops.ctx, sets + n, SETS_MAX - n);
	for (size_t i = 0; i < n; i++) {
		if (module && strcmp(module, sets[i].module))
			continue;
		show_counters(r, &sets[i]);
		shown++;
	}
	if (shown)
		return 0;
	at = (size_t)snprintf(r->err, r->cap, "no module \"%.40s\"; there are", module);
	for (size_t i = 0; i < n && at < r->cap; i++)
		at += (size_t)snprintf(r->err + at, r->cap - at, " %s", sets[i].module);
	return -ENOENT;
}

int control_drops(struct control_req *r)
{
	struct counter_set s;

	if (!r->ctx->ops.drops || r->ctx->ops.drops(r->ctx->ops.ctx, &s))
		return missing(r, "the data plane's drop counters cannot be read");
	show_counters(r, &s);
	return 0;
}
