/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/policy.h - the front door of the policy: what is listed, for whom, and which rule wins.
 *
 * What:      a `struct policy` is one immutable snapshot: the image (names and prefixes of all
 *            lists, mapped from a file), the operator's edits in front of it, the groups of
 *            clients. Judging is pure: no clock, no socket, no allocation.
 *
 *            The order of precedence, for one subject (a name, or an address):
 *              1  the deepest rule wins: longer name before shorter, whether the rule covers
 *                 the name alone or its tree; longer prefix before shorter;
 *              2  at the same depth: an operator's edit (weir allow, weir block), then a rule
 *                 marked important, then allow, then block;
 *              3  among equals, the list that stands first in the group's `lists:`.
 *            Patterns stand at the depth of the root: all that names the name goes before them.
 *            Among edits of one name one for the name alone comes first, then one for the
 *            group, then allow.
 *            A rule of action `log` never wins; it is reported beside the winner. A list of
 *            action `log` only reports, whatever its rules say themselves. A list in shadow
 *            never wins either; it is reported, with the action, where it would have won.
 *            Between subjects, the first stage that has a winner decides:
 *              question name; then for each hop of the chain: name servers (names, addresses)
 *              of the zones passed, then the alias target's name; then addresses in the answer.
 *            An allow that wins at any stage ends the walk: nothing after it is looked at.
 *            A group with `default: deny` refuses a question name that no allow rule won.
 * Not here:  reading list files -> feeds/feeds.h; doing what the verdict says -> serve/.
 * Threads:   a snapshot is immutable after publish; policy_current() under RCU (base/rcu.h).
 *            Building, publishing and editing: the housekeeping thread only.
 * Memory:    a snapshot owns its memory; verdicts point into it and are borrowed until the
 *            reader's next quiet point.
 * Cost:      hot path; judging a name: one hash probe a label; never allocates or blocks.
 * Limits:    4096 lists, 1024 groups, 100,000 edits, 16 M distinct sets of rules, 64 different
 *            rules of one list for one name; 10 million names in 200 MB.
 * Standards: RFC 8914 4.16-4.19 (extended error codes 15-18)
 * Tests:     tests/unit/policy/, tests/fuzz/image_fuzz.c
 */
#pragma once

#include <stdatomic.h>

#include "base/addr.h"
#include "dns/message.h"
#include "dns/name.h"

struct policy;
struct policy_list;
struct policy_image;

enum {
	POLICY_MAX_LISTS = 4096,
	POLICY_MAX_GROUPS = 1024,
	POLICY_NO_GROUP = 0xffff,
	POLICY_NO_LIST = 0xffff,
	POLICY_MAX_LOGGED = 4, /* `log` matches reported with one verdict; more are dropped */
	POLICY_LIST_NAME_MAX = 63,
	POLICY_EDE_TEXT_MAX = 127,
	POLICY_RECORD_HEAD_BYTES = 8, /* in policy_data.records */
	POLICY_LIST_TYPES = 16,
	POLICY_PATTERN_MAX = 512, /* bytes of an expression */
	POLICY_PATTERN_WHY_MAX = 128,
	POLICY_LIST_SUFFIXES = 2000, /* of tlds: of one list */
};

/* What a rule does. The order is not a ranking. */
enum policy_action {
	POLICY_NONE = 0, /* no rule won */
	POLICY_ALLOW,
	POLICY_LOG,
	POLICY_NXDOMAIN,
	POLICY_NODATA,
	POLICY_REFUSED,
	POLICY_DROP,
	POLICY_TRUNCATE, /* over UDP: TC=1, come back over TCP; over TCP the real answer */
	POLICY_ADDRESS,  /* answer with the list's (or rule's) addresses */
	POLICY_REDIRECT, /* answer with a CNAME to the list's (or rule's) target */
	POLICY_RECORDS,  /* answer with the rule's records (local data of policy zones) */
};

/* What a list's rules are compared with (`match:`). */
enum policy_match {
	POLICY_MATCH_NAME = 0,   /* question name and alias targets */
	POLICY_MATCH_ANSWER,     /* addresses in answers: A, AAAA, SVCB/HTTPS hints */
	POLICY_MATCH_NAMESERVER, /* names and addresses of the name servers asked */
	POLICY_MATCH_CLIENT,     /* the client's address (policy zones: rpz-client-ip) */
};
enum {
	POLICY_MATCH_COUNT = POLICY_MATCH_CLIENT + 1
};

/* Which part of a name tree a rule covers. */
enum policy_scope {
	POLICY_SCOPE_EXACT = 0, /* the name only */
	POLICY_SCOPE_TREE,      /* the name and everything below it */
	POLICY_SCOPE_BELOW,     /* everything below it, not the name */
};

