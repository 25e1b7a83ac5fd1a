/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/resemble.h"

#include <string.h>

#include "detect/glyphs.h"
#include "dns/name.h"

enum {
	CONCATENATED_MIN = 5, /* letters of a label that is found without a hyphen beside it */
	EDGE_MIN = 2,         /* letters of what stands beside it */
	LETTERS_MIN = 4,      /* letters of a label in other scripts */
	SHAPES_MIN = 5,
	DOMAIN_LABEL_MIN = 4, /* t.co below something says nothing */
	DOMAIN_LABELS_MAX = 3,
	HYPHENATED_TRIES = 28, /* all of eight parts */
	FULL_LABELS = 5,       /* a registered domain has that many at most, but for odd ones */
};

/* A name as text, with dots, and where its labels are. */
struct spelled {
	struct brands_text text;
	char bytes[NAME_MAX_BYTES];
	unsigned n_labels;
	uint8_t from[NAME_MAX_LABELS + 1]; /* the next one's less 1 is the end */
};

static void spell(const uint8_t *lower, struct spelled *ret)
{
	unsigned n = 0;
	ret->n_labels = 0;
	for (const uint8_t *at = lower; *at != 0; at += *at + 1U) {
		ret->from[ret->n_labels++] = (uint8_t)n;
		memcpy(ret->bytes + n, at + 1, *at);
		n += *at;
		ret->bytes[n++] = '.';
	}
	ret->from[ret->n_labels] = (uint8_t)n;
	ret->text.text = ret->bytes;
	brands_text(&ret->text, ret->bytes, n);
}

static unsigned label_n(const struct spelled *s, unsigned i)
{
	return s->from[i + 1] - s->from[i] - 1U;
}

static const char *label_at(const struct spelled *s, unsigned i)
{
	return s->bytes + s->from[i];
}

/* What is found in one label. */
struct found {
	const struct brand *brand;
	enum resemblance how;
	enum brand_word word; /* the strongest beside the brand, or of a label without one */
	bool is_shape;        /* a part that is the brand's shape */
};

/* ---- words ---- */

/* One word, or two of which one may be weak. */
static enum brand_word words_of(const char *text, size_t n)
{
	enum brand_word best = brands_word(text, n);
	for (size_t i = 2; i + 2 <= n && best == BRAND_WORD_NONE && n <= GLYPHS_LABEL_MAX; i++) {
		enum brand_word a = brands_word(text, i);
		if (a == BRAND_WORD_NONE)
			continue;
		enum brand_word b = brands_word(text + i, n - i);
		if (b != BRAND_WORD_NONE)
			best = a > b ? a : b;
	}
	return best;
}

static enum brand_word stronger(enum brand_word a, enum brand_word b)
{
	return a > b ? a : b;
}

/* The strongest word of a label's parts. */
static enum brand_word words_in(const char *text, unsigned n)
{
	enum brand_word best = BRAND_WORD_NONE;
	for (unsigned from = 0; from <= n;) {
		const char *hyphen = memchr(text + from, '-', n - from);
		unsigned to = hyphen != NULL ? (unsigned)(hyphen - text) : n;
		best = stronger(best, brands_word(text + from, to - from));
		from = to + 1;
	}
	return best;
}

/* ---- a part of a label, between hyphens ---- */

struct part {
	const struct brand *brand;
	enum brand_word
		word; /* beside it, without a hyphen; of the part, where there is no brand */
	bool is_shape;
};

static const struct brand *folded(const struct brands *b, const char *text, unsigned n)
{
	struct brands_text t;
	char as[GLYPHS_TEXT_MAX];
	brands_text(&t, as, glyphs_fold(text, n, as));
	return brands_folded(b, &t, 0, t.n);
}

/* brand and words, or words and brand, written together */
static bool find_together(const struct brands *b, const struct brands_text *t, unsigned from,
                          unsigned n, struct part *ret)
{
	const char *text = t->text + from;
	for (unsigned i = EDGE_MIN; i + EDGE_MIN <= n; i++) {
		const struct brand *front =
			i >= CONCATENATED_MIN ? brands_find(b, t, from, i) : NULL;
		if (front != NULL && (ret->word = words_of(text + i, n - i)) != 0) {
			ret->brand = front;
			return true;
		}
		const struct brand *back =
			n - i >= CONCATENATED_MIN ? brands_find(b, t, from + i, n - i) : NULL;
		if (back != NULL && (ret->word = words_of(text, i)) != 0) {
			ret->brand = back;
			return true;
		}
	}
	return false;
}

static void find_part(const struct brands *b, const struct brands_text *t, unsigned from,
                      unsigned n, struct part *ret)
{
	*ret = (struct part){ .brand = brands_find(b, t, from, n) };
	if (ret->brand != NULL || n == 0)
		return;
	ret->word = brands_word(t->text + from, n);
	if (ret->word != BRAND_WORD_NONE || find_together(b, t, from, n, ret))
		return;
	if (n >= SHAPES_MIN && !brands_except(b, t, from, n)) {
		ret->brand = folded(b, t->text + from, n);
		if (ret->brand != NULL && ret->brand->n < SHAPES_MIN)
			ret->brand = NULL;
		ret->is_shape = ret->brand != NULL;
	}
}

