/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/reader.h - the lines of a text file, plain or compressed.
 *
 * What:      gzip and xz are known by their first bytes, whatever the name. A line ends at LF,
 *            CR LF, a lone CR or the end of the file; a byte order mark of UTF-8 is dropped.
 *            The head of a text in layers (io/layers.h) is read as the whole text.
 * Not here:  what a line means -> feeds/format_*.c
 * Threads:   worker-local.
 * Memory:    one heap block of 200 KiB, and what zlib (40 KiB) or liblzma (up to 128 MiB, as
 *            the file says) take.
 * Cost:      blocks on disk; plain text about 1 GB/s.
 * Limits:    regular files only; max_bytes of text and of file; a line over 64 KiB is passed
 *            over as READER_LONG. UTF-16 and other compressions are refused by name.
 * Standards: RFC 1952 (several members, zero padding)
 * Tests:     tests/unit/feeds/reader_test.c, tests/fuzz/reader_fuzz.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/must.h"

enum {
	READER_LINE_MAX = 64 * 1024,
	READER_HEAD = 128, /* bytes of a line that is too long, for the report */
};

struct layers;
struct reader;

enum reader_got {
	READER_END,
	READER_LINE,
	READER_LONG,   /* a line over READER_LINE_MAX; its first bytes are given */
	READER_FAILED, /* reader_error() */
};

/*
 * reader_open - open a list file.
 *
 * Returns 0; -ENOTSUP: not a regular file; -ENODATA, -EBADMSG, -EFBIG: a text in layers that lacks
 * one, has a damaged one, is too large; -ENOMEM; or the -errno of open and fstat. `*ret_why`
 * is then a static text.
 */
MUST_USE int reader_open(const char *path, uint64_t max_bytes, struct reader **ret,
                         const char **ret_why);
/* The same of n bytes in memory; they are copied. -ENOMEM, or what memfd_create and write say. */
MUST_USE int reader_open_bytes(const void *bytes, size_t n, uint64_t max_bytes, struct reader **ret,
                               const char **ret_why);
void reader_close(struct reader *r);

/* What follows in the file as it is, decompressed; for files that are not text. False: its end, or
 * an error. Valid until the next call. */
bool reader_next_bytes(struct reader *r, const char **ret_bytes, size_t *ret_n);
bool reader_is_compressed(struct reader *r); /* looks at the first bytes */

/* The next line, without its end; borrowed until the next call. It may contain any byte. */
enum reader_got reader_next(struct reader *r, const char **ret_line, size_t *ret_n);

/*
 * What has not been given out yet of the text, some 64 KiB; instead of reader_next(), not beside
 * it. READER_LINE with bytes, or READER_END, or READER_FAILED. Borrowed until the next call.
 */
enum reader_got reader_read(struct reader *r, const char **ret_text, size_t *ret_n);

uint64_t reader_line(const struct reader *r);  /* the number of the last line given, from 1 */
uint64_t reader_bytes(const struct reader *r); /* of text so far */

/*
 * After READER_FAILED: -EFBIG, -EBADMSG (damaged), -ENODATA (cut off), -EILSEQ (not a text that
 * is understood), -EIO and the like; `*ret_why` is a static text.
 */
int reader_error(const struct reader *r, const char **ret_why);

const struct stat *reader_stat(const struct reader *r); /* as it was when opened */
bool reader_has_lone_cr(const struct reader *r); /* some line ended in CR alone; of reader_next() */
bool reader_has_changed(const struct reader *r); /* size or time differ by now */
/* Of all text so far; of a text in layers: of all of it, at any time. */
uint64_t reader_digest(const struct reader *r);
uint64_t reader_size(const struct reader *r); /* of the file; of a text in layers: of the text */
/* Of a text in layers, as it is read; and its head. NULL: it is none. Moving there ends reading. */
struct layers *reader_layers(const struct reader *r, const char **ret_head, size_t *ret_n);
