/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/job.h - one attempt to bring a source's newest version: its URLs in turn.
 *
 * What:      asks the first URL; when it fails, the next. A version that is good (whole, no web
 *            page) and other than the one that is there takes its place (place.h).
 * Threads:   the fetching thread.
 * Memory:    heap.
 * Cost:      blocks on disk when a version is put into its place (fsync).
 * Limits:    the source's of bytes and time, for each URL.
 * Standards: RFC 9110 13.1
 * Tests:     tests/system/fetch_test.py
 */
#pragma once

#include "fetch/place.h"
#include "fetch/request.h"

struct job;

struct job_outcome {
	bool is_good;  /* the server answered well */
	bool is_new;   /* and there is a new version in its place */
	bool is_ready; /* the version that is there is known: `version` */
	struct validators version;
	char url[FETCH_URL_MAX]; /* that was asked last */
	char why[FETCH_WHY_MAX]; /* not is_good */
	uint32_t retry_after_s;
};

struct job_plan {
	struct net *net;
	const struct fetch_source *source; /* outlives the job */
	const char *state_dir;
	void (*done)(void *arg, const struct job_outcome *o); /* perhaps from inside job_start();
								 the job must not be freed in it */
	void *arg;
};

/* 0; -ENOMEM; -ENAMETOOLONG. */
MUST_USE int job_start(const struct job_plan *plan, struct job **ret);
void job_free(struct job *j); /* gives up; NULL is fine */
