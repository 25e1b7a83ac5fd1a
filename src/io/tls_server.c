/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/tls_server.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/tls_session.h"

struct tls_server {
	_Atomic unsigned n_references;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	bool asks_clients;
	char alpn[16];
};

/* GnuTLS calls it when the client's certificates are in, or when it has none. */
static int verify_client(gnutls_session_t session)
{
	struct tls *t = gnutls_session_get_ptr(session);
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		                          .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT };
	unsigned status = 0, n = 0;
	if (gnutls_certificate_get_peers(session, &n) == NULL || n == 0)
		return 0;
	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) == 0 && status == 0)
		return 0;
	t->why = (status & GNUTLS_CERT_EXPIRED) != 0 ? "its certificate has expired"
	         : (status & GNUTLS_CERT_SIGNER_NOT_FOUND) != 0
	                 ? "its certificate is of no known authority"
	                 : "its certificate cannot be verified";
	return GNUTLS_E_CERTIFICATE_ERROR;
}

static int load_files(struct tls_server *s, const struct tls_server_plan *plan, char *ret_why)
{
	int e = gnutls_certificate_set_x509_key_file(s->credentials, plan->certificate_file,
	                                             plan->key_file, GNUTLS_X509_FMT_PEM);
	if (e == GNUTLS_E_MEMORY_ERROR)
		return -ENOMEM;
	if (e < 0) {
		snprintf(ret_why, TLS_WHY_MAX, "%s: %s",
		         e == GNUTLS_E_CERTIFICATE_KEY_MISMATCH
		                 ? "the key is not that of the certificate"
		                 : "the certificate and its key cannot be used",
		         gnutls_strerror(e));
		return -EINVAL;
	}
	if (plan->client_ca_file == NULL)
		return 0;
	e = gnutls_certificate_set_x509_trust_file(s->credentials, plan->client_ca_file,
	                                           GNUTLS_X509_FMT_PEM);
	if (e == GNUTLS_E_MEMORY_ERROR)
		return -ENOMEM;
	if (e <= 0) {
		snprintf(ret_why, TLS_WHY_MAX,
		         "no certificates in PEM form in the file of the clients' authorities");
		return -EINVAL;
	}
	gnutls_certificate_set_verify_function(s->credentials, verify_client);
	s->asks_clients = true;
	return 0;
}

static void free_server(struct tls_server *s)
{
	if (s->credentials != NULL)
		gnutls_certificate_free_credentials(s->credentials);
	if (s->priority != NULL)
		gnutls_priority_deinit(s->priority);
	free(s);
}

int tls_server_new(const struct tls_server_plan *plan, struct tls_server **ret,
                   char ret_why[static TLS_WHY_MAX])
{
	struct tls_server *s = calloc(1, sizeof *s);
	ret_why[0] = 0;
	if (s == NULL)
		return -ENOMEM;
	must(strlen(plan->alpn) < sizeof s->alpn);
	memcpy(s->alpn, plan->alpn, strlen(plan->alpn));
	atomic_init(&s->n_references, 1);
	int e = gnutls_certificate_allocate_credentials(&s->credentials) == 0 &&
	                        gnutls_priority_init(&s->priority,
	                                             "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
	                                             NULL) == 0
	                ? load_files(s, plan, ret_why)
	                : -ENOMEM;
	if (e != 0) {
		free_server(s);
		return e;
	}
	*ret = s;
	return 0;
}

struct tls_server *tls_server_get(struct tls_server *s)
{
	if (s != NULL)
		atomic_fetch_add_explicit(&s->n_references, 1, memory_order_relaxed);
	return s;
}

void tls_server_put(struct tls_server *s)
{
	if (s != NULL && atomic_fetch_sub_explicit(&s->n_references, 1, memory_order_acq_rel) == 1)
		free_server(s);
}

int tls_accept(struct tls_server *s, int fd, struct tls **ret)
{
	const gnutls_datum_t alpn = { (unsigned char *)s->alpn, (unsigned)strlen(s->alpn) };
	struct tls *t = calloc(1, sizeof *t);
	if (t == NULL)
		return -ENOMEM;
	if (gnutls_init(&t->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) != 0) {
		free(t);
		return -ENOMEM;
	}
	t->server = s;
	gnutls_session_set_ptr(t->session, t);
	if (gnutls_priority_set(t->session, s->priority) != 0 ||
	    gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, s->credentials) != 0 ||
	    gnutls_alpn_set_protocols(t->session, &alpn, 1, GNUTLS_ALPN_MANDATORY) != 0) {
		gnutls_deinit(t->session);
		free(t);
		return -ENOMEM;
	}
	gnutls_certificate_server_set_request(t->session, s->asks_clients ? GNUTLS_CERT_REQUEST
	                                                                  : GNUTLS_CERT_IGNORE);
	gnutls_handshake_set_timeout(t->session, GNUTLS_INDEFINITE_TIMEOUT); /* the caller's */
	gnutls_transport_set_int(t->session, fd);
	*ret = t;
	return 0;
}

bool tls_is_agreed(const struct tls *t)
{
	gnutls_datum_t chosen = { 0 };
	return gnutls_alpn_get_selected_protocol(t->session, &chosen) == 0 &&
	       chosen.size == strlen(t->server->alpn) &&
	       memcmp(chosen.data, t->server->alpn, chosen.size) == 0;
}

bool tls_peer_is(const struct tls *t, const char *name)
{
	gnutls_x509_crt_t crt;
	unsigned n = 0;
	bool is_it = false;
	const gnutls_datum_t *der = gnutls_certificate_get_peers(t->session, &n);
	/* What was not verified did not come through the handshake. */
	if (!t->server->asks_clients || der == NULL || n == 0 || gnutls_x509_crt_init(&crt) != 0)
		return false;
	if (gnutls_x509_crt_import(crt, &der[0], GNUTLS_X509_FMT_DER) == 0)
		is_it = gnutls_x509_crt_check_hostname2(crt, name,
		                                        GNUTLS_VERIFY_DO_NOT_ALLOW_WILDCARDS) != 0;
	gnutls_x509_crt_deinit(crt);
	return is_it;
}
