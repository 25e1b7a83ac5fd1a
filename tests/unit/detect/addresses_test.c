/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "answer_rig.h"

static struct rig_answer r;

static struct detect *start(struct config **ret_config)
{
	struct detect *d;
	*ret_config = rig_config("detect: {addresses.low: alert, flux.enable: false}\n");
	assert_int_equal(detect_new(*ret_config, &d), 0);
	return d;
}

static void stop(struct detect *d, struct config *c)
{
	detect_free(d);
	config_free(c);
}

enum how {
	HOW_ANYWHERE,  /* addresses in any network */
	HOW_ONE_PLACE, /* all of one network */
	HOW_NOWHERE,   /* IPv6 that is given to nobody */
	HOW_TASKS,     /* 0.0.0.x */
	HOW_SAME,      /* the same address */
};

static void add_address(enum how how, unsigned i, uint32_t ttl_s)
{
	char text[60];
	uint32_t mixed = (i + 1) * 2654435761U;
	switch (how) {
	case HOW_ANYWHERE:
		snprintf(text, sizeof text, "%u.%u.%u.%u", 20 + mixed % 100, mixed >> 8 & 255,
		         mixed >> 16 & 255, mixed >> 24);
		break;
	case HOW_ONE_PLACE:
		snprintf(text, sizeof text, "1.1.%u.%u", mixed >> 16 & 255, mixed >> 24);
		break;
	case HOW_NOWHERE:
		snprintf(text, sizeof text, "4a47:%x:%x::%x", mixed & 0xffff, mixed >> 16, i);
		break;
	case HOW_TASKS:
		snprintf(text, sizeof text, "0.0.0.%u", i % 250 + 1);
		break;
	default:
		snprintf(text, sizeof text, "203.0.113.7");
	}
	rig_add_address(&r, text, ttl_s);
}

struct channel {
	const char *why, *zone;
	unsigned domains, names; /* 0: as many as there are answers */
	uint32_t ttl_s;
	enum how how;
	uint64_t step_s;
	int confidence; /* the surest thing that is said */
};

/* 300 answers; the number of the first with that confidence, 300: there is none. */
static unsigned run(struct detect *d, const struct channel *ch, int *ret_surest)
{
	unsigned first = 300;
	*ret_surest = -1;
	for (unsigned i = 0; i < 300; i++) {
		char zone[60], name[100];
		snprintf(zone, sizeof zone, "%s%u.example", ch->zone, i % ch->domains);
		if (ch->domains == 0 || strchr(ch->zone, '.') != NULL)
			snprintf(zone, sizeof zone, "%s", ch->zone);
		snprintf(name, sizeof name, "%u.%s", ch->names != 0 ? i % ch->names : i, zone);
		rig_answer(&r, "192.0.2.1", name, zone, ch->how == HOW_NOWHERE ? DNS_AAAA : DNS_A,
		           5, (1000 + i * ch->step_s) * NS_PER_S);
		add_address(ch->how, i, ch->ttl_s);
		const struct detect_finding *f = rig_finding(d, &r, DETECTOR_addresses);
		int confidence = f != NULL ? f->confidence : -1;
		if (confidence > *ret_surest)
			*ret_surest = confidence;
		if (confidence == ch->confidence && first == 300)
			first = i;
	}
	return first;
}

