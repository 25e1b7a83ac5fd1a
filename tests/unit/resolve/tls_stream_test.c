/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DNS over TLS to a forwarder: the whole resolver, and servers that are not who they should be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../io/certificates.h"
#include "resolve/stream.h"
#include "stream_server.h"
#include "world.h"

static struct certificate ca, good, expired;
static char ca_file[64];
static struct stream_server server;
static struct resolve_forward forward;
static struct endpoint forward_to[2];
static struct tls_client *client;
static void (*before_resolver)(void); /* to change what it is made with */

/* Answers with the address 192.0.2.99, after the question as it came. */
static void do_answer(struct peer *p, const uint8_t *q, size_t n)
{
	static const uint8_t rr[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 99 };
	uint8_t m[600];
	size_t question = name_check(q + 12, n - 12) + 16;
	memcpy(m, q, question);
	memcpy(m + question, rr, sizeof rr);
	store16(m + 2, FLAG_QR | FLAG_RD | FLAG_RA);
	store16(m + 6, 1);
	store16(m + 10, 0);
	peer_send_message(p, m, question + sizeof rr);
}

static void do_nothing(struct peer *p, const uint8_t *q, size_t n)
{
	(void)p;
	(void)q;
	(void)n;
}

static void do_close(struct peer *p, const uint8_t *q, size_t n)
{
	(void)q;
	(void)n;
	peer_close(p);
}

static int set_up_all(void **state)
{
	(void)state;
	const struct certificate_plan ca_plan = { "Test CA", NULL, true, -10, 10 };
	const struct certificate_plan good_plan = { "dns.example", &ca, false, -1, 1 };
	const struct certificate_plan expired_plan = { "dns.example", &ca, false, -5, -1 };
	certificate_make(&ca_plan, &ca);
	certificate_make(&good_plan, &good);
	certificate_make(&expired_plan, &expired);
	snprintf(ca_file, sizeof ca_file, "/tmp/tls_stream_test_XXXXXX");
	certificate_write(&ca, ca_file);
	return 0;
}

static int tear_down_all(void **state)
{
	(void)state;
	certificate_done(&ca);
	certificate_done(&good);
	certificate_done(&expired);
	unlink(ca_file);
	return 0;
}

/* A forwarder for everything at 127.0.0.1, and the resolver made anew with it. */
static void begin(const char *name, bool is_strict, const struct certificate *shown)
{
	const struct tls_client_plan plan = { .name = is_strict ? name : NULL,
		                              .ca_file = ca_file,
		                              .alpn = "dot" };
	const char *why;
	assert_int_equal(tls_client_new(&plan, &client, &why), 0);
	forward = (struct resolve_forward){ .to = forward_to, .n_to = 1, .tls = client };
	must(name_from_text(".", 1, &forward.zone) == 0);
	w.config.forwards = &forward;
	w.config.n_forwards = 1;
	w.config.udp_timeout_max_ms = 100; /* a handshake under a sanitizer takes its time */
	resolver_free(w.resolver);
	fake_net_free(w.net);
	loop_free(w.loop);
	assert_int_equal(loop_new(&w.loop), 0);
	assert_int_equal(fake_net_new(w.loop, w.servers, N_SERVERS, &w.net), 0);
	server = (struct stream_server){ .asked = do_answer };
	stream_server_start(&server, w.loop, "127.0.0.1", 0);
	if (shown != NULL)
		server.credentials = certificate_credentials(shown, NULL);
	must(gnutls_session_ticket_key_generate(&server.ticket_key) == 0);
	forward_to[0] = server.at;
	w.config.upstream_port = fake_net_port(w.net);
	if (before_resolver != NULL)
		before_resolver();
	before_resolver = NULL;
	assert_int_equal(resolver_new(&w.config, w.loop, w.cache, &w.resolver), 0);
}

