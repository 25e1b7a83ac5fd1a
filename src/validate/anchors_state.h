/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * validate/anchors_state.h - what is known of trust anchors, as text; inside validate/ only.
 *
 * What:      the two files of the state folder. The keys: zone file form, what RFC 5011 must
 *            remember behind each record as a comment. The negative anchors: a line each.
 *
 *                . 3600 IN DNSKEY 257 3 8 AwEAAa... ; state=valid since=2026-11-23T02:00:00Z
 *                ; end, 1 record
 *
 *                broken.example. until=2026-11-23T03:00:00Z since=... who="..." reason="..."
 *
 * Not here:  what happens when a file is broken -> anchors_keeper.c.
 * Threads:   pure.
 * Memory:    the caller's; text comes as a heap block.
 * Cost:      not on the path of a question.
 * Limits:    ANCHOR_ZONES_MAX, TRACKED_KEYS_MAX, NEGATIVE_ANCHORS_MAX: a file with more is broken.
 * Standards: RFC 1035 5 (zone files); RFC 3339 (times, in UTC, whole seconds)
 * Tests:     tests/unit/validate/anchors_state_test.c, tests/fuzz/anchors_state_fuzz.c
 */
#pragma once

#include "validate/anchors_track.h"

enum {
	STATE_WHY_MAX = 160,
	STATE_TIME_MAX = 24,
};

/* "2026-11-23T02:00:00Z"; the year has four digits. Returns ret_text. */
const char *state_time_text(uint64_t wall_s, char ret_text[STATE_TIME_MAX]);
/* 0 or -EINVAL. */
MUST_USE int state_time_read(const char *text, size_t n, uint64_t *ret_wall_s);

/* The text of all zones; 0 or -ENOMEM. */
MUST_USE int state_write_zones(const struct tracked_zone *const *zones, unsigned n_zones,
                               char **ret_text, size_t *ret_n);
/*
 * Zones out of a text, each a heap block, to be emptied with track_done() and freed. ret_zones
 * holds ANCHOR_ZONES_MAX.
 *
 * Returns 0; -EBADMSG: ret_why says what is wrong, with the line; -ENOMEM.
 */
MUST_USE int state_read_zones(const char *text, size_t n, struct tracked_zone **ret_zones,
                              unsigned *ret_n, char ret_why[STATE_WHY_MAX]);

/* The same of negative anchors; those of the configuration are not written. */
MUST_USE int state_write_negatives(const struct negative_anchor *at, unsigned n, char **ret_text,
                                   size_t *ret_n);
/* ret holds NEGATIVE_ANCHORS_MAX. */
MUST_USE int state_read_negatives(const char *text, size_t n, struct negative_anchor *ret,
                                  unsigned *ret_n, char ret_why[STATE_WHY_MAX]);
