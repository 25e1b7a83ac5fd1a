/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
	FIRST_CAP = 256,
	MAX_BLOB_ITEM = 65536, /* addresses, target and records of one rule */
};

static int grow(void **items, uint32_t *cap, uint64_t need, size_t item_bytes)
{
	if (need <= *cap)
		return 0;
	uint64_t n = (uint64_t)*cap * 2;
	if (n < need)
		n = need;
	if (n < FIRST_CAP)
		n = FIRST_CAP;
	if (n > UINT32_MAX)
		return -ENOSPC;
	void *p = realloc(*items, n * item_bytes);
	if (p == NULL)
		return -ENOMEM;
	*items = p;
	*cap = (uint32_t)n;
	return 0;
}

int sets_init(struct sets *s)
{
	*s = (struct sets){ 0 };
	if (grow((void **)&s->sets, &s->cap_sets, 1, sizeof *s->sets) != 0 ||
	    grow((void **)&s->data, &s->cap_data, 1, sizeof *s->data) != 0) {
		sets_done(s);
		return -ENOMEM;
	}
	s->sets[0] = (struct image_set){ 0 };
	s->data[0] = (struct image_data){ 0 };
	s->n_sets = 1;
	s->n_data = 1;
	return 0;
}

void sets_done(struct sets *s)
{
	free(s->sets);
	free(s->members);
	free(s->by_content);
	free(s->memo);
	free(s->data);
	free(s->data_by_content);
	free(s->blob);
	*s = (struct sets){ 0 };
}

/* ---- ids by content: two tables of the same shape ---- */

struct by_content {
	uint32_t **slots;
	uint32_t *n_slots;
	uint64_t (*hash)(const struct sets *s, uint32_t id);
};

/* Make room for one more among n. Sizes are powers of two, at most half full. */
static int by_content_reserve(const struct sets *s, const struct by_content *b, uint32_t n)
{
	if ((uint64_t)n * 2 + 2 <= *b->n_slots)
		return 0;
	uint32_t n_slots = *b->n_slots == 0 ? FIRST_CAP : *b->n_slots * 2;
	if (n_slots == 0)
		return -ENOSPC;
	uint32_t *slots = calloc(n_slots, sizeof *slots);
	if (slots == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < *b->n_slots; i++) {
		uint32_t id = (*b->slots)[i];
		if (id == 0)
			continue;
		uint32_t at = (uint32_t)b->hash(s, id) & (n_slots - 1);
		while (slots[at] != 0)
			at = (at + 1) & (n_slots - 1);
		slots[at] = id;
	}
	free(*b->slots);
	*b->slots = slots;
	*b->n_slots = n_slots;
	return 0;
}

static uint64_t set_hash(const struct sets *s, uint32_t id)
{
	const struct image_set *set = &s->sets[id];
	return XXH3_64bits(s->members + set->first, set->n * sizeof *s->members);
}

static size_t data_bytes(const struct image_data *d)
{
	return d->n_addrs * sizeof(struct addr) + d->target_bytes + d->records_bytes +
	       2UL * d->n_types;
}

uint64_t sets_data_digest(const struct image_data *data, const uint8_t *blob, uint32_t id)
{
	const struct image_data *d = &data[id];
	uint64_t seed = (uint64_t)d->ttl_s << 32 ^ d->flags << 28 ^ d->n_types << 20 ^ d->n_addrs;
	return id != IMAGE_NO_DATA ? XXH3_64bits_withSeed(blob + d->at, data_bytes(d), seed) : 0;
}

static uint64_t data_hash(const struct sets *s, uint32_t id)
{
	return sets_data_digest(s->data, s->blob, id);
}

static bool set_equal(const struct sets *s, const struct image_set *a, const struct image_set *b)
{
	return a->n == b->n &&
	       memcmp(s->members + a->first, s->members + b->first, a->n * sizeof *s->members) == 0;
}

static bool data_equal(const struct sets *s, const struct image_data *a, const struct image_data *b)
{
	return a->n_addrs == b->n_addrs && a->target_bytes == b->target_bytes &&
	       a->records_bytes == b->records_bytes && a->ttl_s == b->ttl_s &&
	       a->flags == b->flags && a->n_types == b->n_types &&
	       (data_bytes(a) == 0 || /* the blob may not be there yet */
	        memcmp(s->blob + a->at, s->blob + b->at, data_bytes(a)) == 0);
}

/* ---- sets ---- */

/* The order of members in a set is that of their lists; it makes equal sets equal bytes. */
static int member_compare(const struct image_member *a, const struct image_member *b)
{
	if (a->list != b->list)
		return a->list < b->list ? -1 : 1;
	return memcmp(a, b, sizeof *a);
}

