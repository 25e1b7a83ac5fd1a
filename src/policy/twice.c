/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/twice.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

enum {
	FIRST_ROOM = 256,
	RAW_MAX = 4 * TWICE_MAX, /* each time counts until it is sealed */
};

struct twice {
	struct policy_twice_item *items;
	size_t n, room;
	bool is_over;
	struct policy_twice sealed;
};

uint64_t twice_key(const struct sort_rule *r, uint64_t data)
{
	const uint64_t parts[3] = { r->hash, (uint64_t)r->member.scope << 8 | r->member.action,
		                    data };
	return XXH3_64bits(parts, sizeof parts);
}

int twice_new(struct twice **ret)
{
	struct twice *t = calloc(1, sizeof *t);
	if (t == NULL)
		return -ENOMEM;
	*ret = t;
	return 0;
}

void twice_free(struct twice *t)
{
	if (t == NULL)
		return;
	free(t->items);
	free(t);
}

void twice_clear(struct twice *t)
{
	t->n = 0;
	t->is_over = false;
}

void twice_spoil(struct twice *t)
{
	t->is_over = true;
	t->n = 0;
}

int twice_add(struct twice *t, uint64_t key)
{
	if (t->is_over || t->n == RAW_MAX) {
		twice_spoil(t);
		return 0;
	}
	if (t->n == t->room) {
		size_t room = t->room == 0 ? FIRST_ROOM : 2 * t->room;
		struct policy_twice_item *more = reallocarray(t->items, room, sizeof *more);
		if (more == NULL)
			return -ENOMEM;
		t->items = more;
		t->room = room;
	}
	t->items[t->n++] = (struct policy_twice_item){ .key = key, .n = 2 };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct policy_twice_item *x = a, *y = b;
	return x->key < y->key ? -1 : x->key > y->key;
}

const struct policy_twice *twice_seal(struct twice *t)
{
	size_t n = 0;
	if (t->n > 1)
		qsort(t->items, t->n, sizeof *t->items, compare);
	for (size_t i = 0; i < t->n; i++) {
		if (n > 0 && t->items[n - 1].key == t->items[i].key)
			t->items[n - 1].n += t->items[i].n - 1;
		else
			t->items[n++] = t->items[i];
	}
	t->n = n;
	if (t->is_over || n > TWICE_MAX)
		return NULL;
	t->sealed = (struct policy_twice){ .items = t->items, .n = (uint32_t)n };
	return &t->sealed;
}

uint32_t twice_find(const struct policy_twice *t, uint64_t key)
{
	uint32_t from = 0, to = t->n;
	while (from < to) {
		uint32_t at = from + (to - from) / 2;
		if (t->items[at].key < key)
			from = at + 1;
		else
			to = at;
	}
	return from < t->n && t->items[from].key == key ? t->items[from].n : 1;
}
