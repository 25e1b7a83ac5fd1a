/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "base/clock.h"
#include "base/rcu.h"
#include "feeds/tag.h"
#include "files.h"

static char state_dir[128];
static struct policy_list_spec specs[3];
static struct feeds_list lists[3];
static struct feeds_plan plan;
static struct feeds_result result;

/* What a client of the one group, which uses all lists, gets for a name. */
static enum policy_action judge(struct policy_image *image, const char *text)
{
	uint16_t order[3] = { 0, 1, 2 };
	struct addr_prefix all = { .addr = addr_v4(0) };
	struct policy_group_spec group = {
		.name = "default",
		.clients = &all,
		.n_clients = 1,
		.lists = order,
		.n_lists = plan.n_lists,
	};
	struct policy_list_spec copies[3];
	struct policy *p;
	struct name name;
	struct name_hashes hashes;
	struct verdict v;
	for (unsigned i = 0; i < plan.n_lists; i++)
		copies[i] = *plan.lists[i].spec;
	assert_int_equal(policy_new(image, copies, plan.n_lists, &group, 1, &p), 0);
	policy_publish(p);
	assert_int_equal(name_from_text(text, strlen(text), &name), 0);
	name_hash_all(name.wire, &hashes);
	struct addr client = addr_v4(0x0a000001);
	policy_judge_name(policy_current(), policy_group_of(policy_current(), &client),
	                  POLICY_TRIGGER_QUESTION, name.wire, &hashes, &v);
	rcu_quiet();
	return v.action;
}

static void fresh(unsigned n_lists, const char *dir)
{
	feeds_result_done(&result);
	plan = (struct feeds_plan){ .lists = lists, .n_lists = n_lists, .state_dir = dir };
	lists[0] = files_list(&specs[0], "a", "a", FEEDS_DOMAINS);
	lists[1] = files_list(&specs[1], "b", "b", FEEDS_ADBLOCK);
	lists[2] = files_list(&specs[2], "c", "c", FEEDS_HOSTS);
}

static void from_files_to_verdicts(void **state)
{
	(void)state;
	fresh(3, state_dir);
	files_put_text("a", "bad.example\n*.below.example\n");
	files_put_text("b", "||ads.example^\n||x.good.example^\n@@||good.example^\n"
	                    "||r.example^$dnsrewrite=REFUSED\n");
	files_put_text("c", "0.0.0.0 exact.example\n");
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	assert_false(result.is_unchanged);
	assert_non_null(result.image);
	assert_int_equal(result.n_reports, 3);
	assert_int_equal(result.reports[0].names, 2);
	assert_int_equal(result.reports[1].names, 3);
	assert_int_equal(result.reports[1].skips[FEEDS_SKIP_EXCEPTED], 1);
	assert_int_equal(judge(result.image, "bad.example"), POLICY_NXDOMAIN);
	assert_int_equal(judge(result.image, "www.bad.example"), POLICY_NXDOMAIN);
	assert_int_equal(judge(result.image, "below.example"), POLICY_NONE);
	assert_int_equal(judge(result.image, "x.below.example"), POLICY_NXDOMAIN);
	assert_int_equal(judge(result.image, "x.good.example"), POLICY_ALLOW);
	assert_int_equal(judge(result.image, "r.example"), POLICY_REFUSED);
	assert_int_equal(judge(result.image, "exact.example"), POLICY_NXDOMAIN);
	assert_int_equal(judge(result.image, "www.exact.example"), POLICY_NONE);
	assert_true(files_exists("state/policy.image"));
	assert_true(files_exists("state/lists/a"));

	struct feeds_result again;
	assert_int_equal(feeds_compile(&plan, result.image, &again), 0);
	assert_true(again.is_unchanged);
	assert_null(again.image);
	feeds_result_done(&again);

	struct policy_image *image;
	bool is_current = false;
	assert_int_equal(feeds_open(&plan, false, &image, &is_current), 0);
	assert_true(is_current);
	assert_int_equal(judge(image, "www.bad.example"), POLICY_NXDOMAIN);
	policy_image_put(image);
}

