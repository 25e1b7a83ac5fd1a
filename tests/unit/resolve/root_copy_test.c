/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/root_copy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SOA ". 86400 IN SOA a.root. nstld.root. 2026112800 1800 900 604800 86400\n"
#define SIG(owner, type) \
	owner " 86400 IN RRSIG " type " 8 0 86400 20261210000000 20261127000000 1 . AAAA\n"

static const char zone[] = SOA
	SIG(".", "SOA") ". 518400 IN NS a.root.\n. 518400 IN NS b.root.\n" SIG(".", "NS") ". 86400 IN NSEC com. NS SOA RRSIG NSEC DNSKEY\n" SIG(
		".",
		"NSEC") "com. 172800 IN NS A.gtld.COM.\ncom. 172800 IN NS b.gtld.com.\n"
			"com. 86400 IN DS 1 8 2 00\n" SIG("com.", "DS") "com. 86400 IN NSEC net. NS DS RRSIG NSEC\n" SIG(
				"com.",
				"NSEC") "a.gtld.com. 172800 IN A 192.0.2.1\na.gtld.com. 172800 IN AAAA 2001:db8::1\n"
					"b.gtld.com. 172800 IN A 192.0.2.2\nnet. 172800 IN NS a.gtld.com.\n"
					"net. 86400 IN NSEC root. NS RRSIG NSEC\n" SIG("net.", "NSEC") "root. 86400 IN NS a.root.\nroot. 86400 IN NSEC . NS RRSIG NSEC\n" SIG(
						"root.",
						"NSEC") "a.root. 86400 IN A 192.0.2.53\nb.root. 86400 IN AAAA 2001:db8::53\n";

static struct root_copy *copy(const char *text)
{
	struct root_copy *c;
	char why[ROOT_COPY_WHY_MAX];
	assert_int_equal(root_copy_read("root.zone", text, strlen(text), 1000, &c, why), 0);
	assert_string_equal(why, "");
	return c;
}

/* "rcode[ aa]: [an ...|ns ...|ar ...]" with the types of each section. */
static void answer(const struct root_copy *c, const char *text, uint16_t type, char *ret,
                   size_t room)
{
	static uint8_t bytes[DNS_MAX_MESSAGE], scratch[4 * DNS_MAX_MESSAGE + 1024];
	static const char *const sections[] = { "an", "ns", "ar" };
	struct name name;
	struct message m;
	struct rr rr;
	assert_int_equal(name_from_text(text, strlen(text), &name), 0);
	size_t n = root_copy_answer(c, name.wire, type, bytes, sizeof bytes);
	assert_true(n > 0);
	assert_int_equal(message_open(bytes, n, scratch, sizeof scratch, &m), 0);
	assert_true((m.flags & FLAG_QR) != 0);
	int at = snprintf(ret, room, "%u%s:", m.flags & 15, (m.flags & FLAG_AA) != 0 ? " aa" : "");
	int last = -1, e;
	while ((e = message_next(&m, &rr)) == 1) {
		if ((int)rr.section != last)
			at += snprintf(ret + at, room - (size_t)at, " %s", sections[rr.section]);
		last = (int)rr.section;
		at += snprintf(ret + at, room - (size_t)at, " %u", rr.type);
	}
	assert_int_equal(e, 0);
}

static void as_a_root_server_does(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint16_t type;
		const char *expected;
	} rows[] = {
		{ ".", DNS_SOA, "0 aa: an 6 46" },
		{ ".", DNS_NS, "0 aa: an 2 2 46 ar 1 28" },
		{ ".", DNS_A, "0 aa: ns 6 46 47 46" },
		{ "com", DNS_A, "0: ns 2 2 43 46 ar 1 28 1" },
		{ "www.example.com", DNS_A, "0: ns 2 2 43 46 ar 1 28 1" },
		{ "a.gtld.com", DNS_A, "0: ns 2 2 43 46 ar 1 28 1" },
		{ "com", DNS_NS, "0: ns 2 2 43 46 ar 1 28 1" },
		{ "com", DNS_DS, "0 aa: an 43 46" },
		{ "x.com", DNS_DS, "0: ns 2 2 43 46 ar 1 28 1" },
		{ "net", DNS_DS, "0 aa: ns 6 46 47 46" },
		{ "www.net", DNS_A, "0: ns 2 47 46 ar 1 28" },
		{ "nothing", DNS_A, "3 aa: ns 6 46 47 46 47 46" }, /* net., and . for *. */
		{ "a.b.nothing", DNS_TXT, "3 aa: ns 6 46 47 46 47 46" },
		{ "aaa", DNS_A, "3 aa: ns 6 46 47 46" }, /* one record covers both */
		{ "zzz", DNS_A, "3 aa: ns 6 46 47 46 47 46" },
	};
	struct root_copy *c = copy(zone);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char got[256];
		answer(c, rows[i].name, rows[i].type, got, sizeof got);
		if (strcmp(got, rows[i].expected) != 0)
			fail_msg("%s %u: %s, not %s", rows[i].name, rows[i].type, got,
			         rows[i].expected);
	}
	root_copy_free(c);
}

static void what_does_not_fit(void **state)
{
	(void)state;
	static const uint8_t com[] = "\3com";
	uint8_t bytes[600];
	struct root_copy *c = copy(zone);
	size_t n = root_copy_answer(c, com, DNS_A, bytes, sizeof bytes);
	assert_true(n > 0);
	for (size_t room = 0; room < n; room++)
		assert_int_equal(root_copy_answer(c, com, DNS_A, bytes, room), 0);
	root_copy_free(c);
}

static void serial_and_expiry(void **state)
{
	(void)state;
	struct root_copy *c = copy(zone);
	assert_int_equal(root_copy_serial(c), 2026112800);
	assert_false(root_copy_is_expired(c, 1000 + 604799));
	assert_true(root_copy_is_expired(c, 1000 + 604800));
	assert_false(root_copy_has_digest(c));
	root_copy_free(c);
}

static void what_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "z: no root zone: the SOA or the NS records of the root are missing" },
		{ SOA, "z: no root zone: the SOA or the NS records of the root are missing" },
		{ SOA ". 1 IN NS a.\n. 1 IN SOA a. b. 3 1 1 1 1\n", "z: two SOA records" },
		{ SOA ". 1 IN NS a.\n. 1 IN A 192.0.2.300\n", "z:3: invalid IPv4 address" },
		{ SOA "$INCLUDE /etc/passwd\n", "z:2: $INCLUDE is not supported here" },
		{ SOA
		  ". 1 IN NS a.\n. 1 IN ZONEMD 2026112800 1 1 "
		  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728"
		  "292a2b2c2d2e2f\n",
		  "z: the zone is not what its digest (ZONEMD) says: cut or altered" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct root_copy *c;
		char why[ROOT_COPY_WHY_MAX];
		assert_int_equal(
			root_copy_read("z", rows[i].text, strlen(rows[i].text), 1, &c, why),
			-EBADMSG);
		assert_string_equal(why, rows[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_a_root_server_does),
		cmocka_unit_test(what_does_not_fit),
		cmocka_unit_test(serial_and_expiry),
		cmocka_unit_test(what_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
