/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * events/json_text.h - numbers, times, addresses, names and strings as JSON text.
 *
 * What:      each function lays text down at `p` and returns the place behind it. Strings come
 *            without their quotes. What is not valid UTF-8 becomes U+FFFD; control characters,
 *            DEL and C1 controls are escaped, so that a line is safe in a terminal too.
 * Threads:   pure; json_text_init() once, before the first name is written.
 * Memory:    never allocates; the caller sees to the room (see each function).
 * Cost:      some ns a field; a plain character costs one table look-up.
 * Standards: RFC 8259 7; RFC 3339 5.6; RFC 3629 4 (which UTF-8 is valid)
 * Tests:     tests/unit/events/json_text_test.c, tests/fuzz/event_json_fuzz.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"

enum {
	JSON_NAME_MAX = 5 * 255, /* a name whose every byte is \\DDD */
	JSON_TEXT_FACTOR = 6,    /* bytes of text that one byte becomes at most: \u001f */
	JSON_SECOND_BYTES = 19,  /* 2026-11-22T23:01:57 */
};

/* Lay down a literal: its length is known when compiling. */
#define JSON_LIT(p, literal) json_text_bytes((p), (literal), sizeof(literal) - 1)

static inline char *json_text_bytes(char *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

void json_text_init(void);

char *json_text_number(char *p, uint64_t x);                 /* room: 20 */
char *json_text_string(char *p, const char *text, size_t n); /* room: JSON_TEXT_FACTOR * n */
char *json_text_name(char *p, const uint8_t *wire);          /* room: JSON_NAME_MAX */
char *json_text_addr(char *p, const struct addr *a);         /* room: ADDR_TEXT_MAX */

/* "2026-11-22T23:01:57" in UTC; years up to 9999. */
void json_text_second(uint64_t second, char ret_text[JSON_SECOND_BYTES]);
/* ".123456Z" */
char *json_text_fraction(char *p, uint32_t ns);
