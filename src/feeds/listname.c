/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/listname.h"

#include <string.h>

#include "feeds/idn.h"

/* What a plain byte becomes; 0: the slow path looks at the text. '_' is in many real names. */
static const uint8_t plain[256] = {
	/* clang-format off */
	['-'] = '-', ['_'] = '_', ['.'] = '.',
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',
	['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g',
	['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n',
	['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u',
	['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
	['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g',
	['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n',
	['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u',
	['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
	/* clang-format on */
};

/*
 * A name whose last label is a number is read as an IPv4 address by browsers and resolvers of
 * hosts (0x7f000001, 0177.0.0.1): no such TLD can exist (RFC 3696 2).
 */
static bool ends_in_number(const uint8_t *label)
{
	unsigned n = *label;
	bool is_hex = n >= 2 && label[1] == '0' && label[2] == 'x';
	for (unsigned i = is_hex ? 3 : 1; i <= n; i++) {
		uint8_t c = label[i];
		if (!(c >= '0' && c <= '9') && !(is_hex && c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

/* The fast path. BAD_CHARACTER: something is not plain, which may have a meaning yet. */
static enum feeds_skip read_plain(const char *text, size_t n, struct name *ret)
{
	uint8_t wire[NAME_MAX_BYTES + 1];
	size_t out = 1, label = 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = plain[(uint8_t)text[i]];
		if (c == 0)
			return FEEDS_SKIP_BAD_CHARACTER;
		if (out >= NAME_MAX_BYTES) {
			while (++i < n) /* too long, or is it something else altogether? */
				if (plain[(uint8_t)text[i]] == 0)
					return FEEDS_SKIP_BAD_CHARACTER;
			return FEEDS_SKIP_NAME_LENGTH;
		}
		if (c != '.') {
			wire[out++] = c;
			continue;
		}
		size_t len = out - label - 1;
		if (len == 0)
			return FEEDS_SKIP_EMPTY_LABEL;
		if (len > 63)
			return FEEDS_SKIP_LABEL_LENGTH;
		wire[label] = (uint8_t)len;
		label = out++;
	}
	size_t len = out - label - 1;
	if (len == 0)
		return FEEDS_SKIP_EMPTY_LABEL;
	if (len > 63)
		return FEEDS_SKIP_LABEL_LENGTH;
	if (out >= NAME_MAX_BYTES)
		return FEEDS_SKIP_NAME_LENGTH;
	wire[label] = (uint8_t)len;
	wire[out++] = 0;
	if (ends_in_number(wire + label))
		return FEEDS_SKIP_ADDRESS;
	memcpy(ret->wire, wire, out);
	ret->len = (uint8_t)out;
	return FEEDS_SKIP_NONE;
}

static enum feeds_skip read_idn(const char *text, size_t n, struct name *ret)
{
	char ascii[IDN_ASCII_MAX];
	int len = idn_to_ascii(text, n, ascii);
	if (len <= 0)
		return FEEDS_SKIP_IDN;
	if (ascii[len - 1] == '.')
		len--;
	enum feeds_skip why = read_plain(ascii, (size_t)len, ret);
	return why == FEEDS_SKIP_BAD_CHARACTER ? FEEDS_SKIP_IDN : why;
}

/* Up to a path or a port. */
static size_t host_len(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '/' || text[i] == ':')
			return i;
	}
	return n;
}

/* Something in it is not plain: what is it? */
static enum feeds_skip read_odd(const char *text, size_t n, struct name *ret)
{
	struct addr a;
	bool is_foreign = false, is_escaped = false;
	for (size_t i = 0; i < n; i++) {
		is_foreign |= (uint8_t)text[i] >= 0x80;
		is_escaped |= text[i] == '\\';
	}
	const char *slash = memchr(text, '/', n);
	if (memmem(text, n, "://", 3) != NULL)
		return FEEDS_SKIP_URL;
	if (addr_from_text(text, slash != NULL ? (size_t)(slash - text) : n, &a) == 0)
		return FEEDS_SKIP_ADDRESS;
	if (memchr(text, '*', n) != NULL)
		return FEEDS_SKIP_STAR;
	size_t host = host_len(text, n);
	if (host < n) { /* "name/path" and "name:80"; but "</p>" is nothing of the kind */
		struct name unused;
		bool is_name =
			host > 0 && read_plain(text, host, &unused) != FEEDS_SKIP_BAD_CHARACTER;
		return is_name ? FEEDS_SKIP_PATH : FEEDS_SKIP_BAD_CHARACTER;
	}
	for (size_t i = 0; i < n; i++) {
		/* An escape may stand for any byte; unescaped, nothing else is in a name. */
		if (is_escaped && text[i] == '\\')
			i++;
		else if (plain[(uint8_t)text[i]] == 0 && (uint8_t)text[i] < 0x80)
			return FEEDS_SKIP_BAD_CHARACTER;
	}
	if (is_foreign)
		return is_escaped ? FEEDS_SKIP_BAD_CHARACTER : read_idn(text, n, ret);
	struct name name;
	if (name_from_text(text, n, &name) != 0)
		return FEEDS_SKIP_BAD_CHARACTER;
	const uint8_t *last = name.wire;
	while (last[*last + 1] != 0)
		last += *last + 1;
	if (ends_in_number(last))
		return FEEDS_SKIP_ADDRESS;
	*ret = name;
	return FEEDS_SKIP_NONE;
}

enum feeds_skip listname_read(const char *text, size_t n, struct name *ret)
{
	bool has_dot = n > 0 && text[n - 1] == '.';
	if (n == (size_t)has_dot)
		return FEEDS_SKIP_ROOT;
	size_t bare = n - (size_t)has_dot;
	enum feeds_skip why = read_plain(text, bare, ret);
	if (why != FEEDS_SKIP_BAD_CHARACTER)
		return why;
	if (has_dot && n >= 2 && text[n - 2] == '\\')
		bare = n; /* "a\." ends in an escaped dot, not in the root */
	return read_odd(text, bare, ret);
}
