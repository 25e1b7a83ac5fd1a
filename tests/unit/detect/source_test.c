/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Seen through a detector that uses it: whose answers it counts, and together with which. */
#include "detect/source.h"

#include "answer_rig.h"

static struct detect *start(struct config **ret_config)
{
	struct detect *d;
	*ret_config = rig_config("detect:\n  payload.low: alert\n  payload.burst: 1000\n");
	assert_int_equal(detect_new(*ret_config, &d), 0);
	return d;
}

/* An answer with that many bytes nobody has seen; what is said of it. */
static const struct detect_finding *tell(struct detect *d, const char *name, const char *zone,
                                         uint64_t servers, bool is_forward, size_t n)
{
	static struct rig_answer r;
	static unsigned serial;
	char text[4096];
	rig_answer(&r, "192.0.2.1", name, zone, DNS_TXT, servers, 1000 * NS_PER_S);
	r.a.zone.is_forward = r.a.first.is_forward = is_forward;
	memset(text, 'a', sizeof text);
	for (size_t i = 0; i + 20 < n; i += 20)
		snprintf(text + i, 21, "some words: %08u", serial++);
	rig_add_text(&r, text, n);
	return rig_finding(d, &r, DETECTOR_payload);
}

static void whose_answers_count(void **state)
{
	(void)state;
	static const struct {
		const char *why, *name, *zone;
		bool is_forward, counts;
	} rows[] = {
		{ "anybody's", "a.unknown-domain.example", "unknown-domain.example", false, true },
		{ "the operator's own servers", "a.corp.example", "corp.example", true, false },
		{ "a forwarder of everything", "a.unknown-domain.example", ".", true, true },
		{ "a registry", "com", "com", false, false },
		{ "a list", "2.0.0.127.zen.spamhaus.org", "zen.spamhaus.org", false, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config *c;
		struct detect *d = start(&c);
		const struct detect_finding *f =
			tell(d, rows[i].name, rows[i].zone, rows[i].is_forward ? 0 : 7,
		             rows[i].is_forward, 2000);
		if ((f != NULL) != rows[i].counts)
			fail_msg("%s", rows[i].why);
		detect_free(d);
		config_free(c);
	}
}

/* Names below one registered domain, and domains with the same servers, are counted together. */
static void what_belongs_together_is_counted_together(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	assert_null(tell(d, "a.one.example", "one.example", 1, false, 700));
	assert_non_null(tell(d, "b.one.example", "one.example", 1, false, 700));
	unsigned n = 0;
	for (; n < 20; n++) {
		char zone[32];
		snprintf(zone, sizeof zone, "d%u.example", n);
		if (tell(d, zone, zone, 2, false, 700) != NULL)
			break;
	}
	assert_in_range(n, 3, 6);
	assert_null(tell(d, "other.example", "other.example", 3, false, 700));
	detect_free(d);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whose_answers_count),
		cmocka_unit_test(what_belongs_together_is_counted_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
