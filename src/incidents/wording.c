/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "incidents/wording.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static const char *const confidences[] = { "low", "medium", "high" };

static const char *text_of_class(unsigned class)
{
	static const char *const texts[] = {
#define EVIDENCE_CLASS(id, word, low, medium, high, most, text) [EVIDENCE_##id] = text,
#include "incidents/classes.def"
#undef EVIDENCE_CLASS
	};
	return texts[class];
}

static bool is_of_detector(unsigned class)
{
	return class == EVIDENCE_SIGN || class == EVIDENCE_FINDING || class == EVIDENCE_CERTAIN ||
	       class == EVIDENCE_LURE;
}

static bool is_of_list(unsigned class)
{
	return class == EVIDENCE_C2 || class == EVIDENCE_MALWARE || class == EVIDENCE_MINING ||
	       class == EVIDENCE_PHISHING;
}

void wording_reason(const struct reason *r, char ret[WORDING_MAX])
{
	char source[TABLE_SOURCE_MAX + 40] = "", example[TABLE_NAME_MAX + 16] = "";
	char times[32] = "once";
	if (r->count > 1)
		snprintf(times, sizeof times, "%" PRIu32 " times", r->count);
	if (r->name[0] != 0)
		snprintf(example, sizeof example, ", such as %s", r->name);
	if (is_of_detector(r->class)) {
		snprintf(ret, WORDING_MAX, "detector %s (confidence %s), %s: %s%s", r->source,
		         confidences[r->confidence], times,
		         r->text[0] != 0 ? r->text : text_of_class(r->class), example);
		return;
	}
	if (is_of_list(r->class))
		snprintf(source, sizeof source, " on list %s (confidence %s)", r->source,
		         confidences[r->confidence]);
	snprintf(ret, WORDING_MAX, "asked %s for %s%s%s", times, text_of_class(r->class), source,
	         example);
}

void wording_incident(uint64_t incident, char ret[WORDING_ID_MAX])
{
	snprintf(ret, WORDING_ID_MAX, "W-%" PRIu64, incident);
}

/* ---- alerts ---- */

/* Reasons by what they count, the most first. */
static unsigned sort_reasons(const struct client *c, const struct reason *ret[TABLE_REASONS])
{
	unsigned n = 0;
	for (unsigned i = 0; i < c->n_reasons; i++) {
		unsigned at = n++;
		for (; at > 0 && ret[at - 1]->score < c->reasons[i].score; at--)
			ret[at] = ret[at - 1];
		ret[at] = &c->reasons[i];
	}
	return n;
}

static const char *cleared_by(const struct client *c)
{
	const struct step *last = c->n_steps > 0 ? client_step(c, c->n_steps - 1U) : NULL;
	return last != NULL && last->what == STEP_CLEARED ? last->source : NULL;
}

static void say_message(const struct table *t, const struct client *c, const struct alert *a,
                        uint32_t now_s, char ret[WORDING_MAX])
{
	char group[TABLE_GROUP_MAX + 16] = "";
	const char *client = a->client, *who = cleared_by(c);
	const struct step *last = c->n_steps > 0 ? client_step(c, c->n_steps - 1U) : NULL;
	if (c->group[0] != 0)
		snprintf(group, sizeof group, " (group %s)", c->group);
	if ((c->pending & PENDING_CLOSED) != 0 && who != NULL)
		snprintf(ret, WORDING_MAX, "%s%s: incident %s is closed by %s: %s", client, group,
		         a->incident, who, last->name[0] != 0 ? last->name : "no reason is given");
	else if ((c->pending & PENDING_CLOSED) != 0)
		snprintf(ret, WORDING_MAX,
		         "%s%s: incident %s is closed: there was no evidence for %" PRIu32 " hours",
		         client, group, a->incident, (now_s - c->last_s) / 3600);
	else
		snprintf(ret, WORDING_MAX, "%s%s %s (score %.0f%s): %s", client, group,
		         c->state == CLIENT_INFECTED ? "seems to be infected" : "is suspicious",
		         (double)table_score(t, c, now_s),
		         (c->pending & PENDING_WORSE) != 0 ? ", more than before" : "",
		         a->n_reasons > 0 ? a->reasons[0].text : "");
}

