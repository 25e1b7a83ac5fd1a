/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fake_net.h - name servers for tests: on loopback addresses, in the test's own loop.
 *
 * What:      each server has an address (127.x.y.z), zones as lines of text, and bad habits.
 *            It answers as RFC 1034 4.3.2 says: referrals with glue, aliases, denials with SOA.
 * Threads:   one.
 * Memory:    fake_net_free() frees all.
 */
#pragma once

#include "base/addr.h"
#include "dns/name.h"
#include "io/loop.h"

enum fake_habit {
	FAKE_DEAD = 1 << 0,         /* never answers */
	FAKE_TCP_ONLY = 1 << 1,     /* silent over UDP */
	FAKE_TRUNCATES = 1 << 2,    /* TC=1 over UDP */
	FAKE_DROPS_EDNS = 1 << 3,   /* silent when there is an OPT record */
	FAKE_FORMERR_EDNS = 1 << 4, /* a bare FORMERR header instead */
	FAKE_REFUSES = 1 << 5,
	FAKE_SERVFAIL = 1 << 6,
	FAKE_NOT_AA = 1 << 7,          /* answers like a resolver: RA, no AA */
	FAKE_REFERS_UP = 1 << 8,       /* to the root, whatever is asked */
	FAKE_GARBAGE = 1 << 9,         /* the header is right, the rest is noise */
	FAKE_WRONG_ID = 1 << 10,       /* a forged response comes before the true one */
	FAKE_WRONG_QUESTION = 1 << 11, /* the same with another name */
	FAKE_NO_EMPTY_NAMES = 1 << 12, /* NXDOMAIN for names that only have others below them */
	FAKE_NO_SOA = 1 << 13,
	FAKE_POISONS = 1 << 14,        /* adds records of zones that are not its own */
	FAKE_RECURSES = 1 << 15,       /* a forwarder: every record of every server is its own */
	FAKE_LOWERS_CASE = 1 << 16,    /* of the name in the question */
	FAKE_COOKIES = 1 << 17,        /* RFC 7873 */
	FAKE_WANTS_COOKIE = 1 << 18,   /* BADCOOKIE without its own */
	FAKE_WRONG_CASE = 1 << 19,     /* a forged response first, in another case */
	FAKE_WRONG_COOKIE = 1 << 20,   /* a forged response first, with another cookie */
	FAKE_WITHOUT_COOKIE = 1 << 21, /* a forged response first, without one */
	FAKE_NO_TCP = 1 << 22,         /* connections get no answer */
	FAKE_FLOODS = 1 << 23,         /* a hundred responses with other ids first */
	FAKE_BARE_ERROR = 1 << 24,     /* a forged FORMERR without a question first */
	FAKE_STRIPS = 1 << 25,         /* leaves signatures away */
	FAKE_NO_KEYS = 1 << 26,        /* silent when asked for DNSKEY */
};

struct fake_zone {
	const char *name;
	const char *records; /* lines: "owner ttl TYPE data"; owners and names are absolute */
};

struct fake_server {
	const char *addr;
	unsigned habits;
	const struct fake_zone *zones[8];
	unsigned n_udp, n_tcp; /* questions received */
	unsigned n_with_edns, n_with_cd;
	unsigned n_cookies;    /* with our half of the cookie */
	struct name last_name; /* of the last one */
	uint16_t last_type;
	char names[2048]; /* "name TYPE\n" of all, as room permits */
};

struct fake_net;

/* All servers on one free port. 0 or -errno. */
int fake_net_new(struct loop *loop, struct fake_server *servers, unsigned n, struct fake_net **ret);
void fake_net_free(struct fake_net *f);
uint16_t fake_net_port(const struct fake_net *f);
unsigned fake_net_asked(const struct fake_net *f); /* questions, of all servers */
