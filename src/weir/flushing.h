/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/flushing.h - what was learned of a name is forgotten, everywhere (weir flush).
 *
 * What:      the cache, and what each worker keeps beside it: proofs that names do not exist,
 *            questions that failed; of everything also what is known of servers. Workers forget first,
 *            so that none puts into the cache again what it still remembered.
 * Not here:  what detectors and the list of names that were seen here know.
 * Threads:   main thread.
 * Memory:    some 270 bytes a worker, until it has done.
 * Cost:      a walk over the cache's table, some ten milliseconds a gigabyte; waits for the workers,
 *            for WORKERS_MAX_MS at most.
 * Limits:    a question under way may still bring what its servers said before.
 * Tests:     tests/system/flush_test.py
 */
#pragma once

#include "weir/worker.h"

struct flushing {
	_Atomic unsigned n_waiting;
};

/*
 * `lower` and all below it. Returns how many items of the cache are gone; -ENOMEM; -EBUSY: a worker
 * has not answered in time, which may still bring back what it knew.
 */
MUST_USE int64_t flushing_run(struct flushing *f, struct cache *cache,
                              struct worker *const *workers, unsigned n_workers,
                              const uint8_t *lower);
