/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/mute.h - which detectors are to say nothing about which clients and zones; inside detect/ only.
 *
 * What:      an immutable list, looked through only when something was found.
 * Threads:   immutable; published by detect_set_mutes().
 * Memory:    one block.
 * Cost:      O(mutes), on findings only.
 * Limits:    DETECT_MUTES_MAX.
 * Tests:     tests/unit/detect/mute_test.c
 */
#pragma once

#include "detect/detect.h"

struct mutes;

MUST_USE int mutes_new(const struct detect_mute *at, unsigned n, struct mutes **ret);
void mutes_free(void *mutes);
/* m NULL: nobody is muted. */
bool mutes_cover(const struct mutes *m, enum detector_id detector, const struct addr *client,
                 const uint8_t *name);
