/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/carried.h"

#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "base/must.h"
#include "detect/commands.h"
#include "detect/encodings.h"
#include "detect/programs.h"

/* Where a layer is laid open: one room for each depth. */
static _Thread_local uint8_t rooms[CARRIED_LAYERS - 1][CARRIED_PEEK];

/* ---- what was compressed ---- */

struct arena {
	size_t used;
	_Alignas(16) uint8_t bytes[64 * 1024]; /* zlib wants some 44 KiB */
};
static _Thread_local struct arena arena;

static void *arena_take(void *opaque, unsigned items, unsigned size)
{
	struct arena *a = opaque;
	size_t n = ((size_t)items * size + 15) & ~(size_t)15;
	if (n > sizeof a->bytes - a->used)
		return NULL;
	a->used += n;
	return a->bytes + a->used - n;
}

static void arena_give_back(void *opaque, void *p)
{
	(void)opaque;
	(void)p;
}

enum {
	RAW_BITS = -15,
	ANY_HEADER_BITS = 15 + 32, /* zlib or gzip */
	UNPACKED_MIN = 32,
};

/* The beginning of what it was; 0: it is not compressed so. */
static size_t unpack(const uint8_t *bytes, size_t n, int window_bits, uint8_t *ret)
{
	z_stream z = { .zalloc = arena_take, .zfree = arena_give_back, .opaque = &arena };
	arena.used = 0;
	if (inflateInit2(&z, window_bits) != Z_OK)
		return 0;
	z.next_in = (uint8_t *)(uintptr_t)bytes;
	z.avail_in = (unsigned)n;
	z.next_out = ret;
	z.avail_out = CARRIED_PEEK;
	int e = inflate(&z, Z_SYNC_FLUSH);
	size_t got = CARRIED_PEEK - z.avail_out;
	inflateEnd(&z);
	/* Cut off is fine, wrong is not. */
	bool is_good = e == Z_OK || e == Z_STREAM_END || e == Z_BUF_ERROR;
	return is_good && got >= UNPACKED_MIN ? got : 0;
}

static bool has_zlib_header(const uint8_t *bytes, size_t n)
{
	if (n < 16)
		return false;
	return (bytes[0] == 0x1f && bytes[1] == 0x8b) ||
	       ((bytes[0] & 0x0f) == 8 && bytes[0] <= 0x78 && (bytes[0] << 8 | bytes[1]) % 31 == 0);
}

/* ---- layers ---- */

enum {
	LAYER_WORK = 512, /* a layer costs something however short it is */
};

/* The stretch of bytes at one depth, and how one came there. */
struct layer {
	const uint8_t *bytes;
	size_t n;
	unsigned depth;
	const char *encoding;
};

static void take(struct carried *ret, enum carried_kind kind, const char *what,
                 const struct layer *l)
{
	if (kind <= ret->kind)
		return;
	ret->kind = kind;
	ret->what = what;
	ret->encoding = l->encoding;
	ret->layers = l->depth;
}

/* Text of two bytes a character, as PowerShell's -enc has it: the odd ones are 0. */
static size_t narrow(const struct layer *l, uint8_t *ret)
{
	size_t n = l->n / 2 < CARRIED_PEEK ? l->n / 2 : CARRIED_PEEK;
	if (n < 8 || l->depth == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (l->bytes[2 * i + 1] != 0 || l->bytes[2 * i] == 0)
			return 0;
		ret[i] = l->bytes[2 * i];
	}
	return n;
}

static void look_here(const struct layer *l, struct carried *ret)
{
	const char *what;
	enum program_kind program = program_look(l->bytes, l->n, &what);
	if (program != PROGRAM_NONE)
		take(ret, program == PROGRAM_PROGRAM ? CARRIED_PROGRAM : CARRIED_ARCHIVE, what, l);
	enum command_kind command = command_look(l->bytes, l->n, &what);
	if (command != COMMAND_NONE)
		take(ret, command == COMMAND_SCRIPT ? CARRIED_SCRIPT : CARRIED_WORDS, what, l);
}

/* The layers below one, one after the other; a stack of these goes through all depths. */
struct cursor {
	struct layer layer;
	size_t at; /* of the runs */
	struct encoded_run run;
	unsigned n_runs;
	unsigned next; /* of the run: an encoding; ENCODINGS: get another run */
	unsigned ways; /* of unpacking the whole that have been tried */
};

enum way {
	WAY_HEADER,
	WAY_RAW,
	WAY_NARROW,
	WAYS
};

static size_t open_whole(const struct layer *l, enum way way, uint8_t *room, const char **encoding)
{
	switch (way) {
	case WAY_HEADER:
		*encoding = "compressed";
		return has_zlib_header(l->bytes, l->n)
		               ? unpack(l->bytes, l->n, ANY_HEADER_BITS, room)
		               : 0;
	case WAY_RAW:
		*encoding = "compressed";
		return l->depth > 0 && l->n >= UNPACKED_MIN ? unpack(l->bytes, l->n, RAW_BITS, room)
		                                            : 0;
	default:
		*encoding = l->encoding;
		return narrow(l, room);
	}
}

/* The next layer below c's, in the room of its depth. False: that was all. */
static bool next_below(struct cursor *c, struct layer *ret, size_t *ret_encoded)
{
	uint8_t *room = rooms[c->layer.depth];
	*ret = (struct layer){ .bytes = room, .depth = c->layer.depth + 1 };
	*ret_encoded = 0;
	while (c->ways < WAYS) {
		ret->n = open_whole(&c->layer, (enum way)c->ways++, room, &ret->encoding);
		if (ret->n > 0)
			return true;
	}
	for (;;) {
		if (c->next == ENCODINGS) {
			if (c->n_runs == CARRIED_RUNS ||
			    !encoding_next(c->layer.bytes, c->layer.n, CARRIED_RUN_MIN, &c->at,
			                   &c->run))
				return false;
			c->n_runs++;
			c->next = 0;
		}
		enum encoding e = (enum encoding)c->next++;
		if (!encoding_fits(e, &c->run))
			continue;
		ret->n = encoding_decode(e, &c->run, room, CARRIED_PEEK);
		ret->encoding = encoding_name(e);
		*ret_encoded = encoding_bytes(e, &c->run);
		return true;
	}
}

static void begin(struct cursor *c, const struct layer *l)
{
	*c = (struct cursor){ .layer = *l, .next = ENCODINGS };
}

void carried_look(const uint8_t *bytes, size_t n, struct carried *ret)
{
	struct cursor stack[CARRIED_LAYERS];
	struct layer l = { .bytes = bytes, .n = n, .encoding = "" };
	unsigned top = 0;
	size_t work = 0;
	*ret = (struct carried){ .what = "", .encoding = "" };
	look_here(&l, ret);
	begin(&stack[top], &l);
	while (ret->kind != CARRIED_PROGRAM && work < CARRIED_WORK) {
		size_t n_encoded;
		if (!next_below(&stack[top], &l, &n_encoded)) {
			if (top-- == 0)
				break;
			continue;
		}
		if (top == 0 && n_encoded > ret->n_encoded)
			ret->n_encoded = n_encoded;
		look_here(&l, ret);
		work += l.n + LAYER_WORK;
		if (l.depth + 1 < CARRIED_LAYERS)
			begin(&stack[++top], &l);
	}
}
