/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/judge.h"

#include "policy/pattern_hits.h"

/* The order of precedence is written down in policy.h and docs/policy.md; policy_find_all()
 * in explain.c follows the same order and a test compares the two. */

const struct policy_terms policy_any_terms = { .ns_dots = UINT8_MAX };

static void verdict_clear(struct verdict *v)
{
	v->action = POLICY_NONE;
	v->trigger = POLICY_TRIGGER_NONE;
	v->scope = POLICY_SCOPE_EXACT;
	v->is_important = false;
	v->list = POLICY_NO_LIST;
	v->tier = TIER_NONE;
	v->rule_depth = 0;
	v->prefix_length = 0;
	v->n_logged = 0;
	v->edit = NULL;
	v->data = NULL;
	v->pattern = NULL;
	v->addr = (struct addr){ 0 };
	v->name.len = 0;
}

void judge_note(const struct place *at, uint16_t image_list, enum policy_action action,
                const struct policy_pattern *pattern, struct verdict *v)
{
	uint16_t list = at->p->list_of_image[image_list];
	for (unsigned i = 0; i < v->n_logged; i++) {
		if (v->logged[i] == list)
			return; /* a deeper rule of it was noted */
	}
	if (v->n_logged == POLICY_MAX_LOGGED)
		return;
	v->logged[v->n_logged] = list;
	v->logged_action[v->n_logged] = (uint8_t)action;
	v->logged_trigger[v->n_logged] = (uint8_t)at->trigger;
	v->logged_pattern[v->n_logged] = pattern;
	v->logged_depth[v->n_logged++] = at->depth;
}

/* More than the types that the rule is for. */
static bool has_content(const struct policy_data *d)
{
	return d->n_addrs > 0 || d->target != NULL || d->records_bytes > 0 || d->has_ttl;
}

const struct policy_data *judge_data(const struct policy *p, const struct image_member *m,
                                     enum policy_action action)
{
	const struct policy_list *l = &p->lists[p->list_of_image[m->list]];
	/* A zone's rule that the operator's word overrides keeps its TTL alone. */
	if (m->data != IMAGE_NO_DATA && has_content(image_data(p->image, m)) &&
	    (!l->is_rpz || l->action == POLICY_NONE || action < POLICY_ADDRESS))
		return image_data(p->image, m);
	return action == POLICY_ADDRESS || action == POLICY_REDIRECT ? &l->data : NULL;
}

void judge_win(const struct place *at, const struct image_member *m, enum policy_action action,
               struct verdict *v)
{
	v->action = action;
	v->trigger = at->trigger;
	v->scope = m->scope & IMAGE_SCOPE_MASK;
	v->is_important = (m->scope & IMAGE_IMPORTANT) != 0;
	v->list = at->p->list_of_image[m->list];
	v->edit = NULL;
	v->pattern = NULL;
	v->tier = at->g->parts[m->list].tier;
	v->data = judge_data(at->p, m, action);
	v->rule_depth = at->depth;
}

/* What lists in shadow would have done here: those rules that go before the best of the others. */
static void judge_shadows(const struct place *at, const struct image_member *members, uint32_t n,
                          uint32_t best_order, struct verdict *v)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct image_member *m = &members[i];
		const struct policy_part *part = &at->g->parts[m->list];
		enum policy_action action = rule_action(m->action, part);
		if (part->is_shadow && part->rank != RANK_NONE &&
		    rule_match(m->scope, part) == at->match &&
		    scope_matches(m->scope, at->is_full_name) &&
		    part_holds(at->p, part, m->list, at->terms, at->hashes) &&
		    action != POLICY_NONE && rule_order(m->scope, action, part->rank) < best_order)
			judge_note(at, m->list, action, NULL, v);
	}
}

/* The rules of one set: the best becomes the verdict if there is none yet. */
static void judge_set(const struct place *at, uint32_t set, struct verdict *v)
{
	uint32_t n;
	const struct image_member *members = image_rules(at->p->image, set, &n);
	const struct image_member *best = NULL;
	uint32_t best_order = UINT32_MAX;
	bool has_shadow = false;
	for (uint32_t i = 0; i < n; i++) {
		const struct image_member *m = &members[i];
		const struct policy_part *part = &at->g->parts[m->list];
		if (part->rank == RANK_NONE || rule_match(m->scope, part) != at->match ||
		    !scope_matches(m->scope, at->is_full_name) ||
		    !part_holds(at->p, part, m->list, at->terms, at->hashes) ||
		    !image_rule_is_for(at->p->image, m, place_type(at)))
			continue;
		enum policy_action action = rule_action(m->action, part);
		if (part->is_shadow) {
			has_shadow = true;
			continue;
		}
		if (action == POLICY_LOG)
			judge_note(at, m->list, action, NULL, v);
		if (action == POLICY_NONE || action == POLICY_LOG)
			continue;
		uint32_t order = rule_order(m->scope, action, part->rank);
		if (order < best_order) {
			best_order = order;
			best = m;
		}
	}
	if (has_shadow && v->action == POLICY_NONE)
		judge_shadows(at, members, n, best_order, v);
	if (best != NULL && v->action == POLICY_NONE)
		judge_win(at, best, rule_action(best->action, &at->g->parts[best->list]), v);
}

