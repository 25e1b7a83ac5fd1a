/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/validators.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_round_trip(void **state)
{
	char text[VALIDATORS_MAX_BYTES];
	struct validators v = { .bytes = 12,
		                .fetched_s = 34,
		                .changed_s = 5,
		                .full_s = 3,
		                .sha256 = SUM,
		                .position = "2026-11-21T10:00:00.5Z",
		                .url = "https://a.example/x",
		                .etag = "W/\"x: y\"",
		                .modified = "Sat, 21 Nov 2026 10:00:00 GMT" };
	struct validators again;
	(void)state;
	memset(&again, 7, sizeof again);
	size_t n = validators_format(&v, text);
	assert_int_equal(validators_parse(text, n, &again), 0);
	assert_memory_equal(&v, &again, sizeof v);
}

static void test_longest(void **state)
{
	char text[VALIDATORS_MAX_BYTES];
	struct validators v = { .bytes = UINT64_MAX,
		                .fetched_s = UINT64_MAX,
		                .changed_s = UINT64_MAX,
		                .sha256 = SUM },
			  again;
	(void)state;
	memset(v.url, 'u', sizeof v.url - 1);
	memset(v.etag, 'e', sizeof v.etag - 1);
	memset(v.checked, 'c', sizeof v.checked - 1);
	memset(v.position, 'p', sizeof v.position - 1);
	memset(v.modified, 'm', sizeof v.modified - 1);
	size_t n = validators_format(&v, text);
	assert_int_equal(validators_parse(text, n, &again), 0);
	assert_string_equal(again.url, v.url);
	assert_string_equal(again.etag, v.etag);
}

static const char *const bad[] = {
	"",
	"\n",
	"sha256: 12\n",
	"sha256:\n",
	"sha256",
	":",
	"etag: x\n",
	"sha256: " SUM "0\n",
	"sha256: 0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\n",
};

static void test_bad(void **state)
{
	struct validators v = { .bytes = 99 };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(validators_parse(bad[i], strlen(bad[i]), &v), -EBADMSG);
	assert_int_equal(v.bytes, 99);
}

/* What would smuggle a line into a request is left out. */
static void test_control_characters(void **state)
{
	static const char text[] = "etag: \"a\"\r\nmodified: x\ty\nbytes: -5\nsha256: " SUM;
	struct validators v;
	(void)state;
	assert_int_equal(validators_parse(text, strlen(text), &v), 0);
	assert_string_equal(v.etag, "");
	assert_string_equal(v.modified, "");
	assert_int_equal(v.bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_control_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
