/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the detectors cost. CPU: the same ordinary misses once with all detectors, once without each, once
 * with each alone, in turn, several rounds; medians of the hooks' time a miss (packets and answer together)
 * and a packet. Memory: of 10,000 clients, after that many have asked; and after a million domains and clients.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "benign.h"
#include "reports.h"

enum {
	ROUNDS = 7,
	MISSES = 40000, /* of one round */
	CLIENTS = 10000,
	PLANS = 2 + 2 * N_DETECTORS,
	CHURN = 1000000,
	CHURN_PARTS = 5,
};

#define NS_MAX 3000.0 /* of a miss, all detectors */

static uint64_t resident_bytes(void)
{
	unsigned long total = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu %lu", &total, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * 4096;
}

/* ---- CPU ---- */

struct sample {
	double ns_miss, ns_packet;
};

/* Half of the names popular, A and AAAA; every miss by another client of the 10,000. */
static struct sample measure(const struct benign *b, uint64_t seed, uint64_t without)
{
	static struct truth truth;
	static const uint16_t types[] = { DNS_A, DNS_AAAA };
	struct engine_plan plan = { .seed = seed,
		                    .without = without,
		                    .learn_s = ENGINE_LEARNS,
		                    .provider = benign_provider,
		                    .provider_arg = (void *)(uintptr_t)b };
	uint64_t dice = seed;
	engine_start(&plan);
	for (unsigned i = 0; i < 2 * MISSES; i++) {
		const struct site *s = i % 2 == 0 ? benign_popular(b, &dice) : benign_any(b, &dice);
		struct engine_question q = { .client = addr_v4(0x0a000001 +
			                                       dice_below(&dice, CLIENTS)),
			                     .now_ns = i * 10 * NS_PER_MS };
		if (i == MISSES) /* all is warm */
			engine_measure(true);
		name_set(&q.name, s->name);
		for (unsigned k = 0; k < ARRAY_LEN(types); k++) {
			q.type = types[k];
			benign_truth(s, q.type, &truth);
			engine_ask(&q, &truth);
		}
		if (i == MISSES - 1)
			engine_measure(false);
	}
	struct engine_counts n = engine_counts();
	/* The second half's share: as many as in the first. */
	double misses = (double)(n.questions - n.hits) / 2, packets = (double)n.packets / 2;
	struct sample got = { (double)engine_cpu_ns() / misses, (double)engine_cpu_ns() / packets };
	engine_stop();
	return got;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double median(double *at, unsigned n)
{
	qsort(at, n, sizeof *at, compare);
	return at[n / 2];
}

static uint64_t without_of(unsigned plan)
{
	uint64_t all = (UINT64_C(1) << N_DETECTORS) - 1;
	return plan == 0                ? 0
	       : plan == 1              ? all
	       : plan < 2 + N_DETECTORS ? UINT64_C(1) << (plan - 2)
	                                : all & ~(UINT64_C(1) << (plan - 2 - N_DETECTORS));
}

static double report_cpu(const struct benign *b, const struct options *o)
{
	static double miss[PLANS][ROUNDS], packet[PLANS][ROUNDS];
	static double of_miss[PLANS], of_packet[PLANS];
	for (unsigned r = 0; r < ROUNDS; r++) {
		for (unsigned p = 0; p < PLANS; p++) {
			struct sample s = measure(b, o->seed + r, without_of(p));
			miss[p][r] = s.ns_miss;
			packet[p][r] = s.ns_packet;
		}
	}
	for (unsigned p = 0; p < PLANS; p++) {
		of_miss[p] = median(miss[p], ROUNDS);
		of_packet[p] = median(packet[p], ROUNDS);
	}
	/* Reading the CPU's clock twice a call is in all of them. */
	printf("CPU, medians of %u rounds; none: %.0f ns a miss, of which is all below\n"
	       "all detectors: %.0f ns a miss, %.0f ns a packet\n%-12s %20s %20s\n",
	       ROUNDS, of_miss[1], of_miss[0] - of_miss[1], of_packet[0] - of_packet[1], "detector",
	       "alone, ns a miss", "less without it");
	for (unsigned d = 0; d < N_DETECTORS; d++)
		printf("%-12s %20.0f %20.0f\n", config_detector(d)->name,
		       of_miss[2 + N_DETECTORS + d] - of_miss[1], of_miss[0] - of_miss[2 + d]);
	fflush(stdout);
	return of_miss[0] - of_miss[1];
}

/* ---- memory ---- */

/* Names of domains that nobody has asked for before, a client each. */
static void churn(uint64_t first, uint64_t n, unsigned clients, uint64_t *dice)
{
	static struct truth truth;
	for (uint64_t i = first; i < first + n; i++) {
		char text[64];
		struct engine_question q = { .client =
			                             addr_v4(0x0a000000 + (uint32_t)(i % clients)),
			                     .type = DNS_A,
			                     .now_ns = i * NS_PER_MS };
		snprintf(text, sizeof text, "www.%llx-shop%u.%s",
		         (unsigned long long)(dice_roll(dice) & 0xffffff), (unsigned)i,
		         i % 3 == 0 ? "net" : "com");
		if (name_from_text(text, strlen(text), &q.name) != 0)
			continue;
		truth_init(&truth, RCODE_NOERROR);
		uint64_t h = name_hash(q.name.wire);
		truth_add(&truth, q.name.wire, DNS_A, 300, &h, 4);
		engine_wait(q.now_ns);
		engine_ask(&q, &truth);
	}
}

static unsigned report_memory(const struct options *o)
{
	unsigned n_bad = 0;
	uint64_t dice = o->seed, base = resident_bytes();
	struct engine_plan none = { .seed = o->seed, .is_all_off = true, .learn_s = ENGINE_LEARNS };
	struct engine_plan plan = { .seed = o->seed, .learn_s = ENGINE_LEARNS };
	engine_start(&none);
	churn(0, CHURN / CHURN_PARTS, CLIENTS, &dice);
	uint64_t without = resident_bytes() - base;
	engine_stop();
	malloc_trim(0);
	base = resident_bytes();
	engine_start(&plan);
	churn(0, CHURN / CHURN_PARTS, CLIENTS, &dice);
	printf("\nmemory: 10,000 clients, %u domains: the detectors say %.1f MiB; resident %.1f MiB more "
	       "than at the start, %.1f without detectors (cache and tables of the engine)\n",
	       CHURN / CHURN_PARTS, (double)engine_bytes() / 1048576,
	       (double)(resident_bytes() - base) / 1048576, (double)without / 1048576);
	n_bad += engine_bytes() > 64U << 20;
	printf("%12s %12s %14s %16s\n", "domains", "clients", "say, MiB", "resident, MiB");
	uint64_t first = 0;
	for (unsigned i = 1; i <= CHURN_PARTS; i++) {
		churn((uint64_t)i * CHURN / CHURN_PARTS, CHURN / CHURN_PARTS, CHURN, &dice);
		uint64_t now = resident_bytes() - base;
		first = i == 1 ? now : first;
		printf("%12u %12u %14.1f %16.1f\n", (i + 1) * (CHURN / CHURN_PARTS),
		       i * (CHURN / CHURN_PARTS), (double)engine_bytes() / 1048576,
		       (double)now / 1048576);
		n_bad += now > first + (8U << 20);
	}
	engine_stop();
	return n_bad;
}

int report_cost(const struct options *o)
{
	static struct benign b;
	unsigned n_bad = 0;
	if (o->only == NULL || strcmp(o->only, "memory") != 0) {
		benign_read(&b, o->folder);
		n_bad += report_cpu(&b, o) > NS_MAX;
		benign_free(&b);
	}
	if (o->only == NULL || strcmp(o->only, "cpu") != 0)
		n_bad += report_memory(o);
	return n_bad > 0;
}
