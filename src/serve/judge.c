/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Policy on a question and on what was found for it: the order of policy/policy.h. */
#include <string.h>

#include "serve/serve.h"

/* Enough for one record: its owner and the names of its data, laid down again for the next. */
enum {
	SCRATCH_BYTES = DNS_MAX_MESSAGE + 4 * NAME_MAX_BYTES
};

/* Over a stream there is nothing to truncate: the rule has won and the real answer is due. */
static bool lets_pass(const struct query *q, const struct verdict *v)
{
	return v->action == POLICY_ALLOW || (v->action == POLICY_TRUNCATE && q->origin->is_stream);
}

static bool decide(struct query *q, struct verdict *v);
static bool judge_alias(struct query *q, const struct policy *p, const uint8_t *target);

/* For lists that hold for some types only: the type that the client asked for. */
static struct policy_terms terms_of(struct query *q)
{
	struct policy_terms t = { .type = q->is_dns64 ? DNS_AAAA : q->question.type,
		                  .ns_dots = UINT8_MAX };
	query_add_age(q, &t);
	return t;
}

bool query_keeps_dnssec(const struct query *q)
{
	const struct answer *a = q->found;
	if (!q->question.is_do || a == NULL)
		return false;
	/* Without validation of our own what is signed is taken to be good. */
	return a->security == SECURITY_SECURE ||
	       (a->security == SECURITY_UNCHECKED && a->n_an_sigs + a->n_ns_sigs > 0);
}

static enum outcome outcome_of(const struct query *q)
{
	return q->is_allowed ? GO_ON : q->verdict.action == POLICY_DROP ? DROP : SAY;
}

static bool is_strict(const struct query *q, const struct policy *p)
{
	struct policy_group_view g;
	policy_group_view(p, q->group, &g);
	return g.is_strict;
}

/* A group with policy zones. */
static enum outcome judge_zones(struct query *q, const struct policy *p)
{
	struct policy_group_view g;
	struct verdict v;
	policy_group_view(p, q->group, &g);
	bool has = judge_first_stage(q, p, &g, &v);
	q->verdict = v;
	if (!has)
		return GO_ON;
	q->is_allowed = lets_pass(q, &v);
	return outcome_of(q);
}

enum outcome judge_question(struct query *q)
{
	const struct policy *p = q->policy;
	bool has_zones = policy_group_has_zones(p, q->group);
	if (UNLIKELY(q->n_aliases > 0)) { /* the name is where a local alias leads */
		q->is_late = has_zones && is_strict(q, p);
		if (q->is_allowed || !judge_alias(q, p, q->question.name.wire))
			return GO_ON;
		return outcome_of(q);
	}
	if (UNLIKELY(has_zones))
		return judge_zones(q, p);
	const struct policy_terms terms = terms_of(q);
	policy_judge_name_on(p, q->group, POLICY_TRIGGER_QUESTION, q->question.name.wire,
	                     &q->hashes, &terms, &q->verdict);
	q->verdict.name.len = 0;
	if (LIKELY(q->verdict.action == POLICY_NONE))
		return GO_ON;
	q->is_allowed = lets_pass(q, &q->verdict);
	return outcome_of(q);
}

/* Take v over if it decides: true. Otherwise only its `log` matches. */
static bool decide(struct query *q, struct verdict *v)
{
	if (v->action == POLICY_NONE) {
		verdict_keep_logged(&q->verdict, v);
		return false;
	}
	verdict_keep_logged(v, &q->verdict);
	q->verdict = *v;
	if (lets_pass(q, v))
		q->is_allowed = true;
	return true;
}

static bool judge_alias(struct query *q, const struct policy *p, const uint8_t *target)
{
	struct verdict v;
	struct name name;
	struct name_hashes hashes;
	name_set(&name, target);
	name_hash_all(name.wire, &hashes);
	const struct policy_terms terms = terms_of(q);
	policy_judge_name_on(p, q->group, POLICY_TRIGGER_ALIAS, name.wire, &hashes, &terms, &v);
	v.name = name;
	return decide(q, &v);
}

/* ---- the addresses that a record leads to ---- */

