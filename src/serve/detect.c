/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What detectors say of answers: when they have come, and each time they are judged anew. */
#include <string.h>

#include "serve/serve.h"

struct verdict verdict_of_detector(const struct detect_finding *f)
{
	return (struct verdict){ .action = POLICY_NXDOMAIN,
		                 .trigger = POLICY_TRIGGER_DETECTOR,
		                 .list = POLICY_NO_LIST,
		                 .detector = config_detector((enum detector_id)f->detector)->name };
}

static void fill_zone(const struct cut *cut, struct detect_zone *ret)
{
	*ret = (struct detect_zone){ 0 };
	if (cut == NULL)
		return;
	ret->name = cut->zone;
	ret->servers_hash = cut->is_forward ? 0 : cut->servers_hash;
	ret->server = cut->n_addrs > 0 ? &cut->addrs[0] : NULL;
	ret->is_forward = cut->is_forward;
}

static void ask(struct query *q, struct detect_answer *a, struct detect_result *ret)
{
	a->client = &q->client.addr;
	a->group = q->group;
	a->question = q->question.name.wire;
	a->type = q->question.type;
	a->is_cached = q->is_cached;
	a->now_ns = loop_now_ns(q->serve->loop);
	detect_answer(q->serve->detect, a, ret);
	detect_findings_add(&q->findings, &ret->findings);
}

enum outcome watch_answer(struct query *q)
{
	static _Thread_local struct rr rrs[DETECT_RECORDS_MAX];
	struct detect_result result;
	struct message opened, m;
	struct addr private_addr;
	const struct answer *found = q->found;
	const struct local *l = local_current();
	struct detect_answer a = { .rcode = found->rcode, .rrs = rrs };
	if (open_answer(q, &opened)) {
		m = opened;
		/* Not next_found(): what a record points to must last until all are read. */
		while (a.n_rrs < DETECT_RECORDS_MAX && a.n_rrs < found->n_an &&
		       message_next(&m, &rrs[a.n_rrs]) == 1)
			a.n_rrs++;
	}
	if (l != NULL && found->n_an > 0 && local_find_private(l, found, &private_addr))
		a.private_addr = &private_addr;
	a.has_age = !q->is_cached && query_find_age(q, &a.age_s);
	a.n_more = found->n_an - a.n_rrs;
	a.n_bytes = found->an_bytes;
	fill_zone(found->n_cuts > 0 ? found->cuts[0] : NULL, &a.first);
	fill_zone(found->n_cuts > 0 ? found->cuts[found->n_cuts - 1] : NULL, &a.zone);
	ask(q, &a, &result);
	const struct detect_finding *f = detect_strongest(&result.findings);
	if (result.outcome != DETECT_BLOCKED || f == NULL)
		return GO_ON;
	struct verdict before = q->verdict;
	q->verdict = verdict_of_detector(f);
	verdict_keep_logged(&q->verdict, &before);
	return SAY;
}

void watch_failure(struct query *q)
{
	struct detect_result result;
	struct detect_answer a = { .rcode = RCODE_SERVFAIL, .is_failure = true };
	if (q->serve->detect == NULL || q->is_allowed)
		return;
	fill_zone(q->cut, &a.zone);
	ask(q, &a, &result);
}
