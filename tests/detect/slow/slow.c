/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * slow SOURCE [HOURS [PART]]: what slow senders get out, through the real detectors on a clock of
 * their own; a table, and exit status 1 where more than 60 bytes an hour get out in the long run.
 *
 * SOURCE: the folder of the source. HOURS: of each cell, 48 by default. PART: only every PART-th cell
 * of the grid.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/rcu.h"
#include "sender.h"

enum {
	RATE_MAX = 60,
	LAYOUTS = 5,
};

static const double spacings_s[] = { 1, 10, 60, 600 };
static const unsigned sizes[] = { 8, 16, 32 };
static const struct layout {
	unsigned domains;
	bool is_shared;
	const char *name;
} layouts[LAYOUTS] = {
	{ 1, true, "1 domain" },
	{ 3, true, "3, one server" },
	{ 3, false, "3, servers apart" },
	{ 10, true, "10, one server" },
	{ 10, false, "10, servers apart" },
};

struct tally {
	unsigned cells, missed;
	double rate_max, burst_max;
	unsigned hours;
};

static void run_cell(const struct cell *c, struct tally *t)
{
	static struct sender s;
	struct world w;
	struct addr client = addr_v4(0x0a000001);
	unsigned from_h = t->hours / 2;
	world_start(&w);
	sender_init(&s, c, &client, 1);
	senders_run(&s, 1, &w, t->hours);
	world_stop(&w);
	double rate = sender_rate(&s, from_h, t->hours);
	/* A chunk that happens to fall into the second half is no rate. */
	bool is_missed = rate > RATE_MAX + (double)c->size / (t->hours - from_h);
	printf(" %.0f / %.0f%s", rate, s.burst, is_missed ? " MISSED" : "");
	if (s.blocked_h >= 0 && s.blocked_h < 0.1)
		printf(" (%.0f s)", s.blocked_h * 3600);
	else if (s.blocked_h >= 0)
		printf(" (%.1f h)", s.blocked_h);
	printf(" |");
	fflush(stdout);
	t->cells++;
	t->missed += is_missed;
	t->rate_max = fmax(t->rate_max, rate);
	t->burst_max = fmax(t->burst_max, s.burst);
}

static void run_row(const struct cell *like, struct tally *t)
{
	printf("| %s%u bytes each %g s, %s |", like->is_careful ? "careful: " : "", like->size,
	       like->spacing_s, encoding_names[like->encoding]);
	for (unsigned i = 0; i < LAYOUTS; i++) {
		struct cell c = *like;
		c.domains = layouts[i].domains;
		c.is_shared = layouts[i].is_shared;
		run_cell(&c, t);
	}
	printf("\n");
}

static void head(void)
{
	printf("| sender |");
	for (unsigned i = 0; i < LAYOUTS; i++)
		printf(" %s |", layouts[i].name);
	printf("\n|---|");
	for (unsigned i = 0; i < LAYOUTS; i++)
		printf("---|");
	printf("\n");
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	struct tally t = { .hours = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 48 };
	unsigned part = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1, n = 0;
	if (t.hours < 2 || t.hours > HOURS_MAX || part == 0)
		return 2;
	world_read(argv[1]);
	rcu_thread_start();
	clock_t begin = clock();
	printf("## Slow senders, %u hours each, on a clock of their own\n\n"
	       "Payload bytes an hour in the second half / burst: the least B such that never more than B + 60 bytes\n"
	       "an hour had arrived (when the first packet was blocked).\n\n",
	       t.hours);
	head();
	for (unsigned i = 0; i < ARRAY_LEN(spacings_s); i++) {
		for (unsigned k = 0; k < ARRAY_LEN(sizes); k++) {
			for (unsigned e = 0; e < ENCODINGS; e++) {
				if (n++ % part == 0)
					run_row(&(struct cell){ .spacing_s = spacings_s[i],
					                        .size = sizes[k],
					                        .encoding = (enum encoding)e },
					        &t);
			}
		}
	}
	for (unsigned e = 0; e < ENCODINGS && n++ % part == 0; e++)
		run_row(&(struct cell){ .spacing_s = 30,
		                        .size = 16,
		                        .encoding = (enum encoding)e,
		                        .is_careful = true },
		        &t);
	rcu_drain();
	rcu_thread_stop();
	printf("\n%u cells; at most %.0f bytes an hour in the long run, burst at most %.0f bytes; "
	       "%u over %d bytes an hour; %.0f s of CPU\n",
	       t.cells, t.rate_max, t.burst_max, t.missed, RATE_MAX,
	       (double)(clock() - begin) / CLOCKS_PER_SEC);
	return t.missed > 0;
}
