/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rcu.h"
#include "weir/worker.h"

/* ---- what is told ---- */

struct trust_watch {
	struct trust_plan plan;
	struct keeper *keeper;
	struct asking_box answered;
	struct asking *asked; /* the question under way */
	unsigned next_worker;
	uint32_t waited_s;
};

enum {
	ANSWER_MAX_S =
		150, /* a worker's resolver gives up at resolver.time-limit, 2 minutes at most */
	KEY_RRS_MAX = 256,
};

static void tell_log(const struct anchors_notice *n)
{
	static const enum log_level levels[] = {
		[NOTICE_INFO] = LOG_LEVEL_INFO,
		[NOTICE_WARNING] = LOG_LEVEL_WARNING,
		[NOTICE_ERROR] = LOG_LEVEL_ERROR,
	};
	char name[NAME_TEXT_MAX] = "";
	if (n->name == NULL) {
		log_write(levels[n->severity], "trust anchors: %s", n->text);
		return;
	}
	name_to_text(n->name, name);
	bool is_negative = n->kind == NOTICE_NEGATIVE_ADDED || n->kind == NOTICE_NEGATIVE_REMOVED ||
	                   n->kind == NOTICE_NEGATIVE_OVER;
	log_write(levels[n->severity], is_negative ? "%s %s" : "trust anchors of %s: %s", name,
	          n->text);
}

static void tell_operator(void *arg, const struct anchors_notice *n)
{
	struct trust_watch *t = arg;
	char action[64];
	snprintf(action, sizeof action, "trust-%s", anchors_notice_text(n->kind));
	tell_log(n);
	events_put_notice(t->plan.ring, &(struct event_notice){
						.wall_ns = clock_wall_ns(),
						.action = action,
						.is_alert = n->severity != NOTICE_INFO,
						.name = n->name,
						.key_tag = n->tag,
						.text = n->text,
					});
	events_turn_end(t->plan.ring);
}

static void flush(void *arg, const uint8_t *name)
{
	struct trust_watch *t = arg;
	cache_flush(t->plan.cache, name, true);
	rcu_flush();
}

/* ---- starting ---- */

static int new_keeper(struct trust_watch *t, const struct config *c, const struct answer_rr *rrs,
                      unsigned n)
{
	struct keeper_plan plan = {
		.rrs = rrs,
		.n_rrs = n,
		.negatives = c->resolver.negative_trust_anchors.at,
		.n_negatives = c->resolver.negative_trust_anchors.n,
		.folder = c->state,
		.wall_s = clock_wall_ns() / NS_PER_S,
		.mono_s = clock_mono_ns() / NS_PER_S,
		.tell = tell_operator,
		.flush = flush,
		.arg = t,
	};
	return keeper_new(&plan, &t->keeper);
}

int trust_start(const struct trust_plan *plan, struct trust_watch **ret)
{
	struct answer_rr *rrs = NULL;
	unsigned n = 0;
	int e = trust_read(plan->config, stderr, &rrs, &n);
	if (e == 0 && rrs == NULL) {
		log_info("DNSSEC validation is switched off (resolver.trust-anchors: none)");
		*ret = NULL;
		return 0;
	}
	struct trust_watch *t = e == 0 ? calloc(1, sizeof *t) : NULL;
	if (e == 0 && t == NULL)
		e = -ENOMEM;
	if (e == 0) {
		t->plan = *plan;
		t->plan.config = NULL;
		e = new_keeper(t, plan->config, rrs, n);
	}
	free(rrs);
	if (e != 0) {
		log_error("the trust anchors cannot be used: %s",
		          e == -ENOENT ? "there is none" : strerror(-e));
		free(t);
		return e;
	}
	*ret = t;
	return 0;
}

/* ---- asking ---- */

static void ask(struct trust_watch *t, const uint8_t *zone)
{
	struct asking *a = calloc(1, sizeof *a);
	if (a == NULL) {
		keeper_answered(t->keeper, zone, NULL, 0, clock_wall_ns() / NS_PER_S,
		                clock_mono_ns() / NS_PER_S);
		return;
	}
	name_set(&a->name, zone);
	a->type = DNS_DNSKEY;
	a->is_direct = true;
	a->home = &t->answered;
	a->home_loop = t->plan.loop;
	t->asked = a;
	t->waited_s = 0;
	worker_ask(t->plan.workers[t->next_worker++ % t->plan.n_workers], a);
}

/* The records of a message; how many. */
static unsigned read_records(struct asking *a, uint8_t *scratch, size_t room, struct answer_rr *ret)
{
	struct message m;
	struct rr rr;
	unsigned n = 0;
	if (message_open(a->message, a->n, scratch, room, &m) != 0)
		return 0;
	while (n < KEY_RRS_MAX && message_next(&m, &rr) == 1)
		if (rr.section == SECTION_ANSWER && rr.class == DNS_CLASS_IN)
			ret[n++] = (struct answer_rr){ .owner = rr.owner,
				                       .rdata = rr.rdata,
				                       .type = rr.type,
				                       .rdata_len = rr.rdata_len,
				                       .ttl_s = rr.ttl_s };
	return n;
}

static void take_answer(struct trust_watch *t, struct asking *a)
{
	struct answer_rr rrs[KEY_RRS_MAX];
	size_t room = 4 * a->n + 1024;
	uint8_t *scratch = a->error == 0 ? malloc(room) : NULL;
	unsigned n = scratch != NULL ? read_records(a, scratch, room, rrs) : 0;
	if (a->error != 0) {
		char name[NAME_TEXT_MAX];
		name_to_text(a->name.wire, name);
		log_debug("trust anchors: the keys of %s could not be asked for", name);
	}
	keeper_answered(t->keeper, a->name.wire, rrs, n, clock_wall_ns() / NS_PER_S,
	                clock_mono_ns() / NS_PER_S);
	free(scratch);
}

void trust_woken(struct trust_watch *t)
{
	if (t == NULL)
		return;
	for (struct asking *a = asking_take_all(&t->answered), *next; a != NULL; a = next) {
		next = a->next;
		take_answer(t, a);
		if (a == t->asked)
			t->asked = NULL;
		free(a);
	}
}

void trust_tick(struct trust_watch *t)
{
	if (t == NULL)
		return;
	keeper_tick(t->keeper, clock_wall_ns() / NS_PER_S);
	if (t->asked != NULL) {
		/* The resolver always answers: if not, it is our mistake, not to be hidden. */
		if (++t->waited_s == ANSWER_MAX_S)
			log_error("trust anchors: the resolver does not answer");
		return;
	}
	const uint8_t *zone = keeper_due(t->keeper, clock_mono_ns() / NS_PER_S);
	if (zone != NULL)
		ask(t, zone);
}

struct keeper *trust_keeper(struct trust_watch *t)
{
	return t != NULL ? t->keeper : NULL;
}

void trust_stop(struct trust_watch *t)
{
	if (t == NULL)
		return;
	trust_woken(t);
	free(t->asked);
	keeper_free(t->keeper);
	free(t);
}
