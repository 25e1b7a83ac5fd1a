/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "signed_zone.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <libdnssec/error.h>
#include <libdnssec/keytag.h>
#include <libdnssec/nsec.h>
#include <libdnssec/sign.h>
#include <libzscanner/scanner.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

const struct signing as_usual = { .labels = -1 };

struct name name_of(const char *text)
{
	struct name n;
	must(name_from_text(text, strlen(text), &n) == 0);
	return n;
}

/* ---- keys ---- */

static gnutls_pk_algorithm_t kind_of(uint8_t algorithm)
{
	switch (algorithm) {
	case DNSSEC_KEY_ALGORITHM_ECDSA_P256_SHA256:
	case DNSSEC_KEY_ALGORITHM_ECDSA_P384_SHA384:
		return GNUTLS_PK_EC;
	case DNSSEC_KEY_ALGORITHM_ED25519:
		return GNUTLS_PK_EDDSA_ED25519;
	case DNSSEC_KEY_ALGORITHM_ED448:
		return GNUTLS_PK_EDDSA_ED448;
	default:
		return GNUTLS_PK_RSA;
	}
}

static unsigned bits_of(uint8_t algorithm, unsigned rsa_bits)
{
	switch (algorithm) {
	case DNSSEC_KEY_ALGORITHM_ECDSA_P256_SHA256:
		return GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
	case DNSSEC_KEY_ALGORITHM_ECDSA_P384_SHA384:
		return GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1);
	case DNSSEC_KEY_ALGORITHM_ED25519:
		return GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519);
	case DNSSEC_KEY_ALGORITHM_ED448:
		return GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED448);
	default:
		return rsa_bits != 0 ? rsa_bits : 1024;
	}
}

static void take_rdata(struct zone_key *k)
{
	dnssec_binary_t rdata = { .size = k->rdata_len, .data = k->rdata };
	must(dnssec_keytag(&rdata, &k->tag) == DNSSEC_EOK);
}

void zone_key_make(struct zone_key *ret, const char *zone, uint8_t algorithm, uint16_t flags,
                   unsigned rsa_bits)
{
	gnutls_x509_privkey_t made;
	gnutls_datum_t pem;
	dnssec_binary_t rdata;
	*ret = (struct zone_key){ .zone = name_of(zone), .algorithm = algorithm, .flags = flags };
	must(gnutls_x509_privkey_init(&made) == 0);
	must(gnutls_x509_privkey_generate(made, kind_of(algorithm), bits_of(algorithm, rsa_bits),
	                                  0) == 0);
	must(gnutls_x509_privkey_export2_pkcs8(made, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
	                                       &pem) == 0);
	gnutls_x509_privkey_deinit(made);
	dnssec_binary_t text = { .size = pem.size, .data = pem.data };
	must(dnssec_key_new(&ret->key) == DNSSEC_EOK);
	must(dnssec_key_set_dname(ret->key, ret->zone.wire) == DNSSEC_EOK);
	must(dnssec_key_set_algorithm(ret->key, algorithm) == DNSSEC_EOK);
	must(dnssec_key_set_flags(ret->key, flags) == DNSSEC_EOK);
	must(dnssec_key_load_pkcs8(ret->key, &text) == DNSSEC_EOK);
	must(dnssec_key_get_rdata(ret->key, &rdata) == DNSSEC_EOK);
	must(rdata.size <= sizeof ret->rdata);
	memcpy(ret->rdata, rdata.data, rdata.size);
	ret->rdata_len = (uint16_t)rdata.size;
	gnutls_free(pem.data);
	take_rdata(ret);
}

void zone_key_forge(struct zone_key *ret, const char *zone, uint8_t algorithm, uint16_t flags,
                    const uint8_t *public_key, size_t n)
{
	*ret = (struct zone_key){ .zone = name_of(zone), .algorithm = algorithm, .flags = flags };
	must(n + 4 <= sizeof ret->rdata);
	store16(ret->rdata, flags);
	ret->rdata[2] = 3;
	ret->rdata[3] = algorithm;
	memcpy(ret->rdata + 4, public_key, n);
	ret->rdata_len = (uint16_t)(n + 4);
	take_rdata(ret);
}

void zone_key_forge_tag(struct zone_key *ret, const char *zone, uint8_t algorithm, uint16_t tag,
                        unsigned bits)
{
	uint8_t key[4 + 512] = { 3, 1, 0, 1 };
	size_t n = 4 + bits / 8;
	must(n <= sizeof key);
	do { /* two bytes at an even place of the record are free to bring the sum to the tag */
		random_bytes(key + 4, n - 4);
		key[4] |= 0x80;
		key[n - 1] |= 1;
		store16(key + 6, 0);
		zone_key_forge(ret, zone, algorithm, 256, key, n);
		store16(key + 6, (uint16_t)(tag - ret->tag));
		zone_key_forge(ret, zone, algorithm, 256, key, n);
	} while (ret->tag != tag); /* the carry may have been in the way */
}

