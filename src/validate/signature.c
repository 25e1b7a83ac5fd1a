/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "validate/signature.h"

#include <errno.h>
#include <libdnssec/error.h>
#include <libdnssec/key.h>
#include <libdnssec/sign.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum {
	RSA_MIN_BITS = 512,
	RSA_MAX_BITS = 4096,
	RSA_MAX_EXPONENT_BITS = 35, /* larger ones only serve to make verifying slow */
	SIGNATURE_MAX_BYTES = RSA_MAX_BITS / 8,
};
static_assert(SIGNATURE_MAX_BYTES + KEY_DIGEST_BYTES <= CANONICAL_TAIL_BYTES,
              "a memo key fits behind the signed data");

int validator_new(struct validator **ret)
{
	struct validator *v = calloc(1, sizeof *v);
	if (v == NULL)
		return -ENOMEM;
	random_bytes(v->memo_keys, sizeof v->memo_keys);
	*ret = v;
	return 0;
}

void validator_free(struct validator *v)
{
	free(v);
}

/* ---- what went wrong ---- */

/* From what says least to what says most. */
static unsigned rank(uint8_t ede_code)
{
	static const uint8_t ranks[] = { EDE_RRSIGS_MISSING, EDE_DNSKEY_MISSING, EDE_NO_ZONE_KEY,
		                         EDE_BOGUS,          EDE_NOT_YET_VALID,  EDE_EXPIRED };
	for (unsigned i = 0; i < ARRAY_LEN(ranks); i++) {
		if (ranks[i] == ede_code)
			return i + 1;
	}
	return 0;
}

void blame_note(struct blame *b, uint8_t ede_code, const char *why)
{
	if (b->ede_code != 0 && rank(ede_code) <= rank(b->ede_code))
		return;
	b->ede_code = ede_code;
	b->why = why;
}

/* ---- keys ---- */

bool algorithm_is_supported(uint8_t algorithm)
{
	switch (algorithm) {
	case DNSSEC_KEY_ALGORITHM_RSA_SHA1:
	case DNSSEC_KEY_ALGORITHM_RSA_SHA1_NSEC3:
	case DNSSEC_KEY_ALGORITHM_RSA_SHA256:
	case DNSSEC_KEY_ALGORITHM_RSA_SHA512:
	case DNSSEC_KEY_ALGORITHM_ECDSA_P256_SHA256:
	case DNSSEC_KEY_ALGORITHM_ECDSA_P384_SHA384:
	case DNSSEC_KEY_ALGORITHM_ED25519:
	case DNSSEC_KEY_ALGORITHM_ED448:
		return public_key_has(algorithm);
	default:
		return false;
	}
}

/* Bits of a big-endian number. */
static size_t count_bits(const uint8_t *p, size_t n)
{
	while (n > 0 && *p == 0) {
		p++;
		n--;
	}
	return n == 0 ? 0 : n * 8 - (size_t)(__builtin_clz(*p) - 24);
}

/* RFC 3110 2: length of the exponent in one byte, or in two behind a zero; exponent; modulus. */
static bool rsa_is_sound(const uint8_t *key, size_t n)
{
	if (n < 3)
		return false;
	size_t at = key[0] != 0 ? 1 : 3;
	size_t exponent = key[0] != 0 ? key[0] : load16(key + 1);
	if (exponent == 0 || n - at <= exponent)
		return false;
	size_t exponent_bits = count_bits(key + at, exponent);
	size_t modulus_bits = count_bits(key + at + exponent, n - at - exponent);
	bool is_odd = (key[at + exponent - 1] & 1) != 0 && (key[n - 1] & 1) != 0;
	return is_odd && exponent_bits > 1 && exponent_bits <= RSA_MAX_EXPONENT_BITS &&
	       modulus_bits >= RSA_MIN_BITS && modulus_bits <= RSA_MAX_BITS;
}

