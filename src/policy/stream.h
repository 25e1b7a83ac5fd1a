/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/stream.h - the entries of an image in order, with their whole hashes.
 *
 * What:      one image by itself: of an overlay, only what the overlay has.
 * Threads:   worker-local; the image stays referenced by the caller.
 * Memory:    64 KiB.
 * Cost:      11 bytes an entry, read from front to back.
 * Limits:    an image that lies (a table out of order, or not as long as it says) ends with
 *            -EBADMSG, and so does one whose high bits are not what they were: at its end.
 * Tests:     tests/unit/policy/merge_test.c
 */
#pragma once

#include "policy/image.h"

enum {
	STREAM_HIGH_AT_ONCE = 21845 /* in 64 KiB */
};

struct stream {
	const struct policy_image *image;
	uint64_t slot, n_slots; /* the next, and how many there are */
	uint8_t *high;          /* the high bits of the next entries */
	uint32_t n_high, at_high;
	uint64_t n_read; /* entries whose high bits were read */
	void *sum;       /* XXH3 of those */
	uint64_t last;   /* hash */
	bool has_last;
	/* what stream_next() found */
	uint64_t hash;
	uint32_t set;
};

/* image: borrowed, or NULL: there is no entry. 0, -ENOMEM. */
MUST_USE int stream_init(struct stream *s, const struct policy_image *image);
void stream_done(struct stream *s);

/* 1: the next is in s->hash and s->set; 0: that was all; -EBADMSG; -errno of reading. */
MUST_USE int stream_next(struct stream *s);
