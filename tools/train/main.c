/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dga-train: the model of generated domains, from data to file to table (tools/train/README.md). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs.h"
#include "sample.h"

static const char usage[] =
	"usage: dga-train freeze DATA DICTIONARY FOLDER SEEDS DAY   train, and set all thresholds\n"
	"                        SEEDS: how many, or from-to\n"
	"       dga-train refreeze DATA DICTIONARY FOLDER SEEDS     thresholds of clients anew\n"
	"       dga-train preview DATA DICTIONARY FOLDER SEEDS      the table, from the validation part\n"
	"       dga-train test   DATA DICTIONARY FOLDER SEEDS       the table, from the test part\n"
	"       dga-train excerpt DATA DICTIONARY > SAMPLE          names of the test part to ship\n"
	"       dga-train check  MODEL SAMPLE RATE WRONG NAMES      a model with such an excerpt: the share\n"
	"                        of generated names found must be at least, that of ordinary names, and\n"
	"                        the names until an alert (95th percentile) at most so much\n"
	"       dga-train score  MODEL NAME...                      single names\n"
	"       dga-train speed  MODEL SAMPLE                       what scoring costs\n";

static unsigned number(const char *text, unsigned long max, const char *what)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	if (*text == '\0' || *end != '\0' || n == 0 || n > max)
		die("not a number that fits", what);
	return (unsigned)n;
}

/* "5": 1 to 5; "2-3" */
static void seeds_of(char *text, unsigned *ret_first, unsigned *ret_last)
{
	char *dash = strchr(text, '-');
	*ret_first = 1;
	if (dash != NULL) {
		*dash = '\0';
		*ret_first = number(text, SEEDS_MAX, "SEEDS");
	}
	*ret_last = number(dash != NULL ? dash + 1 : text, SEEDS_MAX, "SEEDS");
}

int main(int n, char **arg)
{
	static struct material m;
	const char *verb = n > 1 ? arg[1] : "";
	unsigned first, last;
	if (strcmp(verb, "freeze") == 0 && n == 7) {
		seeds_of(arg[5], &first, &last);
		uint32_t day = number(arg[6], 99991231, "DAY");
		material_read(&m, arg[2], arg[3]);
		runs_freeze(&m, arg[4], first, last, day);
	} else if ((strcmp(verb, "test") == 0 || strcmp(verb, "preview") == 0) && n == 6) {
		unsigned seeds = number(arg[5], SEEDS_MAX, "SEEDS");
		material_read_names(&m, arg[2]);
		runs_test(&m, arg[4], seeds, verb[0] == 't' ? PART_TEST : PART_VALID);
	} else if (strcmp(verb, "refreeze") == 0 && n == 6) {
		seeds_of(arg[5], &first, &last);
		material_read_names(&m, arg[2]);
		runs_refreeze(&m, arg[4], first, last);
	} else if (strcmp(verb, "excerpt") == 0 && n == 4) {
		material_read(&m, arg[2], arg[3]);
		sample_write(&m.corpus);
	} else if (strcmp(verb, "check") == 0 && n == 7) {
		return sample_check(arg[2], arg[3], strtod(arg[4], NULL), strtod(arg[5], NULL),
		                    number(arg[6], 1000, "NAMES"));
	} else if (strcmp(verb, "score") == 0 && n > 3) {
		sample_score(arg[2], arg + 3, (unsigned)n - 3);
	} else if (strcmp(verb, "speed") == 0 && n == 4) {
		sample_speed(arg[2], arg[3]);
	} else {
		fputs(usage, stderr);
		return 2;
	}
	return 0;
}