/* Lay down `from` with m in its place behind the last set, as set n_sets. */
static int candidate_make(struct sets *s, uint32_t from, const struct image_member *m,
                          bool *ret_has)
{
	struct image_set old = s->sets[from];
	uint64_t need = (uint64_t)s->n_members + old.n + 1;
	int e = grow((void **)&s->members, &s->cap_members, need, sizeof *s->members);
	if (e == 0)
		e = grow((void **)&s->sets, &s->cap_sets, (uint64_t)s->n_sets + 1, sizeof *s->sets);
	if (e != 0)
		return e;
	uint32_t before = 0;
	uint32_t same_list = 0;
	for (uint32_t i = 0; i < old.n; i++) {
		const struct image_member *x = &s->members[old.first + i];
		int order = member_compare(x, m);
		*ret_has = order == 0;
		if (*ret_has)
			return 0;
		before += order < 0;
		same_list += x->list == m->list;
	}
	if (same_list >= SETS_MAX_RULES)
		return -E2BIG;
	struct image_member *to = s->members + s->n_members;
	const struct image_member *of = s->members + old.first;
	memcpy(to, of, before * sizeof *to);
	to[before] = *m;
	memcpy(to + before + 1, of + before, (old.n - before) * sizeof *to);
	s->sets[s->n_sets] = (struct image_set){ .first = s->n_members, .n = old.n + 1 };
	*ret_has = false;
	return 0;
}

/* The id of the set that equals the candidate; the candidate itself if there is none. */
static int candidate_intern(struct sets *s, uint32_t *ret)
{
	struct by_content b = { &s->by_content, &s->n_by_content, set_hash };
	int e = by_content_reserve(s, &b, s->n_sets);
	if (e != 0)
		return e;
	uint32_t candidate = s->n_sets;
	uint32_t mask = s->n_by_content - 1;
	uint32_t at = (uint32_t)set_hash(s, candidate) & mask;
	for (; s->by_content[at] != 0; at = (at + 1) & mask) {
		uint32_t id = s->by_content[at];
		if (set_equal(s, &s->sets[id], &s->sets[candidate])) {
			*ret = id;
			return 0;
		}
	}
	if (candidate >= IMAGE_MAX_SETS)
		return -ENOSPC;
	s->by_content[at] = candidate;
	s->n_members += s->sets[candidate].n;
	s->n_sets++;
	*ret = candidate;
	return 0;
}

static uint64_t member_bits(const struct image_member *m)
{
	uint64_t bits;
	memcpy(&bits, m, sizeof bits);
	return bits;
}

