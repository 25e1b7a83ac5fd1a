/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/facts.h"

#include <errno.h>

#include "feeds/report.h"
#include "files.h"

static void they_come_back_the_same(void **state)
{
	(void)state;
	struct policy_twice_item items[] = { { 5, 2 }, { 9, 100 } };
	struct facts f = { .source = { 1, 2, 3 }, .counts = { .lines = 7, .skipped = 3 } }, g;
	void *bytes;
	size_t n;
	facts_add_skip(&f, FEEDS_SKIP_URL, 4);
	facts_add_line(&f, 2);
	facts_add_line(&f, 2);
	facts_add_line(&f, 4);
	facts_seal(&f);
	f.twice = (struct policy_twice){ items, 2 };
	assert_int_equal(facts_format(&f, &bytes, &n), 0);
	assert_int_equal(facts_parse(bytes, n, &g), 0);
	assert_int_equal(g.n_special, 2);
	assert_int_equal(g.special[0], 2);
	assert_int_equal(g.special[1], 4);
	assert_int_equal(g.n_known[FEEDS_SKIP_URL], 1);
	assert_int_equal(g.twice.n, 2);
	assert_int_equal(g.twice.items[1].n, 100);
	assert_memory_equal(&g.source, &f.source, sizeof f.source);
	assert_memory_equal(&g.counts, &f.counts, sizeof f.counts);
	facts_done(&g);
	/* Damage is seen wherever it is. */
	for (size_t i = 0; i < n; i++) {
		((uint8_t *)bytes)[i] ^= 0x10;
		assert_int_equal(facts_parse(bytes, n, &g), -EBADMSG);
		((uint8_t *)bytes)[i] ^= 0x10;
		assert_int_equal(facts_parse(bytes, i, &g), -EBADMSG);
	}
	free(bytes);
	f.twice = (struct policy_twice){ 0 };
	facts_done(&f);
}

/* Numbers of which the finding would go astray, under a good checksum. */
static void what_is_not_in_order_is_not_taken(void **state)
{
	(void)state;
	struct policy_twice_item items[] = { { 9, 2 }, { 5, 2 } };
	struct facts f = { .twice = { items, 2 } }, g;
	void *bytes;
	size_t n;
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			items[1] = (struct policy_twice_item){ 10, 1 };
		if (i == 2)
			items[1] = (struct policy_twice_item){ 10, 2 };
		assert_int_equal(facts_format(&f, &bytes, &n), 0);
		assert_int_equal(facts_parse(bytes, n, &g), i < 2 ? -EBADMSG : 0);
		free(bytes);
	}
	facts_done(&g);
}

/* Of each reason the first are known; and only the first. */
static void known_are_the_first(void **state)
{
	(void)state;
	struct facts before = { 0 }, f = { .before = &before };
	struct feeds_report passed = { 0 };
	enum feeds_skip why = FEEDS_SKIP_URL;
	f.passed = &passed;
	for (unsigned i = 1; i <= FACTS_SKIPS + 10; i++)
		facts_add_skip(&before, why, i);
	before.counts.skips[why] = FACTS_SKIPS + 10;
	assert_int_equal(before.n_known[why], FACTS_SKIPS);
	assert_int_equal(before.n_special, FACTS_SKIPS);
	/* All but five of them have gone; one comes among them, one comes behind. */
	passed.skips[why] = 30;
	facts_add_skip(&f, why, 3);
	passed.skips[why] = FACTS_SKIPS;
	facts_add_skip(&f, why, 50);
	assert_int_equal(f.n_known[why], 1);
	f.counts.skips[why] = 12;
	assert_false(facts_have_examples(&f));
	f.counts.skips[why] = 1;
	assert_true(facts_have_examples(&f));
	/* Where all were known, all that come are. */
	before.counts.skips[why] = FACTS_SKIPS;
	facts_add_skip(&f, why, 60);
	assert_int_equal(f.n_known[why], 2);
	facts_add_skip(&f, FEEDS_SKIP_LOCAL_NAME, 61); /* nobody is told of these */
	assert_int_equal(f.n_special, 2);
	facts_done(&before);
	facts_done(&f);
}

static void too_many_are_none(void **state)
{
	(void)state;
	struct facts f = { 0 };
	for (uint64_t i = 1; i <= 2 * FACTS_SPECIAL_MAX + 2; i++)
		facts_add_line(&f, i);
	facts_seal(&f);
	assert_true(f.is_spoilt);
	facts_done(&f);
}

static void files_of_a_state(void **state)
{
	(void)state;
	struct policy_list_spec spec;
	struct feeds_list list = files_list(&spec, "a", "a", FEEDS_DOMAINS);
	char dir[128];
	snprintf(dir, sizeof dir, "%s", files_path("state"));
	assert_int_equal(mkdir(dir, 0700), 0);
	struct feeds_plan plan = { .lists = &list, .n_lists = 1, .state_dir = dir };
	struct facts f = { .source = { 1, 2, 3 } }, g;
	assert_int_equal(facts_read(&plan, "a", &g), -ENOENT);
	assert_int_equal(facts_write(&plan, "a", &f), 0);
	assert_int_equal(facts_write(&plan, "b", &f), 0);
	assert_int_equal(facts_read(&plan, "a", &g), 0);
	facts_done(&g);
	facts_prune(&plan);
	assert_int_equal(facts_read(&plan, "b", &g), -ENOENT);
	f.is_spoilt = true;
	assert_int_equal(facts_write(&plan, "a", &f), 0);
	assert_int_equal(facts_read(&plan, "a", &g), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_come_back_the_same),
		cmocka_unit_test(what_is_not_in_order_is_not_taken),
		cmocka_unit_test(known_are_the_first),
		cmocka_unit_test(too_many_are_none),
		cmocka_unit_test_setup_teardown(files_of_a_state, files_set_up, files_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
