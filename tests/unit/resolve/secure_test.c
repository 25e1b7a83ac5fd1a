/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is judged before it is taken, and what that costs; the cryptography is fake_validate.h's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_validate.h"
#include "resolve/failure.h"
#include "world.h"

/* clang-format off */
#define SIGNED(owner, type, data, signer) \
	owner " 300 " type " " data "\n" owner " 300 RRSIG " type ":" signer "\n"

static const struct fake_zone root_zone = { ".",
	". 3600 NS a.root.test\n"
	"a.root.test 3600 A 127.53.0.1\n"
	SIGNED(".", "DNSKEY", "1", ".")
	"test 3600 NS ns.test\n"
	"ns.test 3600 A 127.53.0.2\n"
	SIGNED("test", "DS", "2", ".")
	"other 3600 NS ns.other\n"
	"ns.other 3600 A 127.53.0.3\n"
	SIGNED("other", "NSEC", "insecure", ".") };
static const struct fake_zone test_zone = { "test",
	SIGNED("test", "DNSKEY", "2", "test")
	"good.test 3600 NS ns1.good.test\n"
	"ns1.good.test 3600 A 127.53.1.1\n"
	SIGNED("good.test", "DS", "3", "test")
	"plain.test 3600 NS ns1.good.test\n"
	SIGNED("plain.test", "NSEC", "insecure", "test")
	"mismatch.test 3600 NS ns1.good.test\n"
	SIGNED("mismatch.test", "DS", "4", "test")
	"odd.test 3600 NS ns1.good.test\n"
	SIGNED("odd.test", "DS", "238", "test")
	"two.test 3600 NS ns1.two.test\n"
	"two.test 3600 NS ns2.two.test\n"
	"ns1.two.test 3600 A 127.53.1.2\n"
	"ns2.two.test 3600 A 127.53.1.3\n"
	SIGNED("two.test", "DS", "6", "test") };
static const struct fake_zone other_zone = { "other",
	"www.other 300 A 192.0.2.9\n" };
static const struct fake_zone good_zone = { "good.test",
	SIGNED("good.test", "DNSKEY", "3", "good.test")
	SIGNED("www.good.test", "A", "192.0.2.1", "good.test")
	"www.good.test 300 NSEC data\nwww.good.test 300 RRSIG NSEC:good.test\n"
	SIGNED("w2.good.test", "A", "192.0.2.2", "good.test")
	"expired.good.test 300 A 192.0.2.3\n"
	"expired.good.test 300 RRSIG A:good.test:bad\n"
	"naked.good.test 300 A 192.0.2.4\n"
	SIGNED("naked.good.test", "NSEC", "data", "good.test")
	SIGNED("nothing.good.test", "NSEC", "none", "good.test")
	SIGNED("alias.good.test", "CNAME", "www.good.test", "good.test")
	SIGNED("out.good.test", "CNAME", "www.other", "good.test")
	"lie.good.test 300 CNAME www.good.test\n"
	"lie.good.test 300 RRSIG CNAME:good.test:bad\n"
	SIGNED("sub.good.test", "DS", "8", "good.test")
	SIGNED("unsub.good.test", "NSEC", "insecure", "good.test")
	"sub.good.test 300 NS ns1.good.test\n"
	"unsub.good.test 300 NS ns1.good.test\n" };
static const struct fake_zone sub_zone = { "sub.good.test",
	SIGNED("sub.good.test", "DNSKEY", "8", "sub.good.test")
	SIGNED("www.sub.good.test", "A", "192.0.2.8", "sub.good.test") };
static const struct fake_zone unsub_zone = { "unsub.good.test",
	"www.unsub.good.test 300 A 192.0.2.18\n" };
static const struct fake_zone plain_zone = { "plain.test",
	"www.plain.test 300 A 192.0.2.5\n"
	"w2.plain.test 300 A 192.0.2.6\n" };
