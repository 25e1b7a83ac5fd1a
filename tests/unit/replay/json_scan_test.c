/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/json_scan.h"

#include <errno.h>

#include "file.h"

enum {
	A = 2,
	B,
	C
};

static char seen[1024];

static void take(void *arg, uint8_t node, const struct json_text *t)
{
	char text[64];
	(void)arg;
	long n = json_text_plain(t, text, sizeof text);
	size_t at = strlen(seen);
	if (n >= 0)
		snprintf(seen + at, sizeof seen - at, "%u=%.*s ", node, (int)n, text);
	else
		snprintf(seen + at, sizeof seen - at, "%u!%ld ", node, n);
}

static void end(void *arg, uint8_t node)
{
	(void)arg;
	size_t at = strlen(seen);
	snprintf(seen + at, sizeof seen - at, "%u. ", node);
}

static int scan(const char *text)
{
	static const struct json_member members[] = {
		JSON_MEMBER(JSON_SCAN_ROOT, A, "a"),
		JSON_MEMBER(JSON_SCAN_ROOT, B, "bee"),
		JSON_MEMBER(B, C, "c"),
	};
	const struct json_scan s = {
		.members = members, .n_members = ARRAY_LEN(members), .text = take, .end = end
	};
	seen[0] = 0;
	return json_scan(&s, text, strlen(text));
}

static void members_are_found(void **state)
{
	static const struct {
		const char *text, *seen;
	} rows[] = {
		{ "{}", "1. " },
		{ " { \"a\" : \"x\" } ", "2=x 1. " },
		{ "{\"a\":1,\"b\":\"y\",\"bee\":{\"c\":\"z\",\"a\":\"q\"}}", "4=z 3. 1. " },
		{ "{\"bee\":[{\"c\":\"1\"},{\"c\":\"2\"},[],\"s\"],\"a\":\"x\"}",
		  "4=1 3. 4=2 3. 3=s 2=x 1. " },
		{ "{\"x\":{\"a\":\"no\",\"y\":[1,{\"}\":\"]\\\"\"}]},\"a\":\"yes\"}", "2=yes 1. " },
		{ "{\"a\":\"\\u00e9\\n\\\\\\ud83d\\ude00\"}", "2=é\n\\😀 1. " },
		{ "{\"a\":\"\\ud83d!\"}", "2=\xef\xbf\xbd! 1. " },
		{ "{\"a\":\"\\x\"}", "2!-74 1. " },
		{ "{\"aa\":\"x\",\"be\":\"y\",\"beee\":\"z\"}", "1. " },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (scan(rows[i].text) != 0 || strcmp(seen, rows[i].seen) != 0)
			fail_msg("%s: %s", rows[i].text, seen);
	}
}

static void what_is_not_json_is_refused(void **state)
{
	static const char *const rows[] = {
		"",          "[]",           "\"a\"",       "{",           "{\"a\"}",
		"{\"a\":}",  "{\"a\":\"x}",  "{\"a\":\"\\", "{\"a\":1,}x", "{} {}",
		"{\"a\" 1}", "{\"bee\":[1}", "{,\"a\":1}",  "{\"x\":{}",   "{\"a\":1 \"b\":2}",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (scan(rows[i]) != -EBADMSG)
			fail_msg("taken: %s", rows[i]);
	}
}

/* {"bee":[[[...]]]} with so many brackets. */
static int scan_nested(int depth)
{
	char open[64], close[64], text[256];
	memset(open, '[', sizeof open);
	memset(close, ']', sizeof close);
	snprintf(text, sizeof text, "{\"bee\":%.*s%.*s}", depth, open, depth, close);
	return scan(text);
}

static void depth_is_limited(void **state)
{
	(void)state;
	assert_int_equal(scan_nested(JSON_SCAN_DEPTH - 1), 0);
	assert_int_equal(scan_nested(JSON_SCAN_DEPTH), -EBADMSG);
}

static void a_text_that_is_too_long_is_told(void **state)
{
	char to[4];
	const struct json_text t = { "abcde", 5, false };
	const struct json_text escaped = { "ab\\n", 4, true };
	(void)state;
	assert_int_equal(json_text_plain(&t, to, sizeof to), -ENOBUFS);
	assert_int_equal(json_text_plain(&escaped, to, sizeof to), -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(what_is_not_json_is_refused),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(a_text_that_is_too_long_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
