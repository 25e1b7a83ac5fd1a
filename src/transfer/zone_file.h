/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/zone_file.h - a zone that is published, on disk: a master file whose lines are sorted.
 *
 * What:      comments, the SOA record, then one line a record (transfer/record.h) in the order of
 *            bytes. Sorted, because then a delta is applied, and two versions are compared, by
 *            reading both once, with no more memory than the delta takes.
 *
 *                ; a comment
 *                rpz.example.<TAB>300<TAB>SOA<TAB>...
 *                bad.rpz.example.<TAB>300<TAB>CNAME<TAB>.
 *
 *            A version that came by what changed is the head of a text in layers (io/layers.h) instead; who
 *            reads it gets the same lines.
 *
 *            A new version is written beside the old one, synced, and renamed over it: whoever
 *            opens the file sees one version whole, and a crash leaves one.
 * Not here:  zones that are followed -> transfer/zone_layers.h, whose heads are read and written here.
 * Threads:   a reader or writer belongs to one thread; one writer a file at a time.
 * Memory:    a line, and buffers.
 * Cost:      10 million records are some 450 MB: 4 s to read and write.
 * Limits:    those of the disk; lines of RECORD_LINE_MAX.
 * Standards: RFC 1035 5; RFC 1995 4
 * Tests:     tests/unit/transfer/zone_file_test.c
 */
#pragma once

#include <stdio.h>

#include "dns/name.h"
#include "io/layers.h"
#include "transfer/delta.h"
#include "transfer/record.h"

struct zone_reader {
	FILE *file;
	char *line;
	size_t room, n; /* of the line at hand, without its end */
	char *soa;      /* the line of the SOA record */
	size_t n_soa;
	struct record_soa numbers;
	char *path;
	bool has_head; /* the other records are in layers (io/layers.h) */
	struct layers_head head;
	struct layers *layers; /* NULL: not opened yet */
};

/*
 * Open a file and read it up to the SOA record. 0; -ENOENT; -EBADMSG (no zone file of ours, or of
 * another zone); another -errno. zone: NULL for any.
 */
MUST_USE int zone_reader_open(struct zone_reader *r, const char *path, const struct name *zone);
/* If the file is the head of layers: open them now. 0; -ENOENT: it was replaced: open it again; -errno. */
MUST_USE int zone_reader_reach(struct zone_reader *r);
/* The next record's line in r->line and r->n: 1, 0 at the end, -errno. */
MUST_USE int zone_reader_next(struct zone_reader *r);
void zone_reader_close(struct zone_reader *r);

struct zone_writer {
	FILE *file;
	char path[4200], new_path[4208];
	uint64_t n_records, n_bytes, max_bytes; /* max 0: none */
	int error;
};

/*
 * Begin a new version with a comment (one line, without the mark) and the SOA's line (NULL: the
 * file has the comment only). 0 or -errno.
 */
MUST_USE int zone_writer_open(struct zone_writer *w, const char *path, const char *comment,
                              const char *soa);
/* 0; -EFBIG over max_bytes; -errno. Also the form that sorter_finish() takes. */
MUST_USE int zone_writer_add(void *writer, const char *line, size_t n);
/* Sync and rename. 0 or -errno; then the old version is untouched. */
MUST_USE int zone_writer_commit(struct zone_writer *w);
/* Give up what was not committed. */
void zone_writer_abandon(struct zone_writer *w);

/* What is in `old` with the sealed delta applied goes to `add`. 0; -ESTALE: they do not fit; -errno. */
MUST_USE int zone_file_apply(struct zone_reader *old, const struct delta *d,
                             int (*add)(void *arg, const char *line, size_t n), void *arg);

/*
 * The sealed delta from one file to another, both open at their first record. 0; -EFBIG: too much
 * differs; -errno.
 */
MUST_USE int zone_file_compare(struct zone_reader *before, struct zone_reader *now,
                               struct delta *ret);
