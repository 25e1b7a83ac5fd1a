/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void urls_are_split(void **state)
{
	(void)state;
	static const struct {
		const char *url, *scheme, *host, *port; /* scheme NULL: it is none */
		bool is_address;
	} rows[] = {
		{ "https://lists.example/a/b?c", "https", "lists.example", "443", false },
		{ "http://lists.example:8080", "http", "lists.example", "8080", false },
		{ "https://user:secret@lists.example/", "https", "lists.example", "443", false },
		{ "https://192.0.2.1/x", "https", "192.0.2.1", "443", true },
		{ "https://[2001:db8::1]:444/x", "https", "[2001:db8::1]", "444", true },
		{ "lists.example/a", NULL, NULL, NULL, false },
		{ "https://", NULL, NULL, NULL, false },
		{ "", NULL, NULL, NULL, false },
		{ "scheme-that-is-long://x:1/", NULL, NULL, NULL, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct http_url u;
		if (http_split(rows[i].url, &u) != (rows[i].scheme != NULL))
			fail_msg("%s", rows[i].url);
		if (rows[i].scheme == NULL)
			continue;
		assert_string_equal(u.scheme, rows[i].scheme);
		assert_string_equal(u.host, rows[i].host);
		assert_string_equal(u.port, rows[i].port);
		assert_int_equal(http_is_address(&u), rows[i].is_address);
	}
	char url[400] = "https://";
	memset(url + 8, 'a', 300);
	struct http_url u;
	assert_false(http_split(url, &u));
}

static void servers_are_compared(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool is_same;
	} rows[] = {
		{ "https://a.example/x", "https://A.example:443/y", true },
		{ "https://a.example/x", "http://a.example/x", false },
		{ "https://a.example/x", "https://a.example:444/x", false },
		{ "https://a.example/x", "https://b.example/x", false },
		{ "https://a.example/x", "nothing", false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (http_is_same_server(rows[i].a, rows[i].b) != rows[i].is_same)
			fail_msg("%s %s", rows[i].a, rows[i].b);
	}
}

static void addresses_are_written(void **state)
{
	(void)state;
	struct http_url u;
	struct addr addrs[HTTP_MAX_ADDRS + 1];
	struct curl_slist *list = NULL;
	assert_true(http_split("https://a.example/", &u));
	assert_int_equal(addr_from_text("192.0.2.1", 9, &addrs[0]), 0);
	assert_int_equal(addr_from_text("2001:db8::1", 11, &addrs[1]), 0);
	assert_true(http_add_addresses(&list, &u, addrs, 2));
	assert_string_equal(list->data, "-a.example:443");
	assert_string_equal(list->next->data, "a.example:443:192.0.2.1,[2001:db8::1]");
	assert_null(list->next->next);
	curl_slist_free_all(list);
	/* The longest there are, and one more. */
	list = NULL;
	memset(u.host, 'h', sizeof u.host - 1);
	u.host[sizeof u.host - 1] = 0;
	for (unsigned i = 0; i <= HTTP_MAX_ADDRS; i++)
		assert_int_equal(
			addr_from_text("1111:2222:3333:4444:5555:6666:7777:8888", 39, &addrs[i]),
			0);
	assert_true(http_add_addresses(&list, &u, addrs, HTTP_MAX_ADDRS + 1));
	assert_int_equal(strlen(list->next->data), 255 + 5 + HTTP_MAX_ADDRS * 42 - 1);
	curl_slist_free_all(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_split),
		cmocka_unit_test(servers_are_compared),
		cmocka_unit_test(addresses_are_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
