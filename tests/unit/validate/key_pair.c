/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "key_pair.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <libdnssec/crypto.h>
#include <libdnssec/sign.h>
#include <stdlib.h>
#include <string.h>

enum {
	ED25519 = 15,
	TTL_S = 3600,
};

static dnssec_key_t *new_key(const uint8_t *zone)
{
	gnutls_x509_privkey_t made;
	gnutls_datum_t pem;
	dnssec_key_t *key;
	must(gnutls_x509_privkey_init(&made) == 0);
	must(gnutls_x509_privkey_generate(made, GNUTLS_PK_EDDSA_ED25519,
	                                  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519), 0) == 0);
	must(gnutls_x509_privkey_export2_pkcs8(made, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
	                                       &pem) == 0);
	dnssec_binary_t data = { .size = pem.size, .data = pem.data };
	must(dnssec_key_new(&key) == 0);
	must(dnssec_key_set_dname(key, zone) == 0);
	must(dnssec_key_set_algorithm(key, ED25519) == 0);
	must(dnssec_key_set_flags(key, KEY_FLAGS) == 0);
	must(dnssec_key_load_pkcs8(key, &data) == 0);
	gnutls_free(pem.data);
	gnutls_x509_privkey_deinit(made);
	return key;
}

void key_ring_init(struct key_ring *r, const char *zone)
{
	memset(r, 0, sizeof *r);
	must(name_from_text(zone, strlen(zone), &r->zone) == 0);
	for (unsigned i = 0; i < RING_KEYS; i++)
		r->keys[i] = new_key(r->zone.wire);
}

void key_ring_done(struct key_ring *r)
{
	for (unsigned i = 0; i < RING_KEYS; i++)
		dnssec_key_free(r->keys[i]);
}

void key_ring_clear(struct key_ring *r)
{
	r->n_rrs = 0;
	r->used = 0;
}

static uint8_t *lay_down(struct key_ring *r, const uint8_t *data, size_t n)
{
	uint8_t *at = r->bytes + r->used;
	must(r->used + n <= sizeof r->bytes);
	memcpy(at, data, n);
	r->used += n;
	return at;
}

static struct answer_rr *add(struct key_ring *r, uint16_t type, const uint8_t *data, size_t n)
{
	must(r->n_rrs < RING_RRS);
	struct answer_rr *rr = &r->rrs[r->n_rrs++];
	*rr = (struct answer_rr){ .owner = r->zone.wire,
		                  .rdata = lay_down(r, data, n),
		                  .type = type,
		                  .rdata_len = (uint16_t)n,
		                  .ttl_s = TTL_S };
	return rr;
}

static dnssec_binary_t rdata_of(struct key_ring *r, unsigned i, uint16_t flags)
{
	dnssec_binary_t data = { 0 };
	must(dnssec_key_set_flags(r->keys[i], flags) == 0);
	must(dnssec_key_get_rdata(r->keys[i], &data) == 0);
	return data;
}

const struct answer_rr *key_ring_publish(struct key_ring *r, unsigned i, uint16_t flags)
{
	dnssec_binary_t data = rdata_of(r, i, flags);
	return add(r, DNS_DNSKEY, data.data, data.size);
}

static int by_data(const void *a, const void *b)
{
	const struct answer_rr *const *x = a, *const *y = b;
	must((*x)->rdata_len == (*y)->rdata_len);
	return memcmp((*x)->rdata, (*y)->rdata, (*x)->rdata_len);
}

static void sign_add(dnssec_sign_ctx_t *ctx, const uint8_t *data, size_t n)
{
	dnssec_binary_t b = { .size = n, .data = (uint8_t *)data };
	must(dnssec_sign_add(ctx, &b) == 0);
}

void key_ring_sign(struct key_ring *r, unsigned i, uint16_t flags, uint32_t ttl_s,
                   uint32_t begins_s, uint32_t expires_s)
{
	const struct answer_rr *sorted[RING_RRS];
	unsigned n = 0;
	for (unsigned k = 0; k < r->n_rrs; k++)
		if (r->rrs[k].type == DNS_DNSKEY)
			sorted[n++] = &r->rrs[k];
	qsort(sorted, n, sizeof sorted[0], by_data);
	rdata_of(r, i, flags);
	uint8_t data[18 + NAME_MAX_BYTES + 256] = { 0 };
	store16(data, DNS_DNSKEY);
	data[2] = ED25519;
	data[3] = (uint8_t)name_labels(r->zone.wire);
	store32(data + 4, ttl_s);
	store32(data + 8, expires_s);
	store32(data + 12, begins_s);
	store16(data + 16, dnssec_key_get_keytag(r->keys[i]));
	memcpy(data + 18, r->zone.wire, r->zone.len);
	size_t head = 18U + r->zone.len;
	dnssec_sign_ctx_t *ctx;
	dnssec_binary_t signature = { 0 };
	must(dnssec_sign_new(&ctx, r->keys[i]) == 0);
	sign_add(ctx, data, head);
	for (unsigned k = 0; k < n; k++) {
		uint8_t fixed[10];
		store16(fixed, DNS_DNSKEY);
		store16(fixed + 2, DNS_CLASS_IN);
		store32(fixed + 4, ttl_s);
		store16(fixed + 8, sorted[k]->rdata_len);
		sign_add(ctx, r->zone.wire, r->zone.len);
		sign_add(ctx, fixed, sizeof fixed);
		sign_add(ctx, sorted[k]->rdata, sorted[k]->rdata_len);
	}
	must(dnssec_sign_write(ctx, DNSSEC_SIGN_NORMAL, &signature) == 0);
	must(head + signature.size <= sizeof data);
	memcpy(data + head, signature.data, signature.size);
	add(r, DNS_RRSIG, data, head + signature.size);
	dnssec_binary_free(&signature);
	dnssec_sign_free(ctx);
}

struct answer_rr key_ring_ds(struct key_ring *r, unsigned i)
{
	dnssec_binary_t ds = { 0 };
	rdata_of(r, i, KEY_FLAGS);
	must(dnssec_key_create_ds(r->keys[i], DNSSEC_KEY_DIGEST_SHA256, &ds) == 0);
	struct answer_rr rr = { .owner = r->zone.wire,
		                .rdata = lay_down(r, ds.data, ds.size),
		                .type = DNS_DS,
		                .rdata_len = (uint16_t)ds.size,
		                .ttl_s = TTL_S };
	dnssec_binary_free(&ds);
	return rr;
}

int key_ring_tag(struct key_ring *r, unsigned i)
{
	rdata_of(r, i, KEY_FLAGS);
	return dnssec_key_get_keytag(r->keys[i]);
}
