/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The golden vectors both ways: octets to text, and a message in words to exactly those octets. */
#include "lib/cu.h"
#include "lib/vectors.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/mh.h"

static struct vectors all;

/* Octets that built messages point to. */
static uint8_t pool[8192];
static size_t pool_used;

static const uint8_t *pool_hex(const char *hex, size_t *len)
{
	uint8_t *at = pool + pool_used;

	for (*len = 0; hex && sscanf(hex + 2 * *len, "%2hhx", &pool[pool_used]) == 1; ++*len)
		pool_used++;
	return at;
}

static const uint8_t *pool_text(const char *text, size_t *len)
{
	uint8_t *at = pool + pool_used;

	*len = strlen(text);
	memcpy(at, text, *len);
	pool_used += *len;
	return at;
}

static unsigned long long num(const char *s)
{
	return s ? strtoull(s, NULL, 0) : 0;
}

static struct in6_addr addr(const char *s)
{
	struct in6_addr a = {0};

	CU_ASSERT_EQUAL(s ? inet_pton(AF_INET6, s, &a) : 0, 1);
	return a;
}

static struct in_addr addr4(const char *s)
{
	struct in_addr a = {0};

	CU_ASSERT_EQUAL(s ? inet_pton(AF_INET, s, &a) : 0, 1);
	return a;
}

/* The options of RFC 5844 and RFC 5845. */
static bool build_opt4(struct mh_opt *o, char *w[4])
{
	if (!strcmp(w[0], "nat")) {
		o->type = MHO_NAT_DETECTION;
		o->nat.force = num(w[1]);
		o->nat.refresh_s = (uint32_t)num(w[2]);
	} else if (!strcmp(w[0], "gre")) {
		o->type = MHO_GRE_KEY;
		o->gre.has_key = w[1] != NULL;
		o->gre.key = (uint32_t)num(w[1]);
	} else if (!strcmp(w[0], "hoa4") || !strcmp(w[0], "hoa4-reply")) {
		o->type = w[0][4] ? MHO_IPV4_HOA_REPLY : MHO_IPV4_HOA_REQUEST;
		o->hoa4.addr = addr4(w[1]);
		o->hoa4.len = (uint8_t)num(w[2]);
		o->hoa4.status = (uint8_t)num(w[3]);
	} else if (!strcmp(w[0], "router")) {
		o->type = MHO_IPV4_DEFAULT_ROUTER;
		o->addr4 = addr4(w[1]);
	} else if (!strcmp(w[0], "dhcp")) {
		o->type = MHO_IPV4_DHCP_MODE;
		o->server = num(w[1]);
	} else {
		return false;
	}
	return true;
}

/* The options of RFC 5949. */
static bool build_handover_opt(struct mh_opt *o, char *w[4])
{
	size_t len;

	if (!strcmp(w[0], "context")) {
		o->type = MHO_CONTEXT_REQUEST;
		o->requests.data = pool_hex(w[1], &len);
		o->requests.len = (uint8_t)len;
	} else if (!strcmp(w[0], "lma")) {
		o->type = MHO_LMA_ADDRESS;
		o->lma.code = (uint8_t)num(w[1]);
		o->lma.octets = pool_hex(w[2], &len);
		o->lma.len = (uint8_t)len;
	} else if (!strcmp(w[0], "iid")) {
		o->type = MHO_MN_LLA_IID;
		o->iid = num(w[1]);
	} else {
		return false;
	}
	return true;
}

