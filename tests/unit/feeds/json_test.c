/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formats json, stix and misp: where values are found, and what is wrong with a file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render.h"

enum {
	NOW_S = 1767225600 /* 2026-01-01T00:00:00Z */
};

static const struct {
	const char *why;
	enum feeds_format format;
	const char *path; /* json: the option; stix: min-confidence */
	int error;
	const char *text, *expected;
} rows[] = {
	/* clang-format off */
	{ "an array of texts", FEEDS_JSON, "$[*]", 0, "[\"a.b\", \"http://c.d/x\", \"192.0.2.1\"]", "tree a.b; exact c.d; answer 192.0.2.1/32" },
	{ "members of objects", FEEDS_JSON, "$.data[*].domain", 0, "{\"x\": [{\"domain\": \"x.y\"}], \"data\": [{\"id\": 1, \"domain\": \"a.b\", \"y\": {\"domain\": \"z.z\"}}, {\"domain\": \"c.d\"}]}", "tree a.b; tree c.d" },
	{ "any key", FEEDS_JSON, "$.*[*].ioc_value", 0, "{\"1\": [{\"ioc_value\": \"a.b\"}], \"2\": [{\"ioc_value\": \"192.0.2.1:80\"}]}", "tree a.b; answer 192.0.2.1/32" },
	{ "odd keys", FEEDS_JSON, "$['a b'][].c", 0, "{\"a b\": [{\"c\": \"a.b\"}]}", "tree a.b" },
	{ "without the dollar", FEEDS_JSON, "data[*]", 0, "{\"data\": [\"a.b\"]}", "tree a.b" },
	{ "lines of JSON", FEEDS_JSON, "$.host", 0, "{\"host\": \"a.b\"}\n{\"host\": \"c..d\"}\n{\"host\": \"e.f\"}\n", "tree a.b; tree e.f; skip EMPTY_LABEL 1" },
	{ "escapes", FEEDS_JSON, "$[*]", 0, "[\"\\u0061.b\", \"http:\\/\\/c.d\\/\"]", "tree a.b; exact c.d" },
	{ "nothing in the array", FEEDS_JSON, "$.data[*]", 0, "{\"data\": []}", "" },
	{ "a path that is none", FEEDS_JSON, "$.a[0]", -EINVAL, "{}", "" },
	{ "no path", FEEDS_JSON, NULL, -EINVAL, "{}", "" },
	{ "not JSON", FEEDS_JSON, "$[*]", -EBADMSG, "<html>", "" },
	{ "cut off", FEEDS_JSON, "$[*]", -EBADMSG, "[\"a.b\", \"c.", "tree a.b" },
	{ "a bundle", FEEDS_STIX, NULL, 0, "{\"type\": \"bundle\", \"id\": \"bundle--1\", \"objects\": [{\"type\": \"identity\", \"name\": \"x\"}, {\"type\": \"indicator\", \"pattern_type\": \"stix\", \"labels\": [\"a\", \"b\"], "
		"\"pattern\": \"[domain-name:value = 'a.b' OR ipv4-addr:value = '192.0.2.1']\"}]}", "tree a.b; answer 192.0.2.1/32; skip OTHER_OBJECT 1" },
	{ "time", FEEDS_STIX, NULL, 0, "{\"objects\": [{\"type\": \"indicator\", \"pattern\": \"[domain-name:value = 'a.b']\", \"valid_until\": \"2025-12-31T23:59:59.999Z\"},"
		"{\"type\": \"indicator\", \"pattern\": \"[domain-name:value = 'c.d']\", \"valid_from\": \"2025-01-01T00:00:00Z\", \"valid_until\": \"2026-01-01T00:00:01Z\"},"
		"{\"type\": \"indicator\", \"pattern\": \"[domain-name:value = 'e.f']\", \"valid_from\": \"2026-01-01T01:00:00Z\"}]}", "tree c.d; skip EXPIRED 1; skip NOT_YET 1" },
	{ "confidence", FEEDS_STIX, "50", 0, "[{\"type\": \"indicator\", \"pattern\": \"[domain-name:value = 'a.b']\", \"confidence\": 49},{\"type\": \"indicator\", \"pattern\": \"[domain-name:value = 'c.d']\", \"confidence\": 50},"
		"{\"type\": \"indicator\", \"pattern\": \"[domain-name:value = 'e.f']\"}]", "tree c.d; tree e.f; skip CONFIDENCE 1" },
	{ "revoked, benign, other kinds", FEEDS_STIX, NULL, 0, "{\"objects\": [{\"type\": \"indicator\", \"pattern\": \"[domain-name:value = 'a.b']\", \"revoked\": true},"
		"{\"type\": \"indicator\", \"pattern\": \"[domain-name:value = 'a.b']\", \"indicator_types\": [\"x\", \"benign\"]},{\"type\": \"indicator\", \"pattern\": \"alert tcp\", \"pattern_type\": \"snort\"},"
		"{\"type\": \"indicator\", \"pattern\": \"[file:name = 'x']\"},{\"type\": \"indicator\", \"pattern\": \"[a AND b]\"},{\"type\": \"indicator\"}]}",
		"skip PATTERN 1; skip NO_VALUE 1; skip OTHER_KIND 2; skip REVOKED 1; skip BENIGN 1" },
	{ "objects in a row", FEEDS_STIX, NULL, 0, "{\"type\": \"indicator\", \"pattern\": \"[domain-name:value = 'a.b']\", \"x\": {\"pattern\": \"no\"}}\n{\"type\": \"indicator\", \"pattern\": \"[url:value = 'http://c.d/']\"}", "tree a.b; exact c.d" },
	{ "an error message", FEEDS_STIX, NULL, 0, "{\"title\": \"rate limit\"}", "skip NOT_FORMAT 1" },
	{ "an event", FEEDS_MISP, NULL, 0, "{\"Event\": {\"info\": \"x\", \"Attribute\": [{\"type\": \"domain\", \"value\": \"a.b\", \"to_ids\": true, \"Tag\": [{\"name\": \"tlp:red\", \"value\": \"no\"}]}, {\"type\": \"md5\", \"value\": \"00\", \"to_ids\": true}],"
		"\"Object\": [{\"name\": \"file\", \"Attribute\": [{\"type\": \"ip-dst\", \"value\": \"192.0.2.1\", \"to_ids\": true}]}]}}", "tree a.b; answer 192.0.2.1/32; skip OTHER_KIND 1" },
	{ "objects before attributes", FEEDS_MISP, NULL, 0, "{\"Event\": {\"Object\": [{\"Attribute\": [{\"type\": \"hostname\", \"value\": \"a.b\"}]}], \"Attribute\": [{\"type\": \"url\", \"value\": \"http://c.d/\"}]}}", "tree a.b; exact c.d" },
	{ "a search", FEEDS_MISP, NULL, 0, "{\"response\": {\"Attribute\": [{\"type\": \"domain|ip\", \"value\": \"a.b|192.0.2.1\", \"to_ids\": true},{\"type\": \"ip-src|port\", \"value\": \"192.0.2.2|80\", \"to_ids\": \"1\"},"
		"{\"type\": \"domain\", \"value\": \"c.d\", \"to_ids\": false}, {\"type\": \"domain\", \"value\": \"e.f\", \"deleted\": true}]}}", "tree a.b; answer 192.0.2.1/32; answer 192.0.2.2/32; skip REVOKED 1; skip NOT_IDS 1" },
	{ "a search of events", FEEDS_MISP, NULL, 0, "{\"response\": [{\"Event\": {\"Attribute\": [{\"type\": \"domain\", \"value\": \"a.b\"}]}}, {\"Event\": {\"Attribute\": []}}]}", "tree a.b" },
	{ "nothing found", FEEDS_MISP, NULL, 0, "{\"response\": {\"Attribute\": []}}", "" },
	{ "too deep", FEEDS_JSON, "$[*]", -EBADMSG, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "" },
	/* clang-format on */
};