/* The address that DNS64 will make of this one. */
static bool visit_made(const struct query *q, const uint8_t v4[4], address_visitor *visit,
                       void *arg)
{
	const struct local *l = local_current();
	uint8_t v6[16];
	if (!q->is_dns64 || l == NULL || !local_dns64_embed(l, v4, v6))
		return false;
	struct addr a = addr_from_bytes16(v6);
	return visit(arg, &a);
}

/* Behind a translator the IPv4 address inside is the one that is reached. */
static bool visit_inner(const uint8_t v6[16], address_visitor *visit, void *arg)
{
	const struct local *l = local_current();
	uint8_t v4[4];
	if (l == NULL || !local_dns64_extract(l, v6, v4))
		return false;
	struct addr a = addr_from_bytes4(v4);
	return visit(arg, &a);
}

bool visit_addresses(const struct query *q, const struct rr *rr, bool with_hints,
                     address_visitor *visit, void *arg)
{
	struct addr a;
	switch (rr->type) {
	case DNS_A:
		a = addr_from_bytes4(rr->rdata);
		return visit(arg, &a) || visit_made(q, rr->rdata, visit, arg);
	case DNS_AAAA:
		a = addr_from_bytes16(rr->rdata);
		return visit(arg, &a) || visit_inner(rr->rdata, visit, arg);
	case DNS_SVCB:
	case DNS_HTTPS:
		return with_hints && svcb_hints(rr->rdata, rr->rdata_len, visit, arg);
	default:
		return false;
	}
}

static bool judge_addr(void *arg, const struct addr *a)
{
	struct query *q = arg;
	struct verdict v;
	const struct policy_terms terms = terms_of(q);
	policy_judge_address_on(q->policy, q->group, POLICY_TRIGGER_ANSWER, a, &terms, &v);
	v.addr = *a;
	v.name.len = 0;
	return decide(q, &v);
}

static bool judge_cut(struct query *q, const struct policy *p, const struct cut *cut)
{
	struct verdict v;
	if (resolve_judge_cut(p, q->group, cut, &v) && v.action != POLICY_ALLOW) {
		verdict_keep_logged(&q->verdict, &v);
		return false;
	}
	return decide(q, &v);
}

/*
 * Walk the answer as it was found: for each hop the servers of its zone, then the alias it leads
 * to; then the addresses. The same walk for an answer just fetched and for one from the cache,
 * so both get the same verdict. true: something decided.
 */
static bool walk(struct query *q, const struct policy *p, const struct policy_group_view *g,
                 const struct message *opened)
{
	const struct answer *a = q->found;
	unsigned hop = 0;
	if (g->has_server_rules && a->n_cuts > 0 && judge_cut(q, p, a->cuts[0]))
		return true;
	struct message m = *opened;
	struct rr rr;
	while (next_found(&m, opened, &rr)) {
		const uint8_t *target = rr_alias(&rr, a->type);
		if (target == NULL)
			continue;
		if (g->has_alias_rules && judge_alias(q, p, target))
			return true;
		if (rr.type == DNS_CNAME && ++hop < a->n_cuts && g->has_server_rules &&
		    judge_cut(q, p, a->cuts[hop]))
			return true;
	}
	m = *opened;
	while (g->has_answer_rules && next_found(&m, opened, &rr)) {
		if (visit_addresses(q, &rr, true, judge_addr, q))
			return true;
	}
	return false;
}

/* Lay the answer section out as a message, for the walker. */
static size_t lay_out(const struct query *q, uint8_t *buf, size_t room)
{
	const struct answer *a = q->found;
	size_t question = name_len(a->name) + 4;
	if (room < DNS_HEADER_BYTES + question + a->an_bytes)
		return 0;
	memset(buf, 0, DNS_HEADER_BYTES);
	buf[5] = 1;
	store16(buf + 6, a->n_an);
	memcpy(buf + DNS_HEADER_BYTES, a->name, question - 4);
	store16(buf + DNS_HEADER_BYTES + question - 4, a->type);
	store16(buf + DNS_HEADER_BYTES + question - 2, DNS_CLASS_IN);
	memcpy(buf + DNS_HEADER_BYTES + question, a->blocks, a->an_bytes);
	return DNS_HEADER_BYTES + question + a->an_bytes;
}

