/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A miss: parked until the resolver answers, or until expired data is good enough. */
#include <string.h>

#include "serve/serve.h"

enum {
	REDIRECTS_MAX = 2
};

/* RFC 8767 4: expired data may be used for a bounded time when the servers fail. */
bool find_stale(struct query *q)
{
	const struct serve_options *o = serve_options_of(q);
	uint32_t now_s = loop_now_s(q->serve->loop);
	if (!o->use_stale)
		return false;
	const struct answer *a = cache_find_answer(q->serve->cache, q->hashes.h[0],
	                                           q->question.name.wire, q->question.type);
	/* That a name does not exist is kept once for all types. */
	if (a == NULL)
		a = cache_find_answer(q->serve->cache, q->hashes.h[0], q->question.name.wire, 0);
	if (a == NULL || item_age_s(&a->item, now_s) >= (uint64_t)a->item.ttl_s + o->stale_max_s)
		return false;
	if (a->security == SECURITY_BOGUS || !answer_is_checked(a))
		return false;
	q->found = a;
	q->is_stale = !item_is_fresh(&a->item, now_s);
	if (q->is_stale)
		query_set_ede(q, a->rcode == RCODE_NXDOMAIN ? 19 : 3, "the servers do not answer");
	return true;
}

/* All that was said on the ground of a policy that may be another by now. */
static void forget_judgement(struct query *q)
{
	q->verdict.action = POLICY_NONE;
	q->verdict.n_logged = 0;
	q->is_allowed = q->is_late = q->is_pending = q->has_strict = false;
}

/*
 * Go on after a park. What the policy said before may point into a snapshot that is gone, and
 * the policy may have changed: judge anew, but for the common case that it said nothing.
 */
void query_resume(struct query *q)
{
	const struct policy *p = policy_current();
	bool is_same = policy_generation(p) == q->generation;
	if (LIKELY(is_same && q->verdict.action == POLICY_NONE && q->verdict.n_logged == 0)) {
		q->policy = p;
		serve_resume(q, STEP_RESOLVE);
		return;
	}
	forget_judgement(q);
	serve_resume(q, STEP_GROUP);
}

static void stale_is_due(struct timer *t)
{
	struct query *q = CONTAINER_OF(t, struct query, stale_timer);
	if (!find_stale(q))
		return;
	resolve_cancel(q->serve->resolver, &q->request); /* the task goes on for the cache */
	q->is_resolved = true;
	query_resume(q);
}

static void take_failure(struct query *q, const struct resolve_result *r)
{
	q->rcode = RCODE_SERVFAIL;
	q->is_throttled = r->is_throttled;
	query_set_ede(q, r->ede_code, r->ede_text != NULL ? r->ede_text : "");
}

/* The verdict is borrowed during the call, and the step that uses it may come after. */
static void take_refusal(struct query *q, const struct resolve_result *r)
{
	q->guard_verdict = *r->verdict;
	q->is_refused_by_guard = true;
	name_set(&q->stage, r->blocked_name);
}

/* The resolver is done. May be called from inside resolve_start, before the query is parked. */
static void resolver_done(struct resolve_request *request, const struct resolve_result *r)
{
	struct query *q = CONTAINER_OF(request, struct query, request);
	timer_cancel(q->serve->loop, &q->stale_timer);
	q->is_resolved = true;
	q->n_packets = (uint16_t)(r->n_packets < UINT16_MAX ? r->n_packets : UINT16_MAX);
	q->cut = r->cut;
	detect_findings_add(&q->findings, r->findings);
	/* Bad data is as much a failure of the servers as none: what was good is better. */
	if (r->status == RESOLVE_ANSWERED && query_must_fail(q, r->answer) && find_stale(q))
		;
	else if (r->status == RESOLVE_ANSWERED)
		q->found = r->answer;
	else if (r->status == RESOLVE_BLOCKED)
		take_refusal(q, r);
	else if (!find_stale(q))
		take_failure(q, r);
	if (r->status == RESOLVE_FAILED && !r->is_throttled)
		watch_failure(q);
	if (q->is_parked)
		query_resume(q);
}

static void redirect_done(struct resolve_request *request, const struct resolve_result *r)
{
	struct query *q = CONTAINER_OF(request, struct query, request);
	q->redirect_found = r->status == RESOLVE_ANSWERED ? r->answer : NULL;
	q->is_waiting = false;
	if (!q->is_parked)
		return;
	q->is_resolved = false; /* what was found for the question was valid in its turn only */
	query_resume(q);
}

/*
 * The guard refused: its verdict stands, with what `log` rules said before. One that is of another
 * snapshot (a reload came in between) is none: judged and asked again.
 */
static enum outcome take_block(struct query *q)
{
	if (UNLIKELY(q->guard_verdict.policy != q->policy)) {
		q->is_refused_by_guard = q->is_resolved = false;
		forget_judgement(q);
		q->step = STEP_GROUP;
		return GO_ON;
	}
	struct verdict before = q->verdict;
	q->verdict = q->guard_verdict;
	verdict_keep_logged(&q->verdict, &before);
	return q->verdict.action == POLICY_DROP ? DROP : SAY;
}

/* How it stands with the resolver: an answer to look at, a refusal, a failure. */
static enum outcome look_at_result(struct query *q)
{
	if (q->found != NULL)
		return GO_ON;
	if (q->is_refused_by_guard)
		return take_block(q);
	return begin_dns64(q) ? GO_ON : SAY;
}

