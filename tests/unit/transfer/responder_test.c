/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/responder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "transfer/publication.h"
#include "transfer/query.h"
#include "transfer/record.h"
#include "transfer/table.h"

static struct name zone, other, follower;
static struct keyring *ring;
static struct table *table;
static struct responder responder;
static struct endpoint primary;

static const char *const yaml = "keys:\n  - name: k\n    secret: c2VjcmV0\n"
				"  - name: l\n    secret: b3RoZXI=\n";

static int set_up(void **state)
{
	struct config *c;
	struct config_problems problems = { 0 };
	(void)state;
	rcu_thread_start();
	assert_int_equal(config_load_text("x.yaml", yaml, strlen(yaml), &c, &problems), 0);
	assert_int_equal(keyring_new(c, &ring), 0);
	config_free(c);
	config_problems_done(&problems);
	assert_int_equal(name_from_text("rpz", 3, &zone), 0);
	assert_int_equal(name_from_text("other", 5, &other), 0);
	assert_int_equal(endpoint_from_text("192.0.2.1@53", 12, 53, &primary), 0);
	assert_int_equal(table_new(ring, 1, &table), 0);
	struct name k;
	assert_int_equal(name_from_text("k", 1, &k), 0);
	assert_int_equal(table_follow(table, 0, &zone, &primary, 1, keyring_find(ring, &k)), 0);
	assert_int_equal(table_publications(table, 5), 0);
	assert_int_equal(name_from_text("follower.example", 16, &follower), 0);
	for (unsigned i = 0; i < 5; i++) {
		static const char *const names[] = { "keyed", "open", "both", "private", "named" };
		struct name published;
		struct addr_prefix allow;
		assert_int_equal(name_from_text(names[i], strlen(names[i]), &published), 0);
		assert_int_equal(addr_prefix_from_text("192.0.2.0/28", 12, &allow), 0);
		const struct table_terms terms = { .zone = &published,
			                           .folder = "/tmp",
			                           .allow = &allow,
			                           .n_allow = i == 0 || i == 4 ? 0 : 1,
			                           .key = i == 0 || i == 2 ? keyring_find(ring, &k)
			                                                   : NULL,
			                           .is_tls_only = i >= 3,
			                           .names = &follower,
			                           .n_names = i == 4,
			                           .version = (1ULL << 32) | 70000 };
		assert_int_equal(table_publish_zone(table, i, &terms), 0);
	}
	return loop_new(&responder.loop);
}

static int tear_down(void **state)
{
	(void)state;
	table_publish(NULL);
	keyring_put(ring);
	loop_free(responder.loop);
	rcu_drain();
	rcu_thread_stop();
	return 0;
}

static int n_given;

static int give(void *arg, const struct request *r, const char *folder, struct keyring *with)
{
	assert_non_null(arg);
	assert_string_equal(folder, "/tmp");
	assert_ptr_equal(with, ring);
	assert_true(r->type == DNS_AXFR || r->type == DNS_IXFR);
	return ++n_given > 2 ? -EBUSY : 0;
}

static bool is_named(void *arg, const char *name)
{
	return strcmp(arg, name) == 0;
}

/* tls: the name in the client's certificate. */
static size_t answer_tls(const uint8_t *msg, size_t n, const struct addr *client, const char *tls,
                         uint8_t *out, size_t room)
{
	const struct responder_message m = { .bytes = msg,
		                             .n = n,
		                             .client = *client,
		                             .is_stream = true,
		                             .transfer = give,
		                             .is_named = is_named,
		                             .arg = (void *)tls };
	return responder_answer(&responder, &m, out, room);
}

static size_t answer(const uint8_t *msg, size_t n, const struct addr *client, uint8_t *out,
                     size_t room)
{
	const struct responder_message m = { .bytes = msg, .n = n, .client = *client };
	return responder_answer(&responder, &m, out, room);
}

/* The rcode of the answer; -1: none. */
static int notify(const struct name *of, const char *from, const char *key_name)
{
	uint8_t msg[QUERY_MAX], out[4096];
	struct addr client;
	struct tsig_client c;
	struct name k;
	const struct tsig_key *key = NULL;
	const char *why;
	if (key_name != NULL) {
		assert_int_equal(name_from_text(key_name, strlen(key_name), &k), 0);
		key = keyring_find(ring, &k);
	}
	size_t n = query_write(msg, 9, QUERY_OPCODE_NOTIFY | FLAG_AA, of, DNS_SOA, 5);
	tsig_client_init(&c, key);
	assert_int_equal(tsig_client_sign(&c, msg, &n, sizeof msg), 0);
	assert_int_equal(addr_from_text(from, strlen(from), &client), 0);
	n = answer(msg, n, &client, out, sizeof out);
	if (n == 0)
		return -1;
	if (key != NULL) /* what is answered is signed too */
		assert_int_equal(tsig_client_check(&c, out, &n, &why), 0);
	tsig_client_done(&c);
	assert_int_equal(load16(out), 9);
	assert_int_equal(load16(out + 2) & QUERY_OPCODE_MASK, QUERY_OPCODE_NOTIFY);
	return out[3] & 0xf;
}

