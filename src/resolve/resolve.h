/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/resolve.h - the front door of the resolver: from a question to an answer.
 *
 * What:      a resolver per worker. resolve_start() looks for the closest zone cut in the cache
 *            and iterates from there, or forwards; the request's `done` is called once, at the
 *            latest when its time limit is reached. Requests for the same (name, type, group)
 *            share one task. Every packet to a server passes guard_packet() first.
 *            resolve_judge_cut() is the part of the guard that serving from the cache uses too,
 *            so that cold and warm cache give the same verdict.
 * Not here:  looking in the cache for the client's question, stale answers -> serve/.
 * Threads:   worker-local; the cache and the table of servers are shared (cache/cache.h,
 *            resolve/server.c: relaxed atomics).
 * Memory:    tasks are bounded (resolve_config.max_tasks); each owns an arena.
 * Cost:      a miss below a warm cut: one packet out, one in, one allocation.
 * Limits:    resolve_limits below; each that is hit ends the request with an extended error.
 * Standards: RFC 1034 5.3.3, 2181 5.4.1, 2308, 4697, 5452, 6891, 7766, 8020, 8109, 8914, 9156,
 *            9520 (caching of resolution failures)
 * Tests:     tests/unit/resolve/, tests/lab/
 */
#pragma once

#include "cache/cache.h"
#include "detect/detect.h"
#include "io/loop.h"
#include "io/tls.h"
#include "policy/policy.h"

struct resolver;

struct resolve_forward {
	struct name zone;
	struct endpoint *to;          /* 16 at most */
	unsigned n_to;                /* 0: an exception, its names are resolved by iteration */
	bool is_first;                /* when they fail: iterate */
	const struct tls_client *tls; /* NULL: without TLS; not strict: TLS where it works */
	bool is_unvalidated; /* a private zone without chain of trust: insecure (RFC 7646) */
};

enum {
	RESOLVE_MAX_SOURCES = 16
};

struct resolve_config {
	uint16_t upstream_port; /* 53 */
	bool use_ipv4, use_ipv6;
	unsigned n_sources_v4, n_sources_v6; /* 0: the kernel chooses */
	struct addr sources_v4[RESOLVE_MAX_SOURCES], sources_v6[RESOLVE_MAX_SOURCES];
	unsigned n_hints;                    /* at least one */
	const struct cut_plan_server *hints; /* root servers' names and addresses */
	unsigned n_forwards;
	const struct resolve_forward *forwards; /* the longest zone wins */
	unsigned max_tasks;         /* 10000; at the limit new ones fail at once, EDE 23 */
	unsigned max_zone_tasks;    /* that one zone may keep waiting: 2000 (load.h) */
	unsigned max_server_asks;   /* packets that may wait for one server: 2000 */
	unsigned max_packets;       /* a question, sub-questions included: 100 */
	unsigned max_depth;         /* of look-ups for name servers' addresses: 4 */
	unsigned max_sub_questions; /* NS address look-ups a question: 16 (NXNSAttack) */
	unsigned n_sockets;         /* UDP sockets (random ports) a worker: 64 */
	uint32_t time_limit_ms;     /* a question: 10000 */
	uint32_t udp_timeout_min_ms, udp_timeout_max_ms; /* 50, 1500 */
	bool qname_minimisation;                         /* RFC 9156, relaxed */
	bool aggressive_nsec;                            /* RFC 8198 */
	bool tcp_upstream;                               /* never UDP */
	bool case_randomisation;                         /* 0x20 (proof.h) */
	bool cookies;                                    /* RFC 7873, towards servers */
	struct detect *detect; /* is asked before each packet; NULL: nobody is; borrowed */
};

enum resolve_status {
	RESOLVE_ANSWERED, /* answer is set (it may be NXDOMAIN or NODATA) */
	RESOLVE_BLOCKED,  /* the guard said no; verdict is set */
	RESOLVE_FAILED,   /* SERVFAIL with ede_code and ede_text */
};

