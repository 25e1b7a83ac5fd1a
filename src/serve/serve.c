/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serve/serve.h"

#include <stdlib.h>
#include <string.h>

void query_set_ede(struct query *q, uint16_t code, const char *text)
{
	size_t n = strnlen(text, EDE_TEXT_MAX);
	q->ede_code = code;
	memcpy(q->ede_text, text, n);
	q->ede_text[n] = 0;
}

static enum outcome fail(struct query *q, unsigned rcode, uint16_t ede_code, const char *ede_text)
{
	q->rcode = (uint16_t)rcode;
	query_set_ede(q, ede_code, ede_text);
	return SAY;
}

static enum outcome admit_query(struct query *q)
{
	struct serve_counters *c = &q->serve->counters;
	count_one(&c->questions);
	count_one(q->origin->is_stream ? &c->tcp : &c->udp);
	return GO_ON;
}

static void answer_cookie(struct query *q)
{
	const struct serve_options *o = serve_options_of(q);
	uint64_t now_ns = loop_now_ns(q->serve->loop) + q->serve->wall_offset_ns;
	if (o->use_cookies)
		cookie_answer(&o->cookie_key, &q->client.addr, (uint32_t)(now_ns / NS_PER_S),
		              &q->question);
	else
		q->question.cookie_bytes = 0;
}

/* What is not asked of a resolver: transfers and NOTIFY are refused, unless somebody knows them. */
static bool is_for_zones(const struct query *q, int rcode)
{
	const struct serve_zones *z = q->serve->zones;
	return z != NULL && (rcode == RCODE_NOTIMP || rcode == RCODE_REFUSED || rcode == 0) &&
	       z->wants(z->arg, q);
}

static enum outcome parse_query(struct query *q)
{
	int rcode = message_parse_question(q->in, q->in_bytes, &q->question);
	if (rcode < 0)
		return DROP;
	if (UNLIKELY(q->question.cookie_bytes > 0))
		answer_cookie(q);
	if (q->is_cut && rcode == 0)
		rcode = RCODE_FORMERR;
	if (rcode == RCODE_REFUSED && q->question.has_question && q->question.class == DNS_CLASS_CH)
		rcode = 0; /* own.c knows */
	if (UNLIKELY(rcode != 0 || q->question.type == DNS_SOA) && is_for_zones(q, rcode)) {
		q->is_for_zones = true;
		return SAY;
	}
	if (rcode != 0)
		return fail(q, (unsigned)rcode, 0xffff, "");
	return GO_ON;
}

/* A question without RD asks what is in our cache, which is nobody's business. */
static enum outcome answer_unrecursed(struct query *q)
{
	if (!judge_unrecursed(q))
		return fail(q, RCODE_REFUSED, 20, "recursion must be desired (RD)");
	return q->verdict.action == POLICY_DROP ? DROP : SAY;
}

static enum outcome find_group(struct query *q)
{
	const struct policy *p = policy_current();
	q->policy = p;
	q->generation = policy_generation(p);
	q->group = policy_group_of(p, &q->client.addr);
	if (UNLIKELY(q->group == POLICY_NO_GROUP))
		return fail(q, RCODE_REFUSED, 18, "this client is in no group");
	name_hash_all(q->question.name.wire, &q->hashes);
	if (UNLIKELY((q->question.flags & FLAG_RD) == 0))
		return answer_unrecursed(q);
	if (UNLIKELY(!policy_group_is_ready(p, q->group)))
		return fail(q, RCODE_SERVFAIL, 14,
		            "a list of this client's group is not loaded yet");
	cache_prefetch_answer(q->serve->cache, q->hashes.h[0], q->question.type);
	policy_prefetch_name(p, &q->hashes);
	return GO_ON;
}

