/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two MAGs of a fast handover tell each other of a node beside its addresses (RFC 5949
 * 6.2): Vendor Specific options (RFC 5094) and the interface identifier of its link-local address. */
#include "fho_harness.h"

#include "base/addr.h"

#define VENDOR 31353u
#define OTHER  10415u
#define NODE_LL "fe80::1234:56ff:fe78:9abc"
#define IID	0x123456fffe789abcull

static const struct told_vendor three[] = {
	{VENDOR, 1, 5, "alpha"},
	{VENDOR, 2, 0, NULL},
	{OTHER, 1, 4, "beta"},
};

static bool is_vendor(const struct mh_opt *o, const struct told_vendor *v)
{
	return o && o->vendor.id == v->id && o->vendor.subtype == v->subtype &&
	       o->vendor.len == v->len && (!v->len || !memcmp(o->vendor.data, v->data, v->len));
}

/* The session of node 1 shows these, in this order, and no more. */
static bool shows(struct bench *b, const struct told_vendor *v, unsigned n)
{
	const struct shown s = shown(b, 1);
	struct mag_vendor have;
	unsigned at = 0, i = 0;

	for (; mag_vendors_next(s.b.vendors, &at, &have); i++) {
		if (i >= n || have.id != v[i].id || have.subtype != v[i].subtype ||
		    have.len != v[i].len || (v[i].len && memcmp(have.data, v[i].data, v[i].len)))
			return false;
	}
	return s.found && i == n;
}

static void told(struct bench *b, const struct told_vendor *v, unsigned n)
{
	answer(b, &(struct reply){.to = sent_last(b, MH_BU), .vendors = v, .n_vendors = n});
}

/* Node 1 is at `a`, with options of its LMA. */
static void active_with(struct pair *p, const struct told_vendor *v, unsigned n)
{
	CU_ASSERT_EQUAL_FATAL(attach(p->a.bench, 7, 1), 0);
	told(p->a.bench, v, n);
	CU_ASSERT_FATAL(in_state(p->a.bench, 1, "ACTIVE"));
}

static void test_kept_of_the_lma(void)
{
	static const struct told_vendor newer = {OTHER, 9, 3, "new"};
	struct pair p;
	struct bench *a;

	pair_up(&p);
	a = p.a.bench;
	active_with(&p, three, 3);
	CU_ASSERT_TRUE(shows(a, three, 3));
	CU_ASSERT_EQUAL(counter(a, "vendor_options_kept"), 3);
	/* an answer without any changes nothing, one with another replaces them */
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	accept_it(a);
	CU_ASSERT_TRUE(shows(a, three, 3));
	pair_run(&p, 1000);
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	told(a, &newer, 1);
	CU_ASSERT_TRUE(shows(a, &newer, 1));
	/* a rejection is no grant */
	pair_run(&p, 1000);
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	answer(a, &(struct reply){.status = 130, .vendors = three, .n_vendors = 3});
	CU_ASSERT_TRUE(shows(a, &newer, 1));
	CU_ASSERT_EQUAL(counter(a, "vendor_options_not_kept"), 0);
	pair_free(&p);
}

static void test_bounded(void)
{
	static char octets[250];
	struct told_vendor v[10];
	struct pair p;
	struct bench *a;

	pair_up(&p);
	a = p.a.bench;
	for (unsigned i = 0; i < 10; i++)
		v[i] = (struct told_vendor){VENDOR, (uint8_t)i, 1, octets};
	active_with(&p, v, 10);
	CU_ASSERT_TRUE(shows(a, v, 8));
	CU_ASSERT_EQUAL(counter(a, "vendor_options_kept"), 8);
	CU_ASSERT_EQUAL(counter(a, "vendor_options_not_kept"), 2);
	/* two of the longest fill 512 octets */
	v[0].len = v[1].len = v[2].len = 250;
	v[3].len = 250 - 6;
	v[1].subtype = 7;
	pair_run(&p, 1000);
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	told(a, (struct told_vendor[]){v[0], v[1], v[3]}, 3);
	CU_ASSERT_TRUE(shows(a, v, 2));
	CU_ASSERT_EQUAL(counter(a, "vendor_options_kept"), 10);
	CU_ASSERT_EQUAL(counter(a, "vendor_options_not_kept"), 3);
	pair_free(&p);
}

