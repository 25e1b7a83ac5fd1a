/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is believed, against a GnuTLS server at the other end of a socket pair. */
#include "io/tls.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "certificates.h"

enum {
	STEPS = 50
};

static struct certificate ca, other_ca, good, elsewhere, expired, early, addressed, self_signed;
static struct certificate between, below;
static char ca_file[64];
static gnutls_datum_t ticket_key;

static int set_up_all(void **state)
{
	(void)state;
	const struct certificate_plan ca_plan = { "Test CA", NULL, true, -10, 10 };
	const struct certificate_plan other_plan = { "Other CA", NULL, true, -10, 10 };
	const struct certificate_plan good_plan = { "dns.example", &ca, false, -1, 1 };
	const struct certificate_plan elsewhere_plan = { "dns.example", &other_ca, false, -1, 1 };
	const struct certificate_plan expired_plan = { "dns.example", &ca, false, -5, -1 };
	const struct certificate_plan early_plan = { "dns.example", &ca, false, 1, 5 };
	const struct certificate_plan addressed_plan = { "192.0.2.53", &ca, false, -1, 1 };
	const struct certificate_plan self_plan = { "dns.example", NULL, false, -5, -1 };
	certificate_make(&ca_plan, &ca);
	certificate_make(&other_plan, &other_ca);
	certificate_make(&good_plan, &good);
	certificate_make(&elsewhere_plan, &elsewhere);
	certificate_make(&expired_plan, &expired);
	certificate_make(&early_plan, &early);
	certificate_make(&addressed_plan, &addressed);
	certificate_make(&self_plan, &self_signed);
	const struct certificate_plan between_plan = { "Between", &ca, true, -1, 1 };
	const struct certificate_plan below_plan = { "dns.example", &between, false, -1, 1 };
	certificate_make(&between_plan, &between);
	certificate_make(&below_plan, &below);
	snprintf(ca_file, sizeof ca_file, "/tmp/tls_test_XXXXXX");
	certificate_write(&ca, ca_file);
	assert_int_equal(gnutls_session_ticket_key_generate(&ticket_key), 0);
	return 0;
}

static int tear_down_all(void **state)
{
	(void)state;
	struct certificate *all[] = { &ca,    &other_ca,  &good,        &elsewhere, &expired,
		                      &early, &addressed, &self_signed, &between,   &below };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		certificate_done(all[i]);
	gnutls_free(ticket_key.data);
	unlink(ca_file);
	return 0;
}

/* ---- both ends ---- */

struct ends {
	int fds[2]; /* client, server */
	struct tls *client;
	gnutls_session_t server;
	gnutls_certificate_credentials_t credentials;
};

static void ends_open(struct ends *e, const struct tls_client *c, const struct tls_ticket *ticket,
                      const struct certificate *shown, const struct certificate *issuer,
                      const char *priority)
{
	const gnutls_datum_t alpn = { (unsigned char *)"dot", 3 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, e->fds), 0);
	assert_int_equal(tls_open(c, e->fds[0], ticket, &e->client), 0);
	e->credentials = certificate_credentials(shown, issuer);
	must(gnutls_init(&e->server, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) == 0);
	must(gnutls_priority_set_direct(e->server, priority, NULL) == 0);
	must(gnutls_credentials_set(e->server, GNUTLS_CRD_CERTIFICATE, e->credentials) == 0);
	must(gnutls_alpn_set_protocols(e->server, &alpn, 1, 0) == 0);
	must(gnutls_session_ticket_enable_server(e->server, &ticket_key) == 0);
	gnutls_transport_set_int(e->server, e->fds[1]);
}

static void ends_close(struct ends *e)
{
	tls_close(e->client);
	gnutls_deinit(e->server);
	gnutls_certificate_free_credentials(e->credentials);
	close(e->fds[0]);
	close(e->fds[1]);
}

/* What the client's handshake comes to. */
static int shake(struct ends *e)
{
	int client = -EAGAIN;
	int server = GNUTLS_E_AGAIN;
	for (int i = 0; i < STEPS && (client == -EAGAIN || server == GNUTLS_E_AGAIN); i++) {
		if (client == -EAGAIN)
			client = tls_handshake(e->client);
		if (client == -EAGAIN)
			assert_true(tls_wants(e->client) == EPOLLIN);
		if (client < 0 && client != -EAGAIN)
			break;
		if (server == GNUTLS_E_AGAIN)
			server = gnutls_handshake(e->server);
	}
	return client;
}

/* What comes behind the tickets of TLS 1.3, which are read on the way. */
static ssize_t read_data(struct ends *e, char *ret, size_t n)
{
	ssize_t k = -EAGAIN;
	for (int i = 0; i < STEPS && k == -EAGAIN; i++)
		k = tls_read(e->client, ret, n);
	return k;
}

