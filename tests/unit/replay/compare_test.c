/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/compare.h"

#include <errno.h>

#include "base/random.h"
#include "seen/seen.h"
#include "world.h"

static struct replay_item item;

static struct replay_item *ask(const char *name, const char *client)
{
	memset(&item, 0, sizeof item);
	item.name = world_name(name);
	item.type = 1;
	item.outcome = REPLAY_PASSED;
	if (client != NULL) {
		item.client = world_addr(client);
		item.has_client = true;
	}
	return &item;
}

static const char *const rules[] = {
	"nxdomain tree bad.example",        "allow tree good.bad.example",
	"answer-refused tree 192.0.2.0/24", "server-drop tree ns.example",
	"nodata tree other.example",
};

/* group "first": 10/8, everything; "second": 10.9/16, nothing. */
static void start(struct world *w, struct policy_group_spec groups[2])
{
	world_start(w);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		assert_int_equal(world_rule(w, rules[i]), 0);
	world_write(w);
	world_group(w, &groups[0], "first", "nxdomain allow answer-refused server-drop nodata",
	            "10.0.0.0/8");
	world_group(w, &groups[1], "second", "", "10.9.0.0/16");
	world_snapshot(w, groups, 2);
	assert_int_equal(policy_edits_open(""), 0);
}

static void end(struct world *w)
{
	policy_edits_close();
	rcu_quiet();
	world_end(w);
}

static void each_stage_is_judged(void **state)
{
	static const struct {
		const char *name, *alias, *addr, *server;
		enum policy_action action;
		enum policy_trigger trigger;
	} rows[] = {
		{ "x.bad.example", NULL, NULL, NULL, POLICY_NXDOMAIN, POLICY_TRIGGER_QUESTION },
		{ "a.example", NULL, NULL, NULL, POLICY_NONE, POLICY_TRIGGER_NONE },
		{ "a.example", "bad.example", NULL, NULL, POLICY_NXDOMAIN, POLICY_TRIGGER_ALIAS },
		{ "a.example", NULL, "192.0.2.9", NULL, POLICY_REFUSED, POLICY_TRIGGER_ANSWER },
		{ "a.example", "bad.example", "192.0.2.9", "ns.example", POLICY_DROP,
		  POLICY_TRIGGER_SERVER_NAME },
		{ "good.bad.example", "bad.example", NULL, NULL, POLICY_ALLOW,
		  POLICY_TRIGGER_QUESTION },
	};
	(void)state;
	struct world w;
	struct policy_group_spec groups[2];
	start(&w, groups);
	const struct replay_side side = { .policy = w.policy };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct verdict v;
		ask(rows[i].name, NULL);
		if (rows[i].alias != NULL)
			item.aliases[item.n_aliases++] = world_name(rows[i].alias);
		if (rows[i].addr != NULL)
			item.addrs[item.n_addrs++] = world_addr(rows[i].addr);
		if (rows[i].server != NULL)
			item.server_names[item.n_server_names++] = world_name(rows[i].server);
		replay_judge(&side, 0, &item, &v);
		if (v.action != rows[i].action || v.trigger != rows[i].trigger)
			fail_msg("row %zu: %s", i, policy_action_name(v.action));
	}
	end(&w);
}