/*
 * A name of the public DNS with an address of this network. What the operator's own forwarders say
 * of their zones is not the public DNS; of "." they only pass it on. An alias does not carry the
 * exemption: whose name it is that the client believes in counts.
 */
static bool block_rebinding(struct query *q)
{
	const struct local *l = local_current();
	const struct answer *a = q->found;
	struct addr addr;
	if (l == NULL)
		return false;
	if (a->n_cuts > 0 && a->cuts[0]->is_forward && !name_is_root(a->cuts[0]->zone))
		return false;
	if (!local_find_private(l, a, &addr))
		return false;
	struct verdict v = { .action = POLICY_NODATA,
		             .trigger = POLICY_TRIGGER_REBINDING,
		             .list = POLICY_NO_LIST,
		             .addr = addr };
	count_one(&q->serve->counters.rebinding);
	return decide(q, &v);
}

bool open_answer(const struct query *q, struct message *ret)
{
	static _Thread_local uint8_t bytes[DNS_MAX_MESSAGE];
	static _Thread_local uint8_t scratch[SCRATCH_BYTES];
	size_t n = lay_out(q, bytes, sizeof bytes);
	return n != 0 && message_open(bytes, n, scratch, sizeof scratch, ret) == 0;
}

/* GO_ON: nothing was decided. *ret_is_clean: nor will be for anybody of the group. */
static enum outcome inspect_zones(struct query *q, const struct policy *p,
                                  const struct policy_group_view *g, bool *ret_is_clean)
{
	struct verdict v;
	enum staged s;
	/* Look-ups that are answered at once let us look again; they are bounded. */
	while ((s = judge_stages(q, p, g, &v)) == STAGED_AGAIN)
		;
	if (s == STAGED_PARKED)
		return PARK;
	if (q->found == NULL)
		return GO_ON; /* not reached */
	*ret_is_clean = s == STAGED_NOTHING;
	if (g->is_strict || q->is_pending)
		q->verdict.n_logged = 0; /* the first stage was looked at again */
	if (s != STAGED_DECIDED) {
		verdict_keep_logged(&q->verdict, &v);
		return GO_ON;
	}
	(void)decide(q, &v);
	return q->verdict.action == POLICY_DROP ? DROP : SAY;
}

static enum outcome inspect_lists(struct query *q, const struct policy *p,
                                  const struct policy_group_view *g)
{
	const struct answer *a = q->found;
	struct message m;
	bool has_alias = a->n_cuts > 1 || a->type == DNS_SVCB || a->type == DNS_HTTPS;
	if (!g->has_server_rules && !g->has_answer_rules && !(g->has_alias_rules && has_alias))
		return GO_ON;
	if (!open_answer(q, &m) || !walk(q, p, g, &m))
		return GO_ON;
	return q->verdict.action == POLICY_DROP ? DROP : SAY;
}

enum outcome inspect_answer(struct query *q)
{
	const struct policy *p = q->policy;
	const struct answer *a = q->found;
	if (a == NULL)
		return GO_ON;
	struct policy_group_view g;
	policy_group_view(p, q->group, &g);
	/* That a name does not exist is kept for all types; this verdict is for one. */
	bool is_clean = !g.has_types || a->type != 0;
	if (q->is_allowed) {
		if (g.has_zones)
			judge_allowed(q, p, &g);
		(void)begin_dns64(q);
		return GO_ON;
	}
	enum outcome o = UNLIKELY(g.has_zones) ? inspect_zones(q, p, &g, &is_clean)
	                                       : inspect_lists(q, p, &g);
	if (o != GO_ON)
		return o;
	if (g.is_rebinding_checked && block_rebinding(q))
		return SAY;
	if (q->serve->detect != NULL && watch_answer(q) == SAY)
		return SAY;
	if (begin_dns64(q))
		return GO_ON;
	if (is_clean && q->verdict.action == POLICY_NONE && q->verdict.n_logged == 0 &&
	    q->findings.n == 0 && !q->is_stale)
		cache_memo_set_clean(&a->item, policy_generation(p), q->group);
	return GO_ON;
}
