/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/snapshot.h"

#include <pthread.h>

#include "base/random.h"
#include "world.h"

static void what_is_configured_is_seen(void **state)
{
	(void)state;
	struct world w;
	world_start(&w);
	assert_int_equal(world_rule(&w, "nxdomain tree a.example"), 0);
	assert_int_equal(world_rule(&w, "answer-drop tree 192.0.2.0/24"), 0);
	(void)world_list(&w, "server-nodata"); /* has no rules */
	world_write(&w);
	struct policy_group_spec g[2];
	world_group(&w, &g[0], "first", "answer-drop nxdomain", "10.0.0.0/8");
	world_group(&w, &g[1], "second", "server-nodata", "10.1.0.0/16");
	g[1].is_default_deny = true;
	g[1].deny_action = POLICY_REFUSED;
	g[1].log_all = true;
	world_snapshot(&w, g, 2);
	struct policy_group_view v;
	policy_group_view(w.policy, 0, &v);
	assert_string_equal(v.name, "first");
	assert_int_equal(v.n_lists, 2);
	assert_int_equal(v.lists[0], 1);
	assert_int_equal(v.lists[1], 0);
	assert_true(v.has_alias_rules);
	assert_true(v.has_answer_rules);
	assert_false(v.has_server_rules);
	assert_false(v.is_default_deny);
	assert_int_equal(v.deny_action, POLICY_NXDOMAIN);
	policy_group_view(w.policy, 1, &v);
	assert_true(v.is_default_deny);
	assert_true(v.log_all);
	assert_int_equal(v.deny_action, POLICY_REFUSED);
	assert_false(v.has_alias_rules);
	assert_false(v.has_server_rules);
	assert_int_equal(policy_n_groups(w.policy), 2);
	assert_int_equal(policy_n_lists(w.policy), 3);
	assert_int_equal(policy_group_named(w.policy, "second"), 1);
	assert_int_equal(policy_group_named(w.policy, "third"), POLICY_NO_GROUP);
	struct addr a = world_addr("10.1.2.3");
	assert_int_equal(policy_group_of(w.policy, &a), 1);
	a = world_addr("10.2.2.3");
	assert_int_equal(policy_group_of(w.policy, &a), 0);
	a = world_addr("11.2.2.3");
	assert_int_equal(policy_group_of(w.policy, &a), POLICY_NO_GROUP);
	world_end(&w);
}

/* The same image under another configuration: no new image is needed. */
static void lists_are_matched_by_name(void **state)
{
	(void)state;
	struct world w;
	world_start(&w);
	assert_int_equal(world_rule(&w, "nxdomain tree a.example"), 0);
	assert_int_equal(world_rule(&w, "refused tree b.example"), 0);
	world_write(&w);
	struct policy_list_spec *specs = calloc(2, sizeof *specs);
	assert_non_null(specs);
	snprintf(specs[0].name, sizeof specs[0].name, "new");
	snprintf(specs[0].path, sizeof specs[0].path, "/lists/new");
	specs[0].action = POLICY_DROP;
	snprintf(specs[1].name, sizeof specs[1].name, "nxdomain");
	specs[1].action = POLICY_NODATA; /* the action changed, "refused" is gone */
	specs[1].ttl_s = 7;
	specs[1].ede_code = 17;
	uint16_t lists[] = { 0, 1 };
	struct policy_group_spec g = { .name = "all", .lists = lists, .n_lists = 2 };
	assert_int_equal(policy_new(w.opened, specs, 2, &g, 1, &w.policy), 0);
	struct verdict v = world_judge(w.policy, 0, POLICY_TRIGGER_QUESTION, "a.example");
	assert_int_equal(v.action, POLICY_NODATA);
	assert_int_equal(v.list, 1);
	assert_int_equal(world_judge(w.policy, 0, POLICY_TRIGGER_QUESTION, "b.example").action,
	                 POLICY_NONE);
	struct policy_list_view view;
	policy_list_view(w.policy, 0, &view);
	assert_int_equal(view.n_names, 0);
	assert_string_equal(view.path, "/lists/new");
	policy_list_view(w.policy, 1, &view);
	assert_int_equal(view.ttl_s, 7);
	assert_int_equal(view.ede_code, 17);
	assert_int_equal(view.n_names, 1);
	assert_string_equal(view.path, "/lists/nxdomain");
	free(specs);
	world_end(&w);
}

static void without_an_image_there_are_no_rules(void **state)
{
	(void)state;
	static struct policy_list_spec spec = { .name = "a", .action = POLICY_DROP };
	uint16_t list = 0;
	struct policy_group_spec g = { .name = "all", .lists = &list, .n_lists = 1 };
	struct policy *p;
	assert_int_equal(policy_new(NULL, &spec, 1, &g, 1, &p), 0);
	assert_int_equal(world_judge(p, 0, POLICY_TRIGGER_QUESTION, "a.example").action,
	                 POLICY_NONE);
	assert_int_equal(world_judge(p, 0, POLICY_TRIGGER_ANSWER, "192.0.2.1").action, POLICY_NONE);
	policy_free(p);
}