static bool is_marked(void)
{
	return atomic_exchange(&table->followed[0].is_notified, false);
}

static void primaries_and_keys_may_notify(void **state)
{
	(void)state;
	assert_int_equal(notify(&zone, "192.0.2.1", NULL), -1); /* nothing is followed */
	table_publish(table);
	assert_int_equal(notify(&zone, "192.0.2.1", NULL), RCODE_NOERROR);
	assert_true(is_marked());
	assert_int_equal(table->followed[0].notifier, 0);
	assert_int_equal(notify(&zone, "192.0.2.2", NULL), RCODE_REFUSED);
	assert_false(is_marked());
	assert_int_equal(notify(&zone, "192.0.2.2", "k"), RCODE_NOERROR);
	assert_true(is_marked());
	assert_int_equal(table->followed[0].notifier, 1);
	assert_int_equal(notify(&zone, "192.0.2.2", "l"), RCODE_REFUSED);
	assert_int_equal(notify(&other, "192.0.2.1", "k"), RCODE_REFUSED);
	assert_false(is_marked());
}

static void bad_signatures_are_told(void **state)
{
	(void)state;
	uint8_t msg[QUERY_MAX], out[4096];
	struct tsig_key wrong;
	struct tsig_client c;
	struct name k;
	assert_int_equal(name_from_text("k", 1, &k), 0);
	assert_int_equal(tsig_key_init(&wrong, &k, "hmac-sha256", "d3Jvbmc="), 0);
	size_t n = query_write(msg, 9, QUERY_OPCODE_NOTIFY, &zone, DNS_SOA, 5);
	tsig_client_init(&c, &wrong);
	assert_int_equal(tsig_client_sign(&c, msg, &n, sizeof msg), 0);
	/* Even from the primary: who signs wrongly is not believed. */
	n = answer(msg, n, &primary.addr, out, sizeof out);
	assert_true(n > 0);
	assert_int_equal(out[3] & 0xf, RCODE_NOTAUTH);
	assert_false(is_marked());
	tsig_client_done(&c);
	tsig_key_done(&wrong);
}

static void others_are_left_alone(void **state)
{
	(void)state;
	uint8_t msg[QUERY_MAX], out[4096];
	size_t n = query_write(msg, 9, 0, &zone, DNS_A, 0);
	assert_int_equal(answer(msg, n, &primary.addr, out, sizeof out), 0);
	n = query_write(msg, 9, QUERY_OPCODE_NOTIFY, &zone, DNS_A, 5);
	assert_true(answer(msg, n, &primary.addr, out, sizeof out) > 0);
	assert_int_equal(out[3] & 0xf, RCODE_FORMERR);
}

