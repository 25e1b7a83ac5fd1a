/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/scan.h"

#include <errno.h>

#include "feeds/facts.h"
#include "feeds/guard.h"
#include "feeds/report.h"
#include "feeds/rpz_zone.h"

enum {
	STOP_EVERY = 4096
}; /* lines between two looks at `stop` */

static void (*const parsers[FEEDS_N_FORMATS])(struct scan *s, const char *text, size_t n) = {
#define FORMAT(constant, text, parser, names, addresses) [FEEDS_##constant] = parser,
#define DOCUMENT(constant, text, parser, names, addresses)
#include "feeds/formats.def"
#undef FORMAT
};

static int (*const documents[FEEDS_N_FORMATS])(struct scan *s, struct reader *r) = {
#define FORMAT(constant, text, parser, names, addresses)
#define DOCUMENT(constant, text, parser, names, addresses) [FEEDS_##constant] = parser,
#include "feeds/formats.def"
#undef FORMAT
};

struct word scan_trim(const char *text, size_t n)
{
	while (n > 0 && scan_is_blank(text[n - 1]))
		n--;
	while (n > 0 && scan_is_blank(*text)) {
		text++;
		n--;
	}
	return (struct word){ text, n };
}

bool scan_next_word(struct word *rest, struct word *ret)
{
	*rest = scan_trim(rest->p, rest->n);
	if (rest->n == 0)
		return false;
	size_t n = 0;
	while (n < rest->n && !scan_is_blank(rest->p[n]))
		n++;
	*ret = (struct word){ rest->p, n };
	rest->p += n;
	rest->n -= n;
	return true;
}

struct word scan_without_comment(const char *text, size_t n, char mark)
{
	const char *end = text + n;
	for (const char *p = text; (p = memchr(p, mark, (size_t)(end - p))) != NULL; p++) {
		if (p > text && scan_is_blank(p[-1]))
			return scan_trim(text, (size_t)(p - text));
	}
	return (struct word){ text, n };
}

/* The line may be another than the one that is read: a policy zone's rules come late. */
static bool passes_guard(struct scan *s, const struct feeds_rule *r)
{
	char text[FEEDS_EXCERPT_MAX];
	if (s->guard == NULL)
		return true;
	bool takes = guard_takes(s->guard, r);
	if (s->guard->is_touched && s->facts != NULL)
		facts_add_line(s->facts, r->line);
	if (takes)
		return true;
	struct word w = { text, guard_rule_text(r, text, sizeof text) };
	scan_skip(s, FEEDS_SKIP_PROTECTED, &w);
	return false;
}

void scan_rule_name(struct scan *s, const struct name *name, const struct policy_rule *rule)
{
	struct feeds_rule r = { .name = name, .rule = *rule, .line = s->line };
	if (!passes_guard(s, &r))
		return;
	s->report->names++;
	s->has_rule = true;
	if (s->error == 0 && s->rule != NULL)
		s->error = s->rule(s->arg, &r);
}

void scan_rule_prefix(struct scan *s, const struct addr_prefix *prefix)
{
	static const struct policy_rule plain = { .action = POLICY_NONE };
	scan_rule_prefix_as(s, prefix, &plain);
}

void scan_rule_prefix_as(struct scan *s, const struct addr_prefix *prefix,
                         const struct policy_rule *rule)
{
	struct feeds_rule r = { .prefix = prefix, .rule = *rule, .line = s->line };
	if (!passes_guard(s, &r))
		return;
	s->report->prefixes++;
	s->has_rule = true;
	if (s->error == 0 && s->rule != NULL)
		s->error = s->rule(s->arg, &r);
}

void scan_rule_pattern(struct scan *s, const struct policy_pattern_rule *rule)
{
	struct feeds_rule r = {
		.pattern = rule,
		.rule = { .scope = POLICY_SCOPE_TREE,
		          .is_important = rule->is_important,
		          .action = rule->action,
		          .data = rule->data },
		.line = s->line,
	};
	if (!passes_guard(s, &r))
		return;
	s->report->names++;
	s->report->patterns++;
	s->has_rule = true;
	if (s->error == 0 && s->rule != NULL)
		s->error = s->rule(s->arg, &r);
}

void scan_skip(struct scan *s, enum feeds_skip why, const struct word *excerpt)
{
	s->has_garbage |= report_is_garbage(why);
	if (s->facts != NULL)
		facts_add_skip(s->facts, why, s->line);
	if (excerpt != NULL)
		report_skip(s->report, why, s->line, excerpt->p, excerpt->n);
	else
		report_skip(s->report, why, s->line, s->text, s->n);
}

void scan_set_origin(struct scan *s, const struct word *id, const struct word *name)
{
	size_t n = 0;
	s->origin = NULL;
	if (id == NULL || id->p == NULL)
		return;
	n = report_escape(id->p, id->n, s->origin_text, FEEDS_ORIGIN_MAX);
	if (name != NULL && name->p != NULL && name->n > 0 && n + 8 < FEEDS_ORIGIN_MAX) {
		memcpy(s->origin_text + n, ", ", 2);
		report_escape(name->p, name->n, s->origin_text + n + 2, FEEDS_ORIGIN_MAX - n - 2);
	}
	s->origin = s->origin_text;
}

