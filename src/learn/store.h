/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * learn/store.h - what one group has learned.
 *
 * What:      names with what was seen of them, and the registered domains they belong to. A
 *            domain with more than LEARN_REVIEW_NAMES names is kept with a few examples only.
 * Not here:  the file -> file.c; the proposal -> propose.c.
 * Threads:   one at a time.
 * Memory:    about 300 bytes a name, at most LEARN_NAMES_MAX.
 * Cost:      a hash and a look-up; for a new name the public suffix list too.
 * Limits:    see learn/learn.h; when it is full, new names are counted and not kept.
 * Tests:     tests/unit/learn/store_test.c
 */
#pragma once

#include "learn/learn.h"

struct learn_domain {
	uint8_t *wire;       /* its name */
	unsigned n_names;    /* different ones that are or were kept */
	unsigned n_examples; /* of a domain in review */
	uint64_t n_more;     /* questions for others since it is in review */
	bool is_review;
	uint64_t first_s, last_s;
	uint8_t *examples[LEARN_EXAMPLES_MAX];
};

struct learn_name {
	uint8_t *wire;
	uint32_t domain; /* index */
	uint8_t n_types, n_clients, n_aliases;
	uint16_t types[LEARN_TYPES_MAX];
	uint32_t clients[LEARN_CLIENTS_MAX]; /* hashes of their addresses */
	uint64_t first_s, last_s;
	uint8_t *aliases[LEARN_ALIASES_MAX];
};

/* From wire names to indices; 0 is "none". */
struct learn_index {
	uint32_t *places; /* index + 1 */
	size_t mask;
};

struct learn_store {
	char group[LEARN_GROUP_MAX + 1];
	uint64_t since_s;
	uint64_t n_refused; /* names that did not fit */
	uint64_t n_lost;    /* notes that did not fit */
	bool is_changed;
	struct learn_name *names;
	struct learn_domain *domains;
	uint32_t n_names, n_domains, room_names, room_domains;
	struct learn_index by_name, by_domain;
};

struct learn_seen {
	const uint8_t *name; /* lower case */
	uint16_t type;
	uint32_t client;
	uint64_t wall_s;
	const uint8_t *const *aliases;
	unsigned n_aliases;
};

MUST_USE int store_new(const char *group, uint64_t now_s, struct learn_store **ret);
/* Take a question in. 0; -ENOSPC: full, counted; -ENOMEM. */
MUST_USE int store_add(struct learn_store *s, const struct learn_seen *seen);
/* An entry of its own, for reading files: NULL without memory or room. */
struct learn_name *store_name(struct learn_store *s, const uint8_t *lower, uint64_t first_s);
struct learn_domain *store_domain(struct learn_store *s, const uint8_t *lower, uint64_t first_s,
                                  uint32_t *ret_index);
/* The domain becomes one for review: its names go, a few stay as examples. */
void store_set_review(struct learn_store *s, uint32_t domain);
void store_add_alias(struct learn_name *n, const uint8_t *lower);
/* The registered domain of a name (the name itself where there is none). */
void store_registered(const uint8_t *lower, struct name *ret);

/* ---- file.c ---- */

/* "STATE/learn/GROUP.json", ".enforced": -ENAMETOOLONG. */
MUST_USE int store_path(const char *state_dir, const char *group, const char *ending, char *ret,
                        size_t n);
MUST_USE int store_save(const struct learn_store *s, const char *state_dir);
/* From the text of a file. -EBADMSG with the reason. */
MUST_USE int store_read(const char *group, const char *text, size_t n, struct learn_store **ret,
                        char ret_why[LEARN_WHY_MAX]);
