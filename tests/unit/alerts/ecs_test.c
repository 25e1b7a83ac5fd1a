/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "alerts/render.h"
#include "sample.h"

static const char *at(const json_t *o, const char *a, const char *b)
{
	return json_string_value(json_object_get(json_object_get(o, a), b));
}

static void an_alert_is_ecs(void **state)
{
	(void)state;
	char *line = render_ecs(&sample_full);
	assert_non_null(line);
	assert_null(strchr(line, '\n'));
	for (const char *c = line; *c != 0; c++)
		assert_true(*c >= ' ' && *c <= '~');
	json_t *o = json_loads(line, 0, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "@timestamp")),
	                    "2025-11-28T10:00:00.123456Z");
	assert_string_equal(json_string_value(json_object_get(o, "message")), sample_full.message);
	assert_string_equal(at(o, "event", "kind"), "alert");
	assert_string_equal(at(o, "event", "start"), "2025-11-28T08:53:20.000000Z");
	assert_int_equal(strlen(at(o, "event", "id")), 32);
	assert_string_equal(at(o, "client", "ip"), "192.0.2.7");
	const json_t *incident = json_object_get(json_object_get(o, "weir"), "incident");
	const json_t *reasons = json_object_get(incident, "reasons");
	assert_int_equal(json_array_size(reasons), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(reasons, 0), "name")),
	                    "evil.example");
	assert_true(json_number_value(json_object_get(incident, "score")) == 123.5);
	json_decref(o);
	free(line);
}

static void what_is_not_told_is_left_out(void **state)
{
	(void)state;
	char *line = render_ecs(&sample_bare);
	assert_null(strstr(line, "client"));
	assert_null(strstr(line, "incident"));
	assert_non_null(strstr(line, "\"action\":\"feed-good\""));
	free(line);
	struct alert prefix = sample_full;
	prefix.client = "2001:db8::/64";
	line = render_ecs(&prefix);
	assert_non_null(strstr(line, "\"client\":{\"address\":\"2001:db8::/64\"}"));
	free(line);
}

static void long_and_broken_texts_are_cut(void **state)
{
	char text[2000];
	struct alert a = sample_bare;
	(void)state;
	memset(text, 0xc3, sizeof text - 1); /* no UTF-8 */
	text[sizeof text - 1] = 0;
	a.message = text;
	char *line = render_ecs(&a);
	assert_non_null(line);
	assert_true(strlen(line) < 2000);
	free(line);
}

static void severities_have_names(void **state)
{
	(void)state;
	for (int i = ALERT_LOW; i <= ALERT_CRITICAL; i++)
		assert_int_equal(alert_severity_from(alert_severity_name(i)), i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alert_is_ecs),
		cmocka_unit_test(what_is_not_told_is_left_out),
		cmocka_unit_test(long_and_broken_texts_are_cut),
		cmocka_unit_test(severities_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
