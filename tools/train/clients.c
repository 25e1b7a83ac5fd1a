/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put(struct guest **to, size_t *n, size_t room, const struct dga_model *m,
                const struct entry *e)
{
	struct guest g = { .look = dga_look(e->n_label, e->suffix, e->n_suffix) };
	if (m != NULL) {
		struct dga_score s;
		dga_score(m, e->label, e->n_label, e->suffix, e->n_suffix, &s);
		memcpy(g.evidence, s.evidence, sizeof g.evidence);
	}
	if (*to == NULL)
		*to = malloc(room * sizeof **to);
	if (*to == NULL)
		die("no memory", "clients");
	(*to)[(*n)++] = g;
}

void crowd_make(struct crowd *c, const struct dga_model *m, const struct corpus *corpus,
                enum part part)
{
	memset(c, 0, sizeof *c);
	c->m = m;
	for (size_t i = 0; i < corpus->ordinary.n; i++) {
		const struct entry *e = &corpus->ordinary.at[i];
		if (e->part == part)
			put(&c->ordinary[e->set], &c->n_ordinary[e->set], corpus->ordinary.n, m, e);
	}
	for (size_t i = 0; i < corpus->generated.n; i++) {
		const struct entry *e = &corpus->generated.at[i];
		if (e->part == part)
			put(&c->generated[e->family], &c->n_generated[e->family], 1 << 15, m, e);
	}
}

void crowd_free(struct crowd *c)
{
	for (unsigned i = 0; i < SETS; i++)
		free(c->ordinary[i]);
	for (unsigned i = 0; i < DGA_FAMILIES_MAX; i++)
		free(c->generated[i]);
}

/* ---- ordinary names of one client ---- */

struct taste {
	enum set failed[2], fresh;
	unsigned n_failed;
	const struct guest *like; /* its failures have the suffix of this one; NULL: any */
};

static const struct guest *draw(const struct crowd *c, enum set set, struct dice *d)
{
	if (c->n_ordinary[set] == 0)
		die("no ordinary names of this set in this part", set_names[set]);
	return &c->ordinary[set][dice_below(d, (uint32_t)c->n_ordinary[set])];
}

static bool is_same_suffix(const struct guest *a, const struct guest *b)
{
	return (a->look ^ b->look) < 1U << 6;
}

static const struct guest *draw_failed(const struct crowd *c, const struct taste *t, struct dice *d)
{
	const struct guest *g = draw(c, t->failed[dice_below(d, 2)], d);
	for (unsigned i = 0; i < 100 && t->like != NULL && !is_same_suffix(g, t->like); i++)
		g = draw(c, t->failed[dice_below(d, 2)], d);
	return g;
}

static struct taste taste_of(const struct crowd *c, struct dice *d)
{
	struct taste t = { { SET_DEAD, SET_TYPO }, SET_RANKED, DAY_FAILED, NULL };
	unsigned way = dice_below(d, 30);
	if (way < 3)
		t.failed[0] = t.failed[1] = SET_DEAD;
	else if (way < 6)
		t.failed[0] = t.failed[1] = SET_TYPO;
	else if (way < 10)
		t = (struct taste){ { SET_CHINA, SET_CHINA }, SET_CHINA, DAY_FAILED, NULL };
	if (dice_below(d, 100) == 0)
		t.n_failed *= HEAVY_FACTOR;
	else if (dice_below(d, 4) == 0)
		t.like = draw(c, t.failed[dice_below(d, 2)], d);
	return t;
}

static struct dga_table *table_new(void)
{
	struct dga_table *t;
	if (dga_table_new(1, &t) != 0)
		die("no memory", "clients");
	return t;
}

static struct dga_standing ask(struct dga_table *t, const struct crowd *c, const struct guest *g,
                               bool is_failed, struct dice *d, uint32_t now_s)
{
	struct dga_standing s;
	struct dga_name n = { .client = 1,
		              .domain = (uint32_t)dice_next(d),
		              .is_failed = is_failed,
		              .look = g->look,
		              .kin = dga_model_numbers(c->m)->kin,
		              .now_s = now_s };
	for (unsigned i = 0; i < DGA_KINDS; i++)
		n.evidence[i] = dga_weigh(g->evidence[i], is_failed);
	dga_table_add(t, &n, &s);
	return s;
}

static const struct guest *draw_generated(const struct crowd *c, unsigned family, struct dice *d)
{
	return &c->generated[family][dice_below(d, (uint32_t)c->n_generated[family])];
}

/* ---- how alike they are ---- */

enum {
	KIN_ORDINARY = 40000, /* clients of each sort */
	KIN_INFECTED = 500,   /* of a family */
	KIN_NAMES = 20,       /* failures of each */
	KIN_FAMILY_MIN = 20,  /* names, for a family to be used */
};
static const double kin_most = 1.5,
		    kin_part = 0.7; /* real failures hang together in ways not known here */

