/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/coding.h"

enum {
	NO_DIGIT = 0xff
};

static unsigned digit_of(enum coding c, uint8_t ch)
{
	/* In ab1c2d3e4f5g6h7j8k9m0npqrtuvwxyz, counted from 1. */
	static const uint8_t sliver[256] = {
		['a'] = 1,  ['b'] = 2,  ['1'] = 3,  ['c'] = 4,  ['2'] = 5,  ['d'] = 6,  ['3'] = 7,
		['e'] = 8,  ['4'] = 9,  ['f'] = 10, ['5'] = 11, ['g'] = 12, ['6'] = 13, ['h'] = 14,
		['7'] = 15, ['j'] = 16, ['8'] = 17, ['k'] = 18, ['9'] = 19, ['m'] = 20, ['0'] = 21,
		['n'] = 22, ['p'] = 23, ['q'] = 24, ['r'] = 25, ['t'] = 26, ['u'] = 27, ['v'] = 28,
		['w'] = 29, ['x'] = 30, ['y'] = 31, ['z'] = 32,
	};
	switch (c) {
	case CODING_HEX:
		if (ch >= '0' && ch <= '9')
			return ch - '0';
		return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10U : NO_DIGIT;
	case CODING_BASE32:
	case CODING_IODINE:
		if (ch >= 'a' && ch <= 'z')
			return ch - 'a';
		if (c == CODING_BASE32)
			return ch >= '2' && ch <= '7' ? ch - '2' + 26U : NO_DIGIT;
		return ch >= '0' && ch <= '5' ? ch - '0' + 26U : NO_DIGIT;
	case CODING_SLIVER:
		return sliver[ch] != 0 ? sliver[ch] - 1U : NO_DIGIT;
	}
	return NO_DIGIT;
}

bool coding_is_digits(enum coding c, const uint8_t *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (digit_of(c, text[i]) == NO_DIGIT)
			return false;
	}
	return true;
}

int coding_decode(enum coding c, const uint8_t *text, size_t n, uint8_t *ret)
{
	unsigned width = c == CODING_HEX ? 4 : 5, held = 0;
	uint32_t bits = 0;
	size_t bytes = 0;
	if (n * width / 8 > CODING_BYTES_MAX)
		return -1;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = digit_of(c, text[i]);
		if (digit == NO_DIGIT)
			return -1;
		bits = bits << width | digit;
		held += width;
		if (held >= 8) {
			held -= 8;
			ret[bytes++] = (uint8_t)(bits >> held);
			bits &= (1U << held) - 1;
		}
	}
	return held >= width || bits != 0 ? -1 : (int)bytes;
}
