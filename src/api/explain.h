/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api/explain.h - the walk over everything that is judged for one question, as JSON.
 *
 * What:      explain.c lays out the stages in the order of policy/policy.h: the question's name;
 *            for each hop the name servers of the zones passed and then the alias's target; the
 *            addresses in the answer. match.c says for one subject which rules match it, which
 *            wins and why the others do not. explain_cache.c takes the facts out of the cache.
 *            The shape of the JSON is in docs/control.md.
 * Not here:  the text that people read -> print_explain.c; line numbers -> lines.h.
 * Threads:   a registered RCU thread, within one turn.
 * Memory:    jansson's heap.
 * Cost:      some microseconds a subject; not on the path of a question.
 * Limits:    API_MAX_MATCHES rules a subject.
 * Tests:     tests/unit/api/explain_test.c
 */
#pragma once

#include <jansson.h>

#include "api/api.h"
#include "local/local.h"
#include "seen/seen.h"

struct walk {
	const struct api_context *context;
	const struct policy *policy;
	uint16_t group;
	uint16_t type;
	struct name name; /* of the question */
	struct name_hashes hashes;
	uint32_t age_s;           /* of its registered domain; SEEN_NOT_NEW */
	json_t *stages;           /* an array, in the order of judging */
	struct verdict verdict;   /* the first winner; action POLICY_NONE until one is found */
	struct name decided_name; /* the name that it matched (name triggers) */
	bool is_decided;
	/* Groups with policy zones: of what is known at once the best rule wins. */
	bool has_zones, is_strict, has_client;
	bool is_pending; /* strict: the verdict may still be overruled by the answer */
	uint16_t late_tier;
	struct addr client;
	bool has_best;
	struct verdict best;    /* of this step so far; name: the subject's */
	enum local_outcome own; /* not UNKNOWN: answered from local data, nothing is looked up */
	char own_source[LOCAL_SOURCE_MAX];
	json_t *domain_json; /* the "domain" object of the reply; NULL: none */
	json_t *own_json;    /* the "local" object of the reply; NULL: none */
};

/* What is judged at once: a name (lower not NULL) or an address. */
struct subject {
	enum policy_trigger trigger;
	const uint8_t *lower;
	const struct addr *addr;
	const uint8_t *zone; /* of server triggers: whose servers (min-ns-dots) */
};

/*
 * Append what matches the subject to `matches`, judge it, and let it decide the walk if it is
 * the first that can. Returns true when it did.
 */
bool walk_judge(struct walk *w, const struct subject *s, json_t *matches);
/* What the group is like; once, before all others. */
void walk_begin(struct walk *w);
/*
 * Where all of a step is judged: client and name; the servers of a cut; an alias; addresses. With
 * evaluation: strict a step is a whole stage (walk_end_stage()).
 */
void walk_end_step(struct walk *w);
void walk_end_stage(struct walk *w);

/* Append a stage (taken): "looked_at", "decides" and "matches" (taken) are added here. */
void walk_add_stage(struct walk *w, json_t *stage, json_t *matches, bool was_decided);

/* What is known of the question's registered domain, and its age; NULL: nothing (explain_domain.c). */
json_t *walk_domain(struct walk *w);

/* The stages that the cache knows of; returns the "cache" object of the reply. */
json_t *walk_cache(struct walk *w);

/* {"action", "by", "list", "rule", "edit"} of a verdict; lower: the name judged, or NULL. */
json_t *verdict_to_json(const struct policy *p, const struct verdict *v, const uint8_t *lower);
json_t *edit_to_json(const struct policy_edit *e);

/* Extended error code of a blocked answer (RFC 8914). */
uint16_t verdict_ede_code(const struct policy *p, const struct verdict *v);

enum {
	WALK_SENTENCE_MAX = 1024
};
/* What the client gets, in one sentence. */
void walk_sentence(const struct walk *w, const char *client, bool is_complete,
                   char ret[WALK_SENTENCE_MAX]);
