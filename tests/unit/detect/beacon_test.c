/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "rig.h"

enum {
	FOUND_NOTHING = -1,
};

static struct detect *start(struct config **ret_config)
{
	struct detect *d;
	*ret_config =
		rig_config("detect: {dga.enable: false, leak.enable: false, beacon.low: alert}\n");
	assert_int_equal(detect_new(*ret_config, &d), 0);
	return d;
}

static void stop(struct detect *d, struct config *c)
{
	detect_free(d);
	config_free(c);
}

/* An answer that was not in the cache; the confidence of what is said of it. */
static int answer(struct detect *d, const char *client, const char *text, uint32_t ttl_s,
                  double at_s)
{
	struct detect_result r;
	struct addr addr;
	struct name name;
	static const uint8_t data[4] = { 192, 0, 2, 80 };
	struct rr rr = { .type = DNS_A, .ttl_s = ttl_s, .rdata = data, .rdata_len = sizeof data };
	assert_int_equal(addr_from_text(client, strlen(client), &addr), 0);
	assert_int_equal(name_from_text(text, strlen(text), &name), 0);
	struct detect_answer a = { .client = &addr,
		                   .question = name.wire,
		                   .type = DNS_A,
		                   .rrs = &rr,
		                   .n_rrs = 1,
		                   .now_ns = (uint64_t)(at_s * 1e9) };
	detect_answer(d, &a, &r);
	rig_only(&r, DETECTOR_beacon);
	return r.findings.n == 0 ? FOUND_NOTHING : r.findings.at[0].confidence;
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static double uniform(uint32_t *seed)
{
	return next(seed) / (double)(1 << 24);
}

struct pace {
	double period_s, jitter; /* the part of the period that is left to chance */
	uint32_t ttl_s;
	bool is_one_shot;
};

/* So many beats of one client; the surest that is said. */
static int beat(struct detect *d, const char *client, const struct pace *p, unsigned n,
                uint32_t seed)
{
	int most = FOUND_NOTHING;
	double at_s = 1000 + seed % 100;
	for (unsigned i = 0; i < n; i++) {
		char name[80];
		if (p->is_one_shot)
			snprintf(name, sizeof name, "%06x%06x.quiet-place.com", next(&seed),
			         next(&seed));
		else
			snprintf(name, sizeof name, "www.quiet-place.com");
		int c = answer(d, client, name, p->ttl_s, at_s);
		most = c > most ? c : most;
		at_s += p->period_s * (1 - p->jitter * uniform(&seed));
	}
	return most;
}

static void what_comes_back_regularly_is_told(void **state)
{
	(void)state;
	static const struct {
		struct pace pace;
		unsigned n;
		int expected;
	} rows[] = {
		{ { 60, 0, 1, true }, 40, DETECT_MEDIUM },
		{ { 60, 0.5, 1, true }, 80, DETECT_MEDIUM }, /* half of it by chance */
		{ { 3600, 0.2, 300, true }, 40, DETECT_MEDIUM },
		{ { 60, 0, 1, true }, 20, FOUND_NOTHING }, /* too few */
		{ { 3600, 0.1, 300, false }, 40, DETECT_LOW },
		{ { 300, 0, 300, false }, 200, FOUND_NOTHING }, /* the answer expires */
		{ { 450, 0.3, 300, false }, 200, FOUND_NOTHING },
		{ { 900, 0.01, 300, false }, 200, FOUND_NOTHING }, /* three times */
		{ { 900, 0.99, 1, true }, 90, DETECT_LOW }, /* at any time, never a name again */
		{ { 900, 0.99, 300, false }, 90, FOUND_NOTHING },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config *c;
		struct detect *d = start(&c);
		int got = beat(d, "192.0.2.1", &rows[i].pace, rows[i].n, 4711);
		if (got != rows[i].expected)
			fail_msg("row %zu: %d", i, got);
		stop(d, c);
	}
}

/* People: intervals like those of a Poisson process, a hundred of them; none is a beacon, whatever they ask for. */
static void people_are_no_beacons(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	for (unsigned person = 0; person < 100; person++) {
		uint32_t seed = person * 2654435761U + 1;
		double at_s = 1000;
		char client[20];
		snprintf(client, sizeof client, "198.51.100.%u", person);
		for (unsigned i = 0; i < 500; i++) {
			char name[80];
			snprintf(name, sizeof name, "%06x%06x.quiet-place%u.com", next(&seed),
			         next(&seed), person);
			at_s += -log(1 - uniform(&seed)) * 200;
			if (answer(d, client, name, 60, at_s) > DETECT_LOW)
				fail_msg("person %u, visit %u", person, i);
		}
	}
	stop(d, c);
}

static void it_is_told_once_a_day(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	unsigned told = 0;
	uint32_t seed = 1;
	for (unsigned i = 0; i < 3 * 1440; i++) {
		char name[80];
		snprintf(name, sizeof name, "%06x%06x.quiet-place.com", next(&seed), next(&seed));
		told += answer(d, "192.0.2.1", name, 1, 1000 + 60.0 * i) != FOUND_NOTHING;
	}
	assert_int_equal(told, 3);
	stop(d, c);
}

/* A program that everybody has. */
static void many_clients_make_it_ordinary(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	unsigned told = 0;
	uint32_t seed = 1;
	for (unsigned i = 0; i < 100; i++) {
		for (unsigned k = 1; k <= 60; k++) {
			char name[80], client[20];
			snprintf(name, sizeof name, "%06x%06x.quiet-place.com", next(&seed),
			         next(&seed));
			snprintf(client, sizeof client, "192.0.2.%u", k);
			told += answer(d, client, name, 1, 10000 + 600.0 * i + k) != FOUND_NOTHING;
		}
	}
	assert_int_equal(told, 0);
	stop(d, c);
}

static void known_domains_mail_and_directories_are_left_out(void **state)
{
	(void)state;
	static const char *const zones[] = { "google.com", "avqs.mcafee.com",
		                             "2.0.192.in-addr.arpa", "_domainkey.quiet-place.com",
		                             "_tcp.dc._msdcs.corp-place.com" };
	struct config *c;
	struct detect *d = start(&c);
	uint32_t seed = 1;
	for (size_t z = 0; z < ARRAY_LEN(zones); z++) {
		for (unsigned i = 0; i < 100; i++) {
			char name[120];
			snprintf(name, sizeof name, "%06x%06x.%s", next(&seed), next(&seed),
			         zones[z]);
			if (answer(d, "192.0.2.1", name, 1, 1000 + 60.0 * i) != FOUND_NOTHING)
				fail_msg("%s", name);
		}
	}
	stop(d, c);
}

static void explain_tells_the_pace(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static struct rig_packet p;
	struct detect_facts facts;
	beat(d, "192.0.2.1", &(struct pace){ 60, 0, 1, true }, 40, 1);
	rig_packet(&p, "192.0.2.1", "www.quiet-place.com", "quiet-place.com", DNS_A, 7,
	           5000 * NS_PER_S);
	detect_explain(d, &p.q, &facts);
	rig_only_facts(&facts, DETECTOR_beacon);
	assert_int_equal(facts.n, 1);
	assert_non_null(strstr(facts.at[0].text, "39 times, every 60 s"));
	stop(d, c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_back_regularly_is_told),
		cmocka_unit_test(people_are_no_beacons),
		cmocka_unit_test(it_is_told_once_a_day),
		cmocka_unit_test(many_clients_make_it_ordinary),
		cmocka_unit_test(known_domains_mail_and_directories_are_left_out),
		cmocka_unit_test(explain_tells_the_pace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
