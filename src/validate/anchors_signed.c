/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "validate/anchors_signed.h"

#include <errno.h>
#include <libdnssec/key.h>
#include <libdnssec/sign.h>
#include <stdlib.h>
#include <string.h>

#include "validate/signature.h"

enum {
	RRSIG_FIXED = 18, /* bytes before the signer's name */
	RR_FIXED = 10,    /* type, class, TTL, length */
};

static int by_data(const void *a, const void *b)
{
	const struct signed_key *x = a, *y = b;
	size_t n = x->rdata_len < y->rdata_len ? x->rdata_len : y->rdata_len;
	int order = memcmp(x->rdata, y->rdata, n);
	return order != 0 ? order : (int)x->rdata_len - (int)y->rdata_len;
}

/* RFC 4034 6.3: in order, and none twice. */
static void take_keys(const uint8_t *zone, const struct answer_rr *rrs, unsigned n_rrs,
                      struct signed_keys *ret)
{
	for (unsigned i = 0; i < n_rrs && ret->n < SIGNED_KEYS_MAX; i++) {
		const struct answer_rr *rr = &rrs[i];
		int tag = rr->type == DNS_DNSKEY && name_equal(rr->owner, zone)
		                  ? anchors_tag(DNS_DNSKEY, rr->rdata, rr->rdata_len)
		                  : -1;
		if (tag < 0)
			continue;
		ret->ttl_s = rr->ttl_s;
		ret->keys[ret->n++] = (struct signed_key){ .rdata = rr->rdata,
			                                   .rdata_len = rr->rdata_len,
			                                   .tag = (uint16_t)tag };
	}
	unsigned n = 0;
	if (ret->n > 1)
		qsort(ret->keys, ret->n, sizeof *ret->keys, by_data);
	for (unsigned i = 0; i < ret->n; i++)
		if (n == 0 || by_data(&ret->keys[n - 1], &ret->keys[i]) != 0)
			ret->keys[n++] = ret->keys[i];
	ret->n = n;
}

/* The fields of an RRSIG over a DNSKEY RRset at the zone's apex. */
struct signature {
	const uint8_t *rdata;
	size_t head_bytes; /* what is signed of it: up to the signer's name */
	dnssec_binary_t bytes;
	uint32_t ttl_s, expires_s, begins_s;
	uint16_t tag;
	uint8_t algorithm;
};

static bool read_signature(const uint8_t *zone, const struct answer_rr *rr, struct signature *ret)
{
	if (rr->type != DNS_RRSIG || !name_equal(rr->owner, zone) || rr->rdata_len <= RRSIG_FIXED)
		return false;
	const uint8_t *d = rr->rdata;
	size_t signer_len = name_check(d + RRSIG_FIXED, rr->rdata_len - RRSIG_FIXED);
	size_t head = RRSIG_FIXED + signer_len;
	if (signer_len == 0 || head >= rr->rdata_len || !name_equal(d + RRSIG_FIXED, zone) ||
	    load16(d) != DNS_DNSKEY || d[3] != name_labels(zone))
		return false;
	*ret = (struct signature){
		.rdata = d,
		.head_bytes = head,
		.bytes = { .size = rr->rdata_len - head, .data = (uint8_t *)d + head },
		.algorithm = d[2],
		.ttl_s = load32(d + 4),
		.expires_s = load32(d + 8),
		.begins_s = load32(d + 12),
		.tag = load16(d + 16),
	};
	return true;
}

/* RFC 4034 3.1.5: in serial number arithmetic. */
static bool is_in_time(const struct signature *s, uint32_t wall_s)
{
	return (int32_t)(wall_s - s->begins_s) >= 0 && (int32_t)(s->expires_s - wall_s) >= 0;
}

static int add_bytes(dnssec_sign_ctx_t *ctx, const void *data, size_t n)
{
	dnssec_binary_t b = { .size = n, .data = (uint8_t *)data };
	return dnssec_sign_add(ctx, &b);
}

