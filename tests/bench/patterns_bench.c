/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What patterns cost: patterns_bench [N ...], usually 0 100 1000 10000. Nanoseconds to judge a name
 * that no rule matches, seconds to make the database, and its bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/pattern_set.h"

enum {
	N_ROUNDS = 200000
};

static const char *const names[] = {
	"www.example.com",
	"cdn.static.telemetry.example.org",
	"abcdefghijklmnop.example.top",
	"a.very.long.name.with.many.labels.in.it.example.co.uk",
	"track.foo.com",
	"google.com",
};

/* Five kinds, as lists have them. */
static void write_regex(char *to, size_t room, unsigned i)
{
	switch (i % 5) {
	case 0:
		snprintf(to, room, "^ad[sx]?%u[._-]", i);
		break;
	case 1:
		snprintf(to, room, "(^|\\.)track%u.*\\.(com|net|xyz)$", i);
		break;
	case 2:
		snprintf(to, room, "^(.+[_.-])?telemetry%u[_.-]", i);
		break;
	case 3:
		snprintf(to, room, "[a-z0-9]{12,30}\\.evil%u\\.(top|xyz)$", i);
		break;
	default:
		snprintf(to, room, "banner%u.*click", i);
		break;
	}
}

static double judge_ns(const struct policy *p)
{
	struct name wires[ARRAY_LEN(names)];
	struct name_hashes hashes[ARRAY_LEN(names)];
	unsigned n_won = 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		must(name_from_text(names[i], strlen(names[i]), &wires[i]) == 0);
		name_hash_all(wires[i].wire, &hashes[i]);
	}
	uint64_t start_ns = clock_mono_ns();
	for (unsigned i = 0; i < N_ROUNDS; i++) {
		struct verdict v;
		size_t at = i % ARRAY_LEN(names);
		policy_judge_name(p, 0, POLICY_TRIGGER_QUESTION, wires[at].wire, &hashes[at], &v);
		n_won += v.action != POLICY_NONE;
	}
	must(n_won == 0);
	return (double)(clock_mono_ns() - start_ns) / N_ROUNDS;
}

static void measure(unsigned n, const char *image_path)
{
	static struct policy_list_spec spec = { .name = "regex", .action = POLICY_NXDOMAIN };
	static const uint8_t tag[32];
	uint16_t list = 0;
	const struct policy_group_spec group = { .name = "all", .lists = &list, .n_lists = 1 };
	struct policy_builder *b;
	struct policy_patterns *patterns;
	struct policy_pattern_set *set;
	struct policy_image *image;
	struct policy *p;
	must(policy_builder_new(0, &b) == 0 && policy_patterns_new(&patterns) == 0);
	must(policy_builder_add_list(b, &spec, &list) == 0);
	for (unsigned i = 0; i < n; i++) {
		char regex[128];
		const struct policy_pattern_rule r = { .text = regex, .regex = regex, .line = i };
		write_regex(regex, sizeof regex, i);
		must(policy_patterns_add(patterns, spec.name, &r) == 0);
	}
	must(policy_builder_write(b, image_path, tag) == 0);
	policy_builder_free(b);
	must(policy_image_open(image_path, false, &image) == 0);
	uint64_t start_ns = clock_mono_ns();
	must(policy_patterns_make(patterns, NULL, NULL, NULL, &set) == 0);
	double make_s = (double)(clock_mono_ns() - start_ns) / (double)NS_PER_S;
	policy_patterns_free(patterns);
	uint8_t *bytes = NULL;
	size_t n_bytes = 0;
	if (set != NULL) {
		must(policy_image_attach(image, set) == 0);
		must(patterns_serialise(set->patterns, &bytes, &n_bytes) == 0);
		free(bytes);
	}
	policy_pattern_set_put(set);
	must(policy_new(image, &spec, 1, &group, 1, &p) == 0);
	printf("%6u patterns: %7.0f ns a name, made in %6.2f s, database %zu bytes\n", n,
	       judge_ns(p), make_s, n_bytes);
	policy_free(p);
	policy_image_put(image);
	unlink(image_path);
}

int main(int argc, char **argv)
{
	static const unsigned usual[] = { 0, 100, 1000, 10000 };
	char path[] = "/tmp/weir-patterns-bench-XXXXXX";
	int fd = mkstemp(path);
	must(fd >= 0);
	close(fd);
	const struct siphash_key key = { 1, 2 };
	name_set_hash_key(&key);
	if (argc < 2) {
		for (size_t i = 0; i < ARRAY_LEN(usual); i++)
			measure(usual[i], path);
	}
	for (int i = 1; i < argc; i++)
		measure((unsigned)strtoul(argv[i], NULL, 10), path);
	return 0;
}
