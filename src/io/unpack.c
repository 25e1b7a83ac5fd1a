/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/unpack.h"

#include <errno.h>
#include <string.h>

enum unpack_kind unpack_kind_of(const void *head, size_t n)
{
	static const uint8_t gzip[] = { 0x1f, 0x8b }, xz[] = { 0xfd, '7', 'z', 'X', 'Z', 0 };
	if (n >= sizeof gzip && memcmp(head, gzip, sizeof gzip) == 0)
		return UNPACK_GZIP;
	return n >= sizeof xz && memcmp(head, xz, sizeof xz) == 0 ? UNPACK_XZ : UNPACK_PLAIN;
}

int unpack_start(struct unpack *u, enum unpack_kind kind)
{
	bool is_good = true;
	if (kind == UNPACK_GZIP)
		is_good = inflateInit2(&u->gzip, 16 + MAX_WBITS) == Z_OK;
	if (kind == UNPACK_XZ)
		is_good =
			lzma_stream_decoder(&u->xz, UNPACK_XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK;
	if (!is_good)
		return -ENOMEM;
	u->kind = kind;
	return 0;
}

void unpack_done(struct unpack *u)
{
	if (u->kind == UNPACK_GZIP)
		inflateEnd(&u->gzip);
	if (u->kind == UNPACK_XZ)
		lzma_end(&u->xz);
	u->kind = UNPACK_PLAIN;
}

static int begin_member(struct unpack *u, struct unpack_step *s)
{
	while (s->n_in > 0 && *s->in == 0) {
		s->in++;
		s->n_in--;
	}
	if (s->n_in == 0)
		return s->is_last ? 1 : 0;
	if (*s->in != 0x1f || inflateReset(&u->gzip) != Z_OK)
		return -EILSEQ;
	u->is_between = false;
	return 0;
}

static int run_gzip(struct unpack *u, struct unpack_step *s)
{
	if (u->is_between)
		return begin_member(u, s);
	u->gzip.next_in = s->in;
	u->gzip.avail_in = s->n_in < 1U << 30 ? (uInt)s->n_in : 1U << 30;
	u->gzip.next_out = s->out;
	u->gzip.avail_out = s->n_out < 1U << 30 ? (uInt)s->n_out : 1U << 30;
	int e = inflate(&u->gzip, Z_NO_FLUSH);
	bool is_out_full = u->gzip.avail_out == 0;
	s->n_in -= (size_t)(u->gzip.next_in - s->in);
	s->in = u->gzip.next_in;
	s->n_out -= (size_t)(u->gzip.next_out - s->out);
	s->out = u->gzip.next_out;
	if (e == Z_STREAM_END)
		u->is_between = true;
	else if (e == Z_MEM_ERROR)
		return -ENOMEM;
	else if (e != Z_OK && e != Z_BUF_ERROR)
		return -EBADMSG;
	else if (s->is_last && s->n_in == 0 && !is_out_full)
		return -ENODATA;
	return 0;
}

static int run_xz(struct unpack *u, struct unpack_step *s)
{
	u->xz.next_in = s->in;
	u->xz.avail_in = s->n_in;
	u->xz.next_out = s->out;
	u->xz.avail_out = s->n_out;
	lzma_ret e = lzma_code(&u->xz, s->is_last ? LZMA_FINISH : LZMA_RUN);
	s->in = u->xz.next_in;
	s->n_in = u->xz.avail_in;
	s->out = u->xz.next_out;
	s->n_out = u->xz.avail_out;
	switch (e) {
	case LZMA_STREAM_END:
		return 1;
	case LZMA_OK:
		return 0;
	case LZMA_BUF_ERROR:
		return s->is_last ? -ENODATA : 0;
	case LZMA_MEM_ERROR:
		return -ENOMEM;
	case LZMA_MEMLIMIT_ERROR:
		return -EFBIG;
	default:
		return -EBADMSG;
	}
}

int unpack_run(struct unpack *u, struct unpack_step *s)
{
	must(u->kind != UNPACK_PLAIN);
	return u->kind == UNPACK_GZIP ? run_gzip(u, s) : run_xz(u, s);
}

const char *unpack_why(int error)
{
	switch (error) {
	case -ENODATA:
		return "is cut off: its compressed data end early";
	case -EILSEQ:
		return "has garbage behind its compressed data";
	case -EFBIG:
		return "needs more than 128 MiB to decompress";
	case -ENOMEM:
		return "no memory to decompress it";
	default:
		return "has damaged compressed data";
	}
}
