/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "answer_rig.h"

static struct rig_answer r;

static struct detect *start(struct config **ret_config)
{
	struct detect *d;
	*ret_config = rig_config("detect: {rebinding.low: alert}\n");
	assert_int_equal(detect_new(*ret_config, &d), 0);
	return d;
}

static void stop(struct detect *d, struct config *c)
{
	detect_free(d);
	config_free(c);
}

/* An answer with these addresses; the confidence, -1: nothing is said. */
static int answer(struct detect *d, const char *client, const char *name, const char *zone,
                  uint64_t now_s, uint32_t ttl_s, const char *first, const char *second)
{
	static struct addr private_addr;
	static const char *texts[2];
	rig_answer(&r, client, name, zone, DNS_A, 5, now_s * NS_PER_S);
	texts[0] = first;
	texts[1] = second;
	for (unsigned i = 0; i < 2 && texts[i] != NULL; i++) {
		struct addr a;
		assert_int_equal(addr_from_text(texts[i], strlen(texts[i]), &a), 0);
		rig_add_address(&r, texts[i], ttl_s);
		if (addr_is_private(&a)) {
			private_addr = a;
			r.a.private_addr = &private_addr;
		}
	}
	const struct detect_finding *f = rig_finding(d, &r, DETECTOR_rebinding);
	return f != NULL ? f->confidence : -1;
}

#define ZONE "attack-page.example"

static void a_name_that_turns_inwards_is_blocked(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	assert_int_equal(answer(d, "192.0.2.1", "a." ZONE, ZONE, 1000, 1, "203.0.113.7", NULL), -1);
	assert_int_equal(answer(d, "192.0.2.1", "a." ZONE, ZONE, 1060, 1, "192.168.1.1", NULL),
	                 DETECT_HIGH);
	const struct detect_finding *f = rig_finding(d, &r, DETECTOR_rebinding);
	assert_int_equal(f->action, DETECT_BLOCK);
	assert_int_equal(rig_evidence(f, "public_ago_s"), 60);
	assert_non_null(strstr(f->text, "192.168.1.1"));
	r.a.is_cached = true;
	assert_int_equal(rig_finding(d, &r, DETECTOR_rebinding)->confidence, DETECT_HIGH);
	/* Others, of the domain and of the clients, have seen nothing change. */
	assert_int_equal(answer(d, "192.0.2.1", "b." ZONE, ZONE, 1060, 1, "192.168.1.1", NULL),
	                 DETECT_LOW);
	assert_int_equal(answer(d, "192.0.2.2", "a." ZONE, ZONE, 1060, 1, "192.168.1.1", NULL),
	                 DETECT_LOW);
	/* An hour later it is another machine's address, perhaps. */
	assert_int_equal(answer(d, "192.0.2.1", "a." ZONE, ZONE, 5000, 1, "192.168.1.1", NULL),
	                 DETECT_LOW);
	stop(d, c);
}

static void other_private_addresses_are_not_blocked(void **state)
{
	(void)state;
	static const struct {
		const char *why, *name, *zone;
		uint32_t ttl_s;
		const char *first, *second;
		int confidence;
	} rows[] = {
		{ "public", "www." ZONE, ZONE, 1, "203.0.113.7", "203.0.113.8", -1 },
		{ "private", "nas." ZONE, ZONE, 300, "10.1.2.3", NULL, DETECT_LOW },
		{ "both, for ten minutes: a domain controller", "dc." ZONE, ZONE, 600,
		  "203.0.113.7", "10.1.2.3", DETECT_LOW },
		{ "both, for a moment", "x." ZONE, ZONE, 1, "203.0.113.7", "10.1.2.3",
		  DETECT_MEDIUM },
		{ "both, popular", "x.wikipedia.org", "wikipedia.org", 1, "203.0.113.7", "10.1.2.3",
		  DETECT_LOW },
	};
	struct config *c;
	struct detect *d = start(&c);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int confidence = answer(d, "192.0.2.1", rows[i].name, rows[i].zone, 1000,
		                        rows[i].ttl_s, rows[i].first, rows[i].second);
		if (confidence != rows[i].confidence)
			fail_msg("%s: %d", rows[i].why, confidence);
	}
	/* A popular name may change. */
	assert_int_equal(answer(d, "192.0.2.1", "y.wikipedia.org", "wikipedia.org", 1000, 1,
	                        "203.0.113.7", NULL),
	                 -1);
	assert_int_equal(answer(d, "192.0.2.1", "y.wikipedia.org", "wikipedia.org", 1010, 1,
	                        "10.1.2.3", NULL),
	                 DETECT_LOW);
	stop(d, c);
}

/* What the operator's own servers say of their zones is not the public DNS. */
static void forward_zones_are_left_alone(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	struct detect_result result;
	struct addr a;
	assert_int_equal(addr_from_text("10.1.2.3", 8, &a), 0);
	rig_answer(&r, "192.0.2.1", "a.corp.example", "corp.example", DNS_A, 0, NS_PER_S);
	rig_add_address(&r, "10.1.2.3", 1);
	rig_add_address(&r, "203.0.113.7", 1);
	r.a.private_addr = &a;
	r.a.first.is_forward = r.a.zone.is_forward = true;
	detect_answer(d, &r.a, &result);
	assert_int_equal(result.findings.n, 0);
	stop(d, c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_turns_inwards_is_blocked),
		cmocka_unit_test(other_private_addresses_are_not_blocked),
		cmocka_unit_test(forward_zones_are_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
