/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the formats make of real lists: rules, skips by reason, time and bytes of each file in a
 * folder of published lists. And a check with an oracle: the urlhaus project publishes the same
 * names in several formats, which must agree.
 *
 *     lists_report FOLDER              every list that is known below, and the check
 *     lists_report FILE FORMAT         one file
 *     lists_report --compile FILE FORMAT [STATE]   text to image to verdicts, timed
 *     lists_report --synthetic N FILE  write N made-up names to FILE
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/feeds/syntaxes.h"
#include "base/clock.h"
#include "feeds/rpz_zone.h"
#include "feeds/scan.h"

enum {
	EXIT_SKIPPED = 77
}; /* meson's word for it */

static const struct known {
	const char *file;
	enum feeds_format format;
} known[] = {
	/* clang-format off */
	{ "urlhaus-2022-03/urlhaus-filter-domains.txt.xz",     FEEDS_DOMAINS },
	{ "urlhaus-2022-03/urlhaus-filter-ag.txt.xz",          FEEDS_ADBLOCK },
	{ "urlhaus-2022-03/urlhaus-filter-hosts.txt.xz",       FEEDS_HOSTS },
	{ "urlhaus-2022-03/urlhaus-filter-rpz.conf.xz",        FEEDS_RPZ },
	{ "urlhaus-2022-03/urlhaus-filter-unbound.conf.xz",    FEEDS_UNBOUND },
	{ "urlhaus-2022-03/urlhaus-filter-bind.conf.xz",       FEEDS_BIND },
	{ "hagezi-2025-12/adblock_dyndns.txt.xz",              FEEDS_ADBLOCK },
	{ "hagezi-2025-12/adblock_multi.txt.xz",               FEEDS_ADBLOCK },
	{ "hagezi-2025-12/adblock_pro.txt.xz",                 FEEDS_ADBLOCK },
	{ "hagezi-2025-12/adblock_spam-tlds-adblock.txt.xz",   FEEDS_ADBLOCK },
	{ "hagezi-2025-12/adblock_tif.mini.txt.xz",            FEEDS_ADBLOCK },
	{ "hagezi-2025-12/dnsmasq_multi.txt.xz",               FEEDS_DNSMASQ },
	{ "hagezi-2025-12/dnsmasq_tif.mini.txt.xz",            FEEDS_DNSMASQ },
	{ "hagezi-2025-12/rpz_doh-vpn-proxy-bypass.txt.xz",    FEEDS_RPZ },
	{ "hagezi-2025-12/rpz_doh.txt.xz",                     FEEDS_RPZ },
	{ "hagezi-2025-12/rpz_dyndns.txt.xz",                  FEEDS_RPZ },
	{ "hagezi-2025-12/rpz_fake.txt.xz",                    FEEDS_RPZ },
	{ "hagezi-2025-12/rpz_hoster.txt.xz",                  FEEDS_RPZ },
	{ "hagezi-2025-12/rpz_light.txt.xz",                   FEEDS_RPZ },
	{ "hagezi-2025-12/rpz_popupads.txt.xz",                FEEDS_RPZ },
	{ "hagezi-2025-12/rpz_pro.plus.mini.txt.xz",           FEEDS_RPZ },
	{ "hagezi-2025-12/rpz_spam-tlds-rpz-aggressive.txt.xz", FEEDS_RPZ },
	{ "hagezi-2025-12/rpz_spam-tlds-rpz.txt.xz",           FEEDS_RPZ },
	{ "hagezi-2025-12/rpz_tif-ips.txt.xz",                 FEEDS_RPZ },
	{ "hagezi-2025-12/rpz_ultimate.mini.txt.xz",           FEEDS_RPZ },
	{ "hagezi-2025-12/domains_light.txt.xz",               FEEDS_DOMAINS },
	{ "hagezi-2025-12/hosts_light.txt.xz",                 FEEDS_HOSTS },
	{ "hagezi-2025-12/wildcard_pro.plus-onlydomains.txt.xz", FEEDS_DOMAINS },
	{ "hagezi-2025-12/wildcard_pro.plus.txt.xz",           FEEDS_WILDCARD },
	{ "hagezi-2025-12/wildcard_tif.mini-onlydomains.txt.xz", FEEDS_DOMAINS },
	{ "hagezi3p-2022-07/adguarddns.adblock.txt.xz",        FEEDS_ADBLOCK },
	{ "hagezi3p-2022-07/adguarddns.domains.txt.xz",        FEEDS_DOMAINS },
	{ "hagezi3p-2022-07/easylist.domains.txt.xz",          FEEDS_DOMAINS },
	{ "hagezi3p-2022-07/jawz101.subdomains.domains.txt.xz", FEEDS_DOMAINS },
	{ "hagezi3p-2022-07/someonewhocares.hosts.txt.xz",     FEEDS_HOSTS },
	{ "hagezi3p-2022-07/stevenblack.domains.txt.xz",       FEEDS_DOMAINS },
	/* clang-format on */
};