/* RFC 8767 aside, an answer in the last tenth of its life is fetched anew in the background. */
static void prefetch(struct query *q, const struct answer *a, uint32_t now_s)
{
	uint32_t left_s = a->item.ttl_s - item_age_s(&a->item, now_s);
	if (LIKELY(left_s > a->item.ttl_s / 10) || a->item.ttl_s < 10 ||
	    a->security == SECURITY_BOGUS || !serve_options_of(q)->use_prefetch)
		return;
	_Atomic uint8_t *flag = (_Atomic uint8_t *)&a->item.is_refreshed;
	if (atomic_exchange_explicit(flag, 1, memory_order_relaxed) != 0)
		return;
	count_one(&q->serve->counters.prefetched);
	const struct resolve_request what = { .name = q->question.name.wire,
		                              .hashes = &q->hashes,
		                              .type = q->question.type,
		                              .group = policy_group_id(q->policy, q->group),
		                              .is_allowed = q->is_allowed,
		                              .is_late = judge_is_late(q, q->policy),
		                              .client = &q->client.addr,
		                              .is_exempt = q->is_allowed };
	resolve_refresh(q->serve->resolver, &what);
}

/* The memo is of the group: rules on one client's address are not in it. */
static bool client_is_listed(const struct query *q)
{
	const struct policy *p = q->policy;
	struct verdict v;
	if (LIKELY(!policy_group_judges_clients(p, q->group)))
		return false;
	policy_judge_address(p, q->group, POLICY_TRIGGER_CLIENT, &q->client.addr, &v);
	return v.action != POLICY_NONE || v.n_logged > 0;
}

static enum outcome look_in_cache(struct query *q)
{
	struct serve *s = q->serve;
	uint32_t now_s = loop_now_s(s->loop);
	if (q->found != NULL || q->is_resolved)
		return GO_ON; /* back from the resolver */
	const struct answer *a = cache_find_answer(s->cache, q->hashes.h[0], q->question.name.wire,
	                                           q->question.type);
	if (a == NULL || !item_is_fresh(&a->item, now_s) || !answer_is_checked(a))
		return GO_ON;
	q->found = a;
	q->is_cached = !q->is_parked;
	/* Of what becomes AAAA records the policy has seen the A records only. */
	if (cache_memo_is_clean(&a->item, q->generation, q->group) && !q->is_dns64 &&
	    !client_is_listed(q)) {
		prefetch(q, a, now_s);
		return SAY;
	}
	return GO_ON;
}

/* The whole server. A query runs down this list; a step ends it early by its outcome. */
static enum outcome (*const steps[STEP_COUNT])(struct query *q) = {
	[STEP_ADMIT] = admit_query,        /* counters; limits */
	[STEP_PARSE] = parse_query,        /* RFC 1035 4.1, RFC 6891, RFC 8906 */
	[STEP_GROUP] = find_group,         /* who asks; REFUSED for strangers */
	[STEP_OWN] = answer_locally,       /* local data, special-use names */
	[STEP_CACHE] = look_in_cache,      /* a clean hit goes straight to the answer */
	[STEP_JUDGE] = judge_question,     /* policy on the question's name */
	[STEP_RESOLVE] = resolve_question, /* a miss: PARK until the resolver is done */
	[STEP_INSPECT] = inspect_answer,   /* policy on servers, aliases and addresses */
	[STEP_ANSWER] = write_answer,      /* verdict or data to bytes; EDNS, extended errors */
	[STEP_RECORD] = record_query,      /* event and counters; always runs */
};

/* Run the steps before `end`; true when there are no more for now. */
static bool run_until(struct query *q, unsigned end)
{
	while (q->step < end) {
		switch (steps[q->step++](q)) {
		case GO_ON:
			break;
		case SAY:
			q->step = STEP_ANSWER;
			break;
		case DROP:
			q->is_silent = true;
			q->out_bytes = 0;
			q->step = STEP_RECORD;
			break;
		case PARK:
			q->found = q->redirect_found = NULL; /* valid in this turn only */
			q->policy = NULL;
			q->own.outcome = LOCAL_UNKNOWN;
			q->is_refused_by_guard = false;
			q->cut = NULL;
			if (!q->is_parked) {
				q->is_parked = true;
				q->serve->n_parked++;
			}
			return true;
		}
	}
	return false;
}