/* Policy zones: what is known first decides, whatever stands before it (docs/why/008). */
static void zones_decide_early_or_strictly(void **state)
{
	static const char *const zones[] = { "zone1 tree 192.0.2.0/24 =nxdomain @answer",
		                             "zone2 tree ns.example =nxdomain @ns",
		                             "zone3 tree bad.example =nxdomain",
		                             "zone4 tree q.example =nxdomain" };
	static const struct {
		const char *name, *alias, *addr, *server;
		int early, strict; /* the zone that decides; 0: none */
	} rows[] = {
		{ "a.example", NULL, NULL, NULL, 0, 0 },
		{ "q.example", NULL, "192.0.2.1", NULL, 4, 1 },
		{ "a.example", "bad.example", "192.0.2.1", NULL, 3, 1 },
		{ "a.example", "bad.example", NULL, "ns.example", 3, 2 },
		{ "a.example", "c.example", "192.0.2.1", "ns.example", 2, 1 },
		{ "q.example", "bad.example", "192.0.2.1", NULL, 4, 4 },
	};
	(void)state;
	for (int is_strict = 0; is_strict < 2; is_strict++) {
		struct world w;
		struct policy_group_spec g;
		world_start(&w);
		for (size_t i = 0; i < ARRAY_LEN(zones); i++)
			assert_int_equal(world_rule(&w, zones[i]), 0);
		world_write(&w);
		world_group(&w, &g, "all", "zone1 zone2 zone3 zone4", "10.0.0.0/8");
		g.is_strict = is_strict == 1;
		world_snapshot(&w, &g, 1);
		assert_int_equal(policy_edits_open(""), 0);
		const struct replay_side side = { .policy = w.policy };
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct verdict v;
			ask(rows[i].name, NULL);
			if (rows[i].alias != NULL)
				item.aliases[item.n_aliases++] = world_name(rows[i].alias);
			if (rows[i].addr != NULL)
				item.addrs[item.n_addrs++] = world_addr(rows[i].addr);
			if (rows[i].server != NULL)
				item.server_names[item.n_server_names++] =
					world_name(rows[i].server);
			replay_judge(&side, 0, &item, &v);
			int want = is_strict ? rows[i].strict : rows[i].early;
			int got = v.action == POLICY_NONE ? 0 : w.lists[v.list].name[4] - '0';
			if (got != want)
				fail_msg("row %zu, strict %d: zone %d", i, is_strict, got);
		}
		end(&w);
	}
}

static json_int_t number(const json_t *r, const char *change, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(r, change), key));
}

static const char *first_of(const json_t *r, const char *change, const char *table, const char *key)
{
	const json_t *t = json_object_get(json_object_get(r, change), table);
	return json_string_value(
		json_object_get(json_array_get(json_object_get(t, "top"), 0), key));
}

static void changes_against_the_recording(void **state)
{
	(void)state;
	struct world w;
	struct policy_group_spec groups[2];
	struct replay_comparison *c;
	start(&w, groups);
	const struct replay_plan plan = { .now.policy = w.policy };
	assert_int_equal(replay_comparison_new(&plan, &c), 0);
	assert_false(replay_has_changes(c));
	replay_compare(c, ask("a.example", "10.0.0.1"));
	assert_false(replay_has_changes(c));
	replay_compare(c, ask("x.bad.example", "10.0.0.1"));
	replay_compare(c, ask("x.bad.example", "10.0.0.2"));
	ask("y.bad.example", "10.0.0.1");
	item.has_rcode = true;
	item.rcode = RCODE_NXDOMAIN;
	replay_compare(c, &item);
	replay_compare(c, ask("x.bad.example", "10.9.0.1")); /* second has no lists */
	ask("bad.example", "10.0.0.1");
	item.outcome = REPLAY_BLOCKED;
	item.action = POLICY_NXDOMAIN;
	replay_compare(c, &item); /* as before */
	item.action = POLICY_REFUSED;
	replay_compare(c, &item); /* otherwise */
	ask("fine.example", "10.0.0.1");
	item.outcome = REPLAY_BLOCKED;
	snprintf(item.rule, sizeof item.rule, "list old: rule fine.example");
	replay_compare(c, &item);
	replay_compare(c, ask("bad.example", "192.0.2.1")); /* in no group */
	replay_compare(c, ask("bad.example", NULL));
	assert_true(replay_has_changes(c));
	json_t *r = replay_report(c, 5);
	assert_int_equal(json_integer_value(json_object_get(r, "questions")), 10);
	assert_int_equal(number(r, "newly_blocked", "questions"), 3);
	assert_int_equal(number(r, "newly_passed", "questions"), 1);
	assert_int_equal(number(r, "blocked_otherwise", "questions"), 1);
	assert_int_equal(number(r, "totals", "same_passed"), 2);
	assert_int_equal(number(r, "totals", "same_blocked"), 1);
	assert_int_equal(number(r, "totals", "in_no_group"), 1);
	assert_int_equal(number(r, "totals", "without_client"), 1);
	assert_int_equal(number(r, "totals", "newly_blocked_without_name"), 1);
	assert_string_equal(first_of(r, "newly_blocked", "names", "name"), "x.bad.example");
	assert_string_equal(first_of(r, "newly_blocked", "clients", "client"), "10.0.0.1");
	assert_string_equal(first_of(r, "newly_blocked", "rules", "rule"),
	                    "list nxdomain: rule bad.example");
	assert_string_equal(first_of(r, "newly_passed", "rules", "rule"),
	                    "list old: rule fine.example");
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	replay_print_report(out, r);
	fclose(out);
	assert_non_null(strstr(text, "10 questions"));
	assert_non_null(strstr(text, "x.bad.example    list nxdomain: rule bad.example"));
	free(text);
	json_decref(r);
	replay_comparison_free(c);
	end(&w);
}

