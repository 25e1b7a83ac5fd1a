/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/overrides.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct overrides o;

static const uint8_t *wire(const char *text)
{
	static struct name names[4];
	static unsigned at;
	struct name *n = &names[at++ % 4];
	assert_int_equal(name_from_text(text, strlen(text), n), 0);
	return n->wire;
}

static bool covers(const char *name, enum policy_scope scope, enum override_kind kind)
{
	return overrides_cover(&o, wire(name), scope, 1U << kind);
}

static void what_covers_what(void **state)
{
	(void)state;
	static const struct {
		enum policy_scope over; /* at "a.example" */
		const char *name;
		enum policy_scope scope;
		bool expected;
	} rows[] = {
		{ POLICY_SCOPE_TREE, "a.example", POLICY_SCOPE_TREE, true },
		{ POLICY_SCOPE_TREE, "a.example", POLICY_SCOPE_EXACT, true },
		{ POLICY_SCOPE_TREE, "a.example", POLICY_SCOPE_BELOW, true },
		{ POLICY_SCOPE_TREE, "x.y.a.example", POLICY_SCOPE_TREE, true },
		{ POLICY_SCOPE_TREE, "example", POLICY_SCOPE_TREE, false },
		{ POLICY_SCOPE_TREE, "xa.example", POLICY_SCOPE_TREE, false },
		{ POLICY_SCOPE_BELOW, "a.example", POLICY_SCOPE_TREE, false },
		{ POLICY_SCOPE_BELOW, "a.example", POLICY_SCOPE_EXACT, false },
		{ POLICY_SCOPE_BELOW, "a.example", POLICY_SCOPE_BELOW, true },
		{ POLICY_SCOPE_BELOW, "x.a.example", POLICY_SCOPE_TREE, true },
		{ POLICY_SCOPE_EXACT, "a.example", POLICY_SCOPE_TREE, false },
		{ POLICY_SCOPE_EXACT, "a.example", POLICY_SCOPE_EXACT, true },
		{ POLICY_SCOPE_EXACT, "x.a.example", POLICY_SCOPE_EXACT, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
			overrides_add(&o, wire("a.example"), rows[i].over, OVERRIDE_EXCEPTION, 1),
			0);
		overrides_seal(&o);
		if (covers(rows[i].name, rows[i].scope, OVERRIDE_EXCEPTION) != rows[i].expected)
			fail_msg("row %zu", i);
		assert_false(covers(rows[i].name, rows[i].scope, OVERRIDE_BLOCK_STRONG));
		overrides_done(&o);
	}
}

static void many_and_merged(void **state)
{
	(void)state;
	char text[64];
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(text, sizeof text, "n%u.example", i);
		assert_int_equal(
			overrides_add(&o, wire(text), POLICY_SCOPE_TREE, i % OVERRIDE_N_KINDS, i),
			0);
	}
	assert_int_equal(
		overrides_add(&o, wire("n0.example"), POLICY_SCOPE_EXACT, OVERRIDE_REWRITE, 9999),
		0);
	assert_int_equal(overrides_add_off(&o, 4), 0);
	overrides_seal(&o);
	assert_int_equal(o.n, 4999); /* n0 twice in one, n4 switched off */
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(text, sizeof text, "x.n%u.example", i);
		assert_int_equal(covers(text, POLICY_SCOPE_TREE, i % OVERRIDE_N_KINDS), i != 4);
	}
	assert_true(covers("n0.example", POLICY_SCOPE_EXACT, OVERRIDE_REWRITE));
	assert_false(covers("x.n0.example", POLICY_SCOPE_EXACT, OVERRIDE_REWRITE));
	assert_true(overrides_is_off(&o, 4));
	assert_false(overrides_is_off(&o, 5));
	overrides_done(&o);
	assert_false(covers("n1.example", POLICY_SCOPE_TREE, 1));
}

static void a_bound(void **state)
{
	(void)state;
	const uint8_t *name = wire("a.example");
	for (unsigned i = 0; i < OVERRIDES_MAX; i++)
		assert_int_equal(overrides_add_off(&o, i), 0);
	assert_int_equal(overrides_add_off(&o, 0), -E2BIG);
	assert_int_equal(overrides_add(&o, name, POLICY_SCOPE_TREE, 0, 0), 0); /* apart */
	overrides_done(&o);
}

static void for_some_types(void **state)
{
	(void)state;
	const struct type_set a = { .n = 1, .types = { DNS_A } };
	const struct type_set b = { .n = 1, .types = { DNS_AAAA } };
	struct type_set left = { .is_not = true };
	const unsigned kind = 1U << OVERRIDE_EXCEPTION;
	assert_int_equal(overrides_add_types(&o, wire("a.example"), POLICY_SCOPE_TREE,
	                                     OVERRIDE_EXCEPTION, 1, &a),
	                 0);
	assert_int_equal(overrides_add_types(&o, wire("x.a.example"), POLICY_SCOPE_BELOW,
	                                     OVERRIDE_EXCEPTION, 2, &b),
	                 0);
	assert_int_equal(overrides_add_types(&o, wire("a.example"), POLICY_SCOPE_TREE,
	                                     OVERRIDE_BLOCK_STRONG, 3, &b),
	                 0);
	assert_int_equal(overrides_add_types(&o, wire("x.a.example"), POLICY_SCOPE_TREE,
	                                     OVERRIDE_EXCEPTION, 4, &b),
	                 0);
	assert_int_equal(overrides_add_off(&o, 4), 0);
	overrides_seal(&o);
	assert_false(covers("a.example", POLICY_SCOPE_TREE, OVERRIDE_EXCEPTION));
	assert_true(overrides_leave(&o, wire("x.a.example"), POLICY_SCOPE_TREE, kind, &left));
	assert_false(type_set_has(&left, DNS_A));
	assert_true(type_set_has(&left, DNS_AAAA)); /* below x.a.example only */
	assert_true(overrides_leave(&o, wire("y.x.a.example"), POLICY_SCOPE_TREE, kind, &left));
	assert_false(type_set_has(&left, DNS_AAAA));
	assert_true(type_set_has(&left, DNS_TXT));
	left = (struct type_set){ .is_not = true };
	assert_true(overrides_leave(&o, wire("example"), POLICY_SCOPE_TREE, kind, &left));
	assert_true(type_set_is_all(&left));
	overrides_done(&o);
}

int main(void)
{
	const struct siphash_key key = { 1, 2 };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_covers_what),
		cmocka_unit_test(many_and_merged),
		cmocka_unit_test(a_bound),
		cmocka_unit_test(for_some_types),
	};
	name_set_hash_key(&key);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
