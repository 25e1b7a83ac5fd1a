/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the leak budget has learned, for those outside: to list, confirm, forget and keep it. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "detect/detector.h"
#include "detect/leak.h"
#include "detect/learned.h"

static_assert((int)DETECT_WHY_MAX == (int)LEARNED_WHY_MAX, "they are the same");

static struct learned *learned_of(const struct detect *d)
{
	return leak_learned(detector_state(d, DETECTOR_leak));
}

uint64_t detect_learns_until_s(const struct detect *d)
{
	return learned_of(d)->until_s;
}

static void describe(const struct learned_domain *d, struct detect_ceiling *ret)
{
	*ret = (struct detect_ceiling){ .domain = d->name,
		                        .factor = d->factor,
		                        .all = d->all,
		                        .is_confirmed = d->is_confirmed,
		                        .made_s = d->made_s,
		                        .used_s = d->used_s };
	ret->n_clients = learned_clients(d, LEARNED_CLIENTS_MIN - 1, &ret->third_bits);
	(void)learned_clients(d, 0, &ret->most_bits);
}

unsigned detect_ceilings(const struct detect *d, struct detect_ceiling *at, unsigned max)
{
	struct learned *l = learned_of(d);
	unsigned n = 0;
	struct learned_domain *one;
	for (unsigned i = 0; (one = learned_next(l, &i)) != NULL; i++, n++) {
		if (n < max)
			describe(one, &at[n]);
	}
	return n;
}

int detect_confirm_ceiling(struct detect *d, const uint8_t *domain)
{
	return learned_confirm(learned_of(d), domain);
}

int detect_forget_ceiling(struct detect *d, const uint8_t *domain)
{
	if (domain != NULL)
		return learned_forget(learned_of(d), domain);
	learned_forget_all(learned_of(d));
	return 0;
}

uint64_t detect_ceilings_version(const struct detect *d)
{
	return learned_of(d)->n_changes;
}

int detect_save_ceilings(const struct detect *d, char **ret_text, size_t *ret_n)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	if (f == NULL)
		return -ENOMEM;
	learned_write(learned_of(d), f);
	if (fclose(f) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	*ret_n = n;
	return 0;
}

int detect_load_ceilings(struct detect *d, const char *text, size_t n, char why[DETECT_WHY_MAX])
{
	return learned_read(learned_of(d), text, n, why);
}
