/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a large policy costs: scale_bench [NAMES [FOLDER]] makes a list of that many names
 * (10,000,000) below FOLDER (/var/tmp), compiles it, maps it, changes it. One figure a line.
 *
 * Memory is the process's own account: VmRSS (mapped pages of the image included) and, for peaks,
 * VmHWM, set back before each part.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/rcu.h"
#include "feeds/feeds.h"

enum {
	EDITS = 20000,
	SYNCED_EDITS = 500,
	PATH_ROOM = 512
};

static char folder[PATH_ROOM - 64], list_path[PATH_ROOM], state[PATH_ROOM];
static struct policy_list_spec spec = { .name = "bench", .action = POLICY_NXDOMAIN };
static struct feeds_list list = { .spec = &spec, .format = FEEDS_DOMAINS };
static struct feeds_plan plan = { .lists = &list, .n_lists = 1, .state_dir = state };
static double empty; /* resident bytes of the process before all */

static double seconds(uint64_t since_ns)
{
	return (double)(clock_mono_ns() - since_ns) / 1e9;
}

/* A line of /proc/self/status, in bytes. */
static double status(const char *key)
{
	char line[256];
	double kib = -1;
	FILE *f = fopen("/proc/self/status", "r");
	must(f != NULL);
	while (fgets(line, sizeof line, f) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0)
			kib = strtod(line + strlen(key) + 1, NULL);
	}
	fclose(f);
	return kib * 1024;
}

/* From here on a new peak. */
static void peak_reset(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && write(fd, "5", 1) == 1);
	close(fd);
}

/* As names stand in real lists: a random label under a popular suffix. */
static size_t name_text(uint64_t i, char *ret, size_t room)
{
	static const char *const suffixes[] = { "com", "net",  "org",   "xyz",
		                                "top", "info", "co.uk", "ru" };
	uint64_t mixed = (i + 1) * 0x9e3779b97f4a7c15ULL;
	mixed ^= mixed >> 29;
	return (size_t)snprintf(ret, room, "h%" PRIx64 "%" PRIx64 ".%s", mixed >> 20, i,
	                        suffixes[mixed % ARRAY_LEN(suffixes)]);
}

/* The list: names `from` to `to`. */
static void list_write(uint64_t from, uint64_t to)
{
	char beside[PATH_ROOM + 8], text[128];
	snprintf(beside, sizeof beside, "%s.n", list_path);
	FILE *f = fopen(beside, "w");
	must(f != NULL);
	for (uint64_t i = from; i < to; i++) {
		size_t n = name_text(i, text, sizeof text);
		text[n] = '\n';
		must(fwrite(text, 1, n + 1, f) == n + 1);
	}
	must(fclose(f) == 0 && rename(beside, list_path) == 0);
}

/* Every page of the policy that a question can touch. */
static void ask_all(struct policy_image *image, uint64_t from, uint64_t to, bool is_listed)
{
	uint16_t order = 0;
	struct policy_group_spec group = { .name = "all", .lists = &order, .n_lists = 1 };
	struct policy *p;
	unsigned n_won = 0;
	unsigned n_asked = 0;
	must(policy_new(image, &spec, 1, &group, 1, &p) == 0);
	for (uint64_t i = from; i < to; i += 1 + (to - from) / 500000, n_asked++) {
		char text[128];
		struct name name;
		struct name_hashes h;
		struct verdict v;
		size_t n = name_text(i, text, sizeof text);
		must(name_from_text(text, n, &name) == 0);
		name_hash_all(name.wire, &h);
		policy_judge_name(p, 0, POLICY_TRIGGER_QUESTION, name.wire, &h, &v);
		n_won += v.action == POLICY_NXDOMAIN;
	}
	must(n_won == (is_listed ? n_asked : 0));
	policy_free(p);
}

static struct policy_image *compile(struct policy_image *current, const char *what)
{
	struct feeds_result r;
	uint64_t start_ns = clock_mono_ns();
	must(feeds_compile(&plan, current, &r) == 0);
	must(!r.is_unchanged);
	uint32_t base, over;
	policy_image_count(r.image, &base, &over);
	printf("%-12s %9.3f s   image %u names, overlay %u\n", what, seconds(start_ns), base, over);
	struct policy_image *image = r.image;
	r.image = NULL;
	feeds_result_done(&r);
	return image;
}

/* The whole again, while the old one is resident and in use; then the swap. */
static struct policy_image *reload_whole(struct policy_image *old, uint64_t n, double resident)
{
	uint64_t shifted = n / 2; /* half of the names are others: no overlay */
	list_write(shifted, n + shifted);
	ask_all(old, 0, n, true);
	peak_reset();
	struct policy_image *image = compile(old, "full");
	double during = status("VmHWM:") - empty;
	policy_image_put(old); /* as the last reader leaves */
	ask_all(image, shifted, n + shifted, true);
	double after = status("VmHWM:") - empty;
	printf("peak         %9.2f x   of resident while compiling (%.1f MB), %.2f x until the new one "
	       "is resident\n",
	       during / resident, during / 1e6, after / resident);
	return image;
}

