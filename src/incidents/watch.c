/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "incidents/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static int compare_lists(const void *a, const void *b)
{
	const struct watched_list *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static enum evidence_confidence confidence_from(const char *word)
{
	return strcmp(word, "high") == 0     ? EVIDENCE_HIGH
	       : strcmp(word, "medium") == 0 ? EVIDENCE_MEDIUM
	                                     : EVIDENCE_LOW;
}

int watch_init(struct watch *w, const struct config *c)
{
	*w = (struct watch){ .lists = calloc(c->lists.n + 1U, sizeof *w->lists) };
	if (w->lists == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < c->lists.n; i++) {
		const struct config_list *l = &c->lists.at[i];
		enum evidence_class class = evidence_class_from(l->category);
		if (class == EVIDENCE_CLASSES)
			continue;
		struct watched_list *to = &w->lists[w->n++];
		snprintf(to->name, sizeof to->name, "%s", l->name);
		to->class = (uint8_t) class;
		to->confidence = (uint8_t)confidence_from(l->confidence);
	}
	qsort(w->lists, w->n, sizeof *w->lists, compare_lists);
	return 0;
}

void watch_done(struct watch *w)
{
	free(w->lists);
	*w = (struct watch){ 0 };
}

static void copy_text(struct event_text t, char *ret, size_t room)
{
	snprintf(ret, room, "%.*s", (int)t.n, t.n > 0 ? t.at : "");
}

static const struct watched_list *find_list(const struct watch *w, struct event_text name)
{
	struct watched_list key;
	if (name.n == 0 || name.n >= sizeof key.name || w->n == 0)
		return NULL;
	copy_text(name, key.name, sizeof key.name);
	return bsearch(&key, w->lists, w->n, sizeof key, compare_lists);
}

/* The hit of a list: of the one that blocks, or of one that only logs. */
static bool is_hit(const struct watch *w, const struct event_seen *e, struct watch_room *room,
                   struct evidence *ret)
{
	const struct watched_list *l = e->action != POLICY_ALLOW && e->action != POLICY_NONE
	                                       ? find_list(w, e->list)
	                                       : NULL;
	if (l == NULL)
		l = find_list(w, e->logged_list);
	if (l == NULL)
		return false;
	snprintf(room->source, sizeof room->source, "%s", l->name);
	ret->class = (enum evidence_class)l->class;
	ret->confidence = (enum evidence_confidence)l->confidence;
	return true;
}

static void fill_rest(const struct event_seen *e, struct watch_room *room, struct evidence *ret)
{
	copy_text(e->group, room->group, sizeof room->group);
	room->name[0] = 0;
	if (e->name != NULL) {
		/* The client's case says nothing, and must not make one name many. */
		struct name lower;
		name_set(&lower, e->name);
		name_to_text(lower.wire, room->name);
	}
	size_t n = strlen(room->name);
	if (n > 1 && room->name[n - 1] == '.')
		room->name[n - 1] = 0;
	ret->wall_s = e->wall_ns / NS_PER_S;
	ret->client = *e->client;
	ret->group = room->group;
	ret->source = room->source;
	ret->name = ret->key = room->name;
	ret->text = "";
}

bool watch_evidence(const struct watch *w, const struct event_seen *e, struct watch_room *room,
                    struct evidence *ret)
{
	room->source[0] = 0;
	ret->confidence = EVIDENCE_MEDIUM;
	if (is_hit(w, e, room, ret))
		;
	else if (e->action >= POLICY_NXDOMAIN && e->trigger == POLICY_TRIGGER_DEFAULT)
		ret->class = EVIDENCE_DENIED;
	else if (e->action >= POLICY_NXDOMAIN && e->trigger == POLICY_TRIGGER_REBINDING)
		ret->class = EVIDENCE_REBINDING;
	else
		return false;
	fill_rest(e, room, ret);
	return true;
}

/* The last two labels: who tunnels makes a new name of each question. */
static const char *domain_of(const char *name)
{
	const char *dot = strrchr(name, '.');
	while (dot != NULL && dot > name && dot[-1] != '.')
		dot--;
	return dot != NULL ? dot : name;
}

/* Who follows a lure is in danger, and not yet infected. */
static enum evidence_class class_of_finding(const struct detect_finding *f)
{
	if (f->detector == DETECTOR_lookalike)
		return EVIDENCE_LURE;
	if (f->confidence == DETECT_HIGH)
		return EVIDENCE_CERTAIN;
	return f->confidence == DETECT_MEDIUM ? EVIDENCE_FINDING : EVIDENCE_SIGN;
}

bool watch_finding(const struct event_seen *e, unsigned i, struct watch_room *room,
                   struct evidence *ret)
{
	const struct detect_finding *f = &e->findings[i];
	const struct detector_info *d =
		f->detector < N_DETECTORS ? config_detector((enum detector_id)f->detector) : NULL;
	if (d == NULL || f->is_muted || f->action == DETECT_ALLOW || f->confidence > DETECT_HIGH)
		return false;
	snprintf(room->source, sizeof room->source, "%s", d->name);
	snprintf(room->text, sizeof room->text, "%.*s", DETECT_TEXT_MAX, f->text);
	ret->class = class_of_finding(f);
	ret->confidence = (enum evidence_confidence)f->confidence;
	fill_rest(e, room, ret);
	/* What had to wait is one matter, for however many domains: it counts again when it goes on. */
	ret->key = f->action == DETECT_THROTTLE ? room->source : domain_of(room->name);
	ret->text = room->text;
	return true;
}
