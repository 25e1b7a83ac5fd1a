/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/keyring.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct keyring *ring_of(const char *yaml)
{
	struct config *c;
	struct config_problems problems = { 0 };
	struct keyring *k;
	int e = config_load_text("/tmp/keyring_test.yaml", yaml, strlen(yaml), &c, &problems);
	config_problems_print(&problems, stderr);
	assert_int_equal(e, 0);
	assert_int_equal(keyring_new(c, &k), 0);
	config_free(c);
	config_problems_done(&problems);
	return k;
}

static const struct tsig_key *find(const struct keyring *k, const char *name)
{
	struct name n;
	assert_int_equal(name_from_text(name, strlen(name), &n), 0);
	return keyring_find(k, &n);
}

static void keys_are_found(void **state)
{
	(void)state;
	struct keyring *k = ring_of("keys:\n"
	                            "  - {name: One.Example, secret: c2VjcmV0}\n"
	                            "  - {name: two, algorithm: hmac-sha512, secret: b3RoZXI=}\n");
	assert_non_null(find(k, "one.example"));
	assert_non_null(find(k, "TWO"));
	assert_null(find(k, "three"));
	assert_int_equal(find(k, "one.example")->knot.secret.size, 6);
	struct keyring *again = keyring_get(k);
	keyring_put(k);
	assert_non_null(find(again, "two"));
	keyring_put(again);
	keyring_put(NULL);
}

static void secrets_come_from_files(void **state)
{
	(void)state;
	FILE *f = fopen("/tmp/keyring_test.key", "w");
	assert_non_null(f);
	fputs("  c2VjcmV0\n\n", f);
	fclose(f);
	struct keyring *k = ring_of("keys:\n  - {name: k, secret-file: keyring_test.key}\n");
	assert_non_null(find(k, "k"));
	assert_int_equal(find(k, "k")->knot.secret.size, 6);
	keyring_put(k);
	f = fopen("/tmp/keyring_test.key", "w");
	assert_non_null(f);
	fputs("this is none", f);
	fclose(f);
	k = ring_of("keys:\n"
	            "  - {name: k, secret-file: keyring_test.key}\n"
	            "  - {name: l, secret: c2VjcmV0}\n");
	assert_null(find(k, "k"));
	assert_non_null(find(k, "l")); /* one bad key loses itself only */
	keyring_put(k);
	unlink("/tmp/keyring_test.key");
}

static void keys_may_be_as_bind_has_them(void **state)
{
	(void)state;
	FILE *f = fopen("/tmp/keyring_test.key", "w");
	assert_non_null(f);
	fputs("key \"my-secret\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2VjcmV0\";\n};\n", f);
	fclose(f);
	struct keyring *k =
		ring_of("keys:\n  - {name: my-secret, secret-file: keyring_test.key}\n");
	assert_non_null(find(k, "my-secret"));
	assert_int_equal(find(k, "my-secret")->knot.secret.size, 6);
	keyring_put(k);
	f = fopen("/tmp/keyring_test.key", "w");
	assert_non_null(f);
	fputs("key \"k\" { secret \"c2Vj", f);
	fclose(f);
	k = ring_of("keys:\n  - {name: k, secret-file: keyring_test.key}\n");
	assert_null(find(k, "k"));
	keyring_put(k);
	unlink("/tmp/keyring_test.key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_found),
		cmocka_unit_test(secrets_come_from_files),
		cmocka_unit_test(keys_may_be_as_bind_has_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
