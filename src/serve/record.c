/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is remembered of a question: counters, and an event if it matters. */
#include <string.h>

#include "serve/serve.h"

static struct serve_list_counts *counts_of(struct query *q, uint16_t list)
{
	uint16_t slot = policy_list_slot(q->policy, list);
	return slot < POLICY_MAX_LISTS && q->serve->lists != NULL ? &q->serve->lists[slot] : NULL;
}

static void count_lists(struct query *q)
{
	const struct verdict *v = &q->verdict;
	struct serve_list_counts *c;
	if (v->action != POLICY_NONE && (c = counts_of(q, v->list)) != NULL)
		count_one(v->action == POLICY_ALLOW ? &c->allowed : &c->blocked);
	for (unsigned i = 0; i < v->n_logged; i++) {
		if ((c = counts_of(q, v->logged[i])) != NULL)
			count_one(v->logged_action[i] == POLICY_LOG ? &c->logged : &c->shadow);
	}
}

/* The first that only reports: a `log` rule, or a list in shadow. n_logged: there is none. */
static unsigned first_logged(const struct verdict *v, bool is_shadow)
{
	unsigned i = 0;
	while (i < v->n_logged && (v->logged_action[i] != POLICY_LOG) != is_shadow)
		i++;
	return i;
}

static void count(struct query *q)
{
	struct serve_counters *c = &q->serve->counters;
	if (q->verdict.action != POLICY_NONE || q->verdict.n_logged > 0)
		count_lists(q);
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
	if (q->is_throttled)
		count_one(&c->throttled);
	else if (q->findings.n > 0 && !verdict_is_block(&q->verdict))
		count_one(&c->alerted);
	if (q->is_dns64 && q->found != NULL)
		count_one(&c->dns64);
	if (q->verdict.action == POLICY_ALLOW)
		count_one(&c->allowed);
	if (first_logged(&q->verdict, false) < q->verdict.n_logged)
		count_one(&c->logged);
	if (first_logged(&q->verdict, true) < q->verdict.n_logged)
		count_one(&c->shadow);
}

/*
 * The list and rule of what only reports. The rule is known where the question's name matched: other
 * names are not kept.
 */
static void fill_reported(const struct query *q, unsigned i, const char **ret_list,
                          const char **ret_rule, char *rule_text)
{
	struct policy_list_view view;
	const struct verdict *v = &q->verdict;
	policy_list_view(q->policy, v->logged[i], &view);
	*ret_list = view.name;
	struct verdict logged = { .action = POLICY_LOG,
		                  .trigger = POLICY_TRIGGER_QUESTION,
		                  .scope = POLICY_SCOPE_TREE,
		                  .list = v->logged[i],
		                  .rule_depth = v->logged_depth[i],
		                  .pattern = v->logged_pattern[i] };
	if (v->logged_trigger[i] == POLICY_TRIGGER_QUESTION && logged.rule_depth <= q->hashes.n) {
		verdict_rule_text(&logged, q->question.name.wire, rule_text);
		*ret_rule = rule_text;
	}
}

static void fill_logged(const struct query *q, struct event *e, char *log_text, char *shadow_text)
{
	const struct verdict *v = &q->verdict;
	unsigned i = first_logged(v, false);
	if (i < v->n_logged)
		fill_reported(q, i, &e->logged_list, &e->logged_rule, log_text);
	i = first_logged(v, true);
	if (i == v->n_logged)
		return;
	fill_reported(q, i, &e->shadow_list, &e->shadow_rule, shadow_text);
	e->shadow_action = v->logged_action[i];
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
		policy_list_view(q->policy, v->list, &view);
		e->list = view.name;
		e->has_serial = view.soa != NULL;
		e->serial = view.serial;
	}
}

