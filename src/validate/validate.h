/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * validate/validate.h - DNSSEC: may these records be believed?
 *
 * What:      signatures, chains of trust and proofs of absence, over records that somebody else
 *            fetched. `struct trust` is what is known of a zone: its keys, or that it has none.
 *            validate_response() judges what a server said and asks the caller for the trust of
 *            the zones it meets; when the caller does not know one yet, the outcome says which,
 *            and the caller comes back when it does.
 *
 *                trust anchor -> DNSKEY of the root -> DS -> DNSKEY -> ... -> RRsets, denials
 *
 * Not here:  fetching DS and DNSKEY records, retrying -> resolve/secure.c; trust anchors'
 *            files and roll-over -> validate/anchors.c (front door: below).
 * Threads:   pure, but for the anchors (published by RCU) and the memo of good signatures
 *            (worker-local: struct validator). A struct trust is immutable and shared.
 * Memory:    a struct trust is one heap block with its libdnssec keys; struct validator about
 *            400 KiB. validate_response() does not allocate but for what libdnssec does.
 * Cost:      hot path of a miss: one signature per RRset, remembered; see struct work.
 * Limits:    struct work bounds what one question may cost (KeyTrap, CVE-2023-50387; NSEC3
 *            encloser attack, CVE-2023-50868); 256 RRsets and 4112 records a response.
 * Standards: RFC 4033-4035, 4509, 5155, 5702, 6605, 6840, 8080, 8198, 8624, 9276, 9364;
 *            RFC 8914 (which extended error)
 * Tests:     tests/unit/validate/, tests/fuzz/validate_fuzz.c, tests/lab/
 */
#pragma once

#include "cache/cache.h"

struct validator; /* a worker's: the memo of signatures seen to be good */

MUST_USE int validator_new(struct validator **ret);
void validator_free(struct validator *v);

/* What one client's question may still cost, its look-ups for keys included. */
struct work {
	uint16_t signatures_left; /* verifications, good or bad; memo hits are free */
	uint16_t failures_left;   /* verifications that came out bad */
	uint16_t hashes_left;     /* NSEC3 hashes computed, in blocks of 25 iterations */
	bool is_exhausted;        /* something was left undone: the data is bogus */
};
enum {
	WORK_SIGNATURES = 96,
	WORK_FAILURES = 16,
	WORK_HASHES = 128,
	NSEC3_ITERATIONS_MAX = 50, /* RFC 9276 3.2: more is treated as insecure */
	KEYS_PER_TAG_MAX = 4,      /* DNSKEYs of the same tag and algorithm that are tried */
};
struct work work_new(void);

/* Extended errors of validation (RFC 8914 4). */
enum {
	EDE_UNSUPPORTED_ALGORITHM = 1,
	EDE_UNSUPPORTED_DIGEST = 2,
	EDE_INDETERMINATE = 5,
	EDE_BOGUS = 6,
	EDE_EXPIRED = 7,
	EDE_NOT_YET_VALID = 8,
	EDE_DNSKEY_MISSING = 9,
	EDE_RRSIGS_MISSING = 10,
	EDE_NO_ZONE_KEY = 11,
	EDE_NSEC_MISSING = 12,
	EDE_UNSUPPORTED_NSEC3 = 27,
};

/* ---- what is known of a zone ---- */

enum trust_state {
	TRUST_SECURE,   /* keys[] are its keys */
	TRUST_INSECURE, /* proven: no DS above, or nothing but unknown algorithms */
	TRUST_BOGUS,    /* its chain is broken: ede_code, why */
	TRUST_NO_CUT,   /* proven: no zone begins at this name */
};

struct trust_key; /* tag, algorithm, flags, the libdnssec key; validate/trust.c */

struct trust {
	struct zone_item head;
	enum trust_state state;
	uint8_t ede_code; /* BOGUS: why; INSECURE: 1, 2 or 27 where that is the reason; or 0 */
	uint8_t n_keys;
	const char *why; /* static text; NULL unless BOGUS */
	struct trust_key *keys;
	uint8_t name[NAME_MAX_BYTES];
};

