/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <unistd.h>

#include "base/rcu.h"
#include "detect/detector.h"
#include "rig.h"
#include "tiny_model.h"

static char model_path[] = "/tmp/weir-dga-XXXXXX";

/* 3 of evidence for labels of more than ten letters, -2 for others; all look like "second". */
static int make_model(void **state)
{
	struct tiny t;
	struct dga_numbers k;
	(void)state;
	tiny_make(&t, &k);
	*tiny_number(&t, k.sums + DGA_LEVEL_LOW) = 8;
	*tiny_number(&t, k.sums + DGA_LEVEL_MEDIUM) = 17;
	*tiny_number(&t, k.sums + DGA_LEVEL_HIGH) = 26;
	*tiny_number(&t, k.family_0 + 1) = 5;
	tiny_seal(&t);
	int fd = mkstemp(model_path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, t.bytes, t.n), t.n);
	close(fd);
	free(t.bytes);
	return 0;
}

static int drop_model(void **state)
{
	(void)state;
	return unlink(model_path);
}

static struct detect *start(struct config **ret_config, const char *path)
{
	char text[256];
	struct detect *d;
	snprintf(
		text, sizeof text,
		"detect:\n  dga.model: %s\n  dga.low: alert\n  dga.medium: alert\n  dga.high: block\n",
		path);
	*ret_config = rig_config(text);
	assert_int_equal(detect_new(*ret_config, &d), 0);
	return d;
}

static void stop(struct detect *d, struct config *c)
{
	detect_free(d);
	config_free(c);
}

struct asked {
	const char *client, *name, *zone;
	uint8_t rcode;
	bool is_cached;
};

/* The dga's finding about an answer; NULL if there is none. */
static const struct detect_finding *answer(struct detect *d, const struct asked *a)
{
	static struct detect_result r;
	static struct rig_packet p;
	rig_packet(&p, a->client, a->name, a->zone, 1, 1, 1000 * NS_PER_S);
	struct detect_answer given = { .client = &p.client,
		                       .question = p.name.wire,
		                       .type = 1,
		                       .rcode = a->rcode,
		                       .is_cached = a->is_cached,
		                       .zone = p.q.zone,
		                       .now_ns = 1000 * NS_PER_S };
	detect_answer(d, &given, &r);
	for (unsigned i = 0; i < r.findings.n; i++)
		if (r.findings.at[i].detector == DETECTOR_dga)
			return &r.findings.at[i];
	return NULL;
}

/* Names from `from` on that do not exist; the last finding. */
static const struct detect_finding *fail_names(struct detect *d, const char *client, unsigned from,
                                               unsigned n, const char *prefix)
{
	const struct detect_finding *f = NULL;
	for (unsigned i = from; i < from + n; i++) {
		char name[64];
		snprintf(name, sizeof name, "%s%u.com", prefix, i);
		f = answer(d, &(struct asked){ client, name, "com", RCODE_NXDOMAIN, false });
	}
	return f;
}

static int64_t evidence(const struct detect_finding *f, const char *name)
{
	for (unsigned i = 0; i < f->n_evidence; i++)
		if (strcmp(f->evidence[i].name, name) == 0)
			return f->evidence[i].value;
	fail_msg("no evidence %s", name);
	return 0;
}

static void names_that_fail_add_up(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, model_path);
	const struct detect_finding *f;
	/* Five at least, whatever the sum; thick failures bring 0.9 each from the fourth on. */
	assert_null(fail_names(d, "192.0.2.1", 0, 4, "generatedname"));
	f = fail_names(d, "192.0.2.1", 4, 1, "generatedname");
	assert_non_null(f);
	assert_int_equal(f->confidence, DETECT_LOW);
	assert_in_range(evidence(f, "sum_hundredths"), 1660, 1680);
	assert_int_equal(evidence(f, "failed"), 5);
	f = fail_names(d, "192.0.2.1", 5, 1, "www.generatedname");
	assert_int_equal(f->confidence, DETECT_MEDIUM);
	assert_int_equal(f->action, DETECT_ALERT);
	assert_non_null(strstr(f->text, "second"));
	/* Another client has done nothing. */
	assert_null(fail_names(d, "192.0.2.2", 20, 1, "generatedname"));
	stop(d, c);
}

