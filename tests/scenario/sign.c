/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys, signatures and denials of a zone (RFC 4034, RFC 5155), with libdnssec's primitives. */
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <libdnssec/binary.h>
#include <libdnssec/error.h>
#include <libdnssec/key.h>
#include <libdnssec/nsec.h>
#include <libdnssec/sign.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "zone.h"

enum {
	DNSKEY_BYTES = 600,
	SIGNED_BYTES = 65536,
	RSA_BITS = 1024,
	FLAGS_ZONE = 256,
	FLAG_SEP = 1,
	FLAG_REVOKE = 128,
	TYPE_NSEC3PARAM = 51,
	TRAP_TRIES = 400,
};

/* A key pair, and its public half as it is published. */
struct made_key {
	dnssec_key_t *key;
	uint16_t n;
	uint8_t rdata[DNSKEY_BYTES];
};

/* One signing: which key, under which flags. */
struct signer {
	const struct made_key *key;
	uint8_t algorithm;
	uint16_t flags;
	bool signs_keys, signs_rest;
	uint8_t rdata[DNSKEY_BYTES];
	uint16_t n;
};

/* ---- keys ---- */

static uint16_t tag_of(const uint8_t *rdata, size_t n)
{
	uint32_t sum = 0; /* RFC 4034 B */
	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? rdata[i] : (uint32_t)rdata[i] << 8;
	sum += sum >> 16 & 0xffff;
	return (uint16_t)sum;
}

static bool generate(unsigned algorithm, gnutls_x509_privkey_t to)
{
	switch (algorithm) {
	case DNSSEC_KEY_ALGORITHM_RSA_SHA1:
	case DNSSEC_KEY_ALGORITHM_RSA_SHA256:
	case DNSSEC_KEY_ALGORITHM_RSA_SHA512:
		return gnutls_x509_privkey_generate(to, GNUTLS_PK_RSA, RSA_BITS, 0) == 0;
	case DNSSEC_KEY_ALGORITHM_ECDSA_P384_SHA384:
		return gnutls_x509_privkey_generate(
			       to, GNUTLS_PK_ECDSA,
			       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1), 0) == 0;
	case DNSSEC_KEY_ALGORITHM_ED25519:
		return gnutls_x509_privkey_generate(to, GNUTLS_PK_EDDSA_ED25519, 256, 0) == 0;
	case DNSSEC_KEY_ALGORITHM_ED448:
		return gnutls_x509_privkey_generate(to, GNUTLS_PK_EDDSA_ED448, 456, 0) == 0;
	default:
		return gnutls_x509_privkey_generate(
			       to, GNUTLS_PK_ECDSA,
			       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0;
	}
}

/* Of an algorithm that the library does not know a key of another one is shown. */
static dnssec_key_t *new_key(uint8_t algorithm)
{
	gnutls_x509_privkey_t priv;
	gnutls_datum_t pem = { 0 };
	dnssec_key_t *key = NULL;
	unsigned real = dnssec_algorithm_key_support(algorithm)
	                        ? algorithm
	                        : DNSSEC_KEY_ALGORITHM_ECDSA_P256_SHA256;
	must(gnutls_x509_privkey_init(&priv) == 0);
	bool is_good = generate(real, priv) &&
	               gnutls_x509_privkey_export2_pkcs8(priv, GNUTLS_X509_FMT_PEM, NULL,
	                                                 GNUTLS_PKCS_PLAIN, &pem) == 0 &&
	               dnssec_key_new(&key) == 0 &&
	               dnssec_key_set_algorithm(key, (uint8_t)real) == 0;
	const dnssec_binary_t bytes = { .size = pem.size, .data = pem.data };
	is_good = is_good && dnssec_key_load_pkcs8(key, &bytes) == 0;
	gnutls_free(pem.data);
	gnutls_x509_privkey_deinit(priv);
	if (!is_good) {
		dnssec_key_free(key);
		return NULL;
	}
	return key;
}

