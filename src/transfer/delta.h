/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/delta.h - what changes from one version of a zone to another, as lines.
 *
 * What:      lines are deleted and added, in the order in which they come, over as many versions
 *            as there are; delta_seal() leaves what all of it comes to, sorted: a line that must
 *            be there and goes, or must not be there and comes. A sequence that cannot be (a line
 *            deleted twice) is found then; one that does not fit the zone is found by
 *            zone_file_apply().
 * Threads:   one thread.
 * Memory:    the lines, and 24 bytes each.
 * Cost:      sorting.
 * Limits:    DELTA_MAX_BYTES and DELTA_MAX_LINES; whoever has more transfers the whole zone.
 * Standards: RFC 1995 4
 * Tests:     tests/unit/transfer/delta_test.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	DELTA_MAX_BYTES = 128 << 20,
	DELTA_MAX_LINES = 4 << 20
};

struct delta_line {
	uint32_t at, n; /* in the text */
	uint32_t number;
	bool is_add;
};

/* Zero it before use. */
struct delta {
	char *text;
	size_t n_text, room;
	struct delta_line *lines; /* sealed: sorted, each once */
	size_t n_lines, lines_room;
};

/* 0; -EFBIG over the limits; -ENOMEM. */
MUST_USE int delta_add(struct delta *d, bool is_add, const char *line, size_t n);
/* 0, or -ESTALE: deleted or added twice. */
MUST_USE int delta_seal(struct delta *d);
void delta_done(struct delta *d);

static inline const char *delta_text(const struct delta *d, size_t i)
{
	return d->text + d->lines[i].at;
}
