/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fast flux: a name whose addresses are those of infected machines, all over the world, for some
 * minutes each. Networks (16 bits of IPv4, 32 of IPv6) that a name of an unpopular domain leads to
 * are counted over about a day, for all clients together. Deliverers of contents have many networks, too,
 * but these are theirs: where a database says whose a network is, owners are counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "detect/debts.h"
#include "detect/detector.h"
#include "detect/owners.h"
#include "detect/source.h"

enum {
	NAMES_PER_CLIENT = 4, /* with more than FREE networks within a day */
	FREE = 4,             /* networks that any name may have: they owe nothing */
	SHORT_S = 300,        /* TTLs above that are no flux; most are below */
	MARKS = 64,
	MARKS_MOST = 48, /* then they begin anew */
	LOW = 12,        /* networks */
	MEDIUM = 24,
	HIGH = 48,
	MOST = 96, /* more is not remembered */
	UNIT = 16,
	OWNER_NETWORKS = 2, /* an owner counts as so many: most have several */
};

#define US_PER_DAY UINT64_C(86400000000)
/* As many as are LOW are paid off within a day. */
#define US_PER_NETWORK (US_PER_DAY / LOW)

struct flux {
	struct debts *names; /* extra: marks of networks, or of their owners */
};

struct flux_options {
	struct owners *owners; /* NULL: not known */
};

static void flux_stop(void *state)
{
	struct flux *f = state;
	debts_free(f->names);
	free(f);
}

static int flux_start(const struct config *c, void **ret_state)
{
	struct flux *f = calloc(1, sizeof *f);
	if (f == NULL)
		return -ENOMEM;
	int e = debts_new((size_t)c->detect.clients * NAMES_PER_CLIENT, &f->names);
	if (e != 0) {
		free(f);
		return e;
	}
	*ret_state = f;
	return 0;
}

static size_t flux_bytes(const void *state)
{
	const struct flux *f = state;
	return sizeof *f + debts_bytes(f->names);
}

static void flux_release(void *prepared)
{
	struct flux_options *o = prepared;
	owners_free(o->owners);
	free(o);
}

static int flux_prepare(const struct config *c, void **ret)
{
	const char *path = c->detect.flux_database;
	struct flux_options *o = calloc(1, sizeof *o);
	if (o == NULL)
		return -ENOMEM;
	int e = path != NULL && path[0] != 0 && config_detector_is_on(c, DETECTOR_flux)
	                ? owners_open(path, &o->owners)
	                : 0;
	if (e != 0)
		log_error("detector flux: database '%s': %s: networks are counted, whoever has "
		          "them",
		          path,
		          e == -EBADMSG ? "it is no MaxMind database, or damaged" : strerror(-e));
	*ret = o;
	return 0;
}

static unsigned count_marks(const struct debt *name)
{
	return (unsigned)__builtin_popcountll(
		atomic_load_explicit(&name->extra, memory_order_relaxed));
}

/*
 * Set a mark; what a new one stands for, in units: the more are set, the more networks share those that
 * are.
 */
static uint64_t mark(struct debt *name, uint64_t hash)
{
	uint64_t bit = UINT64_C(1) << (hash >> 8) % MARKS;
	uint64_t marks = atomic_load_explicit(&name->extra, memory_order_relaxed);
	if ((marks & bit) != 0)
		return 0;
	unsigned n = (unsigned)__builtin_popcountll(marks);
	if (n < FREE) {
		atomic_fetch_or_explicit(&name->extra, bit, memory_order_relaxed);
		return 0;
	}
	if (n >= MARKS_MOST) {
		atomic_store_explicit(&name->extra, bit, memory_order_relaxed);
		return UNIT;
	}
	atomic_fetch_or_explicit(&name->extra, bit, memory_order_relaxed);
	return UNIT * MARKS / (MARKS - n);
}

static int level_of(int64_t networks)
{
	return networks >= HIGH     ? DETECT_HIGH
	       : networks >= MEDIUM ? DETECT_MEDIUM
	       : networks >= LOW    ? DETECT_LOW
	                            : -1;
}

static int64_t networks_of(const struct debt *name, uint64_t now_us)
{
	int64_t n = (int64_t)(debt_owed_us(&name->paid_us, now_us) / US_PER_NETWORK);
	return n > 0 ? FREE + n : 0;
}

/* Whom an address is counted for: the network's owner, or the network. */
static uint64_t place_of(const struct detect_call *call, const uint8_t *bytes, bool is_v4)
{
	const struct flux_options *o = call->prepared;
	uint32_t owner = o->owners != NULL ? owners_number(o->owners, bytes, is_v4) : 0;
	if (owner != 0) {
		uint8_t text[5] = { 'o' }; /* as long as no network */
		memcpy(text + 1, &owner, sizeof owner);
		return detector_hash(call, text, sizeof text);
	}
	return detector_hash(call, bytes, is_v4 ? 2 : 4);
}

