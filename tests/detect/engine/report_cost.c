/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the detectors cost. CPU: whole runs of the engine on the same questions, without detection, with all
 * detectors, with each alone, in a process each, in turn; the differences of the processes' CPU time for each
 * miss, in the office and in a crawl (mix.h). Memory: of 10,000 clients, after that many have asked; and after
 * a million domains and clients.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "mix.h"
#include "packed.h"
#include "reports.h"

enum {
	ROUNDS = 9,
	CLIENTS = 10000,
	CHURN = 1000000,
	CHURN_PARTS = 5,
	GROWTH_MIB = 8, /* of pages that were not touched so far */
};

#define NS_MAX 3000.0 /* of a miss in the office, all detectors */

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

/* What is compared: without detection; with its front alone; with one detector, with all. */
enum {
	PLAN_OFF,
	PLAN_FRONT,
	PLAN_ALL,
	PLAN_BUT_DGA,
	PLAN_ONE, /* and those behind it: a detector each */
	PLANS = PLAN_ONE + N_DETECTORS,
};

/* What a part of a mix took. */
struct part {
	uint64_t cpu_ns, misses, packets, faults;
};

/* A process that runs one plan, a part at a time, whenever it is told to. */
struct runner {
	pid_t pid;
	int to, from;
};

static uint64_t process_cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static struct part part_so_far(void)
{
	struct engine_counts n = engine_counts();
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	return (struct part){ .cpu_ns = process_cpu_ns(),
		              .misses = n.questions - n.hits,
		              .packets = n.packets,
		              .faults = (uint64_t)used.ru_minflt };
}

static struct part part_between(struct part a, struct part b)
{
	return (struct part){ b.cpu_ns - a.cpu_ns, b.misses - a.misses, b.packets - a.packets,
		              b.faults - a.faults };
}

static uint64_t without_of(unsigned plan)
{
	uint64_t all = (UINT64_C(1) << N_DETECTORS) - 1;
	return plan == PLAN_OFF || plan == PLAN_FRONT ? all
	       : plan == PLAN_ALL                     ? 0
	       : plan == PLAN_BUT_DGA                 ? UINT64_C(1) << DETECTOR_dga
	                                              : all & ~(UINT64_C(1) << (plan - PLAN_ONE));
}

/* The first part is what comes before; it is not measured. */
static void run_plan(const struct benign *b, const struct options *o, enum mix_kind kind,
                     unsigned plan, int from, int to)
{
	struct engine_plan p = { .seed = o->seed,
		                 .is_all_off = plan == PLAN_OFF,
		                 .without = without_of(plan),
		                 .learn_s = ENGINE_LEARNS,
		                 .provider = benign_provider,
		                 .provider_arg = (void *)(uintptr_t)b };
	struct mix mix;
	char go;
	mix_open(&mix, kind, b, o->folder, o->seed);
	engine_start(&p);
	for (unsigned i = 0; read(from, &go, 1) == 1; i++) {
		struct part before = part_so_far();
		if (i == 0)
			mix_warm_up(&mix);
		else
			mix_play(&mix);
		struct part took = part_between(before, part_so_far());
		if (write(to, &took, sizeof took) != sizeof took)
			break;
	}
	engine_stop();
	mix_close(&mix);
}

static void runner_start(struct runner *r, unsigned n_before, const struct benign *b,
                         const struct options *o, enum mix_kind kind)
{
	int there[2], back[2];
	struct runner *new = &r[n_before];
	fflush(stdout);
	if (pipe(there) != 0 || pipe(back) != 0)
		die("no pipe", "CPU");
	new->pid = fork();
	if (new->pid < 0)
		die("no process", "CPU");
	if (new->pid == 0) {
		for (unsigned i = 0; i < n_before; i++) {
			close(r[i].to);
			close(r[i].from);
		}
		close(there[1]);
		close(back[0]);
		run_plan(b, o, kind, n_before, there[0], back[1]);
		_exit(0);
	}
	close(there[0]);
	close(back[1]);
	new->to = there[1];
	new->from = back[0];
}

static struct part runner_play(const struct runner *r)
{
	struct part took;
	if (write(r->to, "", 1) != 1 || read(r->from, &took, sizeof took) != sizeof took)
		die("a run has failed", "CPU");
	return took;
}

