/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/addr.h"
#include "io/tls_session.h"

enum {
	PIN_TEXT_BYTES = 44, /* base64 of 32 bytes */
	CHAIN_MAX = 16,
	TICKET_MAX_BYTES = 32768,
	WARNINGS_MAX = 16,
};

struct tls_client {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	char *name;
	bool is_name_addr; /* RFC 6066 3: addresses are not sent as server name */
	char alpn[16];
	unsigned n_pins;
	struct tls_pin pins[TLS_MAX_PINS];
};

struct tls_ticket {
	size_t n;
	uint8_t bytes[];
};

/* ---- pins ---- */

int tls_pin_from_text(const char *text, size_t n, struct tls_pin *ret)
{
	const gnutls_datum_t in = { (unsigned char *)text, (unsigned)n };
	gnutls_datum_t out = { 0 };
	if (n != PIN_TEXT_BYTES || gnutls_base64_decode2(&in, &out) != 0)
		return -EINVAL;
	bool is_good = out.size == sizeof ret->sha256;
	if (is_good)
		memcpy(ret->sha256, out.data, sizeof ret->sha256);
	gnutls_free(out.data);
	return is_good ? 0 : -EINVAL;
}

static bool is_pinned(const struct tls_client *c, gnutls_x509_crt_t crt)
{
	uint8_t id[32];
	size_t n = sizeof id;
	if (gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, id, &n) != 0 || n != sizeof id)
		return false;
	for (unsigned i = 0; i < c->n_pins; i++) {
		if (memcmp(c->pins[i].sha256, id, sizeof id) == 0)
			return true;
	}
	return false;
}

/* Do the certificates below chain[at] lead up to it? */
static bool leads_to(gnutls_x509_crt_t *chain, unsigned at)
{
	gnutls_x509_trust_list_t list = NULL;
	gnutls_x509_crt_t ca = NULL;
	unsigned status = GNUTLS_CERT_INVALID;
	gnutls_datum_t der = { 0 };
	/* The list takes the certificate: a copy. */
	if (gnutls_x509_crt_export2(chain[at], GNUTLS_X509_FMT_DER, &der) != 0)
		return false;
	int e = gnutls_x509_crt_init(&ca);
	if (e == 0)
		e = gnutls_x509_crt_import(ca, &der, GNUTLS_X509_FMT_DER);
	gnutls_free(der.data);
	if (e == 0)
		e = gnutls_x509_trust_list_init(&list, 0);
	if (e == 0 && gnutls_x509_trust_list_add_cas(list, &ca, 1, 0) == 1)
		ca = NULL;
	else
		e = e == 0 ? GNUTLS_E_INTERNAL_ERROR : e;
	if (e == 0)
		e = gnutls_x509_trust_list_verify_crt(list, chain, at, 0, &status, NULL);
	if (list != NULL)
		gnutls_x509_trust_list_deinit(list, 1);
	if (ca != NULL)
		gnutls_x509_crt_deinit(ca);
	return e == 0 && status == 0;
}

/*
 * RFC 7858 4.2: the pin may be of any certificate in the validated chain. The server's own needs
 * no validation: it has just proven to hold the key.
 */
static bool check_pins(const struct tls *t)
{
	unsigned n = 0;
	const gnutls_datum_t *der = gnutls_certificate_get_peers(t->session, &n);
	gnutls_x509_crt_t chain[CHAIN_MAX] = { 0 };
	bool is_good = false;
	unsigned k = 0;
	for (; der != NULL && k < n && k < CHAIN_MAX; k++) {
		if (gnutls_x509_crt_init(&chain[k]) != 0)
			break;
		if (gnutls_x509_crt_import(chain[k], &der[k], GNUTLS_X509_FMT_DER) != 0) {
			gnutls_x509_crt_deinit(chain[k]);
			break;
		}
		if (is_pinned(t->client, chain[k]) && (k == 0 || leads_to(chain, k)))
			is_good = true;
	}
	while (k > 0)
		gnutls_x509_crt_deinit(chain[--k]);
	return is_good;
}

/* ---- who is it? ---- */

static const char *status_text(unsigned status)
{
	static const struct {
		unsigned flag;
		const char *text;
	} texts[] = {
		{ GNUTLS_CERT_EXPIRED, "its certificate has expired" },
		{ GNUTLS_CERT_NOT_ACTIVATED, "its certificate is not valid yet" },
		{ GNUTLS_CERT_REVOKED, "its certificate is revoked" },
		{ GNUTLS_CERT_SIGNER_NOT_FOUND, "its certificate is of no known authority" },
		{ GNUTLS_CERT_UNEXPECTED_OWNER, "its certificate is for another name" },
		{ GNUTLS_CERT_INSECURE_ALGORITHM, "its certificate rests on a weak algorithm" },
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if ((status & texts[i].flag) != 0)
			return texts[i].text;
	}
	return "its certificate cannot be verified";
}

