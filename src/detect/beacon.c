/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Beacons: a program that comes back to an unpopular domain at regular intervals. It shows in what is not in the
 * cache, so a name that anybody asks for all the time comes back regularly too, whenever its answer has
 * expired: such intervals are told apart by the answer's time to live.
 */
#include <errno.h>

#include "base/pages.h"
#include "detect/beats.h"
#include "detect/bits.h"
#include "detect/ceilings.h"
#include "detect/detector.h"

enum {
	DOMAINS = 1 << 14,
	WATCHED_BEATS = 8,
	TOLD_BEATS = 24,
	VARIATION_PERCENT = 25, /* half of an interval at random, as tools have it, is 19 */
	ODD_BITS = 20,          /* of a name that is not just www or api */
	NEGATIVE_TTL_S = 10800, /* RFC 2308 5: it is not told here; this is the most */
	TTL_TIMES = 4,
	AGAIN_S = 86400,
};

/* Domains that somebody comes back to, with marks of who does. */
struct domain {
	_Atomic uint64_t key, marks;
};

struct beacon {
	struct beats_table *beats;
	struct domain domains[DOMAINS];
};

/* ---- state ---- */

static void beacon_stop(void *state)
{
	struct beacon *b = state;
	beats_free(b->beats);
	pages_release(b);
}

static int beacon_start(const struct config *c, void **ret_state)
{
	struct beacon *b = pages_zeroed(sizeof *b);
	if (b == NULL)
		return -ENOMEM;
	int e = beats_new(c->detect.clients, &b->beats);
	if (e != 0) {
		beacon_stop(b);
		return e;
	}
	*ret_state = b;
	return 0;
}

static size_t beacon_bytes(const void *state)
{
	const struct beacon *b = state;
	return sizeof *b + beats_bytes(b->beats);
}

/* ---- one answer ---- */

/* Is it a domain that nobody knows, and none of the operator's own? Names of directories and mail are left out. */
static bool is_subject(struct detect_call *call, const uint8_t *name,
                       const struct detect_zone *zone)
{
	const struct name_facts *f = detector_facts(call);
	if (f->registered == NULL || f->kind != ZONE_ANYBODY)
		return false;
	return !detector_is_own(zone) && !detector_has_underscore(name, f->registered);
}

static uint64_t key_of(struct detect_call *call, const struct addr *client)
{
	const uint8_t *domain = detector_facts(call)->registered;
	return detector_hash_pair(call, detector_hash_network(call, client),
	                          detector_hash_name(call, domain));
}

static bool is_odd(const uint8_t *name, const uint8_t *registered)
{
	uint32_t bits = 0;
	for (; name != registered && bits < ODD_BITS * BITS_UNIT; name += *name + 1U)
		bits += bits_of_label(name);
	return bits >= ODD_BITS * BITS_UNIT;
}

static uint32_t ttl_of(const struct detect_answer *a)
{
	uint32_t ttl_s = a->n_rrs == 0 ? NEGATIVE_TTL_S : 0;
	for (unsigned i = 0; i < a->n_rrs; i++) {
		if (a->rrs[i].ttl_s > ttl_s)
			ttl_s = a->rrs[i].ttl_s;
	}
	return ttl_s;
}

/* Do many clients come back to it? Then it is a program that they all have. */
static bool is_prevalent(struct detect_call *call)
{
	struct beacon *b = call->state;
	const struct detect_answer *a = call->a;
	const uint8_t *name = detector_facts(call)->registered;
	uint64_t key = detector_hash_name(call, name);
	struct domain *d = &b->domains[key % DOMAINS];
	if (atomic_load_explicit(&d->key, memory_order_relaxed) != key) {
		atomic_store_explicit(&d->marks, 0, memory_order_relaxed);
		atomic_store_explicit(&d->key, key, memory_order_relaxed);
	}
	return ceiling_note_client(&d->marks, detector_hash_network(call, a->client),
	                           a->now_ns / 1000 + 1);
}

static bool is_one_shot(const struct beats_facts *f)
{
	return f->fresh * 4 >= f->intervals * 3;
}

/*
 * Whoever asks more often than the answer holds is seen once it has expired: after its time to live
 * and up to one interval of his; and at multiples, where others kept it in the cache meanwhile.
 */
