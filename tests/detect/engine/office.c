/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When: the plan of a day. What is asked for: office_play.c. */
#include "office.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/registered.h"
#include "packed.h"

enum {
	DAY_MS = 86400000,
	H_MS = 3600000,
	UPDATERS = 8,
	MAILS = 2000,
	HOSTS_MAX = 4, /* of one vendor's domain */
};

/* How busy each hour is, in hundredths. */
static const uint8_t at_work[24] = { 0,  0,  0,  0,  0,  1,  5,  30, 80, 100, 100, 95,
	                             60, 85, 95, 95, 85, 55, 20, 5,  2,  1,   0,   0 };
static const uint8_t all_day[24] = { 8,  4,  3,  2,  2,  5,  20, 50, 60, 50, 50, 55,
	                             80, 60, 50, 50, 55, 70, 80, 90, 95, 80, 50, 20 };

/* ---- clients ---- */

static bool is_phone(unsigned client)
{
	return client < OFFICE_CLIENTS && client % 13 == 5;
}

static bool is_power(unsigned client)
{
	return client < OFFICE_CLIENTS && client % 40 == 7;
}

const char *office_kind(unsigned client)
{
	return client == OFFICE_MAIL      ? "mail server"
	       : client >= OFFICE_CLIENTS ? "thing"
	       : is_phone(client)         ? "phone"
	       : is_power(client)         ? "power user"
	                                  : "desktop";
}

struct addr office_addr(unsigned client)
{
	return addr_v4(0x0a010000 + 10 + client);
}

/* ---- the plan ---- */

static void add(struct office *o, unsigned client, enum office_what what, double at_ms,
                uint64_t seed)
{
	if (at_ms < 0 || at_ms >= DAY_MS)
		return;
	if (o->n == o->room) {
		o->room = o->room * 2 + 65536;
		o->at = realloc(o->at, o->room * sizeof *o->at);
		if (o->at == NULL)
			die("no memory", "office");
	}
	o->at[o->n++] = (struct office_event){ .at_ms = (uint32_t)at_ms,
		                               .client = (uint16_t)client,
		                               .what = (uint8_t)what,
		                               .seed = seed };
}

/* A moment of the day, as busy as it is then. */
static double moment(uint64_t *dice, const uint8_t busy[24])
{
	for (;;) {
		uint32_t hour = dice_below(dice, 24);
		if (dice_below(dice, 100) < busy[hour])
			return (hour + dice_share(dice)) * H_MS;
	}
}

static void add_some(struct office *o, unsigned client, enum office_what what, unsigned n,
                     const uint8_t busy[24], uint64_t *dice)
{
	for (unsigned i = 0; i < n; i++)
		add(o, client, what, moment(dice, busy), dice_roll(dice));
}

/* Every so often, by a program's timer: some percent early or late. */
static void add_regular(struct office *o, unsigned client, enum office_what what, double every_s,
                        double jitter, uint64_t seed, uint64_t *dice)
{
	double at_ms = dice_share(dice) * every_s * 1000;
	for (; at_ms < DAY_MS; at_ms += every_s * 1000 * (1 + jitter * (dice_share(dice) - 0.5)))
		add(o, client, what, at_ms, seed);
}

static void plan_client(struct office *o, unsigned client, uint64_t habits, uint64_t *dice)
{
	const uint8_t *busy = is_phone(client) ? all_day : at_work;
	unsigned visits = is_phone(client) ? 60 : is_power(client) ? 600 : 110;
	visits = visits / 2 + dice_below(dice, visits + 1);
	add_some(o, client, OFFICE_VISIT, visits, busy, dice);
	for (unsigned i = 0; i < UPDATERS; i++) {
		uint64_t seed = dice_roll(&habits) << 1;
		add_regular(o, client, OFFICE_UPDATE, 600 + dice_below(&habits, 4800),
		            dice_share(&habits) * 0.2, seed, dice);
	}
	if (client % 3 == 0) {
		static const double every_s[] = { 600, 900, 1800, 3600 };
		uint64_t seed = dice_roll(&habits) | 1;
		add_regular(o, client, OFFICE_UPDATE, every_s[client / 3 % 4],
		            client % 2 == 0 ? 0.01 : 0.1, seed, dice);
	}
	if (!is_phone(client))
		add_some(o, client, OFFICE_DIRECTORY, 24, at_work, dice);
	add_some(o, client, OFFICE_PROBE, 2, busy, dice);
	if (client % 5 == 0 && !is_phone(client))
		add_some(o, client, OFFICE_HASH, 60, busy, dice);
	if (client % 4 == 1)
		add_some(o, client, OFFICE_HASH, 30, busy, dice);
	if (client % 50 == 3)
		add_some(o, client, OFFICE_HOME, 12, all_day, dice);
}

static int compare(const void *a, const void *b)
{
	const struct office_event *x = a, *y = b;
	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return x->seed < y->seed ? -1 : x->seed > y->seed;
}

void office_plan(struct office *o, unsigned day)
{
	o->n = 0;
	for (unsigned c = 0; c < OFFICE_ALL; c++) {
		uint64_t habits = o->seed * 1000003 + c, dice = habits * 31 + day + 1;
		if (c < OFFICE_CLIENTS)
			plan_client(o, c, habits, &dice);
		else if (c == OFFICE_MAIL)
			add_some(o, c, OFFICE_MAILED, MAILS, all_day, &dice);
		else
			add_regular(o, c, OFFICE_UPDATE, 300, 0.02, dice_roll(&habits) | 1, &dice);
	}
	qsort(o->at, o->n, sizeof *o->at, compare);
}

/* ---- vendors' hosts ---- */

void office_open(struct office *o, const struct benign *b, const char *folder, uint64_t seed)
{
	char path[4096];
	size_t n, room = 1;
	const uint8_t *last = NULL;
	unsigned n_same = 0;
	snprintf(path, sizeof path, "%s/benign/telemetry_hosts.tsv.xz", folder);
	char *text = read_packed(path, &n), *save = NULL;
	for (size_t i = 0; i < n; i++)
		room += text[i] == '\n';
	*o = (struct office){ .benign = b,
		              .text = text,
		              .seed = seed,
		              .telemetry = calloc(room, sizeof *o->telemetry) };
	if (o->telemetry == NULL)
		die("no memory", path);
	for (char *at = strtok_r(text, "\n", &save); at != NULL; at = strtok_r(NULL, "\n", &save)) {
		struct name name;
		char *tab = strchr(at, '\t');
		if (tab == NULL || name_from_text(tab + 1, strlen(tab + 1), &name) != 0 ||
		    name_registered(name.wire) == NULL)
			continue;
		if (last != NULL && name_equal(last, name_registered(name.wire)) &&
		    ++n_same > HOSTS_MAX)
			continue; /* machines of television sets, by the hundred */
		uint8_t *wire = malloc(name.len);
		if (wire == NULL)
			die("no memory", path);
		memcpy(wire, name.wire, name.len);
		if (last == NULL || !name_equal(last, name_registered(wire)))
			n_same = 1;
		last = name_registered(wire);
		o->telemetry[o->n_telemetry++] = (struct site){ .name = wire,
			                                        .registered = name_registered(wire),
			                                        .answers = "A/60/20.44.1.2",
			                                        .type = DNS_A };
	}
}

void office_close(struct office *o)
{
	for (unsigned i = 0; i < o->n_telemetry; i++)
		free((uint8_t *)o->telemetry[i].name);
	free(o->telemetry);
	free(o->text);
	free(o->at);
}
