/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/sets.h - the distinct sets of rules, and their local data, while an image is built.
 *
 * What:      names with the same rules share one set. A set is never changed: adding a rule to
 *            a name moves the name to the set with that rule, found by a memo of
 *            (set, rule) -> set, so that the usual case is one probe of a small table.
 *            Local data (addresses, a target) is kept once for each content.
 * Threads:   the builder's.
 * Memory:    heap; 8 bytes a member, about 40 bytes a set, 64 an item of data.
 * Cost:      the last (set, rule) again: a comparison; another: one or two cache misses.
 * Limits:    16 M sets; SETS_MAX_RULES different rules of one list on one name.
 * Tests:     tests/unit/policy/sets_test.c
 */
#pragma once

#include "policy/image.h"

enum {
	SETS_MAX_RULES = 64
};

struct sets_memo {
	uint64_t rule;     /* the member's 8 bytes */
	uint32_t from, to; /* to 0: empty */
};

struct sets {
	struct image_set *sets; /* [0]: the empty set */
	uint32_t n_sets, cap_sets;
	struct image_member *members;
	uint32_t n_members, cap_members;
	uint32_t *by_content; /* set ids, open addressing */
	uint32_t n_by_content;
	struct sets_memo *memo;
	uint32_t n_memo, n_memo_used;
	struct sets_memo last;

	struct image_data *data; /* [0]: none */
	uint32_t n_data, cap_data;
	uint32_t *data_by_content;
	uint32_t n_data_by_content;
	uint8_t *blob;
	uint64_t blob_bytes, cap_blob;
};

MUST_USE int sets_init(struct sets *s);
void sets_done(struct sets *s);

/*
 * The set that has m beside all that `from` has. 0; -ENOMEM; -ENOSPC: too many sets;
 * -E2BIG: the name has SETS_MAX_RULES rules of this list already. ret == from: it has m.
 */
MUST_USE int sets_add(struct sets *s, uint32_t from, const struct image_member *m, uint32_t *ret);

/* What sets are copied from: others, or an image. */
struct sets_source {
	const struct image_set *sets;
	const struct image_member *members;
	const struct image_data *data;
	const uint8_t *blob;
	uint32_t *data_ids;    /* what became of each item of data; zeros in the beginning */
	const uint16_t *lists; /* new numbers, POLICY_NO_LIST: its rules are left out; or NULL */
};

/* The set with the rules of another one. 0, -ENOMEM, -ENOSPC, -E2BIG as sets_add(). */
MUST_USE int sets_copy(struct sets *s, const struct sets_source *from, uint32_t set, uint32_t *ret);

/*
 * The set without m; with m->action SETS_ALL without all rules of its list. What is not there is
 * not missed. As sets_add().
 */
enum {
	SETS_ALL = 0xff
};
MUST_USE int sets_remove(struct sets *s, uint32_t from, const struct image_member *m,
                         uint32_t *ret);

/* The index of equal data, added if new. 0, -ENOMEM, -ENOSPC. */
MUST_USE int sets_data(struct sets *s, const struct policy_data *data, uint32_t *ret);
/* The same of an item of other sets or of an image. */
MUST_USE int sets_data_copy(struct sets *s, const struct sets_source *from, uint32_t id,
                            uint32_t *ret);
/* Of its content, wherever it is; 0 for IMAGE_NO_DATA. */
uint64_t sets_data_digest(const struct image_data *data, const uint8_t *blob, uint32_t id);

/* n bytes at the end of the blob, not shared. 0, -ENOMEM. */
MUST_USE int sets_blob(struct sets *s, const void *bytes, size_t n, uint64_t *ret_at);
