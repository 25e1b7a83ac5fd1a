/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/rpz_zone.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

enum {
	LINE_WORDS = 8,    /* 512 bits: a cache line, so that a look costs one miss */
	FILTER_BITS = 7,   /* set in it for an owner: nine bits of the hash each */
	TEXT_A_LINE = 512, /* bytes of text for which there is a line: 20 records, 26 bits each */
	LINES_MIN = 64,
	SOA_NUMBERS = 20, /* bytes of a SOA behind its names; the first is the serial */
	LINES_MAX = (32 << 20) / 64,
};

int rpz_zone_new(uint64_t bytes, struct rpz_zone **ret)
{
	struct rpz_zone *z = calloc(1, sizeof *z);
	if (z == NULL)
		return -ENOMEM;
	uint64_t lines = bytes / TEXT_A_LINE;
	z->filter_lines = lines < LINES_MIN ? LINES_MIN : lines > LINES_MAX ? LINES_MAX : lines;
	*ret = z;
	return 0;
}

void rpz_zone_free(struct rpz_zone *z)
{
	if (z == NULL)
		return;
	free(z->filter);
	free(z->twice);
	free(z->strewn);
	free(z);
}

void rpz_zone_begin(struct rpz_zone *z, struct scan *s, const struct name *apex)
{
	z->has_apex = apex != NULL;
	if (apex != NULL)
		z->apex = *apex;
	z->has_owner = z->has_soa = false;
	z->strewn_n = z->n_strewn = 0;
	z->is_plain = true;
	z->first_body = z->last_line = 0;
	if (s->pass != SCAN_CHECK)
		return;
	z->n_twice = 0;
	free(z->filter);
	z->filter = calloc(z->filter_lines, LINE_WORDS * sizeof *z->filter);
	if (z->filter == NULL && s->error == 0)
		s->error = -ENOMEM;
}

/* ---- owners that come again ---- */

static uint64_t owner_hash(const struct rpz_zone *z)
{
	/* Keyed, so that nobody can fill the filter on purpose. */
	return XXH3_64bits_withSeed(z->owner.name.wire, z->owner.name.len, name_hash_key().k0);
}

static uint64_t *filter_line(const struct rpz_zone *z, uint64_t hash)
{
	return z->filter + (size_t)(((hash >> 32) * z->filter_lines) >> 32) * LINE_WORDS;
}

/* Put it in; was it there, or so it seems? */
static bool filter_put(struct rpz_zone *z, uint64_t hash)
{
	uint64_t *line = filter_line(z, hash);
	bool was_there = true;
	uint64_t mixed = hash * 0x9e3779b97f4a7c15ULL; /* the line took the upper half */
	for (unsigned i = 0; i < FILTER_BITS; i++, mixed >>= 9) {
		uint64_t bit = 1ULL << (mixed & 63), *word = &line[mixed >> 6 & 7];
		was_there &= (*word & bit) != 0;
		*word |= bit;
	}
	return was_there;
}

