/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What detectors say of a packet before it goes: pass, wait a little, come back later, never. */
#include "resolve/task.h"

static void fill_zone(const struct task *t, struct detect_zone *ret)
{
	*ret = (struct detect_zone){
		.name = t->cut->zone,
		.servers_hash = t->forward != NULL ? 0 : t->cut->servers_hash,
		.server = &t->ask.server.addr,
		.is_forward = t->forward != NULL,
	};
}

/* The same name to the same zone: another server, another way, or after having been held. */
static bool was_charged(const struct task *t)
{
	return t->charged_zone == t->cut->item.hash && t->asked_labels <= t->charged_labels;
}

static enum watched hold(struct task *t, unsigned how, uint64_t wait_ms)
{
	uint64_t now_ns = loop_now_ns(t->r->loop);
	uint64_t at_ns = now_ns + wait_ms * NS_PER_MS;
	if (at_ns >= t->budget->deadline_ns) {
		task_throttle(t, wait_ms);
		return WATCHED_GONE;
	}
	count_up(&t->r->counts.held);
	t->is_held = true;
	t->held_how = (uint8_t)how;
	t->held_ns = now_ns;
	timer_set(t->r->loop, &t->timer, at_ns);
	return WATCHED_HELD;
}

enum watched watch_packet(struct task *t, unsigned how)
{
	struct detect_result result;
	struct verdict verdict;
	const struct policy *p = policy_current();
	if (t->is_allowed || t->is_priming || p == NULL)
		return WATCHED_PASS; /* a rule allows what the name has led to */
	struct detect_question q = {
		.client = &t->client,
		.group = policy_group_of_id(p, t->group),
		.question = t->hop.wire,
		.name = t->ask.name,
		.type = t->type,
		.sent_type = t->ask.type,
		.is_first = t->charged_zone == 0,
		.is_again = was_charged(t),
		.now_ns = loop_now_ns(t->r->loop),
	};
	fill_zone(t, &q.zone);
	detect_question(t->r->config.detect, &q, &result);
	detect_findings_add(&t->findings, &result.findings);
	switch (result.outcome) {
	case DETECT_WAIT:
		return hold(t, how, result.wait_ms);
	case DETECT_REFUSED:
		task_throttle(t, result.wait_ms);
		return WATCHED_GONE;
	case DETECT_BLOCKED:
		count_up(&t->r->counts.detector_refused);
		verdict = (struct verdict){
			.action = POLICY_NXDOMAIN,
			.trigger = POLICY_TRIGGER_DETECTOR,
			.list = POLICY_NO_LIST,
			.policy = p,
			.detector =
				config_detector((enum detector_id)detect_strongest(&result.findings)
			                                ->detector)
					->name,
		};
		task_block(t, &verdict, t->hop.wire);
		return WATCHED_GONE;
	default:
		t->charged_zone = t->cut->item.hash;
		t->charged_labels = t->asked_labels;
		return WATCHED_PASS;
	}
}
