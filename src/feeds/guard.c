/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/guard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "feeds/probe.h"

static bool has_canaries(const struct feeds_guard *o)
{
	return o->n_listed + o->n_clean > 0;
}

static uint64_t filter_bit(const uint8_t *wire, size_t n)
{
	return XXH3_64bits(wire, n) % GUARD_FILTER_BITS;
}

static void add_to_filter(struct guard *g, const struct name *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned n_labels = name_labels(names[i].wire);
		for (unsigned skip = 0; skip <= n_labels; skip++) {
			const uint8_t *wire = name_skip(names[i].wire, skip);
			uint64_t bit = filter_bit(wire, name_len(wire));
			g->filter[bit / 64] |= 1ULL << (bit & 63);
		}
	}
}

int guard_init(struct guard *g, const struct feeds_list *list)
{
	const struct feeds_protected *protected = list->guard.protected_names;
	*g = (struct guard){ .options = &list->guard,
		             .list_action = list->spec->action,
		             .only_reports =
		                     list->spec->action == POLICY_LOG || list->spec->is_shadow };
	if (list->guard.protected_mode != FEEDS_PROTECTED_IGNORE && protected != NULL &&
	    !g->only_reports && list->spec->action != POLICY_ALLOW) {
		g->protected = protected;
		g->allowed = calloc(protect_count(protected) + 1U, 1);
		if (g->allowed == NULL)
			return -ENOMEM;
	}
	add_to_filter(g, list->guard.listed, list->guard.n_listed);
	add_to_filter(g, list->guard.clean, list->guard.n_clean);
	return 0;
}

void guard_done(struct guard *g)
{
	free(g->allowed);
	g->allowed = NULL;
}

/* ---- rules as they come ---- */

size_t guard_rule_text(const struct feeds_rule *r, char *ret, size_t room)
{
	char text[POLICY_PATTERN_MAX + NAME_TEXT_MAX];
	bool is_below = r->name != NULL && r->rule.scope == POLICY_SCOPE_BELOW;
	if (r->pattern != NULL)
		snprintf(text, sizeof text, "%s", r->pattern->text);
	else if (r->name == NULL)
		addr_prefix_to_text(r->prefix, text);
	else
		name_to_text(r->name->wire, text);
	int n = snprintf(ret, room, "%s%.*s", is_below ? "*." : "", (int)room - 3, text);
	return n > 0 ? (size_t)n : 0;
}

/*
 * What the rule does when it wins. Data of a rule's own (a safe search's alias, a record) are
 * somebody's intention for this very name, and no block.
 */
static bool is_block(const struct guard *g, const struct feeds_rule *r)
{
	enum policy_action a = r->rule.action != POLICY_NONE ? r->rule.action : g->list_action;
	if (r->rule.action == POLICY_REDIRECT || r->rule.action == POLICY_RECORDS ||
	    r->rule.action == POLICY_ADDRESS)
		return false;
	return a != POLICY_ALLOW && a != POLICY_LOG && a != POLICY_NONE;
}

/* probe: of a pattern; NULL: of none, or it could not be had. */
static void look_at_canaries(struct guard *g, const struct feeds_rule *r, const struct probe *probe,
                             const struct name *names, unsigned n, bool *hits)
{
	char text[NAME_TEXT_MAX];
	struct addr a;
	for (unsigned i = 0; i < n; i++) {
		bool is_self, is_hit;
		if (r->pattern != NULL) {
			is_hit = probe != NULL && probe_matches(probe, names[i].wire);
		} else if (r->name != NULL) {
			is_self = name_equal(names[i].wire, r->name->wire);
			is_hit = is_self ? r->rule.scope != POLICY_SCOPE_BELOW
			                 : r->rule.scope != POLICY_SCOPE_EXACT &&
			                           name_is_within(names[i].wire, r->name->wire);
		} else {
			size_t len = name_to_text(names[i].wire, text);
			is_hit = addr_from_text(text, len, &a) == 0 &&
			         addr_prefix_covers(r->prefix, &a);
		}
		g->is_touched |= is_hit;
		if (is_hit && hits == g->is_dirty && g->dirty_line == 0)
			g->dirty_line = r->line;
		hits[i] |= is_hit;
	}
}

