/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guard: what a packet is judged by before it leaves. The names of alias targets are judged
 * once a hop, by chain.c; here it is the servers, in the order of policy/policy.h.
 */
#include <string.h>

#include "resolve/resolve.h"

enum {
	CHAIN_MAX = NAME_MAX_LABELS + 1
};

/* A winner found: it carries what was logged on the way to it. */
static void set_winner(struct verdict *won, struct verdict *ret)
{
	struct verdict logged = { .n_logged = 0 };
	verdict_keep_logged(&logged, ret);
	verdict_keep_logged(&logged, won);
	*ret = *won;
	ret->n_logged = logged.n_logged;
	memcpy(ret->logged, logged.logged, sizeof logged.logged);
	memcpy(ret->logged_depth, logged.logged_depth, sizeof logged.logged_depth);
	memcpy(ret->logged_action, logged.logged_action, sizeof logged.logged_action);
	memcpy(ret->logged_trigger, logged.logged_trigger, sizeof logged.logged_trigger);
	memcpy(ret->logged_pattern, logged.logged_pattern, sizeof logged.logged_pattern);
}

/* One cut: the names of its servers, then their addresses. True: a rule won. */
static bool judge_one(const struct policy *p, uint16_t group, const struct cut *cut,
                      struct verdict *ret)
{
	struct verdict v;
	struct name_hashes hashes;
	for (unsigned i = 0; i < cut->n_servers; i++) {
		const uint8_t *name = cut->servers[i].name;
		name_hash_all(name, &hashes);
		policy_judge_name(p, group, POLICY_TRIGGER_SERVER_NAME, name, &hashes, &v);
		if (v.action != POLICY_NONE) {
			name_set(&v.name, name);
			set_winner(&v, ret);
			return true;
		}
		verdict_keep_logged(ret, &v);
	}
	for (unsigned i = 0; i < cut->n_addrs; i++) {
		policy_judge_address(p, group, POLICY_TRIGGER_SERVER_ADDRESS, &cut->addrs[i], &v);
		if (v.action != POLICY_NONE) {
			v.name.len = 0;
			set_winner(&v, ret);
			return true;
		}
		verdict_keep_logged(ret, &v);
	}
	return false;
}

/* No winner, nothing logged. The rest of a verdict is not read then. */
static void clear(struct verdict *v)
{
	v->action = POLICY_NONE;
	v->trigger = POLICY_TRIGGER_NONE;
	v->list = POLICY_NO_LIST;
	v->tier = UINT16_MAX;
	v->n_logged = 0;
	v->edit = NULL;
	v->data = NULL;
	v->pattern = NULL;
	v->name.len = 0;
}

/* ---- groups with policy zones: the servers of a cut are one stage, whatever their order ---- */

static void take_better(const struct policy *p, struct verdict *v, struct verdict *ret)
{
	if (verdict_goes_before(p, v, ret))
		set_winner(v, ret);
	else
		verdict_keep_logged(ret, v);
}

static void judge_one_address(const struct policy *p, uint16_t group, const struct addr *a,
                              const struct policy_terms *terms, struct verdict *ret)
{
	struct verdict v;
	policy_judge_address_on(p, group, POLICY_TRIGGER_SERVER_ADDRESS, a, terms, &v);
	v.name.len = 0;
	take_better(p, &v, ret);
}

static bool has_family(const struct cut *cut, const struct cut_server *s, bool is_v4)
{
	for (unsigned i = 0; i < s->n_addrs; i++) {
		if (cut->addrs[s->first_addr + i].is_v4 == is_v4)
			return true;
	}
	return false;
}

/* The addresses of one family of a server. */
struct wanted {
	const uint8_t *name;
	uint64_t hash;
	uint16_t type; /* A or AAAA */
	bool is_waited;
};

/* What the cache knows of them; NULL: nothing. */
static const struct answer *find_known(const struct cut_judging *j, const struct wanted *w)
{
	const struct answer *a = cache_find_answer(j->cache, w->hash, w->name, w->type);
	if (a == NULL || !item_is_fresh(&a->item, j->now_s))
		a = cache_find_answer(j->cache, w->hash, w->name, 0); /* there is no such name */
	return a != NULL && item_is_fresh(&a->item, j->now_s) ? a : NULL;
}

