/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS rebinding as it is done: a name leads a browser to its own server first, and a moment later to
 * an address of the client's network. Private addresses in the public DNS are common enough by
 * themselves (docs/answers.md); a name that changes from one to the other under a client's eyes is not.
 */
#include <errno.h>
#include <stdlib.h>

#include "detect/detector.h"
#include "detect/lately.h"
#include "detect/source.h"

enum {
	NAMES_PER_CLIENT = 16, /* that had a public address within REMEMBERED_S */
	REMEMBERED_S = 3600,
	FLEETING_S = 10, /* a TTL for what is about to change */
};

struct rebinding {
	struct lately *names;
};

static void rebinding_stop(void *state)
{
	struct rebinding *r = state;
	lately_free(r->names);
	free(r);
}

static int rebinding_start(const struct config *c, void **ret_state)
{
	struct rebinding *r = calloc(1, sizeof *r);
	if (r == NULL)
		return -ENOMEM;
	int e = lately_new((size_t)c->detect.clients * NAMES_PER_CLIENT, &r->names);
	if (e != 0) {
		free(r);
		return e;
	}
	*ret_state = r;
	return 0;
}

static size_t rebinding_bytes(const void *state)
{
	const struct rebinding *r = state;
	return sizeof *r + lately_bytes(r->names);
}

/* The addresses of an answer. */
struct found {
	unsigned n_public, n_private;
	uint32_t ttl_s; /* the lowest */
};

/* As far as can be told without the prefix of a translator: serve/ knows that one (private_addr). */
static bool is_public(const struct addr *a)
{
	return !addr_is_private(a) && (a->is_v4 ? a->bytes[12] != 0 : a->bytes[0] >> 5 == 1);
}

static void look(const struct detect_answer *a, struct found *ret)
{
	*ret = (struct found){ .ttl_s = UINT32_MAX };
	for (unsigned i = 0; i < a->n_rrs; i++) {
		const struct rr *rr = &a->rrs[i];
		bool is_a = rr->type == DNS_A && rr->rdata_len == 4;
		if (!is_a && (rr->type != DNS_AAAA || rr->rdata_len != 16))
			continue;
		struct addr addr =
			is_a ? addr_from_bytes4(rr->rdata) : addr_from_bytes16(rr->rdata);
		if (is_public(&addr) &&
		    !(a->private_addr != NULL && addr_equal(a->private_addr, &addr)))
			ret->n_public++;
		else
			ret->n_private++;
		if (rr->ttl_s < ret->ttl_s)
			ret->ttl_s = rr->ttl_s;
	}
}

static void report(struct detect_call *call, enum detect_confidence confidence,
                   const struct found *found, uint32_t ago_s, const char *what)
{
	char text[ADDR_TEXT_MAX];
	struct detect_finding *f;
	addr_to_text(call->a->private_addr, text);
	detector_found(call, confidence, &f, "%s, %s", what, text);
	detector_evidence(f, "private", found->n_private);
	detector_evidence(f, "public", found->n_public);
	detector_evidence(f, "ttl_s", found->ttl_s != UINT32_MAX ? found->ttl_s : 0);
	if (confidence == DETECT_HIGH)
		detector_evidence(f, "public_ago_s", ago_s);
}

/* Of the client and the name. */
static uint64_t key_of(struct detect_call *call)
{
	const struct detect_answer *a = call->a;
	return detector_hash_pair(call, source_client(call, a->client),
	                          detector_hash_name(call, a->question));
}

static void rebinding_answer(struct detect_call *call)
{
	struct rebinding *r = call->state;
	const struct detect_answer *a = call->a;
	struct found found;
	if (a->is_failure || a->rcode != RCODE_NOERROR || a->n_rrs == 0)
		return;
	/* Whose name it is that the client believes in counts, not where an alias leads. */
	const struct source_ends *ends = source_ends_of(call);
	if (!ends->has_first)
		return;
	look(a, &found);
	if (a->private_addr == NULL && found.n_public == 0)
		return;
	if (ends->first.kind != ZONE_ANYBODY) {
		if (a->private_addr != NULL)
			report(call, DETECT_LOW, &found, 0, "a private address of the public DNS");
		return;
	}
	uint64_t key = key_of(call);
	uint32_t ago_s = 0;
	if (a->private_addr == NULL) {
		if (!a->is_cached)
			lately_put(r->names, key, a->now_ns);
	} else if (found.n_public == 0 && lately_find(r->names, key, a->now_ns, &ago_s) &&
	           ago_s <= REMEMBERED_S) {
		report(call, DETECT_HIGH, &found, ago_s,
		       "rebinding: a name had a public address a moment ago, and has a private one now");
	} else if (found.n_public > 0 && found.ttl_s <= FLEETING_S) {
		report(call, DETECT_MEDIUM, &found, 0,
		       "rebinding: a public and a private address for a moment");
	} else {
		report(call, DETECT_LOW, &found, 0, "a private address of the public DNS");
	}
}

static void rebinding_foresee(struct detect_call *call)
{
	const struct rebinding *r = call->state;
	const struct detect_answer *a = call->a;
	if (a->is_failure || a->rcode != RCODE_NOERROR || a->n_rrs == 0)
		return;
	const struct source_ends *ends = source_ends_of(call);
	if (ends->has_first && ends->first.kind == ZONE_ANYBODY)
		lately_prefetch(r->names, key_of(call));
}

const struct detector detector_rebinding = {
	.start = rebinding_start,
	.stop = rebinding_stop,
	.bytes = rebinding_bytes,
	.answer = rebinding_answer,
	.foresee_answer = rebinding_foresee,
};
