/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * incidents/table.h - the evidence of each client, and what follows from it.
 *
 * What:      a score for each class of evidence (classes.def), which halves in settings.half_life_s;
 *            their sum, each up to its ceiling, is the client's. Of each source (list, detector)
 *            it is kept how often, when first and last, and a name.
 *
 *            A name that is asked for again counts nothing for TABLE_REPEAT_S, then half as much as
 *            before, and so on: one name alone adds up to at most twice its weight in a day.
 *
 *            IPv6: a machine may take as many addresses as it likes. When TABLE_PREFIX_MAX of one /64
 *            are known, further ones are counted together, as the /64.
 *
 *            When the table is full, those with the least score go, some at once, but never one with
 *            an open incident: who wants his evidence gone must have TABLE_CLIENTS others with more
 *            of it. When all have open incidents nothing more is taken, which is counted.
 * Not here:  threads and files -> incidents.c, saved.h; words for people -> wording.h.
 * Threads:   the caller holds a lock. Time is given, never asked for.
 * Memory:    fixed, some 30 MiB of address space at 10,000 clients, taken as it is used.
 * Cost:      O(1) an evidence; one pass over the table in TABLE_CLIENTS / 16 newcomers when full.
 * Limits:    6 sources and 16 steps of the timeline a client; the weakest, the oldest go.
 * Tests:     tests/unit/incidents/table_test.c
 */
#pragma once

#include <stdint.h>

#include "base/addr.h"
#include "base/must.h"
#include "base/siphash.h"
#include "incidents/incidents.h"

enum {
	TABLE_REASONS = 6,
	TABLE_STEPS = 16,
	TABLE_NAMES = 16,
	TABLE_NAME_MAX = 63,   /* of an example, as text; longer ones are cut at the front */
	TABLE_SOURCE_MAX = 63, /* of a list or detector */
	TABLE_GROUP_MAX = 63,
	TABLE_TEXT_MAX = 95,
	TABLE_REPEAT_S = 3600,
	TABLE_FORGET_S = 86400, /* a name not asked for so long counts in full again */
	TABLE_MERGE_S = 600,    /* evidence of one source is one step of the timeline for so long */
	TABLE_UPDATE_S = 3600,  /* between two updates of an incident that is not worse by state */
	TABLE_UPDATES_MAX = 10, /* of an incident */
	TABLE_PREFIX_MAX = 64,
	TABLE_HEADS = 16384,
	TABLE_NONE = 0xffff,
};

enum evidence_class {
#define EVIDENCE_CLASS(id, word, low, medium, high, most, text) EVIDENCE_##id,
#include "incidents/classes.def"
#undef EVIDENCE_CLASS
	EVIDENCE_CLASSES,
};

enum evidence_confidence {
	EVIDENCE_LOW = 0,
	EVIDENCE_MEDIUM,
	EVIDENCE_HIGH,
};

/* Texts are borrowed during the call; "" for nothing. */
struct evidence {
	uint64_t wall_s;
	struct addr client;
	enum evidence_class class;
	enum evidence_confidence confidence;
	const char *group, *source;
	const char *name; /* that was asked for, as text */
	const char *key;  /* what a repetition is known by: the name, or its domain */
	const char *text; /* a detector's sentence */
};

enum client_state {
	CLIENT_CLEAR = 0,
	CLIENT_SUSPICIOUS,
	CLIENT_INFECTED,
};

enum step_what {
	STEP_EVIDENCE = 0,
	STEP_OPENED,
	STEP_WORSE,
	STEP_CLOSED,  /* it was quiet */
	STEP_CLEARED, /* by hand: source is who, name is why */
};

struct reason {
	uint8_t class, confidence;
	uint32_t count;
	uint32_t first_s, last_s;
	float score; /* at client.at_s */
	char source[TABLE_SOURCE_MAX + 1];
	char name[TABLE_NAME_MAX + 1];
	char text[TABLE_TEXT_MAX + 1];
};

struct step {
	uint32_t first_s, last_s, count;
	uint8_t what, class, state;
	float score; /* of the client, after it */
	char source[TABLE_SOURCE_MAX + 1];
	char name[TABLE_NAME_MAX + 1];
};

enum {
	PENDING_OPENED = 1,
	PENDING_WORSE = 2,
	PENDING_CLOSED = 4,
};

struct client {
	struct addr addr;
	uint8_t bits; /* 32, 128, or 64: addresses counted together */
	uint8_t state;
	uint8_t pending; /* what is to be told: PENDING_... */
	uint8_t n_reasons, n_steps, at_step, n_updates;
	uint16_t next, next_prefix; /* in the chains */
	uint64_t incident;          /* its number; 0: none is open */
	uint32_t first_s, last_s;   /* evidence */
	uint32_t opened_s, told_s, pending_s;
	uint32_t at_s;    /* when the scores were worked out */
	float told_score; /* with the last alert */
	float scores[EVIDENCE_CLASSES];
	char group[TABLE_GROUP_MAX + 1];
	struct reason reasons[TABLE_REASONS];
	struct step steps[TABLE_STEPS]; /* a ring; at_step is the oldest once it is full */
	struct {
		uint32_t hash, last_s;
		uint8_t n; /* how often it has counted */
	} names[TABLE_NAMES];
};

struct table_settings {
	uint32_t suspicious, infected; /* scores */
	uint32_t half_life_s, quiet_s;
};

struct table {
	struct table_settings settings;
	struct siphash_key key;
	struct client *clients; /* INCIDENTS_CLIENTS_MAX */
	unsigned n_clients;     /* ever used: the first so many */
	uint16_t free;          /* a chain by next */
	uint16_t heads[TABLE_HEADS], prefix_heads[TABLE_HEADS];
	unsigned n_used, n_open, n_pending;
	uint64_t n_evicted, n_untracked; /* clients that went; evidence that had no room */
	float evicted_score; /* the greatest of those that went since it was looked at */
	uint64_t next_incident;
};

MUST_USE int table_init(struct table *t, const struct table_settings *settings);
void table_done(struct table *t);

/* Evidence; NULL: there was no room. */
struct client *table_add(struct table *t, const struct evidence *e);
struct client *table_find(struct table *t, const struct addr *client);
/* An empty client, for what was saved. NULL: there is no room, or it is there already. */
struct client *table_put(struct table *t, const struct addr *addr, unsigned bits);
bool table_is_used(const struct client *c);
/* Take a client out. */
void table_remove(struct table *t, struct client *c);

/* Incidents that were quiet become PENDING_CLOSED; clients without score or incident go. */
void table_tick(struct table *t, uint32_t now_s);
/* These of c->pending have been told. */
void table_told(struct table *t, struct client *c, unsigned what, uint32_t now_s);
/* The machine is clean. PENDING_CLOSED, if an incident is open. */
void table_clear(struct table *t, struct client *c, uint32_t now_s, const char *who,
                 const char *reason);

float table_score(const struct table *t, const struct client *c, uint32_t now_s);
/* The i-th step, the oldest first. */
const struct step *client_step(const struct client *c, unsigned i);
void client_to_text(const struct client *c, char ret[ADDR_TEXT_MAX]);
enum evidence_class evidence_class_from(const char *word); /* EVIDENCE_CLASSES: there is none */
const char *evidence_class_word(unsigned class);
const char *client_state_word(unsigned state);
const char *step_word(unsigned what);
