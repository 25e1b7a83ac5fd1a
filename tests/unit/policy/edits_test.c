/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/edits.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/random.h"
#include "world.h"

static struct world w;

/* Each edit is on the disk before it is in force. */
static unsigned n_synced;
static bool is_disk_bad;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
	n_synced++;
	if (is_disk_bad) {
		errno = EIO;
		return -1;
	}
	return __real_fdatasync(fd);
}

static int set_up(void **state)
{
	(void)state;
	world_start(&w);
	struct policy_group_spec g[2] = { { .name = "adults" }, { .name = "kids" } };
	assert_int_equal(policy_new(NULL, NULL, 0, g, 2, &w.policy), 0);
	policy_publish(w.policy);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_end(&w);
	rcu_quiet();
	return 0;
}

static enum policy_action ask(const char *group, const char *name)
{
	const struct policy *p = policy_current();
	return world_judge(p, policy_group_named(p, group), POLICY_TRIGGER_QUESTION, name).action;
}

static int add(const char *name, enum policy_action action, const char *group, uint64_t expires_s)
{
	struct policy_edit e = world_edit(name, POLICY_SCOPE_TREE, action, group);
	e.expires_s = expires_s;
	return policy_edit_add(&e);
}

static int remove_it(const char *name, const char *group)
{
	struct name n = world_name(name);
	return policy_edit_remove(n.wire, group);
}

static void count_visit(const struct policy_edit *e, void *arg)
{
	assert_int_equal(edits_is_for(e, e->group_name), 1);
	++*(unsigned *)arg;
}

static unsigned count(void)
{
	unsigned n = 0;
	policy_edits_each(count_visit, &n);
	return n;
}

static off_t journal_size(void)
{
	struct stat st;
	return stat(w.journal, &st) == 0 ? st.st_size : -1;
}

