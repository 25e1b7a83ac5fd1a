/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/delta.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Rows: "+a -b" in order, and what they come to. */
static const struct {
	const char *why, *in, *out; /* out NULL: they cannot be */
} rows[] = {
	{ "nothing", "", "" },
	{ "sorted", "+b +a -c", "+a +b -c " },
	{ "there and back", "-a +a", "" },
	{ "back and there", "+a -a", "" },
	{ "three steps", "+a -a +a", "+a " },
	{ "three steps of one that was there", "-a +a -a", "-a " },
	{ "between others", "+b -a +c +a -b", "+c " },
	{ "twice added", "+a +a", NULL },
	{ "twice deleted", "-a +b -a", NULL },
	{ "one begins another", "+ab +a -abc", "+a +ab -abc " },
};

static void rows_come_to(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct delta d = { 0 };
		char out[200] = "";
		size_t n = 0;
		for (const char *p = rows[i].in; *p != 0; p += strspn(p, " ")) {
			size_t word = strcspn(p, " ");
			assert_int_equal(delta_add(&d, p[0] == '+', p + 1, word - 1), 0);
			p += word;
		}
		int e = delta_seal(&d);
		assert_int_equal(e, rows[i].out == NULL ? -ESTALE : 0);
		for (size_t k = 0; e == 0 && k < d.n_lines; k++)
			n += (size_t)snprintf(out + n, sizeof out - n, "%c%.*s ",
			                      d.lines[k].is_add ? '+' : '-', (int)d.lines[k].n,
			                      delta_text(&d, k));
		if (e == 0 && strcmp(out, rows[i].out) != 0)
			fail_msg("%s: '%s'", rows[i].why, out);
		delta_done(&d);
	}
}

static void there_is_a_limit(void **state)
{
	(void)state;
	static char line[1 << 20];
	struct delta d = { 0 };
	int e = 0;
	unsigned n = 0;
	for (; e == 0; n++)
		e = delta_add(&d, true, line, sizeof line);
	assert_int_equal(e, -EFBIG);
	assert_int_equal(n, (DELTA_MAX_BYTES >> 20) + 1);
	delta_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_to),
		cmocka_unit_test(there_is_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
