/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Look-alikes: names that imitate protected brands and the operator's own domains. What is sure, or to
 * be stopped, is found before its first packet. Of the rest most that people ask for are slips of
 * the pen, that do not exist; and whether a brand's domain below somebody else's is more than a
 * search list's doing is only known with the answer, too.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "detect/detector.h"
#include "detect/resemble.h"
#include "dns/registered.h"

enum {
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_MX = 15,
	TYPE_AAAA = 28,
	TYPE_SVCB = 64,
	TYPE_HTTPS = 65,
	TEXT_BRAND_MAX = 60,
	NEW_S = 7 * 86400, /* a domain was first asked for here: lures are gone sooner */
	NEW_SLOTS = 1024,
	PLAIN_SLOTS = 8192,
};

/*
 * The brands; and below which new domains one was found, with the second of that, so that whoever
 * gets the answer from the cache, which says nothing of ages, is told of, too. And names that are like none: they are
 * asked for with several types, looked at with the packet and with the answer, and most come again.
 */
struct lookalike {
	struct brands *known;
	_Atomic uint64_t news[NEW_SLOTS];    /* a tag of the domain (32 bits), the second (32) */
	_Atomic uint64_t plain[PLAIN_SLOTS]; /* a hash of the name, and of the operator's list */
};

static const struct {
	enum detect_confidence confidence;
	const char *text;
} kinds[RESEMBLANCES] = {
	[RESEMBLES_MIXED] = { DETECT_LOW, "it mixes letters of scripts that no language mixes" },
	[RESEMBLES_SUFFIX] = { DETECT_LOW, "the same label below another suffix" },
	[RESEMBLES_WORDS] = { DETECT_LOW, "its label with other words" },
	[RESEMBLES_LEFT] = { DETECT_LOW,
	                     "its label, with words that ask for trust, below another domain" },
	[RESEMBLES_EDIT] = { DETECT_LOW, "one letter is another, more, less or in another place" },
	[RESEMBLES_MARKS] = { DETECT_MEDIUM, "its letters with accents" },
	[RESEMBLES_SHAPES] = { DETECT_MEDIUM, "letters and digits of the same shape" },
	[RESEMBLES_STRONG] = { DETECT_MEDIUM, "its label with words that ask for trust" },
	[RESEMBLES_BELOW] = { DETECT_LOW, "its name below another domain" },
	[RESEMBLES_BELOW_WORD] = { DETECT_HIGH, "its name below a domain that asks for trust" },
	[RESEMBLES_LETTERS] = { DETECT_HIGH, "letters of another script" },
};

/* ---- state and settings: the brands, and the operator's own ---- */

static int lookalike_start(const struct config *c, void **ret)
{
	struct lookalike *l = pages_zeroed(sizeof *l);
	(void)c;
	if (l == NULL)
		return -ENOMEM;
	int e = brands_new(&l->known);
	if (e != 0) {
		pages_release(l);
		return e;
	}
	*ret = l;
	return 0;
}

static void lookalike_stop(void *state)
{
	struct lookalike *l = state;
	brands_free(l->known);
	pages_release(l);
}

static size_t lookalike_bytes(const void *state)
{
	const struct lookalike *l = state;
	return l == NULL ? 0 : sizeof *l + brands_bytes(l->known);
}

/* The operator's own domains; and a number that no other list had. */
struct own {
	struct brands *brands;
	uint64_t salt;
};

static int lookalike_prepare(const struct config *c, void **ret)
{
	static _Atomic uint64_t n_lists;
	struct own *own = calloc(1, sizeof *own);
	if (own == NULL)
		return -ENOMEM;
	int e = brands_new_own(&c->detect.lookalike_domains, &own->brands);
	if (e != 0) {
		free(own);
		return e;
	}
	own->salt = atomic_fetch_add_explicit(&n_lists, 1, memory_order_relaxed) *
	            UINT64_C(0x9e3779b97f4a7c15);
	*ret = own;
	return 0;
}

static void lookalike_release(void *prepared)
{
	struct own *own = prepared;
	brands_free(own->brands);
	free(own);
}

/* ---- one name ---- */

static bool is_of_visitors(uint16_t type)
{
	return type == TYPE_A || type == TYPE_AAAA || type == TYPE_HTTPS || type == TYPE_SVCB ||
	       type == TYPE_MX || type == TYPE_CNAME;
}

/* The top-level domains of a home or an office are nobody's. */
static bool is_top_known(const uint8_t *name)
{
	return name_suffix(name_skip(name, name_labels(name) - 1)) == NAME_SUFFIX_REGISTRY;
}

/* The stronger one of what the operator's domains and the known brands say. */
static void compare(struct detect_call *call, const uint8_t *name, struct resembled *ret)
{
	const struct lookalike *l = call->state;
	const struct brands *known = l->known, *own = ((const struct own *)call->prepared)->brands;
	const struct name_facts *f = detector_facts(call);
	struct resembled of_known;
	*ret = (struct resembled){ 0 };
	resemble(known, name, f->n_registered, &of_known);
	if (own != NULL && brands_count(own) > 0)
		resemble(own, name, f->n_registered, ret);
	if (ret->is_own)
		return;
	if (of_known.how > ret->how)
		*ret = of_known;
	if (ret->how != RESEMBLES_NONE &&
	    (detector_has_underscore(name, NULL) || !is_top_known(name)))
		*ret = (struct resembled){ 0 };
}

