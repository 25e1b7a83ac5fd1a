/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Domains that are new to this network (seen/), and whether their servers and addresses are, too: most
 * of what is new is honest, but most of what attacks is new. Servers and networks are remembered while
 * the program runs; until it has run for a day they are all known.
 */
#include <errno.h>
#include <stdlib.h>

#include "detect/detector.h"
#include "detect/source.h"
#include "detect/told.h"

enum {
	NEW_S = 86400,
	LEARN_S = 86400,
	KEYS = 1 << 17, /* servers and networks; those asked last */
};

struct newzone {
	struct told *known;
	_Atomic uint64_t since_ns; /* of the first answer; 0: there was none */
};

static void newzone_stop(void *state)
{
	struct newzone *z = state;
	told_free(z->known);
	free(z);
}

static int newzone_start(const struct config *c, void **ret_state)
{
	(void)c;
	struct newzone *z = calloc(1, sizeof *z);
	if (z == NULL)
		return -ENOMEM;
	int e = told_new(KEYS, &z->known);
	if (e != 0) {
		free(z);
		return e;
	}
	*ret_state = z;
	return 0;
}

static size_t newzone_bytes(const void *state)
{
	const struct newzone *z = state;
	return sizeof *z + told_bytes(z->known);
}

/* Was it seen before? Now it was. */
static bool meet(struct newzone *z, uint64_t key)
{
	bool is_known = told_has(z->known, key);
	told_put(z->known, key); /* it moves to the front */
	return is_known;
}

/* What an answer shows of servers and networks, as keys. */
struct shown {
	uint64_t servers, server_network; /* 0: it shows none */
	uint64_t networks[DETECT_RECORDS_MAX];
	unsigned n;
};

/* All of them at once: their places come from memory while others are being read. */
static void find_keys(const struct detect_call *call, const struct newzone *z,
                      const struct source *s, struct shown *ret)
{
	const struct detect_answer *a = call->a;
	const struct addr *server = a->zone.server;
	ret->servers = s->has_servers ? s->servers_key : 0;
	ret->server_network = 0;
	if (ret->servers != 0)
		told_prefetch(z->known, ret->servers);
	if (server != NULL) {
		/* 24 bits of IPv4, 48 of IPv6 */
		const uint8_t *bytes = server->is_v4 ? server->bytes + 12 : server->bytes;
		uint64_t network = detector_hash(call, bytes, server->is_v4 ? 3 : 6);
		ret->server_network = detector_hash_pair(call, network, 1);
		told_prefetch(z->known, ret->server_network);
	}
	ret->n = 0;
	for (unsigned i = 0; i < a->n_rrs && ret->n < DETECT_RECORDS_MAX; i++) {
		const struct rr *rr = &a->rrs[i];
		bool is_a = rr->type == DNS_A && rr->rdata_len == 4;
		if (!is_a && (rr->type != DNS_AAAA || rr->rdata_len != 16))
			continue;
		/* 16 bits, 32 of IPv6 */
		uint64_t network = detector_hash(call, rr->rdata, is_a ? 2 : 4);
		ret->networks[ret->n] = detector_hash_pair(call, network, 2);
		told_prefetch(z->known, ret->networks[ret->n++]);
	}
}

/* Both the names of a zone's servers and the network of the first are new. */
static bool has_new_servers(struct newzone *z, const struct shown *shown)
{
	bool is_known = shown->servers == 0 || meet(z, shown->servers);
	if (shown->server_network == 0)
		return !is_known;
	return !meet(z, shown->server_network) && !is_known;
}

/* An address of it is in a network where none was; and no other. */
static bool has_new_networks(struct newzone *z, const struct shown *shown)
{
	unsigned n_known = 0;
	for (unsigned i = 0; i < shown->n; i++)
		n_known += meet(z, shown->networks[i]);
	return shown->n > 0 && n_known == 0;
}

static bool has_learned(struct newzone *z, uint64_t now_ns)
{
	uint64_t since_ns = atomic_load_explicit(&z->since_ns, memory_order_relaxed);
	if (since_ns == 0) {
		atomic_store_explicit(&z->since_ns, now_ns, memory_order_relaxed);
		return false;
	}
	return now_ns > since_ns && now_ns - since_ns >= LEARN_S * NS_PER_S;
}

static void newzone_answer(struct detect_call *call)
{
	struct newzone *z = call->state;
	const struct detect_answer *a = call->a;
	struct detect_finding *f;
	if (a->is_failure || a->is_cached)
		return;
	const struct source_ends *ends = source_ends_of(call);
	if (!ends->has_last)
		return;
	struct shown shown;
	find_keys(call, z, &ends->last, &shown);
	bool has_servers = has_new_servers(z, &shown);
	bool has_networks = has_new_networks(z, &shown);
	bool knows = has_learned(z, a->now_ns);
	const struct name_facts *facts = detector_facts(call);
	if (!a->has_age || a->age_s >= NEW_S || a->rcode != RCODE_NOERROR ||
	    facts->kind != ZONE_ANYBODY)
		return;
	enum detect_confidence confidence = !knows || !has_servers ? DETECT_LOW
	                                    : has_networks         ? DETECT_HIGH
	                                                           : DETECT_MEDIUM;
	detector_found(call, confidence, &f, "a domain that is new here%s%s",
	               confidence == DETECT_LOW ? "" : ", and so are its servers",
	               confidence == DETECT_HIGH ? " and the networks of its addresses" : "");
	detector_evidence(f, "age_s", a->age_s);
	detector_evidence(f, "new_servers", has_servers);
	detector_evidence(f, "new_networks", has_networks);
}

const struct detector detector_newzone = {
	.start = newzone_start,
	.stop = newzone_stop,
	.bytes = newzone_bytes,
	.answer = newzone_answer,
};