static int twice_add(struct rpz_zone *z, uint64_t hash)
{
	if (z->n_twice == RPZ_TWICE_MAX)
		return 0;
	if (z->n_twice == z->twice_room) {
		size_t room = z->twice_room == 0 ? 256 : 2 * z->twice_room;
		uint64_t *more = reallocarray(z->twice, room, sizeof *more);
		if (more == NULL)
			return -ENOMEM;
		z->twice = more;
		z->twice_room = room;
	}
	z->twice[z->n_twice++] = hash;
	return 0;
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static bool comes_again(const struct rpz_zone *z)
{
	if (z->n_twice == 0)
		return false;
	uint64_t hash = owner_hash(z);
	return bsearch(&hash, z->twice, z->n_twice, sizeof hash, compare_hashes) != NULL;
}

/* ---- their records ---- */

struct strewn_head {
	uint64_t line;
	uint32_t ttl_s;
	uint16_t type, data_n;
	uint16_t owner_n;
	uint16_t unused[3];
};

static int strewn_add(struct rpz_zone *z, const struct scan *s, const struct rpz_record *r)
{
	const struct strewn_head head = {
		.line = s->line,
		.ttl_s = r->ttl_s,
		.type = r->type,
		.data_n = r->n,
		.owner_n = z->owner.name.len,
	};
	size_t n = (sizeof head + head.owner_n + r->n + 7) / 8 * 8;
	if (z->strewn_n + n > RPZ_STREWN_BYTES)
		return -ENOSPC;
	if (z->strewn_n + n > z->strewn_room) {
		size_t room = z->strewn_room == 0 ? 1 << 20 : 2 * z->strewn_room;
		uint8_t *more = realloc(z->strewn, room);
		if (more == NULL)
			return -ENOMEM;
		z->strewn = more;
		z->strewn_room = room;
	}
	uint8_t *p = z->strewn + z->strewn_n;
	memcpy(p, &head, sizeof head);
	memcpy(p + sizeof head, z->owner.name.wire, head.owner_n);
	memcpy(p + sizeof head + head.owner_n, r->data, r->n);
	z->strewn_n += n;
	z->n_strewn++;
	return 0;
}

static const uint8_t *strewn_owner(const struct strewn_head *h)
{
	return (const uint8_t *)h + sizeof *h;
}

/* By owner; of one owner, as they came. */
static int compare_strewn(const void *a, const void *b)
{
	const struct strewn_head *x = *(const struct strewn_head *const *)a;
	const struct strewn_head *y = *(const struct strewn_head *const *)b;
	if (x->owner_n != y->owner_n)
		return x->owner_n < y->owner_n ? -1 : 1;
	int c = memcmp(strewn_owner(x), strewn_owner(y), x->owner_n);
	return c != 0 ? c : (x > y) - (x < y);
}

/* ---- rules ---- */

static void skip(struct scan *s, enum feeds_skip why, const uint8_t *owner)
{
	char text[NAME_TEXT_MAX];
	struct word w = { text, name_to_text(owner, text) };
	scan_skip(s, why, s->n > 0 ? NULL : &w);
}

static void finish_owner(struct rpz_zone *z, struct scan *s)
{
	struct policy_rule rule;
	uint64_t line = s->line;
	if (!rpz_owner_finish(&z->owner, &rule))
		return;
	s->line = z->line;
	if (z->owner.trigger.is_prefix)
		scan_rule_prefix_as(s, &z->owner.trigger.prefix, &rule);
	else
		scan_rule_name(s, &z->owner.trigger.name, &rule);
	s->report->odd += z->owner.trigger.is_odd;
	s->line = line;
}

static void end_owner(struct rpz_zone *z, struct scan *s)
{
	if (!z->has_owner)
		return;
	z->has_owner = false;
	if (z->why != FEEDS_SKIP_NONE)
		return;
	int e = 0;
	if (s->pass == SCAN_CHECK && z->filter != NULL && filter_put(z, z->hash))
		e = twice_add(z, z->hash);
	if (e != 0 && s->error == 0)
		s->error = e;
	finish_owner(z, s);
}

/* The first pass knows nothing of strewn owners but that they are there. */
static void add_to_owner(struct rpz_zone *z, struct scan *s, const struct rpz_record *r)
{
	enum feeds_skip why = z->why;
	if (why == FEEDS_SKIP_NONE && z->is_strewn) {
		int e = strewn_add(z, s, r);
		if (e == -ENOSPC)
			why = FEEDS_SKIP_RPZ_STREWN;
		else if (e != 0 && s->error == 0)
			s->error = e;
		z->is_plain &= e == 0;
	} else if (why == FEEDS_SKIP_NONE) {
		why = rpz_owner_add(&z->owner, r->type, r->ttl_s, r->data, r->n);
	}
	if (why != FEEDS_SKIP_NONE)
		skip(s, why, r->owner);
}

static void take_soa(struct rpz_zone *z, struct scan *s, const struct rpz_record *r)
{
	if (z->has_soa || r->n > sizeof z->soa ||
	    (z->has_apex && !name_equal(r->owner, z->apex.wire)))
		return;
	z->is_plain &= z->first_body == 0;
	z->has_soa = true;
	z->soa_ttl_s = r->ttl_s;
	z->soa_n = r->n;
	memcpy(z->soa, r->data, r->n);
	if (!z->has_apex)
		name_set(&z->apex, r->owner);
	z->has_apex = true;
	if (z->soa_n <= SOA_NUMBERS)
		return;
	const uint8_t *p = z->soa + z->soa_n - SOA_NUMBERS; /* RFC 1035 3.3.13 */
	s->report->has_serial = true;
	s->report->serial =
		(uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The body begins with the first owner that is not the apex. */
static void note_body(struct rpz_zone *z, const struct scan *s)
{
	if (z->first_body == 0 && !name_equal(z->owner.name.wire, z->apex.wire))
		z->first_body = s->line;
}

void rpz_zone_add(struct rpz_zone *z, struct scan *s, const struct rpz_record *r,
                  const uint8_t *origin)
{
	if (r->type == RPZ_TYPE_SOA)
		take_soa(z, s, r);
	if (!z->has_apex) {
		name_set(&z->apex, origin);
		z->has_apex = true;
	}
	if (!z->has_owner || !name_equal(z->owner.name.wire, r->owner)) {
		end_owner(z, s);
		z->why = rpz_owner_start(&z->owner, r->owner, z->apex.wire);
		z->has_owner = true;
		z->line = s->line;
		if (s->pass == SCAN_CHECK && z->filter != NULL) {
			z->hash = owner_hash(z);
			__builtin_prefetch(filter_line(z, z->hash), 1); /* for end_owner() */
		}
		z->is_strewn = s->pass == SCAN_EMIT && comes_again(z);
		note_body(z, s);
	} else if (z->first_body != 0) {
		z->is_plain &= s->line <= z->last_line + 1; /* else a comment is in between */
	}
	z->last_line = s->line;
	add_to_owner(z, s, r);
}

/* The records that were kept, one owner after the other. */
static void end_strewn(struct rpz_zone *z, struct scan *s)
{
	const struct strewn_head **all = calloc(z->n_strewn, sizeof *all);
	size_t at = 0;
	if (all == NULL) {
		if (s->error == 0)
			s->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < z->n_strewn; i++) {
		all[i] = (const struct strewn_head *)(const void *)(z->strewn + at);
		at += (sizeof **all + all[i]->owner_n + all[i]->data_n + 7U) / 8 * 8;
	}
	qsort(all, z->n_strewn, sizeof *all, compare_strewn);
	s->n = 0; /* there is no line's text any more */
	for (size_t i = 0; i < z->n_strewn && s->error == 0; i++) {
		const struct strewn_head *h = all[i];
		const uint8_t *owner = strewn_owner(h);
		s->line = h->line;
		if (i == 0 || !name_equal(owner, strewn_owner(all[i - 1]))) {
			if (i > 0)
				finish_owner(z, s);
			must(rpz_owner_start(&z->owner, owner, z->apex.wire) == FEEDS_SKIP_NONE);
			z->line = h->line;
		} else {
			z->is_plain &= h->line <= all[i - 1]->line + 1;
		}
		enum feeds_skip why =
			rpz_owner_add(&z->owner, h->type, h->ttl_s, owner + h->owner_n, h->data_n);
		if (why != FEEDS_SKIP_NONE)
			skip(s, why, owner);
	}
	finish_owner(z, s);
	free(all);
}

void rpz_zone_end(struct rpz_zone *z, struct scan *s)
{
	uint64_t line = s->line;
	end_owner(z, s);
	z->is_plain &= z->n_twice < RPZ_TWICE_MAX;
	if (s->pass == SCAN_CHECK) {
		free(z->filter);
		z->filter = NULL;
		if (z->n_twice > 0)
			qsort(z->twice, z->n_twice, sizeof *z->twice, compare_hashes);
	} else if (z->n_strewn > 0 && s->error == 0) {
		end_strewn(z, s);
	}
	s->line = line;
}
