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
	READY_MAX = 64
};

struct loop {
	int epoll_fd;
	uint64_t now_ns;
	struct watcher wake;
	_Atomic bool is_stopping;
	void (*woken)(void *arg);
	void *woken_arg;
	struct turn_hook *hooks;
	struct timer *earliest;
	size_t n_timers;
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

/*
 * ---- timers ----
 *
 * A pairing heap: the earliest is the root, and each has its later ones in a list. It lives in the timers, so that
 * setting one cannot fail.
 */

/* Two roots become one. */
static struct timer *meld(struct timer *a, struct timer *b)
{
	struct timer *early = b->at_ns < a->at_ns ? b : a;
	struct timer *late = early == a ? b : a;
	late->next = early->child;
	if (late->next != NULL)
		late->next->link = &late->next;
	late->link = &early->child;
	early->child = late;
	return early;
}

/* The heap has these as well: a root, or NULL. */
static void add_root(struct loop *l, struct timer *root)
{
	if (root == NULL)
		return;
	l->earliest = l->earliest == NULL ? root : meld(l->earliest, root);
	l->earliest->next = NULL;
	l->earliest->link = &l->earliest;
}

/* One root of a list: in pairs, and then these from the last to the first. That is what makes it O(log n). */
static struct timer *meld_all(struct timer *list)
{
	struct timer *pairs = NULL, *root = NULL;
	while (list != NULL) {
		struct timer *a = list, *b = a->next;
		list = b != NULL ? b->next : NULL;
		if (b != NULL)
			a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs != NULL) {
		struct timer *a = pairs;
		pairs = a->next;
		root = root != NULL ? meld(root, a) : a;
	}
	return root;
}

void timer_set(struct loop *l, struct timer *t, uint64_t at_ns)
{
	timer_cancel(l, t);
	t->at_ns = at_ns;
	add_root(l, t);
	l->n_timers++;
}

void timer_cancel(struct loop *l, struct timer *t)
{
	if (t->link == NULL)
		return;
	*t->link = t->next;
	if (t->next != NULL)
		t->next->link = t->link;
	struct timer *later = meld_all(t->child);
	t->child = t->next = NULL;
	t->link = NULL;
	add_root(l, later);
	l->n_timers--;
}

static void fire_due(struct loop *l)
{
	/* As many as there are now: one that sets itself for now again waits for the next turn. */
	for (size_t n = l->n_timers; n > 0 && l->earliest != NULL; n--) {
		struct timer *t = l->earliest;
		if (t->at_ns > l->now_ns)
			break;
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
	if (l->earliest == NULL)
		return max_wait_ms;
	uint64_t now = clock_mono_ns();
	uint64_t at = l->earliest->at_ns;
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
