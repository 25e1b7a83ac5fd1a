/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "seen/seen.h"

/* ---- one policy on one question: the order of policy/policy.h ---- */

/* An answer of our own is not refused for want of an allow rule. */
static bool is_own(const struct replay_side *side, const struct policy_group_view *g,
                   const struct replay_item *item, const struct name_hashes *hashes)
{
	struct local_found found;
	struct local_alias alias;
	return side->local != NULL && local_may_know(side->local, hashes) &&
	       local_find(side->local, item->name.wire, hashes, item->type, g->use_dns64, &found,
	                  &alias) != LOCAL_UNKNOWN;
}

static bool judge_name(const struct replay_side *side, uint16_t group, enum policy_trigger trigger,
                       const struct name *name, const struct policy_terms *terms,
                       struct verdict *ret)
{
	struct name_hashes hashes;
	name_hash_all(name->wire, &hashes);
	policy_judge_name_on(side->policy, group, trigger, name->wire, &hashes, terms, ret);
	ret->name = *name;
	return ret->action != POLICY_NONE;
}

static bool judge_addr(const struct replay_side *side, uint16_t group, enum policy_trigger trigger,
                       const struct addr *a, const struct policy_terms *terms, struct verdict *ret)
{
	policy_judge_address_on(side->policy, group, trigger, a, terms, ret);
	ret->addr = *a;
	return ret->action != POLICY_NONE;
}

static bool judge_servers(const struct replay_side *side, uint16_t group,
                          const struct replay_item *item, struct verdict *ret)
{
	for (unsigned i = 0; i < item->n_server_names; i++) {
		if (judge_name(side, group, POLICY_TRIGGER_SERVER_NAME, &item->server_names[i],
		               &policy_any_terms, ret))
			return true;
	}
	for (unsigned i = 0; i < item->n_server_addrs; i++) {
		if (judge_addr(side, group, POLICY_TRIGGER_SERVER_ADDRESS, &item->server_addrs[i],
		               &policy_any_terms, ret))
			return true;
	}
	return false;
}

static void judge_answer(const struct replay_side *side, uint16_t group,
                         const struct policy_group_view *g, const struct replay_item *item,
                         const struct policy_terms *terms, struct verdict *ret)
{
	if (g->has_server_rules && judge_servers(side, group, item, ret))
		return;
	for (unsigned i = 0; g->has_alias_rules && i < item->n_aliases; i++) {
		if (judge_name(side, group, POLICY_TRIGGER_ALIAS, &item->aliases[i], terms, ret))
			return;
	}
	for (unsigned i = 0; g->has_answer_rules && i < item->n_addrs; i++) {
		if (judge_addr(side, group, POLICY_TRIGGER_ANSWER, &item->addrs[i], terms, ret))
			return;
	}
}

/* ---- groups with policy zones: the best of each stage (docs/why/008) ---- */

struct zones {
	const struct replay_side *side;
	uint16_t group;
	const struct policy_group_view *g;
	const struct replay_item *item;
	const struct policy_terms *terms;
	struct policy_stages stages;
};

static void take_name(struct zones *z, enum policy_trigger trigger, const struct name *name)
{
	struct name_hashes hashes;
	struct verdict v;
	name_hash_all(name->wire, &hashes);
	policy_judge_name_on(z->side->policy, z->group, trigger, name->wire, &hashes, z->terms, &v);
	v.name = *name;
	if (v.trigger != POLICY_TRIGGER_DEFAULT) /* it comes behind every rule */
		policy_stages_take(&z->stages, &v);
}

static void take_addr(struct zones *z, enum policy_trigger trigger, const struct addr *a)
{
	struct verdict v;
	policy_judge_address_on(z->side->policy, z->group, trigger, a, z->terms, &v);
	v.addr = *a;
	v.name.len = 0;
	policy_stages_take(&z->stages, &v);
}

static void take_hop(void *arg, unsigned hop)
{
	struct zones *z = arg;
	const struct replay_item *item = z->item;
	if (hop > 0) {
		take_name(z, POLICY_TRIGGER_ALIAS, &item->aliases[hop - 1]);
		return;
	}
	if (item->has_client && z->g->has_client_rules)
		take_addr(z, POLICY_TRIGGER_CLIENT, &item->client);
	take_name(z, POLICY_TRIGGER_QUESTION, &item->name);
}

/* A recording has those that decided, which came with the last name of the chain. */
static void take_servers(void *arg, unsigned hop)
{
	struct zones *z = arg;
	const struct replay_item *item = z->item;
	if (hop < item->n_aliases)
		return;
	for (unsigned i = 0; i < item->n_server_names; i++)
		take_name(z, POLICY_TRIGGER_SERVER_NAME, &item->server_names[i]);
	for (unsigned i = 0; i < item->n_server_addrs; i++)
		take_addr(z, POLICY_TRIGGER_SERVER_ADDRESS, &item->server_addrs[i]);
}

