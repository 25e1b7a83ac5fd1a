/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <gnutls/crypto.h>
#include <libdnssec/error.h>
#include <libdnssec/key.h>
#include <libdnssec/keytag.h>
#include <stdlib.h>
#include <string.h>

#include "validate/signature.h"

enum {
	TRUST_KEYS_MAX = 64,    /* DNSKEYs of a zone that are looked at */
	TRUST_BOGUS_TTL_S = 60, /* RFC 4035 4.7: a broken chain may be mended */
	/* What libcrypto keeps for a key, about, for the cache's books. */
	LIBRARY_KEY_BYTES = 3072,
	DS_FIXED_BYTES = 4,
	DS_SHA1 = 1,
	DIGEST_MAX_BYTES = 48,
};

static void release_trust(void *object)
{
	struct trust *t = object;
	for (unsigned i = 0; i < t->n_keys; i++)
		public_key_free(t->keys[i].key);
	free(t);
}

void trust_free(struct trust *t)
{
	if (t != NULL)
		release_trust(t);
}

static struct trust *make(const uint8_t *zone, unsigned n_keys, uint32_t now_s)
{
	struct trust *t = calloc(1, sizeof *t + n_keys * sizeof *t->keys);
	if (t == NULL)
		return NULL;
	t->keys = (struct trust_key *)(t + 1);
	name_copy_lower(t->name, zone);
	t->head.zone = t->name;
	t->head.item.bytes = (uint32_t)(sizeof *t + n_keys * sizeof *t->keys);
	t->head.item.stored_s = now_s;
	t->head.item.release = release_trust;
	return t;
}

static void settle(struct trust *t, enum trust_state state, uint8_t ede_code, const char *why,
                   uint32_t ttl_s)
{
	t->state = state;
	t->ede_code = ede_code;
	t->why = why;
	t->head.item.ttl_s = ttl_s < CACHE_TTL_MAX_S ? ttl_s : CACHE_TTL_MAX_S;
}

int trust_new(const uint8_t *zone, enum trust_state state, uint8_t ede_code, const char *why,
              uint32_t now_s, uint32_t ttl_s, struct trust **ret)
{
	struct trust *t = make(zone, 0, now_s);
	if (t == NULL)
		return -ENOMEM;
	settle(t, state, ede_code, why, ttl_s);
	*ret = t;
	return 0;
}

/* ---- anchors ---- */

static bool is_digest_supported(uint8_t digest)
{
	return digest == DNSSEC_KEY_DIGEST_SHA1 || digest == DNSSEC_KEY_DIGEST_SHA256 ||
	       digest == DNSSEC_KEY_DIGEST_SHA384;
}

static bool is_ds(const struct answer_rr *rr)
{
	return rr->type == DNS_DS && rr->rdata_len > DS_FIXED_BYTES;
}

static bool is_dnskey(const struct answer_rr *rr)
{
	return rr->type == DNS_DNSKEY && rr->rdata_len > DNSKEY_FIXED_BYTES;
}

/* Which of the anchors count. */
struct anchoring {
	bool has_usable;
	bool has_sha2; /* RFC 4509 3: then DS records with SHA-1 are ignored */
	uint8_t ede_code;
	uint32_t ttl_s; /* of the DS records; 0, as of anchors out of files, counts for nothing */
};

static struct anchoring look_at_anchors(const struct answer_rr *anchors, unsigned n)
{
	struct anchoring ret = { .ttl_s = CACHE_TTL_MAX_S };
	for (unsigned i = 0; i < n; i++) {
		const struct answer_rr *a = &anchors[i];
		if (a->type == DNS_DS && a->ttl_s > 0 && a->ttl_s < ret.ttl_s)
			ret.ttl_s = a->ttl_s;
		if (is_dnskey(a) && algorithm_is_supported(a->rdata[3])) {
			ret.has_usable = true;
		} else if (is_ds(a) && algorithm_is_supported(a->rdata[2]) &&
		           is_digest_supported(a->rdata[3])) {
			ret.has_usable = true;
			if (a->rdata[3] != DS_SHA1)
				ret.has_sha2 = true;
		} else if (is_ds(a) && algorithm_is_supported(a->rdata[2])) {
			ret.ede_code = EDE_UNSUPPORTED_DIGEST;
		} else if (ret.ede_code == 0) {
			ret.ede_code = EDE_UNSUPPORTED_ALGORITHM;
		}
	}
	return ret;
}

