/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/sightings.h"

#include <errno.h>

#include "base/pages.h"

enum {
	WAYS = 4,
	PLACES_PER_CLIENT = 4,
	NAMES_MAX = 0xffff,
};

struct sightings {
	size_t sets;
	_Alignas(64) struct sighting at[][WAYS];
};

static uint64_t get(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static void set(_Atomic uint64_t *v, uint64_t to)
{
	atomic_store_explicit(v, to, memory_order_relaxed);
}

int sightings_new(size_t clients, struct sightings **ret)
{
	size_t sets = 1;
	while (sets * WAYS < clients * PLACES_PER_CLIENT)
		sets *= 2;
	struct sightings *s = pages_zeroed(sizeof *s + sets * sizeof s->at[0]);
	if (s == NULL)
		return -ENOMEM;
	s->sets = sets;
	*ret = s;
	return 0;
}

void sightings_free(struct sightings *s)
{
	pages_release(s);
}

size_t sightings_bytes(const struct sightings *s)
{
	return sizeof *s + s->sets * sizeof s->at[0];
}

static bool is_within(uint32_t then_s, uint32_t now_s, uint32_t limit_s)
{
	return then_s != 0 && now_s - then_s < limit_s;
}

static uint32_t start_of(const struct sighting *g)
{
	return (uint32_t)(get(&g->window) >> 32);
}

static uint32_t tool_time_of(const struct sighting *g)
{
	return (uint32_t)(get(&g->tool) >> 32);
}

struct sighting *sightings_find(struct sightings *s, uint64_t key)
{
	struct sighting *ways = s->at[key % s->sets];
	for (unsigned i = 0; i < WAYS; i++) {
		if (get(&ways[i].key) == key)
			return &ways[i];
	}
	return NULL;
}

/* How much would be lost: 0 nothing, then a window, then a tool; the newer the more. */
static uint64_t worth_of(const struct sighting *g, uint32_t now_s)
{
	bool has_tool = is_within(tool_time_of(g), now_s, SIGHTING_TOOL_S);
	bool has_window = is_within(start_of(g), now_s, SIGHTING_WINDOW_S);
	if (!has_tool && !has_window)
		return 0;
	uint64_t class = has_tool ? 2 : 1;
	return class << 32 | (has_tool ? tool_time_of(g) : start_of(g));
}

struct sighting *sightings_take(struct sightings *s, uint64_t key, uint32_t now_s)
{
	struct sighting *g = sightings_find(s, key);
	if (g != NULL)
		return g;
	struct sighting *ways = s->at[key % s->sets];
	g = &ways[0];
	for (unsigned i = 1; i < WAYS; i++) {
		if (worth_of(&ways[i], now_s) < worth_of(g, now_s))
			g = &ways[i];
	}
	set(&g->window, 0);
	set(&g->names, 0);
	set(&g->tool, 0);
	set(&g->key, key);
	return g;
}

bool sighting_note(struct sighting *g, unsigned type_bit, uint16_t name_tag, uint32_t now_s)
{
	uint64_t window = get(&g->window), names = get(&g->names);
	if (!is_within((uint32_t)(window >> 32), now_s, SIGHTING_WINDOW_S)) {
		window = (uint64_t)now_s << 32;
		names = 0;
	}
	for (unsigned i = 0; i < SIGHTING_NAMES; i++) {
		if ((uint16_t)(names >> 16 * i) == name_tag)
			return false;
	}
	uint64_t n = window & NAMES_MAX;
	window |= UINT64_C(1) << (16 + type_bit);
	set(&g->window, n < NAMES_MAX ? window + 1 : window);
	set(&g->names, names << 16 | name_tag);
	return true;
}

unsigned sighting_types(const struct sighting *g, uint32_t now_s)
{
	if (!is_within(start_of(g), now_s, SIGHTING_WINDOW_S))
		return 0;
	return (unsigned)__builtin_popcountll(get(&g->window) >> 16 & 0xffff);
}

unsigned sighting_names(const struct sighting *g, uint32_t now_s)
{
	return is_within(start_of(g), now_s, SIGHTING_WINDOW_S) ? get(&g->window) & NAMES_MAX : 0;
}

void sighting_note_tool(struct sighting *g, uint32_t tool, uint32_t now_s)
{
	set(&g->tool, (uint64_t)now_s << 32 | tool);
}

bool sighting_tool(const struct sighting *g, uint32_t now_s, uint32_t *ret_tool,
                   uint32_t *ret_age_s)
{
	uint64_t word = get(&g->tool);
	if (!is_within((uint32_t)(word >> 32), now_s, SIGHTING_TOOL_S))
		return false;
	*ret_tool = (uint32_t)word;
	*ret_age_s = now_s - (uint32_t)(word >> 32);
	return true;
}
