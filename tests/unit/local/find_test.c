/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snapshot.h"

struct row {
	const char *why, *name;
	uint16_t type;
	const char *expect;
};

static void ask_rows(const char *yaml, const struct row *rows, size_t n)
{
	struct local *l = snapshot_of(yaml);
	assert_string_equal(snapshot_told, "");
	for (size_t i = 0; i < n; i++) {
		const char *got = snapshot_ask(l, rows[i].name, rows[i].type, false);
		if (strcmp(got, rows[i].expect) != 0)
			fail_msg("%s: %s: got \"%s\", expected \"%s\"", rows[i].why, rows[i].name,
			         got, rows[i].expect);
	}
	local_free(l);
}

/* clang-format off */
#define ONE "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"

static const struct row built_in[] = {
	{ "RFC 6761 6.3", "localhost", DNS_A, "DATA 127.0.0.1" },
	{ "RFC 6761 6.3", "localhost", DNS_AAAA, "DATA ::1" },
	{ "and below it", "a.b.localhost", DNS_A, "DATA 127.0.0.1" },
	{ "other types", "localhost", DNS_TXT, "NODATA localhost" },
	{ "RFC 6761 6.4", "www.invalid", DNS_A, "NXDOMAIN invalid" },
	{ "the zone's own name", "invalid", DNS_A, "NODATA invalid" },
	{ "the zone's own records", "invalid", DNS_NS, "DATA invalid" },
	{ "RFC 6761 6.2", "x.test", DNS_A, "NXDOMAIN test" },
	{ "RFC 7686", "facebookcorewwwi.onion", DNS_A, "NXDOMAIN onion" },
	{ "RFC 9476", "x.gns.alt", DNS_A, "NXDOMAIN alt" },
	{ "RFC 6762 22.1", "printer.local", DNS_A, "NXDOMAIN local" },
	{ "RFC 8375", "x.home.arpa", DNS_A, "NXDOMAIN home.arpa" },
	{ "RFC 8375 4: the DS comes from its parent", "home.arpa", DNS_DS, "UNKNOWN" },
	{ "a DS below it does not", "x.home.arpa", DNS_DS, "NXDOMAIN home.arpa" },
	{ "RFC 9665", "default.service.arpa", DNS_A, "NXDOMAIN service.arpa" },
	{ "RFC 8880", "ipv4only.arpa", DNS_A, "DATA 192.0.0.170 192.0.0.171" },
	{ "RFC 8880, without DNS64", "ipv4only.arpa", DNS_AAAA, "NODATA ipv4only.arpa" },
	{ "RFC 8880", "x.ipv4only.arpa", DNS_A, "NXDOMAIN ipv4only.arpa" },
	{ "RFC 8880 7.2", "170.0.0.192.in-addr.arpa", DNS_PTR, "DATA ipv4only.arpa" },
	{ "RFC 9462 6.4", "_dns.resolver.arpa", 64, "NODATA resolver.arpa" },
	{ "RFC 9462 6.4", "foo.resolver.arpa", DNS_A, "NODATA resolver.arpa" },
	{ "canary", "use-application-dns.net", DNS_A, "NXDOMAIN use-application-dns.net" },
	{ "not unless asked for", "mask.icloud.com", DNS_A, "UNKNOWN" },
	{ "RFC 6303", "9.1.168.192.in-addr.arpa", DNS_PTR, "NXDOMAIN 168.192.in-addr.arpa" },
	{ "RFC 6303", "1.0.0.127.in-addr.arpa", DNS_PTR, "DATA localhost" },
	{ "between", "0.0.127.in-addr.arpa", DNS_PTR, "NODATA 127.in-addr.arpa" },
	{ "RFC 6303", ONE, DNS_PTR, "DATA localhost" },
	{ "first of 172.16/12", "16.172.in-addr.arpa", DNS_SOA, "DATA TYPE6" },
	{ "last of it", "1.31.172.in-addr.arpa", DNS_PTR, "NXDOMAIN 31.172.in-addr.arpa" },
	{ "before it", "1.15.172.in-addr.arpa", DNS_PTR, "UNKNOWN" },
	{ "behind it", "1.32.172.in-addr.arpa", DNS_PTR, "UNKNOWN" },
	{ "RFC 7793, first", "1.64.100.in-addr.arpa", DNS_PTR, "NXDOMAIN 64.100.in-addr.arpa" },
	{ "RFC 7793, last", "1.127.100.in-addr.arpa", DNS_PTR, "NXDOMAIN 127.100.in-addr.arpa" },
	{ "RFC 7793, before", "1.63.100.in-addr.arpa", DNS_PTR, "UNKNOWN" },
	{ "RFC 7793, behind", "1.128.100.in-addr.arpa", DNS_PTR, "UNKNOWN" },
	{ "fd00::/8", "1.d.f.ip6.arpa", DNS_PTR, "NXDOMAIN d.f.ip6.arpa" },
	{ "2001:db8::/32", "8.b.d.0.1.0.0.2.ip6.arpa", DNS_DS, "UNKNOWN" },
	{ "an ordinary name", "www.example.com", DNS_A, "UNKNOWN" },
	{ "near a special one", "nolocalhost", DNS_A, "UNKNOWN" },
	{ "RFC 6761 6.5: asked like any", "www.example", DNS_A, "UNKNOWN" },
	{ "the root", ".", DNS_NS, "UNKNOWN" },
};

