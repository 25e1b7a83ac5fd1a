/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trust anchors over time: remembered, saved, published. */
#include "validate/anchors_keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_ASK_S = 5,    /* after the start: let the workers get going */
	FIRST_RETRY_S = 60, /* as long as nothing came; a start on a closed network */
	FIRST_RETRY_MAX_S = TRACK_HOUR_S,
};

static const char *const notice_names[] = {
	[NOTICE_KEY_PENDING] = "key-pending",
	[NOTICE_KEY_GONE] = "key-gone",
	[NOTICE_KEY_ADDED] = "key-added",
	[NOTICE_KEY_MISSING] = "key-missing",
	[NOTICE_KEY_BACK] = "key-back",
	[NOTICE_KEY_REVOKED] = "key-revoked",
	[NOTICE_KEY_REMOVED] = "key-removed",
	[NOTICE_NO_ANCHOR] = "no-anchor",
	[NOTICE_NOT_TRUSTED] = "not-trusted",
	[NOTICE_STATE] = "state",
	[NOTICE_NEGATIVE_ADDED] = "negative-added",
	[NOTICE_NEGATIVE_REMOVED] = "negative-removed",
	[NOTICE_NEGATIVE_OVER] = "negative-over",
};

const char *anchors_notice_text(enum anchors_notice_kind kind)
{
	return notice_names[kind];
}

void keeper_tell(const struct keeper *k, enum anchors_notice_kind kind, int severity,
                 const uint8_t *name, int tag, const char *text)
{
	struct anchors_notice n = { .kind = kind, .name = name, .tag = tag, .text = text };
	n.severity = severity;
	k->plan.tell(k->plan.arg, &n);
}

/* ---- publishing ---- */

static_assert(ANCHOR_ZONES_MAX * TRACKED_KEYS_MAX <= ANCHOR_RRS_MAX, "all find room");

static unsigned gather(const struct keeper *k, struct answer_rr *rrs)
{
	unsigned n = 0;
	for (unsigned i = 0; i < k->n_zones; i++) {
		const struct tracked_zone *z = k->zones[i].tracked;
		for (unsigned j = 0; j < z->n && n < ANCHOR_RRS_MAX; j++) {
			const struct tracked_key *key = &z->keys[j];
			if (track_is_trusted(key))
				rrs[n++] = (struct answer_rr){ .owner = z->name.wire,
					                       .rdata = key->rdata,
					                       .type = key->type,
					                       .rdata_len = key->rdata_len,
					                       .ttl_s = TRACK_DAY_S };
		}
	}
	return n;
}

int keeper_publish(const struct keeper *k)
{
	struct answer_rr *rrs = calloc(ANCHOR_RRS_MAX, sizeof *rrs);
	struct anchors_negative negatives[NEGATIVE_ANCHORS_MAX];
	struct anchors *a = NULL;
	if (rrs == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < k->n_negatives; i++)
		negatives[i] = (struct anchors_negative){ k->negatives[i].name.wire,
			                                  k->negatives[i].expires_s };
	int e = anchors_new(rrs, gather(k, rrs), negatives, k->n_negatives, &a);
	free(rrs);
	if (e == 0)
		anchors_publish(a);
	return e;
}

void keeper_publish_again(const struct keeper *k)
{
	if (keeper_publish(k) != 0)
		keeper_tell(k, NOTICE_STATE, NOTICE_ERROR, NULL, -1,
		            "memory ran out: the trust anchors in force are those of before");
}

static bool has_anchor(const struct tracked_zone *z)
{
	for (unsigned i = 0; i < z->n; i++)
		if (track_is_trusted(&z->keys[i]))
			return true;
	return false;
}

static void save_keys_if_changed(struct keeper *k)
{
	char text[ANCHORS_PATH_MAX + 200];
	int e = k->is_changed ? keeper_save_keys(k) : 0;
	k->is_changed = e != 0; /* tried again with the next answer */
	if (e == 0)
		return;
	snprintf(text, sizeof text,
	         "%s cannot be written: %s; changes of keys would be forgotten by a restart",
	         k->keys_path, strerror(-e));
	keeper_tell(k, NOTICE_STATE, NOTICE_ERROR, NULL, -1, text);
}

