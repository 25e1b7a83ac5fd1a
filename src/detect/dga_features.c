/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/dga_features.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
	SYM_HYPHEN = 36,
	SYM_UNDERSCORE = 37,
	SYM_OTHER = 38,
	SYM_START = 39,
	SYM_END = 40,
	SYM_DIGIT = 26, /* '0' */
	RUN_LETTERS_MIN = 2,
	RUN_LETTERS_MAX = 4,
	RUN_CLASS_MIN = 4,
	RUN_CLASS_MAX = 6,
	TAG_BITS = 13,
	TAG_MASK = (1 << TAG_BITS) - 1,
	LEVEL_SOME = 2, /* from here on a word is not rare */
	LEVEL_COMMON = 5,
};

enum class {
	CLASS_VOWEL,
	CLASS_CONSONANT,
	CLASS_DIGIT,
	CLASS_OTHER,
	CLASS_EDGE,
};

/* The cost of leaving a character outside of words, and of a word of each level: many letters in
 * few words is the best reading. */
static const float cost_letter = 1.0F, cost_three = 1.0F;
static const float cost_word[DGA_WORD_LEVELS + 1] = {
	0, 0.9F, 0.8F, 0.7F, 0.65F, 0.6F, 0.55F, 0.5F
};

struct label {
	uint8_t sym[DGA_LABEL_MAX + 2]; /* with ^ and $ */
	uint8_t class[DGA_LABEL_MAX + 2];
	unsigned n; /* with ^ and $ */
	const char *text;
	unsigned n_text;
};

unsigned dga_symbol(uint8_t c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= '0' && c <= '9')
		return SYM_DIGIT + (c - '0');
	return c == '-' ? SYM_HYPHEN : c == '_' ? SYM_UNDERSCORE : SYM_OTHER;
}

/* By symbol: a to z, 0 to 9, hyphen, underscore, other, ^ and $. */
static const uint8_t class_of[DGA_SYMBOLS] = {
	/* clang-format off */
	CLASS_VOWEL, 1, 1, 1, CLASS_VOWEL, 1, 1, 1, CLASS_VOWEL, 1, 1, 1, 1, 1, CLASS_VOWEL, 1, 1, 1, 1, 1,
	CLASS_VOWEL, 1, 1, 1, CLASS_VOWEL, 1,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	CLASS_OTHER, CLASS_OTHER, CLASS_OTHER, CLASS_EDGE, CLASS_EDGE,
	/* clang-format on */
};
static_assert(CLASS_CONSONANT == 1 && CLASS_DIGIT == 2, "the table says so");

/* j k q v w x z */
static const uint32_t rare_letters =
	1U << 9 | 1U << 10 | 1U << 16 | 1U << 21 | 1U << 22 | 1U << 23 | 1U << 25;

static uint64_t mix_64(uint64_t h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	return h ^ h >> 32;
}

/* Letters and words have half of the rows each: there are many more runs of letters than words, and a
 * row that several share says little of each. */
static const uint32_t upper_half = 0x80000000U;

/* The upper half of a product depends on all of the lower bits. */
static inline uint32_t mix(uint64_t h)
{
	return (uint32_t)(h * 0x9e3779b97f4a7c15ULL >> 33);
}

/* ---- tokens ---- */

/* All runs of min to max values, by `step`; `kind` keeps the bags apart. */
static inline unsigned add_runs(const uint8_t *v, unsigned n, unsigned min, unsigned max,
                                unsigned step, uint64_t kind, uint32_t *ids, unsigned at)
{
	for (unsigned start = 0; start < n; start++) {
		uint64_t h = kind;
		for (unsigned len = 1; len <= max && start + len <= n; len++) {
			h = h * 64 + v[start + len - 1] + 1;
			if (len >= min && (len - min) % step == 0 && at < DGA_IDS_MAX)
				ids[at++] = mix(h);
		}
	}
	return at;
}

static uint64_t hash_text(const char *text, size_t n, uint64_t h)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)text[i]) * 0x100000001b3ULL;
	return h;
}

