/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verdict, or the data, to bytes. */
#include <stdio.h>
#include <string.h>

#include "serve/serve.h"

enum {
	OPT_AND_EDE_BYTES =
		11 + 6 + 64, /* kept free: an extended error that fits is worth having */
	SOA_RDATA_MAX = 64,
	DEFAULT_BLOCK_TTL_S = 10,
	EDE_NONE = 0xffff,
	EDE_OTHER = 0,
};

struct block_terms {
	uint32_t ttl_s;
	uint16_t ede_code;
	const char *list;
	const char *ede_text;
	struct policy_list_view view; /* of the list; is_rpz false: none */
};

static uint32_t cap_ttl(const struct policy_list_view *v, uint32_t ttl_s)
{
	return v->has_max_ttl && ttl_s > v->max_ttl_s ? v->max_ttl_s : ttl_s;
}

/* What the winning list, edit or default says about the answer. */
static struct block_terms terms_of(const struct query *q)
{
	struct block_terms t = { .ttl_s = DEFAULT_BLOCK_TTL_S, .ede_code = 15, .list = NULL };
	const struct policy_data *d = q->verdict.data;
	if (q->verdict.list != POLICY_NO_LIST) {
		policy_list_view(q->policy, q->verdict.list, &t.view);
		t.ttl_s = d != NULL && d->has_ttl ? d->ttl_s : t.view.ttl_s;
		t.ttl_s = cap_ttl(&t.view, t.ttl_s);
		t.ede_code = t.view.ede_code;
		t.ede_text = t.view.ede_text;
		t.list = t.view.name;
	} else if (q->verdict.trigger == POLICY_TRIGGER_DEFAULT) {
		t.ede_code = 18; /* prohibited: nothing was listed, nothing was allowed either */
	}
	return t;
}

static size_t append(char *to, size_t at, size_t room, const char *text, size_t n)
{
	if (n > room - at - 1)
		n = room - at - 1;
	memcpy(to + at, text, n);
	to[at + n] = 0;
	return at + n;
}

/* "list malware: rule evil.example", without printf: one is written for every blocked answer. */
static void write_ede_text(struct query *q, const struct block_terms *t)
{
	char rule[NAME_TEXT_MAX + 8];
	const struct verdict *v = &q->verdict;
	const uint8_t *subject = v->name.len > 0 ? v->name.wire : q->question.name.wire;
	char *to = q->ede_text;
	const size_t room = sizeof q->ede_text;
	size_t n = verdict_rule_text(v, subject, rule);
	size_t at = 0;
	q->rule_at = 0;
	if (t->ede_text != NULL && t->ede_text[0] != 0) {
		append(to, 0, room, t->ede_text, strlen(t->ede_text));
		return;
	}
	if (t->list != NULL) {
		at = append(to, at, room, "list ", 5);
		at = append(to, at, room, t->list, strlen(t->list));
		at = append(to, at, room, ": rule ", 7);
	} else if (v->trigger == POLICY_TRIGGER_DETECTOR) {
		const struct detect_finding *f = detect_strongest(&q->findings);
		at = append(to, at, room, rule, n);
		at = append(to, at, room, ": ", 2);
		append(to, at, room, f != NULL ? f->text : "", f != NULL ? strlen(f->text) : 0);
		return;
	} else if (v->edit != NULL) {
		at = append(to, at, room, "blocked by the operator: rule ", 30);
	}
	/* The event tells the rule too: if it fits, it need not be written twice. */
	q->rule_at = (uint8_t)(at + n < room ? at : 0);
	append(to, at, room, rule, n);
}

/* A SOA, so that stub resolvers may keep the negative answer for ttl_s (RFC 2308 5). */
static void add_soa(struct reply *r, uint32_t ttl_s)
{
	uint8_t soa[SOA_RDATA_MAX];
	static const uint8_t names[] = "\x04weir\x07invalid\0\x0ahostmaster\x04weir\x07invalid";
	memcpy(soa, names, sizeof names);
	uint8_t *p = soa + sizeof names;
	const uint32_t numbers[5] = { 1, 3600, 600, 86400, ttl_s };
	for (int i = 0; i < 5; i++)
		store32(p + 4 * i, numbers[i]);
	reply_add(r, SECTION_AUTHORITY, NULL, DNS_SOA, ttl_s, soa, sizeof names + 20);
}