/* A change of anything that rules depend on is seen; actions are not the image's business. */
static void what_makes_a_change(void **state)
{
	(void)state;
	uint8_t first[FEEDS_TAG_BYTES], now[FEEDS_TAG_BYTES];
	fresh(2, state_dir);
	files_put_text("a", "bad.example\n");
	files_put_text("b", "||ads.example^\n");
	tag_make(&plan, first);
	tag_make(&plan, now);
	assert_true(tag_is_current(first, now));
	for (int what = 0; what < 8; what++) {
		fresh(2, state_dir);
		if (what == 0)
			lists[0].format = FEEDS_WILDCARD;
		else if (what == 1)
			specs[0].match = POLICY_MATCH_NAMESERVER;
		else if (what == 2)
			lists[0].no_subdomains = true;
		else if (what == 3)
			specs[0].action = POLICY_LOG;
		else if (what == 4)
			plan.n_lists = 1;
		else if (what == 5)
			snprintf(specs[0].name, sizeof specs[0].name, "d");
		else if (what == 6)
			plan.max_bytes = 1 << 20;
		else
			unlink(specs[1].path);
		tag_make(&plan, now);
		if (tag_is_current(first, now))
			fail_msg("change %d is not seen", what);
	}
	fresh(2, state_dir);
	specs[0].action = POLICY_REFUSED;
	files_put_text("b", "||ads.example^\n");
	tag_make(&plan, first);
	specs[0].action = POLICY_DROP;
	tag_make(&plan, now);
	assert_true(tag_is_current(first, now));
	files_put_text("a", "bed.example\n"); /* the same size */
	usleep(20000);
	files_put_text("a", "bad.example\n");
	tag_make(&plan, now);
	assert_false(tag_is_current(first, now));
	tag_make(&plan, first);
	tag_set_degraded(first);
	assert_false(tag_is_current(first, now));
}

static void a_bad_file_and_a_good_copy(void **state)
{
	(void)state;
	struct feeds_result next;
	fresh(2, state_dir);
	files_put_text("a", "bad.example\n");
	files_put_text("b", "||ads.example^\n");
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	files_put_text("a", "<html>\n");
	files_put_text("b", "||ads.example^\n||more.example^\n");
	assert_int_equal(feeds_compile(&plan, result.image, &next), 0);
	assert_int_equal(next.n_from_copy, 1);
	assert_int_equal(next.reports[0].origin, FEEDS_FROM_COPY);
	assert_int_equal(judge(next.image, "bad.example"), POLICY_NXDOMAIN);
	assert_int_equal(judge(next.image, "more.example"), POLICY_NXDOMAIN);

	/* The image is not current: the next start says again what is wrong. */
	struct policy_image *image;
	bool is_current = true;
	assert_int_equal(feeds_open(&plan, false, &image, &is_current), 0);
	assert_false(is_current);
	policy_image_put(image);
	feeds_result_done(&next);

	/* A list that is no longer configured leaves nothing behind. */
	fresh(1, state_dir);
	assert_true(files_exists("state/lists/b"));
	files_put_text("a", "bad.example\n");
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	assert_int_equal(judge(result.image, "ads.example"), POLICY_NONE);
	assert_false(files_exists("state/lists/b"));
}

static void without_a_state_directory(void **state)
{
	(void)state;
	struct feeds_result next;
	struct policy_image *image;
	bool is_current;
	fresh(1, NULL);
	files_put_text("a", "bad.example\n");
	assert_int_equal(feeds_open(&plan, false, &image, &is_current), -ENOENT);
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	assert_int_equal(judge(result.image, "bad.example"), POLICY_NXDOMAIN);
	files_put_text("a", "<html>\n");
	assert_int_equal(feeds_compile(&plan, result.image, &next), -EBADMSG);
	assert_null(next.image);
	assert_int_equal(next.n_reports, 1);
	assert_non_null(strstr(next.reports[0].message, "no good copy of it"));
	feeds_result_done(&next);
	assert_int_equal(feeds_compile(&plan, NULL, &next), 0); /* at start: go on without it */
	assert_int_equal(next.n_from_nowhere, 1);
	feeds_result_done(&next);
}

