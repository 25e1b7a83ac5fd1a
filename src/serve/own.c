/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is answered without asking anybody: local data and special-use names (local/local.h), the
 * class CHAOS, and the beginning of DNS64, which is a second look-up for the same question.
 *
 * A rule of the policy on the name comes before local data; a group's `default: deny` does not
 * hold for it, because nothing leaves.
 */
#include <string.h>

#include "serve/serve.h"

enum {
	EDE_INVALID_DATA = 24,
	DNS64_NO_SOA_TTL_S = 600, /* RFC 6147 5.1.7 */
};

void query_asked(const struct query *q, struct name *ret_name, uint16_t *ret_type)
{
	name_set(ret_name, q->in + DNS_HEADER_BYTES);
	*ret_type = load16(q->in + DNS_HEADER_BYTES + q->question.wire_bytes - 4);
}

bool query_uses_dns64(const struct query *q)
{
	struct policy_group_view g;
	/* RFC 6147 5.5: who sets CD validates, and must be given what can be validated. */
	if ((q->question.flags & FLAG_CD) != 0)
		return false;
	policy_group_view(q->policy, q->group, &g);
	return g.use_dns64;
}

/* ---- class CHAOS ---- */

/* "version.bind" and the like: what we are called, where the operator wants that known. */
static const char *chaos_text(const struct query *q)
{
	static const uint8_t names[4][16] = { "\7version\4bind", "\7version\6server",
		                              "\x08hostname\4bind", "\2id\6server" };
	const struct serve_options *o = serve_options_of(q);
	if (q->question.type != DNS_TXT && q->question.type != DNS_ANY)
		return "";
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (name_equal(q->question.name.wire, names[i]))
			return i < 2 ? o->version : o->identity;
	}
	return "";
}

void write_chaos(const struct query *q, struct reply *r)
{
	const char *text = chaos_text(q);
	size_t n = strlen(text);
	uint8_t rdata[SERVE_TEXT_MAX + 1];
	rdata[0] = (uint8_t)n;
	memcpy(rdata + 1, text, n);
	r->class = DNS_CLASS_CH;
	r->is_aa = true;
	reply_add(r, SECTION_ANSWER, NULL, DNS_TXT, 0, rdata, n + 1);
}

static enum outcome answer_chaos(struct query *q)
{
	if (chaos_text(q)[0] == 0)
		q->rcode = RCODE_REFUSED;
	return SAY;
}

/* ---- local data ---- */

/* The rest of the steps is about the name that an alias leads to. */
static void rename_to(struct query *q, const struct name *target)
{
	memcpy(q->question.name.wire, target->wire, target->len);
	q->question.name.len = target->len;
	name_hash_all(q->question.name.wire, &q->hashes);
	q->n_aliases++;
	/* After a park and a reload the alias may lead elsewhere. */
	if (q->found != NULL && !name_equal(q->found->name, target->wire)) {
		q->found = NULL;
		q->is_resolved = false;
	}
}

/* GO_ON when the policy leaves the name to us. */
static enum outcome ask_policy(struct query *q)
{
	enum outcome o = judge_question(q);
	if (o == GO_ON || q->verdict.trigger != POLICY_TRIGGER_DEFAULT)
		return o;
	q->verdict.action = POLICY_NONE;
	return GO_ON;
}

static enum outcome circle(struct query *q)
{
	q->own.outcome = LOCAL_UNKNOWN;
	q->rcode = RCODE_SERVFAIL;
	query_set_ede(q, EDE_INVALID_DATA, "too many local aliases, or they go in a circle");
	return SAY;
}

static enum outcome look(struct query *q, const struct local *l)
{
	struct local_alias alias;
	bool with_dns64 = (q->question.type == DNS_AAAA || q->question.type == DNS_PTR) &&
	                  query_uses_dns64(q);
	while (local_find(l, q->question.name.wire, &q->hashes, q->question.type, with_dns64,
	                  &q->own, &alias) != LOCAL_UNKNOWN) {
		enum outcome o = ask_policy(q);
		if (o != GO_ON)
			return o;
		if (q->own.outcome == LOCAL_DROP)
			return DROP;
		if (q->own.outcome != LOCAL_ALIAS)
			return SAY;
		if (q->n_aliases == LOCAL_MAX_ALIASES)
			return circle(q);
		rename_to(q, &alias.target);
	}
	return GO_ON;
}

enum outcome answer_locally(struct query *q)
{
	const struct local *l = local_current();
	q->own.outcome = LOCAL_UNKNOWN;
	if (UNLIKELY(q->question.class != DNS_CLASS_IN))
		return answer_chaos(q);
	if (UNLIKELY(q->n_aliases > 0)) { /* begun anew after a park */
		uint16_t type;
		query_asked(q, &q->question.name, &type);
		name_hash_all(q->question.name.wire, &q->hashes);
		q->n_aliases = 0;
	}
	if (l == NULL || LIKELY(!local_may_know(l, &q->hashes)))
		return GO_ON;
	return look(q, l);
}

/* ---- DNS64 ---- */

/* RFC 6147 5.1.1 to 5.1.4: is an AAAA answer of this kind made of A records? */
static bool is_dns64_due(const struct query *q)
{
	const struct local *l = local_current();
	if (LIKELY(q->question.type != DNS_AAAA) || l == NULL || q->is_dns64 ||
	    !query_uses_dns64(q))
		return false;
	if (q->found == NULL) /* "any other RCODE ... is treated as if the RCODE were 0" */
		return true;
	return q->found->rcode == RCODE_NOERROR && q->found->security != SECURITY_BOGUS &&
	       !local_dns64_has_aaaa(l, q->found);
}

bool begin_dns64(struct query *q)
{
	uint32_t now_s = loop_now_s(q->serve->loop);
	if (!is_dns64_due(q))
		return false;
	q->dns64_ttl_s = DNS64_NO_SOA_TTL_S;
	if (q->found != NULL && item_is_fresh(&q->found->item, now_s))
		q->dns64_ttl_s = q->found->item.ttl_s - item_age_s(&q->found->item, now_s);
	q->is_dns64 = true;
	q->question.type = DNS_A;
	q->found = NULL;
	q->is_resolved = q->is_stale = q->is_cached = false;
	q->rcode = RCODE_NOERROR;
	q->ede_code = 0xffff;
	q->step = STEP_CACHE;
	return true;
}