static const struct row types[] = {
	{ "data", "www.s.lan", DNS_A, "DATA 192.0.2.1" },
	{ "case", "WWW.S.LAN", DNS_A, "DATA 192.0.2.1" },
	{ "ANY", "www.s.lan", DNS_ANY, "DATA 192.0.2.1 \"hello\"" },
	{ "another type", "www.s.lan", DNS_AAAA, "NODATA s.lan" },
	{ "no such name", "x.s.lan", DNS_A, "NXDOMAIN s.lan" },
	{ "an empty one", "b.s.lan", DNS_A, "NODATA s.lan" },
	{ "below a name", "x.www.s.lan", DNS_A, "NXDOMAIN s.lan" },
	{ "alias", "alias.s.lan", DNS_A, "ALIAS www.s.lan" },
	{ "the alias itself, as it was written", "alias.s.lan", DNS_CNAME, "DATA WWW.s.lan" },
	{ "wildcard", "x.w.s.lan", DNS_A, "DATA 192.0.2.3" },
	{ "wildcard, deeper", "x.y.w.s.lan", DNS_A, "DATA 192.0.2.3" },
	{ "wildcard, another type", "x.w.s.lan", DNS_AAAA, "NODATA s.lan" },
	{ "RFC 4592 2.2.1: not where the name exists", "there.w.s.lan", DNS_A, "NODATA s.lan" },
	{ "RFC 4592 2.2.1: nor below it", "x.there.w.s.lan", DNS_A, "NXDOMAIN s.lan" },
	{ "the wildcard's own parent", "w.s.lan", DNS_A, "NODATA s.lan" },
	{ "transparent: data", "www.t.lan", DNS_A, "DATA 192.0.2.4" },
	{ "transparent: other type", "www.t.lan", DNS_AAAA, "NODATA" },
	{ "transparent: other name", "x.t.lan", DNS_A, "UNKNOWN" },
	{ "transparent: itself", "t.lan", DNS_A, "UNKNOWN" },
	{ "typetransparent: data", "www.tt.lan", DNS_A, "DATA 192.0.2.5" },
	{ "typetransparent: other type", "www.tt.lan", DNS_AAAA, "UNKNOWN" },
	{ "redirect", "a.b.r.lan", DNS_A, "DATA 192.0.2.6" },
	{ "redirect: other type", "r.lan", DNS_AAAA, "NODATA" },
	{ "redirect by an alias", "x.rc.lan", DNS_A, "ALIAS www.s.lan" },
	{ "refuse", "x.re.lan", DNS_A, "REFUSED" },
	{ "refuse: but what is there", "www.re.lan", DNS_A, "DATA 192.0.2.7" },
	{ "refuse: other type", "www.re.lan", DNS_AAAA, "REFUSED" },
	{ "drop", "x.d.lan", DNS_A, "DROP" },
	{ "nxdomain", "d.nx.lan", DNS_A, "NXDOMAIN nx.lan" },
	{ "nodata", "d.no.lan", DNS_A, "NODATA no.lan" },
	{ "a zone in a zone: the deeper one counts", "x.in.s.lan", DNS_A, "REFUSED" },
	{ "DS at its top: the outer one's", "in.s.lan", DNS_DS, "NODATA s.lan" },
	{ "a built-in one, switched off", "x.test", DNS_A, "UNKNOWN" },
	{ "a hole in it", "x.deep.onion", DNS_A, "UNKNOWN" },
	{ "around the hole", "x.onion", DNS_A, "NXDOMAIN onion" },
	{ "a built-in one with the operator's records", "nas.home.arpa", DNS_A, "DATA 192.0.2.8" },
	{ "and nothing else", "x.home.arpa", DNS_A, "NXDOMAIN home.arpa" },
	{ "forwarded: at a built-in one", "1.2.168.192.in-addr.arpa", DNS_PTR, "UNKNOWN" },
	{ "forwarded: below one", "1.5.10.in-addr.arpa", DNS_PTR, "UNKNOWN" },
	{ "forwarded: beside it", "1.6.10.in-addr.arpa", DNS_PTR, "NXDOMAIN 10.in-addr.arpa" },
	{ "forwarded: below the operator's", "x.f.s.lan", DNS_A, "UNKNOWN" },
	{ "forwarded and configured: ours", "x.re.lan", DNS_A, "REFUSED" },
	{ "relay", "mask.icloud.com", DNS_A, "NXDOMAIN mask.icloud.com" },
	{ "relay", "mask-h2.icloud.com", DNS_AAAA, "NXDOMAIN mask-h2.icloud.com" },
	{ "beside it", "www.icloud.com", DNS_A, "UNKNOWN" },
	{ "canary off", "use-application-dns.net", DNS_A, "UNKNOWN" },
	{ "RFC 9462", "_dns.resolver.arpa", 64, "DATA TYPE64" },
};
/* clang-format on */

