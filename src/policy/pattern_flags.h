/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/pattern_flags.h - how Vectorscan is to read an expression.
 *
 * What:      the flags that checking and making must agree on. Names are lower case, expressions
 *            may not be; a dot is any character; that a pattern matches is all we ask.
 * Threads:   pure.
 * Memory:    none.
 * Tests:     tests/unit/policy/patterns_test.c
 */
#pragma once

#include <hs/hs.h>

enum {
	PATTERN_FLAGS = HS_FLAG_CASELESS | HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH
};
