/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/patterns.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/clock.h"

/* ---- checking ---- */

static const struct {
	const char *why;
	const char *regex;
	enum policy_pattern_fault expected;
} checks[] = {
	/* clang-format off */
	{ "as in Pi-hole's lists", "^(.+[_.-])?telemetry[_.-]", POLICY_PATTERN_GOOD },
	{ "classes", "[[:alnum:]]{8,}[]x]\\.(top|xyz)$", POLICY_PATTERN_GOOD },
	{ "capitals", "^AD[SX]?[0-9]*\\.", POLICY_PATTERN_GOOD },
	{ "a name's whole length", "^.{1,253}$", POLICY_PATTERN_GOOD },
	{ "no repeat, but text", "a{,3}{x}", POLICY_PATTERN_GOOD },
	{ "everything, on purpose", ".", POLICY_PATTERN_GOOD },
	{ "matches the empty text", "(ads)*", POLICY_PATTERN_EVERYTHING },
	{ "a bar too many", "ads|", POLICY_PATTERN_EVERYTHING },
	{ "empty", "", POLICY_PATTERN_EVERYTHING },
	{ "open group", "ads(", POLICY_PATTERN_SYNTAX },
	{ "open class", "ads[", POLICY_PATTERN_SYNTAX },
	{ "lookahead", "^(?!good)", POLICY_PATTERN_SYNTAX },
	{ "back reference", "(a)\\1", POLICY_PATTERN_SYNTAX },
	{ "UTF-8", "b\xc3\xbc" "cher", POLICY_PATTERN_SYNTAX },
	{ "a thousand times", "(ad){600}", POLICY_PATTERN_BUDGET },
	{ "repeats in repeats", "((a{1,30}){1,30}){1,30}", POLICY_PATTERN_BUDGET },
	{ "no bound at all", "((((a?){99}){99}){99}){99}", POLICY_PATTERN_BUDGET },
	{ "a number that overflows", "a{99999999999999999999}", POLICY_PATTERN_BUDGET },
	{ "a repeat behind nothing", "{5}", POLICY_PATTERN_SYNTAX },
	/* clang-format on */
};

static void test_check(void **state)
{
	(void)state;
	char why[POLICY_PATTERN_WHY_MAX];
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		enum policy_pattern_fault got = policy_pattern_check(checks[i].regex, why);
		if (got != checks[i].expected)
			fail_msg("%s: %s: %d (%s)", checks[i].why, checks[i].regex, got, why);
		assert_int_equal(why[0] == 0, got == POLICY_PATTERN_GOOD);
	}
	char text[POLICY_PATTERN_MAX + 2];
	memset(text, 'a', sizeof text);
	text[POLICY_PATTERN_MAX] = 0;
	assert_int_equal(policy_pattern_check(text, why), POLICY_PATTERN_GOOD);
	text[POLICY_PATTERN_MAX] = 'a';
	text[POLICY_PATTERN_MAX + 1] = 0;
	assert_int_equal(policy_pattern_check(text, why), POLICY_PATTERN_BUDGET);
	char deep[2 * PATTERN_DEPTH_MAX + 4] = "";
	memset(deep, '(', PATTERN_DEPTH_MAX + 1);
	deep[PATTERN_DEPTH_MAX + 1] = 'a';
	memset(deep + PATTERN_DEPTH_MAX + 2, ')', PATTERN_DEPTH_MAX + 1);
	assert_int_equal(policy_pattern_check(deep, why), POLICY_PATTERN_BUDGET);
}

/* ---- making and scanning ---- */

struct seen {
	uint32_t numbers[16];
	unsigned n;
};

static void note(void *arg, uint32_t number)
{
	struct seen *s = arg;
	assert_in_range(s->n, 0, 15);
	s->numbers[s->n++] = number;
}

static unsigned bits_of(const struct patterns *p, const char *text)
{
	struct seen s = { .n = 0 };
	unsigned bits = 0;
	patterns_scan(p, text, strlen(text), note, &s);
	for (unsigned i = 0; i < s.n; i++) {
		assert_int_equal(bits >> s.numbers[i] & 1, 0); /* each once */
		bits |= 1U << s.numbers[i];
	}
	return bits;
}

static struct patterns *build(const char *const *regexes, uint32_t n,
                              struct pattern_dropped *dropped)
{
	uint8_t *bytes = NULL;
	size_t n_bytes;
	struct patterns *p;
	assert_int_equal(
		pattern_build(regexes, n, &pattern_budget_usual, dropped, &bytes, &n_bytes), 0);
	assert_non_null(bytes);
	assert_int_equal(patterns_new(bytes, n_bytes, &p), 0);
	free(bytes);
	return p;
}