enum {
	URLHAUS = 6, /* the first ones: one list in so many syntaxes */
};

/* Others that say the same: both have the same names. */
static const struct pair {
	const char *one, *other;
} pairs[] = {
	{ "hagezi-2025-12/domains_light.txt.xz", "hagezi-2025-12/hosts_light.txt.xz" },
	{ "hagezi-2025-12/wildcard_pro.plus-onlydomains.txt.xz",
	  "hagezi-2025-12/wildcard_pro.plus.txt.xz" },
	{ "hagezi-2025-12/dnsmasq_multi.txt.xz", "hagezi-2025-12/adblock_multi.txt.xz" },
	{ "hagezi-2025-12/dnsmasq_tif.mini.txt.xz",
	  "hagezi-2025-12/wildcard_tif.mini-onlydomains.txt.xz" },
};

/* Files that no reader could make rules of, and why that is right. */
static const struct broken {
	const char *file, *why;
} broken[] = {
	{ "hagezi-2025-12/rpz_tif-ips.txt.xz",
	  "its owners have addresses forwards and without prefix length: every record is refused" },
};

struct names {
	uint64_t *hashes;
	size_t n, room;
};

static int keep_name(void *arg, const struct feeds_rule *r)
{
	struct names *names = arg;
	if (r->name == NULL)
		return 0;
	if (names->n == names->room) {
		names->room = names->room == 0 ? 4096 : names->room * 2;
		names->hashes = reallocarray(names->hashes, names->room, sizeof *names->hashes);
		if (names->hashes == NULL)
			return -ENOMEM;
	}
	names->hashes[names->n++] = name_hash(r->name->wire);
	return 0;
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static size_t count_missing(const struct names *in, const struct names *of)
{
	size_t n = 0;
	for (size_t i = 0; i < of->n; i++)
		n += bsearch(&of->hashes[i], in->hashes, in->n, sizeof *in->hashes,
		             compare_hashes) == NULL;
	return n;
}

/* The report (both passes, as a compile makes them), and the names if they are asked for. */
static int run(const char *path, enum feeds_format format, struct names *ret_names)
{
	static struct feeds_report report;
	struct policy_list_spec spec = { .action = POLICY_NXDOMAIN };
	struct feeds_list list = { .spec = &spec, .format = format };
	const char *base = strrchr(path, '/');
	if (format == FEEDS_ADDRESSES)
		spec.match = POLICY_MATCH_ANSWER;
	snprintf(spec.path, sizeof spec.path, "%s", path);
	snprintf(spec.name, sizeof spec.name, "%.60s", base != NULL ? base + 1 : path);
	uint64_t start = clock_mono_ns();
	int e = feeds_check(&list, 0, &report);
	uint64_t ns = clock_mono_ns() - start;
	feeds_report_print(&report, stdout);
	printf("  %s, %.1f MB of text, %.1f ms for two passes, %.0f ns a line and pass\n\n",
	       feeds_format_name(format), (double)report.bytes / 1e6, (double)ns / 1e6,
	       report.lines > 0 ? (double)ns / 2 / (double)report.lines : 0.0);
	if (e != 0 || ret_names == NULL)
		return e;
	struct reader *r;
	const char *why;
	struct scan s = { .pass = SCAN_EMIT,
		          .format = format,
		          .rule = keep_name,
		          .arg = ret_names,
		          .report = &report };
	e = reader_open(path, FEEDS_MAX_BYTES, &r, &why);
	if (e != 0)
		return e;
	e = scan_file(&s, r);
	rpz_zone_free(s.zone);
	reader_close(r);
	if (ret_names->n > 0)
		qsort(ret_names->hashes, ret_names->n, sizeof *ret_names->hashes, compare_hashes);
	return e;
}

static unsigned index_of(const char *file)
{
	for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].file, file) == 0)
			return i;
	}
	must(!"a file that is not known");
	return 0;
}

static bool check_pair(const struct pair *p, const struct names *names)
{
	const struct names *one = &names[index_of(p->one)], *other = &names[index_of(p->other)];
	size_t missing = count_missing(one, other), extra = count_missing(other, one);
	bool is_good = one->n > 0 && other->n > 0 && missing == 0 && extra == 0;
	printf("%s: %s (%zu names) and %s (%zu): %zu only in the second, %zu only in the first\n",
	       is_good ? "agree" : "DIFFER", p->one, one->n, p->other, other->n, missing, extra);
	return is_good;
}

