/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tools/train/lexicon.h - the tables of letters and words that come with the model.
 *
 * What:      how likely a character is after two others, in ordinary names of the training part;
 *            and words: parts between hyphens of these names, and a dictionary. How common a
 *            word is says how often these names are read with it.
 */
#pragma once

#include "detect/dga_features.h"
#include "generate.h"

enum {
	LEXICON_PLACES = 1 << 17
};

struct lexicon {
	int8_t trigrams[DGA_TRIGRAMS];
	uint16_t words[LEXICON_PLACES];
	uint16_t heads[DGA_HEADS];
	uint8_t threes[(DGA_THREES / 8 + 64) / 64 * 64];
	size_t n_words[DGA_WORD_LEVELS + 1]; /* by level; 0: found no place */
	struct dga_lexicon view;
};

/* Sets words->common, too. */
void lexicon_make(struct lexicon *lex, const struct entries *ordinary, struct words *words);
