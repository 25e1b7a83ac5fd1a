/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/source.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Where the single texts of a source are. */
static const size_t texts[] = {
	offsetof(struct fetch_source, name),          offsetof(struct fetch_source, proxy),
	offsetof(struct fetch_source, header_file),   offsetof(struct fetch_source, ca_file),
	offsetof(struct fetch_source, collection),    offsetof(struct fetch_source, minisign_key),
	offsetof(struct fetch_source, signature_url), offsetof(struct fetch_source, sha256_url),
};

static const char **text_at(const struct fetch_source *s, size_t i)
{
	return (const char **)((char *)(uintptr_t)s + texts[i]);
}

static bool copy_text(const char **text)
{
	*text = *text != NULL ? strdup(*text) : NULL;
	return *text != NULL;
}

static bool copy_all(const char **at, unsigned n)
{
	bool is_good = true;
	for (unsigned i = 0; i < n; i++)
		is_good = copy_text(&at[i]) && is_good;
	return is_good;
}

static bool copy_source(const struct fetch_source *from, struct fetch_source *to)
{
	bool is_good = true;
	*to = *from;
	if (to->n_urls > ARRAY_LEN(to->urls))
		to->n_urls = ARRAY_LEN(to->urls);
	if (to->n_headers > ARRAY_LEN(to->headers))
		to->n_headers = ARRAY_LEN(to->headers);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char **text = text_at(to, i);
		is_good = (*text == NULL || copy_text(text)) && is_good;
	}
	is_good = copy_all(to->urls, to->n_urls) && is_good;
	return copy_all(to->headers, to->n_headers) && is_good;
}

struct fetch_sources *sources_copy(const struct fetch_source *from, unsigned n)
{
	struct fetch_sources *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->at = calloc(n + 1U, sizeof *s->at);
	bool is_good = s->at != NULL;
	for (; s->n < n && is_good; s->n++)
		is_good = copy_source(&from[s->n], &s->at[s->n]);
	if (!is_good) {
		sources_free(s);
		return NULL;
	}
	return s;
}

void sources_free(struct fetch_sources *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->n; i++) {
		struct fetch_source *x = &s->at[i];
		for (size_t t = 0; t < ARRAY_LEN(texts); t++)
			free((char *)*text_at(x, t));
		for (unsigned u = 0; u < x->n_urls; u++)
			free((char *)x->urls[u]);
		for (unsigned h = 0; h < x->n_headers; h++)
			free((char *)x->headers[h]);
	}
	free(s->at);
	free(s);
}

static bool is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool are_same(const char *const *a, const char *const *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!is_same_text(a[i], b[i]))
			return false;
	}
	return true;
}

bool source_is_same(const struct fetch_source *a, const struct fetch_source *b)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!is_same_text(*text_at(a, i), *text_at(b, i)))
			return false;
	}
	return a->kind == b->kind && a->full_refresh_s == b->full_refresh_s &&
	       a->n_urls == b->n_urls && a->n_headers == b->n_headers &&
	       a->refresh_s == b->refresh_s && a->timeout_s == b->timeout_s &&
	       a->max_bytes == b->max_bytes && are_same(a->urls, b->urls, a->n_urls) &&
	       are_same(a->headers, b->headers, a->n_headers);
}
