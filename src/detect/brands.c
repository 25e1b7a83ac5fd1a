/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/brands.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "detect/glyphs.h"
#include "dns/registered.h"

/* What a string is; the same one may be several things. */
enum class {
	CLASS_LABEL = 1,
	CLASS_FOLDED,
	CLASS_NEAR,   /* a label, or one with a letter less */
	CLASS_DOMAIN, /* of a brand */
	CLASS_EXCEPT,
	CLASS_WEAK,
	CLASS_SUFFIX,
	CLASS_STRONG,
};

enum {
	FOLDED_MIN = 4, /* shorter labels are like too much */
	FILTER_WORDS = 1 << 12,
	LINE_WORD = '~',
	LINE_EXCEPT = '!',
	LINE_NOTE = '#',
};
#define TAG_MASK   (~(uint64_t)0xffff)
#define MULTIPLIER 0x9e3779b97f4a7c15U

/*
 * An open table: 48 bits of the hash, and the index of the brand. 0: empty. Most questions end at the
 * filter, which is small enough for the nearest cache.
 */
struct table {
	uint64_t *slots;
	size_t n_slots, n_used;
	uint64_t filter[FILTER_WORDS]; /* a bit for each hash */
};

struct brands {
	char *text; /* what labels and domains point into; NULL: the binary */
	struct brand *at;
	unsigned n;
	struct table table;
};

__asm__(".pushsection .rodata\n"
        "detect_brands:\n"
        ".incbin \"detect/data/brands.txt\"\n"
        "detect_brands_end:\n"
        ".byte 0\n"
        ".popsection\n");
extern const char detect_brands[], detect_brands_end[];

/* ---- hashes of parts ---- */

/* MULTIPLIER to the power of i. */
static uint64_t powers[BRANDS_TEXT_MAX + 1];
static struct table words; /* of brand_words.def */
static uint64_t word_slots[2048];

static uint64_t mix(uint64_t h, unsigned n, enum class class)
{
	/* Far from the sums: those of texts that differ in a letter are close together. */
	h ^= ((uint64_t)n << 8 | class) * 0xd6e8feb86659fd93U;
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdU;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53U;
	return h ^ h >> 33;
}

void brands_text(struct brands_text *ret, const char *text, size_t n)
{
	ret->text = text;
	ret->n = n < BRANDS_TEXT_MAX ? (unsigned)n : BRANDS_TEXT_MAX;
	ret->sums[0] = 0;
	for (unsigned i = 0; i < ret->n; i++)
		ret->sums[i + 1] = ret->sums[i] * MULTIPLIER + (uint8_t)text[i] + 1;
}

static uint64_t sum_of(const struct brands_text *t, unsigned from, unsigned n)
{
	return t->sums[from + n] - t->sums[from] * powers[n];
}

/* ... without the letter at `out`, counted from `from`. */
static uint64_t sum_without(const struct brands_text *t, unsigned from, unsigned n, unsigned out)
{
	return sum_of(t, from, out) * powers[n - out - 1] + sum_of(t, from + out + 1, n - out - 1);
}

/* ---- the table ---- */

static size_t slot_of(const struct table *t, uint64_t h)
{
	return (size_t)(h >> 16) & (t->n_slots - 1);
}

static uint64_t *filter_word(struct table *t, uint64_t h)
{
	return &t->filter[h >> 6 & (FILTER_WORDS - 1)];
}

static bool may_have(const struct table *t, uint64_t h)
{
	return (t->filter[h >> 6 & (FILTER_WORDS - 1)] >> (h & 63) & 1) != 0;
}

static int grow(struct table *t)
{
	uint64_t *old = t->slots;
	size_t n_old = t->n_slots;
	t->slots = calloc(n_old * 2, sizeof *t->slots);
	if (t->slots == NULL) {
		t->slots = old;
		return -ENOMEM;
	}
	t->n_slots = n_old * 2;
	for (size_t i = 0; i < n_old; i++) {
		size_t at = slot_of(t, old[i]);
		while (old[i] != 0 && t->slots[at] != 0)
			at = (at + 1) & (t->n_slots - 1);
		if (old[i] != 0)
			t->slots[at] = old[i];
	}
	free(old);
	return 0;
}

