/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/denial_store.h - the records behind denial.h, in order; inside resolve/ only.
 *
 * What:      zones by name and by use, each with its NSEC records in canonical order and its NSEC3
 *            records in the order of their hashes.
 * Threads:   worker-local.
 * Memory:    see denial.h.
 * Tests:     tests/unit/resolve/denial_test.c
 */
#pragma once

#include "resolve/denial.h"

enum {
	DENIAL_BUCKETS = 256,
	NSEC3_HASH_BYTES = 20,
};

/* A SOA, NSEC or NSEC3 record with its signatures, in one block. */
struct denial_record {
	uint32_t until_s;
	uint8_t n_rrs;
	uint8_t hash[NSEC3_HASH_BYTES]; /* NSEC3: the owner's */
	struct answer_rr rrs[];
};

struct denial_list {
	struct denial_record **at; /* NSEC: canonical order; NSEC3: by hash */
	unsigned n, room;
};

struct denial_zone {
	struct denial_zone *next;          /* bucket */
	struct denial_zone *newer, *older; /* by use */
	uint64_t hash;
	struct denial_record *soa;
	struct denial_list nsec, nsec3;
	uint16_t iterations;
	uint8_t salt_len;
	uint8_t salt[255];
	struct name name;
};

struct denials {
	unsigned n_records, max_records;
	struct denial_zone *newest, *oldest;
	struct denial_zone *buckets[DENIAL_BUCKETS];
};

struct denial_zone *denials_find_zone(struct denials *d, const uint8_t *name, uint64_t hash);
void denials_set_newest(struct denials *d, struct denial_zone *z);
/*
 * The last record at or before the key (a name, or a hash); before the first one it is the last
 * of all, which points back to the beginning. NULL: none, or it is over.
 */
const struct denial_record *denials_find_before(struct denials *d, struct denial_list *l,
                                                const uint8_t *key, bool is_hash, uint32_t now_s);
