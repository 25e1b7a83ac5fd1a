/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "events/record.h"
#include "events/writer.h"

static void free_all(struct events *e)
{
	for (unsigned i = 0; i < e->n_rings; i++)
		ring_done(&e->rings[i].ring);
	free(e->rings);
	free(e);
}

static int make_rings(struct events *e, const struct events_config *config)
{
	size_t bytes = config->n_rings * sizeof(struct event_ring);
	if (config->n_rings == 0)
		return 0;
	e->rings = aligned_alloc(alignof(struct event_ring), bytes);
	if (e->rings == NULL)
		return -ENOMEM;
	memset(e->rings, 0, bytes);
	for (; e->n_rings < config->n_rings; e->n_rings++) {
		int error = ring_init(&e->rings[e->n_rings].ring, config->ring_bytes);
		if (error != 0)
			return error;
		e->rings[e->n_rings].events = e;
	}
	return 0;
}

int events_start(const struct events_config *config, struct events **ret)
{
	if (config->path == NULL && config->observer == NULL) {
		*ret = NULL;
		return 0;
	}
	const char *path = config->path != NULL ? config->path : "";
	size_t path_bytes = strlen(path) + 1;
	size_t room = (sizeof(struct events) + path_bytes + RING_LINE_BYTES - 1) / RING_LINE_BYTES *
	              RING_LINE_BYTES;
	struct events *e = aligned_alloc(RING_LINE_BYTES, room);
	if (e == NULL)
		return -ENOMEM;
	memset(e, 0, room);
	memcpy(e->path, path, path_bytes);
	if (config->observer != NULL)
		e->observer = *config->observer;
	int error = make_rings(e, config);
	if (error == 0)
		error = writer_start(e, config);
	if (error != 0) {
		free_all(e);
		return error;
	}
	*ret = e;
	return 0;
}

int events_stop(struct events *e)
{
	if (e == NULL)
		return 0;
	int error = writer_stop(e);
	if (error == 0)
		free_all(e);
	return error;
}

struct event_ring *events_ring(struct events *e, unsigned i)
{
	return e != NULL && i < e->n_rings ? &e->rings[i] : NULL;
}

/* Only the worker writes its counters: no locked instruction is needed. */
static void count_one(_Atomic uint64_t *counter)
{
	uint64_t n = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, n + 1, memory_order_relaxed);
}

void *events_reserve(struct event_ring *r, size_t n)
{
	count_one(&r->put);
	r->has_put = true;
	void *record = ring_reserve(&r->ring, n);
	if (record == NULL) {
		bool is_disk = atomic_load_explicit(&r->events->is_sink_busy, memory_order_relaxed);
		count_one(is_disk ? &r->lost_disk : &r->lost_ring);
	}
	return record;
}

void events_commit(struct event_ring *r)
{
	ring_commit(&r->ring);
}

void events_put(struct event_ring *r, const struct event *e)
{
	if (r == NULL)
		return;
	struct record_plan plan;
	record_plan(e, &plan);
	void *record = events_reserve(r, plan.bytes);
	if (record == NULL)
		return;
	record_write(e, &plan, record);
	events_commit(r);
}

void events_turn_end(struct event_ring *r)
{
	if (r == NULL || !r->has_put)
		return;
	r->has_put = false;
	writer_turn_end(r->events, &r->ring);
}

void events_reopen(struct events *e)
{
	if (e == NULL)
		return;
	atomic_store(&e->is_reopening, true);
	writer_wake(e);
}

void events_count(const struct events *e, struct events_counts *ret)
{
	struct events_counts c = { .put = 0 };
	if (e != NULL) {
		for (unsigned i = 0; i < e->n_rings; i++)
			c.put += atomic_load_explicit(&e->rings[i].put, memory_order_relaxed);
		writer_lost(e, &c.lost_ring, &c.lost_disk);
		c.written = atomic_load_explicit(&e->written, memory_order_relaxed);
		c.bytes = atomic_load_explicit(&e->bytes, memory_order_relaxed);
		c.rotations = atomic_load_explicit(&e->rotations, memory_order_relaxed);
	}
	*ret = c;
}
