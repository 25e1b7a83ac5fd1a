/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients.h"
#include "measure.h"
#include "runs.h"

enum {
	COUNTED_MIN = 30, /* names of a family in the test part, to count in averages */
	INFECTED = 200,   /* clients a family and seed */
	DAYS = 50000,
	LINE_MAX = 1024,
	QUICK = 15, /* names until an alert: the target */
};

struct seed_result {
	double in[VIEWS][DGA_FAMILIES_MAX], left[VIEWS][DGA_FAMILIES_MAX];
	double ordinary[VIEWS][SETS];
	unsigned p95[DGA_FAMILIES_MAX], p95_in[DGA_FAMILIES_MAX];
	double alerted[DGA_FAMILIES_MAX]; /* share of clients within 20 names */
	double named[DGA_FAMILIES_MAX];
	double days_wrong[DGA_LEVELS]; /* of 1,000 */
	struct rates shown;            /* numbers of names */
};

static struct rates shown;
static enum part shown_part;

struct frozen {
	float levels[VIEWS][DGA_LEVELS], sums[DGA_LEVELS];
};

static void read_frozen(const char *folder, const char *model, struct frozen *ret)
{
	char path[4096], line[LINE_MAX];
	float *to[] = { ret->levels[VIEW_LISTED], ret->levels[VIEW_CONFIRMED],
		        ret->levels[VIEW_TWICE], ret->sums };
	snprintf(path, sizeof path, "%s/frozen.tsv", folder);
	FILE *f = fopen(path, "r");
	if (f == NULL)
		die("cannot be read: run `dga-train freeze` first", path);
	bool is_found = false;
	while (!is_found && fgets(line, sizeof line, f) != NULL) {
		char *at = line + strcspn(line, "\t");
		is_found = (size_t)(at - line) == strlen(model) &&
		           strncmp(line, model, strlen(model)) == 0;
		for (unsigned i = 0; is_found && i < (VIEWS + 1) * DGA_LEVELS; i++)
			to[i / DGA_LEVELS][i % DGA_LEVELS] = strtof(at, &at);
	}
	fclose(f);
	if (!is_found)
		die("has no thresholds in frozen.tsv", model);
}

static struct dga_model *open_frozen(const char *folder, const char *name, struct frozen *ret)
{
	char path[4096], why[DGA_WHY_MAX];
	struct dga_model *m;
	read_frozen(folder, name, ret);
	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (dga_model_open(path, &m, why) != 0)
		die(why, path);
	return m;
}

static int unsigned_compare(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
	return (x > y) - (x < y);
}

static unsigned infected_p95(const struct crowd *c, unsigned family, float sum, uint64_t seed,
                             double *ret_in_20)
{
	unsigned *asked = crowd_infected(c, family, sum, INFECTED, seed), n_in_20 = 0;
	qsort(asked, INFECTED, sizeof *asked, unsigned_compare);
	unsigned p95 = asked[INFECTED * 95 / 100 - 1];
	for (unsigned i = 0; i < INFECTED; i++)
		n_in_20 += asked[i] <= 20;
	*ret_in_20 = (double)n_in_20 / INFECTED;
	free(asked);
	return p95;
}

/* How often the name of the family is right, for names that are taken for generated. */
static void measure_named(const struct dga_model *m, const struct corpus *c, struct seed_result *r)
{
	unsigned n[DGA_FAMILIES_MAX] = { 0 }, right[DGA_FAMILIES_MAX] = { 0 };
	float share[DGA_FAMILIES_MAX];
	for (size_t i = 0; i < c->generated.n; i++) {
		const struct entry *e = &c->generated.at[i];
		struct dga_score s;
		if (e->part != shown_part)
			continue;
		dga_score(m, e->label, e->n_label, e->suffix, e->n_suffix, &s);
		if (s.evidence[0] <= 0 && s.evidence[1] <= 0)
			continue;
		n[e->family]++;
		right[e->family] += dga_family(m, &s, share) == e->family;
	}
	for (unsigned i = 0; i < n_families; i++)
		r->named[i] = n[i] > 0 ? (double)right[i] / n[i] : 0;
}

