/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The front door: tasks, who waits for them, and how they end. */
#include "resolve/resolve.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/ring.h"
#include "resolve/task.h"

enum {
	SLAB_TASKS = 64,
	ZONE_TEXT_MAX = 120, /* of a long zone name in an error text */
	DENIALS_MAX = 16384, /* records that deny names, a worker: some 5 MiB */
	SILENT_FOR_DOWN = 3, /* packets without any answer: the root is out of reach */
};

struct slab {
	struct slab *next;
	struct task tasks[SLAB_TASKS];
};

/* ---- tasks ---- */

static struct task **bucket_of(struct resolver *r, const struct task_plan *plan)
{
	uint64_t h = plan->hashes->h[0] ^ (uint64_t)plan->type << 17 ^ plan->group;
	return &r->table[(h * 0x9e3779b97f4a7c15ULL >> 32) & r->table_mask];
}

static struct task **bucket_of_task(struct task *t)
{
	uint64_t h = t->hash ^ (uint64_t)t->type << 17 ^ t->group;
	return &t->r->table[(h * 0x9e3779b97f4a7c15ULL >> 32) & t->r->table_mask];
}

struct task *task_find(struct resolver *r, const struct task_plan *plan)
{
	for (struct task *t = *bucket_of(r, plan); t != NULL; t = t->next) {
		if (t->hash == plan->hashes->h[0] && t->type == plan->type &&
		    t->group == plan->group && t->is_allowed_first == plan->is_allowed &&
		    t->is_late == plan->is_late && t->is_lookup == plan->is_lookup &&
		    t->is_priming == plan->is_priming && t->is_keys == plan->is_keys &&
		    name_equal(t->question.wire, plan->name))
			return t;
	}
	return NULL;
}

static struct task *task_take(struct resolver *r)
{
	struct task *t = r->free_tasks;
	if (t == NULL && r->n_made < r->config.max_tasks) {
		struct slab *s = calloc(1, sizeof *s);
		if (s == NULL)
			return NULL;
		s->next = r->slabs;
		r->slabs = s;
		for (int i = 0; i < SLAB_TASKS; i++) {
			s->tasks[i].next = r->free_tasks;
			r->free_tasks = &s->tasks[i];
		}
		r->n_made += SLAB_TASKS;
		t = r->free_tasks;
	}
	if (t != NULL)
		r->free_tasks = t->next;
	return t;
}

static struct budget *budget_take(struct resolver *r)
{
	struct budget *b = r->free_budgets;
	if (b != NULL)
		r->free_budgets = b->next;
	else
		b = malloc(sizeof *b);
	if (b == NULL)
		return NULL;
	*b = (struct budget){ .work = work_new(),
		              .deadline_ns =
		                      loop_now_ns(r->loop) + r->config.time_limit_ms * NS_PER_MS };
	return b;
}

static void budget_put(struct resolver *r, struct budget *b)
{
	if (--b->refs > 0)
		return;
	b->next = r->free_budgets;
	r->free_budgets = b;
}

struct task *task_new(struct resolver *r, const struct task_plan *plan)
{
	struct task *t = r->n_tasks < r->config.max_tasks ? task_take(r) : NULL;
	struct budget *b = plan->budget;
	if (t != NULL && b == NULL)
		b = budget_take(r);
	if (t == NULL || b == NULL) {
		if (t != NULL) {
			t->next = r->free_tasks;
			r->free_tasks = t;
		}
		count_up(&r->counts.at_limit);
		return NULL;
	}
	memset(t, 0, offsetof(struct task, question));
	b->refs++;
	t->r = r;
	t->budget = b;
	t->timer.fire = iterate_timed_out;
	t->type = plan->type;
	t->group = plan->group;
	t->is_allowed = t->is_allowed_first = plan->is_allowed;
	t->is_late = plan->is_late;
	t->is_lookup = plan->is_lookup;
	t->is_refresh = plan->is_refresh;
	t->is_priming = plan->is_priming;
	t->is_keys = plan->is_keys;
	t->depth = plan->depth;
	t->key_depth = plan->key_depth;
	t->is_watched = plan->client != NULL && r->config.detect != NULL;
	if (t->is_watched)
		t->client = *plan->client;
	t->findings.n = 0;
	t->whole = (struct judged){ .security = SECURITY_SECURE };
	t->hash = t->hop_hash = plan->hashes->h[0];
	t->question.len = (uint8_t)name_len(plan->name);
	memcpy(t->question.wire, plan->name, t->question.len);
	t->hop.len = t->question.len;
	memcpy(t->hop.wire, plan->name, t->hop.len);
	struct task **bucket = bucket_of_task(t);
	t->next = *bucket;
	*bucket = t;
	t->is_listed = true;
	r->n_tasks++;
	count_up(&r->counts.tasks_started);
	atomic_store_explicit(&r->counts.tasks_now, r->n_tasks, memory_order_relaxed);
	return t;
}

