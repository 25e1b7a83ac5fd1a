/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Wider instructions where the machine has them; TSan does not live with how they are chosen. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

enum {
	BATCH = 32,
	HIDDEN_MAX = DGA_HIDDEN_MAX,
};

struct dense {
	float *hidden, *hidden_0, *out, *direct, *out_0, *family, *family_0;
};

struct net {
	struct net_plan plan;
	float *rows;    /* n_rows x DGA_DIM */
	float *row_sum; /* n_rows: of squared gradients */
	size_t n_dense;
	float *w, *g, *m, *v; /* dense: numbers, gradients, Adam's two means */
	struct dense at, grad;
	float mean[DGA_SHAPE], inverse[DGA_SHAPE];
	unsigned step;
};

/* One name on its way through. */
struct pass {
	struct dga_features f;
	float x[DGA_INPUT], gx[DGA_INPUT];
	float pre[HIDDEN_MAX], h[HIDDEN_MAX], gh[HIDDEN_MAX];
	float family[DGA_FAMILIES_MAX];
	float by[DGA_BAGS];
	float out;
};

static void dense_place(struct dense *d, float *w, size_t hidden, size_t n)
{
	d->hidden = w;
	d->hidden_0 = d->hidden + hidden * DGA_INPUT;
	d->out = d->hidden_0 + hidden;
	d->direct = d->out + hidden;
	d->out_0 = d->direct + DGA_INPUT;
	d->family = d->out_0 + 1;
	d->family_0 = d->family + n * hidden;
}

static float *floats(size_t n)
{
	float *p = calloc(n, sizeof *p);
	if (p == NULL)
		die("no memory", "network");
	return p;
}

static struct net *net_new(const struct net_plan *plan)
{
	struct net *net = calloc(1, sizeof *net);
	size_t hidden = plan->n_hidden;
	struct dice d = { plan->seed * 77 + 5 };
	if (net == NULL)
		die("no memory", "network");
	net->plan = *plan;
	net->rows = floats((size_t)plan->n_rows * DGA_DIM);
	net->row_sum = floats(plan->n_rows);
	net->n_dense = hidden * DGA_INPUT + 2 * hidden + DGA_INPUT + 1 + n_families * (hidden + 1);
	net->w = floats(net->n_dense);
	net->g = floats(net->n_dense);
	net->m = floats(net->n_dense);
	net->v = floats(net->n_dense);
	dense_place(&net->at, net->w, hidden, n_families);
	dense_place(&net->grad, net->g, hidden, n_families);
	for (size_t i = 0; i < (size_t)plan->n_rows * DGA_DIM; i++)
		net->rows[i] = (float)(dice_share(&d) - 0.5) * 0.2F;
	for (size_t i = 0; i < net->n_dense; i++)
		net->w[i] = (float)(dice_share(&d) - 0.5) * 0.3F;
	return net;
}

void net_free(struct net *net)
{
	free(net->rows);
	free(net->row_sum);
	free(net->w);
	free(net->g);
	free(net->m);
	free(net->v);
	free(net);
}

/* ---- forward ---- */

WIDE static void forward(const struct net *net, struct pass *p)
{
	const uint32_t n_rows = net->plan.n_rows;
	const unsigned n_hidden = net->plan.n_hidden;
	unsigned start = 0;
	for (unsigned b = 0; b < DGA_BAGS; b++) {
		float sum[DGA_DIM] = { 0 };
		unsigned n = p->f.ends[b] - start;
		for (unsigned i = start; i < p->f.ends[b]; i++) {
			const float *row =
				net->rows + (size_t)dga_row(p->f.ids[i], n_rows) * DGA_DIM;
			for (unsigned d = 0; d < DGA_DIM; d++)
				sum[d] += row[d];
		}
		p->by[b] = n > 0 ? 1 / sqrtf((float)n) : 0;
		for (unsigned d = 0; d < DGA_DIM; d++)
			p->x[b * DGA_DIM + d] = sum[d] * p->by[b];
		start = p->f.ends[b];
	}
	for (unsigned i = 0; i < DGA_SHAPE; i++)
		p->x[DGA_BAGS * DGA_DIM + i] = (p->f.shape[i] - net->mean[i]) * net->inverse[i];
	float out = net->at.out_0[0];
	for (unsigned i = 0; i < DGA_INPUT; i++)
		out += net->at.direct[i] * p->x[i];
	for (unsigned i = 0; i < n_hidden; i++) {
		const float *w = net->at.hidden + (size_t)i * DGA_INPUT;
		float h = net->at.hidden_0[i];
		for (unsigned k = 0; k < DGA_INPUT; k++)
			h += w[k] * p->x[k];
		p->pre[i] = h;
		p->h[i] = h > 0 ? h : 0;
		out += net->at.out[i] * p->h[i];
	}
	p->out = out;
}

