/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Versions, what operators choose among them, and what the guard makes of new ones. */
#include "feeds/versions.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "files.h"
#include "io/layers.h"

static char state_dir[128];
static struct policy_list_spec spec;
static struct feeds_list list;
static struct feeds_plan plan = { .lists = &list,
	                          .n_lists = 1,
	                          .state_dir = state_dir,
	                          .keep_versions = 3 };
static struct policy_image *image;
static struct feeds_report report;

/* The file gets so many names; compiled; the report is kept. */
static void compile(void)
{
	struct feeds_result result;
	assert_int_equal(feeds_compile(&plan, image, &result), 0);
	if (!result.is_unchanged) {
		report = result.reports[0];
		if (image != NULL)
			policy_image_put(image);
		image = result.image;
		result.image = NULL;
	}
	feeds_result_done(&result);
}

static void put_names(unsigned n, const char *more)
{
	FILE *f = fopen(files_path("a"), "wb");
	assert_non_null(f);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "n%u.example\n", i);
	fprintf(f, "%s", more);
	assert_int_equal(fclose(f), 0);
}

static unsigned versions(struct feeds_version ret[FEEDS_MAX_VERSIONS])
{
	return feeds_versions(state_dir, "a", ret);
}

static void test_versions_come_and_go(void **state)
{
	struct feeds_version v[FEEDS_MAX_VERSIONS];
	(void)state;
	assert_int_equal(versions(v), 0);
	for (unsigned i = 1; i <= 5; i++) {
		put_names(200 + i, "");
		compile();
		assert_int_equal(report.version, i);
		compile(); /* unchanged */
	}
	assert_int_equal(versions(v), 3);
	assert_int_equal(v[0].number, 3);
	assert_int_equal(v[2].rules, 205);
	assert_false(files_exists("state/versions/a/2"));
	assert_true(files_exists("state/versions/a/3"));
}

static void test_rollback(void **state)
{
	(void)state;
	assert_int_equal(feeds_pin(state_dir, "a", spec.path, 1, false), -ENOENT);
	assert_int_equal(feeds_pin(state_dir, "a", spec.path, 3, false), 0);
	compile();
	assert_int_equal(report.origin, FEEDS_FROM_VERSION);
	assert_int_equal(report.names, 203);
	assert_int_equal(report.version, 3);
	put_names(250, ""); /* it holds, whatever comes */
	compile();
	assert_int_equal(report.names, 203);
	assert_int_equal(feeds_unpin(state_dir, "a"), 0);
	assert_int_equal(feeds_unpin(state_dir, "a"), -ENOENT);
	compile();
	assert_int_equal(report.origin, FEEDS_FROM_FILE);
	assert_int_equal(report.names, 250);
}

static void test_rollback_until_newer(void **state)
{
	struct feeds_version v[FEEDS_MAX_VERSIONS];
	(void)state;
	assert_int_equal(versions(v), 3);
	assert_int_equal(feeds_pin(state_dir, "a", spec.path, v[0].number, true), 0);
	compile();
	assert_int_equal(report.names, v[0].rules);
	put_names(10, ""); /* refused: not a newer good one */
	compile();
	assert_int_equal(report.origin, FEEDS_FROM_COPY);
	assert_true(report.is_refused);
	assert_int_equal(report.names, v[0].rules);
	assert_non_null(strstr(report.message, "the version that was chosen"));
	put_names(260, "");
	compile();
	assert_int_equal(report.origin, FEEDS_FROM_FILE);
	assert_int_equal(report.names, 260);
	assert_false(files_exists("state/versions/a/pin"));
}

/* What stands in the way of reading is no absence. */
static void block(const char *file)
{
	if (files_exists(file))
		assert_int_equal(unlink(files_path(file)), 0);
	assert_int_equal(mkdir(files_path(file), 0700), 0);
}

static void test_what_cannot_be_read_stays(void **state)
{
	struct versions v;
	struct versions_pin pin;
	uint64_t was;
	(void)state;
	put_names(260, "");
	compile();
	was = report.names;
	block("state/versions/a/pin");
	assert_int_equal(versions_pinned(state_dir, "a", &pin), -EISDIR);
	put_names(270, "");
	compile(); /* is another version to be in force? It cannot be told: nothing changes */
	assert_int_equal(report.names, was);
	assert_int_equal(report.error, -EISDIR);
	assert_non_null(strstr(report.message, "its rules in force stay"));
	assert_int_equal(rmdir(files_path("state/versions/a/pin")), 0);
	compile();
	assert_int_equal(report.names, 270);
	/* Without the versions of before there is nothing to hold a new one against. */
	assert_int_equal(rename(files_path("state/versions/a/index"), files_path("index")), 0);
	block("state/versions/a/index");
	assert_int_equal(versions_read(state_dir, "a", &v), -EISDIR);
	put_names(1, "");
	compile();
	assert_int_equal(report.names, 270);
	assert_non_null(strstr(report.message, "cannot be held against its versions of before"));
	assert_int_equal(rmdir(files_path("state/versions/a/index")), 0);
	assert_int_equal(rename(files_path("index"), files_path("state/versions/a/index")), 0);
	put_names(260, "");
	compile();
	assert_int_equal(report.names, 260);
}

