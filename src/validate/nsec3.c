/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <libdnssec/error.h>
#include <libdnssec/nsec.h>
#include <string.h>

#include "validate/denial.h"

enum {
	HASH_BYTES = 20,
	HASH_TEXT = 32, /* RFC 5155 1.3: base32hex without padding */
	NSEC3_SHA1 = 1,
	NSEC3_OPT_OUT = 1,
	NSEC3_FIXED_BYTES = 5,
	ITERATIONS_A_BLOCK = 25,
};

int nsec3_read(const struct answer_rr *nsec3, struct nsec3_parameters *ret)
{
	const uint8_t *p = nsec3->rdata;
	size_t n = nsec3->rdata_len;
	if (nsec3->type != DNS_NSEC3 || n < NSEC3_FIXED_BYTES || n - NSEC3_FIXED_BYTES <= p[4])
		return -EBADMSG;
	size_t hash_at = NSEC3_FIXED_BYTES + (size_t)p[4];
	size_t map_at = hash_at + 1 + p[hash_at];
	if (p[hash_at] == 0 || map_at > n || !bitmap_is_sound(p + map_at, n - map_at))
		return -EBADMSG;
	*ret = (struct nsec3_parameters){ .algorithm = p[0],
		                          .salt_len = p[4],
		                          .hash_len = p[hash_at],
		                          .is_opt_out = (p[1] & NSEC3_OPT_OUT) != 0,
		                          .iterations = load16(p + 2),
		                          .salt = p + NSEC3_FIXED_BYTES };
	return 0;
}

int nsec3_hash(const uint8_t *lower, const uint8_t *salt, size_t salt_len, unsigned iterations,
               struct work *work, uint8_t ret[20])
{
	unsigned blocks = 1 + iterations / ITERATIONS_A_BLOCK;
	if (iterations > NSEC3_ITERATIONS_MAX)
		return -ENOTSUP;
	if (work->hashes_left < blocks) {
		work->is_exhausted = true;
		return -E2BIG;
	}
	work->hashes_left = (uint16_t)(work->hashes_left - blocks);
	const dnssec_nsec3_params_t params = {
		.algorithm = DNSSEC_NSEC3_ALGORITHM_SHA1,
		.iterations = (uint16_t)iterations,
		.salt = { .size = salt_len, .data = (uint8_t *)salt },
	};
	const dnssec_binary_t data = { .size = name_len(lower), .data = (uint8_t *)lower };
	dnssec_binary_t hash = { 0 };
	int e = dnssec_nsec3_hash(&data, &params, &hash);
	bool is_good = e == DNSSEC_EOK && hash.size == HASH_BYTES;
	if (is_good)
		memcpy(ret, hash.data, HASH_BYTES);
	dnssec_binary_free(&hash);
	return is_good ? 0 : -ENOTSUP;
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'v')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'V')
		return c - 'A' + 10;
	return -1;
}

bool nsec3_owner_hash(const uint8_t *owner, uint8_t ret[20])
{
	uint64_t bits = 0;
	unsigned n_bits = 0;
	size_t at = 0;
	if (owner[0] != HASH_TEXT)
		return false;
	for (unsigned i = 1; i <= HASH_TEXT; i++) {
		int d = digit(owner[i]);
		if (d < 0)
			return false;
		bits = bits << 5 | (unsigned)d;
		n_bits += 5;
		if (n_bits >= 8) {
			n_bits -= 8;
			ret[at++] = (uint8_t)(bits >> n_bits);
		}
	}
	return true;
}

