/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/change_layers.h - two versions of a text in layers: what goes and comes, without reading the rest.
 *
 * What:      tells what feeds/change.h tells of two versions of a policy zone that are kept in layers
 *            (io/layers.h): the owners of lines that differ are told by the layers that not both have in
 *            common, and their lines are looked up. Of what stays those owners are told that have a line
 *            which is asked for.
 * Threads:   one thread.
 * Memory:    the lines of an owner, twice; a block of each layer.
 * Cost:      the layers that differ, and some 20 us for each owner; 1 ms for each line asked for.
 * Limits:    CHANGE_LAYERS_ASKED lines asked for, CHANGE_WINDOW of lines of one owner.
 * Tests:     tests/unit/feeds/change_layers_test.c, tests/unit/feeds/update_test.c
 */
#pragma once

#include "feeds/change.h"

enum {
	CHANGE_LAYERS_ASKED = 1000
};

struct change_layers_plan {
	struct change_plan change; /* by owner */
	const char *old_path, *path;
	const uint64_t *asked; /* numbers of lines of the old text, from 1, in order */
	uint32_t n_asked;
};

/*
 * change_layers_run - compare.
 *
 * In the order of the new text; what goes before what comes in its place. Returns 0; -ENOTSUP: one of
 * them is no text in layers, or more than this can tell; -EFBIG: too much differs; -ENOMEM; -EBADMSG,
 * -ENOENT: a layer is damaged, or not there; -errno; what a call returned.
 */
MUST_USE int change_layers_run(const struct change_layers_plan *plan);
