/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

static void rules_are_read(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct {
		const char *text;
		int result;
		unsigned detector, confidence, action;
	} rows[] = {
		{ "leak=alert", 0, DETECTOR_leak, DETECT_CONFIDENCES, DETECT_ALERT },
		{ "leak.high=allow", 0, DETECTOR_leak, DETECT_HIGH, DETECT_ALLOW },
		{ "leak.low=throttle", 0, DETECTOR_leak, DETECT_LOW, DETECT_THROTTLE },
		{ "all=block", 0, N_DETECTORS, DETECT_CONFIDENCES, DETECT_BLOCK },
		{ "all.medium=alert", 0, N_DETECTORS, DETECT_MEDIUM, DETECT_ALERT },
		{ "", -EINVAL, 0, 0, 0 }, { "leak", -EINVAL, 0, 0, 0 }, { "=alert", -EINVAL, 0, 0, 0 },
		{ "leak=", -EINVAL, 0, 0, 0 }, { "leak=off", -EINVAL, 0, 0, 0 },
		{ "leaks=alert", -EINVAL, 0, 0, 0 }, { "leak.=alert", -EINVAL, 0, 0, 0 },
		{ "leak.sure=alert", -EINVAL, 0, 0, 0 }, { "leak.high=alerts", -EINVAL, 0, 0, 0 },
		{ "leak=high.alert", -EINVAL, 0, 0, 0 },
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct config_detect_rule rule;
		int e = config_detect_rule_from_text(rows[i].text, &rule);
		if (e != rows[i].result)
			fail_msg("'%s': %d", rows[i].text, e);
		if (e != 0)
			continue;
		assert_int_equal(rule.detector, rows[i].detector);
		assert_int_equal(rule.confidence, rows[i].confidence);
		assert_int_equal(rule.action, rows[i].action);
	}
}

static struct config *load(const char *text, unsigned *ret_errors)
{
	struct config *c = NULL;
	struct config_problems problems = { 0 };
	if (config_load_text("weir.yaml", text, strlen(text), &c, &problems) != 0)
		c = NULL;
	*ret_errors = problems.n_errors;
	config_problems_done(&problems);
	return c;
}

static void groups_differ_from_what_is_usual(void **state)
{
	(void)state;
	unsigned n_errors;
	struct config *c = load("detect:\n"
	                        "  clients: 500\n"
	                        "  leak:\n"
	                        "    low: allow\n"
	                        "    rate: 100\n"
	                        "groups:\n"
	                        "  - name: a\n"
	                        "    clients: [192.0.2.0/24]\n"
	                        "  - name: b\n"
	                        "    clients: [198.51.100.0/24]\n"
	                        "    detect: [\"all=alert\", \"leak.high=throttle\"]\n",
	                        &n_errors);
	assert_non_null(c);
	assert_int_equal(n_errors, 0);
	assert_int_equal(c->detect.clients, 500);
	assert_int_equal(c->detect.leak_rate, 100);
	assert_true(config_detector_is_on(c, DETECTOR_leak));
	assert_int_equal(config_detect_action(c, 0, DETECTOR_leak, DETECT_LOW), DETECT_ALLOW);
	assert_int_equal(config_detect_action(c, 0, DETECTOR_leak, DETECT_HIGH), DETECT_BLOCK);
	assert_int_equal(config_detect_action(c, 1, DETECTOR_leak, DETECT_LOW), DETECT_ALERT);
	assert_int_equal(config_detect_action(c, 1, DETECTOR_leak, DETECT_HIGH), DETECT_THROTTLE);
	assert_int_equal(config_detect_action(c, 9, DETECTOR_leak, DETECT_HIGH), DETECT_BLOCK);
	config_free(c);
}

static void what_is_wrong_is_told(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"detect: {leak: {rates: 1}}\n",
		"detect: {leek: {rate: 1}}\n",
		"detect: {leak: {rate: x}}\n",
		"detect: {leak: 1}\n",
		"detect: {leak: {high: off}}\n",
		"groups: [{name: a, clients: [192.0.2.1], detect: [\"leak=off\"]}]\n",
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		unsigned n_errors;
		struct config *c = load(texts[i], &n_errors);
		if (c != NULL || n_errors != 1)
			fail_msg("%s: %u errors", texts[i], n_errors);
	}
}

static void a_detector_is_switched_off(void **state)
{
	(void)state;
	unsigned n_errors;
	struct config *c = load("detect: {leak: {enable: false}}\n", &n_errors);
	assert_non_null(c);
	assert_false(config_detector_is_on(c, DETECTOR_leak));
	config_free(c);
	c = load("detect: {enable: false}\n", &n_errors);
	assert_non_null(c);
	assert_false(config_detector_is_on(c, DETECTOR_leak));
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_read),
		cmocka_unit_test(groups_differ_from_what_is_usual),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(a_detector_is_switched_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