/* RFC 4034 5.1.4: over the owner and the whole record. Returns the bytes; 0: it failed. */
static size_t make_digest(uint8_t digest, const uint8_t *zone, const struct answer_rr *dnskey,
                          uint8_t ret[DIGEST_MAX_BYTES])
{
	gnutls_digest_algorithm_t kind = digest == DNSSEC_KEY_DIGEST_SHA1     ? GNUTLS_DIG_SHA1
	                                 : digest == DNSSEC_KEY_DIGEST_SHA384 ? GNUTLS_DIG_SHA384
	                                                                      : GNUTLS_DIG_SHA256;
	gnutls_hash_hd_t hash;
	if (gnutls_hash_init(&hash, kind) != 0)
		return 0;
	bool is_made = gnutls_hash(hash, zone, name_len(zone)) == 0 &&
	               gnutls_hash(hash, dnskey->rdata, dnskey->rdata_len) == 0;
	gnutls_hash_deinit(hash, ret);
	return is_made ? gnutls_hash_get_len(kind) : 0;
}

static bool digest_is(const uint8_t *zone, const struct answer_rr *dnskey,
                      const struct answer_rr *ds)
{
	uint8_t made[DIGEST_MAX_BYTES];
	size_t n = make_digest(ds->rdata[3], zone, dnskey, made);
	return n > 0 && n == ds->rdata_len - (size_t)DS_FIXED_BYTES &&
	       memcmp(made, ds->rdata + DS_FIXED_BYTES, n) == 0;
}

/* Does the anchor name this key? `rdata` is the key's record. */
static bool vouches(const struct answer_rr *anchor, const struct anchoring *how,
                    const uint8_t *zone, const struct trust_key *key,
                    const struct answer_rr *dnskey)
{
	if (is_dnskey(anchor))
		return anchor->rdata_len == dnskey->rdata_len &&
		       memcmp(anchor->rdata, dnskey->rdata, dnskey->rdata_len) == 0;
	if (!is_ds(anchor) || load16(anchor->rdata) != key->tag ||
	    anchor->rdata[2] != key->algorithm || !is_digest_supported(anchor->rdata[3]) ||
	    (anchor->rdata[3] == DS_SHA1 && how->has_sha2))
		return false;
	return digest_is(zone, dnskey, anchor);
}

/* Does a DS record name a key of this tag that cannot be used? */
static bool names_key(const struct answer_rr *anchor, const struct trust_key *key)
{
	return is_ds(anchor) && load16(anchor->rdata) == key->tag &&
	       anchor->rdata[2] == key->algorithm;
}

/* ---- keys ---- */

/*
 * The library's key, with its digest. NULL: it may not sign, or the library will not have it.
 * Other flags than ours are ignored (RFC 4034 2.1.1).
 */
static struct public_key *import(const uint8_t *zone, const struct answer_rr *dnskey,
                                 uint8_t ret_digest[KEY_DIGEST_BYTES])
{
	const uint8_t *p = dnskey->rdata;
	const uint8_t *bytes = p + DNSKEY_FIXED_BYTES;
	size_t n = dnskey->rdata_len - (size_t)DNSKEY_FIXED_BYTES;
	uint8_t digest[DIGEST_MAX_BYTES];
	uint16_t flags = load16(p);
	if ((flags & DNSKEY_ZONE) == 0 || (flags & DNSKEY_REVOKE) != 0 || p[2] != DNSKEY_PROTOCOL ||
	    !key_is_sound(p[3], bytes, n) ||
	    make_digest(DNSSEC_KEY_DIGEST_SHA256, zone, dnskey, digest) != KEY_DIGEST_BYTES)
		return NULL;
	struct public_key *key = public_key_new(p[3], bytes, n);
	if (key != NULL)
		memcpy(ret_digest, digest, KEY_DIGEST_BYTES);
	return key;
}

/* Only so many keys of one tag and algorithm are tried: no more are kept. */
static bool is_one_too_many(const struct trust *t, uint16_t tag, uint8_t algorithm)
{
	unsigned n = 0;
	for (unsigned i = 0; i < t->n_keys; i++)
		n += t->keys[i].tag == tag && t->keys[i].algorithm == algorithm;
	return n >= KEYS_PER_TAG_MAX;
}

static void add_key(struct trust *t, const struct answer_rr *dnskey, const struct anchoring *how,
                    const struct answer_rr *anchors, unsigned n_anchors)
{
	dnssec_binary_t rdata = { .size = dnskey->rdata_len, .data = (uint8_t *)dnskey->rdata };
	struct trust_key *k = &t->keys[t->n_keys];
	uint16_t tag;
	if (!is_dnskey(dnskey) || !algorithm_is_supported(dnskey->rdata[3]) ||
	    dnssec_keytag(&rdata, &tag) != DNSSEC_EOK || is_one_too_many(t, tag, dnskey->rdata[3]))
		return;
	*k = (struct trust_key){ .tag = tag,
		                 .flags = load16(dnskey->rdata),
		                 .algorithm = dnskey->rdata[3],
		                 .bytes = (uint16_t)(dnskey->rdata_len - DNSKEY_FIXED_BYTES) };
	k->key = import(t->name, dnskey, k->digest);
	t->n_keys++;
	if (k->key == NULL)
		return;
	t->head.item.bytes += LIBRARY_KEY_BYTES;
	for (unsigned i = 0; i < n_anchors && !k->is_vouched; i++)
		k->is_vouched = vouches(&anchors[i], how, t->name, k, dnskey);
}

