/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/ceilings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOUR_US UINT64_C(3600000000)

static bool ask(_Atomic uint64_t *marks, unsigned clients, uint64_t now_us)
{
	bool is_prevalent = false;
	for (unsigned i = 0; i < clients; i++)
		is_prevalent = ceiling_note_client(marks, i, now_us + i);
	return is_prevalent;
}

static void many_clients_count_after_an_hour(void **state)
{
	(void)state;
	/* Wherever in an hour they come. */
	for (uint64_t start_us = 0; start_us < HOUR_US; start_us += HOUR_US / 10) {
		_Atomic uint64_t marks = 0;
		for (uint64_t us = 0; us < HOUR_US; us += HOUR_US / 60)
			assert_false(ask(&marks, 20, start_us + us));
		bool is_prevalent = false;
		for (uint64_t us = HOUR_US; us < 3 * HOUR_US; us += HOUR_US / 60)
			is_prevalent = ask(&marks, 20, start_us + us);
		assert_true(is_prevalent);
	}
}

static void a_crowd_is_known(void **state)
{
	(void)state;
	for (unsigned clients = 8; clients <= 20; clients++) {
		_Atomic uint64_t marks = 0;
		for (unsigned h = 0; h < 4; h++)
			(void)ask(&marks, clients, h * HOUR_US);
		assert_int_equal(ceiling_is_crowd(&marks), clients >= 19);
	}
}

static void few_clients_never_do(void **state)
{
	(void)state;
	_Atomic uint64_t marks = 0;
	for (unsigned h = 0; h < 100; h++)
		assert_false(ask(&marks, CEILING_PREVALENT_CLIENTS - 1, h * HOUR_US));
	/* One that has been there for long does not make others older. */
	assert_false(ask(&marks, 20, 100 * HOUR_US));
	assert_false(ask(&marks, 20, 101 * HOUR_US - 100));
}

static void long_silence_makes_nobody_older(void **state)
{
	(void)state;
	for (unsigned quiet = 0; quiet < 40; quiet++) {
		_Atomic uint64_t marks = 0;
		uint64_t now_us = (7 + quiet) * HOUR_US + HOUR_US / 2;
		(void)ceiling_note_client(&marks, 0, 7 * HOUR_US);
		assert_false(ask(&marks, 20, now_us));
		assert_false(ask(&marks, 20, now_us + HOUR_US / 3));
	}
}

static void ceilings_are_raised_only(void **state)
{
	(void)state;
	struct ceiling c = ceiling_of_kind(ZONE_POPULAR), before = c;
	ceiling_raise(&c, 4, 64);
	assert_int_equal(c.servers, before.servers);
	assert_int_equal(c.client, before.client);
	assert_int_equal(c.domain, before.domain);
	c = ceiling_of_kind(ZONE_ANYBODY);
	ceiling_raise(&c, 4, 16);
	assert_int_equal(c.servers, 4);
	assert_int_equal(c.client, 4);
	assert_int_equal(c.domain, 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_clients_count_after_an_hour),
		cmocka_unit_test(a_crowd_is_known),
		cmocka_unit_test(few_clients_never_do),
		cmocka_unit_test(long_silence_makes_nobody_older),
		cmocka_unit_test(ceilings_are_raised_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
