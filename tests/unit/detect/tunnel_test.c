/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rig.h"

enum {
	TYPE_IODINE = 65399,
};

static const char CLIENT[] = "192.0.2.1";

static struct detect *start(struct config **ret_config)
{
	struct detect *d;
	*ret_config = rig_config("detect: {dga.enable: false, leak.enable: false}\n");
	assert_int_equal(detect_new(*ret_config, &d), 0);
	return d;
}

static void stop(struct detect *d, struct config *c)
{
	detect_free(d);
	config_free(c);
}

/* What comes of one question whose domain's servers are not known yet. */
static struct detect_result ask(struct detect *d, const char *name, uint16_t type, uint64_t at_s)
{
	static struct rig_packet p;
	struct detect_result r;
	rig_packet(&p, CLIENT, name, "com", type, 7, (1000 + at_s) * NS_PER_S);
	detect_question(d, &p.q, &r);
	rig_only(&r, DETECTOR_tunnel);
	return r;
}

static int confidence(const struct detect_result *r)
{
	return r->findings.n == 0 ? -1 : r->findings.at[0].confidence;
}

static void a_tools_first_name_is_blocked(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint16_t type;
	} rows[] = {
		{ "yrbirx.hacker-iodine.com", DNS_NULL },
		{ "yrbirx.hacker-iodine.com", TYPE_IODINE },
		{ "vaaaakarcha.hacker-iodine.com", DNS_A },
		{ "vaaaakarcha.hacker-iodine.com", DNS_MX },
		{ "AAAAALWJAA.=auth.example.com", DNS_TXT },
		{ "init.MRTDCLJRPQZA.base64.example.org", DNS_TXT },
		{ "baakbmp1y218.example.com", DNS_A },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config *c;
		struct detect *d = start(&c);
		struct detect_result r = ask(d, rows[i].name, rows[i].type, 0);
		if (r.outcome != DETECT_BLOCKED || confidence(&r) != DETECT_HIGH)
			fail_msg("%s passes", rows[i].name);
		assert_int_equal(r.findings.at[0].detector, DETECTOR_tunnel);
		assert_string_equal(r.findings.at[0].evidence[0].name, "name_bytes");
		stop(d, c);
	}
}

/* As iodine does when it is not told a type: captured. */
static void the_search_for_a_type_ends(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint16_t type;
	} rows[] = {
		{ "yrbx0e.hacker-iodine.com", DNS_NULL },
		{ "yrbx0f.hacker-iodine.com", TYPE_IODINE },
		{ "ytbx0g.hacker-iodine.com", DNS_TXT },
		{ "ytbx0h.hacker-iodine.com", DNS_SRV },
		{ "ytbx0i.hacker-iodine.com", DNS_MX },
		{ "ytbx0j.hacker-iodine.com", DNS_CNAME },
		{ "ytbx0k.hacker-iodine.com", DNS_A },
	};
	struct config *c;
	struct detect *d = start(&c);
	struct detect_result r;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		r = ask(d, rows[i].name, rows[i].type, i);
		if (r.outcome != DETECT_BLOCKED)
			fail_msg("%s passes", rows[i].name);
	}
	/* Others of that domain go on, and are as before when some time has passed. */
	r = ask(d, "www.hacker-iodine.com", DNS_A, 20);
	assert_int_equal(r.outcome, DETECT_PASS);
	r = ask(d, "ytbx0k.hacker-iodine.com", DNS_A, 1000);
	assert_int_equal(r.outcome, DETECT_PASS);
	r = ask(d, "online.site.com", DNS_A, 20);
	assert_int_equal(r.findings.n, 0);
	stop(d, c);
}

/* What follows the first name of DNSExfiltrator, had it passed: captured. */
static void what_a_tool_goes_on_with_is_blocked(void **state)
{
	(void)state;
	static const char chunk[] =
		"0.goqBVy2Yy6g6VisIHFv6n94YvwF6P_-AGM-d2561uaGuDQIguIp8SZsIAiy0Z18."
		"75sY736Xcvd1.CapTechUtest.org";
	struct config *c;
	struct detect *d = start(&c);
	struct detect_result r = ask(d, chunk, DNS_TXT, 0);
	assert_int_equal(r.outcome, DETECT_PASS);
	ask(d, "init.MRTDCLJRPQZA.base64.CapTechUtest.org", DNS_TXT, 1);
	r = ask(d, chunk, DNS_TXT, 2);
	assert_int_equal(r.outcome, DETECT_BLOCKED);
	assert_non_null(strstr(r.findings.at[0].text, "(DNSExfiltrator) was seen 1 s ago"));
	r = ask(d, "static-assets.CapTechUtest.org", DNS_A, 3);
	assert_int_equal(r.outcome, DETECT_PASS);
	r = ask(d, chunk, DNS_TXT, 700);
	assert_int_equal(r.outcome, DETECT_PASS);
	stop(d, c);
}

