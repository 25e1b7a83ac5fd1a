/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cache/cache.h - what the Internet said: answers and zone cuts, in bounded memory.
 *
 * What:      kinds of item, all immutable after they were put:
 *            - struct answer: the whole answer to (name, type): rcode, the alias chain, the
 *              records, for negative answers the SOA and its proofs, RRSIGs apart. Laid out so
 *              that serving it is: copy the question, copy the blocks, patch the TTLs.
 *            - struct cut: a delegation: the zone, its name servers, the addresses known, the
 *              cut above it, and what the parent said of its DS records. These are the facts
 *              that policy and detectors judge; every answer holds the cuts of the zones its
 *              records came from.
 *            A third kind, struct zone_item, is laid out by validate/: what is known of a
 *            zone's keys.
 *            The cache holds the truth; verdicts are chosen when serving. An item remembers for
 *            (policy generation, group) that the policy has nothing against it (`memo`), so a
 *            warm hit costs no rule look-up.
 *
 *                answer data:  cuts[] | ttl_at[] | name | AN plain | AN sigs | NS plain | NS sigs
 *
 *            The blocks are message bytes: owner names may be compression pointers to offset
 *            12 (the question) or into "AN plain", which follows the question directly.
 * Not here:  deciding what may be put (credibility, bailiwick) -> resolve/.
 * Threads:   shared by all workers. Reading is lock-free under RCU; putting uses one
 *            compare-and-swap. Pointers are valid until the reader's next quiet point.
 * Memory:    bounded by cache_new()'s size, table included; the least recently used of a few
 *            candidates goes first. Items are heap blocks, retired through base/rcu.h.
 * Cost:      find: one cache line of tags, then the item. put: one allocation made by the
 *            caller, O(1).
 * Limits:    an answer of at most 64 KiB; 13 cuts an answer; 32 servers and 64 addresses a cut.
 * Standards: RFC 2181 5.4.1, 8; RFC 2308 5; RFC 8767 4 (expired items stay until evicted)
 * Tests:     tests/unit/cache/
 */
#pragma once

#include <assert.h>
#include <stdatomic.h>

#include "base/addr.h"
#include "dns/message.h"
#include "dns/name.h"

enum {
	CACHE_TTL_MAX_S = 86400, /* positive; RFC 8767 4 advises a cap of days, we take one */
	CACHE_TTL_NEGATIVE_MAX_S = 3600, /* RFC 2308 5 advises one to three hours */
	CACHE_MEMOS = 4,
	ANSWER_MAX_HOPS = 11, /* aliases in one chain */
	ANSWER_MAX_CUTS = ANSWER_MAX_HOPS + 1,
	CUT_MAX_SERVERS = 32,
	CUT_MAX_ADDRS = 64,
	CUT_MAX_DS_RRS = 32, /* more are left out: then the DS records are asked for */
	CUT_DS_BYTES = 8192, /* of them all */
	EDE_KEPT_MAX = 160,
};

struct cache;

/* What validation says of data (RFC 4035 4.3). Ordered: of a chain's parts the least counts,
   but for UNCHECKED, which stands for validation that is switched off. */
enum security {
	SECURITY_UNCHECKED,
	SECURITY_BOGUS,    /* SERVFAIL, unless the client set CD */
	SECURITY_INSECURE, /* proven: no chain of trust leads here */
	SECURITY_SECURE,   /* AD may be set */
};

/* The common head of every item. */
struct cache_item {
	uint64_t hash;
	uint32_t bytes;    /* of the whole item, for the memory bound */
	uint32_t stored_s; /* monotonic seconds (loop time / NS_PER_S) */
	uint32_t ttl_s;    /* lifetime; 0: never fresh, only handed to those who wait for it */
	_Atomic uint8_t is_used;      /* read since the eviction hand came by */
	_Atomic uint8_t is_refreshed; /* somebody has asked for it anew (prefetch) */
	uint8_t kind;
	void (*release)(void *item);
	_Atomic uint64_t memo[CACHE_MEMOS]; /* cache_memo_*() */
};

/* One record as answers and cuts are made of. Pointers are borrowed while they are made. */
struct answer_rr {
	const uint8_t *owner; /* wire, lower case */
	const uint8_t *rdata; /* uncompressed */
	uint16_t type;
	uint16_t rdata_len;
	uint32_t ttl_s;
	bool in_authority; /* else in the answer section */
};

struct cut_server {
	const uint8_t *name;         /* wire, lower case; inside the cut's own block */
	uint8_t first_addr, n_addrs; /* in cut.addrs */
};

