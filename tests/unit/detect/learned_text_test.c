/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "detect/learned.h"

#define HEAD "weir-ceilings 1\nbegan 1764000000 000102030405060708090a0b0c0d0e0f\n"

static void what_is_written_is_read(void **state)
{
	(void)state;
	static const char text[] = HEAD
		"domain app.example 16 64 1764000000 1764003600 - 9000 8000 7 4000 3000 8 2000 1\n"
		"domain x\\032y.example 1 1 1764000000 1764003600 - 0 0\n"
		"domain other.example 2 4096 1764000000 1764003600 confirmed 1 1 9 1 0\n";
	struct learned *l, *again;
	char why[LEARNED_WHY_MAX], *out[2];
	size_t n[2];
	assert_int_equal(learned_new(&l), 0);
	assert_int_equal(learned_read(l, text, strlen(text), why), 0);
	assert_string_equal(why, "");
	assert_int_equal(l->n, 3);
	assert_int_equal(l->began_s, 1764000000);
	assert_int_equal(l->key.k1, 0x08090a0b0c0d0e0f);
	struct name name;
	uint32_t need;
	assert_int_equal(name_from_text("app.example", 11, &name), 0);
	struct learned_domain *d = learned_find(l, name.wire);
	assert_non_null(d);
	assert_int_equal(d->factor, 16);
	assert_int_equal(d->all, 64);
	assert_int_equal(learned_clients(d, 0, &need), 2);
	assert_int_equal(need, 3000);
	assert_int_equal(learned_clients(d, 1, &need), 2);
	assert_int_equal(need, 1);
	assert_int_equal(learned_new(&again), 0);
	for (unsigned i = 0; i < 2; i++) {
		FILE *f = open_memstream(&out[i], &n[i]);
		learned_write(i == 0 ? l : again, f);
		assert_int_equal(fclose(f), 0);
		if (i == 0)
			assert_int_equal(learned_read(again, out[0], n[0], why), 0);
	}
	assert_string_equal(out[0], out[1]);
	for (unsigned i = 0; i < 2; i++)
		free(out[i]);
	learned_free(l);
	learned_free(again);
}

static void what_is_wrong_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int status;
		unsigned n;
		const char *why;
	} rows[] = {
		{ "", -EBADMSG, 0, "line 1: it does not begin with \"weir-ceilings 1\"" },
		{ "weir-ceilings 2\n", -EBADMSG, 0,
		  "line 1: it does not begin with \"weir-ceilings 1\"" },
		{ "weir-ceilings 1\n", -EBADMSG, 0, "line 2: no beginning and no key" },
		{ "weir-ceilings 1\nbegan 1 00\n", -EBADMSG, 0, "line 2: no beginning and no key" },
		{ HEAD, 0, 0, "" },
		{ HEAD "domain\n", 0, 0, "line 3: not a domain" },
		{ HEAD "domain . 1 1 1 1 - 0 0\n", 0, 0, "line 3: not a domain" },
		{ HEAD "domain a.example 128 128 1 1 - 0 0\ndomain b.example 2 2 1 1 - 0 0", 0, 1,
		  "line 3: its numbers make no sense" },
		{ HEAD "domain a.example 3 4 1 1 - 0 0\n", 0, 0,
		  "line 3: its numbers make no sense" },
		{ HEAD "domain a.example 4 2 1 1 - 0 0\n", 0, 0,
		  "line 3: its numbers make no sense" },
		{ HEAD "domain a.example 2 2 1 1 x 0 0\n", 0, 0,
		  "line 3: its numbers make no sense" },
		{ HEAD "domain a.example 2 2 1 1 - 0 1\n", 0, 0,
		  "line 3: its numbers make no sense" },
		{ HEAD "domain a.example 2 2 1 99999999999999999999999 - 0 0\n", 0, 0,
		  "line 3: its numbers make no sense" },
		{ HEAD "domain a.example 2 2 1 1 - 0 0 5 9 9 5 9 9\n", 0, 0,
		  "line 3: its numbers make no sense" },
		{ HEAD "x\ndomain a.example 2 2 1 1 - 0 0\ndomain a.example 2 2 1 1 - 0 0\n", 0, 1,
		  "line 3: not a domain; 2 lines are left out" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct learned *l;
		char why[LEARNED_WHY_MAX];
		assert_int_equal(learned_new(&l), 0);
		assert_int_equal(learned_read(l, rows[i].text, strlen(rows[i].text), why),
		                 rows[i].status);
		assert_string_equal(why, rows[i].why);
		assert_int_equal(l->n, rows[i].n);
		learned_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_wrong_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