struct resolve_result {
	enum resolve_status status;
	const struct answer *answer;   /* valid until the next quiet point */
	const struct verdict *verdict; /* borrowed during the call */
	const uint8_t *blocked_name;   /* BLOCKED: where in the alias chain; borrowed likewise */
	const struct cut *cut;         /* the deepest cut reached; may be NULL; as answer */
	uint16_t ede_code;
	const char *ede_text; /* which server said or did what; borrowed during the call */
	unsigned n_packets;   /* sent for the task so far */
	bool is_limited;      /* FAILED by a limit of the question, not by the servers */
	bool is_throttled;    /* FAILED by a detector; the name itself has not */
	/* What detectors said before its packets; borrowed during the call. */
	const struct detect_findings *findings;
};

/* Embedded by whoever asks. Fill the first part; leave the second to the resolver (zeroed). */
struct resolve_request {
	const uint8_t *name; /* wire, lower case; stays valid until done */
	const struct name_hashes *hashes;
	uint16_t type;
	uint64_t group;  /* whose policy the guard applies (policy_group_id); 0: nobody's */
	bool is_allowed; /* an allow rule won for the name: the guard lets everything pass */
	bool is_late;    /* policy looks at the answer: the guard stops only what nothing else can
	                    overrule, and aliases are not judged on the way */
	bool is_refresh; /* ask the servers although the cache has an answer */
	const struct addr *client; /* who asked; NULL: we did, or nobody knows */
	bool is_exempt;            /* a rule allows the name: detectors are not asked */
	void (*done)(struct resolve_request *r, const struct resolve_result *result);

	struct resolve_request *next; /* on the same task */
	void *task;
};

MUST_USE int resolver_new(const struct resolve_config *config, struct loop *loop,
                          struct cache *cache, struct resolver **ret);
/* All requests must be done or cancelled. */
void resolver_free(struct resolver *r);

/* `done` may be called from inside (at a limit, or when the guard refuses at once). */
void resolve_start(struct resolver *r, struct resolve_request *request);
/* The request is forgotten; done will not be called. The task may go on for the cache's sake. */
void resolve_cancel(struct resolver *r, struct resolve_request *request);

/*
 * Refresh an answer in the background, asking the servers although the cache has one. What is
 * asked for is copied; hashes may be NULL, is_refresh and done are not looked at. Dropped silently
 * when the same is under way or tasks are scarce. With a client the detectors are asked: what a
 * packet tells is told in the background, too.
 */
void resolve_refresh(struct resolver *r, const struct resolve_request *what);

/*
 * Forget what proves that names at, above or below `lower` do not exist (RFC 8198). On the worker's
 * thread. The cache is the caller's.
 */
void resolver_forget(struct resolver *r, const uint8_t *lower);
/* The same of what all resolvers share: questions that failed a moment ago; for the root also servers. */
void resolve_forget_shared(const uint8_t *lower);

/* clang-format off */
#define RESOLVE_COUNTERS(X) \
	X(tasks_started, "questions taken up") \
	X(tasks_failed, "questions that came to nothing") \
	X(packets_out, "packets sent") \
	X(packets_in, "packets received") \
	X(packets_dropped, "received, and nobody's: late or forged") \
	X(packets_shared, "not sent: the same question to the same server was under way") \
	X(timeouts, "packets without a response in time") \
	X(tcp_connections, "connections begun") \
	X(tcp_reused, "packets over a connection that was open already") \
	X(tls_opened, "TLS sessions") \
	X(tls_resumed, "TLS sessions that went on with an earlier one's keys") \
	X(guard_refused, "packets that policy forbade") \
	X(detector_refused, "packets that a detector blocked") \
	X(throttled, "questions that detectors throttle and refused for now") \
	X(held, "packets that detectors made wait") \
	X(at_limit, "questions refused for want of room") \
	X(zone_limited, "questions refused: too many for one zone") \
	X(server_limited, "servers passed over: too many questions wait for them") \
	X(rings_closed, "questions that a forwarder sent back to us") \
	X(wrong_case, "responses dropped: not the case that was sent (0x20)") \
	X(wrong_cookie, "responses dropped: not our cookie") \
	X(doubt_case, "asked again over TCP: the case was lost") \
	X(doubt_cookie, "asked again over TCP: the server's cookie was missing") \
	X(doubt_bare, "asked again over TCP: an error without a question") \
	X(doubt_flood, "asked again over TCP: many responses that were nobody's") \
	X(bad_cookies, "servers that asked for their new cookie") \
	X(secure, "responses found to be good (DNSSEC)") \
	X(insecure, "responses that nothing vouches for") \
	X(bogus, "responses found to be bad") \
	X(overworked, "responses given up: checking them took too much work (KeyTrap)") \
	X(key_questions, "DS and DNSKEY records asked for to validate") \
	X(denied, "questions denied by what signed zones had proven before (RFC 8198)") \
	X(root_copy, "questions to the root answered from the copy of its zone (RFC 8806)")
