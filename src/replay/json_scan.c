/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/json_scan.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "replay/json_map.h"

struct scan {
	const struct json_scan *s;
	const char *text, *p, *end;
	unsigned depth;
	uint8_t first[JSON_SCAN_NODES]; /* of the members of a node, from 1; 0: none */
	uint8_t nodes[JSON_SCAN_DEPTH];
	bool is_object[JSON_SCAN_DEPTH];
	unsigned n_words; /* of the map; 0: there is none */
	uint64_t quotes[JSON_MAP_WORDS], brackets[JSON_MAP_WORDS];
};

/* The first bit from p on, or end. */
static inline const char *next_in(const struct scan *c, const uint64_t *bits, const char *p)
{
	size_t at = (size_t)(p - c->text);
	size_t i = at / 64;
	if (i >= c->n_words)
		return c->end;
	uint64_t word = bits[i] >> at % 64;
	if (word != 0)
		return p + __builtin_ctzll(word);
	while (++i < c->n_words) {
		if (bits[i] != 0)
			return c->text + i * 64 + (size_t)__builtin_ctzll(bits[i]);
	}
	return c->end;
}

/* ---- strings and what nobody wants ---- */

static inline void pass_blanks(struct scan *c)
{
	if (LIKELY(c->p != c->end && *c->p > ' '))
		return;
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

static inline bool pass(struct scan *c, char what)
{
	pass_blanks(c);
	if (c->p == c->end || *c->p != what)
		return false;
	c->p++;
	return true;
}

/* The lowest byte of v that is `byte` gets its top bit set; bytes above it may get it too. */
static inline uint64_t find_byte(uint64_t v, uint8_t byte)
{
	const uint64_t ones = 0x0101010101010101;
	v ^= ones * byte;
	return (v - ones) & ~v & ones << 7;
}

/* The first quote or backslash from p on, or end. Most are near: no memchr(). */
static const char *find_special(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t v;
		memcpy(&v, p, 8);
		v = le64toh(v);
		uint64_t found = find_byte(v, '"') | find_byte(v, '\\');
		if (found != 0)
			return p + __builtin_ctzll(found) / 8;
		p += 8;
	}
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* From behind the opening quote to behind the closing one. */
static inline bool read_text(struct scan *c, struct json_text *ret)
{
	const char *end = c->end;
	const char *p = c->n_words > 0 ? next_in(c, c->quotes, c->p) : find_special(c->p, end);
	bool has_escapes = false;
	while (p < end && *p == '\\') {
		has_escapes = true;
		p = end - p < 2 ? end : find_special(p + 2, end);
	}
	if (p >= end)
		return false;
	*ret = (struct json_text){ c->p, (size_t)(p - c->p), has_escapes };
	c->p = p + 1;
	return true;
}

static bool pass_mapped(struct scan *c)
{
	unsigned depth = 0;
	for (const char *p = c->p; (p = next_in(c, c->brackets, p)) < c->end; p++) {
		bool opens = *p == '{' || *p == '[';
		depth += opens ? 1U : UINT_MAX;
		if (depth != 0)
			continue;
		c->p = p + 1;
		return true;
	}
	return false;
}

/* A container that nobody wants, from its opening bracket to behind the closing one. */
static bool pass_container(struct scan *c)
{
	if (c->n_words > 0)
		return pass_mapped(c);
	struct json_text t;
	unsigned depth = 0;
	while (c->p < c->end) {
		switch (*c->p++) {
		case '"':
			if (!read_text(c, &t))
				return false;
			break;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (--depth == 0)
				return true;
			break;
		default:
			break;
		}
	}
	return false;
}

/* Numbers, true, false, null. */
static bool pass_word(struct scan *c)
{
	const char *from = c->p;
	while (c->p < c->end && *c->p != ',' && *c->p != '}' && *c->p != ']' && *c->p > ' ')
		c->p++;
	return c->p > from;
}

static void index_members(struct scan *c)
{
	const struct json_scan *s = c->s;
	memset(c->first, 0, sizeof c->first);
	for (size_t i = s->n_members; i > 0; i--) {
		must(s->members[i - 1].parent < JSON_SCAN_NODES);
		c->first[s->members[i - 1].parent] = (uint8_t)i;
	}
}

static inline uint8_t node_of(const struct scan *c, uint8_t parent, const struct json_text *key)
{
	const struct json_member *members = c->s->members;
	size_t i = c->first[parent];
	if (i == 0)
		return 0;
	for (i--; i < c->s->n_members && members[i].parent == parent; i++) {
		const struct json_member *m = &members[i];
		if (m->key_n == key->n && m->key[0] == key->p[0] &&
		    memcmp(m->key, key->p, key->n) == 0)
			return m->node;
	}
	return 0;
}

static bool open_container(struct scan *c, uint8_t node)
{
	if (c->depth == JSON_SCAN_DEPTH)
		return false;
	c->is_object[c->depth] = *c->p == '{';
	c->nodes[c->depth++] = node;
	c->p++;
	return true;
}

static void close_container(struct scan *c)
{
	c->p++;
	c->depth--;
	if (c->is_object[c->depth] && c->s->end != NULL)
		c->s->end(c->s->arg, c->nodes[c->depth]);
}

/* One value that belongs to node; containers are only opened. */
static inline bool take_value(struct scan *c, uint8_t node)
{
	struct json_text t;
	pass_blanks(c);
	if (c->p == c->end)
		return false;
	if (*c->p == '{' || *c->p == '[')
		return node != 0 ? open_container(c, node) : pass_container(c);
	if (*c->p != '"')
		return pass_word(c);
	c->p++;
	if (!read_text(c, &t))
		return false;
	if (node != 0)
		c->s->text(c->s->arg, node, &t);
	return true;
}

/* The next member or element of the innermost container, or its end. */
static inline bool step(struct scan *c, bool is_first)
{
	bool is_object = c->is_object[c->depth - 1];
	uint8_t node = c->nodes[c->depth - 1];
	pass_blanks(c);
	if (c->p < c->end && *c->p == (is_object ? '}' : ']')) {
		close_container(c);
		return true;
	}
	if (!is_first && !pass(c, ','))
		return false;
	if (!is_object)
		return take_value(c, node);
	struct json_text key;
	if (!pass(c, '"') || !read_text(c, &key) || !pass(c, ':'))
		return false;
	return take_value(c, node_of(c, node, &key));
}

int json_scan(const struct json_scan *s, const char *text, size_t n)
{
	struct scan c;
	c.s = s;
	c.text = c.p = text;
	c.end = text + n;
	c.depth = 0;
	index_members(&c);
	c.n_words = json_map(text, n, c.quotes, c.brackets);
	pass_blanks(&c);
	if (c.p == c.end || *c.p != '{' || !open_container(&c, JSON_SCAN_ROOT))
		return -EBADMSG;
	bool is_first = true;
	while (c.depth > 0) {
		unsigned before = c.depth;
		if (!step(&c, is_first))
			return -EBADMSG;
		is_first = c.depth > before;
	}
	pass_blanks(&c);
	return c.p == c.end ? 0 : -EBADMSG;
}

/* ---- escapes ---- */

static int hex4(const char *p, const char *end)
{
	int v = 0;
	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char ch = p[i];
		int digit = ch >= '0' && ch <= '9'   ? ch - '0'
		            : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
		            : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
		                                     : -1;
		if (digit < 0)
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

static size_t put_utf8(char *to, uint32_t x)
{
	if (x < 0x80) {
		to[0] = (char)x;
		return 1;
	}
	if (x < 0x800) {
		to[0] = (char)(0xc0 | x >> 6);
		to[1] = (char)(0x80 | (x & 0x3f));
		return 2;
	}
	if (x < 0x10000) {
		to[0] = (char)(0xe0 | x >> 12);
		to[1] = (char)(0x80 | (x >> 6 & 0x3f));
		to[2] = (char)(0x80 | (x & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | x >> 18);
	to[1] = (char)(0x80 | (x >> 12 & 0x3f));
	to[2] = (char)(0x80 | (x >> 6 & 0x3f));
	to[3] = (char)(0x80 | (x & 0x3f));
	return 4;
}

/* Behind "\u": a character, of two of them where the first is half of one (RFC 8259 7). */
static const char *read_unicode(const char *p, const char *end, uint32_t *ret)
{
	int high = hex4(p, end);
	if (high < 0)
		return NULL;
	p += 4;
	*ret = (uint32_t)high;
	if (high >= 0xd800 && high < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
		int low = hex4(p + 2, end);
		if (low >= 0xdc00 && low < 0xe000) {
			*ret = 0x10000 + (((uint32_t)high - 0xd800) << 10) +
			       ((uint32_t)low - 0xdc00);
			return p + 6;
		}
	}
	if (*ret >= 0xd800 && *ret < 0xe000)
		*ret = 0xfffd;
	return p;
}

long json_text_plain(const struct json_text *t, char *ret, size_t max)
{
	static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	if (!t->has_escapes) {
		if (t->n > max)
			return -ENOBUFS;
		memcpy(ret, t->p, t->n);
		return (long)t->n;
	}
	const char *p = t->p, *end = t->p + t->n;
	size_t n = 0;
	while (p < end) {
		if (max - n < 4)
			return -ENOBUFS;
		if (*p != '\\') {
			ret[n++] = *p++;
			continue;
		}
		if (end - p < 2)
			return -EBADMSG;
		const char *at = p[1] != 0 ? strchr(plain, p[1]) : NULL;
		if (at != NULL) {
			ret[n++] = meant[at - plain];
			p += 2;
			continue;
		}
		uint32_t x = 0;
		p = p[1] == 'u' ? read_unicode(p + 2, end, &x) : NULL;
		if (p == NULL)
			return -EBADMSG;
		n += put_utf8(ret + n, x);
	}
	return (long)n;
}
