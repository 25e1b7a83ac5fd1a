/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/muting.h - which detectors are muted, kept in the state folder, until they expire.
 *
 * What:      STATE/mutes.json, read at the start, written whole at each change, and put in force
 *            by detect_set_mutes().
 * Not here:  the command -> api/detect.c.
 * Threads:   the housekeeping thread.
 * Memory:    heap; DETECT_MUTES_MAX mutes.
 * Cost:      a file of some KiB at each change.
 * Limits:    a file that cannot be read is said in the log, and nothing is muted; a mute in it that
 *            makes no sense is left out.
 * Tests:     tests/system/detect_test.py
 */
#pragma once

#include "detect/detect.h"

struct muting;

/* detect is borrowed; NULL: *ret stays NULL. folder: NULL or "": kept in memory only. 0 or -ENOMEM. */
MUST_USE int muting_start(struct detect *detect, const char *folder, struct muting **ret);
/* Once a second. NULL is fine, also below. */
void muting_tick(struct muting *m, uint64_t now_s);
void muting_free(struct muting *m);
/* All that are in force; borrowed until the next change. */
const struct detect_mute *muting_all(const struct muting *m, unsigned *ret_n);
/* Put these in their place: kept, then in force. 0; -E2BIG, -ENOMEM, or what the disk says. */
MUST_USE int muting_set(struct muting *m, const struct detect_mute *at, unsigned n);
