/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io/layer.h - one layer of a text that is kept in layers: lines that come and lines that go, sorted.
 *
 * What:      a file that is written once. Its entries are lines in the order of bytes, each once:
 *
 *                +bad.rpz.example.<TAB>300<TAB>CNAME<TAB>.
 *                -worse.rpz.example.<TAB>300<TAB>CNAME<TAB>.
 *
 *            in blocks; behind them an index of the blocks, each with its checksum and with how many
 *            lines those before it add, and a tail with a checksum of all that. So a line is found, and
 *            its number told, by reading a few blocks, and what is damaged or cut off is noticed.
 * Not here:  what layers come to together -> io/layers.h
 * Threads:   a layer or writer belongs to one thread.
 * Memory:    a block, and 24 bytes a block of the file.
 * Cost:      some 10 us to find a line anywhere, less near the one found last.
 * Limits:    lines of LAYER_LINE_MAX.
 * Tests:     tests/unit/io/layer_test.c, tests/fuzz/layers_fuzz.c
 */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	LAYER_LINE_MAX = 512 << 10,
	LAYER_BLOCK = 16 << 10, /* a block ends with the entry that reaches it */
};

struct layer_entry {
	bool is_add;
	const char *line; /* without an end; borrowed until the layer moves on */
	size_t n;
};

struct layer_block {
	uint64_t at;   /* in the file */
	int64_t net;   /* lines that the blocks before it add */
	uint64_t hash; /* of its bytes */
};

/* What a layer adds; negative: it takes away. The sum: of the lines' hashes, modulo 2^64. */
struct layer_totals {
	int64_t lines, bytes; /* a line's end counts */
	uint64_t sum;
};

struct layer {
	int fd;
	struct layer_block *blocks; /* one more: where the last one ends, and all of them */
	size_t n_blocks;
	uint64_t data_bytes;
	struct layer_totals totals;
	/* The position. */
	bool is_end;
	struct layer_entry now; /* unless is_end */
	int64_t net;            /* lines that the entries before it add */
	size_t block;           /* the one in memory; n_blocks: none */
	char *text;
	size_t room, n_text, at; /* at: of what follows `now` */
};

/* Open; the position is before everything: seek first. 0; -ENOENT; -EBADMSG (damaged); -errno. */
MUST_USE int layer_open(const char *path, struct layer *ret);
void layer_close(struct layer *l); /* a zeroed one with fd -1 too */

/* To the first entry. 0; -EBADMSG; -errno. */
MUST_USE int layer_first(struct layer *l);
/* To the first one that is not less than the line. Cheap for one near the last. As layer_first(). */
MUST_USE int layer_seek(struct layer *l, const char *line, size_t n);
/* To the next one; not at the end. As layer_first(). */
MUST_USE int layer_next(struct layer *l);
/* The first line of a block, copied; *ret_n: its length. For io/layers.c. As layer_first(). */
MUST_USE int layer_block_line(struct layer *l, size_t block, const char **ret_line, size_t *ret_n);

/* Read all blocks against their checksums; the position is lost. As layer_first(). */
MUST_USE int layer_verify(struct layer *l);

/* The order of lines. */
int layer_compare(const char *a, size_t na, const char *b, size_t nb);

/* ---- writing ---- */

struct layer_writer {
	int fd;
	char path[PATH_MAX];
	char *text; /* the block at hand */
	size_t n, room;
	char *last; /* the line before, over blocks */
	size_t n_last, last_room;
	bool has_last;
	struct layer_block *blocks;
	size_t n_blocks, blocks_room;
	uint64_t data_bytes;
	int64_t block_net; /* of the block at hand: what the ones before it add */
	struct layer_totals totals;
};

/* Written beside ("PATH.new"). 0 or -errno. */
MUST_USE int layer_writer_open(struct layer_writer *w, const char *path);
/* 0; -EBADMSG: not behind the one before, or no line; -ENOMEM; -errno. */
MUST_USE int layer_writer_add(struct layer_writer *w, bool is_add, const char *line, size_t n);
/* Bring it to the disk, and give it its name. 0 or -errno: there is none. Ends the writer. */
MUST_USE int layer_writer_commit(struct layer_writer *w);
/* Give up; after a commit: nothing. */
void layer_writer_abandon(struct layer_writer *w);
