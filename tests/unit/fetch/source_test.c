/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct fetch_source one = {
	.name = "one",
	.urls = { "https://a.example/", "https://b.example/" },
	.n_urls = 2,
	.refresh_s = 60,
	.headers = { "A: b" },
	.n_headers = 1,
	.ca_file = "/ca",
};

static void test_copy(void **state)
{
	(void)state;
	struct fetch_sources *s = sources_copy(&one, 1);
	assert_non_null(s);
	assert_int_equal(s->n, 1);
	assert_true(source_is_same(&s->at[0], &one));
	assert_ptr_not_equal(s->at[0].name, one.name);
	assert_ptr_not_equal(s->at[0].urls[1], one.urls[1]);
	assert_null(s->at[0].proxy);
	sources_free(s);
	s = sources_copy(NULL, 0);
	assert_non_null(s);
	assert_int_equal(s->n, 0);
	sources_free(s);
	sources_free(NULL);
}

static void test_differences(void **state)
{
	struct fetch_source x = one;
	(void)state;
	x.n_urls = 1;
	assert_false(source_is_same(&x, &one));
	x = one;
	x.urls[1] = "https://c.example/";
	assert_false(source_is_same(&x, &one));
	x = one;
	x.headers[0] = "A: c";
	assert_false(source_is_same(&x, &one));
	x = one;
	x.proxy = "http://p:1";
	assert_false(source_is_same(&x, &one));
	x = one;
	x.refresh_s = 61;
	assert_false(source_is_same(&x, &one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_differences),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
