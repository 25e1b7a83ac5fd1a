/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/diff.c - a list changed by what its next version differs in.
 *
 * Lines go and come; rules go when the last line that makes them has gone, and come with the first. How
 * often a rule stands in the list is 1 if the image has it, unless policy/twice.h says more.
 *
 * Tests:     tests/unit/policy/diff_test.c
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/build.h"

enum {
	FIRST_ROOM = 1024
};

struct diff_rule {
	struct sort_rule rule; /* its data: in the diff's sets */
	int32_t by;
};

struct policy_diff {
	struct sets sets; /* of local data only */
	struct diff_rule *rules;
	size_t n, room;
	uint64_t lengths_v4, lengths_v6[3];
};

int policy_diff_new(struct policy_diff **ret)
{
	struct policy_diff *d = calloc(1, sizeof *d);
	if (d == NULL)
		return -ENOMEM;
	int e = sets_init(&d->sets);
	if (e != 0)
		free(d);
	else
		*ret = d;
	return e;
}

void policy_diff_free(struct policy_diff *d)
{
	if (d == NULL)
		return;
	sets_done(&d->sets);
	free(d->rules);
	free(d);
}

static int put(struct policy_diff *d, bool is_gone, const struct sort_rule *r)
{
	if (d->n == d->room) {
		size_t room = d->room == 0 ? FIRST_ROOM : 2 * d->room;
		struct diff_rule *more = reallocarray(d->rules, room, sizeof *more);
		if (more == NULL)
			return -ENOMEM;
		d->rules = more;
		d->room = room;
	}
	d->rules[d->n++] = (struct diff_rule){ .rule = *r, .by = is_gone ? -1 : 1 };
	return 0;
}

int policy_diff_name(struct policy_diff *d, bool is_gone, const uint8_t *lower,
                     const struct policy_rule *rule)
{
	struct sort_rule r;
	int e = build_name_rule(&d->sets, lower, rule, &r);
	return e == 0 ? put(d, is_gone, &r) : e;
}

int policy_diff_prefix(struct policy_diff *d, bool is_gone, const struct addr_prefix *prefix,
                       const struct policy_rule *rule)
{
	struct sort_rule r;
	int e = build_prefix_rule(&d->sets, prefix, rule, &r);
	if (e != 0)
		return e;
	if (prefix->addr.is_v4)
		d->lengths_v4 |= 1ULL << prefix->length;
	else
		d->lengths_v6[prefix->length / 64] |= 1ULL << prefix->length % 64;
	return put(d, is_gone, &r);
}

/* ---- what it comes to ---- */

/* Equal rules have equal data, and equal data have one number. */
static int compare(const void *a, const void *b)
{
	const struct diff_rule *x = a, *y = b;
	if (x->rule.hash != y->rule.hash)
		return x->rule.hash < y->rule.hash ? -1 : 1;
	return memcmp(&x->rule.member, &y->rule.member, sizeof x->rule.member);
}

/* Equal ones become one; what comes and goes as often is nothing. */
static void add_up(struct policy_diff *d)
{
	size_t n = 0;
	if (d->n > 1)
		qsort(d->rules, d->n, sizeof *d->rules, compare);
	for (size_t i = 0, next; i < d->n; i = next) {
		int32_t by = 0;
		for (next = i; next < d->n && compare(&d->rules[i], &d->rules[next]) == 0; next++)
			by += d->rules[next].by;
		if (by == 0)
			continue;
		d->rules[n] = d->rules[i];
		d->rules[n++].by = by;
	}
	d->n = n;
}

/* ---- what the list has ---- */

struct having {
	const struct policy_image *image; /* the rules' own */
	const struct image_member *members;
	uint32_t n;
	uint16_t list;
};

static struct having find(const struct policy_image *i, uint16_t list, uint64_t hash)
{
	struct having h = { .image = i, .list = list };
	uint32_t set = image_find(i, hash);
	if (set == 0)
		return h;
	h.members = image_rules(i, set, &h.n);
	if (i->below != NULL && (set & IMAGE_SET_OVER) == 0)
		h.image = i->below;
	return h;
}

static uint64_t digest_in(const struct policy_image *i, uint32_t id)
{
	const uint8_t *bytes = (const uint8_t *)i->header;
	const void *data = bytes + image_layout(i->header).data;
	return sets_data_digest(data, i->blob, id);
}

static bool is_rule(const struct having *h, const struct image_member *m, const struct sort_rule *r,
                    uint64_t data)
{
	return m->list == h->list && m->scope == (r->member.scope & ~SORT_FLAGS) &&
	       m->action == r->member.action && digest_in(h->image, m->data) == data;
}

/* Rules of the same kind, whatever they do. */
static uint32_t count_alike(const struct having *h, const struct sort_rule *r)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < h->n; i++)
		n += h->members[i].list == h->list &&
		     h->members[i].scope == (r->member.scope & ~SORT_FLAGS);
	return n;
}

/* ---- into the builder ---- */

struct applying {
	struct policy_builder *b;
	struct policy_diff *d;
	struct sets_source data; /* of the diff, to the builder's */
	uint16_t list;
	bool is_single;
	const struct policy_twice *twice;
	struct policy_twice changes; /* of it: n as it is then */
};

static uint64_t digest_of(const struct policy_diff *d, const struct sort_rule *r)
{
	return sets_data_digest(d->sets.data, d->sets.blob, r->member.data);
}

static int put_rule(struct applying *a, const struct sort_rule *of, unsigned flags)
{
	struct sort_rule r = *of;
	int e = sets_data_copy(&a->b->sets, &a->data, of->member.data, &r.member.data);
	if (e != 0)
		return e;
	r.member.list = a->list;
	r.member.scope |= (uint8_t)flags;
	build_note_kind(a->b, &r.member);
	return sort_add(&a->b->sort, &r);
}