/* One line of a description: a word and up to three arguments. False: not known. */
static bool build_opt(struct mh_msg *m, char *w[4])
{
	struct mh_opt *o = mh_opt_add(m, 0);
	size_t len;

	if (!o)
		return false;
	if (!strcmp(w[0], "refresh")) {
		o->type = MHO_BINDING_REFRESH_ADVICE;
		o->refresh_interval = (uint16_t)num(w[1]);
	} else if (!strcmp(w[0], "altcoa")) {
		o->type = MHO_ALT_COA;
		o->addr = addr(w[1]);
	} else if (!strcmp(w[0], "nonce")) {
		o->type = MHO_NONCE_INDICES;
		o->nonce.home = (uint16_t)num(w[1]);
		o->nonce.careof = (uint16_t)num(w[2]);
	} else if (!strcmp(w[0], "auth")) {
		o->type = MHO_AUTH_DATA;
		o->bytes.data = pool_hex(w[1], &len);
		o->bytes.len = (uint8_t)len;
	} else if (!strcmp(w[0], "mnid")) {
		o->type = MHO_MN_ID;
		o->mnid.subtype = (uint8_t)num(w[1]);
		o->mnid.id = !strcmp(w[2], "text") ? pool_text(w[3], &len) : pool_hex(w[3], &len);
		o->mnid.len = (uint8_t)len;
	} else if (!strcmp(w[0], "vendor")) {
		o->type = MHO_VENDOR;
		o->vendor.id = (uint32_t)num(w[1]);
		o->vendor.subtype = (uint8_t)num(w[2]);
		o->vendor.data = pool_hex(w[3], &len);
		o->vendor.len = (uint8_t)len;
	} else if (!strcmp(w[0], "service")) {
		o->type = MHO_SERVICE_SELECTION;
		o->bytes.data = pool_text(w[1], &len);
		o->bytes.len = (uint8_t)len;
	} else if (!strcmp(w[0], "hnp")) {
		o->type = MHO_HNP;
		o->hnp.flags = (uint8_t)num(w[1]);
		o->hnp.prefix.addr = addr(w[2]);
		o->hnp.prefix.len = (uint8_t)num(w[3]);
	} else if (!strcmp(w[0], "hi") || !strcmp(w[0], "att")) {
		o->type = w[0][0] == 'h' ? MHO_HANDOFF_IND : MHO_ATT;
		o->value = (uint8_t)num(w[1]);
	} else if (!strcmp(w[0], "llid")) {
		o->type = MHO_MN_LLID;
		o->llid.id = pool_hex(w[1], &len);
		o->llid.len = (uint8_t)len;
	} else if (!strcmp(w[0], "lla")) {
		o->type = MHO_LINK_LOCAL;
		o->addr = addr(w[1]);
	} else if (!strcmp(w[0], "ts")) {
		o->type = MHO_TIMESTAMP;
		o->timestamp = num(w[1]) << 16 | num(w[2]);
	} else if (!strcmp(w[0], "restarts")) {
		o->type = MHO_RESTART_COUNTER;
		o->restart_counter = (uint32_t)num(w[1]);
	} else {
		return build_opt4(o, w) || build_handover_opt(o, w);
	}
	return true;
}

static bool build_line(struct mh_msg *m, char *w[4])
{
	if (!strcmp(w[0], "brr")) {
		m->type = MH_BRR;
	} else if (!strcmp(w[0], "bu")) {
		m->type = MH_BU;
		m->bu.seq = (uint16_t)num(w[1]);
		m->bu.flags = (uint16_t)num(w[2]);
		m->bu.lifetime = (uint16_t)num(w[3]);
	} else if (!strcmp(w[0], "ba")) {
		m->type = MH_BA;
		m->ba.status = (uint8_t)num(w[1]);
		m->ba.flags = (uint8_t)num(w[2]);
		m->ba.seq = (uint16_t)num(w[3]);
	} else if (!strcmp(w[0], "be")) {
		m->type = MH_BE;
		m->be.status = (uint8_t)num(w[1]);
		m->be.hoa = addr(w[2]);
	} else if (!strcmp(w[0], "hb")) {
		m->type = MH_HEARTBEAT;
		m->hb.flags = (uint16_t)num(w[1]);
		m->hb.seq = (uint32_t)num(w[2]);
	} else if (!strcmp(w[0], "bri") || !strcmp(w[0], "bra")) {
		m->type = MH_BINDING_REVOCATION;
		m->br.type = w[0][2] == 'i' ? BR_INDICATION : BR_ACKNOWLEDGEMENT;
		m->br.code = (uint8_t)num(w[1]);
		m->br.seq = (uint16_t)num(w[2]);
		m->br.flags = (uint16_t)num(w[3]);
	} else if (!strcmp(w[0], "hi-msg") || !strcmp(w[0], "hack")) {
		m->type = w[0][1] == 'i' ? MH_HI : MH_HACK;
		m->ho.seq = (uint16_t)num(w[1]);
		m->ho.flags = (uint8_t)num(w[2]);
		m->ho.code = (uint8_t)num(w[3]);
	} else {
		return build_opt(m, w);
	}
	return true;
}

