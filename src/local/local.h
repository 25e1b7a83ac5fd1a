/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * local/local.h - the front door of what a resolver answers by itself.
 *
 * What:      special-use names and the reverse zones of private space, the operator's own zones,
 *            records and hosts file, DNS64, and which addresses the public DNS has no business to
 *            give. A `struct local` is one immutable snapshot of all that, made from the
 *            configuration.
 *
 *            Of the zones that cover a name the deepest counts; at one name: the operator's zone,
 *            then a zone of resolver.forward, then a built-in one. Records that stand at the name
 *            itself are answered in any case but below `nxdomain`.
 *            DS at the top of a zone belongs to its parent (RFC 4035 3.1.4.1), so it is resolved
 *            and the proof that the zone is unsigned comes from there (RFC 8375 4).
 * Not here:  writing the reply, policy before it -> serve/own.c.
 * Threads:   immutable after local_new(); local_current() under RCU (base/rcu.h). Building on any
 *            thread after name_set_hash_key(); publishing on the housekeeping thread.
 * Memory:    a snapshot owns its memory: about 100 bytes a record.
 * Cost:      names that nothing covers: two bits of a filter. Others: one probe a label.
 *            Never allocates when finding.
 * Limits:    the numbers below; a line over them is refused and told.
 * Standards: RFC 6303, 6761, 6762 22, 7686, 7793, 8375, 8880, 9462, 9476, 9665 (names);
 *            RFC 4592 (wildcards); RFC 6052, 6147 (DNS64); RFC 1035 5 (zone files)
 * Tests:     tests/unit/local/, tests/fuzz/local_fuzz.c, tests/system/local_test.py
 */
#pragma once

#include "base/addr.h"
#include "cache/cache.h"
#include "config/config.h"
#include "dns/name.h"

enum {
	LOCAL_MAX_RECORDS = 4000000,
	LOCAL_MAX_AT_NAME = 1000,   /* records of one name */
	LOCAL_MAX_FILE = 512 << 20, /* bytes */
	LOCAL_MAX_TOLD = 20,        /* bad lines of a file that are told one by one */
	LOCAL_LINE_MAX = 700,       /* of what is told */
	LOCAL_SOURCE_MAX = 320,     /* local_source() */
	LOCAL_MAX_ALIASES = 8,      /* local aliases that are followed in a row */
};

struct local;
struct local_node;

/* ---- making ---- */

/* Told about a line that is no good: "FILE:LINE: what is wrong". Borrowed. */
struct local_listener {
	void (*say)(void *arg, const char *line);
	void *arg;
};

/*
 * local_new - the snapshot that the configuration stands for; files are read.
 *
 * Lines that are no good are told and left out. Returns 0; -ENOMEM; or what the disk said of a
 * file (told too).
 */
MUST_USE int local_new(const struct config *c, const struct local_listener *listener,
                       struct local **ret);
void local_free(struct local *l); /* one that was not published; NULL is fine */

/* Put it in force (it is taken); the old one is retired. NULL: at exit. */
void local_publish(struct local *l);
/* The snapshot in force; NULL before the first. */
const struct local *local_current(void);

struct local_counts {
	unsigned zones, names, records;
};
void local_count(const struct local *l, struct local_counts *ret);

/* ---- finding ---- */

enum local_outcome {
	LOCAL_UNKNOWN,   /* nothing to do with us: resolve */
	LOCAL_DATA,      /* records, local_next() gives them */
	LOCAL_SYNTHESIS, /* A records at `node`, of which AAAA records are made */
	LOCAL_ALIAS,     /* a CNAME */
	LOCAL_NODATA,
	LOCAL_NXDOMAIN,
	LOCAL_REFUSED,
	LOCAL_DROP,
};

struct local_found {
	enum local_outcome outcome;
	const struct local *in;
	const struct local_node *node; /* where the records are; NULL: none */
	const struct local_node *zone; /* that decided; NULL: records without a zone */
};

struct local_alias {
	uint32_t ttl_s;
	struct name target; /* lower case */
};

/* What local_may_know() looks at; the first member of struct local. */
struct local_filter {
	const uint64_t *bits;
	uint64_t mask; /* bits - 1 */
	bool is_open;  /* there is a zone at the root: everything passes */
};

static inline bool local_filter_has(const struct local_filter *f, uint64_t hash)
{
	return (f->bits[(hash & f->mask) / 64] >> (hash & 63) & 1) != 0;
}

/* Is it worth while to ask local_find() about a name? Almost never for an ordinary one. */
static inline bool local_may_know(const struct local *l, const struct name_hashes *h)
{
	const struct local_filter *f = (const struct local_filter *)l;
	if (h->n >= 2 && local_filter_has(f, h->h[h->n - 2]))
		return true;
	return f->is_open || (h->n >= 1 && local_filter_has(f, h->h[h->n - 1]));
}

/*
 * local_find - what we say about (name, type) by ourselves.
 *
 * @lower, hashes: the name
 * @with_dns64:    AAAA records may be made of A records
 * @ret:           written whole
 * @ret_alias:     written with LOCAL_ALIAS only
 */
enum local_outcome local_find(const struct local *l, const uint8_t *lower,
                              const struct name_hashes *hashes, uint16_t type, bool with_dns64,
                              struct local_found *ret, struct local_alias *ret_alias);

struct local_record {
	uint16_t type, rdata_len;
	uint32_t ttl_s;
	const uint8_t *rdata; /* uncompressed */
	uint32_t next;        /* local_next()'s own; zero at first */
};
/* The next record of this type (DNS_ANY: of any) at a node; false at the end. */
bool local_next(const struct local *l, const struct local_node *node, uint16_t type,
                struct local_record *it);
/* The SOA that stands behind a denial: its owner; NULL: there is none. */
const uint8_t *local_soa(const struct local_found *f, struct local_record *ret);
/* "special-use name localhost (RFC 6761)", "zone corp.example (static)"; returns ret_text. */
const char *local_source(const struct local_found *f, char ret_text[LOCAL_SOURCE_MAX]);

/* ---- DNS64 (dns64.c) ---- */

/* The address that an IPv4 address gets; false: this one gets none (dns64.exclude-ipv4). */
bool local_dns64_embed(const struct local *l, const uint8_t v4[4], uint8_t ret_v6[16]);
/* The IPv4 address inside one of our prefix or of 64:ff9b::/96; false: there is none. */
bool local_dns64_extract(const struct local *l, const uint8_t v6[16], uint8_t ret_v4[4]);
/* Does this AAAA record count, or is it treated as if it were not there (dns64.exclude)? */
bool local_dns64_counts(const struct local *l, const uint8_t v6[16]);
/* Is there an AAAA record in the answer that counts? */
bool local_dns64_has_aaaa(const struct local *l, const struct answer *a);

/* ---- addresses that the public DNS has no business to give (rebinding.c) ---- */

/* Private, loopback, link-local and the like, also inside ::ffff:0:0/96 and a DNS64 prefix. */
bool local_is_private(const struct local *l, const struct addr *a);
/*
 * local_find_private - the first such address in an answer: A, AAAA, hints of SVCB and HTTPS.
 *
 * Names below rebinding.allow are exempt, and 127/8 (but 127.0.0.1) below the zones of the known
 * DNS blocklists. Returns false when there is none.
 */
bool local_find_private(const struct local *l, const struct answer *a, struct addr *ret);