static struct tls_client *make_client(const char *name, const struct tls_pin *pins, unsigned n_pins)
{
	const struct tls_client_plan plan = {
		.name = name, .ca_file = ca_file, .pins = pins, .n_pins = n_pins, .alpn = "dot"
	};
	struct tls_client *c = NULL;
	const char *why = NULL;
	assert_int_equal(tls_client_new(&plan, &c, &why), 0);
	return c;
}

static void test_who_is_believed(void **state)
{
	(void)state;
	const struct tls_pin good_pin = certificate_pin(&good);
	const struct tls_pin self_pin = certificate_pin(&self_signed);
	const struct tls_pin between_pin = certificate_pin(&between);
	const struct {
		const char *what, *name;
		const struct tls_pin *pin;
		const struct certificate *shown, *issuer;
		int e;
		const char *why;
	} rows[] = {
		{ "right name", "dns.example", NULL, &good, NULL, 0, NULL },
		{ "case of the name", "DNS.Example", NULL, &good, NULL, 0, NULL },
		{ "wrong name", "dns.example.net", NULL, &good, NULL, -EKEYREJECTED,
		  "its certificate is for another name" },
		{ "the name below", "a.dns.example", NULL, &good, NULL, -EKEYREJECTED,
		  "its certificate is for another name" },
		{ "an address", "192.0.2.53", NULL, &addressed, NULL, 0, NULL },
		{ "another address", "192.0.2.54", NULL, &addressed, NULL, -EKEYREJECTED,
		  "its certificate is for another name" },
		{ "expired", "dns.example", NULL, &expired, NULL, -EKEYREJECTED,
		  "its certificate has expired" },
		{ "not yet valid", "dns.example", NULL, &early, NULL, -EKEYREJECTED,
		  "its certificate is not valid yet" },
		{ "another authority", "dns.example", NULL, &elsewhere, &other_ca, -EKEYREJECTED,
		  "its certificate is of no known authority" },
		{ "its own pin", NULL, &good_pin, &good, NULL, 0, NULL },
		{ "pinned, of no authority, expired", NULL, &self_pin, &self_signed, NULL, 0,
		  NULL },
		{ "another pin", NULL, &self_pin, &good, NULL, -EKEYREJECTED,
		  "its key is none of the pinned ones" },
		{ "by a certificate between", "dns.example", NULL, &below, &between, 0, NULL },
		{ "the pin of its issuer", NULL, &between_pin, &below, &between, 0, NULL },
		{ "the pin of one who did not issue it", NULL, &between_pin, &good, &between,
		  -EKEYREJECTED, "its key is none of the pinned ones" },
		{ "name and pin", "dns.example", &good_pin, &good, NULL, 0, NULL },
		{ "name without pin", "dns.example", &self_pin, &good, NULL, -EKEYREJECTED,
		  "its key is none of the pinned ones" },
		{ "pin without name", "dns.example.net", &good_pin, &good, NULL, -EKEYREJECTED,
		  "its certificate is for another name" },
		{ "anybody", NULL, NULL, &self_signed, NULL, 0, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ends ends;
		struct tls_client *c = make_client(rows[i].name, rows[i].pin, rows[i].pin != NULL);
		assert_int_equal(tls_client_is_strict(c),
		                 rows[i].name != NULL || rows[i].pin != NULL);
		ends_open(&ends, c, NULL, rows[i].shown, rows[i].issuer, "NORMAL");
		int e = shake(&ends);
		const char *why = tls_why(ends.client);
		if (e != rows[i].e || (why == NULL) != (rows[i].why == NULL) ||
		    (why != NULL && strcmp(why, rows[i].why) != 0))
			fail_msg("%s: %d %s", rows[i].what, e, why != NULL ? why : "");
		ends_close(&ends);
		tls_client_free(c);
	}
}

static void test_versions(void **state)
{
	(void)state;
	static const struct {
		const char *priority;
		int e;
	} rows[] = {
		{ "NORMAL:-VERS-ALL:+VERS-TLS1.3", 0 },
		{ "NORMAL:-VERS-ALL:+VERS-TLS1.2", 0 },
		{ "LEGACY:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0", -EPROTO },
	};
	struct tls_client *c = make_client("dns.example", NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ends ends;
		ends_open(&ends, c, NULL, &good, NULL, rows[i].priority);
		if (shake(&ends) != rows[i].e)
			fail_msg("%s: %s", rows[i].priority, tls_why(ends.client));
		ends_close(&ends);
	}
	tls_client_free(c);
}

static void test_data(void **state)
{
	(void)state;
	struct ends ends;
	struct tls_client *c = make_client("dns.example", NULL, 0);
	char got[64];
	gnutls_datum_t alpn;
	ends_open(&ends, c, NULL, &good, NULL, "NORMAL");
	assert_int_equal(shake(&ends), 0);
	assert_int_equal(gnutls_alpn_get_selected_protocol(ends.server, &alpn), 0);
	assert_memory_equal(alpn.data, "dot", 3);
	assert_int_equal(tls_read(ends.client, got, sizeof got), -EAGAIN);
	assert_int_equal(tls_write(ends.client, "question", 8), 8);
	assert_int_equal(gnutls_record_recv(ends.server, got, sizeof got), 8);
	assert_memory_equal(got, "question", 8);
	assert_int_equal(gnutls_record_send(ends.server, "answer", 6), 6);
	assert_int_equal(read_data(&ends, got, 4), 4);
	assert_true(tls_has_more(ends.client));
	assert_int_equal(tls_read(ends.client, got + 4, 4), 2);
	assert_memory_equal(got, "answer", 6);
	assert_false(tls_has_more(ends.client));
	/* The server's end, told and untold. */
	assert_int_equal(gnutls_bye(ends.server, GNUTLS_SHUT_WR), 0);
	assert_int_equal(tls_read(ends.client, got, 4), 0);
	ends_close(&ends);
	ends_open(&ends, c, NULL, &good, NULL, "NORMAL");
	assert_int_equal(shake(&ends), 0);
	shutdown(ends.fds[1], SHUT_RDWR);
	assert_int_equal(read_data(&ends, got, 4), -ECONNRESET);
	ends_close(&ends);
	tls_client_free(c);
}

static void test_no_tls(void **state)
{
	(void)state;
	static const struct {
		const char *bytes, *why;
	} rows[] = {
		{ "\0\100this is no TLS record but something of its own....", NULL },
		{ "HTTP/1.1 400 Bad Request\r\n\r\n", NULL },
		{ "", "it broke off the TLS handshake" },
	};
	struct tls_client *c = make_client(NULL, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ends ends;
		ends_open(&ends, c, NULL, &good, NULL, "NORMAL");
		assert_int_equal(tls_handshake(ends.client), -EAGAIN);
		size_t n = i == 0 ? 50 : strlen(rows[i].bytes);
		if (n > 0)
			assert_int_equal(write(ends.fds[1], rows[i].bytes, n), n);
		shutdown(ends.fds[1], SHUT_RDWR);
		assert_int_equal(tls_handshake(ends.client), -EPROTO);
		assert_non_null(tls_why(ends.client));
		if (rows[i].why != NULL)
			assert_string_equal(tls_why(ends.client), rows[i].why);
		ends_close(&ends);
	}
	tls_client_free(c);
}

/* A ticket spares the second session the certificates. */
static void test_resumed(void **state)
{
	(void)state;
	static const char *const priorities[] = { "NORMAL:-VERS-ALL:+VERS-TLS1.3",
		                                  "NORMAL:-VERS-ALL:+VERS-TLS1.2" };
	struct tls_client *c = make_client("dns.example", NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(priorities); i++) {
		struct ends ends;
		char got[8];
		ends_open(&ends, c, NULL, &good, NULL, priorities[i]);
		assert_int_equal(shake(&ends), 0);
		assert_false(tls_is_resumed(ends.client));
		assert_int_equal(gnutls_record_send(ends.server, "x", 1), 1);
		assert_int_equal(read_data(&ends, got, 1), 1);
		struct tls_ticket *k = tls_ticket_take(ends.client);
		assert_non_null(k);
		ends_close(&ends);
		ends_open(&ends, c, k, &good, NULL, priorities[i]);
		assert_int_equal(shake(&ends), 0);
		assert_true(tls_is_resumed(ends.client));
		ends_close(&ends);
		tls_ticket_free(k);
	}
	tls_client_free(c);
}

static void test_bad_plans(void **state)
{
	(void)state;
	struct tls_client *c = NULL;
	const char *why = NULL;
	struct tls_client_plan plan = { .name = "dns.example", .ca_file = "/nonexistent" };
	assert_int_equal(tls_client_new(&plan, &c, &why), -EINVAL);
	assert_string_equal(why, "no certificates in PEM form in the CA file");
	plan = (struct tls_client_plan){ .n_pins = TLS_MAX_PINS + 1 };
	assert_int_equal(tls_client_new(&plan, &c, &why), -EINVAL);
	assert_null(c);
}

static void test_pin_text(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int e;
	} rows[] = {
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 0 },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", -EINVAL },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gIQ==", -EINVAL },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g", -EINVAL },
		{ "!AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", -EINVAL },
		{ "", -EINVAL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_pin pin = { { 0xee } };
		int e = tls_pin_from_text(rows[i].text, strlen(rows[i].text), &pin);
		if (e != rows[i].e)
			fail_msg("%s: %d", rows[i].text, e);
		assert_int_equal(pin.sha256[0], e == 0 ? 0 : 0xee);
		if (e == 0)
			assert_int_equal(pin.sha256[31], 31);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_believed),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_bad_plans),
		cmocka_unit_test(test_pin_text),
	};
	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
