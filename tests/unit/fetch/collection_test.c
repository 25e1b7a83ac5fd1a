/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/collection.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define EMPTY "{\"type\":\"bundle\",\"objects\":[]}\n"
#define A1    "{\"weir\":\"a 1 0\",\"v\":1}\n"
#define A2    "{\"weir\":\"a 2 0\",\"v\":2}\n"
#define A2B   "{\"weir\":\"a 2 0\",\"v\":9}\n"
#define A3R   "{\"weir\":\"a 3 1\",\"v\":3}\n"
#define B1    "{\"weir\":\"b 1 0\",\"v\":1}\n"
#define C500  "{\"weir\":\"c 1 500\",\"v\":1}\n"

static char folder[] = "/tmp/weir-collection-XXXXXX";
static char old_path[64], came_path[64], out_path[64];

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static char *get(const char *path)
{
	static char text[4096];
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	size_t n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	fclose(f);
	return text;
}

/* What merging gives, by version; `old` is what an earlier merge of it alone gave. */
static int merge(const char *old, const char *came, uint64_t now_s, struct collection_made *ret)
{
	struct collection *c;
	struct collection_made first = { 0 };
	for (int pass = 0; pass < 2; pass++) {
		struct collection_merge m = { .came = came_path,
			                      .now_s = now_s,
			                      .max_bytes = 1000 };
		put(came_path, pass == 0 ? old : came);
		if (pass == 1) {
			m.old = old_path;
			m.old_sha256 = first.sha256;
		} else {
			m.now_s = 0;
		}
		assert_int_equal(collection_new(&c), 0);
		m.fd = open(pass == 0 ? old_path : out_path,
		            O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert_true(m.fd >= 0);
		int e = collection_merge(c, &m, pass == 0 ? &first : ret);
		close(m.fd);
		collection_free(c);
		if (e != 0)
			return e;
	}
	assert_int_equal(ret->bytes, strlen(get(out_path)));
	return 0;
}

static void by_version(void **state)
{
	(void)state;
	static const struct {
		const char *why, *old, *came, *result;
		uint64_t now_s, n_gone;
	} rows[] = {
		{ "nothing and nothing", "", "", EMPTY, 1, 0 },
		{ "nothing new", A1 B1, "", A1 B1, 1, 0 },
		{ "one more", A1, B1, A1 B1, 1, 0 },
		{ "another version", A1 B1, A2, B1 A2, 1, 0 },
		{ "the same once more", A1 B1, A1, A1 B1, 1, 0 },
		{ "as old, and different", A2 B1, A2B, B1 A2B, 1, 0 },
		{ "an older version", A2 B1, A1, A2 B1, 1, 0 },
		{ "two versions, the newer first", B1, A2 A1, B1 A2, 1, 0 },
		{ "two versions, the newer last", B1, A1 A2, B1 A2, 1, 0 },
		{ "revoked", A1 B1, A3R, B1, 1, 1 },
		{ "revoked, and there is nothing left", A1, A3R, EMPTY, 1, 1 },
		{ "an older version of what is revoked", B1, A3R A2, B1, 1, 1 },
		{ "not over yet", C500, A1, C500 A1, 499, 0 },
		{ "over", C500, A1, A1, 500, 1 },
		{ "marks and other lines", A1, "#at 5\nx\n{}\n" B1, A1 B1, 1, 0 },
		{ "cut off by a kill", A1, B1 "{\"weir\":\"c 1 0\",\"v\":1}", A1 B1, 1, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct collection_made made = { 0 };
		assert_int_equal(merge(rows[i].old, rows[i].came, rows[i].now_s, &made), 0);
		if (strcmp(get(out_path), rows[i].result) != 0)
			fail_msg("%s: %s", rows[i].why, get(out_path));
		assert_int_equal(made.n_gone, rows[i].n_gone);
	}
}

static void by_contents(void **state)
{
	(void)state;
	struct collection *c;
	struct collection_made made;
	struct collection_merge m = { .came = came_path,
		                      .is_wanted_only = true,
		                      .max_bytes = 1000 };
	put(came_path, A2 B1 B1);
	assert_int_equal(collection_new(&c), 0);
	assert_int_equal(collection_want(c, "a", 2), 0);
	assert_int_equal(collection_want(c, "b", 1), 0);
	assert_false(collection_has(c, "a", 2));
	assert_int_equal(collection_look(c, came_path), 0);
	assert_true(collection_has(c, "a", 2));
	assert_false(collection_has(c, "a", 1));
	assert_false(collection_has(c, "c", 1));
	m.fd = open(out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(collection_merge(c, &m, &made), 0);
	close(m.fd);
	collection_free(c);
	assert_string_equal(get(out_path), A2 B1);
	/* One that is wanted did not come. */
	assert_int_equal(collection_new(&c), 0);
	assert_int_equal(collection_want(c, "c", 1), 0);
	m.fd = open(out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(collection_merge(c, &m, &made), -ESTALE);
	close(m.fd);
	assert_int_equal(collection_look(c, "/nonexistent"), -ENOENT);
	collection_free(c);
}

static void what_cannot_be_merged(void **state)
{
	(void)state;
	struct collection *c;
	struct collection_made made;
	struct collection_merge m = {
		.old = old_path, .old_sha256 = "00", .came = came_path, .max_bytes = 1000
	};
	put(old_path, A1);
	put(came_path, B1);
	assert_int_equal(collection_new(&c), 0);
	m.fd = open(out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(collection_merge(c, &m, &made), -ESTALE); /* another checksum */
	m.old = "/nonexistent";
	assert_int_equal(collection_merge(c, &m, &made), -ESTALE);
	m.old = NULL;
	m.max_bytes = 10;
	assert_int_equal(collection_merge(c, &m, &made), -EFBIG);
	m.max_bytes = 1000;
	m.came = "/nonexistent";
	assert_int_equal(collection_merge(c, &m, &made), -ENOENT);
	close(m.fd);
	m.came = came_path;
	m.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(collection_merge(c, &m, &made), -ENOSPC);
	close(m.fd);
	collection_free(c);
}

static void many_objects(void **state)
{
	(void)state;
	struct collection *c;
	char id[16];
	assert_int_equal(collection_new(&c), 0);
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(id, sizeof id, "x%u", i);
		assert_int_equal(collection_want(c, id, i), 0);
	}
	put(came_path, "{\"weir\":\"x77777 77777 0\",\"v\":1}\n");
	assert_int_equal(collection_look(c, came_path), 0);
	assert_true(collection_has(c, "x77777", 77777));
	assert_false(collection_has(c, "x77778", 77778));
	collection_free(c);
}

static void marks(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"{",
		"{\"weir\":\"",
		"{\"weir\":\"a 1 0\"}",
		"{\"weir\":\"a 1 0\"",
		"{\"weir\":\"a 1\",",
		"{\"weir\":\"a  1 0\",",
		"{\"weir\":\" 1 0\",",
		"{\"weir\":\"a -1 0\",",
		"{\"weir\":\"a\\ 1 0\",",
		"{\"weir\":\"a 99999999999999999999 0\",",
		"{\"weir\":\"a 18446744073709551616 0\",",
		"{ \"weir\":\"a 1 0\",",
	};
	struct collection_mark m = { .id = "b c", .stamp = UINT64_MAX, .gone_s = 7 }, back;
	char text[COLLECTION_MARK_MAX];
	size_t n = collection_mark_write(&m, text);
	assert_true(collection_mark_read(text, n, &back));
	assert_memory_equal(back.id, "hash-", 5); /* of what has odd characters */
	assert_int_equal(back.stamp, m.stamp);
	assert_int_equal(back.gone_s, 7);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (collection_mark_read(bad[i], strlen(bad[i]), &back))
			fail_msg("%s", bad[i]);
	}
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(old_path, sizeof old_path, "%s/old", folder);
	snprintf(came_path, sizeof came_path, "%s/came", folder);
	snprintf(out_path, sizeof out_path, "%s/out", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(old_path);
	unlink(came_path);
	unlink(out_path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_version),   cmocka_unit_test(by_contents),
		cmocka_unit_test(many_objects), cmocka_unit_test(what_cannot_be_merged),
		cmocka_unit_test(marks),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