static void types_that_are_tried_add_up(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	struct detect_result r;
	assert_int_equal((r = ask(d, "a1x.some-site.com", DNS_TXT, 0), r.findings.n), 0);
	assert_int_equal((r = ask(d, "a2x.some-site.com", DNS_CNAME, 1), r.findings.n), 0);
	r = ask(d, "a3x.some-site.com", DNS_MX, 2);
	assert_int_equal(confidence(&r), DETECT_MEDIUM);
	assert_int_equal(r.outcome, DETECT_PASS);
	r = ask(d, "a4x.some-site.com", DNS_SRV, 3);
	assert_int_equal(confidence(&r), DETECT_HIGH);
	assert_int_equal(r.outcome, DETECT_BLOCKED);
	/* All of them for one name: an administrator. */
	static const uint16_t types[] = { DNS_TXT, DNS_CNAME, DNS_MX, DNS_SRV, DNS_ANY, DNS_SOA };
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		assert_int_equal((r = ask(d, "host.example.net", types[i], 200), r.findings.n), 0);
	stop(d, c);
}

/* A tool that changes the domain with each name: captured. */
static void types_that_are_tried_below_several_domains_add_up(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	struct detect_result r;
	assert_int_equal((r = ask(d, "161-c6jX.symanteclive.download", DNS_SRV, 0), r.findings.n),
	                 0);
	assert_int_equal((r = ask(d, "147-jw0X.anyconnect.stream", DNS_CNAME, 1), r.findings.n), 0);
	assert_int_equal((r = ask(d, "147-234206-0.bigip.stream", DNS_MX, 2), r.findings.n), 0);
	r = ask(d, "147-234206-16.ac.fortiweb.download", DNS_TXT, 3);
	assert_int_equal(confidence(&r), DETECT_MEDIUM);
	stop(d, c);
}

static void a_rare_type_is_told_and_two_are_blocked(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	struct detect_result r = ask(d, "GQ5vK29ABA.www.ggy666.tk", DNS_KEY, 0);
	assert_int_equal(confidence(&r), DETECT_MEDIUM);
	assert_int_equal(r.outcome, DETECT_PASS);
	r = ask(d, "GQ5vK29ABA.www.ggy666.tk", DNS_KEY, 1); /* again */
	assert_int_equal(r.outcome, DETECT_PASS);
	r = ask(d, "GQ5vLG9BBA.www.ggy666.tk", DNS_KEY, 2);
	assert_int_equal(r.outcome, DETECT_BLOCKED);
	stop(d, c);
}

/* Popular domains and vendors' are no attacker's: told at most. */
static void known_domains_are_not_blocked_for_a_type(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	struct detect_result r = ask(d, "x.google.com", DNS_NULL, 0);
	assert_int_equal(r.outcome, DETECT_PASS);
	assert_int_equal(confidence(&r), DETECT_MEDIUM);
	r = ask(d, "vaaaakarcha.cloudfront.net", DNS_A, 1);
	assert_int_equal(r.outcome, DETECT_PASS);
	r = ask(d, "vaaaakarcha.google.com", DNS_A, 2);
	assert_int_equal(r.outcome, DETECT_BLOCKED);
	stop(d, c);
}