static void a_name_counts_once_a_client(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, model_path);
	for (unsigned i = 0; i < 30; i++)
		assert_null(fail_names(d, "192.0.2.1", 1, 1, "generatedname"));
	/* What others asked for before counts, too: the cache knows that it does not exist. */
	for (unsigned i = 0; i < 4; i++)
		assert_null(answer(d, &(struct asked){ "192.0.2.1",
		                                       i == 0   ? "firstgenerated.com"
		                                       : i == 1 ? "secondgenerated.com"
		                                       : i == 2 ? "firstgenerated.com"
		                                                : "thirdgenerated.com",
		                                       "com", RCODE_NXDOMAIN, true }));
	assert_non_null(fail_names(d, "192.0.2.1", 2, 1, "generatedname"));
	stop(d, c);
}

static void ordinary_names_are_evidence_against(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, model_path);
	assert_null(fail_names(d, "192.0.2.1", 0, 100, "short"));
	/* Typing errors between: half of what they say counts. */
	assert_null(fail_names(d, "192.0.2.1", 0, 4, "generatedname"));
	assert_null(fail_names(d, "192.0.2.1", 100, 8, "short"));
	assert_null(fail_names(d, "192.0.2.1", 4, 1, "generatedname"));
	stop(d, c);
}

static void what_is_no_evidence(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, model_path);
	for (unsigned i = 0; i < 200; i++) {
		char name[128];
		static const char *const before[] = {
			"_ldap._tcp.generatedname", /* directories */
			"generatedname",            /* one label: what browsers try */
			"", "h",                    /* the domain is there, its host is not */
		};
		static const char *const behind[] = { ".com", "", ".2.0.192.in-addr.arpa",
			                              ".existingdomain.com" };
		static const char *const zones[] = { "com", ".", "in-addr.arpa",
			                             "existingdomain.com" };
		snprintf(name, sizeof name, "%s%u%s", before[i % 4], i, behind[i % 4]);
		assert_null(answer(d, &(struct asked){ "192.0.2.1", name, zones[i % 4],
		                                       RCODE_NXDOMAIN, false }));
	}
	/* Nothing came: nobody knows. */
	for (unsigned i = 0; i < 50; i++) {
		char name[64];
		snprintf(name, sizeof name, "generatedname%u.com", i);
		assert_null(answer(
			d, &(struct asked){ "192.0.2.1", name, "com", RCODE_SERVFAIL, false }));
	}
	stop(d, c);
}

static void new_names_that_exist_weigh_half(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, model_path);
	const struct detect_finding *f = NULL;
	unsigned n = 0;
	while (f == NULL && n < 50) {
		char name[64];
		snprintf(name, sizeof name, "generatedname%u.com", n++);
		/* Somebody else was first with every second one. */
		if (n % 2 == 0)
			answer(d, &(struct asked){ "192.0.2.9", name, name, RCODE_NOERROR, false });
		f = answer(d, &(struct asked){ "192.0.2.1", name, name, RCODE_NOERROR, false });
		assert_null(
			answer(d, &(struct asked){ "192.0.2.1", name, name, RCODE_NOERROR, true }));
	}
	/* 1.5 each: six of eleven make more than eight. */
	assert_int_equal(n, 11);
	assert_int_equal(evidence(f, "failed"), 0);
	stop(d, c);
}

