/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/popular.h - is a registered domain one of those that many people use? Inside detect/.
 *
 * What:      a list of hashes in the binary, src/detect/data/popular.bin, made by
 *            tools/train/popular.py (docs/detection.md says from what). Popularity raises a ceiling, it
 *            never exempts: domains expire, and are bought by others.
 * Threads:   pure.
 * Memory:    the list, 6 bytes a domain, in the binary; what is not looked at is not in memory. A filter is
 *            its owner's, 256 KiB.
 * Cost:      some 100 ns; what is found is remembered by zones.h.
 * Limits:    48 bits of a hash whose key is known: a domain that is taken for another can be looked for.
 * Tests:     tests/unit/detect/popular_test.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* lower: a registered domain in wire form. */
bool popular_has(const uint8_t *lower);
/*
 * The same with a filter in front, which says of 99 of 100 domains that are not in the list that they are not, by one
 * word, where the list takes four looks into memory.
 */
enum {
	POPULAR_WORDS = 1 << 15
};
void popular_fill(uint64_t words[POPULAR_WORDS]); /* of zeros */
bool popular_has_filtered(const uint64_t words[POPULAR_WORDS], const uint8_t *lower);
size_t popular_count(void);
