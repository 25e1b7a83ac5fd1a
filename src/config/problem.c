/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/problem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void count_problem(struct config_problems *p, enum config_severity severity)
{
	if (severity == CONFIG_ERROR)
		p->n_errors++;
	else if (severity == CONFIG_MISSING)
		p->n_missing++;
	else
		p->n_warnings++;
}

void problem_add(struct config_problems *p, enum config_severity severity,
                 struct config_place place, const char *format, ...)
{
	char text[PROBLEM_TEXT_MAX];
	va_list args;
	count_problem(p, severity);
	if (p->n == PROBLEMS_MAX) {
		p->n_dropped++;
		return;
	}
	if (p->at == NULL)
		p->at = calloc(PROBLEMS_MAX, sizeof *p->at);
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	char *copy = p->at != NULL ? strdup(text) : NULL;
	if (copy == NULL) {
		p->n_dropped++;
		return;
	}
	p->at[p->n++] = (struct config_problem){ severity, place, copy };
}

static int compare_problems(const void *a, const void *b)
{
	const struct config_problem *x = a, *y = b;
	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	if (x->place.column != y->place.column)
		return x->place.column < y->place.column ? -1 : 1;
	return strcmp(x->text, y->text);
}

void problems_sort(struct config_problems *p)
{
	if (p->n > 1)
		qsort(p->at, p->n, sizeof *p->at, compare_problems);
}

const char *problem_quote(const char *text, size_t n, char *ret_text)
{
	const size_t most = 60;
	char *w = ret_text;
	*w++ = '\'';
	for (size_t i = 0; i < n && i < most; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= 0x20 && c < 0x7f)
			*w++ = (char)c;
		else
			w += snprintf(w, 5, "\\x%02x", c);
	}
	memcpy(w, n > most ? "...'" : "'", n > most ? 5 : 2);
	return ret_text;
}

unsigned problem_distance(const char *a, const char *b, unsigned most)
{
	enum {
		WORD_MAX = 64
	};
	unsigned rows[3][WORD_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);
	if (na > WORD_MAX || nb > WORD_MAX || (na > nb ? na - nb : nb - na) > most)
		return most + 1;
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	for (unsigned j = 0; j <= nb; j++) {
		above[j] = j;
		before[j] = 0;
	}
	for (unsigned i = 1; i <= na; i++) {
		row[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		unsigned *oldest = before;
		before = above;
		above = row;
		row = oldest;
	}
	return above[nb] < most + 1 ? above[nb] : most + 1;
}

void problem_nearest_try(struct problem_nearest *n, const char *candidate)
{
	/* A third of the letters wrong is no slip of the finger any more. */
	unsigned most = (unsigned)strlen(n->word) / 3;
	most = most < 1 ? 1 : most > 3 ? 3 : most;
	unsigned d = strcasecmp(n->word, candidate) == 0
	                     ? 0
	                     : problem_distance(n->word, candidate, most);
	if (d <= most && (n->found[0] == 0 || d < n->distance)) {
		snprintf(n->found, sizeof n->found, "%s", candidate);
		n->distance = d;
	}
}

void config_problem_text(const struct config_problems *p, unsigned i, char *ret_text, size_t n)
{
	const struct config_problem *q = &p->at[i];
	const char *path = p->path != NULL ? p->path : "configuration";
	const char *kind = q->severity == CONFIG_WARNING ? "warning: " : "";
	if (q->place.line == 0)
		snprintf(ret_text, n, "%s: %s%s", path, kind, q->text);
	else
		snprintf(ret_text, n, "%s:%u:%u: %s%s", path, q->place.line, q->place.column, kind,
		         q->text);
}

void config_problems_print(const struct config_problems *p, FILE *out)
{
	char line[PROBLEM_TEXT_MAX + 4096 + 64];
	for (unsigned i = 0; i < p->n; i++) {
		config_problem_text(p, i, line, sizeof line);
		fprintf(out, "%s\n", line);
	}
	if (p->n_dropped > 0)
		fprintf(out, "%s: and %u more\n", p->path != NULL ? p->path : "configuration",
		        p->n_dropped);
}

void config_problems_done(struct config_problems *p)
{
	for (unsigned i = 0; i < p->n; i++)
		free(p->at[i].text);
	free(p->at);
	free(p->path);
	free(p->control);
	*p = (struct config_problems){ 0 };
}
