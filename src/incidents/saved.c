/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "incidents/saved.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float score_max = 1e6F;

/* ---- writing ---- */

/* Texts that are no UTF-8 are kept as ASCII. */
static json_t *text_json(const char *text)
{
	char ascii[256];
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

static char *dump(json_t *o)
{
	char *text =
		o != NULL ? json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6))
			  : NULL;
	json_decref(o);
	return text;
}

char *saved_head(const struct table *t)
{
	char k0[17], k1[17];
	snprintf(k0, sizeof k0, "%016" PRIx64, t->key.k0);
	snprintf(k1, sizeof k1, "%016" PRIx64, t->key.k1);
	return dump(json_pack("{s:s, s:i, s:I, s:s, s:s}", "weir", "incidents", "version", 1,
	                      "next_incident", (json_int_t)t->next_incident, "k0", k0, "k1", k1));
}

static json_t *reason_json(const struct reason *r)
{
	return json_pack("{s:s, s:i, s:I, s:I, s:I, s:f, s:o, s:o, s:o}", "class",
	                 evidence_class_word(r->class), "confidence", r->confidence, "count",
	                 (json_int_t)r->count, "first", (json_int_t)r->first_s, "last",
	                 (json_int_t)r->last_s, "score", (double)r->score, "source",
	                 text_json(r->source), "name", text_json(r->name), "text",
	                 text_json(r->text));
}

static json_t *step_json(const struct step *s)
{
	return json_pack("{s:s, s:s, s:i, s:I, s:I, s:I, s:f, s:o, s:o}", "what",
	                 step_word(s->what), "class", evidence_class_word(s->class), "state",
	                 s->state, "first", (json_int_t)s->first_s, "last", (json_int_t)s->last_s,
	                 "count", (json_int_t)s->count, "score", (double)s->score, "source",
	                 text_json(s->source), "name", text_json(s->name));
}

static json_t *lists_json(json_t *o, const struct client *c)
{
	json_t *scores = json_object(), *reasons = json_array(), *steps = json_array();
	json_t *names = json_array();
	for (unsigned i = 0; i < EVIDENCE_CLASSES; i++) {
		if (c->scores[i] > 0)
			json_object_set_new(scores, evidence_class_word(i),
			                    json_real((double)c->scores[i]));
	}
	for (unsigned i = 0; i < c->n_reasons; i++)
		json_array_append_new(reasons, reason_json(&c->reasons[i]));
	for (unsigned i = 0; i < c->n_steps; i++)
		json_array_append_new(steps, step_json(client_step(c, i)));
	for (unsigned i = 0; i < TABLE_NAMES; i++) {
		if (c->names[i].n > 0)
			json_array_append_new(
				names, json_pack("[I, I, i]", (json_int_t)c->names[i].hash,
			                         (json_int_t)c->names[i].last_s, c->names[i].n));
	}
	json_object_set_new(o, "scores", scores);
	json_object_set_new(o, "reasons", reasons);
	json_object_set_new(o, "steps", steps);
	json_object_set_new(o, "names", names);
	return o;
}

char *saved_client(const struct client *c)
{
	char addr[ADDR_TEXT_MAX];
	addr_to_text(&c->addr, addr);
	json_t *o = json_pack("{s:s, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o}",
	                      "client", addr, "bits", c->bits, "state", c->state, "pending",
	                      c->pending, "updates", c->n_updates, "incident",
	                      (json_int_t)c->incident, "first", (json_int_t)c->first_s, "last",
	                      (json_int_t)c->last_s, "opened", (json_int_t)c->opened_s, "told",
	                      (json_int_t)c->told_s, "at", (json_int_t)c->at_s, "told_score",
	                      (double)c->told_score, "group", text_json(c->group));
	return o != NULL ? dump(lists_json(o, c)) : NULL;
}

/* ---- reading ---- */

static uint64_t number_in(const json_t *o, const char *member, uint64_t most)
{
	json_int_t n = json_integer_value(json_object_get(o, member));
	return n > 0 && (uint64_t)n <= most ? (uint64_t)n : 0;
}

static float score_of(const json_t *value)
{
	double x = json_number_value(value);
	return isfinite(x) && x > 0 ? fminf((float)x, score_max) : 0;
}

static void text_in(const json_t *o, const char *member, char *ret, size_t room)
{
	const char *text = json_string_value(json_object_get(o, member));
	snprintf(ret, room, "%s", text != NULL ? text : "");
}

static bool class_in(const json_t *o, uint8_t *ret)
{
	const char *word = json_string_value(json_object_get(o, "class"));
	enum evidence_class class = word != NULL ? evidence_class_from(word) : EVIDENCE_CLASSES;
	*ret = (uint8_t) class;
	return class != EVIDENCE_CLASSES;
}

static void read_reasons(const json_t *list, struct client *c)
{
	for (size_t i = 0; i < json_array_size(list) && c->n_reasons < TABLE_REASONS; i++) {
		const json_t *o = json_array_get(list, i);
		struct reason *r = &c->reasons[c->n_reasons];
		if (!class_in(o, &r->class))
			continue;
		r->confidence = (uint8_t)number_in(o, "confidence", EVIDENCE_HIGH);
		r->count = (uint32_t)number_in(o, "count", UINT32_MAX);
		r->first_s = (uint32_t)number_in(o, "first", UINT32_MAX);
		r->last_s = (uint32_t)number_in(o, "last", UINT32_MAX);
		r->score = score_of(json_object_get(o, "score"));
		text_in(o, "source", r->source, sizeof r->source);
		text_in(o, "name", r->name, sizeof r->name);
		text_in(o, "text", r->text, sizeof r->text);
		c->n_reasons++;
	}
}

