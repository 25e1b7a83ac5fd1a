/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * validate/anchors_signed.h - which keys of a DNSKEY RRset have signed it; inside validate/ only.
 *
 * What:      RFC 5011 asks for more than "is the RRset good": it must be known whether a key
 *            that is trusted signed it, and whether a revoked key signed its own revocation.
 *            Here no key is trusted; that is for anchors_track.c.
 * Threads:   pure.
 * Memory:    what libdnssec takes during a call.
 * Cost:      a signature check for each RRSIG whose key is there; never on a worker.
 * Limits:    SIGNED_KEYS_MAX keys, SIGNED_CHECKS_MAX checks (KeyTrap, CVE-2023-50387); what is
 *            over has not signed.
 * Standards: RFC 4034 3.1.8.1 and 6.3; RFC 4035 5.3; RFC 5011 2.1
 * Tests:     tests/unit/validate/anchors_track_test.c
 */
#pragma once

#include "validate/signature.h"

enum {
	SIGNED_KEYS_MAX = 32,
	SIGNED_CHECKS_MAX = 64,
	DNSKEY_SEP = 0x0001,
};

struct signed_key {
	const uint8_t *rdata; /* borrowed */
	uint16_t rdata_len;
	uint16_t tag;
	bool has_signed; /* the whole RRset, and the signature holds now */
};

struct signed_keys {
	unsigned n;
	struct signed_key keys[SIGNED_KEYS_MAX]; /* in canonical order, none twice */
	uint32_t ttl_s;        /* the original one of the signatures; the record's without any */
	uint32_t signed_for_s; /* the shortest time that a good signature still holds; 0: none */
};

static inline bool signed_key_is_revoked(const struct signed_key *k)
{
	return (load16(k->rdata) & DNSKEY_REVOKE) != 0;
}

/*
 * @rrs: the DNSKEY records at `zone` and the RRSIGs over them; others are passed over
 * 0, or -ENOENT: there is no DNSKEY record.
 */
MUST_USE int signed_keys_read(const uint8_t *zone, const struct answer_rr *rrs, unsigned n_rrs,
                              uint32_t wall_s, struct signed_keys *ret);
