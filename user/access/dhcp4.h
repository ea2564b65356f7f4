/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The octets of DHCPv4 (RFC 2131, RFC 2132, RFC 3396): strict parsing of what nodes and servers
 * send, construction of what goes to either. Pure functions.
 *
 * Options are read from the options field and, where option 52 says so, from `file` and then
 * `sname`; those that occur several times are parts of one and put together in that order (RFC
 * 3396), after which each must have the length that its meaning demands. So a second instance of an
 * option of fixed length makes the message malformed. Unknown options are skipped, whatever they
 * hold; every field must end with an End option.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"

#define DHCP4_ETH_LEN	 14
#define DHCP4_MSG_MAX	 1472 /* of a node or for one: what a 1500-octet link carries */
#define DHCP4_MSG_MIN	 300  /* of one that is sent, RFC 1542 2.1 */
#define DHCP4_FRAME_MAX	 (DHCP4_ETH_LEN + 20 + 8 + DHCP4_MSG_MAX)
#define DHCP4_HEAD_LEN	 240 /* up to the magic cookie, and with it */
#define DHCP4_OPTION_MAX 255
#define DHCP4_BROADCAST	 0x8000 /* the B flag */

/* RFC 2132 9.6 */
enum dhcp4_type {
	DHCP4_DISCOVER = 1,
	DHCP4_OFFER = 2,
	DHCP4_REQUEST = 3,
	DHCP4_DECLINE = 4,
	DHCP4_ACK = 5,
	DHCP4_NAK = 6,
	DHCP4_RELEASE = 7,
	DHCP4_INFORM = 8,
};
const char *dhcp4_type_name(enum dhcp4_type t); /* "DISCOVER", ... */

enum dhcp4_option {
	DHCP4_OPT_PAD = 0,
	DHCP4_OPT_SUBNET_MASK = 1,
	DHCP4_OPT_ROUTER = 3,
	DHCP4_OPT_DNS = 6,
	DHCP4_OPT_MTU = 26,
	DHCP4_OPT_BROADCAST = 28,
	DHCP4_OPT_REQUESTED = 50,
	DHCP4_OPT_LEASE = 51,
	DHCP4_OPT_OVERLOAD = 52,
	DHCP4_OPT_TYPE = 53,
	DHCP4_OPT_SERVER_ID = 54,
	DHCP4_OPT_PARAMETERS = 55,
	DHCP4_OPT_MESSAGE = 56,
	DHCP4_OPT_MAX_SIZE = 57,
	DHCP4_OPT_T1 = 58,
	DHCP4_OPT_T2 = 59,
	DHCP4_OPT_CLIENT_ID = 61,
	DHCP4_OPT_RAPID_COMMIT = 80,
	DHCP4_OPT_AGENT = 82,
	DHCP4_OPT_END = 255,
};

/* (SYMBOL, "name", "help"): why a message was not taken. */
#define DHCP4_VERDICTS(X)                                                                        \
	X(DHCP4_OK, "well_formed", "messages that passed every check of form")                   \
	X(DHCP4_BAD_ETHER, "bad_ether_source", "Ethernet source is multicast or zero")           \
	X(DHCP4_BAD_HEADER, "bad_header", "IPv4 or UDP header inconsistent, or frame too short") \
	X(DHCP4_BAD_IP_CHECKSUM, "bad_ip_checksum", "IPv4 header checksum wrong")                \
	X(DHCP4_FRAGMENT, "fragment", "part of a fragmented packet")                             \
	X(DHCP4_BAD_SOURCE, "bad_ip_source", "source is multicast, broadcast or loopback")       \
	X(DHCP4_BAD_CHECKSUM, "bad_checksum", "UDP checksum wrong")                              \
	X(DHCP4_TOO_LONG, "too_long", "message longer than an access link carries")              \
	X(DHCP4_TRUNCATED, "truncated", "message shorter than the fixed fields")                 \
	X(DHCP4_BAD_OP, "bad_op", "message of a server from an access link, or the reverse")     \
	X(DHCP4_BAD_HTYPE, "bad_htype", "hardware type is not Ethernet")                         \
	X(DHCP4_BAD_HLEN, "bad_hlen", "hardware address length is not 6")                        \
	X(DHCP4_BAD_CHADDR, "bad_chaddr", "chaddr differs from the Ethernet source")             \
	X(DHCP4_FROM_RELAY, "from_relay", "giaddr set in a message from an access link")         \
	X(DHCP4_TOO_MANY_HOPS, "too_many_hops", "hops over 16")                                  \
	X(DHCP4_BAD_COOKIE, "bad_cookie", "no DHCP magic cookie")                                \
	X(DHCP4_OPTION_OVERRUN, "option_overrun", "option goes beyond its field")                \
	X(DHCP4_NO_END, "no_end", "options field without End option")                            \
	X(DHCP4_BAD_OVERLOAD, "bad_overload",                                                    \
	  "option 52 of unknown value, or inside of `file` or `sname`")                          \
	X(DHCP4_BAD_LENGTH, "bad_option_length", "option, put together, of wrong length")        \
	X(DHCP4_NO_TYPE, "no_type", "no DHCP message type: BOOTP, or malformed")                 \
	X(DHCP4_BAD_TYPE, "bad_type", "message type that is unknown, or that only servers send") \
	X(DHCP4_AGENT_OPTION, "agent_option", "relay agent option from an access link")