/* ---- backward ---- */

/* Adds what the family's head has to say to p->gh. */
WIDE static void backward_family(struct net *net, struct pass *p, unsigned family, float weight)
{
	const unsigned n_hidden = net->plan.n_hidden;
	float max = -INFINITY, sum = 0;
	for (unsigned i = 0; i < n_families; i++) {
		const float *w = net->at.family + (size_t)i * n_hidden;
		float s = net->at.family_0[i];
		for (unsigned k = 0; k < n_hidden; k++)
			s += w[k] * p->h[k];
		p->family[i] = s;
		max = s > max ? s : max;
	}
	for (unsigned i = 0; i < n_families; i++)
		sum += p->family[i] = expf(p->family[i] - max);
	for (unsigned i = 0; i < n_families; i++) {
		float e = weight * (p->family[i] / sum - (i == family ? 1.0F : 0.0F));
		const float *w = net->at.family + (size_t)i * n_hidden;
		float *g = net->grad.family + (size_t)i * n_hidden;
		net->grad.family_0[i] += e;
		for (unsigned k = 0; k < n_hidden; k++) {
			g[k] += e * p->h[k];
			p->gh[k] += e * w[k];
		}
	}
}

WIDE static void backward_dense(struct net *net, struct pass *p, float e)
{
	const unsigned n_hidden = net->plan.n_hidden;
	net->grad.out_0[0] += e;
	for (unsigned i = 0; i < DGA_INPUT; i++) {
		net->grad.direct[i] += e * p->x[i];
		p->gx[i] = e * net->at.direct[i];
	}
	for (unsigned i = 0; i < n_hidden; i++) {
		net->grad.out[i] += e * p->h[i];
		float gh = p->gh[i] + e * net->at.out[i];
		if (p->pre[i] <= 0)
			continue;
		const float *w = net->at.hidden + (size_t)i * DGA_INPUT;
		float *g = net->grad.hidden + (size_t)i * DGA_INPUT;
		net->grad.hidden_0[i] += gh;
		for (unsigned k = 0; k < DGA_INPUT; k++) {
			g[k] += gh * p->x[k];
			p->gx[k] += gh * w[k];
		}
	}
}

WIDE static void step_rows(struct net *net, const struct pass *p, float rate)
{
	const uint32_t n_rows = net->plan.n_rows;
	unsigned start = 0;
	for (unsigned b = 0; b < DGA_BAGS; b++) {
		const float *gx = p->gx + (size_t)b * DGA_DIM;
		float g[DGA_DIM], squares = 0;
		for (unsigned d = 0; d < DGA_DIM; d++) {
			g[d] = gx[d] * p->by[b];
			squares += g[d] * g[d];
		}
		squares /= DGA_DIM;
		for (unsigned i = start; i < p->f.ends[b]; i++) {
			uint32_t at = dga_row(p->f.ids[i], n_rows);
			float *row = net->rows + (size_t)at * DGA_DIM;
			net->row_sum[at] += squares;
			float by = rate / sqrtf(net->row_sum[at] + 1e-8F);
			for (unsigned d = 0; d < DGA_DIM; d++)
				row[d] -= by * g[d];
		}
		start = p->f.ends[b];
	}
}

WIDE static void step_dense(struct net *net, float rate)
{
	const float b1 = 0.9F, b2 = 0.999F;
	net->step++;
	float by = rate * sqrtf(1 - powf(b2, (float)net->step)) / (1 - powf(b1, (float)net->step));
	for (size_t i = 0; i < net->n_dense; i++) {
		float g = net->g[i] / BATCH;
		net->m[i] = b1 * net->m[i] + (1 - b1) * g;
		net->v[i] = b2 * net->v[i] + (1 - b2) * g * g;
		net->w[i] -= by * net->m[i] / (sqrtf(net->v[i]) + 1e-7F);
		net->g[i] = 0;
	}
}

/* ---- features that are kept ---- */

struct kept {
	size_t at; /* in kept_ids */
	unsigned ends[DGA_BAGS];
	float shape[DGA_SHAPE];
};
static struct kept *kept;
static uint32_t *kept_ids;
static size_t n_kept, n_kept_ids;

