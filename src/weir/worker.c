/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rcu.h"

enum {
	MAX_PARKED = 20000, /* questions waiting for the resolver; many may wait for one task */
	STOP_LOOK_MS = 5,
};

struct worker {
	struct loop *loop;
	struct resolver *resolver;
	struct transport *transport;
	struct serve serve;
	pthread_t thread;
	bool is_started;
	_Atomic bool is_stopping;
	uint32_t grace_ms;
	uint64_t give_up_ns;
	struct timer stop_timer;
	struct asking_box asked;
	_Atomic(struct forgetting *) to_forget;
};

static void forget(struct worker *w)
{
	struct forgetting *f = atomic_exchange_explicit(&w->to_forget, NULL, memory_order_acquire);
	while (f != NULL) {
		struct forgetting *next = f->next;
		resolver_forget(w->resolver, f->name.wire);
		atomic_fetch_sub_explicit(f->n_waiting, 1, memory_order_release);
		free(f);
		f = next;
	}
}

static void look_whether_done(struct timer *t)
{
	struct worker *w = CONTAINER_OF(t, struct worker, stop_timer);
	uint64_t now_ns = loop_now_ns(w->loop);
	if (w->serve.n_parked == 0 || now_ns >= w->give_up_ns)
		loop_stop(w->loop);
	else
		timer_set(w->loop, t, now_ns + STOP_LOOK_MS * NS_PER_MS);
}

/* The main thread has a question, or wants us to end. */
static void woken(void *arg)
{
	struct worker *w = arg;
	for (struct asking *a = asking_take_all(&w->asked), *next; a != NULL; a = next) {
		next = a->next;
		asking_run(&w->serve, a);
	}
	forget(w);
	if (!atomic_load(&w->is_stopping) || timer_is_set(&w->stop_timer))
		return;
	transport_stop(w->transport);
	w->give_up_ns = loop_now_ns(w->loop) + w->grace_ms * NS_PER_MS;
	w->stop_timer.fire = look_whether_done;
	timer_set(w->loop, &w->stop_timer, loop_now_ns(w->loop));
}

int worker_open(const struct worker_plan *plan, struct worker **ret,
                const struct endpoint **ret_failed)
{
	const struct config *c = plan->config;
	struct worker *w = calloc(1, sizeof *w);
	*ret_failed = NULL;
	if (w == NULL)
		return -ENOMEM;
	int e = loop_new(&w->loop);
	if (e == 0)
		e = resolver_new(plan->resolve, w->loop, plan->cache, &w->resolver);
	if (e == 0) {
		serve_init(&w->serve, w->loop, plan->cache, w->resolver, NULL, plan->options,
		           MAX_PARKED);
		if (plan->firewall != NULL)
			e = firewall_writer_new(plan->firewall, &w->serve.firewall);
	}
	if (e == 0) {
		struct transport_limits limits = {
			.max_connections = c->server.tcp_clients_max,
			.pipeline_max = c->server.tcp_pipeline_max,
			.idle_ms = c->server.tcp_idle_timeout_ms,
		};
		unsigned failed;
		e = transport_open(w->loop, &w->serve, c->server.listen.at, c->server.listen.n,
		                   &limits, &w->transport, &failed);
		if (e != 0)
			*ret_failed = &c->server.listen.at[failed];
	}
	if (e != 0) {
		worker_free(w);
		return e;
	}
	w->serve.zones = plan->zones;
	w->serve.detect = plan->detect;
	loop_on_wake(w->loop, woken, w);
	*ret = w;
	return 0;
}

static void *run(void *arg)
{
	struct worker *w = arg;
	static const uint8_t root[] = { 0 };
	static const struct resolve_request servers_of_root = { .name = root,
		                                                .type = DNS_NS,
		                                                .is_allowed = true };
	rcu_thread_start();
	/* So that it is known within seconds whether the root, or the forwarder, can be reached. */
	resolve_refresh(w->resolver, &servers_of_root);
	loop_run(w->loop);
	/* What still waits is given up: the process ends. */
	transport_free(w->transport);
	w->transport = NULL;
	resolver_free(w->resolver);
	w->resolver = NULL;
	rcu_thread_stop();
	return NULL;
}

int worker_start(struct worker *w, unsigned number, struct event_ring *ring)
{
	char name[16];
	w->serve.ring = ring;
	int e = pthread_create(&w->thread, NULL, run, w);
	if (e != 0)
		return -e;
	w->is_started = true;
	snprintf(name, sizeof name, "weir/%u", number);
	pthread_setname_np(w->thread, name);
	return 0;
}

void worker_stop_begin(struct worker *w, uint32_t grace_ms)
{
	w->grace_ms = grace_ms;
	atomic_store(&w->is_stopping, true);
	loop_wake(w->loop);
}

void worker_stop_wait(struct worker *w)
{
	if (w->is_started)
		pthread_join(w->thread, NULL);
	w->is_started = false;
}

void worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	transport_free(w->transport);
	if (w->resolver != NULL)
		resolver_free(w->resolver);
	for (struct forgetting *f = w->to_forget, *next; f != NULL; f = next) {
		next = f->next;
		free(f);
	}
	firewall_writer_free(w->serve.firewall);
	serve_done(&w->serve);
	loop_free(w->loop);
	free(w);
}

const struct serve_counters *worker_counters(const struct worker *w)
{
	return &w->serve.counters;
}

const struct serve_list_counts *worker_list_counts(const struct worker *w)
{
	return w->serve.lists;
}

const struct firewall_writer *worker_firewall(const struct worker *w)
{
	return w->serve.firewall;
}

struct seen_changes *worker_seen(const struct worker *w)
{
	return w->serve.seen;
}

struct learn_notes *worker_notes(const struct worker *w)
{
	return w->serve.learned;
}

const struct resolver *worker_resolver(const struct worker *w)
{
	return w->resolver;
}

void worker_ask(struct worker *w, struct asking *a)
{
	asking_put(&w->asked, a);
	loop_wake(w->loop);
}

void worker_set_options(struct worker *w, const struct serve_options *options)
{
	atomic_store_explicit(&w->serve.options, options, memory_order_release);
}

void worker_forget(struct worker *w, struct forgetting *taken)
{
	taken->next = atomic_load_explicit(&w->to_forget, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&w->to_forget, &taken->next, taken,
	                                              memory_order_release, memory_order_relaxed))
		;
	loop_wake(w->loop);
}
