/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Policy zones: one statement of the RPZ draft a row, named by its number; the rules of a row
 * prescribe different actions, so that a row can only pass for the right reason. Then random
 * policies: judging, explaining and a naive model of the order must agree. */
#include "base/random.h"
#include "world.h"

enum {
	ROW_RULES = 6,
	ROW_SUBJECTS = 4,
};

struct row {
	const char *why;
	const char *lists;            /* of the group, in order */
	const char *rules[ROW_RULES]; /* world_rule(), or "edit SCOPE NAME ACTION" */
	const char
		*subjects[ROW_SUBJECTS]; /* "q NAME", "a ADDRESS", "n NAME", "s ADDRESS", "c ..." */
	enum policy_action action;
	const char *list; /* the winner's */
	const char *logged;
};

/* clang-format off */
static const struct row rows[] = {
	{ "T1 exact matches the name only", "zone", { "zone exact a.example =drop" },
	  { "q b.a.example" }, POLICY_NONE, "", "" },
	{ "T1 a wildcard matches every descendant", "zone", { "zone below a.example =drop" },
	  { "q z.b.a.example" }, POLICY_DROP, "zone", "" },
	{ "T1 a wildcard does not match the name", "zone", { "zone below a.example =drop" },
	  { "q a.example" }, POLICY_NONE, "", "" },
	{ "T2 an empty non-terminal hides nothing: b.x", "zone",
	  { "zone below x.example =drop", "zone exact a.b.x.example =nodata" },
	  { "q b.x.example" }, POLICY_DROP, "zone", "" },
	{ "T2 an empty non-terminal hides nothing: z.b.x", "zone",
	  { "zone below x.example =drop", "zone exact a.b.x.example =nodata" },
	  { "q z.b.x.example" }, POLICY_DROP, "zone", "" },
	{ "T7 a wildcard far above a server's name", "zone",
	  { "zone below org =nxdomain @ns", "zone below hoster.org =nodata @ns" },
	  { "n ns.z.example.names.org" }, POLICY_NXDOMAIN, "zone", "" },
	{ "T12 a rule with a match of its own fits nothing else", "zone",
	  { "zone exact a.example =drop @ns" }, { "q a.example" }, POLICY_NONE, "", "" },

	{ "P4 an earlier zone's wildcard before a later one's exact name", "zone.1 zone.2",
	  { "zone.1 below example =nodata", "zone.2 exact a.example =drop" },
	  { "q a.example" }, POLICY_NODATA, "zone.1", "" },
	{ "P4 zone 1 NSIP before zone 2 QNAME", "zone.1 zone.2",
	  { "zone.1 tree 10.0.0.0/8 =nodata @ns", "zone.2 exact a.example =drop" },
	  { "q a.example", "s 10.1.2.3" }, POLICY_NODATA, "zone.1", "" },
	{ "P4 zone 1 IP before zone 2 CLIENT-IP", "zone.1 zone.2",
	  { "zone.1 tree 192.0.2.0/24 =nodata @answer", "zone.2 tree 10.0.0.0/8 =drop @client" },
	  { "c 10.1.2.3", "a 192.0.2.1" }, POLICY_NODATA, "zone.1", "" },
	{ "P4 lists before a zone are a tier", "nxdomain zone",
	  { "nxdomain tree example", "zone exact a.example =drop" },
	  { "q a.example" }, POLICY_NXDOMAIN, "nxdomain", "" },
	{ "P4 lists behind a zone are another tier", "nxdomain.1 zone allow",
	  { "nxdomain.1 tree other", "zone below example =drop", "allow tree a.example" },
	  { "q a.example" }, POLICY_DROP, "zone", "" },
	{ "P4 lists that follow each other are one tier: depth decides", "zone nxdomain allow",
	  { "zone exact b.example =drop", "nxdomain tree example", "allow tree a.example" },
	  { "q a.example" }, POLICY_ALLOW, "allow", "" },
	{ "P4 an empty zone between lists divides them", "nxdomain zone allow",
	  { "nxdomain tree example", "zone exact b.example =drop", "allow tree a.example" },
	  { "q a.example" }, POLICY_NXDOMAIN, "nxdomain", "" },
	{ "an edit stands before a zone that is first", "zone",
	  { "zone exact a.example =drop", "edit tree example allow" },
	  { "q a.example" }, POLICY_ALLOW, "edit", "" },
	{ "an edit takes part in a first tier of lists by depth", "nxdomain zone",
	  { "nxdomain tree a.example", "edit tree example allow", "zone exact a.example =drop" },
	  { "q a.example" }, POLICY_NXDOMAIN, "nxdomain", "" },
	{ "an edit of a first tier of lists stands before a later zone", "nxdomain zone",
	  { "nxdomain tree other", "edit tree example allow", "zone exact a.example =drop" },
	  { "q a.example" }, POLICY_ALLOW, "edit", "" },

	{ "P5 exact before wildcard", "zone",
	  { "zone exact b.a.example =drop", "zone below a.example =nodata" },
	  { "q b.a.example" }, POLICY_DROP, "zone", "" },
	{ "P5 more labels before fewer", "zone",
	  { "zone below example =drop", "zone below a.example =nodata" },
	  { "q b.a.example" }, POLICY_NODATA, "zone", "" },
	{ "P5 NSDNAME: exact before a wildcard of another server with more labels", "zone",
	  { "zone exact ns.test =drop @ns", "zone below b.a.example =nodata @ns" },
	  { "n ns.b.a.example", "n ns.test" }, POLICY_DROP, "zone", "" },
	{ "P5 NSDNAME: more labels before fewer", "zone",
	  { "zone exact ns.test =drop @ns", "zone exact ns.a.test =nodata @ns" },
	  { "n ns.test", "n ns.a.test" }, POLICY_NODATA, "zone", "" },

	{ "P6 CLIENT-IP before QNAME", "zone",
	  { "zone tree 10.0.0.0/8 =drop @client", "zone exact a.example =nodata" },
	  { "q a.example", "c 10.1.2.3" }, POLICY_DROP, "zone", "" },
	{ "P6 QNAME before IP", "zone",
	  { "zone tree 192.0.2.1/32 =drop @answer", "zone below example =nodata" },
	  { "a 192.0.2.1", "q a.example" }, POLICY_NODATA, "zone", "" },
	{ "P6 IP before NSDNAME", "zone",
	  { "zone tree 192.0.0.0/8 =drop @answer", "zone exact ns.test =nodata @ns" },
	  { "n ns.test", "a 192.0.2.1" }, POLICY_DROP, "zone", "" },
	{ "P6 NSDNAME before NSIP", "zone",
	  { "zone tree 192.0.2.1/32 =drop @ns", "zone below test =nodata @ns" },
	  { "s 192.0.2.1", "n ns.test" }, POLICY_NODATA, "zone", "" },

	{ "P7 the NS name that is last in DNSSEC's order", "zone",
	  { "zone exact a.example =drop @ns", "zone exact z.example =nodata @ns" },
	  { "n a.example", "n z.example" }, POLICY_NODATA, "zone", "" },
	{ "P7 NS names are compared, not the rules' owners", "zone",
	  { "zone below a.example =drop @ns", "zone below b.example =nodata @ns" },
	  { "n ns.a.example", "n ns.b.example" }, POLICY_NODATA, "zone", "" },
	{ "P7 NS names below one wildcard each", "zone",
	  { "zone below y.example =drop @ns", "zone below z.example =nodata @ns" },
	  { "n z.y.example", "n a.z.example" }, POLICY_NODATA, "zone", "" },

	{ "P8 the longest prefix", "zone",
	  { "zone tree 192.0.2.0/24 =drop @answer", "zone tree 192.0.2.0/25 =nodata @answer" },
	  { "a 192.0.2.1" }, POLICY_NODATA, "zone", "" },
	{ "P8 of two addresses the longest prefix", "zone",
	  { "zone tree 192.0.2.0/24 =drop @answer", "zone tree 198.51.100.0/25 =nodata @answer" },
	  { "a 192.0.2.1", "a 198.51.100.1" }, POLICY_NODATA, "zone", "" },
	{ "P8 IPv4 counts 96 more", "zone",
	  { "zone tree 192.0.2.0/24 =drop @answer", "zone tree 2001:db8::/119 =nodata @answer" },
	  { "a 192.0.2.1", "a 2001:db8::1" }, POLICY_DROP, "zone", "" },
	{ "P8 IPv6 with a longer prefix", "zone",
	  { "zone tree 192.0.2.0/24 =drop @answer", "zone tree 2001:db8::/121 =nodata @answer" },
	  { "a 192.0.2.1", "a 2001:db8::1" }, POLICY_NODATA, "zone", "" },
	{ "P8 CLIENT-IP", "zone",
	  { "zone tree 10.0.0.0/8 =drop @client", "zone tree 10.1.0.0/16 =nodata @client" },
	  { "c 10.1.2.3" }, POLICY_NODATA, "zone", "" },
	{ "P9 the smaller address", "zone",
	  { "zone tree 192.0.2.128/25 =drop @answer", "zone tree 192.0.2.0/25 =nodata @answer" },
	  { "a 192.0.2.129", "a 192.0.2.1" }, POLICY_NODATA, "zone", "" },
	{ "P9 IPv4 is a small number", "zone",
	  { "zone tree 2001:db8::c000:280/121 =drop @ns", "zone tree 192.0.2.128/25 =nodata @ns" },
	  { "s 2001:db8::c000:281", "s 192.0.2.129" }, POLICY_NODATA, "zone", "" },

	{ "P10 passthru is no better than others", "zone.1 zone.2",
	  { "zone.1 exact a.example =drop", "zone.2 exact a.example =allow" },
	  { "q a.example" }, POLICY_DROP, "zone.1", "" },
	{ "A3 passthru of an earlier zone", "zone.1 zone.2",
	  { "zone.1 exact a.example =allow", "zone.2 exact a.example =drop" },
	  { "q a.example" }, POLICY_ALLOW, "zone.1", "" },

	{ "P11 a disabled zone is reported, the next decides", "zone.1.disabled zone.2",
	  { "zone.1.disabled exact a.example =drop", "zone.2 exact a.example =nodata" },
	  { "q a.example" }, POLICY_NODATA, "zone.2", "zone.1.disabled" },
	{ "P11 repeatedly", "zone.1.disabled zone.2.disabled zone.3",
	  { "zone.1.disabled exact a.example =drop", "zone.2.disabled exact a.example =allow",
	    "zone.3 below example =nodata" },
	  { "q a.example" }, POLICY_NODATA, "zone.3", "zone.1.disabled zone.2.disabled" },
	{ "P11 a disabled zone behind the winner says nothing", "zone.1 zone.2.disabled",
	  { "zone.1 below example =drop", "zone.2.disabled exact a.example =nodata" },
	  { "q a.example" }, POLICY_DROP, "zone.1", "" },
	{ "P11 a zone in shadow is reported too", "zone.1.shadow zone.2",
	  { "zone.1.shadow exact a.example =drop", "zone.2 exact a.example =nodata" },
	  { "q a.example" }, POLICY_NODATA, "zone.2", "zone.1.shadow" },

	{ "X12 an override is done instead of what the rules say", "zone.nxdomain",
	  { "zone.nxdomain exact a.example =allow" },
	  { "q a.example" }, POLICY_NXDOMAIN, "zone.nxdomain", "" },
	{ "X12 P10 an override changes no order", "zone.1.allow zone.2",
	  { "zone.1.allow below example =drop", "zone.2 exact a.example =nodata" },
	  { "q a.example" }, POLICY_ALLOW, "zone.1.allow", "" },
};
/* clang-format on */

