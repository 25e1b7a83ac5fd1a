/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	MARK_BYTES = 8
}; /* before each record: its length; keeps records aligned */

#define SKIP UINT64_MAX

static uint64_t mark_at(const struct ring *r, uint64_t place)
{
	uint64_t mark;
	memcpy(&mark, r->bytes + (place & r->mask), sizeof mark);
	return mark;
}

static void set_mark(struct ring *r, uint64_t place, uint64_t mark)
{
	memcpy(r->bytes + (place & r->mask), &mark, sizeof mark);
}

static uint64_t record_span(size_t n)
{
	return MARK_BYTES + ((n + 7) & ~(uint64_t)7);
}

int ring_init(struct ring *r, size_t bytes)
{
	if (bytes < RING_MIN_BYTES || (bytes & (bytes - 1)) != 0)
		return -EINVAL;
	uint8_t *memory = aligned_alloc(RING_LINE_BYTES, bytes);
	if (memory == NULL)
		return -ENOMEM;
	r->bytes = memory;
	r->mask = bytes - 1;
	r->at = r->next = r->seen_tail = r->seen_head = 0;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	return 0;
}

void ring_done(struct ring *r)
{
	free(r->bytes);
	r->bytes = NULL;
}

void *ring_reserve(struct ring *r, size_t n)
{
	size_t size = r->mask + 1;
	uint64_t span = record_span(n);
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint64_t to_end = size - (head & r->mask);
	uint64_t skip = span <= to_end ? 0 : to_end;
	if (n > size / 4)
		return NULL;
	if (head + skip + span - r->seen_tail > size) {
		r->seen_tail = atomic_load_explicit(&r->tail, memory_order_acquire);
		if (head + skip + span - r->seen_tail > size)
			return NULL;
	}
	if (skip > 0)
		set_mark(r, head, SKIP);
	r->at = head + skip;
	r->next = r->at + span;
	set_mark(r, r->at, n);
	return r->bytes + (r->at & r->mask) + MARK_BYTES;
}

void ring_commit(struct ring *r)
{
	atomic_store_explicit(&r->head, r->next, memory_order_release);
}

void ring_publish(struct ring *r)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	atomic_store_explicit(&r->head, head, memory_order_seq_cst);
}

const void *ring_peek(struct ring *r, size_t *ret_n)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	if (tail == r->seen_head) {
		r->seen_head = atomic_load_explicit(&r->head, memory_order_seq_cst);
		if (tail == r->seen_head)
			return NULL;
	}
	uint64_t mark = mark_at(r, tail);
	if (mark == SKIP) { /* committed together with the record behind it */
		tail += r->mask + 1 - (tail & r->mask);
		atomic_store_explicit(&r->tail, tail, memory_order_release);
		mark = mark_at(r, tail);
	}
	*ret_n = (size_t)mark;
	return r->bytes + (tail & r->mask) + MARK_BYTES;
}

void ring_pop(struct ring *r)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint64_t span = record_span((size_t)mark_at(r, tail));
	atomic_store_explicit(&r->tail, tail + span, memory_order_release);
}

const void *ring_look(struct ring *r, uint64_t *at, size_t *ret_n)
{
	uint64_t tail = ring_tail(r);
	uint64_t head = atomic_load_explicit(&r->head, memory_order_seq_cst);
	*at = *at > tail ? *at : tail;
	if (*at == head)
		return NULL;
	uint64_t mark = mark_at(r, *at);
	if (mark == SKIP) { /* as in ring_peek() */
		*at += r->mask + 1 - (*at & r->mask);
		mark = mark_at(r, *at);
	}
	const void *record = r->bytes + (*at & r->mask) + MARK_BYTES;
	*ret_n = (size_t)mark;
	*at += record_span((size_t)mark);
	return record;
}

uint64_t ring_tail(const struct ring *r)
{
	return atomic_load_explicit(&r->tail, memory_order_relaxed);
}

uint64_t ring_used(const struct ring *r)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	return atomic_load_explicit(&r->head, memory_order_relaxed) - tail;
}
