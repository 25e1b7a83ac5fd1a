/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses as data: malware that is told things by them asks for a new name each time, and gets
 * another address, of a network at random, or of none that exists. What a client was not told before
 * by a domain is owed in points (docs/answers.md), as the leak budget has it for questions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "detect/debts.h"
#include "detect/detector.h"
#include "detect/source.h"

enum {
	PAIRS_PER_CLIENT = 2, /* (client, domain or servers) that owe something at the same time */
	MARKS = 256,          /* of each kind, of a pair */
	MARKS_MOST = 64,      /* then they begin anew */
	FREE = 3,             /* names with an address in a network of their own, as sites have */
	BUDGET = 16,          /* points */
	SURE_BUDGET = 32,     /* of those that nothing ordinary brings */
	ODD_POINTS = 4,
	FLEETING_S = 1, /* a TTL for what is not to be used again */
	MOST_TIMES = 4, /* budgets; more is not remembered */
};

#define US_PER_POINT UINT64_C(3600000000) /* an hour */

/* What a pair has been told: bits by hash. */
struct marks {
	_Atomic uint64_t names[MARKS / 64], addresses[MARKS / 64], networks[MARKS / 64];
};

struct addresses {
	struct debts *pairs;
	struct marks *marks; /* one a place of pairs */
};

/* ---- state ---- */

static void addresses_stop(void *state)
{
	struct addresses *s = state;
	debts_free(s->pairs);
	pages_release(s->marks);
	free(s);
}

