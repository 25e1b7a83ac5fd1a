/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clients.h"
#include "measure.h"

enum {
	OF_FAMILY = 120,
	OF_SET = 900,
	CLIENTS = 100,
	ROUNDS = 100,
};

void sample_write(const struct corpus *c)
{
	unsigned n_family[DGA_FAMILIES_MAX] = { 0 }, n_set[SETS] = { 0 };
	printf("# Names that no model is trained with. Families: Maltrail (MIT). Ordinary: dnsmasq-china-list\n"
	       "# (WTFPL), data_hacking (MIT), public-domain-lists (public domain). Made by tools/train.\n");
	for (size_t i = 0; i < c->generated.n; i++) {
		const struct entry *e = &c->generated.at[i];
		if (e->part == PART_TEST && e->is_free && n_family[e->family]++ < OF_FAMILY)
			printf("%s\t%s\t%s\n", families[e->family].name, e->label, e->suffix);
	}
	for (size_t i = 0; i < c->ordinary.n; i++) {
		const struct entry *e = &c->ordinary.at[i];
		if (e->part == PART_TEST && e->is_free && e->set != SET_TYPO &&
		    n_set[e->set]++ < OF_SET)
			printf("-\t%s\t%s\n", e->label, e->suffix);
	}
}

static struct dga_model *open_model(const char *path)
{
	struct dga_model *m;
	char why[DGA_WHY_MAX];
	if (dga_model_open(path, &m, why) != 0)
		die(why, path);
	return m;
}

static void read_sample(const char *path, struct corpus *c)
{
	size_t n;
	char *text = read_packed(path, &n);
	for (char *at = text, *end; at < text + n; at = end + 1) {
		end = at + strcspn(at, "\n");
		*end = '\0';
		char *label = strchr(at, '\t'),
		     *suffix = label == NULL ? NULL : strchr(label + 1, '\t');
		if (at[0] == '#')
			continue;
		if (suffix == NULL)
			die("a line without three fields", path);
		*label++ = *suffix++ = '\0';
		struct entry e = { .part = PART_TEST };
		e.n_label = (uint8_t)strlen(label);
		e.n_suffix = (uint8_t)strlen(suffix);
		e.label = keep_text(label, e.n_label);
		e.suffix = keep_text(suffix, e.n_suffix);
		for (unsigned k = 0; k < n_families; k++)
			if (strcmp(families[k].name, at) == 0)
				e.family = (uint8_t)k;
		if (strcmp(at, "-") != 0) {
			entries_add(&c->generated, &e);
			continue;
		}
		/* The same names stand for all that an ordinary client asks for. */
		static const enum set sets[] = { SET_RANKED, SET_DEAD, SET_CHINA, SET_TYPO };
		for (unsigned k = 0; k < 4; k++) {
			e.set = (uint8_t)sets[k];
			entries_add(&c->ordinary, &e);
		}
	}
	free(text);
	if (c->ordinary.n == 0 || c->generated.n == 0)
		die("names of both kinds are needed", path);
}

static int unsigned_compare(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
	return (x > y) - (x < y);
}

int sample_check(const char *model, const char *sample, double rate, double wrong, unsigned names)
{
	static struct corpus c;
	static struct rates r;
	struct crowd crowd;
	struct dga_model *m = open_model(model);
	const struct dga_numbers *k = dga_model_numbers(m);
	double sum = 0;
	unsigned n = 0, worst = 0;
	read_sample(sample, &c);
	measure_rates(m, &c, PART_TEST, k->levels, &r);
	crowd_make(&crowd, m, &c, PART_TEST);
	for (unsigned i = 0; i < n_families; i++) {
		if (r.n_generated[i] < 20)
			continue;
		unsigned *asked = crowd_infected(&crowd, i, k->sums[DGA_LEVEL_MEDIUM], CLIENTS, 1);
		qsort(asked, CLIENTS, sizeof *asked, unsigned_compare);
		unsigned p95 = asked[CLIENTS * 95 / 100 - 1];
		printf("%-16s %4zu names: %.3f found alone; alert after %u names (95th percentile)\n",
		       families[i].name, r.n_generated[i], r.generated[i][DGA_LEVEL_MEDIUM], p95);
		sum += r.generated[i][DGA_LEVEL_MEDIUM];
		worst = p95 > worst ? p95 : worst;
		n++;
		free(asked);
	}
	double found = n > 0 ? sum / n : 0, false_rate = r.ordinary[SET_RANKED][DGA_LEVEL_MEDIUM];
	printf("found: %.3f on average, at least %.3f\nordinary names taken for generated: %.5f of %zu, at "
	       "most %.5f\nnames until an alert: %u, at most %u\n",
	       found, rate, false_rate, r.n_ordinary[SET_RANKED], wrong, worst, names);
	crowd_free(&crowd);
	dga_model_free(m);
	return found >= rate && false_rate <= wrong && worst <= names ? 0 : 1;
}

void sample_score(const char *model, char **names, unsigned n)
{
	struct dga_model *m = open_model(model);
	float share[DGA_FAMILIES_MAX];
	for (unsigned i = 0; i < n; i++) {
		struct entry e;
		struct dga_score s;
		if (!split_name(names[i], &e)) {
			printf("%s: is a public suffix\n", names[i]);
			continue;
		}
		dga_score(m, e.label, strlen(e.label), e.suffix, strlen(e.suffix), &s);
		unsigned family = dga_family(m, &s, share);
		printf("%-40s log-odds %6.2f level %d evidence %5.2f %5.2f  most like %s (%.2f)\n",
		       names[i], (double)s.log_odds, dga_level(m, s.log_odds),
		       (double)s.evidence[0], (double)s.evidence[1], dga_family_name(m, family),
		       family == DGA_NO_FAMILY ? 0 : (double)share[family]);
	}
	dga_model_free(m);
}

static double seconds(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

void sample_speed(const char *model, const char *sample)
{
	static struct corpus c;
	struct dga_model *m = open_model(model);
	struct dga_score s;
	float all = 0;
	read_sample(sample, &c);
	size_t n = 0;
	double took[ROUNDS];
	for (unsigned round = 0; round < ROUNDS; round++) {
		double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
		n = 0;
		for (size_t i = 0; i < c.ordinary.n; i += 4, n++) {
			const struct entry *e = &c.ordinary.at[i];
			dga_score(m, e->label, e->n_label, e->suffix, e->n_suffix, &s);
			all += s.log_odds;
		}
		took[round] = (seconds(CLOCK_PROCESS_CPUTIME_ID) - start) / (double)n * 1e6;
	}
	qsort(took, ROUNDS, sizeof *took, double_compare);
	printf("%zu names, microseconds each: fastest of %d rounds %.2f, median %.2f (mean log-odds %.2f)\n",
	       n, ROUNDS, took[0], took[ROUNDS / 2], (double)all / (double)n / ROUNDS);
	dga_model_free(m);
}
