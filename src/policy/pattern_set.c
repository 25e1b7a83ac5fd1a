/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/pattern_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "policy/image.h"

enum {
	FLAG_IMPORTANT = 1,
	FLAG_TYPES_ARE_NOT = 2,
	FLAG_DROPPED = 4,
	FLAGS = 7,
	FLAGS_AT = 3,
	RULE_ROOM =
		16 + 2 * POLICY_PATTERN_TYPES + 2 * (POLICY_PATTERN_MAX + 1) + 17 + NAME_MAX_BYTES,
	BYTES_FIRST = 1 << 16,
};

/* ---- one rule ---- */

/* What is left of the bytes. */
struct rest {
	const uint8_t *p;
	size_t n;
	bool is_short;
};

static uint32_t take(struct rest *r, unsigned bytes)
{
	uint32_t value = 0;
	if (r->n < bytes) {
		r->is_short = true;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | r->p[i];
	r->p += bytes;
	r->n -= bytes;
	return value;
}

static const char *take_text(struct rest *r)
{
	const uint8_t *end = r->n > 0 ? memchr(r->p, 0, r->n) : NULL;
	const char *text = (const char *)r->p;
	if (end == NULL || end - r->p > POLICY_PATTERN_MAX || end == r->p) {
		r->is_short = true;
		return "";
	}
	r->n -= (size_t)(end + 1 - r->p);
	r->p = end + 1;
	return text;
}

static void take_data(struct rest *r, struct pattern_rule *rule)
{
	unsigned n_addrs = take(r, 1);
	if (n_addrs > 1 || r->n < n_addrs * sizeof rule->addr) {
		r->is_short = true;
		return;
	}
	if (n_addrs == 1) {
		memcpy(rule->addr.bytes, r->p, sizeof rule->addr.bytes);
		rule->addr.is_v4 = r->p[sizeof rule->addr.bytes] != 0;
		r->p += sizeof rule->addr;
		r->n -= sizeof rule->addr;
	}
	rule->data.n_addrs = n_addrs; /* the pointer is set when the rule stays where it is */
	size_t target = take(r, 1);
	if (target == 0)
		return;
	if (target > r->n || name_check(r->p, target) != target) {
		r->is_short = true;
		return;
	}
	rule->data.target = r->p;
	r->p += target;
	r->n -= target;
}

size_t pattern_rule_read(const uint8_t *bytes, size_t n, struct pattern_rule *ret)
{
	struct rest r = { .p = bytes, .n = n };
	*ret = (struct pattern_rule){ .at = bytes, .list = (uint16_t)take(&r, 2) };
	ret->action = (uint8_t)take(&r, 1);
	unsigned flags = take(&r, 1);
	ret->is_important = (flags & FLAG_IMPORTANT) != 0;
	ret->types_are_not = (flags & FLAG_TYPES_ARE_NOT) != 0;
	ret->is_dropped = (flags & FLAG_DROPPED) != 0;
	ret->shown.line = take(&r, 4);
	ret->n_types = (uint8_t)take(&r, 1);
	if ((flags & ~(unsigned)FLAGS) != 0 || ret->n_types > POLICY_PATTERN_TYPES ||
	    ret->action > POLICY_REDIRECT)
		return 0;
	for (unsigned i = 0; i < ret->n_types; i++)
		ret->types[i] = (uint16_t)take(&r, 2);
	ret->shown.text = take_text(&r);
	ret->regex = take_text(&r);
	take_data(&r, ret);
	return r.is_short ? 0 : n - r.n;
}

static uint8_t *put(uint8_t *p, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
	return p + bytes;
}

static uint8_t *put_text(uint8_t *p, const char *text)
{
	size_t n = strlen(text) + 1;
	memcpy(p, text, n);
	return p + n;
}

static size_t rule_write(uint8_t to[RULE_ROOM], uint16_t list, const struct policy_pattern_rule *r)
{
	const struct policy_data none = { .n_addrs = 0 };
	const struct policy_data *d = r->data != NULL ? r->data : &none;
	uint8_t *p = put(to, list, 2);
	p = put(p, r->action, 1);
	p = put(p,
	        (r->is_important ? FLAG_IMPORTANT : 0U) |
	                (r->types_are_not ? FLAG_TYPES_ARE_NOT : 0U),
	        1);
	p = put(p, r->line, 4);
	p = put(p, r->n_types, 1);
	for (unsigned i = 0; i < r->n_types; i++)
		p = put(p, r->types[i], 2);
	p = put_text(p, r->text);
	p = put_text(p, r->regex);
	p = put(p, d->n_addrs > 0, 1);
	if (d->n_addrs > 0) {
		memcpy(p, d->addrs[0].bytes, sizeof d->addrs[0].bytes);
		p = put(p + sizeof d->addrs[0].bytes, d->addrs[0].is_v4, 1);
	}
	size_t target = d->target != NULL ? name_len(d->target) : 0;
	p = put(p, (uint32_t)target, 1);
	if (target > 0)
		memcpy(p, d->target, target);
	return (size_t)(p - to) + target;
}

bool pattern_has_type(const struct pattern_rule *r, uint16_t type)
{
	if (r->n_types == 0)
		return true;
	for (unsigned i = 0; i < r->n_types; i++) {
		if (r->types[i] == type)
			return !r->types_are_not;
	}
	return r->types_are_not && type != 0;
}

/* ---- the set ---- */

static int rules_read(struct policy_pattern_set *s)
{
	uint32_t room = 0;
	for (size_t at = 0, n; at < s->n_bytes; at += n) {
		if (s->n == room) {
			room = room == 0 ? 64 : 2 * room;
			struct pattern_rule *more = realloc(s->rules, room * sizeof *more);
			if (more == NULL)
				return -ENOMEM;
			s->rules = more;
		}
		n = pattern_rule_read(s->bytes + at, s->n_bytes - at, &s->rules[s->n]);
		if (n == 0 || s->rules[s->n].list >= s->n_lists || s->n == PATTERNS_MAX)
			return -EBADMSG;
		s->has_types |= s->rules[s->n].n_types > 0;
		s->n++;
	}
	for (uint32_t i = 0; i < s->n; i++)
		s->rules[i].data.addrs = s->rules[i].data.n_addrs > 0 ? &s->rules[i].addr : NULL;
	return 0;
}

/* Of the names and the rules. */
static void set_key(struct policy_pattern_set *s)
{
	s->key = XXH3_64bits_withSeed(s->bytes, s->n_bytes,
	                              XXH3_64bits(s->lists, s->n_lists * sizeof *s->lists));
	s->key += s->key == 0;
}

static void pattern_rule_drop(struct policy_pattern_set *s, struct pattern_rule *r)
{
	r->is_dropped = true;
	s->bytes[r->at - s->bytes + FLAGS_AT] |= FLAG_DROPPED;
}

int pattern_set_new(char (*lists)[POLICY_LIST_NAME_MAX + 1], uint32_t n_lists, uint8_t *bytes,
                    size_t n_bytes, struct policy_pattern_set **ret)
{
	struct policy_pattern_set *s = calloc(1, sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	atomic_init(&s->refs, 1);
	s->n_lists = n_lists;
	s->bytes = bytes;
	s->n_bytes = n_bytes;
	int e = rules_read(s);
	if (e != 0) {
		free(s->rules);
		free(s);
		return e;
	}
	s->lists = lists;
	set_key(s);
	*ret = s;
	return 0;
}

struct policy_pattern_set *pattern_set_get(struct policy_pattern_set *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void policy_pattern_set_put(struct policy_pattern_set *s)
{
	if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	patterns_put(s->patterns);
	free(s->rules);
	free(s->lists);
	free(s->bytes);
	free(s);
}

uint64_t policy_pattern_set_key(const struct policy_pattern_set *s)
{
	return s->key;
}

static const char **set_regexes(const struct policy_pattern_set *s)
{
	const char **regexes = calloc(s->n + 1U, sizeof *regexes);
	for (uint32_t i = 0; regexes != NULL && i < s->n; i++)
		regexes[i] = s->rules[i].regex;
	return regexes;
}

/* ---- collecting ---- */

struct policy_patterns {
	char (*lists)[POLICY_LIST_NAME_MAX + 1];
	uint32_t n_lists, n;
	uint8_t *bytes;
	size_t n_bytes, room;
};

int policy_patterns_new(struct policy_patterns **ret)
{
	struct policy_patterns *b = calloc(1, sizeof *b);
	if (b == NULL)
		return -ENOMEM;
	*ret = b;
	return 0;
}

void policy_patterns_free(struct policy_patterns *b)
{
	if (b == NULL)
		return;
	free(b->lists);
	free(b->bytes);
	free(b);
}

/* Rules come list by list: the name is the last one, or a new one. -errno: no memory. */
static int list_number(struct policy_patterns *b, const char *name)
{
	for (uint32_t i = b->n_lists; i-- > 0;) {
		if (strcmp(b->lists[i], name) == 0)
			return (int)i;
	}
	if (strlen(name) > POLICY_LIST_NAME_MAX || b->n_lists == POLICY_MAX_LISTS)
		return -EINVAL;
	char(*more)[POLICY_LIST_NAME_MAX + 1] = realloc(b->lists, (b->n_lists + 1U) * sizeof *more);
	if (more == NULL)
		return -ENOMEM;
	b->lists = more;
	memset(more[b->n_lists], 0, sizeof *more);
	memcpy(more[b->n_lists], name, strlen(name));
	return (int)b->n_lists++;
}

static int bytes_add(struct policy_patterns *b, const uint8_t *bytes, size_t n)
{
	if (b->n == PATTERNS_MAX || b->n_bytes + n > PATTERN_RULES_BYTES)
		return -E2BIG;
	if (b->n_bytes + n > b->room) {
		size_t room = b->room == 0 ? BYTES_FIRST : 2 * b->room;
		uint8_t *more = realloc(b->bytes, room);
		if (more == NULL)
			return -ENOMEM;
		b->bytes = more;
		b->room = room;
	}
	memcpy(b->bytes + b->n_bytes, bytes, n);
	b->n_bytes += n;
	b->n++;
	return 0;
}

int policy_patterns_add(struct policy_patterns *b, const char *list_name,
                        const struct policy_pattern_rule *rule)
{
	uint8_t bytes[RULE_ROOM];
	size_t text = strlen(rule->text), regex = strlen(rule->regex);
	if (text == 0 || regex == 0 || text > POLICY_PATTERN_MAX || regex > POLICY_PATTERN_MAX ||
	    rule->n_types > POLICY_PATTERN_TYPES || rule->action > POLICY_REDIRECT ||
	    (rule->data != NULL && rule->data->n_addrs > 1))
		return -EINVAL;
	int list = list_number(b, list_name);
	if (list < 0)
		return list;
	return bytes_add(b, bytes, rule_write(bytes, (uint16_t)list, rule));
}

int policy_patterns_keep(struct policy_patterns *b, const struct policy_image *from,
                         const char *list_name)
{
	const struct policy_pattern_set *s = from->pattern_set;
	int e = 0;
	for (uint32_t i = 0; s != NULL && i < s->n && e == 0; i++) {
		const struct pattern_rule *r = &s->rules[i];
		if (strcmp(s->lists[r->list], list_name) != 0)
			continue;
		struct policy_pattern_rule again = {
			.text = r->shown.text,
			.regex = r->regex,
			.line = r->shown.line,
			.is_important = r->is_important,
			.action = r->action,
			.data = r->data.n_addrs > 0 || r->data.target != NULL ? &r->data : NULL,
			.n_types = r->n_types,
			.types_are_not = r->types_are_not,
		};
		memcpy(again.types, r->types, sizeof again.types);
		e = policy_patterns_add(b, list_name, &again);
	}
	return e;
}

/* ---- from the collection to the set ---- */

struct making {
	struct policy_pattern_set *set;
	struct pattern_dropped *faults; /* one a rule */
	void (*dropped)(void *arg, const struct policy_pattern_dropped *d);
	void *arg;
};

/* Those that could not be had stay in the set, marked, and match nothing. */
static void mark_dropped(const struct making *m)
{
	for (uint32_t i = 0; i < m->set->n; i++) {
		struct pattern_rule *r = &m->set->rules[i];
		if (m->faults[i].fault == POLICY_PATTERN_GOOD)
			continue;
		pattern_rule_drop(m->set, r);
		const struct policy_pattern_dropped d = {
			.list_name = m->set->lists[r->list],
			.text = r->shown.text,
			.why = m->faults[i].why,
			.line = r->shown.line,
			.fault = m->faults[i].fault,
		};
		if (m->dropped != NULL)
			m->dropped(m->arg, &d);
	}
	set_key(m->set);
}

int pattern_set_build(struct policy_pattern_set *s, struct pattern_dropped *faults)
{
	uint8_t *bytes = NULL;
	size_t n_bytes = 0;
	const char **regexes = set_regexes(s);
	if (regexes == NULL)
		return -ENOMEM;
	int e = pattern_build(regexes, s->n, &pattern_budget_usual, faults, &bytes, &n_bytes);
	if (e == 0 && bytes != NULL)
		e = patterns_new(bytes, n_bytes, &s->patterns);
	free(bytes);
	free(regexes);
	return e;
}

/* Has the image the database of these expressions already? What was dropped then is so now. */
static bool take_current(const struct making *m, const struct policy_image *current)
{
	const struct policy_pattern_set *s = current != NULL ? current->pattern_set : NULL;
	if (s == NULL || s->n != m->set->n)
		return false;
	for (uint32_t i = 0; i < s->n; i++) {
		if (strcmp(s->rules[i].regex, m->set->rules[i].regex) != 0)
			return false;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		if (!s->rules[i].is_dropped)
			continue;
		m->faults[i].fault = POLICY_PATTERN_BUDGET;
		snprintf(m->faults[i].why, sizeof m->faults[i].why,
		         "could not be compiled at an earlier load");
	}
	m->set->patterns = patterns_get(s->patterns);
	return true;
}

int policy_patterns_make(struct policy_patterns *b, const struct policy_image *current,
                         void (*dropped)(void *arg, const struct policy_pattern_dropped *d),
                         void *arg, struct policy_pattern_set **ret)
{
	struct making m = { .dropped = dropped, .arg = arg };
	*ret = NULL;
	if (b->n == 0)
		return 0;
	int e = pattern_set_new(b->lists, b->n_lists, b->bytes, b->n_bytes, &m.set);
	if (e != 0)
		return e;
	*b = (struct policy_patterns){ 0 }; /* the set has it now */
	m.faults = calloc(m.set->n + 1U, sizeof *m.faults);
	e = m.faults == NULL ? -ENOMEM : 0;
	if (e == 0 && !take_current(&m, current))
		e = pattern_set_build(m.set, m.faults);
	if (e == 0)
		mark_dropped(&m);
	free(m.faults);
	if (e == 0 && m.set->patterns != NULL)
		*ret = m.set;
	else
		policy_pattern_set_put(m.set);
	return e;
}
