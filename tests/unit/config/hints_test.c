/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/hints.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct row {
	const char *why;
	const char *text;
	int result;
	const char *says; /* a part of ret_why */
	unsigned n, n_addrs_of_first;
};

/* clang-format off */
static const struct row rows[] = {
	{ "one server", ". 3600 IN NS a.test.\na.test. 3600 IN A 127.0.0.1\n", 0, "", 1, 1 },
	{ "no newline at the end", ". NS a.test.\na.test. A 127.0.0.1", 0, "", 1, 1 },
	{ "upper case", ". NS A.TEST.\na.test. AAAA ::1\nA.test. A 127.0.0.1\n", 0, "", 1, 2 },
	{ "address first", "a.test. A 127.0.0.1\n. NS a.test.\n", 0, "", 1, 1 },
	{ "comments, TTL, empty lines", "; c\n\n$TTL 60\n. NS a.test. ; c\na.test. A 127.0.0.1\n",
	  0, "", 1, 1 },
	{ "the same address twice", ". NS a.test.\na.test. A 127.0.0.1\na.test. A 127.0.0.1\n",
	  0, "", 1, 1 },
	{ "a server without address is left out", ". NS a.test.\n. NS b.test.\nb.test. A 127.0.0.1\n",
	  0, "", 1, 1 },
	{ "an address that is no server's", ". NS a.test.\na.test. A 127.0.0.1\nx. A 127.0.0.2\n",
	  0, "", 1, 1 },
	{ "other types", ". NS a.test.\na.test. A 127.0.0.1\na.test. TXT \"x\"\n", 0, "", 1, 1 },
	{ "empty", "", -EBADMSG, "no NS record", 0, 0 },
	{ "no NS", "a.test. A 127.0.0.1\n", -EBADMSG, "no NS record", 0, 0 },
	{ "no address", ". NS a.test.\n", -EBADMSG, "no server has an address", 0, 0 },
	{ "NS of another name", "com. NS a.test.\n", -EBADMSG, "line 1: an NS record of another", 0, 0 },
	{ "class CH", ". CH NS a.test.\n", -EBADMSG, "line 1: ", 0, 0 },
	{ "bad address", ". NS a.test.\na.test. A 127.0.0.300\n", -EBADMSG, "line 2: ", 0, 0 },
	{ "not a zone file", "server:\n  listen: [x]\n", -EBADMSG, "line 1: ", 0, 0 },
	{ "include", ". NS a.test.\n$INCLUDE /etc/passwd\n", -EBADMSG, "$INCLUDE", 0, 0 },
	{ "open bracket", ". NS ( a.test.\n", -EBADMSG, "", 0, 0 },
};
/* clang-format on */

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config_memory *m = config_memory_new();
		struct config_hint *hints = NULL;
		char why[HINTS_WHY_MAX] = "";
		unsigned n = 0;
		int e = hints_from_text(rows[i].text, strlen(rows[i].text), m, &hints, &n, why);
		if (e != rows[i].result || strstr(why, rows[i].says) == NULL || n != rows[i].n ||
		    (n > 0 && hints[0].n_addrs != rows[i].n_addrs_of_first))
			fail_msg("%s: %d, %u servers, '%s'", rows[i].why, e, n, why);
		config_memory_free(m);
	}
}

static void test_built_in(void **state)
{
	struct config_memory *m = config_memory_new();
	struct config_hint *hints;
	struct name a;
	unsigned n;
	(void)state;
	assert_int_equal(hints_built_in(m, &hints, &n), 0);
	assert_int_equal(n, 13);
	assert_int_equal(name_from_text("a.root-servers.net.", 19, &a), 0);
	assert_true(name_equal(hints[0].name.wire, a.wire));
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(hints[i].n_addrs, 2);
		assert_true(hints[i].addrs[0].is_v4);
		assert_false(hints[i].addrs[1].is_v4);
	}
	config_memory_free(m);
}

/* Debian's copy of IANA's file is the oracle, where dns-root-data is installed. */
static void test_built_in_is_iana(void **state)
{
	static const char path[] = "/usr/share/dns/root.hints";
	struct config_memory *m = config_memory_new();
	struct config_hint *built_in, *file;
	char why[HINTS_WHY_MAX];
	unsigned n, n_file, n_same = 0;
	(void)state;
	if (access(path, R_OK) != 0) {
		config_memory_free(m);
		print_message("%s is not there\n", path);
		skip();
	}
	assert_int_equal(hints_built_in(m, &built_in, &n), 0);
	assert_int_equal(hints_from_file(path, m, &file, &n_file, why), 0);
	assert_int_equal(n_file, n);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < n_file; k++) {
			if (name_equal(built_in[i].name.wire, file[k].name.wire) &&
			    file[k].n_addrs == 2 &&
			    addr_equal(&built_in[i].addrs[0], &file[k].addrs[0]) &&
			    addr_equal(&built_in[i].addrs[1], &file[k].addrs[1]))
				n_same++;
		}
	}
	/* Debian's file may be older by one renumbering. */
	assert_true(n_same >= n - 1);
	config_memory_free(m);
}

static void test_many(void **state)
{
	struct config_memory *m = config_memory_new();
	struct config_hint *hints;
	enum {
		TEXT_BYTES = 1 << 20
	};
	char *text = calloc(1, TEXT_BYTES);
	char why[HINTS_WHY_MAX] = "";
	size_t used = 0;
	unsigned n;
	(void)state;
	for (unsigned i = 0; i < 40; i++)
		used += (size_t)snprintf(text + used, TEXT_BYTES - used,
		                         ". NS s%u.\ns%u. A 127.0.0.1\n", i, i);
	assert_int_equal(hints_from_text(text, used, m, &hints, &n, why), -EBADMSG);
	assert_non_null(strstr(why, "more than 32 servers"));
	used = (size_t)snprintf(text, TEXT_BYTES, ". NS s.\n");
	for (unsigned i = 0; i < 40; i++)
		used += (size_t)snprintf(text + used, TEXT_BYTES - used, "s. A 127.0.0.%u\n", i);
	assert_int_equal(hints_from_text(text, used, m, &hints, &n, why), -EBADMSG);
	assert_non_null(strstr(why, "more than 16 addresses"));
	for (used = 0; used < 200000; used += 10)
		memcpy(text + used, ". NS s0. \n", 10);
	assert_int_equal(hints_from_text(text, used, m, &hints, &n, why), -EBADMSG);
	assert_non_null(strstr(why, "too many records"));
	free(text);
	config_memory_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_built_in),
		cmocka_unit_test(test_built_in_is_iana),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
