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

static char *cef_of(const struct alert *a)
{
	char *line = render_ecs(a);
	json_t *o = json_loads(line, 0, NULL);
	char *cef = render_cef(o);
	json_decref(o);
	free(line);
	assert_non_null(cef);
	return cef;
}

static void an_incident_is_cef(void **state)
{
	(void)state;
	char *cef = cef_of(&sample_full);
	static const char head[] = "CEF:0|Weir|Weir|" WEIR_VERSION
				   "|incident-opened|Client shows signs of an infection|8|";
	assert_memory_equal(cef, head, sizeof head - 1);
	static const char *const parts[] = {
		" rt=1764324000123",
		" src=192.0.2.7",
		" cs1=i-1",
		" cs2=infected",
		"cfp1=123.5",
		" destinationDnsDomain=evil.example",
		" cs3=3 names of list bad (c2); something else",
		" msg=192.0.2.7 seems to be infected | \"a\\=b\" <&> ???[31m",
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (strstr(cef, parts[i]) == NULL)
			fail_msg("no '%s' in %s", parts[i], cef);
	}
	free(cef);
}

/* What an outsider can name cannot begin a field, or a line. */
static void fields_cannot_be_forged(void **state)
{
	struct alert a = sample_bare;
	(void)state;
	a.action = "x|10|forged\\";
	a.message = "a\nmsg=b src=1.2.3.4";
	char *cef = cef_of(&a);
	assert_non_null(strstr(cef, "|x\\|10\\|forged\\\\|x\\|10\\|forged\\\\|3|"));
	assert_non_null(strstr(cef, " msg=a\\nmsg\\=b src\\=1.2.3.4"));
	assert_null(strchr(cef, '\n'));
	free(cef);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_incident_is_cef),
		cmocka_unit_test(fields_cannot_be_forged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
