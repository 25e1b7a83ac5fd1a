/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/load.h"

#include <errno.h>
#include <zlib.h>

#include "feeds/store.h"
#include "files.h"

static struct feeds_report report;

static int check(const char *file, enum feeds_format format)
{
	struct policy_list_spec spec;
	struct feeds_list list = files_list(&spec, "a", file, format);
	return feeds_check(&list, 0, &report);
}

static void good_files(void **state)
{
	(void)state;
	files_put_text("a", "# x\nbad.example\nworse.example\n\n1.2.3.4\n");
	assert_int_equal(check("a", FEEDS_DOMAINS), 0);
	assert_int_equal(report.lines, 5);
	assert_int_equal(report.comments, 2);
	assert_int_equal(report.names, 2);
	assert_int_equal(report.skipped, 1);
	assert_int_equal(report.n_examples, 1);
	assert_int_equal(report.examples[0].line, 5);
	assert_string_equal(report.examples[0].excerpt, "1.2.3.4");
	assert_string_equal(report.message, "");
	assert_true(report.loaded_s > 1600000000);

	files_put_text("a", "# nothing yet\n");
	assert_int_equal(check("a", FEEDS_DOMAINS), 0);
	assert_non_null(strstr(report.message, "holds no rule"));
	files_put_text("a", "");
	assert_int_equal(check("a", FEEDS_DOMAINS), 0); /* no good copy says otherwise */
	files_put_text("a", "127.0.0.1 localhost\n::1 localhost\n");
	assert_int_equal(check("a", FEEDS_HOSTS), 0);
}

static void sizes_and_kinds(void **state)
{
	(void)state;
	assert_int_equal(check("missing", FEEDS_DOMAINS), -ENOENT);
	assert_int_equal(report.origin, FEEDS_FROM_NOWHERE);
	assert_non_null(strstr(report.message, "missing cannot be opened: No such file"));
	assert_int_equal(check(".", FEEDS_DOMAINS), -ENOTSUP);
	assert_non_null(strstr(report.message, "is a directory"));
	files_put_text("a", "192.0.2.1\n");
	assert_int_equal(check("a", FEEDS_ADDRESSES), -EINVAL); /* match: name */
	assert_non_null(strstr(report.message, "needs names"));

	struct policy_list_spec spec;
	struct feeds_list list = files_list(&spec, "a", "a", FEEDS_DOMAINS);
	files_put_text("a", "bad.example\nworse.example\n");
	assert_int_equal(feeds_check(&list, 20, &report), -EFBIG);
	assert_int_equal(feeds_check(&list, 30, &report), 0);
}

static void garbage(void **state)
{
	(void)state;
	char text[4096];
	size_t n = 0;
	files_put_text("a", "<html>\n<body>Not found</body>\n</html>\n");
	assert_int_equal(check("a", FEEDS_DOMAINS), -EBADMSG);
	assert_int_equal(report.error_line, 1);
	assert_non_null(strstr(report.message, "a:1: has lines, but none"));
	assert_int_equal(check("a", FEEDS_ADBLOCK), -EBADMSG);
	assert_int_equal(check("a", FEEDS_HOSTS), -EBADMSG);
	files_put_text("a", "0.0.0.0 bad.example\n");
	assert_int_equal(check("a", FEEDS_DOMAINS),
	                 -EBADMSG); /* the wrong format, and it says so */
	assert_non_null(strstr(report.message, "(more than one word (a list of format hosts?))"));

	for (int i = 0; i < 10; i++) /* 10 of 21 lines are names, 11 are not */
		n += (size_t)snprintf(text + n, sizeof text - n, "a%d.example\n<p>%d\n", i, i);
	snprintf(text + n, sizeof text - n, "</p>\n");
	files_put_text("a", text);
	assert_int_equal(check("a", FEEDS_DOMAINS), -EBADMSG);
	assert_non_null(strstr(report.message, "more than half"));
	snprintf(text + n, sizeof text - n, "b.example\n"); /* 11 and 10 */
	files_put_text("a", text);
	assert_int_equal(check("a", FEEDS_DOMAINS), 0);
	assert_int_equal(report.names, 11);

	/* What is legal but of no use to a DNS server is not garbage. */
	n = 0;
	for (int i = 0; i < 40; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "##.ad%d\n/x%d(?=y)/\n", i, i);
	snprintf(text + n, sizeof text - n, "||ads.example^\n");
	files_put_text("a", text);
	assert_int_equal(check("a", FEEDS_ADBLOCK), 0);
	assert_int_equal(report.names, 1);
}

