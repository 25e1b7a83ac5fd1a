/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 200,000 random rules in eight lists, judged by the index and by a naive model: a sorted array
 * of the rules' texts and a comparison that spells the order of precedence out. */
#include "base/random.h"
#include "world.h"

enum {
	N_RULES = 200000,
	N_LISTS = 8,
	N_QUESTIONS = 30000,
	TEXT_MAX = 40
};

struct model_rule {
	char name[TEXT_MAX];
	uint8_t list, scope;
	bool is_important;
	enum policy_action action; /* as it takes effect */
};

static const char *const list_names[N_LISTS] = { "nxdomain", "allow",    "refused", "log",
	                                         "nodata",   "nodata.2", "drop",    "allow.2" };
static const char *const orders[] = { "nxdomain allow refused log nodata nodata.2 drop allow.2",
	                              "drop nodata.2 allow.2 nxdomain", "log refused" };

/* Few labels of few letters, so that names lie on and above each other. */
static void random_text(char *ret)
{
	unsigned labels = 2 + random_below(4);
	char *p = ret;
	for (unsigned i = 0; i < labels; i++) {
		if (i > 0)
			*p++ = '.';
		for (unsigned n = 1 + random_below(3); n > 0; n--)
			*p++ = (char)('a' + random_below(12));
	}
	*p = 0;
}

static int rule_compare(const void *a, const void *b)
{
	return strcmp(((const struct model_rule *)a)->name, ((const struct model_rule *)b)->name);
}

static unsigned labels_of(const char *text)
{
	unsigned n = 1;
	for (; *text != 0; text++)
		n += *text == '.';
	return n;
}

struct model_verdict {
	const struct model_rule *rule;
	bool is_logged[N_LISTS];
};

/* Does x come before y? Both match at this suffix. */
static bool comes_before(const struct model_rule *x, const struct model_rule *y, const int *rank)
{
	if (x->is_important != y->is_important)
		return x->is_important;
	if ((x->action == POLICY_ALLOW) != (y->action == POLICY_ALLOW))
		return x->action == POLICY_ALLOW;
	return rank[x->list] < rank[y->list];
}

static void model_judge(const struct model_rule *rules, const char *question, const int *rank,
                        struct model_verdict *v)
{
	memset(v, 0, sizeof *v);
	for (const char *suffix = question; suffix != NULL;) {
		struct model_rule key;
		snprintf(key.name, sizeof key.name, "%s", suffix);
		const struct model_rule *hit =
			bsearch(&key, rules, N_RULES, sizeof *rules, rule_compare);
		while (hit != NULL && hit > rules && strcmp(hit[-1].name, suffix) == 0)
			hit--;
		bool is_full = suffix == question;
		const struct model_rule *best = NULL;
		for (; hit != NULL && hit < rules + N_RULES && strcmp(hit->name, suffix) == 0;
		     hit++) {
			if (rank[hit->list] < 0 ||
			    hit->scope == (is_full ? POLICY_SCOPE_BELOW : POLICY_SCOPE_EXACT))
				continue;
			if (hit->action == POLICY_LOG)
				v->is_logged[hit->list] = true;
			else if (best == NULL || comes_before(hit, best, rank))
				best = hit;
		}
		if (v->rule == NULL)
			v->rule = best;
		suffix = strchr(suffix, '.');
		suffix = suffix != NULL ? suffix + 1 : NULL;
	}
}

