/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cache.h"

#include <errno.h>
#include <stdlib.h>

#include "dns/registered.h"

enum {
	WAYS = 8,
	SETS = 1 << 17,
	REGISTRIES = 1 << 20,
};

struct ttls {
	struct {
		uint64_t key, until_ns;
	} at[SETS][WAYS];
};

int ttls_new(struct ttls **ret)
{
	*ret = calloc(1, sizeof **ret);
	return *ret != NULL ? 0 : -ENOMEM;
}

void ttls_free(struct ttls *t)
{
	free(t);
}

static uint64_t key_of(const uint8_t *name, uint16_t type)
{
	uint64_t h = name_hash(name) + type * 0x9e3779b97f4a7c15ULL;
	h ^= h >> 29;
	return (h * 0xbf58476d1ce4e5b9ULL) | 1;
}

bool ttls_is_known(const struct ttls *t, const uint8_t *name, uint16_t type, uint64_t now_ns)
{
	uint64_t key = key_of(name, type);
	for (unsigned i = 0; i < WAYS; i++) {
		if (t->at[key >> 47][i].key == key)
			return t->at[key >> 47][i].until_ns > now_ns;
	}
	return false;
}

void ttls_put(struct ttls *t, const uint8_t *name, uint16_t type, uint64_t until_ns)
{
	uint64_t key = key_of(name, type);
	unsigned to = 0;
	for (unsigned i = 0; i < WAYS; i++) {
		if (t->at[key >> 47][i].key == key) {
			to = i;
			break;
		}
		if (t->at[key >> 47][i].until_ns < t->at[key >> 47][to].until_ns)
			to = i;
	}
	t->at[key >> 47][to].key = key;
	t->at[key >> 47][to].until_ns = until_ns;
}

bool ttls_is_registry(const uint8_t *name)
{
	static uint64_t known[REGISTRIES];
	uint64_t h = name_hash(name);
	uint64_t *at = &known[h % REGISTRIES];
	if (*at >> 1 != h >> 1) {
		enum name_suffix s = name_suffix(name);
		bool is_registry = s == NAME_SUFFIX_REGISTRY || s == NAME_SUFFIX_UNKNOWN;
		*at = (h >> 1) << 1 | (uint64_t)(is_registry || name_is_root(name));
	}
	return *at & 1;
}
