/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api/text.h - what the print functions share: safe text, durations, times, counts.
 *
 * What:      everything that is printed came from a socket, a list or the network: it passes
 *            text_show() first, so that no byte of it can steer a terminal.
 * Threads:   pure.
 * Memory:    never allocates; text_of() and the like return one of a few static buffers and are
 *            for the client's main thread only.
 * Cost:      client side only.
 * Limits:    TEXT_SHOWN_MAX bytes a piece of text; longer ones end in "...".
 * Tests:     tests/unit/api/text_test.c
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	TEXT_SHOWN_MAX = 1536,
	TEXT_TIME_MAX = 40
};

/*
 * Copy UTF-8 with control characters, and the characters that turn the direction of writing,
 * as \xNN. n >= 8. Returns ret.
 */
const char *text_show(const char *text, char *ret, size_t n);

/* A member of an object, made safe; "" when it is absent or no string. Static buffers: 8 calls. */
const char *text_of(const json_t *object, const char *member);
uint64_t text_number(const json_t *object, const char *member); /* 0 when absent */

/* "2h 5m", "3d 4h", "12s". */
const char *text_duration(uint64_t seconds, char ret[TEXT_TIME_MAX]);
/* "2026-11-22 23:10:05 UTC" */
const char *text_time(uint64_t wall_s, char ret[TEXT_TIME_MAX]);
/* "1 234 567" */
const char *text_count(uint64_t n, char ret[TEXT_TIME_MAX]);
/* "12.5 MiB" */
const char *text_bytes(uint64_t n, char ret[TEXT_TIME_MAX]);

/* Words of safe text, wrapped at 80 columns; the first line begins at column `column`. */
void text_wrap(FILE *out, unsigned column, unsigned indent, const char *text);
