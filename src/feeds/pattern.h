/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/pattern.h - pattern rules: from lines to policy/policy.h, and their file.
 *
 * What:      regular expressions as they are (format regex, AdBlock's /.../), and AdBlock's texts with
 *            stars and open ends turned into such. All lists' patterns become one set, in
 *            STATE/policy.patterns-KEY; the image's tag has the key, so that image and set are
 *            always of the same moment.
 * Not here:  which expressions are fit -> policy_pattern_check()
 * Threads:   the loader's.
 * Memory:    a line's buffers on the stack; collecting: the texts.
 * Cost:      50 us a pattern each time the list is read.
 * Limits:    POLICY_PATTERN_MAX bytes an expression.
 * Tests:     tests/unit/feeds/pattern_test.c, tests/fuzz/format_fuzz.c
 */
#pragma once

#include "feeds/scan.h"

/* ---- a line ---- */

/*
 * A text of AdBlock syntax, with its anchors, to an expression over names: "||ads*.x^" becomes
 * "(^|\.)ads.*\.x$". False: it has other characters than names, stars and anchors, or would
 * match names by too little (fewer than PATTERN_LEAST characters between stars).
 */
enum {
	PATTERN_LEAST = 3
};
bool pattern_from_adblock(struct word text, char ret_regex[POLICY_PATTERN_MAX + 1]);

/*
 * A name with stars, as in Pi-hole's and dnsmasq's files: "ads*.x" becomes "(^|\\.)ads.*\\.x$", and the
 * name alone with is_exact; "*ads.x" is whatever ends so. False as above, and without a star.
 */
bool pattern_from_glob(struct word text, bool is_exact, char ret_regex[POLICY_PATTERN_MAX + 1]);
/* The same as a rule, or a skip, of the scan. False: it is neither, as above. */
bool pattern_emit_glob(struct scan *s, struct word text, bool is_exact,
                       const struct policy_pattern_rule *out);

/*
 * Check the rule and give it to the scan as a rule, or as a skip with the reason. text and regex
 * need not end in NUL; `out` has the rest of the rule.
 */
void pattern_emit(struct scan *s, struct word text, struct word regex,
                  const struct policy_pattern_rule *out);

/* ---- all of them ---- */

/* One that cannot be had after all: a skip in the report, and a rule less. */
void pattern_count_dropped(struct feeds_report *r, enum policy_pattern_fault fault, uint64_t line,
                           const char *text, const char *why);

/* Put into the tag which set belongs to the image; and read it back. 0: none. */
void pattern_tag(uint8_t tag[FEEDS_TAG_BYTES], const struct policy_pattern_set *set);
uint64_t pattern_key_of_tag(const uint8_t tag[FEEDS_TAG_BYTES]);

/* The file of a set; false without a state directory. */
bool pattern_path(const struct feeds_plan *plan, uint64_t key, char *ret, size_t room);
/* Read the set that the image's tag asks for, and attach it. 0; -EBADMSG; -ENOMEM. */
MUST_USE int pattern_attach(const struct feeds_plan *plan, struct policy_image *image);
/* Remove the files of other sets. */
void pattern_prune(const struct feeds_plan *plan, uint64_t key);
