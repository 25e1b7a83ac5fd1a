/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * 100,000 different names of one kind within an hour, by one client and by 50, and what detectors do. With
 * the vendor's zone having servers of its own, as it has, and as if the domain above it answered for it.
 */
#include <string.h>

#include "base/clock.h"
#include "reports.h"
#include "storm.h"

enum {
	NAMES = 100000,
	MANY = 50,
};

static struct count {
	unsigned held, refused, blocked;
	uint64_t alerts;
	struct found_by by;
	char text[DETECT_TEXT_MAX + 1]; /* of the first finding */
} n;

static void on_found(void *arg, const struct engine_question *q, const struct detect_findings *f,
                     uint64_t now_ns)
{
	(void)arg;
	(void)q;
	(void)now_ns;
	found_by_add(&n.by, f, DETECT_ALERT);
	for (unsigned i = 0; i < f->n; i++) {
		n.alerts += f->at[i].action == DETECT_ALERT;
		if (n.text[0] == 0 && f->at[i].action >= DETECT_ALERT)
			snprintf(n.text, sizeof n.text, "%s", f->at[i].text);
	}
}

static void on_held(void *arg, const struct engine_question *q, uint64_t now_ns)
{
	(void)arg;
	(void)q;
	(void)now_ns;
	n.held++;
}

static void on_ended(void *arg, const struct engine_question *q, enum engine_end end,
                     uint64_t now_ns)
{
	(void)arg;
	(void)q;
	(void)now_ns;
	n.refused += end == ENGINE_REFUSED;
	n.blocked += end == ENGINE_BLOCKED || end == ENGINE_ANSWER_BLOCKED;
}

static void blow(const struct storm *s, unsigned clients, bool has_cut, uint64_t seed)
{
	static const struct engine_watcher watcher = { .found = on_found,
		                                       .held = on_held,
		                                       .ended = on_ended };
	static struct truth truth;
	struct engine_plan plan = { .seed = seed, .watcher = &watcher, .learn_s = ENGINE_LEARNS };
	uint64_t dice = seed;
	memset(&n, 0, sizeof n);
	engine_start(&plan);
	if (has_cut && s->cut != NULL)
		engine_add_cut(s->cut);
	for (unsigned i = 0; i < NAMES; i++) {
		struct engine_question q = { .client = addr_v4(0x0a000001 + i % clients),
			                     .type = s->type,
			                     .now_ns = i * (3600 * NS_PER_S / NAMES) };
		storm_name(s, &dice, &q.name, &truth);
		engine_wait(q.now_ns);
		engine_ask(&q, &truth);
	}
	engine_wait(3700 * NS_PER_S);
	engine_stop();
}

static bool report(const struct storm *s, unsigned clients, bool has_cut)
{
	char by[256];
	printf("%-20s %7u %-5s %8u %9u %8u %8llu  %s%s%s\n", s->name, clients,
	       has_cut ? "" : "above", n.held, n.refused, n.blocked, (unsigned long long)n.alerts,
	       found_by_text(&n.by, by, sizeof by), n.text[0] != 0 ? ": " : "", n.text);
	fflush(stdout);
	return n.refused > NAMES / 10000 || n.blocked > 0;
}

int report_storm(const struct options *o)
{
	unsigned n_bad = 0;
	printf("storms: %u different names in an hour\n%-20s %7s %-5s %8s %9s %8s %8s  by\n", NAMES,
	       "kind", "clients", "zone", "held", "throttled", "blocked", "alerts");
	for (unsigned i = 0; i < n_storms; i++) {
		const struct storm *s = &storms[i];
		if (o->only != NULL && strcmp(o->only, s->name) != 0)
			continue;
		for (unsigned k = 0; k < (s->cut != NULL ? 4U : 2U); k++) {
			blow(s, k & 1 ? MANY : 1, k < 2, o->seed);
			n_bad += report(s, k & 1 ? MANY : 1, k < 2);
		}
	}
	printf("storms with a block, or with more than 1 in 10000 throttled: %u\n", n_bad);
	return n_bad > 0;
}