/* A state directory that cannot be written to: the policy comes into force all the same. */
static void a_disk_that_fails(void **state)
{
	(void)state;
	char dir[160];
	snprintf(dir, sizeof dir, "%s/state", files_path("a"));
	fresh(1, dir);
	files_put_text("a", "bad.example\n"); /* a file where a folder is needed */
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	assert_int_equal(judge(result.image, "bad.example"), POLICY_NXDOMAIN);
}

static void reading_only(void **state)
{
	(void)state;
	fresh(1, state_dir);
	files_put_text("a", "only.example\n");
	plan.is_read_only = true;
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	assert_int_equal(judge(result.image, "only.example"), POLICY_NXDOMAIN);
	struct policy_image *image;
	bool is_current = true;
	assert_int_equal(feeds_open(&plan, false, &image, &is_current), 0);
	assert_false(is_current); /* it is the image that was there before */
	assert_int_equal(judge(image, "only.example"), POLICY_NONE);
	policy_image_put(image);
}

static void refusals(void **state)
{
	(void)state;
	atomic_bool stop = true;
	fresh(1, state_dir);
	snprintf(specs[0].name, sizeof specs[0].name, "../x");
	assert_int_equal(feeds_compile(&plan, NULL, &result), -EINVAL);
	fresh(1, state_dir);
	char *text = malloc(100000);
	assert_non_null(text);
	memset(text, '\n', 100000);
	files_put("a", text, 100000);
	free(text);
	plan.stop = &stop;
	assert_int_equal(feeds_compile(&plan, NULL, &result), -ECANCELED);
	assert_null(result.reports);
	fresh(0, state_dir);
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0); /* no lists: an empty image */
	assert_int_equal(judge(result.image, "bad.example"), POLICY_NONE);
}

static void locating(void **state)
{
	(void)state;
	struct name name;
	struct feeds_wanted wanted = { .lower = name.wire, .scope = POLICY_SCOPE_TREE };
	struct feeds_place place = { 0 };
	files_put_text(
		"a", "# x\r\n\r\nworse.example\r\nbad.example\r\n*.bad.example\r\nbad.example\r\n");
	assert_int_equal(name_from_text("bad.example", 11, &name), 0);
	assert_int_equal(feeds_locate(files_path("a"), FEEDS_DOMAINS, false, NULL, &wanted, &place),
	                 0);
	assert_int_equal(place.line, 4);
	wanted.scope = POLICY_SCOPE_BELOW;
	assert_int_equal(feeds_locate(files_path("a"), FEEDS_DOMAINS, false, NULL, &wanted, &place),
	                 0);
	assert_int_equal(place.line, 5);
	wanted.scope = POLICY_SCOPE_EXACT;
	assert_int_equal(feeds_locate(files_path("a"), FEEDS_DOMAINS, false, NULL, &wanted, &place),
	                 -ENOENT);
	assert_int_equal(feeds_locate(files_path("a"), FEEDS_DOMAINS, true, NULL, &wanted, &place),
	                 0);
	assert_int_equal(place.line, 4);
	files_put_text("b", "||bad.example^\n@@||bad.example^\n");
	wanted = (struct feeds_wanted){ .lower = name.wire,
		                        .scope = POLICY_SCOPE_TREE,
		                        .is_allow = true };
	assert_int_equal(feeds_locate(files_path("b"), FEEDS_ADBLOCK, false, NULL, &wanted, &place),
	                 0);
	assert_int_equal(place.line, 2);
	struct addr_prefix p;
	wanted = (struct feeds_wanted){ .prefix = &p };
	files_put_text("c", "192.0.2.0/25\n192.0.2.0/24\n198.51.100.1-198.51.100.2\n");
	assert_int_equal(addr_prefix_from_text("192.0.2.0/24", 12, &p), 0);
	assert_int_equal(
		feeds_locate(files_path("c"), FEEDS_ADDRESSES, false, NULL, &wanted, &place), 0);
	assert_int_equal(place.line, 2);
	assert_int_equal(addr_prefix_from_text("198.51.100.2", 12, &p), 0);
	assert_int_equal(
		feeds_locate(files_path("c"), FEEDS_ADDRESSES, false, NULL, &wanted, &place), 0);
	assert_int_equal(place.line, 3);
	assert_int_equal(
		feeds_locate(files_path("missing"), FEEDS_ADDRESSES, false, NULL, &wanted, &place),
		-ENOENT);
}

