/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whatever sequence of versions a list goes through: taken by what differs, or read whole, it is the
 * same list: every verdict, every count, every example and its line.
 */
#include "feeds/update.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>

#include "base/random.h"
#include "base/rcu.h"
#include "files.h"
#include "io/layers.h"

enum {
	LINES_MAX = 600,
	LINE_ROOM = 80,
	ROUNDS = 12,
	STEPS = 10,
	NAMES = 120,
};

static char lines[LINES_MAX][LINE_ROOM];
static unsigned n_lines;
static const char *line_end = "\n";
static unsigned junk_part = 12; /* one line in so many is no rule */

/* ---- texts ---- */

/* Of a policy zone: the beginning, with a serial. */
static void make_header(unsigned serial)
{
	snprintf(lines[0], LINE_ROOM, "$TTL 300");
	snprintf(lines[1], LINE_ROOM, "$ORIGIN rpz.test.");
	snprintf(lines[2], LINE_ROOM, "@ SOA ns.rpz.test. mail.rpz.test. %u 60 60 600 60", serial);
	snprintf(lines[3], LINE_ROOM, " NS localhost.");
}

/* Mostly owners that stand there once. */
static void make_record(char ret[LINE_ROOM])
{
	static const char *const data[] = { "CNAME .",     "300 CNAME .",          "IN CNAME *.",
		                            "A 192.0.2.7", "CNAME rpz-passthru.",  "TXT \"x\"",
		                            "MX 10 a.",    "CNAME garden.example." };
	static const char *const junk[] = { "; a comment",
		                            "",
		                            "n1.example CNAM .",
		                            "x.rpz-foo CNAME .",
		                            "n2.example DNSKEY 256 3 8 AAAA",
		                            "microsoft.com CNAME .",
		                            "1.2.0.192.rpz-ip CNAME .",
		                            "canary.example CNAME ." };
	static unsigned next;
	unsigned n = random_below(20) == 0 ? random_below(NAMES) : next++ % (100 * NAMES);
	const char *what = data[random_below(ARRAY_LEN(data))];
	if (random_below(15) == 0)
		snprintf(ret, LINE_ROOM, "%s", junk[random_below(ARRAY_LEN(junk))]);
	else if (random_below(4) == 0)
		snprintf(ret, LINE_ROOM, "24.0.%u.%u.10.rpz-ip %s", n % 256, n / 256 % 256, what);
	else
		snprintf(ret, LINE_ROOM, "%sn%u.example %s", random_below(3) == 0 ? "*." : "", n,
		         what);
}

/* A line of a format, good or not; few different ones, so that some come twice. */
static void make_line(enum feeds_format format, char ret[LINE_ROOM])
{
	static const char *const junk[] = { "",
		                            "# a comment",
		                            "!!garbage!!",
		                            "a..b.example",
		                            "http://x.example/",
		                            "192.0.2.1 two words",
		                            "x_y.example/path",
		                            ".",
		                            "127.0.0.1 localhost",
		                            "203.0.113.1 not.sink.example",
		                            "microsoft.com",
		                            "login.microsoftonline.com",
		                            "canary.example",
		                            "com",
		                            "0.0.0.0/0",
		                            "10.1.1.1/8" };
	unsigned n = random_below(NAMES);
	if (format == FEEDS_RPZ)
		make_record(ret);
	else if (random_below(junk_part) == 0)
		snprintf(ret, LINE_ROOM, "%s",
		         junk[junk_part < 12 && random_below(4) > 0
		                      ? 4
		                      : random_below(ARRAY_LEN(junk))]);
	else if (format == FEEDS_HOSTS)
		snprintf(ret, LINE_ROOM, "0.0.0.0 n%u.example%s", n,
		         random_below(4) == 0 ? " second.example" : "");
	else if (format == FEEDS_ADDRESSES && random_below(2) == 0)
		snprintf(ret, LINE_ROOM, "192.0.%u.0/24", n);
	else if (format == FEEDS_ADDRESSES)
		snprintf(ret, LINE_ROOM, "2001:db8:%x::/48", n);
	else if (format == FEEDS_DNSMASQ)
		snprintf(ret, LINE_ROOM, "%s=/n%u.example/",
		         random_below(2) == 0 ? "address" : "server", n);
	else if (format == FEEDS_UNBOUND)
		snprintf(ret, LINE_ROOM, "local-zone: \"n%u.example\" %s", n,
		         random_below(2) == 0 ? "refuse" : "transparent");
	else
		snprintf(ret, LINE_ROOM, "%sn%u.example%s", random_below(3) == 0 ? "*." : "", n,
		         random_below(5) == 0 ? " # why" : "");
}