/* a --HI(context)--> b: the options go along, stay with the session, and go on to the next MAG. */
static void test_predictive(void)
{
	struct pair p;
	struct bench *a, *b;
	const struct mh_msg *hi;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	active_with(&p, three, 3);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	hi = &sent_last(a, MH_HI)->msg;
	CU_ASSERT_EQUAL_FATAL(mh_opt_count(hi, MHO_VENDOR), 3);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_TRUE(is_vendor(mh_opt_nth(hi, MHO_VENDOR, i), &three[i]));
	CU_ASSERT_EQUAL(hi->ho.code, HI_CODE_ALL_CONTEXT);
	carry(&p);
	CU_ASSERT_EQUAL(ho_counter(a, "vendor_sent"), 3);
	CU_ASSERT_EQUAL(ho_counter(b, "vendor_taken"), 3);
	CU_ASSERT_TRUE(in_state(b, 1, "EXPECTED"));
	CU_ASSERT_TRUE(shows(b, three, 3));
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_TRUE(shows(b, three, 3));
	pair_run(&p, 3000);
	CU_ASSERT_EQUAL(trigger(b, 1, AP_A), 0);
	carry(&p);
	CU_ASSERT_TRUE(shows(a, three, 3));
	pair_free(&p);
}

/* What the LMA says here is newer than what it said at the old MAG. */
static void test_own_are_newer(void)
{
	static const struct told_vendor newer = {OTHER, 9, 3, "new"};
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	active_with(&p, three, 3);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	told(b, &newer, 1);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_TRUE(shows(b, &newer, 1));
	CU_ASSERT_EQUAL(ho_counter(b, "vendor_taken"), 0);
	pair_free(&p);
}

/* Announced in several messages, each with some, one of them twice; and more than there is room. */
static void test_in_pieces(void)
{
	static char octets[250];
	const struct mac mac = MAC(1);
	struct told_vendor big = {OTHER, 7, 250, octets};
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_up(&p);
	b = p.b.bench;
	m = hi_msg(1, MH_HI_P | MH_HI_F, HI_CODE_DEFAULT, 1);
	receive_ho(b, MAG_A, add_vendor(with_context(&m, HNP1, LMA1, &mac), &three[0]));
	m = hi_msg(2, MH_HI_P | MH_HI_F, HI_CODE_ALL_CONTEXT, 1);
	add_vendor(with_context(&m, HNP1, LMA1, &mac), &three[0]);
	receive_ho(b, MAG_A, add_vendor(&m, &three[1]));
	CU_ASSERT_TRUE(shows(b, three, 2));
	CU_ASSERT_EQUAL(ho_counter(b, "vendor_taken"), 2);
	m = hi_msg(3, MH_HI_P | MH_HI_F, HI_CODE_ALL_CONTEXT, 1);
	add_vendor(with_context(&m, HNP1, LMA1, &mac), &big);
	big.subtype++;
	receive_ho(b, MAG_A, add_vendor(&m, &big));
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_EQUAL(ho_counter(b, "vendor_taken"), 3);
	CU_ASSERT_EQUAL(ho_counter(b, "vendor_not_kept"), 1);
	pair_free(&p);
}

