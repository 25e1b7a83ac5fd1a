/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dns/message.h"

enum {
	HEAD_BYTES = 2
};

static void skip(const uint8_t **at, size_t *left, size_t n)
{
	*at += n;
	*left -= n;
}

/* The length is there: 0, or what is wrong. */
static int begin_block(struct frame *f)
{
	f->want = HEAD_BYTES + (size_t)load16(f->head);
	if (f->want < HEAD_BYTES + DNS_HEADER_BYTES)
		return -EBADMSG;
	f->block = malloc(f->want);
	if (f->block == NULL)
		return -ENOMEM;
	memcpy(f->block, f->head, HEAD_BYTES);
	return 0;
}

static int take_cut(struct frame *f, const uint8_t **at, size_t *left)
{
	while (f->got<HEAD_BYTES && * left> 0) {
		f->head[f->got++] = **at;
		skip(at, left, 1);
	}
	if (f->got < HEAD_BYTES)
		return 0;
	if (f->block == NULL) {
		int e = begin_block(f);
		if (e != 0)
			return e;
	}
	size_t n = f->want - f->got < *left ? f->want - f->got : *left;
	memcpy(f->block + f->got, *at, n);
	f->got += n;
	skip(at, left, n);
	return f->got == f->want ? 1 : 0;
}

int frame_next(struct frame *f, const uint8_t **at, size_t *left, const uint8_t **ret,
               size_t *ret_n)
{
	if (f->got > 0 && !frame_is_cut(f)) /* the last one was handed out of the block */
		frame_done(f);
	if (f->got == 0 && *left >= HEAD_BYTES) {
		size_t n = load16(*at);
		if (n < DNS_HEADER_BYTES)
			return -EBADMSG;
		if (*left - HEAD_BYTES >= n) {
			*ret = *at + HEAD_BYTES;
			*ret_n = n;
			skip(at, left, HEAD_BYTES + n);
			return 1;
		}
	}
	if (*left == 0)
		return 0;
	int e = take_cut(f, at, left);
	if (e == 1) {
		*ret = f->block + HEAD_BYTES;
		*ret_n = f->want - HEAD_BYTES;
	}
	return e;
}

void frame_done(struct frame *f)
{
	free(f->block);
	*f = (struct frame){ 0 };
}