static int end(void **state)
{
	resolver_free(w.resolver);
	w.resolver = NULL;
	stream_server_stop(&server);
	if (server.credentials != NULL)
		gnutls_certificate_free_credentials(server.credentials);
	gnutls_free(server.ticket_key.data);
	tls_client_free(client);
	client = NULL;
	return tear_down(state);
}

static struct resolve_counts counts(void)
{
	struct resolve_counts c = { 0 };
	resolver_count(w.resolver, &c);
	return c;
}

static void expect_answer(const char *name)
{
	struct asker a = ask(name, DNS_A);
	if (a.status != RESOLVE_ANSWERED)
		fail_msg("%s: %s", name, a.ede_text);
	assert_string_equal(a.addrs, "192.0.2.99");
}

static void test_asked_over_tls(void **state)
{
	(void)state;
	begin("dns.example", true, &good);
	expect_answer("a.test");
	expect_answer("b.test");
	expect_answer("a-much-longer-name-than-that.and-another-label.c.test");
	assert_int_equal(server.n_accepted, 1);
	assert_int_equal(server.n_alpn, 1);
	assert_int_equal(counts().tls_opened, 1);
	assert_int_equal(counts().tcp_reused, 2);
	assert_int_equal(asked(), 0); /* nothing in clear text to anybody */
}

/* RFC 8467 4.1: every length is one of a few. */
static void test_padded(void **state)
{
	(void)state;
	char name[128] = "x.test";
	begin("dns.example", true, &good);
	for (unsigned n = 1; n < 60; n += 7) {
		memset(name, 'x', n);
		memcpy(name + n, ".test", 6);
		expect_answer(name);
		assert_int_equal(server.last_bytes, n + 35 <= 124 ? 128 : 256);
		/* keepalive, padding */
		size_t at = 12 + name_len(server.last + 12) + 4 + 11;
		assert_int_equal(load16(server.last + at), 11);
		assert_int_equal(load16(server.last + at + 4), 12);
		assert_int_equal(at + 8 + load16(server.last + at + 6), server.last_bytes);
	}
}

static void test_resumed(void **state)
{
	(void)state;
	begin("dns.example", true, &good);
	expect_answer("a.test");
	peer_close(server.peers);
	turn_some();
	expect_answer("b.test");
	assert_int_equal(server.n_accepted, 2);
	assert_int_equal(server.n_resumed, 1);
	assert_int_equal(counts().tls_resumed, 1);
}

