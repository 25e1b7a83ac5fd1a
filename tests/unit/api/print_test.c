/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text that people read: every print function over real replies and over hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"

static struct sample sample;
static char *text;

static const char *print(void (*print_reply)(FILE *out, const json_t *reply), json_t *reply)
{
	size_t n;
	free(text);
	FILE *out = open_memstream(&text, &n);
	assert_non_null(out);
	print_reply(out, reply);
	fclose(out);
	json_decref(reply);
	return text;
}

static const char *print_request(void (*print_reply)(FILE *out, const json_t *reply),
                                 const char *request)
{
	return print(print_reply, sample_run(&sample, request));
}

static void expect_all(const char *shown, const char *const *parts, size_t n)
{
	const char *at = shown;
	for (size_t i = 0; i < n; i++) {
		const char *found = strstr(at, parts[i]);
		if (found == NULL)
			fail_msg("\"%s\" is missing, or not in its place, in:\n%s", parts[i],
			         shown);
		at = found;
	}
}

static void explain_reads_from_top_to_bottom(void **state)
{
	(void)state;
	static const char *const parts[] = {
		"server.start.example A, asked by 10.0.0.1",
		"Group     office: its clients 10.0.0.0/8 cover 10.0.0.1",
		"Cache     a fresh answer: NOERROR, 2 records",
		"1. The question's name server.start.example",
		"2. The name servers of the root",
		"3. The name servers of start.example",
		"ns.start.example",
		"203.0.113.2",
		"no rule matches",
		"4. The alias server.start.example CNAME www.bad.test",
		"5. The name servers of bad.test",
		"WINS     refused   ns.bad.test and below",
		"list servers",
		"line 1",
		"6. The addresses in the answer: 192.0.2.80",
		"(not looked at: it was decided above)",
		"moot     nodata    192.0.2.0/24",
		"Verdict   The client gets REFUSED (extended error 17)",
	};
	expect_all(print_request(api_print_explain, "{\"command\":\"explain\",\"name\":"
	                                            "\"server.start.example\",\"client\":"
	                                            "\"10.0.0.1\"}"),
	           parts, ARRAY_LEN(parts));
	/* Paths may be long. */
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
		size_t n = strcspn(line, "\n");
		assert_true(n <= 80 || memchr(line, '/', n) != NULL);
	}
}

static void edits_say_what_and_until_when(void **state)
{
	(void)state;
	static const char *const made[] = {
		"Blocked: evil.example and everything below it (nxdomain), for group office, until 20",
		" UTC (2h)",
		/* clang-format off */
		("group office: nxdomain by the edit evil.example (before: allow by rule evil.example "
		 "of list partners)"),
		/* clang-format on */
		"overrides rule evil.example",
	};
	expect_all(print_request(api_print_edit,
	                         "{\"command\":\"block\",\"name\":\"evil.example\",\"group\":"
	                         "\"office\",\"for_s\":7200,\"reason\":\"a \\u202e b\"}"),
	           made, ARRAY_LEN(made));
	static const char *const listed[] = {
		"nxdomain  evil.example and everything below it",
		"group office, 2h left; by tester (1), 20",
		"a \\xe2\\x80\\xae b",
	};
	/* A second may have passed. */
	const char *shown = print_request(api_print_edits, "{\"command\":\"edits\"}");
	if (strstr(shown, "1h 59m left") == NULL)
		expect_all(shown, listed, ARRAY_LEN(listed));
	static const char *const undone[] = {
		"Taken back: the edit of evil.example",
		"group office: allow by rule evil.example of list partners (before: nxdomain by the "
		"edit evil.example)",
	};
	expect_all(print_request(api_print_edit, "{\"command\":\"undo\",\"name\":\"evil.example\","
	                                         "\"group\":\"office\"}"),
	           undone, ARRAY_LEN(undone));
	assert_string_equal(print_request(api_print_edits, "{\"command\":\"edits\"}"),
	                    "There are no edits.\n");
}

static void status_shows_lists_and_problems(void **state)
{
	(void)state;
	static const char *const parts[] = {
		"Weir ",
		"Policy      generation ",
		"Lists (8)",
		"malware",
		"3 names",
		"addresses",
		"2 addresses",
		"! other.txt is gone: its copy is in force",
		"Groups (5)",
		"office",
		"default allow; lists malware partners watch servers\n",
		"kiosk",
		"default deny",
		"Questions   0 received",
		"Upstream    not asked yet",
		"Cache       5 answers",
		"Events      not written",
	};
	expect_all(print_request(api_print_status, "{\"command\":\"status\"}"), parts,
	           ARRAY_LEN(parts));
}

