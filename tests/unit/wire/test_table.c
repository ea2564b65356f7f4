/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the codec are consistent. */
#include "lib/cu.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "wire/mh_table.h"

/* Fields stand in order, without gap or overlap, and fit where their values go. Returns the
 * offset behind the last field of fixed width. */
static unsigned check_fields(const char *row, const struct mh_field *f, unsigned n, unsigned start,
			     size_t room)
{
	unsigned at = start;
	bool ok = true;

	for (unsigned i = 0; i < n; i++, f++) {
		ok &= f->name && f->at == at;
		switch (f->kind) {
		case MHF_UINT:
			ok &= f->width == f->size;
			ok &= f->width == 1 || f->width == 2 || f->width == 4 || f->width == 8;
			ok &= f->off + f->size <= room;
			ok &= (!f->value_name && !f->value_name_in) || f->width == 1;
			ok &= !f->value_name_in || start == 6; /* of messages only */
			break;
		case MHF_PREFIX_LEN:
			ok &= f->width == 1 && f->size == 1 && f->off + 1u <= room;
			break;
		case MHF_ADDR6:
			ok &= f->width == 16 && f->size == 16 && f->off + 16u <= room;
			break;
		case MHF_RESERVED:
			ok &= f->width > 0;
			break;
		case MHF_TAIL:
			ok &= i == n - 1 && f->width == 0 && f->size == sizeof(uint8_t *);
			ok &= f->off + sizeof(uint8_t *) <= room && f->off_len < room;
			ok &= f->off_len < f->off || f->off_len >= f->off + sizeof(uint8_t *);
			break;
		case MHF_BITS:
			ok &= f->size == 1 && f->off < room && f->width <= 4;
			ok &= f->bits && f->bits <= 8 && f->shift + f->bits <= 8 * f->width;
			ok &= f->max && f->max < 1u << f->bits;
			break;
		case MHF_ADDR4:
			ok &= f->width == 4 && f->size == 4 && f->off + 4u <= room;
			break;
		case MHF_UINT_IF:
			ok &= i == n - 1 && f->width == f->size && f->off + f->size <= room;
			ok &= f->off_len < room;
			ok &= f->off_len < f->off || f->off_len >= f->off + f->size;
			break;
		default:
			ok = false;
		}
		at += f->width;
	}
	if (!ok)
		printf("\n%s: fields are not consistent\n", row);
	CU_ASSERT_TRUE(ok);
	return at;
}

