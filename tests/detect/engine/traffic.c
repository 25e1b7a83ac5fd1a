/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "traffic.h"

#include "base/clock.h"
#include "dns/name.h"

enum {
	POPULAR_PERCENT = 85,
};

void traffic_init(struct traffic *t, const struct benign *b, uint64_t seed, unsigned clients,
                  double gap_of_one_s, const struct addr *also)
{
	*t = (struct traffic){ .benign = b,
		               .dice = seed,
		               .clients = clients,
		               .gap_s = gap_of_one_s / clients,
		               .also = *also };
	t->next_s = dice_wait(&t->dice, t->gap_s);
}

void traffic_until(struct traffic *t, double until_s)
{
	static const uint16_t types[] = { DNS_A, DNS_AAAA };
	static struct truth truth;
	for (; t->next_s < until_s; t->next_s += dice_wait(&t->dice, t->gap_s)) {
		uint32_t who = dice_below(&t->dice, t->clients);
		const struct site *s = dice_below(&t->dice, 100) < POPULAR_PERCENT
		                               ? benign_popular(t->benign, &t->dice)
		                               : benign_any(t->benign, &t->dice);
		struct engine_question q = { .client =
			                             who == 0 ? t->also : addr_v4(0x0a000000 + who),
			                     .now_ns = (uint64_t)(t->next_s * 1e9),
			                     .tag = TRAFFIC_TAG };
		name_set(&q.name, s->name);
		engine_wait(q.now_ns);
		for (unsigned i = 0; i < 2; i++) {
			q.type = types[i];
			benign_truth(s, q.type, &truth);
			engine_ask(&q, &truth);
		}
		t->asked += 2;
	}
	engine_wait((uint64_t)(until_s * 1e9));
}