/* ---- a label ---- */

/* Where a part of the label ends that begins at `at`. */
static unsigned part_end(const struct brands_text *t, unsigned at, unsigned end)
{
	const char *hyphen = memchr(t->text + at, '-', end - at);
	return hyphen != NULL ? (unsigned)(hyphen - t->text) : end;
}

/* A brand that has a hyphen itself; [*ret_from, *ret_to) is it. */
static const struct brand *find_hyphenated(const struct brands *b, const struct brands_text *t,
                                           unsigned from, unsigned end, unsigned *ret_from,
                                           unsigned *ret_to)
{
	unsigned tried = 0;
	for (unsigned at = from; at < end; at = part_end(t, at, end) + 1) {
		unsigned to = part_end(t, at, end);
		while (to < end && tried++ < HYPHENATED_TRIES) {
			to = part_end(t, to + 1, end);
			const struct brand *found = brands_find(b, t, at, to - at);
			if (found == NULL)
				continue;
			*ret_from = at;
			*ret_to = to;
			return found;
		}
	}
	return NULL;
}

/* A brand and what stands beside it, in the parts of a label. */
static void find_parts(const struct brands *b, const struct brands_text *t, unsigned from,
                       unsigned n, struct found *ret)
{
	unsigned parts = 0, end = from + n, skip = end + 1, skip_to = 0;
	ret->brand = find_hyphenated(b, t, from, end, &skip, &skip_to);
	for (unsigned at = from; at <= end; parts++) {
		struct part part;
		if (at == skip) {
			at = skip_to + 1;
			continue;
		}
		unsigned to = part_end(t, at, end);
		find_part(b, t, at, to - at, &part);
		if (part.brand != NULL && (ret->brand == NULL || ret->brand->n < part.brand->n)) {
			ret->brand = part.brand;
			ret->is_shape = part.is_shape;
		}
		ret->word = stronger(ret->word, part.word);
		at = to + 1;
	}
	const struct brand *brand = ret->brand;
	if (brand == NULL)
		return;
	bool is_short = brand->n < CONCATENATED_MIN && !brand->is_own;
	if (ret->word == BRAND_WORD_STRONG)
		ret->how = RESEMBLES_STRONG;
	else if (ret->is_shape)
		ret->how = RESEMBLES_SHAPES;
	else if ((ret->word != BRAND_WORD_NONE || parts > 1) && !is_short && !brand->is_word)
		ret->how = ret->word == BRAND_WORD_SUFFIX ? RESEMBLES_STRONG : RESEMBLES_WORDS;
}

static bool has_hyphen(const struct brands_text *t, unsigned from, unsigned n)
{
	return memchr(t->text + from, '-', n) != NULL;
}

static void find_ascii(const struct brands *b, const struct brands_text *t, unsigned from,
                       unsigned n, bool is_full, struct found *ret)
{
	*ret = (struct found){ .brand = brands_find(b, t, from, n) };
	if (ret->brand != NULL) {
		ret->how = RESEMBLES_SUFFIX;
		return;
	}
	if (is_full && has_hyphen(t, from, n)) {
		ret->brand = folded(b, t->text + from, n);
		ret->how = ret->brand != NULL ? RESEMBLES_SHAPES : RESEMBLES_NONE;
		if (ret->brand != NULL)
			return;
	}
	find_parts(b, t, from, n, ret);
	if (ret->how != RESEMBLES_NONE || !is_full || brands_except(b, t, from, n))
		return;
	ret->brand = brands_near(b, t, from, n);
	if (ret->brand != NULL)
		ret->how = RESEMBLES_EDIT;
}

/* Letters beyond ASCII: what they are taken for is looked up like ASCII, and means more. */
static void find_international(const struct brands *b, const char *label, unsigned n,
                               struct found *ret)
{
	struct glyphs g;
	struct brands_text t;
	*ret = (struct found){ 0 };
	glyphs_read((const uint8_t *)label, n, &g);
	if (!g.is_international)
		return;
	brands_text(&t, g.text, g.n);
	if (!g.is_unlike && g.n > 0)
		find_ascii(b, &t, 0, t.n, true, ret);
	bool is_brand = ret->how != RESEMBLES_NONE && ret->how != RESEMBLES_WORDS &&
	                ret->how != RESEMBLES_EDIT && ret->brand->n >= LETTERS_MIN;
	if (is_brand) {
		ret->how = g.has_letters ? RESEMBLES_LETTERS : RESEMBLES_MARKS;
	} else if (ret->how == RESEMBLES_NONE || ret->brand->n < LETTERS_MIN) {
		ret->brand = NULL;
		ret->how = g.is_mixed ? RESEMBLES_MIXED : RESEMBLES_NONE;
	}
}

