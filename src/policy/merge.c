/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/merge.c - the rules that came, and the image they come upon, in the order of hashes.
 *
 * Three sequences in the same order are read side by side: the image's own entries, those of its
 * overlay, and the sorted rules. Where no list comes anew only the hashes of the overlay and of the
 * rules matter, and the image is asked for those instead of being read through.
 *
 * Tests:     tests/unit/policy/merge_test.c
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/build.h"
#include "policy/stream.h"

enum {
	UNKNOWN = UINT32_MAX
};

/* One of the two images that sets are taken over from. */
struct layer {
	const struct policy_image *image; /* NULL: there is none */
	struct stream stream;
	bool has_next;
	struct sets_source kept, all; /* without, and with what the builder has done with */
	uint32_t *kept_ids, *all_ids; /* by set; UNKNOWN: not asked for yet */
	uint32_t *data_ids;
};

struct merge {
	struct policy_builder *b;
	enum merge_kind kind;
	uint32_t max;
	struct spool *to;
	struct layer bottom, over;
	bool is_probing;                         /* the bottom is asked, not read */
	uint16_t numbers[POLICY_MAX_LISTS];      /* of the lists in what is written */
	uint16_t kept_numbers[POLICY_MAX_LISTS]; /* and without those whose rules go */
	uint32_t left_out[POLICY_MAX_LISTS];
	const struct sort_rule *rules; /* of this bucket */
	size_t n_rules, at_rule;
	unsigned bucket;
};

/* ---- what was there ---- */

static uint32_t *unknown_ids(uint32_t n)
{
	uint32_t *ids = reallocarray(NULL, n, sizeof *ids);
	if (ids != NULL)
		memset(ids, 0xff, n * sizeof *ids);
	return ids;
}

static int layer_init(struct merge *m, struct layer *l, const struct policy_image *image,
                      bool is_streamed)
{
	l->image = image;
	int e = stream_init(&l->stream, is_streamed ? image : NULL);
	if (e != 0 || image == NULL)
		return e;
	const struct image_header *h = image->header;
	l->kept_ids = unknown_ids(h->n_sets);
	l->all_ids = unknown_ids(h->n_sets);
	l->data_ids = calloc(h->n_data, sizeof *l->data_ids);
	if (l->kept_ids == NULL || l->all_ids == NULL || l->data_ids == NULL)
		return -ENOMEM;
	l->all = (struct sets_source){
		.sets = image->sets,
		.members = image->members,
		.data = (const void *)((const uint8_t *)h + image_layout(h).data),
		.blob = image->blob,
		.data_ids = l->data_ids,
		.lists = m->numbers,
	};
	l->kept = l->all;
	l->kept.lists = m->kept_numbers;
	return 0;
}

static void layer_done(struct layer *l)
{
	stream_done(&l->stream);
	free(l->kept_ids);
	free(l->all_ids);
	free(l->data_ids);
}

static int layer_next(struct layer *l)
{
	int got = stream_next(&l->stream);
	l->has_next = got == 1;
	return got < 0 ? got : 0;
}

/* The copy of a set of the layer, with what stays of it or with all of it. */
static int layer_set(struct merge *m, struct layer *l, uint32_t set, bool all, uint32_t *ret)
{
	uint32_t *id = all ? &l->all_ids[set] : &l->kept_ids[set];
	if (*id == UNKNOWN) {
		int e = sets_copy(&m->b->sets, all ? &l->all : &l->kept, set, id);
		if (e != 0) {
			*id = UNKNOWN;
			return e == -E2BIG ? -EBADMSG : e;
		}
	}
	*ret = *id;
	return 0;
}

/* Has the set a rule that goes? Told without copying it: most sets stay where they are. */
static bool set_is_touched(const struct merge *m, const struct layer *l, uint32_t set)
{
	const struct image_set *s = &l->image->sets[set];
	for (uint32_t i = 0; i < s->n; i++) {
		if (m->kept_numbers[l->image->members[s->first + i].list] == POLICY_NO_LIST)
			return true;
	}
	return false;
}

/* ---- one hash ---- */

struct found {
	uint64_t hash;
	bool has_over;
	uint32_t bottom, over; /* sets; 0: none */
	const struct sort_rule *rules;
	size_t n_rules;
};

