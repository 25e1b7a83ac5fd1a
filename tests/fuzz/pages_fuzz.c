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

/* A line is one, with a mark that can be read again. */
static int keep(void *arg, const char *line, size_t n)
{
	struct collection_mark m;
	(void)arg;
	must(n > 2 && line[n - 1] == '\n' && memchr(line, '\n', n) == line + n - 1);
	must(line[n - 2] == '}' && collection_mark_read(line, n, &m) && m.id[0] != 0);
	return 0;
}

static int look(void *arg)
{
	(void)arg;
	return 0;
}

static void play(enum fetch_kind kind, const char *url, const char *text, size_t n)
{
	struct pages *p;
	struct collection *contents;
	must(collection_new(&contents) == 0);
	struct pages_plan plan = { .kind = kind,
		                   .url = url,
		                   .collection = "c",
		                   .after = n % 2 == 0 ? "2026-11-28T08:00:00Z" : "",
		                   .contents = contents,
		                   .look = look,
		                   .keep = keep };
	struct pages_said said = { .added_last = n % 3 == 0 ? "" : "2026-11-28T09:00:00.5Z",
		                   .date = "Sat, 28 Nov 2026 09:00:00 GMT" };
	must(pages_new(&plan, &p) == 0);
	while (n > 0 && pages_url(p) != NULL) {
		const char *lf = memchr(text, '\n', n);
		size_t len = lf != NULL ? (size_t)(lf - text) : n;
		if (pages_take(p, text, len, &said) != NULL)
			break;
		if (pages_url(p) != NULL)
			check_url(pages_url(p));
		n -= lf != NULL ? len + 1 : len;
		text += lf != NULL ? len + 1 : len;
	}
	must(strlen(pages_position(p)) <= PAGES_POSITION_MAX);
	pages_free(p);
	collection_free(contents);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	play(FETCH_TAXII, "https://t.example/taxii2/", (const char *)data, n);
	play(FETCH_TAXII, "https://t.example/r/collections/", (const char *)data, n);
	play(FETCH_MISP, "https://m.example/f/manifest.json", (const char *)data, n);
	play(FETCH_MISP_SERVER, "https://m.example/attributes/restSearch", (const char *)data, n);
	return 0;
}
