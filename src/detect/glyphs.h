/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/glyphs.h - what a label looks like to somebody who reads it; inside detect/.
 *
 * What:      reads internationalised labels (xn--), and gives for each letter the ASCII letter it
 *            is easily taken for; says whether letters are of scripts that no language mixes; and
 *            folds what looks alike in ASCII, too (0 and o, rn and m).
 * Not here:  whom the label resembles -> detect/resemble.h
 * Threads:   pure.
 * Memory:    never allocates; tables of 30 KiB in the binary (confusables.def).
 * Cost:      some 10 ns for ASCII; 50 ns a letter of others.
 * Limits:    a label; labels that are no good punycode look like what they are.
 * Standards: RFC 3492; RFC 5890 2.3.2.1; UTS 39 4 (skeletons), 5.2 (highly restrictive)
 * Tests:     tests/unit/detect/glyphs_test.c, tests/fuzz/lookalike_fuzz.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	GLYPHS_LABEL_MAX = 63,
	GLYPHS_TEXT_MAX = 3 * GLYPHS_LABEL_MAX, /* a letter may look like three */
};

struct glyphs {
	bool is_international; /* letters beyond ASCII, well encoded */
	bool has_letters;      /* ... that are taken for ASCII as they stand: Cyrillic, Greek ... */
	bool has_marks;        /* ... or are ASCII letters with marks: accents, strokes */
	bool is_unlike;        /* ... or are taken for no ASCII letter: `text` is not complete */
	bool is_mixed;         /* of scripts that stand together in no language (UTS 39 5.2) */
	uint8_t n;
	char text[GLYPHS_TEXT_MAX]; /* in ASCII, lower case */
};
/* label: n bytes [1, 63], lower case. Written whole. */
void glyphs_read(const uint8_t *label, size_t n, struct glyphs *ret);

/* Code points of an A-label without its "xn--"; -EINVAL: it is none. */
MUST_USE int glyphs_decode(const uint8_t *encoded, size_t n, uint32_t ret[GLYPHS_LABEL_MAX],
                           size_t *ret_n);

/* What looks alike becomes the same; as long as text at most. Returns the length. */
size_t glyphs_fold(const char *text, size_t n, char *ret);
