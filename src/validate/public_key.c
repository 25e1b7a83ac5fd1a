/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "validate/public_key.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

enum {
	COORDINATE_MAX_BYTES = 48, /* of P-384 */
	/* A SEQUENCE of two INTEGERs, each with a byte more where its top bit is set. */
	DER_MAX_BYTES = 2 + 2 * (2 + 1 + COORDINATE_MAX_BYTES),
	POINT_UNCOMPRESSED = 4, /* SEC 1 2.3.3 */
};

enum family {
	FAMILY_RSA,
	FAMILY_ECDSA,
	FAMILY_EDDSA, /* signs the data itself, not a digest of it */
};

struct kind {
	uint8_t number; /* RFC 8624 3.1 */
	enum family family;
	const char *name;   /* of the library's key */
	const char *curve;  /* ECDSA */
	const char *digest; /* but for EdDSA */
};

static const struct kind kinds[] = {
	{ 5, FAMILY_RSA, "RSA", NULL, "SHA1" },
	{ 7, FAMILY_RSA, "RSA", NULL, "SHA1" },
	{ 8, FAMILY_RSA, "RSA", NULL, "SHA256" },
	{ 10, FAMILY_RSA, "RSA", NULL, "SHA512" },
	{ 13, FAMILY_ECDSA, "EC", "prime256v1", "SHA256" },
	{ 14, FAMILY_ECDSA, "EC", "secp384r1", "SHA384" },
	{ 15, FAMILY_EDDSA, "ED25519", NULL, NULL },
	{ 16, FAMILY_EDDSA, "ED448", NULL, NULL },
};

struct public_key {
	const struct kind *kind;
	EVP_PKEY *key;
	EVP_PKEY_CTX *verifier; /* made ready once; each verification copies it. NULL: EdDSA */
};

/* The digests are fetched once: looking one up by its name costs more than hashing with it. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *digests[ARRAY_LEN(kinds)];
static bool is_here[ARRAY_LEN(kinds)];

static void look_around(void)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct kind *k = &kinds[i];
		EVP_KEYMGMT *m = EVP_KEYMGMT_fetch(NULL, k->name, NULL);
		digests[i] = k->digest != NULL ? EVP_MD_fetch(NULL, k->digest, NULL) : NULL;
		is_here[i] = m != NULL && (k->digest == NULL || digests[i] != NULL);
		EVP_KEYMGMT_free(m);
	}
	ERR_clear_error();
}

static const struct kind *kind_of(uint8_t algorithm)
{
	pthread_once(&once, look_around);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].number == algorithm)
			return is_here[i] ? &kinds[i] : NULL;
	}
	return NULL;
}

static EVP_MD *digest_of(const struct kind *k)
{
	return digests[k - kinds];
}

bool public_key_has(uint8_t algorithm)
{
	return kind_of(algorithm) != NULL;
}

/* ---- keys ---- */

static EVP_PKEY *from_params(const struct kind *k, OSSL_PARAM *params)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, k->name, NULL);
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* RFC 3110 2: the exponent's length in one byte, or in two behind a zero; exponent; modulus. */
static EVP_PKEY *read_rsa(const struct kind *k, const uint8_t *p, size_t n)
{
	size_t at = p[0] != 0 ? 1 : 3;
	size_t exponent = p[0] != 0 ? p[0] : (size_t)(p[1] << 8 | p[2]);
	BIGNUM *e = BN_bin2bn(p + at, (int)exponent, NULL);
	BIGNUM *m = BN_bin2bn(p + at + exponent, (int)(n - at - exponent), NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	if (e != NULL && m != NULL && b != NULL &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, m) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY *key = from_params(k, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	BN_free(e);
	BN_free(m);
	return key;
}

/* RFC 6605 4: the point's coordinates, one behind the other. */
static EVP_PKEY *read_ecdsa(const struct kind *k, const uint8_t *p, size_t n)
{
	uint8_t point[1 + 2 * COORDINATE_MAX_BYTES] = { POINT_UNCOMPRESSED };
	memcpy(point + 1, p, n);
	OSSL_PARAM params[3] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)k->curve, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, n + 1),
		OSSL_PARAM_construct_end(),
	};
	return from_params(k, params);
}

