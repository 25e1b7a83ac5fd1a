/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/detect/engine/storm.h - names that programs make by the thousand, for good reasons.
 *
 * What:      kinds of look-ups of antivirus programs, mail servers and hosts of contents, each with
 *            the shape of real ones and what is answered. Names are made of dice; the shapes are
 *            of published examples.
 * Threads:   one.
 */
#pragma once

#include "truth.h"

struct storm {
	const char *name;
	/* With %h hexadecimal digits, %b base32, %a letters and digits, %d digits, each with a number
	 * of them before it; %r an IPv4 address reversed, %n 32 nibbles reversed. */
	const char *shape;
	const char *answers; /* "" : NXDOMAIN */
	unsigned listed;     /* of 100 names so many have an answer */
	uint16_t type;
	const char *cut; /* the zone that has servers of its own; NULL: the registered domain */
};

extern const struct storm storms[];
extern const unsigned n_storms;

/* The next name, and what is said of it. */
void storm_name(const struct storm *s, uint64_t *dice, struct name *ret, struct truth *ret_truth);
