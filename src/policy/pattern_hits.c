/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/pattern_hits.h"

#include <string.h>

struct search {
	const struct policy *p;
	const struct policy_part *parts;
	enum policy_match match;
	enum pattern_whose whose;
	const struct pattern_subject *subject;
	struct pattern_hits *hits;
};

/* In its place; when there is no room, the last one goes. */
static void hit_put(struct pattern_hits *hits, const struct pattern_hit *hit)
{
	unsigned at = hits->n < PATTERN_HITS_MAX ? hits->n : PATTERN_HITS_MAX;
	while (at > 0 && hits->at[at - 1].order > hit->order)
		at--;
	if (at == PATTERN_HITS_MAX)
		return;
	if (hits->n < PATTERN_HITS_MAX)
		hits->n++;
	memmove(&hits->at[at + 1], &hits->at[at], (hits->n - 1 - at) * sizeof *hits->at);
	hits->at[at] = *hit;
}

static void on_hit(void *arg, uint32_t number)
{
	const struct search *s = arg;
	const struct policy_image *image = s->p->image;
	const struct policy_pattern_set *set = image->pattern_set;
	if (bug_if(number >= set->n))
		return;
	const struct pattern_rule *r = &set->rules[number];
	struct pattern_hit hit = { .rule = r, .image_list = image->pattern_lists[r->list] };
	if (hit.image_list == POLICY_NO_LIST)
		return;
	const struct policy_part *part = &s->parts[hit.image_list];
	if (!part->is_known || part->match != s->match ||
	    !pattern_has_type(r, s->subject->terms->type) ||
	    (s->whose == PATTERN_OF_GROUP &&
	     (part->rank == RANK_NONE ||
	      !part_holds(s->p, part, hit.image_list, s->subject->terms, s->subject->hashes))))
		return;
	hit.action = rule_action(r->action, part);
	if (hit.action == POLICY_NONE)
		return;
	hit.order = rule_order(r->is_important ? IMAGE_IMPORTANT : 0, hit.action, part->rank);
	hit_put(s->hits, &hit);
}

void pattern_hits_find(const struct policy *p, const struct policy_part *parts,
                       enum policy_match match, enum pattern_whose whose,
                       const struct pattern_subject *subject, struct pattern_hits *ret)
{
	char text[NAME_TEXT_MAX];
	struct search s = {
		.p = p,
		.parts = parts,
		.match = match,
		.whose = whose,
		.subject = subject,
		.hits = ret,
	};
	ret->n = 0;
	if (p->image == NULL || p->image->pattern_set == NULL)
		return;
	size_t n = name_to_text(subject->lower, text);
	patterns_scan(p->image->pattern_set->patterns, text, n, on_hit, &s);
}

const struct policy_data *pattern_hit_data(const struct policy *p, const struct pattern_hit *hit)
{
	if (hit->action != POLICY_ADDRESS && hit->action != POLICY_REDIRECT)
		return NULL;
	const struct policy_data *own = &hit->rule->data;
	if (own->n_addrs > 0 || own->target != NULL)
		return own;
	return &p->lists[p->list_of_image[hit->image_list]].data;
}
