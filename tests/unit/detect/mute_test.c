/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/mute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct name name_of(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

static void what_is_muted_is_what_was_said(void **state)
{
	(void)state;
	struct detect_mute at[2] = { { .detector = DETECTOR_leak, .has_client = true },
		                     { .detector = N_DETECTORS,
		                       .zone = name_of("quiet.example") } };
	struct mutes *m;
	struct addr in, out;
	assert_int_equal(addr_prefix_from_text("192.0.2.0/24", 12, &at[0].client), 0);
	assert_int_equal(addr_from_text("192.0.2.7", 9, &in), 0);
	assert_int_equal(addr_from_text("198.51.100.7", 12, &out), 0);
	assert_int_equal(mutes_new(at, 2, &m), 0);
	struct name a = name_of("a.example"), b = name_of("b.quiet.example");
	struct name c = name_of("notquiet.example");
	assert_true(mutes_cover(m, DETECTOR_leak, &in, a.wire));
	assert_false(mutes_cover(m, DETECTOR_leak, &out, a.wire));
	assert_true(mutes_cover(m, DETECTOR_leak, &out, b.wire));
	assert_false(mutes_cover(m, DETECTOR_leak, &out, c.wire));
	assert_false(mutes_cover(NULL, DETECTOR_leak, &in, a.wire));
	mutes_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_muted_is_what_was_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
