/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/clock.h - the two clocks.
 *
 * What:      monotonic nanoseconds for intervals, wall time for records and expiry that
 *            survives a restart. Code on the packet path takes `now` as a parameter: the
 *            loop reads the clock once a turn.
 * Threads:   any thread.
 * Memory:    none.
 * Cost:      about 25 ns (vDSO).
 */
#pragma once

#include <stdint.h>

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

uint64_t clock_mono_ns(void); /* CLOCK_MONOTONIC */
uint64_t clock_wall_ns(void); /* CLOCK_REALTIME, since 1970 */

/* CPU-cheap, a few ms coarse (CLOCK_MONOTONIC_COARSE). */
uint64_t clock_coarse_ns(void);