static unsigned add_outside(const struct label *l, const char *suffix, size_t n_suffix,
                            const float *shape, uint32_t *ids, unsigned at)
{
	uint64_t tld = hash_text(suffix, n_suffix, 0xcbf29ce484222325ULL);
	uint64_t digits =
		shape[DGA_SHAPE_DIGITS] > 0 ? (shape[DGA_SHAPE_DIGITS] > 0.5F ? 2 : 1) : 0;
	uint64_t hyphens = shape[DGA_SHAPE_HYPHENS] > 0;
	uint64_t vowels = (uint64_t)(shape[DGA_SHAPE_VOWELS] * 4);
	uint64_t letters = l->n_text | digits << 8 | hyphens << 12 | vowels << 16;
	const uint64_t tokens[] = {
		tld,
		tld * 3 + l->n_text,
		tld * 5 + digits + 4 * hyphens,
		0x7001 + l->n_text * 7919ULL,
		0x900000000ULL + letters,
		tld * 7 + (uint64_t)shape[DGA_SHAPE_WORDS] +
			16 * (uint64_t)(shape[DGA_SHAPE_UNCOVERED] > 1),
	};
	for (size_t i = 0; i < sizeof tokens / sizeof *tokens && at < DGA_IDS_MAX; i++)
		ids[at++] = upper_half | mix(mix_64(tokens[i] * 8 + i + 0x5b00000000000000ULL));
	return at;
}

/* ---- shape ---- */

/* i log2 i */
static const float times_log2[DGA_LABEL_MAX + 1] = {
	/* clang-format off */
	0.000000F, 0.000000F, 2.000000F, 4.754888F, 8.000000F, 11.609640F, 15.509775F, 19.651484F,
	24.000000F, 28.529325F, 33.219281F, 38.053748F, 43.019550F, 48.105716F, 53.302969F, 58.603359F,
	64.000000F, 69.486868F, 75.058650F, 80.710623F, 86.438562F, 92.238666F, 98.107496F, 104.041925F,
	110.039100F, 116.096405F, 122.211433F, 128.381963F, 134.605938F, 140.881449F, 147.206718F, 153.580086F,
	160.000000F, 166.465006F, 172.973737F, 179.524906F, 186.117300F, 192.749775F, 199.421246F, 206.130687F,
	212.877124F, 219.659632F, 226.477332F, 233.329384F, 240.214991F, 247.133389F, 254.083850F, 261.065676F,
	268.078200F, 275.120782F, 282.192809F, 289.293692F, 296.422865F, 303.579784F, 310.763925F, 317.974784F,
	325.211876F, 332.474731F, 339.762898F, 347.075940F, 354.413436F, 361.774978F, 369.160171F, 376.568635F,
	/* clang-format on */
};

static void shape_counts(const struct label *l, float *s)
{
	unsigned count[DGA_SYMBOLS] = { 0 }, of_class[5] = { 0 }, longest[5] = { 0 };
	unsigned run = 0, n_changes = 0, n_repeats = 0, n_rare = 0, n_hex = 0, n_distinct = 0;
	for (unsigned i = 1; i + 1 < l->n; i++) {
		unsigned sym = l->sym[i];
		enum class c = l->class[i], before = l->class[i - 1];
		count[sym]++;
		of_class[c]++;
		run = c == before ? run + 1 : 1;
		longest[c] = run > longest[c] ? run : longest[c];
		n_changes += (c == CLASS_DIGIT) != (before == CLASS_DIGIT) && before != CLASS_EDGE;
		n_repeats += sym == l->sym[i - 1];
		n_hex += sym < 6 || c == CLASS_DIGIT;
		n_rare += sym < SYM_DIGIT && (rare_letters >> sym & 1) != 0;
	}
	float n = l->n_text > 0 ? (float)l->n_text : 1, entropy = 0;
	for (unsigned i = 0; i < DGA_SYMBOLS; i++) {
		if (count[i] == 0)
			continue;
		n_distinct++;
		entropy -= times_log2[count[i]];
	}
	entropy = (entropy + times_log2[l->n_text]) / n;
	s[DGA_SHAPE_LENGTH] = (float)l->n_text;
	s[DGA_SHAPE_VOWELS] = (float)of_class[CLASS_VOWEL] / n;
	s[DGA_SHAPE_DIGITS] = (float)of_class[CLASS_DIGIT] / n;
	s[DGA_SHAPE_HYPHENS] = (float)count[SYM_HYPHEN];
	s[DGA_SHAPE_RUN_CONSONANTS] = (float)longest[CLASS_CONSONANT];
	s[DGA_SHAPE_RUN_VOWELS] = (float)longest[CLASS_VOWEL];
	s[DGA_SHAPE_RUN_DIGITS] = (float)longest[CLASS_DIGIT];
	s[DGA_SHAPE_DISTINCT] = (float)n_distinct / n;
	s[DGA_SHAPE_ENTROPY] = entropy;
	s[DGA_SHAPE_HEX] = n_hex == l->n_text && of_class[CLASS_DIGIT] > 0 ? 1.0F : 0.0F;
	s[DGA_SHAPE_CHANGES] = (float)n_changes;
	s[DGA_SHAPE_REPEATS] = (float)n_repeats;
	s[DGA_SHAPE_IDN] = l->n_text > 4 && memcmp(l->text, "xn--", 4) == 0 ? 1.0F : 0.0F;
	s[DGA_SHAPE_RARE_LETTERS] = (float)n_rare / n;
}

