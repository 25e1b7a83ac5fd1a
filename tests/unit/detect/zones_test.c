/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/zones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "dns/name.h"

static void zones_are_told_apart(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum zone_kind kind;
		unsigned registered_labels;
	} rows[] = {
		{ ".", ZONE_REGISTRY, 0 },
		{ "org", ZONE_REGISTRY, 0 },
		{ "co.uk", ZONE_REGISTRY, 0 },
		{ "some-unknown-domain.org", ZONE_ANYBODY, 2 },
		{ "t.some-unknown-domain.co.uk", ZONE_ANYBODY, 3 },
		{ "zen.spamhaus.org", ZONE_VENDOR, 2 },
		{ "0.zen.spamhaus.org", ZONE_VENDOR, 2 },
		{ "sophosxl.net", ZONE_VENDOR, 2 },
		{ "wikipedia.org", ZONE_POPULAR, 2 },
		{ "deep.below.wikipedia.org", ZONE_POPULAR, 2 },
		{ "2.0.192.in-addr.arpa", ZONE_REVERSE, 0 },
		{ "8.b.d.0.1.0.0.2.ip6.arpa", ZONE_REVERSE, 0 },
		{ "ip6.arpa", ZONE_REGISTRY, 0 },
		{ "192.in-addr.arpa", ZONE_REGISTRY, 3 },
		{ "0.192.in-addr.arpa", ZONE_REVERSE, 0 },
		{ "d.0.1.0.0.2.ip6.arpa", ZONE_REGISTRY, 3 },
		{ "b.d.0.1.0.0.2.ip6.arpa", ZONE_REVERSE, 0 },
		{ "duckdns.org", ZONE_ANYBODY, 0 },
		{ "me.duckdns.org", ZONE_ANYBODY, 3 },
	};
	struct zones *z;
	assert_int_equal(zones_new(&z), 0);
	for (unsigned round = 0; round < 2; round++) { /* found out, and remembered */
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct name name;
			assert_int_equal(name_from_text(rows[i].name, strlen(rows[i].name), &name),
			                 0);
			struct zone_facts f =
				zones_look(z, name.wire, (i + 1) * 0x9e3779b97f4a7c15U);
			if (f.kind != rows[i].kind)
				fail_msg("%s: kind %d", rows[i].name, f.kind);
			if (f.registered_labels != rows[i].registered_labels &&
			    rows[i].kind != ZONE_REVERSE)
				fail_msg("%s: %u labels", rows[i].name, f.registered_labels);
		}
	}
	assert_true(zones_bytes(z) < 1 << 20);
	zones_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_are_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