static bool what_in(const json_t *o, uint8_t *ret)
{
	const char *word = json_string_value(json_object_get(o, "what"));
	for (unsigned i = STEP_EVIDENCE; word != NULL && i <= STEP_CLEARED; i++) {
		*ret = (uint8_t)i;
		if (strcmp(step_word(i), word) == 0)
			return true;
	}
	return false;
}

static void read_steps(const json_t *list, struct client *c)
{
	for (size_t i = 0; i < json_array_size(list) && c->n_steps < TABLE_STEPS; i++) {
		const json_t *o = json_array_get(list, i);
		struct step *s = &c->steps[c->n_steps];
		if (!class_in(o, &s->class) || !what_in(o, &s->what))
			continue;
		s->state = (uint8_t)number_in(o, "state", CLIENT_INFECTED);
		s->count = (uint32_t)number_in(o, "count", UINT32_MAX);
		s->first_s = (uint32_t)number_in(o, "first", UINT32_MAX);
		s->last_s = (uint32_t)number_in(o, "last", UINT32_MAX);
		s->score = score_of(json_object_get(o, "score"));
		text_in(o, "source", s->source, sizeof s->source);
		text_in(o, "name", s->name, sizeof s->name);
		c->n_steps++;
	}
}

static void read_names(const json_t *list, struct client *c)
{
	for (size_t i = 0; i < json_array_size(list) && i < TABLE_NAMES; i++) {
		const json_t *x = json_array_get(list, i);
		json_int_t hash = json_integer_value(json_array_get(x, 0));
		json_int_t last = json_integer_value(json_array_get(x, 1));
		json_int_t n = json_integer_value(json_array_get(x, 2));
		if (hash < 0 || hash > UINT32_MAX || last < 0 || last > UINT32_MAX || n < 1 ||
		    n > UINT8_MAX)
			continue;
		c->names[i].hash = (uint32_t)hash;
		c->names[i].last_s = (uint32_t)last;
		c->names[i].n = (uint8_t)n;
	}
}

static bool read_client(struct table *t, const json_t *o)
{
	struct addr addr;
	const char *text = json_string_value(json_object_get(o, "client"));
	if (text == NULL || addr_from_text(text, strlen(text), &addr) != 0)
		return false;
	unsigned bits = (unsigned)number_in(o, "bits", 128);
	if (!addr.is_v4 && bits == 64)
		addr = addr_masked(&addr, 64);
	struct client *c = table_put(t, &addr, bits);
	if (c == NULL)
		return false;
	c->state = (uint8_t)number_in(o, "state", CLIENT_INFECTED);
	c->incident = number_in(o, "incident", UINT64_MAX >> 2);
	c->pending =
		(uint8_t)number_in(o, "pending", PENDING_OPENED | PENDING_WORSE | PENDING_CLOSED);
	c->n_updates = (uint8_t)number_in(o, "updates", UINT8_MAX);
	c->first_s = (uint32_t)number_in(o, "first", UINT32_MAX);
	c->last_s = (uint32_t)number_in(o, "last", UINT32_MAX);
	c->opened_s = (uint32_t)number_in(o, "opened", UINT32_MAX);
	c->told_s = (uint32_t)number_in(o, "told", UINT32_MAX);
	c->at_s = (uint32_t)number_in(o, "at", UINT32_MAX);
	c->told_score = score_of(json_object_get(o, "told_score"));
	text_in(o, "group", c->group, sizeof c->group);
	for (unsigned i = 0; i < EVIDENCE_CLASSES; i++)
		c->scores[i] = score_of(
			json_object_get(json_object_get(o, "scores"), evidence_class_word(i)));
	read_reasons(json_object_get(o, "reasons"), c);
	read_steps(json_object_get(o, "steps"), c);
	read_names(json_object_get(o, "names"), c);
	if (c->incident == 0) {
		c->state = CLIENT_CLEAR;
		c->pending = 0;
	} else if (c->state == CLIENT_CLEAR && (c->pending & PENDING_CLOSED) == 0) {
		c->state = CLIENT_SUSPICIOUS;
	}
	t->n_open += c->incident != 0;
	t->n_pending += c->pending != 0;
	t->next_incident = c->incident > t->next_incident ? c->incident : t->next_incident;
	return true;
}

static bool read_head(struct table *t, const json_t *o)
{
	const char *k0 = json_string_value(json_object_get(o, "k0"));
	const char *k1 = json_string_value(json_object_get(o, "k1"));
	if (json_object_get(o, "weir") == NULL || t->n_used > 0)
		return false;
	t->next_incident = number_in(o, "next_incident", UINT64_MAX >> 2);
	if (k0 != NULL && k1 != NULL && strlen(k0) == 16 && strlen(k1) == 16) {
		/* The key that names were told apart with; it is in the chains, so it comes first. */
		t->key.k0 = strtoull(k0, NULL, 16);
		t->key.k1 = strtoull(k1, NULL, 16);
	}
	return true;
}

unsigned saved_read(struct table *t, const char *text, size_t n)
{
	unsigned n_bad = 0;
	const char *at = text, *end = text + n;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = newline != NULL ? (size_t)(newline - at) : (size_t)(end - at);
		json_t *o = len <= SAVED_LINE_MAX ? json_loadb(at, len, 0, NULL) : NULL;
		if (o == NULL || (!(at == text && read_head(t, o)) && !read_client(t, o)))
			n_bad++;
		json_decref(o);
		at += len + 1;
	}
	return n_bad;
}
