/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "api/explain.h"

static const char *scope_name(enum policy_scope s)
{
	switch (s) {
	case POLICY_SCOPE_EXACT:
		return "exact";
	case POLICY_SCOPE_TREE:
		return "tree";
	case POLICY_SCOPE_BELOW:
		return "below";
	}
	return "";
}

json_t *edit_to_json(const struct policy_edit *e)
{
	char name[NAME_TEXT_MAX];
	name_to_text(e->name.wire, name);
	return json_pack("{s:s, s:s, s:s, s:s?, s:I, s:I, s:s, s:s}", "name", name, "action",
	                 policy_action_name(e->action), "scope", scope_name(e->scope), "group",
	                 e->group_name[0] != '\0' ? e->group_name : NULL, "made_s",
	                 (json_int_t)e->made_s, "expires_s", (json_int_t)e->expires_s, "who",
	                 e->who, "reason", e->reason);
}

json_t *verdict_to_json(const struct policy *p, const struct verdict *v, const uint8_t *lower)
{
	json_t *o = json_object();
	json_object_set_new(o, "action",
	                    v->action == POLICY_NONE ? json_null()
	                                             : json_string(policy_action_name(v->action)));
	const char *by = "nothing";
	if (v->edit != NULL)
		by = "edit";
	else if (v->trigger == POLICY_TRIGGER_DEFAULT)
		by = "default";
	else if (v->action != POLICY_NONE)
		by = "list";
	json_object_set_new(o, "by", json_string(by));
	if (v->action == POLICY_NONE)
		return o;
	json_object_set_new(o, "trigger", json_string(policy_trigger_name(v->trigger)));
	char rule[NAME_TEXT_MAX + 8];
	verdict_rule_text(v, lower, rule);
	json_object_set_new(o, "rule", json_string(rule));
	if (v->list != POLICY_NO_LIST && v->edit == NULL) {
		struct policy_list_view list;
		policy_list_view(p, v->list, &list);
		json_object_set_new(o, "list", json_string(list.name));
		uint32_t ttl_s = v->data != NULL && v->data->has_ttl ? v->data->ttl_s : list.ttl_s;
		if (list.has_max_ttl && ttl_s > list.max_ttl_s)
			ttl_s = list.max_ttl_s;
		json_object_set_new(o, "ttl_s", json_integer(ttl_s));
	}
	if (v->edit != NULL)
		json_object_set_new(o, "edit", edit_to_json(v->edit));
	return o;
}

/* The codes that serve/write.c gives. */
uint16_t verdict_ede_code(const struct policy *p, const struct verdict *v)
{
	enum {
		EDE_BLOCKED = 15,
		EDE_PROHIBITED = 18
	}; /* RFC 8914 4.16, 4.19 */
	if (v->trigger == POLICY_TRIGGER_DEFAULT)
		return EDE_PROHIBITED;
	if (v->edit != NULL || v->list == POLICY_NO_LIST)
		return EDE_BLOCKED;
	struct policy_list_view list;
	policy_list_view(p, v->list, &list);
	return list.ede_code;
}

/* ---- one match ---- */

/* A match as the verdict it would be alone. */
static struct verdict verdict_of(const struct policy_match_found *m, const struct subject *s)
{
	struct verdict v = { .action = m->action,
		             .trigger = s->trigger,
		             .scope = m->scope,
		             .is_important = m->is_important,
		             .list = m->list,
		             .rule_depth = m->rule_depth,
		             .prefix_length = m->prefix_length,
		             .edit = m->edit,
		             .data = m->data,
		             .pattern = m->pattern };
	if (s->addr != NULL)
		v.addr = *s->addr;
	return v;
}

/* How deep a rule reaches, for comparing. */
static unsigned depth_of(const struct policy_match_found *m, bool is_name)
{
	return is_name ? m->rule_depth : m->prefix_length;
}

/* The steps of the order of precedence, as the one that wins by it and the others see it. */
struct step {
	const char *wins, *loses;
};

static const struct step by_depth = { "it is the deepest rule", "a deeper rule goes first" };
static const struct step by_prefix = { "it has the longest prefix", "a longer prefix goes first" };
static const struct step by_edit = { "an operator's edit goes before lists",
	                             "an operator's edit goes before lists" };
static const struct step by_exact_edit = {
	"an edit for the name alone goes before one for its tree",
	"an edit for the name alone goes before one for its tree",
};
static const struct step by_edit_group = {
	"an edit for the group goes before one for all groups",
	"an edit for the group goes before one for all groups",
};
static const struct step by_importance = { "it is marked important",
	                                   "a rule marked important goes first" };
static const struct step by_allow = { "allow goes before block at the same depth",
	                              "allow goes before block at the same depth" };