void zone_key_done(struct zone_key *k)
{
	dnssec_key_free(k->key);
	k->key = NULL;
}

/* ---- records ---- */

void records_reset(struct records *r)
{
	r->n = 0;
	r->used = 0;
	r->in_authority = false;
}

static uint8_t *take(struct records *r, size_t n)
{
	must(r->used + n <= sizeof r->bytes);
	uint8_t *p = r->bytes + r->used;
	r->used += n;
	return p;
}

void records_add(struct records *r, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
                 const uint8_t *rdata, size_t n)
{
	must(r->n < RECORDS_MAX);
	uint8_t *name = take(r, name_len(owner));
	uint8_t *data = take(r, n + 1);
	name_copy_lower(name, owner);
	if (n > 0)
		memcpy(data, rdata, n);
	r->rrs[r->n++] = (struct answer_rr){ .owner = name,
		                             .rdata = data,
		                             .type = type,
		                             .rdata_len = (uint16_t)n,
		                             .ttl_s = ttl_s,
		                             .in_authority = r->in_authority };
}

static void on_record(zs_scanner_t *s)
{
	records_add(s->process.data, s->r_owner, s->r_type, s->r_ttl, s->r_data, s->r_data_length);
}

static void on_error(zs_scanner_t *s)
{
	fprintf(stderr, "line %u of a test's records: %s\n", (unsigned)s->line_counter,
	        zs_strerror(s->error.code));
}

void records_text(struct records *r, const char *lines)
{
	zs_scanner_t *s = calloc(1, sizeof *s);
	must(s != NULL && zs_init(s, ".", DNS_CLASS_IN, 300) == 0);
	must(zs_set_input_string(s, lines, strlen(lines)) == 0);
	must(zs_set_processing(s, on_record, on_error, r) == 0);
	must(zs_parse_all(s) == 0 && s->error.counter == 0);
	zs_deinit(s);
	free(s);
}

void records_dnskey(struct records *r, const struct zone_key *k, uint32_t ttl_s)
{
	records_add(r, k->zone.wire, DNS_DNSKEY, ttl_s, k->rdata, k->rdata_len);
}

void records_ds(struct records *r, const struct zone_key *k, uint8_t digest, uint32_t ttl_s)
{
	static const gnutls_digest_algorithm_t kinds[] = {
		[1] = GNUTLS_DIG_SHA1, [2] = GNUTLS_DIG_SHA256, [4] = GNUTLS_DIG_SHA384
	};
	uint8_t data[NAME_MAX_BYTES + ZONE_KEY_BYTES];
	uint8_t ds[4 + 64];
	size_t n = name_copy_lower(data, k->zone.wire);
	memcpy(data + n, k->rdata, k->rdata_len);
	store16(ds, k->tag);
	ds[2] = k->algorithm;
	ds[3] = digest;
	must(gnutls_hash_fast(kinds[digest], data, n + k->rdata_len, ds + 4) == 0);
	records_add(r, k->zone.wire, DNS_DS, ttl_s, ds, 4 + gnutls_hash_get_len(kinds[digest]));
}

/* ---- signing ---- */

static int compare_rrs(const void *a, const void *b)
{
	const struct answer_rr *x = *(const struct answer_rr *const *)a;
	const struct answer_rr *y = *(const struct answer_rr *const *)b;
	size_t n = x->rdata_len < y->rdata_len ? x->rdata_len : y->rdata_len;
	int d = memcmp(x->rdata, y->rdata, n);
	return d != 0 ? d : (int)x->rdata_len - (int)y->rdata_len;
}

static bool is_same_set(const struct answer_rr *a, const struct answer_rr *b)
{
	return a->type == b->type && a->in_authority == b->in_authority &&
	       name_equal(a->owner, b->owner);
}

static unsigned labels_of(const uint8_t *owner)
{
	return name_labels(owner) - (owner[0] == 1 && owner[1] == '*' ? 1 : 0);
}

