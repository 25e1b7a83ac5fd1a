/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/resemble.h - which protected brand a name imitates, and how; inside detect/.
 *
 * What:      the rules: letters of other scripts, shapes (rn and m), an edit, words put beside the
 *            label, the label below another suffix, the brand's domain below somebody else's. The
 *            strongest one counts.
 * Not here:  who is popular, what an answer says -> detect/lookalike.c
 * Threads:   pure.
 * Memory:    never allocates; 3 KiB of stack.
 * Cost:      0.5 us for an ordinary name.
 * Limits:    one brand a name: the one resembled most.
 * Tests:     tests/unit/detect/resemble_test.c, tests/fuzz/lookalike_fuzz.c
 */
#pragma once

#include "detect/brands.h"

/* From the weakest. */
enum resemblance {
	RESEMBLES_NONE,
	RESEMBLES_MIXED,      /* nobody, but its scripts are mixed */
	RESEMBLES_SUFFIX,     /* the label below another suffix */
	RESEMBLES_WORDS,      /* the label with words that others use, too */
	RESEMBLES_LEFT,       /* the label with words that imitators use, below somebody's domain */
	RESEMBLES_EDIT,       /* an edit away */
	RESEMBLES_MARKS,      /* with accents */
	RESEMBLES_SHAPES,     /* rn for m, 1 for l */
	RESEMBLES_STRONG,     /* the label with words that imitators use */
	RESEMBLES_BELOW,      /* the brand's domain below somebody's */
	RESEMBLES_BELOW_WORD, /* ... with such a word in that */
	RESEMBLES_LETTERS,    /* letters of other scripts */
	RESEMBLANCES
};

struct resembled {
	enum resemblance how;
	const struct brand *brand; /* NULL: MIXED */
	uint8_t label;             /* which one of the name's, counted from the left */
	bool is_own;               /* the name is the brand's own, and like nobody's else */
	bool is_lure; /* BELOW: written like paypal.com-x.example, or behind a word that asks for trust */
};

/*
 * lower: a name in wire form; its last `registered` labels [2, all] are what somebody has bought.
 * Written whole. Nothing is like a brand that is its own.
 */
void resemble(const struct brands *b, const uint8_t *lower, unsigned registered,
              struct resembled *ret);
