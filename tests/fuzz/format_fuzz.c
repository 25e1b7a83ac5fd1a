/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a list of any format, both passes. The first byte chooses the format (low four bits) and
 * the flags (0x40: no subdomains, 0x80: only logs); the rest are lines.
 *
 * Properties: every rule is a legal one (a valid lower-case name that is not the root, a masked
 * prefix longer than 0); every plain name reads back as itself; the counts of the report add up;
 * the second pass makes no rule that the first did not count; a rule is found by feeds_locate's
 * criteria in the line that it says.
 */
#include <stdlib.h>
#include <string.h>

#include "feeds/listname.h"
#include "feeds/rpz_zone.h"
#include "feeds/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	LINES_MAX = 1000
}; /* an input of newlines alone must not take seconds */

static struct feeds_report report;
static uint64_t n_rules;

static void check_name(const struct name *name, enum feeds_format format)
{
	struct name lower, again;
	char text[NAME_TEXT_MAX];
	must(name_check(name->wire, name->len) == name->len);
	name_set(&lower, name->wire);
	must(memcmp(lower.wire, name->wire, name->len) == 0);
	size_t len = name_to_text(name->wire, text);
	if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != len ||
	    format == FEEDS_RPZ) /* where names are names, whatever they look like */
		return;
	must(listname_read(text, len, &again) == FEEDS_SKIP_NONE);
	must(again.len == name->len && memcmp(again.wire, name->wire, name->len) == 0);
}

static int check_rule(void *arg, const struct feeds_rule *r)
{
	const struct scan *s = arg;
	n_rules++;
	must((r->name != NULL) + (r->prefix != NULL) + (r->pattern != NULL) == 1);
	must(r->line == s->line);
	must(s->format != FEEDS_RPZ || r->rule.own_match != 0);
	if (r->name != NULL) {
		must(s->format != FEEDS_ADDRESSES);
		must(s->format == FEEDS_RPZ || !name_is_root(r->name->wire));
		check_name(r->name, s->format);
	} else if (r->pattern != NULL) {
		char why[POLICY_PATTERN_WHY_MAX];
		must(s->format == FEEDS_ADBLOCK || s->format == FEEDS_REGEX ||
		     s->format == FEEDS_DOMAINS || s->format == FEEDS_WILDCARD ||
		     s->format == FEEDS_DNSMASQ);
		must(policy_pattern_check(r->pattern->regex, why) == POLICY_PATTERN_GOOD);
		must(strlen(r->pattern->text) <= POLICY_PATTERN_MAX);
	} else {
		must(feeds_format_suits(s->format, POLICY_MATCH_ANSWER));
		must(r->prefix->length > 0 &&
		     r->prefix->length <= (r->prefix->addr.is_v4 ? 32 : 128));
		struct addr masked = addr_masked(&r->prefix->addr, r->prefix->length);
		must(addr_equal(&masked, &r->prefix->addr));
	}
	must(r->rule.scope <= POLICY_SCOPE_BELOW);
	if (s->format == FEEDS_RPZ)
		return 0; /* rpz_rule_fuzz.c looks at those */
	must(!s->is_log_only || r->rule.action != POLICY_ALLOW);
	must((r->rule.data != NULL) ==
	     (r->rule.action == POLICY_ADDRESS || r->rule.action == POLICY_REDIRECT));
	return 0;
}

static bool is_document(enum feeds_format format)
{
	switch (format) {
#define FORMAT(constant, text, parser, names, addresses) \
	case FEEDS_##constant:                           \
		return false;
#define DOCUMENT(constant, text, parser, names, addresses) \
	case FEEDS_##constant:                             \
		return true;
#include "feeds/formats.def"
#undef FORMAT
	default:
		return false;
	}
}

static void scan_document(struct scan *s, const char *text, size_t n)
{
	struct reader *r;
	const char *why;
	memset(&report, 0, sizeof report);
	must(reader_open_bytes(text, n, 1 << 24, &r, &why) == 0);
	int e = scan_file(s, r); /* damaged compressed data are fine, too */
	must(e <= 0);
	reader_close(r);
}

static void scan_lines(struct scan *s, const char *text, size_t n)
{
	if (is_document(s->format)) {
		scan_document(s, text, n);
		return;
	}
	memset(&report, 0, sizeof report);
	s->line = 0;
	for (size_t at = 0; at < n && s->line < LINES_MAX && s->error == 0;) {
		const char *lf = memchr(text + at, '\n', n - at);
		size_t len = lf != NULL ? (size_t)(lf - (text + at)) : n - at;
		char *exact = malloc(len > 0 ? len : 1); /* ASan sees a read past the line */
		must(exact != NULL);
		memcpy(exact, text + at, len);
		struct word w = scan_trim(exact, len);
		s->line++;
		scan_line(s, w.p, w.n);
		free(exact);
		at += len + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct siphash_key key = { 1, 2 };
	struct overrides overrides = { 0 };
	if (n == 0)
		return 0;
	name_set_hash_key(&key);
	static const struct feeds_options options = { .path = "$[*]", .min_confidence = 30 };
	struct scan s = {
		.options = &options,
		.now_s = 1767225600,
		.format = (data[0] & 0x0f) % FEEDS_N_FORMATS,
		.no_subdomains = (data[0] & 0x40) != 0,
		.is_log_only = (data[0] & 0x80) != 0,
		.report = &report,
		.rule = check_rule,
	};
	s.arg = &s;
	s.overrides = s.format == FEEDS_ADBLOCK ? &overrides : NULL;
	n_rules = 0;
	s.pass = SCAN_CHECK;
	/* The exceptions that the first pass emits to this callback are dropped by the second. */
	scan_lines(&s, (const char *)data + 1, n - 1);
	uint64_t n_checked = n_rules, lines = report.lines;
	overrides_seal(&overrides);
	n_rules = 0;
	s.pass = SCAN_EMIT;
	scan_lines(&s, (const char *)data + 1, n - 1);
	must(n_rules <= n_checked);
	must(report.lines == lines);
	rpz_zone_free(s.zone);
	must(n_rules == report.names + report.prefixes);
	must(s.rule_lines + s.garbage_lines + report.comments <= 2 * report.lines);
	uint64_t skipped = 0;
	for (unsigned i = 0; i < FEEDS_N_SKIPS; i++)
		skipped += report.skips[i];
	must(skipped == report.skipped && report.skips[FEEDS_SKIP_NONE] == 0);
	for (unsigned i = 0; i < report.n_examples; i++)
		must(strlen(report.examples[i].excerpt) <= FEEDS_EXCERPT_MAX);
	overrides_done(&overrides);
	return 0;
}