void task_add_request(struct task *t, struct resolve_request *request)
{
	request->task = t;
	request->next = t->requests;
	t->requests = request;
}

void task_set_ready(struct task *t)
{
	struct resolver *r = t->r;
	if (t->is_ready)
		return;
	t->is_ready = true;
	t->next_ready = NULL;
	*r->ready_end = t;
	r->ready_end = &t->next_ready;
	resolver_kick(r);
}

static void unlist(struct task *t)
{
	if (!t->is_listed)
		return;
	struct task **at = bucket_of_task(t);
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->is_listed = false;
}

static void task_free(struct task *t)
{
	struct resolver *r = t->r;
	unlist(t);
	timer_cancel(r->loop, &t->timer);
	exchange_cancel(r->exchange, &t->ask);
	task_leave_server(t);
	cut_clear(t);
	secure_drop(t);
	chain_release(t);
	cut_put(t->blocked_cut);
	budget_put(r, t->budget);
	t->is_dead = true;
	r->n_tasks--;
	atomic_store_explicit(&r->counts.tasks_now, r->n_tasks, memory_order_relaxed);
	if (t->is_ready)
		return; /* still in the list of ready ones: put away when its turn comes */
	t->next = r->free_tasks;
	r->free_tasks = t;
}

/* ---- ends ---- */

void task_finish(struct task *t, struct resolve_result *result)
{
	result->cut = t->cut;
	result->n_packets = t->budget->n_packets;
	result->findings = &t->findings;
	/* From here on the same question is a new task: `done` may ask it. */
	unlist(t);
	timer_cancel(t->r->loop, &t->timer);
	while (t->requests != NULL) {
		struct resolve_request *request = t->requests;
		t->requests = request->next;
		request->next = NULL;
		request->task = NULL;
		request->done(request, result);
	}
	task_free(t);
}

/* "192.0.2.1 for example.net: timeout" */
static void trouble_text(const struct task *t, char ret_text[EDE_TEXT_MAX + 1])
{
	const struct trouble *x = &t->trouble;
	char server[ADDR_TEXT_MAX] = "";
	char zone[NAME_TEXT_MAX] = ".";
	if (x->has_server && x->server.port == t->r->config.upstream_port)
		addr_to_text(&x->server.addr, server);
	else if (x->has_server)
		endpoint_to_text(&x->server, server);
	name_to_text(t->cut != NULL ? t->cut->zone : t->hop.wire, zone);
	snprintf(ret_text, EDE_TEXT_MAX + 1, "%s%s%.*s: %s", server, x->has_server ? " for " : "",
	         ZONE_TEXT_MAX, zone, x->what != NULL ? x->what : "failed");
}

void task_fail(struct task *t)
{
	char text[EDE_TEXT_MAX + 1];
	struct resolver *r = t->r;
	trouble_text(t, text);
	/* RFC 9520 3.2. What ended by a limit of the question it was asked for may well be
	   resolved by itself. Failing for keys is kept with the zone, for a short time only: a
	   zone must not stay away for minutes when its servers are back. */
	bool is_by_limit = t->is_lookup && (t->is_limited || !t->trouble.has_server);
	if (!t->is_priming && !t->is_keys && !t->was_held_back && !is_by_limit)
		failure_note(t->hop_hash, t->type, loop_now_ns(r->loop), t->trouble.code);
	count_up(&r->counts.tasks_failed);
	if (t->is_priming && r->n_unanswered < SILENT_FOR_DOWN)
		atomic_store_explicit(&r->n_unanswered, SILENT_FOR_DOWN, memory_order_relaxed);
	struct resolve_result result = { .status = RESOLVE_FAILED,
		                         .ede_code = t->trouble.code,
		                         .ede_text = text,
		                         .is_limited = t->is_limited };
	task_finish(t, &result);
}