static struct sets_memo *memo_at(struct sets_memo *memo, uint32_t n, uint64_t rule, uint32_t from)
{
	uint64_t mixed = (rule ^ (uint64_t)from * 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;
	uint32_t at = (uint32_t)(mixed >> 32) & (n - 1);
	while (memo[at].to != 0 && (memo[at].rule != rule || memo[at].from != from))
		at = (at + 1) & (n - 1);
	return &memo[at];
}

static int memo_reserve(struct sets *s)
{
	if ((uint64_t)s->n_memo_used * 2 + 2 <= s->n_memo)
		return 0;
	uint32_t n = s->n_memo == 0 ? FIRST_CAP : s->n_memo * 2;
	if (n == 0)
		return -ENOSPC;
	struct sets_memo *memo = calloc(n, sizeof *memo);
	if (memo == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_memo; i++) {
		const struct sets_memo *m = &s->memo[i];
		if (m->to != 0)
			*memo_at(memo, n, m->rule, m->from) = *m;
	}
	free(s->memo);
	s->memo = memo;
	s->n_memo = n;
	return 0;
}

int sets_add(struct sets *s, uint32_t from, const struct image_member *m, uint32_t *ret)
{
	uint64_t rule = member_bits(m);
	if (s->last.rule == rule && s->last.from == from && s->last.to != 0) {
		*ret = s->last.to;
		return 0;
	}
	int e = memo_reserve(s);
	if (e != 0)
		return e;
	struct sets_memo *memo = memo_at(s->memo, s->n_memo, rule, from);
	if (memo->to == 0) {
		bool has = false;
		uint32_t to = from;
		e = candidate_make(s, from, m, &has);
		if (e == 0 && !has)
			e = candidate_intern(s, &to);
		if (e != 0)
			return e;
		*memo = (struct sets_memo){ .rule = rule, .from = from, .to = to };
		s->n_memo_used++;
	}
	s->last = *memo;
	*ret = memo->to;
	return 0;
}

/* ---- local data ---- */

int sets_blob(struct sets *s, const void *bytes, size_t n, uint64_t *ret_at)
{
	if (s->blob_bytes + n > s->cap_blob) {
		uint64_t cap = s->cap_blob * 2 > s->blob_bytes + n ? s->cap_blob * 2
		                                                   : s->blob_bytes + n + 4096;
		uint8_t *p = realloc(s->blob, cap);
		if (p == NULL)
			return -ENOMEM;
		s->blob = p;
		s->cap_blob = cap;
	}
	if (n != 0)
		memcpy(s->blob + s->blob_bytes, bytes, n);
	*ret_at = s->blob_bytes;
	s->blob_bytes += n;
	return 0;
}

/* The item that lies behind the last one, its bytes from `before` on: the id of an equal one. */
static uint32_t data_intern(struct sets *s, uint64_t before)
{
	uint32_t mask = s->n_data_by_content - 1;
	uint32_t at = (uint32_t)data_hash(s, s->n_data) & mask;
	for (; s->data_by_content[at] != 0; at = (at + 1) & mask) {
		uint32_t id = s->data_by_content[at];
		if (data_equal(s, &s->data[id], &s->data[s->n_data])) {
			s->blob_bytes = before; /* it is there already */
			return id;
		}
	}
	s->data_by_content[at] = s->n_data;
	return s->n_data++;
}

static int data_reserve(struct sets *s)
{
	struct by_content b = { &s->data_by_content, &s->n_data_by_content, data_hash };
	int e = by_content_reserve(s, &b, s->n_data);
	if (e == 0)
		e = grow((void **)&s->data, &s->cap_data, (uint64_t)s->n_data + 1, sizeof *s->data);
	return e;
}

int sets_data_copy(struct sets *s, const struct sets_source *from, uint32_t id, uint32_t *ret)
{
	if (id == IMAGE_NO_DATA || from->data_ids[id] != 0) {
		*ret = id == IMAGE_NO_DATA ? IMAGE_NO_DATA : from->data_ids[id];
		return 0;
	}
	uint64_t before = s->blob_bytes;
	uint64_t at;
	struct image_data d = from->data[id];
	int e = data_reserve(s);
	if (e == 0)
		e = sets_blob(s, from->blob + d.at, data_bytes(&d), &at);
	if (e != 0)
		return e;
	d.at = at;
	s->data[s->n_data] = d;
	*ret = from->data_ids[id] = data_intern(s, before);
	return 0;
}

int sets_copy(struct sets *s, const struct sets_source *from, uint32_t set, uint32_t *ret)
{
	const struct image_set *of = &from->sets[set];
	uint32_t to = 0;
	for (uint32_t i = 0; i < of->n; i++) {
		struct image_member m = from->members[of->first + i];
		if (from->lists != NULL && from->lists[m.list] == POLICY_NO_LIST)
			continue;
		if (from->lists != NULL)
			m.list = from->lists[m.list];
		int e = sets_data_copy(s, from, m.data, &m.data);
		if (e == 0)
			e = sets_add(s, to, &m, &to);
		if (e != 0)
			return e;
	}
	*ret = to;
	return 0;
}

int sets_remove(struct sets *s, uint32_t from, const struct image_member *m, uint32_t *ret)
{
	uint32_t to = 0;
	for (uint32_t i = 0; i < s->sets[from].n; i++) {
		struct image_member x = s->members[s->sets[from].first + i];
		if (x.list == m->list && (m->action == SETS_ALL || member_compare(&x, m) == 0))
			continue;
		int e = sets_add(s, to, &x, &to);
		if (e != 0)
			return e;
	}
	*ret = to;
	return 0;
}

int sets_data(struct sets *s, const struct policy_data *data, uint32_t *ret)
{
	size_t target_bytes = data->target != NULL ? name_len(data->target) : 0;
	size_t addr_bytes = data->n_addrs * sizeof(struct addr);
	if (data->records_bytes > MAX_BLOB_ITEM ||
	    addr_bytes + target_bytes + data->records_bytes > MAX_BLOB_ITEM)
		return -E2BIG;
	int e = data_reserve(s);
	uint64_t before = s->blob_bytes;
	uint64_t at_blob = 0;
	uint64_t ignored;
	if (e == 0)
		e = sets_blob(s, data->addrs, addr_bytes, &at_blob);
	if (e == 0)
		e = sets_blob(s, data->target, target_bytes, &ignored);
	if (e == 0)
		e = sets_blob(s, data->records, data->records_bytes, &ignored);
	if (e == 0)
		e = sets_blob(s, data->types, 2UL * data->n_types, &ignored);
	if (e != 0) {
		s->blob_bytes = before;
		return e;
	}
	s->data[s->n_data] = (struct image_data){
		.at = at_blob,
		.n_addrs = data->n_addrs,
		.target_bytes = (uint32_t)target_bytes,
		.records_bytes = (uint32_t)data->records_bytes,
		.ttl_s = data->has_ttl ? data->ttl_s : 0,
		.flags = (data->has_ttl ? IMAGE_DATA_HAS_TTL : 0U) |
		         (data->is_target_suffix ? IMAGE_DATA_IS_SUFFIX : 0U) |
		         (data->n_types > 0 && data->types_are_not ? IMAGE_DATA_TYPES_NOT : 0U),
		.n_types = data->n_types,
	};
	*ret = data_intern(s, before);
	return 0;
}
