/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/popular.h"

#include "base/siphash.h"
#include "dns/name.h"

enum {
	ENTRY = 6
};

__asm__(".pushsection .rodata\n"
        "detect_popular:\n"
        ".incbin \"detect/data/popular.bin\"\n"
        "detect_popular_end:\n"
        ".popsection\n");
extern const uint8_t detect_popular[][ENTRY], detect_popular_end[][ENTRY];

size_t popular_count(void)
{
	return ((uintptr_t)detect_popular_end - (uintptr_t)detect_popular) / ENTRY;
}

static uint64_t entry(size_t i)
{
	uint64_t h = 0;
	for (unsigned k = 0; k < ENTRY; k++)
		h = h << 8 | detect_popular[i][k];
	return h;
}

static uint64_t hash_of(const uint8_t *lower)
{
	static const struct siphash_key zeros;
	return siphash24(&zeros, lower, name_len(lower)) >> 16;
}

static bool is_listed(uint64_t wanted)
{
	size_t low = 0, high = popular_count();
	uint64_t from = 0, to = UINT64_C(1) << 8 * ENTRY;
	/* Hashes are spread evenly: where it stands follows from its value, to some hundred places. */
	while (low < high) {
		double share = (double)(wanted - from) / (double)(to - from);
		size_t at = low + (size_t)(share * (double)(high - low));
		at = at < high ? at : high - 1;
		uint64_t its = entry(at);
		if (its == wanted)
			return true;
		if (its < wanted) {
			low = at + 1;
			from = its;
		} else {
			high = at;
			to = its;
		}
	}
	return false;
}

bool popular_has(const uint8_t *lower)
{
	return is_listed(hash_of(lower));
}

/* ---- the filter ---- */

static uint64_t bits_of(uint64_t hash)
{
	hash >>= 16;
	return UINT64_C(1) << hash % 64 | UINT64_C(1) << (hash >> 6) % 64 |
	       UINT64_C(1) << (hash >> 12) % 64;
}

void popular_fill(uint64_t words[POPULAR_WORDS])
{
	for (size_t i = 0; i < popular_count(); i++)
		words[entry(i) % POPULAR_WORDS] |= bits_of(entry(i));
}

bool popular_has_filtered(const uint64_t words[POPULAR_WORDS], const uint8_t *lower)
{
	uint64_t wanted = hash_of(lower);
	uint64_t word = words[wanted % POPULAR_WORDS];
	return (word & bits_of(wanted)) == bits_of(wanted) && is_listed(wanted);
}
