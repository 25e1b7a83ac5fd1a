/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io/loop.h - one thread's event loop: descriptors, timers, and what runs at the end of a turn.
 *
 * What:      a turn is: wait, call the ready watchers, fire the timers that are due, run the
 *            turn hooks (where batches of datagrams are sent), say rcu_quiet(). The loop sleeps
 *            for RCU while it waits.
 * Threads:   worker-local, but for loop_wake() and loop_stop().
 * Memory:    watchers, timers and hooks are the caller's, embedded in his structs: none of them is ever short of it.
 * Cost:      epoll; a timer is O(1) to set; to move, to cancel and to fire O(log n), amortised. No memory.
 * Tests:     tests/unit/io/loop_test.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/must.h"

struct loop;

struct watcher {
	int fd;
	void (*ready)(struct watcher *w, uint32_t epoll_events);
};

struct timer {
	uint64_t at_ns;
	void (*fire)(struct timer *t);
	struct timer *child, *next; /* the loop's: later ones, the next of those */
	struct timer **link;        /* what points to it; NULL: not set. Zero a new timer. */
};

struct turn_hook {
	void (*run)(struct turn_hook *h);
	struct turn_hook *next;
};

MUST_USE int loop_new(struct loop **ret);
void loop_free(struct loop *l);

/* 0 or -errno of epoll_ctl. A watcher may be removed, and freed, from inside any callback. */
MUST_USE int loop_add(struct loop *l, struct watcher *w, uint32_t epoll_events);
MUST_USE int loop_change(struct loop *l, struct watcher *w, uint32_t epoll_events);
void loop_remove(struct loop *l, struct watcher *w);

/* The time of this turn (CLOCK_MONOTONIC). */
uint64_t loop_now_ns(const struct loop *l);
static inline uint32_t loop_now_s(const struct loop *l)
{
	return (uint32_t)(loop_now_ns(l) / NS_PER_S);
}

/* Set or move. */
void timer_set(struct loop *l, struct timer *t, uint64_t at_ns);
void timer_cancel(struct loop *l, struct timer *t);
static inline bool timer_is_set(const struct timer *t)
{
	return t->link != NULL;
}

/* Hooks run at the end of every turn, in the order they were added. */
void loop_add_hook(struct loop *l, struct turn_hook *h);

/* Run until loop_stop(). The thread must be registered with base/rcu.h. */
void loop_run(struct loop *l);
/* One turn, waiting at most max_wait_ms (-1: until something happens). For tests. */
void loop_turn(struct loop *l, int max_wait_ms);
void loop_stop(struct loop *l); /* any thread */
/* Make the loop turn once more and call `woken` (set once, before running). Any thread. */
void loop_wake(struct loop *l);
void loop_on_wake(struct loop *l, void (*woken)(void *arg), void *arg);