/* A file that is a hole: one line of NULs, 64 MiB here. It is refused, in little memory. */
static void one_line(void **state)
{
	(void)state;
	files_put_text("a", "");
	assert_int_equal(truncate(files_path("a"), 64 << 20), 0);
	assert_int_equal(check("a", FEEDS_DOMAINS), -EBADMSG);
	assert_int_equal(report.skips[FEEDS_SKIP_TOO_LONG], 1);
	assert_int_equal(report.error_line, 1);
}

static int count(void *arg, const struct feeds_rule *r)
{
	unsigned *n = arg;
	(void)r;
	return ++*n == 3 ? 77 : 0;
}

static void what_was_judged_is_what_is_taken(void **state)
{
	(void)state;
	struct policy_list_spec spec;
	struct feeds_list list = files_list(&spec, "a", "a", FEEDS_DOMAINS);
	struct feeds_plan plan = { .lists = &list, .n_lists = 1 };
	struct load l;
	unsigned n = 0;
	files_put_text("a", "a.example\nb.example\n");
	assert_int_equal(load_check(&l, &plan, &list, &report), 0);
	assert_int_equal(load_emit(&l, count, &n), 0);
	assert_int_equal(n, 2);
	files_put_text("a", "a.example\nc.example\n");
	n = 0;
	assert_int_equal(load_emit(&l, count, &n), -EAGAIN);
	n = 2;
	assert_int_equal(load_emit(&l, count, &n), 77); /* the callback ends it */
	unlink(files_path("a"));
	assert_int_equal(load_emit(&l, count, &n), -EAGAIN);
	load_done(&l);

	atomic_bool stop = true;
	char *text = malloc(100000);
	assert_non_null(text);
	memset(text, '\n', 100000);
	files_put("a", text, 100000);
	free(text);
	plan.stop = &stop;
	assert_int_equal(load_check(&l, &plan, &list, &report), -ECANCELED);
	load_done(&l);
}

