/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/detect/engine/reports.h - the reports of the offline engine (README.md): one function each.
 *
 * What:      each reads what it needs below options.folder, runs, and prints a table.
 * Threads:   one.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "engine.h"

struct options {
	const char *folder; /* of the data */
	uint64_t seed;
	unsigned seeds; /* runs of the same with seed, seed + 1 ... */
	unsigned clients;
	const char *only; /* a part of what has parts; NULL: all */
};

/* 0, or 1: a bound is broken. */
int report_captures(const struct options *o);
int report_names(const struct options *o);
int report_storm(const struct options *o);
int report_day(const struct options *o);
int report_cost(const struct options *o);
int report_check(const struct options *o); /* folder: the file of names */

/* ---- what they share ---- */

/* Detectors that found something, as "leak high, dga low"; "-": none. */
struct found_by {
	uint32_t at[N_DETECTORS][DETECT_CONFIDENCES];
};
void found_by_add(struct found_by *f, const struct detect_findings *from, enum detect_action least);
const char *found_by_text(const struct found_by *f, char *ret, size_t room);
