/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/ceilings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/log.h"

enum {
	FILE_MAX = 4 << 20
};

struct ceilings {
	struct detect *detect;
	char path[4200];  /* "": in memory only */
	uint64_t version; /* on the disk */
	uint64_t tried_s;
	bool is_failing;
};

static void load(struct ceilings *c)
{
	char why[DETECT_WHY_MAX] = "", bad[sizeof c->path + 4], *text = NULL;
	size_t n = 0;
	int e = disk_read(c->path, FILE_MAX, &text, &n);
	if (e == -ENOENT)
		return;
	if (e == 0)
		e = detect_load_ceilings(c->detect, text, n, why);
	free(text);
	if (e != 0) {
		snprintf(bad, sizeof bad, "%s.bad", c->path);
		log_error("%s: %s: put aside as %s; ceilings are learned anew", c->path,
		          why[0] != 0 ? why : strerror(-e), bad);
		if (rename(c->path, bad) != 0)
			log_error("%s cannot be renamed: %s", c->path, strerror(errno));
	} else if (why[0] != 0) {
		log_warning("%s: %s", c->path, why);
	}
}

int ceilings_start(struct detect *detect, const char *folder, struct ceilings **ret)
{
	*ret = NULL;
	if (detect == NULL)
		return 0;
	struct ceilings *c = calloc(1, sizeof *c);
	if (c == NULL)
		return -ENOMEM;
	c->detect = detect;
	if (folder != NULL && folder[0] != 0) {
		snprintf(c->path, sizeof c->path, "%s/ceilings", folder);
		load(c);
	}
	c->version = detect_ceilings_version(detect);
	uint64_t now_s = clock_wall_ns() / NS_PER_S;
	detect_tick(detect, now_s); /* it learns from the first question on */
	if (detect_learns_until_s(detect) > now_s)
		log_info(
			"the leak budget learns ceilings for %llu hours (detect.leak.learn); 'weir "
			"ceilings' shows them",
			(unsigned long long)(detect_learns_until_s(detect) - now_s + 3599) / 3600);
	*ret = c;
	return 0;
}

int ceilings_save(struct ceilings *c)
{
	uint64_t version = c != NULL ? detect_ceilings_version(c->detect) : 0;
	char *text;
	size_t n;
	if (c == NULL || c->path[0] == 0 || version == c->version)
		return 0;
	int e = detect_save_ceilings(c->detect, &text, &n);
	if (e == 0) {
		e = disk_save(c->path, text, n, 0640);
		free(text);
	}
	if (e == 0) {
		c->version = version;
		if (c->is_failing)
			log_info("%s is written again", c->path);
	} else if (!c->is_failing) {
		log_error(
			"%s cannot be written: %s: what is learned is kept in memory, and written "
			"when it can be",
			c->path, strerror(-e));
	}
	c->is_failing = e != 0;
	return e;
}

void ceilings_tick(struct ceilings *c, uint64_t now_s)
{
	if (c == NULL)
		return;
	detect_tick(c->detect, now_s);
	if (now_s >= c->tried_s && now_s < c->tried_s + CEILINGS_SAVE_S)
		return;
	c->tried_s = now_s;
	if (ceilings_save(c) != 0)
		return; /* it was told, and is tried again */
}

void ceilings_stop(struct ceilings *c)
{
	if (ceilings_save(c) != 0)
		log_error("%s: what was learned since it was written last is lost", c->path);
	free(c);
}
