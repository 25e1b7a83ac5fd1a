/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/rcu.h"

static struct loop *l;

static int set_up(void **state)
{
	(void)state;
	return loop_new(&l);
}

static int tear_down(void **state)
{
	(void)state;
	loop_free(l);
	return 0;
}

/* ---- watchers ---- */

struct pipe_end {
	struct watcher w;
	int writer;
	unsigned n_ready;
	struct pipe_end *victim; /* removed and freed when this one is ready */
};

static void read_one(struct watcher *w, uint32_t events)
{
	struct pipe_end *p = CONTAINER_OF(w, struct pipe_end, w);
	char c;
	assert_true((events & EPOLLIN) != 0);
	assert_int_equal(read(w->fd, &c, 1), 1);
	p->n_ready++;
	if (p->victim != NULL) {
		loop_remove(l, &p->victim->w);
		close(p->victim->w.fd);
		close(p->victim->writer);
		free(p->victim);
		p->victim = NULL;
	}
}

static struct pipe_end *new_pipe(void)
{
	struct pipe_end *p = calloc(1, sizeof *p);
	int ends[2];
	assert_non_null(p);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	p->w = (struct watcher){ .fd = ends[0], .ready = read_one };
	p->writer = ends[1];
	assert_int_equal(loop_add(l, &p->w, EPOLLIN), 0);
	return p;
}

static void poke(const struct pipe_end *p)
{
	assert_int_equal(write(p->writer, "x", 1), 1);
}

static void free_pipe(struct pipe_end *p)
{
	loop_remove(l, &p->w);
	close(p->w.fd);
	close(p->writer);
	free(p);
}

static void test_watchers(void **state)
{
	(void)state;
	struct pipe_end *a = new_pipe();
	struct pipe_end *b = new_pipe();
	loop_turn(l, 0);
	assert_int_equal(a->n_ready + b->n_ready, 0);
	poke(a);
	poke(b);
	loop_turn(l, -1);
	assert_int_equal(a->n_ready, 1);
	assert_int_equal(b->n_ready, 1);
	assert_int_equal(loop_change(l, &a->w, 0), 0); /* not now */
	poke(a);
	loop_turn(l, 0);
	assert_int_equal(a->n_ready, 1);
	assert_int_equal(loop_change(l, &a->w, EPOLLIN), 0);
	loop_turn(l, -1);
	assert_int_equal(a->n_ready, 2);
	assert_int_equal(loop_add(l, &a->w, EPOLLIN), -EEXIST);
	free_pipe(a);
	free_pipe(b);
	struct watcher bad = { .fd = -1 };
	assert_int_equal(loop_add(l, &bad, EPOLLIN), -EBADF);
}

/* The first of two ready watchers frees the second, which must not be called any more. */
static void test_freed_in_the_same_turn(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		struct pipe_end *a = new_pipe();
		struct pipe_end *b = new_pipe();
		struct pipe_end *survivor = i % 2 == 0 ? a : b;
		survivor->victim = survivor == a ? b : a;
		poke(survivor); /* epoll gives them in the order they became ready */
		poke(survivor->victim);
		loop_turn(l, -1);
		assert_null(survivor->victim);
		loop_turn(l, 0);
		assert_int_equal(survivor->n_ready, 1);
		free_pipe(survivor);
	}
}

static void remove_self(struct watcher *w, uint32_t events)
{
	(void)events;
	struct pipe_end *p = CONTAINER_OF(w, struct pipe_end, w);
	free_pipe(p);
}

static void test_frees_itself(void **state)
{
	(void)state;
	struct pipe_end *p = new_pipe();
	p->w.ready = remove_self;
	poke(p);
	loop_turn(l, -1);
	loop_turn(l, 0);
}

/* ---- timers ---- */

struct alarm {
	struct timer t;
	uint64_t at_ns;
	unsigned n_fired;
};

static uint64_t last_fired_ns;

