/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a STIX pattern. Properties: a pattern that is not taken gives nothing out; values are
 * no longer than allowed, and together no longer than the pattern.
 */
#include "feeds/stix_pattern.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct sum {
	size_t n_parts, n_bytes;
};

static void part(void *arg, enum value_kind kind, struct word value)
{
	struct sum *sum = arg;
	must(kind <= VALUE_URL && value.n <= VALUE_MAX);
	sum->n_parts++;
	sum->n_bytes += value.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sum sum = { 0 };
	char *exact = malloc(n > 0 ? n : 1); /* ASan sees a read past the pattern */
	must(exact != NULL);
	memcpy(exact, data, n);
	enum feeds_skip why = stix_pattern_each(exact, n, part, &sum);
	must((why == FEEDS_SKIP_NONE) == (sum.n_parts > 0));
	must(sum.n_bytes <= n);
	free(exact);
	return 0;
}