/* How often it was there, and is: by the image and by what is known of it. */
static void count(const struct applying *a, const struct diff_rule *x, const struct having *h,
                  int64_t *ret_before, int64_t *ret_after)
{
	uint64_t data = digest_of(a->d, &x->rule);
	*ret_before = 0;
	for (uint32_t i = 0; i < h->n && *ret_before == 0; i++) {
		if (is_rule(h, &h->members[i], &x->rule, data))
			*ret_before = twice_find(a->twice, twice_key(&x->rule, data));
	}
	*ret_after = *ret_before + x->by;
}

/* Of one hash: where only one rule of a kind may be, some must go before another comes. */
static bool is_crowded(const struct applying *a, size_t from, size_t to, const struct having *h)
{
	for (size_t i = from; i < to; i++) {
		const struct diff_rule *x = &a->d->rules[i];
		int64_t n = count_alike(h, &x->rule);
		for (size_t k = from; k < to; k++) {
			const struct diff_rule *y = &a->d->rules[k];
			n += y->rule.member.scope == x->rule.member.scope ? y->by : 0;
		}
		if (x->by > 0 && n > 1)
			return true;
	}
	return false;
}

/* The rules of one hash: first what goes, so that there is room for what comes. */
static int apply_hash(struct applying *a, size_t from, size_t to)
{
	struct having h = find(a->b->from, a->list, a->d->rules[from].rule.hash);
	if (a->is_single && is_crowded(a, from, to, &h))
		return -ESTALE;
	for (int comes = 0; comes < 2; comes++) {
		for (size_t i = from; i < to; i++) {
			const struct diff_rule *x = &a->d->rules[i];
			int64_t before, after;
			if ((x->by > 0) != (comes == 1))
				continue;
			count(a, x, &h, &before, &after);
			if (after < 0 || after > INT32_MAX || (a->is_single && after > 1))
				return -ESTALE;
			int e = 0;
			if (before == 0 || after == 0)
				e = put_rule(a, &x->rule, after == 0 ? SORT_IS_REMOVE : 0);
			if (e != 0)
				return e;
			if (before > 1 || after > 1)
				a->changes.items[a->changes.n++] = (struct policy_twice_item){
					.key = twice_key(&x->rule, digest_of(a->d, &x->rule)),
					.n = (uint32_t)after
				};
		}
	}
	return 0;
}

static int compare_items(const void *a, const void *b)
{
	const struct policy_twice_item *x = a, *y = b;
	return x->key < y->key ? -1 : x->key > y->key;
}

/* What was known, with the changes. */
static int merge_twice(struct applying *a, struct policy_twice *ret)
{
	struct policy_twice *c = &a->changes, out = { 0 };
	const struct policy_twice *t = a->twice;
	uint32_t i = 0;
	out.items = calloc((size_t)t->n + c->n + 1, sizeof *out.items);
	if (out.items == NULL)
		return -ENOMEM;
	if (c->n > 1)
		qsort(c->items, c->n, sizeof *c->items, compare_items);
	for (uint32_t k = 0; k <= c->n; k++) {
		while (i < t->n && (k == c->n || t->items[i].key < c->items[k].key))
			out.items[out.n++] = t->items[i++];
		if (k == c->n)
			break;
		i += i < t->n && t->items[i].key == c->items[k].key;
		if (c->items[k].n > 1)
			out.items[out.n++] = c->items[k];
	}
	*ret = out;
	return 0;
}

static int apply(struct applying *a)
{
	const struct policy_diff *d = a->d;
	int e = 0;
	for (size_t i = 0, next; e == 0 && i < d->n; i = next) {
		next = i + 1;
		while (next < d->n && d->rules[next].rule.hash == d->rules[i].rule.hash)
			next++;
		e = apply_hash(a, i, next);
	}
	return e == -E2BIG ? -ESTALE : e;
}

int policy_builder_apply(struct policy_builder *b, uint16_t list, struct policy_diff *d,
                         const struct policy_twice *twice, bool is_single,
                         struct policy_twice *ret_twice)
{
	must(list < b->n_lists && b->fates[list] == BUILD_CHANGED);
	add_up(d);
	struct applying a = {
		.b = b,
		.d = d,
		.data = { .data = d->sets.data,
		          .blob = d->sets.blob,
		          .data_ids = calloc(d->sets.n_data, sizeof *a.data.data_ids) },
		.list = list,
		.is_single = is_single,
		.twice = twice,
		.changes = { .items = calloc(d->n + 1, sizeof *a.changes.items) },
	};
	int e = a.data.data_ids != NULL && a.changes.items != NULL ? apply(&a) : -ENOMEM;
	if (e == 0)
		e = merge_twice(&a, ret_twice);
	b->lengths_v4 |= d->lengths_v4;
	for (int i = 0; i < 3; i++)
		b->lengths_v6[i] |= d->lengths_v6[i];
	free(a.data.data_ids);
	free(a.changes.items);
	return e;
}

/* ---- of lists that come anew ---- */

int policy_builder_watch(struct policy_builder *b, uint16_t list)
{
	must(list < b->n_lists);
	if (b->twice == NULL)
		b->twice = calloc(b->n_lists + 1U, sizeof(struct twice *));
	if (b->twice == NULL)
		return -ENOMEM;
	return b->twice[list] == NULL ? twice_new(&b->twice[list]) : 0;
}

const struct policy_twice *policy_builder_twice(struct policy_builder *b, uint16_t list)
{
	must(list < b->n_lists && b->twice != NULL && b->twice[list] != NULL);
	return twice_seal(b->twice[list]);
}
