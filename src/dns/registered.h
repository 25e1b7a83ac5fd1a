/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns/registered.h - the registered domain of a name: what somebody has bought.
 *
 * What:      one label more than a public suffix: example.co.uk of a.b.example.co.uk, and
 *            user.github.io, since others than the registries give out names, too. Names of
 *            top-level domains that the list does not know count as registered below them
 *            (printer.lan).
 * Not here:  the list itself -> Debian's publicsuffix; suffixes.py makes a table of it when Weir is built
 * Threads:   pure.
 * Memory:    never allocates; 320 KiB of constants.
 * Cost:      30 to 80 ns: a hash and a slot for each label from the top, as far as there are rules;
 *            tests/bench/registered_ns.
 * Limits:    none: any name. A search in the table takes 32 steps at most, whoever chooses the name; it
 *            compares the labels, so no name is taken for another.
 * Standards: none; https://publicsuffix.org/list/
 * Tests:     tests/unit/dns/registered_test.c
 */
#pragma once

#include "dns/name.h"

/* A pointer into the name; NULL: the name is a public suffix, or the root. */
const uint8_t *name_registered(const uint8_t *lower);

/* Is it, as a whole, a public suffix, and whose? */
enum name_suffix {
	NAME_SUFFIX_NONE,     /* somebody's, or above all suffixes, or the root */
	NAME_SUFFIX_UNKNOWN,  /* a top-level domain that the list does not know */
	NAME_SUFFIX_REGISTRY, /* co.uk */
	NAME_SUFFIX_PRIVATE,  /* github.io */
};
enum name_suffix name_suffix(const uint8_t *lower);

/* Both of the above, for the price of one. */
const uint8_t *name_registered_beside(const uint8_t *lower, enum name_suffix *ret_suffix);
