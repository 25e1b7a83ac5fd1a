/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A segment of alerts that a crash, the disk or somebody else has written: it is read without harm;
 * numbers go up; what is read and what is missing add up; and what is appended then is read, too.
 */
#include "alerts/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char dir[64], path[128];

static void remove_all(void)
{
	unlink(path);
	rmdir(dir);
}

static void write_segment(const uint8_t *data, size_t n)
{
	FILE *f = fopen(path, "we");
	must(f != NULL);
	must(n == 0 || fwrite(data, 1, n, f) == n);
	must(fclose(f) == 0);
}

/* Each number from `from` to the end is either read or missing. */
static void read_from(struct spool *s, uint64_t from)
{
	struct spool_place p = { .seq = from };
	struct spool_item item;
	uint64_t lost, sum = 0, last = from > 0 ? from - 1 : 0;
	while (spool_read(s, &p, ALERT_LOW, &item, &lost) == 0) {
		must(item.seq >= from && (item.seq > last || from == 0));
		must(strchr(item.json, '\n') == NULL);
		last = item.seq;
		sum += lost + 1;
		free(item.json);
	}
	must(p.seq >= spool_next(s));
	must(from > spool_next(s) || sum + lost == spool_next(s) - from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct spool *s;
	if (dir[0] == 0) {
		snprintf(dir, sizeof dir, "/tmp/weir-spool-fuzz-XXXXXX");
		must(mkdtemp(dir) != NULL);
		snprintf(path, sizeof path, "%s/%016x.alerts", dir, 1);
		must(atexit(remove_all) == 0);
	}
	write_segment(data, n);
	must(spool_open(dir, 1 << 20, &s) == 0);
	uint64_t next = spool_next(s);
	read_from(s, 1);
	read_from(s, next / 2 + 1);
	must(spool_append(s, ALERT_HIGH, "{}") == 0);
	must(spool_next(s) == next + 1);
	struct spool_place p = { .seq = next };
	struct spool_item item;
	uint64_t lost;
	must(spool_read(s, &p, ALERT_LOW, &item, &lost) == 0 && item.seq == next && lost == 0);
	free(item.json);
	spool_trim(s, next + 1); /* the file goes */
	must(spool_bytes(s) == 0);
	spool_close(s);
	unlink(path);
	return 0;
}
