/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/scan.h"

/* "*.name" and "name" both mean the name and all below it: these lists have no other kind. */
void format_wildcard_line(struct scan *s, const char *text, size_t n)
{
	if (n > 2 && text[0] == '*' && text[1] == '.') {
		text += 2;
		n -= 2;
		if (text[0] == '*' || text[0] == '.') { /* "*.*.x" and "*..x" are neither */
			scan_skip(s, FEEDS_SKIP_STAR, NULL);
			return;
		}
	}
	format_domains_line(s, text, n);
}
