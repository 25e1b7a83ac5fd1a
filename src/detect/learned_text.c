/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was learned, as lines of text:
 *
 *     weir-ceilings 1
 *     began SECONDS KEY
 *     domain NAME FACTOR ALL MADE USED confirmed|- HIGH0 HIGH1 [TAG HIGH0 HIGH1]...
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/learned.h"

static const char first_line[] = "weir-ceilings 1";

static unsigned long long number(const _Atomic uint32_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static void write_need(const struct need *n, FILE *to)
{
	fprintf(to, " %llu %llu", number(&n->high[0]), number(&n->high[1]));
}

void learned_write(struct learned *l, FILE *to)
{
	struct learned_domain *d;
	fprintf(to, "%s\nbegan %llu %016llx%016llx\n", first_line, (unsigned long long)l->began_s,
	        (unsigned long long)l->key.k0, (unsigned long long)l->key.k1);
	for (unsigned at = 0; (d = learned_next(l, &at)) != NULL; at++) {
		char text[NAME_TEXT_MAX];
		name_to_text(d->name.wire, text);
		fprintf(to, "domain %s %llu %llu %llu %llu %s", text, number(&d->factor),
		        number(&d->all), (unsigned long long)d->made_s,
		        (unsigned long long)d->used_s, d->is_confirmed ? "confirmed" : "-");
		write_need(&d->total, to);
		for (unsigned i = 0; i < LEARNED_CLIENTS; i++) {
			if (number(&d->clients[i].tag) == 0)
				continue;
			fprintf(to, " %llu", number(&d->clients[i].tag));
			write_need(&d->clients[i].need, to);
		}
		fputc('\n', to);
	}
}

/* ---- reading ---- */

/* The words of a line, one after the other. */
struct words {
	const char *at, *end;
};

static bool next_word(struct words *w, const char **ret, size_t *ret_n)
{
	while (w->at < w->end && *w->at == ' ')
		w->at++;
	*ret = w->at;
	while (w->at < w->end && *w->at != ' ')
		w->at++;
	*ret_n = (size_t)(w->at - *ret);
	return *ret_n > 0;
}

static bool next_is(struct words *w, const char *expected)
{
	const char *word;
	size_t n;
	return next_word(w, &word, &n) && n == strlen(expected) && memcmp(word, expected, n) == 0;
}

static bool is_at_end(const struct words *w)
{
	const char *word;
	size_t n;
	struct words rest = *w;
	return !next_word(&rest, &word, &n);
}

static bool next_number(struct words *w, uint64_t most, uint64_t *ret)
{
	const char *word;
	size_t n;
	uint64_t value = 0;
	if (!next_word(w, &word, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (word[i] < '0' || word[i] > '9' || value > UINT64_MAX / 10 - 1)
			return false;
		value = value * 10 + (uint64_t)(word[i] - '0');
	}
	*ret = value;
	return value <= most;
}

static bool next_key(struct words *w, struct siphash_key *ret)
{
	const char *word;
	size_t n;
	uint64_t k[2] = { 0 };
	if (!next_word(w, &word, &n) || n != 32)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *digits = "0123456789abcdef", *digit = strchr(digits, word[i]);
		if (word[i] == 0 || digit == NULL)
			return false;
		k[i / 16] = k[i / 16] << 4 | (uint64_t)(digit - digits);
	}
	*ret = (struct siphash_key){ .k0 = k[0], .k1 = k[1] };
	return true;
}

static bool next_name(struct words *w, struct name *ret)
{
	const char *word;
	size_t n;
	if (!next_word(w, &word, &n) || name_from_text(word, n, ret) != 0 ||
	    name_is_root(ret->wire))
		return false;
	name_set(ret, ret->wire);
	return true;
}

static bool is_power(uint64_t n)
{
	return n > 0 && (n & (n - 1)) == 0;
}

static bool next_need(struct words *w, struct need *ret)
{
	uint64_t high[2];
	if (!next_number(w, UINT32_MAX, &high[0]) || !next_number(w, high[0], &high[1]))
		return false;
	ret->high[0] = (uint32_t)high[0];
	ret->high[1] = (uint32_t)high[1];
	return true;
}

/* The line behind "domain NAME". */
static bool read_facts(struct words *w, struct learned_domain *ret)
{
	uint64_t factor, all, made_s, used_s, tag;
	const char *word;
	size_t n;
	if (!next_number(w, LEARNED_FACTOR_MAX, &factor) || !is_power(factor) ||
	    !next_number(w, LEARNED_ALL_MAX, &all) || !is_power(all) || all < factor ||
	    !next_number(w, UINT32_MAX, &made_s) || !next_number(w, UINT32_MAX, &used_s) ||
	    !next_word(w, &word, &n) || !next_need(w, &ret->total))
		return false;
	ret->factor = (uint32_t)factor;
	ret->all = (uint32_t)all;
	ret->made_s = made_s;
	ret->used_s = used_s;
	ret->is_confirmed = n == 9 && memcmp(word, "confirmed", n) == 0;
	if (!ret->is_confirmed && (n != 1 || word[0] != '-'))
		return false;
	for (unsigned i = 0; !is_at_end(w); i++) {
		if (i == LEARNED_CLIENTS || !next_number(w, UINT32_MAX, &tag) || tag == 0 ||
		    !next_need(w, &ret->clients[i].need))
			return false;
		for (unsigned k = 0; k < i; k++) {
			if (ret->clients[k].tag == tag)
				return false; /* one client would count twice */
		}
		ret->clients[i].tag = (uint32_t)tag;
	}
	return true;
}

static void take(const struct learned_domain *from, struct learned_domain *to)
{
	to->factor = from->factor;
	to->all = from->all;
	to->made_s = from->made_s;
	to->used_s = from->used_s;
	to->is_confirmed = from->is_confirmed;
	for (unsigned k = 0; k < 2; k++)
		to->total.high[k] = from->total.high[k];
	for (unsigned i = 0; i < LEARNED_CLIENTS; i++) {
		to->clients[i].tag = from->clients[i].tag;
		for (unsigned k = 0; k < 2; k++)
			to->clients[i].need.high[k] = from->clients[i].need.high[k];
	}
}

/* NULL, or what is wrong. */
static const char *read_domain(struct learned *l, struct words *w)
{
	struct learned_domain d = { .factor = 1 };
	if (!next_is(w, "domain") || !next_name(w, &d.name))
		return "not a domain";
	if (!read_facts(w, &d))
		return "its numbers make no sense";
	struct learned_domain *to = learned_put(l, d.name.wire);
	if (to == NULL)
		return "it stands there twice, or there are too many";
	take(&d, to);
	return NULL;
}

/* The next line of a text; false: there is none. */
static bool next_line(const char **at, const char *end, struct words *ret)
{
	if (*at == end)
		return false;
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));
	*ret = (struct words){ *at, newline != NULL ? newline : end };
	*at = newline != NULL ? newline + 1 : end;
	return true;
}

