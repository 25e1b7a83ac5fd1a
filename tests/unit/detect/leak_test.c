/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rcu.h"
#include "rig.h"

enum {
	NAMES = 5000,
};

static struct detect *start(struct config **ret_config)
{
	struct detect *d;
	*ret_config = rig_config("detect: {dga.enable: false}\n"); /* explains, too */
	assert_int_equal(detect_new(*ret_config, &d), 0);
	return d;
}

static uint64_t mix(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ULL;
	return x ^ x >> 32;
}

/* `n` names of 16 hexadecimal digits (8 bytes), every `step_ns`, over `domains`; bytes that passed. */
static uint64_t exfiltrate(struct detect *d, const char *client, unsigned n, uint64_t step_ns,
                           unsigned domains, uint64_t start_ns)
{
	static struct rig_packet p;
	uint64_t passed = 0;
	for (unsigned i = 0; i < n; i++) {
		char name[80], zone[40];
		struct detect_result r;
		snprintf(zone, sizeof zone, "drop%u.example", i % domains);
		snprintf(name, sizeof name, "%016llx.%s", (unsigned long long)mix(i), zone);
		rig_packet(&p, client, name, zone, DNS_A, 100 + i % domains,
		           start_ns + i * step_ns);
		detect_question(d, &p.q, &r);
		if (r.outcome == DETECT_PASS)
			passed += 8;
	}
	return passed;
}

static void bulk_is_stopped_within_a_thousand_bytes(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	uint64_t bytes = exfiltrate(d, "192.0.2.1", NAMES, NS_PER_MS, 1, NS_PER_S);
	/* As names, twice as much. */
	if (bytes * 2 > 1000 || bytes < 64)
		fail_msg("%llu bytes", (unsigned long long)bytes);
	detect_free(d);
	config_free(c);
}

static void many_domains_do_not_help(void **state)
{
	(void)state;
	static const unsigned domains[] = { 1, 3, 10, 100 };
	for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
		struct config *c;
		struct detect *d = start(&c);
		uint64_t bytes = exfiltrate(d, "192.0.2.1", NAMES, NS_PER_MS, domains[i], NS_PER_S);
		if (bytes > 512)
			fail_msg("%u domains: %llu bytes", domains[i], (unsigned long long)bytes);
		detect_free(d);
		config_free(c);
	}
}

/* Three weeks at whatever pace: 60 bytes an hour and the first budget. */
static void slowly_no_more_than_the_rate_leaves(void **state)
{
	(void)state;
	static const uint64_t steps_s[] = { 60, 600, 3600 };
	for (size_t i = 0; i < ARRAY_LEN(steps_s); i++) {
		struct config *c;
		struct detect *d = start(&c);
		uint64_t hours = 21 * 24;
		uint64_t n = hours * 3600 / steps_s[i];
		uint64_t bytes = exfiltrate(d, "192.0.2.1", (unsigned)n, steps_s[i] * NS_PER_S, 10,
		                            NS_PER_S);
		if (bytes > 60 * hours + 512)
			fail_msg("every %llu s: %llu bytes in %llu h",
			         (unsigned long long)steps_s[i], (unsigned long long)bytes,
			         (unsigned long long)hours);
		detect_free(d);
		config_free(c);
	}
}

/* A hundred thousand decoys do not make the client's counter go away. */
static void decoys_evict_nothing(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static struct rig_packet p;
	uint64_t now_ns = NS_PER_S;
	uint64_t before = exfiltrate(d, "192.0.2.1", 1000, NS_PER_MS, 1, now_ns);
	now_ns += 1000 * NS_PER_MS;
	for (unsigned i = 0; i < 100000; i++) {
		char zone[40];
		struct detect_result r;
		snprintf(zone, sizeof zone, "decoy%u.example", i);
		rig_packet(&p, "192.0.2.1", zone, zone, DNS_A, 1000 + i, now_ns);
		detect_question(d, &p.q, &r);
		now_ns += NS_PER_MS / 10;
	}
	uint64_t after = exfiltrate(d, "192.0.2.1", 1000, NS_PER_MS, 1, now_ns);
	if (after > before)
		fail_msg("%llu bytes before, %llu after", (unsigned long long)before,
		         (unsigned long long)after);
	detect_free(d);
	config_free(c);
}