/* The same, remembered. */
static void look(struct detect_call *call, const uint8_t *name, struct resembled *ret)
{
	struct lookalike *l = call->state;
	const struct own *own = call->prepared;
	const struct name_facts *f = detector_facts(call);
	*ret = (struct resembled){ 0 };
	if (f->registered == NULL || f->n_registered < 2 || f->kind != ZONE_ANYBODY)
		return;
	uint64_t key = detector_hash_name(call, name) ^ own->salt;
	_Atomic uint64_t *plain = &l->plain[key % PLAIN_SLOTS];
	if (atomic_load_explicit(plain, memory_order_relaxed) == key)
		return;
	compare(call, name, ret);
	if (ret->how == RESEMBLES_NONE)
		atomic_store_explicit(plain, key, memory_order_relaxed);
}

/* The operator's own domains are few, and whoever is like them means them. */
static enum detect_confidence confidence_of(const struct resembled *r)
{
	enum detect_confidence c = kinds[r->how].confidence;
	if (r->brand != NULL && r->brand->is_own && c == DETECT_LOW && r->how != RESEMBLES_WORDS)
		return DETECT_MEDIUM;
	return c;
}

/*
 * Was the domain new here when it was asked for, a week ago at most? Proxies of libraries and
 * deliverers of contents put brands' names before their own domains, but for years.
 */
static bool is_new(struct detect_call *call)
{
	struct lookalike *l = call->state;
	const struct detect_answer *a = call->a;
	const uint8_t *domain = detector_facts(call)->registered;
	uint64_t h = detector_hash_name(call, domain);
	uint32_t now_s = (uint32_t)(a->now_ns / NS_PER_S);
	_Atomic uint64_t *slot = &l->news[h % NEW_SLOTS];
	uint64_t word = atomic_load_explicit(slot, memory_order_relaxed);
	if (a->is_cached)
		return word >> 32 == h >> 32 && now_s - (uint32_t)word < NEW_S;
	if (!a->has_age || a->age_s >= NEW_S)
		return false;
	atomic_store_explicit(slot, h >> 32 << 32 | (now_s - a->age_s), memory_order_relaxed);
	return true;
}

/* Do all its addresses belong to those who keep names for the brands' owners? */
static bool is_kept(const struct detect_answer *a)
{
	static const uint8_t keepers[][4] = {
#define KEEPER(a, b, c, d) { a, b, c, d },
#include "detect/brand_keepers.def"
	};
	unsigned n = 0;
	for (unsigned i = 0; i < a->n_rrs; i++) {
		const struct rr *rr = &a->rrs[i];
		unsigned k = 0;
		if (rr->type == TYPE_CNAME)
			continue;
		while (k < ARRAY_LEN(keepers) &&
		       (rr->rdata_len != 4 || memcmp(rr->rdata, keepers[k], 4) != 0))
			k++;
		if (rr->type != TYPE_A || k == ARRAY_LEN(keepers))
			return false;
		n++;
	}
	return n > 0 && a->n_more == 0;
}

static void report(struct detect_call *call, const struct resembled *r)
{
	struct detect_finding *f;
	enum detect_confidence confidence = confidence_of(r);
	if (r->how == RESEMBLES_BELOW && confidence == DETECT_LOW && (r->is_lure || is_new(call)))
		confidence = DETECT_MEDIUM;
	if (call->a != NULL && is_kept(call->a))
		confidence = DETECT_LOW;
	const struct brand *b = r->brand;
	if (b == NULL) {
		detector_found(call, confidence, &f, "looks like another name: %s",
		               kinds[r->how].text);
	} else {
		int n = b->n_domain < TEXT_BRAND_MAX ? b->n_domain : TEXT_BRAND_MAX;
		detector_found(call, confidence, &f, "looks like %.*s: %s", n, b->domain,
		               kinds[r->how].text);
		detector_evidence(f, "letters", b->n);
	}
	detector_evidence(f, "rule", r->how);
	detector_evidence(f, "label", r->label + 1);
}

/* Before the packet, or not before there is an answer? */
static bool is_said_first(const struct detect_call *call, const struct resembled *r)
{
	enum detect_confidence c = confidence_of(r);
	return r->how != RESEMBLES_BELOW &&
	       (c == DETECT_HIGH || detector_action(call, c) >= DETECT_THROTTLE);
}

static void lookalike_question(struct detect_call *call)
{
	const struct detect_question *q = call->q;
	struct resembled r;
	if (!q->is_first || q->is_again || !is_of_visitors(q->type))
		return;
	look(call, q->question, &r);
	if (r.how != RESEMBLES_NONE && is_said_first(call, &r))
		report(call, &r);
}

static void lookalike_answer(struct detect_call *call)
{
	const struct detect_answer *a = call->a;
	struct resembled r;
	if (a->rcode != RCODE_NOERROR || a->n_rrs == 0 || a->is_failure || !is_of_visitors(a->type))
		return;
	look(call, a->question, &r);
	if (r.how != RESEMBLES_NONE && !is_said_first(call, &r))
		report(call, &r);
}

static void lookalike_explain(struct detect_call *call)
{
	const struct detect_question *q = call->q;
	struct resembled r;
	look(call, q->question, &r);
	if (r.how == RESEMBLES_NONE)
		return;
	if (r.brand == NULL)
		detector_tell(call, "this name: %s", kinds[r.how].text);
	else
		detector_tell(call, "this name looks like %.*s (%s): %s; confidence %s",
		              (int)(r.brand->n_domain < TEXT_BRAND_MAX ? r.brand->n_domain
		                                                       : TEXT_BRAND_MAX),
		              r.brand->domain, r.brand->is_own ? "your own" : "a known brand",
		              kinds[r.how].text, config_confidence_name(confidence_of(&r)));
}

const struct detector detector_lookalike = {
	.start = lookalike_start,
	.stop = lookalike_stop,
	.bytes = lookalike_bytes,
	.prepare = lookalike_prepare,
	.release = lookalike_release,
	.question = lookalike_question,
	.answer = lookalike_answer,
	.explain = lookalike_explain,
};
