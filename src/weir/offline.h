/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/offline.h - the policy of a configuration, without a server: for explain --offline and
 * replay.
 *
 * What:      reads the configuration, maps the image in the state folder if it is what the lists
 *            give and compiles the lists otherwise, reads the edits, and publishes all that in
 *            this process. Nothing is written to the state folder: a server may be running on it.
 * Threads:   main thread, no other running.
 * Memory:    as a server's policy.
 * Cost:      up to some seconds for millions of names whose image is not current.
 * Limits:    those of feeds/feeds.h.
 * Tests:     tests/unit/weir/remote_test.py
 */
#pragma once

#include "config/config.h"
#include "local/local.h"
#include "policy/policy.h"

/* Publish it. 0, or -errno after the reason was said on standard error. */
MUST_USE int offline_start(const char *argv0, const char *config_path, struct config **ret_config);

/* Another policy beside the one in force, to compare with. The edits hold for both. */
struct offline_second {
	struct config *config;
	struct policy *policy; /* not published */
	struct local *local;
};

/*
 * After offline_start(). lists_dir: read each list NAME from lists_dir/NAME instead of where the
 * configuration says, the copies of a state folder of another day; NULL: not so.
 */
MUST_USE int offline_second_start(const char *argv0, const char *config_path, const char *lists_dir,
                                  struct offline_second *ret);
void offline_second_stop(struct offline_second *s); /* before offline_stop() */

/* The thread leaves RCU; the configuration is freed. */
void offline_stop(struct config *config);