/* What kind of thing the winning rule matched. */
enum policy_trigger {
	POLICY_TRIGGER_NONE = 0,
	POLICY_TRIGGER_QUESTION, /* the question's name */
	POLICY_TRIGGER_ALIAS,    /* the target of a CNAME or DNAME, or of SVCB/HTTPS alias mode */
	POLICY_TRIGGER_ANSWER,   /* an address in the answer */
	POLICY_TRIGGER_SERVER_NAME,    /* the name of a name server */
	POLICY_TRIGGER_SERVER_ADDRESS, /* the address of a name server */
	POLICY_TRIGGER_DEFAULT,        /* default: deny */
	POLICY_TRIGGER_CLIENT,         /* the client's address */
	POLICY_TRIGGER_REBINDING,      /* a private address from the public DNS: no rule, serve/ */
	POLICY_TRIGGER_DETECTOR,       /* no rule: a detector's finding (detect/detect.h) */
};

/* Local data of `address` and `redirect`; interned in the snapshot. */
struct policy_data {
	const struct addr *addrs; /* ADDRESS; of both families */
	unsigned n_addrs;
	const uint8_t *target; /* REDIRECT: wire name, lower case */
	/* Of rules in policy zones: */
	bool is_target_suffix; /* REDIRECT: the target goes behind the whole name (CNAME *.x) */
	bool has_ttl;          /* the rule has a TTL of its own: */
	uint32_t ttl_s;
	const uint8_t *records; /* RECORDS: type (2 bytes), TTL (4), length (2), data; and so on */
	size_t records_bytes;   /* at most 64 KiB; names in the data are not compressed */
	/* The types of questions that the rule is for, 2 bytes each; none: all. */
	const uint8_t *types;
	uint8_t n_types;
	bool types_are_not; /* for all but these */
};

static inline bool policy_data_is_for(const struct policy_data *d, uint16_t type)
{
	for (unsigned i = 0; i < d->n_types; i++) {
		if (load16(d->types + 2UL * i) == type)
			return !d->types_are_not;
	}
	return d->n_types == 0 || (d->types_are_not && type != 0);
}

/* One record of policy_data.records. */
struct policy_record {
	uint16_t type, rdata_len;
	uint32_t ttl_s;
	const uint8_t *rdata;
};

/* The next record; *at starts as 0. False: there is none. */
static inline bool policy_record_next(const struct policy_data *d, size_t *at,
                                      struct policy_record *ret)
{
	if (d->records_bytes < *at + POLICY_RECORD_HEAD_BYTES)
		return false;
	const uint8_t *p = d->records + *at;
	ret->type = load16(p);
	ret->ttl_s = load32(p + 2);
	ret->rdata_len = load16(p + 6);
	ret->rdata = p + POLICY_RECORD_HEAD_BYTES;
	*at += POLICY_RECORD_HEAD_BYTES + ret->rdata_len;
	return *at <= d->records_bytes;
}

/* What a pattern rule was made of. */
struct policy_pattern {
	const char *text; /* as the list has it */
	uint32_t line;    /* in the list's file when it was read */
};

/* One operator's edit (weir block, weir allow). */
struct policy_edit {
	struct name name;
	enum policy_action action; /* POLICY_ALLOW or POLICY_NXDOMAIN or what --action said */
	enum policy_scope scope;   /* TREE unless --exact */
	uint16_t group;            /* in policy_edit_add, if group_name is empty; POLICY_NO_GROUP:
				      all groups. Elsewhere read group_name, which lasts */
	char group_name[POLICY_LIST_NAME_MAX + 1]; /* "" for all */
	uint64_t made_s;                           /* wall clock */
	uint64_t expires_s;                        /* wall clock; 0 = never */
	char who[64];     /* user name (uid) of the caller, from the socket */
	char reason[256]; /* escaped UTF-8 text; may be "" */
};

/* The outcome for one subject. Pointers are borrowed until the next quiet point. */
struct verdict {
	enum policy_action action; /* POLICY_NONE: nothing won */
	enum policy_trigger trigger;
	enum policy_scope scope; /* of the winning rule */
	bool is_important;
	uint16_t list;         /* index into the snapshot's lists, POLICY_NO_LIST for an edit or
				 the default */
	uint16_t tier;         /* of the group; smaller ones go before (docs/why/008) */
	uint8_t rule_depth;    /* the rule's name is the subject's last rule_depth labels */
	uint8_t prefix_length; /* address triggers: the rule's prefix, in the family's own count */
	uint8_t n_logged;
	uint16_t logged[POLICY_MAX_LOGGED];      /* lists whose `log` rules matched, or in shadow */
	uint8_t logged_depth[POLICY_MAX_LOGGED]; /* and how deep */
	uint8_t logged_action[POLICY_MAX_LOGGED];  /* POLICY_LOG; another: what a list in shadow
						      would have done */
	uint8_t logged_trigger[POLICY_MAX_LOGGED]; /* enum policy_trigger */
	/* Of verdicts that resolve/ hands up: the snapshot that numbers are of; else not set. */
	const struct policy *policy;
	const char *detector;                 /* trigger DETECTOR: its name, static */
	const struct policy_edit *edit;       /* not NULL: an edit won */
	const struct policy_data *data;       /* ADDRESS and REDIRECT */
	const struct policy_pattern *pattern; /* not NULL: a pattern won; rule_depth is 0 */
	const struct policy_pattern *logged_pattern[POLICY_MAX_LOGGED]; /* not NULL: it was one */
	struct addr addr; /* the address that matched (address triggers) */
	struct name name; /* what matched (name triggers but QUESTION); len 0 else */
};