enum denial_place nsec3_place(const struct answer_rr *nsec3, const uint8_t hash[20])
{
	struct nsec3_parameters p;
	uint8_t owner[HASH_BYTES];
	if (nsec3_read(nsec3, &p) != 0 || p.hash_len != HASH_BYTES ||
	    !nsec3_owner_hash(nsec3->owner, owner))
		return DENIAL_ELSEWHERE;
	const uint8_t *next = p.salt + p.salt_len + 1;
	int from = memcmp(owner, hash, HASH_BYTES);
	if (from == 0)
		return DENIAL_MATCHES;
	bool is_before_next = memcmp(hash, next, HASH_BYTES) < 0;
	bool is_last = memcmp(owner, next, HASH_BYTES) >= 0;
	bool is_covered = is_last ? from < 0 || is_before_next : from < 0 && is_before_next;
	return is_covered ? DENIAL_COVERS : DENIAL_ELSEWHERE;
}

/* ---- the records of a zone that have the same parameters ---- */

struct chain {
	const struct proofs *proofs;
	struct nsec3_parameters params;
	unsigned n;
	const struct answer_rr *rrs[PROOFS_MAX];
};

static bool is_usable(const struct proofs *p, const struct answer_rr *rr,
                      struct nsec3_parameters *ret)
{
	/* RFC 5155 8.1, 8.2: unknown hash algorithms and flags are ignored. The name is a hash
	   and the zone. */
	return nsec3_read(rr, ret) == 0 && ret->algorithm == NSEC3_SHA1 &&
	       (rr->rdata[1] & ~NSEC3_OPT_OUT) == 0 && ret->hash_len == HASH_BYTES &&
	       rr->owner[0] == HASH_TEXT && name_equal(name_skip(rr->owner, 1), p->zone);
}

static bool is_same(const struct nsec3_parameters *a, const struct nsec3_parameters *b)
{
	return a->iterations == b->iterations && a->salt_len == b->salt_len &&
	       (a->salt_len == 0 || memcmp(a->salt, b->salt, a->salt_len) == 0);
}

/* NONE if there are usable records; ITERATIONS if those ask for too much. */
static enum proof open_chain(const struct proofs *p, struct chain *c)
{
	*c = (struct chain){ .proofs = p };
	for (unsigned i = 0; i < p->n; i++) {
		struct nsec3_parameters params;
		if (!is_usable(p, p->rrs[i], &params))
			continue;
		if (c->n == 0)
			c->params = params;
		if (is_same(&c->params, &params))
			c->rrs[c->n++] = p->rrs[i];
	}
	return c->n > 0 && c->params.iterations > NSEC3_ITERATIONS_MAX ? PROOF_ITERATIONS
	                                                               : PROOF_NONE;
}

static int hash_name(const struct chain *c, const uint8_t *name, uint8_t ret[HASH_BYTES])
{
	return nsec3_hash(name, c->params.salt, c->params.salt_len, c->params.iterations,
	                  c->proofs->work, ret);
}

static const struct answer_rr *find(const struct chain *c, const uint8_t hash[HASH_BYTES],
                                    enum denial_place place)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (nsec3_place(c->rrs[i], hash) == place)
			return c->rrs[i];
	}
	return NULL;
}

static bool is_opt_out(const struct answer_rr *rr)
{
	return (rr->rdata[1] & NSEC3_OPT_OUT) != 0;
}

/* ---- the closest encloser proof (RFC 5155 8.3) ---- */

struct encloser {
	const struct answer_rr *match;  /* the record at the name itself, or */
	const uint8_t *name;            /* the closest name above that is known to exist, */
	const struct answer_rr *covers; /* and what covers the next closer name */
};

/* NONE: go on with what was found, if anything. */
static enum proof find_encloser(const struct chain *c, const uint8_t *name, struct encloser *ret)
{
	uint8_t hash[HASH_BYTES];
	uint8_t next_closer[HASH_BYTES] = { 0 };
	*ret = (struct encloser){ 0 };
	if (c->n == 0 || !name_is_within(name, c->proofs->zone))
		return PROOF_NONE;
	unsigned above = name_labels(name) - name_labels(c->proofs->zone);
	for (unsigned skip = 0; skip <= above; skip++) {
		const uint8_t *at = name_skip(name, skip);
		if (hash_name(c, at, hash) != 0)
			return PROOF_EXHAUSTED;
		const struct answer_rr *rr = find(c, hash, DENIAL_MATCHES);
		if (rr != NULL && skip == 0) {
			ret->match = rr;
			return PROOF_NONE;
		}
		if (rr != NULL) {
			/* RFC 5155 8.3, RFC 6840 4.1: what is below a cut is not this zone's. */
			if (denial_is_cut(rr))
				return PROOF_NONE;
			ret->name = at;
			ret->covers = find(c, next_closer, DENIAL_COVERS);
			return PROOF_NONE;
		}
		memcpy(next_closer, hash, HASH_BYTES);
	}
	return PROOF_NONE;
}

