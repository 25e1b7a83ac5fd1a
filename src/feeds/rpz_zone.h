/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/rpz_zone.h - the records of a policy zone, in any order, to rules.
 *
 * What:      records come one by one; those of one owner that follow each other are collected
 *            (feeds/rpz_owner.h) and become a rule when the next owner begins. An owner may come
 *            again further on: a zone is read twice, and the first pass finds out which do, with a
 *            Bloom filter; their records are kept in the second pass and become rules at its end.
 *            So one rule comes of an owner however its records are strewn, and memory is bounded.
 *            The apex is that of the option `zone`, else the owner of the SOA if that comes first,
 *            else the origin of the first record.
 * Not here:  master files -> feeds/format_rpz.c
 * Threads:   worker-local.
 * Memory:    heap: 270 KiB; in the first pass the filter (about 1/8 of the text, at most 32 MiB)
 *            and 8 bytes for each owner that comes again; in the second their records.
 * Cost:      some 150 ns a record and pass.
 * Limits:    RPZ_TWICE_MAX owners that come again and RPZ_STREWN_BYTES of their records; beyond
 *            that each run of records is a rule of its own, or skipped (RPZ_STREWN).
 * Standards: draft-vixie-dnsop-dns-rpz-00 2, 3.6
 * Tests:     tests/unit/feeds/rpz_zone_test.c, tests/fuzz/format_fuzz.c
 */
#pragma once

#include "feeds/rpz_owner.h"
#include "feeds/scan.h"

enum {
	RPZ_TWICE_MAX = 4 << 20,
	RPZ_STREWN_BYTES = 64 << 20,
	RPZ_SOA_MAX = 2 * NAME_MAX_BYTES + 20,
};

struct rpz_zone {
	bool has_apex, has_soa;
	struct name apex;
	uint32_t soa_ttl_s;
	size_t soa_n;
	uint8_t soa[RPZ_SOA_MAX]; /* its data, names not compressed */

	/* For who reads some lines only (feeds/update.h): each line of the zone's body is a record by
	 * itself, and those of an owner stand together. */
	bool is_plain;
	uint64_t first_body; /* the line of the first record that is not of the apex; 0: none */

	/* the zone's own */
	uint64_t last_line; /* of the owner */
	uint64_t *filter;   /* lines of 512 bits; NULL but in the first pass */
	size_t filter_lines;
	uint64_t *twice; /* hashes of owners that come again; in order behind the first pass */
	size_t n_twice, twice_room;
	uint8_t *strewn; /* their records: struct strewn_head, owner, data */
	size_t strewn_n, strewn_room, n_strewn;
	bool has_owner;
	bool is_strewn;      /* the owner that is being read comes again */
	enum feeds_skip why; /* all records of the owner are skipped */
	uint64_t line;       /* of the owner's first record */
	uint64_t hash;       /* of the owner; in the first pass */
	struct rpz_owner owner;
};

/* bytes: about how much text there will be; sizes the filter. 0 or -ENOMEM. */
MUST_USE int rpz_zone_new(uint64_t bytes, struct rpz_zone **ret);
void rpz_zone_free(struct rpz_zone *z);

/* Before the records of a pass (s->pass). apex NULL: to be found. */
void rpz_zone_begin(struct rpz_zone *z, struct scan *s, const struct name *apex);

/*
 * A record; r->owner any case. `origin`: the apex, if none is known yet. Rules, skips and errors
 * go to the scan (s->line is the record's line).
 */
void rpz_zone_add(struct rpz_zone *z, struct scan *s, const struct rpz_record *r,
                  const uint8_t *origin);

/* Behind the last record of a pass. */
void rpz_zone_end(struct rpz_zone *z, struct scan *s);

/*
 * A zone's lines one by one (format_rpz.c): begin, which makes s->zone if there is none, then the
 * lines, then end; rpz_done() in any case. 0, -ENOMEM. bytes: as rpz_zone_new().
 */
MUST_USE int rpz_begin(struct scan *s, uint64_t bytes);
MUST_USE int rpz_feed(struct scan *s, const char *text, size_t n);
MUST_USE int rpz_end(struct scan *s);
void rpz_done(struct scan *s);
/* What a record by itself depends on: origin, TTL, apex. */
uint64_t rpz_context(const struct scan *s);
/* Is this line, in the body, one that others mean nothing for, nor it for them? */
bool rpz_is_plain(const char *text, size_t n);
