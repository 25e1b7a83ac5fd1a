/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/random.h"
#include "world.h"

static void words_go_both_ways(void **state)
{
	(void)state;
	enum policy_action a = POLICY_DROP;
	for (enum policy_action i = POLICY_ALLOW; i <= POLICY_REDIRECT; i++) {
		assert_int_equal(policy_action_from_text(policy_action_name(i), &a), 0);
		assert_int_equal(a, i);
	}
	assert_string_equal(policy_action_name(POLICY_NXDOMAIN), "nxdomain");
	assert_string_equal(policy_action_name(POLICY_NONE), "none");
	assert_int_equal(policy_action_from_text("none", &a), -EINVAL);
	assert_int_equal(policy_action_from_text("", &a), -EINVAL);
	assert_int_equal(policy_action_from_text("NXDOMAIN", &a), -EINVAL);
	assert_string_equal(policy_trigger_name(POLICY_TRIGGER_SERVER_NAME), "server-name");
	assert_string_equal(policy_trigger_name(99), "none");
	assert_string_equal(policy_action_name(99), "none");
}

static void a_rule_as_text(void **state)
{
	(void)state;
	static const struct {
		enum policy_scope scope;
		uint8_t depth;
		const char *subject, *text;
	} rows[] = {
		{ POLICY_SCOPE_EXACT, 3, "x.evil.example", "x.evil.example" },
		{ POLICY_SCOPE_TREE, 2, "x.evil.example", "evil.example" },
		{ POLICY_SCOPE_BELOW, 2, "x.evil.example", "*.evil.example" },
		{ POLICY_SCOPE_TREE, 0, "x.evil.example", "." },
		{ POLICY_SCOPE_BELOW, 0, "x.evil.example", "*." },
		{ POLICY_SCOPE_TREE, 9, "x.evil.example", "x.evil.example" }, /* too deep */
		{ POLICY_SCOPE_TREE, 2, "x\\000.evil\\010.example", "evil\\010.example" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct verdict v = { .trigger = POLICY_TRIGGER_QUESTION,
			             .scope = rows[i].scope,
			             .rule_depth = rows[i].depth };
		assert_string_equal(world_rule_text(&v, rows[i].subject), rows[i].text);
	}
	char text[NAME_TEXT_MAX + 8];
	struct verdict none = { 0 };
	assert_int_equal(verdict_rule_text(&none, NULL, text), 0);
	assert_string_equal(text, "");
}

static const char *list_name(const struct world *w, uint16_t list)
{
	return list == POLICY_NO_LIST ? "edit" : w->lists[list].name;
}

/* All that matches, in the order of precedence; the winner is marked. */
static void everything_that_matches_is_found_in_order(void **state)
{
	(void)state;
	struct world w;
	struct policy_match_found found[16];
	static const char *const rules[] = {
		"nxdomain tree example",      "allow tree a.example",
		"refused exact a.example",    "nodata tree a.example !",
		"drop tree a.example",        "log tree a.example",
		"truncate exact b.a.example", "server-drop exact a.example",
	};
	static const char *const expected[] = { "edit",    "edit", "nodata", "allow",
		                                "refused", "drop", "log",    "nxdomain" };
	world_start(&w);
	assert_int_equal(policy_edits_open(""), 0);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		assert_int_equal(world_rule(&w, rules[i]), 0);
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "nxdomain allow nodata log server-drop", NULL);
	world_snapshot(&w, &g, 1);
	struct policy_edit e = world_edit("a.example", POLICY_SCOPE_EXACT, POLICY_DROP, "other");
	assert_int_equal(policy_edit_add(&e), 0);
	e = world_edit("a.example", POLICY_SCOPE_TREE, POLICY_REFUSED, "");
	assert_int_equal(policy_edit_add(&e), 0);
	struct name name = world_name("a.example");
	struct name_hashes h;
	name_hash_all(name.wire, &h);
	unsigned n = policy_find_all(w.policy, 0, POLICY_TRIGGER_QUESTION, name.wire, &h, NULL,
	                             found, 16);
	assert_int_equal(n, ARRAY_LEN(expected));
	for (unsigned i = 0; i < n; i++) {
		assert_string_equal(list_name(&w, found[i].list), expected[i]);
		assert_int_equal(found[i].is_winner, i == 1);
	}
	assert_false(found[0].in_group); /* the edit of another group */
	assert_true(found[2].in_group && found[2].is_important);
	assert_false(found[4].in_group); /* a list that the group does not use */

	/* With less room the best stay, and the number tells how many there are. */
	struct policy_match_found few[4];
	for (unsigned max = 0; max <= 4; max++) {
		n = policy_find_all(w.policy, 0, POLICY_TRIGGER_QUESTION, name.wire, &h, NULL, few,
		                    max);
		assert_int_equal(n, ARRAY_LEN(expected));
		for (unsigned i = 0; i < max; i++)
			assert_string_equal(list_name(&w, few[i].list), expected[i]);
	}
	/* A client in no group: everything is found, nothing wins. */
	n = policy_find_all(w.policy, POLICY_NO_GROUP, POLICY_TRIGGER_QUESTION, name.wire, &h, NULL,
	                    found, 16);
	assert_int_equal(n, ARRAY_LEN(expected));
	for (unsigned i = 0; i < n; i++)
		assert_false(found[i].is_winner || found[i].in_group);
	policy_edits_close();
	world_end(&w);
}

static void prefixes_are_found_longest_first(void **state)
{
	(void)state;
	struct world w;
	struct policy_match_found found[4];
	world_start(&w);
	assert_int_equal(world_rule(&w, "answer-drop tree 192.0.0.0/8"), 0);
	assert_int_equal(world_rule(&w, "answer-nodata tree 192.0.2.0/24"), 0);
	assert_int_equal(world_rule(&w, "answer-refused tree 192.0.2.7/32"), 0);
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "answer-drop answer-nodata", NULL);
	world_snapshot(&w, &g, 1);
	struct addr a = world_addr("192.0.2.7");
	assert_int_equal(
		policy_find_all(w.policy, 0, POLICY_TRIGGER_ANSWER, NULL, NULL, &a, found, 4), 3);
	assert_int_equal(found[0].prefix_length, 32);
	assert_false(found[0].in_group);
	assert_int_equal(found[1].prefix_length, 24);
	assert_true(found[1].is_winner);
	assert_int_equal(found[2].prefix_length, 8);
	assert_int_equal(policy_find_all(w.policy, 0, POLICY_TRIGGER_SERVER_ADDRESS, NULL, NULL, &a,
	                                 found, 4),
	                 0);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_go_both_ways),
		cmocka_unit_test(a_rule_as_text),
		cmocka_unit_test(everything_that_matches_is_found_in_order),
		cmocka_unit_test(prefixes_are_found_longest_first),
	};
	struct siphash_key key = { random_u64(), random_u64() };
	name_set_hash_key(&key);
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