static inline bool verdict_is_block(const struct verdict *v)
{
	return v->action >= POLICY_NXDOMAIN;
}

/* Add to v what `log` rules matched in another verdict; what does not fit is left out. */
static inline void verdict_keep_logged(struct verdict *v, const struct verdict *from)
{
	for (unsigned i = 0; i < from->n_logged && v->n_logged < POLICY_MAX_LOGGED; i++) {
		v->logged[v->n_logged] = from->logged[i];
		v->logged_action[v->n_logged] = from->logged_action[i];
		v->logged_trigger[v->n_logged] = from->logged_trigger[i];
		v->logged_pattern[v->n_logged] = from->logged_pattern[i];
		v->logged_depth[v->n_logged++] = from->logged_depth[i];
	}
}

/* ---- reading: any registered RCU thread ---- */

/* The snapshot in force; never NULL after policy_publish() was called once. */
const struct policy *policy_current(void);

/* Changes whenever any verdict may change: a publish, an edit, an expiry. Never 0. */
uint32_t policy_generation(const struct policy *p);

/* The group with the longest prefix that covers the client; POLICY_NO_GROUP if none. */
uint16_t policy_group_of(const struct policy *p, const struct addr *client);

/* Does the group find out what it needs before default deny holds? (learn/learn.h) */
enum policy_learn {
	POLICY_LEARN_OFF = 0,
	POLICY_LEARNING, /* is_default_deny is false meanwhile */
	POLICY_LEARNED,  /* enforced: what is denied now is drift */
};

struct policy_group_view {
	const char *name;
	bool is_default_deny;
	enum policy_action deny_action; /* NXDOMAIN unless configured */
	bool has_alias_rules;           /* some name list: hops need judging */
	bool has_answer_rules;          /* some match: answer list */
	bool has_server_rules;          /* some match: nameserver list */
	bool has_client_rules;          /* some policy zone has rules on client addresses */
	bool has_zones;                 /* policy zones: the lists are several tiers */
	bool is_strict;                 /* has_zones, and evaluation: strict */
	bool keeps_dnssec;              /* some policy zone has break-dnssec: false */
	uint8_t ns_families;            /* of whose name server addresses some want to know all:
	                                   1 IPv4, 2 IPv6 */
	uint8_t ns_waits;               /* and for which of them it is waited (ns-wait) */
	uint8_t min_ns_dots;            /* of zones with fewer dots none wants them */
	uint16_t late_tier;             /* the first with rules on answers or name servers */
	bool has_types;                 /* some rule holds for some types of questions only */
	bool log_all;                   /* events for every question */
	enum policy_learn learn;
	bool fills_firewall;       /* addresses in answers go to firewall/ */
	bool use_dns64;            /* serve/ makes AAAA records of A records */
	bool is_rebinding_checked; /* serve/ stops private addresses from the public DNS */
	unsigned n_lists;
	const uint16_t *lists; /* in order */
};
void policy_group_view(const struct policy *p, uint16_t group, struct policy_group_view *ret);
/* has_zones and has_client_rules alone, for the path of a cached or blocked answer. */
/* Some list that must be there was never loaded. */
bool policy_group_is_ready(const struct policy *p, uint16_t group);
bool policy_group_has_zones(const struct policy *p, uint16_t group);
bool policy_group_judges_clients(const struct policy *p, uint16_t group);
/* Some list of the group holds for new domains only: policy_terms.age_s is wanted. */
bool policy_group_wants_age(const struct policy *p, uint16_t group);
unsigned policy_n_groups(const struct policy *p);
uint16_t policy_group_named(const struct policy *p, const char *name); /* or POLICY_NO_GROUP */
/*
 * What a group is known by across snapshots, where numbers mean another group or none: for who waits
 * while the policy changes. Never 0, but for POLICY_NO_GROUP; and back: POLICY_NO_GROUP if this
 * snapshot has no such group.
 */
uint64_t policy_group_id(const struct policy *p, uint16_t group);
uint16_t policy_group_of_id(const struct policy *p, uint64_t id);