/* Without keys. ttl_s: how long it holds. The caller hands it to cache_put_zone(). */
MUST_USE int trust_new(const uint8_t *zone, enum trust_state state, uint8_t ede_code,
                       const char *why, uint32_t now_s, uint32_t ttl_s, struct trust **ret);

/*
 * trust_from_keys - a zone's keys, if one of its DS records (or trust anchors) vouches for them.
 *
 * @rrs, n_rrs: the DNSKEY RRset at `zone` and the RRSIGs over it; other records are passed over
 * @anchors:    validated DS records of the zone, and DNSKEY records for trust anchors
 *              (with a TTL of 0, as of anchors from files, they do not bound the outcome's)
 * @wall_s:     seconds since 1970, for the signatures' times (RFC 4034 3.1.5)
 * @now_s:      monotonic, for the item
 *
 * The state is SECURE, INSECURE (none of the anchors has an algorithm and a digest that are
 * supported: RFC 4035 5.2, RFC 6840 5.2) or BOGUS. Returns 0 or -ENOMEM.
 */
MUST_USE int trust_from_keys(struct validator *v, const uint8_t *zone, const struct answer_rr *rrs,
                             unsigned n_rrs, const struct answer_rr *anchors, unsigned n_anchors,
                             uint32_t wall_s, uint32_t now_s, struct work *work,
                             struct trust **ret);
void trust_free(struct trust *t); /* one that was not put into the cache */

/* What a parent says of a name at or below which a zone may begin. */
enum delegation {
	DELEGATION_SIGNED,   /* there are DS records, now known to be good */
	DELEGATION_UNSIGNED, /* proven: a zone begins here, without DS (or opt-out) */
	DELEGATION_NONE,     /* proven: no zone begins here (or the name does not exist) */
	DELEGATION_UNKNOWN,  /* the records do not say, or are not good: ask for DS */
};

/*
 * validate_delegation - read the DS RRset, or the denial of one, that a referral or a response
 *                       to (child, DS) carries, with the parent's keys.
 *
 * @ret_ttl_s: how long it holds
 * @ret_ds:    SIGNED: the DS records, pointers into rrs; at most 32
 */
enum delegation validate_delegation(struct validator *v, const uint8_t *child,
                                    const struct trust *parent, const struct answer_rr *rrs,
                                    unsigned n_rrs, uint32_t wall_s, struct work *work,
                                    uint32_t *ret_ttl_s, struct answer_rr ret_ds[32],
                                    unsigned *ret_n_ds);

/* ---- responses ---- */

/*
 * Who knows the trust of zones. Both return NULL when it is not known yet, and remember what
 * was wanted: the outcome of validate_response() is then VALIDATE_WAIT.
 */
struct trust_source {
	/* Of exactly this zone, because a signature names it as its signer. */
	const struct trust *(*of_zone)(struct trust_source *s, const uint8_t *zone);
	/* Of the zone that holds records of this name and type (DS: the parent's side), because
	   they came without signature: INSECURE or BOGUS, or SECURE when no unsigned zone lies
	   between it and the name, so that signatures are missing. */
	const struct trust *(*around)(struct trust_source *s, const uint8_t *name, uint16_t type);
};

/* What a server said about one name, and what it led to in the same response. */
struct validate_response {
	const uint8_t *name; /* that was asked, lower case */
	uint16_t type;       /* DNS_ANY: whatever stands at the name */
	uint8_t rcode;       /* NOERROR or NXDOMAIN */
	enum {
		VALIDATE_ANSWER, /* the type asked for, at the end of the aliases */
		VALIDATE_DENIAL, /* the end of the aliases, or the type there, does not exist */
		VALIDATE_ALIAS,  /* aliases only, leading elsewhere */
	} kind;
	const uint8_t *target; /* the end of the aliases; `name` without any */
	struct answer_rr *rrs; /* in order; TTLs are lowered to what signatures allow */
	unsigned n_rrs;
	uint32_t wall_s;
};

enum validate_outcome {
	VALIDATE_DONE,
	VALIDATE_WAIT, /* a trust is not known yet */
};