/* GnuTLS calls it when the certificates are in; not 0 ends the handshake. */
static int verify(gnutls_session_t session)
{
	struct tls *t = gnutls_session_get_ptr(session);
	const struct tls_client *c = t->client;
	unsigned status = 0;
	if (c->name != NULL) {
		int e = gnutls_certificate_verify_peers3(session, c->name, &status);
		if (e < 0 || status != 0) {
			t->why = e < 0 ? "it shows no certificate" : status_text(status);
			return GNUTLS_E_CERTIFICATE_ERROR;
		}
	}
	if (c->n_pins > 0 && !check_pins(t)) {
		t->why = "its key is none of the pinned ones";
		return GNUTLS_E_CERTIFICATE_ERROR;
	}
	return 0;
}

/* ---- clients ---- */

static int load_authorities(struct tls_client *c, const char *ca_file, const char **ret_why)
{
	int n = ca_file != NULL ? gnutls_certificate_set_x509_trust_file(c->credentials, ca_file,
	                                                                 GNUTLS_X509_FMT_PEM)
	                        : gnutls_certificate_set_x509_system_trust(c->credentials);
	if (n > 0)
		return 0;
	*ret_why = ca_file != NULL ? "no certificates in PEM form in the CA file"
	                           : "this machine has no CA certificates";
	return -EINVAL;
}

int tls_client_new(const struct tls_client_plan *plan, struct tls_client **ret,
                   const char **ret_why)
{
	struct tls_client *c = calloc(1, sizeof *c);
	struct addr addr;
	if (c == NULL)
		return -ENOMEM;
	int e = gnutls_certificate_allocate_credentials(&c->credentials) == 0 &&
	                        gnutls_priority_init(&c->priority,
	                                             "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
	                                             NULL) == 0
	                ? 0
	                : -ENOMEM;
	if (e == 0 && plan->n_pins > TLS_MAX_PINS) {
		*ret_why = "too many pins";
		e = -EINVAL;
	}
	if (e == 0 && plan->name != NULL) {
		c->name = strdup(plan->name);
		c->is_name_addr = addr_from_text(plan->name, strlen(plan->name), &addr) == 0;
		e = c->name == NULL ? -ENOMEM : load_authorities(c, plan->ca_file, ret_why);
	}
	if (e == 0 && plan->certificate_file != NULL &&
	    gnutls_certificate_set_x509_key_file(c->credentials, plan->certificate_file,
	                                         plan->key_file, GNUTLS_X509_FMT_PEM) < 0) {
		*ret_why = "its own certificate and key cannot be used";
		e = -EINVAL;
	}
	if (e != 0) {
		tls_client_free(c);
		return e;
	}
	gnutls_certificate_set_verify_function(c->credentials, verify);
	c->n_pins = plan->n_pins;
	if (plan->n_pins > 0)
		memcpy(c->pins, plan->pins, plan->n_pins * sizeof c->pins[0]);
	if (plan->alpn != NULL) {
		must(strlen(plan->alpn) < sizeof c->alpn);
		memcpy(c->alpn, plan->alpn, strlen(plan->alpn));
	}
	*ret = c;
	return 0;
}

void tls_client_free(struct tls_client *c)
{
	if (c == NULL)
		return;
	if (c->credentials != NULL)
		gnutls_certificate_free_credentials(c->credentials);
	if (c->priority != NULL)
		gnutls_priority_deinit(c->priority);
	free(c->name);
	free(c);
}

bool tls_client_is_strict(const struct tls_client *c)
{
	return c->name != NULL || c->n_pins > 0;
}

/* ---- sessions ---- */

int tls_open(const struct tls_client *c, int fd, const struct tls_ticket *ticket, struct tls **ret)
{
	struct tls *t = calloc(1, sizeof *t);
	if (t == NULL)
		return -ENOMEM;
	t->client = c;
	/* The server's close is told by its alert or the socket, never by a signal. */
	if (gnutls_init(&t->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) != 0) {
		free(t);
		return -ENOMEM;
	}
	gnutls_session_set_ptr(t->session, t);
	int e = gnutls_priority_set(t->session, c->priority);
	if (e == 0)
		e = gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, c->credentials);
	if (e == 0 && c->name != NULL && !c->is_name_addr)
		e = gnutls_server_name_set(t->session, GNUTLS_NAME_DNS, c->name, strlen(c->name));
	if (e == 0 && c->alpn[0] != 0) {
		const gnutls_datum_t alpn = { (unsigned char *)c->alpn, (unsigned)strlen(c->alpn) };
		/* Not mandatory: servers older than the name "dot" do not pick any. */
		e = gnutls_alpn_set_protocols(t->session, &alpn, 1, 0);
	}
	/* One that cannot be used any more only costs a full handshake. */
	if (e == 0 && ticket != NULL)
		gnutls_session_set_data(t->session, ticket->bytes, ticket->n);
	if (e != 0) {
		gnutls_deinit(t->session);
		free(t);
		return -ENOMEM;
	}
	gnutls_handshake_set_timeout(t->session, GNUTLS_INDEFINITE_TIMEOUT); /* the caller's */
	gnutls_transport_set_int(t->session, fd);
	*ret = t;
	return 0;
}

void tls_close(struct tls *t)
{
	if (t == NULL)
		return;
	if (t->is_open)
		gnutls_bye(t->session, GNUTLS_SHUT_WR);
	gnutls_deinit(t->session);
	free(t);
}