bool judge_edits(const struct place *at, const struct edits_table *t, const uint8_t *suffix,
                 uint64_t hash, struct verdict *v)
{
	const struct policy_edit *best = NULL;
	const struct policy_edit *e;
	for (uint32_t i = 0; (e = edits_next(t, suffix, hash, &i)) != NULL;) {
		if (scope_matches((uint8_t)e->scope, at->is_full_name) &&
		    edits_is_for(e, at->g->name) &&
		    (best == NULL ||
		     edits_order(e, at->is_full_name) < edits_order(best, at->is_full_name)))
			best = e;
	}
	if (best == NULL)
		return false;
	v->action = best->action;
	v->trigger = at->trigger;
	v->scope = best->scope;
	v->edit = best;
	v->list = POLICY_NO_LIST;
	v->is_important = false;
	v->data = NULL;
	v->pattern = NULL;
	v->tier = TIER_FIRST;
	v->rule_depth = at->depth;
	return true;
}

/* What a pattern must go before to win: the rule that won at the root, or everything. */
static uint32_t order_to_beat(const struct place *at, const struct verdict *v)
{
	if (v->action == POLICY_NONE)
		return UINT32_MAX;
	if (v->edit != NULL || v->rule_depth > 0)
		return 0;
	uint16_t rank = at->g->parts[at->p->lists[v->list].image_list].rank;
	return rule_order(v->is_important ? IMAGE_IMPORTANT : 0, v->action, rank);
}

void judge_win_by_pattern(const struct place *at, const struct pattern_hit *hit, struct verdict *v)
{
	v->action = hit->action;
	v->trigger = at->trigger;
	v->scope = POLICY_SCOPE_TREE;
	v->is_important = hit->rule->is_important;
	v->list = at->p->list_of_image[hit->image_list];
	v->data = pattern_hit_data(at->p, hit);
	v->tier = at->g->parts[hit->image_list].tier;
	v->rule_depth = 0;
	v->pattern = &hit->rule->shown;
	v->edit = NULL;
}

/* Patterns are rules of the root: whatever names the name or one above it went before. */
static void judge_patterns(struct place *at, const uint8_t *lower, struct verdict *v)
{
	struct pattern_hits hits;
	uint32_t beat = order_to_beat(at, v);
	const struct pattern_subject subject = { lower, at->hashes, at->terms };
	pattern_hits_find(at->p, at->g->parts, at->match, PATTERN_OF_GROUP, &subject, &hits);
	at->depth = 0;
	for (unsigned i = 0; i < hits.n; i++) {
		const struct pattern_hit *hit = &hits.at[i];
		const struct policy_pattern *shown = &hit->rule->shown;
		if (hit->action == POLICY_LOG) {
			judge_note(at, hit->image_list, hit->action, shown, v);
		} else if (hit->order < beat && at->g->parts[hit->image_list].is_shadow) {
			judge_note(at, hit->image_list, hit->action, shown, v);
		} else if (hit->order < beat) {
			judge_win_by_pattern(at, hit, v);
			beat = hit->order;
		}
	}
}

/* From the full name up to the root; `edits` and `image` are NULL where there is nothing. */
static void judge_suffixes(struct place *at, const struct policy_image *image,
                           const struct edits_table *edits, const uint8_t *suffix,
                           const struct name_hashes *hashes, struct verdict *v)
{
	bool has_log = at->g->has_log[at->match];
	for (unsigned i = 0; i <= hashes->n; i++) {
		at->depth = (uint8_t)(hashes->n - i);
		at->is_full_name = i == 0;
		if (edits != NULL && v->action == POLICY_NONE)
			(void)judge_edits(at, edits, suffix, hashes->h[i], v);
		if (image != NULL && i == hashes->n && !image->has_root_rule)
			image = NULL; /* spares every question one probe */
		uint32_t set = image != NULL ? image_find(image, hashes->h[i]) : 0;
		if (set != 0)
			judge_set(at, set, v);
		if (v->action != POLICY_NONE && !has_log)
			return;
		if (i < hashes->n)
			suffix += *suffix + 1;
	}
}

