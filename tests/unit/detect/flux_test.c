/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "answer_rig.h"

static struct rig_answer r;
static const char *folder;

static struct detect *start(struct config **ret_config)
{
	struct detect *d;
	*ret_config = rig_config("detect: {flux.low: alert, addresses.enable: false}\n");
	assert_int_equal(detect_new(*ret_config, &d), 0);
	return d;
}

static void stop(struct detect *d, struct config *c)
{
	detect_free(d);
	config_free(c);
}

enum {
	PER_ANSWER = 3
};

/* Answers until something of that confidence is said; in how many networks the name was by then. */
static int64_t spread(struct detect *d, const char *name, const char *zone, uint32_t ttl_s,
                      uint64_t step_s, unsigned networks, int confidence)
{
	for (unsigned i = 0; i < 300; i++) {
		char client[20];
		snprintf(client, sizeof client, "192.0.2.%u", i % 200 + 1);
		rig_answer(&r, client, name, zone, DNS_A, 5, (1000 + i * step_s) * NS_PER_S);
		for (unsigned k = 0; k < PER_ANSWER; k++) {
			unsigned network = (i * PER_ANSWER + k) % networks;
			char text[20];
			snprintf(text, sizeof text, "%u.%u.7.%u", 60 + network % 97, network,
			         i % 200);
			rig_add_address(&r, text, ttl_s);
		}
		const struct detect_finding *f = rig_finding(d, &r, DETECTOR_flux);
		if (f != NULL && f->confidence >= confidence)
			return f->evidence[0].value; /* networks, or owners */
	}
	return -1;
}

static void many_networks_in_a_day_are_flux(void **state)
{
	(void)state;
	static const struct {
		const char *why, *name, *zone;
		uint32_t ttl_s;
		uint64_t step_s;
		unsigned networks;
		int confidence;
		bool is_found;
	} rows[] = {
		{ "every ten minutes, low", "a.flux.example", "flux.example", 60, 600, 200,
		  DETECT_LOW, true },
		{ "high", "b.flux.example", "flux.example", 60, 600, 200, DETECT_HIGH, true },
		{ "hours of TTL", "c.flux.example", "flux.example", 7200, 600, 200, DETECT_LOW,
		  false },
		{ "popular", "c.wikipedia.org", "wikipedia.org", 60, 600, 200, DETECT_LOW, false },
		{ "two hosters", "d.flux.example", "flux.example", 60, 600, 8, DETECT_LOW, false },
		{ "a deliverer", "e.flux.example", "flux.example", 60, 600, 14, DETECT_MEDIUM,
		  false },
		{ "other networks each month", "f.flux.example", "flux.example", 60, 40 * 86400,
		  200, DETECT_LOW, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config *c;
		struct detect *d = start(&c);
		int64_t networks = spread(d, rows[i].name, rows[i].zone, rows[i].ttl_s,
		                          rows[i].step_s, rows[i].networks, rows[i].confidence);
		if ((networks >= 0) != rows[i].is_found)
			fail_msg("%s: %lld", rows[i].why, (long long)networks);
		if (rows[i].is_found && rows[i].confidence == DETECT_HIGH)
			assert_in_range(networks, 48, 70);
		stop(d, c);
	}
}

/* Where an alias leads to a known deliverer, its addresses are its own business. */
static void deliverers_are_left_alone(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	struct name cdn;
	assert_int_equal(name_from_text("cloudfront.net", 14, &cdn), 0);
	for (unsigned i = 0; i < 200; i++) {
		char text[20];
		rig_answer(&r, "192.0.2.1", "www.site.example", "site.example", DNS_A, 5, NS_PER_S);
		rig_add_name(&r, DNS_CNAME, "d111.cloudfront.net");
		snprintf(text, sizeof text, "60.%u.1.1", i);
		rig_add_address(&r, text, 60);
		r.a.zone.name = cdn.wire;
		assert_null(rig_finding(d, &r, DETECTOR_flux));
	}
	stop(d, c);
}

/* A flood of names neither makes the name forgotten nor one of them suspicious. */
static void a_flood_changes_nothing(void **state)
{
	(void)state;
	struct config *c = rig_config("detect: {flux.low: alert, clients: 100}\n");
	struct detect *d;
	assert_int_equal(detect_new(c, &d), 0);
	size_t bytes = detect_bytes(d);
	assert_true(spread(d, "a.flux.example", "flux.example", 60, 1, 60, DETECT_MEDIUM) > 0);
	for (unsigned i = 0; i < 50000; i++) {
		char name[40];
		snprintf(name, sizeof name, "decoy%u.example", i);
		rig_answer(&r, "192.0.2.9", name, name, DNS_A, 6, 1300 * NS_PER_S);
		rig_add_address(&r, "60.1.2.3", 60);
		assert_null(rig_finding(d, &r, DETECTOR_flux));
	}
	rig_answer(&r, "192.0.2.1", "a.flux.example", "flux.example", DNS_A, 5, 1300 * NS_PER_S);
	for (unsigned i = 0; i < 40; i++) {
		char text[20];
		snprintf(text, sizeof text, "%u.90.2.3", 160 + i);
		rig_add_address(&r, text, 60);
	}
	assert_non_null(rig_finding(d, &r, DETECTOR_flux));
	assert_int_equal(detect_bytes(d), bytes);
	stop(d, c);
}

/* Networks of five owners, as a deliverer of contents may have; and such as the database has not. */
static void owners_count_where_they_are_known(void **state)
{
	static const struct {
		const char *file;
		int confidence;
		bool is_found;
		unsigned least;
	} rows[] = {
		{ "five", DETECT_LOW, false, 0 },
		{ "networks", DETECT_LOW, true, 8 },
		{ "networks", DETECT_HIGH, true, 26 },
		{ "cut", DETECT_LOW, true, 12 }, /* as if there were none */
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[600];
		struct detect *d;
		snprintf(
			text, sizeof text,
			"detect: {flux: {low: alert, database: '%s/%s'}, addresses.enable: false}\n",
			folder, rows[i].file);
		struct config *c = rig_config(text);
		assert_int_equal(detect_new(c, &d), 0);
		int64_t n = spread(d, "a.flux.example", "flux.example", 60, 600, 200,
		                   rows[i].confidence);
		if (rows[i].is_found)
			assert_in_range(n, rows[i].least, rows[i].least + 4);
		else
			assert_int_equal(n, -1);
		stop(d, c);
	}
}

int main(int argc, char **argv)
{
	folder = argc > 1 ? argv[1] : ".";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_networks_in_a_day_are_flux),
		cmocka_unit_test(deliverers_are_left_alone),
		cmocka_unit_test(a_flood_changes_nothing),
		cmocka_unit_test(owners_count_where_they_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
