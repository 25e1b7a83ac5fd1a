/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/zones.h - of what kind a zone is, as far as its name tells; inside detect/.
 *
 * What:      a zone of a registry (nobody's channel), of the reverse tree, of a popular domain, of a vendor or list
 *            that many names are asked of (vendors.def), or anybody's; and where in its name the
 *            registered domain begins. What was found is remembered.
 * Not here:  one for all detectors, and what it says of the name asked for -> detector_zone(),
 *            detector_facts() (detector.h)
 * Threads:   any: one word a name, written whole.
 * Memory:    540 KiB; process.
 * Cost:      a cache line; 300 ns for a name that is not remembered.
 * Limits:    names drive each other out; then they are looked up again.
 * Standards: https://publicsuffix.org/list/
 * Tests:     tests/unit/detect/zones_test.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum zone_kind {
	ZONE_REGISTRY,
	ZONE_ANYBODY,
	ZONE_POPULAR,
	ZONE_REVERSE,
	ZONE_VENDOR,
	ZONE_KINDS
};

struct zones;

MUST_USE int zones_new(struct zones **ret);
void zones_free(struct zones *z);
size_t zones_bytes(const struct zones *z);

struct zone_facts {
	enum zone_kind kind;
	unsigned registered_labels; /* of the name; 0: it is a public suffix */
	bool may_have_vendors;      /* there is a vendor's zone below its registered domain */
};
/*
 * What is known of the zone of that name, lower case. Reverse zones of 8 bits, and of 24 and less of IPv6, are
 * registries'. hash: of the name, with a key that nobody knows, and always the same. prefetch: it will be asked for.
 */
void zones_prefetch(const struct zones *z, uint64_t hash);
struct zone_facts zones_look(struct zones *z, const uint8_t *lower, uint64_t hash);
/*
 * Of a name in the reverse tree: the network that one owner has, as far as anybody can tell, a pointer into it
 * (16 bits; IPv6: 32). Below that he makes as many zones as he likes.
 */
const uint8_t *zones_reverse_owner(const uint8_t *lower);
/* Is a name of that zone, which is none of a vendor itself, below one that is a vendor's? */
bool zones_is_vendors(struct zones *z, const uint8_t *zone, const uint8_t *lower);