static const struct step by_tier = {
	"its policy zone, or the lists beside it, stand first in the group's lists",
	"a policy zone or list that stands before it decides",
};
static const struct step by_list = { "its list stands first in the group's lists",
	                             "its list stands later in the group's lists" };

/* The first step in which `over` beats `m`. */
static const struct step *step_between(const struct policy_match_found *over,
                                       const struct policy_match_found *m, bool is_name)
{
	if (m->tier != over->tier)
		return &by_tier;
	if (depth_of(m, is_name) != depth_of(over, is_name))
		return is_name ? &by_depth : &by_prefix;
	if (m->edit == NULL && over->edit != NULL)
		return &by_edit;
	if (m->edit != NULL && m->scope != over->scope &&
	    (m->scope == POLICY_SCOPE_EXACT || over->scope == POLICY_SCOPE_EXACT))
		return &by_exact_edit;
	if (m->edit != NULL && m->edit->group_name[0] == '\0' && over->edit->group_name[0] != '\0')
		return &by_edit_group;
	if (m->is_important != over->is_important)
		return &by_importance;
	if ((m->action == POLICY_ALLOW) != (over->action == POLICY_ALLOW))
		return &by_allow;
	return &by_list;
}

static struct policy_terms terms_of(const struct walk *w, const struct subject *s);

static const char *off_text(const struct walk *w, const struct policy_match_found *m,
                            const struct subject *s)
{
	struct name_hashes hashes;
	struct policy_terms terms = terms_of(w, s);
	if (s->lower != NULL)
		name_hash_all(s->lower, &hashes);
	return policy_list_why_off(w->policy, m->list, &terms, s->lower != NULL ? &hashes : NULL);
}

static const char *why(const struct walk *w, const struct policy_match_found *m,
                       const struct policy_match_found *winner,
                       const struct policy_match_found *second, const struct subject *s)
{
	bool is_name = s->lower != NULL;
	if (w->group == POLICY_NO_GROUP)
		return "the client is in no group";
	if (!m->in_group)
		return m->edit != NULL ? "the edit is for another group"
		                       : "the group does not use this list";
	if (m->is_off)
		return off_text(w, m, s);
	if (m->action == POLICY_LOG)
		return "log is recorded, and never wins";
	if (m->is_shadow)
		return "the list is in shadow: it is recorded, and never wins";
	if (winner == NULL)
		return "";
	if (!m->is_winner)
		return step_between(winner, m, is_name)->loses;
	return second != NULL ? step_between(m, second, is_name)->wins
	                      : "no other rule of this group matches";
}

/* How the list's file is written, for those who look the rule up in it. */
static void add_format(const struct api_context *c, const char *list, json_t *o)
{
	const struct config *config = c->config != NULL ? c->config(c->arg) : NULL;
	for (unsigned i = 0; config != NULL && i < config->lists.n; i++) {
		const struct config_list *l = &config->lists.at[i];
		if (strcmp(l->name, list) != 0)
			continue;
		json_object_set_new(o, "format", json_string(l->format));
		json_object_set_new(o, "subdomains", json_boolean(l->subdomains));
		if (strcmp(l->format, "json") == 0)
			json_object_set_new(o, "path", json_string(l->path));
		if (strcmp(l->format, "csv") == 0) {
			json_object_set_new(o, "column", json_string(l->column));
			json_object_set_new(o, "separator", json_string(l->separator));
		}
	}
}

static void add_list(struct walk *w, const struct policy_match_found *m, json_t *o)
{
	struct policy_list_view list;
	policy_list_view(w->policy, m->list, &list);
	json_object_set_new(o, "list", json_string(list.name));
	json_t *file = json_string(list.path != NULL ? list.path : "");
	json_object_set_new(o, "file", file != NULL ? file : json_string("(not UTF-8)"));
	add_format(w->context, list.name, o);
	json_object_set_new(o, "own_action", json_boolean(list.action == m->action));
	if (m->is_shadow)
		json_object_set_new(o, "shadow", json_true());
	if (w->has_zones && m->in_group)
		json_object_set_new(o, "tier", json_integer(m->tier));
	if (list.path != NULL && list.path[0] == 0)
		json_object_set_new(o, "every", json_true());
	if (list.first_seen_s > 0)
		json_object_set_new(o, "first_seen_s", json_integer(list.first_seen_s));
	if (list.is_rpz)
		json_object_set_new(o, "zone", json_true());
	if (list.soa != NULL)
		json_object_set_new(o, "serial", json_integer(list.serial));
}

