/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * evade SOURCE [HOURS [DECOYS]]: ways around the leak budget, through the real detectors on a clock of their
 * own: floods of decoy domains, many clients together, and channels that are no names. Tables, and exit
 * status 1 where a flood more than doubles what gets out.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/rcu.h"
#include "sender.h"

enum {
	DECOY_CLIENTS = 10000,
	FLOODS = 4, /* in the whole time */
	CLIENTS_MAX = 64,
	ZONES = 4096,
	FIRST_DECOY = 1000000,
	LEAK_TIMES_MAX = 2,
};

#define NS_PER_H (3600 * NS_PER_S)

static unsigned hours = 24, decoys = 100000;

/* ---- floods of decoys ---- */

enum flood {
	NO_FLOOD,
	BY_HIMSELF,
	BY_IPV4,
	BY_IPV6,
	BY_DOMAIN, /* no flood alone: it makes his domain one that many clients ask for */
	FLOOD_KINDS
};
static const char *const flood_names[FLOOD_KINDS] = {
	"none",
	"by the same client",
	"by 10,000 IPv4 clients",
	"by 10,000 IPv6 networks",
	"by 10,000 IPv4 clients, 1,000 of whom ask for the attacker's domain, too (no bar)",
};

static struct addr flooder(enum flood kind, unsigned i)
{
	if (kind != BY_IPV6)
		return addr_v4(0x0a010000 + i % DECOY_CLIENTS);
	struct addr a = { .bytes = { 0x20, 0x01, 0x0d, 0xb8 } };
	a.bytes[4] = (uint8_t)(i % DECOY_CLIENTS >> 8);
	a.bytes[5] = (uint8_t)(i % DECOY_CLIENTS);
	a.bytes[15] = 1;
	return a;
}

static void flood(struct world *w, enum flood kind, const struct sender *s, unsigned turn)
{
	char zone[64], name[80];
	for (unsigned i = 0; i < decoys; i++) {
		unsigned number = FIRST_DECOY + turn * decoys + i;
		struct addr client = kind == BY_HIMSELF ? s->client : flooder(kind, i);
		snprintf(zone, sizeof zone, "decoy%u.test", number);
		snprintf(name, sizeof name, "www.decoy%u.test", number);
		struct servers at = { zone, number, 0xc8000000 + number * 256 };
		w->now_ns += NS_PER_MS;
		world_ask(w, &client, name, &at, DNS_A);
		if (kind == BY_DOMAIN && i < 1000)
			world_ask(w, &client, "www.cell1.test",
			          &(struct servers){ "cell1.test", 0x1001, 0xc6000100 }, DNS_A);
	}
}

static double with_flood(const struct cell *c, enum flood kind)
{
	static struct sender s;
	struct world w;
	struct addr client = addr_v4(0x0a000001);
	world_start(&w);
	sender_init(&s, c, &client, 1);
	for (unsigned i = 0; i < FLOODS; i++) {
		senders_run(&s, 1, &w, (double)hours / FLOODS / 2);
		if (kind != NO_FLOOD)
			flood(&w, kind, &s, i);
		senders_run(&s, 1, &w, (double)hours / FLOODS / 2);
	}
	world_stop(&w);
	return s.payload;
}

static unsigned part_decoys(void)
{
	static const struct cell cells[] = {
		{ 1, 32, 1, true, false, AS_BASE32, NULL },
		{ 60, 16, 10, false, false, AS_WORDS, NULL },
		{ 30, 16, 1, true, true, AS_BASE32, NULL },
		{ 600, 8, 10, false, false, AS_HEX, NULL },
	};
	unsigned missed = 0;
	printf("\n## Floods of %u decoy domains, %d times in %u hours: payload bytes that got out\n\n"
	       "| sender |",
	       decoys, FLOODS, hours);
	for (unsigned k = 0; k < FLOOD_KINDS; k++)
		printf(" %s |", flood_names[k]);
	printf("\n|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < ARRAY_LEN(cells); i++) {
		double without = 0;
		printf("| %s%u bytes each %g s, %s, %u domains |",
		       cells[i].is_careful ? "careful: " : "", cells[i].size, cells[i].spacing_s,
		       encoding_names[cells[i].encoding], cells[i].domains);
		for (unsigned k = 0; k < FLOOD_KINDS; k++) {
			double bytes = with_flood(&cells[i], (enum flood)k);
			without = k == NO_FLOOD ? bytes : without;
			bool is_missed = k != BY_DOMAIN && bytes > without * LEAK_TIMES_MAX;
			printf(" %.0f%s |", bytes, is_missed ? " MISSED" : "");
			fflush(stdout);
			missed += is_missed;
		}
		printf("\n");
	}
	return missed;
}

/* ---- many clients together ---- */

static void with_clients(unsigned n, bool is_one_domain)
{
	static struct sender s[CLIENTS_MAX];
	struct world w;
	const struct cell c = { 30, 16, 1, true, true, AS_BASE32, NULL };
	double sum = 0, most = 0;
	world_start(&w);
	for (unsigned i = 0; i < n; i++) {
		struct addr client = addr_v4(0x0a000001 + i);
		sender_init(&s[i], &c, &client, is_one_domain ? 1 : i + 1);
		s[i].seed = i;
		s[i].next_ns += i * NS_PER_S;
	}
	senders_run(s, n, &w, hours);
	world_stop(&w);
	for (unsigned i = 0; i < n; i++) {
		double rate = sender_rate(&s[i], hours / 2, hours);
		sum += rate;
		most = fmax(most, rate);
	}
	printf(" %.0f / %.0f |", sum, most);
	fflush(stdout);
}