void task_throttle(struct task *t, uint64_t wait_ms)
{
	char text[EDE_TEXT_MAX + 1];
	const struct detect_finding *f = detect_strongest(&t->findings);
	snprintf(text, sizeof text, "throttled by detector %s: %.*s; come back in %llu s",
	         f != NULL ? config_detector((enum detector_id)f->detector)->name : "",
	         DETECT_TEXT_MAX, f != NULL ? f->text : "",
	         (unsigned long long)(wait_ms / 1000 + 1));
	count_up(&t->r->counts.throttled);
	struct resolve_result result = { .status = RESOLVE_FAILED,
		                         .ede_code = EDE_OTHER,
		                         .ede_text = text,
		                         .is_throttled = true };
	task_finish(t, &result);
}

void task_block(struct task *t, const struct verdict *verdict, const uint8_t *name)
{
	struct resolve_result result = { .status = RESOLVE_BLOCKED,
		                         .verdict = verdict,
		                         .blocked_name = name };
	task_finish(t, &result);
}

/* ---- turns ---- */

void resolver_kick(struct resolver *r)
{
	if (!timer_is_set(&r->kick))
		timer_set(r->loop, &r->kick, loop_now_ns(r->loop));
}

static void kicked(struct timer *timer)
{
	(void)timer; /* the turn's hook does the work */
}

static void go_on(struct task *t)
{
	if (!t->is_begun) {
		t->is_begun = true;
		iterate_begin(t, NULL);
		return;
	}
	if (t->asks_copy) {
		iterate_read_copy(t);
		return;
	}
	bool was_waiting = t->is_waiting;
	lookup_collect(t);
	t->is_waiting = false;
	if (t->is_securing)
		secure_resume(t);
	else if (was_waiting)
		iterate_ask(t);
}

static void run_ready(struct resolver *r)
{
	while (r->ready != NULL) {
		struct task *t = r->ready;
		r->ready = t->next_ready;
		if (r->ready == NULL)
			r->ready_end = &r->ready;
		t->is_ready = false;
		if (!t->is_dead) {
			go_on(t);
			continue;
		}
		t->next = r->free_tasks;
		r->free_tasks = t;
	}
}

static void end_of_turn(struct turn_hook *h)
{
	struct resolver *r = CONTAINER_OF(h, struct resolver, hook);
	do {
		run_ready(r);
		exchange_flush(r->exchange);
	} while (r->ready != NULL);
	timer_cancel(r->loop, &r->kick);
}

/* ---- the front door ---- */

static void fail_at_once(struct resolver *r, struct resolve_request *request, uint16_t code,
                         const char *text)
{
	struct resolve_result result = { .status = RESOLVE_FAILED,
		                         .ede_code = code,
		                         .ede_text = text };
	count_up(&r->counts.tasks_failed);
	request->done(request, &result);
}

void resolve_start(struct resolver *r, struct resolve_request *request)
{
	const struct task_plan plan = { .name = request->name,
		                        .hashes = request->hashes,
		                        .type = request->type,
		                        .group = request->group,
		                        .is_allowed = request->is_allowed,
		                        .is_late = request->is_late,
		                        .is_refresh = request->is_refresh,
		                        .client = request->is_exempt ? NULL : request->client };
	if (r->config.n_forwards > 0 && UNLIKELY(ring_is_closed(r->forwards, request))) {
		count_up(&r->counts.rings_closed);
		fail_at_once(r, request, EDE_NO_REACHABLE_AUTHORITY,
		             "forwarding loop: this is our own question, come back");
		return;
	}
	struct task *t = task_find(r, &plan);
	if (t != NULL) {
		task_add_request(t, request);
		return;
	}
	t = task_new(r, &plan);
	if (t == NULL) {
		fail_at_once(r, request, EDE_NETWORK_ERROR, "too many questions at the same time");
		return;
	}
	task_add_request(t, request);
	t->is_begun = true;
	iterate_begin(t, request->hashes);
}

void resolve_cancel(struct resolver *r, struct resolve_request *request)
{
	(void)r;
	struct task *t = request->task;
	if (t == NULL)
		return;
	struct resolve_request **at = &t->requests;
	while (*at != NULL && *at != request)
		at = &(*at)->next;
	if (*at == request)
		*at = request->next;
	request->next = NULL;
	request->task = NULL;
}

