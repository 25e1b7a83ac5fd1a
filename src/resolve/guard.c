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
	v->n_logged = 0;
	v->edit = NULL;
	v->data = NULL;
	v->pattern = NULL;
	v->name.len = 0;
}

static bool has_server_rules(const struct policy *p, uint16_t group)
{
	struct policy_group_view view;
	if (p == NULL || group == POLICY_NO_GROUP)
		return false;
	policy_group_view(p, group, &view);
	return view.has_server_rules;
}

bool resolve_judge_cut(const struct policy *p, uint16_t group, const struct cut *cut,
                       struct verdict *ret_verdict)
{
	const struct cut *chain[CHAIN_MAX];
	unsigned n = 0;
	clear(ret_verdict);
	if (cut == NULL || cut->is_forward || !has_server_rules(p, group))
		return true;
	uint32_t generation = policy_generation(p);
	/* A cut that is clean has nothing but clean ones above it. */
	for (; cut != NULL && n < CHAIN_MAX; cut = cut->parent) {
		if (cache_memo_is_clean(&cut->item, generation, group))
			break;
		chain[n++] = cut;
	}
	while (n > 0) {
		cut = chain[--n];
		if (judge_one(p, group, cut, ret_verdict))
			return !verdict_is_block(ret_verdict);
		/* What a `log` rule matched is to be said each time, so it is not forgotten. */
		if (ret_verdict->n_logged == 0)
			cache_memo_set_clean(&cut->item, generation, group);
	}
	return true;
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

bool guard_packet(const struct guard_packet *g, struct verdict *ret_verdict)
{
	if (g->is_allowed || g->group == POLICY_NO_GROUP || g->cut->is_forward)
		return true;
	const struct policy *p = policy_current();
	if (!has_server_rules(p, g->group))
		return true;
	if (!resolve_judge_cut(p, g->group, g->cut, ret_verdict))
		return false;
	if (ret_verdict->action == POLICY_ALLOW || is_of_cut(g->cut, &g->server->addr))
		return true;
	struct verdict v;
	policy_judge_address(p, g->group, POLICY_TRIGGER_SERVER_ADDRESS, &g->server->addr, &v);
	if (!verdict_is_block(&v))
		return true;
	v.name.len = 0;
	set_winner(&v, ret_verdict);
	return false;
}