static bool is_encoded(const struct spelled *s, unsigned i)
{
	return label_n(s, i) > 4 && memcmp(label_at(s, i), "xn--", 4) == 0;
}

static void find_in(const struct brands *b, const struct spelled *s, unsigned i, bool is_full,
                    struct found *ret)
{
	if (is_encoded(s, i))
		find_international(b, label_at(s, i), label_n(s, i), ret);
	else
		find_ascii(b, &s->text, s->from[i], label_n(s, i), is_full, ret);
}

/* ---- a name ---- */

/* The domain of a brand that begins with label i, of labels before `end`; its labels, 0: none. */
static unsigned domain_at(const struct brands *b, const struct spelled *s, unsigned i, unsigned end)
{
	if (label_n(s, i) < DOMAIN_LABEL_MIN)
		return 0;
	for (unsigned n = DOMAIN_LABELS_MAX; n >= 2; n--) {
		if (i + n <= end &&
		    brands_have_domain(b, &s->text, s->from[i], s->from[i + n] - s->from[i] - 1U))
			return n;
	}
	return 0;
}

static bool is_own(const struct brands *b, const struct spelled *s, unsigned from)
{
	for (unsigned i = from; i + 1 < s->n_labels; i++) {
		if (brands_have_domain(b, &s->text, s->from[i],
		                       s->from[s->n_labels] - s->from[i] - 1U))
			return true;
	}
	return false;
}

/* The strongest word of labels [from, to). */
static enum brand_word words_between(const struct spelled *s, unsigned from, unsigned to)
{
	enum brand_word best = BRAND_WORD_NONE;
	for (unsigned i = from; i < to; i++)
		best = stronger(best, words_in(label_at(s, i), label_n(s, i)));
	return best;
}

static void keep(struct resembled *ret, enum resemblance how, const struct brand *brand, unsigned i)
{
	if (how > ret->how)
		*ret = (struct resembled){ .how = how, .brand = brand, .label = (uint8_t)i };
}

/* A label left of the one that somebody has bought, which is at `bought`. */
static void look_left(const struct brands *b, const struct spelled *s, unsigned i, unsigned bought,
                      struct resembled *ret)
{
	struct found f;
	unsigned labels = domain_at(b, s, i, bought);
	find_in(b, s, i, is_encoded(s, i), &f);
	if (labels != 0) {
		bool is_strong = words_between(s, i + labels, bought + 1) == BRAND_WORD_STRONG;
		const struct brand *brand = f.brand;
		for (unsigned k = i + 1; brand == NULL && k < i + labels; k++) {
			find_in(b, s, k, false, &f);
			brand = f.brand;
		}
		if (brand != NULL)
			keep(ret, is_strong ? RESEMBLES_BELOW_WORD : RESEMBLES_BELOW, brand, i);
		if (ret->how == RESEMBLES_BELOW)
			ret->is_lure = words_between(s, 0, i) == BRAND_WORD_STRONG;
		return;
	}
	if (f.how == RESEMBLES_LETTERS || f.how == RESEMBLES_MARKS) {
		keep(ret, f.how, f.brand, i);
	} else if (f.how == RESEMBLES_STRONG) {
		keep(ret, RESEMBLES_LEFT, f.brand, i);
	} else if (f.how == RESEMBLES_SUFFIX && i + 1 == bought) {
		/* paypal.com-login.example, paypal.secure-login.example */
		const char *label = label_at(s, bought);
		bool is_split = label_n(s, bought) > 4 && memcmp(label, "com-", 4) == 0;
		enum brand_word word = words_in(label, label_n(s, bought));
		if (is_split) {
			keep(ret,
			     word == BRAND_WORD_STRONG ? RESEMBLES_BELOW_WORD : RESEMBLES_BELOW,
			     f.brand, i);
			ret->is_lure = ret->how == RESEMBLES_BELOW;
		} else if (word == BRAND_WORD_STRONG && f.brand->n >= CONCATENATED_MIN)
			keep(ret, RESEMBLES_STRONG, f.brand, i);
	}
}

void resemble(const struct brands *b, const uint8_t *lower, unsigned registered,
              struct resembled *ret)
{
	struct spelled s;
	struct found f;
	*ret = (struct resembled){ 0 };
	spell(lower, &s);
	if (registered < 2 || registered > s.n_labels)
		return;
	unsigned bought = s.n_labels - registered;
	if (is_own(b, &s, 0)) {
		ret->is_own = true;
		return;
	}
	find_in(b, &s, bought, true, &f);
	if (f.how == RESEMBLES_SUFFIX && !f.brand->is_own) {
		if (f.brand->is_word || f.brand->n < CONCATENATED_MIN)
			f.how = RESEMBLES_NONE;
		else if (words_between(&s, 0, bought) == BRAND_WORD_STRONG)
			f.how = RESEMBLES_STRONG;
	}
	keep(ret, f.how, f.brand, bought);
	for (unsigned i = 0; i < bought; i++)
		look_left(b, &s, i, bought, ret);
}