static const char zones[] =
	"local:\n"
	"  block-relay: true\n"
	"  doh-canary: false\n"
	"  ddr: [\"1 dns.example.net. alpn=dot port=853 ipv4hint=192.0.2.1\"]\n"
	"  zones:\n"
	"    - {zone: s.lan, records: [\"www A 192.0.2.1\", \"www TXT hello\", \"a.b A 192.0.2.2\", "
	"\"alias CNAME WWW\", \"*.w A 192.0.2.3\", \"there.w TXT x\"]}\n"
	"    - {zone: in.s.lan, type: refuse}\n"
	"    - {zone: t.lan, type: transparent, records: [\"www A 192.0.2.4\"]}\n"
	"    - {zone: tt.lan, type: typetransparent, records: [\"www A 192.0.2.5\"]}\n"
	"    - {zone: r.lan, type: redirect, records: [\"@ A 192.0.2.6\"]}\n"
	"    - {zone: rc.lan, type: redirect, records: [\"@ CNAME www.s.lan.\"]}\n"
	"    - {zone: re.lan, type: refuse, records: [\"www A 192.0.2.7\"]}\n"
	"    - {zone: d.lan, type: drop}\n"
	"    - {zone: nx.lan, type: nxdomain}\n"
	"    - {zone: no.lan, type: nodata}\n"
	"    - {zone: test, type: resolve}\n"
	"    - {zone: deep.onion, type: resolve}\n"
	"    - {zone: home.arpa, records: [\"nas A 192.0.2.8\"]}\n"
	"resolver:\n"
	"  forward:\n"
	"    - {zone: ., to: [\"192.0.2.53@53\"]}\n"
	"    - {zone: 168.192.in-addr.arpa, to: [\"192.0.2.53@53\"]}\n"
	"    - {zone: 5.10.in-addr.arpa, to: [\"192.0.2.53@53\"]}\n"
	"    - {zone: f.s.lan, to: [\"192.0.2.53@53\"]}\n"
	"    - {zone: re.lan, to: [\"192.0.2.53@53\"]}\n";

