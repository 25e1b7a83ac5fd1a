/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * serve/serve.h - one question, from its bytes to the answer's bytes.
 *
 * What:      a table of steps and a runner. A transport fills a `struct query` and calls
 *            serve_query(); the query runs down the steps; a step says go on, answer, drop or
 *            park. Only the runner ends a query, by origin->finish().
 *
 *                admit  parse  group  own  cache  judge  resolve  inspect  answer  record
 *
 * Not here:  sockets -> transport/; which rule wins -> policy/; asking servers -> resolve/.
 * Threads:   worker-local; a query never leaves its worker. Counters are read by any thread.
 * Memory:    queries come from the worker's pool (query_new): at most max_parked wait for the
 *            resolver, more misses fail at once; the transports bound the others. Nothing on
 *            the path of a cached or blocked answer allocates or locks.
 * Cost:      hot path.
 * Limits:    questions of at most QUERY_IN_MAX bytes over UDP; more over TCP is FORMERR too.
 * Standards: RFC 1035, 2308, 4035 3.2, 6840 5.7 to 5.9, 6891, 7766, 8767, 8906, 8914
 * Tests:     tests/unit/serve/serve_test.c, tests/system/serving_test.py
 */
#pragma once

#include <stdatomic.h>

#include "cache/cache.h"
#include "dns/cookie.h"
#include "dns/leads.h"
#include "dns/reply.h"
#include "events/events.h"
#include "firewall/firewall.h"
#include "io/loop.h"
#include "learn/learn.h"
#include "local/local.h"
#include "policy/policy.h"
#include "resolve/resolve.h"
#include "seen/seen.h"
#include "validate/validate.h"

enum {
	QUERY_IN_MAX = 1232,
	QUERY_OUT_MIN = 4096, /* a transport's buffer has at least this */
	SERVE_TEXT_MAX = 255,
	STALE_TTL_S = 30,   /* RFC 8767 4 */
	NS_LOOKUPS_MAX = 8, /* for one question (ns-wait) */
	NS_WAIT_MS = 3000,  /* and no longer than this for all of them */
};

struct query;
struct serve;

/* Where a query came from: one constant a transport. */
struct origin {
	const char *name;
	enum event_protocol protocol;
	bool is_stream;
	/* A buffer for the answer, valid until finish. NULL: there is none, the query is dropped. */
	uint8_t *(*buffer)(struct query *q, size_t *ret_room);
	/* The answer is q->out_bytes long; 0: nothing is to be sent. The query ends here. */
	void (*finish)(struct query *q);
	/*
	 * Streams: give the connection away, before finish; what was read behind the question is
	 * lost. A descriptor, the caller's, or -errno. NULL: it cannot be done.
	 */
	int (*detach)(struct query *q);
};

enum query_step {
	STEP_ADMIT,
	STEP_PARSE,
	STEP_GROUP,
	STEP_OWN,
	STEP_CACHE,
	STEP_JUDGE,
	STEP_RESOLVE,
	STEP_INSPECT,
	STEP_ANSWER,
	STEP_RECORD,
	STEP_COUNT,
};

struct query {
	/* set by the transport */
	const struct origin *origin;
	void *transport; /* the socket or connection */
	struct serve *serve;
	struct sockaddr_storage peer; /* as the kernel gave it */
	socklen_t peer_bytes;
	struct endpoint client;   /* the same, for groups and events */
	struct endpoint local;    /* the address that was asked */
	uint32_t local_interface; /* of a wildcard bind, to answer by; 0 otherwise */
	uint16_t in_bytes;
	bool is_cut; /* more bytes came than fit */