static void rule_put(struct world *w, const char *text)
{
	if (strncmp(text, "edit ", 5) != 0)
		assert_int_equal(world_rule(w, text), 0);
}

static void edit_put(const char *text)
{
	char scope[16], name[64], action[32];
	enum policy_action a;
	if (sscanf(text, "edit %15s %63s %31s", scope, name, action) != 3)
		return;
	assert_int_equal(policy_action_from_text(action, &a), 0);
	struct policy_edit e =
		world_edit(name, scope[0] == 't' ? POLICY_SCOPE_TREE : POLICY_SCOPE_EXACT, a, "");
	assert_int_equal(policy_edit_add(&e), 0);
}

static enum policy_trigger trigger_of(char letter)
{
	return letter == 'q'   ? POLICY_TRIGGER_QUESTION
	       : letter == 'a' ? POLICY_TRIGGER_ANSWER
	       : letter == 'n' ? POLICY_TRIGGER_SERVER_NAME
	       : letter == 's' ? POLICY_TRIGGER_SERVER_ADDRESS
	                       : POLICY_TRIGGER_CLIENT;
}

static struct verdict judge_one(const struct policy *p, const char *subject)
{
	struct verdict v = world_judge(p, 0, trigger_of(subject[0]), subject + 2);
	v.name.len = 0;
	if (subject[0] == 'n' || subject[0] == 'q')
		v.name = world_name(subject + 2);
	return v;
}

