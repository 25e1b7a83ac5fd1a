/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float log_odds(const struct dga_model *m, const struct entry *e)
{
	struct dga_score s;
	dga_score(m, e->label, e->n_label, e->suffix, e->n_suffix, &s);
	return s.log_odds;
}

static int float_compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

void measure_levels(const struct dga_model *m, const struct corpus *c, enum part part,
                    enum view view, float *ret_levels)
{
	float *score = malloc(c->ordinary.n * sizeof *score);
	size_t n = 0;
	if (score == NULL)
		die("no memory", "scores");
	for (size_t i = 0; i < c->ordinary.n; i++) {
		const struct entry *e = &c->ordinary.at[i];
		/* Names that are held back are few enough without those of another part. */
		bool is_held = view == VIEW_TWICE && part == PART_VALID && e->part == PART_HELD;
		if ((e->part == part || is_held) && entry_is_in(e, view))
			score[n++] = log_odds(m, e);
	}
	if (n == 0)
		die("no ordinary names in this part", "levels");
	qsort(score, n, sizeof *score, float_compare);
	double rate = 0.01;
	for (unsigned i = 0; i < DGA_LEVELS; i++, rate /= 10) {
		size_t above = (size_t)((double)n * rate);
		ret_levels[i] = nextafterf(score[n - 1 - (above < n ? above : n - 1)], INFINITY);
	}
	free(score);
}

static void count(const float *levels, float score, double *hits)
{
	for (unsigned i = 0; i < DGA_LEVELS; i++)
		hits[i] += score >= levels[i];
}

void measure_rates(const struct dga_model *m, const struct corpus *c, enum part part,
                   const float *levels, struct rates *ret)
{
	memset(ret, 0, sizeof *ret);
	for (size_t i = 0; i < c->ordinary.n; i++) {
		const struct entry *e = &c->ordinary.at[i];
		if (e->part != part)
			continue;
		float score = log_odds(m, e);
		count(levels, score, ret->ordinary[e->set]);
		ret->n_ordinary[e->set]++;
		if (entry_is_in(e, VIEW_CONFIRMED)) {
			count(levels, score, ret->ordinary[SET_CONFIRMED]);
			ret->n_ordinary[SET_CONFIRMED]++;
		}
		if (entry_is_in(e, VIEW_TWICE)) {
			count(levels, score, ret->ordinary[SET_TWICE]);
			ret->n_ordinary[SET_TWICE]++;
		}
	}
	for (size_t i = 0; i < c->generated.n; i++) {
		const struct entry *e = &c->generated.at[i];
		if (e->part != part)
			continue;
		count(levels, log_odds(m, e), ret->generated[e->family]);
		ret->n_generated[e->family]++;
	}
	for (unsigned i = 0; i < DGA_LEVELS; i++) {
		for (unsigned k = 0; k < SETS; k++)
			ret->ordinary[k][i] /=
				ret->n_ordinary[k] > 0 ? (double)ret->n_ordinary[k] : -1;
		for (unsigned k = 0; k < DGA_FAMILIES_MAX; k++)
			ret->generated[k][i] /=
				ret->n_generated[k] > 0 ? (double)ret->n_generated[k] : -1;
	}
}
