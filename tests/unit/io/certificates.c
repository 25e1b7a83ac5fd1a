/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certificates.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	DAY_S = 86400
};

static uint8_t next_serial;

static void set_name(gnutls_x509_crt_t crt, const char *name)
{
	struct in_addr addr;
	must(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
	                                   (unsigned)strlen(name)) == 0);
	if (inet_pton(AF_INET, name, &addr) == 1)
		must(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, &addr,
		                                          sizeof addr, 0) == 0);
	else
		must(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
		                                          (unsigned)strlen(name), 0) == 0);
}

void certificate_make(const struct certificate_plan *plan, struct certificate *ret)
{
	time_t now = time(NULL);
	uint8_t id[20];
	size_t n = sizeof id;
	next_serial++;
	must(gnutls_x509_privkey_init(&ret->key) == 0);
	must(gnutls_x509_privkey_generate(ret->key, GNUTLS_PK_ECDSA,
	                                  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
	                                  0) == 0);
	must(gnutls_x509_crt_init(&ret->crt) == 0);
	must(gnutls_x509_crt_set_version(ret->crt, 3) == 0);
	must(gnutls_x509_crt_set_serial(ret->crt, &next_serial, 1) == 0);
	must(gnutls_x509_crt_set_activation_time(ret->crt, now + plan->from_days * DAY_S) == 0);
	must(gnutls_x509_crt_set_expiration_time(ret->crt, now + plan->to_days * DAY_S) == 0);
	must(gnutls_x509_crt_set_key(ret->crt, ret->key) == 0);
	must(gnutls_x509_crt_set_basic_constraints(ret->crt, plan->is_ca, -1) == 0);
	must(gnutls_x509_crt_set_key_usage(ret->crt, plan->is_ca
	                                                     ? GNUTLS_KEY_KEY_CERT_SIGN
	                                                     : GNUTLS_KEY_DIGITAL_SIGNATURE) == 0);
	must(gnutls_x509_crt_get_key_id(ret->crt, 0, id, &n) == 0);
	must(gnutls_x509_crt_set_subject_key_id(ret->crt, id, n) == 0);
	set_name(ret->crt, plan->name);
	const struct certificate *by = plan->issuer != NULL ? plan->issuer : ret;
	must(gnutls_x509_crt_sign2(ret->crt, by->crt, by->key, GNUTLS_DIG_SHA256, 0) == 0);
	/* Read again: chains are put in order by the names as they are on the wire. */
	gnutls_datum_t der;
	must(gnutls_x509_crt_export2(ret->crt, GNUTLS_X509_FMT_DER, &der) == 0);
	gnutls_x509_crt_deinit(ret->crt);
	must(gnutls_x509_crt_init(&ret->crt) == 0);
	must(gnutls_x509_crt_import(ret->crt, &der, GNUTLS_X509_FMT_DER) == 0);
	gnutls_free(der.data);
}

void certificate_done(struct certificate *c)
{
	gnutls_x509_crt_deinit(c->crt);
	gnutls_x509_privkey_deinit(c->key);
}

gnutls_certificate_credentials_t certificate_credentials(const struct certificate *c,
                                                         const struct certificate *issuer)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_x509_crt_t chain[2] = { c->crt, issuer != NULL ? issuer->crt : NULL };
	must(gnutls_certificate_allocate_credentials(&credentials) == 0);
	must(gnutls_certificate_set_x509_key(credentials, chain, issuer != NULL ? 2 : 1, c->key) >=
	     0);
	return credentials;
}

void certificate_write(const struct certificate *c, char *path)
{
	gnutls_datum_t pem;
	int fd = mkstemp(path);
	must(fd >= 0 && gnutls_x509_crt_export2(c->crt, GNUTLS_X509_FMT_PEM, &pem) == 0);
	must(write(fd, pem.data, pem.size) == (ssize_t)pem.size);
	close(fd);
	gnutls_free(pem.data);
}

struct tls_pin certificate_pin(const struct certificate *c)
{
	struct tls_pin pin;
	size_t n = sizeof pin.sha256;
	must(gnutls_x509_crt_get_key_id(c->crt, GNUTLS_KEYID_USE_SHA256, pin.sha256, &n) == 0);
	return pin;
}
