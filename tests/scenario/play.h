/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenario/play.h - a scenario is played, and looked at.
 *
 * What:      play() puts the real policy, cache, resolver and steps together, as `weir serve`
 *            does from the same configuration, on the clock and the sockets of kernel.h; then
 *            it takes one step after the other. judge.c compares.
 * Threads:   one; once a process, because tables of the resolver's outlive it.
 * Memory:    kept until the process ends.
 * Tests:     tests/scenario/selftest/
 */
#pragma once

#include <stdio.h>

#include "dns/message.h"
#include "script.h"

/* One question of a client, and what came of it. */
struct asking {
	struct asking *next;
	const struct script_step *step;
	uint64_t started_ns, answered_ns;
	unsigned first_packet; /* in the network's log, when it began */
	bool is_done;
	size_t n;
	uint8_t bytes[DNS_MAX_MESSAGE];
};

/* How many expectations were not met; each is told on `out` as FILE:LINE. */
unsigned play(struct script *s, const char *path, FILE *out);

/* ---- judge.c ---- */

/* true: as expected. Else says on `out` what is not, beginning with `place`. */
bool judge_answer(const struct asking *a, const char *place, FILE *out);
bool judge_packets(const struct script_expect *e, unsigned first, uint64_t since_ns,
                   const char *place, FILE *out);