static void add_addresses(struct query *q, struct reply *r, uint32_t ttl_s)
{
	const struct policy_data *d = q->verdict.data;
	uint16_t type = q->question.type;
	for (unsigned i = 0; d != NULL && i < d->n_addrs; i++) {
		const struct addr *a = &d->addrs[i];
		if (a->is_v4 && (type == DNS_A || type == DNS_ANY))
			reply_add(r, SECTION_ANSWER, NULL, DNS_A, ttl_s, a->bytes + 12, 4);
		else if (!a->is_v4 && (type == DNS_AAAA || type == DNS_ANY))
			reply_add(r, SECTION_ANSWER, NULL, DNS_AAAA, ttl_s, a->bytes, 16);
	}
	if (r->counts[1] == 0)
		add_soa(r, ttl_s); /* NODATA for the other types */
}

/*
 * Local data of a policy zone (RPZ draft 3.6): the records of the type asked, all of them for ANY,
 * else an alias, which resolve_redirect() leads on; none of these: no such record.
 */
static void add_local(struct query *q, struct reply *r, const struct block_terms *t)
{
	const struct policy_data *d = q->verdict.data;
	struct policy_record rr;
	uint16_t type = q->question.type;
	for (size_t at = 0; d != NULL && policy_record_next(d, &at, &rr);) {
		if (rr.type == type || type == DNS_ANY)
			reply_add(r, SECTION_ANSWER, NULL, rr.type, cap_ttl(&t->view, rr.ttl_s),
			          rr.rdata, rr.rdata_len);
	}
	if (r->counts[1] == 0)
		add_soa(r, t->ttl_s);
}

/* The SOA of the zone whose rule it was, for whoever asks where the answer comes from (6). */
static void add_zone_soa(struct reply *r, const struct policy_list_view *v)
{
	if (v->soa == NULL || !v->is_rpz || v->no_soa || r->is_full)
		return;
	reply_add(r, SECTION_ADDITIONAL, v->soa_owner, DNS_SOA, cap_ttl(v, v->soa_ttl_s), v->soa,
	          v->soa_bytes);
	r->is_full = false; /* no reason to come back over TCP */
}

/* The chain behind a redirect's target, copied record by record: its owners stand elsewhere. */
static unsigned add_redirect(struct query *q, struct reply *r, uint32_t ttl_s)
{
	const struct answer *a = q->redirect_found;
	const size_t alias_at = r->n;
	struct message opened, m;
	struct rr rr;
	if (q->redirect.len == 0) { /* it does not fit behind the name */
		q->is_too_long = true;
		return RCODE_SERVFAIL;
	}
	reply_add(r, SECTION_ANSWER, NULL, DNS_CNAME, ttl_s, q->redirect.wire, q->redirect.len);
	if (a == NULL)
		return RCODE_NOERROR;
	if (query_must_fail(q, a)) {
		r->counts[1] = 0;
		r->n = alias_at;
		return RCODE_SERVFAIL;
	}
	if (!open_found(q, a, false, &opened))
		return RCODE_SERVFAIL;
	m = opened;
	while (next_found(&m, &opened, &rr)) {
		if (rr.section == SECTION_ANSWER)
			reply_add(r, SECTION_ANSWER, rr.owner, rr.type,
			          rr.ttl_s < ttl_s ? rr.ttl_s : ttl_s, rr.rdata, rr.rdata_len);
	}
	return a->rcode;
}

/* The records of a blocked answer; returns the rcode. */
static unsigned add_block(struct query *q, struct reply *r, const struct block_terms *t)
{
	switch (q->verdict.action) {
	case POLICY_NXDOMAIN:
		add_soa(r, t->ttl_s);
		return RCODE_NXDOMAIN;
	case POLICY_NODATA:
		add_soa(r, t->ttl_s);
		return RCODE_NOERROR;
	case POLICY_REFUSED:
		return RCODE_REFUSED;
	case POLICY_TRUNCATE:
		r->is_full = true; /* TC=1: come back over TCP, with a proven address */
		return RCODE_NOERROR;
	case POLICY_ADDRESS:
		add_addresses(q, r, t->ttl_s);
		return RCODE_NOERROR;
	case POLICY_REDIRECT:
		return add_redirect(q, r, t->ttl_s);
	case POLICY_RECORDS:
		if (query_redirects(q))
			return add_redirect(q, r, t->ttl_s);
		add_local(q, r, t);
		return RCODE_NOERROR;
	default:
		return RCODE_SERVFAIL;
	}
}

