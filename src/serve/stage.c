/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Groups with policy zones: the alias chain stage by stage, and tiers inside a stage
 * (docs/why/008). A stage is a name with the servers of its zone; the client's address belongs to
 * the first, the addresses of the answer to the last.
 *
 * `evaluation: early`: each decides as soon as it is known: client and name, then servers, then the
 * next alias; of what is known at once the best rule wins. `strict`: the best of the whole stage, so
 * a name waits for the answer where a tier before it has rules on answers or servers.
 *
 * Tests:     tests/unit/serve/stage_test.c, tests/rpz/
 */
#include <string.h>

#include "serve/serve.h"

/* One look at what a question and its answer are made of. */
struct look {
	struct query *q;
	const struct policy *p;
	const struct policy_group_view *g;
	struct policy_terms terms;
	struct policy_stages stages; /* into best */
	const struct name *targets;  /* the aliases */
	const struct message *opened;
	bool is_incomplete; /* some address of a server is not known */
	unsigned n_missing;
	struct name stage;   /* where best was found; len 0: the question's name */
	struct verdict best; /* of the stage so far */
	struct cut_missing missing[NS_LOOKUPS_MAX];
};

static void look_init(struct look *l, struct query *q, const struct policy *p,
                      const struct policy_group_view *g)
{
	memset(l, 0, offsetof(struct look, best));
	l->q = q;
	l->p = p;
	l->g = g;
	l->stages.policy = p;
	l->stages.best = &l->best;
	l->stages.arg = l;
	l->terms = (struct policy_terms){ .type = q->question.type,
		                          .ns_dots = UINT8_MAX,
		                          .is_secure = query_keeps_dnssec(q) };
	query_add_age(q, &l->terms);
}

static void best_clear(struct look *l)
{
	l->best.action = POLICY_NONE;
	l->best.trigger = POLICY_TRIGGER_NONE;
	l->best.list = POLICY_NO_LIST;
	l->best.n_logged = 0;
	l->best.edit = NULL;
	l->best.data = NULL;
	l->best.name.len = 0;
}

/* ---- what a stage is made of ---- */

static void take_client(struct look *l)
{
	struct verdict v;
	if (!l->g->has_client_rules)
		return;
	policy_judge_address_on(l->p, l->q->group, POLICY_TRIGGER_CLIENT, &l->q->client.addr,
	                        &l->terms, &v);
	policy_stages_take(&l->stages, &v);
}

static void take_name(struct look *l, const struct name *name, enum policy_trigger trigger)
{
	struct verdict v;
	struct name_hashes hashes;
	name_hash_all(name->wire, &hashes);
	policy_judge_name_on(l->p, l->q->group, trigger, name->wire, &hashes, &l->terms, &v);
	v.name.len = 0;
	if (trigger != POLICY_TRIGGER_QUESTION)
		v.name = *name;
	policy_stages_take(&l->stages, &v);
}

/* Here the next stage begins. */
static void take_target(struct look *l, const struct name *target)
{
	l->stage = *target;
	take_name(l, target, POLICY_TRIGGER_ALIAS);
}

/* Client and name. A default that denies comes behind every rule. */
static void take_first(struct look *l)
{
	best_clear(l);
	take_client(l);
	take_name(l, &l->q->question.name,
	          l->q->n_aliases > 0 ? POLICY_TRIGGER_ALIAS : POLICY_TRIGGER_QUESTION);
}

static void take_servers(struct look *l, const struct cut *cut)
{
	struct verdict v;
	if (!l->g->has_server_rules)
		return;
	struct cut_judging j = { .cache = l->g->ns_families != 0 ? l->q->serve->cache : NULL,
		                 .now_s = loop_now_s(l->q->serve->loop),
		                 .type = l->terms.type,
		                 .is_secure = l->terms.is_secure,
		                 .is_whole = l->g->is_strict,
		                 .missing = l->missing,
		                 .n_missing = l->n_missing,
		                 .max_missing = ARRAY_LEN(l->missing) };
	(void)resolve_judge_servers(l->p, l->q->group, cut, &j, &v);
	l->is_incomplete |= j.is_incomplete;
	l->n_missing = j.n_missing;
	policy_stages_take(&l->stages, &v);
}

