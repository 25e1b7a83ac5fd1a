/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events/json.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dns/message.h"

static struct json_line formatter;

/* A blocked question with everything that a miss can have. */
struct fixture {
	struct event e;
	struct verdict v;
	struct policy_edit edit;
	const uint8_t *server_names[9];
	struct addr server_addrs[9];
};

static void fill(struct fixture *f)
{
	*f = (struct fixture){
		.e = {
			.wall_ns = 1793487717ULL * 1000000000 + 123456789,
			.latency_us = 45,
			.client = { addr_v4(0x0a000007), 53123 },
			.local = { addr_v4(0x0a000001), 53 },
			.protocol = EVENT_UDP,
			.group = "office",
			.name = (const uint8_t *)"\3wWw\4evil\7example",
			.type = DNS_A,
			.id = 4711,
			.flags = FLAG_RD | FLAG_CD,
			.rcode = RCODE_NXDOMAIN,
			.is_answered = true,
			.list = "malware",
			.rule = "*.evil.example",
			.ede_code = 15,
			.ede_text = "malware: *.evil.example",
		},
		.v = { .action = POLICY_NXDOMAIN, .trigger = POLICY_TRIGGER_QUESTION },
	};
	f->e.verdict = &f->v;
}

static json_t *line_of(const struct event *e)
{
	static char line[JSON_LINE_MAX];
	struct record_plan plan;
	record_plan(e, &plan);
	void *record = malloc(plan.bytes); /* exactly, so that ASan sees one byte too many */
	assert_non_null(record);
	record_write(e, &plan, record);
	size_t n = json_line_event(&formatter, record, line);
	free(record);
	assert_true(n <= sizeof line);
	assert_int_equal(line[n - 1], '\n');
	assert_ptr_equal(memchr(line, '\n', n), line + n - 1); /* one line */
	json_error_t error;
	json_t *value = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
	if (value == NULL)
		print_error("%s in %.*s\n", error.text, (int)n, line);
	assert_non_null(value);
	return value;
}

/* "dns.question.name" -> the value; NULL. */
static const json_t *find(const json_t *value, const char *path)
{
	char key[64];
	while (value != NULL && *path != 0) {
		size_t n = strcspn(path, ".");
		snprintf(key, sizeof key, "%.*s", (int)n, path);
		value = json_is_array(value) ? json_array_get(value, strtoul(key, NULL, 10))
		                             : json_object_get(value, key);
		path += n + (path[n] == '.');
	}
	return value;
}

static void expect(const json_t *line, const char *path, const char *expected)
{
	const json_t *value = find(line, path);
	char *text = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	if (expected == NULL) {
		assert_null(value);
		return;
	}
	if (text == NULL)
		print_error("%s is missing\n", path);
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void test_blocked(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "@timestamp", "\"2026-10-31T23:01:57.123456Z\"" },
		{ "event.kind", "\"alert\"" },
		{ "event.category", "[\"network\"]" },
		{ "event.type", "[\"protocol\",\"denied\"]" },
		{ "event.action", "\"blocked\"" },
		{ "event.outcome", "\"success\"" },
		{ "event.duration", "45000" },
		{ "client", "{\"ip\":\"10.0.0.7\",\"port\":53123}" },
		{ "server", "{\"ip\":\"10.0.0.1\",\"port\":53}" },
		{ "network", "{\"transport\":\"udp\",\"protocol\":\"dns\"}" },
		{ "dns.type", "\"answer\"" },
		{ "dns.id", "\"4711\"" },
		{ "dns.op_code", "\"QUERY\"" },
		{ "dns.question.name", "\"wWw.evil.example\"" },
		{ "dns.question.type", "\"A\"" },
		{ "dns.question.class", "\"IN\"" },
		{ "dns.header_flags", "[\"RD\",\"CD\"]" },
		{ "dns.response_code", "\"NXDOMAIN\"" },
		{ "dns.answers", NULL },
		{ "dns.resolved_ip", NULL },
		{ "rule", "{\"name\":\"*.evil.example\",\"ruleset\":\"malware\"}" },
		{ "weir.group", "\"office\"" },
		{ "weir.verdict", "\"nxdomain\"" },
		{ "weir.list", "\"malware\"" },
		{ "weir.rule", "\"*.evil.example\"" },
		{ "weir.cached", "false" },
		{ "weir.stale", NULL },
		{ "weir.dnssec", NULL },
		{ "weir.matched", NULL },
		{ "weir.edit", NULL },
		{ "weir.ede", "{\"code\":15,\"text\":\"malware: *.evil.example\"}" },
		{ "weir.zone", NULL },
		{ "weir.packets", NULL },
	};
	struct fixture f;
	fill(&f);
	json_t *line = line_of(&f.e);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(line, rows[i][0], rows[i][1]);
	const char *trigger = json_string_value(find(line, "weir.trigger"));
	assert_string_equal(trigger, policy_trigger_name(POLICY_TRIGGER_QUESTION));
	json_decref(line);
}

