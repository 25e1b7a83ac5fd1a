/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rcu.h"
#include "detect/detector.h"
#include "rig.h"

static struct config *config;
static struct detect *d;

static int start(void **state)
{
	(void)state;
	config = rig_config(
		"detect:\n  lookalike: { low: throttle, medium: throttle, high: block, domains: [acme.example] }\n");
	return detect_new(config, &d);
}

static int stop(void **state)
{
	(void)state;
	detect_free(d);
	config_free(config);
	return 0;
}

static const uint8_t nobody[] = { 192, 0, 2, 7 }, *address = nobody;

static const struct detect_finding *own(const struct detect_result *r)
{
	for (unsigned i = 0; i < r->findings.n; i++)
		if (r->findings.at[i].detector == DETECTOR_lookalike)
			return &r->findings.at[i];
	return NULL;
}

static const struct detect_finding *ask(const char *name, uint16_t type, bool is_first)
{
	static struct detect_result r;
	static struct rig_packet p;
	rig_packet(&p, "192.0.2.1", name, "com", type, 1, NS_PER_S);
	p.q.is_first = is_first;
	detect_question(d, &p.q, &r);
	return own(&r);
}

static const struct detect_finding *answer_aged(const char *name, uint8_t rcode, unsigned n_rrs,
                                                bool is_cached, uint32_t age_s)
{
	static struct detect_result r;
	static struct rig_packet p;
	struct rr rr = { .type = 1, .rdata = address, .rdata_len = 4 };
	rig_packet(&p, "192.0.2.1", name, "com", 1, 1, NS_PER_S);
	struct detect_answer a = { .client = &p.client,
		                   .question = p.name.wire,
		                   .type = 1,
		                   .rcode = rcode,
		                   .is_cached = is_cached,
		                   .has_age = !is_cached && age_s != UINT32_MAX,
		                   .age_s = age_s,
		                   .rrs = &rr,
		                   .n_rrs = n_rrs,
		                   .zone = p.q.zone,
		                   .now_ns = NS_PER_S };
	detect_answer(d, &a, &r);
	return own(&r);
}

static const struct detect_finding *answer(const char *name, uint8_t rcode, unsigned n_rrs,
                                           bool is_cached)
{
	return answer_aged(name, rcode, n_rrs, is_cached, 0);
}

static int confidence(const struct detect_finding *f)
{
	return f != NULL ? (int)f->confidence : -1;
}

static void before_the_packet(void **state)
{
	(void)state;
	assert_int_equal(confidence(ask("paypal-login.best", 1, true)), DETECT_MEDIUM);
	assert_int_equal(confidence(ask("www.facebok.best", 28, true)), DETECT_LOW);
	const struct detect_finding *f = ask("paypal.com.verify-account.best", 65, true);
	assert_int_equal(confidence(f), DETECT_HIGH);
	assert_int_equal(f->action, DETECT_BLOCK);
	assert_non_null(strstr(f->text, "looks like paypal.com"));
	assert_in_range(f->n_evidence, 2, DETECT_EVIDENCE_MAX);
	assert_int_equal(confidence(ask("xn--pypal-4ve.best", 1, true)), DETECT_HIGH);
	/* Once a name, and for those who visit or write. */
	assert_null(ask("paypal-login.best", 1, false));
	assert_null(ask("paypal-login.best", 16, true));
	assert_non_null(ask("paypal-login.best", 15, true));
}

static void who_is_left_alone(void **state)
{
	(void)state;
	static const char *const names[] = {
		"www.paypal.com",
		"facebok.com",                /* popular */
		"www.google.com.edgekey.net", /* a vendor */
		"_dmarc.paypal-login.best",   /* what mail servers ask */
		"paypal.com.localdomain",     /* no such suffix */
		"paypal-login.lan",
		"paypal.com.acme.example", /* the operator's */
		"1.2.0.192.in-addr.arpa",
		"com",
		".",
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (ask(names[i], 1, true) != NULL && i != 1 && i != 6)
			fail_msg("%s", names[i]);
		assert_null(answer(names[i], 0, 0, false));
	}
	assert_null(answer("paypal.com.acme.example", 0, 1, false));
}

static void search_lists_are_told_by_the_answer(void **state)
{
	(void)state;
	assert_null(ask("www.paypal.com.some-office.net", 1, true));
	assert_null(answer("www.paypal.com.some-office.net", RCODE_NXDOMAIN, 0, false));
	assert_null(answer("www.paypal.com.some-office.net", RCODE_NOERROR, 0, false));
	assert_int_equal(
		confidence(answer("www.paypal.com.some-office.net", RCODE_NOERROR, 1, false)),
		DETECT_MEDIUM);
	/* Also where the answer comes from the cache. */
	assert_int_equal(
		confidence(answer("www.paypal.com.some-office.net", RCODE_NOERROR, 1, true)),
		DETECT_MEDIUM);
	/* What was found before the packet is not found again. */
	assert_null(answer("paypal-login.best", RCODE_NOERROR, 1, false));
}

