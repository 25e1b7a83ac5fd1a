/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/signature.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

enum {
	ALGORITHM_BYTES = 2,
	SIGNATURE_BYTES = 64,
	SEALED_BYTES = ALGORITHM_BYTES + SIGNATURE_ID_BYTES + SIGNATURE_BYTES,
	KEY_FILE_BYTES = ALGORITHM_BYTES + SIGNATURE_ID_BYTES + SIGNATURE_KEY_BYTES,
	COMMENT_MAX = 8192,
	HEX = 64,
};

struct line {
	const char *p;
	size_t n;
};

static bool next_line(const char **at, const char *end, struct line *ret)
{
	if (*at >= end)
		return false;
	const char *lf = memchr(*at, '\n', (size_t)(end - *at));
	const char *stop = lf != NULL ? lf : end;
	*ret = (struct line){ *at, (size_t)(stop - *at) };
	*at = lf != NULL ? lf + 1 : end;
	while (ret->n > 0 && (ret->p[ret->n - 1] == '\r' || ret->p[ret->n - 1] == ' '))
		ret->n--;
	return true;
}

/* Exactly `want` bytes of base64 with its padding. */
static bool decode(const char *text, size_t n, uint8_t *ret, size_t want)
{
	uint8_t out[3 * ((SEALED_BYTES + 2) / 3) + 3];
	if (n % 4 != 0 || n / 4 * 3 > sizeof out || n == 0)
		return false;
	size_t padding = text[n - 1] == '=' ? text[n - 2] == '=' ? 2 : 1 : 0;
	for (size_t i = 0; i < n - padding; i++) {
		if (!isalnum((unsigned char)text[i]) && text[i] != '+' && text[i] != '/')
			return false;
	}
	if (n / 4 * 3 - padding != want ||
	    EVP_DecodeBlock(out, (const unsigned char *)text, (int)n) < 0)
		return false;
	memcpy(ret, out, want);
	return true;
}

int signature_key_parse(const char *text, struct signature_key *ret)
{
	uint8_t bytes[KEY_FILE_BYTES];
	if (!decode(text, strlen(text), bytes, sizeof bytes) || memcmp(bytes, "Ed", 2) != 0)
		return -EINVAL;
	memcpy(ret->id, bytes + ALGORITHM_BYTES, sizeof ret->id);
	memcpy(ret->key, bytes + ALGORITHM_BYTES + SIGNATURE_ID_BYTES, sizeof ret->key);
	return 0;
}

static bool verify(const struct signature_key *key, const uint8_t *signature, const uint8_t *bytes,
                   size_t n)
{
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->key, sizeof key->key);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_good = pkey != NULL && ctx != NULL &&
	               EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	               EVP_DigestVerify(ctx, signature, SIGNATURE_BYTES, bytes, n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return is_good;
}

static bool starts(const struct line *l, const char *with)
{
	size_t n = strlen(with);
	return l->n >= n && memcmp(l->p, with, n) == 0;
}

/* minisign signs its signature and the trusted comment once more. */
static bool verify_comment(const struct signature_key *key, const uint8_t *signature,
                           const struct line *comment, const struct line *seal)
{
	static const char head[] = "trusted comment: ";
	uint8_t text[SIGNATURE_BYTES + COMMENT_MAX], global[SIGNATURE_BYTES];
	size_t n = comment->n - (sizeof head - 1);
	if (n > COMMENT_MAX || !decode(seal->p, seal->n, global, sizeof global))
		return false;
	memcpy(text, signature, SIGNATURE_BYTES);
	memcpy(text + SIGNATURE_BYTES, comment->p + sizeof head - 1, n);
	return verify(key, global, text, SIGNATURE_BYTES + n);
}

