/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The notes of all workers, taken once a second, into one store a group. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "learn/notes.h"
#include "learn/store.h"

enum {
	GROUPS_MAX = 1024, /* as many as a configuration has */
	SAVE_S = 60,
	DAY_S = 86400,
	DRIFT_PLACES = 4 * 8192, /* more than twice LEARN_DRIFT_MAX */
	PATH_BYTES = 4300,
};

struct group {
	struct learn_store *store;
	uint64_t *drift; /* hashes of the names told today; NULL: none ever */
	uint64_t drift_day;
	unsigned n_drift;
};

struct learner {
	struct learner_plan plan;
	char *state_dir;
	struct group groups[GROUPS_MAX];
	unsigned n_groups;
	uint64_t saved_s;
	bool is_full_told, is_unread_told;
};

int learner_new(const struct learner_plan *plan, struct learner **ret)
{
	struct learner *l = calloc(1, sizeof *l);
	if (l == NULL)
		return -ENOMEM;
	l->plan = *plan;
	l->state_dir = strdup(plan->state_dir);
	if (l->state_dir == NULL) {
		free(l);
		return -ENOMEM;
	}
	*ret = l;
	return 0;
}

void learner_free(struct learner *l)
{
	if (l == NULL)
		return;
	for (unsigned i = 0; i < l->n_groups; i++) {
		learn_store_free(l->groups[i].store);
		free(l->groups[i].drift);
	}
	free(l->state_dir);
	free(l);
}

/* A file that cannot be read is put aside, not written over. */
static void put_aside(const struct learner *l, const char *group, const char *why)
{
	char path[PATH_BYTES], aside[PATH_BYTES];
	if (store_path(l->state_dir, group, ".json", path, sizeof path) != 0 ||
	    store_path(l->state_dir, group, ".json.bad", aside, sizeof aside) != 0)
		return;
	log_error("what group %s has learned cannot be read (%s: %s): it begins anew, the file is "
	          "kept as %s",
	          group, path, why, aside);
	(void)rename(path, aside);
}

/* The disk may read it later, and what it holds must not be begun anew meanwhile. */
static struct group *not_now(struct learner *l, const char *group, const char *why)
{
	if (!l->is_unread_told)
		log_error("what group %s has learned cannot be read (%s): it learns nothing until "
		          "it can be",
		          group, why);
	l->is_unread_told = true;
	return NULL;
}

static struct group *group_named(struct learner *l, const char *name, uint64_t now_s)
{
	char why[LEARN_WHY_MAX];
	for (unsigned i = 0; i < l->n_groups; i++) {
		if (strcmp(l->groups[i].store->group, name) == 0)
			return &l->groups[i];
	}
	if (l->n_groups == GROUPS_MAX)
		return NULL;
	struct group *g = &l->groups[l->n_groups];
	int e = learn_load(l->state_dir, name, &g->store, why);
	if (e == -EBADMSG || e == -EFBIG)
		put_aside(l, name, why);
	else if (e != 0 && e != -ENOENT)
		return not_now(l, name, why);
	if (e != 0)
		e = store_new(name, now_s, &g->store);
	if (e != 0)
		return NULL;
	l->n_groups++;
	return g;
}

/* The same client is the same number in every process: it is kept in the file. */
static uint32_t client_number(const struct addr *a)
{
	static const struct siphash_key key = { 0x6c6561726e, 1 };
	return (uint32_t)siphash13(&key, a->bytes, sizeof a->bytes);
}

static void take_question(struct learner *l, struct group *g, const struct learn_note *n)
{
	const uint8_t *aliases[NOTE_ALIASES_MAX];
	for (unsigned i = 0; i < n->n_aliases; i++)
		aliases[i] = n->aliases[i].wire;
	const struct learn_seen seen = { .name = n->name.wire,
		                         .type = n->type,
		                         .client = client_number(&n->client),
		                         .wall_s = n->wall_s,
		                         .aliases = aliases,
		                         .n_aliases = n->n_aliases };
	if (store_add(g->store, &seen) == 0 || l->is_full_told)
		return;
	l->is_full_told = true;
	log_warning("group %s has learned %u names and learns no more: see weir learn show %s",
	            n->group, g->store->n_names, n->group);
}

/* True: it was not told today. */
static bool drift_is_new(struct group *g, uint64_t hash, uint64_t day)
{
	if (g->drift == NULL)
		g->drift = calloc(DRIFT_PLACES, sizeof *g->drift);
	if (g->drift == NULL)
		return false;
	if (g->drift_day != day) {
		memset(g->drift, 0, DRIFT_PLACES * sizeof *g->drift);
		g->n_drift = 0;
		g->drift_day = day;
	}
	hash += hash == 0;
	size_t i = hash % DRIFT_PLACES;
	for (; g->drift[i] != 0; i = (i + 1) % DRIFT_PLACES) {
		if (g->drift[i] == hash)
			return false;
	}
	if (g->n_drift == LEARN_DRIFT_MAX)
		return false;
	g->drift[i] = hash;
	g->n_drift++;
	return true;
}

static void take_denied(struct learner *l, struct group *g, const struct learn_note *n)
{
	if (!drift_is_new(g, name_hash(n->name.wire), n->wall_s / DAY_S) || l->plan.drift == NULL)
		return;
	const struct learn_drift d = { .group = n->group,
		                       .name = n->name.wire,
		                       .client = &n->client,
		                       .is_last = g->n_drift == LEARN_DRIFT_MAX };
	l->plan.drift(l->plan.arg, &d);
}

static void take_notes(struct learner *l, uint64_t now_s)
{
	for (unsigned i = 0; i < l->plan.n_notes; i++) {
		struct learn_notes *notes = l->plan.notes[i];
		struct group *g = NULL;
		const struct learn_note *n;
		for (unsigned k = 0; k < NOTES_MAX && (n = notes_peek(notes)) != NULL; k++) {
			g = group_named(l, n->group, now_s);
			if (g != NULL && n->is_denied)
				take_denied(l, g, n);
			else if (g != NULL)
				take_question(l, g, n);
			notes_pop(notes);
		}
		uint64_t lost = notes_take_lost(notes);
		if (lost > 0 && g != NULL)
			g->store->n_lost += lost;
	}
}

static int save_changed(struct learner *l)
{
	int first = 0;
	for (unsigned i = 0; i < l->n_groups; i++) {
		struct learn_store *s = l->groups[i].store;
		if (!s->is_changed)
			continue;
		int e = store_save(s, l->state_dir);
		s->is_changed = e != 0;
		if (e != 0)
			log_error("what group %s has learned cannot be written to %s/learn: %s",
			          s->group, l->state_dir, strerror(-e));
		if (first == 0)
			first = e;
	}
	return first;
}

void learner_tick(struct learner *l, uint64_t now_s)
{
	if (l == NULL)
		return;
	take_notes(l, now_s);
	if (now_s < l->saved_s + SAVE_S && now_s >= l->saved_s)
		return;
	l->saved_s = now_s;
	(void)save_changed(l);
}

uint64_t learner_since_s(const struct learner *l, const char *group)
{
	for (unsigned i = 0; l != NULL && i < l->n_groups; i++) {
		if (strcmp(l->groups[i].store->group, group) == 0)
			return l->groups[i].store->since_s;
	}
	return 0;
}

int learner_save(struct learner *l, uint64_t now_s)
{
	if (l == NULL)
		return 0;
	take_notes(l, now_s);
	l->saved_s = now_s;
	return save_changed(l);
}