static void look_for_canaries(struct guard *g, const struct feeds_rule *r,
                              const struct probe *probe)
{
	if (!has_canaries(g->options))
		return;
	if (r->name != NULL) {
		uint64_t bit = filter_bit(r->name->wire, r->name->len);
		if ((g->filter[bit / 64] >> (bit & 63) & 1) == 0)
			return;
	}
	look_at_canaries(g, r, probe, g->options->listed, g->options->n_listed, g->is_listed);
	look_at_canaries(g, r, probe, g->options->clean, g->options->n_clean, g->is_dirty);
}

static void note_hit(struct guard *g, const struct feeds_rule *r, const struct protect_hit *h)
{
	if (g->n_hits++ >= GUARD_HITS)
		return;
	struct guard_hit *to = &g->hits[g->n_hits - 1];
	*to = (struct guard_hit){
		.kind = h->kind, .index = h->index, .line = r->line, .why = h->why
	};
	to->depth = r->name != NULL ? (uint8_t)name_labels(r->name->wire) : 0;
	(void)guard_rule_text(r, to->rule, sizeof to->rule);
}

/* false: the rule is to be left out. */
static bool look_for_protected(struct guard *g, const struct feeds_rule *r)
{
	struct protect_hit h;
	if (r->rule.own_match == POLICY_MATCH_CLIENT + 1)
		return true; /* which clients a rule is for is the operator's to say */
	enum protect_kind kind = r->name != NULL
	                                 ? protect_covers(g->protected, r->name, r->rule.scope, &h)
	                                 : protect_covers_prefix(r->prefix, &h);
	if (kind == PROTECT_NOTHING)
		return true;
	g->is_touched = true;
	if (is_block(g, r)) {
		note_hit(g, r, &h);
		return false;
	}
	if (kind == PROTECT_NAME && r->rule.action == POLICY_ALLOW) {
		uint8_t depth = (uint8_t)(1 + name_labels(r->name->wire));
		if (g->allowed[h.index] < depth)
			g->allowed[h.index] = depth;
	}
	return true;
}

/* false: the pattern is to be left out. One that cannot be compared is no better than one that hits. */
static bool look_for_protected_by(struct guard *g, const struct feeds_rule *r,
                                  const struct probe *probe)
{
	struct protect_hit h = { .kind = PROTECT_SUFFIX,
		                 .why = "which cannot be compared with protected names" };
	unsigned n = protect_count(g->protected);
	if (!is_block(g, r))
		return true;
	if (g->n_probes > GUARD_PROBES)
		n = protect_count_builtin();
	g->n_probes += n;
	for (unsigned i = 0; probe != NULL && i < n; i++) {
		if (!probe_matches(probe, protect_at(g->protected, i)->wire))
			continue;
		h = (struct protect_hit){ PROTECT_NAME, i, protect_why(g->protected, i) };
		note_hit(g, r, &h);
		return false;
	}
	if (probe == NULL)
		note_hit(g, r, &h);
	return probe != NULL;
}

static bool takes_pattern(struct guard *g, const struct feeds_rule *r)
{
	if (!has_canaries(g->options) && g->protected == NULL)
		return true;
	struct probe *probe = probe_open(r->pattern->regex);
	look_for_canaries(g, r, probe);
	bool is_taken = g->protected == NULL || look_for_protected_by(g, r, probe);
	probe_close(probe);
	return is_taken;
}

bool guard_takes(struct guard *g, const struct feeds_rule *r)
{
	g->is_touched = false;
	if (r->pattern != NULL)
		return takes_pattern(g, r);
	look_for_canaries(g, r, NULL);
	return g->protected == NULL || look_for_protected(g, r);
}

/* ---- the whole ---- */

/* The list makes up for it by an exception as deep. */
static bool is_standing(const struct guard *g, const struct guard_hit *h)
{
	return h->kind != PROTECT_NAME || g->allowed[h->index] <= h->depth;
}

uint64_t guard_count(const struct guard *g)
{
	uint64_t n = g->n_hits;
	for (unsigned i = 0; i < g->n_hits && i < GUARD_HITS; i++)
		n -= !is_standing(g, &g->hits[i]);
	return n;
}

