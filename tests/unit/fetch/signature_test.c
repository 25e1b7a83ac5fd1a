/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/signature.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Made with another implementation of Ed25519, in the forms of minisign and signify. */
/* clang-format off */
#define KEY "RWRBQkNERUZHSAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define HASHED "untrusted comment: x\n" "RURBQkNERUZHSBRt7001q8nGCo0ahxs5f9jNReNmFUUShMT20yV3M3DzNkoI5RUWsmfH/Sy55D3Y7mRBmIUR356WwOfk07r2CAg=\n" "trusted comment: timestamp:1\n" "WVEWgwcrYorjEYEwad2qbqS+lvMKJ3OsekKMskudvpDSb/Nk/5N+ODveeL/qsErqYFKXqB2MgAYMgCsFsWYwDQ==\n" ""
#define PLAIN "untrusted comment: x\n" "RWRBQkNERUZHSN82icvUjKIbQ3PGL9PHa4aFPZvWiF4tF6mNBBwLj4/xjaoYg5PmRqFH6wF7XnXjsnJ027nl8A8bGnjEJZJ8FAM=\n" "trusted comment: timestamp:1\n" "7f8QpLfGLxXw2ZMBwN4jI8NGf46tQqLW3W93tVzYsyenAV9wCPWo/DmcB31ymU/9D5ndhb3BwG1j6NYzbA46CA==\n" ""
#define SIGNIFY "untrusted comment: verify with x.pub\n" "RWRBQkNERUZHSN82icvUjKIbQ3PGL9PHa4aFPZvWiF4tF6mNBBwLj4/xjaoYg5PmRqFH6wF7XnXjsnJ027nl8A8bGnjEJZJ8FAM=\n" ""
#define SUM "9e4184548146c6a808bc994b913c7992b95c434cd5e2cc575265160bf7c974d2"
/* clang-format on */

static const char body[] = "evil.example\nworse.example\n";

static const char *check(const char *signature, const char *content)
{
	struct signature_key key;
	assert_int_equal(signature_key_parse(KEY, &key), 0);
	return signature_check(&key, signature, strlen(signature), (const uint8_t *)content,
	                       strlen(content));
}

static void test_good(void **state)
{
	(void)state;
	assert_null(check(HASHED, body));
	assert_null(check(PLAIN, body));
	assert_null(check(SIGNIFY, body));
}

static char *changed(const char *text, const char *from, const char *to)
{
	static char copy[2048];
	char *at;
	snprintf(copy, sizeof copy, "%s", text);
	at = strstr(copy, from);
	assert_non_null(at);
	memcpy(at, to, strlen(to));
	return copy;
}

static void test_bad(void **state)
{
	char cut[sizeof HASHED];
	(void)state;
	assert_string_equal(check(HASHED, "evil.example\n"), "is not of this file");
	assert_string_equal(check(PLAIN, ""), "is not of this file");
	assert_string_equal(check(SIGNIFY, "x"), "is not of this file");
	assert_string_equal(check(changed(HASHED, "timestamp:1", "timestamp:2"), body),
	                    "has a trusted comment that was changed");
	assert_string_equal(check(changed(SIGNIFY, "RWRB", "RWRC"), body),
	                    "was made by another key");
	assert_non_null(check("", body));
	assert_non_null(check("untrusted comment: x\n", body));
	assert_non_null(check("untrusted comment: x\nRWRB\n", body));
	assert_non_null(check("<html>", body));
	for (size_t n = 0; n + 1 < sizeof HASHED; n++) {
		memcpy(cut, HASHED, n);
		cut[n] = 0;
		if (n < strlen(HASHED) - 1) /* the last line end may be missing */
			assert_non_null(check(cut, body));
	}
}

static void test_keys(void **state)
{
	struct signature_key key;
	(void)state;
	assert_int_equal(signature_key_parse(KEY, &key), 0);
	assert_int_equal(key.id[0], 65);
	assert_int_equal(signature_key_parse("", &key), -EINVAL);
	assert_int_equal(signature_key_parse("RWRB", &key), -EINVAL);
	assert_int_equal(signature_key_parse(SUM, &key), -EINVAL);
}

static const struct {
	const char *manifest;
	int expected;
} sums[] = {
	/* clang-format off */
	{ SUM "  list.txt\n", 0 },
	{ SUM " *list.txt\n", 0 },
	{ "# x\n" SUM "  ./pub/list.txt\r\n", 0 },
	{ SUM "\n", 0 },
	{ SUM, 0 },
	{ "SHA256 (list.txt) = " SUM "\n", 0 },
	{ "0000000000000000000000000000000000000000000000000000000000000000  other.txt\n" SUM "  list.txt\n", 0 },
	{ SUM "  other.txt\n", -ENOENT },
	{ SUM "0  list.txt\n", -ENOENT },
	{ SUM "\n" SUM "\n", -ENOENT },
	{ "SHA256 (other.txt) = " SUM "\n", -ENOENT },
	{ "SHA256 (list.txt", -ENOENT },
	{ "", -ENOENT },
	{ "<html>", -ENOENT },
	/* clang-format on */
};

static void test_sums(void **state)
{
	char sum[65];
	(void)state;
	for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
		memset(sum, 0, sizeof sum);
		int e = signature_find_sum(sums[i].manifest, strlen(sums[i].manifest), "list.txt",
		                           sum);
		if (e != sums[i].expected || (e == 0 && strcmp(sum, SUM) != 0))
			fail_msg("%s", sums[i].manifest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_sums),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
