/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rcu.h"
#include "detect/detector.h"
#include "rig.h"

static struct detect_finding finding(unsigned detector, unsigned confidence, unsigned action)
{
	return (struct detect_finding){ .detector = (uint8_t)detector,
		                        .confidence = (uint8_t)confidence,
		                        .action = (uint8_t)action };
}

static void the_strongest_findings_stay(void **state)
{
	(void)state;
	struct detect_findings all = { 0 }, more = { 0 };
	assert_null(detect_strongest(&all));
	for (unsigned i = 0; i < DETECT_FINDINGS_MAX; i++)
		more.at[more.n++] = finding(i, DETECT_LOW, DETECT_ALERT);
	detect_findings_add(&all, &more);
	detect_findings_add(&all, &more); /* the same again is once */
	assert_int_equal(all.n, DETECT_FINDINGS_MAX);
	more.n = 1;
	more.at[0] = finding(9, DETECT_HIGH, DETECT_BLOCK);
	detect_findings_add(&all, &more);
	assert_int_equal(all.n, DETECT_FINDINGS_MAX);
	assert_int_equal(detect_strongest(&all)->detector, 9);
	more.at[0] = finding(10, DETECT_LOW, DETECT_ALLOW);
	detect_findings_add(&all, &more);
	for (unsigned i = 0; i < all.n; i++)
		assert_int_not_equal(all.at[i].detector, 10);
}

/* Ask for so many different names that the leak budget is far exceeded; what came of the last. */
static struct detect_result flood(struct detect *d, uint16_t group, const char *client)
{
	struct detect_result r;
	static struct rig_packet p;
	for (unsigned i = 0; i < 400; i++) {
		char name[80];
		snprintf(name, sizeof name, "%08x%08x%08x.tunnel.example", i * 2654435761U,
		         i * 40503U, i ^ 0x5bd1e995U);
		rig_packet(&p, client, name, "tunnel.example", DNS_TXT, 7,
		           NS_PER_S + i * NS_PER_MS);
		p.q.group = group;
		detect_question(d, &p.q, &r);
	}
	return r;
}

static void the_group_says_what_is_done(void **state)
{
	(void)state;
	struct config *c = rig_config(
		"groups:\n"
		"  - {name: usual, clients: [192.0.2.0/25]}\n"
		"  - {name: watched, clients: [192.0.2.128/25], detect: [\"leak=alert\"]}\n"
		"  - {name: left, clients: [198.51.100.0/24], detect: [\"all=allow\"]}\n");
	struct detect *d;
	assert_int_equal(detect_new(c, &d), 0);
	struct detect_result r = flood(d, 0, "192.0.2.1");
	assert_int_equal(r.outcome, DETECT_BLOCKED);
	assert_int_equal(detect_strongest(&r.findings)->action, DETECT_BLOCK);
	assert_int_equal(detect_strongest(&r.findings)->confidence, DETECT_HIGH);
	assert_true(detect_strongest(&r.findings)->n_evidence > 2);
	r = flood(d, 1, "192.0.2.129");
	assert_int_equal(r.outcome, DETECT_PASS);
	assert_int_equal(detect_strongest(&r.findings)->action, DETECT_ALERT);
	r = flood(d, 2, "198.51.100.1");
	assert_int_equal(r.outcome, DETECT_PASS);
	assert_int_equal(r.findings.n, 0);
	struct detect_counts n;
	detect_count(d, DETECTOR_leak, &n);
	assert_int_equal(n.asked, 1200);
	assert_true(n.high > 0 && n.medium > 0 && n.blocked > 0 && n.alerted > 0 &&
	            n.throttled > 0);
	detect_free(d);
	config_free(c);
}

static void who_is_muted_passes_and_is_told(void **state)
{
	(void)state;
	struct config *c = rig_config("{}\n");
	struct detect *d;
	struct detect_mute mute = { .detector = DETECTOR_leak };
	assert_int_equal(detect_new(c, &d), 0);
	assert_int_equal(name_from_text("tunnel.example", 14, &mute.zone), 0);
	assert_int_equal(detect_set_mutes(d, &mute, 1), 0);
	struct detect_result r = flood(d, 0, "192.0.2.1");
	assert_int_equal(r.outcome, DETECT_PASS);
	assert_true(r.findings.n > 0 && r.findings.at[0].is_muted);
	assert_int_equal(r.findings.at[0].action, DETECT_ALLOW);
	assert_int_equal(detect_set_mutes(d, NULL, 0), 0);
	r = flood(d, 0, "192.0.2.1");
	assert_int_equal(r.outcome, DETECT_BLOCKED);
	detect_free(d);
	config_free(c);
}

static void settings_change_while_running(void **state)
{
	(void)state;
	struct config *c = rig_config("{}\n");
	struct config *off = rig_config("detect: {leak: {enable: false}}\n");
	struct detect *d;
	assert_int_equal(detect_new(c, &d), 0);
	assert_int_equal(detect_configure(d, off), 0);
	config_free(off);
	struct detect_result r = flood(d, 0, "192.0.2.1");
	assert_int_equal(r.outcome, DETECT_PASS);
	assert_int_equal(r.findings.n, 0);
	assert_int_equal(detect_configure(d, c), 0);
	config_free(c);
	r = flood(d, 0, "192.0.2.1");
	assert_int_equal(r.outcome, DETECT_BLOCKED);
	detect_free(d);
}

static void switched_off_there_is_nothing(void **state)
{
	(void)state;
	struct config *c = rig_config("detect: {enable: false}\n");
	struct detect *d = (struct detect *)c;
	assert_int_equal(detect_new(c, &d), 0);
	assert_null(d);
	detect_free(d);
	assert_int_equal(detect_configure(d, c), 0);
	config_free(c);
}

static void memory_is_bounded(void **state)
{
	(void)state;
	struct config *c = rig_config("{}\n");
	struct detect *d;
	assert_int_equal(detect_new(c, &d), 0);
	if (detect_bytes(d) > 64 << 20)
		fail_msg("%zu bytes for %u clients", detect_bytes(d), c->detect.clients);
	detect_free(d);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_strongest_findings_stay),
		cmocka_unit_test(the_group_says_what_is_done),
		cmocka_unit_test(who_is_muted_passes_and_is_told),
		cmocka_unit_test(settings_change_while_running),
		cmocka_unit_test(switched_off_there_is_nothing),
		cmocka_unit_test(memory_is_bounded),
	};
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
