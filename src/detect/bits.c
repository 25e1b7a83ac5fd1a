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

static unsigned symbol_of(uint8_t c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= '0' && c <= '9')
		return 26U + c - '0';
	return c == '-' ? 36 : c == '_' ? 37 : OTHER;
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
