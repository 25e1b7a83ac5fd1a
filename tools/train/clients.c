/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef float evidence[DGA_KINDS];

static void put(evidence **to, size_t *n, size_t room, const float *e)
{
	if (*to == NULL)
		*to = malloc(room * sizeof **to);
	if (*to == NULL)
		die("no memory", "clients");
	memcpy((*to)[(*n)++], e, sizeof(evidence));
}

void crowd_make(struct crowd *c, const struct dga_model *m, const struct corpus *corpus,
                enum part part)
{
	memset(c, 0, sizeof *c);
	c->m = m;
	for (size_t i = 0; i < corpus->ordinary.n; i++) {
		const struct entry *e = &corpus->ordinary.at[i];
		struct dga_score s;
		if (e->part != part)
			continue;
		dga_score(m, e->label, e->n_label, e->suffix, e->n_suffix, &s);
		put(&c->ordinary[e->set], &c->n_ordinary[e->set], corpus->ordinary.n, s.evidence);
	}
	for (size_t i = 0; i < corpus->generated.n; i++) {
		const struct entry *e = &corpus->generated.at[i];
		struct dga_score s;
		if (e->part != part)
			continue;
		dga_score(m, e->label, e->n_label, e->suffix, e->n_suffix, &s);
		put(&c->generated[e->family], &c->n_generated[e->family], 1 << 15, s.evidence);
	}
}

void crowd_free(struct crowd *c)
{
	for (unsigned i = 0; i < SETS; i++)
		free(c->ordinary[i]);
	for (unsigned i = 0; i < DGA_FAMILIES_MAX; i++)
		free(c->generated[i]);
}

/* ---- ordinary names of one client ---- */

struct taste {
	enum set failed[2], fresh;
	unsigned n_failed;
};

static struct taste taste_of(struct dice *d)
{
	struct taste t = { { SET_DEAD, SET_TYPO }, SET_RANKED, DAY_FAILED };
	unsigned way = dice_below(d, 30);
	if (way < 3)
		t.failed[0] = t.failed[1] = SET_DEAD;
	else if (way < 6)
		t.failed[0] = t.failed[1] = SET_TYPO;
	else if (way < 10)
		t = (struct taste){ { SET_CHINA, SET_CHINA }, SET_CHINA, DAY_FAILED };
	if (dice_below(d, 100) == 0)
		t.n_failed *= HEAVY_FACTOR;
	return t;
}

static const float *draw(const struct crowd *c, enum set set, struct dice *d)
{
	if (c->n_ordinary[set] == 0)
		die("no ordinary names of this set in this part", set_names[set]);
	return c->ordinary[set][dice_below(d, (uint32_t)c->n_ordinary[set])];
}

static struct dga_table *table_new(void)
{
	struct dga_table *t;
	if (dga_table_new(1, &t) != 0)
		die("no memory", "clients");
	return t;
}

static struct dga_standing ask(struct dga_table *t, const float *e, bool is_failed, struct dice *d,
                               uint32_t now_s)
{
	struct dga_standing s;
	struct dga_name n = { .client = 1,
		              .domain = (uint32_t)dice_next(d),
		              .is_failed = is_failed,
		              .now_s = now_s };
	for (unsigned i = 0; i < DGA_KINDS; i++)
		n.evidence[i] = dga_weigh(e[i], is_failed);
	dga_table_add(t, &n, &s);
	return s;
}

float *crowd_days(const struct crowd *c, size_t n, uint64_t seed)
{
	struct dice d = { seed };
	struct dga_table *t = table_new();
	float *highest = calloc(n, sizeof *highest);
	if (highest == NULL)
		die("no memory", "clients");
	for (size_t i = 0; i < n; i++) {
		struct taste taste = taste_of(&d);
		unsigned n_all = taste.n_failed + DAY_NEW;
		dga_table_forget(t, 1);
		for (unsigned k = 0; k < n_all; k++) {
			bool is_failed = dice_below(&d, n_all) < taste.n_failed;
			enum set set = is_failed ? taste.failed[dice_below(&d, 2)] : taste.fresh;
			struct dga_standing s =
				ask(t, draw(c, set, &d), is_failed, &d, 1000 + k * 28800 / n_all);
			if (s.n_names >= DGA_NAMES_MIN && s.sum > highest[i])
				highest[i] = s.sum;
		}
	}
	dga_table_free(t);
	return highest;
}

unsigned *crowd_infected(const struct crowd *c, unsigned family, float sum, size_t n, uint64_t seed)
{
	struct dice d = { seed * 251 + family };
	struct dga_table *t = table_new();
	unsigned *asked = calloc(n, sizeof *asked);
	if (asked == NULL || c->n_generated[family] == 0)
		die("no names of this family in this part", families[family].name);
	for (size_t i = 0; i < n; i++) {
		struct taste taste = taste_of(&d);
		dga_table_forget(t, 1);
		asked[i] = NAMES_GIVEN + 1;
		for (unsigned k = 1; k <= NAMES_GIVEN; k++) {
			const float *e =
				c->generated[family]
					    [dice_below(&d, (uint32_t)c->n_generated[family])];
			struct dga_standing s = ask(t, e, true, &d, 1000 + k * 30);
			if (s.sum >= sum && s.n_names >= DGA_NAMES_MIN) {
				asked[i] = k;
				break;
			}
			/* Meanwhile somebody works at the machine. */
			if (dice_below(&d, 4) == 0)
				ask(t, draw(c, taste.failed[dice_below(&d, 2)], &d), true, &d,
				    1000 + k * 30);
			if (dice_below(&d, 2) == 0)
				ask(t, draw(c, taste.fresh, &d), false, &d, 1000 + k * 30);
		}
	}
	dga_table_free(t);
	return asked;
}
