/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was known of trust anchors before the start, and what is configured. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "validate/anchors_keeper.h"

/* ---- the files ---- */

int keeper_save_keys(const struct keeper *k)
{
	const struct tracked_zone *zones[ANCHOR_ZONES_MAX];
	char *text = NULL;
	size_t n = 0;
	if (k->keys_path[0] == 0)
		return 0;
	for (unsigned i = 0; i < k->n_zones; i++)
		zones[i] = k->zones[i].tracked;
	int e = state_write_zones(zones, k->n_zones, &text, &n);
	if (e == 0) {
		e = anchors_save(k->keys_path, text, n);
		free(text);
	}
	return e;
}

int keeper_save_negatives(const struct keeper *k)
{
	char *text = NULL;
	size_t n = 0;
	if (k->negatives_path[0] == 0)
		return 0;
	int e = state_write_negatives(k->negatives, k->n_negatives, &text, &n);
	if (e == 0) {
		e = anchors_save(k->negatives_path, text, n);
		free(text);
	}
	return e;
}

/* A broken file is told, and kept beside for whoever wants to know. */
static void tell_broken(const struct keeper *k, const char *path, const char *why,
                        const char *what_now)
{
	char aside[ANCHORS_PATH_MAX + 8], text[2 * ANCHORS_PATH_MAX + 512];
	snprintf(aside, sizeof aside, "%s.broken", path);
	bool is_aside = rename(path, aside) == 0;
	snprintf(text, sizeof text, "%s cannot be used: %s; %s%s%s", path, why, what_now,
	         is_aside ? "; the file is now " : "", is_aside ? aside : "");
	keeper_tell(k, NOTICE_STATE, NOTICE_ERROR, NULL, -1, text);
}

/* The text of a state file; false: there is none, or it cannot be read, which is told. */
static bool load_text(const struct keeper *k, const char *path, const char *what_now,
                      char **ret_text, size_t *ret_n)
{
	if (path[0] == 0)
		return false;
	int e = anchors_load(path, ret_text, ret_n);
	if (e != 0 && e != -ENOENT)
		tell_broken(k, path, strerror(-e), what_now);
	return e == 0;
}

static void free_zones(struct tracked_zone **zones, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		track_done(zones[i]);
		free(zones[i]);
	}
}

/* ---- the configuration against what was remembered ---- */

static bool is_in_plan(const struct keeper *k, const uint8_t *zone, const struct tracked_key *key)
{
	for (unsigned i = 0; i < k->plan.n_rrs; i++) {
		const struct answer_rr *rr = &k->plan.rrs[i];
		if (name_equal(rr->owner, zone) && rr->type == key->type &&
		    rr->rdata_len == key->rdata_len &&
		    memcmp(rr->rdata, key->rdata, key->rdata_len) == 0)
			return true;
	}
	return false;
}

/*
 * What the operator took out of the configuration goes. When none of what was configured is
 * left, what was learnt from it goes too: somebody began anew.
 */
static void drop_unconfigured(const struct keeper *k, struct tracked_zone *z)
{
	bool has_common = false;
	for (unsigned i = 0; i < z->n; i++)
		if (z->keys[i].is_configured && is_in_plan(k, z->name.wire, &z->keys[i]))
			has_common = true;
	for (unsigned i = 0; i < z->n; i++) {
		struct tracked_key *key = &z->keys[i];
		bool is_old = key->is_configured && !is_in_plan(k, z->name.wire, key);
		if (is_old || !has_common) {
			track_forget(z, key);
			i--;
		}
	}
}

static struct tracked_zone *zone_of(struct keeper *k, const uint8_t *name)
{
	for (unsigned i = 0; i < k->n_zones; i++)
		if (name_equal(k->zones[i].tracked->name.wire, name))
			return k->zones[i].tracked;
	struct tracked_zone *z = k->n_zones < ANCHOR_ZONES_MAX ? calloc(1, sizeof *z) : NULL;
	if (z == NULL)
		return NULL;
	name_set(&z->name, name);
	k->zones[k->n_zones++].tracked = z;
	return z;
}