const char *signature_check(const struct signature_key *key, const char *text, size_t n,
                            const uint8_t *bytes, size_t n_bytes)
{
	const char *at = text, *end = text + n;
	struct line untrusted, sealed, comment, seal;
	uint8_t s[SEALED_BYTES], digest[EVP_MAX_MD_SIZE];
	unsigned n_digest = 0;
	if (!next_line(&at, end, &untrusted) || !starts(&untrusted, "untrusted comment:") ||
	    !next_line(&at, end, &sealed) || !decode(sealed.p, sealed.n, s, sizeof s))
		return "is no file of minisign or signify";
	bool is_hashed = memcmp(s, "ED", 2) == 0;
	if (!is_hashed && memcmp(s, "Ed", 2) != 0)
		return "is of an algorithm that is not known";
	if (memcmp(s + ALGORITHM_BYTES, key->id, sizeof key->id) != 0)
		return "was made by another key";
	const uint8_t *signature = s + ALGORITHM_BYTES + SIGNATURE_ID_BYTES;
	if (is_hashed) {
		if (EVP_Digest(bytes, n_bytes, digest, &n_digest, EVP_blake2b512(), NULL) != 1)
			return "cannot be checked: no BLAKE2b";
		bytes = digest;
		n_bytes = n_digest;
	}
	if (!verify(key, signature, bytes, n_bytes))
		return "is not of this file";
	bool has_comment = next_line(&at, end, &comment) && starts(&comment, "trusted comment: ");
	if (is_hashed && !has_comment)
		return "lacks its trusted comment";
	if (has_comment &&
	    (!next_line(&at, end, &seal) || !verify_comment(key, signature, &comment, &seal)))
		return "has a trusted comment that was changed";
	return NULL;
}

/* ---- checksums ---- */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool take_hex(const char *p, size_t n, char ret[HEX + 1])
{
	if (n < HEX || (n > HEX && is_hex(p[HEX])))
		return false;
	for (size_t i = 0; i < HEX; i++) {
		if (!is_hex(p[i]))
			return false;
		ret[i] = (char)(p[i] >= 'A' && p[i] <= 'F' ? p[i] - 'A' + 'a' : p[i]);
	}
	ret[HEX] = 0;
	return true;
}

static bool is_name(const char *p, size_t n, const char *name)
{
	for (const char *slash; (slash = memchr(p, '/', n)) != NULL;) {
		n -= (size_t)(slash + 1 - p);
		p = slash + 1;
	}
	return strlen(name) == n && memcmp(p, name, n) == 0;
}

/* "HEX  NAME", "HEX *NAME", "HEX"; "SHA256 (NAME) = HEX". */
static bool take_sum(const struct line *l, const char *name, char ret[HEX + 1], bool *is_bare)
{
	static const char bsd[] = "SHA256 (";
	*is_bare = false;
	if (starts(l, bsd)) {
		const char *close = memchr(l->p, ')', l->n);
		const char *start = l->p + sizeof bsd - 1;
		size_t behind = close != NULL ? (size_t)(l->p + l->n - close) : 0;
		return behind > 4 && memcmp(close, ") = ", 4) == 0 &&
		       is_name(start, (size_t)(close - start), name) &&
		       take_hex(close + 4, behind - 4, ret);
	}
	if (!take_hex(l->p, l->n, ret))
		return false;
	*is_bare = l->n == HEX;
	return *is_bare || (l->n > HEX + 2 && l->p[HEX] == ' ' &&
	                    (l->p[HEX + 1] == ' ' || l->p[HEX + 1] == '*') &&
	                    is_name(l->p + HEX + 2, l->n - HEX - 2, name));
}

int signature_find_sum(const char *text, size_t n, const char *name, char ret[65])
{
	const char *at = text, *end = text + n;
	struct line l;
	char sum[HEX + 1], bare[HEX + 1] = "";
	bool is_bare;
	unsigned n_lines = 0;
	while (next_line(&at, end, &l)) {
		if (l.n == 0 || l.p[0] == '#')
			continue;
		n_lines++;
		if (!take_sum(&l, name, sum, &is_bare))
			continue;
		if (!is_bare) {
			memcpy(ret, sum, sizeof sum);
			return 0;
		}
		memcpy(bare, sum, sizeof sum);
	}
	if (n_lines != 1 || bare[0] == 0)
		return -ENOENT;
	memcpy(ret, bare, sizeof bare);
	return 0;
}
