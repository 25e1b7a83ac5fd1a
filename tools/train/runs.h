/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tools/train/runs.h - training for several seeds and families left out, thresholds, and the table.
 *
 * What:      runs_freeze() trains with the training part and sets every threshold with the
 *            validation part; models and thresholds are files. runs_test() is the only one that
 *            looks at the test part; it reads these files and sets nothing.
 */
#pragma once

#include "corpus.h"
#include "lexicon.h"
#include "net.h"

enum {
	FOLDS_OUT = 4, /* families are left out in so many groups: two folds each */
	SEEDS_MAX = 9,
};

struct material {
	struct corpus corpus;
	struct words words;
	struct lexicon lexicon;
};

/* The names alone, for who trains nothing; or with words and lexicon. */
void material_read_names(struct material *m, const char *data);
void material_read(struct material *m, const char *data, const char *dictionary);

/* For the seeds from first to last: one model with all families and FOLDS_OUT without some, into the folder. */
void runs_freeze(struct material *m, const char *folder, unsigned first, unsigned last,
                 uint32_t day);
/* Thresholds of clients anew, for the models that are in the folder: after a change in
 * detect/dga_evidence.h. */
void runs_refreeze(const struct material *m, const char *folder, unsigned first, unsigned last);
/* Prints the table of the test part; with PART_VALID, what may be looked at while one still chooses. */
void runs_test(const struct material *m, const char *folder, unsigned n_seeds, enum part part);
