/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/detect/engine/traffic.h - other people who use the same resolver, meanwhile.
 *
 * What:      clients 10.0.0.1 ... that each go to a site now and then: A and AAAA of a popular one (85 in
 *            100), or of any. What a detector did to them is counted.
 * Threads:   one.
 */
#pragma once

#include "benign.h"
#include "engine.h"

enum {
	TRAFFIC_TAG = 1 << 30, /* of engine_question.tag */
};

struct traffic {
	const struct benign *benign;
	uint64_t dice;
	unsigned clients;
	double gap_s; /* of all of them together, on average */
	double next_s;
	struct addr also; /* one of them is this one */
	uint64_t asked;
};

void traffic_init(struct traffic *t, const struct benign *b, uint64_t seed, unsigned clients,
                  double gap_of_one_s, const struct addr *also);
/* All they do until then. */
void traffic_until(struct traffic *t, double until_s);
