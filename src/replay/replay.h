/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay/replay.h - the front door of replay: recorded questions, and what a policy says of them.
 *
 * What:      a source reads a recording, whatever its form, one question after the other, with
 *            the client, the aliases and addresses of the answer and whether it was blocked,
 *            as far as the recording knows. A comparison judges each by one policy, and by a
 *            second one or by what was recorded, and keeps what differs: how often, and the names,
 *            clients and rules that are met most.
 *
 *                file -> input.c (bytes, gzip, xz) -> read_*.c -> struct replay_item
 *                     -> compare.c (verdicts) -> tally.c (the most frequent) -> report.c
 *
 * Not here:  putting a policy together -> weir/offline.h; what a rule does -> policy/policy.h.
 * Threads:   one thread, registered with base/rcu.h where policies are published; replay_each() has
 *            a second one that reads, and shares batches with it under a lock.
 * Memory:    a source: 300 KiB and what zlib, liblzma (128 MiB at most) or libpcap take, and
 *            10 MiB where queries and responses are matched, 1.2 MiB to read ahead; a comparison: REPLAY_TALLY_MAX
 *            entries in each of nine tables, at most 60 MiB. Nothing grows with the recording.
 * Cost:      blocks on disk; about a microsecond a question to read, and one to judge, on two cores.
 * Limits:    lines and frames of 128 KiB, longer ones are skipped and counted. When a table of
 *            names, clients or rules is full the rare ones are given up; the report says so, and
 *            by how much its counts may be short.
 * Standards: RFC 8914 (a response with codes 15 to 18 was blocked)
 * Tests:     tests/unit/replay/, tests/fuzz/replay_{text,events,dnstap,pcap}_fuzz.c, tests/system/replay_test.py
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/addr.h"
#include "dns/name.h"
#include "local/local.h"
#include "policy/policy.h"

enum replay_format {
	REPLAY_AUTO = 0, /* by the first bytes */
	REPLAY_EVENTS,   /* Weir's own: JSON lines */
	REPLAY_DNSTAP,   /* frame streams of dnstap */
	REPLAY_PCAP,     /* pcap and pcapng */
	REPLAY_BIND,     /* BIND's category queries */
	REPLAY_UNBOUND,  /* log-queries, log-replies */
	REPLAY_DNSMASQ,  /* dnsmasq, Pi-hole */
};

const char *replay_format_name(enum replay_format f);
MUST_USE int replay_format_from_text(const char *text, enum replay_format *ret); /* or -EINVAL */

enum {
	REPLAY_ALIASES_MAX = 16,
	REPLAY_ADDRS_MAX = 32,
	REPLAY_SERVERS_MAX = 8,
	REPLAY_RULE_MAX = 512,
	REPLAY_TALLY_MAX = 20000,
};

enum replay_outcome {
	REPLAY_UNKNOWN = 0, /* the recording does not say */
	REPLAY_PASSED,
	REPLAY_BLOCKED,
};

/* One question. What is beyond the maxima is left out. */
struct replay_item {
	uint64_t wall_ns; /* 0: not known */
	struct name name; /* lower case */
	uint16_t type;
	bool has_client, has_rcode;
	struct addr client;
	uint8_t rcode;
	enum replay_outcome outcome;
	enum policy_action action;  /* BLOCKED: how, if it is known; else POLICY_NONE */
	char rule[REPLAY_RULE_MAX]; /* BLOCKED: "list malware: rule evil.example"; "" */
	/* What stands in the answer, or made Weir decide. */
	unsigned n_aliases, n_addrs, n_server_names, n_server_addrs;
	struct name aliases[REPLAY_ALIASES_MAX];
	struct addr addrs[REPLAY_ADDRS_MAX];
	struct name server_names[REPLAY_SERVERS_MAX];
	struct addr server_addrs[REPLAY_SERVERS_MAX];
};

/* clang-format off */
#define REPLAY_SKIPS(X) \
	X(DAMAGED, "damaged or cut off") \
	X(LONG, "over 128 KiB") \
	X(OTHER, "not about a question of a client") \
	X(NAME, "not a domain name or type") \
	X(FRAGMENT, "fragments, and messages in several TCP segments") \
	X(LINK, "packets of a link type that is not understood")
/* clang-format on */

enum replay_skip {
#define X(constant, text) REPLAY_SKIP_##constant,
	REPLAY_SKIPS(X)
#undef X
	REPLAY_N_SKIPS
};
const char *replay_skip_text(enum replay_skip s);

struct replay_source;

enum replay_got {
	REPLAY_END,
	REPLAY_ITEM,
	REPLAY_FAILED, /* replay_error(); what came before is good */
};

/*
 * replay_open - open a recording, plain or compressed by gzip or xz; "-" is standard input.
 *
 * Returns 0; -EILSEQ: AUTO does not know it; -EBADMSG: it is not of that form; -ENOMEM; or the
 * -errno of the file. `ret_why` (REPLAY_WHY_MAX bytes) then says what is wrong.
 */
enum {
	REPLAY_WHY_MAX = 320
};
MUST_USE int replay_open(const char *path, enum replay_format format, struct replay_source **ret,
                         char *ret_why);
/* Items need not have name servers: nothing that judges them has rules about those. */
void replay_leave_out_servers(struct replay_source *s);
void replay_close(struct replay_source *s);
enum replay_got replay_next(struct replay_source *s, struct replay_item *ret);
/*
 * Visit all items in their order, on this thread; another one reads ahead meanwhile. item: borrowed until
 * visit() returns. END or FAILED.
 */
enum replay_got replay_each(struct replay_source *s,
                            void (*visit)(void *arg, const struct replay_item *item), void *arg);
const char *replay_error(const struct replay_source *s);
enum replay_format replay_format_of(const struct replay_source *s);
/* How many lines, frames or packets were passed over, and the line (or frame) of the first. */
uint64_t replay_skipped(const struct replay_source *s, enum replay_skip why, uint64_t *ret_first);

/* ---- comparing ---- */

/* One policy, and the local data that goes before it. */
struct replay_side {
	const struct policy *policy;
	const struct local *local;
	/* Of the question's registered domain, as in struct policy_terms; replay_compare() sets them. */
	bool has_age;
	uint32_t age_s;
};

struct replay_plan {
	struct replay_side now;           /* the policy that is tried */
	const struct replay_side *before; /* NULL: what was recorded */
	const char *group;                /* judge all clients by this one; NULL: each by its own */
	uint32_t learn_s; /* so long from the first question on no domain is new (seen/seen.h) */
};

struct replay_comparison;
/* -ENOENT: there is no such group; -ENOMEM. */
MUST_USE int replay_comparison_new(const struct replay_plan *plan, struct replay_comparison **ret);
void replay_comparison_free(struct replay_comparison *c);
void replay_compare(struct replay_comparison *c, const struct replay_item *item);
/* Some policy has rules on name servers. */
bool replay_needs_servers(const struct replay_comparison *c);
/* Would anything change for a client? */
bool replay_has_changes(const struct replay_comparison *c);
/* Skips and the recording's form for the report. */
void replay_compare_source(struct replay_comparison *c, const struct replay_source *s);

/* Everything as JSON: docs/replay.md. At most `top` of each table. A new reference. */
json_t *replay_report(const struct replay_comparison *c, unsigned top);
/* The same as people read it. */
void replay_print_report(FILE *out, const json_t *report);

/* What a policy says of one item (for tests, and for learning what a group would deny). */
void replay_judge(const struct replay_side *side, uint16_t group, const struct replay_item *item,
                  struct verdict *ret);
