/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is remembered of a question: counters, and an event if it matters. */
#include <string.h>

#include "serve/serve.h"

static void count(struct query *q)
{
	struct serve_counters *c = &q->serve->counters;
	if (q->is_silent) {
		count_one(&c->dropped);
		if (verdict_is_block(&q->verdict))
			count_one(&c->blocked);
		return;
	}
	if (verdict_is_block(&q->verdict) && !q->is_allowed)
		count_one(&c->blocked);
	else if (q->own.outcome != LOCAL_UNKNOWN)
		count_one(&c->local);
	else if (q->found != NULL && query_must_fail(q, q->found))
		count_one(&c->failed);
	else if (q->found != NULL)
		count_one(q->is_stale ? &c->stale : q->is_cached ? &c->cached : &c->resolved);
	else if (q->rcode == RCODE_SERVFAIL)
		count_one(&c->failed);
	else if (q->rcode == RCODE_REFUSED)
		count_one(&c->refused);
	else
		count_one(&c->malformed);
	if (q->is_dns64 && q->found != NULL)
		count_one(&c->dns64);
	if (q->verdict.action == POLICY_ALLOW)
		count_one(&c->allowed);
	if (q->verdict.n_logged > 0)
		count_one(&c->logged);
}

/* The rule of the first `log` match, for the event. */
static void fill_logged(const struct query *q, struct event *e, char *rule_text)
{
	struct policy_list_view view;
	const struct verdict *v = &q->verdict;
	policy_list_view(policy_current(), v->logged[0], &view);
	e->logged_list = view.name;
	struct verdict logged = { .action = POLICY_LOG,
		                  .trigger = POLICY_TRIGGER_QUESTION,
		                  .scope = POLICY_SCOPE_TREE,
		                  .list = v->logged[0],
		                  .rule_depth = v->logged_depth[0] };
	if (logged.rule_depth <= q->hashes.n) {
		verdict_rule_text(&logged, q->question.name.wire, rule_text);
		e->logged_rule = rule_text;
	}
}

static void fill_verdict(const struct query *q, struct event *e, char *rule_text)
{
	const struct verdict *v = &q->verdict;
	e->verdict = v;
	if (v->action == POLICY_NONE)
		return;
	if (q->rule_at > 0) {
		e->rule = q->ede_text + q->rule_at;
	} else {
		verdict_rule_text(v, v->name.len > 0 ? v->name.wire : q->question.name.wire,
		                  rule_text);
		e->rule = rule_text;
	}
	if (v->list != POLICY_NO_LIST) {
		struct policy_list_view view;
		policy_list_view(policy_current(), v->list, &view);
		e->list = view.name;
	}
}

/* A miss is told with the zone it came from and that zone's servers. */
static void fill_servers(const struct query *q, struct event *e, const uint8_t **names)
{
	const struct cut *cut = q->cut;
	if (cut == NULL && q->found != NULL && q->found->n_cuts > 0)
		cut = q->found->cuts[q->found->n_cuts - 1];
	if (cut == NULL || q->is_cached)
		return;
	for (unsigned i = 0; i < cut->n_servers; i++)
		names[i] = cut->servers[i].name;
	e->zone = cut->zone;
	e->server_names = names;
	e->n_server_names = cut->n_servers;
	e->server_addrs = cut->addrs;
	e->n_server_addrs = cut->n_addrs;
	e->n_packets = q->n_packets;
}

static bool matters(const struct query *q, const struct policy_group_view *g)
{
	if (q->verdict.action != POLICY_NONE || q->verdict.n_logged > 0)
		return true;
	return q->rcode == RCODE_SERVFAIL || serve_options_of(q)->log_all || g->log_all;
}

/* An event tells of the data that the answer is, or would have been, made from. */
static_assert((int)EVENT_SECURE == (int)SECURITY_SECURE &&
                      (int)EVENT_INSECURE == (int)SECURITY_INSECURE &&
                      (int)EVENT_BOGUS == (int)SECURITY_BOGUS,
              "events tell security by its number");

/* An answer of our own is told with where it comes from. */
static void fill_own(const struct query *q, struct event *e, char *text)
{
	if (q->own.outcome != LOCAL_UNKNOWN)
		e->own = local_source(&q->own, text);
	else if (q->is_dns64 && q->found != NULL)
		e->own = "DNS64";
}

static void put_event(struct query *q, const struct policy_group_view *g)
{
	char rule_text[NAME_TEXT_MAX + 8];
	char logged_text[NAME_TEXT_MAX + 8];
	char own_text[LOCAL_SOURCE_MAX];
	const uint8_t *names[CUT_MAX_SERVERS];
	struct name asked;
	uint16_t asked_type;
	query_asked(q, &asked, &asked_type);
	struct serve *s = q->serve;
	uint64_t now_ns = loop_now_ns(s->loop);
	struct event e = {
		.wall_ns = q->start_ns + s->wall_offset_ns,
		.latency_us = (uint32_t)((now_ns - q->start_ns) / 1000),
		.client = q->client,
		.local = q->local,
		.protocol = q->origin->protocol,
		.group = g->name,
		.name = q->in + DNS_HEADER_BYTES, /* in the client's own case */
		.type = asked_type,
		.class = q->question.class,
		.id = q->question.id,
		.flags = q->question.flags,
		.is_do = q->question.is_do,
		.rcode = (uint8_t)q->rcode,
		.is_answered = !q->is_silent,
		.is_cached = q->is_cached,
		.is_stale = q->is_stale,
		.dnssec = q->found != NULL ? q->found->security : EVENT_UNCHECKED,
		.ede_code = q->ede_code,
		/* With a rule it says what list and rule say already. */
		.ede_text = q->ede_code != 0xffff && q->rule_at == 0 ? q->ede_text : NULL,
		.message = q->is_silent ? NULL : q->out,
		.message_bytes = q->out_bytes,
	};
	fill_verdict(q, &e, rule_text);
	if (q->verdict.n_logged > 0)
		fill_logged(q, &e, logged_text);
	fill_own(q, &e, own_text);
	fill_servers(q, &e, names);
	events_put(s->ring, &e);
}

enum outcome record_query(struct query *q)
{
	struct policy_group_view g;
	count(q);
	/* Strangers and noise are counted, not written down. */
	if (q->serve->ring == NULL || q->group == POLICY_NO_GROUP || !q->question.has_question)
		return GO_ON;
	policy_group_view(policy_current(), q->group, &g);
	if (matters(q, &g))
		put_event(q, &g);
	return GO_ON;
}
