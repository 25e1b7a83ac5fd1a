/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/coding.h - the encodings in which tools write bytes into names; inside detect/.
 *
 * What:      decodes digits (hexadecimal, base32 in the alphabets that tools use) that stand in one label or run on
 *            over several. Strict: each character is a digit, the number of digits is one that
 *            the encoder makes, the bits that are left over are zero.
 * Not here:  what the bytes mean -> tools.h.
 * Threads:   pure.
 * Memory:    the caller's.
 * Cost:      some ns a digit; stops at the first that is none.
 * Limits:    CODING_BYTES_MAX bytes.
 * Standards: RFC 4648 6 (base32), 8 (base16)
 * Tests:     tests/unit/detect/coding_test.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum coding {
	CODING_HEX,    /* lower case */
	CODING_BASE32, /* a-z 2-7 */
	CODING_IODINE, /* a-z 0-5 */
	CODING_SLIVER, /* an alphabet of its own */
};

enum {
	CODING_BYTES_MAX = 160
};

/* Is each of these characters a digit? */
bool coding_is_digits(enum coding c, const uint8_t *text, size_t n);
/* Bytes in ret (CODING_BYTES_MAX); -1: these are no digits of that encoding, or too many. */
int coding_decode(enum coding c, const uint8_t *text, size_t n, uint8_t *ret);
