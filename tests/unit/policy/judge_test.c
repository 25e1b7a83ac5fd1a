/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of precedence, one statement a row. The rules of a row prescribe different actions,
 * so that a row can only pass for the right reason. */
#include "base/random.h"
#include "world.h"

/* ---- no allocation when judging ---- */

static bool is_judging;
static unsigned n_allocations;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
	n_allocations += is_judging;
	return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	n_allocations += is_judging;
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	n_allocations += is_judging;
	return __real_realloc(p, n);
}

/* ---- the table ---- */

struct row {
	const char *why;
	const char *lists;    /* of the group, in order */
	const char *rules[5]; /* world_rule(), or "edit SCOPE NAME ACTION [GROUP]" */
	enum policy_trigger trigger;
	const char *subject;
	enum policy_action action;
	const char *rule;   /* text of the winner */
	const char *logged; /* the lists reported beside it */
	bool is_default_deny;
};

#define Q POLICY_TRIGGER_QUESTION

/* clang-format off */
static const struct row rows[] = {
	{ "nothing listed, nothing said", "nxdomain",
	  { "nxdomain tree other.example" }, Q, "a.example", POLICY_NONE, "", "" },
	{ "exact matches the name", "nxdomain",
	  { "nxdomain exact a.example" }, Q, "a.example", POLICY_NXDOMAIN, "a.example", "" },
	{ "exact does not match below", "nxdomain",
	  { "nxdomain exact a.example" }, Q, "b.a.example", POLICY_NONE, "", "" },
	{ "tree matches the name", "nxdomain",
	  { "nxdomain tree a.example" }, Q, "a.example", POLICY_NXDOMAIN, "a.example", "" },
	{ "tree matches far below", "nxdomain",
	  { "nxdomain tree a.example" }, Q, "x.y.z.a.example", POLICY_NXDOMAIN, "a.example", "" },
	{ "tree does not match a neighbour with the same ending", "nxdomain",
	  { "nxdomain tree a.example" }, Q, "ba.example", POLICY_NONE, "", "" },
	{ "below does not match the name itself", "nxdomain",
	  { "nxdomain below a.example" }, Q, "a.example", POLICY_NONE, "", "" },
	{ "below matches below", "nxdomain",
	  { "nxdomain below a.example" }, Q, "b.a.example", POLICY_NXDOMAIN, "*.a.example", "" },
	{ "a rule for the root matches everything", "refused",
	  { "refused tree ." }, Q, "b.a.example", POLICY_REFUSED, ".", "" },
	{ "below the root is all but the root", "refused",
	  { "refused below ." }, Q, "example", POLICY_REFUSED, "*.", "" },
	{ "the root is not below the root", "refused",
	  { "refused below ." }, Q, ".", POLICY_NONE, "", "" },

	{ "1: a name alone and its tree are equally deep: the list that stands first", "nodata refused",
	  { "nodata tree a.example", "refused exact a.example" }, Q, "a.example",
	  POLICY_NODATA, "a.example", "" },
	{ "1: the same, the other list first", "refused nodata",
	  { "nodata tree a.example", "refused exact a.example" }, Q, "a.example",
	  POLICY_REFUSED, "a.example", "" },
	{ "1: the longer subtree before the shorter", "nodata refused",
	  { "nodata tree example", "refused tree a.example" }, Q, "b.a.example",
	  POLICY_REFUSED, "a.example", "" },
	{ "1: a deeper block before a shallower allow", "allow nxdomain",
	  { "allow tree example", "nxdomain tree a.example" }, Q, "b.a.example",
	  POLICY_NXDOMAIN, "a.example", "" },
	{ "1: a deeper allow before a shallower block", "nxdomain allow",
	  { "nxdomain tree example", "allow tree a.example" }, Q, "b.a.example",
	  POLICY_ALLOW, "a.example", "" },
	{ "1: depth before importance", "refused nodata",
	  { "refused tree example !", "nodata tree a.example" }, Q, "b.a.example",
	  POLICY_NODATA, "a.example", "" },
	{ "2: allow of a tree before block of the name alone, as in a hosts file", "nxdomain allow",
	  { "allow tree a.example", "nxdomain exact a.example" }, Q, "a.example",
	  POLICY_ALLOW, "a.example", "" },
	{ "2: allow of the name alone before block of its tree", "nxdomain allow",
	  { "allow exact a.example", "nxdomain tree a.example" }, Q, "a.example",
	  POLICY_ALLOW, "a.example", "" },

	{ "2: important block before plain allow", "allow nxdomain",
	  { "allow tree a.example", "nxdomain tree a.example !" }, Q, "a.example",
	  POLICY_NXDOMAIN, "a.example", "" },
	{ "2: important allow before important block", "nxdomain allow",
	  { "allow tree a.example !", "nxdomain tree a.example !" }, Q, "a.example",
	  POLICY_ALLOW, "a.example", "" },
	{ "2: allow before block, though the block's list stands first", "nxdomain allow",
	  { "nxdomain tree a.example", "allow tree a.example" }, Q, "a.example",
	  POLICY_ALLOW, "a.example", "" },
	{ "2: a rule of a blocking list that allows counts as allow", "nxdomain drop",
	  { "nxdomain tree a.example", "drop tree a.example =allow" }, Q, "a.example",
	  POLICY_ALLOW, "a.example", "" },
	{ "2: tree and below are the same depth under the name", "nodata refused",
	  { "nodata below a.example", "refused tree a.example" }, Q, "b.a.example",
	  POLICY_NODATA, "*.a.example", "" },

	{ "3: among blocks the group's first list, here nodata", "nodata refused",
	  { "refused tree a.example", "nodata tree a.example" }, Q, "a.example",
	  POLICY_NODATA, "a.example", "" },
	{ "3: among blocks the group's first list, here refused", "refused nodata",
	  { "refused tree a.example", "nodata tree a.example" }, Q, "a.example",
	  POLICY_REFUSED, "a.example", "" },
	{ "3: the order of lists also among important ones", "refused nodata",
	  { "nodata tree a.example !", "refused tree a.example !" }, Q, "a.example",
	  POLICY_REFUSED, "a.example", "" },
	{ "an action of the rule overrides the list's", "nxdomain",
	  { "nxdomain tree a.example =drop" }, Q, "a.example", POLICY_DROP, "a.example", "" },
	{ "a list that the group does not use does nothing", "nodata",
	  { "refused exact a.example !", "nodata tree example" }, Q, "a.example",
	  POLICY_NODATA, "example", "" },

	{ "an edit beats an important allow of a list", "allow",
	  { "allow tree a.example !", "edit tree a.example refused" }, Q, "a.example",
	  POLICY_REFUSED, "a.example", "" },
	{ "an edit for the tree beats an exact rule of a list at its name", "nxdomain",
	  { "nxdomain exact a.example !", "edit tree a.example allow" }, Q, "a.example",
	  POLICY_ALLOW, "a.example", "" },
	{ "a deeper rule of a list beats an edit above it", "nodata",
	  { "nodata exact b.a.example", "edit tree a.example allow" }, Q, "b.a.example",
	  POLICY_NODATA, "b.a.example", "" },
	{ "an exact edit beats one for the tree", "nxdomain",
	  { "edit tree a.example refused", "edit exact a.example nodata" }, Q, "a.example",
	  POLICY_NODATA, "a.example", "" },
	{ "an edit for the group beats one for all", "nxdomain",
	  { "edit tree a.example allow", "edit tree a.example drop first" }, Q, "a.example",
	  POLICY_DROP, "a.example", "" },
	{ "an edit for another group does nothing", "nodata",
	  { "nodata tree example", "edit tree a.example allow second" }, Q, "a.example",
	  POLICY_NODATA, "example", "" },
	{ "an exact edit does not reach below", "nodata",
	  { "nodata tree example", "edit exact a.example allow" }, Q, "b.a.example",
	  POLICY_NODATA, "example", "" },
	{ "an edit works where the group has no lists", "",
	  { "edit tree a.example refused" }, Q, "b.a.example", POLICY_REFUSED, "a.example", "" },
	{ "an edit is for alias targets too", "nxdomain",
	  { "edit tree a.example refused" }, POLICY_TRIGGER_ALIAS, "a.example",
	  POLICY_REFUSED, "a.example", "" },
	{ "an edit is not for name servers", "server-nodata",
	  { "server-nodata tree example", "edit tree a.example allow" },
	  POLICY_TRIGGER_SERVER_NAME, "a.example", POLICY_NODATA, "example", "" },

	{ "log never wins, and is reported", "log nodata",
	  { "log exact a.example !", "nodata tree example" }, Q, "a.example",
	  POLICY_NODATA, "example", "log" },
	{ "log is reported where nothing wins", "log",
	  { "log tree example" }, Q, "a.example", POLICY_NONE, "", "log" },
	{ "log above the winner is reported", "nodata log",
	  { "log tree example", "nodata tree a.example" }, Q, "a.example",
	  POLICY_NODATA, "a.example", "log" },
	{ "several logs, the deepest first; a list once", "log log.2",
	  { "log tree example", "log.2 tree a.example", "log.2 tree example" }, Q, "b.a.example",
	  POLICY_NONE, "", "log.2 log" },
	{ "a rule that logs in a list that blocks", "nodata",
	  { "nodata tree a.example =log" }, Q, "a.example", POLICY_NONE, "", "nodata" },
	{ "a list of action log only reports, whatever its rules say", "log",
	  { "log tree a.example =refused" }, Q, "a.example", POLICY_NONE, "", "log" },
	{ "an exception in a list of action log is no match", "log nodata",
	  { "log tree a.example =allow", "nodata tree example" }, Q, "a.example",
	  POLICY_NODATA, "example", "" },
	{ "log of a list that the group does not use is not reported", "nodata",
	  { "log tree a.example", "nodata tree example" }, Q, "a.example",
	  POLICY_NODATA, "example", "" },

	{ "default deny refuses what nothing allows", "allow",
	  { "allow tree good.example" }, Q, "a.example", POLICY_NXDOMAIN, "default: deny", "", true },
	{ "default deny lets pass what is allowed", "allow",
	  { "allow tree good.example" }, Q, "a.good.example", POLICY_ALLOW, "good.example", "", true },
	{ "default deny leaves other blocks their action", "allow refused",
	  { "allow tree good.example", "refused tree a.example" }, Q, "a.example",
	  POLICY_REFUSED, "a.example", "", true },
	{ "default deny is about the question, not about aliases", "allow",
	  { "allow tree good.example" }, POLICY_TRIGGER_ALIAS, "a.example",
	  POLICY_NONE, "", "", true },
	{ "default deny: an edit allows", "allow",
	  { "edit tree a.example allow" }, Q, "a.example", POLICY_ALLOW, "a.example", "", true },

	{ "lists of names are for alias targets too", "nodata",
	  { "nodata tree a.example" }, POLICY_TRIGGER_ALIAS, "a.example",
	  POLICY_NODATA, "a.example", "" },
	{ "lists of name servers are not for questions", "server-nodata refused",
	  { "server-nodata exact a.example !", "refused tree example" }, Q, "a.example",
	  POLICY_REFUSED, "example", "" },
	{ "lists of names are not for name servers", "refused server-nodata",
	  { "refused exact a.example !", "server-nodata tree example" },
	  POLICY_TRIGGER_SERVER_NAME, "a.example", POLICY_NODATA, "example", "" },
	{ "names in a list for answers do nothing", "answer-drop",
	  { "answer-drop tree a.example" }, Q, "a.example", POLICY_NONE, "", "" },

	{ "an address in a prefix", "answer-drop",
	  { "answer-drop tree 192.0.2.0/24" }, POLICY_TRIGGER_ANSWER, "192.0.2.7",
	  POLICY_DROP, "192.0.2.0/24", "" },
	{ "an address beside the prefix", "answer-drop",
	  { "answer-drop tree 192.0.2.0/24" }, POLICY_TRIGGER_ANSWER, "192.0.3.0",
	  POLICY_NONE, "", "" },
	{ "the longer prefix wins", "answer-drop answer-refused",
	  { "answer-drop tree 192.0.2.0/24", "answer-refused tree 192.0.2.7/32" },
	  POLICY_TRIGGER_ANSWER, "192.0.2.7", POLICY_REFUSED, "192.0.2.7/32", "" },
	{ "the longer prefix wins, an allow too", "answer-drop answer-allow",
	  { "answer-drop tree 192.0.2.0/24", "answer-allow tree 192.0.2.0/28" },
	  POLICY_TRIGGER_ANSWER, "192.0.2.7", POLICY_ALLOW, "192.0.2.0/28", "" },
	{ "allow before block for one prefix", "answer-drop answer-allow",
	  { "answer-drop tree 192.0.2.0/24", "answer-allow tree 192.0.2.0/24" },
	  POLICY_TRIGGER_ANSWER, "192.0.2.7", POLICY_ALLOW, "192.0.2.0/24", "" },
	{ "IPv6, all three words of lengths", "answer-drop answer-refused answer-nodata",
	  { "answer-drop tree 2001:db8::/32", "answer-refused tree 2001:db8:0:0:1::/80",
	    "answer-nodata tree 2001:db8:0:0:1::7/128" },
	  POLICY_TRIGGER_ANSWER, "2001:db8::1:0:0:7", POLICY_NODATA, "2001:db8::1:0:0:7/128", "" },
	{ "IPv6, the middle word", "answer-drop answer-refused",
	  { "answer-drop tree 2001:db8::/32", "answer-refused tree 2001:db8:0:0:1::/80" },
	  POLICY_TRIGGER_ANSWER, "2001:db8::1:0:0:8", POLICY_REFUSED, "2001:db8:0:0:1::/80", "" },
	{ "IPv6 default is not for IPv4", "answer-drop",
	  { "answer-drop tree ::/0" }, POLICY_TRIGGER_ANSWER, "192.0.2.7", POLICY_NONE, "", "" },
	{ "IPv4 default is not for IPv6", "answer-drop",
	  { "answer-drop tree 0.0.0.0/0" }, POLICY_TRIGGER_ANSWER, "::1", POLICY_NONE, "", "" },
	{ "IPv4 default", "answer-drop",
	  { "answer-drop tree 0.0.0.0/0" }, POLICY_TRIGGER_ANSWER, "8.8.8.8",
	  POLICY_DROP, "0.0.0.0/0", "" },
	{ "prefixes of a list of name servers are not for answers", "server-drop answer-nodata",
	  { "server-drop tree 192.0.2.7/32", "answer-nodata tree 192.0.2.0/24" },
	  POLICY_TRIGGER_ANSWER, "192.0.2.7", POLICY_NODATA, "192.0.2.0/24", "" },
	{ "and the other way round", "answer-nodata server-drop",
	  { "server-drop tree 192.0.2.0/24", "answer-nodata tree 192.0.2.7/32" },
	  POLICY_TRIGGER_SERVER_ADDRESS, "192.0.2.7", POLICY_DROP, "192.0.2.0/24", "" },
	{ "log for addresses", "answer-log answer-drop",
	  { "answer-log tree 192.0.2.0/24", "answer-drop tree 192.0.2.7/32" },
	  POLICY_TRIGGER_ANSWER, "192.0.2.7", POLICY_DROP, "192.0.2.7/32", "answer-log" },
	{ "prefixes in a list of names do nothing", "drop",
	  { "drop tree 192.0.2.0/24" }, POLICY_TRIGGER_ANSWER, "192.0.2.7", POLICY_NONE, "", "" },
	/* ---- patterns ---- */
	{ "a pattern matches a part of the name", "nxdomain",
	  { "nxdomain pattern ^ads[0-9]*\\." }, Q, "ads7.example", POLICY_NXDOMAIN, "^ads[0-9]*\\.", "" },
	{ "a pattern that does not match", "nxdomain",
	  { "nxdomain pattern ^ads[0-9]*\\." }, Q, "x.ads7.example", POLICY_NONE, "", "" },
	{ "capitals in a pattern", "nxdomain",
	  { "nxdomain pattern TRACK" }, Q, "tracker.example", POLICY_NXDOMAIN, "TRACK", "" },
	{ "a name goes before a pattern, whatever it does", "nxdomain allow",
	  { "nxdomain pattern ads !", "allow tree example" }, Q, "ads.example", POLICY_ALLOW, "example", "" },
	{ "an edit goes before a pattern", "nxdomain",
	  { "nxdomain pattern ads !", "edit tree example allow" }, Q, "ads.example", POLICY_ALLOW, "example", "" },
	{ "allow before block among patterns", "nxdomain allow",
	  { "nxdomain pattern ads", "allow pattern good" }, Q, "good.ads.example", POLICY_ALLOW, "good", "" },
	{ "important before allow among patterns", "allow nxdomain",
	  { "nxdomain pattern ads !", "allow pattern good" }, Q, "good.ads.example", POLICY_NXDOMAIN, "ads", "" },
	{ "the first list among patterns", "refused nxdomain",
	  { "nxdomain pattern ads", "refused pattern good" }, Q, "good.ads.example", POLICY_REFUSED, "good", "" },
	{ "a rule of the root stands with the patterns: list order", "refused nxdomain",
	  { "nxdomain tree .", "refused pattern good" }, Q, "good.example", POLICY_REFUSED, "good", "" },
	{ "and the other way round", "nxdomain refused",
	  { "nxdomain tree .", "refused pattern good" }, Q, "good.example", POLICY_NXDOMAIN, ".", "" },
	{ "a pattern's own action", "nxdomain",
	  { "nxdomain pattern ads =nodata" }, Q, "ads.example", POLICY_NODATA, "ads", "" },
	{ "a pattern of a list that the group lacks", "allow",
	  { "nxdomain pattern ads", "allow tree other" }, Q, "ads.example", POLICY_NONE, "", "" },
	{ "a pattern that logs, beside a name that wins", "nxdomain log",
	  { "nxdomain tree example", "log pattern ads" }, Q, "ads.example", POLICY_NXDOMAIN, "example", "log" },
	{ "a pattern that logs alone", "log",
	  { "log pattern ads" }, Q, "ads.example", POLICY_NONE, "", "log" },
	{ "a pattern on an alias", "nxdomain",
	  { "nxdomain pattern ads" }, POLICY_TRIGGER_ALIAS, "ads.example", POLICY_NXDOMAIN, "ads", "" },
	{ "a pattern on name servers", "server-refused nxdomain",
	  { "server-refused pattern ^ns1", "nxdomain pattern ^ns1" }, POLICY_TRIGGER_SERVER_NAME, "ns1.bad.example", POLICY_REFUSED, "^ns1", "" },
	{ "no pattern on name servers without match: nameserver", "nxdomain",
	  { "nxdomain pattern ^ns1" }, POLICY_TRIGGER_SERVER_NAME, "ns1.bad.example", POLICY_NONE, "", "" },
	{ "an allowing pattern against default deny", "allow",
	  { "allow pattern ^win.*update" }, Q, "windows.update.example", POLICY_ALLOW, "^win.*update", "", true },
	{ "default deny where no pattern matches", "allow",
	  { "allow pattern ^win.*update" }, Q, "x.example", POLICY_NXDOMAIN, "default: deny", "", true },
	{ "a byte that is no letter is matched as it is written", "nxdomain",
	  { "nxdomain pattern ^a\\\\032b" }, Q, "a\\032b.example", POLICY_NXDOMAIN, "^a\\\\032b", "" },
};
/* clang-format on */