static void ask(const struct policy *p, uint16_t group, const char *question,
                const struct model_verdict *m)
{
	struct verdict v = world_judge(p, group, POLICY_TRIGGER_QUESTION, question);
	enum policy_action expected = m->rule != NULL ? m->rule->action : POLICY_NONE;
	unsigned n_logged = 0;
	for (unsigned i = 0; i < N_LISTS; i++)
		n_logged += m->is_logged[i];
	if (v.action != expected || v.n_logged != n_logged)
		fail_msg("%s: %s, %u logged; expected %s by %s, %u logged", question,
		         policy_action_name(v.action), v.n_logged, policy_action_name(expected),
		         m->rule != NULL ? m->rule->name : "-", n_logged);
	if (m->rule == NULL)
		return;
	/* Two rules of one list may be equally good (tree and below): then only the scope of the
	 * winner is open. */
	assert_int_equal(v.list, m->rule->list);
	assert_int_equal(v.rule_depth, labels_of(m->rule->name));
	assert_int_equal(v.is_important, m->rule->is_important);
}

static void random_rules_against_the_model(void **state)
{
	(void)state;
	struct world w;
	struct model_rule *rules = calloc(N_RULES, sizeof *rules);
	assert_non_null(rules);
	world_start(&w);
	for (unsigned i = 0; i < N_LISTS; i++)
		assert_int_equal(world_list(&w, list_names[i]), i);
	for (unsigned i = 0; i < N_RULES; i++) {
		struct model_rule *r = &rules[i];
		random_text(r->name);
		r->list = (uint8_t)random_below(N_LISTS);
		r->scope = (uint8_t)random_below(3);
		r->is_important = random_below(8) == 0;
		struct policy_rule rule = { .scope = r->scope, .is_important = r->is_important };
		r->action = w.lists[r->list].action;
		struct name name = world_name(r->name);
		assert_int_equal(policy_builder_add_name(w.builder, r->list, name.wire, &rule), 0);
	}
	qsort(rules, N_RULES, sizeof *rules, rule_compare);
	world_write(&w);
	struct policy_group_spec groups[3];
	int rank[3][N_LISTS];
	for (unsigned g = 0; g < 3; g++) {
		world_group(&w, &groups[g], g == 0 ? "a" : g == 1 ? "b" : "c", orders[g], NULL);
		for (unsigned i = 0; i < N_LISTS; i++)
			rank[g][i] = -1;
		for (unsigned i = 0; i < groups[g].n_lists; i++)
			rank[g][groups[g].lists[i]] = (int)i;
	}
	world_snapshot(&w, groups, 3);
	unsigned n_won = 0;
	for (unsigned i = 0; i < N_QUESTIONS; i++) {
		char question[TEXT_MAX];
		struct model_verdict m;
		random_text(question);
		uint16_t g = (uint16_t)(i % 3);
		model_judge(rules, question, rank[g], &m);
		ask(w.policy, g, question, &m);
		n_won += m.rule != NULL;
	}
	assert_in_range(n_won, N_QUESTIONS / 10, N_QUESTIONS * 9 / 10); /* it was a fair test */
	free(rules);
	world_end(&w);
}

/* Nothing that was added is lost, nothing else is found. */
static void every_name_is_found_and_no_other(void **state)
{
	(void)state;
	enum {
		N = 50000
	};
	struct world w;
	char text[TEXT_MAX];
	world_start(&w);
	uint16_t list = world_list(&w, "refused");
	struct policy_rule rule = { .scope = POLICY_SCOPE_EXACT };
	for (unsigned i = 0; i < N; i++) {
		snprintf(text, sizeof text, "n%u.example", i);
		struct name name = world_name(text);
		assert_int_equal(policy_builder_add_name(w.builder, list, name.wire, &rule), 0);
	}
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "refused", NULL);
	world_snapshot(&w, &g, 1);
	for (unsigned i = 0; i < 2 * N; i++) {
		snprintf(text, sizeof text, "n%u.example", i);
		enum policy_action got =
			world_judge(w.policy, 0, POLICY_TRIGGER_QUESTION, text).action;
		assert_int_equal(got, i < N ? POLICY_REFUSED : POLICY_NONE);
	}
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_rules_against_the_model),
		cmocka_unit_test(every_name_is_found_and_no_other),
	};
	struct siphash_key key = { random_u64(), random_u64() };
	name_set_hash_key(&key);
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
