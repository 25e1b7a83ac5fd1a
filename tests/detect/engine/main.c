/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine REPORT [-d DATA] [-s SEED] [-n SEEDS] [-c CLIENTS] [-o PART]: README.md has what they say. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports.h"

static const struct {
	const char *name;
	int (*run)(const struct options *o);
	const char *help;
} reports[] = {
	{ "captures", report_captures, "recorded tunnels and malware: what got out" },
	{ "names", report_names, "ordinary names: false positives of each set and detector" },
	{ "storm", report_storm,
	  "antivirus, mail servers, hosts of contents: 100,000 names an hour" },
	{ "day", report_day, "an office of 500 clients: false alerts" },
	{ "cost", report_cost, "CPU of each detector, memory, a million domains and clients" },
	{ "check", report_check, "a sample that needs no data: -d tests/detect/dga-sample.tsv" },
};

static int usage(void)
{
	fprintf(stderr,
	        "usage: engine REPORT [-d DATA] [-s SEED] [-n SEEDS] [-c CLIENTS] [-o PART]\n");
	for (unsigned i = 0; i < ARRAY_LEN(reports); i++)
		fprintf(stderr, "  %-10s %s\n", reports[i].name, reports[i].help);
	return 2;
}

int main(int argc, char **argv)
{
	struct options o = { .folder = ENGINE_DATA, .seed = 1, .seeds = 1 };
	if (argc < 2)
		return usage();
	const char *name = argv[1];
	/* Those that need the data. */
	for (unsigned i = 0; strcmp(name, "list") == 0 && i + 1 < ARRAY_LEN(reports); i++)
		printf("%s\n", reports[i].name);
	if (strcmp(name, "list") == 0)
		return 0;
	for (int c; (c = getopt(argc - 1, argv + 1, "d:s:n:c:o:")) != -1;) {
		if (c == 'd')
			o.folder = optarg;
		else if (c == 's')
			o.seed = strtoull(optarg, NULL, 10);
		else if (c == 'n')
			o.seeds = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'c')
			o.clients = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'o')
			o.only = optarg;
		else
			return usage();
	}
	for (unsigned i = 0; i < ARRAY_LEN(reports); i++) {
		if (strcmp(name, reports[i].name) == 0)
			return reports[i].run(&o);
	}
	return usage();
}