static void take_addresses(void *arg)
{
	struct zones *z = arg;
	for (unsigned i = 0; i < z->item->n_addrs; i++)
		take_addr(z, POLICY_TRIGGER_ANSWER, &z->item->addrs[i]);
}

static void judge_zones(struct zones *z, struct verdict *ret)
{
	ret->action = POLICY_NONE;
	ret->trigger = POLICY_TRIGGER_NONE;
	ret->list = POLICY_NO_LIST;
	ret->n_logged = 0;
	ret->edit = NULL;
	ret->data = NULL;
	ret->name.len = 0;
	z->stages = (struct policy_stages){ .policy = z->side->policy,
		                            .is_strict = z->g->is_strict,
		                            .n_targets = z->item->n_aliases,
		                            .take_name = take_hop,
		                            .take_servers = take_servers,
		                            .take_addresses = take_addresses,
		                            .arg = z,
		                            .best = ret };
	(void)policy_stages_run(&z->stages);
	if (ret->trigger == POLICY_TRIGGER_QUESTION)
		ret->name.len = 0;
}

static struct policy_terms terms_of(const struct replay_side *side, const struct replay_item *item,
                                    const struct name_hashes *hashes)
{
	return (struct policy_terms){ .type = item->type,
		                      .ns_dots = UINT8_MAX,
		                      .has_age = side->has_age,
		                      .age_s = side->age_s,
		                      .question = hashes };
}

void replay_judge(const struct replay_side *side, uint16_t group, const struct replay_item *item,
                  struct verdict *ret)
{
	struct policy_group_view g;
	struct name_hashes hashes;
	struct verdict by_default;
	policy_group_view(side->policy, group, &g);
	name_hash_all(item->name.wire, &hashes);
	const struct policy_terms terms = terms_of(side, item, &hashes);
	policy_judge_name_on(side->policy, group, POLICY_TRIGGER_QUESTION, item->name.wire, &hashes,
	                     &terms, ret);
	ret->name.len = 0;
	by_default = *ret;
	if (ret->trigger == POLICY_TRIGGER_DEFAULT && is_own(side, &g, item, &hashes))
		ret->action = by_default.action = POLICY_NONE;
	if (g.has_zones) {
		struct zones z = { side, group, &g, item, &terms, { 0 } };
		judge_zones(&z, ret);
		if (ret->action == POLICY_NONE && by_default.trigger == POLICY_TRIGGER_DEFAULT)
			*ret = by_default;
		return;
	}
	if (ret->action == POLICY_NONE)
		judge_answer(side, group, &g, item, &terms, ret);
}

/* ---- before and now ---- */

static int tables_new(struct compare_tables *t)
{
	int e = tally_new(REPLAY_TALLY_MAX, &t->names);
	if (e == 0)
		e = tally_new(REPLAY_TALLY_MAX, &t->clients);
	if (e == 0)
		e = tally_new(REPLAY_TALLY_MAX, &t->rules);
	return e;
}

static int find_group(struct replay_comparison *c)
{
	if (c->plan.group == NULL)
		return 0;
	c->has_group = true;
	c->group = policy_group_named(c->plan.now.policy, c->plan.group);
	if (c->has_before)
		c->before_group = policy_group_named(c->before.policy, c->plan.group);
	bool is_missing = c->group == POLICY_NO_GROUP ||
	                  (c->has_before && c->before_group == POLICY_NO_GROUP);
	return is_missing ? -ENOENT : 0;
}

int replay_comparison_new(const struct replay_plan *plan, struct replay_comparison **ret)
{
	struct replay_comparison *c = calloc(1, sizeof *c);
	if (c == NULL)
		return -ENOMEM;
	c->plan = *plan;
	c->has_before = plan->before != NULL;
	if (c->has_before)
		c->before = *plan->before;
	int e = find_group(c);
	for (unsigned i = 0; i < COMPARE_N_CHANGES && e == 0; i++)
		e = tables_new(&c->changes[i]);
	if (e != 0) {
		replay_comparison_free(c);
		return e;
	}
	*ret = c;
	return 0;
}

void replay_comparison_free(struct replay_comparison *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < COMPARE_N_CHANGES; i++) {
		tally_free(c->changes[i].names);
		tally_free(c->changes[i].clients);
		tally_free(c->changes[i].rules);
	}
	seen_free(c->seen);
	free(c);
}

struct decision {
	bool is_blocked, is_stranger;
	enum policy_action action;
	const struct policy *policy; /* NULL: recorded */
	struct verdict verdict;
};

static void decide(const struct replay_side *side, uint16_t named, bool has_group,
                   const struct replay_item *item, struct decision *ret)
{
	uint16_t group = has_group ? named : policy_group_of(side->policy, &item->client);
	ret->policy = side->policy;
	ret->is_stranger = group == POLICY_NO_GROUP;
	ret->is_blocked = ret->is_stranger;
	ret->action = POLICY_NONE;
	if (ret->is_stranger)
		return;
	replay_judge(side, group, item, &ret->verdict);
	ret->is_blocked = verdict_is_block(&ret->verdict);
	ret->action = ret->verdict.action;
}

