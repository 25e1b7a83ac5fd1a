/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/image.h - the image file: what it looks like, and finding a hash in it.
 *
 * What:      header | lists | sets | members | data | blob | padding | table | high bits
 *
 *            The table holds names and address prefixes alike, 8 bytes a slot:
 *
 *                63                         24 23              0
 *                | low 40 bits of the hash    | set id           |   0: empty
 *
 *            The upper 32 bits of the hash choose the home position, spread over the slots by
 *            one multiplication, so the two parts share bits only above 16 M slots. Slots are
 *            in the order of their hashes, each at its home or behind it, never further than
 *            max_probe; behind the last home there are max_probe + 1 more, so that probing
 *            needs no wrap and no bounds check. A set id names a run of members: the rules
 *            that hang on this name.
 *
 *            The high bits are the upper 24 of each slot that is taken, in the order of the
 *            slots. They are for making the next image from this one (policy/stream.h), stay in
 *            the file and are not mapped.
 *
 *            An overlay is an image too, a small one in front of the one below it: what it has
 *            for a hash stands instead of what the other has, an empty set for "no rules any
 *            more". Its lists are those of both (docs/why/009-overlay.md).
 * Not here:  writing it -> policy/write.c; what a match means -> policy/judge.c.
 * Threads:   immutable after image_open; references are counted with an atomic.
 * Memory:    the file is mapped; on the heap only the pointers of the local data (56 bytes each).
 * Cost:      finding: one cache line, sometimes two; opening: one pass of XXH3 over the file.
 * Limits:    16 M sets, 4 G slots. A name that is not listed is taken for a listed one with a
 *            probability of 1e-11 a label (40 bits, some ten slots); the hash is keyed, so
 *            nobody can look for such a name.
 * Tests:     tests/unit/policy/image_test.c, tests/fuzz/image_fuzz.c
 */
#pragma once

#include <stdatomic.h>

#include "policy/policy.h"

enum {
	IMAGE_VERSION = 4,
	IMAGE_BYTE_ORDER = 0x01020304,
	IMAGE_TABLE_ALIGN = 64, /* a cache line */
	IMAGE_SET_BITS = 24,
	IMAGE_MAX_SETS = 1 << IMAGE_SET_BITS,
	IMAGE_MAX_PROBE = 4096, /* some 60 are needed at 10 M names */
	IMAGE_NO_DATA = 0,      /* in a member: the list's own data */
	IMAGE_HIGH_BYTES = 3,   /* of the hash, each slot that is taken; little endian */
};

/* In what image_find() gives: a set of the overlay. */
#define IMAGE_SET_OVER 0x80000000U

struct image_header {
	uint8_t magic[8];
	uint32_t version;
	uint32_t byte_order;
	uint64_t file_bytes;
	uint64_t checksum; /* image_checksum() */
	uint64_t key[2];   /* of the hashes */
	uint8_t tag[32];
	uint64_t lengths_v4;    /* bit n: there are IPv4 prefixes of length n */
	uint64_t lengths_v6[3]; /* the same for IPv6, bits 0-128 */
	uint64_t blob_bytes;
	uint64_t below;    /* of an overlay: the checksum of the image it belongs to; else 0 */
	uint64_t high_sum; /* XXH3 of the high bits: they are read again long after opening */
	uint32_t n_slots;  /* home positions, at least 1 */
	uint32_t max_probe;
	uint32_t n_used; /* slots taken */
	uint32_t n_lists;
	uint32_t n_sets; /* set 0 is the empty one */
	uint32_t n_members;
	uint32_t n_data;     /* data 0 is none */
	uint32_t rule_kinds; /* IMAGE_HAS_*: of some rule */
};

struct image_list {
	char name[POLICY_LIST_NAME_MAX + 1];
	uint32_t loaded_s;
	uint32_t changes_s;  /* 0: never */
	uint64_t path_at;    /* in the blob, NUL-terminated */
	uint32_t path_bytes; /* with the NUL */
	uint32_t n_names, n_prefixes, n_skipped;
	/* Rules that say themselves what they are compared with, by enum policy_match. */
	uint32_t n_own[POLICY_MATCH_COUNT];
	uint32_t soa_bytes; /* 0: none */
	uint32_t soa_ttl_s;
	uint64_t soa_at; /* in the blob: the owner's wire form, then the SOA's data */
	struct policy_list_source source;
};

struct image_set {
	uint32_t first, n; /* members */
};

/* One rule as it hangs on a name or prefix. */
struct image_member {
	uint16_t list;
	uint8_t scope;  /* enum policy_scope, the rule's own match, and IMAGE_IMPORTANT */
	uint8_t action; /* enum policy_action; POLICY_NONE: the list's own */
	uint32_t data;  /* IMAGE_NO_DATA or an index */
};

enum {
	IMAGE_SCOPE_MASK = 0x03,
	IMAGE_MATCH_SHIFT = 2, /* 0: the list's `match`; else enum policy_match + 1 */
	IMAGE_MATCH_MASK = 0x1c,
	IMAGE_IMPORTANT = 0x80
};

/* In header.rule_kinds. */
enum {
	IMAGE_HAS_LOG = 1,   /* a rule has action log by itself */
	IMAGE_HAS_TYPES = 2, /* a rule is for some types of questions only */
};

struct image_data {
	uint64_t at; /* in the blob: n_addrs struct addr, the target's wire form, records, types */
	uint32_t n_addrs;
	uint32_t target_bytes; /* 0: none */
	uint32_t records_bytes;
	uint32_t ttl_s; /* 0 without IMAGE_DATA_HAS_TTL */
	uint32_t flags;
	uint32_t n_types; /* 2 bytes each, behind the records */
};