static void mistakes_are_refused(void **state)
{
	(void)state;
	static struct policy_list_spec specs[2] = { { .name = "a", .action = POLICY_DROP },
		                                    { .name = "a", .action = POLICY_DROP } };
	uint16_t list = 5;
	struct addr_prefix ten = world_prefix("10.0.0.0/8");
	struct policy_group_spec g[2] = { { .name = "all" }, { .name = "all" } };
	struct policy *p;
	assert_int_equal(policy_new(NULL, NULL, 0, g, 2, &p), -EEXIST);
	g[0] = (struct policy_group_spec){ .name = "x", .clients = &ten, .n_clients = 1 };
	g[1] = (struct policy_group_spec){ .name = "y", .clients = &ten, .n_clients = 1 };
	assert_int_equal(policy_new(NULL, NULL, 0, g, 2, &p), -EEXIST);
	g[0] = (struct policy_group_spec){ .name = "x", .lists = &list, .n_lists = 1 };
	assert_int_equal(policy_new(NULL, specs, 1, g, 1, &p), -EINVAL);
	g[0] = (struct policy_group_spec){ .name = "" };
	assert_int_equal(policy_new(NULL, NULL, 0, g, 1, &p), -EINVAL);
	specs[0].action = POLICY_NONE;
	assert_int_equal(policy_new(NULL, specs, 1, NULL, 0, &p), -EINVAL);
	specs[0].action = POLICY_DROP;
	assert_int_equal(policy_new(NULL, specs, 2, NULL, 0, &p), -EEXIST);
	assert_int_equal(policy_new(NULL, NULL, POLICY_MAX_LISTS + 1, NULL, 0, &p), -ENOSPC);
	assert_int_equal(policy_new(NULL, NULL, 0, NULL, POLICY_MAX_GROUPS + 1, &p), -ENOSPC);
}

static struct policy *policy_plain(enum policy_action deny_action)
{
	struct policy_group_spec g = { .name = "all",
		                       .is_default_deny = true,
		                       .deny_action = deny_action };
	struct policy *p;
	assert_int_equal(policy_new(NULL, NULL, 0, &g, 1, &p), 0);
	return p;
}

static void each_publish_has_its_own_generation(void **state)
{
	(void)state;
	assert_null(policy_current());
	struct policy *a = policy_plain(POLICY_DROP);
	policy_publish(a);
	assert_ptr_equal(policy_current(), a);
	uint32_t first = policy_generation(a);
	assert_int_not_equal(first, 0);
	struct policy *b = policy_plain(POLICY_REFUSED);
	policy_publish(b);
	assert_ptr_equal(policy_current(), b);
	assert_int_not_equal(policy_generation(b), first);
	assert_int_equal(policy_generation(a), first); /* still there: no quiet point yet */
	policy_publish(NULL);
	assert_null(policy_current());
}

/* ---- readers beside publishes and edits: each sees one policy or the other, never none ---- */

static _Atomic bool is_over;

static void *reader_run(void *arg)
{
	unsigned *n_wrong = arg;
	rcu_thread_start();
	while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
		for (unsigned i = 0; i < 100; i++) {
			const struct policy *p = policy_current();
			uint32_t generation = policy_generation(p);
			struct name_hashes h;
			struct verdict v;
			const uint8_t *name = (const uint8_t *)"\1a\7example";
			name_hash_all(name, &h);
			policy_judge_name(p, 0, POLICY_TRIGGER_QUESTION, name, &h, &v);
			bool is_edit = v.action == POLICY_NODATA && v.edit != NULL &&
			               v.edit->made_s == 1795000000;
			*n_wrong += generation == 0 || !(is_edit || v.action == POLICY_DROP ||
			                                 v.action == POLICY_REFUSED);
		}
		rcu_quiet();
	}
	rcu_thread_stop();
	return NULL;
}

static void readers_never_see_half(void **state)
{
	(void)state;
	pthread_t threads[2];
	unsigned n_wrong[2] = { 0, 0 };
	assert_int_equal(policy_edits_open(""), 0);
	policy_publish(policy_plain(POLICY_DROP));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader_run, &n_wrong[i]), 0);
	struct policy_edit e = world_edit("a.example", POLICY_SCOPE_TREE, POLICY_NODATA, "");
	for (unsigned i = 0; i < 300; i++) {
		policy_publish(policy_plain(i % 2 == 0 ? POLICY_REFUSED : POLICY_DROP));
		e.expires_s = i % 5;
		assert_int_equal(policy_edit_add(&e), 0);
		struct policy_edit other = e; /* makes the table grow and shrink */
		other.name.wire[1] = (uint8_t)('b' + i % 20);
		assert_int_equal(policy_edit_add(&other), 0);
		if (i % 7 == 0)
			assert_int_equal(policy_edit_remove(e.name.wire, ""), 0);
		if (i % 50 == 49)
			(void)policy_edits_expire(10);
		rcu_quiet();
		usleep(100);
	}
	atomic_store(&is_over, true);
	rcu_sleep();
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	rcu_wake();
	assert_int_equal(n_wrong[0] + n_wrong[1], 0);
	policy_edits_close();
	policy_publish(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_configured_is_seen),
		cmocka_unit_test(lists_are_matched_by_name),
		cmocka_unit_test(without_an_image_there_are_no_rules),
		cmocka_unit_test(mistakes_are_refused),
		cmocka_unit_test(each_publish_has_its_own_generation),
		cmocka_unit_test(readers_never_see_half),
	};
	struct siphash_key key = { random_u64(), random_u64() };
	name_set_hash_key(&key);
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
