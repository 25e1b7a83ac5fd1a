/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/tsig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "Yy5qZJ5XnWcQvB4f0u3Rr2pTTfT3Qx1h5oNq0w8H2mI="

static const char *const algorithms[] = { "hmac-sha1", "hmac-sha256", "hmac-sha512" };

static struct tsig_key make_key(const char *name, const char *algorithm, const char *secret)
{
	struct tsig_key k;
	struct name n;
	assert_int_equal(name_from_text(name, strlen(name), &n), 0);
	assert_int_equal(tsig_key_init(&k, &n, algorithm, secret), 0);
	return k;
}

static void bad_keys_are_refused(void **state)
{
	(void)state;
	struct tsig_key k;
	struct name n;
	assert_int_equal(name_from_text("k", 1, &n), 0);
	assert_int_equal(tsig_key_init(&k, &n, "hmac-md5", SECRET), -EINVAL);
	assert_int_equal(tsig_key_init(&k, &n, "nonsense", SECRET), -EINVAL);
	assert_int_equal(tsig_key_init(&k, &n, "hmac-sha256", "***"), -EINVAL);
	assert_int_equal(tsig_key_init(&k, &n, "hmac-sha256", ""), -EINVAL);
}

/* A query for AXFR of "rpz". */
static size_t make_query(uint8_t *msg, uint16_t flags)
{
	static const uint8_t question[] = "\3rpz\0\0\374\0\1";
	memset(msg, 0, DNS_HEADER_BYTES);
	store16(msg, 0x1234);
	store16(msg + 2, flags);
	store16(msg + 4, 1);
	memcpy(msg + DNS_HEADER_BYTES, question, sizeof question - 1);
	return DNS_HEADER_BYTES + sizeof question - 1;
}

/* Both sides talk: a query and `n` messages, signed as the letters say ('s' or 'u'). */
static int talk(const struct tsig_key *ours, const struct tsig_key *theirs, const char *letters,
                bool *ret_end)
{
	uint8_t msg[1200];
	struct tsig_client c;
	struct tsig_server s = { 0 };
	const char *why = "";
	size_t n = make_query(msg, 0);
	int e = 0;
	tsig_client_init(&c, ours);
	assert_int_equal(tsig_client_sign(&c, msg, &n, sizeof msg), 0);
	assert_int_equal(tsig_take(msg, &n, &s.query), 0);
	assert_true(s.query.is_there);
	tsig_server_check(&s, msg, n, theirs);
	for (const char *p = letters; *p != 0 && e == 0; p++) {
		n = make_query(msg, FLAG_QR);
		if (*p == 's')
			assert_int_equal(tsig_server_sign(&s, msg, &n, sizeof msg), 0);
		e = tsig_client_check(&c, msg, &n, &why);
	}
	*ret_end = tsig_client_end(&c);
	tsig_client_done(&c);
	return e;
}

static void both_sides_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		struct tsig_key k = make_key("key.example", algorithms[i], SECRET);
		bool is_end;
		assert_int_equal(talk(&k, &k, "s", &is_end), 0);
		assert_true(is_end);
		assert_int_equal(talk(&k, &k, "ssssss", &is_end), 0);
		assert_true(is_end);
		assert_int_equal(talk(&k, &k, "su", &is_end), 0);
		assert_false(is_end); /* the last must be signed */
		assert_int_equal(talk(&k, &k, "u", &is_end), -EKEYREJECTED);
		tsig_key_done(&k);
	}
}

static void strangers_are_refused(void **state)
{
	(void)state;
	struct tsig_key ours = make_key("key.example", "hmac-sha256", SECRET);
	struct tsig_key secret = make_key("key.example", "hmac-sha256", "AAAA");
	struct tsig_key algorithm = make_key("key.example", "hmac-sha512", SECRET);
	struct tsig_key name = make_key("other.example", "hmac-sha256", SECRET);
	bool is_end;
	assert_int_equal(talk(&ours, &secret, "s", &is_end), -EKEYREJECTED);
	assert_int_equal(talk(&ours, &algorithm, "s", &is_end), -EKEYREJECTED);
	assert_int_equal(talk(&ours, &name, "s", &is_end), -EKEYREJECTED);
	assert_int_equal(talk(&ours, NULL, "s", &is_end), -EKEYREJECTED);
	tsig_key_done(&ours);
	tsig_key_done(&secret);
	tsig_key_done(&algorithm);
	tsig_key_done(&name);
}

static void too_many_unsigned(void **state)
{
	(void)state;
	struct tsig_key k = make_key("key.example", "hmac-sha256", SECRET);
	char letters[TSIG_UNSIGNED_MAX + 3];
	bool is_end;
	memset(letters, 'u', sizeof letters);
	letters[0] = 's';
	letters[sizeof letters - 2] = 0;
	assert_int_equal(talk(&k, &k, letters, &is_end), 0);
	letters[sizeof letters - 2] = 'u';
	letters[sizeof letters - 1] = 0;
	assert_int_equal(talk(&k, &k, letters, &is_end), -EKEYREJECTED);
	tsig_key_done(&k);
}

/* Every byte of a signed message counts. */
static void changes_are_seen(void **state)
{
	(void)state;
	struct tsig_key k = make_key("key.example", "hmac-sha256", SECRET);
	uint8_t good[600], msg[600];
	size_t n_good = make_query(good, 0), n_plain = n_good;
	struct tsig_client c;
	tsig_client_init(&c, &k);
	assert_int_equal(tsig_client_sign(&c, good, &n_good, sizeof good), 0);
	unsigned n_taken = 0;
	for (size_t i = 0; i < n_good; i++) {
		struct tsig_server s = { 0 };
		size_t n = n_good;
		memcpy(msg, good, n);
		msg[i] ^= 0x15;
		if (tsig_take(msg, &n, &s.query) != 0 || !s.query.is_there)
			continue;
		bool is_ours = name_equal(s.query.owner.wire, k.name.wire);
		tsig_server_check(&s, msg, n, is_ours ? &k : NULL);
		/* The id in the header is not signed: the original one is. */
		if (s.error == TSIG_OK && i >= 2)
			fail_msg("byte %zu of %zu (%zu)", i, n_good, n_plain);
		n_taken += s.error == TSIG_OK;
	}
	assert_int_equal(n_taken, 2);
	for (size_t n = 0; n < n_good; n++) {
		struct tsig_record r;
		size_t cut = n;
		memcpy(msg, good, n);
		assert_int_equal(tsig_take(msg, &cut, &r), -EBADMSG);
	}
	tsig_client_done(&c);
	tsig_key_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_keys_are_refused),  cmocka_unit_test(both_sides_agree),
		cmocka_unit_test(strangers_are_refused), cmocka_unit_test(too_many_unsigned),
		cmocka_unit_test(changes_are_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
