/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Mobility Header codec (RFC 6275 section 6): numbers, a decoded view, encode, decode, print.
 *
 * A decoded message borrows the datagram it was decoded from and is valid as long as that is; what
 * shall outlive it is copied by its keeper. Integers in decoded structures are in host order.
 * Everything about an option (name, length, alignment, fields) stands in one row of the table
 * in mh_opts.c; decoding, encoding, printing, documentation and the fuzz dictionary read that row.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"

#define MH_PROTO	  135 /* IPv6 Next Header of a Mobility Header, RFC 6275 6.1.1 */
#define MH_NO_NEXT_HEADER 59
#define MH_MAX_LEN	  2048 /* octets: (255 + 1) * 8 */
#define MH_OPTS_MAX	  64   /* options kept per message; more is refused as malformed */
#define MH_NAI_MAX	  254  /* Length octet counts the subtype too, RFC 4283 3 */
#define MH_LIFETIME_UNIT  4u   /* seconds, RFC 6275 6.1.7 */

enum mh_type {
	MH_BRR = 0,
	MH_HOTI = 1,
	MH_COTI = 2,
	MH_HOT = 3,
	MH_COT = 4,
	MH_BU = 5, /* Proxy Binding Update when the P flag is set */
	MH_BA = 6,
	MH_BE = 7,
	MH_FBU = 8,
	MH_FBACK = 9,
	MH_FNA = 10,
	MH_EXPERIMENTAL = 11,
	MH_HA_SWITCH = 12,
	MH_HEARTBEAT = 13,
	MH_HI = 14,
	MH_HACK = 15,
	MH_BINDING_REVOCATION = 16,
	MH_LRI = 17,
	MH_LRA = 18,
	MH_UPN = 19,
	MH_UPA = 20,
	MH_FLOW_BINDING = 21,
	MH_SUBSCRIPTION_QUERY = 22,
	MH_SUBSCRIPTION_RESPONSE = 23,
};

/* Binding Update flags (16 bit) and Binding Acknowledgement flags (8 bit), digest of the IANA
 * registry; RFC 6275 6.1.7/6.1.8, RFC 5213 8.1/8.2. */
#define MH_BU_A 0x8000u
#define MH_BU_H 0x4000u
#define MH_BU_L 0x2000u
#define MH_BU_K 0x1000u
#define MH_BU_M 0x0800u
#define MH_BU_R 0x0400u
#define MH_BU_P 0x0200u
#define MH_BU_F 0x0100u
#define MH_BU_T 0x0080u
#define MH_BU_B 0x0040u
#define MH_BU_S 0x0020u
#define MH_BU_D 0x0010u
#define MH_BA_K 0x80u
#define MH_BA_R 0x40u
#define MH_BA_P 0x20u
#define MH_BA_T 0x10u
#define MH_BA_B 0x08u
#define MH_BA_S 0x04u
#define MH_BA_D 0x02u
/* Heartbeat flags, RFC 5847 3.3: unsolicited, response. */
#define MH_HB_U 0x0002u
#define MH_HB_R 0x0001u
/* Binding Revocation flags, RFC 5846 5.1: proxy binding, IPv4 home address only, global. */
#define MH_BR_P 0x8000u
#define MH_BR_V 0x4000u
#define MH_BR_G 0x2000u
/* Flags of Handover Initiate and Handover Acknowledge, RFC 5949 6.1: the same letters stand on
 * different bits. Assigned address configuration (0 in PMIPv6), buffer, proxy, forward. */
#define MH_HI_S	  0x80u
#define MH_HI_U	  0x40u
#define MH_HI_P	  0x20u
#define MH_HI_F	  0x10u
#define MH_HACK_U 0x80u
#define MH_HACK_P 0x40u
#define MH_HACK_F 0x20u