/* A zone cut with its servers. Counted: an answer keeps the cuts it came through alive. */
struct cut {
	struct cache_item item;
	_Atomic uint32_t refs;
	struct cut *parent; /* NULL for the root and for forwarding zones; counted */
	bool is_forward;    /* servers are the operator's forwarders: policy does not judge them */
	bool is_primed;     /* root: confirmed by a priming answer (RFC 8109) */
	uint8_t n_servers, n_addrs;
	uint64_t servers_hash; /* of the servers' names, whatever their order */
	const uint8_t *zone;   /* wire, lower case; inside this block */
	/* What came with the referral: DS records, or NSEC/NSEC3 records that deny them, with
	   their RRSIGs; none of it validated yet. Inside this block. */
	unsigned n_ds_rrs;
	const struct answer_rr *ds_rrs;
	struct cut_server servers[CUT_MAX_SERVERS];
	struct addr addrs[CUT_MAX_ADDRS];
	uint8_t names[]; /* zone, then the server names */
};

/* What is known of a zone's keys: the head of validate/validate.h's struct trust. */
struct zone_item {
	struct cache_item item; /* release is the maker's */
	const uint8_t *zone;    /* wire, lower case; freed by release */
};

/* The answer to (name, type), class IN. */
struct answer {
	struct cache_item item;
	uint16_t type;
	uint8_t rcode;    /* NOERROR or NXDOMAIN */
	uint8_t n_cuts;   /* one a hop: cuts[0] is the question's own zone */
	uint8_t security; /* enum security */
	uint8_t ede_code; /* of a bogus answer (RFC 8914): why; 0 otherwise */
	uint16_t n_ttls;
	uint16_t n_an, n_an_sigs, n_ns, n_ns_sigs;               /* records in the blocks */
	uint16_t an_bytes, an_sig_bytes, ns_bytes, ns_sig_bytes; /* 64 KiB in sum at most */
	const uint8_t *name;                                     /* wire, lower case */
	const uint16_t *ttl_at; /* offsets from `blocks`, ascending */
	const uint8_t *blocks;
	const struct cut *const *cuts;
	const char *ede_text; /* of a bogus answer; "" otherwise */
};

MUST_USE int cache_new(size_t size_bytes, struct cache **ret);
void cache_free(struct cache *c); /* no reader may be left */

/*
 * Find an item, fresh or expired (answer_is_fresh); NULL if none. `hash` is name_hash(lower).
 */
const struct answer *cache_find_answer(struct cache *c, uint64_t hash, const uint8_t *lower,
                                       uint16_t type);
const struct cut *cache_find_cut(struct cache *c, uint64_t hash, const uint8_t *lower_zone);
/* The same for what is known of a zone's keys. */
const struct zone_item *cache_find_zone(struct cache *c, uint64_t hash, const uint8_t *lower_zone);
/* Bring the table line of an answer into the processor's cache. */
void cache_prefetch_answer(struct cache *c, uint64_t hash, uint16_t type);

/*
 * Put an item; the cache takes it (frees it when replaced or evicted, or at once if there is no
 * room or ttl_s is 0 - at once means: through rcu_retire, so the caller may use it until its
 * next quiet point).
 */
void cache_put_answer(struct cache *c, struct answer *taken);
void cache_put_cut(struct cache *c, struct cut *taken);
/* item.bytes, stored_s, ttl_s and release are set; `hash` is name_hash(zone). */
void cache_put_zone(struct cache *c, struct zone_item *taken, uint64_t hash);

/* The closest cut at or above the name that is fresh; hashes of the name. NULL: none. */
const struct cut *cache_closest_cut(struct cache *c, const uint8_t *lower,
                                    const struct name_hashes *hashes, uint32_t now_s);

/*
 * Forget a name (all types), or with `below` all there is of it and of the names under it: also
 * answers that lead through there (zones, aliases), and what denies a name above it (RFC 8020).
 * Returns how many items. Costs a walk over the whole table.
 */
size_t cache_flush(struct cache *c, const uint8_t *lower, bool below);

struct cache_counts {
	uint64_t answers, cuts, zones, bytes, size_bytes, evicted, refused;
};
void cache_count(struct cache *c, struct cache_counts *ret);

/* Seconds since it was stored. The clocks of two workers may differ by a turn: never negative. */
static inline uint32_t item_age_s(const struct cache_item *i, uint32_t now_s)
{
	return now_s > i->stored_s ? now_s - i->stored_s : 0;
}

