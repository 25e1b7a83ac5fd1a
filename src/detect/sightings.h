/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/sightings.h - what was seen of one client below one domain lately; inside detect/.
 *
 * What:      a place for a pair of client and domain: the types it was asked for within a minute, with how
 *            many different names; the tool that was recognised within ten minutes.
 * Not here:  what that means -> tunnel.c.
 * Threads:   any, several at once: relaxed atomics, a word at a time. A race costs a mark.
 * Memory:    32 bytes a place, four places for a client; one block.
 * Cost:      a cache line or two.
 * Limits:    of four places that a pair may have, one that is over is taken, then the one where no tool was
 *            seen, the oldest. To drive a mark out within its minute a client has to ask for unusual types of
 *            tens of thousands of domains, each of which costs it leak budget.
 * Standards: none
 * Tests:     tests/unit/detect/sightings_test.c
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	SIGHTING_WINDOW_S = 60,
	SIGHTING_TOOL_S = 600,
	SIGHTING_NAMES = 4 /* that are remembered, so that a retry is not another name */
};

struct sighting {
	_Atomic uint64_t key;    /* 0: nobody's */
	_Atomic uint64_t window; /* from the top: start (32 bits), types (16), names (16) */
	_Atomic uint64_t names;  /* 16 bits of the hash of each */
	_Atomic uint64_t tool;   /* when it was seen (32 bits), the caller's number (32) */
};

struct sightings;

MUST_USE int sightings_new(size_t clients, struct sightings **ret); /* 0, -ENOMEM */
void sightings_free(struct sightings *s);
size_t sightings_bytes(const struct sightings *s);

/* now_s: of a monotonic clock, not 0. take: never NULL; find: NULL if nothing is known. */
struct sighting *sightings_take(struct sightings *s, uint64_t key, uint32_t now_s);
struct sighting *sightings_find(struct sightings *s, uint64_t key);

/* A name was asked for with a type of that bit (0 to 15). False: with that name already. */
bool sighting_note(struct sighting *g, unsigned type_bit, uint16_t name_tag, uint32_t now_s);
unsigned sighting_types(const struct sighting *g, uint32_t now_s); /* how many */
unsigned sighting_names(const struct sighting *g, uint32_t now_s);

void sighting_note_tool(struct sighting *g, uint32_t tool, uint32_t now_s);
/* The tool that was seen within SIGHTING_TOOL_S, and how long ago; false: none. */
bool sighting_tool(const struct sighting *g, uint32_t now_s, uint32_t *ret_tool,
                   uint32_t *ret_age_s);
