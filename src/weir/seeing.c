/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/seeing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	CHANGES_MAX = 256, /* workers */
	FULL_AGAIN_TICKS = 86400,
};

struct seeing {
	struct seen *seen;
	struct seen_changes *changes[CHANGES_MAX];
	unsigned n_changes;
	bool is_failing;
	uint64_t refused; /* when it was told last */
	unsigned full_wait;
};

static void tell_learning(const struct seen *s, uint64_t now_s)
{
	char day[32];
	struct seen_counts c;
	seen_count(s, &c);
	time_t until = (time_t)c.learns_until_s;
	struct tm tm;
	if (now_s >= c.learns_until_s || gmtime_r(&until, &tm) == NULL)
		return;
	strftime(day, sizeof day, "%Y-%m-%d %H:%M UTC", &tm);
	log_info("domains are learned until %s; no domain counts as new before (seen.learn)", day);
}

static bool has_list(const struct config *c)
{
	for (unsigned i = 0; i < c->lists.n; i++) {
		if (c->lists.at[i].first_seen_s > 0)
			return true;
	}
	return false;
}

int seeing_start(const struct config *c, struct seeing **ret)
{
	char why[SEEN_WHY_MAX];
	const struct seen_plan plan = {
		.size_bytes = c->seen.size_bytes,
		.state_dir = c->state != NULL && *c->state != 0 ? c->state : NULL,
		.learn_s = c->seen.learn_s,
		.now_s = clock_wall_ns() / NS_PER_S,
	};
	*ret = NULL;
	if (plan.size_bytes == 0)
		return 0;
	struct seeing *s = calloc(1, sizeof *s);
	int e = s == NULL ? -ENOMEM : seen_new(&plan, &s->seen, why);
	if (e != 0) {
		log_error("there is no memory for the table of domains (seen.size): %s",
		          strerror(-e));
		free(s);
		return e;
	}
	if (why[0] != 0)
		log_error("the table of domains cannot be read: %s; it begins anew and learns",
		          why);
	if (has_list(c))
		tell_learning(s->seen, plan.now_s);
	seen_set_current(s->seen);
	*ret = s;
	return 0;
}

void seeing_add(struct seeing *s, struct seen_changes *changes)
{
	if (s != NULL && changes != NULL && s->n_changes < CHANGES_MAX)
		s->changes[s->n_changes++] = changes;
}

static void tell(struct event_ring *ring, const char *action, const char *text)
{
	const struct event_notice n = { .wall_ns = clock_wall_ns(),
		                        .action = action,
		                        .is_alert = true,
		                        .key_tag = -1,
		                        .text = text };
	log_warning("%s", text);
	if (ring == NULL)
		return;
	events_put_notice(ring, &n);
	events_turn_end(ring);
}

static void look_whether_full(struct seeing *s, struct event_ring *ring)
{
	struct seen_counts c;
	char text[200];
	if (s->full_wait > 0)
		s->full_wait--;
	seen_count(s->seen, &c);
	if (c.refused == s->refused || s->full_wait > 0)
		return;
	snprintf(text, sizeof text,
	         "the table of domains is full: %llu could not be remembered and count as known; "
	         "write a larger seen.size",
	         (unsigned long long)c.refused);
	tell(ring, "seen-full", text);
	s->refused = c.refused;
	s->full_wait = FULL_AGAIN_TICKS;
}

void seeing_tick(struct seeing *s, struct event_ring *ring)
{
	if (s == NULL)
		return;
	int e = seen_tick(s->seen, s->changes, s->n_changes);
	if (e != 0 && !s->is_failing)
		log_error("the table of domains cannot be written to the state folder: %s; it is "
		          "kept in memory and written when that is possible",
		          strerror(-e));
	if (e != 0)
		s->is_failing = true;
	look_whether_full(s, ring);
}

void seeing_stop(struct seeing *s)
{
	if (s == NULL)
		return;
	int e = seen_sync(s->seen, s->changes, s->n_changes);
	if (e != 0)
		log_error("the table of domains could not be written to the state folder: %s",
		          strerror(-e));
	s->n_changes = 0;
}

void seeing_free(struct seeing *s)
{
	if (s == NULL)
		return;
	seen_set_current(NULL);
	seen_free(s->seen);
	free(s);
}
