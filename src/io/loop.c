/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/rcu.h"

enum {
	READY_MAX = 64,
	HEAP_FANOUT = 4
};

struct loop {
	int epoll_fd;
	uint64_t now_ns;
	struct watcher wake;
	_Atomic bool is_stopping;
	void (*woken)(void *arg);
	void *woken_arg;
	struct turn_hook *hooks;
	struct timer **heap; /* from index 1 */
	size_t n_timers, heap_room;
	struct epoll_event ready[READY_MAX];
	int n_ready, at_ready;
};

static void drain_wake(struct watcher *w, uint32_t events)
{
	(void)events;
	struct loop *l = CONTAINER_OF(w, struct loop, wake);
	uint64_t n;
	if (read(w->fd, &n, sizeof n) < 0)
		return;
	if (l->woken != NULL)
		l->woken(l->woken_arg);
}

int loop_new(struct loop **ret)
{
	struct loop *l = calloc(1, sizeof *l);
	if (l == NULL)
		return -ENOMEM;
	l->now_ns = clock_mono_ns();
	l->wake.ready = drain_wake;
	l->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	int e = l->wake.fd < 0 || l->epoll_fd < 0 ? -errno : loop_add(l, &l->wake, EPOLLIN);
	if (e != 0) {
		loop_free(l);
		return e;
	}
	*ret = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	if (l->wake.fd >= 0)
		close(l->wake.fd);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	free(l->heap);
	free(l);
}

static int control(struct loop *l, int op, struct watcher *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };
	return epoll_ctl(l->epoll_fd, op, w->fd, &e) == 0 ? 0 : -errno;
}

int loop_add(struct loop *l, struct watcher *w, uint32_t epoll_events)
{
	return control(l, EPOLL_CTL_ADD, w, epoll_events);
}

int loop_change(struct loop *l, struct watcher *w, uint32_t epoll_events)
{
	return control(l, EPOLL_CTL_MOD, w, epoll_events);
}

void loop_remove(struct loop *l, struct watcher *w)
{
	control(l, EPOLL_CTL_DEL, w, 0);
	/* It may be freed now: what this turn has still to deliver to it is taken back. */
	for (int i = l->at_ready; i < l->n_ready; i++) {
		if (l->ready[i].data.ptr == w)
			l->ready[i].data.ptr = NULL;
	}
}

uint64_t loop_now_ns(const struct loop *l)
{
	return l->now_ns;
}

/* ---- timers: a heap of four children a node, the earliest at index 1 ---- */

static void put_at(struct loop *l, size_t i, struct timer *t)
{
	l->heap[i] = t;
	t->place = i;
}

static void sift_up(struct loop *l, size_t i, struct timer *t)
{
	while (i > 1) {
		size_t up = (i - 2) / HEAP_FANOUT + 1;
		if (l->heap[up]->at_ns <= t->at_ns)
			break;
		put_at(l, i, l->heap[up]);
		i = up;
	}
	put_at(l, i, t);
}

static void sift_down(struct loop *l, size_t i, struct timer *t)
{
	for (;;) {
		size_t first = (i - 1) * HEAP_FANOUT + 2;
		size_t least = 0;
		for (size_t k = first; k < first + HEAP_FANOUT && k <= l->n_timers; k++) {
			if (least == 0 || l->heap[k]->at_ns < l->heap[least]->at_ns)
				least = k;
		}
		if (least == 0 || l->heap[least]->at_ns >= t->at_ns)
			break;
		put_at(l, i, l->heap[least]);
		i = least;
	}
	put_at(l, i, t);
}

void timer_set(struct loop *l, struct timer *t, uint64_t at_ns)
{
	if (t->place != 0) {
		bool is_later = at_ns > t->at_ns;
		t->at_ns = at_ns;
		if (is_later)
			sift_down(l, t->place, t);
		else
			sift_up(l, t->place, t);
		return;
	}
	if (l->n_timers + 1 >= l->heap_room) {
		size_t room = l->heap_room == 0 ? 1024 : l->heap_room * 2;
		struct timer **heap = realloc(l->heap, room * sizeof(struct timer *));
		must(heap != NULL); /* 8 bytes a timer: its owner already found his hundreds */
		l->heap = heap;
		l->heap_room = room;
	}
	t->at_ns = at_ns;
	sift_up(l, ++l->n_timers, t);
}

void timer_cancel(struct loop *l, struct timer *t)
{
	size_t i = t->place;
	if (i == 0)
		return;
	t->place = 0;
	struct timer *last = l->heap[l->n_timers--];
	if (last == t)
		return;
	if (i > 1 && l->heap[(i - 2) / HEAP_FANOUT + 1]->at_ns > last->at_ns)
		sift_up(l, i, last);
	else
		sift_down(l, i, last);
}

static void fire_due(struct loop *l)
{
	/* As many as there are now: one that sets itself for now again waits for the next turn. */
	for (size_t n = l->n_timers; n > 0 && l->n_timers > 0; n--) {
		if (l->heap[1]->at_ns > l->now_ns)
			break;
		struct timer *t = l->heap[1];
		timer_cancel(l, t);
		t->fire(t);
	}
}

/* ---- turns ---- */

void loop_add_hook(struct loop *l, struct turn_hook *h)
{
	struct turn_hook **at = &l->hooks;
	while (*at != NULL)
		at = &(*at)->next;
	h->next = NULL;
	*at = h;
}

static int wait_ms(const struct loop *l, int max_wait_ms)
{
	if (l->n_timers == 0)
		return max_wait_ms;
	uint64_t now = clock_mono_ns();
	uint64_t at = l->heap[1]->at_ns;
	uint64_t ms = at <= now ? 0 : (at - now + NS_PER_MS - 1) / NS_PER_MS;
	if (max_wait_ms >= 0 && ms > (uint64_t)max_wait_ms)
		return max_wait_ms;
	return ms > 60000 ? 60000 : (int)ms;
}

void loop_turn(struct loop *l, int max_wait_ms)
{
	/* Look first without sleeping: under load there is always something, and going offline
	   for RCU and back costs more than the look. */
	int n = epoll_wait(l->epoll_fd, l->ready, READY_MAX, 0);
	if (n == 0 && max_wait_ms != 0) {
		int ms = wait_ms(l, max_wait_ms);
		if (ms != 0) {
			rcu_flush();
			rcu_sleep();
			n = epoll_wait(l->epoll_fd, l->ready, READY_MAX, ms);
			rcu_wake();
		}
	}
	l->n_ready = n > 0 ? n : 0;
	l->now_ns = clock_mono_ns();
	for (l->at_ready = 0; l->at_ready < l->n_ready;) {
		struct epoll_event *e = &l->ready[l->at_ready++];
		struct watcher *w = e->data.ptr;
		if (w != NULL)
			w->ready(w, e->events);
	}
	fire_due(l);
	for (struct turn_hook *h = l->hooks; h != NULL; h = h->next)
		h->run(h);
	rcu_quiet();
}

void loop_run(struct loop *l)
{
	while (!atomic_load_explicit(&l->is_stopping, memory_order_relaxed))
		loop_turn(l, -1);
}

void loop_wake(struct loop *l)
{
	uint64_t one = 1;
	while (write(l->wake.fd, &one, sizeof one) < 0 && errno == EINTR)
		; /* full is an error, too: it is about to wake anyway */
}

void loop_stop(struct loop *l)
{
	atomic_store_explicit(&l->is_stopping, true, memory_order_relaxed);
	loop_wake(l);
}

void loop_on_wake(struct loop *l, void (*woken)(void *arg), void *arg)
{
	l->woken = woken;
	l->woken_arg = arg;
}