/* New networks of an answer, in units. */
static uint64_t note_networks(const struct detect_call *call, struct debt *name,
                              uint32_t *ret_ttl_s)
{
	const struct flux_options *o = call->prepared;
	const struct detect_answer *a = call->a;
	uint64_t units = 0;
	for (unsigned i = 0; i < a->n_rrs; i++) {
		const struct rr *rr = &a->rrs[i];
		bool is_a = rr->type == DNS_A && rr->rdata_len == 4;
		if ((!is_a && (rr->type != DNS_AAAA || rr->rdata_len != 16)) || rr->ttl_s > SHORT_S)
			continue;
		units += mark(name, place_of(call, rr->rdata, is_a));
		if (rr->ttl_s < *ret_ttl_s)
			*ret_ttl_s = rr->ttl_s;
	}
	return o->owners != NULL ? units * OWNER_NETWORKS : units;
}

static bool is_short(const struct detect_answer *a)
{
	for (unsigned i = 0; i < a->n_rrs; i++) {
		if (a->rrs[i].type == a->type)
			return a->rrs[i].ttl_s <= SHORT_S;
	}
	return false;
}

static void flux_answer(struct detect_call *call)
{
	struct flux *f = call->state;
	const struct detect_answer *a = call->a;
	struct detect_finding *finding;
	uint32_t ttl_s = SHORT_S;
	if (a->is_failure || a->is_cached || a->n_rrs == 0 ||
	    (a->type != DNS_A && a->type != DNS_AAAA) || !is_short(a))
		return;
	/* Where an alias leads to a network of deliverers of contents, it is one. */
	if (!source_is_anybodys(source_ends_of(call)))
		return;
	uint64_t now_us = a->now_ns / 1000 + 1;
	uint64_t key = detector_hash_name(call, a->question);
	struct debt *name = debts_take(f->names, key, now_us);
	if (debts_is_shared(f->names, name))
		return; /* nothing can be said of a name that has no place of its own */
	/* What was more than a day ago is over. */
	if (debt_owed_us(&name->paid_us, now_us) == 0 && count_marks(name) > FREE)
		atomic_store_explicit(&name->extra, 0, memory_order_relaxed);
	uint64_t units = note_networks(call, name, &ttl_s);
	debt_touch(&name->paid_us, now_us);
	if (units == 0)
		return;
	debt_add_most_us(&name->paid_us, now_us, units * (US_PER_NETWORK / UNIT),
	                 MOST * US_PER_NETWORK);
	int64_t networks = networks_of(name, now_us);
	int level = level_of(networks);
	if (level < 0)
		return;
	const struct flux_options *o = call->prepared;
	bool has_owners = o->owners != NULL;
	detector_found(call, (enum detect_confidence)level, &finding,
	               "fast flux: a name with addresses in many networks%s, for minutes each",
	               has_owners ? ", of different owners" : "");
	if (has_owners)
		detector_evidence(finding, "owners", FREE + (networks - FREE) / OWNER_NETWORKS);
	else
		detector_evidence(finding, "networks", networks);
	detector_evidence(finding, "ttl_s", ttl_s);
}

static void flux_foresee(struct detect_call *call)
{
	const struct flux *f = call->state;
	const struct detect_answer *a = call->a;
	if (!a->is_failure && !a->is_cached && a->n_rrs > 0 && is_short(a) &&
	    (a->type == DNS_A || a->type == DNS_AAAA) && source_is_anybodys(source_ends_of(call)))
		debts_prefetch(f->names, detector_hash_name(call, a->question));
}

static void flux_explain(struct detect_call *call)
{
	const struct flux *f = call->state;
	const struct flux_options *o = call->prepared;
	const struct detect_question *q = call->q;
	uint64_t key = detector_hash_name(call, q->question);
	const struct debt *name = debts_find(f->names, key, q->now_ns / 1000 + 1);
	if (name == NULL)
		return;
	long long networks = networks_of(name, q->now_ns / 1000 + 1);
	if (o->owners != NULL && networks > 0)
		detector_tell(call, "this name's addresses were in networks of %lld owners lately",
		              FREE + (networks - FREE) / OWNER_NETWORKS);
	else
		detector_tell(call, "this name's addresses were in %lld networks lately", networks);
}

const struct detector detector_flux = {
	.start = flux_start,
	.stop = flux_stop,
	.bytes = flux_bytes,
	.prepare = flux_prepare,
	.release = flux_release,
	.answer = flux_answer,
	.foresee_answer = flux_foresee,
	.explain = flux_explain,
};