struct validate_result {
	enum security security; /* SECURE, INSECURE or BOGUS */
	uint8_t ede_code;       /* BOGUS: why. INSECURE because of something unsupported: that. */
	const char *why;        /* static; NULL unless ede_code is set */
	struct name where;      /* whose records, or denial, it is about; len 0: nobody's */
	uint32_t ttl_s;         /* the most that signatures allow; UINT32_MAX: no bound */
	bool is_opt_out;        /* a denial that rests on opt-out: insecure, not for reuse */
	bool is_wildcard;       /* data made from a wildcard */
	uint8_t rcode;          /* of the query; NOERROR if it was denied but is proven to exist */
	struct name zone;       /* DENIAL that is SECURE: the zone that denies, for reuse */
};

/*
 * validate_response - check every RRset, and every proof that is due (RFC 4035 5).
 *
 * Synthesised CNAMEs (RFC 6672 5.3.1) follow their DNAME. Of the authority section SOA, NSEC
 * and NSEC3 records are looked at, and have to be good whether they are needed or not, because
 * they are served (RFC 4035 3.2.3); others are not. RRSIGs asked for by themselves are insecure:
 * nothing signs them.
 */
enum validate_outcome validate_response(struct validator *v, const struct validate_response *q,
                                        struct trust_source *source, struct work *work,
                                        struct validate_result *ret);

/* ---- denials, for their own sake (validate/nsec.c, nsec3.c; resolve/denial.c reuses them) ---- */

/* The NSEC3 hash of a name (RFC 5155 5). 0, or -E2BIG when work is used up, -ENOTSUP. */
MUST_USE int nsec3_hash(const uint8_t *lower, const uint8_t *salt, size_t salt_len,
                        unsigned iterations, struct work *work, uint8_t ret[20]);
/* Is the type in the bit map of this NSEC or NSEC3 record (RFC 4034 4.1.2)? */
bool denial_has_type(const struct answer_rr *nsec, uint16_t type);
/*
 * This record lies at `name`: does it prove that the type is not there, nor an alias? Not if it
 * is the parent's record at a cut (unless DS is asked for), or the child's (if DS is).
 */
bool denial_lacks_type(const struct answer_rr *nsec, const uint8_t *name, uint16_t type);
/*
 * Does this NSEC record lie at the name, or cover it (RFC 4034 4.1.1, 4035 5.4)? `zone` is
 * its signer: the last record of a zone points back there. What lies below a cut or a DNAME is
 * not covered by the record at it (RFC 6840 4.1). Malformed ones are elsewhere.
 */
enum denial_place {
	DENIAL_ELSEWHERE,
	DENIAL_MATCHES,
	DENIAL_COVERS
};
enum denial_place nsec_place(const struct answer_rr *nsec, const uint8_t *zone,
                             const uint8_t *name);
/* The hash that an NSEC3 record's name begins with (RFC 5155 1.3); false: it is none. */
bool nsec3_owner_hash(const uint8_t *owner, uint8_t ret[20]);
/* nsec_place() for the hash of a name. */
enum denial_place nsec3_place(const struct answer_rr *nsec3, const uint8_t hash[20]);
struct nsec3_parameters {
	uint8_t algorithm, salt_len, hash_len;
	bool is_opt_out;
	uint16_t iterations;
	const uint8_t *salt;
};
/* 0 or -EBADMSG. */
MUST_USE int nsec3_read(const struct answer_rr *nsec3, struct nsec3_parameters *ret);

/* The signer, the labels field and the expiration of an RRSIG. 0 or -EBADMSG. */
struct rrsig_fields {
	uint16_t covers, tag;
	uint8_t algorithm, labels;
	uint32_t original_ttl_s, expires_s, begins_s;
	const uint8_t *signer; /* wire, in the record's data; may be upper case */
};
MUST_USE int rrsig_read(const struct answer_rr *rrsig, struct rrsig_fields *ret);

/* ---- trust anchors (validate/anchors.c) ---- */

struct anchors; /* an immutable snapshot: zones with their DS or DNSKEY records */

enum {
	ANCHOR_ZONES_MAX = 64,
	ANCHOR_RRS_MAX = 3072,      /* in all */
	ANCHOR_ZONE_RRS_MAX = 16,   /* of one zone, in a file */
	NEGATIVE_ANCHORS_MAX = 256, /* configured and set at run time */
};

