/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kill -9 at any moment of a compile: what is found afterwards is a whole image of one of the
 * two states that the lists were in, and good copies; never half of anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/rcu.h"
#include "feeds/reader.h"
#include "files.h"

enum {
	KILLS = 40,
	NAMES = 4000,
	OVERLAY_FROM = 1000, /* so that changes are overlays, too */
	LATEST_US = 12000
};

static char state_dir[128];
static struct policy_list_spec specs[2];
static struct feeds_list lists[2];
static struct feeds_plan plan = {
	.lists = lists,
	.n_lists = 2,
	.state_dir = state_dir,
	.overlay_from = OVERLAY_FROM,
};

static void write_list(const char *file, unsigned version)
{
	char beside[8];
	snprintf(beside, sizeof beside, "%s.n", file);
	FILE *f = fopen(files_path(beside), "w");
	if (f == NULL)
		_exit(1);
	/* Version 2 is as good as version 1: an overlay; from 0 to either it is a new image. */
	for (unsigned i = 0; i < NAMES + (version > 0); i++)
		fprintf(f, "n%u.v%u.example\n", i, version == 2 && i % 100 != 0 ? 1 : version);
	if (fclose(f) != 0 || rename(files_path(beside), files_path(file)) != 0)
		_exit(1);
}

/* Compile one version and the other, until killed. */
static _Noreturn void work(void)
{
	struct policy_image *image = NULL;
	bool is_current;
	struct feeds_result result;
	int e = feeds_open(&plan, false, &image, &is_current);
	if (e != 0 && e != -ENOENT)
		_exit(2);
	for (unsigned i = 0;; i++) {
		write_list(i % 2 == 0 ? "a" : "b", random_u32() % 3);
		if (feeds_compile(&plan, image, &result) != 0 || result.n_from_copy > 0)
			_exit(3);
		if (result.is_unchanged)
			continue;
		if (image != NULL)
			policy_image_put(image);
		image = result.image;
		result.image = NULL;
		feeds_result_done(&result);
	}
}

static unsigned count_lines(const char *name)
{
	struct reader *r;
	const char *why, *line;
	size_t n;
	if (reader_open(files_path(name), FEEDS_MAX_BYTES, &r, &why) != 0)
		return 0;
	enum reader_got got;
	while ((got = reader_next(r, &line, &n)) == READER_LINE)
		;
	assert_int_equal(got, READER_END);
	unsigned lines = (unsigned)reader_line(r);
	reader_close(r);
	return lines;
}

static void look(void)
{
	struct policy_image *image;
	struct policy *p;
	struct policy_list_view view;
	bool is_current;
	int e = feeds_open(&plan, false, &image, &is_current);
	if (e == -ENOENT)
		return; /* killed before the first was written */
	assert_int_equal(e, 0);
	struct policy_list_spec copies[2] = { specs[0], specs[1] };
	assert_int_equal(policy_new(image, copies, 2, NULL, 0, &p), 0);
	for (uint16_t i = 0; i < 2; i++) {
		policy_list_view(p, i, &view);
		assert_in_range(view.n_names, NAMES, NAMES + 1);
	}
	policy_publish(p);
	policy_image_put(image);
	for (int i = 0; i < 2; i++) {
		unsigned lines = count_lines(i == 0 ? "state/lists/a" : "state/lists/b");
		if (lines != 0)
			assert_in_range(lines, NAMES, NAMES + 1);
	}
}

static void killed_at_any_moment(void **state)
{
	(void)state;
	write_list("a", 0);
	write_list("b", 0);
	for (int i = 0; i < KILLS; i++) {
		int status;
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			work();
		usleep(random_below(LATEST_US));
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status)); /* it did not end by itself */
		look();
	}
	/* And a compile that is let alone puts everything right. */
	struct feeds_result result;
	assert_int_equal(feeds_compile(&plan, NULL, &result), 0);
	feeds_result_done(&result);
	assert_false(files_exists("state/lists/.a.new"));
	assert_int_equal(count_lines("state/lists/a"), count_lines("a"));
}

static int set_up(void **state)
{
	const struct siphash_key key = { 1, 2 };
	name_set_hash_key(&key);
	rcu_thread_start();
	int e = files_set_up(state);
	snprintf(state_dir, sizeof state_dir, "%s", files_path("state"));
	lists[0] = files_list(&specs[0], "a", "a", FEEDS_DOMAINS);
	lists[1] = files_list(&specs[1], "b", "b", FEEDS_DOMAINS);
	return e;
}

static int tear_down(void **state)
{
	rcu_drain();
	rcu_thread_stop();
	(void)remove(files_path("a.n"));
	(void)remove(files_path("b.n"));
	return files_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(killed_at_any_moment) };
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