static const struct fake_zone mismatch_zone = { "mismatch.test",
	SIGNED("mismatch.test", "DNSKEY", "5", "mismatch.test")
	SIGNED("www.mismatch.test", "A", "192.0.2.7", "mismatch.test")
	SIGNED("w2.mismatch.test", "A", "192.0.2.7", "mismatch.test") };
static const struct fake_zone odd_zone = { "odd.test",
	SIGNED("www.odd.test", "A", "192.0.2.10", "odd.test") };
static const struct fake_zone two_good = { "two.test",
	SIGNED("two.test", "DNSKEY", "6", "two.test")
	SIGNED("www.two.test", "A", "192.0.2.22", "two.test") };
static const struct fake_zone two_bad = { "two.test",
	SIGNED("two.test", "DNSKEY", "9", "two.test")
	"www.two.test 300 A 192.0.2.66\n"
	"www.two.test 300 RRSIG A:two.test:bad\n" };
/* clang-format on */

static const struct fake_server servers[N_SERVERS] = {
	[ROOT] = { .addr = "127.53.0.1", .zones = { &root_zone } },
	[TEST] = { .addr = "127.53.0.2", .zones = { &test_zone } },
	[OTHER] = { .addr = "127.53.0.3", .zones = { &other_zone } },
	[EXAMPLE] = { .addr = "127.53.1.1",
	              .zones = { &good_zone, &plain_zone, &mismatch_zone, &odd_zone, &sub_zone,
	                         &unsub_zone } },
	[TWO1] = { .addr = "127.53.1.2", .zones = { &two_good } },
	[TWO2] = { .addr = "127.53.1.3", .zones = { &two_bad } },
	[SIX] = { .addr = "127.53.1.6" },
	[FORWARDER] = { .addr = "127.53.9.9", .habits = FAKE_RECURSES },
};

static int set_up_signed(void **state)
{
	(void)state;
	int e = set_up_with(servers);
	fake_anchors = (struct fake_anchors){ .is_on = true, .zone = "." };
	return e;
}

/* ---- asking ---- */

static struct asker expect(const char *name, uint16_t type, enum security security)
{
	struct asker a = ask(name, type);
	if (a.status != RESOLVE_ANSWERED || a.security != security)
		print_message("%s: status %d, security %d, ede %u %s\n", name, a.status, a.security,
		              a.ede_code, a.ede_text);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
	assert_int_equal(a.security, security);
	return a;
}

static unsigned count_in(const struct fake_server *s, const char *question)
{
	unsigned n = 0;
	for (const char *at = s->names; (at = strstr(at, question)) != NULL; at++)
		n++;
	return n;
}

static unsigned n_asked_for(const char *question)
{
	unsigned n = 0;
	for (int i = 0; i < N_SERVERS; i++)
		n += count_in(&w.servers[i], question);
	return n;
}

/* ---- rows ---- */

static void test_off(void **state)
{
	(void)state;
	fake_anchors.is_on = false;
	struct asker a = expect("expired.good.test", DNS_A, SECURITY_UNCHECKED);
	assert_int_equal(a.n_packets, 3);
	assert_int_equal(fake_n_validated, 0);
}

static void test_secure(void **state)
{
	(void)state;
	struct asker a = expect("www.good.test", DNS_A, SECURITY_SECURE);
	assert_string_equal(a.addrs, "192.0.2.1");
	/* Three to come down to the zone, and the keys of the three zones. */
	assert_int_equal(a.n_packets, 6);
	assert_int_equal(n_asked_for("DNSKEY\n"), 3);
	assert_int_equal(n_asked_for("DS\n"), 0);
	a = expect("w2.good.test", DNS_A, SECURITY_SECURE);
	assert_int_equal(a.n_packets, 1);
	assert_int_equal(a.ede_code, 0);
	struct resolve_counts n = { 0 };
	resolver_count(w.resolver, &n);
	assert_int_equal(n.key_questions, 3);
	assert_int_equal(n.bogus, 0);
	assert_int_equal(n.secure, 5); /* the answers for keys too */
}

