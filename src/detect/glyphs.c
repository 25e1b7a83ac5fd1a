/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/glyphs.h"

#include <errno.h>
#include <string.h>

/* ---- punycode (RFC 3492 5, 6.1, 6.2) ---- */

enum {
	BASE = 36,
	T_MIN = 1,
	T_MAX = 26,
	SKEW = 38,
	DAMP = 700,
	INITIAL_BIAS = 72,
	INITIAL_N = 0x80,
	CODE_POINT_MAX = 0x10ffff,
};

static unsigned digit_of(uint8_t c)
{
	if (c >= 'a' && c <= 'z')
		return c - (unsigned)'a';
	if (c >= 'A' && c <= 'Z')
		return c - (unsigned)'A';
	return c >= '0' && c <= '9' ? c - (unsigned)'0' + 26U : BASE;
}

static uint32_t adapt(uint32_t delta, uint32_t n, bool is_first)
{
	uint32_t k = 0;
	delta = is_first ? delta / DAMP : delta / 2;
	delta += delta / n;
	for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
		delta /= BASE - T_MIN;
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

/* One generalised variable-length integer, added to *i. Returns the bytes read, 0: it is no good. */
static size_t read_delta(const uint8_t *in, size_t n, uint32_t bias, uint64_t *i)
{
	uint64_t w = 1;
	for (size_t used = 0; used < n;) {
		unsigned digit = digit_of(in[used++]);
		uint32_t k = BASE * (uint32_t)used;
		uint32_t t = k <= bias + T_MIN ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
		*i += digit * w;
		if (digit >= BASE || *i > UINT32_MAX)
			return 0;
		if (digit < t)
			return used;
		w *= BASE - t;
		if (w > UINT32_MAX)
			return 0;
	}
	return 0;
}

static size_t copy_basic(const uint8_t *encoded, size_t n, uint32_t *ret, size_t *n_ret)
{
	size_t hyphen = n;
	while (hyphen > 0 && encoded[hyphen - 1] != '-')
		hyphen--;
	*n_ret = hyphen > 0 ? hyphen - 1 : 0;
	for (size_t k = 0; k < *n_ret; k++)
		ret[k] = encoded[k];
	return hyphen;
}

int glyphs_decode(const uint8_t *encoded, size_t n, uint32_t ret[GLYPHS_LABEL_MAX], size_t *ret_n)
{
	uint32_t point = INITIAL_N, bias = INITIAL_BIAS;
	uint64_t i = 0;
	size_t len;
	if (n == 0 || n > GLYPHS_LABEL_MAX)
		return -EINVAL;
	for (size_t at = copy_basic(encoded, n, ret, &len); at < n;) {
		uint64_t before = i;
		size_t used = read_delta(encoded + at, n - at, bias, &i);
		if (used == 0 || len == GLYPHS_LABEL_MAX)
			return -EINVAL;
		at += used;
		bias = adapt((uint32_t)(i - before), (uint32_t)len + 1, before == 0);
		uint64_t next = point + i / (len + 1);
		if (next > CODE_POINT_MAX)
			return -EINVAL;
		point = (uint32_t)next;
		i %= len + 1;
		memmove(ret + i + 1, ret + i, (len - i) * sizeof *ret);
		ret[i++] = point;
		len++;
	}
	for (size_t k = 0; k < len; k++) {
		if (ret[k] >= 0xd800 && ret[k] < 0xe000)
			return -EINVAL;
	}
	*ret_n = len;
	return 0;
}

/* ---- the tables ---- */

struct confusable {
	uint32_t point : 24, has_marks : 8;
	char text[4];
};
static const struct confusable confusables[] = {
#define CONFUSABLE(point, text, marks) { point, marks, text },
#include "detect/confusables.def"
};

enum script {
	SCRIPT_NONE, /* digits, hyphens, marks: of all */
#define SCRIPT_NAME(name) SCRIPT_##name,
#include "detect/confusables.def"
};
static const struct {
	uint32_t first, last;
	enum script script;
} scripts[] = {
#define SCRIPT(first, last, name) { first, last, SCRIPT_##name },
#include "detect/confusables.def"
};

static const struct confusable *find_confusable(uint32_t point)
{
	size_t low = 0, high = ARRAY_LEN(confusables);
	while (low < high) {
		size_t at = low + (high - low) / 2;
		if (confusables[at].point == point)
			return &confusables[at];
		if (confusables[at].point < point)
			low = at + 1;
		else
			high = at;
	}
	return NULL;
}

static enum script script_of(uint32_t point)
{
	size_t low = 0, high = ARRAY_LEN(scripts);
	if (point < 0x80)
		return point >= 'a' && point <= 'z' ? SCRIPT_Latn : SCRIPT_NONE;
	while (low < high) {
		size_t at = low + (high - low) / 2;
		if (point >= scripts[at].first && point <= scripts[at].last)
			return scripts[at].script;
		if (scripts[at].first < point)
			low = at + 1;
		else
			high = at;
	}
	return SCRIPT_NONE;
}

/* ---- looks ---- */

/* Those that Chinese, Japanese and Korean write together, with Latin. */
static bool is_of_east_asia(enum script s)
{
	return s == SCRIPT_Hani || s == SCRIPT_Hira || s == SCRIPT_Kana || s == SCRIPT_Bopo ||
	       s == SCRIPT_Hang;
}

static bool are_mixed(const uint32_t *points, size_t n)
{
	enum script other = SCRIPT_NONE;
	bool has_latin = false, has_east_asian = false;
	for (size_t i = 0; i < n; i++) {
		enum script s = script_of(points[i]);
		if (s == SCRIPT_NONE)
			continue;
		if (s == SCRIPT_Latn)
			has_latin = true;
		else if (is_of_east_asia(s))
			has_east_asian = true;
		else if (other != SCRIPT_NONE && other != s)
			return true;
		else
			other = s;
	}
	return other != SCRIPT_NONE && (has_latin || has_east_asian);
}

static void add(struct glyphs *g, const char *text, size_t n)
{
	if (n > sizeof g->text - g->n)
		n = sizeof g->text - g->n;
	memcpy(g->text + g->n, text, n);
	g->n = (uint8_t)(g->n + n);
}

static void add_point(struct glyphs *g, uint32_t point)
{
	char c = (char)point;
	const struct confusable *found;
	if (point < 0x80) {
		add(g, &c, 1);
	} else if (point >= 0x300 && point < 0x370) {
		g->has_marks = true; /* combining marks */
	} else if ((found = find_confusable(point)) != NULL) {
		add(g, found->text, strlen(found->text));
		if (found->has_marks)
			g->has_marks = true;
		else
			g->has_letters = true;
	} else {
		g->is_unlike = true;
	}
}

void glyphs_read(const uint8_t *label, size_t n, struct glyphs *ret)
{
	uint32_t points[GLYPHS_LABEL_MAX];
	size_t n_points;
	memset(ret, 0, offsetof(struct glyphs, text));
	if (n < 5 || memcmp(label, "xn--", 4) != 0 ||
	    glyphs_decode(label + 4, n - 4, points, &n_points) != 0) {
		add(ret, (const char *)label, n);
		return;
	}
	for (size_t i = 0; i < n_points; i++) {
		ret->is_international = ret->is_international || points[i] >= 0x80;
		add_point(ret, points[i]);
	}
	ret->is_mixed = are_mixed(points, n_points);
}

/* ---- what looks alike in ASCII ---- */

size_t glyphs_fold(const char *text, size_t n, char *ret)
{
	static const struct {
		char pair[2];
		char one;
	} pairs[] = { { "rn", 'm' }, { "vv", 'w' }, { "cl", 'd' } };
	static const char alike[256] = { ['0'] = 'o', ['1'] = 'l', ['i'] = 'l', ['3'] = 'e',
		                         ['4'] = 'a', ['5'] = 's', ['8'] = 'b' };
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		for (size_t k = 0; k < ARRAY_LEN(pairs) && i + 1 < n; k++) {
			if (c == pairs[k].pair[0] && text[i + 1] == pairs[k].pair[1]) {
				c = pairs[k].one;
				i++;
			}
		}
		if (alike[(uint8_t)c] != 0)
			c = alike[(uint8_t)c];
		ret[len++] = c;
	}
	return len;
}
