/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns/text.h - mnemonics of types, rcodes and extended errors.
 *
 * What:      numbers to their names and back, from libknot's tables.
 * Not here:  names of domains -> dns/name.h
 * Threads:   pure.
 * Memory:    never allocates; what is returned is static or the caller's buffer.
 * Cost:      a linear look into a table of some dozens: not on the path of a cached answer.
 * Standards: RFC 3597 5 (TYPE65280)
 * Tests:     tests/unit/dns/text_test.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	DNS_TYPE_TEXT_MAX = 32
};

/* "A", "HTTPS", "TYPE65280"; returns ret_text. */
const char *dns_type_text(uint16_t type, char ret_text[DNS_TYPE_TEXT_MAX]);
MUST_USE int dns_type_from_text(const char *text, uint16_t *ret); /* 0 or -EINVAL */
const char *dns_rcode_text(unsigned rcode); /* "NXDOMAIN"; "RCODE" for unknown ones */
/* The name of an extended error code (RFC 8914 and IANA), or "". */
const char *dns_ede_text(uint16_t code);
