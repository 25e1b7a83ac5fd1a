/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Groups with policy zones: the first tier that has a match wins, and inside a tier the deepest
 * rule, which is both the order of plain lists and that of the RPZ draft for one subject (5.3 exact
 * names before wildcards and more labels before fewer, 5.6 the longest prefix). docs/why/008.
 */
#include <string.h>

#include "policy/judge.h"
#include "policy/pattern_hits.h"

enum {
	NOTES_MAX = 8
};

/* A rule that reports where it would have won; known only when the winner is. */
struct note {
	uint16_t list, tier;
	uint8_t action, depth;
	unsigned step;
	uint32_t order;
	const struct policy_pattern *pattern;
};

/* One walk from the full name up, or from the longest prefix to the shortest. */
struct walk {
	unsigned step;     /* how many depths were looked at */
	unsigned won_step; /* at which the verdict was found */
	uint32_t won_order;
	unsigned n_notes;
	struct note notes[NOTES_MAX];
};

static bool has_type(const struct policy_data *d, uint16_t type)
{
	struct policy_record r;
	for (size_t at = 0; policy_record_next(d, &at, &r);) {
		if (r.type == type || r.type == DNS_CNAME)
			return true;
	}
	return false;
}

enum policy_action tiers_action(const struct policy *p, const struct policy_part *part,
                                const struct image_member *m, enum policy_trigger trigger,
                                const struct policy_terms *terms)
{
	enum policy_action action = rule_action(m->action, part);
	if (!part->is_rpz)
		return action;
	bool is_server =
		trigger == POLICY_TRIGGER_SERVER_NAME || trigger == POLICY_TRIGGER_SERVER_ADDRESS;
	if (terms->no_zones || (terms->is_secure && part->keeps_dnssec) ||
	    (terms->is_unrecursed && !part->is_for_all) ||
	    (is_server && part->min_ns_dots > terms->ns_dots))
		return POLICY_NONE;
	if (action != POLICY_RECORDS || part->local_data == POLICY_LOCAL_GIVEN ||
	    m->data == IMAGE_NO_DATA || terms->type == 0 || terms->type == DNS_ANY ||
	    has_type(image_data(p->image, m), terms->type))
		return action;
	return part->local_data == POLICY_LOCAL_OR_PASSTHRU ? POLICY_ALLOW : POLICY_LOG;
}

/* Does a rule that is found now go before the verdict there is? */
static bool goes_before(const struct walk *w, const struct verdict *v, uint16_t tier,
                        uint32_t order)
{
	if (v->action == POLICY_NONE || tier != v->tier)
		return v->action == POLICY_NONE || tier < v->tier;
	return w->won_step == w->step && order < w->won_order;
}

static void note(const struct place *at, struct walk *w, const struct policy_part *part,
                 uint16_t list, enum policy_action action, uint32_t order,
                 const struct policy_pattern *pattern)
{
	if (w->n_notes == NOTES_MAX)
		return;
	w->notes[w->n_notes++] = (struct note){ .list = list,
		                                .tier = part->tier,
		                                .action = (uint8_t)action,
		                                .depth = at->depth,
		                                .step = w->step,
		                                .order = order,
		                                .pattern = pattern };
}

static void judge_set(const struct place *at, struct walk *w, uint32_t set, struct verdict *v)
{
	uint32_t n;
	const struct image_member *members = image_rules(at->p->image, set, &n);
	for (uint32_t i = 0; i < n; i++) {
		const struct image_member *m = &members[i];
		const struct policy_part *part = &at->g->parts[m->list];
		enum rule_meets meets = rule_meets(m->scope, part, at->match);
		if (part->rank == RANK_NONE || meets == RULE_OTHER ||
		    !scope_matches(m->scope, at->is_full_name) ||
		    !part_holds(at->p, part, m->list, at->terms, at->hashes) ||
		    !image_rule_is_for(at->p->image, m, place_type(at)))
			continue;
		enum policy_action action = tiers_action(at->p, part, m, at->trigger, at->terms);
		if (action == POLICY_NONE)
			continue;
		uint32_t order = rule_order(m->scope, action, part->rank) | twin_order(meets);
		if (action == POLICY_LOG && !part->is_rpz) {
			judge_note(at, m->list, action, NULL, v); /* whoever wins */
		} else if (!goes_before(w, v, part->tier, order)) {
			continue;
		} else if (action == POLICY_LOG || part->is_shadow) {
			note(at, w, part, m->list, action, order, NULL);
		} else {
			judge_win(at, m, action, v);
			w->won_step = w->step;
			w->won_order = order;
		}
	}
}

