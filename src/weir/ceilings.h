/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/ceilings.h - what the leak budget has learned, kept in the state folder.
 *
 * What:      STATE/ceilings, read at the start, written whole when something has changed, at most
 *            once in CEILINGS_SAVE_S by itself; and detect_tick().
 * Not here:  what is in it -> detect/learned_text.c; the command -> api/ceilings.c.
 * Threads:   the housekeeping thread.
 * Memory:    heap; a file of 500 KiB at most.
 * Cost:      waits for the disk while it writes.
 * Limits:    a file that cannot be read is put aside as STATE/ceilings.bad, the log says so, and learning
 *            begins anew; a line in it that makes no sense is left out, and told.
 * Tests:     tests/system/ceilings_test.py
 */
#pragma once

#include "detect/detect.h"

enum {
	CEILINGS_SAVE_S = 60
};

struct ceilings;

/* detect is borrowed; NULL: *ret stays NULL. folder: NULL or "": kept in memory only. 0 or -ENOMEM. */
MUST_USE int ceilings_start(struct detect *detect, const char *folder, struct ceilings **ret);
/* Once a second. NULL is fine, also below. */
void ceilings_tick(struct ceilings *c, uint64_t now_s);
/* Bring it to the disk now. 0 or -errno. */
MUST_USE int ceilings_save(struct ceilings *c);
/* What has changed is written. */
void ceilings_stop(struct ceilings *c);