static void measure_days(const struct dga_model *m, const struct corpus *c, const float *sums,
                         uint64_t seed, struct crowd *crowd, struct seed_result *r)
{
	crowd_make(crowd, m, c, shown_part);
	float *highest = crowd_days(crowd, DAYS, seed + 100);
	for (unsigned l = 0; l < DGA_LEVELS; l++) {
		unsigned n = 0;
		for (size_t i = 0; i < DAYS; i++)
			n += highest[i] >= sums[l];
		r->days_wrong[l] = 1000.0 * n / DAYS;
	}
	free(highest);
}

static void test_all(const struct material *m, const char *folder, unsigned seed,
                     struct seed_result *r)
{
	char name[64];
	struct frozen f;
	struct crowd crowd;
	double in_20;
	snprintf(name, sizeof name, "seed%u-all.model", seed);
	struct dga_model *model = open_frozen(folder, name, &f);
	for (unsigned v = 0; v < VIEWS; v++) {
		measure_rates(model, &m->corpus, shown_part, f.levels[v], &shown);
		for (unsigned k = 0; k < n_families; k++)
			r->in[v][k] = shown.generated[k][DGA_LEVEL_MEDIUM];
		for (unsigned k = 0; k < SETS; k++)
			r->ordinary[v][k] = shown.ordinary[k][DGA_LEVEL_MEDIUM];
	}
	measure_named(model, &m->corpus, r);
	measure_days(model, &m->corpus, f.sums, seed, &crowd, r);
	for (unsigned k = 0; k < n_families; k++)
		r->p95_in[k] = infected_p95(&crowd, k, f.sums[DGA_LEVEL_MEDIUM], seed, &in_20);
	crowd_free(&crowd);
	dga_model_free(model);
}

static void test_left(const struct material *m, const char *folder, unsigned seed, unsigned out,
                      struct seed_result *r)
{
	char name[64];
	struct frozen f;
	struct crowd crowd;
	struct rates rates;
	snprintf(name, sizeof name, "seed%u-without%u.model", seed, out);
	struct dga_model *model = open_frozen(folder, name, &f);
	for (unsigned v = 0; v < VIEWS; v++) {
		measure_rates(model, &m->corpus, shown_part, f.levels[v], &rates);
		for (unsigned k = 0; k < n_families; k++)
			if (families[k].fold / 2 == out)
				r->left[v][k] = rates.generated[k][DGA_LEVEL_MEDIUM];
	}
	crowd_make(&crowd, model, &m->corpus, shown_part);
	for (unsigned k = 0; k < n_families; k++)
		if (families[k].fold / 2 == out)
			r->p95[k] = infected_p95(&crowd, k, f.sums[DGA_LEVEL_MEDIUM], seed,
			                         &r->alerted[k]);
	crowd_free(&crowd);
	dga_model_free(model);
}

/* ---- printing ---- */

/* Half of the 95 % interval of the mean of n values: Student's t. */
static double half_interval(const double *v, unsigned n)
{
	static const double t[] = { 0, 0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306 };
	double mean = 0, squares = 0;
	for (unsigned i = 0; i < n; i++)
		mean += v[i] / n;
	for (unsigned i = 0; i < n; i++)
		squares += (v[i] - mean) * (v[i] - mean);
	return n < 2 ? 0 : t[n] * sqrt(squares / (n - 1) / n);
}

static bool is_counted(unsigned family)
{
	return shown.n_generated[family] >= COUNTED_MIN;
}

static const char *const kind_names[] = { [KIND_LETTERS] = "letters",
	                                  [KIND_SPOKEN] = "spoken",
	                                  [KIND_WORDS] = "words",
	                                  [KIND_WORDS_CHANGED] = "words, changed" };

