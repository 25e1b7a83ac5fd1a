/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/detecting.h - the detectors of the running server, and what is kept of them.
 *
 * What:      struct detect, with mutes (muting.h) and learned ceilings (ceilings.h) from the state
 *            folder.
 * Not here:  what they do -> detect/detect.h
 * Threads:   the housekeeping thread.
 * Memory:    detect_bytes().
 * Cost:      tick: waits for the disk now and then.
 * Limits:    theirs.
 * Tests:     tests/system/detect_test.py, tests/system/ceilings_test.py
 */
#pragma once

#include "weir/ceilings.h"
#include "weir/muting.h"

struct detecting {
	struct detect *detect; /* NULL: none; then the others are, too */
	struct muting *muting;
	struct ceilings *ceilings;
};

/* Logged. 0 or -ENOMEM: detecting_stop() is needed all the same. */
MUST_USE int detecting_start(struct detecting *d, const struct config *c);
/* Once a second. */
void detecting_tick(struct detecting *d, uint64_t now_s);
/* After the workers have ended. */
void detecting_stop(struct detecting *d);