/* X10, X11: who may have what. */
static const struct {
	const char *why, *zone, *client, *key;
	uint16_t type;
	int rcode;
	const char *tls; /* the name in the certificate; NULL: not over TLS */
} rows[] = {
	{ "with the key", "keyed", "198.51.100.1", "k", DNS_SOA, RCODE_NOERROR },
	{ "without", "keyed", "192.0.2.1", NULL, DNS_SOA, RCODE_REFUSED },
	{ "with another", "keyed", "192.0.2.1", "l", DNS_SOA, RCODE_REFUSED },
	{ "by address", "open", "192.0.2.1", NULL, DNS_SOA, RCODE_NOERROR },
	{ "from elsewhere", "open", "192.0.2.200", NULL, DNS_SOA, RCODE_REFUSED },
	{ "from elsewhere, with a key", "open", "192.0.2.200", "k", DNS_SOA, RCODE_REFUSED },
	{ "both are asked for", "both", "192.0.2.1", "k", DNS_SOA, RCODE_NOERROR },
	{ "the key alone", "both", "192.0.2.200", "k", DNS_SOA, RCODE_REFUSED },
	{ "the address alone", "both", "192.0.2.1", NULL, DNS_SOA, RCODE_REFUSED },
	{ "no such zone", "other", "192.0.2.1", "k", DNS_SOA, RCODE_REFUSED },
	{ "IXFR over UDP: the SOA", "open", "192.0.2.1", NULL, DNS_IXFR, RCODE_NOERROR },
	{ "AXFR over UDP", "open", "192.0.2.1", NULL, DNS_AXFR, RCODE_FORMERR },
	{ "AXFR of a stranger", "open", "192.0.2.200", NULL, DNS_AXFR, RCODE_REFUSED },
	{ "the serial, in clear text", "private", "192.0.2.1", NULL, DNS_SOA, RCODE_NOERROR },
	{ "IXFR, in clear text", "private", "192.0.2.1", NULL, DNS_IXFR, RCODE_REFUSED },
	{ "AXFR, in clear text", "private", "192.0.2.1", NULL, DNS_AXFR, RCODE_REFUSED },
	{ "the serial, over TLS", "private", "192.0.2.1", NULL, DNS_SOA, RCODE_NOERROR, "" },
	{ "from elsewhere, over TLS", "private", "192.0.2.200", NULL, DNS_SOA, RCODE_REFUSED, "" },
	{ "without a key, over TLS", "keyed", "192.0.2.1", NULL, DNS_SOA, RCODE_REFUSED, "" },
	{ "with the key, over TLS", "keyed", "192.0.2.1", "k", DNS_SOA, RCODE_NOERROR, "" },
	{ "by name", "named", "192.0.2.1", NULL, DNS_SOA, RCODE_NOERROR, "follower.example" },
	{ "by another name", "named", "192.0.2.1", NULL, DNS_SOA, RCODE_REFUSED, "b.example" },
	{ "by no name", "named", "192.0.2.1", NULL, DNS_SOA, RCODE_REFUSED, "" },
	{ "by no name, with a key", "named", "192.0.2.1", "k", DNS_SOA, RCODE_REFUSED, "" },
	{ "in clear text nobody is known by name", "named", "192.0.2.1", NULL, DNS_SOA,
	  RCODE_REFUSED },
};

static void zones_are_had_by_some(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t msg[QUERY_MAX], out[4096], scratch[8192];
		struct name z, k;
		struct addr client;
		struct tsig_client c;
		struct message m;
		struct rr rr;
		struct record_soa soa;
		assert_int_equal(name_from_text(rows[i].zone, strlen(rows[i].zone), &z), 0);
		assert_int_equal(addr_from_text(rows[i].client, strlen(rows[i].client), &client),
		                 0);
		if (rows[i].key != NULL)
			assert_int_equal(name_from_text(rows[i].key, 1, &k), 0);
		size_t n = query_write(msg, 9, 0, &z, rows[i].type, 1);
		tsig_client_init(&c, rows[i].key != NULL ? keyring_find(ring, &k) : NULL);
		assert_int_equal(tsig_client_sign(&c, msg, &n, sizeof msg), 0);
		n = rows[i].tls != NULL ? answer_tls(msg, n, &client, rows[i].tls, out, sizeof out)
		                        : answer(msg, n, &client, out, sizeof out);
		tsig_client_done(&c);
		if (n == 0 || (out[3] & 0xf) != rows[i].rcode)
			fail_msg("%s", rows[i].why);
		assert_int_equal(message_open(out, n, scratch, sizeof scratch, &m), 0);
		assert_int_equal(m.left[SECTION_ANSWER], rows[i].rcode == 0);
		if (rows[i].rcode != 0)
			continue;
		assert_int_equal(message_next(&m, &rr), 1);
		assert_int_equal(record_soa_read(rr.rdata, rr.rdata_len, &soa), 0);
		assert_int_equal(soa.serial, 70000);
		assert_int_equal(soa.refresh_s, PUBLICATION_REFRESH_S);
	}
}

/* Over TLS the connection stays; when too much is being sent, that is said. */
static void a_zone_is_given_over_tls(void **state)
{
	(void)state;
	uint8_t msg[QUERY_MAX], out[4096];
	struct name z;
	struct addr client = addr_v4(0xc0000201);
	assert_int_equal(name_from_text("private", 7, &z), 0);
	size_t n = query_write(msg, 9, 0, &z, DNS_AXFR, 0);
	assert_int_equal(answer_tls(msg, n, &client, "", out, sizeof out), 0);
	assert_int_equal(n_given, 1);
	n = query_write(msg, 9, 0, &z, DNS_IXFR, 5);
	assert_int_equal(answer_tls(msg, n, &client, "", out, sizeof out), 0);
	assert_true(answer_tls(msg, n, &client, "", out, sizeof out) > 0);
	assert_int_equal(n_given, 3);
	assert_int_equal(out[3] & 0xf, RCODE_SERVFAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(primaries_and_keys_may_notify),
		cmocka_unit_test(bad_signatures_are_told),
		cmocka_unit_test(others_are_left_alone),
		cmocka_unit_test(zones_are_had_by_some),
		cmocka_unit_test(a_zone_is_given_over_tls),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