enum mh_opt_type {
	MHO_PAD1 = 0,
	MHO_PADN = 1,
	MHO_BINDING_REFRESH_ADVICE = 2,
	MHO_ALT_COA = 3,
	MHO_NONCE_INDICES = 4,
	MHO_AUTH_DATA = 5,
	MHO_MN_ID = 8,
	MHO_VENDOR = 19,
	MHO_SERVICE_SELECTION = 20,
	MHO_HNP = 22,
	MHO_HANDOFF_IND = 23,
	MHO_ATT = 24,
	MHO_MN_LLID = 25,
	MHO_LINK_LOCAL = 26,
	MHO_TIMESTAMP = 27,
	MHO_RESTART_COUNTER = 28,  /* RFC 5847 3.4 */
	MHO_NAT_DETECTION = 31,	   /* RFC 5844 4.1.1 */
	MHO_GRE_KEY = 33,	   /* RFC 5845 6.1 */
	MHO_IPV4_HOA_REQUEST = 36, /* 36 to 39: RFC 5844 3.3 */
	MHO_IPV4_HOA_REPLY = 37,
	MHO_IPV4_DEFAULT_ROUTER = 38,
	MHO_IPV4_DHCP_MODE = 39,
	MHO_CONTEXT_REQUEST = 40, /* 40 to 42: RFC 5949 6.2 */
	MHO_LMA_ADDRESS = 41,
	MHO_MN_LLA_IID = 42,
};

enum pba_status {
	PBA_ACCEPTED = 0,
	PBA_ACCEPTED_PREFIX_DISCOVERY = 1,
	PBA_GRE_KEY_NOT_REQUIRED = 2,  /* 2, 3: RFC 5845 6.4 */
	PBA_GRE_TLV_NOT_SUPPORTED = 3, /* GRE it is, but without UDP and TLV header */
	PBA_REASON_UNSPECIFIED = 128,
	PBA_ADMIN_PROHIBITED = 129,
	PBA_INSUFFICIENT_RESOURCES = 130,
	PBA_HOME_REG_NOT_SUPPORTED = 131,
	PBA_NOT_HOME_SUBNET = 132,
	PBA_NOT_HOME_AGENT = 133,
	PBA_DAD_FAILED = 134,
	PBA_SEQ_OUT_OF_WINDOW = 135,
	PBA_SERVICE_AUTHORIZATION_FAILED = 151, /* RFC 5149 */
	PBA_PROXY_REG_NOT_ENABLED = 152,	/* 152..162: RFC 5213 8.9 */
	PBA_NOT_LMA_FOR_THIS_MN = 153,
	PBA_MAG_NOT_AUTHORIZED = 154,
	PBA_NOT_AUTHORIZED_FOR_HNP = 155,
	PBA_TIMESTAMP_MISMATCH = 156,
	PBA_TIMESTAMP_LOWER = 157,
	PBA_MISSING_HNP = 158,
	PBA_PREFIX_SET_MISMATCH = 159,
	PBA_MISSING_MN_ID = 160,
	PBA_MISSING_HANDOFF_IND = 161,
	PBA_MISSING_ATT = 162,
	PBA_GRE_KEY_REQUIRED = 163,		    /* RFC 5845 6.4 */
	PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY = 170, /* 170 to 173: RFC 5844 3.3.5 */
	PBA_NOT_AUTHORIZED_FOR_IPV4_HOA = 171,
	PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY = 172,
	PBA_MULTIPLE_IPV4_HOA_NOT_SUPPORTED = 173,
};

/* Status of the IPv4 Home Address Reply option, RFC 5844 3.3.2. */
enum hoa4_status {
	HOA4_SUCCESS = 0,
	HOA4_REASON_UNSPECIFIED = 128,
	HOA4_NOT_AUTHORIZED = 129, /* "Administratively prohibited" */
	HOA4_INCORRECT = 130,	   /* not the node's address */
	HOA4_INVALID = 131,	   /* not the address of a node at all */
	HOA4_NO_DYNAMIC = 132,	   /* 0.0.0.0 asked for, and none is assigned here */
};

/* Binding Revocation Type, RFC 5846 5: what the one MH Type stands for. */
enum br_type { BR_INDICATION = 1, BR_ACKNOWLEDGEMENT = 2 };

enum br_trigger { /* RFC 5846 5.1; from 128 on with the G flag */
		  BR_UNSPECIFIED = 0,
		  BR_ADMINISTRATIVE = 1,
		  BR_HANDOVER_SAME_ATT = 2,
		  BR_HANDOVER_OTHER_ATT = 3,
		  BR_HANDOVER_UNKNOWN = 4,
		  BR_USER_TERMINATION = 5,
		  BR_NETWORK_TERMINATION = 6,
		  BR_OUT_OF_SYNC = 7,
		  BR_PER_PEER_POLICY = 128,
		  BR_LOCAL_POLICY = 129,
};

