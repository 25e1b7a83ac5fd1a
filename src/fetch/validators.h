/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/validators.h - what is remembered of the version that was downloaded last.
 *
 * What:      STATE/feeds/.NAME.meta: lines of "key: value" with the URL, its ETag and
 *            Last-Modified, for conditional requests; size and SHA-256 of the file, to know
 *            whether the file is still the one; and the times. Written beside, synced, renamed.
 * Not here:  the file itself -> fetch/place.h
 * Threads:   the fetching thread.
 * Memory:    none.
 * Cost:      a file of some hundred bytes.
 * Limits:    VALIDATORS_MAX_BYTES; a file that is no good counts as none.
 * Standards: RFC 9110 8.8 (validators)
 * Tests:     tests/unit/fetch/validators_test.c, tests/fuzz/validators_fuzz.c
 */
#pragma once

#include "fetch/fetch.h"

enum {
	VALIDATORS_MAX_BYTES = 8192,
	VALIDATOR_MAX = 512, /* longer ETags are not kept */
	SHA256_HEX = 64,
	CHECKED_MAX = 400,
	VALIDATOR_POSITION_MAX = 63,
};

struct validators {
	char url[FETCH_URL_MAX];
	char etag[VALIDATOR_MAX];
	char modified[VALIDATOR_MAX];
	char sha256[SHA256_HEX + 1]; /* lower case; "": not known */
	char checked[CHECKED_MAX];   /* what vouched for it: the key, the checksums' URL */
	uint64_t bytes;
	uint64_t fetched_s, changed_s;
	char position[VALIDATOR_POSITION_MAX + 1]; /* TAXII, MISP: up to where its objects came */
	uint64_t full_s;                           /* and when all of them came */
};

/* From the text of such a file; what is missing is empty. 0 or -EBADMSG (no checksum in it). */
MUST_USE int validators_parse(const char *text, size_t n, struct validators *ret);
/* Returns the length. */
size_t validators_format(const struct validators *v, char ret_text[VALIDATORS_MAX_BYTES]);
