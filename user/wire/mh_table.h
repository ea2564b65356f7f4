/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a row of the codec's tables is made of. Private to wire/ and to the test that checks the
 * tables; everybody else reads the rows through mh_opt_infos() and mh_type_infos().
 *
 * A field row says where a field lies on the wire and where its decoded value lies in
 * struct mh_opt (options) or struct mh_msg (the fixed part of messages). Wire offsets count as
 * the figures of the RFCs do: from the Type octet of an option, from Payload Proto of a message.
 */
#pragma once

#include "wire/mh.h"

enum mh_field_kind {
	MHF_UINT,	/* unsigned integer of `width` octets */
	MHF_PREFIX_LEN, /* one octet, 0..128 */
	MHF_ADDR6,	/* IPv6 address */
	MHF_RESERVED,	/* sent as zero, ignored on receipt, no value */
	MHF_TAIL,	/* all octets up to the end of the option, borrowed */
	MHF_BITS,    /* `bits` bits in an integer of `width` octets, `shift` from its right, 0..max;
			the other bits are reserved. The value is one octet or a bool */
	MHF_ADDR4,   /* IPv4 address, kept in network order as struct in_addr is */
	MHF_UINT_IF, /* as MHF_UINT, last of its option and possibly absent */
};

/* How a value is shown. */
enum mh_field_show {
	MHS_DEC,
	MHS_HEX,
	MHS_UNITS,    /* units of 4 s */
	MHS_TIME,     /* 48 bits seconds since 1970, 16 bits fraction */
	MHS_BU_FLAGS, /* letters of the BU flags */
	MHS_BA_FLAGS,
	MHS_HB_FLAGS,
	MHS_BR_FLAGS,
	MHS_HI_FLAGS,
	MHS_HACK_FLAGS,
	MHS_ADDR,
	MHS_YES_NO,  /* of a flag */
	MHS_OCTETS,  /* aa:bb:cc */
	MHS_TEXT,    /* as text when printable, else hexadecimal */
	MHS_IP,	     /* an address of 4 or 16 octets */
	MHS_CONTEXT, /* "22, 25, 19 (00:00:7a:79:01)" */
};

struct mh_field {
	const char *name;
	uint8_t at;	  /* offset on the wire */
	uint8_t width;	  /* octets on the wire; 0: MHF_TAIL */
	uint8_t kind;	  /* enum mh_field_kind */
	uint8_t show;	  /* enum mh_field_show */
	uint16_t off;	  /* of the value in the structure; MHF_TAIL: of the pointer */
	uint16_t off_len; /* MHF_TAIL: of the number of octets; MHF_UINT_IF: of the bool "is there"
			   */
	uint8_t size;	  /* of the value in the structure */
	const char *(*value_name)(uint8_t); /* name of a value of a registry, or NULL */
	/* as value_name, where the registry depends on the message */
	const char *(*value_name_in)(const struct mh_msg *m, uint8_t v);
	uint8_t shift, bits, max;			/* MHF_BITS */
	bool (*tail_ok)(const uint8_t *p, uint8_t len); /* MHF_TAIL: its form; NULL: any */
};

/* Row of an option or of a type; NULL beyond the registries. */
const struct mh_opt_info *mh_opt_row(uint8_t type);
const struct mh_type_info *mh_type_row(uint8_t type);

/* The letters of a set of flags, most significant bit first: "AP". */
struct mh_flag {
	uint16_t bit;
	char letter;
};
const char *mh_bu_flags_str(uint16_t flags, char buf[17]);
const char *mh_ba_flags_str(uint8_t flags, char buf[9]);
const char *mh_hb_flags_str(uint16_t flags, char buf[17]);
const char *mh_br_flags_str(uint16_t flags, char buf[17]);
const char *mh_hi_flags_str(uint16_t flags, char buf[17]);
const char *mh_hack_flags_str(uint16_t flags, char buf[17]);
/* RFC 5949 6.2.1, 6.2.2 */
bool mh_context_ok(const uint8_t *p, uint8_t len);
bool mh_lma_addr_ok(const uint8_t *p, uint8_t len);
const char *lma_addr_code_name(uint8_t v);
const char *br_type_name(uint8_t v);
const char *mnid_subtype_name(uint8_t v);
const char *be_status_name(uint8_t v);
const char *hoa4_status_name(uint8_t v);