/* clang-format on */

struct resolve_counts {
#define X(name, help) uint64_t name;
	RESOLVE_COUNTERS(X)
#undef X
	uint64_t tasks_now;
};
/* Adds this resolver's counts to ret. Any thread. */
void resolver_count(const struct resolver *r, struct resolve_counts *ret);

/*
 * Is the root reachable? For the start-up message on closed networks. -1 not known yet,
 * 0 no server has answered, 1 yes. Any thread.
 */
int resolver_upstream_state(const struct resolver *r);

/* ---- a copy of the root zone (RFC 8806; resolve/root_zone.c): the housekeeping thread ---- */

/*
 * At the start, and once a second: the file is looked at every 30 s, or when it is another one
 * (NULL or "": none). What is no good is logged once, and the copy in force stays until it expires.
 * Blocks on the disk; some 50 ms when the file has changed.
 */
void resolve_root_zone_tick(const char *path, uint64_t now_s);
void resolve_root_zone_stop(void);

/* ---- the guard (resolve/guard.c) ---- */

/*
 * Judge the servers of a cut and of the cuts above it: names first, then addresses, from the
 * root down. Forwarding zones are not judged. true: nothing against it (or an allow won, then
 * ret_verdict->action is POLICY_ALLOW); false: blocked. What was clean is remembered in the
 * cuts' memos.
 */
bool resolve_judge_cut(const struct policy *p, uint16_t group, const struct cut *cut,
                       struct verdict *ret_verdict);

/* An address of a name server that policy zones want to know. */
struct cut_missing {
	uint64_t mark;  /* of name and type */
	uint16_t type;  /* A or AAAA */
	bool is_waited; /* ns-wait of some zone */
	struct name name;
};

/* What judging the servers of a zone may use, and what it found missing. Zeroed: the cut alone. */
struct cut_judging {
	struct cache
		*cache; /* addresses that did not come with the delegation; NULL: not looked at */
	uint32_t now_s;
	uint16_t type;  /* of the question; 0: not known */
	bool is_secure; /* struct policy_terms */
	bool no_zones;
	bool is_whole; /* policy zones: the best of all cuts; else the first cut with a match decides */
	/* Out: some address is wanted and not in the cache; they are added, each once, to missing. */
	bool is_incomplete;
	struct cut_missing *missing; /* the caller's; NULL: none wants to know */
	unsigned n_missing, max_missing;
};

/* The same with what j allows for. */
bool resolve_judge_servers(const struct policy *p, uint16_t group, const struct cut *cut,
                           struct cut_judging *j, struct verdict *ret_verdict);

/* Everything a packet is judged by. */
struct guard_packet {
	const uint8_t *name; /* of the question that would be sent, lower case */
	uint16_t type;
	uint64_t group; /* policy_group_id(); one that is gone lets nothing pass */
	bool is_allowed;
	bool is_late;               /* struct resolve_request */
	bool is_behind_alias;       /* of the question's own name policy has not judged all yet */
	bool is_lookup;             /* for a server's address or a key: zones do not hold */
	const struct cut *cut;      /* the zone it would be sent to */
	const uint8_t *server_name; /* NULL for forwarders */
	const struct endpoint *server; /* where it would go */
};

/* true: send it. false: refused, ret_verdict says by what. No packet goes without this. */
bool guard_packet(const struct guard_packet *g, struct verdict *ret_verdict);