#define DHCP4_VERDICT_ENUM(sym, name, help) sym,
enum dhcp4_verdict { DHCP4_VERDICTS(DHCP4_VERDICT_ENUM) DHCP4_VERDICT_MAX };
const char *dhcp4_verdict_name(enum dhcp4_verdict v);

/* The fixed fields; `sname` and `file` are not used by anybody here. */
struct dhcp4_head {
	bool reply;
	uint8_t hops;
	uint32_t xid;
	uint16_t secs, flags;
	struct in_addr ciaddr, yiaddr, siaddr, giaddr;
	struct mac chaddr;
};

/* An option whose parts were put together. */
struct dhcp4_octets {
	uint8_t b[DHCP4_OPTION_MAX];
	unsigned len; /* 0: absent */
};

struct dhcp4_msg {
	struct dhcp4_head head;
	enum dhcp4_type type;
	struct in_addr requested, server_id; /* 0.0.0.0: absent */
	uint32_t lease_s;		     /* 0: absent */
	uint16_t max_size;		     /* 0: absent */
	bool rapid_commit;
	bool overload;
	struct dhcp4_octets client_id, parameters;
	struct dhcp4_octets agent; /* option 82 */
};

/* A node's message. */
struct dhcp4_request {
	struct mac eth_src;
	struct in_addr src, dst;
	struct dhcp4_msg m;
	const uint8_t *msg; /* of which m was parsed; borrowed from the frame */
	size_t len;
};

/* Whether a frame is IPv4 and goes to UDP port 67, so that dhcp4_parse_request() is to judge it. A
 * first fragment is, later ones cannot be told. */
bool dhcp4_is_request(const uint8_t *frame, size_t len);

/* Both leave `out` untouched on anything but DHCP4_OK. */

/* The payload of a UDP datagram, of either direction. */
enum dhcp4_verdict dhcp4_parse(struct dhcp4_msg *out, const uint8_t *msg, size_t len);
/* A frame of a node, with every rule for what may come from an access link. csum_partial: do not
 * check UDP's checksum. */
enum dhcp4_verdict dhcp4_parse_request(struct dhcp4_request *out, const uint8_t *frame, size_t len,
				       bool csum_partial);

/* A message is written as head, options, end; in a writer whose capacity bounds the message. */
void dhcp4_put_head(struct wr *w, const struct dhcp4_head *h);
/* False, and nothing is written, when it would leave no room for the End option. */
bool dhcp4_put_option(struct wr *w, enum dhcp4_option code, const void *data, size_t len);
bool dhcp4_put_address(struct wr *w, enum dhcp4_option code, struct in_addr a);
bool dhcp4_put_u32(struct wr *w, enum dhcp4_option code, uint32_t v);
/* End, padded to DHCP4_MSG_MIN. */
void dhcp4_put_end(struct wr *w);
/* How long a message the client takes: from option 57, at least what RFC 2131 2 demands of it. */
size_t dhcp4_limit(const struct dhcp4_msg *m);
/* The options field of a well-formed message without option 82 and without End and padding. Returns
 * how many octets, or -EMSGSIZE. */
int dhcp4_copy_options(uint8_t *buf, size_t cap, const uint8_t *msg, size_t len);

/* A frame from port 67 to port 68. Its length, or -EMSGSIZE. */
int dhcp4_build_frame(uint8_t *buf, size_t cap, const struct mac *eth_src,
		      const struct mac *eth_dst, struct in_addr src, struct in_addr dst,
		      const uint8_t *msg, size_t len);
