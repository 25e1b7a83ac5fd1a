/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alerts/destination.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void delays_double_up_to_a_minute(void **state)
{
	static const struct {
		uint64_t failures;
		uint32_t ms;
	} rows[] = { { 1, 1000 },  { 2, 2000 },  { 3, 4000 },          { 6, 32000 },
		     { 7, 60000 }, { 8, 60000 }, { UINT64_MAX, 60000 } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(destination_delay_ms(rows[i].failures), rows[i].ms);
}

static void settings_tell_destinations_apart(void **state)
{
	const char *header = "A: b";
	struct config_alert a = { .name = "x",
		                  .to = "https://h/p",
		                  .format = "ecs",
		                  .severity = "low",
		                  .timeout_ms = 1000 };
	(void)state;
	char *first = destination_settings(&a);
	char *again = destination_settings(&a);
	assert_string_equal(first, again);
	free(again);
	a.headers.at = &header;
	a.headers.n = 1;
	char *other = destination_settings(&a);
	assert_string_not_equal(first, other);
	free(first);
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delays_double_up_to_a_minute),
		cmocka_unit_test(settings_tell_destinations_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
