/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/snapshot.h - the inside of struct policy.
 *
 * What:      the image, the lists as configured, and for each group a row that says, for each
 *            list of the image, whether and how it takes part: one look-up a rule.
 * Threads:   immutable after policy_new, but for the generation (atomic).
 * Memory:    14 bytes a group and list; the image is counted.
 * Tests:     tests/unit/policy/snapshot_test.c
 */
#pragma once

#include "policy/clients.h"
#include "policy/image.h"

enum {
	RANK_NONE = 0xffff,
	TIER_EDITS = 0,     /* edits that stand before a policy zone */
	TIER_FIRST = 1,     /* of lists */
	TIER_NONE = 0xffff, /* behind all tiers: no rule, or the default */
};

/* What a list of the image is to a group. */
struct policy_part {
	uint16_t rank;  /* position in the group's lists; RANK_NONE: not among them */
	uint8_t match;  /* enum policy_match */
	uint8_t action; /* enum policy_action, the list's own; POLICY_NONE: what rules say */
	uint16_t tier;  /* of the group: each policy zone, and plain lists that follow each other */
	bool is_rpz, is_shadow;
	bool keeps_dnssec;
	bool names_as_servers, answers_as_servers, is_for_all;
	uint8_t local_data; /* enum policy_local_data */
	uint8_t min_ns_dots;
	bool is_known;       /* it is configured */
	bool is_conditional; /* it holds for some types, or at some hours: part_holds() */
};

struct policy_list {
	char name[POLICY_LIST_NAME_MAX + 1];
	char *path;
	enum policy_action action;
	enum policy_match match;
	bool is_shadow;
	uint16_t slot; /* policy_list_slot() */
	uint16_t ede_code;
	uint32_t ttl_s;
	/* As in struct policy_list_spec. */
	bool is_rpz, no_ns_wait, keeps_dnssec, no_soa, has_max_ttl;
	bool names_as_servers, answers_as_servers, is_for_all, must_be_loaded;
	enum policy_local_data local_data;
	uint8_t min_ns_dots;
	uint32_t max_ttl_s;
	char *ede_text;
	uint16_t types[POLICY_LIST_TYPES];
	uint8_t n_types;
	bool types_are_not, has_hours;
	atomic_bool is_asleep;
	uint32_t first_seen_s;
	/* Hashes of the names at and below which it holds, sorted; or of those where it does not. */
	uint64_t *suffixes;
	uint32_t n_suffixes;
	bool suffixes_are_not;
	struct policy_data data;
	const struct image_list *image; /* NULL: not in the image */
	uint32_t image_list;            /* its index there */
};

struct policy_group {
	char name[POLICY_LIST_NAME_MAX + 1];
	uint64_t id; /* of the name: policy_group_id() */
	bool is_default_deny, log_all, use_dns64, is_rebinding_checked;
	bool has_rules[POLICY_MATCH_COUNT];    /* some list has rules of that match */
	bool has_patterns[POLICY_MATCH_COUNT]; /* some of them are patterns */
	bool has_log[POLICY_MATCH_COUNT];      /* and some of them may be `log`, or in shadow */
	bool has_types;                        /* some rule is for some types of questions only */
	bool wants_age;                        /* some list is for new domains only */
	bool has_rpz;      /* there are several tiers, or the order of the draft */
	bool is_strict;    /* evaluation: strict */
	bool is_unready;   /* some list that must be there was never loaded */
	bool keeps_dnssec; /* some policy zone does */
	uint8_t ns_families, ns_waits, min_ns_dots; /* struct policy_group_view */
	bool edits_are_apart; /* edits stand before tier 0, which is a policy zone */
	uint16_t late_tier;   /* the first with rules on answers or name servers; TIER_NONE */
	enum policy_learn learn;
	bool fills_firewall;
	enum policy_action deny_action;
	const struct policy_part *parts; /* by image list */
	uint16_t *lists;
	uint32_t n_lists;
};

struct policy {
	const struct policy_image *image; /* never NULL inside when n_image_lists > 0 */
	bool has_log_rules;               /* the image's */
	uint32_t n_lists, n_groups, n_image_lists;
	struct policy_list *lists;
	struct policy_group *groups;
	struct policy_part *parts; /* n_groups rows of n_image_lists, then one of no group */
	uint16_t *list_of_image;   /* image list -> list, POLICY_NO_LIST */
	struct clients clients;
	_Atomic uint32_t generation;
};

