/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/facts.h - what is known of the text that a list's rules were made of, beside the rules.
 *
 * What:      STATE/facts/NAME: the counts, the rules that come more than once, and the numbers of the
 *            lines that matter beyond their own rule: those that were skipped and are told as examples,
 *            and those that the guard has something to say of. With that, and the last good copy of the
 *            text, a next version that differs by little is taken without reading all of it as rules
 *            (feeds/update.h), and all that is told of it is what reading it whole would tell.
 * Not here:  the text -> feeds/store.h
 * Threads:   the loader's.
 * Memory:    heap: 8 bytes a special line, 16 bytes a rule that comes more than once.
 * Cost:      one small file a list.
 * Limits:    FACTS_SPECIAL_MAX lines; of each reason to skip the first FACTS_SKIPS. With more special
 *            lines nothing is kept, and the list is read whole each time.
 * Tests:     tests/unit/feeds/facts_test.c, tests/fuzz/facts_fuzz.c
 */
#pragma once

#include "feeds/feeds.h"

enum {
	FACTS_SPECIAL_MAX = 1 << 16,
	FACTS_SKIPS = 64,
	FACTS_HEADER_MAX = 1000,
	FACTS_MAX_BYTES = 32 << 20,
};

struct facts_counts {
	uint64_t lines, comments, names, prefixes, suspicious, odd, skipped;
	uint64_t garbage_lines, rule_lines;
	uint64_t skips[FEEDS_N_SKIPS];
};

struct facts {
	struct policy_list_source source; /* settings and text that they are true of */
	struct facts_counts counts;
	/* Of a policy zone: so many lines say what those behind them mean. They are special, and so
	 * is the one behind them. */
	uint64_t header;
	uint64_t *special; /* numbers of lines; in order, each once, when sealed */
	uint32_t n_special, room;
	/* How many times of each reason are in special lines: the first of them, or all. */
	uint32_t n_known[FEEDS_N_SKIPS];
	struct policy_twice twice; /* items: heap, ours */
	bool is_spoilt;            /* there are none */
	/* While the next version's are made of this one's (NULL: of nothing): */
	const struct facts *before;
	const struct feeds_report *passed; /* what was met of the old text so far */
};

/* The counts of a whole text. */
struct facts_counts facts_count(const struct feeds_report *r, uint64_t garbage_lines,
                                uint64_t rule_lines);

/* Can a list of this format be taken by what differs? */
bool facts_suits(enum feeds_format f);

/* While a text is read, in any order. After a failure they are spoilt. */
void facts_add_line(struct facts *f, uint64_t line);
void facts_add_skip(struct facts *f, enum feeds_skip why, uint64_t line);
void facts_seal(struct facts *f);
/* Of a policy zone, before sealing. first_body: of struct rpz_zone. */
void facts_add_header(struct facts *f, uint64_t first_body, bool is_plain);
/* Are the first examples of each reason known still? Else the text must be read whole. */
bool facts_have_examples(const struct facts *f);
void facts_done(struct facts *f); /* what is zeroed is ready for use */

/* 0; -ENOENT, -EBADMSG (damaged), -ENOMEM, -errno. */
MUST_USE int facts_read(const struct feeds_plan *plan, const char *list, struct facts *ret);
/* Written beside and renamed; spoilt ones: the file goes. 0 or -errno. */
MUST_USE int facts_write(const struct feeds_plan *plan, const char *list, const struct facts *f);
/* Remove those of lists that are not in the plan. */
void facts_prune(const struct feeds_plan *plan);

/* The bytes of the file, and back: 0, -EBADMSG, -ENOMEM. The text is the caller's, free(). */
MUST_USE int facts_parse(const void *bytes, size_t n, struct facts *ret);
MUST_USE int facts_format(const struct facts *f, void **ret, size_t *ret_n);
