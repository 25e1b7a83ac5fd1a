/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay/json_map.h - where the quotes and brackets of a JSON text are, a bit a byte.
 *
 * What:      all bytes are compared once, many at a time; json_scan.c then goes from bit to bit
 *            instead of walking strings. json_map_sse2.c where the processor has it (every
 *            x86-64), json_map_plain.c elsewhere: meson chooses.
 * Threads:   pure.
 * Memory:    the caller's.
 * Cost:      10 GB/s with SSE2, 1 GB/s without.
 * Limits:    texts of up to 4 KiB without a backslash, which are nearly all events; the others
 *            have no map and are walked.
 * Tests:     tests/unit/replay/{json_map_plain,json_scan}_test.c, tests/fuzz/replay_json_fuzz.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	JSON_MAP_WORDS = 64
};

/* Quotes, and brackets and braces that stand outside of strings. Returns the words; 0: no map. */
unsigned json_map(const char *text, size_t n, uint64_t quotes[JSON_MAP_WORDS],
                  uint64_t brackets[JSON_MAP_WORDS]);

/* Inside: 64 bytes (json_map_*.c). False: there is a backslash. Strings are not looked at. */
bool json_map_word(const char *p, uint64_t *ret_quotes, uint64_t *ret_brackets);