/* Patterns are rules of the root, and w stands there. */
static void judge_patterns(const struct place *at, struct walk *w, const uint8_t *lower,
                           struct verdict *v)
{
	struct pattern_hits hits;
	const struct pattern_subject subject = { lower, at->hashes, at->terms };
	pattern_hits_find(at->p, at->g->parts, at->match, PATTERN_OF_GROUP, &subject, &hits);
	for (unsigned i = 0; i < hits.n; i++) {
		const struct pattern_hit *hit = &hits.at[i];
		const struct policy_part *part = &at->g->parts[hit->image_list];
		const struct policy_pattern *shown = &hit->rule->shown;
		if (hit->action == POLICY_LOG) {
			judge_note(at, hit->image_list, hit->action, shown, v);
		} else if (!goes_before(w, v, part->tier, hit->order)) {
			continue;
		} else if (part->is_shadow) {
			note(at, w, part, hit->image_list, hit->action, hit->order, shown);
		} else {
			judge_win_by_pattern(at, hit, v);
			w->won_step = w->step;
			w->won_order = hit->order;
		}
	}
}

/* What was noted before a better rule was found would not have won. */
static void notes_settle(struct place *at, const struct walk *w, struct verdict *v)
{
	for (unsigned i = 0; i < w->n_notes; i++) {
		const struct note *n = &w->notes[i];
		bool is_first = v->action == POLICY_NONE || n->tier < v->tier;
		if (!is_first && n->tier == v->tier)
			is_first = n->step < w->won_step ||
			           (n->step == w->won_step && n->order < w->won_order);
		at->depth = n->depth;
		if (is_first)
			judge_note(at, n->list, n->action, n->pattern, v);
	}
}

/* Nothing that is found from now on can change the verdict. */
static bool is_settled(const struct place *at, const struct verdict *v, uint16_t first)
{
	return v->action != POLICY_NONE && v->tier <= first && !at->g->has_log[at->match];
}

void tiers_judge_name(struct place *at, const struct policy_image *image,
                      const struct edits_table *edits, const uint8_t *lower,
                      const struct name_hashes *hashes, struct verdict *v)
{
	uint16_t edits_tier = at->g->edits_are_apart ? TIER_EDITS : TIER_FIRST;
	uint16_t first = edits != NULL ? edits_tier : TIER_FIRST;
	const uint8_t *suffix = lower;
	struct walk w;
	w.n_notes = 0;
	w.won_step = w.won_order = 0;
	for (w.step = 0; w.step <= hashes->n && !is_settled(at, v, first); w.step++) {
		uint64_t hash = hashes->h[w.step];
		at->depth = (uint8_t)(hashes->n - w.step);
		at->is_full_name = w.step == 0;
		if (edits != NULL && (v->action == POLICY_NONE || edits_tier < v->tier) &&
		    judge_edits(at, edits, suffix, hash, v)) {
			v->tier = edits_tier;
			w.won_step = w.step;
			w.won_order = 0;
		}
		uint32_t set = image != NULL ? image_find(image, hash) : 0;
		if (set != 0)
			judge_set(at, &w, set, v);
		if (w.step < hashes->n)
			suffix += *suffix + 1;
		else if (at->g->has_patterns[at->match])
			judge_patterns(at, &w, lower, v);
	}
	notes_settle(at, &w, v);
}

