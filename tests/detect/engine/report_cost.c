/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the detectors cost. CPU: the same ordinary misses once with all detectors, once without each, once
 * with each alone, in turn, several rounds; medians of the hooks' time a miss (packets and answer together)
 * and a packet. Memory: of 10,000 clients, after that many have asked; and after a million domains and clients.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "benign.h"
#include "packed.h"
#include "reports.h"

enum {
	ROUNDS = 5,
	MISSES = 15000, /* of one round */
	CLIENTS = 10000,
	PLANS = 2 + 2 * N_DETECTORS,
	CHURN = 1000000,
	CHURN_PARTS = 5,
	GROWTH_MIB = 8, /* of pages that were not touched so far */
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

/* What a process has, and what its detectors say, after so many fifths of a million domains. */
struct taken {
	uint64_t resident, said;
};

/* In a process of its own: what one run has had would be there for the next. */
static void run_churn(const struct options *o, bool is_all_off, struct taken ret[CHURN_PARTS + 1])
{
	struct engine_plan plan = { .seed = o->seed,
		                    .is_all_off = is_all_off,
		                    .learn_s = ENGINE_LEARNS };
	size_t size = (CHURN_PARTS + 1) * sizeof ret[0];
	uint64_t dice = o->seed;
	int ends[2];
	fflush(stdout);
	if (pipe(ends) != 0)
		die("no pipe", "memory");
	pid_t child = fork();
	if (child == 0) {
		engine_start(&plan);
		for (unsigned i = 0; i <= CHURN_PARTS; i++) {
			churn((uint64_t)i * CHURN / CHURN_PARTS, CHURN / CHURN_PARTS,
			      i == 0 ? CLIENTS : CHURN, &dice);
			ret[i] = (struct taken){ resident_bytes(), engine_bytes() };
		}
		_exit(write(ends[1], ret, size) == (ssize_t)size ? 0 : 1);
	}
	close(ends[1]);
	if (child < 0 || read(ends[0], ret, size) != (ssize_t)size)
		die("a run has failed", "memory");
	close(ends[0]);
	waitpid(child, NULL, 0);
}

static unsigned report_memory(const struct options *o)
{
	struct taken with[CHURN_PARTS + 1], without[CHURN_PARTS + 1];
	unsigned n_bad = 0;
	run_churn(o, true, without);
	run_churn(o, false, with);
	printf("\nmemory, in MiB: resident with detectors, without, the difference, and what detectors say "
	       "they have\n%12s %12s %8s %8s %11s %8s\n",
	       "domains", "clients", "with", "without", "difference", "say");
	for (unsigned i = 0; i <= CHURN_PARTS; i++) {
		double more = ((double)with[i].resident - (double)without[i].resident) / 1048576;
		double first = ((double)with[0].resident - (double)without[0].resident) / 1048576;
		printf("%12u %12u %8.1f %8.1f %11.1f %8.1f\n", (i + 1) * (CHURN / CHURN_PARTS),
		       i == 0 ? CLIENTS : i * (CHURN / CHURN_PARTS),
		       (double)with[i].resident / 1048576, (double)without[i].resident / 1048576,
		       more, (double)with[i].said / 1048576);
		n_bad += with[i].said > 64U << 20 || with[i].said != with[0].said ||
		         more > first + GROWTH_MIB;
	}
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
