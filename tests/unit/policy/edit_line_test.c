/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/edit_line.h"

#include "world.h"

static void a_line_comes_back_as_it_was(void **state)
{
	(void)state;
	char line[EDIT_LINE_MAX];
	enum edit_op op;
	struct policy_edit back;
	struct policy_edit e =
		world_edit("a\\.b\\000.Evil.example", POLICY_SCOPE_BELOW, POLICY_DROP, "kids");
	e.expires_s = 1795007200;
	int n = edit_line_write(EDIT_ADD, &e, line);
	assert_true(n > 0);
	assert_int_equal(line[n - 1], '\n');
	assert_int_equal(strlen(line), n);
	assert_int_equal(edit_line_parse(line, (size_t)n - 1, &op, &back), 0);
	assert_int_equal(op, EDIT_ADD);
	assert_true(name_equal(back.name.wire, e.name.wire));
	assert_int_equal(back.action, POLICY_DROP);
	assert_int_equal(back.scope, POLICY_SCOPE_BELOW);
	assert_string_equal(back.group_name, "kids");
	assert_int_equal(back.made_s, e.made_s);
	assert_int_equal(back.expires_s, 1795007200);
	assert_string_equal(back.who, e.who);
	assert_string_equal(back.reason, e.reason);
	n = edit_line_write(EDIT_REMOVE, &e, line);
	assert_string_equal(line, "{\"op\":\"remove\",\"name\":\"a\\\\046b\\\\000.evil.example\","
	                          "\"group\":\"kids\"}\n");
	assert_int_equal(edit_line_parse(line, (size_t)n - 1, &op, &back), 0);
	assert_int_equal(op, EDIT_REMOVE);
	assert_true(name_equal(back.name.wire, e.name.wire));
}

#define REST "\"made\":1,\"expires\":0,\"who\":\"w\",\"reason\":\"r\"}"
#define HEAD "{\"op\":\"add\",\"name\":\"a.example\",\"action\":\"nxdomain\",\"scope\":\"tree\","

static void lines_and_whether_they_are_good(void **state)
{
	(void)state;
	static const struct {
		const char *why, *line;
		int expected;
	} lines[] = {
		{ "good", HEAD REST, 0 },
		{ "a group", HEAD "\"group\":\"kids\"," REST, 0 },
		{ "unknown members are let be", HEAD "\"later\":[1]," REST, 0 },
		{ "removal", "{\"op\":\"remove\",\"name\":\"a.example\"}", 0 },
		{ "empty", "", -EINVAL },
		{ "not JSON", "hello", -EINVAL },
		{ "cut", "{\"op\":\"add\",\"name\":\"a.exam", -EINVAL },
		{ "not an object", "[1]", -EINVAL },
		{ "unknown operation", "{\"op\":\"rename\",\"name\":\"a.example\"}", -EINVAL },
		{ "no name", "{\"op\":\"remove\"}", -EINVAL },
		{ "name is a number", "{\"op\":\"remove\",\"name\":1}", -EINVAL },
		{ "bad name", "{\"op\":\"remove\",\"name\":\"a..b\"}", -EINVAL },
		{ "control character in group",
		  "{\"op\":\"remove\",\"name\":\"a\",\"group\":\"\\u001b[2J\"}", -EINVAL },
		{ "NUL in a text", HEAD "\"group\":\"a\\u0000b\"," REST, -EINVAL },
		{ "twice the same member", HEAD "\"op\":\"remove\"," REST, -EINVAL },
		{ "action that needs data",
		  "{\"op\":\"add\",\"name\":\"a\",\"action\":\"address\",\"scope\":\"tree\"," REST,
		  -EINVAL },
		{ "action log",
		  "{\"op\":\"add\",\"name\":\"a\",\"action\":\"log\",\"scope\":\"tree\"," REST,
		  -EINVAL },
		{ "unknown scope",
		  "{\"op\":\"add\",\"name\":\"a\",\"action\":\"drop\",\"scope\":\"all\"," REST,
		  -EINVAL },
		{ "negative time", HEAD "\"made\":-1,\"expires\":0}", -EINVAL },
		{ "time is text", HEAD "\"made\":\"1\",\"expires\":0}", -EINVAL },
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		enum edit_op op;
		struct policy_edit e;
		int got = edit_line_parse(lines[i].line, strlen(lines[i].line), &op, &e);
		if (got != lines[i].expected)
			fail_msg("%s: %d", lines[i].why, got);
	}
}

static void long_lines_are_refused(void **state)
{
	(void)state;
	static char line[EDIT_LINE_MAX + 1];
	enum edit_op op;
	struct policy_edit e;
	memset(line, ' ', sizeof line);
	memcpy(line, "{\"op\":\"remove\",\"name\":\"a\"}", 26);
	assert_int_equal(edit_line_parse(line, sizeof line, &op, &e), -EINVAL);
	assert_int_equal(edit_line_parse(line, 100, &op, &e), 0);
}

static void what_cannot_be_put_in_force(void **state)
{
	(void)state;
	struct policy_edit good = world_edit("a.example", POLICY_SCOPE_TREE, POLICY_ALLOW, "");
	assert_int_equal(edit_check(&good), 0);
	struct policy_edit e = good;
	e.name.wire[1] = 'A';
	assert_int_equal(edit_check(&e), -EINVAL);
	e = good;
	e.name.len--;
	assert_int_equal(edit_check(&e), -EINVAL);
	e = good;
	e.action = POLICY_NONE;
	assert_int_equal(edit_check(&e), -EINVAL);
	e = good;
	e.action = POLICY_REDIRECT;
	assert_int_equal(edit_check(&e), -EINVAL);
	e = good;
	memset(e.reason, 'x', sizeof e.reason); /* no end */
	assert_int_equal(edit_check(&e), -EINVAL);
	e = good;
	e.reason[0] = '\n';
	assert_int_equal(edit_check(&e), -EINVAL);
	e = good;
	char line[EDIT_LINE_MAX];
	memcpy(e.who, "\xff\xfe", 3);
	assert_int_equal(edit_line_write(EDIT_ADD, &e, line), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_comes_back_as_it_was),
		cmocka_unit_test(lines_and_whether_they_are_good),
		cmocka_unit_test(long_lines_are_refused),
		cmocka_unit_test(what_cannot_be_put_in_force),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