enum bra_status { /* RFC 5846 5.2 */
		  BRA_SUCCESS = 0,
		  BRA_PARTIAL_SUCCESS = 1,
		  BRA_NO_BINDING = 128,
		  BRA_IPV4_HOA_REQUIRED = 129,
		  BRA_GLOBAL_NOT_AUTHORIZED = 130,
		  BRA_IDENTITY_REQUIRED = 131,
		  BRA_MN_IS_ATTACHED = 132,
		  BRA_TRIGGER_NOT_SUPPORTED = 133,
		  BRA_FUNCTION_NOT_SUPPORTED = 134,
		  BRA_PROXY_NOT_SUPPORTED = 135,
};

enum hi_code { /* RFC 5949 6.1.1, with the P flag */
	       HI_CODE_DEFAULT = 0,
	       HI_CODE_FORWARDING_DONE = 2,
	       HI_CODE_ALL_CONTEXT = 3,
};

enum hack_code { /* RFC 5949 6.1.2, with the P flag */
		 HACK_ACCEPTED = 0,
		 HACK_CONTEXT_ACCEPTED = 5, /* of a context request: and more is to be had */
		 HACK_ALL_CONTEXT = 6,
		 HACK_UNSPECIFIED = 128,
		 HACK_PROHIBITED = 129,
		 HACK_RESOURCES = 130,
		 HACK_NO_CONTEXT = 131,
		 HACK_NO_FORWARDING = 132,
};

enum lma_addr_code { LMA_ADDR_IPV6 = 1, LMA_ADDR_IPV4 = 2 }; /* RFC 5949 6.2.2 */

enum be_status { BE_UNKNOWN_BINDING = 1, BE_UNKNOWN_MH_TYPE = 2 };

enum mnid_subtype { MNID_NAI = 1 }; /* RFC 4283 3.1; others are carried as opaque octets */

enum handoff_ind { /* RFC 5213 8.4, RFC 7864 */
		   HI_RESERVED = 0,
		   HI_NEW_INTERFACE = 1,
		   HI_BETWEEN_INTERFACES = 2,
		   HI_BETWEEN_MAGS = 3,
		   HI_UNKNOWN = 4,
		   HI_NO_CHANGE = 5,
		   HI_NEW_INTERFACE_SHARED = 6,
};

enum att { /* RFC 5213 8.5; the rest of the registry is in mh_opts.c */
	   ATT_RESERVED = 0,
	   ATT_VIRTUAL = 1,
	   ATT_PPP = 2,
	   ATT_ETHERNET = 3,
	   ATT_WIFI = 4,
};

/* Views that borrow their octets. */
struct mnid {
	uint8_t subtype;
	uint8_t len; /* octets of id, 0..254 */
	const uint8_t *id;
};

struct llid {
	uint8_t len; /* octets of id, 0..253 */
	const uint8_t *id;
};

struct mh_opt {
	uint8_t type;
	uint8_t len; /* Length octet: data without Type and Length */
	const uint8_t
		*raw; /* the data, borrowed; set by the decoder, for unknown options the content */
	union {
		uint16_t refresh_interval; /* 2, unit 4 s */
		struct in6_addr addr;	   /* 3 Alternate Care-of Address, 26 Link-local Address */
		struct {
			uint16_t home, careof;
		} nonce; /* 4 */
		struct {
			const uint8_t *data;
			uint8_t len;
		} bytes;	  /* 5 authenticator, 20 service identifier */
		struct mnid mnid; /* 8 */
		struct {
			uint32_t id;
			uint8_t subtype;
			uint8_t len;
			const uint8_t *data;
		} vendor; /* 19 */
		struct {
			uint8_t flags;	       /* 0x80 = L, RFC 7864 */
			struct prefix6 prefix; /* octets as received: see mh_decode() */
		} hnp;			       /* 22 */
		uint8_t value;		       /* 23 Handoff Indicator, 24 Access Technology Type */
		struct llid llid;	       /* 25 */
		uint32_t restart_counter;      /* 28 */
		struct {
			bool force;	    /* F: encapsulate in UDP */
			uint32_t refresh_s; /* all ones: none needed; 0: to be ignored */
		} nat;			    /* 31 */
		struct {
			bool has_key; /* false: GRE without keys */
			uint32_t key;
		} gre; /* 33 */
		struct {
			uint8_t status;	     /* 37 only: enum hoa4_status */
			uint8_t len;	     /* prefix length, 0..32 */
			struct in_addr addr; /* 0.0.0.0: any */
		} hoa4;			     /* 36, 37 */
		struct in_addr addr4;	     /* 38 */
		bool server;		     /* 39: S, the MAG is the DHCP server; else a relay */
		uint64_t timestamp;	     /* 27: 48 bits seconds since 1970, 16 bits 1/65536 s */
		struct {
			uint8_t len;
			const uint8_t *data;
		} requests; /* 40: see mh_context_next(); its form is checked */
		struct {
			uint8_t code; /* enum lma_addr_code */
			uint8_t len;  /* 4 or 16 */
			const uint8_t *octets;
		} lma;	      /* 41: see mh_lma_addr() */
		uint64_t iid; /* 42 */
	};
};

