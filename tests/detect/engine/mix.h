/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/detect/engine/mix.h - what people ask for, in parts of the same size: for measuring.
 *
 * What:      two mixes of ordinary questions, through the engine's cache of TTLs.
 *
 *              office    the second half of a day of the office (office.h), after its first half: what a cache
 *                        lets through of 500 people who go to the same sites again
 *              crawl     a domain that nobody has asked for before with each question, A and AAAA, of 10,000
 *                        clients: nothing that was remembered helps
 * Threads:   one.
 * Memory:    one mix at a time, and one engine, which is the caller's.
 */
#pragma once

#include "benign.h"
#include "office.h"

enum mix_kind {
	MIX_OFFICE,
	MIX_CRAWL,
	MIXES
};

struct mix {
	enum mix_kind kind;
	const struct benign *benign;
	struct office office;
	size_t next; /* event, or site */
	uint64_t dice;
};

const char *mix_name(enum mix_kind kind);
void mix_open(struct mix *m, enum mix_kind kind, const struct benign *b, const char *folder,
              uint64_t seed);
void mix_close(struct mix *m);
/* All that comes before what is to be measured. */
void mix_warm_up(struct mix *m);
/* The next part. */
void mix_play(struct mix *m);
