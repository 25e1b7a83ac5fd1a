/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/journal.h - a zone that is published, with the steps that led to it.
 *
 * What:      STATE/publish/ZONE/zone is the current version (transfer/zone_file.h); beside it is a
 *            file for each step, FROM-TO.delta, from which followers get what they lack:
 *
 *                ; FROM TO
 *                rpz.example.<TAB>60<TAB>SOA<TAB>...   of FROM, then of TO
 *                -bad.rpz.example.<TAB>60<TAB>CNAME<TAB>.
 *                +worse.rpz.example.<TAB>60<TAB>CNAME<TAB>.
 *
 *            What came by journal_change() is in layers, in STATE/publish/layers.
 *
 *            A step is on the disk before the version it leads to. What is too old or too much is
 *            removed; whoever is so far behind gets the whole zone.
 * Not here:  sending -> transfer/send.c; where the lines come from -> transfer/publication.c.
 * Threads:   one writer a zone; readers any, at any time: they hold what they opened.
 * Memory:    a delta.
 * Cost:      a new version costs reading the old one and writing the new one; journal_change(): the delta.
 * Limits:    JOURNAL_MAX_STEPS steps, which together are no more than half of the zone, or 1 MiB.
 * Standards: RFC 1995 5 (what is kept), RFC 1982
 * Tests:     tests/unit/transfer/journal_test.c
 */
#pragma once

#include "transfer/sorter.h"
#include "transfer/zone_file.h"

enum {
	JOURNAL_MAX_STEPS = 200,
	JOURNAL_MIN_BYTES = 1 << 20,
};

/* The path of the current version in a zone's folder. */
void journal_zone_path(const char *folder, char *ret, size_t room);

struct journal_terms {
	const char *folder; /* is made if it is not there */
	const struct name *zone;
	uint32_t ttl_s, refresh_s, retry_s, expire_s; /* of the SOA record */
	uint32_t now_s;                               /* wall clock: the first serial */
};

/*
 * journal_commit - the lines become the current version, if they differ from the one before.
 *
 * @lines:      all records but the SOA, unsorted; used up
 * @ret_serial: of the version that is current now
 *
 * Returns 1: there is a new one; 0: nothing changed; -errno: the one before stays.
 */
MUST_USE int journal_commit(const struct journal_terms *terms, struct sorter *lines,
                            uint32_t *ret_serial);

/*
 * journal_change - the same by what changes: the sealed delta is applied to the version that is current.
 *
 * Costs what the delta is, but for the first time after journal_commit(). Returns as that does; -ESTALE,
 * -ENOENT, -ENODATA, -EBADMSG: they do not fit, or what is current is not of one piece: to be committed whole.
 */
MUST_USE int journal_change(const struct journal_terms *terms, const struct delta *d,
                            uint32_t *ret_serial);

/* A step, opened. */
struct journal_step {
	FILE *file;
	uint32_t from, to;
};

/*
 * The steps from a version to the current one, in order, each open behind its first line.
 * 0; -ENOENT: they are not there any more; -errno.
 */
MUST_USE int journal_open_steps(const char *folder, uint32_t from, uint32_t to,
                                struct journal_step *ret, unsigned max, unsigned *ret_n);
void journal_close_steps(struct journal_step *steps, unsigned n);
