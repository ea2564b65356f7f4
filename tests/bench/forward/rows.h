/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is measured: ways through the data plane, each with a payload and an encapsulation, and the
 * points (nodes, pattern, size, hook) at which each of them is measured.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dataplane.h"

enum bench_hook { BENCH_XDP, BENCH_TC, BENCH_HOOKS };

/* The node that forwards, and where its interfaces d0 (in) and d1 (out) lead. */
enum bench_node {
	BENCH_LMA,	 /* network, network */
	BENCH_MAG_UP,	 /* access link, network */
	BENCH_MAG_DOWN,	 /* network, access link */
	BENCH_MAG_LOCAL, /* access link, access link */
};

enum bench_way {
	BENCH_LMA_DOWN,	   /* plain in, tunnel out */
	BENCH_LMA_UP,	   /* tunnel in, plain out by the routing table */
	BENCH_LMA_HAIRPIN, /* tunnel in, tunnel out: node to node */
	BENCH_MAG_TO_LMA,  /* link in, tunnel out */
	BENCH_MAG_TO_NODE, /* tunnel in, link out */
	BENCH_SHORT,	   /* link in, link out: node to node */
	BENCH_WAYS
};

struct bench_way_info {
	const char *name;
	enum bench_node node;
	bool tunnel_in, tunnel_out;
	bool from_node, to_node; /* which of the inner addresses is a node's */
};

extern const struct bench_way_info bench_ways[BENCH_WAYS];

enum bench_payload { BENCH_IP6, BENCH_IP4 };
enum bench_carrier { BENCH_OVER6, BENCH_OVER4 }; /* the outer IP header */

/* Which points a row is measured at. */
enum bench_depth {
	BENCH_FULL = 1 << 0,   /* 1 k, 64 k, 1 M nodes; uniform and Zipf; both sizes */
	BENCH_BRIEF = 1 << 1,  /* 1 k nodes, small packets; uniform */
	BENCH_KERNEL = 1 << 2, /* 1 k and 100 k nodes beside the kernel's own encapsulation */
	BENCH_QUICK = 1 << 3,  /* part of the self-check */
};

struct bench_row {
	enum bench_way way;
	enum bench_payload payload;
	enum bench_carrier carrier;
	enum dp_encap encap;
	unsigned depth; /* enum bench_depth */
};

const char *bench_payload_name(const struct bench_row *row);
const char *bench_encap_name(const struct bench_row *row); /* "ip4-udp" */
unsigned bench_encap_octets(const struct bench_row *row);  /* what it adds to a packet */

extern const struct bench_row bench_rows[];
extern const size_t bench_n_rows;

enum bench_pattern { BENCH_UNIFORM, BENCH_ZIPF };

struct bench_point {
	uint32_t nodes;
	enum bench_pattern pattern;
	unsigned octets; /* of the inner packet */
	bool kernel;	 /* the kernel is measured beside it */
};

#define BENCH_POINTS_MAX 32

/* The points of a row; how many. */
unsigned bench_points(const struct bench_row *row, bool quick, struct bench_point *out);
