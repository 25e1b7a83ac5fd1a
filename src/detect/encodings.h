/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/encodings.h - runs of digits in a text: base64, base32, hexadecimal; inside detect/.
 *
 * What:      finds the longest stretches of a text that may be one of them, and decodes them. What a
 *            stretch is can often not be told: `deadbeef` is all three; whoever looks tries each.
 *
 *                encoding_next() -> a run -> encoding_fits() for each encoding -> encoding_decode()
 *
 * Not here:  what comes out -> detect/carried.h; digits that tools write into names -> detect/coding.h
 * Threads:   pure.
 * Memory:    the caller's.
 * Cost:      a ns a byte or two.
 * Limits:    hexadecimal digits may be set apart by the same few characters each time ("4d 5a",
 *            "\x4d\x5a", "4d:5a", "0x4d,0x5a").
 * Standards: RFC 4648 4, 5, 6, 8
 * Tests:     tests/unit/detect/encodings_test.c, tests/fuzz/carried_fuzz.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum encoding {
	ENCODING_HEX,
	ENCODING_BASE32,
	ENCODING_BASE64, /* both alphabets */
	ENCODINGS
};

/* A stretch of a text. */
struct encoded_run {
	const uint8_t *text;
	size_t n;
	uint8_t apart; /* characters between two pairs of hexadecimal digits; 0: none */
};

/*
 * The next run of at least min characters from *at on, which moves behind it. False: there is none.
 */
bool encoding_next(const uint8_t *text, size_t n, size_t min, size_t *at, struct encoded_run *ret);
bool encoding_fits(enum encoding e, const struct encoded_run *run);
/* Bytes written; what there is no room for is left out. */
size_t encoding_decode(enum encoding e, const struct encoded_run *run, uint8_t *ret, size_t room);
/* Bytes that the run stands for. */
size_t encoding_bytes(enum encoding e, const struct encoded_run *run);
const char *encoding_name(enum encoding e);
