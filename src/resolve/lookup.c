/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Look-ups of name servers' addresses, for cuts that came without glue. Each is a task of its
 * own, on the budget of the question that needs it: an answer that names many servers buys at
 * most resolve_config.max_sub_questions of them (NXNSAttack), max_depth deep.
 */
#include <string.h>

#include "base/random.h"
#include "resolve/task.h"

enum {
	REACH_MAX = 64
};

static bool is_active(const struct lookup *l)
{
	return l->request.done != NULL;
}

/* When it cannot be told with a little work, it is taken to be so. */
bool task_reaches(struct task *from, const struct task *target)
{
	struct task *stack[REACH_MAX];
	unsigned n_seen = 0;
	unsigned n = 0;
	stack[n++] = from;
	while (n > 0) {
		struct task *t = stack[--n];
		if (t == target || ++n_seen == REACH_MAX)
			return true;
		for (int i = 0; i < TASK_MAX_LOOKUPS; i++) {
			struct lookup *l = &t->lookups[i];
			if (is_active(l) && l->request.task != NULL && n < REACH_MAX)
				stack[n++] = l->request.task;
		}
		if (t->keys.request.done != NULL && t->keys.request.task != NULL && n < REACH_MAX)
			stack[n++] = t->keys.request.task;
	}
	return false;
}

/* The addresses in an answer out of the cache, or just made. */
static void take_addrs(struct lookup *l, const struct answer *a)
{
	struct resolver *r = l->owner->r;
	struct response *w = r->response;
	/* Who would be asked there is not who the zone says. */
	if (a->security == SECURITY_BOGUS)
		return;
	if (response_from_answer(w, a, loop_now_s(r->loop), r->cached_bytes) != 0)
		return;
	l->ttl_s = w->ttl_s;
	for (unsigned i = 0; i < w->n_kept && l->n_addrs < LOOKUP_MAX_ADDRS; i++) {
		const struct answer_rr *rr = &w->kept[i];
		if (!rr->in_authority &&
		    response_addr(rr->type, rr->rdata, rr->rdata_len, &l->addrs[l->n_addrs]))
			l->n_addrs++;
	}
}

static void lookup_done(struct resolve_request *request, const struct resolve_result *result)
{
	struct lookup *l = CONTAINER_OF(request, struct lookup, request);
	struct task *t = l->owner;
	l->is_done = true;
	if (result->status == RESOLVE_ANSWERED) {
		take_addrs(l, result->answer);
	} else if (result->status == RESOLVE_BLOCKED && result->cut != NULL) {
		cut_put(t->blocked_cut);
		t->blocked_cut = cut_get(result->cut);
	}
	task_set_ready(t);
}

static void limit(struct task *t, const char *what)
{
	t->is_limited = true;
	iterate_note(t, EDE_NO_REACHABLE_AUTHORITY, what, false);
}

/* A task for the address, new or one that is under way; NULL: it may not be. */
static struct task *find_task(struct task *t, const struct task_plan *plan)
{
	struct task *child = task_find(t->r, plan);
	if (child != NULL && task_reaches(child, t)) {
		limit(t, "the addresses of its name servers depend on each other");
		return NULL;
	}
	if (child != NULL)
		return child;
	if (t->depth + 1U > t->r->config.max_depth) {
		limit(t, "too deep a chain of look-ups for name servers");
		return NULL;
	}
	if (t->budget->n_lookups >= t->r->config.max_sub_questions) {
		limit(t, "too many look-ups for name servers");
		return NULL;
	}
	child = task_new(t->r, plan);
	if (child == NULL) {
		limit(t, "too many questions at the same time");
		return NULL;
	}
	t->budget->n_lookups++;
	task_set_ready(child);
	return child;
}

static void start_one(struct task *t, struct lookup *l, unsigned server, bool is_v6)
{
	struct resolver *r = t->r;
	const uint8_t *name = t->cut->servers[server].name;
	struct name_hashes hashes;
	name_hash_all(name, &hashes);
	*l = (struct lookup){ .owner = t, .server = (uint8_t)server, .is_v6 = is_v6 };
	const struct task_plan plan = { .name = name,
		                        .hashes = &hashes,
		                        .type = is_v6 ? DNS_AAAA : DNS_A,
		                        .group = t->group,
		                        .is_allowed =
		                                t->is_allowed || (t->is_late && t->n_hops > 0),
		                        .is_late = t->is_late,
		                        .is_lookup = true,
		                        .depth = (uint8_t)(t->depth + 1),
		                        .key_depth = t->key_depth,
		                        .budget = t->budget };
	const struct answer *a = cache_find_answer(r->cache, hashes.h[0], name, plan.type);
	if (a != NULL && item_is_fresh(&a->item, loop_now_s(r->loop))) {
		l->request.done = lookup_done;
		l->is_done = true;
		take_addrs(l, a);
		return;
	}
	struct task *child = find_task(t, &plan);
	if (child == NULL)
		return;
	l->request.done = lookup_done;
	task_add_request(child, &l->request);
}

/* A server that has no address we can use, and was not looked up yet; -1: none. */
static int draw_server(const struct task *t)
{
	const struct cut *cut = t->cut;
	const struct resolve_config *config = &t->r->config;
	unsigned first = cut->n_servers > 1 ? random_below(cut->n_servers) : 0;
	for (unsigned k = 0; k < cut->n_servers; k++) {
		unsigned i = (first + k) % cut->n_servers;
		const struct cut_server *s = &cut->servers[i];
		bool is_usable = false;
		for (unsigned j = 0; j < s->n_addrs && !is_usable; j++) {
			bool is_v4 = cut->addrs[s->first_addr + j].is_v4;
			is_usable = is_v4 ? config->use_ipv4 : config->use_ipv6;
		}
		if (!is_usable && (t->looked_up >> i & 1) == 0)
			return (int)i;
	}
	return -1;
}

bool lookup_start(struct task *t)
{
	if (t->forward != NULL)
		return false;
	bool is_any = false;
	for (int i = 0; i < TASK_MAX_LOOKUPS; i++) {
		struct lookup *l = &t->lookups[i];
		while (!is_active(l)) {
			int server = draw_server(t);
			if (server < 0)
				break;
			t->looked_up |= 1U << server;
			start_one(t, l, (unsigned)server, !t->r->config.use_ipv4);
		}
		is_any = is_any || is_active(l);
		if (is_active(l) && l->is_done)
			task_set_ready(t);
	}
	return is_any;
}

void lookup_collect(struct task *t)
{
	for (int i = 0; i < TASK_MAX_LOOKUPS; i++) {
		struct lookup *l = &t->lookups[i];
		while (is_active(l) && l->is_done) {
			bool has_addrs = l->n_addrs > 0;
			l->request.done = NULL;
			if (has_addrs) {
				cut_fill(t, l);
				t->is_waiting = false;
			} else if (!l->is_v6 && t->r->config.use_ipv6) {
				start_one(t, l, l->server, true);
			}
		}
	}
}

void lookup_drop(struct task *t)
{
	for (int i = 0; i < TASK_MAX_LOOKUPS; i++) {
		struct lookup *l = &t->lookups[i];
		if (is_active(l) && l->request.task != NULL)
			resolve_cancel(t->r, &l->request);
		l->request.done = NULL;
	}
}