	/* the runner and the steps */
	uint8_t step;
	bool is_for_zones; /* serve_zones answers it */
	bool is_silent;    /* drop: no answer goes out */
	bool is_parked, is_stale, is_cached;
	bool is_allowed;     /* an allow rule won: policy is done with it */
	bool is_resolved;    /* the resolver is done with it */
	bool is_waiting;     /* the resolver is asked for a redirect's target */
	uint8_t n_redirects; /* how often that was */
	uint8_t n_aliases;   /* of local data, followed: question.name is where they lead */
	bool is_late;        /* policy waits for the answer (stage.c) */
	bool is_pending;     /* and a rule on client or name with it */
	bool has_strict;     /* evaluation: strict would have said something else: */
	uint8_t strict_action;
	uint16_t strict_list;
	bool is_ns_counted;
	bool is_throttled;                   /* by a detector: the failure is ours */
	bool is_too_long;                    /* a redirect's target that goes behind the name */
	uint8_t n_ns_lookups, n_ns_unknown;  /* of name servers' addresses (servers.c) */
	uint64_t ns_unknown[NS_LOOKUPS_MAX]; /* cut_missing.mark of what was not found */
	uint64_t ns_deadline_ns;
	struct servers_wait *servers_wait; /* NULL: no look-up is under way (servers.c) */
	bool is_dns64; /* question.type is A, of which AAAA records will be made */
	uint32_t dns64_ttl_s;
	struct local_found own; /* outcome not UNKNOWN: we answer; this turn only */
	bool is_noted;          /* in the table of domains */
	const uint8_t *domain;  /* registered domain of question.name, in it; NULL: there is none */
	uint64_t domain_of;     /* hash of the name that domain is of; 0: of none */
	uint64_t aged;          /* hash of the name that age_s is of; 0: of none */
	uint32_t age_s;         /* of its registered domain; SEEN_NOT_NEW */
	uint16_t group;
	uint16_t rcode;
	uint16_t ede_code; /* 0xffff: none */
	uint16_t n_packets;
	uint32_t generation; /* of the policy that judged */
	/* The one snapshot of this turn: what verdicts and `group` are numbers of. A reload while a query
	 * runs is for the next one. */
	const struct policy *policy;
	uint64_t start_ns;
	const struct answer *found;          /* valid in this turn only */
	const struct answer *redirect_found; /* the redirect target's; this turn only */
	bool is_refused_by_guard;            /* guard_verdict is set; this turn only */
	const struct cut *cut;               /* the deepest cut a failure reached; this turn only */
	size_t out_bytes;
	uint8_t *out; /* this turn only */
	struct question question;
	struct name_hashes hashes;
	struct verdict verdict, guard_verdict;
	struct detect_findings findings;
	struct name stage; /* that verdict is about, of the alias chain; len 0: the question's */
	struct resolve_request request;
	struct timer stale_timer;
	struct name redirect; /* the target being resolved */
	struct name_hashes redirect_hashes;
	uint8_t rule_at; /* where in ede_text the rule begins, to the end; 0: nowhere */
	char ede_text[EDE_TEXT_MAX + 1];
	struct query *next; /* pool, or a transport's list */
	struct query *all;  /* every query of the worker, to free them at the end */
	uint8_t in[QUERY_IN_MAX];
};

/* Who answers what is no question to a resolver: NOTIFY, and what is asked of zones held here. */
struct serve_zones {
	void *arg;
	/* Is this for them? Asked when it is parsed, of messages that a resolver refuses and of SOA. */
	bool (*wants)(void *arg, const struct query *q);
	/* Then: write the answer (q->out, q->out_bytes); no bytes: nothing is sent. */
	void (*answer)(void *arg, struct query *q);
};

/* What may change while running; swapped whole (RCU). */
struct serve_options {
	uint16_t udp_size; /* the most we send over UDP */
	bool use_stale;
	uint32_t stale_max_s;   /* how long expired answers may be used */
	uint32_t stale_wait_ms; /* RFC 8767 5: 1800 */
	bool use_prefetch;
	bool log_all; /* an event for every question */
	bool is_minimal_any;
	bool use_sentinel; /* RFC 8509 */
	char identity[SERVE_TEXT_MAX + 1], version[SERVE_TEXT_MAX + 1], nsid[SERVE_TEXT_MAX + 1];
	bool use_cookies; /* for clients that send one (dns/cookie.h) */
	struct siphash_key cookie_key;
};

/* clang-format off */
#define SERVE_COUNTERS(X) \
	X(questions, "questions received") \
	X(udp, "questions over UDP") \
	X(tcp, "questions over TCP") \
	X(cached, "answered from the cache") \
	X(stale, "answered with expired data (RFC 8767)") \
	X(resolved, "answered after asking servers") \
	X(local, "answered from local data, special-use names included") \
	X(dns64, "answered with addresses made by DNS64") \
	X(rebinding, "private addresses of the public DNS that were blocked") \
	X(blocked, "answered by a block rule or default deny") \
	X(allowed, "passed by an allow rule") \
	X(logged, "matched by a log rule") \
	X(shadow, "a list in shadow would have decided") \
	X(alerted, "told of by a detector, and answered") \
	X(throttled, "refused for now because a detector throttles") \
	X(ns_unknown, "judged without all addresses of name servers (ns-wait)") \
	X(dropped, "not answered") \
	X(refused, "from clients in no group, or not recursive") \
	X(zones, "answered to other servers: NOTIFY, zones held here") \
	X(malformed, "FORMERR, NOTIMP, BADVERS") \
	X(failed, "SERVFAIL") \
	X(prefetched, "cache entries refreshed before they expired")
