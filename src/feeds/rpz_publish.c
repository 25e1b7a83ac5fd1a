/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules as records of a policy zone, for who publishes them. */
#include <errno.h>

#include "feeds/load.h"
#include "feeds/report.h"
#include "feeds/rpz_write.h"

struct publishing {
	const struct feeds_list *list;
	const uint8_t *apex;
	uint32_t ttl_s;
	int (*take)(void *arg, const struct feeds_record *r);
	void *arg;
	uint64_t n_left_out;
};

static int take_record(void *arg, const struct rpz_record *r)
{
	struct publishing *p = arg;
	const struct feeds_record record = {
		.owner = r->owner,
		.type = r->type,
		.ttl_s = r->ttl_s,
		.data = r->data,
		.n = r->n,
	};
	return p->take(p->arg, &record);
}

/* What a rule does not say itself its list says. */
static int take_rule(void *arg, const struct feeds_rule *from)
{
	struct publishing *p = arg;
	const struct policy_list_spec *spec = p->list->spec;
	struct feeds_rule rule = *from;
	if (rule.rule.action == POLICY_NONE)
		rule.rule.action = spec->action;
	if (rule.rule.action == POLICY_REFUSED)
		rule.rule.action = POLICY_NXDOMAIN; /* the nearest that policy zones know */
	if (rule.rule.data != NULL && rule.rule.data->n_types > 0) {
		p->n_left_out++; /* policy zones have no rules for some types */
		return 0;
	}
	if (rule.rule.data == NULL)
		rule.rule.data = &spec->data;
	if (rule.rule.own_match == 0)
		rule.rule.own_match = (uint8_t)spec->match + 1;
	int e = rpz_rule_write(&rule, p->apex, p->ttl_s, take_record, p);
	if (e != -ENOTSUP && e != -ENAMETOOLONG && e != -EINVAL)
		return e;
	p->n_left_out++;
	return 0;
}

int feeds_publish(const struct feeds_plan *plan, const struct feeds_publication *what,
                  int (*take)(void *arg, const struct feeds_record *r), void *arg,
                  uint64_t *ret_left_out)
{
	struct publishing p = { .list = &plan->lists[0],
		                .apex = what->apex->wire,
		                .ttl_s = what->ttl_s,
		                .take = take,
		                .arg = arg };
	struct feeds_report report;
	struct load l;
	int e = load_check(&l, plan, p.list, &report);
	if (e == 0 && report.origin == FEEDS_FROM_NOWHERE)
		e = report.error != 0 ? report.error : -ENOENT;
	if (e == 0)
		e = load_emit(&l, take_rule, &p);
	load_done(&l);
	if (e == 0)
		*ret_left_out = p.n_left_out;
	return e;
}

int feeds_publish_rule(const struct name *name, const struct policy_rule *rule,
                       const struct feeds_publication *what,
                       int (*take)(void *arg, const struct feeds_record *r), void *arg)
{
	struct publishing p = {
		.apex = what->apex->wire, .ttl_s = what->ttl_s, .take = take, .arg = arg
	};
	struct feeds_rule r = { .name = name, .rule = *rule };
	if (r.rule.action == POLICY_REFUSED)
		r.rule.action = POLICY_NXDOMAIN;
	return rpz_rule_write(&r, p.apex, p.ttl_s, take_record, &p);
}