/* Lists of this match are compared with a trigger's subjects. */
static inline enum policy_match match_of_trigger(enum policy_trigger t)
{
	switch (t) {
	case POLICY_TRIGGER_ANSWER:
		return POLICY_MATCH_ANSWER;
	case POLICY_TRIGGER_SERVER_NAME:
	case POLICY_TRIGGER_SERVER_ADDRESS:
		return POLICY_MATCH_NAMESERVER;
	case POLICY_TRIGGER_CLIENT:
		return POLICY_MATCH_CLIENT;
	default:
		return POLICY_MATCH_NAME;
	}
}

/*
 * The action of a rule in a list. A list of action `log` only ever reports: what its rules say
 * themselves is not done, and its exceptions are not matches.
 */
static inline enum policy_action rule_action(uint8_t own, const struct policy_part *part)
{
	uint8_t of_list = part->action;
	if (part->is_rpz) /* the operator's word overrides the zone's, passthru as well */
		return of_list != POLICY_NONE ? of_list : own;
	if (of_list == POLICY_LOG)
		return own == POLICY_ALLOW ? POLICY_NONE : POLICY_LOG;
	return own != POLICY_NONE ? own : of_list;
}

/* What a list does not hold for, or LIST_HOLDS. */
enum list_off {
	LIST_HOLDS,
	LIST_ASLEEP,
	LIST_OTHER_TYPE,
	LIST_OLD_DOMAIN,
	LIST_OTHER_SUFFIX,
};
/* hashes: of the name that is judged; NULL: an address is (conditions.c). */
enum list_off list_off(const struct policy_list *l, const struct policy_terms *terms,
                       const struct name_hashes *hashes);
/* Copy the conditions of a specification. 0, -EINVAL, -ENOMEM. */
MUST_USE int list_set_conditions(struct policy_list *l, const struct policy_list_spec *spec);
static inline bool list_is_conditional(const struct policy_list *l)
{
	return l->has_hours || l->n_types > 0 || l->first_seen_s > 0 || l->n_suffixes > 0;
}

static inline bool part_holds(const struct policy *p, const struct policy_part *part,
                              uint16_t image_list, const struct policy_terms *terms,
                              const struct name_hashes *hashes)
{
	return LIKELY(!part->is_conditional) ||
	       list_off(&p->lists[p->list_of_image[image_list]], terms, hashes) == LIST_HOLDS;
}

/* What the rule is compared with. */
static inline unsigned rule_match(uint8_t scope_bits, const struct policy_part *part)
{
	unsigned own = image_own_match(scope_bits);
	return own != 0 ? own - 1 : part->match;
}

/*
 * Is the rule compared with this? RULE_TWIN: as if it stood in its zone once more as one on name
 * servers (qname-as-ns, ip-as-ns).
 */
enum rule_meets {
	RULE_OTHER,
	RULE_ITSELF,
	RULE_TWIN,
};
static inline enum rule_meets rule_meets(uint8_t scope_bits, const struct policy_part *part,
                                         unsigned match)
{
	unsigned own = rule_match(scope_bits, part);
	if (own == match)
		return RULE_ITSELF;
	if (match != POLICY_MATCH_NAMESERVER)
		return RULE_OTHER;
	return (own == POLICY_MATCH_NAME && part->names_as_servers) ||
	                       (own == POLICY_MATCH_ANSWER && part->answers_as_servers)
	               ? RULE_TWIN
	               : RULE_OTHER;
}

/*
 * How a rule compares with others that match at the same depth: the smallest wins. Whether a rule
 * covers the name alone or its tree plays no part: an allow of a tree must stand against the same
 * name in a hosts file. Twins stand behind the rules that are written for servers.
 */
static inline uint32_t rule_order(uint8_t scope_bits, enum policy_action action, uint16_t rank)
{
	uint32_t is_plain = (scope_bits & IMAGE_IMPORTANT) == 0;
	uint32_t is_block = action != POLICY_ALLOW;
	return is_plain << 17 | is_block << 16 | rank;
}

static inline uint32_t twin_order(enum rule_meets meets)
{
	return meets == RULE_TWIN ? 1U << 18 : 0;
}

/* Does a rule of this scope match, at the full name or above it? */
static inline bool scope_matches(uint8_t scope_bits, bool is_full_name)
{
	return (scope_bits & IMAGE_SCOPE_MASK) !=
	       (is_full_name ? POLICY_SCOPE_BELOW : POLICY_SCOPE_EXACT);
}

/* The list of this name in every snapshot; POLICY_NO_LIST: too many names (slots.c). */
uint16_t slot_of_list(const char *name);

/* The next number of the one counter of generations; never 0. */
uint32_t generation_next(void);
/* Something beside the snapshot changed: the one in force gets a new generation. */
void policy_touch(void);
