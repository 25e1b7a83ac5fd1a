/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/zone_digest.h"

#include <string.h>

#include <openssl/evp.h>

enum {
	TYPE_ZONEMD = 63,
	SCHEME_SIMPLE = 1,
	HASH_SHA384 = 1,
	HASH_SHA512 = 2,
	ZONEMD_FIXED = 6, /* serial, scheme, hash */
	ZONEMD_MAX = 16,
};

int zone_record_compare(const struct zone_record *a, const struct zone_record *b)
{
	int order = a->owner == b->owner ? 0 : name_compare(a->owner, b->owner);
	if (order != 0)
		return order;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	size_t n = a->rdata_len < b->rdata_len ? a->rdata_len : b->rdata_len;
	order = memcmp(a->rdata, b->rdata, n);
	if (order != 0)
		return order;
	return (int)a->rdata_len - (int)b->rdata_len;
}

/* RFC 8976 3.3.1: all but the digests themselves and their signatures. */
static bool is_covered(const uint8_t *apex, const struct zone_record *r)
{
	bool is_zonemd = r->type == TYPE_ZONEMD || (r->type == DNS_RRSIG && r->rdata_len > 2 &&
	                                            load16(r->rdata) == TYPE_ZONEMD);
	return !is_zonemd || !name_equal(r->owner, apex);
}

static bool hash_zone(const uint8_t *apex, const struct zone_record *records, unsigned n,
                      const EVP_MD *kind, uint8_t *ret)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool is_good = md != NULL && EVP_DigestInit_ex(md, kind, NULL) == 1;
	for (unsigned i = 0; is_good && i < n; i++) {
		const struct zone_record *r = &records[i];
		uint8_t fixed[10];
		if (!is_covered(apex, r))
			continue;
		store16(fixed, r->type);
		store16(fixed + 2, DNS_CLASS_IN);
		store32(fixed + 4, r->ttl_s);
		store16(fixed + 8, r->rdata_len);
		is_good = EVP_DigestUpdate(md, r->owner, name_len(r->owner)) == 1 &&
		          EVP_DigestUpdate(md, fixed, sizeof fixed) == 1 &&
		          EVP_DigestUpdate(md, r->rdata, r->rdata_len) == 1;
	}
	is_good = is_good && EVP_DigestFinal_ex(md, ret, NULL) == 1;
	EVP_MD_CTX_free(md);
	return is_good;
}

/* RFC 8976 4: one that is right is enough. */
enum zone_digest zone_digest_check(const uint8_t *apex, const struct zone_record *records,
                                   unsigned n, uint32_t serial)
{
	enum zone_digest result = ZONE_DIGEST_NONE;
	unsigned n_seen = 0;
	for (unsigned i = 0; i < n && n_seen < ZONEMD_MAX; i++) {
		const struct zone_record *r = &records[i];
		if (r->type != TYPE_ZONEMD || !name_equal(r->owner, apex))
			continue;
		n_seen++;
		if (r->rdata_len < ZONEMD_FIXED || r->rdata[4] != SCHEME_SIMPLE)
			continue;
		const EVP_MD *kind = r->rdata[5] == HASH_SHA384   ? EVP_sha384()
		                     : r->rdata[5] == HASH_SHA512 ? EVP_sha512()
		                                                  : NULL;
		uint8_t digest[EVP_MAX_MD_SIZE];
		if (kind == NULL)
			continue;
		result = ZONE_DIGEST_WRONG;
		if (load32(r->rdata) == serial &&
		    r->rdata_len == ZONEMD_FIXED + EVP_MD_get_size(kind) &&
		    hash_zone(apex, records, n, kind, digest) &&
		    memcmp(digest, r->rdata + ZONEMD_FIXED, (size_t)EVP_MD_get_size(kind)) == 0)
			return ZONE_DIGEST_RIGHT;
	}
	return result;
}