static void edit_put(const char *text)
{
	char scope[16], name[256], action_text[16], group[16] = "";
	assert_in_range(sscanf(text, "edit %15s %255s %15s %15s", scope, name, action_text, group),
	                3, 4);
	enum policy_action action;
	assert_int_equal(policy_action_from_text(action_text, &action), 0);
	struct policy_edit e = world_edit(
		name, scope[0] == 'e' ? POLICY_SCOPE_EXACT : POLICY_SCOPE_TREE, action, group);
	assert_int_equal(policy_edit_add(&e), 0);
}

/* The winner of policy_find_all() is the winner of judging. */
static void check_found(const struct row *r, const struct policy *p, const struct verdict *v)
{
	struct policy_match_found found[16];
	struct name_hashes h;
	unsigned n;
	if (r->trigger == POLICY_TRIGGER_ANSWER || r->trigger == POLICY_TRIGGER_SERVER_ADDRESS) {
		struct addr a = world_addr(r->subject);
		n = policy_find_all(p, 0, r->trigger, NULL, NULL, &a, found, 16);
	} else {
		struct name name = world_name(r->subject);
		name_hash_all(name.wire, &h);
		n = policy_find_all(p, 0, r->trigger, name.wire, &h, NULL, found, 16);
	}
	assert_in_range(n, 0, 16);
	const struct policy_match_found *winner = NULL;
	for (unsigned i = 0; i < n; i++) {
		if (!found[i].is_winner)
			continue;
		assert_null(winner);
		winner = &found[i];
	}
	if (v->action == POLICY_NONE || v->trigger == POLICY_TRIGGER_DEFAULT) {
		assert_null(winner);
		return;
	}
	if (winner == NULL) {
		fail_msg("%s: policy_find_all() has no winner", r->why);
		return;
	}
	assert_int_equal(winner->action, v->action);
	assert_int_equal(winner->list, v->list);
	assert_int_equal(winner->scope, v->scope);
	assert_int_equal(winner->rule_depth, v->rule_depth);
	assert_int_equal(winner->prefix_length, v->prefix_length);
	assert_ptr_equal(winner->edit, v->edit);
	assert_ptr_equal(winner->data, v->data);
	assert_ptr_equal(winner->pattern, v->pattern);
}

