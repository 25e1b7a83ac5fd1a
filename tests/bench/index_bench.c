/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the policy index costs: index_bench [NAMES [FOLDER]]. Builds an image of that many names
 * (1,000,000) in FOLDER (/tmp), maps it, judges. Prints one figure a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/rcu.h"
#include "policy/policy.h"

enum {
	N_ASKED = 1 << 16,
	N_ROUNDS = 20
};

static double seconds(uint64_t since_ns)
{
	return (double)(clock_mono_ns() - since_ns) / 1e9;
}

/* Resident bytes of the process, all kinds. */
static double resident(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/statm", "r");
	must(f != NULL && fgets(line, sizeof line, f) != NULL);
	fclose(f);
	const char *pages = strchr(line, ' '); /* the second number */
	must(pages != NULL);
	return strtod(pages, NULL) * (double)sysconf(_SC_PAGESIZE);
}

/* The i-th name: four labels, of realistic lengths. */
static void name_make(uint64_t i, struct name *ret)
{
	char text[96];
	uint64_t mixed = (i + 1) * 0x9e3779b97f4a7c15ULL;
	int n = snprintf(text, sizeof text, "www.host%llx.shop%llu.example",
	                 (unsigned long long)(mixed >> 28), (unsigned long long)(i % 5000));
	must(name_from_text(text, (size_t)n, ret) == 0);
}

static void build(uint64_t n_names, const char *path)
{
	struct policy_builder *b;
	static struct policy_list_spec spec = { .name = "bench",
		                                .action = POLICY_NXDOMAIN,
		                                .path = "bench" };
	static const uint8_t tag[32];
	struct policy_rule rule = { .scope = POLICY_SCOPE_TREE };
	uint16_t list;
	uint64_t naming_ns = clock_mono_ns();
	struct name name;
	uint64_t kept = 0;
	for (uint64_t i = 0; i < n_names; i++) {
		name_make(i, &name);
		kept += name.wire[5];
	}
	double naming = seconds(naming_ns);
	must(kept > 0);
	uint64_t start_ns = clock_mono_ns();
	must(policy_builder_new(n_names, &b) == 0);
	must(policy_builder_add_list(b, &spec, &list) == 0);
	for (uint64_t i = 0; i < n_names; i++) {
		name_make(i, &name);
		must(policy_builder_add_name(b, list, name.wire, &rule) == 0);
	}
	printf("add         %8.3f s   (without making the names up)\n", seconds(start_ns) - naming);
	printf("resident    %8.1f MB  while building\n", resident() / 1e6);
	start_ns = clock_mono_ns();
	policy_builder_end_list(b, list, 0, 1);
	must(policy_builder_write(b, path, tag) == 0);
	printf("write       %8.3f s   (with fsync)\n", seconds(start_ns));
	policy_builder_free(b);
}

/* Names one behind the other, so that the bench's own memory stays out of the figures. */
static uint8_t *names_make(uint64_t n_names, bool is_hit)
{
	uint8_t *wire = malloc((size_t)N_ASKED * NAME_MAX_BYTES);
	must(wire != NULL);
	uint8_t *at = wire;
	for (unsigned i = 0; i < N_ASKED; i++) {
		struct name name;
		name_make(random_u64() % n_names + (is_hit ? 0 : n_names), &name);
		memcpy(at, name.wire, name.len);
		at += name.len;
	}
	return wire;
}

static double hash_ns(const uint8_t *wire)
{
	struct name_hashes h;
	uint64_t kept = 0;
	uint64_t start_ns = clock_mono_ns();
	for (unsigned round = 0; round < N_ROUNDS; round++) {
		const uint8_t *at = wire;
		for (unsigned i = 0; i < N_ASKED; i++, at += name_len(at)) {
			name_hash_all(at, &h);
			kept ^= h.h[0];
		}
	}
	must(kept == 0); /* an even number of rounds */
	return seconds(start_ns) * 1e9 / (N_ASKED * (double)N_ROUNDS);
}

