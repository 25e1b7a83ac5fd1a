/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers, one a line, whatever they say: each URL that follows is a whole one, of the kind it began with. */
#include "fetch/pages.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_url(const char *url)
{
	must(strlen(url) < FETCH_URL_MAX);
	for (; *url != 0; url++)
		must((unsigned char)*url > ' ' && (unsigned char)*url < 0x7f);
}

static void play(enum fetch_kind kind, const char *url, const char *text, size_t n)
{
	struct pages *p;
	must(pages_new(kind, url, "c", &p) == 0);
	while (n > 0 && pages_url(p) != NULL) {
		const char *lf = memchr(text, '\n', n);
		size_t len = lf != NULL ? (size_t)(lf - text) : n;
		bool is_kept;
		if (pages_take(p, text, len, &is_kept) != NULL)
			break;
		if (pages_url(p) != NULL)
			check_url(pages_url(p));
		n -= lf != NULL ? len + 1 : len;
		text += lf != NULL ? len + 1 : len;
	}
	pages_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	play(FETCH_TAXII, "https://t.example/taxii2/", (const char *)data, n);
	play(FETCH_TAXII, "https://t.example/r/collections/", (const char *)data, n);
	play(FETCH_MISP, "https://m.example/f/manifest.json", (const char *)data, n);
	return 0;
}
