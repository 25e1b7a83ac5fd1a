/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/place.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char state_dir[] = "/tmp/weir-place-XXXXXX";

static void put(struct place *p, const char *text)
{
	struct validators v = { .bytes = strlen(text), .sha256 = SUM, .etag = "\"1\"" };
	int fd = place_begin(p);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(place_finish(p, fd, &v), 0);
}

static void test_names(void **state)
{
	struct place p;
	char *longer = malloc(5000);
	(void)state;
	assert_non_null(longer);
	memset(longer, 'x', 4999);
	longer[4999] = 0;
	assert_int_equal(place_of("/s", "..", &p), -EINVAL);
	assert_int_equal(place_of("/s", "a/b", &p), -EINVAL);
	assert_int_equal(place_of("/s", "", &p), -EINVAL);
	assert_int_equal(place_of(longer, "a", &p), -ENAMETOOLONG);
	assert_int_equal(place_of("/s", "a", &p), 0);
	assert_string_equal(p.file, "/s/feeds/a");
	free(longer);
}

static void test_versions(void **state)
{
	struct place p;
	struct validators v;
	struct stat st;
	(void)state;
	assert_int_equal(place_of(state_dir, "a", &p), 0);
	assert_int_equal(place_known(&p, &v), -ENOENT);
	put(&p, "one\n");
	assert_int_equal(place_known(&p, &v), 0);
	assert_string_equal(v.etag, "\"1\"");
	/* Given up: the old one stays, nothing is left behind. */
	int fd = place_begin(&p);
	assert_true(fd >= 0);
	place_give_up(&p, fd);
	assert_int_equal(stat(p.beside, &st), -1);
	assert_int_equal(place_known(&p, &v), 0);
	/* The file is not what it was: nothing is known of it. */
	assert_int_equal(truncate(p.file, 2), 0);
	assert_int_equal(place_known(&p, &v), -ENOENT);
	put(&p, "three\n");
	v = (struct validators){ .bytes = 6, .sha256 = SUM, .etag = "\"2\"" };
	assert_int_equal(place_note(&p, &v), 0);
	assert_int_equal(place_known(&p, &v), 0);
	assert_string_equal(v.etag, "\"2\"");
}

static void test_prune(void **state)
{
	static const char *const names[] = { "a", "b", "a.new" };
	struct fetch_source sources[] = { { .name = "b" }, { .name = "a.new" } };
	struct fetch_sources s = { sources, 2 };
	struct place p[3];
	struct stat st;
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(place_of(state_dir, names[i], &p[i]), 0);
		put(&p[i], "x\n");
	}
	place_prune(state_dir, &s);
	assert_int_equal(stat(p[0].file, &st), -1);
	assert_int_equal(stat(p[0].meta, &st), -1);
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(stat(p[i].file, &st), 0);
		assert_int_equal(stat(p[i].meta, &st), 0);
	}
	s.n = 0;
	place_prune(state_dir, &s);
	assert_int_equal(rmdir(p[0].folder), 0);
	place_prune("/nowhere", &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_prune),
	};
	if (mkdtemp(state_dir) == NULL)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(state_dir);
	return failed;
}
