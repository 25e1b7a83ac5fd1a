/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/flushing.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/rcu.h"

enum {
	WORKERS_MAX_MS = 1000
};

/* Workers turn their loops in microseconds; one in a great burst needs some milliseconds. */
static bool wait_for_workers(struct flushing *f)
{
	const struct timespec pause = { .tv_nsec = 200000 };
	uint64_t give_up_ns = clock_mono_ns() + WORKERS_MAX_MS * NS_PER_MS;
	rcu_sleep();
	while (atomic_load_explicit(&f->n_waiting, memory_order_acquire) > 0 &&
	       clock_mono_ns() < give_up_ns)
		(void)nanosleep(&pause, NULL);
	rcu_wake();
	return atomic_load_explicit(&f->n_waiting, memory_order_acquire) == 0;
}

int64_t flushing_run(struct flushing *f, struct cache *cache, struct worker *const *workers,
                     unsigned n_workers, const uint8_t *lower)
{
	for (unsigned i = 0; i < n_workers; i++) {
		struct forgetting *one = calloc(1, sizeof *one);
		if (one == NULL)
			return -ENOMEM;
		name_set(&one->name, lower);
		one->n_waiting = &f->n_waiting;
		atomic_fetch_add_explicit(&f->n_waiting, 1, memory_order_relaxed);
		worker_forget(workers[i], one);
	}
	bool all_did = wait_for_workers(f);
	resolve_forget_shared(lower);
	size_t n = cache_flush(cache, lower, true);
	rcu_flush();
	return all_did ? (int64_t)n : -EBUSY;
}