/* clang-format on */

struct serve_counters {
#define X(name, help) _Atomic uint64_t name;
	SERVE_COUNTERS(X)
#undef X
};

/* What the rules of one list have done; by policy_list_slot(). */
struct serve_list_counts {
	_Atomic uint64_t blocked, allowed, logged, shadow;
};

/* A counter has one writer, its worker: a plain load and store are enough. */
static inline void count_one(_Atomic uint64_t *c)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + 1,
	                      memory_order_relaxed);
}

enum {
	SERVERS_FETCHED = 256
};

/* An address of a name server that was asked for in the background. */
struct servers_fetched {
	uint64_t mark;
	uint32_t at_s;
};

/* One worker's server. */
struct serve {
	struct loop *loop;
	struct cache *cache;
	struct resolver *resolver;
	struct event_ring *ring;
	const struct serve_zones *zones; /* NULL: none */
	_Atomic(const struct serve_options *) options;
	struct query *pool, *all;
	unsigned n_parked, max_parked;
	uint64_t wall_offset_ns; /* wall clock minus monotonic, for event times */
	struct serve_counters counters;
	struct firewall_writer *firewall; /* NULL: there is none */
	struct detect *detect;            /* NULL: there are no detectors; borrowed */
	struct learn_notes *learned;      /* of groups that learn; NULL: not noted */
	struct serve_list_counts *lists;  /* POLICY_MAX_LISTS; NULL: not counted */
	struct seen_changes *seen;        /* to the table of domains; NULL: there is none */
	struct servers_fetched fetched[SERVERS_FETCHED];
};

/* The pool starts empty. The parts are borrowed. */
void serve_init(struct serve *s, struct loop *loop, struct cache *cache, struct resolver *resolver,
                struct event_ring *ring, const struct serve_options *options, unsigned max_parked);
void serve_done(struct serve *s);

/* A query from the pool; NULL without memory. What the transport sets is not cleared. */
struct query *query_new(struct serve *s);
void query_free(struct query *q);

/* Run a query whose transport part is filled. It may be finished when this returns, or parked. */
void serve_query(struct query *q);
/*
 * The same in two parts, for batches: serve_begin() reads the question and has the memory fetched
 * that the rest will look at; serve_go_on() is the rest. Between them the processor fetches for
 * all questions of a batch at once, instead of waiting for each.
 */
void serve_begin(struct query *q);
void serve_go_on(struct query *q);
/* Forget a parked query without an answer (its connection is gone). */
void serve_abandon(struct query *q);
/* Before replies leave: what depends on them is done. */
static inline void serve_before_send(struct serve *s)
{
	if (s->firewall != NULL)
		firewall_flush(s->firewall);
}
/* The last thing in a turn: wakes the event writer. */
void serve_turn_end(struct serve *s);

/* ---- inside serve/ ---- */

/* The extended error of the answer; what is longer than EDE_TEXT_MAX is cut. */
void query_set_ede(struct query *q, uint16_t code, const char *text);

/* What a step says. Only the runner ends a query. */
enum outcome {
	GO_ON,
	SAY,
	DROP,
	PARK
};

enum outcome answer_locally(struct query *q); /* own.c */
void write_chaos(const struct query *q, struct reply *r);
/* The A records of the same name are looked up next, from STEP_CACHE on; false: no reason to. */
bool begin_dns64(struct query *q);
bool query_uses_dns64(const struct query *q);
/* What the client asked: question has what is looked up, which may be another name or type. */
void query_asked(const struct query *q, struct name *ret_name, uint16_t *ret_type);

/* A cached answer as a message that is read record by record (compose.c). False: too long. */
bool open_found(const struct query *q, const struct answer *a, bool with_dnssec,
                struct message *ret);