/* Configured keys are trusted at once, unless it is remembered that they are not any more. */
static int add_configured(struct keeper *k)
{
	for (unsigned i = 0; i < k->plan.n_rrs; i++) {
		const struct answer_rr *rr = &k->plan.rrs[i];
		struct tracked_zone *z = zone_of(k, rr->owner);
		if (z == NULL)
			return k->n_zones == ANCHOR_ZONES_MAX ? -E2BIG : -ENOMEM;
		struct tracked_key *key = track_find(z, rr->type, rr->rdata, rr->rdata_len);
		if (key == NULL) {
			key = track_add(z, rr->type, rr->rdata, rr->rdata_len, ANCHOR_VALID,
			                k->plan.wall_s);
			k->is_changed = true;
		}
		if (key == NULL)
			return z->n == TRACKED_KEYS_MAX ? -E2BIG : -ENOMEM;
		if (key->state == ANCHOR_PENDING) { /* the operator vouches for it now */
			key->state = ANCHOR_VALID;
			key->since_s = k->plan.wall_s;
			key->until_s = 0;
		}
		k->is_changed = k->is_changed || !key->is_configured;
		key->is_configured = true;
	}
	return 0;
}

static void load_keys(struct keeper *k)
{
	static const char what_now[] = "the trust anchors of the configuration, or built in, are "
				       "used instead, and revocations seen are forgotten";
	struct tracked_zone *zones[ANCHOR_ZONES_MAX];
	unsigned n_zones = 0;
	char why[STATE_WHY_MAX] = "memory ran out", *text = NULL;
	size_t n = 0;
	if (!load_text(k, k->keys_path, what_now, &text, &n))
		return;
	int e = state_read_zones(text, n, zones, &n_zones, why);
	free(text);
	if (e != 0) {
		tell_broken(k, k->keys_path, why, what_now);
		return;
	}
	for (unsigned i = 0; i < n_zones; i++) {
		unsigned before = zones[i]->n;
		drop_unconfigured(k, zones[i]);
		k->is_changed = k->is_changed || zones[i]->n != before;
		if (zones[i]->n > 0)
			k->zones[k->n_zones++].tracked = zones[i];
		else
			free_zones(&zones[i], 1);
	}
}

static void load_negatives(struct keeper *k)
{
	static const char what_now[] = "the negative trust anchors set at run time are lost";
	char why[STATE_WHY_MAX], *text = NULL;
	size_t n = 0;
	unsigned n_read = 0, kept = 0;
	if (!load_text(k, k->negatives_path, what_now, &text, &n))
		return;
	int e = state_read_negatives(text, n, k->negatives, &n_read, why);
	free(text);
	if (e != 0)
		tell_broken(k, k->negatives_path, why, what_now);
	for (unsigned i = 0; i < n_read; i++) {
		/* A time far off is not what weir has written: the limit holds for it too. */
		uint64_t most_s = k->plan.wall_s + NEGATIVE_MAX_S;
		struct negative_anchor *a = &k->negatives[i];
		a->expires_s = a->expires_s < most_s ? a->expires_s : most_s;
		if (a->expires_s > k->plan.wall_s)
			k->negatives[kept++] = *a;
	}
	k->n_negatives = kept;
}

struct negative_anchor *keeper_find_negative(struct keeper *k, const uint8_t *name)
{
	for (unsigned i = 0; i < k->n_negatives; i++)
		if (name_equal(k->negatives[i].name.wire, name))
			return &k->negatives[i];
	return NULL;
}

static int add_configured_negatives(struct keeper *k)
{
	for (unsigned i = 0; i < k->plan.n_negatives; i++) {
		struct negative_anchor *a = keeper_find_negative(k, k->plan.negatives[i].wire);
		if (a == NULL && k->n_negatives == NEGATIVE_ANCHORS_MAX)
			return -E2BIG;
		if (a == NULL)
			a = &k->negatives[k->n_negatives++];
		*a = (struct negative_anchor){ .name = k->plan.negatives[i],
			                       .since_s = k->plan.wall_s,
			                       .is_configured = true };
	}
	return 0;
}

static int set_paths(struct keeper *k, const char *folder)
{
	if (folder == NULL || folder[0] == 0)
		return 0;
	int n = snprintf(k->keys_path, sizeof k->keys_path, "%s/trust-anchors.zone", folder);
	int m = snprintf(k->negatives_path, sizeof k->negatives_path,
	                 "%s/negative-trust-anchors.txt", folder);
	return n >= (int)sizeof k->keys_path || m >= (int)sizeof k->negatives_path ? -E2BIG : 0;
}

int keeper_remember(struct keeper *k)
{
	int e = set_paths(k, k->plan.folder);
	if (e != 0)
		return e;
	load_keys(k);
	load_negatives(k);
	e = add_configured(k);
	return e == 0 ? add_configured_negatives(k) : e;
}
