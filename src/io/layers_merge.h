/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io/layers_merge.h - several layers side by side: each line once, with what they say of it; inside io/.
 *
 * What:      a line may be in several layers; those say in turn that it comes and that it goes. What it
 *            comes to is told by the lowest and by the topmost that has it.
 * Threads:   one thread.
 * Memory:    none but the layers'.
 * Cost:      a comparison a line of the lowest layer, and one a layer for each line of the others.
 * Limits:    LAYERS_MAX layers.
 * Tests:     tests/unit/io/layers_merge_test.c
 */
#pragma once

#include "io/layers.h"

/* The layer of this name, of the text whose head is at `path`. As layer_open(). */
MUST_USE int layers_open_one(const char *path, uint64_t name, struct layer *ret);

struct merge {
	struct layer *at[LAYERS_MAX]; /* from the ground up; borrowed */
	unsigned n;
	/* The line at hand. */
	const char *line;
	size_t n_line;
	bool is_first_add, is_last_add; /* in the lowest that has it, in the topmost */
	uint32_t has_it;                /* which layers have it: they move on at the next step */
	/* Of those but the lowest: which stand at their least line. */
	bool is_upper_known;
	uint32_t upper;
};

/* To the first line; or to the first that is not less. Then merge_step(). 0, -EBADMSG, -errno. */
MUST_USE int merge_first(struct merge *m);
MUST_USE int merge_seek(struct merge *m, const char *line, size_t n);
/* The next line. 1; 0: there is none; -EBADMSG: comes twice, goes twice; -errno. */
MUST_USE int merge_step(struct merge *m);
/* Lines that come before the one at hand, by all layers together. */
int64_t merge_net(const struct merge *m);

/* Does it come or go by them together? Else it does both. */
static inline bool merge_is_change(const struct merge *m)
{
	return m->is_first_add == m->is_last_add;
}