void wording_alert(const struct table *t, const struct client *c, uint64_t wall_ns,
                   struct wording *room, struct alert *ret)
{
	const struct reason *sorted[TABLE_REASONS];
	uint32_t now_s = (uint32_t)(wall_ns / NS_PER_S);
	unsigned n = sort_reasons(c, sorted);
	bool is_closed = (c->pending & PENDING_CLOSED) != 0;
	client_to_text(c, room->client);
	wording_incident(c->incident, room->incident);
	*ret = (struct alert){
		.wall_ns = wall_ns,
		.severity = is_closed                     ? ALERT_LOW
		            : c->state == CLIENT_INFECTED ? ALERT_HIGH
		                                          : ALERT_MEDIUM,
		.action = is_closed                            ? "incident-closed"
		          : (c->pending & PENDING_OPENED) != 0 ? "incident-opened"
		                                               : "incident-updated",
		.message = room->message,
		.client = room->client,
		.group = c->group[0] != 0 ? c->group : NULL,
		.incident = room->incident,
		.state = is_closed ? "closed" : client_state_word(c->state),
		.score = (double)table_score(t, c, now_s),
		.first_s = c->first_s,
		.last_s = c->last_s,
	};
	for (unsigned i = 0; i < n && i < ALERTS_REASONS_MAX; i++) {
		wording_reason(sorted[i], room->reasons[i]);
		ret->reasons[ret->n_reasons++] = (struct alert_reason){
			.text = room->reasons[i],
			.source = sorted[i]->source[0] != 0 ? sorted[i]->source : NULL,
			.name = sorted[i]->name[0] != 0 ? sorted[i]->name : NULL,
			.count = sorted[i]->count,
			.score = (double)sorted[i]->score,
		};
	}
	say_message(t, c, ret, now_s, room->message);
}

/* ---- JSON ---- */

/* What a client sent may be any bytes: texts that are no UTF-8 are told as ASCII. */
static json_t *text_json(const char *text)
{
	char ascii[WORDING_MAX];
	json_t *j = json_string(text);
	if (j != NULL)
		return j;
	snprintf(ascii, sizeof ascii, "%s", text);
	for (char *c = ascii; *c != 0; c++) {
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	}
	return json_string(ascii);
}

static json_t *score_json(float score)
{
	return json_real(round((double)score * 10) / 10);
}

static json_t *reason_json(const struct reason *r, float factor)
{
	char text[WORDING_MAX];
	wording_reason(r, text);
	json_t *o =
		json_pack("{s:s, s:s, s:I, s:I, s:I}", "class", evidence_class_word(r->class),
	                  "confidence", confidences[r->confidence], "count", (json_int_t)r->count,
	                  "first_s", (json_int_t)r->first_s, "last_s", (json_int_t)r->last_s);
	json_object_set_new(o, "source", text_json(r->source));
	json_object_set_new(o, "name", text_json(r->name));
	json_object_set_new(o, "score", score_json(r->score * factor));
	json_object_set_new(o, "text", text_json(text));
	return o;
}

static json_t *step_json(const struct step *s)
{
	json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:s}", "what", step_word(s->what), "first_s",
	                      (json_int_t)s->first_s, "last_s", (json_int_t)s->last_s, "count",
	                      (json_int_t)s->count, "state", client_state_word(s->state));
	if (s->what == STEP_EVIDENCE)
		json_object_set_new(o, "class", json_string(evidence_class_word(s->class)));
	json_object_set_new(o, s->what == STEP_CLEARED ? "who" : "source", text_json(s->source));
	json_object_set_new(o, s->what == STEP_CLEARED ? "reason" : "name", text_json(s->name));
	json_object_set_new(o, "score", score_json(s->score));
	return o;
}

json_t *wording_json(const struct table *t, const struct client *c, uint32_t now_s,
                     bool with_timeline)
{
	const struct reason *sorted[TABLE_REASONS];
	char client[ADDR_TEXT_MAX], id[WORDING_ID_MAX];
	float factor = exp2f(-(float)(now_s > c->at_s ? now_s - c->at_s : 0) /
	                     (float)t->settings.half_life_s);
	json_t *reasons = json_array();
	client_to_text(c, client);
	wording_incident(c->incident, id);
	for (unsigned i = 0, n = sort_reasons(c, sorted); i < n; i++)
		json_array_append_new(reasons, reason_json(sorted[i], factor));
	json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:o}", "client", client, "state",
	                      client_state_word(c->state), "first_s", (json_int_t)c->first_s,
	                      "last_s", (json_int_t)c->last_s, "reasons", reasons);
	json_object_set_new(o, "group", text_json(c->group));
	json_object_set_new(o, "score", score_json(table_score(t, c, now_s)));
	json_object_set_new(o, "incident", c->incident != 0 ? json_string(id) : json_null());
	if (c->incident != 0)
		json_object_set_new(o, "opened_s", json_integer(c->opened_s));
	json_t *steps = with_timeline ? json_array() : NULL;
	for (unsigned i = 0; with_timeline && i < c->n_steps; i++)
		json_array_append_new(steps, step_json(client_step(c, i)));
	if (with_timeline)
		json_object_set_new(o, "timeline", steps);
	return o;
}