static void test_neither_file_nor_copy(void **state)
{
	(void)state;
	assert_int_equal(unlink(files_path("state/lists/a")), 0);
	block("a");
	compile();
	assert_int_equal(report.names, 260);
	assert_non_null(strstr(report.message, "its rules in force stay"));
	assert_int_equal(rmdir(files_path("a")), 0);
	put_names(260, "");
	compile();
	assert_int_equal(report.error, 0);
	assert_true(files_exists("state/lists/a")); /* and there is a copy again */
}

static void test_refused(void **state)
{
	(void)state;
	put_names(100, "");
	compile();
	assert_int_equal(report.error, -EPERM);
	assert_int_equal(report.origin, FEEDS_FROM_COPY);
	assert_int_equal(report.names, 260);
	assert_non_null(strstr(report.message, "has 100 rules, and the version in force has 260"));
	assert_int_equal(feeds_accept(state_dir, "a", spec.path), 0);
	compile();
	assert_int_equal(report.error, 0);
	assert_int_equal(report.names, 100);
	put_names(100, "github.com\n"); /* accepted was the other one */
	compile();
	assert_true(report.is_refused);
	assert_int_equal(report.error_line, 101);
	assert_non_null(strstr(report.message, "a:101: blocks github.com"));
	put_names(101, "");
	compile();
	assert_int_equal(report.error, 0);
}

static void test_protected_from_the_beginning(void **state)
{
	(void)state;
	list.spec = &spec;
	put_names(101, "");
	snprintf(spec.name, sizeof spec.name, "b");
	put_names(120, "github.com\n");
	compile();
	assert_int_equal(report.error, 0);
	assert_int_equal(report.names, 120); /* without it */
	assert_int_equal(report.skips[FEEDS_SKIP_PROTECTED], 1);
	assert_non_null(strstr(report.message, "left out, as 1 in all"));
	assert_false(files_exists("state/versions/a")); /* the list is gone */
	snprintf(spec.name, sizeof spec.name, "a");
}

static void put_zone(unsigned serial)
{
	char text[256];
	snprintf(
		text, sizeof text,
		"$ORIGIN z.example.\n$TTL 60\n@ SOA a. b. %u 1 1 1 1\n@ NS a.\nevil.test%u CNAME .\n",
		serial, serial);
	files_put_text("a", text);
}

static void test_serials(void **state)
{
	(void)state;
	snprintf(spec.name, sizeof spec.name, "z");
	spec.is_rpz = true;
	list.format = FEEDS_RPZ;
	put_zone(4294967290U);
	compile();
	assert_int_equal(report.error, 0);
	assert_true(report.has_serial);
	put_zone(3); /* later than that: RFC 1982 */
	compile();
	assert_int_equal(report.error, 0);
	assert_int_equal(report.serial, 3);
	put_zone(2);
	compile();
	assert_true(report.is_refused);
	assert_non_null(strstr(report.message, "has serial 2, older than 3 before"));
	snprintf(spec.name, sizeof spec.name, "a");
	spec.is_rpz = false;
	list.format = FEEDS_DOMAINS;
}

static const struct {
	const char *text;
	unsigned n;
} indexes[] = {
	{ "", 0 },
	{ "1 2 3 4 0 0 ff 0\n", 1 },
	{ "1 2 3 4 0 0 ff 0\n2 2 3 4 1 9 ff 0\n", 2 },
	{ "1 2 3 4 0 0 ff 0\n2 2 3 4 1 9 ff", 1 },
	{ "2 2 3 4 0 0 ff 0\n1 2 3 4 0 0 ff 0\n", 1 },
	{ "0 2 3 4 0 0 ff 0\n-1 2 3 4 0 0 ff 0\n4294967296 2 3 4 0 0 ff 0\n", 0 },
	{ "x\n\n1 2 3 4 0 0 ff 0 9\n 1 2 3 4 0 0 ff 0\n", 1 },
};

static void test_parsing(void **state)
{
	struct versions v, again;
	struct versions_pin pin;
	char text[VERSIONS_TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(indexes); i++) {
		versions_parse(indexes[i].text, strlen(indexes[i].text), &v);
		if (v.n != indexes[i].n)
			fail_msg("%s", indexes[i].text);
		size_t n = versions_format(&v, text);
		versions_parse(text, n, &again);
		assert_int_equal(again.n, v.n);
	}
	assert_int_equal(versions_pin_parse("3 1 4 5 6\n", 10, &pin), 0);
	assert_int_equal(pin.number, 3);
	assert_true(pin.is_until_newer);
	assert_int_equal(versions_pin_parse("3 1 4 5 6", 9, &pin), -EBADMSG);
	assert_int_equal(versions_pin_parse("0 1 4 5 6\n", 10, &pin), -EBADMSG);
	assert_int_equal(versions_pin_parse("3 2 4 5 6\n", 10, &pin), -EBADMSG);
	assert_int_equal(versions_pin_parse("", 0, &pin), -EBADMSG);
}

