/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tools/train/measure.h - thresholds from the validation part, rates on the test part.
 */
#pragma once

#include "corpus.h"
#include "detect/dga_model.h"

struct rates {
	double ordinary[SETS][DGA_LEVELS];              /* false positives; -1: no names */
	double generated[DGA_FAMILIES_MAX][DGA_LEVELS]; /* true positives; -1: no names */
	size_t n_ordinary[SETS], n_generated[DGA_FAMILIES_MAX];
};

/* Log-odds of all names of a part, in the order of the corpus; malloc. */
float *measure_scores(const struct dga_model *m, const struct entries *e, enum part part,
                      size_t *ret_n);
/* The log-odds that 1 in 100, 1,000, 10,000 resolved ordinary names of the part are above. */
void measure_levels(const struct dga_model *m, const struct corpus *c, enum part part,
                    enum view view, float *ret_levels);
/* Rates at given levels on names of the part. */
void measure_rates(const struct dga_model *m, const struct corpus *c, enum part part,
                   const float *levels, struct rates *ret);