void tiers_judge_address(struct place *at, const struct addr *a, struct verdict *v)
{
	const struct image_header *h = at->p->image->header;
	struct walk w;
	w.n_notes = 0;
	w.step = w.won_step = w.won_order = 0;
	for (unsigned length = a->is_v4 ? 33 : 129;
	     length-- > 0 && !is_settled(at, v, TIER_FIRST);) {
		uint64_t bits = a->is_v4 ? h->lengths_v4 : h->lengths_v6[length / 64];
		if ((bits >> length % 64 & 1) == 0)
			continue;
		struct addr masked = addr_masked(a, length);
		uint32_t set = image_find(at->p->image, image_prefix_hash(&masked, length));
		at->depth = (uint8_t)length;
		w.step++;
		if (set != 0)
			judge_set(at, &w, set, v);
		if (w.won_step == w.step) {
			v->addr = *a;
			v->prefix_length = (uint8_t)length;
			v->rule_depth = 0;
		}
	}
	notes_settle(at, &w, v);
}

/* ---- between subjects ---- */

/* 5.4 of the draft: CLIENT-IP > QNAME > IP > NSDNAME > NSIP. */
static unsigned trigger_order(enum policy_trigger t)
{
	switch (t) {
	case POLICY_TRIGGER_CLIENT:
		return 0;
	case POLICY_TRIGGER_QUESTION:
	case POLICY_TRIGGER_ALIAS:
		return 1;
	case POLICY_TRIGGER_ANSWER:
		return 2;
	case POLICY_TRIGGER_SERVER_NAME:
		return 3;
	default:
		return 4;
	}
}

/* 5.3 and 5.5: exact before wildcard, more labels, then the name that is last in DNSSEC's order. */
static bool server_goes_before(const struct verdict *a, const struct verdict *b)
{
	bool is_exact[2] = { a->scope != POLICY_SCOPE_BELOW, b->scope != POLICY_SCOPE_BELOW };
	if (is_exact[0] != is_exact[1])
		return is_exact[0];
	if (a->rule_depth != b->rule_depth)
		return a->rule_depth > b->rule_depth;
	return a->name.len > 0 && b->name.len > 0 && name_compare(a->name.wire, b->name.wire) > 0;
}

static unsigned whole_length(const struct verdict *v)
{
	return v->prefix_length + (v->addr.is_v4 ? 96U : 0U);
}

/* An IPv4 address counts as the number it is, so that it is less than any other of 128 bits. */
static int number_compare(const struct addr *a, const struct addr *b)
{
	uint8_t numbers[2][16] = { { 0 }, { 0 } };
	const struct addr *both[2] = { a, b };
	for (unsigned i = 0; i < 2; i++)
		memcpy(numbers[i] + (both[i]->is_v4 ? 12 : 0),
		       both[i]->bytes + (both[i]->is_v4 ? 12 : 0), both[i]->is_v4 ? 4 : 16);
	return memcmp(numbers[0], numbers[1], sizeof numbers[0]);
}

/* 5.6 and 5.7: the longest prefix, IPv4 counted with 96 more; then the smaller prefix. */
static bool address_goes_before(const struct verdict *a, const struct verdict *b)
{
	if (whole_length(a) != whole_length(b))
		return whole_length(a) > whole_length(b);
	struct addr masked[2] = { addr_masked(&a->addr, a->prefix_length),
		                  addr_masked(&b->addr, b->prefix_length) };
	return number_compare(&masked[0], &masked[1]) < 0;
}

bool verdict_goes_before(const struct policy *p, const struct verdict *a, const struct verdict *b)
{
	if (a->action == POLICY_NONE || b->action == POLICY_NONE)
		return a->action != POLICY_NONE;
	if (a->tier != b->tier)
		return a->tier < b->tier;
	if (a->list >= p->n_lists || !p->lists[a->list].is_rpz)
		return false; /* of plain lists the subject that was looked at first */
	unsigned order[2] = { trigger_order(a->trigger), trigger_order(b->trigger) };
	if (order[0] != order[1])
		return order[0] < order[1];
	return order[0] == 3   ? server_goes_before(a, b)
	       : order[0] == 1 ? false
	                       : address_goes_before(a, b);
}