static inline bool item_is_fresh(const struct cache_item *i, uint32_t now_s)
{
	return item_age_s(i, now_s) < i->ttl_s;
}

/* ---- memo: "the policy has nothing against this, for this group at this generation" ---- */

static inline bool cache_memo_is_clean(const struct cache_item *i, uint32_t generation,
                                       uint16_t group)
{
	uint64_t m = atomic_load_explicit(&i->memo[group % CACHE_MEMOS], memory_order_relaxed);
	return m == ((uint64_t)generation << 32 | (uint64_t)group << 16 | 1);
}

static inline void cache_memo_set_clean(const struct cache_item *i, uint32_t generation,
                                        uint16_t group)
{
	/* The memo is the one part of an item that changes: a race costs one more look-up. */
	_Atomic uint64_t *m = (_Atomic uint64_t *)&i->memo[group % CACHE_MEMOS];
	atomic_store_explicit(m, (uint64_t)generation << 32 | (uint64_t)group << 16 | 1,
	                      memory_order_relaxed);
}

/* ---- making items ---- */

/* What owner and data of a record take, and a copy of it whose they are; where the next begins. */
size_t answer_rr_bytes(const struct answer_rr *rr);
uint8_t *answer_rr_copy(struct answer_rr *to, const struct answer_rr *from, uint8_t *bytes);

struct answer_plan {
	const uint8_t *name; /* the question: wire, lower case */
	uint64_t hash;       /* name_hash(name) */
	uint16_t type;
	uint8_t rcode;
	uint32_t now_s;
	uint32_t ttl_s; /* of the whole: min over the records, or RFC 2308's for negative ones */
	const struct answer_rr *rrs; /* in the order they shall be served; RRSIGs anywhere */
	unsigned n_rrs;
	const struct cut *const *cuts; /* one a hop; references are taken */
	unsigned n_cuts;
	enum security security;
	uint8_t ede_code;     /* of a bogus answer */
	const char *ede_text; /* copied, EDE_KEPT_MAX bytes at most; NULL: none */
};

/* 0, -ENOMEM, or -EMSGSIZE (over 64 KiB or too many records). */
MUST_USE int answer_new(const struct answer_plan *plan, struct answer **ret);

/*
 * The next address of an answer's A and AAAA records; *at starts as 0. Every record has its TTL in
 * ttl_at, and those of the answer section come first.
 */
static inline bool answer_next_addr(const struct answer *a, unsigned *at, struct addr *ret)
{
	while (*at < a->n_an && *at < a->n_ttls) {
		const uint8_t *ttl = a->blocks + a->ttl_at[(*at)++];
		uint16_t type = load16(ttl - 4);
		uint16_t bytes = load16(ttl + 4);
		if (type == DNS_A && bytes == 4) {
			*ret = addr_from_bytes4(ttl + 6);
			return true;
		}
		if (type == DNS_AAAA && bytes == 16) {
			*ret = addr_from_bytes16(ttl + 6);
			return true;
		}
	}
	return false;
}

struct cut_plan {
	const uint8_t *zone;
	uint64_t hash;
	uint32_t now_s, ttl_s;
	const struct cut *parent; /* a reference is taken; may be NULL */
	bool is_forward, is_primed;
	unsigned n_ds_rrs; /* over the limits: none is kept */
	const struct answer_rr *ds_rrs;
	unsigned n_servers; /* what is over CUT_MAX_SERVERS or CUT_MAX_ADDRS is left out */
	const struct cut_plan_server {
		const uint8_t *name; /* wire, lower case */
		unsigned n_addrs;
		const struct addr *addrs;
	} * servers;
};
MUST_USE int cut_new(const struct cut_plan *plan, struct cut **ret);
const struct cut *cut_get(const struct cut *c); /* take a reference */
void cut_put(const struct cut *c);              /* and drop it: freed through rcu_retire */

/*
 * answer_write - the message for one question from a cached answer.
 *
 * @now_s:    TTLs are counted down to it; a stale answer gets stale_ttl_s instead
 * @with_dnssec: RRSIG, NSEC and NSEC3 records too (the question had DO)
 * @ret:      where the answer section goes, right behind the question (whose name is at
 *            offset 12 of the message)
 * @room:     bytes at ret
 * @ret_counts: ANCOUNT and NSCOUNT, host order
 *
 * Returns the bytes written, or -EMSGSIZE if they do not fit in room (the caller truncates).
 */
int answer_write(const struct answer *a, uint32_t now_s, uint32_t stale_ttl_s, bool with_dnssec,
                 uint8_t *ret, size_t room, uint16_t ret_counts[2]);
