/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/zones.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/pages.h"
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
	KIND_MASK = 0x3f,
	VENDORS = 1 << 14, /* there may be vendors below */
	KNOWN = 1 << 15,   /* a word that says anything */
};
#define TAG_MASK (~(uint64_t)0xffff)

struct vendor {
	const uint8_t *name; /* NULL: the slot is empty */
	bool is_vendor, is_above;
};

struct zones {
	struct vendor vendors[VENDOR_SLOTS]; /* an open table */
	unsigned n_vendors;
	uint8_t *wires;                    /* their names */
	_Atomic uint64_t memo[MEMO_WORDS]; /* 48 bits of the hash, kind, labels */
	uint64_t popular[POPULAR_WORDS];   /* a filter */
};

static const char *const vendor_texts[] = {
#define VENDOR(zone) zone,
#include "detect/vendors.def"
};

/* Not keyed: the names in the table are ours, and so is how they lie there. */
static struct vendor *vendor_slot(struct zones *z, const uint8_t *lower, size_t n)
{
	unsigned at = (unsigned)XXH3_64bits(lower, n) % VENDOR_SLOTS;
	while (z->vendors[at].name != NULL && !name_equal(z->vendors[at].name, lower))
		at = (at + 1) % VENDOR_SLOTS;
	return &z->vendors[at];
}

/* The vendor's zone, and all above it as what has one below. */
static void add_vendor(struct zones *z, const uint8_t *wire)
{
	for (const uint8_t *at = wire; *at != 0; at += *at + 1U) {
		struct vendor *v = vendor_slot(z, at, name_len(at));
		if (v->name == NULL)
			must(++z->n_vendors * 2 < VENDOR_SLOTS);
		v->name = v->name != NULL ? v->name : at;
		v->is_vendor |= at == wire;
		v->is_above |= at != wire;
	}
}

int zones_new(struct zones **ret)
{
	struct zones *z = pages_zeroed(sizeof *z);
	uint8_t *to = z != NULL ? calloc(ARRAY_LEN(vendor_texts), NAME_MAX_BYTES) : NULL;
	if (to == NULL) {
		pages_release(z);
		return -ENOMEM;
	}
	z->wires = to;
	popular_fill(z->popular);
	for (unsigned i = 0; i < ARRAY_LEN(vendor_texts); i++) {
		struct name name;
		must(name_from_text(vendor_texts[i], strlen(vendor_texts[i]), &name) == 0);
		must(name_labels(name.wire) <= VENDOR_LABELS_MAX);
		memcpy(to, name.wire, name.len);
		add_vendor(z, to);
		to += name.len;
	}
	*ret = z;
	return 0;
}

void zones_free(struct zones *z)
{
	if (z == NULL)
		return;
	free(z->wires);
	pages_release(z);
}

size_t zones_bytes(const struct zones *z)
{
	return sizeof *z + ARRAY_LEN(vendor_texts) * NAME_MAX_BYTES;
}

static bool is_vendor(struct zones *z, const uint8_t *lower)
{
	unsigned labels = name_labels(lower);
	const uint8_t *at =
		labels > VENDOR_LABELS_MAX ? name_skip(lower, labels - VENDOR_LABELS_MAX) : lower;
	for (size_t n = name_len(at); *at != 0; n -= *at + 1U, at += *at + 1U) {
		if (vendor_slot(z, at, n)->is_vendor)
			return true;
	}
	return false;
}

bool zones_is_vendors(struct zones *z, const uint8_t *zone, const uint8_t *lower)
{
	unsigned labels = name_labels(lower), above = name_labels(zone);
	for (unsigned n = above + 1; n <= labels && n <= VENDOR_LABELS_MAX; n++) {
		const uint8_t *at = name_skip(lower, labels - n);
		if (vendor_slot(z, at, name_len(at))->is_vendor)
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
	f.may_have_vendors =
		registered == NULL || vendor_slot(z, registered, name_len(registered))->is_above;
	if (is_vendor(z, lower))
		f.kind = ZONE_VENDOR;
	else if (is_registry || is_reverse_registry(lower))
		f.kind = ZONE_REGISTRY;
	else if (name_is_within(lower, v4) || name_is_within(lower, v6))
		f.kind = ZONE_REVERSE;
	else if (registered != NULL && popular_has_filtered(z->popular, registered))
		f.kind = ZONE_POPULAR;
	return f;
}

void zones_prefetch(const struct zones *z, uint64_t hash)
{
	__builtin_prefetch(&z->memo[hash % MEMO_WORDS], 1);
}

struct zone_facts zones_look(struct zones *z, const uint8_t *lower, uint64_t hash)
{
	_Atomic uint64_t *at = &z->memo[hash % MEMO_WORDS];
	uint64_t word = atomic_load_explicit(at, memory_order_relaxed);
	if ((word & KNOWN) != 0 && ((word ^ hash) & TAG_MASK) == 0)
		return (struct zone_facts){ .kind = (enum zone_kind)(word >> KIND_SHIFT &
			                                             KIND_MASK),
			                    .registered_labels = word & 0xff,
			                    .may_have_vendors = (word & VENDORS) != 0 };
	struct zone_facts f = find_out(z, lower);
	word = (hash & TAG_MASK) | KNOWN | (uint64_t)f.kind << KIND_SHIFT |
	       (f.may_have_vendors ? VENDORS : 0U) | f.registered_labels;
	atomic_store_explicit(at, word, memory_order_relaxed);
	return f;
}