static void special_names(void **state)
{
	(void)state;
	ask_rows("{}", built_in, ARRAY_LEN(built_in));
}

static void zone_types(void **state)
{
	(void)state;
	ask_rows(zones, types, ARRAY_LEN(types));
}

static void built_in_zones_can_be_switched_off(void **state)
{
	(void)state;
	struct local *l = snapshot_of("local: {special-names: false, mdns: false, "
	                              "private-reverse: false, doh-canary: false}\n");
	struct local_counts n;
	for (size_t i = 0; i < ARRAY_LEN(built_in); i++)
		assert_string_equal(snapshot_ask(l, built_in[i].name, built_in[i].type, false),
		                    "UNKNOWN");
	local_count(l, &n);
	assert_int_equal(n.zones, 0);
	assert_int_equal(n.records, 0);
	local_free(l);
}

/* A zone at the root covers every name there is: the filter must not stand in its way. */
static void zone_at_the_root(void **state)
{
	(void)state;
	struct local *l = snapshot_of("local: {zones: [{zone: ., type: refuse}]}\n");
	assert_string_equal(snapshot_ask(l, "www.example.com", DNS_A, false), "REFUSED");
	assert_string_equal(snapshot_ask(l, ".", DNS_NS, false), "REFUSED");
	assert_string_equal(snapshot_ask(l, "localhost", DNS_A, false), "DATA 127.0.0.1");
	local_free(l);
}

static void where_it_comes_from(void **state)
{
	(void)state;
	static const struct {
		const char *name, *expect;
	} sources[] = {
		{ "x.localhost", "special-use name localhost (RFC 6761)" },
		{ "www.s.lan", "zone s.lan (static)" },
		{ "x.s.lan", "zone s.lan (static)" },
		{ "x.re.lan", "zone re.lan (refuse)" },
		{ "1.6.10.in-addr.arpa", "reverse zone of 10.0.0.0/8 (RFC 6303)" },
	};
	struct local *l = snapshot_of(zones);
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		char text[LOCAL_SOURCE_MAX];
		struct name n;
		struct name_hashes h;
		struct local_found f;
		struct local_alias alias;
		assert_int_equal(name_from_text(sources[i].name, strlen(sources[i].name), &n), 0);
		name_hash_all(n.wire, &h);
		local_find(l, n.wire, &h, DNS_A, false, &f, &alias);
		assert_string_equal(local_source(&f, text), sources[i].expect);
	}
	local_free(l);
}

/* What the cost on ordinary names rests on: two bits say no, nearly always. */
static void filter_spares_ordinary_names(void **state)
{
	(void)state;
	struct local *l = snapshot_of("{}");
	unsigned passed = 0;
	for (unsigned i = 0; i < 20000; i++) {
		char text[64];
		struct name n;
		struct name_hashes h;
		snprintf(text, sizeof text, "www.name%u.com", i);
		assert_int_equal(name_from_text(text, strlen(text), &n), 0);
		name_hash_all(n.wire, &h);
		passed += local_may_know(l, &h);
	}
	assert_true(passed < 20000 / 20);
	local_free(l);
}

static void published_snapshots_replace_each_other(void **state)
{
	(void)state;
	assert_null(local_current());
	local_publish(snapshot_of("{}"));
	assert_string_equal(snapshot_ask(local_current(), "x.test", DNS_A, false), "NXDOMAIN test");
	local_publish(snapshot_of("local: {special-names: false}\n"));
	assert_string_equal(snapshot_ask(local_current(), "x.test", DNS_A, false), "UNKNOWN");
	local_publish(NULL);
	assert_null(local_current());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(special_names),
		cmocka_unit_test(zone_types),
		cmocka_unit_test(built_in_zones_can_be_switched_off),
		cmocka_unit_test(zone_at_the_root),
		cmocka_unit_test(where_it_comes_from),
		cmocka_unit_test(filter_spares_ordinary_names),
		cmocka_unit_test(published_snapshots_replace_each_other),
	};
	return cmocka_run_group_tests(tests, snapshot_start, snapshot_stop);
}