static void check_row(const struct row *r)
{
	struct world w;
	world_start(&w);
	for (unsigned i = 0; i < 5 && r->rules[i] != NULL; i++) {
		if (strncmp(r->rules[i], "edit ", 5) == 0)
			edit_put(r->rules[i]);
		else
			assert_int_equal(world_rule(&w, r->rules[i]), 0);
	}
	world_write(&w);
	struct policy_group_spec groups[2];
	world_group(&w, &groups[0], "first", r->lists, "0.0.0.0/0");
	world_group(&w, &groups[1], "second", "", "::/0");
	groups[0].is_default_deny = r->is_default_deny;
	world_snapshot(&w, groups, 2);
	is_judging = true;
	struct verdict v = world_judge(w.policy, 0, r->trigger, r->subject);
	is_judging = false;
	char logged[256] = "";
	for (unsigned i = 0; i < v.n_logged; i++) {
		size_t n = strlen(logged);
		snprintf(logged + n, sizeof logged - n, "%s%s", i > 0 ? " " : "",
		         w.lists[v.logged[i]].name);
	}
	if (v.action != r->action || strcmp(world_rule_text(&v, r->subject), r->rule) != 0 ||
	    strcmp(logged, r->logged) != 0)
		fail_msg("%s: got %s by '%s', logged '%s'", r->why, policy_action_name(v.action),
		         world_rule_text(&v, r->subject), logged);
	check_found(r, w.policy, &v);
	world_end(&w);
}