/* ---- only what changed is read ---- */

/* The lists once more; what is in force is what they are now. */
static void again(void)
{
	struct feeds_result next;
	assert_int_equal(feeds_compile(&plan, result.image, &next), 0);
	assert_false(next.is_unchanged);
	feeds_result_done(&result);
	result = next;
}

static void unchanged_lists_are_not_read(void **state)
{
	(void)state;
	fresh(3, state_dir);
	files_put_text("a", "bad.example\nbad.example\n");
	files_put_text("b", "||ads.example^\n@@||good.example^\n");
	files_put_text("c", "0.0.0.0 exact.example\n");
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	assert_int_equal(result.n_kept, 0);
	files_put_text("c", "0.0.0.0 other.example\n");
	again();
	assert_int_equal(result.n_kept, 2);
	assert_true(result.reports[0].is_kept);
	assert_int_equal(result.reports[0].names, 1); /* equal ones once */
	assert_int_equal(result.reports[0].lines, 0);
	assert_true(result.reports[0].loaded_s > 0);
	assert_false(result.reports[2].is_kept);
	assert_int_equal(judge(result.image, "www.bad.example"), POLICY_NXDOMAIN);
	assert_int_equal(judge(result.image, "good.example"), POLICY_ALLOW);
	assert_int_equal(judge(result.image, "exact.example"), POLICY_NONE);
	assert_int_equal(judge(result.image, "other.example"), POLICY_NXDOMAIN);

	/* The same text in another file is read, and makes no work. */
	files_put_text("d", "bad.example\nbad.example\n");
	snprintf(specs[0].path, sizeof specs[0].path, "%s", files_path("d"));
	again();
	assert_int_equal(result.n_kept, 3);
	assert_int_equal(result.reports[0].lines, 2);

	/* Other settings make other rules of it. */
	lists[0].no_subdomains = true;
	again();
	assert_int_equal(result.n_kept, 2);
	assert_int_equal(judge(result.image, "www.bad.example"), POLICY_NONE);
	assert_int_equal(judge(result.image, "bad.example"), POLICY_NXDOMAIN);

	/* One list fewer, and it comes again. */
	plan.n_lists = 2;
	again();
	assert_int_equal(result.n_kept, 2);
	assert_int_equal(judge(result.image, "other.example"), POLICY_NONE);
	plan.n_lists = 3;
	again();
	assert_int_equal(judge(result.image, "other.example"), POLICY_NXDOMAIN);
}

/* One bad list among many costs the reading of that one. */
static void a_bad_list_does_not_cost_the_others(void **state)
{
	(void)state;
	fresh(2, state_dir);
	files_put_text("a", "bad.example\n");
	files_put_text("b", "||ads.example^\n");
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	files_put_text("a", "<html>\n");
	again();
	assert_int_equal(result.n_from_copy, 1);
	assert_int_equal(result.n_kept, 2); /* the copy's text is that of the image */
	assert_non_null(strstr(result.reports[0].message, "stays in force"));
	again(); /* it is said again, though nothing changed */
	assert_int_equal(result.n_from_copy, 1);
	assert_int_equal(result.n_kept, 2);
	assert_int_equal(judge(result.image, "bad.example"), POLICY_NXDOMAIN);
	files_put_text("a", "worse.example\n");
	again();
	assert_int_equal(result.n_from_copy, 0);
	assert_int_equal(result.n_kept, 1);
	assert_int_equal(judge(result.image, "bad.example"), POLICY_NONE);
	assert_int_equal(judge(result.image, "worse.example"), POLICY_NXDOMAIN);
}