struct policy_list_view {
	const char *name; /* at most POLICY_LIST_NAME_MAX bytes of [a-zA-Z0-9._-] */
	enum policy_action action;
	enum policy_match match;
	uint16_t ede_code; /* 15-18 */
	uint32_t ttl_s;    /* of blocked answers */
	uint32_t n_names, n_prefixes, n_patterns;
	uint32_t n_skipped;
	uint64_t loaded_s;    /* wall clock of the file that is in force */
	const char *path;     /* the file it came from; explain looks the line up there */
	const char *ede_text; /* "" for the usual one */
	bool is_rpz, keeps_dnssec, no_soa, has_max_ttl, is_for_all;
	uint32_t max_ttl_s;
	/* The SOA that the list's zone came with; soa NULL: none. */
	const uint8_t *soa_owner, *soa; /* wire names; rdata */
	uint32_t soa_bytes, soa_ttl_s, serial;
	bool is_shadow;        /* reports what it would do, and does nothing */
	bool is_asleep;        /* it does not hold at this hour */
	uint32_t first_seen_s; /* it holds for domains that are newer; 0: for all */
	bool has_suffixes;     /* it holds below some names only, or not below them */
};
unsigned policy_n_lists(const struct policy *p);
/*
 * Where the list's counts are kept (serve/serve.h): one number for a list's name as long as the
 * process lives, so that they outlast reloads. POLICY_NO_LIST: it is not counted, because there
 * were POLICY_MAX_LISTS other names before, or there is no such list.
 */
uint16_t policy_list_slot(const struct policy *p, uint16_t list);
void policy_list_view(const struct policy *p, uint16_t list, struct policy_list_view *ret);

/*
 * Judge a name. `hashes` are those of `lower` (name_hash_all). `trigger` is QUESTION, ALIAS
 * or SERVER_NAME and chooses the lists by their `match`. On QUESTION a `default: deny` group
 * gets action deny_action with trigger DEFAULT when no rule won. ret is written whole, but
 * for ret->name, which the caller fills if it keeps the verdict.
 */
void policy_judge_name(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                       const uint8_t *lower, const struct name_hashes *hashes, struct verdict *ret);

/* Bring into the processor's cache what judging this name will look at. */
void policy_prefetch_name(const struct policy *p, const struct name_hashes *hashes);

/* Judge an address; trigger is ANSWER, SERVER_ADDRESS or CLIENT. */
void policy_judge_address(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                          const struct addr *a, struct verdict *ret);

/* What judging may take into account beside the subject. */
struct policy_terms {
	uint16_t type;   /* of the question; 0: not known: local data is taken to have it */
	uint8_t ns_dots; /* dots in the name of the zone whose servers are judged (min-ns-dots) */
	bool is_secure;  /* the client set DO, and the answer is signed and good (break-dnssec) */
	bool no_zones;   /* policy zones are not looked at */
	bool is_unrecursed; /* the question is without RD: zones that are for all only */
	/* How long ago the registered domain of the question was first seen here (seen/seen.h). */
	bool has_age; /* false: not known, or known for ever: it is not new */
	uint32_t age_s;
	/* Of the question's name, for lists of addresses that hold below some names; NULL: not known. */
	const struct name_hashes *question;
};
/* Nothing is known. */
extern const struct policy_terms policy_any_terms;

/* The two above are these, with policy_any_terms. */
void policy_judge_name_on(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                          const uint8_t *lower, const struct name_hashes *hashes,
                          const struct policy_terms *terms, struct verdict *ret);
void policy_judge_address_on(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                             const struct addr *a, const struct policy_terms *terms,
                             struct verdict *ret);

/*
 * Of two verdicts of one stage (docs/why/008), both of the same group: does a go before b? In one
 * policy zone by the order of the RPZ draft (5.3 to 5.7); among plain lists never, so that the
 * subject that was judged first stays. Name triggers compare by verdict.name.
 */
bool verdict_goes_before(const struct policy *p, const struct verdict *a, const struct verdict *b);

/*
 * Groups with policy zones: the alias chain stage by stage. Each of the three gives what it judges to
 * policy_stages_take(). hop: 0 is the question's name (and the client's address), 1 the first alias.
 */
struct policy_stages {
	const struct policy *policy;
	bool is_strict;
	unsigned n_targets; /* aliases */
	void (*take_name)(void *arg, unsigned hop);
	void (*take_servers)(void *arg, unsigned hop);
	void (*take_addresses)(void *arg);
	void *arg;
	struct verdict
		*best; /* the caller's, with no action at first; what only reports gathers there */
};
void policy_stages_take(struct policy_stages *s, struct verdict *v); /* v is lost */
/* True: best has decided. */
bool policy_stages_run(struct policy_stages *s);

/*
 * The winning rule as text: "*.evil.example" (BELOW), "evil.example", "192.0.2.0/24",
 * "default: deny", "detector leak". `subject` is the name that was judged (NULL for address triggers).
 * ret_text: NAME_TEXT_MAX + 8 bytes. Returns the length.
 */
size_t verdict_rule_text(const struct verdict *v, const uint8_t *subject, char *ret_text);

/* "nxdomain", "allow", ...; and back, -EINVAL for others. */
const char *policy_action_name(enum policy_action a);
MUST_USE int policy_action_from_text(const char *text, enum policy_action *ret);
const char *policy_trigger_name(enum policy_trigger t);

