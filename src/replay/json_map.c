/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/json_map.h"

#include <string.h>

enum {
	WORD_BYTES = 64
};

/* Each bit with all that are below it, by exclusive or: from quotes to what is between them. */
static uint64_t between(uint64_t quotes)
{
	for (unsigned shift = 1; shift < 64; shift *= 2)
		quotes ^= quotes << shift;
	return quotes;
}

unsigned json_map(const char *text, size_t n, uint64_t quotes[JSON_MAP_WORDS],
                  uint64_t brackets[JSON_MAP_WORDS])
{
	uint64_t goes_on = 0; /* all ones: a string does, from the word before */
	unsigned words = 0;
	if (n > (size_t)WORD_BYTES * JSON_MAP_WORDS)
		return 0;
	for (size_t at = 0; at < n; at += WORD_BYTES, words++) {
		char last[WORD_BYTES] = { 0 };
		const char *p = text + at;
		if (n - at < sizeof last)
			p = memcpy(last, p, n - at);
		if (!json_map_word(p, &quotes[words], &brackets[words]))
			return 0;
		uint64_t strings = between(quotes[words]) ^ goes_on;
		goes_on = 0 - (strings >> 63);
		brackets[words] &= ~strings;
	}
	return words;
}
