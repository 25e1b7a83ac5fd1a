/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/signature.h - does a downloaded file bear the signature, or have the checksum, that it must?
 *
 * What:      signatures of minisign (both kinds: of the file, and of its BLAKE2b hash, with the
 *            trusted comment) and of OpenBSD's signify, all Ed25519; checksums from a manifest as
 *            sha256sum(1) writes it.
 * Threads:   pure.
 * Memory:    none; the file's bytes are borrowed.
 * Cost:      some ns a byte.
 * Limits:    SIGNATURE_MAX_BYTES of signature or manifest text.
 * Standards: RFC 8032 (Ed25519); RFC 7693 (BLAKE2); minisign's and signify's file formats
 * Tests:     tests/unit/fetch/signature_test.c, tests/fuzz/signature_fuzz.c
 */
#pragma once

#include "fetch/fetch.h"

enum {
	SIGNATURE_MAX_BYTES = 1 << 20,
	SIGNATURE_KEY_BYTES = 32,
	SIGNATURE_ID_BYTES = 8,
};

struct signature_key {
	uint8_t id[SIGNATURE_ID_BYTES];
	uint8_t key[SIGNATURE_KEY_BYTES];
};

/* The base64 line of a public key. 0 or -EINVAL. */
MUST_USE int signature_key_parse(const char *text, struct signature_key *ret);

/*
 * signature_check - is the text a signature of these bytes by this key?
 *
 * NULL: it is. Else why not, as the end of "the signature ...".
 */
const char *signature_check(const struct signature_key *key, const char *text, size_t n,
                            const uint8_t *bytes, size_t n_bytes);

/*
 * The checksum that a manifest gives for a file. `name`: the last part of its path; a manifest of one
 * checksum without a name is for any. ret: 64 hex digits, lower case. 0 or -ENOENT.
 */
MUST_USE int signature_find_sum(const char *text, size_t n, const char *name, char ret[65]);
