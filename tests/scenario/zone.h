/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenario/zone.h - a zone as its name server has it, signed where the scenario says so.
 *
 * What:      zone_make() turns a script's zone into sets of records with their signatures and
 *            denials; zone_answer() says what an authoritative server says: answer, alias,
 *            referral, wildcard, NXDOMAIN, NODATA, each with its proofs. It follows RFC 1034
 *            4.3.2, RFC 4035 3 and RFC 5155 7 by linear search: these zones are small.
 * Not here:  sections to bytes, limits of size -> net.c; rules -> net.c.
 * Threads:   one.
 * Memory:    pieces of the script.
 * Limits:    ZONE_MAX_SETS sets of ZONE_MAX_RRS records.
 * Standards: RFC 1034 4.3.2, RFC 4034 3 and 6, RFC 4035 2 and 3, RFC 5155 7, RFC 6672 3
 * Tests:     tests/scenario/, where the validator is the judge
 */
#pragma once

#include "dns/message.h"
#include "script.h"

enum {
	ZONE_MAX_SETS = 4096,
	ZONE_MAX_RRS = 200,
	ZONE_MAX_PARTS = 256,
};

struct zone_data {
	const uint8_t *bytes;
	uint16_t n;
};

struct zone_set {
	const uint8_t *owner;
	uint16_t type;
	uint32_t ttl_s;
	unsigned n, n_sigs;
	struct zone_data rrs[ZONE_MAX_RRS];
	struct zone_data *sigs; /* RRSIG data */
};

struct zone {
	const uint8_t *name;
	const struct script_zone *from;
	struct script *script;
	struct zone_set *sets[ZONE_MAX_SETS];
	unsigned n_sets;
	struct zone_set *denials[ZONE_MAX_SETS]; /* NSEC or NSEC3, in their order */
	unsigned n_denials;
};

struct zone_part {
	uint8_t section;
	const uint8_t *owner; /* of an expanded wildcard, else the set's */
	const struct zone_set *set;
	bool with_sigs;
};

struct zone_answer {
	uint8_t rcode;
	bool is_aa;
	bool is_do;
	unsigned n;
	struct zone_part parts[ZONE_MAX_PARTS];
	struct script *script; /* what is made up on the way is a piece of it */
};

/* Problems (a key that cannot be had) are noted in the script. */
struct zone *zone_make(struct script *s, const struct script_zone *from);
void zone_answer(const struct zone *z, const uint8_t *name, uint16_t type, bool is_do,
                 struct zone_answer *ret);

/* ---- between zone.c, zone_answer.c and sign.c ---- */

struct zone_set *zone_find(const struct zone *z, const uint8_t *owner, uint16_t type);
struct zone_set *zone_add(struct zone *z, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
                          const uint8_t *bytes, size_t n);
bool zone_is_cut(const struct zone *z, const uint8_t *owner);    /* a delegation */
bool zone_is_hidden(const struct zone *z, const uint8_t *owner); /* below one */
/* Is there anything at the name, or below it? */
bool zone_has_name(const struct zone *z, const uint8_t *name);
/* DNSKEYs, denials, signatures. */
void zone_sign(struct zone *z);
void zone_hash(const struct zone *z, const uint8_t *name, uint8_t ret[20]);
void zone_free_keys(struct script *s);
/* DS data of a key for a zone's name; false: no such key. */
bool zone_write_ds(struct script *s, const char *label, const uint8_t *owner, uint8_t digest,
                   uint8_t *ret, size_t *ret_n);
