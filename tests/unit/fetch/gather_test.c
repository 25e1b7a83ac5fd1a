/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an attempt before has left; the rest needs a server: tests/system/indicators_test.py. */
#include "fetch/gather.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY    "1-0123456789abcdef"
#define SUM    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OBJECT "{\"weir\":\"a 1 0\",\"v\":1}\n"

static char path[] = "/tmp/weir-gather-XXXXXX";

static void look(void **state)
{
	(void)state;
	static const struct {
		const char *why, *text, *what, *at;
		bool has_positions;
		const char *complete; /* the bytes up to there; NULL: nothing to go on with */
	} rows[] = {
		{ "empty", "", "", "", true, NULL },
		{ "of another source", "#weir-part 1 2-0 all\n#at 5\n", "", "", true, NULL },
		{ "no header", OBJECT "#at 5\n", "", "", true, NULL },
		{ "a header that is cut off", "#weir-part 1 " KEY " all", "", "", true, NULL },
		{ "another what", "#weir-part 1 " KEY " x\n#at 5\n", "", "", true, NULL },
		{ "up to a position", "#weir-part 1 " KEY " all\n" OBJECT "#at 5\n" OBJECT, "all",
		  "5", true, "#weir-part 1 " KEY " all\n" OBJECT "#at 5\n" },
		{ "up to the last one",
		  "#weir-part 1 " KEY " " SUM "\n#at 5\n" OBJECT "#at 6\n#at ", SUM, "6", true,
		  "#weir-part 1 " KEY " " SUM "\n#at 5\n" OBJECT "#at 6\n" },
		{ "no position yet", "#weir-part 1 " KEY " all\n" OBJECT, "", "", true, NULL },
		{ "none is needed", "#weir-part 1 " KEY " all\n" OBJECT "{\"weir\":\"b 1", "all",
		  "", false, "#weir-part 1 " KEY " all\n" OBJECT },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char what[SHA256_HEX + 1] = "", at[PAGES_POSITION_MAX + 1] = "";
		uint64_t n = 0;
		struct stat st;
		FILE *f = fopen(path, "we");
		assert_non_null(f);
		assert_true(fputs(rows[i].text, f) >= 0);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(stat(path, &st), 0);
		uint64_t now_s = (uint64_t)st.st_mtim.tv_sec;
		int e = gather_look(path, KEY, rows[i].has_positions, now_s, what, at, &n);
		if (rows[i].complete == NULL) {
			if (e != -ENOENT)
				fail_msg("%s", rows[i].why);
			continue;
		}
		if (e != 0 || n != strlen(rows[i].complete) || strcmp(what, rows[i].what) != 0 ||
		    strcmp(at, rows[i].at) != 0)
			fail_msg("%s: %d %s %s %d", rows[i].why, e, what, at, (int)n);
		assert_int_equal(gather_look(path, KEY, rows[i].has_positions,
		                             now_s + GATHER_PART_S, what, at, &n),
		                 -ENOENT);
	}
	unlink(path);
	char what[SHA256_HEX + 1], at[PAGES_POSITION_MAX + 1];
	uint64_t n;
	assert_int_equal(gather_look(path, KEY, true, 0, what, at, &n), -ENOENT);
}

static int set_up(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd >= 0 ? close(fd) : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(look) };
	return cmocka_run_group_tests(tests, set_up, NULL);
}
