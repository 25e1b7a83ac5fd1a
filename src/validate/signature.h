/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * validate/signature.h - is one of the signatures over an RRset good?
 *
 * What:      rrset_verify() goes through the RRSIGs of an RRset with the keys of a zone, and the
 *            memo that remembers which were good; algorithm_is_supported() and key_is_sound() say
 *            what is tried at all.
 * Not here:  which zone has to sign -> response.c; whose keys these are -> trust.c.
 * Threads:   worker-local: struct validator.
 * Memory:    struct validator, on the heap, about 400 KiB; what libcrypto takes while it checks.
 * Cost:      a good signature that was seen before: hashing what it covers, about a microsecond.
 *            Otherwise the algorithm's price, counted in struct work.
 * Limits:    RSA of 512 to 4096 bits with an exponent of at most 35 bits; 4 keys a tag.
 * Standards: RFC 4035 5.3.1, 5.3.3; RFC 1982 3.2; RFC 6840 5.4, 5.11; RFC 8624 3.1
 * Tests:     tests/unit/validate/signature_test.c, tests/fuzz/validate_fuzz.c
 */
#pragma once

#include "base/siphash.h"
#include "validate/public_key.h"
#include "validate/rrset.h"

enum {
	MEMO_ENTRIES = 4096,
	KEY_DIGEST_BYTES = 32,
	DNSKEY_FIXED_BYTES = 4,
	DNSKEY_PROTOCOL = 3,
	DNSKEY_ZONE = 0x0100,
	DNSKEY_REVOKE = 0x0080,
};

struct validator {
	struct siphash_key memo_keys[2];
	uint64_t memo[MEMO_ENTRIES][2]; /* 128 bits of a good signature with all that it covers */
	uint64_t n_verified, n_remembered;
	struct rrsets sets;  /* of a response */
	struct rrsets inner; /* of DS and DNSKEY: a trust_source may ask for these meanwhile */
	struct canonical canonical;
};

struct trust_key {
	uint16_t tag, flags;
	uint8_t algorithm;
	bool is_vouched;        /* a DS record or trust anchor names it; while the trust is made */
	uint16_t bytes;         /* of the public key */
	struct public_key *key; /* NULL: it may not sign (no zone key, revoked, malformed) */
	uint8_t digest[KEY_DIGEST_BYTES]; /* SHA-256 of owner and record, for the memo */
};

enum keys_tried {
	KEYS_ALL,
	KEYS_VOUCHED,
};

/* Why something is bogus. Set by the most telling of what went wrong. */
struct blame {
	uint8_t ede_code; /* 0: nothing yet */
	const char *why;
};
void blame_note(struct blame *b, uint8_t ede_code, const char *why);

struct verified {
	uint32_t ttl_s; /* the most that the signature allows (RFC 4035 5.3.3) */
	uint8_t labels;
};

/*
 * rrset_verify - try the RRSIGs whose signer is the zone.
 *
 * Returns true if one is good; false with *blame noted, and work->is_exhausted set if more
 * might have been tried.
 */
bool rrset_verify(struct validator *v, const struct rrsets *s, const struct rrset *set,
                  const struct trust *zone, enum keys_tried which, uint32_t wall_s,
                  struct work *work, struct verified *ret, struct blame *blame);

bool algorithm_is_supported(uint8_t algorithm);
/* May this public key be handed to the library: sizes as the algorithm has them? */
bool key_is_sound(uint8_t algorithm, const uint8_t *key, size_t n);
