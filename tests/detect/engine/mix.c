/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mix.h"

#include "base/clock.h"
#include "base/must.h"
#include "packed.h"

enum {
	WARM_H = 11, /* o'clock */
	WARM_SITES = 40000,
	PART_EVENTS = 2500, /* of the office: some 20,000 misses */
	PART_SITES = 6000,
	CRAWLERS = 10000,
	STRIDE = 7919, /* prime: all sites, in an order that says nothing */
};

const char *mix_name(enum mix_kind kind)
{
	static const char *const names[MIXES] = { [MIX_OFFICE] = "office", [MIX_CRAWL] = "crawl" };
	return names[kind];
}

void mix_open(struct mix *m, enum mix_kind kind, const struct benign *b, const char *folder,
              uint64_t seed)
{
	*m = (struct mix){ .kind = kind, .benign = b, .dice = seed };
	if (kind != MIX_OFFICE)
		return;
	office_open(&m->office, b, folder, seed);
	office_plan(&m->office, 0);
}

void mix_close(struct mix *m)
{
	if (m->kind == MIX_OFFICE)
		office_close(&m->office);
}

static void play_office(struct mix *m)
{
	const struct office_event *ev = &m->office.at[m->next++];
	engine_wait(ev->at_ms * NS_PER_MS);
	office_play(&m->office, ev, 0);
}

static void play_crawl(struct mix *m)
{
	static struct truth truth;
	static const uint16_t types[] = { DNS_A, DNS_AAAA };
	const struct benign *b = m->benign;
	const struct site *s = &b->at[m->next * STRIDE % b->n];
	struct engine_question q = { .client = addr_v4(0x0a000001 + dice_below(&m->dice, CRAWLERS)),
		                     .now_ns = m->next++ * 10 * NS_PER_MS };
	name_set(&q.name, s->name);
	engine_wait(q.now_ns);
	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		q.type = types[i];
		benign_truth(s, q.type, &truth);
		engine_ask(&q, &truth);
	}
}

void mix_warm_up(struct mix *m)
{
	while (m->kind == MIX_OFFICE && m->next < m->office.n &&
	       m->office.at[m->next].at_ms < WARM_H * 3600000U)
		play_office(m);
	while (m->kind == MIX_CRAWL && m->next < WARM_SITES)
		play_crawl(m);
}

void mix_play(struct mix *m)
{
	if (m->kind == MIX_OFFICE && m->next + PART_EVENTS > m->office.n)
		die("too short", "the day");
	for (unsigned i = 0; m->kind == MIX_OFFICE && i < PART_EVENTS; i++)
		play_office(m);
	for (unsigned i = 0; m->kind == MIX_CRAWL && i < PART_SITES; i++)
		play_crawl(m);
}
