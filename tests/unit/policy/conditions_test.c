/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists for new domains, and for some top-level domains; types and hours are in judge_test.c. */
#include "world.h"

/* What judging says; that of finding all must fit. */
static enum policy_action judge(const struct world *w, const char *text,
                                const struct policy_terms *terms)
{
	struct verdict v;
	struct name_hashes h;
	struct policy_match_found found[8];
	struct name name = world_name(text);
	name_hash_all(name.wire, &h);
	policy_judge_name_on(w->policy, 0, POLICY_TRIGGER_QUESTION, name.wire, &h, terms, &v);
	unsigned n = policy_find_all_on(w->policy, 0, POLICY_TRIGGER_QUESTION, name.wire, &h, NULL,
	                                terms, found, 8);
	bool has_winner = false;
	for (unsigned i = 0; i < n && i < 8; i++) {
		has_winner |= found[i].is_winner;
		assert_false(found[i].is_winner && found[i].is_off);
		if (found[i].is_off)
			assert_null(strstr(policy_list_why_off(w->policy, found[i].list, terms, &h),
			                   "holds"));
	}
	assert_int_equal(has_winner, v.action != POLICY_NONE);
	return v.action;
}

static enum policy_action judge_aged(const struct world *w, const char *text, uint32_t age_s)
{
	const struct policy_terms terms = {
		.type = DNS_A, .ns_dots = UINT8_MAX, .has_age = age_s != UINT32_MAX, .age_s = age_s
	};
	return judge(w, text, &terms);
}

static void a_list_holds_for_new_domains(void **state)
{
	(void)state;
	struct world w;
	world_start(&w);
	assert_int_equal(world_rule(&w, "nxdomain tree ."), 0); /* every name */
	assert_int_equal(world_rule(&w, "refused pattern ^x"), 0);
	assert_int_equal(world_rule(&w, "allow tree good.example"), 0);
	assert_int_equal(world_rule(&w, "drop tree b.example"), 0);
	w.lists[0].first_seen_s = 3600;
	w.lists[1].first_seen_s = 7200;
	world_write(&w);
	for (unsigned has_zone = 0; has_zone < 2; has_zone++) {
		struct policy_group_spec g;
		w.lists[3].is_rpz = has_zone == 1; /* several tiers, the same verdicts */
		world_group(&w, &g, "all", "drop allow nxdomain refused", NULL);
		world_snapshot(&w, &g, 1);
		assert_true(policy_group_wants_age(w.policy, 0));
		assert_false(policy_group_wants_age(w.policy, POLICY_NO_GROUP));
		struct policy_list_view view;
		policy_list_view(w.policy, 0, &view);
		assert_int_equal(view.first_seen_s, 3600);
		assert_int_equal(judge_aged(&w, "a.example", 0), POLICY_NXDOMAIN);
		assert_int_equal(judge_aged(&w, "a.example", 3599), POLICY_NXDOMAIN);
		assert_int_equal(judge_aged(&w, "a.example", 3600), POLICY_NONE);
		assert_int_equal(judge_aged(&w, "a.example", UINT32_MAX), POLICY_NONE);
		assert_int_equal(judge_aged(&w, "x.example", 3600), POLICY_REFUSED);
		assert_int_equal(judge_aged(&w, "x.example", 7200), POLICY_NONE);
		assert_int_equal(judge_aged(&w, "good.example", 0), POLICY_ALLOW);
		assert_int_equal(judge_aged(&w, "b.example", 7200), POLICY_DROP);
		assert_int_equal(judge(&w, "a.example", &policy_any_terms), POLICY_NONE);
		policy_free(w.policy);
	}
	w.policy = NULL;
	world_end(&w);
}

static void a_list_holds_below_some_names(void **state)
{
	(void)state;
	struct world w;
	struct name zip[3] = { world_name("zip"), world_name("co.uk"), world_name("xn--p1ai") };
	struct name nl = world_name("nl");
	world_start(&w);
	assert_int_equal(world_rule(&w, "nxdomain tree ."), 0);
	assert_int_equal(world_rule(&w, "refused pattern ^x"), 0);
	assert_int_equal(world_rule(&w, "drop tree shop.zip"), 0);
	assert_int_equal(world_rule(&w, "drop tree shop.nl"), 0);
	w.lists[0].suffixes = zip;
	w.lists[0].n_suffixes = 3;
	w.lists[1].suffixes = &nl;
	w.lists[1].n_suffixes = 1;
	w.lists[1].suffixes_are_not = true;
	w.lists[2].suffixes = &nl;
	w.lists[2].n_suffixes = 1;
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "drop refused nxdomain", NULL);
	world_snapshot(&w, &g, 1);
	static const struct {
		const char *name;
		enum policy_action expected;
	} rows[] = {
		{ "a.zip", POLICY_NXDOMAIN },     { "zip", POLICY_NXDOMAIN },
		{ "zip.com", POLICY_NONE },       { "a.b.co.uk", POLICY_NXDOMAIN },
		{ "a.uk", POLICY_NONE },          { "a.xn--p1ai", POLICY_NXDOMAIN },
		{ "x.example", POLICY_REFUSED },  { "x.nl", POLICY_NONE },
		{ "a.shop.nl", POLICY_DROP },     { "a.shop.zip", POLICY_NXDOMAIN },
		{ "x.shop.zip", POLICY_REFUSED }, { ".", POLICY_NONE },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (judge(&w, rows[i].name, &policy_any_terms) != rows[i].expected)
			fail_msg("%s", rows[i].name);
	}
	world_end(&w);
}

