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

static char *body_of(enum render_format f, char **ret_line)
{
	*ret_line = render_ecs(&sample_full);
	json_t *o = json_loads(*ret_line, 0, NULL);
	char *body = render_body(f, o, *ret_line);
	json_decref(o);
	assert_non_null(body);
	return body;
}

static void formats_have_words(void **state)
{
	(void)state;
	assert_int_equal(render_format_from("ecs"), RENDER_ECS);
	assert_int_equal(render_format_from("cef"), RENDER_CEF);
	assert_int_equal(render_format_from("slack"), RENDER_SLACK);
	assert_int_equal(render_format_from("splunk"), RENDER_SPLUNK);
}

static void ecs_is_the_line(void **state)
{
	char *line;
	(void)state;
	char *body = body_of(RENDER_ECS, &line);
	assert_string_equal(body, line);
	free(body);
	free(line);
}

static void slack_has_a_text(void **state)
{
	char *line;
	(void)state;
	char *body = body_of(RENDER_SLACK, &line);
	json_t *o = json_loads(body, 0, NULL);
	const char *text = json_string_value(json_object_get(o, "text"));
	assert_non_null(strstr(text, ", high*: 192.0.2.7 seems to be infected"));
	assert_non_null(strstr(text, "&lt;&amp;&gt;"));
	assert_non_null(strstr(text, "\n- 3 names of list bad (c2)"));
	json_decref(o);
	free(body);
	free(line);
}

static void splunk_has_an_event(void **state)
{
	char *line;
	(void)state;
	char *body = body_of(RENDER_SPLUNK, &line);
	json_t *o = json_loads(body, 0, NULL);
	json_t *ecs = json_loads(line, 0, NULL);
	assert_true(json_equal(json_object_get(o, "event"), ecs));
	assert_string_equal(json_string_value(json_object_get(o, "sourcetype")), "weir:alert");
	json_decref(ecs);
	json_decref(o);
	free(body);
	free(line);
}

static void syslog_has_a_head(void **state)
{
	char head[128];
	(void)state;
	char *line = render_ecs(&sample_full);
	json_t *o = json_loads(line, 0, NULL);
	char *message = render_syslog(o, "text");
	snprintf(head, sizeof head, "<35>1 2025-11-28T10:00:00.123456Z %s weir %d alert - text",
	         render_host(), (int)getpid());
	assert_string_equal(message, head);
	json_decref(o);
	free(message);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_have_words), cmocka_unit_test(ecs_is_the_line),
		cmocka_unit_test(slack_has_a_text),   cmocka_unit_test(splunk_has_an_event),
		cmocka_unit_test(syslog_has_a_head),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
