/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What answers carry: programs and scripts in text, and how much of anything. Bytes that a client
 * has not been told before are owed to two buckets, as the leak budget has them for questions;
 * docs/answers.md says what counts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/bits.h"
#include "detect/carried.h"
#include "detect/debts.h"
#include "detect/detector.h"
#include "detect/purposes.h"
#include "detect/source.h"
#include "detect/told.h"
#include "dns/text.h"

enum {
	PAIRS_PER_CLIENT = 4, /* (client, domain or servers) that owe something at the same time */
	TOLD_PER_CLIENT = 16, /* records */
	SERVERS_FACTOR = 4,   /* a hoster's servers answer for many domains */
	POPULAR_FACTOR = 100,
	REVERSE_FACTOR = 4,
	SURE_TIMES = 3,   /* so many budgets were asked for */
	ASKED_TIMES = 16, /* more is not remembered */
	ENCODED_MIN = 48, /* bytes; tokens of ownership have 64 at most, most 32 */
	ENCODED_BULK = 128,
	TEXT_MAX = 16384, /* of a record: what is behind is not looked at */
};

#define US_PER_DAY UINT64_C(86400000000)

struct payload {
	struct debts *pairs;
	struct told *told;
};

struct payload_options {
	uint64_t rate;      /* bytes a day */
	uint64_t budget_us; /* so long it takes to pay off the whole budget */
};

/* ---- state ---- */

static void payload_stop(void *state)
{
	struct payload *p = state;
	debts_free(p->pairs);
	told_free(p->told);
	free(p);
}

static int payload_start(const struct config *c, void **ret_state)
{
	struct payload *p = calloc(1, sizeof *p);
	size_t n = c->detect.clients;
	if (p == NULL)
		return -ENOMEM;
	int e = debts_new(n * PAIRS_PER_CLIENT, &p->pairs);
	if (e == 0)
		e = told_new(n * TOLD_PER_CLIENT, &p->told);
	if (e != 0) {
		payload_stop(p);
		return e;
	}
	*ret_state = p;
	return 0;
}

static size_t payload_bytes(const void *state)
{
	const struct payload *p = state;
	return sizeof *p + debts_bytes(p->pairs) + told_bytes(p->told);
}

static int payload_prepare(const struct config *c, void **ret_prepared)
{
	struct payload_options *o = malloc(sizeof *o);
	if (o == NULL)
		return -ENOMEM;
	o->rate = c->detect.payload_rate;
	o->budget_us = c->detect.payload_burst * US_PER_DAY / o->rate;
	*ret_prepared = o;
	return 0;
}

/* ---- what a record is ---- */

/* Types whose data are names, numbers, keys or addresses by their own standards: not texts. */
static bool is_structured(uint16_t type)
{
	switch (type) {
	case DNS_A:
	case DNS_NS:
	case DNS_CNAME:
	case DNS_SOA:
	case DNS_PTR:
	case DNS_MX:
	case DNS_AAAA:
	case DNS_SRV:
	case 35: /* NAPTR */
	case DNS_DNAME:
	case DNS_DS:
	case 44: /* SSHFP */
	case DNS_RRSIG:
	case DNS_NSEC:
	case DNS_DNSKEY:
	case DNS_NSEC3:
	case 51: /* NSEC3PARAM */
	case 52: /* TLSA */
	case 59: /* CDS */
	case 60: /* CDNSKEY */
	case DNS_SVCB:
	case DNS_HTTPS:
		return true;
	default:
		return false;
	}
}

/* Where the name in the data begins; 0 for types without one, which is never 0 otherwise + 1. */
static const uint8_t *name_in(const struct rr *rr)
{
	size_t at;
	switch (rr->type) {
	case DNS_NS:
	case DNS_CNAME:
	case DNS_DNAME:
	case DNS_PTR:
	case DNS_SOA:
		at = 0;
		break;
	case DNS_MX:
	case DNS_SVCB:
	case DNS_HTTPS:
		at = 2;
		break;
	case DNS_SRV:
		at = 6;
		break;
	default:
		return NULL;
	}
	if (rr->rdata_len <= at || name_check(rr->rdata + at, rr->rdata_len - at) == 0)
		return NULL;
	return rr->rdata + at;
}