/* An answer at once must not resume the query from inside the step that asks for it. */
static void start(struct query *q)
{
	bool was_parked = q->is_parked;
	q->is_parked = false;
	resolve_start(q->serve->resolver, &q->request);
	q->is_parked = was_parked;
}

static bool is_strict(const struct query *q)
{
	struct policy_group_view g;
	policy_group_view(q->policy, q->group, &g);
	return g.is_strict;
}

enum outcome resolve_question(struct query *q)
{
	if (q->found != NULL || q->is_resolved)
		return look_at_result(q);
	if (q->serve->n_parked >= q->serve->max_parked && !q->is_parked) {
		if (find_stale(q))
			return GO_ON;
		q->rcode = RCODE_SERVFAIL;
		query_set_ede(q, 23, "too many questions are waiting");
		return SAY;
	}
	query_note_domain(q);
	q->request = (struct resolve_request){
		.name = q->question.name.wire,
		.hashes = &q->hashes,
		.type = q->question.type,
		.group = policy_group_id(q->policy, q->group),
		/* A rule that waits for the answer lets everything pass until then, unless
		 * the guard knows what stands before it. */
		.is_allowed = q->is_allowed || (q->is_pending && !is_strict(q)),
		.is_late = q->is_late,
		.client = &q->client.addr,
		.is_exempt = q->is_allowed,
		.done = resolver_done,
	};
	start(q);
	if (q->is_resolved)
		return look_at_result(q);
	const struct serve_options *o = serve_options_of(q);
	if (o->use_stale && o->stale_wait_ms > 0) {
		q->stale_timer.fire = stale_is_due;
		timer_set(q->serve->loop, &q->stale_timer,
		          loop_now_ns(q->serve->loop) + o->stale_wait_ms * NS_PER_MS);
	}
	return PARK;
}

/* The alias among the records of local data, when they have none of the type asked. */
static const uint8_t *alias_of_records(const struct policy_data *d, uint16_t type)
{
	const uint8_t *target = NULL;
	struct policy_record r;
	for (size_t at = 0; d != NULL && policy_record_next(d, &at, &r);) {
		if (r.type == type)
			return NULL;
		if (r.type == DNS_CNAME)
			target = r.rdata;
	}
	return type == DNS_ANY ? NULL : target;
}

bool query_redirects(const struct query *q)
{
	const struct verdict *v = &q->verdict;
	if (v->action == POLICY_RECORDS)
		return alias_of_records(v->data, q->question.type) != NULL;
	return v->action == POLICY_REDIRECT;
}

/* Where the alias leads. A target that goes behind the whole name may not fit: len 0. */
static void set_target(struct query *q)
{
	const struct policy_data *d = q->verdict.data;
	const struct name *asked = q->stage.len != 0 ? &q->stage : &q->question.name;
	if (q->verdict.action == POLICY_RECORDS) {
		name_set(&q->redirect, alias_of_records(d, q->question.type));
		name_copy_lower(q->redirect.wire, q->redirect.wire);
	} else if (d == NULL || d->target == NULL) {
		q->redirect.len = 0; /* not reached: such a rule is not loaded */
	} else if (!d->is_target_suffix) {
		name_set(&q->redirect, d->target);
	} else if (asked->len - 1U + name_len(d->target) > NAME_MAX_BYTES) {
		q->redirect.len = 0;
	} else {
		memcpy(q->redirect.wire, asked->wire, asked->len - 1U);
		memcpy(q->redirect.wire + asked->len - 1, d->target, name_len(d->target));
		q->redirect.len = (uint8_t)(asked->len - 1U + name_len(d->target));
	}
}

/*
 * The target of a redirect is resolved like any name, and policy does not apply to it: it is
 * the operator's. GO_ON when redirect_found says all there is to know.
 */
enum outcome resolve_redirect(struct query *q)
{
	struct serve *s = q->serve;
	set_target(q);
	if (q->redirect_found != NULL || q->redirect.len == 0 || q->question.type == DNS_CNAME ||
	    q->question.type == DNS_ANY || (q->question.flags & FLAG_RD) == 0)
		return GO_ON;
	name_hash_all(q->redirect.wire, &q->redirect_hashes);
	const struct answer *a = cache_find_answer(s->cache, q->redirect_hashes.h[0],
	                                           q->redirect.wire, q->question.type);
	if (a != NULL && item_is_fresh(&a->item, loop_now_s(s->loop)) && answer_is_checked(a)) {
		q->redirect_found = a;
		return GO_ON;
	}
	if (q->n_redirects++ >= REDIRECTS_MAX)
		return GO_ON; /* its answer does not keep: the alias alone must do */
	q->request = (struct resolve_request){
		.name = q->redirect.wire,
		.hashes = &q->redirect_hashes,
		.type = q->question.type,
		.group = 0,
		.is_allowed = true,
		.done = redirect_done,
	};
	q->is_waiting = true;
	start(q);
	return q->is_waiting ? PARK : GO_ON;
}

void serve_abandon(struct query *q)
{
	resolve_cancel(q->serve->resolver, &q->request);
	timer_cancel(q->serve->loop, &q->stale_timer);
	servers_abandon(q);
	if (q->is_parked)
		q->serve->n_parked--;
	q->is_parked = false;
}