/* The same bytes from many clients meet the budget of the domain. */
static void many_clients_share_the_domains_budget(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	uint64_t bytes = 0;
	for (unsigned i = 0; i < 7; i++) {
		char client[20];
		snprintf(client, sizeof client, "192.0.2.%u", i + 1);
		bytes += exfiltrate(d, client, 300, NS_PER_MS, 1, (1 + i) * NS_PER_S);
	}
	if (bytes > 2048)
		fail_msg("%llu bytes", (unsigned long long)bytes);
	detect_free(d);
	config_free(c);
}

/* A crowd within minutes makes no domain prevalent. */
static void a_sudden_crowd_raises_nothing(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static struct rig_packet p;
	struct detect_result r;
	uint64_t bytes = 0;
	for (unsigned i = 0; i < 40; i++) {
		char client[20];
		snprintf(client, sizeof client, "192.0.2.%u", i + 1);
		rig_packet(&p, client, "www.drop0.example", "drop0.example", DNS_A, 100, NS_PER_S);
		detect_question(d, &p.q, &r);
	}
	for (unsigned i = 0; i < 40; i++) {
		char client[20];
		snprintf(client, sizeof client, "192.0.2.%u", i + 1);
		bytes += exfiltrate(d, client, 300, NS_PER_MS, 1, (60 + i) * NS_PER_S);
	}
	if (bytes > 2048)
		fail_msg("%llu bytes", (unsigned long long)bytes);
	detect_free(d);
	config_free(c);
}

/* While a tunnel is stopped, the client's other names go on. */
static void other_domains_of_the_client_go_on(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static struct rig_packet p;
	exfiltrate(d, "192.0.2.1", NAMES, NS_PER_MS, 1, NS_PER_S);
	for (unsigned i = 0; i < 20; i++) {
		char name[60], zone[40];
		struct detect_result r;
		snprintf(zone, sizeof zone, "site%u.example", i);
		snprintf(name, sizeof name, "www.%s", zone);
		rig_packet(&p, "192.0.2.1", name, zone, DNS_A, 5000 + i, 10 * NS_PER_S);
		detect_question(d, &p.q, &r);
		if (r.outcome != DETECT_PASS)
			fail_msg("%s", name);
	}
	detect_free(d);
	config_free(c);
}

/* What waits may go when the time that was said has passed. */
static void what_waits_goes_later(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static struct rig_packet p;
	struct detect_result r;
	uint64_t now_ns = NS_PER_S;
	exfiltrate(d, "192.0.2.1", 30, NS_PER_MS, 1, now_ns);
	now_ns += NS_PER_S;
	rig_packet(&p, "192.0.2.1", "0f1e2d3c4b5a69788796a5b4c3d2e1f0.drop0.example",
	           "drop0.example", DNS_A, 100, now_ns);
	detect_question(d, &p.q, &r);
	assert_int_equal(r.outcome, DETECT_REFUSED);
	assert_true(r.wait_ms > 0);
	p.q.now_ns += (r.wait_ms + 1) * NS_PER_MS;
	detect_question(d, &p.q, &r);
	assert_int_equal(r.outcome, DETECT_PASS);
	detect_free(d);
	config_free(c);
}

