/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/leak.h - what the leak budget shows to others in detect/.
 *
 * What:      the table of what it has learned.
 * Threads:   as learned.h.
 * Memory:    the detector's.
 * Cost:      nothing.
 * Limits:    none.
 * Tests:     tests/unit/detect/leak_test.c
 */
#pragma once

struct learned;

/* state: of the detector. */
struct learned *leak_learned(const void *state);