/* ---- explaining ---- */

/* One rule that matched, winner or not. */
struct policy_match_found {
	enum policy_action action;
	enum policy_scope scope;
	uint16_t list;
	uint16_t tier; /* of the group; 0xffff: the group does not use it */
	uint8_t rule_depth, prefix_length;
	bool is_important, in_group, is_winner; /* in_group: the group uses this list */
	bool is_twin;   /* of a rule on names or answers (qname-as-ns, ip-as-ns) */
	bool is_shadow; /* the list only reports; it never wins */
	bool is_off;    /* the list is for other questions, names or hours: policy_list_why_off() */
	const struct policy_edit *edit;
	const struct policy_data *data;
	const struct policy_pattern *pattern;
};

/*
 * Every rule that matches, of all lists, also those the group does not use, in the order of
 * precedence. Give a name (with hashes) or, when lower is NULL, an address.
 * Returns how many there are; at most max are written.
 */
unsigned policy_find_all(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                         const uint8_t *lower, const struct name_hashes *hashes,
                         const struct addr *a, struct policy_match_found *ret, unsigned max);
unsigned policy_find_all_on(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                            const uint8_t *lower, const struct name_hashes *hashes,
                            const struct addr *a, const struct policy_terms *terms,
                            struct policy_match_found *ret, unsigned max);

/* Why a list does not hold for this (is_off); a name's hashes, or NULL for an address. */
const char *policy_list_why_off(const struct policy *p, uint16_t list,
                                const struct policy_terms *terms, const struct name_hashes *hashes);

/* ---- building: the housekeeping thread ---- */

/* What a policy zone's local data means for a type that it lacks. */
enum policy_local_data {
	POLICY_LOCAL_GIVEN = 0, /* NODATA */
	POLICY_LOCAL_OR_PASSTHRU,
	POLICY_LOCAL_OR_DISABLED, /* reported, and the next rule is looked at */
};

struct policy_list_spec {
	char name[POLICY_LIST_NAME_MAX + 1];
	enum policy_action action; /* POLICY_NONE, for policy zones only: what each rule says */
	enum policy_match match;   /* of rules that do not say it themselves */
	uint16_t ede_code;         /* 0xffff: none */
	uint32_t ttl_s;
	struct policy_data data; /* for action address, redirect; copied */
	bool is_shadow;
	bool must_be_loaded; /* until it was once, its groups are not ready */
	/* The types of questions it holds for, none: all; with types_are_not all but these. */
	uint16_t types[POLICY_LIST_TYPES];
	uint8_t n_types;
	bool types_are_not;
	bool has_hours, is_asleep; /* it holds at times; not now: policy_list_set_asleep() */
	uint32_t first_seen_s;     /* 0: whatever the age of the domain */
	/* Names at and below which it holds, none: all; with suffixes_are_not all but those. */
	const struct name *suffixes; /* lower case; copied */
	unsigned n_suffixes;
	bool suffixes_are_not;
	char path[4096];
	/* A policy zone (RPZ): a tier of its own, with the order of the RPZ draft inside. */
	bool is_rpz;
	enum policy_local_data local_data;
	uint8_t min_ns_dots; /* zones with fewer dots in their name: servers are not judged */
	bool no_ns_wait;     /* addresses of name servers: only those at hand */
	bool keeps_dnssec;   /* not for questions with DO whose answer is signed and good */
	bool no_soa;         /* in the additional section of what it answered */
	/* Rules on names, and on addresses of answers, are also compared with name servers. */
	bool names_as_servers, answers_as_servers;
	bool is_for_all; /* questions, with RD or without */
	bool has_max_ttl;
	uint32_t max_ttl_s;
	char ede_text[POLICY_EDE_TEXT_MAX + 1]; /* "": the list and the rule */
};

struct policy_group_spec {
	char name[POLICY_LIST_NAME_MAX + 1];
	struct addr_prefix *clients;
	unsigned n_clients;
	uint16_t *lists; /* indices into the list specs, in order */
	unsigned n_lists;
	bool is_default_deny;
	enum policy_action deny_action;
	bool log_all;
	bool use_dns64, is_rebinding_checked;
	bool is_strict; /* evaluation: strict */
	enum policy_learn learn;
	bool fills_firewall;
};

/* ---- patterns: regular expressions over names ---- */

/* Why an expression cannot be a rule. */
enum policy_pattern_fault {
	POLICY_PATTERN_GOOD = 0,
	POLICY_PATTERN_SYNTAX,     /* not understood: ret_why says what */
	POLICY_PATTERN_EVERYTHING, /* matches the empty text: nobody means that */
	POLICY_PATTERN_BUDGET,     /* too long, or compiling it takes too much */
};

/* Is this expression (NUL-terminated) fit to be a rule? About 50 us. ret_why: one line. */
enum policy_pattern_fault policy_pattern_check(const char *regex,
                                               char ret_why[POLICY_PATTERN_WHY_MAX]);

