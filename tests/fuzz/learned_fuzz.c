/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes as the file of learned ceilings. What is accepted, written out, is read as the same. */
#include "detect/learned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char *written(struct learned *l, size_t *ret_n)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_n);
	must(f != NULL);
	learned_write(l, f);
	must(fclose(f) == 0);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct learned *l, *again;
	struct learned_domain *d;
	char why[LEARNED_WHY_MAX];
	size_t size[2];
	must(learned_new(&l) == 0 && learned_new(&again) == 0);
	int e = learned_read(l, (const char *)data, n, why);
	must(e == 0 || e == -EBADMSG);
	must(e == 0 || (why[0] != 0 && l->n == 0));
	for (unsigned at = 0; (d = learned_next(l, &at)) != NULL; at++) {
		must(d->factor >= 1 && d->factor <= LEARNED_FACTOR_MAX);
		must(d->all >= d->factor && d->all <= LEARNED_ALL_MAX);
		must(learned_find(l, d->name.wire) == d);
	}
	if (e == 0) {
		char *first = written(l, &size[0]);
		must(learned_read(again, first, size[0], why) == 0 && why[0] == 0);
		char *second = written(again, &size[1]);
		must(size[0] == size[1] && memcmp(first, second, size[0]) == 0);
		free(first);
		free(second);
	}
	/* Time goes on, and anybody asks. */
	learned_tick(l, 480, 86400, l->began_s + 3600);
	learned_tick(l, 480, 86400, l->began_s + 400 * 86400ULL);
	for (unsigned at = 0; (d = learned_next(l, &at)) != NULL; at++)
		must(d->factor >= 1 && d->factor <= LEARNED_FACTOR_MAX);
	learned_free(l);
	learned_free(again);
	return 0;
}
