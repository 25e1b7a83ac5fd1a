/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/secrets.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/weir-secrets-XXXXXX";

static int read_text(const char *text, struct curl_slist **ret, char *why)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
	return secrets_read(path, ret, why, FETCH_WHY_MAX);
}

static void test_good(void **state)
{
	struct curl_slist *list;
	char why[FETCH_WHY_MAX] = "";
	(void)state;
	assert_int_equal(read_text("# key\n\nX-Key: 1 2\r\nAuthorization: Bearer x", &list, why),
	                 0);
	assert_string_equal(list->data, "X-Key: 1 2");
	assert_string_equal(list->next->data, "Authorization: Bearer x");
	assert_null(list->next->next);
	curl_slist_free_all(list);
	assert_int_equal(secrets_read(NULL, &list, why, sizeof why), 0);
	assert_null(list);
}

static void test_bad(void **state)
{
	struct curl_slist *list;
	char why[FETCH_WHY_MAX] = "";
	(void)state;
	assert_int_equal(read_text("X-Key: 1\nsesame\n", &list, why), -EBADMSG);
	assert_non_null(strstr(why, "line 2"));
	assert_null(strstr(why, "sesame"));
	assert_int_equal(read_text("a b: 1\n", &list, why), -EBADMSG);
	assert_int_equal(read_text(": 1\n", &list, why), -EBADMSG);
	assert_int_equal(secrets_read("/nowhere/x", &list, why, sizeof why), -ENOENT);
	assert_int_equal(secrets_read("/dev/zero", &list, why, sizeof why), -EFBIG);
	assert_null(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};
	int fd = mkstemp(path);
	if (fd < 0)
		return 1;
	close(fd);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