/* Bytes of a public key and of a signature; 0: they vary. */
static void sizes(uint8_t algorithm, size_t *ret_key, size_t *ret_signature)
{
	static const struct {
		uint8_t algorithm, key, signature;
	} rows[] = {
		{ DNSSEC_KEY_ALGORITHM_ECDSA_P256_SHA256, 64, 64 },
		{ DNSSEC_KEY_ALGORITHM_ECDSA_P384_SHA384, 96, 96 },
		{ DNSSEC_KEY_ALGORITHM_ED25519, 32, 64 },
		{ DNSSEC_KEY_ALGORITHM_ED448, 57, 114 },
	};
	*ret_key = *ret_signature = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].algorithm == algorithm) {
			*ret_key = rows[i].key;
			*ret_signature = rows[i].signature;
		}
	}
}

bool key_is_sound(uint8_t algorithm, const uint8_t *key, size_t n)
{
	size_t key_bytes;
	size_t signature_bytes;
	sizes(algorithm, &key_bytes, &signature_bytes);
	return key_bytes != 0 ? n == key_bytes : rsa_is_sound(key, n);
}

/* ---- the memo ---- */

struct memo_key {
	uint64_t h[2];
};

/* Over everything that was verified: data, signature, key. 128 bits under keys of this worker. */
static struct memo_key memo_key(struct validator *v, const struct trust_key *key,
                                const uint8_t *signature, size_t n)
{
	struct canonical *c = &v->canonical;
	uint8_t *tail = c->data + c->data_bytes;
	size_t all = c->data_bytes + n + KEY_DIGEST_BYTES;
	memcpy(tail, signature, n);
	memcpy(tail + n, key->digest, KEY_DIGEST_BYTES);
	return (struct memo_key){ { siphash24(&v->memo_keys[0], c->data, all),
		                    siphash24(&v->memo_keys[1], c->data, all) } };
}

static bool memo_has(const struct validator *v, const struct memo_key *k)
{
	const uint64_t *m = v->memo[k->h[0] % MEMO_ENTRIES];
	return m[0] == k->h[0] && m[1] == k->h[1];
}

static void memo_put(struct validator *v, const struct memo_key *k)
{
	memcpy(v->memo[k->h[0] % MEMO_ENTRIES], k->h, sizeof k->h);
}

/* ---- one signature ---- */

static bool verify(const struct trust_key *key, const struct canonical *c, const uint8_t *signature,
                   size_t n)
{
	return public_key_verify(key->key, c->data, c->data_bytes, signature, n);
}

static bool is_signature_size(const struct trust_key *key, size_t n)
{
	size_t key_bytes;
	size_t signature_bytes;
	sizes(key->algorithm, &key_bytes, &signature_bytes);
	return signature_bytes != 0 ? n == signature_bytes : n > 0 && n <= key->bytes;
}

enum tried {
	TRIED_GOOD,
	TRIED_BAD,
	TRIED_STOP, /* work is used up */
};

static enum tried try_key(struct validator *v, const struct trust_key *key,
                          const uint8_t *signature, size_t n, struct work *work)
{
	if (!is_signature_size(key, n))
		return TRIED_BAD;
	struct memo_key memo = memo_key(v, key, signature, n);
	if (memo_has(v, &memo)) {
		v->n_remembered++;
		return TRIED_GOOD;
	}
	if (work->signatures_left == 0 || work->failures_left == 0) {
		work->is_exhausted = true;
		return TRIED_STOP;
	}
	work->signatures_left--;
	v->n_verified++;
	if (verify(key, &v->canonical, signature, n)) {
		memo_put(v, &memo);
		return TRIED_GOOD;
	}
	work->failures_left--;
	return TRIED_BAD;
}