static void every_row_of_the_order_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(policy_edits_open(""), 0);
		check_row(&rows[i]);
		policy_edits_close();
		rcu_quiet();
	}
	assert_int_equal(n_allocations, 0);
}

static void a_verdict_carries_the_local_data(void **state)
{
	(void)state;
	struct world w;
	world_start(&w);
	assert_int_equal(world_rule(&w, "address tree a.example"), 0);
	assert_int_equal(world_rule(&w, "redirect tree b.example"), 0);
	struct addr own[2] = { world_addr("2001:db8::66"), world_addr("192.0.2.67") };
	struct policy_data data = { .addrs = own, .n_addrs = 2 };
	struct policy_rule rule = { .scope = POLICY_SCOPE_EXACT,
		                    .action = POLICY_ADDRESS,
		                    .data = &data };
	struct name name = world_name("c.example");
	assert_int_equal(policy_builder_add_name(w.builder, 1, name.wire, &rule), 0);
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "address redirect", NULL);
	world_snapshot(&w, &g, 1);

	struct verdict v = world_judge(w.policy, 0, Q, "x.a.example");
	assert_int_equal(v.action, POLICY_ADDRESS);
	assert_int_equal(v.data->n_addrs, 1);
	assert_true(addr_equal(v.data->addrs, &world_sinkhole));
	v = world_judge(w.policy, 0, Q, "b.example");
	assert_int_equal(v.action, POLICY_REDIRECT);
	assert_true(name_equal(v.data->target, (const uint8_t *)"\6garden\4test"));
	v = world_judge(w.policy, 0, Q, "c.example");
	assert_int_equal(v.action, POLICY_ADDRESS);
	assert_int_equal(v.data->n_addrs, 2);
	assert_true(addr_equal(&v.data->addrs[0], &own[0]));
	assert_true(addr_equal(&v.data->addrs[1], &own[1]));
	assert_true(v.data->addrs[1].is_v4);
	assert_null(v.data->target);
	world_end(&w);
}