static void failures_say_what_to_do(void **state)
{
	(void)state;
	char *said = NULL;
	size_t n;
	static const int errors[] = { -2, -111, -13, -110, -36, -71, -5 };
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		FILE *out = open_memstream(&said, &n);
		api_print_failure(out, "/run/weir/\x1b[31mcontrol", errors[i]);
		fclose(out);
		assert_non_null(strstr(said, "/run/weir/\\x1b[31mcontrol"));
		free(said);
	}
}

/* What a server that is not ours might send: no crash, nothing that steers a terminal. */
static void any_reply_can_be_printed(void **state)
{
	(void)state;
	static void (*const prints[])(FILE * out, const json_t *reply) = {
		api_print_error,  api_print_explain, api_print_edit,  api_print_edits,
		api_print_reload, api_print_status,  api_print_query,
	};
	static const char *const replies[] = {
		"{}",
		"{\"explain\":7,\"edit\":[],\"edits\":[1,null,{}],\"status\":[],\"answer\":\"x\"}",
		"{\"explain\":{\"stages\":[null,{\"stage\":\"servers\",\"servers\":[{}, 3],\"matches\":[{}, "
		"\"x\"]},{\"matches\":7}],\"group\":{\"lists\":[1,{}]},\"verdict\":[]}}",
		"{\"explain\":{\"name\":\"\\u001b[2J\",\"stages\":[{\"stage\":\"answer\",\"addresses\":[\"\\u001b"
		"\",4]}],\"verdict\":{\"sentence\":\"\\u001b\\u0007\"}}}",
		"{\"status\":{\"policy\":{\"lists\":[{\"name\":\"\\u001b\",\"problem\":\"\\u001b\"}],\"groups\":"
		"[{\"lists\":[\"\\u001b\"]}]}},\"edits\":[{\"name\":\"\\u001b\",\"expires_s\":-1}],"
		"\"error\":{\"text\":\"\\u001b\"},\"edit\":{\"name\":\"\\u001b\"},\"effects\":[{\"groups\":["
		"\"\\u001b\"],\"notes\":[\"\\u001b\"],\"after\":{\"by\":\"list\",\"rule\":\"\\u001b\"}}]}",
	};
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		for (size_t k = 0; k < ARRAY_LEN(prints); k++) {
			json_t *reply = json_loads(replies[i], 0, NULL);
			assert_non_null(reply);
			const char *shown = print(prints[k], reply);
			assert_null(strchr(shown, '\x1b'));
			assert_null(strchr(shown, '\x07'));
		}
	}
}

static void reload_and_query_are_shown(void **state)
{
	(void)state;
	assert_string_equal(
		print(api_print_reload, json_pack("{s:{s:b, s:i, s:[s]}}", "reload", "in_force", 1,
	                                          "took_ms", 1250, "messages", "odd")),
		"odd\nReloaded in 1.2 s; the new policy is in force.\n");
	assert_non_null(strstr(print(api_print_reload, json_pack("{s:{s:b, s:s}}", "reload",
	                                                         "in_force", 0, "error", "no")),
	                       "Not reloaded: no"));
	static const char *const parts[] = { "NOERROR\n", "answer:\n", "a.org",
		                             "300  A      192.0.2.1\n" };
	expect_all(
		print(api_print_query,
	              json_pack("{s:{s:s, s:[], s:[{s:s, s:s, s:i, s:s, s:s}]}}", "answer", "rcode",
	                        "NOERROR", "errors", "records", "section", "answer", "name",
	                        "a.org", "ttl_s", 300, "type", "A", "data", "192.0.2.1")),
		parts, ARRAY_LEN(parts));
}

static int set_up(void **state)
{
	(void)state;
	sample_init(&sample);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(text);
	sample_done(&sample);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(explain_reads_from_top_to_bottom),
		cmocka_unit_test(edits_say_what_and_until_when),
		cmocka_unit_test(status_shows_lists_and_problems),
		cmocka_unit_test(failures_say_what_to_do),
		cmocka_unit_test(any_reply_can_be_printed),
		cmocka_unit_test(reload_and_query_are_shown),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
