/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sixteen bytes at a time: every x86-64 has SSE2. */
#include <emmintrin.h>

#include "replay/json_map.h"

static uint64_t bits_of(__m128i tops)
{
	return (uint64_t)(uint32_t)_mm_movemask_epi8(tops);
}

bool json_map_word(const char *p, uint64_t *ret_quotes, uint64_t *ret_brackets)
{
	const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\');
	const __m128i open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');
	const __m128i low = _mm_set1_epi8(0x20); /* brackets become braces */
	__m128i escapes = _mm_setzero_si128();
	uint64_t quotes = 0, brackets = 0;
	for (unsigned i = 0; i < 4; i++) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16UL * i));
		escapes = _mm_or_si128(escapes, _mm_cmpeq_epi8(v, escape));
		quotes |= bits_of(_mm_cmpeq_epi8(v, quote)) << 16 * i;
		v = _mm_or_si128(v, low);
		__m128i both = _mm_or_si128(_mm_cmpeq_epi8(v, open), _mm_cmpeq_epi8(v, close));
		brackets |= bits_of(both) << 16 * i;
	}
	*ret_quotes = quotes;
	*ret_brackets = brackets;
	return bits_of(escapes) == 0;
}