bool guard_first(const struct guard *g, char *ret_text, size_t room, uint64_t *ret_line)
{
	char name[NAME_TEXT_MAX];
	unsigned i = 0;
	while (i < g->n_hits && i < GUARD_HITS && !is_standing(g, &g->hits[i]))
		i++;
	if (i == g->n_hits || i == GUARD_HITS)
		return false;
	const struct guard_hit *h = &g->hits[i];
	*ret_line = h->line;
	if (h->kind == PROTECT_NAME) {
		name_to_text(protect_at(g->protected, h->index)->wire, name);
		snprintf(ret_text, room, "blocks %s, and so the protected %.60s (%s)", h->rule,
		         name, h->why);
	} else {
		snprintf(ret_text, room, "blocks %s, %s", h->rule, h->why);
	}
	return true;
}

/*
 * Without a good version before, or with one that had as many such rules, they are left out and
 * told: a list that always had one is worth more without it than not at all.
 */
static const char *judge_protected(const struct guard *g, const struct feeds_version *before,
                                   char *ret, size_t room, uint64_t *line)
{
	if (g->options->protected_mode != FEEDS_PROTECTED_REFUSE || before == NULL ||
	    guard_count(g) <= before->n_protected)
		return NULL;
	return guard_first(g, ret, room, line) ? ret : NULL;
}

static const char *judge_canaries(const struct guard *g, char *ret, size_t room, uint64_t *line)
{
	const struct feeds_guard *o = g->options;
	char name[NAME_TEXT_MAX];
	for (unsigned i = 0; i < o->n_listed; i++) {
		if (g->is_listed[i])
			continue;
		name_to_text(o->listed[i].wire, name);
		snprintf(ret, room, "does not list %.100s, which must be in it (canary-listed)",
		         name);
		return ret;
	}
	for (unsigned i = 0; i < o->n_clean; i++) {
		if (!g->is_dirty[i])
			continue;
		*line = g->dirty_line;
		name_to_text(o->clean[i].wire, name);
		snprintf(ret, room, "lists %.100s, which must not be in it (canary-clean)", name);
		return ret;
	}
	return NULL;
}

static const char *judge_size(const struct feeds_guard *o, uint64_t rules,
                              const struct feeds_version *version, char *ret, size_t room)
{
	uint64_t before = version != NULL ? version->rules : 0;
	if (!o->has_limits || before == 0)
		return NULL;
	bool is_shrunk = before >= GUARD_SMALL_LIST && rules < before &&
	                 (before - rules) * 100 > before * o->max_shrink_percent;
	bool is_grown = o->max_grow_percent > 0 && rules > before &&
	                rules - before > GUARD_GROW_FLOOR &&
	                (rules - before) * 100 > before * o->max_grow_percent;
	if (!is_shrunk && !is_grown)
		return NULL;
	snprintf(ret, room,
	         "has %" PRIu64 " rules, and the version in force has %" PRIu64 " (%s: %u)", rules,
	         before, is_shrunk ? "max-shrink" : "max-grow",
	         is_shrunk ? o->max_shrink_percent : o->max_grow_percent);
	return ret;
}

const char *guard_judge(const struct guard *g, uint64_t rules, const struct feeds_version *before,
                        char *ret_text, size_t room, uint64_t *ret_line)
{
	const char *why = judge_protected(g, before, ret_text, room, ret_line);
	if (why == NULL)
		why = judge_canaries(g, ret_text, room, ret_line);
	if (why == NULL)
		why = judge_size(g->options, rules, before, ret_text, room);
	return why;
}

static uint64_t digest_names(uint64_t d, const struct name *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		d = XXH3_64bits_withSeed(names[i].wire, names[i].len, d);
	return d;
}

uint64_t guard_digest(const struct feeds_guard *o)
{
	uint64_t d = (uint64_t)o->protected_mode + 1;
	if (o->protected_mode != FEEDS_PROTECTED_IGNORE)
		d += protect_digest(o->protected_names);
	return digest_names(digest_names(d, o->listed, o->n_listed) + 1, o->clean, o->n_clean);
}