static const struct made_key *key_of(struct script *s, struct script_key *k)
{
	struct made_key *made = k->made;
	dnssec_binary_t rdata;
	if (made != NULL)
		return made;
	made = script_alloc(s, sizeof *made);
	made->key = new_key(k->algorithm);
	if (made->key == NULL || dnssec_key_get_rdata(made->key, &rdata) != 0 ||
	    rdata.size > sizeof made->rdata)
		return NULL;
	memcpy(made->rdata, rdata.data, rdata.size);
	made->n = (uint16_t)rdata.size;
	made->rdata[3] = k->algorithm;
	store16(made->rdata, FLAGS_ZONE | (k->role == ROLE_ZSK ? 0 : FLAG_SEP));
	k->made = made;
	return made;
}

void zone_free_keys(struct script *s)
{
	for (struct script_key *k = s->keys; k != NULL; k = k->next) {
		struct made_key *made = k->made;
		if (made != NULL)
			dnssec_key_free(made->key);
		k->made = NULL;
	}
}

bool zone_write_ds(struct script *s, const char *label, const uint8_t *owner, uint8_t digest,
                   uint8_t *ret, size_t *ret_n)
{
	uint8_t bytes[NAME_MAX_BYTES + DNSKEY_BYTES];
	struct script_key *k = script_find_key(s, label);
	const struct made_key *made = k != NULL ? key_of(s, k) : NULL;
	gnutls_digest_algorithm_t hash = digest == 1   ? GNUTLS_DIG_SHA1
	                                 : digest == 4 ? GNUTLS_DIG_SHA384
	                                               : GNUTLS_DIG_SHA256;
	if (made == NULL)
		return false;
	size_t n = name_len(owner);
	memcpy(bytes, owner, n);
	memcpy(bytes + n, made->rdata, made->n);
	store16(ret, tag_of(made->rdata, made->n));
	ret[2] = k->algorithm;
	ret[3] = digest;
	*ret_n = 4 + gnutls_hash_get_len(hash);
	return gnutls_hash_fast(hash, bytes, n + made->n, ret + 4) == 0;
}

/* ---- signatures ---- */

static int by_data(const void *a, const void *b)
{
	const struct zone_data *x = a, *y = b;
	int c = memcmp(x->bytes, y->bytes, x->n < y->n ? x->n : y->n);
	return c != 0 ? c : (int)x->n - (int)y->n;
}

static unsigned label_count(const uint8_t *owner)
{
	unsigned n = name_labels(owner);
	return owner[0] == 1 && owner[1] == '*' ? n - 1 : n;
}

/* RFC 4034 3.1.8.1: the RRSIG without its signature, then the records in order. */
static size_t lay_out(const struct zone *z, const struct zone_set *set, const struct signer *by,
                      uint8_t *ret, size_t *ret_head)
{
	size_t zone = name_len(z->name), owner = name_len(set->owner);
	store16(ret, set->type);
	ret[2] = by->algorithm;
	ret[3] = (uint8_t)label_count(set->owner);
	store32(ret + 4, set->ttl_s);
	store32(ret + 8, (uint32_t)(KERNEL_START_WALL_S + (uint64_t)z->from->expires_s));
	store32(ret + 12, (uint32_t)(KERNEL_START_WALL_S + (uint64_t)z->from->begins_s));
	store16(ret + 16, tag_of(by->rdata, by->n));
	memcpy(ret + 18, z->name, zone);
	size_t n = *ret_head = 18 + zone;
	for (unsigned i = 0; i < set->n; i++) {
		must(n + owner + 10 + set->rrs[i].n <= SIGNED_BYTES);
		memcpy(ret + n, set->owner, owner);
		n += owner;
		store16(ret + n, set->type);
		store16(ret + n + 2, DNS_CLASS_IN);
		store32(ret + n + 4, set->ttl_s);
		store16(ret + n + 8, set->rrs[i].n);
		memcpy(ret + n + 10, set->rrs[i].bytes, set->rrs[i].n);
		n += 10U + set->rrs[i].n;
	}
	return n;
}

static const struct script_flaw *flaw_of(const struct zone *z, const struct zone_set *set,
                                         enum script_flaw_kind kind)
{
	for (const struct script_flaw *f = z->from->flaws; f != NULL; f = f->next) {
		if (f->kind == kind && f->type == set->type && name_equal(f->name.wire, set->owner))
			return f;
	}
	return NULL;
}

