/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

static struct addr addr_of(const char *text)
{
	struct addr a;
	assert_int_equal(addr_from_text(text, strlen(text), &a), 0);
	return a;
}

static void expect_text(const struct addr *a)
{
	char expected[INET6_ADDRSTRLEN];
	char text[ADDR_TEXT_MAX];
	memset(text, 'x', sizeof text);
	if (a->is_v4)
		inet_ntop(AF_INET, a->bytes + 12, expected, sizeof expected);
	else
		inet_ntop(AF_INET6, a->bytes, expected, sizeof expected);
	size_t n = addr_to_text(a, text);
	assert_int_equal(n, strlen(expected));
	assert_string_equal(text, expected);
}

/* The oracle is the C library. */
static void test_text_like_inet_ntop(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"0.0.0.0",
		"255.255.255.255",
		"10.0.100.9",
		"::",
		"::1",
		"1::",
		"2001:db8::1",
		"2001:db8:0:1:1:1:1:1",
		"2001:0:0:1:0:0:0:1",
		"1:0:0:2:0:0:3:4",
		"::192.0.2.1",
		"fe80::",
		"0:1::",
		"::ffff:0:1.2.3.4",
		"64:ff9b::192.0.2.33",
		"1:2:3:4:5:6:7:8",
		"1:2:3:4:5:6:0:0",
		"1:2:3:4:5:6:7:0",
		"0:0:1:0:0:0:0:0",
		"100:10:1:1000::f",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr a = addr_of(rows[i]);
		expect_text(&a);
	}
	for (unsigned i = 0; i < 20000; i++) {
		struct addr a = { .is_v4 = false };
		uint16_t zeros = random_u16();
		random_bytes(a.bytes, sizeof a.bytes);
		for (unsigned k = 0; k < 16; k++) {
			if ((zeros >> k & 1) != 0)
				a.bytes[k] = 0;
		}
		expect_text(&a);
		a = addr_v4(random_u32());
		expect_text(&a);
	}
}

static void test_text_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		char text[ADDR_TEXT_MAX];
		uint8_t bytes[16];
		random_bytes(bytes, sizeof bytes);
		memset(bytes, 0, random_below(17));
		struct addr a = addr_from_bytes16(bytes);
		struct addr b;
		assert_int_equal(addr_from_text(text, addr_to_text(&a, text), &b), 0);
		assert_true(addr_equal(&a, &b));
		assert_int_equal(a.is_v4, b.is_v4);
	}
}

static void test_mapped_is_v4(void **state)
{
	(void)state;
	struct addr a = addr_of("::ffff:192.0.2.1");
	struct addr b = addr_of("192.0.2.1");
	assert_true(a.is_v4);
	assert_true(addr_equal(&a, &b));
}

static void test_bad_addresses(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"",    "1.2.3",   "1.2.3.4.5", "256.1.1.1",  "1.2.3.4 ",         "01.2.3.4",
		":::", "1::2::3", "g::",       "fe80::1%lo", "1:2:3:4:5:6:7:8:9"
	};
	struct addr a;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(addr_from_text(rows[i], strlen(rows[i]), &a), -EINVAL);
	assert_int_equal(addr_from_text("1.2.3.4\0", 8, &a), -EINVAL);
	assert_int_equal(addr_from_text("1.2.3.45", 7, &a), 0); /* n counts, not a NUL */
	a = addr_of("1.2.3.4");
}

static void test_prefixes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int expected;
	} rows[] = {
		{ "10.0.0.0/8", 0 },
		{ "0.0.0.0/0", 0 },
		{ "192.0.2.1", 0 },
		{ "2001:db8::/32", 0 },
		{ "::/0", 0 },
		{ "::1", 0 },
		{ "10.0.0.1/8", -EDOM },
		{ "2001:db8::1/64", -EDOM },
		{ "10.0.0.0/33", -EINVAL },
		{ "2001:db8::/129", -EINVAL },
		{ "10.0.0.0/", -EINVAL },
		{ "/8", -EINVAL },
		{ "10.0.0.0/-1", -EINVAL },
		{ "10.0.0.0/8x", -EINVAL },
		{ "10.0.0.0/ 8", -EINVAL },
		{ "10.0.0.0/000008", -EINVAL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr_prefix p;
		print_message("%s\n", rows[i].text);
		assert_int_equal(addr_prefix_from_text(rows[i].text, strlen(rows[i].text), &p),
		                 rows[i].expected);
		if (rows[i].expected == 0 && strchr(rows[i].text, '/') != NULL) {
			char text[ADDR_TEXT_MAX];
			size_t n = addr_prefix_to_text(&p, text);
			assert_string_equal(text, rows[i].text);
			assert_int_equal(n, strlen(text));
		}
	}
}

static bool covers(const char *prefix, const char *addr)
{
	struct addr_prefix p;
	struct addr a = addr_of(addr);
	assert_int_equal(addr_prefix_from_text(prefix, strlen(prefix), &p), 0);
	return addr_prefix_covers(&p, &a);
}