/* How many threads judge names: before the first set is made or read (4 otherwise). */
void policy_set_threads(unsigned n);

enum {
	POLICY_PATTERN_TYPES = 8
};

/* One pattern rule, for policy_patterns_add(). */
struct policy_pattern_rule {
	const char *text;  /* as the list has it, at most POLICY_PATTERN_MAX bytes */
	const char *regex; /* what policy_pattern_check() found good */
	uint32_t line;
	bool is_important;
	enum policy_action action;      /* POLICY_NONE: the list's own */
	const struct policy_data *data; /* NULL: the list's own; one address or a target */
	/* The types of questions that it is for; none: all. */
	uint16_t types[POLICY_PATTERN_TYPES];
	uint8_t n_types;
	bool types_are_not; /* for all but these */
};

/*
 * The patterns of all lists: collected, then made into a set, which is attached to an image. Sets
 * are immutable and counted; an image drops its own with itself.
 */
struct policy_patterns;
struct policy_pattern_set;

MUST_USE int policy_patterns_new(struct policy_patterns **ret); /* 0, -ENOMEM */
void policy_patterns_free(struct policy_patterns *b);
/* 0, -ENOMEM, -EINVAL; -E2BIG: there are too many, this one is skipped. Everything is copied. */
MUST_USE int policy_patterns_add(struct policy_patterns *b, const char *list_name,
                                 const struct policy_pattern_rule *rule);
/* The rules that an image's set has of a list, once more. 0, -ENOMEM, -E2BIG. */
MUST_USE int policy_patterns_keep(struct policy_patterns *b, const struct policy_image *from,
                                  const char *list_name);

/* A rule that could not be had, after all. */
struct policy_pattern_dropped {
	const char *list_name, *text, *why;
	uint32_t line;
	enum policy_pattern_fault fault;
};

/*
 * policy_patterns_make - the set of what was collected.
 *
 * @current: NULL, or an image whose database is taken if the expressions are the same
 * @dropped: called for each rule that did not fit the budget
 * @ret:     NULL when there is no rule; else the caller's reference
 *
 * Blocks for about 1 ms a pattern, in the end for PATTERNS_MAKE_MS. 0; -ENOMEM.
 */
MUST_USE int policy_patterns_make(struct policy_patterns *b, const struct policy_image *current,
                                  void (*dropped)(void *arg,
                                                  const struct policy_pattern_dropped *d),
                                  void *arg, struct policy_pattern_set **ret);
void policy_pattern_set_put(struct policy_pattern_set *s);
/* Says what is in it, in which order; never 0. */
uint64_t policy_pattern_set_key(const struct policy_pattern_set *s);
/* 0 or -errno of the disk. Written beside and renamed. */
MUST_USE int policy_pattern_set_write(const struct policy_pattern_set *s, const char *path);
/*
 * 0; -ENOENT; -EBADMSG (damaged, of another key, or its database does not fit this machine and
 * cannot be made anew); -ENOMEM. Blocks as policy_patterns_make() if it must be made anew.
 */
MUST_USE int policy_pattern_set_read(const char *path, uint64_t key,
                                     struct policy_pattern_set **ret);
/* Before the image goes into a snapshot; the set gets another reference. 0, -ENOMEM. */
MUST_USE int policy_image_attach(struct policy_image *i, struct policy_pattern_set *s);

/*
 * A builder takes rules list by list and writes one image file. The image keeps each list's
 * rules apart from the configuration of actions and groups, so that those change without a
 * new image.
 */
struct policy_builder;
struct policy_image;

struct policy_rule {
	enum policy_scope scope;
	bool is_important;
	enum policy_action action;      /* POLICY_NONE: the list's own */
	const struct policy_data *data; /* NULL: the list's own; copied and interned */
	uint8_t own_match;              /* 0: the list's `match`; else enum policy_match + 1 */
};

/* expected_names sizes the table (an upper bound is fine; it grows if wrong). 0 or -errno. */
MUST_USE int policy_builder_new(uint64_t expected_names, struct policy_builder **ret);
void policy_builder_free(struct policy_builder *b);

/*
 * Where sorting may put what is too much for memory: files without a name in this folder (copied).
 * NULL or not called: everything stays in memory, 16 bytes a rule.
 */
MUST_USE int policy_builder_spill(struct policy_builder *b, const char *folder);

/*
 * Start from an image in force, which gets another reference; before any list. Its lists can then
 * be kept or changed, and the others are added as ever. A list of it that is neither kept, changed nor
 * added anew has no rules in the new image.
 */
MUST_USE int policy_builder_from(struct policy_builder *b, struct policy_image *image);
/*
 * The list of that name in the image comes along as it is. spec: name and path count. Afterwards
 * policy_builder_set_source() as for others. -ENOENT: there is none.
 */