static void add_sig(const struct zone *z, struct zone_set *set, const uint8_t *head, size_t n_head,
                    const uint8_t *sig, size_t n_sig)
{
	uint8_t *data = script_alloc(z->script, n_head + n_sig);
	memcpy(data, head, n_head);
	memcpy(data + n_head, sig, n_sig);
	set->sigs[set->n_sigs++] = (struct zone_data){ data, (uint16_t)(n_head + n_sig) };
}

static void sign_by(const struct zone *z, struct zone_set *set, const struct signer *by)
{
	static uint8_t bytes[SIGNED_BYTES];
	size_t head;
	size_t n = lay_out(z, set, by, bytes, &head);
	dnssec_sign_ctx_t *c = NULL;
	dnssec_binary_t data = { .size = n, .data = bytes }, sig = { 0 };
	must(dnssec_sign_new(&c, by->key->key) == 0 && dnssec_sign_init(c) == 0);
	must(dnssec_sign_add(c, &data) == 0);
	must(dnssec_sign_write(c, DNSSEC_SIGN_NORMAL, &sig) == 0);
	dnssec_sign_free(c);
	for (unsigned i = 0; i < z->from->n_trap_sigs; i++) {
		sig.data[i % sig.size] ^= 0x55;
		add_sig(z, set, bytes, head, sig.data, sig.size);
		sig.data[i % sig.size] ^= 0x55;
	}
	if (flaw_of(z, set, FLAW_CORRUPT) != NULL)
		sig.data[sig.size / 2] ^= 1;
	add_sig(z, set, bytes, head, sig.data, sig.size);
	dnssec_binary_free(&sig);
}

static void sign_set(struct zone *z, struct zone_set *set, const struct signer *signers,
                     unsigned n_signers)
{
	if (flaw_of(z, set, FLAW_UNSIGNED) != NULL)
		return;
	set->sigs =
		script_alloc(z->script, n_signers * (z->from->n_trap_sigs + 1) * sizeof *set->sigs);
	qsort(set->rrs, set->n, sizeof set->rrs[0], by_data);
	for (unsigned i = 0; i < n_signers; i++) {
		bool is_due =
			set->type == DNS_DNSKEY ? signers[i].signs_keys : signers[i].signs_rest;
		if (is_due)
			sign_by(z, set, &signers[i]);
	}
}

/* ---- denials ---- */

void zone_hash(const struct zone *z, const uint8_t *name, uint8_t ret[20])
{
	uint8_t lower[NAME_MAX_BYTES];
	const dnssec_binary_t data = { .size = name_copy_lower(lower, name), .data = lower };
	const dnssec_nsec3_params_t params = {
		.algorithm = DNSSEC_NSEC3_ALGORITHM_SHA1,
		.iterations = z->from->iterations,
		.salt = { .size = z->from->salt_len, .data = (uint8_t *)z->from->salt },
	};
	dnssec_binary_t hash = { 0 };
	must(dnssec_nsec3_hash(&data, &params, &hash) == 0 && hash.size == 20);
	memcpy(ret, hash.data, 20);
	dnssec_binary_free(&hash);
}

static size_t write_types(const struct zone *z, const uint8_t *name, bool with_nsec, uint8_t *ret)
{
	dnssec_nsec_bitmap_t *map = dnssec_nsec_bitmap_new();
	bool is_cut = zone_is_cut(z, name), has_sig = with_nsec;
	must(map != NULL);
	for (unsigned i = 0; i < z->n_sets; i++) {
		const struct zone_set *set = z->sets[i];
		if (!name_equal(set->owner, name) ||
		    (is_cut && set->type != DNS_NS && set->type != DNS_DS))
			continue;
		dnssec_nsec_bitmap_add(map, set->type);
		has_sig |= !is_cut || set->type == DNS_DS;
	}
	if (has_sig)
		dnssec_nsec_bitmap_add(map, DNS_RRSIG);
	if (with_nsec)
		dnssec_nsec_bitmap_add(map, DNS_NSEC);
	size_t n = dnssec_nsec_bitmap_size(map);
	dnssec_nsec_bitmap_write(map, ret);
	dnssec_nsec_bitmap_free(map);
	return n;
}