static void what_mail_web_and_directories_ask_for_is_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint16_t type;
	} rows[] = {
		/* a mail server that gets mail from many hosts of a domain */
		{ "example.com", DNS_MX },
		{ "example.com", DNS_TXT },
		{ "_dmarc.example.com", DNS_TXT },
		{ "s1._domainkey.example.com", DNS_TXT },
		{ "s2._domainkey.example.com", DNS_CNAME },
		{ "_25._tcp.mx.example.com", 52 },
		{ "mail.example.com", DNS_MX },
		{ "spf.example.com", DNS_TXT },
		{ "_smtp._tls.example.com", DNS_TXT },
		{ "_mta-sts.example.com", DNS_TXT },
		/* a browser */
		{ "www.example.com", DNS_A },
		{ "www.example.com", DNS_AAAA },
		{ "www.example.com", DNS_HTTPS },
		/* a client of a directory, certificates */
		{ "_ldap._tcp.dc._msdcs.example.com", DNS_SRV },
		{ "_kerberos._udp.example.com", DNS_SRV },
		{ "pc17.example.com", DNS_SOA },
		{ "_acme-challenge.www.example.com", DNS_TXT },
		{ "_acme-challenge.www.example.com", DNS_CNAME },
		/* a resolver that validates */
		{ "example.com", DNS_DNSKEY },
		{ "example.com", DNS_DS },
		{ "example.com", DNS_NS },
		{ "1.2.0.192.in-addr.arpa", DNS_PTR },
		{ "1.2.0.192.in-addr.arpa", DNS_TXT },
		{ "4.3.2.1.zen.spamhaus.org", DNS_TXT },
		/* a name in another character set than it should be in */
		{ "\\176\\217\\182\\200\\176\\217\\182\\200.com", DNS_A },
	};
	struct config *c;
	struct detect *d = start(&c);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct detect_result r = ask(d, rows[i].name, rows[i].type, 0);
		if (r.findings.n != 0 || r.outcome != DETECT_PASS)
			fail_msg("%s: %s", rows[i].name, r.findings.at[0].text);
	}
	stop(d, c);
}

static void bytes_that_are_no_text_are_told(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static const char name[] = "0abcd\\190\\222\\200\\201Wy\\190\\222q\\201a\\233b\\244c\\199d"
				   "\\188\\189e\\190f\\191g\\192\\193h\\194i\\195j\\196\\197k"
				   "\\198l.example.com";
	struct detect_result r = ask(d, name, DNS_A, 0);
	assert_int_equal(confidence(&r), DETECT_MEDIUM);
	assert_int_equal(r.outcome, DETECT_PASS);
	stop(d, c);
}

/* Later packets for the same name, retries, and the operator's own zones. */
static void what_was_judged_is_not_judged_again(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static struct rig_packet p;
	struct detect_result r;
	for (unsigned i = 0; i < 3; i++) {
		rig_packet(&p, CLIENT, "vaaaakarcha.example.com", "example.com", DNS_A, 7,
		           NS_PER_S);
		p.q.is_first = i != 0;
		p.q.is_again = i == 1;
		p.q.zone.is_forward = i == 2;
		detect_question(d, &p.q, &r);
		assert_int_equal(r.outcome, DETECT_PASS);
	}
	p.q.zone.name = (const uint8_t *)""; /* a forwarder of everything */
	detect_question(d, &p.q, &r);
	assert_int_equal(r.outcome, DETECT_BLOCKED);
	stop(d, c);
}

static void explain_tells_what_is_known(void **state)
{
	(void)state;
	struct config *c;
	struct detect *d = start(&c);
	static struct rig_packet p;
	struct detect_facts facts;
	ask(d, "vaaaakarcha.example.com", DNS_A, 0);
	rig_packet(&p, CLIENT, "vaaaakaskoq.example.com", "com", DNS_A, 7, 1005 * NS_PER_S);
	detect_explain(d, &p.q, &facts);
	rig_only_facts(&facts, DETECTOR_tunnel);
	assert_int_equal(facts.n, 2);
	assert_string_equal(facts.at[0].text, "the name is iodine's: its version request");
	assert_string_equal(facts.at[1].text,
	                    "this client, this domain: a tunnel (iodine) was seen 5 s ago");
	stop(d, c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tools_first_name_is_blocked),
		cmocka_unit_test(the_search_for_a_type_ends),
		cmocka_unit_test(what_a_tool_goes_on_with_is_blocked),
		cmocka_unit_test(types_that_are_tried_add_up),
		cmocka_unit_test(types_that_are_tried_below_several_domains_add_up),
		cmocka_unit_test(a_rare_type_is_told_and_two_are_blocked),
		cmocka_unit_test(known_domains_are_not_blocked_for_a_type),
		cmocka_unit_test(what_mail_web_and_directories_ask_for_is_nothing),
		cmocka_unit_test(bytes_that_are_no_text_are_told),
		cmocka_unit_test(what_was_judged_is_not_judged_again),
		cmocka_unit_test(explain_tells_what_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