static int read_row(size_t i, struct scan *s, struct feeds_report *report, struct render *o)
{
	static struct feeds_options options;
	options = (struct feeds_options){ 0 };
	if (rows[i].format == FEEDS_JSON)
		options.path = rows[i].path;
	else if (rows[i].path != NULL)
		options.min_confidence = (unsigned)strtoul(rows[i].path, NULL, 10);
	memset(report, 0, sizeof *report);
	*s = (struct scan){ .format = rows[i].format,
		            .options = &options,
		            .report = report,
		            .rule = render_rule,
		            .arg = o,
		            .now_s = NOW_S };
	o->n = 0;
	o->text[0] = 0;
	return render_document(s, rows[i].text, strlen(rows[i].text));
}

static void test_rows(void **state)
{
	static struct render o;
	struct feeds_report report;
	struct scan s;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int e = read_row(i, &s, &report, &o);
		render_skips(&o, &report);
		if (e != rows[i].error || strcmp(o.text, rows[i].expected) != 0)
			print_error("row '%s': %d %s\n", rows[i].why, e,
			            s.why != NULL ? s.why : "");
		assert_int_equal(e, rows[i].error);
		assert_string_equal(o.text, rows[i].expected);
	}
}

static uint64_t line;
static char origin[256];

static int keep_place(void *arg, const struct feeds_rule *r)
{
	const struct scan *s = arg;
	line = r->line;
	snprintf(origin, sizeof origin, "%s", s->origin != NULL ? s->origin : "");
	return 0;
}

