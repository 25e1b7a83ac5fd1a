/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/idn.h - internationalised names as DNS carries them.
 *
 * What:      U-labels to A-labels ("bücher.example" -> "xn--bcher-kva.example"): IDNA 2008 with
 *            UTS 46 mapping, and where that says no (emoji, most of all), the older transitional
 *            mapping, because such names are registered and are in lists.
 * Threads:   pure.
 * Memory:    libidn2 allocates while it works.
 * Cost:      some us a name.
 * Limits:    IDN_TEXT_MAX bytes of text.
 * Standards: RFC 5890 2.3.2.1, RFC 5891 4.4; UTS 46
 * Tests:     tests/unit/feeds/listname_test.c
 */
#pragma once

#include <stddef.h>

#include "base/must.h"

enum {
	IDN_TEXT_MAX = 1024,
	IDN_ASCII_MAX = 256,
};

/*
 * idn_to_ascii - the ASCII form of a name in UTF-8.
 *
 * Returns the length of ret_ascii, which ends in NUL; -EINVAL if there is none.
 */
MUST_USE int idn_to_ascii(const char *text, size_t n, char ret_ascii[IDN_ASCII_MAX]);
