/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum {
	BUFFERS = 8
};

/* Bytes of the character at p if it may be shown as it is; 0: it is escaped byte by byte. */
static size_t plain_bytes(const unsigned char *p, size_t left)
{
	if (p[0] >= 0x20 && p[0] < 0x7f)
		return 1;
	size_t n = p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
	if (p[0] < 0xc2 || p[0] >= 0xf5 || left < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	uint32_t c = p[0] & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	bool is_control = c < 0xa0; /* C1 */
	bool is_direction = c == 0x200e || c == 0x200f || c == 0x061c ||
	                    (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
	bool is_line = c == 0x2028 || c == 0x2029;
	return is_control || is_direction || is_line ? 0 : n;
}

const char *text_show(const char *text, char *ret, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text), at = 0;
	while (left > 0) {
		size_t take = plain_bytes(p, left);
		size_t need = take > 0 ? take : 4;
		if (at + need + sizeof "..." > n) {
			memcpy(ret + at, "...", 3);
			at += 3;
			break;
		}
		if (take > 0)
			memcpy(ret + at, p, take);
		else
			snprintf(ret + at, n - at, "\\x%02x", p[0]);
		at += need;
		p += take > 0 ? take : 1;
		left -= take > 0 ? take : 1;
	}
	ret[at] = '\0';
	return ret;
}

const char *text_of(const json_t *object, const char *member)
{
	static char buffers[BUFFERS][TEXT_SHOWN_MAX];
	static unsigned next;
	const char *text = json_string_value(json_object_get(object, member));
	return text != NULL ? text_show(text, buffers[next++ % BUFFERS], TEXT_SHOWN_MAX) : "";
}

uint64_t text_number(const json_t *object, const char *member)
{
	json_int_t n = json_integer_value(json_object_get(object, member));
	return n > 0 ? (uint64_t)n : 0;
}

const char *text_duration(uint64_t seconds, char ret[TEXT_TIME_MAX])
{
	uint64_t d = seconds / 86400, h = seconds / 3600 % 24, m = seconds / 60 % 60;
	if (d > 0)
		snprintf(ret, TEXT_TIME_MAX, h > 0 ? "%" PRIu64 "d %" PRIu64 "h" : "%" PRIu64 "d",
		         d, h);
	else if (h > 0)
		snprintf(ret, TEXT_TIME_MAX, m > 0 ? "%" PRIu64 "h %" PRIu64 "m" : "%" PRIu64 "h",
		         h, m);
	else if (m > 0)
		snprintf(ret, TEXT_TIME_MAX,
		         seconds % 60 > 0 ? "%" PRIu64 "m %" PRIu64 "s" : "%" PRIu64 "m", m,
		         seconds % 60);
	else
		snprintf(ret, TEXT_TIME_MAX, "%" PRIu64 "s", seconds);
	return ret;
}

const char *text_time(uint64_t wall_s, char ret[TEXT_TIME_MAX])
{
	time_t at = (time_t)wall_s;
	struct tm tm;
	if (gmtime_r(&at, &tm) == NULL || strftime(ret, TEXT_TIME_MAX, "%F %T UTC", &tm) == 0)
		snprintf(ret, TEXT_TIME_MAX, "@%" PRIu64, wall_s);
	return ret;
}

const char *text_count(uint64_t n, char ret[TEXT_TIME_MAX])
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
	size_t at = 0;
	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			ret[at++] = ' ';
		ret[at++] = digits[i];
	}
	ret[at] = '\0';
	return ret;
}

const char *text_bytes(uint64_t n, char ret[TEXT_TIME_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	if (n < 1024) {
		snprintf(ret, TEXT_TIME_MAX, "%" PRIu64 " bytes", n);
		return ret;
	}
	double x = (double)n / 1024;
	size_t unit = 0;
	for (; x >= 1024 && unit < 3; unit++)
		x /= 1024;
	snprintf(ret, TEXT_TIME_MAX, "%.1f %s", x, units[unit]);
	return ret;
}

void text_wrap(FILE *out, unsigned column, unsigned indent, const char *text)
{
	enum {
		COLUMNS = 80
	};
	unsigned at = column;
	bool is_first = true;
	while (*text != '\0') {
		size_t n = strcspn(text, " ");
		if (!is_first && at + 1 + n > COLUMNS) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!is_first) {
			fputc(' ', out);
			at++;
		}
		fwrite(text, 1, n, out);
		at += (unsigned)n;
		is_first = false;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}
