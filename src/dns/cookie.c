/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/cookie.h"

#include <string.h>

enum {
	VERSION = 1,
	HEAD_BYTES = 16, /* client cookie, version, reserved, time */
	HASH_BYTES = 8,
};

static uint64_t load64_le(const uint8_t *p)
{
	uint64_t x = 0;
	for (int i = 0; i < 8; i++)
		x |= (uint64_t)p[i] << (8 * i);
	return x;
}

struct siphash_key cookie_key(const uint8_t secret[16])
{
	return (struct siphash_key){ load64_le(secret), load64_le(secret + 8) };
}

/* RFC 9018 4.4: over the client cookie, version, reserved, timestamp and client address. */
static void hash(const struct siphash_key *key, const uint8_t head[HEAD_BYTES],
                 const struct addr *client, uint8_t ret[HASH_BYTES])
{
	uint8_t bytes[HEAD_BYTES + 16];
	size_t n = client->is_v4 ? 4 : 16;
	memcpy(bytes, head, HEAD_BYTES);
	memcpy(bytes + HEAD_BYTES, client->bytes + 16 - n, n);
	uint64_t h = siphash24(key, bytes, HEAD_BYTES + n);
	for (int i = 0; i < HASH_BYTES; i++)
		ret[i] = (uint8_t)(h >> (8 * i));
}

void cookie_make(const struct siphash_key *key, const uint8_t *client_half,
                 const struct addr *client, uint32_t time_s, uint8_t ret[16])
{
	uint8_t head[HEAD_BYTES] = { 0 };
	memcpy(head, client_half, COOKIE_CLIENT_BYTES);
	head[8] = VERSION;
	store32(head + 12, time_s);
	memcpy(ret, head + COOKIE_CLIENT_BYTES, HEAD_BYTES - COOKIE_CLIENT_BYTES);
	hash(key, head, client, ret + HASH_BYTES);
}

bool cookie_is_fresh(const struct siphash_key *key, const uint8_t cookie[COOKIE_BYTES],
                     const struct addr *client, uint32_t now_s)
{
	uint8_t expected[HASH_BYTES];
	/* RFC 9018 4.3: serial number arithmetic, the time wraps in 2106. */
	int32_t age_s = (int32_t)(now_s - load32(cookie + 12));
	if (cookie[8] != VERSION || age_s > COOKIE_RENEW_S || age_s < -COOKIE_AHEAD_MAX_S)
		return false;
	hash(key, cookie, client, expected);
	return memcmp(expected, cookie + HEAD_BYTES, HASH_BYTES) == 0;
}

void cookie_answer(const struct siphash_key *key, const struct addr *client, uint32_t now_s,
                   struct question *q)
{
	if (q->cookie_bytes < COOKIE_CLIENT_BYTES)
		return;
	if (q->cookie_bytes != COOKIE_BYTES || !cookie_is_fresh(key, q->cookie, client, now_s))
		cookie_make(key, q->cookie, client, now_s, q->cookie + COOKIE_CLIENT_BYTES);
	q->cookie_bytes = COOKIE_BYTES;
}
