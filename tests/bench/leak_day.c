/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * leak_day CLIENTS HOURS <NAMES: what the leak budget says of ordinary names, and what it costs.
 *
 * NAMES: lines with a name in the last column, or in the fourth of six (time, rcode, type, name,
 * bytes, answers). Each is asked for once, A and AAAA, by one of the clients in turn, over so many
 * hours, as if nothing were in the cache and each registered domain had servers of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rcu.h"
#include "detect/detect.h"
#include "dns/registered.h"

enum {
	LINE_MAX_BYTES = 65536,
	NAMES_MAX = 4000000,
	SHOWN = 20,
};

struct day {
	struct detect *d;
	unsigned clients;
	uint64_t n, throttled, held, blocked, alerted;
	unsigned shown;
	uint8_t is_hit[1 << 20]; /* by client */
};

static char *name_in(char *line)
{
	char *columns[8];
	unsigned n = 0;
	line[strcspn(line, "\n")] = 0;
	for (char *p = line; p != NULL && n < 8;) {
		columns[n++] = p;
		p = strchr(p, '\t');
		if (p != NULL)
			*p++ = 0;
	}
	return n >= 5 ? columns[3] : columns[n - 1];
}

/* A name, ready to be asked for. */
struct wanted {
	uint8_t *wire;
	const uint8_t *registered;
	uint64_t hash;
};

static bool prepare(const char *text, struct wanted *ret)
{
	struct name name;
	if (name_from_text(text, strlen(text), &name) != 0)
		return false;
	const uint8_t *registered = name_registered(name.wire);
	ret->wire = registered != NULL ? malloc(name.len) : NULL;
	if (ret->wire == NULL)
		return false;
	memcpy(ret->wire, name.wire, name.len);
	ret->registered = ret->wire + (registered - name.wire);
	ret->hash = name_hash(ret->registered);
	return true;
}

static void count(struct day *day, const struct wanted *w, unsigned client,
                  const struct detect_result *r)
{
	char text[NAME_TEXT_MAX];
	day->n++;
	day->held += r->outcome == DETECT_WAIT;
	day->throttled += r->outcome == DETECT_REFUSED;
	day->blocked += r->outcome == DETECT_BLOCKED;
	for (unsigned i = 0; i < r->findings.n; i++)
		day->alerted += r->findings.at[i].action == DETECT_ALERT;
	if (r->outcome <= DETECT_WAIT)
		return;
	day->is_hit[client] = 1;
	name_to_text(w->wire, text);
	if (day->shown++ < SHOWN)
		printf("  %s %s: %s\n", text,
		       r->outcome == DETECT_BLOCKED ? "blocked" : "throttled",
		       r->findings.at[0].text);
}

static void ask(struct day *day, const struct wanted *w, unsigned client, uint16_t type,
                uint64_t now_ns)
{
	struct addr addr = addr_v4(0x0a000000 + client);
	struct addr server = addr_v4((uint32_t)(w->hash >> 16));
	struct detect_question q = {
		.client = &addr,
		.question = w->wire,
		.name = w->wire,
		.type = type,
		.sent_type = type,
		.is_first = true,
		.zone = { .name = w->registered, .servers_hash = w->hash, .server = &server },
		.now_ns = now_ns
	};
	struct detect_result r;
	detect_question(day->d, &q, &r);
	count(day, w, client, &r);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static unsigned read_names(struct wanted *ret)
{
	static char line[LINE_MAX_BYTES];
	unsigned n = 0;
	while (n < NAMES_MAX && fgets(line, sizeof line, stdin) != NULL)
		n += prepare(name_in(line), &ret[n]);
	return n;
}

static void report(const struct day *day, unsigned n, double hours, uint64_t took_ns)
{
	unsigned n_hit = 0;
	for (unsigned i = 0; i < day->clients; i++)
		n_hit += day->is_hit[i];
	printf("%u names, %u clients, %.1f h: %llu packets, throttled %llu (%.2g), held %llu, "
	       "blocked %llu (%.2g), alerts %llu, clients hit %u; %.0f ns of CPU a packet; %zu MiB\n",
	       n, day->clients, hours, (unsigned long long)day->n,
	       (unsigned long long)day->throttled, (double)day->throttled / (double)day->n,
	       (unsigned long long)day->held, (unsigned long long)day->blocked,
	       (double)day->blocked / (double)day->n, (unsigned long long)day->alerted, n_hit,
	       (double)took_ns / (double)day->n, detect_bytes(day->d) >> 20);
}

int main(int argc, char **argv)
{
	static struct day day;
	struct config *c = NULL;
	struct config_problems problems = { 0 };
	if (argc != 3)
		return 2;
	day.clients = (unsigned)strtoul(argv[1], NULL, 10);
	double hours = strtod(argv[2], NULL);
	struct wanted *names = calloc(NAMES_MAX, sizeof *names);
	if (day.clients == 0 || day.clients > sizeof day.is_hit || names == NULL)
		return 2;
	rcu_thread_start();
	if (config_load_text("leak_day", "{}\n", 3, &c, &problems) != 0 ||
	    detect_new(c, &day.d) != 0)
		return 1;
	unsigned n = read_names(names);
	uint64_t before_ns = cpu_ns();
	for (unsigned i = 0; i < n; i++) {
		uint64_t now_ns = (uint64_t)((double)i / n * hours * 3600e9) + NS_PER_S;
		ask(&day, &names[i], i % day.clients, DNS_A, now_ns);
		ask(&day, &names[i], i % day.clients, DNS_AAAA, now_ns + NS_PER_MS);
	}
	if (n > 0)
		report(&day, n, hours, cpu_ns() - before_ns);
	for (unsigned i = 0; i < n; i++)
		free(names[i].wire);
	free(names);
	detect_free(day.d);
	config_free(c);
	config_problems_done(&problems);
	rcu_drain();
	rcu_thread_stop();
	return 0;
}
