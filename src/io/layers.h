/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io/layers.h - a large text of sorted lines that changes by little: a whole, and what changed since.
 *
 * What:      a file is the head of the text and names the layers that the rest is made of, from the
 *            ground up; a layer says which lines come and which go (io/layer.h):
 *
 *                ; a comment
 *                ; weir-layers 1 LINES BYTES SUM NAME NAME ...
 *                rpz.example.<TAB>300<TAB>SOA<TAB>...
 *
 *            So the text is the head, and then the lines of all layers together, in the order of bytes.
 *            Neither a layer nor a head is ever written to again: a new version is a new layer and a
 *            new head, which is renamed over the old one. A copy of a head is a copy of the text. Whoever
 *            finds what changes looks its lines up, and does not read the others.
 *
 *            The topmost layers become one while the one below is not twice as large as those above
 *            it, and all become one when what has changed is a part of the text (LAYERS_PART). So a line
 *            is written some times more than once, whatever the size of the text.
 *
 *            Layers are files in the folder `layers` beside the folder of the head or the one above
 *            that: STATE/layers/NAME for STATE/zones/X and for STATE/versions/X/1. Their names are
 *            random, so that a text from outside cannot name one. Those that no head names any more
 *            are removed by layers_prune().
 * Not here:  what the lines mean -> transfer/zone_file.h, feeds/change_layers.h
 * Threads:   an opened text belongs to one thread. One writer a text; readers any, at any time:
 *            one that was replaced while it is opened is -ENOENT, and to be opened again.
 * Memory:    a block of each layer, and 24 bytes for each of the blocks.
 * Cost:      a change: the lines that change, and for each some 10 us to find it; reading the whole
 *            text: 40 ns a line.
 * Limits:    LAYERS_MAX layers.
 * Tests:     tests/unit/io/layers_test.c, tests/fuzz/layers_fuzz.c
 */
#pragma once

#include "io/layer.h"

enum {
	LAYERS_MAX = 30,
	LAYERS_PART = 4, /* what changed may be so large a part of the ground layer */
	LAYERS_HEAD_MAX = 8192,
	LAYERS_LINE_ROOM = 80 + LAYERS_MAX * 17, /* of the line in a head */
	LAYERS_GRACE_S = 600, /* a layer is younger than the head that is going to name it */
};

/* What a head says. */
struct layers_head {
	unsigned n;
	uint64_t names[LAYERS_MAX];
	uint64_t lines, bytes, sum; /* of all lines but the head's: struct layer_totals */
};

/* Of a text that may be a head. 0; -ENOENT: it is none; -EBADMSG. */
MUST_USE int layers_head_parse(const char *text, size_t n, struct layers_head *ret);
/* The line, without an end. ret: LAYERS_LINE_ROOM. */
void layers_head_format(const struct layers_head *h, char *ret);
/*
 * layers_head_read - is this open file a head?
 *
 * @ret_text: all of the file, if it is one; LAYERS_HEAD_MAX bytes    [caller's]
 *
 * Reads from the beginning, without moving. 0; -ENOENT: it is none; -EBADMSG; -errno.
 */
MUST_USE int layers_head_read(int fd, char *ret_text, size_t *ret_n, struct layers_head *ret);

struct layers;

/* `path`: of the head. 0; -ENOENT: a layer is missing; -EBADMSG: one is damaged; -errno. */
MUST_USE int layers_open(const char *path, const struct layers_head *h, struct layers **ret);
void layers_close(struct layers *l); /* NULL is fine */
const struct layers_head *layers_head(const struct layers *l);

/* Read all blocks of all layers against their checksums; then seek. 0; -EBADMSG; -errno. */
MUST_USE int layers_verify(struct layers *l);

/* ---- the lines ---- */

/* To the first line; to the first that is not less than this; to the one with this number, from 0 (or
 * to the end). 0; -EBADMSG; -errno. */
MUST_USE int layers_first(struct layers *l);
MUST_USE int layers_seek(struct layers *l, const char *line, size_t n);
MUST_USE int layers_select(struct layers *l, uint64_t number);
/*
 * The line at the position, without an end, borrowed until the next call; and the position moves behind
 * it. 1; 0: there is none; -EBADMSG; -errno. ret_number (may be NULL): its number, or how many there are.
 */
MUST_USE int layers_next(struct layers *l, const char **ret_line, size_t *ret_n,
                         uint64_t *ret_number);
/* What follows, as text with ends of lines, as much as there is room for. 0 bytes: the end. */
MUST_USE int layers_read(struct layers *l, char *ret_text, size_t room, size_t *ret_n);

/* ---- changes ---- */

/* Entries in the order of their lines: 1, 0 at the end, -errno. */
struct layers_source {
	int (*next)(void *arg, struct layer_entry *ret);
	void *arg;
};

/* The path of a layer of a head at `path` one folder deep. 0; -ENAMETOOLONG. */
MUST_USE int layers_path(const char *path, uint64_t name, char *ret, size_t room);
/* The bytes of a layer's file, for a head at `path`. 0; -ENOENT; -errno. */
MUST_USE int layers_size(const char *path, uint64_t name, uint64_t *ret);
/* The name of a new layer, and its path; the folder is made. 0; -errno. */
MUST_USE int layers_new_name(const char *path, uint64_t *ret_name, char *ret_path, size_t room);
/* A text of one layer that was written. */
struct layers_head layers_of(uint64_t name, const struct layer_totals *t);
/*
 * layers_apply - the next version of a text.
 *
 * @path:      of its head, which stays as it is
 * @max_bytes: of the lines; 0: any
 * @ret:       what the new head is to say; its layers are on the disk
 *
 * Returns 0; -ESTALE: a line that goes is not there, or one that comes is; -EFBIG: over max_bytes;
 * -EBADMSG: a layer is damaged; what `delta` returned; -errno.
 */
MUST_USE int layers_apply(const char *path, const struct layers_head *old,
                          const struct layers_source *delta, uint64_t max_bytes,
                          struct layers_head *ret);

struct layers_diff;

/* What differs from one text to another: reads those layers only that not both have, if any is common. */
MUST_USE int layers_diff_open(const char *old_path, const struct layers_head *old, const char *path,
                              const struct layers_head *now, struct layers_diff **ret);
/* In order. 1, 0 at the end, -EBADMSG, -errno. */
MUST_USE int layers_diff_next(struct layers_diff *d, struct layer_entry *ret);
void layers_diff_close(struct layers_diff *d);

/*
 * Remove the layers in `folder` that are grace_s old (LAYERS_GRACE_S, but for tests) and in none of these heads.
 * Returns how many went. `names` is put in order.
 */
unsigned layers_prune(const char *folder, uint64_t *names, size_t n_names, unsigned grace_s);
