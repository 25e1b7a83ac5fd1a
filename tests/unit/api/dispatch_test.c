/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"

static struct sample sample;

static void every_request_gets_a_reply(void **state)
{
	(void)state;
	static const struct {
		const char *request, *code;
	} rows[] = {
		{ "", "bad-request" },
		{ "x", "bad-request" },
		{ "null", "bad-request" },
		{ "{}", "bad-request" },
		{ "{\"command\":null}", "bad-request" },
		{ "{\"command\":\"\"}", "unknown-command" },
		{ "{\"command\":\"explode\"}", "unknown-command" },
		{ "{\"command\":\"status\"", "bad-request" },
		{ "{\"command\":\"status\"} x", "bad-request" },
		{ "{\"command\":\"status\",\"command\":\"status\"}", "bad-request" },
		{ "{\"command\":\"\\u0000\"}", "bad-request" },
		{ "{\"command\":\"\xff\"}", "bad-request" },
		{ "{\"command\":\"reload\"}", "not-available" },
		{ "{\"command\":\"query\",\"name\":\"a\"}", "not-available" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].request);
		sample_refused(&sample, rows[i].request, rows[i].code);
	}
}

/* A text of the client's in the reply may be cut, and the cut may go through a character. */
static void long_texts_stay_utf8(void **state)
{
	(void)state;
	char request[1024];
	for (int shift = 0; shift < 4; shift++) {
		int n = snprintf(request, sizeof request, "{\"command\":\"%.*s", shift, "abc");
		for (int i = 0; i < 60; i++)
			n += snprintf(request + n, sizeof request - (size_t)n, "\xe2\x82\xac");
		snprintf(request + n, sizeof request - (size_t)n, "\"}");
		sample_refused(&sample, request, "unknown-command");
	}
}

/* Deep nesting ends in an error, not in the stack's end. */
static void deep_requests_are_refused(void **state)
{
	(void)state;
	enum {
		N = CONTROL_MAX_REQUEST
	};
	char *request = malloc(N + 1);
	memset(request, '[', N);
	request[N] = '\0';
	sample_refused(&sample, request, "bad-request");
	free(request);
}

static int set_up(void **state)
{
	(void)state;
	sample_init(&sample);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sample_done(&sample);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_gets_a_reply),
		cmocka_unit_test(long_texts_stay_utf8),
		cmocka_unit_test(deep_requests_are_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