static void keep_all(struct entries *e, const struct lexicon *lex, size_t *room_ids)
{
	struct dga_features f;
	for (size_t i = 0; i < e->n; i++) {
		struct entry *one = &e->at[i];
		if (one->part != PART_TRAIN)
			continue;
		dga_features(&lex->view, one->label, one->n_label, one->suffix, one->n_suffix, &f);
		unsigned n = f.ends[DGA_BAGS - 1];
		if (n_kept_ids + n > *room_ids) {
			*room_ids = *room_ids * 2 + (1 << 20);
			kept_ids = realloc(kept_ids, *room_ids * sizeof *kept_ids);
			if (kept_ids == NULL)
				die("no memory", "features");
		}
		struct kept *k = &kept[n_kept++];
		k->at = n_kept_ids;
		memcpy(kept_ids + n_kept_ids, f.ids, n * sizeof *f.ids);
		n_kept_ids += n;
		memcpy(k->ends, f.ends, sizeof k->ends);
		memcpy(k->shape, f.shape, sizeof k->shape);
		one->kept = (uint32_t)n_kept;
	}
}

void net_keep_features(struct corpus *c, const struct lexicon *lex)
{
	size_t room_ids = 0;
	kept = malloc((c->ordinary.n + c->generated.n) * sizeof *kept);
	if (kept == NULL)
		die("no memory", "features");
	keep_all(&c->ordinary, lex, &room_ids);
	keep_all(&c->generated, lex, &room_ids);
}

static void features_of(const struct entry *e, const struct lexicon *lex, struct dga_features *ret)
{
	if (e->kept == 0) {
		dga_features(&lex->view, e->label, e->n_label, e->suffix, e->n_suffix, ret);
		return;
	}
	const struct kept *k = &kept[e->kept - 1];
	memcpy(ret->ids, kept_ids + k->at, k->ends[DGA_BAGS - 1] * sizeof *ret->ids);
	memcpy(ret->ends, k->ends, sizeof k->ends);
	memcpy(ret->shape, k->shape, sizeof k->shape);
}

/* ---- names in order ---- */

struct feed {
	const struct corpus *c;
	uint32_t *ordinary, *typos, *of_family;
	size_t n_ordinary, n_typos;
	size_t start[256], end[256]; /* of the families in of_family */
	unsigned shown[256], n_shown;
	struct generator g;
	struct entries basis;
};

static void feed_start(struct feed *f, const struct net_plan *plan, const struct corpus *c,
                       const struct words *words)
{
	*f = (struct feed){ .c = c, .g = { .words = words, .dice = { plan->seed * 1000003 } } };
	f->ordinary = malloc(c->ordinary.n * sizeof(uint32_t));
	f->typos = malloc(c->ordinary.n * sizeof(uint32_t));
	f->of_family = malloc(c->generated.n * sizeof(uint32_t));
	if (f->ordinary == NULL || f->typos == NULL || f->of_family == NULL)
		die("no memory", "names");
	for (size_t i = 0; i < c->ordinary.n; i++) {
		const struct entry *e = &c->ordinary.at[i];
		if (e->part != PART_TRAIN || e->set == SET_ISP || e->set == SET_FAILED)
			continue;
		if (e->set == SET_TYPO) {
			f->typos[f->n_typos++] = (uint32_t)i;
			continue;
		}
		f->ordinary[f->n_ordinary++] = (uint32_t)i;
		entries_add(&f->basis, e);
	}
	f->g.ordinary = &f->basis;
	size_t at = 0;
	for (unsigned k = 0; k < n_families; k++) {
		f->start[k] = at;
		for (size_t i = 0; i < c->generated.n; i++)
			if (c->generated.at[i].family == k && c->generated.at[i].part == PART_TRAIN)
				f->of_family[at++] = (uint32_t)i;
		f->end[k] = at;
		if ((plan->fold_out < 0 || (int)(families[k].fold / 2) != plan->fold_out) &&
		    at > f->start[k])
			f->shown[f->n_shown++] = k;
	}
	if (f->n_ordinary == 0 || f->n_shown == 0)
		die("no names in the training part", "names");
}

static void feed_stop(struct feed *f)
{
	free(f->ordinary);
	free(f->typos);
	free(f->of_family);
	free(f->basis.at);
}

static void shuffle(uint32_t *v, size_t n, struct dice *d)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = dice_below(d, (uint32_t)i);
		uint32_t t = v[i - 1];
		v[i - 1] = v[k];
		v[k] = t;
	}
}

