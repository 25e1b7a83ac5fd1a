/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "snapshot.h"

static const char zone_file[] = "$TTL 300\n"
				"@ IN SOA ns hostmaster 7 3600 600 86400 60\n"
				"@ NS ns\n"
				"ns A 192.0.2.53\n"
				"bad A 1.2.3\n"
				"www 60 A 192.0.2.1\n"
				"www AAAA 2001:db8::1\n"
				"$INCLUDE other\n"
				"www.example.net. A 192.0.2.9\n"
				"www CNAME ns\n"
				"d DNAME ns\n"
				"odd TYPE65280 \\# 2 abcd\n"
				"multi ( TXT\n"
				"  \"hello\" )\n"
				"www RRSIG A 8 2 60 20300101000000 20200101000000 1 lan. AAAA\n"
				"last A 192.0.2.2";

/* One bad line does not lose the rest, and is told with its place. */
static void zone_files(void **state)
{
	(void)state;
	struct local *l =
		snapshot_with_file("local: {zones: [{zone: lan, file: %s}]}\n", zone_file);
	assert_string_equal(
		snapshot_told,
		"FILE:5: invalid IPv4 address\n"
		"FILE:8: $INCLUDE is not supported here\n"
		"FILE:9: a record outside of the zone\n"
		"FILE:10: www.lan has a CNAME, which stands alone\n"
		"FILE:11: DNAME is not followed in local data; write CNAME records, or a zone of type redirect\n");
	assert_string_equal(snapshot_ask(l, "www.lan", DNS_A, false), "DATA 192.0.2.1");
	assert_string_equal(snapshot_ask(l, "www.lan", DNS_AAAA, false), "DATA 2001:db8::1");
	assert_string_equal(snapshot_ask(l, "www.lan", DNS_RRSIG, false), "NODATA lan");
	assert_string_equal(snapshot_ask(l, "multi.lan", DNS_TXT, false), "DATA \"hello\"");
	assert_string_equal(snapshot_ask(l, "odd.lan", 65280, false), "DATA TYPE65280");
	assert_string_equal(snapshot_ask(l, "last.lan", DNS_A, false), "DATA 192.0.2.2");
	assert_string_equal(snapshot_ask(l, "bad.lan", DNS_A, false), "NXDOMAIN lan");
	local_free(l);
}

static void hosts_files(void **state)
{
	(void)state;
	static const char text[] = "# comment\n"
				   "192.168.1.5\tnas nas.lan # the big one\r\n"
				   "fd00::5 nas\n"
				   "192.168.1.5 second\n"
				   "\n"
				   "   \n"
				   "fe80::1%lo0 localhost\n"
				   "127.0.0.1 localhost\n"
				   "0.0.0.0 ads.example.com\n"
				   "203.0.113.7 outside.example.org\n"
				   "nothing\n"
				   "192.0.2.1\n"
				   "192.0.2.2 a..b good.lan\n"
				   "8.8.8.8 printer.home.arpa";
	struct local *l = snapshot_with_file("local: {hosts: %s, ttl: 60s}\n", text);
	assert_string_equal(snapshot_told, "FILE:11: a line begins with an address; this does not\n"
	                                   "FILE:12: an address without a name\n"
	                                   "FILE:13: word 4 bytes long that is no name\n");
	assert_string_equal(snapshot_ask(l, "nas", DNS_A, false), "DATA 192.168.1.5");
	assert_string_equal(snapshot_ask(l, "nas", DNS_AAAA, false), "DATA fd00::5");
	assert_string_equal(snapshot_ask(l, "nas.lan", DNS_AAAA, false), "NODATA");
	assert_string_equal(snapshot_ask(l, "x.nas.lan", DNS_A, false), "UNKNOWN");
	assert_string_equal(snapshot_ask(l, "ads.example.com", DNS_A, false), "DATA 0.0.0.0");
	assert_string_equal(snapshot_ask(l, "www.example.com", DNS_A, false), "UNKNOWN");
	assert_string_equal(snapshot_ask(l, "5.1.168.192.in-addr.arpa", DNS_PTR, false),
	                    "DATA nas");
	assert_string_equal(snapshot_ask(l, "6.1.168.192.in-addr.arpa", DNS_PTR, false),
	                    "NXDOMAIN 168.192.in-addr.arpa");
	assert_string_equal(snapshot_ask(l, "7.113.0.203.in-addr.arpa", DNS_PTR, false),
	                    "DATA outside.example.org");
	assert_string_equal(snapshot_ask(l, "8.8.8.8.in-addr.arpa", DNS_PTR, false),
	                    "DATA printer.home.arpa");
	assert_string_equal(snapshot_ask(l, "9.8.8.8.in-addr.arpa", DNS_PTR, false), "UNKNOWN");
	assert_string_equal(snapshot_ask(l, "0.0.0.0.in-addr.arpa", DNS_PTR, false),
	                    "NXDOMAIN 0.in-addr.arpa");
	assert_string_equal(snapshot_ask(l, "localhost", DNS_A, false), "DATA 127.0.0.1");
	assert_string_equal(snapshot_ask(l, "good.lan", DNS_A, false), "DATA 192.0.2.2");
	assert_string_equal(snapshot_ask(l, "printer.home.arpa", DNS_A, false), "DATA 8.8.8.8");
	assert_string_equal(snapshot_ask(l, "x.printer.home.arpa", DNS_A, false),
	                    "NXDOMAIN home.arpa");
	local_free(l);
}

