/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/guard.h"

#include "files.h"

static struct feeds_protected *set;
static struct policy_list_spec spec;
static struct feeds_list list;
static struct guard g;
static char why[300];
static uint64_t line;

static struct name name_of(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

static bool rule(const char *name, enum policy_action action)
{
	struct name n = name_of(name);
	struct feeds_rule r = { .name = &n, .line = 7 };
	r.rule = (struct policy_rule){ .scope = POLICY_SCOPE_TREE, .action = action };
	return guard_takes(&g, &r);
}

static void begin(struct feeds_guard options)
{
	guard_done(&g);
	list = files_list(&spec, "a", "a", FEEDS_DOMAINS);
	list.guard = options;
	list.guard.protected_names = set;
	assert_int_equal(guard_init(&g, &list), 0);
	line = 0;
}

static const char *judge(uint64_t rules, uint64_t before)
{
	struct feeds_version v = { .rules = before };
	return guard_judge(&g, rules, before > 0 ? &v : NULL, why, sizeof why, &line);
}

static void test_sizes(void **state)
{
	(void)state;
	begin((struct feeds_guard){
		.has_limits = true, .max_shrink_percent = 50, .max_grow_percent = 400 });
	assert_null(judge(0, 0));
	assert_null(judge(1, 99)); /* a small list */
	assert_null(judge(50, 100));
	assert_non_null(judge(49, 100));
	assert_non_null(
		strstr(why, "has 49 rules, and the version in force has 100 (max-shrink: 50)"));
	assert_null(judge(1000, 10)); /* not yet a thousand more */
	assert_non_null(judge(1011, 10));
	assert_null(judge(500000, 100000));
	assert_non_null(judge(500001, 100000));
	assert_non_null(strstr(why, "max-grow: 400"));
	begin((struct feeds_guard){ .has_limits = true, .max_shrink_percent = 100 });
	assert_null(judge(0, 1000000));
	assert_null(judge(1000000000, 1));
	begin((struct feeds_guard){ .has_limits = true, .max_shrink_percent = 0 });
	assert_non_null(judge(999, 1000));
	begin((struct feeds_guard){ 0 });
	assert_null(judge(1, 1000000));
}

static void test_protected(void **state)
{
	(void)state;
	begin((struct feeds_guard){ .protected_mode = FEEDS_PROTECTED_REFUSE });
	assert_true(rule("evil.example", POLICY_NONE));
	assert_null(judge(1, 1));
	assert_false(rule("microsoftonline.com", POLICY_NONE)); /* left out in any case */
	assert_null(judge(1, 0));                               /* there is nothing better */
	assert_int_equal(guard_count(&g), 1);
	assert_non_null(judge(1, 1));
	assert_non_null(strstr(why, "blocks microsoftonline.com, and so the protected"));
	assert_int_equal(line, 7);
	struct feeds_version before = { .rules = 1, .n_protected = 1 };
	assert_null(guard_judge(&g, 1, &before, why, sizeof why, &line)); /* as ever */
	assert_false(rule("com", POLICY_NODATA));
	assert_non_null(guard_judge(&g, 1, &before, why, sizeof why, &line));

	begin((struct feeds_guard){ .protected_mode = FEEDS_PROTECTED_SKIP });
	assert_false(rule("com", POLICY_NONE));
	assert_null(judge(1, 1));
	begin((struct feeds_guard){ .protected_mode = FEEDS_PROTECTED_IGNORE });
	assert_true(rule("com", POLICY_NONE));
	assert_null(judge(1, 1));
}

static void test_what_is_no_block(void **state)
{
	(void)state;
	begin((struct feeds_guard){ .protected_mode = FEEDS_PROTECTED_REFUSE });
	assert_true(rule("github.com", POLICY_ALLOW));
	assert_true(rule("github.com", POLICY_LOG));
	assert_true(rule("github.com", POLICY_REDIRECT));
	assert_int_equal(guard_count(&g), 0);
	/* An exception in the list makes up for a block that is not deeper. */
	assert_false(rule("github.com", POLICY_NONE));
	assert_int_equal(guard_count(&g), 0);
	assert_null(judge(1, 1));
	spec.action = POLICY_LOG;
	assert_int_equal((guard_done(&g), guard_init(&g, &list)), 0);
	assert_true(rule("com", POLICY_NONE));
}

static void test_many_hits(void **state)
{
	(void)state;
	begin((struct feeds_guard){ .protected_mode = FEEDS_PROTECTED_REFUSE });
	for (unsigned i = 0; i < 100; i++)
		assert_false(rule("com", POLICY_NONE));
	assert_int_equal(guard_count(&g), 100);
	assert_non_null(judge(1, 1));
}

static void test_canaries(void **state)
{
	struct name listed[] = { name_of("www.canary.example"), name_of("192.0.2.77") };
	struct name clean[] = { name_of("www.good.example") };
	struct addr_prefix p = { .length = 24 };
	struct feeds_rule r = { .prefix = &p };
	(void)state;
	assert_int_equal(addr_from_text("192.0.2.0", 9, &p.addr), 0);
	begin((struct feeds_guard){
		.listed = listed, .n_listed = 2, .clean = clean, .n_clean = 1 });
	assert_true(rule("x.www.canary.example", POLICY_NONE));
	assert_non_null(judge(1, 0));
	assert_non_null(strstr(why, "does not list www.canary.example"));
	assert_true(rule("canary.example", POLICY_NONE));
	assert_non_null(judge(1, 0));
	assert_non_null(strstr(why, "does not list 192.0.2.77"));
	assert_true(guard_takes(&g, &r));
	assert_null(judge(1, 0));
	assert_true(rule("example", POLICY_NONE));
	assert_non_null(judge(1, 0));
	assert_non_null(strstr(why, "lists www.good.example, which must not be in it"));
	assert_int_equal(line, 7);
}

static bool pattern(const char *regex, enum policy_action action)
{
	const struct policy_pattern_rule p = { .text = regex, .regex = regex, .action = action };
	struct feeds_rule r = { .pattern = &p, .line = 9 };
	r.rule = (struct policy_rule){ .scope = POLICY_SCOPE_TREE, .action = action };
	return guard_takes(&g, &r);
}

/* A pattern is held against the names themselves. */
static void test_patterns(void **state)
{
	struct name listed[] = { name_of("ads17.canary.example") };
	struct name clean[] = { name_of("www.good.example") };
	(void)state;
	begin((struct feeds_guard){ .protected_mode = FEEDS_PROTECTED_REFUSE });
	assert_true(pattern("^ads?[0-9]*\\.", POLICY_NONE));
	assert_true(pattern("(^|\\.)login\\.microsoftonline\\.com$", POLICY_ALLOW));
	assert_false(pattern("microsoft(online)?", POLICY_NONE));
	assert_int_equal(guard_count(&g), 1);
	assert_non_null(judge(1, 1));
	assert_non_null(strstr(why, "blocks microsoft(online)?, and so the protected"));
	assert_int_equal(line, 9);
	assert_false(pattern(".", POLICY_NODATA));
	assert_int_equal(guard_count(&g), 2);
	/* What PCRE2 does not take, nobody can vouch for. */
	assert_false(pattern("(a", POLICY_NONE));
	assert_int_equal(guard_count(&g), 3);
	/* A name of the list that allows it goes before any pattern. */
	begin((struct feeds_guard){ .protected_mode = FEEDS_PROTECTED_REFUSE });
	assert_true(rule("github.com", POLICY_ALLOW));
	assert_false(pattern("(^|\\.)github\\.com$", POLICY_NONE));
	assert_int_equal(guard_count(&g), 0);
	begin((struct feeds_guard){ .protected_mode = FEEDS_PROTECTED_IGNORE });
	assert_true(pattern(".", POLICY_NONE));
	begin((struct feeds_guard){
		.listed = listed, .n_listed = 1, .clean = clean, .n_clean = 1 });
	assert_true(pattern("^ads[0-9]+\\.canary", POLICY_NONE));
	assert_null(judge(1, 0));
	assert_true(pattern("good", POLICY_NONE));
	assert_non_null(judge(1, 0));
	assert_non_null(strstr(why, "lists www.good.example, which must not be in it"));
	assert_int_equal(line, 9);
}

static int set_up(void **state)
{
	(void)state;
	return feeds_protected_new(NULL, 0, &set);
}

static int tear_down(void **state)
{
	(void)state;
	guard_done(&g);
	feeds_protected_free(set);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),     cmocka_unit_test(test_protected),
		cmocka_unit_test(test_many_hits), cmocka_unit_test(test_what_is_no_block),
		cmocka_unit_test(test_canaries),  cmocka_unit_test(test_patterns),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