static enum compare_change compare(const struct decision *before, const struct decision *now)
{
	if (!before->is_blocked)
		return now->is_blocked ? COMPARE_BLOCKED : COMPARE_SAME;
	if (!now->is_blocked)
		return COMPARE_PASSED;
	bool is_known = before->action != POLICY_NONE && now->action != POLICY_NONE;
	return is_known && before->action != now->action ? COMPARE_OTHERWISE : COMPARE_SAME;
}

static void describe(const struct decision *d, const struct replay_item *item, char *ret, size_t n)
{
	char rule[NAME_TEXT_MAX + 8];
	const struct verdict *v = &d->verdict;
	if (d->policy == NULL) {
		snprintf(ret, n, "%s",
		         item->rule[0] != 0 ? item->rule : "blocked, as it was recorded");
		return;
	}
	if (d->is_stranger) {
		snprintf(ret, n, "the client is in no group");
		return;
	}
	verdict_rule_text(v, v->name.len > 0 ? v->name.wire : item->name.wire, rule);
	if (v->list != POLICY_NO_LIST) {
		struct policy_list_view list;
		policy_list_view(d->policy, v->list, &list);
		snprintf(ret, n, "list %s: rule %s", list.name, rule);
	} else if (v->edit != NULL) {
		snprintf(ret, n, "edit: rule %s", rule);
	} else {
		snprintf(ret, n, "%s", rule);
	}
}

static void note(struct replay_comparison *c, enum compare_change change,
                 const struct replay_item *item, const struct decision *cause)
{
	struct compare_tables *t = &c->changes[change];
	char name[NAME_TEXT_MAX], rule[TALLY_TEXT_MAX], client[ADDR_TEXT_MAX];
	name_to_text(item->name.wire, name);
	describe(cause, item, rule, sizeof rule);
	t->questions++;
	tally_add(t->names, name, rule);
	tally_add(t->rules, rule, "");
	if (item->has_client) {
		addr_to_text(&item->client, client);
		tally_add(t->clients, client, "");
	}
}

static void note_time(struct replay_comparison *c, uint64_t wall_ns)
{
	if (wall_ns == 0)
		return;
	if (c->first_ns == 0 || wall_ns < c->first_ns)
		c->first_ns = wall_ns;
	if (wall_ns > c->last_ns)
		c->last_ns = wall_ns;
}

void replay_compare(struct replay_comparison *c, const struct replay_item *item)
{
	struct decision now,
		before = { .is_blocked = item->outcome == REPLAY_BLOCKED, .action = item->action };
	c->questions++;
	note_time(c, item->wall_ns);
	if (!item->has_client && !c->has_group) {
		c->without_client++;
		return;
	}
	compare_set_age(c, item);
	decide(&c->plan.now, c->group, c->has_group, item, &now);
	if (c->has_before)
		decide(&c->before, c->before_group, c->has_group, item, &before);
	else if (item->outcome == REPLAY_UNKNOWN)
		c->unknown++;
	c->strangers += now.is_stranger;
	c->blocked += now.is_blocked;
	c->passed += !now.is_blocked;
	/* Recordings of others hold clients that we do not serve: that is no change of policy. */
	if (now.is_stranger && !c->has_before)
		return;
	enum compare_change change = compare(&before, &now);
	if (change == COMPARE_SAME) {
		c->same_blocked += now.is_blocked;
		c->same_passed += !now.is_blocked;
		return;
	}
	if (change == COMPARE_BLOCKED && item->has_rcode && item->rcode == RCODE_NXDOMAIN)
		c->blocked_missing++;
	note(c, change, item, change == COMPARE_PASSED ? &before : &now);
}

static bool side_needs_servers(const struct policy *p)
{
	for (unsigned i = 0; i < policy_n_groups(p); i++) {
		struct policy_group_view g;
		policy_group_view(p, (uint16_t)i, &g);
		if (g.has_server_rules)
			return true;
	}
	return false;
}

bool replay_needs_servers(const struct replay_comparison *c)
{
	return side_needs_servers(c->plan.now.policy) ||
	       (c->has_before && side_needs_servers(c->before.policy));
}

bool replay_has_changes(const struct replay_comparison *c)
{
	for (unsigned i = 0; i < COMPARE_N_CHANGES; i++) {
		if (c->changes[i].questions > 0)
			return true;
	}
	return false;
}

void replay_compare_source(struct replay_comparison *c, const struct replay_source *s)
{
	uint64_t first;
	c->n_sources++;
	c->has_format[replay_format_of(s)] = true;
	for (unsigned i = 0; i < REPLAY_N_SKIPS; i++)
		c->skips[i] += replay_skipped(s, i, &first);
}