static void channels_are_told_from_sites(void **state)
{
	(void)state;
	static const struct channel rows[] = {
		{ "names, addresses, networks", "chan", 1, 0, 60, HOW_ANYWHERE, 10, DETECT_MEDIUM },
		{ "not to be used again", "chan", 1, 0, 1, HOW_ONE_PLACE, 10, DETECT_HIGH },
		{ "over six domains with the same servers", "chan", 6, 0, 0, HOW_ONE_PLACE, 10,
		  DETECT_HIGH },
		{ "space of nobody", "chan", 1, 0, 3600, HOW_NOWHERE, 10, DETECT_HIGH },
		{ "tasks of a beacon, one name", "chan", 1, 1, 1, HOW_TASKS, 60, DETECT_HIGH },
		{ "one name, another network each time", "chan", 1, 1, 1, HOW_ANYWHERE, 10,
		  DETECT_HIGH },
		{ "a site of many hosts in one place", "site", 1, 0, 60, HOW_ONE_PLACE, 10, -1 },
		{ "a wildcard", "site", 1, 0, 0, HOW_SAME, 10, -1 },
		{ "three names, many networks: a deliverer", "site", 1, 3, 20, HOW_ANYWHERE, 10,
		  -1 },
		{ "popular", "wikipedia.org", 1, 0, 0, HOW_ANYWHERE, 10, -1 },
		{ "300 sites of one hoster", "site", 300, 1, 60, HOW_ANYWHERE, 10, -1 },
		{ "three a day", "slow", 1, 0, 60, HOW_ANYWHERE, 8 * 3600, -1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config *c;
		struct detect *d = start(&c);
		int surest;
		unsigned first = run(d, &rows[i], &surest);
		if (surest != rows[i].confidence)
			fail_msg("%s: %d", rows[i].why, surest);
		if (surest == DETECT_HIGH && first > 75)
			fail_msg("%s: after %u answers", rows[i].why, first);
		stop(d, c);
	}
}

/* What is blocked is blocked when it comes from the cache, too; the domain's other names are not. */
static void a_cached_answer_is_blocked_again(void **state)
{
	(void)state;
	static const struct channel ch = { "", "chan", 1, 0, 0, HOW_ONE_PLACE, 10, DETECT_HIGH };
	struct config *c;
	struct detect *d = start(&c);
	int surest;
	(void)run(d, &ch, &surest);
	r.a.is_cached = true;
	const struct detect_finding *f = rig_finding(d, &r, DETECTOR_addresses);
	assert_non_null(f);
	assert_int_equal(f->action, DETECT_BLOCK);
	rig_answer(&r, "192.0.2.1", "www.chan0.example", "chan0.example", DNS_A, 5,
	           4001 * NS_PER_S);
	rig_add_address(&r, "198.51.100.1", 3600);
	assert_null(rig_finding(d, &r, DETECTOR_addresses));
	rig_answer(&r, "192.0.2.2", "1.chan0.example", "chan0.example", DNS_A, 5, 4001 * NS_PER_S);
	add_address(HOW_ONE_PLACE, 1, 0);
	assert_null(rig_finding(d, &r, DETECTOR_addresses)); /* another client's first */
	stop(d, c);
}

/* A flood of domains does not make a channel forgotten. */
static void a_flood_changes_nothing(void **state)
{
	(void)state;
	static const struct channel ch = { "", "chan", 1, 0, 0, HOW_ONE_PLACE, 1, DETECT_HIGH };
	struct config *c = rig_config("detect: {clients: 100, flux.enable: false}\n");
	struct detect *d;
	int surest;
	assert_int_equal(detect_new(c, &d), 0);
	size_t bytes = detect_bytes(d);
	(void)run(d, &ch, &surest);
	for (unsigned i = 0; i < 50000; i++) {
		char zone[40];
		snprintf(zone, sizeof zone, "decoy%u.example", i);
		rig_answer(&r, "192.0.2.1", zone, zone, DNS_A, 100 + i, 1310 * NS_PER_S);
		add_address(HOW_ANYWHERE, i, 60);
		assert_null(rig_finding(d, &r, DETECTOR_addresses));
	}
	rig_answer(&r, "192.0.2.1", "x.chan0.example", "chan0.example", DNS_A, 5, 1320 * NS_PER_S);
	add_address(HOW_ONE_PLACE, 1000, 0);
	assert_int_equal(rig_finding(d, &r, DETECTOR_addresses)->confidence, DETECT_HIGH);
	assert_int_equal(detect_bytes(d), bytes);
	stop(d, c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channels_are_told_from_sites),
		cmocka_unit_test(a_cached_answer_is_blocked_again),
		cmocka_unit_test(a_flood_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
