/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * validate/denial.h - what NSEC and NSEC3 records that are known to be good prove together.
 *
 * What:      struct proofs holds the NSEC and NSEC3 records of one zone; the functions say what
 *            they prove of a name: that it does not exist, that a type does not, that a wildcard
 *            was rightly used, how a delegation stands.
 * Not here:  the signatures over them -> signature.h; one record by itself -> validate.h.
 * Threads:   pure.
 * Memory:    borrows the records; never allocates but for what libdnssec does to hash.
 * Cost:      O(records); NSEC3 hashes are counted in struct work.
 * Limits:    32 records; 50 iterations; struct work's hashes.
 * Standards: RFC 4035 5.4; RFC 5155 8; RFC 6840 4; RFC 9276 3.2
 * Tests:     tests/unit/validate/nsec_test.c, tests/unit/validate/nsec3_test.c
 */
#pragma once

#include "validate/validate.h"

enum {
	PROOFS_MAX = 32
};

struct proofs {
	const uint8_t *zone; /* that signed them all */
	struct work *work;
	unsigned n;
	const struct answer_rr *rrs[PROOFS_MAX]; /* NSEC and NSEC3 */
};

enum proof {
	PROOF_NONE,       /* they prove nothing of the kind */
	PROOF_NXDOMAIN,   /* the name does not exist, nor a wildcard for it */
	PROOF_NODATA,     /* the name, or the wildcard for it, exists without the type */
	PROOF_WILDCARD,   /* the wildcard was rightly used: nothing closer exists */
	PROOF_OPT_OUT,    /* there may be an unsigned delegation (RFC 5155 6) */
	PROOF_ITERATIONS, /* too many to be looked at: insecure (RFC 9276 3.2) */
	PROOF_EXHAUSTED,  /* work is used up */
};

/* NXDOMAIN, NODATA, or none; of NSEC3 also OPT_OUT, ITERATIONS, EXHAUSTED. */
enum proof nsec_denies(const struct proofs *p, const uint8_t *name, uint16_t type);
enum proof nsec3_denies(const struct proofs *p, const uint8_t *name, uint16_t type);

/* WILDCARD if the name, made from the wildcard below its last `labels` labels, is no other's. */
enum proof nsec_allows_wildcard(const struct proofs *p, const uint8_t *name, unsigned labels);
enum proof nsec3_allows_wildcard(const struct proofs *p, const uint8_t *name, unsigned labels);

/* UNSIGNED, NONE or UNKNOWN. */
enum delegation nsec_delegation(const struct proofs *p, const uint8_t *child);
enum delegation nsec3_delegation(const struct proofs *p, const uint8_t *child);

/* What the record that lies at a name, which may be a delegation's, says of it. */
enum delegation denial_delegation(const struct answer_rr *rr);

/* NS without SOA, or DNAME: nothing below its name can be denied by it (RFC 6840 4.1). */
bool denial_is_cut(const struct answer_rr *rr);

/* Is what lies from `at` on a type bit map, and nothing else (RFC 4034 4.1.2)? */
bool bitmap_is_sound(const uint8_t *at, size_t n);