static struct verdict judge_stage(const struct policy *p, const char *const *subjects, bool is_back)
{
	struct verdict best = { .tier = UINT16_MAX };
	unsigned n = 0;
	while (n < ROW_SUBJECTS && subjects[n] != NULL)
		n++;
	for (unsigned i = 0; i < n; i++) {
		struct verdict v = judge_one(p, subjects[is_back ? n - 1 - i : i]);
		if (verdict_goes_before(p, &v, &best)) {
			verdict_keep_logged(&v, &best);
			best = v;
		} else {
			verdict_keep_logged(&best, &v);
		}
	}
	return best;
}

static const char *list_name(const struct world *w, const struct verdict *v)
{
	return v->edit != NULL                                         ? "edit"
	       : v->list == POLICY_NO_LIST || v->action == POLICY_NONE ? ""
	                                                               : w->lists[v->list].name;
}

static void check_row(const struct row *r)
{
	struct world w;
	char logged[256] = "";
	world_start(&w);
	assert_int_equal(policy_edits_open(""), 0);
	for (unsigned i = 0; i < ROW_RULES && r->rules[i] != NULL; i++)
		rule_put(&w, r->rules[i]);
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", r->lists, NULL);
	world_snapshot(&w, &g, 1);
	for (unsigned i = 0; i < ROW_RULES && r->rules[i] != NULL; i++)
		edit_put(r->rules[i]);
	for (int back = 0; back < 2; back++) { /* P13: the order of subjects plays no part */
		struct verdict v = judge_stage(w.policy, r->subjects, back == 1);
		if (v.action != r->action || strcmp(list_name(&w, &v), r->list) != 0)
			fail_msg("%s: %s by '%s'", r->why, policy_action_name(v.action),
			         list_name(&w, &v));
		logged[0] = 0;
		for (unsigned i = 0; i < v.n_logged; i++)
			snprintf(logged + strlen(logged), sizeof logged - strlen(logged), "%s%s",
			         i > 0 ? " " : "", w.lists[v.logged[i]].name);
		if (strcmp(logged, r->logged) != 0)
			fail_msg("%s: logged '%s'", r->why, logged);
	}
	policy_edits_close();
	world_end(&w);
}

