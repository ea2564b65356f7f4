/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ARP on an access link: form, judgement, answers. */
#include "lib/cu.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "access/arp.h"
#include "base/util.h"
#include "unit/access/frames.h"

/* Ether(src=N,dst="ff:ff:ff:ff:ff:ff")/
 *   ARP(op=1,hwsrc=N,psrc="10.1.0.7",hwdst="00:00:00:00:00:00",pdst="10.1.0.1") */
#define FRAME_REQUEST \
	"ffffffffffff020000000001080600010800060400010200000000010a0100070000000000000a010001"
/* Ether(src=G,dst=N)/ARP(op=2,hwsrc=G,psrc="10.1.0.1",hwdst=N,pdst="10.1.0.7") */
#define FRAME_ANSWER \
	"02000000000100005e0052130806000108000604000200005e0052130a0100010200000000010a010007"
/* Ether(src=G,dst=N)/
 *   ARP(op=1,hwsrc=G,psrc="10.1.0.1",hwdst="00:00:00:00:00:00",pdst="10.1.0.7") */
#define FRAME_ASK \
	"02000000000100005e0052130806000108000604000100005e0052130a0100010000000000000a010007"

static const struct mac gateway =
				{
					{0, 0, 0x5e, 0, 0x52, 0x13}
},
			node = {{2, 0, 0, 0, 0, 1}};

static struct in_addr ip(const char *s)
{
	struct in_addr a = {0};

	inet_pton(AF_INET, s, &a);
	return a;
}

static struct home4 home(void)
{
	return (struct home4){.addr = ip("10.1.0.7"), .router = ip("10.1.0.1"), .len = 16};
}

static enum arp_fate parse(struct arp_msg *m, const uint8_t *f, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	enum arp_fate fate;

	memcpy(exact, f, len);
	fate = arp_parse(m, exact, len);
	free(exact);
	return fate;
}

static void test_form(void)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum arp_fate fate;
	} rows[] = {
		{12, 9,	ARP_BAD_HEADER   },
		    {15, 6,    ARP_BAD_HEADER	  },
		{16, 0x86, ARP_BAD_HEADER	 },
		{18, 8,	ARP_BAD_HEADER   },
		    {19, 16,   ARP_BAD_HEADER   },
		{18, 255,  ARP_BAD_HEADER	},
		{21, 3,	ARP_BAD_OPERATION},
		    {21, 0,    ARP_BAD_OPERATION},
		{6,  3,    ARP_BAD_ETHER    },
		{27, 2,	ARP_BAD_SENDER   },
		    {28, 224,  ARP_BAD_ADDRESS  },
		{28, 127,  ARP_BAD_ADDRESS	 },
		{28, 255,  ARP_BAD_ADDRESS	 },
		    {28, 0,    ARP_BAD_ADDRESS  },
		{38, 224,  ARP_BAD_ADDRESS	 },
		{38, 0,	ARP_BAD_ADDRESS  },
	};
	uint8_t f[60] = {0}, g[60];
	struct arp_msg m;

	CU_ASSERT_EQUAL(frame_from_hex(FRAME_REQUEST, f, sizeof(f)), ARP_FRAME_LEN);
	for (size_t n = 0; n < ARP_FRAME_LEN; n++)
		CU_ASSERT_EQUAL(parse(&m, f, n), ARP_TRUNCATED);
	CU_ASSERT_FALSE(arp_is_arp(f, 13));
	CU_ASSERT(arp_is_arp(f, 14));
	CU_ASSERT_EQUAL_FATAL(parse(&m, f, sizeof(f)), ARP_OK); /* padded */
	CU_ASSERT(m.request);
	CU_ASSERT(mac_eq(&m.eth_src, &node));
	CU_ASSERT_EQUAL(m.sender.s_addr, ip("10.1.0.7").s_addr);
	CU_ASSERT_EQUAL(m.target.s_addr, ip("10.1.0.1").s_addr);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(g, f, sizeof(f));
		g[rows[i].at] = rows[i].value;
		CU_ASSERT_EQUAL(parse(&m, g, sizeof(g)), rows[i].fate);
	}
	memset(f + 6, 0, 6);
	CU_ASSERT_EQUAL(parse(&m, f, sizeof(f)), ARP_BAD_ETHER);
}

