/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int text_add_line(struct text *t, const char *line, size_t n)
{
	if (t->n + n + 1 > t->room) {
		size_t room = 2 * (t->n + n + 1);
		char *more = realloc(t->p, room);
		if (more == NULL)
			return -ENOMEM;
		t->p = more;
		t->room = room;
	}
	if (n > 0)
		memcpy(t->p + t->n, line, n);
	t->n += n;
	t->p[t->n++] = '\n';
	t->n_lines++;
	return 0;
}

void text_clear(struct text *t)
{
	t->n = 0;
	t->n_lines = 0;
}

void text_done(struct text *t)
{
	free(t->p);
	*t = (struct text){ 0 };
}

bool text_read_number(const char **at, const char *end, int base, uint64_t *ret)
{
	char word[24];
	size_t n = 0;
	while (*at < end && **at == ' ')
		(*at)++;
	while (*at + n < end && (*at)[n] != ' ')
		n++;
	if (n == 0 || n >= sizeof word)
		return false;
	memcpy(word, *at, n);
	word[n] = 0;
	if (strspn(word, base == 16 ? "0123456789abcdef" : "0123456789") != n)
		return false;
	errno = 0;
	uint64_t x = strtoull(word, NULL, base);
	if (errno != 0)
		return false;
	*ret = x;
	*at += n;
	return true;
}