static void statements(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i]);
}

/* The draft's own example of its rule on names of servers (5.5), best first. */
static void p7_the_example_of_the_draft(void **state)
{
	(void)state;
	static const char *const order[] = { "z.example",          "zabc.a.example", "z.a.example",
		                             "yljkjljk.a.example", "a.example",      "example" };
	struct world w;
	char rule[128];
	world_start(&w);
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		snprintf(rule, sizeof rule, "zone exact %s =drop @ns", order[i]);
		assert_int_equal(world_rule(&w, rule), 0);
	}
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "zone", NULL);
	world_snapshot(&w, &g, 1);
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		for (size_t k = 0; k < ARRAY_LEN(order); k++) {
			char subject[2][64];
			snprintf(subject[0], sizeof subject[0], "n %s", order[i]);
			snprintf(subject[1], sizeof subject[1], "n %s", order[k]);
			struct verdict a = judge_one(w.policy, subject[0]);
			struct verdict b = judge_one(w.policy, subject[1]);
			a.rule_depth = b.rule_depth = 1; /* as if 5.3 had left them equal */
			assert_int_equal(verdict_goes_before(w.policy, &a, &b), i < k);
		}
	}
	world_end(&w);
}

/* A7: what local data means for a type that it lacks. */
static void a7_local_data_that_lacks_the_type(void **state)
{
	(void)state;
	static const uint8_t records[] = { 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1 };
	static const uint8_t alias[] = { 0, 5, 0, 0, 0, 9, 0, 1, 0 };
	static const struct {
		enum policy_local_data means;
		uint16_t type;
		bool is_alias;
		enum policy_action action;
		unsigned n_logged;
	} cases[] = {
		{ POLICY_LOCAL_GIVEN, DNS_AAAA, false, POLICY_RECORDS, 0 },
		{ POLICY_LOCAL_OR_PASSTHRU, DNS_A, false, POLICY_RECORDS, 0 },
		{ POLICY_LOCAL_OR_PASSTHRU, DNS_AAAA, false, POLICY_ALLOW, 0 },
		{ POLICY_LOCAL_OR_PASSTHRU, DNS_ANY, false, POLICY_RECORDS, 0 },
		{ POLICY_LOCAL_OR_PASSTHRU, DNS_AAAA, true, POLICY_RECORDS, 0 },
		{ POLICY_LOCAL_OR_DISABLED, DNS_A, false, POLICY_RECORDS, 0 },
		{ POLICY_LOCAL_OR_DISABLED, DNS_AAAA, false, POLICY_DROP, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		struct verdict v;
		struct name_hashes h;
		const uint8_t *bytes = cases[i].is_alias ? alias : records;
		struct policy_data data = { .records = bytes,
			                    .records_bytes = cases[i].is_alias ? sizeof alias
			                                                       : sizeof records };
		struct policy_rule rule = { .action = POLICY_RECORDS, .data = &data };
		struct name name = world_name("a.example");
		name_hash_all(name.wire, &h);
		world_start(&w);
		uint16_t list = world_list(&w, "zone.1");
		assert_int_equal(policy_builder_add_name(w.builder, list, name.wire, &rule), 0);
		assert_int_equal(world_rule(&w, "zone.2 exact a.example =drop"), 0);
		w.lists[list].local_data = cases[i].means;
		world_write(&w);
		struct policy_group_spec g;
		world_group(&w, &g, "all", "zone.1 zone.2", NULL);
		world_snapshot(&w, &g, 1);
		struct policy_terms terms = { .type = cases[i].type };
		policy_judge_name_on(w.policy, 0, POLICY_TRIGGER_QUESTION, name.wire, &h, &terms,
		                     &v);
		assert_int_equal(v.action, cases[i].action);
		assert_int_equal(v.n_logged, cases[i].n_logged);
		world_end(&w);
	}
}

/* T11 and W10: lists that are passed over for this zone, or for this answer. */
static void t11_w10_zones_that_are_passed_over(void **state)
{
	(void)state;
	struct world w;
	struct verdict v;
	struct name_hashes h;
	struct name name = world_name("ns.example");
	name_hash_all(name.wire, &h);
	world_start(&w);
	assert_int_equal(world_rule(&w, "zone.1 exact ns.example =drop @ns"), 0);
	assert_int_equal(world_rule(&w, "zone.1 exact ns.example =drop"), 0);
	assert_int_equal(world_rule(&w, "zone.2 exact ns.example =nodata @ns"), 0);
	assert_int_equal(world_rule(&w, "zone.2 exact ns.example =nodata"), 0);
	w.lists[0].min_ns_dots = 2;
	w.lists[0].keeps_dnssec = true;
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "zone.1 zone.2", NULL);
	world_snapshot(&w, &g, 1);
	for (uint8_t dots = 0; dots < 4; dots++) {
		struct policy_terms terms = { .ns_dots = dots };
		policy_judge_name_on(w.policy, 0, POLICY_TRIGGER_SERVER_NAME, name.wire, &h, &terms,
		                     &v);
		assert_int_equal(v.action, dots < 2 ? POLICY_NODATA : POLICY_DROP);
	}
	struct policy_terms terms = { .is_secure = true };
	policy_judge_name_on(w.policy, 0, POLICY_TRIGGER_QUESTION, name.wire, &h, &terms, &v);
	assert_int_equal(v.action, POLICY_NODATA);
	terms = (struct policy_terms){ .no_zones = true };
	policy_judge_name_on(w.policy, 0, POLICY_TRIGGER_QUESTION, name.wire, &h, &terms, &v);
	assert_int_equal(v.action, POLICY_NONE);
	world_end(&w);
}

