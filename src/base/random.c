/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/must.h"

enum {
	POOL_BYTES = 4096
};

static _Thread_local struct {
	size_t used;
	uint8_t bytes[POOL_BYTES];
} pool = { .used = POOL_BYTES };

static void fill(uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t k = getrandom(p, n, 0);
		must(k > 0 || errno == EINTR);
		if (k > 0) {
			p += k;
			n -= (size_t)k;
		}
	}
}

void random_bytes(void *ret_bytes, size_t n)
{
	if (n > POOL_BYTES) {
		fill(ret_bytes, n);
		return;
	}
	if (POOL_BYTES - pool.used < n) {
		fill(pool.bytes, POOL_BYTES);
		pool.used = 0;
	}
	memcpy(ret_bytes, pool.bytes + pool.used, n);
	memset(pool.bytes + pool.used, 0, n); /* a number is given out once */
	pool.used += n;
}

uint16_t random_u16(void)
{
	uint16_t x;
	random_bytes(&x, sizeof x);
	return x;
}

uint32_t random_u32(void)
{
	uint32_t x;
	random_bytes(&x, sizeof x);
	return x;
}

uint64_t random_u64(void)
{
	uint64_t x;
	random_bytes(&x, sizeof x);
	return x;
}

uint32_t random_below(uint32_t limit)
{
	must(limit > 0);
	uint64_t m = (uint64_t)random_u32() * limit;
	if ((uint32_t)m < limit) { /* Lemire 2018: reject the uneven rest */
		uint32_t floor = (uint32_t)(-limit) % limit;
		while ((uint32_t)m < floor)
			m = (uint64_t)random_u32() * limit;
	}
	return (uint32_t)(m >> 32);
}