int learned_read(struct learned *l, const char *text, size_t n, char why[LEARNED_WHY_MAX])
{
	const char *at = text, *end = text + n;
	struct words w;
	unsigned line = 2, n_bad = 0;
	why[0] = 0;
	if (!next_line(&at, end, &w) || (size_t)(w.end - w.at) != strlen(first_line) ||
	    memcmp(w.at, first_line, strlen(first_line)) != 0) {
		snprintf(why, LEARNED_WHY_MAX, "line 1: it does not begin with \"%s\"", first_line);
		return -EBADMSG;
	}
	if (!next_line(&at, end, &w) || !next_is(&w, "began") ||
	    !next_number(&w, UINT32_MAX, &l->began_s) || !next_key(&w, &l->key) || !is_at_end(&w)) {
		snprintf(why, LEARNED_WHY_MAX, "line 2: no beginning and no key");
		l->began_s = 0;
		return -EBADMSG;
	}
	while (next_line(&at, end, &w)) {
		const char *wrong = read_domain(l, &w);
		line++;
		if (wrong != NULL && n_bad++ == 0)
			snprintf(why, LEARNED_WHY_MAX, "line %u: %s", line, wrong);
	}
	if (n_bad > 1) {
		size_t used = strlen(why);
		snprintf(why + used, LEARNED_WHY_MAX - used, "; %u lines are left out", n_bad);
	}
	return 0;
}