enum {
	IMAGE_DATA_HAS_TTL = 1,
	IMAGE_DATA_IS_SUFFIX = 2,
	IMAGE_DATA_TYPES_NOT = 4,
	IMAGE_DATA_FLAGS = 7,
	IMAGE_DATA_TYPES_MAX = POLICY_PATTERN_TYPES,
};

_Static_assert(sizeof(struct image_header) == 168, "the header has no holes");
_Static_assert(sizeof(struct image_list) == 152, "a list has no holes");
_Static_assert(sizeof(struct image_member) == 8, "a member is compared as 8 bytes");
_Static_assert(sizeof(struct image_data) == 32, "data has no holes");
_Static_assert(sizeof(struct addr) == 17, "addresses are kept in files as they are");

struct policy_image {
	const uint64_t *slots;
	const struct image_set *sets;
	const struct image_member *members;
	uint32_t n_slots, max_probe, n_sets;
	bool has_root_rule;
	const struct image_header *header;
	const struct image_list *lists;
	const uint8_t *blob;
	struct policy_data *data;               /* heap; pointers into the blob; [0] is unused */
	size_t n_mapped;                        /* bytes, to the end of the table */
	struct policy_image *below;             /* not NULL: this one is an overlay */
	int fd;                                 /* for the high bits */
	struct policy_pattern_set *pattern_set; /* NULL: none */
	uint16_t *pattern_lists;                /* its list -> the image's, POLICY_NO_LIST */
	uint32_t *n_patterns;                   /* of each list of the image; NULL: none */
	atomic_uint refs;
};

/* Where the parts are; computed from the counts in the header. */
struct image_layout {
	uint64_t lists, sets, members, data, blob, table, high, end;
};
struct image_layout image_layout(const struct image_header *h);

/* The checksum of a whole file: image_seal() of the header with checksum 0 and the XXH3 of the
 * rest. */
uint64_t image_checksum(const uint8_t *bytes, size_t n);
uint64_t image_seal(const struct image_header *h, uint64_t body);

/* What a rule is compared with by itself: 0, or enum policy_match + 1. */
static inline unsigned image_own_match(uint8_t scope_bits)
{
	return (scope_bits & IMAGE_MATCH_MASK) >> IMAGE_MATCH_SHIFT;
}

/*
 * What data is made of: the bytes behind one another. records_are_good: whole records, an alias's
 * target among them a whole name; soa_is_good: an owner, two names and 20 bytes.
 */
bool image_records_are_good(const uint8_t *records, size_t n);
bool image_soa_is_good(const uint8_t *soa, size_t n);

/* The image under the overlay, or this one. */
static inline const struct policy_image *image_bottom(const struct policy_image *i)
{
	return i->below != NULL ? i->below : i;
}

/* Another reference. */
struct policy_image *image_get(struct policy_image *i);

/* What a prefix is filed under; p is masked to its length. */
uint64_t image_prefix_hash(const struct addr *masked, unsigned length);

static inline uint32_t image_home(uint64_t hash, uint32_t n_slots)
{
	return (uint32_t)(((hash >> 32) * n_slots) >> 32);
}

static inline void image_prefetch(const struct policy_image *i, uint64_t hash)
{
	__builtin_prefetch(&i->slots[image_home(hash, i->n_slots)], 0, 1);
	if (i->below != NULL)
		__builtin_prefetch(&i->below->slots[image_home(hash, i->below->n_slots)], 0, 1);
}

/* The set of a hash in this image alone, 0 if there is none. Only the checksum vouches for ids:
 * one too large is none. */
static inline uint32_t image_find_here(const struct policy_image *i, uint64_t hash)
{
	const uint64_t *slot = i->slots + image_home(hash, i->n_slots);
	uint64_t tag = hash << IMAGE_SET_BITS;
	for (uint32_t n = 0; n <= i->max_probe && slot[n] != 0; n++) {
		uint64_t id = slot[n] ^ tag;
		if (id < IMAGE_MAX_SETS)
			return id < i->n_sets ? (uint32_t)id : 0;
	}
	return 0;
}

/* The set of a hash, 0 if there is none; it may be empty. For image_rules(). */
static inline uint32_t image_find(const struct policy_image *i, uint64_t hash)
{
	uint32_t set = image_find_here(i, hash);
	if (i->below == NULL)
		return set;
	return set != 0 ? set | IMAGE_SET_OVER : image_find_here(i->below, hash);
}

/* The rules of a set that image_find() gave. */
static inline const struct image_member *image_rules(const struct policy_image *i, uint32_t set,
                                                     uint32_t *ret_n)
{
	if (i->below != NULL && (set & IMAGE_SET_OVER) == 0)
		i = i->below;
	const struct image_set *s = &i->sets[set & ~IMAGE_SET_OVER];
	*ret_n = s->n;
	return i->members + s->first;
}

/* The local data of one of these rules; m->data is not IMAGE_NO_DATA. */
static inline const struct policy_data *image_data(const struct policy_image *i,
                                                   const struct image_member *m)
{
	uintptr_t at = (uintptr_t)m - (uintptr_t)i->members;
	if (i->below != NULL && at >= i->header->n_members * sizeof *m)
		i = i->below;
	return &i->data[m->data];
}

/* Is the rule for questions of this type (0: not known)? */
static inline bool image_rule_is_for(const struct policy_image *i, const struct image_member *m,
                                     uint16_t type)
{
	return LIKELY(m->data == IMAGE_NO_DATA) || policy_data_is_for(image_data(i, m), type);
}