static void journal_put(const char *text)
{
	int fd = open(w.journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void an_edit_is_in_force_at_once(void **state)
{
	(void)state;
	struct policy_group_view v;
	assert_int_equal(policy_edits_open(""), 0);
	assert_null(edits_now());
	policy_group_view(policy_current(), 0, &v);
	assert_false(v.has_alias_rules);
	uint32_t generation = policy_generation(policy_current());
	assert_int_equal(add("a.example", POLICY_REFUSED, "", 0), 0);
	assert_int_not_equal(policy_generation(policy_current()), generation);
	assert_int_equal(ask("adults", "x.a.example"), POLICY_REFUSED);
	policy_group_view(policy_current(), 0, &v);
	assert_true(v.has_alias_rules);
	assert_int_equal(add("a.example", POLICY_ALLOW, "kids", 0), 0);
	assert_int_equal(ask("kids", "a.example"), POLICY_ALLOW);
	assert_int_equal(ask("adults", "a.example"), POLICY_REFUSED);
	assert_int_equal(add("a.example", POLICY_NODATA, "", 0), 0); /* replaces the first */
	assert_int_equal(count(), 2);
	assert_int_equal(ask("adults", "a.example"), POLICY_NODATA);
	generation = policy_generation(policy_current());
	assert_int_equal(remove_it("a.example", "adults"), -ENOENT);
	assert_int_equal(policy_generation(policy_current()), generation);
	assert_int_equal(remove_it("a.example", ""), 0);
	assert_int_not_equal(policy_generation(policy_current()), generation);
	assert_int_equal(ask("adults", "a.example"), POLICY_NONE);
	assert_int_equal(ask("kids", "a.example"), POLICY_ALLOW);
	assert_int_equal(remove_it("a.example", "kids"), 0);
	assert_null(edits_now());
	policy_edits_close();
}

static void groups_are_named_or_numbered(void **state)
{
	(void)state;
	assert_int_equal(policy_edits_open(""), 0);
	assert_int_equal(add("a.example", POLICY_DROP, "nobody", 0), -EINVAL);
	struct policy_edit e = world_edit("a.example", POLICY_SCOPE_TREE, POLICY_DROP, "");
	e.group = 1;
	assert_int_equal(policy_edit_add(&e), 0);
	assert_int_equal(ask("kids", "a.example"), POLICY_DROP);
	assert_int_equal(ask("adults", "a.example"), POLICY_NONE);
	e.group = 2;
	assert_int_equal(policy_edit_add(&e), -EINVAL);
	/* The name lasts when the groups change places. */
	struct policy_group_spec g[2] = { { .name = "kids" }, { .name = "adults" } };
	assert_int_equal(policy_new(NULL, NULL, 0, g, 2, &w.policy), 0);
	policy_publish(w.policy);
	assert_int_equal(ask("kids", "a.example"), POLICY_DROP);
	assert_int_equal(ask("adults", "a.example"), POLICY_NONE);
	policy_edits_close();
}

static void edits_expire_by_themselves(void **state)
{
	(void)state;
	assert_int_equal(policy_edits_open(""), 0);
	assert_int_equal(add("a.example", POLICY_DROP, "", 1000), 0);
	assert_int_equal(add("b.example", POLICY_DROP, "", 2000), 0);
	assert_int_equal(add("c.example", POLICY_DROP, "", 0), 0);
	uint32_t generation = policy_generation(policy_current());
	assert_int_equal(policy_edits_expire(999), 0);
	assert_int_equal(policy_generation(policy_current()), generation);
	assert_int_equal(policy_edits_expire(1000), 1);
	assert_int_not_equal(policy_generation(policy_current()), generation);
	assert_int_equal(ask("kids", "a.example"), POLICY_NONE);
	assert_int_equal(ask("kids", "b.example"), POLICY_DROP);
	assert_int_equal(policy_edits_expire(1999), 0);
	assert_int_equal(policy_edits_expire(UINT64_MAX), 1);
	assert_int_equal(ask("kids", "c.example"), POLICY_DROP);
	assert_int_equal(count(), 1);
	policy_edits_close();
}

static void edits_survive_a_restart(void **state)
{
	(void)state;
	uint64_t now_s = clock_wall_ns() / NS_PER_S;
	assert_int_equal(policy_edits_open(w.journal), 0);
	assert_int_equal(journal_size(), -1); /* reading makes no file */
	assert_int_equal(add("a.example", POLICY_DROP, "", 0), 0);
	assert_int_equal(add("b.example", POLICY_REFUSED, "kids", now_s + 1000), 0);
	assert_int_equal(add("c.example", POLICY_REFUSED, "", 0), 0);
	assert_int_equal(add("d.example", POLICY_REFUSED, "", 0), 0);
	assert_int_equal(add("d.example", POLICY_REFUSED, "", now_s - 1), 0); /* over already */
	assert_int_equal(remove_it("c.example", ""), 0);
	policy_edits_close();
	assert_int_equal(ask("kids", "a.example"), POLICY_NONE);

	assert_int_equal(policy_edits_open(w.journal), 0);
	assert_int_equal(count(), 2);
	assert_int_equal(ask("kids", "a.example"), POLICY_DROP);
	assert_int_equal(ask("kids", "b.example"), POLICY_REFUSED);
	assert_int_equal(ask("adults", "b.example"), POLICY_NONE);
	assert_int_equal(ask("kids", "c.example"), POLICY_NONE);
	assert_int_equal(ask("kids", "d.example"), POLICY_NONE);
	struct verdict v = world_judge(policy_current(), 1, POLICY_TRIGGER_QUESTION, "x.b.example");
	assert_string_equal(v.edit->who, "tester (1000)");
	assert_string_equal(v.edit->reason, "because \"of\" é");
	assert_int_equal(v.edit->expires_s, now_s + 1000);
	policy_edits_close();
}

static void a_cut_last_line_is_dropped(void **state)
{
	(void)state;
	assert_int_equal(policy_edits_open(w.journal), 0);
	assert_int_equal(add("a.example", POLICY_DROP, "", 0), 0);
	assert_int_equal(add("b.example", POLICY_DROP, "", 0), 0);
	policy_edits_close();
	off_t whole = journal_size();
	char tail[3001]; /* longer than the line that takes its place */
	memset(tail, 'x', sizeof tail - 1);
	tail[sizeof tail - 1] = 0;
	assert_int_equal(truncate(w.journal, whole / 2), 0);
	journal_put(tail);
	assert_int_equal(policy_edits_open(w.journal), 0);
	assert_int_equal(add("b.example", POLICY_DROP, "", 0), 0);
	policy_edits_close();
	assert_int_equal(journal_size(), whole);
	/* As after kill -9 at any byte of the second line. */
	for (off_t cut = whole - 1; cut > whole / 2; cut -= 5) {
		assert_int_equal(truncate(w.journal, cut), 0);
		assert_int_equal(policy_edits_open(w.journal), 0);
		assert_int_equal(count(), 1);
		assert_int_equal(ask("kids", "a.example"), POLICY_DROP);
		assert_int_equal(add("b.example", POLICY_DROP, "", 0), 0);
		policy_edits_close();
		assert_int_equal(journal_size(), whole); /* the new line stands in its place */
		assert_int_equal(policy_edits_open(w.journal), 0);
		assert_int_equal(count(), 2);
		policy_edits_close();
	}
}

static void garbage_in_the_journal_is_skipped(void **state)
{
	(void)state;
	static char longer[40000];
	memset(longer, 'x', sizeof longer - 2);
	longer[sizeof longer - 2] = '\n';
	assert_int_equal(policy_edits_open(w.journal), 0);
	assert_int_equal(add("a.example", POLICY_DROP, "", 0), 0);
	policy_edits_close();
	journal_put("\n\n{}\n\xff\xfe\x01\n");
	journal_put(longer);
	journal_put("{\"op\":\"add\",\"name\":\"b.example\",\"action\":\"drop\",\"scope\":"
	            "\"tree\",\"made\":1,\"expires\":0}\n");
	journal_put(longer + 1000);
	assert_int_equal(policy_edits_open(w.journal), 0);
	assert_int_equal(count(), 2);
	assert_int_equal(ask("kids", "b.example"), POLICY_DROP);
	policy_edits_close();
}

static void the_journal_does_not_grow_for_ever(void **state)
{
	(void)state;
	assert_int_equal(policy_edits_open(w.journal), 0);
	assert_int_equal(add("keep.example", POLICY_DROP, "", 0), 0);
	off_t one = journal_size();
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(add("a.example", POLICY_DROP, "", 0), 0);
		assert_int_equal(remove_it("a.example", ""), 0);
		assert_in_range(journal_size(), one, one * 80);
	}
	policy_edits_close();
	assert_int_equal(policy_edits_open(w.journal), 0);
	assert_int_equal(count(), 1);
	assert_int_equal(ask("kids", "keep.example"), POLICY_DROP);
	policy_edits_close();
}

static void a_full_disk_refuses_the_edit(void **state)
{
	(void)state;
	struct rlimit old, none;
	assert_int_equal(policy_edits_open(w.journal), 0);
	assert_int_equal(add("a.example", POLICY_DROP, "", 0), 0);
	off_t whole = journal_size();
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = old;
	none.rlim_cur = (rlim_t)whole + 20; /* the line will be cut in the middle */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	uint32_t generation = policy_generation(policy_current());
	assert_int_equal(add("b.example", POLICY_DROP, "", 0), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(ask("kids", "b.example"), POLICY_NONE);
	assert_int_equal(policy_generation(policy_current()), generation);
	assert_int_equal(journal_size(), whole);
	assert_int_equal(add("c.example", POLICY_DROP, "", 0), 0);
	policy_edits_close();
	assert_int_equal(policy_edits_open(w.journal), 0);
	assert_int_equal(count(), 2);
	policy_edits_close();
	/* A journal that cannot be read is said, not taken for an empty one. */
	assert_int_equal(policy_edits_open(w.folder), -EISDIR);
}

static void a_disk_that_fails_refuses_the_edit(void **state)
{
	(void)state;
	assert_int_equal(policy_edits_open(w.journal), 0);
	n_synced = 0;
	assert_int_equal(add("a.example", POLICY_DROP, "", 0), 0);
	assert_int_equal(n_synced, 1);
	is_disk_bad = true;
	assert_int_equal(add("b.example", POLICY_DROP, "", 0), -EIO);
	assert_int_equal(remove_it("a.example", ""), -EIO);
	is_disk_bad = false;
	assert_int_equal(ask("kids", "a.example"), POLICY_DROP);
	assert_int_equal(ask("kids", "b.example"), POLICY_NONE);
	policy_edits_close();
	assert_int_equal(policy_edits_open(w.journal), 0);
	assert_int_equal(count(), 1);
	assert_int_equal(ask("kids", "a.example"), POLICY_DROP);
	policy_edits_close();
}

static void many_edits_come_and_go(void **state)
{
	(void)state;
	enum {
		N = 3000
	};
	char text[32];
	bool is_there[N] = { false };
	unsigned n = 0;
	assert_int_equal(policy_edits_open(""), 0);
	for (unsigned i = 0; i < 4 * N; i++) {
		unsigned at = random_below(N);
		snprintf(text, sizeof text, "n%u.example", at);
		if (random_below(3) > 0) {
			assert_int_equal(add(text, POLICY_DROP, "", 0), 0);
			n += !is_there[at];
			is_there[at] = true;
		} else {
			assert_int_equal(remove_it(text, ""), is_there[at] ? 0 : -ENOENT);
			n -= is_there[at];
			is_there[at] = false;
		}
		rcu_quiet();
	}
	assert_int_equal(count(), n);
	for (unsigned i = 0; i < N; i++) {
		snprintf(text, sizeof text, "n%u.example", i);
		assert_int_equal(ask("kids", text), is_there[i] ? POLICY_DROP : POLICY_NONE);
	}
	policy_edits_close();
}

int main(void)
{
#define EACH(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		EACH(an_edit_is_in_force_at_once),        EACH(groups_are_named_or_numbered),
		EACH(edits_expire_by_themselves),         EACH(edits_survive_a_restart),
		EACH(a_cut_last_line_is_dropped),         EACH(garbage_in_the_journal_is_skipped),
		EACH(the_journal_does_not_grow_for_ever), EACH(a_full_disk_refuses_the_edit),
		EACH(a_disk_that_fails_refuses_the_edit), EACH(many_edits_come_and_go),
	};
	signal(SIGXFSZ, SIG_IGN);
	struct siphash_key key = { random_u64(), random_u64() };
	name_set_hash_key(&key);
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
