/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * events/ring.h - a ring of bytes between two threads, holding records of any size.
 *
 * What:      the producer reserves room, fills it in place and commits; the consumer peeks at the
 *            oldest record and pops it. A record never wraps: when it does not fit before the end
 *            of the memory, a skip mark fills the rest and the record starts over at the front.
 *
 *                | len | record ... | len | record ... |   free   | len | record ... | skip |
 *                                          head -> ^               ^ <- tail
 *
 * Not here:  what a record holds -> events/record.h; who is woken when -> events/writer.h.
 * Threads:   one producer, one consumer; ring_used() any thread.
 * Memory:    owns `bytes`, fixed; the kernel gives the pages as they are first used.
 * Cost:      hot path: reserve and commit are some ns, one release store; never blocks.
 * Limits:    a record of at most a quarter of the ring.
 * Tests:     tests/unit/events/ring_test.c
 */
#pragma once

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	RING_LINE_BYTES = 64, /* what two cores pass each other at a time */
	RING_MIN_BYTES = 4096,
};

struct ring {
	uint8_t *bytes;
	size_t mask;

	/* the producer's line */
	alignas(RING_LINE_BYTES) _Atomic uint64_t head; /* bytes ever committed */
	uint64_t at;        /* head, and the skip before a record that is being filled */
	uint64_t next;      /* head once that record is committed */
	uint64_t seen_tail; /* tail as last read: it only grows */

	/* the consumer's line */
	alignas(RING_LINE_BYTES) _Atomic uint64_t tail; /* bytes ever popped */
	uint64_t seen_head;
};

/* `bytes` is a power of two of at least RING_MIN_BYTES. 0, -EINVAL or -ENOMEM. */
MUST_USE int ring_init(struct ring *r, size_t bytes);
void ring_done(struct ring *r);

/* ---- producer ---- */

/* Room for n bytes, aligned to 8; NULL when the ring is full. Forgotten unless committed. */
void *ring_reserve(struct ring *r, size_t n);
void ring_commit(struct ring *r);
/* Commit what is committed once more, ordered before every later load (for waking). */
void ring_publish(struct ring *r);

/* ---- consumer ---- */

/* The oldest record, valid until it is popped; NULL when there is none. */
const void *ring_peek(struct ring *r, size_t *ret_n);
void ring_pop(struct ring *r);

/* Bytes in use, skips included. Any thread. */
/*
 * The record at or behind *at, which then lies behind it: for a consumer that looks further ahead
 * than it pops. Start with 0. NULL: there is none yet.
 */
const void *ring_look(struct ring *r, uint64_t *at, size_t *ret_n);
uint64_t ring_tail(const struct ring *r); /* of the consumer: where the oldest record is */
uint64_t ring_used(const struct ring *r);