MUST_USE int policy_builder_keep_list(struct policy_builder *b, const struct policy_list_spec *spec,
                                      uint16_t *ret_list);
/*
 * As keep, but rules can be added, and taken away by policy_builder_remove_*(). In what order is
 * told by the calls: what is removed and then added is there.
 */
MUST_USE int policy_builder_change_list(struct policy_builder *b,
                                        const struct policy_list_spec *spec, uint16_t *ret_list);
MUST_USE int policy_builder_add_list(struct policy_builder *b, const struct policy_list_spec *spec,
                                     uint16_t *ret_list);
/*
 * lower: wire form, lower case. 0, -EINVAL, -ENOMEM, -ENOSPC (too much data); -E2BIG (this rule
 * only: its data is over 64 KiB): count it as skipped and go on. Equal rules count once. The
 * 65th different rule of one list on one name is left out and counted as skipped.
 */
MUST_USE int policy_builder_add_name(struct policy_builder *b, uint16_t list, const uint8_t *lower,
                                     const struct policy_rule *rule);
MUST_USE int policy_builder_add_prefix(struct policy_builder *b, uint16_t list,
                                       const struct addr_prefix *prefix,
                                       const struct policy_rule *rule);
/*
 * The SOA of a policy zone, kept with the list: owner in wire form, rdata uncompressed. Once a
 * list. -EINVAL: not a SOA; -ENOMEM.
 */
MUST_USE int policy_builder_set_soa(struct policy_builder *b, uint16_t list, const uint8_t *owner,
                                    uint32_t ttl_s, const uint8_t *rdata, size_t rdata_bytes);
/* Take a rule away again; one that is not there is none. Of lists to be changed only. -EINVAL. */
MUST_USE int policy_builder_remove_name(struct policy_builder *b, uint16_t list,
                                        const uint8_t *lower, const struct policy_rule *rule);
MUST_USE int policy_builder_remove_prefix(struct policy_builder *b, uint16_t list,
                                          const struct addr_prefix *prefix,
                                          const struct policy_rule *rule);
/* All rules of the list on this very name. */
MUST_USE int policy_builder_clear_name(struct policy_builder *b, uint16_t list,
                                       const uint8_t *lower);
MUST_USE int policy_builder_clear_prefix(struct policy_builder *b, uint16_t list,
                                         const struct addr_prefix *prefix);
/* ---- changing a list by the difference of two versions of it ---- */

/* A rule that a list has n times, n at least 2, by a digest of all that it is. */
struct policy_twice_item {
	uint64_t key;
	uint32_t n;
};
/* All of a list, by rising keys. */
struct policy_twice {
	struct policy_twice_item *items;
	uint32_t n;
};

/*
 * Of a list that is added: find out which rules come more than once. Before its first rule. Behind the
 * writing policy_builder_twice() says; NULL: they are too many, or some were left out. Borrowed.
 * -ENOMEM.
 */
MUST_USE int policy_builder_watch(struct policy_builder *b, uint16_t list);
const struct policy_twice *policy_builder_twice(struct policy_builder *b, uint16_t list);

/*
 * What two versions of a list differ in: rules that go and rules that come, in any order, each as
 * often as it does. 24 bytes each.
 */
struct policy_diff;
MUST_USE int policy_diff_new(struct policy_diff **ret); /* 0, -ENOMEM */
void policy_diff_free(struct policy_diff *d);           /* NULL is fine */
/* As policy_builder_add_name() and _add_prefix(); is_gone: it goes. */
MUST_USE int policy_diff_name(struct policy_diff *d, bool is_gone, const uint8_t *lower,
                              const struct policy_rule *rule);
MUST_USE int policy_diff_prefix(struct policy_diff *d, bool is_gone,
                                const struct addr_prefix *prefix, const struct policy_rule *rule);

/*
 * policy_builder_apply - a changed list becomes its next version.
 *
 * @twice:     what the list has more than once
 * @is_single: of a name, and of a prefix, the list has one rule of each kind at most (policy zones)
 * @ret_twice: what it has more than once then; items: the caller's, free()
 *
 * Returns 0; -ESTALE: the difference is not one of what the image has, or not one of a single list;
 * -ENOMEM, -ENOSPC. With -ESTALE all of the list must come anew, in a new builder. The same goes for
 * -ERANGE of policy_builder_write() and _write_overlay(): a name of a changed list has too many rules.
 */
MUST_USE int policy_builder_apply(struct policy_builder *b, uint16_t list, struct policy_diff *d,
                                  const struct policy_twice *twice, bool is_single,
                                  struct policy_twice *ret_twice);

void policy_builder_end_list(struct policy_builder *b, uint16_t list, uint32_t n_skipped,
                             uint64_t loaded_s);

/* When the list is to be read again, because rules in it begin or end to hold then; 0: never. */
void policy_builder_set_changes(struct policy_builder *b, uint16_t list, uint64_t when_s);

