/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/validate/signed_zone.h - signatures made in the test: keys, signed RRsets, NSEC3.
 *
 * What:      struct zone_key is a key pair; struct records a list of records as validate/ takes
 *            them, added as text ("www.example. 300 A 192.0.2.1") or as bytes, signed with
 *            chosen times, labels and signer; struct trusts a trust_source out of a table.
 *            Signing shares no code with src/validate/.
 * Threads:   one.
 * Memory:    what is added is copied into the struct records, 1 MiB; misuse fails the test.
 */
#pragma once

#include <libdnssec/key.h>

#include "validate/validate.h"

enum {
	T_BEGIN = 1700000000, /* default validity of what is signed */
	T_NOW = 1700500000,
	T_END = 1701000000,
	ZONE_KEY_BYTES = 1100,
	RECORDS_MAX = 4112,
	RECORDS_BYTES = 1 << 20,
	TRUSTS_MAX = 16,
};

struct zone_key {
	struct name zone;
	uint8_t algorithm;
	uint16_t flags, tag;
	dnssec_key_t *key; /* NULL: made up, cannot sign */
	uint16_t rdata_len;
	uint8_t rdata[ZONE_KEY_BYTES]; /* the DNSKEY record */
};

/* A new key pair. RSA keys are of rsa_bits (0: 1024, quick to make). */
void zone_key_make(struct zone_key *ret, const char *zone, uint8_t algorithm, uint16_t flags,
                   unsigned rsa_bits);
/* A DNSKEY with these bytes as its public key, which nobody can sign with. */
void zone_key_forge(struct zone_key *ret, const char *zone, uint8_t algorithm, uint16_t flags,
                    const uint8_t *public_key, size_t n);
/* An RSA key whose modulus is made up so that it has this tag. */
void zone_key_forge_tag(struct zone_key *ret, const char *zone, uint8_t algorithm, uint16_t tag,
                        unsigned bits);
void zone_key_done(struct zone_key *k);

struct records {
	unsigned n;
	size_t used;
	bool in_authority; /* of what is added from now on */
	struct answer_rr rrs[RECORDS_MAX];
	uint8_t bytes[RECORDS_BYTES];
};

void records_reset(struct records *r);
/* Lines of zone file text; names are absolute, TTLs stand in front of the type. */
void records_text(struct records *r, const char *lines);
void records_add(struct records *r, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
                 const uint8_t *rdata, size_t n);
void records_dnskey(struct records *r, const struct zone_key *k, uint32_t ttl_s);
void records_ds(struct records *r, const struct zone_key *k, uint8_t digest, uint32_t ttl_s);

/* How to sign; what is 0 or NULL is as it should be. */
struct signing {
	uint32_t begins_s, expires_s, original_ttl_s;
	const char *signer;
	int labels;        /* of the RRSIG; -1: those of the owner */
	uint8_t algorithm; /* of the RRSIG, whatever the key's */
	uint16_t tag;
	bool is_broken; /* with one bit of the signature wrong */
};
extern const struct signing as_usual;

/* Add an RRSIG over the RRset at records[at], or over every RRset from there to the end. */
void records_sign(struct records *r, unsigned at, const struct zone_key *k,
                  const struct signing *how);
void records_sign_from(struct records *r, unsigned first, const struct zone_key *k);
/* Text, each RRset of it signed. */
void records_signed(struct records *r, const struct zone_key *k, const char *lines);

/* The NSEC3 hash as text, libdnssec's own; and a record for `name` with its hash. */
struct nsec3_how {
	const char *zone;
	uint16_t iterations;
	uint8_t algorithm, flags; /* algorithm 0: SHA-1 */
	const char *salt;         /* hexadecimal or "-"; NULL: "-" */
};
enum nsec3_span {
	NSEC3_AT,     /* lies at the name */
	NSEC3_AROUND, /* covers the name's hash and little else */
};
/* Not signed yet; `types` as text, "" for none. */
void records_nsec3(struct records *r, const struct nsec3_how *how, const char *name,
                   enum nsec3_span span, const char *types);

/* A zone's trust out of its keys: SECURE, or the test fails. */
struct trust *trust_of(struct validator *v, const struct zone_key *const *keys, unsigned n_keys);

struct trusts {
	struct trust_source source;
	unsigned n, n_waits;
	struct trust *of[TRUSTS_MAX];
};
void trusts_init(struct trusts *t);
void trusts_add(struct trusts *t, struct trust *taken);
void trusts_add_state(struct trusts *t, const char *zone, enum trust_state state, uint8_t ede_code);
void trusts_done(struct trusts *t);

struct name name_of(const char *text);