/* Advertisers generate names that all exist. */
static void it_takes_failures_to_be_sure(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, model_path);
	const struct detect_finding *f = NULL;
	for (unsigned i = 0; i < 100; i++) {
		char name[64];
		snprintf(name, sizeof name, "generatedname%u.com", i);
		f = answer(d, &(struct asked){ "192.0.2.1", name, name, RCODE_NOERROR, false });
		assert_true(f == NULL || f->confidence == DETECT_LOW);
	}
	assert_non_null(f);
	f = fail_names(d, "192.0.2.1", 100, 2, "generatedname");
	assert_int_equal(f->confidence, DETECT_LOW);
	f = fail_names(d, "192.0.2.1", 102, 1, "generatedname");
	assert_int_equal(f->confidence, DETECT_HIGH);
	stop(d, c);
}

static void the_next_name_of_a_sure_case_can_be_blocked(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, model_path);
	struct detect_result r;
	static struct rig_packet p;
	rig_packet(&p, "192.0.2.1", "anothergeneratedname.com", "com", 1, 1, 1000 * NS_PER_S);
	detect_question(d, &p.q, &r);
	assert_int_equal(r.outcome, DETECT_PASS);
	fail_names(d, "192.0.2.1", 0, 10, "generatedname");
	detect_question(d, &p.q, &r);
	assert_int_equal(r.outcome, DETECT_BLOCKED);
	/* An ordinary name of the same client passes, and so does the name for others. */
	rig_packet(&p, "192.0.2.1", "ordinary.com", "com", 1, 1, 1000 * NS_PER_S);
	detect_question(d, &p.q, &r);
	assert_int_equal(r.outcome, DETECT_PASS);
	rig_packet(&p, "192.0.2.2", "anothergeneratedname.com", "com", 1, 1, 1000 * NS_PER_S);
	detect_question(d, &p.q, &r);
	assert_int_equal(r.outcome, DETECT_PASS);
	stop(d, c);
}

static bool explains(struct detect *d, const char *name, const char *what)
{
	static struct detect_facts facts;
	static struct rig_packet p;
	rig_packet(&p, "192.0.2.1", name, "com", 1, 1, 1000 * NS_PER_S);
	detect_explain(d, &p.q, &facts);
	for (unsigned i = 0; i < facts.n; i++)
		if (facts.at[i].detector == DETECTOR_dga && strstr(facts.at[i].text, what) != NULL)
			return true;
	return false;
}

static void it_explains(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c, model_path);
	assert_true(explains(d, "short.com", "more than one in 100 ordinary domains"));
	assert_true(explains(d, "generatedname.com", "evidence +3.0, most like second"));
	assert_true(explains(d, "abcdefghijklmnop.com", "one in 1,000"));
	assert_true(explains(d, "com", "no evidence"));
	assert_false(explains(d, "short.com", "this client"));
	fail_names(d, "192.0.2.1", 0, 2, "generatedname");
	assert_true(
		explains(d, "short.com", "this client: 2 names, 2 of them do not exist; sum 6.0"));
	stop(d, c);
}

static void without_a_model_it_says_nothing(void **state)
{
	(void)state;
	static const char *const paths[] = { "/nonexistent/dga.model", "/dev/null", "/etc/passwd" };
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct config *c;
		struct detect *d = start(&c, paths[i]);
		assert_null(fail_names(d, "192.0.2.1", 0, 30, "generatedname"));
		assert_true(explains(d, "generatedname.com", "no model"));
		stop(d, c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_fail_add_up),
		cmocka_unit_test(a_name_counts_once_a_client),
		cmocka_unit_test(ordinary_names_are_evidence_against),
		cmocka_unit_test(what_is_no_evidence),
		cmocka_unit_test(new_names_that_exist_weigh_half),
		cmocka_unit_test(it_takes_failures_to_be_sure),
		cmocka_unit_test(the_next_name_of_a_sure_case_can_be_blocked),
		cmocka_unit_test(it_explains),
		cmocka_unit_test(without_a_model_it_says_nothing),
	};
	return cmocka_run_group_tests(tests, make_model, drop_model);
}