static void run(struct query *q)
{
	if (run_until(q, STEP_COUNT))
		return;
	if (q->is_parked)
		q->serve->n_parked--;
	q->origin->finish(q);
}

void serve_begin(struct query *q)
{
	q->step = STEP_ADMIT;
	q->is_for_zones = false;
	q->is_silent = q->is_parked = q->is_stale = q->is_cached = false;
	q->is_allowed = q->is_resolved = q->is_waiting = false;
	q->n_redirects = q->n_aliases = 0;
	q->is_throttled = false;
	q->findings.n = 0;
	q->stage.len = 0;
	q->is_late = q->is_pending = q->has_strict = q->is_ns_counted = q->is_too_long = false;
	q->n_ns_lookups = q->n_ns_unknown = 0;
	q->is_dns64 = false;
	q->is_noted = false;
	q->domain = NULL;
	q->domain_of = 0;
	q->aged = 0;
	q->own.outcome = LOCAL_UNKNOWN;
	q->group = POLICY_NO_GROUP;
	q->policy = NULL;
	q->rcode = RCODE_NOERROR;
	q->ede_code = 0xffff;
	q->rule_at = 0;
	q->n_packets = 0;
	q->found = q->redirect_found = NULL;
	q->is_refused_by_guard = false;
	q->cut = NULL;
	q->out = NULL;
	q->out_bytes = 0;
	q->verdict.action = POLICY_NONE;
	q->verdict.n_logged = 0;
	q->start_ns = loop_now_ns(q->serve->loop);
	/* No step before ours parks, so there is nothing to look at. */
	run_until(q, STEP_OWN);
}

void serve_go_on(struct query *q)
{
	run(q);
}

void serve_query(struct query *q)
{
	serve_begin(q);
	serve_go_on(q);
}

void serve_resume(struct query *q, enum query_step step)
{
	q->step = (uint8_t)step;
	run(q);
}

/* ---- the worker's part and its pool of queries ---- */

void serve_init(struct serve *s, struct loop *loop, struct cache *cache, struct resolver *resolver,
                struct event_ring *ring, const struct serve_options *options, unsigned max_parked)
{
	*s = (struct serve){
		.loop = loop,
		.cache = cache,
		.resolver = resolver,
		.ring = ring,
		.max_parked = max_parked,
		.wall_offset_ns = clock_wall_ns() - clock_mono_ns(),
	};
	atomic_init(&s->options, options);
	/* Pages that no list's slot lies in are never touched. */
	s->lists = calloc(POLICY_MAX_LISTS, sizeof *s->lists);
	if (learn_notes_new(&s->learned) != 0)
		s->learned = NULL;
	if (seen_current() != NULL && seen_changes_new(&s->seen) != 0)
		s->seen = NULL; /* noted, and kept with the next snapshot only */
}

void serve_done(struct serve *s)
{
	while (s->all != NULL) {
		struct query *q = s->all;
		s->all = q->all;
		servers_forget(q);
		free(q);
	}
	s->pool = NULL;
	learn_notes_free(s->learned);
	s->learned = NULL;
	seen_changes_free(s->seen);
	s->seen = NULL;
	free(s->lists);
	s->lists = NULL;
}

struct query *query_new(struct serve *s)
{
	struct query *q = s->pool;
	if (q != NULL) {
		s->pool = q->next;
		return q;
	}
	q = calloc(1, sizeof *q);
	if (q == NULL)
		return NULL;
	q->serve = s;
	q->all = s->all;
	s->all = q;
	return q;
}

void query_free(struct query *q)
{
	q->next = q->serve->pool;
	q->serve->pool = q;
}

void serve_turn_end(struct serve *s)
{
	if (s->ring != NULL)
		events_turn_end(s->ring);
}