static void print_families(const struct seed_result *r, unsigned n)
{
	printf("\nfamily             kind            names  | rate at 1e-3: in   left out | names until "
	       "the alert (p95): in  left out | in 20 names | named\n");
	for (unsigned k = 0; k < n_families; k++) {
		double in = 0, left = 0, in_20 = 0, named = 0;
		unsigned p95 = 0, p95_in = 0;
		for (unsigned s = 0; s < n; s++) {
			in += r[s].in[VIEW_CONFIRMED][k] / n;
			left += r[s].left[VIEW_CONFIRMED][k] / n;
			in_20 += r[s].alerted[k] / n;
			named += r[s].named[k] / n;
			p95 = r[s].p95[k] > p95 ? r[s].p95[k] : p95;
			p95_in = r[s].p95_in[k] > p95_in ? r[s].p95_in[k] : p95_in;
		}
		printf("%-18s %-15s %6zu%s |           %.3f   %.3f    |                             %3u"
		       "   %3u       |    %.3f    | %.2f\n",
		       families[k].name, kind_names[families[k].kind], shown.n_generated[k],
		       is_counted(k) ? " " : "*", in, left, p95_in, p95, in_20, named);
	}
	printf("* fewer than %d names in the test part: not in averages. %d: not within %d names.\n",
	       COUNTED_MIN, NAMES_GIVEN + 1, NAMES_GIVEN);
}

static void print_macro(const char *what, const struct seed_result *r, unsigned n, enum view view,
                        bool is_left, bool is_words, double target)
{
	double v[SEEDS_MAX] = { 0 }, mean = 0;
	unsigned n_counted = 0;
	for (unsigned s = 0; s < n; s++) {
		n_counted = 0;
		for (unsigned k = 0; k < n_families; k++) {
			if (!is_counted(k) || (is_words && families[k].kind != KIND_WORDS))
				continue;
			v[s] += is_left ? r[s].left[view][k] : r[s].in[view][k];
			n_counted++;
		}
		v[s] /= n_counted;
		mean += v[s] / n;
	}
	printf("  %-34s %.3f +- %.3f   (%u families; target %.2f: %s)\n", what, mean,
	       half_interval(v, n), n_counted, target, mean >= target ? "reached" : "MISSED");
}

static void print_sets(const struct seed_result *r, unsigned n, enum view view)
{
	printf("\nfalse positives at this threshold, by set (95 %% interval of the share, Wilson)\n");
	for (unsigned k = 0; k < SETS; k++) {
		double p = 0, names = (double)shown.n_ordinary[k], z = 1.96;
		for (unsigned s = 0; s < n; s++)
			p += r[s].ordinary[view][k] / n;
		if (shown.n_ordinary[k] == 0)
			continue;
		double middle = (p + z * z / 2 / names) / (1 + z * z / names);
		double half = z / (1 + z * z / names) *
		              sqrt(p * (1 - p) / names + z * z / 4 / names / names);
		printf("  %-24s %7zu names   %.5f   (%.5f to %.5f)\n", set_names[k],
		       shown.n_ordinary[k], p, middle - half > 0 ? middle - half : 0,
		       middle + half);
	}
}

static double mean_of(const double *v, unsigned n)
{
	double sum = 0;
	for (unsigned i = 0; i < n; i++)
		sum += v[i];
	return sum / n;
}

static bool is_quick(const struct seed_result *r, unsigned family)
{
	return r->p95[family] <= QUICK;
}

static void print_alerts(const struct seed_result *r, unsigned n)
{
	double macro[SEEDS_MAX] = { 0 }, quick[SEEDS_MAX] = { 0 };
	unsigned n_counted = 0, n_words = 0, n_good = 0, n_words_good = 0;
	for (unsigned k = 0; k < n_families; k++) {
		unsigned n_quick = 0;
		if (!is_counted(k))
			continue;
		for (unsigned s = 0; s < n; s++) {
			macro[s] += r[s].p95[k];
			quick[s] += is_quick(&r[s], k);
			n_quick += is_quick(&r[s], k);
		}
		n_counted++;
		n_good += n_quick == n;
		n_words += families[k].kind == KIND_WORDS;
		n_words_good += families[k].kind == KIND_WORDS && n_quick == n;
	}
	for (unsigned s = 0; s < n; s++)
		macro[s] /= n_counted;
	printf("  names until the alert, 95th percentile: %.1f +- %.1f on average over %u families\n"
	       "  at most %d (target): %.1f +- %.1f families a seed; in every seed %u of %u, %u of %u of "
	       "words\n",
	       mean_of(macro, n), half_interval(macro, n), n_counted, QUICK, mean_of(quick, n),
	       half_interval(quick, n), n_good, n_counted, n_words_good, n_words);
}