enum {
	MANY = 2000
};

/* A list of many names; those from `from` to `to` are others than usual. */
static void put_many(const char *file, unsigned from, unsigned to)
{
	FILE *f = fopen(files_path(file), "w");
	assert_non_null(f);
	for (unsigned i = 0; i < MANY; i++)
		fprintf(f, "%s%u.example\n", i >= from && i < to ? "other" : "n", i);
	assert_int_equal(fclose(f), 0);
}

static struct policy_image *open_current(void)
{
	struct policy_image *image;
	bool is_current = false;
	assert_int_equal(feeds_open(&plan, false, &image, &is_current), 0);
	assert_true(is_current);
	return image;
}

static void a_small_change_is_an_overlay(void **state)
{
	(void)state;
	uint32_t base, over;
	fresh(1, state_dir);
	plan.overlay_from = 100;
	put_many("a", 0, 0);
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	put_many("a", 10, 20);
	again();
	policy_image_count(result.image, &base, &over);
	assert_int_equal(base, MANY);
	assert_int_equal(over, 20); /* ten came, ten went */
	assert_true(files_exists("state/policy.overlay"));
	assert_int_equal(judge(result.image, "n10.example"), POLICY_NONE);
	assert_int_equal(judge(result.image, "x.other10.example"), POLICY_NXDOMAIN);
	assert_int_equal(judge(result.image, "n20.example"), POLICY_NXDOMAIN);

	/* A restart finds it. */
	struct policy_image *image = open_current();
	assert_int_equal(judge(image, "n10.example"), POLICY_NONE);
	assert_int_equal(judge(image, "other19.example"), POLICY_NXDOMAIN);
	policy_image_put(image);

	/* What goes back to what it was leaves the overlay. */
	put_many("a", 10, 15);
	again();
	policy_image_count(result.image, &base, &over);
	assert_int_equal(over, 10);
	assert_int_equal(judge(result.image, "n17.example"), POLICY_NXDOMAIN);

	/* Too much for an overlay: one image again, and the overlay is gone. */
	put_many("a", 0, 200);
	again();
	policy_image_count(result.image, &base, &over);
	assert_int_equal(over, 0);
	assert_int_equal(base, MANY);
	assert_false(files_exists("state/policy.overlay"));
	image = open_current();
	assert_int_equal(judge(image, "n10.example"), POLICY_NONE);
	assert_int_equal(judge(image, "other199.example"), POLICY_NXDOMAIN);
	policy_image_put(image);
}

