/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * local/table.h - names with records and zones, in one table by hash.
 *
 * What:      nodes (names) that may be the top of a zone and may have records; made once, then
 *            read only. Probing compares the name behind the hash, so that a collision cannot
 *            give another's records.
 * Not here:  what a zone's type means -> find.c; reading files -> read.c.
 * Threads:   building: one; reading: any.
 * Memory:    arrays that grow by half; offsets instead of pointers.
 * Cost:      a probe is one cache line of slots and one node.
 * Limits:    local/local.h; 4 GiB of names and data.
 * Tests:     tests/unit/local/find_test.c
 */
#pragma once

#include "dns/name.h"
#include "local/local.h"

enum local_type {
	ZONE_NONE, /* not the top of a zone */
	ZONE_STATIC,
	ZONE_TRANSPARENT,
	ZONE_TYPETRANSPARENT,
	ZONE_REDIRECT,
	ZONE_REFUSE,
	ZONE_DROP,
	ZONE_NXDOMAIN,
	ZONE_NODATA,
	ZONE_RESOLVE, /* not ours: as if no zone above were there */
};

struct local_node {
	uint64_t hash;
	uint32_t name_at;           /* in bytes */
	uint32_t first_rr, last_rr; /* index + 1; 0: none */
	uint16_t n_rrs;
	uint16_t source; /* index into local.sources */
	uint8_t type;    /* enum local_type */
};

struct local_rr {
	uint32_t next; /* index + 1 */
	uint32_t ttl_s;
	uint32_t rdata_at;
	uint16_t type, rdata_len;
};

struct local_table {
	uint32_t *slots; /* index + 1 */
	size_t n_slots;  /* a power of two */
	struct local_node *nodes;
	size_t n_nodes, max_nodes;
	struct local_rr *rrs;
	size_t n_rrs, max_rrs;
	uint8_t *bytes;
	size_t n_bytes, max_bytes;
};

void local_table_free(struct local_table *t);

const struct local_node *local_table_find(const struct local_table *t, uint64_t hash,
                                          const uint8_t *lower);
/* The node of a name, made if it is not there. Valid until the next call. NULL: no memory. */
struct local_node *local_table_node(struct local_table *t, uint64_t hash, const uint8_t *lower);
/*
 * Add a record to a node. 0 (also for one that is there already), -ENOMEM, -ENOSPC (too many),
 * -EEXIST (a CNAME and something else at one name). The TTL of a set is that of its first record
 * (RFC 2181 5.2).
 */
int local_table_add(struct local_table *t, struct local_node *node, uint16_t type, uint32_t ttl_s,
                    const uint8_t *rdata, uint16_t rdata_len);

static inline const uint8_t *local_table_name(const struct local_table *t,
                                              const struct local_node *n)
{
	return t->bytes + n->name_at;
}

bool local_table_has_type(const struct local_table *t, const struct local_node *n, uint16_t type);

/* ---- a whole snapshot ---- */

struct local_dns64 {
	uint8_t prefix[16];
	uint8_t length; /* 32, 40, 48, 56, 64 or 96; 0: there is none */
	bool is_well_known;
	unsigned n_exclude, n_exclude_v4;
	struct addr_prefix *exclude, *exclude_v4;
};

struct local {
	struct local_filter filter; /* first: local_may_know() */
	struct local_table table;
	struct local_table
		exempt; /* rebinding: type ZONE_NONE: allowed; ZONE_STATIC: a blocklist */
	char **sources;
	unsigned n_sources, n_zones;
	struct local_dns64 dns64;
	uint32_t ttl_s; /* of records without one */
};

/* Which source the next records and zones come from; its index, or -ENOMEM, -ENOSPC. Copied. */
int local_add_source(struct local *l, const char *text);

/* ---- builtin.c ---- */

/* The built-in zones, as far as switched on and not configured otherwise. 0 or -errno. */
MUST_USE int local_add_builtin(struct local *l, const struct config *c);
/* The zones of well-known DNS blocklists, into l->exempt. */
MUST_USE int local_add_blocklists(struct local *l);

/* ---- read.c ---- */

struct local_text {
	const char *path; /* of a file, or what stands for it in what is told */
	const char *text; /* NULL: read `path` */
	size_t n;
	const uint8_t *zone; /* the origin; records outside are refused; NULL: of a hosts file */
	uint16_t source;
	const struct local_listener *listener;
};
MUST_USE int local_read_zone(struct local *l, const struct local_text *t);
MUST_USE int local_read_hosts(struct local *l, const struct local_text *t);
