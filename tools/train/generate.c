/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void words_read(struct words *w, const char *path)
{
	size_t n, room = 1 << 18;
	char *text = read_packed(path, &n);
	w->at = malloc(room * sizeof *w->at);
	if (w->at == NULL)
		die("no memory", path);
	for (char *at = text, *end; at < text + n && w->n < room; at = end + 1) {
		end = memchr(at, '\n', (size_t)(text + n - at));
		end = end == NULL ? text + n : end;
		size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz");
		if (len == (size_t)(end - at) && len >= 3 && len <= 12)
			w->at[w->n++] = keep_text(at, len);
	}
	free(text);
	if (w->n < 1000)
		die("hardly a word in it", path);
}

/* ---- generated ---- */

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

static size_t random_letters(struct dice *d, char *ret)
{
	/* All letters, letters and digits, hexadecimal, or an alphabet of its own. */
	char alphabet[37];
	unsigned way = dice_below(d, 8), n_alphabet = 26;
	memcpy(alphabet, letters, sizeof alphabet);
	if (way == 0) {
		n_alphabet = 36;
	} else if (way == 1) {
		memcpy(alphabet, "abcdef0123456789", n_alphabet = 16);
	} else if (way <= 3) {
		for (unsigned i = 25; i > 0; i--) {
			unsigned k = dice_below(d, i + 1);
			char c = alphabet[i];
			alphabet[i] = alphabet[k];
			alphabet[k] = c;
		}
		n_alphabet = 10 + dice_below(d, 16);
	}
	size_t n = (way == 1 ? 8U : 6U) + dice_below(d, dice_below(d, 3) == 0 ? 24 : 12);
	for (size_t i = 0; i < n; i++)
		ret[i] = alphabet[dice_below(d, n_alphabet)];
	return n;
}

static size_t random_syllables(struct dice *d, char *ret)
{
	static const char vowels[] = "aeiouy", consonants[] = "bcdfghjklmnpqrstvwxz";
	unsigned closed = dice_below(d, 3); /* how often a syllable has a second consonant */
	size_t n = 6 + dice_below(d, 9), at = 0;
	bool is_vowel = dice_below(d, 2);
	while (at < n) {
		ret[at++] = is_vowel ? vowels[dice_below(d, dice_below(d, 4) == 0 ? 6 : 5)]
		                     : consonants[dice_below(d, 20)];
		bool is_again = dice_below(d, 6) < closed;
		is_vowel = is_again ? is_vowel : !is_vowel;
	}
	return n;
}

static size_t random_words(struct generator *g, char *ret)
{
	struct dice *d = &g->dice;
	unsigned n_words = 2U + (dice_below(d, 2) == 0) + (dice_below(d, 4) == 0);
	bool is_hyphen = dice_below(d, 6) == 0, is_cut = dice_below(d, 4) == 0;
	/* Common words make many an ordinary name: only longer names of them are unlikely. */
	bool is_common = g->words->n_common > 0 && dice_below(d, 2) == 0;
	size_t at = 0, min = is_common ? 14 : 9;
	for (unsigned i = 0; i < 6 && (i < n_words || at < min); i++) {
		const char *w =
			is_common ? g->words->common[dice_below(d, (uint32_t)g->words->n_common)]
				  : g->words->at[dice_below(d, (uint32_t)g->words->n)];
		size_t n = strlen(w);
		if (is_cut && n > 4 && dice_below(d, 2) == 0)
			n -= 1 + dice_below(d, (uint32_t)n - 3);
		if (at + n + 1 > 40)
			break;
		if (is_hyphen && i > 0)
			ret[at++] = '-';
		memcpy(ret + at, w, n);
		at += n;
	}
	return at;
}

/* Pieces of ordinary names put together: letters as in ordinary names, but no name. */
static size_t random_pieces(struct generator *g, char *ret)
{
	struct dice *d = &g->dice;
	size_t at = 0, n = 9 + dice_below(d, 10);
	while (at < n) {
		const struct entry *e = &g->ordinary->at[dice_below(d, (uint32_t)g->ordinary->n)];
		size_t take = 3 + dice_below(d, 3);
		if (e->n_label < take + 1 || strncmp(e->label, "xn--", 4) == 0)
			continue;
		const char *from = e->label + dice_below(d, (uint32_t)(e->n_label - take + 1));
		if (memchr(from, '-', take) != NULL)
			continue;
		memcpy(ret + at, from, take);
		at += take;
	}
	return at;
}