static void test_place(void **state)
{
	static const char text[] =
		"{\n\"objects\": [\n{\n\"type\": \"indicator\",\n\"id\": \"indicator--1\",\n"
		"\"pattern\": \"[domain-name:value = 'a.b']\",\n"
		"\"valid_until\": \"2026-02-01T00:00:00Z\", \"name\": \"Bad \\u00fc\"\n}]}";
	struct feeds_report report = { 0 };
	struct scan s = { .format = FEEDS_STIX,
		          .report = &report,
		          .rule = keep_place,
		          .arg = &s,
		          .now_s = NOW_S };
	(void)state;
	assert_int_equal(render_document(&s, text, strlen(text)), 0);
	assert_int_equal(report.names, 1);
	assert_int_equal(line, 3);
	assert_string_equal(origin, "indicator--1, Bad \\xc3\\xbc");
	assert_int_equal(report.changes_s, NOW_S + 31 * 86400);
	assert_int_equal(report.lines, 8);
}

/* Texts longer than a chunk of the reader, and than is allowed; many values. */
static void test_sizes(void **state)
{
	enum {
		BYTES = 4 << 20
	};
	char *text = malloc(BYTES);
	struct feeds_report report = { 0 };
	struct feeds_options options = { .path = "$[*]" };
	struct scan s = { .format = FEEDS_JSON, .options = &options, .report = &report };
	(void)state;
	assert_non_null(text);
	memset(text, 'a', BYTES);
	memcpy(text, "[\"", 2);
	memcpy(text + 200000, "\",\n\"b.c\"]", 10);
	assert_int_equal(render_document(&s, text, 200009), 0);
	assert_int_equal(report.names, 1);
	assert_int_equal(report.skips[FEEDS_SKIP_NAME_LENGTH], 1);
	assert_int_equal(report.lines, 2);
	memset(text + 2, 'a', BYTES - 2);
	assert_int_equal(render_document(&s, text, BYTES), -EBADMSG);
	assert_string_equal(s.why, "holds a text of more than 1 MiB");
	size_t n = 1;
	for (unsigned i = 0; i < 100000; i++)
		n += (size_t)snprintf(text + n, BYTES - n, "\"n%u.example\",\n", i);
	text[n - 2] = ']';
	assert_int_equal(render_document(&s, text, n), 0);
	assert_int_equal(report.names, 100000);
	assert_int_equal(report.lines, 100001);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