/* Small families have few names, and would be learnt by heart: they are drawn more rarely. */
static bool is_drawn(const struct feed *f, unsigned family, struct dice *d)
{
	size_t n = f->end[family] - f->start[family];
	return n >= 600 || dice_share(d) < (double)n / 600 + 0.1;
}

static struct entry draw_generated(struct feed *f, const struct net_plan *plan, struct dice *d)
{
	struct entry e;
	if (dice_share(d) < (double)plan->made) {
		generate_name(&f->g, &e);
		return e;
	}
	unsigned family;
	do
		family = f->shown[dice_below(d, f->n_shown)];
	while (!is_drawn(f, family, d));
	size_t n = f->end[family] - f->start[family];
	return f->c->generated.at[f->of_family[f->start[family] + dice_below(d, (uint32_t)n)]];
}

/* ---- training ---- */

static void set_scaling(struct net *net, struct feed *f, const struct lexicon *lex, struct dice *d)
{
	enum {
		SAMPLE = 40000
	};
	double sum[DGA_SHAPE] = { 0 }, squares[DGA_SHAPE] = { 0 };
	for (unsigned i = 0; i < SAMPLE; i++) {
		struct dga_features x;
		struct entry e = i % 2 == 0 ? draw_generated(f, &net->plan, d)
		                            : f->basis.at[dice_below(d, (uint32_t)f->basis.n)];
		features_of(&e, lex, &x);
		for (unsigned k = 0; k < DGA_SHAPE; k++) {
			sum[k] += (double)x.shape[k];
			squares[k] += (double)x.shape[k] * (double)x.shape[k];
		}
	}
	for (unsigned k = 0; k < DGA_SHAPE; k++) {
		double mean = sum[k] / SAMPLE, variance = squares[k] / SAMPLE - mean * mean;
		net->mean[k] = (float)mean;
		net->inverse[k] = variance > 1e-6 ? (float)(1 / sqrt(variance)) : 1;
	}
}

static void forget_runs(struct pass *p, float share, struct dice *d)
{
	if (share <= 0)
		return;
	const uint32_t limit = (uint32_t)((double)share * 4294967295.0);
	unsigned at = 0, start = 0;
	for (unsigned b = 0; b < DGA_BAGS; b++) {
		unsigned end = p->f.ends[b];
		for (unsigned i = start; i < end; i++)
			if (b == DGA_BAGS - 1 || (uint32_t)dice_next(d) >= limit)
				p->f.ids[at++] = p->f.ids[i];
		start = end;
		p->f.ends[b] = at;
	}
}

/* Lists of popular names hold generated ones. What is surely taken for generated after the first
 * epoch, and is not known to be honest, is not believed to be ordinary. */
static const float believed = 0.97F;

static float learn(struct net *net, struct pass *p, const struct entry *e, bool is_generated,
                   bool is_first, float rate)
{
	forward(net, p);
	float probability = 1 / (1 + expf(-p->out)), error = probability - (is_generated ? 1 : 0);
	if (!is_generated && !is_first && !e->is_confirmed && e->set <= SET_DEAD &&
	    probability > believed)
		return 0;
	memset(p->gh, 0, sizeof p->gh);
	if (is_generated && e->family < n_families)
		backward_family(net, p, e->family, 0.3F);
	backward_dense(net, p, error);
	step_rows(net, p, rate);
	float right = is_generated ? probability : 1 - probability;
	return -logf(right > 1e-7F ? right : 1e-7F);
}

struct net *net_train(const struct net_plan *plan, const struct corpus *c,
                      const struct lexicon *lex, const struct words *words)
{
	struct net *net = net_new(plan);
	struct dice d = { plan->seed };
	struct feed f;
	struct pass *p = calloc(1, sizeof *p);
	if (p == NULL)
		die("no memory", "network");
	feed_start(&f, plan, c, words);
	set_scaling(net, &f, lex, &d);
	double share = (double)plan->generated / (1 + (double)plan->generated);
	size_t n_epoch = (size_t)((double)f.n_ordinary * (1 + (double)plan->generated));
	size_t n_all = n_epoch * plan->n_epochs, n_done = 0, at = f.n_ordinary;
	double loss = 0;
	for (; n_done < n_all; n_done++) {
		float left = 1 - (float)n_done / (float)n_all;
		bool is_generated = dice_share(&d) < share;
		struct entry e;
		if (at == f.n_ordinary) {
			shuffle(f.ordinary, f.n_ordinary, &d);
			at = 0;
		}
		if (is_generated)
			e = draw_generated(&f, plan, &d);
		else if (f.n_typos > 0 && dice_share(&d) < (double)plan->typos)
			e = c->ordinary.at[f.typos[dice_below(&d, (uint32_t)f.n_typos)]];
		else
			e = c->ordinary.at[f.ordinary[at++]];
		features_of(&e, lex, &p->f);
		forget_runs(p, plan->forget, &d);
		loss += (double)learn(net, p, &e, is_generated, n_done < n_epoch,
		                      plan->rate * left);
		if (n_done % BATCH == BATCH - 1)
			step_dense(net, plan->rate * 0.04F * left);
		if (n_done % n_epoch == n_epoch - 1) {
			fprintf(stderr, "seed %u, without fold %d: loss %.4f\n",
			        (unsigned)plan->seed, plan->fold_out, loss / (double)n_epoch);
			loss = 0;
		}
	}
	feed_stop(&f);
	free(p);
	return net;
}