/* Sixty versions of a zone, one a minute, and one the day after. */
static void test_bursts(void **state)
{
	struct feeds_version v[FEEDS_MAX_VERSIONS];
	struct feeds_plan zone = { .state_dir = state_dir, .keep_versions = 5 };
	(void)state;
	files_put_text("zone", "x");
	for (unsigned i = 0; i <= 61; i++) {
		struct feeds_version one = { .came_s = 1000000 + (i < 61 ? 60 * i : 86400),
			                     .bytes = 1,
			                     .digest = i + 1,
			                     .has_serial = true,
			                     .serial = i };
		assert_int_equal(versions_add(&zone, "zone", files_path("zone"), &one), 0);
		assert_int_equal(one.number, i + 1);
	}
	unsigned n = feeds_versions(state_dir, "zone", v);
	assert_int_equal(n, 5);
	assert_int_equal(v[0].serial, 0);
	assert_int_equal(v[n - 2].serial, 60);
	assert_int_equal(v[n - 1].serial, 61);
	for (unsigned i = 0; i < n; i++) {
		char file[64];
		snprintf(file, sizeof file, "state/versions/zone/%u", v[i].number);
		assert_true(files_exists(file));
	}
	assert_false(files_exists("state/versions/zone/30"));
}

static void put_layer(uint64_t name, off_t bytes)
{
	char file[64];
	snprintf(file, sizeof file, "state/layers/%016" PRIx64, name);
	files_put_text(file, "");
	assert_int_equal(truncate(files_path(file), bytes), 0); /* takes no room */
}

/* A version of a zone of 600 MiB that is made of these layers; how many there are then. */
static unsigned add_layered(unsigned i, uint64_t ground, uint64_t change)
{
	struct feeds_version v[FEEDS_MAX_VERSIONS];
	struct feeds_plan zone = { .state_dir = state_dir, .keep_versions = 10 };
	struct layers_head h = { .n = change != 0 ? 2 : 1, .names = { ground, change } };
	struct feeds_version one = { .came_s = 100000000 * (uint64_t)i,
		                     .bytes = 600 << 20,
		                     .digest = 1000 + i,
		                     .has_serial = true,
		                     .serial = i };
	char line[LAYERS_LINE_ROOM], text[LAYERS_LINE_ROOM + 64];
	layers_head_format(&h, line);
	snprintf(text, sizeof text, "%s\n; version %u\n", line, i);
	(void)unlink(files_path("layered"));
	files_put_text("layered", text);
	assert_int_equal(versions_add(&zone, "layered", files_path("layered"), &one), 0);
	return feeds_versions(state_dir, "layered", v);
}

/* What versions share counts once; what is of the newest is not counted. */
static void test_bytes_on_the_disk(void **state)
{
	(void)state;
	struct feeds_version v[FEEDS_MAX_VERSIONS];
	struct feeds_plan plain = { .state_dir = state_dir, .keep_versions = 10 };
	assert_int_equal(mkdir(files_path("state/layers"), 0700), 0);
	for (uint64_t ground = 1; ground <= 3; ground++)
		put_layer(ground, 600 << 20);
	for (uint64_t change = 11; change <= 15; change++)
		put_layer(change, 1 << 20);
	for (unsigned i = 1; i <= 5; i++)
		assert_int_equal(add_layered(i, 1, 10 + i), i);
	assert_int_equal(add_layered(6, 2, 0), 6);
	/* Beside the newest now the second ground and the first. */
	assert_int_equal(add_layered(7, 3, 0), 2);
	assert_int_equal(feeds_versions(state_dir, "layered", v), 2);
	assert_int_equal(v[0].serial, 6);
	/* Texts that are what they are. */
	for (unsigned i = 1; i <= 4; i++) {
		struct feeds_version one = { .came_s = i, .bytes = 600 << 20, .digest = i };
		assert_int_equal(versions_add(&plain, "plain", files_path("a"), &one), 0);
		assert_int_equal(feeds_versions(state_dir, "plain", v), i < 2 ? 1 : 2);
	}
	(void)unlink(files_path("layered"));
}

static int set_up(void **state)
{
	struct siphash_key key = { 1, 2 };
	struct feeds_protected *set;
	name_set_hash_key(&key);
	if (files_set_up(state) != 0 || feeds_protected_new(NULL, 0, &set) != 0)
		return -1;
	snprintf(state_dir, sizeof state_dir, "%s", files_path("state"));
	list = files_list(&spec, "a", "a", FEEDS_DOMAINS);
	list.guard = (struct feeds_guard){ .has_limits = true,
		                           .max_shrink_percent = 50,
		                           .protected_mode = FEEDS_PROTECTED_REFUSE,
		                           .protected_names = set };
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	if (image != NULL)
		policy_image_put(image);
	feeds_protected_free((struct feeds_protected *)(uintptr_t)list.guard.protected_names);
	return nftw(files_folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parsing),
		cmocka_unit_test(test_versions_come_and_go),
		cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_rollback_until_newer),
		cmocka_unit_test(test_what_cannot_be_read_stays),
		cmocka_unit_test(test_neither_file_nor_copy),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_protected_from_the_beginning),
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_bytes_on_the_disk),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