/* T15: rules that count for servers too, behind those that are written for servers. */
static void t15_twins(void **state)
{
	(void)state;
	struct world w;
	struct verdict v;
	struct addr addr = addr_v4(0xc0000201);
	static const char *const names[] = { "ns.example", "both.example" };
	static const enum policy_action expected[] = { POLICY_DROP, POLICY_NODATA };
	for (int i = 0; i < 3; i++) {
		world_start(&w);
		assert_int_equal(world_rule(&w, "zone.1 exact ns.example =drop"), 0);
		assert_int_equal(world_rule(&w, "zone.1 exact both.example =allow"), 0);
		assert_int_equal(world_rule(&w, "zone.1 exact both.example =nodata @ns"), 0);
		assert_int_equal(world_rule(&w, "zone.1 tree 192.0.2.1/32 =refused @answer"), 0);
		w.lists[0].names_as_servers = i == 1;
		w.lists[0].answers_as_servers = i == 2;
		world_write(&w);
		struct policy_group_spec g;
		world_group(&w, &g, "all", "zone.1", NULL);
		world_snapshot(&w, &g, 1);
		for (unsigned k = 0; k < 2; k++) {
			struct name_hashes h;
			struct name name = world_name(names[k]);
			name_hash_all(name.wire, &h);
			policy_judge_name(w.policy, 0, POLICY_TRIGGER_SERVER_NAME, name.wire, &h,
			                  &v);
			assert_int_equal(v.action, i == 1 || k == 1 ? expected[k] : POLICY_NONE);
			policy_judge_name(w.policy, 0, POLICY_TRIGGER_QUESTION, name.wire, &h, &v);
			assert_int_equal(v.action, k == 1 ? POLICY_ALLOW : POLICY_DROP);
		}
		policy_judge_address(w.policy, 0, POLICY_TRIGGER_SERVER_ADDRESS, &addr, &v);
		assert_int_equal(v.action, i == 2 ? POLICY_REFUSED : POLICY_NONE);
		world_end(&w);
	}
}

