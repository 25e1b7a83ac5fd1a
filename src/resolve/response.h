/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/response.h - what a server's response says, and which of its records are believed.
 *
 * What:      response_read() turns a message into one of the kinds below and a list of records
 *            to keep, in the order in which they are served: the alias chain, the records asked
 *            for, their signatures, for negative answers the SOA and its proofs.
 *            Believed is only what lies within the zone whose servers were asked, and not in a
 *            zone that other servers are configured for (forwarding zones). Records of the
 *            additional section never become answers; they are used as glue for servers named
 *            within the zone that was asked.
 * Not here:  matching a response with its question -> exchange.c; what is done -> iterate.c.
 * Threads:   worker-local: one struct response a resolver.
 * Memory:    fixed, about 600 KiB, of which a response touches what it needs. Pointers are valid
 *            until the next response_read() or response_from_answer().
 * Cost:      hot path of a miss; O(records), times the aliases in it.
 * Limits:    4096 records; 12 aliases; 32 name servers with 8 addresses each.
 * Standards: RFC 1034 5.3.3, 2181 5.4.1, 2308 2 and 5, 6672 3.2 (DNAME), 4035 3.1.4.1 (DS),
 *            6891 7 (FORMERR), 8020 2
 * Tests:     tests/unit/resolve/response_test.c, tests/fuzz/response_fuzz.c
 */
#pragma once

#include "resolve/forward.h"

enum {
	RESPONSE_MAX_RRS = 4096,
	RESPONSE_SERVER_ADDRS = 8,
	RESPONSE_SCRATCH_BYTES = 4 * DNS_MAX_MESSAGE + 1024,
};

enum response_kind {
	RESPONSE_ANSWER,    /* what was asked for, perhaps behind aliases */
	RESPONSE_ALIAS,     /* aliases whose end, `target`, is to be asked for elsewhere */
	RESPONSE_NXDOMAIN,  /* the name, or the end of its aliases, does not exist */
	RESPONSE_NODATA,    /* it exists without that type */
	RESPONSE_REFERRAL,  /* cut_zone, servers */
	RESPONSE_TRUNCATED, /* ask again over TCP */
	RESPONSE_NO_EDNS,   /* FORMERR, NOTIMP or BADVERS: it may be EDNS that is not understood */
	RESPONSE_SERVFAIL,
	RESPONSE_REFUSED, /* REFUSED, NOTAUTH and all codes that are no answer */
	RESPONSE_LAME,    /* does not serve the zone it was asked about */
	RESPONSE_BAD,     /* not readable, or nonsense; `why` says what */
};

/* What was asked, and of whom. */
struct response_question {
	const uint8_t *name; /* lower case */
	uint16_t type;
	const uint8_t *zone; /* of the servers asked */
	const struct forwards *forwards;
	const struct forward_zone *forward;  /* NULL: iterating */
	const struct forward_zone *given_up; /* iterating because its servers failed */
	bool takes_recursive;                /* believe resolvers that are not the zone's servers */
};

struct response {
	enum response_kind kind;
	uint8_t rcode;     /* of the answer kinds: NOERROR or NXDOMAIN */
	bool is_recursive; /* kind is LAME because a resolver answered from what it knows */
	bool is_aa, has_opt;
	const char *why;       /* static; for LAME and BAD */
	const uint8_t *target; /* the end of the aliases, or the question's name */
	uint32_t ttl_s;        /* the least of what is kept; 0 for negative without SOA */
	unsigned n_aliases;
	unsigned n_kept;
	unsigned n_all;

	/* REFERRAL (`kept` is what was said of DS records), and response_read_servers() */
	const uint8_t *cut_zone;
	uint32_t cut_ttl_s;
	unsigned n_servers;

	struct alias {
		const uint8_t *owner;
		unsigned first_kept, end_kept; /* its records in `kept` */
		bool is_cname;                 /* as the server said; false: made from a DNAME */
		struct name target;
	} aliases[ANSWER_MAX_HOPS];
	struct cut_plan_server servers[CUT_MAX_SERVERS];
	struct addr addrs[CUT_MAX_SERVERS][RESPONSE_SERVER_ADDRS];
	struct name server_names[CUT_MAX_SERVERS];
	struct answer_rr kept[RESPONSE_MAX_RRS + ANSWER_MAX_HOPS];
	struct rr all[RESPONSE_MAX_RRS];
	uint8_t scratch[RESPONSE_SCRATCH_BYTES];
};

/*
 * Read a response whose header and question were accepted. `m` was opened with w->scratch.
 * The outcome is in w, whatever the message holds.
 */
void response_read(struct response *w, struct message *m, const struct response_question *q);

/*
 * The name servers of `zone` as the answer section of the response just read names them, with
 * the addresses beside them: for priming (RFC 8109). 0, or -ENOENT.
 */
MUST_USE int response_read_servers(struct response *w, const uint8_t *zone);

/*
 * Read an answer out of the cache as if it had just come: kind, kept, ttl_s (what is left of
 * it), aliases counted. `buf` takes its message: DNS_MAX_MESSAGE bytes. 0 or -EBADMSG.
 */
MUST_USE int response_from_answer(struct response *w, const struct answer *a, uint32_t now_s,
                                  uint8_t *buf);

/* Only its message: the bytes written, or -EMSGSIZE. */
int response_write_cached(const struct answer *a, uint32_t now_s, uint8_t *buf, size_t room);

/* The address in a record: false if it is none, or not one host's (0.0.0.0/8, multicast). */
bool response_addr(uint16_t type, const uint8_t *rdata, size_t n, struct addr *ret);

/* What was read from a cached (name, CNAME) as one alias to follow; false if it is none. */
bool response_as_alias(struct response *w);