static bool is_of_ttl(const struct beats_facts *f)
{
	if (f->mean_s < 2.0 * f->ttl_s)
		return true;
	double times = f->mean_s / (f->ttl_s + 1.0), whole = (double)(unsigned)(times + 0.5);
	return whole <= TTL_TIMES && times > whole * 0.9 && times < whole * 1.1;
}

/* Has it been told within a day, as sure as that? */
static bool was_told(struct beats *b, enum detect_confidence c, uint32_t now_s)
{
	uint64_t told = atomic_load_explicit(&b->told_s, memory_order_relaxed);
	unsigned shift = c == DETECT_LOW ? 0 : 32;
	uint32_t then_s = (uint32_t)(told >> shift);
	if (then_s != 0 && now_s - then_s < AGAIN_S)
		return true;
	told = (told & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)now_s << shift;
	atomic_store_explicit(&b->told_s, told, memory_order_relaxed);
	return false;
}

static void report(struct detect_call *call, enum detect_confidence c, const struct beats_facts *f,
                   bool is_regular)
{
	struct detect_finding *found;
	unsigned period_s = (unsigned)(f->mean_s + 0.5);
	if (!is_regular)
		detector_found(call, c, &found, "asks this domain for names that come once");
	else if (c == DETECT_MEDIUM)
		detector_found(call, c, &found,
		               "comes back to this domain every %u s, with another name each time",
		               period_s);
	else
		detector_found(call, c, &found, "comes back to this domain every %u s", period_s);
	detector_evidence(found, "period_s", period_s);
	detector_evidence(found, "beats", f->intervals);
	detector_evidence(found, "variation_percent", (int64_t)(f->variation * 100));
	detector_evidence(found, "new_names", f->fresh);
	detector_evidence(found, "failed", f->vain);
	detector_evidence(found, "ttl_s", f->ttl_s);
}

/* What the beats of a client tell. */
static void judge(struct detect_call *call, struct beats *b, uint32_t now_s)
{
	struct beats_facts f;
	beats_tell(b, &f);
	if (f.intervals < WATCHED_BEATS || is_prevalent(call) || f.intervals < TOLD_BEATS)
		return;
	bool is_regular = f.variation * 100 <= VARIATION_PERCENT, one_shot = is_one_shot(&f);
	if (is_regular ? !one_shot && is_of_ttl(&f) : !one_shot || f.intervals < BEATS_WINDOW)
		return;
	enum detect_confidence c = is_regular && one_shot ? DETECT_MEDIUM : DETECT_LOW;
	if (!was_told(b, c, now_s))
		report(call, c, &f, is_regular);
}

static void beacon_answer(struct detect_call *call)
{
	struct beacon *s = call->state;
	const struct detect_answer *a = call->a;
	if (a->is_cached || !is_subject(call, a->question, &a->zone))
		return;
	struct beat beat = {
		.key = key_of(call, a->client),
		.now_s = (uint32_t)(a->now_ns / NS_PER_S) + 1,
		.ttl_s = ttl_of(a),
		.name_tag = (uint16_t)(detector_hash_name(call, a->question) | 1),
		.is_odd = is_odd(a->question, detector_facts(call)->registered),
		.is_vain = a->is_failure || a->rcode != RCODE_NOERROR,
	};
	struct beats *b = beats_add(s->beats, &beat);
	if (b != NULL)
		judge(call, b, beat.now_s);
}

static void beacon_foresee(struct detect_call *call)
{
	const struct beacon *s = call->state;
	const struct detect_answer *a = call->a;
	if (!a->is_cached && is_subject(call, a->question, &a->zone))
		beats_prefetch(s->beats, key_of(call, a->client));
}

static void beacon_explain(struct detect_call *call)
{
	const struct beacon *s = call->state;
	const struct detect_question *q = call->q;
	struct beats_facts f;
	if (!is_subject(call, q->question, &q->zone))
		return;
	const struct beats *b = beats_find(s->beats, key_of(call, q->client));
	if (b == NULL)
		return;
	beats_tell(b, &f);
	if (f.intervals >= WATCHED_BEATS)
		detector_tell(call,
		              "this client came back to this domain %u times, every %.0f s "
		              "(give or take %.0f%%), %u times with a new name",
		              f.intervals, f.mean_s, f.variation * 100, f.fresh);
}

const struct detector detector_beacon = {
	.start = beacon_start,
	.stop = beacon_stop,
	.bytes = beacon_bytes,
	.answer = beacon_answer,
	.foresee_answer = beacon_foresee,
	.explain = beacon_explain,
};