/* W9, X8. */
static void w9_x8_for_all_questions_and_not_before_it_is_loaded(void **state)
{
	(void)state;
	struct world w;
	struct verdict v;
	struct name_hashes h;
	struct name name = world_name("a.example");
	name_hash_all(name.wire, &h);
	for (int i = 0; i < 2; i++) {
		world_start(&w);
		assert_int_equal(world_rule(&w, "zone.1 exact a.example =drop"), 0);
		assert_int_equal(world_rule(&w, "zone.2 exact a.example =nodata"), 0);
		w.lists[1].is_for_all = true;
		w.lists[0].must_be_loaded = i == 1;
		w.are_never_loaded = true;
		world_write(&w);
		struct policy_group_spec g[2];
		world_group(&w, &g[0], "both", "zone.1 zone.2", NULL);
		world_group(&w, &g[1], "second", "zone.2", "10.0.0.0/8");
		world_snapshot(&w, g, 2);
		struct policy_terms terms = { .is_unrecursed = true };
		policy_judge_name_on(w.policy, 0, POLICY_TRIGGER_QUESTION, name.wire, &h, &terms,
		                     &v);
		assert_int_equal(v.action, POLICY_NODATA);

		assert_int_equal(policy_group_is_ready(w.policy, 0), i == 0);
		assert_true(policy_group_is_ready(w.policy, 1));
		world_end(&w);
	}
}

