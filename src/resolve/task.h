/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/task.h - one question on its way, and the resolver that it belongs to; inside
 *                  resolve/ only.
 *
 * What:      A task asks (iterate.c), reads what comes (response.c), steps down the cuts
 *            (cut.c), looks up servers' addresses by tasks of their own (lookup.c), follows
 *            aliases (chain.c), and ends once, by one of the finish functions.
 *
 *                NEW -> ASKING <-> WAITING (for look-ups) -> gone
 *
 *            A hop is one name of the alias chain. What counts per question is in `budget`,
 *            which a task's look-ups share with it.
 * Threads:   worker-local.
 * Memory:    tasks, budgets and chains come from free lists of the resolver, which grow up to
 *            max_tasks and shrink with the resolver only. A task holds references to cuts.
 * Limits:    resolve_config.
 * Tests:     tests/unit/resolve/resolve_test.c
 */
#pragma once

#include "dns/reply.h"
#include "resolve/denial.h"
#include "resolve/exchange.h"
#include "resolve/failure.h"
#include "resolve/forward.h"
#include "resolve/load.h"
#include "resolve/resolve.h"
#include "resolve/response.h"
#include "resolve/server.h"
#include "validate/validate.h"

enum {
	TASK_ROUNDS = 3,      /* tries at one address: UDP, UDP again, TCP */
	TASK_MAX_LOOKUPS = 2, /* server names looked up at the same time */
	LOOKUP_MAX_ADDRS = 8,
	MAX_MINIMISE_COUNT = 10, /* RFC 9156 2.3 */
	MINIMISE_ONE_LAB = 4,
	MINIMISE_HOPS = 4, /* behind more aliases, whole names: else chains multiply packets */
	CHAIN_MAX_RRS = 96,
	CHAIN_BYTES = 16384,
	DEPTH_MAX = 16,
	KEY_QUESTIONS_MAX = 64, /* DS and DNSKEY look-ups a question */
	KEY_DEPTH_MAX = 8,      /* of look-ups for keys that wait for each other */
	BOGUS_RETRIES = 3,      /* other servers tried when one's data is bogus */
};

/* Extended errors that the resolver gives (RFC 8914 4). */
enum {
	EDE_OTHER = 0,
	EDE_NO_REACHABLE_AUTHORITY = 22,
	EDE_NETWORK_ERROR = 23,
	EDE_INVALID_DATA = 24,
};

struct task;

/* What one client's question may cost, its look-ups included. Counted by its tasks. */
struct budget {
	unsigned refs;
	unsigned n_packets, n_lookups, n_keys;
	struct work work; /* of validation */
	uint64_t deadline_ns;
	struct budget *next;
};

/* What validation says of a hop, or of the hops so far: then the least. */
struct judged {
	enum security security;
	uint8_t ede_code; /* 0: none */
	char text[EDE_KEPT_MAX];
};

/* The DS or DNSKEY records of a zone that a response cannot be judged without. */
struct key_question {
	struct resolve_request request; /* request.done == NULL: nothing is under way */
	uint16_t type;                  /* of the last one; 0: none was asked */
	bool is_answered;               /* what it told is in the cache */
	bool is_joined;                 /* somebody else had asked already */
	bool is_limited;                /* a limit of this question ended it */
	bool is_blocked;                /* the guard refused: task.blocked_cut */
};

/* A response as it came: until it can be judged, or while others may have a better one. */
struct kept_response {
	uint8_t *bytes; /* NULL: none */
	uint32_t n;
	bool is_bogus;
};

/* The records of the hops passed, until the last one is there. */
struct chain {
	struct chain *next;
	unsigned n_rrs;
	uint32_t ttl_s;
	size_t used;
	struct answer_rr rrs[CHAIN_MAX_RRS];
	uint8_t bytes[CHAIN_BYTES];
};

/* One server name whose address is being looked up. */
struct lookup {
	struct resolve_request request; /* request.done == NULL: not in use */
	struct task *owner;
	uint8_t server; /* index in the owner's cut */
	bool is_done, is_v6;
	uint8_t n_addrs;
	uint32_t ttl_s;
	struct addr addrs[LOOKUP_MAX_ADDRS];
};

/* What went wrong last; told when nothing is left to try. */
struct trouble {
	uint16_t code;
	const char *what; /* static; NULL: nothing yet */
	bool has_server;
	struct endpoint server;
};