static json_t *match_to_json(struct walk *w, const struct subject *s,
                             const struct policy_match_found *m, const char *reason)
{
	struct verdict v = verdict_of(m, s);
	char subject[NAME_TEXT_MAX], rule[NAME_TEXT_MAX + 8];
	if (s->lower != NULL)
		name_to_text(s->lower, subject);
	else
		addr_to_text(s->addr, subject);
	verdict_rule_text(&v, s->lower, rule);
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:s}", "trigger",
	                      policy_trigger_name(s->trigger), "subject", subject, "rule", rule,
	                      "action", policy_action_name(m->action), "important", m->is_important,
	                      "in_group", m->in_group, "winner", m->is_winner, "why", reason);
	if (s->lower != NULL)
		json_object_set_new(
			o, "scope",
			json_string(m->pattern != NULL ? "pattern" : scope_name(m->scope)));
	if (m->is_off)
		json_object_set_new(o, "off", json_true());
	if (m->pattern != NULL)
		json_object_set_new(o, "line", json_integer(m->pattern->line));
	if (m->edit != NULL)
		json_object_set_new(o, "edit", edit_to_json(m->edit));
	else if (m->list != POLICY_NO_LIST)
		add_list(w, m, o);
	return o;
}

static void add_matches(struct walk *w, const struct subject *s, const struct name_hashes *hashes,
                        json_t *matches)
{
	struct policy_match_found *found = calloc(API_MAX_MATCHES, sizeof *found);
	if (found == NULL)
		return;
	struct policy_terms terms = terms_of(w, s);
	unsigned n = policy_find_all_on(w->policy, w->group, s->trigger, s->lower, hashes, s->addr,
	                                &terms, found, API_MAX_MATCHES);
	if (n > API_MAX_MATCHES)
		n = API_MAX_MATCHES;
	const struct policy_match_found *winner = NULL, *second = NULL;
	for (unsigned i = 0; i < n; i++) {
		if (found[i].is_winner)
			winner = &found[i];
		else if (winner != NULL && second == NULL && found[i].in_group &&
		         found[i].action != POLICY_LOG && !found[i].is_shadow && !found[i].is_off)
			second = &found[i];
	}
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(matches, match_to_json(w, s, &found[i],
		                                             why(w, &found[i], winner, second, s)));
	free(found);
}

static struct policy_terms terms_of(const struct walk *w, const struct subject *s)
{
	struct policy_terms t = { .type = w->type,
		                  .ns_dots = UINT8_MAX,
		                  .has_age = w->age_s != SEEN_NOT_NEW,
		                  .age_s = w->age_s,
		                  .question = &w->hashes };
	if (s->zone != NULL) {
		unsigned labels = name_labels(s->zone);
		t.ns_dots = (uint8_t)(labels > 0 ? labels - 1 : 0);
	}
	return t;
}

static void decide(struct walk *w)
{
	w->verdict = w->best;
	w->decided_name = w->best.name;
	w->verdict.name.len = 0;
	w->is_decided = true;
}

bool walk_judge(struct walk *w, const struct subject *s, json_t *matches)
{
	struct name_hashes hashes;
	if (s->lower != NULL)
		name_hash_all(s->lower, &hashes);
	add_matches(w, s, &hashes, matches);
	if (w->is_decided || w->group == POLICY_NO_GROUP)
		return false;
	struct verdict v;
	struct policy_terms terms = terms_of(w, s);
	if (s->lower != NULL)
		policy_judge_name_on(w->policy, w->group, s->trigger, s->lower, &hashes, &terms,
		                     &v);
	else
		policy_judge_address_on(w->policy, w->group, s->trigger, s->addr, &terms, &v);
	if (v.action == POLICY_NONE || v.action == POLICY_LOG)
		return false;
	v.name.len = 0;
	if (s->lower != NULL)
		name_set(&v.name, s->lower);
	if (s->addr != NULL)
		v.addr = *s->addr;
	if (!w->has_best || verdict_goes_before(w->policy, &v, &w->best))
		w->best = v;
	w->has_best = true;
	if (!w->has_zones)
		decide(w);
	return w->is_decided;
}

void walk_begin(struct walk *w)
{
	struct policy_group_view g;
	if (w->group == POLICY_NO_GROUP)
		return;
	policy_group_view(w->policy, w->group, &g);
	w->has_zones = g.has_zones;
	w->is_strict = g.is_strict;
	w->late_tier = g.late_tier;
}

void walk_end_stage(struct walk *w)
{
	if (w->has_best && !w->is_decided)
		decide(w);
}

void walk_end_step(struct walk *w)
{
	bool waits = w->is_strict && w->has_best && w->best.tier > w->late_tier &&
	             w->best.trigger != POLICY_TRIGGER_DEFAULT;
	if (!waits && !w->is_strict)
		walk_end_stage(w);
	else if (!waits && w->has_best && w->best.trigger != POLICY_TRIGGER_SERVER_NAME &&
	         w->best.trigger != POLICY_TRIGGER_SERVER_ADDRESS)
		walk_end_stage(w);
}
