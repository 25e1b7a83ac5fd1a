/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/siphash.h - SipHash-1-3 and SipHash-2-4, the keyed hash of all tables that an
 *                  outsider can fill.
 *
 * What:      a 64-bit keyed hash of a few bytes (Aumasson and Bernstein, "SipHash: a fast
 *            short-input PRF", 2012).
 * Threads:   pure.
 * Memory:    never allocates.
 * Cost:      about 10 ns for a label; O(bytes).
 * Tests:     tests/unit/base/siphash_test.c (the vectors of the paper)
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

uint64_t siphash13(const struct siphash_key *key, const void *bytes, size_t n);
uint64_t siphash24(const struct siphash_key *key, const void *bytes, size_t n);
