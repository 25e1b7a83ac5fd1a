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

static int compare_items(const void *a, const void *b)
{
	const struct override *x = a, *y = b;
	return x->name_hash < y->name_hash ? -1 : x->name_hash > y->name_hash;
}

void overrides_seal(struct overrides *o)
{
	if (o->n_off > 0)
		qsort(o->off, o->n_off, sizeof *o->off, compare_hashes);
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
		for (unsigned kind = 0; kind < OVERRIDE_N_KINDS; kind++) {
			if ((kinds & 1U << kind) == 0)
				continue;
			unsigned covering = flag_of(kind, POLICY_SCOPE_TREE);
			covering |=
				i > 0 ? flag_of(kind, POLICY_SCOPE_BELOW) : flag_of(kind, scope);
			if ((found->flags & covering) != 0)
				return true;
		}
	}
	return false;
}