/* ---- the whole ---- */

/* No key is vouched for: what is to be said? */
static void blame_keys(const struct trust *t, const struct answer_rr *anchors, unsigned n,
                       struct blame *blame)
{
	for (unsigned k = 0; k < t->n_keys; k++) {
		for (unsigned i = 0; i < n; i++) {
			if (!names_key(&anchors[i], &t->keys[k]))
				continue;
			if ((t->keys[k].flags & DNSKEY_ZONE) == 0)
				blame_note(blame, EDE_NO_ZONE_KEY, "the DS names no zone key");
			else if (t->keys[k].key == NULL)
				blame_note(blame, EDE_BOGUS, "the DS names a malformed key");
		}
	}
	if (blame->ede_code == 0)
		blame_note(blame, EDE_DNSKEY_MISSING, "no DNSKEY matches the DS records");
}

static uint32_t least_ttl(const struct rrsets *s, const struct rrset *set, uint32_t ttl_s)
{
	for (uint16_t i = set->first; i != RRSET_NONE; i = s->next[i])
		ttl_s = s->rrs[i].ttl_s < ttl_s ? s->rrs[i].ttl_s : ttl_s;
	return ttl_s;
}

static bool has_vouched(const struct trust *t)
{
	for (unsigned i = 0; i < t->n_keys; i++) {
		if (t->keys[i].is_vouched)
			return true;
	}
	return false;
}

/* The state of t, whose keys were added. */
static void judge(struct validator *v, struct trust *t, const struct rrset *set,
                  const struct answer_rr *anchors, unsigned n_anchors, uint32_t wall_s,
                  struct work *work)
{
	struct verified good;
	struct blame blame = { 0 };
	if (!has_vouched(t)) {
		blame_keys(t, anchors, n_anchors, &blame);
	} else if (set->n_sigs == 0) {
		blame_note(&blame, EDE_RRSIGS_MISSING, "the DNSKEY records are not signed");
	} else if (rrset_verify(v, &v->inner, set, t, KEYS_VOUCHED, wall_s, work, &good, &blame)) {
		settle(t, TRUST_SECURE, 0, NULL, least_ttl(&v->inner, set, good.ttl_s));
		return;
	} else if (work->is_exhausted) {
		blame = (struct blame){ EDE_BOGUS, "too much work to check the DNSKEY records" };
	} else if (blame.ede_code == 0 || blame.ede_code == EDE_DNSKEY_MISSING) {
		blame = (struct blame){ EDE_RRSIGS_MISSING,
			                "no key that the DS names signed the DNSKEY records" };
	}
	settle(t, TRUST_BOGUS, blame.ede_code, blame.why, TRUST_BOGUS_TTL_S);
}

/* NOLINTNEXTLINE(readability-function-size): two lists of records, the time and the cost */
int trust_from_keys(struct validator *v, const uint8_t *zone, const struct answer_rr *rrs,
                    unsigned n_rrs, const struct answer_rr *anchors, unsigned n_anchors,
                    uint32_t wall_s, uint32_t now_s, struct work *work, struct trust **ret)
{
	struct anchoring how = look_at_anchors(anchors, n_anchors);
	struct rrset *set = NULL;
	if (!how.has_usable)
		return trust_new(zone, TRUST_INSECURE, how.ede_code, NULL, now_s, how.ttl_s, ret);
	if (rrsets_group(&v->inner, rrs, n_rrs) == 0)
		set = rrsets_find(&v->inner, zone, DNS_DNSKEY, false);
	if (set == NULL)
		return trust_new(zone, TRUST_BOGUS, EDE_DNSKEY_MISSING,
		                 "the zone has no DNSKEY records", now_s, TRUST_BOGUS_TTL_S, ret);
	struct trust *t = make(zone, set->n < TRUST_KEYS_MAX ? set->n : TRUST_KEYS_MAX, now_s);
	if (t == NULL)
		return -ENOMEM;
	for (uint16_t i = set->first; i != RRSET_NONE && t->n_keys < TRUST_KEYS_MAX;
	     i = v->inner.next[i])
		add_key(t, &v->inner.rrs[i], &how, anchors, n_anchors);
	judge(v, t, set, anchors, n_anchors, wall_s, work);
	if (t->head.item.ttl_s > how.ttl_s)
		t->head.item.ttl_s = how.ttl_s;
	*ret = t;
	return 0;
}
