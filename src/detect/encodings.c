/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/encodings.h"

#include <string.h>

#include "base/must.h"

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int base32_digit(uint8_t c)
{
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? c - 'a' : -1;
}

static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* ---- runs ---- */

enum {
	APART_MAX = 3, /* ",0x" */
};

static bool is_between(uint8_t c)
{
	return c != 0 && strchr(" ,:;%-\\xX0", c) != NULL;
}

/* Pairs of hexadecimal digits with the same characters between all of them. */
static size_t find_pairs(const uint8_t *text, size_t n, uint8_t *ret_apart)
{
	size_t apart = 0;
	if (n < 8 || hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0)
		return 0;
	while (2 + apart < n && apart <= APART_MAX &&
	       (hex_digit(text[2 + apart]) < 0 ||
	        (text[2 + apart] == '0' && apart + 3 < n && (text[3 + apart] | 0x20) == 'x')))
		apart++;
	if (apart == 0 || apart > APART_MAX)
		return 0;
	for (size_t i = 0; i < apart; i++) {
		if (!is_between(text[2 + i]))
			return 0;
	}
	size_t at = 2;
	while (at + apart + 2 <= n && memcmp(text + at, text + 2, apart) == 0 &&
	       hex_digit(text[at + apart]) >= 0 && hex_digit(text[at + apart + 1]) >= 0)
		at += apart + 2;
	*ret_apart = (uint8_t)apart;
	return at;
}

bool encoding_next(const uint8_t *text, size_t n, size_t min, size_t *at, struct encoded_run *ret)
{
	while (*at < n) {
		size_t from = *at, to = from;
		uint8_t apart = 0;
		size_t pairs = find_pairs(text + from, n - from, &apart);
		if (pairs >= min) {
			*ret = (struct encoded_run){ text + from, pairs, apart };
			*at = from + pairs;
			return true;
		}
		while (to < n && base64_digit(text[to]) >= 0)
			to++;
		*at = to > from ? to : from + 1;
		if (to - from >= min) {
			*ret = (struct encoded_run){ text + from, to - from, 0 };
			return true;
		}
	}
	return false;
}

/* Letters of one case only, as base32 is written. */
static bool is_one_case(const struct encoded_run *run)
{
	bool has_upper = false, has_lower = false;
	for (size_t i = 0; i < run->n; i++) {
		has_upper |= run->text[i] >= 'A' && run->text[i] <= 'Z';
		has_lower |= run->text[i] >= 'a' && run->text[i] <= 'z';
	}
	return !has_upper || !has_lower;
}

bool encoding_fits(enum encoding e, const struct encoded_run *run)
{
	if (run->apart > 0)
		return e == ENCODING_HEX;
	if (e == ENCODING_BASE64)
		return true; /* cut off anywhere, perhaps */
	if (e == ENCODING_BASE32 && !is_one_case(run))
		return false;
	for (size_t i = 0; i < run->n; i++) {
		int digit =
			e == ENCODING_HEX ? hex_digit(run->text[i]) : base32_digit(run->text[i]);
		if (digit < 0)
			return false;
	}
	return e == ENCODING_BASE32 || run->n % 2 == 0;
}

/* ---- decoding ---- */

static size_t decode_pairs(const struct encoded_run *run, uint8_t *ret, size_t room)
{
	size_t n = 0;
	for (size_t at = 0; at + 2 <= run->n && n < room; at += 2U + run->apart) {
		unsigned high = (unsigned)hex_digit(run->text[at]) & 15;
		unsigned low = (unsigned)hex_digit(run->text[at + 1]) & 15;
		ret[n++] = (uint8_t)(high << 4 | low);
	}
	return n;
}

size_t encoding_decode(enum encoding e, const struct encoded_run *run, uint8_t *ret, size_t room)
{
	uint32_t bits = 0;
	unsigned n_bits = 0, step = e == ENCODING_BASE32 ? 5 : 6;
	size_t n = 0;
	if (e == ENCODING_HEX)
		return decode_pairs(run, ret, room);
	for (size_t i = 0; i < run->n && n < room; i++) {
		int digit = e == ENCODING_BASE32 ? base32_digit(run->text[i])
		                                 : base64_digit(run->text[i]);
		bits = bits << step | (uint32_t)digit;
		n_bits += step;
		if (n_bits >= 8) {
			n_bits -= 8;
			ret[n++] = (uint8_t)(bits >> n_bits);
		}
	}
	return n;
}

size_t encoding_bytes(enum encoding e, const struct encoded_run *run)
{
	if (e == ENCODING_HEX)
		return (run->n + run->apart) / (2U + run->apart);
	return run->n * (e == ENCODING_BASE32 ? 5 : 6) / 8;
}

const char *encoding_name(enum encoding e)
{
	static const char *const names[ENCODINGS] = { "hexadecimal digits", "base32", "base64" };
	return names[e];
}