/* The next record; the scratch of the one before is used again, so it is never used up. */
bool next_found(struct message *m, const struct message *opened, struct rr *ret);
unsigned add_composed(struct query *q, struct reply *r); /* returns the rcode */
void add_one_set(struct query *q, struct reply *r);

enum outcome judge_question(struct query *q); /* judge.c */
enum outcome inspect_answer(struct query *q);
/* The client set DO, and what was found is signed and good (break-dnssec: false). */
bool query_keeps_dnssec(const struct query *q);
/* The answer section of what was found, for next_found(); no other may be open. */
bool open_answer(const struct query *q, struct message *ret);
/* Each address that a record leads to, until visit says true. */
bool visit_addresses(const struct query *q, const struct rr *rr, bool with_hints,
                     address_visitor *visit, void *arg);

/* Groups with policy zones (stage.c). True: ret decides. */
bool judge_first_stage(struct query *q, const struct policy *p, const struct policy_group_view *g,
                       struct verdict *ret);
/* A question without RD: some policy zone that is for all has the word (recursive-only). */
bool judge_unrecursed(struct query *q);
enum staged {
	STAGED_NOTHING,
	STAGED_NOT_CLEAN, /* nothing, but another question for the same may get another verdict */
	STAGED_DECIDED,
	STAGED_AGAIN,  /* addresses of name servers were found: judge once more */
	STAGED_PARKED, /* they are waited for */
};
enum staged judge_stages(struct query *q, const struct policy *p, const struct policy_group_view *g,
                         struct verdict *ret);
/* Policy waits for the answer: struct resolve_request.is_late. */
bool judge_is_late(const struct query *q, const struct policy *p);
/* An allow has won before: would strict have said so? */
void judge_allowed(struct query *q, const struct policy *p, const struct policy_group_view *g);

/* The question's registered domain (domain.c): its age, for lists that are for new ones. */
void query_add_age(struct query *q, struct policy_terms *terms);
/* How long ago its registered domain was first asked for; false: it is not to be taken for new. */
bool query_find_age(struct query *q, uint32_t *ret_s);
void query_note_domain(struct query *q); /* the cache has no answer: it was asked for */
void query_end_domain(struct query *q);  /* what became of it */
/* What an event tells, where a list of new domains matched; false: nothing. */
bool query_tell_domain(const struct query *q, struct event_domain *ret);
/* detect.c: what detectors say of an answer that came, or of its staying away. SAY: it is blocked. */
enum outcome watch_answer(struct query *q);
void watch_failure(struct query *q);
/* The verdict of a finding whose action is BLOCK. */
struct verdict verdict_of_detector(const struct detect_finding *f);

enum outcome write_answer(struct query *q);     /* write.c */
enum outcome record_query(struct query *q);     /* record.c */
enum outcome resolve_question(struct query *q); /* wait.c */
enum outcome resolve_redirect(struct query *q);
/* The verdict's answer is an alias. */
bool query_redirects(const struct query *q);
/* Go on after a park. */
void query_resume(struct query *q);

/* Addresses of name servers that policy zones want to know (servers.c). */
enum servers_found {
	SERVERS_UNKNOWN, /* or in the background: judge with what there is */
	SERVERS_FOUND,   /* judge again */
	SERVERS_WAIT,    /* park */
};
enum servers_found servers_find(struct query *q, const struct cut_missing *missing, unsigned n);
void servers_abandon(struct query *q);
void servers_forget(struct query *q); /* the resolver is gone */
bool find_stale(struct query *q);

/* Data that validation found bad is served to those only who check it themselves (CD). */
static inline bool query_must_fail(const struct query *q, const struct answer *a)
{
	return a->security == SECURITY_BOGUS && (q->question.flags & FLAG_CD) == 0;
}

/* A question about the root's keys (RFC 8509) whose answer is SERVFAIL (sentinel.c). */
bool sentinel_must_fail(const struct query *q, const struct answer *a);

/* What was only needed to reach servers may not have been checked: a client's question checks. */
static inline bool answer_is_checked(const struct answer *a)
{
	return a->security != SECURITY_UNCHECKED || anchors_current() == NULL;
}

/* After a park: go on at a step. */
void serve_resume(struct query *q, enum query_step step);

static inline const struct serve_options *serve_options_of(const struct query *q)
{
	return atomic_load_explicit(&q->serve->options, memory_order_acquire);
}
