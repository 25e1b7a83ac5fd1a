/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/ceilings.h - how many times the leak budget the zones of a kind may be told; inside detect/.
 *
 * What:      factors by kind of zone, and for domains that many clients ask. Who asks a domain is kept as
 *            marks in three windows of an hour, and counts when his mark is at least an hour old:
 *            many clients within a minute make no domain prevalent.
 * Not here:  what a network was found to need -> learned.h; kinds -> zones.h
 * Threads:   any: relaxed atomics. A race may lose a mark, which comes again.
 * Memory:    one word a domain, the caller's.
 * Cost:      some ns.
 * Limits:    20 marks: about ten clients are needed, and eight at least. None of the factors is without bound.
 * Tests:     tests/unit/detect/ceilings_test.c
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "detect/zones.h"

/*
 * What rates and budgets are multiplied by: of one client to the zone's servers; to the network of the one
 * asked; of one client to all servers (what is sent there weighs so much less); of all clients to the
 * domain.
 */
struct ceiling {
	uint32_t servers, address, client, domain;
};

enum {
	CEILING_PREVALENT_CLIENTS = 8,
	CEILING_PREVALENT_FACTOR = 4,
	CEILING_PREVALENT_ALL = 16,
	CEILING_CROWD_ALL = 256,   /* what 256 clients may tell it, each by himself */
	CEILING_DOMAIN_FACTOR = 4, /* all clients together, to what one may send to a domain */
};

struct ceiling ceiling_of_kind(enum zone_kind kind);
/* Not less than `factor` times for a client; than `all` times what others are told for all clients. */
void ceiling_raise(struct ceiling *c, uint32_t factor, uint32_t all);

/* A client asks the domain. Have many, for an hour or more? @marks: the domain's, 0 at first. */
bool ceiling_note_client(_Atomic uint64_t *marks, uint64_t client_hash, uint64_t now_us);
/* Are they some fifty, or more? Each has a budget of his own; this is for what they share. */
bool ceiling_is_crowd(const _Atomic uint64_t *marks);