static const float rare_log2_p = -9;

static size_t trigram_of(unsigned a, unsigned b, unsigned c)
{
	return ((size_t)a * DGA_SYMBOLS + b) * DGA_SYMBOLS + c;
}

static void shape_trigrams(const struct dga_lexicon *lex, const struct label *l, float *s)
{
	float sum = 0, squares = 0, min = 0, min4 = 0, window[4] = { 0 };
	unsigned n = 0, n_rare = 0;
	for (unsigned i = 1; i < l->n; i++, n++) {
		unsigned before = i >= 2 ? l->sym[i - 2] : SYM_START;
		float log2_p =
			(float)lex->trigrams[trigram_of(before, l->sym[i - 1], l->sym[i])] / 8;
		sum += log2_p;
		squares += log2_p * log2_p;
		min = log2_p < min ? log2_p : min;
		n_rare += log2_p < rare_log2_p;
		window[n % 4] = log2_p;
		float four = window[0] + window[1] + window[2] + window[3];
		min4 = four < min4 ? four : min4;
	}
	float mean = sum / (float)n, variance = squares / (float)n - mean * mean;
	s[DGA_SHAPE_LM_MEAN] = mean;
	s[DGA_SHAPE_LM_MIN] = min;
	s[DGA_SHAPE_LM_MIN4] = min4;
	s[DGA_SHAPE_LM_SD] = variance > 0 ? sqrtf(variance) : 0;
	s[DGA_SHAPE_LM_RARE] = (float)n_rare / (float)n;
}

/* ---- words ---- */

/*
 * The hash of a word is a polynomial of its letters, so that of any part of a label follows from those of
 * two of its beginnings.
 */
#define BASE UINT64_C(0x9ddfea08eb382d69)
static const uint64_t power_0 = 1;

struct prefixes {
	uint64_t hash[DGA_LABEL_MAX + 1]; /* of the first i characters */
	uint64_t power[DGA_WORD_MAX + 1];
};

static void hash_prefixes(const char *text, unsigned n, struct prefixes *ret)
{
	ret->hash[0] = 0;
	for (unsigned i = 0; i < n; i++)
		ret->hash[i + 1] = ret->hash[i] * BASE + (uint8_t)text[i];
	ret->power[0] = power_0;
	for (unsigned i = 0; i < DGA_WORD_MAX; i++)
		ret->power[i + 1] = ret->power[i] * BASE;
}

static inline uint64_t hash_part(const struct prefixes *p, unsigned at, unsigned n)
{
	return p->hash[at + n] - p->hash[at] * p->power[n];
}

static inline uint16_t head_of(uint64_t h)
{
	return (uint16_t)(mix_64(h) >> 40 & (DGA_HEADS - 1));
}

static inline uint16_t three_of(const char *text)
{
	return (uint16_t)(((text[0] - 'a') * 26 + (text[1] - 'a')) * 26 + (text[2] - 'a'));
}

struct dga_word_hash dga_word_hash(const char *word, size_t n)
{
	struct prefixes p;
	hash_prefixes(word, (unsigned)n, &p);
	uint64_t m = mix_64(p.hash[n]);
	struct dga_word_hash ret = { .place = (uint32_t)m,
		                     .tag = (uint16_t)(m >> (64 - TAG_BITS)) };
	if (n == DGA_WORD_MIN)
		ret.three = three_of(word);
	else
		ret.head = head_of(p.hash[4]);
	return ret;
}

