/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of a list to a text that rows of tests can be compared with: the rules in order, then
 * the reasons of skipped lines with their counts in alphabetical order of skips.def, e.g.
 *     "tree a.example; exact! b.example allow; skip ADDRESS 2"
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feeds/rpz_zone.h"
#include "feeds/scan.h"

enum {
	RENDER_ROOM = 16384
};

struct render {
	char text[RENDER_ROOM];
	size_t n;
};

static const char *const render_skip_names[] = {
	"NONE",
#define SKIP(constant, kind, text) #constant,
#include "feeds/skips.def"
#undef SKIP
};

__attribute__((format(printf, 2, 3))) static inline void render_add(struct render *o,
                                                                    const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(o->text + o->n, sizeof o->text - o->n, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < sizeof o->text - o->n)
		o->n += (size_t)n;
}

static inline void render_data(struct render *o, const struct policy_data *d)
{
	char text[NAME_TEXT_MAX];
	for (unsigned i = 0; i < d->n_addrs; i++) {
		addr_to_text(&d->addrs[i], text);
		render_add(o, " %s", text);
	}
	if (d->target != NULL) {
		name_to_text(d->target, text);
		render_add(o, " to %s%s", d->is_target_suffix ? "*." : "", text);
	}
	struct policy_record record;
	for (size_t at = 0; policy_record_next(d, &at, &record);)
		render_add(o, " %u/%u/%u", record.type, record.ttl_s, record.rdata_len);
	for (unsigned i = 0; i < d->n_types; i++)
		render_add(o, " %s%u", d->types_are_not ? "!" : "type ",
		           load16(d->types + 2UL * i));
}

static inline int render_rule(void *arg, const struct feeds_rule *r)
{
	static const char *const scopes[] = { "exact", "tree", "below" };
	static const char *const actions[] = { "",         " allow",    " log",    " nxdomain",
		                               " nodata",  " refused",  " drop",   " truncate",
		                               " address", " redirect", " records" };
	static const char *const matches[] = { "", "", "answer ", "server ", "client " };
	struct render *o = arg;
	char text[NAME_TEXT_MAX];
	if (o->n > 0)
		render_add(o, "; ");
	if (r->name != NULL) {
		name_to_text(r->name->wire, text);
		render_add(o, "%s%s%s %s%s", matches[r->rule.own_match], scopes[r->rule.scope],
		           r->rule.is_important ? "!" : "", text, actions[r->rule.action]);
	} else if (r->pattern != NULL) {
		render_add(o, "/%s/%s%s", r->pattern->regex, r->rule.is_important ? "!" : "",
		           actions[r->rule.action]);
		for (unsigned i = 0; i < r->pattern->n_types; i++)
			render_add(o, " %s%u", r->pattern->types_are_not ? "!" : "type ",
			           r->pattern->types[i]);
	} else {
		addr_prefix_to_text(r->prefix, text);
		render_add(o, "%s%s%s", matches[r->rule.own_match], text, actions[r->rule.action]);
	}
	if (r->rule.data != NULL)
		render_data(o, r->rule.data);
	return 0;
}

static inline bool render_is_document(enum feeds_format format)
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

static inline int render_document(struct scan *s, const char *text, size_t n)
{
	struct reader *r;
	const char *why;
	assert_int_equal(reader_open_bytes(text, n, FEEDS_MAX_BYTES, &r, &why), 0);
	int e = scan_file(s, r);
	reader_close(r);
	return e;
}

static inline void render_lines(struct scan *s, const char *text, size_t n)
{
	if (render_is_document(s->format)) {
		assert_int_equal(render_document(s, text, n), 0);
		return;
	}
	s->line = 0;
	for (size_t at = 0; at < n;) {
		const char *lf = memchr(text + at, '\n', n - at);
		size_t len = lf != NULL ? (size_t)(lf - text - (ptrdiff_t)at) : n - at;
		struct word w = scan_trim(text + at, len);
		s->line++;
		scan_line(s, w.p, w.n);
		at += len + 1;
	}
}

static inline void render_skips(struct render *o, const struct feeds_report *report)
{
	for (unsigned i = 0; i < FEEDS_N_SKIPS; i++) {
		if (report->skips[i] > 0)
			render_add(o, "%sskip %s %u", o->n > 0 ? "; " : "", render_skip_names[i],
			           (unsigned)report->skips[i]);
	}
}

/* Both passes over the lines in `text`, as load.c makes them. */
static inline void render_list(enum feeds_format format, const char *flags, const char *text,
                               size_t n, struct render *o, struct feeds_report *report)
{
	struct overrides overrides = { 0 };
	struct scan s = {
		.format = format,
		.no_subdomains = strchr(flags, 'e') != NULL,
		.is_log_only = strchr(flags, 'l') != NULL,
		.overrides = format == FEEDS_ADBLOCK ? &overrides : NULL,
		.report = report,
	};
	memset(report, 0, sizeof *report);
	o->n = 0;
	o->text[0] = 0;
	s.pass = SCAN_CHECK;
	render_lines(&s, text, n);
	overrides_seal(&overrides);
	memset(report, 0, sizeof *report);
	s.pass = SCAN_EMIT;
	s.rule = render_rule;
	s.arg = o;
	render_lines(&s, text, n);
	overrides_done(&overrides);
	rpz_zone_free(s.zone);
	render_skips(o, report);
}
