/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/validate/key_pair.h - keys of a zone, and DNSKEY RRsets signed by them.
 *
 * What:      makes Ed25519 keys with GnuTLS and signs with libdnssec.
 * Threads:   the test's.
 * Memory:    a key_ring is freed by key_ring_done().
 * Cost:      some 100 us a key.
 * Tests:     is itself of tests
 */
#pragma once

#include <libdnssec/key.h>

#include "validate/validate.h"

enum {
	RING_KEYS = 8,
	RING_RRS = 64,
	RING_BYTES = 8192,
	KEY_FLAGS = 257, /* zone key, secure entry point */
	KEY_REVOKED = 385,
};

struct key_ring {
	struct name zone;
	dnssec_key_t *keys[RING_KEYS];
	struct answer_rr rrs[RING_RRS];
	unsigned n_rrs;
	uint8_t bytes[RING_BYTES];
	size_t used;
};

/* Each ring makes its own keys. */
void key_ring_init(struct key_ring *r, const char *zone);
void key_ring_done(struct key_ring *r);

/* Begin an RRset anew. */
void key_ring_clear(struct key_ring *r);
/* A DNSKEY record of key i, with these flags. */
const struct answer_rr *key_ring_publish(struct key_ring *r, unsigned i, uint16_t flags);
/* An RRSIG over the DNSKEY records so far, by key i with these flags. */
void key_ring_sign(struct key_ring *r, unsigned i, uint16_t flags, uint32_t ttl_s,
                   uint32_t begins_s, uint32_t expires_s);
/* A DS record of key i; laid down among the bytes, not among the records. */
struct answer_rr key_ring_ds(struct key_ring *r, unsigned i);
int key_ring_tag(struct key_ring *r, unsigned i);