/* b --HI(Context Request)--> a --HAck--> b, with what the configuration of b names. */
static void test_reactive(void)
{
	static const uint8_t want[] = {MHO_VENDOR, 5, 0, 0, 0x7a, 0x79, 1,
				       MHO_VENDOR, 5, 0, 0, 0x28, 0xaf, 2};
	struct pair p;
	struct bench *a, *b;
	const struct mh_opt *o;

	pair_init(&p);
	p.b.bench->cfg.fho.vendors[0] = (struct mag_vendor_cfg){VENDOR, 1};
	p.b.bench->cfg.fho.vendors[1] = (struct mag_vendor_cfg){OTHER, 2};
	p.b.bench->cfg.fho.n_vendors = 2;
	pair_start(&p);
	a = p.a.bench;
	b = p.b.bench;
	active_with(&p, three, 3);
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	o = mh_opt(&sent_last(b, MH_HI)->msg, MHO_CONTEXT_REQUEST);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_FATAL(o->requests.len >= sizeof(want));
	CU_ASSERT_EQUAL(memcmp(o->requests.data + o->requests.len - sizeof(want), want, sizeof(want)),
			0);
	carry(&p);
	/* only what was asked for: more is to be had */
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_EQUAL(mh_opt_count(&sent_last(a, MH_HACK)->msg, MHO_VENDOR), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	CU_ASSERT_TRUE(shows(b, three, 1));
	pair_free(&p);
}

/* All that may be configured can be asked for. */
static void test_many_asked_for(void)
{
	struct pair p;
	struct bench *b;
	struct mh_context c;
	unsigned at = 0, n = 0;
	const struct mh_opt *o;

	pair_init(&p);
	b = p.b.bench;
	for (unsigned i = 0; i < MAG_CONTEXT_VENDORS_MAX; i++)
		b->cfg.fho.vendors[i] = (struct mag_vendor_cfg){UINT32_MAX, i};
	b->cfg.fho.n_vendors = MAG_CONTEXT_VENDORS_MAX;
	pair_start(&p);
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	o = mh_opt(&sent_last(b, MH_HI)->msg, MHO_CONTEXT_REQUEST);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	while (mh_context_next(o, &at, &c)) {
		if (c.type != MHO_VENDOR)
			continue;
		CU_ASSERT_EQUAL(c.len, 5);
		CU_ASSERT_EQUAL(c.data[4], n);
		n++;
	}
	CU_ASSERT_EQUAL(n, MAG_CONTEXT_VENDORS_MAX);
	pair_free(&p);
}

/* RFC 5949 6.2.1 by row: what is asked for, and what comes. */
static void test_requests(void)
{
	static const struct {
		const char *what;
		uint8_t list[32], len;
		uint8_t code;
		uint8_t sent; /* of `three`, bit by bit */
		bool iid;
	} rows[] = {
		{"nothing", {0}, 0, HACK_CONTEXT_ACCEPTED, 0, false},
		{"one", {19, 5, 0, 0, 0x7a, 0x79, 1}, 7, HACK_CONTEXT_ACCEPTED, 1, false},
		{"none there", {19, 5, 0, 0, 0x7a, 0x79, 3}, 7, HACK_NO_CONTEXT, 0, false},
		{"another vendor", {19, 5, 0, 0, 0x7a, 0x78, 1}, 7, HACK_NO_CONTEXT, 0, false},
		{"two", {19, 5, 0, 0, 0x7a, 0x79, 2, 19, 5, 0, 0, 0x28, 0xaf, 1}, 14,
		 HACK_CONTEXT_ACCEPTED, 6, false},
		{"a vendor's", {19, 4, 0, 0, 0x7a, 0x79}, 6, HACK_CONTEXT_ACCEPTED, 3, false},
		{"any", {19, 0}, 2, HACK_CONTEXT_ACCEPTED, 7, false},
		{"one, again", {19, 5, 0, 0, 0x7a, 0x79, 1, 19, 4, 0, 0, 0x7a, 0x79}, 13,
		 HACK_CONTEXT_ACCEPTED, 3, false},
		{"no such form", {19, 6, 0, 0, 0x7a, 0x79, 1, 1}, 8, HACK_NO_CONTEXT, 0, false},
		{"identifier", {42, 0}, 2, HACK_CONTEXT_ACCEPTED, 0, true},
		{"everything", {19, 0, 42, 0, 26, 0}, 6, HACK_ALL_CONTEXT, 7, true},
		{"all but one", {19, 5, 0, 0, 0x7a, 0x79, 1, 42, 0, 26, 0}, 11,
		 HACK_CONTEXT_ACCEPTED, 1, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct mh_msg *hack;
		struct pair p;
		struct bench *a;
		struct mh_msg m;
		unsigned n = 0;

		pair_up(&p);
		a = p.a.bench;
		a->node_address = ADDR(NODE_LL);
		active_with(&p, three, 3);
		m = hi_msg(9, MH_HI_P, HI_CODE_DEFAULT, 1);
		if (rows[i].len) {
			struct mh_opt *o = mh_opt_add(&m, MHO_CONTEXT_REQUEST);

			o->requests.data = rows[i].list;
			o->requests.len = rows[i].len;
		}
		receive_ho(a, MAG_B, &m);
		hack = &sent_last(a, MH_HACK)->msg;
		CU_ASSERT_EQUAL(hack->ho.code, rows[i].code);
		for (unsigned k = 0; k < 3; k++) {
			if (rows[i].sent & 1 << k)
				CU_ASSERT_TRUE(is_vendor(mh_opt_nth(hack, MHO_VENDOR, n++), &three[k]));
		}
		CU_ASSERT_EQUAL(mh_opt_count(hack, MHO_VENDOR), n);
		CU_ASSERT_EQUAL(mh_opt(hack, MHO_MN_LLA_IID) != NULL, rows[i].iid);
		if (rows[i].iid)
			CU_ASSERT_EQUAL(mh_opt(hack, MHO_MN_LLA_IID)->iid, IID);
		pair_free(&p);
	}
}

/* The node's own link-local address, as its link has heard it, is known at the new MAG. */
static void test_identifier(void)
{
	for (int reactive = 0; reactive < 2; reactive++) {
		const struct in6_addr own = ADDR(NODE_LL);
		struct pair p;
		struct bench *a, *b;
		const struct mh_opt *o;

		pair_up(&p);
		a = p.a.bench;
		b = p.b.bench;
		a->node_address = own;
		pair_active(&p);
		if (reactive) {
			CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
			carry(&p);
			o = mh_opt(&sent_last(a, MH_HACK)->msg, MHO_MN_LLA_IID);
			CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_ALL_CONTEXT);
		} else {
			CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
			o = mh_opt(&sent_last(a, MH_HI)->msg, MHO_MN_LLA_IID);
			carry(&p);
			CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
		}
		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		CU_ASSERT_EQUAL(o->iid, IID);
		CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
		CU_ASSERT_TRUE(addr6_eq(&last_call(b, CALL_ADVERTISE)->own, &own));
		pair_free(&p);
	}
}

/* Nobody has heard it; and what was heard is remembered when the node has left. */
static void test_identifier_known(void)
{
	static const uint8_t list[] = {MHO_MN_LLA_IID, 0};
	struct pair p;
	struct bench *a;
	struct mh_msg m;
	struct mh_opt *o;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	CU_ASSERT_PTR_NULL(mh_opt(&sent_last(a, MH_HI)->msg, MHO_MN_LLA_IID));
	a->node_address = ADDR(NODE_LL);
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	a->node_address = in6addr_any;
	m = hi_msg(9, MH_HI_P, HI_CODE_DEFAULT, 1);
	o = mh_opt_add(&m, MHO_CONTEXT_REQUEST);
	o->requests.data = list;
	o->requests.len = sizeof(list);
	receive_ho(a, MAG_B, &m);
	o = (struct mh_opt *)mh_opt(&sent_last(a, MH_HACK)->msg, MHO_MN_LLA_IID);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_EQUAL(o->iid, IID);
	pair_free(&p);
}

/* The old MAG's link-local address is not taken over when it is the node's own. */
static void test_identifier_conflict(void)
{
	for (int conflict = 0; conflict < 2; conflict++) {
		const struct in6_addr ll = ADDR(NODE_LL);
		struct shown s;
		const struct mac mac = MAC(1);
		struct pair p;
		struct bench *b;
		struct mh_msg m;

		pair_init(&p);
		b = p.b.bench;
		memset(&b->cfg.fixed_mag_link_local_address_on_all_access_links, 0, sizeof(ll));
		pair_start(&p);
		m = hi_msg(1, MH_HI_P | MH_HI_F, HI_CODE_ALL_CONTEXT, 1);
		with_context(&m, HNP1, LMA1, &mac);
		mh_opt_add(&m, MHO_LINK_LOCAL)->addr = ll;
		mh_opt_add(&m, MHO_MN_LLA_IID)->iid = conflict ? IID : IID + 1;
		receive_ho(b, MAG_A, &m);
		CU_ASSERT_TRUE(in_state(b, 1, "EXPECTED"));
		s = shown(b, 1);
		CU_ASSERT_EQUAL(addr6_eq(&s.b.link_local, &ll), !conflict);
		pair_free(&p);
	}
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"RFC 5949 6.2.8 the Vendor Specific options of the last answer that has some are kept", test_kept_of_the_lma},
		{"Vendor Specific options are bounded in number and octets, and counted beyond", test_bounded},
		{"RFC 5949 6.2.8 a predictive Handover Initiate carries Vendor Specific options", test_predictive},
		{"Vendor Specific options of the LMA count more than the old MAG's", test_own_are_newer},
		{"Vendor Specific options in several messages are put together", test_in_pieces},
		{"RFC 5949 6.2.1 configured Vendor Specific options are asked for, and come", test_reactive},
		{"all Vendor Specific options that can be configured are asked for", test_many_asked_for},
		{"RFC 5949 6.2.1 a Context Request names Vendor ID and Sub-Type, or less", test_requests},
		{"RFC 5949 6.2.3 the node's interface identifier is known at its new MAG", test_identifier},
		{"RFC 5949 6.2.3 an interface identifier is sent when it is known, and remembered", test_identifier_known},
		{"a router's link-local address that is the node's own is not taken over", test_identifier_conflict},
		{0},
	};
	// clang-format on
	return cu_main("fho_context", tests, argc, argv);
}
