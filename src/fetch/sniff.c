/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/sniff.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char *const pages[] = {
	"<!doctype html", "<html",  "<head", "<body", "<script", "<title", "<h1",
	"<meta",          "<style", "<div",  "<p>",
};

const char *sniff_trouble(const char *head, size_t n, const char *content_type)
{
	if (n > SNIFF_BYTES)
		n = SNIFF_BYTES;
	if (n == 0)
		return "is empty";
	if (n >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0) {
		head += 3;
		n -= 3;
	}
	while (n > 0 && (*head == ' ' || (*head >= '\t' && *head <= '\r'))) {
		head++;
		n--;
	}
	/* A comment may stand before the page itself. */
	bool is_comment = n >= 4 && memcmp(head, "<!--", 4) == 0;
	bool is_tag = n > 0 && *head == '<';
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
		size_t len = strlen(pages[i]);
		if (n >= len && strncasecmp(head, pages[i], len) == 0)
			return "is a web page (HTML), not a list";
	}
	if (is_comment || (is_tag && strncasecmp(content_type, "text/html", 9) == 0))
		return "is a web page (HTML), not a list";
	if (n >= 5 && strncasecmp(head, "<?xml", 5) == 0)
		return "is XML, not a list";
	return NULL;
}
