/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients.h"
#include "measure.h"

enum {
	DAYS = 50000,
	BINS_FROM = -12, /* of log-odds; DGA_BINS of one unit */
};

/* So many of a million client-days may be taken for infected ones, at the three confidences. */
static const double days_wrong[DGA_LEVELS] = { 5000, 500, 40 };

void material_read_names(struct material *m, const char *data)
{
	corpus_read(&m->corpus, data);
	generate_typos(&m->corpus, 60000, 7);
}

void material_read(struct material *m, const char *data, const char *dictionary)
{
	material_read_names(m, data);
	words_read(&m->words, dictionary);
	lexicon_make(&m->lexicon, &m->corpus.ordinary, &m->words);
	fprintf(stderr,
	        "read: %zu ordinary names (%zu more are listed as malware or live with such), "
	        "%zu of families\n",
	        m->corpus.ordinary.n, m->corpus.n_cleaned, m->corpus.generated.n);
}

/* ---- models in files ---- */

static void path_of(char path[4096], const char *folder, unsigned seed, int out)
{
	if (out < 0)
		snprintf(path, 4096, "%s/seed%u-all.model", folder, seed);
	else
		snprintf(path, 4096, "%s/seed%u-without%d.model", folder, seed, out);
}

static void write_file(const char *path, const uint8_t *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");
	if (f == NULL || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
		die("cannot be written", path);
}

static struct dga_model *model_of(const struct net *net, const struct material *m,
                                  const struct net_tail *tail, const char *path)
{
	size_t n;
	struct dga_model *model;
	char why[DGA_WHY_MAX];
	uint8_t *bytes = net_export(net, &m->lexicon, tail, &n);
	if (path != NULL)
		write_file(path, bytes, n);
	if (dga_model_take(bytes, n, &model, why) != 0)
		die(why, "new model");
	return model;
}

static bool is_out(const struct family *f, int out)
{
	return out >= 0 && (int)(f->fold / 2) == out;
}

/* ---- evidence ---- */

/* How log-odds are spread, of names of families that were not shown and of ordinary ones. */
struct spread {
	double generated[DGA_KINDS][DGA_BINS], ordinary[DGA_BINS];
};

static unsigned bin_of(float log_odds)
{
	float at = log_odds - BINS_FROM + 0.5F;
	return !(at > 0) ? 0 : at >= DGA_BINS ? DGA_BINS - 1 : (unsigned)at;
}

static unsigned bin_of_name(const struct dga_model *m, const struct entry *e)
{
	struct dga_score s;
	dga_score(m, e->label, e->n_label, e->suffix, e->n_suffix, &s);
	return bin_of(s.log_odds);
}

static enum dga_kind kind_of(unsigned family)
{
	return families[family].kind == KIND_LETTERS ? DGA_KIND_LETTERS : DGA_KIND_WORDS;
}

/* Each family that was left out weighs the same; of ordinary names, those that fail and rank. */
static void spread_add(struct spread *s, const struct dga_model *model, const struct corpus *c,
                       int out)
{
	static const double weight[SETS] = {
		[SET_RANKED] = 1, [SET_DEAD] = 1, [SET_TYPO] = 1, [SET_CHINA] = 0.5
	};
	size_t n_family[DGA_FAMILIES_MAX] = { 0 }, n_set[SETS] = { 0 };
	for (size_t i = 0; i < c->generated.n; i++)
		n_family[c->generated.at[i].family] += c->generated.at[i].part == PART_VALID;
	for (size_t i = 0; i < c->ordinary.n; i++)
		n_set[c->ordinary.at[i].set] += c->ordinary.at[i].part == PART_VALID;
	for (size_t i = 0; i < c->generated.n; i++) {
		const struct entry *e = &c->generated.at[i];
		if (e->part == PART_VALID && is_out(&families[e->family], out) &&
		    n_family[e->family] >= 15)
			s->generated[kind_of(e->family)][bin_of_name(model, e)] +=
				1.0 / (double)n_family[e->family];
	}
	for (size_t i = 0; i < c->ordinary.n; i++) {
		const struct entry *e = &c->ordinary.at[i];
		if (e->part == PART_VALID && weight[e->set] > 0)
			s->ordinary[bin_of_name(model, e)] +=
				weight[e->set] / (double)n_set[e->set];
	}
}

/* Bins that belong together: the ratio must not fall from one to the next. */
struct pool {
	double generated, ordinary;
	unsigned n;
};

static double ratio_of(const struct pool *p)
{
	return log((p->generated + 5e-4) / (p->ordinary + 5e-4));
}

/* The logarithm of the ratio of both, never falling: neighbours that fall are pooled. */
static void evidence_of_kind(const double *generated, const double *ordinary, float *evidence)
{
	struct pool pool[DGA_BINS];
	double n_generated = 0, n_ordinary = 0;
	unsigned n = 0, at = 0;
	for (unsigned i = 0; i < DGA_BINS; i++) {
		n_generated += generated[i];
		n_ordinary += ordinary[i];
	}
	for (unsigned i = 0; i < DGA_BINS; i++) {
		pool[n++] =
			(struct pool){ generated[i] / n_generated, ordinary[i] / n_ordinary, 1 };
		while (n >= 2 && (ratio_of(&pool[n - 2]) >= ratio_of(&pool[n - 1]) ||
		                  pool[n - 2].generated + pool[n - 2].ordinary < 2e-3)) {
			pool[n - 2].generated += pool[n - 1].generated;
			pool[n - 2].ordinary += pool[n - 1].ordinary;
			pool[n - 2].n += pool[n - 1].n;
			n--;
		}
	}
	for (unsigned i = 0; i < n; i++) {
		double e = ratio_of(&pool[i]);
		e = e > DGA_CLIP ? DGA_CLIP : e < -DGA_CLIP ? -DGA_CLIP : e;
		for (unsigned k = 0; k < pool[i].n; k++)
			evidence[at++] = (float)e;
	}
}

static void evidence_of(const struct spread *s, float *evidence)
{
	for (unsigned i = 0; i < DGA_KINDS; i++)
		evidence_of_kind(s->generated[i], s->ordinary, evidence + (size_t)i * DGA_BINS);
}

static void kin_of(const struct material *m, int out, unsigned seed, float *kin)
{
	struct crowd crowd;
	crowd_make(&crowd, NULL, &m->corpus, PART_TRAIN);
	crowd_kin(&crowd, out, seed, kin);
	crowd_free(&crowd);
}

/* ---- thresholds ---- */

static int float_compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static void find_sums(const struct dga_model *m, const struct corpus *c, unsigned seed, float *sums)
{
	struct crowd crowd;
	crowd_make(&crowd, m, c, PART_VALID);
	float *highest = crowd_days(&crowd, DAYS, seed);
	qsort(highest, DAYS, sizeof *highest, float_compare);
	for (unsigned i = 0; i < DGA_LEVELS; i++) {
		size_t above = (size_t)(days_wrong[i] / 1e6 * DAYS);
		sums[i] = highest[DAYS - 1 - above] + 0.01F;
	}
	free(highest);
	crowd_free(&crowd);
}

static struct net *train_one(const struct material *m, unsigned seed, int out, uint32_t day)
{
	struct net_plan plan = { .n_rows = 1U << 16,
		                 .n_hidden = 48,
		                 .n_epochs = 6,
		                 .rate = 0.1F,
		                 .generated = 0.6F,
		                 .made = 0.4F,
		                 .typos = 0.08F,
		                 .forget = 0.2F,
		                 .seed = seed,
		                 .fold_out = out,
		                 .day = day };
	return net_train(&plan, &m->corpus, &m->lexicon, &m->words);
}

static void write_line(FILE *frozen, const char *path, const struct dga_model *m,
                       const struct corpus *c)
{
	const char *name = strrchr(path, '/');
	fprintf(frozen, "%s", name == NULL ? path : name + 1);
	for (unsigned v = 0; v < VIEWS; v++) {
		float levels[DGA_LEVELS];
		measure_levels(m, c, PART_VALID, (enum view)v, levels);
		for (unsigned i = 0; i < DGA_LEVELS; i++)
			fprintf(frozen, "\t%.4f", (double)levels[i]);
	}
	for (unsigned i = 0; i < DGA_LEVELS; i++)
		fprintf(frozen, "\t%.4f", (double)dga_model_numbers(m)->sums[i]);
	fprintf(frozen, "\n");
	fflush(frozen);
}

static void freeze_one(const struct material *m, const struct net *net, struct net_tail *tail,
                       const char *path, unsigned seed, FILE *frozen)
{
	struct dga_model *model = model_of(net, m, tail, NULL);
	measure_levels(model, &m->corpus, PART_VALID, VIEW_CONFIRMED, tail->levels);
	find_sums(model, &m->corpus, seed, tail->sums);
	dga_model_free(model);
	model = model_of(net, m, tail, path);
	write_line(frozen, path, model, &m->corpus);
	dga_model_free(model);
}

static void frozen_path(char path[4096], const char *folder)
{
	snprintf(path, 4096, "%s/frozen.tsv", folder);
}

static void add_spread(struct spread *to, const struct spread *from)
{
	for (unsigned i = 0; i < DGA_BINS; i++) {
		for (unsigned k = 0; k < DGA_KINDS; k++)
			to->generated[k][i] += from->generated[k][i];
		to->ordinary[i] += from->ordinary[i];
	}
}

/* Evidence comes from families that were not shown, and never from the ones it is used for. */
static void freeze_seed(const struct material *m, const char *folder, unsigned seed, uint32_t day,
                        FILE *frozen)
{
	struct spread spread[FOLDS_OUT] = { 0 };
	struct net *net[FOLDS_OUT + 1];
	for (int out = 0; out < FOLDS_OUT; out++) {
		struct net_tail tail = { .bins = { 0, 1 } };
		net[out] = train_one(m, seed, out, day);
		struct dga_model *model = model_of(net[out], m, &tail, NULL);
		spread_add(&spread[out], model, &m->corpus, out);
		dga_model_free(model);
	}
	net[FOLDS_OUT] = train_one(m, seed, -1, day);
	for (int out = 0; out <= FOLDS_OUT; out++) {
		struct net_tail tail = { 0 };
		struct spread others = { 0 };
		char path[4096];
		for (int k = 0; k < FOLDS_OUT; k++)
			if (k != out)
				add_spread(&others, &spread[k]);
		tail.bins[0] = BINS_FROM;
		tail.bins[1] = 1;
		evidence_of(&others, tail.evidence);
		kin_of(m, out == FOLDS_OUT ? -1 : out, seed, tail.kin);
		path_of(path, folder, seed, out == FOLDS_OUT ? -1 : out);
		freeze_one(m, net[out], &tail, path, seed, frozen);
		net_free(net[out]);
	}
}

static FILE *open_frozen(const char *folder)
{
	char path[4096];
	frozen_path(path, folder);
	FILE *frozen = fopen(path, "w");
	if (frozen == NULL)
		die("cannot be written", path);
	fprintf(frozen,
	        "model\tlisted 1e-2\t1e-3\t1e-4\tconfirmed 1e-2\t1e-3\t1e-4\ttwo lists 1e-2\t1e-3\t1e-4\t"
	        "sum low\tmedium\thigh\n");
	return frozen;
}

void runs_freeze(struct material *m, const char *folder, unsigned first, unsigned last,
                 uint32_t day)
{
	FILE *frozen = open_frozen(folder);
	net_keep_features(&m->corpus, &m->lexicon);
	for (unsigned seed = first; seed <= last; seed++)
		freeze_seed(m, folder, seed, day, frozen);
	fclose(frozen);
}

static struct dga_model *read_model(const char *path, uint8_t **ret_bytes, size_t *ret_n)
{
	struct dga_model *model;
	char why[DGA_WHY_MAX];
	*ret_bytes = (uint8_t *)read_packed(path, ret_n);
	if (dga_model_take(*ret_bytes, *ret_n, &model, why) != 0)
		die(why, path);
	return model;
}

/* The file with the numbers that its model has now. What a model does with its own bytes is its own matter. */
static void write_numbers(const char *path, const struct dga_model *model)
{
	size_t n;
	uint8_t *bytes = (uint8_t *)read_packed(path, &n);
	struct dga_file_header h;
	memcpy(&h, bytes, sizeof h);
	size_t n_numbers = h.n_numbers * sizeof(float);
	size_t at = n - (size_t)h.n_families * DGA_FAMILY_NAME - n_numbers;
	memcpy(bytes + at, dga_model_numbers(model)->scale, n_numbers);
	h.checksum = dga_model_checksum(bytes, n);
	memcpy(bytes, &h, sizeof h);
	write_file(path, bytes, n);
	free(bytes);
}

/* A trained model gets evidence and the thresholds of clients anew. */
static void refreeze_one(const struct material *m, const char *path, const struct spread *others,
                         int out, unsigned seed, FILE *frozen)
{
	size_t n;
	uint8_t *bytes;
	struct dga_model *model = read_model(path, &bytes, &n);
	const struct dga_numbers *k = dga_model_numbers(model);
	float *first = (float *)(bytes + ((const uint8_t *)k->scale - bytes));
	float *sums = first + (k->sums - k->scale);
	first[k->bins - k->scale] = BINS_FROM;
	first[k->bins - k->scale + 1] = 1;
	evidence_of(others, first + (k->evidence - k->scale));
	kin_of(m, out, seed, first + (k->kin - k->scale));
	find_sums(model, &m->corpus, seed, sums);
	write_numbers(path, model);
	write_line(frozen, path, model, &m->corpus);
	dga_model_free(model);
}

static void refreeze_seed(const struct material *m, const char *folder, unsigned seed, FILE *frozen)
{
	struct spread spread[FOLDS_OUT] = { 0 };
	char path[4096];
	for (int out = 0; out < FOLDS_OUT; out++) {
		size_t n;
		uint8_t *bytes;
		path_of(path, folder, seed, out);
		struct dga_model *model = read_model(path, &bytes, &n);
		spread_add(&spread[out], model, &m->corpus, out);
		dga_model_free(model);
	}
	for (int out = -1; out < FOLDS_OUT; out++) {
		struct spread others = { 0 };
		for (int k = 0; k < FOLDS_OUT; k++)
			if (k != out)
				add_spread(&others, &spread[k]);
		path_of(path, folder, seed, out);
		refreeze_one(m, path, &others, out, seed, frozen);
	}
}

void runs_refreeze(const struct material *m, const char *folder, unsigned first, unsigned last)
{
	FILE *frozen = open_frozen(folder);
	for (unsigned seed = first; seed <= last; seed++)
		refreeze_seed(m, folder, seed, frozen);
	fclose(frozen);
}
