/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay/input.h - a file as bytes or lines, plain or compressed.
 *
 * What:      gzip and xz are known by their first bytes, whatever the name. Bytes are looked at in
 *            place (input_need, input_at) and then passed (input_pass), or taken line by line.
 * Not here:  lists -> feeds/reader.h, which knows text only, and regular files only.
 * Threads:   one thread.
 * Memory:    one block of 300 KiB, and what zlib and liblzma take (128 MiB at most).
 * Cost:      blocks on the file.
 * Limits:    INPUT_MAX bytes at once.
 * Standards: RFC 1952 (several members)
 * Tests:     tests/unit/replay/input_test.c, tests/fuzz/replay_text_fuzz.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	INPUT_MAX = 128 * 1024, /* a line, or a frame */
};

struct input;

enum input_got {
	INPUT_END,
	INPUT_LINE,
	INPUT_LONG, /* a line over INPUT_MAX was passed over */
	INPUT_FAILED,
};

/* 0, -ENOMEM, or the -errno of open and fstat; "-" is standard input. */
MUST_USE int input_open(const char *path, struct input **ret);
void input_close(struct input *in);
/* Have n bytes ready [1, INPUT_MAX]; fewer are there only at the end. How many there are. */
size_t input_need(struct input *in, size_t n);
const uint8_t *input_at(const struct input *in); /* valid until the next call but this */
void input_pass(struct input *in, size_t n);     /* n at most what input_need() gave */
/* Pass over n bytes, however many; how many there were. */
uint64_t input_pass_over(struct input *in, uint64_t n);
/* The next line without its LF or CR LF; borrowed until the next call. */
enum input_got input_line(struct input *in, const char **ret_line, size_t *ret_n);
/* Why it ended early; NULL: it did not. */
const char *input_error(const struct input *in);