static unsigned level_of(const struct dga_lexicon *lex, uint64_t h)
{
	uint64_t m = mix_64(h);
	for (uint32_t i = 0; i < DGA_WORD_PROBES; i++) {
		uint16_t w = lex->words[((uint32_t)m + i) & lex->words_mask];
		if (w == 0)
			return 0;
		if ((w & TAG_MASK) == m >> (64 - TAG_BITS))
			return w >> TAG_BITS;
	}
	return 0;
}

unsigned dga_word_level(const struct dga_lexicon *lex, const char *word, size_t n)
{
	struct prefixes p;
	if (n < DGA_WORD_MIN || n > DGA_WORD_MAX)
		return 0;
	hash_prefixes(word, (unsigned)n, &p);
	return level_of(lex, p.hash[n]);
}

/* The cheapest reading of the label as words and single characters. */
struct reading {
	float cost;
	uint8_t len;   /* of the last word; 1 and level 0: a character */
	uint8_t level; /* of the last word */
};

static inline void try_word(const struct dga_lexicon *lex, const struct prefixes *p, unsigned at,
                            unsigned n, struct reading *best)
{
	unsigned level = level_of(lex, hash_part(p, at, n));
	/* A word of three letters is little evidence. */
	float cost = best[at].cost + cost_word[level] + (n == DGA_WORD_MIN ? cost_three : 0.0F);
	if (level > 0 && cost < best[at + n].cost)
		best[at + n] = (struct reading){ cost, (uint8_t)n, (uint8_t)level };
}

/* How many letters stand from each place on. */
static void count_letters(const char *text, unsigned n, uint8_t *ret)
{
	unsigned letters = 0;
	for (unsigned i = n; i-- > 0;) {
		letters = text[i] >= 'a' && text[i] <= 'z' ? letters + 1 : 0;
		ret[i] = (uint8_t)(letters > DGA_WORD_MAX ? DGA_WORD_MAX : letters);
	}
}

static void read_words(const struct dga_lexicon *lex, const char *text, unsigned n,
                       struct reading *best)
{
	struct prefixes p;
	uint8_t letters_from[DGA_LABEL_MAX];
	hash_prefixes(text, n, &p);
	count_letters(text, n, letters_from);
	best[0] = (struct reading){ 0 };
	for (unsigned i = 1; i <= n; i++)
		best[i].cost = 1e9F;
	for (unsigned i = 0; i < n; i++) {
		float skip = best[i].cost + (text[i] == '-' ? 0 : cost_letter);
		if (skip < best[i + 1].cost)
			best[i + 1] = (struct reading){ skip, 1, 0 };
		unsigned letters = letters_from[i];
		if (letters < DGA_WORD_MIN)
			continue;
		unsigned three = three_of(text + i);
		if ((lex->threes[three / 8] >> three % 8 & 1) != 0)
			try_word(lex, &p, i, DGA_WORD_MIN, best);
		if (letters == DGA_WORD_MIN)
			continue;
		/* Most beginnings are those of few words: only such lengths are looked up. */
		unsigned lengths = lex->heads[head_of(hash_part(&p, i, 4))];
		for (lengths &= (2U << letters) - (1U << 4); lengths != 0; lengths &= lengths - 1)
			try_word(lex, &p, i, (unsigned)__builtin_ctz(lengths), best);
	}
}

unsigned dga_words(const struct dga_lexicon *lex, const char *label, size_t n_label,
                   struct dga_word *ret)
{
	struct reading best[DGA_LABEL_MAX + 1];
	unsigned n = n_label > DGA_LABEL_MAX ? DGA_LABEL_MAX : (unsigned)n_label, n_words = 0;
	read_words(lex, label, n, best);
	for (unsigned i = n; i > 0; i -= best[i].len)
		if (best[i].level > 0)
			ret[n_words++] = (struct dga_word){ (uint8_t)(i - best[i].len), best[i].len,
				                            best[i].level };
	return n_words;
}

static uint32_t word_id(const struct label *l, const struct dga_word *w, uint64_t kind)
{
	return upper_half | mix(mix_64(hash_text(l->text + w->at, w->n, kind)));
}

