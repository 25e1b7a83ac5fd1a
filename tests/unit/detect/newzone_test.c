/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "answer_rig.h"

static struct rig_answer r;

enum {
	DAY_S = 86400
};

/* A question for a domain of that age; the confidence, -1: nothing. */
static int answer(struct detect *d, const char *zone, uint32_t age_s, uint64_t servers,
                  const char *address, uint64_t now_s)
{
	rig_answer(&r, "192.0.2.1", zone, zone, DNS_A, servers, now_s * NS_PER_S);
	rig_add_address(&r, address, 300);
	r.a.has_age = age_s != UINT32_MAX;
	r.a.age_s = age_s;
	const struct detect_finding *f = rig_finding(d, &r, DETECTOR_newzone);
	return f != NULL ? f->confidence : -1;
}

static void what_is_new_is_told_by_how_much_of_it_is(void **state)
{
	(void)state;
	static const struct {
		const char *why, *zone;
		uint32_t age_s;
		uint64_t servers;
		const char *address;
		int confidence;
	} rows[] = {
		{ "known", "old.example", UINT32_MAX, 1, "60.1.2.3", -1 },
		{ "two days", "young.example", 2 * DAY_S, 1, "60.1.2.3", -1 },
		{ "new, at a known hoster", "a.example", 0, 1, "60.1.9.9", DETECT_LOW },
		{ "new servers", "b.example", 60, 2, "60.1.9.9", DETECT_MEDIUM },
		{ "now they are known", "c.example", 60, 2, "60.1.9.9", DETECT_LOW },
		{ "all is new", "d.example", 60, 3, "61.1.2.3", DETECT_HIGH },
		{ "popular", "wikipedia.org", 60, 4, "62.1.2.3", -1 },
	};
	struct config *c = rig_config(
		"detect: {newzone.low: alert, newzone.medium: alert, newzone.high: alert}\n");
	struct detect *d;
	assert_int_equal(detect_new(c, &d), 0);
	/* On the first day all servers are known. */
	assert_int_equal(answer(d, "first.example", 0, 1, "60.1.2.3", 1000), DETECT_LOW);
	assert_int_equal(answer(d, "second.example", 0, 9, "69.1.2.3", 2000), DETECT_LOW);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int confidence = answer(d, rows[i].zone, rows[i].age_s, rows[i].servers,
		                        rows[i].address, 1000 + DAY_S + i);
		if (confidence != rows[i].confidence)
			fail_msg("%s: %d", rows[i].why, confidence);
	}
	/* From the cache, or where nothing came: nothing. */
	assert_int_equal(answer(d, "e.example", 0, 1, "60.1.2.3", 2000 + DAY_S), DETECT_LOW);
	r.a.is_cached = true;
	assert_null(rig_finding(d, &r, DETECTOR_newzone));
	r.a.is_cached = false;
	r.a.rcode = RCODE_NXDOMAIN;
	assert_null(rig_finding(d, &r, DETECTOR_newzone));
	detect_free(d);
	config_free(c);
}

static void it_is_counted_and_no_more(void **state)
{
	(void)state;
	struct config *c = rig_config("detect: {}\n");
	struct detect *d;
	struct detect_counts counts;
	assert_int_equal(detect_new(c, &d), 0);
	assert_int_equal(answer(d, "new.example", 0, 1, "60.1.2.3", 1000), -1);
	detect_count(d, DETECTOR_newzone, &counts);
	assert_int_equal(counts.low, 1);
	assert_int_equal(counts.alerted, 0);
	detect_free(d);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_new_is_told_by_how_much_of_it_is),
		cmocka_unit_test(it_is_counted_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