static void part_clients(void)
{
	static const unsigned numbers[] = { 1, 2, 4, 7, 8, 16, 64 };
	printf("\n## Clients that work together: payload bytes an hour in the second half of %u hours, of all / of the one "
	       "with most\n\n| clients | one domain | a domain each |\n|---|---|---|\n",
	       hours);
	for (unsigned i = 0; i < ARRAY_LEN(numbers); i++) {
		printf("| %u |", numbers[i]);
		with_clients(numbers[i], true);
		with_clients(numbers[i], false);
		printf("\n");
	}
}

/* ---- domains that are not quite anybody's ---- */

static void part_ceilings(void)
{
	static const struct {
		const char *what, *zone;
		unsigned n;
	} rows[] = {
		{ "a domain that nobody else asks for", NULL, 1 },
		{ "a domain of the list of popular ones", "wikipedia.org", 1 },
		{ "a reverse zone", "113.0.203.in-addr.arpa", 1 },
		{ "ten reverse zones of one network of 16 bits, on servers apart",
		  "0.203.in-addr.arpa", 10 },
		{ "ten reverse zones of networks of 16 bits, on servers apart", "203.in-addr.arpa",
		  10 },
	};
	static struct sender s;
	struct addr client = addr_v4(0x0a000001);
	printf("\n## Ceilings: payload bytes an hour of one careful client, in the second half of %u hours, where his data goes "
	       "to the servers of\n\n| zone | bytes an hour |\n|---|---|\n",
	       hours);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct cell c = { 5, 32, rows[i].n, rows[i].n == 1, true, AS_BASE32, rows[i].zone };
		struct world w;
		world_start(&w);
		sender_init(&s, &c, &client, 1);
		senders_run(&s, 1, &w, hours);
		world_stop(&w);
		printf("| %s | %.0f |\n", rows[i].what, sender_rate(&s, hours / 2, hours));
	}
}

/* ---- channels that are no names ---- */

static const uint16_t types[16] = { 1, 2, 5, 6, 12, 13, 15, 16, 17, 28, 29, 33, 35, 44, 52, 257 };

/* Ask for what `n_types` and `n_zones` leave to choose, as often as it is let through; packets an hour. */
static double packets_an_hour(unsigned n_types, unsigned n_zones, bool is_one_server)
{
	struct world w;
	struct addr client = addr_v4(0x0a000001);
	char zone[64], name[80];
	uint64_t passed = 0, seed = 1;
	world_start(&w);
	while (w.now_ns < hours * NS_PER_H) {
		seed = seed * 6364136223846793005U + 1442695040888963407U;
		unsigned number = (unsigned)(seed >> 33) % n_zones;
		uint16_t type = types[(seed >> 50) % n_types];
		snprintf(zone, sizeof zone, "cell%u.test", number);
		snprintf(name, sizeof name, "www.cell%u.test", number);
		unsigned server = is_one_server ? 1 : number + 1;
		struct servers at = { zone, 0x1000 + server, 0xc6000000 + server * 256 };
		bool is_sent = world_ask(&w, &client, name, &at, type);
		passed += is_sent && w.now_ns > hours * NS_PER_H / 2;
		w.now_ns += (is_sent ? 2 : 60) * NS_PER_S;
	}
	world_stop(&w);
	return (double)passed / (hours / 2.0);
}

static void part_channels(void)
{
	printf("\n## Channels that are no names: what a careful client gets through in the second half of %u hours\n\n"
	       "| what is chosen | packets an hour | bits each | bytes an hour |\n|---|---|---|---|\n",
	       hours);
	double n = packets_an_hour(16, 1, true);
	printf("| one of 16 types of one name | %.0f | 4 | %.0f |\n", n, n * 4 / 8);
	static const unsigned zones[] = { 16, 256, ZONES };
	for (unsigned i = 0; i < ARRAY_LEN(zones); i++) {
		for (unsigned k = 0; k < 2; k++) {
			n = packets_an_hour(1, zones[i], k == 0);
			printf("| one of %u domains, %s | %.0f | %.0f | %.0f |\n", zones[i],
			       k == 0 ? "one server" : "servers apart", n, log2(zones[i]),
			       n * log2(zones[i]) / 8);
		}
	}
	n = packets_an_hour(1, 1, true);
	static const struct {
		double s;
		const char *text;
	} steps[] = { { 1, "second" },
		      { 0.1, "tenth of a second" },
		      { 0.01, "hundredth of a second" } };
	for (unsigned i = 0; i < ARRAY_LEN(steps); i++) {
		double bits = log2(M_E * 3600 / n / steps[i].s);
		printf("| when one name is asked for, to a %s (a bound: Poisson arrivals) | %.0f | %.1f | %.0f |\n",
		       steps[i].text, n, bits, n * bits / 8);
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (argc > 2)
		hours = (unsigned)strtoul(argv[2], NULL, 10);
	if (argc > 3)
		decoys = (unsigned)strtoul(argv[3], NULL, 10);
	if (hours < 2 || hours > HOURS_MAX)
		return 2;
	world_read(argv[1]);
	rcu_thread_start();
	unsigned missed = part_decoys();
	part_clients();
	part_ceilings();
	part_channels();
	rcu_drain();
	rcu_thread_stop();
	return missed > 0;
}
