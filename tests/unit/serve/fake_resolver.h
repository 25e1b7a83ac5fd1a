/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A worker's serve part on a bench: an in-memory transport, a resolver that answers from a table,
 * a policy made of a few rules. Used by the tests of this folder.
 */
#pragma once

#include "serve/serve.h"

/* What the fake Internet says: "NAME TYPE ANSWER", ANSWER one of "A 192.0.2.1", "CNAME x",
   "NXDOMAIN", "SERVFAIL", "LATE" (never by itself). TTL is 300. */
struct fact {
	const char *name;
	const char *answer;
	const char *zone;        /* of the cut it comes from; NULL: "example" */
	const char *server_name; /* of that cut; NULL: "ns.example"; "-ns.x": without addresses */
};

struct rule {
	const char *list; /* lists are made as they are named; "zone..." is a policy zone */
	const char *rule; /* a name, "*.name" (below only), "=name" (exact), or a prefix */
	enum policy_action action;
	enum policy_match match;
	const struct policy_data *data; /* of a rule in a policy zone */
};

struct bench;

/* What validation says of answers made from now on; bogus ones have EDE 7. */
extern enum security bench_security;

struct bench *bench_new(const struct fact *facts, size_t n_facts, const struct rule *rules,
                        size_t n_rules, bool default_deny);
void bench_free(struct bench *b);

/* Ask; the answer as text: "NOERROR www.x CNAME y|y A 192.0.2.1 EDE 15", "DROP", "PARKED". */
const char *bench_ask(struct bench *b, const char *name, uint16_t type);
/* The same, of the last question asked: what it was told since. */
const char *bench_told(struct bench *b);
const char *bench_ask_over_tcp(struct bench *b, const char *name, uint16_t type);
/* Send these bytes; the answer's header and EDE as text. */
const char *bench_send(struct bench *b, const uint8_t *bytes, size_t n);
/* The raw answer to the last question. */
const uint8_t *bench_message(const struct bench *b, size_t *ret_n);

void bench_pass_time(struct bench *b, unsigned seconds); /* ages the cache, fires timers */
void bench_set_rules(struct bench *b, const struct rule *rules, size_t n_rules);
void bench_break_internet(struct bench *b, bool is_broken); /* everything is SERVFAIL */
void bench_fail_late(struct bench *b);   /* the LATE question fails now; describes nothing */
const char *bench_text(struct bench *b); /* what became of the question, as bench_ask() */
/* The list of the last event whose strict verdict differs; "" for none. Records events from now on. */
const char *bench_strict_list(struct bench *b);
bool bench_is_late_refresh(const struct bench *b); /* the last resolve_refresh() was with is_late */
unsigned bench_n_resolved(const struct bench *b);  /* questions that reached the resolver */
struct serve *bench_serve(struct bench *b);

/* Of the one group there is; before bench_new() or bench_set_rules(). */
extern bool bench_uses_dns64, bench_checks_rebinding, bench_is_strict;
/* The options of policy zones. */
extern struct policy_list_spec bench_zone;
extern bool bench_leaves_do_out; /* questions come without DO */
struct serve_options *bench_options(struct bench *b);

/* Counts calls of malloc, calloc and realloc while set. */
extern bool bench_counts_allocations;
extern unsigned bench_n_allocations;
