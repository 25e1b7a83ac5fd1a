/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/leads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns/text.h"

#define RDATA(text) (const uint8_t *)(text), sizeof(text) - 1

static const struct alias_row {
	const char *why;
	uint16_t type;
	const uint8_t *rdata;
	size_t n;
	uint16_t asked;
	int at; /* of the alias in the record; -1: none */
} aliases[] = {
	/* clang-format off */
	{ "CNAME",                        DNS_CNAME, RDATA("\1a\0"),             DNS_A,     0 },
	{ "who asks for it is not led on", DNS_CNAME, RDATA("\1a\0"),            DNS_CNAME, -1 },
	{ "nor who asks for everything",  DNS_CNAME, RDATA("\1a\0"),             DNS_ANY,   -1 },
	{ "an address",                   DNS_A,     RDATA("\1\2\3\4"),          DNS_A,     -1 },
	{ "HTTPS in AliasMode",           DNS_HTTPS, RDATA("\0\0\1a\0"),         DNS_HTTPS, 2 },
	{ "SVCB in AliasMode",            DNS_SVCB,  RDATA("\0\0\1a\0"),         DNS_SVCB,  2 },
	{ "in ServiceMode",               DNS_HTTPS, RDATA("\0\1\1a\0"),         DNS_HTTPS, -1 },
	{ "the root: there is no service", DNS_HTTPS, RDATA("\0\0\0"),           DNS_HTTPS, -1 },
	{ "cut off in the name",          DNS_HTTPS, RDATA("\0\0\3ab"),          DNS_HTTPS, -1 },
	{ "cut off before it",            DNS_HTTPS, RDATA("\0\0"),              DNS_HTTPS, -1 },
	/* clang-format on */
};

static void an_alias(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
		const struct alias_row *r = &aliases[i];
		const struct rr rr = { .rdata = r->rdata,
			               .rdata_len = (uint16_t)r->n,
			               .type = r->type };
		const uint8_t *got = rr_alias(&rr, r->asked);
		if (got != (r->at < 0 ? NULL : r->rdata + r->at))
			fail_msg("%s", r->why);
	}
}

static const struct hint_row {
	const char *why;
	const uint8_t *rdata;
	size_t n;
	const char *addrs;
} hints[] = {
	/* clang-format off */
	{ "one of four bytes",   RDATA("\0\1\0\0\4\0\4\300\0\2\1"),                  "192.0.2.1" },
	{ "two of them",         RDATA("\0\1\0\0\4\0\10\300\0\2\1\300\0\2\2"),       "192.0.2.1 192.0.2.2" },
	{ "of sixteen, behind another key", RDATA("\0\1\1a\0\0\1\0\3\2h2\0\6\0\20\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1"),
	  "2001:db8::1" },
	{ "a rest that is no address", RDATA("\0\1\0\0\4\0\5\300\0\2\1\7"),          "192.0.2.1" },
	{ "longer than the record", RDATA("\0\1\0\0\4\0\10\300\0\2\1"),              "" },
	{ "no keys",             RDATA("\0\1\0"),                                    "" },
	{ "half a key",          RDATA("\0\1\0\0\4\0"),                              "" },
	{ "no name",             RDATA("\0\1"),                                      "" },
	{ "a name cut off",      RDATA("\0\1\5ab"),                                  "" },
	{ "nothing",             RDATA(""),                                          "" },
	/* clang-format on */
};

struct found {
	char text[256];
	unsigned most;
};

static bool take(void *arg, const struct addr *a)
{
	struct found *f = arg;
	char text[ADDR_TEXT_MAX];
	size_t n = strlen(f->text);
	addr_to_text(a, text);
	snprintf(f->text + n, sizeof f->text - n, "%s%s", n > 0 ? " " : "", text);
	return --f->most == 0;
}

static void the_hints(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
		struct found f = { .most = 100 };
		assert_false(svcb_hints(hints[i].rdata, hints[i].n, take, &f));
		if (strcmp(f.text, hints[i].addrs) != 0)
			fail_msg("%s: '%s'", hints[i].why, f.text);
	}
	struct found one = { .most = 1 };
	assert_true(svcb_hints(hints[1].rdata, hints[1].n, take, &one));
	assert_string_equal(one.text, "192.0.2.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alias),
		cmocka_unit_test(the_hints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
