/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/bits.h"

#include "dns/message.h"

enum {
	SYMBOLS = 40,
	OTHER = 38,  /* what is no letter, digit, '-' or '_' */
	BORDER = 39, /* before the first byte and behind the last */
	OTHER_BITS = 8 * BITS_UNIT,
	WHICH_BITS = 1 * BITS_UNIT,
	LENGTH_BITS = 6 * BITS_UNIT,
	PLAIN_BITS = 85, /* log2(38), rounded up: a letter, a digit, '-', '_' */
};

/* The file in the binary, so that there is no question of where it is. */
__asm__(".pushsection .rodata\n"
        ".balign 64\n"
        "detect_trigrams:\n"
        ".incbin \"detect/data/trigrams.bin\"\n"
        "detect_trigrams_end:\n"
        ".popsection\n");
extern const uint8_t detect_trigrams[SYMBOLS][SYMBOLS][SYMBOLS];

/* 1 more than the symbol; 0: OTHER. */
static const uint8_t symbols[256] = {
	['a'] = 1,  ['b'] = 2,  ['c'] = 3,  ['d'] = 4,  ['e'] = 5,  ['f'] = 6,  ['g'] = 7,
	['h'] = 8,  ['i'] = 9,  ['j'] = 10, ['k'] = 11, ['l'] = 12, ['m'] = 13, ['n'] = 14,
	['o'] = 15, ['p'] = 16, ['q'] = 17, ['r'] = 18, ['s'] = 19, ['t'] = 20, ['u'] = 21,
	['v'] = 22, ['w'] = 23, ['x'] = 24, ['y'] = 25, ['z'] = 26, ['0'] = 27, ['1'] = 28,
	['2'] = 29, ['3'] = 30, ['4'] = 31, ['5'] = 32, ['6'] = 33, ['7'] = 34, ['8'] = 35,
	['9'] = 36, ['-'] = 37, ['_'] = 38,
};

static unsigned symbol_of(uint8_t c)
{
	return symbols[c] != 0 ? symbols[c] - 1U : OTHER;
}

uint32_t bits_of_label(const uint8_t *label)
{
	unsigned a = BORDER, b = BORDER, n = label[0];
	uint32_t cost = 0, plain = LENGTH_BITS;
	for (unsigned i = 1; i <= n; i++) {
		unsigned c = symbol_of(label[i]);
		cost += detect_trigrams[a][b][c];
		plain += PLAIN_BITS;
		if (c == OTHER) {
			cost += OTHER_BITS;
			plain +=
				OTHER_BITS + 8 * BITS_UNIT; /* as it comes, a byte: never shorter */
		}
		a = b;
		b = c;
	}
	cost += detect_trigrams[a][b][BORDER];
	return WHICH_BITS + (cost < plain ? cost : plain);
}

uint32_t bits_of_type(uint16_t type)
{
	switch (type) { /* 2^-1 + 2^-2 + 2^-3 + 15 * 2^-7 + ... < 1 */
	case DNS_A:
		return 1 * BITS_UNIT;
	case DNS_AAAA:
		return 2 * BITS_UNIT;
	case DNS_HTTPS:
		return 3 * BITS_UNIT;
	case DNS_NS:
	case DNS_CNAME:
	case DNS_SOA:
	case DNS_PTR:
	case DNS_MX:
	case DNS_TXT:
	case DNS_SRV:
	case DNS_SVCB:
		return 7 * BITS_UNIT;
	default:
		return (7 + 16) * BITS_UNIT;
	}
}
