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
		render_add(o, " to %s", text);
	}
}

static inline int render_rule(void *arg, const struct feeds_rule *r)
{
	static const char *const scopes[] = { "exact", "tree", "below" };
	static const char *const actions[] = { "",         " allow",   " log",  " nxdomain",
		                               " nodata",  " refused", " drop", " truncate",
		                               " address", " redirect" };
	struct render *o = arg;
	char text[NAME_TEXT_MAX];
	if (o->n > 0)
		render_add(o, "; ");
	if (r->name != NULL) {
		name_to_text(r->name->wire, text);
		render_add(o, "%s%s %s%s", scopes[r->rule.scope], r->rule.is_important ? "!" : "",
		           text, actions[r->rule.action]);
	} else {
		addr_prefix_to_text(r->prefix, text);
		render_add(o, "%s", text);
	}
	if (r->rule.data != NULL)
		render_data(o, r->rule.data);
	return 0;
}

static inline void render_lines(struct scan *s, const char *text, size_t n)
{
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
	for (unsigned i = 0; i < FEEDS_N_SKIPS; i++) {
		if (report->skips[i] > 0)
			render_add(o, "%sskip %s %u", o->n > 0 ? "; " : "", render_skip_names[i],
			           (unsigned)report->skips[i]);
	}
}