/* RFC 5155 8.4, 8.7: what is known of the wildcard at the closest encloser. WILDCARD: it
   has the type. */
static enum proof look_at_wildcard(const struct chain *c, const struct encloser *e, uint16_t type)
{
	uint8_t star[NAME_MAX_BYTES + 2] = { 1, '*' };
	uint8_t hash[HASH_BYTES];
	name_copy_lower(star + 2, e->name);
	if (hash_name(c, star, hash) != 0)
		return PROOF_EXHAUSTED;
	const struct answer_rr *rr = find(c, hash, DENIAL_MATCHES);
	if (rr != NULL)
		return denial_lacks_type(rr, star, type) ? PROOF_NODATA : PROOF_WILDCARD;
	return find(c, hash, DENIAL_COVERS) != NULL ? PROOF_NXDOMAIN : PROOF_NONE;
}

enum proof nsec3_denies(const struct proofs *p, const uint8_t *name, uint16_t type)
{
	struct chain c;
	struct encloser e;
	enum proof proof = open_chain(p, &c);
	if (proof == PROOF_NONE)
		proof = find_encloser(&c, name, &e);
	if (proof != PROOF_NONE)
		return proof;
	if (e.match != NULL)
		return denial_lacks_type(e.match, name, type) ? PROOF_NODATA : PROOF_NONE;
	if (e.covers == NULL)
		return PROOF_NONE;
	proof = look_at_wildcard(&c, &e, type);
	if (proof == PROOF_WILDCARD)
		return PROOF_NONE;
	/* RFC 5155 8.6, 9.2: an unsigned delegation may be where opt-out covers the name. */
	return is_opt_out(e.covers) && proof != PROOF_EXHAUSTED ? PROOF_OPT_OUT : proof;
}

/* RFC 5155 8.8: the encloser is known from the signature; the next closer name is covered. */
enum proof nsec3_allows_wildcard(const struct proofs *p, const uint8_t *name, unsigned labels)
{
	struct chain c;
	uint8_t hash[HASH_BYTES];
	unsigned own = name_labels(name);
	enum proof proof = open_chain(p, &c);
	if (proof != PROOF_NONE || c.n == 0 || own <= labels)
		return proof;
	if (hash_name(&c, name_skip(name, own - labels - 1), hash) != 0)
		return PROOF_EXHAUSTED;
	const struct answer_rr *rr = find(&c, hash, DENIAL_COVERS);
	if (rr == NULL)
		return PROOF_NONE;
	return is_opt_out(rr) ? PROOF_OPT_OUT : PROOF_WILDCARD;
}

enum delegation nsec3_delegation(const struct proofs *p, const uint8_t *child)
{
	struct chain c;
	struct encloser e;
	/* RFC 9276 3.2: insecure, as no zone below can be shown to be signed. */
	if (open_chain(p, &c) == PROOF_ITERATIONS)
		return DELEGATION_UNSIGNED;
	if (find_encloser(&c, child, &e) != PROOF_NONE)
		return DELEGATION_UNKNOWN;
	if (e.match != NULL)
		return denial_delegation(e.match);
	if (e.covers == NULL)
		return DELEGATION_UNKNOWN;
	return is_opt_out(e.covers) ? DELEGATION_UNSIGNED : DELEGATION_NONE;
}