static void test_options(void)
{
	const struct mh_opt_info *rows;
	size_t n = mh_opt_infos(&rows);

	CU_ASSERT_EQUAL(n, 71);
	for (size_t i = 0; i < n; i++) {
		const struct mh_opt_info *r = &rows[i];
		const struct mh_field *last = r->n_fields ? &r->fields[r->n_fields - 1] : NULL;
		unsigned end;

		CU_ASSERT_EQUAL(r->type, i);
		CU_ASSERT_PTR_NOT_NULL_FATAL(r->name);
		CU_ASSERT_EQUAL(strncmp(r->ref, "RFC ", 4), 0);
		CU_ASSERT_TRUE(r->align_x == 1 || r->align_x == 2 || r->align_x == 4 ||
			       r->align_x == 8);
		CU_ASSERT_TRUE(r->align_y < r->align_x);
		CU_ASSERT_TRUE(r->min_len <= r->max_len);
		CU_ASSERT_TRUE(r->has_layout || !r->n_fields);
		CU_ASSERT_EQUAL(!r->n_fields, !r->fields);
		for (size_t k = 0; k < i; k++)
			CU_ASSERT_STRING_NOT_EQUAL(rows[k].name, r->name);
		if (!r->n_fields)
			continue;

		end = check_fields(r->name, r->fields, r->n_fields, 2, sizeof(struct mh_opt));
		if (last->tail_ok) {
			CU_ASSERT_EQUAL(last->kind, MHF_TAIL);
			CU_ASSERT_TRUE(r->min_len >= end - 2);
		} else if (last->kind == MHF_TAIL) {
			CU_ASSERT_TRUE(r->min_len >= end - 2);
			CU_ASSERT_TRUE(r->min_len <= end - 2 + 1);
			CU_ASSERT_EQUAL(r->max_len, 255);
		} else if (last->kind == MHF_UINT_IF) {
			CU_ASSERT_EQUAL(r->min_len, end - 2 - last->width);
			CU_ASSERT_EQUAL(r->max_len, end - 2);
			CU_ASSERT_EQUAL(r->align_rule, MH_ALIGN_FIXED);
		} else {
			CU_ASSERT_EQUAL(r->min_len, end - 2);
			CU_ASSERT_EQUAL(r->max_len, end - 2);
			CU_ASSERT_EQUAL(r->align_rule, MH_ALIGN_FIXED);
		}
		/* RFC 6275 6.2.1: integers of an aligned option fall on natural boundaries */
		for (unsigned k = 0; k < r->n_fields && r->align_x > 1; k++) {
			const struct mh_field *f = &r->fields[k];
			unsigned width = f->kind == MHF_ADDR6 ? 8 : f->width;

			if (f->kind == MHF_TAIL || f->kind == MHF_RESERVED)
				continue;
			if (width > r->align_x)
				width = r->align_x;
			/* RFC 5213 8.8 asks for 8n+2, which puts its 8 octets on 4 */
			if (r->type == MHO_TIMESTAMP)
				width = 4;
			CU_ASSERT_EQUAL((r->align_y + f->at) % width, 0);
		}
	}
}

static void test_types(void)
{
	const struct mh_type_info *rows;
	size_t n = mh_type_infos(&rows);

	CU_ASSERT_EQUAL(n, 24);
	for (size_t i = 0; i < n; i++) {
		const struct mh_type_info *r = &rows[i];

		CU_ASSERT_EQUAL(r->type, i);
		CU_ASSERT_PTR_NOT_NULL_FATAL(r->name);
		CU_ASSERT_PTR_NOT_NULL_FATAL(r->short_name);
		CU_ASSERT_EQUAL(strncmp(r->ref, "RFC ", 4), 0);
		CU_ASSERT_EQUAL(r->has_layout, r->n_fields > 0);
		for (size_t k = 0; k < i; k++)
			CU_ASSERT_STRING_NOT_EQUAL(rows[k].short_name, r->short_name);
		if (!r->has_layout)
			continue;
		CU_ASSERT_EQUAL(check_fields(r->name, r->fields, r->n_fields, 6,
					     offsetof(struct mh_msg, n_opts)),
				r->fixed_len);
		/* the least Header Len is the fixed part, rounded up to 8 octets */
		CU_ASSERT_EQUAL(r->min_hdr_len, (r->fixed_len + 7) / 8 - 1);
	}
	CU_ASSERT_STRING_EQUAL(mh_type_name(24), "Unknown");
	CU_ASSERT_STRING_EQUAL(mh_opt_name(71), "Unknown");
}

