/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which wins is in judge_test.c; here is what is found, in which order, and the limits. */
#include "policy/pattern_hits.h"

#include "world.h"

static void the_best_come_first(void **state)
{
	(void)state;
	struct world w;
	struct pattern_hits hits;
	static const char *const rules[] = {
		"nxdomain pattern ads",  "allow pattern ads",   "refused pattern ads !",
		"nodata pattern ads",    "drop pattern ^other", "server-drop pattern ads",
		"nxdomain tree example",
	};
	world_start(&w);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		assert_int_equal(world_rule(&w, rules[i]), 0);
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "nxdomain allow refused drop server-drop", NULL);
	world_snapshot(&w, &g, 1);
	struct name name = world_name("ads.example");
	struct name_hashes hashes;
	name_hash_all(name.wire, &hashes);
	const struct pattern_subject subject = { name.wire, &hashes, &policy_any_terms };
	const struct policy_part *parts = w.policy->groups[0].parts;
	pattern_hits_find(w.policy, parts, POLICY_MATCH_NAME, PATTERN_OF_GROUP, &subject, &hits);
	assert_int_equal(hits.n, 3);
	assert_int_equal(hits.at[0].action, POLICY_REFUSED);
	assert_int_equal(hits.at[1].action, POLICY_ALLOW);
	assert_int_equal(hits.at[2].action, POLICY_NXDOMAIN);
	assert_int_equal(hits.at[2].rule->shown.line, 1);
	assert_null(pattern_hit_data(w.policy, &hits.at[0]));
	pattern_hits_find(w.policy, parts, POLICY_MATCH_NAME, PATTERN_OF_ALL, &subject, &hits);
	assert_int_equal(hits.n, 4);
	assert_int_equal(hits.at[3].action, POLICY_NODATA); /* its list has no rank */
	pattern_hits_find(w.policy, parts, POLICY_MATCH_NAMESERVER, PATTERN_OF_ALL, &subject,
	                  &hits);
	assert_int_equal(hits.n, 1);
	struct policy_list_view view;
	policy_list_view(w.policy, 0, &view);
	assert_int_equal(view.n_patterns, 1);
	assert_int_equal(view.n_names, 1);
	world_end(&w);
}

static void only_the_best_are_kept(void **state)
{
	(void)state;
	struct world w;
	struct pattern_hits hits;
	char rule[64];
	world_start(&w);
	for (unsigned i = 0; i < PATTERN_HITS_MAX + 5; i++) {
		snprintf(rule, sizeof rule, "nxdomain pattern a%.*s", (int)(i % 2), "d");
		assert_int_equal(world_rule(&w, rule), 0);
	}
	assert_int_equal(world_rule(&w, "refused pattern s !"), 0);
	assert_int_equal(world_rule(&w, "allow pattern ads"), 0);
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "nxdomain allow refused", NULL);
	world_snapshot(&w, &g, 1);
	struct name name = world_name("ads.example");
	struct name_hashes hashes;
	name_hash_all(name.wire, &hashes);
	const struct pattern_subject subject = { name.wire, &hashes, &policy_any_terms };
	pattern_hits_find(w.policy, w.policy->groups[0].parts, POLICY_MATCH_NAME, PATTERN_OF_GROUP,
	                  &subject, &hits);
	assert_int_equal(hits.n, PATTERN_HITS_MAX);
	assert_int_equal(hits.at[0].action, POLICY_REFUSED);
	assert_int_equal(hits.at[1].action, POLICY_ALLOW);
	for (unsigned i = 2; i < hits.n; i++)
		assert_int_equal(hits.at[i].action, POLICY_NXDOMAIN);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_come_first),
		cmocka_unit_test(only_the_best_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
