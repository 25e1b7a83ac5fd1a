/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "packed.h"

#include <errno.h>
#include <lzma.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *what, const char *which)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, which, what);
	exit(1);
}

static char *read_plain(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	size_t n = 0, room = 1 << 20;
	char *text = malloc(room + 1);
	if (f == NULL || text == NULL)
		die("cannot be read", path);
	for (;;) {
		n += fread(text + n, 1, room - n, f);
		if (n < room)
			break;
		room *= 2;
		text = realloc(text, room + 1);
		if (text == NULL)
			die("no memory", path);
	}
	if (ferror(f))
		die("cannot be read", path);
	fclose(f);
	text[n] = '\0';
	*ret_n = n;
	return text;
}

static char *unpack(const char *path, char *packed, size_t n_packed, size_t *ret_n)
{
	size_t room = n_packed * 8 + (1 << 20), at_in = 0, at = 0;
	uint64_t limit = UINT64_MAX;
	for (;;) {
		char *text = malloc(room + 1);
		if (text == NULL)
			die("no memory", path);
		at_in = at = 0;
		lzma_ret r =
			lzma_stream_buffer_decode(&limit, 0, NULL, (const uint8_t *)packed, &at_in,
		                                  n_packed, (uint8_t *)text, &at, room);
		if (r == LZMA_OK) {
			free(packed);
			text[at] = '\0';
			*ret_n = at;
			return text;
		}
		free(text);
		if (r != LZMA_BUF_ERROR)
			die("cannot be unpacked", path);
		room *= 2;
	}
}

char *read_packed(const char *path, size_t *ret_n)
{
	char *text = read_plain(path, ret_n);
	size_t n = strlen(path);
	return n > 3 && strcmp(path + n - 3, ".xz") == 0 ? unpack(path, text, *ret_n, ret_n) : text;
}