static void add_denial(struct zone *z, const uint8_t *owner, uint16_t type, const uint8_t *data,
                       size_t n)
{
	struct zone_set *set = script_alloc(z->script, sizeof *set);
	uint8_t *copy = script_alloc(z->script, n);
	memcpy(copy, data, n);
	*set = (struct zone_set){ .owner = owner,
		                  .type = type,
		                  .ttl_s = zone_find(z, z->name, DNS_SOA)->ttl_s,
		                  .n = 1,
		                  .rrs = { { copy, (uint16_t)n } } };
	z->denials[z->n_denials++] = set;
}

struct place {
	const uint8_t *name;
	uint8_t hash[20];
};

static int by_name(const void *a, const void *b)
{
	return name_compare(((const struct place *)a)->name, ((const struct place *)b)->name);
}

static int by_hash(const void *a, const void *b)
{
	return memcmp(((const struct place *)a)->hash, ((const struct place *)b)->hash, 20);
}

static unsigned add_place(struct place *places, unsigned n, const uint8_t *name)
{
	for (unsigned i = 0; i < n; i++) {
		if (name_equal(places[i].name, name))
			return n;
	}
	must(n < ZONE_MAX_SETS);
	places[n].name = name;
	return n + 1;
}

/* The names that get a denial; for NSEC3 empty ones too, and not what opts out. */
static unsigned find_places(const struct zone *z, struct place *places)
{
	unsigned n = 0;
	for (unsigned i = 0; i < z->n_sets; i++) {
		const uint8_t *name = z->sets[i]->owner;
		bool is_out = z->from->is_opt_out && zone_is_cut(z, name) &&
		              zone_find(z, name, DNS_DS) == NULL;
		if (zone_is_hidden(z, name) || is_out)
			continue;
		n = add_place(places, n, name);
		while (z->from->is_nsec3 && !name_equal(name, z->name)) {
			name = name_skip(name, 1);
			n = add_place(places, n, name);
		}
	}
	return n;
}

static void add_nsecs(struct zone *z, struct place *places, unsigned n)
{
	uint8_t data[NAME_MAX_BYTES + 8192];
	qsort(places, n, sizeof *places, by_name);
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *next = places[(i + 1) % n].name;
		size_t len = name_len(next);
		memcpy(data, next, len);
		len += write_types(z, places[i].name, true, data + len);
		add_denial(z, places[i].name, DNS_NSEC, data, len);
	}
}

static const uint8_t *hashed_name(struct zone *z, const uint8_t hash[20])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	uint8_t *name = script_alloc(z->script, NAME_MAX_BYTES);
	name[0] = 32;
	for (unsigned i = 0; i < 32; i++) {
		unsigned bit = i * 5;
		unsigned two =
			(unsigned)hash[bit / 8] << 8 | (bit / 8 < 19 ? hash[bit / 8 + 1] : 0);
		name[1 + i] = (uint8_t)digits[two >> (11 - bit % 8) & 31];
	}
	memcpy(name + 33, z->name, name_len(z->name));
	return name;
}

static void add_nsec3s(struct zone *z, struct place *places, unsigned n)
{
	uint8_t data[512 + 8192];
	for (unsigned i = 0; i < n; i++)
		zone_hash(z, places[i].name, places[i].hash);
	qsort(places, n, sizeof *places, by_hash);
	for (unsigned i = 0; i < n; i++) {
		size_t salt = z->from->salt_len;
		data[0] = 1;
		data[1] = z->from->is_opt_out;
		store16(data + 2, z->from->iterations);
		data[4] = (uint8_t)salt;
		memcpy(data + 5, z->from->salt, salt);
		data[5 + salt] = 20;
		memcpy(data + 6 + salt, places[(i + 1) % n].hash, 20);
		size_t len = 26 + salt;
		len += write_types(z, places[i].name, false, data + len);
		add_denial(z, hashed_name(z, places[i].hash), DNS_NSEC3, data, len);
	}
}