static void note_missing(struct cut_judging *j, const struct wanted *w)
{
	uint64_t mark = w->hash ^ w->type;
	for (unsigned i = 0; i < j->n_missing; i++) {
		if (j->missing[i].mark == mark)
			return;
	}
	if (j->n_missing == j->max_missing)
		return;
	struct cut_missing *m = &j->missing[j->n_missing++];
	m->mark = mark;
	m->type = w->type;
	m->is_waited = w->is_waited;
	name_set(&m->name, w->name);
}

/* Addresses that did not come with the delegation. */
static void judge_known(const struct policy *p, uint16_t group, const struct wanted *w,
                        const struct policy_terms *terms, struct cut_judging *j,
                        struct verdict *ret)
{
	struct addr a;
	unsigned at = 0;
	const struct answer *known = find_known(j, w);
	while (known != NULL && answer_next_addr(known, &at, &a))
		judge_one_address(p, group, &a, terms, ret);
	if (known != NULL)
		return;
	j->is_incomplete = true;
	note_missing(j, w);
}

static struct policy_terms terms_of(const struct cut *cut, const struct cut_judging *j)
{
	unsigned labels = name_labels(cut->zone);
	return (struct policy_terms){ .type = j->type,
		                      .ns_dots = (uint8_t)(labels > 0 ? labels - 1 : 0),
		                      .is_secure = j->is_secure,
		                      .no_zones = j->no_zones };
}

static void judge_pooled(const struct policy *p, uint16_t group,
                         const struct policy_group_view *view, const struct cut *cut,
                         struct cut_judging *j, struct verdict *ret)
{
	struct verdict v;
	struct name_hashes hashes;
	struct policy_terms terms = terms_of(cut, j);
	bool wants_all = j->cache != NULL && !j->no_zones && terms.ns_dots >= view->min_ns_dots;
	for (unsigned i = 0; i < cut->n_servers; i++) {
		const struct cut_server *s = &cut->servers[i];
		name_hash_all(s->name, &hashes);
		policy_judge_name_on(p, group, POLICY_TRIGGER_SERVER_NAME, s->name, &hashes, &terms,
		                     &v);
		name_set(&v.name, s->name);
		take_better(p, &v, ret);
		for (unsigned f = 0; f < 2 && wants_all; f++) {
			if ((view->ns_families >> f & 1) != 0 && !has_family(cut, s, f == 0))
				judge_known(p, group,
				            &(struct wanted){ s->name, hashes.h[0],
				                              f == 0 ? DNS_A : DNS_AAAA,
				                              (view->ns_waits >> f & 1) != 0 },
				            &terms, j, ret);
		}
	}
	for (unsigned i = 0; i < cut->n_addrs; i++)
		judge_one_address(p, group, &cut->addrs[i], &terms, ret);
}

/* ---- a cut and those above it ---- */

static bool judge_next(const struct policy *p, uint16_t group, const struct policy_group_view *view,
                       const struct cut *cut, struct cut_judging *j, struct verdict *ret)
{
	if (!view->has_zones)
		return judge_one(p, group, cut, ret);
	judge_pooled(p, group, view, cut, j, ret);
	return ret->action != POLICY_NONE && !j->is_whole;
}

