/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/zones.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/siphash.h"
#include "detect/popular.h"
#include "dns/registered.h"

enum {
	MEMO_WORDS = 1 << 15, /* of some ten thousand zones in use */
	VENDOR_SLOTS = 512,
	VENDOR_LABELS_MAX = 4, /* of those in vendors.def */
	/* Of reverse names, `arpa` and what is before it among them: the longest zone of a registry, an owner's. */
	V4_REGISTRY = 3,
	V4_OWNER = 4,
	V6_REGISTRY = 8,
	V6_OWNER = 10,
	KIND_SHIFT = 8,
	KNOWN = 1 << 15, /* a word that says anything */
};
#define TAG_MASK (~(uint64_t)0xffff)

struct zones {
	struct siphash_key key;
	struct name vendors[VENDOR_SLOTS]; /* an open table; len 0: empty */
	_Atomic uint64_t memo[MEMO_WORDS]; /* 48 bits of the hash, kind, labels */
};

static const char *const vendor_texts[] = {
#define VENDOR(zone) zone,
#include "detect/vendors.def"
};
static_assert(ARRAY_LEN(vendor_texts) * 2 < VENDOR_SLOTS, "the table is full");

static uint64_t hash(const struct zones *z, const uint8_t *lower)
{
	return siphash13(&z->key, lower, name_len(lower));
}

static struct name *vendor_slot(struct zones *z, const uint8_t *lower)
{
	unsigned at = (unsigned)hash(z, lower) % VENDOR_SLOTS;
	while (z->vendors[at].len != 0 && !name_equal(z->vendors[at].wire, lower))
		at = (at + 1) % VENDOR_SLOTS;
	return &z->vendors[at];
}

int zones_new(struct zones **ret)
{
	struct zones *z = calloc(1, sizeof *z);
	if (z == NULL)
		return -ENOMEM;
	random_bytes(&z->key, sizeof z->key);
	for (unsigned i = 0; i < ARRAY_LEN(vendor_texts); i++) {
		struct name name;
		must(name_from_text(vendor_texts[i], strlen(vendor_texts[i]), &name) == 0);
		must(name_labels(name.wire) <= VENDOR_LABELS_MAX);
		*vendor_slot(z, name.wire) = name;
	}
	*ret = z;
	return 0;
}

void zones_free(struct zones *z)
{
	free(z);
}

size_t zones_bytes(const struct zones *z)
{
	return sizeof *z;
}

static bool is_vendor(struct zones *z, const uint8_t *lower)
{
	for (const uint8_t *at = lower; *at != 0; at += *at + 1U) {
		if (vendor_slot(z, at)->len != 0)
			return true;
	}
	return false;
}

bool zones_is_vendors(struct zones *z, const uint8_t *zone, const uint8_t *lower)
{
	unsigned labels = name_labels(lower), above = name_labels(zone);
	for (unsigned n = above + 1; n <= labels && n <= VENDOR_LABELS_MAX; n++) {
		if (vendor_slot(z, name_skip(lower, labels - n))->len != 0)
			return true;
	}
	return false;
}

static const uint8_t v4[] = "\7in-addr\4arpa", v6[] = "\3ip6\4arpa";

const uint8_t *zones_reverse_owner(const uint8_t *lower)
{
	unsigned labels = name_labels(lower),
		 owner = name_is_within(lower, v4) ? V4_OWNER : V6_OWNER;
	return labels > owner ? name_skip(lower, labels - owner) : lower;
}

static bool is_reverse_registry(const uint8_t *lower)
{
	unsigned labels = name_labels(lower);
	return (labels <= V4_REGISTRY && name_is_within(lower, v4)) ||
	       (labels <= V6_REGISTRY && name_is_within(lower, v6));
}

static struct zone_facts find_out(struct zones *z, const uint8_t *lower)
{
	enum name_suffix suffix;
	const uint8_t *registered = name_registered_beside(lower, &suffix);
	bool is_registry = name_is_root(lower) || suffix == NAME_SUFFIX_REGISTRY ||
	                   suffix == NAME_SUFFIX_UNKNOWN;
	struct zone_facts f = { .kind = ZONE_ANYBODY };
	f.registered_labels = registered != NULL ? name_labels(registered) : 0;
	if (is_vendor(z, lower))
		f.kind = ZONE_VENDOR;
	else if (is_registry || is_reverse_registry(lower))
		f.kind = ZONE_REGISTRY;
	else if (name_is_within(lower, v4) || name_is_within(lower, v6))
		f.kind = ZONE_REVERSE;
	else if (registered != NULL && popular_has(registered))
		f.kind = ZONE_POPULAR;
	return f;
}

struct zone_facts zones_look(struct zones *z, const uint8_t *lower)
{
	uint64_t h = hash(z, lower);
	_Atomic uint64_t *at = &z->memo[h % MEMO_WORDS];
	uint64_t word = atomic_load_explicit(at, memory_order_relaxed);
	if ((word & KNOWN) != 0 && ((word ^ h) & TAG_MASK) == 0)
		return (struct zone_facts){ .kind = (enum zone_kind)(word >> KIND_SHIFT & 0x7f),
			                    .registered_labels = word & 0xff };
	struct zone_facts f = find_out(z, lower);
	word = (h & TAG_MASK) | KNOWN | (uint64_t)f.kind << KIND_SHIFT | f.registered_labels;
	atomic_store_explicit(at, word, memory_order_relaxed);
	return f;
}
