/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/sniff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct row {
	const char *why, *head, *type;
	int is_refused;
} rows[] = {
	/* clang-format off */
	{ "a list", "evil.example\n", "text/plain", 0 },
	{ "a list called a page by its server", "evil.example\n", "text/html", 0 },
	{ "AdBlock", "[Adblock Plus 2.0]\n||evil.example^\n", "", 0 },
	{ "JSON", "{\"objects\": []}", "application/json", 0 },
	{ "nothing", "", "text/plain", 1 },
	{ "a page", "<!DOCTYPE html><html>", "text/html", 1 },
	{ "a page with blanks before it", "\r\n \t<HTML lang=en>", "text/plain", 1 },
	{ "a page behind a BOM", "\xef\xbb\xbf<html>", "text/plain", 1 },
	{ "a page behind a comment", "<!-- x --><html>", "text/plain", 1 },
	{ "any tag, called a page", "<center>404</center>", "text/html; charset=x", 1 },
	{ "XML", "<?xml version=\"1.0\"?><Error/>", "application/xml", 1 },
	{ "a tag that is cut off", "<ht", "text/plain", 0 },
	/* clang-format on */
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];
		const char *why = sniff_trouble(r->head, strlen(r->head), r->type);
		if ((why != NULL) != r->is_refused)
			fail_msg("%s: %s", r->why, why != NULL ? why : "taken");
	}
}

/* Only so many bytes are looked at, however many there are. */
static void test_bounds(void **state)
{
	(void)state;
	char *blanks = malloc(SNIFF_BYTES);
	assert_non_null(blanks);
	memset(blanks, ' ', SNIFF_BYTES);
	assert_null(sniff_trouble(blanks, SNIFF_BYTES, ""));
	assert_null(sniff_trouble(blanks, 100 * SNIFF_BYTES, ""));
	free(blanks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
