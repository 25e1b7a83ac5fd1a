/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/publish.h - from the builder to the files of the state directory, and back.
 *
 * What:      a change of few names is written as the overlay of the image that is there; all
 *            else as an image, which makes an overlay that lies beside it void. Without a state
 *            directory, or when its disk fails, the files have no name and live as long as they
 *            are mapped.
 * Threads:   one thread at a time for one state directory.
 * Memory:    none.
 * Cost:      waits for the disk.
 * Tests:     tests/unit/feeds/compile_test.c, kill_test.c
 */
#pragma once

#include "feeds/feeds.h"

struct publish {
	const struct feeds_plan *plan;
	struct policy_image *current;        /* what the builder started from; NULL: nothing */
	struct policy_pattern_set *patterns; /* the image's; NULL: none */
	const uint8_t *tag;
	bool is_private; /* set when the state directory's disk failed */
};

/* A place for what the builder cannot hold in memory; failing costs memory only. */
void publish_spill(const struct feeds_plan *plan, struct policy_builder *b);

/* Write it and map what was written: a reference of the caller's. 0 or -errno. */
MUST_USE int publish_image(struct publish *p, struct policy_builder *b, struct policy_image **ret);

/* Map the image of the state directory, with its overlay if it has one. As feeds_open(). */
MUST_USE int publish_open(const struct feeds_plan *plan, bool set_key, struct policy_image **ret);
