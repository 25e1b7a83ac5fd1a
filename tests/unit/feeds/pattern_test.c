/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From list files to verdicts of patterns, and back from the disk; lines are in format_test.c. */
#include "feeds/pattern.h"

#include <errno.h>
#include <glob.h>

#include "base/rcu.h"
#include "files.h"

static char state_dir[128];
static struct policy_list_spec specs[2];
static struct feeds_list lists[2];
static struct feeds_plan plan;
static struct feeds_result result;

static const struct {
	const char *why, *text, *expected; /* NULL: it is none */
} texts[] = {
	/* clang-format off */
	{ "star", "||ads*.example^", "(^|\\.)ads.*\\.example$" },
	{ "open end", "||ads.", "(^|\\.)ads\\." },
	{ "open beginning of the address", "|ads*x^|", "^ads.*x$" },
	{ "stars in a row", "||ads**x", "(^|\\.)ads.*x" },
	{ "star in front", "||*ads^", "(^|\\.).*ads$" },
	{ "no anchor", "ads*x^", NULL },
	{ "too little", "||a*b*c^", NULL },
	{ "nothing", "||^", NULL },
	{ "another character", "||ads*/x^", NULL },
	{ "a separator inside", "||ads^*x^", NULL },
	/* clang-format on */
};

static void texts_become_expressions(void **state)
{
	(void)state;
	char regex[POLICY_PATTERN_MAX + 1], text[POLICY_PATTERN_MAX + 8] = "||";
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct word w = { texts[i].text, strlen(texts[i].text) };
		bool got = pattern_from_adblock(w, regex);
		if (got != (texts[i].expected != NULL) ||
		    (got && strcmp(regex, texts[i].expected) != 0))
			fail_msg("%s: %s", texts[i].why, got ? regex : "none");
	}
	memset(text + 2, 'a', POLICY_PATTERN_MAX);
	assert_false(pattern_from_adblock((struct word){ text, POLICY_PATTERN_MAX }, regex));
}

static enum policy_action judge(struct policy_image *image, const char *text)
{
	uint16_t order[2] = { 0, 1 };
	struct addr_prefix all = { .addr = addr_v4(0) };
	const struct policy_group_spec group = {
		.name = "default", .clients = &all, .n_clients = 1, .lists = order, .n_lists = 2
	};
	struct policy *p;
	struct name name;
	struct name_hashes hashes;
	struct verdict v;
	assert_int_equal(policy_new(image, specs, 2, &group, 1, &p), 0);
	assert_int_equal(name_from_text(text, strlen(text), &name), 0);
	name_hash_all(name.wire, &hashes);
	policy_judge_name(p, 0, POLICY_TRIGGER_QUESTION, name.wire, &hashes, &v);
	policy_free(p);
	return v.action;
}

static unsigned count_files(void)
{
	char pattern[256];
	glob_t g;
	snprintf(pattern, sizeof pattern, "%s/policy.patterns-*", state_dir);
	unsigned n = glob(pattern, 0, NULL, &g) == 0 ? (unsigned)g.gl_pathc : 0;
	globfree(&g);
	return n;
}

static void compile(struct policy_image *current)
{
	assert_int_equal(feeds_compile(&plan, current, &result), 0);
}

static void from_files_to_verdicts_and_back(void **state)
{
	(void)state;
	struct policy_image *image;
	bool is_current;
	plan = (struct feeds_plan){ .lists = lists, .n_lists = 2, .state_dir = state_dir };
	lists[0] = files_list(&specs[0], "a", "a", FEEDS_REGEX);
	lists[1] = files_list(&specs[1], "b", "b", FEEDS_ADBLOCK);
	files_put_text("a", "^ads[0-9]+\\.\n(?!x)\n# end\n");
	files_put_text("b", "||track*.example^\n||plain.example^\n@@/^ads7/\n");
	compile(NULL);
	assert_int_equal(result.reports[0].names, 1);
	assert_int_equal(result.reports[0].patterns, 1);
	assert_int_equal(result.reports[0].skips[FEEDS_SKIP_REGEX], 1);
	assert_int_equal(result.reports[0].examples[0].line, 2);
	assert_non_null(strstr(result.reports[0].examples[0].excerpt, "(?!x)"));
	assert_int_equal(result.reports[1].patterns, 2);
	assert_int_equal(judge(result.image, "ads1.x"), POLICY_NXDOMAIN);
	assert_int_equal(judge(result.image, "ads7.x"), POLICY_ALLOW);
	assert_int_equal(judge(result.image, "a.tracker.example"), POLICY_NXDOMAIN);
	assert_int_equal(judge(result.image, "plain.example"), POLICY_NXDOMAIN);
	assert_int_equal(judge(result.image, "x.ads1.x"), POLICY_NONE);
	assert_int_equal(count_files(), 1);
	feeds_result_done(&result);

	/* As at the next start. */
	assert_int_equal(feeds_open(&plan, true, &image, &is_current), 0);
	assert_true(is_current);
	assert_int_equal(judge(image, "ads1.x"), POLICY_NXDOMAIN);

	/* A change: another set, and the old file goes. */
	files_put_text("a", "^banner\n");
	compile(image);
	assert_int_equal(judge(result.image, "ads1.x"), POLICY_NONE);
	assert_int_equal(judge(result.image, "banner.x"), POLICY_NXDOMAIN);
	assert_int_equal(count_files(), 1);
	policy_image_put(image);
	image = result.image;
	result.image = NULL;
	feeds_result_done(&result);

	/* No patterns any more: no file. */
	files_put_text("a", "# nothing\n");
	files_put_text("b", "||plain.example^\n");
	compile(image);
	assert_int_equal(count_files(), 0);
	assert_int_equal(judge(result.image, "banner.x"), POLICY_NONE);
	policy_image_put(image);
	feeds_result_done(&result);
}

/* An image whose set is not there is not half of a policy: the lists are read again. */
static void without_its_set_an_image_is_refused(void **state)
{
	(void)state;
	struct policy_image *image;
	bool is_current;
	char path[256];
	uint8_t tag[FEEDS_TAG_BYTES];
	files_put_text("a", "^ads\n");
	compile(NULL);
	policy_image_tag(result.image, tag);
	assert_true(pattern_path(&plan, pattern_key_of_tag(tag), path, sizeof path));
	assert_int_equal(unlink(path), 0);
	feeds_result_done(&result);
	assert_int_equal(feeds_open(&plan, true, &image, &is_current), -EBADMSG);
	/* Without a state directory patterns live in memory. */
	plan.state_dir = NULL;
	compile(NULL);
	assert_int_equal(judge(result.image, "ads1.x"), POLICY_NXDOMAIN);
	feeds_result_done(&result);
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
		cmocka_unit_test(texts_become_expressions),
		cmocka_unit_test(from_files_to_verdicts_and_back),
		cmocka_unit_test(without_its_set_an_image_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