static void fired(struct timer *t)
{
	struct alarm *a = CONTAINER_OF(t, struct alarm, t);
	a->n_fired++;
	assert_false(timer_is_set(t));
	assert_true(t->at_ns == a->at_ns);
	assert_true(t->at_ns >= last_fired_ns); /* in order */
	assert_true(t->at_ns <= loop_now_ns(l));
	last_fired_ns = t->at_ns;
}

/* Random sets, moves and cancels, against a plain array that knows what must happen. */
static void test_timers_like_an_array(void **state)
{
	(void)state;
	enum {
		N = 2000
	};
	struct alarm *alarms = calloc(N, sizeof *alarms);
	assert_non_null(alarms);
	loop_turn(l, 0);
	uint64_t from = loop_now_ns(l);
	last_fired_ns = 0;
	for (unsigned i = 0; i < 20000; i++) {
		struct alarm *a = &alarms[random_below(N)];
		a->t.fire = fired;
		if (random_below(4) == 0) {
			timer_cancel(l, &a->t);
			assert_false(timer_is_set(&a->t));
			a->at_ns = 0;
		} else { /* the past, soon, and never in this test */
			a->at_ns = random_below(3) == 0 ? from + 3600 * NS_PER_S + random_u16()
			                                : from + random_below(20) * NS_PER_MS + 1;
			timer_set(l, &a->t, a->at_ns);
			assert_true(timer_is_set(&a->t));
		}
	}
	while (loop_now_ns(l) < from + 21 * NS_PER_MS)
		loop_turn(l, 1);
	for (unsigned i = 0; i < N; i++) {
		bool is_due = alarms[i].at_ns != 0 && alarms[i].at_ns < from + NS_PER_S;
		bool is_later = alarms[i].at_ns >= from + NS_PER_S;
		assert_int_equal(alarms[i].n_fired, is_due);
		assert_int_equal(timer_is_set(&alarms[i].t), is_later);
		timer_cancel(l, &alarms[i].t);
	}
	free(alarms);
}

/* More than anybody has at once; those of the same time, and rising and falling ones, too. */
static void test_many_timers(void **state)
{
	(void)state;
	enum {
		N = 300000
	};
	struct alarm *alarms = calloc(N, sizeof *alarms);
	assert_non_null(alarms);
	last_fired_ns = 0;
	for (unsigned i = 0; i < N; i++) {
		alarms[i].t.fire = fired;
		alarms[i].at_ns = 1 + (i % 3 == 0 ? i : i % 3 == 1 ? N - i : 7);
		timer_set(l, &alarms[i].t, alarms[i].at_ns);
	}
	for (unsigned i = 0; i < N; i += 2)
		timer_cancel(l, &alarms[i].t);
	loop_turn(l, 0);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(alarms[i].n_fired, i % 2);
	free(alarms);
}

static void test_waits_for_the_timer(void **state)
{
	(void)state;
	struct alarm a = { .t.fire = fired };
	last_fired_ns = 0;
	loop_turn(l, 0);
	a.at_ns = loop_now_ns(l) + 20 * NS_PER_MS;
	timer_set(l, &a.t, a.at_ns);
	loop_turn(l, -1); /* sleeps until then, not less and not much more */
	assert_int_equal(a.n_fired, 1);
	assert_true(loop_now_ns(l) >= a.at_ns);
	assert_true(loop_now_ns(l) < a.at_ns + 500 * NS_PER_MS);
	a.at_ns = loop_now_ns(l) + 60 * NS_PER_S;
	timer_set(l, &a.t, a.at_ns);
	loop_turn(l, 5); /* a shorter wait is kept */
	assert_int_equal(a.n_fired, 1);
	timer_cancel(l, &a.t);
	timer_cancel(l, &a.t); /* twice is nothing */
}

/* One that sets itself for now again fires once a turn or so: the turn ends. */
static void fire_again(struct timer *t)
{
	struct alarm *a = CONTAINER_OF(t, struct alarm, t);
	a->n_fired++;
	timer_set(l, t, loop_now_ns(l));
}

