/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "incidents/table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum {
	EVICT_SHARE = 16, /* of the table goes at once */
	V4_BITS = 32,
	V6_BITS = 128,
	V6_PREFIX_BITS = 64,
	V6_PREFIX_BYTES = 8,
};

static const struct {
	const char *word;
	float weights[3], most;
} classes[] = {
#define EVIDENCE_CLASS(id, word, low, medium, high, most, text) \
	[EVIDENCE_##id] = { word, { low, medium, high }, most },
#include "incidents/classes.def"
#undef EVIDENCE_CLASS
};

/* ---- words ---- */

enum evidence_class evidence_class_from(const char *word)
{
	unsigned i = 0;
	while (i < EVIDENCE_CLASSES && strcmp(classes[i].word, word) != 0)
		i++;
	return (enum evidence_class)i;
}

const char *evidence_class_word(unsigned class)
{
	return classes[class].word;
}

const char *client_state_word(unsigned state)
{
	static const char *const words[] = { "clear", "suspicious", "infected" };
	return words[state];
}

const char *step_word(unsigned what)
{
	static const char *const words[] = { "evidence", "opened", "worse", "closed", "cleared" };
	return words[what];
}

void client_to_text(const struct client *c, char ret[ADDR_TEXT_MAX])
{
	size_t n = addr_to_text(&c->addr, ret);
	if (c->bits == V6_PREFIX_BITS && !c->addr.is_v4)
		snprintf(ret + n, ADDR_TEXT_MAX - n, "/%d", V6_PREFIX_BITS);
}

/* The end of a name says more than its beginning. */
static void set_name(char *to, size_t room, const char *from)
{
	size_t n = strlen(from);
	if (n < room)
		memcpy(to, from, n + 1);
	else
		snprintf(to, room, "..%s", from + n - (room - 3));
}

static void set_text(char *to, size_t room, const char *from)
{
	snprintf(to, room, "%s", from);
}

/* ---- the chains ---- */

int table_init(struct table *t, const struct table_settings *settings)
{
	memset(t, 0, sizeof *t);
	t->settings = *settings;
	t->clients = calloc(INCIDENTS_CLIENTS_MAX, sizeof *t->clients);
	if (t->clients == NULL)
		return -ENOMEM;
	random_bytes(&t->key, sizeof t->key);
	memset(t->heads, 0xff, sizeof t->heads);
	memset(t->prefix_heads, 0xff, sizeof t->prefix_heads);
	t->free = TABLE_NONE;
	return 0;
}

void table_done(struct table *t)
{
	free(t->clients);
	t->clients = NULL;
}

static uint16_t *head_of(struct table *t, const struct addr *a, unsigned bits)
{
	uint8_t bytes[sizeof a->bytes + 1];
	memcpy(bytes, a->bytes, sizeof a->bytes);
	bytes[sizeof a->bytes] = (uint8_t)bits;
	return &t->heads[siphash13(&t->key, bytes, sizeof bytes) % TABLE_HEADS];
}

static uint16_t *prefix_head_of(struct table *t, const struct addr *a)
{
	return &t->prefix_heads[siphash13(&t->key, a->bytes, V6_PREFIX_BYTES) % TABLE_HEADS];
}

static struct client *find(struct table *t, const struct addr *a, unsigned bits)
{
	for (uint16_t i = *head_of(t, a, bits); i != TABLE_NONE; i = t->clients[i].next) {
		struct client *c = &t->clients[i];
		if (c->bits == bits && c->addr.is_v4 == a->is_v4 && addr_equal(&c->addr, a))
			return c;
	}
	return NULL;
}

static unsigned count_prefix(struct table *t, const struct addr *a)
{
	unsigned n = 0;
	for (uint16_t i = *prefix_head_of(t, a); i != TABLE_NONE; i = t->clients[i].next_prefix)
		n += memcmp(t->clients[i].addr.bytes, a->bytes, V6_PREFIX_BYTES) == 0;
	return n;
}

struct client *table_find(struct table *t, const struct addr *client)
{
	struct client *c = find(t, client, client->is_v4 ? V4_BITS : V6_BITS);
	if (c != NULL || client->is_v4)
		return c;
	struct addr prefix = addr_masked(client, V6_PREFIX_BITS);
	return find(t, &prefix, V6_PREFIX_BITS);
}

static void unchain(struct table *t, uint16_t *head, uint16_t which, bool is_prefix)
{
	uint16_t *at = head;
	while (*at != which) {
		struct client *c = &t->clients[*at];
		at = is_prefix ? &c->next_prefix : &c->next;
	}
	*at = is_prefix ? t->clients[which].next_prefix : t->clients[which].next;
}

bool table_is_used(const struct client *c)
{
	return c->bits != 0;
}

static bool counts_in_prefix(const struct client *c)
{
	return !c->addr.is_v4 && c->bits == V6_BITS;
}

void table_remove(struct table *t, struct client *c)
{
	uint16_t which = (uint16_t)(c - t->clients);
	unchain(t, head_of(t, &c->addr, c->bits), which, false);
	if (counts_in_prefix(c))
		unchain(t, prefix_head_of(t, &c->addr), which, true);
	t->n_open -= c->incident != 0;
	t->n_pending -= c->pending != 0;
	t->n_used--;
	c->bits = 0;
	c->next = t->free;
	t->free = which;
}

/* ---- room ---- */

struct weak {
	float score;
	uint16_t which;
};

static int compare_weak(const void *a, const void *b)
{
	const struct weak *x = a, *y = b;
	return (x->score > y->score) - (x->score < y->score);
}

/* Those with the least score go. false: every client has an open incident. */
static bool make_room(struct table *t, uint32_t now_s)
{
	static struct weak weak[INCIDENTS_CLIENTS_MAX]; /* with the lock */
	unsigned n = 0;
	for (unsigned i = 0; i < t->n_clients; i++) {
		const struct client *c = &t->clients[i];
		if (table_is_used(c) && c->incident == 0 && c->pending == 0)
			weak[n++] = (struct weak){ table_score(t, c, now_s), (uint16_t)i };
	}
	qsort(weak, n, sizeof weak[0], compare_weak);
	unsigned n_go = (n + EVICT_SHARE - 1) / EVICT_SHARE;
	for (unsigned i = 0; i < n_go; i++) {
		t->evicted_score = fmaxf(t->evicted_score, weak[i].score);
		t->n_evicted++;
		table_remove(t, &t->clients[weak[i].which]);
	}
	return n_go > 0;
}

static struct client *take_free(struct table *t)
{
	if (t->free != TABLE_NONE) {
		struct client *c = &t->clients[t->free];
		t->free = c->next;
		return c;
	}
	return t->n_clients < INCIDENTS_CLIENTS_MAX ? &t->clients[t->n_clients++] : NULL;
}

static struct client *make_client(struct table *t, const struct addr *a, unsigned bits)
{
	struct client *c = take_free(t);
	if (c == NULL)
		return NULL;
	uint16_t *head = head_of(t, a, bits);
	*c = (struct client){ .addr = *a, .bits = (uint8_t)bits, .next = *head };
	*head = (uint16_t)(c - t->clients);
	if (counts_in_prefix(c)) {
		head = prefix_head_of(t, a);
		c->next_prefix = *head;
		*head = (uint16_t)(c - t->clients);
	}
	t->n_used++;
	return c;
}

struct client *table_put(struct table *t, const struct addr *addr, unsigned bits)
{
	bool is_good = addr->is_v4 ? bits == V4_BITS : bits == V6_BITS || bits == V6_PREFIX_BITS;
	return is_good && find(t, addr, bits) == NULL ? make_client(t, addr, bits) : NULL;
}

/* The client that evidence of this address is counted for. */
static struct client *client_for(struct table *t, const struct addr *a, uint32_t now_s)
{
	struct client *c = table_find(t, a);
	if (c != NULL && (c->bits != V6_PREFIX_BITS || a->is_v4))
		return c;
	struct addr key = *a;
	unsigned bits = a->is_v4 ? V4_BITS : V6_BITS;
	if (!a->is_v4 && (c != NULL || count_prefix(t, a) >= TABLE_PREFIX_MAX)) {
		key = addr_masked(a, V6_PREFIX_BITS);
		bits = V6_PREFIX_BITS;
		if (c != NULL)
			return c;
	}
	c = make_client(t, &key, bits);
	if (c == NULL && make_room(t, now_s))
		c = make_client(t, &key, bits);
	return c;
}

/* ---- scores ---- */

static float decay(const struct table *t, uint32_t from_s, uint32_t to_s)
{
	return to_s > from_s ? exp2f(-(float)(to_s - from_s) / (float)t->settings.half_life_s) : 1;
}

float table_score(const struct table *t, const struct client *c, uint32_t now_s)
{
	float sum = 0;
	for (unsigned i = 0; i < EVIDENCE_CLASSES; i++)
		sum += fminf(c->scores[i], classes[i].most);
	return sum * decay(t, c->at_s, now_s);
}

static void bring_to(const struct table *t, struct client *c, uint32_t now_s)
{
	float factor = decay(t, c->at_s, now_s);
	for (unsigned i = 0; i < EVIDENCE_CLASSES; i++)
		c->scores[i] *= factor;
	for (unsigned i = 0; i < c->n_reasons; i++)
		c->reasons[i].score *= factor;
	c->at_s = now_s > c->at_s ? now_s : c->at_s;
}

/* What this name counts now: all, nothing, or half of what it did the last time. */
static float share_of(const struct table *t, struct client *c, const struct evidence *e,
                      uint32_t now_s)
{
	char text[TABLE_SOURCE_MAX + 260];
	unsigned at = 0;
	int n = snprintf(text, sizeof text, "%s %s", e->source, e->key);
	size_t len = n < (int)sizeof text ? (size_t)n : sizeof text - 1;
	uint32_t hash = (uint32_t)siphash13(&t->key, text, len);
	for (unsigned i = 0; i < TABLE_NAMES; i++) {
		if (c->names[i].hash == hash && c->names[i].n > 0) {
			at = i;
			break;
		}
		if (c->names[i].last_s < c->names[at].last_s)
			at = i;
	}
	bool is_known = c->names[at].hash == hash && c->names[at].n > 0 &&
	                now_s - c->names[at].last_s < TABLE_FORGET_S;
	if (is_known && now_s - c->names[at].last_s < TABLE_REPEAT_S)
		return 0;
	uint8_t count = is_known ? c->names[at].n : 0;
	c->names[at].hash = hash;
	c->names[at].last_s = now_s;
	c->names[at].n = count < UINT8_MAX ? (uint8_t)(count + 1) : count;
	return exp2f(-(float)count);
}

/* ---- what is told of it ---- */

static struct reason *reason_for(struct client *c, const struct evidence *e)
{
	unsigned weakest = 0;
	for (unsigned i = 0; i < c->n_reasons; i++) {
		struct reason *r = &c->reasons[i];
		if (r->class == e->class && r->confidence == e->confidence &&
		    strcmp(r->source, e->source) == 0)
			return r;
		weakest = r->score < c->reasons[weakest].score ? i : weakest;
	}
	struct reason *r = &c->reasons[c->n_reasons < TABLE_REASONS ? c->n_reasons++ : weakest];
	*r = (struct reason){ .class = (uint8_t)e->class, .confidence = (uint8_t)e->confidence };
	set_text(r->source, sizeof r->source, e->source);
	return r;
}

const struct step *client_step(const struct client *c, unsigned i)
{
	return &c->steps[(c->at_step + i) % TABLE_STEPS];
}

static struct step *new_step(struct client *c)
{
	struct step *s = &c->steps[(c->at_step + c->n_steps) % TABLE_STEPS];
	if (c->n_steps < TABLE_STEPS)
		c->n_steps++;
	else
		c->at_step = (uint8_t)((c->at_step + 1) % TABLE_STEPS);
	return s;
}

static void add_step(struct client *c, enum step_what what, uint32_t now_s, const char *source,
                     const char *name)
{
	struct step *s = new_step(c);
	float score = 0;
	for (unsigned i = 0; i < EVIDENCE_CLASSES; i++)
		score += fminf(c->scores[i], classes[i].most);
	*s = (struct step){ .first_s = now_s,
		            .last_s = now_s,
		            .count = 1,
		            .what = (uint8_t)what,
		            .state = c->state,
		            .score = score };
	set_text(s->source, sizeof s->source, source);
	set_name(s->name, sizeof s->name, name);
}

static void note_evidence(const struct table *t, struct client *c, const struct evidence *e,
                          uint32_t now_s)
{
	struct step *last = c->n_steps > 0 ? (struct step *)client_step(c, c->n_steps - 1U) : NULL;
	if (last == NULL || last->what != STEP_EVIDENCE || last->class != e->class ||
	    now_s - last->first_s > TABLE_MERGE_S || strcmp(last->source, e->source) != 0) {
		add_step(c, STEP_EVIDENCE, now_s, e->source, e->name);
		last = (struct step *)client_step(c, c->n_steps - 1U);
		last->class = (uint8_t)e->class;
		return;
	}
	last->count++;
	last->last_s = now_s;
	last->score = table_score(t, c, now_s);
}

/* ---- incidents ---- */

static void set_pending(struct table *t, struct client *c, uint8_t what, uint32_t now_s)
{
	if (c->pending == 0) {
		t->n_pending++;
		c->pending_s = now_s;
	}
	/* What was not told yet is told as it is then: opened, and no worse beside it. */
	if (what != PENDING_WORSE || (c->pending & PENDING_OPENED) == 0)
		c->pending |= what;
}

static void open_incident(struct table *t, struct client *c, uint32_t now_s)
{
	c->incident = ++t->next_incident;
	c->opened_s = now_s;
	c->n_updates = 0;
	t->n_open++;
	add_step(c, STEP_OPENED, now_s, "", "");
	set_pending(t, c, PENDING_OPENED, now_s);
}

static void judge(struct table *t, struct client *c, bool is_new_reason, uint32_t now_s)
{
	float score = table_score(t, c, now_s);
	uint8_t state = score >= (float)t->settings.infected     ? CLIENT_INFECTED
	                : score >= (float)t->settings.suspicious ? CLIENT_SUSPICIOUS
	                                                         : CLIENT_CLEAR;
	bool is_worse = state > c->state;
	if (is_worse)
		c->state = state; /* it does not get better before the incident is closed */
	if (state > CLIENT_CLEAR && c->incident == 0) {
		open_incident(t, c, now_s);
		return;
	}
	if (c->incident == 0 || c->n_updates >= TABLE_UPDATES_MAX)
		return;
	bool has_doubled = score >= 2 * c->told_score;
	if (is_worse)
		add_step(c, STEP_WORSE, now_s, "", "");
	if (is_worse || ((has_doubled || is_new_reason) && now_s - c->told_s >= TABLE_UPDATE_S))
		set_pending(t, c, PENDING_WORSE, now_s);
}

struct client *table_add(struct table *t, const struct evidence *e)
{
	uint32_t now_s = (uint32_t)e->wall_s;
	struct client *c = client_for(t, &e->client, now_s);
	if (c == NULL) {
		t->n_untracked++;
		return NULL;
	}
	/* A clock that was set back does not make time pass twice. */
	now_s = now_s > c->at_s ? now_s : c->at_s;
	bring_to(t, c, now_s);
	float weight = classes[e->class].weights[e->confidence] * share_of(t, c, e, now_s);
	unsigned n_before = c->n_reasons;
	struct reason *r = reason_for(c, e);
	bool is_new_reason = r->count == 0 && n_before < TABLE_REASONS;
	if (r->count == 0)
		r->first_s = now_s;
	if (weight > 0 || r->count == 0) {
		set_name(r->name, sizeof r->name, e->name);
		set_text(r->text, sizeof r->text, e->text);
	}
	r->count = r->count < UINT32_MAX ? r->count + 1 : r->count;
	r->last_s = now_s;
	r->score += weight;
	c->scores[e->class] += weight;
	c->first_s = c->first_s == 0 ? now_s : c->first_s;
	c->last_s = now_s;
	if (e->group[0] != 0)
		set_text(c->group, sizeof c->group, e->group);
	note_evidence(t, c, e, now_s);
	judge(t, c, is_new_reason, now_s);
	return c;
}

static void forget_evidence(struct client *c)
{
	memset(c->scores, 0, sizeof c->scores);
	memset(c->names, 0, sizeof c->names);
	for (unsigned i = 0; i < c->n_reasons; i++)
		c->reasons[i].score = 0;
}

void table_told(struct table *t, struct client *c, unsigned what, uint32_t now_s)
{
	bool is_closed = (what & PENDING_CLOSED) != 0;
	c->n_updates = (uint8_t)(c->n_updates + ((what & PENDING_WORSE) != 0));
	bool was_pending = c->pending != 0;
	c->pending = is_closed ? 0 : (uint8_t)(c->pending & ~what);
	t->n_pending -= was_pending && c->pending == 0;
	c->told_s = now_s;
	c->told_score = table_score(t, c, now_s);
	if (!is_closed)
		return;
	c->incident = 0;
	t->n_open--;
	c->state = CLIENT_CLEAR;
	c->n_reasons = 0;
	c->first_s = 0;
	forget_evidence(c);
}

void table_clear(struct table *t, struct client *c, uint32_t now_s, const char *who,
                 const char *reason)
{
	forget_evidence(c);
	c->state = CLIENT_CLEAR;
	add_step(c, STEP_CLEARED, now_s, who, reason);
	if (c->incident != 0)
		set_pending(t, c, PENDING_CLOSED, now_s);
	else
		c->n_reasons = 0;
}

void table_tick(struct table *t, uint32_t now_s)
{
	for (unsigned i = 0; i < t->n_clients; i++) {
		struct client *c = &t->clients[i];
		if (!table_is_used(c) || now_s <= c->last_s)
			continue;
		bool is_quiet = now_s - c->last_s >= t->settings.quiet_s;
		if (c->incident != 0 && is_quiet && (c->pending & PENDING_CLOSED) == 0) {
			add_step(c, STEP_CLOSED, now_s, "", "");
			set_pending(t, c, PENDING_CLOSED, now_s);
		}
		/* What is left of it would change nothing; the timeline stays for a week. */
		if (c->incident == 0 && c->pending == 0 && table_score(t, c, now_s) < 1 &&
		    now_s - c->last_s >= 7 * (uint32_t)TABLE_FORGET_S)
			table_remove(t, c);
	}
}