static bool build(struct mh_msg *m, const char *description)
{
	char *text = strdup(description), *line, *save = NULL;
	bool ok = true;

	memset(m, 0, sizeof(*m));
	pool_used = 0;
	for (line = strtok_r(text, "\n", &save); line && ok; line = strtok_r(NULL, "\n", &save)) {
		char *words = NULL, *w[5], *p = line;

		for (int i = 0; i < 5; i++, p = NULL)
			w[i] = strtok_r(p, " ", &words);
		ok = build_line(m, w);
		/* the one line of five words */
		if (w[4])
			m->ba.lifetime = (uint16_t)num(w[4]);
	}
	free(text);
	return ok;
}

static void say(const struct vector *v, const char *what)
{
	printf("\n%s (%s): %s\n", v->name, v->clause, what);
}

static enum mh_verdict decode(const struct vector *v, struct mh_msg *m)
{
	return mh_decode(m, v->octets, v->len, v->with_checksum ? &v->src : NULL,
			 v->with_checksum ? &v->dst : NULL);
}

static void test_verdicts(void)
{
	struct mh_msg m;
	unsigned seen[MH_VERDICT_MAX] = {0};

	for (size_t i = 0; i < all.n; i++) {
		enum mh_verdict got = decode(&all.v[i], &m);

		if (strcmp(mh_verdict_name(got), all.v[i].verdict)) {
			say(&all.v[i], mh_verdict_name(got));
			CU_FAIL("other verdict");
		}
		seen[got]++;
	}
	for (int v = 0; v < MH_VERDICT_MAX; v++)
		CU_ASSERT_TRUE(seen[v] > 0);
}

static void test_decode_to_text(void)
{
	size_t checked = 0;
	struct mh_msg m;

	for (size_t i = 0; i < all.n; i++) {
		const struct vector *v = &all.v[i];
		static char summary[8192];
		char *text = NULL;
		size_t size;
		FILE *f;

		if (decode(v, &m) != MH_OK)
			continue;
		CU_ASSERT_PTR_NOT_NULL_FATAL(v->text);
		CU_ASSERT_PTR_NOT_NULL_FATAL(v->summary);
		f = open_memstream(&text, &size);
		mh_print(f, &m);
		fclose(f);
		if (strcmp(text, v->text)) {
			say(v, text);
			CU_FAIL("other text");
		}
		free(text);
		if (strcmp(mh_summary(&m, summary, sizeof(summary)), v->summary)) {
			say(v, summary);
			CU_FAIL("other summary");
		}
		checked++;
	}
	CU_ASSERT_TRUE(checked >= 70);
}

static void test_encode_from_words(void)
{
	size_t checked = 0;
	struct mh_msg m;

	for (size_t i = 0; i < all.n; i++) {
		const struct vector *v = &all.v[i];
		uint8_t buf[MH_MAX_LEN];
		int n;

		if (!v->build)
			continue;
		if (!build(&m, v->build)) {
			say(v, "description not understood");
			CU_FAIL("description");
			continue;
		}
		n = mh_encode(&m, buf, sizeof(buf), &v->src, &v->dst);
		if (n != (int)v->len || memcmp(buf, v->octets, v->len)) {
			say(v, "encoded otherwise");
			CU_FAIL("other octets");
		}
		checked++;
	}
	CU_ASSERT_TRUE(checked >= 60);
}

static void test_reencode_exactly(void)
{
	struct mh_msg m;

	for (size_t i = 0; i < all.n; i++) {
		const struct vector *v = &all.v[i];
		uint8_t buf[MH_MAX_LEN];
		int n;

		if (!v->build)
			continue;
		CU_ASSERT_EQUAL_FATAL(decode(v, &m), MH_OK);
		n = mh_encode(&m, buf, sizeof(buf), &v->src, &v->dst);
		if (n != (int)v->len || memcmp(buf, v->octets, v->len)) {
			say(v, "encoded otherwise");
			CU_FAIL("other octets");
		}
	}
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"every vector gets its verdict, every verdict has a vector", test_verdicts},
		{"octets become the expected text",							   test_decode_to_text},
		{"a message in words becomes exactly the octets",test_encode_from_words},
		{"what was decoded is encoded to the same octets",		   test_reencode_exactly},
		{0							  },
	};
	int rc;

	if (vectors_load(&all, vectors_dir()))
		return 2;
	rc = cu_main("vectors", tests, argc, argv);
	vectors_free(&all);
	return rc;
}