/* Rules added and removed by the policy's own interface, as an incremental transfer has them. */
static struct policy_image *delta(struct policy_image *image, uint64_t from, uint64_t n_changes,
                                  uint64_t new_from)
{
	static const uint8_t tag[32];
	struct policy_builder *b;
	struct policy_image *over;
	struct policy_rule rule = { .scope = POLICY_SCOPE_TREE };
	char path[PATH_ROOM + 16], text[128];
	uint16_t at;
	uint64_t start_ns = clock_mono_ns();
	snprintf(path, sizeof path, "%s/policy.overlay", state);
	must(policy_builder_new(2 * n_changes, &b) == 0);
	must(policy_builder_from(b, image) == 0);
	must(policy_builder_change_list(b, &spec, &at) == 0);
	for (uint64_t i = 0; i < 2 * n_changes; i++) {
		struct name name;
		uint64_t which = i < n_changes ? from + i : new_from + i - n_changes;
		size_t n = name_text(which, text, sizeof text);
		must(name_from_text(text, n, &name) == 0);
		int e = i < n_changes ? policy_builder_remove_name(b, at, name.wire, &rule)
		                      : policy_builder_add_name(b, at, name.wire, &rule);
		must(e == 0);
	}
	must(policy_builder_write_overlay(b, path, tag, UINT32_MAX) == 0);
	policy_builder_free(b);
	struct policy_image *base = policy_image_base(image);
	must(policy_overlay_open(path, base, &over) == 0);
	policy_image_put(base);
	printf("delta        %9.3f s   %" PRIu64 " removed, %" PRIu64
	       " added, by rules; overlay on the disk and mapped\n",
	       seconds(start_ns), n_changes, n_changes);
	ask_all(over, from, from + n_changes, false);
	ask_all(over, new_from, new_from + n_changes, true);
	return over;
}

static void edits(struct policy_image *image, const char *path, unsigned n, const char *what)
{
	uint16_t order = 0;
	struct policy_group_spec group = { .name = "all", .lists = &order, .n_lists = 1 };
	struct policy *p;
	must(policy_new(image, &spec, 1, &group, 1, &p) == 0);
	policy_publish(p);
	must(policy_edits_open(path) == 0);
	struct policy_edit e = { .action = POLICY_ALLOW,
		                 .scope = POLICY_SCOPE_TREE,
		                 .group = POLICY_NO_GROUP };
	uint64_t start_ns = clock_mono_ns();
	for (unsigned i = 0; i < n; i++) {
		char text[128];
		size_t len = name_text(i, text, sizeof text);
		must(name_from_text(text, len, &e.name) == 0);
		must(policy_edit_add(&e) == 0);
	}
	printf("edit         %9.2f us  %s\n", seconds(start_ns) * 1e6 / n, what);
	policy_edits_close();
	policy_publish(NULL);
}

static void measure(uint64_t n)
{
	struct policy_image *image;
	bool is_current;
	list_write(0, n);
	printf("names        %9" PRIu64 "\n", n);
	peak_reset();
	image = compile(NULL, "text");
	printf("memory       %9.1f MB  at most while compiling\n",
	       (status("VmHWM:") - empty) / 1e6);
	policy_image_put(image);

	uint64_t start_ns = clock_mono_ns();
	must(feeds_open(&plan, false, &image, &is_current) == 0 && is_current);
	printf("start        %9.3f s   from the image\n", seconds(start_ns));
	ask_all(image, 0, n, true);
	ask_all(image, n, n + 1000, false);
	double resident = status("VmRSS:") - empty;
	printf("resident     %9.2f B   a name, after names all over the list were asked for (%.1f MB)\n",
	       resident / (double)n, resident / 1e6);

	image = reload_whole(image, n, resident);
	uint64_t first = n / 2;
	uint64_t last = n + n / 2;
	uint64_t percent = n / 100;
	struct policy_image *small = delta(image, first, percent / 100, last);
	policy_image_put(small);
	struct policy_image *over = delta(image, first, percent, last);
	ask_all(over, first + percent, last, true);
	policy_image_put(over);
	list_write(first + percent, last + percent); /* the same as a file */
	over = compile(image, "file, 1 %");
	ask_all(over, first + percent, last + percent, true);
	policy_image_put(image);
	edits(over, "", EDITS, "without the journal");
	char journal[PATH_ROOM + 16];
	snprintf(journal, sizeof journal, "%s/edits", folder);
	edits(over, journal, SYNCED_EDITS, "written and synced to the disk");
	unlink(journal);
	policy_image_put(over);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
	if (n < 100000) {
		fprintf(stderr, "usage: scale_bench [NAMES [FOLDER]], at least 100,000\n");
		return 2;
	}
	snprintf(folder, sizeof folder, "%s/weir-scale-XXXXXX", argc > 2 ? argv[2] : "/var/tmp");
	must(mkdtemp(folder) != NULL);
	snprintf(list_path, sizeof list_path, "%s/names", folder);
	snprintf(state, sizeof state, "%s/state", folder);
	snprintf(spec.path, sizeof spec.path, "%s", list_path);
	rcu_thread_start();
	struct siphash_key key = { random_u64(), random_u64() };
	name_set_hash_key(&key);
	empty = status("VmRSS:");
	measure(n);
	rcu_drain();
	rcu_thread_stop();
	static const char *const left[] = { "names",
		                            "state/policy.image",
		                            "state/policy.overlay",
		                            "state/lists/bench",
		                            "state/lists",
		                            "state" };
	char path[PATH_ROOM];
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		snprintf(path, sizeof path, "%s/%s", folder, left[i]);
		(void)remove(path);
	}
	return rmdir(folder) != 0;
}
