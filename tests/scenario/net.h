/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenario/net.h - the name servers of a scenario, and what was asked of them.
 *
 * What:      the other end of kernel.h: a packet to a server's address is logged, the first of
 *            the server's rules that fits says what happens, and the response is delivered when
 *            the server's delay has passed. What comes from nowhere stays unanswered.
 * Threads:   one.
 * Memory:    the log and what is under way, until the process ends.
 * Limits:    NET_MAX_PACKETS; more end the scenario.
 * Standards: RFC 1035 4.2, RFC 6891 6.2.5, RFC 7873 5.2
 * Tests:     tests/scenario/selftest/
 */
#pragma once

#include <stdio.h>

#include "kernel.h"
#include "script.h"

enum {
	NET_MAX_PACKETS = 200000,
};

/* One packet of the resolver's. */
struct net_packet {
	uint64_t at_ns;
	struct addr to;
	struct name name;
	uint16_t type;
	bool is_tcp, has_edns, is_do, has_cookie, has_rd;
	const char *what; /* the server did; static */
};

void net_start(struct script *s);
const struct kernel_net *net_calls(void);
unsigned net_n_packets(void);
const struct net_packet *net_packet(unsigned i);
/* One line a packet, from `first` on. */
void net_print(FILE *out, unsigned first);
/* The log is full, or the resolver sent something that is no question. */
const char *net_trouble(void);
