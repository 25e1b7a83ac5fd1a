/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lookalike_report [-a] [-v] [-n EXAMPLES] <NAMES: what the detector `lookalike` says of names, and what it costs.
 *
 * NAMES: a name a line. Each is asked for once, as if nothing were in the cache; with -a it is then
 * answered with an address, as of a domain that is new here. Printed: how many were found at each confidence and by each rule, examples spread evenly over
 * what was found (-n, 0 at first; -v: all, with the name first), and the CPU time of the rules a
 * name.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rcu.h"
#include "detect/detect.h"
#include "detect/resemble.h"
#include "dns/message.h"
#include "dns/registered.h"

enum {
	LINE_MAX_BYTES = 4096,
	EXAMPLES_MAX = 1000,
	BATCH = 1024,
};

struct report {
	struct detect *d;
	struct brands *known;
	bool is_answered, is_verbose;
	unsigned n_examples;
	uint64_t n, found[DETECT_CONFIDENCES], by[RESEMBLANCES], taken_ns;
	unsigned dice;
	char examples[EXAMPLES_MAX][LINE_MAX_BYTES / 8];
};

/* All the others are off. */
static void write_config(char *ret, size_t n)
{
	size_t len = (size_t)snprintf(ret, n, "detect:\n  lookalike.low: alert\n");
	for (unsigned i = 0; i < N_DETECTORS; i++) {
		if (i != DETECTOR_lookalike)
			len += (size_t)snprintf(ret + len, n - len, "  %s.enable: false\n",
			                        config_detector((enum detector_id)i)->name);
	}
}

static uint64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void ask(struct report *r, const struct name *name, struct detect_result *ret)
{
	struct addr client = addr_v4(0xc0000201);
	struct detect_question q = { .client = &client,
		                     .question = name->wire,
		                     .name = name->wire,
		                     .type = 1,
		                     .sent_type = 1,
		                     .is_first = true,
		                     .now_ns = NS_PER_S };
	detect_question(r->d, &q, ret);
	if (!r->is_answered || ret->findings.n > 0)
		return;
	struct rr rr = { .type = 1 };
	struct detect_answer a = { .client = &client,
		                   .question = name->wire,
		                   .type = 1,
		                   .rrs = &rr,
		                   .n_rrs = 1,
		                   .has_age = true,
		                   .now_ns = NS_PER_S };
	detect_answer(r->d, &a, ret);
}

/* Each finding has the same chance to be among the examples. */
static void keep_example(struct report *r, const char *line, const struct detect_finding *f,
                         uint64_t n_found)
{
	r->dice = r->dice * 1103515245 + 12345;
	uint64_t at = n_found <= r->n_examples ? n_found - 1 : (r->dice >> 8) % n_found;
	if (at < r->n_examples)
		snprintf(r->examples[at], sizeof r->examples[at], "%s\t%s", line, f->text);
}

/* A name of the batch, and what was found. */
struct asked {
	char line[LINE_MAX_BYTES / 8];
	struct name name;
	struct detect_result result;
};

static unsigned read_batch(struct asked at[BATCH])
{
	static char line[LINE_MAX_BYTES];
	unsigned n = 0;
	while (n < BATCH && fgets(line, sizeof line, stdin) != NULL) {
		size_t len = strcspn(line, "\r\n");
		if (len == 0 || len >= sizeof at->line ||
		    name_from_text(line, len, &at[n].name) != 0)
			continue;
		memcpy(at[n].line, line, len);
		at[n++].line[len] = 0;
	}
	return n;
}

static void take(struct report *r, const struct asked *asked)
{
	const struct detect_finding *f = detect_strongest(&asked->result.findings);
	if (f == NULL)
		return;
	r->found[f->confidence]++;
	for (unsigned i = 0; i < f->n_evidence; i++)
		if (strcmp(f->evidence[i].name, "rule") == 0)
			r->by[f->evidence[i].value]++;
	keep_example(r, asked->line, f, r->found[0] + r->found[1] + r->found[2]);
	if (r->is_verbose)
		printf("%s\t%s\t%s\n", asked->line, config_confidence_name(f->confidence), f->text);
}

/* CPU time of the rules alone: what a name is registered below is found out for all detectors. */
static uint64_t time_of(const struct report *r, const struct asked *batch, unsigned n)
{
	static unsigned registered[BATCH];
	struct resembled found;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *at = name_registered(batch[i].name.wire);
		registered[i] = at != NULL ? name_labels(at) : 0;
	}
	uint64_t before = cpu_ns();
	for (unsigned i = 0; i < n; i++)
		resemble(r->known, batch[i].name.wire, registered[i], &found);
	return cpu_ns() - before;
}

static void run(struct report *r)
{
	static struct asked batch[BATCH];
	for (unsigned n; (n = read_batch(batch)) > 0; r->n += n) {
		r->taken_ns += time_of(r, batch, n);
		for (unsigned i = 0; i < n; i++)
			ask(r, &batch[i].name, &batch[i].result);
		for (unsigned i = 0; i < n; i++)
			take(r, &batch[i]);
	}
}

static void print(const struct report *r)
{
	static const char *const rules[RESEMBLANCES] = {
		"",      "mixed scripts", "suffix", "words", "left",       "edit",
		"marks", "shapes",        "strong", "below", "below+word", "letters",
	};
	printf("%llu names, %.2f us each; low %llu, medium %llu, high %llu\n",
	       (unsigned long long)r->n, (double)r->taken_ns / 1e3 / (double)(r->n + !r->n),
	       (unsigned long long)r->found[0], (unsigned long long)r->found[1],
	       (unsigned long long)r->found[2]);
	for (unsigned i = 1; i < RESEMBLANCES; i++)
		printf("  %s %llu\n", rules[i], (unsigned long long)r->by[i]);
	for (unsigned i = 0; i < r->n_examples && r->examples[i][0] != 0; i++)
		printf("    %s\n", r->examples[i]);
}

int main(int argc, char **argv)
{
	static struct report r;
	struct config *c;
	struct config_problems problems = { 0 };
	for (int o; (o = getopt(argc, argv, "avn:")) != -1;) {
		if (o == 'a')
			r.is_answered = true;
		else if (o == 'v')
			r.is_verbose = true;
		else if (o == 'n')
			r.n_examples = (unsigned)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (r.n_examples > EXAMPLES_MAX)
		r.n_examples = EXAMPLES_MAX;
	char config_text[4096];
	write_config(config_text, sizeof config_text);
	if (config_load_text("none", config_text, strlen(config_text), &c, &problems) != 0) {
		config_problems_print(&problems, stderr);
		return 1;
	}
	config_problems_done(&problems);
	if (detect_new(c, &r.d) != 0 || brands_new(&r.known) != 0)
		return 1;
	run(&r);
	print(&r);
	brands_free(r.known);
	detect_free(r.d);
	config_free(c);
	return 0;
}