static void typed_rule(struct world *w, const char *list, const char *name, const char *types,
                       unsigned n, bool are_not, enum policy_action action)
{
	const struct policy_data d = { .types = (const uint8_t *)types,
		                       .n_types = (uint8_t)n,
		                       .types_are_not = are_not };
	const struct policy_rule r = { .scope = POLICY_SCOPE_TREE, .action = action, .data = &d };
	uint16_t at = world_list(w, list);
	struct name lower = world_name(name);
	assert_int_equal(policy_builder_add_name(w->builder, at, lower.wire, &r), 0);
}

static enum policy_action judge_type(const struct world *w, const char *name, uint16_t type)
{
	const struct policy_terms terms = { .type = type, .ns_dots = UINT8_MAX };
	return judge(w, name, &terms);
}

/* Rules of one list for different types stand beside each other, at their name. */
static void rules_hold_for_some_types(void **state)
{
	(void)state;
	struct world w;
	struct verdict v;
	struct name_hashes h;
	struct name name = world_name("c.example");
	world_start(&w);
	typed_rule(&w, "nxdomain", "a.example", "\0\1\0\034", 2, false, POLICY_NONE);
	typed_rule(&w, "nxdomain", "a.example", "\0\020", 1, false, POLICY_REFUSED);
	typed_rule(&w, "drop", "b.example", "\0\1", 1, true, POLICY_NONE);
	typed_rule(&w, "address", "c.example", "\0\1", 1, false, POLICY_NONE);
	typed_rule(&w, "server-drop", "ns.example", "\0\1", 1, false, POLICY_NONE);
	typed_rule(&w, "nodata.shadow", "a.example", "\0\1", 1, false, POLICY_NONE);
	assert_int_equal(world_rule(&w, "nodata tree example"), 0);
	world_write(&w);
	for (unsigned has_zone = 0; has_zone < 2; has_zone++) {
		struct policy_group_spec g;
		struct policy_group_view view;
		w.lists[5].is_rpz = has_zone == 1; /* nodata: several tiers, the same verdicts */
		world_group(&w, &g, "all", "nxdomain drop address server-drop nodata.shadow nodata",
		            NULL);
		world_snapshot(&w, &g, 1);
		policy_group_view(w.policy, 0, &view);
		assert_true(view.has_types);
		assert_int_equal(judge_type(&w, "x.a.example", DNS_A), POLICY_NXDOMAIN);
		assert_int_equal(judge_type(&w, "a.example", DNS_AAAA), POLICY_NXDOMAIN);
		assert_int_equal(judge_type(&w, "a.example", DNS_TXT), POLICY_REFUSED);
		assert_int_equal(judge_type(&w, "a.example", DNS_MX), POLICY_NODATA);
		assert_int_equal(judge_type(&w, "a.example", 0), POLICY_NODATA);
		assert_int_equal(judge_type(&w, "b.example", DNS_A), POLICY_NODATA);
		assert_int_equal(judge_type(&w, "b.example", DNS_TXT), POLICY_DROP);
		assert_int_equal(judge_type(&w, "b.example", 0), POLICY_NODATA);
		/* The answer is the list's own. */
		const struct policy_terms terms = { .type = DNS_A, .ns_dots = UINT8_MAX };
		name_hash_all(name.wire, &h);
		policy_judge_name_on(w.policy, 0, POLICY_TRIGGER_QUESTION, name.wire, &h, &terms,
		                     &v);
		assert_int_equal(v.action, POLICY_ADDRESS);
		assert_int_equal(v.data->n_addrs, 1);
		/* One look-up of name servers serves all types. */
		struct name ns = world_name("ns.example");
		name_hash_all(ns.wire, &h);
		policy_judge_name_on(w.policy, 0, POLICY_TRIGGER_SERVER_NAME, ns.wire, &h, &terms,
		                     &v);
		assert_int_equal(v.action, POLICY_NONE);
		policy_free(w.policy);
	}
	w.policy = NULL;
	world_end(&w);
}

/* Of lists of addresses the question's name counts. */
static void addresses_are_judged_by_the_question(void **state)
{
	(void)state;
	struct world w;
	struct name zip = world_name("zip"), asked = world_name("a.zip"),
		    other = world_name("a.nl");
	struct addr a = addr_v4(0xc0000201);
	struct name_hashes asked_hashes, other_hashes;
	struct verdict v;
	name_hash_all(asked.wire, &asked_hashes);
	name_hash_all(other.wire, &other_hashes);
	world_start(&w);
	assert_int_equal(world_rule(&w, "answer-drop prefix 192.0.2.0/24"), 0);
	w.lists[0].suffixes = &zip;
	w.lists[0].n_suffixes = 1;
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "answer-drop", NULL);
	world_snapshot(&w, &g, 1);
	struct policy_terms terms = { .question = &asked_hashes };
	policy_judge_address_on(w.policy, 0, POLICY_TRIGGER_ANSWER, &a, &terms, &v);
	assert_int_equal(v.action, POLICY_DROP);
	terms.question = &other_hashes;
	policy_judge_address_on(w.policy, 0, POLICY_TRIGGER_ANSWER, &a, &terms, &v);
	assert_int_equal(v.action, POLICY_NONE);
	terms.question = NULL;
	policy_judge_address_on(w.policy, 0, POLICY_TRIGGER_ANSWER, &a, &terms, &v);
	assert_int_equal(v.action, POLICY_NONE);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_holds_for_new_domains),
		cmocka_unit_test(a_list_holds_below_some_names),
		cmocka_unit_test(rules_hold_for_some_types),
		cmocka_unit_test(addresses_are_judged_by_the_question),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