static void print_clients(const struct seed_result *r, unsigned n)
{
	double wrong[DGA_LEVELS][SEEDS_MAX];
	for (unsigned s = 0; s < n; s++)
		for (unsigned l = 0; l < DGA_LEVELS; l++)
			wrong[l][s] = r[s].days_wrong[l];
	printf("\nper client, family left out (%d clients a family and seed)\n", INFECTED);
	print_alerts(r, n);
	const double *medium = wrong[DGA_LEVEL_MEDIUM];
	printf("  false alerts per 1,000 client-days: low %.2f +- %.2f, medium %.2f +- %.2f, high %.3f +- "
	       "%.3f   (target 1 at medium: %s)\n",
	       mean_of(wrong[DGA_LEVEL_LOW], n), half_interval(wrong[DGA_LEVEL_LOW], n),
	       mean_of(medium, n), half_interval(medium, n), mean_of(wrong[DGA_LEVEL_HIGH], n),
	       half_interval(wrong[DGA_LEVEL_HIGH], n),
	       mean_of(medium, n) <= 1 ? "reached" : "MISSED");
}

static void test_seed(const struct material *m, const char *folder, unsigned seed,
                      struct seed_result *r)
{
	test_all(m, folder, seed, r);
	r->shown = shown;
	for (unsigned out = 0; out < FOLDS_OUT; out++)
		test_left(m, folder, seed, out, r);
	fprintf(stderr, "seed %u tested\n", seed);
}

/* Each seed in a process of its own; what they find is in memory that they share. */
static struct seed_result *test_seeds(const struct material *m, const char *folder, unsigned n)
{
	struct seed_result *r = mmap(NULL, SEEDS_MAX * sizeof *r, PROT_READ | PROT_WRITE,
	                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r == MAP_FAILED)
		die("no memory", "results");
	fflush(stdout);
	for (unsigned s = 0; s < n; s++) {
		pid_t child = fork();
		if (child < 0)
			die("no process", "results");
		if (child == 0) {
			test_seed(m, folder, s + 1, &r[s]);
			_exit(0);
		}
	}
	for (unsigned s = 0; s < n; s++) {
		int status;
		if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
			die("a seed could not be tested", "results");
	}
	shown = r[0].shown;
	return r;
}

void runs_test(const struct material *m, const char *folder, unsigned n_seeds, enum part part)
{
	shown_part = part;
	struct seed_result *r = test_seeds(m, folder, n_seeds);
	printf("generated domains: %s part, %u seeds, thresholds from the validation part\n",
	       part == PART_TEST ? "test" : "VALIDATION", n_seeds);
	print_families(r, n_seeds);
	static const char *const titles[VIEWS] = { "as listed", "confirmed by their addresses",
		                                   "that are in two lists" };
	for (unsigned v = 0; v < VIEWS; v++) {
		printf("\nper name, one in 1,000 ordinary names of the top million (%s) above the threshold; "
		       "mean over families +- 95 %% interval over seeds\n",
		       titles[v]);
		print_macro("family known", r, n_seeds, (enum view)v, false, false, 0.75);
		print_macro("family left out", r, n_seeds, (enum view)v, true, false, 0.45);
		print_macro("family of words left out", r, n_seeds, (enum view)v, true, true, 0.15);
		print_sets(r, n_seeds, (enum view)v);
	}
	print_clients(r, n_seeds);
	munmap(r, SEEDS_MAX * sizeof *r);
}