/* Bytes of information in a name that the owner's own name does not have. */
static uint32_t bytes_of_name(const uint8_t *name, const uint8_t *owner)
{
	unsigned n = name_labels(name) - name_common_labels(name, owner);
	uint32_t bits = 0;
	for (; n > 0; n--, name += *name + 1U)
		bits += bits_of_label(name) / BITS_UNIT;
	return (bits + 7) / 8;
}

/* The strings of a TXT record put together; others as they are. */
static size_t text_of(const struct rr *rr, uint8_t ret[TEXT_MAX])
{
	size_t n = 0;
	if (rr->type != DNS_TXT && rr->type != 99) { /* SPF */
		n = rr->rdata_len < TEXT_MAX ? rr->rdata_len : TEXT_MAX;
		memcpy(ret, rr->rdata, n);
		return n;
	}
	for (size_t at = 0; at < rr->rdata_len;) {
		size_t len = rr->rdata[at++];
		if (len > rr->rdata_len - at)
			len = rr->rdata_len - at;
		if (len > TEXT_MAX - n)
			len = TEXT_MAX - n;
		memcpy(ret + n, rr->rdata + at, len);
		n += len;
		at += len;
		if (n == TEXT_MAX)
			break;
	}
	return n;
}

/* ---- what it carries ---- */

/* The worst of an answer's records. */
struct contents {
	struct carried carried;
	uint16_t type;
	uint8_t rank; /* 0: nothing; 1 + enum detect_confidence */
	bool is_encoded;
};

static uint8_t rank_of(const struct carried *c, bool is_known, const struct source *s,
                       bool *ret_encoded)
{
	bool is_anybody = s->kind == ZONE_ANYBODY;
	*ret_encoded = false;
	switch (c->kind) {
	case CARRIED_PROGRAM:
	case CARRIED_SCRIPT:
		return 1 + DETECT_HIGH;
	case CARRIED_ARCHIVE:
		return 1 + (is_anybody ? DETECT_MEDIUM : DETECT_LOW);
	case CARRIED_WORDS:
		return 1 + DETECT_LOW;
	default:
		if (is_known || !is_anybody || c->n_encoded < ENCODED_MIN)
			return 0;
		*ret_encoded = true;
		return 1 + (c->n_encoded >= ENCODED_BULK ? DETECT_MEDIUM : DETECT_LOW);
	}
}

/* True: the record has a purpose that is known, and shows nothing else. */
static bool look_at_text(const struct rr *rr, const struct source *s, struct contents *ret)
{
	static _Thread_local uint8_t text[TEXT_MAX];
	struct carried c;
	bool is_encoded;
	size_t n = text_of(rr, text);
	bool is_known = rr->type == DNS_TXT && purpose_of(text, n) != NULL;
	carried_look(text, n, &c);
	uint8_t rank = rank_of(&c, is_known, s, &is_encoded);
	if (rank > ret->rank)
		*ret = (struct contents){ c, rr->type, rank, is_encoded };
	return is_known && rank == 0;
}

static bool report_contents(struct detect_call *call, const struct contents *c)
{
	struct detect_finding *f;
	char type[DNS_TYPE_TEXT_MAX];
	enum detect_confidence confidence = (enum detect_confidence)(c->rank - 1);
	enum detect_action action;
	dns_type_text(c->type, type);
	if (c->is_encoded)
		action = detector_found(call, confidence, &f,
		                        "an answer of type %s carries encoded data", type);
	else if (c->carried.encoding[0] != '\0')
		action = detector_found(call, confidence, &f,
		                        "an answer of type %s carries %s, as %s", type,
		                        c->carried.what, c->carried.encoding);
	else
		action = detector_found(call, confidence, &f, "an answer of type %s carries %s",
		                        type, c->carried.what);
	detector_evidence(f, "layers", c->carried.layers);
	detector_evidence(f, "encoded_bytes", (int64_t)c->carried.n_encoded);
	return action == DETECT_BLOCK;
}

/* ---- how much it is ---- */

struct volume {
	uint32_t bytes;         /* that count against the domain */
	uint32_t servers_bytes; /* against its servers */
	uint64_t keys[DETECT_RECORDS_MAX];
	unsigned n_keys;
};