struct task {
	/* the packet that waits */
	struct ask ask;
	struct timer timer;
	struct resolver *r;
	const struct cut *cut;              /* where the hop is being asked; counted */
	const struct forward_zone *forward; /* not NULL: cut is its */
	/* Of the hop: its servers failed, so it is iterated. */
	const struct forward_zone *given_up;
	uint64_t ring_hash;          /* of the name asked of a forwarder; 0: none waits */
	uint64_t at_zone, at_server; /* what it is counted with in r->zones, r->servers; 0: not */
	uint64_t tried, excluded;    /* addresses of the cut: this round, for good */
	uint8_t at_addr;             /* index of the one asked */
	uint8_t round;               /* of tries at this cut */
	uint8_t n_labels;            /* of the hop's name */
	uint8_t known_labels;        /* that far the name is known to exist */
	uint8_t asked_labels;        /* of the name in the packet */
	uint8_t n_minimised;         /* RFC 9156: packets with a cut name so far */
	bool is_plain;               /* ask for the whole name: minimising went wrong */
	bool has_recursive;          /* a resolver stands where a server should */
	bool takes_recursive;        /* and will do: no server is left */
	bool edns_timed_out, edns_refused; /* by this address: hence the packet without */
	bool is_doubted;                   /* by TCP, because UDP was not believed: `doubt` */
	bool is_recooked;                  /* asked again with the new cookie */
	enum exchange_doubt doubt;
	bool is_begun;
	bool asks_copy;  /* of the root zone, when its turn comes (RFC 8806) */
	bool is_of_copy; /* the response being taken came from it */
	bool skips_copy; /* it was of no use: ask the root servers */

	/* what it is for */
	uint16_t type;
	uint64_t group;  /* policy_group_id(): tasks outlast reloads */
	bool is_allowed; /* policy lets everything pass */
	bool is_late;    /* struct resolve_request */
	bool is_lookup;  /* of a name server's address, for another task */
	bool is_refresh; /* the cache is not looked into for the first hop */
	bool is_priming;
	bool is_limited;         /* a limit of the question, not the servers, ended it */
	bool is_waiting;         /* for look-ups */
	bool is_keys;            /* DS or DNSKEY of a zone, for another task */
	bool is_securing;        /* waits for keys: `kept` is the response */
	bool is_settling;        /* bogus, and nobody is left who may know better */
	uint8_t n_bogus;         /* servers whose data was bogus */
	uint8_t key_depth;       /* of key questions above it */
	bool is_ready;           /* in the list of tasks to go on with */
	bool is_listed;          /* in the table of tasks in flight */
	bool is_dead;            /* ended while in the list of ready ones */
	bool is_allowed_first;   /* as it was asked: aliases may change is_allowed */
	bool was_held_back;      /* failed a moment ago: not asked */
	bool is_watched;         /* detectors are asked before each packet */
	bool is_held;            /* by a detector; the timer sends it */
	uint8_t held_how;        /* enum ask_how */
	uint8_t charged_labels;  /* so much of the hop's name has gone to charged_zone */
	uint64_t charged_zone;   /* item.hash of that cut; 0: none */
	uint64_t held_ns;        /* since when is_held, or was when it last went on; 0: never */
	struct addr client;      /* with is_watched */
	uint8_t depth;           /* of look-ups above it */
	uint8_t n_hops;          /* names passed: hop_cuts[0..n_hops) */
	uint64_t hash, hop_hash; /* name_hash of question and hop */
	struct resolve_request *requests;
	struct budget *budget;
	struct chain *chain;
	uint32_t looked_up; /* servers of the cut */
	struct task *next;  /* free list, or bucket of the table */
	struct task *next_ready;
	struct trouble trouble;
	const struct cut *blocked_cut; /* a look-up was refused because of it; counted */
	const struct cut *hop_cuts[ANSWER_MAX_CUTS];
	struct lookup lookups[TASK_MAX_LOOKUPS];
	struct key_question keys;
	struct kept_response kept;

	/* not cleared with the rest */
	struct detect_findings findings;
	struct judged whole; /* of the hops passed */
	struct name question, hop, key_zone;
};

struct resolver {
	struct resolve_config config;
	struct loop *loop;
	struct cache *cache;
	struct exchange *exchange;
	struct forwards *forwards;
	struct load *zones, *servers;
	struct response *response;
	const struct message *reading; /* what the response was read from; during the call */
	struct judged judged;          /* the hop being taken */
	struct validator *validator;
	struct denials *denials;           /* NULL: not used */
	struct zone_scratch *zone_scratch; /* zone_trust.c */
	size_t kept_bytes;                 /* of all tasks' kept responses */
	uint8_t *cached_bytes;             /* for response_from_answer() */
	uint8_t *copy_bytes;               /* for root_copy_answer() */
	struct answer_rr *plan_rrs;
	struct turn_hook hook;
	struct timer kick; /* makes a turn happen when work came from outside of one */