static bool take_one_address(void *arg, const struct addr *a)
{
	struct look *l = arg;
	struct verdict v;
	policy_judge_address_on(l->p, l->q->group, POLICY_TRIGGER_ANSWER, a, &l->terms, &v);
	v.addr = *a;
	v.name.len = 0;
	policy_stages_take(&l->stages, &v);
	return false;
}

/* Hints of SVCB and HTTPS records are no RDATA of A and AAAA: not in the draft's own order. */
static void take_addresses(struct look *l, const struct message *opened)
{
	struct message m = *opened;
	struct rr rr;
	while (l->g->has_answer_rules && next_found(&m, opened, &rr))
		(void)visit_addresses(l->q, &rr, !l->g->is_strict, take_one_address, l);
}

/* The aliases of the chain, in order. Who asks for CNAME, DNAME or ANY is not led on (5.1). */
static unsigned find_targets(const struct look *l, const struct message *opened,
                             struct name targets[ANSWER_MAX_HOPS])
{
	uint16_t type = l->q->found->type;
	struct message m = *opened;
	struct rr rr;
	unsigned n = 0;
	if (type == DNS_DNAME)
		return 0;
	while (n < ANSWER_MAX_HOPS && next_found(&m, opened, &rr)) {
		const uint8_t *target = rr_alias(&rr, type);
		if (target != NULL && (rr.type == DNS_CNAME || !l->g->is_strict))
			name_set(&targets[n++], target);
	}
	for (unsigned i = 0; i < n; i++)
		name_copy_lower(targets[i].wire, targets[i].wire);
	return n;
}

/* ---- going through it; true: best has decided ---- */

/* What was asked before the answer came is not judged again, unless it had to wait. */
static void take_hop(void *arg, unsigned hop)
{
	struct look *l = arg;
	if (hop > 0)
		take_target(l, &l->targets[hop - 1]);
	else if (l->g->is_strict || l->q->is_pending)
		take_first(l);
}

static void take_hop_servers(void *arg, unsigned hop)
{
	struct look *l = arg;
	if (hop < l->q->found->n_cuts)
		take_servers(l, l->q->found->cuts[hop]);
}

static void take_all_addresses(void *arg)
{
	struct look *l = arg;
	take_addresses(l, l->opened);
}

static bool go(struct look *l, const struct message *opened)
{
	struct name targets[ANSWER_MAX_HOPS];
	best_clear(l);
	l->opened = opened;
	l->targets = targets;
	l->stages.is_strict = l->g->is_strict;
	l->stages.n_targets = find_targets(l, opened, targets);
	l->stages.take_name = take_hop;
	l->stages.take_servers = take_hop_servers;
	l->stages.take_addresses = take_all_addresses;
	return policy_stages_run(&l->stages);
}

/* ---- what strict would have said ---- */

static bool is_same(const struct verdict *a, const struct verdict *b)
{
	return a->action == b->action && a->list == b->list && a->trigger == b->trigger &&
	       a->rule_depth == b->rule_depth && a->prefix_length == b->prefix_length;
}

/*
 * The verdict came from a tier behind one with rules on answers or servers, and the answer is at
 * hand: is it what the draft's order gives?
 */
static void compare_strict(struct query *q, const struct policy *p,
                           const struct policy_group_view *g, const struct verdict *v)
{
	struct policy_group_view strict = *g;
	struct message opened;
	struct look l;
	if (g->is_strict || q->found == NULL || v->tier <= g->late_tier ||
	    v->action == POLICY_NONE || v->trigger == POLICY_TRIGGER_DEFAULT ||
	    !open_answer(q, &opened))
		return;
	strict.is_strict = true;
	look_init(&l, q, p, &strict);
	(void)go(&l, &opened);
	if (l.is_incomplete || is_same(&l.best, v))
		return;
	q->has_strict = true;
	q->strict_action = (uint8_t)l.best.action;
	q->strict_list = l.best.list;
}

