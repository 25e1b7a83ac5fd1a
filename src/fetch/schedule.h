/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/schedule.h - when a source is asked next.
 *
 * What:      after a success the interval, up to a tenth sooner or later; after failures twice as
 *            long each time, from SCHEDULE_FIRST_S up to the interval, up to a quarter sooner or
 *            later. So a thousand Weirs that start together do not stay together.
 * Threads:   pure.
 * Memory:    none.
 * Cost:      nothing.
 * Limits:    a server's Retry-After counts up to SCHEDULE_MAX_S.
 * Standards: RFC 9110 10.2.3
 * Tests:     tests/unit/fetch/schedule_test.c
 */
#pragma once

#include <stdint.h>

enum {
	SCHEDULE_FIRST_S = 15,
	SCHEDULE_MAX_S = 86400
};

/*
 * Milliseconds from now. `dice`: any 32 random bits. n_failures 0: the last attempt was a
 * success. retry_after_s: what the server asked for, 0 nothing.
 */
uint64_t schedule_next_ms(uint32_t refresh_s, unsigned n_failures, uint32_t retry_after_s,
                          uint32_t dice);