/* QNAME minimisation shows a name in steps, which costs hardly more than at once. */
static void steps_cost_once(void **state)
{
	(void)state;
	static const char *const steps[] = {
		"c1d2e3f4a5b6.tunnel.example", "9a8b7c6d5e4f.c1d2e3f4a5b6.tunnel.example",
		"0f1e2d3c4b5a.9a8b7c6d5e4f.c1d2e3f4a5b6.tunnel.example"
	};
	int64_t owed[2];
	for (unsigned k = 0; k < 2; k++) {
		struct config *c;
		struct detect *d = start(&c);
		static struct rig_packet p;
		struct detect_result r;
		for (unsigned i = k == 0 ? 2 : 0; i < 3; i++) {
			rig_packet(&p, "192.0.2.1", steps[i], "tunnel.example", DNS_A, 9, NS_PER_S);
			detect_question(d, &p.q, &r);
			assert_int_equal(r.outcome, DETECT_PASS);
		}
		struct detect_facts facts;
		rig_packet(&p, "192.0.2.1", steps[0], "tunnel.example", DNS_A, 9, NS_PER_S);
		detect_explain(d, &p.q, &facts);
		unsigned percent = 0;
		const char *third = NULL; /* of its own facts */
		for (unsigned i = 0, n = 0; i < facts.n; i++) {
			if (facts.at[i].detector == DETECTOR_leak && ++n == 3)
				third = facts.at[i].text;
		}
		assert_non_null(third);
		const char *colon = strchr(third, ':');
		assert_non_null(colon);
		assert_int_equal(sscanf(colon, ": %u%%", &percent), 1);
		owed[k] = percent;
		detect_free(d);
		config_free(c);
	}
	if (owed[1] > owed[0] + 2)
		fail_msg("%lld%% at once, %lld%% in steps", (long long)owed[0], (long long)owed[1]);
}

/* Storms that are somebody's business: nothing is refused. */
/* 100,000 look-ups in a list, within an hour, of the servers of that zone. */
static void look_up(struct detect *d, const char *client, const char *zone, uint64_t servers)
{
	static struct rig_packet p;
	for (unsigned i = 0; i < 100000; i++) {
		char name[100];
		struct detect_result r;
		snprintf(name, sizeof name, "%u.%u.%u.%u.zen.spamhaus.org", i & 255, i >> 8 & 255,
		         i >> 4 & 255, 1 + i % 220);
		rig_packet(&p, client, name, zone, DNS_A, servers, NS_PER_S + i * 36 * NS_PER_MS);
		detect_question(d, &p.q, &r);
		if (r.outcome != DETECT_PASS || r.findings.n != 0)
			fail_msg("%s (%u)", name, i);
	}
}

static void vendors_may_be_asked_much(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static struct rig_packet p;
	look_up(d, "192.0.2.1", "zen.spamhaus.org", 77);
	look_up(d, "192.0.2.3", "spamhaus.org", 79); /* it answers for the list itself */
	/* An exemption it is not. */
	uint64_t passed = 0;
	for (unsigned i = 0; i < 500000; i++) {
		char name[100];
		struct detect_result r;
		snprintf(name, sizeof name, "%016llx%016llx.sophosxl.net",
		         (unsigned long long)mix(i), (unsigned long long)mix(i + 7));
		rig_packet(&p, "192.0.2.2", name, "sophosxl.net", DNS_A, 78,
		           NS_PER_S + i * NS_PER_MS / 10);
		detect_question(d, &p.q, &r);
		passed += r.outcome == DETECT_PASS;
	}
	assert_true(passed < 500000);
	/* Nor is a name that looks like one. */
	passed = 0;
	for (unsigned i = 0; i < 1000; i++) {
		char name[100];
		struct detect_result r;
		snprintf(name, sizeof name, "%016llx.zen.spamhaus.org.drop.example",
		         (unsigned long long)mix(i));
		rig_packet(&p, "192.0.2.4", name, "drop.example", DNS_A, 80,
		           NS_PER_S + i * NS_PER_MS);
		detect_question(d, &p.q, &r);
		passed += r.outcome == DETECT_PASS;
	}
	assert_true(passed < 100);
	detect_free(d);
	config_free(c);
}

