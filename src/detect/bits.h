/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/bits.h - how much information a label of a host name carries at most; inside detect/.
 *
 * What:      the length of a label under a prefix code for host labels: trigrams of ordinary ones
 *            (src/detect/data/trigrams.bin, made by tools/train/leak_model.py), or where that is
 *            longer letters and digits as they come; one bit says which. Because it is a prefix code, of
 *            all choices of labels with k bits in sum there are 2^k at most, whoever makes them.
 * Threads:   pure.
 * Memory:    the table, 64,000 bytes, in the binary.
 * Cost:      about a ns a byte.
 * Limits:    0 to 63 bytes.
 * Standards: none; Kraft's inequality
 * Tests:     tests/unit/detect/bits_test.c
 */
#pragma once

#include <stdint.h>

enum {
	BITS_UNIT = 16 /* costs are in sixteenths of a bit */
};

/* Of a label, length byte first. */
uint32_t bits_of_label(const uint8_t *label);
/* Of the choice of a type of question. */
uint32_t bits_of_type(uint16_t type);
