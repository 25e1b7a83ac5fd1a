/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * validate/rrset.h - records of a response as RRsets, and what a signature covers of them.
 *
 * What:      rrsets_group() sorts records into RRsets with their RRSIGs; rrset_canonical() and
 *            rrset_signed_data() lay an RRset down as it was signed: names in lower case,
 *            records in order, the original TTL, the wildcard's name for what was made from one.
 *
 *                signed data:  RRSIG record data without the signature | RR | RR | ...
 *                RR:           owner | type | class | original TTL | length | record data
 *
 * Not here:  checking a signature -> signature.h.
 * Threads:   pure.
 * Memory:    the caller's: struct rrsets about 24 KiB, struct canonical about 230 KiB.
 *            Pointers into the records are borrowed.
 * Cost:      hot path of a miss; O(records), and O(n log n) comparisons within an RRset.
 * Limits:    256 RRsets and 4112 records; 128 KiB signed data.
 * Standards: RFC 4034 3.1.8.1, 6.2, 6.3; RFC 4035 5.3.2; RFC 6840 5.1
 * Tests:     tests/unit/validate/rrset_test.c
 */
#pragma once

#include "validate/validate.h"

enum {
	RRSETS_MAX = 256,
	RRSETS_BUCKETS = 256,
	RRSETS_RRS_MAX = 4096 + 16, /* resolve/response.h, and the CNAMEs made from DNAMEs */
	RRSET_NONE = 0xffff,
	CANONICAL_RDATA_BYTES = 65536,
	CANONICAL_DATA_BYTES = 131072,
	/* What memo keys take behind the signed data: a signature, a key's digest. */
	CANONICAL_TAIL_BYTES = 1024,
	RRSIG_FIXED_BYTES = 18, /* in front of the signer's name */
};

struct rrset {
	const uint8_t *owner; /* lower case */
	uint64_t hash;
	uint16_t type;
	bool in_authority;
	uint16_t first, last, n;              /* records: indices into rrs, linked by `next` */
	uint16_t first_sig, last_sig, n_sigs; /* its RRSIGs, likewise */
	uint16_t chain;                       /* the next RRset in the bucket */
	uint8_t security;                     /* enum security; UNCHECKED at first */
	bool is_wildcard;                     /* SECURE: made from a wildcard */
	uint8_t labels;                       /* SECURE: of the RRSIG that is good */
	const struct trust *zone;             /* SECURE: of the signer */
};

struct rrsets {
	const struct answer_rr *rrs;
	unsigned n;
	uint16_t buckets[RRSETS_BUCKETS];
	uint16_t next[RRSETS_RRS_MAX];
	struct rrset sets[RRSETS_MAX];
};

/* 0, or -E2BIG: more RRsets or records than the limits. */
MUST_USE int rrsets_group(struct rrsets *s, const struct answer_rr *rrs, unsigned n);
/* NULL: there is none that has records. */
struct rrset *rrsets_find(struct rrsets *s, const uint8_t *owner, uint16_t type, bool in_authority);

struct canonical {
	unsigned n;                  /* records, without repeated ones */
	uint32_t at[RRSETS_RRS_MAX]; /* into rdata, in canonical order */
	uint32_t rdata_bytes;
	uint8_t rdata[CANONICAL_RDATA_BYTES + 2]; /* length (2 bytes of this machine), data */
	size_t data_bytes;
	uint8_t data[CANONICAL_DATA_BYTES + CANONICAL_TAIL_BYTES];
};

/* Lay down the records in order (RFC 4034 6.3). 0 or -E2BIG. */
MUST_USE int rrset_canonical(const struct rrsets *s, const struct rrset *set, struct canonical *c);
/*
 * c->data, for one RRSIG over the RRset that was laid down last. labels <= those of the owner.
 * 0 or -E2BIG.
 */
MUST_USE int rrset_signed_data(const struct rrset *set, const struct answer_rr *rrsig,
                               const struct rrsig_fields *fields, struct canonical *c);

/* Labels as RRSIGs count them: without a leading star (RFC 4034 3.1.3). */
unsigned rrset_owner_labels(const uint8_t *owner);
