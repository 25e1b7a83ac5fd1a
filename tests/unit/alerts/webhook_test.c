/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "alerts/sender.h"

/* Made with: printf '1764324000.{"a":1}' | openssl dgst -sha256 -hmac secret */
static void bodies_are_signed(void **state)
{
	char text[SENDER_SIGNATURE_MAX];
	(void)state;
	assert_int_equal(sender_sign("secret", 6, 1764324000, "{\"a\":1}", text), 0);
	assert_string_equal(
		text,
		"t=1764324000,v1=cc8abb71c2a5ca9bccec010e7a34f5df421fa35d76e0059803df30cca913750d");
}

static void reasons_are_harmless(void **state)
{
	struct send_result r = { 0 };
	(void)state;
	send_fail(&r, SEND_REFUSED, "status %d: %s", 400, "\x1b[31m\n\xff");
	assert_string_equal(r.why, "status 400: ?[31m??");
	assert_int_equal(r.outcome, SEND_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_signed),
		cmocka_unit_test(reasons_are_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