void policy_prefetch_name(const struct policy *p, const struct name_hashes *hashes)
{
	for (unsigned i = 0; p->image != NULL && i < hashes->n; i++)
		image_prefetch(p->image, hashes->h[i]);
}

void policy_judge_name(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                       const uint8_t *lower, const struct name_hashes *hashes, struct verdict *ret)
{
	policy_judge_name_on(p, group, trigger, lower, hashes, &policy_any_terms, ret);
}

void policy_judge_name_on(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                          const uint8_t *lower, const struct name_hashes *hashes,
                          const struct policy_terms *terms, struct verdict *ret)
{
	verdict_clear(ret);
	if (group >= p->n_groups || bug_if(hashes->n > NAME_MAX_LABELS))
		return;
	struct place at = {
		.p = p,
		.g = &p->groups[group],
		.terms = terms,
		.hashes = hashes,
		.match = match_of_trigger(trigger),
		.trigger = trigger,
	};
	const struct policy_image *image = at.g->has_rules[at.match] ? p->image : NULL;
	const struct edits_table *edits = at.match == POLICY_MATCH_NAME ? edits_now() : NULL;
	if (image != NULL)
		policy_prefetch_name(p, hashes);
	if (UNLIKELY(at.g->has_rpz))
		tiers_judge_name(&at, image, edits, lower, hashes, ret);
	else if (image != NULL || edits != NULL)
		judge_suffixes(&at, image, edits, lower, hashes, ret);
	if (!at.g->has_rpz && at.g->has_patterns[at.match] &&
	    (ret->action == POLICY_NONE || ret->rule_depth == 0 || at.g->has_log[at.match]))
		judge_patterns(&at, lower, ret);
	if (trigger == POLICY_TRIGGER_QUESTION && at.g->is_default_deny &&
	    ret->action == POLICY_NONE) {
		ret->action = at.g->deny_action;
		ret->trigger = POLICY_TRIGGER_DEFAULT;
	}
}

/* Longest first. `bits` are the lengths that occur, those from 64 * word on. */
static void judge_lengths(struct place *at, uint64_t bits, unsigned word, const struct addr *a,
                          struct verdict *v)
{
	unsigned max = a->is_v4 ? 32 : 128;
	while (bits != 0) {
		unsigned bit = 63U - (unsigned)__builtin_clzll(bits);
		bits &= ~(1ULL << bit);
		unsigned length = word * 64 + bit;
		if (length > max) /* only an image that lies has such bits */
			continue;
		struct addr masked = addr_masked(a, length);
		uint32_t set = image_find(at->p->image, image_prefix_hash(&masked, length));
		bool had = v->action != POLICY_NONE;
		at->depth = (uint8_t)length;
		if (set != 0)
			judge_set(at, set, v);
		if (!had && v->action != POLICY_NONE) {
			v->addr = *a;
			v->prefix_length = (uint8_t)length;
			v->rule_depth = 0;
		}
		if (v->action != POLICY_NONE && !at->g->has_log[at->match])
			return;
	}
}

void policy_judge_address(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                          const struct addr *a, struct verdict *ret)
{
	policy_judge_address_on(p, group, trigger, a, &policy_any_terms, ret);
}

void policy_judge_address_on(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                             const struct addr *a, const struct policy_terms *terms,
                             struct verdict *ret)
{
	verdict_clear(ret);
	if (group >= p->n_groups)
		return;
	struct place at = {
		.p = p,
		.g = &p->groups[group],
		.terms = terms,
		.match = match_of_trigger(trigger),
		.trigger = trigger,
	};
	if (at.match == POLICY_MATCH_NAME || !at.g->has_rules[at.match])
		return;
	if (UNLIKELY(at.g->has_rpz)) {
		tiers_judge_address(&at, a, ret);
		return;
	}
	const struct image_header *h = p->image->header;
	if (a->is_v4) {
		judge_lengths(&at, h->lengths_v4, 0, a, ret);
		return;
	}
	for (unsigned word = 3; word-- > 0;) {
		if (ret->action == POLICY_NONE || at.g->has_log[at.match])
			judge_lengths(&at, h->lengths_v6[word], word, a, ret);
	}
}