static int put(struct table *t, uint64_t h, unsigned index)
{
	if (t->n_used * 2 >= t->n_slots && grow(t) != 0)
		return -ENOMEM;
	uint64_t word = (h & TAG_MASK) | (index + 1U);
	size_t at = slot_of(t, h);
	for (; t->slots[at] != 0; at = (at + 1) & (t->n_slots - 1)) {
		if (t->slots[at] == word)
			return 0;
	}
	t->slots[at] = word;
	*filter_word(t, h) |= (uint64_t)1 << (h & 63);
	t->n_used++;
	return 0;
}

/* The next one of that hash from *at on, which is slot_of() at first; -1: no more. */
static int next(const struct table *t, uint64_t h, size_t *at)
{
	if (LIKELY(!may_have(t, h)))
		return -1;
	for (; t->slots[*at] != 0; *at = (*at + 1) & (t->n_slots - 1)) {
		if (((t->slots[*at] ^ h) & TAG_MASK) != 0)
			continue;
		int index = (int)(t->slots[*at] & 0xffff) - 1;
		*at = (*at + 1) & (t->n_slots - 1);
		return index;
	}
	return -1;
}

static bool has(const struct table *t, uint64_t h)
{
	size_t at = slot_of(t, h);
	return next(t, h, &at) >= 0;
}

/* ---- words ---- */

static void put_word(const char *word, enum class class)
{
	struct brands_text t;
	brands_text(&t, word, strlen(word));
	must(put(&words, mix(sum_of(&t, 0, t.n), t.n, class), 0) == 0);
}

static void prepare(void)
{
	powers[0] = 1;
	for (unsigned i = 0; i < BRANDS_TEXT_MAX; i++)
		powers[i + 1] = powers[i] * MULTIPLIER;
	words.slots = word_slots;
	words.n_slots = ARRAY_LEN(word_slots);
#define STRONG(word) put_word(word, CLASS_STRONG);
#define WEAK(word)   put_word(word, CLASS_WEAK);
#define SUFFIX(word) put_word(word, CLASS_SUFFIX);
#include "detect/brand_words.def"
	must(words.slots == word_slots);
}

static void prepare_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, prepare);
}

enum brand_word brands_word(const char *text, size_t n)
{
	struct brands_text t;
	if (n == 0 || n > GLYPHS_LABEL_MAX)
		return BRAND_WORD_NONE;
	brands_text(&t, text, n);
	uint64_t sum = sum_of(&t, 0, t.n);
	if (has(&words, mix(sum, t.n, CLASS_STRONG)))
		return BRAND_WORD_STRONG;
	if (has(&words, mix(sum, t.n, CLASS_SUFFIX)))
		return BRAND_WORD_SUFFIX;
	return has(&words, mix(sum, t.n, CLASS_WEAK)) ? BRAND_WORD_WEAK : BRAND_WORD_NONE;
}

/* ---- making a list ---- */

static int put_text(struct brands *b, const char *text, size_t n, enum class class, unsigned index)
{
	struct brands_text t;
	brands_text(&t, text, n);
	return put(&b->table, mix(sum_of(&t, 0, t.n), t.n, class), index);
}

static int put_label(struct brands *b, unsigned index)
{
	const struct brand *brand = &b->at[index];
	char folded[GLYPHS_LABEL_MAX];
	struct brands_text t;
	int e = put_text(b, brand->label, brand->n, CLASS_LABEL, index);
	if (e == 0 && brand->n >= FOLDED_MIN)
		e = put_text(b, folded, glyphs_fold(brand->label, brand->n, folded), CLASS_FOLDED,
		             index);
	if (brand->n < BRAND_NEAR_MIN || brand->is_word)
		return e;
	brands_text(&t, brand->label, brand->n);
	if (e == 0)
		e = put(&b->table, mix(sum_of(&t, 0, t.n), t.n, CLASS_NEAR), index);
	for (unsigned i = 0; i < t.n && e == 0; i++)
		e = put(&b->table, mix(sum_without(&t, 0, t.n, i), t.n - 1, CLASS_NEAR), index);
	return e;
}