/* What a list's rules came from, for who compiles lists; kept with the list in the image. */
struct policy_list_source {
	uint64_t settings; /* what is made of the same text */
	uint64_t text;     /* the text */
	uint64_t file;     /* the file as it was found; 0: not from its own file */
};
void policy_builder_set_source(struct policy_builder *b, uint16_t list,
                               const struct policy_list_source *source);
/*
 * Write the image to `path` (made beside it under another name, fsynced, renamed). `tag` is
 * any 32 bytes that say what the image was built from; policy_image_open gives them back.
 * Afterwards the builder can only be freed. -EBADMSG: the image it started from is damaged;
 * -ENOSPC: too many sets, or the disk.
 */
MUST_USE int policy_builder_write(struct policy_builder *b, const char *path,
                                  const uint8_t tag[32]);

/*
 * The same as an overlay on the image it started from, or on the one below that. max_names: with
 * more names and prefixes that differ from it, -EFBIG, and policy_builder_write() can be called
 * still. Also -EINVAL: nothing was started from.
 * Time: where lists are kept and changed only, that of the overlay; one pass over the image where
 * a list comes anew.
 */
MUST_USE int policy_builder_write_overlay(struct policy_builder *b, const char *path,
                                          const uint8_t tag[32], uint32_t max_names);

/*
 * Map an image. -ENOENT, -EBADMSG (bad magic, version, size or checksum), or another -errno.
 * The image's hash key becomes the process's (name_set_hash_key) when set_key is true: at
 * start, before any other thread runs.
 */
MUST_USE int policy_image_open(const char *path, bool set_key, struct policy_image **ret);
/*
 * Map the overlay that belongs to `below`, an image without one; it gets another reference.
 * -ESTALE: it belongs to another image; else as policy_image_open().
 */
MUST_USE int policy_overlay_open(const char *path, struct policy_image *below,
                                 struct policy_image **ret);
void policy_image_tag(const struct policy_image *i, uint8_t ret_tag[32]);

/* What is known of a list of the image. */
struct policy_image_list {
	struct policy_list_source source;
	uint64_t loaded_s;
	uint64_t changes_s; /* policy_builder_set_changes() */
	uint32_t n_names, n_prefixes, n_skipped;
};
MUST_USE int policy_image_find_list(const struct policy_image *i, const char *name,
                                    struct policy_image_list *ret); /* -ENOENT */
/* The image's names and prefixes: those of the image below, and those of the overlay on it. */
void policy_image_count(const struct policy_image *i, uint32_t *ret_base, uint32_t *ret_overlay);
/* Is the image, under its overlay, the file of this path? */
bool policy_image_is_at(const struct policy_image *i, const char *path);
/* The image without its overlay; another reference of it, the caller's. */
struct policy_image *policy_image_base(struct policy_image *i);
/* Drop a reference; snapshots hold their own. */
void policy_image_put(struct policy_image *i);

/*
 * A snapshot of an image (its lists by name; a spec whose list the image lacks is empty; an
 * image list without a spec is inert), the groups, and the edits. NULL image: no rules.
 * Everything is copied; the image gets another reference. -EINVAL (action none but of a policy
 * zone, action records, a list index out
 * of range, an empty name), -EEXIST (two lists, groups or client prefixes alike), -ENOSPC,
 * -ENOMEM.
 */
MUST_USE int policy_new(struct policy_image *image, const struct policy_list_spec *lists,
                        unsigned n_lists, const struct policy_group_spec *groups, unsigned n_groups,
                        struct policy **ret);
/* Put it in force (it is taken); the old one is retired. The edits carry over. NULL: at exit. */
void policy_publish(struct policy *p);
/*
 * A list with has_hours begins or ends to hold, in the snapshot in force. With a change there is a
 * new generation. No such list: nothing happens.
 */
void policy_list_set_asleep(const char *list_name, bool is_asleep);
/* Free a snapshot that was never published. */
void policy_free(struct policy *p);

/* ---- edits: the housekeeping thread, registered with base/rcu.h and awake ---- */

/*
 * policy_edits_open - load the journal of edits from `path` (JSON lines; a cut last line, as
 *                     after a crash, is dropped) and keep it for writing. "": keep in memory.
 *                     The file is not touched before the first edit. The hash key must be set.
 */
MUST_USE int policy_edits_open(const char *path);
void policy_edits_close(void);

/*
 * Put an edit in force now: written to the journal and fsynced, then published. An edit of
 * the same name, scope and group replaces the older. -EINVAL, -E2BIG: too many, or what the disk said.
 */
MUST_USE int policy_edit_add(const struct policy_edit *e);
/* Take an edit back: -ENOENT if there is none for that name and group. */
MUST_USE int policy_edit_remove(const uint8_t *lower, const char *group_name);
/* Drop what has expired; call it every second. Returns how many. */
unsigned policy_edits_expire(uint64_t now_s);
/* Visit all edits in force. */
void policy_edits_each(void (*visit)(const struct policy_edit *e, void *arg), void *arg);
