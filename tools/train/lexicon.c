/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lexicon.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	SYM_START = DGA_SYMBOLS - 2,
	SYM_END = DGA_SYMBOLS - 1,
	IN_NAMES = 4, /* times that a part between hyphens must be seen */
	COMMON = 30,
	LEVEL_KNOWN = 3, /* at least this: a word that names are made of */
};

/* Names that are read with a word, for each level beyond the first. */
static const size_t level_from[DGA_WORD_LEVELS - 1] = { 3, 10, 30, 100, 300, 1000 };

static void count_trigrams(struct lexicon *lex, const struct entries *ordinary)
{
	float *count = calloc(DGA_TRIGRAMS, sizeof *count);
	if (count == NULL)
		die("no memory", "trigrams");
	for (size_t i = 0; i < ordinary->n; i++) {
		const struct entry *e = &ordinary->at[i];
		if (e->part != PART_TRAIN || e->set == SET_ISP)
			continue;
		unsigned a = SYM_START, b = SYM_START;
		for (unsigned k = 0; k <= e->n_label; k++) {
			unsigned c = k == e->n_label ? SYM_END : dga_symbol((uint8_t)e->label[k]);
			count[(a * DGA_SYMBOLS + b) * DGA_SYMBOLS + c]++;
			a = b;
			b = c;
		}
	}
	for (unsigned ab = 0; ab < DGA_SYMBOLS * DGA_SYMBOLS; ab++) {
		float *row = count + (size_t)ab * DGA_SYMBOLS, sum = 0;
		for (unsigned c = 0; c < DGA_SYMBOLS; c++)
			sum += row[c] += 0.2F;
		for (unsigned c = 0; c < DGA_SYMBOLS; c++) {
			float p = roundf(8 * log2f(row[c] / sum));
			lex->trigrams[ab * DGA_SYMBOLS + c] = (int8_t)(p < -127 ? -127 : p);
		}
	}
	free(count);
}

static void put_word(struct lexicon *lex, const char *word, size_t n, unsigned level)
{
	struct dga_word_hash h = dga_word_hash(word, n);
	for (unsigned i = 0; i < DGA_WORD_PROBES; i++) {
		uint16_t *w = &lex->words[(h.place + i) & (LEXICON_PLACES - 1)];
		if (*w != 0 && (*w & 0x1fff) == h.tag)
			return; /* known, or taken for one that is */
		if (*w != 0)
			continue;
		*w = (uint16_t)(level << 13 | h.tag);
		lex->n_words[level]++;
		if (n == DGA_WORD_MIN)
			lex->threes[h.three / 8] |= (uint8_t)(1 << h.three % 8);
		else
			lex->heads[h.head] |= (uint16_t)(1 << n);
		return;
	}
	lex->n_words[0]++;
}

struct part_text {
	const char *at;
	size_t n;
};

static int part_compare(const void *a, const void *b)
{
	const struct part_text *x = a, *y = b;
	int c = memcmp(x->at, y->at, x->n < y->n ? x->n : y->n);
	return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

/* The same text in order, n of it each: those seen `from` to `to` - 1 times are put at `level`. */
static void put_parts(struct lexicon *lex, const struct part_text *part, size_t n, size_t from,
                      size_t to, unsigned level)
{
	for (size_t i = 0, next; i < n; i = next) {
		for (next = i + 1; next < n && part_compare(&part[i], &part[next]) == 0;)
			next++;
		if (next - i >= from && next - i < to)
			put_word(lex, part[i].at, part[i].n, level);
	}
}

static void put_dictionary(struct lexicon *lex, const struct words *words)
{
	for (size_t i = 0; i < words->n; i++)
		if (strlen(words->at[i]) > DGA_WORD_MIN)
			put_word(lex, words->at[i], strlen(words->at[i]), 1);
}

static bool is_read(const struct entry *e)
{
	return e->part == PART_TRAIN && e->set <= SET_OPENDNS_RANDOM &&
	       strncmp(e->label, "xn--", 4) != 0;
}

/* What stands between hyphens. */
static size_t parts_of_names(const struct entries *ordinary, struct part_text *part, size_t room)
{
	size_t n = 0;
	for (size_t i = 0; i < ordinary->n; i++) {
		const struct entry *e = &ordinary->at[i];
		if (!is_read(e) || strchr(e->label, '-') == NULL)
			continue;
		for (const char *p = e->label; *p != '\0' && n < room;) {
			size_t len = strcspn(p, "-");
			if (len >= DGA_WORD_MIN && len <= DGA_WORD_MAX &&
			    strspn(p, "abcdefghijklmnopqrstuvwxyz") >= len)
				part[n++] = (struct part_text){ p, len };
			p += len + (p[len] == '-');
		}
	}
	qsort(part, n, sizeof *part, part_compare);
	return n;
}

/* The words that names are read with. */
static size_t words_of_names(const struct lexicon *lex, const struct entries *ordinary,
                             struct part_text *part, size_t room)
{
	struct dga_word words[DGA_LABEL_MAX / DGA_WORD_MIN];
	size_t n = 0;
	for (size_t i = 0; i < ordinary->n; i++) {
		const struct entry *e = &ordinary->at[i];
		unsigned n_words =
			is_read(e) ? dga_words(&lex->view, e->label, e->n_label, words) : 0;
		for (unsigned k = 0; k < n_words && n < room; k++)
			part[n++] = (struct part_text){ e->label + words[k].at, words[k].n };
	}
	qsort(part, n, sizeof *part, part_compare);
	return n;
}

static void set_common(const struct lexicon *lex, struct words *words)
{
	words->common = malloc(words->n * sizeof *words->common);
	if (words->common == NULL)
		die("no memory", "words");
	words->n_common = 0;
	for (size_t i = 0; i < words->n; i++)
		if (dga_word_level(&lex->view, words->at[i], strlen(words->at[i])) >= LEVEL_KNOWN)
			words->common[words->n_common++] = words->at[i];
}

void lexicon_make(struct lexicon *lex, const struct entries *ordinary, struct words *words)
{
	size_t room = 4 * ordinary->n;
	struct part_text *part = malloc(room * sizeof *part);
	if (part == NULL)
		die("no memory", "words");
	memset(lex, 0, sizeof *lex);
	lex->view = (struct dga_lexicon){ .trigrams = lex->trigrams,
		                          .words = lex->words,
		                          .words_mask = LEXICON_PLACES - 1,
		                          .heads = lex->heads,
		                          .threes = lex->threes };
	count_trigrams(lex, ordinary);
	/* Names are read with what stands between hyphens and the dictionary, and that gives the levels. */
	size_t n = parts_of_names(ordinary, part, room);
	put_parts(lex, part, n, COMMON, SIZE_MAX, LEVEL_KNOWN + 2);
	put_parts(lex, part, n, IN_NAMES, COMMON, LEVEL_KNOWN);
	put_dictionary(lex, words);
	n = words_of_names(lex, ordinary, part, room);
	memset(lex->words, 0, sizeof lex->words);
	memset(lex->heads, 0, sizeof lex->heads);
	memset(lex->threes, 0, sizeof lex->threes);
	memset(lex->n_words, 0, sizeof lex->n_words);
	for (unsigned level = DGA_WORD_LEVELS; level > 1; level--)
		put_parts(lex, part, n, level_from[level - 2],
		          level < DGA_WORD_LEVELS ? level_from[level - 1] : SIZE_MAX, level);
	put_dictionary(lex, words);
	free(part);
	set_common(lex, words);
}
