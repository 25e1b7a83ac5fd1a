/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * events/writer.h - the thread that takes records out of the rings and gives lines to the sink.
 *
 * What:      while there are records the thread wakes every 10 ms, takes all of them and writes
 *            them in batches of 64 KiB or more. When a round finds nothing it sleeps until a
 *            worker wakes it: an idle process does not wake up. A worker wakes it early when a
 *            ring is half full.
 *
 *            An observer is shown each record once: before it is popped, or, while the sink takes
 *            nothing, ahead of that; then the oldest make room for newer ones.
 *
 *                ASLEEP --wake--> AWAKE --10 ms nap--> NAPPING --> AWAKE --nothing--> ASLEEP
 *                                   `--sink fails--> WAITING (only stop and reopen wake it)
 *
 * Threads:   the writer's own, but for writer_wake(), writer_turn_end() and the atomics.
 * Memory:    one batch (192 KiB) and the rings.
 * Cost:      see events/json.h; one write() a batch.
 * Limits:    when the sink fails, records wait in the rings; what no longer fits is lost and
 *            counted as lost to the disk. At stop a sink that fails is waited for half a second.
 * Tests:     tests/unit/events/writer_test.c, tests/unit/events/observe_test.c
 */
#pragma once

#include <pthread.h>

#include "events/json.h"
#include "events/ring.h"
#include "events/sink.h"

enum {
	BATCH_BYTES = 64 * 1024, /* write when so much has come together */
	OUTBOX_BYTES = BATCH_BYTES + JSON_LINE_MAX,
};

enum writer_state {
	WRITER_AWAKE = 0,
	WRITER_NAPPING,
	WRITER_ASLEEP,
	WRITER_WAITING
};

struct event_ring {
	struct ring ring;
	struct events *events;
	bool has_put;  /* since the last turn end */
	uint64_t seen; /* the writer's: the observer was shown all before */
	/* written by the worker, read by anybody */
	_Atomic uint64_t put, lost_ring, lost_disk;
};

struct events {
	struct event_ring *rings;
	unsigned n_rings;
	pthread_t thread;

	alignas(RING_LINE_BYTES) _Atomic uint32_t state; /* enum writer_state, a futex */
	_Atomic bool is_stopping, is_reopening;
	_Atomic bool is_sink_busy; /* a write is under way or failed: full rings are its fault */
	_Atomic uint64_t written, bytes, rotations;
	_Atomic uint64_t lost_at_stop; /* and given up for newer ones, with an observer */

	/* the writer's own */
	alignas(RING_LINE_BYTES) struct sink *sink; /* NULL: nothing is written */
	struct event_observer observer;             /* question NULL: there is none */
	char *outbox;
	size_t out_start, out_end;
	unsigned n_records;    /* in the outbox */
	unsigned n_loss_lines; /* before them */
	struct json_line line;
	struct {
		uint64_t since_ns; /* 0: no trouble */
		uint64_t retry_ms;
		uint64_t lost_before;
		bool is_said;
	} trouble;
	struct {
		uint64_t ring, disk;                         /* said in events so far */
		uint64_t logged;                             /* said in the log so far */
		uint64_t event_at_ns, log_at_ns;             /* not before */
		uint64_t shown_ring, shown_disk, show_at_ns; /* to the observer */
	} said;
	char path[]; /* for messages */
};

/* Open the sink and start the thread. events->rings are ready. 0 or -errno. */
MUST_USE int writer_start(struct events *e, const struct events_config *config);
/* 0; -ETIMEDOUT when the sink holds the thread in a write: then nothing may be freed. */
MUST_USE int writer_stop(struct events *e);

/* observe.c: show the observer the record that ring_peek() gives, unless it has seen it. */
void observe_next(struct events *e, struct event_ring *r);
/* The sink takes nothing: show what has come, and let go of the oldest where room is scarce. */
void observe_ahead(struct events *e);
/* Losses, at most once a second. */
void observe_losses(struct events *e, uint64_t in_rings, uint64_t on_disk, uint64_t now_ns);

/* events.c: room for a record of n bytes (counted as lost when there is none), and its end. */
void *events_reserve(struct event_ring *r, size_t n);
void events_commit(struct event_ring *r);

void writer_wake(struct events *e);
/* Called by a worker that has put something. */
void writer_turn_end(struct events *e, struct ring *ring);

void writer_lost(const struct events *e, uint64_t *ret_ring, uint64_t *ret_disk);
