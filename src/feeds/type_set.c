/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/type_set.h"

static bool is_among(const struct type_set *s, uint16_t type)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->types[i] == type)
			return true;
	}
	return false;
}

bool type_set_has(const struct type_set *s, uint16_t type)
{
	return is_among(s, type) != s->is_not;
}

/* Those of `from` that are (or are not) in `of`. */
static struct type_set choose(const struct type_set *from, const struct type_set *of, bool are_in)
{
	struct type_set kept = { 0 };
	for (unsigned i = 0; i < from->n; i++) {
		if (type_set_has(of, from->types[i]) == are_in)
			kept.types[kept.n++] = from->types[i];
	}
	return kept;
}

bool type_set_remove(struct type_set *a, const struct type_set *b)
{
	if (!a->is_not) {
		*a = choose(a, b, false);
		return true;
	}
	if (b->is_not) { /* what b leaves out, and a does not */
		*a = choose(b, a, true);
		return true;
	}
	struct type_set both = *a;
	for (unsigned i = 0; i < b->n; i++) {
		if (is_among(&both, b->types[i]))
			continue;
		if (both.n == POLICY_PATTERN_TYPES)
			return false;
		both.types[both.n++] = b->types[i];
	}
	*a = both;
	return true;
}
