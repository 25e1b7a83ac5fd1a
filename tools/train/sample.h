/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tools/train/sample.h - a small part of the test part, which is shipped with the tests; and what can
 *                        be done with a model without the data.
 *
 * What:      a line has a family or "-", the label, the suffix.
 */
#pragma once

#include "corpus.h"

/* To standard output: names whose licences allow it, of the test part. */
void sample_write(const struct corpus *c);
/* 0, or 1 and what is wrong. */
int sample_check(const char *model, const char *sample, double rate, double wrong, unsigned names);
void sample_score(const char *model, char **names, unsigned n);
void sample_speed(const char *model, const char *sample);
