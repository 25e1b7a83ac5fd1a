/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/ring.h"

#include <stdatomic.h>
#include <string.h>

#include "resolve/resolve.h"
#include "resolve/server.h"

enum {
	N_ENTRIES = 4096
};

static _Atomic uint64_t entries[N_ENTRIES];

static uint64_t tag_of(uint64_t server_tag, uint64_t name_hash, uint16_t type)
{
	return ((server_tag ^ name_hash) + type * 0x9e3779b97f4a7c15ULL) | 1;
}

static _Atomic uint64_t *place_of(uint64_t tag)
{
	return &entries[(tag >> 24) % N_ENTRIES];
}

void ring_enter(uint64_t server_tag, uint64_t name_hash, uint16_t type)
{
	uint64_t tag = tag_of(server_tag, name_hash, type);
	atomic_store_explicit(place_of(tag), tag, memory_order_relaxed);
}

void ring_leave(uint64_t server_tag, uint64_t name_hash, uint16_t type)
{
	uint64_t tag = tag_of(server_tag, name_hash, type);
	if (atomic_load_explicit(place_of(tag), memory_order_relaxed) == tag)
		atomic_store_explicit(place_of(tag), 0, memory_order_relaxed);
}

bool ring_is_closed(const struct forwards *f, const struct resolve_request *request)
{
	/* What everybody on this machine asks from. */
	static const uint8_t loopback6[16] = { [15] = 1 };
	const struct addr loopback4 = addr_v4(INADDR_LOOPBACK);
	const struct addr *client = request->client;
	if (client == NULL || addr_equal(client, &loopback4) ||
	    memcmp(client->bytes, loopback6, sizeof loopback6) == 0)
		return false;
	const struct forward_zone *z = forward_find(f, request->name);
	for (unsigned i = 0; z != NULL && i < z->n_to; i++) {
		if (!addr_equal(&z->to[i].addr, client))
			continue;
		uint64_t tag = tag_of(server_tag(&z->to[i]), request->hashes->h[0], request->type);
		if (atomic_load_explicit(place_of(tag), memory_order_relaxed) == tag)
			return true;
	}
	return false;
}