/* The RRSIG's data up to the signature. */
static size_t put_fields(uint8_t *p, const struct answer_rr *rr, const struct zone_key *k,
                         const struct signing *how)
{
	struct name signer = how->signer != NULL ? name_of(how->signer) : k->zone;
	store16(p, rr->type);
	p[2] = how->algorithm != 0 ? how->algorithm : k->algorithm;
	p[3] = (uint8_t)(how->labels >= 0 ? (unsigned)how->labels : labels_of(rr->owner));
	store32(p + 4, how->original_ttl_s != 0 ? how->original_ttl_s : rr->ttl_s);
	store32(p + 8, how->expires_s != 0 ? how->expires_s : T_END);
	store32(p + 12, how->begins_s != 0 ? how->begins_s : T_BEGIN);
	store16(p + 16, how->tag != 0 ? how->tag : k->tag);
	memcpy(p + 18, signer.wire, signer.len);
	return 18U + signer.len;
}

static size_t put_record(uint8_t *p, const struct answer_rr *rr, const uint8_t *fields)
{
	unsigned labels = fields[3];
	size_t n = 0;
	if (labels < labels_of(rr->owner)) {
		p[n++] = 1;
		p[n++] = '*';
		n += name_copy_lower(p + n, name_skip(rr->owner, name_labels(rr->owner) - labels));
	} else {
		n = name_copy_lower(p, rr->owner);
	}
	store16(p + n, rr->type);
	store16(p + n + 2, DNS_CLASS_IN);
	memcpy(p + n + 4, fields + 4, 4);
	store16(p + n + 8, rr->rdata_len);
	memcpy(p + n + 10, rr->rdata, rr->rdata_len);
	return n + 10 + rr->rdata_len;
}

void records_sign(struct records *r, unsigned at, const struct zone_key *k,
                  const struct signing *how)
{
	static const struct answer_rr *set[RECORDS_MAX];
	static uint8_t data[RECORDS_BYTES];
	uint8_t rdata[18 + NAME_MAX_BYTES + 512];
	dnssec_sign_ctx_t *ctx;
	dnssec_binary_t signature = { 0 };
	unsigned n = 0;
	const struct answer_rr *rr = &r->rrs[at];
	size_t fields = put_fields(rdata, rr, k, how);
	size_t used = fields;
	for (unsigned i = 0; i < r->n; i++) {
		if (is_same_set(&r->rrs[i], rr))
			set[n++] = &r->rrs[i];
	}
	qsort(set, n, sizeof set[0], compare_rrs);
	memcpy(data, rdata, fields);
	for (unsigned i = 0; i < n; i++) {
		must(used + 512 + set[i]->rdata_len < sizeof data);
		used += put_record(data + used, set[i], rdata);
	}
	dnssec_binary_t all = { .size = used, .data = data };
	must(dnssec_sign_new(&ctx, k->key) == DNSSEC_EOK);
	must(dnssec_sign_add(ctx, &all) == DNSSEC_EOK);
	must(dnssec_sign_write(ctx, DNSSEC_SIGN_NORMAL, &signature) == DNSSEC_EOK);
	must(fields + signature.size <= sizeof rdata);
	memcpy(rdata + fields, signature.data, signature.size);
	if (how->is_broken)
		rdata[fields + signature.size / 2] ^= 4;
	bool in_authority = r->in_authority;
	r->in_authority = rr->in_authority;
	records_add(r, rr->owner, DNS_RRSIG, rr->ttl_s, rdata, fields + signature.size);
	r->in_authority = in_authority;
	dnssec_binary_free(&signature);
	dnssec_sign_free(ctx);
}

void records_sign_from(struct records *r, unsigned first, const struct zone_key *k)
{
	unsigned end = r->n;
	for (unsigned i = first; i < end; i++) {
		bool is_first = r->rrs[i].type != DNS_RRSIG;
		for (unsigned j = first; j < i; j++)
			is_first = is_first && !is_same_set(&r->rrs[i], &r->rrs[j]);
		if (is_first)
			records_sign(r, i, k, &as_usual);
	}
}

void records_signed(struct records *r, const struct zone_key *k, const char *lines)
{
	unsigned first = r->n;
	records_text(r, lines);
	records_sign_from(r, first, k);
}

/* ---- NSEC3 ---- */

static void hash_of(const struct nsec3_how *how, const char *name, uint8_t ret[20])
{
	uint8_t salt[255];
	size_t n = 0;
	for (const char *p = how->salt != NULL ? how->salt : "-"; *p != '-' && *p != 0; p += 2) {
		unsigned byte;
		must(sscanf(p, "%2x", &byte) == 1);
		salt[n++] = (uint8_t)byte;
	}
	struct name wire = name_of(name);
	dnssec_nsec3_params_t params = { .algorithm = DNSSEC_NSEC3_ALGORITHM_SHA1,
		                         .iterations = how->iterations,
		                         .salt = { .size = n, .data = salt } };
	dnssec_binary_t data = { .size = wire.len, .data = wire.wire };
	dnssec_binary_t hash = { 0 };
	must(dnssec_nsec3_hash(&data, &params, &hash) == DNSSEC_EOK && hash.size == 20);
	memcpy(ret, hash.data, 20);
	dnssec_binary_free(&hash);
}