/* Each network's owner has a budget of its own, although what is above them all is one. */
static void reverse_zones_are_their_owners(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static struct rig_packet p;
	for (unsigned i = 0; i < 100000; i++) {
		char name[100], zone[40];
		struct detect_result r;
		uint64_t x = mix(i);
		snprintf(zone, sizeof zone, "%x.%x.%x.%x.b.d.2.2.ip6.arpa", i & 15, i >> 4 & 15,
		         i >> 8 & 15, i >> 12 & 15);
		snprintf(name, sizeof name, "%x.%x.%x.%x.%x.%x.%x.%x.%s", (unsigned)x & 15,
		         (unsigned)(x >> 4) & 15, (unsigned)(x >> 8) & 15, (unsigned)(x >> 12) & 15,
		         (unsigned)(x >> 16) & 15, (unsigned)(x >> 20) & 15,
		         (unsigned)(x >> 24) & 15, (unsigned)(x >> 28) & 15, zone);
		rig_packet(&p, i & 1 ? "192.0.2.1" : "192.0.2.2", name, zone, DNS_PTR, i & 0xffff,
		           NS_PER_S + i * 36 * NS_PER_MS);
		detect_question(d, &p.q, &r);
		if (r.outcome == DETECT_BLOCKED)
			fail_msg("%s (%u)", name, i);
	}
	detect_free(d);
	config_free(c);
}

/* 5,000 names of one network at once; how many went. */
static unsigned ask_network(struct detect *d, const char *client, bool is_v4, bool is_cut,
                            bool is_forward)
{
	static struct rig_packet p;
	unsigned passed = 0;
	for (unsigned i = 0; i < 5000; i++) {
		char name[100], zone[40];
		struct detect_result r;
		uint64_t x = mix(i);
		unsigned a = x & 255, b = x >> 8 & 255;
		if (is_v4) {
			snprintf(zone, sizeof zone, "%u.51.198.in-addr.arpa", a);
			snprintf(name, sizeof name, "%u.%s", b, zone);
		} else {
			snprintf(zone, sizeof zone, "%x.%x.1.5.b.d.2.2.0.2.ip6.arpa", a >> 4,
			         a & 15);
			snprintf(name, sizeof name, "%x.%x.%x.%x.%s", b >> 4, b & 15,
			         (unsigned)(x >> 16) & 15, (unsigned)(x >> 20) & 15, zone);
		}
		const char *whole = is_v4 ? "51.198.in-addr.arpa" : "1.5.b.d.2.2.0.2.ip6.arpa";
		rig_packet(&p, client, name,
		           is_forward ? "."
		           : is_cut   ? zone
		                      : whole,
		           DNS_PTR, is_cut ? i : 1, NS_PER_S + i);
		p.q.zone.is_forward = is_forward;
		if (is_forward)
			p.q.zone.servers_hash = 0;
		detect_question(d, &p.q, &r);
		passed += r.outcome == DETECT_PASS;
	}
	return passed;
}

/* However it is cut into zones, on servers apart, and behind a forwarder. */
static void a_network_is_one_owners(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	for (unsigned v4 = 0; v4 < 2; v4++) {
		char client[20];
		for (unsigned how = 0; how < 3; how++) {
			snprintf(client, sizeof client, "192.0.2.%u", 1 + v4 * 3 + how);
			unsigned n = ask_network(d, client, v4, how == 1, how == 2);
			assert_in_range(n, 50, 256);
		}
	}
	detect_free(d);
	config_free(c);
}

/* A machine that asks for the same few names again and again, by a timer, says little. */
static void what_machines_repeat_is_cheap(void **state)
{
	static const char *const names[][2] = {
		{ "api.camera-cloud.example", "camera-cloud.example" },
		{ "edge7.delivery-host.example", "delivery-host.example" },
		{ "time.small-vendor.example", "small-vendor.example" },
	};
	static const uint16_t types[] = { DNS_A, DNS_AAAA, DNS_HTTPS };
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static struct rig_packet p;
	for (unsigned i = 0; i < 48 * 12; i++) {
		for (unsigned k = 0; k < 9; k++) {
			struct detect_result r;
			rig_packet(&p, "192.0.2.1", names[k / 3][0], names[k / 3][1], types[k % 3],
			           10 + k / 3, NS_PER_S + i * 300 * NS_PER_S + k * NS_PER_MS);
			detect_question(d, &p.q, &r);
			if (r.outcome != DETECT_PASS || r.findings.n != 0)
				fail_msg("turn %u, %u: %s", i, k, r.findings.at[0].text);
		}
	}
	detect_free(d);
	config_free(c);
}

