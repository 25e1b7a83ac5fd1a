/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/learning.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	TEXT_BYTES = 400
};

struct learning {
	struct learner *learner;
	struct learn_notes **notes;
	struct event_ring *ring;
	char *told[CONFIG_MAX_GROUPS]; /* names of groups whose time is over */
	unsigned n_told;
};

static void put_notice(struct learning *l, const struct event_notice *n)
{
	events_put_notice(l->ring, n);
	events_turn_end(l->ring);
}

static void tell_drift(void *arg, const struct learn_drift *d)
{
	struct learning *l = arg;
	char text[TEXT_BYTES], client[ADDR_TEXT_MAX];
	if (l->ring == NULL)
		return;
	addr_to_text(d->client, client);
	snprintf(text, sizeof text,
	         "group %s: %s asked for a name that was not learned and nothing allows%s",
	         d->group, client,
	         d->is_last ? "; there are so many that no more are told today" : "");
	const struct event_notice n = { .wall_ns = clock_wall_ns(),
		                        .action = "learn-drift",
		                        .is_alert = true,
		                        .name = d->name,
		                        .key_tag = -1,
		                        .text = text };
	put_notice(l, &n);
}

int learning_start(const struct learning_plan *plan, struct learning **ret)
{
	*ret = NULL;
	if (plan->config->state == NULL || plan->config->state[0] == 0)
		return 0;
	struct learning *l = calloc(1, sizeof *l);
	if (l == NULL)
		return -ENOMEM;
	l->ring = plan->ring;
	l->notes = calloc(plan->n_notes + 1UL, sizeof(struct learn_notes *));
	struct learner_plan inner = {
		.state_dir = plan->config->state, .notes = l->notes, .drift = tell_drift, .arg = l
	};
	for (unsigned i = 0; l->notes != NULL && i < plan->n_notes; i++) {
		if (plan->notes[i] != NULL)
			l->notes[inner.n_notes++] = plan->notes[i];
	}
	int e = l->notes == NULL ? -ENOMEM : learner_new(&inner, &l->learner);
	if (e != 0) {
		free(l->notes);
		free(l);
		return e;
	}
	*ret = l;
	return 0;
}

static bool was_told(const struct learning *l, const char *group)
{
	for (unsigned i = 0; i < l->n_told; i++) {
		if (strcmp(l->told[i], group) == 0)
			return true;
	}
	return false;
}

/* The time is over. Nothing is denied by itself: that is for somebody to decide. */
static void tell_over(struct learning *l, const char *group)
{
	char text[TEXT_BYTES];
	char *copy = l->n_told < CONFIG_MAX_GROUPS ? strdup(group) : NULL;
	if (copy == NULL)
		return;
	l->told[l->n_told++] = copy;
	snprintf(text, sizeof text,
	         "group %s has learned long enough: look at 'weir learn show %s', then 'weir learn "
	         "enforce %s'; until then nothing is denied by default",
	         group, group, group);
	log_warning("%s", text);
	if (l->ring == NULL)
		return;
	const struct event_notice n = { .wall_ns = clock_wall_ns(),
		                        .action = "learn-period-over",
		                        .key_tag = -1,
		                        .text = text };
	put_notice(l, &n);
}

void learning_tick(struct learning *l, const struct config *c, uint64_t now_s)
{
	if (l == NULL)
		return;
	learner_tick(l->learner, now_s);
	for (unsigned i = 0; i < c->groups.n; i++) {
		const struct config_group *g = &c->groups.at[i];
		uint64_t since_s = g->learn_s > 0 ? learner_since_s(l->learner, g->name) : 0;
		if (since_s > 0 && now_s > since_s + g->learn_s && !was_told(l, g->name) &&
		    learn_is_enforced(c->state, g->name) == 0)
			tell_over(l, g->name);
	}
}

int learning_command(struct learning *l, const struct config *c, const char *action,
                     const char *group)
{
	uint64_t now_s = clock_wall_ns() / NS_PER_S;
	if (strcmp(action, "save") == 0)
		return learner_save(l != NULL ? l->learner : NULL, now_s);
	for (unsigned i = 0; l != NULL && i < c->groups.n; i++) {
		if (strcmp(c->groups.at[i].name, group) != 0 || c->groups.at[i].learn_s == 0)
			continue;
		int e = learner_save(l->learner, now_s);
		if (e == 0)
			e = learn_enforce(c->state, group, strcmp(action, "enforce") == 0);
		return e;
	}
	return -ENOENT;
}

void learning_stop(struct learning *l)
{
	if (l == NULL)
		return;
	(void)learner_save(l->learner, clock_wall_ns() / NS_PER_S);
	learner_free(l->learner);
	for (unsigned i = 0; i < l->n_told; i++)
		free(l->told[i]);
	free(l->notes);
	free(l);
}