/* ---- the steps ---- */

/* DO was set, and some zone does not hold for answers that are signed and good. */
static bool is_polite(const struct query *q, const struct policy_group_view *g)
{
	return q->question.is_do && g->keeps_dnssec;
}

bool judge_is_late(const struct query *q, const struct policy *p)
{
	struct policy_group_view g;
	if (!policy_group_has_zones(p, q->group))
		return false;
	policy_group_view(p, q->group, &g);
	return g.is_strict || is_polite(q, &g);
}

static bool must_wait(const struct query *q, const struct policy *p,
                      const struct policy_group_view *g, const struct verdict *v)
{
	struct policy_list_view list;
	if (q->own.outcome != LOCAL_UNKNOWN || v->trigger == POLICY_TRIGGER_DEFAULT ||
	    v->action == POLICY_NONE)
		return false;
	if (g->is_strict && v->tier > g->late_tier)
		return true;
	if (!q->question.is_do || v->list == POLICY_NO_LIST)
		return false;
	policy_list_view(p, v->list, &list);
	return list.keeps_dnssec;
}

/* True: best has decided. Otherwise the query goes on, perhaps with a rule that waits. */
bool judge_first_stage(struct query *q, const struct policy *p, const struct policy_group_view *g,
                       struct verdict *ret)
{
	struct look l;
	look_init(&l, q, p, g);
	l.terms.is_secure = false; /* nothing is known of the answer yet */
	take_first(&l);
	q->is_late = g->is_strict || is_polite(q, g);
	q->is_pending = must_wait(q, p, g, &l.best);
	if (q->is_pending)
		best_clear(&l);
	else
		compare_strict(q, p, g, &l.best);
	*ret = l.best;
	return ret->action != POLICY_NONE;
}

/* Only what the question itself says: there is no answer, and no waiting for one. */
bool judge_unrecursed(struct query *q)
{
	struct policy_group_view g;
	struct policy_list_view list;
	struct look l;
	if (!policy_group_has_zones(q->policy, q->group) || q->question.class != DNS_CLASS_IN)
		return false;
	policy_group_view(q->policy, q->group, &g);
	look_init(&l, q, q->policy, &g);
	l.terms.is_unrecursed = true;
	take_first(&l);
	if (!verdict_is_block(&l.best) || l.best.list == POLICY_NO_LIST ||
	    (l.best.action == POLICY_TRUNCATE && q->origin->is_stream))
		return false;
	policy_list_view(q->policy, l.best.list, &list);
	if (!list.is_for_all)
		return false;
	q->verdict = l.best;
	return true;
}

void judge_allowed(struct query *q, const struct policy *p, const struct policy_group_view *g)
{
	compare_strict(q, p, g, &q->verdict);
}

enum staged judge_stages(struct query *q, const struct policy *p, const struct policy_group_view *g,
                         struct verdict *ret)
{
	struct message opened;
	struct look l;
	if (!open_answer(q, &opened))
		return STAGED_NOTHING; /* not reached: answer_new laid it out */
	look_init(&l, q, p, g);
	bool has = go(&l, &opened);
	enum servers_found found = servers_find(q, l.missing, l.n_missing);
	if (found != SERVERS_UNKNOWN)
		return found == SERVERS_WAIT ? STAGED_PARKED : STAGED_AGAIN;
	if (l.is_incomplete && !q->is_ns_counted) {
		q->is_ns_counted = true;
		count_one(&q->serve->counters.ns_unknown);
	}
	*ret = l.best;
	if (has) {
		compare_strict(q, p, g, &l.best);
		q->stage = l.stage;
		return STAGED_DECIDED;
	}
	/* Who did not ask for DNSSEC, or comes when the addresses are known, gets another answer. */
	return l.is_incomplete || l.terms.is_secure ? STAGED_NOT_CLEAN : STAGED_NOTHING;
}