/* RFC 1982 3.2, as RFC 4034 3.1.5 asks for: is a later than b? */
static bool is_later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* All that can be said without the keys (RFC 4035 5.3.1). */
static bool fields_are_good(const struct rrset *set, const struct rrsig_fields *f, uint32_t wall_s,
                            struct blame *blame)
{
	if (f->labels > rrset_owner_labels(set->owner)) {
		blame_note(blame, EDE_BOGUS, "a signature is for a longer name");
		return false;
	}
	if (is_later(f->begins_s, f->expires_s)) {
		blame_note(blame, EDE_BOGUS, "a signature expires before it begins");
		return false;
	}
	if (is_later(wall_s, f->expires_s)) {
		blame_note(blame, EDE_EXPIRED, "a signature has expired");
		return false;
	}
	if (is_later(f->begins_s, wall_s)) {
		blame_note(blame, EDE_NOT_YET_VALID, "a signature is not valid yet");
		return false;
	}
	if (!algorithm_is_supported(f->algorithm)) {
		blame_note(blame, EDE_RRSIGS_MISSING, "a signature is of an unsupported algorithm");
		return false;
	}
	return true;
}

static enum tried try_rrsig(struct validator *v, const struct rrset *set,
                            const struct answer_rr *rrsig, const struct rrsig_fields *f,
                            const struct trust *zone, enum keys_tried which, struct work *work,
                            struct blame *blame)
{
	const uint8_t *signature = f->signer + name_len(f->signer);
	size_t n = (size_t)(rrsig->rdata + rrsig->rdata_len - signature);
	unsigned n_tried = 0;
	bool is_laid_down = false;
	for (unsigned i = 0; i < zone->n_keys && n_tried < KEYS_PER_TAG_MAX; i++) {
		const struct trust_key *key = &zone->keys[i];
		if (key->tag != f->tag || key->algorithm != f->algorithm ||
		    (which == KEYS_VOUCHED && !key->is_vouched))
			continue;
		n_tried++;
		if (key->key == NULL) {
			bool is_zone_key = (key->flags & DNSKEY_ZONE) != 0;
			blame_note(blame, is_zone_key ? EDE_BOGUS : EDE_NO_ZONE_KEY,
			           is_zone_key ? "a signature is by a revoked or malformed key"
			                       : "a signature is by a key that is no zone key");
			continue;
		}
		if (!is_laid_down && rrset_signed_data(set, rrsig, f, &v->canonical) != 0) {
			blame_note(blame, EDE_BOGUS, "too many records to check");
			return TRIED_BAD;
		}
		is_laid_down = true;
		enum tried tried = try_key(v, key, signature, n, work);
		if (tried != TRIED_BAD)
			return tried;
		blame_note(blame, EDE_BOGUS, "a signature is wrong");
	}
	if (n_tried == 0)
		blame_note(blame, EDE_DNSKEY_MISSING, "no key of the zone made the signature");
	return TRIED_BAD;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* NOLINTNEXTLINE(readability-function-size): what is checked, by whom, when, at what cost */
bool rrset_verify(struct validator *v, const struct rrsets *s, const struct rrset *set,
                  const struct trust *zone, enum keys_tried which, uint32_t wall_s,
                  struct work *work, struct verified *ret, struct blame *blame)
{
	bool is_canonical = false;
	for (uint16_t i = set->first_sig; i != RRSET_NONE; i = s->next[i]) {
		const struct answer_rr *rrsig = &s->rrs[i];
		struct rrsig_fields f;
		if (rrsig_read(rrsig, &f) != 0 || !name_equal(f.signer, zone->name) ||
		    !fields_are_good(set, &f, wall_s, blame))
			continue;
		if (!is_canonical && rrset_canonical(s, set, &v->canonical) != 0) {
			blame_note(blame, EDE_BOGUS, "too many records to check");
			return false;
		}
		is_canonical = true;
		enum tried tried = try_rrsig(v, set, rrsig, &f, zone, which, work, blame);
		if (tried == TRIED_STOP)
			return false;
		if (tried == TRIED_GOOD) {
			/* RFC 4035 5.3.3: no longer than the signature is valid. */
			ret->ttl_s = least(f.original_ttl_s, f.expires_s - wall_s);
			ret->ttl_s = least(ret->ttl_s, rrsig->ttl_s);
			ret->labels = f.labels;
			return true;
		}
	}
	return false;
}