static void damage(const char *name, off_t at)
{
	FILE *f = fopen(files_path(name), "r+");
	assert_non_null(f);
	assert_int_equal(fseeko(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
	int c = fgetc(f);
	assert_int_equal(fseeko(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
	assert_int_not_equal(fputc(c ^ 0x55, f), EOF);
	assert_int_equal(fclose(f), 0);
}

/* Damage at any place costs reading the lists again, never a wrong or half policy. */
static void damaged_files(void **state)
{
	(void)state;
	struct policy_image *image;
	bool is_current = true;
	fresh(1, state_dir);
	plan.overlay_from = 100;
	put_many("a", 0, 0);
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	put_many("a", 10, 20);
	again();
	damage("state/policy.overlay", 200);
	assert_int_equal(feeds_open(&plan, false, &image, &is_current), 0);
	assert_false(is_current); /* the image below is the policy before */
	assert_int_equal(judge(image, "n10.example"), POLICY_NXDOMAIN);
	feeds_result_done(&result);
	result.image = image;
	again();
	assert_int_equal(judge(result.image, "n10.example"), POLICY_NONE);

	/* High bits that are damaged after the image was opened: it is no base any more, where all of
	 * it is read again. */
	damage("state/policy.image", -3);
	assert_int_equal(unlink(files_path("state/facts/a")), 0);
	put_many("a", 10, 21);
	again();
	assert_int_equal(result.n_kept, 0);
	assert_int_equal(judge(result.image, "n20.example"), POLICY_NONE);
	assert_int_equal(judge(result.image, "n21.example"), POLICY_NXDOMAIN);
	policy_image_put(open_current());
}

static void put_indicators(const char *file, uint64_t until_s)
{
	char when[32], text[1024];
	time_t t = (time_t)until_s;
	struct tm tm;
	assert_non_null(gmtime_r(&t, &tm));
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(text, sizeof text,
	         "{\"type\":\"indicator\",\"pattern\":\"[domain-name:value = 'long.example']\","
	         "\"valid_until\":\"9999-01-01T00:00:00Z\"}\n"
	         "{\"type\":\"indicator\",\"pattern\":\"[domain-name:value = 'short.example']\","
	         "\"valid_until\":\"%s\"}\n",
	         when);
	files_put_text(file, text);
}

/* Nothing was written anew: the time alone makes the image one that is not current. */
static void rules_that_expire(void **state)
{
	(void)state;
	uint64_t until_s = clock_wall_ns() / NS_PER_S + 3;
	fresh(2, state_dir);
	lists[0].format = FEEDS_STIX;
	lists[1].format = FEEDS_DOMAINS;
	put_indicators("a", until_s);
	files_put_text("b", "bad.example\n");
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	assert_int_equal(result.reports[0].changes_s, until_s);
	assert_int_equal(result.reports[1].changes_s, 0);
	assert_int_equal(feeds_changes_s(&plan, result.image), until_s);
	assert_int_equal(judge(result.image, "short.example"), POLICY_NXDOMAIN);

	struct policy_image *image;
	struct feeds_report known[2];
	bool is_current = false;
	assert_int_equal(feeds_open(&plan, false, &image, &is_current), 0);
	if (clock_wall_ns() / NS_PER_S < until_s)
		assert_true(is_current);
	assert_int_equal(feeds_changes_s(&plan, image), until_s);
	feeds_known(&plan, image, known);
	assert_int_equal(known[0].names, 2);
	assert_int_equal(known[0].changes_s, until_s);
	assert_true(known[0].is_kept);
	assert_int_equal(known[1].names, 1);
	policy_image_put(image);

	while (clock_wall_ns() / NS_PER_S < until_s)
		usleep(50000);
	assert_int_equal(feeds_open(&plan, false, &image, &is_current), 0);
	assert_false(is_current);
	policy_image_put(image);
	again();
	assert_int_equal(result.n_kept, 1); /* the other list is not read for it */
	assert_int_equal(result.reports[0].skips[FEEDS_SKIP_EXPIRED], 1);
	assert_int_equal(judge(result.image, "short.example"), POLICY_NONE);
	assert_int_equal(judge(result.image, "long.example"), POLICY_NXDOMAIN);
	assert_true(result.reports[0].changes_s > until_s);
	policy_image_put(open_current());
}

static int set_up(void **state)
{
	const struct siphash_key key = { 1, 2 };
	name_set_hash_key(&key);
	rcu_thread_start();
	int e = files_set_up(state);
	snprintf(state_dir, sizeof state_dir, "%s", files_path("state"));
	return e;
}

static int tear_down(void **state)
{
	feeds_result_done(&result);
	rcu_drain();
	rcu_thread_stop();
	return files_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_files_to_verdicts),
		cmocka_unit_test(what_makes_a_change),
		cmocka_unit_test(a_bad_file_and_a_good_copy),
		cmocka_unit_test(without_a_state_directory),
		cmocka_unit_test(a_disk_that_fails),
		cmocka_unit_test(reading_only),
		cmocka_unit_test(refusals),
		cmocka_unit_test(locating),
		cmocka_unit_test(unchanged_lists_are_not_read),
		cmocka_unit_test(a_bad_list_does_not_cost_the_others),
		cmocka_unit_test(a_small_change_is_an_overlay),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(rules_that_expire),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