bool resolve_judge_servers(const struct policy *p, uint16_t group, const struct cut *cut,
                           struct cut_judging *j, struct verdict *ret_verdict)
{
	const struct cut *chain[CHAIN_MAX];
	struct policy_group_view view;
	unsigned n = 0;
	clear(ret_verdict);
	if (cut == NULL || cut->is_forward || p == NULL || group == POLICY_NO_GROUP)
		return true;
	policy_group_view(p, group, &view);
	if (!view.has_server_rules)
		return true;
	uint32_t generation = policy_generation(p);
	/* A cut that is clean has nothing but clean ones above it. */
	for (; cut != NULL && n < CHAIN_MAX; cut = cut->parent) {
		if (cache_memo_is_clean(&cut->item, generation, group))
			break;
		chain[n++] = cut;
	}
	bool is_all = !j->is_secure && !j->no_zones; /* of the rules there are */
	while (n > 0) {
		cut = chain[--n];
		if (judge_next(p, group, &view, cut, j, ret_verdict))
			break;
		/* What a `log` rule matched is to be said each time, so it is not forgotten. With
		 * policy zones only those are clean whose servers' addresses were all there. */
		if (is_all && !j->is_incomplete && (j->cache != NULL || view.ns_families == 0) &&
		    ret_verdict->action == POLICY_NONE && ret_verdict->n_logged == 0)
			cache_memo_set_clean(&cut->item, generation, group);
	}
	return !verdict_is_block(ret_verdict);
}

bool resolve_judge_cut(const struct policy *p, uint16_t group, const struct cut *cut,
                       struct verdict *ret_verdict)
{
	struct cut_judging j = { 0 };
	return resolve_judge_servers(p, group, cut, &j, ret_verdict);
}

/* Is the address one that was judged with the cut? */
static bool is_of_cut(const struct cut *cut, const struct addr *a)
{
	for (unsigned i = 0; i < cut->n_addrs; i++) {
		if (addr_equal(&cut->addrs[i], a))
			return true;
	}
	return false;
}

/*
 * Does this verdict on a server stand, whatever the answer and the servers below will say? Where
 * the group waits for the answer (evaluation: strict) only one of plain lists does, and only if no
 * tier before it may still have its say. An earlier stage of the chain goes before it.
 */
static bool is_settled(const struct policy *p, const struct policy_group_view *view,
                       const struct guard_packet *g, const struct verdict *v)
{
	struct policy_list_view list;
	if (!g->is_late)
		return true;
	if (g->is_behind_alias || v->tier > view->late_tier || v->list == POLICY_NO_LIST)
		return false;
	policy_list_view(p, v->list, &list);
	return !list.is_rpz;
}

/* An address that did not come with the cut. */
static bool judge_other(const struct policy *p, uint16_t group,
                        const struct policy_group_view *view, const struct guard_packet *g,
                        const struct cut_judging *j, struct verdict *ret_verdict)
{
	struct verdict v;
	struct policy_terms terms = terms_of(g->cut, j);
	policy_judge_address_on(p, group, POLICY_TRIGGER_SERVER_ADDRESS, &g->server->addr, &terms,
	                        &v);
	if (!verdict_is_block(&v) || !is_settled(p, view, g, &v))
		return true;
	v.name.len = 0;
	set_winner(&v, ret_verdict);
	return false;
}

/*
 * A reload took the group away while its question was on the way: nobody knows what may leave. Who
 * waits for it is judged anew, and asks anew.
 */
static const struct verdict verdict_of_no_group = { .action = POLICY_REFUSED,
	                                            .trigger = POLICY_TRIGGER_DEFAULT,
	                                            .list = POLICY_NO_LIST };

bool guard_packet(const struct guard_packet *g, struct verdict *ret_verdict)
{
	if (g->is_allowed || g->group == 0 || g->cut->is_forward)
		return true;
	const struct policy *p = policy_current();
	struct policy_group_view view;
	if (p == NULL)
		return true;
	uint16_t group = policy_group_of_id(p, g->group);
	if (group == POLICY_NO_GROUP) {
		*ret_verdict = verdict_of_no_group;
		return false;
	}
	policy_group_view(p, group, &view);
	if (!view.has_server_rules)
		return true;
	struct cut_judging j = { .type = g->type, .no_zones = g->is_lookup && view.has_zones };
	bool passes = true;
	if (!resolve_judge_servers(p, group, g->cut, &j, ret_verdict))
		passes = !is_settled(p, &view, g, ret_verdict);
	else if (ret_verdict->action != POLICY_ALLOW && !is_of_cut(g->cut, &g->server->addr))
		passes = judge_other(p, group, &view, g, &j, ret_verdict);
	ret_verdict->policy = p;
	return passes;
}
