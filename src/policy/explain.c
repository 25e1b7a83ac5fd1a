/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/judge.h"
#include "policy/pattern_hits.h"

/* clang-format off */
static const char *const action_names[] = {
	[POLICY_NONE]     = "none",
	[POLICY_ALLOW]    = "allow",
	[POLICY_LOG]      = "log",
	[POLICY_NXDOMAIN] = "nxdomain",
	[POLICY_NODATA]   = "nodata",
	[POLICY_REFUSED]  = "refused",
	[POLICY_DROP]     = "drop",
	[POLICY_TRUNCATE] = "truncate",
	[POLICY_ADDRESS]  = "address",
	[POLICY_REDIRECT] = "redirect",
	[POLICY_RECORDS]  = "records",
};

static const char *const trigger_names[] = {
	[POLICY_TRIGGER_NONE]           = "none",
	[POLICY_TRIGGER_QUESTION]       = "question",
	[POLICY_TRIGGER_ALIAS]          = "alias",
	[POLICY_TRIGGER_ANSWER]         = "answer",
	[POLICY_TRIGGER_SERVER_NAME]    = "server-name",
	[POLICY_TRIGGER_SERVER_ADDRESS] = "server-address",
	[POLICY_TRIGGER_DEFAULT]        = "default",
	[POLICY_TRIGGER_CLIENT]         = "client",
	[POLICY_TRIGGER_REBINDING]      = "rebinding",
	[POLICY_TRIGGER_DETECTOR]       = "detector",
};
/* clang-format on */

const char *policy_action_name(enum policy_action a)
{
	return a < ARRAY_LEN(action_names) ? action_names[a] : "none";
}