static void test_unsigned_costs_nothing(void **state)
{
	(void)state;
	expect("www.good.test", DNS_A, SECURITY_SECURE);
	struct asker a = expect("www.plain.test", DNS_A, SECURITY_INSECURE);
	assert_int_equal(a.n_packets, 2);
	a = expect("w2.plain.test", DNS_A, SECURITY_INSECURE);
	assert_int_equal(a.n_packets, 1);
	assert_int_equal(n_asked_for("plain.test DS\n"), 0);
	assert_int_equal(n_asked_for("plain.test DNSKEY\n"), 0);
}

static void test_unknown_algorithm(void **state)
{
	(void)state;
	expect("www.odd.test", DNS_A, SECURITY_INSECURE);
	assert_int_equal(n_asked_for("odd.test DNSKEY\n"), 0);
}

static void test_bogus(void **state)
{
	(void)state;
	struct asker a = expect("expired.good.test", DNS_A, SECURITY_BOGUS);
	assert_int_equal(a.ede_code, EDE_EXPIRED);
	assert_string_equal(a.ede_text, "expired.good.test: signature expired");
	assert_string_equal(a.addrs, "192.0.2.3"); /* for those who set CD */
	assert_in_range(a.ttl_s, 1, 60);
	a = expect("naked.good.test", DNS_A, SECURITY_BOGUS);
	assert_int_equal(a.ede_code, EDE_RRSIGS_MISSING);
	expect("www.good.test", DNS_A, SECURITY_SECURE);
}

static void test_other_servers_are_tried(void **state)
{
	(void)state;
	for (int i = 0; i < 100 && count_in(&w.servers[TWO2], "www.two.test A\n") == 0; i++) {
		struct asker a = expect("www.two.test", DNS_A, SECURITY_SECURE);
		assert_string_equal(a.addrs, "192.0.2.22");
		cache_flush(w.cache, (const uint8_t *)"\3two\4test", true);
	}
	assert_int_not_equal(count_in(&w.servers[TWO2], "www.two.test A\n"), 0);
}

static void test_wrong_keys(void **state)
{
	(void)state;
	struct asker a = expect("www.mismatch.test", DNS_A, SECURITY_BOGUS);
	assert_int_equal(a.ede_code, EDE_DNSKEY_MISSING);
	assert_int_equal(n_asked_for("mismatch.test DNSKEY\n"), 1);
	/* What is known of the zone is not asked again. */
	a = expect("w2.mismatch.test", DNS_A, SECURITY_BOGUS);
	assert_int_equal(a.n_packets, 1);
}

static void test_no_keys(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_NO_KEYS;
	struct asker a = expect("www.good.test", DNS_A, SECURITY_BOGUS);
	assert_int_equal(a.ede_code, EDE_DNSKEY_MISSING);
	unsigned before = n_asked_for("good.test DNSKEY\n");
	expect("w2.good.test", DNS_A, SECURITY_BOGUS);
	assert_int_equal(n_asked_for("good.test DNSKEY\n"), before);
}

static void test_child_on_the_same_server(void **state)
{
	(void)state;
	/* No referral tells of these zones, so the DS records are asked for. */
	struct asker a = expect("www.sub.good.test", DNS_A, SECURITY_SECURE);
	assert_int_equal(n_asked_for("sub.good.test DS\n"), 1);
	a = expect("www.unsub.good.test", DNS_A, SECURITY_INSECURE);
	assert_string_equal(a.addrs, "192.0.2.18");
	assert_int_equal(n_asked_for("\nunsub.good.test DS\n"), 1);
}

