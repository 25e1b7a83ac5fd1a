/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tools/train/net.h - training the network of detect/dga_model.h, and writing it as a file.
 *
 * What:      one name after the other: ordinary names in random order, between them generated
 *            ones, the family drawn first and then one of its names, so that each family weighs
 *            the same however many names of it are known. The rows are trained with one step
 *            size a row (AdaGrad), the dense part with Adam, both in floats; the rows are then
 *            rounded to 8 bits.
 * Threads:   one.
 * Cost:      about 15 microseconds a name and epoch.
 */
#pragma once

#include "corpus.h"
#include "detect/dga_model.h"
#include "lexicon.h"

struct net_plan {
	unsigned n_rows, n_hidden, n_epochs;
	float rate;      /* of the rows; the dense part has a hundredth */
	float generated; /* generated names for one ordinary name */
	float made;      /* share of them that belong to no family */
	float typos;     /* share of ordinary names that are typing errors */
	float forget;    /* share of letter runs that are not shown */
	uint64_t seed;
	int fold_out; /* families of the folds 2n and 2n + 1 are not shown; -1: all are */
	uint32_t day; /* 20261128 */
};

/* What is set after training, from names of the validation part. */
struct net_tail {
	float levels[DGA_LEVELS], sums[DGA_LEVELS];
	float bins[2];
	float evidence[DGA_KINDS * DGA_BINS], kin[DGA_KIN * DGA_KIN];
};

struct net;

/*
 * Works out the features of all names of the training part, once for all networks that are trained
 * in this process: some 600 bytes a name, kept until it ends.
 */
void net_keep_features(struct corpus *c, const struct lexicon *lex);
struct net *net_train(const struct net_plan *plan, const struct corpus *c,
                      const struct lexicon *lex, const struct words *words);
void net_free(struct net *net);
/* The file; malloc. */
uint8_t *net_export(const struct net *net, const struct lexicon *lex, const struct net_tail *tail,
                    size_t *ret_n);
