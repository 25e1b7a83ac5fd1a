/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/overrides.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SCOPES = 3
};

static unsigned flag_of(enum override_kind kind, enum policy_scope scope)
{
	return 1U << ((unsigned)kind * SCOPES + (unsigned)scope);
}

void overrides_done(struct overrides *o)
{
	free(o->items);
	free(o->typed);
	free(o->off);
	*o = (struct overrides){ 0 };
}

/* Room for one more of `size` bytes. */
static int grow(void **items, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return 0;
	if (n >= OVERRIDES_MAX)
		return -E2BIG;
	size_t more = *room == 0 ? 64 : *room * 2;
	void *bigger = reallocarray(*items, more, size);
	if (bigger == NULL)
		return -ENOMEM;
	*items = bigger;
	*room = more;
	return 0;
}

int overrides_add(struct overrides *o, const uint8_t *lower, enum policy_scope scope,
                  enum override_kind kind, uint64_t text_hash)
{
	void *items = o->items;
	int e = grow(&items, o->n, &o->room, sizeof *o->items);
	o->items = items;
	if (e != 0)
		return e;
	o->items[o->n++] = (struct override){
		.name_hash = name_hash(lower),
		.text_hash = text_hash,
		.flags = (uint16_t)flag_of(kind, scope),
	};
	return 0;
}

int overrides_add_types(struct overrides *o, const uint8_t *lower, enum policy_scope scope,
                        enum override_kind kind, uint64_t text_hash, const struct type_set *types)
{
	void *typed = o->typed;
	int e = grow(&typed, o->n_typed, &o->typed_room, sizeof *o->typed);
	o->typed = typed;
	if (e != 0)
		return e;
	o->typed[o->n_typed++] = (struct override_of_types){
		.of = { .name_hash = name_hash(lower),
		        .text_hash = text_hash,
		        .flags = (uint16_t)flag_of(kind, scope) },
		.types = *types,
	};
	return 0;
}

int overrides_add_off(struct overrides *o, uint64_t text_hash)
{
	void *off = o->off;
	int e = grow(&off, o->n_off, &o->off_room, sizeof *o->off);
	o->off = off;
	if (e != 0)
		return e;
	o->off[o->n_off++] = text_hash;
	return 0;
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static int compare_typed(const void *a, const void *b)
{
	const struct override_of_types *x = a, *y = b;
	return x->of.name_hash < y->of.name_hash ? -1 : x->of.name_hash > y->of.name_hash;
}

static int compare_items(const void *a, const void *b)
{
	const struct override *x = a, *y = b;
	return x->name_hash < y->name_hash ? -1 : x->name_hash > y->name_hash;
}

static void seal_typed(struct overrides *o)
{
	size_t kept = 0;
	for (size_t i = 0; i < o->n_typed; i++) {
		if (!overrides_is_off(o, o->typed[i].of.text_hash))
			o->typed[kept++] = o->typed[i];
	}
	o->n_typed = kept;
	if (kept > 0)
		qsort(o->typed, kept, sizeof *o->typed, compare_typed);
}

void overrides_seal(struct overrides *o)
{
	if (o->n_off > 0)
		qsort(o->off, o->n_off, sizeof *o->off, compare_hashes);
	seal_typed(o);
	size_t kept = 0;
	for (size_t i = 0; i < o->n; i++) {
		if (!overrides_is_off(o, o->items[i].text_hash))
			o->items[kept++] = o->items[i];
	}
	o->n = kept;
	if (o->n == 0)
		return;
	qsort(o->items, o->n, sizeof *o->items, compare_items);
	kept = 0;
	for (size_t i = 1; i < o->n; i++) {
		if (o->items[i].name_hash == o->items[kept].name_hash)
			o->items[kept].flags |= o->items[i].flags;
		else
			o->items[++kept] = o->items[i];
	}
	o->n = kept + 1;
}

bool overrides_is_off(const struct overrides *o, uint64_t text_hash)
{
	return o->n_off > 0 &&
	       bsearch(&text_hash, o->off, o->n_off, sizeof *o->off, compare_hashes) != NULL;
}

/* What covers (a name, scope): flags at the name itself, or above it. */
static unsigned covering_flags(unsigned kinds, enum policy_scope scope, bool is_above)
{
	unsigned flags = 0;
	for (unsigned kind = 0; kind < OVERRIDE_N_KINDS; kind++) {
		if ((kinds & 1U << kind) == 0)
			continue;
		flags |= flag_of(kind, POLICY_SCOPE_TREE);
		flags |= is_above ? flag_of(kind, POLICY_SCOPE_BELOW) : flag_of(kind, scope);
	}
	return flags;
}

bool overrides_cover(const struct overrides *o, const uint8_t *lower, enum policy_scope scope,
                     unsigned kinds)
{
	if (o->n == 0)
		return false;
	struct name_hashes hashes;
	name_hash_all(lower, &hashes);
	for (unsigned i = 0; i <= hashes.n; i++) {
		struct override wanted = { .name_hash = hashes.h[i] };
		const struct override *found =
			bsearch(&wanted, o->items, o->n, sizeof *o->items, compare_items);
		if (found == NULL)
			continue;
		if ((found->flags & covering_flags(kinds, scope, i > 0)) != 0)
			return true;
	}
	return false;
}

/* The first of that name; NULL: there is none. */
static const struct override_of_types *find_typed(const struct overrides *o, uint64_t hash)
{
	size_t low = 0, high = o->n_typed;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (o->typed[middle].of.name_hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low < o->n_typed && o->typed[low].of.name_hash == hash ? &o->typed[low] : NULL;
}

bool overrides_leave(const struct overrides *o, const uint8_t *lower, enum policy_scope scope,
                     unsigned kinds, struct type_set *types)
{
	if (overrides_cover(o, lower, scope, kinds)) {
		*types = (struct type_set){ 0 };
		return true;
	}
	if (o->n_typed == 0)
		return true;
	struct name_hashes hashes;
	name_hash_all(lower, &hashes);
	for (unsigned i = 0; i <= hashes.n; i++) {
		const struct override_of_types *t = find_typed(o, hashes.h[i]);
		for (; t != NULL && t < o->typed + o->n_typed && t->of.name_hash == hashes.h[i];
		     t++) {
			if ((t->of.flags & covering_flags(kinds, scope, i > 0)) != 0 &&
			    !type_set_remove(types, &t->types))
				return false;
		}
	}
	return true;
}
