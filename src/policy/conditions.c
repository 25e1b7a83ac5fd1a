/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a list holds for beside its rules: types, hours, new domains, some top-level domains. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot.h"

static int compare_hashes(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

int list_set_conditions(struct policy_list *l, const struct policy_list_spec *spec)
{
	if (spec->n_types > POLICY_LIST_TYPES || spec->n_suffixes > POLICY_LIST_SUFFIXES)
		return -EINVAL;
	memcpy(l->types, spec->types, sizeof l->types);
	l->n_types = spec->n_types;
	l->types_are_not = spec->types_are_not;
	l->has_hours = spec->has_hours;
	atomic_init(&l->is_asleep, spec->has_hours && spec->is_asleep);
	l->first_seen_s = spec->first_seen_s;
	if (spec->n_suffixes == 0)
		return 0;
	l->suffixes = calloc(spec->n_suffixes, sizeof *l->suffixes);
	if (l->suffixes == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < spec->n_suffixes; i++)
		l->suffixes[i] = name_hash(spec->suffixes[i].wire);
	qsort(l->suffixes, spec->n_suffixes, sizeof *l->suffixes, compare_hashes);
	l->n_suffixes = spec->n_suffixes;
	l->suffixes_are_not = spec->suffixes_are_not;
	return 0;
}

static bool has_suffix(const struct policy_list *l, uint64_t hash)
{
	uint32_t from = 0, to = l->n_suffixes;
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		if (l->suffixes[middle] == hash)
			return true;
		if (l->suffixes[middle] < hash)
			from = middle + 1;
		else
			to = middle;
	}
	return false;
}

static bool is_within(const struct policy_list *l, const struct name_hashes *hashes)
{
	for (unsigned i = 0; i < hashes->n; i++) {
		if (has_suffix(l, hashes->h[i]))
			return true;
	}
	return false;
}

/* A type that is not known (0) is none of those that are named. */
static bool has_type(const struct policy_list *l, uint16_t type)
{
	for (unsigned i = 0; i < l->n_types; i++) {
		if (l->types[i] == type)
			return !l->types_are_not;
	}
	return l->n_types == 0 || (l->types_are_not && type != 0);
}

enum list_off list_off(const struct policy_list *l, const struct policy_terms *terms,
                       const struct name_hashes *hashes)
{
	if (atomic_load_explicit(&l->is_asleep, memory_order_relaxed))
		return LIST_ASLEEP;
	if (!has_type(l, terms->type))
		return LIST_OTHER_TYPE;
	if (l->first_seen_s > 0 && (!terms->has_age || terms->age_s >= l->first_seen_s))
		return LIST_OLD_DOMAIN;
	if (l->n_suffixes == 0)
		return LIST_HOLDS;
	if (hashes == NULL)
		hashes = terms->question;
	return hashes != NULL && is_within(l, hashes) != l->suffixes_are_not ? LIST_HOLDS
	                                                                     : LIST_OTHER_SUFFIX;
}

const char *policy_list_why_off(const struct policy *p, uint16_t list,
                                const struct policy_terms *terms, const struct name_hashes *hashes)
{
	/* clang-format off */
	static const char *const texts[] = {
		[LIST_HOLDS]        = "the rule is for other types of questions",
		[LIST_ASLEEP]       = "the list does not hold at this hour",
		[LIST_OTHER_TYPE]   = "the list is for other types of questions",
		[LIST_OLD_DOMAIN]   = "the list is for domains that are new here",
		[LIST_OTHER_SUFFIX] = "the list is for names in other top-level domains",
	};
	/* clang-format on */
	return list < p->n_lists ? texts[list_off(&p->lists[list], terms, hashes)] : "";
}