/* Every name of the urlhaus list, judged with each of its syntaxes. */
static bool check_verdicts(const char *folder)
{
	static char paths[URLHAUS][4096];
	struct syntax all[URLHAUS];
	struct syntaxes_result r;
	for (unsigned i = 0; i < URLHAUS; i++) {
		snprintf(paths[i], sizeof paths[i], "%s/%s", folder, known[i].file);
		all[i] = (struct syntax){ paths[i], known[i].format };
	}
	int e = syntaxes_compare(all, URLHAUS, stdout, &r);
	printf("urlhaus in %d syntaxes: error %d, %zu names, %zu blocked by all, %zu differently "
	       "(%zu of them numbers)\n",
	       URLHAUS, e, r.names, r.blocked, r.different, r.numbers);
	return e == 0 && r.names > 6000 && r.different == r.numbers && r.numbers < 10;
}

static bool is_broken(const char *file)
{
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		if (strcmp(broken[i].file, file) == 0) {
			printf("  as expected: %s\n\n", broken[i].why);
			return true;
		}
	}
	return false;
}

static int run_folder(const char *folder)
{
	static struct names names[ARRAY_LEN(known)];
	char path[4096];
	int n_bad = 0;
	if (access(folder, R_OK) != 0) {
		printf("skipped: there is no %s\n", folder);
		return EXIT_SKIPPED;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		snprintf(path, sizeof path, "%s/%s", folder, known[i].file);
		if (run(path, known[i].format, &names[i]) != 0)
			n_bad += !is_broken(known[i].file);
	}
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		n_bad += !check_pair(&pairs[i], names);
	n_bad += !check_verdicts(folder);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		free(names[i].hashes);
	return n_bad == 0 ? 0 : 1;
}

/* Resident memory in MB, of which file pages (the mapped image) are told apart. */
static void print_memory(const char *when)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	printf("%s:", when);
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (strncmp(line, "VmHWM", 5) == 0 || strncmp(line, "VmRSS", 5) == 0 ||
		    strncmp(line, "RssAnon", 7) == 0 || strncmp(line, "RssFile", 7) == 0)
			printf(" %.7s %ld MB", line,
			       strtol(strchr(line, ':') + 1, NULL, 10) / 1024);
	}
	printf("\n");
	if (f != NULL)
		fclose(f);
}

static int compile_one(const char *path, enum feeds_format format, const char *state_dir)
{
	struct policy_list_spec spec = { .name = "bench", .action = POLICY_NXDOMAIN };
	struct feeds_list list = { .spec = &spec, .format = format };
	struct feeds_plan plan = { .lists = &list, .n_lists = 1, .state_dir = state_dir };
	struct feeds_result result;
	struct policy_image *image;
	bool is_current;
	snprintf(spec.path, sizeof spec.path, "%s", path);
	print_memory("at start");
	uint64_t start = clock_mono_ns();
	int e = feeds_compile(&plan, NULL, &result);
	printf("compile: %.0f ms, error %d\n", (double)(clock_mono_ns() - start) / 1e6, e);
	if (e != 0)
		return e;
	feeds_report_print(&result.reports[0], stdout);
	feeds_result_done(&result);
	print_memory("compiled, image unmapped");
	if (state_dir == NULL)
		return 0;
	start = clock_mono_ns();
	e = feeds_open(&plan, false, &image, &is_current);
	printf("open: %.0f ms, error %d, current %d\n", (double)(clock_mono_ns() - start) / 1e6, e,
	       is_current);
	print_memory("image mapped");
	if (e == 0)
		policy_image_put(image);
	return e;
}

static int write_synthetic(uint64_t n, const char *path)
{
	static const char *const tlds[] = { "com", "net", "org", "example", "co.uk", "xyz" };
	FILE *f = fopen(path, "w");
	if (f == NULL)
		return 1;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t x = i * 0x9e3779b97f4a7c15ULL;
		fprintf(f, "%s%" PRIx64 ".%s\n", i % 3 == 0 ? "www.tracking." : "ads",
		        x >> (i % 5 * 4), tlds[i % ARRAY_LEN(tlds)]);
	}
	return fclose(f) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	const struct siphash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	enum feeds_format format;
	name_set_hash_key(&key);
	if (argc == 4 && strcmp(argv[1], "--synthetic") == 0)
		return write_synthetic(strtoull(argv[2], NULL, 10), argv[3]);
	if (argc >= 4 && strcmp(argv[1], "--compile") == 0 &&
	    feeds_format_from_text(argv[3], &format) == 0)
		return compile_one(argv[2], format, argv[4]) == 0 ? 0 : 1;
	if (argc == 3 && feeds_format_from_text(argv[2], &format) == 0)
		return run(argv[1], format, NULL) == 0 ? 0 : 1;
	if (argc == 2)
		return run_folder(argv[1]);
	fprintf(stderr, "usage: lists_report FOLDER | FILE FORMAT | "
	                "--compile FILE FORMAT [STATE] | --synthetic N FILE\n");
	return 2;
}
