/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/loader.h - putting a configuration's policy in force: at the start, and at a reload.
 *
 * What:      reading configuration and lists takes seconds, so it runs on a thread of its own;
 *            the result is published by the main thread. Meanwhile the old policy serves.
 *
 *                loader_begin() -> thread: config_load, feeds_compile -> loop_wake(main)
 *                               -> loader_finish(): policy_new, policy_publish
 *
 * Threads:   the main thread calls everything here; one load at a time.
 *            The load's own is nice, and for a large policy idle (SCHED_IDLE) as long as it gets a
 *            fifth of a core so (and may come back: RLIMIT_NICE): workers that share the core do not
 *            wait for its slice to end.
 * Memory:    the configuration in force, and for a while the next one.
 * Cost:      publishing: microseconds, but for copying the specs of lists and groups.
 * Limits:    one load at a time; a reload asked for meanwhile starts when it is done.
 * Tests:     tests/system/reload_test.py
 */
#pragma once

#include "config/config.h"
#include "feeds/feeds.h"
#include "io/loop.h"

struct loader;

/* What a load led to. Borrowed until the next call. */
struct loader_outcome {
	bool is_in_force;
	bool has_new_config;         /* is_in_force, and the configuration was read anew */
	char error[512];             /* why not */
	const char *const *messages; /* one line each, for the operator */
	unsigned n_messages;
	uint32_t took_ms;
	const struct config *config; /* now in force */
};

/* `config` is taken. `main_loop` is woken when a load has finished. */
MUST_USE int loader_new(const char *config_path, struct config *config, struct loop *main_loop,
                        struct loader **ret);
void loader_free(struct loader *l);

/*
 * At the start: the last good image is put in force if there is one, else the lists are read and
 * compiled now. *ret_is_current: nothing is left to be done; otherwise loader_begin() next.
 * 0 or -errno (said in the log).
 */
MUST_USE int loader_start(struct loader *l, bool *ret_is_current);

/* Begin a load on the thread. with_config: read the configuration file anew. -EBUSY: queued. */
MUST_USE int loader_begin(struct loader *l, bool with_config);
/* When the main loop was woken: true if a load has ended; then it is published, or refused. */
bool loader_finish(struct loader *l, struct loader_outcome *ret);
bool loader_is_finished(const struct loader *l); /* loader_finish() will be true */

/*
 * Every second: lists with rules that begin or end to hold by themselves (format stix) are read again
 * when the first of them does, at most every 30 s and four times as long as the last reading took;
 * after a failure later, up to an hour. Others are not read for that. So are they when the file of a list
 * that was missing is there (looked for every 5 s), and written no more.
 */
void loader_tick(struct loader *l, uint64_t now_s);

const struct config *loader_config(const struct loader *l);
/* Its lists, borrowed until the next configuration is in force. */
const struct feeds_list *loader_feeds(const struct loader *l, unsigned *ret_n);
/* What the last load said of a list; NULL: no such list. */
const struct feeds_report *loader_report(const struct loader *l, const char *list_name);
uint64_t loader_count(const struct loader *l);  /* loads in force so far */
uint64_t loader_time_s(const struct loader *l); /* wall clock of the last */
/* The image, a copy or a version of the last could not be written; it is tried again. */
bool loader_is_unkept(const struct loader *l);
