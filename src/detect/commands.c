/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/commands.h"

#include <stdbool.h>
#include <string.h>

#include "base/must.h"

/* A text that only repeats the beginnings of phrases must not cost much. */
enum {
	TRIES = 256
};

static const struct phrase {
	enum command_kind kind;
	const char *first, *second, *what;
} phrases[] = {
#define COMMAND(kind, first, second, what) { COMMAND_##kind, first, second, what },
#include "detect/commands.def"
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool is_word(uint8_t c)
{
	c = lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool begins(const uint8_t *text, size_t n, const char *lower_word)
{
	size_t i = 0;
	while (i < n && lower_word[i] != '\0' && lower(text[i]) == (uint8_t)lower_word[i])
		i++;
	return lower_word[i] == '\0';
}

static bool has_behind(const uint8_t *text, size_t n, const char *word)
{
	if (word[0] == '\0')
		return true;
	if (n > COMMAND_REACH)
		n = COMMAND_REACH;
	for (size_t i = 0; i < n; i++) {
		if (lower(text[i]) == (uint8_t)word[0] && begins(text + i, n - i, word))
			return true;
	}
	return false;
}

/* A phrase that begins here; the surest. *tries: how often a second part may still be looked for. */
static const struct phrase *find_at(const uint8_t *text, size_t n, unsigned *tries)
{
	const struct phrase *best = NULL;
	uint8_t c = lower(text[0]);
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		const struct phrase *p = &phrases[i];
		if ((uint8_t)p->first[0] != c || (best != NULL && p->kind <= best->kind) ||
		    !begins(text, n, p->first))
			continue;
		size_t len = strlen(p->first);
		if (p->second[0] != '\0') {
			if (*tries == 0)
				continue;
			--*tries;
		}
		if (has_behind(text + len, n - len, p->second))
			best = p;
	}
	return best;
}

static bool is_shebang(const uint8_t *text, size_t n)
{
	return n > 4 && text[0] == '#' && text[1] == '!' &&
	       (text[2] == '/' || (text[2] == ' ' && text[3] == '/'));
}

enum command_kind command_look(const uint8_t *text, size_t n, const char **ret_what)
{
	/* What phrases begin with. */
	static const char first_chars[] = "abcdeifjmnoprsuvw%|.$`/_<@";
	enum command_kind kind = COMMAND_NONE;
	unsigned tries = TRIES;
	*ret_what = "";
	if (is_shebang(text, n)) {
		*ret_what = "a script";
		return COMMAND_SCRIPT;
	}
	for (size_t i = 0; i < n && kind != COMMAND_SCRIPT; i++) {
		uint8_t c = lower(text[i]);
		if (c == 0 || strchr(first_chars, c) == NULL ||
		    (i > 0 && is_word(c) && is_word(text[i - 1])))
			continue;
		const struct phrase *p = find_at(text + i, n - i, &tries);
		if (p != NULL && p->kind > kind) {
			kind = p->kind;
			*ret_what = p->what;
		}
	}
	if (tries == 0 && kind == COMMAND_NONE) {
		*ret_what = "beginnings of many commands";
		return COMMAND_WORDS;
	}
	return kind;
}
