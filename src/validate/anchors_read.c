/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trust anchors in zone file form. */
#include "validate/anchors_read.h"

#include <errno.h>
#include <libdnssec/key.h>
#include <libdnssec/keytag.h>
#include <libzscanner/scanner.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "validate/signature.h"

enum {
	READ_RECORDS_MAX = 10000, /* good and bad ones */
};

/*
 * The root's key-signing keys, as in IANA's root-anchors.xml: KSK-2017, tag 20326, and
 * KSK-2024, tag 38696.
 */
const char anchors_built_in[] =
	". 172800 IN DNSKEY 257 3 8 "
	"AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN"
	"7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8"
	"efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLY"
	"A4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=\n"
	". 172800 IN DNSKEY 257 3 8 "
	"AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeH"
	"spaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAx"
	"m9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+"
	"u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc=\n";

int anchors_tag(uint16_t type, const uint8_t *rdata, size_t n)
{
	uint16_t tag;
	dnssec_binary_t data = { .size = n, .data = (uint8_t *)rdata };
	if (type == DNS_DS)
		return n >= 4 ? load16(rdata) : -1;
	return n > 4 && dnssec_keytag(&data, &tag) == 0 ? tag : -1;
}

static const char *ds_trouble(const uint8_t *rdata, size_t n)
{
	if (n < 5)
		return "a DS record that is too short";
	if (!algorithm_is_supported(rdata[2]))
		return "a DS record of an algorithm that is not supported";
	if (rdata[3] != DNSSEC_KEY_DIGEST_SHA256 && rdata[3] != DNSSEC_KEY_DIGEST_SHA384)
		return "a DS record of a digest type that is not supported (SHA-256: 2, SHA-384: 4)";
	if (n != 4U + (rdata[3] == DNSSEC_KEY_DIGEST_SHA256 ? DNSSEC_KEY_DIGEST_LEN_SHA256
	                                                    : DNSSEC_KEY_DIGEST_LEN_SHA384))
		return "a DS record whose digest has not the length that its type has";
	return NULL;
}

/* As verifying will take it (public_key.h). */
static bool key_is_usable(const uint8_t *rdata, size_t n)
{
	const uint8_t *bytes = rdata + DNSKEY_FIXED_BYTES;
	size_t n_bytes = n - DNSKEY_FIXED_BYTES;
	struct public_key *key = key_is_sound(rdata[3], bytes, n_bytes)
	                                 ? public_key_new(rdata[3], bytes, n_bytes)
	                                 : NULL;
	bool is_usable = key != NULL;
	public_key_free(key);
	return is_usable;
}

static const char *dnskey_trouble(const uint8_t *rdata, size_t n)
{
	if (n < 5)
		return "a DNSKEY record that is too short";
	if ((load16(rdata) & DNSKEY_ZONE) == 0)
		return "a DNSKEY record that is no zone key (flag 256)";
	if ((load16(rdata) & DNSKEY_REVOKE) != 0)
		return "a DNSKEY record that is revoked (flag 128)";
	if (rdata[2] != DNSKEY_PROTOCOL)
		return "a DNSKEY record whose protocol is not 3";
	if (!algorithm_is_supported(rdata[3]))
		return "a DNSKEY record of an algorithm that is not supported";
	if (!key_is_usable(rdata, n))
		return "a DNSKEY record whose key cannot be read";
	return NULL;
}

const char *anchors_record_trouble(uint16_t type, const uint8_t *rdata, size_t n)
{
	if (type != DNS_DS && type != DNS_DNSKEY)
		return "a record that is neither DS nor DNSKEY";
	return type == DNS_DS ? ds_trouble(rdata, n) : dnskey_trouble(rdata, n);
}

/* ---- reading ---- */

struct reader {
	int (*take)(void *arg, const struct anchors_line *line);
	void (*tell)(void *arg, unsigned line, const char *why);
	void *arg;
	zs_scanner_t scanner;
};

/* A record has come. 0, or what take() says. */
static int take_record(struct reader *r)
{
	zs_scanner_t *s = &r->scanner;
	uint8_t owner[NAME_MAX_BYTES];
	unsigned line = (unsigned)s->line_counter;
	const char *trouble = NULL;
	if (s->r_class != DNS_CLASS_IN)
		trouble = "a record of another class than IN";
	else if (name_check(s->r_owner, s->r_owner_length) == 0)
		trouble = "not a name";
	if (trouble != NULL) {
		r->tell(r->arg, line, trouble);
		return 0;
	}
	name_copy_lower(owner, s->r_owner);
	struct anchors_line l = {
		.number = line,
		.rr = { .owner = owner,
		        .rdata = s->r_data,
		        .type = s->r_type,
		        .rdata_len = (uint16_t)s->r_data_length,
		        .ttl_s = s->r_ttl },
		.comment = (const char *)s->buffer,
		.comment_len = s->buffer_length > 0 ? s->buffer_length - 1U : 0, /* a NUL */
	};
	return r->take(r->arg, &l);
}