static void runner_stop(const struct runner *r)
{
	close(r->to);
	close(r->from);
	waitpid(r->pid, NULL, 0);
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Of the differences between two plans, in the same round; and their quartiles. */
struct cost {
	double low, median, high;
};

static struct cost cost_of(struct part took[ROUNDS][PLANS], unsigned plan, unsigned less)
{
	double at[ROUNDS];
	for (unsigned r = 0; r < ROUNDS; r++)
		at[r] = (double)took[r][plan].cpu_ns / (double)took[r][plan].misses -
		        (double)took[r][less].cpu_ns / (double)took[r][less].misses;
	qsort(at, ROUNDS, sizeof at[0], compare);
	return (struct cost){ at[ROUNDS / 4], at[ROUNDS / 2], at[ROUNDS - 1 - ROUNDS / 4] };
}

static void print_cost(const char *name, struct cost c)
{
	printf("%-22s %8.0f %8.0f to %.0f\n", name, c.median, c.low, c.high);
}

static double print_mix(enum mix_kind kind, struct part took[ROUNDS][PLANS])
{
	uint64_t misses = 0, packets = 0, cpu_ns = 0, faults = 0;
	for (unsigned r = 0; r < ROUNDS; r++) {
		misses += took[r][PLAN_OFF].misses;
		packets += took[r][PLAN_OFF].packets;
		cpu_ns += took[r][PLAN_OFF].cpu_ns;
		faults += took[r][PLAN_ALL].faults - took[r][PLAN_OFF].faults;
	}
	printf("CPU of the %s: %u rounds, each with all plans; %llu misses, %.2f packets each; the engine "
	       "itself %.0f ns a miss\n%-22s %8s %8s\n",
	       mix_name(kind), ROUNDS, (unsigned long long)misses, (double)packets / (double)misses,
	       (double)cpu_ns / (double)misses, "ns a miss", "median", "quartiles");
	print_cost("all detectors", cost_of(took, PLAN_ALL, PLAN_OFF));
	print_cost("all but dga", cost_of(took, PLAN_BUT_DGA, PLAN_OFF));
	print_cost("none, the front", cost_of(took, PLAN_FRONT, PLAN_OFF));
	for (unsigned d = 0; d < N_DETECTORS; d++)
		print_cost(config_detector(d)->name, cost_of(took, PLAN_ONE + d, PLAN_FRONT));
	printf("memory touched for the first time: %.3f pages a miss\n\n",
	       (double)(int64_t)faults / (double)misses);
	fflush(stdout);
	return cost_of(took, PLAN_ALL, PLAN_OFF).median;
}

/* Each round is the next part of the mix, with all plans in turn: what else the machine does, it does to all. */
static double report_cpu(const struct benign *b, const struct options *o, enum mix_kind kind)
{
	static struct part took[ROUNDS][PLANS];
	struct runner runners[PLANS];
	for (unsigned p = 0; p < PLANS; p++)
		runner_start(runners, p, b, o, kind);
	for (unsigned p = 0; p < PLANS; p++)
		runner_play(&runners[p]);
	for (unsigned r = 0; r < ROUNDS; r++) {
		for (unsigned p = 0; p < PLANS; p++) {
			unsigned which = r % 2 == 0 ? p : PLANS - 1 - p;
			took[r][which] = runner_play(&runners[which]);
		}
	}
	for (unsigned p = 0; p < PLANS; p++)
		runner_stop(&runners[p]);
	return print_mix(kind, took);
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
	bool is_memory = o->only == NULL || strcmp(o->only, "memory") == 0;
	bool is_cpu = o->only == NULL || strcmp(o->only, "cpu") == 0;
	if (!is_memory || is_cpu)
		benign_read(&b, o->folder);
	for (unsigned k = 0; k < MIXES; k++) {
		if (!is_cpu && strcmp(o->only, mix_name(k)) != 0)
			continue;
		double ns = report_cpu(&b, o, k);
		n_bad += k == MIX_OFFICE && ns > NS_MAX;
	}
	benign_free(&b);
	if (is_memory)
		n_bad += report_memory(o);
	return n_bad > 0;
}
