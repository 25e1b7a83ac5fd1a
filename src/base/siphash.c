/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/siphash.h"

#include <string.h>

static inline uint64_t rotl(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

struct state {
	uint64_t v0, v1, v2, v3;
};

static inline __attribute__((always_inline)) void rounds(struct state *s, int n)
{
	for (int i = 0; i < n; i++) {
		s->v0 += s->v1;
		s->v1 = rotl(s->v1, 13) ^ s->v0;
		s->v0 = rotl(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotl(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotl(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotl(s->v1, 17) ^ s->v2;
		s->v2 = rotl(s->v2, 32);
	}
}

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t x;
	memcpy(&x, p, sizeof x); /* little-endian machines only differ in the value, not the use */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	return x;
}

/* The bytes behind the last whole word, fewer than 8, as the low ones of a word. */
static inline uint64_t load_rest(const uint8_t *p, size_t n)
{
	uint64_t word = 0;
	uint32_t four;
	uint16_t two;
	unsigned at = 0;
	if ((n & 4) != 0) {
		memcpy(&four, p, sizeof four);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		four = __builtin_bswap32(four);
#endif
		word = four;
		at = 4;
	}
	if ((n & 2) != 0) {
		memcpy(&two, p + at, sizeof two);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		two = __builtin_bswap16(two);
#endif
		word |= (uint64_t)two << 8 * at;
		at += 2;
	}
	if ((n & 1) != 0)
		word |= (uint64_t)p[at] << 8 * at;
	return word;
}

/* Inlined whatever the compiler thinks of its size: the numbers of rounds are constants then. */
static inline __attribute__((always_inline)) uint64_t siphash(const struct siphash_key *key,
                                                              const void *bytes, size_t n, int c,
                                                              int d)
{
	const uint8_t *p = bytes;
	struct state s = {
		.v0 = key->k0 ^ 0x736f6d6570736575ULL,
		.v1 = key->k1 ^ 0x646f72616e646f6dULL,
		.v2 = key->k0 ^ 0x6c7967656e657261ULL,
		.v3 = key->k1 ^ 0x7465646279746573ULL,
	};
	size_t left = n;
	for (; left >= 8; left -= 8, p += 8) {
		uint64_t m = load64(p);
		s.v3 ^= m;
		rounds(&s, c);
		s.v0 ^= m;
	}
	uint64_t last = (uint64_t)n << 56 | load_rest(p, left);
	s.v3 ^= last;
	rounds(&s, c);
	s.v0 ^= last;
	s.v2 ^= 0xff;
	rounds(&s, d);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t siphash13(const struct siphash_key *key, const void *bytes, size_t n)
{
	return siphash(key, bytes, n, 1, 3);
}

uint64_t siphash24(const struct siphash_key *key, const void *bytes, size_t n)
{
	return siphash(key, bytes, n, 2, 4);
}
