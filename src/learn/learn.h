/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * learn/learn.h - the front door of learning: which names a group needs, before all others are denied.
 *
 * What:      workers note the questions of groups that learn; the housekeeping thread takes the
 *            notes, keeps them by name, and writes them to STATE/learn/GROUP.json. From that
 *            comes a proposal for the group's allow list. When the group is enforced, names that
 *            are denied are noted likewise and told once a day each: drift.
 *
 *                serve/record.c -> learn_put() -> notes -> learner_tick() -> store -> file
 *                                                                  weir learn show <- propose
 *
 * Not here:  whether a question is denied -> policy/; the commands -> weir/cmd_learn.c.
 * Threads:   learn_wants(), learn_put(): the worker that owns the notes; learner_*: the
 *            housekeeping thread; the rest any, on files.
 * Memory:    notes: 1.4 MiB a worker, touched as used; a group's store: some 300 bytes a name.
 * Cost:      learn_wants(): one hash and one look; what a client asks for again within a minute
 *            is not noted again. Nothing at all for groups that do not learn.
 * Limits:    LEARN_NAMES_MAX names a group; 1024 notes waiting in a worker, more are lost and
 *            counted; LEARN_REVIEW_NAMES names below one registered domain, then the
 *            domain is kept instead, for somebody to look at (tunnels look like that);
 *            LEARN_DRIFT_MAX names told in a day.
 * Standards: none
 * Tests:     tests/unit/learn/, tests/fuzz/learn_fuzz.c, tests/system/learn_test.py
 */
#pragma once

#include <jansson.h>

#include "base/addr.h"
#include "dns/name.h"

enum {
	LEARN_NAMES_MAX = 100000,
	LEARN_DOMAINS_MAX = 100000,
	LEARN_TYPES_MAX = 8,
	LEARN_CLIENTS_MAX = 16, /* that are told apart, for each name */
	LEARN_ALIASES_MAX = 8,
	LEARN_REVIEW_NAMES = 64,
	LEARN_GENERALISE_NAMES = 8,
	LEARN_EXAMPLES_MAX = 10,
	LEARN_DRIFT_MAX = 10000,
	LEARN_GROUP_MAX = 63,
	LEARN_FILE_MAX = 256 << 20,
};

/* ---- workers ---- */

struct learn_notes;

MUST_USE int learn_notes_new(struct learn_notes **ret); /* 0 or -ENOMEM */
void learn_notes_free(struct learn_notes *n);

struct learn_question {
	const char *group;
	bool is_denied;      /* the group is enforced, and nothing allowed the name */
	const uint8_t *name; /* lower case */
	uint16_t type;
	const struct addr *client;
	uint64_t wall_s;
	const uint8_t *aliases[LEARN_ALIASES_MAX]; /* where its chain leads, in order */
	unsigned n_aliases;
};

/* Is it worth noting? False when the same was noted a moment ago. aliases are not looked at. */
bool learn_wants(struct learn_notes *n, const struct learn_question *q);
/* Note it; everything is copied. When there is no room it is lost and counted. */
void learn_put(struct learn_notes *n, const struct learn_question *q);

/* ---- housekeeping ---- */

struct learner;

/* A name was denied that was not learned; at most once a day each. */
struct learn_drift {
	const char *group;
	const uint8_t *name;
	const struct addr *client;
	bool is_last; /* LEARN_DRIFT_MAX is reached: more of this day are not told */
};

struct learner_plan {
	const char *state_dir;
	struct learn_notes *const *notes; /* of the workers; borrowed */
	unsigned n_notes;
	void (*drift)(void *arg, const struct learn_drift *d);
	void *arg;
};

MUST_USE int learner_new(const struct learner_plan *plan, struct learner **ret);
void learner_free(struct learner *l); /* what is not saved is lost */
/* Once a second: take the notes, and write what has changed once a minute. */
void learner_tick(struct learner *l, uint64_t now_s);
/* Since when a group learns; 0: it has asked nothing yet. */
uint64_t learner_since_s(const struct learner *l, const char *group);
/* Take the notes and write everything now. 0, or the first -errno of the disk (logged). */
int learner_save(struct learner *l, uint64_t now_s);

/* ---- files ---- */

/* Does default deny hold for a group that has learned? 1, 0, or -errno: it cannot be told. */
MUST_USE int learn_is_enforced(const char *state_dir, const char *group);
/* Switch; the next reload puts it in force. 0 or -errno. */
MUST_USE int learn_enforce(const char *state_dir, const char *group, bool is_enforced);

/* ---- what was learned ---- */

struct learn_store;

/*
 * learn_load - read STATE/learn/GROUP.json.
 *
 * Returns 0; -ENOENT: nothing was learned yet; -EBADMSG: not such a file (ret_why says where);
 * -ENOMEM; another -errno of the disk.
 */
enum {
	LEARN_WHY_MAX = 256
};
MUST_USE int learn_load(const char *state_dir, const char *group, struct learn_store **ret,
                        char ret_why[LEARN_WHY_MAX]);
void learn_store_free(struct learn_store *s);

/* What is proposed, and why. */
enum learn_kind {
	LEARN_NAME,   /* this name */
	LEARN_DOMAIN, /* everything below a registered domain: many labels vary there */
	LEARN_REVIEW, /* so many that somebody should look first; not proposed */
};

struct learn_proposal {
	enum learn_kind kind;
	struct name name;
	unsigned n_names;   /* seen: 1, or below the domain */
	unsigned n_clients; /* at most LEARN_CLIENTS_MAX are told apart */
	uint64_t first_s, last_s;
	unsigned n_types, n_aliases, n_examples;
	uint16_t types[LEARN_TYPES_MAX];
	const uint8_t *aliases[LEARN_ALIASES_MAX];   /* of a name; borrowed from the store */
	const uint8_t *examples[LEARN_EXAMPLES_MAX]; /* of a domain; likewise */
};

/*
 * The proposals, sorted by name; heap, the caller's. The store must live as long. 0 or -ENOMEM.
 */
MUST_USE int learn_propose(const struct learn_store *s, struct learn_proposal **ret,
                           unsigned *ret_n);
/* {"since_s", "names", "lost", "full"}: what to know of the whole. A new reference. */
json_t *learn_summary(const struct learn_store *s);
