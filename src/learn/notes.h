/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * learn/notes.h - the ring of notes between a worker and the housekeeping thread.
 *
 * What:      notes of fixed size, one behind the other; full means lost and counted. Beside it
 *            a small table of what was noted of late, so that a chatty client makes one note a
 *            minute for a name.
 * Threads:   learn_wants(), learn_put(): the worker; the functions here: housekeeping.
 * Memory:    1.4 MiB and 128 KiB, touched as used.
 * Cost:      putting copies up to 1.4 KiB.
 * Limits:    NOTES_MAX waiting; NOTE_ALIASES_MAX aliases of a chain.
 * Tests:     tests/unit/learn/notes_test.c
 */
#pragma once

#include <stdatomic.h>

#include "learn/learn.h"

enum {
	NOTES_MAX = 1024,
	NOTE_ALIASES_MAX = 4,
};

struct learn_note {
	char group[LEARN_GROUP_MAX + 1];
	bool is_denied;
	uint8_t n_aliases;
	uint16_t type;
	struct addr client;
	uint64_t wall_s;
	struct name name, aliases[NOTE_ALIASES_MAX];
};

/* The oldest, until notes_pop(); NULL: there is none. */
const struct learn_note *notes_peek(struct learn_notes *n);
void notes_pop(struct learn_notes *n);
uint64_t notes_take_lost(struct learn_notes *n); /* since the last time */
