/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/beats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"

enum {
	WAYS = 8, /* and places for a client */
	GAP_TIMES = 4,
	GAPS_FREE = 2,
	STOPPED_TIMES = 8, /* this many times the mean it has not come */
	FORGOTTEN_S = 2 * 86400,
	COUNT_MAX = 0xffff,
};

struct beats_table {
	size_t sets;
	_Alignas(64) struct beats at[][WAYS];
};

/* A place, read. */
struct state {
	uint32_t last_s;
	unsigned intervals, gaps, fresh, vain;
	uint32_t ttl_s;
	float mean, squares;
};

static uint64_t get(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static void set(_Atomic uint64_t *v, uint64_t to)
{
	atomic_store_explicit(v, to, memory_order_relaxed);
}

int beats_new(size_t clients, struct beats_table **ret)
{
	struct beats_table *t = pages_zeroed(sizeof *t + clients * sizeof t->at[0]);
	if (t == NULL)
		return -ENOMEM;
	t->sets = clients;
	*ret = t;
	return 0;
}

void beats_free(struct beats_table *t)
{
	pages_release(t);
}

size_t beats_bytes(const struct beats_table *t)
{
	return sizeof *t + t->sets * sizeof t->at[0];
}

static void load(const struct beats *b, struct state *ret)
{
	uint64_t count = get(&b->count), kinds = get(&b->kinds), spread = get(&b->spread);
	uint32_t mean = (uint32_t)(spread >> 32), squares = (uint32_t)spread;
	ret->last_s = (uint32_t)(count >> 32);
	ret->intervals = count >> 16 & COUNT_MAX;
	ret->gaps = count & COUNT_MAX;
	ret->fresh = kinds >> 48 & COUNT_MAX;
	ret->vain = kinds >> 32 & COUNT_MAX;
	ret->ttl_s = (uint32_t)kinds;
	memcpy(&ret->mean, &mean, sizeof mean);
	memcpy(&ret->squares, &squares, sizeof squares);
}

static void store(struct beats *b, const struct state *s)
{
	uint32_t mean, squares;
	memcpy(&mean, &s->mean, sizeof mean);
	memcpy(&squares, &s->squares, sizeof squares);
	set(&b->count, (uint64_t)s->last_s << 32 | (uint64_t)s->intervals << 16 | s->gaps);
	set(&b->kinds, (uint64_t)s->fresh << 48 | (uint64_t)s->vain << 32 | s->ttl_s);
	set(&b->spread, (uint64_t)mean << 32 | squares);
}

void beats_prefetch(const struct beats_table *t, uint64_t key)
{
	const struct beats *ways = t->at[key % t->sets];
	for (size_t at = 0; at < WAYS * sizeof *ways; at += 64)
		__builtin_prefetch((const char *)ways + at, 1);
}

const struct beats *beats_find(const struct beats_table *t, uint64_t key)
{
	const struct beats *ways = t->at[key % t->sets];
	for (unsigned i = 0; i < WAYS; i++) {
		if (get(&ways[i].key) == key)
			return &ways[i];
	}
	return NULL;
}

/* Has it stopped coming? */
static bool has_stopped(const struct beats *b, uint32_t last_s, uint32_t now_s)
{
	uint32_t mean = (uint32_t)(get(&b->spread) >> 32), age_s = now_s - last_s;
	float mean_s;
	memcpy(&mean_s, &mean, sizeof mean_s);
	return age_s > FORGOTTEN_S || (float)age_s > mean_s * STOPPED_TIMES;
}

/* What is lost with it: once is less than twice, then long ago is less than now; UINT64_MAX: it stays. */
static uint64_t worth_of(const struct beats *b, uint32_t now_s)
{
	uint64_t count = get(&b->count), intervals = count >> 16 & COUNT_MAX;
	uint32_t last_s = (uint32_t)(count >> 32);
	if (intervals < BEATS_KEPT)
		return intervals << 32 | last_s;
	return has_stopped(b, last_s, now_s) ? last_s : UINT64_MAX;
}

/* Its place, or one that can be given to it. */
static struct beats *take(struct beats_table *t, uint64_t key, uint32_t now_s)
{
	struct beats *ways = t->at[key % t->sets], *best = NULL;
	uint64_t least = UINT64_MAX;
	for (unsigned i = 0; i < WAYS; i++) {
		if (get(&ways[i].key) == key)
			return &ways[i];
		uint64_t worth = worth_of(&ways[i], now_s);
		if (worth < least) {
			least = worth;
			best = &ways[i];
		}
	}
	if (best == NULL)
		return NULL;
	set(&best->count, 0);
	set(&best->spread, 0);
	set(&best->names, 0);
	set(&best->kinds, 0);
	set(&best->told_s, 0);
	set(&best->key, key);
	return best;
}

/* Is it a name that did not come lately? */
static bool note_name(struct beats *b, uint16_t tag)
{
	uint64_t names = get(&b->names);
	for (unsigned i = 0; i < BEATS_NAMES; i++) {
		if ((uint16_t)(names >> 16 * i) == tag)
			return false;
	}
	set(&b->names, names << 16 | tag);
	return true;
}

static void begin(struct state *s)
{
	s->intervals = s->gaps = s->fresh = s->vain = 0;
	s->mean = s->squares = 0;
	s->ttl_s = 0;
}

/* Mean and variance; from BEATS_WINDOW intervals on older ones fade. */
static void add_interval(struct state *s, float interval)
{
	if (s->intervals < BEATS_WINDOW) {
		s->intervals++;
	} else {
		float left = (float)(BEATS_WINDOW - 1) / BEATS_WINDOW;
		s->squares *= left;
		s->fresh = (unsigned)((float)s->fresh * left);
		s->vain = (unsigned)((float)s->vain * left);
	}
	float off = interval - s->mean;
	s->mean += off / (float)s->intervals;
	s->squares += off * (interval - s->mean);
}

struct beats *beats_add(struct beats_table *t, const struct beat *beat)
{
	struct state s;
	struct beats *b = take(t, beat->key, beat->now_s);
	if (b == NULL)
		return NULL;
	load(b, &s);
	uint32_t interval_s = beat->now_s - s.last_s;
	bool is_first = s.last_s == 0;
	bool is_new = note_name(b, beat->name_tag) && beat->is_odd;
	if (!is_first && interval_s < BEATS_BURST_S)
		return NULL;
	float interval = (float)interval_s;
	bool is_gap = s.intervals >= BEATS_KEPT &&
	              (interval > s.mean * GAP_TIMES || interval * GAP_TIMES < s.mean);
	if (is_gap && ++s.gaps > s.intervals / 4 + GAPS_FREE)
		begin(&s);
	else if (!is_first && !is_gap)
		add_interval(&s, interval);
	if (!is_gap) {
		s.fresh += is_new && s.fresh < s.intervals;
		s.vain += beat->is_vain && s.vain < s.intervals;
	}
	/* Of several names that have different ones the longest hides most. */
	s.ttl_s = beat->ttl_s > s.ttl_s ? beat->ttl_s : s.ttl_s - (s.ttl_s - beat->ttl_s) / 8;
	s.last_s = beat->now_s;
	store(b, &s);
	return b;
}

void beats_tell(const struct beats *b, struct beats_facts *ret)
{
	struct state s;
	load(b, &s);
	double variance = s.intervals > 1 ? (double)s.squares / (s.intervals - 1) : 0;
	*ret = (struct beats_facts){ .intervals = s.intervals,
		                     .fresh = s.fresh,
		                     .vain = s.vain,
		                     .ttl_s = s.ttl_s,
		                     .mean_s = (double)s.mean };
	ret->variation = s.mean > 0 ? sqrt(variance > 0 ? variance : 0) / (double)s.mean : 0;
}
