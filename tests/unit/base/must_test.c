/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/must.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static volatile int zero;

static void fail_must(void)
{
	must(zero != 0);
}

static void meet_bug(void)
{
	if (bug_if(zero == 0))
		return;
	_exit(2); /* the caller did not learn of it */
}

static bool aborts(void (*run)(void))
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit no_core = { 0, 0 };
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		run();
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_must(void **state)
{
	(void)state;
	must(zero == 0);
	assert_true(aborts(fail_must));
}

static void test_bug_if(void **state)
{
	(void)state;
	uint64_t before = bug_count();
	assert_false(bug_if(zero != 0));
	assert_int_equal(bug_count(), before);
#ifdef WEIR_ABORT_ON_BUG
	assert_true(aborts(meet_bug));
#else
	log_set_level(LOG_LEVEL_ERROR);
	meet_bug();
	meet_bug();
	assert_int_equal(bug_count(), before + 2);
	assert_false(aborts(meet_bug));
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_must),
		cmocka_unit_test(test_bug_if),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
