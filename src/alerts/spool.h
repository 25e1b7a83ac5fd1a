/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * alerts/spool.h - alerts in files, in the order they came, until everybody has read them.
 *
 * What:      each alert has a number, one more than the one before. A segment file is named after
 *            its first; a line holds one alert:
 *
 *                SEQUENCE CHECKSUM SEVERITY JSON        16 hex digits, 8, one digit, one line
 *
 *            The checksum is over what stands around it. A line that does not hold is passed over,
 *            which leaves a gap in the numbers: who reads sees how many are missing.
 * Not here:  how far who has read -> alerts/positions.h.
 * Threads:   the caller holds a lock.
 * Memory:    the list of segments; lines that the disk did not take (SPOOL_TAIL bytes).
 * Cost:      append: one write(); read: one pread() of a few KiB; open: reads all of it.
 * Limits:    max_bytes on the disk (the oldest segment goes), ALERTS_TAIL_BYTES in memory
 *            (then -ENOBUFS), ALERTS_LINE_MAX a line, SPOOL_SEGMENTS_MAX files.
 * Tests:     tests/unit/alerts/spool_test.c, tests/fuzz/spool_fuzz.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "alerts/alerts.h"

enum {
	SPOOL_HEAD = 16 + 1 + 8 + 1 + 1 + 1, /* before the JSON */
	SPOOL_SEGMENTS_MAX = 4096,
};

#define SPOOL_SEQ_MAX (UINT64_MAX >> 2) /* a greater number was never given */

struct spool;

/* Where a reader is: start with {.seq = N}. The rest is found by itself. */
struct spool_place {
	uint64_t seq;     /* the next one wanted */
	uint64_t segment; /* the first of the file that `offset` is in */
	uint64_t offset;
};

struct spool_item {
	uint64_t seq;
	enum alert_severity severity;
	char *json; /* the caller's: free() */
};

/* dir NULL: memory only. The folder is made. 0 or -errno. */
MUST_USE int spool_open(const char *dir, uint64_t max_bytes, struct spool **ret);
void spool_close(struct spool *s);

/* json: one line without its end. 0; -EMSGSIZE, -ENOBUFS, -ENOMEM. */
MUST_USE int spool_append(struct spool *s, enum alert_severity severity, const char *json);
/*
 * spool_read - the first item at or behind p->seq, of at least this severity; p moves behind it.
 *
 * @ret_lost: numbers that were passed over because their lines are gone.
 *
 * Returns 0; -ENOENT: there is none yet (p has moved to the end all the same); -ENOMEM; what the
 * disk says.
 */
MUST_USE int spool_read(struct spool *s, struct spool_place *p, enum alert_severity least,
                        struct spool_item *ret, uint64_t *ret_lost);

uint64_t spool_first(const struct spool *s); /* the oldest number that is kept */
uint64_t spool_next(const struct spool *s);  /* of the next alert */
/* Numbers up to here were given before: after a crash with a full disk. */
void spool_skip_to(struct spool *s, uint64_t seq);
uint64_t spool_bytes(const struct spool *s);
uint64_t spool_n_bad(const struct spool *s); /* lines that did not hold, when it was opened */

/* Nobody needs what is before seq: files go. */
void spool_trim(struct spool *s, uint64_t seq);
/* Write what waits in memory. 0, or what the disk said. */
int spool_flush(struct spool *s);
unsigned spool_in_memory(const struct spool *s);
int spool_error(const struct spool *s); /* what the disk said last; 0: all is well */
/* A descriptor to fdatasync(), the caller's; -1: nothing is new since the last call. */
int spool_dirty(struct spool *s);

/* ---- one line, for tests ---- */

/* Bytes of the line with its end in ret, which has room for SPOOL_HEAD + n + 2. */
size_t spool_line(uint64_t seq, enum alert_severity severity, const char *json, size_t n,
                  char *ret);
/* false: it does not hold. n without the line's end. */
bool spool_parse(const char *line, size_t n, uint64_t *ret_seq, enum alert_severity *ret_severity);