static int read_all(struct reader *r)
{
	zs_scanner_t *s = &r->scanner;
	int e = 0;
	for (unsigned i = 0; i < READ_RECORDS_MAX && e == 0; i++) {
		if (zs_parse_record(s) != 0 && s->state != ZS_STATE_ERROR)
			s->error.fatal = true;
		if (s->state == ZS_STATE_DATA) {
			e = take_record(r);
		} else if (s->state == ZS_STATE_INCLUDE) {
			r->tell(r->arg, (unsigned)s->line_counter,
			        "$INCLUDE is not supported here");
			return 0;
		} else if (s->state == ZS_STATE_ERROR || s->error.fatal) {
			r->tell(r->arg, (unsigned)s->line_counter, zs_strerror(s->error.code));
			if (s->error.fatal)
				return 0;
		} else {
			return 0;
		}
	}
	if (e == 0)
		r->tell(r->arg, (unsigned)s->line_counter,
		        "too many records; the rest is left out");
	return e;
}

int anchors_scan(const char *text, size_t n,
                 int (*take)(void *arg, const struct anchors_line *line),
                 void (*tell)(void *arg, unsigned line, const char *why), void *arg)
{
	if (n == 0) /* the scanner takes no empty string */
		return 0;
	struct reader *r = calloc(1, sizeof *r); /* over 100 KiB: not on the stack */
	if (r == NULL)
		return -ENOMEM;
	r->take = take;
	r->tell = tell;
	r->arg = arg;
	int e = -ENOMEM;
	if (zs_init(&r->scanner, ".", DNS_CLASS_IN, ANCHORS_TTL_S) == 0) {
		if (zs_set_input_string(&r->scanner, text, n) == 0)
			e = read_all(r);
		zs_deinit(&r->scanner);
	}
	free(r);
	return e;
}

/* ---- the operator's file ---- */

struct collected {
	struct answer_rr rrs[ANCHOR_RRS_MAX];
	unsigned n, n_zones;
	size_t n_bytes;
	uint8_t bytes[ANCHORS_BYTES_MAX];
	void (*tell)(void *arg, unsigned line, const char *why);
	void *arg;
};

static void tell_collected(void *arg, unsigned line, const char *why)
{
	struct collected *c = arg;
	c->tell(c->arg, line, why);
}

static const char *place_trouble(struct collected *c, const struct answer_rr *rr)
{
	unsigned n_of_zone = 0;
	for (unsigned i = 0; i < c->n; i++) {
		const struct answer_rr *o = &c->rrs[i];
		if (!name_equal(o->owner, rr->owner))
			continue;
		n_of_zone++;
		if (o->type == rr->type && o->rdata_len == rr->rdata_len &&
		    memcmp(o->rdata, rr->rdata, rr->rdata_len) == 0)
			return "the same record a second time";
	}
	if (n_of_zone == ANCHOR_ZONE_RRS_MAX)
		return "one record more of this zone than 16: left out";
	if (n_of_zone == 0 && c->n_zones == ANCHOR_ZONES_MAX)
		return "one zone more than 64: left out";
	if (c->n == ANCHOR_RRS_MAX || c->n_bytes + NAME_MAX_BYTES + rr->rdata_len > sizeof c->bytes)
		return "more records than there is room for: left out";
	c->n_zones += n_of_zone == 0;
	return NULL;
}

static int collect(void *arg, const struct anchors_line *line)
{
	struct collected *c = arg;
	const struct answer_rr *rr = &line->rr;
	const char *trouble = anchors_record_trouble(rr->type, rr->rdata, rr->rdata_len);
	if (trouble == NULL)
		trouble = place_trouble(c, rr);
	if (trouble != NULL) {
		c->tell(c->arg, line->number, trouble);
		return 0;
	}
	struct answer_rr *to = &c->rrs[c->n++];
	size_t owner_len = name_len(rr->owner);
	uint8_t *at = c->bytes + c->n_bytes;
	*to = *rr;
	memcpy(at, rr->owner, owner_len);
	memcpy(at + owner_len, rr->rdata, rr->rdata_len);
	to->owner = at;
	to->rdata = at + owner_len;
	c->n_bytes += owner_len + rr->rdata_len;
	return 0;
}

/* One block: the records, then their bytes. */
static int give(const struct collected *c, struct answer_rr **ret_rrs, unsigned *ret_n)
{
	size_t head = c->n * sizeof *c->rrs;
	struct answer_rr *rrs = malloc(head + c->n_bytes);
	if (rrs == NULL)
		return -ENOMEM;
	uint8_t *bytes = (uint8_t *)rrs + head;
	memcpy(bytes, c->bytes, c->n_bytes);
	for (unsigned i = 0; i < c->n; i++) {
		rrs[i] = c->rrs[i];
		rrs[i].owner = bytes + (c->rrs[i].owner - c->bytes);
		rrs[i].rdata = bytes + (c->rrs[i].rdata - c->bytes);
	}
	*ret_rrs = rrs;
	*ret_n = c->n;
	return 0;
}

int anchors_read(const char *text, size_t n,
                 void (*tell)(void *arg, unsigned line, const char *why), void *arg,
                 struct answer_rr **ret_rrs, unsigned *ret_n)
{
	struct collected *c = calloc(1, sizeof *c);
	if (c == NULL)
		return -ENOMEM;
	c->tell = tell;
	c->arg = arg;
	int e = anchors_scan(text, n, collect, tell_collected, c);
	if (e == 0)
		e = c->n > 0 ? give(c, ret_rrs, ret_n) : -ENOENT;
	free(c);
	return e;
}
