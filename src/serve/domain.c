/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The registered domain of the question (seen/seen.h): how old it is, for lists that hold for new ones;
 * and that it was asked for. Only questions that the cache does not answer are noted: of those that
 * policy stops, the ones that a list of new domains stops.
 */
#include "base/clock.h"
#include "dns/registered.h"
#include "seen/seen.h"
#include "serve/serve.h"

/* Names of addresses are nobody's domains. NULL: there is none. */
static const uint8_t *find_domain(const uint8_t *lower)
{
	static const uint8_t arpa[] = "\4arpa";
	const uint8_t *domain = name_registered(lower);
	return domain != NULL && !name_is_within(domain, arpa) ? domain : NULL;
}

/* That of the question, found once; the question changes where an alias leads elsewhere. */
static const uint8_t *domain_of(struct query *q)
{
	if (q->domain_of != q->hashes.h[0]) {
		q->domain = find_domain(q->question.name.wire);
		q->domain_of = q->hashes.h[0];
	}
	return q->domain;
}

static uint64_t now_s(void)
{
	return clock_wall_ns() / NS_PER_S;
}

void query_add_age(struct query *q, struct policy_terms *terms)
{
	const struct seen *s = seen_current();
	terms->question = &q->hashes;
	if (LIKELY(s == NULL || !policy_group_wants_age(q->policy, q->group)))
		return;
	/* Once a question: it must not become older, nor known, while it is answered. */
	if (q->aged != q->hashes.h[0]) {
		const uint8_t *domain = domain_of(q);
		q->age_s = domain != NULL ? seen_age_s(s, domain, now_s()) : SEEN_NOT_NEW;
		q->aged = q->hashes.h[0];
	}
	terms->has_age = q->age_s != SEEN_NOT_NEW;
	terms->age_s = q->age_s;
}

bool query_find_age(struct query *q, uint32_t *ret_s)
{
	const struct seen *s = seen_current();
	const uint8_t *domain = s != NULL ? domain_of(q) : NULL;
	*ret_s = domain != NULL ? seen_age_s(s, domain, now_s()) : SEEN_NOT_NEW;
	return *ret_s != SEEN_NOT_NEW;
}

void query_note_domain(struct query *q)
{
	struct seen *s = seen_current();
	const uint8_t *domain;
	/* What an operator asks to look at something (weir query) makes it no older. */
	if (s == NULL || q->is_noted || q->origin->protocol == EVENT_CONTROL)
		return;
	domain = domain_of(q);
	if (domain == NULL)
		return;
	q->is_noted = true;
	seen_note(s, q->serve->seen, domain, &q->client.addr, now_s());
}

/* Is it the domain's own servers that have answered, whatever they said of the name? */
static bool has_answered(const struct answer *a, const uint8_t *domain)
{
	return a->rcode == RCODE_NOERROR ||
	       (a->n_cuts > 0 && name_is_within(a->cuts[0]->zone, domain));
}

static bool is_of_new_domains(const struct query *q, uint16_t list)
{
	struct policy_list_view view;
	if (list == POLICY_NO_LIST)
		return false;
	policy_list_view(q->policy, list, &view);
	return view.first_seen_s > 0;
}

void query_end_domain(struct query *q)
{
	struct seen *s = seen_current();
	if (s == NULL)
		return;
	if (q->verdict.action != POLICY_NONE && q->found == NULL &&
	    is_of_new_domains(q, q->verdict.list))
		query_note_domain(q);
	if (!q->is_noted || q->found == NULL || q->is_stale)
		return;
	const uint8_t *domain = domain_of(q);
	if (domain != NULL && has_answered(q->found, domain))
		seen_confirm(s, q->serve->seen, domain);
}

bool query_tell_domain(const struct query *q, struct event_domain *ret)
{
	const struct seen *s = seen_current();
	const struct verdict *v = &q->verdict;
	bool matters = v->action != POLICY_NONE && is_of_new_domains(q, v->list);
	struct seen_domain d;
	for (unsigned i = 0; i < v->n_logged; i++)
		matters |= is_of_new_domains(q, v->logged[i]);
	if (s == NULL || !matters)
		return false;
	ret->name = find_domain(q->question.name.wire);
	if (ret->name == NULL)
		return false;
	seen_find(s, ret->name, &d);
	ret->first_s = d.first_s;
	ret->n_clients = d.n_clients;
	return true;
}
