/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys and certificates for tests, made afresh in each run. */
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>

#include "io/tls.h"

struct certificate {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
};

struct certificate_plan {
	const char *name;                 /* subject, and DNS name or address in subjectAltName */
	const struct certificate *issuer; /* NULL: itself */
	bool is_ca;
	int from_days, to_days; /* from now */
};

void certificate_make(const struct certificate_plan *plan, struct certificate *ret);
void certificate_done(struct certificate *c);
/* For a server: its own, and that of the issuer if there is one. */
gnutls_certificate_credentials_t certificate_credentials(const struct certificate *c,
                                                         const struct certificate *issuer);
/* Into a new file whose name replaces the XXXXXX in path. */
void certificate_write(const struct certificate *c, char *path);
struct tls_pin certificate_pin(const struct certificate *c);