static void many_bad_lines_are_counted(void **state)
{
	(void)state;
	char text[100 * 8 + 1];
	for (int i = 0; i < 100; i++)
		memcpy(text + 8 * i, "bad bad\n", 8);
	text[800] = 0;
	struct local *l = snapshot_with_file("local: {hosts: %s}\n", text);
	unsigned lines = 0;
	for (const char *p = snapshot_told; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, LOCAL_MAX_TOLD + 1);
	assert_non_null(strstr(snapshot_told, "FILE: 80 more lines are no good\n"));
	local_free(l);
}

/* Records of one name are limited: the search for them is linear. */
static void one_name_holds_so_many_records(void **state)
{
	(void)state;
	size_t max = (LOCAL_MAX_AT_NAME + 5) * 32, n = 0;
	char *text = malloc(max);
	assert_non_null(text);
	for (unsigned i = 0; i < LOCAL_MAX_AT_NAME + 2; i++)
		n += (size_t)snprintf(text + n, max - n, "10.1.%u.%u many\n", i / 256, i % 256);
	struct local *l = snapshot_with_file("local: {hosts: %s}\n", text);
	assert_non_null(strstr(snapshot_told, "FILE:1001: too many records"));
	assert_non_null(strstr(snapshot_told, "FILE:1002: too many records"));
	local_free(l);
	free(text);
}

static void big_files_load_fast(void **state)
{
	(void)state;
	const unsigned n_names = 100000;
	size_t max = n_names * 48UL, n = 0;
	char *text = malloc(max);
	struct local_counts counts;
	assert_non_null(text);
	for (unsigned i = 0; i < n_names; i++)
		n += (size_t)snprintf(text + n, max - n, "10.%u.%u.%u host%u.corp.example\n",
		                      i >> 16, i >> 8 & 255, i & 255, i);
	uint64_t start_ns = clock_mono_ns();
	struct local *l = snapshot_with_file("local: {hosts: %s}\n", text);
	uint64_t took_ms = (clock_mono_ns() - start_ns) / NS_PER_MS;
	print_message("%u names and as many PTR records in %u ms\n", n_names, (unsigned)took_ms);
	assert_true(took_ms < 20000); /* with sanitizers, on a machine that has much to do */
	local_count(l, &counts);
	assert_true(counts.records > 2 * n_names);
	assert_string_equal(snapshot_ask(l, "host77777.corp.example", DNS_A, false),
	                    "DATA 10.1.47.209");
	assert_string_equal(snapshot_ask(l, "209.47.1.10.in-addr.arpa", DNS_PTR, false),
	                    "DATA host77777.corp.example");
	assert_string_equal(snapshot_ask(l, "host100000.corp.example", DNS_A, false), "UNKNOWN");
	local_free(l);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zone_files),
		cmocka_unit_test(hosts_files),
		cmocka_unit_test(many_bad_lines_are_counted),
		cmocka_unit_test(one_name_holds_so_many_records),
		cmocka_unit_test(big_files_load_fast),
	};
	return cmocka_run_group_tests(tests, snapshot_start, snapshot_stop);
}