static int addresses_start(const struct config *c, void **ret_state)
{
	struct addresses *s = calloc(1, sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	int e = debts_new((size_t)c->detect.clients * PAIRS_PER_CLIENT, &s->pairs);
	if (e == 0) {
		s->marks = pages_zeroed(debts_places(s->pairs) * sizeof *s->marks);
		e = s->marks != NULL ? 0 : -ENOMEM;
	}
	if (e != 0) {
		addresses_stop(s);
		return e;
	}
	*ret_state = s;
	return 0;
}

static size_t addresses_bytes(const void *state)
{
	const struct addresses *s = state;
	return sizeof *s + debts_bytes(s->pairs) + debts_places(s->pairs) * sizeof *s->marks;
}

/* ---- marks ---- */

static unsigned count_marks(_Atomic uint64_t marks[MARKS / 64])
{
	unsigned n = 0;
	for (unsigned i = 0; i < MARKS / 64; i++)
		n += (unsigned)__builtin_popcountll(
			atomic_load_explicit(&marks[i], memory_order_relaxed));
	return n;
}

static void clear_marks(_Atomic uint64_t marks[MARKS / 64])
{
	for (unsigned i = 0; i < MARKS / 64; i++)
		atomic_store_explicit(&marks[i], 0, memory_order_relaxed);
}

/* Set one; true: it was not. */
static bool mark(_Atomic uint64_t marks[MARKS / 64], uint64_t hash)
{
	unsigned at = (unsigned)(hash >> 8) % MARKS;
	uint64_t bit = UINT64_C(1) << (at % 64);
	_Atomic uint64_t *word = &marks[at / 64];
	if ((atomic_load_explicit(word, memory_order_relaxed) & bit) != 0)
		return false;
	if (count_marks(marks) >= MARKS_MOST)
		clear_marks(marks);
	atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
	return true;
}

/* Its marks; a pair that has just got its place has none. */
static struct marks *marks_of(struct addresses *s, struct debt *pair)
{
	struct marks *m = &s->marks[debts_place_of(s->pairs, pair)];
	if (atomic_load_explicit(&pair->extra, memory_order_relaxed) == 0 &&
	    atomic_exchange_explicit(&pair->extra, 1, memory_order_relaxed) == 0) {
		clear_marks(m->names);
		clear_marks(m->addresses);
		clear_marks(m->networks);
	}
	return m;
}

/* ---- an answer ---- */

/* Space that is given to nobody: no host has such an address, no error makes them by the dozen. */
static bool is_odd(const struct addr *a)
{
	static const uint8_t nat64[] = { 0, 0x64, 0xff, 0x9b };
	static const uint8_t zero[10];
	const uint8_t *b = a->bytes;
	if (a->is_v4)
		return b[12] >= 224 || (b[12] == 0 && (b[13] | b[14] | b[15]) != 0);
	if (addr_is_private(a) || b[0] >> 5 == 1)
		return false;
	return memcmp(b, zero, sizeof zero) != 0 && memcmp(b, nat64, sizeof nat64) != 0;
}

struct told {
	uint64_t name;
	uint64_t addresses[DETECT_RECORDS_MAX], networks[DETECT_RECORDS_MAX];
	bool is_odd[DETECT_RECORDS_MAX];
	unsigned n;
	bool is_fleeting;
};

/* The addresses of an answer as hashes; false: it has none. */
static bool read_addresses(const struct detect_call *call, struct told *ret)
{
	const struct detect_answer *a = call->a;
	ret->n = 0;
	ret->is_fleeting = true;
	for (unsigned i = 0; i < a->n_rrs && ret->n < DETECT_RECORDS_MAX; i++) {
		const struct rr *rr = &a->rrs[i];
		bool is_a = rr->type == DNS_A && rr->rdata_len == 4;
		if (!is_a && (rr->type != DNS_AAAA || rr->rdata_len != 16))
			continue;
		struct addr addr =
			is_a ? addr_from_bytes4(rr->rdata) : addr_from_bytes16(rr->rdata);
		ret->addresses[ret->n] = detector_hash(call, rr->rdata, rr->rdata_len);
		ret->networks[ret->n] = detector_hash(call, rr->rdata, is_a ? 2 : 6);
		ret->is_odd[ret->n++] = is_odd(&addr);
		ret->is_fleeting &= rr->ttl_s <= FLEETING_S;
	}
	return ret->n > 0;
}

struct points {
	unsigned all, sure;
};

static struct points points_of(struct marks *m, const struct told *t)
{
	struct points p = { 0, 0 };
	bool is_name_new = mark(m->names, t->name), is_address_new = false, is_network_new = false;
	for (unsigned i = 0; i < t->n; i++) {
		bool is_new = mark(m->addresses, t->addresses[i]);
		is_address_new |= is_new;
		is_network_new |= mark(m->networks, t->networks[i]);
		if (is_new && t->is_odd[i])
			p.sure += ODD_POINTS;
	}
	if (is_address_new && t->is_fleeting && (is_name_new || is_network_new))
		p.sure++;
	p.all = p.sure;
	if (p.sure == 0 && is_name_new && is_address_new && is_network_new &&
	    count_marks(m->networks) > FREE)
		p.all++;
	return p;
}

/* ---- the detector ---- */

static int64_t points_owed(const _Atomic uint64_t *paid_us, uint64_t now_us)
{
	return (int64_t)(debt_owed_us(paid_us, now_us) / US_PER_POINT);
}

/* -1: nothing to say. */
static int level_of(const struct debt *pair, uint64_t now_us)
{
	if (points_owed(&pair->asked_us, now_us) >= SURE_BUDGET)
		return DETECT_HIGH;
	int64_t points = points_owed(&pair->paid_us, now_us);
	return points >= BUDGET ? DETECT_MEDIUM : points >= BUDGET / 2 ? DETECT_LOW : -1;
}

/* Has it what only channels have? Of a domain that is blocked it is blocked, new or not. */
static bool is_sign(const struct told *t)
{
	bool is = t->is_fleeting;
	for (unsigned i = 0; i < t->n; i++)
		is |= t->is_odd[i];
	return is;
}

/* One bucket, and what came of the answer there. */
struct charged {
	const struct debt *pair;
	struct marks *marks;
	int level; /* -1: nothing to say */
	bool is_sure;
};

/* Owe what is new. */
static void charge(struct detect_call *call, uint64_t key, const struct told *t, bool is_servers,
                   struct charged *ret)
{
	struct addresses *s = call->state;
	uint64_t now_us = call->a->now_ns / 1000 + 1;
	struct debt *pair = debts_take(s->pairs, key, now_us);
	struct points p = { 0, 0 };
	*ret = (struct charged){ .pair = pair, .level = -1 };
	if (debts_is_shared(s->pairs, pair))
		return; /* nothing can be said of a pair that has no place of its own */
	ret->marks = marks_of(s, pair);
	if (!call->a->is_cached)
		p = points_of(ret->marks, t);
	if (is_servers)
		p.all = p.sure;
	debt_touch(&pair->paid_us, now_us);
	if (p.all > 0)
		debt_add_most_us(&pair->paid_us, now_us, p.all * US_PER_POINT,
		                 MOST_TIMES * BUDGET * US_PER_POINT);
	if (p.sure > 0)
		debt_add_most_us(&pair->asked_us, now_us, p.sure * US_PER_POINT,
		                 MOST_TIMES * SURE_BUDGET * US_PER_POINT);
	int level = level_of(pair, now_us);
	ret->is_sure = p.sure > 0;
	if (level == DETECT_HIGH ? is_sign(t) : p.all > 0)
		ret->level = level;
}

static void report(struct detect_call *call, const struct charged *c, bool is_servers)
{
	uint64_t now_us = call->a->now_ns / 1000 + 1;
	struct detect_finding *f;
	detector_found(call, (enum detect_confidence)c->level, &f,
	               "addresses as data: names and addresses of this domain%s that are new each "
	               "time",
	               is_servers ? "'s servers" : "");
	detector_evidence(f, "points", points_owed(&c->pair->paid_us, now_us));
	detector_evidence(f, "sure_points", points_owed(&c->pair->asked_us, now_us));
	detector_evidence(f, "names", count_marks(c->marks->names));
	detector_evidence(f, "addresses", count_marks(c->marks->addresses));
	detector_evidence(f, "networks", count_marks(c->marks->networks));
}

static void addresses_answer(struct detect_call *call)
{
	const struct detect_answer *a = call->a;
	static _Thread_local struct told told;
	if (a->is_failure || a->n_rrs == 0 || (a->type != DNS_A && a->type != DNS_AAAA))
		return;
	const struct source_ends *ends = source_ends_of(call);
	if (!source_is_anybodys(ends) || !read_addresses(call, &told))
		return;
	const struct source *last = &ends->last;
	struct charged domain, servers = { .level = -1 };
	uint64_t client = source_client(call, a->client);
	uint64_t key = detector_hash_pair(call, client, last->domain_key);
	told.name = detector_hash_name(call, a->question);
	charge(call, key, &told, false, &domain);
	/* A hoster's servers answer for many sites: there only what is sure counts. */
	if (last->has_servers && (domain.is_sure || (a->is_cached && is_sign(&told))))
		charge(call, detector_hash_pair(call, client, last->servers_key ^ 1), &told, true,
		       &servers);
	if (servers.level > domain.level)
		report(call, &servers, true);
	else if (domain.level >= 0)
		report(call, &domain, false);
}

static void addresses_foresee(struct detect_call *call)
{
	const struct addresses *s = call->state;
	const struct detect_answer *a = call->a;
	if (a->is_failure || a->n_rrs == 0 || (a->type != DNS_A && a->type != DNS_AAAA))
		return;
	const struct source_ends *ends = source_ends_of(call);
	if (source_is_anybodys(ends))
		debts_prefetch(s->pairs, detector_hash_pair(call, source_client(call, a->client),
		                                            ends->last.domain_key));
}

static void addresses_explain(struct detect_call *call)
{
	const struct addresses *s = call->state;
	const struct detect_question *q = call->q;
	uint64_t now_us = q->now_ns / 1000 + 1;
	struct source source;
	if (!source_of(call, &q->zone, q->question, &source) || source.kind != ZONE_ANYBODY)
		return;
	const struct debt *pair = debts_find(
		s->pairs,
		detector_hash_pair(call, source_client(call, q->client), source.domain_key),
		now_us);
	if (pair != NULL)
		detector_tell(call, "addresses that were new each time: %lld points of %d",
		              (long long)points_owed(&pair->paid_us, now_us), BUDGET);
}

const struct detector detector_addresses = {
	.start = addresses_start,
	.stop = addresses_stop,
	.bytes = addresses_bytes,
	.answer = addresses_answer,
	.foresee_answer = addresses_foresee,
	.explain = addresses_explain,
};