	const struct cut *root; /* hints, or the last one primed; counted */
	uint64_t prime_after_ns;
	unsigned n_silent[2]; /* asks over IPv4, IPv6 that came to nothing, in a row */
	uint64_t family_probe_ns[2];
	uint64_t family_down_ns[2]; /* no sockets for IPv4, IPv6: not tried again before */

	struct task **table;
	uint32_t table_mask;
	struct task *free_tasks;
	struct task *ready, **ready_end;
	struct slab *slabs;
	unsigned n_tasks, n_made;
	struct budget *free_budgets;
	struct chain *free_chains;

	struct {
		_Atomic uint64_t tasks_started, tasks_failed, timeouts, guard_refused,
			detector_refused, throttled, held, at_limit, tasks_now, secure, insecure,
			bogus, overworked, key_questions, denied, root_copy, zone_limited,
			server_limited, rings_closed;
	} counts;
	_Atomic unsigned n_answered, n_unanswered; /* for resolver_upstream_state() */
};

static inline void count_up(_Atomic uint64_t *c)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + 1,
	                      memory_order_relaxed);
}

/* ---- resolve.c ---- */

struct task_plan {
	const uint8_t *name; /* lower case; copied */
	const struct name_hashes *hashes;
	uint16_t type;
	uint64_t group;
	bool is_allowed, is_late, is_lookup, is_refresh, is_priming, is_keys;
	const struct addr *client; /* NULL: detectors are not asked */
	uint8_t depth, key_depth;
	struct budget *budget; /* NULL: a new one */
};

/* The task in flight for the same, or NULL. */
struct task *task_find(struct resolver *r, const struct task_plan *plan);
/* A new task in the table, not begun; NULL at the limit. */
struct task *task_new(struct resolver *r, const struct task_plan *plan);
void task_add_request(struct task *t, struct resolve_request *request);
/* See to it that the end of a turn comes, where packets leave; also from outside of one. */
void resolver_kick(struct resolver *r);
/* Go on with a task at the end of this turn. */
void task_set_ready(struct task *t);
/* Tell the requests, and end. The task is gone afterwards. */
void task_finish(struct task *t, struct resolve_result *result);
void task_fail(struct task *t); /* with the trouble noted */
/* `name`: of the alias chain, where the verdict stopped it. */
void task_block(struct task *t, const struct verdict *verdict, const uint8_t *name);
/* A detector throttles: SERVFAIL, and nobody remembers a failure. */
void task_throttle(struct task *t, uint64_t wait_ms);

/* ---- iterate.c ---- */

/* Begin the question, or a hop. May finish the task. */
void iterate_begin(struct task *t, const struct name_hashes *hashes);
void iterate_answered(struct ask *a, struct message *m, bool over_tcp);
void iterate_note(struct task *t, uint16_t code, const char *what, bool has_server);
/* Read what came for the task's question, and go on with it. */
void iterate_read_copy(struct task *t); /* of the root zone, in place of a server's response */
void iterate_read(struct task *t, struct message *m, struct response *w);
/* The response just read, or read again, answers the question: judge it, take it. */
void iterate_take(struct task *t, struct response *w);
/* Nothing is left to try. The task is gone. */
void iterate_give_up(struct task *t);

/* ---- watch.c ---- */

enum watched {
	WATCHED_PASS,
	WATCHED_HELD, /* the timer goes on with it */
	WATCHED_GONE, /* refused, the task is gone */
};
/* Ask the detectors before the packet in t->ask goes. */
enum watched watch_packet(struct task *t, unsigned how);

/* ---- send.c ---- */

enum ask_how {
	ASK_USUAL = 0,
	ASK_TCP = 1,   /* the UDP response was cut */
	ASK_PLAIN = 2, /* the same without EDNS */
	ASK_CLEAR = 4, /* TLS does not work, and need not */
};

/* Does the packet show less than the whole name (RFC 9156)? */
static inline bool task_is_minimised(const struct task *t)
{
	return t->asked_labels < t->n_labels;
}

/* Where everything is forwarded there is nothing to keep room for. */
static inline bool task_is_limited(const struct task *t)
{
	return !t->is_priming && (t->forward == NULL || t->forward->n_labels > 0);
}

/* Ask the next server, or look for one, or give up. */
void iterate_ask(struct task *t);
/* The same server again, in another way. */
void iterate_ask_again(struct task *t, enum ask_how how);
/* What the response tells of its server, beside what it says. */
void iterate_learn(struct task *t, const struct response *w, bool over_tcp);
void iterate_failed(struct ask *a, int error);
void iterate_doubted(struct ask *a, enum exchange_doubt why);
void iterate_timed_out(struct timer *timer);