static void test_aliases(void **state)
{
	(void)state;
	struct asker a = expect("alias.good.test", DNS_A, SECURITY_SECURE);
	assert_int_equal(a.n_cuts, 2);
	expect("out.good.test", DNS_A, SECURITY_INSECURE);
	/* The alias by itself is as good as its zone. */
	struct name n;
	assert_int_equal(name_from_text("out.good.test", 13, &n), 0);
	const struct answer *alias =
		cache_find_answer(w.cache, name_hash(n.wire), n.wire, DNS_CNAME);
	assert_non_null(alias);
	assert_int_equal(alias->security, SECURITY_SECURE);
	unsigned before = asked();
	expect("out.good.test", DNS_A, SECURITY_INSECURE); /* alias and end are known */
	assert_int_equal(asked(), before);
	a = expect("lie.good.test", DNS_A, SECURITY_BOGUS);
	assert_string_equal(a.ede_text, "lie.good.test: signature expired");
	assert_in_range(a.ttl_s, 1, 60);
}

static void test_denials(void **state)
{
	(void)state;
	struct asker a = expect("www.good.test", DNS_TXT, SECURITY_SECURE);
	assert_int_equal(a.n_an, 0);
	/* RFC 8020 on what is proven; not on what is not. */
	a = expect("x.good.test", DNS_A, SECURITY_BOGUS);
	assert_int_equal(a.rcode, RCODE_NXDOMAIN);
	assert_int_equal(a.ede_code, EDE_NSEC_MISSING);
	unsigned before = asked();
	expect("y.x.good.test", DNS_A, SECURITY_BOGUS);
	assert_true(asked() > before);
	expect("x.plain.test", DNS_A, SECURITY_INSECURE);
	before = asked();
	expect("y.x.plain.test", DNS_A, SECURITY_INSECURE);
	assert_int_equal(asked(), before);
}

static void test_keys_asked_by_a_client(void **state)
{
	(void)state;
	struct asker a = expect("good.test", DNS_DNSKEY, SECURITY_SECURE);
	assert_int_equal(a.n_packets, 5);
	assert_int_equal(count_in(&w.servers[EXAMPLE], "good.test DNSKEY\n"), 1);
	a = expect("www.good.test", DNS_A, SECURITY_SECURE);
	assert_int_equal(a.n_packets, 1);
	a = expect("good.test", DNS_DS, SECURITY_SECURE);
	assert_string_equal(a.zone, "test");
}

static void test_keys_are_asked_once(void **state)
{
	(void)state;
	static struct asker a, b;
	start(&a, "www.good.test", DNS_A, 0);
	start(&b, "w2.good.test", DNS_A, 0);
	turn_until(&a);
	turn_until(&b);
	assert_int_equal(a.security, SECURITY_SECURE);
	assert_int_equal(b.security, SECURITY_SECURE);
	assert_int_equal(n_asked_for("DNSKEY\n"), 3);
}

static void test_negative_anchor(void **state)
{
	(void)state;
	fake_anchors.negative = "good.test";
	struct asker a = expect("expired.good.test", DNS_A, SECURITY_INSECURE);
	assert_string_equal(a.addrs, "192.0.2.3");
	assert_int_equal(n_asked_for("DNSKEY\n"), 0);
	fake_anchors.negative = NULL;
	expect("www.good.test", DNS_A, SECURITY_SECURE);
}

static void test_anchor_below_the_root(void **state)
{
	(void)state;
	fake_anchors.zone = "other";
	expect("www.good.test", DNS_A, SECURITY_INSECURE);
	assert_int_equal(n_asked_for("DNSKEY\n"), 0);
}

/* ---- forwarders ---- */

static void forward_all(bool is_unvalidated)
{
	static struct resolve_forward f;
	static struct endpoint to;
	assert_int_equal(addr_from_text("127.53.9.9", 10, &to.addr), 0);
	f = (struct resolve_forward){ .to = &to, .n_to = 1, .is_unvalidated = is_unvalidated };
	f.zone.len = 1;
	w.config.forwards = &f;
	w.config.n_forwards = 1;
	to.port = fake_net_port(w.net);
	remake();
	to.port = fake_net_port(w.net);
	remake();
}