void resolve_refresh(struct resolver *r, const struct resolve_request *what)
{
	struct name_hashes hashes;
	if (what->hashes == NULL)
		name_hash_all(what->name, &hashes);
	const struct task_plan plan = {
		.name = what->name,
		.hashes = what->hashes != NULL ? what->hashes : &hashes,
		.type = what->type,
		.group = what->group,
		.is_allowed = what->is_allowed,
		.is_late = what->is_late,
		.is_refresh = true,
		.client = what->is_exempt ? NULL : what->client,
	};
	/* What clients wait for goes first. */
	if (r->n_tasks >= r->config.max_tasks / 2 || task_find(r, &plan) != NULL)
		return;
	struct task *t = task_new(r, &plan);
	if (t != NULL)
		task_set_ready(t);
}

static uint64_t get(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

void resolver_count(const struct resolver *r, struct resolve_counts *ret)
{
	const struct exchange_counts *x = exchange_counts(r->exchange);
	ret->tasks_started += get(&r->counts.tasks_started);
	ret->tasks_failed += get(&r->counts.tasks_failed);
	ret->packets_out += get(&x->out);
	ret->packets_in += get(&x->in);
	ret->packets_dropped += get(&x->dropped);
	ret->packets_shared += get(&x->joined);
	ret->timeouts += get(&r->counts.timeouts);
	ret->tcp_connections += get(&x->connections);
	ret->tcp_reused += get(&x->reused);
	ret->tls_opened += get(&x->tls_opened);
	ret->tls_resumed += get(&x->tls_resumed);
	ret->guard_refused += get(&r->counts.guard_refused);
	ret->detector_refused += get(&r->counts.detector_refused);
	ret->throttled += get(&r->counts.throttled);
	ret->held += get(&r->counts.held);
	ret->at_limit += get(&r->counts.at_limit);
	ret->zone_limited += get(&r->counts.zone_limited);
	ret->server_limited += get(&r->counts.server_limited);
	ret->rings_closed += get(&r->counts.rings_closed);
	ret->wrong_case += get(&x->wrong_case);
	ret->wrong_cookie += get(&x->wrong_cookie);
	ret->doubt_case += get(&x->doubts[EXCHANGE_DOUBT_CASE]);
	ret->doubt_cookie += get(&x->doubts[EXCHANGE_DOUBT_COOKIE]);
	ret->doubt_bare += get(&x->doubts[EXCHANGE_DOUBT_BARE]);
	ret->doubt_flood += get(&x->doubts[EXCHANGE_DOUBT_FLOOD]);
	ret->bad_cookies += get(&x->doubts[EXCHANGE_BAD_COOKIE]);
	ret->secure += get(&r->counts.secure);
	ret->insecure += get(&r->counts.insecure);
	ret->bogus += get(&r->counts.bogus);
	ret->overworked += get(&r->counts.overworked);
	ret->key_questions += get(&r->counts.key_questions);
	ret->denied += get(&r->counts.denied);
	ret->root_copy += get(&r->counts.root_copy);
	ret->tasks_now += get(&r->counts.tasks_now);
}

int resolver_upstream_state(const struct resolver *r)
{
	if (atomic_load_explicit(&r->n_answered, memory_order_relaxed) > 0)
		return 1;
	unsigned n = atomic_load_explicit(&r->n_unanswered, memory_order_relaxed);
	return n >= SILENT_FOR_DOWN ? 0 : -1;
}

/* ---- life ---- */

static int make_parts(struct resolver *r)
{
	uint32_t n_buckets = 256;
	while (n_buckets < r->config.max_tasks)
		n_buckets *= 2;
	r->table_mask = n_buckets - 1;
	r->table = calloc(n_buckets, sizeof *r->table);
	r->response = malloc(sizeof *r->response);
	r->cached_bytes = malloc(DNS_MAX_MESSAGE);
	r->copy_bytes = malloc(DNS_MAX_MESSAGE);
	r->plan_rrs = malloc((CHAIN_MAX_RRS + ARRAY_LEN(r->response->kept)) * sizeof *r->plan_rrs);
	if (r->table == NULL || r->response == NULL || r->cached_bytes == NULL ||
	    r->copy_bytes == NULL || r->plan_rrs == NULL)
		return -ENOMEM;
	const struct exchange_config config = { .loop = r->loop,
		                                .n_sockets = r->config.n_sockets,
		                                .max_asks = r->config.max_tasks,
		                                .n_sources_v4 = r->config.n_sources_v4,
		                                .n_sources_v6 = r->config.n_sources_v6,
		                                .sources_v4 = r->config.sources_v4,
		                                .sources_v6 = r->config.sources_v6,
		                                .connect_ms = r->config.udp_timeout_max_ms,
		                                .scratch = r->response->scratch,
		                                .scratch_bytes = RESPONSE_SCRATCH_BYTES,
		                                .answered = iterate_answered,
		                                .doubted = iterate_doubted,
		                                .failed = iterate_failed };
	int e = exchange_new(&config, &r->exchange);
	if (e == 0)
		e = validator_new(&r->validator);
	if (e == 0 && r->config.aggressive_nsec)
		e = denials_new(DENIALS_MAX, &r->denials);
	if (e == 0)
		e = zone_scratch_new(&r->zone_scratch);
	if (e == 0)
		e = forwards_new(r->config.forwards, r->config.n_forwards, &r->forwards);
	if (e == 0)
		e = load_new(r->config.max_zone_tasks, &r->zones);
	if (e == 0)
		e = load_new(r->config.max_server_asks, &r->servers);
	if (e == 0)
		e = cut_new_hints(&r->config, &r->root);
	return e;
}

int resolver_new(const struct resolve_config *config, struct loop *loop, struct cache *cache,
                 struct resolver **ret)
{
	if (config->n_hints == 0 || config->n_sockets == 0 || config->max_tasks == 0 ||
	    config->time_limit_ms == 0 || config->max_zone_tasks == 0 ||
	    config->max_zone_tasks > UINT16_MAX || config->max_server_asks == 0 ||
	    config->max_server_asks > UINT16_MAX)
		return -EINVAL;
	struct resolver *r = calloc(1, sizeof *r);
	if (r == NULL)
		return -ENOMEM;
	server_table_init();
	r->config = *config;
	if (r->config.max_depth > DEPTH_MAX)
		r->config.max_depth = DEPTH_MAX;
	r->loop = loop;
	r->cache = cache;
	r->ready_end = &r->ready;
	r->kick.fire = kicked;
	int e = make_parts(r);
	if (e != 0) {
		resolver_free(r);
		return e;
	}
	r->hook.run = end_of_turn;
	loop_add_hook(loop, &r->hook);
	*ret = r;
	return 0;
}

void resolver_forget(struct resolver *r, const uint8_t *lower)
{
	if (r->denials != NULL)
		denials_flush(r->denials, lower);
}

void resolve_forget_shared(const uint8_t *lower)
{
	failure_reset();
	if (*lower == 0)
		server_table_reset();
}

/* What still runs for the cache's sake ends here, untold. */
static void free_tasks(struct resolver *r)
{
	for (uint32_t i = 0; r->table != NULL && i <= r->table_mask; i++) {
		while (r->table[i] != NULL) {
			struct task *t = r->table[i];
			t->requests = NULL;
			for (int k = 0; k < TASK_MAX_LOOKUPS; k++)
				t->lookups[k].request.done = NULL;
			t->keys.request.done = NULL;
			task_free(t);
		}
	}
	while (r->slabs != NULL) {
		struct slab *s = r->slabs;
		r->slabs = s->next;
		free(s);
	}
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	free_tasks(r);
	while (r->free_budgets != NULL) {
		struct budget *b = r->free_budgets;
		r->free_budgets = b->next;
		free(b);
	}
	while (r->free_chains != NULL) {
		struct chain *c = r->free_chains;
		r->free_chains = c->next;
		free(c);
	}
	timer_cancel(r->loop, &r->kick);
	cut_put(r->root);
	exchange_free(r->exchange);
	forwards_free(r->forwards);
	validator_free(r->validator);
	denials_free(r->denials);
	free(r->zone_scratch);
	load_free(r->zones);
	load_free(r->servers);
	free(r->table);
	free(r->response);
	free(r->cached_bytes);
	free(r->copy_bytes);
	free(r->plan_rrs);
	free(r);
}