/* It waits for the server no longer. */
void task_leave_server(struct task *t);
/* Nor at the zone. */
void task_leave_zone(struct task *t);

/* ---- choose.c ---- */

unsigned task_n_addrs(const struct task *t);
struct endpoint task_endpoint(const struct task *t, unsigned at);
/* The address to ask next, index of the cut's; -1: none is left. */
int choose_server(struct task *t);

/* ---- cut.c ---- */

/* Where to begin for a name: forwarding zone, closest cut, or the root. Sets t->cut. */
void cut_begin(struct task *t, const uint8_t *lower, const struct name_hashes *hashes);
/* The forwarders of the hop have failed. True: it is iterated instead, from the closest cut. */
bool cut_fall_back(struct task *t);
/* Take over a cut (the reference is the task's) and forget the state of the old one. */
void cut_set(struct task *t, const struct cut *taken);
/* The cut that a referral names: 0 or -ENOMEM. */
MUST_USE int cut_descend(struct task *t, const struct response *w);
/* The task's cut with the addresses of one server filled in. */
void cut_fill(struct task *t, const struct lookup *l);
MUST_USE int cut_new_hints(const struct resolve_config *config, const struct cut **ret);
void cut_prime(struct resolver *r); /* RFC 8109: ask for the root's servers */
void cut_primed(struct task *t, struct response *w);
/* Drop all references. */
void cut_clear(struct task *t);

/* ---- lookup.c ---- */

/* Start looking up addresses of servers that have none. True: something is under way. */
bool lookup_start(struct task *t);
/* Take what came in. */
void lookup_collect(struct task *t);
void lookup_drop(struct task *t);
/* Does `from` wait, perhaps through others, for `target`? Then target must not wait for it. */
bool task_reaches(struct task *from, const struct task *target);

/* ---- secure.c ---- */

enum secure {
	SECURE_TAKE,     /* r->judged says what it is worth */
	SECURE_WAITS,    /* for keys; secure_resume() goes on */
	SECURE_TRY_NEXT, /* bogus, but another server may have better; trouble is noted */
	SECURE_FAILED,   /* a limit: trouble is noted */
};
enum secure secure_judge(struct task *t, struct response *w);
/* What the task waits for has come. */
void secure_resume(struct task *t);
/* Nobody is left to ask: take the bogus response, if there was one. True: the task is gone. */
bool secure_settle(struct task *t);
/* Signed zones have proven before that the hop cannot be answered. True: the task is gone. */
bool secure_deny(struct task *t, const struct name_hashes *hashes);
/* A new name is about to be asked. */
void secure_begin_hop(struct task *t);
/* A question for keys that met an alias is answered: no zone begins there. */
void secure_finish_alias(struct task *t);
/* Forget key questions and kept responses. */
void secure_drop(struct task *t);
/* r->judged is what a cached answer was judged to be. */
void secure_found(struct task *t, const struct answer *a);
/* Of the chain so far and the hop in r->judged the least. */
void secure_add_hop(struct task *t);

/* ---- zone_trust.c ---- */

/* Who asks for the trust of zones while one response is judged. */
struct trust_path {
	struct trust_source source;
	struct task *t;
	const struct response *w; /* the one being judged */
	const struct anchors *anchors;
	uint64_t wall_s;
	uint32_t now_s;
	bool is_broken;     /* a zone's chain is: other servers of the name have no better data */
	bool is_brief;      /* because its records could not be had a moment ago */
	uint16_t want_type; /* 0: nothing is wanted, else (want, want_type) must be asked */
	struct name want;
	struct trust broken; /* of zones whose state is not kept */
};
void trust_path_init(struct trust_path *p, struct task *t, const struct response *w,
                     const struct anchors *anchors);
/* A look-up for (zone, type) failed: the zone is bogus for some seconds. */
void zone_trust_fail(struct resolver *r, const uint8_t *zone, uint16_t type);
/* Are signatures due from the servers that the task asks, as far as is known? */
bool zone_trust_is_signed(const struct task *t);
MUST_USE int zone_scratch_new(struct zone_scratch **ret);

/* ---- chain.c ---- */

/* The response just read ends the question: make the answer, keep it, tell. */
void chain_finish(struct task *t, struct response *w);
/* The same for what was found in the cache. */
void chain_finish_cached(struct task *t, struct response *w, const struct answer *found);
/*
 * Go on at the end of the aliases just read, which came from the servers asked, or (not NULL)
 * were found in the cache. True: t->hop is the new name; false: the task is gone.
 */
bool chain_follow(struct task *t, struct response *w, const struct answer *found);
void chain_release(struct task *t);