static void test_scan(void **state)
{
	(void)state;
	static const char *const regexes[] = { "^ads?[0-9]*\\.", "TRACK", "\\.(top|xyz)$",
		                               "track.*\\.xyz$", "^ads1\\.a\\.xyz$" };
	struct pattern_dropped dropped[ARRAY_LEN(regexes)] = { 0 };
	struct patterns *p = build(regexes, ARRAY_LEN(regexes), dropped);
	for (size_t i = 0; i < ARRAY_LEN(dropped); i++)
		assert_int_equal(dropped[i].fault, POLICY_PATTERN_GOOD);
	assert_int_equal(bits_of(p, "www.example"), 0);
	assert_int_equal(bits_of(p, "ads1.a.xyz"), 1 << 0 | 1 << 2 | 1 << 4);
	assert_int_equal(bits_of(p, "x.ads1.a.xyz"), 1 << 2);
	assert_int_equal(bits_of(p, "trackertracker.xyz"), 1 << 1 | 1 << 2 | 1 << 3);
	assert_int_equal(bits_of(p, ""), 0);
	patterns_put(p);
}

/* What cannot be compiled is named, and the others are there. */
static void test_dropped(void **state)
{
	(void)state;
	static const char *const regexes[] = { "good", "(a)\\1", "fine$", "oops(", "^ok" };
	struct pattern_dropped dropped[ARRAY_LEN(regexes)] = { 0 };
	struct patterns *p = build(regexes, ARRAY_LEN(regexes), dropped);
	assert_int_equal(dropped[0].fault, POLICY_PATTERN_GOOD);
	assert_int_equal(dropped[1].fault, POLICY_PATTERN_SYNTAX);
	assert_true(dropped[1].why[0] != 0);
	assert_int_equal(dropped[2].fault, POLICY_PATTERN_GOOD);
	assert_int_equal(dropped[3].fault, POLICY_PATTERN_SYNTAX);
	assert_int_equal(bits_of(p, "ok-good-fine"), 1 << 0 | 1 << 2 | 1 << 4);
	patterns_put(p);
}

/* Expressions that would take minutes or gigabytes end within the budget, and cost no other. */
static void test_budget(void **state)
{
	(void)state;
	static const char *const regexes[] = {
		"good",
		"((ab?c?){60}d?){30}x",
		"^ok",
	};
	struct pattern_dropped dropped[ARRAY_LEN(regexes)] = { 0 };
	const struct pattern_budget budget = {
		.all_ms = 200, .one_ms = 50, .make_bytes = 64 << 20, .database_bytes = 1 << 20
	};
	uint8_t *bytes = NULL;
	size_t n_bytes;
	uint64_t start_ns = clock_mono_ns();
	assert_int_equal(
		pattern_build(regexes, ARRAY_LEN(regexes), &budget, dropped, &bytes, &n_bytes), 0);
	assert_true(clock_mono_ns() - start_ns < 20 * NS_PER_S);
	assert_int_equal(dropped[0].fault, POLICY_PATTERN_GOOD);
	assert_int_not_equal(dropped[1].fault, POLICY_PATTERN_GOOD);
	assert_int_equal(dropped[2].fault, POLICY_PATTERN_GOOD);
	assert_non_null(bytes);
	free(bytes);
	/* Nothing is left: no database, and no error. */
	static const char *const none[] = { "(a)\\1" };
	struct pattern_dropped gone[1] = { 0 };
	bytes = NULL;
	assert_int_equal(pattern_build(none, 1, &budget, gone, &bytes, &n_bytes), 0);
	assert_null(bytes);
	assert_int_equal(gone[0].fault, POLICY_PATTERN_SYNTAX);
}

/* Why it could not even be tried is told as it is. */
static void test_no_descriptor(void **state)
{
	(void)state;
	static const char *const regexes[] = { "good" };
	struct pattern_dropped dropped[1] = { 0 };
	struct rlimit before, none;
	uint8_t *bytes = NULL;
	size_t n_bytes;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int e = pattern_build(regexes, 1, &pattern_budget_usual, dropped, &bytes, &n_bytes);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(e, -EMFILE);
	assert_null(bytes);
	assert_int_equal(dropped[0].fault, POLICY_PATTERN_GOOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),         cmocka_unit_test(test_scan),
		cmocka_unit_test(test_dropped),       cmocka_unit_test(test_budget),
		cmocka_unit_test(test_no_descriptor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
