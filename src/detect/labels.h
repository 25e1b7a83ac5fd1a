/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/labels.h - a name taken apart into its labels; inside detect/.
 *
 * What:      the labels of a name from the first on, and labels that belong together joined to one text.
 * Threads:   pure.
 * Memory:    pointers into the name, borrowed.
 * Cost:      a ns a label.
 * Limits:    LABELS_MAX labels; those behind are not looked at.
 * Tests:     tests/unit/detect/tools_test.c
 */
#pragma once

#include <string.h>

#include "dns/name.h"

enum {
	LABELS_MAX = 12
};

struct labels {
	unsigned n;
	const uint8_t *at[LABELS_MAX]; /* length byte first */
};

static inline void labels_of(const uint8_t *wire, struct labels *ret)
{
	ret->n = 0;
	for (; *wire != 0 && ret->n < LABELS_MAX; wire += *wire + 1U)
		ret->at[ret->n++] = wire;
}

/* Label i is this text; false too where there is no label i. */
static inline bool label_is(const struct labels *l, unsigned i, const char *text)
{
	size_t n = strlen(text);
	return i < l->n && l->at[i][0] == n && memcmp(l->at[i] + 1, text, n) == 0;
}

/* Labels first to end - 1 one behind the other; ret: NAME_MAX_BYTES. Returns their length. */
static inline size_t labels_join(const struct labels *l, unsigned first, unsigned end, uint8_t *ret)
{
	size_t n = 0;
	for (unsigned i = first; i < end && i < l->n; i++) {
		memcpy(ret + n, l->at[i] + 1, l->at[i][0]);
		n += l->at[i][0];
	}
	return n;
}
