/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/worker.h - a worker: one thread with its loop, its sockets, its resolver.
 *
 * What:      puts the folders together for one core. Workers share the cache, the policy and the
 *            table of servers, and nothing else.
 * Threads:   opened, started, stopped and freed by the main thread; worker_counters and
 *            worker_resolver may be read by any thread.
 * Memory:    its loop, resolver, queries and buffers.
 * Cost:      opening binds sockets.
 * Limits:    as configured.
 * Tests:     tests/system/
 */
#pragma once

#include "config/config.h"
#include "serve/serve.h"
#include "transport/transport.h"
#include "weir/asking.h"

struct worker;

struct worker_plan {
	const struct serve_zones *zones; /* NULL: none are held here */
	const struct config *config;
	struct cache *cache;
	const struct serve_options *options;
	const struct resolve_config *resolve;
	struct firewall *firewall; /* NULL: none */
	struct detect *detect;     /* NULL: none */
};

/*
 * Make a worker with its sockets open. 0 or -errno; *ret_failed is then the listen address that
 * could not be opened, NULL if it was something else.
 */
MUST_USE int worker_open(const struct worker_plan *plan, struct worker **ret,
                         const struct endpoint **ret_failed);
/* Start its thread; ring: where its events go, NULL: nowhere. */
MUST_USE int worker_start(struct worker *w, unsigned number, struct event_ring *ring);
/* Take no more questions, answer what is in flight (at most grace_ms), end the thread. */
void worker_stop_begin(struct worker *w, uint32_t grace_ms);
void worker_stop_wait(struct worker *w);
void worker_free(struct worker *w);

const struct serve_counters *worker_counters(const struct worker *w);
const struct serve_list_counts *worker_list_counts(const struct worker *w);
/* NULL: there is none. */
const struct firewall_writer *worker_firewall(const struct worker *w);
struct learn_notes *worker_notes(const struct worker *w); /* NULL: there are none */
struct seen_changes *worker_seen(const struct worker *w); /* NULL: there are none */
const struct resolver *worker_resolver(const struct worker *w);
/* Run a question of the operator's on it; the answer comes to a->home. */
void worker_ask(struct worker *w, struct asking *a);
/* New options for the questions to come; the caller retires the old ones. */
void worker_set_options(struct worker *w, const struct serve_options *options);

/* What a worker knows beside the cache of names at, above and below one is to be forgotten. */
struct forgetting {
	struct name name;
	_Atomic unsigned *n_waiting; /* one less when it has been; outlives the worker */
	struct forgetting *next;
};

/* malloc; freed by the worker. Any thread but the worker's. */
void worker_forget(struct worker *w, struct forgetting *taken);