/* ---- the whole ---- */

/* KeyTrap: keys that are real, and of the same tag. The flags have bits to spare for that. */
static void add_trap_key(struct zone *z, const struct signer *like)
{
	for (int tries = 0; tries < TRAP_TRIES; tries++) {
		struct script_key k = { .algorithm = like->algorithm, .role = ROLE_ZSK };
		const struct made_key *made = key_of(z->script, &k);
		must(made != NULL);
		uint8_t rdata[DNSKEY_BYTES];
		memcpy(rdata, made->rdata, made->n);
		dnssec_key_free(made->key);
		uint16_t want = tag_of(like->rdata, like->n);
		for (int carry = 0; carry < 2; carry++) {
			uint16_t x = (uint16_t)(want - tag_of(made->rdata, made->n) - carry);
			if ((x & (FLAGS_ZONE | FLAG_SEP | FLAG_REVOKE)) != 0)
				continue;
			store16(rdata, FLAGS_ZONE | x);
			if (tag_of(rdata, made->n) != want)
				continue;
			zone_add(z, z->name, DNS_DNSKEY, SCRIPT_ZONE_TTL_S, rdata, made->n);
			return;
		}
	}
	must(!"no key of that tag");
}

static unsigned find_signers(struct zone *z, struct signer *ret, unsigned max)
{
	unsigned n = 0;
	bool has_ksk = false;
	for (const struct script_key_use *u = z->from->keys; u != NULL && n < max; u = u->next) {
		struct script_key *k = script_find_key(z->script, u->label);
		struct signer *by = &ret[n];
		*by = (struct signer){ .key = key_of(z->script, k), .algorithm = k->algorithm };
		if (by->key == NULL) {
			script_problem(z->script, u->line, "key '%s' cannot be made", u->label);
			continue;
		}
		memcpy(by->rdata, by->key->rdata, by->key->n);
		by->n = by->key->n;
		if (u->use == USE_REVOKED)
			store16(by->rdata, load16(by->rdata) | FLAG_REVOKE);
		if (u->use != USE_HIDDEN)
			zone_add(z, z->name, DNS_DNSKEY, SCRIPT_ZONE_TTL_S, by->rdata, by->n);
		by->signs_keys = u->use != USE_IS_SEEN && k->role != ROLE_ZSK;
		by->signs_rest =
			(u->use == USE_SIGNS || u->use == USE_HIDDEN) && k->role != ROLE_KSK;
		has_ksk |= by->signs_keys;
		n++;
	}
	for (unsigned i = 0; i < n && !has_ksk; i++)
		ret[i].signs_keys = ret[i].signs_rest;
	return n;
}

void zone_sign(struct zone *z)
{
	static struct place places[ZONE_MAX_SETS];
	static struct signer signers[16];
	unsigned n = find_signers(z, signers, ARRAY_LEN(signers));
	for (unsigned i = 0; i < z->from->n_trap_keys && n > 0; i++)
		add_trap_key(z, &signers[n - 1]);
	if (z->from->is_nsec3) {
		uint8_t param[5 + sizeof z->from->salt] = { 1, 0 };
		store16(param + 2, z->from->iterations);
		param[4] = z->from->salt_len;
		memcpy(param + 5, z->from->salt, z->from->salt_len);
		zone_add(z, z->name, TYPE_NSEC3PARAM, 0, param, 5U + z->from->salt_len);
	}
	unsigned n_places = find_places(z, places);
	if (z->from->is_nsec3)
		add_nsec3s(z, places, n_places);
	else
		add_nsecs(z, places, n_places);
	for (unsigned i = 0; i < z->n_sets; i++) {
		struct zone_set *set = z->sets[i];
		bool is_ours = !zone_is_hidden(z, set->owner) &&
		               (!zone_is_cut(z, set->owner) || set->type == DNS_DS);
		if (is_ours)
			sign_set(z, set, signers, n);
	}
	for (unsigned i = 0; i < z->n_denials; i++)
		sign_set(z, z->denials[i], signers, n);
}