/* Of a key that is, was, or will be an anchor (RFC 5011 4.2). */
enum anchor_state {
	ANCHOR_START,   /* not known, or no more */
	ANCHOR_PENDING, /* seen; trusted when its time is over */
	ANCHOR_VALID,
	ANCHOR_MISSING, /* not published at present; still trusted */
	ANCHOR_REVOKED, /* by itself; never trusted again */
	ANCHOR_REMOVED, /* the same, long ago */
	ANCHOR_SEEN,    /* a DS record whose key stands for itself now */
};

/* The anchors in force; NULL: validation is off. Valid until the reader's next quiet point. */
const struct anchors *anchors_current(void);
/* The closest anchor at or above the name: its zone; NULL if there is none. */
const uint8_t *anchors_closest(const struct anchors *a, const uint8_t *name);
/* The records of an anchor's zone; rrs live as long as the snapshot. n is 0 for other zones. */
void anchors_of(const struct anchors *a, const uint8_t *zone, const struct answer_rr **ret_rrs,
                unsigned *ret_n);
/*
 * Is validation switched off for this name: by a negative trust anchor at or above it
 * (RFC 7646), configured or set at run time and not over yet? An anchor that lies between the
 * two switches it on again.
 */
bool anchors_is_negative(const struct anchors *a, const uint8_t *name, uint64_t wall_s);

struct anchors_negative {
	const uint8_t *name; /* wire, lower case */
	uint64_t expires_s;  /* wall clock; 0: never */
};

/*
 * anchors_new - a snapshot of these DS and DNSKEY records (of any zones, in any order) and
 *               negative anchors. All is copied.
 *
 * Returns 0, -E2BIG (over the limits), -ENOMEM.
 */
MUST_USE int anchors_new(const struct answer_rr *rrs, unsigned n_rrs,
                         const struct anchors_negative *negatives, unsigned n_negatives,
                         struct anchors **ret);
void anchors_free(struct anchors *a); /* one that was never published */
/* Put in force; the one before is retired through base/rcu.h. NULL: validation is off. */
void anchors_publish(struct anchors *taken);

/*
 * anchors_read - DS and DNSKEY records in zone file form.
 *
 * A line that is wrong or of no use is told, and the others are read nevertheless.
 * @tell:    for each such line
 * @ret_rrs: the records, one heap block; the caller's, to be freed with free()
 *
 * Returns 0 when there is at least one record; -ENOENT when there is none; -ENOMEM.
 */
MUST_USE int anchors_read(const char *text, size_t n,
                          void (*tell)(void *arg, unsigned line, const char *why), void *arg,
                          struct answer_rr **ret_rrs, unsigned *ret_n);
/* A file's text, NUL behind it; the caller's. 0, -EFBIG (over 4 MiB), another -errno. */
MUST_USE int anchors_load(const char *path, char **ret_text, size_t *ret_n);
/* The root's anchors as IANA published them, in zone file form. */
extern const char anchors_built_in[];
/* The key tag of a DNSKEY (RFC 4034 B) or DS record; -1: the data is too short. */
int anchors_tag(uint16_t type, const uint8_t *rdata, size_t n);

/* ---- keeping them (validate/anchors_keeper.c) ---- */

const char *anchor_state_text(enum anchor_state state); /* "valid" */

/* A negative trust anchor (RFC 7646) with what people want to know of it. */
struct negative_anchor {
	struct name name;
	uint64_t since_s;   /* wall clock */
	uint64_t expires_s; /* 0: configured, no end */
	bool is_configured;
	char who[64];     /* no control characters in either */
	char reason[256]; /* UTF-8 as it was given */
};
enum {
	NEGATIVE_DEFAULT_S = 3600,
	NEGATIVE_MAX_S = 7 * 86400, /* RFC 7646 2 */
};

