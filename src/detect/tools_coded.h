/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/tools_coded.h - tools that are known by what their names decode to; inside detect/.
 *
 * What:      dnscat2, dnstt, Sliver, TUNS: whole messages in hexadecimal or base32, of which each length
 *            and type must be right to the last bit.
 * Threads:   pure.
 * Memory:    the stack.
 * Cost:      some ns for a name that is in none of these encodings, up to a us otherwise.
 * Limits:    as tools.h.
 * Standards: none
 * Tests:     tests/unit/detect/tools_coded_test.c
 */
#pragma once

#include "detect/labels.h"
#include "detect/tools.h"

/* Replaces *m where it is surer. */
void match_coded(const struct labels *l, uint16_t type, struct tool_match *m);