static void fill_strict(const struct query *q, struct event *e)
{
	struct policy_list_view view;
	e->has_strict = true;
	e->strict_action = q->strict_action;
	if (q->strict_list == POLICY_NO_LIST)
		return;
	policy_list_view(q->policy, q->strict_list, &view);
	e->strict_list = view.name;
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
	if (q->verdict.action != POLICY_NONE || q->verdict.n_logged > 0 || q->findings.n > 0)
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
	char logged_text[NAME_TEXT_MAX + 8], shadow_text[NAME_TEXT_MAX + 8];
	char own_text[LOCAL_SOURCE_MAX];
	const uint8_t *names[CUT_MAX_SERVERS];
	struct name asked;
	struct event_domain domain;
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
		.is_throttled = q->is_throttled,
		.dnssec = q->found != NULL ? q->found->security : EVENT_UNCHECKED,
		.ede_code = q->ede_code,
		/* With a rule it says what list and rule say already. */
		.ede_text = q->ede_code != 0xffff && q->rule_at == 0 ? q->ede_text : NULL,
		.message = q->is_silent ? NULL : q->out,
		.message_bytes = q->out_bytes,
	};
	fill_verdict(q, &e, rule_text);
	e.findings = q->findings.n > 0 ? &q->findings : NULL;
	if (q->has_strict)
		fill_strict(q, &e);
	if (query_tell_domain(q, &domain))
		e.domain = &domain;
	if (q->verdict.n_logged > 0)
		fill_logged(q, &e, logged_text, shadow_text);
	fill_own(q, &e, own_text);
	fill_servers(q, &e, names);
	events_put(s->ring, &e);
}

/* ---- groups that learn what they need (learn/learn.h) ---- */

/* What no rule fits and what exists is needed. Names that a list blocks never are. */
static bool is_needed(const struct query *q)
{
	return q->verdict.action == POLICY_NONE && !q->is_silent && q->found != NULL &&
	       q->found->rcode == RCODE_NOERROR && q->rcode == RCODE_NOERROR &&
	       q->own.outcome == LOCAL_UNKNOWN && q->n_aliases == 0;
}

/* Where the chain of aliases leads, for people to see: an allow covers it anyway. */
static void add_aliases(const struct query *q, uint8_t names[][NAME_MAX_BYTES],
                        struct learn_question *ret)
{
	struct message opened, m;
	struct rr rr;
	if (q->question.type == DNS_CNAME || q->found->n_an < 2 ||
	    !open_found(q, q->found, false, &opened))
		return;
	m = opened;
	while (ret->n_aliases < LEARN_ALIASES_MAX && next_found(&m, &opened, &rr)) {
		if (rr.type != DNS_CNAME)
			continue;
		name_copy_lower(names[ret->n_aliases], rr.rdata);
		ret->aliases[ret->n_aliases] = names[ret->n_aliases];
		ret->n_aliases++;
	}
}

static void note_for_learning(struct query *q, const struct policy_group_view *g)
{
	uint8_t aliases[LEARN_ALIASES_MAX][NAME_MAX_BYTES];
	struct serve *s = q->serve;
	bool is_denied = g->learn == POLICY_LEARNED &&
	                 q->verdict.trigger == POLICY_TRIGGER_DEFAULT &&
	                 verdict_is_block(&q->verdict);
	if (s->learned == NULL || (g->learn == POLICY_LEARNING ? !is_needed(q) : !is_denied))
		return;
	struct name asked;
	struct learn_question l = {
		.group = g->name,
		.is_denied = is_denied,
		.client = &q->client.addr,
		.wall_s = (q->start_ns + s->wall_offset_ns) / NS_PER_S,
	};
	query_asked(q, &asked, &l.type);
	l.name = q->question.name.wire;
	if (!learn_wants(s->learned, &l))
		return;
	if (!is_denied)
		add_aliases(q, aliases, &l);
	learn_put(s->learned, &l);
}

/* The addresses of the answer, before it leaves. `weir query` is nobody's way to the network. */
static void note_for_firewall(struct query *q)
{
	if (q->is_silent || q->out == NULL || q->origin->protocol == EVENT_CONTROL)
		return;
	firewall_add(q->serve->firewall, &q->client.addr, q->out, q->out_bytes,
	             loop_now_ns(q->serve->loop) / NS_PER_MS);
}

enum outcome record_query(struct query *q)
{
	struct policy_group_view g;
	count(q);
	/* Strangers and noise are counted, not written down. */
	if (q->group == POLICY_NO_GROUP || !q->question.has_question)
		return GO_ON;
	query_end_domain(q);
	policy_group_view(q->policy, q->group, &g);
	if (UNLIKELY(g.learn != POLICY_LEARN_OFF))
		note_for_learning(q, &g);
	if (UNLIKELY(q->serve->firewall != NULL) && g.fills_firewall)
		note_for_firewall(q);
	if (q->serve->ring != NULL && matters(q, &g))
		put_event(q, &g);
	return GO_ON;
}