/* What action and type say of each kind of end. */
static void test_outcomes(void **state)
{
	(void)state;
	static const struct {
		enum policy_action action;
		bool is_answered;
		uint8_t rcode;
		const char *logged, *kind, *type, *outcome, *did;
	} rows[] = {
		{ POLICY_NONE, true, 0, NULL, "event", "allowed", "success", "answered" },
		{ POLICY_NONE, true, 3, NULL, "event", "allowed", "success", "answered" },
		{ POLICY_NONE, true, 2, NULL, "event", "info", "failure", "failed" },
		{ POLICY_NONE, true, 5, NULL, "event", "info", "failure", "failed" },
		{ POLICY_NONE, false, 0, NULL, "event", "info", "failure", "failed" },
		{ POLICY_NONE, true, 0, "watch", "alert", "allowed", "success", "logged" },
		{ POLICY_ALLOW, true, 0, NULL, "event", "allowed", "success", "allowed" },
		{ POLICY_ALLOW, true, 2, NULL, "event", "info", "failure", "failed" },
		{ POLICY_REFUSED, true, 5, NULL, "alert", "denied", "success", "blocked" },
		{ POLICY_DROP, false, 0, NULL, "alert", "denied", "success", "blocked" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		fill(&f);
		f.v.action = rows[i].action;
		f.e.is_answered = rows[i].is_answered;
		f.e.rcode = rows[i].rcode;
		f.e.logged_list = rows[i].logged;
		json_t *line = line_of(&f.e);
		assert_string_equal(json_string_value(find(line, "event.kind")), rows[i].kind);
		assert_string_equal(json_string_value(find(line, "event.type.1")), rows[i].type);
		assert_string_equal(json_string_value(find(line, "event.outcome")),
		                    rows[i].outcome);
		assert_string_equal(json_string_value(find(line, "event.action")), rows[i].did);
		assert_int_equal(find(line, "dns.response_code") != NULL, rows[i].is_answered);
		json_decref(line);
	}
}

static void test_verdict_of_others(void **state)
{
	(void)state;
	struct fixture f;
	fill(&f);
	f.v.trigger = POLICY_TRIGGER_ALIAS;
	name_set(&f.v.name, (const uint8_t *)"\1a\3b\"c");
	f.v.edit = &f.edit;
	snprintf(f.edit.who, sizeof f.edit.who, "alice (1000)");
	memset(f.edit.reason, '"', sizeof f.edit.reason); /* no NUL at the end */
	f.e.list = NULL;
	json_t *line = line_of(&f.e);
	expect(line, "weir.matched", "\"a.b\\\\034c\"");
	expect(line, "weir.edit.who", "\"alice (1000)\"");
	assert_int_equal(json_string_length(find(line, "weir.edit.reason")), 256);
	expect(line, "weir.list", NULL);
	expect(line, "rule.ruleset", NULL);
	json_decref(line);

	fill(&f);
	f.v.trigger = POLICY_TRIGGER_SERVER_ADDRESS;
	assert_int_equal(addr_from_text("2001:db8::53", 12, &f.v.addr), 0);
	f.e.logged_list = "watch";
	f.e.logged_rule = "example";
	f.e.shadow_list = "next";
	f.e.shadow_rule = "a.example";
	f.e.shadow_action = POLICY_REFUSED;
	f.e.has_strict = f.e.has_serial = true;
	f.e.strict_action = POLICY_NODATA;
	f.e.strict_list = "feed";
	f.e.serial = UINT32_MAX;
	f.e.protocol = EVENT_TCP;
	f.e.is_do = f.e.is_cached = f.e.is_stale = true;
	f.e.dnssec = EVENT_BOGUS;
	f.e.class = DNS_CLASS_CH;
	f.e.type = 65280;
	f.e.flags = 0x2800; /* UPDATE */
	line = line_of(&f.e);
	expect(line, "weir.matched", "\"2001:db8::53\"");
	expect(line, "weir.logged", "{\"list\":\"watch\",\"rule\":\"example\"}");
	expect(line, "weir.shadow",
	       "{\"verdict\":\"refused\",\"list\":\"next\",\"rule\":\"a.example\"}");
	expect(line, "weir.strict", "{\"verdict\":\"nodata\",\"list\":\"feed\"}");
	expect(line, "weir.serial", "4294967295");
	expect(line, "weir.stale", "true");
	expect(line, "weir.dnssec", "\"bogus\"");
	expect(line, "weir.cached", "true");
	expect(line, "network.transport", "\"tcp\"");
	expect(line, "dns.header_flags", "[\"DO\"]");
	expect(line, "dns.question.class", "\"CH\"");
	expect(line, "dns.question.type", "\"TYPE65280\"");
	expect(line, "dns.op_code", "\"UPDATE\"");
	json_decref(line);
}

static void test_misses(void **state)
{
	(void)state;
	struct fixture f;
	fill(&f);
	for (unsigned i = 0; i < 9; i++) {
		f.server_names[i] = (const uint8_t *)"\2ns\7example";
		f.server_addrs[i] = addr_v4(0xc0000200 + i);
	}
	f.e.zone = (const uint8_t *)"\7example";
	f.e.server_names = f.server_names;
	f.e.n_server_names = 2;
	f.e.server_addrs = f.server_addrs;
	f.e.n_server_addrs = 1;
	f.e.n_packets = 3;
	json_t *line = line_of(&f.e);
	expect(line, "weir.zone", "\"example\"");
	expect(line, "weir.name_servers", "[\"ns.example\",\"ns.example\"]");
	expect(line, "weir.name_server_ips", "[\"192.0.2.0\"]");
	expect(line, "weir.packets", "3");
	json_decref(line);
	f.e.n_server_names = f.e.n_server_addrs = 9; /* the first eight are told */
	line = line_of(&f.e);
	assert_int_equal(json_array_size(find(line, "weir.name_servers")), 8);
	assert_int_equal(json_array_size(find(line, "weir.name_server_ips")), 8);
	json_decref(line);
	f.e.n_server_names = 0;
	line = line_of(&f.e);
	expect(line, "weir.name_servers", NULL);
	json_decref(line);
}

/* ---- the answer section ---- */

#define QUESTION      "\3www\7example\0\0\1\0\1"
#define HEAD(answers) "\x12\x67\x85\x80\0\1\0" answers "\0\0\0\0" QUESTION

static json_t *with_message(struct fixture *f, const char *bytes, size_t n)
{
	fill(f);
	f->v.action = POLICY_NONE;
	f->e.verdict = NULL;
	f->e.rcode = 0;
	f->e.message = (const uint8_t *)bytes;
	f->e.message_bytes = n;
	return line_of(&f->e);
}

static void test_answers(void **state)
{
	(void)state;
	static const char message[] = HEAD(
		"\6") "\xc0\x0c\0\5\0\1\0\0\1\x2c\0\4\1w\xc0\x10"   /* CNAME w.example */
		      "\1w\xc0\x10\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1" /* A */
		      "\1w\xc0\x10\0\x1c\0\1\xff\xff\xff\xff\0\x10" /* AAAA, TTL with the top bit */
		      "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
		      "\xc0\x0c\0\x0f\0\1\0\0\0\x05\0\6\0\x0a\1m\xc0\x10" /* MX */
		      "\xc0\x0c\0\x10\0\1\0\0\0\x05\0\4\3a\"b"            /* TXT */
		      "\xc0\x0c\xff\0\0\1\0\0\0\x05\0\2\1\2";             /* TYPE65280 */
	struct fixture f;
	json_t *line = with_message(&f, message, sizeof message - 1);
	static const char *const rows[][2] = {
		{ "dns.header_flags", "[\"AA\",\"RD\",\"RA\"]" },
		{ "dns.answers.0.name", "\"www.example\"" },
		{ "dns.answers.0.type", "\"CNAME\"" },
		{ "dns.answers.0.ttl", "300" },
		{ "dns.answers.0.data", "\"w.example\"" },
		{ "dns.answers.1.name", "\"w.example\"" },
		{ "dns.answers.1.data", "\"192.0.2.1\"" },
		{ "dns.answers.2.data", "\"2001:db8::1\"" },
		{ "dns.answers.2.ttl", "0" },
		{ "dns.answers.3.data", "\"10 m.example.\"" },
		{ "dns.answers.4.data", "\"\\\"a\\\\\\\"b\\\"\"" },
		{ "dns.answers.5.type", "\"TYPE65280\"" },
		{ "dns.answers.5.data", "\"\\\\# 2 0102\"" },
		{ "dns.resolved_ip", "[\"192.0.2.1\",\"2001:db8::1\"]" },
		{ "weir.verdict", NULL },
	};
	assert_int_equal(json_array_size(find(line, "dns.answers")), 6);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(line, rows[i][0], rows[i][1]);
	json_decref(line);
}

static void test_answers_cut_and_broken(void **state)
{
	(void)state;
	struct fixture f;
	char message[4096];
	/* Cut anywhere: no crash, and only whole records are told. */
	static const char whole[] = HEAD("\2") "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
					       "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\2";
	for (size_t n = 0; n < sizeof whole; n++) {
		char *exact = malloc(n + 1);
		assert_non_null(exact);
		memcpy(exact, whole, n);
		json_t *line = with_message(&f, exact, n);
		size_t expected = n >= 61 ? 2 : n >= 45 ? 1 : 0;
		assert_int_equal(json_array_size(find(line, "dns.resolved_ip")), expected);
		json_decref(line);
		free(exact);
	}
	/* More than fit: the first eight. */
	memcpy(message, HEAD("\x20"), 29);
	for (size_t i = 0; i < 32; i++)
		memcpy(message + 29 + 16 * i, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1", 16);
	json_t *line = with_message(&f, message, 29 + 32 * 16);
	assert_int_equal(json_array_size(find(line, "dns.answers")), 8);
	json_decref(line);
	/* One that goes beyond the first KiB. */
	memcpy(message, HEAD("\1") "\xc0\x0c\0\x10\0\1\0\0\0\5\x0b\xb8", 41);
	memset(message + 41, 0, 3000);
	line = with_message(&f, message, 3041);
	expect(line, "dns.answers", NULL);
	json_decref(line);
}

/* All texts and names as long and as nasty as they can be still fit a line. */
static void test_longest(void **state)
{
	(void)state;
	static char text[2048];
	static uint8_t name[255];
	struct fixture f;
	memset(text, '\x01', sizeof text - 1);
	memset(name, 0xff, 254);
	for (unsigned i = 0; i < 254; i += 64)
		name[i] = i < 192 ? 63 : 61;
	fill(&f);
	f.e.group = f.e.list = f.e.rule = f.e.logged_list = f.e.logged_rule = f.e.ede_text = text;
	f.e.name = f.e.zone = name;
	f.v.trigger = POLICY_TRIGGER_SERVER_NAME;
	name_set(&f.v.name, name);
	f.v.edit = &f.edit;
	memset(f.edit.who, 1, sizeof f.edit.who);
	memset(f.edit.reason, 1, sizeof f.edit.reason);
	for (unsigned i = 0; i < 8; i++)
		f.server_names[i] = name;
	f.e.server_names = f.server_names;
	f.e.n_server_names = 8;
	json_t *line = line_of(&f.e);
	assert_int_equal(json_string_length(find(line, "dns.question.name")), 4 * 250 + 3);
	assert_int_equal(json_string_length(find(line, "weir.rule")), RECORD_RULE_MAX);
	json_decref(line);
}

static void test_loss(void **state)
{
	(void)state;
	char text[512];
	size_t n = json_line_loss(&formatter, 1793487717ULL * 1000000000, 3, 4, text);
	json_t *line = json_loadb(text, n, 0, NULL);
	assert_non_null(line);
	expect(line, "event.kind", "\"metric\"");
	expect(line, "event.action", "\"events-lost\"");
	expect(line, "weir", "{\"lost\":7,\"lost_ring\":3,\"lost_disk\":4}");
	json_decref(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_verdict_of_others),
		cmocka_unit_test(test_misses),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_answers_cut_and_broken),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_loss),
	};
	json_line_init(&formatter);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
