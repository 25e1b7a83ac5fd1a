/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns/reply.h"

/* RFC 9018 A.1 to A.4. */
static const struct {
	const char *secret, *client_half, *client;
	uint32_t time_s;
	const char *ours;
} vectors[] = {
	{ "e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100", 1559731985,
	  "010000005cf79f111f8130c3eee29480" },
	{ "e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100", 1559734385,
	  "010000005cf7a871d4a564a1442aca77" },
	{ "e5e973e5a6b2a43f48e7dc849e37bfcf", "fc93fc62807ddb86", "203.0.113.203", 1559734700,
	  "010000005cf7a9acf73a7810aca2381e" },
	{ "445536bcd2513298075a5d379663c962", "22681ab97d52c298",
	  "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961, "010000005cf7c609a6bb79d16625507a" },
};

static void from_hex(const char *hex, uint8_t *ret)
{
	for (; *hex != 0; hex += 2, ret++) {
		unsigned x;
		assert_int_equal(sscanf(hex, "%2x", &x), 1);
		*ret = (uint8_t)x;
	}
}

static void test_vectors(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(vectors); i++) {
		uint8_t secret[16];
		uint8_t cookie[COOKIE_BYTES];
		uint8_t expected[16];
		struct addr client;
		const char *text = vectors[i].client;
		uint32_t now_s = vectors[i].time_s;
		from_hex(vectors[i].secret, secret);
		from_hex(vectors[i].client_half, cookie);
		from_hex(vectors[i].ours, expected);
		assert_int_equal(addr_from_text(text, strlen(text), &client), 0);
		struct siphash_key key = cookie_key(secret);
		cookie_make(&key, cookie, &client, now_s, cookie + 8);
		assert_memory_equal(cookie + 8, expected, 16);
		assert_true(cookie_is_fresh(&key, cookie, &client, now_s));
		assert_true(cookie_is_fresh(&key, cookie, &client, now_s + COOKIE_RENEW_S));
		assert_false(cookie_is_fresh(&key, cookie, &client, now_s + COOKIE_RENEW_S + 1));
		assert_false(cookie_is_fresh(&key, cookie, &client, now_s - 301));
		cookie[23] ^= 1;
		assert_false(cookie_is_fresh(&key, cookie, &client, now_s));
		cookie[23] ^= 1;
		client.bytes[15] ^= 1;
		assert_false(cookie_is_fresh(&key, cookie, &client, now_s));
	}
}

/* A.3: octets that another server reserved are part of the hash. */
static void test_reserved(void **state)
{
	(void)state;
	uint8_t secret[16];
	uint8_t cookie[COOKIE_BYTES];
	struct addr client;
	from_hex("e5e973e5a6b2a43f48e7dc849e37bfcf", secret);
	from_hex("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", cookie);
	assert_int_equal(addr_from_text("203.0.113.203", 13, &client), 0);
	struct siphash_key key = cookie_key(secret);
	assert_true(cookie_is_fresh(&key, cookie, &client, load32(cookie + 12)));
}

/* From a question to the option in its answer. */
static void test_answer(void **state)
{
	static const struct {
		size_t n;
		int rcode;
	} rows[] = { { 0, RCODE_FORMERR },
		     { 7, RCODE_FORMERR },
		     { 8, 0 },
		     { 9, RCODE_FORMERR },
		     { 15, RCODE_FORMERR },
		     { 16, 0 },
		     { 24, 0 },
		     { 40, 0 },
		     { 41, RCODE_FORMERR } };
	struct siphash_key key = { 1, 2 };
	struct addr client = addr_v4(0xc0000201);
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t msg[512];
		uint8_t out[512];
		uint8_t scratch[2048];
		struct question q;
		struct reply r;
		struct message m;
		struct opt opt;
		const uint8_t *data;
		size_t bytes;
		size_t n = reply_write_query(msg, 7, (const uint8_t *)"\3www\4test", DNS_A, true,
		                             false, true);
		store16(msg + n - 2, (uint16_t)(4 + rows[i].n));
		store16(msg + n, 10);
		store16(msg + n + 2, (uint16_t)rows[i].n);
		for (size_t k = 0; k < rows[i].n; k++)
			msg[n + 4 + k] = (uint8_t)(0x40 + k);
		n += 4 + rows[i].n;
		assert_int_equal(message_parse_question(msg, n, &q), rows[i].rcode);
		if (rows[i].rcode != 0)
			continue;
		assert_int_equal(q.cookie_bytes, rows[i].n);
		cookie_answer(&key, &client, 1000000, &q);
		reply_start(&r, out, sizeof out, &q, msg, 11);
		n = reply_finish(&r, &q, 0, false, NULL, 0);
		assert_int_equal(message_open(out, n, scratch, sizeof scratch, &m), 0);
		assert_int_equal(message_find_opt(&m, &opt), 0);
		assert_true(opt_find(&opt, 10, &data, &bytes));
		assert_int_equal(bytes, COOKIE_BYTES);
		assert_memory_equal(data, "@ABCDEFG", 8);
		assert_true(cookie_is_fresh(&key, data, &client, 1000001));
		/* It comes back, and is the same until it is due. */
		uint8_t held[COOKIE_BYTES];
		memcpy(held, q.cookie, sizeof held);
		cookie_answer(&key, &client, 1000100, &q);
		assert_memory_equal(held, q.cookie, sizeof held);
		cookie_answer(&key, &client, 1000000 + COOKIE_RENEW_S + 1, &q);
		assert_memory_not_equal(held, q.cookie, sizeof held);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
