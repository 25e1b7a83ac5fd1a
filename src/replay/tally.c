/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/siphash.h"

struct entry {
	char *text; /* NULL: empty; text, NUL, note, NUL */
	uint32_t note_at;
	uint64_t hash, count;
	uint64_t missed; /* how often it may have come before it was held */
};

struct tally {
	struct siphash_key key;
	unsigned n, max;
	size_t mask; /* places - 1; more than twice max */
	uint64_t error;
	struct entry *places, *sorted;
};

int tally_new(unsigned max, struct tally **ret)
{
	size_t places = 16;
	while (places < 2UL * max)
		places *= 2;
	struct tally *t = calloc(1, sizeof *t);
	if (t == NULL)
		return -ENOMEM;
	t->places = calloc(places, sizeof *t->places);
	t->sorted = calloc(places, sizeof *t->sorted);
	if (t->places == NULL || t->sorted == NULL) {
		tally_free(t);
		return -ENOMEM;
	}
	t->max = max;
	t->mask = places - 1;
	random_bytes(&t->key, sizeof t->key);
	*ret = t;
	return 0;
}

void tally_free(struct tally *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; t->places != NULL && i <= t->mask; i++)
		free(t->places[i].text);
	free(t->places);
	free(t->sorted);
	free(t);
}

static struct entry *find(const struct tally *t, const char *text, size_t n, uint64_t hash)
{
	for (size_t i = hash;; i++) {
		struct entry *e = &t->places[i & t->mask];
		if (e->text == NULL ||
		    (e->hash == hash && strncmp(e->text, text, n) == 0 && e->text[n] == 0))
			return e;
	}
}

static int by_count(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->text, y->text);
}

/* Copy what is held behind each other, most frequent first. */
static unsigned sort(struct tally *t)
{
	unsigned n = 0;
	for (size_t i = 0; i <= t->mask; i++) {
		if (t->places[i].text != NULL)
			t->sorted[n++] = t->places[i];
	}
	qsort(t->sorted, n, sizeof *t->sorted, by_count);
	return n;
}

/* The rarer half goes; what is gone may have come as often as the most frequent of it. */
static void give_up(struct tally *t)
{
	unsigned n = sort(t);
	for (unsigned i = n / 2; i < n; i++) {
		uint64_t bound = t->sorted[i].count + t->sorted[i].missed;
		if (bound > t->error)
			t->error = bound;
		free(t->sorted[i].text);
	}
	memset(t->places, 0, (t->mask + 1) * sizeof *t->places);
	t->n = n / 2;
	for (unsigned i = 0; i < t->n; i++) {
		struct entry *e = &t->sorted[i];
		*find(t, e->text, strlen(e->text), e->hash) = *e;
	}
}

static char *join(const char *text, size_t n, const char *note, size_t note_n)
{
	char *both = malloc(n + note_n + 2);
	if (both == NULL)
		return NULL;
	memcpy(both, text, n);
	both[n] = 0;
	memcpy(both + n + 1, note, note_n);
	both[n + 1 + note_n] = 0;
	return both;
}

void tally_add(struct tally *t, const char *text, const char *note)
{
	size_t n = strnlen(text, TALLY_TEXT_MAX), note_n = strnlen(note, TALLY_TEXT_MAX);
	uint64_t hash = siphash13(&t->key, text, n);
	struct entry *e = find(t, text, n, hash);
	if (e->text != NULL) {
		e->count++;
		if (strcmp(e->text + e->note_at, note) == 0)
			return;
		char *both = join(text, n, note, note_n);
		if (both != NULL) {
			free(e->text);
			e->text = both;
		}
		return;
	}
	if (t->n >= t->max) {
		give_up(t);
		e = find(t, text, n, hash);
	}
	char *both = join(text, n, note, note_n);
	if (both == NULL)
		return;
	*e = (struct entry){ .text = both,
		             .note_at = (uint32_t)n + 1,
		             .hash = hash,
		             .count = 1,
		             .missed = t->error };
	t->n++;
}

unsigned tally_top(struct tally *t, struct tally_entry *ret, unsigned max)
{
	unsigned n = sort(t);
	if (n > max)
		n = max;
	for (unsigned i = 0; i < n; i++) {
		const struct entry *e = &t->sorted[i];
		ret[i] = (struct tally_entry){ e->text, e->text + e->note_at, e->count };
	}
	return n;
}

unsigned tally_count(const struct tally *t)
{
	return t->n;
}

uint64_t tally_error(const struct tally *t)
{
	return t->error;
}
