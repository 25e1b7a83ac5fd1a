/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io/unpack.h - gzip and xz, piece by piece, from any source into any buffer.
 *
 * What:      zlib and liblzma behind one function. Several members one behind the other are one file.
 * Not here:  lines of lists -> feeds/reader.h; recordings -> replay/input.h
 * Threads:   worker-local.
 * Memory:    zlib 40 KiB; liblzma as the file says, UNPACK_XZ_MEMORY at most.
 * Cost:      some 300 MB/s of text (gzip), 100 MB/s (xz).
 * Limits:    how much comes out is the caller's to limit.
 * Standards: RFC 1952 2.2 (members; gzip(1) also takes zeros behind the last)
 * Tests:     tests/unit/io/unpack_test.c, tests/fuzz/reader_fuzz.c
 */
#pragma once

#define ZLIB_CONST /* its input is const */
#include <lzma.h>
#include <zlib.h>

#include "base/must.h"

enum unpack_kind {
	UNPACK_PLAIN, /* nothing is to be unpacked */
	UNPACK_GZIP,
	UNPACK_XZ
};

enum {
	UNPACK_HEAD = 6 /* bytes of a file that say what it is */
};
#define UNPACK_XZ_MEMORY \
	(UINT64_C(128) << 20) /* `xz -9` needs 65 MiB; more is a bomb or a mistake */

struct unpack {
	enum unpack_kind kind;
	bool is_between; /* gzip: behind the end of a member */
	z_stream gzip;
	lzma_stream xz;
};

/* By its first bytes, all there are up to UNPACK_HEAD. */
enum unpack_kind unpack_kind_of(const void *head, size_t n);

/* u: zeroed. 0 or -ENOMEM. */
MUST_USE int unpack_start(struct unpack *u, enum unpack_kind kind);
void unpack_done(struct unpack *u); /* also of one that is zeroed */

/* What goes in and where it comes out; both move. */
struct unpack_step {
	const uint8_t *in;
	size_t n_in;
	bool is_last; /* nothing comes behind it */
	uint8_t *out;
	size_t n_out;
};
/*
 * Not of UNPACK_PLAIN. 1: the end; 0: give more, or more room; -ENODATA: it is cut off; -EBADMSG: it is
 * damaged; -EILSEQ: something else stands behind it; -EFBIG: it needs too much memory; -ENOMEM.
 */
MUST_USE int unpack_run(struct unpack *u, struct unpack_step *s);
/* Of those errors, behind the name of a file: "is cut off ...". */
const char *unpack_why(int error);