/* Something that the operator should hear of. */
enum anchors_notice_kind {
	NOTICE_KEY_PENDING, /* a new key was seen: trusted in 30 days */
	NOTICE_KEY_GONE,    /* and vanished before that */
	NOTICE_KEY_ADDED,
	NOTICE_KEY_MISSING,
	NOTICE_KEY_BACK,
	NOTICE_KEY_REVOKED,
	NOTICE_KEY_REMOVED, /* revoked 30 days ago: forgotten */
	NOTICE_NO_ANCHOR,   /* a zone has none left: it is no longer validated */
	NOTICE_NOT_TRUSTED, /* the keys published are signed by no key that is trusted */
	NOTICE_STATE,       /* a state file cannot be read or written */
	NOTICE_NEGATIVE_ADDED,
	NOTICE_NEGATIVE_REMOVED,
	NOTICE_NEGATIVE_OVER, /* its time */
};
struct anchors_notice {
	enum anchors_notice_kind kind;
	enum {
		NOTICE_INFO,
		NOTICE_WARNING,
		NOTICE_ERROR,
	} severity;
	const uint8_t *name; /* zone, or what a negative anchor is for; NULL */
	int tag;             /* of the key; -1: none */
	const char *text;    /* one line, escaped, without the name */
};
const char *anchors_notice_text(enum anchors_notice_kind kind); /* "key-revoked" */

/*
 * struct keeper - the one place that changes trust anchors: it remembers, saves, and publishes
 * a snapshot whenever they change. For one thread, which is registered with base/rcu.h.
 */
struct keeper;
struct keeper_plan {
	const struct answer_rr *rrs; /* the configured anchors; copied */
	unsigned n_rrs;
	const struct name *negatives; /* configured */
	unsigned n_negatives;
	const char *folder; /* where the state is kept; NULL or "": it is not */
	uint64_t wall_s;
	uint64_t mono_s; /* a clock that nobody sets, for when to ask */
	/* Borrowed during the call. Called from inside the functions below. */
	void (*tell)(void *arg, const struct anchors_notice *notice);
	/* What is cached of this name and below must be forgotten: it is judged anew. */
	void (*flush)(void *arg, const uint8_t *name);
	void *arg;
};
/* 0, -E2BIG, -ENOMEM. A state file that is broken is told, put aside, and done without. */
MUST_USE int keeper_new(const struct keeper_plan *plan, struct keeper **ret);
void keeper_free(struct keeper *k); /* publishes NULL */

/*
 * The zone whose keys are to be asked for now, or NULL. keeper_answered() must follow; until
 * then the zone is not due.
 */
const uint8_t *keeper_due(struct keeper *k, uint64_t mono_s);
/* Ask for all of them now. */
void keeper_ask_all(struct keeper *k);
/* What came: the DNSKEY records and their RRSIGs; none when it failed. */
void keeper_answered(struct keeper *k, const uint8_t *zone, const struct answer_rr *rrs,
                     unsigned n_rrs, uint64_t wall_s, uint64_t mono_s);
/* Once in a while: negative anchors whose time is over. */
void keeper_tick(struct keeper *k, uint64_t wall_s);

/*
 * Set or replace one until a->expires_s. 0; -EEXIST (it is configured); -ENOSPC (too many);
 * -errno when it could not be saved: then nothing has changed.
 */
MUST_USE int keeper_add_negative(struct keeper *k, const struct negative_anchor *a);
/* 0; -ENOENT; -EPERM (it is configured); -errno as above. */
MUST_USE int keeper_remove_negative(struct keeper *k, const uint8_t *name);

struct keeper_key {
	const uint8_t *zone;
	uint16_t type;
	uint8_t algorithm;
	int tag;
	enum anchor_state state;
	bool is_configured;
	uint64_t since_s, until_s;
};
void keeper_each_key(const struct keeper *k, void (*visit)(void *arg, const struct keeper_key *key),
                     void *arg);
void keeper_each_negative(const struct keeper *k,
                          void (*visit)(void *arg, const struct negative_anchor *a), void *arg);
/* When the zone's keys were last seen to be good, and are to be asked for again; 0: never. */
void keeper_times(const struct keeper *k, const uint8_t *zone, uint64_t mono_s,
                  uint64_t *ret_seen_s, uint64_t *ret_next_in_s);
