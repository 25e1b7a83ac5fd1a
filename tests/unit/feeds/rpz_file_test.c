/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plain lines that format_rpz.c reads by itself and the same lines as libzscanner reads them: a
 * pair of parentheses around the record's data sends a line to the scanner.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render.h"

enum {
	LINES = 3000,
};

static unsigned random_state = 12345;

static unsigned draw(unsigned n)
{
	random_state = random_state * 1103515245 + 12345;
	return (random_state >> 16) % n;
}

static void draw_owner(char *ret)
{
	static const char *const labels[] = { "a",     "B",  "x-y",    "_z", "*",  "1",   "IN",
		                              "CNAME", "32", "rpz-ip", "zz", "60", "sub", "a_b" };
	size_t n = 0;
	unsigned count = 1 + draw(5);
	for (unsigned i = 0; i < count; i++)
		n += (size_t)snprintf(ret + n, 160, "%s%s", i > 0 ? "." : "",
		                      labels[draw(ARRAY_LEN(labels))]);
	static const char *const ends[] = { "", "", "", ".rpz.test.", ".", "..", ".other." };
	snprintf(ret + n, 160, "%s", ends[draw(ARRAY_LEN(ends))]);
}

static size_t draw_text(char *plain, char *scanned)
{
	static const char *const ttls[] = { "", "", "60 ", "0 ", "1h ", "999999999 ", "1x " };
	static const char *const classes[] = { "", "", "IN ", "in ", "CH " };
	static const char *const targets[] = {
		".",    ".", "*.", "rpz-drop.", "RPZ-passthru.", "rpz-tcp-only.", "rpz-drop",
		"x.y.", "*", "@",  ""
	};
	static const char *const ends[] = { "", "", " ", "\t; x", " ;", " x", ";" };
	char owner[128];
	size_t n = 0, k = 0;
	const char *const head = "$ORIGIN rpz.test.\n";
	n += (size_t)snprintf(plain, 160, "%s", head);
	k += (size_t)snprintf(scanned, 160, "%s", head);
	for (unsigned i = 0; i < LINES; i++) {
		if (draw(200) == 0) {
			static const char *const directives[] = { "$TTL 77",
				                                  "$ORIGIN sub.rpz.test.",
				                                  "$ORIGIN rpz.test.",
				                                  " CNAME .",
				                                  "$TTL",
				                                  "; x" };
			const char *d = directives[draw(ARRAY_LEN(directives))];
			n += (size_t)snprintf(plain + n, 160, "%s\n", d);
			k += (size_t)snprintf(scanned + k, 160, "%s\n", d);
		}
		draw_owner(owner);
		const char *ttl = ttls[draw(ARRAY_LEN(ttls))];
		const char *class = classes[draw(ARRAY_LEN(classes))];
		const char *target = targets[draw(ARRAY_LEN(targets))];
		const char *end = ends[draw(ARRAY_LEN(ends))];
		n += (size_t)snprintf(plain + n, 160, "%s\t%s%sCNAME %s%s\n", owner, ttl, class,
		                      target, end);
		k += (size_t)snprintf(scanned + k, 160, "%s\t%s%sCNAME ( %s )%s\n", owner, ttl,
		                      class, target, end);
	}
	assert_true(n < k);
	return k;
}

/* Owner, action and TTL of every rule, as a digest and a count. */
struct digest {
	uint64_t sum, n;
};

static int add(void *arg, const struct feeds_rule *r)
{
	struct digest *d = arg;
	d->n++;
	d->sum = d->sum * 31 + (uint64_t)r->rule.action * 7 + r->rule.data->ttl_s + r->line * 3 +
	         r->rule.scope + r->rule.own_match * 11U;
	d->sum += r->name != NULL ? name_hash(r->name->wire) : r->prefix->addr.bytes[12];
	return 0;
}

static struct digest read_text(const char *text, struct feeds_report *report)
{
	struct digest d = { 0 };
	struct scan s = { .format = FEEDS_RPZ, .report = report };
	memset(report, 0, sizeof *report);
	s.pass = SCAN_CHECK;
	assert_int_equal(render_document(&s, text, strlen(text)), 0);
	s.pass = SCAN_EMIT;
	s.rule = add;
	s.arg = &d;
	assert_int_equal(render_document(&s, text, strlen(text)), 0);
	rpz_zone_free(s.zone);
	return d;
}

static void test_same(void **state)
{
	static char plain[LINES * 160], scanned[LINES * 160];
	static struct feeds_report one, other;
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		draw_text(plain, scanned);
		struct digest a = read_text(plain, &one), b = read_text(scanned, &other);
		assert_true(a.n > 100);
		assert_int_equal(a.n, b.n);
		assert_true(a.sum == b.sum);
		for (unsigned i = 0; i < FEEDS_N_SKIPS; i++)
			assert_int_equal(one.skips[i], other.skips[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_same) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
