/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "validate/anchors_track.h"

#include <libdnssec/key.h>
#include <stdlib.h>
#include <string.h>

struct look {
	struct tracked_zone *z;
	const struct signed_keys *seen;
	uint64_t now_s;
	void (*tell)(void *arg, const struct tracked_zone *z, const struct tracked_key *k,
	             enum anchor_state before);
	void *arg;
};

void track_done(struct tracked_zone *z)
{
	for (unsigned i = 0; i < z->n; i++)
		free(z->keys[i].rdata);
	z->n = 0;
}

void track_forget(struct tracked_zone *z, struct tracked_key *k)
{
	free(k->rdata);
	*k = z->keys[--z->n];
}

static bool forget_oldest(struct tracked_zone *z)
{
	struct tracked_key *oldest = NULL;
	for (unsigned i = 0; i < z->n; i++) {
		struct tracked_key *k = &z->keys[i];
		if (k->state == ANCHOR_REMOVED && !k->is_configured &&
		    (oldest == NULL || k->since_s < oldest->since_s))
			oldest = k;
	}
	if (oldest != NULL)
		track_forget(z, oldest);
	return oldest != NULL;
}

struct tracked_key *track_add(struct tracked_zone *z, uint16_t type, const uint8_t *rdata, size_t n,
                              enum anchor_state state, uint64_t now_s)
{
	uint8_t *copy = z->n < TRACKED_KEYS_MAX && n <= UINT16_MAX ? malloc(n + 1) : NULL;
	if (copy == NULL)
		return NULL;
	memcpy(copy, rdata, n);
	if (type == DNS_DNSKEY && n >= 2)
		store16(copy, load16(copy) & (uint16_t)~DNSKEY_REVOKE);
	struct tracked_key *k = &z->keys[z->n++];
	*k = (struct tracked_key){ .state = state,
		                   .type = type,
		                   .rdata_len = (uint16_t)n,
		                   .rdata = copy,
		                   .since_s = now_s };
	return k;
}

static bool is_same(const struct tracked_key *k, uint16_t type, const uint8_t *rdata, size_t n)
{
	if (k->type != type || k->rdata_len != n || n < 4)
		return false;
	uint16_t flags = load16(rdata);
	if (type == DNS_DNSKEY)
		flags &= (uint16_t)~DNSKEY_REVOKE;
	return load16(k->rdata) == flags && memcmp(k->rdata + 2, rdata + 2, n - 2) == 0;
}

struct tracked_key *track_find(struct tracked_zone *z, uint16_t type, const uint8_t *rdata,
                               size_t n)
{
	for (unsigned i = 0; i < z->n; i++)
		if (is_same(&z->keys[i], type, rdata, n))
			return &z->keys[i];
	return NULL;
}

bool track_is_trusted(const struct tracked_key *k)
{
	/* RFC 5011 4.2: a missing key "is still a valid trust anchor". */
	return k->state == ANCHOR_VALID || k->state == ANCHOR_MISSING;
}

/* Does the DS record stand for this key, were it not revoked? */
static bool is_digest_of(const struct tracked_zone *z, const struct tracked_key *ds,
                         const struct signed_key *s)
{
	uint8_t *copy = malloc(s->rdata_len);
	dnssec_key_t *key = NULL;
	dnssec_binary_t made = { 0 };
	bool is_same_digest = false;
	if (copy == NULL)
		return false;
	memcpy(copy, s->rdata, s->rdata_len);
	store16(copy, load16(copy) & (uint16_t)~DNSKEY_REVOKE);
	dnssec_binary_t data = { .size = s->rdata_len, .data = copy };
	if (dnssec_key_new(&key) == 0 && dnssec_key_set_rdata(key, &data) == 0 &&
	    dnssec_key_set_dname(key, z->name.wire) == 0 &&
	    dnssec_key_create_ds(key, ds->rdata[3], &made) == 0)
		is_same_digest =
			made.size == ds->rdata_len && memcmp(made.data, ds->rdata, made.size) == 0;
	dnssec_binary_free(&made);
	dnssec_key_free(key);
	free(copy);
	return is_same_digest;
}

static void move(const struct look *l, struct tracked_key *k, enum anchor_state to)
{
	enum anchor_state before = k->state;
	k->state = to;
	k->since_s = l->now_s;
	k->until_s = to == ANCHOR_REVOKED ? l->now_s + TRACK_REMOVE_HOLD_S : 0;
	l->tell(l->arg, l->z, k, before);
}

/* DS records whose keys are there: the keys take their place. */
static void see_digests(const struct look *l, const struct signed_key *s)
{
	struct tracked_key *k = track_find(l->z, DNS_DNSKEY, s->rdata, s->rdata_len);
	for (unsigned i = 0; i < l->z->n; i++) {
		struct tracked_key *ds = &l->z->keys[i];
		if (ds->type != DNS_DS || ds->state != ANCHOR_VALID || !is_digest_of(l->z, ds, s))
			continue;
		if (k == NULL)
			k = track_add(l->z, DNS_DNSKEY, s->rdata, s->rdata_len, ANCHOR_VALID,
			              l->now_s);
		else if (k->state == ANCHOR_PENDING)
			move(l, k, ANCHOR_VALID); /* the operator vouches for it: no need to wait */
		if (k == NULL)
			return; /* no room: the DS record goes on standing for it */
		move(l, ds, ANCHOR_SEEN);
	}
}

/*
 * RFC 5011 2.1: "A key is considered revoked when the resolver sees the key in a self-signed
 * RRSet and the key has the REVOKE bit set". Nobody else need have signed it.
 */