/* ---- the file ---- */

static void export_rows(const struct net *net, int8_t *rows, float *scale)
{
	for (unsigned d = 0; d < DGA_DIM; d++) {
		double squares = 0;
		for (size_t i = 0; i < net->plan.n_rows; i++) {
			double v = (double)net->rows[i * DGA_DIM + d];
			squares += v * v;
		}
		/* Six standard deviations; what is beyond is cut. */
		scale[d] = (float)(6 * sqrt(squares / net->plan.n_rows) / 127 + 1e-9);
		for (size_t i = 0; i < net->plan.n_rows; i++) {
			float v = roundf(net->rows[i * DGA_DIM + d] / scale[d]);
			rows[i * DGA_DIM + d] = (int8_t)(v > 127 ? 127 : v < -127 ? -127 : v);
		}
	}
}

uint8_t *net_export(const struct net *net, const struct lexicon *lex, const struct net_tail *tail,
                    size_t *ret_n)
{
	const size_t hidden = net->plan.n_hidden;
	struct dga_file_header h = { .magic = "WEIRDGA\n",
		                     .version = DGA_FILE_VERSION,
		                     .byte_order = DGA_FILE_BYTE_ORDER,
		                     .made = net->plan.day,
		                     .n_rows = net->plan.n_rows,
		                     .n_words = LEXICON_PLACES,
		                     .n_hidden = net->plan.n_hidden,
		                     .n_families = n_families };
	h.n_numbers = (uint32_t)dga_model_n_numbers(&h);
	size_t n = dga_model_n_bytes(&h);
	h.file_bytes = n;
	uint8_t *bytes = calloc(1, n);
	if (bytes == NULL)
		die("no memory", "file");
	uint8_t *at = bytes + sizeof h;
	memcpy(at, lex->trigrams, DGA_TRIGRAMS);
	at += (DGA_TRIGRAMS + 63) / 64 * 64;
	int8_t *rows = (int8_t *)at;
	at += (size_t)h.n_rows * DGA_DIM;
	memcpy(at, lex->words, sizeof lex->words);
	at += sizeof lex->words;
	memcpy(at, lex->heads, sizeof lex->heads);
	at += sizeof lex->heads;
	memcpy(at, lex->threes, sizeof lex->threes);
	at += sizeof lex->threes;
	float *number = (float *)at;
	struct dga_numbers k;
	dga_model_place(&h, number, &k);
	export_rows(net, rows, number);
	memcpy(number + (k.mean - number), net->mean, sizeof net->mean);
	memcpy(number + (k.inverse - number), net->inverse, sizeof net->inverse);
	size_t n_before_family = hidden * DGA_INPUT + 2 * hidden + DGA_INPUT + 1;
	memcpy(number + (k.hidden - number), net->w,
	       (n_before_family + n_families * (hidden + 1)) * sizeof(float));
	memcpy(number + (k.levels - number), tail->levels, sizeof tail->levels);
	memcpy(number + (k.sums - number), tail->sums, sizeof tail->sums);
	memcpy(number + (k.bins - number), tail->bins, sizeof tail->bins);
	memcpy(number + (k.evidence - number), tail->evidence, sizeof tail->evidence);
	memcpy(number + (k.kin - number), tail->kin, sizeof tail->kin);
	at += h.n_numbers * sizeof(float);
	for (unsigned i = 0; i < n_families; i++)
		snprintf((char *)at + (size_t)i * DGA_FAMILY_NAME, DGA_FAMILY_NAME, "%s",
		         families[i].name);
	memcpy(bytes, &h, sizeof h);
	h.checksum = dga_model_checksum(bytes, n);
	memcpy(bytes, &h, sizeof h);
	*ret_n = n;
	return bytes;
}
