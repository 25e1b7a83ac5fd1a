/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "feeds/feeds.h"

static const char path[] = "/tmp/rpz_publish_test.list";
static char all[8000];

static int take(void *arg, const struct feeds_record *r)
{
	char owner[NAME_TEXT_MAX], target[NAME_TEXT_MAX];
	size_t n = strlen(all);
	name_to_text(r->owner, owner);
	if (r->type == 5)
		name_to_text(r->data, target);
	else
		snprintf(target, sizeof target, "%u:%u", r->type, r->n);
	snprintf(all + n, sizeof all - n, "%s %s %u\n", owner, target, r->ttl_s);
	return arg != NULL ? -ECANCELED : 0;
}

static const struct {
	const char *why, *text;
	enum feeds_format format;
	enum policy_action action;
	const char *expected;
	unsigned n_left_out;
} rows[] = {
	{ "names", "a.example\n", FEEDS_DOMAINS, POLICY_NXDOMAIN,
	  "a.example.rpz . 60\n*.a.example.rpz . 60\n", 0 },
	{ "allow", "a.example\n", FEEDS_DOMAINS, POLICY_ALLOW,
	  "a.example.rpz rpz-passthru 60\n*.a.example.rpz rpz-passthru 60\n", 0 },
	{ "refused is nxdomain", "0.0.0.0 a.example\n", FEEDS_HOSTS, POLICY_REFUSED,
	  "a.example.rpz . 60\n", 0 },
	{ "log cannot be said", "0.0.0.0 a.example\n", FEEDS_HOSTS, POLICY_LOG, "", 1 },
	{ "hosts", "0.0.0.0 a.example\n0.0.0.0 b.example\n", FEEDS_HOSTS, POLICY_NODATA,
	  "a.example.rpz * 60\nb.example.rpz * 60\n", 0 },
};

static int publish(size_t i, void *arg, uint64_t *ret_left_out)
{
	struct policy_list_spec spec = { .name = "main", .action = rows[i].action };
	struct feeds_list list = { .spec = &spec, .format = rows[i].format };
	const struct feeds_plan plan = { .lists = &list, .n_lists = 1 };
	struct name apex;
	assert_int_equal(name_from_text("rpz", 3, &apex), 0);
	const struct feeds_publication what = { &apex, 60 };
	memcpy(spec.path, path, sizeof path);
	all[0] = 0;
	struct feeds_published done = { 0 };
	int e = feeds_publish(&plan, &what, take, arg, &done);
	if (e == 0)
		*ret_left_out = done.n_left_out;
	return e;
}

static void write_list(const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void rows_are_published(void **state)
{
	(void)state;
	uint64_t n_left_out;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		write_list(rows[i].text);
		assert_int_equal(publish(i, NULL, &n_left_out), 0);
		if (strcmp(all, rows[i].expected) != 0 || n_left_out != rows[i].n_left_out)
			fail_msg("%s: '%s'", rows[i].why, all);
	}
	unlink(path);
}

static void failures_are_told(void **state)
{
	(void)state;
	uint64_t n_left_out;
	unlink(path);
	assert_int_equal(publish(0, NULL, &n_left_out), -ENOENT);
	write_list("a.example\n");
	assert_int_equal(publish(0, all, &n_left_out), -ECANCELED);
	unlink(path);
}

static void one_rule_is_published(void **state)
{
	(void)state;
	struct name name, apex;
	assert_int_equal(name_from_text("a.example", 9, &name), 0);
	assert_int_equal(name_from_text("rpz", 3, &apex), 0);
	const struct feeds_publication what = { &apex, 5 };
	struct policy_rule rule = { .action = POLICY_DROP, .scope = POLICY_SCOPE_BELOW };
	all[0] = 0;
	assert_int_equal(feeds_publish_rule(&name, &rule, &what, take, NULL), 0);
	assert_string_equal(all, "*.a.example.rpz rpz-drop 5\n");
	rule.action = POLICY_LOG;
	assert_int_equal(feeds_publish_rule(&name, &rule, &what, take, NULL), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_published),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(one_rule_is_published),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