static void put_text(const char *file)
{
	FILE *f = fopen(files_path(file), "w");
	assert_non_null(f);
	for (unsigned i = 0; i < n_lines; i++)
		fprintf(f, "%s%s", lines[i],
		        i + 1 < n_lines || random_below(2) == 0 ? line_end : "");
	assert_int_equal(fclose(f), 0);
}

/* ---- the same as a policy zone in layers ---- */

static bool is_layered;
static struct layers_head layers_now;
static char layered[2][LINES_MAX][LINE_ROOM]; /* sorted, each once: of before, and now */
static unsigned n_layered[2];
static unsigned n_layered_puts;

static int compare_lines(const void *a, const void *b)
{
	return layer_compare(a, strlen(a), b, strlen(b));
}

/* Records, without the header; some rounds have such of the apex, which may be the first. */
static void sort_lines(unsigned serial)
{
	unsigned n = 0;
	memcpy(layered[0], layered[1], sizeof layered[0]);
	n_layered[0] = n_layered[1];
	for (unsigned i = 4; i < n_lines; i++) {
		if (lines[i][0] > ' ' && lines[i][0] != ';' && lines[i][0] != '$' &&
		    lines[i][0] != '@')
			memcpy(layered[1][n++], lines[i], LINE_ROOM);
	}
	if (serial % 7 > 1)
		snprintf(layered[1][n++], LINE_ROOM, "a. NS localhost.");
	qsort(layered[1], n, LINE_ROOM, compare_lines);
	n_layered[1] = 0;
	for (unsigned i = 0; i < n; i++) {
		if (n_layered[1] == 0 || strcmp(layered[1][n_layered[1] - 1], layered[1][i]) != 0)
			memmove(layered[1][n_layered[1]++], layered[1][i], LINE_ROOM);
	}
}

struct walk {
	unsigned at[2];
};

static int next_entry(void *arg, struct layer_entry *ret)
{
	unsigned *at = ((struct walk *)arg)->at;
	while (at[0] < n_layered[0] || at[1] < n_layered[1]) {
		int c = at[0] == n_layered[0] ? 1
		        : at[1] == n_layered[1]
		                ? -1
		                : compare_lines(layered[0][at[0]], layered[1][at[1]]);
		const char *line = c < 0 ? layered[0][at[0]] : layered[1][at[1]];
		at[0] += c <= 0;
		at[1] += c >= 0;
		*ret = (struct layer_entry){ c > 0, line, strlen(line) };
		if (c != 0)
			return 1;
	}
	return 0;
}

