/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/denial.h - denials made from validated NSEC and NSEC3 records (aggressive use).
 *
 * What:      what signed zones have proven not to exist, kept by zone and in order, so that a
 *            name between two known ones is denied without a packet. Answers are NXDOMAIN and
 *            NODATA, with the SOA, the records that prove them and their signatures.
 *            It is also what stops random subdomains of signed zones (water torture).
 * Not here:  checking signatures -> validate/; the usual negative cache -> cache/, iterate.c;
 *            positive answers from wildcards (RFC 8198 5.3) are not made.
 * Threads:   worker-local.
 * Memory:    at most max_records records of some 300 bytes; the zone unused longest goes first.
 * Cost:      nothing for zones of which nothing is known; else a search in an array for NSEC, and
 *            at most 12 hashes for NSEC3.
 * Limits:    4096 records a zone: then a random one makes room. NSEC3 with more than 20
 *            iterations or with opt-out is not kept: it would not deny, or cost too much.
 * Standards: RFC 8198 5.1, 5.2, 5.4; RFC 9077 (TTL); RFC 5155 8.3-8.8; RFC 4035 5.4
 * Tests:     tests/unit/resolve/denial_test.c
 */
#pragma once

#include "resolve/response.h"
#include "validate/validate.h"

struct denials;

MUST_USE int denials_new(unsigned max_records, struct denials **ret);
void denials_free(struct denials *d);

/*
 * denials_learn - keep what a response proved.
 *
 * @zone:  that signed it
 * @rrs:   authority records that validation found good; others are passed over
 * @ttl_s: of the denial: no record is used longer
 */
void denials_learn(struct denials *d, const uint8_t *zone, const struct answer_rr *rrs,
                   unsigned n_rrs, uint32_t ttl_s, uint32_t now_s);

struct denial_question {
	const uint8_t *name; /* lower case */
	const struct name_hashes *hashes;
	uint16_t type;
	const uint8_t *above; /* zones at or below this one are looked at: the closest cut's */
	uint32_t now_s;
};

/*
 * Is the name, or the type there, known not to exist? Then w is filled as response_read() would
 * have: kind, rcode, target, ttl_s, kept; its pointers are valid until the next call here.
 */
bool denials_answer(struct denials *d, const struct denial_question *q, struct response *w);

/* Forget the zones at, above and below a name. */
void denials_flush(struct denials *d, const uint8_t *lower);
unsigned denials_count(const struct denials *d);
