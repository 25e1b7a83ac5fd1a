/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/serial.h - comparing serial numbers of zones.
 *
 * What:      serials go round: 1 is newer than 4294967295.
 * Threads:   pure.
 * Memory:    none.
 * Cost:      one subtraction.
 * Standards: RFC 1982 3
 * Tests:     tests/unit/transfer/receive_test.c
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Two serials that are exactly 2^31 apart cannot be compared: neither is newer. */
static inline bool serial_is_newer(uint32_t a, uint32_t b)
{
	uint32_t ahead = a - b;
	return ahead != 0 && ahead < 0x80000000U;
}