/* ---- random policies ---- */

enum {
	N_ROUNDS = 60,
	N_RULES = 60,
	N_QUESTIONS = 60,
	N_LISTS = 8,
	MODEL_TEXT = 48,
};

static const char *const list_names[N_LISTS] = { "zone.1", "nxdomain", "zone.2",      "allow",
	                                         "zone.3", "refused",  "zone.4.drop", "nodata" };
static const char *const orders[] = {
	"zone.1 zone.2 zone.3 zone.4.drop",
	"nxdomain allow zone.1 refused nodata zone.2",
	"zone.3 nxdomain zone.4.drop allow zone.1",
	"nxdomain allow refused",
	"allow zone.2",
};

struct model_rule {
	char name[MODEL_TEXT];
	unsigned list, scope;
	enum policy_action action;
};

static void random_name(char *ret)
{
	unsigned labels = 1 + random_below(4);
	char *p = ret;
	for (unsigned i = 0; i < labels; i++)
		p += snprintf(p, 3, "%s%c", i > 0 ? "." : "", (char)('a' + random_below(3)));
}

static unsigned labels_of(const char *name)
{
	unsigned n = 1;
	for (; *name != 0; name++)
		n += *name == '.';
	return n;
}

static bool model_matches(const struct model_rule *r, const char *name)
{
	size_t n = strlen(name);
	size_t k = strlen(r->name);
	if (strcmp(r->name, name) == 0)
		return r->scope != POLICY_SCOPE_BELOW;
	return r->scope != POLICY_SCOPE_EXACT && n > k + 1 && name[n - k - 1] == '.' &&
	       strcmp(name + n - k, r->name) == 0;
}

/* The number that a rule has in the whole order; the smallest wins. */
static uint64_t model_order(const struct model_rule *r, const int *tier, const int *rank)
{
	uint64_t depth = 255 - labels_of(r->name);
	return (uint64_t)tier[r->list] << 48 | depth << 32 |
	       (uint64_t)(r->action != POLICY_ALLOW) << 24 | (uint64_t)rank[r->list];
}

static void tiers_of(const struct world *w, const struct policy_group_spec *g, int *tier, int *rank)
{
	int at = 1;
	for (unsigned i = 0; i < N_LISTS; i++)
		tier[i] = rank[i] = -1;
	for (unsigned i = 0; i < g->n_lists; i++) {
		if (i > 0 && (w->lists[g->lists[i]].is_rpz || w->lists[g->lists[i - 1]].is_rpz))
			at++;
		tier[g->lists[i]] = at;
		rank[g->lists[i]] = (int)i;
	}
}