/* Names a registry gives, against the numbers it gives them to. */
static void test_registries(void)
{
	static const uint8_t unassigned[] = {7, 127, 181, 255};
	unsigned named = 0;

	for (unsigned s = 0; s < 256; s++) {
		const char *name = pba_status_name((uint8_t)s);

		if (!strcmp(name, "UNKNOWN"))
			continue;
		named++;
		for (const char *c = name; *c; c++)
			CU_ASSERT_TRUE(isupper((unsigned char)*c) || isdigit((unsigned char)*c) ||
				       *c == '_');
		for (unsigned k = 0; k < s; k++)
			CU_ASSERT_STRING_NOT_EQUAL(pba_status_name((uint8_t)k), name);
	}
	CU_ASSERT_EQUAL(named, 7 + 53);
	for (size_t i = 0; i < ARRAY_SIZE(unassigned); i++)
		CU_ASSERT_STRING_EQUAL(pba_status_name(unassigned[i]), "UNKNOWN");
	CU_ASSERT_STRING_EQUAL(pba_status_name(PBA_TIMESTAMP_MISMATCH), "TIMESTAMP_MISMATCH");
	CU_ASSERT_STRING_EQUAL(pba_status_name(PBA_PREFIX_SET_MISMATCH),
			       "BCE_PBU_PREFIX_SET_DO_NOT_MATCH");
	for (uint8_t v = 0; v <= 6; v++)
		CU_ASSERT_STRING_NOT_EQUAL(handoff_ind_name(v), "UNKNOWN");
	CU_ASSERT_STRING_EQUAL(handoff_ind_name(7), "UNKNOWN");
	/* RFC 5846 5.1, 5.2: names in two runs of numbers */
	for (unsigned v = 0; v < 256; v++) {
		CU_ASSERT_EQUAL(strcmp(br_trigger_name((uint8_t)v), "UNKNOWN") != 0,
				v <= 7 || v == 128 || v == 129);
		CU_ASSERT_EQUAL(strcmp(bra_status_name((uint8_t)v), "UNKNOWN") != 0,
				v <= 1 || (v >= 128 && v <= 135));
	}
	CU_ASSERT_STRING_EQUAL(bra_status_name(BRA_MN_IS_ATTACHED),
			       "Revocation Failed - MN is Attached");
	/* RFC 5949 8 */
	for (unsigned v = 0; v < 256; v++) {
		CU_ASSERT_EQUAL(strcmp(hi_code_name((uint8_t)v, true), "UNKNOWN") != 0, v <= 3);
		CU_ASSERT_EQUAL(strcmp(hack_code_name((uint8_t)v, true), "UNKNOWN") != 0,
				v <= 6 || (v >= 128 && v <= 132));
		CU_ASSERT_EQUAL(strcmp(hi_code_name((uint8_t)v, true),
				       hi_code_name((uint8_t)v, false)) != 0,
				v == 0);
	}
	CU_ASSERT_STRING_EQUAL(hack_code_name(HACK_NO_FORWARDING, true),
			       "Forwarding Not Available");
	CU_ASSERT_STRING_EQUAL(br_type_name(0), "UNKNOWN");
	CU_ASSERT_STRING_EQUAL(br_type_name(3), "UNKNOWN");
	for (uint8_t v = 0; v <= 13; v++)
		CU_ASSERT_STRING_NOT_EQUAL(att_name(v), "UNKNOWN");
	CU_ASSERT_STRING_EQUAL(att_name(14), "UNKNOWN");
	for (unsigned v = 0; v < MH_VERDICT_MAX; v++)
		CU_ASSERT_STRING_NOT_EQUAL(mh_verdict_name((enum mh_verdict)v), "UNKNOWN");
	CU_ASSERT_STRING_EQUAL(mh_verdict_name(MH_VERDICT_MAX), "UNKNOWN");
}

static void test_markdown(void)
{
	char *text = NULL;
	size_t size, lines = 0;
	FILE *f = open_memstream(&text, &size);

	mh_print_registry_md(f);
	fclose(f);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	CU_ASSERT_EQUAL(lines, 2 + 24 + 1 + 2 + 71);
	CU_ASSERT_PTR_NOT_NULL(strstr(
		text, "| 22 | Home Network Prefix | full | 18 | 8n+4 | yes | RFC 5213 8.3 |\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "| 5 | Binding Update | full | 1 |"));
	free(text);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"option rows are ordered, unique and sound",    test_options},
		{"message rows are ordered, unique and sound",					       test_types},
		{"registries name what is assigned and no more",test_registries},
		{"registries are printed as Markdown tables", test_markdown},
		{0					     },
	};
	return cu_main("table", tests, argc, argv);
}