static void test_forwarder(void **state)
{
	(void)state;
	forward_all(false);
	struct asker a = expect("www.good.test", DNS_A, SECURITY_SECURE);
	/* Nobody refers: the DS records of both zones are asked for too. */
	assert_int_equal(a.n_packets, 6);
	/* RFC 6840 5.9 */
	assert_int_equal(w.servers[FORWARDER].n_with_cd, w.servers[FORWARDER].n_udp);
	expect("www.plain.test", DNS_A, SECURITY_INSECURE);
	expect("www.mismatch.test", DNS_A, SECURITY_BOGUS);
}

static void test_forwarder_that_strips(void **state)
{
	(void)state;
	forward_all(false);
	w.servers[FORWARDER].habits |= FAKE_STRIPS;
	struct asker a = expect("www.good.test", DNS_A, SECURITY_BOGUS);
	assert_int_equal(a.ede_code, EDE_RRSIGS_MISSING);
	assert_string_equal(a.ede_text, "www.good.test: the forwarder gave no signatures");
}

static void test_forwarder_not_validated(void **state)
{
	(void)state;
	forward_all(true);
	struct asker a = expect("expired.good.test", DNS_A, SECURITY_INSECURE);
	assert_int_equal(a.n_packets, 1);
	assert_int_equal(w.servers[FORWARDER].n_with_cd, 0);
}

/* ---- what the cache keeps ---- */

static void test_good_data_stays(void **state)
{
	(void)state;
	expect("www.good.test", DNS_A, SECURITY_SECURE);
	w.servers[EXAMPLE].habits = FAKE_STRIPS;
	struct name n;
	assert_int_equal(name_from_text("www.good.test", 13, &n), 0);
	unsigned before = asked();
	resolve_refresh(w.resolver, &(struct resolve_request){ .name = n.wire, .type = DNS_A });
	for (int i = 0; i < 1000 && asked() < before + 2; i++)
		turn_some();
	turn_some();
	assert_int_equal(asked(), before + 2); /* the second: may a zone begin here? */
	const struct answer *a = cache_find_answer(w.cache, name_hash(n.wire), n.wire, DNS_A);
	assert_non_null(a);
	assert_int_equal(a->security, SECURITY_SECURE);
	/* It is not asked again at once. */
	struct asker again = ask("www.good.test", DNS_A);
	assert_int_equal(again.status, RESOLVE_FAILED);
	assert_int_equal(again.ede_code, EDE_NSEC_MISSING); /* of www.good.test DS */
}

static void test_lost_packet_is_no_sign_of_old_servers(void **state)
{
	(void)state;
	expect("www.good.test", DNS_A, SECURITY_SECURE);
	w.servers[EXAMPLE].habits = FAKE_DROPS_EDNS;
	struct asker a = ask("w2.good.test", DNS_A);
	assert_int_not_equal(a.status == RESOLVE_ANSWERED && a.security != SECURITY_SECURE, 1);
}

#define SIGNED_ROW(name) cmocka_unit_test_setup_teardown(name, set_up_signed, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIGNED_ROW(test_off),
		SIGNED_ROW(test_secure),
		SIGNED_ROW(test_unsigned_costs_nothing),
		SIGNED_ROW(test_unknown_algorithm),
		SIGNED_ROW(test_bogus),
		SIGNED_ROW(test_other_servers_are_tried),
		SIGNED_ROW(test_wrong_keys),
		SIGNED_ROW(test_no_keys),
		SIGNED_ROW(test_child_on_the_same_server),
		SIGNED_ROW(test_aliases),
		SIGNED_ROW(test_denials),
		SIGNED_ROW(test_keys_asked_by_a_client),
		SIGNED_ROW(test_keys_are_asked_once),
		SIGNED_ROW(test_negative_anchor),
		SIGNED_ROW(test_anchor_below_the_root),
		SIGNED_ROW(test_forwarder),
		SIGNED_ROW(test_forwarder_that_strips),
		SIGNED_ROW(test_forwarder_not_validated),
		SIGNED_ROW(test_good_data_stays),
		SIGNED_ROW(test_lost_packet_is_no_sign_of_old_servers),
	};
	return run_rows(tests, sizeof tests / sizeof tests[0]);
}
