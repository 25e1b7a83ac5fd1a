/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char written[8192];

/* What one call writes to standard error. */
static void capture(void (*say)(void))
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	int saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	say();
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	ssize_t n = read(ends[0], written, sizeof written - 1);
	close(ends[0]);
	written[n > 0 ? n : 0] = 0;
}

static void say_warning(void)
{
	log_warning("list %s: %d names", "ads", 7);
}

static void say_debug(void)
{
	log_debug("not shown");
}

static void say_long(void)
{
	char text[5000];
	memset(text, 'x', sizeof text);
	log_error("%.5000s", text);
}

static void test_lines(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	capture(say_warning);
	assert_string_equal(written, "weir: warning: list ads: 7 names\n");
	setenv("JOURNAL_STREAM", "8:1", 1);
	capture(say_warning);
	assert_string_equal(written, "<4>weir: warning: list ads: 7 names\n");
	unsetenv("JOURNAL_STREAM");
}

static void test_levels(void **state)
{
	(void)state;
	assert_int_equal(log_get_level(), LOG_LEVEL_INFO);
	capture(say_debug);
	assert_string_equal(written, "");
	log_set_level(LOG_LEVEL_DEBUG);
	capture(say_debug);
	assert_string_equal(written, "weir: debug: not shown\n");
	log_set_level(LOG_LEVEL_ERROR);
	capture(say_warning);
	assert_string_equal(written, "");
	log_set_level(LOG_LEVEL_INFO);
}

static void test_long_line_is_cut(void **state)
{
	(void)state;
	capture(say_long);
	size_t n = strlen(written);
	assert_true(n > 2000 && n <= 2048);
	assert_int_equal(written[n - 1], '\n');
	assert_ptr_equal(strchr(written, '\n'), written + n - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_long_line_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