static void test_timer_that_sets_itself(void **state)
{
	(void)state;
	struct alarm a = { .t.fire = fire_again };
	timer_set(l, &a.t, 1);
	loop_turn(l, -1);
	assert_int_equal(a.n_fired, 1);
	loop_turn(l, -1);
	assert_int_equal(a.n_fired, 2);
	timer_cancel(l, &a.t);
}

/* A timer may cancel, and free, others that are due in the same turn. */
struct killer {
	struct timer t;
	struct alarm *victim;
};

static void kill_other(struct timer *t)
{
	struct killer *k = CONTAINER_OF(t, struct killer, t);
	timer_cancel(l, &k->victim->t);
	free(k->victim);
	k->victim = NULL;
}

static void test_timer_that_frees_another(void **state)
{
	(void)state;
	struct killer k = { .t.fire = kill_other, .victim = calloc(1, sizeof *k.victim) };
	assert_non_null(k.victim);
	k.victim->t.fire = fired;
	timer_set(l, &k.victim->t, 2);
	timer_set(l, &k.t, 1);
	loop_turn(l, -1);
	assert_null(k.victim);
}

/* ---- hooks, waking, stopping ---- */

static char order[8];
static size_t n_order;

static void hook_a(struct turn_hook *h)
{
	(void)h;
	order[n_order++] = 'a';
}

static void hook_b(struct turn_hook *h)
{
	(void)h;
	order[n_order++] = 'b';
}

static void test_hooks(void **state)
{
	(void)state;
	struct turn_hook a = { .run = hook_a };
	struct turn_hook b = { .run = hook_b };
	loop_add_hook(l, &a);
	loop_add_hook(l, &b);
	loop_turn(l, 0);
	loop_turn(l, 0);
	assert_string_equal(order, "abab");
}

static void count_wake(void *arg)
{
	atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

static void *wake_twice_and_stop(void *arg)
{
	struct timespec t = { .tv_nsec = 20000000 };
	_Atomic unsigned *n = arg;
	nanosleep(&t, NULL);
	loop_wake(l);
	for (unsigned i = 0; i < 1000 && atomic_load(n) == 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	loop_wake(l);
	nanosleep(&t, NULL);
	loop_stop(l);
	return NULL;
}

static void test_wake_and_stop(void **state)
{
	(void)state;
	_Atomic unsigned n_woken = 0;
	pthread_t other;
	loop_on_wake(l, count_wake, (void *)&n_woken);
	assert_int_equal(pthread_create(&other, NULL, wake_twice_and_stop, (void *)&n_woken), 0);
	loop_run(l);
	pthread_join(other, NULL);
	assert_in_range(atomic_load(&n_woken), 2, 3); /* loop_stop() may be the third */
	loop_run(l);                                  /* stopped is stopped */
}

/* While it waits, the loop holds back nobody who frees under RCU. */
static _Atomic unsigned n_freed;

static void count_free(void *object)
{
	free(object);
	atomic_fetch_add(&n_freed, 1);
}

static void *retire_and_drain(void *arg)
{
	(void)arg;
	rcu_thread_start();
	rcu_retire(malloc(8), count_free);
	rcu_sleep();
	rcu_drain(); /* would never come back */
	rcu_wake();
	rcu_thread_stop();
	loop_stop(l);
	return NULL;
}

static void test_sleeps_for_rcu(void **state)
{
	(void)state;
	pthread_t other;
	assert_int_equal(pthread_create(&other, NULL, retire_and_drain, NULL), 0);
	loop_run(l);
	rcu_sleep();
	pthread_join(other, NULL);
	rcu_wake();
	assert_int_equal(atomic_load(&n_freed), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_watchers),
		T(test_freed_in_the_same_turn),
		T(test_frees_itself),
		T(test_timers_like_an_array),
		T(test_many_timers),
		T(test_waits_for_the_timer),
		T(test_timer_that_sets_itself),
		T(test_timer_that_frees_another),
		T(test_hooks),
		T(test_wake_and_stop),
		T(test_sleeps_for_rcu),
	};
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_thread_stop();
	return failed;
}
