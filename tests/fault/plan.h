/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/fault/plan.h - which call is to fail, how; and how often each was seen.
 *
 * The plan is told by who tests, over a Unix socket, one line a command:
 *
 *   arm K HOW KEY...   the K-th call of this key from now on fails; everything is counted from 0. "ok"
 *   disarm             nothing fails any more. "hit N": how many calls did
 *   hits               the same, and it goes on
 *   counts             a line "N KEY" for each key seen since `arm` or the start, and "."
 *   idle               milliseconds since the last call to a file below the folder, or the end of the last child
 *                      process; 0 while there is one
 *   pid                the process under test
 *
 * HOW is the name of an error (ENOSPC), SHORT (half of the bytes), KILL (kill -9 before the call) or KILLED (after
 * it). With + behind it, it stays so: ENOSPC+ for all calls that take space below the folder (a full disk), another
 * error for all calls to files there (a disk that is gone) or, for memory, for all of this thread.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "calls.h"

enum plan_verb {
	PLAN_GO_ON,
	PLAN_FAIL,
	PLAN_SHORT,
	PLAN_KILL,
	PLAN_KILL_AFTER
};

/* Listen at `path` and serve it in a thread. `text` (or NULL) is an `arm` before anything runs. False: errno. */
bool plan_start(const char *path, pid_t pid, const char *text);

/* What is to happen to this call, which is counted. @ret_errno: for PLAN_FAIL */
enum plan_verb plan_judge(const char *thread, const struct call *c, int *ret_errno);

/* So many threads of child processes more, or less. */
void plan_count_children(int change);
