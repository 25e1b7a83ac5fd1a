/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/detect/engine/office.h - the days of an office: who asks for what, and when.
 *
 * What:      500 clients (nine desktops of ten, phones, some power users) and, beside them, things and a
 *            mail server. All that is left to chance comes from the seed. A day, on average:
 *
 *              desktop      110 visits between 7 and 19 o'clock (power users 600; phones 60, until midnight): of 20
 *                           15 to its 60 favourites (12 of them popular), 4 to popular sites, one to any of half a
 *                           million; each asks for the site, in three of ten cases for another host of it, and
 *                           for 2 to 8 popular sites that it makes use of, always the same; types A, AAAA, HTTPS
 *              updaters     8 vendors' telemetry hosts a client, each every 10 to 90 minutes, day and
 *                           night; one client of three also asks a small vendor's domain, as regularly
 *              directory    SRV names of domain controllers, WPAD, with and without the domain
 *              suffixes     of 20 names one is also asked for below the office's domain, and is not there
 *              typos        of 100 visits one: a letter less, more, or another one
 *              probes       three random labels when a browser starts, twice a day
 *              antivirus    one desktop in five: 60 hashes; one in four: video hosts; hashes of hosts of contents
 *              at home      some public names with private addresses
 *              things       20 cameras, printers: one vendor's host each, every five minutes
 *              mail server  2,000 mails: three lists each, PTR, MX, SPF, DKIM and DMARC of the senders
 * Threads:   one.
 */
#pragma once

#include "benign.h"
#include "engine.h"

enum {
	OFFICE_CLIENTS = 500,
	OFFICE_THINGS = 20,
	OFFICE_MAIL = OFFICE_CLIENTS + OFFICE_THINGS, /* the number of the mail server */
	OFFICE_ALL,
};

enum office_what {
	OFFICE_VISIT,
	OFFICE_UPDATE,
	OFFICE_DIRECTORY,
	OFFICE_PROBE,
	OFFICE_HASH,
	OFFICE_HOME,
	OFFICE_MAILED,
};

struct office_event {
	uint32_t at_ms; /* of the day */
	uint16_t client;
	uint8_t what;
	uint64_t seed;
};

struct office {
	const struct benign *benign;
	struct site *telemetry; /* hosts of vendors */
	unsigned n_telemetry;
	char *text;
	uint64_t seed;
	struct office_event *at; /* of one day, in its order */
	size_t n, room;
};

void office_open(struct office *o, const struct benign *b, const char *folder, uint64_t seed);
void office_close(struct office *o);
/* What happens on that day; the same clients with the same habits each day. */
void office_plan(struct office *o, unsigned day);
/* The questions of one event. */
void office_play(const struct office *o, const struct office_event *ev, unsigned day);

struct addr office_addr(unsigned client);
/* "desktop", "phone", "power user", "thing", "mail server" */
const char *office_kind(unsigned client);
