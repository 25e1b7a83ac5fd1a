/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * validate/public_key.h - the arithmetic behind a DNSKEY: is this signature over these bytes good?
 *
 * What:      a DNSKEY's public key as the library for cryptography takes it. libcrypto, because it
 *            needs less than half of GnuTLS's time for the usual algorithm (docs/why/007).
 * Not here:  which keys and sizes are sound -> signature.c; what a signature covers -> rrset.c.
 * Threads:   a key is immutable and shared; verifying may go on in several threads at once.
 * Memory:    some two KiB a key, in the library.
 * Cost:      a signature that is not good costs as much as a good one.
 * Limits:    algorithms 5, 7, 8, 10, 13, 14, 15, 16.
 * Standards: RFC 3110 2 and 3, RFC 5702 3, RFC 6605 4, RFC 8080 3 and 4
 * Tests:     tests/unit/validate/signature_test.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

struct public_key;

/* Does the library have the algorithm here? */
bool public_key_has(uint8_t algorithm);

/*
 * public_key_new - from the key as it stands in the DNSKEY record, whose sizes were checked.
 *
 * Returns NULL if the library will not have it (no point of the curve) or has no memory.
 */
struct public_key *public_key_new(uint8_t algorithm, const uint8_t *key, size_t n);
void public_key_free(struct public_key *k);

/* The signature is as it stands in the RRSIG record; its size was checked. */
MUST_USE bool public_key_verify(const struct public_key *k, const uint8_t *data, size_t n,
                                const uint8_t *signature, size_t signature_bytes);