struct kin_count {
	double in[DGA_KIN * DGA_KIN];
};

/* The failures of one client, each compared with those before; family -1: of nobody's generator. */
static void kin_client(const struct crowd *c, int family, struct dice *d, double weight,
                       struct kin_count *ret)
{
	struct taste taste = taste_of(c, d);
	uint32_t at[DGA_LOOKS];
	for (unsigned n = 0; n < KIN_NAMES; n++) {
		bool is_made = family >= 0 && dice_below(d, 5) > 0;
		uint32_t look = (is_made ? draw_generated(c, (unsigned)family, d)
		                         : draw_failed(c, &taste, d))
		                        ->look;
		unsigned n_before = n < DGA_LOOKS ? n : DGA_LOOKS;
		if (n_before >= DGA_LOOKS_MIN && is_made == (family >= 0))
			ret->in[dga_kin_of(look, at, n_before)] += weight;
		at[n % DGA_LOOKS] = look;
	}
}

void crowd_kin(const struct crowd *c, int out, uint64_t seed, float *ret)
{
	struct dice d = { seed * 4099 + 17 };
	struct kin_count infected = { { 0 } }, others = { { 0 } };
	double n_infected = 0, n_others = 0;
	for (unsigned k = 0; k < n_families; k++)
		for (unsigned i = 0; i < KIN_INFECTED && c->n_generated[k] >= KIN_FAMILY_MIN &&
		                     (out < 0 || (int)(families[k].fold / 2) != out);
		     i++)
			kin_client(c, (int)k, &d, 1, &infected);
	for (unsigned i = 0; i < KIN_ORDINARY; i++)
		kin_client(c, -1, &d, 1, &others);
	for (unsigned i = 0; i < DGA_KIN * DGA_KIN; i++) {
		n_infected += infected.in[i];
		n_others += others.in[i];
	}
	for (unsigned i = 0; i < DGA_KIN * DGA_KIN; i++) {
		double e = log((infected.in[i] / n_infected + 1e-3) /
		               (others.in[i] / n_others + 1e-3));
		/* Many a generator's names are as different as people's: that speaks against nothing. */
		e = e > kin_most ? kin_most : e < 0 ? 0 : e;
		ret[i] = (float)(e * kin_part);
	}
}

/* ---- clients ---- */

float *crowd_days(const struct crowd *c, size_t n, uint64_t seed)
{
	struct dice d = { seed };
	struct dga_table *t = table_new();
	float *highest = calloc(n, sizeof *highest);
	if (highest == NULL)
		die("no memory", "clients");
	for (size_t i = 0; i < n; i++) {
		struct taste taste = taste_of(c, &d);
		unsigned n_all = taste.n_failed + DAY_NEW;
		dga_table_forget(t, 1);
		for (unsigned k = 0; k < n_all; k++) {
			bool is_failed = dice_below(&d, n_all) < taste.n_failed;
			const struct guest *g =
				is_failed ? draw_failed(c, &taste, &d) : draw(c, taste.fresh, &d);
			struct dga_standing s =
				ask(t, c, g, is_failed, &d, 1000 + k * 28800 / n_all);
			if (s.n_names >= DGA_NAMES_MIN && s.sum > highest[i])
				highest[i] = s.sum;
		}
	}
	dga_table_free(t);
	return highest;
}

unsigned *crowd_infected(const struct crowd *c, unsigned family, float sum, size_t n, uint64_t seed)
{
	struct dice d = { seed * 251 + family };
	struct dga_table *t = table_new();
	unsigned *asked = calloc(n, sizeof *asked);
	if (asked == NULL || c->n_generated[family] == 0)
		die("no names of this family in this part", families[family].name);
	for (size_t i = 0; i < n; i++) {
		struct taste taste = taste_of(c, &d);
		dga_table_forget(t, 1);
		asked[i] = NAMES_GIVEN + 1;
		for (unsigned k = 1; k <= NAMES_GIVEN; k++) {
			struct dga_standing s =
				ask(t, c, draw_generated(c, family, &d), true, &d, 1000 + k * 30);
			if (s.sum >= sum && s.n_names >= DGA_NAMES_MIN) {
				asked[i] = k;
				break;
			}
			/* Meanwhile somebody works at the machine. */
			if (dice_below(&d, 4) == 0)
				ask(t, c, draw_failed(c, &taste, &d), true, &d, 1000 + k * 30);
			if (dice_below(&d, 2) == 0)
				ask(t, c, draw(c, taste.fresh, &d), false, &d, 1000 + k * 30);
		}
	}
	dga_table_free(t);
	return asked;
}