static void revoke(const struct look *l)
{
	for (unsigned i = 0; i < l->seen->n; i++) {
		const struct signed_key *s = &l->seen->keys[i];
		if (!signed_key_is_revoked(s) || !s->has_signed)
			continue;
		see_digests(l, s);
		struct tracked_key *k = track_find(l->z, DNS_DNSKEY, s->rdata, s->rdata_len);
		if (k != NULL && track_is_trusted(k))
			move(l, k, ANCHOR_REVOKED);
	}
}

/* Has a key that is trusted now signed what was seen? */
static bool is_vouched_for(const struct look *l)
{
	for (unsigned i = 0; i < l->seen->n; i++) {
		const struct signed_key *s = &l->seen->keys[i];
		if (!s->has_signed || signed_key_is_revoked(s))
			continue;
		const struct tracked_key *k = track_find(l->z, DNS_DNSKEY, s->rdata, s->rdata_len);
		if (k != NULL && track_is_trusted(k))
			return true;
		if (k != NULL && k->state != ANCHOR_PENDING)
			continue; /* once revoked, no DS record brings it back */
		for (unsigned j = 0; j < l->z->n; j++)
			if (l->z->keys[j].type == DNS_DS && l->z->keys[j].state == ANCHOR_VALID &&
			    is_digest_of(l->z, &l->z->keys[j], s))
				return true;
	}
	return false;
}

static void see_present(const struct look *l, const struct signed_key *s)
{
	see_digests(l, s);
	struct tracked_key *k = track_find(l->z, DNS_DNSKEY, s->rdata, s->rdata_len);
	if (k != NULL && k->state == ANCHOR_MISSING)
		move(l, k, ANCHOR_VALID);
	/* "the new key will be added as a trust anchor the next time the validated RRSet with
	   the new key is seen" */
	if (k != NULL && k->state == ANCHOR_PENDING && l->now_s >= k->until_s)
		move(l, k, ANCHOR_VALID);
	uint16_t flags = load16(s->rdata);
	if (k != NULL || (flags & DNSKEY_SEP) == 0 || (flags & DNSKEY_ZONE) == 0)
		return;
	k = track_add(l->z, DNS_DNSKEY, s->rdata, s->rdata_len, ANCHOR_PENDING, l->now_s);
	if (k == NULL)
		return;
	/* "The add hold-down time is 30 days or the expiration time of the original TTL of the
	   first trust point DNSKEY RRSet that contained the new key, whichever is greater." */
	uint32_t hold_s =
		l->seen->ttl_s > TRACK_ADD_HOLD_S ? l->seen->ttl_s : (uint32_t)TRACK_ADD_HOLD_S;
	k->until_s = l->now_s + hold_s;
	l->tell(l->arg, l->z, k, ANCHOR_START);
}

static bool is_present(const struct look *l, const struct tracked_key *k)
{
	for (unsigned i = 0; i < l->seen->n; i++) {
		const struct signed_key *s = &l->seen->keys[i];
		if (!signed_key_is_revoked(s) && is_same(k, DNS_DNSKEY, s->rdata, s->rdata_len))
			return true;
	}
	return false;
}

static void see_absent(const struct look *l)
{
	for (unsigned i = 0; i < l->z->n; i++) {
		struct tracked_key *k = &l->z->keys[i];
		if (k->type != DNS_DNSKEY || is_present(l, k))
			continue;
		if (k->state == ANCHOR_VALID) {
			move(l, k, ANCHOR_MISSING);
		} else if (k->state == ANCHOR_PENDING) {
			move(l, k, ANCHOR_START);
			track_forget(l->z, k);
			i--;
		}
	}
}

/* Revoked keys whose time is over. They are remembered while there is room: a key that its
   owner has revoked must not come back, by the configuration or as a new one. */
static void remove_old(const struct look *l)
{
	for (unsigned i = 0; i < l->z->n; i++) {
		struct tracked_key *k = &l->z->keys[i];
		if (k->state != ANCHOR_REVOKED || l->now_s < k->until_s)
			continue;
		move(l, k, ANCHOR_REMOVED);
	}
	while (l->z->n > TRACKED_KEYS_MAX - TRACKED_KEYS_SPARE && forget_oldest(l->z))
		;
}

bool track_take(struct tracked_zone *z, const struct signed_keys *seen, uint64_t now_s,
                void (*tell)(void *arg, const struct tracked_zone *z, const struct tracked_key *k,
                             enum anchor_state before),
                void *arg)
{
	struct look l = { .z = z, .seen = seen, .now_s = now_s, .tell = tell, .arg = arg };
	remove_old(&l);
	revoke(&l);
	if (!is_vouched_for(&l))
		return false;
	for (unsigned i = 0; i < seen->n; i++)
		if (!signed_key_is_revoked(&seen->keys[i]))
			see_present(&l, &seen->keys[i]);
	see_absent(&l);
	return true;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

uint32_t track_interval_s(uint32_t ttl_s, uint32_t signed_for_s)
{
	uint32_t s = least(15 * TRACK_DAY_S, least(ttl_s / 2, signed_for_s / 2));
	return s > TRACK_HOUR_S ? s : TRACK_HOUR_S;
}

uint32_t track_retry_s(uint32_t ttl_s, uint32_t signed_for_s)
{
	uint32_t s = least(TRACK_DAY_S, least(ttl_s / 10, signed_for_s / 10));
	return s > TRACK_HOUR_S ? s : TRACK_HOUR_S;
}
