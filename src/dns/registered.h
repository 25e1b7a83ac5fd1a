/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns/registered.h - the registered domain of a name: what somebody has bought.
 *
 * What:      one label more than a public suffix: example.co.uk of a.b.example.co.uk, and
 *            user.github.io, since others than the registries give out names, too. Names of
 *            top-level domains that the list does not know count as registered below them
 *            (printer.lan).
 * Not here:  the list itself -> libpsl, built with Debian's publicsuffix
 * Threads:   pure.
 * Memory:    never allocates.
 * Cost:      1 to 4 us, the look-ups of libpsl; not for the path of a cached answer.
 * Limits:    suffixes of at most REGISTERED_SUFFIX_MAX labels; the longest there is has five.
 * Standards: none; https://publicsuffix.org/list/
 * Tests:     tests/unit/dns/registered_test.c
 */
#pragma once

#include "dns/name.h"

enum {
	REGISTERED_SUFFIX_MAX = 8
};

/* A pointer into the name; NULL: the name is a public suffix, or the root. */
const uint8_t *name_registered(const uint8_t *lower);