int policy_action_from_text(const char *text, enum policy_action *ret)
{
	for (unsigned i = POLICY_ALLOW; i < ARRAY_LEN(action_names); i++) {
		if (strcmp(text, action_names[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *policy_trigger_name(enum policy_trigger t)
{
	return t < ARRAY_LEN(trigger_names) ? trigger_names[t] : "none";
}

static const char default_text[] = "default: deny";
static const char detector_text[] = "detector ";
static const char rebinding_text[] = "rebinding protection: ";

static size_t name_rule_text(const struct verdict *v, const uint8_t *subject, char *ret_text)
{
	unsigned labels = name_labels(subject);
	unsigned skip = v->rule_depth < labels ? labels - v->rule_depth : 0;
	const uint8_t *rule = name_skip(subject, skip);
	size_t n = 0;
	if (v->scope == POLICY_SCOPE_BELOW) {
		memcpy(ret_text, "*.", 3);
		n = 2;
		if (name_is_root(rule))
			return n;
	}
	return n + name_to_text(rule, ret_text + n);
}

static size_t pattern_text(const struct policy_pattern *p, char *ret_text)
{
	size_t n = strnlen(p->text, POLICY_PATTERN_MAX);
	memcpy(ret_text, p->text, n);
	ret_text[n] = 0;
	return n;
}

size_t verdict_rule_text(const struct verdict *v, const uint8_t *subject, char *ret_text)
{
	switch (v->trigger) {
	case POLICY_TRIGGER_DEFAULT:
		memcpy(ret_text, default_text, sizeof default_text);
		return sizeof default_text - 1;
	case POLICY_TRIGGER_REBINDING:
		memcpy(ret_text, rebinding_text, sizeof rebinding_text);
		return sizeof rebinding_text - 1 +
		       addr_to_text(&v->addr, ret_text + sizeof rebinding_text - 1);
	case POLICY_TRIGGER_DETECTOR:
		memcpy(ret_text, detector_text, sizeof detector_text);
		memcpy(ret_text + sizeof detector_text - 1, v->detector, strlen(v->detector) + 1);
		return sizeof detector_text - 1 + strlen(v->detector);
	case POLICY_TRIGGER_QUESTION:
	case POLICY_TRIGGER_ALIAS:
	case POLICY_TRIGGER_SERVER_NAME:
		if (v->pattern != NULL)
			return pattern_text(v->pattern, ret_text);
		if (subject != NULL)
			return name_rule_text(v, subject, ret_text);
		break;
	case POLICY_TRIGGER_ANSWER:
	case POLICY_TRIGGER_CLIENT:
	case POLICY_TRIGGER_SERVER_ADDRESS: {
		struct addr_prefix prefix = {
			.addr = addr_masked(&v->addr, v->prefix_length),
			.length = v->prefix_length,
		};
		return addr_prefix_to_text(&prefix, ret_text);
	}
	default:
		break;
	}
	ret_text[0] = 0;
	return 0;
}

/* ---- every rule that matches ---- */

struct finding {
	const struct policy *p;
	const struct policy_group *g;    /* NULL: no group */
	const struct policy_part *parts; /* its row, or the row of no group */
	enum policy_match match;
	enum policy_trigger trigger;
	const struct policy_terms *terms;
	const struct name_hashes *hashes; /* of the name; NULL: an address */
	bool has_tiers;
	struct policy_match_found *found;
	unsigned n, max;
	bool has_winner;
};

/*
 * Where a rule stands among those of the same depth. Edits before lists, as in judge.c; rules of
 * action log behind those that can win, and lists that the group does not use behind its own of
 * the same kind (their rank is the largest).
 */
static uint32_t found_order(const struct finding *f, const struct policy_match_found *m,
                            bool is_full_name)
{
	if (m->edit != NULL)
		return edits_order(m->edit, is_full_name);
	uint8_t bits = (uint8_t)(m->scope | (m->is_important ? IMAGE_IMPORTANT : 0));
	uint16_t rank = f->parts[f->p->lists[m->list].image_list].rank;
	uint32_t is_log = m->action == POLICY_LOG || m->is_shadow || m->is_off;
	return 1U << 24 | is_log << 20 | rule_order(bits, m->action, rank) |
	       twin_order(m->is_twin ? RULE_TWIN : RULE_ITSELF);
}

/* Groups with policy zones: the tier, then the depth; unused lists are in the last tier. */
static bool found_is_behind(const struct finding *f, const struct policy_match_found *a,
                            const struct policy_match_found *m, bool is_full_name)
{
	if (f->has_tiers) {
		if (a->tier != m->tier)
			return a->tier > m->tier;
		if (a->rule_depth != m->rule_depth || a->prefix_length != m->prefix_length)
			return false; /* deeper ones were found first */
	}
	return found_order(f, a, is_full_name) > found_order(f, m, is_full_name);
}

/* Put m in its place behind `from`, where this depth begins. What does not fit is only counted. */
static void found_put(struct finding *f, unsigned from, const struct policy_match_found *m,
                      bool is_full_name)
{
	unsigned n = f->n < f->max ? f->n : f->max;
	unsigned at = n;
	from = f->has_tiers ? 0 : from;
	while (at > from && found_is_behind(f, &f->found[at - 1], m, is_full_name))
		at--;
	f->n++;
	if (at >= f->max)
		return;
	unsigned last = n < f->max ? n : f->max - 1;
	memmove(&f->found[at + 1], &f->found[at], (last - at) * sizeof *f->found);
	f->found[at] = *m;
}

static void find_in_set(struct finding *f, unsigned from, uint32_t set, unsigned depth,
                        unsigned prefix_length, bool is_full_name)
{
	uint32_t n;
	const struct image_member *members = image_rules(f->p->image, set, &n);
	for (uint32_t i = 0; i < n; i++) {
		const struct image_member *m = &members[i];
		const struct policy_part *part = &f->parts[m->list];
		enum policy_action action = tiers_action(f->p, part, m, f->trigger, f->terms);
		enum rule_meets meets = rule_meets(m->scope, part, f->match);
		if (!part->is_known || meets == RULE_OTHER || action == POLICY_NONE ||
		    !scope_matches(m->scope, is_full_name))
			continue;
		struct policy_match_found found = {
			.action = action,
			.scope = m->scope & IMAGE_SCOPE_MASK,
			.list = f->p->list_of_image[m->list],
			.tier = part->tier,
			.rule_depth = (uint8_t)depth,
			.prefix_length = (uint8_t)prefix_length,
			.is_important = (m->scope & IMAGE_IMPORTANT) != 0,
			.is_twin = meets == RULE_TWIN,
			.in_group = part->rank != RANK_NONE,
			.is_shadow = part->is_shadow,
			.is_off = !part_holds(f->p, part, m->list, f->terms, f->hashes) ||
			          !image_rule_is_for(
					  f->p->image, m,
					  f->match == POLICY_MATCH_NAMESERVER ? 0 : f->terms->type),
		};
		found.data = judge_data(f->p, m, action);
		found_put(f, from, &found, is_full_name);
	}
}

static void find_in_edits(struct finding *f, unsigned from, const uint8_t *suffix, uint64_t hash,
                          unsigned depth, bool is_full_name)
{
	const struct edits_table *t = edits_now();
	const struct policy_edit *e;
	for (uint32_t i = 0; t != NULL && (e = edits_next(t, suffix, hash, &i)) != NULL;) {
		if (!scope_matches((uint8_t)e->scope, is_full_name))
			continue;
		struct policy_match_found found = {
			.action = e->action,
			.scope = e->scope,
			.list = POLICY_NO_LIST,
			.tier = f->g == NULL            ? TIER_NONE
			        : f->g->edits_are_apart ? TIER_EDITS
			                                : TIER_FIRST,
			.rule_depth = (uint8_t)depth,
			.in_group = f->g != NULL && edits_is_for(e, f->g->name),
			.edit = e,
		};
		if (!found.in_group)
			found.tier = TIER_NONE;
		found_put(f, from, &found, is_full_name);
	}
}

/* The first of this depth that takes part is the winner, unless there was a deeper one. */
static void winner_mark(struct finding *f, unsigned from)
{
	if (f->has_tiers)
		return; /* not before all is found */
	for (unsigned i = from; i < f->n && i < f->max && !f->has_winner; i++) {
		struct policy_match_found *m = &f->found[i];
		if (m->in_group && m->action != POLICY_LOG && !m->is_shadow && !m->is_off) {
			m->is_winner = true;
			f->has_winner = true;
		}
	}
}

static void find_patterns(struct finding *f, unsigned from, const uint8_t *lower, bool is_full_name)
{
	struct pattern_hits hits;
	const struct pattern_subject subject = { lower, f->hashes, f->terms };
	pattern_hits_find(f->p, f->parts, f->match, PATTERN_OF_ALL, &subject, &hits);
	for (unsigned i = 0; i < hits.n; i++) {
		const struct pattern_hit *hit = &hits.at[i];
		const struct policy_part *part = &f->parts[hit->image_list];
		struct policy_match_found found = {
			.action = hit->action,
			.scope = POLICY_SCOPE_TREE,
			.list = f->p->list_of_image[hit->image_list],
			.tier = part->tier,
			.is_important = hit->rule->is_important,
			.in_group = part->rank != RANK_NONE,
			.is_shadow = part->is_shadow,
			.is_off = !part_holds(f->p, part, hit->image_list, f->terms, f->hashes),
			.data = pattern_hit_data(f->p, hit),
			.pattern = &hit->rule->shown,
		};
		found_put(f, from, &found, is_full_name);
	}
}

static void find_name(struct finding *f, const uint8_t *lower, const struct name_hashes *hashes)
{
	const uint8_t *suffix = lower;
	for (unsigned i = 0; i <= hashes->n; i++) {
		unsigned from = f->n;
		unsigned depth = hashes->n - i;
		if (f->match == POLICY_MATCH_NAME)
			find_in_edits(f, from, suffix, hashes->h[i], depth, i == 0);
		uint32_t set = f->p->image != NULL ? image_find(f->p->image, hashes->h[i]) : 0;
		if (set != 0)
			find_in_set(f, from, set, depth, 0, i == 0);
		if (i == hashes->n)
			find_patterns(f, from, lower, i == 0);
		winner_mark(f, from);
		if (i < hashes->n)
			suffix += *suffix + 1;
	}
}

static void find_address(struct finding *f, const struct addr *a)
{
	if (f->p->image == NULL || f->match == POLICY_MATCH_NAME)
		return;
	const struct image_header *h = f->p->image->header;
	for (unsigned length = a->is_v4 ? 33 : 129; length-- > 0;) {
		uint64_t bits = a->is_v4 ? h->lengths_v4 : h->lengths_v6[length / 64];
		if ((bits >> length % 64 & 1) == 0)
			continue;
		struct addr masked = addr_masked(a, length);
		uint32_t set = image_find(f->p->image, image_prefix_hash(&masked, length));
		unsigned from = f->n;
		if (set != 0)
			find_in_set(f, from, set, 0, length, false);
		winner_mark(f, from);
	}
}

unsigned policy_find_all(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                         const uint8_t *lower, const struct name_hashes *hashes,
                         const struct addr *a, struct policy_match_found *ret, unsigned max)
{
	return policy_find_all_on(p, group, trigger, lower, hashes, a, &policy_any_terms, ret, max);
}

/* NOLINTNEXTLINE(readability-function-size): nine parameters, as policy_find_all() and its terms */
unsigned policy_find_all_on(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                            const uint8_t *lower, const struct name_hashes *hashes,
                            const struct addr *a, const struct policy_terms *terms,
                            struct policy_match_found *ret, unsigned max)
{
	size_t row = group < p->n_groups ? group : p->n_groups;
	struct finding f = {
		.p = p,
		.g = group < p->n_groups ? &p->groups[group] : NULL,
		.parts = p->parts + row * p->n_image_lists,
		.match = match_of_trigger(trigger),
		.trigger = trigger,
		.terms = terms,
		.hashes = lower != NULL ? hashes : NULL,
		.has_tiers = group < p->n_groups && p->groups[group].has_rpz,
		.found = ret,
		.max = max,
	};
	if (lower != NULL)
		find_name(&f, lower, hashes);
	else if (a != NULL)
		find_address(&f, a);
	f.has_tiers = false;
	winner_mark(&f, 0);
	return f.n;
}