/* RFC 4034 3.1.8.1 */
static int add_signed_data(dnssec_sign_ctx_t *ctx, const uint8_t *zone, const struct signature *s,
                           const struct signed_keys *keys)
{
	uint8_t owner[NAME_MAX_BYTES], fixed[RR_FIXED];
	size_t owner_len = name_copy_lower(owner, zone);
	int e = add_bytes(ctx, s->rdata, RRSIG_FIXED);
	if (e == 0)
		e = add_bytes(ctx, owner, owner_len); /* the signer, in lower case */
	for (unsigned i = 0; i < keys->n && e == 0; i++) {
		store16(fixed, DNS_DNSKEY);
		store16(fixed + 2, DNS_CLASS_IN);
		store32(fixed + 4, s->ttl_s);
		store16(fixed + 8, keys->keys[i].rdata_len);
		e = add_bytes(ctx, owner, owner_len);
		if (e == 0)
			e = add_bytes(ctx, fixed, sizeof fixed);
		if (e == 0)
			e = add_bytes(ctx, keys->keys[i].rdata, keys->keys[i].rdata_len);
	}
	return e;
}

static bool is_signed_by(const uint8_t *zone, const struct signature *s,
                         const struct signed_keys *keys, const struct signed_key *k)
{
	dnssec_binary_t rdata = { .size = k->rdata_len, .data = (uint8_t *)k->rdata };
	dnssec_key_t *key = NULL;
	dnssec_sign_ctx_t *ctx = NULL;
	int e = dnssec_key_new(&key);
	if (e == 0)
		e = dnssec_key_set_rdata(key, &rdata);
	if (e == 0)
		e = dnssec_sign_new(&ctx, key);
	if (e == 0)
		e = add_signed_data(ctx, zone, s, keys);
	if (e == 0)
		e = dnssec_sign_verify(ctx, false, &s->bytes);
	dnssec_sign_free(ctx);
	dnssec_key_free(key);
	return e == 0;
}

static bool may_sign(const struct signed_key *k, const struct signature *s)
{
	uint16_t flags = load16(k->rdata);
	return k->tag == s->tag && k->rdata[3] == s->algorithm && k->rdata[2] == DNSKEY_PROTOCOL &&
	       (flags & DNSKEY_ZONE) != 0 && algorithm_is_supported(s->algorithm) &&
	       key_is_sound(s->algorithm, k->rdata + DNSKEY_FIXED_BYTES,
	                    k->rdata_len - (size_t)DNSKEY_FIXED_BYTES);
}

static void check_signature(const uint8_t *zone, const struct signature *s, uint32_t wall_s,
                            struct signed_keys *keys, unsigned *checks_left)
{
	for (unsigned i = 0; i<keys->n && * checks_left> 0; i++) {
		struct signed_key *k = &keys->keys[i];
		if (k->has_signed || !may_sign(k, s))
			continue;
		--*checks_left;
		if (!is_signed_by(zone, s, keys, k))
			continue;
		uint32_t left_s = s->expires_s - wall_s;
		k->has_signed = true;
		keys->ttl_s = s->ttl_s;
		if (keys->signed_for_s == 0 || left_s < keys->signed_for_s)
			keys->signed_for_s = left_s;
	}
}

int signed_keys_read(const uint8_t *zone, const struct answer_rr *rrs, unsigned n_rrs,
                     uint32_t wall_s, struct signed_keys *ret)
{
	unsigned checks_left = SIGNED_CHECKS_MAX;
	struct signature s;
	memset(ret, 0, sizeof *ret);
	take_keys(zone, rrs, n_rrs, ret);
	if (ret->n == 0)
		return -ENOENT;
	for (unsigned i = 0; i < n_rrs && checks_left > 0; i++)
		if (read_signature(zone, &rrs[i], &s) && is_in_time(&s, wall_s))
			check_signature(zone, &s, wall_s, ret, &checks_left);
	return 0;
}
