/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Look-alikes: names that imitate protected brands and the operator's own domains. What the name
 * itself gives away is found before its first packet; whether a brand's domain below somebody
 * else's is more than a search list's doing is only known with the answer.
 */
#include <errno.h>
#include <stdlib.h>

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
	[RESEMBLES_BELOW] = { DETECT_MEDIUM, "its name below another domain" },
	[RESEMBLES_BELOW_WORD] = { DETECT_HIGH, "its name below a domain that asks for trust" },
	[RESEMBLES_LETTERS] = { DETECT_HIGH, "letters of another script" },
};

/* ---- state and settings: the brands, and the operator's own ---- */

static int lookalike_start(const struct config *c, void **ret)
{
	struct brands *known;
	(void)c;
	int e = brands_new(&known);
	if (e == 0)
		*ret = known;
	return e;
}

static void lookalike_stop(void *known)
{
	brands_free(known);
}

static size_t lookalike_bytes(const void *known)
{
	return known == NULL ? 0 : brands_bytes(known);
}

static int lookalike_prepare(const struct config *c, void **ret)
{
	struct brands *own;
	int e = brands_new_own(&c->detect.lookalike_domains, &own);
	*ret = e == 0 ? own : NULL;
	return e;
}

static void lookalike_release(void *own)
{
	brands_free(own);
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
static void look(struct detect_call *call, const uint8_t *name, struct resembled *ret)
{
	const struct brands *known = call->state, *own = call->prepared;
	const struct name_facts *f = detector_facts(call);
	struct resembled of_known;
	*ret = (struct resembled){ 0 };
	if (f->registered == NULL || f->n_registered < 2 || f->kind != ZONE_ANYBODY)
		return;
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

/* The operator's own domains are few, and whoever is like them means them. */
static enum detect_confidence confidence_of(const struct resembled *r)
{
	enum detect_confidence c = kinds[r->how].confidence;
	if (r->brand != NULL && r->brand->is_own && c == DETECT_LOW && r->how != RESEMBLES_WORDS)
		return DETECT_MEDIUM;
	return c;
}

static void report(struct detect_call *call, const struct resembled *r)
{
	struct detect_finding *f;
	enum detect_confidence confidence = confidence_of(r);
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

static void lookalike_question(struct detect_call *call)
{
	const struct detect_question *q = call->q;
	struct resembled r;
	if (!q->is_first || q->is_again || !is_of_visitors(q->type))
		return;
	look(call, q->question, &r);
	if (r.how != RESEMBLES_NONE && r.how != RESEMBLES_BELOW)
		report(call, &r);
}

/* Search lists make such names, too; but then there are none. */
static void lookalike_answer(struct detect_call *call)
{
	const struct detect_answer *a = call->a;
	struct resembled r;
	if (a->rcode != RCODE_NOERROR || a->n_rrs == 0 || a->is_failure || !is_of_visitors(a->type))
		return;
	look(call, a->question, &r);
	if (r.how == RESEMBLES_BELOW)
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