static void count_own(struct image_list *l, const struct sets *s, uint32_t set, uint16_t list,
                      uint32_t by)
{
	const struct image_set *of = &s->sets[set];
	for (uint32_t i = 0; i < of->n; i++) {
		const struct image_member *m = &s->members[of->first + i];
		unsigned own = image_own_match(m->scope);
		if (m->list == list && own > 0)
			l->n_own[own - 1] += by;
	}
}

static void count(struct merge *m, const struct sort_rule *r, uint32_t before, uint32_t after)
{
	struct image_list *l = &m->b->lists[r->member.list];
	uint32_t *n = (r->member.scope & SORT_IS_PREFIX) != 0 ? &l->n_prefixes : &l->n_names;
	*n += m->b->sets.sets[after].n - m->b->sets.sets[before].n;
	uint16_t number = m->numbers[r->member.list];
	count_own(l, &m->b->sets, before, number, -1U);
	count_own(l, &m->b->sets, after, number, 1);
}

/* A name of a list has SETS_MAX_RULES rules already. */
static void leave_out(struct merge *m, uint16_t list)
{
	struct policy_builder *b = m->b;
	m->left_out[list]++;
	b->is_crowded |= b->fates[list] == BUILD_CHANGED;
	if (b->twice != NULL && b->twice[list] != NULL)
		twice_spoil(b->twice[list]);
}

/* It changes nothing: the rule is there already, or is not. */
static int note_twice(struct merge *m, const struct sort_rule *r)
{
	struct policy_builder *b = m->b;
	struct twice *t = b->twice != NULL ? b->twice[r->member.list] : NULL;
	if (t == NULL || (r->member.scope & SORT_IS_REMOVE) != 0)
		return 0;
	uint64_t data = sets_data_digest(b->sets.data, b->sets.blob, r->member.data);
	return twice_add(t, twice_key(r, data));
}

static int rule_apply(struct merge *m, const struct sort_rule *r, uint32_t *set)
{
	struct sets *s = &m->b->sets;
	struct image_member member = r->member;
	member.scope &= (uint8_t)~SORT_FLAGS;
	member.list = m->numbers[r->member.list];
	uint32_t to = *set;
	int e = (r->member.scope & SORT_IS_REMOVE) != 0 ? sets_remove(s, *set, &member, &to)
	                                                : sets_add(s, *set, &member, &to);
	if (e == -E2BIG) {
		leave_out(m, r->member.list);
		return 0;
	}
	if (e == 0 && to == *set)
		return note_twice(m, r);
	if (e != 0)
		return e;
	count(m, r, *set, to);
	*set = to;
	return 0;
}

static int hash_merge(struct merge *m, const struct found *f)
{
	struct layer *l = f->has_over ? &m->over : &m->bottom;
	uint32_t was = f->has_over ? f->over : f->bottom;
	uint32_t set = 0;
	uint32_t below = 0;
	/* What the overlay says nothing of and nobody touches stays where it is. */
	if (m->kind == MERGE_OVERLAY && f->n_rules == 0 && !f->has_over &&
	    !set_is_touched(m, l, was))
		return 0;
	int e = was != 0 ? layer_set(m, l, was, false, &set) : 0;
	for (size_t i = 0; e == 0 && i < f->n_rules; i++)
		e = rule_apply(m, &f->rules[i], &set);
	if (e == 0 && m->kind == MERGE_OVERLAY && f->bottom != 0)
		e = layer_set(m, &m->bottom, f->bottom, true, &below);
	if (e != 0 || set == below)
		return e;
	if (m->to->n >= m->max)
		return -EFBIG;
	return spool_put(m->to, f->hash, set);
}

/* ---- all of them ---- */

static int rules_next(struct merge *m)
{
	while (m->at_rule == m->n_rules && m->bucket < sort_n_buckets(&m->b->sort)) {
		int e = sort_bucket(&m->b->sort, m->bucket++, &m->rules, &m->n_rules);
		if (e != 0)
			return e;
		m->at_rule = 0;
	}
	return 0;
}