/* Copy what the cache holds behind the question. */
static void add_found(struct query *q, struct reply *r)
{
	const struct answer *a = q->found;
	size_t room = r->limit - r->n - r->reserved;
	uint16_t counts[2];
	int n = answer_write(a, loop_now_s(q->serve->loop), STALE_TTL_S, q->question.is_do,
	                     r->bytes + r->n, r->limit < r->n + r->reserved ? 0 : room, counts);
	if (n < 0) {
		r->is_full = true;
		return;
	}
	r->n += (size_t)n;
	r->counts[1] = counts[0];
	r->counts[2] = counts[1];
}

static size_t answer_limit(const struct query *q, size_t room)
{
	if (q->origin->is_stream)
		return room < DNS_MAX_MESSAGE ? room : DNS_MAX_MESSAGE;
	size_t limit = q->question.udp_size;
	size_t ours = serve_options_of(q)->udp_size;
	limit = limit < ours ? limit : ours;
	return limit < room ? limit : room;
}

/*
 * RFC 4035 3.2.3, RFC 6840 5.7 and 5.8: AD says that all of it was found to be good, to those
 * who show that they know the bit. Who set CD judges himself.
 */
static bool is_authentic(const struct query *q)
{
	const struct question *a = &q->question;
	return q->found->security == SECURITY_SECURE && !q->is_stale &&
	       (a->is_do || (a->flags & FLAG_AD) != 0) && (a->flags & FLAG_CD) == 0;
}

/* What validation has to say of the data, if nothing else is said already. */
static void tell_security(struct query *q)
{
	const struct answer *a = q->found;
	if (a->ede_code != 0 && q->ede_code == EDE_NONE)
		query_set_ede(q, a->ede_code, a->ede_text);
}

/* It is no question of a client's: it is counted by itself, and no event. */
static enum outcome answer_for_zones(struct query *q)
{
	const struct serve_zones *z = q->serve->zones;
	count_one(&q->serve->counters.zones);
	z->answer(z->arg, q);
	q->step = STEP_COUNT;
	return GO_ON;
}

enum outcome write_answer(struct query *q)
{
	if (UNLIKELY(q->is_for_zones))
		return answer_for_zones(q);
	bool is_block = verdict_is_block(&q->verdict) && !q->is_allowed;
	if (is_block && query_redirects(q) && resolve_redirect(q) == PARK)
		return PARK;
	bool is_ad = false;
	if (!is_block && q->found != NULL && q->own.outcome == LOCAL_UNKNOWN)
		tell_security(q);
	size_t room;
	q->out = q->origin->buffer(q, &room);
	if (q->out == NULL)
		return DROP;
	struct reply r;
	size_t reserved = q->question.has_edns ? 11 : 0;
	if (q->question.has_edns && (is_block || q->ede_code != EDE_NONE))
		reserved = OPT_AND_EDE_BYTES;
	if (q->question.has_nsid)
		reserved += 4 + strlen(serve_options_of(q)->nsid);
	if (q->question.cookie_bytes > 0)
		reserved += 4U + q->question.cookie_bytes;
	reply_start(&r, q->out, answer_limit(q, room), &q->question, q->in, reserved);
	r.nsid = serve_options_of(q)->nsid;
	unsigned rcode = q->rcode;
	if (is_block) {
		struct block_terms t = terms_of(q);
		rcode = add_block(q, &r, &t);
		add_zone_soa(&r, &t.view);
		q->ede_code = t.ede_code;
		write_ede_text(q, &t);
		if (q->is_too_long)
			query_set_ede(q, EDE_OTHER,
			              "the rule's target does not fit behind the name");
	} else if (q->own.outcome != LOCAL_UNKNOWN) {
		rcode = add_composed(q, &r);
	} else if (q->found != NULL &&
	           (query_must_fail(q, q->found) ||
	            (serve_options_of(q)->use_sentinel && sentinel_must_fail(q, q->found)))) {
		rcode = RCODE_SERVFAIL;
	} else if (q->n_aliases > 0 || q->is_dns64) {
		rcode = add_composed(q, &r);
	} else if (q->question.class == DNS_CLASS_CH && rcode == RCODE_NOERROR) {
		write_chaos(q, &r);
	} else if (q->found != NULL) {
		if (q->question.type == DNS_ANY && !q->origin->is_stream &&
		    serve_options_of(q)->is_minimal_any)
			add_one_set(q, &r);
		else
			add_found(q, &r);
		rcode = q->found->rcode;
		is_ad = is_authentic(q);
	}
	q->rcode = (uint16_t)rcode;
	struct ede ede = { .code = q->ede_code, .text = q->ede_text };
	q->out_bytes =
		reply_finish(&r, &q->question, rcode, is_ad, &ede, q->ede_code != EDE_NONE ? 1 : 0);
	return GO_ON;
}