static EVP_PKEY *read_key(const struct kind *k, const uint8_t *p, size_t n)
{
	switch (k->family) {
	case FAMILY_RSA:
		return read_rsa(k, p, n);
	case FAMILY_ECDSA:
		return read_ecdsa(k, p, n);
	case FAMILY_EDDSA:
		return EVP_PKEY_new_raw_public_key_ex(NULL, k->name, NULL, p, n);
	}
	return NULL;
}

static EVP_PKEY_CTX *make_verifier(const struct kind *k, EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, digest_of(k)) == 1 &&
	    (k->family != FAMILY_RSA || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1))
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

struct public_key *public_key_new(uint8_t algorithm, const uint8_t *key, size_t n)
{
	const struct kind *kind = kind_of(algorithm);
	struct public_key *k = kind != NULL ? calloc(1, sizeof *k) : NULL;
	if (k == NULL)
		return NULL;
	k->kind = kind;
	k->key = read_key(kind, key, n);
	if (k->key != NULL && kind->family != FAMILY_EDDSA)
		k->verifier = make_verifier(kind, k->key);
	if (k->key == NULL || (k->verifier == NULL && kind->family != FAMILY_EDDSA)) {
		public_key_free(k);
		k = NULL;
	}
	ERR_clear_error();
	return k;
}

void public_key_free(struct public_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_CTX_free(k->verifier);
	EVP_PKEY_free(k->key);
	free(k);
}

/* ---- signatures ---- */

/* A number in DER: without leading zeros, but not negative. */
static size_t write_integer(uint8_t *to, const uint8_t *p, size_t n)
{
	while (n > 1 && *p == 0) {
		p++;
		n--;
	}
	size_t pad = p[0] >> 7;
	to[0] = 0x02;
	to[1] = (uint8_t)(n + pad);
	to[2] = 0;
	memcpy(to + 2 + pad, p, n);
	return 2 + pad + n;
}

/* RFC 6605 4: r and s, one behind the other; the library wants ECDSA-Sig-Value of RFC 3279. */
static size_t write_der(uint8_t to[DER_MAX_BYTES], const uint8_t *signature, size_t n)
{
	size_t r = write_integer(to + 2, signature, n / 2);
	size_t s = write_integer(to + 2 + r, signature + n / 2, n / 2);
	to[0] = 0x30;
	to[1] = (uint8_t)(r + s);
	return 2 + r + s;
}

static bool verify_digest(const struct public_key *k, const uint8_t *data, size_t n,
                          const uint8_t *signature, size_t signature_bytes)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_bytes;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(k->verifier);
	bool is_good = ctx != NULL &&
	               EVP_Digest(data, n, digest, &digest_bytes, digest_of(k->kind), NULL) == 1 &&
	               EVP_PKEY_verify(ctx, signature, signature_bytes, digest, digest_bytes) == 1;
	EVP_PKEY_CTX_free(ctx);
	return is_good;
}

static bool verify_whole(const struct public_key *k, const uint8_t *data, size_t n,
                         const uint8_t *signature, size_t signature_bytes)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->key) == 1 &&
	               EVP_DigestVerify(ctx, signature, signature_bytes, data, n) == 1;
	EVP_MD_CTX_free(ctx);
	return is_good;
}

bool public_key_verify(const struct public_key *k, const uint8_t *data, size_t n,
                       const uint8_t *signature, size_t signature_bytes)
{
	uint8_t der[DER_MAX_BYTES];
	bool is_good = false;
	switch (k->kind->family) {
	case FAMILY_RSA:
		is_good = verify_digest(k, data, n, signature, signature_bytes);
		break;
	case FAMILY_ECDSA:
		is_good =
			verify_digest(k, data, n, der, write_der(der, signature, signature_bytes));
		break;
	case FAMILY_EDDSA:
		is_good = verify_whole(k, data, n, signature, signature_bytes);
		break;
	}
	if (!is_good)
		ERR_clear_error();
	return is_good;
}