static void put_layers(unsigned serial)
{
	struct walk w = { { 0, 0 } };
	const struct layers_source source = { next_entry, &w };
	struct layers_head next;
	const char *path = files_path("state/zones/a");
	char line[LAYERS_LINE_ROOM], text[LAYERS_HEAD_MAX];
	if (n_layered_puts++ == 0) {
		(void)mkdir(files_path("state"), 0700);
		(void)mkdir(files_path("state/zones"), 0700);
		layers_now.n = 0;
		layers_now.lines = layers_now.bytes = layers_now.sum = 0;
		n_layered[1] = 0;
	}
	sort_lines(serial);
	assert_int_equal(layers_apply(path, &layers_now, &source, 0, &next), 0);
	layers_now = next;
	layers_head_format(&layers_now, line);
	snprintf(text, sizeof text, "; serial %u\n%s\na. 300 SOA ns.a. mail.a. %u 60 60 600 60\n",
	         serial, line, serial);
	files_put_text("state/zones/.a.new", text);
	assert_int_equal(rename(files_path("state/zones/.a.new"), path), 0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void insert(unsigned at, const char *line)
{
	if (n_lines == LINES_MAX)
		return;
	memmove(lines[at + 1], lines[at], (n_lines - at) * sizeof lines[0]);
	snprintf(lines[at], LINE_ROOM, "%s", line);
	n_lines++;
}

static void take_out(unsigned at)
{
	if (n_lines < 20)
		return;
	memmove(lines[at], lines[at + 1], (n_lines - at - 1) * sizeof lines[0]);
	n_lines--;
}

static void edit_text(enum feeds_format format, unsigned step)
{
	char line[LINE_ROOM];
	unsigned n = random_below(format == FEEDS_RPZ ? 4 : 12);
	unsigned first = format == FEEDS_RPZ && random_below(8) > 0 ? 4 : 0;
	if (first > 0)
		make_header(step + 2);
	for (unsigned i = 0; i < n; i++) {
		unsigned at = first + random_below(n_lines - first);
		make_line(format, line);
		switch (random_below(5)) {
		case 0:
			insert(at, line);
			break;
		case 1:
			take_out(at);
			break;
		case 2:
			memcpy(lines[at], line, LINE_ROOM);
			break;
		case 3: /* again */
			memcpy(line, lines[random_below(n_lines)], LINE_ROOM);
			insert(at, line);
			break;
		default: /* elsewhere */
			memcpy(line, lines[at], LINE_ROOM);
			take_out(at);
			insert(random_below(n_lines), line);
			break;
		}
	}
}

/* ---- what came of it ---- */

static struct policy_list_spec spec;
static struct feeds_list list;
static struct feeds_protected *protected;
static struct name clean;

static void use_image(struct policy_image *image)
{
	uint16_t order[1] = { 0 };
	struct addr_prefix all = { .addr = addr_v4(0) };
	struct policy_group_spec group = {
		.name = "default", .clients = &all, .n_clients = 1, .lists = order, .n_lists = 1
	};
	struct policy *p;
	assert_int_equal(policy_new(image, &spec, 1, &group, 1, &p), 0);
	policy_publish(p);
}

static enum policy_action judge_name(const char *text)
{
	struct name name;
	struct name_hashes hashes;
	struct verdict v;
	assert_int_equal(name_from_text(text, strlen(text), &name), 0);
	name_hash_all(name.wire, &hashes);
	policy_judge_name(policy_current(), 0, POLICY_TRIGGER_QUESTION, name.wire, &hashes, &v);
	return v.action;
}

static enum policy_action judge_address(const char *text)
{
	struct addr a;
	struct verdict v;
	assert_int_equal(addr_from_text(text, strlen(text), &a), 0);
	policy_judge_address(policy_current(), 0, POLICY_TRIGGER_ANSWER, &a, &v);
	return v.action;
}

/* All verdicts there may be, as one text. */
static void judge_all(struct policy_image *image, char ret[4 * NAMES + 1])
{
	char text[80];
	use_image(image);
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(text, sizeof text, "n%u.example", i);
		ret[4 * i] = (char)('a' + judge_name(text));
		snprintf(text, sizeof text, "x.n%u.example", i);
		ret[4 * i + 1] = (char)('a' + judge_name(text));
		snprintf(text, sizeof text, "192.0.%u.7", i);
		ret[4 * i + 2] = (char)('a' + judge_address(text));
		snprintf(text, sizeof text, "2001:db8:%x::7", i);
		ret[4 * i + 3] = (char)('a' + judge_address(text));
	}
	ret[4 * NAMES] = 0;
	rcu_quiet();
}

static void expect_same(struct feeds_result *a, struct feeds_result *b)
{
	static char mine[4 * NAMES + 1], other[4 * NAMES + 1];
	struct policy_image_list x, y;
	struct feeds_report *r = &a->reports[0], *s = &b->reports[0];
	r->version = s->version = 0;
	assert_string_equal(r->message, s->message);
	assert_int_equal(r->n_examples, s->n_examples);
	for (unsigned i = 0; i < r->n_examples; i++) {
		assert_int_equal(r->examples[i].line, s->examples[i].line);
		assert_int_equal(r->examples[i].why, s->examples[i].why);
		assert_string_equal(r->examples[i].excerpt, s->examples[i].excerpt);
	}
	assert_int_equal(r->origin, s->origin);
	assert_int_equal(r->error, s->error);
	assert_int_equal(r->lines, s->lines);
	assert_int_equal(r->comments, s->comments);
	assert_int_equal(r->names, s->names);
	assert_int_equal(r->prefixes, s->prefixes);
	assert_int_equal(r->suspicious, s->suspicious);
	assert_int_equal(r->odd, s->odd);
	assert_int_equal(r->skipped, s->skipped);
	assert_memory_equal(r->skips, s->skips, sizeof r->skips);
	assert_int_equal(r->bytes, s->bytes);
	assert_int_equal(r->loaded_s, s->loaded_s);
	assert_int_equal(r->has_serial, s->has_serial);
	assert_int_equal(r->serial, s->serial);
	assert_int_equal(policy_image_find_list(a->image, "a", &x), 0);
	assert_int_equal(policy_image_find_list(b->image, "a", &y), 0);
	assert_int_equal(x.source.text, y.source.text);
	assert_int_equal(x.n_names, y.n_names);
	assert_int_equal(x.n_prefixes, y.n_prefixes);
	assert_int_equal(x.n_skipped, y.n_skipped);
	judge_all(a->image, mine);
	judge_all(b->image, other);
	assert_string_equal(mine, other);
}

static void forget(const char *folder)
{
	static const char *const names[] = { "lists/a",         "lists",        "facts/a",
		                             "facts",           "policy.image", "policy.overlay",
		                             "versions/a/index" };
	char path[256];
	if (is_layered) {
		(void)nftw(files_path(folder), remove_one, 8, FTW_DEPTH | FTW_PHYS);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof path, "%s/%s", files_path(folder), names[i]);
		(void)remove(path);
	}
	(void)remove(files_path(folder));
}