/* Libraries' proxies and deliverers of contents, which are known for long. */
static void below_a_known_domain_it_takes_a_lure(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint32_t age_s;
		int confidence;
	} rows[] = {
		{ "ad.xiaomi.com.old-cdn.net", UINT32_MAX, DETECT_LOW },
		{ "ad.xiaomi.com.old-cdn.net", 7 * 86400, DETECT_LOW },
		{ "ad.xiaomi.com.new-cdn.net", 7 * 86400 - 1, DETECT_MEDIUM },
		{ "login.paypal.com.old-cdn.net", UINT32_MAX, DETECT_MEDIUM },
		{ "a.secure-id.paypal.com.old-cdn.net", UINT32_MAX, DETECT_MEDIUM },
		{ "paypal.com-old.net", UINT32_MAX, DETECT_MEDIUM },
		{ "acme.example.old-cdn.net", UINT32_MAX, DETECT_MEDIUM }, /* the operator's own */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(confidence(answer_aged(rows[i].name, 0, 1, false, rows[i].age_s)),
		                 rows[i].confidence);
	assert_int_equal(confidence(answer("ad.xiaomi.com.old-cdn.net", 0, 1, true)), DETECT_LOW);
}

/* What is neither sure nor to be stopped is a slip of the pen, until something answers. */
static void what_is_only_told_waits_for_the_answer(void **state)
{
	(void)state;
	struct detect *strict = d;
	struct config *c = rig_config("detect:\n  lookalike: { low: alert }\n");
	assert_int_equal(detect_new(c, &d), 0);
	assert_null(ask("paypal-login.best", 1, true));
	assert_null(ask("paypa1.best", 1, true));
	assert_null(ask("facebok.best", 1, true));
	assert_int_equal(confidence(ask("xn--pypal-4ve.best", 1, true)), DETECT_HIGH);
	assert_int_equal(confidence(ask("paypal.com.verify-account.best", 1, true)), DETECT_HIGH);
	assert_null(answer("paypal-login.best", RCODE_NXDOMAIN, 0, false));
	assert_null(answer("paypal-login.best", RCODE_NOERROR, 0, false));
	assert_int_equal(confidence(answer("paypal-login.best", 0, 1, false)), DETECT_MEDIUM);
	assert_int_equal(confidence(answer("paypa1.best", 0, 1, true)), DETECT_MEDIUM);
	assert_int_equal(confidence(answer("facebok.best", 0, 1, false)), DETECT_LOW);
	assert_null(answer("xn--pypal-4ve.best", 0, 1, false));
	/* Where it leads to somebody who keeps it for the brand's owner. */
	static const uint8_t keeper[] = { 3, 33, 139, 32 };
	address = keeper;
	assert_int_equal(confidence(answer("confirm-paypal.best", 0, 1, false)), DETECT_LOW);
	address = nobody;
	assert_int_equal(confidence(answer("confirm-paypal.best", 0, 1, false)), DETECT_MEDIUM);
	detect_free(d);
	config_free(c);
	d = strict;
}

static void the_operators_own_domains(void **state)
{
	(void)state;
	assert_int_equal(confidence(ask("acme.best", 1, true)), DETECT_MEDIUM);
	assert_int_equal(confidence(ask("acme-login.best", 1, true)), DETECT_MEDIUM);
	assert_null(ask("www.acme.example", 1, true));
	assert_null(ask("acmeology.best", 1, true));
}

static bool explains(const char *name, const char *what)
{
	static struct detect_facts facts;
	static struct rig_packet p;
	rig_packet(&p, "192.0.2.1", name, "com", 1, 1, NS_PER_S);
	detect_explain(d, &p.q, &facts);
	for (unsigned i = 0; i < facts.n; i++)
		if (facts.at[i].detector == DETECTOR_lookalike &&
		    strstr(facts.at[i].text, what) != NULL)
			return true;
	return false;
}

static void it_explains(void **state)
{
	(void)state;
	assert_true(explains("paypal-login.best", "looks like paypal.com (a known brand)"));
	assert_true(explains("paypal-login.best", "confidence medium"));
	assert_true(explains("acme.best", "acme.example (your own)"));
	assert_false(explains("www.paypal.com", ""));
}

static void its_memory_is_small(void **state)
{
	(void)state;
	assert_true(detector_lookalike.bytes(NULL) == 0);
	void *own_state;
	assert_int_equal(detector_lookalike.start(config, &own_state), 0);
	assert_in_range(detector_lookalike.bytes(own_state), 100000, 4 << 20);
	detector_lookalike.stop(own_state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_the_packet),
		cmocka_unit_test(who_is_left_alone),
		cmocka_unit_test(search_lists_are_told_by_the_answer),
		cmocka_unit_test(below_a_known_domain_it_takes_a_lure),
		cmocka_unit_test(what_is_only_told_waits_for_the_answer),
		cmocka_unit_test(the_operators_own_domains),
		cmocka_unit_test(it_explains),
		cmocka_unit_test(its_memory_is_small),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
