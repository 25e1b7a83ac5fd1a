/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An excerpt of a published list in the six syntaxes that it is published in; the whole list is compared
 * by tests/bench/lists_report where it is at hand.
 */
#include "syntaxes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *folder;

static void test_urlhaus(void **state)
{
	static const struct {
		const char *file;
		enum feeds_format format;
	} files[] = {
		{ "domains.txt", FEEDS_DOMAINS },  { "ag.txt", FEEDS_ADBLOCK },
		{ "hosts.txt", FEEDS_HOSTS },      { "rpz.conf", FEEDS_RPZ },
		{ "unbound.conf", FEEDS_UNBOUND }, { "bind.conf", FEEDS_BIND },
	};
	static char paths[ARRAY_LEN(files)][4096];
	struct syntax all[ARRAY_LEN(files)];
	struct syntaxes_result result;
	const struct siphash_key key = { 1, 2 };
	(void)state;
	name_set_hash_key(&key);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(paths[i], sizeof paths[i], "%s/urlhaus-filter-%s", folder, files[i].file);
		all[i] = (struct syntax){ paths[i], files[i].format };
	}
	assert_int_equal(syntaxes_compare(all, ARRAY_LEN(all), stderr, &result), 0);
	assert_int_equal(result.names, 60);
	assert_int_equal(result.different, result.numbers);
	assert_int_equal(result.numbers, 5);
	assert_int_equal(result.blocked, 55);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_urlhaus) };
	must(argc == 2);
	folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