/* A zone whose last anchor has gone is not validated any more (RFC 5011 5). */
static void look_for_anchor(struct keeper *k, struct kept_zone *z)
{
	bool is_trusted = has_anchor(z->tracked);
	if (z->was_trusted && !is_trusted) {
		keeper_tell(
			k, NOTICE_NO_ANCHOR, NOTICE_ERROR, z->tracked->name.wire, -1,
			"all its trust anchors are revoked: names in it are NO LONGER VALIDATED; "
			"configure a new one (resolver.trust-anchors)");
		k->plan.flush(k->plan.arg, z->tracked->name.wire);
	}
	z->was_trusted = is_trusted;
}

int keeper_new(const struct keeper_plan *plan, struct keeper **ret)
{
	struct keeper *k = calloc(1, sizeof *k);
	if (k == NULL)
		return -ENOMEM;
	k->plan = *plan;
	int e = keeper_remember(k);
	for (unsigned i = 0; i < k->n_zones; i++) {
		struct kept_zone *z = &k->zones[i];
		z->ask_at_s = plan->mono_s + FIRST_ASK_S;
		z->was_trusted = true; /* so that it is told if it is not */
		z->was_vouched = true;
		z->retry_s = FIRST_RETRY_S;
	}
	if (e == 0)
		e = keeper_publish(k);
	if (e != 0) {
		keeper_free(k);
		return e;
	}
	save_keys_if_changed(k);
	for (unsigned i = 0; i < k->n_zones; i++)
		look_for_anchor(k, &k->zones[i]);
	k->plan.rrs = NULL; /* were borrowed */
	k->plan.negatives = NULL;
	*ret = k;
	return 0;
}

void keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	anchors_publish(NULL);
	for (unsigned i = 0; i < k->n_zones; i++) {
		track_done(k->zones[i].tracked);
		free(k->zones[i].tracked);
	}
	free(k);
}

/* ---- RFC 5011 ---- */

static struct kept_zone *kept(struct keeper *k, const uint8_t *zone)
{
	for (unsigned i = 0; i < k->n_zones; i++)
		if (name_equal(k->zones[i].tracked->name.wire, zone))
			return &k->zones[i];
	return NULL;
}

const uint8_t *keeper_due(struct keeper *k, uint64_t mono_s)
{
	for (unsigned i = 0; i < k->n_zones; i++) {
		struct kept_zone *z = &k->zones[i];
		if (z->is_asked || z->ask_at_s > mono_s)
			continue;
		z->is_asked = true;
		return z->tracked->name.wire;
	}
	return NULL;
}

void keeper_ask_all(struct keeper *k)
{
	for (unsigned i = 0; i < k->n_zones; i++)
		k->zones[i].ask_at_s = 0;
}

static void tell_pending(struct keeper *k, const struct tracked_zone *z,
                         const struct tracked_key *key, int tag)
{
	char text[120], time[STATE_TIME_MAX];
	snprintf(text, sizeof text, "key %d is new: it will be trusted from %s on", tag,
	         state_time_text(key->until_s, time));
	keeper_tell(k, NOTICE_KEY_PENDING, NOTICE_INFO, z->name.wire, tag, text);
}

static void key_moved(void *arg, const struct tracked_zone *z, const struct tracked_key *key,
                      enum anchor_state before)
{
	struct keeper *k = arg;
	char text[160];
	int tag = anchors_tag(key->type, key->rdata, key->rdata_len);
	enum anchors_notice_kind kind = NOTICE_KEY_BACK;
	int severity = NOTICE_WARNING;
	const char *what = "is published again";
	k->is_changed = true;
	switch (key->state) {
	case ANCHOR_PENDING:
		tell_pending(k, z, key, tag);
		return;
	case ANCHOR_START:
		kind = NOTICE_KEY_GONE;
		what = "is gone before it came to be trusted";
		break;
	case ANCHOR_VALID:
		if (before == ANCHOR_MISSING) {
			severity = NOTICE_INFO;
			break;
		}
		kind = NOTICE_KEY_ADDED;
		what = "is a trust anchor now";
		break;
	case ANCHOR_MISSING:
		kind = NOTICE_KEY_MISSING;
		what = "is no longer published; it goes on being trusted";
		break;
	case ANCHOR_REVOKED:
		kind = NOTICE_KEY_REVOKED;
		what = "has been revoked by its owner: it is no trust anchor any more";
		break;
	case ANCHOR_REMOVED:
		kind = NOTICE_KEY_REMOVED;
		severity = NOTICE_INFO;
		what = "was revoked 30 days ago: its time is over";
		break;
	case ANCHOR_SEEN:
		return;
	}
	snprintf(text, sizeof text, "key %d %s", tag, what);
	keeper_tell(k, kind, severity, z->name.wire, tag, text);
}