/* What comes next, of all three; false at the end. */
static bool found_next(struct merge *m, struct found *ret)
{
	bool has_rules = m->at_rule < m->n_rules;
	uint64_t hash = UINT64_MAX;
	if (!has_rules && !m->bottom.has_next && !m->over.has_next)
		return false;
	if (has_rules)
		hash = m->rules[m->at_rule].hash;
	if (m->bottom.has_next && m->bottom.stream.hash < hash)
		hash = m->bottom.stream.hash;
	if (m->over.has_next && m->over.stream.hash < hash)
		hash = m->over.stream.hash;
	*ret = (struct found){ .hash = hash, .rules = has_rules ? m->rules + m->at_rule : NULL };
	while (m->at_rule < m->n_rules && m->rules[m->at_rule].hash == hash) {
		m->at_rule++;
		ret->n_rules++;
	}
	if (m->is_probing)
		ret->bottom = image_find_here(m->bottom.image, hash);
	else if (m->bottom.has_next && m->bottom.stream.hash == hash)
		ret->bottom = m->bottom.stream.set;
	ret->has_over = m->over.has_next && m->over.stream.hash == hash;
	if (ret->has_over)
		ret->over = m->over.stream.set;
	return true;
}

static int merge_all(struct merge *m)
{
	struct found f;
	int e = layer_next(&m->bottom);
	if (e == 0)
		e = layer_next(&m->over);
	if (e == 0)
		e = rules_next(m);
	while (e == 0 && found_next(m, &f)) {
		e = hash_merge(m, &f);
		if (e == 0 && m->bottom.has_next && m->bottom.stream.hash == f.hash)
			e = layer_next(&m->bottom);
		if (e == 0 && f.has_over)
			e = layer_next(&m->over);
		if (e == 0)
			e = rules_next(m);
	}
	return e;
}

/* Numbers and counts of the lists before the first rule. True: some list's old rules go. */
static bool lists_begin(struct merge *m)
{
	struct policy_builder *b = m->b;
	uint16_t next = 0;
	bool some_go = false;
	for (uint32_t i = 0; i < b->n_lists; i++) {
		enum build_fate fate = b->fates[i];
		bool is_there = fate != BUILD_DROPPED || m->kind == MERGE_OVERLAY;
		bool is_old = i < b->n_from_lists;
		bool stays = is_there && fate != BUILD_NEW;
		m->numbers[i] = is_there ? next++ : POLICY_NO_LIST;
		m->kept_numbers[i] = stays ? m->numbers[i] : POLICY_NO_LIST;
		some_go |= is_old && !stays;
		b->lists[i].n_names = stays ? b->from->lists[i].n_names : 0;
		b->lists[i].n_prefixes = stays ? b->from->lists[i].n_prefixes : 0;
		for (unsigned own = 0; own < POLICY_MATCH_COUNT; own++)
			b->lists[i].n_own[own] = stays ? b->from->lists[i].n_own[own] : 0;
	}
	return some_go;
}

int merge_run(struct policy_builder *b, enum merge_kind kind, uint32_t max, struct spool *to)
{
	struct merge *m = calloc(1, sizeof *m);
	if (m == NULL)
		return -ENOMEM;
	m->b = b;
	m->kind = kind;
	m->max = max;
	m->to = to;
	b->is_crowded = false;
	for (uint32_t i = 0; b->twice != NULL && i < b->n_lists; i++) {
		if (b->twice[i] != NULL)
			twice_clear(b->twice[i]);
	}
	bool some_go = lists_begin(m);
	const struct policy_image *bottom = b->from != NULL ? image_bottom(b->from) : NULL;
	const struct policy_image *over = bottom != b->from ? b->from : NULL;
	m->is_probing = kind == MERGE_OVERLAY && !some_go;
	int e = layer_init(m, &m->bottom, bottom, !m->is_probing);
	if (e == 0)
		e = layer_init(m, &m->over, over, true);
	if (e == 0)
		e = merge_all(m);
	if (e == 0 && b->is_crowded)
		e = -ERANGE;
	for (uint32_t i = 0; e == 0 && i < b->n_lists; i++)
		b->lists[i].n_skipped += m->left_out[i];
	layer_done(&m->bottom);
	layer_done(&m->over);
	free(m);
	return e;
}