static void changes_against_another_policy(void **state)
{
	(void)state;
	struct world w;
	struct policy_group_spec groups[2];
	struct replay_comparison *c;
	struct policy *other;
	start(&w, groups);
	groups[0].n_lists = 1; /* nxdomain alone */
	assert_int_equal(policy_new(w.opened, w.lists, w.n_lists, groups, 2, &other), 0);
	const struct replay_side before = { .policy = other };
	struct replay_plan plan = { .now.policy = w.policy, .before = &before, .group = "first" };
	assert_int_equal(replay_comparison_new(&plan, &c), 0);
	replay_compare(c, ask("x.bad.example", NULL));
	assert_false(replay_has_changes(c));
	replay_compare(c, ask("good.bad.example", NULL)); /* passes now */
	replay_compare(c, ask("other.example", NULL));    /* blocked now */
	json_t *r = replay_report(c, 5);
	assert_int_equal(number(r, "newly_blocked", "questions"), 1);
	assert_int_equal(number(r, "newly_passed", "questions"), 1);
	assert_string_equal(first_of(r, "newly_passed", "rules", "rule"),
	                    "list nxdomain: rule bad.example");
	json_decref(r);
	replay_comparison_free(c);
	plan.group = "nobody";
	assert_int_equal(replay_comparison_new(&plan, &c), -ENOENT);
	policy_free(other);
	end(&w);
}

/* A list of new domains: by what the recording has asked for before, and what a table knows. */
static void new_domains_of_a_recording(void **state)
{
	(void)state;
	enum {
		HOUR = 3600,
		BEGIN = 1790000000 /* in 2026 */
	};
	static const struct {
		const char *name;
		unsigned hours;
		bool is_new, is_new_with_table;
	} rows[] = {
		{ "www.learned.test", 1, false, false },
		{ "www.fresh.test", 30, true, true },
		{ "mail.fresh.test", 40, true, true },
		{ "www.fresh.test", 60, false, false },
		{ "www.learned.test", 60, false, false },
		{ "www.known.test", 61, true, false }, /* the table has it since the beginning */
		{ "1.0.0.10.in-addr.arpa", 61, false, false },
	};
	struct world w;
	struct policy_group_spec g;
	struct replay_comparison *c;
	struct seen *table;
	struct addr client = addr_v4(1);
	char why[SEEN_WHY_MAX];
	const struct seen_plan known = { .size_bytes = SEEN_SIZE_MIN, .now_s = BEGIN };
	world_start(&w);
	assert_int_equal(world_rule(&w, "nxdomain tree ."), 0);
	w.lists[0].first_seen_s = 24 * HOUR;
	world_write(&w);
	world_group(&w, &g, "all", "nxdomain", "10.0.0.0/8");
	world_snapshot(&w, &g, 1);
	assert_int_equal(seen_new(&known, &table, why), 0);
	seen_note(table, NULL, world_name("known.test").wire, &client, BEGIN);
	const struct replay_plan plan = { .now.policy = w.policy, .learn_s = 24 * HOUR };
	for (unsigned with_table = 0; with_table < 2; with_table++) {
		seen_set_current(with_table == 1 ? table : NULL);
		assert_int_equal(replay_comparison_new(&plan, &c), 0);
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			ask(rows[i].name, "10.0.0.1");
			item.wall_ns = (BEGIN + rows[i].hours * (uint64_t)HOUR) * 1000000000;
			replay_compare(c, &item);
			json_t *r = replay_report(c, 5);
			static json_int_t before;
			before = i == 0 ? 0 : before;
			json_int_t blocked = number(r, "newly_blocked", "questions");
			if (blocked - before !=
			    (with_table == 1 ? rows[i].is_new_with_table : rows[i].is_new))
				fail_msg("row %zu, table %u", i, with_table);
			before = blocked;
			json_decref(r);
		}
		replay_comparison_free(c);
	}
	seen_set_current(NULL);
	seen_free(table);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_domains_of_a_recording),
		cmocka_unit_test(each_stage_is_judged),
		cmocka_unit_test(zones_decide_early_or_strictly),
		cmocka_unit_test(changes_against_the_recording),
		cmocka_unit_test(changes_against_another_policy),
	};
	struct siphash_key key = { random_u64(), random_u64() };
	name_set_hash_key(&key);
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