static void nobody_is_judged_without_a_group(void **state)
{
	(void)state;
	struct world w;
	world_start(&w);
	assert_int_equal(world_rule(&w, "refused tree ."), 0);
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "refused", NULL);
	g.is_default_deny = true;
	world_snapshot(&w, &g, 1);
	assert_int_equal(world_judge(w.policy, POLICY_NO_GROUP, Q, "a.example").action,
	                 POLICY_NONE);
	assert_int_equal(world_judge(w.policy, 1, Q, "a.example").action, POLICY_NONE);
	assert_int_equal(world_judge(w.policy, 0, Q, "a.example").action, POLICY_REFUSED);
	world_end(&w);
}

static void the_longest_name_is_judged(void **state)
{
	(void)state;
	struct world w;
	world_start(&w);
	assert_int_equal(world_rule(&w, "refused tree a"), 0);
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "refused", NULL);
	world_snapshot(&w, &g, 1);
	uint8_t wire[255];
	for (unsigned i = 0; i < 127; i++) {
		wire[2 * i] = 1;
		wire[2 * i + 1] = 'a';
	}
	wire[254] = 0;
	struct name_hashes h;
	struct verdict v;
	name_hash_all(wire, &h);
	policy_judge_name(w.policy, 0, Q, wire, &h, &v);
	assert_int_equal(v.action, POLICY_REFUSED);
	assert_int_equal(v.rule_depth, 1);
	world_end(&w);
}

