/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events/json_text.h"

#include <time.h>

#include "dns/name.h"

/* Bytes of names that name_to_text() leaves as they are: it is asked, so both always agree. */
static bool is_plain_in_name[256];

/* Bytes of strings that need no second look: printable ASCII but for the quote and backslash. */
static inline bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void json_text_init(void)
{
	for (unsigned c = 0; c < 256; c++) {
		uint8_t wire[3] = { 1, (uint8_t)c, 0 };
		char text[NAME_TEXT_MAX];
		is_plain_in_name[c] = name_to_text(wire, text) == 1 && is_plain((uint8_t)c);
	}
}

char *json_text_number(char *p, uint64_t x)
{
	char digits[20];
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + x % 10);
		x /= 10;
	} while (x != 0);
	return json_text_bytes(p, digits + at, sizeof digits - at);
}

static char *put_escape(char *p, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	p = JSON_LIT(p, "\\u00");
	*p++ = hex[c >> 4];
	*p++ = hex[c & 15];
	return p;
}

/* Bytes of the valid UTF-8 sequence at s, 0 if there is none (RFC 3629 4). */
static size_t utf8_sequence(const uint8_t *s, size_t n)
{
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90))
		return 0; /* longer than need be */
	if ((s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0; /* a surrogate, or beyond U+10FFFF */
	return len;
}

/* One character that is not plain. Returns how many bytes of text it took. */
static size_t put_odd(char **p, const uint8_t *s, size_t n)
{
	uint8_t c = s[0];
	if (c == '"' || c == '\\') {
		*(*p)++ = '\\';
		*(*p)++ = (char)c;
		return 1;
	}
	if (c < 0x80) {
		*p = put_escape(*p, c);
		return 1;
	}
	size_t len = utf8_sequence(s, n);
	if (len == 0) {
		*p = JSON_LIT(*p, "\xef\xbf\xbd");
		return 1;
	}
	if (c == 0xc2 && s[1] < 0xa0)
		*p = put_escape(*p, s[1]); /* C1: terminals obey some of them */
	else
		*p = json_text_bytes(*p, s, len);
	return len;
}

/* Are eight bytes all plain? Each test sets the top bit of a byte that is not (no carries). */
static inline bool are_plain(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101ULL, tops = ones * 0x80;
	uint64_t low = x & ~tops;
	uint64_t quote = x ^ ones * '"', slash = x ^ ones * '\\', del = x ^ ones * 0x7f;
	uint64_t control = ~(low + ones * 0x60);
	uint64_t same = ~(((quote & ~tops) + ~tops) | quote) |
	                ~(((slash & ~tops) + ~tops) | slash) | ~(((del & ~tops) + ~tops) | del);
	return ((x | control | same) & tops) == 0;
}

char *json_text_string(char *p, const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text;
	for (size_t i = 0; i < n;) {
		uint64_t eight;
		if (n - i >= sizeof eight) {
			memcpy(&eight, s + i, sizeof eight);
			if (LIKELY(are_plain(eight))) {
				memcpy(p, &eight, sizeof eight);
				p += sizeof eight;
				i += sizeof eight;
				continue;
			}
		}
		if (is_plain(s[i])) {
			*p++ = (char)s[i++];
			continue;
		}
		i += put_odd(&p, s + i, n - i);
	}
	return p;
}

/* What json_text_string(name_to_text()) would give, in one pass. */
char *json_text_name(char *p, const uint8_t *wire)
{
	if (*wire == 0)
		*p++ = '.';
	for (bool is_first = true; *wire != 0; wire += *wire + 1, is_first = false) {
		if (!is_first)
			*p++ = '.';
		for (unsigned i = 1; i <= *wire; i++) {
			uint8_t c = wire[i];
			if (is_plain_in_name[c]) {
				*p++ = (char)c;
				continue;
			}
			*p++ = '\\';
			*p++ = '\\';
			*p++ = (char)('0' + c / 100);
			*p++ = (char)('0' + c / 10 % 10);
			*p++ = (char)('0' + c % 10);
		}
	}
	return p;
}

char *json_text_addr(char *p, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];
	return json_text_bytes(p, text, addr_to_text(a, text));
}

static void put_digits(char *p, unsigned x, unsigned n)
{
	while (n-- > 0) {
		p[n] = (char)('0' + x % 10);
		x /= 10;
	}
}

void json_text_second(uint64_t second, char ret_text[JSON_SECOND_BYTES])
{
	struct tm t = { .tm_mday = 1 };
	time_t at = (time_t)second;
	if (gmtime_r(&at, &t) == NULL || t.tm_year > 9999 - 1900)
		t = (struct tm){ .tm_year = 70, .tm_mday = 1 };
	memcpy(ret_text, "0000-00-00T00:00:00", JSON_SECOND_BYTES);
	put_digits(ret_text, (unsigned)t.tm_year + 1900, 4);
	put_digits(ret_text + 5, (unsigned)t.tm_mon + 1, 2);
	put_digits(ret_text + 8, (unsigned)t.tm_mday, 2);
	put_digits(ret_text + 11, (unsigned)t.tm_hour, 2);
	put_digits(ret_text + 14, (unsigned)t.tm_min, 2);
	put_digits(ret_text + 17, (unsigned)t.tm_sec, 2);
}

char *json_text_fraction(char *p, uint32_t ns)
{
	p[0] = '.';
	put_digits(p + 1, ns / 1000, 6);
	p[7] = 'Z';
	return p + 8;
}