/* label domain domain ...; ~label: it is a word, too; !label: none */
static int put_line(struct brands *b, const char *line, size_t n)
{
	const char *end = line + n, *at = memchr(line, ' ', n);
	if (n == 0 || line[0] == LINE_NOTE)
		return 0;
	if (line[0] == LINE_EXCEPT)
		return put_text(b, line + 1, n - 1, CLASS_EXCEPT, 0);
	bool is_word = line[0] == LINE_WORD;
	line += is_word;
	must(at != NULL && at - line <= GLYPHS_LABEL_MAX && b->n < BRANDS_MAX);
	struct brand *brand = &b->at[b->n];
	*brand = (struct brand){ .label = line, .n = (uint8_t)(at - line), .is_word = is_word };
	int e = put_label(b, b->n);
	while (at < end && e == 0) {
		const char *domain = at + 1;
		at = memchr(domain, ' ', (size_t)(end - domain));
		at = at != NULL ? at : end;
		must(at - domain < UINT8_MAX);
		if (brand->domain == NULL) {
			brand->domain = domain;
			brand->n_domain = (uint8_t)(at - domain);
		}
		e = put_text(b, domain, (size_t)(at - domain), CLASS_DOMAIN, b->n);
	}
	b->n++;
	return e;
}

static int make(unsigned n, size_t n_slots, struct brands **ret)
{
	prepare_once();
	struct brands *b = calloc(1, sizeof *b);
	if (b == NULL)
		return -ENOMEM;
	b->table.n_slots = n_slots;
	b->table.slots = calloc(n_slots, sizeof *b->table.slots);
	b->at = calloc(n + 1, sizeof *b->at);
	if (b->table.slots == NULL || b->at == NULL) {
		brands_free(b);
		return -ENOMEM;
	}
	*ret = b;
	return 0;
}

int brands_new(struct brands **ret)
{
	struct brands *b;
	unsigned n = 0;
	const char *end = detect_brands + ((uintptr_t)detect_brands_end - (uintptr_t)detect_brands);
	for (const char *p = detect_brands; p < end; p++)
		n += *p == '\n';
	int e = make(n, 1 << 16, &b);
	for (const char *p = detect_brands; e == 0 && p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		must(newline != NULL);
		e = put_line(b, p, (size_t)(newline - p));
		p = newline + 1;
		if (e != 0)
			brands_free(b);
	}
	if (e == 0)
		*ret = b;
	return e;
}

/* The label that somebody has bought, or that stands for the whole where there is no suffix. */
static void own_label(const struct config_names *domains, unsigned i, const char *text,
                      struct brand *ret)
{
	const uint8_t *wire = domains->at[i].wire, *registered = name_registered(wire);
	const char *label = text;
	unsigned skip = registered != NULL ? name_labels(wire) - name_labels(registered) : 0;
	for (; skip > 0; skip--)
		label = strchr(label, '.') + 1;
	*ret = (struct brand){ .label = label,
		               .n = (uint8_t)strcspn(label, "."),
		               .is_own = true,
		               .domain = text,
		               .n_domain = (uint8_t)strlen(text) };
}

int brands_new_own(const struct config_names *domains, struct brands **ret)
{
	struct brands *b;
	unsigned n = domains->n < BRANDS_MAX ? domains->n : BRANDS_MAX;
	int e = make(n, 64, &b);
	if (e != 0)
		return e;
	b->text = malloc(n * (size_t)NAME_MAX_BYTES + 1);
	if (b->text == NULL) {
		brands_free(b);
		return -ENOMEM;
	}
	char *to = b->text;
	for (unsigned i = 0; i < n && e == 0; i++) {
		char text[NAME_TEXT_MAX];
		size_t len = name_to_text(domains->at[i].wire, text);
		if (len >= NAME_MAX_BYTES || len < 2)
			continue; /* with odd letters, or the root: nothing is like it */
		memcpy(to, text, len + 1);
		own_label(domains, i, to, &b->at[b->n]);
		e = put_text(b, to, len, CLASS_DOMAIN, b->n);
		if (e == 0)
			e = put_label(b, b->n++);
		to += len + 1;
	}
	if (e != 0)
		brands_free(b);
	else
		*ret = b;
	return e;
}

