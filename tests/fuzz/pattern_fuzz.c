/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as expressions, one a line. Properties: checking takes no longer than a quarter of a
 * second each; what is found good is made into a database within the budget of time and memory, or
 * dropped with a reason; the others match what they match alone; a scan visits each number once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "policy/patterns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	LINES_MAX = 6,
	CHECK_MS = 250,
	SLACK_MS = 4000 /* sanitizers, and a busy machine */
};

static const struct pattern_budget budget = { .all_ms = 1500,
	                                      .one_ms = 300,
	                                      .make_bytes = 512 << 20,
	                                      .database_bytes = 8 << 20 };

static uint32_t seen;

static void note(void *arg, uint32_t number)
{
	must(number < *(const uint32_t *)arg);
	must((seen >> number & 1) == 0);
	seen |= 1U << number;
}

static void build(const char *const *good, uint32_t n_good)
{
	static const char *const names[] = { "", "ads7.example.com", "a", "x-y_z.tracker.top",
		                             "aaaaaaaaaaaaaaaaaaaaaaaa.b" };
	struct pattern_dropped dropped[LINES_MAX] = { 0 };
	uint8_t *bytes = NULL;
	size_t n_bytes = 0;
	struct patterns *p;
	uint64_t start_ns = clock_mono_ns();
	must(pattern_build(good, n_good, &budget, dropped, &bytes, &n_bytes) == 0);
	must(clock_mono_ns() - start_ns < (budget.all_ms * 12 + SLACK_MS) * NS_PER_MS);
	for (uint32_t i = 0; i < n_good; i++)
		must((dropped[i].fault == POLICY_PATTERN_GOOD) == (dropped[i].why[0] == 0));
	if (bytes == NULL)
		return;
	must(n_bytes <= budget.database_bytes);
	must(patterns_new(bytes, n_bytes, &p) == 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		seen = 0;
		patterns_scan(p, names[i], strlen(names[i]), note, &n_good);
		for (uint32_t at = 0; at < n_good; at++)
			must((seen >> at & 1) == 0 || dropped[at].fault == POLICY_PATTERN_GOOD);
	}
	patterns_put(p);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char lines[LINES_MAX][2 * POLICY_PATTERN_MAX], why[POLICY_PATTERN_WHY_MAX];
	const char *good[LINES_MAX];
	uint32_t n_good = 0;
	for (size_t at = 0, i = 0; at < n && i < LINES_MAX; i++) {
		const uint8_t *lf = memchr(data + at, '\n', n - at);
		size_t len = lf != NULL ? (size_t)(lf - data - at) : n - at;
		if (len >= sizeof lines[i])
			return 0;
		memcpy(lines[i], data + at, len);
		lines[i][len] = 0;
		uint64_t start_ns = clock_mono_ns();
		if (policy_pattern_check(lines[i], why) == POLICY_PATTERN_GOOD)
			good[n_good++] = lines[i];
		must(clock_mono_ns() - start_ns < (CHECK_MS + SLACK_MS) * NS_PER_MS);
		at += len + 1;
	}
	if (n_good > 0)
		build(good, n_good);
	return 0;
}
