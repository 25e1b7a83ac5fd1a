/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns/name.h - domain names in wire form.
 *
 * What:      a name is a borrowed `const uint8_t *` to uncompressed wire form, ending in the
 *            root label:  03 'w' 'w' 'w' 07 'e' ... 00 .  Names that are compared, hashed or
 *            kept are canonical (lower case); name_copy_lower() makes them so.
 *            The hash of a name is a chain over its labels from the root, so that one pass
 *            gives the hashes of all its suffixes:
 *                h(root) = k1,   h(label.rest) = SipHash-1-3(k0 ^ h(rest), k1; label)
 * Not here:  reading names out of messages with compression -> dns/message.h
 * Threads:   pure; name_set_hash_key() once, before other threads start.
 * Memory:    never allocates.
 * Cost:      hot path; O(bytes).
 * Limits:    255 bytes, 127 labels of at most 63 bytes.
 * Standards: RFC 1035 3.1; RFC 4343 3 (case); RFC 4034 6.1 (order); RFC 4592 2.1.1
 * Tests:     tests/unit/dns/name_test.c, tests/fuzz/name_fuzz.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "base/siphash.h"

enum {
	NAME_MAX_BYTES = 255,
	NAME_MAX_LABELS = 127,       /* without the root label */
	NAME_TEXT_MAX = 4 * 255 + 1, /* each byte as \DDD, and the final NUL */
};

struct name {
	uint8_t wire[NAME_MAX_BYTES];
	uint8_t len; /* bytes, the root label included; 1-255 */
};

/* Bytes of a valid wire name, the root label included [1, 255]. */
size_t name_len(const uint8_t *wire);

/* Labels of a valid wire name, the root label not counted [0, 127]. */
unsigned name_labels(const uint8_t *wire);

/*
 * name_check - is there a valid, uncompressed name at `wire`, within n bytes?
 *
 * Returns its length in bytes; 0 if not (too long, pointer or reserved label type, cut off).
 */
size_t name_check(const uint8_t *wire, size_t n);

/* Copy in lower case (A-Z only, RFC 4343). Returns the length. dst holds NAME_MAX_BYTES. */
size_t name_copy_lower(uint8_t *dst, const uint8_t *wire);
void name_set(struct name *ret, const uint8_t *wire); /* a lower-case copy */

/* Equal but for case. */
bool name_equal(const uint8_t *a, const uint8_t *b);

/* Is name equal to or below ancestor? (case ignored) */
bool name_is_within(const uint8_t *name, const uint8_t *ancestor);

/* The name without its first `n` labels; a pointer into the same name. n <= labels. */
const uint8_t *name_skip(const uint8_t *wire, unsigned n);

/*
 * The name with `target` in the place of `owner`, which it is within; in lower case behind the
 * labels that stay (RFC 6672 2.2). False: it would be too long, ret is untouched.
 */
bool name_substitute(const uint8_t *name, const uint8_t *owner, const uint8_t *target,
                     struct name *ret);

/* How many labels two names share, counted from the root. */
unsigned name_common_labels(const uint8_t *a, const uint8_t *b);

/* DNSSEC canonical order (RFC 4034 6.1): <0, 0, >0. Case is ignored. */
int name_compare(const uint8_t *a, const uint8_t *b);

bool name_is_root(const uint8_t *wire);

/*
 * name_from_text - presentation form to wire, lower case; "." and a trailing dot are fine,
 *                  \X and \DDD escapes are understood. No IDNA.
 *
 * Returns 0; -EINVAL for an empty label, a label over 63 or a name over 255 bytes, a bad
 * escape, an empty text.
 */
MUST_USE int name_from_text(const char *text, size_t n, struct name *ret);

/*
 * name_to_text - wire to presentation form, without the trailing dot ("." for the root).
 *                Everything but letters, digits, '-', '_', '*', '/', '+', '=' and the like is
 *                escaped, so that the text is safe in logs, JSON and terminals.
 *
 * @ret_text: NAME_TEXT_MAX bytes; ends in NUL.
 *
 * Returns the length of the text.
 */
size_t name_to_text(const uint8_t *wire, char *ret_text);

/* ---- hashing ---- */

struct name_hashes {
	unsigned n;                      /* labels of the name; h[n] is the root's hash */
	uint64_t h[NAME_MAX_LABELS + 1]; /* h[i]: the name without its first i labels */
};

void name_set_hash_key(const struct siphash_key *key);
struct siphash_key name_hash_key(void);

/* The name must be lower case already. */
void name_hash_all(const uint8_t *lower, struct name_hashes *ret);
uint64_t name_hash(const uint8_t *lower);

/* The chain step by itself: the hash of (label bytes).(name whose hash is `rest`). */
uint64_t name_hash_step(uint64_t rest, const uint8_t *label, size_t n);
uint64_t name_hash_root(void);