static void put_gzip(const char *name, const char *text, size_t cut)
{
	uint8_t z[1024];
	z_stream s = { 0 };
	assert_int_equal(deflateInit2(&s, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
	s.next_in = (Bytef *)(uintptr_t)text;
	s.avail_in = (uInt)strlen(text);
	s.next_out = z;
	s.avail_out = sizeof z;
	assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
	deflateEnd(&s);
	files_put(name, z, sizeof z - s.avail_out - cut);
}

/* Every way a file can be bad, with a good copy at hand: the copy is taken, and it is said. */
static void last_good_copy(void **state)
{
	(void)state;
	struct policy_list_spec spec;
	struct feeds_list list = files_list(&spec, "a", "a", FEEDS_DOMAINS);
	struct feeds_plan plan = { .lists = &list, .n_lists = 1, .state_dir = files_path("state") };
	char state_dir[128];
	struct load l;
	struct stat st;
	unsigned n = 0;
	snprintf(state_dir, sizeof state_dir, "%s", plan.state_dir);
	plan.state_dir = state_dir;
	put_gzip("a", "good.example\nbetter.example\n", 0);
	assert_int_equal(stat(spec.path, &st), 0);
	assert_int_equal(store_prepare(&plan), 0);
	assert_int_equal(store_keep(&plan, "a", spec.path, &st), 0);

	for (int bad = 0; bad < 6; bad++) {
		unlink(spec.path);
		if (bad == 0)
			put_gzip("a", "good.example\nbetter.example\n", 3);
		else if (bad == 1)
			files_put_text("a", "<html>\n");
		else if (bad == 2)
			files_put_text("a", "");
		else if (bad == 3)
			files_put_text("a", "\n \n\n");
		else if (bad == 4)
			assert_int_equal(mkfifo(spec.path, 0600), 0);
		assert_int_equal(load_check(&l, &plan, &list, &report), 0);
		assert_int_equal(report.origin, FEEDS_FROM_COPY);
		assert_true(report.error < 0);
		assert_int_equal(report.names, 2);
		assert_non_null(strstr(report.message, "list 'a': /tmp/"));
		assert_non_null(strstr(report.message, "seconds old, stays in force"));
		assert_string_equal(l.path, files_path("state/lists/a"));
		n = 0;
		assert_int_equal(load_emit(&l, count, &n), 0);
		assert_int_equal(n, 2);
		load_done(&l);
	}
	files_put_text("a", "# empty on purpose\n");
	assert_int_equal(load_check(&l, &plan, &list, &report), 0);
	assert_int_equal(report.origin, FEEDS_FROM_FILE);
	assert_int_equal(report.names, 0);
	load_done(&l);
	unlink(spec.path);
	files_put_text("state/lists/a", "<html>"); /* the copy is bad as well */
	assert_int_equal(load_check(&l, &plan, &list, &report), 0);
	assert_int_equal(report.origin, FEEDS_FROM_NOWHERE);
	assert_non_null(strstr(report.message, "no good copy"));
	n = 0;
	assert_int_equal(load_emit(&l, count, &n), 0);
	assert_int_equal(n, 0);
	load_done(&l);
}

/* Plain text has no end mark: what gives a cut download away is the copy it is a part of. */
static void cut_text(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum feeds_origin origin;
		unsigned names;
	} rows[] = {
		{ "good.example\nbetter.example\nbest.exam", FEEDS_FROM_COPY, 3 },
		{ "good.exa", FEEDS_FROM_COPY, 3 },
		{ "good.example\nbetter.example\n", FEEDS_FROM_FILE, 2 }, /* a line taken out */
		{ "good.example\nbetter.example\nbest.example", FEEDS_FROM_FILE, 3 },
		{ "good.example\nother.exam", FEEDS_FROM_FILE, 2 },
		{ "good.example\nbetter.example\nbest.example\nnew.exam", FEEDS_FROM_FILE, 4 },
	};
	struct policy_list_spec spec;
	struct feeds_list list = files_list(&spec, "a", "cut", FEEDS_DOMAINS);
	struct feeds_plan plan = { .lists = &list, .n_lists = 1 };
	char state_dir[128];
	struct load l;
	snprintf(state_dir, sizeof state_dir, "%s", files_path("state"));
	plan.state_dir = state_dir;
	assert_int_equal(store_prepare(&plan), 0);
	files_put_text("state/lists/a", "good.example\nbetter.example\nbest.example\n");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		files_put_text("cut", rows[i].text);
		assert_int_equal(load_check(&l, &plan, &list, &report), 0);
		assert_int_equal(report.origin, rows[i].origin);
		assert_int_equal(report.names, rows[i].names);
		load_done(&l);
	}
}

static void unreadable(void **state)
{
	(void)state;
	if (geteuid() == 0) {
		print_message("skipped: root can read every file\n");
		skip();
	}
	files_put_text("a", "bad.example\n");
	assert_int_equal(chmod(files_path("a"), 0), 0);
	assert_int_equal(check("a", FEEDS_DOMAINS), -EACCES);
	assert_non_null(strstr(report.message, "Permission denied"));
}

int main(void)
{
	const struct siphash_key key = { 1, 2 };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_files),
		cmocka_unit_test(sizes_and_kinds),
		cmocka_unit_test(garbage),
		cmocka_unit_test(one_line),
		cmocka_unit_test(what_was_judged_is_what_is_taken),
		cmocka_unit_test(last_good_copy),
		cmocka_unit_test(cut_text),
		cmocka_unit_test(unreadable),
	};
	name_set_hash_key(&key);
	return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