/* What a list in shadow would have done is reported where it would have won. */
static void a_shadow_tells_what_it_would_do(void **state)
{
	static const struct {
		const char *why, *subject;
		enum policy_action action, would;
		unsigned depth;
	} cases[] = {
		{ "alone it would have won", "x.one.example", POLICY_NONE, POLICY_NXDOMAIN, 2 },
		{ "a rule's own action", "own.example", POLICY_NONE, POLICY_REFUSED, 2 },
		{ "an exception of its own", "ok.one.example", POLICY_NONE, POLICY_ALLOW, 3 },
		{ "deeper than the winner", "deep.two.example", POLICY_NODATA, POLICY_NXDOMAIN, 3 },
		{ "shallower than the winner", "a.three.example", POLICY_NODATA, POLICY_NONE, 0 },
		{ "allow goes before it", "four.example", POLICY_ALLOW, POLICY_NONE, 0 },
		{ "it stands first", "five.example", POLICY_NODATA, POLICY_NXDOMAIN, 2 },
		{ "an edit goes before it", "edited.example", POLICY_ALLOW, POLICY_NONE, 0 },
	};
	(void)state;
	struct world w;
	world_start(&w);
	static const char *const rules[] = {
		"nxdomain.shadow tree one.example",
		"nxdomain.shadow tree ok.one.example =allow",
		"nxdomain.shadow tree own.example =refused",
		"nxdomain.shadow tree deep.two.example",
		"nodata tree two.example",
		"nxdomain.shadow tree three.example",
		"nodata tree a.three.example",
		"nxdomain.shadow tree four.example",
		"allow tree four.example",
		"nodata tree five.example",
		"nxdomain.shadow tree five.example",
		"nxdomain.shadow tree edited.example",
	};
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		assert_int_equal(world_rule(&w, rules[i]), 0);
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "nxdomain.shadow nodata allow", NULL);
	world_snapshot(&w, &g, 1);
	assert_int_equal(policy_edits_open(""), 0);
	edit_put("edit tree edited.example allow");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict v = world_judge(w.policy, 0, Q, cases[i].subject);
		enum policy_action would =
			v.n_logged > 0 ? (enum policy_action)v.logged_action[0] : POLICY_NONE;
		if (v.action != cases[i].action || would != cases[i].would || v.n_logged > 1 ||
		    (v.n_logged > 0 && v.logged_depth[0] != cases[i].depth))
			fail_msg("%s: %s, would %s", cases[i].why, policy_action_name(v.action),
			         policy_action_name(would));
		const struct row r = { .why = cases[i].why,
			               .trigger = Q,
			               .subject = cases[i].subject };
		check_found(&r, w.policy, &v);
	}
	policy_edits_close();
	rcu_quiet();
	world_end(&w);
}

