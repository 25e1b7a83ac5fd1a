/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Databases made by tests/lab/mmdb.py (in the fuzz target's corpus), and what of them are rules. */
#include <errno.h>

#include "files.h"
#include "render.h"

static const char *folder;

static const char *read_as(const char *file, const char *const *countries, unsigned n_countries,
                           const char *const *networks, unsigned n_networks)
{
	static struct render o;
	char path[512];
	struct feeds_report report = { 0 };
	const struct feeds_options options = { .countries = countries,
		                               .n_countries = n_countries,
		                               .networks = networks,
		                               .n_networks = n_networks };
	struct scan s = { .pass = SCAN_EMIT,
		          .format = FEEDS_MMDB,
		          .options = &options,
		          .rule = render_rule,
		          .arg = &o,
		          .report = &report };
	struct reader *r;
	const char *why;
	o.n = 0;
	o.text[0] = 0;
	snprintf(path, sizeof path, "%s/%s", folder, file);
	assert_int_equal(reader_open(path, 1 << 20, &r, &why), 0);
	assert_int_equal(scan_file(&s, r), 0);
	reader_close(r);
	if (report.skips[FEEDS_SKIP_NOT_MMDB] > 0)
		render_add(&o, "%srefused", o.n > 0 ? "; " : "");
	return o.text;
}

static void countries_and_networks(void **state)
{
	(void)state;
	static const char *const ru[] = { "RU" }, *const both[] = { "NL", "KP" };
	static const char *const as[] = { "AS64500" };
	assert_string_equal(read_as("countries", ru, 1, NULL, 0),
	                    "192.0.2.0/25; 203.0.113.0/24; 2001:db8:1::/48");
	assert_string_equal(read_as("countries", both, 2, NULL, 0),
	                    "192.0.2.128/25; 2001:db8:2::/48");
	assert_string_equal(read_as("countries", NULL, 0, as, 1), "");
	assert_string_equal(read_as("networks", NULL, 0, as, 1),
	                    "198.51.100.0/24; 198.51.102.0/24");
	assert_string_equal(read_as("networks", both, 2, NULL, 0), "198.51.102.0/24");
}

static void what_is_no_database(void **state)
{
	(void)state;
	static const char *const ru[] = { "RU" };
	assert_string_equal(read_as("cut", ru, 1, NULL, 0), "refused");
	const char *text = read_as("loop", ru, 1, NULL, 0);
	assert_non_null(strstr(text, "refused"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(countries_and_networks),
		cmocka_unit_test(what_is_no_database),
	};
	folder = argc > 1 ? argv[1] : ".";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