struct mh_msg {
	uint8_t type; /* enum mh_type */
	union {
		struct {
			uint16_t seq, flags, lifetime; /* lifetime unit 4 s */
		} bu;
		struct {
			uint8_t status, flags;
			uint16_t seq, lifetime;
		} ba;
		struct {
			uint8_t status;
			struct in6_addr hoa;
		} be;
		struct {
			uint16_t flags;
			uint32_t seq;
		} hb;
		struct {
			uint8_t type; /* enum br_type */
			uint8_t code; /* trigger of an indication, status of an acknowledgement */
			uint16_t seq, flags;
		} br;
		struct {
			uint16_t seq;
			uint8_t flags, code; /* of HI and HAck each its own bits and codes */
		} ho;
	};
	uint16_t n_opts;
	struct mh_opt opt[MH_OPTS_MAX]; /* padding is left out */
};

/* What decoding found; everything but MH_OK means discard, with the reaction named. */
enum mh_verdict {
	MH_OK,
	MH_TOO_SHORT,	 /* fewer octets than a header: discard */
	MH_BAD_CHECKSUM, /* silent discard, RFC 6275 9.2 */
	MH_BAD_PROTO,	 /* ICMPv6 Parameter Problem at Payload Proto, RFC 6275 9.2 */
	MH_BAD_HDRLEN,	 /* Header Len below the type's minimum: Parameter Problem at Header Len */
	MH_TRUNCATED,	 /* Header Len beyond the datagram: discard */
	MH_UNKNOWN_TYPE, /* Binding Error status 2, RFC 6275 9.2; known by number, but no layout */
	MH_BAD_OPTION,	 /* an option overruns the message or has an impossible length: discard */
	MH_TOO_MANY_OPTIONS, /* more than MH_OPTS_MAX: discard */
	MH_VERDICT_MAX
};

const char *mh_verdict_name(enum mh_verdict v);

/*
 * Decodes `len` octets at `buf`. `src`/`dst` are the IPv6 header's addresses for the checksum;
 * NULL, or IPv4-mapped ones (RFC 5844 4.1), skip the checksum.
 * On anything but MH_OK, `out` keeps only what is safe: out->type where it was readable.
 * Unknown option types are kept raw and are no error. Octets behind Header Len are ignored.
 *
 * Checks come in this order: length, checksum, MH Type, Payload Proto, Header Len (RFC 6275 9.2),
 * options. Neither alignment nor the order or number of options is a reason to refuse a message.
 * A Home Network Prefix keeps the bits behind its length and its flags octet as received, so that
 * a rejecting reply can echo the option unchanged (RFC 5213 5.3.6); whoever stores or compares
 * the prefix applies prefix6_mask() to a copy. A length above 128 is MH_BAD_OPTION.
 */
enum mh_verdict mh_decode(struct mh_msg *out, const uint8_t *buf, size_t len,
			  const struct in6_addr *src, const struct in6_addr *dst);

/*
 * Encodes into buf: options in the given order, each padded to its alignment, the tail padded to
 * 8 octets; checksum filled when src/dst are given and not
 * IPv4-mapped, else 0. Options of unknown type are copied from raw/len; `len` and `raw` of known
 * ones are not read. Returns the total length, -EMSGSIZE when cap or 2048 is too small, -EINVAL
 * when a message type or an option cannot be encoded (a value beyond its field, a missing pointer).
 */
int mh_encode(const struct mh_msg *m, uint8_t *buf, size_t cap, const struct in6_addr *src,
	      const struct in6_addr *dst);

uint16_t mh_checksum(const uint8_t *buf, size_t len, const struct in6_addr *src,
		     const struct in6_addr *dst); /* host order, checksum field taken as 0 */