/* Nobody is answered, and no question is sent, before the server has shown who it is. */
static void test_strict(void **state)
{
	(void)state;
	const struct {
		const char *what, *name;
		const struct certificate *shown;
		const char *priority, *why;
		unsigned code;
	} rows[] = {
		{ "another name", "dns.example.net", &good, NULL,
		  "its certificate is for another name", 23 },
		{ "expired", "dns.example", &expired, NULL, "its certificate has expired", 23 },
		{ "old versions only", "dns.example", &good,
		  "LEGACY:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0", "no common TLS version or cipher",
		  23 },
		{ "no TLS", "dns.example", NULL, NULL, "no TLS handshake in time", 22 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (i > 0)
			assert_int_equal(set_up(state), 0);
		begin(rows[i].name, true, rows[i].shown);
		server.priority = rows[i].priority;
		struct asker a = ask("a.test", DNS_A);
		assert_int_equal(a.status, RESOLVE_FAILED);
		assert_int_equal(a.ede_code, rows[i].code);
		if (strstr(a.ede_text, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].what, a.ede_text);
		assert_int_equal(server.n_queries, 0);
		assert_int_equal(asked(), 0);
		/* The next question costs it no handshake. */
		unsigned before = server.n_accepted;
		a = ask("b.test", DNS_A);
		assert_int_equal(a.status, RESOLVE_FAILED);
		if (strstr(a.ede_text, rows[i].why) == NULL)
			fail_msg("%s, again: %s", rows[i].what, a.ede_text);
		assert_int_equal(server.n_accepted, before);
		if (i + 1 < ARRAY_LEN(rows))
			end(state);
	}
}

static void test_handshake_that_never_ends(void **state)
{
	(void)state;
	begin("dns.example", true, NULL); /* reads the hello as lengths, and says nothing */
	server.asked = do_nothing;
	struct asker a = ask("a.test", DNS_A);
	assert_int_equal(a.status, RESOLVE_FAILED);
	assert_non_null(strstr(a.ede_text, "no TLS handshake in time"));
	turn_some();
	assert_int_equal(server.n_open, 0);
}

static void test_breaks_off_when_asked(void **state)
{
	(void)state;
	begin("dns.example", true, &good);
	server.asked = do_close;
	struct asker a = ask("a.test", DNS_A);
	assert_int_equal(a.status, RESOLVE_FAILED);
	assert_int_equal(a.ede_code, 23);
	assert_int_equal(server.n_accepted, 1);
}

/* UDP works there, at the same address and port; nobody speaks TLS. */
static void use_fake_forwarder(void)
{
	must(addr_from_text("127.53.9.9", 10, &forward_to[0].addr) == 0);
	forward_to[0].port = fake_net_port(w.net);
}

/* Opportunistic: anybody over TLS; and in clear text where there is none. */
static void test_opportunistic(void **state)
{
	(void)state;
	begin(NULL, false, &expired);
	expect_answer("a.test");
	assert_int_equal(counts().tls_opened, 1);
}

static void test_opportunistic_in_clear(void **state)
{
	(void)state;
	before_resolver = use_fake_forwarder;
	begin(NULL, false, NULL);
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	assert_int_equal(w.servers[FORWARDER].n_udp, 1);
	uint64_t connections = counts().tcp_connections;
	expect_addrs("www.other", "192.0.2.9");
	assert_int_equal(w.servers[FORWARDER].n_udp, 2);
	assert_int_equal(counts().tcp_connections, connections); /* not tried each time */
}

static void test_strict_never_in_clear(void **state)
{
	(void)state;
	before_resolver = use_fake_forwarder;
	begin("dns.example", true, NULL);
	struct asker a = ask("www.example.test", DNS_A);
	assert_int_equal(a.status, RESOLVE_FAILED);
	assert_int_equal(w.servers[FORWARDER].n_udp + w.servers[FORWARDER].n_tcp, 0);
}

static struct stream_server bad;

static void add_bad_server(void)
{
	bad = (struct stream_server){ .asked = do_answer };
	stream_server_start(&bad, w.loop, "127.0.0.1", 0);
	bad.credentials = certificate_credentials(&expired, NULL);
	forward_to[1] = bad.at;
	forward.n_to = 2;
}

/* One of two is not who it should be: the other answers. */
static void test_fails_over(void **state)
{
	(void)state;
	before_resolver = add_bad_server;
	begin("dns.example", true, &good);
	expect_answer("a.test");
	expect_answer("b.test");
	expect_answer("c.test");
	expect_answer("d.test");
	assert_int_equal(bad.n_queries, 0);
	assert_int_equal(server.n_queries, 4);
	stream_server_stop(&bad);
	gnutls_certificate_free_credentials(bad.credentials);
}

int main(void)
{
#define TLS_ROW(test) cmocka_unit_test_setup_teardown(test, set_up, end)
	const struct CMUnitTest tests[] = {
		TLS_ROW(test_asked_over_tls),
		TLS_ROW(test_padded),
		TLS_ROW(test_resumed),
		TLS_ROW(test_strict),
		TLS_ROW(test_handshake_that_never_ends),
		TLS_ROW(test_breaks_off_when_asked),
		TLS_ROW(test_opportunistic),
		TLS_ROW(test_opportunistic_in_clear),
		TLS_ROW(test_strict_never_in_clear),
		TLS_ROW(test_fails_over),
	};
	set_up_all(NULL);
	int result = run_rows(tests, ARRAY_LEN(tests));
	tear_down_all(NULL);
	return result;
}