static void set_list(enum feeds_format format, unsigned round)
{
	static char state_dir[128];
	snprintf(state_dir, sizeof state_dir, "%s", files_path("state"));
	list = files_list(&spec, "a", is_layered ? "state/zones/a" : "a", format);
	if (format == FEEDS_ADDRESSES)
		spec.match = POLICY_MATCH_ANSWER;
	if (round % 2 == 0)
		return;
	list.guard = (struct feeds_guard){ .protected_mode = FEEDS_PROTECTED_SKIP,
		                           .protected_names = protected,
		                           .clean = &clean,
		                           .n_clean = round % 4 == 1 ? 0 : 1 };
}

static void go_through_versions(enum feeds_format format, unsigned round, unsigned *n_changed)
{
	struct feeds_result result, whole;
	struct policy_image *current = NULL;
	char state[128], other[128];
	snprintf(state, sizeof state, "%s", files_path("state"));
	snprintf(other, sizeof other, "%s", files_path("other"));
	set_list(format, round);
	line_end = round % 3 == 2 ? "\r\n" : "\n";
	junk_part = round % 4 == 2 ? 2 : 12;
	n_lines = 20 + random_below(LINES_MAX / 2);
	if (junk_part == 2)
		n_lines = LINES_MAX - 50;
	for (unsigned i = 0; i < n_lines; i++)
		make_line(format, lines[i]);
	if (format == FEEDS_RPZ) {
		n_lines = is_layered ? 300 + random_below(250) : 20 + random_below(80);
		make_header(1);
	}
	n_layered_puts = 0;
	for (unsigned step = 0; step < STEPS; step++) {
		struct feeds_plan plan = { .lists = &list,
			                   .n_lists = 1,
			                   .state_dir = state,
			                   .overlay_from = 1 + round % 2 * 1000 };
		if (is_layered) {
			put_layers(step + 1);
			plan.keep_versions = round % 3;
		} else {
			put_text("a");
		}
		if (feeds_compile(&plan, current, &result) != 0)
			fail();
		plan.state_dir = other;
		assert_int_equal(feeds_compile(&plan, NULL, &whole), 0);
		/* What is refused falls back on a copy, and there is none on the other side; of a text
		 * that is known the first pass counts. */
		if (!result.is_unchanged && result.n_kept == 0 &&
		    whole.reports[0].origin == FEEDS_FROM_FILE)
			expect_same(&result, &whole);
		*n_changed += result.n_changed;
		if (!result.is_unchanged) {
			policy_image_put(current);
			current = result.image;
			result.image = NULL;
		}
		feeds_result_done(&result);
		feeds_result_done(&whole);
		forget("other");
		edit_text(format, step);
	}
	policy_publish(NULL);
	rcu_quiet();
	policy_image_put(current);
	forget("state");
	(void)remove(files_path("a"));
}

static void whole_or_by_what_differs(void **state)
{
	(void)state;
	static const enum feeds_format formats[] = { FEEDS_DOMAINS,   FEEDS_WILDCARD, FEEDS_HOSTS,
		                                     FEEDS_ADDRESSES, FEEDS_DNSMASQ,  FEEDS_UNBOUND,
		                                     FEEDS_RPZ };
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		unsigned n = 0, round = 0;
		unsigned wanted = ROUNDS * STEPS / (formats[i] == FEEDS_RPZ ? 20 : 3);
		/* Chance may have it that most of them have to be read whole: then there are more. */
		for (; round < ROUNDS || (n <= wanted && round < 4 * ROUNDS); round++)
			go_through_versions(formats[i], round, &n);
		print_message("%s: %u of %u versions by what differs\n",
		              feeds_format_name(formats[i]), n, round * (STEPS - 1));
		assert_true(n > wanted);
	}
}

static void a_zone_in_layers(void **state)
{
	(void)state;
	unsigned n = 0, round = 0;
	is_layered = true;
	for (; round < 3 * ROUNDS; round++)
		go_through_versions(FEEDS_RPZ, round, &n);
	is_layered = false;
	print_message("in layers: %u of %u versions by what differs\n", n, round * (STEPS - 1));
	assert_true(n > round * STEPS / 4);
}

/* In memory: thousands of files are brought to the disk. */
static int set_up(void **state)
{
	(void)state;
	snprintf(files_folder, sizeof files_folder, "/dev/shm/weir-feeds-XXXXXX");
	return mkdtemp(files_folder) != NULL ? 0 : files_set_up(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole_or_by_what_differs, set_up, files_tear_down),
		cmocka_unit_test_setup_teardown(a_zone_in_layers, set_up, files_tear_down),
	};
	static const char clean_text[] = "canary.example";
	struct siphash_key key = { 1, 2 };
	name_set_hash_key(&key);
	assert_int_equal(name_from_text(clean_text, sizeof clean_text - 1, &clean), 0);
	assert_int_equal(feeds_protected_new(NULL, 0, &protected), 0);
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	feeds_protected_free(protected);
	return failed;
}
