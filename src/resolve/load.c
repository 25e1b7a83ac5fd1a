/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/load.h"

#include <errno.h>
#include <stdlib.h>

enum {
	N_PLACES = 16384,
	FLOOR_MIN = 4,
	WORSE_PART = 16, /* of the way to the worst, for each failure */
	BETTER_PART = 8, /* of the way back, for each success */
};

struct place {
	uint16_t n;
	uint8_t badness; /* 0: all is well; 255: nothing comes back */
};

struct load {
	unsigned max, floor;
	struct place places[N_PLACES];
};

int load_new(unsigned max, struct load **ret)
{
	must(max > 0 && max <= UINT16_MAX);
	struct load *l = calloc(1, sizeof *l);
	if (l == NULL)
		return -ENOMEM;
	l->max = max;
	l->floor = max / LOAD_FLOOR_PART;
	if (l->floor < FLOOR_MIN)
		l->floor = max < FLOOR_MIN ? max : FLOOR_MIN;
	*ret = l;
	return 0;
}

void load_free(struct load *l)
{
	free(l);
}

static unsigned index_of(uint64_t hash)
{
	return (unsigned)(hash * 0x9e3779b97f4a7c15ULL >> 40) % N_PLACES;
}

static unsigned limit_of(const struct load *l, const struct place *p)
{
	return l->max - (l->max - l->floor) * p->badness / 255;
}

unsigned load_limit(const struct load *l, uint64_t hash)
{
	return limit_of(l, &l->places[index_of(hash)]);
}

bool load_is_full(const struct load *l, uint64_t hash)
{
	const struct place *p = &l->places[index_of(hash)];
	return p->n >= limit_of(l, p);
}

bool load_enter(struct load *l, uint64_t hash)
{
	struct place *p = &l->places[index_of(hash)];
	if (p->n >= limit_of(l, p))
		return false;
	p->n++;
	return true;
}

void load_leave(struct load *l, uint64_t hash)
{
	struct place *p = &l->places[index_of(hash)];
	if (!bug_if(p->n == 0))
		p->n--;
}

void load_note(struct load *l, uint64_t hash, bool is_good)
{
	struct place *p = &l->places[index_of(hash)];
	unsigned to_worst = 255U - p->badness;
	if (!is_good)
		p->badness = (uint8_t)(p->badness + (to_worst + WORSE_PART - 1) / WORSE_PART);
	else
		p->badness = (uint8_t)(p->badness - (p->badness + BETTER_PART - 1) / BETTER_PART);
}
