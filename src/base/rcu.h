/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/rcu.h - how threads read shared things without locks (liburcu, QSBR flavour).
 *
 * What:      a thread that reads snapshots or the cache is registered, says rcu_quiet() at a
 *            point where it holds no such pointer (once a loop turn), and rcu_sleep()/rcu_wake()
 *            around anything that may block. Replaced objects go to rcu_retire() and are freed
 *            when every registered thread has passed a quiet point.
 *            Reading costs nothing. Pointers are published with C11 atomics (store release,
 *            load acquire), which ThreadSanitizer understands.
 * Threads:   each registered thread for itself; rcu_retire() from registered threads only.
 * Memory:    retired objects wait in batches of 62; a batch is handed over when full or when
 *            rcu_flush() is called (workers do so when a turn ends idle). Without memory for a batch
 *            there are 16 in reserve, for all threads; what is retired when these wait, too, is
 *            never freed.
 * Cost:      rcu_quiet() some ns; rcu_retire() some ns amortised.
 */
#pragma once

#include <urcu/urcu-qsbr.h>

void rcu_thread_start(void); /* register this thread; it is awake afterwards */
void rcu_thread_stop(void);  /* flush and unregister */

/* ThreadSanitizer cannot see into liburcu: in that build quiet points are told to it. */
#ifdef __SANITIZE_THREAD__
void rcu_tell_sanitizer(void);
#else
static inline void rcu_tell_sanitizer(void)
{
}
#endif

static inline void rcu_quiet(void)
{
	rcu_tell_sanitizer();
	urcu_qsbr_quiescent_state();
}

static inline void rcu_sleep(void)
{
	rcu_tell_sanitizer();
	urcu_qsbr_thread_offline();
}

static inline void rcu_wake(void)
{
	urcu_qsbr_thread_online();
}

/* Free `object` with `release` once no reader can hold it; runs on liburcu's thread. */
void rcu_retire(void *object, void (*release)(void *object));
void rcu_flush(void);

/* Wait until everything retired so far by this thread is freed. Blocks; never on a worker. */
void rcu_drain(void);
