/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

static const uint8_t *wire(const char *text)
{
	static struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n.wire;
}

static void names_that_match(void **state)
{
	(void)state;
	static const struct {
		const char *regex, *name;
		bool expected;
	} rows[] = {
		{ "(^|\\.)example\\.com$", "www.example.com", true },
		{ "(^|\\.)example\\.com$", "wwwexample.com", false },
		{ "EXAMPLE", "www.example.com", true },
		{ "^ads?[0-9]*\\.", "ad17.example", true },
		{ "^ads?[0-9]*\\.", "bad17.example", false },
		{ ".", "a", true },
		{ "[[:digit:]]{3}", "a123.b", true },
		{ "a\\032b", "a\\032b.example", false }, /* as written in logs: needs a backslash */
		{ "a\\\\032b", "a\\032b.example", true },
		{ "m$", "example.com", true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct probe *p = probe_open(rows[i].regex);
		assert_non_null(p);
		if (probe_matches(p, wire(rows[i].name)) != rows[i].expected)
			fail_msg("%s, %s", rows[i].regex, rows[i].name);
		probe_close(p);
	}
}

/* Nobody waits for an expression that tries everything; what cannot be told counts as a match. */
static void what_takes_too_long_counts(void **state)
{
	(void)state;
	struct probe *p = probe_open("^(a|aa)+[x-z]$");
	assert_non_null(p);
	assert_true(probe_matches(p, wire("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac")));
	probe_close(p);
	assert_null(probe_open("(a"));
	probe_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_match),
		cmocka_unit_test(what_takes_too_long_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
