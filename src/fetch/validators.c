/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/validators.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text that goes into a header again: one line of printable bytes, or nothing. */
static void take_text(const char *value, size_t n, char *ret, size_t room)
{
	ret[0] = 0;
	if (n >= room)
		return;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return;
	}
	memcpy(ret, value, n);
	ret[n] = 0;
}

static uint64_t take_number(const char *value, size_t n)
{
	char text[24];
	take_text(value, n, text, sizeof text);
	return text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : 0;
}

static void take_sha256(const char *value, size_t n, char ret[SHA256_HEX + 1])
{
	take_text(value, n, ret, SHA256_HEX + 1);
	if (n != SHA256_HEX || strspn(ret, "0123456789abcdef") != SHA256_HEX)
		ret[0] = 0;
}

static void take_line(const char *line, size_t n, struct validators *v)
{
	const char *colon = memchr(line, ':', n);
	if (colon == NULL)
		return;
	size_t key = (size_t)(colon - line);
	const char *value = colon + 1;
	size_t left = n - key - 1;
	if (left > 0 && *value == ' ') {
		value++;
		left--;
	}
	if (key == 3 && memcmp(line, "url", 3) == 0)
		take_text(value, left, v->url, sizeof v->url);
	else if (key == 4 && memcmp(line, "etag", 4) == 0)
		take_text(value, left, v->etag, sizeof v->etag);
	else if (key == 8 && memcmp(line, "modified", 8) == 0)
		take_text(value, left, v->modified, sizeof v->modified);
	else if (key == 7 && memcmp(line, "checked", 7) == 0)
		take_text(value, left, v->checked, sizeof v->checked);
	else if (key == 6 && memcmp(line, "sha256", 6) == 0)
		take_sha256(value, left, v->sha256);
	else if (key == 5 && memcmp(line, "bytes", 5) == 0)
		v->bytes = take_number(value, left);
	else if (key == 8 && memcmp(line, "position", 8) == 0)
		take_text(value, left, v->position, sizeof v->position);
	else if (key == 4 && memcmp(line, "full", 4) == 0)
		v->full_s = take_number(value, left);
	else if (key == 7 && memcmp(line, "fetched", 7) == 0)
		v->fetched_s = take_number(value, left);
	else if (key == 7 && memcmp(line, "changed", 7) == 0)
		v->changed_s = take_number(value, left);
}

int validators_parse(const char *text, size_t n, struct validators *ret)
{
	struct validators v = { 0 };
	while (n > 0) {
		const char *lf = memchr(text, '\n', n);
		size_t len = lf != NULL ? (size_t)(lf - text) : n;
		take_line(text, len, &v);
		text += lf != NULL ? len + 1 : len;
		n -= lf != NULL ? len + 1 : len;
	}
	if (v.sha256[0] == 0)
		return -EBADMSG;
	*ret = v;
	return 0;
}

size_t validators_format(const struct validators *v, char ret_text[VALIDATORS_MAX_BYTES])
{
	int n = snprintf(ret_text, VALIDATORS_MAX_BYTES,
	                 "url: %s\netag: %s\nmodified: %s\nbytes: %" PRIu64 "\nfetched: %" PRIu64
	                 "\nchanged: %" PRIu64 "\nchecked: %s\nsha256: %s\n",
	                 v->url, v->etag, v->modified, v->bytes, v->fetched_s, v->changed_s,
	                 v->checked, v->sha256);
	must(n > 0 && n < VALIDATORS_MAX_BYTES);
	if (v->position[0] != 0)
		n += snprintf(ret_text + n, VALIDATORS_MAX_BYTES - (size_t)n,
		              "position: %s\nfull: %" PRIu64 "\n", v->position, v->full_s);
	must(n < VALIDATORS_MAX_BYTES);
	return (size_t)n;
}