static void test_covers(void **state)
{
	(void)state;
	assert_true(covers("10.0.0.0/8", "10.255.1.2"));
	assert_false(covers("10.0.0.0/8", "11.0.0.0"));
	assert_true(covers("192.0.2.0/25", "192.0.2.127"));
	assert_false(covers("192.0.2.0/25", "192.0.2.128"));
	assert_true(covers("0.0.0.0/0", "203.0.113.9"));
	assert_false(covers("0.0.0.0/0", "::1"));
	assert_false(covers("::/0", "192.0.2.1")); /* families are apart */
	assert_true(covers("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(covers("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(covers("::1", "::1"));
}

static void test_masked(void **state)
{
	(void)state;
	for (unsigned length = 0; length <= 128; length++) {
		struct addr a = addr_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
		struct addr m = addr_masked(&a, length);
		unsigned ones = 0;
		for (unsigned i = 0; i < 16; i++)
			ones += (unsigned)__builtin_popcount(m.bytes[i]);
		assert_int_equal(ones, length);
		if (length <= 32) {
			a = addr_of("255.255.255.255");
			m = addr_masked(&a, length);
			assert_true(m.is_v4);
			uint32_t mask = length == 0 ? 0 : 0xffffffffU << (32 - length);
			struct addr expected = addr_v4(mask);
			assert_true(addr_equal(&m, &expected));
		}
	}
}

static void test_private(void **state)
{
	(void)state;
	static const struct {
		const char *addr;
		bool is_private, is_loopback;
	} rows[] = {
		{ "10.1.2.3", true, false },
		{ "11.0.0.0", false, false },
		{ "9.255.255.255", false, false },
		{ "172.16.0.0", true, false },
		{ "172.31.255.255", true, false },
		{ "172.32.0.0", false, false },
		{ "172.15.255.255", false, false },
		{ "192.168.5.5", true, false },
		{ "192.169.0.0", false, false },
		{ "100.64.0.1", true, false },
		{ "100.127.255.255", true, false },
		{ "100.128.0.0", false, false },
		{ "169.254.1.1", true, false },
		{ "127.0.0.1", true, true },
		{ "127.255.0.3", true, true },
		{ "128.0.0.0", false, false },
		{ "::1", true, true },
		{ "::2", false, false },
		{ "fc00::1", true, false },
		{ "fdff::1", true, false },
		{ "fe00::1", false, false },
		{ "fe80::1", true, false },
		{ "febf::1", true, false },
		{ "fec0::1", false, false },
		{ "2001:db8::1", false, false },
		{ "::", false, false },
		{ "a00::1", false, false },
		{ "7f00::1", false, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr a = addr_of(rows[i].addr);
		print_message("%s\n", rows[i].addr);
		assert_int_equal(addr_is_private(&a), rows[i].is_private);
		assert_int_equal(addr_is_loopback(&a), rows[i].is_loopback);
	}
}

static void test_endpoints(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expected; /* NULL: -EINVAL */
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1@53" },
		{ "192.0.2.1@5353", "192.0.2.1@5353" },
		{ "192.0.2.1:5353", "192.0.2.1@5353" },
		{ "::1", "::1@53" },
		{ "::1@5353", "::1@5353" },
		{ "[::1]", "::1@53" },
		{ "[::1]:65535", "::1@65535" },
		{ "[::1]@1", "::1@1" },
		{ "2001:db8::1:5353", "2001:db8::1:5353@53" }, /* an address, not a port */
		{ "", NULL },
		{ "[::1", NULL },
		{ "[::1]5353", NULL },
		{ "[::1]:", NULL },
		{ "192.0.2.1@", NULL },
		{ "192.0.2.1@0", NULL },
		{ "192.0.2.1@65536", NULL },
		{ "192.0.2.1@-1", NULL },
		{ "192.0.2.1:", NULL },
		{ "@53", NULL },
		{ "localhost@53", NULL },
		{ "192.0.2.1@53@53", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct endpoint e = { .port = 1 };
		char text[ADDR_TEXT_MAX];
		print_message("%s\n", rows[i].text);
		int got = endpoint_from_text(rows[i].text, strlen(rows[i].text), 53, &e);
		assert_int_equal(got, rows[i].expected != NULL ? 0 : -EINVAL);
		if (got != 0) {
			assert_int_equal(e.port, 1);
			continue;
		}
		endpoint_to_text(&e, text);
		assert_string_equal(text, rows[i].expected);
	}
}

static void test_sockaddr(void **state)
{
	(void)state;
	static const char *const rows[] = { "192.0.2.1@53", "2001:db8::1@5353" };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct endpoint e;
		struct endpoint back;
		struct sockaddr_storage ss;
		char text[ADDR_TEXT_MAX];
		assert_int_equal(endpoint_from_text(rows[i], strlen(rows[i]), 0, &e), 0);
		socklen_t n = endpoint_to_sockaddr(&e, &ss);
		assert_int_equal(ss.ss_family, i == 0 ? AF_INET : AF_INET6);
		assert_int_equal(n,
		                 i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		endpoint_from_sockaddr((const struct sockaddr *)&ss, &back);
		endpoint_to_text(&back, text);
		assert_string_equal(text, rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_like_inet_ntop),
		cmocka_unit_test(test_text_back),
		cmocka_unit_test(test_mapped_is_v4),
		cmocka_unit_test(test_bad_addresses),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_masked),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_sockaddr),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
