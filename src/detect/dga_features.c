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
	RUN_LETTERS_MAX = 5,
	RUN_CLASS_MIN = 4,
	RUN_CLASS_MAX = 6,
	TAG_MASK = 0x3fff,
};

enum class {
	CLASS_VOWEL,
	CLASS_CONSONANT,
	CLASS_DIGIT,
	CLASS_OTHER,
	CLASS_EDGE,
};

/* The cost of leaving a character outside of words, and of a word of each class: many letters in
 * few words is the best reading. */
static const float cost_letter = 1.0F;
static const float cost_word[DGA_WORD_CLASSES + 1] = { 0, 0.9F, 0.7F, 0.5F };

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

/* The upper half of a product depends on all of the lower bits. */
static uint32_t mix(uint64_t h)
{
	return (uint32_t)(h * 0x9e3779b97f4a7c15ULL >> 32);
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
		ids[at++] = mix(mix_64(tokens[i] * 8 + i + 0x5b00000000000000ULL));
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

static struct dga_word_hash word_hash_of(uint64_t h)
{
	uint64_t m = mix_64(h);
	return (struct dga_word_hash){ .place = (uint32_t)m, .tag = (uint16_t)(m >> 50) };
}

static uint64_t word_add(uint64_t h, char c)
{
	return (h ^ (uint8_t)c) * 0x100000001b3ULL;
}

static const uint64_t word_start = 0x84222325cbf29ce4ULL;

struct dga_word_hash dga_word_hash(const char *word, size_t n)
{
	uint64_t h = word_start;
	for (size_t i = 0; i < n; i++)
		h = word_add(h, word[i]);
	return word_hash_of(h);
}

static unsigned class_of_hash(const struct dga_lexicon *lex, struct dga_word_hash h)
{
	for (uint32_t i = 0; i < DGA_WORD_PROBES; i++) {
		uint16_t w = lex->words[(h.place + i) & lex->words_mask];
		if (w == 0)
			return 0;
		if ((w & TAG_MASK) == h.tag)
			return w >> 14;
	}
	return 0;
}

unsigned dga_word_class(const struct dga_lexicon *lex, const char *word, size_t n)
{
	return class_of_hash(lex, dga_word_hash(word, n));
}

/* The cheapest reading of the label as words and single characters. */
struct reading {
	float cost;
	uint8_t len; /* of the last word; 1 and class 0: a character */
	uint8_t class;
};

static void read_words(const struct dga_lexicon *lex, const struct label *l, struct reading *best)
{
	best[0] = (struct reading){ 0 };
	for (unsigned i = 1; i <= l->n_text; i++)
		best[i].cost = 1e9F;
	for (unsigned i = 0; i < l->n_text; i++) {
		float skip = best[i].cost + (l->text[i] == '-' ? 0 : cost_letter);
		if (skip < best[i + 1].cost)
			best[i + 1] = (struct reading){ skip, 1, 0 };
		uint64_t h = word_start;
		for (unsigned n = 1; n <= DGA_WORD_MAX && i + n <= l->n_text; n++) {
			char c = l->text[i + n - 1];
			if (c < 'a' || c > 'z')
				break;
			h = word_add(h, c);
			if (n < DGA_WORD_MIN)
				continue;
			unsigned class = class_of_hash(lex, word_hash_of(h));
			/* A word of three letters is little evidence. */
			float cost =
				best[i].cost + cost_word[class] + (n == DGA_WORD_MIN ? 1.0F : 0.0F);
			if (class > 0 && cost < best[i + n].cost)
				best[i + n] = (struct reading){ cost, (uint8_t)n, (uint8_t) class };
		}
	}
}

/* Gives the words' tokens to `ids`. Returns the number of tokens. */
static unsigned shape_words(const struct dga_lexicon *lex, const struct label *l, float *s,
                            uint32_t *ids)
{
	struct reading best[DGA_LABEL_MAX + 1];
	unsigned covered[DGA_WORD_CLASSES + 1] = { 0 }, n_words = 0, longest = 0, n_rare = 0;
	read_words(lex, l, best);
	for (unsigned i = l->n_text; i > 0; i -= best[i].len) {
		covered[best[i].class] += best[i].len;
		if (best[i].class == 0)
			continue;
		ids[n_words++] =
			mix(mix_64(hash_text(l->text + i - best[i].len, best[i].len, 0x3a5ULL)));
		n_rare += best[i].class == 1;
		longest = best[i].len > longest ? best[i].len : longest;
	}
	float n = l->n_text > 0 ? (float)l->n_text : 1;
	s[DGA_SHAPE_COVERED_1] = (float)covered[1] / n;
	s[DGA_SHAPE_COVERED_2] = (float)covered[2] / n;
	s[DGA_SHAPE_COVERED_3] = (float)covered[3] / n;
	s[DGA_SHAPE_UNCOVERED] = (float)covered[0];
	s[DGA_SHAPE_WORDS] = (float)n_words;
	s[DGA_SHAPE_WORD_LONGEST] = (float)longest;
	s[DGA_SHAPE_WORD_RARE] = (float)n_rare;
	return n_words;
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
