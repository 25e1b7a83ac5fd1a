/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is read of a list's facts is in order, and comes back the same when written. */
#include "feeds/facts.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	SUM_AT = 8,
	SUMMED_FROM = 16
};

static void look(const uint8_t *data, size_t n)
{
	struct facts f;
	void *bytes;
	size_t n_bytes;
	if (facts_parse(data, n, &f) != 0)
		return;
	for (uint32_t i = 1; i < f.n_special; i++)
		must(f.special[i] > f.special[i - 1]);
	for (uint32_t i = 1; i < f.twice.n; i++)
		must(f.twice.items[i].key > f.twice.items[i - 1].key && f.twice.items[i].n > 1);
	must(facts_format(&f, &bytes, &n_bytes) == 0 && n_bytes == n &&
	     memcmp(bytes, data, n) == 0);
	free(bytes);
	facts_done(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	look(data, n);
	if (n < SUMMED_FROM)
		return 0;
	/* The same with a good checksum, which no fuzzer finds. */
	uint8_t *good = malloc(n);
	must(good != NULL);
	memcpy(good, data, n);
	uint64_t sum = XXH3_64bits(good + SUMMED_FROM, n - SUMMED_FROM);
	memcpy(good + SUM_AT, &sum, sizeof sum);
	look(good, n);
	free(good);
	return 0;
}