void scan_changes_at(struct scan *s, uint64_t when_s)
{
	if (s->report->changes_s == 0 || when_s < s->report->changes_s)
		s->report->changes_s = when_s;
}

void scan_comment(struct scan *s)
{
	s->report->comments++;
	s->has_comment = true;
}

static void line_end(struct scan *s)
{
	if (s->has_rule)
		s->rule_lines++;
	else if (s->has_garbage)
		s->garbage_lines++;
}

void scan_line(struct scan *s, const char *text, size_t n)
{
	s->text = text;
	s->n = n;
	s->has_rule = s->has_garbage = false;
	s->report->lines++;
	if (n == 0)
		s->report->comments++;
	else if (memchr(text, 0, n) != NULL)
		scan_skip(s, FEEDS_SKIP_NUL, NULL);
	else
		parsers[s->format](s, text, n);
	line_end(s);
}

static void long_line(struct scan *s, const char *head, size_t n)
{
	s->text = head;
	s->n = n;
	s->has_rule = s->has_garbage = false;
	s->report->lines++;
	scan_skip(s, FEEDS_SKIP_TOO_LONG, NULL);
	line_end(s);
}

enum reader_got scan_next_line(struct scan *s, struct reader *r, const char **ret_text,
                               size_t *ret_n)
{
	for (;;) {
		if (s->line > 0)
			line_end(s);
		s->has_rule = s->has_garbage = false;
		if (s->error == 0 && s->line % STOP_EVERY == 0 && s->stop != NULL &&
		    atomic_load(s->stop))
			s->error = -ECANCELED;
		if (s->error != 0)
			return READER_END;
		enum reader_got got = reader_next(r, &s->text, &s->n);
		s->line = reader_line(r);
		s->report->bytes = reader_bytes(r);
		if (got != READER_LINE && got != READER_LONG)
			return got;
		s->report->lines++;
		*ret_text = s->text;
		*ret_n = s->n;
		if (got == READER_LINE)
			return got;
		scan_skip(s, FEEDS_SKIP_TOO_LONG, NULL);
	}
}

static int scan_document(struct scan *s, struct reader *r)
{
	const char *why;
	int e = documents[s->format](s, r);
	s->report->bytes = reader_bytes(r);
	if (s->error != 0)
		return s->error;
	return e != 0 ? e : reader_error(r, &why);
}

static void start(struct scan *s)
{
	report_reset_counts(s->report);
	s->garbage_lines = s->rule_lines = 0;
	s->line = 0;
	s->why = s->origin = NULL;
	s->has_comment = s->has_rule = s->has_garbage = false;
	s->error = 0;
}

int scan_begin(struct scan *s, uint64_t bytes)
{
	start(s);
	if (documents[s->format] == NULL)
		return 0;
	return s->format == FEEDS_RPZ ? rpz_begin(s, bytes) : -ENOTSUP;
}

/* As scan_next_line(). */
static int feed_document(struct scan *s, const char *text, size_t n)
{
	line_end(s);
	s->has_rule = s->has_garbage = false;
	s->report->lines++;
	s->text = text;
	s->n = n;
	int e = rpz_feed(s, text, n);
	return s->error != 0 ? s->error : e;
}

int scan_feed(struct scan *s, const char *text, size_t n)
{
	if (documents[s->format] != NULL)
		return feed_document(s, text, n);
	struct word w = scan_trim(text, n);
	scan_line(s, w.p, w.n);
	return s->error;
}

int scan_end(struct scan *s)
{
	int e = 0;
	if (documents[s->format] != NULL) {
		line_end(s);
		s->has_rule = s->has_garbage = false;
		e = rpz_end(s);
	}
	return s->error != 0 ? s->error : e;
}

void scan_done(struct scan *s)
{
	if (documents[s->format] != NULL)
		rpz_done(s);
}

int scan_file(struct scan *s, struct reader *r)
{
	const char *text, *why;
	size_t n;
	start(s);
	if (documents[s->format] != NULL)
		return scan_document(s, r);
	for (;;) {
		enum reader_got got = reader_next(r, &text, &n);
		s->line = reader_line(r);
		s->report->bytes = reader_bytes(r);
		if (got == READER_END)
			return 0;
		if (got == READER_FAILED)
			return reader_error(r, &why);
		if (got == READER_LONG) {
			long_line(s, text, n);
		} else {
			struct word w = scan_trim(text, n);
			scan_line(s, w.p, w.n);
		}
		if (s->error != 0)
			return s->error;
		if (s->line % STOP_EVERY == 0 && s->stop != NULL && atomic_load(s->stop))
			return -ECANCELED;
	}
}