static void retry(struct kept_zone *z, uint64_t mono_s)
{
	if (z->ttl_s != 0) {
		z->ask_at_s = mono_s + track_retry_s(z->ttl_s, z->signed_for_s);
		return;
	}
	z->ask_at_s = mono_s + z->retry_s;
	z->retry_s = z->retry_s * 2 < FIRST_RETRY_MAX_S ? z->retry_s * 2 : FIRST_RETRY_MAX_S;
}

void keeper_answered(struct keeper *k, const uint8_t *zone, const struct answer_rr *rrs,
                     unsigned n_rrs, uint64_t wall_s, uint64_t mono_s)
{
	struct kept_zone *z = kept(k, zone);
	struct signed_keys seen;
	if (z == NULL)
		return;
	z->is_asked = false;
	retry(z, mono_s);
	if (signed_keys_read(zone, rrs, n_rrs, (uint32_t)wall_s, &seen) != 0)
		return;
	bool is_vouched = track_take(z->tracked, &seen, wall_s, key_moved, k);
	if (is_vouched) {
		z->seen_s = wall_s;
		z->ttl_s = seen.ttl_s > 0 ? seen.ttl_s : 1;
		z->signed_for_s = seen.signed_for_s;
		z->ask_at_s = mono_s + track_interval_s(z->ttl_s, z->signed_for_s);
		z->retry_s = FIRST_RETRY_S;
	} else if (z->was_vouched && has_anchor(z->tracked)) {
		keeper_tell(
			k, NOTICE_NOT_TRUSTED, NOTICE_ERROR, zone, -1,
			"the keys it publishes are signed by none that is trusted here: names in it "
			"do not resolve (resolver.trust-anchors may be out of date)");
	}
	z->was_vouched = is_vouched;
	if (k->is_changed)
		keeper_publish_again(k);
	look_for_anchor(k, z);
	save_keys_if_changed(k);
}

/* ---- showing ---- */

void keeper_each_key(const struct keeper *k, void (*visit)(void *arg, const struct keeper_key *key),
                     void *arg)
{
	for (unsigned i = 0; i < k->n_zones; i++) {
		const struct tracked_zone *z = k->zones[i].tracked;
		for (unsigned j = 0; j < z->n; j++) {
			const struct tracked_key *t = &z->keys[j];
			struct keeper_key key = {
				.zone = z->name.wire,
				.type = t->type,
				.algorithm = t->rdata[t->type == DNS_DS ? 2 : 3],
				.tag = anchors_tag(t->type, t->rdata, t->rdata_len),
				.state = t->state,
				.is_configured = t->is_configured,
				.since_s = t->since_s,
				.until_s = t->until_s,
			};
			visit(arg, &key);
		}
	}
}

void keeper_each_negative(const struct keeper *k,
                          void (*visit)(void *arg, const struct negative_anchor *a), void *arg)
{
	for (unsigned i = 0; i < k->n_negatives; i++)
		visit(arg, &k->negatives[i]);
}

void keeper_times(const struct keeper *k, const uint8_t *zone, uint64_t mono_s,
                  uint64_t *ret_seen_s, uint64_t *ret_next_in_s)
{
	*ret_seen_s = *ret_next_in_s = 0;
	for (unsigned i = 0; i < k->n_zones; i++) {
		const struct kept_zone *z = &k->zones[i];
		if (!name_equal(z->tracked->name.wire, zone))
			continue;
		*ret_seen_s = z->seen_s;
		*ret_next_in_s = z->ask_at_s > mono_s ? z->ask_at_s - mono_s : 0;
	}
}