static void test_judgement(void)
{
	static const struct {
		bool request;
		const char *sender, *target;
		enum arp_fate fate;
	} rows[] = {
		{true,  "10.1.0.7",	   "10.1.0.1",     ARP_ANSWERED_ROUTER},
		{true,  "10.1.0.7",	   "10.1.0.8",     ARP_ANSWERED_PROXY },
		{true,  "10.1.0.7",	   "10.1.255.254", ARP_ANSWERED_PROXY },
		{true,  "10.1.0.7",	   "10.2.0.1",     ARP_OUTSIDE	  },
 /* its own: probe, announcement, and a question by somebody with another one */
		{true,  "0.0.0.0",	  "10.1.0.7",     ARP_OWN	     },
		{true,  "10.1.0.7",	   "10.1.0.7",     ARP_OWN	      },
		{true,  "10.1.0.9",	   "10.1.0.7",     ARP_OWN	      },
		{false, "10.1.0.7",    "10.1.0.1",	ARP_HEARD		 },
		{false, "10.1.0.7",    "10.1.0.7",	ARP_HEARD		 },
 /* claims of what is not its own */
		{true,  "0.0.0.0",	  "10.1.0.8",     ARP_DEFENDED	  },
		{true,  "0.0.0.0",	  "10.1.0.1",     ARP_DEFENDED	  },
		{true,  "10.1.0.8",	   "10.1.0.8",     ARP_DEFENDED	   },
		{true,  "10.1.0.1",	   "10.1.0.1",     ARP_DEFENDED	   },
		{false, "10.1.0.8",    "10.1.0.8",	ARP_DEFENDED	    },
		{false, "10.1.0.1",    "10.1.0.7",	ARP_DEFENDED	    },
		{false, "10.1.0.8",    "0.0.0.0",      ARP_DEFENDED	   },
		{true,  "0.0.0.0",	  "169.254.1.1",	 ARP_OUTSIDE	    },
		{true,  "169.254.1.1", "169.254.1.1",  ARP_OUTSIDE	},
 /* RFC 4436: the router does not confirm an address that is not the node's */
		{true,  "192.0.2.7",   "10.1.0.1",	ARP_FOREIGN_SENDER },
		{true,  "10.1.0.8",	   "10.1.0.1",     ARP_FOREIGN_SENDER },
		{true,  "10.1.0.8",	   "10.1.0.9",     ARP_FOREIGN_SENDER },
	};
	const struct home4 h = home(), none = {.router = ip("10.1.0.1"), .len = 16};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct arp_msg m = {rows[i].request, node, ip(rows[i].sender),
					  ip(rows[i].target)};

		CU_ASSERT_EQUAL(arp_judge(&m, &h), rows[i].fate);
		CU_ASSERT_EQUAL(arp_judge(&m, &none), ARP_NO_IPV4);
	}
	CU_ASSERT_FALSE(arp_is_answer(ARP_NO_IPV4));
	CU_ASSERT_FALSE(arp_is_answer(ARP_OWN));
	CU_ASSERT(arp_is_answer(ARP_DEFENDED));
}

static void test_single_address(void)
{
	struct home4 h = home();
	struct arp_msg m = {true, node, h.addr, h.router};

	h.len = 32;
	CU_ASSERT_EQUAL(arp_judge(&m, &h), ARP_ANSWERED_ROUTER);
	m.target = ip("10.1.0.8");
	CU_ASSERT_EQUAL(arp_judge(&m, &h), ARP_OUTSIDE);
	h.router.s_addr = 0;
	h.len = 16;
	CU_ASSERT_EQUAL(arp_judge(&m, &h), ARP_ANSWERED_PROXY);
}

static void test_octets(void)
{
	const struct home4 h = home();
	uint8_t want[ARP_FRAME_LEN], got[ARP_FRAME_LEN];
	struct arp_msg m = {true, node, ip("10.1.0.7"), ip("10.1.0.1")};

	frame_from_hex(FRAME_ANSWER, want, sizeof(want));
	CU_ASSERT_EQUAL(arp_build_answer(got, sizeof(got), &gateway, &m), ARP_FRAME_LEN);
	CU_ASSERT(!memcmp(got, want, sizeof(want)));
	frame_from_hex(FRAME_ASK, want, sizeof(want));
	CU_ASSERT_EQUAL(arp_build_probe(got, sizeof(got), &gateway, &node, &h), ARP_FRAME_LEN);
	CU_ASSERT(!memcmp(got, want, sizeof(want)));
	/* a claim in a reply is answered for what it claims */
	m = (struct arp_msg){false, node, ip("10.1.0.8"), ip("10.1.0.1")};
	arp_build_answer(got, sizeof(got), &gateway, &m);
	CU_ASSERT(!memcmp(got + 28, &m.sender, 4));
	CU_ASSERT(!memcmp(got + 22, &gateway, 6));
	CU_ASSERT(arp_build_answer(got, ARP_FRAME_LEN - 1, &gateway, &m) < 0);
	CU_ASSERT_STRING_EQUAL(arp_fate_name(ARP_DEFENDED), "defended");
	CU_ASSERT_STRING_EQUAL(arp_fate_name(ARP_FATE_MAX), "unknown");
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"RFC 826 form is checked, at every length", test_form},
		{"V-28 RFC 5844 3.2.4 the home subnet is answered for, the node's own address never", test_judgement},
		{"a home network of one address has a router outside of it", test_single_address},
		{"answers and questions are exactly these octets", test_octets},
		{0},
	};
	// clang-format on

	return cu_main("arp", tests, argc, argv);
}