static uint32_t bytes_of(const struct rr *rr, bool is_known)
{
	const uint8_t *name = name_in(rr);
	switch (rr->type) {
	case DNS_A:
	case DNS_AAAA:
	case DNS_DS:
	case DNS_RRSIG:
	case DNS_NSEC:
	case DNS_NSEC3:
		return 0; /* addresses: detector `addresses`; the others nobody can choose freely */
	case DNS_SVCB:
	case DNS_HTTPS:
		break;
	default:
		if (name != NULL)
			return bytes_of_name(name, rr->owner);
	}
	return is_known ? rr->rdata_len / 8U : rr->rdata_len;
}

static void add_volume(const struct detect_call *call, const struct source *s, uint64_t client,
                       const struct rr *rr, bool is_known, struct volume *v)
{
	const struct payload *p = call->state;
	uint32_t bytes = bytes_of(rr, is_known);
	if (bytes == 0 || s->kind == ZONE_VENDOR)
		return;
	uint64_t key = detector_hash_pair(call, client ^ s->domain_key,
	                                  detector_hash(call, rr->rdata, rr->rdata_len));
	if (told_has(p->told, key))
		return;
	v->keys[v->n_keys++] = key;
	v->bytes += bytes;
	/* Keys for encrypted hellos are the hoster's, and change by the hour. */
	if (!is_known && rr->type != DNS_HTTPS && rr->type != DNS_SVCB)
		v->servers_bytes += bytes;
}

struct scope {
	struct debt *debt;
	uint64_t cost_us;
};

static void note_asked(const struct scope *s, const struct payload_options *o, uint64_t now_us)
{
	debt_note_most_us(&s->debt->asked_us, now_us, s->cost_us, o->budget_us * ASKED_TIMES);
}

/* -1: there is room; otherwise a confidence. */
static int level_of(const struct scope *s, const struct payload_options *o, uint64_t now_us)
{
	uint64_t owed_us = debt_owed_us(&s->debt->paid_us, now_us);
	uint64_t then_us = owed_us + s->cost_us, near_us = o->budget_us / 4 * 3;
	if (then_us > o->budget_us) {
		uint64_t asked_us = debt_owed_us(&s->debt->asked_us, now_us);
		return asked_us > o->budget_us * SURE_TIMES ? DETECT_HIGH : DETECT_MEDIUM;
	}
	return then_us > near_us && owed_us <= near_us ? DETECT_LOW : -1;
}

static int64_t bytes_of_us(const struct payload_options *o, uint64_t us, uint64_t factor)
{
	return (int64_t)((double)us * (double)(o->rate * factor) / (double)US_PER_DAY);
}

/* True: it is blocked. */
static bool judge_volume(struct detect_call *call, const struct volume *v, const struct scope s[2],
                         uint64_t factor, uint64_t now_us)
{
	const struct payload_options *o = call->prepared;
	int levels[2] = { level_of(&s[0], o, now_us), level_of(&s[1], o, now_us) };
	unsigned worst = levels[1] > levels[0];
	struct detect_finding *f;
	if (levels[worst] < 0)
		return false;
	enum detect_action action = detector_found(
		call, (enum detect_confidence)levels[worst], &f,
		"data in answers of this domain%s: %s", worst == 1 ? "'s servers" : "",
		levels[worst] == DETECT_HIGH     ? "many times the budget"
		: levels[worst] == DETECT_MEDIUM ? "over the budget"
						 : "three quarters of the budget");
	factor *= worst == 1 ? SERVERS_FACTOR : 1;
	detector_evidence(f, "bytes", worst == 1 ? v->servers_bytes : v->bytes);
	detector_evidence(f, "owed_bytes",
	                  bytes_of_us(o, debt_owed_us(&s[worst].debt->paid_us, now_us), factor));
	detector_evidence(f, "budget_bytes", bytes_of_us(o, o->budget_us, factor));
	detector_evidence(f, "asked_bytes",
	                  bytes_of_us(o, debt_owed_us(&s[worst].debt->asked_us, now_us), factor));
	return action == DETECT_BLOCK;
}

static uint64_t factor_of(enum zone_kind kind)
{
	return kind == ZONE_POPULAR ? POPULAR_FACTOR : kind == ZONE_REVERSE ? REVERSE_FACTOR : 1;
}

