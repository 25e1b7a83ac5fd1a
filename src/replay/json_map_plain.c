/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Eight bytes at a time, by arithmetic. */
#include <endian.h>
#include <string.h>

#include "replay/json_map.h"

static const uint64_t ones = 0x0101010101010101;

/* The top bit of each byte of v that is `byte`. */
static uint64_t equal_bytes(uint64_t v, uint8_t byte)
{
	uint64_t x = v ^ ones * byte;
	return ~(((x & ~(ones << 7)) + ~(ones << 7)) | x | ~(ones << 7));
}

/* The top bits as one byte, the lowest first. */
static uint64_t gather(uint64_t tops)
{
	return (tops >> 7) * 0x0102040810204080 >> 56;
}

bool json_map_word(const char *p, uint64_t *ret_quotes, uint64_t *ret_brackets)
{
	uint64_t quotes = 0, brackets = 0, escapes = 0;
	for (unsigned i = 0; i < 8; i++) {
		uint64_t v;
		memcpy(&v, p + 8UL * i, 8);
		v = le64toh(v);
		escapes |= equal_bytes(v, '\\');
		quotes |= gather(equal_bytes(v, '"')) << 8 * i;
		v |= ones * 0x20; /* brackets become braces */
		brackets |= gather(equal_bytes(v, '{') | equal_bytes(v, '}')) << 8 * i;
	}
	*ret_quotes = quotes;
	*ret_brackets = brackets;
	return escapes == 0;
}
