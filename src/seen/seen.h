/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seen/seen.h - the front door of what was seen: when was this registered domain first asked for
 *               here, when last, and by how many clients.
 *
 * What:      one table of registered domains (dns/registered.h), shared by all workers. Each
 *            entry is two words: a fingerprint with the time of the first question, and the day
 *            of the last one, marks of the clients and what is known of the domain. Workers note
 *            questions that the cache had no answer for; anybody asks. What changes is written to
 *            a log in the state folder every second, and the whole table now and then.
 *
 *                serve/ -> seen_note(), seen_confirm() -> table -> seen_find() <- policy's callers
 *                                      \-> changes -> seen_tick() -> STATE/seen, STATE/seen.log
 *
 *            For a while after the table was begun (plan.learn_s) every domain counts as known:
 *            it learns.
 * Not here:  what follows from a domain being new -> policy/; the registered domain of a name ->
 *            dns/registered.h
 * Threads:   seen_find(), seen_age(): any, without locks. seen_note(), seen_confirm(): any worker,
 *            each with changes of its own. seen_tick(), seen_sync(): one thread.
 * Memory:    plan.size_bytes, touched as used; 16 bytes a domain; 64 KiB a worker for changes.
 * Cost:      find: one SipHash and at most four cache lines. note: the same, and at most two
 *            compare-and-swaps. No allocation, no lock, no system call.
 * Limits:    size_bytes / 16 domains. The first has to go when about 70 in 100 places are filled; at
 *            80 in 100 (ten million domains in 192 MiB) one in some thousands has. Then goes,
 *            of sixteen, first what never had an answer, then what one client asked for on
 *            one day, then what was asked for longest ago; so that who floods the table with
 *            names loses his own entries. When all sixteen are of use and were asked for today or
 *            yesterday, the new one is not remembered, and counted (seen_counts.refused).
 *            A domain is taken for another with a probability of one in 4.4 million with a
 *            million domains, one in 440,000 with ten million; the key is secret, the table's own. Times
 *            are kept in steps of SEEN_STEP_S, from 2024 to 2103; days of the last question.
 *            Clients: one address (IPv6: /64) is one; told apart up to about 100, by an estimate.
 * Tests:     tests/unit/seen/, tests/fuzz/seen_fuzz.c, tests/system/first_seen_test.py
 */
#pragma once

#include "base/addr.h"
#include "dns/name.h"

struct seen;
struct seen_changes;

enum {
	SEEN_STEP_S = 600,
	SEEN_CLIENTS_MAX = 100, /* of seen_domain.n_clients: that many or more */
	SEEN_SIZE_MIN = 1 << 20,
};

#define SEEN_NOT_NEW UINT32_MAX

/* ---- asking ---- */

struct seen_domain {
	bool is_known;       /* false: never asked for, or forgotten; the rest is 0 */
	bool is_learned;     /* first seen while the table learned: not new at any time */
	bool has_answered;   /* servers have said that it is there */
	bool is_established; /* asked for on more than one day, or by more than one client */
	uint64_t first_s;    /* wall clock, a multiple of SEEN_STEP_S */
	uint64_t last_s;     /* the beginning of that day (UTC) */
	unsigned n_clients;  /* about; whose questions were not answered from the cache */
};

/* The table in force; NULL: none. Set at the start, before threads; unset at the end. */
struct seen *seen_current(void);
void seen_set_current(struct seen *s);

/* domain: a registered domain, lower case. */
void seen_find(const struct seen *s, const uint8_t *domain, struct seen_domain *ret);
/*
 * How long ago it was first seen; 0: never before. SEEN_NOT_NEW: it is not to be taken for new,
 * because it is from the time of learning, the table learns, or it cannot be remembered.
 */
uint32_t seen_age_s(const struct seen *s, const uint8_t *domain, uint64_t now_s);

/* ---- noting: workers ---- */

MUST_USE int seen_changes_new(struct seen_changes **ret); /* 0 or -ENOMEM */
void seen_changes_free(struct seen_changes *c);

/* A client asked, and the cache had no answer. */
void seen_note(struct seen *s, struct seen_changes *c, const uint8_t *domain,
               const struct addr *client, uint64_t now_s);
/* Servers have answered: there is such a domain. */
void seen_confirm(struct seen *s, struct seen_changes *c, const uint8_t *domain);

/* ---- keeping: one thread ---- */

struct seen_plan {
	uint64_t size_bytes;   /* at least SEEN_SIZE_MIN */
	const char *state_dir; /* NULL: kept in memory only; copied */
	uint32_t learn_s; /* from the time on when the table was begun, to the next step; 0: not */
	uint64_t now_s;
	bool is_read_only; /* the files stay as they are */
};

enum {
	SEEN_WHY_MAX = 256
};

/*
 * seen_new - a table, with what the files have.
 *
 * @ret_why: "" or one line: a file that could not be used, and why; it is kept as PATH.bad, and
 *           what it had is forgotten
 *
 * Returns 0 or -ENOMEM.
 */
MUST_USE int seen_new(const struct seen_plan *plan, struct seen **ret, char ret_why[SEEN_WHY_MAX]);
void seen_free(struct seen *s); /* what is not written is lost */

/*
 * Once a second: write what has changed. 0 or -errno of the disk: then what is in memory holds on,
 * and everything is written when the disk can take it.
 */
MUST_USE int seen_tick(struct seen *s, struct seen_changes *const *changes, unsigned n_changes);
/* The same, and bring it to the disk now. */
MUST_USE int seen_sync(struct seen *s, struct seen_changes *const *changes, unsigned n_changes);

struct seen_counts {
	uint64_t domains, room; /* entries in use, and there are */
	uint64_t evicted;       /* entries that had to go */
	uint64_t refused;       /* domains that could not be remembered */
	uint64_t since_s;       /* when the table was begun */
	uint64_t learns_until_s;
};
void seen_count(const struct seen *s, struct seen_counts *ret);