/* A cached answer has been counted; whoever is over the budget does not get it for all that. */
static void charge(struct detect_call *call, const struct source *s, uint64_t client,
                   const struct volume *v)
{
	const struct payload *p = call->state;
	const struct payload_options *o = call->prepared;
	uint64_t now_us = call->a->now_ns / 1000 + 1, factor = factor_of(s->kind);
	uint64_t keys[2] = { detector_hash_pair(call, client, s->domain_key),
		             detector_hash_pair(call, client, s->servers_key ^ 1) };
	uint32_t bytes[2] = { v->bytes, v->servers_bytes };
	struct scope scopes[2];
	if (v->bytes == 0)
		return;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t rate = o->rate * factor * (i == 1 ? SERVERS_FACTOR : 1);
		scopes[i].debt = debts_take(p->pairs, keys[i], now_us);
		scopes[i].cost_us = bytes[i] * (US_PER_DAY / rate);
		if (!call->a->is_cached)
			note_asked(&scopes[i], o, now_us);
	}
	if (judge_volume(call, v, scopes, factor, now_us) || call->a->is_cached)
		return;
	for (unsigned i = 0; i < 2; i++)
		debt_add_most_us(&scopes[i].debt->paid_us, now_us, scopes[i].cost_us,
		                 o->budget_us * 2 + scopes[i].cost_us);
	for (unsigned i = 0; i < v->n_keys; i++)
		told_put(p->told, v->keys[i]);
}

/* ---- the detector ---- */

static void payload_answer(struct detect_call *call)
{
	const struct detect_answer *a = call->a;
	static _Thread_local struct volume alias, rest;
	struct contents contents = { .rank = 0 };
	if (a->is_failure || a->n_rrs == 0)
		return;
	const struct source_ends *ends = source_ends_of(call);
	uint64_t client = source_client(call, a->client);
	alias.bytes = alias.servers_bytes = alias.n_keys = 0;
	rest = alias;
	for (unsigned i = 0; i < a->n_rrs && i < DETECT_RECORDS_MAX; i++) {
		const struct rr *rr = &a->rrs[i];
		bool is_alias = rr->type == DNS_CNAME || rr->type == DNS_DNAME, is_known = false;
		if (!is_structured(rr->type) && ends->has_last)
			is_known = look_at_text(rr, &ends->last, &contents);
		if (is_alias && ends->has_first)
			add_volume(call, &ends->first, client, rr, is_known, &alias);
		else if (!is_alias && ends->has_last)
			add_volume(call, &ends->last, client, rr, is_known, &rest);
	}
	if (contents.rank > 0 && report_contents(call, &contents))
		return;
	if (a->n_more > 0 && a->n_bytes > rest.bytes && rest.bytes > 0)
		rest.bytes = rest.servers_bytes = a->n_bytes;
	if (ends->has_first)
		charge(call, &ends->first, client, &alias);
	if (ends->has_last)
		charge(call, &ends->last, client, &rest);
}

static void payload_explain(struct detect_call *call)
{
	const struct payload *p = call->state;
	const struct payload_options *o = call->prepared;
	const struct detect_question *q = call->q;
	uint64_t now_us = q->now_ns / 1000 + 1;
	struct source s;
	if (!source_of(call, &q->zone, q->question, &s))
		return;
	if (s.kind == ZONE_VENDOR) {
		detector_tell(call,
		              "a zone of a known vendor or list: data in answers are not counted");
		return;
	}
	uint64_t key = detector_hash_pair(call, source_client(call, q->client), s.domain_key);
	const struct debt *d = debts_find(p->pairs, key, now_us);
	uint64_t owed_us = d != NULL ? debt_owed_us(&d->paid_us, now_us) : 0;
	uint64_t factor = factor_of(s.kind);
	detector_tell(call, "data in answers of this domain: %lld of %lld bytes",
	              (long long)bytes_of_us(o, owed_us, factor),
	              (long long)bytes_of_us(o, o->budget_us, factor));
}

const struct detector detector_payload = {
	.start = payload_start,
	.stop = payload_stop,
	.bytes = payload_bytes,
	.prepare = payload_prepare,
	.release = free,
	.answer = payload_answer,
	.explain = payload_explain,
};
