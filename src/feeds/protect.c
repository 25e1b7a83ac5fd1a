/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/protect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "dns/registered.h"

#define NONE UINT32_MAX

enum {
	BROAD_V4 = 8, /* a prefix shorter than this is no list entry */
	BROAD_V6 = 12
};

/* A name that is protected, or one above such a name. */
struct slot {
	uint64_t hash;  /* 0: empty */
	uint32_t self;  /* which protected name it is, or NONE */
	uint32_t below; /* one that is below it, or NONE */
	uint8_t n_labels;
};

struct entry {
	struct name name;
	const char *why;
};

struct feeds_protected {
	struct entry *at;
	unsigned n;
	struct slot *slots;
	size_t n_slots; /* a power of two */
	uint64_t digest;
};

static const struct {
	const char *name, *why;
} builtin[] = {
#define PROTECTED(name, why) { name, why },
#include "feeds/protected.def"
#undef PROTECTED
};

static uint64_t hash_of(const uint8_t *wire, size_t n)
{
	uint64_t h = XXH3_64bits(wire, n);
	return h != 0 ? h : 1;
}

/* The slot of a name, or the empty one where it belongs. */
static struct slot *find(const struct feeds_protected *p, uint64_t hash, unsigned n_labels)
{
	size_t at = (size_t)hash & (p->n_slots - 1);
	while (p->slots[at].hash != 0 &&
	       (p->slots[at].hash != hash || p->slots[at].n_labels != n_labels))
		at = (at + 1) & (p->n_slots - 1);
	return &p->slots[at];
}

static bool add(struct feeds_protected *p, const struct name *name, const char *why)
{
	unsigned n_labels = name_labels(name->wire);
	if (p->n == PROTECT_MAX_NAMES || n_labels == 0)
		return false;
	p->at[p->n] = (struct entry){ .name = *name, .why = why };
	p->digest = XXH3_64bits_withSeed(name->wire, name->len, p->digest);
	for (unsigned skip = 0; skip < n_labels; skip++) {
		const uint8_t *wire = name_skip(name->wire, skip);
		uint64_t hash = hash_of(wire, name_len(wire));
		struct slot *s = find(p, hash, n_labels - skip);
		if (s->hash == 0)
			*s = (struct slot){ hash, NONE, NONE, (uint8_t)(n_labels - skip) };
		if (skip == 0)
			s->self = p->n;
		else
			s->below = p->n;
	}
	p->n++;
	return true;
}

static size_t slots_for(const struct feeds_protected_spec *specs, unsigned n)
{
	size_t labels = 0, slots = 1024;
	for (size_t i = 0; i < ARRAY_LEN(builtin); i++)
		labels += 8;
	for (unsigned i = 0; i < n && i < PROTECT_MAX_NAMES; i++)
		labels += name_labels(specs[i].name->wire) + 1;
	while (slots < 2 * labels)
		slots *= 2;
	return slots;
}

int feeds_protected_new(const struct feeds_protected_spec *specs, unsigned n,
                        struct feeds_protected **ret)
{
	struct feeds_protected *p = calloc(1, sizeof *p);
	if (p == NULL)
		return -ENOMEM;
	p->n_slots = slots_for(specs, n);
	p->slots = calloc(p->n_slots, sizeof *p->slots);
	p->at = calloc(ARRAY_LEN(builtin) + n, sizeof *p->at);
	if (p->slots == NULL || p->at == NULL) {
		feeds_protected_free(p);
		return -ENOMEM;
	}
	for (size_t i = 0; i < ARRAY_LEN(builtin); i++) {
		struct name name;
		must(name_from_text(builtin[i].name, strlen(builtin[i].name), &name) == 0);
		must(add(p, &name, builtin[i].why));
	}
	for (unsigned i = 0; i < n; i++)
		(void)add(p, specs[i].name, specs[i].why);
	*ret = p;
	return 0;
}

void feeds_protected_free(struct feeds_protected *p)
{
	if (p == NULL)
		return;
	free(p->at);
	free(p->slots);
	free(p);
}

/*
 * Is it a public suffix of the registries? Those of more than one label matter below the domains of
 * countries, which have two letters, or are written in other letters.
 */
static bool is_suffix(const struct name *name, unsigned n_labels)
{
	const uint8_t *top = name_skip(name->wire, n_labels > 0 ? n_labels - 1 : 0);
	if (n_labels > 1 && top[0] != 2 && (top[0] < 4 || memcmp(top + 1, "xn--", 4) != 0))
		return false;
	return n_labels == 0 || name_suffix(name->wire) == NAME_SUFFIX_REGISTRY;
}

enum protect_kind protect_covers(const struct feeds_protected *p, const struct name *name,
                                 enum policy_scope scope, struct protect_hit *ret)
{
	unsigned n_labels = name_labels(name->wire);
	if (scope != POLICY_SCOPE_EXACT && is_suffix(name, n_labels)) {
		*ret = (struct protect_hit){
			.kind = PROTECT_SUFFIX,
			.why = n_labels == 0   ? "everything"
			       : n_labels == 1 ? "a top-level domain"
			                       : "a public suffix",
		};
		return PROTECT_SUFFIX;
	}
	const struct slot *s = find(p, hash_of(name->wire, name->len), n_labels);
	if (s->hash == 0)
		return PROTECT_NOTHING;
	uint32_t index = scope != POLICY_SCOPE_BELOW ? s->self : NONE;
	if (index == NONE && scope != POLICY_SCOPE_EXACT)
		index = s->below;
	if (index == NONE || !name_is_within(p->at[index].name.wire, name->wire))
		return PROTECT_NOTHING;
	*ret = (struct protect_hit){ PROTECT_NAME, index, p->at[index].why };
	return PROTECT_NAME;
}

enum protect_kind protect_covers_prefix(const struct addr_prefix *prefix, struct protect_hit *ret)
{
	const struct addr *a = &prefix->addr;
	bool is_broad = a->is_v4 ? prefix->length < BROAD_V4 && a->bytes[12] < 224
	                         : prefix->length < BROAD_V6 && (a->bytes[0] & 0xe0) <= 0x20 &&
	                                   (prefix->length < 3 || (a->bytes[0] & 0xe0) == 0x20);
	if (!is_broad)
		return PROTECT_NOTHING;
	*ret = (struct protect_hit){ .kind = PROTECT_SPACE,
		                     .why = "a whole part of the Internet's addresses" };
	return PROTECT_SPACE;
}

unsigned protect_count(const struct feeds_protected *p)
{
	return p->n;
}

unsigned protect_count_builtin(void)
{
	return ARRAY_LEN(builtin);
}

const char *protect_why(const struct feeds_protected *p, unsigned index)
{
	return p->at[index].why;
}

const struct name *protect_at(const struct feeds_protected *p, unsigned index)
{
	return &p->at[index].name;
}

uint64_t protect_digest(const struct feeds_protected *p)
{
	return p != NULL ? p->digest : 0;
}