/* Operators' own zones and registries are nobody's channel. */
static void own_servers_and_registries_do_not_count(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static struct rig_packet p;
	for (unsigned i = 0; i < 3000; i++) {
		char name[100];
		struct detect_result r;
		snprintf(name, sizeof name, "%016llx.corp.internal", (unsigned long long)mix(i));
		rig_packet(&p, "192.0.2.1", name, "corp.internal", DNS_A, 0, NS_PER_S);
		p.q.zone.is_forward = true;
		detect_question(d, &p.q, &r);
		assert_int_equal(r.outcome, DETECT_PASS);
		snprintf(name, sizeof name, "%016llx.com", (unsigned long long)mix(i));
		rig_packet(&p, "192.0.2.1", name, "com", DNS_A, 5, NS_PER_S);
		detect_question(d, &p.q, &r);
		assert_int_equal(r.outcome, DETECT_PASS);
	}
	detect_free(d);
	config_free(c);
}

/* Behind a forwarder of everything the registered domain stands for the delegation. */
static void a_forwarder_is_no_way_around(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static struct rig_packet p;
	uint64_t passed = 0;
	for (unsigned i = 0; i < NAMES; i++) {
		char name[100];
		struct detect_result r;
		snprintf(name, sizeof name, "%016llx.tunnel.co.uk", (unsigned long long)mix(i));
		rig_packet(&p, "192.0.2.1", name, ".", DNS_A, 0, NS_PER_S + i * NS_PER_MS);
		p.q.zone.is_forward = true;
		detect_question(d, &p.q, &r);
		passed += r.outcome == DETECT_PASS ? 8 : 0;
	}
	if (passed > 512 || passed < 64)
		fail_msg("%llu bytes", (unsigned long long)passed);
	detect_free(d);
	config_free(c);
}

/* Addresses of one IPv6 network: ten times one client's budget, however many there are. */
static void an_ipv6_network_has_a_budget(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	uint64_t bytes = 0;
	for (unsigned i = 0; i < 1000; i++) {
		char client[40];
		snprintf(client, sizeof client, "2001:db8::%x", i + 1);
		bytes += exfiltrate(d, client, 40, NS_PER_MS, 40, NS_PER_S + i * 40 * NS_PER_MS);
	}
	if (bytes > 512 * 10)
		fail_msg("%llu bytes", (unsigned long long)bytes);
	detect_free(d);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bulk_is_stopped_within_a_thousand_bytes),
		cmocka_unit_test(many_domains_do_not_help),
		cmocka_unit_test(slowly_no_more_than_the_rate_leaves),
		cmocka_unit_test(decoys_evict_nothing),
		cmocka_unit_test(many_clients_share_the_domains_budget),
		cmocka_unit_test(a_sudden_crowd_raises_nothing),
		cmocka_unit_test(other_domains_of_the_client_go_on),
		cmocka_unit_test(what_waits_goes_later),
		cmocka_unit_test(steps_cost_once),
		cmocka_unit_test(vendors_may_be_asked_much),
		cmocka_unit_test(reverse_zones_are_their_owners),
		cmocka_unit_test(a_network_is_one_owners),
		cmocka_unit_test(what_machines_repeat_is_cheap),
		cmocka_unit_test(own_servers_and_registries_do_not_count),
		cmocka_unit_test(a_forwarder_is_no_way_around),
		cmocka_unit_test(an_ipv6_network_has_a_budget),
	};
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