static void only_four_logs_are_kept(void **state)
{
	(void)state;
	struct world w;
	char text[64];
	world_start(&w);
	for (unsigned i = 1; i <= 6; i++) {
		snprintf(text, sizeof text, "log.%u tree a.example", i);
		assert_int_equal(world_rule(&w, text), 0);
	}
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "log.1 log.2 log.3 log.4 log.5 log.6", NULL);
	world_snapshot(&w, &g, 1);
	struct verdict v = world_judge(w.policy, 0, Q, "a.example");
	assert_int_equal(v.n_logged, POLICY_MAX_LOGGED);
	assert_int_equal(v.logged_depth[0], 2);
	world_end(&w);
}

/* ---- lists that hold for some types, and at some hours ---- */

static enum policy_action judge_type(const struct world *w, const char *text, uint16_t type)
{
	const struct policy_terms terms = { .type = type, .ns_dots = UINT8_MAX };
	const struct name name = world_name(text);
	struct policy_match_found found[4];
	struct name_hashes h;
	struct verdict v;
	name_hash_all(name.wire, &h);
	policy_judge_name_on(w->policy, 0, Q, name.wire, &h, &terms, &v);
	unsigned n = policy_find_all_on(w->policy, 0, Q, name.wire, &h, NULL, &terms, found, 4);
	bool has_winner = false;
	for (unsigned i = 0; i < n && i < 4; i++) {
		has_winner |= found[i].is_winner;
		assert_false(found[i].is_winner && found[i].is_off);
	}
	assert_int_equal(has_winner, v.action != POLICY_NONE);
	return v.action;
}

