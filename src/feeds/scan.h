/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/scan.h - one pass over a list: lines in, rules out, everything else counted.
 *
 * What:      scan_file() reads the lines and gives each to the format's parser, which calls
 *            scan_rule_*() and scan_skip() for what it finds. A list is read twice: CHECK decides
 *            whether the file is sane and collects what AdBlock's exceptions cover; EMIT makes
 *            the rules.
 * Not here:  formats -> feeds/format_*.c; what counts as sane -> feeds/load.c
 * Threads:   worker-local.
 * Memory:    no allocation but what feeds/overrides.h says.
 * Cost:      about 50 ns a line of the plain formats.
 * Limits:    feeds_report's number of examples.
 * Tests:     tests/unit/feeds/format_test.c, tests/fuzz/format_fuzz.c
 */
#pragma once

#include <string.h>

#include "feeds/feeds.h"
#include "feeds/overrides.h"
#include "feeds/reader.h"

struct facts;
struct guard;

struct feeds_rule {
	const struct name *name;          /* or NULL: */
	const struct addr_prefix *prefix; /* or NULL: */
	const struct policy_pattern_rule *pattern;
	struct policy_rule rule;
	uint64_t line;
};

enum scan_pass {
	SCAN_CHECK,
	SCAN_EMIT
};

struct master;
struct rpz_zone;

struct scan {
	/* set by the caller */
	enum scan_pass pass;
	enum feeds_format format;
	enum policy_match match;
	const struct feeds_options *options; /* may be NULL: none are set */
	bool no_subdomains;
	bool is_log_only;            /* the list's action is `log`: it grants nothing */
	struct overrides *overrides; /* filled by CHECK, used by EMIT; may be NULL */
	int (*rule)(void *arg, const struct feeds_rule *r); /* not 0: the scan ends with it */
	void *arg;
	struct guard *guard;     /* sees every rule; may be NULL */
	struct facts *facts;     /* learns which lines are special; may be NULL */
	const atomic_bool *stop; /* may be NULL */
	struct feeds_report *report;
	uint64_t now_s;        /* wall clock: rules may have expired */
	struct master *master; /* format rpz: what reads the lines, while they are read */
	struct rpz_zone *zone; /* format rpz: made by the first pass, used by the second; the
				  caller frees it (feeds/rpz_zone.h) */

	/* the scan's own */
	int error;
	const char *why;    /* with -EBADMSG and -EINVAL of a document: what is wrong, or NULL */
	const char *origin; /* of the record that is being read: id and name, or NULL */
	char origin_text[FEEDS_ORIGIN_MAX + 1];
	uint64_t line;
	uint64_t garbage_lines, rule_lines;
	bool has_comment;           /* a real one, not a blank line */
	bool has_rule, has_garbage; /* this line */
	const char *text;           /* the line */
	size_t n;
};

/* A piece of a line. */
struct word {
	const char *p;
	size_t n;
};

/*
 * Read all lines. 0, what `rule` returned, -ECANCELED, -ENOMEM, or reader_error()'s. The
 * report's counts are set to zero first.
 */
MUST_USE int scan_file(struct scan *s, struct reader *r);
/* One line by itself, trimmed already, of a format of lines. For tests and fuzzing. */
void scan_line(struct scan *s, const char *text, size_t n);

/*
 * Some lines only, for who knows what the others come to (feeds/update.h): of formats that
 * facts_suits(). scan_begin() (bytes: of the whole text, about), then for each line s->line and
 * scan_feed(), then scan_end(). As scan_file(); -ENOTSUP: what the lines mean depends on others.
 */
MUST_USE int scan_begin(struct scan *s, uint64_t bytes);
MUST_USE int scan_feed(struct scan *s, const char *text, size_t n);
MUST_USE int scan_end(struct scan *s);
void scan_done(struct scan *s); /* in any case */

/* ---- for the formats ---- */

void scan_rule_name(struct scan *s, const struct name *name, const struct policy_rule *rule);
void scan_rule_prefix(struct scan *s, const struct addr_prefix *prefix);
void scan_rule_prefix_as(struct scan *s, const struct addr_prefix *prefix,
                         const struct policy_rule *rule);
void scan_rule_pattern(struct scan *s, const struct policy_pattern_rule *rule);
/* excerpt NULL: the whole line. */
void scan_skip(struct scan *s, enum feeds_skip why, const struct word *excerpt);
void scan_comment(struct scan *s);
/* Where the rules that come now were taken from, for explain; NULL, NULL: nothing to say. */
void scan_set_origin(struct scan *s, const struct word *id, const struct word *name);
/* At that time the list means something else: a rule begins or ends to hold. */
void scan_changes_at(struct scan *s, uint64_t when_s);

/*
 * For formats that read the whole file: the next line, counted, not trimmed; what it makes is
 * counted to it until the next call. READER_END also when the scan is to end (s->error,
 * -ECANCELED). A line that is too long is counted as skipped and not given.
 */
enum reader_got scan_next_line(struct scan *s, struct reader *r, const char **ret_text,
                               size_t *ret_n);

static inline bool scan_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Is it this text, byte by byte? False for a word that is not there. */
static inline bool word_is(const struct word *w, const char *text)
{
	return w->p != NULL && w->n == strlen(text) && memcmp(w->p, text, w->n) == 0;
}

static inline bool word_is_caseless(const struct word *w, const char *text)
{
	return w->p != NULL && w->n == strlen(text) && strncasecmp(w->p, text, w->n) == 0;
}

struct word scan_trim(const char *text, size_t n);
/* Take the next word off the front of `rest`; false at its end. */
bool scan_next_word(struct word *rest, struct word *ret);
/* The line without a comment that begins with `mark` behind a blank. */
struct word scan_without_comment(const char *text, size_t n, char mark);

#define FORMAT(constant, text, parser, names, addresses) \
	void parser(struct scan *s, const char *text_, size_t n);
/* 0 or -errno; s->error and the reader's errors are the caller's to look at. */
#define DOCUMENT(constant, text, parser, names, addresses) \
	int parser(struct scan *s, struct reader *r);
#include "feeds/formats.def"
#undef FORMAT