static void compare_one(const struct world *w, const struct model_rule *rules, const char *question,
                        const int *tier, const int *rank, bool has_zones)
{
	const struct model_rule *best = NULL;
	struct policy_match_found found[N_RULES + 4];
	struct name_hashes h;
	for (unsigned i = 0; i < N_RULES; i++) {
		const struct model_rule *r = &rules[i];
		if (tier[r->list] >= 0 && model_matches(r, question) &&
		    (best == NULL || model_order(r, tier, rank) < model_order(best, tier, rank)))
			best = r;
	}
	struct verdict v = world_judge(w->policy, 0, POLICY_TRIGGER_QUESTION, question);
	if ((best == NULL) != (v.action == POLICY_NONE))
		fail_msg("%s: %s", question, policy_action_name(v.action));
	struct name name = world_name(question);
	name_hash_all(name.wire, &h);
	unsigned n = policy_find_all(w->policy, 0, POLICY_TRIGGER_QUESTION, name.wire, &h, NULL,
	                             found, ARRAY_LEN(found));
	unsigned at = 0;
	while (at < n && !found[at].is_winner)
		at++;
	assert_int_equal(at < n, best != NULL);
	for (unsigned i = 1; i < n && has_zones; i++)
		assert_true(found[i].tier >= found[i - 1].tier);
	if (best == NULL)
		return;
	assert_int_equal(v.list, best->list);
	assert_int_equal(v.tier, tier[best->list]);
	assert_int_equal(v.rule_depth, labels_of(best->name));
	assert_true(at == 0 || !has_zones);
	assert_int_equal(found[at].list, v.list);
	assert_int_equal(found[at].action, v.action);
	assert_int_equal(found[at].rule_depth, v.rule_depth);
}

static void random_policies_have_one_order(void **state)
{
	(void)state;
	for (unsigned round = 0; round < N_ROUNDS; round++) {
		struct world w;
		static struct model_rule rules[N_RULES];
		int tier[N_LISTS], rank[N_LISTS];
		struct policy_group_spec g;
		world_start(&w);
		for (unsigned i = 0; i < N_LISTS; i++)
			assert_int_equal(world_list(&w, list_names[i]), i);
		for (unsigned i = 0; i < N_RULES; i++) {
			struct model_rule *r = &rules[i];
			random_name(r->name);
			r->list = random_below(N_LISTS);
			bool is_zone = w.lists[r->list].is_rpz;
			r->scope = is_zone ? random_below(2) * 2 : random_below(3);
			/* Of one list and name only one action: which of two wins is open. */
			struct policy_rule rule = { .scope = r->scope };
			if (is_zone)
				rule.action =
					strlen(r->name) % 4 == 1 ? POLICY_ALLOW : POLICY_NODATA;
			r->action = w.lists[r->list].action != POLICY_NONE ? w.lists[r->list].action
			                                                   : rule.action;
			struct name name = world_name(r->name);
			assert_int_equal(policy_builder_add_name(w.builder, (uint16_t)r->list,
			                                         name.wire, &rule),
			                 0);
		}
		world_write(&w);
		world_group(&w, &g, "all", orders[round % ARRAY_LEN(orders)], NULL);
		world_snapshot(&w, &g, 1);
		tiers_of(&w, &g, tier, rank);
		for (unsigned i = 0; i < N_QUESTIONS; i++) {
			char question[MODEL_TEXT];
			random_name(question);
			compare_one(&w, rules, question, tier, rank,
			            strstr(orders[round % ARRAY_LEN(orders)], "zone") != NULL);
		}
		world_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements),
		cmocka_unit_test(p7_the_example_of_the_draft),
		cmocka_unit_test(a7_local_data_that_lacks_the_type),
		cmocka_unit_test(t11_w10_zones_that_are_passed_over),
		cmocka_unit_test(t15_twins),
		cmocka_unit_test(w9_x8_for_all_questions_and_not_before_it_is_loaded),
		cmocka_unit_test(random_policies_have_one_order),
	};
	struct siphash_key key = { random_u64(), random_u64() };
	name_set_hash_key(&key);
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