/* In TLS 1.3 a server looks at our certificate when the handshake is over for us. */
static const char *alert_why(const struct tls *t)
{
	switch (gnutls_alert_get(t->session)) {
	case GNUTLS_A_CERTIFICATE_REQUIRED:
		return "it wants to be shown a certificate";
	case GNUTLS_A_BAD_CERTIFICATE:
	case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
	case GNUTLS_A_CERTIFICATE_REVOKED:
	case GNUTLS_A_CERTIFICATE_EXPIRED:
	case GNUTLS_A_CERTIFICATE_UNKNOWN:
	case GNUTLS_A_UNKNOWN_CA:
	case GNUTLS_A_ACCESS_DENIED:
		return "it does not take the certificate that it was shown";
	default:
		return t->is_open ? "it ended the TLS session with an error"
		                  : "it refuses the TLS handshake";
	}
}

static const char *handshake_why(const struct tls *t, int e)
{
	if (e == GNUTLS_E_FATAL_ALERT_RECEIVED)
		return alert_why(t);
	if (e == GNUTLS_E_PREMATURE_TERMINATION || e == GNUTLS_E_PULL_ERROR ||
	    e == GNUTLS_E_PUSH_ERROR)
		return "it broke off the TLS handshake";
	if (e == GNUTLS_E_UNSUPPORTED_VERSION_PACKET || e == GNUTLS_E_NO_CIPHER_SUITES ||
	    e == GNUTLS_E_INSUFFICIENT_SECURITY)
		return "no common TLS version or cipher";
	return "it does not speak TLS";
}

int tls_handshake(struct tls *t)
{
	int e = GNUTLS_E_AGAIN;
	/* What is not fatal is a warning or an interruption: go on, but not for ever. */
	for (unsigned i = 0; i < WARNINGS_MAX; i++) {
		e = gnutls_handshake(t->session);
		if (e == GNUTLS_E_SUCCESS) {
			t->is_open = true;
			return 0;
		}
		if (e == GNUTLS_E_AGAIN)
			return -EAGAIN;
		if (gnutls_error_is_fatal(e) != 0)
			break;
	}
	if (t->why != NULL) { /* it shall know, if that can be told at once */
		gnutls_alert_send(t->session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
		return -EKEYREJECTED;
	}
	t->why = handshake_why(t, e);
	return -EPROTO;
}

static ssize_t errno_of(struct tls *t, ssize_t e)
{
	switch (e) {
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
		t->why = alert_why(t);
		return -EPROTO;
	case GNUTLS_E_AGAIN:
	case GNUTLS_E_INTERRUPTED:
		return -EAGAIN;
	case GNUTLS_E_PREMATURE_TERMINATION: /* no close_notify: messages have their own length */
	case GNUTLS_E_PULL_ERROR:
	case GNUTLS_E_PUSH_ERROR:
		return -ECONNRESET;
	case GNUTLS_E_MEMORY_ERROR:
		return -ENOMEM;
	default:
		/* A renegotiation too: nobody needs one here. */
		return -EPROTO;
	}
}

ssize_t tls_read(struct tls *t, void *ret, size_t n)
{
	ssize_t k = gnutls_record_recv(t->session, ret, n);
	return k >= 0 ? k : errno_of(t, k);
}

ssize_t tls_write(struct tls *t, const void *bytes, size_t n)
{
	ssize_t k = gnutls_record_send(t->session, bytes, n);
	return k >= 0 ? k : errno_of(t, k);
}

bool tls_has_more(const struct tls *t)
{
	return gnutls_record_check_pending(t->session) > 0;
}

uint32_t tls_wants(const struct tls *t)
{
	return gnutls_record_get_direction(t->session) == 0 ? EPOLLIN : EPOLLOUT;
}

const char *tls_why(const struct tls *t)
{
	return t->why;
}

bool tls_is_resumed(const struct tls *t)
{
	return gnutls_session_is_resumed(t->session) != 0;
}

/* ---- tickets ---- */

struct tls_ticket *tls_ticket_take(struct tls *t)
{
	gnutls_datum_t data = { 0 };
	bool is_13 = gnutls_protocol_get_version(t->session) == GNUTLS_TLS1_3;
	/* Without this look GnuTLS would wait for a ticket. */
	if (is_13 && (gnutls_session_get_flags(t->session) & GNUTLS_SFLAGS_SESSION_TICKET) == 0)
		return NULL;
	if (gnutls_session_get_data2(t->session, &data) != 0)
		return NULL;
	struct tls_ticket *k = NULL;
	if (data.size > 0 && data.size <= TICKET_MAX_BYTES)
		k = malloc(sizeof *k + data.size);
	if (k != NULL) {
		k->n = data.size;
		memcpy(k->bytes, data.data, data.size);
	}
	gnutls_memset(data.data, 0, data.size);
	gnutls_free(data.data);
	return k;
}

void tls_ticket_free(struct tls_ticket *k)
{
	if (k == NULL)
		return;
	gnutls_memset(k->bytes, 0, k->n);
	free(k);
}