void generate_name(struct generator *g, struct entry *ret)
{
	static const char *const suffixes[] = { "com", "net", "org", "info", "biz", "ru",
		                                "com", "eu",  "xyz", "top",  "cc",  "in",
		                                "pw",  "com", "net", "su" };
	static char label[80];
	struct dice *d = &g->dice;
	unsigned way = dice_below(d, 100);
	size_t n = way < 30   ? random_letters(d, label)
	           : way < 45 ? random_syllables(d, label)
	           : way < 85 ? random_words(g, label)
	                      : random_pieces(g, label);
	label[n] = '\0';
	const struct entry *e = &g->ordinary->at[dice_below(d, (uint32_t)g->ordinary->n)];
	const char *suffix = dice_below(d, 3) == 0 ? e->suffix : suffixes[dice_below(d, 16)];
	*ret = (struct entry){ .label = label,
		               .suffix = suffix,
		               .n_label = (uint8_t)n,
		               .n_suffix = (uint8_t)strlen(suffix),
		               .family = UINT8_MAX };
}

/* ---- typing errors ---- */

/* A key beside, by rows of the keyboard. */
static char key_beside(struct dice *d, char c)
{
	static const char rows[] = "qwertyuiop asdfghjkl zxcvbnm 1234567890";
	const char *at = strchr(rows, c);
	if (at == NULL)
		return letters[dice_below(d, 26)];
	char beside = dice_below(d, 2) == 0 && at > rows ? at[-1] : at[1];
	return beside == ' ' || beside == '\0' ? 'e' : beside;
}

bool generate_typo(struct dice *d, const struct entry *base, struct entry *ret)
{
	static char label[80];
	size_t n = base->n_label, at;
	if (n < 4 || n > 40)
		return false;
	memcpy(label, base->label, n);
	at = dice_below(d, (uint32_t)n);
	switch (dice_below(d, 6)) {
	case 0: /* left out */
		memmove(label + at, label + at + 1, n - at - 1);
		n--;
		break;
	case 1: /* twice */
		memmove(label + at + 1, label + at, n - at);
		n++;
		break;
	case 2: /* swapped */
		if (at + 1 < n) {
			char c = label[at];
			label[at] = label[at + 1];
			label[at + 1] = c;
		}
		break;
	case 3: /* one bit */
		label[at] = (char)(label[at] ^ (1 << dice_below(d, 5)));
		break;
	case 4: /* one too many */
		memmove(label + at + 1, label + at, n - at);
		label[at] = key_beside(d, label[at]);
		n++;
		break;
	default:
		label[at] = key_beside(d, label[at]);
	}
	label[n] = '\0';
	if (strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != n || label[0] == '-' ||
	    label[n - 1] == '-' || strcmp(label, base->label) == 0)
		return false;
	*ret = *base;
	ret->label = label;
	ret->n_label = (uint8_t)n;
	ret->set = SET_TYPO;
	return true;
}

void generate_typos(struct corpus *c, size_t n, uint64_t seed)
{
	struct dice d = { seed };
	size_t *popular = malloc(c->ordinary.n * sizeof *popular), n_popular = 0;
	if (popular == NULL)
		die("no memory", "typing errors");
	/* The list of 2013 is in the order of its ranks: the first quarter, and all of the others. */
	size_t n_alexa = 0;
	for (size_t i = 0; i < c->ordinary.n; i++) {
		const struct entry *e = &c->ordinary.at[i];
		n_alexa += e->set == SET_ALEXA;
		if ((e->set == SET_ALEXA && n_alexa < 25000) || e->set == SET_OPENDNS)
			popular[n_popular++] = i;
	}
	for (size_t i = 0; i < n && n_popular > 0;) {
		struct entry base = c->ordinary.at[popular[dice_below(&d, (uint32_t)n_popular)]],
			     typo;
		if (!generate_typo(&d, &base, &typo))
			continue;
		typo.label = keep_text(typo.label, typo.n_label);
		if (typo.part == PART_HELD)
			typo.part = PART_TRAIN;
		typo.is_twice = false;
		entries_add(&c->ordinary, &typo);
		c->n_read[SET_TYPO]++;
		i++;
	}
	free(popular);
}
