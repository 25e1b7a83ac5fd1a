/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How new the registered domain of a recorded question was: by the table of the state folder, if that
 * knows the domain, or by what the recording itself has asked for until then.
 */
#include "base/clock.h"
#include "dns/registered.h"
#include "replay/compare.h"
#include "seen/seen.h"

enum {
	SIZE_BYTES = 32 << 20
};

static struct seen *table_of(struct replay_comparison *c, uint64_t wall_s)
{
	char why[SEEN_WHY_MAX];
	const struct seen_plan plan = { .size_bytes = SIZE_BYTES,
		                        .learn_s = c->plan.learn_s,
		                        .now_s = wall_s };
	if (c->seen == NULL && seen_new(&plan, &c->seen, why) != 0)
		c->seen = NULL;
	return c->seen;
}

static uint32_t age_of(struct replay_comparison *c, const struct replay_item *item,
                       const uint8_t *domain)
{
	uint64_t wall_s = item->wall_ns / NS_PER_S;
	struct seen_domain d = { 0 };
	struct seen *own = table_of(c, wall_s);
	uint32_t age_s = SEEN_NOT_NEW;
	if (own != NULL) {
		age_s = seen_age_s(own, domain, wall_s);
		seen_note(own, NULL, domain, &item->client, wall_s);
	}
	if (seen_current() != NULL)
		seen_find(seen_current(), domain, &d);
	if (!d.is_known)
		return age_s;
	if (d.is_learned)
		return SEEN_NOT_NEW;
	uint64_t known_s = wall_s > d.first_s ? wall_s - d.first_s : 0;
	return known_s < SEEN_NOT_NEW ? (uint32_t)known_s : SEEN_NOT_NEW;
}

void compare_set_age(struct replay_comparison *c, const struct replay_item *item)
{
	static const uint8_t arpa[] = "\4arpa";
	const uint8_t *domain = item->wall_ns > 0 ? name_registered(item->name.wire) : NULL;
	uint32_t age_s = SEEN_NOT_NEW;
	if (domain != NULL && !name_is_within(domain, arpa))
		age_s = age_of(c, item, domain);
	c->plan.now.has_age = c->before.has_age = age_s != SEEN_NOT_NEW;
	c->plan.now.age_s = c->before.age_s = age_s;
}