static void hash_text(const uint8_t hash[20], char ret[33])
{
	for (unsigned i = 0; i < 32; i++) {
		unsigned bit = i * 5;
		unsigned pair =
			(unsigned)hash[bit / 8] << 8 | (bit / 8 < 19 ? hash[bit / 8 + 1] : 0);
		ret[i] = "0123456789abcdefghijklmnopqrstuv"[pair >> (11 - bit % 8) & 31];
	}
	ret[32] = 0;
}

static void step(uint8_t hash[20], int by)
{
	for (unsigned i = 20; i-- > 0;) {
		hash[i] = (uint8_t)(hash[i] + by);
		if (hash[i] != (by > 0 ? 0 : 0xff))
			return;
	}
}

void records_nsec3(struct records *r, const struct nsec3_how *how, const char *name,
                   enum nsec3_span span, const char *types)
{
	uint8_t from[20];
	uint8_t to[20];
	char from_text[33];
	char to_text[33];
	char line[1024];
	hash_of(how, name, from);
	memcpy(to, from, 20);
	if (span == NSEC3_AROUND)
		step(from, -1);
	step(to, 1);
	hash_text(from, from_text);
	hash_text(to, to_text);
	snprintf(line, sizeof line, "%s.%s 300 NSEC3 %u %u %u %s %s %s\n", from_text,
	         strcmp(how->zone, ".") == 0 ? "" : how->zone,
	         how->algorithm != 0 ? how->algorithm : 1U, how->flags, how->iterations,
	         how->salt != NULL ? how->salt : "-", to_text, types);
	records_text(r, line);
}

/* ---- trusts ---- */

struct trust *trust_of(struct validator *v, const struct zone_key *const *keys, unsigned n_keys)
{
	static struct records r;
	static struct records anchors;
	struct work work = work_new();
	struct trust *t;
	records_reset(&r);
	records_reset(&anchors);
	for (unsigned i = 0; i < n_keys; i++)
		records_dnskey(&r, keys[i], 3600);
	records_sign(&r, 0, keys[0], &as_usual);
	records_ds(&anchors, keys[0], 2, 3600);
	must(trust_from_keys(v, keys[0]->zone.wire, r.rrs, r.n, anchors.rrs, anchors.n, T_NOW, 1000,
	                     &work, &t) == 0);
	must(t->state == TRUST_SECURE);
	return t;
}

static const struct trust *of_zone(struct trust_source *s, const uint8_t *zone)
{
	struct trusts *t = CONTAINER_OF(s, struct trusts, source);
	for (unsigned i = 0; i < t->n; i++) {
		if (name_equal(t->of[i]->name, zone))
			return t->of[i];
	}
	t->n_waits++;
	return NULL;
}

static const struct trust *around(struct trust_source *s, const uint8_t *name, uint16_t type)
{
	struct trusts *t = CONTAINER_OF(s, struct trusts, source);
	const struct trust *best = NULL;
	for (unsigned i = 0; i < t->n; i++) {
		const uint8_t *zone = t->of[i]->name;
		if (t->of[i]->state == TRUST_NO_CUT || !name_is_within(name, zone) ||
		    (type == DNS_DS && name_equal(name, zone)))
			continue;
		if (best == NULL || name_len(zone) > name_len(best->name))
			best = t->of[i];
	}
	if (best == NULL)
		t->n_waits++;
	return best;
}

void trusts_init(struct trusts *t)
{
	*t = (struct trusts){ .source = { .of_zone = of_zone, .around = around } };
}

void trusts_add(struct trusts *t, struct trust *taken)
{
	must(t->n < TRUSTS_MAX);
	t->of[t->n++] = taken;
}

void trusts_add_state(struct trusts *t, const char *zone, enum trust_state state, uint8_t ede_code)
{
	struct trust *made;
	struct name name = name_of(zone);
	must(trust_new(name.wire, state, ede_code, state == TRUST_BOGUS ? "broken" : NULL, 1000,
	               3600, &made) == 0);
	trusts_add(t, made);
}

void trusts_done(struct trusts *t)
{
	for (unsigned i = 0; i < t->n; i++)
		trust_free(t->of[i]);
	t->n = 0;
}