static void judge(const struct policy *p, uint64_t n_names, bool is_hit)
{
	uint8_t *wire = names_make(n_names, is_hit);
	struct name_hashes h;
	unsigned n_won = 0;
	uint64_t start_ns = clock_mono_ns();
	for (unsigned round = 0; round < N_ROUNDS; round++) {
		const uint8_t *at = wire;
		for (unsigned i = 0; i < N_ASKED; i++, at += name_len(at)) {
			struct verdict v;
			name_hash_all(at, &h);
			policy_judge_name(p, 0, POLICY_TRIGGER_QUESTION, at, &h, &v);
			n_won += v.action == POLICY_NXDOMAIN;
		}
	}
	double ns = seconds(start_ns) * 1e9 / (N_ASKED * (double)N_ROUNDS);
	double hashing = hash_ns(wire);
	printf("judge       %8.1f ns  %s, 4 labels; hashing them beforehand %.1f ns\n",
	       ns - hashing, is_hit ? "listed" : "not listed", hashing);
	must(n_won == (is_hit ? N_ASKED * N_ROUNDS : 0));
	free(wire);
}

static void find_groups(unsigned n_prefixes)
{
	struct addr_prefix *clients = calloc(n_prefixes, sizeof *clients);
	must(clients != NULL);
	for (unsigned i = 0; i < n_prefixes; i++) {
		clients[i].addr = addr_v4(0x0a000000U + (i << 12));
		clients[i].length = 20 + i % 5;
	}
	struct policy_group_spec g = { .name = "all", .clients = clients, .n_clients = n_prefixes };
	struct policy *p;
	must(policy_new(NULL, NULL, 0, &g, 1, &p) == 0);
	static struct addr asked[1024];
	for (unsigned i = 0; i < 1024; i++)
		asked[i] = addr_v4(0x0a000000U + random_below(n_prefixes << 12));
	unsigned found = 0;
	uint64_t start_ns = clock_mono_ns();
	for (unsigned i = 0; i < 1000 * 1024; i++)
		found += policy_group_of(p, &asked[i % 1024]) == 0;
	printf("group       %8.1f ns  %u prefixes\n", seconds(start_ns) * 1e9 / (1000 * 1024),
	       n_prefixes);
	must(found > 0);
	policy_free(p);
	free(clients);
}

static void edits(unsigned n)
{
	must(policy_edits_open("") == 0);
	struct policy_edit e = { .action = POLICY_ALLOW,
		                 .scope = POLICY_SCOPE_TREE,
		                 .group = POLICY_NO_GROUP };
	uint64_t start_ns = clock_mono_ns();
	for (unsigned i = 0; i < n; i++) {
		name_make(i, &e.name);
		must(policy_edit_add(&e) == 0);
	}
	printf("edit        %8.2f us  each of %u, without the journal\n",
	       seconds(start_ns) * 1e6 / n, n);
	policy_edits_close();
}

int main(int argc, char **argv)
{
	uint64_t n_names = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	char path[4096];
	if (n_names == 0) {
		fprintf(stderr, "usage: index_bench [NAMES [FOLDER]]\n");
		return 2;
	}
	snprintf(path, sizeof path, "%s/index_bench.%d", argc > 2 ? argv[2] : "/tmp", getpid());
	rcu_thread_start();
	struct siphash_key key = { random_u64(), random_u64() };
	name_set_hash_key(&key);
	double empty = resident();
	printf("names       %8llu\n", (unsigned long long)n_names);
	build(n_names, path);
	printf("resident    %8.1f MB  more than before, builder freed\n",
	       (resident() - empty) / 1e6);
	struct policy_image *image;
	uint64_t start_ns = clock_mono_ns();
	must(policy_image_open(path, false, &image) == 0);
	printf("open        %8.3f s\n", seconds(start_ns));
	struct policy_list_spec spec = { .name = "bench", .action = POLICY_NXDOMAIN };
	uint16_t list = 0;
	struct policy_group_spec group = { .name = "all", .lists = &list, .n_lists = 1 };
	struct policy *p;
	must(policy_new(image, &spec, 1, &group, 1, &p) == 0);
	printf("memory      %8.2f bytes a name, resident\n",
	       (resident() - empty) / (double)n_names);
	judge(p, n_names, true);
	judge(p, n_names, false);
	find_groups(8);
	find_groups(4000);
	edits(5000);
	policy_free(p);
	policy_image_put(image);
	unlink(path);
	rcu_drain();
	rcu_thread_stop();
	return 0;
}
