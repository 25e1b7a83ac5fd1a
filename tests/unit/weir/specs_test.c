/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/specs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct config *load(const char *text)
{
	struct config *c = NULL;
	struct config_problems p = { 0 };
	assert_int_equal(config_load_text("/nonexistent/weir.yaml", text, strlen(text), &c, &p), 0);
	config_problems_done(&p);
	return c;
}

static void test_fields(void **state)
{
	struct config *c =
		load("lists:\n"
	             "- {name: a, file: a.txt, ttl: 5m, ede: 17, subdomains: false}\n"
	             "- {name: b, file: /b, format: addresses, match: answer, action: log}\n"
	             "- {name: c, file: c, action: address, addresses: [192.0.2.1, '::1']}\n"
	             "- {name: d, file: d, action: redirect, target: W.example}\n"
	             "groups:\n"
	             "- {name: g, clients: [10.0.0.0/8], lists: [c, a]}\n"
	             "- {name: h, clients: [11.0.0.0/8, '::1'], lists: [b, d],\n"
	             "   default: deny, deny-action: refused, log: all}\n");
	struct specs *s;
	struct name target;
	(void)state;
	assert_int_equal(specs_new(c, &s), 0);
	assert_int_equal(s->n_lists, 4);
	assert_string_equal(s->lists[0].name, "a");
	assert_string_equal(s->lists[0].path, "/nonexistent/a.txt");
	assert_int_equal(s->lists[0].action, POLICY_NXDOMAIN);
	assert_int_equal(s->lists[0].match, POLICY_MATCH_NAME);
	assert_int_equal(s->lists[0].ede_code, 17);
	assert_int_equal(s->lists[0].ttl_s, 300);
	assert_null(s->lists[0].data.target);
	assert_ptr_equal(s->feeds[0].spec, &s->lists[0]);
	assert_int_equal(s->feeds[0].format, FEEDS_DOMAINS);
	assert_true(s->feeds[0].no_subdomains);
	assert_int_equal(s->lists[1].match, POLICY_MATCH_ANSWER);
	assert_int_equal(s->lists[1].action, POLICY_LOG);
	assert_int_equal(s->feeds[1].format, FEEDS_ADDRESSES);
	assert_false(s->feeds[1].no_subdomains);
	assert_int_equal(s->lists[2].data.n_addrs, 2);
	assert_int_equal(name_from_text("w.example", 9, &target), 0);
	assert_true(name_equal(s->lists[3].data.target, target.wire));
	assert_int_equal(s->n_groups, 2);
	assert_int_equal(s->groups[0].n_lists, 2);
	assert_int_equal(s->groups[0].lists[0], 2);
	assert_int_equal(s->groups[0].lists[1], 0);
	assert_false(s->groups[0].is_default_deny);
	assert_false(s->groups[0].log_all);
	assert_int_equal(s->groups[1].n_clients, 2);
	assert_true(s->groups[1].is_default_deny);
	assert_int_equal(s->groups[1].deny_action, POLICY_REFUSED);
	assert_true(s->groups[1].log_all);
	specs_free(s);
	config_free(c);
	specs_free(NULL);
}

/* options.def says in words what the tables of policy/ and feeds/ say: all must be known there. */
static void test_all_words(void **state)
{
	static const char *const formats[] = { "domains", "wildcard", "hosts", "adblock" };
	static const char *const actions[] = { "nxdomain", "nodata", "refused", "drop",
		                               "truncate", "allow",  "log" };
	char text[256];
	(void)state;
	for (size_t f = 0; f < ARRAY_LEN(formats); f++) {
		for (size_t a = 0; a < ARRAY_LEN(actions); a++) {
			struct specs *s;
			snprintf(text, sizeof text,
			         "lists: [{name: a, file: a, format: %s, action: %s}]", formats[f],
			         actions[a]);
			struct config *c = load(text);
			assert_int_equal(specs_new(c, &s), 0);
			assert_string_equal(feeds_format_name(s->feeds[0].format), formats[f]);
			assert_string_equal(policy_action_name(s->lists[0].action), actions[a]);
			specs_free(s);
			config_free(c);
		}
	}
}

static void test_events_all(void **state)
{
	struct config *c = load("events: {all: true, file: '-'}");
	struct specs *s;
	(void)state;
	assert_int_equal(specs_new(c, &s), 0);
	assert_int_equal(s->n_lists, 0);
	assert_int_equal(s->n_groups, 1);
	assert_string_equal(s->groups[0].name, "default");
	assert_true(s->groups[0].log_all);
	specs_free(s);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_all_words),
		cmocka_unit_test(test_events_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
