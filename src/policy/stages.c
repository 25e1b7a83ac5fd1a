/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Groups with policy zones: the order in which the parts of a question and its answer are judged, and
 * where it ends (docs/why/008). What the parts are their owners know: serve/stage.c, replay/compare.c.
 */
#include "policy/policy.h"

void policy_stages_take(struct policy_stages *s, struct verdict *v)
{
	if (verdict_goes_before(s->policy, v, s->best)) {
		verdict_keep_logged(v, s->best);
		*s->best = *v;
	} else {
		verdict_keep_logged(s->best, v);
	}
}

static bool has_best(const struct policy_stages *s)
{
	return s->best->action != POLICY_NONE;
}

/* All that is known by now has been taken. */
static bool is_early(const struct policy_stages *s)
{
	return !s->is_strict && has_best(s);
}

bool policy_stages_run(struct policy_stages *s)
{
	for (unsigned hop = 0; hop <= s->n_targets && !has_best(s); hop++) {
		s->take_name(s->arg, hop);
		if (is_early(s))
			break;
		s->take_servers(s->arg, hop);
		if (is_early(s))
			break;
		if (hop == s->n_targets)
			s->take_addresses(s->arg);
	}
	return has_best(s);
}
