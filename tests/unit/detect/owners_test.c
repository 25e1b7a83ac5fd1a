/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Databases made by tests/lab/mmdb.py (in the fuzz target's corpus), and whose addresses are in them. */
#include "detect/owners.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"

static const char *folder;

static int open_at(const char *file, struct owners **ret)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", folder, file);
	return owners_open(path, ret);
}

static uint32_t owner(const struct owners *o, const char *text)
{
	struct addr a;
	assert_int_equal(addr_from_text(text, strlen(text), &a), 0);
	return owners_number(o, a.is_v4 ? a.bytes + 12 : a.bytes, a.is_v4);
}

static void numbers(void **state)
{
	(void)state;
	struct owners *o;
	assert_int_equal(open_at("networks", &o), 0);
	assert_int_equal(owner(o, "198.51.100.9"), 64500);
	assert_int_equal(owner(o, "198.51.101.255"), 64501);
	assert_int_equal(owner(o, "198.51.102.0"), 64500); /* as text */
	assert_int_equal(owner(o, "198.51.103.0"), 0);
	assert_int_equal(owner(o, "2001:db8::1"), 0); /* IPv4 only */
	owners_free(o);
	assert_int_equal(open_at("countries", &o), 0); /* no numbers in it */
	assert_int_equal(owner(o, "192.0.2.1"), 0);
	assert_int_equal(owner(o, "2001:db8:1::1"), 0);
	owners_free(o);
	owners_free(NULL);
}

static void what_is_no_database(void **state)
{
	(void)state;
	struct owners *o = NULL;
	assert_int_equal(open_at("cut", &o), -EBADMSG);
	assert_int_equal(open_at("none", &o), -ENOENT);
	assert_int_equal(owners_open("/dev/null", &o), -EBADMSG);
	assert_int_equal(owners_open(folder, &o), -EISDIR);
	assert_null(o);
	if (open_at("loop", &o) == 0) { /* a tree that leads to itself: nothing is found */
		assert_int_equal(owner(o, "192.0.2.1"), 0);
		owners_free(o);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(what_is_no_database),
	};
	folder = argc > 1 ? argv[1] : ".";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