static void a_list_holds_for_some_types(void **state)
{
	(void)state;
	struct world w;
	world_start(&w);
	assert_int_equal(world_rule(&w, "nxdomain tree a.example"), 0);
	assert_int_equal(world_rule(&w, "refused tree b.example"), 0);
	assert_int_equal(world_rule(&w, "nxdomain pattern ^c"), 0);
	assert_int_equal(world_rule(&w, "drop tree example"), 0);
	assert_int_equal(world_rule(&w, "nodata.shadow tree a.example"), 0);
	w.lists[0].types[0] = DNS_TXT;
	w.lists[0].types[1] = DNS_AAAA;
	w.lists[0].n_types = 2;
	w.lists[1].types[0] = DNS_A;
	w.lists[1].n_types = 1;
	w.lists[1].types_are_not = true;
	w.lists[3].types[0] = DNS_A;
	w.lists[3].n_types = 1;
	world_write(&w);
	for (unsigned has_zone = 0; has_zone < 2; has_zone++) {
		struct policy_group_spec g;
		w.lists[2].is_rpz = has_zone == 1; /* several tiers, the same verdicts */
		world_group(&w, &g, "all", "nxdomain refused drop nodata.shadow", NULL);
		world_snapshot(&w, &g, 1);
		struct policy_group_view view;
		policy_group_view(w.policy, 0, &view);
		assert_true(view.has_types);
		assert_int_equal(judge_type(&w, "a.example", DNS_TXT), POLICY_NXDOMAIN);
		assert_int_equal(judge_type(&w, "a.example", DNS_AAAA), POLICY_NXDOMAIN);
		assert_int_equal(judge_type(&w, "a.example", DNS_A), POLICY_DROP);
		assert_int_equal(judge_type(&w, "a.example", 0), POLICY_DROP);
		assert_int_equal(judge_type(&w, "b.example", DNS_A), POLICY_DROP);
		assert_int_equal(judge_type(&w, "b.example", DNS_TXT), POLICY_REFUSED);
		assert_int_equal(judge_type(&w, "b.example", 0), POLICY_DROP);
		assert_int_equal(judge_type(&w, "c.test", DNS_TXT), POLICY_NXDOMAIN);
		assert_int_equal(judge_type(&w, "c.test", DNS_A), POLICY_NONE);
		policy_free(w.policy);
	}
	w.policy = NULL;
	world_end(&w);
}

static void a_list_sleeps(void **state)
{
	(void)state;
	struct world w;
	world_start(&w);
	assert_int_equal(world_rule(&w, "nxdomain tree a.example"), 0);
	assert_int_equal(world_rule(&w, "refused tree example"), 0);
	w.lists[0].has_hours = true;
	w.lists[0].is_asleep = true;
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "nxdomain refused", NULL);
	world_snapshot(&w, &g, 1);
	policy_publish(w.policy);
	uint32_t generation = policy_generation(w.policy);
	assert_int_equal(judge_type(&w, "a.example", DNS_A), POLICY_REFUSED);
	policy_list_set_asleep("nxdomain", true);
	policy_list_set_asleep("refused", true); /* it has no hours */
	policy_list_set_asleep("other", true);
	assert_int_equal(policy_generation(w.policy), generation);
	policy_list_set_asleep("nxdomain", false);
	assert_int_not_equal(policy_generation(w.policy), generation);
	assert_int_equal(judge_type(&w, "a.example", DNS_A), POLICY_NXDOMAIN);
	struct policy_list_view view;
	policy_list_view(w.policy, 0, &view);
	assert_false(view.is_asleep);
	policy_list_set_asleep("nxdomain", true);
	policy_list_view(w.policy, 0, &view);
	assert_true(view.is_asleep);
	assert_int_equal(judge_type(&w, "a.example", DNS_A), POLICY_REFUSED);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_order_holds),
		cmocka_unit_test(a_verdict_carries_the_local_data),
		cmocka_unit_test(nobody_is_judged_without_a_group),
		cmocka_unit_test(the_longest_name_is_judged),
		cmocka_unit_test(a_shadow_tells_what_it_would_do),
		cmocka_unit_test(only_four_logs_are_kept),
		cmocka_unit_test(a_list_holds_for_some_types),
		cmocka_unit_test(a_list_sleeps),
	};
	struct siphash_key key = { random_u64(), random_u64() };
	name_set_hash_key(&key);
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
