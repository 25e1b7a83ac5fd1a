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
};

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

static void put_word(struct lexicon *lex, const char *word, size_t n, unsigned class)
{
	struct dga_word_hash h = dga_word_hash(word, n);
	for (unsigned i = 0; i < DGA_WORD_PROBES; i++) {
		uint16_t *w = &lex->words[(h.place + i) & (LEXICON_PLACES - 1)];
		if (*w != 0 && (*w & 0x3fff) == h.tag)
			return; /* known, or taken for one that is */
		if (*w == 0) {
			*w = (uint16_t)(class << 14 | h.tag);
			lex->n_words[class]++;
			return;
		}
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

static void put_parts(struct lexicon *lex, const struct part_text *part, size_t n)
{
	for (unsigned class = 3; class >= 2; class --) {
		for (size_t i = 0, next; i < n; i = next) {
			for (next = i + 1; next < n && part_compare(&part[i], &part[next]) == 0;)
				next++;
			if (class == 3 ? next - i >= COMMON
			               : next - i >= IN_NAMES && next - i < COMMON)
				put_word(lex, part[i].at, part[i].n, class);
		}
	}
}

static void set_common(const struct lexicon *lex, struct words *words)
{
	const struct dga_lexicon view = { .words = lex->words, .words_mask = LEXICON_PLACES - 1 };
	words->common = malloc(words->n * sizeof *words->common);
	if (words->common == NULL)
		die("no memory", "words");
	words->n_common = 0;
	for (size_t i = 0; i < words->n; i++)
		if (dga_word_class(&view, words->at[i], strlen(words->at[i])) >= 2)
			words->common[words->n_common++] = words->at[i];
}

void lexicon_make(struct lexicon *lex, const struct entries *ordinary, struct words *words)
{
	size_t room = 4 * ordinary->n, n = 0;
	struct part_text *part = malloc(room * sizeof *part);
	if (part == NULL)
		die("no memory", "words");
	memset(lex, 0, sizeof *lex);
	count_trigrams(lex, ordinary);
	for (size_t i = 0; i < ordinary->n; i++) {
		const struct entry *e = &ordinary->at[i];
		if (e->part != PART_TRAIN || e->set > SET_OPENDNS_RANDOM ||
		    strchr(e->label, '-') == NULL || strncmp(e->label, "xn--", 4) == 0)
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
	put_parts(lex, part, n);
	for (size_t i = 0; i < words->n; i++)
		if (strlen(words->at[i]) > DGA_WORD_MIN)
			put_word(lex, words->at[i], strlen(words->at[i]), 1);
	free(part);
	set_common(lex, words);
	lex->view = (struct dga_lexicon){ .trigrams = lex->trigrams,
		                          .words = lex->words,
		                          .words_mask = LEXICON_PLACES - 1 };
}