static unsigned word_tokens(const struct label *l, const struct dga_word *w, unsigned n,
                            uint32_t *ids)
{
	unsigned n_ids = 0;
	for (unsigned i = 0; i < n; i++)
		ids[n_ids++] = word_id(l, &w[i], 0x3a5ULL);
	if (n > 1) {
		ids[n_ids++] = word_id(l, &w[n - 1], 0x3a6ULL);
		ids[n_ids++] = word_id(l, &w[0], 0x3a7ULL);
	}
	return n_ids;
}

/* Gives the words' tokens to `ids`. Returns the number of tokens. */
static unsigned shape_words(const struct dga_lexicon *lex, const struct label *l, float *s,
                            uint32_t *ids)
{
	struct dga_word words[DGA_LABEL_MAX / DGA_WORD_MIN];
	unsigned covered[3] = { 0 }, n_covered = 0, longest = 0, n_rare = 0, levels = 0;
	unsigned least = DGA_WORD_LEVELS, n_hyphens = (unsigned)s[DGA_SHAPE_HYPHENS];
	unsigned n_words = dga_words(lex, l->text, l->n_text, words);
	for (unsigned i = 0; i < n_words; i++) {
		unsigned level = words[i].level;
		covered[(level >= LEVEL_SOME) + (level >= LEVEL_COMMON)] += words[i].n;
		n_covered += words[i].n;
		levels += level;
		least = level < least ? level : least;
		n_rare += level < LEVEL_SOME;
		longest = words[i].n > longest ? words[i].n : longest;
	}
	float n = l->n_text > 0 ? (float)l->n_text : 1;
	s[DGA_SHAPE_COVERED_1] = (float)covered[0] / n;
	s[DGA_SHAPE_COVERED_2] = (float)covered[1] / n;
	s[DGA_SHAPE_COVERED_3] = (float)covered[2] / n;
	s[DGA_SHAPE_UNCOVERED] = (float)(l->n_text - n_covered - n_hyphens);
	s[DGA_SHAPE_WORDS] = (float)n_words;
	s[DGA_SHAPE_WORD_LONGEST] = (float)longest;
	s[DGA_SHAPE_WORD_RARE] = (float)n_rare;
	s[DGA_SHAPE_WORD_LEVEL] = n_words > 0 ? (float)levels / (float)n_words : 0;
	s[DGA_SHAPE_WORD_LEAST] = n_words > 0 ? (float)least : 0;
	return word_tokens(l, words, n_words, ids);
}

static void read_label(const char *text, size_t n_text, struct label *ret)
{
	ret->text = text;
	ret->n_text = n_text > DGA_LABEL_MAX ? DGA_LABEL_MAX : (unsigned)n_text;
	ret->n = 0;
	ret->sym[ret->n++] = SYM_START;
	for (unsigned i = 0; i < ret->n_text; i++)
		ret->sym[ret->n++] = (uint8_t)dga_symbol((uint8_t)text[i]);
	ret->sym[ret->n++] = SYM_END;
	for (unsigned i = 0; i < ret->n; i++)
		ret->class[i] = class_of[ret->sym[i]];
}

void dga_features(const struct dga_lexicon *lex, const char *label, size_t n_label,
                  const char *suffix, size_t n_suffix, struct dga_features *ret)
{
	struct label l;
	read_label(label, n_label, &l);
	shape_counts(&l, ret->shape);
	shape_trigrams(lex, &l, ret->shape);
	unsigned at = add_runs(l.sym, l.n, RUN_LETTERS_MIN, RUN_LETTERS_MAX, 1, 1, ret->ids, 0);
	ret->ends[0] = at;
	at = add_runs(l.class, l.n, RUN_CLASS_MIN, RUN_CLASS_MAX, 2, 2, ret->ids, at);
	ret->ends[1] = at;
	at += shape_words(lex, &l, ret->shape, ret->ids + at);
	ret->ends[2] = at;
	unsigned n_labels = n_suffix > 0;
	for (size_t i = 0; i < n_suffix; i++)
		n_labels += suffix[i] == '.';
	ret->shape[DGA_SHAPE_SUFFIX_LABELS] = (float)n_labels;
	ret->shape[DGA_SHAPE_SUFFIX_LENGTH] = (float)(n_suffix > 24 ? 24 : n_suffix);
	ret->ends[3] = add_outside(&l, suffix, n_suffix, ret->shape, ret->ids, at);
}
