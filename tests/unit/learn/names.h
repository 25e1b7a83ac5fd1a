/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns/name.h"

/* A name as text; 16 of them last. */
static inline const uint8_t *wire(const char *text)
{
	static struct name names[16];
	static unsigned next;
	struct name *n = &names[next++ % 16];
	assert_int_equal(name_from_text(text, strlen(text), n), 0);
	return n->wire;
}
