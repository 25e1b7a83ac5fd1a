/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/frame.h - messages out of a byte stream.
 *
 * What:      each message has its length before it (RFC 1035 4.2.2). Bytes come in pieces of any
 *            size; whole messages are found where they lie, one that is cut is put together in
 *            a block of its own.
 *
 *                | length (2) | message ... | length (2) | message ...
 *
 * Not here:  the connection -> stream.c; what is in a message -> dns/message.h.
 * Threads:   worker-local.
 * Memory:    at most one block of the announced length, while a message is incomplete.
 * Cost:      a whole message is not copied, an incomplete one once.
 * Limits:    64 KiB a message; less than a header's 12 bytes is an error.
 * Standards: RFC 1035 4.2.2, RFC 7766 8
 * Tests:     tests/unit/resolve/frame_test.c, tests/fuzz/frame_fuzz.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

/* Zero it to begin; frame_done() at the end. */
struct frame {
	uint8_t *block; /* length and message of the one that is incomplete */
	size_t got;     /* bytes of length and message so far */
	size_t want;    /* of both; known when got >= 2 */
	uint8_t head[2];
};

/*
 * frame_next - take the next message of a piece of the stream.
 *
 * @at, left: what is left of the piece; moved past what was taken
 * @ret:      the message; valid until the next call, or until the piece goes
 *
 * Returns 1; 0 when the piece is used up; -EBADMSG for a length that cannot be; -ENOMEM.
 */
MUST_USE int frame_next(struct frame *f, const uint8_t **at, size_t *left, const uint8_t **ret,
                        size_t *ret_n);
/* Is a message begun and incomplete? */
static inline bool frame_is_cut(const struct frame *f)
{
	return f->got > 0 && (f->got < 2 || f->got < f->want);
}
void frame_done(struct frame *f);