/* The n-th (from 0) option of a type, or NULL. */
const struct mh_opt *mh_opt_nth(const struct mh_msg *m, uint8_t type, unsigned n);
static inline const struct mh_opt *mh_opt(const struct mh_msg *m, uint8_t type)
{
	return mh_opt_nth(m, type, 0);
}
unsigned mh_opt_count(const struct mh_msg *m, uint8_t type);
/* Appends a zeroed option of that type to a message under construction; NULL when full. */
struct mh_opt *mh_opt_add(struct mh_msg *m, uint8_t type);

/* One entry of a Context Request (RFC 5949 6.2.1). */
struct mh_context {
	uint8_t type, len;   /* of the option asked for; octets that say which one */
	const uint8_t *data; /* borrowed */
};
/* The entry at *at, which starts as 0 and is advanced; false at the end. */
bool mh_context_next(const struct mh_opt *o, unsigned *at, struct mh_context *out);
/* The address of option 41, IPv4-mapped for IPv4. False for a code that does not go with it. */
bool mh_lma_addr(const struct mh_opt *o, struct in6_addr *out);

bool mnid_eq(const struct mnid *a, const struct mnid *b); /* subtype and octets, exactly */
bool llid_eq(const struct llid *a, const struct llid *b);
bool llid_is_zero(const struct llid *a); /* absent or all octets zero */
/*
 * "mn1@example.com"; "0x6d00.." for a NAI with octets that are not printable ASCII or are blank;
 * "3:0x2143.." for other subtypes; "" for an empty NAI. The link-layer identifier is written
 * "02:00:00:00:00:01". Always terminated, cut to cap.
 */
const char *mnid_str(const struct mnid *id, char *buf, size_t cap);
const char *llid_str(const struct llid *id, char *buf, size_t cap);

const char *mh_type_name(uint8_t type);		 /* "Proxy Binding Update" needs the P flag: */
const char *mh_msg_name(const struct mh_msg *m); /* "PBU", "PBA", "BRR", ... */
const char *mh_opt_name(uint8_t type);		 /* "Home Network Prefix"; "Unknown" */
const char *pba_status_name(uint8_t status);	 /* "TIMESTAMP_MISMATCH"; registry names */
const char *br_trigger_name(uint8_t v);		 /* "Administrative Reason" */
const char *bra_status_name(uint8_t v);		 /* "Binding Does NOT Exist"; registry names */
const char *hi_code_name(uint8_t v, bool proxy); /* with the P flag codes mean something else */
const char *hack_code_name(uint8_t v, bool proxy);
const char *handoff_ind_name(uint8_t v);
const char *att_name(uint8_t v);

/* Multi-line text the way tshark users expect it, one field per line; indented by two spaces. */
void mh_print(FILE *f, const struct mh_msg *m);
/* One line: "PBU seq 4660 AP 3600s mn1@example.com HNP ::/0 HI 4 ATT 4 ..."; cut to cap. */
const char *mh_summary(const struct mh_msg *m, char *buf, size_t cap);

/* Where an option starts, beyond a fixed xn+y. */
enum mh_align_rule {
	MH_ALIGN_FIXED,	     /* align_x, align_y of the row */
	MH_ALIGN_BY_TAIL,    /* its last field on a boundary of the largest of 2, 4, 8 that divides
				the field's size: the natural boundary of RFC 6275 6.2.1 */
	MH_ALIGN_ENDS_AT_8N, /* such that it needs no padding behind it, RFC 6275 6.2.7 */
};

/* Introspection for documentation, lint and the fuzz dictionary: the rows, in order of type. */
struct mh_field; /* wire/mh_table.h */
struct mh_opt_info {
	uint8_t type;
	const char *name;
	uint8_t min_len, max_len; /* of the Length octet */
	uint8_t align_x, align_y; /* xn+y; x = 1: none */
	enum mh_align_rule align_rule;
	bool repeatable; /* may occur more than once; for the roles, the codec allows all */
	bool has_layout; /* false: known by number and name only, kept raw */
	const char *ref; /* "RFC 5213 8.3" */
	const struct mh_field *fields;
	uint8_t n_fields;
};
size_t mh_opt_infos(const struct mh_opt_info **rows);
struct mh_type_info {
	uint8_t type;
	const char *name;
	const char *short_name;
	bool has_layout;
	uint8_t min_hdr_len; /* Header Len field; the least one on receipt */
	uint8_t fixed_len;   /* offset of the first option; 0 without layout */
	const char *ref;
	const struct mh_field *fields;
	uint8_t n_fields;
};
size_t mh_type_infos(const struct mh_type_info **rows);
/* The two registries as Markdown tables, for the documentation. */
void mh_print_registry_md(FILE *f);
