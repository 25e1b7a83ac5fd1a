/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which clients come in, and who they are, with the client of io/tls.h at the other end. */
#include "io/tls_server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "certificates.h"

enum {
	STEPS = 50
};

static struct certificate ca, other_ca, here, follower, stranger, expired;
enum {
	PATH_ROOM = 64
};

static char ca_file[PATH_ROOM], here_file[PATH_ROOM], here_key[PATH_ROOM];

static void write_key(const struct certificate *c, char *path)
{
	gnutls_datum_t pem;
	must(gnutls_x509_privkey_export2(c->key, GNUTLS_X509_FMT_PEM, &pem) == 0);
	int fd = mkstemp(path);
	must(fd >= 0 && write(fd, pem.data, pem.size) == (ssize_t)pem.size);
	close(fd);
	gnutls_free(pem.data);
}

static void name_file(char path[static PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "/tmp/tls_server_test_XXXXXX");
}

static int set_up_all(void **state)
{
	(void)state;
	const struct {
		struct certificate_plan plan;
		struct certificate *ret;
	} all[] = {
		{ { "Test CA", NULL, true, -10, 10 }, &ca },
		{ { "Test CA", NULL, true, -10, 10 }, &other_ca },
		{ { "here.example", &ca, false, -1, 1 }, &here },
		{ { "follower.example", &ca, false, -1, 1 }, &follower },
		{ { "follower.example", &other_ca, false, -1, 1 }, &stranger },
		{ { "follower.example", &ca, false, -5, -1 }, &expired },
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		certificate_make(&all[i].plan, all[i].ret);
	name_file(ca_file);
	name_file(here_file);
	name_file(here_key);
	certificate_write(&ca, ca_file);
	certificate_write(&here, here_file);
	write_key(&here, here_key);
	return 0;
}

static int tear_down_all(void **state)
{
	(void)state;
	struct certificate *all[] = { &ca, &other_ca, &here, &follower, &stranger, &expired };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		certificate_done(all[i]);
	unlink(ca_file);
	unlink(here_file);
	unlink(here_key);
	return 0;
}

static struct tls_server *new_server(bool asks)
{
	char why[TLS_WHY_MAX];
	struct tls_server *s = NULL;
	const struct tls_server_plan plan = { here_file, here_key, asks ? ca_file : NULL, "dot" };
	assert_int_equal(tls_server_new(&plan, &s, why), 0);
	return s;
}

struct outcome {
	int client, server;
	bool is_agreed, is_follower, is_other;
	char why[100];
};

/* A client that knows us by name, with this certificate and this protocol. */
static struct outcome meet(struct tls_server *s, const struct certificate *shown, const char *alpn)
{
	struct outcome o = { -EAGAIN, -EAGAIN, false, false, false, "" };
	char crt[PATH_ROOM], key[PATH_ROOM];
	const char *why;
	struct tls_client *c;
	struct tls *at_client, *at_server;
	int fds[2];
	struct tls_client_plan plan = { .name = "here.example", .ca_file = ca_file, .alpn = alpn };
	if (shown != NULL) {
		name_file(crt);
		name_file(key);
		certificate_write(shown, crt);
		write_key(shown, key);
		plan.certificate_file = crt;
		plan.key_file = key;
	}
	assert_int_equal(tls_client_new(&plan, &c, &why), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(tls_open(c, fds[0], NULL, &at_client), 0);
	assert_int_equal(tls_accept(s, fds[1], &at_server), 0);
	for (int i = 0; i < STEPS; i++) {
		if (o.client == -EAGAIN)
			o.client = tls_handshake(at_client);
		if (o.server == -EAGAIN)
			o.server = tls_handshake(at_server);
	}
	if (o.server == 0) {
		char text[8] = "";
		o.is_agreed = tls_is_agreed(at_server);
		o.is_follower = tls_peer_is(at_server, "follower.example");
		o.is_other = tls_peer_is(at_server, "other.example");
		assert_int_equal(tls_write(at_client, "hello", 5), 5);
		assert_int_equal(tls_read(at_server, text, sizeof text), 5);
		assert_string_equal(text, "hello");
	}
	if (tls_why(at_server) != NULL)
		snprintf(o.why, sizeof o.why, "%s", tls_why(at_server));
	tls_close(at_client);
	tls_close(at_server);
	tls_client_free(c);
	close(fds[0]);
	close(fds[1]);
	if (shown != NULL) {
		unlink(crt);
		unlink(key);
	}
	return o;
}

static void who_comes_in(void **state)
{
	(void)state;
	const struct {
		const char *what;
		bool asks;
		const struct certificate *shown;
		const char *alpn;
		int server;
		bool is_agreed, is_follower;
		const char *why;
	} rows[] = {
		{ "asked for nothing", false, NULL, "dot", 0, true, false, "" },
		{ "nothing is asked, so nothing is known", false, &follower, "dot", 0, true, false,
		  "" },
		{ "none is shown", true, NULL, "dot", 0, true, false, "" },
		{ "the follower", true, &follower, "dot", 0, true, true, "" },
		{ "of another authority of the same name", true, &stranger, "dot", -EKEYREJECTED,
		  false, false, "its certificate cannot be verified" },
		{ "too old", true, &expired, "dot", -EKEYREJECTED, false, false,
		  "its certificate has expired" },
		{ "no protocol", false, NULL, NULL, 0, false, false, "" },
		{ "another protocol", false, NULL, "h2", -EPROTO, false, false, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_server *s = new_server(rows[i].asks);
		struct outcome o = meet(s, rows[i].shown, rows[i].alpn);
		print_message("%s\n", rows[i].what);
		assert_int_equal(o.server, rows[i].server);
		assert_int_equal(o.is_agreed, rows[i].is_agreed);
		assert_int_equal(o.is_follower, rows[i].is_follower);
		assert_false(o.is_other);
		if (rows[i].why != NULL)
			assert_string_equal(o.why, rows[i].why);
		tls_server_put(s);
	}
}

static void what_cannot_be_used_is_told(void **state)
{
	(void)state;
	const struct {
		struct tls_server_plan plan;
		const char *why;
	} rows[] = {
		{ { "/nonexistent", here_key, NULL, "dot" }, "cannot be used" },
		{ { here_file, here_file, NULL, "dot" }, "cannot be used" },
		{ { ca_file, here_key, NULL, "dot" }, "the key is not that of the certificate" },
		{ { here_file, here_key, here_key, "dot" }, "clients' authorities" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char why[TLS_WHY_MAX];
		struct tls_server *s;
		assert_int_equal(tls_server_new(&rows[i].plan, &s, why), -EINVAL);
		assert_non_null(strstr(why, rows[i].why));
	}
}

static void it_lives_as_long_as_somebody_has_it(void **state)
{
	(void)state;
	struct tls_server *s = new_server(false);
	assert_ptr_equal(tls_server_get(s), s);
	tls_server_put(s);
	assert_int_equal(meet(s, NULL, "dot").server, 0);
	tls_server_put(s);
	assert_null(tls_server_get(NULL));
	tls_server_put(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_comes_in),
		cmocka_unit_test(what_cannot_be_used_is_told),
		cmocka_unit_test(it_lives_as_long_as_somebody_has_it),
	};
	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