void brands_free(struct brands *b)
{
	if (b == NULL)
		return;
	free(b->table.slots);
	free(b->at);
	free(b->text);
	free(b);
}

size_t brands_bytes(const struct brands *b)
{
	return sizeof *b + b->table.n_slots * sizeof *b->table.slots + b->n * sizeof *b->at;
}

unsigned brands_count(const struct brands *b)
{
	return b->n;
}

const struct brand *brands_at(const struct brands *b, unsigned i)
{
	return &b->at[i];
}

/* ---- asking ---- */

const struct brand *brands_find(const struct brands *b, const struct brands_text *t, unsigned from,
                                unsigned n)
{
	uint64_t h = mix(sum_of(t, from, n), n, CLASS_LABEL);
	size_t at = slot_of(&b->table, h);
	int i = next(&b->table, h, &at);
	return i >= 0 ? &b->at[i] : NULL;
}

const struct brand *brands_folded(const struct brands *b, const struct brands_text *folded,
                                  unsigned from, unsigned n)
{
	uint64_t h = mix(sum_of(folded, from, n), n, CLASS_FOLDED);
	size_t at = slot_of(&b->table, h);
	int i = next(&b->table, h, &at);
	return i >= 0 ? &b->at[i] : NULL;
}

bool brands_is_one_edit(const char *a, size_t n_a, const char *b, size_t n_b)
{
	if (n_a > n_b) {
		const char *swapped = a;
		size_t n_swapped = n_a;
		a = b;
		n_a = n_b;
		b = swapped;
		n_b = n_swapped;
	}
	size_t same = 0;
	while (same < n_a && a[same] == b[same])
		same++;
	a += same;
	b += same;
	n_a -= same;
	n_b -= same;
	if (n_b == n_a + 1)
		return memcmp(a, b + 1, n_a) == 0;
	if (n_b != n_a || n_a == 0)
		return false;
	return memcmp(a + 1, b + 1, n_a - 1) == 0 ||
	       (n_a >= 2 && a[0] == b[1] && a[1] == b[0] && memcmp(a + 2, b + 2, n_a - 2) == 0);
}

/* One of those whose label, or label less a letter, has this hash, and is an edit away. */
static const struct brand *near_by(const struct brands *b, uint64_t h, const char *text, unsigned n)
{
	size_t at = slot_of(&b->table, h);
	for (int i; (i = next(&b->table, h, &at)) >= 0;) {
		const struct brand *found = &b->at[i];
		if (brands_is_one_edit(text, n, found->label, found->n))
			return found;
	}
	return NULL;
}

const struct brand *brands_near(const struct brands *b, const struct brands_text *t, unsigned from,
                                unsigned n)
{
	if (n + 1 < BRAND_NEAR_MIN)
		return NULL;
	const char *text = t->text + from;
	const struct brand *found = near_by(b, mix(sum_of(t, from, n), n, CLASS_NEAR), text, n);
	for (unsigned i = 0; i < n && found == NULL; i++)
		found = near_by(b, mix(sum_without(t, from, n, i), n - 1, CLASS_NEAR), text, n);
	return found;
}

bool brands_have_domain(const struct brands *b, const struct brands_text *t, unsigned from,
                        unsigned n)
{
	return has(&b->table, mix(sum_of(t, from, n), n, CLASS_DOMAIN));
}

bool brands_except(const struct brands *b, const struct brands_text *t, unsigned from, unsigned n)
{
	return has(&b->table, mix(sum_of(t, from, n), n, CLASS_EXCEPT));
}
